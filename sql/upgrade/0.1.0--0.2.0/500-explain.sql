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

CREATE OR REPLACE VIEW healthml.common_feature (feature, label, unit, description, value_names, plausible_low, plausible_high) AS
VALUES
	('age', 'age', 'years', 'age of the patient', NULL::jsonb, 0::float8, 120::float8),
	('sex', 'sex', NULL, 'sex of the patient', NULL, NULL, NULL),
	('male', 'sex', NULL, 'whether the patient is a man', '{"0": "female", "1": "male"}', 0, 1),
	('chest_pain_type', 'chest pain', NULL, 'kind of chest pain', '{"1": "typical angina", "2": "atypical angina", "3": "non-anginal pain", "4": "none"}', 1, 4),
	('resting_bp', 'resting blood pressure', 'mmHg', 'systolic blood pressure on admission', NULL, 60, 260),
	('cholesterol', 'serum cholesterol', 'mg/dl', 'total cholesterol in serum', NULL, 60, 800),
	('high_fasting_sugar', 'fasting blood sugar above 120 mg/dl', NULL, 'whether fasting blood sugar is above 120 mg/dl', '{"0": "no", "1": "yes"}', 0, 1),
	('resting_ecg', 'resting ECG', NULL, 'finding of the electrocardiogram at rest', '{"0": "normal", "1": "ST-T wave abnormality", "2": "left ventricular hypertrophy"}', 0, 2),
	('max_heart_rate', 'maximum heart rate', '/min', 'highest heart rate in the exercise test', NULL, 50, 230),
	('exercise_angina', 'exercise-induced angina', NULL, 'whether exercise brings angina', '{"0": "no", "1": "yes"}', 0, 1),
	('st_depression', 'ST depression', 'mm', 'ST depression by exercise relative to rest', NULL, -5, 15),
	('st_slope', 'slope of the ST segment', NULL, 'slope of the ST segment at peak exercise', '{"1": "upsloping", "2": "flat", "3": "downsloping"}', 1, 3),
	('vessels', 'vessels coloured by fluoroscopy', NULL, 'major vessels coloured by fluoroscopy, 0 to 3', NULL, 0, 4),
	('thallium', 'thallium scan', NULL, 'result of the thallium stress test', '{"3": "normal", "6": "fixed defect", "7": "reversible defect"}', 3, 7),
	('heart_rate', 'heart rate', '/min', 'heart rate', NULL, 20, 250),
	('respiratory_rate', 'respiratory rate', '/min', 'respiratory rate', NULL, 4, 80),
	('spo2', 'oxygen saturation', '%', 'peripheral oxygen saturation', NULL, 40, 100),
	('systolic_bp', 'systolic blood pressure', 'mmHg', 'systolic blood pressure', NULL, 50, 260),
	('diastolic_bp', 'diastolic blood pressure', 'mmHg', 'diastolic blood pressure', NULL, 20, 160),
	('temperature', 'temperature', 'degrees Celsius', 'body temperature', NULL, 25, 45);
COMMENT ON VIEW healthml.common_feature IS
'words for features that many tables have, used where healthml.feature_dictionary has none, and where the median of the training, of named codes all values, lies between plausible_low and plausible_high (NULL: anywhere)';

ALTER TABLE healthml.feature_dictionary ADD COLUMN plausible_low float8, ADD COLUMN plausible_high float8,
	ADD COLUMN set_at timestamptz NOT NULL DEFAULT now(),
	ADD CONSTRAINT plausible_is_a_range CHECK (plausible_low < plausible_high);
COMMENT ON TABLE healthml.feature_dictionary IS
'how healthml.explain_text speaks of features: yours to edit. A row without a model is for every model; what is NULL is taken from healthml.common_feature, or is the name of the column; an empty label or unit is none. Words are for values from plausible_low to plausible_high (NULL: any): a model whose training has its median elsewhere, or where values have names any value, does not use them, of which the training gives notice';

CREATE FUNCTION healthml.check_dictionary_model() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM healthml.model m WHERE m.name = NEW.model) THEN
		RAISE EXCEPTION 'model "%" does not exist', NEW.model
			USING ERRCODE = 'undefined_object', HINT = 'The name is that of healthml.models, without an alias or a version.';
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION healthml.check_dictionary_model() IS
'trigger: refuses words for a model that does not exist';

/* A row that a restore brings was set earlier, and its model may come later. */
CREATE TRIGGER check_dictionary_insert BEFORE INSERT ON healthml.feature_dictionary
FOR EACH ROW WHEN (NEW.model IS NOT NULL AND NEW.set_at = now()) EXECUTE FUNCTION healthml.check_dictionary_model();
CREATE TRIGGER check_dictionary_update BEFORE UPDATE OF model ON healthml.feature_dictionary
FOR EACH ROW WHEN (NEW.model IS NOT NULL) EXECUTE FUNCTION healthml.check_dictionary_model();
