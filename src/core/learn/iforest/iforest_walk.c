/*
 * iforest_walk.c
 *	  Walking one row through all trees, in portable C.
 *
 * Several trees side by side and no branch that depends on the row, so that the
 * processor works on one tree while it waits for a word of another.
 */
#include "core/learn/iforest/iforest_layout.h"

#include "core/base/cpu.h"

#define TREES 8 /* side by side */

typedef float Floats __attribute__((vector_size(16)));
typedef int32_t Counts __attribute__((vector_size(16)));

/* How many of 16 ascending numbers are below x. */
static inline unsigned
count_below(const float *numbers, float x)
{
	const Floats *parts = (const Floats *) numbers;
	Floats many = {x, x, x, x};
	Counts below = (parts[0] < many) + (parts[1] < many) + (parts[2] < many) + (parts[3] < many);

	return (unsigned) -(below[0] + below[1] + below[2] + below[3]);
}

static void
rank_row(const HmlForestLayout *layout, const HmlForestGroup *group, HmlForestScratch *scratch)
{
	for (size_t feature = 0; feature < layout->n_inputs; feature++)
	{
		const HmlForestSplits *splits = &group->splits[feature];
		float x = scratch->row[feature];
		unsigned rank = count_below(splits->coarse, x);

		rank = rank * 16 + count_below(splits->middle + rank * 16, x);
		rank = rank * 16 + count_below(splits->fine + rank * 16, x);
		scratch->words[feature] = hml_forest_word(rank, feature, layout->feature_bits);
	}
}

static inline unsigned
step(const uint16_t *block, unsigned at, const uint16_t *words, unsigned features)
{
	unsigned node = block[at];

	return 2 * at + (words[node & features] > node);
}

/* The path of the leaf that is reached from position 'at' below the top block of a tree. */
static inline uint64_t
path_behind(const HmlForestLayout *layout, size_t tree, unsigned at, const uint16_t *words, unsigned features)
{
	const uint16_t *bottom = layout->bottom[tree * HML_FOREST_TOP_WORDS + at - HML_FOREST_TOP_WORDS];

	at = step(bottom, 1, words, features);
	at = step(bottom, at, words, features);
	at = step(bottom, at, words, features);
	return layout->path[bottom[at]];
}

static inline uint64_t
walk_trees(const HmlForestLayout *layout, size_t first, size_t n, const uint16_t *words, unsigned features)
{
	unsigned at[TREES];
	uint64_t sum = 0;

	for (size_t tree = 0; tree < n; tree++)
		at[tree] = 1;
	for (int level = 0; level < 5; level++)
		for (size_t tree = 0; tree < n; tree++)
			at[tree] = step(layout->top[first + tree], at[tree], words, features);
	for (size_t tree = 0; tree < n; tree++)
		sum += path_behind(layout, first + tree, at[tree], words, features);
	return sum;
}

uint64_t
hml_forest_walk_words(const HmlForestLayout *layout, HmlForestScratch *scratch)
{
	const unsigned features = (1u << layout->feature_bits) - 1;
	uint64_t sum = 0;

	for (size_t i = 0; i < layout->n_groups; i++)
	{
		const HmlForestGroup *group = &layout->groups[i];
		size_t tree = group->first_tree;
		size_t end = tree + group->n_trees;

		rank_row(layout, group, scratch);
		for (; tree + TREES <= end; tree += TREES)
			sum += walk_trees(layout, tree, TREES, scratch->words, features);
		sum += walk_trees(layout, tree, end - tree, scratch->words, features);
	}
	return sum;
}

/* The deepest of trees first .. first + n - 1. */
static unsigned
depth_of(const HmlForestLayout *layout, size_t first, size_t n)
{
	unsigned depth = 0;

	for (size_t tree = first; tree < first + n; tree++)
		depth = layout->depths[tree] > depth ? layout->depths[tree] : depth;
	return depth;
}

static inline uint64_t
walk_linked(const HmlForestLayout *layout, size_t first, size_t n, const float *row)
{
	uint32_t at[TREES] = {0};
	unsigned depth = depth_of(layout, first, n);
	uint64_t sum = 0;

	for (size_t tree = 0; tree < n; tree++)
		at[tree] = layout->roots[first + tree];
	for (unsigned level = 0; level < depth; level++)
		for (size_t tree = 0; tree < n; tree++)
		{
			const HmlForestNode *node = &layout->nodes[at[tree]];

			at[tree] = node->child + (row[node->feature] > node->threshold);
		}
	for (size_t tree = 0; tree < n; tree++)
		sum += layout->path[at[tree]];
	return sum;
}

uint64_t
hml_forest_walk_nodes(const HmlForestLayout *layout, HmlForestScratch *scratch)
{
	uint64_t sum = 0;
	size_t tree = 0;

	for (; tree + TREES <= layout->n_trees; tree += TREES)
		sum += walk_linked(layout, tree, TREES, scratch->row);
	return sum + walk_linked(layout, tree, layout->n_trees - tree, scratch->row);
}

HmlForestWalk
hml_forest_walk(const HmlForestLayout *layout)
{
	if (layout->n_groups == 0)
		return hml_forest_walk_nodes;
#ifdef __x86_64__
	if (hml_cpu_level() >= 4 && layout->feature_bits <= HML_FOREST_MAX_FEATURE_BITS_V4)
		return hml_forest_walk_words_v4;
	if (hml_cpu_level() >= 3 && layout->feature_bits <= HML_FOREST_MAX_FEATURE_BITS_V3)
		return hml_forest_walk_words_v3;
#endif
	return hml_forest_walk_words;
}
