/*
 * model.c
 *	  The life of a model: created, trained, freed.
 *
 * Its bytes are written and read in artifact.c.
 */
#include "core/model/model.h"

#include <string.h>

#include "core/stats/metrics.h"

HmlStatus
hml_model_create(HmlContext *ctx, const HmlAlgorithm *algorithm, HmlModel **out)
{
	HmlArena *arena;
	HmlStatus status;

	*out = NULL;
	HML_TRY(hml_arena_create(ctx, &arena));
	status = HML_ARENA_NEW_ZERO(arena, out, 1);
	if (status != HML_OK)
	{
		hml_arena_free(arena);
		return status;
	}
	(*out)->arena = arena;
	(*out)->algorithm = algorithm;
	(*out)->params = "{}";
	(*out)->n_outputs = 1;
	return HML_OK;
}

void
hml_model_free(HmlModel *model)
{
	if (model != NULL)
		hml_arena_free(model->arena);
}

/* The parameters as the artifact keeps them. */
static HmlStatus
keep_params(HmlModel *model, const HmlParams *params)
{
	HmlText text;
	const char *json;
	char *copy = NULL;
	HmlStatus status;

	hml_text_init(&text, hml_arena_context(model->arena));
	hml_params_write(params, &text);
	status = hml_text_finish(&text, &json);
	if (status == HML_OK)
		status = hml_arena_strdup(model->arena, json, strlen(json), &copy);
	if (status == HML_OK)
		model->params = copy;
	hml_text_free(&text);
	return status;
}

static HmlStatus
check_training(HmlContext *ctx, const HmlAlgorithm *algorithm, const HmlFrame *frame)
{
	if (frame->n_rows == 0)
		return hml_fail(ctx, HML_INVALID_DATA, "there is no row to learn from");
	if (algorithm->target_use == HML_TARGET_LEARNT && !frame->has_target)
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "algorithm \"%s\" needs a target column", algorithm->name);
	return HML_OK;
}

HmlStatus
hml_model_train(HmlContext *ctx, const HmlAlgorithm *algorithm, const HmlTraining *training, HmlModel **out)
{
	HmlModel *model;
	HmlStatus status;

	*out = NULL;
	HML_TRY(check_training(ctx, algorithm, training->frame));
	HML_TRY(hml_model_create(ctx, algorithm, &model));
	model->trained_rows = (int64_t) training->frame->n_rows;
	status = keep_params(model, training->params);
	if (status == HML_OK)
		status = hml_model_settle(model);
	if (status == HML_OK)
		status = algorithm->train(ctx, training, model);
	if (status == HML_OK)
		*out = model;
	else
		hml_model_free(model);
	return status;
}

static double
setting(const HmlJson *params, const char *name, double fallback)
{
	const HmlJson *value = hml_json_get(params, name);

	return value != NULL && value->type == HML_JSON_NUMBER ? value->number : fallback;
}

HmlStatus
hml_model_settle(HmlModel *model)
{
	HmlContext *ctx = hml_arena_context(model->arena);
	HmlArena *arena;
	const HmlJson *params;
	HmlStatus status;

	HML_TRY(hml_arena_create(ctx, &arena));
	status = hml_json_parse(arena, model->params, strlen(model->params), &params);
	if (status == HML_OK)
		model->max_missing = setting(params, "max_missing", HML_MAX_MISSING);
	hml_arena_free(arena);
	if (status == HML_INVALID_DATA)
		return hml_fail(ctx, HML_CORRUPT, "parameters of the model are not JSON");
	return status;
}

void
hml_add_metric(HmlText *members, const char *name, double value)
{
	if (members->length > 0)
		hml_text_add(members, ", ");
	hml_text_add_json_string(members, name);
	hml_text_add(members, ": ");
	hml_text_add_json_number(members, value);
}

void
hml_metric(const HmlTraining *training, const char *name, double value)
{
	if (training->metrics != NULL)
		hml_add_metric(training->metrics, name, value);
}

HmlStatus
hml_metrics_of_classifier(HmlContext *ctx, const HmlTraining *training, const double *probabilities,
						  const bool *labels, size_t n, double threshold)
{
	HmlConfusion confusion = hml_confusion_at(probabilities, labels, n, threshold);
	HmlClassificationMetrics metrics = hml_classification_metrics(&confusion);
	double value;

	HML_TRY(hml_roc_auc(ctx, probabilities, labels, n, &value));
	hml_metric(training, "roc_auc", value);
	HML_TRY(hml_average_precision(ctx, probabilities, labels, n, &value));
	hml_metric(training, "average_precision", value);
	HML_TRY(hml_mean_of_loss(ctx, hml_brier_loss, probabilities, labels, n, &value));
	hml_metric(training, "brier_score", value);
	hml_metric(training, "accuracy", metrics.accuracy);
	hml_metric(training, "balanced_accuracy", metrics.balanced_accuracy);
	hml_metric(training, "precision", metrics.precision);
	hml_metric(training, "recall", metrics.recall);
	hml_metric(training, "specificity", metrics.specificity);
	hml_metric(training, "f1", metrics.f1);
	return HML_OK;
}
