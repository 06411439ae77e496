/*
 * fuzz_onnx.c
 *	  The reader of ONNX files against hostile bytes.
 *
 * What is taken must run, and must survive being written and read.
 */
#include "fuzz/support.h"

#include "core/nn/onnx/onnx.h"
#include "core/nn/plan/plan.h"

#define MAX_FLOPS 1e8 /* of a network that is run: more is slow and shows nothing new */

static HmlStatus
run_network(HmlContext *ctx, HmlArena *arena, const HmlOnnxImport *read)
{
	const HmlNetwork *network = read->network;
	const float *inputs[HML_MAX_NETWORK_INPUTS];
	float *output;
	void *scratch;
	HmlPlan *plan;

	for (size_t i = 0; i < network->n_inputs; i++)
	{
		float *zeros;

		HML_TRY(HML_ARENA_NEW_ZERO(arena, &zeros, hml_shape_size(&network->nodes[i].shape)));
		inputs[i] = zeros;
	}
	HML_TRY(HML_ARENA_NEW(arena, &output, hml_shape_size(&network->nodes[network->output].shape)));
	HML_TRY(hml_plan_create(arena, network, read->weights, &plan));
	HML_TRY(hml_arena_alloc(arena, 1, hml_plan_scratch_size(plan), &scratch));
	return hml_plan_run(plan, ctx, scratch, inputs, 1, output);
}

static void
write_and_read(HmlContext *ctx, HmlArena *arena, const HmlOnnxImport *read)
{
	HmlOnnxExport what = hml_onnx_export_defaults(read->network, read->weights);
	HmlOnnxImport again;
	HmlWriter writer;

	hml_writer_init(&writer, ctx);
	if (hml_onnx_write(ctx, &what, &writer) == HML_OK &&
		hml_onnx_read(arena, writer.data, writer.length, &again) != HML_OK)
		fuzz_assert(ctx->status == HML_MEMORY_LIMIT || ctx->status == HML_LIMIT);
	hml_writer_free(&writer);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HmlContext ctx;
	HmlArena *arena;
	HmlOnnxImport read;

	fuzz_context_init(&ctx);
	if (hml_arena_create(&ctx, &arena) == HML_OK)
	{
		if (hml_onnx_read(arena, data, size, &read) == HML_OK && read.network->flops < MAX_FLOPS)
		{
			if (run_network(&ctx, arena, &read) != HML_OK)
				fuzz_assert(ctx.status == HML_MEMORY_LIMIT || ctx.status == HML_LIMIT);
			write_and_read(&ctx, arena, &read);
		}
		hml_arena_free(arena);
	}
	fuzz_context_finish(&ctx);
	return 0;
}
