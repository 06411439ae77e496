-- Models as rows: versions, aliases, their history, references, and what is refused.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA registry_test;
SET search_path = registry_test, healthml;
CREATE TABLE t AS SELECT i::float8 AS a, (i * 7 % 31)::float8 AS b FROM generate_series(1, 200) i;

-- the first version becomes the champion, later ones do not
SELECT model, version, algorithm, trained_rows FROM train('reg', 'isolation_forest', 't', params => '{"n_estimators": 5}');
SELECT version FROM train('reg', 'isolation_forest', 't', params => '{"n_estimators": 6}');
SELECT version FROM train('reg', 'isolation_forest', 't', params => '{"n_estimators": 7}');
SELECT model, algorithm, task, champion, versions, latest_version FROM models WHERE model = 'reg';
SELECT version, aliases, features, params ->> 'n_estimators' AS trees, trained_on, trained_rows, parent_version
FROM versions WHERE model = 'reg' ORDER BY version;

-- references
SELECT set_alias('reg', 'challenger', 2);
SELECT ref, (resolve_model(ref)).version
FROM unnest(ARRAY['reg', 'reg@champion', 'reg@challenger', 'reg:3']) AS ref;
SELECT version, aliases FROM model_info('reg@challenger');
SELECT resolve_model('');
SELECT resolve_model('@champion');
SELECT resolve_model('reg@');
SELECT resolve_model('reg@a@b');
SELECT resolve_model('reg:');
SELECT resolve_model('reg:0');
SELECT resolve_model('reg:-1');
SELECT resolve_model('reg: 1');
SELECT resolve_model('reg:1x');
SELECT resolve_model('reg:99999999999');
SELECT resolve_model('nobody');
SELECT resolve_model('reg:9');
SELECT resolve_model('reg@nobody');

-- champions form a stack: a promotion pushes, a rollback pops
SELECT promote('reg', 2), promote('reg', 3);
SELECT rollback('reg');
SELECT rollback('reg');
SELECT rollback('reg');
SELECT promote('reg', 3), rollback('reg'), promote('reg', 2);
SELECT promote('reg', 2) AS nothing_changes;
SELECT alias, old_version, new_version, is_rollback FROM alias_history WHERE model = 'reg' ORDER BY history_id;

-- a rollback skips what has been dropped meanwhile
SELECT promote('reg', 3), promote('reg', 1);
SELECT drop_version('reg', 3);
SELECT rollback('reg');

-- what an alias names stays, and a version never changes
SELECT drop_version('reg', 2);
SELECT drop_version('reg', 9);
UPDATE model_version SET metrics = '{}';
SELECT set_alias('reg', 'a:b', 1);
SELECT set_alias('reg', 'spare', 9);
SELECT drop_alias('reg', 'challenger');
SELECT drop_alias('reg', 'challenger');

-- a number is not used again
SELECT version FROM train('reg', 'isolation_forest', 't', params => '{"n_estimators": 5}');
-- the same rows, parameters and seed make the same bytes
SELECT count(*), count(DISTINCT artifact_id) FROM versions WHERE model = 'reg' AND version IN (1, 4);
SELECT DISTINCT substr(artifact_id::text, 15, 1) AS uuid_version, substr(artifact_id::text, 20, 1) IN ('8', '9', 'a', 'b') AS variant
FROM versions WHERE model = 'reg';

-- names
SELECT train('a@b', 'isolation_forest', 't');
SELECT train('', 'isolation_forest', 't');
SELECT train(' a', 'isolation_forest', 't');
SELECT train(repeat('x', 129), 'isolation_forest', 't');
SELECT model FROM train('Herz & Niere', 'isolation_forest', 't', params => '{"n_estimators": 1}');

-- a rolled-back promotion is not seen, one in this transaction is
BEGIN;
SAVEPOINT s;
SELECT promote('reg', 4), (resolve_model('reg')).version;
SELECT (assess(ARRAY[1, 2], 'reg')).version;
ROLLBACK TO s;
SELECT (assess(ARRAY[1, 2], 'reg')).version;
COMMIT;

SELECT drop_model('reg'), drop_model('Herz & Niere');
SELECT drop_model('reg');
SELECT count(*) FROM models WHERE model = 'reg';
SELECT count(*) > 0 AS history_remains FROM alias_history WHERE model = 'reg';
DROP SCHEMA registry_test CASCADE;
