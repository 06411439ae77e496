-- How functions, tables and views are declared: what holds for all of them, and the contract of DESIGN.
BEGIN;
SET search_path = healthml, public;
SELECT plan(33);

CREATE TEMP VIEW functions AS
SELECT p.*, p.oid::regprocedure::text AS signature, l.lanname, obj_description(p.oid, 'pg_proc') AS comment
FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
WHERE p.pronamespace = 'healthml'::regnamespace;

SELECT is_empty($$SELECT signature FROM functions WHERE coalesce(comment, '') = ''$$, 'every function has a comment');
SELECT is_empty($$SELECT c.oid::regclass FROM pg_class c
	WHERE relnamespace = 'healthml'::regnamespace AND relkind IN ('r', 'v', 'p') AND obj_description(c.oid, 'pg_class') IS NULL$$,
	'every table and view has a comment');
SELECT is_empty($$SELECT t.oid::regtype FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid
	WHERE typnamespace = 'healthml'::regnamespace AND relkind = 'c' AND obj_description(t.oid, 'pg_type') IS NULL$$,
	'every composite type has a comment');
SELECT is_empty($$SELECT signature FROM functions
	WHERE pronargs > 0 AND prorettype <> 'trigger'::regtype AND prokind = 'f'
		AND NOT oid IN (SELECT unnest(ARRAY[aggtransfn, aggcombinefn, aggfinalfn, aggmtransfn, aggminvtransfn, aggmfinalfn, aggserialfn, aggdeserialfn]) FROM pg_aggregate)
		AND NOT oid IN (SELECT unnest(ARRAY[typinput, typoutput, typsend, typreceive]) FROM pg_type)
		AND (proargnames IS NULL OR '' = ANY (proargnames))$$, 'every argument has a name');
SELECT is_empty($$SELECT signature FROM functions WHERE prosecdef$$, 'no function runs with its owner''s privileges');
-- (a procedure that commits cannot)
SELECT is_empty($$SELECT signature FROM functions WHERE lanname = 'plpgsql' AND prokind = 'f'
	AND coalesce(NOT 'search_path=pg_catalog, pg_temp' = ANY (proconfig), true)$$, 'PL/pgSQL functions fix their search_path');
SELECT is_empty($$SELECT signature FROM functions WHERE lanname = 'c' AND provolatile <> 'v' AND proparallel = 'u'$$,
	'functions that only read can run in parallel, or in the leader');
SELECT is_empty($$SELECT relname FROM pg_class, aclexplode(relacl) WHERE relnamespace = 'healthml'::regnamespace AND grantee = 0$$,
	'nothing is granted to everyone');
SELECT is_empty($$SELECT c.oid::regclass FROM pg_class c JOIN pg_depend d ON d.objid = c.oid AND d.deptype = 'e'
		JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'healthml'
	WHERE relkind IN ('r', 'S', 'p') AND NOT c.oid = ANY (e.extconfig)$$, 'every table and sequence is dumped');
SELECT is_empty($$SELECT c.oid::regclass FROM pg_class c WHERE relnamespace = 'healthml'::regnamespace AND relkind IN ('r', 'p')
	AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique)$$, 'every table has a key');

-- the contract
SELECT has_function('healthml', 'train', ARRAY['text', 'text', 'text', 'text[]', 'text', 'jsonb']);
SELECT function_returns('healthml', 'train', ARRAY['text', 'text', 'text', 'text[]', 'text', 'jsonb'], 'training_result');
SELECT columns_are('healthml', 'model', ARRAY['model_id', 'name', 'algorithm', 'task', 'description', 'last_version', 'created_at', 'created_by']);
SELECT columns_are('healthml', 'model_version', ARRAY['version_id', 'model_id', 'version', 'artifact', 'artifact_id', 'features', 'params',
	'metrics', 'trained_on', 'trained_rows', 'duration', 'parent_version', 'created_at', 'created_by', 'target']);
SELECT columns_are('healthml', 'model_alias', ARRAY['model_id', 'alias', 'version', 'is_rollback', 'set_at', 'set_by']);
SELECT is(attstorage::text, 'e', 'artifacts are not compressed')
FROM pg_attribute WHERE attrelid = 'healthml.model_version'::regclass AND attname = 'artifact';
-- scan.c knows columns by position
SELECT is(array_agg(attname::text || ' ' || attnum ORDER BY attrelid, attnum), expected, 'columns are where scan.c looks for them')
FROM pg_attribute, (VALUES (ARRAY['model_id 1', 'name 2', 'version_id 1', 'model_id 2', 'version 3', 'artifact 4', 'artifact_id 5',
	'model_id 1', 'alias 2', 'version 3'])) AS e (expected)
WHERE (attrelid = 'healthml.model'::regclass AND attnum BETWEEN 1 AND 2)
	OR (attrelid = 'healthml.model_version'::regclass AND attnum BETWEEN 1 AND 5)
	OR (attrelid = 'healthml.model_alias'::regclass AND attnum BETWEEN 1 AND 3)
GROUP BY expected;
SELECT has_index('healthml', 'model', 'model_name_key', ARRAY['name']);
SELECT has_index('healthml', 'model', 'model_pkey', ARRAY['model_id']);
SELECT has_index('healthml', 'model_alias', 'model_alias_pkey', ARRAY['model_id', 'alias']);
SELECT has_index('healthml', 'model_version', 'model_version_model_id_version_key', ARRAY['model_id', 'version']);
SELECT has_index('healthml', 'model_version', 'model_version_artifact_id', ARRAY['artifact_id']);
SELECT enum_has_labels('healthml', 'risk_level', ARRAY['low', 'medium', 'high', 'unknown']);

-- scoring: ten forms each; by name STABLE, by artifact IMMUTABLE, all strict and parallel safe
CREATE TEMP VIEW scoring AS SELECT * FROM functions WHERE prokind = 'f' AND (proname IN ('score', 'mlp_predict') OR proname LIKE '%\_score')
	AND proname <> 'lstm_autoencoder_score';
-- A window is no row: it comes as one array, steps by features.
SELECT set_eq($$SELECT proargnames::text, proargtypes[1]::regtype::text, provolatile::text, proisstrict, proparallel::text FROM functions
	WHERE proname = 'lstm_autoencoder_score' AND proargtypes[0] = 'float8[]'::regtype$$,
	$$VALUES ('{sequence,model}', 'text', 's', true, 's'), ('{sequence,artifact_id}', 'uuid', 'i', true, 's')$$,
	'windows are scored by name and by artifact');
SELECT is_empty($$SELECT proname, count(*) FROM scoring GROUP BY 1 HAVING count(*) <> 10$$, 'every scoring function has ten forms');
SELECT is_empty($$SELECT signature FROM scoring WHERE provolatile <> CASE WHEN 'uuid'::regtype = ANY (proargtypes) THEN 'i' ELSE 's' END$$,
	'by name stable, by artifact immutable');
SELECT is_empty($$SELECT signature FROM scoring WHERE NOT proisstrict OR proparallel <> 's' OR procost < 50$$,
	'strict, parallel safe, with an honest cost');
SELECT is_empty($$SELECT signature FROM scoring WHERE proargnames[1] <> 'features' OR NOT proargnames[2] IN ('model', 'artifact_id')$$,
	'arguments are called features and model or artifact_id');
SELECT is(count(*)::int, 10, 'assess has ten forms') FROM functions WHERE proname = 'assess' AND prorettype = 'healthml.assessment'::regtype;
SELECT is(count(*)::int, 10, 'shap_explain has ten forms') FROM functions WHERE proname = 'shap_explain'
	AND proargnames[4:] = '{rank,feature,value,contribution,base_value}';
SELECT is(count(*)::int, 10, 'explain_text has ten forms') FROM functions WHERE proname = 'explain_text';

-- settings, known once the library is loaded
LOAD 'healthml';
SELECT results_eq($$SELECT name, setting, context FROM pg_settings WHERE name LIKE 'healthml.%'
		AND name IN ('healthml.model_cache_size', 'healthml.max_audio_seconds', 'healthml.max_memory', 'healthml.on_score_error', 'healthml.notify_level') ORDER BY 1$$,
	$$VALUES ('healthml.max_audio_seconds', '600', 'user'), ('healthml.max_memory', '1048576', 'user'), ('healthml.model_cache_size', '262144', 'user'),
		('healthml.notify_level', 'high', 'user'), ('healthml.on_score_error', 'warn', 'user')$$, 'settings and their defaults');
SELECT CASE WHEN current_setting('server_version_num')::int < 150000 THEN skip('version 14 only warns', 1)
	ELSE throws_ok($$SET healthml.nonsense = 1$$, '42602', NULL, 'no other setting can be made up') END;

SELECT * FROM finish();
ROLLBACK;
