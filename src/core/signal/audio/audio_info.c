/*
 * audio_info.c
 *	  What can be said about a recording without knowing what it is of.
 *
 * One pass for the extremes, one for clipping, one for the levels of frames of
 * 25 ms, which are sorted.  Polls between the passes and in the last one.
 */
#include "core/signal/audio/audio.h"

#include <math.h>

#include "core/base/sort.h"

#define LEVEL_FRAME_S 0.025
#define FLOOR_DB (-120.0)
#define CLIP_RUN 3           /* samples: two equal ones at a peak are ordinary */
#define CLIP_TOLERANCE 1e-4f /* of the extreme: what a lossy codec leaves flat */
#define FRAMES_PER_POLL 4096

static double
level_db(double power)
{
	double db = power > 0 ? 10.0 * log10(power) : FLOOR_DB;

	return db > FLOOR_DB ? db : FLOOR_DB;
}

double
hml_clipped_share(const float *samples, size_t n, float lowest, float highest)
{
	float tolerance = CLIP_TOLERANCE * (highest - lowest);
	size_t run = 0;
	size_t clipped = 0;
	int run_side = 0;

	if (n == 0 || !(highest > lowest))
		return 0;
	for (size_t i = 0; i < n; i++)
	{
		int side = samples[i] >= highest - tolerance ? 1 : samples[i] <= lowest + tolerance ? -1 : 0;

		run = side != 0 && side == run_side ? run + 1 : 1;
		run_side = side;
		if (side != 0 && run == CLIP_RUN)
			clipped += CLIP_RUN;
		else if (side != 0 && run > CLIP_RUN)
			clipped++;
	}
	return (double) clipped / (double) n;
}

/* Mean square round 'mean' of each frame; the last one may be shorter. */
static HmlStatus
frame_powers(HmlContext *ctx, const HmlAudio *audio, size_t frame, double mean, double *powers)
{
	size_t f = 0;

	for (size_t start = 0; start < audio->n_samples; start += frame, f++)
	{
		size_t n = audio->n_samples - start < frame ? audio->n_samples - start : frame;
		double sum = 0;

		for (size_t i = 0; i < n; i++)
		{
			double x = audio->samples[start + i] - mean;

			sum += x * x;
		}
		powers[f] = sum / (double) n;
		if (f % FRAMES_PER_POLL == 0)
			HML_TRY(hml_poll(ctx));
	}
	return HML_OK;
}

static HmlStatus
describe_levels(HmlContext *ctx, const HmlAudio *audio, HmlAudioInfo *out)
{
	size_t frame = (size_t) (LEVEL_FRAME_S * audio->sample_rate);
	size_t n_frames = (audio->n_samples + frame - 1) / frame;
	double *powers;
	HmlStatus status;

	HML_TRY(HML_NEW(ctx, &powers, n_frames));
	status = frame_powers(ctx, audio, frame, out->dc_offset, powers);
	if (status == HML_OK)
		status = hml_sort_doubles(ctx, powers, n_frames);
	if (status == HML_OK)
	{
		out->noise_db = level_db(powers[n_frames / 10]);
		out->snr_db = level_db(powers[n_frames - 1 - n_frames / 10]) - out->noise_db;
	}
	hml_free(ctx, powers);
	return status;
}

HmlStatus
hml_audio_describe(HmlContext *ctx, const HmlAudio *audio, HmlAudioInfo *out)
{
	double sum = 0;
	double sum_squares = 0;
	float lowest = audio->samples[0];
	float highest = audio->samples[0];
	double n = (double) audio->n_samples;

	for (size_t i = 0; i < audio->n_samples; i++)
	{
		double x = audio->samples[i];

		sum += x;
		sum_squares += x * x;
		lowest = fminf(lowest, audio->samples[i]);
		highest = fmaxf(highest, audio->samples[i]);
	}
	HML_TRY(hml_poll(ctx));
	out->duration_s = n / audio->sample_rate;
	out->peak = fmaxf(fabsf(lowest), fabsf(highest));
	out->dc_offset = sum / n;
	out->rms = sqrt(fmax(0.0, sum_squares / n - out->dc_offset * out->dc_offset));
	out->clipped_share = hml_clipped_share(audio->samples, audio->n_samples, lowest, highest);
	return describe_levels(ctx, audio, out);
}
