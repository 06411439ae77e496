/*
 * resample.h
 *	  Change of the sample rate.
 *
 * Band-limited resampling by libsoxr (https://sourceforge.net/p/soxr/), quality
 * HQ (20 bits, linear phase): what librosa's "soxr_hq" and ffmpeg's soxr give.
 */
#ifndef HML_SIGNAL_DSP_RESAMPLE_H
#define HML_SIGNAL_DSP_RESAMPLE_H

#include "core/base/context.h"

#define HML_RESAMPLE_MAX_RATE 1e7
#define HML_RESAMPLE_MAX_RATIO 1000.0 /* either way */

/* Samples that n samples become: n * to / from, rounded to the nearest. */
extern size_t hml_resample_length(size_t n, double from, double to);

/*
 * in is (n) at rate 'from' Hz; *out is (*n_out) at rate 'to', freed with
 * hml_free().  n_out is hml_resample_length().  Rates outside the limits above
 * are HML_INVALID_ARGUMENT.
 */
extern HmlStatus hml_resample(HmlContext *ctx, const float *in, size_t n, double from, double to, float **out,
							  size_t *n_out) HML_NODISCARD;

#endif /* HML_SIGNAL_DSP_RESAMPLE_H */
