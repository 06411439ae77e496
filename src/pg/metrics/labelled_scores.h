/*
 * labelled_scores.h
 *	  The state of the aggregates that rank: scores of positives and negatives.
 */
#ifndef HEALTHML_LABELLED_SCORES_H
#define HEALTHML_LABELLED_SCORES_H

#include "pg/server/compat.h"

#include "fmgr.h"

#include "core/stats/ranking.h"

/*
 * The sorted ranking of argument 0, a labelled_scores that is not NULL.  It
 * lives as long as the argument and must not be freed.  'ctx' lends the memory
 * to sort with.
 */
extern HmlRanking healthml_sorted_ranking(FunctionCallInfo fcinfo, HmlContext *ctx);

#endif /* HEALTHML_LABELLED_SCORES_H */
