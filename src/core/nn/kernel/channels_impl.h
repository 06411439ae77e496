/*
 * channels_impl.h
 *	  Template of the kernels of channels.h, see simd.h.
 */
#include <math.h>

#include "core/base/simd.h"
#include "core/base/vecmath.h"
#include "core/nn/kernel/channels.h"

/* A vector of channels: whole, or masked where 'masked', a constant, says so. */
HML_INLINE Vec
load_lanes(const float *p, VecMask mask, const int masked)
{
	return masked ? vec_load_mask(p, mask) : vec_load(p);
}

HML_INLINE void
store_lanes(float *p, VecMask mask, const int masked, Vec x)
{
	if (masked)
		vec_store_mask(p, mask, x);
	else
		vec_store(p, x);
}

/* BODY(c, mask, masked) for each vector of 'width' lanes, of which the last may be masked. */
#define EACH_VECTOR(width, BODY) \
	do \
	{ \
		size_t c_ = 0; \
		for (; c_ + VEC_LANES <= (width); c_ += VEC_LANES) \
			BODY(c_, vec_mask(VEC_LANES), 0); \
		if (c_ < (width)) \
			BODY(c_, vec_mask((width) -c_), 1); \
	} while (0)

/* ---- activations ------------------------------------------------------------------------------------ */

HML_INLINE Vec
activation_of(HmlActivation activation, float slope, Vec x)
{
	switch (activation)
	{
		case HML_ACT_RELU:
			return vec_max(vec_zero(), x);
		case HML_ACT_LEAKY_RELU:
			return vec_select(x < vec_zero(), x * vec_set1(slope), x);
		case HML_ACT_SIGMOID:
			return vec_sigmoid(x);
		case HML_ACT_TANH:
			return vec_tanh(x);
		case HML_ACT_SILU:
			return x * vec_sigmoid(x);
		case HML_ACT_GELU:
			return vec_set1(0.5f) * x * (vec_set1(1.0f) + vec_erf(x * vec_set1(0.70710678f)));
		case HML_ACT_NONE:
			break;
	}
	return x;
}

/* 'activation' is a constant where this is used. */
HML_INLINE void
activate_rows(HmlActivation activation, float slope, float *data, size_t rows, size_t width, size_t row)
{
#define ACTIVATE(c, mask, masked) \
	store_lanes(data + c, mask, masked, activation_of(activation, slope, load_lanes(data + c, mask, masked)))
	for (size_t i = 0; i < rows; i++, data += row)
		EACH_VECTOR(width, ACTIVATE);
#undef ACTIVATE
}

static void
activate(HmlActivation activation, float slope, float *data, size_t rows, size_t width, size_t row)
{
	if (row == width)
	{
		width *= rows;
		rows = 1;
	}
	switch (activation)
	{
		case HML_ACT_RELU:
			activate_rows(HML_ACT_RELU, slope, data, rows, width, row);
			break;
		case HML_ACT_LEAKY_RELU:
			activate_rows(HML_ACT_LEAKY_RELU, slope, data, rows, width, row);
			break;
		case HML_ACT_SIGMOID:
			activate_rows(HML_ACT_SIGMOID, slope, data, rows, width, row);
			break;
		case HML_ACT_TANH:
			activate_rows(HML_ACT_TANH, slope, data, rows, width, row);
			break;
		case HML_ACT_SILU:
			activate_rows(HML_ACT_SILU, slope, data, rows, width, row);
			break;
		case HML_ACT_GELU:
			activate_rows(HML_ACT_GELU, slope, data, rows, width, row);
			break;
		case HML_ACT_NONE:
			break;
	}
}

/* ---- windows ---------------------------------------------------------------------------------------- */

#define RUN 8 /* output pixels of a row at once: each weight is loaded once for all of them */

typedef enum Reduction
{
	REDUCE_WEIGHTED, /* start + sum of taps times weights */
	REDUCE_SUM,      /* scale * sum of taps */
	REDUCE_MAX
} Reduction;

HML_INLINE Vec
reduced(Vec a, Vec b, const Reduction reduction)
{
	if (reduction == REDUCE_MAX)
		return vec_max(a, b);
	return a + b;
}

/* One vector of channels of a part of an output row, as seen from its first pixel. */
typedef struct Strip
{
	const float *x; /* first tap */
	size_t x_pixel; /* from output pixel to output pixel, in x */
	size_t tap_row; /* from tap to tap */
	size_t tap_column;
	size_t rows; /* taps */
	size_t columns;
	const float *w; /* a row of taps after the other */
	size_t w_tap;
	float *y;
	size_t y_pixel;
	size_t pixels;
	float scale;
} Strip;

/* 'pixels' neighbours; it, the reduction and 'masked' are constants where this is used. */
HML_INLINE void
reduce_run(const Strip *s, size_t first, Vec start, VecMask mask, const Reduction reduction, const int pixels,
		   const int masked)
{
	const float *x = s->x + first * s->x_pixel;
	const float *w = s->w;
	Vec value[RUN];

#pragma GCC unroll 8
	for (int i = 0; i < pixels; i++)
		value[i] = start;
	for (size_t k = 0; k < s->rows; k++)
		for (size_t l = 0; l < s->columns; l++)
		{
			const float *tap = x + k * s->tap_row + l * s->tap_column;
			Vec weight = start;

			if (reduction == REDUCE_WEIGHTED)
			{
				weight = load_lanes(w, mask, masked);
				w += s->w_tap;
			}
#pragma GCC unroll 8
			for (int i = 0; i < pixels; i++)
			{
				Vec at = load_lanes(tap + (size_t) i * s->x_pixel, mask, masked);

				if (reduction == REDUCE_WEIGHTED)
					value[i] = vec_fma(at, weight, value[i]);
				else
					value[i] = reduced(value[i], at, reduction);
			}
		}
#pragma GCC unroll 8
	for (int i = 0; i < pixels; i++)
	{
		if (reduction == REDUCE_SUM)
			value[i] = value[i] * vec_set1(s->scale);
		store_lanes(s->y + (first + (size_t) i) * s->y_pixel, mask, masked, value[i]);
	}
}

HML_INLINE void
reduce_strip(const Strip *s, Vec start, VecMask mask, const Reduction reduction, const int masked)
{
	size_t i = 0;

	for (; i + RUN <= s->pixels; i += RUN)
		reduce_run(s, i, start, mask, reduction, RUN, masked);
	for (; i + 4 <= s->pixels; i += 4)
		reduce_run(s, i, start, mask, reduction, 4, masked);
	for (; i < s->pixels; i++)
		reduce_run(s, i, start, mask, reduction, 1, masked);
}

/*
 * The same for filters of 3 or 5 columns and a stride of 1: neighbours share most
 * of what they see, so that each row of it is loaded once into registers.
 * 'pixels', 'columns' and 'masked' are constants where this is used.
 */
#define SLIDE (VEC_LANES == 16 ? 8 : 4)
#define MAX_SLIDE (8 - 1 + 5)

HML_INLINE void
slide_run(const Strip *s, size_t first, Vec start, VecMask mask, const int pixels, const int columns,
		  const int masked)
{
	const float *x = s->x + first * s->x_pixel;
	const float *w = s->w;
	Vec value[8];
	Vec seen[MAX_SLIDE];

#pragma GCC unroll 8
	for (int i = 0; i < pixels; i++)
		value[i] = start;
	for (size_t k = 0; k < s->rows; k++, x += s->tap_row)
	{
#pragma GCC unroll 12
		for (int i = 0; i < pixels - 1 + columns; i++)
			seen[i] = load_lanes(x + (size_t) i * s->tap_column, mask, masked);
#pragma GCC unroll 5
		for (int l = 0; l < columns; l++, w += s->w_tap)
		{
			Vec weight = load_lanes(w, mask, masked);

#pragma GCC unroll 8
			for (int i = 0; i < pixels; i++)
				value[i] = vec_fma(seen[i + l], weight, value[i]);
		}
	}
#pragma GCC unroll 8
	for (int i = 0; i < pixels; i++)
		store_lanes(s->y + (first + (size_t) i) * s->y_pixel, mask, masked, value[i]);
}

HML_INLINE void
slide_strip(const Strip *s, Vec start, VecMask mask, const int columns, const int masked)
{
	size_t i = 0;

	for (; i + SLIDE <= s->pixels; i += SLIDE)
		slide_run(s, i, start, mask, SLIDE, columns, masked);
	for (; i + 4 <= s->pixels; i += 4)
		slide_run(s, i, start, mask, 4, columns, masked);
	for (; i + 2 <= s->pixels; i += 2)
		slide_run(s, i, start, mask, 2, columns, masked);
	for (; i < s->pixels; i++)
		slide_run(s, i, start, mask, 1, columns, masked);
}

/* One vector of channels of a row of output. */
HML_INLINE void
depthwise_strip(const Strip *s, Vec start, VecMask mask, const int masked)
{
	if (s->columns == 3 && s->x_pixel == s->tap_column)
		slide_strip(s, start, mask, 3, masked);
	else if (s->columns == 5 && s->x_pixel == s->tap_column)
		slide_strip(s, start, mask, 5, masked);
	else
		reduce_strip(s, start, mask, REDUCE_WEIGHTED, masked);
}

static void
depthwise(const HmlWindow *window, size_t channels, const HmlImages *x, const float *w, const float *bias,
		  HmlActivation activation, float slope, const HmlImages *y)
{
	for (size_t i = 0; i < window->out[0]; i++)
	{
		Strip strip = {.x_pixel = window->stride[1] * x->pixel,
					   .tap_row = window->dilation[0] * x->row,
					   .tap_column = window->dilation[1] * x->pixel,
					   .rows = window->kernel[0],
					   .columns = window->kernel[1],
					   .w_tap = channels,
					   .y_pixel = y->pixel,
					   .pixels = window->out[1]};

#define DEPTHWISE(c, mask, masked) \
	do \
	{ \
		strip.x = x->data + i * window->stride[0] * x->row + c; \
		strip.w = w + c; \
		strip.y = y->data + i * y->row + c; \
		depthwise_strip(&strip, bias == NULL ? vec_zero() : load_lanes(bias + c, mask, masked), mask, \
						masked); \
	} while (0)
		EACH_VECTOR(channels, DEPTHWISE);
#undef DEPTHWISE
		activate(activation, slope, y->data + i * y->row, window->out[1], channels, y->pixel);
	}
}

/* ---- pooling ---------------------------------------------------------------------------------------- */

/* The taps of one direction that fall into the image: first <= tap < end. */
typedef struct Taps
{
	size_t first;
	size_t end;
} Taps;

static Taps
taps_inside(const HmlWindow *window, int direction, size_t out)
{
	size_t begin = out * window->stride[direction]; /* counted from the padding on */
	size_t pad = window->pad[direction];
	size_t dilation = window->dilation[direction];
	size_t border = pad + window->in[direction];
	Taps taps = {0, window->kernel[direction]};

	if (begin < pad)
		taps.first = (pad - begin + dilation - 1) / dilation;
	if (begin >= border)
		taps.end = 0;
	else if (begin + (taps.end - 1) * dilation >= border)
		taps.end = (border - begin + dilation - 1) / dilation;
	if (taps.first > taps.end)
		taps.first = taps.end;
	return taps;
}

/* Output pixels of row i from column j on that have the same taps. */
static void
pool_strip(const HmlWindow *window, size_t channels, const HmlImages *x, size_t i, size_t j, size_t pixels,
		   bool count_padding, const Reduction reduction, const HmlImages *y)
{
	Taps rows = taps_inside(window, 0, i);
	Taps columns = taps_inside(window, 1, j);
	size_t top = i * window->stride[0] + rows.first * window->dilation[0] - window->pad[0];
	size_t left = j * window->stride[1] + columns.first * window->dilation[1] - window->pad[1];
	Strip strip = {.x_pixel = window->stride[1] * x->pixel,
				   .tap_row = window->dilation[0] * x->row,
				   .tap_column = window->dilation[1] * x->pixel,
				   .rows = rows.end - rows.first,
				   .columns = columns.end - columns.first,
				   .y_pixel = y->pixel,
				   .pixels = pixels};
	size_t taps = count_padding ? window->kernel[0] * window->kernel[1] : strip.rows * strip.columns;

	strip.scale = 1.0f / (float) taps;
#define POOL(c, mask, masked) \
	do \
	{ \
		strip.x = x->data + top * x->row + left * x->pixel + c; \
		strip.y = y->data + i * y->row + j * y->pixel + c; \
		if (reduction == REDUCE_MAX) \
			reduce_strip(&strip, vec_set1(-INFINITY), mask, REDUCE_MAX, masked); \
		else \
			reduce_strip(&strip, vec_zero(), mask, REDUCE_SUM, masked); \
	} while (0)
	EACH_VECTOR(channels, POOL);
#undef POOL
}

static bool
has_all_columns(const HmlWindow *window, size_t j)
{
	Taps taps = taps_inside(window, 1, j);

	return taps.end - taps.first == window->kernel[1];
}

/* In every row: pixels at the left border, pixels whose columns are all inside, pixels at the right border. */
static void
pool(const HmlWindow *window, size_t channels, const HmlImages *x, bool count_padding,
	 const Reduction reduction, const HmlImages *y)
{
	size_t inside = 0;
	size_t end;

	while (inside < window->out[1] && !has_all_columns(window, inside))
		inside++;
	for (end = inside; end < window->out[1] && has_all_columns(window, end);)
		end++;
	for (size_t i = 0; i < window->out[0]; i++)
	{
		for (size_t j = 0; j < inside; j++)
			pool_strip(window, channels, x, i, j, 1, count_padding, reduction, y);
		if (inside < end)
			pool_strip(window, channels, x, i, inside, end - inside, count_padding, reduction, y);
		for (size_t j = end; j < window->out[1]; j++)
			pool_strip(window, channels, x, i, j, 1, count_padding, reduction, y);
	}
}

static void
max_pool(const HmlWindow *window, size_t channels, const HmlImages *x, const HmlImages *y)
{
	pool(window, channels, x, false, REDUCE_MAX, y);
}

static void
average_pool(const HmlWindow *window, size_t channels, const HmlImages *x, bool count_padding,
			 const HmlImages *y)
{
	pool(window, channels, x, count_padding, REDUCE_SUM, y);
}

/* ---- whole images ----------------------------------------------------------------------------------- */

/* One vector of channels over all pixels; rows are summed up one by one, which rounds less. */
HML_INLINE void
reduce_image(size_t height, size_t width, const HmlImages *x, size_t c, VecMask mask, const int masked,
			 const Reduction reduction, float *y)
{
	Vec start = reduction == REDUCE_MAX ? vec_set1(-INFINITY) : vec_zero();
	Vec value = start;

	for (size_t i = 0; i < height; i++)
	{
		const float *row = x->data + i * x->row + c;
		Vec part = start;

		for (size_t j = 0; j < width; j++)
			part = reduced(part, load_lanes(row + j * x->pixel, mask, masked), reduction);
		value = reduced(value, part, reduction);
	}
	if (reduction == REDUCE_SUM)
		value = value / vec_set1((float) (height * width));
	store_lanes(y + c, mask, masked, value);
}

static void
mean(size_t height, size_t width, size_t channels, const HmlImages *x, float *y)
{
#define MEAN(c, mask, masked) reduce_image(height, width, x, c, mask, masked, REDUCE_SUM, y)
	EACH_VECTOR(channels, MEAN);
#undef MEAN
}

static void
maximum(size_t height, size_t width, size_t channels, const HmlImages *x, float *y)
{
#define MAXIMUM(c, mask, masked) reduce_image(height, width, x, c, mask, masked, REDUCE_MAX, y)
	EACH_VECTOR(channels, MAXIMUM);
#undef MAXIMUM
}

static void
affine(size_t height, size_t width, size_t channels, const HmlImages *x, const float *scale,
	   const float *shift, const HmlImages *y)
{
	for (size_t i = 0; i < height; i++)
		for (size_t j = 0; j < width; j++)
		{
			const float *from = x->data + i * x->row + j * x->pixel;
			float *to = y->data + i * y->row + j * y->pixel;

#define AFFINE(c, mask, masked) \
	store_lanes(to + c, mask, masked, \
				vec_fma(load_lanes(from + c, mask, masked), load_lanes(scale + c, mask, masked), \
						shift == NULL ? vec_zero() : load_lanes(shift + c, mask, masked)))
			EACH_VECTOR(channels, AFFINE);
#undef AFFINE
		}
}

typedef enum Pairing
{
	PAIR_SUM,
	PAIR_PRODUCT
} Pairing;

HML_INLINE Vec
paired(Vec a, Vec b, const Pairing pairing)
{
	if (pairing == PAIR_SUM)
		return a + b;
	return a * b;
}

/* A row of pixels that is contiguous in all three is one pixel of many channels. */
HML_INLINE void
pair(size_t height, size_t width, size_t channels, const HmlImages *a, const HmlImages *b, const HmlImages *y,
	 const Pairing pairing)
{
	if (a->pixel == channels && b->pixel == channels && y->pixel == channels)
	{
		channels *= width;
		width = 1;
	}
	for (size_t i = 0; i < height; i++)
		for (size_t j = 0; j < width; j++)
		{
			const float *left = a->data + i * a->row + j * a->pixel;
			const float *right = b->data + i * b->row + j * b->pixel;
			float *to = y->data + i * y->row + j * y->pixel;

#define PAIR(c, mask, masked) \
	store_lanes(to + c, mask, masked, \
				paired(load_lanes(left + c, mask, masked), load_lanes(right + c, mask, masked), pairing))
			EACH_VECTOR(channels, PAIR);
#undef PAIR
		}
}

static void
add(size_t height, size_t width, size_t channels, const HmlImages *a, const HmlImages *b, const HmlImages *y)
{
	pair(height, width, channels, a, b, y, PAIR_SUM);
}

static void
multiply(size_t height, size_t width, size_t channels, const HmlImages *a, const HmlImages *b,
		 const HmlImages *y)
{
	pair(height, width, channels, a, b, y, PAIR_PRODUCT);
}

const HmlChannels HML_VARIANT(hml_channels) = {
	activate, depthwise, max_pool, average_pool, mean, maximum, affine, add, multiply,
};
