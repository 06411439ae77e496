/*
 * pass_schedule.c
 *	  Preparing a pass: which nodes form a segment, what is differentiated, what
 *	  may share a buffer.
 */
#include "core/nn/train/pass_plan.h"

/* ---- segments -------------------------------------------------------------------------------------- */

/* Whether a new segment begins with node i; the network's inputs have the first one to themselves if need be. */
static bool
is_border(const HmlNetwork *network, size_t i)
{
	const HmlNode *node = &network->nodes[i];

	if (i <= network->n_inputs)
		return i == network->n_inputs && hml_is_coupled(node);
	return hml_is_coupled(node) || hml_has_flag(node, HML_OP_WHOLE_BATCH) ||
		   hml_has_flag(node - 1, HML_OP_WHOLE_BATCH);
}

/* Bytes that one sample of the node moves. */
static size_t
sample_bytes(const HmlNode *node)
{
	size_t bytes = hml_shape_size(&node->shape) * sizeof(float) + node->scratch_sample;

	for (size_t i = 0; i < node->n_inputs; i++)
		bytes += hml_shape_size(&node->x_shape[i]) * sizeof(float);
	return bytes;
}

static size_t
chunk_of_segment(const HmlPass *pass, const HmlSegment *segment)
{
	size_t batch = pass->options.batch;
	size_t most = 1;

	for (size_t i = segment->begin; i < segment->end + segment->has_coupled; i++)
	{
		const HmlNode *node = &pass->network->nodes[i];

		if (hml_has_flag(node, HML_OP_WHOLE_BATCH))
			return batch;
		if (node->op != NULL && sample_bytes(node) > most)
			most = sample_bytes(node);
	}
	if (most > HML_CHUNK_BYTES)
		return 1;
	return HML_CHUNK_BYTES / most < batch ? HML_CHUNK_BYTES / most : batch;
}

static HmlStatus
cut_segments(HmlPass *pass)
{
	const HmlNetwork *network = pass->network;

	pass->n_segments = 1;
	for (size_t i = 0; i < network->n_nodes; i++)
	{
		pass->n_segments += is_border(network, i);
		pass->nodes[i].segment = pass->n_segments - 1;
	}
	HML_TRY(HML_ARENA_NEW_ZERO(pass->arena, &pass->segments, pass->n_segments));
	for (size_t i = network->n_nodes; i-- > 0;)
	{
		HmlSegment *segment = &pass->segments[pass->nodes[i].segment];

		segment->begin = i;
		if (segment->end == 0)
			segment->end = i + 1;
	}
	for (size_t s = 0; s < pass->n_segments; s++)
	{
		HmlSegment *segment = &pass->segments[s];

		segment->has_coupled =
			segment->end < network->n_nodes && hml_is_coupled(&network->nodes[segment->end]);
		segment->chunk = chunk_of_segment(pass, segment);
	}
	return HML_OK;
}

/* ---- what is differentiated ------------------------------------------------------------------------ */

static bool
is_trainable(const HmlNode *node)
{
	for (size_t i = 0; i < node->n_parameters; i++)
		if (node->parameters[i].trainable)
			return true;
	return false;
}

/* Nodes that the loss depends on, and that depend on something whose gradient is wanted. */
static void
mark_backward(HmlPass *pass)
{
	const HmlNetwork *network = pass->network;
	HmlPassNode *parts = pass->nodes;

	if (!pass->options.backward)
		return;
	parts[pass->options.loss_node].in_backward = true;
	for (size_t i = network->n_nodes; i-- > 0;)
		for (size_t k = 0; parts[i].in_backward && k < network->nodes[i].n_inputs; k++)
			parts[network->nodes[i].inputs[k]].in_backward = true;
	for (size_t i = 0; i < network->n_nodes; i++)
	{
		const HmlNode *node = &network->nodes[i];
		bool wanted = node->op == NULL ? pass->options.input_gradients : is_trainable(node);

		for (size_t k = 0; k < node->n_inputs; k++)
			wanted |= parts[node->inputs[k]].in_backward;
		parts[i].in_backward &= wanted;
	}
}

/* ---- sharing --------------------------------------------------------------------------------------- */

/*
 * Whether the value of node i may be overwritten by its only reader.  Where it
 * shares a buffer, everyone up to the owner of the buffer must allow it.
 */
static bool
may_overwrite(const HmlPass *pass, size_t i)
{
	for (;;)
	{
		const HmlNode *node = &pass->network->nodes[i];

		if (node->op == NULL || node->n_readers != 1 || hml_is_seen_by_caller(pass, i))
			return false;
		if (pass->nodes[i].in_backward && hml_has_flag(node, HML_OP_KEEPS_OUTPUT))
			return false;
		if (pass->nodes[i].value_root == i)
			return true;
		i = node->inputs[0];
	}
}

/* A view, or an operator that can work in place and does not change the shape (as broadcasting would). */
static bool
can_share(const HmlNode *node)
{
	return hml_has_flag(node, HML_OP_VIEW) ||
		   (hml_has_flag(node, HML_OP_IN_PLACE) && hml_shape_equal(&node->shape, &node->x_shape[0]));
}

static bool
shares_value(const HmlPass *pass, size_t i)
{
	const HmlNode *node = &pass->network->nodes[i];

	if (!can_share(node) || hml_has_flag(node, HML_OP_VIEW))
		return can_share(node);
	if (pass->nodes[i].in_backward && hml_has_flag(node, HML_OP_KEEPS_INPUTS))
		return false;
	return may_overwrite(pass, node->inputs[0]);
}

static bool
shares_gradient(const HmlPass *pass, size_t i)
{
	const HmlNode *node = &pass->network->nodes[i];

	return can_share(node) && pass->nodes[i].in_backward && pass->nodes[node->inputs[0]].in_backward &&
		   pass->network->nodes[node->inputs[0]].n_readers == 1;
}

static void
find_roots(HmlPass *pass)
{
	const HmlNode *nodes = pass->network->nodes;
	HmlPassNode *parts = pass->nodes;

	for (size_t i = 0; i < pass->network->n_nodes; i++)
	{
		parts[i].value_root = shares_value(pass, i) ? parts[nodes[i].inputs[0]].value_root : i;
		parts[i].gradient_root = i;
	}
	for (size_t i = pass->network->n_nodes; i-- > 0;)
		if (shares_gradient(pass, i))
			parts[nodes[i].inputs[0]].gradient_root = parts[i].gradient_root;
}

HmlStatus
hml_schedule_pass(HmlPass *pass)
{
	HML_TRY(cut_segments(pass));
	mark_backward(pass);
	find_roots(pass);
	return HML_OK;
}
