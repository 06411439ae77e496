/*
 * ensemble.c
 *	  Weights, training, inference and bytes of the networks of a model.
 *
 * A scratch block begins with that of the plan, which is the same for all members;
 * then come the inputs and the outputs of a chunk.
 */
#include "core/learn/network/ensemble.h"

#include <math.h>
#include <string.h>

size_t
hml_ensemble_inputs(const HmlEnsemble *ensemble)
{
	return hml_shape_size(&ensemble->network->nodes[0].shape);
}

size_t
hml_ensemble_outputs(const HmlEnsemble *ensemble)
{
	return hml_shape_size(&ensemble->network->nodes[ensemble->network->output].shape);
}

/* ---- making one ------------------------------------------------------------------------------------ */

HmlStatus
hml_ensemble_create(HmlArena *arena, const char *name, HmlNetwork *network, size_t n_members,
					HmlEnsemble *out)
{
	memset(out, 0, sizeof(*out));
	if (n_members < 1 || n_members > HML_MAX_MEMBERS)
		return hml_fail(hml_arena_context(arena), HML_INVALID_ARGUMENT,
						"there must be from 1 to %d networks, not %zu", HML_MAX_MEMBERS, n_members);
	out->name = name;
	out->network = network;
	out->n_members = n_members;
	for (size_t k = 0; k < n_members; k++)
		HML_TRY(HML_ARENA_NEW(arena, &out->weights[k], network->n_weights));
	return HML_OK;
}

HmlStatus
hml_ensemble_init(HmlEnsemble *ensemble, uint64_t seed)
{
	for (size_t k = 0; k < ensemble->n_members; k++)
		HML_TRY(hml_network_init(ensemble->network, seed + k, ensemble->weights[k]));
	return HML_OK;
}

HmlStatus
hml_ensemble_train(HmlContext *ctx, HmlEnsemble *ensemble, const HmlTrainOptions *options,
				   const HmlDataset *training, const HmlDataset *validation, HmlTrainResult *result)
{
	HmlTrainOptions own = *options;

	HML_TRY(hml_ensemble_init(ensemble, options->seed));
	for (size_t k = 0; k < ensemble->n_members; k++)
	{
		HmlTrainResult other;

		own.seed = options->seed + k;
		if (k > 0)
			own.on_epoch = NULL;
		HML_TRY(hml_train_network(ctx, ensemble->network, &own, training, validation, ensemble->weights[k],
								  k == 0 ? result : &other));
	}
	return HML_OK;
}

HmlStatus
hml_ensemble_prepare(HmlArena *arena, HmlEnsemble *ensemble)
{
	for (size_t k = 0; k < ensemble->n_members; k++)
		HML_TRY(hml_plan_create(arena, ensemble->network, ensemble->weights[k], &ensemble->plans[k]));
	return HML_OK;
}

/* ---- inference ------------------------------------------------------------------------------------- */

size_t
hml_ensemble_chunk(const HmlEnsemble *ensemble)
{
	return hml_plan_chunk(ensemble->plans[0]);
}

size_t
hml_ensemble_scratch_size(const HmlEnsemble *ensemble)
{
	size_t numbers = hml_ensemble_inputs(ensemble) + hml_ensemble_outputs(ensemble);

	return hml_plan_scratch_size(ensemble->plans[0]) + hml_ensemble_chunk(ensemble) * numbers * sizeof(float);
}

float *
hml_ensemble_block(const HmlEnsemble *ensemble, void *scratch)
{
	return (float *) ((char *) scratch + hml_plan_scratch_size(ensemble->plans[0]));
}

HmlStatus
hml_ensemble_run(const HmlEnsemble *ensemble, HmlContext *ctx, void *scratch, size_t first, size_t n,
				 HmlTakeOutputs take, void *user)
{
	float *block = hml_ensemble_block(ensemble, scratch);
	float *results = block + hml_ensemble_chunk(ensemble) * hml_ensemble_inputs(ensemble);
	const float *inputs[1] = {block};

	for (size_t k = 0; k < ensemble->n_members; k++)
	{
		HmlMemberOutputs outputs = {.member = k, .first = first, .n = n, .inputs = block, .outputs = results};

		HML_TRY(hml_plan_run(ensemble->plans[k], ctx, scratch, inputs, n, results));
		take(user, &outputs);
	}
	return HML_OK;
}

HmlStatus
hml_ensemble_run_rows(const HmlEnsemble *ensemble, HmlContext *ctx, void *scratch, const double *inputs,
					  size_t n, HmlTakeOutputs take, void *user)
{
	size_t n_inputs = hml_ensemble_inputs(ensemble);
	size_t chunk = hml_ensemble_chunk(ensemble);
	float *block = hml_ensemble_block(ensemble, scratch);

	for (size_t first = 0; first < n; first += chunk)
	{
		size_t count = n - first < chunk ? n - first : chunk;

		for (size_t i = 0; i < count * n_inputs; i++)
			block[i] = (float) inputs[first * n_inputs + i];
		HML_TRY(hml_ensemble_run(ensemble, ctx, scratch, first, count, take, user));
	}
	return HML_OK;
}

/* ---- artifact -------------------------------------------------------------------------------------- */

void
hml_ensemble_write(const HmlEnsemble *ensemble, HmlWriter *writer)
{
	hml_network_write(ensemble->network, ensemble->weights[0], writer);
}

HmlStatus
hml_ensemble_read(HmlArena *arena, HmlReader *reader, const char *name, HmlEnsemble *out)
{
	memset(out, 0, sizeof(*out));
	out->name = name;
	out->n_members = 1;
	return hml_network_read(arena, reader, &out->network, &out->weights[0]);
}

void
hml_ensemble_write_others(const HmlEnsemble *ensemble, HmlWriter *writer)
{
	hml_write_u32(writer, (uint32_t) ensemble->n_members - 1);
	for (size_t k = 1; k < ensemble->n_members; k++)
		hml_write_f32_array(writer, ensemble->weights[k], ensemble->network->n_weights);
}

HmlStatus
hml_ensemble_read_others(HmlArena *arena, HmlReader *reader, HmlEnsemble *ensemble)
{
	size_t n_weights = ensemble->network->n_weights;
	size_t others;

	HML_TRY(hml_read_count(reader, n_weights * sizeof(float), HML_MAX_MEMBERS - 1, &others));
	ensemble->n_members = 1 + others;
	for (size_t k = 1; k < ensemble->n_members; k++)
	{
		HML_TRY(HML_ARENA_NEW(arena, &ensemble->weights[k], n_weights));
		HML_TRY(hml_read_f32_array(reader, ensemble->weights[k], n_weights));
		for (size_t i = 0; i < n_weights; i++)
			if (!isfinite(ensemble->weights[k][i]))
				return hml_fail(reader->ctx, HML_CORRUPT, "%s has a weight that is not finite", reader->what);
	}
	return HML_OK;
}
