-- Each level may write what is listed here and nothing else, by statements and by functions.
BEGIN;
SELECT plan(49);
SET LOCAL search_path = public, pg_catalog, healthml;

CREATE ROLE a_scorer; CREATE ROLE a_recorder; CREATE ROLE a_reader; CREATE ROLE a_trainer; CREATE ROLE a_nobody;
SELECT healthml.grant_role('a_scorer', 'scorer'), healthml.grant_role('a_recorder', 'recorder'),
	healthml.grant_role('a_reader', 'reader'), healthml.grant_role('a_trainer', 'trainer');
CREATE TABLE public.patients AS SELECT i AS id, i % 50 AS a, i * 7 % 31 AS b, i % 10 = 0 AS ill FROM generate_series(1, 200) i;
GRANT SELECT, INSERT ON public.patients TO PUBLIC;
SELECT train('m', 'isolation_forest', 'patients', '{a,b}', 'ill', '{"n_estimators": 3}'),
	train('m', 'isolation_forest', 'patients', '{a,b}', 'ill', '{"n_estimators": 4}');
SELECT batch_predict('m', 'patients', 'id');

/* ---- statements ---- */

-- Whether a statement of a role is allowed: what it does is undone, and other errors than that of privileges do not count.
CREATE FUNCTION public.may(role name, statement text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SET LOCAL ROLE %I', role);
	BEGIN
		EXECUTE statement;
		RAISE EXCEPTION 'undo' USING ERRCODE = 'UNDO0';
	EXCEPTION WHEN insufficient_privilege THEN
		RESET ROLE;
		RETURN false;
	WHEN OTHERS THEN
		RESET ROLE;
		RETURN true;
	END;
END
$$;

CREATE TEMPORARY TABLE level AS SELECT unnest('{scorer,recorder,reader,trainer,nobody}'::text[]) AS level;
CREATE TEMPORARY TABLE attempt AS
SELECT l.level, o.operation, c.relname::text AS name, a.attname::text AS column_name,
	may('a_' || l.level, CASE o.operation
		WHEN 'INSERT' THEN format('INSERT INTO healthml.%I (%I) VALUES (DEFAULT)', c.relname, a.attname)
		WHEN 'UPDATE' THEN format('UPDATE healthml.%I SET %2$I = %2$I', c.relname, a.attname)
		WHEN 'DELETE' THEN format('DELETE FROM healthml.%I', c.relname)
		WHEN 'TRUNCATE' THEN format('TRUNCATE healthml.%I', c.relname) END) AS allowed
FROM level l, unnest('{INSERT,UPDATE,DELETE,TRUNCATE}'::text[]) AS o (operation), pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'healthml'::regnamespace AND c.relkind IN ('r', 'p')
	AND (a.attnum = 1 OR o.operation IN ('INSERT', 'UPDATE'));

-- Every column where "columns" is null.
CREATE TEMPORARY TABLE allowed (levels text[], operation text, name text, columns text[]);
INSERT INTO allowed VALUES
	('{scorer,recorder,trainer}', 'INSERT', 'outcome', '{prediction_id,actual,actual_label,actual_value,note}'),
	('{scorer,recorder,trainer}', 'UPDATE', 'outcome', '{actual,actual_label,actual_value,note}'),
	('{scorer,recorder}', 'UPDATE', 'alert', '{acknowledged_at,snoozed_until,note}'),
	('{trainer}', 'DELETE', 'outcome', NULL),
	('{trainer}', 'DELETE', 'prediction', NULL),
	('{trainer}', 'DELETE', 'score_failure', NULL),
	('{trainer}', 'DELETE', 'pending_alert', NULL),
	('{trainer}', 'DELETE', 'watch_state', NULL),
	('{trainer}', 'DELETE', 'vitals_alert', NULL),
	('{trainer}', 'UPDATE', 'model', '{description}'),
	('{trainer}', 'DELETE', 'model', NULL),
	('{trainer}', 'DELETE', 'model_version', NULL),
	('{trainer}', 'INSERT', 'model_alias', '{model_id,alias,version}'),
	('{trainer}', 'UPDATE', 'model_alias', '{version,is_rollback}'),
	('{trainer}', 'DELETE', 'model_alias', NULL),
	('{trainer}', 'INSERT', 'feature_dictionary', NULL),
	('{trainer}', 'UPDATE', 'feature_dictionary', NULL),
	('{trainer}', 'DELETE', 'feature_dictionary', NULL),
	('{trainer}', 'INSERT', 'federation_membership', '{federation,source,target,search_path,secure_only,owner,coordinator,settings,accept_as,promote_accepted}'),
	('{trainer}', 'DELETE', 'federation_membership', NULL);
INSERT INTO allowed
SELECT '{trainer}', operation, name, NULL
FROM unnest('{INSERT,UPDATE,DELETE}'::text[]) operation,
	unnest('{federation,federation_client,federation_round,federation_update,alert,alert_rule}'::text[]) name;

SELECT set_eq(format('SELECT operation, name, column_name FROM attempt WHERE level = %L AND allowed', l.level),
	format('SELECT t.operation, t.name, t.column_name FROM attempt t JOIN allowed a USING (operation, name)
		WHERE t.level = %1$L AND %1$L = ANY (a.levels) AND (a.columns IS NULL OR t.column_name = ANY (a.columns))', l.level),
	format('%s writes what is listed', l.level))
FROM level l;

SELECT is_empty($$
	SELECT l.level, c.relname FROM level l, pg_class c
	WHERE c.relnamespace = 'healthml'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND l.level IN ('reader', 'trainer')
		AND NOT has_table_privilege('a_' || l.level, c.oid, 'SELECT')$$, 'readers and trainers read everything');
SELECT set_eq($$
	SELECT l.level, c.relname FROM level l, pg_class c
	WHERE c.relnamespace = 'healthml'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND l.level IN ('scorer', 'recorder', 'nobody')
		AND has_table_privilege('a_' || l.level, c.oid, 'SELECT') AND NOT has_table_privilege('public', c.oid, 'SELECT')$$,
	$$VALUES ('scorer', 'model'), ('scorer', 'model_version'), ('scorer', 'model_alias'), ('scorer', 'models'), ('scorer', 'versions'),
		('scorer', 'common_feature'), ('scorer', 'feature_dictionary'), ('scorer', 'outcome'), ('scorer', 'watch_state'), ('scorer', 'vitals_alert'), ('recorder', 'outcome'),
		('scorer', 'alert'), ('recorder', 'alert')$$,
	'scorers read models, recorders outcomes');

/* ---- functions that write ---- */

CREATE TEMPORARY TABLE writes (level text, call text);
INSERT INTO writes VALUES
	('scorer', $$SELECT healthml.batch_predict('m', 'public.patients', 'id')$$),
	('recorder', 'SELECT healthml.record_outcome(1, true)'),
	('trainer', $$SELECT healthml.train('n', 'isolation_forest', 'public.patients', '{a}')$$),
	('trainer', $$SELECT healthml.promote('m', 2)$$),
	('trainer', $$SELECT healthml.set_alias('m', 'x', 2)$$),
	('trainer', $$SELECT healthml.drop_alias('m', 'champion')$$),
	('trainer', $$SELECT healthml.rollback('m')$$),
	('trainer', $$SELECT healthml.drop_version('m', 2)$$),
	('trainer', $$SELECT healthml.drop_model('m')$$),
	('trainer', 'SELECT healthml.adopt_model(-1)'),
	('trainer', $$SELECT healthml.prune_predictions('1 day')$$),
	('trainer', 'SELECT healthml.send_alerts()'),
	('trainer', 'CALL healthml.check_alerts()'),
	('recorder', 'SELECT healthml.acknowledge(1)'),
	('recorder', 'SELECT healthml.snooze(1)'),
	('trainer', $$SELECT healthml.federated_leave('f')$$);
CREATE TEMPORARY VIEW level_includes AS
SELECT * FROM (VALUES ('scorer', '{scorer,recorder}'::text[]), ('recorder', '{recorder}'), ('reader', '{}'),
	('trainer', '{scorer,recorder,trainer}'), ('nobody', '{}')) v (level, includes);
SELECT is_empty($$
	SELECT i.level, w.call FROM level_includes i, writes w
	WHERE i.level <> 'nobody' AND may(('a_' || i.level)::name, w.call) IS DISTINCT FROM (w.level = ANY (i.includes))$$,
	'functions that write need their level');
GRANT USAGE ON SCHEMA healthml TO a_nobody;
SELECT is_empty($$SELECT w.call FROM writes w WHERE may('a_nobody', w.call)$$, 'and no function asks for less');

SET LOCAL ROLE a_reader;
SELECT throws_like($$SELECT healthml.promote('m', 2)$$, 'permission denied: role "a_reader" needs level "trainer" of healthml');
SELECT throws_like($$SELECT healthml.record_outcome(1, true)$$, '%needs level "recorder" of healthml');
SELECT throws_like($$SELECT healthml.batch_predict('m', 'public.patients', 'id')$$, '%needs level "scorer" of healthml');
SET LOCAL ROLE a_nobody;
SELECT throws_like($$SELECT healthml.score(p, 'm') FROM public.patients p$$, '%needs level "scorer" of healthml');
RESET ROLE;

-- who lacks a level is told which one, and not of a table
CREATE FUNCTION public.refusal(role name, statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SET LOCAL ROLE %I', role);
	EXECUTE statement;
	RESET ROLE;
	RETURN 'none';
EXCEPTION WHEN insufficient_privilege THEN
	RETURN SQLERRM;
END
$$;
SELECT is(public.refusal('a_' || role, call), format('permission denied: role "a_%s" needs level "%s" of healthml', role, level), role || ': ' || call)
FROM unnest('{recorder,nobody}'::text[]) AS role, (VALUES ('scorer', $$SELECT healthml.score('{1,2}'::float8[], 'm')$$),
	('scorer', format('SELECT healthml.score(''{1,2}''::float8[], %L::uuid)', (SELECT artifact_id FROM healthml.resolve_model('m')))),
	('scorer', $$SELECT healthml.score('{1,2}'::float8[], 'unheard')$$), ('scorer', $$SELECT healthml.score('{1,2}'::float8[], '00000000-0000-8000-8000-000000000000'::uuid)$$),
	('scorer', $$SELECT healthml.model_info('m')$$), ('reader', $$SELECT healthml.version_at('m', now())$$),
	('trainer', $$SELECT healthml.federated_round('f')$$)) c (level, call);
SELECT is(public.refusal('a_scorer', $$SELECT healthml.plot_training('m')$$), 'permission denied: role "a_scorer" needs level "reader" of healthml', 'a loss curve');
SELECT is(public.refusal('a_trainer', call), message, call)
FROM (VALUES ($$SELECT healthml.prune_alias_history('1 day')$$, 'permission denied: only the owner of the extension deletes the history of aliases'),
	($$SELECT healthml.prune_trainings('1 day')$$, 'permission denied: only the owner of the extension deletes the records of trainings')) c (call, message);
SELECT is(public.refusal('a_reader', $$SELECT healthml.version_at('m', now())$$), 'none', 'a reader may ask what was live');

/* ---- what a scorer and a trainer could once forge ---- */

SET LOCAL ROLE a_scorer;
SELECT throws_ok($$INSERT INTO healthml.prediction (prediction_id, model, version, score, risk, is_anomaly) VALUES (100000, 'x', 1, 0, 'low', false)$$,
	'42501', NULL, 'a scorer chooses no id');
SELECT throws_ok($$INSERT INTO healthml.prediction (model, version, score, risk, is_anomaly) VALUES ('x', 1, 0, 'low', false)$$,
	'42501', 'permission denied: table "healthml.prediction" is written by functions of healthml only', 'and makes up no score');
SELECT throws_ok($$INSERT INTO healthml.outcome (prediction_id, actual, recorded_by) VALUES (1, true, 'postgres')$$, '42501', NULL,
	'nor who recorded an outcome');
SELECT lives_ok($$INSERT INTO healthml.outcome (prediction_id, actual) VALUES (1, true)$$, 'an outcome can be inserted');
SELECT throws_ok($$INSERT INTO healthml.outcome (prediction_id, actual) VALUES (-5, true)$$, '42704', 'prediction -5 does not exist',
	'of a prediction that exists');
RESET ROLE;
SELECT is((SELECT recorded_by FROM healthml.outcome), 'a_scorer'::name, 'its author is who did it');
GRANT SELECT, INSERT, UPDATE ON healthml.outcome TO a_recorder; -- as in version 0.1.0
SET LOCAL ROLE a_recorder;
UPDATE healthml.outcome SET recorded_by = 'postgres', recorded_at = '2001-01-01';
RESET ROLE;
SELECT is((SELECT recorded_by FROM healthml.outcome), 'a_recorder'::name, 'even where more is granted');

SET LOCAL ROLE a_trainer;
SELECT throws_ok($$INSERT INTO healthml.model_version (version_id, model_id, version, artifact, artifact_id, features, params, metrics, trained_rows, duration)
	SELECT -9, model_id, 1, '\x00', artifact_id, features, params, metrics, trained_rows, duration FROM healthml.model_version LIMIT 1$$, '42501', NULL,
	'a trainer puts no bytes under the id of others');
SELECT throws_ok($$INSERT INTO healthml.model_alias (model_id, alias, version, set_at) VALUES (1, 'x', 1, '2001-01-01')$$, '42501', NULL,
	'sets no alias beside the history');
SELECT throws_ok($$INSERT INTO healthml.model_alias (model_id, alias, version) SELECT model_id, 'x', 77 FROM healthml.model WHERE name = 'm'$$, '42704', NULL,
	'nor to a version that does not exist');
SELECT throws_ok($$INSERT INTO healthml.alias_history (model_id, model, alias, new_version) VALUES (1, 'm', 'champion', 2)$$, '42501', NULL,
	'and makes up no history');
CREATE TEMPORARY TABLE fake (model_id bigint, alias text, version integer, is_rollback boolean);
CREATE TRIGGER fake AFTER INSERT ON fake FOR EACH ROW EXECUTE FUNCTION healthml.record_alias_change();
SELECT throws_ok($$INSERT INTO fake VALUES (1, 'champion', 2, false)$$, '39P01', NULL, 'nor through a table of its own');
SELECT throws_ok($$DELETE FROM healthml.model_version$$, '2BP01', NULL, 'a version that an alias names stays');
RESET ROLE;

CREATE ROLE another; SELECT healthml.grant_role('another', 'trainer');
SET LOCAL ROLE a_trainer;
SELECT healthml.federated_join('f', 'SELECT a, ill FROM public.patients', 'ill', 'a_nobody', 'pg_catalog', true);
SET LOCAL ROLE another;
SELECT throws_ok($$SELECT healthml.federated_leave('f')$$, '42501', NULL, 'nobody ends the membership of another owner');
SELECT throws_ok($$DELETE FROM healthml.federation_membership$$, '42501', NULL, 'nor deletes it');
SET LOCAL ROLE a_trainer;
SELECT lives_ok($$SELECT healthml.federated_leave('f')$$, 'its owner does');
RESET ROLE;

SET LOCAL session_replication_role = replica;
UPDATE healthml.model_version SET artifact = set_byte(artifact, 200, get_byte(artifact, 200) # 255), artifact_id = gen_random_uuid() WHERE version = 2;
SET LOCAL session_replication_role = origin;
SELECT throws_ok($$SELECT healthml.score(p, 'm:2') FROM public.patients p$$, 'XX001', NULL, 'bytes that are not those of their id are refused');
SELECT is((SELECT count(*) FROM healthml.check_registry() WHERE model = 'm' AND version = 2), 1::bigint, 'and found by check_registry');

SELECT * FROM finish();
ROLLBACK;
