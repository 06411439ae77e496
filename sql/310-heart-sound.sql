/* 310-heart-sound.sql: normal and abnormal hearts by their sound. */

CREATE TYPE healthml.heart_sound AS (
	label text,
	p_abnormal float8,
	confidence float8,
	duration_s float8,
	sample_rate integer,
	windows integer,
	model text,
	version integer,
	heart_rate_bpm float8,
	reason text
);
COMMENT ON TYPE healthml.heart_sound IS 'what a model hears in a recording of the heart';
COMMENT ON COLUMN healthml.heart_sound.label IS
'normal, abnormal, or uncertain where the recording is silent, clipped, has fewer than three heart beats, or is too noisy to judge';
COMMENT ON COLUMN healthml.heart_sound.p_abnormal IS
'calibrated probability of an abnormal heart, for a practice that sees as many ill as healthy ones; 0.5 where no heart is heard';
COMMENT ON COLUMN healthml.heart_sound.confidence IS
'probability that the likelier of the two classes is right: the larger of p_abnormal and 1 - p_abnormal';
COMMENT ON COLUMN healthml.heart_sound.duration_s IS 'length of the recording in seconds';
COMMENT ON COLUMN healthml.heart_sound.sample_rate IS 'of the file, Hz; models hear everything at 4000 Hz';
COMMENT ON COLUMN healthml.heart_sound.windows IS 'overlapping windows of five seconds, whose noise was weighed';
COMMENT ON COLUMN healthml.heart_sound.heart_rate_bpm IS 'heart beats a minute; NULL where the rhythm is not reliable';
COMMENT ON COLUMN healthml.heart_sound.reason IS 'why the label is uncertain, else NULL';

CREATE FUNCTION healthml.heart_sound_classify(audio bytea, model text DEFAULT 'heart_sound')
RETURNS healthml.heart_sound
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 50000 AS 'MODULE_PATHNAME', 'healthml_classify';
COMMENT ON FUNCTION healthml.heart_sound_classify(bytea, text) IS
'whether a recording of the heart sounds normal. audio is a WAV, FLAC, OGG (Vorbis, Opus) or MP3 file, at most healthml.max_audio_seconds long; anything else is an error. Not a diagnosis: docs/model-card-heart-sound.md describes what the model can do and what it cannot';

CREATE FUNCTION healthml.heart_sound_classify(audio bytea, artifact_id uuid) RETURNS healthml.heart_sound
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 50000 AS 'MODULE_PATHNAME', 'healthml_classify';
COMMENT ON FUNCTION healthml.heart_sound_classify(bytea, uuid) IS
'as with a model name, for one artifact; model and version are the oldest that has it';

CREATE FUNCTION healthml.heart_sound_features(audio bytea) RETURNS jsonb
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50000 AS 'MODULE_PATHNAME', 'healthml_signal_features';
COMMENT ON FUNCTION healthml.heart_sound_features(bytea) IS
'what a model hears in a recording, by name: contrasts between the phases of a typical beat in several bands, and its timing. Takes the place of a row where one is scored or explained: healthml.shap_explain(healthml.heart_sound_features(audio), ''heart_sound''). NULL where fewer than three heart beats are heard';

CREATE FUNCTION healthml.batch_classify(model text, source text, subject text DEFAULT NULL, audio text DEFAULT 'audio',
	explain integer DEFAULT 0, OUT recordings bigint, OUT normal bigint, OUT abnormal bigint, OUT uncertain bigint, OUT unreadable bigint)
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000 AS 'MODULE_PATHNAME', 'healthml_batch_classify';
COMMENT ON FUNCTION healthml.batch_classify(text, text, text, text, integer) IS
'classifies every recording of a source (a table, a view or one SELECT, read as the caller and unable to write), keeps the predictions in healthml.prediction and counts them. subject is the column that identifies whom a recording is about, audio the column of the recordings; a row without one is passed over. explain is the number of reasons to keep with each prediction, with its features and a narrative, 0 for none. A file that cannot be decoded is left out with a WARNING and kept in healthml.score_failure; with healthml.on_score_error = error it ends the batch. healthml.batch_progress shows how far it is';

CREATE FUNCTION healthml.fill_heart_sound() RETURNS trigger
LANGUAGE C COST 50000 AS 'MODULE_PATHNAME', 'healthml_score_row';
COMMENT ON FUNCTION healthml.fill_heart_sound() IS
'trigger fill_heart_sound(''model'', ''audio_column'', ''label_column'', ''p_column''), BEFORE INSERT OR UPDATE, FOR EACH ROW: writes label (normal, abnormal, uncertain) and probability of an abnormal heart into the row. label_column is text or varchar, p_column float8, real or numeric. A row without a recording, or with one that cannot be decoded, gets NULL in both; see healthml.on_score_error';

CREATE FUNCTION healthml.record_heart_sound() RETURNS trigger
LANGUAGE C COST 50000 AS 'MODULE_PATHNAME', 'healthml_score_row';
COMMENT ON FUNCTION healthml.record_heart_sound() IS
'trigger record_heart_sound(''model'', ''audio_column'', ''subject_column''), AFTER INSERT OR UPDATE, FOR EACH ROW: keeps a prediction of each recording in healthml.prediction, with reasons and narrative when the risk is high, and from healthml.notify_level upward sends NOTIFY healthml_alerts as record_risk does; an uncertain one raises no alert. A row without a recording is passed over; one that cannot be decoded is kept in healthml.score_failure, see healthml.on_score_error';
