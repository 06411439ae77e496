/*
 * eeg_banana.c
 *	  From electrodes to the derivations that features are made of.
 *
 * Two rates: the band-pass from 0.5 to 20 Hz runs at the rate of the electrodes, and
 * then every second sample is enough.  Muscle is what a causal filter leaves from 25 to
 * 45 Hz, which costs little and passes no mains.
 */
#include "core/eeg/eeg_features.h"

#include <math.h>
#include <string.h>

#include "core/signal/dsp/filter.h"

#define STEP (HML_EEG_RATE / HML_EEG_FEATURE_RATE)
#define LIMIT_UV 1024.0f
#define MOST_UV 1e5f /* what no electrode has: more would overflow powers */

/* Difference of two electrodes, without its mean. */
static void
derive(const float *plus, const float *minus, size_t n, float *out)
{
	double mean = 0;

	for (size_t i = 0; i < n; i++)
	{
		out[i] = fminf(fmaxf(plus[i] - minus[i], -MOST_UV), MOST_UV);
		mean += (double) out[i] / (double) n;
	}
	for (size_t i = 0; i < n; i++)
		out[i] -= (float) mean;
}

/* Mean square of each second after a causal filter. */
static void
measure_fast(const HmlFilter *filter, const float *samples, size_t seconds, float *power)
{
	double state[HML_FILTER_MAX_SECTIONS][2] = {{0}};

	for (size_t s = 0; s < seconds; s++)
	{
		double sum = 0;

		for (size_t i = 0; i < HML_EEG_RATE; i++)
		{
			double y = (double) samples[s * HML_EEG_RATE + i];

			for (size_t k = 0; k < filter->n_sections; k++)
			{
				const HmlSection *section = &filter->sections[k];
				double x = y;

				y = section->b[0] * x + state[k][0];
				state[k][0] = section->b[1] * x - section->a[1] * y + state[k][1];
				state[k][1] = section->b[2] * x - section->a[2] * y;
			}
			sum += y * y;
		}
		power[s] = (float) (sum / HML_EEG_RATE);
	}
}

typedef struct Filters
{
	HmlFilter slow;
	HmlFilter fast;
} Filters;

static HmlStatus
add_derivation(HmlContext *ctx, const Filters *filters, float *samples, size_t n, size_t d, HmlEegBanana *out)
{
	measure_fast(&filters->fast, samples, out->seconds, out->fast_power + d * out->seconds);
	HML_TRY(hml_filter_zero_phase(ctx, &filters->slow, samples, n));
	for (size_t i = 0; i < out->n; i++)
		out->samples[d * out->n + i] = fminf(fmaxf(samples[i * STEP], -LIMIT_UV), LIMIT_UV);
	return HML_OK;
}

HmlStatus
hml_eeg_banana(HmlArena *arena, const float *electrodes, size_t stride, size_t n, HmlEegBanana *out)
{
	HmlContext *ctx = hml_arena_context(arena);
	unsigned char midline[] = {HML_FZ, HML_CZ, HML_PZ};
	Filters filters;
	float *samples;

	out->n = n / STEP;
	out->seconds = n / HML_EEG_RATE;
	HML_TRY(HML_ARENA_NEW(arena, &out->samples, HML_EEG_DERIVATIONS * out->n));
	HML_TRY(HML_ARENA_NEW(arena, &out->fast_power, HML_EEG_DERIVATIONS * out->seconds));
	HML_TRY(HML_ARENA_NEW(arena, &samples, n));
	HML_TRY(hml_filter_butterworth(ctx, HML_FILTER_BAND_PASS, 2, 0.5, 20, HML_EEG_RATE, &filters.slow));
	HML_TRY(hml_filter_butterworth(ctx, HML_FILTER_BAND_PASS, 2, 25, 45, HML_EEG_RATE, &filters.fast));
	for (size_t d = 0; d < HML_EEG_DERIVATIONS; d++)
	{
		const unsigned char *pair = d < 16 ? &hml_chains[d / 4][d % 4] : &midline[d - 16];

		derive(electrodes + pair[0] * stride, electrodes + pair[1] * stride, n, samples);
		HML_TRY(add_derivation(ctx, &filters, samples, n, d, out));
		HML_TRY(hml_poll(ctx));
	}
	return HML_OK;
}
