/*
 * fft.h
 *	  Fourier transforms of real frames.
 *
 * The transforms are FFTW's (https://www.fftw.org/fftw3_doc/), in float32.  Plans
 * are kept per size for the life of the process, the HML_FFT_MAX_PLANS latest
 * ones; FFTW's planner and this table are for one thread, like everything that
 * serves one backend.
 *
 * Plans are ESTIMATE ones: at 512 points 0.7 us a frame instead of the 0.5 us of
 * a MEASURE plan, which would cost the first call of a connection 90 ms.
 *
 * FFTW ends the process when it cannot get memory.  What it needs for a plan is
 * a small multiple of the size, which is therefore at most HML_FFT_MAX_SIZE.
 */
#ifndef HML_SIGNAL_DSP_FFT_H
#define HML_SIGNAL_DSP_FFT_H

#include "core/base/context.h"

#define HML_FFT_MAX_SIZE 65536
#define HML_FFT_MAX_PLANS 16

typedef struct HmlFft HmlFft;

/*
 * The plan for real transforms of n points, even, 2 to HML_FFT_MAX_SIZE.  It is
 * for use at once: it lasts until HML_FFT_MAX_PLANS other sizes were asked for.
 */
extern HmlStatus hml_fft_plan(HmlContext *ctx, size_t n, const HmlFft **out) HML_NODISCARD;

/*
 * frame is (n), spectrum is (n / 2 + 1, 2): real and imaginary part of
 * sum_t frame[t] exp(-2 pi i k t / n).  Both are aligned to HML_ALIGNMENT;
 * frame is overwritten.
 */
extern void hml_fft_forward(const HmlFft *fft, float *frame, float *spectrum);

#endif /* HML_SIGNAL_DSP_FFT_H */
