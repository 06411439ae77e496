-- What came true: labels, values and flags, metrics by what scikit-learn says of the same rows, and a patient counts once.
BEGIN;
SET LOCAL search_path = public, pg_catalog, pg_temp;
SET LOCAL client_min_messages = warning;
SELECT plan(48);

CREATE TEMP TABLE judged (subject text, probabilities jsonb, predicted text, actual text, estimate float8, value float8, p_ill float8, ill boolean);
\copy judged FROM 'test/golden/outcomes_rows.csv' WITH (FORMAT csv, HEADER)
CREATE TEMP TABLE expected (model text, metric text, value float8);
\copy expected FROM 'test/golden/outcomes_metrics.csv' WITH (FORMAT csv, HEADER)

-- models of these kinds, so that it is known what they predict
CREATE TEMP TABLE learnt AS SELECT i AS x, CASE i % 3 WHEN 0 THEN 'healthy' WHEN 1 THEN 'mild' ELSE 'severe' END AS class, i % 2 = 0 AS ill, i * 2.5 AS value
FROM generate_series(1, 30) i;
SELECT healthml.train('classes', 'mlp', 'pg_temp.learnt', '{x}', 'class', '{"epochs": 1}');
SELECT healthml.train('two', 'mlp', 'pg_temp.learnt', '{x}', 'ill', '{"epochs": 1}');
SELECT healthml.train('values', 'mlp', 'pg_temp.learnt', '{x}', 'value', '{"epochs": 1}');
SELECT healthml.train('words', 'mlp', 'SELECT x, CASE WHEN ill THEN ''sick'' ELSE ''fit'' END AS state FROM pg_temp.learnt', '{x}', 'state', '{"epochs": 1, "positive": "sick"}');
SELECT healthml.train('forest', 'isolation_forest', 'pg_temp.learnt', '{x}', 'ill');

INSERT INTO healthml.prediction (subject, model, version, score, risk, is_anomaly, label, probabilities, source)
SELECT subject, 'classes', 1, (probabilities ->> predicted)::float8, 'low', false, predicted, probabilities, 'golden' FROM judged
UNION ALL SELECT subject, 'values', 1, estimate, 'low', false, NULL, NULL, 'golden' FROM judged
UNION ALL SELECT subject, 'two', 1, p_ill, 'low', p_ill > 0.5, (p_ill > 0.5)::text, jsonb_build_object('true', p_ill, 'false', 1 - p_ill), 'golden' FROM judged;
SELECT count(healthml.record_outcome(p.prediction_id, j.actual)) FROM healthml.prediction p JOIN judged j USING (subject) WHERE p.model = 'classes';
SELECT count(healthml.record_outcome(p.prediction_id, j.value)) FROM healthml.prediction p JOIN judged j USING (subject) WHERE p.model = 'values';
SELECT count(healthml.record_outcome(p.prediction_id, j.ill)) FROM healthml.prediction p JOIN judged j USING (subject) WHERE p.model = 'two';

SELECT is(round((to_jsonb(m) ->> e.metric)::numeric, 10), round(e.value::numeric, 10), format('%s of %s as scikit-learn', e.metric, e.model))
FROM expected e JOIN healthml.model_performance m USING (model);
SELECT results_eq($$SELECT model, outcomes FROM healthml.model_performance ORDER BY 1$$, $$VALUES ('classes', 60::bigint), ('two', 60), ('values', 60)$$, 'every outcome counts');
SELECT ok(positives = 0 AND roc_auc IS NULL AND mae IS NULL, 'no metrics of an alarm where none is known') FROM healthml.model_performance WHERE model = 'classes';
SELECT ok(accuracy IS NULL AND macro_f1 IS NULL AND roc_auc IS NULL, 'no metrics of classes for values') FROM healthml.model_performance WHERE model = 'values';

-- what is kept
SELECT is(o.actual_label, j.actual, 'a label is kept') FROM healthml.outcome o JOIN healthml.prediction p USING (prediction_id) JOIN judged j USING (subject)
WHERE p.model = 'classes' ORDER BY prediction_id LIMIT 1;
SELECT is_empty($$SELECT FROM healthml.outcome o JOIN healthml.prediction p USING (prediction_id) JOIN judged j USING (subject)
	WHERE p.model = 'two' AND (o.actual <> j.ill OR o.actual_label <> j.ill::text OR o.actual_label IS NULL)$$, 'of two classes true is the positive one');
SELECT is_empty($$SELECT FROM healthml.outcome o JOIN healthml.prediction p USING (prediction_id) JOIN judged j USING (subject)
	WHERE p.model = 'values' AND (o.actual_value IS DISTINCT FROM j.value OR o.actual IS NOT NULL OR o.actual_label IS NOT NULL)$$, 'a value is kept');

-- what a text means, by the model that predicted
SELECT healthml.batch_predict('words', 'pg_temp.learnt', 'x');
SELECT healthml.batch_predict('forest', 'pg_temp.learnt', 'x');
CREATE FUNCTION pg_temp.kept(wanted text, outcome text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	id bigint := (SELECT max(prediction_id) FROM healthml.prediction p WHERE p.model = wanted);
BEGIN
	PERFORM healthml.record_outcome(id, outcome);
	RETURN (SELECT concat_ws(' ', o.actual, o.actual_label, o.actual_value) FROM healthml.outcome o WHERE o.prediction_id = id);
EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE;
END $$;
SELECT is(pg_temp.kept(model, outcome), kept, format('%s: %s', model, outcome))
FROM (VALUES ('words', 'sick', 't sick'), ('words', 'fit', 'f fit'), ('words', 'true', 't sick'), ('words', '0', 'f fit'), ('words', 'ill', '22023'),
	('two', 'true', 't true'), ('two', 'f', 'f false'), ('classes', 'mild', 'mild'), ('classes', 'true', 't'), ('classes', 'sick', '22023'),
	('values', '1', '1'), ('values', '120.5', '120.5'), ('values', 'NaN', '22003'), ('values', 'high', '22P02'), ('forest', 'yes', 't'), ('forest', 'off', 'f'),
	('forest', '7', '22023')) v (model, outcome, kept);
SELECT throws_ok($$SELECT healthml.record_outcome(0, 'mild')$$, '42704', 'prediction 0 does not exist');
SELECT throws_ok($$SELECT healthml.record_outcome(NULL, 'mild')$$, '22004');
SELECT throws_ok($$SELECT healthml.record_outcome(1, NULL::float8)$$, '22004');
SELECT throws_like($$SELECT healthml.record_outcome(prediction_id, 'ill') FROM healthml.prediction WHERE model = 'words' LIMIT 1$$,
	'outcome "ill" is none that a prediction of model "words" can have');

-- a patient who was scored by a trigger and by a batch counts once, with what is known of the latest prediction
CREATE TABLE arrival (patient text, x int);
CREATE TRIGGER keep AFTER INSERT ON arrival FOR EACH ROW EXECUTE FUNCTION healthml.record_risk('forest', 'patient');
DELETE FROM healthml.prediction WHERE model = 'forest';
SELECT is((SELECT count(*) FROM healthml.outcome o WHERE NOT EXISTS (SELECT FROM healthml.prediction p WHERE p.prediction_id = o.prediction_id)), 0::bigint,
	'outcomes go with their predictions');
INSERT INTO arrival VALUES ('a', 3), ('b', 29), ('c', 15);
SELECT healthml.batch_predict('forest', 'SELECT * FROM arrival', 'patient');
SELECT healthml.batch_predict('forest', 'SELECT x FROM arrival', NULL);
SELECT count(healthml.record_outcome(prediction_id, subject = 'b')) FROM healthml.prediction WHERE model = 'forest' AND subject IS NOT NULL;
SELECT results_eq($$SELECT outcomes, positives FROM healthml.model_performance WHERE model = 'forest'$$, 'VALUES (3::bigint, 1::bigint)', 'a patient counts once');
SELECT is((SELECT count(*) FROM healthml.latest_predictions WHERE model = 'forest' AND subject IS NOT NULL), 6::bigint, 'the latest prediction from each source');
SELECT is((SELECT count(*) FROM healthml.latest_predictions WHERE model = 'forest' AND subject IS NULL), 3::bigint, 'rows of nobody are all there');
INSERT INTO arrival VALUES ('a', 4);
SELECT is((SELECT count(*) FROM healthml.latest_predictions WHERE model = 'forest' AND subject IS NOT NULL), 6::bigint, 'a later prediction takes the place of an earlier one');

-- no outcome without a prediction, in place of a foreign key
SELECT throws_ok($$INSERT INTO healthml.outcome (prediction_id, actual) VALUES (0, true)$$, '42704', 'prediction 0 does not exist');
SELECT lives_ok($$INSERT INTO healthml.outcome (prediction_id, actual, recorded_at) VALUES (0, true, now() - interval '1 day')$$, 'a restore brings rows in any order');
SELECT throws_ok($$INSERT INTO healthml.outcome (prediction_id) SELECT max(prediction_id) FROM healthml.prediction$$, '23514');
TRUNCATE healthml.prediction;
SELECT is((SELECT count(*) FROM healthml.outcome), 0::bigint, 'nor after TRUNCATE');
INSERT INTO healthml.prediction (model, version, score, risk, is_anomaly) VALUES ('values', 1, 1, 'low', false);
SELECT ok(r2 IS NULL AND mae = 1, 'r2 of one value is NULL') FROM (SELECT healthml.record_outcome(prediction_id, 2) FROM healthml.prediction) o, healthml.model_performance;

SELECT * FROM finish();
ROLLBACK;
