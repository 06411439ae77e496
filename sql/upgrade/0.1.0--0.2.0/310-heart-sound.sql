/* 310-heart-sound.sql: changes since 0.1.0. */

COMMENT ON FUNCTION healthml.batch_classify(text, text, text, text, integer) IS
'classifies every recording of a source (a table, a view or one SELECT, read as the caller and unable to write), keeps the predictions in healthml.prediction and counts them. subject is the column that identifies whom a recording is about, audio the column of the recordings; a row without one is passed over. explain is the number of reasons to keep with each prediction, with its features and a narrative, 0 for none. A file that cannot be decoded is left out with a WARNING and kept in healthml.score_failure; with healthml.on_score_error = error it ends the batch. healthml.batch_progress shows how far it is';

CREATE OR REPLACE FUNCTION healthml.heart_sound_classify(audio bytea, model text DEFAULT 'heart_sound')
RETURNS healthml.heart_sound
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 50000 AS 'MODULE_PATHNAME', 'healthml_classify';

CREATE OR REPLACE FUNCTION healthml.heart_sound_classify(audio bytea, artifact_id uuid) RETURNS healthml.heart_sound
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 50000 AS 'MODULE_PATHNAME', 'healthml_classify';

CREATE OR REPLACE FUNCTION healthml.heart_sound_features(audio bytea) RETURNS jsonb
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50000 AS 'MODULE_PATHNAME', 'healthml_signal_features';

CREATE OR REPLACE FUNCTION healthml.fill_heart_sound() RETURNS trigger
LANGUAGE C COST 50000 AS 'MODULE_PATHNAME', 'healthml_score_row';

CREATE FUNCTION healthml.record_heart_sound() RETURNS trigger
LANGUAGE C COST 50000 AS 'MODULE_PATHNAME', 'healthml_score_row';
COMMENT ON FUNCTION healthml.record_heart_sound() IS
'trigger record_heart_sound(''model'', ''audio_column'', ''subject_column''), AFTER INSERT OR UPDATE, FOR EACH ROW: keeps a prediction of each recording in healthml.prediction, with reasons and narrative when the risk is high, and from healthml.notify_level upward sends NOTIFY healthml_alerts as record_risk does; an uncertain one raises no alert. A row without a recording is passed over; one that cannot be decoded is kept in healthml.score_failure, see healthml.on_score_error';

COMMENT ON FUNCTION healthml.heart_sound_classify(bytea, text) IS
'whether a recording of the heart sounds normal. audio is a WAV, FLAC, OGG (Vorbis, Opus) or MP3 file, at most healthml.max_audio_seconds long; anything else is an error. Not a diagnosis: docs/model-card-heart-sound.md describes what the model can do and what it cannot';
