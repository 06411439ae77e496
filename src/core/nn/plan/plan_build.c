/*
 * plan_build.c
 *	  From the nodes of a network to the steps of a plan, one kind of node after the other.
 */
#include <string.h>

#include "core/nn/graph/optable.h"
#include "core/nn/plan/plan_build.h"
#include "core/nn/graph/window.h"

#define BAND_BYTES ((size_t) 512 * 1024) /* of what lies between two convolutions that are joined */

/* ---- nodes ------------------------------------------------------------------------------------------ */

/* Work memory of one chunk, in floats. */
static HmlStatus
add_work(PlanBuilder *b, PlanStep *step, size_t size)
{
	HML_TRY(hml_plan_new_value(b, (PlanExtent){1, 1, size}, &step->work));
	b->plan->values[step->work].is_single = true;
	return HML_OK;
}

static HmlStatus
build_operator(PlanBuilder *b, size_t node)
{
	const HmlNode *n = &b->network->nodes[node];
	size_t x[HML_MAX_OP_INPUTS];
	PlanTail tail;
	PlanStep *step;

	for (size_t k = 0; k < n->n_inputs; k++)
	{
		HML_TRY(hml_plan_value_in(b, n->inputs[k], PLAN_PLAIN, &x[k]));
		HML_TRY(hml_plan_make_contiguous(b, n, &x[k]));
	}
	HML_TRY(hml_plan_find_tail(b, node, 0, &tail));
	HML_TRY(hml_plan_add_step(b, node, &tail, hml_plan_operator, x[0], PLAN_PLAIN, &step));
	step->n_inputs = n->n_inputs;
	memcpy(step->x, x, n->n_inputs * sizeof(x[0]));
	HML_TRY(hml_plan_make_contiguous(b, n, &step->y));
	if (n->state + n->scratch + n->scratch_sample == 0)
		return HML_OK;
	return add_work(b, step, 0); /* sized when the number of samples in a chunk is known */
}

/* Zeros that the windows of a convolution see round its input. */
static void
frame_of(const HmlConvShape *s, size_t frame[4])
{
	for (int d = 0; d < 2; d++)
	{
		size_t extent = hml_window_extent(&s->window, d);
		size_t covered = s->window.pad[d] + s->window.in[d];

		frame[d] = s->window.pad[d];
		frame[2 + d] = extent > covered ? extent - covered : 0;
	}
}

/* Which input of a product is one number for each channel of the other one; SIZE_MAX = none. */
static size_t
find_channel_scale(const HmlNode *n)
{
	for (size_t k = 0; k < 2; k++)
	{
		const HmlShape *scale = &n->x_shape[k];
		const HmlShape *other = &n->x_shape[1 - k];

		if (other->n_dims >= 2 && other->n_dims <= 3 && scale->dims[0] == other->dims[0] &&
			hml_shape_product(scale, 1, scale->n_dims) == 1)
			return k;
	}
	return SIZE_MAX;
}

static bool
is_pointwise(const HmlConvShape *s)
{
	return s->groups == 1 && s->window.kernel[0] == 1 && s->window.kernel[1] == 1 && s->window.pad[0] == 0 &&
		   s->window.pad[1] == 0;
}

/* Whether the only reader of a product scales its filters instead, because these are fewer than the pixels. */
static bool
scales_filters(const PlanBuilder *b, size_t product)
{
	size_t reader = b->reader[product];
	const HmlNode *n = reader == SIZE_MAX ? NULL : &b->network->nodes[reader];
	const HmlConvShape *s;

	if (n == NULL || (n->op != &hml_op_conv1d && n->op != &hml_op_conv2d))
		return false;
	s = n->geometry;
	return is_pointwise(s) && 2 * s->out_channels <= s->window.in[0] * s->window.in[1];
}

/* Image and factors of a product of an image and one number for each channel. */
static HmlStatus
product_inputs(PlanBuilder *b, const HmlNode *n, size_t *image, size_t *factors)
{
	size_t scale = find_channel_scale(n);

	HML_TRY(hml_plan_value_in(b, n->inputs[1 - scale], PLAN_PIXELS, image));
	HML_TRY(hml_plan_value_in(b, n->inputs[scale], PLAN_PLAIN, factors));
	return hml_plan_make_contiguous(b, n, factors);
}

static HmlStatus
build_full_conv(PlanBuilder *b, size_t node)
{
	const HmlNode *n = &b->network->nodes[node];
	const HmlConvShape *s = n->geometry;
	bool is_scaled = !hml_plan_is_there(b, n->inputs[0]);
	bool is_winograd = hml_winograd_fits(s);
	size_t frame[4];
	size_t scale = PLAN_NO_VALUE;
	size_t x;
	PlanTail tail;
	PlanStep *step;

	if (is_scaled)
		HML_TRY(product_inputs(b, &b->network->nodes[n->inputs[0]], &x, &scale));
	else
		HML_TRY(hml_plan_value_in(b, n->inputs[0], PLAN_PIXELS, &x));
	frame_of(s, frame);
	for (int d = 0; d < 2 && is_winograd; d++)
		frame[2 + d] += s->window.out[d] % 2; /* its tiles are of two by two */
	HML_TRY(hml_plan_make_framed(b, n, frame, &x));
	HML_TRY(hml_plan_find_tail(b, node, PLAN_FUSE_BATCH_NORM | PLAN_FUSE_ADD, &tail));
	HML_TRY(hml_plan_add_step(b, node, &tail, is_winograd ? hml_plan_winograd : hml_plan_conv, x, PLAN_PIXELS,
							  &step));
	step->conv = *s;
	step->scale = scale;
	if (is_winograd)
		HML_TRY(add_work(b, step, hml_winograd_scratch(s)));
	if (is_scaled)
		HML_TRY(add_work(b, step, hml_conv_packed_size(b->plan->tiles, s)));
	return hml_plan_pack_conv(b, n, tail.batch_norm, step);
}

/* Whether the step before is a 1 x 1 convolution that only 'node' reads, with more between them than a cache holds. */
static bool
can_join(const PlanBuilder *b, const HmlNode *n, size_t node, size_t x)
{
	const HmlPlan *plan = b->plan;
	const PlanStep *before = plan->n_steps == 0 ? NULL : &plan->steps[plan->n_steps - 1];
	const PlanValue *v = &plan->values[x];

	return before != NULL && before->run == hml_plan_conv && before->y == x && before->add == PLAN_NO_VALUE &&
		   before->scale == PLAN_NO_VALUE && is_pointwise(&before->conv) &&
		   before->conv.window.stride[0] == 1 && before->conv.window.stride[1] == 1 &&
		   b->reader[n->inputs[0]] == node && v->root == x && !v->is_viewed &&
		   v->height * v->width * v->channels * sizeof(float) > BAND_BYTES;
}

/* The last two steps become one. */
static HmlStatus
join_last_steps(PlanBuilder *b)
{
	PlanStep *first = &b->plan->steps[b->plan->n_steps - 2];
	PlanStep *second;

	HML_TRY(HML_ARENA_NEW(b->arena, &second, 1));
	*second = b->plan->steps[--b->plan->n_steps];
	first->run = hml_plan_conv_depthwise;
	first->depthwise = second;
	first->y = second->y;
	first->band_rows = hml_plan_band_rows(&second->window, first->conv.out_channels, BAND_BYTES);
	return add_work(b, first,
					hml_plan_band_size(&second->window, first->conv.out_channels, first->band_rows));
}

static HmlStatus
build_depthwise(PlanBuilder *b, size_t node)
{
	const HmlNode *n = &b->network->nodes[node];
	const HmlConvShape *s = n->geometry;
	size_t frame[4];
	size_t x;
	bool joins;
	PlanTail tail;
	PlanStep *step;

	HML_TRY(hml_plan_value_in(b, n->inputs[0], PLAN_PIXELS, &x));
	joins = can_join(b, n, node, x);
	frame_of(s, frame);
	if (!joins)
		HML_TRY(hml_plan_make_framed(b, n, frame, &x));
	HML_TRY(hml_plan_find_tail(b, node, PLAN_FUSE_BATCH_NORM, &tail));
	HML_TRY(hml_plan_add_kernel(b, node, &tail, hml_plan_depthwise, x, PLAN_PIXELS, &step));
	step->conv = *s;
	step->window = s->window;
	HML_TRY(hml_plan_pack_conv(b, n, tail.batch_norm, step));
	return joins ? join_last_steps(b) : HML_OK;
}

static HmlStatus
build_conv(PlanBuilder *b, size_t node)
{
	const HmlConvShape *s = b->network->nodes[node].geometry;
	bool is_depthwise = s->groups > 1 && s->groups == s->in_channels && s->groups == s->out_channels;

	return is_depthwise ? build_depthwise(b, node) : build_full_conv(b, node);
}

static HmlStatus
build_dense(PlanBuilder *b, size_t node)
{
	const HmlNode *n = &b->network->nodes[node];
	size_t x;
	PlanTail tail;
	PlanStep *step;

	HML_TRY(hml_plan_value_in(b, n->inputs[0], PLAN_PLAIN, &x));
	/* the channel of batch norm is the first dimension, the units are the last */
	HML_TRY(hml_plan_find_tail(b, node, n->shape.n_dims == 1 ? PLAN_FUSE_BATCH_NORM : 0, &tail));
	HML_TRY(hml_plan_add_step(b, node, &tail, hml_plan_dense, x, PLAN_PLAIN, &step));
	return hml_plan_pack_dense(b, n, tail.batch_norm, step);
}

static HmlStatus
build_pool(PlanBuilder *b, size_t node)
{
	const HmlNode *n = &b->network->nodes[node];
	const HmlWindow *w = n->geometry;
	bool is_max = n->op == &hml_op_max_pool;
	size_t x;
	PlanTail tail;
	PlanStep *step;

	HML_TRY(hml_plan_value_in(b, n->inputs[0], PLAN_PIXELS, &x));
	HML_TRY(hml_plan_find_tail(b, node, 0, &tail));
	HML_TRY(hml_plan_add_kernel(b, node, &tail, is_max ? hml_plan_max_pool : hml_plan_avg_pool, x,
								PLAN_PIXELS, &step));
	step->window = *w;
	step->count_padding = !is_max && hml_plan_attr(n, "count_include_pad")->numbers[0] != 0;
	return HML_OK;
}

static HmlStatus
build_global_pool(PlanBuilder *b, size_t node)
{
	const HmlNode *n = &b->network->nodes[node];
	size_t x;
	PlanTail tail;
	PlanStep *step;

	if (n->x_shape[0].n_dims > 3)
		return build_operator(b, node);
	HML_TRY(hml_plan_value_in(b, n->inputs[0], PLAN_PIXELS, &x));
	HML_TRY(hml_plan_find_tail(b, node, 0, &tail));
	return hml_plan_add_kernel(b, node, &tail,
							   n->op == &hml_op_global_max_pool ? hml_plan_maximum : hml_plan_mean, x,
							   PLAN_PIXELS, &step);
}

static HmlStatus
build_batch_norm(PlanBuilder *b, size_t node)
{
	const HmlNode *n = &b->network->nodes[node];
	size_t x;
	PlanTail tail;
	PlanStep *step;

	HML_TRY(hml_plan_value_in(b, n->inputs[0], PLAN_PIXELS, &x));
	HML_TRY(hml_plan_find_tail(b, node, 0, &tail));
	HML_TRY(hml_plan_add_kernel(b, node, &tail, hml_plan_affine, x, PLAN_PIXELS, &step));
	return hml_plan_pack_batch_norm(b, n, step);
}

/* An operator may overwrite an input that nobody else reads. */
static bool
can_overwrite(const PlanBuilder *b, size_t node, size_t value)
{
	const PlanValue *v = &b->plan->values[value];

	return b->network->nodes[node].n_readers == 1 && v->root == value && v->home == PLAN_SCRATCH &&
		   !v->is_viewed;
}

static HmlStatus
build_activation(PlanBuilder *b, size_t node)
{
	const HmlNode *n = &b->network->nodes[node];
	int layout = hml_plan_layout_of(b, n->inputs[0]);
	PlanTail tail = {.add = PLAN_NO_VALUE, .last = node};
	size_t x;
	PlanStep *step;

	HML_TRY(hml_plan_value_in(b, n->inputs[0], layout, &x));
	hml_plan_find_activation(n, &tail.activation, &tail.slope);
	HML_TRY(hml_plan_add_step(b, node, &tail, hml_plan_activate, x, layout, &step));
	if (can_overwrite(b, n->inputs[0], x))
	{
		step->y = x;
		b->of_node[layout][node] = x;
		if (n->shape.n_dims == 1)
			b->of_node[1 - layout][node] = x;
	}
	return HML_OK;
}

/* The value of another node, for one that changes nothing. */
static HmlStatus
build_alias(PlanBuilder *b, size_t node)
{
	const HmlNode *n = &b->network->nodes[node];

	for (int layout = PLAN_PLAIN; layout <= PLAN_PIXELS; layout++)
	{
		size_t value = b->of_node[layout][n->inputs[0]];

		b->of_node[layout][node] = value;
		if (value != PLAN_NO_VALUE)
			hml_plan_root_of(b, value)->is_viewed = true;
	}
	return HML_OK;
}

static bool
shapes_are_equal(const HmlNode *n)
{
	for (size_t k = 1; k < n->n_inputs; k++)
		if (!hml_shape_equal(&n->x_shape[0], &n->x_shape[k]))
			return false;
	return true;
}

/* Sum or product of equal shapes, in the layout that one of them has. */
static HmlStatus
build_pairwise(PlanBuilder *b, size_t node, PlanKernel kernel)
{
	const HmlNode *n = &b->network->nodes[node];
	int layout = PLAN_PLAIN;
	size_t x[HML_MAX_OP_INPUTS];
	PlanTail tail;
	PlanStep *step;

	for (size_t k = 0; k < n->n_inputs; k++)
		if (hml_plan_layout_of(b, n->inputs[k]) == PLAN_PIXELS)
			layout = PLAN_PIXELS;
	for (size_t k = 0; k < n->n_inputs; k++)
		HML_TRY(hml_plan_value_in(b, n->inputs[k], layout, &x[k]));
	HML_TRY(hml_plan_find_tail(b, node, 0, &tail));
	HML_TRY(hml_plan_add_kernel(b, node, &tail, kernel, x[0], layout, &step));
	step->n_inputs = n->n_inputs;
	memcpy(step->x, x, n->n_inputs * sizeof(x[0]));
	return HML_OK;
}

static HmlStatus
build_product(PlanBuilder *b, size_t node)
{
	const HmlNode *n = &b->network->nodes[node];
	size_t image;
	size_t factors;
	PlanTail tail;
	PlanStep *step;

	if (shapes_are_equal(n))
		return build_pairwise(b, node, hml_plan_multiply);
	if (find_channel_scale(n) == SIZE_MAX)
		return build_operator(b, node);
	if (scales_filters(b, node))
		return HML_OK;
	HML_TRY(product_inputs(b, n, &image, &factors));
	HML_TRY(hml_plan_find_tail(b, node, 0, &tail));
	HML_TRY(hml_plan_add_kernel(b, node, &tail, hml_plan_scale, image, PLAN_PIXELS, &step));
	step->n_inputs = 2;
	step->x[1] = factors;
	return HML_OK;
}

/* Concatenation along channels, rows or columns: copies into the whole. */
static HmlStatus
build_concat(PlanBuilder *b, size_t node)
{
	const HmlNode *n = &b->network->nodes[node];
	double given = hml_plan_attr(n, "axis")->numbers[0];
	size_t axis = (size_t) (given < 0 ? given + (double) n->shape.n_dims : given);
	size_t position = 0;
	size_t y;

	if (n->shape.n_dims > 3 || (n->shape.n_dims > 1 && hml_plan_layout_of(b, n->inputs[0]) == PLAN_PLAIN))
		return build_operator(b, node);
	HML_TRY(hml_plan_output_in(b, node, PLAN_PIXELS, &y));
	for (size_t k = 0; k < n->n_inputs; k++)
	{
		PlanStep *step;
		size_t x;

		HML_TRY(hml_plan_value_in(b, n->inputs[k], PLAN_PIXELS, &x));
		HML_TRY(hml_plan_new_step(b, n, hml_plan_copy, &step));
		step->x[0] = x;
		step->y = y;
		if (axis == 0)
			step->first_channel = position;
		else if (axis + 1 == n->shape.n_dims)
			step->first_pixel = position;
		else
			step->first_row = position;
		position += n->x_shape[k].dims[axis];
	}
	return HML_OK;
}

/* Flatten and reshape: the same numbers under another shape. */
static HmlStatus
build_view(PlanBuilder *b, size_t node)
{
	const HmlNode *n = &b->network->nodes[node];
	size_t x;
	size_t y;

	HML_TRY(hml_plan_value_in(b, n->inputs[0], PLAN_PLAIN, &x));
	HML_TRY(hml_plan_make_contiguous(b, n, &x));
	HML_TRY(hml_plan_new_view(b, x, hml_plan_extent_of(n, PLAN_PLAIN), &y));
	b->of_node[PLAN_PLAIN][node] = y;
	if (n->shape.n_dims == 1)
		b->of_node[PLAN_PIXELS][node] = y;
	return HML_OK;
}

/* (C,L) as pixels is (L,C) as it lies, and the other way round. */
static HmlStatus
build_transpose(PlanBuilder *b, size_t node)
{
	const HmlNode *n = &b->network->nodes[node];
	int layout = hml_plan_layout_of(b, n->inputs[0]);
	size_t y;

	if (n->shape.n_dims != 2 || hml_plan_attr(n, "perm")->numbers[0] != 1)
		return build_operator(b, node);
	HML_TRY(hml_plan_new_view(b, b->of_node[layout][n->inputs[0]], hml_plan_extent_of(n, 1 - layout), &y));
	b->of_node[1 - layout][node] = y;
	return HML_OK;
}

/* A sequence that repeats one row is not made when it only goes into a recurrent layer. */
static HmlStatus
build_repeat(PlanBuilder *b, size_t node)
{
	size_t reader = b->reader[node];
	const HmlOp *op = reader == SIZE_MAX ? NULL : b->network->nodes[reader].op;

	if (op != &hml_op_lstm && op != &hml_op_gru)
		return build_operator(b, node);
	return HML_OK;
}

static HmlStatus
build_recurrent(PlanBuilder *b, size_t node)
{
	const HmlNode *n = &b->network->nodes[node];
	size_t from = n->inputs[0];
	bool is_repeated = !hml_plan_is_there(b, from);
	size_t x;
	PlanTail tail;
	PlanStep *step;

	if (is_repeated)
		from = b->network->nodes[from].inputs[0];
	HML_TRY(hml_plan_value_in(b, from, PLAN_PLAIN, &x));
	HML_TRY(hml_plan_find_tail(b, node, 0, &tail));
	HML_TRY(hml_plan_add_step(b, node, &tail, hml_plan_recurrent, x, PLAN_PLAIN, &step));
	HML_TRY(hml_plan_pack_recurrent(b, n, is_repeated, &step->recurrent));
	return add_work(b, step, hml_plan_recurrent_work(step->recurrent));
}

/* ---- the network ------------------------------------------------------------------------------------ */

typedef HmlStatus (*Build)(PlanBuilder *b, size_t node);

static Build
find_build(const HmlNode *n)
{
	static const struct
	{
		const HmlOp *op;
		Build build;
	} known[] = {
		{&hml_op_conv1d, build_conv},
		{&hml_op_conv2d, build_conv},
		{&hml_op_dense, build_dense},
		{&hml_op_max_pool, build_pool},
		{&hml_op_avg_pool, build_pool},
		{&hml_op_global_avg_pool, build_global_pool},
		{&hml_op_global_max_pool, build_global_pool},
		{&hml_op_mul, build_product},
		{&hml_op_concat, build_concat},
		{&hml_op_flatten, build_view},
		{&hml_op_reshape, build_view},
		{&hml_op_transpose, build_transpose},
		{&hml_op_dropout, build_alias},
		{&hml_op_repeat, build_repeat},
		{&hml_op_gru, build_recurrent},
		{&hml_op_lstm, build_recurrent},
	};
	HmlActivation activation;
	float slope;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (n->op == known[i].op)
			return known[i].build;
	if (n->op == &hml_op_batch_norm && n->shape.n_dims <= 3)
		return build_batch_norm;
	if (hml_plan_find_activation(n, &activation, &slope))
		return build_activation;
	return build_operator;
}

static HmlStatus
build_input(PlanBuilder *b, size_t node)
{
	size_t value;

	HML_TRY(hml_plan_output_in(b, node, PLAN_PLAIN, &value));
	b->plan->values[value].home = PLAN_INPUT;
	b->plan->values[value].input = node;
	b->plan->values[value].is_fixed = true;
	return HML_OK;
}

/* The output lies in memory of the caller; where it cannot be made there, it is copied. */
static HmlStatus
build_output(PlanBuilder *b)
{
	const HmlNode *n = &b->network->nodes[b->network->output];
	size_t value;

	HML_TRY(hml_plan_value_in(b, b->network->output, PLAN_PLAIN, &value));
	if (hml_plan_root_of(b, value)->home == PLAN_INPUT)
		HML_TRY(hml_plan_copy_value(b, n, &value));
	HML_TRY(hml_plan_make_contiguous(b, n, &value));
	hml_plan_root_of(b, value)->home = PLAN_OUTPUT;
	b->plan->output = value;
	return HML_OK;
}

HmlStatus
hml_plan_build(PlanBuilder *b)
{
	for (size_t i = 0; i < b->network->n_inputs; i++)
		HML_TRY(build_input(b, i));
	for (size_t i = b->network->n_inputs; i < b->network->n_nodes; i++)
	{
		HML_TRY(hml_poll(b->ctx));
		if (!b->is_done[i] && b->network->nodes[i].op == &hml_op_add &&
			shapes_are_equal(&b->network->nodes[i]) && b->network->nodes[i].shape.n_dims <= 3)
			HML_TRY(build_pairwise(b, i, hml_plan_add));
		else if (!b->is_done[i])
			HML_TRY(find_build(&b->network->nodes[i])(b, i));
	}
	return build_output(b);
}
