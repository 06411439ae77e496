/*
 * eeg_quality.c
 *	  Flaws of an EEG, second by second.
 */
#include "core/eeg/eeg_quality.h"

#include <math.h>
#include <string.h>

#include "core/signal/dsp/filter.h"

#define FLAT_UV 0.5f
#define EXTREME_UV 2000.0f
#define CLIPPED_SHARE 0.1
#define LEAST_RUN 3 /* samples at an extreme that are no chance */

#define PI 3.14159265358979323846
#define LEAST_RATE_FOR_MAINS 125.0 /* Hz: 60 Hz must be there to be seen */
#define LEAST_FILTERED 30          /* samples that the filters need */
#define MAINS_QUALITY 15.0
#define MUSCLE_HZ 25.0
#define MUSCLE_UV 15.0f
#define BLINK_UV 60.0f
#define POP_UV 100.0f
#define JUMP_S 0.015
#define SLOW_S 0.1
#define MOST_COMPARED 64 /* channels of which a median is taken */

size_t
hml_eeg_seconds(size_t n, double rate)
{
	double seconds = floor((double) n / rate);

	return seconds >= 1 ? (size_t) seconds : n > 0;
}

typedef struct Range
{
	float low;
	float high;
} Range;

static Range
range_of(const float *samples, size_t n)
{
	Range range = {samples[0], samples[0]};

	for (size_t i = 1; i < n; i++)
	{
		range.low = samples[i] < range.low ? samples[i] : range.low;
		range.high = samples[i] > range.high ? samples[i] : range.high;
	}
	return range;
}

/* Samples in runs that stay at an extreme of the channel. */
static size_t
count_clipped(const float *samples, size_t n, Range extremes)
{
	size_t count = 0;
	size_t run = 0;

	for (size_t i = 0; i < n; i++)
	{
		bool is_extreme = samples[i] == extremes.low || samples[i] == extremes.high;

		run = is_extreme && i > 0 && samples[i] == samples[i - 1] ? run + 1 : is_extreme;
		if (run == LEAST_RUN)
			count += LEAST_RUN;
		else if (run > LEAST_RUN)
			count++;
	}
	return count;
}

void
hml_eeg_gross_flaws(const float *samples, size_t n, double rate, unsigned char *out)
{
	size_t n_seconds = hml_eeg_seconds(n, rate);
	Range extremes;

	if (n == 0)
		return;
	extremes = range_of(samples, n);
	for (size_t s = 0; s < n_seconds; s++)
	{
		size_t first = (size_t) ((double) s * rate);
		size_t end = s + 1 == n_seconds ? n : (size_t) ((double) (s + 1) * rate);
		Range range = range_of(samples + first, end - first);
		float span = range.high - range.low;

		out[s] = span < FLAT_UV ? HML_EEG_FLAT : 0;
		if (span > EXTREME_UV)
			out[s] |= HML_EEG_EXTREME;
		if (span >= FLAT_UV && (range.low == extremes.low || range.high == extremes.high) &&
			(double) count_clipped(samples + first, end - first, extremes) >=
				CLIPPED_SHARE * (double) (end - first))
			out[s] |= HML_EEG_CLIPPED;
	}
}

/* ---- finer flaws ----------------------------------------------------------------------------------- */

/* Samples of a second. */
typedef struct Piece
{
	size_t first;
	size_t end;
} Piece;

static Piece
piece_of(size_t second, size_t n_seconds, size_t n, double rate)
{
	return (Piece){(size_t) ((double) second * rate),
				   second + 1 == n_seconds ? n : (size_t) ((double) (second + 1) * rate)};
}

static double
mean_of(const float *samples, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += samples[i];
	return sum / (double) n;
}

/* Mean square of what is at one frequency (G. Goertzel, Am. Math. Monthly 65, 1958). */
static double
power_at(const float *samples, size_t n, double mean, double hz, double rate)
{
	double twice = 2 * cos(2 * PI * hz / rate);
	double s1 = 0;
	double s2 = 0;

	for (size_t i = 0; i < n; i++)
	{
		double s0 = samples[i] - mean + twice * s1 - s2;

		s2 = s1;
		s1 = s0;
	}
	return 2 * (s1 * s1 + s2 * s2 - twice * s1 * s2) / ((double) n * (double) n);
}

static float
mains_share(const float *samples, size_t n, double rate)
{
	double mean = mean_of(samples, n);
	double power = 0;
	double mains;

	for (size_t i = 0; i < n; i++)
		power += (samples[i] - mean) * (samples[i] - mean) / (double) n;
	if (rate <= LEAST_RATE_FOR_MAINS || power == 0)
		return 0;
	mains = fmax(power_at(samples, n, mean, 50, rate), power_at(samples, n, mean, 60, rate));
	return (float) fmin(mains / power, 1);
}

static float
jump_of(const float *samples, size_t n, double rate)
{
	size_t lag = (size_t) fmax(ceil(JUMP_S * rate), 1);
	float largest = 0;

	for (size_t i = lag; i < n; i++)
		largest = fmaxf(largest, fabsf(samples[i] - samples[i - lag]));
	return largest;
}

/* Highest moving mean of a tenth of a second, above the mean of all. */
static float
rise_of(const float *samples, size_t n, double rate)
{
	size_t width = (size_t) fmax(floor(SLOW_S * rate), 1);
	double sum = 0;
	double highest = -INFINITY;

	for (size_t i = 0; i < n; i++)
	{
		sum += samples[i];
		if (i >= width)
			sum -= samples[i - width];
		if (i + 1 >= width)
			highest = fmax(highest, sum / (double) width);
	}
	return n < width ? 0 : (float) (highest - mean_of(samples, n));
}

/* What is above 25 Hz, without the mains; NaN-free 0 where the rate cannot hold it. */
static HmlStatus
keep_muscle(HmlContext *ctx, double rate, float *samples, size_t n)
{
	HmlFilter filter;

	HML_TRY(hml_filter_butterworth(ctx, HML_FILTER_HIGH_PASS, 4, MUSCLE_HZ, 0, rate, &filter));
	HML_TRY(hml_filter_zero_phase(ctx, &filter, samples, n));
	for (double hz = 50; hz <= 60; hz += 10)
	{
		HML_TRY(hml_filter_notch(ctx, hz, MAINS_QUALITY, rate, &filter));
		HML_TRY(hml_filter_zero_phase(ctx, &filter, samples, n));
	}
	return HML_OK;
}

static float
root_mean_square(const float *samples, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double) samples[i] * samples[i];
	return (float) sqrt(sum / (double) n);
}

static HmlStatus
measure_channel(HmlContext *ctx, const float *samples, size_t n, double rate, float *buffer,
				unsigned char *gross, HmlEegSecond *out)
{
	size_t n_seconds = hml_eeg_seconds(n, rate);
	bool has_muscle = rate > LEAST_RATE_FOR_MAINS && n > LEAST_FILTERED;

	hml_eeg_gross_flaws(samples, n, rate, gross);
	memcpy(buffer, samples, n * sizeof(*buffer));
	if (has_muscle)
		HML_TRY(keep_muscle(ctx, rate, buffer, n));
	for (size_t s = 0; s < n_seconds; s++)
	{
		Piece piece = piece_of(s, n_seconds, n, rate);
		const float *second = samples + piece.first;
		size_t length = piece.end - piece.first;
		Range range = range_of(second, length);

		out[s] = (HmlEegSecond){.flaws = gross[s],
								.range_uv = range.high - range.low,
								.mains_share = mains_share(second, length, rate),
								.jump_uv = jump_of(second, length, rate),
								.rise_uv = rise_of(second, length, rate)};
		if (has_muscle)
			out[s].muscle_uv = root_mean_square(buffer + piece.first, length);
	}
	return HML_OK;
}

/* The second of the other channels in the middle, by one of their measures. */
static float
median_of_others(const HmlEegSecond *seconds, size_t n_channels, size_t stride, size_t self, size_t measure)
{
	float values[MOST_COMPARED];
	size_t n = 0;

	for (size_t c = 0; c < n_channels && n < MOST_COMPARED; c++)
	{
		const float *value = (const float *) ((const char *) &seconds[c * stride] + measure);
		size_t at;

		if (c == self)
			continue;
		for (at = n++; at > 0 && values[at - 1] > *value; at--)
			values[at] = values[at - 1];
		values[at] = *value;
	}
	return n == 0 ? 0 : values[n / 2];
}

/* Both frontal channels rise, and the others do not. */
static bool
is_blink(const HmlEegSecond *seconds, size_t n_channels, size_t stride, const bool *frontal)
{
	float least = INFINITY;
	size_t n_frontal = 0;

	for (size_t c = 0; c < n_channels; c++)
		if (frontal[c])
		{
			least = fminf(least, seconds[c * stride].rise_uv);
			n_frontal++;
		}
	return n_frontal == 2 && n_channels > 4 && least > BLINK_UV &&
		   median_of_others(seconds, n_channels, stride, n_channels, offsetof(HmlEegSecond, rise_uv)) <
			   least / 2;
}

/* Flaws of one second that are seen by comparing channels. */
static void
compare_channels(HmlEegSecond *seconds, size_t n_channels, size_t stride, const bool *frontal)
{
	bool blink = is_blink(seconds, n_channels, stride, frontal);

	for (size_t c = 0; c < n_channels; c++)
	{
		HmlEegSecond *second = &seconds[c * stride];

		if (second->mains_share > 0.5f)
			second->flaws |= HML_EEG_MAINS;
		if (second->muscle_uv > MUSCLE_UV)
			second->flaws |= HML_EEG_MUSCLE;
		if (blink && frontal[c])
			second->flaws |= HML_EEG_BLINK;
		if (second->jump_uv > POP_UV && n_channels > 2 &&
			median_of_others(seconds, n_channels, stride, c, offsetof(HmlEegSecond, jump_uv)) <
				second->jump_uv / 3)
			second->flaws |= HML_EEG_POP;
	}
}

HmlStatus
hml_eeg_quality(HmlContext *ctx, const float *samples, size_t n_channels, size_t n, double rate,
				const bool *frontal, HmlEegSecond *out)
{
	size_t n_seconds = hml_eeg_seconds(n, rate);
	float *buffer = NULL;
	unsigned char *gross = NULL;
	HmlStatus status = HML_NEW(ctx, &buffer, n);

	if (status == HML_OK)
		status = HML_NEW(ctx, &gross, n_seconds);
	for (size_t c = 0; status == HML_OK && c < n_channels; c++)
		status = measure_channel(ctx, samples + c * n, n, rate, buffer, gross, out + c * n_seconds);
	for (size_t s = 0; status == HML_OK && s < n_seconds; s++)
		compare_channels(out + s, n_channels, n_seconds, frontal);
	hml_free(ctx, gross);
	hml_free(ctx, buffer);
	return status;
}
