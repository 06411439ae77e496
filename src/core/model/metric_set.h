/*
 * metric_set.h
 *	  The metrics that go together, of rows that can be resampled.
 *
 * One set of draws (bootstrap.h) serves all metrics of a set.  Rows are drawn within the classes, so that their numbers
 * stay: rows of one class lie together, and within a class they are in the order in which they were given, but for
 * two classes, whose rows are in the order of the ranking.
 * Memory: replicates x metrics, and two numbers a row.  Polls for cancellation.
 */
#ifndef HML_MODEL_METRIC_SET_H
#define HML_MODEL_METRIC_SET_H

#include "core/base/arena.h"
#include "core/base/text.h"
#include "core/stats/bootstrap.h"

#define HML_MAX_METRICS 16

typedef struct HmlMetricSet
{
	HmlContext *ctx;
	HmlArena *arena;
	const char *const *names; /* of the metrics of the resampling */
	HmlResampling resampling;
	HmlRanking ranking; /* of two classes; else empty */
} HmlMetricSet;

/*
 * Two classes: roc_auc, average_precision, of probabilities brier_score and log_loss, and at the threshold accuracy,
 * precision, recall, specificity, f1, mcc, balanced_accuracy.
 */
extern HmlStatus hml_binary_metrics(HmlContext *ctx, const double *scores, const bool *labels, size_t n,
									double threshold, bool is_probability, HmlMetricSet *out) HML_NODISCARD;

/* The same of the alarm of a model with more classes: alarm_roc_auc, alarm_precision, alarm_recall, alarm_specificity. */
extern HmlStatus hml_alarm_metrics(HmlContext *ctx, const double *scores, const bool *labels, size_t n,
								   double threshold, HmlMetricSet *out) HML_NODISCARD;

/* More classes, each below n_classes: accuracy, macro_f1, weighted_f1. */
extern HmlStatus hml_class_metrics(HmlContext *ctx, const uint32_t *predicted, const uint32_t *actual,
								   size_t n, size_t n_classes, HmlMetricSet *out) HML_NODISCARD;

/* Values: rmse, mae, r2.  They are not copied. */
extern HmlStatus hml_value_metrics(HmlContext *ctx, const double *predicted, const double *actual, size_t n,
								   HmlMetricSet *out) HML_NODISCARD;

/* A set that could not be made may be freed, too. */
extern void hml_metric_set_free(HmlMetricSet *set);

/* Add the metrics as members of a JSON object; with 'bootstrap' each comes with its interval, as roc_auc_low and roc_auc_high. */
extern HmlStatus hml_metric_set_add(const HmlMetricSet *set, const HmlBootstrap *bootstrap,
									HmlText *metrics) HML_NODISCARD;

#endif /* HML_MODEL_METRIC_SET_H */
