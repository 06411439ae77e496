/*
 * model_support.c
 *	  Training and its metrics, for the unit tests of algorithms; random weights,
 *	  for those of networks.
 */
#include "unit/model_support.h"

#include "unit/support.h"

HmlStatus
train_model(HmlArena *arena, const HmlAlgorithm *algorithm, const HmlFrame *frame, const char *json,
			HmlText *metrics, HmlModel **model)
{
	HmlTraining training = {.frame = frame, .metrics = metrics};
	const HmlJson *given;
	HmlParams *params;

	*model = NULL;
	HML_TRY(hml_json_parse(arena, json, strlen(json), &given));
	HML_TRY(hml_algorithm_params(arena, algorithm, given, &params));
	training.params = params;
	return hml_model_train(hml_arena_context(arena), algorithm, &training, model);
}

double
metric_of(HmlArena *arena, HmlText *metrics, const char *name)
{
	const HmlContext *ctx = hml_arena_context(arena);
	const char *text;
	const HmlJson *json;
	char document[2048];

	assert_ok(ctx, hml_text_finish(metrics, &text));
	snprintf(document, sizeof(document), "{%s}", text);
	assert_ok(ctx, hml_json_parse(arena, document, strlen(document), &json));
	assert_non_null(hml_json_get(json, name));
	return hml_json_get(json, name)->number;
}

void
fill_numbers(float *values, size_t count, uint32_t seed)
{
	for (size_t i = 0; i < count; i++)
	{
		seed = seed * 1664525u + 1013904223u;
		values[i] = (float) (seed >> 8) / (float) (1 << 23) - 1.0f;
	}
}

void
disturb_weights(const HmlNetwork *network, float *weights)
{
	for (size_t i = 0; i < network->n_nodes; i++)
		for (size_t p = 0; p < network->nodes[i].n_parameters; p++)
		{
			const HmlParameter *parameter = &network->nodes[i].parameters[p];
			float *w = weights + parameter->offset;

			if (parameter->shape.n_dims > 1)
				continue;
			fill_numbers(w, parameter->size, (uint32_t) (i * 64 + p));
			if (strcmp(parameter->name, "running_var") == 0)
				for (size_t k = 0; k < parameter->size; k++)
					w[k] = 0.5f + w[k] * w[k];
		}
}

HmlStatus
score_hearts(HmlContext *ctx, const HmlHeartNetwork *network, const float *features, size_t n, double *p)
{
	void *scratch;
	HmlStatus status;

	HML_TRY(hml_alloc(ctx, 1, hml_heart_network_scratch_size(network), &scratch));
	status = hml_heart_network_score(ctx, network, scratch, features, n, p);
	hml_free(ctx, scratch);
	return status;
}
