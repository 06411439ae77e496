/*
 * spectrogram.h
 *	  The mel spectrogram of a recording, from any sample rate.
 */
#ifndef HML_SIGNAL_AUDIO_SPECTROGRAM_H
#define HML_SIGNAL_AUDIO_SPECTROGRAM_H

#include "core/signal/audio/audio.h"
#include "core/signal/dsp/mel.h"

typedef struct HmlSpectrogram
{
	HmlMelSpec mel; /* as it was used */
	size_t n_frames;
	float *power; /* (n_mels, n_frames) */
} HmlSpectrogram;

/*
 * Resample and transform.  In 'spec', a sample rate of 0 keeps the recording's, and an
 * fmax of 0 is half the rate.  HML_INVALID_ARGUMENT for a specification that makes
 * no sense, HML_LIMIT for more than HML_MEL_MAX_CELLS.  out->power is freed with
 * hml_free(); with hml_power_to_db() it is librosa's power_to_db(melspectrogram()).
 */
extern HmlStatus hml_spectrogram(HmlContext *ctx, const HmlMelSpec *spec, const HmlAudio *audio,
								 HmlSpectrogram *out) HML_NODISCARD;

#endif /* HML_SIGNAL_AUDIO_SPECTROGRAM_H */
