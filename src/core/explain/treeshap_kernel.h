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
 * A split; those of a tree are ordered by level.  A branch is twice the number of
 * its split in the tree, plus 1 for the right side; 2 * n_splits is what leads
 * to the root.
 */
typedef struct HmlShapNode
{
	double left_share; /* cover of the left child / cover of the node */
	float threshold;
	uint32_t feature;
	uint32_t parent; /* branch that leads here */
	uint32_t above;  /* the lowest branch above of a split with the same feature; 2 * n_splits = none */
	uint32_t
		absent_next; /* row of 'absent' for splits with the same feature below left; right: the next row */
} HmlShapNode;

typedef struct HmlShapTree
{
	uint32_t n_splits; /* leaves are one more */
	uint32_t first_split;
	uint32_t first_leaf;
} HmlShapTree;

/* Rows of 'absent' that every forest has. */
#define HML_SHAP_ABSENT 0 /* below a branch that the row does not go: the feature is absent */
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
	double *values;     /* of the leaves, in units of the margin of the forest */
	uint32_t *branches; /* that lead to the leaves */
	size_t n_absent;
	HmlShapQuad *absent;  /* (n_quads, n_absent) probability that the feature is absent */
	HmlShapQuad *weights; /* (n_quads) w / (t (1 - t)) */
} HmlTreeShap;

/* What is remembered of a split between the way down and the way up. */
typedef struct HmlShapStep
{
	HmlShapQuad away;   /* probability of the branch that the row does not go */
	HmlShapQuad effect; /* of a difference between the branches on the feature's value */
} HmlShapStep;

typedef struct HmlShapScratch
{
	HmlShapQuad *reach;    /* (branches) probability of getting there */
	HmlShapQuad *expected; /* (branches) mean value of the leaves behind it */
	HmlShapStep *steps;    /* (splits) */
	uint32_t *absent;      /* (branches) row of 'absent' for the next split with the same feature */
	uint8_t *right;        /* (splits) the row goes right */
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
	static const double one_if_left[2] = {1, 0};
	const HmlShapNode *nodes = shap->nodes + tree->first_split;
	const HmlShapQuad *absent_rows = shap->absent + quad * shap->n_absent;
	const HmlShapQuad weight = shap->weights[quad];
	const size_t n_splits = tree->n_splits;
	HmlShapQuad *restrict reach = scratch->reach;
	HmlShapStep *restrict steps = scratch->steps;
	uint32_t *restrict absent_next = scratch->absent;
	uint8_t *restrict rights = scratch->right;

	reach[2 * n_splits] = (HmlShapQuad){1, 1, 1, 1};
	absent_next[2 * n_splits] = HML_SHAP_FIRST;
	for (size_t i = 0; i < n_splits; i++)
	{
		const HmlShapNode *node = &nodes[i];
		uint32_t right = row[node->feature] > node->threshold;
		uint32_t absent_row = absent_next[node->above];
		uint32_t present = absent_row == HML_SHAP_ABSENT ? 0 : UINT32_MAX;
		double other_share = __builtin_fabs(node->left_share - one_if_left[right]);
		HmlShapQuad absent = absent_rows[absent_row];
		HmlShapQuad here = reach[node->parent];
		HmlShapQuad away = absent * other_share;
		HmlShapQuad other = away * here;

		rights[i] = (uint8_t) right;
		steps[i].away = away;
		steps[i].effect = (weight - weight * absent) * other;
		reach[2 * i + 1 - right] = other;
		reach[2 * i + right] = here - other;
		absent_next[2 * i + 1 - right] = HML_SHAP_ABSENT;
		absent_next[2 * i + right] = (node->absent_next + right) & present;
	}
}

/* From the leaves to the root: the mean of what is behind a branch, and what its feature adds to it. */
static inline void
hml_shap_go_up(const HmlTreeShap *shap, const HmlShapTree *tree, const HmlShapScratch *scratch)
{
	const HmlShapNode *nodes = shap->nodes + tree->first_split;
	const HmlShapStep *steps = scratch->steps;
	const double *values = shap->values + tree->first_leaf;
	const uint32_t *branches = shap->branches + tree->first_leaf;
	const uint8_t *rights = scratch->right;
	HmlShapQuad *restrict expected = scratch->expected;
	HmlShapQuad *restrict sums = scratch->sums;

	for (size_t i = 0; i <= tree->n_splits; i++)
		expected[branches[i]] = (HmlShapQuad){0} + values[i];
	for (size_t i = tree->n_splits; i-- > 0;)
	{
		size_t right = rights[i];
		HmlShapQuad own = expected[2 * i + right];
		HmlShapQuad difference = own - expected[2 * i + 1 - right];

		expected[nodes[i].parent] = own - steps[i].away * difference;
		sums[nodes[i].feature] += steps[i].effect * difference;
	}
}

#endif /* HML_EXPLAIN_TREESHAP_KERNEL_H */
