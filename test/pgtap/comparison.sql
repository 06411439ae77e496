-- Comparing versions: places among what was judged on the same.
BEGIN;
SET LOCAL search_path = public, pg_catalog, pg_temp;
SET LOCAL client_min_messages = warning;
SELECT plan(7);

CREATE TABLE seen AS SELECT age, max_heart_rate, st_depression, vessels, heart_disease AS ill, cholesterol > 240 AS fat,
	CASE WHEN vessels > 1 THEN 'many' WHEN vessels = 1 THEN 'one' ELSE 'none' END AS found FROM healthml.synthetic_patients(400);
CREATE VIEW men AS SELECT * FROM seen WHERE age > 50;
SELECT healthml.train('net', 'mlp', 'seen', '{age,max_heart_rate,st_depression,vessels}', 'ill', '{"epochs": 20}');
SELECT healthml.train('net', 'mlp', 'seen', '{age}', 'ill', '{"epochs": 1}');
SELECT healthml.train('net', 'mlp', 'men', '{age}', 'ill', '{"epochs": 1}');
SELECT healthml.train('net', 'mlp', 'seen', '{age}', 'fat', '{"epochs": 1}');
SELECT healthml.train('net', 'mlp', 'seen', '{age}', 'found', '{"epochs": 1, "alarm": ["many"]}');
SELECT healthml.train('net', 'mlp', 'seen', '{age}', 'vessels', '{"epochs": 1}');
SELECT healthml.set_threshold('net:1', 'sensitivity:0.9', 'seen', 'ill');
SELECT healthml.train('forest', 'isolation_forest', 'seen', '{age,max_heart_rate,st_depression,vessels}', 'ill');
SELECT healthml.train('alone', 'isolation_forest', 'seen', '{age,max_heart_rate,st_depression,vessels}');

SELECT results_eq($$SELECT version, place, trained_on, target FROM healthml.leaderboard WHERE model = 'net' ORDER BY version$$,
	$$VALUES (1, 1::bigint, 'seen', 'ill'), (2, 2, 'seen', 'ill'), (3, 1, 'men', 'ill'), (4, 1, 'seen', 'fat'), (5, 1, 'seen', 'found'), (6, 1, 'seen', 'vessels'),
	(7, NULL, 'seen', 'ill')$$, 'places of one task, source and target');
SELECT is_empty($$SELECT FROM healthml.leaderboard l JOIN healthml.versions v USING (model, version)
	WHERE l.recall IS DISTINCT FROM coalesce(v.metrics ->> 'recall', v.metrics ->> 'alarm_recall')::float8
	OR l.specificity IS DISTINCT FROM coalesce(v.metrics ->> 'specificity', v.metrics ->> 'alarm_specificity')::float8$$, 'recall and specificity are those of the training');
SELECT is((SELECT count(*) FROM healthml.leaderboard WHERE model IN ('net', 'forest') AND recall IS NOT NULL AND specificity IS NOT NULL AND judged_rows > 0), 6::bigint,
	'of every classifier and of a detector with a target');
SELECT is((SELECT judged_rows FROM healthml.leaderboard WHERE model = 'forest'), 400::bigint, 'a detector is judged on all rows');
SELECT is(l.place, NULL, 'what was not judged has no place') FROM healthml.leaderboard l WHERE l.model = 'alone';
SELECT is((SELECT l.specificity FROM healthml.leaderboard l WHERE l.model = 'forest'),
	(SELECT count(*) FILTER (WHERE NOT (healthml.assess(s, 'forest')).is_anomaly) / count(*)::float8 FROM seen s WHERE NOT ill), 'the specificity of a detector');
SELECT ok(place IS NULL, 'a bundled model has no target to compare on') FROM healthml.leaderboard WHERE model = 'heart_sound';

SELECT * FROM finish();
ROLLBACK;
