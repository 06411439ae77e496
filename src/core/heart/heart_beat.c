/*
 * heart_beat.c
 *	  Stretching beats, quartiles over them.
 */
#include "core/heart/heart_beat.h"

#include <math.h>

#include "core/base/sort.h"
#include "core/model/calibration.h"
#include "core/stats/quantile.h"

const size_t hml_beat_phase_bins[HML_HEART_PHASES + 1] = {0, 4, 14, 18, HML_BEAT_BINS};

HmlHeartPhase
hml_beat_phase(size_t bin)
{
	HmlHeartPhase phase = HML_HEART_S1;

	while (bin >= hml_beat_phase_bins[phase + 1])
		phase++;
	return phase;
}

void
hml_beat_bin(const HmlHeartBeat *beat, size_t bin, double *from, double *to)
{
	const size_t *bins = hml_beat_phase_bins;
	HmlHeartPhase phase = hml_beat_phase(bin);
	double length;

	length =
		(double) (beat->bounds[phase + 1] - beat->bounds[phase]) / (double) (bins[phase + 1] - bins[phase]);
	*from = beat->bounds[phase] + (double) (bin - bins[phase]) * length;
	*to = *from + length;
}

void
hml_stretch_beat(const float *band, size_t n_frames, const HmlHeartBeat *beat, float *bins)
{
	for (size_t i = 0; i < HML_BEAT_BINS; i++)
	{
		double from;
		double to;
		double position;
		size_t frame;
		size_t next;
		float weight;

		hml_beat_bin(beat, i, &from, &to);
		position = fmax(0.0, (from + to) / 2 - 0.5);
		frame = (size_t) position;
		next = frame + 1 < n_frames ? frame + 1 : frame;
		weight = (float) (position - (double) frame);
		bins[i] = band[frame] * (1 - weight) + band[next] * weight;
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
		hml_stretch_beat(band, n_frames, &beats[b], bins);
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
