/*
 * evaluate.h
 *	  How good a model is on rows that it may not have seen, and how good an
 *	  algorithm is on rows that it has not: cross-validation.
 *
 * What is reported depends on the target.  Two classes, or the anomalies of a
 * detector: roc_auc, average_precision, accuracy, precision, recall, specificity,
 * f1, mcc and balanced_accuracy at the model's threshold, and for probabilities
 * brier_score and log_loss.  More classes: accuracy, macro_f1, weighted_f1, and
 * with alarm classes alarm_roc_auc, alarm_precision, alarm_recall, alarm_specificity.
 * Values: rmse, mae, r2.  Always rows, and rows_left_out: those without a target,
 * or with a class that the model does not know.  A target that a training would not
 * take is HML_INVALID_DATA.
 */
#ifndef HML_MODEL_EVALUATE_H
#define HML_MODEL_EVALUATE_H

#include "core/model/model.h"
#include "core/stats/bootstrap.h"

/*
 * Add the metrics as members of a JSON object.  Columns of 'frame' are the
 * features of the model in its order, and it has a target; rows[n] are judged, all
 * where rows is NULL; those without a target, or with a class that the model does
 * not know, are not.  With 'bootstrap', all metrics come with their intervals, as
 * roc_auc_low and roc_auc_high.
 */
extern HmlStatus hml_evaluate(HmlContext *ctx, const HmlModel *model, const HmlFrame *frame,
							  const uint32_t *rows, size_t n, const HmlBootstrap *bootstrap,
							  HmlText *metrics) HML_NODISCARD;

typedef struct HmlCrossValidation
{
	const HmlAlgorithm *algorithm;
	const HmlParams *params;
	const HmlFrame *frame; /* with a target, and a group column where groups are to stay together */
	size_t n_folds;
	uint64_t seed;
	/* Called for each fold, from 0, with its metrics as members of a JSON object; what it fails with ends the work. */
	HmlStatus (*on_fold)(void *user, size_t fold, size_t rows, const char *metrics);
	void *user;
} HmlCrossValidation;

/* Stratified by class, groups kept together (split.h); each fold is judged by a model that was trained on the others. */
extern HmlStatus hml_cross_validate(HmlContext *ctx, const HmlCrossValidation *validation) HML_NODISCARD;

#endif /* HML_MODEL_EVALUATE_H */
