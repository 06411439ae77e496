-- What a patient could suffer from: risks without evidence, numbers that are none, words that say too much.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA trust_test;
SET search_path = trust_test, healthml;
CREATE TABLE patients AS SELECT patient_id, age::float8, male, cholesterol::float8, max_heart_rate::float8, st_depression, vessels::float8, heart_disease
FROM synthetic_patients(400, 1);

-- a row in which more than a third is missing is not judged, but has a score
SELECT version FROM train('trust_forest', 'isolation_forest', 'patients', '{age,male,cholesterol,max_heart_rate,st_depression,vessels}', 'heart_disease', '{"n_estimators": 50}');
SELECT version FROM train('trust_net', 'mlp', 'patients', '{age,male,cholesterol,max_heart_rate,st_depression,vessels}', 'heart_disease', '{"epochs": 5}');
SELECT m, n, a.risk, a.is_anomaly, a.missing_features, a.score = score(f, m) AS score_stays, a.risk > 'high' AS last
FROM unnest('{trust_forest,trust_net}'::text[]) m, generate_series(0, 6) n,
	LATERAL (SELECT array_agg(CASE WHEN i > n THEN 1 END::float8 ORDER BY i) AS f FROM generate_series(1, 6) i) r, assess(f, m) a
WHERE n > 1;
SELECT risk, missing_features FROM assess('{"age": null, "male": null, "cholesterol": null, "max_heart_rate": null, "st_depression": null, "vessels": null}'::jsonb, 'trust_net');
SELECT missing_features, risk IN ('low', 'medium', 'high') AS judged FROM assess('{50,1,200,150,0,0}'::float8[], 'trust_net');
-- ... unless the model is asked to
SELECT version FROM train('trust_bold', 'isolation_forest', 'patients', '{age,cholesterol}', 'heart_disease', '{"n_estimators": 50, "max_missing": 1}');
SELECT risk IN ('low', 'medium', 'high') AS judged, missing_features FROM assess('{null,null}'::float8[], 'trust_bold');
SELECT version FROM train('trust_strict', 'isolation_forest', 'patients', '{age,cholesterol,vessels,st_depression}', 'heart_disease', '{"n_estimators": 50, "max_missing": 0}');
SELECT risk, missing_features FROM assess('{null,200,0,0}'::float8[], 'trust_strict');
SELECT params ? 'max_missing' AS written FROM versions WHERE model IN ('trust_forest', 'trust_strict') ORDER BY model;
SELECT train('trust_bold', 'isolation_forest', 'patients', '{age,cholesterol}', 'heart_disease', '{"max_missing": 1.5}');
-- a column that was mostly empty in training counts for as much as it was there
SELECT version FROM train('trust_sparse', 'isolation_forest', 'SELECT age, max_heart_rate, CASE WHEN patient_id % 10 = 0 THEN cholesterol END AS cholesterol,
	CASE WHEN patient_id % 10 = 1 THEN vessels END AS vessels, heart_disease FROM patients', target => 'heart_disease', params => '{"n_estimators": 50}');
SELECT risk IN ('low', 'medium', 'high') AS judged, missing_features FROM assess('{50,150,null,null}'::float8[], 'trust_sparse');
SELECT risk, missing_features FROM assess('{null,150,200,0}'::float8[], 'trust_sparse');
-- batches and triggers keep it, and raise no alarm
CREATE TABLE stay (id int, age float8, male boolean, cholesterol float8, max_heart_rate float8, st_depression float8, vessels float8, s float8, r risk_level,
	w text, v varchar(6));
CREATE TRIGGER a BEFORE INSERT ON stay FOR EACH ROW EXECUTE FUNCTION fill_risk('trust_net', 's', 'r');
CREATE TRIGGER b BEFORE INSERT ON stay FOR EACH ROW EXECUTE FUNCTION fill_risk('trust_net', 's', 'w');
CREATE TRIGGER c AFTER INSERT ON stay FOR EACH ROW EXECUTE FUNCTION record_risk('trust_net', 'id');
INSERT INTO stay (id, age) VALUES (1, NULL), (2, 50) RETURNING id, r, w, s IS NOT NULL AS scored;
INSERT INTO stay (id, age, male, cholesterol, max_heart_rate, st_depression, vessels) VALUES (3, 50, true, 200, 150, 0, NULL);
SELECT batch_predict('trust_net', 'stay', 'id'), batch_predict('trust_forest', 'stay', 'id');
SELECT subject, model, source, risk > 'high' AS unknown, is_anomaly AND risk > 'high' AS alarm, missing_features FROM prediction WHERE model LIKE 'trust%' ORDER BY prediction_id;
SELECT model, unknown FROM daily_risk WHERE model LIKE 'trust%' ORDER BY model;
-- a column that has no room for the new word fails only where a row needs it
CREATE TRIGGER d BEFORE UPDATE ON stay FOR EACH ROW EXECUTE FUNCTION fill_risk('trust_net', 's', 'v');
UPDATE stay SET age = 51 WHERE id = 3 RETURNING id, v IS NOT NULL AS filled;
SET client_min_messages = warning;
UPDATE stay SET age = 51 WHERE id = 2 RETURNING id, v;

-- a score is a number, or an error that names the feature or the layer
SELECT version FROM train('trust_value', 'mlp', 'patients', '{age,vessels}', 'st_depression', '{"epochs": 3}');
SELECT version FROM train('trust_echo', 'autoencoder', 'patients', '{age,vessels}', params => '{"epochs": 3}');
SELECT score('{1e41,1,200,150,0,0}'::float8[], 'trust_net');
SELECT score('{50,1,200,1.7976931348623157e308,0,0}'::float8[], 'trust_net');
SELECT assess('{50,-1e41}'::float8[], 'trust_value');
SELECT explain_text('{50,1e300}'::float8[], 'trust_value');
SELECT gradient_explain('{50,1e300}'::float8[], 'trust_value');
SELECT reconstruction_explain('{1e308,1}'::float8[], 'trust_echo');
SELECT autoencoder_score('{1e41,1}'::float8[], 'trust_echo');
SELECT mlp_predict('{"age": 1e200, "vessels": 1}'::jsonb, 'trust_value');
SELECT train('trust_value', 'mlp', 'SELECT CASE WHEN patient_id = 7 THEN 1e300 ELSE age END AS age, vessels, st_depression FROM patients', target => 'st_depression', params => '{"scale": "none", "epochs": 2}');
CREATE TABLE late (id int, age float8, vessels float8);
CREATE TRIGGER a AFTER INSERT ON late FOR EACH ROW EXECUTE FUNCTION record_risk('trust_value', 'id');
INSERT INTO late VALUES (1, 1e300, 1), (2, 50, 1);
SELECT subject FROM prediction WHERE source = 'trust_test.late';
SELECT subject, message FROM score_failure WHERE source = 'trust_test.late';
SELECT batch_predict('trust_value', 'late', 'id');
-- a negative variance is refused where it comes in
SELECT version FROM train('trust_norm', 'mlp', 'patients', '{age,vessels}', 'heart_disease',
	'{"epochs": 2, "network": {"input": [2], "layers": [{"op": "dense", "units": 3}, {"op": "batch_norm"}, {"op": "relu"}, {"op": "dense", "units": 1}, {"op": "sigmoid"}]}}');
SELECT federated_replace(export_model('trust_norm'), w[1:cardinality(w) - 1] || (-1)::real) FROM federated_weights(export_model('trust_norm')) AS w;
SELECT federated_replace(export_model('trust_norm'), 'NaN'::real || w[2:]) FROM federated_weights(export_model('trust_norm')) AS w;
SELECT version FROM federated_weights(export_model('trust_norm')) AS w,
	import_model('trust_norm', federated_replace(export_model('trust_norm'), w[1:cardinality(w) - 1] || 0::real));
-- weights that are finite, but not what comes of them
SELECT version FROM train('trust_huge', 'mlp', 'patients', '{age,vessels}', 'heart_disease', '{"epochs": 2, "hidden_layers": [2], "scale": "none"}');
SELECT version, promote('trust_huge', version) FROM import_model('trust_huge', federated_replace(export_model('trust_huge'), '{3e38,3e38,3e38,3e38,0,0,1,-1,0}'::real[]));
SELECT assess('{50,2}'::float8[], 'trust_huge');
SELECT gradient_explain('{50,2}'::float8[], 'trust_huge');

-- words: of what the probability is, unusual instead of a risk, and no words of milligrams for codes
UPDATE model SET description = 'Heart disease within 5 years of the examination' WHERE name = 'trust_net';
SELECT substring(explain_text('{70,1,200,100,4,3}'::float8[], 'trust_net') FROM '^.*? is ') AS verdict;
INSERT INTO feature_dictionary (feature, model, label, unit) VALUES ('heart_disease', 'trust_net', 'heart disease', NULL), ('st_depression', 'trust_value', 'ST depression', 'mm');
SELECT substring(explain_text('{70,1,200,100,4,3}'::float8[], 'trust_net') FROM '^.*? is ') AS verdict;
SELECT explain_text('{70,2}'::float8[], 'trust_value') ~ '^The predicted value of ST depression is [0-9.]+ mm[;.]' AS value;
UPDATE model SET description = '30-day readmission' WHERE name = 'trust_net';
SELECT substring(explain_text('{70,1,200,100,4,3}'::float8[], 'trust_net') FROM '^.*? is ') AS verdict;
SELECT substring(explain_text('{29,0,600,60,9,3}'::float8[], 'trust_forest') FROM '^[^:]*: [a-z ]*') AS verdict;
SELECT explain_text('{null,null,null,100,4,3}'::float8[], 'trust_net') ~ '^Unknown risk, because too many values are missing: .* were filled in: age with .*, sex with' AS verdict;
SELECT explain_text('{null,null,null,100,4,3}'::float8[], 'trust_forest') ~ '^Not judged, because too many values are missing' AS verdict;
CREATE TABLE coded AS SELECT 1 + (cholesterol > 240)::int + (cholesterol > 300)::int AS cholesterol, chest_pain_type - 1 AS chest_pain_type,
	(patient_id % 15 = 0)::int AS active, (patient_id % 15 > 0)::int AS insured, heart_disease FROM synthetic_patients(600, 1);
SET client_min_messages = notice;
SELECT version FROM train('trust_coded', 'mlp', 'coded', target => 'heart_disease', params => '{"epochs": 5}');
SET client_min_messages = warning;
SELECT bool_and(explain_text(c, 'trust_coded') !~ 'mg/dl|angina|usually 0 to 1|usually 1 to 3|active 0|insured 1') AS no_words,
	bool_or(explain_text(c, 'trust_coded') ~ 'cholesterol 3 \([0-9]+% of the training cases\)') AS share FROM coded c;
INSERT INTO feature_dictionary (feature, model, label, unit) VALUES ('cholesterol', 'trust_coded', 'cholesterol group', '');
SELECT bool_or(explain_text(c, 'trust_coded') ~ 'cholesterol group 3 \([0-9]+% of') AS own_words FROM coded c;
INSERT INTO feature_dictionary (feature, unit) VALUES ('cholesterol', '');
SELECT bool_or(explain_text(p, 'trust_net') ~ 'serum cholesterol [0-9]+ \(') AS emptied, bool_or(explain_text(p, 'trust_net') ~ 'mg/dl') AS unit FROM patients p;
INSERT INTO feature_dictionary (feature, model, unit) VALUES ('cholesterol', 'trust_nobody', 'mmol/l');
INSERT INTO feature_dictionary (feature, model, unit) VALUES ('cholesterol', 'trust_net:1', 'mmol/l');
UPDATE feature_dictionary SET model = 'trust_nobody';
\set VERBOSITY terse
INSERT INTO feature_dictionary (feature, plausible_low, plausible_high) VALUES ('age', 9, 5);
\set VERBOSITY default
INSERT INTO feature_dictionary (feature, model, unit, set_at) VALUES ('cholesterol', 'trust_restored', 'mmol/l', now() - interval '1 day');
DELETE FROM feature_dictionary;

SELECT drop_model(name) FROM model WHERE name LIKE 'trust%';
DELETE FROM prediction WHERE model LIKE 'trust%';
DELETE FROM score_failure WHERE source LIKE 'trust_test.%';
DROP SCHEMA trust_test CASCADE;
