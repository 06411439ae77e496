/*
 * heart_floor.c
 *	  Spectra of half-overlapping frames, quantiles over them.
 *
 * Memory: one float32 for each frequency below 938 Hz of each frame, 8 kB for a
 * second.  Polls after each block of frames and of frequencies.
 */
#include "core/heart/heart_floor.h"

#include <math.h>
#include <string.h>

#include "core/signal/dsp/fft.h"
#include "core/signal/dsp/mel.h"

#define FRAME_S 0.512 /* frequencies are then 1.95 Hz apart */
#define QUANTILE 0.2
#define POWER_FLOOR 1e-6 /* of a frame's spectrum: far below what 16 bits resolve */
#define STEPS_PER_POLL 32
#define PI 3.14159265358979323846

/* Narrow where the filters of stethoscopes begin and end, in multiples of 1 / FRAME_S; offsets and drifts lie below. */
#define BINS 480
static const size_t edges[HML_HEART_FLOORS + 1] = {2,  5,   8,   12,  16,  20,  26,  32,  40,  50,  64,
												   80, 100, 128, 160, 200, 256, 320, 400, 450, BINS};
#define HZ(bin) ((bin) / FRAME_S)
const double hml_heart_floor_hz[HML_HEART_FLOORS + 1] = {
	HZ(2),  HZ(5),   HZ(8),   HZ(12),  HZ(16),  HZ(20),  HZ(26),  HZ(32),  HZ(40),  HZ(50),  HZ(64),
	HZ(80), HZ(100), HZ(128), HZ(160), HZ(200), HZ(256), HZ(320), HZ(400), HZ(450), HZ(BINS)};

typedef struct Spectra
{
	const float *samples;
	size_t n;
	size_t width; /* samples of a frame, even */
	size_t n_frames;
	float *window;   /* (width) Hann */
	float *frame;    /* (width) */
	float *spectrum; /* (width / 2 + 1, 2) */
	float *powers;   /* (BINS, n_frames) */
} Spectra;

static HmlStatus
prepare(HmlArena *arena, const float *samples, size_t n, double sample_rate, Spectra *out)
{
	out->samples = samples;
	out->n = n;
	out->width = 2 * (size_t) (FRAME_S * sample_rate / 2 + 0.5);
	out->n_frames = n > out->width ? 1 + (n - out->width) / (out->width / 2) : 1;
	if (out->n_frames > HML_MEL_MAX_CELLS / BINS)
		return hml_fail(hml_arena_context(arena), HML_LIMIT,
						"recording of %zu samples is too long for its spectrum", n);
	HML_TRY(HML_ARENA_NEW(arena, &out->window, out->width));
	HML_TRY(HML_ARENA_NEW(arena, &out->frame, out->width));
	HML_TRY(HML_ARENA_NEW(arena, &out->spectrum, out->width + 2));
	HML_TRY(HML_ARENA_NEW(arena, &out->powers, out->n_frames * BINS));
	for (size_t i = 0; i < out->width; i++)
		out->window[i] = (float) (0.5 - 0.5 * cos(2 * PI * (double) i / (double) out->width));
	return HML_OK;
}

static void
take_frame(Spectra *spectra, const HmlFft *fft, size_t number)
{
	const float *first = spectra->samples + number * (spectra->width / 2);
	size_t left = spectra->n - number * (spectra->width / 2);

	for (size_t i = 0; i < spectra->width; i++)
		spectra->frame[i] = i < left ? first[i] * spectra->window[i] : 0;
	hml_fft_forward(fft, spectra->frame, spectra->spectrum);
	for (size_t k = 0; k < BINS; k++)
	{
		float re = spectra->spectrum[2 * k];
		float im = spectra->spectrum[2 * k + 1];

		spectra->powers[k * spectra->n_frames + number] = re * re + im * im;
	}
}

/* The value of that rank, from 0, by C. A. R. Hoare's algorithm 65 (1961); the order of the values changes. */
static float
value_of_rank(float *values, size_t n, size_t rank)
{
	ptrdiff_t first = 0;
	ptrdiff_t last = (ptrdiff_t) n - 1;

	while (first < last)
	{
		float pivot = values[rank];
		ptrdiff_t i = first;
		ptrdiff_t j = last;

		while (i <= j)
		{
			while (values[i] < pivot)
				i++;
			while (values[j] > pivot)
				j--;
			if (i <= j)
			{
				float swap = values[i];

				values[i++] = values[j];
				values[j--] = swap;
			}
		}
		if (j < (ptrdiff_t) rank)
			first = i;
		if ((ptrdiff_t) rank < i)
			last = j;
	}
	return values[rank];
}

/* dB of the whole recording. */
static double
level_of(const float *samples, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double) samples[i] * samples[i];
	return 10 * log10(sum / (double) n + POWER_FLOOR);
}

static HmlStatus
take_floors(HmlContext *ctx, Spectra *spectra, float *floors)
{
	size_t rank = (size_t) (QUANTILE * (double) (spectra->n_frames - 1));
	double level = level_of(spectra->samples, spectra->n);
	double db[BINS];

	for (size_t k = 0; k < BINS; k++)
	{
		float *powers = spectra->powers + k * spectra->n_frames;

		db[k] = 10 * log10((double) value_of_rank(powers, spectra->n_frames, rank) + POWER_FLOOR);
		if (k % STEPS_PER_POLL == 0)
			HML_TRY(hml_poll(ctx));
	}
	for (size_t band = 0; band < HML_HEART_FLOORS; band++)
	{
		double sum = 0;

		for (size_t k = edges[band]; k < edges[band + 1]; k++)
			sum += db[k];
		floors[band] = (float) (sum / (double) (edges[band + 1] - edges[band]) - level);
	}
	return HML_OK;
}

static HmlStatus
measure(HmlArena *arena, const float *samples, size_t n, double sample_rate, float *floors)
{
	HmlContext *ctx = hml_arena_context(arena);
	Spectra spectra;
	const HmlFft *fft;

	HML_TRY(prepare(arena, samples, n, sample_rate, &spectra));
	HML_TRY(hml_fft_plan(ctx, spectra.width, &fft));
	for (size_t t = 0; t < spectra.n_frames; t++)
	{
		take_frame(&spectra, fft, t);
		if (t % STEPS_PER_POLL == 0)
			HML_TRY(hml_poll(ctx));
	}
	return take_floors(ctx, &spectra, floors);
}

HmlStatus
hml_heart_floor(HmlContext *ctx, const float *samples, size_t n, double sample_rate, float *floors)
{
	HmlArena *arena;
	HmlStatus status;

	HML_TRY(hml_arena_create(ctx, &arena));
	status = measure(arena, samples, n, sample_rate, floors);
	hml_arena_free(arena);
	return status;
}
