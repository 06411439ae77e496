/*
 * op_arithmetic.c
 *	  add (residual connections) and mul (gates, squeeze and excite).
 *
 * The inputs have the same number of dimensions; a dimension of 1 is repeated to
 * match the others.
 */
#include <string.h>

#include "core/nn/loops/loops.h"
#include "core/nn/graph/optable.h"

static const HmlAttrSpec no_attrs[] = {{NULL, 0, NULL, 0, 0, NULL, NULL}};

/* ---- broadcasting ---------------------------------------------------------------------------------- */

/*
 * A sample of y as rows of 'row' numbers, in up to three nested counts; each
 * input goes on by step[d] when count d goes on, and within a row by 1 or 0.
 */
typedef struct Broadcast
{
	bool is_plain; /* all inputs have the shape of y */
	size_t count[HML_MAX_DIMS - 1];
	size_t row;
	size_t step[HML_MAX_OP_INPUTS][HML_MAX_DIMS - 1];
	bool is_repeated[HML_MAX_OP_INPUTS]; /* one number for the whole row */
} Broadcast;

static HmlStatus
find_shape(HmlBuilder *builder, HmlNode *node)
{
	char first[HML_SHAPE_TEXT_SIZE];
	char other[HML_SHAPE_TEXT_SIZE];

	node->shape = node->x_shape[0];
	for (size_t k = 1; k < node->n_inputs; k++)
	{
		const HmlShape *x = &node->x_shape[k];
		bool fits = x->n_dims == node->shape.n_dims;

		for (size_t d = 0; d < node->shape.n_dims && fits; d++)
		{
			fits = x->dims[d] == node->shape.dims[d] || x->dims[d] == 1 || node->shape.dims[d] == 1;
			if (x->dims[d] > node->shape.dims[d])
				node->shape.dims[d] = x->dims[d];
		}
		if (!fits)
			return hml_shape_error(builder, node, "shapes %s and %s do not match",
								   hml_shape_text(&node->x_shape[0], first), hml_shape_text(x, other));
	}
	return HML_OK;
}

static HmlStatus
shape(HmlBuilder *builder, HmlNode *node)
{
	Broadcast *plan;
	size_t n_dims;

	HML_TRY(HML_ARENA_NEW_ZERO(hml_builder_arena(builder), &plan, 1));
	HML_TRY(find_shape(builder, node));
	n_dims = node->shape.n_dims;
	plan->is_plain = true;
	plan->row = node->shape.dims[n_dims - 1];
	for (size_t d = 0; d < HML_MAX_DIMS - 1; d++)
		plan->count[d] = 1;
	for (size_t d = 0; d + 1 < n_dims; d++)
		plan->count[HML_MAX_DIMS - n_dims + d] = node->shape.dims[d];
	for (size_t k = 0; k < node->n_inputs; k++)
	{
		const HmlShape *x = &node->x_shape[k];

		plan->is_plain &= hml_shape_equal(x, &node->shape);
		plan->is_repeated[k] = x->dims[n_dims - 1] != plan->row;
		for (size_t d = 0; d + 1 < n_dims; d++)
			plan->step[k][HML_MAX_DIMS - n_dims + d] =
				x->dims[d] == 1 ? 0 : hml_shape_product(x, d + 1, n_dims);
	}
	node->geometry = plan;
	node->flops = (double) (node->n_inputs - 1) * (double) hml_shape_size(&node->shape);
	return HML_OK;
}

/* Where a row of input k begins, at the given counts. */
static size_t
row_offset(const Broadcast *plan, size_t k, const size_t at[HML_MAX_DIMS - 1])
{
	size_t offset = 0;

	for (size_t d = 0; d < HML_MAX_DIMS - 1; d++)
		offset += at[d] * plan->step[k][d];
	return offset;
}

/* To the next row, like an odometer; false after the last. */
static bool
next_row(const Broadcast *plan, size_t at[HML_MAX_DIMS - 1])
{
	for (size_t d = HML_MAX_DIMS - 1; d-- > 0;)
	{
		if (++at[d] < plan->count[d])
			return true;
		at[d] = 0;
	}
	return false;
}

/* ---- add ------------------------------------------------------------------------------------------- */

static void
add_row(const HmlLoops *loops, const float *x, bool is_repeated, float *y, size_t n)
{
	if (is_repeated)
		loops->affine(y, 1, *x, y, n);
	else
		loops->accumulate(x, y, n);
}

static void
add_sample(const HmlRun *run, size_t sample)
{
	const Broadcast *plan = run->node->geometry;
	size_t at[HML_MAX_DIMS - 1] = {0};
	float *y = run->y + sample * hml_shape_size(&run->node->shape);

	do
	{
		memset(y, 0, plan->row * sizeof(float));
		for (size_t k = 0; k < run->node->n_inputs; k++)
			add_row(hml_loops(),
					run->x[k] + sample * hml_shape_size(&run->node->x_shape[k]) + row_offset(plan, k, at),
					plan->is_repeated[k], y, plan->row);
		y += plan->row;
	} while (next_row(plan, at));
}

static HmlStatus
add_forward(const HmlRun *run)
{
	const Broadcast *plan = run->node->geometry;
	size_t size = run->n * hml_shape_size(&run->node->shape);

	if (plan->is_plain)
	{
		hml_loops()->add(run->x[0], run->x[1], run->y, size);
		for (size_t k = 2; k < run->node->n_inputs; k++)
			hml_loops()->accumulate(run->x[k], run->y, size);
	}
	else
		for (size_t i = 0; i < run->n; i++)
			add_sample(run, i);
	return HML_OK;
}

/* Input k of one sample gets the sum of gy over where it was repeated. */
static void
add_sample_backward(const HmlRun *run, size_t sample, size_t k)
{
	const Broadcast *plan = run->node->geometry;
	size_t at[HML_MAX_DIMS - 1] = {0};
	size_t size = hml_shape_size(&run->node->x_shape[k]);
	const float *gy = run->gy + sample * hml_shape_size(&run->node->shape);
	float *gx = run->gx[k] + sample * size;

	memset(gx, 0, size * sizeof(float));
	do
	{
		if (plan->is_repeated[k])
			gx[row_offset(plan, k, at)] += (float) hml_loops()->sum(gy, plan->row);
		else
			hml_loops()->accumulate(gy, gx + row_offset(plan, k, at), plan->row);
		gy += plan->row;
	} while (next_row(plan, at));
}

static HmlStatus
add_backward(const HmlRun *run)
{
	const HmlNode *node = run->node;

	for (size_t k = 0; k < node->n_inputs; k++)
	{
		if (run->gx[k] == NULL || run->gx[k] == run->gy)
			continue;
		if (hml_shape_equal(&node->x_shape[k], &node->shape))
			memcpy(run->gx[k], run->gy, run->n * hml_shape_size(&node->shape) * sizeof(float));
		else
			for (size_t i = 0; i < run->n; i++)
				add_sample_backward(run, i, k);
	}
	return HML_OK;
}

static const char *const add_cases[] = {
	"{\"inputs\":{\"a\":[2,3],\"b\":[2,3]},\"layers\":[{\"op\":\"add\",\"inputs\":[\"a\",\"b\"]}]}",
	"{\"inputs\":{\"a\":[2,3,4],\"b\":[2,1,1],\"c\":[1,3,4]},\"layers\":[{\"op\":\"add\",\"inputs\":[\"a\","
	"\"b\","
	"\"c\"]}]}",
	"{\"input\":[4],\"layers\":[{\"op\":\"tanh\",\"name\":\"t\"},{\"op\":\"tanh\"},{\"op\":\"add\","
	"\"inputs\":"
	"[\"tanh_2\",\"t\",\"input\"]}]}",
	NULL,
};

const HmlOp hml_op_add = {
	.name = "add",
	.help = "Sum of the inputs; dimensions of 1 are repeated to match.",
	.min_inputs = 2,
	.max_inputs = HML_MAX_OP_INPUTS,
	.flags = HML_OP_IN_PLACE,
	.attrs = no_attrs,
	.shape = shape,
	.forward = add_forward,
	.backward = add_backward,
	.cases = add_cases,
};

/* ---- mul ------------------------------------------------------------------------------------------- */

/* y += a * b over a row, where any of the three may be one number. */
static void
multiply_row(const HmlLoops *loops, const float *a, bool a_is_repeated, const float *b, bool b_is_repeated,
			 float *y, bool y_is_repeated, size_t n)
{
	if (y_is_repeated)
		*y += (float) (a_is_repeated   ? (double) *a * loops->sum(b, n)
					   : b_is_repeated ? (double) *b * loops->sum(a, n)
									   : loops->dot(a, b, n));
	else if (a_is_repeated)
		loops->accumulate_scaled(b, *a, y, n);
	else if (b_is_repeated)
		loops->accumulate_scaled(a, *b, y, n);
	else
		loops->accumulate_product(a, b, y, n);
}

static HmlStatus
mul_forward(const HmlRun *run)
{
	const Broadcast *plan = run->node->geometry;
	size_t size = hml_shape_size(&run->node->shape);

	memset(run->y, 0, run->n * size * sizeof(float));
	for (size_t i = 0; i < run->n; i++)
	{
		const float *a = run->x[0] + i * hml_shape_size(&run->node->x_shape[0]);
		const float *b = run->x[1] + i * hml_shape_size(&run->node->x_shape[1]);
		size_t at[HML_MAX_DIMS - 1] = {0};
		float *y = run->y + i * size;

		do
		{
			multiply_row(hml_loops(), a + row_offset(plan, 0, at), plan->is_repeated[0],
						 b + row_offset(plan, 1, at), plan->is_repeated[1], y, plan->row == 1, plan->row);
			y += plan->row;
		} while (next_row(plan, at));
	}
	return HML_OK;
}

/* The gradient of one factor is gy times the other one, summed over where it was repeated. */
static void
mul_sample_backward(const HmlRun *run, size_t sample, size_t k)
{
	const Broadcast *plan = run->node->geometry;
	size_t at[HML_MAX_DIMS - 1] = {0};
	size_t size = hml_shape_size(&run->node->x_shape[k]);
	const float *other = run->x[1 - k] + sample * hml_shape_size(&run->node->x_shape[1 - k]);
	const float *gy = run->gy + sample * hml_shape_size(&run->node->shape);
	float *gx = run->gx[k] + sample * size;

	memset(gx, 0, size * sizeof(float));
	do
	{
		multiply_row(hml_loops(), other + row_offset(plan, 1 - k, at), plan->is_repeated[1 - k], gy, false,
					 gx + row_offset(plan, k, at), plan->is_repeated[k], plan->row);
		gy += plan->row;
	} while (next_row(plan, at));
}

static HmlStatus
mul_backward(const HmlRun *run)
{
	for (size_t k = 0; k < 2; k++)
		for (size_t i = 0; i < run->n && run->gx[k] != NULL; i++)
			mul_sample_backward(run, i, k);
	return HML_OK;
}

static const char *const mul_cases[] = {
	"{\"inputs\":{\"a\":[3,4,5],\"b\":[3,1,1]},\"layers\":[{\"op\":\"mul\",\"inputs\":[\"a\",\"b\"]}]}",
	"{\"inputs\":{\"a\":[1,4],\"b\":[3,4]},\"layers\":[{\"op\":\"mul\",\"inputs\":[\"a\",\"b\"]}]}",
	"{\"inputs\":{\"a\":[3,1],\"b\":[1,4]},\"layers\":[{\"op\":\"mul\",\"inputs\":[\"a\",\"b\"]}]}",
	"{\"input\":[6],\"layers\":[{\"op\":\"tanh\"},{\"op\":\"mul\",\"inputs\":[\"tanh_1\",\"tanh_1\"]}]}",
	"{\"inputs\":{\"a\":[4,1],\"b\":[4,1]},\"layers\":[{\"op\":\"mul\",\"inputs\":[\"a\",\"b\"]}]}",
	NULL,
};

const HmlOp hml_op_mul = {
	.name = "mul",
	.help = "Product of two inputs; dimensions of 1 are repeated to match.",
	.min_inputs = 2,
	.max_inputs = 2,
	.flags = HML_OP_KEEPS_INPUTS,
	.attrs = no_attrs,
	.shape = shape,
	.forward = mul_forward,
	.backward = mul_backward,
	.cases = mul_cases,
};
