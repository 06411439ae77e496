-- New versions without training: thresholds for a purpose, and probabilities that hold.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA adjustment_test;
SET search_path = adjustment_test, healthml;
CREATE TABLE learnt AS SELECT * FROM synthetic_patients(2000, 1) WHERE patient_id % 2 = 0;
CREATE TABLE seen AS SELECT * FROM synthetic_patients(2000, 1) WHERE patient_id % 2 = 1;
SELECT version FROM train('adjusted', 'mlp', 'learnt', NULL, 'heart_disease', '{"seed": 3, "epochs": 10, "exclude": ["patient_id"], "class_weight": {"true": 5}}');

SELECT version, metrics ->> 'adjusted_from' AS adjusted_from, metrics -> 'before' ? 'roc_auc' AS before FROM calibrate('adjusted', 'seen', 'heart_disease');
SELECT version FROM calibrate('adjusted', 'seen', 'heart_disease', 'isotonic');
SELECT v, abs(avg(score(s, 'adjusted:' || v)) - avg(heart_disease::int)) < 0.01 AS mean_is_the_rate, round(brier_score(score(s, 'adjusted:' || v), heart_disease)::numeric, 2) AS brier,
	round(roc_auc(score(s, 'adjusted:' || v), heart_disease)::numeric, 2) AS roc_auc
FROM seen s, generate_series(1, 3) v GROUP BY v ORDER BY v;
-- the same rows are called positive; explanations add up; the class probabilities are corrected, too
SELECT bool_and((assess(s, 'adjusted:1')).is_anomaly = (assess(s, 'adjusted:2')).is_anomaly) AS same, min(abs((assess(s, 'adjusted:1')).percentile - (assess(s, 'adjusted:2')).percentile)) < 0.1 AS percentile FROM seen s;
SELECT max(abs(total - score(s, 'adjusted:2'))) < 1e-9 AS adds_up
FROM (SELECT * FROM seen LIMIT 5) s, LATERAL (SELECT min(base_value) + sum(contribution) AS total FROM shap_explain(s, 'adjusted:2')) e;
SELECT bool_and(abs((predict_proba(s, 'adjusted:3') ->> 'true')::float8 - score(s, 'adjusted:3')) < 1e-12) AS corrected FROM seen s;
SELECT gradient_explain(s, 'adjusted:2') FROM seen s LIMIT 1;
SELECT version FROM import_model('adjusted_copy', export_model('adjusted:3'));
SELECT v.artifact_id = c.artifact_id AS travels FROM versions v, versions c
WHERE v.model = 'adjusted' AND v.version = 3 AND c.model = 'adjusted_copy';
SELECT score(s, 'adjusted_copy') = score(s, 'adjusted:3') AS same FROM seen s LIMIT 1;
SELECT export_onnx('adjusted:2');

SELECT version FROM set_threshold('adjusted', 0.3);
SELECT version FROM set_threshold('adjusted', 'sensitivity:0.90', 'seen', 'heart_disease');
SELECT version FROM set_threshold('adjusted:2', 'specificity:0.95', 'seen', 'heart_disease');
SELECT v, round(avg((assess(s, 'adjusted:' || v)).is_anomaly::int) FILTER (WHERE heart_disease), 3) BETWEEN 0.90 AND 0.905 AS sensitivity,
	round(1 - avg((assess(s, 'adjusted:' || v)).is_anomaly::int) FILTER (WHERE NOT heart_disease), 3) BETWEEN 0.95 AND 0.955 AS specificity
FROM seen s, generate_series(5, 6) v GROUP BY v ORDER BY v;
SELECT version, metrics ->> 'threshold' AS threshold, metrics ->> 'adjusted_from' AS adjusted_from, trained_on, target FROM versions WHERE model = 'adjusted' AND version IN (4, 6) ORDER BY 1 LIMIT 1;
SELECT set_threshold('adjusted', 'alerts_per_day:20', 'seen');
SELECT batch_predict('adjusted', 'seen', 'patient_id');
SELECT version FROM set_threshold('adjusted', 'alerts_per_day:20', 'seen');
SELECT count(*) FROM seen s WHERE (assess(s, 'adjusted:7')).risk = 'high';
SELECT champion FROM models WHERE model = 'adjusted';
-- a detector
SELECT version FROM train('adjusted_forest', 'isolation_forest', 'learnt', '{age,st_depression,vessels,max_heart_rate}', 'heart_disease', '{"n_estimators": 50}');
SELECT version FROM set_threshold('adjusted_forest', 'specificity:0.9', 'seen', 'heart_disease');
SELECT round(1 - avg((assess(s, 'adjusted_forest:2')).is_anomaly::int), 2) AS specificity FROM seen s WHERE NOT heart_disease;
SELECT calibrate('adjusted_forest', 'seen', 'heart_disease');

SELECT set_threshold('adjusted', 'precision:0.5', 'seen', 'heart_disease');
SELECT set_threshold('adjusted', 'sensitivity:2', 'seen', 'heart_disease');
SELECT set_threshold('adjusted', 'sensitivity:0.9');
SELECT set_threshold('adjusted', 'sensitivity:0.9', 'SELECT * FROM seen WHERE NOT heart_disease', 'heart_disease');
SELECT set_threshold('adjusted', 1.5);
SELECT set_threshold('adjusted', NULL::text);
SELECT calibrate('adjusted', 'seen', 'heart_disease', 'beta');
SELECT calibrate('adjusted', 'SELECT * FROM seen WHERE heart_disease', 'heart_disease');
SELECT calibrate('adjusted', 'SELECT s.*, NOT heart_disease AS healthy FROM seen s', 'healthy');

-- how probabilities agree with what came true; bins as in scikit-learn
SELECT c.* FROM (SELECT calibration_curve(p, y) AS curve FROM (VALUES (0.05, false), (0.1, true), (0.15, false), (0.2, false), (0.95, true), (1.0, true), (NULL, true)) v (p, y)) q, unnest(curve) c;
SELECT calibration_curve(1.5, true);
SELECT calibration_curve(p, true) IS NULL AS empty FROM (SELECT 0.5::float8 AS p LIMIT 0) e;
SELECT svg LIKE '<svg %</svg>' AS picture, svg ~ 'A &lt;b&gt;' AS escaped, length(svg) - length(replace(svg, '<circle', '')) >= 35 AS points
FROM (SELECT plot_calibration(calibration_curve(score(s, 'adjusted:2'), heart_disease), 'A <b>') AS svg FROM seen s) p;
-- weights of classes do not change what a probability is
SELECT version FROM train('adjusted_weights', 'mlp', 'learnt', NULL, 'heart_disease', '{"seed": 3, "epochs": 20, "exclude": ["patient_id"], "class_weight": "balanced"}');
SELECT version FROM train('adjusted_weights', 'mlp', 'learnt', NULL, 'heart_disease', '{"seed": 3, "epochs": 20, "exclude": ["patient_id"], "class_weight": {"true": 8}}');
SELECT version FROM train('adjusted_grade', 'mlp', 'SELECT age, vessels, thallium, st_depression, least(chest_pain_type, 3)::text AS grade FROM learnt', NULL, 'grade', '{"seed": 3, "epochs": 20, "class_weight": "balanced"}');
SELECT v, abs(avg(score(s, 'adjusted_weights:' || v)) - avg(heart_disease::int)) < 0.05 AS mean_is_the_rate FROM seen s, generate_series(1, 2) v GROUP BY v ORDER BY v;
SELECT g, abs(avg((predict_proba(s, 'adjusted_grade') ->> g)::float8) - avg((least(chest_pain_type, 3)::text = g)::int)) < 0.06 AS mean_is_the_rate
FROM seen s, unnest('{1,2,3}'::text[]) g GROUP BY g ORDER BY g;
SELECT octet_length(export_onnx('adjusted_weights')) > 0 AS exported;

SELECT drop_model(name) FROM model WHERE name LIKE 'adjusted%';
DELETE FROM prediction WHERE model = 'adjusted';
DROP SCHEMA adjustment_test CASCADE;
