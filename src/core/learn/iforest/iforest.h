/*
 * iforest.h
 *	  Isolation forest: anomaly detection by random splits.
 *
 * F. T. Liu, K. M. Ting, Z.-H. Zhou: Isolation Forest, ICDM 2008,
 * https://doi.org/10.1109/ICDM.2008.17.  A tree splits a small sample of the
 * training rows at random until every row is alone or the depth limit is
 * reached; rows that are alone early are unusual.  With h the depth of the
 * leaf of a row, plus c(n) for a leaf that still holds n rows, the
 *
 *	  margin is -E[h] / c(max_samples),  and the score is 2^margin.
 *
 * Parameters and numbers are those of scikit-learn's IsolationForest.  Inputs
 * are compared as float32.  scikit-learn's thresholds are float64: a threshold
 * is kept as the largest float32 that is not above it, which separates the same
 * float32 inputs.  Scores are the same to the bit on every CPU level.
 *
 * A forest lies in the arena of its model.  It does not change after it was
 * made, but for its explainer (explain/treeshap.h), which the first explanation
 * adds to the same arena.
 */
#ifndef HML_LEARN_IFOREST_IFOREST_H
#define HML_LEARN_IFOREST_IFOREST_H

#include "core/model/model.h"

#define HML_IFOREST_MAX_TREES 10000
#define HML_IFOREST_MAX_NODES (1u << 28) /* of all trees together */
#define HML_IFOREST_MAX_DEPTH 64
#define HML_IFOREST_MAX_INPUTS 65535
#define HML_IFOREST_LEAF UINT16_MAX /* in HmlForest.feature */

/*
 * The trees one after the other, each in preorder: a node, its left subtree,
 * its right subtree.  That order and the place of the leaves say all about the
 * shape, so that there are no child numbers that could be wrong.  A row goes
 * left where its input is not above the threshold.
 */
typedef struct HmlForest
{
	size_t n_inputs;
	size_t n_trees;
	size_t n_nodes;
	size_t n_leaves;                /* (n_nodes + n_trees) / 2 */
	uint32_t max_samples;           /* rows that a tree was grown on, as scikit-learn's max_samples_ */
	unsigned depth;                 /* of the deepest leaf; a lone root has 0 */
	uint32_t *first_node;           /* (n_trees + 1) where the trees begin, and n_nodes */
	uint16_t *feature;              /* (n_nodes) input that is compared, or HML_IFOREST_LEAF */
	float *threshold;               /* (n_nodes - n_leaves) of the inner nodes, in order */
	uint32_t *n_samples;            /* (n_leaves) distinct training rows of the leaves, in order */
	double *cover;                  /* (n_leaves) the same, each as often as it was drawn; NULL = n_samples */
	struct HmlForestLayout *layout; /* for scoring: iforest_layout.h */
	struct HmlTreeShap *explainer;  /* NULL until the first explanation */
} HmlForest;

/* Splits and leaves of trees 0 .. tree - 1. */
static inline size_t
hml_iforest_splits_before(const HmlForest *forest, size_t tree)
{
	return (forest->first_node[tree] - tree) / 2;
}

static inline size_t
hml_iforest_leaves_before(const HmlForest *forest, size_t tree)
{
	return (forest->first_node[tree] + tree) / 2;
}

extern const HmlAlgorithm hml_isolation_forest;

/*
 * A model from trees that were grown elsewhere, as the JSON document that
 * docs/how-to-import-a-forest.md describes (format "healthml-iforest/1").  Nothing in
 * it is believed.  There are no training scores, so that percentiles are NaN;
 * a row is an anomaly when its score is above -offset.
 */
extern HmlStatus hml_iforest_import(HmlContext *ctx, const HmlJson *document, HmlModel **out) HML_NODISCARD;

/* c(n): mean depth of an unsuccessful search in a binary search tree of n keys. */
extern double hml_iforest_average_path(double n);

/* c(max_samples), and 1 where that is 0: what the mean depth is divided by. */
extern double hml_iforest_normalizer(const HmlForest *forest);

/*
 * The value of a leaf: its depth + c(n_samples).  Where c(max_samples) is 0, no
 * row can be distinguished from another, and every leaf has 1.
 */
extern double hml_iforest_leaf_path(const HmlForest *forest, unsigned depth, uint32_t n_samples);

/* What a forest compares: float32, and the largest one for what is beyond. */
extern void hml_iforest_cast(const double *inputs, size_t n, float *out);

#endif /* HML_LEARN_IFOREST_IFOREST_H */
