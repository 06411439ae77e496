/* 260-ocsvm.sql: new since 0.1.0: the one-class support-vector machine. */

CREATE FUNCTION healthml.ocsvm_score(features record, model text) RETURNS float8
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'healthml_ocsvm_score';
CREATE FUNCTION healthml.ocsvm_score(features float8[], model text) RETURNS float8
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'healthml_ocsvm_score';
CREATE FUNCTION healthml.ocsvm_score(features jsonb, model text) RETURNS float8
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_ocsvm_score';
CREATE FUNCTION healthml.ocsvm_score(features text, model text) RETURNS float8
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_ocsvm_score';
CREATE FUNCTION healthml.ocsvm_score(features json, model text) RETURNS float8
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_ocsvm_score';
CREATE FUNCTION healthml.ocsvm_score(features record, artifact_id uuid) RETURNS float8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'healthml_ocsvm_score';
CREATE FUNCTION healthml.ocsvm_score(features float8[], artifact_id uuid) RETURNS float8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'healthml_ocsvm_score';
CREATE FUNCTION healthml.ocsvm_score(features jsonb, artifact_id uuid) RETURNS float8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_ocsvm_score';
CREATE FUNCTION healthml.ocsvm_score(features text, artifact_id uuid) RETURNS float8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_ocsvm_score';
CREATE FUNCTION healthml.ocsvm_score(features json, artifact_id uuid) RETURNS float8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_ocsvm_score';

COMMENT ON FUNCTION healthml.ocsvm_score(record, text) IS
'anomaly score of a row by a one-class support-vector machine: 1 / (1 + exp(decision / s)), where s is the standard deviation of the decisions in training; 0.5 is the boundary, 1 = most anomalous. Features as for healthml.score';
COMMENT ON FUNCTION healthml.ocsvm_score(float8[], text) IS 'as for a row, for an array of features in the model''s order';
COMMENT ON FUNCTION healthml.ocsvm_score(jsonb, text) IS 'as for a row, for a jsonb object of features';
COMMENT ON FUNCTION healthml.ocsvm_score(text, text) IS 'as for a row, for a JSON object of features, or an array of them in the model''s order';
COMMENT ON FUNCTION healthml.ocsvm_score(json, text) IS 'as for a row, for a JSON object of features, or an array of them in the model''s order';
COMMENT ON FUNCTION healthml.ocsvm_score(record, uuid) IS
'as with a model name, for one artifact: immutable, so usable in indexes, generated columns and push-down';
COMMENT ON FUNCTION healthml.ocsvm_score(float8[], uuid) IS
'as with a model name, for one artifact: immutable, so usable in indexes, generated columns and push-down';
COMMENT ON FUNCTION healthml.ocsvm_score(jsonb, uuid) IS
'as with a model name, for one artifact: immutable, so usable in indexes, generated columns and push-down';
COMMENT ON FUNCTION healthml.ocsvm_score(text, uuid) IS
'as with a model name, for one artifact: immutable, so usable in indexes, generated columns and push-down';
COMMENT ON FUNCTION healthml.ocsvm_score(json, uuid) IS
'as with a model name, for one artifact: immutable, so usable in indexes, generated columns and push-down';

CREATE FUNCTION healthml.ocsvm_decision(features record, model text) RETURNS float8
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'healthml_ocsvm_decision';
CREATE FUNCTION healthml.ocsvm_decision(features float8[], model text) RETURNS float8
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'healthml_ocsvm_decision';
CREATE FUNCTION healthml.ocsvm_decision(features jsonb, model text) RETURNS float8
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_ocsvm_decision';
CREATE FUNCTION healthml.ocsvm_decision(features text, model text) RETURNS float8
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_ocsvm_decision';
CREATE FUNCTION healthml.ocsvm_decision(features json, model text) RETURNS float8
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_ocsvm_decision';
CREATE FUNCTION healthml.ocsvm_decision(features record, artifact_id uuid) RETURNS float8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'healthml_ocsvm_decision';
CREATE FUNCTION healthml.ocsvm_decision(features float8[], artifact_id uuid) RETURNS float8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'healthml_ocsvm_decision';
CREATE FUNCTION healthml.ocsvm_decision(features jsonb, artifact_id uuid) RETURNS float8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_ocsvm_decision';
CREATE FUNCTION healthml.ocsvm_decision(features text, artifact_id uuid) RETURNS float8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_ocsvm_decision';
CREATE FUNCTION healthml.ocsvm_decision(features json, artifact_id uuid) RETURNS float8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_ocsvm_decision';

COMMENT ON FUNCTION healthml.ocsvm_decision(record, text) IS
'decision of a one-class support-vector machine as libsvm and scikit-learn (decision_function) define it: positive inside the region of normal rows, negative outside. Features as for healthml.score';
COMMENT ON FUNCTION healthml.ocsvm_decision(float8[], text) IS 'as for a row, for an array of features in the model''s order';
COMMENT ON FUNCTION healthml.ocsvm_decision(jsonb, text) IS 'as for a row, for a jsonb object of features';
COMMENT ON FUNCTION healthml.ocsvm_decision(text, text) IS 'as for a row, for a JSON object of features, or an array of them in the model''s order';
COMMENT ON FUNCTION healthml.ocsvm_decision(json, text) IS 'as for a row, for a JSON object of features, or an array of them in the model''s order';
COMMENT ON FUNCTION healthml.ocsvm_decision(record, uuid) IS
'as with a model name, for one artifact: immutable, so usable in indexes, generated columns and push-down';
COMMENT ON FUNCTION healthml.ocsvm_decision(float8[], uuid) IS
'as with a model name, for one artifact: immutable, so usable in indexes, generated columns and push-down';
COMMENT ON FUNCTION healthml.ocsvm_decision(jsonb, uuid) IS
'as with a model name, for one artifact: immutable, so usable in indexes, generated columns and push-down';
COMMENT ON FUNCTION healthml.ocsvm_decision(text, uuid) IS
'as with a model name, for one artifact: immutable, so usable in indexes, generated columns and push-down';
COMMENT ON FUNCTION healthml.ocsvm_decision(json, uuid) IS
'as with a model name, for one artifact: immutable, so usable in indexes, generated columns and push-down';
