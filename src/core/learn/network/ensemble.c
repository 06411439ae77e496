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

#include "core/nn/train/pass.h"

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

/* One sample again, layer by layer, until one gives what is not finite; the last one does. */
static HmlStatus
name_layer(const HmlEnsemble *ensemble, HmlContext *ctx, size_t member, const float *sample)
{
	const HmlNetwork *network = ensemble->network;

	for (size_t node = network->n_inputs; node < network->n_nodes; node++)
	{
		HmlPassOptions options = {.batch = 1, .loss_node = node};
		size_t size = hml_shape_size(&network->nodes[node].shape);
		bool finite = true;
		HmlPass *pass;
		HmlStatus status;

		HML_TRY(hml_pass_create(ctx, network, &options, &pass));
		status = hml_pass_forward(pass, ensemble->weights[member], &sample, 1);
		for (size_t i = 0; status == HML_OK && i < size; i++)
			finite = finite && isfinite(hml_pass_loss_input(pass)[i]);
		hml_pass_free(pass);
		HML_TRY(status);
		if (!finite || node == network->output)
			return hml_fail(ctx, HML_INVALID_DATA,
							"layer \"%s\" of the network gives a number that is not finite",
							network->nodes[node].name);
	}
	return HML_OK;
}

/* Outputs are numbers: NaN would compare with no threshold, and pass as a low risk. */
static HmlStatus
check_outputs(const HmlEnsemble *ensemble, HmlContext *ctx, size_t member, size_t n, const float *inputs,
			  const float *outputs)
{
	size_t width = hml_ensemble_outputs(ensemble);

	for (size_t i = 0; i < n * width; i++)
		if (!isfinite(outputs[i]))
		{
			HML_TRY(name_layer(ensemble, ctx, member, inputs + i / width * hml_ensemble_inputs(ensemble)));
			return hml_hint(ctx, "A weight or a feature is too large to be computed with in float32.");
		}
	return HML_OK;
}

/* inputs is (n, inputs), n at most a chunk. */
static HmlStatus
run_chunk(const HmlEnsemble *ensemble, HmlContext *ctx, void *scratch, const float *inputs, size_t first,
		  size_t n, HmlTakeOutputs take, void *user)
{
	float *block = hml_ensemble_block(ensemble, scratch);
	float *results = block + hml_ensemble_chunk(ensemble) * hml_ensemble_inputs(ensemble);

	for (size_t k = 0; k < ensemble->n_members; k++)
	{
		HmlMemberOutputs outputs = {
			.member = k, .first = first, .n = n, .inputs = inputs, .outputs = results};

		HML_TRY(hml_plan_run(ensemble->plans[k], ctx, scratch, &inputs, n, results));
		HML_TRY(check_outputs(ensemble, ctx, k, n, inputs, results));
		take(user, &outputs);
	}
	return HML_OK;
}

HmlStatus
hml_ensemble_run(const HmlEnsemble *ensemble, HmlContext *ctx, void *scratch, size_t first, size_t n,
				 HmlTakeOutputs take, void *user)
{
	return run_chunk(ensemble, ctx, scratch, hml_ensemble_block(ensemble, scratch), first, n, take, user);
}

HmlStatus
hml_ensemble_run_tensors(const HmlEnsemble *ensemble, HmlContext *ctx, void *scratch, const float *inputs,
						 size_t n, HmlTakeOutputs take, void *user)
{
	size_t n_inputs = hml_ensemble_inputs(ensemble);
	size_t chunk = hml_ensemble_chunk(ensemble);

	for (size_t first = 0; first < n; first += chunk)
		HML_TRY(run_chunk(ensemble, ctx, scratch, inputs + first * n_inputs, first,
						  n - first < chunk ? n - first : chunk, take, user));
	return HML_OK;
}

HmlStatus
hml_ensemble_run_rows(const HmlEnsemble *ensemble, const HmlPipeline *pipeline, HmlContext *ctx,
					  void *scratch, const double *inputs, size_t n, HmlTakeOutputs take, void *user)
{
	size_t n_inputs = hml_ensemble_inputs(ensemble);
	size_t chunk = hml_ensemble_chunk(ensemble);
	float *block = hml_ensemble_block(ensemble, scratch);

	for (size_t first = 0; first < n; first += chunk)
	{
		size_t count = n - first < chunk ? n - first : chunk;

		HML_TRY(hml_pipeline_cast(pipeline, ctx, inputs + first * n_inputs, count, block));
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
		HML_TRY(hml_network_check_weights(reader->ctx, ensemble->network, ensemble->weights[k], HML_CORRUPT));
	}
	return HML_OK;
}
