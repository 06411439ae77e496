/* 230-autoencoder.sql: anomalies by reconstruction error. */

CREATE FUNCTION healthml.autoencoder_score(features record, model text) RETURNS float8
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'healthml_autoencoder_score';
CREATE FUNCTION healthml.autoencoder_score(features float8[], model text) RETURNS float8
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'healthml_autoencoder_score';
CREATE FUNCTION healthml.autoencoder_score(features jsonb, model text) RETURNS float8
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_autoencoder_score';
CREATE FUNCTION healthml.autoencoder_score(features record, artifact_id uuid) RETURNS float8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'healthml_autoencoder_score';
CREATE FUNCTION healthml.autoencoder_score(features float8[], artifact_id uuid) RETURNS float8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'healthml_autoencoder_score';
CREATE FUNCTION healthml.autoencoder_score(features jsonb, artifact_id uuid) RETURNS float8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_autoencoder_score';

COMMENT ON FUNCTION healthml.autoencoder_score(record, text) IS
'reconstruction error of a row by an autoencoder, turned to 0..1 by the training distribution: error / (error + e), where e is the error that 95 of 100 training rows stay below, so that 0.5 is unusual. Features as for healthml.score';
COMMENT ON FUNCTION healthml.autoencoder_score(float8[], text) IS 'as for a row, for an array of features in the model''s order';
COMMENT ON FUNCTION healthml.autoencoder_score(jsonb, text) IS 'as for a row, for a jsonb object of features';
COMMENT ON FUNCTION healthml.autoencoder_score(record, uuid) IS
'as with a model name, for one artifact: immutable, so usable in indexes, generated columns and push-down';
COMMENT ON FUNCTION healthml.autoencoder_score(float8[], uuid) IS
'as with a model name, for one artifact: immutable, so usable in indexes, generated columns and push-down';
COMMENT ON FUNCTION healthml.autoencoder_score(jsonb, uuid) IS
'as with a model name, for one artifact: immutable, so usable in indexes, generated columns and push-down';

CREATE FUNCTION healthml.reconstruction_explain(features record, model text)
RETURNS TABLE (rank integer, feature text, value float8, reconstruction float8, share float8)
LANGUAGE C STABLE PARALLEL SAFE COST 1000 ROWS 13 AS 'MODULE_PATHNAME', 'healthml_reconstruction_explain';
CREATE FUNCTION healthml.reconstruction_explain(features float8[], model text)
RETURNS TABLE (rank integer, feature text, value float8, reconstruction float8, share float8)
LANGUAGE C STABLE PARALLEL SAFE COST 1000 ROWS 13 AS 'MODULE_PATHNAME', 'healthml_reconstruction_explain';
CREATE FUNCTION healthml.reconstruction_explain(features jsonb, model text)
RETURNS TABLE (rank integer, feature text, value float8, reconstruction float8, share float8)
LANGUAGE C STABLE PARALLEL SAFE COST 1000 ROWS 13 AS 'MODULE_PATHNAME', 'healthml_reconstruction_explain';
CREATE FUNCTION healthml.reconstruction_explain(features record, artifact_id uuid)
RETURNS TABLE (rank integer, feature text, value float8, reconstruction float8, share float8)
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 ROWS 13 AS 'MODULE_PATHNAME', 'healthml_reconstruction_explain';
CREATE FUNCTION healthml.reconstruction_explain(features float8[], artifact_id uuid)
RETURNS TABLE (rank integer, feature text, value float8, reconstruction float8, share float8)
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 ROWS 13 AS 'MODULE_PATHNAME', 'healthml_reconstruction_explain';
CREATE FUNCTION healthml.reconstruction_explain(features jsonb, artifact_id uuid)
RETURNS TABLE (rank integer, feature text, value float8, reconstruction float8, share float8)
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 ROWS 13 AS 'MODULE_PATHNAME', 'healthml_reconstruction_explain';

COMMENT ON FUNCTION healthml.reconstruction_explain(record, text) IS
'each feature''s share of an autoencoder''s reconstruction error, the largest first; shares add up to 1. value is the feature as it was given (NULL where it is missing, the category''s number for a text), reconstruction what the network makes of the row. No row for NULL features';
COMMENT ON FUNCTION healthml.reconstruction_explain(float8[], text) IS 'as for a row';
COMMENT ON FUNCTION healthml.reconstruction_explain(jsonb, text) IS 'as for a row';
COMMENT ON FUNCTION healthml.reconstruction_explain(record, uuid) IS 'as with a model name, for one artifact';
COMMENT ON FUNCTION healthml.reconstruction_explain(float8[], uuid) IS 'as with a model name, for one artifact';
COMMENT ON FUNCTION healthml.reconstruction_explain(jsonb, uuid) IS 'as with a model name, for one artifact';
