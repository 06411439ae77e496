/*
 * treeshap.h
 *	  Exact Shapley values of the margin of an isolation forest.
 *
 * The game is that of path-dependent TreeSHAP (S. Lundberg et al.: From local
 * explanations to global understanding with explainable AI for trees, Nature
 * Machine Intelligence 2, 2020): in a coalition S a row goes its way at nodes
 * that compare an input of S, and both ways in proportion to their covers at
 * the others.  The algorithm is described in treeshap.c.
 *
 * The tables are made once, in the arena of the model, when the first
 * explanation asks for them: about 30 bytes for each node.  That is the only
 * change that a model ever sees; who shares one between threads must make it
 * first.
 */
#ifndef HML_LEARN_IFOREST_TREESHAP_H
#define HML_LEARN_IFOREST_TREESHAP_H

#include "core/learn/iforest/iforest.h"

/* Make forest->explainer where there is none.  A failure does no harm, and attempts can be repeated. */
extern HmlStatus hml_treeshap_prepare(HmlContext *ctx, HmlArena *arena, HmlForest *forest) HML_NODISCARD;

/*
 * row is (n_inputs), as hml_iforest_cast() makes it; contributions is
 * (n_inputs) and is overwritten.  *base + sum of contributions = margin of the
 * row.  The forest must be prepared.
 */
extern HmlStatus hml_treeshap_explain(const HmlForest *forest, HmlContext *ctx, const float *row,
									  double *base, double *contributions) HML_NODISCARD;

#endif /* HML_LEARN_IFOREST_TREESHAP_H */
