/*
 * threshold.h
 *	  A decision threshold that few validation rows cannot lead astray.
 */
#ifndef HML_STATS_THRESHOLD_H
#define HML_STATS_THRESHOLD_H

#include "core/stats/ranking.h"

typedef enum HmlThresholdCriterion
{
	HML_THRESHOLD_YOUDEN, /* true positive rate - false positive rate */
	HML_THRESHOLD_F1
} HmlThresholdCriterion;

/*
 * "Positive when the probability is above *threshold": of all thresholds whose
 * criterion is within one standard error of the greatest, the one nearest to 0.5
 * (the rule of L. Breiman et al., Classification and regression trees, 1984,
 * with 0.5 as the simplest choice).  With many rows this is the greatest itself;
 * with few, chance decides between thresholds and 0.5 is as good as any.  0.5
 * where a class is missing.
 */
extern HmlStatus hml_robust_threshold(HmlContext *ctx, const HmlRanking *ranking,
									  HmlThresholdCriterion criterion, double *threshold) HML_NODISCARD;

/*
 * "Positive when the score is above it": the highest threshold that finds this share of
 * the positives, and the lowest that leaves this share of the negatives alone, half way to
 * the next score.  The ranking has rows of the class; share is above 0 and up to 1.
 */
extern double hml_threshold_of_sensitivity(const HmlRanking *ranking, double share);
extern double hml_threshold_of_specificity(const HmlRanking *ranking, double share);

#endif /* HML_STATS_THRESHOLD_H */
