/*
 * audio_reader.c
 *	  The reader of audio: its limits, and from decoded samples to a signal.
 */
#include "core/signal/audio/audio_reader.h"

#include <math.h>

#define LONGEST_S (24 * 60 * 60)

static const HmlSignalLimit limits[] = {
	[HML_AUDIO_MAX_SECONDS] = {.name = "max_audio_seconds",
							   .value = 600,
							   .least = 1,
							   .most = LONGEST_S,
							   .is_seconds = true,
							   .help = "Sets the longest recording that is decoded.",
							   .detail = "A longer one is an error."},
	{0}};

HmlAudioLimits
hml_audio_limits(const int *values)
{
	HmlAudioLimits result = HML_AUDIO_LIMITS_DEFAULT;

	result.max_seconds = values[HML_AUDIO_MAX_SECONDS];
	return result;
}

HmlSignal
hml_audio_signal(const HmlAudio *audio)
{
	return (HmlSignal){.n_channels = 1,
					   .n_samples = audio->n_samples,
					   .samples = audio->samples,
					   .sample_rate = audio->sample_rate,
					   .unit = "full scale",
					   .format = audio->format,
					   .truncated = audio->truncated};
}

static HmlStatus
read_audio(HmlContext *ctx, const HmlSignalRequest *request, HmlSignal *out)
{
	HmlAudioLimits decoded = hml_audio_limits(request->limits);
	HmlAudio audio;

	*out = (HmlSignal){0};
	if (!isnan(request->at_s))
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "an audio recording is read as a whole, not at second %g",
						request->at_s);
	HML_TRY(hml_audio_decode(ctx, request->bytes, request->length, &decoded, &audio));
	*out = hml_audio_signal(&audio);
	return HML_OK;
}

const HmlSignalReader hml_audio_reader = {.name = "audio", .limits = limits, .read = read_audio};
