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
#include "core/model/judged.h"
#include "core/model/labels.h"
#include "core/model/metric_set.h"
#include "core/model/verdict.h"

typedef struct Evaluation
{
	HmlContext *ctx;
	HmlArena *arena;
	const HmlBootstrap *bootstrap;
	HmlText *metrics;
	HmlJudgedRows judged;
} Evaluation;

static HmlStatus
add_set(const Evaluation *e, HmlStatus made, HmlMetricSet *set)
{
	if (made == HML_OK)
		made = hml_metric_set_add(set, e->bootstrap, e->metrics);
	hml_metric_set_free(set);
	return made;
}

/* ---- two classes ---------------------------------------------------------------------------------- */

static HmlStatus
evaluate_binary(const Evaluation *e)
{
	const HmlJudgedRows *j = &e->judged;
	size_t n_positives = 0;
	HmlMetricSet set;
	double *scores;
	bool *labels;

	HML_TRY(HML_ARENA_NEW(e->arena, &scores, j->n));
	HML_TRY(hml_frame_scores(e->ctx, j->model, j->frame, j->rows, j->n, NULL, scores));
	HML_TRY(HML_ARENA_NEW(e->arena, &labels, j->n));
	for (size_t i = 0; i < j->n; i++)
	{
		labels[i] = j->classes[i] == 1;
		n_positives += labels[i];
	}
	hml_add_metric(e->metrics, "positives", (double) n_positives);
	return add_set(e,
				   hml_binary_metrics(e->ctx, scores, labels, j->n, j->model->calibration.threshold,
									  j->model->output_names != NULL, &set),
				   &set);
}

/* ---- more classes, and values --------------------------------------------------------------------- */

static HmlStatus
evaluate_alarm(const Evaluation *e, const double *probabilities)
{
	const HmlJudgedRows *j = &e->judged;
	HmlMetricSet set;
	double *scores;
	bool *labels;

	HML_TRY(HML_ARENA_NEW(e->arena, &scores, j->n));
	HML_TRY(HML_ARENA_NEW(e->arena, &labels, j->n));
	for (size_t i = 0; i < j->n; i++)
	{
		scores[i] = hml_score_of_outputs(j->model, probabilities + i * j->model->n_outputs);
		labels[i] = hml_is_alarm_class(j->model, j->classes[i]);
	}
	return add_set(e, hml_alarm_metrics(e->ctx, scores, labels, j->n, j->model->calibration.threshold, &set),
				   &set);
}

static HmlStatus
evaluate_multiclass(const Evaluation *e)
{
	const HmlJudgedRows *j = &e->judged;
	size_t n_classes = j->model->n_outputs;
	HmlMetricSet set;
	double *probabilities;
	uint32_t *predicted;

	HML_TRY(hml_arena_alloc(e->arena, j->n, n_classes * sizeof(double), (void **) &probabilities));
	HML_TRY(hml_frame_outputs(e->ctx, j->model, j->frame, j->rows, j->n, NULL, probabilities));
	HML_TRY(HML_ARENA_NEW(e->arena, &predicted, j->n));
	for (size_t i = 0; i < j->n; i++)
		predicted[i] = (uint32_t) hml_class_of_outputs(j->model, probabilities + i * n_classes);
	HML_TRY(add_set(e, hml_class_metrics(e->ctx, predicted, j->classes, j->n, n_classes, &set), &set));
	return hml_has_risk(j->model) ? evaluate_alarm(e, probabilities) : HML_OK;
}

static HmlStatus
evaluate_values(const Evaluation *e)
{
	const HmlJudgedRows *j = &e->judged;
	HmlMetricSet set;
	double *predicted;
	double *actual;

	HML_TRY(HML_ARENA_NEW(e->arena, &predicted, j->n));
	HML_TRY(hml_frame_outputs(e->ctx, j->model, j->frame, j->rows, j->n, NULL, predicted));
	HML_TRY(HML_ARENA_NEW(e->arena, &actual, j->n));
	for (size_t i = 0; i < j->n; i++)
		actual[i] = hml_frame_values(j->frame, HML_ROLE_TARGET)[j->rows[i]];
	return add_set(e, hml_value_metrics(e->ctx, predicted, actual, j->n, &set), &set);
}

static HmlStatus
evaluate(const Evaluation *e)
{
	hml_add_metric(e->metrics, "rows", (double) e->judged.n);
	hml_add_metric(e->metrics, "rows_left_out", (double) e->judged.n_left_out);
	switch (hml_judgement_of(e->judged.model))
	{
		case HML_JUDGE_BINARY:
			return evaluate_binary(e);
		case HML_JUDGE_CLASSES:
			return evaluate_multiclass(e);
		default:
			return evaluate_values(e);
	}
}

HmlStatus
hml_evaluate(HmlContext *ctx, const HmlModel *model, const HmlFrame *frame, const uint32_t *rows, size_t n,
			 const HmlBootstrap *bootstrap, HmlText *metrics)
{
	Evaluation e = {.ctx = ctx, .bootstrap = bootstrap, .metrics = metrics};
	HmlStatus status;

	HML_TRY(hml_arena_create(ctx, &e.arena));
	status = hml_judged_rows(e.arena, model, frame, rows, rows != NULL ? n : frame->n_rows, &e.judged);
	if (status == HML_OK)
		status = evaluate(&e);
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
