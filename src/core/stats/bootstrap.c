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

/* ---- any metrics ---- */

typedef struct Replicates
{
	HmlContext *ctx;
	const HmlResampling *resampling;
	const HmlBootstrap *options;
	size_t n_rows;
	uint32_t *weights; /* (n_rows) */
	double *drawn;     /* (n_metrics) of one replicate */
	double *values;    /* (n_metrics, replicates), of each metric those that have a value */
} Replicates;

static HmlStatus
draw_strata(const Replicates *r, HmlRng *rng)
{
	uint32_t *weights = r->weights;

	for (size_t s = 0; s < r->resampling->n_strata; s++)
	{
		HML_TRY(draw(r->ctx, rng, weights, r->resampling->strata[s]));
		weights += r->resampling->strata[s];
	}
	return HML_OK;
}

static HmlStatus
replicate(const Replicates *r, HmlInterval *out)
{
	const HmlResampling *resampling = r->resampling;

	for (size_t i = 0; i < r->options->replicates; i++)
	{
		HmlRng rng;

		HML_TRY(hml_poll(r->ctx));
		hml_rng_seed_stream(&rng, r->options->seed, i);
		HML_TRY(draw_strata(r, &rng));
		HML_TRY(resampling->metrics(resampling->user, r->weights, r->drawn));
		for (size_t m = 0; m < resampling->n_metrics; m++)
			if (!isnan(r->drawn[m]))
				r->values[m * r->options->replicates + out[m].replicates++] = r->drawn[m];
	}
	return HML_OK;
}

static HmlStatus
find_intervals(const Replicates *r, HmlInterval *out)
{
	double tail = (1 - r->options->confidence) / 2;

	for (size_t m = 0; m < r->resampling->n_metrics; m++)
	{
		double *values = r->values + m * r->options->replicates;

		if (out[m].replicates == 0)
			continue;
		HML_TRY(hml_sort_doubles(r->ctx, values, out[m].replicates));
		out[m].low = hml_quantile(values, out[m].replicates, tail);
		out[m].high = hml_quantile(values, out[m].replicates, 1 - tail);
	}
	return HML_OK;
}

static HmlStatus
resample(Replicates *r, HmlInterval *out)
{
	HML_TRY(HML_NEW(r->ctx, &r->weights, r->n_rows));
	HML_TRY(hml_alloc(r->ctx, r->options->replicates, r->resampling->n_metrics * sizeof(double),
					  (void **) &r->values));
	HML_TRY(replicate(r, out));
	return find_intervals(r, out);
}

HmlStatus
hml_bootstrap_metrics(HmlContext *ctx, const HmlResampling *resampling, const HmlBootstrap *options,
					  HmlInterval *out)
{
	Replicates r = {.ctx = ctx, .resampling = resampling, .options = options};
	HmlStatus status;

	if (options != NULL)
		HML_TRY(check_options(ctx, options));
	for (size_t s = 0; s < resampling->n_strata; s++)
		r.n_rows += resampling->strata[s];
	HML_TRY(HML_NEW(ctx, &r.drawn, resampling->n_metrics));
	status = resampling->metrics(resampling->user, NULL, r.drawn);
	for (size_t m = 0; m < resampling->n_metrics && status == HML_OK; m++)
		out[m] = (HmlInterval){.estimate = r.drawn[m], .low = NAN, .high = NAN};
	if (status == HML_OK && options != NULL)
		status = resample(&r, out);
	hml_free(ctx, r.values);
	hml_free(ctx, r.weights);
	hml_free(ctx, r.drawn);
	return status;
}
