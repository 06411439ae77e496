/*
 * iforest_walk_v4.c
 *	  Walking one row through all trees with AVX-512.
 *
 * All 31 nodes of a top block are compared at once: the words of the nodes pick
 * the words of the row by a permutation, and the comparison gives a mask.  The
 * walk down a mask is arithmetic on 16 trees side by side.  Then four bottom
 * blocks are one vector and are compared at once.  Each of these stages runs
 * over all trees before the next one begins, so that no stage waits for the
 * stores of the one before.
 */
#include "core/learn/iforest/iforest_layout.h"

#include <immintrin.h>

/* How many of 16 ascending numbers are below x. */
static inline unsigned
count_below(const float *numbers, __m512 x)
{
	return (unsigned) __builtin_popcount(_mm512_cmp_ps_mask(_mm512_load_ps(numbers), x, _CMP_LT_OQ));
}

static inline void
rank_row(const HmlForestLayout *layout, const HmlForestGroup *group, HmlForestScratch *scratch)
{
	for (size_t feature = 0; feature < layout->n_inputs; feature++)
	{
		const HmlForestSplits *splits = &group->splits[feature];
		__m512 x = _mm512_set1_ps(scratch->row[feature]);
		unsigned rank = count_below(splits->coarse, x);

		rank = rank * 16 + count_below(splits->middle + rank * 16, x);
		rank = rank * 16 + count_below(splits->fine + rank * 16, x);
		scratch->words[feature] = hml_forest_word(rank, feature, layout->feature_bits);
	}
}

/* The row's words, so that a permutation by the low bits of a node's word finds the one to compare. */
typedef struct RowWords
{
	__m512i low;
	__m512i high; /* of features 32 .. 63 */
} RowWords;

static inline __mmask32
above(const RowWords *row, __m512i nodes, bool wide)
{
	__m512i words = wide ? _mm512_permutex2var_epi16(row->low, nodes, row->high)
						 : _mm512_permutexvar_epi16(nodes, row->low);

	return _mm512_cmpgt_epu16_mask(words, nodes);
}

/* One level down in 16 masks: position becomes 2 * position + its bit. */
static inline __m512i
step(__m512i masks, __m512i positions)
{
	const __m512i one = _mm512_set1_epi32(1);
	__m512i bits = _mm512_srlv_epi32(masks, positions);

	/* 0xf8 is A | (B & C). */
	return _mm512_ternarylogic_epi32(_mm512_add_epi32(positions, positions), bits, one, 0xf8);
}

static inline void
compare_tops(const HmlForestLayout *layout, const HmlForestGroup *group, const RowWords *row, uint32_t *masks,
			 bool wide)
{
	const uint16_t(*top)[HML_FOREST_TOP_WORDS] = layout->top + group->first_tree;

	for (size_t tree = 0; tree < group->n_trees; tree++)
		masks[tree] = above(row, _mm512_load_si512(top[tree]), wide);
	_mm512_storeu_si512(masks + group->n_trees, _mm512_setzero_si512()); /* the padding */
}

/* Where the walk leaves a top block: the place of the bottom block, in words. */
static inline void
find_bottoms(const HmlForestGroup *group, const uint32_t *masks, uint32_t *places)
{
	const uint32_t words_of_tree = HML_FOREST_TOP_WORDS * HML_FOREST_BOTTOM_WORDS;
	const __m512i one = _mm512_set1_epi32(1);
	__m512i numbers = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
	/* The position after five levels counts from 32. */
	__m512i base = _mm512_add_epi32(
		_mm512_mullo_epi32(numbers, _mm512_set1_epi32((int) words_of_tree)),
		_mm512_set1_epi32((int) ((uint32_t) group->first_tree * words_of_tree - words_of_tree)));

	for (size_t tree = 0; tree < group->n_trees; tree += 16)
	{
		__m512i mask = _mm512_loadu_si512(masks + tree);
		__m512i position = one;

		for (int level = 0; level < 5; level++)
			position = step(mask, position);
		position = _mm512_slli_epi32(position, 4);
		_mm512_storeu_si512(places + tree, _mm512_add_epi32(position, base));
		base = _mm512_add_epi32(base, _mm512_set1_epi32((int) (16 * words_of_tree)));
	}
}

/* The nodes of four bottom blocks.  Masked loads need no shuffle, whose port the comparison is short of. */
static inline __m512i
four_bottoms(const uint16_t *words, const uint32_t *places)
{
	__m512i nodes = _mm512_broadcast_i32x4(_mm_load_si128((const __m128i *) (words + places[0])));

	nodes = _mm512_mask_broadcast_i32x4(nodes, 0x00f0, _mm_load_si128((const __m128i *) (words + places[1])));
	nodes = _mm512_mask_broadcast_i32x4(nodes, 0x0f00, _mm_load_si128((const __m128i *) (words + places[2])));
	return _mm512_mask_broadcast_i32x4(nodes, 0xf000, _mm_load_si128((const __m128i *) (words + places[3])));
}

/* Four trees at a time, each with eight bits of the mask. */
static inline void
compare_bottoms(const HmlForestLayout *layout, const HmlForestGroup *group, const RowWords *row,
				const uint32_t *places, uint32_t *masks, bool wide)
{
	const uint16_t *words = layout->bottom[0];

	for (size_t tree = 0; tree < group->n_trees; tree += 4)
		masks[tree / 4] = above(row, four_bottoms(words, places + tree), wide);
}

/* From the places of bottom blocks to those of the codes of their leaves. */
static inline void
find_leaves(const HmlForestGroup *group, const uint32_t *masks, uint32_t *places)
{
	for (size_t tree = 0; tree < group->n_trees; tree += 16)
	{
		__m512i mask = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *) (masks + tree / 4)));
		__m512i position = _mm512_set1_epi32(1);

		for (int level = 0; level < 3; level++)
			position = step(mask, position);
		_mm512_storeu_si512(places + tree, _mm512_add_epi32(_mm512_loadu_si512(places + tree), position));
	}
}

static inline uint64_t
add_paths(const HmlForestLayout *layout, const HmlForestGroup *group, const uint32_t *places)
{
	const uint16_t *codes = layout->bottom[0];
	uint64_t sum = 0;

	for (size_t tree = 0; tree < group->n_trees; tree++)
		sum += layout->path[codes[places[tree]]];
	return sum;
}

static inline uint64_t
walk_group(const HmlForestLayout *layout, const HmlForestGroup *group, HmlForestScratch *scratch, bool wide)
{
	RowWords row;

	rank_row(layout, group, scratch);
	row.low = _mm512_loadu_si512(scratch->words);
	row.high = _mm512_loadu_si512(scratch->words + 32);
	if (layout->feature_bits == 4)
		row.low = _mm512_inserti64x4(row.low, _mm512_castsi512_si256(row.low), 1);
	compare_tops(layout, group, &row, scratch->masks, wide);
	find_bottoms(group, scratch->masks, scratch->places);
	compare_bottoms(layout, group, &row, scratch->places, scratch->masks, wide);
	find_leaves(group, scratch->masks, scratch->places);
	return add_paths(layout, group, scratch->places);
}

uint64_t
hml_forest_walk_words_v4(const HmlForestLayout *layout, HmlForestScratch *scratch)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < layout->n_groups; i++)
		sum += layout->feature_bits <= 5 ? walk_group(layout, &layout->groups[i], scratch, false)
										 : walk_group(layout, &layout->groups[i], scratch, true);
	return sum;
}
