/*
 * fuzz_audio.c
 *	  The whole way from the bytes of a recording to features and pictures, against
 *	  hostile bytes.
 *
 * What is decoded must be finite, and so must everything that is made of it.
 */
#include "fuzz/support.h"

#include <math.h>
#include <string.h>

#include "core/heart/heart_sound.h"
#include "core/signal/audio/audio_reader.h"
#include "core/signal/audio/plot_signal.h"

static void
check_finite(const float *values, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fuzz_assert(isfinite(values[i]));
}

static void
check_sound(const HmlHeartSound *sound)
{
	check_finite(sound->samples, sound->n_samples);
	check_finite(sound->log_mel, sound->n_mels * sound->n_frames);
	for (size_t w = 0; w < sound->n_windows; w++)
	{
		const HmlHeartWindow *window = &sound->windows[w];

		fuzz_assert(window->weight >= 0 && window->weight <= 1);
		fuzz_assert(window->n_frames > 0 && window->first_frame + window->n_frames <= sound->n_frames);
	}
	fuzz_assert(sound->weight >= 0 && sound->weight <= 1 + 1e-9);
	if (sound->has_beats)
		check_finite(sound->features, HML_HEART_FEATURES);
}

static HmlStatus
hear(HmlContext *ctx, const HmlAudio *audio, bool band_pass)
{
	HmlHeartSoundSpec spec = HML_HEART_SOUND_SPEC_DEFAULT;
	HmlAudioInfo info;
	const HmlSignal signal = hml_audio_signal(audio);
	HmlHeartSound sound;
	HmlArena *arena;
	HmlStatus status;

	check_finite(audio->samples, audio->n_samples);
	HML_TRY(hml_audio_describe(ctx, audio, &info));
	fuzz_assert(isfinite(info.rms) && isfinite(info.snr_db) && info.clipped_share <= 1);
	spec.band_pass = band_pass;
	HML_TRY(hml_arena_create(ctx, &arena));
	status = hml_heart_sound(arena, &spec, &signal, &sound);
	if (status == HML_OK)
		check_sound(&sound);
	hml_arena_free(arena);
	return status;
}

/* Outside the images, whose base64 may spell anything. */
static void
check_numbers(const char *svg)
{
	for (const char *p = svg; *p != '\0'; p++)
	{
		if (strncmp(p, "base64,", 7) == 0)
			p = strchr(p, '"');
		fuzz_assert(strncmp(p, "nan", 3) != 0 && strncmp(p, "inf", 3) != 0);
	}
}

static HmlStatus
draw(HmlContext *ctx, const HmlAudio *audio)
{
	const HmlSignalView view = {"", 0, INFINITY};
	const HmlMelSpec spec = {4000, 256, 128, 64, 0, 0, HML_PAD_CONSTANT};
	HmlText svg;
	HmlStatus status;

	hml_text_init(&svg, ctx);
	status = hml_plot_waveform(&svg, audio, &view);
	if (status == HML_OK)
		status = hml_plot_spectrogram(&svg, audio, &view, &spec, 60);
	if (status == HML_OK)
		check_numbers(svg.data);
	hml_text_free(&svg);
	return status;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HmlAudioLimits limits = HML_AUDIO_LIMITS_DEFAULT;
	HmlContext ctx;
	HmlAudio audio;
	HmlStatus status;

	limits.max_seconds = 20;
	fuzz_context_init(&ctx);
	status = hml_audio_decode(&ctx, data, size, &limits, &audio);
	if (status == HML_OK)
	{
		status = hear(&ctx, &audio, size % 2 == 1);
		if (status == HML_OK && size % 4 == 0) /* takes as long as all the rest */
			status = draw(&ctx, &audio);
		hml_audio_free(&ctx, &audio);
	}
	fuzz_assert(status == HML_OK || ctx.message[0] != '\0');
	fuzz_context_finish(&ctx);
	return 0;
}
