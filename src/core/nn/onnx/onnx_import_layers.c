/*
 * onnx_import_layers.c
 *	  ONNX operators that are layers: products, convolutions, norms, pools, activations.
 */
#include <math.h>
#include <string.h>

#include "core/base/checked.h"
#include "core/nn/onnx/onnx_import.h"

/* ---- dense ------------------------------------------------------------------------------------------ */

/* A matrix (rows, columns) as (columns, rows), times 'factor'. */
static HmlStatus
transposed(Import *im, const OnnxTensor *t, bool transpose, float factor, const float **out)
{
	size_t rows = (size_t) t->dims[0];
	size_t columns = (size_t) t->dims[1];
	float *values;

	*out = t->floats;
	if (!transpose && factor == 1)
		return HML_OK;
	HML_TRY(HML_ARENA_NEW(im->arena, &values, t->count));
	for (size_t i = 0; i < rows; i++)
		for (size_t j = 0; j < columns; j++)
			values[transpose ? j * rows + i : i * columns + j] = t->floats[i * columns + j] * factor;
	*out = values;
	return HML_OK;
}

/* weight is (units, in); bias has one number or one for each unit, or is NULL. */
static HmlStatus
add_dense(Import *im, const ImportValue *x, const float *weight, size_t units, size_t in,
		  const OnnxTensor *bias, float bias_factor)
{
	HmlShape shape;
	size_t layer;
	size_t from;
	float *values;

	HML_TRY(hml_import_batch_first(im, x, &shape, &from));
	if (shape.dims[shape.n_dims - 1] != in)
		return hml_import_refuse(im, "multiplies %zu features by a matrix for %zu",
								 shape.dims[shape.n_dims - 1], in);
	shape.dims[shape.n_dims - 1] = units;
	HML_TRY(hml_import_add_layer(im, "dense", &from, 1, &shape, &layer, ", \"units\": %zu, \"bias\": %s",
								 units, bias == NULL ? "false" : "true"));
	HML_TRY(hml_import_weight(im, layer, "weight", weight, units * in));
	if (bias != NULL)
	{
		if (bias->count != 1 && (bias->count != units || bias->dims[bias->n_dims - 1] != (int64_t) units))
			return hml_import_refuse(im, "has a bias of %zu numbers for %zu units", bias->count, units);
		HML_TRY(HML_ARENA_NEW(im->arena, &values, units));
		for (size_t i = 0; i < units; i++)
			values[i] = bias->floats[bias->count == 1 ? 0 : i] * bias_factor;
		HML_TRY(hml_import_weight(im, layer, "bias", values, units));
	}
	return hml_import_put(im, layer);
}

static HmlStatus
import_gemm(Import *im)
{
	bool is_transposed = hml_import_int(im, "transB", 0) != 0;
	ImportValue x;
	const OnnxTensor *w;
	const OnnxTensor *bias;
	const float *weight;

	HML_TRY(hml_import_layer_input(im, 0, &x));
	HML_TRY(hml_import_floats(im, 1, false, &w));
	HML_TRY(hml_import_floats(im, 2, true, &bias));
	if (w->n_dims != 2 || x.n_dims != 2 || hml_import_int(im, "transA", 0) != 0)
		return hml_import_refuse(im, "is not a product of rows and a matrix");
	HML_TRY(transposed(im, w, !is_transposed, hml_import_float(im, "alpha", 1), &weight));
	return add_dense(im, &x, weight, (size_t) w->dims[is_transposed ? 0 : 1],
					 (size_t) w->dims[is_transposed ? 1 : 0], bias, hml_import_float(im, "beta", 1));
}

static HmlStatus
import_matmul(Import *im)
{
	ImportValue x;
	const OnnxTensor *w;
	const float *weight;

	HML_TRY(hml_import_layer_input(im, 0, &x));
	HML_TRY(hml_import_floats(im, 1, false, &w));
	if (w->n_dims != 2)
		return hml_import_refuse(im, "has a matrix of %zu dimensions", w->n_dims);
	HML_TRY(transposed(im, w, true, 1, &weight));
	return add_dense(im, &x, weight, (size_t) w->dims[1], (size_t) w->dims[0], NULL, 1);
}

/* ---- windows ---------------------------------------------------------------------------------------- */

typedef struct Window
{
	size_t directions;
	size_t kernel[2];
	size_t stride[2];
	size_t dilation[2];
	size_t pad[4]; /* before in each direction, after in each */
	size_t out[2];
} Window;

#define MAX_WINDOW 4096

/* An attribute of one number for each direction, or the fallback. */
static HmlStatus
read_extent(Import *im, const char *name, size_t count, int64_t least, size_t fallback, size_t *out)
{
	const OnnxAttribute *attribute = hml_import_attribute(im, name);

	for (size_t i = 0; i < count; i++)
		out[i] = fallback;
	if (attribute == NULL || attribute->n_ints == 0)
		return HML_OK;
	if (attribute->n_ints != count)
		return hml_import_refuse(im, "has %zu numbers in \"%s\", not %zu", attribute->n_ints, name, count);
	for (size_t i = 0; i < count; i++)
	{
		if (attribute->ints[i] < least || attribute->ints[i] > MAX_WINDOW)
			return hml_import_refuse(im, "has %lld in \"%s\"", (long long) attribute->ints[i], name);
		out[i] = (size_t) attribute->ints[i];
	}
	return HML_OK;
}

static size_t
reach(const Window *w, size_t d)
{
	return (w->kernel[d] - 1) * w->dilation[d] + 1;
}

/* auto_pad: as much as is needed for ceil(in / stride) outputs. */
static HmlStatus
read_padding(Import *im, const HmlShape *x, Window *w)
{
	const OnnxAttribute *automatic = hml_import_attribute(im, "auto_pad");
	bool upper = automatic != NULL && strcmp(automatic->s, "SAME_UPPER") == 0;
	bool lower = automatic != NULL && strcmp(automatic->s, "SAME_LOWER") == 0;
	bool is_given = automatic == NULL || strcmp(automatic->s, "NOTSET") == 0;

	HML_TRY(read_extent(im, "pads", 2 * w->directions, 0, 0, w->pad));
	if (!is_given && !upper && !lower && strcmp(automatic->s, "VALID") != 0)
		return hml_import_refuse(im, "has an auto_pad \"%.40s\"", automatic->s);
	for (size_t i = 0; i < 2 * w->directions && !is_given; i++)
		if (w->pad[i] != 0)
			return hml_import_refuse(im, "has both pads and auto_pad");
	for (size_t d = 0; d < w->directions && (upper || lower); d++)
	{
		size_t in = x->dims[d + 1];
		size_t out = (in + w->stride[d] - 1) / w->stride[d];
		size_t covered = (out - 1) * w->stride[d] + reach(w, d);
		size_t total = covered > in ? covered - in : 0;

		w->pad[d] = upper ? total / 2 : total - total / 2;
		w->pad[w->directions + d] = total - w->pad[d];
	}
	return HML_OK;
}

/* 'kernel' is that of the filters, or NULL: then it is an attribute. */
static HmlStatus
read_window(Import *im, const HmlShape *x, const size_t *kernel, size_t default_stride, Window *w)
{
	bool ceils = hml_import_int(im, "ceil_mode", 0) != 0;

	if (x->n_dims != 2 && x->n_dims != 3)
		return hml_import_refuse(im, "needs a signal or an image, not %zu dimensions", x->n_dims);
	w->directions = x->n_dims - 1;
	HML_TRY(read_extent(im, "kernel_shape", w->directions, 1, 1, w->kernel));
	for (size_t d = 0; d < w->directions && kernel != NULL; d++)
		w->kernel[d] = kernel[d];
	HML_TRY(read_extent(im, "strides", w->directions, 1, default_stride, w->stride));
	HML_TRY(read_extent(im, "dilations", w->directions, 1, 1, w->dilation));
	HML_TRY(read_padding(im, x, w));
	for (size_t d = 0; d < w->directions; d++)
	{
		size_t covered = x->dims[d + 1] + w->pad[d] + w->pad[w->directions + d];

		if (covered < reach(w, d))
			return hml_import_refuse(im, "has a window larger than its input");
		if (ceils && (covered - reach(w, d)) % w->stride[d] != 0)
			return hml_import_refuse(im, "has a window that goes beyond the padding (ceil_mode)");
		w->out[d] = (covered - reach(w, d)) / w->stride[d] + 1;
	}
	return HML_OK;
}

static HmlShape
window_shape(const Window *w, size_t channels)
{
	HmlShape shape = {w->directions + 1, {channels}};

	for (size_t d = 0; d < w->directions; d++)
		shape.dims[d + 1] = w->out[d];
	return shape;
}

static HmlStatus
add_conv(Import *im, size_t from, const Window *w, const OnnxTensor *filters, size_t groups,
		 const OnnxTensor *bias)
{
	char kernel[IMPORT_NUMBERS_SIZE];
	char stride[IMPORT_NUMBERS_SIZE];
	char pad[IMPORT_NUMBERS_SIZE];
	char dilation[IMPORT_NUMBERS_SIZE];
	size_t channels = (size_t) filters->dims[0];
	HmlShape shape = window_shape(w, channels);
	size_t layer;

	HML_TRY(hml_import_add_layer(
		im, w->directions == 1 ? "conv1d" : "conv2d", &from, 1, &shape, &layer,
		", \"filters\": %zu, \"kernel_size\": %s, \"stride\": %s, \"padding\": %s, \"dilation\": %s, "
		"\"groups\": %zu, \"bias\": %s",
		channels, hml_import_numbers(kernel, w->kernel, w->directions),
		hml_import_numbers(stride, w->stride, w->directions),
		hml_import_numbers(pad, w->pad, 2 * w->directions),
		hml_import_numbers(dilation, w->dilation, w->directions), groups, bias == NULL ? "false" : "true"));
	HML_TRY(hml_import_weight(im, layer, "weight", filters->floats, filters->count));
	if (bias != NULL)
		HML_TRY(hml_import_weight(im, layer, "bias", bias->floats, bias->count));
	return hml_import_put(im, layer);
}

static HmlStatus
import_conv(Import *im)
{
	int64_t groups = hml_import_int(im, "group", 1);
	ImportValue x;
	const OnnxTensor *filters;
	const OnnxTensor *bias;
	HmlShape shape;
	size_t from;
	size_t kernel[2] = {1, 1};
	Window window;

	HML_TRY(hml_import_layer_input(im, 0, &x));
	HML_TRY(hml_import_floats(im, 1, false, &filters));
	HML_TRY(hml_import_floats(im, 2, true, &bias));
	HML_TRY(hml_import_batch_first(im, &x, &shape, &from));
	if (filters->n_dims != shape.n_dims + 1 || filters->count == 0)
		return hml_import_refuse(im, "has filters of %zu dimensions for an input of %zu", filters->n_dims,
								 shape.n_dims + 1);
	for (size_t d = 0; d + 2 < filters->n_dims && d < 2; d++)
		kernel[d] = (size_t) filters->dims[d + 2];
	if (groups < 1 || groups > filters->dims[0] || filters->dims[0] % groups != 0 ||
		(size_t) filters->dims[1] > shape.dims[0] || (size_t) (filters->dims[1] * groups) != shape.dims[0])
		return hml_import_refuse(im, "has filters that do not fit %zu channels in %lld groups", shape.dims[0],
								 (long long) groups);
	HML_TRY(read_window(im, &shape, kernel, 1, &window));
	return add_conv(im, from, &window, filters, (size_t) groups, bias);
}

static HmlStatus
import_pool(Import *im)
{
	bool is_max = strcmp(im->node->op, "MaxPool") == 0;
	bool counts_padding = hml_import_int(im, "count_include_pad", 0) != 0;
	char kernel[IMPORT_NUMBERS_SIZE];
	char stride[IMPORT_NUMBERS_SIZE];
	char pad[IMPORT_NUMBERS_SIZE];
	ImportValue x;
	HmlShape shape;
	size_t from;
	size_t layer;
	Window w;

	HML_TRY(hml_import_layer_input(im, 0, &x));
	HML_TRY(hml_import_batch_first(im, &x, &shape, &from));
	HML_TRY(read_window(im, &shape, NULL, 1, &w));
	for (size_t d = 0; d < w.directions; d++)
		if (w.dilation[d] != 1)
			return hml_import_refuse(im, "has a dilation");
	shape = window_shape(&w, shape.dims[0]);
	HML_TRY(hml_import_add_layer(im, is_max ? "max_pool" : "avg_pool", &from, 1, &shape, &layer,
								 ", \"kernel_size\": %s, \"stride\": %s, \"padding\": %s%s",
								 hml_import_numbers(kernel, w.kernel, w.directions),
								 hml_import_numbers(stride, w.stride, w.directions),
								 hml_import_numbers(pad, w.pad, 2 * w.directions),
								 is_max           ? ""
								 : counts_padding ? ", \"count_include_pad\": true"
												  : ", \"count_include_pad\": false"));
	return hml_import_put(im, layer);
}

static HmlStatus
import_global_pool(Import *im)
{
	bool is_max = strcmp(im->node->op, "GlobalMaxPool") == 0;
	ImportValue x;
	HmlShape shape;
	size_t from;
	size_t layer;

	HML_TRY(hml_import_layer_input(im, 0, &x));
	HML_TRY(hml_import_batch_first(im, &x, &shape, &from));
	if (shape.n_dims < 2)
		return hml_import_refuse(im, "needs a signal or an image");
	for (size_t d = 1; d < shape.n_dims; d++)
		shape.dims[d] = 1;
	HML_TRY(hml_import_add_layer(im, is_max ? "global_max_pool" : "global_avg_pool", &from, 1, &shape, &layer,
								 ", \"keepdims\": true"));
	return hml_import_put(im, layer);
}

/* ---- norms ------------------------------------------------------------------------------------------ */

/* The engine wants one above 0. */
static double
epsilon(const Import *im)
{
	return fmax((double) hml_import_float(im, "epsilon", 1e-5f), 2e-12);
}

static HmlStatus
need_count(Import *im, const OnnxTensor *t, size_t count)
{
	if (t->count == count)
		return HML_OK;
	return hml_import_refuse(im, "has a parameter of %zu numbers for %zu channels", t->count, count);
}

/* An attribute since opset 14; from 7 to 13 its statistics as outputs, before that an attribute again. */
static bool
is_training(const Import *im)
{
	if (im->graph->opset >= 14)
		return hml_import_int(im, "training_mode", 0) != 0;
	if (im->graph->opset < 7 && hml_import_int(im, "is_test", 0) == 0)
		return true;
	for (size_t k = 1; k < im->node->n_outputs; k++)
		if (im->node->outputs[k][0] != '\0')
			return true;
	return false;
}

static HmlStatus
import_batch_norm(Import *im)
{
	static const char *const names[] = {"weight", "bias", "running_mean", "running_var"};
	ImportValue x;
	HmlShape shape;
	size_t from;
	size_t layer;

	HML_TRY(hml_import_layer_input(im, 0, &x));
	if (is_training(im))
		return hml_import_refuse(im, "is in training mode; export the model in evaluation mode");
	if (hml_import_int(im, "spatial", 1) == 0)
		return hml_import_refuse(im, "normalises each place by itself (spatial is 0)");
	HML_TRY(hml_import_batch_first(im, &x, &shape, &from));
	HML_TRY(hml_import_add_layer(im, "batch_norm", &from, 1, &shape, &layer, ", \"eps\": %.9g", epsilon(im)));
	for (size_t i = 0; i < 4; i++)
	{
		const OnnxTensor *t;

		HML_TRY(hml_import_floats(im, i + 1, false, &t));
		HML_TRY(need_count(im, t, shape.dims[0]));
		HML_TRY(hml_import_weight(im, layer, names[i], t->floats, t->count));
	}
	return hml_import_put(im, layer);
}

static HmlStatus
import_layer_norm(Import *im)
{
	ImportValue x;
	const OnnxTensor *weight;
	const OnnxTensor *bias;
	HmlShape shape;
	size_t axis;
	size_t from;
	size_t layer;

	HML_TRY(hml_import_layer_input(im, 0, &x));
	HML_TRY(hml_import_floats(im, 1, false, &weight));
	HML_TRY(hml_import_floats(im, 2, true, &bias));
	HML_TRY(hml_import_axis(im, hml_import_int(im, "axis", -1), x.n_dims, &axis));
	if (axis + 1 != x.n_dims)
		return hml_import_refuse(im, "is over more than the last dimension");
	HML_TRY(hml_import_batch_first(im, &x, &shape, &from));
	HML_TRY(hml_import_add_layer(im, "layer_norm", &from, 1, &shape, &layer, ", \"eps\": %.9g", epsilon(im)));
	HML_TRY(need_count(im, weight, shape.dims[shape.n_dims - 1]));
	HML_TRY(hml_import_weight(im, layer, "weight", weight->floats, weight->count));
	if (bias != NULL)
	{
		HML_TRY(need_count(im, bias, weight->count));
		HML_TRY(hml_import_weight(im, layer, "bias", bias->floats, bias->count));
	}
	return hml_import_put(im, layer);
}

/* ---- activations ------------------------------------------------------------------------------------ */

/* One number at a time, so that the graph's view of them does not matter. */
HmlStatus
hml_import_each_number(Import *im, const char *op, const char *attributes)
{
	ImportValue x;
	size_t layer;

	HML_TRY(hml_import_layer_input(im, 0, &x));
	HML_TRY(hml_import_add_layer(im, op, &x.layer, 1, &im->layers[x.layer].shape, &layer, "%s", attributes));
	return hml_import_put_like(im, layer, &x);
}

static HmlStatus
import_leaky_relu(Import *im)
{
	ImportValue x;
	size_t layer;

	HML_TRY(hml_import_layer_input(im, 0, &x));
	HML_TRY(hml_import_add_layer(im, "leaky_relu", &x.layer, 1, &im->layers[x.layer].shape, &layer,
								 ", \"negative_slope\": %.9g",
								 (double) hml_import_float(im, "alpha", 0.01f)));
	return hml_import_put_like(im, layer, &x);
}

static HmlStatus
import_gelu(Import *im)
{
	const OnnxAttribute *approximate = hml_import_attribute(im, "approximate");

	if (approximate != NULL && strcmp(approximate->s, "tanh") == 0)
		return hml_import_refuse(im, "is the approximation by tanh");
	return hml_import_each_number(im, "gelu", "");
}

/* max(x, 0) only. */
static HmlStatus
import_clip(Import *im)
{
	const OnnxTensor *low;
	const OnnxTensor *high;
	double least = (double) hml_import_float(im, "min", -INFINITY);
	double most = (double) hml_import_float(im, "max", INFINITY);

	HML_TRY(hml_import_floats(im, 1, true, &low));
	HML_TRY(hml_import_floats(im, 2, true, &high));
	if ((low != NULL && low->count != 1) || (high != NULL && high->count != 1))
		return hml_import_refuse(im, "has a limit that is not one number");
	if (low != NULL)
		least = (double) low->floats[0];
	if (high != NULL)
		most = (double) high->floats[0];
	if (least != 0 || most < 3.4e38)
		return hml_import_refuse(im, "has limits other than 0 and none");
	return hml_import_each_number(im, "relu", "");
}

/* On the last dimension; another one goes there and back. */
static HmlStatus
import_softmax(Import *im)
{
	int64_t given = hml_import_int(im, "axis", im->graph->opset >= 13 ? -1 : 1);
	size_t perm[HML_MAX_DIMS];
	ImportValue x;
	HmlShape shape;
	size_t axis;
	size_t layer;

	HML_TRY(hml_import_layer_input(im, 0, &x));
	HML_TRY(hml_import_batch_first(im, &x, &shape, &layer));
	HML_TRY(hml_import_axis(im, given, x.n_dims, &axis));
	if (axis == 0 || (im->graph->opset < 13 && axis + 1 != x.n_dims))
		return hml_import_refuse(im, "is over more than one dimension, or the batch");
	for (size_t i = 0; i < shape.n_dims; i++)
		perm[i] = i;
	perm[axis - 1] = shape.n_dims - 1;
	perm[shape.n_dims - 1] = axis - 1;
	if (axis != shape.n_dims)
		HML_TRY(hml_import_transpose(im, layer, perm, &layer));
	HML_TRY(hml_import_add_layer(im, "softmax", &layer, 1, &im->layers[layer].shape, &layer, "%s", ""));
	if (axis != shape.n_dims)
		HML_TRY(hml_import_transpose(im, layer, perm, &layer));
	return hml_import_put(im, layer);
}

#define WINDOW "auto_pad dilations kernel_shape pads strides"

const ImportOp hml_import_layer_ops[] = {
	{"AveragePool", import_pool, WINDOW " ceil_mode count_include_pad", NULL},
	{"BatchNormalization", import_batch_norm, "epsilon is_test momentum spatial training_mode", NULL},
	{"Clip", import_clip, "max min", NULL},
	{"Conv", import_conv, WINDOW " group", NULL},
	{"Gelu", import_gelu, "approximate", NULL},
	{"Gemm", import_gemm, "alpha beta broadcast transA transB", NULL},
	{"GlobalAveragePool", import_global_pool, NULL, NULL},
	{"GlobalMaxPool", import_global_pool, NULL, NULL},
	{"LayerNormalization", import_layer_norm, "axis epsilon stash_type", NULL},
	{"LeakyRelu", import_leaky_relu, "alpha", NULL},
	{"MatMul", import_matmul, NULL, NULL},
	{"MaxPool", import_pool, WINDOW " ceil_mode storage_order", NULL},
	{"Softmax", import_softmax, "axis", NULL},
	{NULL, NULL, NULL, NULL},
};
