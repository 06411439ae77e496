/*
 * threshold.c
 *	  A decision threshold by the rule of one standard error.
 *
 * Two walks over the ranking: one for the greatest value and its standard error,
 * one for the nearest threshold that is good enough.  A threshold between two
 * scores predicts like the upper one; the candidate is the point of that gap
 * which is nearest to 0.5.
 */
#include "core/stats/threshold.h"

#include <math.h>

#define POLL_EVERY (1 << 16)

/* Value of the criterion at a point, and the standard error of that value. */
static double
value_at(const HmlRanking *ranking, HmlThresholdCriterion criterion, const HmlOperatingPoint *point,
		 double *standard_error)
{
	double positives = (double) ranking->n_positives;
	double negatives = (double) ranking->n_negatives;
	double hits = (double) point->true_positives;
	double alarms = (double) point->false_positives;
	double tpr = hits / positives;
	double fpr = alarms / negatives;
	double jaccard = hits / (positives + alarms);

	if (criterion == HML_THRESHOLD_YOUDEN)
	{
		*standard_error = sqrt(tpr * (1 - tpr) / positives + fpr * (1 - fpr) / negatives);
		return tpr - fpr;
	}
	/* F1 = 2 J / (1 + J), where J is a share of (positives + alarms) rows. */
	*standard_error =
		2 / ((1 + jaccard) * (1 + jaccard)) * sqrt(jaccard * (1 - jaccard) / (positives + alarms));
	return 2 * jaccard / (1 + jaccard);
}

static HmlStatus
find_least_acceptable(HmlContext *ctx, const HmlRanking *ranking, HmlThresholdCriterion criterion,
					  double *least)
{
	HmlRankingWalk walk;
	double best = -INFINITY;
	double error_of_best = 0;
	size_t steps = 0;

	hml_ranking_walk_init(&walk, ranking);
	while (hml_ranking_walk_next(&walk))
	{
		double standard_error;
		double value = value_at(ranking, criterion, &walk.point, &standard_error);

		if (++steps % POLL_EVERY == 0)
			HML_TRY(hml_poll(ctx));
		if (value > best)
		{
			best = value;
			error_of_best = standard_error;
		}
	}
	*least = best - error_of_best;
	return HML_OK;
}

/* The point of [low, high) that is nearest to 0.5. */
static double
nearest_to_half(double low, double high)
{
	if (low >= 0.5)
		return low;
	return high > 0.5 ? 0.5 : nextafter(high, -INFINITY);
}

HmlStatus
hml_robust_threshold(HmlContext *ctx, const HmlRanking *ranking, HmlThresholdCriterion criterion,
					 double *threshold)
{
	HmlRankingWalk walk;
	HmlOperatingPoint upper;
	double least;
	double distance = INFINITY;
	size_t steps = 0;
	bool more;

	*threshold = 0.5;
	if (ranking->n_positives == 0 || ranking->n_negatives == 0)
		return HML_OK;
	HML_TRY(find_least_acceptable(ctx, ranking, criterion, &least));
	hml_ranking_walk_init(&walk, ranking);
	for (more = hml_ranking_walk_next(&walk); more;)
	{
		double standard_error;
		double candidate;

		if (++steps % POLL_EVERY == 0)
			HML_TRY(hml_poll(ctx));
		upper = walk.point;
		more = hml_ranking_walk_next(&walk);
		if (value_at(ranking, criterion, &upper, &standard_error) < least)
			continue;
		candidate = nearest_to_half(more ? walk.point.threshold : 0, upper.threshold);
		if (fabs(candidate - 0.5) < distance)
		{
			distance = fabs(candidate - 0.5);
			*threshold = candidate;
		}
	}
	return HML_OK;
}

/* The greatest score below 'score', or the least above it; 'score' itself where there is none. */
static double
neighbour(const HmlRanking *ranking, double score, bool above)
{
	double found = score;

	for (int side = 0; side < 2; side++)
	{
		const double *scores = side == 0 ? ranking->positives : ranking->negatives;
		size_t n = side == 0 ? ranking->n_positives : ranking->n_negatives;

		for (size_t i = 0; i < n; i++)
			if (above ? scores[i] > score && (found == score || scores[i] < found)
					  : scores[i] < score && (found == score || scores[i] > found))
				found = scores[i];
	}
	return found;
}

/* So many of n that their share is at least 'share'. */
static size_t
enough_of(size_t n, double share)
{
	size_t enough = (size_t) ceil(share * (double) n - 1e-9);

	return enough < 1 ? 1 : enough > n ? n : enough;
}

double
hml_threshold_of_sensitivity(const HmlRanking *ranking, double share)
{
	double least = ranking->positives[ranking->n_positives - enough_of(ranking->n_positives, share)];
	double middle = (least + neighbour(ranking, least, false)) / 2;

	return middle < least ? middle : nextafter(least, -INFINITY);
}

double
hml_threshold_of_specificity(const HmlRanking *ranking, double share)
{
	double greatest = ranking->negatives[enough_of(ranking->n_negatives, share) - 1];
	double above = neighbour(ranking, greatest, true);
	double middle = (greatest + above) / 2;

	return middle < above ? middle : greatest;
}
