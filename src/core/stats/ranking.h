/*
 * ranking.h
 *	  Metrics of a score that ranks: ROC AUC, average precision, curves, thresholds.
 *
 * A ranking holds the scores of the positives and those of the negatives, each
 * ascending.  Walking down both from the top visits every distinct score with
 * the numbers of positives and negatives that score at least as much; all
 * metrics here are made of that walk, so that ties are handled exactly, counts
 * are whole numbers, and the order in which rows came makes no difference.
 *
 * Building a ranking is O(n), a metric is O(n) without memory.
 *
 * A metric that has no meaning is NaN with HML_OK: ROC AUC and the curve without
 * both classes, average precision without positives.
 */
#ifndef HML_STATS_RANKING_H
#define HML_STATS_RANKING_H

#include "core/base/context.h"

#define HML_RANKING_MAX ((size_t) INT32_MAX) /* rows: products of counts fit in 64 bits */

typedef struct HmlRanking
{
	double *positives; /* ascending, finite */
	double *negatives;
	size_t n_positives;
	size_t n_negatives;
	/* How often each row counts, NULL for once; used by the bootstrap. */
	const uint32_t *positive_weights;
	const uint32_t *negative_weights;
} HmlRanking;

/*
 * Split and sort scores[n] by labels[n] (true = positive).  A NaN or infinite
 * score is HML_INVALID_DATA, more than HML_RANKING_MAX rows HML_LIMIT.
 */
extern HmlStatus hml_ranking_create(HmlContext *ctx, const double *scores, const bool *labels, size_t n,
									HmlRanking *out) HML_NODISCARD;
extern void hml_ranking_free(HmlContext *ctx, HmlRanking *ranking);

/* HML_INVALID_DATA unless the score is finite. */
extern HmlStatus hml_check_score(HmlContext *ctx, double score) HML_NODISCARD;

/* A threshold and what predicting "positive when score >= threshold" gives. */
typedef struct HmlOperatingPoint
{
	double threshold;
	uint64_t true_positives;
	uint64_t false_positives;
} HmlOperatingPoint;

/* The walk: initialise, then call next until it returns false. */
typedef struct HmlRankingWalk
{
	const HmlRanking *ranking;
	size_t positives_left;
	size_t negatives_left;
	HmlOperatingPoint point;
} HmlRankingWalk;

extern void hml_ranking_walk_init(HmlRankingWalk *walk, const HmlRanking *ranking);
extern bool hml_ranking_walk_next(HmlRankingWalk *walk);

/* A metric of a ranking. */
typedef HmlStatus (*HmlRankingMetric)(HmlContext *ctx, const HmlRanking *ranking, double *out);

/* Probability that a positive scores above a negative, ties counting half (Mann-Whitney). */
extern HmlStatus hml_ranking_roc_auc(HmlContext *ctx, const HmlRanking *ranking, double *out) HML_NODISCARD;

/* Sum over thresholds of (recall step) x precision, without interpolation, as scikit-learn. */
extern HmlStatus hml_ranking_average_precision(HmlContext *ctx, const HmlRanking *ranking,
											   double *out) HML_NODISCARD;

/*
 * The ROC curve from (0,0), whose threshold is infinite, to (1,1).  As
 * scikit-learn does by default, points between two equal steps are left out:
 * they lie on a straight line.  Without both classes n_points is 0.
 */
typedef struct HmlRocCurve
{
	size_t n_points;
	double *false_positive_rate; /* each (n_points), one block */
	double *true_positive_rate;
	double *threshold;
} HmlRocCurve;

extern HmlStatus hml_ranking_roc_curve(HmlContext *ctx, const HmlRanking *ranking,
									   HmlRocCurve *out) HML_NODISCARD;
extern void hml_roc_curve_free(HmlContext *ctx, HmlRocCurve *curve);

#endif /* HML_STATS_RANKING_H */
