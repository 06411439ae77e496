/*
 * mlp_train.c
 *	  How the algorithm "mlp" learns: rows to batches, weights of classes, the
 *	  validation split, the decision threshold, metrics.
 *
 * What a fit allocates lies in one arena that ends with it.
 */
#include "core/learn/mlp/mlp.h"

#include <math.h>
#include <string.h>

#include "core/model/background.h"
#include "core/model/verdict.h"
#include "core/learn/mlp/mlp_data.h"
#include "core/stats/threshold.h"
#include "core/learn/network/holdout.h"
#include "core/learn/network/train_params.h"
#include "core/stats/metrics.h"

#define SPLIT_STREAM 1 /* of the seed: not the numbers that weights begin with */
#define REFIT_BELOW_ROWS 10000
#define REFIT_EPOCHS 50

typedef struct Fit
{
	HmlContext *ctx;
	HmlArena *arena;
	const HmlTraining *training;
	const HmlLabels *labels;
	HmlModel *model;
	HmlMlp *mlp;
	HmlMlpData data;
	double *class_weight; /* (n_classes), NULL when all are 1 */
	HmlMlpRows learnt;    /* labelled rows to learn from ... */
	HmlMlpRows held_out;  /* ... and those that judge */
} Fit;

/* ---- weights of classes --------------------------------------------------------------------------- */

/* n / (n_classes * n_of_class), as in scikit-learn: the mean weight of a row is 1. */
static void
balance_classes(const Fit *fit)
{
	size_t n_classes = fit->labels->n_classes;

	memset(fit->class_weight, 0, n_classes * sizeof(double));
	for (size_t row = 0; row < fit->labels->n_rows; row++)
		fit->class_weight[fit->labels->classes[row]] += 1.0;
	for (size_t c = 0; c < n_classes; c++)
		fit->class_weight[c] = (double) fit->labels->n_rows / ((double) n_classes * fit->class_weight[c]);
}

static HmlStatus
weigh_class(const Fit *fit, const HmlJson *member)
{
	if (member->type != HML_JSON_NUMBER || !(member->number > 0.0) || member->number > 1e6)
		return hml_fail(fit->ctx, HML_INVALID_ARGUMENT,
						"weight of class \"%s\" in parameter \"class_weight\" must be a number above 0",
						member->key);
	for (size_t c = 0; c < fit->labels->n_classes; c++)
		if (strcmp(fit->labels->names[c], member->key) == 0)
		{
			fit->class_weight[c] = member->number;
			return HML_OK;
		}
	return hml_fail(fit->ctx, HML_UNDEFINED, "parameter \"class_weight\" names the unknown class \"%s\"",
					member->key);
}

static HmlStatus
weigh_classes(Fit *fit)
{
	const HmlJson *given = hml_param_json(fit->training->params, "class_weight");

	if (given->type == HML_JSON_NULL)
		return HML_OK;
	if (fit->labels->task == HML_TASK_REGRESSION)
		return hml_fail(fit->ctx, HML_INVALID_ARGUMENT, "parameter \"class_weight\" is for classifiers");
	HML_TRY(HML_ARENA_NEW(fit->arena, &fit->class_weight, fit->labels->n_classes));
	if (given->type == HML_JSON_STRING)
	{
		balance_classes(fit);
		return HML_OK;
	}
	for (size_t c = 0; c < fit->labels->n_classes; c++)
		fit->class_weight[c] = 1.0;
	for (size_t i = 0; i < given->count; i++)
		HML_TRY(weigh_class(fit, &given->items[i]));
	return HML_OK;
}

/* ---- validation split ----------------------------------------------------------------------------- */

static HmlStatus
split_rows(Fit *fit)
{
	const HmlLabels *labels = fit->labels;
	HmlHoldoutSpec spec = {.fraction = hml_param_number(fit->training->params, "validation_fraction"),
						   .frame = fit->training->frame,
						   .rows = labels->rows,
						   .n_rows = labels->n_rows,
						   .strata = labels->classes,
						   .n_strata = labels->n_classes,
						   .seed =
							   (uint64_t) hml_param_integer(fit->training->params, "seed") + SPLIT_STREAM};
	HmlHoldout holdout;

	HML_TRY(hml_holdout(fit->arena, &spec, &holdout));
	fit->learnt = (HmlMlpRows){&fit->data, holdout.learnt, holdout.n_learnt};
	fit->held_out = (HmlMlpRows){&fit->data, holdout.held_out, holdout.n_held_out};
	return HML_OK;
}

/* ---- training ------------------------------------------------------------------------------------- */

static HmlLossKind
loss_of(const Fit *fit)
{
	HmlLossKind kind = HML_LOSS_MSE;

	if (fit->labels->task == HML_TASK_BINARY)
		return HML_LOSS_BCE_WITH_LOGITS;
	if (fit->labels->task == HML_TASK_MULTICLASS)
		return HML_LOSS_CROSS_ENTROPY;
	hml_loss_find(hml_param_text(fit->training->params, "loss"), &kind);
	return kind;
}

static HmlStatus
run_training(const Fit *fit, HmlTrainResult *result)
{
	HmlTrainOptions options = hml_train_options(fit->training);
	HmlDataset training = hml_mlp_dataset(&fit->learnt);
	HmlDataset validation = hml_mlp_dataset(&fit->held_out);

	options.loss = loss_of(fit);
	return hml_ensemble_train(fit->ctx, &fit->mlp->net, &options, &training,
							  validation.n_rows > 0 ? &validation : NULL, result);
}

static bool
wants_refit(const Fit *fit)
{
	const HmlParams *given = fit->training->params;

	if (fit->held_out.n_rows == 0)
		return false;
	return hml_param_is_set(given, "refit") ? hml_param_boolean(given, "refit")
											: fit->labels->n_rows < REFIT_BELOW_ROWS;
}

/*
 * Again from the initial weights, on all rows, through a whole schedule.  It is as long as the training that was
 * judged, but not shorter than REFIT_EPOCHS: of a few held-out rows, chance decides which epoch is best.
 */
static HmlStatus
refit(Fit *fit, int epochs)
{
	HmlTrainOptions options = hml_train_options(fit->training);
	HmlTrainResult result;
	HmlDataset training;

	while (fit->held_out.n_rows > 0)
		fit->learnt.rows[fit->learnt.n_rows++] = fit->held_out.rows[--fit->held_out.n_rows];
	training = hml_mlp_dataset(&fit->learnt);
	options.loss = loss_of(fit);
	if (options.epochs > REFIT_EPOCHS)
		options.epochs = epochs > REFIT_EPOCHS ? epochs : REFIT_EPOCHS;
	options.phase = "refit";
	options.on_epoch = NULL; /* these losses would not compare with those before */
	return hml_ensemble_train(fit->ctx, &fit->mlp->net, &options, &training, NULL, &result);
}

/* ---- back to the training prevalence -------------------------------------------------------------- */

/* Number of the bias in the layer that the last activation takes its input from, or -1. */
static int64_t
last_bias(const HmlNetwork *network)
{
	const HmlNode *last = &network->nodes[network->output];
	const HmlNode *dense = &network->nodes[last->inputs[0]];

	if (dense->op == NULL || strcmp(dense->op->name, "dense") != 0)
		return -1;
	for (size_t p = 0; p < dense->n_parameters; p++)
		if (strcmp(dense->parameters[p].name, "bias") == 0)
			return (int64_t) dense->parameters[p].offset;
	return -1;
}

/*
 * Weights of classes make probabilities of a weighted world; dividing them by the
 * weights gives those of the training rows (correction.h).  Where the last layer has a
 * bias this is exactly a change of it.
 */
static HmlStatus
take_weights_back(Fit *fit)
{
	size_t n = fit->labels->n_classes;
	const HmlEnsemble *net = &fit->mlp->net;
	int64_t bias = last_bias(net->network);
	HmlCorrection *prior;

	if (fit->class_weight == NULL)
		return HML_OK;
	if (bias >= 0)
	{
		float *biases = net->weights[0] + bias;

		if (n == 2)
			biases[0] += (float) log(fit->class_weight[0] / fit->class_weight[1]);
		for (size_t c = 0; c < n && n > 2; c++)
			biases[c] -= (float) log(fit->class_weight[c]);
		return HML_OK;
	}
	HML_TRY(HML_ARENA_NEW_ZERO(fit->model->arena, &prior, 1));
	HML_TRY(HML_ARENA_NEW(fit->model->arena, &prior->y, n));
	prior->kind = HML_CORRECT_PRIOR;
	prior->n = n;
	for (size_t c = 0; c < n; c++)
		prior->y[c] = 1 / fit->class_weight[c];
	fit->model->corrections = prior;
	fit->model->n_corrections = 1;
	return HML_OK;
}

/* ---- what the trained model is worth -------------------------------------------------------------- */

/* Numbers in the frame of some of the labelled rows. */
static HmlStatus
frame_rows(const Fit *fit, const uint32_t *rows, size_t n_rows, uint32_t **out)
{
	HML_TRY(HML_ARENA_NEW(fit->arena, out, n_rows));
	for (size_t i = 0; i < n_rows; i++)
		(*out)[i] = fit->labels->rows[rows[i]];
	return HML_OK;
}

/* Scores of the model for some labelled rows, (n_rows). */
static HmlStatus
score_rows(const Fit *fit, const uint32_t *rows, size_t n_rows, double **scores)
{
	uint32_t *numbers;

	HML_TRY(frame_rows(fit, rows, n_rows, &numbers));
	HML_TRY(HML_ARENA_NEW(fit->arena, scores, n_rows));
	return hml_frame_scores(fit->ctx, fit->model, fit->training->frame, numbers, n_rows, NULL, *scores);
}

static HmlStatus
choose_threshold(const Fit *fit, const double *scores, const bool *labels, size_t n)
{
	const HmlParams *given = fit->training->params;
	HmlThresholdCriterion criterion =
		hml_param_is_choice(given, "threshold", "f1") ? HML_THRESHOLD_F1 : HML_THRESHOLD_YOUDEN;
	HmlRanking ranking;
	HmlStatus status;

	if (hml_param_json(given, "threshold")->type == HML_JSON_NUMBER)
	{
		fit->model->calibration.threshold = hml_param_number(given, "threshold");
		return HML_OK;
	}
	HML_TRY(hml_ranking_create(fit->ctx, scores, labels, n, &ranking));
	status = hml_robust_threshold(fit->ctx, &ranking, criterion, &fit->model->calibration.threshold);
	hml_ranking_free(fit->ctx, &ranking);
	return status;
}

static HmlStatus
report_binary(const Fit *fit, const uint32_t *rows, size_t n)
{
	double *scores;
	bool *labels;

	HML_TRY(score_rows(fit, rows, n, &scores));
	HML_TRY(HML_ARENA_NEW(fit->arena, &labels, n));
	for (size_t i = 0; i < n; i++)
		labels[i] = fit->labels->classes[rows[i]] == 1;
	HML_TRY(choose_threshold(fit, scores, labels, n));
	HML_TRY(hml_metrics_of_classifier(fit->ctx, fit->training, scores, labels, n,
									  fit->model->calibration.threshold));
	hml_metric(fit->training, "threshold", fit->model->calibration.threshold);
	return HML_OK;
}

/* The alarm of more than two classes: a threshold, and how well it finds the classes that raise one. */
static HmlStatus
report_alarm(const Fit *fit, const double *probabilities, const uint32_t *actual, size_t n)
{
	const HmlModel *model = fit->model;
	double *scores;
	bool *labels;

	HML_TRY(HML_ARENA_NEW(fit->arena, &scores, n));
	HML_TRY(HML_ARENA_NEW(fit->arena, &labels, n));
	for (size_t i = 0; i < n; i++)
	{
		scores[i] = hml_score_of_outputs(model, probabilities + i * model->n_outputs);
		labels[i] = hml_is_alarm_class(model, actual[i]);
	}
	HML_TRY(choose_threshold(fit, scores, labels, n));
	hml_metric(fit->training, "threshold", model->calibration.threshold);
	if (fit->training->metrics == NULL)
		return HML_OK;
	return hml_metrics_of_alarm(fit->ctx, fit->training->metrics, scores, labels, n,
								model->calibration.threshold);
}

static HmlStatus
report_multiclass(const Fit *fit, const uint32_t *rows, size_t n)
{
	size_t n_classes = fit->labels->n_classes;
	double *probabilities;
	uint32_t *numbers;
	uint32_t *predicted;
	uint32_t *actual;
	uint64_t *matrix;

	HML_TRY(hml_arena_alloc(fit->arena, n, n_classes * sizeof(double), (void **) &probabilities));
	HML_TRY(HML_ARENA_NEW(fit->arena, &predicted, n));
	HML_TRY(HML_ARENA_NEW(fit->arena, &actual, n));
	HML_TRY(HML_ARENA_NEW(fit->arena, &matrix, n_classes * n_classes));
	HML_TRY(frame_rows(fit, rows, n, &numbers));
	HML_TRY(hml_frame_outputs(fit->ctx, fit->model, fit->training->frame, numbers, n, NULL, probabilities));
	for (size_t i = 0; i < n; i++)
	{
		predicted[i] = (uint32_t) hml_class_of_outputs(fit->model, probabilities + i * n_classes);
		actual[i] = fit->labels->classes[rows[i]];
	}
	HML_TRY(hml_confusion_matrix(fit->ctx, predicted, actual, n, n_classes, matrix));
	hml_metric(fit->training, "accuracy", hml_matrix_accuracy(matrix, n_classes));
	hml_metric(fit->training, "macro_f1", hml_macro_f1(matrix, n_classes));
	hml_metric(fit->training, "weighted_f1", hml_weighted_f1(matrix, n_classes));
	return hml_has_risk(fit->model) ? report_alarm(fit, probabilities, actual, n) : HML_OK;
}

static HmlStatus
report_regression(const Fit *fit, const uint32_t *rows, size_t n)
{
	HmlRegressionMetrics metrics;
	double *predicted;
	double *actual;

	HML_TRY(score_rows(fit, rows, n, &predicted));
	HML_TRY(HML_ARENA_NEW(fit->arena, &actual, n));
	for (size_t i = 0; i < n; i++)
		actual[i] = hml_frame_values(fit->training->frame, HML_ROLE_TARGET)[fit->labels->rows[rows[i]]];
	metrics = hml_regression_metrics(predicted, actual, n);
	hml_metric(fit->training, "rmse", metrics.rmse);
	hml_metric(fit->training, "mae", metrics.mae);
	hml_metric(fit->training, "r2", metrics.r2);
	return HML_OK;
}

/* Judged on the rows that were held out; without any, on those that were learnt. */
static HmlStatus
report(const Fit *fit, const HmlTrainResult *result)
{
	const HmlMlpRows *judges = fit->held_out.n_rows > 0 ? &fit->held_out : &fit->learnt;
	const uint32_t *rows = judges->rows;
	size_t n = judges->n_rows;

	hml_train_report(fit->training, result, fit->held_out.n_rows);
	hml_metric(fit->training, "validation_rows", (double) fit->held_out.n_rows);
	if (fit->labels->task == HML_TASK_REGRESSION)
		return report_regression(fit, rows, n);
	if (fit->labels->task == HML_TASK_BINARY)
		return report_binary(fit, rows, n);
	return report_multiclass(fit, rows, n);
}

/* Percentiles among the scores of the rows that were learnt; high risk above the threshold, medium above half of it. */
static HmlStatus
calibrate(const Fit *fit)
{
	HmlCalibration *calibration = &fit->model->calibration;
	bool has_threshold = fit->labels->task == HML_TASK_BINARY || hml_has_risk(fit->model);
	double threshold = has_threshold ? calibration->threshold : INFINITY;
	double *scores;

	HML_TRY(score_rows(fit, fit->learnt.rows, fit->learnt.n_rows, &scores));
	HML_TRY(hml_calibration_fit(fit->model->arena, scores, fit->learnt.n_rows, calibration));
	hml_calibration_decide(calibration, threshold);
	return HML_OK;
}

static HmlStatus
fit_model(Fit *fit)
{
	HmlTrainResult result;

	HML_TRY(
		hml_mlp_data_create(fit->arena, fit->training->frame, fit->model->pipeline, fit->labels, &fit->data));
	HML_TRY(weigh_classes(fit));
	fit->data.class_weight = fit->class_weight;
	HML_TRY(split_rows(fit));
	HML_TRY(run_training(fit, &result));
	HML_TRY(take_weights_back(fit));
	HML_TRY(hml_ensemble_prepare(fit->arena, &fit->mlp->net));
	HML_TRY(report(fit, &result));
	if (wants_refit(fit))
	{
		HML_TRY(refit(fit, result.epochs));
		HML_TRY(take_weights_back(fit));
	}
	HML_TRY(hml_background_keep(fit->model, fit->data.inputs, fit->learnt.rows, fit->learnt.n_rows,
								(uint64_t) hml_param_integer(fit->training->params, "seed")));
	HML_TRY(hml_mlp_prepare(fit->model));
	return calibrate(fit);
}

HmlStatus
hml_mlp_fit(HmlContext *ctx, const HmlTraining *training, const HmlLabels *labels, HmlModel *model)
{
	Fit fit = {.ctx = ctx, .training = training, .labels = labels, .model = model, .mlp = model->impl};
	HmlStatus status;

	HML_TRY(hml_arena_create(ctx, &fit.arena));
	status = fit_model(&fit);
	hml_arena_free(fit.arena);
	return status;
}
