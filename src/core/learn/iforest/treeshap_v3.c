/*
 * treeshap_v3.c
 *	  The inner loops of treeshap.c with AVX2.
 */
#include "core/learn/iforest/treeshap_kernel.h"

#include <string.h>

#include <immintrin.h>

/* A pair with more splits than this is prepared in portable C; few trees of 256 rows have so many. */
#define MOST_SPLITS 254

#define LANES 8

/* The row; one of up to 16 inputs is looked up in registers, because gathering is slow. */
typedef struct Row
{
	const float *inputs;
	bool is_short;
	__m256 first;
	__m256 second;
} Row;

static inline Row
load_row(const float *inputs, size_t n_inputs)
{
	float padded[2 * LANES] = {0};

	memcpy(padded, inputs, (n_inputs < 2 * LANES ? n_inputs : 2 * LANES) * sizeof(float));
	return (Row){inputs, n_inputs <= 2 * LANES, _mm256_loadu_ps(padded), _mm256_loadu_ps(padded + LANES)};
}

static inline __m256
inputs_of(const Row *row, __m256i features)
{
	if (row->is_short)
		return _mm256_blendv_ps(_mm256_permutevar8x32_ps(row->first, features),
								_mm256_permutevar8x32_ps(row->second, features),
								_mm256_castsi256_ps(_mm256_slli_epi32(features, 28)));
	return _mm256_i32gather_ps(row->inputs, features, sizeof(float));
}

/* All ones in the first n lanes. */
static inline __m256i
lanes_left(size_t n)
{
	return _mm256_cmpgt_epi32(_mm256_set1_epi32(n < LANES ? (int) n : LANES),
							  _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

static inline __m256d
other_shares(const double *left_share, __m256i lanes, __m256i right)
{
	__m256d left = _mm256_maskload_pd(left_share, lanes);

	return _mm256_blendv_pd(_mm256_sub_pd(_mm256_set1_pd(1), left), left, _mm256_castsi256_pd(right));
}

/*
 * hml_shap_find_way() for 8 splits; returns the bits of those that the row leaves
 * to the right.  Arrays of the scratch have room for whole vectors.
 */
static inline uint32_t
find_way(const HmlTreeShap *shap, size_t at, size_t n, const Row *row, uint32_t *own_next,
		 double *other_share)
{
	const __m256i lanes = lanes_left(n);
	__m256i features = _mm256_maskload_epi32((const int *) shap->splits.feature + at, lanes);
	__m256 thresholds = _mm256_maskload_ps(shap->splits.threshold + at, lanes);
	__m256 above = _mm256_cmp_ps(inputs_of(row, features), thresholds, _CMP_GT_OQ);
	__m256i right = _mm256_and_si256(_mm256_castps_si256(above), lanes);
	__m256i next = _mm256_maskload_epi32((const int *) shap->splits.next + at, lanes);

	next = _mm256_add_epi32(next, _mm256_and_si256(right, _mm256_set1_epi32(HML_SHAP_QUAD)));
	_mm256_store_si256((__m256i *) own_next, next);
	for (int half = 0; half < 2; half++)
	{
		__m128i lanes_32 = half == 0 ? _mm256_castsi256_si128(lanes) : _mm256_extracti128_si256(lanes, 1);
		__m128i right_32 = half == 0 ? _mm256_castsi256_si128(right) : _mm256_extracti128_si256(right, 1);

		_mm256_store_pd(other_share + 4 * half,
						other_shares(shap->splits.left_share + at + 4 * half, _mm256_cvtepi32_epi64(lanes_32),
									 _mm256_cvtepi32_epi64(right_32)));
	}
	return (uint32_t) _mm256_movemask_ps(_mm256_castsi256_ps(right));
}

/* hml_shap_look_at_cherries() for 4 of them. */
static inline void
look_at_cherries(const HmlShapCherries *cherries, size_t at, __m128i lanes_32, __m128i right_32,
				 double *value, double *difference)
{
	const __m256i lanes = _mm256_cvtepi32_epi64(lanes_32);
	const __m256d right = _mm256_castsi256_pd(_mm256_cvtepi32_epi64(right_32));
	__m256d of_left = _mm256_maskload_pd(cherries->left + at, lanes);
	__m256d of_right = _mm256_maskload_pd(cherries->right + at, lanes);
	__m256d own = _mm256_blendv_pd(of_left, of_right, right);
	__m256d other = _mm256_blendv_pd(of_right, of_left, right);
	__m256d share = other_shares(cherries->left_share + at, lanes, _mm256_castpd_si256(right));

	_mm256_store_pd(value, own);
	_mm256_store_pd(difference, _mm256_mul_pd(_mm256_sub_pd(own, other), share));
}

static inline void
find_way_of_cherries(const HmlTreeShap *shap, const HmlShapTrees *pair, const Row *row,
					 const HmlShapScratch *scratch)
{
	const HmlShapCherries *cherries = &shap->cherries;
	const size_t n = 2 * (size_t) pair->n_cherries;

	for (size_t i = 0; i < n; i += LANES)
	{
		const size_t at = pair->first_cherry + i;
		const __m256i lanes = lanes_left(n - i);
		__m256i features = _mm256_maskload_epi32((const int *) cherries->feature + at, lanes);
		__m256 thresholds = _mm256_maskload_ps(cherries->threshold + at, lanes);
		__m256i right = _mm256_castps_si256(_mm256_cmp_ps(inputs_of(row, features), thresholds, _CMP_GT_OQ));

		look_at_cherries(cherries, at, _mm256_castsi256_si128(lanes), _mm256_castsi256_si128(right),
						 scratch->cherry_value + i, scratch->cherry_difference + i);
		look_at_cherries(cherries, at + 4, _mm256_extracti128_si256(lanes, 1),
						 _mm256_extracti128_si256(right, 1), scratch->cherry_value + i + 4,
						 scratch->cherry_difference + i + 4);
	}
}

/* hml_shap_places(), with bit i of 'right' saying where the row goes at split i; as places << shift. */
static inline void
find_places(const uint32_t *branches, size_t n, size_t stride, __m256i right, int shift, uint32_t *out)
{
	const __m256i others = _mm256_set1_epi32((int) (2 * stride));
	const __m256i one = _mm256_set1_epi32(1);

	for (size_t i = 0; i < n; i += LANES)
	{
		__m256i branch = _mm256_maskload_epi32((const int *) branches + i, lanes_left(n - i));
		__m256i split = _mm256_srli_epi32(branch, 1);
		__m256i word = _mm256_permutevar8x32_epi32(right, _mm256_srli_epi32(split, 5));
		__m256i bit = _mm256_srlv_epi32(word, _mm256_and_si256(split, _mm256_set1_epi32(31)));
		__m256i is_other = _mm256_and_si256(_mm256_xor_si256(bit, branch), one);
		__m256i place = _mm256_add_epi32(split, _mm256_and_si256(_mm256_cmpeq_epi32(is_other, one), others));

		_mm256_store_si256((__m256i *) (out + i), _mm256_slli_epi32(place, shift));
	}
}

static inline void
prepare_pair(const HmlTreeShap *shap, const HmlShapTrees *pair, const float *inputs,
			 const HmlShapScratch *scratch)
{
	const size_t n = 2 * (size_t) pair->n_splits;
	const Row row = load_row(inputs, shap->n_inputs);
	uint8_t bits[32] = {0};
	__m256i right;

	for (size_t i = 0; i < n; i += LANES)
		bits[i / LANES] = (uint8_t) find_way(shap, pair->first_split + i, n - i, &row, scratch->own_next + i,
											 scratch->other_share + i);
	right = _mm256_loadu_si256((const __m256i *) bits);
	find_way_of_cherries(shap, pair, &row, scratch);
	find_places(shap->splits.parent + pair->first_split, n, shap->stride, right, 2, scratch->parent);
	find_places(shap->splits.above + pair->first_split, n, shap->stride, right, 0, scratch->above);
	find_places(shap->cherries.parent + pair->first_cherry, 2 * (size_t) pair->n_cherries, shap->stride,
				right, 2, scratch->cherry_parent);
	find_places(shap->cherries.above + pair->first_cherry, 2 * (size_t) pair->n_cherries, shap->stride, right,
				0, scratch->cherry_above);
	find_places(shap->leaves.parent + pair->first_leaf, 2 * (size_t) pair->n_leaves, shap->stride, right, 2,
				scratch->leaf_parent);
}

void
hml_treeshap_pair_v3(const HmlTreeShap *shap, const HmlShapTrees *pair, const float *row,
					 const HmlShapScratch *scratch)
{
	const size_t n = 2 * (size_t) pair->n_splits;

	if (n <= MOST_SPLITS)
		prepare_pair(shap, pair, row, scratch);
	else
		hml_shap_prepare_pair(shap, pair, row, scratch);
	hml_shap_explain_prepared(shap, pair, scratch);
}
