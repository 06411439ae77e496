-- The multilayer perceptron in SQL: trained with a journal of its epochs, predicting in every form.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA mlp_test;
SET search_path = mlp_test, healthml;
CREATE TABLE patients AS SELECT * FROM synthetic_patients(600, 3);
SELECT trained_rows, (metrics ->> 'roc_auc')::float8 > 0.85 AS learnt FROM train('mlp', 'mlp', 'patients', target => 'heart_disease',
	features => '{age,male,chest_pain_type,max_heart_rate,exercise_angina,st_depression,vessels,thallium}', params => '{"epochs": 20}');
SELECT r.status, count(*) > 0 AS epochs, bool_and(e.loss > 0 AND e.learning_rate > 0) AS values, min(e.epoch) AS first
FROM training_run r JOIN training_epoch e USING (run_id) WHERE r.model = 'mlp' GROUP BY 1;
SELECT epoch > 0 AS epoch, loss IS NOT NULL AS loss FROM training_progress WHERE model = 'mlp';
SELECT count(*), count(DISTINCT s), bool_and(s BETWEEN 0 AND 1) AS probability FROM patients p, versions v,
	LATERAL (VALUES (mlp_predict(p, 'mlp')), (mlp_predict(to_jsonb(p), 'mlp')), (score(p, 'mlp')), (mlp_predict(p, v.artifact_id)),
		(mlp_predict(ARRAY[age, male::int, chest_pain_type, max_heart_rate, exercise_angina::int, st_depression, vessels, thallium], 'mlp')),
		((assess(p, 'mlp')).score)) AS s (s)
WHERE patient_id = 1 AND v.model = 'mlp';
SELECT roc_auc(mlp_predict(p, 'mlp'), heart_disease) > 0.85 AS good FROM patients p;
SELECT iforest_score(p, 'mlp') FROM patients p;
SELECT train('mlp', 'isolation_forest', 'patients');
SELECT train('other', 'mlp', 'patients');
SELECT train('other', 'mlp', 'patients', target => 'heart_disease', params => '{"group": "nobody"}');
SELECT drop_model('mlp');
DROP SCHEMA mlp_test CASCADE;
