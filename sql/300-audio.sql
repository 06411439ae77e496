/* 300-audio.sql: recordings. */

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
	invalid_samples bigint,
	mix text
);
COMMENT ON TYPE healthml.audio_info IS 'what audio_info reports about a recording';
COMMENT ON COLUMN healthml.audio_info.format IS 'kind of file: wav, flac, ogg or mp3';
COMMENT ON COLUMN healthml.audio_info.encoding IS 'of the samples in the file: pcm_s16, float32, a_law, vorbis, ...';
COMMENT ON COLUMN healthml.audio_info.sample_rate IS 'Hz';
COMMENT ON COLUMN healthml.audio_info.channels IS 'in the file; what follows is about their mix';
COMMENT ON COLUMN healthml.audio_info.duration_s IS 'seconds that could be decoded';
COMMENT ON COLUMN healthml.audio_info.peak IS 'largest magnitude; 1 is full scale';
COMMENT ON COLUMN healthml.audio_info.rms IS 'root mean square round the mean; 1 is full scale';
COMMENT ON COLUMN healthml.audio_info.dc_offset IS 'the mean; 1 is full scale';
COMMENT ON COLUMN healthml.audio_info.clipped_share IS 'share of samples, 0 to 1, in runs of three or more that stay at the largest or the smallest value';
COMMENT ON COLUMN healthml.audio_info.noise_db IS 'noise floor in dB of full scale: the level that one tenth of the 25 ms frames stay below; -120 at least';
COMMENT ON COLUMN healthml.audio_info.snr_db IS 'dB by which the loudest tenth of the frames is above that floor';
COMMENT ON COLUMN healthml.audio_info.truncated IS 'whether the file ends before its recording does';
COMMENT ON COLUMN healthml.audio_info.invalid_samples IS 'samples that were NaN, infinite or absurdly large, and count as 0';
COMMENT ON COLUMN healthml.audio_info.mix IS 'how the channels became one: mono, mean or, where they cancel each other as with opposite phases, difference or the loudest channel, such as channel 2';

CREATE FUNCTION healthml.audio_info(audio bytea) RETURNS healthml.audio_info
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10000 AS 'MODULE_PATHNAME', 'healthml_audio_info';
COMMENT ON FUNCTION healthml.audio_info(bytea) IS
'format, length, level, clipping and noise of a recording: a WAV, FLAC, OGG (Vorbis, Opus) or MP3 file. A file that is cut off is described as far as it goes; what is no recording is an error. Lengths come from the sound itself, not from what a header promises, and files that were joined are heard to their end. Channels are mixed. At most healthml.max_audio_seconds, 32 channels and rates of 500 to 384000 Hz; memory, that of the unpacked value and of its samples at 4 bytes each, is bounded by healthml.max_memory';

CREATE FUNCTION healthml.mel_spectrogram(audio bytea, sample_rate integer DEFAULT 4000, n_mels integer DEFAULT 128, n_fft integer DEFAULT 512,
	hop_length integer DEFAULT 128, fmin float8 DEFAULT 0, fmax float8 DEFAULT NULL, padding text DEFAULT 'constant',
	db_ref float8 DEFAULT 1, top_db float8 DEFAULT 80) RETURNS real[]
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20000 AS 'MODULE_PATHNAME', 'healthml_mel_spectrogram';
COMMENT ON FUNCTION healthml.mel_spectrogram(bytea, integer, integer, integer, integer, float8, float8, text, float8, float8) IS
'power of a recording in dB, n_mels bands from low to high by 1 + samples / hop_length frames, as librosa''s power_to_db(feature.melspectrogram(y, sr)) gives it after soxr has brought the recording to sample_rate (NULL: left as it is). Bands of Slaney''s mel scale and normalisation from fmin to fmax Hz (NULL: half the rate); periodic Hann windows of n_fft samples, even and at most 65536, centred on every hop_length-th sample, with zeros (padding constant) or the mirrored recording (reflect) beyond the ends. 0 dB is the power db_ref (NULL: the largest there is, librosa''s ref=np.max); powers below 1e-10 count as that, and what is more than top_db below the largest is raised to there (NULL: not). At most 1024 bands and 64 Mi cells. NULL where an argument is NULL that has no meaning for it';

CREATE FUNCTION healthml.synthetic_heart_sound(seconds float8 DEFAULT 10, bpm float8 DEFAULT 72, murmur text DEFAULT 'none',
	noise float8 DEFAULT 0.005, seed bigint DEFAULT 1) RETURNS bytea
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50000 AS 'MODULE_PATHNAME', 'healthml_synthetic_heart_sound';
COMMENT ON FUNCTION healthml.synthetic_heart_sound(float8, float8, text, float8, bigint) IS
'a recording of a heart that does not exist, for demonstrations and tests: a WAV file, 16 bit, mono, 4000 Hz. seconds is from 0.1 to 600, bpm from 20 to 300; murmur is none, systolic or diastolic; noise, from 0 to 1, is the root mean square of white noise, where a first sound peaks at about 0.3. The same arguments give the same sound';

CREATE FUNCTION healthml.plot_waveform(audio bytea, from_s float8 DEFAULT 0, to_s float8 DEFAULT 'infinity', title text DEFAULT 'Waveform') RETURNS text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20000 AS 'MODULE_PATHNAME', 'healthml_plot_waveform';
COMMENT ON FUNCTION healthml.plot_waveform(bytea, float8, float8, text) IS
'a picture of a recording, or of its seconds from_s to to_s: level over time as SVG text, 1 being full scale';

CREATE FUNCTION healthml.plot_spectrogram(audio bytea, from_s float8 DEFAULT 0, to_s float8 DEFAULT 'infinity', sample_rate integer DEFAULT 4000,
	n_mels integer DEFAULT 64, n_fft integer DEFAULT 256, fmin float8 DEFAULT 0, fmax float8 DEFAULT 'infinity', top_db float8 DEFAULT 60,
	title text DEFAULT 'Spectrogram') RETURNS text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50000 AS 'MODULE_PATHNAME', 'healthml_plot_spectrogram';
COMMENT ON FUNCTION healthml.plot_spectrogram(bytea, float8, float8, integer, integer, integer, float8, float8, float8, text) IS
'the mel spectrogram of a recording, or of its seconds from_s to to_s, as SVG text of less than 300 kB. Colours go from the loudest cell, 0 dB, to top_db (1 to 200) below. The recording is brought to sample_rate; n_mels (at most 200) bands go from fmin to fmax Hz, but not beyond what sample_rate and the recording can hold; n_fft samples, even, are the length of a frame: more of them separate frequencies better, fewer separate moments';
