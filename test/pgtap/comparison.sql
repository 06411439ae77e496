-- Comparing versions: places among what was judged on the same, and paired differences, held against plain SQL.
BEGIN;
SET LOCAL search_path = public, pg_catalog, pg_temp;
SET LOCAL client_min_messages = warning;
SELECT plan(36);

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

-- differences on the same rows: what evaluate says of each, and a - b
CREATE TABLE judged AS SELECT age, max_heart_rate, st_depression, vessels, CASE WHEN patient_id % 20 > 0 THEN heart_disease END AS ill, heart_disease::int AS one,
	CASE WHEN heart_disease THEN 2 ELSE 0 END AS num, CASE WHEN vessels > 1 THEN 'many' WHEN vessels = 1 THEN 'one' ELSE 'none' END AS found, patient_id
FROM healthml.synthetic_patients(300, 5);
CREATE FUNCTION pg_temp.differs(a text, b text, target text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT c.metric FROM healthml.compare(a, b, 'judged', target, 20) c
	LEFT JOIN healthml.evaluate(a, 'judged', target, 0) x ON x.metric = c.metric LEFT JOIN healthml.evaluate(b, 'judged', target, 0) y ON y.metric = c.metric
	WHERE c.a_value IS DISTINCT FROM x.value OR c.b_value IS DISTINCT FROM y.value
		OR c.metric !~ '^rows|^positives' AND (abs(c.difference - (x.value - y.value)) < 1e-12 AND c.low <= c.difference AND c.difference <= c.high AND c.method IS NOT NULL) IS NOT TRUE $$;
SELECT is_empty(format('SELECT pg_temp.differs(%L, %L, %L)', a, b, target), format('%s and %s by %s', a, b, target))
FROM (VALUES ('net:1', 'net:2', 'ill'), ('net:1', 'net:2', 'one'), ('net:1', 'forest', 'ill'), ('forest', 'alone', 'ill'), ('net:5', 'net:5', 'found')) v (a, b, target);
SELECT healthml.train('net', 'mlp', 'seen', '{vessels,age}', 'found', '{"epochs": 20, "alarm": ["many"]}');
SELECT healthml.train('net', 'mlp', 'seen', '{st_depression,age,max_heart_rate}', 'vessels', '{"epochs": 20}');
SELECT is_empty($$SELECT pg_temp.differs('net:5', 'net:8', 'found')$$, 'classes and their alarm');
SELECT is_empty($$SELECT pg_temp.differs('net:6', 'net:9', 'vessels')$$, 'values, of features in another order');
SELECT results_eq($$SELECT metric FROM healthml.compare('net:1', 'forest', 'judged', 'ill', 0)$$,
	'{rows,rows_left_out,positives,roc_auc,average_precision,accuracy,precision,recall,specificity,f1,mcc,balanced_accuracy}'::text[], 'no loss of what is no probability');
SELECT results_eq($$SELECT metric, a_value::int FROM healthml.compare('net:1', 'net:2', 'judged', 'ill', 0) WHERE metric ~ '^rows|^pos'$$,
	$$VALUES ('rows', 285), ('rows_left_out', 15), ('positives', (SELECT count(*)::int FROM judged WHERE ill))$$, 'rows');

-- nothing but chance between a version and itself, the opposite of the other order, the same each time
SELECT is_empty(format($$SELECT FROM healthml.compare(%L, %1$L, 'judged', %L, 50) WHERE metric !~ '^rows|^positives'
	AND (difference = 0 AND low = 0 AND high = 0 AND coalesce(p_value, 1) = 1) IS NOT TRUE$$, model, target), model || ' and itself')
FROM (VALUES ('net:1', 'ill'), ('forest', 'ill'), ('net:8', 'found'), ('net:9', 'vessels')) v (model, target);
SELECT is_empty($$SELECT FROM healthml.compare('net:1', 'net:2', 'judged', 'ill', 50) x JOIN healthml.compare('net:2', 'net:1', 'judged', 'ill', 50) y USING (metric)
	WHERE abs(x.difference + y.difference) + abs(x.low + y.high) + abs(x.high + y.low) + coalesce(abs(x.p_value - y.p_value), 0) > 1e-9$$, 'the other way round');
SELECT results_eq($$SELECT * FROM healthml.compare('net:1', 'net:2', 'judged', 'ill', 50)$$, $$SELECT * FROM healthml.compare('net:1', 'net:2', 'judged', 'ill', 50)$$, 'the same each time');
SELECT is_empty($$SELECT FROM healthml.compare('net:1', 'net:2', 'judged', 'ill', 0) WHERE metric <> 'roc_auc' AND (low IS NOT NULL OR method ~ 'bootstrap')$$,
	'without replicates the area alone has an interval');

-- DeLong by all pairs of rows
CREATE TABLE scored AS SELECT patient_id, ill, healthml.mlp_predict(j, 'net:1') AS a, healthml.mlp_predict(j, 'net:2') AS b,
	(healthml.assess(j, 'net:1')).is_anomaly = ill AS a_right, (healthml.assess(j, 'net:2')).is_anomaly = ill AS b_right FROM judged j WHERE ill IS NOT NULL;
CREATE TABLE placed AS
SELECT s.ill, avg((CASE WHEN s.a = o.a THEN 0.5 WHEN (s.a > o.a) = s.ill THEN 1 ELSE 0 END) - (CASE WHEN s.b = o.b THEN 0.5 WHEN (s.b > o.b) = s.ill THEN 1 ELSE 0 END)) AS difference
FROM scored s JOIN scored o ON s.ill <> o.ill GROUP BY s.patient_id, s.ill;
CREATE TABLE delong AS SELECT min(difference) FILTER (WHERE ill) AS difference, sqrt(sum(variance)) AS error
FROM (SELECT ill, avg(difference) AS difference, var_samp(difference) / count(*) AS variance FROM placed GROUP BY ill) p;
SELECT ok(abs(c.difference - d.difference) < 1e-12 AND abs(c.low - (d.difference - 1.959963984540054 * d.error)) < 1e-9 AND abs(c.high - (d.difference + 1.959963984540054 * d.error)) < 1e-9,
	'DeLong: ' || row(c, d)::text) FROM healthml.compare('net:1', 'net:2', 'judged', 'ill', 0) c, delong d WHERE c.metric = 'roc_auc';
SELECT cmp_ok(c.high - c.low, '<', w.high - w.low, 'a lower confidence, a narrower interval')
FROM healthml.compare('net:1', 'net:2', 'judged', 'ill', 0, 0.8) c, healthml.compare('net:1', 'net:2', 'judged', 'ill', 0) w WHERE c.metric = 'roc_auc' AND w.metric = 'roc_auc';

-- McNemar by the binomial distribution; the interval of accuracy is about the one by the normal distribution
CREATE TABLE mcnemar AS SELECT ill, count(*) FILTER (WHERE a_right AND NOT b_right) AS a, count(*) FILTER (WHERE b_right AND NOT a_right) AS b, count(*) AS n FROM scored GROUP BY ROLLUP (ill);
SELECT ok(abs(c.p_value - least(1, 2 * (SELECT sum((factorial(m.a + m.b) / (factorial(k) * factorial(m.a + m.b - k)))::float8 * 0.5::float8 ^ (m.a + m.b)) FROM generate_series(0, least(m.a, m.b)) k))) < 1e-9,
	'McNemar: ' || row(c, m)::text) FROM healthml.compare('net:1', 'net:2', 'judged', 'ill', 0) c
JOIN mcnemar m ON c.metric = CASE WHEN m.ill THEN 'recall' WHEN NOT m.ill THEN 'specificity' ELSE 'accuracy' END;
SELECT ok(abs((c.high - c.low) / (2 * 1.96 * sqrt(m.a + m.b - (m.a - m.b) ^ 2 / m.n) / m.n) - 1) < 0.1, 'the interval of accuracy')
FROM healthml.compare('net:1', 'net:2', 'judged', 'ill', 4000) c, mcnemar m WHERE c.metric = 'accuracy' AND m.ill IS NULL;

-- what cannot be compared
SELECT throws_like(format('SELECT * FROM healthml.compare(%L, %L, %L, %L)', a, b, source, target), message, message)
FROM (VALUES ('net:1', 'net:6', 'judged', 'ill', 'models cannot be compared when one predicts a value and the other one of two classes'),
	('forest', 'net:5', 'judged', 'one', 'models cannot be compared when one predicts more than two classes and the other one of two classes'),
	('net:1', 'heart_sound', 'judged', 'ill', 'models of algorithms "mlp" and "heart_sound_cnn" cannot be compared'),
	('net:1', 'net:2', 'judged', 'num', 'target column "num" must be "false" or "true", not "2"'),
	('net:1', 'net:2', 'SELECT * FROM judged WHERE ill IS NULL', 'ill', 'no row has a target%'),
	('net:1', 'nobody', 'judged', 'ill', 'model "nobody" does not exist')) v (a, b, source, target, message);
SELECT healthml.train('turned', 'mlp', 'seen', '{age}', 'ill', '{"epochs": 1, "positive": "false"}');
SELECT throws_like($$SELECT * FROM healthml.compare('net:1', 'turned', 'judged', 'ill')$$, 'models that take the same rows for different classes%', 'positive differs');

SELECT * FROM finish();
ROLLBACK;
