/*
 * plan_bands.c
 *	  A 1 x 1 convolution and the depthwise one that reads it, in bands of rows.
 *
 * What lies between the two is several times as large as what goes in and comes
 * out (MobileNet, EfficientNet), and would go through memory.  Here only a band of
 * it is there at a time, as many rows as the second-level cache holds: those that
 * the next band needs again are moved up, the others are computed below them.
 */
#include <string.h>

#include "core/nn/plan/plan_steps.h"

/* The band: rows first .. end - 1 of the framed image between the two convolutions. */
typedef struct Band
{
	float *data;
	size_t row; /* floats */
	size_t channels;
	size_t first;
	size_t end;
} Band;

static size_t
window_rows(const HmlWindow *s)
{
	return (s->kernel[0] - 1) * s->dilation[0] + 1;
}

/* Rows of a band in which 'rows' rows of output can be computed. */
static size_t
rows_for(const HmlWindow *s, size_t rows)
{
	return (rows - 1) * s->stride[0] + window_rows(s);
}

size_t
hml_plan_band_rows(const HmlWindow *s, size_t channels, size_t bytes)
{
	size_t row = hml_window_extent(s, 1) * channels * sizeof(float);
	size_t rows = 1;

	while (rows < s->out[0] && rows_for(s, rows + 1) * row <= bytes)
		rows++;
	return rows;
}

size_t
hml_plan_band_size(const HmlWindow *s, size_t channels, size_t rows)
{
	return rows_for(s, rows) * hml_window_extent(s, 1) * channels;
}

/* The frame at the sides is the same for all bands. */
static void
clear_sides(const HmlWindow *s, const Band *band, size_t rows)
{
	size_t left = s->pad[1] * band->channels;
	size_t inner = s->in[1] * band->channels;

	for (size_t i = 0; i < rows; i++)
	{
		float *row = band->data + i * band->row;

		memset(row, 0, left * sizeof(float));
		if (left + inner < band->row)
			memset(row + left + inner, 0, (band->row - left - inner) * sizeof(float));
	}
}

/* Forget rows in front of 'first'. */
static void
move_up(Band *band, size_t first)
{
	size_t keep = first < band->end ? band->end - first : 0;

	if (keep > 0)
		memmove(band->data, band->data + (first - band->first) * band->row, keep * band->row * sizeof(float));
	band->first = first;
	band->end = first + keep;
}

/* Compute the rows up to 'end'; those above and below the image are zeros. */
static HmlStatus
fill_band(const PlanCall *call, const HmlWindow *s, const HmlConvCall *whole, Band *band, size_t end)
{
	size_t top = s->pad[0];
	size_t bottom = top + s->in[0];
	HmlConvShape shape = *whole->shape;
	HmlConvCall conv = *whole;
	size_t from = band->end < top ? top : band->end;
	size_t to = end < bottom ? end : bottom;

	for (size_t i = band->end; i < end; i++)
		if (i < top || i >= bottom)
			memset(band->data + (i - band->first) * band->row, 0, band->row * sizeof(float));
	band->end = end;
	if (from >= to)
		return HML_OK;
	shape.window.out[0] = to - from;
	conv.shape = &shape;
	conv.x.data += (from - top) * conv.x.row;
	conv.y.data = band->data + (from - band->first) * band->row + s->pad[1] * band->channels;
	return hml_conv_run(call->ctx, &conv);
}

static HmlStatus
run_sample(const PlanCall *call, const PlanStep *step, const HmlConvCall *conv, Band *band,
		   const HmlImages *y)
{
	const PlanStep *second = step->depthwise;
	const HmlWindow *s = &second->window;

	band->first = band->end = 0;
	clear_sides(s, band, rows_for(s, step->band_rows));
	for (size_t o = 0; o < s->out[0]; o += step->band_rows)
	{
		HmlWindow part = *s;
		HmlImages x = {band->data, 0, band->row, band->channels};
		HmlImages to = *y;

		part.out[0] = s->out[0] - o < step->band_rows ? s->out[0] - o : step->band_rows;
		move_up(band, o * s->stride[0]);
		HML_TRY(fill_band(call, s, conv, band, band->first + rows_for(s, part.out[0])));
		to.data += o * y->row;
		call->plan->channels->depthwise(&part, band->channels, &x, second->weights, second->bias,
										second->activation, second->slope, &to);
	}
	return HML_OK;
}

HmlStatus
hml_plan_conv_depthwise(const PlanCall *call, const PlanStep *step)
{
	HmlImages x = hml_plan_images(call, step->x[0]);
	HmlImages y = hml_plan_images(call, step->y);
	HmlImages work = hml_plan_images(call, step->work);
	Band band = {.data = work.data, .channels = step->conv.out_channels};
	HmlConvCall conv = {.set = call->plan->tiles,
						.shape = &step->conv,
						.packed = step->weights,
						.bias = step->bias,
						.n = 1,
						.x = x,
						.activation = step->activation,
						.slope = step->slope};

	band.row = hml_window_extent(&step->depthwise->window, 1) * band.channels;
	conv.y = (HmlImages){NULL, 0, band.row, band.channels};
	for (size_t i = 0; i < call->n; i++)
	{
		HmlImages to = y;

		conv.x.data = x.data + i * x.image;
		to.data += i * y.image;
		HML_TRY(run_sample(call, step, &conv, &band, &to));
	}
	return HML_OK;
}
