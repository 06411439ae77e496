/*
 * pass.c
 *	  Running a prepared pass.
 */
#include "core/nn/train/pass.h"

#include <string.h>

#include "core/nn/loops/loops.h"
#include "core/nn/train/pass_plan.h"

HmlStatus
hml_pass_create(HmlContext *ctx, const HmlNetwork *network, const HmlPassOptions *options, HmlPass **out)
{
	HmlArena *arena;
	HmlPass *pass;
	HmlStatus status;

	*out = NULL;
	HML_TRY(hml_arena_create(ctx, &arena));
	status = HML_ARENA_NEW_ZERO(arena, &pass, 1);
	if (status == HML_OK)
	{
		pass->ctx = ctx;
		pass->arena = arena;
		pass->network = network;
		pass->options = *options;
		status = HML_ARENA_NEW_ZERO(arena, &pass->nodes, network->n_nodes);
	}
	if (status == HML_OK)
		status = hml_schedule_pass(pass);
	if (status == HML_OK)
		status = hml_allocate_pass(pass);
	if (status == HML_OK)
		*out = pass;
	else
		hml_arena_free(arena);
	return status;
}

void
hml_pass_free(HmlPass *pass)
{
	if (pass != NULL)
		hml_arena_free(pass->arena);
}

/* ---- runs ------------------------------------------------------------------------------------------ */

static float *
at(const HmlSlot *slot, size_t first)
{
	return slot->stride == 0 ? slot->data : slot->data + first * slot->stride;
}

static const float *
value_at(const HmlPass *pass, size_t i, size_t first)
{
	size_t root = pass->nodes[i].value_root;

	if (root < pass->network->n_inputs)
		return pass->inputs[root] + first * hml_shape_size(&pass->network->nodes[root].shape);
	return at(&pass->nodes[i].value, first);
}

/* Everything that forward and backward of a chunk of node i have in common. */
static void
prepare_run(const HmlPass *pass, size_t i, size_t first, size_t n, HmlRun *run)
{
	const HmlNode *node = &pass->network->nodes[i];
	const HmlPassNode *part = &pass->nodes[i];

	run->ctx = pass->ctx;
	run->node = node;
	run->n = n;
	run->first = first;
	run->batch = pass->n;
	run->training = pass->state_weights != NULL;
	run->rng = pass->rng;
	for (size_t k = 0; k < node->n_inputs; k++)
		run->x[k] = value_at(pass, node->inputs[k], first);
	run->y = at(&part->value, first);
	run->weights = pass->weights;
	run->state_weights = pass->state_weights;
	run->saved = part->saved == NULL ? NULL : part->saved + first * node->saved_sample;
	run->state = part->state;
	run->scratch = pass->scratch;
}

static size_t
chunk_at(const HmlPass *pass, const HmlSegment *segment, size_t first)
{
	return pass->n - first < segment->chunk ? pass->n - first : segment->chunk;
}

/* ---- forward --------------------------------------------------------------------------------------- */

static HmlStatus
forward_node(const HmlPass *pass, size_t i, size_t first, size_t n)
{
	const HmlOp *op = pass->network->nodes[i].op;
	HmlRun run;

	if (op == NULL || (op->flags & HML_OP_VIEW) != 0)
		return HML_OK;
	prepare_run(pass, i, first, n, &run);
	return op->forward(&run);
}

static HmlStatus
forward_chunk(const HmlPass *pass, const HmlSegment *segment, size_t first, size_t n)
{
	HmlRun run;

	for (size_t i = segment->begin; i < segment->end; i++)
		HML_TRY(forward_node(pass, i, first, n));
	if (segment->has_coupled && pass->state_weights != NULL)
	{
		prepare_run(pass, segment->end, first, n, &run);
		run.node->op->reduce(&run);
	}
	return HML_OK;
}

static HmlStatus
run_forward(HmlPass *pass, const float *const *inputs, size_t n)
{
	pass->n = n;
	memcpy(pass->inputs, inputs, pass->network->n_inputs * sizeof(*inputs));
	memset(pass->states, 0, pass->states_size);
	for (size_t s = 0; s < pass->n_segments; s++)
	{
		const HmlSegment *segment = &pass->segments[s];

		for (size_t first = 0; first < n; first += segment->chunk)
		{
			HML_TRY(hml_poll(pass->ctx));
			HML_TRY(forward_chunk(pass, segment, first, chunk_at(pass, segment, first)));
		}
	}
	return HML_OK;
}

HmlStatus
hml_pass_forward(HmlPass *pass, const float *weights, const float *const *inputs, size_t n)
{
	pass->weights = weights;
	pass->state_weights = NULL;
	pass->rng = NULL;
	return run_forward(pass, inputs, n);
}

HmlStatus
hml_pass_forward_training(HmlPass *pass, float *weights, const float *const *inputs, size_t n, HmlRng *rng)
{
	pass->weights = weights;
	pass->state_weights = weights;
	pass->rng = rng;
	return run_forward(pass, inputs, n);
}

const float *
hml_pass_output(const HmlPass *pass)
{
	return value_at(pass, pass->network->output, 0);
}

const float *
hml_pass_loss_input(const HmlPass *pass)
{
	return value_at(pass, pass->options.loss_node, 0);
}

/* ---- backward -------------------------------------------------------------------------------------- */

static void
prepare_backward(const HmlPass *pass, size_t i, size_t first, size_t n, float *gradients, HmlRun *run)
{
	const HmlNode *node = &pass->network->nodes[i];
	const HmlPassNode *part = &pass->nodes[i];

	prepare_run(pass, i, first, n, run);
	run->gy = at(&part->gradient, first);
	run->gradients = gradients;
	for (size_t k = 0; k < node->n_inputs; k++)
	{
		const HmlPassNode *source = &pass->nodes[node->inputs[k]];

		run->gx[k] = NULL;
		if (source->in_backward)
			run->gx[k] = part->spill[k] != NULL ? part->spill[k] : at(&source->gradient, first);
	}
}

/* Add what was written beside a gradient that has more than one contribution. */
static void
add_spilled(const HmlPass *pass, size_t i, size_t first, size_t n)
{
	const HmlNode *node = &pass->network->nodes[i];

	for (size_t k = 0; k < node->n_inputs; k++)
		if (pass->nodes[i].spill[k] != NULL)
			hml_loops()->accumulate(pass->nodes[i].spill[k],
									at(&pass->nodes[node->inputs[k]].gradient, first),
									n * hml_shape_size(&node->x_shape[k]));
}

static HmlStatus
backward_node(const HmlPass *pass, size_t i, size_t first, size_t n, float *gradients)
{
	HmlRun run;

	if (!pass->nodes[i].in_backward || pass->network->nodes[i].op == NULL)
		return HML_OK;
	prepare_backward(pass, i, first, n, gradients, &run);
	if (!hml_has_flag(run.node, HML_OP_VIEW))
		HML_TRY(run.node->op->backward(&run));
	else if (run.gx[0] != NULL && run.gx[0] != run.gy)
		memcpy(run.gx[0], run.gy, n * hml_shape_size(&run.node->shape) * sizeof(float));
	add_spilled(pass, i, first, n);
	return HML_OK;
}

static HmlStatus
backward_chunk(const HmlPass *pass, size_t s, size_t first, size_t n, float *gradients)
{
	const HmlSegment *segment = &pass->segments[s];
	bool begins_coupled = s > 0 && pass->segments[s - 1].has_coupled;
	HmlRun run;

	if (segment->has_coupled)
		HML_TRY(backward_node(pass, segment->end, first, n, gradients));
	for (size_t i = segment->end; i-- > segment->begin + begins_coupled;)
		HML_TRY(backward_node(pass, i, first, n, gradients));
	if (begins_coupled && pass->nodes[segment->begin].in_backward)
	{
		prepare_backward(pass, segment->begin, first, n, gradients, &run);
		run.node->op->reduce_backward(&run);
	}
	return HML_OK;
}

float *
hml_pass_loss_gradient(HmlPass *pass)
{
	return at(&pass->nodes[pass->options.loss_node].gradient, 0);
}

HmlStatus
hml_pass_backward(HmlPass *pass, float *gradients)
{
	for (size_t s = pass->n_segments; s-- > 0;)
	{
		const HmlSegment *segment = &pass->segments[s];

		for (size_t first = 0; first < pass->n; first += segment->chunk)
		{
			HML_TRY(hml_poll(pass->ctx));
			HML_TRY(backward_chunk(pass, s, first, chunk_at(pass, segment, first), gradients));
		}
	}
	return HML_OK;
}

const float *
hml_pass_input_gradient(const HmlPass *pass, size_t input)
{
	return at(&pass->nodes[input].gradient, 0);
}
