/*
 * onnx_write.c
 *	  Networks as ONNX files.
 *
 * Each node of the network becomes one ONNX node or a few; the value of network
 * node "x" has the name "x", what comes up on the way "x/part", and parameters
 * "x/weight" and so on.  The batch is the first dimension of everything, "n".
 */
#include "core/nn/onnx/onnx.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/nn/kernel/conv.h"
#include "core/nn/onnx/onnx_format.h"
#include "core/nn/onnx/onnx_out.h"
#include "core/nn/graph/optable.h"
#include "core/nn/onnx/protobuf.h"
#include "core/nn/graph/window.h"

typedef struct Export
{
	OnnxOut out;
	const HmlOnnxExport *what;
	const HmlNode *node;
	const char *name;   /* of 'node', unique in the graph */
	const char **names; /* (n_nodes) of the values */
	const char *y;      /* name of the value of 'node' */
} Export;

HmlOnnxExport
hml_onnx_export_defaults(const HmlNetwork *network, const float *weights)
{
	return (HmlOnnxExport){
		.network = network, .weights = weights, .output = network->output, .scale = 1, .name = "healthml"};
}

/* ---- what nodes have -------------------------------------------------------------------------------- */

static const char *
input_of(const Export *e, size_t k)
{
	return e->names[e->node->inputs[k]];
}

static double
attribute(const Export *e, const char *name)
{
	size_t i = 0;

	while (strcmp(e->node->op->attrs[i].name, name) != 0)
		i++;
	return e->node->attrs[i].numbers[0];
}

static const HmlParameter *
find_parameter(const Export *e, const char *name)
{
	for (size_t i = 0; i < e->node->n_parameters; i++)
		if (strcmp(e->node->parameters[i].name, name) == 0)
			return &e->node->parameters[i];
	return NULL;
}

static const float *
weights_of(const Export *e, const HmlParameter *parameter)
{
	return e->what->weights + parameter->offset;
}

/* A parameter as it is, or NULL where the node has none of that name. */
static const char *
write_parameter(Export *e, const char *name)
{
	const HmlParameter *parameter = find_parameter(e, name);
	int64_t dims[HML_MAX_DIMS];

	if (parameter == NULL)
		return NULL;
	for (size_t i = 0; i < parameter->shape.n_dims; i++)
		dims[i] = (int64_t) parameter->shape.dims[i];
	return hml_onnx_f32(&e->out, hml_onnx_name(&e->out, e->name, name), dims, parameter->shape.n_dims,
						weights_of(e, parameter));
}

/* A matrix (rows, columns) as (columns, rows). */
static const char *
write_transposed(Export *e, const char *name)
{
	const HmlParameter *parameter = find_parameter(e, name);
	size_t rows = parameter->shape.dims[0];
	size_t columns = parameter->shape.n_dims == 1 ? 1 : parameter->shape.dims[1];
	int64_t dims[2] = {(int64_t) columns, (int64_t) rows};
	const char *full = hml_onnx_name(&e->out, e->name, name);
	OnnxRows *columns_as_rows;

	if (HML_ARENA_NEW(e->out.arena, &columns_as_rows, columns) != HML_OK)
	{
		e->out.writer->status = e->out.ctx->status;
		return full;
	}
	for (size_t c = 0; c < columns; c++)
		columns_as_rows[c] = (OnnxRows){weights_of(e, parameter) + c, rows, columns};
	return hml_onnx_f32_rows(&e->out, full, dims, 2, columns_as_rows, columns);
}

static const char *
write_ints(Export *e, const char *part, const int64_t *values, size_t count)
{
	return hml_onnx_i64(&e->out, hml_onnx_name(&e->out, e->name, part), values, count);
}

static const char *
write_scalar(Export *e, const char *part, double value)
{
	return hml_onnx_scalar(&e->out, hml_onnx_name(&e->out, e->name, part), (float) value);
}

/* A node of one or two inputs without attributes; part NULL = the value of the network's node. */
static const char *
call(Export *e, const char *part, const char *op, const char *a, const char *b)
{
	return part == NULL ? hml_onnx_call(&e->out, e->y, NULL, op, a, b)
						: hml_onnx_call(&e->out, e->name, part, op, a, b);
}

/* ---- products --------------------------------------------------------------------------------------- */

static void
write_dense(Export *e)
{
	const char *x = input_of(e, 0);
	const char *weight;
	const char *bias;
	size_t node;

	if (e->node->shape.n_dims == 1)
	{
		weight = write_parameter(e, "weight");
		bias = write_parameter(e, "bias");
		node = hml_onnx_begin_node(&e->out, "Gemm", e->y);
		hml_onnx_input(&e->out, x);
		hml_onnx_input(&e->out, weight);
		if (bias != NULL)
			hml_onnx_input(&e->out, bias);
		hml_onnx_int(&e->out, "transB", 1);
		hml_onnx_end_node(&e->out, node);
		return;
	}
	weight = write_transposed(e, "weight");
	bias = write_parameter(e, "bias");
	x = call(e, bias == NULL ? NULL : "product", "MatMul", x, weight);
	if (bias != NULL)
		call(e, NULL, "Add", x, bias);
}

/* What the last window reads past the end of the image. */
static int64_t
pad_after(const HmlWindow *w, int direction)
{
	size_t extent = hml_window_extent(w, direction);
	size_t covered = w->in[direction] + w->pad[direction];

	return extent > covered ? (int64_t) (extent - covered) : 0;
}

/* The attributes of a window; signals have only the horizontal direction. */
static void
write_window(Export *e, const HmlWindow *w, bool has_dilations)
{
	size_t directions = e->node->x_shape[0].n_dims - 1;
	int64_t kernels[2];
	int64_t strides[2];
	int64_t dilations[2];
	int64_t pads[4];

	for (size_t i = 0; i < directions; i++)
	{
		size_t d = i + 2 - directions;

		kernels[i] = (int64_t) w->kernel[d];
		strides[i] = (int64_t) w->stride[d];
		dilations[i] = (int64_t) w->dilation[d];
		pads[i] = (int64_t) w->pad[d];
		pads[directions + i] = pad_after(w, (int) d);
	}
	hml_onnx_ints(&e->out, "kernel_shape", kernels, directions);
	hml_onnx_ints(&e->out, "strides", strides, directions);
	hml_onnx_ints(&e->out, "pads", pads, 2 * directions);
	if (has_dilations)
		hml_onnx_ints(&e->out, "dilations", dilations, directions);
}

static void
write_conv(Export *e)
{
	const HmlConvShape *s = e->node->geometry;
	const char *weight = write_parameter(e, "weight");
	const char *bias = write_parameter(e, "bias");
	size_t node = hml_onnx_begin_node(&e->out, "Conv", e->y);

	hml_onnx_input(&e->out, input_of(e, 0));
	hml_onnx_input(&e->out, weight);
	if (bias != NULL)
		hml_onnx_input(&e->out, bias);
	hml_onnx_int(&e->out, "group", (int64_t) s->groups);
	write_window(e, &s->window, true);
	hml_onnx_end_node(&e->out, node);
}

/* ---- norms, pools, activations ---------------------------------------------------------------------- */

static void
write_batch_norm(Export *e)
{
	static const char *const parameters[] = {"weight", "bias", "running_mean", "running_var"};
	const char *names[4];
	size_t node;

	for (size_t i = 0; i < 4; i++)
		names[i] = write_parameter(e, parameters[i]);
	node = hml_onnx_begin_node(&e->out, "BatchNormalization", e->y);
	hml_onnx_input(&e->out, input_of(e, 0));
	for (size_t i = 0; i < 4; i++)
		hml_onnx_input(&e->out, names[i]);
	hml_onnx_float(&e->out, "epsilon", attribute(e, "eps"));
	hml_onnx_end_node(&e->out, node);
}

static void
write_layer_norm(Export *e)
{
	const char *weight = write_parameter(e, "weight");
	const char *bias = write_parameter(e, "bias");
	size_t node = hml_onnx_begin_node(&e->out, "LayerNormalization", e->y);

	hml_onnx_input(&e->out, input_of(e, 0));
	hml_onnx_input(&e->out, weight);
	hml_onnx_input(&e->out, bias);
	hml_onnx_int(&e->out, "axis", -1);
	hml_onnx_float(&e->out, "epsilon", attribute(e, "eps"));
	hml_onnx_end_node(&e->out, node);
}

static void
write_pool(Export *e)
{
	const HmlWindow *w = e->node->geometry;
	bool is_max = e->node->op == &hml_op_max_pool;
	size_t node = hml_onnx_begin_node(&e->out, is_max ? "MaxPool" : "AveragePool", e->y);

	hml_onnx_input(&e->out, input_of(e, 0));
	write_window(e, w, false);
	if (!is_max)
		hml_onnx_int(&e->out, "count_include_pad", (int64_t) attribute(e, "count_include_pad"));
	hml_onnx_end_node(&e->out, node);
}

static void
write_flatten(Export *e, const char *x)
{
	size_t node = hml_onnx_begin_node(&e->out, "Flatten", e->y);

	hml_onnx_input(&e->out, x);
	hml_onnx_int(&e->out, "axis", 1);
	hml_onnx_end_node(&e->out, node);
}

static void
write_global_pool(Export *e)
{
	const char *op = e->node->op == &hml_op_global_max_pool ? "GlobalMaxPool" : "GlobalAveragePool";

	if (e->node->shape.n_dims > 1)
		call(e, NULL, op, input_of(e, 0), NULL);
	else
		write_flatten(e, call(e, "pooled", op, input_of(e, 0), NULL));
}

static void
write_leaky_relu(Export *e)
{
	size_t node = hml_onnx_begin_node(&e->out, "LeakyRelu", e->y);

	hml_onnx_input(&e->out, input_of(e, 0));
	hml_onnx_float(&e->out, "alpha", attribute(e, "negative_slope"));
	hml_onnx_end_node(&e->out, node);
}

static void
write_silu(Export *e)
{
	const char *x = input_of(e, 0);

	call(e, NULL, "Mul", x, call(e, "sigmoid", "Sigmoid", x, NULL));
}

/* x / 2 * (1 + erf(x / sqrt(2))); Gelu itself came with opset 20. */
static void
write_gelu(Export *e)
{
	const char *x = input_of(e, 0);
	const char *half = call(e, "half", "Mul", x, write_scalar(e, "one_half", 0.5));
	const char *scaled = call(e, "scaled", "Mul", x, write_scalar(e, "root_of_half", sqrt(0.5)));
	const char *erf = call(e, "erf", "Erf", scaled, NULL);

	call(e, NULL, "Mul", half, call(e, "plus_one", "Add", erf, write_scalar(e, "one", 1)));
}

static const char *
write_softmax_on(Export *e, const char *part, const char *x, int64_t axis)
{
	const char *y = part == NULL ? e->y : hml_onnx_name(&e->out, e->name, part);
	size_t node = hml_onnx_begin_node(&e->out, "Softmax", y);

	hml_onnx_input(&e->out, x);
	hml_onnx_int(&e->out, "axis", axis);
	hml_onnx_end_node(&e->out, node);
	return y;
}

static void
write_softmax(Export *e)
{
	write_softmax_on(e, NULL, input_of(e, 0), -1);
}

/* ---- sums, shapes ----------------------------------------------------------------------------------- */

static void
write_add(Export *e)
{
	const char *sum = input_of(e, 0);

	for (size_t k = 1; k < e->node->n_inputs; k++)
	{
		bool is_last = k + 1 == e->node->n_inputs;
		char part[32] = "sum_";

		part[4] = (char) ('a' + k);
		sum = call(e, is_last ? NULL : part, "Add", sum, input_of(e, k));
	}
}

static void
write_mul(Export *e)
{
	call(e, NULL, "Mul", input_of(e, 0), input_of(e, 1));
}

/* Axis of a tensor whose first dimension is the batch. */
static int64_t
axis_of(const Export *e)
{
	double axis = attribute(e, "axis");

	return (int64_t) (axis < 0 ? axis + (double) e->node->x_shape[0].n_dims : axis) + 1;
}

static void
write_concat(Export *e)
{
	size_t node = hml_onnx_begin_node(&e->out, "Concat", e->y);

	for (size_t k = 0; k < e->node->n_inputs; k++)
		hml_onnx_input(&e->out, input_of(e, k));
	hml_onnx_int(&e->out, "axis", axis_of(e));
	hml_onnx_end_node(&e->out, node);
}

static void
write_slice(Export *e)
{
	int64_t axis = axis_of(e);
	double length = (double) e->node->x_shape[0].dims[axis - 1];
	double given = attribute(e, "start");
	int64_t start = (int64_t) (given < 0 ? given + length : given);
	int64_t end = start + (int64_t) e->node->shape.dims[axis - 1];
	const char *starts = write_ints(e, "starts", &start, 1);
	const char *ends = write_ints(e, "ends", &end, 1);
	const char *axes = write_ints(e, "axes", &axis, 1);
	size_t node = hml_onnx_begin_node(&e->out, "Slice", e->y);

	hml_onnx_input(&e->out, input_of(e, 0));
	hml_onnx_input(&e->out, starts);
	hml_onnx_input(&e->out, ends);
	hml_onnx_input(&e->out, axes);
	hml_onnx_end_node(&e->out, node);
}

static void
write_flatten_node(Export *e)
{
	write_flatten(e, input_of(e, 0));
}

static void
write_reshape(Export *e)
{
	int64_t shape[HML_MAX_DIMS + 1] = {-1};

	for (size_t i = 0; i < e->node->shape.n_dims; i++)
		shape[i + 1] = (int64_t) e->node->shape.dims[i];
	call(e, NULL, "Reshape", input_of(e, 0), write_ints(e, "shape", shape, e->node->shape.n_dims + 1));
}

static const char *
write_permutation(Export *e, const char *part, const char *x, const int64_t *perm, size_t count)
{
	const char *y = part == NULL ? e->y : hml_onnx_name(&e->out, e->name, part);
	size_t node = hml_onnx_begin_node(&e->out, "Transpose", y);

	hml_onnx_input(&e->out, x);
	hml_onnx_ints(&e->out, "perm", perm, count);
	hml_onnx_end_node(&e->out, node);
	return y;
}

static void
write_transpose(Export *e)
{
	int64_t perm[HML_MAX_DIMS + 1] = {0};
	size_t i = 0;

	while (strcmp(e->node->op->attrs[i].name, "perm") != 0)
		i++;
	for (size_t d = 0; d < e->node->shape.n_dims; d++)
		perm[d + 1] = (int64_t) e->node->attrs[i].numbers[d] + 1;
	write_permutation(e, NULL, input_of(e, 0), perm, e->node->shape.n_dims + 1);
}

static void
write_dropout(Export *e)
{
	call(e, NULL, "Identity", input_of(e, 0), NULL);
}

static void
write_repeat(Export *e)
{
	int64_t axis = 1;
	int64_t shape[3] = {1, (int64_t) e->node->shape.dims[0], (int64_t) e->node->shape.dims[1]};
	const char *row = call(e, "row", "Unsqueeze", input_of(e, 0), write_ints(e, "axis", &axis, 1));

	call(e, NULL, "Expand", row, write_ints(e, "shape", shape, 3));
}

/* ---- sequences -------------------------------------------------------------------------------------- */

/* a_t x_t summed over t, where a = softmax of the scores (n, T, 1). */
static void
write_weighted_sum(Export *e, const char *scores)
{
	int64_t axis = 1;
	const char *weights = write_softmax_on(e, "weights", scores, 1);
	const char *weighted = call(e, "weighted", "Mul", input_of(e, 0), weights);
	const char *axes = write_ints(e, "axis", &axis, 1);
	size_t node = hml_onnx_begin_node(&e->out, "ReduceSum", e->y);

	hml_onnx_input(&e->out, weighted);
	hml_onnx_input(&e->out, axes);
	hml_onnx_int(&e->out, "keepdims", 0);
	hml_onnx_end_node(&e->out, node);
}

static void
write_attention_pool(Export *e)
{
	const char *x = input_of(e, 0);
	double features = (double) e->node->x_shape[0].dims[1];

	if (find_parameter(e, "query") != NULL)
	{
		const HmlParameter *query = find_parameter(e, "query");
		int64_t dims[2] = {(int64_t) query->shape.dims[0], 1};
		const char *name = hml_onnx_name(&e->out, e->name, "query");

		x = call(e, "products", "MatMul", x, hml_onnx_f32(&e->out, name, dims, 2, weights_of(e, query)));
		write_weighted_sum(e, call(e, "scores", "Mul", x, write_scalar(e, "scale", 1 / sqrt(features))));
	}
	else
	{
		const HmlParameter *vector = find_parameter(e, "vector");
		int64_t dims[2] = {(int64_t) vector->shape.dims[0], 1};
		const char *name = hml_onnx_name(&e->out, e->name, "vector");

		x = call(e, "product", "MatMul", x, write_transposed(e, "weight"));
		x = call(e, "hidden", "Add", x, write_parameter(e, "bias"));
		x = call(e, "tanh", "Tanh", x, NULL);
		write_weighted_sum(
			e, call(e, "scores", "MatMul", x, hml_onnx_f32(&e->out, name, dims, 2, weights_of(e, vector))));
	}
}

typedef struct Stack
{
	size_t gates;
	const size_t *order; /* ours of each of ONNX's gates */
	size_t units;
	size_t directions;
	size_t layer;
} Stack;

#define LANE_PARAMETERS 4 /* weight_ih, weight_hh, bias_ih, bias_hh */

/* One kind of parameter of both directions of a layer, gates in ONNX's order. */
static const char *
write_gates(Export *e, const Stack *stack, const char *name, size_t which, size_t kinds)
{
	OnnxRows rows[16];
	int64_t dims[3];
	size_t n_rows = 0;
	const HmlParameter *first =
		&e->node->parameters[stack->layer * stack->directions * LANE_PARAMETERS + which];
	size_t columns = first->shape.n_dims == 1 ? 1 : first->shape.dims[1];
	char part[16] = "layer_";

	part[6] = (char) ('0' + stack->layer);
	for (size_t d = 0; d < stack->directions; d++)
		for (size_t k = 0; k < kinds; k++)
			for (size_t g = 0; g < stack->gates; g++)
			{
				const HmlParameter *p = first + d * LANE_PARAMETERS + k;

				rows[n_rows++] = (OnnxRows){weights_of(e, p) + stack->order[g] * stack->units * columns,
											stack->units * columns, 1};
			}
	dims[0] = (int64_t) stack->directions;
	dims[1] = (int64_t) (kinds * stack->gates * stack->units);
	dims[2] = (int64_t) columns;
	return hml_onnx_f32_rows(&e->out, hml_onnx_name(&e->out, hml_onnx_name(&e->out, e->name, part), name),
							 dims, first->shape.n_dims == 1 ? 2 : 3, rows, n_rows);
}

/* One layer: x is (T, n, features); returns the name of (T, directions, n, units), *last (directions, n, units). */
static const char *
write_layer(Export *e, const Stack *stack, const char *x, const char **last)
{
	bool is_lstm = e->node->op == &hml_op_lstm;
	char part[16] = "states_";
	const char *weight = write_gates(e, stack, "W", 0, 1);
	const char *recurrent = write_gates(e, stack, "R", 1, 1);
	const char *bias = write_gates(e, stack, "B", 2, 2);
	const char *y;
	size_t node;

	part[7] = (char) ('0' + stack->layer);
	y = hml_onnx_name(&e->out, e->name, part);
	*last = hml_onnx_name(&e->out, y, "last");
	node = hml_onnx_begin_node(&e->out, is_lstm ? "LSTM" : "GRU", y);
	hml_onnx_output(&e->out, *last);
	hml_onnx_input(&e->out, x);
	hml_onnx_input(&e->out, weight);
	hml_onnx_input(&e->out, recurrent);
	hml_onnx_input(&e->out, bias);
	hml_onnx_int(&e->out, "hidden_size", (int64_t) stack->units);
	hml_onnx_string(&e->out, "direction", stack->directions == 2 ? "bidirectional" : "forward");
	if (!is_lstm)
		hml_onnx_int(&e->out, "linear_before_reset", 1);
	hml_onnx_end_node(&e->out, node);
	return y;
}

static void
write_recurrent(Export *e)
{
	static const size_t lstm_order[] = {0, 3, 1, 2}; /* input, output, forget, cell */
	static const size_t gru_order[] = {1, 0, 2};     /* update, reset, new */
	static const int64_t time_first[] = {1, 0, 2};
	static const int64_t directions_last[] = {0, 2, 1, 3};
	static const int64_t batch_first[] = {2, 0, 1, 3};
	bool is_lstm = e->node->op == &hml_op_lstm;
	size_t layers = (size_t) attribute(e, "num_layers");
	Stack stack = {is_lstm ? 4 : 3, is_lstm ? lstm_order : gru_order, (size_t) attribute(e, "units"),
				   attribute(e, "bidirectional") != 0 ? 2 : 1, 0};
	bool is_sequence = attribute(e, "return_sequences") != 0;
	int64_t shape[3] = {0, 0, (int64_t) (stack.directions * stack.units)};
	const char *joined = is_sequence || layers > 1 ? write_ints(e, "joined", shape, 3) : NULL;
	const char *x = write_permutation(e, "time_first", input_of(e, 0), time_first, 3);
	const char *last = NULL;

	for (; stack.layer < layers; stack.layer++)
	{
		char part[16] = "between_";

		part[8] = (char) ('0' + stack.layer);
		x = write_layer(e, &stack, x, &last);
		if (stack.layer + 1 < layers)
			x = call(e, hml_onnx_name(&e->out, part, "joined"), "Reshape",
					 write_permutation(e, part, x, directions_last, 4), joined);
	}
	if (is_sequence)
		call(e, NULL, "Reshape", write_permutation(e, "batch_first", x, batch_first, 4), joined);
	else
		write_flatten(e, write_permutation(e, "last_batch_first", last, time_first, 3));
}

/* ---- the network ------------------------------------------------------------------------------------ */

/* Operators that ONNX has in another form; HmlOp.onnx names the others. */
typedef struct Known
{
	const HmlOp *op;
	void (*write)(Export *e);
} Known;

static const Known known[] = {
	{&hml_op_add, write_add},
	{&hml_op_attention_pool, write_attention_pool},
	{&hml_op_avg_pool, write_pool},
	{&hml_op_batch_norm, write_batch_norm},
	{&hml_op_concat, write_concat},
	{&hml_op_conv1d, write_conv},
	{&hml_op_conv2d, write_conv},
	{&hml_op_dense, write_dense},
	{&hml_op_dropout, write_dropout},
	{&hml_op_flatten, write_flatten_node},
	{&hml_op_gelu, write_gelu},
	{&hml_op_global_avg_pool, write_global_pool},
	{&hml_op_global_max_pool, write_global_pool},
	{&hml_op_gru, write_recurrent},
	{&hml_op_layer_norm, write_layer_norm},
	{&hml_op_leaky_relu, write_leaky_relu},
	{&hml_op_lstm, write_recurrent},
	{&hml_op_max_pool, write_pool},
	{&hml_op_mul, write_mul},
	{&hml_op_repeat, write_repeat},
	{&hml_op_reshape, write_reshape},
	{&hml_op_silu, write_silu},
	{&hml_op_slice, write_slice},
	{&hml_op_softmax, write_softmax},
	{&hml_op_transpose, write_transpose},
};

/* A name of the network as one of the graph. */
static const char *
in_graph(OnnxOut *out, const char *prefix, const char *name)
{
	return prefix == NULL ? name : hml_onnx_name(out, prefix, name);
}

static HmlStatus
write_node(Export *e, const HmlNode *node)
{
	e->node = node;
	e->name = in_graph(&e->out, e->what->prefix, node->name);
	if (node->op->onnx != NULL)
	{
		call(e, NULL, node->op->onnx, input_of(e, 0), NULL);
		return e->out.writer->status;
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].op == node->op)
		{
			known[i].write(e);
			return e->out.writer->status;
		}
	return hml_fail(e->out.ctx, HML_UNSUPPORTED, "operator \"%s\" cannot be written to ONNX", node->op->name);
}

/* Whether a name cannot be mistaken for one that is made here. */
static bool
is_plain_name(const char *name)
{
	return strchr(name, '/') == NULL && strcmp(name, "output") != 0 && strcmp(name, "features") != 0;
}

static const char *
value_name(OnnxOut *out, const HmlNode *node, size_t number)
{
	char prefix[32];

	if (is_plain_name(node->name))
		return node->name;
	snprintf(prefix, sizeof(prefix), "node/%zu", number);
	return hml_onnx_name(out, prefix, node->name);
}

HmlStatus
hml_onnx_write_network(OnnxOut *out, const HmlOnnxExport *what, const char *input, const char **output)
{
	const HmlNetwork *network = what->network;
	Export e = {.out = *out, .what = what};

	HML_TRY(HML_ARENA_NEW(out->arena, &e.names, network->n_nodes));
	for (size_t i = 0; i < network->n_nodes; i++)
	{
		e.names[i] = i == 0 && input != NULL
						 ? input
						 : in_graph(out, what->prefix, value_name(out, &network->nodes[i], i));
		e.y = e.names[i];
		if (i >= network->n_inputs)
			HML_TRY(write_node(&e, &network->nodes[i]));
		else if (input == NULL)
			hml_onnx_value_info(out, ONNX_GRAPH_INPUT, e.names[i], ONNX_FLOAT, network->nodes[i].shape.dims,
								network->nodes[i].shape.n_dims);
		HML_TRY(hml_poll(out->ctx));
	}
	*output = e.names[what->output];
	return HML_OK;
}
