-- Rule models: NEWS2 as rules, learnt bands, what fires, what is missing, rules that make no sense.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE SCHEMA rules_test;
SET search_path = rules_test, healthml;

CREATE TABLE vitals (id serial PRIMARY KEY, respiration float8, spo2 float8, on_oxygen boolean, systolic_bp float8, pulse float8, consciousness text, temperature float8);
INSERT INTO vitals (respiration, spo2, on_oxygen, systolic_bp, pulse, consciousness, temperature)
SELECT 4 + i % 26, 80 + i % 21, i % 7 = 0, 60 + i * 7 % 190, 30 + i * 11 % 120, substr('AAAAAAAACVP', 1 + i % 11, 1), 34 + (i * 3 % 70) / 10.0
FROM generate_series(1, 2000) i;
CREATE TABLE bands (feature text, min float8, max float8, equals jsonb, points float8, severity text, message text);
INSERT INTO bands (feature, min, max, points) VALUES
	('respiration', NULL, 8, 3), ('respiration', 9, 11, 1), ('respiration', 21, 24, 2), ('respiration', 25, NULL, 3),
	('spo2', NULL, 91, 3), ('spo2', 92, 93, 2), ('spo2', 94, 95, 1),
	('systolic_bp', NULL, 90, 3), ('systolic_bp', 91, 100, 2), ('systolic_bp', 101, 110, 1), ('systolic_bp', 220, NULL, 3),
	('pulse', NULL, 40, 3), ('pulse', 41, 50, 1), ('pulse', 91, 110, 1), ('pulse', 111, 130, 2), ('pulse', 131, NULL, 3),
	('temperature', NULL, 35, 3), ('temperature', 35.1, 36, 1), ('temperature', 38.1, 39, 1), ('temperature', 39.1, NULL, 2);
UPDATE bands SET severity = 'high', message = feature || ' is extreme' WHERE points = 3;
INSERT INTO bands (feature, equals, points, severity) VALUES ('on_oxygen', 'true', 2, 'medium');
INSERT INTO bands (feature, equals, points, severity) SELECT 'consciousness', to_jsonb(letter), 3, 'high' FROM unnest('{C,V,P,U}'::text[]) letter;
SELECT model, algorithm, trained_rows, metrics ->> 'rules' AS rules, metrics ->> 'max_points' AS max_points
FROM train('rules_news2', 'rules', 'vitals', '{respiration,spo2,on_oxygen,systolic_bp,pulse,consciousness,temperature}',
	params => jsonb_build_object('rules', rules_of('bands'), 'medium_points', 5, 'high_points', 7));
-- the same score and risk as news2(); only what differs is listed
SELECT v.id, n.score, rule_score(v, 'rules_news2') * 20 AS points, n.risk, (assess(v, 'rules_news2')).risk
FROM vitals v, news2(respiration, spo2, on_oxygen, systolic_bp, pulse, consciousness, temperature) n
WHERE n.risk <> (assess(v, 'rules_news2')).risk
	OR abs(n.score - rule_score(v, 'rules_news2') * 20) > CASE WHEN n.single_parameter_3 AND n.score < 5 THEN 1.75 ELSE 1e-9 END
LIMIT 5;
-- a letter that no row of the training had
SELECT * FROM rules_fired('{"respiration": 26, "spo2": 97, "on_oxygen": true, "systolic_bp": 120, "pulse": 95, "consciousness": "U", "temperature": 37}'::jsonb, 'rules_news2');
-- missing values fire nothing and are named
SELECT score * 20 AS points, risk, missing_features FROM assess('{"respiration": null, "spo2": null, "on_oxygen": null, "systolic_bp": 85, "pulse": null, "consciousness": null, "temperature": 37}'::jsonb, 'rules_news2');
SELECT score * 20 AS points, risk, missing_features FROM assess('{"respiration": 16, "spo2": 98, "on_oxygen": false, "systolic_bp": 120, "pulse": 115, "consciousness": null, "temperature": 37}'::jsonb, 'rules_news2');
SELECT feature, value, round(contribution::numeric * 20, 6) AS points FROM shap_explain('{"respiration": 26, "spo2": 97, "on_oxygen": true, "systolic_bp": 120, "pulse": 95, "consciousness": "A", "temperature": 37}'::jsonb, 'rules_news2', 3);
SELECT explain_text('{"respiration": 26, "spo2": 97, "on_oxygen": true, "systolic_bp": 120, "pulse": 95, "consciousness": "A", "temperature": 37}'::jsonb, 'rules_news2');
SELECT version FROM import_model('rules_copy', export_model('rules_news2'));
SELECT count(*) FROM vitals v WHERE score(v, 'rules_copy') <> rule_score(v, 'rules_news2');

-- learnt bands: what is usual scores 0, beyond it one to three points a feature
SELECT trained_rows, metrics ->> 'rules' AS rules, metrics ->> 'max_points' AS max_points FROM train('rules_learnt', 'rules',
	'SELECT i::float8 AS a, i % 2 = 0 AS b, CASE WHEN i = 7 THEN ''rare'' ELSE ''usual'' END AS c FROM generate_series(1, 10000) i', '{a,b,c}');
SELECT a, rule_score(jsonb_build_object('a', a, 'b', true, 'c', c), 'rules_learnt') * 6 AS points
FROM (VALUES (5000.0, 'usual'), (400, 'usual'), (50, 'usual'), (2, 'usual'), (9700, 'usual'), (9999, 'rare'), (20000, 'unseen')) v (a, c);
SELECT count(*) FROM train('rules_constant', 'rules', 'SELECT 5.0 AS a, i::float8 AS b FROM generate_series(1, 100) i');
SELECT rule_score('{"a": 5, "b": 50}'::jsonb, 'rules_constant') AS usual, rule_score('{"a": 5.1, "b": 50}'::jsonb, 'rules_constant') AS never_seen;

-- rules that make no sense
SELECT train('rules_bad', 'rules', 'vitals', '{pulse}', params => '{"rules": {"heart": [{"min": 1, "points": 1}]}}');
SELECT train('rules_bad', 'rules', 'vitals', '{pulse}', params => '{"rules": {"pulse": [{"min": 1}]}}');
SELECT train('rules_bad', 'rules', 'vitals', '{pulse}', params => '{"rules": {"pulse": [{"points": 1}]}}');
SELECT train('rules_bad', 'rules', 'vitals', '{pulse}', params => '{"rules": {"pulse": [{"min": 5, "max": 4, "points": 1}]}}');
SELECT train('rules_bad', 'rules', 'vitals', '{pulse}', params => '{"rules": {"pulse": [{"min": 5, "points": -1}]}}');
SELECT train('rules_bad', 'rules', 'vitals', '{pulse}', params => '{"rules": {"pulse": [{"mim": 5, "points": 1}]}}');
SELECT train('rules_bad', 'rules', 'vitals', '{pulse}', params => '{"rules": {"pulse": {"min": 5, "points": 1}}}');
SELECT train('rules_bad', 'rules', 'vitals', '{pulse}', params => '{"rules": {"pulse": [{"min": 5, "points": 1, "severity": "fatal"}]}}');
SELECT train('rules_bad', 'rules', 'vitals', '{consciousness}', params => '{"rules": {"consciousness": [{"min": 5, "points": 1}]}}');
SELECT train('rules_bad', 'rules', 'vitals', '{pulse}', params => '{"rules": {}, "learn_bands": "no"}');
