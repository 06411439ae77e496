/*
 * blas.c
 *	  The front of the matrix library: CBLAS from the serial build of OpenBLAS.
 *
 * OpenBLAS 0.3.21 maps its work buffer at the first product that needs one and
 * spins for ever when the mapping fails, so that hml_blas_warm_up() makes it do
 * so at load, where memory is there.  Products too small to need the buffer
 * would not trigger it.
 */
#include "core/base/blas.h"

#include <cblas.h>
#include <stdbool.h>

#define WARM_UP_SIZE 200

static CBLAS_TRANSPOSE
cblas_trans(HmlTranspose trans)
{
	return trans == HML_TRANS ? CblasTrans : CblasNoTrans;
}

void
hml_sgemm(HmlTranspose trans_a, HmlTranspose trans_b, size_t m, size_t n, size_t k, float alpha,
		  const float *a, size_t lda, const float *b, size_t ldb, float beta, float *c, size_t ldc)
{
	if (m == 0 || n == 0)
		return;
	cblas_sgemm(CblasRowMajor, cblas_trans(trans_a), cblas_trans(trans_b), (blasint) m, (blasint) n,
				(blasint) k, alpha, a, (blasint) lda, b, (blasint) ldb, beta, c, (blasint) ldc);
}

void
hml_sgemv(HmlTranspose trans, size_t m, size_t n, float alpha, const float *a, size_t lda, const float *x,
		  float beta, float *y)
{
	if (m == 0 || n == 0)
		return;
	cblas_sgemv(CblasRowMajor, cblas_trans(trans), (blasint) m, (blasint) n, alpha, a, (blasint) lda, x, 1,
				beta, y, 1);
}

void
hml_blas_warm_up(void)
{
	static bool warm;
	static float a[WARM_UP_SIZE * WARM_UP_SIZE];
	static float c[WARM_UP_SIZE * WARM_UP_SIZE];

	if (warm)
		return;
	hml_sgemm(HML_NO_TRANS, HML_NO_TRANS, WARM_UP_SIZE, WARM_UP_SIZE, WARM_UP_SIZE, 1.0f, a, WARM_UP_SIZE, a,
			  WARM_UP_SIZE, 0.0f, c, WARM_UP_SIZE);
	warm = true;
}
