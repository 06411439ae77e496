/*
 * fuzz_forest.c
 *	  The importer of isolation forests against hostile documents.
 *
 * What is taken must score and explain, and must survive being written and read.
 */
#include "fuzz/support.h"

#include <math.h>

#include "core/learn/iforest/iforest.h"
#include "core/model/verdict.h"

static void
use_model(HmlContext *ctx, const HmlModel *model)
{
	double inputs[HML_MAX_FEATURES];
	double contributions[HML_MAX_FEATURES];
	HmlSamples row = hml_sample_rows(inputs, 1);
	HmlExplanation explanation = {.contributions = contributions};
	void *scratch;
	double score;
	double sum;

	for (size_t i = 0; i < model->pipeline->n_inputs; i++)
		inputs[i] = (double) i - 1.5;
	if (hml_alloc(ctx, 1, model->algorithm->scratch_size(model), &scratch) != HML_OK)
		return;
	fuzz_assert(hml_model_score(model, ctx, scratch, &row, &score) == HML_OK);
	fuzz_assert(score >= 0 && score <= 1);
	hml_free(ctx, scratch);
	if (model->algorithm->explain(model, ctx, inputs, &explanation) != HML_OK)
		return;
	sum = explanation.base;
	for (size_t i = 0; i < model->pipeline->n_features; i++)
		sum += contributions[i];
	fuzz_assert(fabs(sum - explanation.margin) <= 1e-6 * (1 + fabs(explanation.margin)));
}

static void
write_and_read(HmlContext *ctx, const HmlModel *model)
{
	HmlWriter writer;
	HmlModel *copy = NULL;

	hml_writer_init(&writer, ctx);
	if (hml_model_write(model, &writer) == HML_OK &&
		hml_model_read(ctx, writer.data, writer.length, &copy) != HML_OK)
		fuzz_assert(ctx->status == HML_MEMORY_LIMIT || ctx->status == HML_NO_MEMORY);
	if (copy != NULL)
		use_model(ctx, copy);
	hml_model_free(copy);
	hml_writer_free(&writer);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HmlContext ctx;
	HmlArena *arena;
	const HmlJson *document;
	HmlModel *model = NULL;

	fuzz_context_init(&ctx);
	if (hml_arena_create(&ctx, &arena) == HML_OK)
	{
		if (hml_json_parse(arena, (const char *) data, size, &document) == HML_OK &&
			hml_iforest_import(&ctx, document, &model) == HML_OK)
		{
			use_model(&ctx, model);
			write_and_read(&ctx, model);
		}
		hml_model_free(model);
		hml_arena_free(arena);
	}
	fuzz_context_finish(&ctx);
	return 0;
}
