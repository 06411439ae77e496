/*
 * treeshap_kernel.h
 *	  Tables and inner loop of treeshap.c, compiled once for each CPU level.
 *
 * Four nodes of the quadrature are one vector of four doubles, which compilers
 * map to what the CPU level has.  All levels give the same bits.
 */
#ifndef HML_EXPLAIN_TREESHAP_KERNEL_H
#define HML_EXPLAIN_TREESHAP_KERNEL_H

#include "core/tabular/iforest.h"

#define HML_SHAP_QUAD 4
typedef double HmlShapQuad __attribute__((vector_size(HML_SHAP_QUAD * sizeof(double))));

/*
 * A split.  Slots number the nodes of a tree: splits in preorder, then leaves.
 * A branch is twice the slot of a split, plus 1 for the right side.
 */
typedef struct HmlShapNode
{
	double left_share; /* cover of the left child / cover of the node */
	float threshold;
	uint32_t feature;
	uint32_t child[2]; /* slots of left and right */
	uint32_t above;    /* branch of the nearest split above with the same feature; 2 * n_splits = none */
	uint32_t absent;   /* number of its row of 'absent' while the row went the branches above */
} HmlShapNode;

typedef struct HmlShapTree
{
	uint32_t n_splits; /* leaves are one more */
	uint32_t first_split;
	uint32_t first_leaf;
} HmlShapTree;

/* Rows of 'absent' that every forest has. */
#define HML_SHAP_ABSENT 0 /* the branch was possible only because the feature is absent */
#define HML_SHAP_FIRST 1  /* no split above has the feature */

typedef struct HmlTreeShap
{
	size_t n_inputs;
	size_t n_trees;
	size_t n_quads;     /* quadrature nodes / 4 */
	size_t most_splits; /* of one tree */
	double base;
	HmlShapTree *trees;
	HmlShapNode *nodes;
	double *values; /* of the leaves, in units of the margin of the forest */
	size_t n_absent;
	HmlShapQuad *absent;  /* (n_absent, n_quads) probability that the feature is absent */
	HmlShapQuad *weights; /* (n_quads) w / (t (1 - t)) */
} HmlTreeShap;

/* What is remembered of a split between the way down and the way up. */
typedef struct HmlShapStep
{
	HmlShapQuad away;   /* probability of the branch that the row does not go */
	HmlShapQuad effect; /* of a difference between the branches on the feature's value */
	uint32_t own;       /* slot of the branch that the row goes */
	uint32_t other;
} HmlShapStep;

typedef struct HmlShapScratch
{
	HmlShapQuad *reach;    /* (slots) probability of getting there */
	HmlShapQuad *expected; /* (slots) mean value of the leaves behind it */
	HmlShapStep *steps;    /* (splits) */
	uint8_t *gone;         /* (branches + 1) possible only because the feature is absent */
	HmlShapQuad *sums;     /* (n_inputs) contributions by quadrature node */
} HmlShapScratch;

/* Add one tree at four quadrature nodes to scratch->sums. */
typedef void (*HmlShapKernel)(const HmlTreeShap *shap, const HmlShapTree *tree, size_t quad, const float *row,
							  HmlShapScratch *scratch);

extern void hml_treeshap_tree(const HmlTreeShap *shap, const HmlShapTree *tree, size_t quad, const float *row,
							  HmlShapScratch *scratch);
extern void hml_treeshap_tree_v3(const HmlTreeShap *shap, const HmlShapTree *tree, size_t quad,
								 const float *row, HmlShapScratch *scratch);

/*
 * From the root to the leaves: with which probability does a random coalition
 * lead where?  The row's way is as good as random to the processor, so nothing
 * here branches on it.
 */
static inline void
hml_shap_go_down(const HmlTreeShap *shap, const HmlShapTree *tree, size_t quad, const float *row,
				 const HmlShapScratch *scratch)
{
	static const double other_offset[2] = {1, 0}; /* share of the other branch: 1 - left, or left */
	static const double other_sign[2] = {-1, 1};
	const HmlShapNode *nodes = shap->nodes + tree->first_split;
	const HmlShapQuad *absent_rows = shap->absent + quad;
	const HmlShapQuad weight = shap->weights[quad];
	const size_t n_quads = shap->n_quads;
	const size_t n_splits = tree->n_splits;
	HmlShapQuad *restrict reach = scratch->reach;
	HmlShapStep *restrict steps = scratch->steps;
	uint8_t *restrict gone = scratch->gone;

	reach[0] = (HmlShapQuad){1, 1, 1, 1};
	gone[2 * n_splits] = 0;
	for (size_t i = 0; i < n_splits; i++)
	{
		const HmlShapNode *node = &nodes[i];
		HmlShapStep *step = &steps[i];
		size_t gone_above = gone[node->above];
		size_t right = row[node->feature] > node->threshold;
		double other_share = other_offset[right] + other_sign[right] * node->left_share;
		/* Row HML_SHAP_ABSENT where the branch is gone. */
		HmlShapQuad absent = absent_rows[n_quads * (node->absent & (gone_above - 1))];
		HmlShapQuad other;

		step->own = node->child[right];
		step->other = node->child[1 - right];
		step->away = absent * other_share;
		other = step->away * reach[i];
		step->effect = (weight - weight * absent) * other;
		reach[step->other] = other;
		reach[step->own] = reach[i] - other;
		gone[2 * i] = (uint8_t) (gone_above | right);
		gone[2 * i + 1] = (uint8_t) (gone_above | (1 - right));
	}
}

/* From the leaves to the root: the mean of what is behind a node, and what its feature adds to it. */
static inline void
hml_shap_go_up(const HmlTreeShap *shap, const HmlShapTree *tree, const HmlShapScratch *scratch)
{
	const HmlShapNode *nodes = shap->nodes + tree->first_split;
	const HmlShapStep *steps = scratch->steps;
	const double *values = shap->values + tree->first_leaf;
	const size_t n_splits = tree->n_splits;
	HmlShapQuad *restrict expected = scratch->expected;
	HmlShapQuad *restrict sums = scratch->sums;

	for (size_t i = 0; i <= n_splits; i++)
		expected[n_splits + i] = (HmlShapQuad){0} + values[i];
	for (size_t i = n_splits; i-- > 0;)
	{
		const HmlShapStep *step = &steps[i];
		HmlShapQuad own = expected[step->own];
		HmlShapQuad difference = own - expected[step->other];

		expected[i] = own - step->away * difference;
		sums[nodes[i].feature] += step->effect * difference;
	}
}

#endif /* HML_EXPLAIN_TREESHAP_KERNEL_H */
