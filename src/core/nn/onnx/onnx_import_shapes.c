/*
 * onnx_import_shapes.c
 *	  ONNX operators on shapes: of constants, which are computed here and now, and of
 *	  what layers put out, which mostly is only seen under other dimensions.
 *
 * Exporters compute the shape for a Reshape out of that of its input.  In such a
 * constant the batch stands as ONNX_BATCH.
 */
#include <math.h>
#include <string.h>

#include "core/nn/onnx/onnx_format.h"
#include "core/nn/onnx/onnx_import.h"

/* ---- constants -------------------------------------------------------------------------------------- */

static HmlStatus
put_constant(Import *im, const OnnxTensor *tensor)
{
	ImportValue value = {.kind = IMPORT_CONSTANT, .tensor = tensor};

	hml_import_set_output(im, 0, &value);
	return HML_OK;
}

static HmlStatus
put_integers(Import *im, const int64_t *values, size_t count, bool is_scalar)
{
	OnnxTensor *tensor;

	HML_TRY(HML_ARENA_NEW_ZERO(im->arena, &tensor, 1));
	tensor->name = "";
	tensor->n_dims = is_scalar ? 0 : 1;
	tensor->dims[0] = (int64_t) count;
	tensor->count = count;
	tensor->integers = values;
	return put_constant(im, tensor);
}

static HmlStatus
import_identity(Import *im)
{
	ImportValue x;

	HML_TRY(hml_import_input(im, 0, &x));
	hml_import_set_output(im, 0, &x);
	return HML_OK;
}

/* Constants are converted; what layers put out is float32, however the graph sees it. */
static HmlStatus
import_cast(Import *im)
{
	bool to_double = hml_import_int(im, "to", ONNX_FLOAT) == ONNX_DOUBLE;
	bool to_float = hml_import_int(im, "to", ONNX_FLOAT) == ONNX_FLOAT || to_double;
	ImportValue x;
	OnnxTensor *tensor;
	float *floats;

	HML_TRY(hml_import_input(im, 0, &x));
	if (x.kind == IMPORT_MISSING)
		return hml_import_refuse(
			im, "takes IsNaN as a number; only a Where that fills in missing inputs may read it");
	if (x.kind == IMPORT_LAYER && !to_float)
		return hml_import_refuse(im, "makes integers of what layers put out");
	x.is_double = x.kind == IMPORT_LAYER && to_double;
	if (x.kind != IMPORT_CONSTANT || (x.tensor->floats != NULL) == to_float || x.tensor->count == 0)
	{
		hml_import_set_output(im, 0, &x);
		return HML_OK;
	}
	if (!to_float)
		return hml_import_refuse(im, "makes integers of constants");
	HML_TRY(HML_ARENA_NEW(im->arena, &tensor, 1));
	HML_TRY(HML_ARENA_NEW(im->arena, &floats, x.tensor->count));
	for (size_t i = 0; i < x.tensor->count && x.tensor->integers != NULL; i++)
		floats[i] = (float) x.tensor->integers[i];
	*tensor = *x.tensor;
	tensor->integers = NULL;
	tensor->floats = x.tensor->integers == NULL ? NULL : floats;
	return put_constant(im, tensor);
}

static HmlStatus
import_constant(Import *im)
{
	const OnnxAttribute *value = hml_import_attribute(im, "value");
	const OnnxAttribute *number = hml_import_attribute(im, "value_float");
	const OnnxAttribute *integer = hml_import_attribute(im, "value_int");
	const OnnxAttribute *integers = hml_import_attribute(im, "value_ints");
	OnnxTensor *tensor;

	if (value != NULL && value->t != NULL)
		return put_constant(im, value->t);
	if (integer != NULL)
		return put_integers(im, &integer->i, 1, true);
	if (integers != NULL)
		return put_integers(im, integers->ints, integers->n_ints, false);
	if (number == NULL)
		return hml_import_refuse(im, "has no value that is a tensor or a number");
	HML_TRY(HML_ARENA_NEW_ZERO(im->arena, &tensor, 1));
	tensor->name = "";
	tensor->count = 1;
	tensor->floats = &number->f;
	return put_constant(im, tensor);
}

/* Zeros are for initial states; ones and others for what is repeated. */
static HmlStatus
import_constant_of_shape(Import *im)
{
	const OnnxAttribute *value = hml_import_attribute(im, "value");
	const OnnxTensor *shape;
	ImportValue out = {.kind = IMPORT_ZEROS};
	int64_t *values;

	HML_TRY(hml_import_integers(im, 0, false, &shape));
	if (value == NULL || value->t == NULL ||
		(value->t->floats != NULL && value->t->count == 1 && value->t->floats[0] == 0))
	{
		hml_import_set_output(im, 0, &out);
		return HML_OK;
	}
	if (value->t->integers == NULL || value->t->count != 1 || shape->count != 1 || shape->integers[0] < 0 ||
		shape->integers[0] > ONNX_MAX_DIMS)
		return hml_import_refuse(im, "makes a constant that is neither zero nor a shape");
	HML_TRY(HML_ARENA_NEW(im->arena, &values, (size_t) shape->integers[0]));
	for (int64_t i = 0; i < shape->integers[0]; i++)
		values[i] = value->t->integers[0];
	return put_integers(im, values, (size_t) shape->integers[0], false);
}

static HmlStatus
import_shape(Import *im)
{
	ImportValue x;
	int64_t *dims;

	HML_TRY(hml_import_input(im, 0, &x));
	if (x.kind == IMPORT_CONSTANT)
	{
		HML_TRY(HML_ARENA_NEW(im->arena, &dims, ONNX_MAX_DIMS));
		memcpy(dims, x.tensor->dims, sizeof(x.tensor->dims));
		return put_integers(im, dims, x.tensor->n_dims, false);
	}
	HML_TRY(hml_import_layer_input(im, 0, &x));
	if (hml_import_attribute(im, "start") != NULL || hml_import_attribute(im, "end") != NULL)
		return hml_import_refuse(im, "takes a part of the shape only");
	HML_TRY(HML_ARENA_NEW(im->arena, &dims, ONNX_MAX_DIMS));
	memcpy(dims, x.dims, sizeof(x.dims));
	return put_integers(im, dims, x.n_dims, false);
}

/* ---- views ------------------------------------------------------------------------------------------ */

static HmlStatus
put_view(Import *im, const ImportValue *x, const int64_t *dims, size_t n_dims)
{
	ImportValue y = {.kind = IMPORT_LAYER, .layer = x->layer, .n_dims = n_dims};

	memcpy(y.dims, dims, n_dims * sizeof(*dims));
	hml_import_set_output(im, 0, &y);
	return HML_OK;
}

/* Product of the dimensions first .. last - 1, the batch not counted; 0 when it is too large. */
static int64_t
product(const int64_t *dims, size_t first, size_t last)
{
	int64_t result = 1;

	for (size_t i = first; i < last; i++)
		if (dims[i] != ONNX_BATCH && __builtin_mul_overflow(result, dims[i], &result))
			return 0;
	return result;
}

/* Numbers keep their order and the batch its place among them, or a view will not do. */
static HmlStatus
check_view(Import *im, const ImportValue *x, const int64_t *dims, size_t n_dims)
{
	size_t old = hml_import_batch_axis(x);
	size_t new = 0;

	while (new < n_dims && dims[new] != ONNX_BATCH)
		new ++;
	if (new == n_dims)
		return hml_import_refuse(im, "mixes the batch with other dimensions");
	if (product(dims, 0, n_dims) != product(x->dims, 0, x->n_dims) ||
		product(dims, 0, new) != product(x->dims, 0, old))
		return hml_import_refuse(im, "does not fit the shape of its input");
	return HML_OK;
}

/*
 * Where no dimension of a shape is known to be the batch: the first one may be, if
 * the others fit, or one in its old place that has the number of samples for which
 * the file was made.
 */
static void
guess_batch(const Import *im, const ImportValue *x, int64_t *dims, size_t n_dims)
{
	size_t place = hml_import_batch_axis(x);

	for (size_t i = 0; i < n_dims; i++)
		if (dims[i] == ONNX_BATCH)
			return;
	if (n_dims > 0 && place == 0 && product(dims, 1, n_dims) == product(x->dims, 0, x->n_dims))
		dims[0] = ONNX_BATCH;
	else if (place < n_dims && dims[place] == im->fixed_batch)
		dims[place] = ONNX_BATCH;
}

static HmlStatus
import_reshape(Import *im)
{
	ImportValue x;
	const OnnxTensor *shape;
	int64_t dims[ONNX_MAX_DIMS];
	size_t open = ONNX_MAX_DIMS;
	int64_t rest;

	HML_TRY(hml_import_layer_input(im, 0, &x));
	HML_TRY(hml_import_integers(im, 1, false, &shape));
	if (shape->count > ONNX_MAX_DIMS)
		return hml_import_refuse(im, "makes %zu dimensions", shape->count);
	for (size_t i = 0; i < shape->count; i++)
	{
		if (shape->integers[i] == 0 && hml_import_int(im, "allowzero", 0) != 0)
			return hml_import_refuse(im, "makes an empty tensor (allowzero)");
		dims[i] = i < x.n_dims && shape->integers[i] == 0 ? x.dims[i] : shape->integers[i];
		if (dims[i] == -1 && open == ONNX_MAX_DIMS)
			open = i;
		else if (dims[i] < 1 && dims[i] != ONNX_BATCH)
			return hml_import_refuse(im, "has %lld in its shape", (long long) dims[i]);
	}
	guess_batch(im, &x, dims, shape->count);
	if (open < ONNX_MAX_DIMS && dims[open] == -1)
	{
		dims[open] = 1;
		rest = product(dims, 0, shape->count);
		dims[open] = rest == 0 ? 0 : product(x.dims, 0, x.n_dims) / rest;
	}
	HML_TRY(check_view(im, &x, dims, shape->count));
	return put_view(im, &x, dims, shape->count);
}

static HmlStatus
import_flatten(Import *im)
{
	ImportValue x;
	int64_t dims[2] = {ONNX_BATCH, 0};
	size_t axis;

	HML_TRY(hml_import_layer_input(im, 0, &x));
	HML_TRY(hml_import_axis(im, hml_import_int(im, "axis", 1), x.n_dims, &axis));
	if (axis != 1 || x.dims[0] != ONNX_BATCH)
		return hml_import_refuse(im, "mixes the batch with other dimensions");
	dims[1] = product(x.dims, 1, x.n_dims);
	return put_view(im, &x, dims, 2);
}

/* Axes of Squeeze and Unsqueeze: an input since opset 13, an attribute before. */
static HmlStatus
read_axes(Import *im, const int64_t **axes, size_t *count)
{
	const OnnxAttribute *attribute = hml_import_attribute(im, "axes");
	const OnnxTensor *tensor;

	*count = 0;
	HML_TRY(hml_import_integers(im, 1, true, &tensor));
	if (tensor != NULL)
	{
		*axes = tensor->integers;
		*count = tensor->count;
	}
	else if (attribute != NULL)
	{
		*axes = attribute->ints;
		*count = attribute->n_ints;
	}
	if (*count > ONNX_MAX_DIMS)
		return hml_import_refuse(im, "has %zu axes", *count);
	return HML_OK;
}

/* Which of 'n_dims' dimensions the axes name; without axes none. */
static HmlStatus
mark_axes(Import *im, size_t n_dims, bool named[ONNX_MAX_DIMS], size_t *count)
{
	const int64_t *axes = NULL;

	memset(named, 0, ONNX_MAX_DIMS * sizeof(*named));
	HML_TRY(read_axes(im, &axes, count));
	for (size_t i = 0; i < *count; i++)
	{
		size_t axis;

		HML_TRY(hml_import_axis(im, axes[i], n_dims, &axis));
		named[axis] = true;
	}
	return HML_OK;
}

static HmlStatus
import_squeeze(Import *im)
{
	bool named[ONNX_MAX_DIMS];
	ImportValue x;
	int64_t dims[ONNX_MAX_DIMS];
	size_t n_dims = 0;
	size_t count;

	HML_TRY(hml_import_input(im, 0, &x));
	if (x.kind == IMPORT_CONSTANT && x.tensor->integers != NULL && x.tensor->count == 1)
		return put_integers(im, x.tensor->integers, 1, true);
	HML_TRY(hml_import_layer_input(im, 0, &x));
	HML_TRY(mark_axes(im, x.n_dims, named, &count));
	for (size_t i = 0; i < x.n_dims; i++)
	{
		if (count == 0)
			named[i] = x.dims[i] == 1;
		if (named[i] && x.dims[i] != 1)
			return hml_import_refuse(im, "removes a dimension that is not 1");
		if (!named[i])
			dims[n_dims++] = x.dims[i];
	}
	return put_view(im, &x, dims, n_dims);
}

static HmlStatus
import_unsqueeze(Import *im)
{
	bool named[ONNX_MAX_DIMS];
	ImportValue x;
	int64_t dims[ONNX_MAX_DIMS];
	size_t from = 0;
	size_t count;
	const int64_t *axes = NULL;

	HML_TRY(hml_import_input(im, 0, &x));
	if (x.kind == IMPORT_CONSTANT && x.tensor->integers != NULL && x.tensor->count == 1)
		return put_integers(im, x.tensor->integers, 1, false);
	HML_TRY(hml_import_layer_input(im, 0, &x));
	HML_TRY(read_axes(im, &axes, &count));
	if (x.n_dims + count > ONNX_MAX_DIMS)
		return hml_import_refuse(im, "makes %zu dimensions", x.n_dims + count);
	HML_TRY(mark_axes(im, x.n_dims + count, named, &count));
	for (size_t i = 0; i < x.n_dims + count; i++)
	{
		if (!named[i] && from == x.n_dims)
			return hml_import_refuse(im, "names an axis twice");
		dims[i] = named[i] ? 1 : x.dims[from++];
	}
	return put_view(im, &x, dims, x.n_dims + count);
}

/* The order of the numbers changes when that of the dimensions without the batch does. */
static HmlStatus
import_transpose(Import *im)
{
	const OnnxAttribute *attribute = hml_import_attribute(im, "perm");
	ImportValue x;
	ImportValue y;
	HmlShape shape;
	size_t perm[ONNX_MAX_DIMS]; /* of the dimensions without the batch */
	size_t n = 0;
	size_t batch;
	unsigned seen = 0;
	bool moves = false;

	HML_TRY(hml_import_layer_input(im, 0, &x));
	batch = hml_import_batch_axis(&x);
	y = x;
	for (size_t i = 0; i < x.n_dims; i++)
	{
		int64_t from = (int64_t) (x.n_dims - 1 - i);

		if (attribute != NULL)
			from = attribute->n_ints == x.n_dims ? attribute->ints[i] : -1;
		if (from < 0 || from >= (int64_t) x.n_dims || (seen & 1u << from) != 0)
			return hml_import_refuse(im, "has a \"perm\" that is no permutation");
		seen |= 1u << from;
		y.dims[i] = x.dims[from];
		if ((size_t) from == batch)
			continue;
		perm[n] = (size_t) from - ((size_t) from > batch);
		moves |= perm[n] != n;
		n++;
	}
	if (moves)
	{
		HML_TRY(hml_import_real_layer(im, &x, &shape, &y.layer));
		HML_TRY(hml_import_transpose(im, y.layer, perm, &y.layer));
	}
	hml_import_set_output(im, 0, &y);
	return HML_OK;
}

/* ---- parts and joints ------------------------------------------------------------------------------- */

/* Numbers start .. end - 1 of one dimension, which is not the batch. */
static HmlStatus
slice_layer(Import *im, ImportValue *x, size_t axis, int64_t start, int64_t end)
{
	size_t batch = hml_import_batch_axis(x);
	int64_t length = x->dims[axis];
	HmlShape shape;
	size_t from;
	size_t sample_axis = axis - (axis > batch);

	if (axis == batch)
		return hml_import_refuse(im, "takes a part of the batch");
	start = start < 0 ? start + length : start;
	end = end < 0 ? end + length : end;
	start = start < 0 ? 0 : start;
	end = end > length ? length : end;
	if (start >= end)
		return hml_import_refuse(im, "takes nothing of a dimension of %lld", (long long) length);
	x->dims[axis] = end - start;
	if (start == 0 && end == length)
		return HML_OK;
	x->dims[axis] = length;
	HML_TRY(hml_import_real_layer(im, x, &shape, &from));
	x->dims[axis] = end - start;
	shape.dims[sample_axis] = (size_t) (end - start);
	return hml_import_add_layer(im, "slice", &from, 1, &shape, &x->layer,
								", \"axis\": %zu, \"start\": %lld, \"end\": %lld", sample_axis,
								(long long) start, (long long) end);
}

/* Starts, ends, axes and steps: inputs since opset 10, attributes before. */
typedef struct Ranges
{
	size_t count;
	const int64_t *starts;
	const int64_t *ends;
	const int64_t *axes;  /* NULL = the first ones */
	const int64_t *steps; /* NULL = 1 */
} Ranges;

static HmlStatus
read_range(Import *im, size_t k, const char *name, bool is_optional, size_t *count, const int64_t **out)
{
	const OnnxAttribute *attribute = hml_import_attribute(im, name);
	const OnnxTensor *tensor;

	HML_TRY(hml_import_integers(im, k, true, &tensor));
	*out = tensor != NULL ? tensor->integers : attribute != NULL ? attribute->ints : NULL;
	if (*out == NULL && is_optional)
		return HML_OK;
	if (*out == NULL)
		return hml_import_refuse(im, "has no \"%s\"", name);
	if (k > 1 && *count != (tensor != NULL ? tensor->count : attribute->n_ints))
		return hml_import_refuse(im, "has ranges of different lengths");
	*count = tensor != NULL ? tensor->count : attribute->n_ints;
	return HML_OK;
}

static HmlStatus
import_slice(Import *im)
{
	ImportValue x;
	Ranges r = {0};

	HML_TRY(hml_import_input(im, 0, &x));
	if (x.kind == IMPORT_ZEROS)
		return import_identity(im);
	HML_TRY(read_range(im, 1, "starts", false, &r.count, &r.starts));
	HML_TRY(read_range(im, 2, "ends", false, &r.count, &r.ends));
	HML_TRY(read_range(im, 3, "axes", true, &r.count, &r.axes));
	HML_TRY(read_range(im, 4, "steps", true, &r.count, &r.steps));
	if (x.kind == IMPORT_CONSTANT && x.tensor->integers != NULL && x.tensor->n_dims == 1 && r.count == 1)
	{
		int64_t n = (int64_t) x.tensor->count;
		int64_t start = r.starts[0] < 0 ? r.starts[0] + n : r.starts[0];
		int64_t end = r.ends[0] < 0 ? r.ends[0] + n : r.ends[0] > n ? n : r.ends[0];

		if (start < 0 || start > end || end > n || (r.steps != NULL && r.steps[0] != 1))
			return hml_import_refuse(im, "does not fit a constant of %zu numbers", x.tensor->count);
		return put_integers(im, x.tensor->integers + start, (size_t) (end - start), false);
	}
	HML_TRY(hml_import_layer_input(im, 0, &x));
	for (size_t i = 0; i < r.count; i++)
	{
		size_t axis;

		if (r.steps != NULL && r.steps[i] != 1)
			return hml_import_refuse(im, "has a step other than 1");
		HML_TRY(hml_import_axis(im, r.axes == NULL ? (int64_t) i : r.axes[i], x.n_dims, &axis));
		if (x.dims[axis] == ONNX_BATCH && r.starts[i] == 0 && r.ends[i] >= INT32_MAX)
			continue; /* all of the batch */
		HML_TRY(slice_layer(im, &x, axis, r.starts[i], r.ends[i]));
	}
	hml_import_set_output(im, 0, &x);
	return HML_OK;
}

/* Of a shape: some numbers.  Of a layer: one position of a dimension, or a run of them. */
static HmlStatus
import_gather(Import *im)
{
	ImportValue x;
	const OnnxTensor *indices;
	int64_t *values;
	size_t axis;
	size_t n_dims;
	size_t first;

	HML_TRY(hml_import_input(im, 0, &x));
	HML_TRY(hml_import_integers(im, 1, false, &indices));
	n_dims = x.kind == IMPORT_CONSTANT ? x.tensor->n_dims : x.n_dims;
	HML_TRY(hml_import_axis(im, hml_import_int(im, "axis", 0), n_dims, &axis));
	if (x.kind == IMPORT_CONSTANT && x.tensor->integers != NULL && n_dims == 1)
	{
		HML_TRY(HML_ARENA_NEW(im->arena, &values, indices->count));
		for (size_t i = 0; i < indices->count; i++)
		{
			size_t at;

			HML_TRY(hml_import_axis(im, indices->integers[i], x.tensor->count, &at));
			values[i] = x.tensor->integers[at];
		}
		return put_integers(im, values, indices->count, indices->n_dims == 0);
	}
	HML_TRY(hml_import_layer_input(im, 0, &x));
	if (indices->n_dims > 1 || indices->count == 0 || axis == hml_import_batch_axis(&x))
		return hml_import_refuse(im, "has indices that are no single one and no run");
	HML_TRY(hml_import_axis(im, indices->integers[0], (size_t) x.dims[axis], &first));
	for (size_t i = 1; i < indices->count; i++)
	{
		size_t at;

		HML_TRY(hml_import_axis(im, indices->integers[i], (size_t) x.dims[axis], &at));
		if (at != first + i)
			return hml_import_refuse(im, "has indices that are no single one and no run");
	}
	HML_TRY(slice_layer(im, &x, axis, (int64_t) first, (int64_t) (first + indices->count)));
	if (indices->n_dims == 0)
		memmove(x.dims + axis, x.dims + axis + 1, (--x.n_dims - axis) * sizeof(x.dims[0]));
	hml_import_set_output(im, 0, &x);
	return HML_OK;
}

static HmlStatus
concat_constants(Import *im)
{
	int64_t *values;
	size_t count = 0;

	HML_TRY(HML_ARENA_NEW(im->arena, &values, ONNX_MAX_DIMS));
	for (size_t k = 0; k < im->node->n_inputs; k++)
	{
		const OnnxTensor *tensor;

		HML_TRY(hml_import_integers(im, k, false, &tensor));
		for (size_t i = 0; i < tensor->count; i++)
		{
			if (count == ONNX_MAX_DIMS)
				return hml_import_refuse(im, "makes a constant of more than %d numbers", ONNX_MAX_DIMS);
			values[count++] = tensor->integers[i];
		}
	}
	return put_integers(im, values, count, false);
}

/* A binary classifier's (1 - p, p) is p to us. */
static bool
is_two_probabilities(Import *im, const ImportValue *p)
{
	const OnnxNode *negative;
	ImportValue one;

	if (im->node->n_inputs != 2 || product(p->dims, 0, p->n_dims) != 1)
		return false;
	negative = hml_import_name(im, im->node->inputs[0])->producer;
	if (negative == NULL || strcmp(negative->op, "Sub") != 0 || negative->n_inputs != 2 ||
		strcmp(negative->inputs[1], im->node->inputs[1]) != 0)
		return false;
	one = hml_import_name(im, negative->inputs[0])->value;
	return one.kind == IMPORT_CONSTANT && one.tensor->floats != NULL && one.tensor->count == 1 &&
		   one.tensor->floats[0] == 1;
}

static HmlStatus
import_concat(Import *im)
{
	size_t from[HML_MAX_OP_INPUTS];
	HmlShape shape;
	ImportValue x;
	size_t axis;
	size_t total = 0;
	size_t layer;

	HML_TRY(hml_import_input(im, 0, &x));
	if (x.kind == IMPORT_CONSTANT)
		return concat_constants(im);
	if (im->node->n_inputs > HML_MAX_OP_INPUTS)
		return hml_import_refuse(im, "has %zu inputs", im->node->n_inputs);
	for (size_t k = 0; k < im->node->n_inputs; k++)
	{
		HML_TRY(hml_import_layer_input(im, k, &x));
		HML_TRY(hml_import_batch_first(im, &x, &shape, &from[k]));
		HML_TRY(hml_import_axis(im, hml_import_int(im, "axis", 0), x.n_dims, &axis));
		if (axis == 0)
			return hml_import_refuse(im, "joins batches");
		total += shape.dims[axis - 1];
	}
	if (is_two_probabilities(im, &x))
	{
		hml_import_set_output(im, 0, &x);
		return HML_OK;
	}
	shape.dims[axis - 1] = total;
	HML_TRY(hml_import_add_layer(im, "concat", from, im->node->n_inputs, &shape, &layer, ", \"axis\": %zu",
								 axis - 1));
	return hml_import_put(im, layer);
}

/* In training mode numbers are dropped: an attribute before opset 7, an input since opset 12. */
static HmlStatus
import_dropout(Import *im)
{
	const OnnxTensor *ratio;
	ImportValue training;
	const OnnxTensor *mode;

	HML_TRY(hml_import_floats(im, 1, true, &ratio));
	HML_TRY(hml_import_input(im, 2, &training));
	mode = training.kind == IMPORT_CONSTANT ? training.tensor : NULL;
	if (training.kind != IMPORT_NOTHING && (mode == NULL || mode->integers == NULL || mode->count != 1))
		return hml_import_refuse(im, "has a training mode that is no constant");
	if ((im->graph->opset < 7 && hml_import_int(im, "is_test", 0) == 0) ||
		(mode != NULL && mode->integers[0] != 0))
		return hml_import_refuse(im, "is in training mode; export the model in evaluation mode");
	return import_identity(im);
}

const ImportOp hml_import_shape_ops[] = {
	{"Cast", import_cast, "round_mode saturate to", NULL},
	{"Concat", import_concat, "axis", NULL},
	{"Constant", import_constant, "value value_float value_int value_ints", NULL},
	{"ConstantOfShape", import_constant_of_shape, "value", NULL},
	{"Dropout", import_dropout, "is_test ratio seed", NULL},
	{"Flatten", import_flatten, "axis", NULL},
	{"Gather", import_gather, "axis", NULL},
	{"Identity", import_identity, NULL, NULL},
	{"Reshape", import_reshape, "allowzero", NULL},
	{"Shape", import_shape, "end start", NULL},
	{"Slice", import_slice, "axes ends starts", NULL},
	{"Squeeze", import_squeeze, "axes", NULL},
	{"Transpose", import_transpose, "perm", NULL},
	{"Unsqueeze", import_unsqueeze, "axes", NULL},
	{NULL, NULL, NULL, NULL},
};
