/*
 * 740-federated-simulation.sql: a federation of many clients, played on one server.
 *
 * Clients run one after another in the caller's session, by the same functions that a coordinator calls on real ones;
 * what is left out is the network.
 */

CREATE FUNCTION healthml.federated_simulate(clients integer[] DEFAULT '{10,100,1000}', rounds integer DEFAULT 3,
	source text DEFAULT 'SELECT * FROM healthml.synthetic_patients(50, %s)', target text DEFAULT 'heart_disease',
	features text[] DEFAULT '{age,male,chest_pain_type,resting_bp,cholesterol,high_fasting_sugar,resting_ecg,max_heart_rate,exercise_angina,st_depression,st_slope,vessels,thallium}',
	params jsonb DEFAULT '{"hidden_layers": [16], "dropout": 0}', strategy text DEFAULT 'fedavg',
	strategy_options jsonb DEFAULT '{}', fraction float8 DEFAULT 1.0, local_epochs integer DEFAULT 3,
	learning_rate float8 DEFAULT 0.005, batch_size integer DEFAULT 32,
	search_path text DEFAULT pg_catalog.current_setting('search_path'))
RETURNS TABLE (n_clients integer, round integer, client_seconds float8, coordinator_seconds float8, bytes_sent bigint,
	bytes_received bigint, loss float8, accuracy float8, roc_auc float8)
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	prefix text := format('simulation %s/', pg_backend_pid());
	f healthml.federation;
	options jsonb;
	chosen integer[];
	contributions healthml.federated_contribution[];
	tallies bytea[];
	artifact bytea;
	step record;
	metrics jsonb;
	started timestamptz;
BEGIN
	PERFORM healthml.federated_check_strategy(strategy, strategy_options);
	IF NOT (fraction > 0 AND fraction <= 1) THEN
		RAISE EXCEPTION 'fraction must be above 0 and at most 1, not %', fraction USING ERRCODE = 'invalid_parameter_value';
	END IF;
	f.strategy := strategy;
	f.strategy_options := strategy_options;
	f.secure_aggregation := false;

	FOREACH n_clients IN ARRAY clients LOOP
		IF NOT n_clients BETWEEN 1 AND 100000 THEN
			RAISE EXCEPTION 'number of clients must be between 1 and 100000, not %', n_clients USING ERRCODE = 'invalid_parameter_value';
		END IF;
		INSERT INTO healthml.federation_membership (federation, source, target, search_path, owner, coordinator)
		SELECT prefix || i, format(source, i), target, federated_simulate.search_path, current_user::regrole, current_user::regrole
		FROM generate_series(1, n_clients) AS i;
		SELECT healthml.federated_begin(params, array_agg(healthml.federated_client_summary(prefix || i, features))) INTO artifact
		FROM generate_series(1, n_clients) AS i;
		f.first_moment := array_fill(0::real, ARRAY[cardinality(healthml.federated_weights(artifact))]);
		f.second_moment := f.first_moment;

		FOR r IN 1 .. rounds LOOP
			round := r;
			options := jsonb_build_object('local_epochs', local_epochs, 'learning_rate', learning_rate, 'batch_size', batch_size, 'round', r);
			IF strategy = 'fedprox' THEN
				options := options || jsonb_build_object('proximal', coalesce(strategy_options -> 'mu', '0.1'));
			END IF;
			SELECT array_agg(i) INTO chosen
			FROM (SELECT i FROM generate_series(1, n_clients) AS i ORDER BY random() LIMIT ceil(fraction * n_clients)) AS drawn;

			started := clock_timestamp();
			SELECT array_agg(healthml.federated_client_train(prefix || i, artifact, options)) INTO contributions FROM unnest(chosen) AS i;
			client_seconds := extract(epoch FROM clock_timestamp() - started);
			bytes_sent := 2 * cardinality(chosen) * octet_length(artifact::text)::bigint;
			bytes_received := (SELECT sum(octet_length(c::text)) FROM unnest(contributions) AS c);

			started := clock_timestamp();
			step := healthml.federated_step(strategy, strategy_options, r, healthml.federated_weights(artifact),
				healthml.federated_combine(f, contributions, 1), f.first_moment, f.second_moment,
				healthml.federated_learnt_weights(artifact));
			artifact := healthml.federated_replace(artifact, step.next);
			f.first_moment := step.first_moment_out;
			f.second_moment := step.second_moment_out;
			coordinator_seconds := extract(epoch FROM clock_timestamp() - started);

			started := clock_timestamp();
			SELECT array_agg(healthml.federated_client_evaluate(prefix || i, artifact, options)) INTO tallies FROM unnest(chosen) AS i;
			client_seconds := (client_seconds + extract(epoch FROM clock_timestamp() - started)) / cardinality(chosen);
			bytes_received := bytes_received + (SELECT sum(octet_length(t::text)) FROM unnest(tallies) AS t);

			started := clock_timestamp();
			metrics := healthml.federated_report(artifact, tallies);
			coordinator_seconds := coordinator_seconds + extract(epoch FROM clock_timestamp() - started);
			loss := metrics ->> 'loss';
			accuracy := metrics ->> 'accuracy';
			roc_auc := metrics ->> 'roc_auc';
			RETURN NEXT;
		END LOOP;
		DELETE FROM healthml.federation_membership m WHERE starts_with(m.federation, prefix);
	END LOOP;
END
$$;
COMMENT ON FUNCTION healthml.federated_simulate(integer[], integer, text, text, text[], jsonb, text, jsonb, float8, integer, float8, integer, text) IS
'plays rounds of federations with so many clients on this server, without a network, and returns for each round the mean seconds of a client (training and evaluation), the seconds of the coordinator, the bytes that dblink would carry, and metrics on held-back rows; "source" is a template in which %s is the number of a client, each of which needs 20 rows';
