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

-- what is no recording, or none that makes sense
CREATE FUNCTION heard(audio bytea) RETURNS text IMMUTABLE AS $$
DECLARE
	info audio_info;
BEGIN
	info := audio_info(audio);
	RETURN format('%s, %s channels, %s Hz, %s s%s%s', info.encoding, info.channels, info.sample_rate, info.duration_s,
		CASE WHEN info.truncated THEN ', cut off' END, ', ' || nullif(info.invalid_samples, 0) || ' invalid');
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ': ' || SQLERRM;
END
$$ LANGUAGE plpgsql;
SELECT name, heard(audio) FROM (VALUES
	(1, 'empty', '\x'::bytea),
	(2, 'one byte', '\x52'),
	(3, 'text', 'id,audio'),
	(4, 'JPEG', '\xffd8ffe000104a46494600010100000100010000ffdb0043000806060706'),
	(5, 'tag of an MP3 alone', '\x49443303000000000014415049430000000a000000696d6167652f6a706567'),
	(6, 'header alone', wav('')),
	(7, 'promises 4 GB', wav(repeated('\x0010', 1000), size => 4294967000)),
	(8, '0 channels', wav(repeated('\x0010', 1000), channels => 0)),
	(9, '1,000 channels', wav(repeated('\x0010', 10000), channels => 1000)),
	(10, '1 Hz', wav(repeated('\x0010', 1000), 1)),
	(11, '10 MHz', wav(repeated('\x0010', 1000), 10000000)),
	(12, '8 bits', wav(repeated('\x80a0', 500), bits => 8)),
	(13, '24 bits', wav(repeated('\x001000', 1000), bits => 24)),
	(14, 'A-law', wav(repeated('\xd555', 500), bits => 8, tag => 6)),
	(15, 'float', wav(repeated('\x0000003f', 1000), bits => 32, tag => 3)),
	(16, 'float with NaN', wav(repeated('\x0000003f', 990) || repeated('\x0000c07f', 10), bits => 32, tag => 3)),
	(17, 'float with infinity', wav(repeated('\x0000003f', 990) || repeated('\x0000807f', 10), bits => 32, tag => 3)),
	(18, 'NaN', wav(repeated('\x0000c07f', 1000), bits => 32, tag => 3)),
	(20, 'unknown encoding', wav(repeated('\x0010', 1000), tag => 4660)),
	(21, '0.1 s', wav(repeated('\x0010', 100))),
	(22, 'one sample', wav('\x0010')),
	(23, '2 hours', wav(repeated('\x0010', 7200000))),
	(24, 'two channels', wav(repeated('\x00100030', 1000), channels => 2))) AS hostile (number, name, audio)
ORDER BY number;

-- lengths that a recorder did not write: 0, or the most that a size can hold; the whole is 2,036 bytes after its size
SELECT name, heard(overlay(overlay(wav(repeated('\x0010', 1000)) PLACING sound FROM 41) PLACING whole FROM 5)) FROM (VALUES
	(1, 'both written', '\xd0070000'::bytea, '\xf4070000'::bytea),
	(2, 'sound 0', '\x00000000', '\xf4070000'),
	(3, 'sound 0, whole 36', '\x00000000', '\x24000000'),
	(4, 'both 0', '\x00000000', '\x00000000'),
	(5, 'both unknown', '\xffffffff', '\xffffffff'),
	(6, 'sox to a pipe', '\x00f0ff7f', '\x24f0ff7f'),
	(7, 'sound 0, whole longer than the file', '\x00000000', '\xf4170000')) AS sizes (number, name, sound, whole)
ORDER BY number;
SELECT heard(wav(repeated('\x0010', 1000)) || wav(repeated('\x0010', 500))) AS joined, heard(repeated('\x00', 1000) || wav(repeated('\x0010', 1000))) AS zeros;

-- two channels of opposite phase do not cancel each other
SELECT channels, round(peak::numeric, 2) AS peak, mix FROM audio_info(wav(repeated('\x004000c0004000c000c0004000c00040', 500), channels => 2));
SELECT channels, round(peak::numeric, 2) AS peak, mix FROM audio_info(wav(repeated('\x0040004000c000c0', 500), channels => 2));

-- honest about what carries no sound: silence, an offset, clipping
SELECT name, round(peak::numeric, 3) AS peak, round(rms::numeric, 3) AS rms, round(dc_offset::numeric, 3) AS dc_offset, clipped_share,
	round(noise_db::numeric, 3) AS noise_db, snr_db FROM (VALUES
	(1, 'silence', wav(repeated('\x0000', 1000))),
	(2, 'offset', wav(repeated('\x0020', 1000))),
	(3, 'full scale', wav(repeated('\xff7f', 1000))),
	(4, 'clipped', wav(repeated('\xff7f', 250) || repeated('\x0080', 250) || repeated('\xff7f', 250) || repeated('\x0080', 250)))) AS v (number, name, audio), audio_info(audio)
ORDER BY number;
SELECT name, (heart).label, (heart).reason FROM (
	SELECT number, name, heart_sound_classify(audio) AS heart FROM (VALUES
		(1, 'silence', wav(repeated('\x0000', 20000))),
		(2, 'offset', wav(repeated('\x0020', 20000))),
		(3, 'clipped', wav(repeated(repeated('\xff7f', 250) || repeated('\x0080', 250), 20))),
		(4, '0.1 s', synthetic_heart_sound(0.1)),
		(5, 'one sample', wav('\x0010'))) AS v (number, name, audio)) AS classified
ORDER BY number;

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
	SELECT svg ~ '^<svg .*</svg>$' AND regexp_replace(svg, 'base64,[^"]*', '', 'g') !~ 'nan|inf' AND length(svg) < 300000
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
DROP FUNCTION wav, repeated, u32, u16, heard, is_picture;
