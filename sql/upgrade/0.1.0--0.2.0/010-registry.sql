/* 010-registry.sql: changes since 0.1.0. */

COMMENT ON TABLE healthml.alias_history IS
'every change of an alias; outlives the model, so that it is known what was live at any time';

ALTER TABLE healthml.model_version ADD COLUMN target text;
COMMENT ON COLUMN healthml.model_version.target IS 'the target column of the training, which narratives name; NULL without one, of an import, and before version 0.2.0';

ALTER TABLE healthml.alias_history ADD COLUMN below bigint;
CREATE INDEX alias_history_model ON healthml.alias_history (model, alias, changed_at, history_id);
COMMENT ON COLUMN healthml.alias_history.below IS
'the change that a rollback from this one goes back to, 0 where there is none; NULL: written before version 0.2.0';

/*
 * Champions form a stack: a promotion pushes, a rollback pops.  So a second
 * rollback goes one further back instead of undoing the first.  Each row of the
 * history knows the row that is below it on the stack, so that going back does
 * not read the history again.
 */
CREATE FUNCTION healthml.alias_below(model_id bigint, alias text, history_id bigint) RETURNS bigint
LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	known bigint;
	change record;
	stack bigint[] := '{}';
	versions integer[] := '{}';
	depth integer := 0;
BEGIN
	SELECT h.below INTO known FROM healthml.alias_history h WHERE h.history_id = alias_below.history_id;
	IF known IS NOT NULL OR NOT FOUND THEN
		RETURN known;
	END IF;
	-- written by version 0.1.0: found by going through all changes
	FOR change IN
		SELECT h.history_id, h.new_version, h.is_rollback FROM healthml.alias_history h
		WHERE h.model_id = alias_below.model_id AND h.alias = alias_below.alias AND h.history_id <= alias_below.history_id
		ORDER BY h.history_id
	LOOP
		IF change.new_version IS NULL THEN
			depth := 0;
			CONTINUE;
		END IF;
		IF change.is_rollback THEN
			LOOP
				depth := depth - 1;
				EXIT WHEN depth <= 0 OR versions[depth] = change.new_version;
			END LOOP;
			depth := greatest(depth, 1);
		ELSE
			depth := depth + 1;
		END IF;
		stack[depth] := change.history_id;
		versions[depth] := change.new_version;
	END LOOP;
	RETURN CASE WHEN depth > 1 THEN stack[depth - 1] ELSE 0 END;
END
$$;
COMMENT ON FUNCTION healthml.alias_below(bigint, text, bigint) IS
'the change of an alias that a rollback from this one goes back to, 0 where there is none';

CREATE FUNCTION healthml.version_at(model text, at timestamptz, alias text DEFAULT 'champion') RETURNS integer
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM healthml.require_level('reader');
	IF NOT EXISTS (SELECT FROM healthml.alias_history h WHERE h.model = version_at.model)
		AND NOT EXISTS (SELECT FROM healthml.model m WHERE m.name = version_at.model) THEN
		RAISE EXCEPTION 'model "%" does not exist', version_at.model
			USING ERRCODE = 'undefined_object', HINT = 'healthml.models lists the models.';
	END IF;
	RETURN (SELECT h.new_version FROM healthml.alias_history h
		WHERE h.model = version_at.model AND h.alias = version_at.alias AND h.changed_at <= version_at.at
		ORDER BY h.changed_at DESC, h.history_id DESC LIMIT 1);
END
$$;
COMMENT ON FUNCTION healthml.version_at(text, timestamptz, text) IS
'the version of a model that was live at a time, or had an alias then; NULL where none had. A model that was dropped since is known as well';

CREATE FUNCTION healthml.prune_alias_history(older_than interval) RETURNS bigint
LANGUAGE plpgsql STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	deleted bigint;
BEGIN
	IF NOT has_table_privilege('healthml.alias_history', 'DELETE') THEN
		RAISE EXCEPTION 'permission denied: only the owner of the extension deletes the history of aliases'
			USING ERRCODE = 'insufficient_privilege';
	END IF;
	IF older_than < interval '0' THEN
		RAISE EXCEPTION 'argument "older_than" must not be negative, but is %', older_than
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	DELETE FROM healthml.alias_history h
	USING (SELECT p.history_id, row_number() OVER (PARTITION BY p.model_id, p.alias ORDER BY p.history_id DESC) AS age
		FROM healthml.alias_history p WHERE p.changed_at < now() - older_than) old
	WHERE h.history_id = old.history_id AND old.age > 1;
	GET DIAGNOSTICS deleted = ROW_COUNT;
	RETURN deleted;
END
$$;
COMMENT ON FUNCTION healthml.prune_alias_history(interval) IS
'deletes changes of aliases of before now - older_than, but for the last of each alias, so that version_at answers for any later time; a rollback goes no further back than what is left. Returns their number';

/* The order of rows in a dump is anybody's: no foreign keys. */
ALTER TABLE healthml.model DROP CONSTRAINT model_name_key;
CREATE UNIQUE INDEX model_name_key ON healthml.model (name) WHERE model_id > 0;
CREATE UNIQUE INDEX model_bundled_name_key ON healthml.model (name) WHERE model_id < 0;
ALTER TABLE healthml.model_alias DROP CONSTRAINT model_alias_model_id_fkey, DROP CONSTRAINT model_alias_model_id_version_fkey;
ALTER TABLE healthml.model_version DROP CONSTRAINT model_version_model_id_fkey;
DROP TRIGGER restore_shipped ON healthml.model;
DROP TRIGGER replace_shipped ON healthml.model;
DROP TRIGGER restore_shipped ON healthml.model_version;
DROP TRIGGER restore_shipped ON healthml.model_alias;
DROP TRIGGER restore_shipped ON healthml.alias_history;
DROP FUNCTION healthml.restore_shipped();
DROP FUNCTION healthml.replace_shipped();
DROP TRIGGER stamp_alias ON healthml.model_alias;
DROP TRIGGER record_alias_insert ON healthml.model_alias;
DROP TRIGGER record_alias_update ON healthml.model_alias;
DROP TRIGGER record_alias_delete ON healthml.model_alias;

/*
 * A bundled model that was changed, or whose rows are not all there, becomes an ordinary one; one as it came gets the rows
 * of every other installation.  The rows that are there for good have these dates and this author.
 */
DO LANGUAGE plpgsql $$
DECLARE
	bundled record;
	own bigint;
	made constant timestamptz := '2026-01-01 00:00:00+00';
BEGIN
	ALTER TABLE healthml.model_version DISABLE TRIGGER refuse_version_change;
	FOR bundled IN
		SELECT m.*, NOT EXISTS (SELECT FROM healthml.model_version v WHERE v.model_id = m.model_id AND v.version_id > 0)
			AND (SELECT count(*) FROM healthml.model_version v WHERE v.model_id = m.model_id) = 1
			AND (SELECT array_agg(a.alias || a.version) FROM healthml.model_alias a WHERE a.model_id = m.model_id) = '{champion1}' AS is_as_it_came
		FROM healthml.model m WHERE m.model_id < 0
	LOOP
		IF NOT bundled.is_as_it_came THEN
			own := nextval('healthml.model_model_id_seq');
			INSERT INTO healthml.model (model_id, name, algorithm, task, description, last_version, created_at, created_by)
			VALUES (own, bundled.name, bundled.algorithm, bundled.task, bundled.description, bundled.last_version, made, 'healthml');
			INSERT INTO healthml.model_version (model_id, version, artifact, artifact_id, features, params, metrics, trained_on,
				trained_rows, duration, parent_version, created_at, created_by)
			SELECT own, v.version, v.artifact, v.artifact_id, v.features, v.params, v.metrics, v.trained_on, v.trained_rows,
				v.duration, v.parent_version, CASE WHEN v.version_id < 0 THEN made ELSE v.created_at END,
				CASE WHEN v.version_id < 0 THEN 'healthml' ELSE v.created_by END
			FROM healthml.model_version v WHERE v.model_id = bundled.model_id;
			INSERT INTO healthml.alias_history (model_id, model, alias, old_version, new_version, is_rollback, changed_at, changed_by)
			SELECT own, h.model, h.alias, h.old_version, h.new_version, h.is_rollback, h.changed_at, h.changed_by
			FROM healthml.alias_history h WHERE h.model_id = bundled.model_id ORDER BY h.history_id;
			UPDATE healthml.model_alias SET model_id = own WHERE model_id = bundled.model_id;
			DELETE FROM healthml.alias_history WHERE model_id = bundled.model_id AND history_id > 0;
			DELETE FROM healthml.model_version WHERE model_id = bundled.model_id AND version_id > 0;
			INSERT INTO healthml.model_alias (model_id, alias, version)
			SELECT bundled.model_id, 'champion', 1 FROM healthml.model_version v WHERE v.version_id = bundled.model_id;
			DELETE FROM healthml.model m
			WHERE m.model_id = bundled.model_id AND NOT EXISTS (SELECT FROM healthml.model_version v WHERE v.model_id = m.model_id);
		END IF;
	END LOOP;
	UPDATE healthml.model SET last_version = 1, created_at = made, created_by = 'healthml' WHERE model_id < 0;
	UPDATE healthml.model_version SET created_at = made, created_by = 'healthml' WHERE version_id < 0;
	UPDATE healthml.model_alias SET set_at = made, set_by = 'healthml', is_rollback = false WHERE model_id < 0;
	UPDATE healthml.alias_history SET changed_at = made, changed_by = 'healthml', below = 0 WHERE history_id < 0;
	ALTER TABLE healthml.model_version ENABLE TRIGGER refuse_version_change;
END
$$;

SELECT pg_catalog.pg_extension_config_dump('healthml.model', 'WHERE model_id > 0');
SELECT pg_catalog.pg_extension_config_dump('healthml.model_version', 'WHERE version_id > 0');
SELECT pg_catalog.pg_extension_config_dump('healthml.model_alias', $$WHERE model_id > 0 OR alias <> 'champion' OR version <> 1$$);
SELECT pg_catalog.pg_extension_config_dump('healthml.alias_history', 'WHERE history_id > 0');

/*
 * What only functions of the extension write: nobody makes up bytes, a number or an author, whatever was granted.
 * The owner of the tables may, as a restore does.
 */
CREATE FUNCTION healthml.guard_write() RETURNS trigger
LANGUAGE C COST 1 AS 'MODULE_PATHNAME', 'healthml_guard_write';
COMMENT ON FUNCTION healthml.guard_write() IS
'trigger: refuses a statement that comes neither from a function of healthml nor from the owner of the table';

CREATE TRIGGER guard_write BEFORE INSERT OR UPDATE OF model_id, name, algorithm, task, last_version, created_at, created_by
ON healthml.model FOR EACH STATEMENT EXECUTE FUNCTION healthml.guard_write();
CREATE TRIGGER guard_write BEFORE INSERT OR UPDATE ON healthml.model_version
FOR EACH STATEMENT EXECUTE FUNCTION healthml.guard_write();
CREATE TRIGGER guard_write BEFORE INSERT OR UPDATE ON healthml.alias_history
FOR EACH STATEMENT EXECUTE FUNCTION healthml.guard_write();

CREATE FUNCTION healthml.delete_dependents() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	EXECUTE format('DELETE FROM healthml.%1$I d USING gone g WHERE d.%2$I = g.%2$I', TG_ARGV[0], TG_ARGV[1]);
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION healthml.delete_dependents() IS
'trigger delete_dependents(''table'', ''column''), AFTER DELETE, FOR EACH STATEMENT, with "gone" as old table: deletes the rows of another table that belong to those that were deleted';

CREATE FUNCTION healthml.refuse_bundled_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RAISE EXCEPTION 'the row of bundled model "%" cannot be changed', OLD.name
		USING ERRCODE = 'object_not_in_prerequisite_state',
			HINT = 'Make it yours first: healthml.set_alias and healthml.train copy it to a row that can be changed.';
END
$$;
COMMENT ON FUNCTION healthml.refuse_bundled_change() IS 'trigger: refuses UPDATE of a bundled model';

CREATE TRIGGER refuse_bundled_change BEFORE UPDATE ON healthml.model
FOR EACH ROW WHEN (OLD.model_id < 0) EXECUTE FUNCTION healthml.refuse_bundled_change();

CREATE FUNCTION healthml.refuse_drop_of_used() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF TG_TABLE_NAME = 'model' THEN
		IF EXISTS (SELECT FROM healthml.model_version v WHERE v.model_id = OLD.model_id) THEN
			RAISE EXCEPTION 'model "%" has versions', OLD.name
				USING ERRCODE = 'dependent_objects_still_exist', HINT = 'healthml.drop_model drops them with it.';
		END IF;
		RETURN OLD;
	END IF;
	/* Whoever sets an alias holds this row for key share until the end of the transaction. */
	PERFORM FROM healthml.model m WHERE m.model_id = OLD.model_id FOR UPDATE;
	IF EXISTS (SELECT FROM healthml.model_alias a WHERE a.model_id = OLD.model_id AND a.version = OLD.version) THEN
		RAISE EXCEPTION 'version % cannot be dropped because an alias names it', OLD.version
			USING ERRCODE = 'dependent_objects_still_exist', HINT = 'Use healthml.drop_version or healthml.drop_model.';
	END IF;
	RETURN OLD;
END
$$;
COMMENT ON FUNCTION healthml.refuse_drop_of_used() IS
'trigger: refuses DELETE of a model that has versions, and of a version that an alias names';

CREATE TRIGGER refuse_drop_of_used BEFORE DELETE ON healthml.model
FOR EACH ROW EXECUTE FUNCTION healthml.refuse_drop_of_used();
CREATE TRIGGER refuse_drop_of_used BEFORE DELETE ON healthml.model_version
FOR EACH ROW EXECUTE FUNCTION healthml.refuse_drop_of_used();

/* A row that a restore brings has an older set_at; its version may come later. */
CREATE OR REPLACE FUNCTION healthml.stamp_alias() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	NEW.set_at := now();
	NEW.set_by := current_user;
	PERFORM FROM healthml.model m WHERE m.model_id = NEW.model_id FOR KEY SHARE;
	IF NOT EXISTS (SELECT FROM healthml.model_version v WHERE v.model_id = NEW.model_id AND v.version = NEW.version) THEN
		RAISE EXCEPTION 'model % has no version %', NEW.model_id, NEW.version
			USING ERRCODE = 'undefined_object', HINT = 'healthml.set_alias takes the name of a model.';
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION healthml.stamp_alias() IS
'trigger: notes when and by whom an alias was changed, and refuses a version that does not exist';

CREATE TRIGGER stamp_alias BEFORE INSERT ON healthml.model_alias
FOR EACH ROW WHEN (NEW.set_at = now()) EXECUTE FUNCTION healthml.stamp_alias();
CREATE TRIGGER stamp_alias_update BEFORE UPDATE ON healthml.model_alias
FOR EACH ROW EXECUTE FUNCTION healthml.stamp_alias();

CREATE FUNCTION healthml.alias_beneath(model_id bigint, alias text, version integer, is_rollback boolean) RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	last record;
	beneath bigint := 0;
BEGIN
	/* The history of a copy goes on from that of the bundled model. */
	SELECT h.history_id, h.new_version INTO last FROM healthml.alias_history h
	WHERE h.alias = alias_beneath.alias AND (h.model_id = alias_beneath.model_id
		OR h.history_id = (SELECT b.model_id FROM healthml.model m JOIN healthml.model b ON b.name = m.name AND b.model_id < 0
			WHERE m.model_id = alias_beneath.model_id AND m.model_id > 0))
	ORDER BY h.history_id DESC LIMIT 1;
	IF last.new_version IS NOT NULL THEN
		beneath := last.history_id;
	END IF;
	IF alias_beneath.is_rollback THEN
		LOOP
			beneath := coalesce(healthml.alias_below(alias_beneath.model_id, alias_beneath.alias, beneath), 0);
			SELECT h.new_version INTO last.new_version FROM healthml.alias_history h WHERE h.history_id = beneath;
			EXIT WHEN NOT FOUND OR last.new_version = alias_beneath.version;
		END LOOP;
		beneath := coalesce(healthml.alias_below(alias_beneath.model_id, alias_beneath.alias, beneath), 0);
	END IF;
	RETURN beneath;
END
$$;
COMMENT ON FUNCTION healthml.alias_beneath(bigint, text, integer, boolean) IS
'the change of an alias that a rollback from a change to this version would go back to, 0 where there is none';

CREATE OR REPLACE FUNCTION healthml.record_alias_change() RETURNS trigger
LANGUAGE C COST 100 AS 'MODULE_PATHNAME', 'healthml_record_alias_change';
COMMENT ON FUNCTION healthml.record_alias_change() IS 'trigger: writes the history of aliases';

/* A row that a restore brings has an older set_at, and its history comes with it. */
CREATE TRIGGER record_alias_insert AFTER INSERT ON healthml.model_alias
FOR EACH ROW WHEN (NEW.set_at = now()) EXECUTE FUNCTION healthml.record_alias_change();
CREATE TRIGGER record_alias_update AFTER UPDATE ON healthml.model_alias
FOR EACH ROW EXECUTE FUNCTION healthml.record_alias_change();
/* Not when a restore takes away what CREATE EXTENSION has made of a bundled model (390-shipped-models.sql). */
CREATE TRIGGER record_alias_delete AFTER DELETE ON healthml.model_alias
FOR EACH ROW WHEN (OLD.model_id > 0 OR pg_trigger_depth() = 0) EXECUTE FUNCTION healthml.record_alias_change();

CREATE OR REPLACE VIEW healthml.models AS
SELECT m.name AS model, m.algorithm, m.task, m.description,
	champion.version AS champion, stats.versions, stats.latest_version, m.created_at, m.created_by
FROM healthml.model m
LEFT JOIN healthml.model_alias champion ON champion.model_id = m.model_id AND champion.alias = 'champion'
CROSS JOIN LATERAL (
	SELECT count(*) AS versions, max(v.version) AS latest_version
	FROM healthml.model_version v
	WHERE v.model_id = m.model_id) stats
WHERE m.model_id > 0 OR NOT EXISTS (SELECT FROM healthml.model own WHERE own.name = m.name AND own.model_id > 0);

CREATE OR REPLACE VIEW healthml.versions AS
SELECT m.name AS model, v.version,
	ARRAY(SELECT a.alias FROM healthml.model_alias a
		WHERE a.model_id = v.model_id AND a.version = v.version ORDER BY a.alias) AS aliases,
	m.algorithm, m.task, m.description, v.features, v.params, v.metrics, v.trained_on, v.trained_rows,
	v.duration, v.parent_version, v.artifact_id, octet_length(v.artifact) AS artifact_bytes,
	v.created_at, v.created_by, v.target
FROM healthml.model_version v
JOIN healthml.model m USING (model_id)
WHERE m.model_id > 0 OR NOT EXISTS (SELECT FROM healthml.model own WHERE own.name = m.name AND own.model_id > 0);

CREATE FUNCTION healthml.require_level(level text) RETURNS void
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'healthml_require_level';
COMMENT ON FUNCTION healthml.require_level(text) IS
'raises an error that names the level (scorer, recorder, reader, trainer) unless the current user has what healthml.grant_role grants with it';

CREATE FUNCTION healthml.adopt_model(model_id bigint) RETURNS bigint
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE COST 1000 AS 'MODULE_PATHNAME', 'healthml_adopt_model';
COMMENT ON FUNCTION healthml.adopt_model(bigint) IS
'copies a bundled model to rows that can change and returns the id of the copy; returns the id of any other model';

CREATE OR REPLACE FUNCTION healthml.set_alias(model text, alias text, version integer) RETURNS integer
LANGUAGE plpgsql STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	target record;
BEGIN
	PERFORM healthml.require_level('trainer');
	target := healthml.resolve_model(set_alias.model || ':' || set_alias.version);
	IF alias !~ '^[^@:[:cntrl:]]{1,128}$' OR alias <> btrim(alias) THEN
		RAISE EXCEPTION 'invalid alias "%"', alias
			USING ERRCODE = 'invalid_name',
			DETAIL = 'An alias has 1 to 128 characters, no "@", ":" or control character, and no space at either end.';
	END IF;
	INSERT INTO healthml.model_alias AS a (model_id, alias, version)
	VALUES (healthml.adopt_model(target.model_id), set_alias.alias, target.version)
	ON CONFLICT ON CONSTRAINT model_alias_pkey DO UPDATE SET version = EXCLUDED.version, is_rollback = false
	WHERE a.version <> EXCLUDED.version;
	RETURN target.version;
END
$$;

CREATE OR REPLACE FUNCTION healthml.drop_alias(model text, alias text) RETURNS integer
LANGUAGE plpgsql STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	target record;
	own bigint;
BEGIN
	PERFORM healthml.require_level('trainer');
	target := healthml.resolve_model(drop_alias.model || '@' || drop_alias.alias);
	own := healthml.adopt_model(target.model_id);
	DELETE FROM healthml.model_alias a WHERE a.model_id = own AND a.alias = drop_alias.alias;
	RETURN target.version;
END
$$;

CREATE OR REPLACE FUNCTION healthml.rollback(model text) RETURNS integer
LANGUAGE plpgsql STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	target record;
	present integer;
	previous integer;
	change bigint;
BEGIN
	PERFORM healthml.require_level('trainer');
	target := healthml.resolve_model(rollback.model || '@champion');
	SELECT a.version INTO present FROM healthml.model_alias a
	WHERE a.model_id = target.model_id AND a.alias = 'champion' FOR UPDATE;
	SELECT h.history_id INTO change FROM healthml.alias_history h
	WHERE h.model_id = target.model_id AND h.alias = 'champion' ORDER BY h.history_id DESC LIMIT 1;
	LOOP
		change := healthml.alias_below(target.model_id, 'champion', change);
		SELECT h.new_version INTO previous FROM healthml.alias_history h WHERE h.history_id = change;
		IF NOT FOUND THEN
			RAISE EXCEPTION 'model "%" has no earlier champion', target.model
				USING ERRCODE = 'object_not_in_prerequisite_state',
				HINT = 'Use healthml.promote to choose a version; healthml.versions lists them.';
		END IF;
		EXIT WHEN previous <> present AND EXISTS (
			SELECT FROM healthml.model_version v WHERE v.model_id = target.model_id AND v.version = previous);
	END LOOP;
	UPDATE healthml.model_alias a SET version = previous, is_rollback = true
	WHERE a.model_id = target.model_id AND a.alias = 'champion';
	RETURN previous;
END
$$;

CREATE OR REPLACE FUNCTION healthml.drop_version(model text, version integer) RETURNS void
LANGUAGE plpgsql STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	target record;
	aliases text;
BEGIN
	PERFORM healthml.require_level('trainer');
	target := healthml.resolve_model(drop_version.model || ':' || drop_version.version);
	SELECT string_agg(quote_literal(a.alias), ', ' ORDER BY a.alias) INTO aliases
	FROM healthml.model_alias a
	WHERE a.model_id = target.model_id AND a.version = target.version;
	IF aliases IS NOT NULL THEN
		RAISE EXCEPTION 'version % of model "%" cannot be dropped because an alias names it', target.version, target.model
			USING ERRCODE = 'dependent_objects_still_exist', DETAIL = format('Aliases: %s.', aliases),
			HINT = 'Promote another version, or remove the alias with healthml.drop_alias.';
	END IF;
	DELETE FROM healthml.model_version v WHERE v.model_id = target.model_id AND v.version = target.version;
END
$$;

CREATE OR REPLACE FUNCTION healthml.drop_model(model text) RETURNS void
LANGUAGE plpgsql STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	targets bigint[];
BEGIN
	PERFORM healthml.require_level('trainer');
	/* A bundled model goes with its copy. */
	SELECT array_agg(t.model_id) INTO targets
	FROM (SELECT m.model_id FROM healthml.model m WHERE m.name = drop_model.model FOR UPDATE) AS t;
	IF targets IS NULL THEN
		RAISE EXCEPTION 'model "%" does not exist', drop_model.model USING ERRCODE = 'undefined_object';
	END IF;
	DELETE FROM healthml.model_alias a WHERE a.model_id = ANY (targets);
	DELETE FROM healthml.model_version v WHERE v.model_id = ANY (targets);
	DELETE FROM healthml.model m WHERE m.model_id = ANY (targets);
END
$$;

CREATE OR REPLACE FUNCTION healthml.model_info(ref text) RETURNS healthml.versions
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	target record := healthml.resolve_model(ref);
BEGIN
	RETURN (SELECT v FROM healthml.versions v WHERE v.model = target.model AND v.version = target.version);
END
$$;
