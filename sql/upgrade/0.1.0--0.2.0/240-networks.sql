/* 240-networks.sql: changes since 0.1.0. */

DROP FUNCTION healthml.describe_network(text);
CREATE FUNCTION healthml.describe_network(ref text)
RETURNS TABLE (layer integer, name text, op text, output_shape text, parameters bigint, flops float8,
	network text, members integer)
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000 ROWS 20 AS 'MODULE_PATHNAME', 'healthml_describe_network';
COMMENT ON FUNCTION healthml.describe_network(text) IS
'layers of a model''s network with the shape of their output for one row, their number of parameters, and the floating-point operations of one forward pass (a multiply-add counts two). A heart-sound model has up to two networks, general and expert; members is the number of networks with the same layers whose results are averaged';

COMMENT ON FUNCTION healthml.export_onnx(text) IS
'a model of neural networks with its feature pipeline as an ONNX file (opset 17): input "features" float64 (rows, features), numbers, 0 or 1, or category numbers, NaN for a missing one; output "output" float32, of an mlp the probability of the positive class, those of all classes, or the value, of an autoencoder the score, of heart sounds the probability that a recording is abnormal, by the features of its typical beat';

CREATE OR REPLACE FUNCTION healthml.plot_training(ref text) RETURNS text
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
