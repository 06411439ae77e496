/* 240-networks.sql: neural networks: predictions, what a network is made of, loss curves. */

CREATE FUNCTION healthml.predict_proba(features record, model text) RETURNS jsonb
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'healthml_predict_proba';
CREATE FUNCTION healthml.predict_proba(features float8[], model text) RETURNS jsonb
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'healthml_predict_proba';
CREATE FUNCTION healthml.predict_proba(features jsonb, model text) RETURNS jsonb
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_predict_proba';
CREATE FUNCTION healthml.predict_proba(features record, artifact_id uuid) RETURNS jsonb
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'healthml_predict_proba';
CREATE FUNCTION healthml.predict_proba(features float8[], artifact_id uuid) RETURNS jsonb
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'healthml_predict_proba';
CREATE FUNCTION healthml.predict_proba(features jsonb, artifact_id uuid) RETURNS jsonb
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_predict_proba';

COMMENT ON FUNCTION healthml.predict_proba(record, text) IS
'probabilities of all classes by a classifier, as {"class": probability, ...}. Features as for healthml.score';
COMMENT ON FUNCTION healthml.predict_proba(float8[], text) IS 'as with a row, for an array of features in the model''s order';
COMMENT ON FUNCTION healthml.predict_proba(jsonb, text) IS 'as with a row, for a jsonb object of features';
COMMENT ON FUNCTION healthml.predict_proba(record, uuid) IS
'as with a model name, for one artifact: immutable, so usable in indexes, generated columns and push-down';
COMMENT ON FUNCTION healthml.predict_proba(float8[], uuid) IS
'as with a model name, for one artifact: immutable, so usable in indexes, generated columns and push-down';
COMMENT ON FUNCTION healthml.predict_proba(jsonb, uuid) IS
'as with a model name, for one artifact: immutable, so usable in indexes, generated columns and push-down';

CREATE FUNCTION healthml.predict_label(features record, model text) RETURNS text
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'healthml_predict_label';
CREATE FUNCTION healthml.predict_label(features float8[], model text) RETURNS text
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'healthml_predict_label';
CREATE FUNCTION healthml.predict_label(features jsonb, model text) RETURNS text
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_predict_label';
CREATE FUNCTION healthml.predict_label(features record, artifact_id uuid) RETURNS text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'healthml_predict_label';
CREATE FUNCTION healthml.predict_label(features float8[], artifact_id uuid) RETURNS text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'healthml_predict_label';
CREATE FUNCTION healthml.predict_label(features jsonb, artifact_id uuid) RETURNS text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_predict_label';

COMMENT ON FUNCTION healthml.predict_label(record, text) IS
'class that a classifier gives a row: of two classes the positive one when its probability is above the decision threshold chosen at training, of more the most likely one. Features as for healthml.score';
COMMENT ON FUNCTION healthml.predict_label(float8[], text) IS 'as with a row, for an array of features in the model''s order';
COMMENT ON FUNCTION healthml.predict_label(jsonb, text) IS 'as with a row, for a jsonb object of features';
COMMENT ON FUNCTION healthml.predict_label(record, uuid) IS
'as with a model name, for one artifact: immutable, so usable in indexes, generated columns and push-down';
COMMENT ON FUNCTION healthml.predict_label(float8[], uuid) IS
'as with a model name, for one artifact: immutable, so usable in indexes, generated columns and push-down';
COMMENT ON FUNCTION healthml.predict_label(jsonb, uuid) IS
'as with a model name, for one artifact: immutable, so usable in indexes, generated columns and push-down';

CREATE FUNCTION healthml.describe_network(ref text)
RETURNS TABLE (layer integer, name text, op text, output_shape text, parameters bigint, flops float8,
	network text, members integer)
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000 ROWS 20 AS 'MODULE_PATHNAME', 'healthml_describe_network';
COMMENT ON FUNCTION healthml.describe_network(text) IS
'layers of a model''s network with the shape of their output for one row, their number of parameters, and the floating-point operations of one forward pass (a multiply-add counts two). A heart-sound model has up to two networks, general and expert; members is the number of networks with the same layers whose results are averaged';

CREATE FUNCTION healthml.plot_losses(title text, loss float8[], validation_loss float8[]) RETURNS text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'healthml_plot_losses';
COMMENT ON FUNCTION healthml.plot_losses(text, float8[], float8[]) IS
'two loss curves over epochs as SVG text; null leaves a gap';

CREATE FUNCTION healthml.plot_training(ref text) RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	target record := healthml.resolve_model(ref);
	run bigint;
	svg text;
BEGIN
	PERFORM healthml.require_level('reader');
	SELECT r.run_id INTO run FROM healthml.training_run r
	WHERE r.model = target.model AND r.version = target.version AND r.status = 'succeeded'
	ORDER BY r.run_id DESC LIMIT 1;
	SELECT healthml.plot_losses(format('%s, version %s', target.model, target.version),
		array_agg(e.loss ORDER BY e.epoch), array_agg(e.validation_loss ORDER BY e.epoch)) INTO svg
	FROM healthml.training_epoch e WHERE e.run_id = run HAVING count(*) > 0;
	IF svg IS NULL THEN
		RAISE EXCEPTION 'version % of model "%" has no recorded epochs', target.version, target.model
			USING ERRCODE = 'undefined_object', HINT = 'Only algorithms that train in epochs, such as mlp, have loss curves.';
	END IF;
	RETURN svg;
END
$$;
COMMENT ON FUNCTION healthml.plot_training(text) IS 'loss curves of a version''s training as SVG text';

CREATE FUNCTION healthml.export_onnx(ref text) RETURNS bytea
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10000 AS 'MODULE_PATHNAME', 'healthml_export_onnx';
COMMENT ON FUNCTION healthml.export_onnx(text) IS
'a model of neural networks with its feature pipeline as an ONNX file (opset 17): input "features" float64 (rows, features), numbers, 0 or 1, or category numbers, NaN for a missing one; output "output" float32, of an mlp the probability of the positive class, those of all classes, or the value, of an autoencoder the score, of heart sounds the probability that a recording is abnormal, by the features of its typical beat';

CREATE FUNCTION healthml.import_onnx(model text, onnx bytea, params jsonb DEFAULT '{}') RETURNS healthml.training_result
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE COST 10000 AS 'MODULE_PATHNAME', 'healthml_import_onnx';
COMMENT ON FUNCTION healthml.import_onnx(text, bytea, jsonb) IS
'makes a new version of an mlp from an ONNX file that was trained elsewhere (PyTorch, Keras, scikit-learn); an operator that healthml has not is an error that names it. A network that ends in one sigmoid is a classifier of two classes, one that ends in softmax of as many as it has outputs, any other with one output predicts a value. params: features (names of the inputs, by default x1, x2, ...), classes (names, of two the negative one first), threshold (0.5). It has no percentiles, and cannot be explained by healthml.shap_explain, for it has no training rows';
