/*
 * heart_beat.c
 *	  Stretching beats, quartiles over them.
 */
#include "core/signal/heart_beat.h"

#include <math.h>

#include "core/base/sort.h"
#include "core/model/calibration.h"

static const size_t phase_bins[HML_HEART_PHASES] = {4, 10, 4, 12};

/* One band of one beat, linearly interpolated to its bins. */
static void
stretch(const float *band, size_t n_frames, const HmlHeartBeat *beat, float *bins)
{
	for (size_t phase = 0; phase < HML_HEART_PHASES; phase++)
	{
		double start = beat->bounds[phase];
		double length = beat->bounds[phase + 1] - start;

		for (size_t i = 0; i < phase_bins[phase]; i++)
		{
			double position = fmax(0.0, start + (i + 0.5) / (double) phase_bins[phase] * length - 0.5);
			size_t frame = (size_t) position;
			float weight = (float) (position - (double) frame);
			size_t next = frame + 1 < n_frames ? frame + 1 : frame;

			*bins++ = band[frame] * (1 - weight) + band[next] * weight;
		}
	}
}

/* cells is (HML_BEAT_BINS, n_beats) scratch. */
static HmlStatus
typical_band(HmlContext *ctx, const float *band, size_t n_frames, const HmlHeartBeat *beats, size_t n_beats,
			 double *cells, float *quartile, float *range)
{
	float bins[HML_BEAT_BINS];

	for (size_t b = 0; b < n_beats; b++)
	{
		stretch(band, n_frames, &beats[b], bins);
		for (size_t i = 0; i < HML_BEAT_BINS; i++)
			cells[i * n_beats + b] = bins[i];
	}
	for (size_t i = 0; i < HML_BEAT_BINS; i++)
	{
		double *cell = cells + i * n_beats;
		double low;

		HML_TRY(hml_sort_doubles(ctx, cell, n_beats));
		low = hml_quantile(cell, n_beats, 0.25);
		quartile[i] = (float) low;
		range[i] = (float) (hml_quantile(cell, n_beats, 0.75) - low);
	}
	return HML_OK;
}

HmlStatus
hml_typical_beat(HmlArena *arena, const float *log_mel, size_t n_bands, size_t n_frames,
				 const HmlHeartBeat *beats, size_t n_beats, HmlTypicalBeat *out)
{
	HmlContext *ctx = hml_arena_context(arena);
	double *cells;

	if (n_beats < HML_BEAT_MIN_BEATS)
		return hml_fail(ctx, HML_INVALID_DATA, "recording has %zu whole heart beats, fewer than %d", n_beats,
						HML_BEAT_MIN_BEATS);
	out->n_bands = n_bands;
	HML_TRY(HML_ARENA_NEW(arena, &out->quartile, n_bands * HML_BEAT_BINS));
	HML_TRY(HML_ARENA_NEW(arena, &out->range, n_bands * HML_BEAT_BINS));
	HML_TRY(HML_ARENA_NEW(arena, &cells, n_beats * HML_BEAT_BINS));
	for (size_t m = 0; m < n_bands; m++)
	{
		HML_TRY(typical_band(ctx, log_mel + m * n_frames, n_frames, beats, n_beats, cells,
							 out->quartile + m * HML_BEAT_BINS, out->range + m * HML_BEAT_BINS));
		HML_TRY(hml_poll(ctx));
	}
	return HML_OK;
}
