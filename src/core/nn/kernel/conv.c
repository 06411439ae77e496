/*
 * conv.c
 *	  Convolutions on tiles.
 *
 * The loops, from the outside: groups of channels, bands of output pixels whose
 * input stays in the second-level cache, panels of at most 64 output channels,
 * blocks of the window whose filters stay there too, pixels, tiles.  Polls for
 * cancellation between panels.
 */
#include "core/nn/kernel/conv.h"

#include <math.h>

#include "core/base/gemm.h"
#include "core/nn/kernel/channels.h"

#define BAND_PIXELS 512
#define BLOCK_STEPS 512
#define POLL_PRODUCTS 1000000.0 /* multiply-adds between two polls, 0.1 ms at worst */

/* ---- filters ---------------------------------------------------------------------------------------- */

static size_t
window_steps(const HmlConvShape *shape)
{
	return shape->window.kernel[0] * shape->window.kernel[1] * (shape->in_channels / shape->groups);
}

static size_t
group_packed_size(const HmlTileSet *set, const HmlConvShape *shape)
{
	size_t columns = shape->out_channels / shape->groups;

	return (columns + set->lanes - 1) / set->lanes * set->lanes * window_steps(shape);
}

size_t
hml_conv_packed_size(const HmlTileSet *set, const HmlConvShape *shape)
{
	return shape->groups * group_packed_size(set, shape);
}

/* Filters of 'columns' output channels: packed is (steps, width), steps in the order row, column, channel. */
static void
pack_panel(const HmlConvShape *shape, const float *w, size_t columns, size_t width, float *packed)
{
	size_t taps = shape->window.kernel[0] * shape->window.kernel[1];
	size_t channels = shape->in_channels / shape->groups;
	size_t steps = taps * channels;

	if (taps == 1)
		hml_transpose(columns, steps, w, steps, packed, width);
	else
		for (size_t tap = 0; tap < taps; tap++)
			for (size_t c = 0; c < channels; c++)
				for (size_t j = 0; j < columns; j++)
					packed[(tap * channels + c) * width + j] = w[j * steps + c * taps + tap];
	for (size_t s = 0; s < steps; s++)
		for (size_t j = columns; j < width; j++)
			packed[s * width + j] = 0.0f;
}

static void
scale_panel(const float *scale, size_t steps, size_t columns, size_t width, float *packed)
{
	for (size_t s = 0; s < steps; s++)
		for (size_t j = 0; j < columns; j++)
			packed[s * width + j] *= scale[j];
}

void
hml_conv_pack(const HmlTileSet *set, const HmlConvShape *shape, const float *w, const float *scale,
			  float *packed)
{
	size_t steps = window_steps(shape);
	size_t group_columns = shape->out_channels / shape->groups;

	for (size_t g = 0; g < shape->groups; g++)
	{
		size_t first = g * group_columns;
		size_t end = first + group_columns;

		while (first < end)
		{
			size_t width = hml_tile_vectors(set, end - first) * set->lanes;
			size_t columns = width < end - first ? width : end - first;

			pack_panel(shape, w + first * steps, columns, width, packed);
			if (scale != NULL)
				scale_panel(scale + first, steps, columns, width, packed);
			packed += steps * width;
			first += columns;
		}
	}
}

void
hml_conv_scale_inputs(const HmlTileSet *set, const HmlConvShape *shape, const float *packed,
					  const float *factors, float *out)
{
	size_t width;

	for (size_t first = 0; first < shape->out_channels; first += width)
	{
		width = hml_tile_vectors(set, shape->out_channels - first) * set->lanes;
		for (size_t c = 0; c < shape->in_channels; c++, packed += width, out += width)
			for (size_t j = 0; j < width; j++)
				out[j] = packed[j] * factors[c];
	}
}

/* ---- pixels ----------------------------------------------------------------------------------------- */

/* One direction in which output pixels are counted, with the distances from one to the next. */
typedef struct Axis
{
	size_t count;
	size_t x;
	size_t y;
	size_t add;
} Axis;

/* The output pixels as an inner direction, along which tiles lie, and up to two outer ones. */
typedef struct Pixels
{
	Axis inner;
	Axis outer[2]; /* [0] is the faster one */
} Pixels;

static bool
axes_join(const Axis *outer, const Axis *inner)
{
	return outer->x == inner->count * inner->x && outer->y == inner->count * inner->y &&
		   outer->add == inner->count * inner->add;
}

/* Directions that are one in memory become one, so that small images and dense layers fill the tiles too. */
static Pixels
join_pixels(const HmlConvCall *call)
{
	const HmlConvShape *shape = call->shape;
	const HmlImages *add = call->add.data == NULL ? &call->y : &call->add;
	Axis axes[3] = {
		{shape->window.out[1], call->x.pixel * shape->window.stride[1], call->y.pixel, add->pixel},
		{shape->window.out[0], call->x.row * shape->window.stride[0], call->y.row, add->row},
		{call->n, call->x.image, call->y.image, add->image},
	};
	Axis joined[3] = {{1, 0, 0, 0}, {1, 0, 0, 0}, {1, 0, 0, 0}};
	size_t n = 0;

	for (size_t i = 0; i < 3; i++)
	{
		if (axes[i].count == 1)
			continue;
		if (n > 0 && axes_join(&axes[i], &joined[n - 1]))
			joined[n - 1].count *= axes[i].count;
		else
			joined[n++] = axes[i];
	}
	return (Pixels){joined[0], {joined[1], joined[2]}};
}

/* ---- the window ------------------------------------------------------------------------------------- */

/* The window as parts of segments of steps: two or three nested loops over memory. */
typedef struct Window
{
	size_t parts;
	size_t part_x; /* distance from part to part */
	size_t segments;
	size_t segment_x;
	size_t length;
} Window;

static Window
describe_window(const HmlConvCall *call)
{
	const HmlConvShape *shape = call->shape;
	size_t channels = shape->in_channels / shape->groups;
	size_t row_x = shape->window.dilation[0] * call->x.row;
	size_t pixel_x = shape->window.dilation[1] * call->x.pixel;

	if (pixel_x == channels || shape->window.kernel[1] == 1) /* the taps of a row are contiguous */
		return (Window){1, 0, shape->window.kernel[0], row_x, shape->window.kernel[1] * channels};
	if (shape->window.kernel[0] == 1)
		return (Window){1, 0, shape->window.kernel[1], pixel_x, channels};
	return (Window){shape->window.kernel[0], row_x, shape->window.kernel[1], pixel_x, channels};
}

/* ---- the product ------------------------------------------------------------------------------------ */

/* A panel of output channels. */
typedef struct Panel
{
	const HmlConvCall *call;
	const Pixels *pixels;
	size_t x_channel; /* first input channel of the group */
	size_t first;     /* output channel */
	size_t columns;
	size_t vectors;
	const float *packed;
} Panel;

/* The pixels of a band: whole outer rows, or a part of one. */
typedef struct Band
{
	size_t outer_begin;
	size_t outer_end;
	size_t inner_begin;
	size_t inner_end;
} Band;

/* One part of the window, for the pixels of one outer row. */
static void
run_row(const Panel *panel, const Band *band, size_t outer, const HmlTile *pattern, bool accumulate)
{
	const Axis *axes = panel->pixels->outer;
	const Axis *inner = &panel->pixels->inner;
	size_t fast = outer % axes[0].count;
	size_t slow = outer / axes[0].count;
	size_t pixels = band->inner_end - band->inner_begin;
	HmlTile tile = *pattern;

	tile.a += slow * axes[1].x + fast * axes[0].x + band->inner_begin * inner->x;
	tile.c += slow * axes[1].y + fast * axes[0].y + band->inner_begin * inner->y;
	if (accumulate)
		tile.add = tile.c;
	else if (tile.add != NULL)
		tile.add += slow * axes[1].add + fast * axes[0].add + band->inner_begin * inner->add;
	tile.add_row = accumulate ? inner->y : inner->add;

	for (size_t done = 0, n; done < pixels; done += n)
	{
		n = hml_tile_rows(panel->call->set, pixels - done, panel->vectors);
		tile.prefetch = tile.a + n * tile.a_row;
		panel->call->set->compute[panel->vectors - 1][n - 1](&tile);
		tile.a += n * tile.a_row;
		tile.c += n * tile.c_row;
		if (tile.add != NULL)
			tile.add += n * tile.add_row;
	}
}

/* All pixels of the band, window part by window part, the filters of each staying in the cache. */
static void
run_panel(const Panel *panel, const Band *band, const Window *window)
{
	const HmlConvCall *call = panel->call;
	const Axis *inner = &panel->pixels->inner;
	size_t width = panel->vectors * call->set->lanes;
	size_t block_steps = hml_tile_share(window->length, BLOCK_STEPS);
	size_t block_segments = hml_tile_share(window->segments, BLOCK_STEPS / block_steps);
	size_t first_step = 0;
	size_t steps = window->parts * window->segments * window->length;

	for (size_t part = 0; part < window->parts; part++)
		for (size_t s = 0; s < window->segments; s += block_segments)
			for (size_t p = 0; p < window->length; p += block_steps)
			{
				size_t segments =
					window->segments - s < block_segments ? window->segments - s : block_segments;
				size_t length = window->length - p < block_steps ? window->length - p : block_steps;
				HmlTile tile = {.segments = segments,
								.length = length,
								.a = call->x.data + panel->x_channel + part * window->part_x +
									 s * window->segment_x + p,
								.a_row = inner->x,
								.a_step = 1,
								.a_segment = window->segment_x,
								.b = panel->packed + first_step * width,
								.b_step = width,
								.b_segment = length * width,
								.c = call->y.data + panel->first,
								.c_row = inner->y,
								.tail = panel->columns - (panel->vectors - 1) * call->set->lanes,
								.alpha = 1.0f,
								.beta = 1.0f,
								.low = -INFINITY,
								.prefetch_row = inner->x,
								.prefetch_next = 16 - 16 * inner->x};

				if (first_step == 0)
				{
					tile.bias = call->bias == NULL ? NULL : call->bias + panel->first;
					tile.add = call->add.data == NULL ? NULL : call->add.data + panel->first;
				}
				first_step += segments * length;
				if (first_step == steps)
					tile.low = call->activation == HML_ACT_RELU ? 0.0f : -INFINITY;
				for (size_t outer = band->outer_begin; outer < band->outer_end; outer++)
					run_row(panel, band, outer, &tile, first_step > segments * length);
			}
}

/* All output channels of the band. */
static HmlStatus
run_band(HmlContext *ctx, const HmlConvCall *call, const Pixels *pixels, const Band *band)
{
	const HmlConvShape *shape = call->shape;
	Window window = describe_window(call);
	size_t steps = window_steps(shape);
	size_t group_columns = shape->out_channels / shape->groups;
	double band_pixels =
		(double) (band->outer_end - band->outer_begin) * (double) (band->inner_end - band->inner_begin);
	Panel panel = {.call = call, .pixels = pixels, .packed = call->packed};

	while (panel.first < shape->out_channels)
	{
		size_t left = group_columns - panel.first % group_columns;
		size_t width;

		panel.vectors = hml_tile_vectors(call->set, left);
		width = panel.vectors * call->set->lanes;
		panel.columns = width < left ? width : left;
		panel.x_channel = panel.first / group_columns * (shape->in_channels / shape->groups);
		run_panel(&panel, band, &window);
		panel.packed += steps * width;
		panel.first += panel.columns;
		if (band_pixels * (double) (steps * width) > POLL_PRODUCTS)
			HML_TRY(hml_poll(ctx));
	}
	return HML_OK;
}

/* What the tiles cannot do while they have the sums in registers is done while these are in the cache. */
static void
activate_band(const HmlConvCall *call, const Pixels *pixels, const Band *band)
{
	const Axis *axes = pixels->outer;

	if (call->activation == HML_ACT_NONE || call->activation == HML_ACT_RELU)
		return;
	for (size_t outer = band->outer_begin; outer < band->outer_end; outer++)
	{
		float *y = call->y.data + outer / axes[0].count * axes[1].y + outer % axes[0].count * axes[0].y +
				   band->inner_begin * pixels->inner.y;

		hml_channels()->activate(call->activation, call->slope, y, band->inner_end - band->inner_begin,
								 call->shape->out_channels, pixels->inner.y);
	}
}

HmlStatus
hml_conv_run(HmlContext *ctx, const HmlConvCall *call)
{
	Pixels pixels = join_pixels(call);
	size_t outer = pixels.outer[0].count * pixels.outer[1].count;
	size_t band_rows = pixels.inner.count < BAND_PIXELS ? BAND_PIXELS / pixels.inner.count : 1;
	size_t band_pixels = pixels.inner.count < BAND_PIXELS ? pixels.inner.count : BAND_PIXELS;

	for (size_t o = 0; o < outer; o += band_rows)
		for (size_t i = 0; i < pixels.inner.count; i += band_pixels)
		{
			Band band = {o, outer - o < band_rows ? outer : o + band_rows, i,
						 pixels.inner.count - i < band_pixels ? pixels.inner.count : i + band_pixels};

			HML_TRY(run_band(ctx, call, &pixels, &band));
			activate_band(call, &pixels, &band);
		}
	return HML_OK;
}
