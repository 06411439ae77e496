/*
 * op_dense.c
 *	  dense: y = x W^T + b on the last dimension.
 *
 * x is (n, ..., in), y is (n, ..., units), W is (units, in), b is (units).  The
 * dimensions in front of the last one count as rows.
 */
#include <math.h>
#include <string.h>

#include "core/base/gemm.h"
#include "core/nn/loops/loops.h"
#include "core/nn/graph/op.h"
#include "core/nn/graph/optable.h"

enum
{
	UNITS,
	BIAS,
	INIT
};

enum
{
	WEIGHT_P,
	BIAS_P
};

static const HmlAttrSpec attrs[] = {
	{"units", HML_ATTR_INTEGER, NULL, 1, 1 << 20, NULL, "outputs"},
	{"bias", HML_ATTR_BOOLEAN, "true", 0, 1, NULL, "whether a bias is added"},
	{"init", HML_ATTR_CHOICE, "\"he\"", 0, 0, HML_INIT_CHOICES, "initial weights"},
	{NULL, 0, NULL, 0, 0, NULL, NULL},
};

static HmlStatus
shape(HmlBuilder *builder, HmlNode *node)
{
	const HmlShape *x = &node->x_shape[0];
	size_t last = x->n_dims - 1;
	size_t units = hml_attr_size(node, UNITS);
	HmlShape weight = {2, {units, x->dims[last]}};
	HmlShape bias = {1, {units}};

	node->shape = *x;
	node->shape.dims[last] = units;
	node->flops = 2.0 * (double) hml_shape_size(x) * (double) units;
	HML_TRY(hml_add_weight(builder, node, INIT, weight, x->dims[last], units));
	if (!hml_attr_flag(node, BIAS))
		return HML_OK;
	return hml_add_parameter(builder, node, "bias", bias, HML_INIT_UNIFORM, 1 / sqrt((double) x->dims[last]));
}

static HmlStatus
forward(const HmlRun *run)
{
	const HmlNode *node = run->node;
	size_t units = hml_attr_size(node, UNITS);
	size_t in = node->x_shape[0].dims[node->x_shape[0].n_dims - 1];
	size_t rows = run->n * hml_shape_size(&node->shape) / units;
	bool has_bias = hml_attr_flag(node, BIAS);

	if (has_bias)
		for (size_t i = 0; i < rows; i++)
			memcpy(run->y + i * units, hml_run_weight(run, BIAS_P), units * sizeof(float));
	hml_sgemm(HML_NO_TRANS, HML_TRANS, rows, units, in, 1, run->x[0], in, hml_run_weight(run, WEIGHT_P), in,
			  has_bias ? 1 : 0, run->y, units);
	return HML_OK;
}

static HmlStatus
backward(const HmlRun *run)
{
	const HmlNode *node = run->node;
	const HmlLoops *loops = hml_loops();
	size_t units = hml_attr_size(node, UNITS);
	size_t in = node->x_shape[0].dims[node->x_shape[0].n_dims - 1];
	size_t rows = run->n * hml_shape_size(&node->shape) / units;

	if (run->gx[0] != NULL)
		hml_sgemm(HML_NO_TRANS, HML_NO_TRANS, rows, in, units, 1, run->gy, units,
				  hml_run_weight(run, WEIGHT_P), in, 0, run->gx[0], in);
	if (run->gradients == NULL)
		return HML_OK;
	hml_sgemm(HML_TRANS, HML_NO_TRANS, units, in, rows, 1, run->gy, units, run->x[0], in, 1,
			  hml_run_gradient(run, WEIGHT_P), in);
	if (hml_attr_flag(node, BIAS))
		for (size_t i = 0; i < rows; i++)
			loops->accumulate(run->gy + i * units, hml_run_gradient(run, BIAS_P), units);
	return HML_OK;
}

static const char *const cases[] = {
	"{\"input\":[5],\"layers\":[{\"op\":\"dense\",\"units\":4}]}",
	"{\"input\":[3,5],\"layers\":[{\"op\":\"dense\",\"units\":4,\"bias\":false}]}",
	NULL,
};

const HmlOp hml_op_dense = {
	.name = "dense",
	.help = "Fully connected: y = x W^T + b on the last dimension.",
	.min_inputs = 1,
	.max_inputs = 1,
	.flags = HML_OP_KEEPS_INPUTS,
	.attrs = attrs,
	.shape = shape,
	.forward = forward,
	.backward = backward,
	.cases = cases,
};
