/*
 * 730-federated-server.sql: a federation seen from its coordinator.
 *
 * A round: the global model goes to the clients as an artifact, all at the same
 * time; each trains on its rows and answers with a change of weights; their average
 * gives the next global model, which the clients judge on the rows that they hold
 * back, and which is kept as a version.  Connections are dblink's, to servers of
 * postgres_fdw or dblink_fdw.
 */

/* ---- tables ---- */

CREATE TABLE healthml.federation (
	federation text PRIMARY KEY CHECK (federation ~ '^[^@:[:cntrl:]]{1,60}$' AND federation = btrim(federation)),
	algorithm text NOT NULL CHECK (algorithm = 'mlp'),
	features text[] NOT NULL CHECK (cardinality(features) > 0),
	params jsonb NOT NULL,
	strategy text NOT NULL,
	strategy_options jsonb NOT NULL,
	secure_aggregation boolean NOT NULL,
	clip_norm float8 CHECK (clip_norm > 0),
	noise_multiplier float8 CHECK (noise_multiplier > 0),
	epsilon_budget float8 CHECK (epsilon_budget > 0),
	delta float8 NOT NULL CHECK (delta > 0 AND delta < 1),
	round integer NOT NULL DEFAULT 0,
	artifact bytea,
	first_moment real[],
	second_moment real[],
	created_at timestamptz NOT NULL DEFAULT now(),
	created_by name NOT NULL DEFAULT current_user,
	CHECK ((noise_multiplier IS NULL) = (epsilon_budget IS NULL)),
	CHECK (noise_multiplier IS NULL OR clip_norm IS NOT NULL)
);
ALTER TABLE healthml.federation ALTER COLUMN artifact SET STORAGE EXTERNAL;
COMMENT ON TABLE healthml.federation IS 'one row per federation that this server coordinates, with the state that the next round starts from';
COMMENT ON COLUMN healthml.federation.round IS 'rounds done';
COMMENT ON COLUMN healthml.federation.artifact IS 'the global model after the last round; null before the first';
COMMENT ON COLUMN healthml.federation.epsilon_budget IS 'epsilon that must not be exceeded at the given delta';

CREATE TABLE healthml.federation_client (
	federation text NOT NULL,
	client text NOT NULL CHECK (client <> ''),
	server name NOT NULL,
	is_active boolean NOT NULL DEFAULT true,
	n_rows bigint,
	added_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (federation, client)
);
COMMENT ON TABLE healthml.federation_client IS 'the clients of a federation and the foreign servers that they are reached by';
COMMENT ON COLUMN healthml.federation_client.is_active IS 'whether rounds ask this client';
COMMENT ON COLUMN healthml.federation_client.n_rows IS 'rows that it summarised when the federation began; null when it came later';

CREATE TABLE healthml.federation_round (
	federation text NOT NULL,
	round integer NOT NULL,
	version integer,
	attempts integer NOT NULL,
	clients integer NOT NULL,
	samples bigint NOT NULL,
	metrics jsonb NOT NULL,
	epsilon float8,
	started_at timestamptz NOT NULL,
	finished_at timestamptz NOT NULL,
	discarded text,
	PRIMARY KEY (federation, round)
);
COMMENT ON TABLE healthml.federation_round IS 'one row per finished round: how many took part, how good the global model then was, which version it is';
COMMENT ON COLUMN healthml.federation_round.discarded IS 'why the global model of the round was not kept, which is then that of the round before; null for a round that counts';
COMMENT ON COLUMN healthml.federation_round.epsilon IS 'privacy spent so far at the federation''s delta; null without differential privacy';

CREATE TABLE healthml.federation_update (
	federation text NOT NULL,
	round integer NOT NULL,
	attempt integer NOT NULL,
	client text NOT NULL,
	status text NOT NULL CHECK (status IN ('used', 'failed', 'rejected', 'discarded')),
	samples bigint,
	loss float8,
	norm float8,
	seconds float8,
	error text,
	metrics jsonb,
	update real[],
	PRIMARY KEY (federation, round, attempt, client)
);
COMMENT ON TABLE healthml.federation_update IS 'one row per client and attempt of a round: what it gave, or why it gave nothing';
COMMENT ON COLUMN healthml.federation_update.status IS
'used; failed: no answer, see error; rejected: an answer that cannot be used; discarded: used in no sum because a masked round was repeated';
COMMENT ON COLUMN healthml.federation_update.norm IS 'Euclidean norm of the change of weights before clipping, as the client says';
COMMENT ON COLUMN healthml.federation_update.metrics IS 'of the round''s global model on the rows that this client holds back';
COMMENT ON COLUMN healthml.federation_update.update IS 'the change of weights itself, kept only with keep_updates';

CREATE TRIGGER delete_clients AFTER DELETE ON healthml.federation REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION healthml.delete_dependents('federation_client', 'federation');
CREATE TRIGGER delete_rounds AFTER DELETE ON healthml.federation REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION healthml.delete_dependents('federation_round', 'federation');
CREATE TRIGGER delete_updates AFTER DELETE ON healthml.federation REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION healthml.delete_dependents('federation_update', 'federation');

SELECT pg_catalog.pg_extension_config_dump('healthml.federation', '');
SELECT pg_catalog.pg_extension_config_dump('healthml.federation_client', '');
SELECT pg_catalog.pg_extension_config_dump('healthml.federation_round', '');
SELECT pg_catalog.pg_extension_config_dump('healthml.federation_update', '');

CREATE VIEW healthml.federated_rounds AS
SELECT r.federation, r.round, r.version, r.clients, r.samples,
	(r.metrics ->> 'loss')::float8 AS loss, (r.metrics ->> 'accuracy')::float8 AS accuracy,
	(r.metrics ->> 'roc_auc')::float8 AS roc_auc, (r.metrics ->> 'r2')::float8 AS r2,
	r.epsilon, r.attempts, r.finished_at - r.started_at AS duration, r.metrics, r.finished_at, r.discarded
FROM healthml.federation_round r;
COMMENT ON VIEW healthml.federated_rounds IS 'round by round: participation, metrics of the global model over all clients'' held-back rows, privacy spent';

CREATE VIEW healthml.federated_client_metrics AS
SELECT u.federation, u.round, u.attempt, u.client, u.status, u.samples, u.loss AS training_loss, u.norm, u.seconds,
	(u.metrics ->> 'loss')::float8 AS loss, (u.metrics ->> 'accuracy')::float8 AS accuracy,
	(u.metrics ->> 'roc_auc')::float8 AS roc_auc, u.error
FROM healthml.federation_update u;
COMMENT ON VIEW healthml.federated_client_metrics IS 'client by client and round by round: what it gave, and how good the global model is on its held-back rows';

/* ---- numerics, in C ---- */

CREATE FUNCTION healthml.federated_begin(params jsonb, summaries bytea[]) RETURNS bytea
LANGUAGE C VOLATILE STRICT PARALLEL SAFE COST 10000 AS 'MODULE_PATHNAME', 'healthml_federated_begin';
COMMENT ON FUNCTION healthml.federated_begin(jsonb, bytea[]) IS
'artifact of the untrained model of a federation: pipeline and classes by the clients'' summaries, network and seed by params, which are those of algorithm mlp';

CREATE FUNCTION healthml.federated_summary_rows(summary bytea) RETURNS bigint
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'healthml_federated_summary_rows';
COMMENT ON FUNCTION healthml.federated_summary_rows(bytea) IS 'rows that the summary of a client covers';

CREATE FUNCTION healthml.federated_weights(artifact bytea) RETURNS real[]
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10000 AS 'MODULE_PATHNAME', 'healthml_federated_weights';
COMMENT ON FUNCTION healthml.federated_weights(bytea) IS 'weights of the network in an artifact of algorithm mlp';

CREATE FUNCTION healthml.federated_learnt_weights(artifact bytea) RETURNS integer
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10000 AS 'MODULE_PATHNAME', 'healthml_federated_learnt_weights';
COMMENT ON FUNCTION healthml.federated_learnt_weights(bytea) IS
'how many of the weights are learnt: the first ones; the rest are running means and variances';

CREATE FUNCTION healthml.federated_replace(artifact bytea, weights real[], tallies bytea[] DEFAULT '{}') RETURNS bytea
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10000 AS 'MODULE_PATHNAME', 'healthml_federated_replace';
COMMENT ON FUNCTION healthml.federated_replace(bytea, real[], bytea[]) IS
'the artifact with other weights, its decision threshold and percentiles set by the tallies of clients if there are any';

CREATE FUNCTION healthml.federated_report(artifact bytea, tallies bytea[]) RETURNS jsonb
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10000 AS 'MODULE_PATHNAME', 'healthml_federated_report';
COMMENT ON FUNCTION healthml.federated_report(bytea, bytea[]) IS
'metrics of a global model over the rows that clients hold back, from their tallies: rows, loss, accuracy, roc_auc (scores equal to a thousandth count as equal), recall, specificity, precision and f1 at the threshold with the greatest Youden index, or rmse, mae and r2';

CREATE FUNCTION healthml.federated_check_strategy(strategy text, options jsonb) RETURNS void
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'healthml_federated_check_strategy';
COMMENT ON FUNCTION healthml.federated_check_strategy(text, jsonb) IS 'raises an error unless strategy and options make sense';

CREATE FUNCTION healthml.federated_step(strategy text, options jsonb, round integer, current real[], update real[],
	first_moment real[], second_moment real[], learnt integer DEFAULT 2147483647, OUT next real[], OUT first_moment_out real[], OUT second_moment_out real[])
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'healthml_federated_step';
COMMENT ON FUNCTION healthml.federated_step(text, jsonb, integer, real[], real[], real[], real[], integer) IS
'one step of the server optimiser (fedavgm, fedadagrad, fedadam, fedyogi with Flower''s defaults; others take the average as it is): from the global weights and the average change of a round to the next global weights and moments. Weights beyond the first "learnt" ones are running means and variances, which are averaged';

CREATE FUNCTION healthml.federated_unmask(masked bytea[], clip float8) RETURNS real[]
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'healthml_federated_unmask';
COMMENT ON FUNCTION healthml.federated_unmask(bytea[], float8) IS
'average of the masked updates of all clients of a round, weighted by their shares; an error when one is missing, for then the masks do not cancel';

CREATE FUNCTION healthml.federated_add_noise(update real[], standard_deviation float8) RETURNS real[]
LANGUAGE C VOLATILE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'healthml_federated_add_noise';
COMMENT ON FUNCTION healthml.federated_add_noise(real[], float8) IS
'the weights with Gaussian noise from the operating system''s cryptographic generator';

CREATE FUNCTION healthml.federated_epsilon(noise_multiplier float8, sampling_rate float8, rounds bigint, delta float8)
RETURNS float8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'healthml_federated_epsilon';
COMMENT ON FUNCTION healthml.federated_epsilon(float8, float8, bigint, float8) IS
'epsilon of (epsilon, delta) differential privacy after so many rounds, by Renyi accounting of the sampled Gaussian mechanism (Mironov et al. 2019)';

CREATE FUNCTION healthml.federated_register(model text, artifact bytea, metrics jsonb, trained_on text)
RETURNS healthml.training_result
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE COST 10000 AS 'MODULE_PATHNAME', 'healthml_federated_register';
COMMENT ON FUNCTION healthml.federated_register(text, bytea, jsonb, text) IS
'keeps the global model of a round as a version with these metrics';

/* ---- setting up ---- */

CREATE FUNCTION healthml.federated_create(federation text, algorithm text DEFAULT 'mlp', features text[] DEFAULT NULL,
	params jsonb DEFAULT '{}', strategy text DEFAULT 'fedavg', strategy_options jsonb DEFAULT '{}',
	secure_aggregation boolean DEFAULT false, clip_norm float8 DEFAULT NULL, noise_multiplier float8 DEFAULT NULL,
	epsilon_budget float8 DEFAULT NULL, delta float8 DEFAULT 1e-5) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF algorithm IS DISTINCT FROM 'mlp' THEN
		RAISE EXCEPTION 'algorithm "%" cannot be trained in a federation', algorithm
			USING ERRCODE = 'feature_not_supported', HINT = 'Use "mlp".';
	END IF;
	IF NOT coalesce(federation ~ '^[^@:[:cntrl:]]{1,60}$' AND federation = btrim(federation), false) THEN
		RAISE EXCEPTION 'invalid name of a federation: "%"', coalesce(federation, 'null') USING ERRCODE = 'invalid_parameter_value',
			HINT = 'Names have 1 to 60 characters, none of them "@" or ":", and no space at either end.';
	END IF;
	IF coalesce(cardinality(features), 0) = 0 OR array_position(features, NULL) IS NOT NULL THEN
		RAISE EXCEPTION 'a federation needs the names of its features' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	PERFORM healthml.federated_check_strategy(strategy, strategy_options);
	IF secure_aggregation AND strategy IN ('fedmedian', 'fed_trimmed_mean', 'krum') THEN
		RAISE EXCEPTION 'strategy "%" needs to see single updates, which secure aggregation hides', strategy
			USING ERRCODE = 'feature_not_supported';
	END IF;
	IF (noise_multiplier IS NULL) <> (epsilon_budget IS NULL) OR (noise_multiplier IS NOT NULL AND clip_norm IS NULL) THEN
		RAISE EXCEPTION 'differential privacy needs clip_norm, noise_multiplier and epsilon_budget together'
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF NOT (coalesce(clip_norm, 1) > 0 AND coalesce(noise_multiplier, 1) > 0 AND coalesce(epsilon_budget, 1) > 0 AND coalesce(delta > 0 AND delta < 1, false)) THEN
		RAISE EXCEPTION 'clip_norm, noise_multiplier and epsilon_budget must be positive, delta between 0 and 1'
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	INSERT INTO healthml.federation (federation, algorithm, features, params, strategy, strategy_options,
		secure_aggregation, clip_norm, noise_multiplier, epsilon_budget, delta)
	VALUES (federation, algorithm, features, params, strategy, strategy_options, secure_aggregation, clip_norm,
		noise_multiplier, epsilon_budget, delta);
EXCEPTION WHEN unique_violation THEN
	RAISE EXCEPTION 'federation "%" already exists', federation USING ERRCODE = 'duplicate_object';
END
$$;
COMMENT ON FUNCTION healthml.federated_create(text, text, text[], jsonb, text, jsonb, boolean, float8, float8, float8, float8) IS
'founds a federation, whose versions will be those of the model of its name; strategy is fedavg, fedprox, fedavgm, fedadagrad, fedadam, fedyogi, fedmedian, fed_trimmed_mean or krum, its options eta, beta_1, beta_2, tau, mu, beta, malicious; secure_aggregation hides single updates from the coordinator; clip_norm, noise_multiplier and epsilon_budget together make rounds differentially private';

CREATE FUNCTION healthml.federated_add_client(federation text, client text, server name) RETURNS void
LANGUAGE plpgsql STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM healthml.federation f WHERE f.federation = federated_add_client.federation) THEN
		RAISE EXCEPTION 'federation "%" does not exist', federation USING ERRCODE = 'undefined_object';
	END IF;
	IF NOT EXISTS (SELECT FROM pg_foreign_server s WHERE s.srvname = federated_add_client.server) THEN
		RAISE EXCEPTION 'server "%" does not exist', server USING ERRCODE = 'undefined_object',
			HINT = 'Create it with CREATE SERVER ... FOREIGN DATA WRAPPER postgres_fdw, and a user mapping.';
	END IF;
	INSERT INTO healthml.federation_client (federation, client, server) VALUES (federation, client, server);
EXCEPTION WHEN unique_violation THEN
	RAISE EXCEPTION 'federation "%" already has a client "%"', federation, client USING ERRCODE = 'duplicate_object';
END
$$;
COMMENT ON FUNCTION healthml.federated_add_client(text, text, name) IS
'adds a client to a federation: a name, and the foreign server that reaches a database that has joined it';

/* ---- talking to clients ---- */

CREATE FUNCTION healthml.federated_dblink_schema() RETURNS name
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	schema name;
BEGIN
	SELECT n.nspname INTO schema FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'dblink';
	IF schema IS NULL THEN
		RAISE EXCEPTION 'extension "dblink" is not installed' USING ERRCODE = 'undefined_object',
			HINT = 'Run CREATE EXTENSION dblink; federated rounds connect through it.';
	END IF;
	RETURN schema;
END
$$;
COMMENT ON FUNCTION healthml.federated_dblink_schema() IS 'schema of extension dblink, which federated rounds connect through';

CREATE FUNCTION healthml.federated_connection(federation text, client text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
	SELECT 'healthml ' || md5(format('%L %L', federation, client))
$$;
COMMENT ON FUNCTION healthml.federated_connection(text, text) IS
'name of the dblink connection to a client, short enough for any name of a client';

CREATE FUNCTION healthml.federated_version_error(version text) RETURNS text
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
	SELECT format('the client has healthml %s, the coordinator %s', version, e.extversion)
	FROM pg_extension e WHERE e.extname = 'healthml' AND e.extversion <> version
$$;
COMMENT ON FUNCTION healthml.federated_version_error(text) IS
'what is wrong with a client of this version of healthml; null when it fits the coordinator';

/* A connection that an earlier round left open may be busy, because that round was cancelled, or broken. */
CREATE FUNCTION healthml.federated_send(federation text, client text, query text) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp SET client_min_messages = error AS $$
DECLARE
	link name := healthml.federated_dblink_schema();
	connection text := healthml.federated_connection(federation, client);
	is_open boolean;
	sent integer := 0;
	problem text;
BEGIN
	EXECUTE format('SELECT coalesce(%L = ANY (%I.dblink_get_connections()), false)', connection, link) INTO is_open;
	IF is_open THEN
		EXECUTE format('SELECT CASE WHEN %I.dblink_is_busy(%L) = 0 THEN %1$I.dblink_send_query(%2$L, %3$L) ELSE 0 END',
			link, connection, query) INTO sent;
	END IF;
	IF sent = 0 THEN
		PERFORM healthml.federated_hang_up(federation, ARRAY[client]);
		EXECUTE format('SELECT %I.dblink_connect(%L, %L)', link, connection,
			(SELECT c.server FROM healthml.federation_client c
				WHERE c.federation = federated_send.federation AND c.client = federated_send.client));
		EXECUTE format('SELECT %I.dblink_send_query(%L, %L)', link, connection, query) INTO sent;
	END IF;
	IF sent = 0 THEN
		EXECUTE format('SELECT %I.dblink_error_message(%L)', link, connection) INTO problem;
		RAISE EXCEPTION USING MESSAGE = problem, ERRCODE = 'connection_failure';
	END IF;
END
$$;
COMMENT ON FUNCTION healthml.federated_send(text, text, text) IS
'sends a query to a client without waiting for its answer, over the open connection or a new one';

/* An error of a client is not raised: one with the SQLSTATE of a cancel would look like a cancel of the coordinator. */
CREATE FUNCTION healthml.federated_receive(federation text, client text) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp SET client_min_messages = error AS $$
DECLARE
	link name := healthml.federated_dblink_schema();
	connection text := healthml.federated_connection(federation, client);
	answer text;
	problem text;
BEGIN
	EXECUTE format('SELECT r.answer FROM %I.dblink_get_result(%L, false) AS r (answer text)', link, connection) INTO answer;
	/* Of a connection that is lost there can be an empty result. */
	IF coalesce(answer, '') = '' THEN
		EXECUTE format('SELECT %I.dblink_error_message(%L)', link, connection) INTO problem;
		RAISE EXCEPTION USING ERRCODE = 'connection_failure', MESSAGE = CASE WHEN problem IN ('', 'OK') THEN 'the client gave no answer'
			ELSE regexp_replace(problem, '^(ERROR|FATAL): +|\s*(CONTEXT:.*)?$', '', 'g') END;
	END IF;
	RETURN answer;
END
$$;
COMMENT ON FUNCTION healthml.federated_receive(text, text) IS
'the next result of what was sent to a client; an error of the client is raised as connection_failure, whatever its own SQLSTATE';

CREATE FUNCTION healthml.federated_ask(federation text, clients text[], queries text[], deadline interval)
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
COMMENT ON FUNCTION healthml.federated_ask(text, text[], text[], interval) IS
'sends a query to each of some clients, all at the same time, and returns the answers as they come; a client that fails, has another version of healthml, or does not answer in time, gives an error in place of an answer';

CREATE FUNCTION healthml.federated_hang_up(federation text, clients text[]) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	link name := healthml.federated_dblink_schema();
	client text;
BEGIN
	FOREACH client IN ARRAY clients LOOP
		BEGIN
			EXECUTE format('SELECT %I.dblink_disconnect(c) FROM unnest(%1$I.dblink_get_connections()) AS c WHERE c = %L',
				link, healthml.federated_connection(federation, client));
		EXCEPTION WHEN OTHERS THEN
			NULL; /* A connection that is broken is as good as closed. */
		END;
	END LOOP;
END
$$;
COMMENT ON FUNCTION healthml.federated_hang_up(text, text[]) IS 'closes the connections to some clients';

/* ---- a round ---- */

CREATE FUNCTION healthml.federated_open(federation text, deadline interval) RETURNS bytea
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	f healthml.federation;
	names text[];
	summaries bytea[] := '{}';
	reply record;
BEGIN
	SELECT * INTO f FROM healthml.federation x WHERE x.federation = federated_open.federation;
	SELECT array_agg(c.client ORDER BY c.client) INTO names
	FROM healthml.federation_client c WHERE c.federation = f.federation AND c.is_active;

	FOR reply IN
		SELECT * FROM healthml.federated_ask(f.federation, names,
			array_fill(format('SELECT healthml.federated_client_summary(%L, %L)::text', f.federation, f.features),
				ARRAY[cardinality(names)]), deadline) ORDER BY client
	LOOP
		IF reply.error IS NOT NULL THEN
			RAISE EXCEPTION 'client "%" cannot take part in federation "%"', reply.client, f.federation
				USING ERRCODE = 'connection_failure', DETAIL = reply.error, HINT = 'All clients must answer when a federation begins.';
		END IF;
		summaries := summaries || reply.answer::bytea;
		UPDATE healthml.federation_client c SET n_rows = healthml.federated_summary_rows(reply.answer::bytea)
		WHERE c.federation = f.federation AND c.client = reply.client;
	END LOOP;
	RETURN healthml.federated_begin(f.params, summaries);
END
$$;
COMMENT ON FUNCTION healthml.federated_open(text, interval) IS
'the untrained model of a federation, for which every client has reported its version and the summary of its rows';

/*
 * Ask clients to train; in secure mode with masks, and again without those that
 * failed until all that were asked have answered.
 */
CREATE FUNCTION healthml.federated_collect(federation text, artifact bytea, names text[], options jsonb, deadline interval,
	keep_updates boolean, OUT contributions healthml.federated_contribution[], OUT attempts integer)
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	f healthml.federation;
	this_round integer;
	n_weights integer := cardinality(healthml.federated_weights(artifact));
	asked text[] := names;
	keys bytea[];
	keyed text[];
	queries text[];
	label text;
	reply record;
	given healthml.federated_contribution;
	problem text;
	failed boolean;
BEGIN
	SELECT * INTO f FROM healthml.federation x WHERE x.federation = federated_collect.federation;
	this_round := f.round + 1;
	attempts := 0;
	LOOP
		attempts := attempts + 1;
		contributions := '{}';
		failed := false;
		label := format('%s/%s/%s', md5(f.federation), this_round, attempts);
		IF f.secure_aggregation THEN
			keys := '{}';
			keyed := '{}';
			FOR reply IN
				SELECT * FROM healthml.federated_ask(f.federation, asked,
					array_fill(format('SELECT healthml.federated_client_key(%L, %L)::text', f.federation, label),
						ARRAY[cardinality(asked)]), deadline) ORDER BY client
			LOOP
				IF reply.error IS NULL AND octet_length(reply.answer::bytea) = 32 THEN
					keyed := keyed || reply.client;
					keys := keys || reply.answer::bytea;
				ELSE
					INSERT INTO healthml.federation_update (federation, round, attempt, client, status, seconds, error)
					VALUES (f.federation, this_round, attempts, reply.client, 'failed', reply.seconds, coalesce(reply.error, 'invalid key'));
				END IF;
			END LOOP;
			asked := keyed;
			IF cardinality(asked) < 2 THEN
				RAISE EXCEPTION 'secure aggregation needs at least two clients, but % of federation "%" answered', cardinality(asked), f.federation
					USING ERRCODE = 'object_not_in_prerequisite_state', DETAIL = 'The sum over one client would be its update.';
			END IF;
			SELECT array_agg(format('SELECT t::text FROM healthml.federated_client_train(%L, %L, %L, %L) AS t', f.federation,
				artifact, options || jsonb_build_object('label', label), array_remove(keys, keys[i])) ORDER BY i) INTO queries
			FROM generate_subscripts(keys, 1) AS i;
		ELSE
			queries := array_fill(format('SELECT t::text FROM healthml.federated_client_train(%L, %L, %L) AS t', f.federation,
				artifact, options), ARRAY[cardinality(asked)]);
		END IF;

		FOR reply IN SELECT * FROM healthml.federated_ask(f.federation, asked, queries, deadline) ORDER BY client LOOP
			problem := reply.error;
			IF problem IS NULL THEN
				BEGIN
					given := reply.answer::healthml.federated_contribution;
					problem := healthml.federated_reject(given, f.secure_aggregation, n_weights);
				EXCEPTION WHEN data_exception THEN
					problem := SQLERRM;
				END;
			END IF;
			failed := failed OR problem IS NOT NULL;
			INSERT INTO healthml.federation_update (federation, round, attempt, client, status, samples, loss, norm, seconds, error, update)
			VALUES (f.federation, this_round, attempts, reply.client,
				CASE WHEN problem IS NULL THEN 'used' WHEN reply.error IS NULL THEN 'rejected' ELSE 'failed' END,
				CASE WHEN problem IS NULL THEN given.samples END, CASE WHEN problem IS NULL THEN given.loss END,
				CASE WHEN problem IS NULL THEN given.norm END, reply.seconds, problem,
				CASE WHEN keep_updates AND problem IS NULL THEN given.update END);
			IF problem IS NULL THEN
				contributions := contributions || given;
			ELSE
				asked := array_remove(asked, reply.client);
			END IF;
		END LOOP;
		EXIT WHEN NOT (failed AND f.secure_aggregation);
		/* Masks of those that are missing would remain in the sum. */
		UPDATE healthml.federation_update u SET status = 'discarded'
		WHERE u.federation = f.federation AND u.round = this_round AND u.attempt = attempts AND u.status = 'used';
	END LOOP;
END
$$;
COMMENT ON FUNCTION healthml.federated_collect(text, bytea, text[], jsonb, interval, boolean) IS
'the contributions of some clients to the next round; who fails or answers nonsense is recorded and left out, and a masked round is repeated without it';

CREATE FUNCTION healthml.federated_reject(given healthml.federated_contribution, secure boolean, n_weights integer)
RETURNS text LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE
		WHEN given.samples IS NULL OR given.samples <= 0 OR given.samples > 1000000000000 THEN
			format('implausible number of samples: %s', coalesce(given.samples::text, 'null'))
		WHEN given.loss IS NULL OR given.loss IN ('NaN', 'Infinity', '-Infinity') THEN 'loss is not finite'
		WHEN secure AND (given.masked IS NULL OR octet_length(given.masked) <> 4 * (n_weights + 1)) THEN
			format('masked update of %s bytes for %s weights', coalesce(octet_length(given.masked)::text, 'no'), n_weights)
		WHEN secure THEN NULL
		WHEN given.update IS NULL OR array_ndims(given.update) IS DISTINCT FROM 1 OR cardinality(given.update) <> n_weights THEN
			format('update of %s weights for a network of %s', coalesce(cardinality(given.update)::text, 'no'), n_weights)
		WHEN EXISTS (SELECT FROM unnest(given.update) AS w WHERE w IS NULL OR w IN ('NaN', 'Infinity', '-Infinity')) THEN
			'update is not finite'
		WHEN (SELECT sqrt(sum(w::float8 * w)) FROM unnest(given.update) AS w) > 1000 * sqrt(n_weights::float8) THEN
			'update is absurdly large'
	END
$$;
COMMENT ON FUNCTION healthml.federated_reject(healthml.federated_contribution, boolean, integer) IS
'why a contribution cannot be used; null when it can';

CREATE FUNCTION healthml.federated_combine(f healthml.federation, contributions healthml.federated_contribution[], mask_clip float8)
RETURNS real[] LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	private boolean := f.noise_multiplier IS NOT NULL;
	combined real[];
BEGIN
	IF f.secure_aggregation THEN
		combined := healthml.federated_unmask((SELECT array_agg(c.masked) FROM unnest(contributions) AS c), mask_clip);
	ELSIF f.strategy = 'fedmedian' THEN
		SELECT healthml.fedmedian(c.update) INTO combined FROM unnest(contributions) AS c;
	ELSIF f.strategy = 'fed_trimmed_mean' THEN
		SELECT healthml.fed_trimmed_mean(c.update, coalesce((f.strategy_options ->> 'beta')::float8, 0.2)) INTO combined
		FROM unnest(contributions) AS c;
	ELSIF f.strategy = 'krum' THEN
		SELECT healthml.krum(c.update, coalesce((f.strategy_options ->> 'malicious')::integer, 1)) INTO combined
		FROM unnest(contributions) AS c;
	ELSE
		/* Under differential privacy all count alike, so that nobody can move the sum by more than clip_norm. */
		SELECT healthml.fedavg(c.update, CASE WHEN private THEN 1 ELSE c.samples END) INTO combined
		FROM unnest(contributions) AS c;
	END IF;
	IF private THEN
		combined := healthml.federated_add_noise(combined, f.noise_multiplier * f.clip_norm / cardinality(contributions));
	END IF;
	RETURN combined;
END
$$;
COMMENT ON FUNCTION healthml.federated_combine(healthml.federation, healthml.federated_contribution[], float8) IS
'average change of the weights in a round, by the strategy of the federation, with noise where it is differentially private';

CREATE FUNCTION healthml.federated_judge(federation text, artifact bytea, options jsonb, deadline interval, attempt integer,
	OUT metrics jsonb, OUT tallies bytea[])
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	names text[];
	this_round integer;
	reply record;
BEGIN
	SELECT x.round + 1 INTO this_round FROM healthml.federation x WHERE x.federation = federated_judge.federation;
	SELECT array_agg(u.client ORDER BY u.client) INTO names FROM healthml.federation_update u
	WHERE u.federation = federated_judge.federation AND u.round = this_round AND u.attempt = federated_judge.attempt
		AND u.status = 'used';
	tallies := '{}';
	FOR reply IN
		SELECT * FROM healthml.federated_ask(federation, names,
			array_fill(format('SELECT healthml.federated_client_evaluate(%L, %L, %L)::text', federation, artifact, options),
				ARRAY[cardinality(names)]), deadline) ORDER BY client
	LOOP
		CONTINUE WHEN reply.error IS NOT NULL;
		BEGIN
			UPDATE healthml.federation_update u SET metrics = healthml.federated_report(artifact, ARRAY[reply.answer::bytea])
			WHERE u.federation = federated_judge.federation AND u.round = this_round AND u.attempt = federated_judge.attempt
				AND u.client = reply.client;
			tallies := tallies || reply.answer::bytea;
		EXCEPTION WHEN data_exception OR invalid_binary_representation THEN
			NULL; /* A tally that is nonsense is left out of the metrics. */
		END;
	END LOOP;
	metrics := healthml.federated_report(artifact, tallies);
END
$$;
COMMENT ON FUNCTION healthml.federated_judge(text, bytea, jsonb, interval, integer) IS
'metrics of a new global model on the rows that the clients of the round hold back';

CREATE FUNCTION healthml.federated_choose(federation text, fraction float8, min_clients integer) RETURNS text[]
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	names text[];
	n integer;
BEGIN
	SELECT count(*) INTO n FROM healthml.federation_client c
	WHERE c.federation = federated_choose.federation AND c.is_active;
	IF n = 0 THEN
		RAISE EXCEPTION 'federation "%" has no clients', federation USING ERRCODE = 'object_not_in_prerequisite_state',
			HINT = 'Add them with healthml.federated_add_client.';
	END IF;
	SELECT array_agg(chosen.client) INTO names FROM (
		SELECT c.client FROM healthml.federation_client c
		WHERE c.federation = federated_choose.federation AND c.is_active
		ORDER BY random() LIMIT greatest(min_clients, ceil(fraction * n)::integer)) chosen;
	RETURN names;
END
$$;
COMMENT ON FUNCTION healthml.federated_choose(text, float8, integer) IS
'a random fraction of the clients of a federation, but at least so many';

CREATE FUNCTION healthml.federated_round(federation text, fraction float8 DEFAULT 1.0, options jsonb DEFAULT '{}',
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
COMMENT ON FUNCTION healthml.federated_round(text, float8, jsonb, integer, interval, boolean) IS
'one round of a federation in the present transaction; options are local_epochs, learning_rate, batch_size, holdout, mask_clip, max_samples; notifies channel healthml_federation';

/* ---- runs ---- */

CREATE FUNCTION healthml.federated_settle(federation text) RETURNS integer
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	best integer;
BEGIN
	SELECT r.version INTO best FROM healthml.federation_round r
	JOIN healthml.versions v ON v.model = r.federation AND v.version = r.version
	WHERE r.federation = federated_settle.federation AND r.metrics ? 'loss'
	ORDER BY (r.metrics ->> 'loss')::float8, r.round LIMIT 1;
	IF best IS NOT NULL THEN
		PERFORM healthml.promote(federation, best);
	END IF;
	RETURN best;
END
$$;
COMMENT ON FUNCTION healthml.federated_settle(text) IS
'promotes the version of the round whose global model had the smallest loss on held-back rows, and returns it';

CREATE FUNCTION healthml.federated_is_stale(federation text, patience integer) RETURNS boolean
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
	SELECT patience > 0 AND max(r.round) - (array_agg(r.round ORDER BY (r.metrics ->> 'loss')::float8, r.round))[1] >= patience
	FROM healthml.federation_round r WHERE r.federation = federated_is_stale.federation AND r.metrics ? 'loss'
$$;
COMMENT ON FUNCTION healthml.federated_is_stale(text, integer) IS 'whether the loss has not improved for "patience" rounds; never for 0';

CREATE FUNCTION healthml.federated_run(federation text, rounds integer DEFAULT 10, fraction float8 DEFAULT 1.0,
	local_epochs integer DEFAULT 1, learning_rate float8 DEFAULT 0.001, batch_size integer DEFAULT 32,
	min_clients integer DEFAULT 1, client_timeout interval DEFAULT '5 minutes', patience integer DEFAULT 0,
	keep_updates boolean DEFAULT false)
RETURNS SETOF healthml.federated_rounds
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	options jsonb := jsonb_build_object('local_epochs', local_epochs, 'learning_rate', learning_rate, 'batch_size', batch_size);
	done healthml.federation_round;
BEGIN
	FOR i IN 1 .. rounds LOOP
		done := healthml.federated_round(federation, fraction, options, min_clients, client_timeout, keep_updates);
		RAISE DEBUG 'federation "%": round %, % clients, %', done.federation, done.round, done.clients, done.metrics;
		RETURN QUERY SELECT * FROM healthml.federated_rounds r WHERE r.federation = done.federation AND r.round = done.round;
		EXIT WHEN healthml.federated_is_stale(federation, patience);
	END LOOP;
	PERFORM healthml.federated_settle(federation);
	PERFORM healthml.federated_hang_up(federation, (SELECT array_agg(c.client) FROM healthml.federation_client c
		WHERE c.federation = federated_run.federation));
END
$$;
COMMENT ON FUNCTION healthml.federated_run(text, integer, float8, integer, float8, integer, integer, interval, integer, boolean) IS
'runs rounds of a federation, all in the present transaction, and promotes the best one; returns a row per round; "CALL healthml.federated_train" does the same and commits after every round';

/* A procedure that commits cannot have a search_path of its own: every name in it is qualified. */
CREATE PROCEDURE healthml.federated_train(federation text, rounds integer DEFAULT 10, fraction float8 DEFAULT 1.0,
	local_epochs integer DEFAULT 1, learning_rate float8 DEFAULT 0.001, batch_size integer DEFAULT 32,
	min_clients integer DEFAULT 1, client_timeout interval DEFAULT '5 minutes', patience integer DEFAULT 0,
	keep_updates boolean DEFAULT false)
LANGUAGE plpgsql AS $$
DECLARE
	options pg_catalog.jsonb := pg_catalog.jsonb_build_object('local_epochs', local_epochs, 'learning_rate', learning_rate,
		'batch_size', batch_size);
	done healthml.federation_round;
BEGIN
	LOOP
		EXIT WHEN (SELECT f.round OPERATOR(pg_catalog.>=) rounds FROM healthml.federation f
			WHERE f.federation OPERATOR(pg_catalog.=) federated_train.federation);
		done := healthml.federated_round(federation, fraction, options, min_clients, client_timeout, keep_updates);
		COMMIT;
		RAISE NOTICE 'federation "%": round % of %, % clients, %', done.federation, done.round, rounds, done.clients, done.metrics;
		EXIT WHEN healthml.federated_is_stale(federation, patience);
	END LOOP;
	PERFORM healthml.federated_settle(federation);
	PERFORM healthml.federated_hang_up(federation, (SELECT pg_catalog.array_agg(c.client) FROM healthml.federation_client c
		WHERE c.federation OPERATOR(pg_catalog.=) federated_train.federation));
END
$$;
COMMENT ON PROCEDURE healthml.federated_train(text, integer, float8, integer, float8, integer, integer, interval, integer, boolean) IS
'runs a federation up to round number "rounds", commits after each, and promotes the best one; called again after a crash or a cancel it goes on with the round that was not finished';

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
