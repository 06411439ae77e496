/*
 * gemm_kernels.h
 *	  What gemm.c has in variants beside the tiles; not for others.
 */
#ifndef HML_BASE_GEMM_KERNELS_H
#define HML_BASE_GEMM_KERNELS_H

#include <stddef.h>

/* out[i] = sum over p < n of x[p] * y[i * ldy + p], i < count. */
typedef void HmlSdots(size_t n, const float *x, size_t count, const float *y, size_t ldy, float *out);

extern HmlSdots hml_sdots_c;
extern HmlSdots hml_sdots_v3;
extern HmlSdots hml_sdots_v4;

#endif /* HML_BASE_GEMM_KERNELS_H */
