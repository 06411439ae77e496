/*
 * iforest_layout.h
 *	  The forest as the scoring kernels want it.
 *
 * Ranks instead of thresholds.  An input matters only through the number of
 * thresholds of its feature that are below it, its rank.  A row is ranked once,
 * and the trees compare 16-bit words: rank in the high bits, feature in the low
 * 'feature_bits'.  The words of the row lie in a small table by feature, so
 * that one word of a node says both where to look and what to compare with, and
 * equal low bits on both sides leave the comparison alone.
 *
 * A tree of up to eight levels is a full binary heap that is cut after level
 * five: one block of 31 nodes and 32 blocks of 7 nodes and 8 leaves.
 *
 *	  top:    words 1 .. 31 are nodes, the children of j are 2j and 2j + 1;
 *	          the walk ends with j = 32 + number of the bottom block
 *	  bottom: words 1 .. 7 are nodes, 8 .. 15 the codes of the leaves
 *
 * A leaf further up goes down to the bottom through nodes that are always left
 * (no word is above UINT16_MAX).  A code stands for a pair of depth and
 * sample count; 'path' has its value as a fixed-point number, whose sums are
 * exact: every kernel may add in any order.
 *
 * When the ranks of a feature do not fit their bits, the trees are cut into
 * groups that have ranks of their own.  Forests that are deeper or wider than
 * that are nodes with child numbers, walked step by step.
 */
#ifndef HML_LEARN_IFOREST_IFOREST_LAYOUT_H
#define HML_LEARN_IFOREST_IFOREST_LAYOUT_H

#include <math.h>

#include "core/learn/iforest/iforest.h"

#define HML_FOREST_LEVELS 8
#define HML_FOREST_MAX_WORD_FEATURES 256
#define HML_FOREST_TOP_WORDS 32
#define HML_FOREST_BOTTOM_WORDS 16
#define HML_FOREST_PADDING 16 /* trees that kernels may walk beyond the last one */

/* Path lengths are multiples of 2^-42: 10000 trees of 108 at most stay below 2^63. */
#define HML_FOREST_PATH_ONE 0x1p42

static inline uint64_t
hml_forest_fixed_point(double path)
{
	return (uint64_t) llround(path * HML_FOREST_PATH_ONE);
}

/* The thresholds of one feature in one group, ascending, as a tree of 16 branches; padded with infinity. */
typedef struct HmlForestSplits
{
	const float *coarse; /* (16) every 256th of 'fine' */
	const float *middle; /* every 16th of 'fine' */
	const float *fine;   /* a multiple of 256, the last one is infinite */
} HmlForestSplits;

typedef struct HmlForestGroup
{
	size_t first_tree;
	size_t n_trees;
	HmlForestSplits *splits; /* (n_inputs) */
} HmlForestGroup;

/* A leaf is its own child, and no input is above its threshold. */
typedef struct HmlForestNode
{
	float threshold;
	uint32_t feature;
	uint32_t child; /* the left one; the right one is next to it */
} HmlForestNode;

typedef struct HmlForestLayout
{
	size_t n_inputs;
	size_t n_trees;
	unsigned feature_bits; /* at least 4 */
	size_t n_groups;       /* 0 = the nodes below are used */
	HmlForestGroup *groups;
	uint16_t (*top)[HML_FOREST_TOP_WORDS];       /* (n_trees) */
	uint16_t (*bottom)[HML_FOREST_BOTTOM_WORDS]; /* ((n_trees + HML_FOREST_PADDING) * 32) */
	uint64_t *path;                              /* by code of leaf, or by node */

	HmlForestNode *nodes;
	uint32_t *roots; /* (n_trees) */
	uint8_t *depths; /* (n_trees) */
} HmlForestLayout;

/* What a kernel needs for one row; 'words' is the ranked row. */
typedef struct HmlForestScratch
{
	uint16_t words[HML_FOREST_MAX_WORD_FEATURES];
	uint32_t *masks;  /* (n_trees + HML_FOREST_PADDING), aligned */
	uint32_t *places; /* the same */
	float *row;       /* (n_inputs) */
} HmlForestScratch;

/* The word of a rank; that of a node has the number of distinct thresholds below its own. */
static inline uint16_t
hml_forest_word(unsigned rank, size_t feature, unsigned feature_bits)
{
	return (uint16_t) (rank << feature_bits | (unsigned) feature);
}

/* Make forest->layout from a forest that was checked. */
extern HmlStatus hml_forest_layout(HmlArena *arena, HmlForest *forest) HML_NODISCARD;

extern size_t hml_forest_scratch_size(const HmlForestLayout *layout);
extern HmlForestScratch *hml_forest_scratch(const HmlForestLayout *layout, void *memory);

/* A kernel: sum over all trees of the path of scratch->row, in units of 1 / HML_FOREST_PATH_ONE. */
typedef uint64_t (*HmlForestWalk)(const HmlForestLayout *layout, HmlForestScratch *scratch);

/* The fastest one for this processor and this forest. */
extern HmlForestWalk hml_forest_walk(const HmlForestLayout *layout);

#define HML_FOREST_MAX_FEATURE_BITS_V3 4
#define HML_FOREST_MAX_FEATURE_BITS_V4 6
extern uint64_t hml_forest_walk_nodes(const HmlForestLayout *layout, HmlForestScratch *scratch);
extern uint64_t hml_forest_walk_words(const HmlForestLayout *layout, HmlForestScratch *scratch);
extern uint64_t hml_forest_walk_words_v3(const HmlForestLayout *layout, HmlForestScratch *scratch);
extern uint64_t hml_forest_walk_words_v4(const HmlForestLayout *layout, HmlForestScratch *scratch);

#endif /* HML_LEARN_IFOREST_IFOREST_LAYOUT_H */
