/*
 * bootstrap.c
 *	  Resampling of rankings.
 *
 * Each replicate has a random stream of its own, so that the first ones are the
 * same however many follow.
 */
#include "core/stats/bootstrap.h"

#include <math.h>
#include <string.h>

#include "core/base/rng.h"
#include "core/base/sort.h"
#include "core/stats/quantile.h"

#define POLL_EVERY (1 << 17) /* draws between polls, about a millisecond */

HmlBootstrap
hml_bootstrap_default(void)
{
	HmlBootstrap options = {.replicates = 2000, .confidence = 0.95, .seed = 42, .stratified = true};

	return options;
}

/* Draw n of the n rows with replacement and count how often each one came. */
static HmlStatus
draw(HmlContext *ctx, HmlRng *rng, uint32_t *weights, size_t n)
{
	memset(weights, 0, n * sizeof(*weights));
	for (size_t i = 0; i < n; i++)
	{
		if (i % POLL_EVERY == 0)
			HML_TRY(hml_poll(ctx));
		weights[hml_rng_below(rng, n)]++;
	}
	return HML_OK;
}

/* Weights of one replicate: those of the positives first. */
static HmlStatus
resample(HmlContext *ctx, const HmlRanking *ranking, bool stratified, HmlRng *rng, uint32_t *weights)
{
	if (!stratified)
		return draw(ctx, rng, weights, ranking->n_positives + ranking->n_negatives);
	HML_TRY(draw(ctx, rng, weights, ranking->n_positives));
	return draw(ctx, rng, weights + ranking->n_positives, ranking->n_negatives);
}

/* values[] gets the replicates that have a value, *n_values their number. */
static HmlStatus
replicate(HmlContext *ctx, const HmlRanking *ranking, HmlRankingMetric metric, const HmlBootstrap *options,
		  uint32_t *weights, double *values, size_t *n_values)
{
	HmlRanking resampled = *ranking;

	resampled.positive_weights = weights;
	resampled.negative_weights = weights + ranking->n_positives;
	*n_values = 0;
	for (size_t i = 0; i < options->replicates; i++)
	{
		HmlRng rng;
		double value;

		HML_TRY(hml_poll(ctx));
		hml_rng_seed_stream(&rng, options->seed, i);
		HML_TRY(resample(ctx, ranking, options->stratified, &rng, weights));
		HML_TRY(metric(ctx, &resampled, &value));
		if (!isnan(value))
			values[(*n_values)++] = value;
	}
	return hml_sort_doubles(ctx, values, *n_values);
}

static HmlStatus
check_options(HmlContext *ctx, const HmlBootstrap *options)
{
	if (options->replicates < 1 || options->replicates > HML_BOOTSTRAP_MAX_REPLICATES)
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "number of replicates %zu is not between 1 and %d",
						options->replicates, HML_BOOTSTRAP_MAX_REPLICATES);
	if (!(options->confidence > 0 && options->confidence < 1))
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "confidence %g is not between 0 and 1",
						options->confidence);
	return HML_OK;
}

HmlStatus
hml_bootstrap(HmlContext *ctx, const HmlRanking *ranking, HmlRankingMetric metric,
			  const HmlBootstrap *options, HmlInterval *out)
{
	uint32_t *weights = NULL;
	double *values = NULL;
	HmlStatus status;

	HML_TRY(check_options(ctx, options));
	HML_TRY(metric(ctx, ranking, &out->estimate));
	status = HML_NEW(ctx, &weights, ranking->n_positives + ranking->n_negatives);
	if (status == HML_OK)
		status = HML_NEW(ctx, &values, options->replicates);
	if (status == HML_OK)
		status = replicate(ctx, ranking, metric, options, weights, values, &out->replicates);
	if (status == HML_OK)
	{
		double tail = (1 - options->confidence) / 2;

		out->low = out->replicates == 0 ? NAN : hml_quantile(values, out->replicates, tail);
		out->high = out->replicates == 0 ? NAN : hml_quantile(values, out->replicates, 1 - tail);
	}
	hml_free(ctx, values);
	hml_free(ctx, weights);
	return status;
}
