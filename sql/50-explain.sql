/* 50-explain.sql: reasons of a score. */

CREATE FUNCTION healthml.shap_explain(features record, model text DEFAULT 'heart_attack', top integer DEFAULT NULL)
RETURNS TABLE (rank integer, feature text, value float8, contribution float8, base_value float8)
LANGUAGE C STABLE PARALLEL SAFE COST 10000 ROWS 13 AS 'MODULE_PATHNAME', 'healthml_shap_explain';
CREATE FUNCTION healthml.shap_explain(features float8[], model text DEFAULT 'heart_attack', top integer DEFAULT NULL)
RETURNS TABLE (rank integer, feature text, value float8, contribution float8, base_value float8)
LANGUAGE C STABLE PARALLEL SAFE COST 10000 ROWS 13 AS 'MODULE_PATHNAME', 'healthml_shap_explain';
CREATE FUNCTION healthml.shap_explain(features jsonb, model text DEFAULT 'heart_attack', top integer DEFAULT NULL)
RETURNS TABLE (rank integer, feature text, value float8, contribution float8, base_value float8)
LANGUAGE C STABLE PARALLEL SAFE COST 10000 ROWS 13 AS 'MODULE_PATHNAME', 'healthml_shap_explain';
CREATE FUNCTION healthml.shap_explain(features record, artifact_id uuid, top integer DEFAULT NULL)
RETURNS TABLE (rank integer, feature text, value float8, contribution float8, base_value float8)
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000 ROWS 13 AS 'MODULE_PATHNAME', 'healthml_shap_explain';
CREATE FUNCTION healthml.shap_explain(features float8[], artifact_id uuid, top integer DEFAULT NULL)
RETURNS TABLE (rank integer, feature text, value float8, contribution float8, base_value float8)
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000 ROWS 13 AS 'MODULE_PATHNAME', 'healthml_shap_explain';
CREATE FUNCTION healthml.shap_explain(features jsonb, artifact_id uuid, top integer DEFAULT NULL)
RETURNS TABLE (rank integer, feature text, value float8, contribution float8, base_value float8)
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000 ROWS 13 AS 'MODULE_PATHNAME', 'healthml_shap_explain';

COMMENT ON FUNCTION healthml.shap_explain(record, text, integer) IS
'Shapley values of a row''s score, the strongest first; top limits their number. A positive contribution makes the row riskier; base_value + the sum of all contributions is the model''s margin (of an isolation forest -E[h]/c(psi), whose power of two is the score). value is the feature as it was given: NULL where it is missing, 0 or 1 for a boolean, the category''s number as in a float8[] argument for a text. Exact for forests (path-dependent TreeSHAP). No row for NULL features';
COMMENT ON FUNCTION healthml.shap_explain(float8[], text, integer) IS
'Shapley values of the score of an array of features, in the model''s order; as for a row';
COMMENT ON FUNCTION healthml.shap_explain(jsonb, text, integer) IS
'Shapley values of the score of a jsonb object of features; as for a row';
COMMENT ON FUNCTION healthml.shap_explain(record, uuid, integer) IS
'as with a model name, for one artifact';
COMMENT ON FUNCTION healthml.shap_explain(float8[], uuid, integer) IS
'as with a model name, for one artifact';
COMMENT ON FUNCTION healthml.shap_explain(jsonb, uuid, integer) IS
'as with a model name, for one artifact';

CREATE FUNCTION healthml.shap_summary(model text, source text)
RETURNS TABLE (rank integer, feature text, mean_absolute_contribution float8, mean_contribution float8, rows bigint)
LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 1000000 ROWS 13 AS 'MODULE_PATHNAME', 'healthml_shap_summary';
COMMENT ON FUNCTION healthml.shap_summary(text, text) IS
'how much each feature matters over a table, a view or one SELECT: the mean absolute Shapley value, the strongest first, the mean with its sign, and the number of rows';
