/*
 * ranking.c
 *	  One walk down the ranked scores, and the metrics made of it.
 *
 * ROC AUC is the Mann-Whitney statistic (J. Hanley, B. McNeil, Radiology 143,
 * 1982), which equals the trapezoids under the ROC curve.  It is summed in whole
 * numbers and divided once, so that it is as exact as a float64 can be.
 */
#include "core/stats/ranking.h"

#include <math.h>
#include <string.h>

#include "core/base/sort.h"

#define POLL_EVERY (1 << 18) /* thresholds between polls, about a millisecond */

typedef struct Totals
{
	uint64_t positives;
	uint64_t negatives;
} Totals;

HmlStatus
hml_check_score(HmlContext *ctx, double score)
{
	if (isnan(score))
		return hml_fail(ctx, HML_INVALID_DATA, "score cannot be NaN");
	if (isinf(score))
		return hml_fail(ctx, HML_INVALID_DATA, "score cannot be infinite");
	return HML_OK;
}

/* Deal the scores into the two blocks of 'out', which are large enough. */
static HmlStatus
split(HmlContext *ctx, const double *scores, const bool *labels, size_t n, HmlRanking *out)
{
	for (size_t i = 0; i < n; i++)
	{
		HML_TRY(hml_check_score(ctx, scores[i]));
		if (labels[i])
			out->positives[out->n_positives++] = scores[i];
		else
			out->negatives[out->n_negatives++] = scores[i];
	}
	HML_TRY(hml_sort_doubles(ctx, out->positives, out->n_positives));
	return hml_sort_doubles(ctx, out->negatives, out->n_negatives);
}

HmlStatus
hml_ranking_create(HmlContext *ctx, const double *scores, const bool *labels, size_t n, HmlRanking *out)
{
	size_t n_positives = 0;
	HmlStatus status;

	memset(out, 0, sizeof(*out));
	if (n > HML_RANKING_MAX)
		return hml_fail(ctx, HML_LIMIT, "too many scores: %zu (limit %zu)", n, HML_RANKING_MAX);
	for (size_t i = 0; i < n; i++)
		n_positives += labels[i];

	status = HML_NEW(ctx, &out->positives, n_positives);
	if (status == HML_OK)
		status = HML_NEW(ctx, &out->negatives, n - n_positives);
	if (status == HML_OK)
		status = split(ctx, scores, labels, n, out);
	if (status != HML_OK)
		hml_ranking_free(ctx, out);
	return status;
}

void
hml_ranking_free(HmlContext *ctx, HmlRanking *ranking)
{
	hml_free(ctx, ranking->positives);
	hml_free(ctx, ranking->negatives);
	memset(ranking, 0, sizeof(*ranking));
}

void
hml_ranking_walk_init(HmlRankingWalk *walk, const HmlRanking *ranking)
{
	walk->ranking = ranking;
	walk->positives_left = ranking->n_positives;
	walk->negatives_left = ranking->n_negatives;
	walk->point.threshold = INFINITY;
	walk->point.true_positives = 0;
	walk->point.false_positives = 0;
}

/* Take the scores that equal 'threshold' off the top; returns how much they weigh. */
static inline uint64_t
take(const double *scores, const uint32_t *weights, size_t *left, double threshold)
{
	uint64_t taken = 0;

	for (; *left > 0 && scores[*left - 1] == threshold; (*left)--)
		taken += weights == NULL ? 1 : weights[*left - 1];
	return taken;
}

bool
hml_ranking_walk_next(HmlRankingWalk *walk)
{
	const HmlRanking *r = walk->ranking;
	double threshold = -INFINITY;

	if (walk->positives_left == 0 && walk->negatives_left == 0)
		return false;
	if (walk->positives_left > 0)
		threshold = r->positives[walk->positives_left - 1];
	if (walk->negatives_left > 0 && r->negatives[walk->negatives_left - 1] > threshold)
		threshold = r->negatives[walk->negatives_left - 1];

	walk->point.threshold = threshold;
	walk->point.true_positives += take(r->positives, r->positive_weights, &walk->positives_left, threshold);
	walk->point.false_positives += take(r->negatives, r->negative_weights, &walk->negatives_left, threshold);
	return true;
}

/* hml_ranking_walk_next() for loops over all thresholds: polls now and then. */
static inline HmlStatus
next_polled(HmlContext *ctx, HmlRankingWalk *walk, size_t *steps, bool *more)
{
	if ((*steps)++ % POLL_EVERY == 0)
		HML_TRY(hml_poll(ctx));
	*more = hml_ranking_walk_next(walk);
	return HML_OK;
}

static uint64_t
weigh(const uint32_t *weights, size_t n)
{
	uint64_t total = 0;

	if (weights == NULL)
		return n;
	for (size_t i = 0; i < n; i++)
		total += weights[i];
	return total;
}

static Totals
totals_of(const HmlRanking *ranking)
{
	Totals totals = {weigh(ranking->positive_weights, ranking->n_positives),
					 weigh(ranking->negative_weights, ranking->n_negatives)};

	return totals;
}

HmlStatus
hml_ranking_roc_auc(HmlContext *ctx, const HmlRanking *ranking, double *out)
{
	Totals totals = totals_of(ranking);
	HmlRankingWalk walk;
	uint64_t twice_wins = 0; /* pairs that the positive wins, ties once */
	uint64_t tp = 0;
	uint64_t fp = 0;
	size_t steps = 0;
	bool more;

	*out = NAN;
	if (totals.positives == 0 || totals.negatives == 0)
		return HML_OK;

	hml_ranking_walk_init(&walk, ranking);
	for (;;)
	{
		HML_TRY(next_polled(ctx, &walk, &steps, &more));
		if (!more)
			break;
		twice_wins += (walk.point.false_positives - fp) * (tp + walk.point.true_positives);
		tp = walk.point.true_positives;
		fp = walk.point.false_positives;
	}
	*out = (double) twice_wins / (2.0 * (double) totals.positives * (double) totals.negatives);
	return HML_OK;
}

HmlStatus
hml_ranking_average_precision(HmlContext *ctx, const HmlRanking *ranking, double *out)
{
	Totals totals = totals_of(ranking);
	HmlRankingWalk walk;
	double sum = 0;
	uint64_t tp = 0;
	size_t steps = 0;
	bool more;

	*out = NAN;
	if (totals.positives == 0)
		return HML_OK;

	hml_ranking_walk_init(&walk, ranking);
	for (;;)
	{
		HML_TRY(next_polled(ctx, &walk, &steps, &more));
		if (!more)
			break;
		if (walk.point.true_positives == tp)
			continue;
		sum += (double) (walk.point.true_positives - tp) * (double) walk.point.true_positives /
			   (double) (walk.point.true_positives + walk.point.false_positives);
		tp = walk.point.true_positives;
	}
	*out = sum / (double) totals.positives;
	return HML_OK;
}

/* Is 'here' the corner of a curve, and not in the middle of two equal steps? */
static bool
is_corner(const HmlOperatingPoint *before, const HmlOperatingPoint *here, const HmlOperatingPoint *after)
{
	return here->false_positives - before->false_positives !=
			   after->false_positives - here->false_positives ||
		   here->true_positives - before->true_positives != after->true_positives - here->true_positives;
}

/* Count the points that the curve keeps, and store them where 'out' has blocks for them. */
static HmlStatus
trace_curve(HmlContext *ctx, const HmlRanking *ranking, const Totals *totals, HmlRocCurve *out)
{
	HmlRankingWalk walk;
	HmlOperatingPoint before;
	HmlOperatingPoint here;
	size_t steps = 0;
	size_t n = 0;
	bool more = true;

	hml_ranking_walk_init(&walk, ranking);
	for (before = here = walk.point; more; before = here, here = walk.point)
	{
		bool stays = steps < 2; /* the start and the first threshold; so does the last one */

		HML_TRY(next_polled(ctx, &walk, &steps, &more));
		if (!stays && more && !is_corner(&before, &here, &walk.point))
			continue;
		if (out->threshold != NULL)
		{
			out->threshold[n] = here.threshold;
			out->true_positive_rate[n] = (double) here.true_positives / (double) totals->positives;
			out->false_positive_rate[n] = (double) here.false_positives / (double) totals->negatives;
		}
		n++;
	}
	out->n_points = n;
	return HML_OK;
}

HmlStatus
hml_ranking_roc_curve(HmlContext *ctx, const HmlRanking *ranking, HmlRocCurve *out)
{
	Totals totals = totals_of(ranking);
	double *block;
	HmlStatus status;

	memset(out, 0, sizeof(*out));
	if (totals.positives == 0 || totals.negatives == 0)
		return HML_OK;

	HML_TRY(trace_curve(ctx, ranking, &totals, out));
	HML_TRY(HML_NEW(ctx, &block, 3 * out->n_points));
	out->threshold = block;
	out->false_positive_rate = block + out->n_points;
	out->true_positive_rate = block + 2 * out->n_points;
	status = trace_curve(ctx, ranking, &totals, out);
	if (status != HML_OK)
		hml_roc_curve_free(ctx, out);
	return status;
}

void
hml_roc_curve_free(HmlContext *ctx, HmlRocCurve *curve)
{
	hml_free(ctx, curve->threshold);
	memset(curve, 0, sizeof(*curve));
}
