/*
 * treeshap_v4.c
 *	  The inner loops of treeshap.c with AVX-512: both trees in one vector.
 */
#include "core/learn/iforest/treeshap_kernel.h"

#include <immintrin.h>

/* A pair with more splits than this is prepared in portable C; trees of 256 rows have fewer. */
#define MOST_SPLITS 510

/* The row, or as much of it as two registers hold. */
typedef struct Row
{
	const float *inputs;
	size_t n_inputs;
	__m512 first;
	__m512 second;
} Row;

static inline Row
load_row(const float *inputs, size_t n_inputs)
{
	uint32_t there = n_inputs >= 32 ? UINT32_MAX : (UINT32_C(1) << n_inputs) - 1;

	return (Row){inputs, n_inputs, _mm512_maskz_loadu_ps((__mmask16) there, inputs),
				 _mm512_maskz_loadu_ps((__mmask16) (there >> 16), inputs + 16)};
}

static inline __m512
inputs_of(const Row *row, __m512i features)
{
	if (row->n_inputs <= 16)
		return _mm512_permutexvar_ps(features, row->first);
	if (row->n_inputs <= 32)
		return _mm512_permutex2var_ps(row->first, features, row->second);
	return _mm512_i32gather_ps(features, row->inputs, sizeof(float));
}

static inline __mmask16
lanes_left(size_t n)
{
	return n >= 16 ? UINT16_MAX : (__mmask16) ((1u << n) - 1);
}

/*
 * hml_shap_find_way() for 16 splits; returns which of them the row leaves to the
 * right.  Stores are whole vectors, because a masked one delays who reads it soon.
 */
static inline __mmask16
find_way(const HmlTreeShap *shap, size_t at, size_t n, const Row *row, uint32_t *own_next,
		 double *other_share)
{
	const __mmask16 lanes = lanes_left(n);
	const __m512d ones = _mm512_set1_pd(1);
	__m512i features = _mm512_maskz_loadu_epi32(lanes, shap->splits.feature + at);
	__m512 thresholds = _mm512_maskz_loadu_ps(lanes, shap->splits.threshold + at);
	__mmask16 right = _mm512_cmp_ps_mask(inputs_of(row, features), thresholds, _CMP_GT_OQ);
	__m512i next = _mm512_maskz_loadu_epi32(lanes, shap->splits.next + at);

	_mm512_store_si512(own_next, _mm512_mask_add_epi32(next, right, next, _mm512_set1_epi32(HML_SHAP_QUAD)));
	for (int half = 0; half < 2; half++)
	{
		__mmask8 part = (__mmask8) (lanes >> (8 * half));
		__m512d left_share = _mm512_maskz_loadu_pd(part, shap->splits.left_share + at + 8 * half);

		_mm512_store_pd(other_share + 8 * half,
						_mm512_mask_mov_pd(_mm512_sub_pd(ones, left_share), (__mmask8) (right >> (8 * half)),
										   left_share));
	}
	return (__mmask16) (right & lanes);
}

/* hml_shap_look_at_cherries() for 8 of them. */
static inline void
look_at_cherries(const HmlShapCherries *cherries, size_t at, __mmask8 lanes, __mmask8 right, double *value,
				 double *difference)
{
	const __m512d ones = _mm512_set1_pd(1);
	__m512d left_share = _mm512_maskz_loadu_pd(lanes, cherries->left_share + at);
	__m512d of_left = _mm512_maskz_loadu_pd(lanes, cherries->left + at);
	__m512d of_right = _mm512_maskz_loadu_pd(lanes, cherries->right + at);
	__m512d own = _mm512_mask_mov_pd(of_left, right, of_right);
	__m512d other = _mm512_mask_mov_pd(of_right, right, of_left);
	__m512d share = _mm512_mask_mov_pd(_mm512_sub_pd(ones, left_share), right, left_share);

	_mm512_store_pd(value, own);
	_mm512_store_pd(difference, _mm512_mul_pd(_mm512_sub_pd(own, other), share));
}

static inline void
find_way_of_cherries(const HmlTreeShap *shap, const HmlShapTrees *pair, const Row *row,
					 const HmlShapScratch *scratch)
{
	const HmlShapCherries *cherries = &shap->cherries;
	const size_t n = 2 * (size_t) pair->n_cherries;

	for (size_t i = 0; i < n; i += 16)
	{
		const size_t at = pair->first_cherry + i;
		const __mmask16 lanes = lanes_left(n - i);
		__m512i features = _mm512_maskz_loadu_epi32(lanes, cherries->feature + at);
		__m512 thresholds = _mm512_maskz_loadu_ps(lanes, cherries->threshold + at);
		__mmask16 right = _mm512_cmp_ps_mask(inputs_of(row, features), thresholds, _CMP_GT_OQ);

		look_at_cherries(cherries, at, (__mmask8) lanes, (__mmask8) right, scratch->cherry_value + i,
						 scratch->cherry_difference + i);
		look_at_cherries(cherries, at + 8, (__mmask8) (lanes >> 8), (__mmask8) (right >> 8),
						 scratch->cherry_value + i + 8, scratch->cherry_difference + i + 8);
	}
}

/* hml_shap_places(), with bit i of 'right' saying where the row goes at split i; as places << shift. */
static inline void
find_places(const uint32_t *branches, size_t n, size_t stride, __m512i right, int shift, uint32_t *out)
{
	const __m512i others = _mm512_set1_epi32((int) (2 * stride));

	for (size_t i = 0; i < n; i += 16)
	{
		const __mmask16 lanes = lanes_left(n - i);
		__m512i branch = _mm512_maskz_loadu_epi32(lanes, branches + i);
		__m512i split = _mm512_srli_epi32(branch, 1);
		__m512i word = _mm512_permutexvar_epi32(_mm512_srli_epi32(split, 5), right);
		__m512i side = _mm512_xor_si512(_mm512_rorv_epi32(word, split), branch);
		__mmask16 is_other = _mm512_test_epi32_mask(side, _mm512_set1_epi32(1));
		__m512i place = _mm512_mask_add_epi32(split, is_other, split, others);

		_mm512_store_si512(out + i, _mm512_slli_epi32(place, (unsigned) shift));
	}
}

static inline void
prepare_pair(const HmlTreeShap *shap, const HmlShapTrees *pair, const float *inputs,
			 const HmlShapScratch *scratch)
{
	const size_t n = 2 * (size_t) pair->n_splits;
	const Row row = load_row(inputs, shap->n_inputs);
	uint16_t bits[32] = {0};
	__m512i right;

	for (size_t i = 0; i < n; i += 16)
		bits[i / 16] = find_way(shap, pair->first_split + i, n - i, &row, scratch->own_next + i,
								scratch->other_share + i);
	right = _mm512_loadu_si512(bits);
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

/* Four values of the first tree, four of the second. */
static inline __m512d
join(const double *first, const double *second)
{
	return _mm512_mask_broadcast_f64x4(_mm512_castpd256_pd512(_mm256_load_pd(first)), 0xf0,
									   _mm256_load_pd(second));
}

/* One number for the first tree, one for the second. */
static inline __m512d
spread(const double *numbers)
{
	return _mm512_mask_broadcastsd_pd(_mm512_set1_pd(numbers[0]), 0xf0, _mm_load_sd(&numbers[1]));
}

static inline __m512d
weights_of(const HmlTreeShap *shap, size_t quad)
{
	return _mm512_broadcast_f64x4(_mm256_load_pd((const double *) &shap->weights[quad]));
}

static inline void
go_down(const HmlTreeShap *shap, size_t n, size_t quad, const HmlShapScratch *scratch)
{
	const double *rows = (const double *) (shap->absent + quad * shap->n_absent);
	const __m512d weight = weights_of(shap, quad);
	const uint32_t *parent = scratch->parent;
	const uint32_t *above = scratch->above;
	const uint32_t *own_next = scratch->own_next;
	const double *other_share = scratch->other_share;
	uint32_t *restrict absent_next = scratch->absent;
	double *restrict passed = (double *) scratch->passed;
	double *restrict others = (double *) (scratch->passed + 2 * shap->stride);
	double *restrict away = (double *) scratch->away;
	double *restrict effect = (double *) scratch->effect;

	for (size_t i = 0; i < n; i += 2)
	{
		uint32_t row0 = absent_next[above[i]];
		uint32_t row1 = absent_next[above[i + 1]];
		__m512d absent = join(rows + row0, rows + row1);
		__m512d reach = join(passed + parent[i], passed + parent[i + 1]);
		__m512d leave = _mm512_mul_pd(absent, spread(&other_share[i]));
		__m512d other = _mm512_mul_pd(leave, reach);
		__m512d counts = _mm512_sub_pd(weight, _mm512_mul_pd(weight, absent));

		absent_next[i] = own_next[i] & (row0 == HML_SHAP_ABSENT ? 0 : UINT32_MAX);
		absent_next[i + 1] = own_next[i + 1] & (row1 == HML_SHAP_ABSENT ? 0 : UINT32_MAX);
		_mm512_store_pd(away + HML_SHAP_QUAD * i, leave);
		_mm512_store_pd(effect + HML_SHAP_QUAD * i, _mm512_mul_pd(counts, reach));
		_mm512_store_pd(others + HML_SHAP_QUAD * i, other);
		_mm512_store_pd(passed + HML_SHAP_QUAD * i, _mm512_sub_pd(reach, other));
	}
}

/* Each half goes its own way. */
static inline void
part_pair(__m512d pair, double *first, double *second)
{
	_mm256_store_pd(first, _mm512_castpd512_pd256(pair));
	_mm256_store_pd(second, _mm512_extractf64x4_pd(pair, 1));
}

static inline void
pick_cherries(const HmlTreeShap *shap, const HmlShapTrees *pair, size_t quad, const HmlShapScratch *scratch)
{
	const size_t n = 2 * (size_t) pair->n_cherries;
	const double *rows = (const double *) (shap->absent + quad * shap->n_absent);
	const __m512d weight = weights_of(shap, quad);
	const uint32_t *feature = shap->cherries.feature + pair->first_cherry;
	const uint32_t *absent_next = scratch->absent;
	const uint32_t *parent = scratch->cherry_parent;
	const uint32_t *above = scratch->cherry_above;
	const double *value = scratch->cherry_value;
	const double *difference = scratch->cherry_difference;
	double *restrict passed = (double *) scratch->passed;
	HmlShapQuad *restrict sums = scratch->sums;

	for (size_t i = 0; i < n; i += 2)
	{
		double *first = passed + parent[i];
		double *second = passed + parent[i + 1];
		__m512d absent = join(rows + absent_next[above[i]], rows + absent_next[above[i + 1]]);
		__m512d counts = _mm512_sub_pd(weight, _mm512_mul_pd(weight, absent));
		__m512d change = _mm512_mul_pd(absent, spread(&difference[i]));

		__m512d effect = _mm512_mul_pd(_mm512_mul_pd(counts, join(first, second)), change);

		sums[feature[i]] += (HmlShapQuad) _mm512_castpd512_pd256(effect);
		sums[feature[i + 1]] += (HmlShapQuad) _mm512_extractf64x4_pd(effect, 1);
		part_pair(_mm512_sub_pd(spread(&value[i]), change), first, second);
	}
}

static inline void
go_up(const HmlTreeShap *shap, const HmlShapTrees *pair, size_t n, const HmlShapScratch *scratch)
{
	const uint32_t *feature = shap->splits.feature + pair->first_split;
	const uint32_t *parent = scratch->parent;
	double *restrict passed = (double *) scratch->passed;
	const double *others = (const double *) (scratch->passed + 2 * shap->stride);
	const double *away = (const double *) scratch->away;
	const double *effect = (const double *) scratch->effect;
	HmlShapQuad *restrict sums = scratch->sums;

	for (size_t i = n; i > 0;)
	{
		__m512d own;
		__m512d change;
		__m512d counts;

		i -= 2;
		own = _mm512_load_pd(passed + HML_SHAP_QUAD * i);
		change = _mm512_mul_pd(_mm512_load_pd(away + HML_SHAP_QUAD * i),
							   _mm512_sub_pd(own, _mm512_load_pd(others + HML_SHAP_QUAD * i)));
		part_pair(_mm512_sub_pd(own, change), passed + parent[i], passed + parent[i + 1]);
		counts = _mm512_mul_pd(_mm512_load_pd(effect + HML_SHAP_QUAD * i), change);
		sums[feature[i + 1]] += (HmlShapQuad) _mm512_extractf64x4_pd(counts, 1);
		sums[feature[i]] += (HmlShapQuad) _mm512_castpd512_pd256(counts);
	}
}

void
hml_treeshap_pair_v4(const HmlTreeShap *shap, const HmlShapTrees *pair, const float *row,
					 const HmlShapScratch *scratch)
{
	const size_t n = 2 * (size_t) pair->n_splits;

	if (n <= MOST_SPLITS)
		prepare_pair(shap, pair, row, scratch);
	else
		hml_shap_prepare_pair(shap, pair, row, scratch);
	for (size_t quad = 0; quad < shap->n_quads; quad++)
	{
		hml_shap_begin(n, scratch);
		go_down(shap, n, quad, scratch);
		pick_cherries(shap, pair, quad, scratch);
		hml_shap_place_leaves(shap, pair, scratch);
		go_up(shap, pair, n, scratch);
	}
}
