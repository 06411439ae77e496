/*
 * winograd.c
 *	  3 x 3 convolutions by Winograd's minimal filtering.
 *
 * With input patches d (4 x 4) and filters g (3 x 3), the 2 x 2 outputs of a tile
 * are A' [(G g G') * (B' d B)] A, where * multiplies element by element and sums
 * over the channels:
 *
 *	     | 1  0 -1  0 |        | 1    0    0   |         | 1  1  1  0 |
 *	B' = | 0  1  1  0 |    G = | 1/2  1/2  1/2 |    A' = | 0  1 -1 -1 |
 *	     | 0 -1  1  0 |        | 1/2 -1/2  1/2 |
 *	     | 0  1  0 -1 |        | 0    0    1   |
 *
 * Tiles go in blocks whose transforms stay in the second-level cache; for each of
 * the 16 elements a block is one matrix product.  Polls between blocks.
 */
#define HML_VARIANT(name) name##_c
#include "core/nn/kernel/winograd_impl.h"

#include "core/nn/kernel/winograd.h"

#include <math.h>
#include <string.h>

#include "core/base/cpu.h"
#include "core/nn/kernel/channels.h"
#include "core/nn/kernel/dense.h"

#define POSITIONS 16
#define MIN_CHANNELS 16
#define BLOCK_FLOATS 131072 /* of both transforms: half a megabyte */
#define MAX_LANES 16

bool
hml_winograd_fits(const HmlConvShape *s)
{
	return s->groups == 1 && s->in_channels >= MIN_CHANNELS && s->out_channels >= MIN_CHANNELS &&
		   s->window.kernel[0] == 3 && s->window.kernel[1] == 3 && s->window.stride[0] == 1 &&
		   s->window.stride[1] == 1 && s->window.dilation[0] == 1 && s->window.dilation[1] == 1 &&
		   s->window.out[0] >= 2 && s->window.out[1] >= 2;
}

/* ---- filters ---------------------------------------------------------------------------------------- */

size_t
hml_winograd_packed_size(const HmlTileSet *set, const HmlConvShape *s)
{
	return POSITIONS * hml_dense_packed_size(set, s->in_channels, s->out_channels);
}

/* Filters of a panel for one input channel, element by element, so that compilers can vectorise. */
typedef float Panel[HML_TILE_MAX_COLUMNS];

/* out = G times the three panels in[0], in[step], in[2 step]; out[k] is at out[k * out_step]. */
static void
transform_three(const Panel *in, size_t step, Panel *out, size_t out_step)
{
	for (size_t j = 0; j < HML_TILE_MAX_COLUMNS; j++)
	{
		float ends = in[0][j] + in[2 * step][j];

		out[0][j] = in[0][j];
		out[out_step][j] = (ends + in[step][j]) * 0.5f;
		out[2 * out_step][j] = (ends - in[step][j]) * 0.5f;
		out[3 * out_step][j] = in[2 * step][j];
	}
}

/* u (4 x 4) = G g G' for g (3 x 3). */
static void
transform_filters(const Panel g[9], Panel u[POSITIONS])
{
	Panel half[12]; /* G g, (4 x 3) */

	for (size_t j = 0; j < 3; j++)
		transform_three(g + j, 3, half + j, 3);
	for (size_t i = 0; i < 4; i++)
		transform_three((const Panel *) half + 3 * i, 1, u + 4 * i, 1);
}

void
hml_winograd_pack(const HmlTileSet *set, const HmlConvShape *s, const float *w, const float *scale,
				  float *packed)
{
	size_t position = hml_dense_packed_size(set, s->in_channels, s->out_channels);
	Panel g[9] = {{0}};
	Panel u[POSITIONS];
	size_t width;

	for (size_t first = 0; first < s->out_channels; first += width)
	{
		size_t columns;

		width = hml_tile_vectors(set, s->out_channels - first) * set->lanes;
		columns = width < s->out_channels - first ? width : s->out_channels - first;
		memset(g, 0, sizeof(g));
		for (size_t c = 0; c < s->in_channels; c++, packed += width)
		{
			for (size_t j = 0; j < columns; j++)
				for (size_t i = 0; i < 9; i++)
					g[i][j] = w[((first + j) * s->in_channels + c) * 9 + i] *
							  (scale == NULL ? 1.0f : scale[first + j]);
			transform_filters((const Panel *) g, u);
			for (size_t p = 0; p < POSITIONS; p++)
				memcpy(packed + p * position, u[p], width * sizeof(float));
		}
	}
}

/* ---- tiles ------------------------------------------------------------------------------------------ */

static size_t
block_tiles(const HmlConvShape *s)
{
	size_t tiles = BLOCK_FLOATS / (POSITIONS * (s->in_channels + s->out_channels));

	return tiles < 12 ? 12 : tiles;
}

size_t
hml_winograd_scratch(const HmlConvShape *s)
{
	return POSITIONS * block_tiles(s) * (s->in_channels + s->out_channels) + MAX_LANES;
}

/* Tiles begin .. end - 1 of one image, counted along the rows. */
typedef struct Block
{
	size_t image;
	size_t begin;
	size_t end;
	size_t columns; /* tiles in a row */
	float *v;       /* (positions, tiles, in_channels) */
	float *m;       /* (positions, tiles, out_channels) */
} Block;

static void
transform_inputs(const HmlConvCall *call, const WinogradSet *set, const Block *b)
{
	size_t channels = call->shape->in_channels;
	size_t position = (b->end - b->begin) * channels;

	for (size_t t = b->begin; t < b->end; t++)
	{
		const float *x = call->x.data + b->image * call->x.image + 2 * (t / b->columns) * call->x.row +
						 2 * (t % b->columns) * call->x.pixel;

		set->input(x, call->x.row, call->x.pixel, channels, b->v + (t - b->begin) * channels, position);
	}
}

static HmlStatus
multiply(HmlContext *ctx, const HmlConvCall *call, const Block *b)
{
	size_t in = call->shape->in_channels;
	size_t out = call->shape->out_channels;
	size_t tiles = b->end - b->begin;
	HmlDense dense = {.set = call->set, .in = in, .out = out, .packed = call->packed};

	for (size_t p = 0; p < POSITIONS; p++)
	{
		HML_TRY(hml_dense_run(ctx, &dense, tiles, b->v + p * tiles * in, in, b->m + p * tiles * out, out));
		dense.packed += hml_dense_packed_size(call->set, in, out);
	}
	return HML_OK;
}

static void
transform_outputs(const HmlConvCall *call, const WinogradSet *set, const Block *b)
{
	const HmlConvShape *s = call->shape;
	size_t position = (b->end - b->begin) * s->out_channels;

	for (size_t t = b->begin; t < b->end; t++)
	{
		WinogradOutput out = {.bias = call->bias, .low = call->activation == HML_ACT_RELU ? 0.0f : -INFINITY};

		for (size_t k = 0; k < 4; k++)
		{
			size_t i = 2 * (t / b->columns) + k / 2;
			size_t j = 2 * (t % b->columns) + k % 2;

			if (i >= s->window.out[0] || j >= s->window.out[1])
				continue;
			out.y[k] = call->y.data + b->image * call->y.image + i * call->y.row + j * call->y.pixel;
			if (call->add.data != NULL)
				out.add[k] =
					call->add.data + b->image * call->add.image + i * call->add.row + j * call->add.pixel;
		}
		set->output(b->m + (t - b->begin) * s->out_channels, position, s->out_channels, &out);
		for (size_t k = 0; k < 4 && call->activation != HML_ACT_RELU; k++)
			if (out.y[k] != NULL)
				hml_channels()->activate(call->activation, call->slope, out.y[k], 1, s->out_channels,
										 s->out_channels);
	}
}

HmlStatus
hml_winograd_run(HmlContext *ctx, const HmlConvCall *call, float *scratch)
{
	const WinogradSet *set = HML_PICK(&hml_winograd_set);
	const HmlConvShape *s = call->shape;
	Block b = {.columns = (s->window.out[1] + 1) / 2, .v = scratch};
	size_t tiles = (s->window.out[0] + 1) / 2 * b.columns;
	size_t most = block_tiles(s);

	b.m = scratch + POSITIONS * most * s->in_channels;
	for (; b.image < call->n; b.image++)
		for (b.begin = 0; b.begin < tiles; b.begin = b.end)
		{
			b.end = tiles - b.begin < most ? tiles : b.begin + most;
			transform_inputs(call, set, &b);
			HML_TRY(multiply(ctx, call, &b));
			transform_outputs(call, set, &b);
			HML_TRY(hml_poll(ctx));
		}
	return HML_OK;
}
