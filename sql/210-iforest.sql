/* 210-iforest.sql: the isolation forest. */

CREATE FUNCTION healthml.iforest_score(features record, model text DEFAULT 'heart_attack') RETURNS float8
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'healthml_iforest_score';
CREATE FUNCTION healthml.iforest_score(features float8[], model text DEFAULT 'heart_attack') RETURNS float8
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'healthml_iforest_score';
CREATE FUNCTION healthml.iforest_score(features jsonb, model text DEFAULT 'heart_attack') RETURNS float8
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_iforest_score';
CREATE FUNCTION healthml.iforest_score(features record, artifact_id uuid) RETURNS float8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'healthml_iforest_score';
CREATE FUNCTION healthml.iforest_score(features float8[], artifact_id uuid) RETURNS float8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'healthml_iforest_score';
CREATE FUNCTION healthml.iforest_score(features jsonb, artifact_id uuid) RETURNS float8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_iforest_score';

COMMENT ON FUNCTION healthml.iforest_score(record, text) IS
'anomaly score of a row by an isolation forest, 2^(-E[h]/c(psi)): 0 to 1, about 0.5 for an ordinary row, 1 = most anomalous (Liu, Ting, Zhou 2008). Features as for healthml.score';
COMMENT ON FUNCTION healthml.iforest_score(float8[], text) IS
'anomaly score of an array of features, in the model''s order, by an isolation forest: 0 to 1, 1 = most anomalous';
COMMENT ON FUNCTION healthml.iforest_score(jsonb, text) IS
'anomaly score of a jsonb object of features by an isolation forest: 0 to 1, 1 = most anomalous';
COMMENT ON FUNCTION healthml.iforest_score(record, uuid) IS
'as with a model name, for one artifact: immutable, so usable in indexes, generated columns and push-down';
COMMENT ON FUNCTION healthml.iforest_score(float8[], uuid) IS
'as with a model name, for one artifact: immutable, so usable in indexes, generated columns and push-down';
COMMENT ON FUNCTION healthml.iforest_score(jsonb, uuid) IS
'as with a model name, for one artifact: immutable, so usable in indexes, generated columns and push-down';

CREATE FUNCTION healthml.import_iforest(model text, forest jsonb) RETURNS healthml.training_result
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE COST 100000 AS 'MODULE_PATHNAME', 'healthml_import_iforest';
COMMENT ON FUNCTION healthml.import_iforest(text, jsonb) IS
'makes a new version of a model from an isolation forest that was trained elsewhere, such as with scikit-learn; docs/how-to-import-a-forest.md describes the format healthml-iforest/1. There is no calibration: percentile is NULL, and is_anomaly is score > -offset';
