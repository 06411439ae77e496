/* 390-shipped-models.sql: changes since 0.1.0. */

/* What is bundled never changes. */
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
