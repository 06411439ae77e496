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
	if (frame->kind != algorithm->sample)
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "algorithm \"%s\" learns from samples of another kind",
						algorithm->name);
	if (algorithm->target_use == HML_TARGET_LEARNT && !hml_frame_has(frame, HML_ROLE_TARGET) &&
		!hml_frame_has(frame, HML_ROLE_LABEL))
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

/* ---- how scores are explained ---------------------------------------------------------------------- */

const HmlParamSpec hml_explain_params[] = {
	{"explain_method", HML_PARAM_TEXT | HML_PARAM_IMPLIED, "\"auto\"", 0, 0,
	 "auto|exact|permutation|gradient",
	 "How a score is explained: by exact Shapley values, of at most 16 features; by those of sampled "
	 "permutations; by integrated gradients. auto is exact where that costs less than a millisecond, else "
	 "permutation."},
	{"explain_samples", HML_PARAM_INTEGER | HML_PARAM_IMPLIED, "null", 1, 1000000, NULL,
	 "Permutations that are sampled for an explanation, each in both directions; by default 1 to 4 for each "
	 "background row, as many as take about a quarter of a millisecond."},
	{0}};

static HmlExplainMethod
explain_method(const HmlJson *name)
{
	static const char *const names[] = {"auto", "exact", "permutation", "gradient"};

	for (size_t i = 0; name != NULL && name->type == HML_JSON_STRING && i < sizeof(names) / sizeof(*names);
		 i++)
		if (strcmp(name->string, names[i]) == 0)
			return (HmlExplainMethod) i;
	return HML_EXPLAIN_AUTO;
}

/* ---- classes that raise an alarm ------------------------------------------------------------------ */

const HmlParamSpec hml_alarm_params[] = {{"alarm", HML_PARAM_TEXTS | HML_PARAM_IMPLIED, "null", 0, 0, NULL,
										  "Classes that raise an alarm: risk and is_anomaly follow the sum "
										  "of their probabilities. By default the positive "
										  "one of two classes, and none of more, which then have no risk."},
										 {0}};

static size_t
find_class(const HmlModel *model, const char *name)
{
	size_t c = 0;

	while (c < model->n_outputs && strcmp(model->output_names[c], name) != 0)
		c++;
	return c;
}

/* Names that are no class are ignored: no training writes them. */
static HmlStatus
settle_alarm(HmlModel *model, const HmlJson *names)
{
	if (names == NULL || names->type != HML_JSON_ARRAY || model->output_names == NULL)
		return HML_OK;
	HML_TRY(HML_ARENA_NEW_ZERO(model->arena, &model->alarm, model->n_outputs));
	for (size_t i = 0; i < names->count; i++)
	{
		size_t c = names->items[i].type == HML_JSON_STRING ? find_class(model, names->items[i].string)
														   : model->n_outputs;

		if (c < model->n_outputs)
			model->alarm[c] = true;
	}
	return HML_OK;
}

static HmlStatus
check_alarm(const HmlModel *model, const HmlJson *names)
{
	HmlContext *ctx = hml_arena_context(model->arena);
	size_t n = 0;

	for (size_t i = 0; i < names->count; i++)
		if (find_class(model, names->items[i].string) == model->n_outputs)
			return hml_fail(ctx, HML_UNDEFINED, "parameter \"alarm\" names the unknown class \"%s\"",
							names->items[i].string);
	for (size_t c = 0; c < model->n_outputs; c++)
		n += model->alarm[c];
	if (n == model->n_outputs)
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "parameter \"alarm\" names all %zu classes", n);
	if (model->n_outputs > 2 || !model->alarm[0])
		return HML_OK;
	hml_fail(ctx, HML_INVALID_ARGUMENT, "parameter \"alarm\" names \"%s\", which is not the positive class",
			 model->output_names[0]);
	return hml_hint(ctx, "Set \"positive\" to \"%s\" instead.", model->output_names[0]);
}

HmlStatus
hml_model_name_classes(HmlModel *model, const char *const *names, size_t n, const HmlParams *params)
{
	const HmlJson *alarm = hml_param_json(params, "alarm");

	HML_TRY(HML_ARENA_NEW(model->arena, &model->output_names, n));
	model->n_outputs = n;
	for (size_t c = 0; c < n; c++)
	{
		char *copy;

		HML_TRY(hml_arena_strdup(model->arena, names[c], strlen(names[c]), &copy));
		model->output_names[c] = copy;
	}
	if (alarm->type != HML_JSON_ARRAY)
		return HML_OK;
	HML_TRY(settle_alarm(model, alarm));
	return check_alarm(model, alarm);
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
	{
		model->max_missing = setting(params, "max_missing", HML_MAX_MISSING);
		model->explain_method = explain_method(hml_json_get(params, "explain_method"));
		model->explain_samples = (size_t) setting(params, "explain_samples", 0);
		status = settle_alarm(model, hml_json_get(params, "alarm"));
	}
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

HmlStatus
hml_metrics_of_alarm(HmlContext *ctx, HmlText *members, const double *scores, const bool *labels, size_t n,
					 double threshold)
{
	HmlConfusion confusion = hml_confusion_at(scores, labels, n, threshold);
	HmlClassificationMetrics metrics = hml_classification_metrics(&confusion);
	double roc_auc;

	HML_TRY(hml_roc_auc(ctx, scores, labels, n, &roc_auc));
	hml_add_metric(members, "alarm_roc_auc", roc_auc);
	hml_add_metric(members, "alarm_precision", metrics.precision);
	hml_add_metric(members, "alarm_recall", metrics.recall);
	hml_add_metric(members, "alarm_specificity", metrics.specificity);
	return HML_OK;
}
