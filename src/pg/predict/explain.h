/*
 * explain.h
 *	  Reasons of a score: for SQL functions, triggers and batches.
 *
 * After healthml_scorer_read():
 *
 *		healthml_explain(scorer, &explanation);
 *		order = healthml_rank_reasons(&explanation, n_features);
 */
#ifndef HEALTHML_EXPLAIN_H
#define HEALTHML_EXPLAIN_H

#include "pg/server/compat.h"

#include "pg/predict/score.h"

/* Of the scorer's present row; contributions is (n_features), in the current memory context. */
extern void healthml_explain(HealthmlScorer *scorer, HmlExplanation *out);

/* Numbers of the features, the strongest contribution first; in the current memory context. */
extern int *healthml_rank_reasons(const double *contributions, size_t n_features);

/* Name of a feature of the scorer's model, in the encoding of the database. */
extern const char *healthml_feature_name(const HealthmlScorer *scorer, int feature);

#endif /* HEALTHML_EXPLAIN_H */
