/* 47-audio.sql: recordings. */

CREATE TYPE healthml.audio_info AS (
	format text,
	encoding text,
	sample_rate integer,
	channels integer,
	duration_s float8,
	peak float8,
	rms float8,
	dc_offset float8,
	clipped_share float8,
	noise_db float8,
	snr_db float8,
	truncated boolean,
	invalid_samples bigint
);
COMMENT ON TYPE healthml.audio_info IS 'what audio_info tells of a recording';
COMMENT ON COLUMN healthml.audio_info.format IS 'kind of file: wav, flac, ogg or mp3';
COMMENT ON COLUMN healthml.audio_info.encoding IS 'of the samples in the file: pcm_s16, float32, a_law, vorbis, ...';
COMMENT ON COLUMN healthml.audio_info.sample_rate IS 'Hz';
COMMENT ON COLUMN healthml.audio_info.channels IS 'in the file; what follows is about their mean';
COMMENT ON COLUMN healthml.audio_info.duration_s IS 'seconds that could be decoded';
COMMENT ON COLUMN healthml.audio_info.peak IS 'largest magnitude; 1 is full scale';
COMMENT ON COLUMN healthml.audio_info.rms IS 'root mean square round the mean; 1 is full scale';
COMMENT ON COLUMN healthml.audio_info.dc_offset IS 'the mean; 1 is full scale';
COMMENT ON COLUMN healthml.audio_info.clipped_share IS 'share of samples, 0 to 1, in runs of three or more that stay at the largest or the smallest value';
COMMENT ON COLUMN healthml.audio_info.noise_db IS 'noise floor in dB of full scale: the level that one tenth of the 25 ms frames stay below; -120 at least';
COMMENT ON COLUMN healthml.audio_info.snr_db IS 'dB by which the loudest tenth of the frames is above that floor';
COMMENT ON COLUMN healthml.audio_info.truncated IS 'whether the file ends before its recording does';
COMMENT ON COLUMN healthml.audio_info.invalid_samples IS 'samples that were NaN, infinite or absurdly large, and count as 0';

CREATE FUNCTION healthml.audio_info(audio bytea) RETURNS healthml.audio_info
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10000 AS 'MODULE_PATHNAME', 'healthml_audio_info';
COMMENT ON FUNCTION healthml.audio_info(bytea) IS
'format, length, level, clipping and noise of a recording: a WAV, FLAC, OGG (Vorbis, Opus) or MP3 file. A file that is cut off is described as far as it goes; what is no recording is an error. Channels are mixed. At most healthml.max_audio_seconds, 32 channels and rates of 500 to 384000 Hz; memory, that of the unpacked value and of its samples at 4 bytes each, is bounded by healthml.max_memory';
