/*
 * heart_synthetic.c
 *	  Heart sounds without a heart, for demonstrations and tests.
 *
 * Each beat has a first and a second sound: two decaying tones each, after the
 * sums of damped sinusoids of Chen et al., IEEE Trans. Biomed. Eng. 44 (1997).
 * Systole lasts 0.2 s + 0.12 periods.  A murmur is band-limited noise: it swells and
 * fades within systole, or dies away during the first half of diastole.  Breathing moves the level and the rate a little, four seconds a
 * breath.  White noise is added at the end.
 */
#include "core/heart/heart_sound.h"

#include <math.h>

#include "core/base/rng.h"
#include "core/signal/audio/audio.h"
#include "core/signal/dsp/filter.h"

#define PI 3.14159265358979323846
#define SAMPLES_PER_POLL 16384

#define BREATH_S 4.0
#define BREATH_LEVEL 0.15 /* share by which breathing moves the level */
#define BREATH_RATE 0.03  /* and the period */
#define MURMUR_LEVEL 0.06
#define MURMUR_LOW_HZ 160.0
#define MURMUR_HIGH_HZ 500.0

typedef struct Tone
{
	double hz;
	double level;
	double decay_s;
} Tone;

static const Tone first_sound[] = {{45, 0.35, 0.030}, {80, 0.20, 0.020}};
static const Tone second_sound[] = {{60, 0.22, 0.020}, {110, 0.16, 0.013}};
#define TONES 2
#define SOUND_S 0.15 /* after this a sound has died away */

static HmlStatus
check(HmlContext *ctx, const HmlSyntheticHeart *heart)
{
	if (!(heart->seconds >= 0.1 && heart->seconds <= 600))
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "seconds must be from 0.1 to 600, not %g", heart->seconds);
	if (!(heart->bpm >= 20 && heart->bpm <= 300))
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "bpm must be from 20 to 300, not %g", heart->bpm);
	if (!(heart->noise >= 0 && heart->noise <= 1))
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "noise must be from 0 to 1, not %g", heart->noise);
	return HML_OK;
}

/* Tones that rise within a few milliseconds from second 'start' on. */
static void
add_sound(const Tone *tones, double start, double level, float *samples, size_t n)
{
	size_t first = (size_t) (start * HML_SYNTHETIC_RATE);
	size_t last = first + (size_t) (SOUND_S * HML_SYNTHETIC_RATE);

	for (size_t i = first; i < last && i < n; i++)
	{
		double t = (double) i / HML_SYNTHETIC_RATE - start;
		double rise = 1 - exp(-fmax(t, 0.0) / 0.004);

		for (size_t k = 0; k < TONES; k++)
			samples[i] += (float) (level * tones[k].level * rise * exp(-t / tones[k].decay_s) *
								   sin(2 * PI * tones[k].hz * t));
	}
}

/* Noise of 'murmur' between two moments, louder in the middle, or from the beginning on ever softer. */
static void
add_murmur(const float *murmur, double start, double end, bool fading, double level, float *samples, size_t n)
{
	size_t first = (size_t) (start * HML_SYNTHETIC_RATE);
	size_t last = (size_t) (end * HML_SYNTHETIC_RATE);

	for (size_t i = first; i < last && i < n; i++)
	{
		double passed = (double) (i - first) / (double) (last - first);
		double shape = fading ? 1 - passed : sin(PI * passed);

		samples[i] += (float) (level * MURMUR_LEVEL * shape) * murmur[i];
	}
}

/* Band-limited noise of unit power; n is at least 400, more than the filter needs. */
static HmlStatus
make_murmur(HmlContext *ctx, HmlRng *rng, float *murmur, size_t n)
{
	HmlFilter filter;
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		murmur[i] = (float) hml_rng_normal(rng);
	HML_TRY(hml_filter_butterworth(ctx, HML_FILTER_BAND_PASS, 2, MURMUR_LOW_HZ, MURMUR_HIGH_HZ,
								   HML_SYNTHETIC_RATE, &filter));
	HML_TRY(hml_filter_zero_phase(ctx, &filter, murmur, n));
	for (size_t i = 0; i < n; i++)
		sum += (double) murmur[i] * murmur[i];
	for (size_t i = 0; i < n; i++)
		murmur[i] /= (float) sqrt(sum / (double) n);
	return HML_OK;
}

static HmlStatus
add_beats(HmlContext *ctx, const HmlSyntheticHeart *heart, const float *murmur, float *samples, size_t n)
{
	double period = 60 / heart->bpm;
	double start = 0.1 * period;

	while (start < heart->seconds)
	{
		double breath = sin(2 * PI * start / BREATH_S);
		double level = 1 + BREATH_LEVEL * breath;
		double this_period = period * (1 + BREATH_RATE * breath);
		double second = start + fmin(0.2 + 0.12 * this_period, 0.5 * this_period);

		add_sound(first_sound, start, level, samples, n);
		add_sound(second_sound, second, level, samples, n);
		if (heart->murmur == HML_MURMUR_SYSTOLIC)
			add_murmur(murmur, start + 0.06, second, false, level, samples, n);
		if (heart->murmur == HML_MURMUR_DIASTOLIC)
			add_murmur(murmur, second + 0.04, (second + start + this_period) / 2, true, level, samples, n);
		start += this_period;
		HML_TRY(hml_poll(ctx));
	}
	return HML_OK;
}

static HmlStatus
fill_samples(HmlContext *ctx, const HmlSyntheticHeart *heart, float *murmur, float *samples, size_t n)
{
	HmlRng rng;

	hml_rng_seed(&rng, heart->seed);
	HML_TRY(make_murmur(ctx, &rng, murmur, n));
	HML_TRY(add_beats(ctx, heart, murmur, samples, n));
	for (size_t i = 0; i < n; i++)
	{
		samples[i] += (float) (heart->noise * hml_rng_normal(&rng));
		if (i % SAMPLES_PER_POLL == 0)
			HML_TRY(hml_poll(ctx));
	}
	return HML_OK;
}

HmlStatus
hml_synthetic_heart_sound(HmlContext *ctx, const HmlSyntheticHeart *heart, unsigned char **bytes,
						  size_t *length)
{
	float *samples = NULL;
	float *murmur = NULL;
	HmlStatus status;
	size_t n;

	*bytes = NULL;
	HML_TRY(check(ctx, heart));
	n = (size_t) (heart->seconds * HML_SYNTHETIC_RATE);
	status = HML_NEW_ZERO(ctx, &samples, n);
	if (status == HML_OK)
		status = HML_NEW(ctx, &murmur, n);
	if (status == HML_OK)
		status = fill_samples(ctx, heart, murmur, samples, n);
	if (status == HML_OK)
		status = hml_audio_write_wav(ctx, samples, n, HML_SYNTHETIC_RATE, bytes, length);
	hml_free(ctx, murmur);
	hml_free(ctx, samples);
	return status;
}
