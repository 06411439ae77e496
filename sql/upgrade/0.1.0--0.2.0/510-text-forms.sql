/*
 * 510-text-forms.sql: new in 0.2.0, scoring and explaining with features as text or json.
 *
 * A driver that sends a parameter without a type, or as text or json, finds these
 * forms; a cast is not needed.  The text is a JSON object with one key per
 * feature, a JSON array or an array literal with one element per feature.
 */
CREATE FUNCTION healthml.score(features text, model text DEFAULT 'heart_attack') RETURNS float8
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_score';
CREATE FUNCTION healthml.score(features text, artifact_id uuid) RETURNS float8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_score';
CREATE FUNCTION healthml.score(features json, model text DEFAULT 'heart_attack') RETURNS float8
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_score';
CREATE FUNCTION healthml.score(features json, artifact_id uuid) RETURNS float8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_score';

COMMENT ON FUNCTION healthml.score(text, text) IS
'as for a row, of features written as a JSON object, a JSON array or an array literal such as {63,145,233}, arrays in the model''s order';
COMMENT ON FUNCTION healthml.score(json, text) IS 'as for jsonb';
COMMENT ON FUNCTION healthml.score(text, uuid) IS 'as with a model name, for one artifact';
COMMENT ON FUNCTION healthml.score(json, uuid) IS 'as with a model name, for one artifact';

CREATE FUNCTION healthml.assess(features text, model text DEFAULT 'heart_attack') RETURNS healthml.assessment
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 220 AS 'MODULE_PATHNAME', 'healthml_assess';
CREATE FUNCTION healthml.assess(features text, artifact_id uuid) RETURNS healthml.assessment
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 220 AS 'MODULE_PATHNAME', 'healthml_assess';
CREATE FUNCTION healthml.assess(features json, model text DEFAULT 'heart_attack') RETURNS healthml.assessment
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 220 AS 'MODULE_PATHNAME', 'healthml_assess';
CREATE FUNCTION healthml.assess(features json, artifact_id uuid) RETURNS healthml.assessment
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 220 AS 'MODULE_PATHNAME', 'healthml_assess';

COMMENT ON FUNCTION healthml.assess(text, text) IS
'as for a row, of features written as a JSON object, a JSON array or an array literal such as {63,145,233}, arrays in the model''s order';
COMMENT ON FUNCTION healthml.assess(json, text) IS 'as for jsonb';
COMMENT ON FUNCTION healthml.assess(text, uuid) IS 'as with a model name, for one artifact';
COMMENT ON FUNCTION healthml.assess(json, uuid) IS 'as with a model name, for one artifact';

CREATE FUNCTION healthml.iforest_score(features text, model text DEFAULT 'heart_attack') RETURNS float8
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_iforest_score';
CREATE FUNCTION healthml.iforest_score(features text, artifact_id uuid) RETURNS float8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_iforest_score';
CREATE FUNCTION healthml.iforest_score(features json, model text DEFAULT 'heart_attack') RETURNS float8
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_iforest_score';
CREATE FUNCTION healthml.iforest_score(features json, artifact_id uuid) RETURNS float8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_iforest_score';

COMMENT ON FUNCTION healthml.iforest_score(text, text) IS
'as for a row, of features written as a JSON object, a JSON array or an array literal such as {63,145,233}, arrays in the model''s order';
COMMENT ON FUNCTION healthml.iforest_score(json, text) IS 'as for jsonb';
COMMENT ON FUNCTION healthml.iforest_score(text, uuid) IS 'as with a model name, for one artifact';
COMMENT ON FUNCTION healthml.iforest_score(json, uuid) IS 'as with a model name, for one artifact';

CREATE FUNCTION healthml.mlp_predict(features text, model text) RETURNS float8
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_mlp_predict';
CREATE FUNCTION healthml.mlp_predict(features text, artifact_id uuid) RETURNS float8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_mlp_predict';
CREATE FUNCTION healthml.mlp_predict(features json, model text) RETURNS float8
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_mlp_predict';
CREATE FUNCTION healthml.mlp_predict(features json, artifact_id uuid) RETURNS float8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_mlp_predict';

COMMENT ON FUNCTION healthml.mlp_predict(text, text) IS
'as for a row, of features written as a JSON object, a JSON array or an array literal such as {63,145,233}, arrays in the model''s order';
COMMENT ON FUNCTION healthml.mlp_predict(json, text) IS 'as for jsonb';
COMMENT ON FUNCTION healthml.mlp_predict(text, uuid) IS 'as with a model name, for one artifact';
COMMENT ON FUNCTION healthml.mlp_predict(json, uuid) IS 'as with a model name, for one artifact';

CREATE FUNCTION healthml.autoencoder_score(features text, model text) RETURNS float8
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_autoencoder_score';
CREATE FUNCTION healthml.autoencoder_score(features text, artifact_id uuid) RETURNS float8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_autoencoder_score';
CREATE FUNCTION healthml.autoencoder_score(features json, model text) RETURNS float8
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_autoencoder_score';
CREATE FUNCTION healthml.autoencoder_score(features json, artifact_id uuid) RETURNS float8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_autoencoder_score';

COMMENT ON FUNCTION healthml.autoencoder_score(text, text) IS
'as for a row, of features written as a JSON object, a JSON array or an array literal such as {63,145,233}, arrays in the model''s order';
COMMENT ON FUNCTION healthml.autoencoder_score(json, text) IS 'as for jsonb';
COMMENT ON FUNCTION healthml.autoencoder_score(text, uuid) IS 'as with a model name, for one artifact';
COMMENT ON FUNCTION healthml.autoencoder_score(json, uuid) IS 'as with a model name, for one artifact';

CREATE FUNCTION healthml.reconstruction_explain(features text, model text)
RETURNS TABLE (rank integer, feature text, value float8, reconstruction float8, share float8)
LANGUAGE C STABLE PARALLEL SAFE COST 1000 ROWS 13 AS 'MODULE_PATHNAME', 'healthml_reconstruction_explain';
CREATE FUNCTION healthml.reconstruction_explain(features text, artifact_id uuid)
RETURNS TABLE (rank integer, feature text, value float8, reconstruction float8, share float8)
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 ROWS 13 AS 'MODULE_PATHNAME', 'healthml_reconstruction_explain';
CREATE FUNCTION healthml.reconstruction_explain(features json, model text)
RETURNS TABLE (rank integer, feature text, value float8, reconstruction float8, share float8)
LANGUAGE C STABLE PARALLEL SAFE COST 1000 ROWS 13 AS 'MODULE_PATHNAME', 'healthml_reconstruction_explain';
CREATE FUNCTION healthml.reconstruction_explain(features json, artifact_id uuid)
RETURNS TABLE (rank integer, feature text, value float8, reconstruction float8, share float8)
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 ROWS 13 AS 'MODULE_PATHNAME', 'healthml_reconstruction_explain';

COMMENT ON FUNCTION healthml.reconstruction_explain(text, text) IS
'as for a row, of features written as a JSON object, a JSON array or an array literal such as {63,145,233}, arrays in the model''s order';
COMMENT ON FUNCTION healthml.reconstruction_explain(json, text) IS 'as for jsonb';
COMMENT ON FUNCTION healthml.reconstruction_explain(text, uuid) IS 'as with a model name, for one artifact';
COMMENT ON FUNCTION healthml.reconstruction_explain(json, uuid) IS 'as with a model name, for one artifact';

CREATE FUNCTION healthml.predict_proba(features text, model text) RETURNS jsonb
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_predict_proba';
CREATE FUNCTION healthml.predict_proba(features text, artifact_id uuid) RETURNS jsonb
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_predict_proba';
CREATE FUNCTION healthml.predict_proba(features json, model text) RETURNS jsonb
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_predict_proba';
CREATE FUNCTION healthml.predict_proba(features json, artifact_id uuid) RETURNS jsonb
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_predict_proba';

COMMENT ON FUNCTION healthml.predict_proba(text, text) IS
'as for a row, of features written as a JSON object, a JSON array or an array literal such as {63,145,233}, arrays in the model''s order';
COMMENT ON FUNCTION healthml.predict_proba(json, text) IS 'as for jsonb';
COMMENT ON FUNCTION healthml.predict_proba(text, uuid) IS 'as with a model name, for one artifact';
COMMENT ON FUNCTION healthml.predict_proba(json, uuid) IS 'as with a model name, for one artifact';

CREATE FUNCTION healthml.predict_label(features text, model text) RETURNS text
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_predict_label';
CREATE FUNCTION healthml.predict_label(features text, artifact_id uuid) RETURNS text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_predict_label';
CREATE FUNCTION healthml.predict_label(features json, model text) RETURNS text
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_predict_label';
CREATE FUNCTION healthml.predict_label(features json, artifact_id uuid) RETURNS text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_predict_label';

COMMENT ON FUNCTION healthml.predict_label(text, text) IS
'as for a row, of features written as a JSON object, a JSON array or an array literal such as {63,145,233}, arrays in the model''s order';
COMMENT ON FUNCTION healthml.predict_label(json, text) IS 'as for jsonb';
COMMENT ON FUNCTION healthml.predict_label(text, uuid) IS 'as with a model name, for one artifact';
COMMENT ON FUNCTION healthml.predict_label(json, uuid) IS 'as with a model name, for one artifact';

CREATE FUNCTION healthml.shap_explain(features text, model text DEFAULT 'heart_attack', top bigint DEFAULT NULL)
RETURNS TABLE (rank integer, feature text, value float8, contribution float8, base_value float8)
LANGUAGE C STABLE PARALLEL SAFE COST 10000 ROWS 13 AS 'MODULE_PATHNAME', 'healthml_shap_explain';
CREATE FUNCTION healthml.shap_explain(features text, artifact_id uuid, top bigint DEFAULT NULL)
RETURNS TABLE (rank integer, feature text, value float8, contribution float8, base_value float8)
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000 ROWS 13 AS 'MODULE_PATHNAME', 'healthml_shap_explain';
CREATE FUNCTION healthml.shap_explain(features json, model text DEFAULT 'heart_attack', top bigint DEFAULT NULL)
RETURNS TABLE (rank integer, feature text, value float8, contribution float8, base_value float8)
LANGUAGE C STABLE PARALLEL SAFE COST 10000 ROWS 13 AS 'MODULE_PATHNAME', 'healthml_shap_explain';
CREATE FUNCTION healthml.shap_explain(features json, artifact_id uuid, top bigint DEFAULT NULL)
RETURNS TABLE (rank integer, feature text, value float8, contribution float8, base_value float8)
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000 ROWS 13 AS 'MODULE_PATHNAME', 'healthml_shap_explain';

COMMENT ON FUNCTION healthml.shap_explain(text, text, bigint) IS
'as for a row, of features written as a JSON object, a JSON array or an array literal such as {63,145,233}, arrays in the model''s order';
COMMENT ON FUNCTION healthml.shap_explain(json, text, bigint) IS 'as for jsonb';
COMMENT ON FUNCTION healthml.shap_explain(text, uuid, bigint) IS 'as with a model name, for one artifact';
COMMENT ON FUNCTION healthml.shap_explain(json, uuid, bigint) IS 'as with a model name, for one artifact';

CREATE FUNCTION healthml.gradient_explain(features text, model text, top bigint DEFAULT NULL)
RETURNS TABLE (rank integer, feature text, value float8, contribution float8, base_value float8)
LANGUAGE C STABLE PARALLEL SAFE COST 10000 ROWS 13 AS 'MODULE_PATHNAME', 'healthml_gradient_explain';
CREATE FUNCTION healthml.gradient_explain(features text, artifact_id uuid, top bigint DEFAULT NULL)
RETURNS TABLE (rank integer, feature text, value float8, contribution float8, base_value float8)
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000 ROWS 13 AS 'MODULE_PATHNAME', 'healthml_gradient_explain';
CREATE FUNCTION healthml.gradient_explain(features json, model text, top bigint DEFAULT NULL)
RETURNS TABLE (rank integer, feature text, value float8, contribution float8, base_value float8)
LANGUAGE C STABLE PARALLEL SAFE COST 10000 ROWS 13 AS 'MODULE_PATHNAME', 'healthml_gradient_explain';
CREATE FUNCTION healthml.gradient_explain(features json, artifact_id uuid, top bigint DEFAULT NULL)
RETURNS TABLE (rank integer, feature text, value float8, contribution float8, base_value float8)
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000 ROWS 13 AS 'MODULE_PATHNAME', 'healthml_gradient_explain';

COMMENT ON FUNCTION healthml.gradient_explain(text, text, bigint) IS
'as for a row, of features written as a JSON object, a JSON array or an array literal such as {63,145,233}, arrays in the model''s order';
COMMENT ON FUNCTION healthml.gradient_explain(json, text, bigint) IS 'as for jsonb';
COMMENT ON FUNCTION healthml.gradient_explain(text, uuid, bigint) IS 'as with a model name, for one artifact';
COMMENT ON FUNCTION healthml.gradient_explain(json, uuid, bigint) IS 'as with a model name, for one artifact';

CREATE FUNCTION healthml.explanation_quality(features text, model text, OUT method text, OUT base_value float8,
	OUT margin float8, OUT standard_error float8)
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10000 AS 'MODULE_PATHNAME', 'healthml_explanation_quality';
CREATE FUNCTION healthml.explanation_quality(features text, artifact_id uuid, OUT method text, OUT base_value float8,
	OUT margin float8, OUT standard_error float8)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10000 AS 'MODULE_PATHNAME', 'healthml_explanation_quality';
CREATE FUNCTION healthml.explanation_quality(features json, model text, OUT method text, OUT base_value float8,
	OUT margin float8, OUT standard_error float8)
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10000 AS 'MODULE_PATHNAME', 'healthml_explanation_quality';
CREATE FUNCTION healthml.explanation_quality(features json, artifact_id uuid, OUT method text, OUT base_value float8,
	OUT margin float8, OUT standard_error float8)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10000 AS 'MODULE_PATHNAME', 'healthml_explanation_quality';

COMMENT ON FUNCTION healthml.explanation_quality(text, text) IS
'as for a row, of features written as a JSON object, a JSON array or an array literal such as {63,145,233}, arrays in the model''s order';
COMMENT ON FUNCTION healthml.explanation_quality(json, text) IS 'as for jsonb';
COMMENT ON FUNCTION healthml.explanation_quality(text, uuid) IS 'as with a model name, for one artifact';
COMMENT ON FUNCTION healthml.explanation_quality(json, uuid) IS 'as with a model name, for one artifact';

CREATE FUNCTION healthml.explain_text(features text, model text DEFAULT 'heart_attack') RETURNS text
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 20000 AS 'MODULE_PATHNAME', 'healthml_explain_text';
CREATE FUNCTION healthml.explain_text(features text, artifact_id uuid) RETURNS text
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 20000 AS 'MODULE_PATHNAME', 'healthml_explain_text';
CREATE FUNCTION healthml.explain_text(features json, model text DEFAULT 'heart_attack') RETURNS text
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 20000 AS 'MODULE_PATHNAME', 'healthml_explain_text';
CREATE FUNCTION healthml.explain_text(features json, artifact_id uuid) RETURNS text
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 20000 AS 'MODULE_PATHNAME', 'healthml_explain_text';

COMMENT ON FUNCTION healthml.explain_text(text, text) IS
'as for a row, of features written as a JSON object, a JSON array or an array literal such as {63,145,233}, arrays in the model''s order';
COMMENT ON FUNCTION healthml.explain_text(json, text) IS 'as for jsonb';
COMMENT ON FUNCTION healthml.explain_text(text, uuid) IS 'as with a model name, for one artifact';
COMMENT ON FUNCTION healthml.explain_text(json, uuid) IS 'as with a model name, for one artifact';
