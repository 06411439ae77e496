-- Recordings: what is in them, their spectrograms and pictures.
SET search_path = healthml, public;

-- A WAV file; samples are in hex, in the encoding of the format tag (1 PCM, 3 float, 6 A-law).
CREATE FUNCTION u16(n bigint) RETURNS bytea IMMUTABLE AS $$ SELECT substr(int4send((((n & 255) << 8) | (n >> 8 & 255))::int), 3) $$ LANGUAGE sql;
CREATE FUNCTION u32(n bigint) RETURNS bytea IMMUTABLE AS $$ SELECT u16(n & 65535) || u16(n >> 16) $$ LANGUAGE sql;
CREATE FUNCTION wav(samples bytea, rate bigint DEFAULT 1000, channels int DEFAULT 1, bits int DEFAULT 16, tag int DEFAULT 1,
	size bigint DEFAULT NULL) RETURNS bytea IMMUTABLE AS $$
	SELECT 'RIFF'::bytea || u32(coalesce(size, length(samples)) + 36) || 'WAVEfmt '::bytea || u32(16) || u16(tag) || u16(channels)
		|| u32(rate) || u32(rate * channels * bits / 8) || u16(channels * bits / 8) || u16(bits)
		|| 'data'::bytea || u32(coalesce(size, length(samples))) || samples
$$ LANGUAGE sql;
CREATE FUNCTION repeated(samples bytea, times int) RETURNS bytea IMMUTABLE AS $$ SELECT decode(repeat(encode(samples, 'hex'), times), 'hex') $$ LANGUAGE sql;

-- a square wave of half of full scale: levels that can be computed by hand
SELECT format, encoding, sample_rate, channels, duration_s, peak, rms, dc_offset, clipped_share, round(noise_db::numeric, 6) AS noise_db,
	snr_db, truncated, invalid_samples
FROM audio_info(wav(repeated('\x0040004000c000c0', 500)));
SELECT audio_info(NULL) IS NULL AS strict;

-- values that are toasted; a datum of some kilobytes that would unpack to more memory than allowed
CREATE TABLE recording (id int, audio bytea);
INSERT INTO recording VALUES (1, wav(repeated('\x00', 30000000)));
ALTER TABLE recording ALTER audio SET STORAGE EXTERNAL;
INSERT INTO recording VALUES (2, wav(repeated('\x0040004000c000c0', 500)));
SELECT pg_column_size(audio) < 1000000 AS compressed, (audio_info(audio)).duration_s FROM recording WHERE id = 1;
SET healthml.max_audio_seconds = 20000;
SELECT id, pg_column_size(audio) < length(audio) AS compressed, (audio_info(audio)).duration_s FROM recording ORDER BY id;
SET healthml.max_memory = '20MB';
SELECT (audio_info(audio)).duration_s FROM recording WHERE id = 1;
RESET healthml.max_memory;
RESET healthml.max_audio_seconds;

-- synthetic heart sounds: the same arguments, the same bytes
SELECT format, encoding, sample_rate, channels, duration_s, round(peak::numeric, 2) AS peak, clipped_share, round(noise_db) AS noise_db,
	round(snr_db) AS snr_db, truncated
FROM audio_info(synthetic_heart_sound());
SELECT synthetic_heart_sound(5) = synthetic_heart_sound(5) AS same, synthetic_heart_sound(5) = synthetic_heart_sound(5, seed => 2) AS other_seed,
	synthetic_heart_sound(5) = synthetic_heart_sound(5, murmur => 'systolic') AS murmur, length(synthetic_heart_sound(600));
SELECT synthetic_heart_sound(601);
SELECT synthetic_heart_sound(5, 'NaN');
SELECT synthetic_heart_sound(5, murmur => 'loud');
SELECT synthetic_heart_sound(5, noise => -1);

-- spectrograms: one of silence is the floor, one of a tone has its largest power in the band of that tone
SELECT array_dims(mel_spectrogram(synthetic_heart_sound(5))), array_dims(mel_spectrogram(synthetic_heart_sound(5), 8000, 40, 256, 80));
SELECT DISTINCT unnest(mel_spectrogram(wav(repeated('\x0000', 2000)))) AS silence;
SELECT DISTINCT unnest(mel_spectrogram(wav(repeated('\x0000', 2000)), db_ref => NULL, top_db => NULL)) AS silence;
SELECT array_agg(band ORDER BY band) AS bands_of_250_hz FROM (
	SELECT band, spectrum[band][8] AS db FROM mel_spectrogram(wav(repeated('\x0040004000c000c0', 500)), NULL, 24, 256) AS spectrum,
		generate_series(1, 24) AS band ORDER BY 2 DESC LIMIT 2) AS loudest;
SELECT max(db), min(db) FROM unnest(mel_spectrogram(synthetic_heart_sound(5), db_ref => NULL, top_db => 30)) AS db;
SELECT mel_spectrogram(NULL) IS NULL AS audio, mel_spectrogram(synthetic_heart_sound(1), n_mels => NULL) IS NULL AS n_mels;
SELECT mel_spectrogram(synthetic_heart_sound(1), 0);
SELECT mel_spectrogram(synthetic_heart_sound(1), 2147483647);
SELECT mel_spectrogram(synthetic_heart_sound(1), n_mels => 0);
SELECT mel_spectrogram(synthetic_heart_sound(1), n_fft => 131072);
SELECT mel_spectrogram(synthetic_heart_sound(1), hop_length => -1);
SELECT mel_spectrogram(synthetic_heart_sound(1), fmin => 'NaN');
SELECT mel_spectrogram(synthetic_heart_sound(1), fmin => 1000, fmax => 900);
SELECT mel_spectrogram(synthetic_heart_sound(1), fmax => 2001);
SELECT mel_spectrogram(synthetic_heart_sound(1), padding => 'mirror');
SELECT mel_spectrogram(synthetic_heart_sound(1), db_ref => 'NaN');
SELECT mel_spectrogram(synthetic_heart_sound(600), n_mels => 1024, hop_length => 1);

-- pictures
CREATE FUNCTION is_picture(svg text) RETURNS boolean IMMUTABLE AS $$
	SELECT svg ~ '^<svg .*</svg>$' AND svg !~ '\m(nan|inf)\M' AND length(svg) < 300000
$$ LANGUAGE sql;
SELECT is_picture(plot_waveform(sound)) AS wave, is_picture(plot_spectrogram(sound)) AS spectrogram,
	plot_spectrogram(sound, title => '<&">') LIKE '%<title>&lt;&amp;&quot;&gt;</title>%' AS escaped,
	plot_waveform(sound) LIKE '%wav, 4000 Hz, 300.0 s%' AS facts
FROM synthetic_heart_sound(300, murmur => 'systolic') AS sound;
SELECT plot_waveform(NULL) IS NULL AS strict;
SELECT plot_waveform(synthetic_heart_sound(5), 5);
SELECT plot_waveform(synthetic_heart_sound(5), 'NaN');
SELECT plot_spectrogram(synthetic_heart_sound(5), 2, 1);
SELECT plot_spectrogram(synthetic_heart_sound(5), n_mels => 201);
SELECT plot_spectrogram(synthetic_heart_sound(5), n_fft => -2);
SELECT plot_spectrogram(synthetic_heart_sound(5), fmax => 0);
SELECT plot_spectrogram(synthetic_heart_sound(5), top_db => 'infinity');

DROP TABLE recording;
DROP FUNCTION wav, repeated, u32, u16, is_picture;
