/*
 * treeshap_kernel.h
 *	  Tables and inner loops of treeshap.c, compiled once for each CPU level.
 *
 * Four nodes of the quadrature are worked on at once, and two trees side by
 * side, so that one need not wait for the results of the other.  Where a row
 * goes is as good as random to the processor, so no instruction branches on it.
 * All levels give the same bits.
 */
#ifndef HML_EXPLAIN_TREESHAP_KERNEL_H
#define HML_EXPLAIN_TREESHAP_KERNEL_H

#include "core/tabular/iforest.h"

#define HML_SHAP_QUAD 4
typedef double HmlShapQuad __attribute__((vector_size(HML_SHAP_QUAD * sizeof(double))));

/*
 * The arrays of all pairs, one after the other; what is said of split i of tree
 * h (0 or 1) of a pair is at 2i + h from the pair's first.  Splits are ordered
 * by level.  The smaller tree is filled up with splits that do nothing.
 *
 * A branch is (2i + h) * 2, plus 1 for the right side; i = n_splits is a split
 * above the root, whose left branch leads to it.
 */
typedef struct HmlShapSplits
{
	double *left_share; /* cover of the left child / cover of the node */
	float *threshold;
	uint32_t *feature;
	uint32_t *parent; /* branch that leads here */
	uint32_t *above;  /* the lowest branch above of a split with the same feature, else that to the root */
	uint32_t
		*absent_next; /* row of 'absent' for splits with the same feature below left; right: the next one */
} HmlShapSplits;

typedef struct HmlShapLeaves
{
	double *value; /* in units of the margin of the forest */
	uint32_t *branch;
} HmlShapLeaves;

typedef struct HmlShapTrees
{
	uint32_t n_splits; /* of each of the two; leaves are one more */
	uint32_t first_split;
	uint32_t first_leaf;
} HmlShapTrees;

/* Rows of 'absent' are named by the place of their first number; these two every forest has. */
#define HML_SHAP_ABSENT 0            /* below a branch that the row does not go: the feature is absent */
#define HML_SHAP_FIRST HML_SHAP_QUAD /* no split above has the feature */

typedef struct HmlTreeShap
{
	size_t n_inputs;
	size_t n_quads; /* nodes of the quadrature / 4 */
	size_t stride;  /* splits of the largest tree, and the one above its root */
	double base;
	size_t n_pairs;
	HmlShapTrees *pairs;
	HmlShapSplits splits;
	HmlShapLeaves leaves;
	size_t n_absent;
	HmlShapQuad *absent;  /* (n_quads, n_absent) probability that the feature is absent */
	HmlShapQuad *weights; /* (n_quads) w / (t (1 - t)) */
} HmlTreeShap;

/*
 * What is known of a pair of trees while it is explained.  Places number the
 * branches of a pair anew for each row: 2i + h for the branch that the row takes
 * at split i of tree h, and 2 * stride more for the other one.
 */
typedef struct HmlShapScratch
{
	uint32_t *right;     /* (splits) 1 where the row goes right */
	uint32_t *parent;    /* (splits) 4 * place: where it is in 'passed', in doubles */
	uint32_t *above;     /* (splits) place */
	uint32_t *leaf;      /* (leaves) as parent */
	uint32_t *own_next;  /* (splits) row of 'absent' below the own branch, unless it is HML_SHAP_ABSENT */
	double *other_share; /* (splits) of the cover */
	uint32_t *absent;    /* (places) row of 'absent' for the next split with the same feature */
	HmlShapQuad *passed; /* (places) probability on the way down, mean value of the leaves on the way up */
	HmlShapQuad *away;   /* (splits) probability of the other branch */
	HmlShapQuad *effect; /* (splits) of a difference between the branches on the feature's value */
	HmlShapQuad *sums;   /* (n_inputs) contributions by node of the quadrature */
} HmlShapScratch;

/* Add two trees to scratch->sums. */
typedef void (*HmlShapKernel)(const HmlTreeShap *shap, const HmlShapTrees *pair, const float *row,
							  const HmlShapScratch *scratch);

extern void hml_treeshap_pair(const HmlTreeShap *shap, const HmlShapTrees *pair, const float *row,
							  const HmlShapScratch *scratch);
extern void hml_treeshap_pair_v3(const HmlTreeShap *shap, const HmlShapTrees *pair, const float *row,
								 const HmlShapScratch *scratch);
extern void hml_treeshap_pair_v4(const HmlTreeShap *shap, const HmlShapTrees *pair, const float *row,
								 const HmlShapScratch *scratch);

/* The next part of a block of memory, at *offset, which moves behind it; parts are aligned.  NULL without one. */
static inline void *
hml_shap_part(char *memory, size_t *offset, size_t count, size_t size)
{
	size_t start = *offset;

	*offset += (count * size + HML_ALIGNMENT - 1) / HML_ALIGNMENT * HML_ALIGNMENT;
	return memory == NULL ? NULL : memory + start;
}

/* Which way does the row go, and what follows from that alone? */
static inline void
hml_shap_find_way(const HmlTreeShap *shap, const HmlShapTrees *pair, const float *row,
				  const HmlShapScratch *scratch)
{
	const size_t n = 2 * (size_t) pair->n_splits;
	const float *threshold = shap->splits.threshold + pair->first_split;
	const uint32_t *feature = shap->splits.feature + pair->first_split;
	const uint32_t *absent_next = shap->splits.absent_next + pair->first_split;
	const double *left_share = shap->splits.left_share + pair->first_split;
	uint32_t *restrict right = scratch->right;
	uint32_t *restrict own_next = scratch->own_next;
	double *restrict other_share = scratch->other_share;

	for (size_t i = 0; i < n; i++)
		right[i] = row[feature[i]] > threshold[i];
	right[n] = right[n + 1] = 0;
	for (size_t i = 0; i < n; i++)
		own_next[i] = absent_next[i] + HML_SHAP_QUAD * right[i];
	for (size_t i = 0; i < n; i++)
		other_share[i] = right[i] ? left_share[i] : 1 - left_share[i];
}

/* Where are these branches for this row?  Their places, times 'scale'. */
static inline void
hml_shap_places(const uint32_t *branches, size_t n, size_t stride, const uint32_t *right, uint32_t scale,
				uint32_t *restrict out)
{
	for (size_t i = 0; i < n; i++)
	{
		uint32_t split = branches[i] / 2;
		uint32_t is_other = (branches[i] ^ right[split]) & 1;

		out[i] = scale * (split + (is_other ? 2 * (uint32_t) stride : 0));
	}
}

/* From the root to the leaves: with which probability does a random coalition lead where? */
static inline void
hml_shap_go_down(const HmlTreeShap *shap, size_t n, size_t quad, const HmlShapScratch *scratch)
{
	const double *rows = (const double *) (shap->absent + quad * shap->n_absent);
	const HmlShapQuad weight = shap->weights[quad];
	const size_t others = 2 * shap->stride;
	const uint32_t *parent = scratch->parent;
	const uint32_t *above = scratch->above;
	const uint32_t *own_next = scratch->own_next;
	const double *other_share = scratch->other_share;
	uint32_t *restrict absent_next = scratch->absent;
	HmlShapQuad *restrict passed = scratch->passed;
	HmlShapQuad *restrict away = scratch->away;
	HmlShapQuad *restrict effect = scratch->effect;

	for (size_t i = 0; i < n; i++)
	{
		uint32_t row = absent_next[above[i]];
		HmlShapQuad absent = *(const HmlShapQuad *) (rows + row);
		HmlShapQuad reach = *(const HmlShapQuad *) ((const double *) passed + parent[i]);
		HmlShapQuad other;

		absent_next[i] = own_next[i] & (row == HML_SHAP_ABSENT ? 0 : UINT32_MAX);
		away[i] = absent * other_share[i];
		other = away[i] * reach;
		effect[i] = (weight - weight * absent) * other;
		passed[i + others] = other;
		passed[i] = reach - other;
	}
}

/* From the leaves to the root: the mean of what is behind a branch, and what its feature adds to it. */
static inline void
hml_shap_go_up(const HmlTreeShap *shap, const HmlShapTrees *pair, size_t n, const HmlShapScratch *scratch)
{
	const uint32_t *feature = shap->splits.feature + pair->first_split;
	const size_t others = 2 * shap->stride;
	const uint32_t *parent = scratch->parent;
	const HmlShapQuad *away = scratch->away;
	const HmlShapQuad *effect = scratch->effect;
	HmlShapQuad *restrict passed = scratch->passed;
	HmlShapQuad *restrict sums = scratch->sums;

	for (size_t i = n; i-- > 0;)
	{
		HmlShapQuad own = passed[i];
		HmlShapQuad difference = own - passed[i + others];

		*(HmlShapQuad *) ((double *) passed + parent[i]) = own - away[i] * difference;
		sums[feature[i]] += effect[i] * difference;
	}
}

static inline void
hml_shap_place_leaves(const HmlTreeShap *shap, const HmlShapTrees *pair, size_t n,
					  const HmlShapScratch *scratch)
{
	const double *values = shap->leaves.value + pair->first_leaf;
	const uint32_t *leaf = scratch->leaf;
	double *restrict passed = (double *) scratch->passed;

	for (size_t i = 0; i < n + 2; i++)
		*(HmlShapQuad *) (passed + leaf[i]) = (HmlShapQuad){0} + values[i];
}

/* The branches that lead to the roots. */
static inline void
hml_shap_begin(size_t n, const HmlShapScratch *scratch)
{
	for (size_t tree = 0; tree < 2; tree++)
	{
		scratch->passed[n + tree] = (HmlShapQuad){1, 1, 1, 1};
		scratch->absent[n + tree] = HML_SHAP_FIRST;
	}
}

static inline void
hml_shap_prepare_pair(const HmlTreeShap *shap, const HmlShapTrees *pair, const float *row,
					  const HmlShapScratch *scratch)
{
	const size_t n = 2 * (size_t) pair->n_splits;

	hml_shap_find_way(shap, pair, row, scratch);
	hml_shap_places(shap->splits.parent + pair->first_split, n, shap->stride, scratch->right, HML_SHAP_QUAD,
					scratch->parent);
	hml_shap_places(shap->splits.above + pair->first_split, n, shap->stride, scratch->right, 1,
					scratch->above);
	hml_shap_places(shap->leaves.branch + pair->first_leaf, n + 2, shap->stride, scratch->right,
					HML_SHAP_QUAD, scratch->leaf);
}

static inline void
hml_shap_explain_prepared(const HmlTreeShap *shap, const HmlShapTrees *pair, const HmlShapScratch *scratch)
{
	const size_t n = 2 * (size_t) pair->n_splits;

	for (size_t quad = 0; quad < shap->n_quads; quad++)
	{
		hml_shap_begin(n, scratch);
		hml_shap_go_down(shap, n, quad, scratch);
		hml_shap_place_leaves(shap, pair, n, scratch);
		hml_shap_go_up(shap, pair, n, scratch);
	}
}

#endif /* HML_EXPLAIN_TREESHAP_KERNEL_H */
