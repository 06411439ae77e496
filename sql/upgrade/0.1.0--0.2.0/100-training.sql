/* 100-training.sql: changes since 0.1.0. */

CREATE FUNCTION healthml.prune_trainings(older_than interval) RETURNS bigint
LANGUAGE plpgsql STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	deleted bigint;
BEGIN
	IF NOT has_table_privilege('healthml.training_run', 'DELETE') THEN
		RAISE EXCEPTION 'permission denied: only the owner of the extension deletes the records of trainings'
			USING ERRCODE = 'insufficient_privilege';
	END IF;
	IF older_than < interval '0' THEN
		RAISE EXCEPTION 'argument "older_than" must not be negative, but is %', older_than
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	DELETE FROM healthml.training_run r USING healthml.training_progress p
	WHERE p.run_id = r.run_id AND p.status <> 'running' AND r.started_at < now() - older_than;
	GET DIAGNOSTICS deleted = ROW_COUNT;
	RETURN deleted;
END
$$;
COMMENT ON FUNCTION healthml.prune_trainings(interval) IS
'deletes the records of trainings that began before now - older_than and do not run any more, with their loss curves, which healthml.plot_training then lacks; versions stay. Returns their number';

/* No foreign key, and only the journal writes. */
ALTER TABLE healthml.training_epoch DROP CONSTRAINT training_epoch_run_id_fkey;
CREATE TRIGGER guard_write BEFORE INSERT OR UPDATE ON healthml.training_run
FOR EACH STATEMENT EXECUTE FUNCTION healthml.guard_write();
CREATE TRIGGER guard_write BEFORE INSERT OR UPDATE ON healthml.training_epoch
FOR EACH STATEMENT EXECUTE FUNCTION healthml.guard_write();
CREATE TRIGGER delete_dependents AFTER DELETE ON healthml.training_run REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION healthml.delete_dependents('training_epoch', 'run_id');
