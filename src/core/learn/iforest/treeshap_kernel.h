/*
 * treeshap_kernel.h
 *	  Tables and inner loops of treeshap.c, compiled once for each CPU level.
 *
 * Four nodes of the quadrature are worked on at once, and two trees side by
 * side, so that one need not wait for the results of the other.  Where a row
 * goes is as good as random to the processor, so no instruction branches on it.
 * All levels give the same bits.
 */
#ifndef HML_LEARN_IFOREST_TREESHAP_KERNEL_H
#define HML_LEARN_IFOREST_TREESHAP_KERNEL_H

#include "core/learn/iforest/iforest.h"

#define HML_SHAP_QUAD 4
typedef double HmlShapQuad __attribute__((vector_size(HML_SHAP_QUAD * sizeof(double))));

/*
 * The arrays of all pairs, one after the other; what is said of item i of tree
 * h (0 or 1) of a pair is at 2i + h from the pair's first.  The smaller tree is
 * filled up with items that do nothing.
 *
 * A split with two leaves is a cherry, and needs less work; the other splits
 * are ordered by level.  A branch is (2i + h) * 2, plus 1 for the right side, of
 * split i; i = n_splits is a split above the root, whose left branch leads to it.
 * Leaf values are in units of the margin of the forest.
 */
typedef struct HmlShapSplits
{
	float *threshold;
	uint32_t *feature;
	double *left_share; /* cover of the left child / cover of the node */
	uint32_t *parent;   /* branch that leads here */
	uint32_t *above;    /* the lowest branch above by the same feature, else that to the root */
	uint32_t *next;     /* row of 'absent' below the left branch by the same feature; right: the next one */
} HmlShapSplits;

typedef struct HmlShapCherries
{
	float *threshold;
	uint32_t *feature;
	double *left_share;
	double *left; /* values of the leaves */
	double *right;
	uint32_t *parent;
	uint32_t *above;
} HmlShapCherries;

/* The other leaves. */
typedef struct HmlShapLeaves
{
	double *value;
	uint32_t *parent;
} HmlShapLeaves;

typedef struct HmlShapTrees
{
	uint32_t n_splits; /* of each of the two, and so on; cherries are not among them */
	uint32_t n_cherries;
	uint32_t n_leaves;
	uint32_t first_split;
	uint32_t first_cherry;
	uint32_t first_leaf;
} HmlShapTrees;

/* Rows of 'absent' are named by the place of their first number; these two every forest has. */
#define HML_SHAP_ABSENT 0            /* below a branch that the row does not go: the feature is absent */
#define HML_SHAP_FIRST HML_SHAP_QUAD /* no split above has the feature */

typedef struct HmlTreeShap
{
	size_t n_inputs;
	size_t n_quads; /* nodes of the quadrature / 4 */
	size_t stride;  /* most splits of a tree, and the one above its root */
	size_t most_cherries;
	size_t most_leaves;
	double base;
	size_t n_pairs;
	HmlShapTrees *pairs;
	HmlShapSplits splits;
	HmlShapCherries cherries;
	HmlShapLeaves leaves;
	size_t n_absent;
	HmlShapQuad *absent;  /* (n_quads, n_absent) probability that the feature is absent */
	HmlShapQuad *weights; /* (n_quads) w / (t (1 - t)) */
} HmlTreeShap;

/*
 * What is known of a pair of trees while it is explained.  Places number the
 * branches of a pair again for each row: 2i + h for the branch that the row takes
 * at split i of tree h, and 2 * stride more for the other one.
 */
typedef struct HmlShapScratch
{
	uint32_t *right;     /* (splits) 1 where the row goes right */
	uint32_t *parent;    /* (splits) 4 * place: where it is in 'passed', in doubles */
	uint32_t *above;     /* (splits) place */
	uint32_t *own_next;  /* (splits) row of 'absent' below the own branch, unless it is HML_SHAP_ABSENT */
	double *other_share; /* (splits) of the cover */
	HmlShapQuad *away;   /* (splits) probability of the other branch */
	HmlShapQuad *effect; /* (splits) what a difference that is away counts for the feature */

	uint32_t *cherry_parent; /* (cherries) likewise */
	uint32_t *cherry_above;
	double *cherry_value;      /* (cherries) of the leaf that the row comes to */
	double *cherry_difference; /* (cherries) from the other one, times the other share */
	uint32_t *leaf_parent;     /* (leaves) likewise */

	uint32_t *absent;    /* (places) row of 'absent' for the next split with the same feature */
	HmlShapQuad *passed; /* (places) probability on the way down, mean value of the leaves on the way up */
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

/* The next part of a block of memory, at *offset, which moves past it; parts are aligned.  NULL without one. */
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
	const uint32_t *next = shap->splits.next + pair->first_split;
	const double *left_share = shap->splits.left_share + pair->first_split;
	uint32_t *restrict right = scratch->right;
	uint32_t *restrict own_next = scratch->own_next;
	double *restrict other_share = scratch->other_share;

	for (size_t i = 0; i < n; i++)
		right[i] = row[feature[i]] > threshold[i];
	right[n] = right[n + 1] = 0;
	for (size_t i = 0; i < n; i++)
		own_next[i] = next[i] + HML_SHAP_QUAD * right[i];
	for (size_t i = 0; i < n; i++)
		other_share[i] = right[i] ? left_share[i] : 1 - left_share[i];
}

static inline void
hml_shap_look_at_cherries(const HmlTreeShap *shap, const HmlShapTrees *pair, const float *row,
						  const HmlShapScratch *scratch)
{
	const size_t n = 2 * (size_t) pair->n_cherries;
	const size_t first = pair->first_cherry;
	const HmlShapCherries *cherries = &shap->cherries;

	for (size_t i = 0; i < n; i++)
	{
		bool right = row[cherries->feature[first + i]] > cherries->threshold[first + i];
		double left_share = cherries->left_share[first + i];
		double left = cherries->left[first + i];
		double other = cherries->right[first + i];

		scratch->cherry_value[i] = right ? other : left;
		scratch->cherry_difference[i] =
			right ? (other - left) * left_share : (left - other) * (1 - left_share);
	}
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
		effect[i] = (weight - weight * absent) * reach;
		other = away[i] * reach;
		passed[i + others] = other;
		passed[i] = reach - other;
	}
}

/* The way down and up again of the cherries. */
static inline void
hml_shap_pick_cherries(const HmlTreeShap *shap, const HmlShapTrees *pair, size_t quad,
					   const HmlShapScratch *scratch)
{
	const size_t n = 2 * (size_t) pair->n_cherries;
	const double *rows = (const double *) (shap->absent + quad * shap->n_absent);
	const HmlShapQuad weight = shap->weights[quad];
	const uint32_t *feature = shap->cherries.feature + pair->first_cherry;
	const uint32_t *parent = scratch->cherry_parent;
	const uint32_t *above = scratch->cherry_above;
	const double *value = scratch->cherry_value;
	const double *difference = scratch->cherry_difference;
	double *restrict passed = (double *) scratch->passed;
	HmlShapQuad *restrict sums = scratch->sums;

	for (size_t i = 0; i < n; i++)
	{
		HmlShapQuad absent = *(const HmlShapQuad *) (rows + scratch->absent[above[i]]);
		HmlShapQuad *here = (HmlShapQuad *) (passed + parent[i]);
		HmlShapQuad change = absent * difference[i];

		sums[feature[i]] += (weight - weight * absent) * *here * change;
		*here = value[i] - change;
	}
}

static inline void
hml_shap_place_leaves(const HmlTreeShap *shap, const HmlShapTrees *pair, const HmlShapScratch *scratch)
{
	const size_t n = 2 * (size_t) pair->n_leaves;
	const double *values = shap->leaves.value + pair->first_leaf;
	const uint32_t *parent = scratch->leaf_parent;
	double *restrict passed = (double *) scratch->passed;

	for (size_t i = 0; i < n; i++)
		*(HmlShapQuad *) (passed + parent[i]) = (HmlShapQuad){0} + values[i];
}

/* From the leaves to the root: the mean of what is below a branch, and what its feature adds to it. */
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
		HmlShapQuad change = away[i] * (own - passed[i + others]);

		*(HmlShapQuad *) ((double *) passed + parent[i]) = own - change;
		sums[feature[i]] += effect[i] * change;
	}
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
	const size_t n_cherries = 2 * (size_t) pair->n_cherries;
	const uint32_t *right = scratch->right;

	hml_shap_find_way(shap, pair, row, scratch);
	hml_shap_look_at_cherries(shap, pair, row, scratch);
	hml_shap_places(shap->splits.parent + pair->first_split, n, shap->stride, right, HML_SHAP_QUAD,
					scratch->parent);
	hml_shap_places(shap->splits.above + pair->first_split, n, shap->stride, right, 1, scratch->above);
	hml_shap_places(shap->cherries.parent + pair->first_cherry, n_cherries, shap->stride, right,
					HML_SHAP_QUAD, scratch->cherry_parent);
	hml_shap_places(shap->cherries.above + pair->first_cherry, n_cherries, shap->stride, right, 1,
					scratch->cherry_above);
	hml_shap_places(shap->leaves.parent + pair->first_leaf, 2 * (size_t) pair->n_leaves, shap->stride, right,
					HML_SHAP_QUAD, scratch->leaf_parent);
}

static inline void
hml_shap_explain_prepared(const HmlTreeShap *shap, const HmlShapTrees *pair, const HmlShapScratch *scratch)
{
	const size_t n = 2 * (size_t) pair->n_splits;

	for (size_t quad = 0; quad < shap->n_quads; quad++)
	{
		hml_shap_begin(n, scratch);
		hml_shap_go_down(shap, n, quad, scratch);
		hml_shap_pick_cherries(shap, pair, quad, scratch);
		hml_shap_place_leaves(shap, pair, scratch);
		hml_shap_go_up(shap, pair, n, scratch);
	}
}

#endif /* HML_LEARN_IFOREST_TREESHAP_KERNEL_H */
