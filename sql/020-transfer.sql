/* 020-transfer.sql: moving versions between servers. */

CREATE FUNCTION healthml.export_model(ref text) RETURNS bytea
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
	SELECT v.artifact FROM healthml.resolve_model(ref) r
	JOIN healthml.model_version v ON v.model_id = r.model_id AND v.version = r.version
$$;
COMMENT ON FUNCTION healthml.export_model(text) IS
'the artifact of a version, for healthml.import_model on another server; ref is ''name'', ''name@alias'' or ''name:version''';

CREATE FUNCTION healthml.import_model(model text, artifact bytea) RETURNS healthml.training_result
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE COST 10000 AS 'MODULE_PATHNAME', 'healthml_import_model';
COMMENT ON FUNCTION healthml.import_model(text, bytea) IS
'makes a new version of a model from an exported artifact, which is checked as a whole; the version scores as on the server that it comes from and has the same artifact_id';
