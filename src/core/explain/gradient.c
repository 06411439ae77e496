/*
 * gradient.c
 *	  Integrated gradients of a model's score, from its inputs to its features.
 */
#include "core/explain/gradient.h"

#include <math.h>

#include "core/learn/network/integrated_gradients.h"

static void
sum_features(const HmlModel *model, const double *by_input, HmlExplanation *out)
{
	const HmlPipeline *pipeline = model->pipeline;
	double sum = 0.0;

	for (size_t f = 0; f < pipeline->n_features; f++)
	{
		const HmlFeature *feature = &pipeline->features[f];

		out->contributions[f] = 0.0;
		for (size_t i = feature->first_input; i < feature->first_input + feature->n_inputs; i++)
			out->contributions[f] += by_input[i];
		sum += out->contributions[f];
	}
	out->standard_error = fabs(out->base + sum - out->margin);
	out->method = "integrated_gradients";
}

static HmlStatus
explain(HmlArena *arena, const HmlModel *model, const double *inputs, HmlExplanation *out)
{
	HmlGradientSpec spec = {0};
	double *by_input;

	HML_TRY(HML_ARENA_NEW_ZERO(arena, &by_input, model->pipeline->n_inputs));
	HML_TRY(model->algorithm->gradient(arena, model, inputs, by_input, &spec));
	HML_TRY(hml_integrate_gradients(hml_arena_context(arena), &spec, &out->base, &out->margin));
	sum_features(model, by_input, out);
	return HML_OK;
}

HmlStatus
hml_gradient_explain(const HmlModel *model, HmlContext *ctx, const double *inputs, HmlExplanation *out)
{
	HmlArena *arena;
	HmlStatus status;

	if (model->algorithm->gradient == NULL)
	{
		hml_fail(ctx, HML_UNSUPPORTED, "scores of algorithm \"%s\" have no gradients",
				 model->algorithm->name);
		return hml_hint(ctx, "Shapley values explain any model.");
	}
	if (model->n_corrections > 0)
	{
		hml_fail(ctx, HML_UNSUPPORTED, "corrected probabilities have no gradients");
		return hml_hint(ctx, "Shapley values explain any model.");
	}
	HML_TRY(hml_arena_create(ctx, &arena));
	status = explain(arena, model, inputs, out);
	hml_arena_free(arena);
	return status;
}
