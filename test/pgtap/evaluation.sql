-- Judging a model: targets that a training would take, rows left out, intervals of all metrics, subgroups.
BEGIN;
SET LOCAL search_path = public, pg_catalog, pg_temp;
SET LOCAL client_min_messages = warning;
SELECT plan(34);

CREATE TABLE judged AS
SELECT age, max_heart_rate, st_depression, vessels, CASE WHEN male THEN 'm' WHEN patient_id % 10 > 0 THEN 'f' END AS sex, heart_disease AS ill,
	heart_disease::int AS one, CASE WHEN heart_disease THEN 1 + patient_id % 4 ELSE 0 END AS num, CASE WHEN heart_disease THEN -1 ELSE 1 END AS sk,
	CASE WHEN heart_disease THEN 2 ELSE 1 END AS i12, CASE WHEN patient_id % 5 > 0 THEN heart_disease END AS known,
	CASE WHEN heart_disease THEN 'true' WHEN patient_id % 5 = 0 THEN 'nobody knows' ELSE 'false' END AS word,
	CASE WHEN vessels > 1 THEN 'many' WHEN vessels = 1 THEN 'one' ELSE 'none' END AS found
FROM healthml.synthetic_patients(400);
SELECT healthml.train('forest', 'isolation_forest', 'judged', '{age,max_heart_rate,st_depression,vessels}', 'ill');
SELECT healthml.train('net', 'mlp', 'judged', '{age,max_heart_rate,st_depression,vessels}', 'ill', '{"epochs": 5}');
SELECT healthml.train('three', 'mlp', 'judged', '{age,max_heart_rate,st_depression}', 'found', '{"epochs": 5}');
SELECT healthml.train('value', 'mlp', 'judged', '{age,st_depression,vessels}', 'max_heart_rate', '{"epochs": 5}');

CREATE FUNCTION pg_temp.metrics(model text, target text) RETURNS jsonb LANGUAGE sql AS
$$ SELECT jsonb_object_agg(metric, value) FROM healthml.evaluate(model, 'judged', target, 0) $$;

-- what training refuses is refused here, and with a hint that finds the ill
SELECT throws_like(format('SELECT pg_temp.metrics(%L, %L)', model, target), message, format('%s by %s', model, target))
FROM (VALUES ('forest', 'num', 'target column "num" must be boolean, 0 or 1, not "_"'), ('forest', 'sk', 'target column "sk" must be boolean, 0 or 1, not "-1"'),
	('forest', 'i12', 'target column "i12" must be boolean, 0 or 1, not "2"'), ('net', 'num', 'target column "num" must be "false" or "true", not "_"'),
	('net', 'sk', 'target column "sk" must be "false" or "true", not "-1"'), ('net', 'i12', 'target column "i12" must be "false" or "true", not "2"'),
	('value', 'word', 'target column "word" must be a number, for the model predicts a value')) v (model, target, message);
CREATE FUNCTION pg_temp.hint(target text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	hint text;
BEGIN
	PERFORM healthml.evaluation('forest', 'judged', target, 0, 0.9, 1);
EXCEPTION WHEN data_exception THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
	RETURN substring(hint FROM '\(.*?\)');
END $$;
SELECT is(pg_temp.hint(target), wanted, 'the condition to select for ' || target) FROM (VALUES ('num', '(num > 0)'), ('sk', '(sk < 0)'), ('i12', '(i12 > 1)')) v (target, wanted);
SELECT is(pg_temp.metrics('net', 'one'), pg_temp.metrics('net', 'ill'), '0 and 1 are false and true');

-- rows that are left out are counted
SELECT ok((m ->> 'rows')::int + (m ->> 'rows_left_out')::int = 400 AND (m ->> 'rows_left_out')::int = 80, 'rows without a target') FROM pg_temp.metrics('net', 'known') m;
SELECT ok((m ->> 'rows')::int + (m ->> 'rows_left_out')::int = 400 AND (m ->> 'rows_left_out')::int BETWEEN 20 AND 80, 'rows of a class that the model does not know') FROM pg_temp.metrics('net', 'word') m;
SELECT is((m ->> 'rows_left_out')::int, 0, 'none') FROM pg_temp.metrics('forest', 'ill') m;

-- every metric has an interval around it
SELECT is_empty(format($$SELECT * FROM healthml.evaluate(%L, 'judged', %L, 300) WHERE metric NOT IN ('rows', 'rows_left_out', 'positives')
	AND coalesce(NOT (low <= value AND value <= high AND low < high), true)$$, model, target), 'intervals of ' || model)
FROM (VALUES ('forest', 'ill'), ('net', 'ill'), ('three', 'found'), ('value', 'max_heart_rate')) v (model, target);
SELECT is_empty($$SELECT FROM healthml.evaluate('net', 'judged', 'ill', 0) WHERE low IS NOT NULL$$, 'none without replicates');
SELECT cmp_ok(abs(e.high - e.low - 2 * 1.96 * sqrt(e.value * (1 - e.value) / p.value)), '<', 0.04::float8, 'that of recall is about the binomial one')
FROM healthml.evaluate('net', 'judged', 'ill', 2000) e, pg_temp.metrics('net', 'ill') m, LATERAL (SELECT (m ->> 'positives')::float8 AS value) p WHERE e.metric = 'recall';
SELECT results_eq($$SELECT * FROM healthml.evaluate('net', 'judged', 'ill', 50)$$, $$SELECT * FROM healthml.evaluate('net', 'judged', 'ill', 50)$$, 'the same each time');
SELECT is((m ->> 'accuracy')::float8, (c.metrics).accuracy, 'accuracy is that of the aggregate')
FROM pg_temp.metrics('net', 'ill') m, (SELECT healthml.classification_metrics((healthml.assess(j, 'net')).is_anomaly, ill) AS metrics FROM judged j) c;

-- subgroups are what the rows of each would give alone
SELECT results_eq($$SELECT metric, value, low, high FROM healthml.evaluate('net', 'judged', 'ill', by => 'sex', replicates => 50) WHERE subgroup = 'f'$$,
	$$SELECT metric, value, low, high FROM healthml.evaluate('net', 'SELECT * FROM judged WHERE sex = ''f''', 'ill', 50)$$, 'a subgroup');
SELECT results_eq($$SELECT DISTINCT subgroup COLLATE "C" FROM healthml.evaluate('net', 'judged', 'ill', by => 'sex', replicates => 0) ORDER BY 1$$,
	ARRAY['f', 'm', NULL] COLLATE "C", 'rows without one are a subgroup');
SELECT results_eq($$SELECT subgroup::int, value::int FROM healthml.evaluate('net', 'judged', 'ill', by => 'vessels', replicates => 0) WHERE metric = 'rows'$$,
	$$SELECT vessels::int, count(*)::int FROM judged GROUP BY 1 ORDER BY 1$$, 'a feature divides as well, in its order');
SELECT is_empty($$SELECT FROM healthml.evaluate('net', 'SELECT j.*, ill AS side FROM judged j', 'ill', by => 'side', replicates => 0) WHERE metric = 'roc_auc' AND value IS NOT NULL$$,
	'a subgroup of one class has no AUC');
SELECT results_eq($$SELECT subgroup, value FROM healthml.evaluate('three', 'judged', 'found', by => 'ill', replicates => 0) WHERE metric = 'rows'$$,
	$$SELECT ill::text, count(*)::float8 FROM judged GROUP BY ill ORDER BY ill$$, 'a boolean divides');
SELECT is_empty($$SELECT FROM healthml.evaluate('net', 'SELECT j.*, CASE WHEN sex = ''f'' THEN NULL ELSE ill END AS target FROM judged j', 'target', by => 'sex', replicates => 0)
	WHERE subgroup = 'f'$$, 'a subgroup without any target is left out');
SELECT throws_like($$SELECT * FROM healthml.evaluate('net', 'judged', 'ill', by => 'nothing')$$, '%no column "nothing"');

-- messages say what is the matter: nobody asked for folds, and numbers may be text
SELECT throws_like(format('SELECT healthml.train(''few'', %L, %L, NULL, %L, %L)', algorithm, source, target, params), message, message)
FROM (VALUES ('mlp', 'SELECT i AS a, i % 2 = 0 AS y FROM generate_series(1, 5) i', 'y', '{"epochs": 1}', '5 rows are too few to hold a share of 0.15 out for validation'),
	('mlp', 'SELECT i AS a, i % 2 = 0 AS y, i % 3 AS h FROM generate_series(1, 60) i', 'y', '{"epochs": 1, "group": "h"}', '3 groups are too few to hold a share of 0.15 out for validation'),
	('autoencoder', 'SELECT i AS a, i % 3 AS b FROM generate_series(1, 5) i', NULL, '{"epochs": 1}', '5 rows are too few to hold a share of%')) v (algorithm, source, target, params, message);
SELECT lives_ok($$SELECT healthml.train('few', 'mlp', 'SELECT i AS a, i % 2 = 0 AS y FROM generate_series(1, 5) i', NULL, 'y', '{"epochs": 1, "validation_fraction": 0.2}')$$,
	'the share that the hint names will do');
CREATE FUNCTION pg_temp.hint_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	hint text;
BEGIN
	EXECUTE statement;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
	RETURN hint;
END $$;
SELECT matches(pg_temp.hint_of($$SELECT healthml.train('uci', 'isolation_forest', 'SELECT ''63.0''::text AS "Age"')$$), '^Column "Age" is text.*nullif\("Age", ''\?''\)::float8', 'numbers that are text');

SELECT * FROM finish();
ROLLBACK;
