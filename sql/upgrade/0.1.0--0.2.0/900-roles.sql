/* 900-roles.sql: changes since 0.1.0. */

CREATE OR REPLACE FUNCTION healthml.grant_role(grantee regrole, level text) RETURNS void
LANGUAGE plpgsql STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	statement text;
BEGIN
	IF level NOT IN ('scorer', 'reader', 'trainer') THEN
		RAISE EXCEPTION 'invalid level "%"', level
			USING ERRCODE = 'invalid_parameter_value', HINT = 'The levels are scorer, reader and trainer.';
	END IF;
	FOR statement IN
		SELECT g.statement FROM (VALUES
			('scorer', 'GRANT USAGE ON SCHEMA healthml TO %s'),
			('scorer', 'GRANT SELECT ON healthml.model, healthml.model_version, healthml.model_alias, healthml.models, healthml.versions, healthml.common_feature, healthml.feature_dictionary TO %s'),
			('scorer', 'GRANT INSERT, SELECT (prediction_id, model, version, score, label, probabilities, is_anomaly) ON healthml.prediction TO %s'),
			('scorer', 'GRANT INSERT ON healthml.score_failure TO %s'),
			('scorer', 'GRANT INSERT, UPDATE, SELECT ON healthml.outcome TO %s'),
			('reader', 'GRANT SELECT ON ALL TABLES IN SCHEMA healthml TO %s'),
			('trainer', 'GRANT INSERT, UPDATE, DELETE ON healthml.model, healthml.model_alias, healthml.feature_dictionary TO %s'),
			('trainer', 'GRANT INSERT, DELETE ON healthml.model_version TO %s'),
			('trainer', 'GRANT INSERT ON healthml.alias_history, healthml.training_epoch TO %s'),
			('trainer', 'GRANT INSERT, UPDATE ON healthml.training_run TO %s'),
			('trainer', 'GRANT DELETE ON healthml.prediction, healthml.outcome, healthml.score_failure TO %s'),
			('trainer', 'GRANT INSERT, DELETE ON healthml.federation_membership TO %s'),
			('trainer', 'GRANT INSERT, UPDATE, DELETE ON healthml.federation, healthml.federation_client, healthml.federation_round, healthml.federation_update TO %s')) AS g (level, statement)
		WHERE array_position(ARRAY['scorer', 'reader', 'trainer'], g.level)
			<= array_position(ARRAY['scorer', 'reader', 'trainer'], grant_role.level)
	LOOP
		EXECUTE format(statement, grantee);
	END LOOP;
END
$$;
