/*
 * mel.h
 *	  Mel spectrograms that equal librosa's.
 *
 * hml_mel_spectrogram() gives librosa.feature.melspectrogram (power 2, periodic
 * Hann window, Slaney's mel scale and normalisation), hml_power_to_db() gives
 * librosa.power_to_db; together to 1e-3 dB.  https://librosa.org/doc/
 */
#ifndef HML_SIGNAL_DSP_MEL_H
#define HML_SIGNAL_DSP_MEL_H

#include "core/base/arena.h"

typedef enum HmlPadding
{
	HML_PAD_CONSTANT, /* zeros beyond the ends: librosa's default */
	HML_PAD_REFLECT   /* the signal mirrored at its ends, the end sample not repeated */
} HmlPadding;

typedef struct HmlMelSpec
{
	double sample_rate;
	int n_fft;      /* even, 2 to HML_FFT_MAX_SIZE; also the length of the window */
	int hop_length; /* at least 1 */
	int n_mels;     /* 1 to HML_MEL_MAX_BANDS */
	double fmin;    /* Hz */
	double fmax;    /* Hz, at most half the sample rate */
	HmlPadding padding;
} HmlMelSpec;

/* Slaney's mel scale: linear below 1 kHz, logarithmic above. */
extern double hml_hz_to_mel(double hz);
extern double hml_mel_to_hz(double mel);

#define HML_MEL_MAX_BANDS 1024
#define HML_MEL_MAX_CELLS ((size_t) 64 * 1024 * 1024) /* bands times frames of one spectrogram */

typedef struct HmlMel HmlMel;

/* Window and filter bank; lies in 'arena'.  A senseless specification is HML_INVALID_ARGUMENT. */
extern HmlStatus hml_mel_create(HmlArena *arena, const HmlMelSpec *spec, HmlMel **out) HML_NODISCARD;

/* Frame t is centred on sample t * hop_length: 1 + n / hop_length frames. */
extern size_t hml_mel_frames(const HmlMel *mel, size_t n);

/* samples is (n), n >= 1; out is (n_mels, hml_mel_frames(n)), power. */
extern HmlStatus hml_mel_spectrogram(HmlContext *ctx, const HmlMel *mel, const float *samples, size_t n,
									 float *out) HML_NODISCARD;

/* librosa.power_to_db's reference for its ref=np.max. */
#define HML_DB_REF_MAX 0.0f

/*
 * In place: 10 log10(max(amin, value) / ref), then nothing more than top_db
 * below the largest; top_db < 0 leaves that out.  librosa's defaults: ref 1,
 * amin 1e-10, top_db 80.
 */
extern void hml_power_to_db(float *values, size_t n, float ref, float amin, float top_db);

#endif /* HML_SIGNAL_DSP_MEL_H */
