-- Averages of weight vectors: federated averaging (McMahan et al. 2017).

CREATE TYPE healthml.fedavg_state;

CREATE FUNCTION healthml.fedavg_state_in(cstring) RETURNS healthml.fedavg_state
  AS 'MODULE_PATHNAME', 'healthml_fedavg_state_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION healthml.fedavg_state_out(healthml.fedavg_state) RETURNS cstring
  AS 'MODULE_PATHNAME', 'healthml_fedavg_state_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION healthml.fedavg_state_recv(internal) RETURNS healthml.fedavg_state
  AS 'MODULE_PATHNAME', 'healthml_fedavg_state_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION healthml.fedavg_state_send(healthml.fedavg_state) RETURNS bytea
  AS 'MODULE_PATHNAME', 'healthml_fedavg_state_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION healthml.fedavg_state_in(cstring) IS 'input of healthml.fedavg_state';
COMMENT ON FUNCTION healthml.fedavg_state_out(healthml.fedavg_state) IS 'output of healthml.fedavg_state';
COMMENT ON FUNCTION healthml.fedavg_state_recv(internal) IS 'binary input of healthml.fedavg_state';
COMMENT ON FUNCTION healthml.fedavg_state_send(healthml.fedavg_state) IS 'binary output of healthml.fedavg_state';

CREATE TYPE healthml.fedavg_state (
  INPUT = healthml.fedavg_state_in,
  OUTPUT = healthml.fedavg_state_out,
  RECEIVE = healthml.fedavg_state_recv,
  SEND = healthml.fedavg_state_send,
  INTERNALLENGTH = VARIABLE,
  ALIGNMENT = double,
  STORAGE = extended
);
COMMENT ON TYPE healthml.fedavg_state IS
  'partial result of healthml.fedavg: the weighted sum of some updates and their number of samples';

CREATE FUNCTION healthml.fedavg_accum(state healthml.fedavg_state, weights real[], samples bigint)
  RETURNS healthml.fedavg_state
  AS 'MODULE_PATHNAME', 'healthml_fedavg_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION healthml.fedavg_accum(state healthml.fedavg_state, weights float8[], samples bigint)
  RETURNS healthml.fedavg_state
  AS 'MODULE_PATHNAME', 'healthml_fedavg_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION healthml.fedavg_combine(state healthml.fedavg_state, other healthml.fedavg_state)
  RETURNS healthml.fedavg_state
  AS 'MODULE_PATHNAME', 'healthml_fedavg_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION healthml.fedavg_final_real(state healthml.fedavg_state) RETURNS real[]
  AS 'MODULE_PATHNAME', 'healthml_fedavg_final_real' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION healthml.fedavg_final_float8(state healthml.fedavg_state) RETURNS float8[]
  AS 'MODULE_PATHNAME', 'healthml_fedavg_final_float8' LANGUAGE C IMMUTABLE PARALLEL SAFE;

COMMENT ON FUNCTION healthml.fedavg_accum(healthml.fedavg_state, real[], bigint) IS
  'transition of healthml.fedavg(real[], bigint)';
COMMENT ON FUNCTION healthml.fedavg_accum(healthml.fedavg_state, float8[], bigint) IS
  'transition of healthml.fedavg(float8[], bigint)';
COMMENT ON FUNCTION healthml.fedavg_combine(healthml.fedavg_state, healthml.fedavg_state) IS
  'combines two partial results of healthml.fedavg';
COMMENT ON FUNCTION healthml.fedavg_final_real(healthml.fedavg_state) IS 'result of healthml.fedavg(real[], bigint)';
COMMENT ON FUNCTION healthml.fedavg_final_float8(healthml.fedavg_state) IS
  'result of healthml.fedavg(float8[], bigint)';

CREATE AGGREGATE healthml.fedavg(weights real[], samples bigint) (
  SFUNC = healthml.fedavg_accum,
  STYPE = healthml.fedavg_state,
  COMBINEFUNC = healthml.fedavg_combine,
  FINALFUNC = healthml.fedavg_final_real,
  FINALFUNC_MODIFY = READ_ONLY,
  PARALLEL = SAFE
);
CREATE AGGREGATE healthml.fedavg(weights float8[], samples bigint) (
  SFUNC = healthml.fedavg_accum,
  STYPE = healthml.fedavg_state,
  COMBINEFUNC = healthml.fedavg_combine,
  FINALFUNC = healthml.fedavg_final_float8,
  FINALFUNC_MODIFY = READ_ONLY,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE healthml.fedavg(real[], bigint) IS
  'average of weight vectors, each weighted by its number of samples (FedAvg, McMahan et al. 2017); vectors must be of one length and finite, sample counts positive; rows with a null are skipped, no row gives null; the result does not depend on the order of rows';
COMMENT ON AGGREGATE healthml.fedavg(float8[], bigint) IS
  'average of weight vectors in double precision, each weighted by its number of samples (FedAvg, McMahan et al. 2017); vectors must be of one length and finite, sample counts positive; rows with a null are skipped, no row gives null';
