-- Reasons of a score: they add up to the margin, are ranked, and can be told in words.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA explain_test;
SET search_path = explain_test, healthml;
CREATE TABLE patients AS SELECT * FROM synthetic_patients(400, 1);
SELECT trained_rows < 400 AS healthy_only FROM train('explained', 'isolation_forest',
	'SELECT age, male, cholesterol, st_depression, thallium, high_fasting_sugar, heart_disease FROM patients',
	target => 'heart_disease', params => '{"n_estimators": 50}');

-- base_value + sum(contribution) is the margin, and the score a power of two of it
SELECT count(*), max(abs(total - log(2, score(p, 'explained')::numeric)::float8)) < 1e-9 AS adds_up
FROM patients p, LATERAL (SELECT min(base_value) + sum(contribution) AS total FROM shap_explain(p, 'explained')) e;
-- ranked by size; top cuts
SELECT rank, feature, value, contribution IS NOT NULL AS contribution FROM shap_explain(ARRAY[29, 0, 400, 5, 7, 1], 'explained', 3);
SELECT bool_and(abs(contribution) <= before) AS descending FROM (
	SELECT contribution, lag(abs(contribution)) OVER (ORDER BY rank) AS before
	FROM shap_explain(ARRAY[29, 0, 400, 5, 7, 1], 'explained')) r;
SELECT count(*) FILTER (WHERE top IS NULL) AS all, count(*) FILTER (WHERE top = 100) AS hundred, count(*) FILTER (WHERE top = 0) AS none
FROM unnest(ARRAY[NULL, 100, 0]) AS top, LATERAL shap_explain(ARRAY[29, 0, 400, 5, 7, 1], 'explained', top);
SELECT shap_explain(ARRAY[29, 0, 400, 5, 7, 1], 'explained', -1);
-- in the select list, by artifact, from jsonb, of nothing
SELECT (shap_explain(p, 'explained', 1)).rank FROM patients p LIMIT 2;
SELECT count(*) FROM versions v, LATERAL shap_explain(ARRAY[29, 0, 400, 5, 7, 1], v.artifact_id) WHERE model = 'explained';
SELECT feature, value FROM shap_explain('{"age": 40, "male": true, "cholesterol": null, "st_depression": 0.1, "thallium": 3, "high_fasting_sugar": false}'::jsonb, 'explained')
ORDER BY feature;
SELECT count(*) FROM shap_explain(NULL::patients, 'explained');
SELECT count(*) FROM shap_explain(NULL::float8[], 'explained');
SELECT count(*) FROM shap_explain(ARRAY[29, 0, 400, 5, 7, 1], NULL::text);
SELECT shap_explain(ARRAY[29, 0], 'explained');
SELECT shap_explain(ARRAY['Infinity', 0, 400, 5, 7, 1]::float8[], 'explained');

-- over a source
SELECT rank, mean_absolute_contribution > 0 AS positive, abs(mean_contribution) <= mean_absolute_contribution AS plausible, rows
FROM shap_summary('explained', 'patients');
SELECT count(*) FROM shap_summary('explained', 'SELECT * FROM patients WHERE false');
SELECT shap_summary('explained', 'SELECT age FROM patients');
SELECT shap_summary('explained', 'DELETE FROM patients RETURNING *');
SELECT shap_summary('nobody', 'patients');

-- in words: labels, units and names of values come from the dictionary
SELECT explain_text(ARRAY[29, 0, 400, 5, 7, 1], 'explained') ~ 'ST depression 5 mm.*decision and is not a diagnosis' AS words;
INSERT INTO feature_dictionary (feature, label) VALUES ('st_depression', 'dip');
INSERT INTO feature_dictionary (feature, model, unit) VALUES ('st_depression', 'explained', 'millimetres');
SELECT explain_text(ARRAY[29, 0, 400, 5, 7, 1], 'explained') ~ 'dip 5 millimetres' AS own_words;
INSERT INTO feature_dictionary (feature, label) VALUES ('st_depression', 'twice');
\set VERBOSITY terse
INSERT INTO feature_dictionary (feature, value_names) VALUES ('thallium', '[]');
\set VERBOSITY default
DELETE FROM feature_dictionary;
SELECT explain_text(p, 'explained') = explain_text(to_jsonb(p), 'explained') AS same FROM patients p LIMIT 1;
SELECT explain_text(ARRAY[NULL, 0, 400, 5, 7, 1]::float8[], 'explained') ~ 'filled in: age' AS missing;
SELECT explain_text(NULL::patients, 'explained') IS NULL AS null_row;

-- a text feature, one unseen
SELECT version FROM train('words', 'isolation_forest', $$SELECT age, CASE WHEN male THEN 'man' ELSE 'woman' END AS sex FROM patients$$, '{age,sex}',
	params => '{"n_estimators": 50}');
SELECT feature, value FROM shap_explain(ROW(200, 'woman'), 'words') ORDER BY 1;
SELECT feature, value FROM shap_explain(ROW(200, 'child'), 'words') ORDER BY 1;
SELECT explain_text(ROW(200, 'child'), 'words') ~ 'sex "child" by man' AS unseen;

SELECT drop_model('explained'), drop_model('words');
DROP SCHEMA explain_test CASCADE;
