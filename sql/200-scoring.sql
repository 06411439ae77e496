/*
 * 200-scoring.sql: scoring with whatever model.  Scoring functions of one
 * algorithm lie in that algorithm's file.
 *
 * Each function has ten forms: features as a row, an array, jsonb, json or text (the
 * last two lie in 510-text-forms.sql), and the model as a name (STABLE: it depends on
 * the registry) or as an artifact id (IMMUTABLE: the same bytes always give the same
 * score).
 */

CREATE FUNCTION healthml.score(features record, model text DEFAULT 'heart_attack') RETURNS float8
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'healthml_score';
CREATE FUNCTION healthml.score(features float8[], model text DEFAULT 'heart_attack') RETURNS float8
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'healthml_score';
CREATE FUNCTION healthml.score(features jsonb, model text DEFAULT 'heart_attack') RETURNS float8
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_score';
CREATE FUNCTION healthml.score(features record, artifact_id uuid) RETURNS float8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'healthml_score';
CREATE FUNCTION healthml.score(features float8[], artifact_id uuid) RETURNS float8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'healthml_score';
CREATE FUNCTION healthml.score(features jsonb, artifact_id uuid) RETURNS float8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_score';

COMMENT ON FUNCTION healthml.score(record, text) IS
'score of a row by any model: 0 to 1 and 1 = most anomalous for a detector, the probability of the positive class for a classifier. Columns are matched by name, surplus ones ignored, a missing one is an error; NULL and NaN are missing values, imputed as the model has learnt; an infinite value is an error; a NULL row scores NULL';
COMMENT ON FUNCTION healthml.score(float8[], text) IS
'score of an array with one element per feature, in the order of healthml.versions.features; text features are category numbers';
COMMENT ON FUNCTION healthml.score(jsonb, text) IS
'score of a jsonb object with one key per feature; surplus keys are ignored, a missing one is an error, null is a missing value';
COMMENT ON FUNCTION healthml.score(record, uuid) IS
'as with a model name, for one artifact: immutable, so usable in indexes, generated columns and push-down';
COMMENT ON FUNCTION healthml.score(float8[], uuid) IS
'as with a model name, for one artifact: immutable, so usable in indexes, generated columns and push-down';
COMMENT ON FUNCTION healthml.score(jsonb, uuid) IS
'as with a model name, for one artifact: immutable, so usable in indexes, generated columns and push-down';

CREATE FUNCTION healthml.assess(features record, model text DEFAULT 'heart_attack') RETURNS healthml.assessment
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 120 AS 'MODULE_PATHNAME', 'healthml_assess';
CREATE FUNCTION healthml.assess(features float8[], model text DEFAULT 'heart_attack') RETURNS healthml.assessment
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 120 AS 'MODULE_PATHNAME', 'healthml_assess';
CREATE FUNCTION healthml.assess(features jsonb, model text DEFAULT 'heart_attack') RETURNS healthml.assessment
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 220 AS 'MODULE_PATHNAME', 'healthml_assess';
CREATE FUNCTION healthml.assess(features record, artifact_id uuid) RETURNS healthml.assessment
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 120 AS 'MODULE_PATHNAME', 'healthml_assess';
CREATE FUNCTION healthml.assess(features float8[], artifact_id uuid) RETURNS healthml.assessment
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 120 AS 'MODULE_PATHNAME', 'healthml_assess';
CREATE FUNCTION healthml.assess(features jsonb, artifact_id uuid) RETURNS healthml.assessment
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 220 AS 'MODULE_PATHNAME', 'healthml_assess';

COMMENT ON FUNCTION healthml.assess(record, text) IS
'score of a row and what it means: percentile among the training scores (0 to 100, NULL where the model has none), risk, whether it is an anomaly, the model version that says so, and the features that were missing. A row in which more is missing than max_missing has the risk unknown and is no anomaly. Features as for healthml.score';
COMMENT ON FUNCTION healthml.assess(float8[], text) IS
'score of an array of features, in the model''s order, and what it means';
COMMENT ON FUNCTION healthml.assess(jsonb, text) IS
'score of a jsonb object of features and what it means';
COMMENT ON FUNCTION healthml.assess(record, uuid) IS
'as with a model name, for one artifact; model and version are the oldest that has it, which a drop can change, so this is not immutable';
COMMENT ON FUNCTION healthml.assess(float8[], uuid) IS
'as with a model name, for one artifact; model and version are the oldest that has it, which a drop can change, so this is not immutable';
COMMENT ON FUNCTION healthml.assess(jsonb, uuid) IS
'as with a model name, for one artifact; model and version are the oldest that has it, which a drop can change, so this is not immutable';

CREATE FUNCTION healthml.session_status(OUT models bigint, OUT bytes bigint, OUT in_use bigint, OUT hits bigint,
	OUT loads bigint, OUT unseen_categories bigint)
LANGUAGE C VOLATILE PARALLEL RESTRICTED COST 10 AS 'MODULE_PATHNAME', 'healthml_session_status';
COMMENT ON FUNCTION healthml.session_status() IS
'what this session has done: models that it has loaded, their memory in bytes, how many a running query uses, how often a model was found or had to be loaded, and how many text values were met that training had not seen and so were taken as missing';
