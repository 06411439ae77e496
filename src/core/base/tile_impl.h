/*
 * tile_impl.h
 *	  Template of tile.h, see simd.h for how templates are used.
 */
#include "core/base/simd.h"
#include "core/base/tile.h"

/* As many sums as there are registers, less those for the columns and one for a. */
#if VEC_LANES == 16
#define TILE_VECTORS 4
#define TILE_ROWS \
	{ \
		14, 14, 9, 6 \
	}
#else
#define TILE_VECTORS 2
#define TILE_ROWS \
	{ \
		12, 6 \
	}
#endif

HML_INLINE void
tile_finish(const HmlTile *t, Vec sum, size_t row, size_t column, int masked)
{
	float *c = t->c + row * t->c_row + column;
	VecMask mask = vec_mask(t->tail);
	Vec value = sum * vec_set1(t->alpha);

	if (t->add != NULL)
	{
		const float *add = t->add + row * t->add_row + column;

		value = vec_fma(vec_set1(t->beta), masked ? vec_load_mask(add, mask) : vec_load(add), value);
	}
	value = vec_max(vec_set1(t->low), value);
	if (masked)
		vec_store_mask(c, mask, value);
	else
		vec_store(c, value);
}

/* 'rows' and 'vectors' are constants where this is used: all loops but those over the steps vanish. */
HML_INLINE void
tile_compute(const HmlTile *t, const int rows, const int vectors)
{
	Vec sum[HML_TILE_MAX_ROWS][HML_TILE_MAX_VECTORS];
	Vec column[HML_TILE_MAX_VECTORS];
	const size_t row = t->a_row;

#pragma GCC unroll 4
	for (int j = 0; j < vectors; j++)
		column[j] = t->bias == NULL ? vec_zero() : vec_load(t->bias + j * VEC_LANES);
#pragma GCC unroll 14
	for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
		for (int j = 0; j < vectors; j++)
			sum[i][j] = column[j];

	for (size_t s = 0; s < t->segments; s++)
	{
		/* a number and no pointer: it may run ahead of its array, or back in front of it */
		uintptr_t ahead = (uintptr_t) t->prefetch + s * t->a_segment * sizeof(float);
		const float *a = t->a + s * t->a_segment;
		const float *b = t->b + s * t->b_segment;

		for (size_t p = 0; p < t->length; p++)
		{
#pragma GCC unroll 4
			for (int j = 0; j < vectors; j++)
				column[j] = vec_load(b + j * VEC_LANES);
			__builtin_prefetch((const void *) ahead);
			ahead += t->prefetch_row * sizeof(float);
			if (p % 16 == 15)
				ahead += t->prefetch_next * sizeof(float);
#pragma GCC unroll 14
			for (int i = 0; i < rows; i++)
			{
				/* in groups of three, which x86 can address with few registers */
				Vec x = vec_set1(*(a + (size_t) (i / 3) * 3 * row + (size_t) (i % 3) * row));

#pragma GCC unroll 4
				for (int j = 0; j < vectors; j++)
					sum[i][j] = vec_fma(x, column[j], sum[i][j]);
			}
			a += t->a_step;
			b += t->b_step;
		}
	}

#pragma GCC unroll 14
	for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
		for (int j = 0; j < vectors; j++)
			tile_finish(t, sum[i][j], (size_t) i, (size_t) j * VEC_LANES,
						j == vectors - 1 && t->tail != VEC_LANES);
}

#define TILE(vectors, rows) \
	static void tile_##vectors##_##rows(const HmlTile *t) \
	{ \
		tile_compute(t, rows, vectors); \
	}

/* clang-format off */
TILE(1, 1)
TILE(1, 2)
TILE(1, 3)
TILE(1, 4)
TILE(1, 5)
TILE(1, 6)
TILE(1, 7)
TILE(1, 8)
TILE(1, 9)
TILE(1, 10)
TILE(1, 11)
TILE(1, 12)
TILE(2, 1)
TILE(2, 2)
TILE(2, 3)
TILE(2, 4)
TILE(2, 5)
TILE(2, 6)
#if VEC_LANES == 16
TILE(1, 13)
TILE(1, 14)
TILE(2, 7)
TILE(2, 8)
TILE(2, 9)
TILE(2, 10)
TILE(2, 11)
TILE(2, 12)
TILE(2, 13)
TILE(2, 14)
TILE(3, 1)
TILE(3, 2)
TILE(3, 3)
TILE(3, 4)
TILE(3, 5)
TILE(3, 6)
TILE(3, 7)
TILE(3, 8)
TILE(3, 9)
TILE(4, 1)
TILE(4, 2)
TILE(4, 3)
TILE(4, 4)
TILE(4, 5)
TILE(4, 6)
#endif
/* clang-format on */

const HmlTileSet HML_VARIANT(hml_tile_set) = {
	VEC_LANES,
	VEC_LANES == 16  ? 4
	: VEC_LANES == 8 ? 3
					 : 2,
	TILE_VECTORS,
	TILE_ROWS,
#if VEC_LANES == 16
	{
		{tile_1_1, tile_1_2, tile_1_3, tile_1_4, tile_1_5, tile_1_6, tile_1_7, tile_1_8, tile_1_9, tile_1_10,
		 tile_1_11, tile_1_12, tile_1_13, tile_1_14},
		{tile_2_1, tile_2_2, tile_2_3, tile_2_4, tile_2_5, tile_2_6, tile_2_7, tile_2_8, tile_2_9, tile_2_10,
		 tile_2_11, tile_2_12, tile_2_13, tile_2_14},
		{tile_3_1, tile_3_2, tile_3_3, tile_3_4, tile_3_5, tile_3_6, tile_3_7, tile_3_8, tile_3_9},
		{tile_4_1, tile_4_2, tile_4_3, tile_4_4, tile_4_5, tile_4_6},
	},
#else
	{
		{tile_1_1, tile_1_2, tile_1_3, tile_1_4, tile_1_5, tile_1_6, tile_1_7, tile_1_8, tile_1_9, tile_1_10,
		 tile_1_11, tile_1_12},
		{tile_2_1, tile_2_2, tile_2_3, tile_2_4, tile_2_5, tile_2_6},
	},
#endif
};
