/*
 * eeg_measures.h
 *	  Measures of one derivation over some seconds.
 */
#ifndef HML_EEG_EEG_MEASURES_H
#define HML_EEG_EEG_MEASURES_H

#include "core/base/context.h"

#define HML_EEG_DERIVATIONS 18 /* chains LL, RL, LP, RP of four each, then Fz-Cz, Cz-Pz */
#define HML_EEG_FEATURE_RATE 100
#define HML_EEG_SPECTRUM 2048                    /* points of a transform */
#define HML_EEG_LINES (HML_EEG_SPECTRUM / 2 + 1) /* of a power spectrum */
#define HML_EEG_MOST_FEATURE_S 10                /* of a derivation that is measured */

typedef enum HmlEegMeasure
{
	HML_EEG_AMPLITUDE,          /* log RMS, uV */
	HML_EEG_SLOW,               /* log shares of the power: 0.5 to 1 Hz, */
	HML_EEG_DELTA,              /* 1 to 2.5, */
	HML_EEG_FAST_DELTA,         /* 2.5 to 4, */
	HML_EEG_THETA,              /* 4 to 8, */
	HML_EEG_ALPHA,              /* 8 to 13, */
	HML_EEG_BETA,               /* 13 to 20 */
	HML_EEG_MUSCLE_POWER,       /* log power from 25 to 45 Hz to that of the rest */
	HML_EEG_RHYTHM,             /* prominence of the autocorrelation at 0.5 to 2.5 Hz */
	HML_EEG_FAST_RHYTHM,        /* the same at 2.5 to 10 Hz */
	HML_EEG_PERIODICITY,        /* that of the Teager envelope at lags of 0.35 to 2.6 s */
	HML_EEG_CONCENTRATION,      /* of the spectrum in its highest 0.5 Hz from 0.5 to 3 Hz */
	HML_EEG_FAST_CONCENTRATION, /* the same from 3 to 12 Hz, in 1 Hz */
	HML_EEG_CENTRE,             /* log mean frequency */
	HML_EEG_SHARPNESS,          /* log kurtosis of the samples */
	HML_EEG_STEEPNESS,          /* log of the 95th percentile of the slope to the RMS */
	HML_EEG_SPIKINESS,          /* log of the envelope's 95th percentile to its median */
	HML_EEG_CHANGE,             /* of the log power between thirds */
	HML_EEG_MEASURES
} HmlEegMeasure;

/* Scratch of the measures and what they leave behind. */
typedef struct HmlEegWork
{
	float *frame;    /* (HML_EEG_SPECTRUM) aligned */
	float *spectrum; /* (HML_EEG_LINES, 2) aligned */
	float *power;    /* (HML_EEG_LINES) of the Hann window */
	float *lags;     /* (HML_EEG_SPECTRUM) */
	double *numbers; /* (HML_EEG_MOST_FEATURE_S * HML_EEG_FEATURE_RATE) */
	float *envelope; /* (same) smoothed Teager energy, its root: uV */
} HmlEegWork;

/* samples is (n), n at most HML_EEG_MOST_FEATURE_S s; fast_power is uV^2 per sample; measures is (HML_EEG_MEASURES). */
extern HmlStatus hml_eeg_measure(HmlContext *ctx, HmlEegWork *work, const float *samples, size_t n,
								 double fast_power, double *measures) HML_NODISCARD;

/* Power from low to high Hz of a spectrum by hml_eeg_power_spectrum(). */
extern double hml_eeg_band(const float *power, double low, double high);

/* work->power of samples (n) under a Hann window. */
extern HmlStatus hml_eeg_power_spectrum(HmlContext *ctx, HmlEegWork *work, const float *samples,
										size_t n) HML_NODISCARD;

/* A peak of the autocorrelation between two lags in seconds. */
typedef struct HmlEegPeak
{
	double prominence; /* above the lowest value in front of it, 0 to 2; 0 = there is no peak */
	double lag_s;      /* of no peak the longest */
} HmlEegPeak;

extern HmlStatus hml_eeg_autocorrelation_peak(HmlContext *ctx, HmlEegWork *work, const float *samples,
											  size_t n, double low_s, double high_s,
											  HmlEegPeak *out) HML_NODISCARD;

/* The peak between other lags of the same autocorrelation. */
extern HmlEegPeak hml_eeg_peak_between(const HmlEegWork *work, size_t n, double low_s, double high_s);

/* Quantiles of values (n) by ranks from 0 to 1. */
extern HmlStatus hml_eeg_quantiles(HmlContext *ctx, HmlEegWork *work, const float *values, size_t n,
								   const double *ranks, size_t n_out, double *out) HML_NODISCARD;

#endif /* HML_EEG_EEG_MEASURES_H */
