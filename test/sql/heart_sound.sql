-- hearts by their sound: classification, triggers, batches, training, the shipped model
CREATE SCHEMA heart_sound_test;
SET search_path = heart_sound_test, healthml, public;
\set VERBOSITY terse

-- it is there from the beginning, and its bytes are what its id says
SELECT model, algorithm, champion, versions FROM models WHERE model = 'heart_sound';
SELECT artifact_id = artifact_id(export_model('heart_sound')) AS intact, cardinality(features) > 0 AS has_features,
	trained_rows > 2000 AS on_all
FROM versions WHERE model = 'heart_sound';
SELECT algorithm, task, cardinality(features) > 0 AS has_features, params ->> 'site' IS NOT NULL AS by_site, classes
FROM describe_artifact(export_model('heart_sound'));
SELECT * FROM describe_artifact('\x00');

CREATE TABLE recording (id int PRIMARY KEY, audio bytea, label text, p real);
CREATE TRIGGER hear BEFORE INSERT OR UPDATE OF audio ON recording
FOR EACH ROW EXECUTE FUNCTION fill_heart_sound('heart_sound', 'audio', 'label', 'p');
INSERT INTO recording (id, audio)
SELECT i, synthetic_heart_sound(10, 55 + 3 * i, CASE i % 2 WHEN 0 THEN 'systolic' ELSE 'none' END, 0.002, i)
FROM generate_series(1, 12) i;
SELECT label, count(*), min(p) > 0 AND max(p) < 1 AS is_probability FROM recording GROUP BY label ORDER BY label;

-- what cannot be heard is told, and the row is kept
INSERT INTO recording (id, audio) VALUES (101, NULL), (102, 'no recording'), (103, ''),
	(104, synthetic_heart_sound(0.5)), (105, synthetic_heart_sound(10, noise => 0, seed => 1));
SELECT id, label, p IS NULL AS no_p FROM recording WHERE id BETWEEN 101 AND 104 ORDER BY id;
SELECT sqlstate, message FROM score_failure WHERE source = 'heart_sound_test.recording' ORDER BY failure_id;
SET healthml.on_score_error = error;
UPDATE recording SET audio = 'no recording' WHERE id = 1;
RESET healthml.on_score_error;
UPDATE recording SET audio = 'no recording' WHERE id = 1;
SELECT label, p FROM recording WHERE id = 1;
UPDATE recording SET audio = synthetic_heart_sound(10, 58, 'none', 0.002, 1) WHERE id = 1;

-- a trigger that is declared wrongly
CREATE TABLE wrong (id int, audio text, label int, p text, heard bytea GENERATED ALWAYS AS ('\x00') STORED);
CREATE TRIGGER hear BEFORE INSERT ON wrong FOR EACH ROW EXECUTE FUNCTION fill_heart_sound('heart_sound', 'audio', 'label');
SET healthml.on_score_error = error;
INSERT INTO wrong (id) VALUES (1);
DROP TRIGGER hear ON wrong;
CREATE TRIGGER hear BEFORE INSERT ON wrong FOR EACH ROW EXECUTE FUNCTION fill_heart_sound('heart_sound', 'audio', 'label', 'p');
INSERT INTO wrong (id) VALUES (1);
ALTER TABLE wrong ALTER audio TYPE bytea USING NULL;
INSERT INTO wrong (id) VALUES (1);
ALTER TABLE wrong ALTER label TYPE text;
INSERT INTO wrong (id) VALUES (1);
ALTER TABLE wrong ALTER p TYPE float8 USING NULL;
INSERT INTO wrong (id) VALUES (1);
DROP TRIGGER hear ON wrong;
CREATE TRIGGER hear BEFORE INSERT ON wrong FOR EACH ROW EXECUTE FUNCTION fill_heart_sound('heart_sound', 'heard', 'label', 'p');
INSERT INTO wrong (id) VALUES (1);
RESET healthml.on_score_error;

-- one by one
SELECT id, (h).label, (h).p_abnormal::real = p AS as_trigger, (h).confidence = greatest((h).p_abnormal, 1 - (h).p_abnormal) AS confidence,
	(h).duration_s, (h).sample_rate, (h).windows, (h).model, (h).version, round((h).heart_rate_bpm) AS bpm, (h).reason
FROM (SELECT id, p, heart_sound_classify(audio) AS h FROM recording WHERE id IN (1, 2, 101, 104)) r ORDER BY id;
SELECT (heart_sound_classify(audio, 'heart_sound:1')) = heart_sound_classify(audio) AS by_version,
	(heart_sound_classify(audio, (SELECT artifact_id FROM versions WHERE model = 'heart_sound'))).p_abnormal
		= (heart_sound_classify(audio)).p_abnormal AS by_artifact
FROM recording WHERE id = 2;
SELECT heart_sound_classify('RIFF'), 1;
SELECT heart_sound_classify('\x'), 1;
SELECT heart_sound_classify(audio, 'nothing') FROM recording WHERE id = 1;
SELECT (heart_sound_classify(audio, 'heart_sound:9')).label FROM recording WHERE id = 1;

-- batches
SELECT * FROM batch_classify('heart_sound', 'SELECT id, audio FROM recording WHERE id <= 104', subject => 'id');
SELECT label, count(*), min(score) >= 0 AND max(score) <= 1 AS is_probability, bool_and(latency_ms > 0) AS timed,
	bool_and(probabilities ->> 'abnormal' = score::text) AS same
FROM prediction WHERE model = 'heart_sound' GROUP BY label ORDER BY label;
SELECT subject, sqlstate, message FROM score_failure WHERE source LIKE 'SELECT id, audio%' ORDER BY subject;
SELECT * FROM batch_classify('heart_sound', 'recording', audio => 'sound');
SELECT * FROM batch_classify('heart_sound', 'recording', audio => 'label');
SELECT * FROM batch_classify('heart_sound', 'recording', 'patient');
SELECT * FROM batch_classify('heart_sound', 'SELECT id, audio FROM recording WHERE false');
SELECT * FROM batch_classify(NULL, 'recording');
SELECT * FROM batch_classify('heart_sound', 'recording', explain => -1);
SELECT recordings FROM batch_classify('heart_sound', 'SELECT id, audio FROM recording WHERE id IN (2, 104)', 'id', explain => 3);
SELECT subject, explanation ->> 'method' AS method, jsonb_array_length(explanation -> 'reasons') AS reasons,
	features = heart_sound_features(audio) AS features, narrative IS NOT NULL AS told
FROM prediction JOIN recording r ON r.id::text = subject
WHERE model = 'heart_sound' ORDER BY prediction_id DESC LIMIT 2;
SELECT count(*) FROM prediction_reasons WHERE model = 'heart_sound';
DELETE FROM prediction WHERE prediction_id > (SELECT max(prediction_id) - 2 FROM prediction);
SET healthml.on_score_error = error;
SELECT * FROM batch_classify('heart_sound', 'SELECT id, audio FROM recording ORDER BY id');
RESET healthml.on_score_error;

SELECT label, predictions, round(share::numeric, 3) AS share, mean_score BETWEEN 0 AND 1 AS has_score, mean_latency_ms > 0 AS has_latency
FROM label_distribution WHERE model = 'heart_sound' ORDER BY label;

-- outcomes and metrics, as for any model
SELECT count(record_outcome(prediction_id, subject::int % 2 = 0)) FROM prediction WHERE model = 'heart_sound' AND subject::int <= 12;
SELECT model, version, outcomes, positives, roc_auc, recall, specificity FROM model_performance WHERE model = 'heart_sound';

-- features by name, which can be scored and explained
SELECT (SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(heart_sound_features(audio)) k)
	= (SELECT array_agg(f ORDER BY f) FROM versions v, unnest(v.features) f WHERE v.model = 'heart_sound' AND v.version = 1) AS same_names,
	abs(score(heart_sound_features(audio), 'heart_sound') - (heart_sound_classify(audio)).p_abnormal) < 1e-6 AS same_score
FROM recording WHERE id = 2;
SELECT count(*) FROM recording, shap_explain(heart_sound_features(audio), 'heart_sound', 5) WHERE id = 2;
SELECT q.method, abs(1 / (1 + exp(-q.margin)) - score(f, 'heart_sound')) < 1e-3 AS margin_is_logit,
	abs(q.base_value + (SELECT sum(contribution) FROM shap_explain(f, 'heart_sound')) - q.margin) < 1e-9 AS adds_up
FROM recording, heart_sound_features(audio) f, explanation_quality(f, 'heart_sound') q WHERE id = 2;
SELECT heart_sound_features(audio) IS NULL AS nothing_heard FROM recording WHERE id = 104;

-- training on one's own
CREATE VIEW labelled AS SELECT id, audio, id % 2 = 0 AS murmur, id / 4 AS patient, id % 3 AS clinic FROM recording WHERE id <= 12;
SELECT model, version, trained_rows, metrics ->> 'unusable_recordings' AS unusable, metrics ? 'roc_auc' AS judged
FROM train('own', 'heart_sound_cnn', 'labelled', target => 'murmur', params => '{"group": "patient"}');
SELECT model, version, trained_rows, metrics ? 'roc_auc' AS judged
FROM train('own', 'heart_sound_cnn', 'labelled', target => 'murmur', params => '{"site": "clinic", "seed": 1}');
SELECT (heart_sound_classify(audio, 'own')).model FROM recording WHERE id = 1;
SELECT version FROM train('heart_sound', 'heart_sound_cnn', 'labelled', target => 'murmur');
SELECT champion, versions FROM models WHERE model = 'heart_sound';
SELECT promote('heart_sound', 2);
SELECT (heart_sound_classify(audio)).version FROM recording WHERE id = 1;
SELECT rollback('heart_sound');
SELECT drop_version('heart_sound', 2);
SELECT (heart_sound_classify(audio)).version FROM recording WHERE id = 1;
SELECT metric, value FROM evaluate('own', 'SELECT audio, murmur::int AS murmur FROM labelled', 'murmur') WHERE metric IN ('rows', 'positives') ORDER BY metric;
SELECT count(*) FROM cross_validate('heart_sound_cnn', 'labelled', NULL, 'murmur', '{"epochs": 2}', 2) WHERE fold IS NOT NULL;
SELECT train('own', 'heart_sound_cnn', 'labelled');
SELECT train('own', 'heart_sound_cnn', 'labelled', features => '{id}', target => 'murmur');
SELECT train('own', 'heart_sound_cnn', 'labelled', target => 'murmur', params => '{"audio": "sound"}');
SELECT train('own', 'heart_sound_cnn', 'labelled', target => 'murmur', params => '{"audio": "id"}');
SELECT train('own', 'heart_sound_cnn', 'labelled', target => 'id');
SELECT train('own', 'heart_sound_cnn', 'SELECT audio, true AS murmur FROM labelled', target => 'murmur');
SELECT train('own', 'heart_sound_cnn', 'SELECT NULL::bytea AS audio, murmur FROM labelled', target => 'murmur');
SELECT train('own', 'heart_sound_cnn', 'SELECT ''x''::bytea AS audio, murmur FROM labelled', target => 'murmur');
SELECT train('own', 'heart_sound_cnn', 'labelled', target => 'murmur', params => '{"mixup": 2}');
SELECT model FROM train('forest', 'isolation_forest', 'labelled', '{id}');
SELECT heart_sound_classify(audio, 'forest') FROM recording WHERE id = 1;

-- its two kinds of network, of which five each are averaged
SELECT network, members, layer, op, output_shape, parameters FROM describe_network('heart_sound');

DELETE FROM prediction WHERE model = 'heart_sound';
DELETE FROM score_failure WHERE model = 'heart_sound';
SELECT count(drop_model(model)) FROM unnest(ARRAY['own', 'forest']) model;
DROP SCHEMA heart_sound_test CASCADE;
