/*
 * plan.c
 *	  Making and running a plan.
 *
 * Values are placed in one block of memory so that those whose lives do not
 * overlap share it (placement.h).  A chunk has as many samples as fit into a block
 * that the second-level cache holds.
 */
#include "core/nn/plan/plan.h"

#include <string.h>

#include "core/base/checked.h"
#include "core/nn/plan/placement.h"
#include "core/nn/plan/plan_build.h"

#define CHUNK_BYTES ((size_t) 512 * 1024)
#define MAX_CHUNK 256
#define SLACK 64       /* floats after a value, which vectors may read but do not use */
#define POLL_FLOPS 1e6 /* a chunk of less is not interrupted: 0.1 ms at worst */

/* ---- memory ----------------------------------------------------------------------------------------- */

/* Distances within a root; false when they cannot be counted. */
static bool
lay_out_root(PlanValue *v)
{
	size_t rows = v->frame[0] + v->height + v->frame[2];

	v->pixel = v->channels;
	v->first = 0;
	if (!hml_size_mul(v->frame[1] + v->width + v->frame[3], v->pixel, &v->row) ||
		!hml_size_mul(rows, v->row, &v->sample))
		return false;
	v->first = v->frame[0] * v->row + v->frame[1] * v->pixel;
	return true;
}

/* A view lies like its root where it has the same pixels, else it is contiguous as the root is. */
static void
lay_out_view(PlanValue *v, const PlanValue *root)
{
	bool same = v->height == root->height && v->width == root->width && v->channels == root->channels;

	v->pixel = v->channels;
	v->row = same ? root->row : v->width * v->channels;
	v->sample = root->sample;
	v->first = root->first;
}

static HmlStatus
lay_out(PlanBuilder *b)
{
	HmlPlan *plan = b->plan;

	for (size_t i = 0; i < plan->n_values; i++)
		if (plan->values[i].root == i && !lay_out_root(&plan->values[i]))
			return hml_fail(b->ctx, HML_LIMIT, "a value of %zu x %zu x %zu numbers is too large",
							plan->values[i].height, plan->values[i].width, plan->values[i].channels);
	for (size_t i = 0; i < plan->n_values; i++)
		if (plan->values[i].root != i)
			lay_out_view(&plan->values[i], &plan->values[plan->values[i].root]);
	return HML_OK;
}

static void
use(HmlPlan *plan, size_t value, size_t step)
{
	PlanValue *root;

	if (value == PLAN_NO_VALUE)
		return;
	root = &plan->values[plan->values[value].root];
	if (root->begin > step)
		root->begin = step;
	if (root->end < step)
		root->end = step;
}

static void
find_lives(HmlPlan *plan)
{
	for (size_t i = 0; i < plan->n_steps; i++)
	{
		const PlanStep *step = &plan->steps[i];

		for (size_t k = 0; k < step->n_inputs; k++)
			use(plan, step->x[k], i);
		use(plan, step->y, i);
		use(plan, step->add, i);
		use(plan, step->scale, i);
		use(plan, step->work, i);
	}
}

/* Work memory of operators, which depends on the size of the chunk. */
static void
size_work(HmlPlan *plan)
{
	for (size_t i = 0; i < plan->n_steps; i++)
	{
		const PlanStep *step = &plan->steps[i];

		if (step->run == hml_plan_operator && step->work != PLAN_NO_VALUE)
			plan->values[step->work].sample = (hml_plan_state_size(step->node) + step->node->scratch +
											   plan->chunk * step->node->scratch_sample + sizeof(float) - 1) /
											  sizeof(float);
	}
}

static bool
needs_place(const HmlPlan *plan, size_t value)
{
	const PlanValue *v = &plan->values[value];

	return v->root == value && v->home == PLAN_SCRATCH && v->begin != SIZE_MAX;
}

/* Offsets of all values for chunks of plan->chunk samples, and the size of the block. */
static HmlStatus
place_values(PlanBuilder *b, HmlBuffer *buffers)
{
	HmlPlan *plan = b->plan;
	size_t count = 0;

	size_work(plan);
	for (size_t i = 0; i < plan->n_values; i++)
	{
		const PlanValue *v = &plan->values[i];
		HmlBuffer *buffer = &buffers[count];

		if (!needs_place(plan, i))
			continue;
		*buffer = (HmlBuffer){.begin = v->begin, .end = v->end};
		if (!hml_size_mul(v->sample, v->is_single ? 1 : plan->chunk, &buffer->size) ||
			!hml_size_mul(buffer->size + SLACK, sizeof(float), &buffer->size))
			return hml_fail(b->ctx, HML_LIMIT, "a value of %zu numbers is too large", v->sample);
		count++;
	}
	HML_TRY(hml_place_buffers(b->ctx, buffers, count, &plan->scratch));
	count = 0;
	for (size_t i = 0; i < plan->n_values; i++)
		if (needs_place(plan, i))
			plan->values[i].offset = buffers[count++].offset / sizeof(float);
	return HML_OK;
}

/* First for one sample, then for as many as the cache holds. */
static HmlStatus
choose_chunk(PlanBuilder *b)
{
	HmlPlan *plan = b->plan;
	HmlBuffer *buffers;

	find_lives(plan);
	HML_TRY(HML_ARENA_NEW(b->draft, &buffers, plan->n_values));
	plan->chunk = 1;
	HML_TRY(place_values(b, buffers));
	plan->chunk = CHUNK_BYTES / (plan->scratch + 1);
	plan->chunk = plan->chunk < 1 ? 1 : plan->chunk > MAX_CHUNK ? MAX_CHUNK : plan->chunk;
	plan->polls = (double) plan->chunk * b->network->flops > POLL_FLOPS;
	return place_values(b, buffers);
}

/* ---- making ----------------------------------------------------------------------------------------- */

static HmlStatus
new_builder(HmlContext *ctx, HmlArena *arena, HmlArena *draft, const HmlNetwork *network,
			const float *weights, PlanBuilder *b)
{
	size_t edges = 0;

	*b = (PlanBuilder){.ctx = ctx, .arena = arena, .draft = draft, .network = network, .weights = weights};
	for (size_t i = 0; i < network->n_nodes; i++)
		edges += network->nodes[i].n_inputs;
	/* a node has two values and work memory at most, an edge a conversion and two copies */
	b->max_values = 3 * network->n_nodes + 4 * edges + 8;
	b->max_steps = network->n_nodes + 4 * edges + 8;
	HML_TRY(HML_ARENA_NEW_ZERO(arena, &b->plan, 1));
	HML_TRY(HML_ARENA_NEW(draft, &b->reader, network->n_nodes));
	HML_TRY(HML_ARENA_NEW_ZERO(draft, &b->is_done, network->n_nodes));
	HML_TRY(HML_ARENA_NEW(draft, &b->of_node[0], network->n_nodes));
	HML_TRY(HML_ARENA_NEW(draft, &b->of_node[1], network->n_nodes));
	HML_TRY(HML_ARENA_NEW(draft, &b->plan->values, b->max_values));
	return HML_ARENA_NEW(draft, &b->plan->steps, b->max_steps);
}

static void
find_readers(PlanBuilder *b)
{
	for (size_t i = 0; i < b->network->n_nodes; i++)
	{
		b->reader[i] = SIZE_MAX;
		b->of_node[0][i] = b->of_node[1][i] = PLAN_NO_VALUE;
	}
	for (size_t i = 0; i < b->network->n_nodes; i++)
	{
		const HmlNode *n = &b->network->nodes[i];

		for (size_t k = 0; k < n->n_inputs; k++)
			if (b->network->nodes[n->inputs[k]].n_readers == 1 && n->inputs[k] != b->network->output)
				b->reader[n->inputs[k]] = i;
	}
}

/* From the draft into the arena, in their final number. */
static HmlStatus
keep(PlanBuilder *b)
{
	HmlPlan *plan = b->plan;
	PlanValue *values;
	PlanStep *steps;

	HML_TRY(HML_ARENA_NEW(b->arena, &values, plan->n_values));
	HML_TRY(HML_ARENA_NEW(b->arena, &steps, plan->n_steps));
	plan->values = memcpy(values, plan->values, plan->n_values * sizeof(*values));
	plan->steps = memcpy(steps, plan->steps, plan->n_steps * sizeof(*steps));
	return HML_OK;
}

static HmlStatus
create(PlanBuilder *b)
{
	b->plan->network = b->network;
	b->plan->weights = b->weights;
	b->plan->tiles = hml_tile_set();
	b->plan->channels = hml_channels();
	b->plan->recurrent = hml_recurrent_set();
	find_readers(b);
	HML_TRY(hml_plan_build(b));
	HML_TRY(lay_out(b));
	HML_TRY(choose_chunk(b));
	return keep(b);
}

HmlStatus
hml_plan_create(HmlArena *arena, const HmlNetwork *network, const float *weights, HmlPlan **out)
{
	HmlContext *ctx = hml_arena_context(arena);
	HmlArena *draft;
	PlanBuilder builder;
	HmlStatus status;

	HML_TRY(hml_arena_create(ctx, &draft));
	status = new_builder(ctx, arena, draft, network, weights, &builder);
	if (status == HML_OK)
		status = create(&builder);
	hml_arena_free(draft);
	HML_TRY(status);
	*out = builder.plan;
	return HML_OK;
}

size_t
hml_plan_scratch_size(const HmlPlan *plan)
{
	return plan->scratch;
}

size_t
hml_plan_chunk(const HmlPlan *plan)
{
	return plan->chunk;
}

/* ---- running ---------------------------------------------------------------------------------------- */

static void
clear(float *from, size_t count)
{
	memset(from, 0, count * sizeof(float));
}

/* The frame of a value that is about to be written. */
static void
clear_frame(const PlanCall *call, size_t value)
{
	const PlanValue *root = &call->plan->values[call->plan->values[value].root];
	size_t left = root->frame[1] * root->pixel;
	size_t right = root->frame[3] * root->pixel;

	if ((root->frame[0] | root->frame[1] | root->frame[2] | root->frame[3]) == 0)
		return;
	for (size_t s = 0; s < call->n; s++)
	{
		float *top = call->scratch + root->offset + s * root->sample;
		float *inner = top + root->frame[0] * root->row;

		clear(top, root->frame[0] * root->row);
		for (size_t i = 0; i < root->height; i++)
		{
			clear(inner + i * root->row, left);
			clear(inner + (i + 1) * root->row - right, right);
		}
		clear(inner + root->height * root->row, root->frame[2] * root->row);
	}
}

static HmlStatus
run_chunk(const PlanCall *call)
{
	const HmlPlan *plan = call->plan;

	for (size_t i = 0; i < plan->n_steps; i++)
	{
		const PlanStep *step = &plan->steps[i];

		if (plan->polls)
			HML_TRY(hml_poll(call->ctx));
		clear_frame(call, step->y);
		HML_TRY(step->run(call, step));
	}
	return HML_OK;
}

HmlStatus
hml_plan_run(const HmlPlan *plan, HmlContext *ctx, void *scratch, const float *const *inputs, size_t n,
			 float *output)
{
	PlanCall call = {.plan = plan, .ctx = ctx, .scratch = scratch, .inputs = inputs, .output = output};

	for (; call.first < n; call.first += call.n)
	{
		call.n = n - call.first < plan->chunk ? n - call.first : plan->chunk;
		HML_TRY(hml_poll(ctx));
		HML_TRY(run_chunk(&call));
	}
	return HML_OK;
}
