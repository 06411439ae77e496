/* 300-audio.sql: changes since 0.1.0. */

COMMENT ON TYPE healthml.audio_info IS 'what audio_info reports about a recording';
ALTER TYPE healthml.audio_info ADD ATTRIBUTE mix text;
COMMENT ON COLUMN healthml.audio_info.channels IS 'in the file; what follows is about their mix';
COMMENT ON COLUMN healthml.audio_info.mix IS 'how the channels became one: mono, mean or, where they cancel each other as with opposite phases, difference or the loudest channel, such as channel 2';
COMMENT ON FUNCTION healthml.audio_info(bytea) IS
'format, length, level, clipping and noise of a recording: a WAV, FLAC, OGG (Vorbis, Opus) or MP3 file. A file that is cut off is described as far as it goes; what is no recording is an error. Lengths come from the sound itself, not from what a header promises, and files that were joined are heard to their end. Channels are mixed. At most healthml.max_audio_seconds, 32 channels and rates of 500 to 384000 Hz; memory, that of the unpacked value and of its samples at 4 bytes each, is bounded by healthml.max_memory';

COMMENT ON FUNCTION healthml.plot_spectrogram(bytea, float8, float8, integer, integer, integer, float8, float8, float8, text) IS
'the mel spectrogram of a recording, or of its seconds from_s to to_s, as SVG text of less than 300 kB. Colours go from the loudest cell, 0 dB, to top_db (1 to 200) below. The recording is brought to sample_rate; n_mels (at most 200) bands go from fmin to fmax Hz, but not beyond what sample_rate and the recording can hold; n_fft samples, even, are the length of a frame: more of them separate frequencies better, fewer separate moments';
