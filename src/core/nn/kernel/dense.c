/*
 * dense.c
 *	  Dense layers on tiles.
 *
 * A layer that one block of conv.c would do anyway goes straight to the tiles:
 * for a row of a small network the general loops cost more than the products.
 */
#include "core/nn/kernel/dense.h"

#include <math.h>

#include "core/nn/kernel/channels.h"
#include "core/nn/kernel/conv.h"

#define SMALL_IN 512
#define SMALL_PRODUCTS 1e6 /* multiply-adds that need no poll: 0.1 ms at worst */

static HmlConvShape
one_pixel(size_t in, size_t out)
{
	return (HmlConvShape){in, out, 1, {{1, 1}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, {0, 0}}};
}

size_t
hml_dense_packed_size(const HmlTileSet *set, size_t in, size_t out)
{
	HmlConvShape shape = one_pixel(in, out);

	return hml_conv_packed_size(set, &shape);
}

void
hml_dense_pack(const HmlTileSet *set, size_t in, size_t out, const float *w, const float *scale,
			   float *packed)
{
	HmlConvShape shape = one_pixel(in, out);

	hml_conv_pack(set, &shape, w, scale, packed);
}

static void
run_panel(const HmlDense *dense, HmlTile *tile, size_t vectors, size_t rows, const float *x, float *y)
{
	for (size_t i = 0, n; i < rows; i += n)
	{
		n = hml_tile_rows(dense->set, rows - i, vectors);
		tile->a = x + i * tile->a_row;
		tile->prefetch = tile->a + n * tile->a_row;
		tile->c = y + i * tile->c_row;
		dense->set->compute[vectors - 1][n - 1](tile);
	}
}

static void
run_small(const HmlDense *dense, size_t rows, const float *x, size_t ldx, float *y, size_t ldy)
{
	HmlTile tile = {.segments = 1,
					.length = dense->in,
					.a_row = ldx,
					.a_step = 1,
					.b = dense->packed,
					.c_row = ldy,
					.alpha = 1.0f,
					.low = dense->activation == HML_ACT_RELU ? 0.0f : -INFINITY,
					.prefetch_row = ldx,
					.prefetch_next = 16 - 16 * ldx};
	size_t width;

	for (size_t first = 0; first < dense->out; first += width)
	{
		size_t vectors = hml_tile_vectors(dense->set, dense->out - first);

		width = vectors * dense->set->lanes;
		tile.b_step = width;
		tile.bias = dense->bias == NULL ? NULL : dense->bias + first;
		tile.tail = dense->set->lanes;
		if (width > dense->out - first)
			tile.tail -= width - (dense->out - first);
		run_panel(dense, &tile, vectors, rows, x, y + first);
		tile.b += dense->in * width;
	}
	if (dense->activation != HML_ACT_NONE && dense->activation != HML_ACT_RELU)
		hml_channels()->activate(dense->activation, dense->slope, y, rows, dense->out, ldy);
}

static HmlStatus
run_large(HmlContext *ctx, const HmlDense *dense, size_t rows, const float *x, size_t ldx, float *y,
		  size_t ldy)
{
	HmlConvShape shape = one_pixel(dense->in, dense->out);
	HmlConvCall call = {.set = dense->set,
						.shape = &shape,
						.packed = dense->packed,
						.bias = dense->bias,
						.n = rows,
						.x = {(float *) (uintptr_t) x, ldx, ldx, ldx}, /* which is only read */
						.y = {y, ldy, ldy, ldy},
						.activation = dense->activation,
						.slope = dense->slope};

	return hml_conv_run(ctx, &call);
}

HmlStatus
hml_dense_run(HmlContext *ctx, const HmlDense *dense, size_t rows, const float *x, size_t ldx, float *y,
			  size_t ldy)
{
	if (dense->in > SMALL_IN || (double) rows * (double) dense->in * (double) dense->out > SMALL_PRODUCTS)
		return run_large(ctx, dense, rows, x, ldx, y, ldy);
	run_small(dense, rows, x, ldx, y, ldy);
	return HML_OK;
}
