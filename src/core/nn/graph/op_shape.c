/*
 * op_shape.c
 *	  Operators that move numbers and compute nothing: flatten, reshape,
 *	  transpose, slice, concat, repeat.
 *
 * Axes count the dimensions of a sample, without the batch, from 0; a negative
 * one counts from the last.
 */
#include <string.h>

#include "core/nn/loops/loops.h"
#include "core/nn/graph/optable.h"

static const HmlAttrSpec no_attrs[] = {{NULL, 0, NULL, 0, 0, NULL, NULL}};

/* 'axis' of x[0]. */
static HmlStatus
read_axis(HmlBuilder *builder, const HmlNode *node, double axis, size_t *out)
{
	double n_dims = (double) node->x_shape[0].n_dims;

	*out = 0;
	if (axis < -n_dims || axis >= n_dims)
		return hml_shape_error(builder, node, "axis %d is out of range for %d dimensions", (int) axis,
							   (int) n_dims);
	*out = (size_t) (axis < 0 ? axis + n_dims : axis);
	return HML_OK;
}

static void
copy(float *to, const float *from, size_t n)
{
	memcpy(to, from, n * sizeof(float));
}

/* ---- flatten and reshape, which the pass makes views ----------------------------------------------- */

static HmlStatus
view_forward(const HmlRun *run)
{
	copy(run->y, run->x[0], run->n * hml_shape_size(&run->node->shape));
	return HML_OK;
}

static HmlStatus
view_backward(const HmlRun *run)
{
	copy(run->gx[0], run->gy, run->n * hml_shape_size(&run->node->shape));
	return HML_OK;
}

static HmlStatus
flatten_shape(HmlBuilder *builder, HmlNode *node)
{
	(void) builder;
	node->shape = (HmlShape){1, {hml_shape_size(&node->x_shape[0])}};
	return HML_OK;
}

static const char *const flatten_cases[] = {"{\"input\":[3,4],\"layers\":[{\"op\":\"flatten\"}]}", NULL};

const HmlOp hml_op_flatten = {
	.name = "flatten",
	.help = "All dimensions of a sample into one.",
	.min_inputs = 1,
	.max_inputs = 1,
	.flags = HML_OP_VIEW,
	.attrs = no_attrs,
	.shape = flatten_shape,
	.forward = view_forward,
	.backward = view_backward,
	.cases = flatten_cases,
};

enum
{
	SHAPE
};

static const HmlAttrSpec reshape_attrs[] = {
	{"shape", HML_ATTR_INTEGERS, NULL, -1, (double) HML_MAX_SAMPLE_SIZE, NULL,
	 "new dimensions; one of them may be -1, which takes what is left"},
	{NULL, 0, NULL, 0, 0, NULL, NULL},
};

static HmlStatus
reshape_shape(HmlBuilder *builder, HmlNode *node)
{
	const HmlAttr *wanted = &node->attrs[SHAPE];
	size_t size = hml_shape_size(&node->x_shape[0]);
	size_t rest = size;
	size_t open = HML_MAX_DIMS; /* number of the dimension that is -1 */
	char text[HML_SHAPE_TEXT_SIZE];

	node->shape.n_dims = wanted->count;
	for (size_t i = 0; i < wanted->count; i++)
	{
		size_t dim = wanted->numbers[i] < 0 ? 1 : (size_t) wanted->numbers[i];

		if (wanted->numbers[i] < 0 && open < HML_MAX_DIMS)
			return hml_shape_error(builder, node, "only one dimension of \"shape\" can be -1");
		if (wanted->numbers[i] < 0)
			open = i;
		if (dim == 0 || rest % dim != 0)
			rest = 0;
		else
			rest /= dim;
		node->shape.dims[i] = dim;
	}
	if (open < HML_MAX_DIMS && rest > 0)
	{
		node->shape.dims[open] = rest;
		rest = 1;
	}
	if (rest != 1)
		return hml_shape_error(builder, node, "an input of shape %s does not fit the given \"shape\"",
							   hml_shape_text(&node->x_shape[0], text));
	return HML_OK;
}

static const char *const reshape_cases[] = {
	"{\"input\":[3,4],\"layers\":[{\"op\":\"reshape\",\"shape\":[2,-1]}]}",
	"{\"input\":[6],\"layers\":[{\"op\":\"tanh\",\"name\":\"t\"},{\"op\":\"reshape\",\"shape\":[2,3]},"
	"{\"op\":\"reshape\",\"name\":\"r\",\"shape\":[2,3],\"inputs\":[\"t\"]},"
	"{\"op\":\"concat\",\"inputs\":[\"reshape_1\",\"r\"]}]}",
	NULL,
};

const HmlOp hml_op_reshape = {
	.name = "reshape",
	.help = "The same numbers in the same order, with other dimensions.",
	.min_inputs = 1,
	.max_inputs = 1,
	.flags = HML_OP_VIEW,
	.attrs = reshape_attrs,
	.shape = reshape_shape,
	.forward = view_forward,
	.backward = view_backward,
	.cases = reshape_cases,
};

/* ---- transpose ------------------------------------------------------------------------------------- */

enum
{
	PERM
};

static const HmlAttrSpec transpose_attrs[] = {
	{"perm", HML_ATTR_INTEGERS, NULL, 0, HML_MAX_DIMS - 1, NULL, "old axis of each new one"},
	{NULL, 0, NULL, 0, 0, NULL, NULL},
};

/* Sizes of the output's dimensions, and steps through the input, padded to HML_MAX_DIMS in front. */
typedef struct Transposition
{
	size_t size[HML_MAX_DIMS];
	size_t step[HML_MAX_DIMS];
} Transposition;

static HmlStatus
transpose_shape(HmlBuilder *builder, HmlNode *node)
{
	const HmlShape *x = &node->x_shape[0];
	const HmlAttr *perm = &node->attrs[PERM];
	Transposition *plan;
	unsigned seen = 0;

	HML_TRY(HML_ARENA_NEW(hml_builder_arena(builder), &plan, 1));
	for (size_t i = 0; i < HML_MAX_DIMS; i++)
	{
		plan->size[i] = 1;
		plan->step[i] = 0;
	}
	node->shape.n_dims = x->n_dims;
	for (size_t i = 0; i < perm->count; i++)
		seen |= 1u << (unsigned) perm->numbers[i];
	if (perm->count != x->n_dims || seen != (1u << x->n_dims) - 1)
		return hml_shape_error(builder, node, "\"perm\" must have each of the %zu axes once", x->n_dims);
	for (size_t i = 0; i < x->n_dims; i++)
	{
		size_t from = (size_t) perm->numbers[i];
		size_t place = HML_MAX_DIMS - x->n_dims + i;

		node->shape.dims[i] = x->dims[from];
		plan->size[place] = x->dims[from];
		plan->step[place] = hml_shape_product(x, from + 1, x->n_dims);
	}
	node->geometry = plan;
	return HML_OK;
}

/* out[counter] = in[offset] in the order of the output, or with 'reverse' the other way. */
static void
transpose_sample(const Transposition *plan, const float *in, float *out, bool reverse)
{
	size_t counter = 0;

	for (size_t a = 0; a < plan->size[0]; a++)
		for (size_t b = 0; b < plan->size[1]; b++)
			for (size_t c = 0; c < plan->size[2]; c++)
			{
				size_t offset = a * plan->step[0] + b * plan->step[1] + c * plan->step[2];

				for (size_t d = 0; d < plan->size[3]; d++, counter++, offset += plan->step[3])
				{
					if (reverse)
						out[offset] = in[counter];
					else
						out[counter] = in[offset];
				}
			}
}

static HmlStatus
transpose_forward(const HmlRun *run)
{
	size_t size = hml_shape_size(&run->node->shape);

	for (size_t i = 0; i < run->n; i++)
		transpose_sample(run->node->geometry, run->x[0] + i * size, run->y + i * size, false);
	return HML_OK;
}

static HmlStatus
transpose_backward(const HmlRun *run)
{
	size_t size = hml_shape_size(&run->node->shape);

	for (size_t i = 0; i < run->n; i++)
		transpose_sample(run->node->geometry, run->gy + i * size, run->gx[0] + i * size, true);
	return HML_OK;
}

static const char *const transpose_cases[] = {
	"{\"input\":[3,5],\"layers\":[{\"op\":\"transpose\",\"perm\":[1,0]}]}",
	"{\"input\":[2,3,4,5],\"layers\":[{\"op\":\"transpose\",\"perm\":[2,0,3,1]}]}",
	NULL,
};

const HmlOp hml_op_transpose = {
	.name = "transpose",
	.help = "Dimensions in another order.",
	.min_inputs = 1,
	.max_inputs = 1,
	.attrs = transpose_attrs,
	.shape = transpose_shape,
	.forward = transpose_forward,
	.backward = transpose_backward,
	.cases = transpose_cases,
};

/* ---- slice ----------------------------------------------------------------------------------------- */

enum
{
	SLICE_AXIS,
	START,
	END
};

static const HmlAttrSpec slice_attrs[] = {
	{"axis", HML_ATTR_INTEGER, "0", -HML_MAX_DIMS, HML_MAX_DIMS - 1, NULL, "dimension that is cut"},
	{"start", HML_ATTR_INTEGER, "0", -(double) HML_MAX_SAMPLE_SIZE, (double) HML_MAX_SAMPLE_SIZE, NULL,
	 "first position; a negative one counts from the end"},
	{"end", HML_ATTR_INTEGER, "null", -(double) HML_MAX_SAMPLE_SIZE, (double) HML_MAX_SAMPLE_SIZE, NULL,
	 "position after the last one, likewise; by default the end"},
	{NULL, 0, NULL, 0, 0, NULL, NULL},
};

/* A sample is 'outer' blocks of 'whole' numbers, of which 'part' from 'offset' on are the slice. */
typedef struct Slice
{
	size_t outer;
	size_t whole;
	size_t offset;
	size_t part;
} Slice;

static HmlStatus
slice_shape(HmlBuilder *builder, HmlNode *node)
{
	const HmlShape *x = &node->x_shape[0];
	Slice *slice;
	size_t axis;
	size_t inner;
	double length;
	double start = hml_attr_number(node, START);
	double end;

	HML_TRY(HML_ARENA_NEW(hml_builder_arena(builder), &slice, 1));
	HML_TRY(read_axis(builder, node, hml_attr_number(node, SLICE_AXIS), &axis));
	length = (double) x->dims[axis];
	end = node->attrs[END].count > 0 ? hml_attr_number(node, END) : length;
	start += start < 0 ? length : 0;
	end += end < 0 ? length : 0;
	if (start < 0 || end > length || start >= end)
		return hml_shape_error(builder, node, "a slice from %d to %d does not fit a dimension of %zu",
							   (int) start, (int) end, x->dims[axis]);
	inner = hml_shape_product(x, axis + 1, x->n_dims);
	slice->outer = hml_shape_product(x, 0, axis);
	slice->whole = x->dims[axis] * inner;
	slice->offset = (size_t) start * inner;
	slice->part = (size_t) (end - start) * inner;
	node->geometry = slice;
	node->shape = *x;
	node->shape.dims[axis] = (size_t) (end - start);
	return HML_OK;
}

static HmlStatus
slice_forward(const HmlRun *run)
{
	const Slice *slice = run->node->geometry;

	for (size_t i = 0; i < run->n * slice->outer; i++)
		copy(run->y + i * slice->part, run->x[0] + i * slice->whole + slice->offset, slice->part);
	return HML_OK;
}

static HmlStatus
slice_backward(const HmlRun *run)
{
	const Slice *slice = run->node->geometry;

	memset(run->gx[0], 0, run->n * slice->outer * slice->whole * sizeof(float));
	for (size_t i = 0; i < run->n * slice->outer; i++)
		copy(run->gx[0] + i * slice->whole + slice->offset, run->gy + i * slice->part, slice->part);
	return HML_OK;
}

static const char *const slice_cases[] = {
	"{\"input\":[6,3],\"layers\":[{\"op\":\"slice\",\"start\":1,\"end\":-1}]}",
	"{\"input\":[3,7],\"layers\":[{\"op\":\"slice\",\"axis\":-1,\"start\":-3}]}",
	NULL,
};

const HmlOp hml_op_slice = {
	.name = "slice",
	.help = "A range of positions along one dimension.",
	.min_inputs = 1,
	.max_inputs = 1,
	.attrs = slice_attrs,
	.shape = slice_shape,
	.forward = slice_forward,
	.backward = slice_backward,
	.cases = slice_cases,
};

/* ---- concat ---------------------------------------------------------------------------------------- */

enum
{
	CONCAT_AXIS
};

static const HmlAttrSpec concat_attrs[] = {
	{"axis", HML_ATTR_INTEGER, "0", -HML_MAX_DIMS, HML_MAX_DIMS - 1, NULL, "dimension that grows"},
	{NULL, 0, NULL, 0, 0, NULL, NULL},
};

static HmlStatus
concat_shape(HmlBuilder *builder, HmlNode *node)
{
	size_t axis;
	char first[HML_SHAPE_TEXT_SIZE];
	char other[HML_SHAPE_TEXT_SIZE];
	size_t *outer;

	HML_TRY(HML_ARENA_NEW(hml_builder_arena(builder), &outer, 1));
	HML_TRY(read_axis(builder, node, hml_attr_number(node, CONCAT_AXIS), &axis));
	node->shape = node->x_shape[0];
	for (size_t k = 1; k < node->n_inputs; k++)
	{
		HmlShape rest = node->x_shape[k];

		if (rest.n_dims == node->shape.n_dims)
			rest.dims[axis] = node->shape.dims[axis];
		if (!hml_shape_equal(&rest, &node->shape))
			return hml_shape_error(builder, node, "shapes %s and %s differ in more than axis %zu",
								   hml_shape_text(&node->x_shape[0], first),
								   hml_shape_text(&node->x_shape[k], other), axis);
		node->shape.dims[axis] += node->x_shape[k].dims[axis];
	}
	*outer = hml_shape_product(&node->shape, 0, axis);
	node->geometry = outer;
	return HML_OK;
}

static HmlStatus
concat_forward(const HmlRun *run)
{
	size_t blocks = run->n * *(const size_t *) run->node->geometry;
	float *y = run->y;

	for (size_t i = 0; i < blocks; i++)
		for (size_t k = 0; k < run->node->n_inputs; k++)
		{
			size_t part = run->n * hml_shape_size(&run->node->x_shape[k]) / blocks;

			copy(y, run->x[k] + i * part, part);
			y += part;
		}
	return HML_OK;
}

static HmlStatus
concat_backward(const HmlRun *run)
{
	size_t blocks = run->n * *(const size_t *) run->node->geometry;
	const float *gy = run->gy;

	for (size_t i = 0; i < blocks; i++)
		for (size_t k = 0; k < run->node->n_inputs; k++)
		{
			size_t part = run->n * hml_shape_size(&run->node->x_shape[k]) / blocks;

			if (run->gx[k] != NULL)
				copy(run->gx[k] + i * part, gy, part);
			gy += part;
		}
	return HML_OK;
}

static const char *const concat_cases[] = {
	"{\"inputs\":{\"a\":[2,3],\"b\":[4,3]},\"layers\":[{\"op\":\"concat\",\"inputs\":[\"a\",\"b\"]}]}",
	"{\"inputs\":{\"a\":[2,3],\"b\":[2,1]},\"layers\":[{\"op\":\"concat\",\"axis\":-1,\"inputs\":[\"a\","
	"\"b\",\"a\"]}]}",
	NULL,
};

const HmlOp hml_op_concat = {
	.name = "concat",
	.help = "Concatenates its inputs along one dimension.",
	.min_inputs = 2,
	.max_inputs = HML_MAX_OP_INPUTS,
	.attrs = concat_attrs,
	.shape = concat_shape,
	.forward = concat_forward,
	.backward = concat_backward,
	.cases = concat_cases,
};

/* ---- repeat ---------------------------------------------------------------------------------------- */

enum
{
	TIMES
};

static const HmlAttrSpec repeat_attrs[] = {
	{"times", HML_ATTR_INTEGER, NULL, 1, 1 << 24, NULL, "steps of the sequence"},
	{NULL, 0, NULL, 0, 0, NULL, NULL},
};

static HmlStatus
repeat_shape(HmlBuilder *builder, HmlNode *node)
{
	HML_TRY(hml_need_dims(builder, node, 1, 1, "(features)"));
	node->shape = (HmlShape){2, {hml_attr_size(node, TIMES), node->x_shape[0].dims[0]}};
	return HML_OK;
}

static HmlStatus
repeat_forward(const HmlRun *run)
{
	size_t times = run->node->shape.dims[0];
	size_t size = run->node->shape.dims[1];

	for (size_t i = 0; i < run->n; i++)
		for (size_t t = 0; t < times; t++)
			copy(run->y + (i * times + t) * size, run->x[0] + i * size, size);
	return HML_OK;
}

static HmlStatus
repeat_backward(const HmlRun *run)
{
	size_t times = run->node->shape.dims[0];
	size_t size = run->node->shape.dims[1];

	for (size_t i = 0; i < run->n; i++)
	{
		copy(run->gx[0] + i * size, run->gy + i * times * size, size);
		for (size_t t = 1; t < times; t++)
			hml_loops()->accumulate(run->gy + (i * times + t) * size, run->gx[0] + i * size, size);
	}
	return HML_OK;
}

static const char *const repeat_cases[] = {
	"{\"input\":[5],\"layers\":[{\"op\":\"repeat\",\"times\":3}]}",
	NULL,
};

const HmlOp hml_op_repeat = {
	.name = "repeat",
	.help = "The same features at every step of a sequence: (F) becomes (times, F).",
	.min_inputs = 1,
	.max_inputs = 1,
	.attrs = repeat_attrs,
	.shape = repeat_shape,
	.forward = repeat_forward,
	.backward = repeat_backward,
	.cases = repeat_cases,
};
