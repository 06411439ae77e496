/*
 * spectrogram.c
 *	  Resampling, then the mel spectrogram.
 *
 * Memory beside the result: the resampled recording.
 */
#include "core/signal/audio/spectrogram.h"

#include "core/signal/dsp/resample.h"

static HmlStatus
transform(HmlArena *arena, const float *samples, size_t n, HmlSpectrogram *out)
{
	HmlContext *ctx = hml_arena_context(arena);
	size_t n_mels = (size_t) out->mel.n_mels;
	HmlMel *mel;
	HmlStatus status;

	HML_TRY(hml_mel_create(arena, &out->mel, &mel));
	if (n == 0)
		return hml_fail(ctx, HML_INVALID_DATA, "recording is shorter than one sample at %g Hz",
						out->mel.sample_rate);
	out->n_frames = hml_mel_frames(mel, n);
	if (out->n_frames > HML_MEL_MAX_CELLS / n_mels)
		return hml_fail(ctx, HML_LIMIT,
						"spectrogram of %zu bands and %zu frames is larger than the limit of %zu cells",
						n_mels, out->n_frames, HML_MEL_MAX_CELLS);
	HML_TRY(HML_NEW(ctx, &out->power, n_mels * out->n_frames));
	status = hml_mel_spectrogram(ctx, mel, samples, n, out->power);
	if (status != HML_OK)
	{
		hml_free(ctx, out->power);
		out->power = NULL;
	}
	return status;
}

HmlStatus
hml_spectrogram(HmlContext *ctx, const HmlMelSpec *spec, const HmlAudio *audio, HmlSpectrogram *out)
{
	HmlArena *arena;
	float *samples = NULL;
	size_t n;
	HmlStatus status;

	*out = (HmlSpectrogram){.mel = *spec};
	if (out->mel.sample_rate == 0)
		out->mel.sample_rate = audio->sample_rate;
	if (out->mel.fmax == 0)
		out->mel.fmax = out->mel.sample_rate / 2;
	HML_TRY(hml_arena_create(ctx, &arena));
	status = hml_resample(ctx, audio->samples, audio->n_samples, audio->sample_rate, out->mel.sample_rate,
						  &samples, &n);
	if (status == HML_OK)
		status = transform(arena, samples, n, out);
	hml_free(ctx, samples);
	hml_arena_free(arena);
	return status;
}
