/*
 * iforest_walk_v3.c
 *	  Walking one row through all trees with AVX2, for up to 16 features.
 *
 * The stages are those of iforest_walk_v4.c.  The words of 16 features are two
 * registers, one with their low bytes and one with their high bytes, so that a
 * shuffle of bytes picks them.  A top block is two vectors of 16 words; so are
 * four bottom blocks.
 */
#include "core/learn/iforest/iforest_layout.h"

#include <immintrin.h>

/* How many of 16 ascending numbers are below x. */
static inline unsigned
count_below(const float *numbers, __m256 x)
{
	int low = _mm256_movemask_ps(_mm256_cmp_ps(_mm256_load_ps(numbers), x, _CMP_LT_OQ));
	int high = _mm256_movemask_ps(_mm256_cmp_ps(_mm256_load_ps(numbers + 8), x, _CMP_LT_OQ));

	return (unsigned) __builtin_popcount((unsigned) (high << 8 | low));
}

static inline void
rank_row(const HmlForestLayout *layout, const HmlForestGroup *group, HmlForestScratch *scratch)
{
	for (size_t feature = 0; feature < layout->n_inputs; feature++)
	{
		const HmlForestSplits *splits = &group->splits[feature];
		__m256 x = _mm256_set1_ps(scratch->row[feature]);
		unsigned rank = count_below(splits->coarse, x);

		rank = rank * 16 + count_below(splits->middle + rank * 16, x);
		rank = rank * 16 + count_below(splits->fine + rank * 16, x);
		scratch->words[feature] = hml_forest_word(rank, feature, layout->feature_bits);
	}
}

/* Bytes of the row's words by feature, twice, because a shuffle stays within 16 bytes. */
typedef struct RowWords
{
	__m256i low;
	__m256i high;
} RowWords;

static inline RowWords
load_row(const HmlForestScratch *scratch)
{
	const __m128i low_bytes = _mm_set1_epi16(0x00ff);
	__m128i first = _mm_load_si128((const __m128i *) scratch->words);
	__m128i second = _mm_load_si128((const __m128i *) (scratch->words + 8));
	__m128i low = _mm_packus_epi16(_mm_and_si128(first, low_bytes), _mm_and_si128(second, low_bytes));
	__m128i high = _mm_packus_epi16(_mm_srli_epi16(first, 8), _mm_srli_epi16(second, 8));

	return (RowWords){_mm256_broadcastsi128_si256(low), _mm256_broadcastsi128_si256(high)};
}

/* Words that are all ones where the row's word is not above the node's. */
static inline __m256i
not_above(const RowWords *row, __m256i nodes)
{
	const __m256i none = _mm256_set1_epi16((short) 0x8000); /* makes a shuffle give 0 */
	__m256i features = _mm256_and_si256(nodes, _mm256_set1_epi16(0x000f));
	__m256i low = _mm256_shuffle_epi8(row->low, _mm256_or_si256(features, none));
	__m256i high = _mm256_shuffle_epi8(
		row->high, _mm256_or_si256(_mm256_slli_epi16(features, 8), _mm256_srli_epi16(none, 8)));
	__m256i words = _mm256_or_si256(low, high);

	return _mm256_cmpeq_epi16(_mm256_max_epu16(words, nodes), nodes);
}

/* The mask of 32 words in order. */
static inline uint32_t
above(const RowWords *row, __m256i first, __m256i second)
{
	__m256i bytes = _mm256_packs_epi16(not_above(row, first), not_above(row, second));

	return ~(uint32_t) _mm256_movemask_epi8(_mm256_permute4x64_epi64(bytes, 0xd8));
}

/* One level down in 8 masks: position becomes 2 * position + its bit. */
static inline __m256i
step(__m256i masks, __m256i positions)
{
	__m256i bits = _mm256_and_si256(_mm256_srlv_epi32(masks, positions), _mm256_set1_epi32(1));

	return _mm256_or_si256(_mm256_add_epi32(positions, positions), bits);
}

static inline void
compare_tops(const HmlForestLayout *layout, const HmlForestGroup *group, const RowWords *row, uint32_t *masks)
{
	for (size_t tree = 0; tree < group->n_trees; tree++)
	{
		const __m256i *words = (const __m256i *) layout->top[group->first_tree + tree];

		masks[tree] = above(row, _mm256_load_si256(words), _mm256_load_si256(words + 1));
	}
	for (size_t i = 0; i < HML_FOREST_PADDING; i++)
		masks[group->n_trees + i] = 0;
}

/* Where the walk leaves a top block: the place of the bottom block, in words. */
static inline void
find_bottoms(const HmlForestGroup *group, const uint32_t *masks, uint32_t *places)
{
	const uint32_t words_of_tree = HML_FOREST_TOP_WORDS * HML_FOREST_BOTTOM_WORDS;
	const __m256i one = _mm256_set1_epi32(1);
	__m256i numbers = _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0);
	/* The position after five levels counts from 32. */
	__m256i base = _mm256_add_epi32(
		_mm256_mullo_epi32(numbers, _mm256_set1_epi32((int) words_of_tree)),
		_mm256_set1_epi32((int) ((uint32_t) group->first_tree * words_of_tree - words_of_tree)));

	for (size_t tree = 0; tree < group->n_trees; tree += 8)
	{
		__m256i mask = _mm256_load_si256((const __m256i *) (masks + tree));
		__m256i position = one;

		for (int level = 0; level < 5; level++)
			position = step(mask, position);
		position = _mm256_slli_epi32(position, 4);
		_mm256_store_si256((__m256i *) (places + tree), _mm256_add_epi32(position, base));
		base = _mm256_add_epi32(base, _mm256_set1_epi32((int) (8 * words_of_tree)));
	}
}

static inline __m256i
two_bottoms(const uint16_t *words, const uint32_t *places)
{
	__m128i first = _mm_load_si128((const __m128i *) (words + places[0]));

	return _mm256_inserti128_si256(_mm256_castsi128_si256(first),
								   _mm_load_si128((const __m128i *) (words + places[1])), 1);
}

/* Four trees at a time, each with eight bits of the mask. */
static inline void
compare_bottoms(const HmlForestLayout *layout, const HmlForestGroup *group, const RowWords *row,
				const uint32_t *places, uint32_t *masks)
{
	const uint16_t *words = layout->bottom[0];

	for (size_t tree = 0; tree < group->n_trees; tree += 4)
		masks[tree / 4] =
			above(row, two_bottoms(words, places + tree), two_bottoms(words, places + tree + 2));
}

/* From the places of bottom blocks to those of the codes of their leaves. */
static inline void
find_leaves(const HmlForestGroup *group, const uint32_t *masks, uint32_t *places)
{
	for (size_t tree = 0; tree < group->n_trees; tree += 8)
	{
		__m256i *place = (__m256i *) (places + tree);
		__m256i mask = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *) (masks + tree / 4)));
		__m256i position = _mm256_set1_epi32(1);

		for (int level = 0; level < 3; level++)
			position = step(mask, position);
		_mm256_store_si256(place, _mm256_add_epi32(_mm256_load_si256(place), position));
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

uint64_t
hml_forest_walk_words_v3(const HmlForestLayout *layout, HmlForestScratch *scratch)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < layout->n_groups; i++)
	{
		const HmlForestGroup *group = &layout->groups[i];
		RowWords row;

		rank_row(layout, group, scratch);
		row = load_row(scratch);
		compare_tops(layout, group, &row, scratch->masks);
		find_bottoms(group, scratch->masks, scratch->places);
		compare_bottoms(layout, group, &row, scratch->places, scratch->masks);
		find_leaves(group, scratch->masks, scratch->places);
		sum += add_paths(layout, group, scratch->places);
	}
	return sum;
}
