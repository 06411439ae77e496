/*
 * metrics.c
 *	  Metrics of probabilities, classes and values.
 *
 * MCC: D. Chicco, G. Jurman, BMC Genomics 21 (2020), computed from whole numbers
 * so that nothing cancels.  Sums of float64 are compensated (A. Neumaier, ZAMM 54,
 * 1974) or exact.  Nothing here allocates but the rankings.
 */
#include "core/stats/metrics.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/base/number.h"

#define FLOAT32_ROUNDING (2.0 * FLT_EPSILON)
#define POLL_EVERY (1 << 18) /* rows between polls, a few milliseconds */

__extension__ typedef __int128 Wide;

static HmlStatus
ranked(HmlContext *ctx, HmlRankingMetric metric, const double *scores, const bool *labels, size_t n,
	   double *out)
{
	HmlRanking ranking;
	HmlStatus status;

	HML_TRY(hml_ranking_create(ctx, scores, labels, n, &ranking));
	status = metric(ctx, &ranking, out);
	hml_ranking_free(ctx, &ranking);
	return status;
}

HmlStatus
hml_roc_auc(HmlContext *ctx, const double *scores, const bool *labels, size_t n, double *out)
{
	return ranked(ctx, hml_ranking_roc_auc, scores, labels, n, out);
}

HmlStatus
hml_average_precision(HmlContext *ctx, const double *scores, const bool *labels, size_t n, double *out)
{
	return ranked(ctx, hml_ranking_average_precision, scores, labels, n, out);
}

/* What float32 makes of a probability may be a rounding error beyond 0 or 1. */
static HmlStatus
take_probability(HmlContext *ctx, double *probability)
{
	char number[HML_NUMBER_SIZE];
	double p = *probability;

	if (isnan(p))
		return hml_fail(ctx, HML_INVALID_DATA, "probability cannot be NaN");
	if (isinf(p))
		return hml_fail(ctx, HML_INVALID_DATA, "probability cannot be infinite");
	if (!(p >= -FLOAT32_ROUNDING && p <= 1 + FLOAT32_ROUNDING))
	{
		hml_fail(ctx, HML_INVALID_DATA, "probability %s is not between 0 and 1",
				 hml_number_format(number, p));
		return hml_hint(ctx, "Calibrate the score, or use a metric of ranks such as roc_auc.");
	}
	*probability = fmin(fmax(p, 0), 1);
	return HML_OK;
}

HmlStatus
hml_brier_loss(HmlContext *ctx, double probability, bool label, double *out)
{
	HML_TRY(take_probability(ctx, &probability));
	*out = label ? (1 - probability) * (1 - probability) : probability * probability;
	return HML_OK;
}

HmlStatus
hml_log_loss(HmlContext *ctx, double probability, bool label, double *out)
{
	HML_TRY(take_probability(ctx, &probability));
	*out = -log(fmin(fmax(label ? probability : 1 - probability, DBL_EPSILON), 1 - DBL_EPSILON));
	return HML_OK;
}

double
hml_mean_loss(HmlExactSum sum, int64_t n)
{
	return n == 0 ? NAN : hml_exact_value(sum) / (double) n;
}

HmlStatus
hml_mean_of_loss(HmlContext *ctx, HmlProbabilityLoss loss, const double *probabilities, const bool *labels,
				 size_t n, double *out)
{
	HmlExactSum sum = {0, 0, 0};

	for (size_t i = 0; i < n; i++)
	{
		double term;

		if (i % POLL_EVERY == 0)
			HML_TRY(hml_poll(ctx));
		HML_TRY(loss(ctx, probabilities[i], labels[i], &term));
		hml_exact_add(&sum, hml_exact_of(term));
	}
	*out = hml_mean_loss(sum, (int64_t) n);
	return HML_OK;
}

typedef struct CompensatedSum
{
	double sum;
	double lost;
} CompensatedSum;

static void
compensated_add(CompensatedSum *s, double term)
{
	double total = s->sum + term;

	if (fabs(s->sum) >= fabs(term))
		s->lost += (s->sum - total) + term;
	else
		s->lost += (term - total) + s->sum;
	s->sum = total;
}

/* NaN when n is 0. */
static double
compensated_mean(const CompensatedSum *s, size_t n)
{
	return (s->sum + s->lost) / (double) n;
}

/* Add the losses of rows with one label to *sum and their weights to *rows. */
static HmlStatus
add_losses(HmlContext *ctx, HmlProbabilityLoss loss, const double *probabilities, const uint32_t *weights,
		   size_t n, bool label, CompensatedSum *sum, size_t *rows)
{
	for (size_t i = 0; i < n; i++)
	{
		uint32_t weight = weights == NULL ? 1 : weights[i];
		double term;

		if (i % POLL_EVERY == 0)
			HML_TRY(hml_poll(ctx));
		HML_TRY(loss(ctx, probabilities[i], label, &term));
		compensated_add(sum, weight * term);
		*rows += weight;
	}
	return HML_OK;
}

static HmlStatus
ranking_loss(HmlContext *ctx, HmlProbabilityLoss loss, const HmlRanking *r, double *out)
{
	CompensatedSum sum = {0, 0};
	size_t rows = 0;

	HML_TRY(add_losses(ctx, loss, r->positives, r->positive_weights, r->n_positives, true, &sum, &rows));
	HML_TRY(add_losses(ctx, loss, r->negatives, r->negative_weights, r->n_negatives, false, &sum, &rows));
	*out = compensated_mean(&sum, rows);
	return HML_OK;
}

HmlStatus
hml_ranking_brier_score(HmlContext *ctx, const HmlRanking *ranking, double *out)
{
	return ranking_loss(ctx, hml_brier_loss, ranking, out);
}

HmlStatus
hml_ranking_log_loss(HmlContext *ctx, const HmlRanking *ranking, double *out)
{
	return ranking_loss(ctx, hml_log_loss, ranking, out);
}

static void
add_to_confusion(HmlConfusion *confusion, bool predicted, bool actual)
{
	confusion->true_positives += predicted && actual;
	confusion->false_positives += predicted && !actual;
	confusion->true_negatives += !predicted && !actual;
	confusion->false_negatives += !predicted && actual;
}

HmlConfusion
hml_confusion_at(const double *scores, const bool *labels, size_t n, double threshold)
{
	HmlConfusion confusion = {0, 0, 0, 0};

	for (size_t i = 0; i < n; i++)
		add_to_confusion(&confusion, scores[i] > threshold, labels[i]);
	return confusion;
}

/* 0 where the denominator is 0. */
static double
ratio(double numerator, double denominator)
{
	return denominator == 0 ? 0 : numerator / denominator;
}

static double
matthews(const HmlConfusion *c)
{
	Wide covariance = (Wide) c->true_positives * (Wide) c->true_negatives -
					  (Wide) c->false_positives * (Wide) c->false_negatives;
	double tp = (double) c->true_positives;
	double fp = (double) c->false_positives;
	double tn = (double) c->true_negatives;
	double fn = (double) c->false_negatives;

	return ratio((double) covariance, sqrt((tp + fp) * (tp + fn)) * sqrt((tn + fp) * (tn + fn)));
}

HmlClassificationMetrics
hml_classification_metrics(const HmlConfusion *c)
{
	double tp = (double) c->true_positives;
	double fp = (double) c->false_positives;
	double tn = (double) c->true_negatives;
	double fn = (double) c->false_negatives;
	double n = tp + fp + tn + fn;
	double classes = (tp + fn > 0) + (tn + fp > 0);
	HmlClassificationMetrics m;

	m.accuracy = n == 0 ? NAN : (tp + tn) / n;
	m.precision = ratio(tp, tp + fp);
	m.recall = ratio(tp, tp + fn);
	m.specificity = ratio(tn, tn + fp);
	m.f1 = ratio(2 * tp, 2 * tp + fp + fn);
	m.mcc = matthews(c);
	m.balanced_accuracy = classes == 0 ? NAN : (m.recall + m.specificity) / classes;
	return m;
}

HmlStatus
hml_confusion_matrix(HmlContext *ctx, const uint32_t *predicted, const uint32_t *actual, size_t n,
					 size_t n_classes, uint64_t *matrix)
{
	if (n_classes > HML_MAX_CLASSES)
		return hml_fail(ctx, HML_LIMIT, "too many classes: %zu (limit %d)", n_classes, HML_MAX_CLASSES);
	memset(matrix, 0, n_classes * n_classes * sizeof(*matrix));
	for (size_t i = 0; i < n; i++)
	{
		if (predicted[i] >= n_classes || actual[i] >= n_classes)
			return hml_fail(ctx, HML_INVALID_DATA, "class %u is not one of %zu classes",
							predicted[i] >= n_classes ? predicted[i] : actual[i], n_classes);
		matrix[actual[i] * n_classes + predicted[i]]++;
	}
	return HML_OK;
}

HmlConfusion
hml_matrix_class(const uint64_t *matrix, size_t n_classes, size_t class)
{
	HmlConfusion c = {matrix[class * n_classes + class], 0, 0, 0};

	for (size_t other = 0; other < n_classes; other++)
	{
		if (other == class)
			continue;
		c.false_positives += matrix[other * n_classes + class];
		c.false_negatives += matrix[class * n_classes + other];
	}
	return c;
}

double
hml_matrix_accuracy(const uint64_t *matrix, size_t n_classes)
{
	double right = 0;
	double all = 0;

	for (size_t i = 0; i < n_classes * n_classes; i++)
		all += (double) matrix[i];
	for (size_t class = 0; class < n_classes; class ++)
		right += (double) matrix[class * n_classes + class];
	return all == 0 ? NAN : right / all;
}

double
hml_macro_f1(const uint64_t *matrix, size_t n_classes)
{
	double sum = 0;
	double classes = 0;

	for (size_t class = 0; class < n_classes; class ++)
	{
		HmlConfusion c = hml_matrix_class(matrix, n_classes, class);

		if (c.true_positives + c.false_positives + c.false_negatives == 0)
			continue;
		sum += hml_classification_metrics(&c).f1;
		classes++;
	}
	return classes == 0 ? NAN : sum / classes;
}

double
hml_weighted_f1(const uint64_t *matrix, size_t n_classes)
{
	double sum = 0;
	double support = 0;

	for (size_t class = 0; class < n_classes; class ++)
	{
		HmlConfusion c = hml_matrix_class(matrix, n_classes, class);
		double rows = (double) (c.true_positives + c.false_negatives);

		sum += rows * hml_classification_metrics(&c).f1;
		support += rows;
	}
	return support == 0 ? NAN : sum / support;
}

static double
mean_of(const double *values, size_t n)
{
	CompensatedSum sum = {0, 0};

	for (size_t i = 0; i < n; i++)
		compensated_add(&sum, values[i]);
	return compensated_mean(&sum, n);
}

static double
r_squared(double mse, double variance, size_t n)
{
	if (n < 2)
		return NAN;
	if (variance == 0)
		return mse == 0 ? 1 : 0;
	return 1 - mse / variance;
}

HmlRegressionMetrics
hml_regression_metrics(const double *predicted, const double *actual, size_t n)
{
	CompensatedSum squares = {0, 0};
	CompensatedSum absolute = {0, 0};
	CompensatedSum spread = {0, 0};
	double mean = mean_of(actual, n);
	HmlRegressionMetrics m;

	for (size_t i = 0; i < n; i++)
	{
		double error = predicted[i] - actual[i];
		double deviation = actual[i] - mean;

		compensated_add(&squares, error * error);
		compensated_add(&absolute, fabs(error));
		compensated_add(&spread, deviation * deviation);
	}
	m.mse = compensated_mean(&squares, n);
	m.rmse = sqrt(m.mse);
	m.mae = compensated_mean(&absolute, n);
	m.r2 = r_squared(m.mse, compensated_mean(&spread, n), n);
	return m;
}
