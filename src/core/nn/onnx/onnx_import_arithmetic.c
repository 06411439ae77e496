/*
 * onnx_import_arithmetic.c
 *	  ONNX operators that add, multiply and reduce.
 *
 * A constant on one side is a bias that a layer before it takes up, or a scaling of
 * channels.  Some combinations stand for one operator of ours: x * sigmoid(x), and
 * x / 2 * (1 + erf(x / sqrt(2))).
 */
#include <math.h>
#include <string.h>

#include "core/nn/onnx/onnx_import.h"

/* ---- constants -------------------------------------------------------------------------------------- */

/*
 * The dimension of a layer along which a constant varies, and how many numbers it
 * has there; dimensions are compared from the last on, as NumPy does it.
 */
typedef struct Along
{
	size_t axis; /* of the sample; any where count is 1 */
	size_t count;
} Along;

static HmlStatus
find_along(Import *im, const OnnxTensor *constant, const ImportValue *x, Along *out)
{
	*out = (Along){0, 1};
	if (constant->n_dims > x->n_dims)
		return hml_import_refuse(im, "adds dimensions: its constant has %zu, its input %zu", constant->n_dims,
								 x->n_dims);
	for (size_t i = 0; i < constant->n_dims; i++)
	{
		int64_t dim = constant->dims[constant->n_dims - 1 - i];

		if (dim == 1)
			continue;
		if (out->count != 1 || i >= x->n_dims || dim != x->dims[x->n_dims - 1 - i])
			return hml_import_refuse(im, "has a constant that is no number for each channel");
		out->axis = x->n_dims - 2 - i;
		out->count = (size_t) dim;
	}
	return HML_OK;
}

/* x * scale + shift, where either may be NULL, along a dimension of x. */
static HmlStatus
put_affine(Import *im, const ImportValue *x, const float *scale, const float *shift, const Along *along)
{
	size_t perm[HML_MAX_DIMS] = {0, 1, 2, 3};
	HmlShape shape;
	size_t layer;

	if (along->count == 1)
	{
		HML_TRY(hml_import_affine(im, x->layer, scale, shift, 1, &layer));
		return hml_import_put_like(im, layer, x);
	}
	HML_TRY(hml_import_batch_first(im, x, &shape, &layer));
	perm[0] = along->axis;
	perm[along->axis] = 0;
	if (along->axis != 0)
		HML_TRY(hml_import_transpose(im, layer, perm, &layer));
	HML_TRY(hml_import_affine(im, layer, scale, shift, along->count, &layer));
	if (along->axis != 0)
		HML_TRY(hml_import_transpose(im, layer, perm, &layer));
	return hml_import_put(im, layer);
}

/* A layer without bias whose output only this node reads takes the constant as its bias. */
static HmlStatus
try_bias(Import *im, size_t k, const ImportValue *x, const OnnxTensor *constant, const Along *along,
		 bool *done)
{
	ImportLayer *layer = &im->layers[x->layer];
	size_t n = layer->shape.n_dims;
	bool is_dense = layer->op != NULL && strcmp(layer->op, "dense") == 0;
	bool is_conv = layer->op != NULL && strncmp(layer->op, "conv", 4) == 0;
	const char *no_bias = layer->op == NULL ? NULL : strstr(layer->attributes, "\"bias\": false");
	size_t channels = is_dense ? layer->shape.dims[n - 1] : layer->shape.dims[0];
	bool is_same = x->n_dims == n + 1 && x->dims[0] == ONNX_BATCH;
	char *attributes;
	float *bias;

	*done = false;
	for (size_t i = 0; i < n && is_same; i++)
		is_same = x->dims[i + 1] == (int64_t) layer->shape.dims[i];
	if ((!is_dense && !is_conv) || no_bias == NULL || !is_same ||
		!hml_import_is_private(im, im->node->inputs[k], 1, layer->node) || layer->n_weights != 1 ||
		(along->count != 1 && along->axis != (is_dense ? n - 1 : 0)) ||
		(along->count != 1 && along->count != channels))
		return HML_OK;
	HML_TRY(HML_ARENA_NEW(im->arena, &bias, channels));
	for (size_t i = 0; i < channels; i++)
		bias[i] = constant->floats[along->count == 1 ? 0 : i];
	HML_TRY(hml_arena_strdup(im->arena, layer->attributes, strlen(layer->attributes), &attributes));
	memcpy(attributes + (no_bias - layer->attributes), "\"bias\": true ", strlen("\"bias\": true "));
	layer->attributes = attributes;
	HML_TRY(hml_import_weight(im, x->layer, "bias", bias, channels));
	hml_import_set_output(im, 0, x);
	*done = true;
	return HML_OK;
}

/* Each number of a constant by a function of it. */
static HmlStatus
map(Import *im, const OnnxTensor *t, float (*f)(float), const float **out)
{
	float *values;

	HML_TRY(HML_ARENA_NEW(im->arena, &values, t->count));
	for (size_t i = 0; i < t->count; i++)
		values[i] = f(t->floats[i]);
	*out = values;
	return HML_OK;
}

static float
negated(float x)
{
	return -x;
}

static float
inverse(float x)
{
	return 1 / x;
}

/* Before opset 7, "axis" says where the dimensions of the second input begin; ours are the last ones. */
static HmlStatus
check_old_broadcast(Import *im, size_t n_dims, size_t constant_dims)
{
	const OnnxAttribute *axis = hml_import_attribute(im, "axis");
	int64_t last = (int64_t) n_dims - (int64_t) constant_dims;

	if (axis == NULL || axis->i == last || axis->i == last - (int64_t) n_dims)
		return HML_OK;
	return hml_import_refuse(im, "has a constant at axis %lld of %zu (a form of before opset 7)",
							 (long long) axis->i, n_dims);
}

/* layer 'op' constant, where the layer is input k. */
static HmlStatus
with_constant(Import *im, char op, size_t k)
{
	const float minus_one = -1;
	const float *other;
	ImportValue x;
	const OnnxTensor *c;
	Along along;
	float *one;
	bool done;

	HML_TRY(hml_import_any_layer(im, k, &x));
	HML_TRY(hml_import_floats(im, 1 - k, false, &c));
	HML_TRY(check_old_broadcast(im, x.n_dims, c->n_dims));
	if (x.is_double)
		return hml_import_scale_input(im, op, k, &x, c);
	HML_TRY(find_along(im, c, &x, &along));
	switch (op)
	{
		case '+':
			HML_TRY(try_bias(im, k, &x, c, &along, &done));
			return done ? HML_OK : put_affine(im, &x, NULL, c->floats, &along);
		case '*':
			return put_affine(im, &x, c->floats, NULL, &along);
		case '/':
			if (k == 1)
				return hml_import_refuse(im, "divides a constant");
			HML_TRY(map(im, c, inverse, &other));
			return put_affine(im, &x, other, NULL, &along);
		default:
			if (k == 0)
			{
				HML_TRY(map(im, c, negated, &other));
				return put_affine(im, &x, NULL, other, &along);
			}
			HML_TRY(HML_ARENA_NEW(im->arena, &one, along.count));
			for (size_t i = 0; i < along.count; i++)
				one[i] = minus_one;
			return put_affine(im, &x, one, c->floats, &along);
	}
}

/* ---- two layers ------------------------------------------------------------------------------------- */

/* 1 in missing dimensions in front, as NumPy does it; the batch must stay the first. */
static HmlStatus
two_layers(Import *im, const char *op)
{
	ImportValue a;
	ImportValue b;
	HmlShape shape_a;
	HmlShape shape_b;
	size_t layers[2];
	size_t layer;

	HML_TRY(hml_import_layer_input(im, 0, &a));
	HML_TRY(hml_import_layer_input(im, 1, &b));
	HML_TRY(check_old_broadcast(im, a.n_dims, b.n_dims));
	if (hml_import_has_same_dims(&a, &b) &&
		hml_shape_equal(&im->layers[a.layer].shape, &im->layers[b.layer].shape))
	{
		layers[0] = a.layer;
		layers[1] = b.layer;
		HML_TRY(hml_import_add_layer(im, op, layers, 2, &im->layers[a.layer].shape, &layer, "%s", ""));
		return hml_import_put_like(im, layer, &a);
	}
	if (a.n_dims != b.n_dims)
		return hml_import_refuse(im, "has inputs of %zu and %zu dimensions", a.n_dims, b.n_dims);
	HML_TRY(hml_import_batch_first(im, &a, &shape_a, &layers[0]));
	HML_TRY(hml_import_batch_first(im, &b, &shape_b, &layers[1]));
	for (size_t i = 0; i < shape_a.n_dims; i++)
	{
		if (shape_a.dims[i] != shape_b.dims[i] && shape_a.dims[i] != 1 && shape_b.dims[i] != 1)
			return hml_import_refuse(im, "has inputs of shapes that do not match");
		if (shape_b.dims[i] > shape_a.dims[i])
			shape_a.dims[i] = shape_b.dims[i];
	}
	HML_TRY(hml_import_add_layer(im, op, layers, 2, &shape_a, &layer, "%s", ""));
	return hml_import_put(im, layer);
}

/* Which input is a constant: 0 or 1; 2 when none is. */
static HmlStatus
find_constant(Import *im, size_t *out)
{
	for (*out = 0; *out < 2; ++*out)
	{
		ImportValue x;

		HML_TRY(hml_import_input(im, *out, &x));
		if (x.kind == IMPORT_CONSTANT)
			return HML_OK;
	}
	return HML_OK;
}

static HmlStatus
import_add(Import *im)
{
	size_t constant;

	HML_TRY(find_constant(im, &constant));
	return constant == 2 ? two_layers(im, "add") : with_constant(im, '+', 1 - constant);
}

static HmlStatus
import_sub(Import *im)
{
	size_t constant;

	HML_TRY(find_constant(im, &constant));
	if (constant == 2)
		return hml_import_refuse(im, "subtracts what a layer puts out");
	return with_constant(im, '-', 1 - constant);
}

static HmlStatus
import_div(Import *im)
{
	size_t constant;

	HML_TRY(find_constant(im, &constant));
	if (constant == 2)
		return hml_import_refuse(im, "divides by what a layer puts out");
	return with_constant(im, '/', 1 - constant);
}

/* x * sigmoid(x), with the sides either way; both must be seen under the same dimensions. */
static bool
is_silu(const Import *im, const ImportValue *x, const ImportValue *gate)
{
	const ImportLayer *layer = &im->layers[gate->layer];

	return layer->op != NULL && strcmp(layer->op, "sigmoid") == 0 && layer->inputs[0] == x->layer &&
		   hml_import_has_same_dims(x, gate);
}

static HmlStatus
import_mul(Import *im)
{
	ImportValue x[2];
	size_t constant;
	size_t layer;

	HML_TRY(find_constant(im, &constant));
	if (constant < 2)
		return with_constant(im, '*', 1 - constant);
	HML_TRY(hml_import_layer_input(im, 0, &x[0]));
	HML_TRY(hml_import_layer_input(im, 1, &x[1]));
	for (size_t k = 0; k < 2; k++)
		if (is_silu(im, &x[k], &x[1 - k]))
		{
			HML_TRY(hml_import_add_layer(im, "silu", &x[k].layer, 1, &im->layers[x[k].layer].shape, &layer,
										 "%s", ""));
			return hml_import_put_like(im, layer, &x[k]);
		}
	return two_layers(im, "mul");
}

/* ---- gelu ------------------------------------------------------------------------------------------- */

/* The only number of a constant input, or NaN; it may be a node that has not had its turn yet. */
static double
constant_number(Import *im, const char *name)
{
	const ImportName *entry = hml_import_name(im, name);
	const OnnxNode *node = entry->producer;
	const OnnxTensor *tensor = entry->value.kind == IMPORT_CONSTANT ? entry->value.tensor : NULL;

	if (tensor == NULL && node != NULL && strcmp(node->op, "Constant") == 0 && node->n_attributes == 1)
		tensor = node->attributes[0].t;
	if (tensor == NULL || tensor->floats == NULL || tensor->count != 1 || tensor->n_dims > 1)
		return NAN; /* more dimensions would add some to the product */
	return (double) tensor->floats[0];
}

/* The node that produces a name, if it has two inputs, one of them a constant number. */
typedef struct Scaled
{
	const char *x;
	double number;
	bool is_division;
} Scaled;

static bool
read_scaled(Import *im, const OnnxNode *node, const char *op, Scaled *out)
{
	if (node == NULL || node->n_inputs != 2 || strcmp(node->op, op) != 0)
		return false;
	for (size_t k = 0; k < 2; k++)
	{
		out->x = node->inputs[1 - k];
		out->number = constant_number(im, node->inputs[k]);
		if (!isnan(out->number))
			return true;
	}
	return false;
}

static bool
is_near(double a, double b)
{
	return fabs(a - b) < 1e-5;
}

/* erf(x / sqrt(2)) of which x?  NULL if it is something else. */
static const char *
erf_argument(Import *im, const OnnxNode *erf)
{
	const OnnxNode *scaling = hml_import_name(im, erf->inputs[0])->producer;
	Scaled scaled;

	if (read_scaled(im, scaling, "Div", &scaled) && is_near(scaled.number, sqrt(2)))
		return scaled.x;
	if (read_scaled(im, scaling, "Mul", &scaled) && is_near(scaled.number, sqrt(0.5)))
		return scaled.x;
	return NULL;
}

/* The only node that reads a name, or NULL. */
static const OnnxNode *
only_reader(Import *im, const char *name)
{
	const OnnxGraph *g = im->graph;

	if (hml_import_name(im, name)->n_readers != 1)
		return NULL;
	for (size_t i = 0; i < g->n_nodes; i++)
		for (size_t k = 0; k < g->nodes[i].n_inputs; k++)
			if (strcmp(g->nodes[i].inputs[k], name) == 0)
				return &g->nodes[i];
	return NULL;
}

/* A product with one half, on either side of it. */
static bool
is_half(Import *im, const char *name, const char *x)
{
	Scaled scaled;

	return read_scaled(im, hml_import_name(im, name)->producer, "Mul", &scaled) &&
		   is_near(scaled.number, 0.5) && strcmp(scaled.x, x) == 0;
}

/* x (1 + erf) / 2, multiplied in either order.  The nodes after the sum, of which there are one or two; 0 = no. */
static size_t
gelu_end(Import *im, const char *x, const OnnxNode *sum, const OnnxNode *nodes[2])
{
	const OnnxNode *product = sum == NULL ? NULL : only_reader(im, sum->outputs[0]);
	const OnnxNode *halving;
	Scaled scaled;
	const char *other;

	if (product == NULL || strcmp(product->op, "Mul") != 0 || product->n_inputs != 2)
		return 0;
	nodes[0] = product;
	other = strcmp(product->inputs[0], sum->outputs[0]) == 0 ? product->inputs[1] : product->inputs[0];
	if (is_half(im, other, x))
		return 1;
	halving = only_reader(im, product->outputs[0]);
	if (strcmp(other, x) != 0 || !read_scaled(im, halving, "Mul", &scaled) || !is_near(scaled.number, 0.5))
		return 0;
	nodes[1] = halving;
	return 2;
}

/* Erf on its own is none of ours: all of gelu is, and the nodes that make it up are passed over. */
static HmlStatus
import_erf(Import *im)
{
	const char *x = im->node->n_inputs == 1 ? erf_argument(im, im->node) : NULL;
	const OnnxNode *sum = x == NULL ? NULL : only_reader(im, im->node->outputs[0]);
	const OnnxNode *end[2];
	size_t count = 0;
	Scaled scaled;
	ImportValue value = {0};

	if (read_scaled(im, sum, "Add", &scaled) && is_near(scaled.number, 1))
		count = gelu_end(im, x, sum, end);
	if (x != NULL)
		value = hml_import_name(im, x)->value;
	if (count == 0 || value.kind != IMPORT_LAYER || value.is_double)
		return hml_import_refuse(im, "is not one that the engine has, but as a part of GELU");
	HML_TRY(hml_import_add_layer(im, "gelu", &value.layer, 1, &im->layers[value.layer].shape, &value.layer,
								 "%s", ""));
	hml_import_set_output(im, 0, &value);
	hml_import_name(im, sum->outputs[0])->value = value;
	for (size_t i = 0; i < count; i++)
		hml_import_name(im, end[i]->outputs[0])->value = value;
	return HML_OK;
}

/* ---- reductions ------------------------------------------------------------------------------------- */

/* Which dimensions are reduced: an attribute, or an input since opset 13 or 18. */
static HmlStatus
read_reduced(Import *im, const ImportValue *x, bool reduced[ONNX_MAX_DIMS])
{
	const OnnxAttribute *attribute = hml_import_attribute(im, "axes");
	const OnnxTensor *tensor;
	size_t count;

	HML_TRY(hml_import_integers(im, 1, true, &tensor));
	count = tensor != NULL ? tensor->count : attribute != NULL ? attribute->n_ints : 0;
	memset(reduced, 0, ONNX_MAX_DIMS * sizeof(*reduced));
	for (size_t i = 0; i < count; i++)
	{
		size_t axis;

		HML_TRY(
			hml_import_axis(im, tensor != NULL ? tensor->integers[i] : attribute->ints[i], x->n_dims, &axis));
		reduced[axis] = true;
	}
	if (count == 0 || reduced[hml_import_batch_axis(x)])
		return hml_import_refuse(im, "reduces the batch");
	return HML_OK;
}

/* All but one dimension of a sample, which becomes the first: a global pool; a sum is a mean times a count. */
static HmlStatus
import_reduce(Import *im)
{
	bool is_max = strcmp(im->node->op, "ReduceMax") == 0;
	bool keeps = hml_import_int(im, "keepdims", 1) != 0;
	bool reduced[ONNX_MAX_DIMS];
	size_t perm[HML_MAX_DIMS] = {0, 1, 2, 3};
	ImportValue x;
	ImportValue y = {.kind = IMPORT_LAYER};
	HmlShape shape;
	size_t kept = HML_MAX_DIMS;
	float count = 1;

	HML_TRY(hml_import_layer_input(im, 0, &x));
	HML_TRY(read_reduced(im, &x, reduced));
	HML_TRY(hml_import_batch_first(im, &x, &shape, &y.layer));
	y.dims[y.n_dims++] = ONNX_BATCH;
	for (size_t i = 0; i < shape.n_dims; i++)
	{
		if (!reduced[i + 1] && kept < HML_MAX_DIMS)
			return hml_import_refuse(im, "keeps more than one dimension");
		if (!reduced[i + 1])
			kept = i;
		else
			count *= (float) shape.dims[i];
		if (!reduced[i + 1] || keeps)
			y.dims[y.n_dims++] = reduced[i + 1] ? 1 : (int64_t) shape.dims[i];
	}
	if (kept == HML_MAX_DIMS)
		return hml_import_refuse(im, "keeps no dimension");
	perm[0] = kept;
	perm[kept] = 0;
	if (kept != 0)
		HML_TRY(hml_import_transpose(im, y.layer, perm, &y.layer));
	shape = (HmlShape){1, {shape.dims[kept]}};
	HML_TRY(hml_import_add_layer(im, is_max ? "global_max_pool" : "global_avg_pool", &y.layer, 1, &shape,
								 &y.layer, "%s", ""));
	if (strcmp(im->node->op, "ReduceSum") == 0)
		HML_TRY(hml_import_affine(im, y.layer, &count, NULL, 1, &y.layer));
	hml_import_set_output(im, 0, &y);
	return HML_OK;
}

#define OLD_BROADCAST "axis broadcast" /* before opset 7 */
#define REDUCTION "axes keepdims noop_with_empty_axes"

const ImportOp hml_import_arithmetic_ops[] = {
	{"Add", import_add, OLD_BROADCAST, NULL},
	{"Div", import_div, OLD_BROADCAST, NULL},
	{"Erf", import_erf, NULL, NULL},
	{"Mul", import_mul, OLD_BROADCAST, NULL},
	{"ReduceMax", import_reduce, REDUCTION, NULL},
	{"ReduceMean", import_reduce, REDUCTION, NULL},
	{"ReduceSum", import_reduce, REDUCTION, NULL},
	{"Sub", import_sub, OLD_BROADCAST, NULL},
	{NULL, NULL, NULL, NULL},
};
