/*
 * iforest.c
 *	  The algorithm "isolation_forest": its parameters, training, scoring and
 *	  explanation.
 *
 * The work is done in iforest_grow.c (training), iforest_build.c (checking,
 * artifact), iforest_layout.c and iforest_walk*.c (scoring), iforest_import.c
 * and explain/treeshap.c.
 */
#include "core/learn/iforest/iforest.h"

#include <math.h>

#include "core/learn/iforest/treeshap.h"
#include "core/model/anomaly.h"
#include "core/learn/iforest/iforest_build.h"
#include "core/learn/iforest/iforest_grow.h"
#include "core/learn/iforest/iforest_layout.h"

/* Score of a row whose path is as long as the mean: "auto" contamination is above it, as in the paper. */
#define AUTO_THRESHOLD 0.5

#define ROWS_BETWEEN_POLLS 16

static const HmlParamSpec params[] = {
	{"n_estimators", HML_PARAM_INTEGER, "300", 1, HML_IFOREST_MAX_TREES, NULL, "Number of trees."},
	{"max_samples", HML_PARAM_NUMBER_OR_CHOICE, "\"auto\"", 0, UINT32_MAX, "auto",
	 "Rows that each tree is grown on: a number above 1, or a share of the rows up to 1; auto is 256, or "
	 "all rows where there are fewer."},
	{"max_features", HML_PARAM_NUMBER, "1.0", 0, HML_IFOREST_MAX_INPUTS, NULL,
	 "Inputs that each tree may split by: a number above 1, or a share of the inputs up to 1."},
	{"bootstrap", HML_PARAM_BOOLEAN, "false", 0, 0, NULL, "Draw the rows of a tree with replacement."},
	{"contamination", HML_PARAM_NUMBER_OR_CHOICE, "\"auto\"", 0, 0.5, "auto",
	 "Share of the training rows, above 0, that is called anomalous; with auto, scores above 0.5 are."},
	{0}};

/* ---- training ------------------------------------------------------------------------------------- */

/* A parameter that is a share of 'total' up to 1, and a number of it above. */
static HmlStatus
share_or_number(HmlContext *ctx, const HmlParams *given, const char *name, size_t total, size_t *out)
{
	double value = hml_param_number(given, name);

	if (!(value > 0) || (value > 1 && value != floor(value)))
		return hml_fail(ctx, HML_INVALID_ARGUMENT,
						"parameter \"%s\" must be a share above 0 and up to 1, or a whole number, not %g",
						name, value);
	*out = value > 1 ? (size_t) value : (size_t) (value * (double) total);
	if (*out < 1)
		*out = 1;
	if (*out > total)
		*out = total;
	return HML_OK;
}

static HmlStatus
make_plan(HmlContext *ctx, const HmlParams *given, size_t n_rows, size_t n_inputs, HmlForestPlan *plan)
{
	plan->n_estimators = (size_t) hml_param_integer(given, "n_estimators");
	plan->bootstrap = hml_param_boolean(given, "bootstrap");
	plan->seed = (uint64_t) hml_param_integer(given, "seed");
	plan->max_samples = n_rows < 256 ? n_rows : 256;
	if (!hml_param_is_choice(given, "max_samples", "auto"))
		HML_TRY(share_or_number(ctx, given, "max_samples", n_rows, &plan->max_samples));
	return share_or_number(ctx, given, "max_features", n_inputs, &plan->max_features);
}

static HmlStatus
check_contamination(HmlContext *ctx, const HmlParams *given)
{
	if (hml_param_is_choice(given, "contamination", "auto") || hml_param_number(given, "contamination") > 0)
		return HML_OK;
	return hml_fail(ctx, HML_INVALID_ARGUMENT, "parameter \"contamination\" must be above 0");
}

static HmlStatus
fit_rows(HmlArena *arena, const HmlTraining *training, HmlModel *model, const uint32_t *rows, size_t n_rows)
{
	HmlContext *ctx = hml_arena_context(arena);
	HmlForestPlan plan;
	HmlForest *forest;

	HML_TRY(hml_pipeline_fit(model->arena, training->frame, rows, n_rows, training->params, HML_SCALE_NONE,
							 &model->pipeline));
	HML_TRY(make_plan(ctx, training->params, n_rows, model->pipeline->n_inputs, &plan));
	HML_TRY(hml_forest_grow(model->arena, &plan, model->pipeline, training->frame, rows, n_rows, &forest));
	model->impl = forest;
	return hml_anomaly_calibrate(ctx, training, model, rows, n_rows, AUTO_THRESHOLD);
}

static HmlStatus
train(HmlContext *ctx, const HmlTraining *training, HmlModel *model)
{
	HML_TRY(check_contamination(ctx, training->params));
	return hml_anomaly_train(ctx, training, model, fit_rows);
}

/* ---- scoring -------------------------------------------------------------------------------------- */

/*
 * The sum of the paths of a row whose margin is -1, in the kernels' fixed-point
 * numbers, so that the score of a row that cannot be distinguished from others is 0.5.
 */
static double
sum_of_unit(const HmlForest *forest)
{
	return (double) forest->n_trees * (double) hml_forest_fixed_point(hml_iforest_normalizer(forest));
}

static size_t
scratch_size(const HmlModel *model)
{
	const HmlForest *forest = model->impl;

	return hml_forest_scratch_size(forest->layout);
}

static HmlStatus
outputs(const HmlModel *model, HmlContext *ctx, void *memory, const HmlSamples *samples, double *scores)
{
	const HmlForest *forest = model->impl;
	const HmlForestLayout *layout = forest->layout;
	HmlForestWalk walk = hml_forest_walk(layout);
	HmlForestScratch *scratch = hml_forest_scratch(layout, memory);
	double unit = sum_of_unit(forest);

	for (size_t i = 0; i < samples->n; i++)
	{
		hml_iforest_cast(samples->rows + i * forest->n_inputs, forest->n_inputs, scratch->row);
		scores[i] = exp2(-(double) walk(layout, scratch) / unit);
		if (i % ROWS_BETWEEN_POLLS == ROWS_BETWEEN_POLLS - 1)
			HML_TRY(hml_poll(ctx));
	}
	return HML_OK;
}

/* ---- explanation ---------------------------------------------------------------------------------- */

static HmlStatus
explain_row(const HmlModel *model, HmlContext *ctx, HmlForestScratch *scratch, double *by_input,
			HmlExplanation *out)
{
	const HmlForest *forest = model->impl;
	const HmlPipeline *pipeline = model->pipeline;

	HML_TRY(hml_treeshap_explain(forest, ctx, scratch->row, &out->base, by_input));
	for (size_t i = 0; i < pipeline->n_features; i++)
	{
		const HmlFeature *feature = &pipeline->features[i];

		out->contributions[i] = 0;
		for (size_t j = 0; j < feature->n_inputs; j++)
			out->contributions[i] += by_input[feature->first_input + j];
	}
	out->margin = -(double) hml_forest_walk(forest->layout)(forest->layout, scratch) / sum_of_unit(forest);
	out->standard_error = 0;
	out->method = "tree_shap";
	return HML_OK;
}

static HmlStatus
explain(const HmlModel *model, HmlContext *ctx, const double *inputs, HmlExplanation *out)
{
	HmlForest *forest = model->impl;
	HmlForestScratch *scratch;
	double *by_input = NULL;
	void *memory;
	HmlStatus status;

	HML_TRY(hml_treeshap_prepare(ctx, model->arena, forest));
	HML_TRY(hml_alloc(ctx, 1, hml_forest_scratch_size(forest->layout), &memory));
	scratch = hml_forest_scratch(forest->layout, memory);
	hml_iforest_cast(inputs, forest->n_inputs, scratch->row);
	status = HML_NEW(ctx, &by_input, forest->n_inputs);
	if (status == HML_OK)
		status = explain_row(model, ctx, scratch, by_input, out);
	hml_free(ctx, by_input);
	hml_free(ctx, memory);
	return status;
}

/* ---- artifact ------------------------------------------------------------------------------------- */

static void
write_forest(const HmlModel *model, HmlWriter *writer)
{
	hml_forest_write(model->impl, writer);
}

static HmlStatus
read_forest(HmlModel *model, HmlReader *reader)
{
	HmlForest *forest;

	HML_TRY(hml_forest_read(model->arena, reader, model->pipeline->n_inputs, &forest));
	model->impl = forest;
	return HML_OK;
}

const HmlAlgorithm hml_isolation_forest = {
	.name = "isolation_forest",
	.task = "anomaly_detection",
	.help = "Isolation forest: rows that few random splits set apart are unusual.",
	.target_use = HML_TARGET_EVALUATES,
	.params = params,
	.train = train,
	.write = write_forest,
	.read = read_forest,
	.scratch_size = scratch_size,
	.outputs = outputs,
	.explain = explain,
};
