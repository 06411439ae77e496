/* 000-schema.sql: from 0.1.0 to 0.2.0, one file for each area that changed. */

/* As in sql/000-schema.sql: 0.1.0 could be installed into a schema of another role. */
DO LANGUAGE plpgsql $$
DECLARE
	schema pg_catalog.pg_namespace;
	creator pg_catalog.name;
BEGIN
	SELECT n.* INTO STRICT schema FROM pg_catalog.pg_namespace n WHERE n.nspname OPERATOR(pg_catalog.=) 'healthml';
	IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles r
		WHERE r.oid OPERATOR(pg_catalog.=) schema.nspowner AND (r.rolsuper OR r.rolname OPERATOR(pg_catalog.=) CURRENT_USER)) THEN
		RAISE EXCEPTION 'schema "healthml" belongs to role "%"', pg_catalog.pg_get_userbyid(schema.nspowner)
			USING ERRCODE = 'insufficient_privilege', DETAIL = 'Its owner could replace what the extension puts there.',
			HINT = 'Make it yours with ALTER SCHEMA healthml OWNER TO CURRENT_USER.';
	END IF;
	SELECT a.grantee::pg_catalog.regrole::pg_catalog.name INTO creator FROM pg_catalog.aclexplode(schema.nspacl) a
	WHERE a.privilege_type OPERATOR(pg_catalog.=) 'CREATE' AND a.grantee OPERATOR(pg_catalog.<>) schema.nspowner LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'role "%" may create objects in schema "healthml"', creator
			USING ERRCODE = 'insufficient_privilege', HINT = 'REVOKE CREATE ON SCHEMA healthml from everybody but its owner.';
	END IF;
END
$$;
SET LOCAL search_path = pg_catalog, pg_temp;

ALTER TYPE healthml.risk_level ADD VALUE 'unknown';
COMMENT ON TYPE healthml.risk_level IS
'risk of a score, ordered: low < medium < high; the cut-offs are part of the model version. unknown, the last value, is the risk of a row in which more is missing than the model''s parameter max_missing allows, and of every row where a model warns of nothing: it predicts a value, or one of more than two classes without the parameter alarm';

ALTER TYPE healthml.assessment ADD ATTRIBUTE missing_features text[];
COMMENT ON TYPE healthml.assessment IS
'a score and what it means: percentile is the share (0 to 100) of the training scores below it, NULL where the model has none; missing_features are the features that were missing and filled in, in the model''s order, among them texts that training has not seen';

/* Assignment only: an implicit cast, or operators with text, would compare risks as text, and lose their order. */
CREATE CAST (text AS healthml.risk_level) WITH INOUT AS ASSIGNMENT;
CREATE CAST (varchar AS healthml.risk_level) WITH INOUT AS ASSIGNMENT;
COMMENT ON CAST (text AS healthml.risk_level) IS 'lets an application write a text to a column of risks';
COMMENT ON CAST (varchar AS healthml.risk_level) IS 'lets an application write a text to a column of risks';
