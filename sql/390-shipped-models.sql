/*
 * 390-shipped-models.sql: models that come with the extension.
 *
 * A bundled model has negative ids.  Its rows are the same in every installation, never change, and are not dumped, so that a
 * restore has nothing to collide with.  healthml.adopt_model copies it before anything about it changes: it can be trained
 * further, promoted, rolled back and dropped like any other.
 */

CREATE FUNCTION healthml.artifact_id(artifact bytea) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
	SELECT encode(set_byte(set_byte(d, 6, get_byte(d, 6) & 15 | 128), 8, get_byte(d, 8) & 63 | 128), 'hex')::uuid
	FROM substring(sha256(artifact) FOR 16) AS d
$$;
COMMENT ON FUNCTION healthml.artifact_id(bytea) IS
'the id of an artifact''s bytes, a UUID (RFC 9562, version 8) made of the first bits of their SHA-256: SELECT * FROM healthml.model_version WHERE artifact_id <> healthml.artifact_id(artifact) finds what was tampered with';

CREATE FUNCTION healthml.describe_artifact(artifact bytea, OUT algorithm text, OUT task text, OUT features text[],
	OUT params jsonb, OUT trained_rows bigint, OUT classes text[])
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10000 AS 'MODULE_PATHNAME', 'healthml_describe_artifact';
COMMENT ON FUNCTION healthml.describe_artifact(bytea) IS
'what an artifact says of the model in it, without importing it: algorithm, task, features in their order, parameters of its training, rows that it was trained on, and the classes of a classifier';

/* Lines that begin with an at sign stand for the content of a file, in base64. */
WITH shipped AS MATERIALIZED (
	SELECT s.*, d.algorithm, d.task, d.features, d.params, d.trained_rows
	FROM (VALUES (-1, 'heart_sound', decode('
@models/heart_sound.hml
', 'base64'), convert_from(decode('
@models/heart_sound.json
', 'base64'), 'UTF8')::jsonb,
		'PhysioNet/CinC Challenge 2016, databases a, b, c and e',
		'Normal or abnormal heart by its sound. Trained by the healthml project on the PhysioNet/CinC Challenge 2016 recordings (Liu et al. 2016, ODC-By 1.0). Not validated for clinical use; see docs/model-card-heart-sound.md.',
		timestamptz '2026-01-01 00:00:00+00')
		) AS s (model_id, name, artifact, metrics, trained_on, description, created_at),
		healthml.describe_artifact(s.artifact) d
), shipped_model AS (
	INSERT INTO healthml.model (model_id, name, algorithm, task, description, last_version, created_at, created_by)
	SELECT s.model_id, s.name, s.algorithm, s.task, s.description, 1, s.created_at, 'healthml' FROM shipped s
), shipped_version AS (
	INSERT INTO healthml.model_version (version_id, model_id, version, artifact, artifact_id, features, params, metrics,
		trained_on, trained_rows, duration, created_at, created_by)
	SELECT s.model_id, s.model_id, 1, s.artifact, healthml.artifact_id(s.artifact), s.features, s.params, s.metrics,
		s.trained_on, s.trained_rows, '0', s.created_at, 'healthml' FROM shipped s
), shipped_alias AS (
	INSERT INTO healthml.model_alias (model_id, alias, version, set_at, set_by)
	SELECT s.model_id, 'champion', 1, s.created_at, 'healthml' FROM shipped s
)
INSERT INTO healthml.alias_history (history_id, model_id, model, alias, new_version, changed_at, changed_by, below)
SELECT s.model_id, s.model_id, s.name, 'champion', 1, s.created_at, 'healthml', 0 FROM shipped s;

CREATE FUNCTION healthml.check_registry() RETURNS TABLE (model text, version integer, problem text)
LANGUAGE sql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
	SELECT m.name, v.version, format('bytes of artifact %s are those of artifact %s', v.artifact_id, healthml.artifact_id(v.artifact))
	FROM healthml.model_version v LEFT JOIN healthml.model m USING (model_id)
	WHERE v.artifact_id <> healthml.artifact_id(v.artifact)
	UNION ALL
	SELECT NULL, v.version, format('version of model_id %s, which does not exist', v.model_id)
	FROM healthml.model_version v WHERE NOT EXISTS (SELECT FROM healthml.model m WHERE m.model_id = v.model_id)
	UNION ALL
	SELECT m.name, a.version, format('alias "%s" of model_id %s names a version that does not exist', a.alias, a.model_id)
	FROM healthml.model_alias a LEFT JOIN healthml.model m USING (model_id)
	WHERE NOT EXISTS (SELECT FROM healthml.model_version v WHERE v.model_id = a.model_id AND v.version = a.version)
	UNION ALL
	SELECT m.name, NULL, 'model without versions'
	FROM healthml.model m WHERE NOT EXISTS (SELECT FROM healthml.model_version v WHERE v.model_id = m.model_id)
$$;
COMMENT ON FUNCTION healthml.check_registry() IS
'what is wrong with the tables of models: an incomplete restore, or bytes that were tampered with; no row when all is well. It reads every artifact';

/* ---- dump and restore ---- */

/* Rows of bundled models come from subscriptions, which copy whole tables, and from dumps of version 0.1.0. */
CREATE FUNCTION healthml.keep_bundled() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	CASE TG_TABLE_NAME
		WHEN 'model' THEN
			PERFORM FROM healthml.model m WHERE m.model_id = NEW.model_id;
		WHEN 'model_version' THEN
			PERFORM FROM healthml.model_version v WHERE v.version_id = NEW.version_id;
		WHEN 'model_alias' THEN
			UPDATE healthml.model_alias a SET version = NEW.version
			WHERE a.model_id = NEW.model_id AND a.alias = NEW.alias AND a.version <> NEW.version;
			PERFORM FROM healthml.model_alias a WHERE a.model_id = NEW.model_id AND a.alias = NEW.alias;
		WHEN 'alias_history' THEN
			PERFORM FROM healthml.alias_history h WHERE h.history_id = NEW.history_id;
	END CASE;
	RETURN CASE WHEN NOT FOUND THEN NEW END;
END
$$;
COMMENT ON FUNCTION healthml.keep_bundled() IS 'trigger: a row of a bundled model that is there already is not inserted again';

CREATE TRIGGER keep_bundled BEFORE INSERT ON healthml.model
FOR EACH ROW WHEN (NEW.model_id < 0) EXECUTE FUNCTION healthml.keep_bundled();
CREATE TRIGGER keep_bundled BEFORE INSERT ON healthml.model_version
FOR EACH ROW WHEN (NEW.version_id < 0) EXECUTE FUNCTION healthml.keep_bundled();
CREATE TRIGGER keep_bundled BEFORE INSERT ON healthml.model_alias
FOR EACH ROW WHEN (NEW.model_id < 0) EXECUTE FUNCTION healthml.keep_bundled();
CREATE TRIGGER keep_bundled BEFORE INSERT ON healthml.alias_history
FOR EACH ROW WHEN (NEW.history_id < 0) EXECUTE FUNCTION healthml.keep_bundled();
ALTER TABLE healthml.model ENABLE ALWAYS TRIGGER keep_bundled;
ALTER TABLE healthml.model_version ENABLE ALWAYS TRIGGER keep_bundled;
ALTER TABLE healthml.model_alias ENABLE ALWAYS TRIGGER keep_bundled;
ALTER TABLE healthml.alias_history ENABLE ALWAYS TRIGGER keep_bundled;

/* A copy has the created_at of what it was copied from, and stands before it; another model was made after that one was dropped. */
CREATE FUNCTION healthml.replace_bundled() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	bundled bigint;
BEGIN
	SELECT m.model_id INTO bundled FROM healthml.model m
	WHERE m.name = NEW.name AND m.model_id < 0 AND m.created_at <> NEW.created_at;
	DELETE FROM healthml.model_alias a WHERE a.model_id = bundled;
	DELETE FROM healthml.model_version v WHERE v.model_id = bundled;
	DELETE FROM healthml.model m WHERE m.model_id = bundled;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION healthml.replace_bundled() IS
'trigger: a model of its own that a restore brings takes the place of a bundled one of its name';

/* A row that a restore brings has an older created_at. */
CREATE TRIGGER replace_bundled AFTER INSERT ON healthml.model
FOR EACH ROW WHEN (NEW.model_id > 0 AND NEW.created_at <> now()) EXECUTE FUNCTION healthml.replace_bundled();
