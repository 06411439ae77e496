/*
 * gemm_impl.h
 *	  Template of the dot products of gemm.c, see simd.h.
 */
#include "core/base/gemm_kernels.h"
#include "core/base/simd.h"

/* 'rows' is a constant where this is used. */
HML_INLINE void
dot_rows(size_t n, const float *x, const float *y, size_t ldy, const int rows, float *out)
{
	size_t whole = n - n % (2 * VEC_LANES);
	Vec sum[4][2];

#pragma GCC unroll 4
	for (int i = 0; i < rows; i++)
		sum[i][0] = sum[i][1] = vec_zero();
	for (size_t p = 0; p < whole; p += 2 * VEC_LANES)
	{
		Vec x0 = vec_load(x + p);
		Vec x1 = vec_load(x + p + VEC_LANES);

#pragma GCC unroll 4
		for (int i = 0; i < rows; i++)
		{
			sum[i][0] = vec_fma(x0, vec_load(y + (size_t) i * ldy + p), sum[i][0]);
			sum[i][1] = vec_fma(x1, vec_load(y + (size_t) i * ldy + p + VEC_LANES), sum[i][1]);
		}
	}
	for (size_t p = whole; p < n; p += VEC_LANES)
	{
		VecMask mask = vec_mask(n - p < VEC_LANES ? n - p : VEC_LANES);
		Vec x0 = vec_load_mask(x + p, mask);

#pragma GCC unroll 4
		for (int i = 0; i < rows; i++)
			sum[i][0] = vec_fma(x0, vec_load_mask(y + (size_t) i * ldy + p, mask), sum[i][0]);
	}
	for (int i = 0; i < rows; i++)
		out[i] = vec_sum(sum[i][0] + sum[i][1]);
}

void
HML_VARIANT(hml_sdots)(size_t n, const float *x, size_t count, const float *y, size_t ldy, float *out)
{
	size_t i = 0;

	for (; i + 4 <= count; i += 4)
		dot_rows(n, x, y + i * ldy, ldy, 4, out + i);
	for (; i < count; i++)
		dot_rows(n, x, y + i * ldy, ldy, 1, out + i);
}
