/* 220-mlp.sql: the multilayer perceptron. */

CREATE FUNCTION healthml.mlp_predict(features record, model text) RETURNS float8
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'healthml_mlp_predict';
CREATE FUNCTION healthml.mlp_predict(features float8[], model text) RETURNS float8
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'healthml_mlp_predict';
CREATE FUNCTION healthml.mlp_predict(features jsonb, model text) RETURNS float8
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_mlp_predict';
CREATE FUNCTION healthml.mlp_predict(features record, artifact_id uuid) RETURNS float8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'healthml_mlp_predict';
CREATE FUNCTION healthml.mlp_predict(features float8[], artifact_id uuid) RETURNS float8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'healthml_mlp_predict';
CREATE FUNCTION healthml.mlp_predict(features jsonb, artifact_id uuid) RETURNS float8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_mlp_predict';

COMMENT ON FUNCTION healthml.mlp_predict(record, text) IS
'prediction of a multilayer perceptron for a row: the probability of the positive class, of the most likely class where there are more than two, or the value where the target was one. Features as for healthml.score';
COMMENT ON FUNCTION healthml.mlp_predict(float8[], text) IS
'prediction of a multilayer perceptron for an array of features, in the model''s order';
COMMENT ON FUNCTION healthml.mlp_predict(jsonb, text) IS
'prediction of a multilayer perceptron for a jsonb object of features';
COMMENT ON FUNCTION healthml.mlp_predict(record, uuid) IS
'as with a model name, for one artifact: immutable, so usable in indexes, generated columns and push-down';
COMMENT ON FUNCTION healthml.mlp_predict(float8[], uuid) IS
'as with a model name, for one artifact: immutable, so usable in indexes, generated columns and push-down';
COMMENT ON FUNCTION healthml.mlp_predict(jsonb, uuid) IS
'as with a model name, for one artifact: immutable, so usable in indexes, generated columns and push-down';
