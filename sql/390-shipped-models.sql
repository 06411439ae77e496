/*
 * 390-shipped-models.sql: models that come with the extension.
 *
 * A shipped model has a negative id, so that it takes none from the sequence.  It
 * is a model like any other: it can be trained further, promoted, rolled back and
 * dropped.  A dump has its rows with all others; what it brings is the state of
 * the database that was dumped, and replaces what CREATE EXTENSION has put there.
 * So does a model of the same name that was made after the shipped one was dropped.
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
		'Normal or abnormal heart by its sound. Trained by the healthml project on the PhysioNet/CinC Challenge 2016 recordings (Liu et al. 2016, ODC-By 1.0). Not validated for clinical use; see docs/model-card-heart-sound.md.')
		) AS s (model_id, name, artifact, metrics, trained_on, description),
		healthml.describe_artifact(s.artifact) d
), shipped_model AS (
	INSERT INTO healthml.model (model_id, name, algorithm, task, description, last_version)
	SELECT s.model_id, s.name, s.algorithm, s.task, s.description, 1 FROM shipped s
), shipped_version AS (
	INSERT INTO healthml.model_version (version_id, model_id, version, artifact, artifact_id, features, params, metrics,
		trained_on, trained_rows, duration)
	SELECT s.model_id, s.model_id, 1, s.artifact, healthml.artifact_id(s.artifact), s.features, s.params, s.metrics,
		s.trained_on, s.trained_rows, '0' FROM shipped s
)
INSERT INTO healthml.model_alias (model_id, alias, version) SELECT s.model_id, 'champion', 1 FROM shipped s;

/* Its history begins by trigger; the id makes room for the rows of a dump. */
UPDATE healthml.alias_history SET history_id = model_id;
SELECT setval('healthml.alias_history_history_id_seq', 1, false);

/* ---- dump and restore ---- */

CREATE FUNCTION healthml.restore_shipped() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	CASE TG_TABLE_NAME
		WHEN 'model' THEN
			UPDATE healthml.model SET description = NEW.description, last_version = NEW.last_version,
				created_at = NEW.created_at, created_by = NEW.created_by
			WHERE model_id = NEW.model_id;
			RETURN CASE WHEN NOT FOUND THEN NEW END;
		WHEN 'model_version' THEN
			DELETE FROM healthml.model_alias a WHERE a.model_id = NEW.model_id AND a.version = NEW.version;
			DELETE FROM healthml.model_version v WHERE v.model_id = NEW.model_id AND v.version = NEW.version;
			RETURN NEW;
		WHEN 'model_alias' THEN
			DELETE FROM healthml.model_alias a WHERE a.model_id = NEW.model_id AND a.alias = NEW.alias;
			RETURN NEW;
		WHEN 'alias_history' THEN
			DELETE FROM healthml.alias_history h WHERE h.history_id = NEW.history_id;
			RETURN NEW;
	END CASE;
END
$$;
COMMENT ON FUNCTION healthml.restore_shipped() IS
'trigger: a row of a shipped model that a restore brings takes the place of the one that CREATE EXTENSION has made';

CREATE FUNCTION healthml.replace_shipped() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	shipped bigint;
BEGIN
	SELECT m.model_id INTO shipped FROM healthml.model m WHERE m.name = NEW.name AND m.model_id < 0;
	DELETE FROM healthml.model_alias a WHERE a.model_id = shipped;
	DELETE FROM healthml.model_version v WHERE v.model_id = shipped;
	DELETE FROM healthml.model m WHERE m.model_id = shipped;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION healthml.replace_shipped() IS
'trigger: a model of its own that a restore brings takes the name of a shipped one that CREATE EXTENSION has made';

CREATE TRIGGER restore_shipped BEFORE INSERT ON healthml.model
FOR EACH ROW WHEN (NEW.model_id < 0) EXECUTE FUNCTION healthml.restore_shipped();
/* A row that a restore brings has an older created_at. */
CREATE TRIGGER replace_shipped BEFORE INSERT ON healthml.model
FOR EACH ROW WHEN (NEW.model_id > 0 AND NEW.created_at <> now()) EXECUTE FUNCTION healthml.replace_shipped();
CREATE TRIGGER restore_shipped BEFORE INSERT ON healthml.model_version
FOR EACH ROW WHEN (NEW.version_id < 0) EXECUTE FUNCTION healthml.restore_shipped();
CREATE TRIGGER restore_shipped BEFORE INSERT ON healthml.model_alias
FOR EACH ROW WHEN (NEW.model_id < 0 AND NEW.set_at <> now()) EXECUTE FUNCTION healthml.restore_shipped();
CREATE TRIGGER restore_shipped BEFORE INSERT ON healthml.alias_history
FOR EACH ROW WHEN (NEW.history_id < 0) EXECUTE FUNCTION healthml.restore_shipped();
