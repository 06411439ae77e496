/*
 * paired.c
 *	  Tests of paired rows.
 *
 * The variance of a difference of areas is that of the differences of placements: a positive's placement is the share
 * of negatives below it, ties counting half, and a negative's the share of positives above it.  Sorted scores of the
 * other class give each by two searches.
 */
#include "core/stats/paired.h"

#include <math.h>

#include "core/stats/ranking.h"

#define POLL_EVERY 8192 /* rows */

double
hml_normal_above(double tail)
{
	double low = -40; /* beyond, the tails are 0 in float64 */
	double high = 40;

	for (;;)
	{
		double middle = low + (high - low) / 2;

		if (middle <= low || middle >= high)
			return middle;
		if (erfc(middle / sqrt(2.0)) / 2 > tail)
			low = middle;
		else
			high = middle;
	}
}

/* ---- DeLong --------------------------------------------------------------------------------------- */

/* How many of the ascending scores are below x, or at most x. */
static size_t
count_below(const double *sorted, size_t n, double x, bool or_equal)
{
	size_t low = 0;

	while (n > 0)
	{
		size_t half = n / 2;
		bool is_below = or_equal ? sorted[low + half] <= x : sorted[low + half] < x;

		if (is_below)
			low += half + 1;
		n = is_below ? n - half - 1 : half;
	}
	return low;
}

/* The share of the scores of the other class that are below x, ties counting half. */
static double
share_below(const double *sorted, size_t n, double x)
{
	return ((double) count_below(sorted, n, x, false) + (double) count_below(sorted, n, x, true)) / 2.0 /
		   (double) n;
}

/* Placement of one row by one score: how well it is on its side of the other class. */
static double
placement(const HmlRanking *ranking, double score, bool label)
{
	return label ? share_below(ranking->negatives, ranking->n_negatives, score)
				 : 1 - share_below(ranking->positives, ranking->n_positives, score);
}

/* Mean and sum of squared deviations, updated row by row (B. P. Welford, Technometrics 4, 1962). */
typedef struct Spread
{
	size_t n;
	double mean;
	double squares;
} Spread;

static void
add_to_spread(Spread *spread, double x)
{
	double difference = x - spread->mean;

	spread->n++;
	spread->mean += difference / (double) spread->n;
	spread->squares += difference * (x - spread->mean);
}

static double
variance_of_mean(const Spread *spread)
{
	if (spread->n < 2)
		return NAN;
	return spread->squares / (double) (spread->n - 1) / (double) spread->n;
}

/* Spreads of the differences of placements, of negatives and of positives. */
static HmlStatus
compare_placements(HmlContext *ctx, const HmlRanking rankings[2], const double *a, const double *b,
				   const bool *labels, size_t n, Spread spreads[2])
{
	for (size_t i = 0; i < n; i++)
	{
		if (i % POLL_EVERY == 0)
			HML_TRY(hml_poll(ctx));
		add_to_spread(&spreads[labels[i]],
					  placement(&rankings[0], a[i], labels[i]) - placement(&rankings[1], b[i], labels[i]));
	}
	return HML_OK;
}

static void
infer(const Spread spreads[2], double confidence, HmlDelong *out)
{
	double margin;

	out->difference = out->auc_a - out->auc_b;
	out->standard_error = sqrt(variance_of_mean(&spreads[0]) + variance_of_mean(&spreads[1]));
	out->low = out->high = out->p_value = NAN;
	if (isnan(out->standard_error) || (out->standard_error == 0 && out->difference != 0))
		return;
	margin = hml_normal_above((1 - confidence) / 2) * out->standard_error;
	out->low = fmax(out->difference - margin, -1);
	out->high = fmin(out->difference + margin, 1);
	out->p_value = out->difference == 0 ? 1 : erfc(fabs(out->difference) / out->standard_error / sqrt(2.0));
}

static HmlStatus
delong(HmlContext *ctx, HmlRanking rankings[2], const double *a, const double *b, const bool *labels,
	   size_t n, double confidence, HmlDelong *out)
{
	Spread spreads[2] = {{0}, {0}};

	HML_TRY(hml_ranking_create(ctx, a, labels, n, &rankings[0]));
	HML_TRY(hml_ranking_create(ctx, b, labels, n, &rankings[1]));
	HML_TRY(hml_ranking_roc_auc(ctx, &rankings[0], &out->auc_a));
	HML_TRY(hml_ranking_roc_auc(ctx, &rankings[1], &out->auc_b));
	if (!isnan(out->auc_a))
		HML_TRY(compare_placements(ctx, rankings, a, b, labels, n, spreads));
	infer(spreads, confidence, out);
	return HML_OK;
}

HmlStatus
hml_delong(HmlContext *ctx, const double *a, const double *b, const bool *labels, size_t n, double confidence,
		   HmlDelong *out)
{
	HmlRanking rankings[2] = {{0}, {0}};
	HmlStatus status = delong(ctx, rankings, a, b, labels, n, confidence, out);

	hml_ranking_free(ctx, &rankings[0]);
	hml_ranking_free(ctx, &rankings[1]);
	return status;
}

/* ---- McNemar -------------------------------------------------------------------------------------- */

/* Twice the probability that a fair coin thrown n times shows at most 'least' heads, from the greatest term down. */
double
hml_mcnemar(uint64_t only_a, uint64_t only_b)
{
	double n = (double) only_a + (double) only_b;
	double k = fmin((double) only_a, (double) only_b);
	double term = exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) - n * log(2.0));
	double sum = 0;

	for (; k >= 0 && sum + term > sum; k--)
	{
		sum += term;
		term *= k / (n - k + 1);
	}
	return fmin(2 * sum, 1);
}
