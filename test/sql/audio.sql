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

DROP TABLE recording;
DROP FUNCTION wav, repeated, u32, u16;
