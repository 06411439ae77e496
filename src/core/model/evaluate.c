/*
 * evaluate.c
 *	  Metrics of a model on a frame, and cross-validation.
 *
 * All that a call allocates lies in one arena, but for the models and frames of
 * the folds, of which one lives at a time.
 */
#include "core/model/evaluate.h"

#include <math.h>

#include "core/data/split.h"
#include "core/base/number.h"
#include "core/model/anomaly.h"
#include "core/model/labels.h"
#include "core/model/metric_set.h"
#include "core/model/verdict.h"

typedef struct Evaluation
{
	HmlContext *ctx;
	HmlArena *arena;
	const HmlModel *model;
	const HmlFrame *frame;
	const HmlBootstrap *bootstrap;
	HmlText *metrics;
	size_t n;
	size_t n_left_out; /* rows without a target, or with a class that the model does not know */
	uint32_t *rows;    /* (n) */
	uint32_t *classes; /* (n) of a classifier or detector */
} Evaluation;

/* ---- targets -------------------------------------------------------------------------------------- */

static bool
is_detector(const HmlModel *model)
{
	return model->algorithm->target_use == HML_TARGET_EVALUATES;
}

static size_t
class_of_row(const Evaluation *e, double target)
{
	if (is_detector(e->model))
		return target == 1.0;
	return e->model->output_names == NULL
			   ? 0
			   : hml_class_of_target(e->model, hml_frame_column(e->frame, HML_ROLE_TARGET), target);
}

/* The target must be what a training would take. */
static HmlStatus
check_target(const Evaluation *e)
{
	if (!hml_frame_has(e->frame, HML_ROLE_TARGET))
		return hml_fail(e->ctx, HML_INVALID_ARGUMENT, "evaluation needs a target column");
	if (is_detector(e->model))
		return hml_anomaly_check_target(e->ctx, e->frame);
	if (e->model->output_names == NULL &&
		hml_frame_column(e->frame, HML_ROLE_TARGET)->kind == HML_COLUMN_CATEGORY)
		return hml_fail(e->ctx, HML_INVALID_DATA,
						"target column \"%s\" must be a number, for the model predicts a value",
						hml_frame_column(e->frame, HML_ROLE_TARGET)->name);
	return HML_OK;
}

/*
 * A number that is neither of two classes means that the target is coded
 * otherwise than that of the training, such as 0 to 4, or -1 and 1: what it has in
 * common with the classes would be judged, wrongly.
 */
static HmlStatus
refuse_number(const Evaluation *e, double target)
{
	char number[HML_NUMBER_SIZE];

	hml_fail(e->ctx, HML_INVALID_DATA, "target column \"%s\" must be \"%s\" or \"%s\", not \"%s\"",
			 hml_frame_column(e->frame, HML_ROLE_TARGET)->name, e->model->output_names[0],
			 e->model->output_names[1], hml_number_format(number, target));
	return hml_hint_condition(e->ctx, e->frame);
}

static HmlStatus
leave_out(Evaluation *e, double target)
{
	if (isfinite(target) && e->model->n_outputs == 2 && e->model->output_names != NULL &&
		hml_frame_column(e->frame, HML_ROLE_TARGET)->kind != HML_COLUMN_CATEGORY)
		return refuse_number(e, target);
	e->n_left_out++;
	return HML_OK;
}

static HmlStatus
take_rows(Evaluation *e, const uint32_t *rows, size_t n)
{
	size_t n_classes = is_detector(e->model) ? 2 : e->model->n_outputs;

	HML_TRY(HML_ARENA_NEW(e->arena, &e->rows, n));
	HML_TRY(HML_ARENA_NEW(e->arena, &e->classes, n));
	for (size_t i = 0; i < n; i++)
	{
		uint32_t row = rows != NULL ? rows[i] : (uint32_t) i;
		double target = hml_frame_values(e->frame, HML_ROLE_TARGET)[row];
		size_t class;

		if (!isfinite(target) || (class = class_of_row(e, target)) >= n_classes)
		{
			HML_TRY(leave_out(e, target));
			continue;
		}
		e->rows[e->n] = row;
		e->classes[e->n++] = (uint32_t) class;
	}
	if (e->n == 0)
		return hml_fail(e->ctx, HML_INVALID_DATA, "no row has a target that the model can be judged by");
	return HML_OK;
}

/* Features that are text in the model must be text in the frame, and the other way round. */
static HmlStatus
check_columns(const Evaluation *e)
{
	const HmlPipeline *pipeline = e->model->pipeline;

	for (size_t i = 0; i < pipeline->n_features && i < e->frame->n_columns; i++)
	{
		bool is_text = pipeline->features[i].column.kind == HML_COLUMN_CATEGORY;

		if (is_text != (e->frame->columns[i].kind == HML_COLUMN_CATEGORY))
			return hml_fail(e->ctx, HML_INVALID_DATA, "column \"%s\" must be %s for this model",
							e->frame->columns[i].name, is_text ? "text" : "a number");
	}
	return HML_OK;
}

/* ---- two classes ---------------------------------------------------------------------------------- */

static HmlStatus
evaluate_binary(const Evaluation *e)
{
	double *scores;
	bool *labels;

	HML_TRY(HML_ARENA_NEW(e->arena, &scores, e->n));
	HML_TRY(hml_frame_scores(e->ctx, e->model, e->frame, e->rows, e->n, NULL, scores));
	HML_TRY(HML_ARENA_NEW(e->arena, &labels, e->n));
	for (size_t i = 0; i < e->n; i++)
		labels[i] = e->classes[i] == 1;
	return hml_add_binary_metrics(e->ctx, e->metrics, scores, labels, e->n, e->model->calibration.threshold,
								  !is_detector(e->model), e->bootstrap);
}

/* ---- more classes, and values --------------------------------------------------------------------- */

static HmlStatus
evaluate_alarm(const Evaluation *e, const double *probabilities)
{
	double *scores;
	bool *labels;

	HML_TRY(HML_ARENA_NEW(e->arena, &scores, e->n));
	HML_TRY(HML_ARENA_NEW(e->arena, &labels, e->n));
	for (size_t i = 0; i < e->n; i++)
	{
		scores[i] = hml_score_of_outputs(e->model, probabilities + i * e->model->n_outputs);
		labels[i] = hml_is_alarm_class(e->model, e->classes[i]);
	}
	return hml_add_alarm_metrics(e->ctx, e->metrics, scores, labels, e->n, e->model->calibration.threshold,
								 e->bootstrap);
}

static HmlStatus
evaluate_multiclass(const Evaluation *e)
{
	size_t n_classes = e->model->n_outputs;
	double *probabilities;
	uint32_t *predicted;

	HML_TRY(hml_arena_alloc(e->arena, e->n, n_classes * sizeof(double), (void **) &probabilities));
	HML_TRY(hml_frame_outputs(e->ctx, e->model, e->frame, e->rows, e->n, NULL, probabilities));
	HML_TRY(HML_ARENA_NEW(e->arena, &predicted, e->n));
	for (size_t i = 0; i < e->n; i++)
		predicted[i] = (uint32_t) hml_class_of_outputs(e->model, probabilities + i * n_classes);
	HML_TRY(hml_add_class_metrics(e->ctx, e->metrics, predicted, e->classes, e->n, n_classes, e->bootstrap));
	return hml_has_risk(e->model) ? evaluate_alarm(e, probabilities) : HML_OK;
}

static HmlStatus
evaluate_values(const Evaluation *e)
{
	double *predicted;
	double *actual;

	HML_TRY(HML_ARENA_NEW(e->arena, &predicted, e->n));
	HML_TRY(hml_frame_outputs(e->ctx, e->model, e->frame, e->rows, e->n, NULL, predicted));
	HML_TRY(HML_ARENA_NEW(e->arena, &actual, e->n));
	for (size_t i = 0; i < e->n; i++)
		actual[i] = hml_frame_values(e->frame, HML_ROLE_TARGET)[e->rows[i]];
	return hml_add_value_metrics(e->ctx, e->metrics, predicted, actual, e->n, e->bootstrap);
}

static HmlStatus
evaluate(Evaluation *e, const uint32_t *rows, size_t n)
{
	HML_TRY(check_columns(e));
	HML_TRY(check_target(e));
	HML_TRY(take_rows(e, rows, n));
	hml_add_metric(e->metrics, "rows", (double) e->n);
	hml_add_metric(e->metrics, "rows_left_out", (double) e->n_left_out);
	if (is_detector(e->model) || (e->model->output_names != NULL && e->model->n_outputs == 2))
		return evaluate_binary(e);
	return e->model->output_names != NULL ? evaluate_multiclass(e) : evaluate_values(e);
}

HmlStatus
hml_evaluate(HmlContext *ctx, const HmlModel *model, const HmlFrame *frame, const uint32_t *rows, size_t n,
			 const HmlBootstrap *bootstrap, HmlText *metrics)
{
	Evaluation e = {.ctx = ctx, .model = model, .frame = frame, .bootstrap = bootstrap, .metrics = metrics};
	HmlStatus status;

	HML_TRY(hml_arena_create(ctx, &e.arena));
	status = evaluate(&e, rows, rows != NULL ? n : frame->n_rows);
	hml_arena_free(e.arena);
	return status;
}

/* ---- cross-validation ----------------------------------------------------------------------------- */

typedef struct Folds
{
	HmlContext *ctx;
	HmlArena *arena;
	const HmlCrossValidation *validation;
	size_t n_rows;    /* that have a target */
	uint32_t *rows;   /* (n_rows) */
	uint32_t *strata; /* (n_rows), NULL for values */
	size_t n_strata;
	uint32_t *fold;   /* (n_rows) */
	uint32_t *learnt; /* of the present fold */
	uint32_t *held_out;
} Folds;

static HmlStatus
stratify(Folds *folds)
{
	const HmlCrossValidation *v = folds->validation;
	const HmlFrame *frame = v->frame;
	HmlLabels labels;

	if (v->algorithm->target_use == HML_TARGET_LEARNT)
	{
		HML_TRY(hml_labels_read(folds->arena, frame, v->params, &labels));
		folds->n_rows = labels.n_rows;
		folds->rows = labels.rows;
		folds->strata = labels.classes;
		folds->n_strata = labels.n_classes;
		return HML_OK;
	}
	HML_TRY(HML_ARENA_NEW(folds->arena, &folds->rows, frame->n_rows));
	HML_TRY(HML_ARENA_NEW(folds->arena, &folds->strata, frame->n_rows));
	folds->n_strata = 2;
	for (size_t row = 0; row < frame->n_rows; row++)
	{
		if (isnan(hml_frame_values(frame, HML_ROLE_TARGET)[row]))
			continue;
		folds->rows[folds->n_rows] = (uint32_t) row;
		folds->strata[folds->n_rows++] = hml_frame_values(frame, HML_ROLE_TARGET)[row] == 1.0;
	}
	return HML_OK;
}

static HmlStatus
deal_folds(Folds *folds)
{
	const HmlCrossValidation *v = folds->validation;
	HmlSplit split = {.n_rows = folds->n_rows,
					  .n_folds = v->n_folds,
					  .strata = folds->strata,
					  .n_strata = folds->n_strata,
					  .seed = v->seed};
	uint32_t *groups;

	HML_TRY(HML_ARENA_NEW(folds->arena, &folds->fold, folds->n_rows));
	HML_TRY(HML_ARENA_NEW(folds->arena, &folds->learnt, folds->n_rows));
	HML_TRY(HML_ARENA_NEW(folds->arena, &folds->held_out, folds->n_rows));
	HML_TRY(hml_split_groups(folds->arena, v->frame, folds->rows, folds->n_rows, &groups, &split.n_groups));
	split.groups = groups;
	return hml_split(folds->ctx, &split, folds->fold);
}

static HmlStatus
judge_fold(Folds *folds, const HmlFrame *learnt, const uint32_t *held_out, size_t n_held_out, size_t fold)
{
	const HmlCrossValidation *v = folds->validation;
	HmlTraining training = {.frame = learnt, .params = v->params};
	HmlModel *model;
	HmlText metrics;
	const char *members;
	HmlStatus status;

	HML_TRY(hml_model_train(folds->ctx, v->algorithm, &training, &model));
	hml_text_init(&metrics, folds->ctx);
	status = hml_evaluate(folds->ctx, model, v->frame, held_out, n_held_out, NULL, &metrics);
	hml_model_free(model);
	if (status == HML_OK)
		status = hml_text_finish(&metrics, &members);
	if (status == HML_OK)
		status = v->on_fold(v->user, fold, n_held_out, members);
	hml_text_free(&metrics);
	return status;
}

static HmlStatus
run_fold(Folds *folds, size_t fold)
{
	size_t n_learnt = 0;
	size_t n_held_out = 0;
	HmlFrame *learnt;
	HmlStatus status;

	for (size_t i = 0; i < folds->n_rows; i++)
		if (folds->fold[i] == fold)
			folds->held_out[n_held_out++] = folds->rows[i];
		else
			folds->learnt[n_learnt++] = folds->rows[i];
	HML_TRY(hml_frame_subset(folds->ctx, folds->validation->frame, folds->learnt, n_learnt, &learnt));
	status = judge_fold(folds, learnt, folds->held_out, n_held_out, fold);
	hml_frame_free(learnt);
	return status;
}

static HmlStatus
run_folds(Folds *folds)
{
	HML_TRY(stratify(folds));
	HML_TRY(deal_folds(folds));
	for (size_t fold = 0; fold < folds->validation->n_folds; fold++)
	{
		hml_report_progress(folds->ctx, "fold", (int64_t) fold, (int64_t) folds->validation->n_folds);
		HML_TRY(run_fold(folds, fold));
	}
	return HML_OK;
}

HmlStatus
hml_cross_validate(HmlContext *ctx, const HmlCrossValidation *validation)
{
	Folds folds = {.ctx = ctx, .validation = validation};
	HmlStatus status;

	if (!hml_frame_has(validation->frame, HML_ROLE_TARGET))
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "cross-validation needs a target column");
	HML_TRY(hml_arena_create(ctx, &folds.arena));
	status = run_folds(&folds);
	hml_arena_free(folds.arena);
	return status;
}
