/*
 * evaluate.c
 *	  Metrics of a model on a frame, and cross-validation.
 *
 * All that a call allocates lies in one arena, but for the models and frames of
 * the folds, of which one lives at a time.
 */
#include "core/model/evaluate.h"

#include <math.h>
#include <stdio.h>

#include "core/data/split.h"
#include "core/model/labels.h"
#include "core/model/verdict.h"
#include "core/stats/metrics.h"

typedef struct Evaluation
{
	HmlContext *ctx;
	HmlArena *arena;
	const HmlModel *model;
	const HmlFrame *frame;
	const HmlBootstrap *bootstrap;
	HmlText *metrics;
	size_t n;
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
	return e->model->output_names == NULL ? 0 : hml_class_of_target(e->model, &e->frame->target, target);
}

static HmlStatus
take_rows(Evaluation *e, const uint32_t *rows, size_t n)
{
	size_t n_classes = is_detector(e->model) ? 2 : e->model->n_outputs;

	if (!e->frame->has_target)
		return hml_fail(e->ctx, HML_INVALID_ARGUMENT, "evaluation needs a target column");
	HML_TRY(HML_ARENA_NEW(e->arena, &e->rows, n));
	HML_TRY(HML_ARENA_NEW(e->arena, &e->classes, n));
	for (size_t i = 0; i < n; i++)
	{
		uint32_t row = rows != NULL ? rows[i] : (uint32_t) i;
		double target = e->frame->targets[row];
		size_t class;

		if (!isfinite(target) || (class = class_of_row(e, target)) >= n_classes)
			continue;
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
add_ranking_metric(const Evaluation *e, const HmlRanking *ranking, const char *name, HmlRankingMetric metric)
{
	HmlInterval interval;
	double value;
	char bound[64];

	if (e->bootstrap == NULL)
	{
		HML_TRY(metric(e->ctx, ranking, &value));
		hml_add_metric(e->metrics, name, value);
		return HML_OK;
	}
	HML_TRY(hml_bootstrap(e->ctx, ranking, metric, e->bootstrap, &interval));
	hml_add_metric(e->metrics, name, interval.estimate);
	snprintf(bound, sizeof(bound), "%s_low", name);
	hml_add_metric(e->metrics, bound, interval.low);
	snprintf(bound, sizeof(bound), "%s_high", name);
	hml_add_metric(e->metrics, bound, interval.high);
	return HML_OK;
}

static HmlStatus
add_ranking_metrics(const Evaluation *e, const HmlRanking *ranking)
{
	HML_TRY(add_ranking_metric(e, ranking, "roc_auc", hml_ranking_roc_auc));
	HML_TRY(add_ranking_metric(e, ranking, "average_precision", hml_ranking_average_precision));
	if (is_detector(e->model))
		return HML_OK;
	HML_TRY(add_ranking_metric(e, ranking, "brier_score", hml_ranking_brier_score));
	return add_ranking_metric(e, ranking, "log_loss", hml_ranking_log_loss);
}

static HmlStatus
evaluate_binary(const Evaluation *e)
{
	HmlConfusion confusion;
	HmlClassificationMetrics metrics;
	HmlRanking ranking;
	double *scores;
	bool *labels;
	HmlStatus status;

	HML_TRY(HML_ARENA_NEW(e->arena, &scores, e->n));
	HML_TRY(hml_frame_scores(e->ctx, e->model, e->frame, e->rows, e->n, NULL, scores));
	HML_TRY(HML_ARENA_NEW(e->arena, &labels, e->n));
	for (size_t i = 0; i < e->n; i++)
		labels[i] = e->classes[i] == 1;
	confusion = hml_confusion_at(scores, labels, e->n, e->model->calibration.threshold);
	metrics = hml_classification_metrics(&confusion);
	hml_add_metric(e->metrics, "positives", (double) (confusion.true_positives + confusion.false_negatives));
	HML_TRY(hml_ranking_create(e->ctx, scores, labels, e->n, &ranking));
	status = add_ranking_metrics(e, &ranking);
	hml_ranking_free(e->ctx, &ranking);
	hml_add_metric(e->metrics, "accuracy", metrics.accuracy);
	hml_add_metric(e->metrics, "precision", metrics.precision);
	hml_add_metric(e->metrics, "recall", metrics.recall);
	hml_add_metric(e->metrics, "specificity", metrics.specificity);
	hml_add_metric(e->metrics, "f1", metrics.f1);
	hml_add_metric(e->metrics, "mcc", metrics.mcc);
	hml_add_metric(e->metrics, "balanced_accuracy", metrics.balanced_accuracy);
	return status;
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
	return hml_metrics_of_alarm(e->ctx, e->metrics, scores, labels, e->n, e->model->calibration.threshold);
}

static HmlStatus
evaluate_multiclass(const Evaluation *e)
{
	size_t n_classes = e->model->n_outputs;
	double *probabilities;
	uint32_t *predicted;
	uint64_t *matrix;

	HML_TRY(hml_arena_alloc(e->arena, e->n, n_classes * sizeof(double), (void **) &probabilities));
	HML_TRY(hml_frame_outputs(e->ctx, e->model, e->frame, e->rows, e->n, NULL, probabilities));
	HML_TRY(HML_ARENA_NEW(e->arena, &predicted, e->n));
	HML_TRY(HML_ARENA_NEW(e->arena, &matrix, n_classes * n_classes));
	for (size_t i = 0; i < e->n; i++)
		predicted[i] = (uint32_t) hml_class_of_outputs(e->model, probabilities + i * n_classes);
	HML_TRY(hml_confusion_matrix(e->ctx, predicted, e->classes, e->n, n_classes, matrix));
	hml_add_metric(e->metrics, "accuracy", hml_matrix_accuracy(matrix, n_classes));
	hml_add_metric(e->metrics, "macro_f1", hml_macro_f1(matrix, n_classes));
	hml_add_metric(e->metrics, "weighted_f1", hml_weighted_f1(matrix, n_classes));
	return hml_has_risk(e->model) ? evaluate_alarm(e, probabilities) : HML_OK;
}

static HmlStatus
evaluate_values(const Evaluation *e)
{
	HmlRegressionMetrics metrics;
	double *predicted;
	double *actual;

	HML_TRY(HML_ARENA_NEW(e->arena, &predicted, e->n));
	HML_TRY(hml_frame_outputs(e->ctx, e->model, e->frame, e->rows, e->n, NULL, predicted));
	HML_TRY(HML_ARENA_NEW(e->arena, &actual, e->n));
	for (size_t i = 0; i < e->n; i++)
		actual[i] = e->frame->targets[e->rows[i]];
	metrics = hml_regression_metrics(predicted, actual, e->n);
	hml_add_metric(e->metrics, "rmse", metrics.rmse);
	hml_add_metric(e->metrics, "mae", metrics.mae);
	hml_add_metric(e->metrics, "r2", metrics.r2);
	return HML_OK;
}

static HmlStatus
evaluate(Evaluation *e, const uint32_t *rows, size_t n)
{
	HML_TRY(check_columns(e));
	HML_TRY(take_rows(e, rows, n));
	hml_add_metric(e->metrics, "rows", (double) e->n);
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
		if (isnan(frame->targets[row]))
			continue;
		folds->rows[folds->n_rows] = (uint32_t) row;
		folds->strata[folds->n_rows++] = frame->targets[row] == 1.0;
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

	if (!validation->frame->has_target)
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "cross-validation needs a target column");
	HML_TRY(hml_arena_create(ctx, &folds.arena));
	status = run_folds(&folds);
	hml_arena_free(folds.arena);
	return status;
}
