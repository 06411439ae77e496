/*
 * tile.h
 *	  The innermost product: a few rows times a few vectors of columns, all in registers.
 *
 * Every matrix product and every convolution of libhml ends here.  After K. Goto,
 * R. van de Geijn: Anatomy of high-performance matrix multiplication, ACM TOMS 34
 * (2008), with one difference: a is read where it lies, one broadcast element at
 * a time, so that the window of a convolution needs no copy (im2col) either.
 *
 *	  c[i][j] = max(low, alpha * (bias[j] + sum a[i][s][p] * b[s][p][j]) + beta * add[i][j])
 *
 * over the segments s and the steps p of each: a matrix has one segment, a
 * convolution in channels-last layout one for each row of its window.  The order
 * of the sum is fixed; variants differ in rounding only.
 */
#ifndef HML_BASE_TILE_H
#define HML_BASE_TILE_H

#include <stddef.h>

typedef struct HmlTile
{
	size_t segments;
	size_t length; /* steps of a segment */
	const float *a;
	size_t a_row;     /* distance from row to row of a */
	size_t a_step;    /* from step to step */
	size_t a_segment; /* from segment to segment */
	const float *b;   /* whole vectors can be read from every row */
	size_t b_step;    /* from step to step */
	size_t b_segment; /* from segment to segment */
	float *c;
	size_t c_row;
	size_t tail;       /* columns in the last vector, 1 to lanes */
	const float *bias; /* filled up to whole vectors; NULL = 0 */
	const float *add;  /* like c, and may be c itself; NULL = 0 */
	size_t add_row;
	float alpha;
	float beta;
	float low;             /* -INFINITY for none, 0 for ReLU; NaN passes */
	const float *prefetch; /* what is wanted next: an address for each of 16 steps, ... */
	size_t prefetch_row;   /* ... this far apart, ... */
	size_t prefetch_next;  /* ... then this far ahead of the last group of 16 */
} HmlTile;

#define HML_TILE_MAX_VECTORS 4
#define HML_TILE_MAX_ROWS 14
#define HML_TILE_MAX_COLUMNS 64 /* of any variant */

typedef void (*HmlTileFunction)(const HmlTile *tile);

/* The tiles of one variant: compute[v - 1][r - 1] has r rows and v vectors of 'lanes' columns. */
typedef struct HmlTileSet
{
	size_t lanes;
	unsigned lane_bits;                /* lanes = 1 << lane_bits */
	size_t vectors;                    /* 1 to HML_TILE_MAX_VECTORS */
	size_t rows[HML_TILE_MAX_VECTORS]; /* most rows of a tile with 1, 2, ... vectors */
	HmlTileFunction compute[HML_TILE_MAX_VECTORS][HML_TILE_MAX_ROWS];
} HmlTileSet;

extern const HmlTileSet hml_tile_set_c;
extern const HmlTileSet hml_tile_set_v3;
extern const HmlTileSet hml_tile_set_v4;

/* The fastest set that this processor can run. */
extern const HmlTileSet *hml_tile_set(void);

/* The size of the next share of n when all are to be equal, and at most 'most'.  Small products want no division. */
static inline size_t
hml_tile_share(size_t n, size_t most)
{
	size_t shares;

	if (n <= most)
		return n;
	shares = (n + most - 1) / most;
	return (n + shares - 1) / shares;
}

/* Rows of the next tile when n are left. */
static inline size_t
hml_tile_rows(const HmlTileSet *set, size_t n, size_t vectors)
{
	return hml_tile_share(n, set->rows[vectors - 1]);
}

/* Vectors of the next panel when n columns are left. */
static inline size_t
hml_tile_vectors(const HmlTileSet *set, size_t n)
{
	return hml_tile_share((n + set->lanes - 1) >> set->lane_bits, set->vectors);
}

#endif /* HML_BASE_TILE_H */
