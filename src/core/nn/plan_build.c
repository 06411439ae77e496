/*
 * plan_build.c
 *	  From the nodes of a network to the values and steps of a plan.
 *
 * Nodes are taken in order.  A node looks along its only readers for what its
 * kernel can do on the way: batch norm, a residual sum whose other side is already
 * there, an activation.  A value is converted between layouts where a reader
 * wants the other one, once for all its readers.
 */
#include <string.h>

#include "core/nn/optable.h"
#include "core/nn/plan_steps.h"
#include "core/nn/window.h"

enum
{
	PLAIN,
	PIXELS
};

/* ---- values ----------------------------------------------------------------------------------------- */

typedef struct Extent
{
	size_t height;
	size_t width;
	size_t channels;
} Extent;

/* What a node puts out, as pixels of channels: plain rows are pixels of the last dimension. */
static Extent
extent_of(const HmlNode *node, int layout)
{
	const HmlShape *s = &node->shape;
	size_t last = s->dims[s->n_dims - 1];

	if (s->n_dims == 1)
		return (Extent){1, 1, last};
	if (layout == PLAIN)
		return (Extent){1, hml_shape_product(s, 0, s->n_dims - 1), last};
	return (Extent){s->n_dims == 3 ? s->dims[1] : 1, last, s->dims[0]};
}

static HmlStatus
new_value(PlanBuilder *b, Extent extent, size_t *out)
{
	HmlPlan *plan = b->plan;

	*out = plan->n_values;
	if (plan->n_values == b->max_values)
		return hml_fail(b->ctx, HML_INTERNAL, "a plan has more than %zu values", b->max_values);
	plan->n_values++;
	plan->values[*out] = (PlanValue){.root = *out,
									 .height = extent.height,
									 .width = extent.width,
									 .channels = extent.channels,
									 .begin = SIZE_MAX};
	return HML_OK;
}

static PlanValue *
root_of(const PlanBuilder *b, size_t value)
{
	return &b->plan->values[b->plan->values[value].root];
}

static HmlStatus
new_view(PlanBuilder *b, size_t of, Extent extent, size_t *out)
{
	HML_TRY(new_value(b, extent, out));
	b->plan->values[*out].root = b->plan->values[of].root;
	root_of(b, of)->is_viewed = true;
	return HML_OK;
}

static HmlStatus
new_step(PlanBuilder *b, const HmlNode *node, PlanRun run, PlanStep **out)
{
	*out = &b->plan->steps[b->plan->n_steps];
	if (b->plan->n_steps == b->max_steps)
		return hml_fail(b->ctx, HML_INTERNAL, "a plan has more than %zu steps", b->max_steps);
	b->plan->n_steps++;
	**out = (PlanStep){.run = run, .node = node, .n_inputs = 1, .work = PLAN_NO_VALUE, .add = PLAN_NO_VALUE};
	return HML_OK;
}

static HmlStatus
copy_value(PlanBuilder *b, const HmlNode *node, size_t *value)
{
	const PlanValue *v = &b->plan->values[*value];
	Extent extent = {v->height, v->width, v->channels};
	PlanStep *step;

	HML_TRY(new_step(b, node, hml_plan_copy, &step));
	step->x[0] = *value;
	HML_TRY(new_value(b, extent, value));
	step->y = *value;
	return HML_OK;
}

static bool
has_frame(const PlanValue *root)
{
	return (root->frame[0] | root->frame[1] | root->frame[2] | root->frame[3]) != 0;
}

/* The value, or a copy of it, will have its samples one after the other. */
static HmlStatus
make_contiguous(PlanBuilder *b, const HmlNode *node, size_t *value)
{
	if (has_frame(root_of(b, *value)))
		HML_TRY(copy_value(b, node, value));
	root_of(b, *value)->is_fixed = true;
	return HML_OK;
}

/* The value, or a copy of it, will have a frame of at least this. */
static HmlStatus
make_framed(PlanBuilder *b, const HmlNode *node, const size_t frame[4], size_t *value)
{
	PlanValue *root = root_of(b, *value);

	if ((frame[0] | frame[1] | frame[2] | frame[3]) == 0)
		return HML_OK;
	if (root->is_fixed || root->home != PLAN_SCRATCH)
		HML_TRY(copy_value(b, node, value));
	root = root_of(b, *value);
	for (int i = 0; i < 4; i++)
		root->frame[i] = root->frame[i] > frame[i] ? root->frame[i] : frame[i];
	return HML_OK;
}

/* Whether both layouts of a node's output have the numbers in the same order. */
static bool
order_is_same(const HmlShape *s)
{
	return s->n_dims == 1 || s->dims[0] == 1 || hml_shape_product(s, 1, s->n_dims) == 1;
}

/* What a node puts out, in the layout that is asked for; pixels have at most three dimensions. */
static HmlStatus
value_in(PlanBuilder *b, size_t node, int layout, size_t *out)
{
	const HmlNode *from = &b->network->nodes[node];
	size_t other = b->of_node[1 - layout][node];
	PlanStep *step;

	*out = b->of_node[layout][node];
	if (*out != PLAN_NO_VALUE)
		return HML_OK;
	if (order_is_same(&from->shape))
	{
		HML_TRY(make_contiguous(b, from, &other));
		HML_TRY(new_view(b, other, extent_of(from, layout), out));
	}
	else
	{
		HML_TRY(new_step(b, from, layout == PIXELS ? hml_plan_to_pixels : hml_plan_to_plain, &step));
		step->x[0] = other;
		HML_TRY(new_value(b, extent_of(from, layout), out));
		step->y = *out;
	}
	b->of_node[layout][node] = *out;
	return HML_OK;
}

/* A new value for what a node, the last of those that a step stands for, puts out. */
static HmlStatus
output_in(PlanBuilder *b, size_t node, int layout, size_t *out)
{
	HML_TRY(new_value(b, extent_of(&b->network->nodes[node], layout), out));
	b->of_node[layout][node] = *out;
	if (b->network->nodes[node].shape.n_dims == 1)
		b->of_node[1 - layout][node] = *out;
	return HML_OK;
}

/* ---- fusing ----------------------------------------------------------------------------------------- */

/* What follows a node and is done with it. */
typedef struct Tail
{
	const HmlNode *batch_norm; /* NULL = none */
	size_t add;                /* value, or PLAN_NO_VALUE */
	HmlActivation activation;
	float slope;
	size_t last; /* the node whose output is that of all */
} Tail;

enum
{
	FUSE_BATCH_NORM = 1,
	FUSE_ADD = 2
};

static bool
find_activation(const HmlNode *node, HmlActivation *out, float *slope)
{
	static const struct
	{
		const HmlOp *op;
		HmlActivation activation;
	} known[] = {
		{&hml_op_relu, HML_ACT_RELU},       {&hml_op_leaky_relu, HML_ACT_LEAKY_RELU},
		{&hml_op_sigmoid, HML_ACT_SIGMOID}, {&hml_op_tanh, HML_ACT_TANH},
		{&hml_op_silu, HML_ACT_SILU},       {&hml_op_gelu, HML_ACT_GELU},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (node->op == known[i].op)
		{
			*out = known[i].activation;
			*slope = node->op == &hml_op_leaky_relu
						 ? (float) hml_plan_attr(node, "negative_slope")->numbers[0]
						 : 0;
			return true;
		}
	return false;
}

/* The other side of a sum of two whose one side is 'node', if it is there; its shape must be the same. */
static bool
find_other_side(const PlanBuilder *b, const HmlNode *sum, size_t node, size_t *other)
{
	if (sum->n_inputs != 2 || sum->inputs[0] == sum->inputs[1])
		return false;
	*other = sum->inputs[0] == node ? sum->inputs[1] : sum->inputs[0];
	return hml_shape_equal(&sum->x_shape[0], &sum->x_shape[1]) &&
		   (b->of_node[PLAIN][*other] != PLAN_NO_VALUE || b->of_node[PIXELS][*other] != PLAN_NO_VALUE);
}

static HmlStatus
find_tail(PlanBuilder *b, size_t node, unsigned what, Tail *tail)
{
	*tail = (Tail){.add = PLAN_NO_VALUE, .activation = HML_ACT_NONE, .last = node};
	for (size_t next = b->reader[node]; next != SIZE_MAX && tail->activation == HML_ACT_NONE;
		 next = b->reader[next])
	{
		const HmlNode *n = &b->network->nodes[next];
		size_t other;

		if (n->op == &hml_op_batch_norm && (what & FUSE_BATCH_NORM) != 0)
		{
			tail->batch_norm = n;
			what &= ~(unsigned) FUSE_BATCH_NORM;
		}
		else if (n->op == &hml_op_add && (what & FUSE_ADD) != 0 && find_other_side(b, n, tail->last, &other))
		{
			HML_TRY(value_in(b, other, PIXELS, &tail->add));
			what = 0;
		}
		else if (n->op != &hml_op_dropout && !find_activation(n, &tail->activation, &tail->slope))
			break;
		b->is_done[next] = true;
		tail->last = next;
	}
	return HML_OK;
}

/* The step of a node with one input and a tail, from and to values of one layout. */
static HmlStatus
add_step(PlanBuilder *b, size_t node, const Tail *tail, PlanRun run, size_t x, int layout, PlanStep **out)
{
	HML_TRY(new_step(b, &b->network->nodes[node], run, out));
	HML_TRY(output_in(b, tail->last, layout, &(*out)->y));
	(*out)->x[0] = x;
	(*out)->add = tail->add;
	(*out)->activation = tail->activation;
	(*out)->slope = tail->slope;
	return HML_OK;
}

/* The layout in which a value is already there. */
static int
layout_of(const PlanBuilder *b, size_t node)
{
	return b->of_node[PIXELS][node] != PLAN_NO_VALUE ? PIXELS : PLAIN;
}

/* ---- nodes ------------------------------------------------------------------------------------------ */

static HmlStatus
build_operator(PlanBuilder *b, size_t node)
{
	const HmlNode *n = &b->network->nodes[node];
	size_t x[HML_MAX_OP_INPUTS];
	Tail tail;
	PlanStep *step;

	for (size_t k = 0; k < n->n_inputs; k++)
	{
		HML_TRY(value_in(b, n->inputs[k], PLAIN, &x[k]));
		HML_TRY(make_contiguous(b, n, &x[k]));
	}
	HML_TRY(find_tail(b, node, 0, &tail));
	HML_TRY(add_step(b, node, &tail, hml_plan_operator, x[0], PLAIN, &step));
	step->n_inputs = n->n_inputs;
	memcpy(step->x, x, n->n_inputs * sizeof(x[0]));
	HML_TRY(make_contiguous(b, n, &step->y));
	if (n->state + n->scratch + n->scratch_sample == 0)
		return HML_OK;
	/* sized when the number of samples in a chunk is known */
	HML_TRY(new_value(b, (Extent){1, 1, 0}, &step->work));
	b->plan->values[step->work].is_single = true;
	return HML_OK;
}

/* Zeros that the windows of a convolution see round its input. */
static void
frame_of(const HmlConvShape *s, size_t frame[4])
{
	for (int d = 0; d < 2; d++)
	{
		size_t extent = hml_conv_extent(s, d);
		size_t covered = s->pad[d] + s->in[d];

		frame[d] = s->pad[d];
		frame[2 + d] = extent > covered ? extent - covered : 0;
	}
}

static HmlStatus
build_conv(PlanBuilder *b, size_t node)
{
	const HmlNode *n = &b->network->nodes[node];
	const HmlConvShape *s = n->geometry;
	bool is_depthwise = s->groups > 1 && s->groups == s->in_channels && s->groups == s->out_channels;
	size_t frame[4];
	size_t x;
	Tail tail;
	PlanStep *step;

	frame_of(s, frame);
	HML_TRY(value_in(b, n->inputs[0], PIXELS, &x));
	HML_TRY(make_framed(b, n, frame, &x));
	HML_TRY(find_tail(b, node, FUSE_BATCH_NORM | (is_depthwise ? 0 : FUSE_ADD), &tail));
	HML_TRY(add_step(b, node, &tail, is_depthwise ? hml_plan_depthwise : hml_plan_conv, x, PIXELS, &step));
	step->conv = *s;
	for (int d = 0; d < 2; d++)
	{
		step->stencil.in[d] = s->in[d];
		step->stencil.out[d] = s->out[d];
		step->stencil.kernel[d] = s->kernel[d];
		step->stencil.stride[d] = s->stride[d];
		step->stencil.dilation[d] = s->dilation[d];
		step->stencil.pad[d] = s->pad[d];
	}
	return hml_plan_pack_conv(b, n, tail.batch_norm, step);
}

static HmlStatus
build_dense(PlanBuilder *b, size_t node)
{
	const HmlNode *n = &b->network->nodes[node];
	size_t x;
	Tail tail;
	PlanStep *step;

	HML_TRY(value_in(b, n->inputs[0], PLAIN, &x));
	/* the channel of batch norm is the first dimension, the units are the last */
	HML_TRY(find_tail(b, node, n->shape.n_dims == 1 ? FUSE_BATCH_NORM : 0, &tail));
	HML_TRY(add_step(b, node, &tail, hml_plan_dense, x, PLAIN, &step));
	return hml_plan_pack_dense(b, n, tail.batch_norm, step);
}

static HmlStatus
build_pool(PlanBuilder *b, size_t node)
{
	const HmlNode *n = &b->network->nodes[node];
	const HmlWindow *w = n->geometry;
	bool is_max = n->op == &hml_op_max_pool;
	size_t x;
	Tail tail;
	PlanStep *step;

	HML_TRY(value_in(b, n->inputs[0], PIXELS, &x));
	HML_TRY(find_tail(b, node, 0, &tail));
	HML_TRY(add_step(b, node, &tail, is_max ? hml_plan_max_pool : hml_plan_avg_pool, x, PIXELS, &step));
	for (int d = 0; d < 2; d++)
	{
		step->stencil.in[d] = w->in[d];
		step->stencil.out[d] = w->out[d];
		step->stencil.kernel[d] = w->kernel[d];
		step->stencil.stride[d] = w->stride[d];
		step->stencil.dilation[d] = w->dilation[d];
		step->stencil.pad[d] = w->pad[d];
	}
	step->count_padding = !is_max && hml_plan_attr(n, "count_include_pad")->numbers[0] != 0;
	return HML_OK;
}

static HmlStatus
build_global_pool(PlanBuilder *b, size_t node)
{
	const HmlNode *n = &b->network->nodes[node];
	size_t x;
	Tail tail;
	PlanStep *step;

	if (n->x_shape[0].n_dims > 3)
		return build_operator(b, node);
	HML_TRY(value_in(b, n->inputs[0], PIXELS, &x));
	HML_TRY(find_tail(b, node, 0, &tail));
	return add_step(b, node, &tail, n->op == &hml_op_global_max_pool ? hml_plan_maximum : hml_plan_mean, x,
					PIXELS, &step);
}

static HmlStatus
build_batch_norm(PlanBuilder *b, size_t node)
{
	const HmlNode *n = &b->network->nodes[node];
	size_t x;
	Tail tail;
	PlanStep *step;

	HML_TRY(value_in(b, n->inputs[0], PIXELS, &x));
	HML_TRY(find_tail(b, node, 0, &tail));
	HML_TRY(add_step(b, node, &tail, hml_plan_affine, x, PIXELS, &step));
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
	int layout = layout_of(b, n->inputs[0]);
	Tail tail = {.add = PLAN_NO_VALUE, .last = node};
	size_t x;
	PlanStep *step;

	HML_TRY(value_in(b, n->inputs[0], layout, &x));
	find_activation(n, &tail.activation, &tail.slope);
	HML_TRY(add_step(b, node, &tail, hml_plan_activate, x, layout, &step));
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

	for (int layout = PLAIN; layout <= PIXELS; layout++)
	{
		size_t value = b->of_node[layout][n->inputs[0]];

		b->of_node[layout][node] = value;
		if (value != PLAN_NO_VALUE)
			root_of(b, value)->is_viewed = true;
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
build_pairwise(PlanBuilder *b, size_t node, PlanRun run)
{
	const HmlNode *n = &b->network->nodes[node];
	int layout = PLAIN;
	size_t x[HML_MAX_OP_INPUTS];
	Tail tail;
	PlanStep *step;

	for (size_t k = 0; k < n->n_inputs; k++)
		if (layout_of(b, n->inputs[k]) == PIXELS)
			layout = PIXELS;
	for (size_t k = 0; k < n->n_inputs; k++)
		HML_TRY(value_in(b, n->inputs[k], layout, &x[k]));
	HML_TRY(find_tail(b, node, 0, &tail));
	HML_TRY(add_step(b, node, &tail, run, x[0], layout, &step));
	step->n_inputs = n->n_inputs;
	memcpy(step->x, x, n->n_inputs * sizeof(x[0]));
	return HML_OK;
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

static HmlStatus
build_product(PlanBuilder *b, size_t node)
{
	const HmlNode *n = &b->network->nodes[node];
	size_t scale = find_channel_scale(n);
	size_t image;
	size_t factors;
	Tail tail;
	PlanStep *step;

	if (shapes_are_equal(n))
		return build_pairwise(b, node, hml_plan_multiply);
	if (scale == SIZE_MAX)
		return build_operator(b, node);
	HML_TRY(value_in(b, n->inputs[1 - scale], PIXELS, &image));
	HML_TRY(value_in(b, n->inputs[scale], PLAIN, &factors));
	HML_TRY(make_contiguous(b, n, &factors));
	HML_TRY(find_tail(b, node, 0, &tail));
	HML_TRY(add_step(b, node, &tail, hml_plan_scale, image, PIXELS, &step));
	step->n_inputs = 2;
	step->x[1] = factors;
	return HML_OK;
}

/* One behind the other in channels, rows or columns: copies into the whole. */
static HmlStatus
build_concat(PlanBuilder *b, size_t node)
{
	const HmlNode *n = &b->network->nodes[node];
	double given = hml_plan_attr(n, "axis")->numbers[0];
	size_t axis = (size_t) (given < 0 ? given + (double) n->shape.n_dims : given);
	size_t position = 0;
	size_t y;

	if (n->shape.n_dims > 3 || (n->shape.n_dims > 1 && layout_of(b, n->inputs[0]) == PLAIN))
		return build_operator(b, node);
	HML_TRY(output_in(b, node, PIXELS, &y));
	for (size_t k = 0; k < n->n_inputs; k++)
	{
		PlanStep *step;
		size_t x;

		HML_TRY(value_in(b, n->inputs[k], PIXELS, &x));
		HML_TRY(new_step(b, n, hml_plan_copy, &step));
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

	HML_TRY(value_in(b, n->inputs[0], PLAIN, &x));
	HML_TRY(make_contiguous(b, n, &x));
	HML_TRY(new_view(b, x, extent_of(n, PLAIN), &y));
	b->of_node[PLAIN][node] = y;
	if (n->shape.n_dims == 1)
		b->of_node[PIXELS][node] = y;
	return HML_OK;
}

/* (C,L) as pixels is (L,C) as it lies, and the other way round. */
static HmlStatus
build_transpose(PlanBuilder *b, size_t node)
{
	const HmlNode *n = &b->network->nodes[node];
	int layout = layout_of(b, n->inputs[0]);
	size_t y;

	if (n->shape.n_dims != 2 || hml_plan_attr(n, "perm")->numbers[0] != 1)
		return build_operator(b, node);
	HML_TRY(new_view(b, b->of_node[layout][n->inputs[0]], extent_of(n, 1 - layout), &y));
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
	bool is_repeated = b->of_node[PLAIN][from] == PLAN_NO_VALUE && b->of_node[PIXELS][from] == PLAN_NO_VALUE;
	size_t x;
	Tail tail;
	PlanStep *step;

	if (is_repeated)
		from = b->network->nodes[from].inputs[0];
	HML_TRY(value_in(b, from, PLAIN, &x));
	HML_TRY(find_tail(b, node, 0, &tail));
	HML_TRY(add_step(b, node, &tail, hml_plan_recurrent, x, PLAIN, &step));
	HML_TRY(hml_plan_pack_recurrent(b, n, is_repeated, &step->recurrent));
	HML_TRY(new_value(b, (Extent){1, 1, hml_plan_recurrent_work(step->recurrent)}, &step->work));
	b->plan->values[step->work].is_single = true;
	return HML_OK;
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
	if (find_activation(n, &activation, &slope))
		return build_activation;
	return build_operator;
}

static HmlStatus
build_input(PlanBuilder *b, size_t node)
{
	size_t value;

	HML_TRY(output_in(b, node, PLAIN, &value));
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

	HML_TRY(value_in(b, b->network->output, PLAIN, &value));
	if (root_of(b, value)->home == PLAN_INPUT)
		HML_TRY(copy_value(b, n, &value));
	HML_TRY(make_contiguous(b, n, &value));
	root_of(b, value)->home = PLAN_OUTPUT;
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
