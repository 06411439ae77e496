/*
 * inputs.c
 *	  The pipeline in blocks of rows.
 */
#include "core/learn/network/inputs.h"

#define BLOCK_ROWS 1024

HmlStatus
hml_network_inputs(HmlArena *arena, const HmlPipeline *pipeline, const HmlFrame *frame, const uint32_t *rows,
				   size_t n_rows, float **inputs)
{
	HmlContext *ctx = hml_arena_context(arena);
	size_t n_inputs = pipeline->n_inputs;
	double *block;
	HmlStatus status = HML_OK;

	HML_TRY(hml_arena_alloc(arena, n_rows, n_inputs * sizeof(float), (void **) inputs));
	HML_TRY(HML_NEW(ctx, &block, BLOCK_ROWS * n_inputs));
	for (size_t first = 0; status == HML_OK && first < n_rows; first += BLOCK_ROWS)
	{
		size_t count = n_rows - first < BLOCK_ROWS ? n_rows - first : BLOCK_ROWS;

		status = hml_pipeline_apply_frame(pipeline, ctx, frame, rows + first, count, block);
		if (status == HML_OK)
			status = hml_pipeline_cast(pipeline, ctx, block, count, *inputs + first * n_inputs);
	}
	hml_free(ctx, block);
	return status;
}
