-- Training: sources, columns, parameters, the journal, and what is refused.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA training_test;
SET search_path = training_test, healthml;
CREATE TYPE grade AS ENUM ('low', 'middle', 'high');
CREATE DOMAIN celsius AS numeric CHECK (value > 0);
CREATE TABLE t (id int, age smallint, weight real, dose float8, temperature celsius, visits bigint, smokes boolean,
	ward text, code char(4), stage grade, born date, "Blood Type" varchar(3), ill boolean);
INSERT INTO t SELECT i, 20 + i % 60, 50 + i % 40, i / 7.0, 36 + (i % 30) / 10.0, i % 9, i % 3 = 0,
	'ward ' || i % 4, 'c' || i % 5, (enum_range(NULL::grade))[1 + i % 3], '2000-01-01', (ARRAY['A', 'B', 'AB', '0'])[1 + i % 4], i % 10 = 0
FROM generate_series(1, 500) i;
CREATE VIEW v AS SELECT age, weight, ill FROM t WHERE id > 100;
-- sources: table, view, quoted name, schema, SELECT, VALUES, TABLE, WITH
SELECT model, version, algorithm, trained_rows FROM train('all', 'isolation_forest', 't', params => '{"n_estimators": 3}');
SELECT features FROM versions WHERE model = 'all';
SELECT trained_rows, metrics ?& '{roc_auc,precision,recall,f1}' AS has_metrics
FROM train('view', 'isolation_forest', 'training_test.v', target => 'ill', params => '{"n_estimators": 3}');
CREATE TABLE "Odd ""Name" AS SELECT i AS "X" FROM generate_series(1, 10) i;
SELECT trained_rows FROM train('odd', 'isolation_forest', '"Odd ""Name"', params => '{"n_estimators": 3}');
SELECT trained_rows FROM train('odd', 'isolation_forest', 'VALUES (1, 2), (3, 4), (5, 6)', params => '{"n_estimators": 3}');
SELECT trained_rows FROM train('odd', 'isolation_forest', 'TABLE t', params => '{"n_estimators": 3}');
SELECT trained_rows FROM train('odd', 'isolation_forest', 'WITH w AS (SELECT age FROM t) SELECT * FROM w;', params => '{"n_estimators": 3}');
SELECT trained_rows FROM train('odd', 'isolation_forest', '(SELECT age FROM t)', params => '{"n_estimators": 3}');

-- features
SELECT trained_rows FROM train('text', 'isolation_forest', 't', ARRAY['age', 'ward', 'code', 'stage', 'Blood Type', 'temperature'],
	params => '{"n_estimators": 3}');
SELECT features FROM versions WHERE model = 'text';
SELECT train('x', 'isolation_forest', 't', ARRAY['age', 'born']);
SELECT train('x', 'isolation_forest', 't', ARRAY['Age']);
SELECT train('x', 'isolation_forest', 't', ARRAY['pulse']);
SELECT train('x', 'isolation_forest', 't', ARRAY['age', 'age']);
SELECT train('x', 'isolation_forest', 't', ARRAY['age', 'ill'], 'ill');
SELECT train('x', 'isolation_forest', 't', ARRAY['age', NULL]);
SELECT train('x', 'isolation_forest', 't', '{}');
SELECT train('x', 'isolation_forest', 't', '{{age}}'::text[] || '{{weight}}');
SELECT train('x', 'isolation_forest', 'SELECT ward FROM t');
SELECT train('x', 'isolation_forest', 'SELECT age, weight AS age FROM t');
SELECT train('x', 'isolation_forest', 't', target => 'ward');
SELECT train('x', 'isolation_forest', 't', target => 'sick');
SELECT train('x', 'isolation_forest', 't', target => 'visits');

-- parameters
SELECT train('x', 'isolation_forest', 't', params => '{"n_trees": 3}');
SELECT train('x', 'isolation_forest', 't', params => '{"n_estimators": 0}');
SELECT train('x', 'isolation_forest', 't', params => '{"n_estimators": "many"}');
SELECT train('x', 'isolation_forest', 't', params => '[]');
SELECT train('x', 'isolation_forest', 't', params => NULL);
\set VERBOSITY terse
SELECT train('x', 'random_forest', 't');
SELECT algorithm_parameters('random_forest');
\set VERBOSITY default
SELECT train(NULL, 'isolation_forest', 't');
SELECT train('x', NULL, 't');
SELECT train('x', 'isolation_forest', NULL);
SELECT algorithm, task, target FROM algorithms() WHERE algorithm = 'isolation_forest';
SELECT parameter, type, default_value, minimum, maximum, choices FROM algorithm_parameters('isolation_forest')
WHERE parameter IN ('n_estimators', 'seed', 'impute', 'high_percentile') ORDER BY parameter;

-- data
SELECT train('x', 'isolation_forest', 'SELECT age FROM t WHERE false');
SELECT train('x', 'isolation_forest', $$SELECT 'Infinity'::float8 AS pressure FROM t$$);
SELECT train('x', 'isolation_forest', $$SELECT age, '-Infinity'::numeric AS pressure FROM t$$);
SELECT train('x', 'isolation_forest', 'SELECT NULL::float8 AS pressure FROM t');
SELECT train('x', 'isolation_forest', 'SELECT 1e300 * age AS pressure FROM t', params => '{"n_estimators": 3}');
SELECT train('x', 'isolation_forest', 'SELECT 1 AS constant FROM t', params => '{"n_estimators": 3}') IS NOT NULL AS constant_column;
SELECT train('x', 'isolation_forest', 'SELECT age FROM t LIMIT 1', params => '{"n_estimators": 3}') IS NOT NULL AS one_row;

-- a source only reads
CREATE TABLE log (i int);
CREATE SEQUENCE counter;
CREATE FUNCTION writes() RETURNS int LANGUAGE sql AS 'INSERT INTO training_test.log VALUES (1) RETURNING 1';
SELECT train('x', 'isolation_forest', 'INSERT INTO log VALUES (1) RETURNING i');
SELECT train('x', 'isolation_forest', 'WITH w AS (INSERT INTO log VALUES (1) RETURNING i) SELECT * FROM w');
SELECT train('x', 'isolation_forest', 'SELECT writes() FROM t');
SELECT train('x', 'isolation_forest', $$SELECT nextval('counter') FROM t$$);
SELECT train('x', 'isolation_forest', 'SELECT age FROM t FOR UPDATE');
SELECT train('x', 'isolation_forest', 'SELECT age INTO u FROM t');
SELECT train('x', 'isolation_forest', 'SELECT age FROM t; DROP TABLE t');
SELECT train('x', 'isolation_forest', 'DROP TABLE t');
SELECT train('x', 'isolation_forest', 'EXPLAIN SELECT age FROM t');
SELECT train('x', 'isolation_forest', '');
SELECT train('x', 'isolation_forest', '-- nothing');
SELECT train('x', 'isolation_forest', 'no_such_table');
SELECT train('x', 'isolation_forest', 'SELECT nonsense FROM');
SELECT train('x', 'isolation_forest', 'SELECT $1');
SELECT count(*) FROM log;
INSERT INTO log VALUES (2);

-- a read-only transaction is told so before anything is read
BEGIN READ ONLY;
SELECT train('x', 'isolation_forest', 'no_such_table');
ROLLBACK;

-- one algorithm per model; nothing of what failed was written
SELECT versions FROM models WHERE model = 'x';
SELECT train('x', 'mlp', 't', target => 'ill');
SET healthml.max_memory = '16MB';
SELECT trained_rows < 1000000 AS sampled FROM train('big', 'isolation_forest', 'SELECT i, i % 7 AS j FROM generate_series(1, 1000000) i',
	params => '{"n_estimators": 3}');
RESET healthml.max_memory;

-- the journal: this session's runs that succeeded are there at once
SELECT status, rows, version, error, phase FROM training_run WHERE model = 'big';
SELECT status, phase FROM training_progress WHERE model = 'view';
BEGIN;
SELECT version FROM train('gone', 'isolation_forest', 't', params => '{"n_estimators": 1}');
ROLLBACK;
SELECT count(*) FROM models WHERE model = 'gone';

SELECT drop_model(model) FROM models WHERE model IN ('all', 'view', 'odd', 'text', 'x', 'big') ORDER BY model;
DROP SCHEMA training_test CASCADE;
