/*
 * metric_set.c
 *	  The metrics that go together, each with its interval.
 *
 * All of a set but its ranking lies in its arena.
 */
#include "core/model/metric_set.h"

#include <stdio.h>
#include <string.h>

#include "core/model/model.h"
#include "core/stats/metrics.h"

#define MAX_NAME 64

/* An empty set and the arguments of its metrics, of 'size' bytes. */
static HmlStatus
start_set(HmlContext *ctx, const char *const *names, size_t n_metrics,
		  HmlStatus (*metrics)(void *user, const uint32_t *weights, double *values), size_t size,
		  HmlMetricSet *out)
{
	*out = (HmlMetricSet){
		.ctx = ctx, .names = names, .resampling = {.n_metrics = n_metrics, .metrics = metrics}};
	HML_TRY(hml_arena_create(ctx, &out->arena));
	return hml_arena_alloc(out->arena, 1, size, &out->resampling.user);
}

static HmlStatus
set_strata(HmlMetricSet *set, const size_t *counts, size_t n)
{
	size_t *strata;

	HML_TRY(HML_ARENA_NEW(set->arena, &strata, n));
	memcpy(strata, counts, n * sizeof(*strata));
	set->resampling.strata = strata;
	set->resampling.n_strata = n;
	return HML_OK;
}

void
hml_metric_set_free(HmlMetricSet *set)
{
	hml_ranking_free(set->ctx, &set->ranking);
	hml_arena_free(set->arena);
	*set = (HmlMetricSet){.ctx = set->ctx};
}

HmlStatus
hml_metric_set_add(const HmlMetricSet *set, const HmlBootstrap *bootstrap, HmlText *metrics)
{
	HmlInterval intervals[HML_MAX_METRICS];

	HML_TRY(hml_bootstrap_metrics(set->ctx, &set->resampling, bootstrap, intervals));
	for (size_t i = 0; i < set->resampling.n_metrics; i++)
	{
		char bound[MAX_NAME];

		hml_add_metric(metrics, set->names[i], intervals[i].estimate);
		if (bootstrap == NULL)
			continue;
		snprintf(bound, sizeof(bound), "%s_low", set->names[i]);
		hml_add_metric(metrics, bound, intervals[i].low);
		snprintf(bound, sizeof(bound), "%s_high", set->names[i]);
		hml_add_metric(metrics, bound, intervals[i].high);
	}
	return HML_OK;
}

/* ---- two classes ---------------------------------------------------------------------------------- */

typedef struct BinarySet
{
	HmlContext *ctx;
	const HmlRanking *ranking;
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

static HmlRanking
weighted(const HmlRanking *ranking, const uint32_t *weights)
{
	HmlRanking result = *ranking;

	result.positive_weights = weights;
	result.negative_weights = weights == NULL ? NULL : weights + result.n_positives;
	return result;
}

static HmlStatus
binary_values(void *user, const uint32_t *weights, double *values)
{
	const BinarySet *set = user;
	HmlRanking ranking = weighted(set->ranking, weights);
	HmlClassificationMetrics m;

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

/* A set of metrics of a ranking. */
static HmlStatus
rank_rows(HmlMetricSet *set, const double *scores, const bool *labels, size_t n, double threshold,
		  bool is_probability)
{
	BinarySet *user = set->resampling.user;

	HML_TRY(hml_ranking_create(set->ctx, scores, labels, n, &set->ranking));
	*user = (BinarySet){
		.ctx = set->ctx, .ranking = &set->ranking, .threshold = threshold, .is_probability = is_probability};
	return set_strata(set, (const size_t[]){set->ranking.n_positives, set->ranking.n_negatives}, 2);
}

HmlStatus
hml_binary_metrics(HmlContext *ctx, const double *scores, const bool *labels, size_t n, double threshold,
				   bool is_probability, HmlMetricSet *out)
{
	HML_TRY(start_set(ctx, is_probability ? probability_names : detector_names,
					  is_probability ? N_PROBABILITY_METRICS : N_DETECTOR_METRICS, binary_values,
					  sizeof(BinarySet), out));
	return rank_rows(out, scores, labels, n, threshold, is_probability);
}

static const char *const alarm_names[] = {"alarm_roc_auc", "alarm_precision", "alarm_recall",
										  "alarm_specificity"};

static HmlStatus
alarm_values(void *user, const uint32_t *weights, double *values)
{
	const BinarySet *set = user;
	HmlRanking ranking = weighted(set->ranking, weights);
	HmlClassificationMetrics m;

	m = metrics_at_threshold(&ranking, set->threshold);
	values[1] = m.precision;
	values[2] = m.recall;
	values[3] = m.specificity;
	return hml_ranking_roc_auc(set->ctx, &ranking, values);
}

HmlStatus
hml_alarm_metrics(HmlContext *ctx, const double *scores, const bool *labels, size_t n, double threshold,
				  HmlMetricSet *out)
{
	HML_TRY(start_set(ctx, alarm_names, 4, alarm_values, sizeof(BinarySet), out));
	return rank_rows(out, scores, labels, n, threshold, false);
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
hml_class_metrics(HmlContext *ctx, const uint32_t *predicted, const uint32_t *actual, size_t n,
				  size_t n_classes, HmlMetricSet *out)
{
	ClassSet *set;

	HML_TRY(start_set(ctx, class_names, 3, class_values, sizeof(ClassSet), out));
	set = out->resampling.user;
	*set = (ClassSet){.n = n, .n_classes = n_classes};
	HML_TRY(sort_by_class(out->arena, predicted, actual, set));
	return set_strata(out, set->counts, n_classes);
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
hml_value_metrics(HmlContext *ctx, const double *predicted, const double *actual, size_t n, HmlMetricSet *out)
{
	ValueSet *set;

	HML_TRY(start_set(ctx, value_names, 3, value_values, sizeof(ValueSet), out));
	set = out->resampling.user;
	*set = (ValueSet){.n = n, .predicted = predicted, .actual = actual};
	HML_TRY(HML_ARENA_NEW(out->arena, &set->drawn_predicted, n));
	HML_TRY(HML_ARENA_NEW(out->arena, &set->drawn_actual, n));
	return set_strata(out, &n, 1);
}
