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
	uint32_t left; /* slot */
	uint32_t right;
	uint32_t above;  /* branch of the nearest split above with the same feature; 2 * n_splits = none */
	uint32_t absent; /* number of its row of 'absent' while the row went the branches above */
} HmlShapNode;

typedef struct HmlShapTree
{
	uint32_t n_splits; /* leaves are one more */
	uint32_t first_split;
	uint32_t first_leaf;
} HmlShapTree;

/* Rows of 'absent' that every forest has. */
#define HML_SHAP_FIRST 0  /* no split above has the feature */
#define HML_SHAP_ABSENT 1 /* the branch was possible only because the feature is absent */

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

/* From the root to the leaves: with which probability does a random coalition lead where? */
static inline void
hml_shap_go_down(const HmlTreeShap *shap, const HmlShapTree *tree, size_t quad, const float *row,
				 HmlShapScratch *scratch)
{
	const HmlShapNode *nodes = shap->nodes + tree->first_split;
	const HmlShapQuad *absent_rows = shap->absent + quad;
	const HmlShapQuad weight = shap->weights[quad];
	HmlShapQuad *reach = scratch->reach;

	reach[0] = (HmlShapQuad){1, 1, 1, 1};
	scratch->gone[2 * tree->n_splits] = 0;
	for (uint32_t i = 0; i < tree->n_splits; i++)
	{
		const HmlShapNode *node = &nodes[i];
		HmlShapStep *step = &scratch->steps[i];
		uint8_t gone = scratch->gone[node->above];
		uint8_t right = row[node->feature] > node->threshold;
		double other_share = right ? node->left_share : 1 - node->left_share;
		HmlShapQuad absent = absent_rows[shap->n_quads * (gone ? HML_SHAP_ABSENT : node->absent)];
		HmlShapQuad other;

		step->own = right ? node->right : node->left;
		step->other = right ? node->left : node->right;
		step->away = absent * other_share;
		other = step->away * reach[i];
		step->effect = (weight - weight * absent) * other;
		reach[step->other] = other;
		reach[step->own] = reach[i] - other;
		scratch->gone[2 * i] = gone | right;
		scratch->gone[2 * i + 1] = gone | !right;
	}
}

/* From the leaves to the root: the mean of what is behind a node, and what its feature adds to it. */
static inline void
hml_shap_go_up(const HmlTreeShap *shap, const HmlShapTree *tree, HmlShapScratch *scratch)
{
	const HmlShapNode *nodes = shap->nodes + tree->first_split;
	const double *values = shap->values + tree->first_leaf;
	HmlShapQuad *expected = scratch->expected;

	for (uint32_t i = 0; i <= tree->n_splits; i++)
		expected[tree->n_splits + i] = (HmlShapQuad){0} + values[i];
	for (uint32_t i = tree->n_splits; i-- > 0;)
	{
		const HmlShapStep *step = &scratch->steps[i];
		HmlShapQuad own = expected[step->own];
		HmlShapQuad difference = own - expected[step->other];

		expected[i] = own - step->away * difference;
		scratch->sums[nodes[i].feature] += step->effect * difference;
	}
}

#endif /* HML_EXPLAIN_TREESHAP_KERNEL_H */
