/* 000-schema.sql: types that several areas share.  The schema is always healthml. */

/*
 * Who owns the schema could put anything into it, now or later, and whatever lies there already could be found in
 * place of what is meant.  So the first statement looks before any name is looked up in healthml, and the second one
 * takes healthml from the search_path: a name without a schema means pg_catalog or nothing.
 */
DO LANGUAGE plpgsql $$
DECLARE
	schema pg_catalog.pg_namespace;
	occupant pg_catalog.text;
	creator pg_catalog.name;
BEGIN
	SELECT n.* INTO STRICT schema FROM pg_catalog.pg_namespace n WHERE n.nspname OPERATOR(pg_catalog.=) 'healthml';
	IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles r
		WHERE r.oid OPERATOR(pg_catalog.=) schema.nspowner AND (r.rolsuper OR r.rolname OPERATOR(pg_catalog.=) CURRENT_USER)) THEN
		RAISE EXCEPTION 'schema "healthml" belongs to role "%"', pg_catalog.pg_get_userbyid(schema.nspowner)
			USING ERRCODE = 'insufficient_privilege', DETAIL = 'Its owner could replace what the extension puts there.',
			HINT = 'Drop the schema, or make it yours with ALTER SCHEMA healthml OWNER TO CURRENT_USER.';
	END IF;
	SELECT a.grantee::pg_catalog.regrole::pg_catalog.name INTO creator FROM pg_catalog.aclexplode(schema.nspacl) a
	WHERE a.privilege_type OPERATOR(pg_catalog.=) 'CREATE' AND a.grantee OPERATOR(pg_catalog.<>) schema.nspowner LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'role "%" may create objects in schema "healthml"', creator
			USING ERRCODE = 'insufficient_privilege', HINT = 'REVOKE CREATE ON SCHEMA healthml from everybody but its owner.';
	END IF;
	SELECT pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid) INTO occupant FROM pg_catalog.pg_depend d
	WHERE d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_namespace'::pg_catalog.regclass
		AND d.refobjid OPERATOR(pg_catalog.=) schema.oid
		AND d.classid OPERATOR(pg_catalog.<>) 'pg_catalog.pg_extension'::pg_catalog.regclass LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'schema "healthml" is not empty: it holds %', occupant
			USING ERRCODE = 'duplicate_object', HINT = 'The extension needs the schema for itself: drop it, or what is in it.';
	END IF;
END
$$;
SET LOCAL search_path = pg_catalog, pg_temp;

COMMENT ON SCHEMA healthml IS 'health models: trained, versioned, run and explained inside the database';

CREATE TYPE healthml.risk_level AS ENUM ('low', 'medium', 'high', 'unknown');
COMMENT ON TYPE healthml.risk_level IS
'risk of a score, ordered: low < medium < high; the cut-offs are part of the model version. unknown, the last value, is the risk of a row in which more is missing than the model''s parameter max_missing allows, and of every row where a model warns of nothing: it predicts a value, or one of more than two classes without the parameter alarm';

/* Assignment only: an implicit cast, or operators with text, would compare risks as text, and lose their order. */
CREATE CAST (text AS healthml.risk_level) WITH INOUT AS ASSIGNMENT;
CREATE CAST (varchar AS healthml.risk_level) WITH INOUT AS ASSIGNMENT;
COMMENT ON CAST (text AS healthml.risk_level) IS 'lets an application write a text to a column of risks';
COMMENT ON CAST (varchar AS healthml.risk_level) IS 'lets an application write a text to a column of risks';

CREATE TYPE healthml.assessment AS (
	score float8,
	percentile float8,
	risk healthml.risk_level,
	is_anomaly boolean,
	model text,
	version integer,
	missing_features text[]
);
COMMENT ON TYPE healthml.assessment IS
'a score and what it means: percentile is the share (0 to 100) of the training scores below it, NULL where the model has none; missing_features are the features that were missing and filled in, in the model''s order, among them texts that training has not seen';

CREATE TYPE healthml.training_result AS (
	model text,
	version integer,
	algorithm text,
	trained_rows bigint,
	metrics jsonb,
	duration interval
);
COMMENT ON TYPE healthml.training_result IS 'the model version that a training or an import has made';
