/* 010-registry.sql: changes since 0.1.0. */

COMMENT ON TABLE healthml.alias_history IS
'every change of an alias; outlives the model, so that it is known what was live at any time';

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

CREATE OR REPLACE FUNCTION healthml.record_alias_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	changed healthml.model_alias := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
	rolled_back boolean := TG_OP = 'UPDATE' AND changed.is_rollback;
	last record;
	beneath bigint := 0;
BEGIN
	SELECT h.history_id, h.new_version INTO last FROM healthml.alias_history h
	WHERE h.model_id = changed.model_id AND h.alias = changed.alias ORDER BY h.history_id DESC LIMIT 1;
	IF last.new_version IS NOT NULL THEN
		beneath := last.history_id;
	END IF;
	IF rolled_back THEN
		LOOP
			beneath := coalesce(healthml.alias_below(changed.model_id, changed.alias, beneath), 0);
			SELECT h.new_version INTO last.new_version FROM healthml.alias_history h WHERE h.history_id = beneath;
			EXIT WHEN NOT FOUND OR last.new_version = NEW.version;
		END LOOP;
		beneath := coalesce(healthml.alias_below(changed.model_id, changed.alias, beneath), 0);
	END IF;
	INSERT INTO healthml.alias_history (model_id, model, alias, old_version, new_version, is_rollback, below)
	SELECT m.model_id, m.name, changed.alias,
		CASE WHEN TG_OP <> 'INSERT' THEN OLD.version END,
		CASE WHEN TG_OP <> 'DELETE' THEN NEW.version END,
		rolled_back, beneath
	FROM healthml.model m
	WHERE m.model_id = changed.model_id;
	RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION healthml.rollback(model text) RETURNS integer
LANGUAGE plpgsql STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	target record := healthml.resolve_model(rollback.model || '@champion');
	present integer;
	previous integer;
	change bigint;
BEGIN
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

CREATE FUNCTION healthml.version_at(model text, at timestamptz, alias text DEFAULT 'champion') RETURNS integer
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
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
