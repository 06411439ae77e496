/*
 * plan_values.c
 *	  Values of a plan under construction: layouts, views, frames, and what is fused.
 *
 * A value is converted between layouts where a reader wants the other one, once
 * for all its readers.  A node looks along its only readers for what its kernel can
 * do on the way: batch norm, a residual sum whose other side is already there, an
 * activation.
 */
#include <string.h>

#include "core/nn/graph/optable.h"
#include "core/nn/plan/plan_build.h"

/* ---- values ----------------------------------------------------------------------------------------- */

/* What a node puts out, as pixels of channels: plain rows are pixels of the last dimension. */
PlanExtent
hml_plan_extent_of(const HmlNode *node, int layout)
{
	const HmlShape *s = &node->shape;
	size_t last = s->dims[s->n_dims - 1];

	if (s->n_dims == 1)
		return (PlanExtent){1, 1, last};
	if (layout == PLAN_PLAIN)
		return (PlanExtent){1, hml_shape_product(s, 0, s->n_dims - 1), last};
	return (PlanExtent){s->n_dims == 3 ? s->dims[1] : 1, last, s->dims[0]};
}

HmlStatus
hml_plan_new_value(PlanBuilder *b, PlanExtent extent, size_t *out)
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

PlanValue *
hml_plan_root_of(const PlanBuilder *b, size_t value)
{
	return &b->plan->values[b->plan->values[value].root];
}

HmlStatus
hml_plan_new_view(PlanBuilder *b, size_t of, PlanExtent extent, size_t *out)
{
	HML_TRY(hml_plan_new_value(b, extent, out));
	b->plan->values[*out].root = b->plan->values[of].root;
	hml_plan_root_of(b, of)->is_viewed = true;
	return HML_OK;
}

HmlStatus
hml_plan_new_step(PlanBuilder *b, const HmlNode *node, PlanRun run, PlanStep **out)
{
	*out = &b->plan->steps[b->plan->n_steps];
	if (b->plan->n_steps == b->max_steps)
		return hml_fail(b->ctx, HML_INTERNAL, "a plan has more than %zu steps", b->max_steps);
	b->plan->n_steps++;
	**out = (PlanStep){.run = run,
					   .node = node,
					   .n_inputs = 1,
					   .work = PLAN_NO_VALUE,
					   .add = PLAN_NO_VALUE,
					   .scale = PLAN_NO_VALUE};
	return HML_OK;
}

HmlStatus
hml_plan_copy_value(PlanBuilder *b, const HmlNode *node, size_t *value)
{
	const PlanValue *v = &b->plan->values[*value];
	PlanExtent extent = {v->height, v->width, v->channels};
	PlanStep *step;

	HML_TRY(hml_plan_new_step(b, node, hml_plan_copy, &step));
	step->x[0] = *value;
	HML_TRY(hml_plan_new_value(b, extent, value));
	step->y = *value;
	return HML_OK;
}

static bool
has_frame(const PlanValue *root)
{
	return (root->frame[0] | root->frame[1] | root->frame[2] | root->frame[3]) != 0;
}

/* The value, or a copy of it, will have its samples one after the other. */
HmlStatus
hml_plan_make_contiguous(PlanBuilder *b, const HmlNode *node, size_t *value)
{
	if (has_frame(hml_plan_root_of(b, *value)))
		HML_TRY(hml_plan_copy_value(b, node, value));
	hml_plan_root_of(b, *value)->is_fixed = true;
	return HML_OK;
}

/* The value, or a copy of it, will have a frame of at least this. */
HmlStatus
hml_plan_make_framed(PlanBuilder *b, const HmlNode *node, const size_t frame[4], size_t *value)
{
	PlanValue *root = hml_plan_root_of(b, *value);

	if ((frame[0] | frame[1] | frame[2] | frame[3]) == 0)
		return HML_OK;
	if (root->is_fixed || root->home != PLAN_SCRATCH)
		HML_TRY(hml_plan_copy_value(b, node, value));
	root = hml_plan_root_of(b, *value);
	for (int i = 0; i < 4; i++)
		root->frame[i] = root->frame[i] > frame[i] ? root->frame[i] : frame[i];
	return HML_OK;
}

/* Whether a node has a value; one that its only reader does on the way has none. */
bool
hml_plan_is_there(const PlanBuilder *b, size_t node)
{
	return b->of_node[PLAN_PLAIN][node] != PLAN_NO_VALUE || b->of_node[PLAN_PIXELS][node] != PLAN_NO_VALUE;
}

/* Whether both layouts of a node's output have the numbers in the same order. */
static bool
order_is_same(const HmlShape *s)
{
	return s->n_dims == 1 || s->dims[0] == 1 || hml_shape_product(s, 1, s->n_dims) == 1;
}

/* What a node puts out, in the layout that is asked for; pixels have at most three dimensions. */
HmlStatus
hml_plan_value_in(PlanBuilder *b, size_t node, int layout, size_t *out)
{
	const HmlNode *from = &b->network->nodes[node];
	size_t other = b->of_node[1 - layout][node];
	PlanStep *step;

	*out = b->of_node[layout][node];
	if (*out != PLAN_NO_VALUE)
		return HML_OK;
	if (order_is_same(&from->shape))
	{
		HML_TRY(hml_plan_make_contiguous(b, from, &other));
		HML_TRY(hml_plan_new_view(b, other, hml_plan_extent_of(from, layout), out));
	}
	else
	{
		HML_TRY(hml_plan_new_step(b, from, layout == PLAN_PIXELS ? hml_plan_to_pixels : hml_plan_to_plain,
								  &step));
		step->x[0] = other;
		HML_TRY(hml_plan_new_value(b, hml_plan_extent_of(from, layout), out));
		step->y = *out;
	}
	b->of_node[layout][node] = *out;
	return HML_OK;
}

/* A new value for what a node, the last of those that a step stands for, puts out. */
HmlStatus
hml_plan_output_in(PlanBuilder *b, size_t node, int layout, size_t *out)
{
	HML_TRY(hml_plan_new_value(b, hml_plan_extent_of(&b->network->nodes[node], layout), out));
	b->of_node[layout][node] = *out;
	if (b->network->nodes[node].shape.n_dims == 1)
		b->of_node[1 - layout][node] = *out;
	return HML_OK;
}

/* ---- fusing ----------------------------------------------------------------------------------------- */

bool
hml_plan_find_activation(const HmlNode *node, HmlActivation *out, float *slope)
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
	return hml_shape_equal(&sum->x_shape[0], &sum->x_shape[1]) && hml_plan_is_there(b, *other);
}

HmlStatus
hml_plan_find_tail(PlanBuilder *b, size_t node, unsigned what, PlanTail *tail)
{
	*tail = (PlanTail){.add = PLAN_NO_VALUE, .activation = HML_ACT_NONE, .last = node};
	for (size_t next = b->reader[node]; next != SIZE_MAX && tail->activation == HML_ACT_NONE;
		 next = b->reader[next])
	{
		const HmlNode *n = &b->network->nodes[next];
		size_t other;

		if (n->op == &hml_op_batch_norm && (what & PLAN_FUSE_BATCH_NORM) != 0)
		{
			tail->batch_norm = n;
			what &= ~(unsigned) PLAN_FUSE_BATCH_NORM;
		}
		else if (n->op == &hml_op_add && (what & PLAN_FUSE_ADD) != 0 &&
				 find_other_side(b, n, tail->last, &other))
		{
			HML_TRY(hml_plan_value_in(b, other, PLAN_PIXELS, &tail->add));
			what = 0;
		}
		else if (n->op != &hml_op_dropout && !hml_plan_find_activation(n, &tail->activation, &tail->slope))
			break;
		b->is_done[next] = true;
		tail->last = next;
	}
	return HML_OK;
}

/* The step of a node with one input and a tail, from and to values of one layout. */
HmlStatus
hml_plan_add_step(PlanBuilder *b, size_t node, const PlanTail *tail, PlanRun run, size_t x, int layout,
				  PlanStep **out)
{
	HML_TRY(hml_plan_new_step(b, &b->network->nodes[node], run, out));
	HML_TRY(hml_plan_output_in(b, tail->last, layout, &(*out)->y));
	(*out)->x[0] = x;
	(*out)->add = tail->add;
	(*out)->activation = tail->activation;
	(*out)->slope = tail->slope;
	return HML_OK;
}

HmlStatus
hml_plan_add_kernel(PlanBuilder *b, size_t node, const PlanTail *tail, PlanKernel kernel, size_t x,
					int layout, PlanStep **out)
{
	HML_TRY(hml_plan_add_step(b, node, tail, hml_plan_each_sample, x, layout, out));
	(*out)->kernel = kernel;
	return HML_OK;
}

/* The layout in which a value is already there. */
int
hml_plan_layout_of(const PlanBuilder *b, size_t node)
{
	return b->of_node[PLAN_PIXELS][node] != PLAN_NO_VALUE ? PLAN_PIXELS : PLAN_PLAIN;
}
