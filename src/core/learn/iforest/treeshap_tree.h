/*
 * treeshap_tree.h
 *	  A tree taken apart, on its way into the tables of an explainer; private to
 *	  treeshap_tables.c and treeshap_tree.c.
 */
#ifndef HML_LEARN_IFOREST_TREESHAP_TREE_H
#define HML_LEARN_IFOREST_TREESHAP_TREE_H

#include "core/learn/iforest/treeshap.h"
#include "core/learn/iforest/treeshap_kernel.h"

/* Rows of 'absent' that are the same in every forest. */
#define SHAP_FIXED_ROWS (HML_SHAP_FIRST / HML_SHAP_QUAD + 1)

/* The paths of leaves with fewer samples are computed once; most are. */
#define SHAP_FEW_SAMPLES 256

/* With up to so many inputs the nearest split by a feature is looked up, else it is searched for. */
#define SHAP_FEW_INPUTS 64

/*
 * The tree at hand.  A branch is twice the number of its split, plus 1 for the
 * right side.  Number n_splits stands for a split above the root, whose left
 * branch leads to it and has the whole cover.
 */
typedef struct ShapTree
{
	size_t number_in_forest;
	uint32_t n_splits;    /* all of them, */
	uint32_t n_cherries;  /* also these */
	uint32_t *feature;    /* (n_splits + 1), as are those that follow */
	uint32_t *parent;     /* branch */
	uint32_t *above;      /* the lowest branch above by the same feature, else the one to the root */
	uint32_t *n_features; /* different ones of the path that ends here */
	uint32_t
		*absent_next;    /* row of 'absent' below the left branch by the same feature; right: the next one */
	uint32_t *number;    /* by level, and cherries last */
	uint32_t *order;     /* the splits in the order of these numbers */
	uint32_t *leaves_of; /* how many children are leaves */
	double *left_share;  /* of the cover */
	double *share_above; /* product of the shares of the branches above by the same feature */
	uint8_t *level;
	uint8_t *has_below;    /* a split by the same feature */
	uint32_t *leaf_parent; /* (n_splits + 1 leaves) branch */
	uint8_t *leaf_level;   /* likewise */
	double *cover;         /* (branches) of what they lead to */
	double *value;         /* (branches) likewise, where that is a leaf */
} ShapTree;

typedef struct ShapBuilder
{
	HmlContext *ctx;
	const HmlForest *forest;
	HmlTreeShap shap;     /* its arrays lie in the arena */
	double *order;        /* (trees) numbers, the largest tree first */
	uint32_t *n_cherries; /* (trees) */
	double *shares;       /* (n_absent) of a branch and those above it by the same feature */
	double unit;          /* margin of the forest for a path of 1 in one tree */
	ShapTree tree;
	uint32_t most_features;                                   /* different ones on one path */
	double few_paths[SHAP_FEW_SAMPLES];                       /* of leaves at depth 0 */
	uint32_t nearest[HML_IFOREST_MAX_DEPTH][SHAP_FEW_INPUTS]; /* lowest branch above, by level and feature */
} ShapBuilder;

static inline uint32_t
hml_shap_splits_of(const HmlForest *forest, size_t tree)
{
	return (forest->first_node[tree + 1] - forest->first_node[tree]) / 2;
}

/*
 * Fill b->tree with a tree, and add its rows to 'absent' and the mean of its leaves
 * to the base.
 */
extern void hml_shap_take_apart(ShapBuilder *b, size_t number);

/* Cut a block of memory into the arrays for up to so many splits; without any, return its size. */
extern size_t hml_shap_lay_out_tree(ShapTree *tree, size_t most_splits, char *memory);

#endif /* HML_LEARN_IFOREST_TREESHAP_TREE_H */
