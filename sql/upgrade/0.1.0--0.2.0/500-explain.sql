/* 500-explain.sql: changes since 0.1.0. */

DROP FUNCTION healthml.shap_explain(record, text, integer);
DROP FUNCTION healthml.shap_explain(float8[], text, integer);
DROP FUNCTION healthml.shap_explain(jsonb, text, integer);
DROP FUNCTION healthml.shap_explain(record, uuid, integer);
DROP FUNCTION healthml.shap_explain(float8[], uuid, integer);
DROP FUNCTION healthml.shap_explain(jsonb, uuid, integer);

CREATE FUNCTION healthml.shap_explain(features record, model text DEFAULT 'heart_attack', top bigint DEFAULT NULL)
RETURNS TABLE (rank integer, feature text, value float8, contribution float8, base_value float8)
LANGUAGE C STABLE PARALLEL SAFE COST 10000 ROWS 13 AS 'MODULE_PATHNAME', 'healthml_shap_explain';
CREATE FUNCTION healthml.shap_explain(features float8[], model text DEFAULT 'heart_attack', top bigint DEFAULT NULL)
RETURNS TABLE (rank integer, feature text, value float8, contribution float8, base_value float8)
LANGUAGE C STABLE PARALLEL SAFE COST 10000 ROWS 13 AS 'MODULE_PATHNAME', 'healthml_shap_explain';
CREATE FUNCTION healthml.shap_explain(features jsonb, model text DEFAULT 'heart_attack', top bigint DEFAULT NULL)
RETURNS TABLE (rank integer, feature text, value float8, contribution float8, base_value float8)
LANGUAGE C STABLE PARALLEL SAFE COST 10000 ROWS 13 AS 'MODULE_PATHNAME', 'healthml_shap_explain';
CREATE FUNCTION healthml.shap_explain(features record, artifact_id uuid, top bigint DEFAULT NULL)
RETURNS TABLE (rank integer, feature text, value float8, contribution float8, base_value float8)
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000 ROWS 13 AS 'MODULE_PATHNAME', 'healthml_shap_explain';
CREATE FUNCTION healthml.shap_explain(features float8[], artifact_id uuid, top bigint DEFAULT NULL)
RETURNS TABLE (rank integer, feature text, value float8, contribution float8, base_value float8)
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000 ROWS 13 AS 'MODULE_PATHNAME', 'healthml_shap_explain';
CREATE FUNCTION healthml.shap_explain(features jsonb, artifact_id uuid, top bigint DEFAULT NULL)
RETURNS TABLE (rank integer, feature text, value float8, contribution float8, base_value float8)
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000 ROWS 13 AS 'MODULE_PATHNAME', 'healthml_shap_explain';

COMMENT ON FUNCTION healthml.shap_explain(record, text, bigint) IS
'Shapley values of a row''s score, the strongest first; top limits their number. A positive contribution makes the row riskier; base_value + the sum of all contributions is the model''s margin (of an isolation forest -E[h]/c(psi), whose power of two is the score). value is the feature as it was given: NULL where it is missing, 0 or 1 for a boolean, the category''s number as in a float8[] argument for a text. Exact for forests (path-dependent TreeSHAP); of other models exact where that costs little, else sampled, as the parameters explain_method and explain_samples of the training say; healthml.explanation_quality reports which. Of a network the margin is the score itself, or of several classes without an alarm the probability of the predicted one. No row for NULL features';
COMMENT ON FUNCTION healthml.shap_explain(float8[], text, bigint) IS
'Shapley values of the score of an array of features, in the model''s order; as for a row';
COMMENT ON FUNCTION healthml.shap_explain(jsonb, text, bigint) IS
'Shapley values of the score of a jsonb object of features; as for a row';
COMMENT ON FUNCTION healthml.shap_explain(record, uuid, bigint) IS
'as with a model name, for one artifact';
COMMENT ON FUNCTION healthml.shap_explain(float8[], uuid, bigint) IS
'as with a model name, for one artifact';
COMMENT ON FUNCTION healthml.shap_explain(jsonb, uuid, bigint) IS
'as with a model name, for one artifact';

DROP FUNCTION healthml.gradient_explain(record, text, integer);
DROP FUNCTION healthml.gradient_explain(float8[], text, integer);
DROP FUNCTION healthml.gradient_explain(jsonb, text, integer);
DROP FUNCTION healthml.gradient_explain(record, uuid, integer);
DROP FUNCTION healthml.gradient_explain(float8[], uuid, integer);
DROP FUNCTION healthml.gradient_explain(jsonb, uuid, integer);

CREATE FUNCTION healthml.gradient_explain(features record, model text, top bigint DEFAULT NULL)
RETURNS TABLE (rank integer, feature text, value float8, contribution float8, base_value float8)
LANGUAGE C STABLE PARALLEL SAFE COST 10000 ROWS 13 AS 'MODULE_PATHNAME', 'healthml_gradient_explain';
CREATE FUNCTION healthml.gradient_explain(features float8[], model text, top bigint DEFAULT NULL)
RETURNS TABLE (rank integer, feature text, value float8, contribution float8, base_value float8)
LANGUAGE C STABLE PARALLEL SAFE COST 10000 ROWS 13 AS 'MODULE_PATHNAME', 'healthml_gradient_explain';
CREATE FUNCTION healthml.gradient_explain(features jsonb, model text, top bigint DEFAULT NULL)
RETURNS TABLE (rank integer, feature text, value float8, contribution float8, base_value float8)
LANGUAGE C STABLE PARALLEL SAFE COST 10000 ROWS 13 AS 'MODULE_PATHNAME', 'healthml_gradient_explain';
CREATE FUNCTION healthml.gradient_explain(features record, artifact_id uuid, top bigint DEFAULT NULL)
RETURNS TABLE (rank integer, feature text, value float8, contribution float8, base_value float8)
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000 ROWS 13 AS 'MODULE_PATHNAME', 'healthml_gradient_explain';
CREATE FUNCTION healthml.gradient_explain(features float8[], artifact_id uuid, top bigint DEFAULT NULL)
RETURNS TABLE (rank integer, feature text, value float8, contribution float8, base_value float8)
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000 ROWS 13 AS 'MODULE_PATHNAME', 'healthml_gradient_explain';
CREATE FUNCTION healthml.gradient_explain(features jsonb, artifact_id uuid, top bigint DEFAULT NULL)
RETURNS TABLE (rank integer, feature text, value float8, contribution float8, base_value float8)
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000 ROWS 13 AS 'MODULE_PATHNAME', 'healthml_gradient_explain';

COMMENT ON FUNCTION healthml.gradient_explain(record, text, bigint) IS
'integrated gradients (Sundararajan et al. 2017) of the score of a model with neural networks, the strongest first; top limits their number. base_value is the score of the mean of the model''s background rows (for heart sounds, the logit of the mean of the training recordings), and base_value + the sum of all contributions is the score, up to the error of the numeric integral. Costs the same for any number of features; columns as for healthml.shap_explain';
COMMENT ON FUNCTION healthml.gradient_explain(float8[], text, bigint) IS 'as for a row';
COMMENT ON FUNCTION healthml.gradient_explain(jsonb, text, bigint) IS 'as for a row';
COMMENT ON FUNCTION healthml.gradient_explain(record, uuid, bigint) IS 'as with a model name, for one artifact';
COMMENT ON FUNCTION healthml.gradient_explain(float8[], uuid, bigint) IS 'as with a model name, for one artifact';
COMMENT ON FUNCTION healthml.gradient_explain(jsonb, uuid, bigint) IS 'as with a model name, for one artifact';
