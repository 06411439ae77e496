-- Scoring: every form of features, missing values, types, and what is refused.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA scoring_test;
SET search_path = scoring_test, healthml;
CREATE TYPE grade AS ENUM ('low', 'middle', 'high');
CREATE DOMAIN celsius AS numeric;
CREATE TABLE t (id text, age int, weight float8, temperature celsius, smokes boolean, ward text, stage grade);
INSERT INTO t SELECT 'p' || i, 20 + i % 60, 50 + i * 7 % 40, 36 + (i % 30) / 10.0, i % 3 = 0,
	'ward ' || i % 4, (enum_range(NULL::grade))[1 + i % 3] FROM generate_series(1, 500) i;
SELECT version FROM train('numbers', 'isolation_forest', 't', ARRAY['age', 'weight', 'temperature', 'smokes'],
	params => '{"n_estimators": 20}');
SELECT version FROM train('texts', 'isolation_forest', 't', ARRAY['age', 'ward', 'stage'], params => '{"n_estimators": 20}');
SELECT artifact_id AS numbers_id FROM versions WHERE model = 'numbers' \gset
SELECT artifact_id AS texts_id FROM versions WHERE model = 'texts' \gset

-- a row, a query's row, ROW(...), an array, a jsonb object, by name or by artifact: one score
SELECT count(*), count(DISTINCT s), min(s) BETWEEN 0 AND 1 AS in_range FROM t,
	LATERAL (VALUES (score(t, 'numbers')), (iforest_score(t, 'numbers')), (score(t, :'numbers_id'::uuid)),
		(iforest_score(t, :'numbers_id'::uuid)), ((assess(t, 'numbers')).score), ((assess(t, :'numbers_id'::uuid)).score),
		((SELECT score(q, 'numbers') FROM (SELECT t.temperature, t.smokes, t.age, t.weight, 'x' AS surplus) q)),
		(score(ROW(age, weight, temperature, smokes), 'numbers')),
		(score(ARRAY[age, weight, temperature, smokes::int], 'numbers')),
		(score(ARRAY[age, weight, temperature, smokes::int], :'numbers_id'::uuid)),
		(score(to_jsonb(t), 'numbers')), (score(to_jsonb(t), :'numbers_id'::uuid)),
		((assess(to_jsonb(t), 'numbers')).score), ((assess(ARRAY[age, weight, temperature, smokes::int], 'numbers')).score),
		(score(features => t, model => 'numbers:1'))) AS v (s)
WHERE id = 'p7';
SELECT count(*), count(DISTINCT s) FROM t,
	LATERAL (VALUES (score(t, 'texts')), (score(to_jsonb(t), 'texts')), (score(ROW(age, ward, stage), 'texts')),
		(score(ROW(age, ward::varchar(9), stage::text), 'texts')), (score(ROW(age, ward::char(20), stage), 'texts')),
		(score(ARRAY[age, 3, 2], 'texts'))) AS v (s)
WHERE id = 'p7';

-- what it means
SELECT risk, is_anomaly, model, version, percentile BETWEEN 0 AND 100 AS percentile
FROM assess(ARRAY[500, 500, 500, 1], 'numbers@champion');
SELECT risk, is_anomaly FROM assess(ARRAY[50, 70, 37.5, 0], 'numbers');
SELECT bool_and((a.risk = 'high') = a.is_anomaly) AS high_is_anomaly, bool_and(a.score = score(t, 'numbers')) AS same_score
FROM t, LATERAL assess(t, 'numbers') a;

-- missing values: NULL, NaN and null are one; a NULL row is NULL
SELECT count(DISTINCT s) FROM (VALUES (score(ARRAY[NULL, 60, 37, 1], 'numbers')), (score(ARRAY['NaN', 60, 37, 1]::float8[], 'numbers')),
	(score('{"age": null, "weight": 60, "temperature": 37, "smokes": true}'::jsonb, 'numbers')),
	(score(ROW(NULL::int, 60, 37, true), 'numbers')), (score(ROW('NaN'::numeric, 60, 37, 1), 'numbers'))) v (s);
SELECT score(ARRAY[NULL, NULL, NULL, NULL]::float8[], 'numbers') IS NOT NULL AS all_missing,
	score(ROW(NULL::int, NULL::int, NULL::int, NULL::bool), 'numbers') IS NOT NULL AS row_of_nulls;
SELECT score(NULL::t, 'numbers') IS NULL AS null_row, score(NULL::float8[], 'numbers') IS NULL AS null_array,
	score(NULL::jsonb, 'numbers') IS NULL AS null_jsonb, score(t, NULL::text) IS NULL AS null_model FROM t LIMIT 1;
SELECT count(*), count(score(t, 'numbers')) FROM (VALUES (1)) AS one LEFT JOIN t ON false;
-- a category that training has not seen is missing, and counted
SELECT unseen_categories AS before FROM session_status() \gset
SELECT score(ROW(30, 'nowhere', 'low'), 'texts') = score(ROW('30', NULL, 'low'), 'texts') AS same,
	score('{"age": 30, "ward": "ward 0", "stage": "???"}'::jsonb, 'texts') = score('{"age": 30, "ward": "ward 0", "stage": null}'::jsonb, 'texts') AS same;
SELECT unseen_categories - :before AS unseen FROM session_status();

-- every numeric type
SELECT count(DISTINCT s) FROM (VALUES (score(ROW(30::int2, 60::int4, 37::int8, true), 'numbers')),
	(score(ROW(30::float4, 60::float8, 37::numeric, 1), 'numbers')), (score(ROW(30.0, 60.00, 37.000::celsius, 1::float4), 'numbers'))) v (s);

-- a numeric is the float8 that the server makes of it, to the bit
SELECT version FROM train('numeric', 'isolation_forest', 'SELECT 1.5 AS a FROM generate_series(1, 3)', params => '{"n_estimators": 1}');
SELECT count(*), count(*) FILTER (WHERE value IS DISTINCT FROM a::float8) AS different
FROM (SELECT sign * digits::numeric * (10::numeric ^ exponent)::numeric(60, 30) AS a
	FROM unnest(ARRAY[1, -1]) sign, generate_series(-24, 24) exponent,
		unnest(ARRAY[0, 1, 9, 10, 9999, 10000, 10001, 12345, 99999999, 123456789, 100000000000001, 9007199254740991,
			9007199254740992, 9007199254740993, 9999999999999999, 10000000000000001, 123456789012345678]) digits) n,
	LATERAL shap_explain(ROW(a), 'numeric');

-- refused: infinity, columns and keys, types, dimensions
SELECT score(ARRAY[30, 'Infinity', 37, 1]::float8[], 'numbers');
SELECT score(ROW(30, 60, '-Infinity'::float4, true), 'numbers');
SELECT score(q, 'numbers') FROM (SELECT 30 AS age, 60 AS weight, true AS smokes) q;
SELECT score(q, 'numbers') FROM (SELECT 30 AS "Age", 60 AS weight, 37 AS temperature, true AS smokes) q;
SELECT score(ROW(30, 60, 37), 'numbers');
SELECT score(ROW('thirty', 60, 37, true), 'numbers');
SELECT score(q, 'numbers') FROM (SELECT '30'::text AS age, 60 AS weight, 37 AS temperature, true AS smokes) q;
SELECT score(q, 'numbers') FROM (SELECT DATE '2000-01-01' AS age, 60 AS weight, 37 AS temperature, true AS smokes) q;
SELECT score(q, 'texts') FROM (SELECT 30 AS age, 1 AS ward, 'low' AS stage) q;
SELECT score('{"age": 30, "weight": 60, "temperature": 37}'::jsonb, 'numbers');
SELECT score('{"AGE": 30, "weight": 60, "temperature": 37, "smokes": true}'::jsonb, 'numbers');
SELECT score('{"age": "30", "weight": 60, "temperature": 37, "smokes": true}'::jsonb, 'numbers');
SELECT score('{"age": [30], "weight": 60, "temperature": 37, "smokes": true}'::jsonb, 'numbers');
SELECT score('{"age": 30, "ward": 1, "stage": "low"}'::jsonb, 'texts');
SELECT score('{"age": 1e400, "weight": 60, "temperature": 37, "smokes": true}'::jsonb, 'numbers');
SELECT score('[30, 60, 37, 1]'::jsonb, 'numbers');
SELECT score('7'::jsonb, 'numbers');
SELECT score('{}'::float8[], 'numbers');
SELECT score(ARRAY[1, 2, 3], 'numbers');
SELECT score(ARRAY[1, 2, 3, 4, 5], 'numbers');
SELECT score(ARRAY[[1, 2], [3, 4]], 'numbers');
SELECT score('[2:5]={1,2,3,4}'::float8[], 'numbers') = score(ARRAY[1, 2, 3, 4], 'numbers') AS bounds_do_not_matter;
SELECT score(ARRAY[30, 4, 1], 'texts');
SELECT score(ARRAY[30, 0.5, 1], 'texts');
SELECT score(ARRAY[30, -1, 1], 'texts');

-- refused: models
SELECT score(ARRAY[1, 2, 3, 4], 'nobody');
SELECT score(ARRAY[1, 2, 3, 4], 'numbers:9');
SELECT score(ARRAY[1, 2, 3, 4], 'numbers@nobody');
SELECT score(ARRAY[1, 2, 3, 4], 'numbers:one');
SELECT score(ARRAY[1, 2, 3, 4], '00000000-0000-8000-8000-000000000000'::uuid);
SELECT iforest_score(ARRAY[1, 2, 3, 4]);

-- models and row types may change from row to row
SELECT m, score(ARRAY[30, 1, 1], m) IS NOT NULL FROM unnest(ARRAY['texts', 'texts:1', 'texts@champion', 'texts']) m;
CREATE TABLE other AS SELECT ward, stage, 0 AS age FROM t;
CREATE FUNCTION pick(i int) RETURNS record LANGUAGE plpgsql AS $$
DECLARE
	a t;
	b other;
BEGIN
	SELECT * INTO a FROM t LIMIT 1;
	SELECT * INTO b FROM other LIMIT 1;
	IF i % 2 = 0 THEN RETURN a; ELSE RETURN b; END IF;
END
$$;
SELECT i % 2 AS type, count(*), count(DISTINCT score(pick(i), 'texts')) FROM generate_series(1, 6) i GROUP BY 1 ORDER BY 1;
-- a type that is altered between two calls
CREATE TYPE person AS (age int, ward text, stage text);
PREPARE p AS SELECT score('(30,"ward 1",low)'::person, 'texts') = score(ROW(30, 'ward 1', 'low'), 'texts') AS same;
EXECUTE p;
ALTER TYPE person DROP ATTRIBUTE age, ADD ATTRIBUTE age float8;
DO $$
BEGIN
	FOR i IN 1..2 LOOP
		EXECUTE $q$ALTER TYPE scoring_test.person ADD ATTRIBUTE more int$q$;
		ASSERT healthml.score(jsonb_populate_record(NULL::scoring_test.person, '{"age": 30, "ward": "ward 1", "stage": "low"}'), 'texts')
			= healthml.score(ROW(30, 'ward 1', 'low'), 'texts');
		EXECUTE $q$ALTER TYPE scoring_test.person DROP ATTRIBUTE more$q$;
	END LOOP;
END
$$;
-- a column that was added with a default has it in old rows
ALTER TABLE other ADD weight float8 DEFAULT 60, ADD temperature float8 DEFAULT 37, ADD smokes bool DEFAULT false, DROP stage;
SELECT count(*) FROM other WHERE score(other, 'numbers') = score(ARRAY[0, 60, 37, 0], 'numbers');

-- immutable forms: generated column, index
CREATE TABLE generated (age int, weight float8, temperature float8, smokes boolean,
	risk float8 GENERATED ALWAYS AS (healthml.iforest_score(ARRAY[age, weight, temperature, smokes::int], '00000000-0000-8000-8000-000000000000'::uuid)) STORED);
INSERT INTO generated VALUES (1, 2, 3, true);
DROP TABLE generated;
CREATE FUNCTION run(statement text, id uuid) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE format(statement, id); END $$;
SELECT run('CREATE TABLE generated (age int, weight float8, temperature float8, smokes boolean,
	risk float8 GENERATED ALWAYS AS (healthml.iforest_score(ARRAY[age, weight, temperature, smokes::int], %L::uuid)) STORED)', :'numbers_id');
INSERT INTO generated VALUES (30, 60, 37, true) RETURNING risk = score(ARRAY[30, 60, 37, 1], 'numbers') AS same;
SELECT run('CREATE INDEX ON generated (healthml.score(generated, %L::uuid))', :'numbers_id');
SELECT provolatile, proparallel, proisstrict, count(*) FROM pg_proc
WHERE pronamespace = 'healthml'::regnamespace AND proname IN ('score', 'iforest_score') GROUP BY 1, 2, 3 ORDER BY 1;

-- the cache is bounded, and a model in use is kept
SELECT bytes > 0 AS loaded, in_use FROM session_status();
SET healthml.model_cache_size = '1MB';
SELECT version FROM train('large', 'isolation_forest', 'SELECT i, i * 7 % 1000 AS j FROM generate_series(1, 2000) i');
SELECT count(*) FROM t WHERE score(ARRAY[age, weight], 'large') > 0 AND score(t, 'texts') > 0 AND score(t, 'numbers') > 0;
SELECT bytes <= 1024 * 1024 AS bounded, in_use FROM session_status();
RESET healthml.model_cache_size;

-- a wide row, and one with every column a feature
DO $$
BEGIN
	EXECUTE (SELECT format('CREATE TABLE scoring_test.wide (%s)', string_agg(format('c%s float4', i), ', '))
		FROM generate_series(1, 1600) i);
END
$$;
INSERT INTO wide DEFAULT VALUES;
INSERT INTO wide (c1, c1600) VALUES (7, 8);
SELECT trained_rows FROM train('wide', 'isolation_forest', 'wide', params => '{"n_estimators": 2, "impute": "constant"}');
SELECT count(score(w, 'wide')) FROM wide w;

SELECT drop_model(model) FROM models WHERE model IN ('numbers', 'texts', 'numeric', 'large', 'wide');
DROP SCHEMA scoring_test CASCADE;
