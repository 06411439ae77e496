/*
 * conv_train.c
 *	  Forward and backward of convolutions in PyTorch's layout.
 *
 * The gradient of x.  Along one direction, with framed input pixel q, output pixel
 * o, tap k, stride s and dilation d, y[o] sums x[o s + k d] w[k].  Hence the
 * gradient of pixel q = Q s + r sums gy[(q - k d) / s] w[k] over the taps for which
 * k d = r modulo s: every (s / gcd(s, d))th tap from some first one on.  So each of
 * the s * s phases (r vertical, r horizontal) is a convolution of gy without
 * stride, with those taps in reverse order, and no zero is ever multiplied.
 *
 * The gradient of w is a matrix product whose inner dimension is the pixels.
 */
#include "core/nn/kernel/conv_train.h"

#include <math.h>
#include <string.h>

#include "core/base/gemm.h"
#include "core/base/checked.h"
#include "core/nn/kernel/channels.h"
#include "core/nn/loops/loops.h"

#define MAX_LANES 16               /* of any tile set */
#define SLACK HML_TILE_MAX_COLUMNS /* floats after an image, which tiles may read but do not use */

/* ---- scratch ---------------------------------------------------------------------------------------- */

/* Floats of each area; an area starts on a cache line. */
typedef struct Areas
{
	size_t framed;  /* x or gy in channels-last layout, within a frame of zeros */
	size_t image;   /* y or gx in channels-last layout */
	size_t filters; /* those of a phase, or the gradient of w in channels-last order */
	size_t packed;  /* filters in the order of tiles */
} Areas;

typedef struct Scratch
{
	float *framed;
	float *image;
	float *filters;
	float *packed;
} Scratch;

/* One direction of the gradient of x. */
typedef struct Phases
{
	size_t before; /* zeros that gy needs in front, ... */
	size_t after;  /* ... and after */
} Phases;

static Phases
phases_frame(const HmlConvShape *s, int direction)
{
	size_t reach =
		(s->window.kernel[direction] - 1) * s->window.dilation[direction] / s->window.stride[direction];
	size_t last = (s->window.pad[direction] + s->window.in[direction] - 1) / s->window.stride[direction];

	return (Phases){reach, last >= s->window.out[direction] ? last - (s->window.out[direction] - 1) : 0};
}

static size_t
max_size(size_t a, size_t b)
{
	return a > b ? a : b;
}

/* Floats of an image, rounded up; false when there are too many. */
static bool
area(size_t height, size_t width, size_t channels, size_t *out)
{
	size_t pixels;
	size_t floats;

	if (!hml_size_mul(height, width, &pixels) || !hml_size_mul(pixels, channels, &floats) ||
		floats > SIZE_MAX / 64)
		return false;
	*out = (floats + SLACK + MAX_LANES - 1) / MAX_LANES * MAX_LANES;
	return true;
}

/* Floats for filters whose output channels fill whole vectors, whichever side of them is the output. */
static bool
filters_area(const HmlConvShape *s, size_t *out)
{
	size_t taps = s->window.kernel[0] * s->window.kernel[1];
	size_t pairs;

	return hml_size_mul(s->in_channels / s->groups + MAX_LANES, s->out_channels / s->groups + MAX_LANES,
						&pairs) &&
		   area(s->groups, taps, pairs, out);
}

static bool
measure(const HmlConvShape *s, Areas *areas)
{
	Phases rows = phases_frame(s, 0);
	Phases columns = phases_frame(s, 1);
	size_t framed_x;
	size_t framed_gy;
	size_t x;
	size_t y;

	if (!area(hml_window_extent(&s->window, 0), hml_window_extent(&s->window, 1), s->in_channels,
			  &framed_x) ||
		!area(s->window.out[0] + rows.before + rows.after, s->window.out[1] + columns.before + columns.after,
			  s->out_channels, &framed_gy) ||
		!area(s->window.in[0], s->window.in[1], s->in_channels, &x) ||
		!area(s->window.out[0], s->window.out[1], s->out_channels, &y) || !filters_area(s, &areas->filters))
		return false;
	areas->framed = max_size(framed_x, framed_gy);
	areas->image = max_size(x, y);
	areas->packed = areas->filters;
	return true;
}

HmlStatus
hml_conv_train_scratch(HmlContext *ctx, const HmlConvShape *shape, size_t *bytes)
{
	Areas areas;

	if (!measure(shape, &areas))
		return hml_fail(ctx, HML_LIMIT, "a convolution of %zu x %zu pixels and %zu channels is too large",
						shape->window.in[0], shape->window.in[1], shape->in_channels);
	*bytes = (areas.framed + areas.image + areas.filters + areas.packed) * sizeof(float);
	return HML_OK;
}

static Scratch
divide_scratch(const HmlConvShape *shape, void *memory)
{
	Areas areas = {0};
	float *next = memory;

	(void) measure(shape, &areas); /* it could be measured when the memory was asked for */
	return (Scratch){next, next + areas.framed, next + areas.framed + areas.image,
					 next + areas.framed + areas.image + areas.filters};
}

/* ---- layouts ---------------------------------------------------------------------------------------- */

/*
 * One image x (channels, size[0], size[1]) into channels-last layout, its first
 * pixel at (top, left) of a frame of (height, width) that is zero elsewhere; what
 * does not fit into the frame is left out.
 */
static void
frame_image(const float *x, size_t channels, const size_t size[2], size_t top, size_t left, size_t height,
			size_t width, float *frame)
{
	size_t rows = size[0] < height - top ? size[0] : height - top;
	size_t columns = size[1] < width - left ? size[1] : width - left;
	size_t row = width * channels;

	memset(frame, 0, top * row * sizeof(float));
	for (size_t i = 0; i < rows; i++)
	{
		float *out = frame + (top + i) * row;

		memset(out, 0, left * channels * sizeof(float));
		hml_transpose(channels, columns, x + i * size[1], size[0] * size[1], out + left * channels, channels);
		memset(out + (left + columns) * channels, 0, (width - left - columns) * channels * sizeof(float));
	}
	memset(frame + (top + rows) * row, 0, ((height - top - rows) * row + SLACK) * sizeof(float));
}

/* ---- one image -------------------------------------------------------------------------------------- */

/* A depthwise convolution is no matrix product: its vectors lie along the channels (channels.h). */
static bool
is_depthwise(const HmlConvShape *s)
{
	return s->groups == s->in_channels && s->groups == s->out_channels;
}

/* Filters as they are read; needs, and returns, that many floats. */
static size_t
pack_filters(const HmlConvShape *s, const float *w, float *packed)
{
	size_t taps = s->window.kernel[0] * s->window.kernel[1];

	if (!is_depthwise(s))
	{
		hml_conv_pack(hml_tile_set(), s, w, NULL, packed);
		return hml_conv_packed_size(hml_tile_set(), s);
	}
	hml_transpose(s->groups, taps, w, taps, packed, s->groups);
	return taps * s->groups;
}

static size_t
packed_size(const HmlConvShape *s)
{
	return is_depthwise(s) ? s->groups * s->window.kernel[0] * s->window.kernel[1]
						   : hml_conv_packed_size(hml_tile_set(), s);
}

/* bias is (out channels, and lanes more) or NULL. */
static HmlStatus
convolve(HmlContext *ctx, const HmlConvShape *s, const float *packed, const float *bias, const HmlImages *x,
		 const HmlImages *y)
{
	HmlConvCall call = {
		.set = hml_tile_set(), .shape = s, .packed = packed, .bias = bias, .n = 1, .x = *x, .y = *y};

	if (!is_depthwise(s))
		return hml_conv_run(ctx, &call);
	hml_channels()->depthwise(&s->window, s->groups, x, packed, bias, HML_ACT_NONE, 0, y);
	return hml_poll(ctx);
}

/* ---- forward ---------------------------------------------------------------------------------------- */

HmlStatus
hml_conv_forward(HmlContext *ctx, const HmlConvShape *s, size_t n, const float *x, const float *w,
				 const float *bias, float *y, void *memory)
{
	Scratch scratch = divide_scratch(s, memory);
	size_t height = hml_window_extent(&s->window, 0);
	size_t width = hml_window_extent(&s->window, 1);
	size_t pixels = s->window.out[0] * s->window.out[1];
	HmlImages framed = hml_whole_images(scratch.framed, height, width, s->in_channels);
	HmlImages image = hml_whole_images(scratch.image, s->window.out[0], s->window.out[1], s->out_channels);

	pack_filters(s, w, scratch.packed);
	if (bias != NULL)
		bias = memcpy(scratch.filters, bias, s->out_channels * sizeof(float));
	for (size_t i = 0; i < n; i++)
	{
		frame_image(x + i * s->in_channels * s->window.in[0] * s->window.in[1], s->in_channels, s->window.in,
					s->window.pad[0], s->window.pad[1], height, width, scratch.framed);
		HML_TRY(convolve(ctx, s, scratch.packed, bias, &framed, &image));
		hml_transpose(pixels, s->out_channels, scratch.image, s->out_channels,
					  y + i * pixels * s->out_channels, pixels);
	}
	return HML_OK;
}

/* ---- gradient of x ---------------------------------------------------------------------------------- */

/* One phase in one direction: input pixels first, first + stride, ... and the taps that reach them. */
typedef struct Phase
{
	size_t first_tap;
	size_t tap_step;
	size_t taps;     /* 0: no tap reaches these pixels */
	size_t dilation; /* of the taps among the pixels of gy */
	size_t first;    /* first pixel */
	size_t pixels;
	size_t gy; /* pixel of the framed gy that the last tap of the first pixel reads */
} Phase;

static size_t
greatest_common_divisor(size_t a, size_t b)
{
	while (b != 0)
	{
		size_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

static Phase
describe_phase(const HmlConvShape *s, int direction, size_t r)
{
	size_t stride = s->window.stride[direction];
	size_t dilation = s->window.dilation[direction];
	size_t pad = s->window.pad[direction];
	size_t common = greatest_common_divisor(stride, dilation);
	size_t begin = pad / stride + (pad % stride > r); /* Q of the first pixel that is no padding */
	Phase phase = {.tap_step = stride / common, .dilation = dilation / common};

	while (phase.first_tap < s->window.kernel[direction] && phase.first_tap * dilation % stride != r)
		phase.first_tap++;
	phase.taps = (s->window.kernel[direction] - phase.first_tap + phase.tap_step - 1) / phase.tap_step;
	phase.first = begin * stride + r - pad;
	if (phase.first < s->window.in[direction])
		phase.pixels = (s->window.in[direction] - phase.first + stride - 1) / stride;
	if (phase.taps > 0)
		phase.gy = phases_frame(s, direction).before + begin - phase.first_tap * dilation / stride -
				   (phase.taps - 1) * phase.dilation;
	return phase;
}

/* What a phase is as a convolution of gy: input and output channels exchange their parts. */
static HmlConvShape
phase_shape(const HmlConvShape *s, const Phase *rows, const Phase *columns)
{
	return (HmlConvShape){.in_channels = s->out_channels,
						  .out_channels = s->in_channels,
						  .groups = s->groups,
						  .window = {.out = {rows->pixels, columns->pixels},
									 .kernel = {rows->taps, columns->taps},
									 .stride = {1, 1},
									 .dilation = {rows->dilation, columns->dilation}}};
}

static bool
phase_is_empty(const Phase *rows, const Phase *columns)
{
	return rows->taps * columns->taps * rows->pixels * columns->pixels == 0;
}

/* The taps of a phase in reverse order: (in_channels, out_channels / groups, taps, taps). */
static void
phase_filters(const HmlConvShape *s, const Phase *rows, const Phase *columns, const float *w, float *filters)
{
	size_t in = s->in_channels / s->groups;
	size_t out = s->out_channels / s->groups;
	size_t window = s->window.kernel[0] * s->window.kernel[1];

	for (size_t c = 0; c < s->in_channels; c++)
		for (size_t o = 0; o < out; o++)
		{
			const float *from = w + ((c / in * out + o) * in + c % in) * window;

			for (size_t k = rows->taps; k-- > 0;)
				for (size_t l = columns->taps; l-- > 0;)
					*filters++ = from[(rows->first_tap + k * rows->tap_step) * s->window.kernel[1] +
									  columns->first_tap + l * columns->tap_step];
		}
}

/* The filters of all phases, one after the other. */
static void
pack_phases(const HmlConvShape *s, const float *w, float *filters, float *packed)
{
	for (size_t r = 0; r < s->window.stride[0]; r++)
	{
		Phase rows = describe_phase(s, 0, r);

		for (size_t q = 0; q < s->window.stride[1]; q++)
		{
			Phase columns = describe_phase(s, 1, q);
			HmlConvShape shape = phase_shape(s, &rows, &columns);

			if (phase_is_empty(&rows, &columns))
				continue;
			phase_filters(s, &rows, &columns, w, filters);
			packed += pack_filters(&shape, filters, packed);
		}
	}
}

/* The gradient of one image from its framed gy; pixels that no tap reaches are left alone. */
static HmlStatus
run_phases(HmlContext *ctx, const HmlConvShape *s, const HmlImages *gy, const float *packed,
		   const HmlImages *gx)
{
	for (size_t r = 0; r < s->window.stride[0]; r++)
	{
		Phase rows = describe_phase(s, 0, r);

		for (size_t q = 0; q < s->window.stride[1]; q++)
		{
			Phase columns = describe_phase(s, 1, q);
			HmlConvShape shape = phase_shape(s, &rows, &columns);
			HmlImages from = *gy;
			HmlImages to = *gx;

			if (phase_is_empty(&rows, &columns))
				continue;
			from.data += rows.gy * gy->row + columns.gy * gy->pixel;
			to.data += rows.first * gx->row + columns.first * gx->pixel;
			to.row *= s->window.stride[0];
			to.pixel *= s->window.stride[1];
			HML_TRY(convolve(ctx, &shape, packed, NULL, &from, &to));
			packed += packed_size(&shape);
		}
	}
	return HML_OK;
}

HmlStatus
hml_conv_backward_data(HmlContext *ctx, const HmlConvShape *s, size_t n, const float *gy, const float *w,
					   float *gx, void *memory)
{
	Scratch scratch = divide_scratch(s, memory);
	Phases rows = phases_frame(s, 0);
	Phases columns = phases_frame(s, 1);
	size_t height = s->window.out[0] + rows.before + rows.after;
	size_t width = s->window.out[1] + columns.before + columns.after;
	size_t pixels = s->window.in[0] * s->window.in[1];
	HmlImages framed = hml_whole_images(scratch.framed, height, width, s->out_channels);
	HmlImages image = hml_whole_images(scratch.image, s->window.in[0], s->window.in[1], s->in_channels);

	pack_phases(s, w, scratch.filters, scratch.packed);
	memset(scratch.image, 0, pixels * s->in_channels * sizeof(float));
	for (size_t i = 0; i < n; i++)
	{
		frame_image(gy + i * s->out_channels * s->window.out[0] * s->window.out[1], s->out_channels,
					s->window.out, rows.before, columns.before, height, width, scratch.framed);
		HML_TRY(run_phases(ctx, s, &framed, scratch.packed, &image));
		hml_transpose(pixels, s->in_channels, scratch.image, s->in_channels, gx + i * pixels * s->in_channels,
					  pixels);
	}
	return HML_OK;
}

/* ---- gradient of w ---------------------------------------------------------------------------------- */

/* Columns of the product that gives the gradient: the taps of one row of the window that are contiguous. */
typedef struct Run
{
	size_t taps;
	size_t columns; /* taps * channels */
} Run;

static Run
contiguous_run(const HmlConvShape *s)
{
	size_t channels = s->in_channels / s->groups;

	if (s->groups == 1 && s->window.dilation[1] == 1)
		return (Run){s->window.kernel[1], s->window.kernel[1] * channels};
	return (Run){1, channels};
}

/*
 * gradient (out channels of the group, columns) += gy (those channels, pixels) *
 * x (pixels, columns), where x is read at the place that the taps see.
 */
static void
multiply_pixels(const HmlConvShape *s, const float *gy, const float *x, size_t x_row, size_t columns,
				float *gradient)
{
	const HmlTileSet *set = hml_tile_set();
	size_t out = s->out_channels / s->groups;
	size_t width;

	for (size_t first = 0; first < columns; first += width)
	{
		size_t vectors = hml_tile_vectors(set, columns - first);
		HmlTile tile = {.segments = s->window.out[0],
						.length = s->window.out[1],
						.a_row = s->window.out[0] * s->window.out[1],
						.a_step = 1,
						.a_segment = s->window.out[1],
						.b = x + first,
						.b_step = s->window.stride[1] * s->in_channels,
						.b_segment = s->window.stride[0] * x_row,
						.c_row = columns,
						.add_row = columns,
						.alpha = 1.0f,
						.beta = 1.0f,
						.low = -INFINITY,
						.prefetch_row = s->window.out[0] * s->window.out[1],
						.prefetch_next = 16 - 16 * s->window.out[0] * s->window.out[1]};

		width = vectors * set->lanes;
		tile.tail = width <= columns - first ? set->lanes : set->lanes - (width - (columns - first));
		for (size_t o = 0, n; o < out; o += n)
		{
			n = hml_tile_rows(set, out - o, vectors);
			tile.a = gy + o * tile.a_row;
			tile.prefetch = tile.a + n * tile.a_row;
			tile.c = gradient + o * columns + first;
			tile.add = tile.c;
			set->compute[vectors - 1][n - 1](&tile);
		}
	}
}

/* Add the gradient of one framed image to 'gradient' (groups, kernel rows, runs, out channels, columns). */
static HmlStatus
add_image_gradient(HmlContext *ctx, const HmlConvShape *s, const float *framed, const float *gy,
				   float *gradient)
{
	Run run = contiguous_run(s);
	size_t x_row = hml_window_extent(&s->window, 1) * s->in_channels;
	size_t out = s->out_channels / s->groups;

	for (size_t g = 0; g < s->groups; g++)
		for (size_t k = 0; k < s->window.kernel[0]; k++)
			for (size_t l = 0; l < s->window.kernel[1]; l += run.taps)
			{
				const float *x = framed + k * s->window.dilation[0] * x_row +
								 l * s->window.dilation[1] * s->in_channels +
								 g * (s->in_channels / s->groups);

				multiply_pixels(s, gy + g * out * s->window.out[0] * s->window.out[1], x, x_row, run.columns,
								gradient);
				gradient += out * run.columns;
				HML_TRY(hml_poll(ctx));
			}
	return HML_OK;
}

/* gw += gradient, from its order to that of gw. */
static void
add_in_order(const HmlConvShape *s, const float *gradient, float *gw)
{
	Run run = contiguous_run(s);
	size_t in = s->in_channels / s->groups;
	size_t out = s->out_channels / s->groups;

	for (size_t g = 0; g < s->groups; g++)
		for (size_t k = 0; k < s->window.kernel[0]; k++)
			for (size_t l = 0; l < s->window.kernel[1]; l += run.taps)
				for (size_t o = 0; o < out; o++)
					for (size_t tap = l; tap < l + run.taps; tap++)
						for (size_t c = 0; c < in; c++)
							gw[(((g * out + o) * in + c) * s->window.kernel[0] + k) * s->window.kernel[1] +
							   tap] += *gradient++;
}

/* The same of a depthwise convolution: gradient is (taps, channels), image is room for gy in channels-last layout. */
static HmlStatus
add_depthwise_gradient(HmlContext *ctx, const HmlConvShape *s, const float *framed, const float *gy,
					   float *image, float *gradient)
{
	size_t channels = s->groups;
	size_t pixels = s->window.out[0] * s->window.out[1];
	size_t x_row = hml_window_extent(&s->window, 1) * channels;

	hml_transpose(channels, pixels, gy, pixels, image, channels);
	for (size_t i = 0; i < s->window.out[0]; i++)
	{
		HML_TRY(hml_poll(ctx));
		for (size_t k = 0; k < s->window.kernel[0]; k++)
			for (size_t l = 0; l < s->window.kernel[1]; l++)
				hml_loops()->accumulate_products(
					framed + (i * s->window.stride[0] + k * s->window.dilation[0]) * x_row +
						l * s->window.dilation[1] * channels,
					s->window.stride[1] * channels, image + i * s->window.out[1] * channels, channels,
					s->window.out[1], gradient + (k * s->window.kernel[1] + l) * channels, channels);
	}
	return HML_OK;
}

static void
add_depthwise_in_order(const HmlConvShape *s, const float *gradient, float *gw)
{
	size_t taps = s->window.kernel[0] * s->window.kernel[1];

	for (size_t c = 0; c < s->groups; c++)
		for (size_t tap = 0; tap < taps; tap++)
			gw[c * taps + tap] += gradient[tap * s->groups + c];
}

HmlStatus
hml_conv_backward_filters(HmlContext *ctx, const HmlConvShape *s, size_t n, const float *x, const float *gy,
						  float *gw, void *memory)
{
	Scratch scratch = divide_scratch(s, memory);
	size_t filters =
		s->out_channels * (s->in_channels / s->groups) * s->window.kernel[0] * s->window.kernel[1];
	bool depthwise = is_depthwise(s);

	memset(scratch.filters, 0, filters * sizeof(float));
	for (size_t i = 0; i < n; i++)
	{
		frame_image(x + i * s->in_channels * s->window.in[0] * s->window.in[1], s->in_channels, s->window.in,
					s->window.pad[0], s->window.pad[1], hml_window_extent(&s->window, 0),
					hml_window_extent(&s->window, 1), scratch.framed);
		if (depthwise)
			HML_TRY(add_depthwise_gradient(ctx, s, scratch.framed,
										   gy + i * s->out_channels * s->window.out[0] * s->window.out[1],
										   scratch.image, scratch.filters));
		else
			HML_TRY(add_image_gradient(ctx, s, scratch.framed,
									   gy + i * s->out_channels * s->window.out[0] * s->window.out[1],
									   scratch.filters));
	}
	if (depthwise)
		add_depthwise_in_order(s, scratch.filters, gw);
	else
		add_in_order(s, scratch.filters, gw);
	return HML_OK;
}
