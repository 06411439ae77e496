/*
 * bootstrap.h
 *	  How far a metric could be off: confidence intervals by resampling rows.
 *
 * B. Efron, R. Tibshirani: An Introduction to the Bootstrap (1993), percentile
 * method.  Rows are drawn with replacement; a replicate is the metric of the
 * ranking with each row counting as often as it was drawn, so that it costs O(n)
 * and no sort.  The same seed gives the same interval.
 */
#ifndef HML_STATS_BOOTSTRAP_H
#define HML_STATS_BOOTSTRAP_H

#include "core/stats/ranking.h"

#define HML_BOOTSTRAP_MAX_REPLICATES 1000000

typedef struct HmlBootstrap
{
	size_t replicates; /* 1 to HML_BOOTSTRAP_MAX_REPLICATES */
	double confidence; /* 0 < confidence < 1 */
	uint64_t seed;
	bool stratified; /* draw positives and negatives apart, so that their numbers stay */
} HmlBootstrap;

extern HmlBootstrap hml_bootstrap_default(void); /* 2000 replicates, 0.95, seed 42, stratified */

typedef struct HmlInterval
{
	double estimate; /* of the rows as they are */
	double low;      /* NaN when no replicate has a value */
	double high;
	size_t replicates; /* that have a value: without strata, one may lack a class */
} HmlInterval;

/*
 * Any metrics of any rows.  The rows of a stratum lie together; as many are drawn
 * from each as it has.  metrics() gets how often each row counts, NULL for once,
 * and sets n_metrics values, NaN where one has no meaning.
 */
typedef struct HmlResampling
{
	const size_t *strata; /* (n_strata) numbers of rows */
	size_t n_strata;
	size_t n_metrics;
	HmlStatus (*metrics)(void *user, const uint32_t *weights, double *values);
	void *user;
} HmlResampling;

/* One interval for each metric, from the same draws; options NULL for the estimates alone (the rest is NaN). */
extern HmlStatus hml_bootstrap_metrics(HmlContext *ctx, const HmlResampling *resampling,
									   const HmlBootstrap *options, HmlInterval *out) HML_NODISCARD;

#endif /* HML_STATS_BOOTSTRAP_H */
