/*
 * eeg_trends.h
 *	  What is read off an EEG at the bedside: its amplitude, spectrum, rhythm, symmetry
 *	  and suppression over some seconds.
 */
#ifndef HML_EEG_EEG_TRENDS_H
#define HML_EEG_EEG_TRENDS_H

#include "core/eeg/montage.h"

/* Band powers and edges are of the mean spectrum of the double banana, 0.5 to 20 Hz. */
typedef struct HmlEegTrend
{
	double delta_uv2; /* below 4 Hz */
	double theta_uv2; /* 4 to 8 Hz */
	double alpha_uv2; /* 8 to 13 Hz */
	double beta_uv2;  /* 13 to 20 Hz */
	double edge_hz;   /* 95 % of the power are below it */
	double median_hz;
	double
		rhythmicity; /* of 0.5 to 4 Hz: median over derivations of the highest peak of the autocorrelation, 0 to 1 */
	double rhythm_hz; /* frequency of the peak that is the median; NaN = there is none */
	double asymmetry; /* (right - left) / (right + left) of the power, -1 to 1 */
	double
		suppression_ratio; /* share of time, over derivations, below 10 uV peak to peak for half a second or more */
	double aeeg_low_uv; /* amplitude-integrated EEG, mean of C3-P3 and C4-P4: 10th and 90th percentile */
	double aeeg_high_uv;
} HmlEegTrend;

/*
 * electrodes is (19, n) at 200 Hz, filtered from 0.5 Hz to 20 Hz or more; the trend is
 * of samples first to end - 1, at least HML_EEG_FRAME of them.
 */
extern HmlStatus hml_eeg_trend(HmlContext *ctx, const float *electrodes, size_t n, size_t first, size_t end,
							   HmlEegTrend *out) HML_NODISCARD;

#endif /* HML_EEG_EEG_TRENDS_H */
