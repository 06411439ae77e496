/*
 * iforest_layout.c
 *	  From a checked forest to the words, or the nodes, that kernels walk.
 *
 * Linear in the number of nodes: thresholds are sorted by radix, and their
 * ranks written to where the trees have them.  This is most of the time that
 * loading a model takes.
 */
#include "core/learn/iforest/iforest_layout.h"

#include <math.h>
#include <string.h>

/* Leaves with more samples than this have no code: such a forest is walked by nodes. */
#define MAX_CODED_SAMPLES 4095

#define LEAF_PATHS (HML_FOREST_LEVELS + 1)

/* A threshold on its way to its rank. */
typedef struct Split
{
	uint64_t key;  /* feature, then threshold as an integer of the same order */
	uint32_t word; /* where the word of its node is, counted from the first top block */
	float threshold;
} Split;

typedef struct Builder
{
	HmlArena *arena;
	const HmlForest *forest;
	HmlForestLayout *layout;
	uint16_t *words; /* top blocks, then bottom blocks */
	size_t node;     /* next ones of the forest */
	size_t split;
	size_t leaf;
	uint32_t samples_stride; /* codes are depth * stride + n_samples */
	Split *splits;           /* of the group being collected */
	size_t n_splits;
	Split *sorted;
	size_t *feature_count; /* (n_inputs) thresholds of the group */
	size_t *tree_count;    /* (n_inputs) thresholds of the tree */
	HmlForestGroup *groups;
} Builder;

static uint32_t
most_samples(const HmlForest *forest)
{
	uint32_t most = 0;

	for (size_t i = 0; i < forest->n_leaves; i++)
		most = forest->n_samples[i] > most ? forest->n_samples[i] : most;
	return most;
}

/* ---- words ---------------------------------------------------------------------------------------- */

static unsigned
bits_for(size_t n_inputs)
{
	unsigned bits = 4;

	while (n_inputs > (size_t) 1 << bits)
		bits++;
	return bits;
}

/* Number of the word of node 'position' (heap order, 1 = root) of a tree. */
static uint32_t
word_of(const HmlForest *forest, size_t tree, uint32_t position)
{
	unsigned level = 31 - (unsigned) __builtin_clz(position);
	uint32_t block;
	uint32_t inside;

	if (position < HML_FOREST_TOP_WORDS)
		return (uint32_t) tree * HML_FOREST_TOP_WORDS + position;
	block = (position >> (level - 5)) - HML_FOREST_TOP_WORDS;
	inside = (position & ((1u << (level - 5)) - 1)) | 1u << (level - 5);
	return (uint32_t) (forest->n_trees * HML_FOREST_TOP_WORDS) +
		   ((uint32_t) tree * HML_FOREST_TOP_WORDS + block) * HML_FOREST_BOTTOM_WORDS + inside;
}

/* A leaf above the last level is reached by going left all the way. */
static void
place_leaf(Builder *b, size_t tree, uint32_t position)
{
	unsigned depth = 31 - (unsigned) __builtin_clz(position);
	uint32_t code = depth * b->samples_stride + b->forest->n_samples[b->leaf++];

	b->words[word_of(b->forest, tree, position << (HML_FOREST_LEVELS - depth))] = (uint16_t) code;
}

static void
place_split(Builder *b, size_t tree, uint32_t position, uint16_t feature)
{
	Split *split = &b->splits[b->n_splits++];
	float threshold = b->forest->threshold[b->split++];
	uint32_t bits;

	threshold += 0.0f; /* -0 becomes 0, which it equals */
	memcpy(&bits, &threshold, sizeof(bits));
	bits ^= bits >> 31 ? UINT32_MAX : UINT32_C(1) << 31;
	split->key = (uint64_t) feature << 32 | bits;
	split->word = word_of(b->forest, tree, position);
	split->threshold = threshold;
	b->tree_count[feature]++;
}

static void
place_tree(Builder *b, size_t tree)
{
	uint32_t pending[HML_FOREST_LEVELS + 1];
	size_t n_pending = 1;

	pending[0] = 1;
	while (n_pending > 0)
	{
		uint32_t position = pending[--n_pending];
		uint16_t feature = b->forest->feature[b->node++];

		if (feature == HML_IFOREST_LEAF)
		{
			place_leaf(b, tree, position);
			continue;
		}
		place_split(b, tree, position, feature);
		pending[n_pending++] = 2 * position + 1;
		pending[n_pending++] = 2 * position;
	}
}

/* By key, least significant digit first. */
static void
sort_splits(Split **splits, Split **scratch, size_t n)
{
	static const unsigned shifts[] = {0, 11, 22, 32};
	static const unsigned widths[] = {11, 11, 10, 8};

	for (int pass = 0; pass < 4; pass++)
	{
		size_t start[2049] = {0};
		uint64_t mask = (UINT64_C(1) << widths[pass]) - 1;
		Split *from = *splits;
		Split *to = *scratch;

		for (size_t i = 0; i < n; i++)
			start[(from[i].key >> shifts[pass] & mask) + 1]++;
		for (size_t digit = 1; digit <= mask; digit++)
			start[digit] += start[digit - 1];
		for (size_t i = 0; i < n; i++)
			to[start[from[i].key >> shifts[pass] & mask]++] = from[i];
		*splits = to;
		*scratch = from;
	}
}

/* The search tree of one feature, from its thresholds in order; each of them gives its node its word. */
static HmlStatus
rank_feature(Builder *b, size_t feature, const Split *splits, size_t n, HmlForestSplits *out)
{
	size_t blocks = n / 256 + 1;
	size_t distinct = 0;
	float *memory;
	float *fine;

	HML_TRY(HML_ARENA_NEW(b->arena, &memory, 16 + blocks * (16 + 256)));
	fine = memory + 16 + blocks * 16;
	for (size_t i = 0; i < n; i++)
	{
		if (distinct == 0 || fine[distinct - 1] != splits[i].threshold)
			fine[distinct++] = splits[i].threshold;
		b->words[splits[i].word] = hml_forest_word((unsigned) distinct - 1, feature, b->layout->feature_bits);
	}
	for (size_t i = distinct; i < blocks * 256; i++)
		fine[i] = INFINITY;
	for (size_t i = 0; i < blocks * 16; i++)
		memory[16 + i] = fine[i * 16 + 15];
	for (size_t i = 0; i < 16; i++)
		memory[i] = i < blocks ? fine[i * 256 + 255] : INFINITY;
	out->coarse = memory;
	out->middle = memory + 16;
	out->fine = fine;
	return HML_OK;
}

/* Close the group of the trees from first_tree to last_tree - 1; the splits after 'n' are kept. */
static HmlStatus
close_group(Builder *b, size_t last_tree, size_t n)
{
	size_t previous = b->layout->n_groups;
	HmlForestGroup *group = &b->groups[b->layout->n_groups++];
	const Split *next;

	group->first_tree =
		previous == 0 ? 0 : b->groups[previous - 1].first_tree + b->groups[previous - 1].n_trees;
	group->n_trees = last_tree - group->first_tree;
	HML_TRY(HML_ARENA_NEW(b->arena, &group->splits, b->forest->n_inputs));
	memcpy(b->sorted + n, b->splits + n, (b->n_splits - n) * sizeof(*b->splits));
	sort_splits(&b->splits, &b->sorted, n);
	next = b->splits;
	for (size_t feature = 0; feature < b->forest->n_inputs; feature++)
	{
		HML_TRY(rank_feature(b, feature, next, b->feature_count[feature], &group->splits[feature]));
		next += b->feature_count[feature];
		b->feature_count[feature] = 0;
	}
	memmove(b->splits, b->splits + n, (b->n_splits - n) * sizeof(*b->splits));
	b->n_splits -= n;
	return hml_poll(hml_arena_context(b->arena));
}

/* Trees join the group until the thresholds of a feature could be more than its ranks. */
static HmlStatus
collect_trees(Builder *b)
{
	size_t most = ((size_t) 1 << (16 - b->layout->feature_bits)) - 1;

	for (size_t tree = 0; tree < b->forest->n_trees; tree++)
	{
		size_t before = b->n_splits;
		bool fits = true;

		memset(b->tree_count, 0, b->forest->n_inputs * sizeof(*b->tree_count));
		place_tree(b, tree);
		for (size_t feature = 0; feature < b->forest->n_inputs; feature++)
			fits = fits && b->feature_count[feature] + b->tree_count[feature] <= most;
		if (!fits)
			HML_TRY(close_group(b, tree, before));
		for (size_t feature = 0; feature < b->forest->n_inputs; feature++)
			b->feature_count[feature] += b->tree_count[feature];
	}
	return close_group(b, b->forest->n_trees, b->n_splits);
}

static HmlStatus
make_paths(Builder *b)
{
	HML_TRY(HML_ARENA_NEW(b->arena, &b->layout->path, (size_t) LEAF_PATHS * b->samples_stride));
	for (uint32_t n = 0; n < b->samples_stride; n++)
		for (unsigned depth = 0; depth < LEAF_PATHS; depth++)
			b->layout->path[depth * b->samples_stride + n] =
				hml_forest_fixed_point(hml_iforest_leaf_path(b->forest, depth, n));
	return HML_OK;
}

static HmlStatus
make_words(Builder *b)
{
	HmlForestLayout *layout = b->layout;
	size_t n_top = b->forest->n_trees * HML_FOREST_TOP_WORDS;
	size_t n_bottom = (n_top + HML_FOREST_PADDING * HML_FOREST_TOP_WORDS) * HML_FOREST_BOTTOM_WORDS;
	size_t n_words = n_top + n_bottom;

	HML_TRY(HML_ARENA_NEW(b->arena, &b->words, n_words));
	for (size_t i = 0; i < n_words; i++)
		b->words[i] = UINT16_MAX;
	layout->top = (void *) b->words;
	layout->bottom = (void *) (b->words + n_top);
	layout->feature_bits = bits_for(b->forest->n_inputs);
	HML_TRY(make_paths(b));
	HML_TRY(collect_trees(b));
	HML_TRY(HML_ARENA_NEW(b->arena, &layout->groups, layout->n_groups));
	memcpy(layout->groups, b->groups, layout->n_groups * sizeof(*layout->groups));
	return HML_OK;
}

static HmlStatus
make_words_with_memory(Builder *b)
{
	HmlContext *ctx = hml_arena_context(b->arena);
	size_t n_splits = b->forest->n_nodes - b->forest->n_leaves;
	HmlStatus status;

	if ((status = HML_NEW(ctx, &b->splits, n_splits)) == HML_OK &&
		(status = HML_NEW(ctx, &b->sorted, n_splits)) == HML_OK &&
		(status = HML_NEW_ZERO(ctx, &b->feature_count, b->forest->n_inputs)) == HML_OK &&
		(status = HML_NEW(ctx, &b->tree_count, b->forest->n_inputs)) == HML_OK &&
		(status = HML_NEW(ctx, &b->groups, b->forest->n_trees)) == HML_OK)
		status = make_words(b);
	hml_free(ctx, b->splits);
	hml_free(ctx, b->sorted);
	hml_free(ctx, b->feature_count);
	hml_free(ctx, b->tree_count);
	hml_free(ctx, b->groups);
	return status;
}

/* ---- nodes ---------------------------------------------------------------------------------------- */

/* The root of each tree, then pairs of children as the walk in preorder meets their parents. */
static void
link_tree(Builder *b, size_t tree, uint32_t *next)
{
	struct
	{
		uint32_t node;
		unsigned depth;
	} pending[HML_IFOREST_MAX_DEPTH + 1];
	size_t n_pending = 1;

	pending[0].node = b->layout->roots[tree] = (*next)++;
	pending[0].depth = 0;
	while (n_pending > 0)
	{
		uint32_t number = pending[--n_pending].node;
		unsigned depth = pending[n_pending].depth;
		HmlForestNode *node = &b->layout->nodes[number];

		node->feature = b->forest->feature[b->node++];
		if (node->feature == HML_IFOREST_LEAF)
		{
			*node = (HmlForestNode){INFINITY, 0, number};
			b->layout->path[number] = hml_forest_fixed_point(
				hml_iforest_leaf_path(b->forest, depth, b->forest->n_samples[b->leaf++]));
			b->layout->depths[tree] =
				depth > b->layout->depths[tree] ? (uint8_t) depth : b->layout->depths[tree];
			continue;
		}
		node->threshold = b->forest->threshold[b->split++];
		node->child = *next;
		pending[n_pending].node = *next + 1;
		pending[n_pending++].depth = depth + 1;
		pending[n_pending].node = *next;
		pending[n_pending++].depth = depth + 1;
		*next += 2;
	}
}

static HmlStatus
make_nodes(Builder *b)
{
	HmlForestLayout *layout = b->layout;
	uint32_t next = 0;

	HML_TRY(HML_ARENA_NEW(b->arena, &layout->nodes, b->forest->n_nodes));
	HML_TRY(HML_ARENA_NEW_ZERO(b->arena, &layout->path, b->forest->n_nodes));
	HML_TRY(HML_ARENA_NEW(b->arena, &layout->roots, b->forest->n_trees));
	HML_TRY(HML_ARENA_NEW_ZERO(b->arena, &layout->depths, b->forest->n_trees));
	for (size_t tree = 0; tree < b->forest->n_trees; tree++)
	{
		link_tree(b, tree, &next);
		HML_TRY(hml_poll(hml_arena_context(b->arena)));
	}
	return HML_OK;
}

/* ---- both ----------------------------------------------------------------------------------------- */

HmlStatus
hml_forest_layout(HmlArena *arena, HmlForest *forest)
{
	Builder builder = {.arena = arena, .forest = forest};
	uint32_t most = most_samples(forest);

	HML_TRY(HML_ARENA_NEW_ZERO(arena, &builder.layout, 1));
	builder.layout->n_inputs = forest->n_inputs;
	builder.layout->n_trees = forest->n_trees;
	forest->layout = builder.layout;
	if (forest->depth > HML_FOREST_LEVELS || forest->n_inputs > HML_FOREST_MAX_WORD_FEATURES ||
		most > MAX_CODED_SAMPLES)
		return make_nodes(&builder);
	builder.samples_stride = most + 1;
	return make_words_with_memory(&builder);
}

/* Room for the trees and the padding, in whole vectors. */
static size_t
padded(size_t n_trees)
{
	return (n_trees / HML_FOREST_PADDING + 2) * HML_FOREST_PADDING;
}

size_t
hml_forest_scratch_size(const HmlForestLayout *layout)
{
	size_t padded_trees = padded(layout->n_trees);

	return HML_ALIGNMENT + sizeof(HmlForestScratch) + 2 * HML_ALIGNMENT +
		   2 * padded_trees * sizeof(uint32_t) + layout->n_inputs * sizeof(float);
}

static void *
aligned(void *pointer)
{
	return (void *) (((uintptr_t) pointer + HML_ALIGNMENT - 1) & ~(uintptr_t) (HML_ALIGNMENT - 1));
}

HmlForestScratch *
hml_forest_scratch(const HmlForestLayout *layout, void *memory)
{
	size_t padded_trees = padded(layout->n_trees);
	HmlForestScratch *scratch = aligned(memory);

	memset(scratch->words, 0, sizeof(scratch->words[0]) << layout->feature_bits);
	scratch->masks = aligned(scratch + 1);
	scratch->places = scratch->masks + padded_trees;
	scratch->row = (float *) (scratch->places + padded_trees);
	return scratch;
}
