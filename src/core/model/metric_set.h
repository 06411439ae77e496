/*
 * metric_set.h
 *	  The metrics that go together, each with its interval, as members of a JSON object.
 *
 * With 'bootstrap' every metric comes with the interval of rows that are drawn anew
 * (bootstrap.h), as roc_auc_low and roc_auc_high; one set of draws serves all
 * metrics.  Rows are drawn within the classes, so that their numbers stay.
 * Memory: replicates x metrics, and two numbers a row.  Polls for cancellation.
 */
#ifndef HML_MODEL_METRIC_SET_H
#define HML_MODEL_METRIC_SET_H

#include "core/base/text.h"
#include "core/stats/bootstrap.h"

/*
 * Two classes: positives, roc_auc, average_precision, of probabilities brier_score
 * and log_loss, and at the threshold accuracy, precision, recall, specificity, f1,
 * mcc, balanced_accuracy.
 */
extern HmlStatus hml_add_binary_metrics(HmlContext *ctx, HmlText *metrics, const double *scores,
										const bool *labels, size_t n, double threshold, bool is_probability,
										const HmlBootstrap *bootstrap) HML_NODISCARD;

/* The same of the alarm of a model with more classes: alarm_roc_auc, alarm_precision, alarm_recall, alarm_specificity. */
extern HmlStatus hml_add_alarm_metrics(HmlContext *ctx, HmlText *metrics, const double *scores,
									   const bool *labels, size_t n, double threshold,
									   const HmlBootstrap *bootstrap) HML_NODISCARD;

/* More classes, each below n_classes: accuracy, macro_f1, weighted_f1. */
extern HmlStatus hml_add_class_metrics(HmlContext *ctx, HmlText *metrics, const uint32_t *predicted,
									   const uint32_t *actual, size_t n, size_t n_classes,
									   const HmlBootstrap *bootstrap) HML_NODISCARD;

/* Values: rmse, mae, r2. */
extern HmlStatus hml_add_value_metrics(HmlContext *ctx, HmlText *metrics, const double *predicted,
									   const double *actual, size_t n,
									   const HmlBootstrap *bootstrap) HML_NODISCARD;

#endif /* HML_MODEL_METRIC_SET_H */
