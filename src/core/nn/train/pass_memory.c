/*
 * pass_memory.c
 *	  Preparing a pass: how long each value and gradient is needed, and where it
 *	  lies.
 *
 * Time is counted twice.  Buffers of the batch live for whole segments: forward
 * of segment s is moment s, the loss is moment S = n_segments, backward of s is
 * moment 2 S - s.  Buffers of one chunk live for single steps: with N nodes,
 * forward of node i is step 2 i + 1, its reduction step 2 i, its backward
 * reduction step 4 N - 2 i, its backward step 4 N - 2 i + 1.
 */
#include "core/base/checked.h"
#include "core/nn/train/pass_plan.h"
#include "core/nn/plan/placement.h"

/* Life of a value or gradient, over all nodes that share it. */
typedef struct Life
{
	bool used;
	bool pinned; /* the caller sees it: a buffer of the batch */
	size_t first_moment;
	size_t last_moment;
	size_t first_step;
	size_t last_step;
	size_t buffer; /* number among the buffers of its kind */
} Life;

/* Buffers of one kind: of the batch, or of a chunk. */
typedef struct Pool
{
	size_t count;
	HmlBuffer *buffers;
	char *memory;
} Pool;

typedef struct Plan
{
	HmlPass *pass;
	size_t n_nodes;
	const HmlNode *nodes;
	HmlPassNode *parts;
	Life *values;    /* by value_root */
	Life *gradients; /* by gradient_root */
	size_t *saved;   /* number of the batch buffer of each node */
	size_t **spill;  /* number of the chunk buffer of each input of each node, or NOWHERE */
	Pool batch;
	Pool chunk;
} Plan;

#define NOWHERE SIZE_MAX

/* ---- lives ----------------------------------------------------------------------------------------- */

static void
use(Life *life, size_t moment, size_t step)
{
	if (!life->used || moment < life->first_moment)
		life->first_moment = moment;
	if (!life->used || moment > life->last_moment)
		life->last_moment = moment;
	if (!life->used || step < life->first_step)
		life->first_step = step;
	if (!life->used || step > life->last_step)
		life->last_step = step;
	life->used = true;
}

static void
pin(Life *life, size_t moment)
{
	use(life, moment, 0);
	life->pinned = true;
}

/* While node i runs forward; a coupled one also looks at its inputs during the segment before. */
static void
use_forward(const Plan *plan, Life *life, size_t i)
{
	size_t segment = plan->parts[i].segment;

	use(life, segment, 2 * i + 1);
	if (hml_is_coupled(&plan->nodes[i]))
		use(life, segment - 1, 2 * i);
}

/* Segment in whose backward node i runs. */
static size_t
backward_segment(const Plan *plan, size_t i)
{
	return plan->parts[i].segment - hml_is_coupled(&plan->nodes[i]);
}

static size_t
backward_step(const Plan *plan, size_t i)
{
	return 4 * plan->n_nodes - 2 * i + 1;
}

static void
use_backward(const Plan *plan, Life *life, size_t i)
{
	size_t last = 2 * plan->pass->n_segments;

	use(life, last - backward_segment(plan, i), backward_step(plan, i));
	if (hml_is_coupled(&plan->nodes[i]))
		use(life, last - plan->parts[i].segment, backward_step(plan, i) - 1);
}

static void
find_value_lives(const Plan *plan)
{
	for (size_t i = plan->pass->network->n_inputs; i < plan->n_nodes; i++)
	{
		const HmlNode *node = &plan->nodes[i];
		Life *own = &plan->values[plan->parts[i].value_root];

		use_forward(plan, own, i);
		if (plan->parts[i].in_backward && hml_has_flag(node, HML_OP_KEEPS_OUTPUT))
			use_backward(plan, own, i);
		if (hml_is_seen_by_caller(plan->pass, i))
			pin(own, plan->pass->n_segments);
		for (size_t k = 0; k < node->n_inputs; k++)
		{
			Life *input = &plan->values[plan->parts[node->inputs[k]].value_root];

			use_forward(plan, input, i);
			if (plan->parts[i].in_backward && hml_has_flag(node, HML_OP_KEEPS_INPUTS))
				use_backward(plan, input, i);
		}
	}
}

static void
find_gradient_lives(const Plan *plan)
{
	for (size_t i = 0; i < plan->n_nodes; i++)
	{
		const HmlNode *node = &plan->nodes[i];
		Life *own = &plan->gradients[plan->parts[i].gradient_root];

		if (!plan->parts[i].in_backward)
			continue;
		if (node->op == NULL)
			pin(own, 2 * plan->pass->n_segments + 1);
		else
			use_backward(plan, own, i);
		if (i == plan->pass->options.loss_node)
			pin(own, plan->pass->n_segments);
		for (size_t k = 0; k < node->n_inputs; k++)
			if (plan->parts[node->inputs[k]].in_backward)
				use_backward(plan, &plan->gradients[plan->parts[node->inputs[k]].gradient_root], i);
	}
}

/* ---- buffers --------------------------------------------------------------------------------------- */

static HmlStatus
add_buffer(Plan *plan, Pool *pool, size_t node, size_t samples, size_t bytes, size_t begin, size_t end,
		   size_t *number)
{
	HmlBuffer *buffer = &pool->buffers[pool->count];

	if (!hml_size_mul(samples, bytes, &buffer->size))
		return hml_fail(plan->pass->ctx, HML_LIMIT, "a batch of %zu at layer \"%s\" does not fit in memory",
						plan->pass->options.batch, plan->nodes[node].name);
	buffer->begin = begin;
	buffer->end = end;
	*number = pool->count++;
	return HML_OK;
}

static bool
is_of_chunk(const Life *life)
{
	return !life->pinned && life->first_moment == life->last_moment;
}

static HmlStatus
add_life(Plan *plan, size_t node, Life *life)
{
	size_t bytes = hml_shape_size(&plan->nodes[node].shape) * sizeof(float);
	size_t n_segments = plan->pass->n_segments;
	size_t moment = life->first_moment;
	size_t segment = moment > n_segments ? 2 * n_segments - moment : moment;

	if (!life->used)
		return HML_OK;
	if (is_of_chunk(life))
		return add_buffer(plan, &plan->chunk, node, plan->pass->segments[segment].chunk, bytes,
						  life->first_step, life->last_step, &life->buffer);
	return add_buffer(plan, &plan->batch, node, plan->pass->options.batch, bytes, life->first_moment,
					  life->last_moment, &life->buffer);
}

/* The first reader in the order of backward writes the gradient; the others write beside it, to be added. */
static HmlStatus
add_spills(Plan *plan, bool *is_written)
{
	for (size_t i = plan->n_nodes; i-- > 0;)
	{
		const HmlNode *node = &plan->nodes[i];

		HML_TRY(HML_ARENA_NEW(plan->pass->arena, &plan->spill[i], node->n_inputs));
		for (size_t k = 0; k < node->n_inputs; k++)
		{
			size_t source = node->inputs[k];
			bool wanted = plan->parts[i].in_backward && plan->parts[source].in_backward;

			plan->spill[i][k] = NOWHERE;
			if (wanted && is_written[source])
				HML_TRY(add_buffer(plan, &plan->chunk, i,
								   plan->pass->segments[backward_segment(plan, i)].chunk,
								   hml_shape_size(&node->x_shape[k]) * sizeof(float), backward_step(plan, i),
								   backward_step(plan, i), &plan->spill[i][k]));
			is_written[source] |= wanted;
		}
	}
	return HML_OK;
}

static HmlStatus
add_saved(Plan *plan)
{
	for (size_t i = 0; i < plan->n_nodes; i++)
	{
		plan->saved[i] = NOWHERE;
		if (plan->parts[i].in_backward && plan->nodes[i].saved_sample > 0)
			HML_TRY(add_buffer(plan, &plan->batch, i, plan->pass->options.batch, plan->nodes[i].saved_sample,
							   plan->parts[i].segment, 2 * plan->pass->n_segments - backward_segment(plan, i),
							   &plan->saved[i]));
	}
	return HML_OK;
}

static HmlStatus
collect_buffers(Plan *plan, bool *is_written)
{
	for (size_t i = 0; i < plan->n_nodes; i++)
	{
		if (plan->nodes[i].op != NULL) /* the values of the network's inputs are the caller's */
			HML_TRY(add_life(plan, i, &plan->values[i]));
		HML_TRY(add_life(plan, i, &plan->gradients[i]));
	}
	HML_TRY(add_saved(plan));
	return add_spills(plan, is_written);
}

static HmlStatus
allocate_pool(Plan *plan, Pool *pool)
{
	size_t total;

	HML_TRY(hml_place_buffers(plan->pass->ctx, pool->buffers, pool->count, &total));
	return HML_ARENA_NEW(plan->pass->arena, &pool->memory, total);
}

/* ---- pointers -------------------------------------------------------------------------------------- */

static void *
buffer_memory(const Pool *pool, size_t number)
{
	return number == NOWHERE ? NULL : pool->memory + pool->buffers[number].offset;
}

static HmlSlot
slot_of(const Plan *plan, const Life *life, size_t node)
{
	HmlSlot slot = {NULL, 0};

	if (!life->used)
		return slot;
	slot.data = buffer_memory(is_of_chunk(life) ? &plan->chunk : &plan->batch, life->buffer);
	if (!is_of_chunk(life))
		slot.stride = hml_shape_size(&plan->nodes[node].shape);
	return slot;
}

static HmlStatus
set_pointers(const Plan *plan)
{
	for (size_t i = 0; i < plan->n_nodes; i++)
	{
		HmlPassNode *part = &plan->parts[i];
		size_t n_inputs = plan->nodes[i].n_inputs;

		if (plan->nodes[part->value_root].op != NULL)
			part->value = slot_of(plan, &plan->values[part->value_root], i);
		part->gradient = slot_of(plan, &plan->gradients[part->gradient_root], i);
		part->saved = buffer_memory(&plan->batch, plan->saved[i]);
		HML_TRY(HML_ARENA_NEW(plan->pass->arena, &part->spill, n_inputs));
		for (size_t k = 0; k < n_inputs; k++)
			part->spill[k] = buffer_memory(&plan->chunk, plan->spill[i][k]);
	}
	return HML_OK;
}

/* ---- state and scratch ----------------------------------------------------------------------------- */

static size_t
round_up(size_t bytes)
{
	return (bytes + HML_ALIGNMENT - 1) / HML_ALIGNMENT * HML_ALIGNMENT;
}

static HmlStatus
allocate_states(HmlPass *pass)
{
	size_t position = 0;

	for (size_t i = 0; i < pass->network->n_nodes; i++)
		pass->states_size += round_up(pass->network->nodes[i].state);
	HML_TRY(HML_ARENA_NEW(pass->arena, &pass->states, pass->states_size));
	for (size_t i = 0; i < pass->network->n_nodes; i++)
	{
		pass->nodes[i].state = pass->states + position;
		position += round_up(pass->network->nodes[i].state);
	}
	return HML_OK;
}

/* Enough for every node's forward and backward, which may be in different segments. */
static HmlStatus
allocate_scratch(HmlPass *pass)
{
	size_t most = 0;

	for (size_t i = pass->network->n_inputs; i < pass->network->n_nodes; i++)
	{
		const HmlNode *node = &pass->network->nodes[i];
		size_t forward = pass->segments[pass->nodes[i].segment].chunk;
		size_t before = pass->segments[pass->nodes[i].segment - hml_is_coupled(node)].chunk;
		size_t size;

		if (!hml_size_mul(forward > before ? forward : before, node->scratch_sample, &size) ||
			!hml_size_add(size, node->scratch, &size))
			return hml_fail(pass->ctx, HML_LIMIT, "the work memory of layer \"%s\" does not fit in memory",
							node->name);
		most = size > most ? size : most;
	}
	return HML_ARENA_NEW(pass->arena, &pass->scratch, most);
}

/* What only planning needs lies in 'arena', what the pass keeps in its own. */
static HmlStatus
create_plan(HmlArena *arena, HmlPass *pass, Plan *plan)
{
	size_t n_edges = 0;

	plan->pass = pass;
	plan->n_nodes = pass->network->n_nodes;
	plan->nodes = pass->network->nodes;
	plan->parts = pass->nodes;
	for (size_t i = 0; i < plan->n_nodes; i++)
		n_edges += plan->nodes[i].n_inputs;
	HML_TRY(HML_ARENA_NEW_ZERO(arena, &plan->values, plan->n_nodes));
	HML_TRY(HML_ARENA_NEW_ZERO(arena, &plan->gradients, plan->n_nodes));
	HML_TRY(HML_ARENA_NEW(arena, &plan->saved, plan->n_nodes));
	HML_TRY(HML_ARENA_NEW(arena, &plan->spill, plan->n_nodes));
	HML_TRY(HML_ARENA_NEW(arena, &plan->batch.buffers, 3 * plan->n_nodes));
	return HML_ARENA_NEW(arena, &plan->chunk.buffers, 2 * plan->n_nodes + n_edges);
}

static HmlStatus
allocate_buffers(HmlArena *arena, HmlPass *pass)
{
	Plan plan = {0};
	bool *is_written;

	HML_TRY(create_plan(arena, pass, &plan));
	HML_TRY(HML_ARENA_NEW_ZERO(arena, &is_written, plan.n_nodes));
	find_value_lives(&plan);
	find_gradient_lives(&plan);
	HML_TRY(collect_buffers(&plan, is_written));
	HML_TRY(allocate_pool(&plan, &plan.batch));
	HML_TRY(allocate_pool(&plan, &plan.chunk));
	return set_pointers(&plan);
}

HmlStatus
hml_allocate_pass(HmlPass *pass)
{
	HmlArena *arena;
	HmlStatus status;

	HML_TRY(hml_arena_create(pass->ctx, &arena));
	status = allocate_buffers(arena, pass);
	hml_arena_free(arena);
	HML_TRY(status);
	HML_TRY(allocate_states(pass));
	return allocate_scratch(pass);
}
