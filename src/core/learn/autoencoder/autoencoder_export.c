/*
 * autoencoder_export.c
 *	  An "autoencoder" with its feature pipeline as an ONNX file, whose output is the score.
 */
#include "core/learn/autoencoder/autoencoder.h"

#include "core/nn/onnx/onnx_format.h"
#include "core/nn/onnx/onnx_out.h"

#define OWNER "score"

static const char *
flatten(OnnxOut *out, const char *x, const HmlShape *shape)
{
	const char *y = hml_onnx_name(out, OWNER, "reconstruction");
	size_t node;

	if (shape->n_dims == 1)
		return x;
	node = hml_onnx_begin_node(out, "Flatten", y);
	hml_onnx_input(out, x);
	hml_onnx_int(out, "axis", 1);
	hml_onnx_end_node(out, node);
	return y;
}

/* Mean over the inputs, (n, 1). */
static const char *
mean(OnnxOut *out, const char *x)
{
	static const int64_t axis = 1;
	const char *y = hml_onnx_name(out, OWNER, "error");
	size_t node = hml_onnx_begin_node(out, "ReduceMean", y);

	hml_onnx_input(out, x);
	hml_onnx_ints(out, "axes", &axis, 1);
	hml_onnx_end_node(out, node);
	return y;
}

/* error / (error + half_error), as in hml_autoencoder_error(). */
static void
write_score(OnnxOut *out, const HmlModel *model, const char *inputs, const char *outputs)
{
	static const size_t one = 1;
	const HmlAutoencoder *autoencoder = model->impl;
	int64_t n_inputs = (int64_t) model->pipeline->n_inputs;
	const char *difference = hml_onnx_call(out, OWNER, "difference", "Sub", inputs, outputs);
	const char *square = hml_onnx_call(out, OWNER, "square", "Mul", difference, difference);
	const char *precision = hml_onnx_f32(out, OWNER "/precision", &n_inputs, 1, autoencoder->precision);
	const char *half = hml_onnx_scalar(out, OWNER "/half_error", (float) autoencoder->half_error);
	const char *error = mean(out, hml_onnx_call(out, OWNER, "weighted", "Mul", square, precision));

	hml_onnx_call(out, "output", NULL, "Div", error, hml_onnx_call(out, OWNER, "sum", "Add", error, half));
	hml_onnx_value_info(out, ONNX_GRAPH_OUTPUT, "output", ONNX_FLOAT, &one, 1);
}

static HmlStatus
write_graph(OnnxOut *out, const void *user)
{
	const HmlModel *model = user;
	const HmlAutoencoder *autoencoder = model->impl;
	const HmlNetwork *network = autoencoder->net.network;
	HmlOnnxExport what = hml_onnx_export_defaults(network, autoencoder->net.weights[0]);
	const char *inputs;
	const char *outputs;

	HML_TRY(hml_onnx_write_pipeline(out, model->pipeline, &inputs));
	HML_TRY(hml_onnx_write_network(out, &what, hml_onnx_shape_input(out, &network->nodes[0].shape, inputs),
								   &outputs));
	write_score(out, model, inputs, flatten(out, outputs, &network->nodes[network->output].shape));
	return HML_OK;
}

HmlStatus
hml_autoencoder_export_onnx(HmlContext *ctx, const HmlModel *model, const char *name, HmlWriter *writer)
{
	HmlOnnxFile file = {.name = name, .pipeline = model->pipeline, .write = write_graph, .user = model};

	return hml_onnx_write_file(ctx, &file, writer);
}
