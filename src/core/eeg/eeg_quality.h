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
	HML_EEG_FLAT =
		1 << 0, /* range below 0.5 uV: an electrode that is not connected, a bridge, a stopped amplifier */
	HML_EEG_CLIPPED =
		1 << 1, /* a tenth of it or more stays at the highest or the lowest value of the channel */
	HML_EEG_EXTREME = 1 << 2, /* range above 2 mV: movement, a loose electrode */
	HML_EEG_MAINS = 1 << 3,   /* most of its power is at 50 or 60 Hz */
	HML_EEG_MUSCLE = 1 << 4,  /* more than 15 uV (RMS) above 25 Hz, without the mains */
	HML_EEG_BLINK = 1 << 5, /* of Fp1 and Fp2: a slow wave of both above 60 uV that does not reach the back */
	HML_EEG_POP = 1 << 6    /* a jump of this channel alone, above 100 uV from one sample to the next few */
} HmlEegFlaw;

/* Those that leave nothing to judge; of the others the EEG can still be seen in part. */
#define HML_EEG_UNUSABLE (HML_EEG_FLAT | HML_EEG_CLIPPED | HML_EEG_EXTREME)

/* Whole seconds of n samples, one at least where there are any; the last takes what is left over. */
extern size_t hml_eeg_seconds(size_t n, double rate);

/*
 * Flaws of each second of one channel of n samples in microvolt, which are HML_EEG_FLAT, CLIPPED
 * and EXTREME; out is (hml_eeg_seconds(n, rate)).
 */
extern void hml_eeg_gross_flaws(const float *samples, size_t n, double rate, unsigned char *out);

#endif /* HML_EEG_EEG_QUALITY_H */
