-- Who may do what: nobody at first, then scorers, readers and trainers.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA roles_test;
CREATE TABLE roles_test.t AS SELECT i % 50 AS a, i % 7 AS b FROM generate_series(1, 100) i;
CREATE TABLE roles_test.secret AS SELECT 1 AS a;
CREATE ROLE regress_nobody;
CREATE ROLE regress_scorer;
CREATE ROLE regress_reader;
CREATE ROLE regress_trainer;
GRANT USAGE ON SCHEMA roles_test TO PUBLIC;
GRANT SELECT ON roles_test.t TO PUBLIC;
SELECT healthml.grant_role('regress_scorer', 'scorer'), healthml.grant_role('regress_reader', 'reader'), healthml.grant_role('regress_trainer', 'trainer');
SELECT healthml.grant_role('regress_scorer', 'owner');
SELECT healthml.grant_role(NULL, 'scorer') IS NULL;

SET ROLE regress_nobody;
SELECT healthml.score(ARRAY[1, 2], 'roles');
SELECT * FROM healthml.model;
SET ROLE regress_scorer;
SELECT healthml.train('roles', 'isolation_forest', 'roles_test.t');
SET ROLE regress_trainer;
SELECT version FROM healthml.train('roles', 'isolation_forest', 'roles_test.t', params => '{"n_estimators": 3}');
SELECT version FROM healthml.train('roles', 'isolation_forest', 'roles_test.t', params => '{"n_estimators": 4}');
SELECT healthml.train('roles', 'isolation_forest', 'roles_test.secret');
SELECT healthml.promote('roles', 2), healthml.rollback('roles'), healthml.set_alias('roles', 'spare', 1), healthml.drop_alias('roles', 'spare');
SELECT version FROM healthml.import_model('roles', healthml.export_model('roles'));
SELECT healthml.drop_version('roles', 3);
SELECT created_by FROM healthml.versions WHERE model = 'roles';
SELECT changed_by, count(*) FROM healthml.alias_history WHERE model = 'roles' GROUP BY 1;
SELECT created_by, status FROM healthml.training_run WHERE model = 'roles' AND status = 'succeeded';
DELETE FROM healthml.alias_history;
UPDATE healthml.model_version SET features = '{}';

SET ROLE regress_scorer;
SELECT healthml.score(ARRAY[1, 2], 'roles') > 0 AS score, (healthml.assess(ARRAY[1, 2], 'roles')).version,
	healthml.explain_text(ARRAY[1, 2], 'roles') LIKE '%unusual: %' AS explanation;
SELECT count(*) FROM roles_test.t, LATERAL healthml.shap_explain(t, 'roles', 1);
SELECT healthml.promote('roles', 2);
SELECT * FROM healthml.training_run;
SET ROLE regress_reader;
SELECT count(*) > 0 AS reads FROM healthml.training_run;
SELECT healthml.drop_model('roles');
INSERT INTO healthml.model (name, algorithm, task) VALUES ('x', 'x', 'x');
-- a model that this session has loaded is not for others in it
SET ROLE regress_nobody;
SELECT healthml.score(ARRAY[1, 2], 'roles');
RESET ROLE;

-- row-level security of the registry holds for lookups
ALTER TABLE healthml.model ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON healthml.model FOR SELECT TO regress_scorer USING (name <> 'roles');
SET ROLE regress_scorer;
SELECT healthml.score(ARRAY[1, 2], 'roles');
RESET ROLE;
DROP POLICY mine ON healthml.model;
ALTER TABLE healthml.model DISABLE ROW LEVEL SECURITY;

-- nothing is granted to everyone, nothing runs as its owner, every search path is fixed
SELECT relname FROM pg_class, aclexplode(relacl) WHERE relnamespace = 'healthml'::regnamespace AND grantee = 0;
SELECT nspname FROM pg_namespace, aclexplode(nspacl) WHERE nspname = 'healthml' AND grantee = 0;
SELECT oid::regprocedure FROM pg_proc WHERE pronamespace = 'healthml'::regnamespace AND prosecdef;
SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_language l ON l.oid = prolang
WHERE pronamespace = 'healthml'::regnamespace AND lanname = 'plpgsql' AND prokind = 'f'
	AND coalesce(NOT 'search_path=pg_catalog, pg_temp' = ANY (proconfig), true);

SELECT healthml.drop_model('roles');
DROP SCHEMA roles_test CASCADE;
DROP OWNED BY regress_scorer, regress_reader, regress_trainer;
DROP ROLE regress_nobody, regress_scorer, regress_reader, regress_trainer;
