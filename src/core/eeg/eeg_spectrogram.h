/*
 * eeg_spectrogram.h
 *	  Multitaper spectrograms of the four chains of the double banana.
 *
 * Windows of 4 s with a step of 2 s, time-bandwidth product 2, three Slepian tapers
 * (D. Slepian, Bell System Technical Journal 57 (1978)), 1,024 points at 200 Hz, linear
 * power in uV^2 / Hz scaled as Chronux does, mean of a chain's four derivations:
 * what the public spectrograms of the IIIC data were made with.
 */
#ifndef HML_EEG_EEG_SPECTROGRAM_H
#define HML_EEG_EEG_SPECTROGRAM_H

#include "core/eeg/montage.h"

#define HML_EEG_BINS 100 /* 0.586 to 19.92 Hz */
#define HML_EEG_BIN_HZ 0.1953125
#define HML_EEG_FIRST_BIN 3
#define HML_EEG_FRAME 800 /* samples at 200 Hz */
#define HML_EEG_HOP 400

/* Frames that n samples at 200 Hz give: 24 of a window of 50 s; 0 where n is less than one. */
static inline size_t
hml_eeg_frames(size_t n)
{
	return n < HML_EEG_FRAME ? 0 : (n - HML_EEG_FRAME) / HML_EEG_HOP + 1;
}

/*
 * electrodes is (19, n) at 200 Hz, uV, filtered or not; out is (HML_CHAINS,
 * HML_EEG_BINS, hml_eeg_frames(n)), chains in the order LL, RL, LP, RP.  Polls.
 */
extern HmlStatus hml_eeg_spectrogram(HmlContext *ctx, const float *electrodes, size_t n,
									 float *out) HML_NODISCARD;

/* Power spectra of one channel of n samples at 200 Hz: out is (HML_EEG_BINS, hml_eeg_frames(n)). */
extern HmlStatus hml_eeg_spectrum(HmlContext *ctx, const float *samples, size_t n, float *out) HML_NODISCARD;

#endif /* HML_EEG_EEG_SPECTROGRAM_H */
