/*
 * fuzz_network.c
 *	  Network specifications from anyone.
 *
 * What is built must survive its canonical form, run forward and backward in a
 * pass, and give the same outputs through the inference plan.
 */
#include "fuzz/support.h"

#include <math.h>
#include <string.h>

#include "core/nn/train/pass.h"
#include "core/nn/plan/plan.h"

#define BATCH 2
#define MOST_FLOPS 2e6 /* of what is run: the fuzzer is after mistakes, not after heat */
#define MOST_WEIGHTS 100000

static void
check_canonical(HmlArena *arena, const HmlNetwork *network)
{
	HmlContext *ctx = hml_arena_context(arena);
	HmlText text;
	const char *spec;
	HmlNetwork *again;

	hml_text_init(&text, ctx);
	hml_network_spec(network, &text);
	if (hml_text_finish(&text, &spec) == HML_OK)
	{
		if (hml_network_parse(arena, spec, text.length, &again) == HML_OK)
			fuzz_assert(again->n_weights == network->n_weights && again->n_nodes == network->n_nodes);
		else
			fuzz_assert(ctx->status == HML_MEMORY_LIMIT);
	}
	hml_text_free(&text);
}

static bool
is_small(const HmlNetwork *network)
{
	size_t work = 0;

	for (size_t i = 0; i < network->n_nodes; i++)
		work += hml_shape_size(&network->nodes[i].shape);
	return network->n_weights <= MOST_WEIGHTS && network->flops <= MOST_FLOPS && (double) work <= MOST_FLOPS;
}

static HmlStatus
run_plan(HmlArena *arena, const HmlNetwork *network, const float *weights, const float *const *inputs,
		 const float *expected)
{
	size_t size = BATCH * hml_shape_size(&network->nodes[network->output].shape);
	HmlPlan *plan;
	void *scratch;
	float *output;

	HML_TRY(hml_plan_create(arena, network, weights, &plan));
	HML_TRY(hml_arena_alloc(arena, 1, hml_plan_scratch_size(plan), &scratch));
	HML_TRY(HML_ARENA_NEW(arena, &output, size));
	HML_TRY(hml_plan_run(plan, hml_arena_context(arena), scratch, inputs, BATCH, output));
	for (size_t i = 0; i < size; i++)
		fuzz_assert(!isfinite(expected[i]) ||
					fabs((double) (output[i] - expected[i])) <= 1e-2 * (1 + fabs((double) expected[i])));
	return HML_OK;
}

static HmlStatus
run_pass(HmlArena *arena, const HmlNetwork *network, HmlPass *pass, const float *const *inputs,
		 float *weights)
{
	size_t size = BATCH * hml_shape_size(&network->nodes[network->output].shape);
	float *gradients;
	HmlRng rng;

	HML_TRY(HML_ARENA_NEW_ZERO(arena, &gradients, network->n_trainable));
	HML_TRY(hml_network_init(network, 1, weights));
	HML_TRY(hml_pass_forward(pass, weights, inputs, BATCH));
	HML_TRY(run_plan(arena, network, weights, inputs, hml_pass_output(pass)));
	hml_rng_seed(&rng, 1);
	HML_TRY(hml_pass_forward_training(pass, weights, inputs, BATCH, &rng));
	for (size_t i = 0; i < size; i++)
		hml_pass_loss_gradient(pass)[i] = 1;
	return hml_pass_backward(pass, gradients);
}

static HmlStatus
run_network(HmlArena *arena, const HmlNetwork *network)
{
	HmlPassOptions options = {
		.batch = BATCH, .backward = true, .input_gradients = true, .loss_node = network->output};
	const float *inputs[HML_MAX_NETWORK_INPUTS];
	float *weights;
	HmlPass *pass;
	HmlStatus status;

	for (size_t k = 0; k < network->n_inputs; k++)
	{
		size_t n = BATCH * hml_shape_size(&network->nodes[k].shape);
		float *input;

		HML_TRY(HML_ARENA_NEW(arena, &input, n));
		for (size_t i = 0; i < n; i++)
			input[i] = (float) ((i * 7919 + k) % 1000) / 500.0f - 1.0f;
		inputs[k] = input;
	}
	HML_TRY(HML_ARENA_NEW(arena, &weights, network->n_weights));
	HML_TRY(hml_pass_create(hml_arena_context(arena), network, &options, &pass));
	status = run_pass(arena, network, pass, inputs, weights);
	hml_pass_free(pass);
	return status;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HmlContext ctx;
	HmlArena *arena;
	HmlNetwork *network;

	fuzz_context_init(&ctx);
	if (hml_arena_create(&ctx, &arena) == HML_OK)
	{
		if (hml_network_parse(arena, (const char *) data, size, &network) == HML_OK)
		{
			check_canonical(arena, network);
			if (is_small(network) && run_network(arena, network) != HML_OK)
				fuzz_assert(ctx.status == HML_MEMORY_LIMIT || ctx.status == HML_LIMIT);
		}
		hml_arena_free(arena);
	}
	fuzz_context_finish(&ctx);
	return 0;
}
