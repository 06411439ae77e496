/*
 * eeg_quality.c
 *	  Flaws of an EEG, second by second.
 */
#include "core/eeg/eeg_quality.h"

#include <math.h>

#define FLAT_UV 0.5f
#define EXTREME_UV 2000.0f
#define CLIPPED_SHARE 0.1
#define LEAST_RUN 3 /* samples at an extreme that are no chance */

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
