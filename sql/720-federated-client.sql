/*
 * 720-federated-client.sql: what a hospital's server opens to a federation.
 *
 * The data's owner registers one source; members of one role may call the
 * federated_client_ functions on it, which read it as the owner and give back sums
 * and weights.  Nobody else may, and that role needs no other right than USAGE of
 * this schema.
 */

CREATE TABLE healthml.federation_membership (
	federation text PRIMARY KEY CHECK (federation <> ''),
	source text NOT NULL,
	target text NOT NULL,
	search_path text NOT NULL,
	secure_only boolean NOT NULL DEFAULT false,
	owner regrole NOT NULL,
	coordinator regrole NOT NULL,
	joined_at timestamptz NOT NULL DEFAULT now(),
	settings jsonb NOT NULL DEFAULT '{}',
	accept_as text,
	promote_accepted boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE healthml.federation_membership IS
'one row per federation that this server takes part in: the rows that it trains on, and who may ask';
COMMENT ON COLUMN healthml.federation_membership.search_path IS 'in force when the source is read, as it was when the owner joined';
COMMENT ON COLUMN healthml.federation_membership.settings IS
'settings that change what the source means (time zone, styles of dates, custom settings), as they were when the owner joined; in force when the source is read';
COMMENT ON COLUMN healthml.federation_membership.accept_as IS
'model that healthml.federated_publish of the coordinator may add versions to; null: none';
COMMENT ON COLUMN healthml.federation_membership.promote_accepted IS 'whether such a version becomes the champion';
COMMENT ON COLUMN healthml.federation_membership.secure_only IS 'whether updates leave this server only under masks';
COMMENT ON COLUMN healthml.federation_membership.owner IS 'role with whose rights the source is read';
COMMENT ON COLUMN healthml.federation_membership.coordinator IS
'role whose members may call the federated_client_ functions for this federation';
SELECT pg_catalog.pg_extension_config_dump('healthml.federation_membership', '');

/* Who may write the table must not be able to read with another one's rights, nor to end or replace what another one began. */
CREATE FUNCTION healthml.check_membership_owner() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF TG_OP <> 'INSERT' AND NOT pg_has_role(current_user, OLD.owner, 'MEMBER') THEN
		RAISE EXCEPTION 'role "%" cannot change the membership of "%" in federation "%"', current_user, OLD.owner, OLD.federation
			USING ERRCODE = 'insufficient_privilege';
	END IF;
	IF TG_OP = 'DELETE' THEN
		RETURN OLD;
	END IF;
	IF NOT pg_has_role(current_user, NEW.owner, 'MEMBER') THEN
		RAISE EXCEPTION 'role "%" cannot join a federation in the name of "%"', current_user, NEW.owner
			USING ERRCODE = 'insufficient_privilege';
	END IF;
	IF NEW.search_path ~* 'pg_temp' THEN
		RAISE EXCEPTION 'the search_path of a federation must not contain "pg_temp"'
			USING ERRCODE = 'invalid_parameter_value', DETAIL = 'The coordinator could make its own tables and functions there.';
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION healthml.check_membership_owner() IS
'trigger: refuses a membership in the name of another role, a change of one that another role owns, and one whose names the coordinator could capture';

CREATE TRIGGER check_membership_owner BEFORE INSERT OR UPDATE OR DELETE ON healthml.federation_membership
FOR EACH ROW EXECUTE FUNCTION healthml.check_membership_owner();

CREATE FUNCTION healthml.session_meaning() RETURNS jsonb
LANGUAGE C STABLE PARALLEL RESTRICTED COST 1000 AS 'MODULE_PATHNAME', 'healthml_session_meaning';
COMMENT ON FUNCTION healthml.session_meaning() IS
'settings of this session that change what the text of a query means: time zone, styles of dates and intervals, and custom settings of extensions and applications';

CREATE FUNCTION healthml.federated_client_hello(federation text) RETURNS text
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE COST 1000 AS 'MODULE_PATHNAME', 'healthml_federated_hello';
COMMENT ON FUNCTION healthml.federated_client_hello(text) IS
'for the coordinator: the version of healthml on this server, if it has joined the federation';

CREATE FUNCTION healthml.federated_client_summary(federation text, features text[]) RETURNS bytea
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE COST 10000 AS 'MODULE_PATHNAME', 'healthml_federated_summary';
COMMENT ON FUNCTION healthml.federated_client_summary(text, text[]) IS
'for the coordinator: counts, means, variances, quantiles from the 5th to the 95th percentile and category counts of the local rows, for healthml.federated_begin; refused below 20 rows, categories of fewer than 5 rows are left out';

CREATE FUNCTION healthml.federated_client_key(federation text, label text) RETURNS bytea
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE COST 1000 AS 'MODULE_PATHNAME', 'healthml_federated_key';
COMMENT ON FUNCTION healthml.federated_client_key(text, text) IS
'for the coordinator: a fresh public key (X25519, 32 bytes) of secure aggregation; the private one stays in this session, is bound to the label, and serves once';

CREATE TYPE healthml.federated_contribution AS (
	samples bigint,
	loss float8,
	norm float8,
	update real[],
	masked bytea
);
COMMENT ON TYPE healthml.federated_contribution IS
'what a client gives for a round: rows learnt from, their loss, the norm of its change of the weights before clipping, and that change, in the open or masked';

CREATE FUNCTION healthml.federated_client_train(federation text, artifact bytea, options jsonb DEFAULT '{}',
	peers bytea[] DEFAULT NULL) RETURNS healthml.federated_contribution
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 AS 'MODULE_PATHNAME', 'healthml_federated_train';
COMMENT ON FUNCTION healthml.federated_client_train(text, bytea, jsonb, bytea[]) IS
'for the coordinator: trains a copy of the global model on the local rows and gives the change of its weights; with the public keys of the other clients in "peers" it is quantised and masked, so that only the sum over all clients can be read';

CREATE FUNCTION healthml.federated_client_evaluate(federation text, artifact bytea, options jsonb DEFAULT '{}')
RETURNS bytea
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE COST 100000 AS 'MODULE_PATHNAME', 'healthml_federated_evaluate';
COMMENT ON FUNCTION healthml.federated_client_evaluate(text, bytea, jsonb) IS
'for the coordinator: counts over the rows that this client holds back, by class and thousandth of the score, for healthml.federated_report';

CREATE FUNCTION healthml.federated_client_accept(federation text, version integer, artifact bytea, metrics jsonb) RETURNS integer
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE COST 100000 AS 'MODULE_PATHNAME', 'healthml_federated_accept';
COMMENT ON FUNCTION healthml.federated_client_accept(text, integer, bytea, jsonb) IS
'for the coordinator: keeps the global model as a version of the model that the owner named with accept_as, in the owner''s name, and returns its number; the same bytes are kept once';

CREATE FUNCTION healthml.federated_join(federation text, source text, target text, coordinator regrole DEFAULT NULL,
	search_path text DEFAULT pg_catalog.current_setting('search_path'), secure_only boolean DEFAULT false,
	accept_as text DEFAULT NULL, promote_accepted boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	role regrole := coalesce(coordinator, to_regrole('healthml_coordinator'));
BEGIN
	PERFORM healthml.require_level('trainer');
	IF federation IS NULL OR source IS NULL OR target IS NULL OR search_path IS NULL OR secure_only IS NULL OR promote_accepted IS NULL THEN
		RAISE EXCEPTION 'only arguments "coordinator" and "accept_as" may be null' USING ERRCODE = 'null_value_not_allowed';
	END IF;
	IF role IS NULL THEN
		RAISE EXCEPTION 'there is no role for the coordinator' USING ERRCODE = 'undefined_object',
			HINT = 'Create one with CREATE ROLE healthml_coordinator LOGIN and GRANT USAGE ON SCHEMA healthml TO it, or name another one.';
	END IF;
	IF EXISTS (SELECT FROM healthml.federation_membership m WHERE m.federation = federated_join.federation) THEN
		RAISE EXCEPTION 'this server has already joined federation "%"', federation
			USING ERRCODE = 'duplicate_object', HINT = 'Leave it first with healthml.federated_leave.';
	END IF;
	INSERT INTO healthml.federation_membership (federation, source, target, search_path, secure_only, owner, coordinator, settings, accept_as, promote_accepted)
	VALUES (federation, source, target, search_path, secure_only, current_user::regrole, role, healthml.session_meaning(), accept_as, promote_accepted);
END
$$;
COMMENT ON FUNCTION healthml.federated_join(text, text, text, regrole, text, boolean, text, boolean) IS
'lets the rows of one source (a table, a view or one SELECT, read with the rights of the caller of this function) take part in a federation; only members of the role "coordinator", by default healthml_coordinator, may ask, and only for sums and weights; with secure_only it gets weights only under masks, in rounds of secure aggregation. With accept_as it may bring the global model back as versions of that model, which become its champion with promote_accepted';

CREATE FUNCTION healthml.federated_leave(federation text) RETURNS void
LANGUAGE plpgsql STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM healthml.require_level('trainer');
	DELETE FROM healthml.federation_membership m WHERE m.federation = federated_leave.federation;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'this server has not joined federation "%"', federation USING ERRCODE = 'undefined_object';
	END IF;
END
$$;
COMMENT ON FUNCTION healthml.federated_leave(text) IS 'ends what healthml.federated_join began';
