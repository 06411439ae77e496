-- Robust averages of client updates: median, trimmed mean, Krum (Yin et al. 2018, Blanchard et al. 2017).

CREATE TYPE healthml.client_updates;

CREATE FUNCTION healthml.client_updates_in(cstring) RETURNS healthml.client_updates
  AS 'MODULE_PATHNAME', 'healthml_client_updates_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION healthml.client_updates_out(healthml.client_updates) RETURNS cstring
  AS 'MODULE_PATHNAME', 'healthml_client_updates_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION healthml.client_updates_recv(internal) RETURNS healthml.client_updates
  AS 'MODULE_PATHNAME', 'healthml_client_updates_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION healthml.client_updates_send(healthml.client_updates) RETURNS bytea
  AS 'MODULE_PATHNAME', 'healthml_client_updates_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION healthml.client_updates_in(cstring) IS 'input of healthml.client_updates';
COMMENT ON FUNCTION healthml.client_updates_out(healthml.client_updates) IS 'output of healthml.client_updates';
COMMENT ON FUNCTION healthml.client_updates_recv(internal) IS 'binary input of healthml.client_updates';
COMMENT ON FUNCTION healthml.client_updates_send(healthml.client_updates) IS 'binary output of healthml.client_updates';

CREATE TYPE healthml.client_updates (
  INPUT = healthml.client_updates_in,
  OUTPUT = healthml.client_updates_out,
  RECEIVE = healthml.client_updates_recv,
  SEND = healthml.client_updates_send,
  INTERNALLENGTH = VARIABLE,
  ALIGNMENT = double,
  STORAGE = extended
);
COMMENT ON TYPE healthml.client_updates IS
  'weight vectors of several clients with their numbers of samples: what the robust federated aggregates work on';

CREATE FUNCTION healthml.client_updates_combine(state healthml.client_updates, other healthml.client_updates)
  RETURNS healthml.client_updates
  AS 'MODULE_PATHNAME', 'healthml_client_updates_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION healthml.client_updates_combine(healthml.client_updates, healthml.client_updates) IS
  'combines two partial results of the robust federated aggregates';

CREATE FUNCTION healthml.fedmedian_accum(state healthml.client_updates, weights real[])
  RETURNS healthml.client_updates
  AS 'MODULE_PATHNAME', 'healthml_fedmedian_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION healthml.fedmedian_accum(healthml.client_updates, real[]) IS 'transition of healthml.fedmedian';
CREATE FUNCTION healthml.fedmedian_final(state healthml.client_updates) RETURNS real[]
  AS 'MODULE_PATHNAME', 'healthml_fedmedian_final' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION healthml.fedmedian_final(healthml.client_updates) IS 'result of healthml.fedmedian';
CREATE AGGREGATE healthml.fedmedian(weights real[]) (
  SFUNC = healthml.fedmedian_accum,
  STYPE = healthml.client_updates,
  COMBINEFUNC = healthml.client_updates_combine,
  FINALFUNC = healthml.fedmedian_final,
  FINALFUNC_MODIFY = READ_ONLY,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE healthml.fedmedian(real[]) IS
  'median of each weight over all updates, of an even number the mean of the middle two (Yin et al. 2018); updates count alike; vectors must be of one length and finite; rows with a null are skipped, no row gives null; holds all updates in memory';

CREATE FUNCTION healthml.fed_trimmed_mean_accum(state healthml.client_updates, weights real[], beta float8)
  RETURNS healthml.client_updates
  AS 'MODULE_PATHNAME', 'healthml_fed_trimmed_mean_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION healthml.fed_trimmed_mean_accum(healthml.client_updates, real[], float8) IS 'transition of healthml.fed_trimmed_mean';
CREATE FUNCTION healthml.fed_trimmed_mean_final(state healthml.client_updates) RETURNS real[]
  AS 'MODULE_PATHNAME', 'healthml_fed_trimmed_mean_final' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION healthml.fed_trimmed_mean_final(healthml.client_updates) IS 'result of healthml.fed_trimmed_mean';
CREATE AGGREGATE healthml.fed_trimmed_mean(weights real[], beta float8) (
  SFUNC = healthml.fed_trimmed_mean_accum,
  STYPE = healthml.client_updates,
  COMBINEFUNC = healthml.client_updates_combine,
  FINALFUNC = healthml.fed_trimmed_mean_final,
  FINALFUNC_MODIFY = READ_ONLY,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE healthml.fed_trimmed_mean(real[], float8) IS
  'mean of each weight without the floor(beta * n) smallest and as many largest of its n values, 0 <= beta < 0.5 (Yin et al. 2018); updates count alike; vectors must be of one length and finite; rows without weights are skipped, no row gives null; holds all updates in memory';

CREATE FUNCTION healthml.krum_accum(state healthml.client_updates, weights real[], malicious integer)
  RETURNS healthml.client_updates
  AS 'MODULE_PATHNAME', 'healthml_krum_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION healthml.krum_accum(healthml.client_updates, real[], integer) IS 'transition of healthml.krum';
CREATE FUNCTION healthml.krum_final(state healthml.client_updates) RETURNS real[]
  AS 'MODULE_PATHNAME', 'healthml_krum_final' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION healthml.krum_final(healthml.client_updates) IS 'result of healthml.krum and healthml.multi_krum';
CREATE AGGREGATE healthml.krum(weights real[], malicious integer) (
  SFUNC = healthml.krum_accum,
  STYPE = healthml.client_updates,
  COMBINEFUNC = healthml.client_updates_combine,
  FINALFUNC = healthml.krum_final,
  FINALFUNC_MODIFY = READ_ONLY,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE healthml.krum(real[], integer) IS
  'the update whose n - malicious - 2 nearest neighbours are nearest (Krum, Blanchard et al. 2017): survives that many malicious clients of n when n > 2 * malicious + 2; vectors must be of one length and finite; rows without weights are skipped, no row gives null; holds all updates in memory';

CREATE FUNCTION healthml.multi_krum_accum(state healthml.client_updates, weights real[], samples bigint, malicious integer, keep integer)
  RETURNS healthml.client_updates
  AS 'MODULE_PATHNAME', 'healthml_multi_krum_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION healthml.multi_krum_accum(healthml.client_updates, real[], bigint, integer, integer) IS 'transition of healthml.multi_krum';
CREATE AGGREGATE healthml.multi_krum(weights real[], samples bigint, malicious integer, keep integer) (
  SFUNC = healthml.multi_krum_accum,
  STYPE = healthml.client_updates,
  COMBINEFUNC = healthml.client_updates_combine,
  FINALFUNC = healthml.krum_final,
  FINALFUNC_MODIFY = READ_ONLY,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE healthml.multi_krum(real[], bigint, integer, integer) IS
  'average by samples of the "keep" updates with the lowest Krum score (multi-Krum, Blanchard et al. 2017); vectors must be of one length and finite, sample counts positive; rows without weights or samples are skipped, no row gives null; holds all updates in memory';
