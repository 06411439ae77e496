/*
 * gemm.h
 *	  Matrix products in float32: the one door to whatever computes them.
 *
 * All matrices are row-major with a leading dimension in elements: row i of an
 * (m,n) matrix starts at a + i * lda, lda >= n.  One thread, no allocation that
 * the caller would see, and the same result for the same call on one machine.
 *
 * A call cannot be cancelled.  1e9 multiply-adds are some 10 ms on a modern core
 * and up to 100 ms on an old one: a caller with more than HML_SGEMM_SLICE of
 * them cuts m into bands and polls in between.
 */
#ifndef HML_BASE_GEMM_H
#define HML_BASE_GEMM_H

#include <stddef.h>

typedef enum HmlTranspose
{
	HML_NO_TRANS,
	HML_TRANS
} HmlTranspose;

/* Multiply-adds m * n * k that one call should not exceed. */
#define HML_SGEMM_SLICE ((size_t) 1 << 27)

/*
 * c = alpha * op(a) * op(b) + beta * c, where op(a) is (m,k), op(b) is (k,n) and
 * c is (m,n).  With beta = 0, c is only written, whatever it held.  A dimension
 * of 0 is allowed.  c does not overlap a or b.
 */
extern void hml_sgemm(HmlTranspose trans_a, HmlTranspose trans_b, size_t m, size_t n, size_t k, float alpha,
					  const float *a, size_t lda, const float *b, size_t ldb, float beta, float *c,
					  size_t ldc);

/* y = alpha * op(a) * x + beta * y, where a is (m,n) as it lies in memory and x, y are contiguous. */
extern void hml_sgemv(HmlTranspose trans, size_t m, size_t n, float alpha, const float *a, size_t lda,
					  const float *x, float beta, float *y);

/* y = transpose of x, where x is (m,n) and y is (n,m); they do not overlap. */
extern void hml_transpose(size_t m, size_t n, const float *x, size_t ldx, float *y, size_t ldy);

#endif /* HML_BASE_GEMM_H */
