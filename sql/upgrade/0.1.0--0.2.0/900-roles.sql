/* 900-roles.sql: changes since 0.1.0. */

/* Levels became narrower: whoever had one gets what it means now. */
CREATE OR REPLACE FUNCTION healthml.grant_role(grantee regrole, level text) RETURNS void
LANGUAGE plpgsql STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	statement text;
BEGIN
	IF level NOT IN ('scorer', 'recorder', 'reader', 'trainer') THEN
		RAISE EXCEPTION 'invalid level "%"', level
			USING ERRCODE = 'invalid_parameter_value', HINT = 'The levels are scorer, recorder, reader and trainer.';
	END IF;
	FOR statement IN
		SELECT g.statement FROM (VALUES
			('{scorer,recorder,reader,trainer}', 'GRANT USAGE ON SCHEMA healthml TO %s'),
			('{scorer,reader,trainer}', 'GRANT SELECT ON healthml.model, healthml.model_version, healthml.model_alias, healthml.models, healthml.versions, healthml.common_feature, healthml.feature_dictionary TO %s'),
			('{scorer,trainer}', 'GRANT INSERT ON healthml.prediction, healthml.score_failure, healthml.pending_alert TO %s'),
			('{scorer,trainer}', 'GRANT SELECT, INSERT, UPDATE ON healthml.watch_state, healthml.vitals_alert TO %s'),
			('{scorer,recorder,trainer}', 'GRANT SELECT (prediction_id, model, version, score, label, probabilities, is_anomaly) ON healthml.prediction TO %s'),
			('{scorer,recorder,trainer}', 'GRANT SELECT, UPDATE (acknowledged_at, snoozed_until, note) ON healthml.alert TO %s'),
			('{trainer}', 'GRANT INSERT, UPDATE, DELETE ON healthml.alert, healthml.alert_rule TO %s'),
			('{recorder}', 'GRANT SELECT (model_id, name, task) ON healthml.model TO %s'),
			('{recorder}', 'GRANT SELECT (model_id, version, params) ON healthml.model_version TO %s'),
			('{scorer,recorder,trainer}', 'GRANT SELECT, INSERT (prediction_id, actual, actual_label, actual_value, note), UPDATE (actual, actual_label, actual_value, note) ON healthml.outcome TO %s'),
			('{reader,trainer}', 'GRANT SELECT ON ALL TABLES IN SCHEMA healthml TO %s'),
			('{reader,trainer}', 'GRANT SELECT ON ALL SEQUENCES IN SCHEMA healthml TO %s'),
			('{trainer}', 'GRANT INSERT, DELETE, UPDATE (description, last_version) ON healthml.model TO %s'),
			('{trainer}', 'GRANT INSERT, DELETE ON healthml.model_version TO %s'),
			('{trainer}', 'GRANT INSERT (model_id, alias, version), UPDATE (version, is_rollback), DELETE ON healthml.model_alias TO %s'),
			('{trainer}', 'GRANT INSERT ON healthml.alias_history, healthml.training_epoch TO %s'),
			('{trainer}', 'GRANT INSERT, UPDATE ON healthml.training_run TO %s'),
			('{trainer}', 'GRANT INSERT, UPDATE, DELETE ON healthml.feature_dictionary TO %s'),
			('{trainer}', 'GRANT DELETE ON healthml.prediction, healthml.outcome, healthml.score_failure, healthml.pending_alert, healthml.watch_state, healthml.vitals_alert TO %s'),
			('{trainer}', 'GRANT INSERT (federation, source, target, search_path, secure_only, owner, coordinator, settings, accept_as, promote_accepted), DELETE ON healthml.federation_membership TO %s'),
			('{trainer}', 'GRANT INSERT, UPDATE, DELETE ON healthml.federation, healthml.federation_client, healthml.federation_round, healthml.federation_update TO %s')) AS g (levels, statement)
		WHERE level = ANY (g.levels::text[])
	LOOP
		EXECUTE format(statement, grantee);
	END LOOP;
END
$$;
COMMENT ON FUNCTION healthml.grant_role(regrole, text) IS
'grants what a role needs, beside what it has: a scorer may score rows, explain scores, keep predictions and record outcomes; a recorder may record outcomes only; a reader may read all tables and views, and score, but write nothing; a trainer may do all this, and train, import, promote and drop models, prune predictions, and join and coordinate federations';

DO LANGUAGE plpgsql $$
DECLARE
	had record;
BEGIN
	FOR had IN
		SELECT a.grantee::regrole AS role, bool_or(c.relname = 'model_version' AND a.privilege_type = 'INSERT') AS is_trainer,
			bool_or(c.relname = 'prediction' AND a.privilege_type = 'SELECT') AS is_reader,
			bool_or(c.relname = 'prediction' AND a.privilege_type = 'INSERT') AS is_scorer
		FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a
		WHERE c.relnamespace = 'healthml'::regnamespace AND c.relkind IN ('r', 'v') AND a.grantee <> 0 AND a.grantee <> c.relowner
		GROUP BY a.grantee
	LOOP
		CONTINUE WHEN NOT (had.is_scorer OR had.is_trainer);
		EXECUTE format('REVOKE INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA healthml FROM %s', had.role);
		PERFORM healthml.grant_role(had.role, CASE WHEN had.is_trainer THEN 'trainer' WHEN had.is_reader THEN 'reader' ELSE 'scorer' END);
	END LOOP;
END
$$;
