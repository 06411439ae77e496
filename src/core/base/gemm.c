/*
 * gemm.c
 *	  Matrix products on the tiles of tile.h.
 *
 * The loops round the tiles are those of K. Goto, R. van de Geijn: Anatomy of
 * high-performance matrix multiplication, ACM TOMS 34 (2008).  A panel of b (STEPS
 * rows of at most 64 columns) is packed on the stack, so that a tile reads it in
 * one stream; where too few rows would share it, and it lies well, it is read in
 * place.  BAND rows of a stay in the second-level cache while all panels pass.
 */
#define HML_VARIANT(name) name##_c
#include "core/base/gemm_impl.h"

#include "core/base/gemm.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "core/base/cpu.h"
#include "core/base/tile.h"

#define STEPS 256
#define BAND 480
#define IN_PLACE_ROWS 16 /* up to so many rows of a, packing b costs more than it brings */
#define DOT_ROWS 4       /* up to so many rows of a, a transposed b is not even transposed */

typedef struct Matrix
{
	const float *data;
	size_t row; /* distance from row to row */
	size_t column;
} Matrix;

typedef struct Product
{
	const HmlTileSet *set;
	size_t m;
	size_t n;
	size_t k;
	float alpha;
	float beta;
	Matrix a;
	Matrix b;
	float *c;
	size_t ldc;
} Product;

static Matrix
matrix(HmlTranspose trans, const float *data, size_t ld)
{
	return trans == HML_TRANS ? (Matrix){data, 1, ld} : (Matrix){data, ld, 1};
}

/* out is (steps, width): the columns of the panel, filled up with zeros to whole vectors. */
static void
pack_panel(const Product *p, size_t k0, size_t steps, size_t j0, size_t columns, size_t width, float *out)
{
	const float *b = p->b.data + k0 * p->b.row + j0 * p->b.column;

	if (p->b.column == 1)
		for (size_t s = 0; s < steps; s++)
			memcpy(out + s * width, b + s * p->b.row, columns * sizeof(float));
	else
		hml_transpose(columns, steps, b, p->b.column, out, width);
	if (columns < width)
		for (size_t s = 0; s < steps; s++)
			memset(out + s * width + columns, 0, (width - columns) * sizeof(float));
}

/* All rows i0 .. i0 + rows - 1 of one panel, over the steps k0 .. k0 + steps - 1. */
static void
multiply_panel(const Product *p, size_t i0, size_t rows, size_t k0, size_t steps, size_t j0, size_t columns)
{
	float packed[STEPS * HML_TILE_MAX_COLUMNS] __attribute__((aligned(64)));
	size_t vectors = (columns + p->set->lanes - 1) / p->set->lanes;
	size_t width = vectors * p->set->lanes;
	HmlTile tile = {.segments = 1,
					.length = steps,
					.a_row = p->a.row,
					.a_step = p->a.column,
					.b = packed,
					.b_step = width,
					.c_row = p->ldc,
					.add_row = p->ldc,
					.tail = columns - (vectors - 1) * p->set->lanes,
					.alpha = p->alpha,
					.beta = k0 == 0 ? p->beta : 1.0f,
					.low = -INFINITY};

	if (rows <= IN_PLACE_ROWS && p->b.column == 1 && columns == width)
	{
		tile.b = p->b.data + k0 * p->b.row + j0;
		tile.b_step = p->b.row;
	}
	else
		pack_panel(p, k0, steps, j0, columns, width, packed);

	tile.prefetch_row = p->a.row == 1 ? p->a.column : p->a.row;
	tile.prefetch_next = p->a.row == 1 ? 0 : 16 - 16 * p->a.row;
	for (size_t i = 0, n; i < rows; i += n)
	{
		n = hml_tile_rows(p->set, rows - i, vectors);
		tile.a = p->a.data + (i0 + i) * p->a.row + k0 * p->a.column;
		tile.prefetch = tile.a + (p->a.row == 1 ? 8 * p->a.column : n * p->a.row);
		tile.c = p->c + (i0 + i) * p->ldc + j0;
		tile.add = tile.beta == 0.0f ? NULL : tile.c;
		p->set->compute[vectors - 1][n - 1](&tile);
	}
}

static void
multiply(const Product *p)
{
	for (size_t i0 = 0; i0 < p->m; i0 += BAND)
	{
		size_t rows = p->m - i0 < BAND ? p->m - i0 : BAND;

		for (size_t k0 = 0; k0 < p->k; k0 += STEPS)
		{
			size_t steps = p->k - k0 < STEPS ? p->k - k0 : STEPS;
			size_t columns;

			for (size_t j0 = 0; j0 < p->n; j0 += columns)
			{
				columns = hml_tile_vectors(p->set, p->n - j0) * p->set->lanes;
				if (columns > p->n - j0)
					columns = p->n - j0;
				multiply_panel(p, i0, rows, k0, steps, j0, columns);
			}
		}
	}
}

static void
scale(float *c, size_t count, float beta)
{
	if (beta == 0.0f)
		memset(c, 0, count * sizeof(float));
	else
		for (size_t i = 0; i < count; i++)
			c[i] *= beta;
}

/* Few rows times a transposed matrix: every sum is a dot product of two rows that lie in memory. */
static void
multiply_dots(const Product *p)
{
	HmlSdots *dots = HML_PICK(hml_sdots);
	float sums[64];

	for (size_t i = 0; i < p->m; i++)
		for (size_t j0 = 0; j0 < p->n; j0 += 64)
		{
			size_t count = p->n - j0 < 64 ? p->n - j0 : 64;
			float *c = p->c + i * p->ldc + j0;

			dots(p->k, p->a.data + i * p->a.row, count, p->b.data + j0 * p->b.column, p->b.column, sums);
			for (size_t j = 0; j < count; j++)
				c[j] = p->beta == 0.0f ? p->alpha * sums[j] : p->alpha * sums[j] + p->beta * c[j];
		}
}

void
hml_sgemm(HmlTranspose trans_a, HmlTranspose trans_b, size_t m, size_t n, size_t k, float alpha,
		  const float *a, size_t lda, const float *b, size_t ldb, float beta, float *c, size_t ldc)
{
	Product p = {hml_tile_set(),          m, n,  k, alpha, beta, matrix(trans_a, a, lda),
				 matrix(trans_b, b, ldb), c, ldc};

	if (k == 0)
		for (size_t i = 0; i < m; i++)
			scale(c + i * ldc, n, beta);
	else if (p.a.column == 1 && p.b.row == 1 && (m <= DOT_ROWS || n == 1))
		multiply_dots(&p);
	else
		multiply(&p);
}

void
hml_sgemv(HmlTranspose trans, size_t m, size_t n, float alpha, const float *a, size_t lda, const float *x,
		  float beta, float *y)
{
	if (trans == HML_TRANS)
		hml_sgemm(HML_NO_TRANS, HML_NO_TRANS, 1, n, m, alpha, x, m, a, lda, beta, y, n);
	else
		hml_sgemm(HML_NO_TRANS, HML_TRANS, 1, m, n, alpha, x, n, a, lda, beta, y, m);
}

/* y[s][j] = x[j][s] for a block of four by four. */
static inline void
transpose_block(const float *x, size_t ldx, float *y, size_t ldy)
{
	typedef float Four __attribute__((vector_size(16)));
	Four row[4], low[2], high[2];

	for (size_t j = 0; j < 4; j++)
		memcpy(&row[j], x + j * ldx, sizeof(Four));
	low[0] = __builtin_shufflevector(row[0], row[1], 0, 4, 1, 5);
	low[1] = __builtin_shufflevector(row[2], row[3], 0, 4, 1, 5);
	high[0] = __builtin_shufflevector(row[0], row[1], 2, 6, 3, 7);
	high[1] = __builtin_shufflevector(row[2], row[3], 2, 6, 3, 7);
	row[0] = __builtin_shufflevector(low[0], low[1], 0, 1, 4, 5);
	row[1] = __builtin_shufflevector(low[0], low[1], 2, 3, 6, 7);
	row[2] = __builtin_shufflevector(high[0], high[1], 0, 1, 4, 5);
	row[3] = __builtin_shufflevector(high[0], high[1], 2, 3, 6, 7);
	for (size_t s = 0; s < 4; s++)
		memcpy(y + s * ldy, &row[s], sizeof(Four));
}

void
hml_transpose(size_t m, size_t n, const float *x, size_t ldx, float *y, size_t ldy)
{
	size_t m4 = m - m % 4;
	size_t n4 = n - n % 4;

	for (size_t j = 0; j < n4; j += 4)
		for (size_t i = 0; i < m4; i += 4)
			transpose_block(x + i * ldx + j, ldx, y + j * ldy + i, ldy);
	for (size_t j = 0; j < n; j++)
		for (size_t i = j < n4 ? m4 : 0; i < m; i++)
			y[j * ldy + i] = x[i * ldx + j];
}
