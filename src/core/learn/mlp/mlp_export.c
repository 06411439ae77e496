/*
 * mlp_export.c
 *	  An "mlp" with its feature pipeline as an ONNX file.
 */
#include "core/learn/mlp/mlp.h"

#include "core/nn/onnx/onnx.h"

HmlStatus
hml_mlp_export_onnx(HmlContext *ctx, const HmlModel *model, const char *name, HmlWriter *writer)
{
	const HmlMlp *mlp = model->impl;
	HmlOnnxExport what = hml_onnx_export_defaults(mlp->net.network, mlp->net.weights[0]);

	what.pipeline = model->pipeline;
	what.offset = mlp->offset;
	what.scale = mlp->scale;
	what.name = name;
	what.output_names = model->output_names;
	what.n_output_names = model->output_names != NULL ? model->n_outputs : 0;
	return hml_onnx_write(ctx, &what, writer);
}
