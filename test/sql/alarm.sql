-- Alarm classes: which classes of a model raise the risk, and that the others do not.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA alarm_test;
SET search_path = alarm_test, healthml;
CREATE TABLE seen AS SELECT n AS id, n % 40 AS x, n % 7 AS y, n % 40 > 20 AS ill, n % 40 / 4.0 AS los,
	CASE WHEN n % 40 > 30 THEN 'critical' WHEN n % 40 > 20 THEN 'severe' WHEN n % 40 > 10 THEN 'mild' ELSE 'well' END AS state FROM generate_series(1, 800) n;
SELECT algorithm, name, type, "default" FROM algorithm_parameters() WHERE name = 'alarm';

-- more than two classes raise no alarm, and so have no risk: a severe case never reads "Low risk"
SELECT params ? 'alarm' AS kept FROM train('none', 'mlp', 'seen', '{x,y}', 'state', '{"epochs": 60, "hidden_layers": [16], "dropout": 0}') JOIN versions USING (model, version);
SELECT DISTINCT (assess(s, 'none')).risk, (assess(s, 'none')).is_anomaly FROM seen s;
SELECT explain_text('{"x": 39, "y": 1}'::jsonb, 'none') ~ '^The predicted class is "critical" with a probability of [01].[0-9]+. The strongest reason' AS names_class;
SELECT batch_predict('none', 'seen', 'id');
SELECT DISTINCT risk, is_anomaly FROM prediction WHERE model = 'none';

-- the score is the sum of the alarm classes' probabilities, and so is what is explained
SELECT (metrics ->> 'alarm_roc_auc')::float8 > 0.95 AS ranks, (metrics ->> 'alarm_recall')::float8 > 0.8 AS finds, (metrics ->> 'threshold')::float8 BETWEEN 0 AND 1 AS threshold,
	(metrics ->> 'accuracy')::float8 > 0.7 AS accurate
FROM train('alarm', 'mlp', 'seen', '{x,y}', 'state', '{"epochs": 60, "hidden_layers": [16], "dropout": 0, "alarm": ["severe", "critical"]}');
SELECT params -> 'alarm' FROM versions WHERE model = 'alarm';
SELECT state, (assess(s, 'alarm')).risk, (assess(s, 'alarm')).is_anomaly, count(*) FROM seen s WHERE x IN (2, 15, 25, 38) GROUP BY 1, 2, 3 ORDER BY 1, 2;
SELECT bool_and(abs(score(s, 'alarm') - ((predict_proba(s, 'alarm') ->> 'severe')::float8 + (predict_proba(s, 'alarm') ->> 'critical')::float8)) < 1e-12) AS sums FROM seen s;
SELECT abs(sum(contribution) + min(base_value) - score('{"x": 25, "y": 1}'::jsonb, 'alarm')) < 1e-6 AS adds_up FROM shap_explain('{"x": 25, "y": 1}'::jsonb, 'alarm');
SELECT abs(sum(contribution) + min(base_value) - score('{"x": 25, "y": 1}'::jsonb, 'alarm')) < 1e-2 AS adds_up FROM gradient_explain('{"x": 25, "y": 1}'::jsonb, 'alarm');
SELECT explain_text('{"x": 39, "y": 1}'::jsonb, 'alarm') ~ '^High risk: the predicted probability of state "critical" or "severe" is [01].[0-9]+; .* The predicted class is "critical" with a probability of' AS alarms;
SELECT metric FROM evaluate('alarm', 'seen', 'state') WHERE metric LIKE 'alarm%' ORDER BY 1;
SELECT (import_model('copy', export_model('alarm'))).model;
SELECT count(*) AS same FROM seen s WHERE (assess(s, 'copy')).risk = (assess(s, 'alarm')).risk AND score(s, 'copy') = score(s, 'alarm');

-- two classes: the positive one, or none
SELECT version FROM train('two', 'mlp', 'seen', '{x,y}', 'ill', '{"epochs": 2, "alarm": ["true"]}');
SELECT count(DISTINCT (assess(s, 'two')).risk) > 1 AS risks FROM seen s;
SELECT version FROM train('two', 'mlp', 'seen', '{x,y}', 'ill', '{"epochs": 2, "alarm": []}');
SELECT DISTINCT (assess(s, 'two:2')).risk, (assess(s, 'two:2')).is_anomaly FROM seen s;
SELECT train('two', 'mlp', 'seen', '{x,y}', 'ill', '{"epochs": 2, "alarm": ["false"]}');
SELECT train('two', 'mlp', 'seen', '{x,y}', 'ill', '{"epochs": 2, "alarm": ["true", "false"]}');
SELECT train('none', 'mlp', 'seen', '{x,y}', 'state', '{"epochs": 2, "alarm": ["dead"]}');
SELECT train('none', 'mlp', 'seen', '{x,y}', 'state', '{"epochs": 2, "alarm": "severe"}');

-- a value is no probability, and has no risk
SELECT version FROM train('value', 'mlp', 'seen', '{x,y}', 'los', '{"epochs": 2}');
SELECT DISTINCT (assess(s, 'value')).risk, (assess(s, 'value')).is_anomaly FROM seen s;
SELECT explain_text('{"x": 39, "y": 1}'::jsonb, 'value') ~ '^The predicted value of los is -?[0-9]+.[0-9]+; ' AS value;
SELECT train('value', 'mlp', 'seen', '{x,y}', 'los', '{"epochs": 2, "alarm": ["severe"]}');
SELECT drop_model(m) FROM unnest('{none,alarm,copy,two,value}'::text[]) m;
DELETE FROM prediction WHERE model = 'none';
DROP SCHEMA alarm_test CASCADE;
