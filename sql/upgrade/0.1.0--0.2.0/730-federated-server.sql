/* 730-federated-server.sql: changes since 0.1.0. */

COMMENT ON FUNCTION healthml.federated_summary_rows(bytea) IS 'rows that the summary of a client covers';
COMMENT ON FUNCTION healthml.federated_open(text, interval) IS
'the untrained model of a federation, for which every client has reported its version and the summary of its rows';

/* No foreign keys. */
ALTER TABLE healthml.federation_client DROP CONSTRAINT federation_client_federation_fkey;
ALTER TABLE healthml.federation_round DROP CONSTRAINT federation_round_federation_fkey;
ALTER TABLE healthml.federation_update DROP CONSTRAINT federation_update_federation_fkey;
CREATE TRIGGER delete_clients AFTER DELETE ON healthml.federation REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION healthml.delete_dependents('federation_client', 'federation');
CREATE TRIGGER delete_rounds AFTER DELETE ON healthml.federation REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION healthml.delete_dependents('federation_round', 'federation');
CREATE TRIGGER delete_updates AFTER DELETE ON healthml.federation REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION healthml.delete_dependents('federation_update', 'federation');


ALTER TABLE healthml.federation_round ADD COLUMN discarded text;
COMMENT ON COLUMN healthml.federation_round.discarded IS 'why the global model of the round was not kept, which is then that of the round before; null for a round that counts';
CREATE OR REPLACE VIEW healthml.federated_rounds AS
SELECT r.federation, r.round, r.version, r.clients, r.samples,
	(r.metrics ->> 'loss')::float8 AS loss, (r.metrics ->> 'accuracy')::float8 AS accuracy,
	(r.metrics ->> 'roc_auc')::float8 AS roc_auc, (r.metrics ->> 'r2')::float8 AS r2,
	r.epsilon, r.attempts, r.finished_at - r.started_at AS duration, r.metrics, r.finished_at, r.discarded
FROM healthml.federation_round r;

DROP FUNCTION healthml.federated_step(text, jsonb, integer, real[], real[], real[], real[]);
CREATE FUNCTION healthml.federated_learnt_weights(artifact bytea) RETURNS integer
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10000 AS 'MODULE_PATHNAME', 'healthml_federated_learnt_weights';
COMMENT ON FUNCTION healthml.federated_learnt_weights(bytea) IS
'how many of the weights are learnt: the first ones; the rest are running means and variances';
CREATE FUNCTION healthml.federated_step(strategy text, options jsonb, round integer, current real[], update real[],
	first_moment real[], second_moment real[], learnt integer DEFAULT 2147483647, OUT next real[], OUT first_moment_out real[], OUT second_moment_out real[])
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'healthml_federated_step';
COMMENT ON FUNCTION healthml.federated_step(text, jsonb, integer, real[], real[], real[], real[], integer) IS
'one step of the server optimiser (fedavgm, fedadagrad, fedadam, fedyogi with Flower''s defaults; others take the average as it is): from the global weights and the average change of a round to the next global weights and moments. Weights beyond the first "learnt" ones are running means and variances, which are averaged';
CREATE OR REPLACE FUNCTION healthml.federated_ask(federation text, clients text[], queries text[], deadline interval)
RETURNS TABLE (client text, answer text, error text, seconds float8)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	link name := healthml.federated_dblink_schema();
	started timestamptz := clock_timestamp();
	preamble text := format('SET statement_timeout = %s; SELECT healthml.federated_client_hello(%L); ',
		greatest(1, (extract(epoch FROM deadline) * 1000)::bigint), federation);
	pending integer[] := '{}';
	received integer[] := array_fill(0, ARRAY[cardinality(clients)]);
	busy integer;
	i integer;
	reason text;
BEGIN
	FOR i IN 1 .. cardinality(clients) LOOP
		BEGIN
			PERFORM healthml.federated_send(federation, clients[i], preamble || queries[i]);
			pending := pending || i;
		EXCEPTION WHEN OTHERS THEN
			GET STACKED DIAGNOSTICS reason = PG_EXCEPTION_DETAIL;
			client := clients[i];
			error := concat_ws(': ', SQLERRM, nullif(btrim(reason, E' \n'), ''));
			seconds := extract(epoch FROM clock_timestamp() - started);
			PERFORM healthml.federated_hang_up(federation, ARRAY[client]);
			RETURN NEXT;
		END;
	END LOOP;

	/* Each sends three results: that the time limit is set, its version, the answer. */
	WHILE cardinality(pending) > 0 LOOP
		FOREACH i IN ARRAY pending LOOP
			client := clients[i];
			answer := NULL;
			error := NULL;
			BEGIN
				EXECUTE format('SELECT %I.dblink_is_busy(%L)', link, healthml.federated_connection(federation, client)) INTO busy;
				IF busy = 1 AND clock_timestamp() < started + deadline + interval '2 seconds' THEN
					CONTINUE;
				ELSIF busy = 1 THEN
					RAISE EXCEPTION 'no answer within %', deadline;
				END IF;
				answer := healthml.federated_receive(federation, client);
				received[i] := received[i] + 1;
				IF received[i] = 2 AND healthml.federated_version_error(answer) IS NOT NULL THEN
					RAISE EXCEPTION '%', healthml.federated_version_error(answer);
				END IF;
				CONTINUE WHEN received[i] < 3;
				/* A last call takes what ends the query off the connection. */
				EXECUTE format('SELECT count(*) FROM %I.dblink_get_result(%L, false) AS r (answer text)',
					link, healthml.federated_connection(federation, client)) INTO busy;
			EXCEPTION WHEN OTHERS THEN
				answer := NULL;
				error := SQLERRM;
				PERFORM healthml.federated_hang_up(federation, ARRAY[client]);
			END;
			seconds := extract(epoch FROM clock_timestamp() - started);
			pending := array_remove(pending, i);
			RETURN NEXT;
		END LOOP;
		IF cardinality(pending) > 0 THEN
			PERFORM pg_sleep(0.002);
		END IF;
	END LOOP;
END
$$;
CREATE OR REPLACE FUNCTION healthml.federated_round(federation text, fraction float8 DEFAULT 1.0, options jsonb DEFAULT '{}',
	min_clients integer DEFAULT 1, client_timeout interval DEFAULT '5 minutes', keep_updates boolean DEFAULT false)
RETURNS healthml.federation_round
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	f healthml.federation;
	settings jsonb;
	names text[];
	spent float8;
	collected record;
	step record;
	judged record;
	used healthml.federated_contribution[];
	weights real[];
	zeros real[];
	candidate bytea;
	version healthml.training_result;
	result healthml.federation_round;
BEGIN
	PERFORM healthml.require_level('trainer');
	SELECT * INTO f FROM healthml.federation x WHERE x.federation = federated_round.federation FOR UPDATE;
	IF f IS NULL THEN
		RAISE EXCEPTION 'federation "%" does not exist', federation USING ERRCODE = 'undefined_object';
	END IF;
	IF NOT (fraction > 0 AND fraction <= 1) THEN
		RAISE EXCEPTION 'fraction must be above 0 and at most 1, not %', fraction USING ERRCODE = 'invalid_parameter_value';
	END IF;
	result.federation := f.federation;
	result.round := f.round + 1;
	result.started_at := clock_timestamp();

	IF f.noise_multiplier IS NOT NULL THEN
		IF fraction < 1 THEN
			RAISE EXCEPTION 'differentially private rounds ask all clients; fraction must be 1'
				USING ERRCODE = 'feature_not_supported';
		END IF;
		spent := healthml.federated_epsilon(f.noise_multiplier, 1, result.round, f.delta);
		IF spent > f.epsilon_budget THEN
			RAISE EXCEPTION 'privacy budget of federation "%" is spent', f.federation
				USING ERRCODE = 'object_not_in_prerequisite_state',
				DETAIL = format('Round %s would bring epsilon to %s, above the budget of %s.', result.round, round(spent::numeric, 3), f.epsilon_budget);
		END IF;
		result.epsilon := spent;
	END IF;

	names := healthml.federated_choose(f.federation, fraction, greatest(min_clients, CASE WHEN f.secure_aggregation THEN 2 ELSE 1 END));
	IF f.secure_aggregation AND cardinality(names) < 2 THEN
		RAISE EXCEPTION 'secure aggregation needs at least two clients' USING ERRCODE = 'object_not_in_prerequisite_state',
			DETAIL = 'The sum over one client would be its update.';
	END IF;
	IF f.artifact IS NULL THEN
		f.artifact := healthml.federated_open(f.federation, client_timeout);
		UPDATE healthml.federation x SET artifact = f.artifact WHERE x.federation = f.federation;
	END IF;

	settings := options || jsonb_build_object('round', result.round);
	IF f.strategy = 'fedprox' THEN
		settings := jsonb_build_object('proximal', coalesce(f.strategy_options -> 'mu', '0.1')) || settings;
	END IF;
	IF f.clip_norm IS NOT NULL THEN
		settings := settings || jsonb_build_object('clip_norm', f.clip_norm);
	END IF;
	IF f.secure_aggregation AND f.noise_multiplier IS NULL THEN
		/* In a masked sum a client counts by its share of the largest one's rows, as it would by its rows in the open. */
		settings := jsonb_build_object('max_samples', (SELECT max(c.n_rows) FROM healthml.federation_client c
			WHERE c.federation = f.federation AND c.client = ANY (names))) || settings;
	END IF;
	collected := healthml.federated_collect(f.federation, f.artifact, names, settings, client_timeout, keep_updates);
	used := collected.contributions;
	IF cardinality(used) < greatest(min_clients, 1) THEN
		RAISE EXCEPTION 'only % of % clients of federation "%" answered in round %', cardinality(used), cardinality(names), f.federation, result.round
			USING ERRCODE = 'connection_failure',
			DETAIL = (SELECT string_agg(format('%s: %s', u.client, u.error), '; ' ORDER BY u.client) FROM healthml.federation_update u
				WHERE u.federation = f.federation AND u.round = result.round AND u.error IS NOT NULL);
	END IF;

	weights := healthml.federated_weights(f.artifact);
	zeros := array_fill(0::real, ARRAY[cardinality(weights)]);
	step := healthml.federated_step(f.strategy, f.strategy_options, result.round, weights,
		healthml.federated_combine(f, used, coalesce((settings ->> 'mask_clip')::float8, 8)),
		coalesce(f.first_moment, zeros), coalesce(f.second_moment, zeros), healthml.federated_learnt_weights(f.artifact));
	result.attempts := collected.attempts;
	result.clients := cardinality(used);
	result.samples := (SELECT sum(c.samples) FROM unnest(used) AS c);
	BEGIN
		candidate := healthml.federated_replace(f.artifact, step.next);
	EXCEPTION WHEN data_exception THEN
		/* The privacy that it cost is spent, and the next round starts from the model that this one started from. */
		result.discarded := SQLERRM;
		result.metrics := '{}';
		result.finished_at := clock_timestamp();
		UPDATE healthml.federation x SET round = result.round WHERE x.federation = f.federation;
		INSERT INTO healthml.federation_round SELECT (result).*;
		RAISE WARNING 'round % of federation "%" was discarded: %', result.round, f.federation, result.discarded;
		RETURN result;
	END;
	judged := healthml.federated_judge(f.federation, candidate, settings - 'label', client_timeout, collected.attempts);
	/* Threshold and percentiles belong to the version; clients need not be sent them. */
	version := healthml.federated_register(f.federation, healthml.federated_replace(candidate, step.next, judged.tallies), judged.metrics,
		format('federation "%s", round %s, %s clients', f.federation, result.round, cardinality(used)));

	result.version := version.version;
	result.metrics := judged.metrics;
	result.finished_at := clock_timestamp();
	UPDATE healthml.federation x
	SET round = result.round, artifact = candidate, first_moment = step.first_moment_out, second_moment = step.second_moment_out
	WHERE x.federation = f.federation;
	INSERT INTO healthml.federation_round SELECT (result).*;
	PERFORM pg_notify('healthml_federation', json_build_object('federation', f.federation, 'round', result.round,
		'version', result.version, 'clients', result.clients, 'metrics', result.metrics)::text);
	RETURN result;
END
$$;
CREATE FUNCTION healthml.federated_publish(federation text, version integer DEFAULT NULL, client_timeout interval DEFAULT '5 minutes')
RETURNS TABLE (client text, accepted integer, error text)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	chosen integer := federated_publish.version;
	clients text[];
	query text;
BEGIN
	PERFORM healthml.require_level('trainer');
	IF NOT EXISTS (SELECT FROM healthml.federation f WHERE f.federation = federated_publish.federation) THEN
		RAISE EXCEPTION 'federation "%" does not exist', federation USING ERRCODE = 'undefined_object';
	END IF;
	IF chosen IS NULL THEN
		chosen := (healthml.resolve_model(federation)).version;
	END IF;
	SELECT array_agg(c.client ORDER BY c.client) INTO clients
	FROM healthml.federation_client c WHERE c.federation = federated_publish.federation AND c.is_active;
	IF clients IS NULL THEN
		RAISE EXCEPTION 'federation "%" has no active client', federation USING ERRCODE = 'object_not_in_prerequisite_state';
	END IF;
	SELECT format('SELECT healthml.federated_client_accept(%L, %s, %L, %L)::text', federation, chosen,
		healthml.export_model(federation || ':' || chosen), v.metrics)
	INTO query FROM healthml.model_info(federation || ':' || chosen) v;
	RETURN QUERY SELECT a.client, a.answer::integer, a.error
		FROM healthml.federated_ask(federation, clients, array_fill(query, ARRAY[cardinality(clients)]), client_timeout) a
		ORDER BY a.client;
	PERFORM healthml.federated_hang_up(federation, clients);
END
$$;
COMMENT ON FUNCTION healthml.federated_publish(text, integer, interval) IS
'brings a version of the global model, by default the champion, which is the best round after healthml.federated_run, to every active client whose owner agreed (federated_join with accept_as), and returns which version it is there, or why there is none';
