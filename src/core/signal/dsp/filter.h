/*
 * filter.h
 *	  Butterworth and notch filters as second-order sections, run forwards and
 *	  backwards so that nothing is shifted in time.
 *
 * Design and filtering are those of SciPy: hml_filter_butterworth() is
 * scipy.signal.butter(order, ..., output='sos'), hml_filter_notch() is iirnotch,
 * and hml_filter_zero_phase() is sosfiltfilt with its default padding.
 */
#ifndef HML_SIGNAL_DSP_FILTER_H
#define HML_SIGNAL_DSP_FILTER_H

#include "core/base/context.h"

#define HML_FILTER_MAX_ORDER 10
#define HML_FILTER_MAX_SECTIONS HML_FILTER_MAX_ORDER

/* y[t] = b0 x[t] + b1 x[t-1] + b2 x[t-2] - a1 y[t-1] - a2 y[t-2] */
typedef struct HmlSection
{
	double b[3];
	double a[3]; /* a[0] is 1 */
} HmlSection;

typedef struct HmlFilter
{
	size_t n_sections;
	HmlSection sections[HML_FILTER_MAX_SECTIONS];
} HmlFilter;

typedef enum HmlFilterKind
{
	HML_FILTER_LOW_PASS,  /* up to 'high' */
	HML_FILTER_HIGH_PASS, /* from 'low' */
	HML_FILTER_BAND_PASS, /* from 'low' to 'high'; twice the order */
	HML_FILTER_BAND_STOP
} HmlFilterKind;

/*
 * Half-power frequencies low and high in Hz, between 0 and half the sample rate;
 * the one that the kind has no use for is ignored.  order is 1 to
 * HML_FILTER_MAX_ORDER.
 */
extern HmlStatus hml_filter_butterworth(HmlContext *ctx, HmlFilterKind kind, int order, double low,
										double high, double sample_rate, HmlFilter *out) HML_NODISCARD;

/* Remove 'hz', mains hum for example; quality is hz / bandwidth at half power. */
extern HmlStatus hml_filter_notch(HmlContext *ctx, double hz, double quality, double sample_rate,
								  HmlFilter *out) HML_NODISCARD;

/*
 * Filter samples[0 .. n-1] in place, forwards and backwards.  Both ends are
 * extended by an odd reflection of hml_filter_padding() samples; n must be
 * larger than that, else HML_INVALID_DATA.  Polls.
 */
extern HmlStatus hml_filter_zero_phase(HmlContext *ctx, const HmlFilter *filter, float *samples,
									   size_t n) HML_NODISCARD;

/* The same of each row of samples, (n_rows, n), to the bit: several at once, in a third of the time. */
extern HmlStatus hml_filter_zero_phase_rows(HmlContext *ctx, const HmlFilter *filter, float *samples,
											size_t n_rows, size_t n) HML_NODISCARD;

extern size_t hml_filter_padding(const HmlFilter *filter);

#endif /* HML_SIGNAL_DSP_FILTER_H */
