-- what a modality needs in SQL: a function named after it, and the columns that it returns
CREATE SCHEMA modality_test;
SET search_path = modality_test, healthml, public;
\set VERBOSITY terse

CREATE TABLE heart AS SELECT synthetic_heart_sound(6, 70, 'systolic', 0.002, 1) AS audio;

-- columns are filled by name: classes with and without "p_", measures, what every verdict has; an unknown one is NULL
CREATE TYPE verdict AS (abnormal real, p_normal float8, usable_share float8, windows bigint, label text, p_murmur_of_no_model float8,
	word_of_nothing text, duration_s float8, model text);
CREATE FUNCTION heart_sound_verdict(audio bytea, model text DEFAULT 'heart_sound') RETURNS verdict
LANGUAGE C STABLE AS '$libdir/healthml', 'healthml_classify';
SELECT v.abnormal = h.p_abnormal::real AS abnormal, v.p_normal = 1 - h.p_abnormal AS normal, v.usable_share BETWEEN 0.5 AND 1 AS usable,
	v.windows = h.windows AS windows, v.label = h.label AS label, v.p_murmur_of_no_model, v.word_of_nothing,
	v.duration_s = h.duration_s AS duration, v.model
FROM heart, heart_sound_verdict(audio) v, healthml.heart_sound_classify(audio) h;
SELECT heart_sound_verdict(NULL) IS NULL AS no_recording, heart_sound_verdict('x', NULL) IS NULL AS no_model;

-- a function that is named after nothing
CREATE FUNCTION lung_sound_verdict(audio bytea, model text) RETURNS verdict
LANGUAGE C STABLE AS '$libdir/healthml', 'healthml_classify';
SELECT lung_sound_verdict('x', 'heart_sound');

-- the second round which a recording is judged
CREATE FUNCTION heart_sound_verdict(audio bytea, at_s float8, model text) RETURNS verdict
LANGUAGE C STABLE AS '$libdir/healthml', 'healthml_classify';
SELECT heart_sound_verdict(audio, 3, 'heart_sound') FROM heart;
SELECT label FROM heart, heart_sound_verdict(audio, NULL, 'heart_sound');

-- an array is heard as the file of its samples
CREATE FUNCTION heart_sound_classify(samples real[], sample_rate real, channels text[], model text DEFAULT 'heart_sound')
RETURNS healthml.heart_sound
LANGUAGE C STABLE AS '$libdir/healthml', 'healthml_classify';
CREATE TABLE samples AS
SELECT (SELECT array_agg((((get_byte(audio, 44 + 2 * i) + 256 * get_byte(audio, 45 + 2 * i) + 32768) % 65536 - 32768) / 32768.0)::real
	ORDER BY i) FROM generate_series(0, 6 * 4000 - 1) i) AS samples FROM heart;
SELECT a = h AS same FROM heart, samples, heart_sound_classify(samples, 4000, NULL) a, healthml.heart_sound_classify(audio) h;
SELECT a = h AS same FROM heart, samples, heart_sound_classify(ARRAY[samples], 4000, '{heart}') a, healthml.heart_sound_classify(audio) h;
SELECT heart_sound_classify(samples, 0, NULL) FROM samples;
SELECT heart_sound_classify(samples, 'NaN', NULL) FROM samples;
SELECT heart_sound_classify(samples, NULL, NULL) FROM samples;
SELECT heart_sound_classify(samples, 1e9, NULL) FROM samples;
SELECT heart_sound_classify('{}', 4000, NULL);
SELECT heart_sound_classify('{0.5, NULL}', 4000, NULL);
SELECT heart_sound_classify('{{0.5, 0.25, 0.5}}', 4000, '{x, y}');
SELECT heart_sound_classify('{{0.5, 0.25}, {0.5, NaN}}', 4000, NULL);
SELECT heart_sound_classify('{{0.5, 0.25}, {0.5, Infinity}}', 4000, NULL);
SELECT heart_sound_classify('{{0.5, 0.25}, {0.5, 0.25}}', 4000, '{x, y}');
SELECT heart_sound_classify('{{{0.5}}}', 4000, NULL);
SET healthml.max_memory = '16MB';
SELECT heart_sound_classify(array_fill(0::real, ARRAY[5000000]), 4000, NULL);
RESET healthml.max_memory;
SELECT (heart_sound_classify(array_fill(0::real, ARRAY[20000]), 4000, NULL)).reason;
SELECT (heart_sound_classify('{0.5}', 4000, NULL)).reason;

-- what is remembered depends on all of it
SELECT (heart_sound_classify(samples, 4000, NULL)).duration_s AS at_4000, (heart_sound_classify(samples, 2000, NULL)).duration_s AS at_2000,
	(heart_sound_classify(samples, 4000, '{x}')).duration_s AS named FROM samples;

-- a trigger that keeps predictions of recordings
CREATE TABLE visit (patient text, audio bytea);
CREATE TRIGGER keep AFTER INSERT OR UPDATE ON visit FOR EACH ROW
EXECUTE FUNCTION record_heart_sound('heart_sound', 'audio', 'patient');
INSERT INTO visit SELECT 'murmur', audio FROM heart;
INSERT INTO visit VALUES ('healthy', synthetic_heart_sound(10, 64, 'none', seed => 14)), ('short', synthetic_heart_sound(0.5)),
	('nothing', NULL), ('broken', 'no recording');
SELECT subject, label, risk, is_anomaly, probabilities ->> 'abnormal' = score::text AS same, features = heart_sound_features(audio) AS features,
	jsonb_array_length(explanation -> 'reasons') AS reasons, narrative IS NOT NULL AS narrative, source
FROM prediction JOIN visit ON patient = subject WHERE source = 'modality_test.visit' ORDER BY subject;
SELECT subject, sqlstate, message FROM score_failure WHERE source = 'modality_test.visit';
DROP TRIGGER keep ON visit;
CREATE TRIGGER keep AFTER INSERT ON visit FOR EACH ROW EXECUTE FUNCTION record_heart_sound('heart_sound', 'patient');
INSERT INTO visit VALUES ('x', NULL);
DROP TRIGGER keep ON visit;
CREATE TRIGGER keep BEFORE INSERT ON visit FOR EACH ROW EXECUTE FUNCTION record_heart_sound('heart_sound', 'audio', 'patient');
INSERT INTO visit VALUES ('x', NULL);
DELETE FROM prediction WHERE source = 'modality_test.visit';
DELETE FROM score_failure WHERE source = 'modality_test.visit';

-- only models that take recordings classify them
SELECT model FROM train('forest', 'isolation_forest', 'SELECT i AS x FROM generate_series(1, 100) i');
SELECT batch_classify('forest', 'heart');
SELECT drop_model('forest');

DROP SCHEMA modality_test CASCADE;
