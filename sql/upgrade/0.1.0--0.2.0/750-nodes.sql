/*
 * 750-nodes.sql: the same models on several servers.
 *
 * A name means one artifact on every server that a query touches.  Models are mirrored by value, under the numbers that
 * they have here; versions first, and aliases only when every server has all versions.  Connections are dblink's, to
 * servers of postgres_fdw or dblink_fdw; the workers of Citus are reached with its run_command_on_workers.
 */

/* ---- what one server does ---- */

CREATE FUNCTION healthml.artifact_of(ref text) RETURNS uuid
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT r.artifact_id FROM healthml.resolve_model(ref) r $$;
COMMENT ON FUNCTION healthml.artifact_of(text) IS
'artifact id of the version that a model argument means here. In a distributed query, score(features, (SELECT healthml.artifact_of(''name''))) resolves the name once, and a server that lacks the artifact raises an error instead of scoring with another one';

CREATE FUNCTION healthml.model_inventory() RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(jsonb_agg(jsonb_build_object('model', v.model, 'version', v.version, 'artifact_id', v.artifact_id,
		'aliases', to_jsonb(v.aliases)) ORDER BY v.model, v.version), '[]')
	FROM healthml.versions v
$$;
COMMENT ON FUNCTION healthml.model_inventory() IS
'every version of this server as [{"model", "version", "artifact_id", "aliases"}, ...], by model and version';

CREATE FUNCTION healthml.receive_version(model text, version integer, artifact bytea, trained_on text, metrics jsonb, target text) RETURNS boolean
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE COST 10000 AS 'MODULE_PATHNAME', 'healthml_receive_version';
COMMENT ON FUNCTION healthml.receive_version(text, integer, bytea, text, jsonb, text) IS
'for distribute_models: keeps a version of another server under the number that it has there (from 1; an empty target means none), without making it champion; returns false if it is here already. Raises an error if the number is taken by another artifact';

CREATE FUNCTION healthml.receive_aliases(names jsonb) RETURNS integer
LANGUAGE plpgsql STRICT SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
	change record;
	changes integer := 0;
BEGIN
	PERFORM healthml.require_level('trainer');
	FOR change IN
		SELECT n.key AS model, c.alias, c.wanted FROM jsonb_each(names) AS n,
			LATERAL (SELECT coalesce(w.key, h.alias) AS alias, w.value::integer AS wanted, h.version AS present
				FROM jsonb_each_text(n.value) AS w
				FULL JOIN (SELECT a.alias, v.version FROM healthml.versions v, unnest(v.aliases) AS a (alias) WHERE v.model = n.key) h
				ON h.alias = w.key) c
		WHERE c.wanted IS DISTINCT FROM c.present
		ORDER BY n.key, c.alias
	LOOP
		IF change.wanted IS NULL THEN
			PERFORM healthml.drop_alias(change.model, change.alias);
		ELSE
			PERFORM healthml.set_alias(change.model, change.alias, change.wanted);
		END IF;
		changes := changes + 1;
	END LOOP;
	RETURN changes;
END
$$;
COMMENT ON FUNCTION healthml.receive_aliases(jsonb) IS
'for distribute_models: gives models the aliases of {"model": {"alias": version, ...}, ...}, and removes others that they have; returns the number of changes';

/* ---- talking to servers ---- */

CREATE FUNCTION healthml.model_servers(servers text[] DEFAULT NULL) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	has_citus boolean := to_regclass('pg_catalog.pg_dist_node') IS NOT NULL;
	wrong text;
BEGIN
	IF servers IS NULL THEN
		RETURN ARRAY(
			SELECT s.srvname::text FROM pg_foreign_server s, unnest(s.srvoptions) AS o (option)
			WHERE o.option LIKE 'extensions=%' AND 'healthml' = ANY (regexp_split_to_array(substr(o.option, 12), '\s*,\s*'))
			ORDER BY 1)
			|| CASE WHEN has_citus THEN '{citus workers}'::text[] ELSE '{}' END;
	END IF;
	SELECT w.name INTO wrong FROM unnest(servers) AS w (name)
	WHERE w.name IS NULL OR NOT (has_citus AND w.name = 'citus workers') AND NOT EXISTS (SELECT FROM pg_foreign_server s WHERE s.srvname = w.name);
	IF FOUND THEN
		RAISE EXCEPTION 'server "%" does not exist', wrong USING ERRCODE = 'undefined_object',
			HINT = 'CREATE SERVER makes one, of postgres_fdw or dblink_fdw; "citus workers" are those of Citus where it is installed.';
	END IF;
	RETURN ARRAY(SELECT DISTINCT w.name FROM unnest(servers) AS w (name) ORDER BY 1);
END
$$;
COMMENT ON FUNCTION healthml.model_servers(text[]) IS
'the servers that models are distributed to: those that are named, or without names the foreign servers whose option "extensions" lists healthml, and "citus workers" where Citus is installed';

CREATE FUNCTION healthml.ask_server(server text, query text) RETURNS TABLE (node text, answer text)
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp SET client_min_messages = error AS $$
DECLARE
	link name;
	connection text := healthml.federated_connection('', server);
	flag boolean;
	busy integer;
BEGIN
	IF server = 'citus workers' THEN
		FOR node, flag, answer IN EXECUTE
			'SELECT concat(r.nodename, '':'', r.nodeport), r.success, r.result FROM run_command_on_workers($1) AS r' USING query
		LOOP
			IF NOT flag THEN
				RAISE EXCEPTION 'node "%": %', node, regexp_replace(answer, '^ERROR: +', '') USING ERRCODE = 'connection_failure';
			END IF;
			RETURN NEXT;
		END LOOP;
		RETURN;
	END IF;
	link := healthml.federated_dblink_schema();
	node := server;
	BEGIN
		EXECUTE format('SELECT coalesce(%L = ANY (%I.dblink_get_connections()), false)', connection, link) INTO flag;
		IF NOT flag THEN
			EXECUTE format('SELECT %I.dblink_connect(%L, %L)', link, connection, server);
		END IF;
		EXECUTE format('SELECT %I.dblink_send_query(%L, $1)', link, connection) USING query;
		/* A cancel is noticed while the server works. */
		LOOP
			EXECUTE format('SELECT %I.dblink_is_busy(%L)', link, connection) INTO busy;
			EXIT WHEN busy = 0;
			PERFORM pg_sleep(0.002);
		END LOOP;
		answer := healthml.federated_receive('', server);
		/* A last call takes what ends the query off the connection. */
		EXECUTE format('SELECT count(*) FROM %I.dblink_get_result(%L, false) AS r (answer text)', link, connection) INTO busy;
	EXCEPTION WHEN OTHERS THEN
		RAISE EXCEPTION 'server "%": %', server, SQLERRM USING ERRCODE = 'connection_failure';
	END;
	RETURN NEXT;
END
$$;
COMMENT ON FUNCTION healthml.ask_server(text, text) IS
'runs a query of one row and one column on a server, over a connection that stays open, or on each worker of Citus; an error there is raised here and names the server';

/* ---- distributing ---- */

CREATE FUNCTION healthml.distribute_models(models text[] DEFAULT NULL, servers text[] DEFAULT NULL)
RETURNS TABLE (node text, versions integer, aliases integer)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET bytea_output = hex AS $$
#variable_conflict use_column
DECLARE
	targets text[] := healthml.model_servers(distribute_models.servers);
	linked text[] := array_remove(targets, 'citus workers');
	names jsonb;
	found_there jsonb := '{}';
	site text;
	reply record;
	missing record;
	command text;
BEGIN
	PERFORM healthml.require_level('trainer');
	SELECT n.name INTO site FROM unnest(distribute_models.models) AS n (name)
	WHERE NOT EXISTS (SELECT FROM healthml.versions v WHERE v.model = n.name) LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'model "%" does not exist', site USING ERRCODE = 'undefined_object', HINT = 'healthml.models lists the models.';
	END IF;
	IF cardinality(targets) = 0 THEN
		RAISE EXCEPTION 'there is no server to distribute models to' USING ERRCODE = 'undefined_object',
			HINT = 'Name servers, or mark them: ALTER SERVER ... OPTIONS (ADD extensions ''healthml'').';
	END IF;
	SELECT coalesce(jsonb_object_agg(m.model, m.given), '{}') INTO names FROM (
		SELECT v.model, coalesce(jsonb_object_agg(a.alias, v.version) FILTER (WHERE a.alias IS NOT NULL), '{}') AS given
		FROM healthml.versions v LEFT JOIN LATERAL unnest(v.aliases) AS a (alias) ON true
		WHERE distribute_models.models IS NULL OR v.model = ANY (distribute_models.models) GROUP BY v.model) m;
	PERFORM healthml.federated_hang_up('', linked);

	/* Nothing is sent before it is known that no server has another artifact under one of the numbers. */
	FOREACH site IN ARRAY targets LOOP
		FOR reply IN SELECT * FROM healthml.ask_server(site, 'SELECT healthml.model_inventory()') LOOP
			SELECT v.model, v.version INTO missing FROM healthml.versions v
			JOIN jsonb_to_recordset(reply.answer::jsonb) AS t (model text, version integer, artifact_id uuid)
				ON t.model = v.model AND t.version = v.version AND t.artifact_id <> v.artifact_id
			WHERE names ? v.model LIMIT 1;
			IF FOUND THEN
				RAISE EXCEPTION 'server "%" has another artifact as version % of model "%"', reply.node, missing.version, missing.model
					USING ERRCODE = 'object_not_in_prerequisite_state',
						HINT = 'Drop the model there, or give one of the two another name; healthml.node_models() compares all.';
			END IF;
			found_there := found_there || jsonb_build_object(reply.node, jsonb_build_object('server', site, 'has', reply.answer::jsonb));
		END LOOP;
	END LOOP;

	FOREACH site IN ARRAY targets LOOP
		FOR missing IN
			SELECT v.model, v.version, v.trained_on, v.metrics, v.target FROM healthml.versions v
			WHERE names ? v.model AND EXISTS (SELECT FROM jsonb_each(found_there) AS f
				WHERE f.value ->> 'server' = site AND NOT f.value -> 'has' @> jsonb_build_array(
					jsonb_build_object('model', v.model, 'version', v.version)))
			ORDER BY v.model, v.version
		LOOP
			command := format('SELECT healthml.receive_version(%L, %s, %L, %L, %L, %L)', missing.model, missing.version,
				healthml.export_model(missing.model || ':' || missing.version), coalesce(missing.trained_on, 'import'), missing.metrics,
				coalesce(missing.target, ''));
			PERFORM FROM healthml.ask_server(site, command);
		END LOOP;
	END LOOP;

	/* The aliases last: on all servers, or on none if one of them refuses. */
	command := format('SELECT healthml.receive_aliases(%L)', names);
	FOREACH site IN ARRAY linked LOOP
		PERFORM FROM healthml.ask_server(site, 'BEGIN');
	END LOOP;
	FOREACH site IN ARRAY targets LOOP
		FOR reply IN SELECT * FROM healthml.ask_server(site, command) LOOP
			found_there := jsonb_set(found_there, ARRAY[reply.node, 'aliases'], reply.answer::jsonb);
		END LOOP;
	END LOOP;
	FOREACH site IN ARRAY linked LOOP
		PERFORM FROM healthml.ask_server(site, 'COMMIT');
	END LOOP;
	PERFORM healthml.federated_hang_up('', linked);
	RETURN QUERY
		SELECT f.key, (SELECT count(*)::integer FROM healthml.versions v WHERE names ? v.model
			AND NOT f.value -> 'has' @> jsonb_build_array(jsonb_build_object('model', v.model, 'version', v.version))),
			(f.value ->> 'aliases')::integer
		FROM jsonb_each(found_there) AS f ORDER BY f.key;
EXCEPTION WHEN query_canceled OR OTHERS THEN
	PERFORM healthml.federated_hang_up('', linked);
	RAISE;
END
$$;
COMMENT ON FUNCTION healthml.distribute_models(text[], text[]) IS
'mirrors models (by default all) to other servers (by default those whose option "extensions" lists healthml, and the workers of Citus): every version under its number, with its artifact id, then the aliases, on all servers or, if one refuses, on none. Returns for each node the versions that it received and the aliases that changed; may be repeated. Raises an error before anything is sent if a server has another artifact under the number of a version. What is written there stays, whatever becomes of the transaction here';

CREATE FUNCTION healthml.node_models()
RETURNS TABLE (node text, model text, version integer, artifact_id uuid, node_artifact_id uuid, aliases text[], node_aliases text[], state text)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
	target text;
	reply record;
BEGIN
	PERFORM healthml.require_level('reader');
	FOREACH target IN ARRAY healthml.model_servers() LOOP
		BEGIN
			PERFORM healthml.federated_hang_up('', array_remove(ARRAY[target], 'citus workers'));
			FOR reply IN SELECT * FROM healthml.ask_server(target, 'SELECT healthml.model_inventory()') LOOP
				RETURN QUERY
					SELECT reply.node, coalesce(v.model, t.model), coalesce(v.version, t.version), v.artifact_id, t.artifact_id, v.aliases, t.aliases,
						CASE WHEN t.artifact_id IS NULL THEN 'missing' WHEN v.artifact_id IS NULL THEN 'only there'
							WHEN t.artifact_id <> v.artifact_id THEN 'different'
							WHEN t.aliases <> v.aliases THEN 'aliases differ' ELSE 'same' END
					FROM healthml.versions v
					FULL JOIN jsonb_to_recordset(reply.answer::jsonb) AS t (model text, version integer, artifact_id uuid, aliases text[])
						ON t.model = v.model AND t.version = v.version
					ORDER BY 2, 3;
			END LOOP;
			PERFORM healthml.federated_hang_up('', array_remove(ARRAY[target], 'citus workers'));
		EXCEPTION WHEN OTHERS THEN
			RETURN QUERY SELECT target, NULL::text, NULL::integer, NULL::uuid, NULL::uuid, NULL::text[], NULL::text[], SQLERRM;
		END;
	END LOOP;
END
$$;
COMMENT ON FUNCTION healthml.node_models() IS
'compares the models of the servers that distribute_models reaches by default with those of this server, version by version; state is "same", "missing" (not there), "only there", "different" (another artifact under the same number), "aliases differ", or, of a server that gives no answer, why';
