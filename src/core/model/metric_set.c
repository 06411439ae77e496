/*
 * metric_set.c
 *	  The metrics that go together, each with its interval.
 */
#include "core/model/metric_set.h"

#include <stdio.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/model/model.h"
#include "core/stats/metrics.h"

#define MAX_METRICS 16
#define MAX_NAME 64

/* Compute the set and add it; 'names' are those of the metrics of the resampling. */
static HmlStatus
add_set(HmlContext *ctx, HmlText *metrics, const HmlResampling *resampling, const char *const *names,
		const HmlBootstrap *bootstrap)
{
	HmlInterval intervals[MAX_METRICS];

	HML_TRY(hml_bootstrap_metrics(ctx, resampling, bootstrap, intervals));
	for (size_t i = 0; i < resampling->n_metrics; i++)
	{
		char bound[MAX_NAME];

		hml_add_metric(metrics, names[i], intervals[i].estimate);
		if (bootstrap == NULL)
			continue;
		snprintf(bound, sizeof(bound), "%s_low", names[i]);
		hml_add_metric(metrics, bound, intervals[i].low);
		snprintf(bound, sizeof(bound), "%s_high", names[i]);
		hml_add_metric(metrics, bound, intervals[i].high);
	}
	return HML_OK;
}

/* ---- two classes ---------------------------------------------------------------------------------- */

typedef struct BinarySet
{
	HmlContext *ctx;
	HmlRanking ranking;
	double threshold;
	bool is_probability;
} BinarySet;

static const char *const detector_names[] = {"roc_auc",          "average_precision", "accuracy", "precision",
											 "recall",           "specificity",       "f1",       "mcc",
											 "balanced_accuracy"};
static const char *const probability_names[] = {
	"roc_auc", "average_precision", "brier_score", "log_loss", "accuracy",         "precision",
	"recall",  "specificity",       "f1",          "mcc",      "balanced_accuracy"};

#define N_DETECTOR_METRICS (sizeof(detector_names) / sizeof(*detector_names))
#define N_PROBABILITY_METRICS (sizeof(probability_names) / sizeof(*probability_names))

/* Rows that score above the threshold and rows that do not. */
static void
count_scores(const double *scores, const uint32_t *weights, size_t n, double threshold, uint64_t *above,
			 uint64_t *below)
{
	*above = 0;
	*below = 0;
	for (size_t i = 0; i < n; i++)
		*(scores[i] > threshold ? above : below) += weights == NULL ? 1 : weights[i];
}

static HmlClassificationMetrics
metrics_at_threshold(const HmlRanking *ranking, double threshold)
{
	HmlConfusion confusion;

	count_scores(ranking->positives, ranking->positive_weights, ranking->n_positives, threshold,
				 &confusion.true_positives, &confusion.false_negatives);
	count_scores(ranking->negatives, ranking->negative_weights, ranking->n_negatives, threshold,
				 &confusion.false_positives, &confusion.true_negatives);
	return hml_classification_metrics(&confusion);
}

static HmlStatus
binary_values(void *user, const uint32_t *weights, double *values)
{
	const BinarySet *set = user;
	HmlRanking ranking = set->ranking;
	HmlClassificationMetrics m;

	ranking.positive_weights = weights;
	ranking.negative_weights = weights == NULL ? NULL : weights + ranking.n_positives;
	HML_TRY(hml_ranking_roc_auc(set->ctx, &ranking, values++));
	HML_TRY(hml_ranking_average_precision(set->ctx, &ranking, values++));
	if (set->is_probability)
	{
		HML_TRY(hml_ranking_brier_score(set->ctx, &ranking, values++));
		HML_TRY(hml_ranking_log_loss(set->ctx, &ranking, values++));
	}
	m = metrics_at_threshold(&ranking, set->threshold);
	memcpy(values,
		   (double[]){m.accuracy, m.precision, m.recall, m.specificity, m.f1, m.mcc, m.balanced_accuracy},
		   7 * sizeof(double));
	return HML_OK;
}

HmlStatus
hml_add_binary_metrics(HmlContext *ctx, HmlText *metrics, const double *scores, const bool *labels, size_t n,
					   double threshold, bool is_probability, const HmlBootstrap *bootstrap)
{
	BinarySet set = {.ctx = ctx, .threshold = threshold, .is_probability = is_probability};
	HmlResampling resampling = {
		.n_strata = 2,
		.n_metrics = is_probability ? N_PROBABILITY_METRICS : N_DETECTOR_METRICS,
		.metrics = binary_values,
		.user = &set,
	};
	HmlStatus status;

	HML_TRY(hml_ranking_create(ctx, scores, labels, n, &set.ranking));
	resampling.strata = (const size_t[]){set.ranking.n_positives, set.ranking.n_negatives};
	hml_add_metric(metrics, "positives", (double) set.ranking.n_positives);
	status =
		add_set(ctx, metrics, &resampling, is_probability ? probability_names : detector_names, bootstrap);
	hml_ranking_free(ctx, &set.ranking);
	return status;
}

static const char *const alarm_names[] = {"alarm_roc_auc", "alarm_precision", "alarm_recall",
										  "alarm_specificity"};

static HmlStatus
alarm_values(void *user, const uint32_t *weights, double *values)
{
	const BinarySet *set = user;
	HmlRanking ranking = set->ranking;
	HmlClassificationMetrics m;

	ranking.positive_weights = weights;
	ranking.negative_weights = weights == NULL ? NULL : weights + ranking.n_positives;
	m = metrics_at_threshold(&ranking, set->threshold);
	values[1] = m.precision;
	values[2] = m.recall;
	values[3] = m.specificity;
	return hml_ranking_roc_auc(set->ctx, &ranking, values);
}

HmlStatus
hml_add_alarm_metrics(HmlContext *ctx, HmlText *metrics, const double *scores, const bool *labels, size_t n,
					  double threshold, const HmlBootstrap *bootstrap)
{
	BinarySet set = {.ctx = ctx, .threshold = threshold};
	HmlResampling resampling = {.n_strata = 2, .n_metrics = 4, .metrics = alarm_values, .user = &set};
	HmlStatus status;

	HML_TRY(hml_ranking_create(ctx, scores, labels, n, &set.ranking));
	resampling.strata = (const size_t[]){set.ranking.n_positives, set.ranking.n_negatives};
	status = add_set(ctx, metrics, &resampling, alarm_names, bootstrap);
	hml_ranking_free(ctx, &set.ranking);
	return status;
}

/* ---- more classes --------------------------------------------------------------------------------- */

typedef struct ClassSet
{
	size_t n;
	size_t n_classes;
	uint32_t *predicted; /* (n), rows of one actual class together */
	size_t *counts;      /* (n_classes) rows of each actual class */
	uint64_t *matrix;    /* (n_classes, n_classes) */
} ClassSet;

static const char *const class_names[] = {"accuracy", "macro_f1", "weighted_f1"};

static HmlStatus
class_values(void *user, const uint32_t *weights, double *values)
{
	const ClassSet *set = user;
	size_t row = 0;

	memset(set->matrix, 0, set->n_classes * set->n_classes * sizeof(*set->matrix));
	for (size_t actual = 0; actual < set->n_classes; actual++)
		for (size_t i = 0; i < set->counts[actual]; i++, row++)
			set->matrix[actual * set->n_classes + set->predicted[row]] += weights == NULL ? 1 : weights[row];
	values[0] = hml_matrix_accuracy(set->matrix, set->n_classes);
	values[1] = hml_macro_f1(set->matrix, set->n_classes);
	values[2] = hml_weighted_f1(set->matrix, set->n_classes);
	return HML_OK;
}

/* Put the rows of each actual class together. */
static HmlStatus
sort_by_class(HmlArena *arena, const uint32_t *predicted, const uint32_t *actual, ClassSet *set)
{
	size_t *next;
	size_t start = 0;

	HML_TRY(HML_ARENA_NEW(arena, &set->predicted, set->n));
	HML_TRY(HML_ARENA_NEW(arena, &set->counts, set->n_classes));
	HML_TRY(HML_ARENA_NEW(arena, &next, set->n_classes));
	HML_TRY(HML_ARENA_NEW(arena, &set->matrix, set->n_classes * set->n_classes));
	memset(set->counts, 0, set->n_classes * sizeof(*set->counts));
	for (size_t i = 0; i < set->n; i++)
		set->counts[actual[i]]++;
	for (size_t c = 0; c < set->n_classes; start += set->counts[c++])
		next[c] = start;
	for (size_t i = 0; i < set->n; i++)
		set->predicted[next[actual[i]]++] = predicted[i];
	return HML_OK;
}

HmlStatus
hml_add_class_metrics(HmlContext *ctx, HmlText *metrics, const uint32_t *predicted, const uint32_t *actual,
					  size_t n, size_t n_classes, const HmlBootstrap *bootstrap)
{
	ClassSet set = {.n = n, .n_classes = n_classes};
	HmlResampling resampling = {.n_strata = n_classes, .n_metrics = 3, .metrics = class_values, .user = &set};
	HmlArena *arena;
	HmlStatus status;

	HML_TRY(hml_arena_create(ctx, &arena));
	status = sort_by_class(arena, predicted, actual, &set);
	resampling.strata = set.counts;
	if (status == HML_OK)
		status = add_set(ctx, metrics, &resampling, class_names, bootstrap);
	hml_arena_free(arena);
	return status;
}

/* ---- values --------------------------------------------------------------------------------------- */

typedef struct ValueSet
{
	size_t n;
	const double *predicted;
	const double *actual;
	double *drawn_predicted; /* (n) */
	double *drawn_actual;
} ValueSet;

static const char *const value_names[] = {"rmse", "mae", "r2"};

static HmlStatus
value_values(void *user, const uint32_t *weights, double *values)
{
	const ValueSet *set = user;
	HmlRegressionMetrics m;
	size_t drawn = 0;

	for (size_t i = 0; i < set->n; i++)
		for (uint32_t k = 0; k < (weights == NULL ? 1 : weights[i]); k++, drawn++)
		{
			set->drawn_predicted[drawn] = set->predicted[i];
			set->drawn_actual[drawn] = set->actual[i];
		}
	m = hml_regression_metrics(set->drawn_predicted, set->drawn_actual, set->n);
	memcpy(values, (double[]){m.rmse, m.mae, m.r2}, 3 * sizeof(double));
	return HML_OK;
}

HmlStatus
hml_add_value_metrics(HmlContext *ctx, HmlText *metrics, const double *predicted, const double *actual,
					  size_t n, const HmlBootstrap *bootstrap)
{
	ValueSet set = {.n = n, .predicted = predicted, .actual = actual};
	HmlResampling resampling = {
		.strata = &n, .n_strata = 1, .n_metrics = 3, .metrics = value_values, .user = &set};
	HmlArena *arena;
	HmlStatus status;

	HML_TRY(hml_arena_create(ctx, &arena));
	status = HML_ARENA_NEW(arena, &set.drawn_predicted, n);
	if (status == HML_OK)
		status = HML_ARENA_NEW(arena, &set.drawn_actual, n);
	if (status == HML_OK)
		status = add_set(ctx, metrics, &resampling, value_names, bootstrap);
	hml_arena_free(arena);
	return status;
}
