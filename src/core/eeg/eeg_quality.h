/*
 * eeg_quality.h
 *	  Which seconds of which channels hold an EEG, and what spoils the others.
 */
#ifndef HML_EEG_EEG_QUALITY_H
#define HML_EEG_EEG_QUALITY_H

#include "core/base/context.h"

/* What may be wrong with one second of one channel. */
typedef enum HmlEegFlaw
{
	HML_EEG_FLAT = 1 << 0, /* range below 0.5 uV: not connected, bridged, a stopped amplifier */
	HML_EEG_CLIPPED =
		1 << 1, /* a tenth of it or more stays at the highest or the lowest value of the channel */
	HML_EEG_EXTREME = 1 << 2, /* range above 2 mV: movement, a loose electrode */
	HML_EEG_MAINS = 1 << 3,   /* most of its power is at 50 or 60 Hz */
	HML_EEG_MUSCLE = 1 << 4,  /* more than 15 uV (RMS) above 25 Hz, without the mains */
	HML_EEG_BLINK =
		1 << 5, /* of Fp1 and Fp2: both rise by 60 uV or more, and other electrodes by less than half of it */
	HML_EEG_POP = 1 << 6 /* a jump above 100 uV within 15 ms, of this channel alone */
} HmlEegFlaw;

/* Those that leave nothing to judge; of the others the EEG can still be seen in part. */
#define HML_EEG_UNUSABLE (HML_EEG_FLAT | HML_EEG_CLIPPED | HML_EEG_EXTREME)

/* One second of one channel. */
typedef struct HmlEegSecond
{
	unsigned flaws;
	float range_uv;
	float mains_share; /* of its power, 0 to 1 */
	float muscle_uv;   /* RMS above 25 Hz; 0 where the rate is too low to tell */
	float jump_uv;     /* largest change within 15 ms */
	float rise_uv;     /* of its slow waves above their mean */
} HmlEegSecond;

/* Whole seconds of n samples, one at least where there are any; the last takes what is left over. */
extern size_t hml_eeg_seconds(size_t n, double rate);

/* HML_EEG_FLAT, CLIPPED and EXTREME of each second of one channel in microvolt; out is (hml_eeg_seconds()). */
extern void hml_eeg_gross_flaws(const float *samples, size_t n, double rate, unsigned char *out);

/*
 * All of each second of channels in microvolt: samples is (n_channels, n), frontal
 * says which channels are Fp1 and Fp2, out is (n_channels, hml_eeg_seconds()).  Polls.
 */
extern HmlStatus hml_eeg_quality(HmlContext *ctx, const float *samples, size_t n_channels, size_t n,
								 double rate, const bool *frontal, HmlEegSecond *out) HML_NODISCARD;

#endif /* HML_EEG_EEG_QUALITY_H */
