/* 300-audio.sql: changes since 0.1.0. */

COMMENT ON TYPE healthml.audio_info IS 'what audio_info reports about a recording';
