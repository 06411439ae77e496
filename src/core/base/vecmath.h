/*
 * vecmath.h
 *	  Elementary functions on the vectors of simd.h; for templates only.
 *
 * exp and tanh are within 2 ulp of the true value, sigmoid within 2.5; NaN passes.  vec_exp()
 * takes x as if it lay in [-87.33, 88.72], so that it neither overflows nor gives
 * subnormal numbers.  Method: S. Moshier's Cephes (exp(r) on |r| <= log(2)/2 by a
 * polynomial, tanh by an odd one near 0), with coefficients of our own fit.
 */
#ifndef HML_BASE_VECMATH_H
#define HML_BASE_VECMATH_H

#include "core/base/simd.h"

/* 1 / x for x > 0 that is no NaN-making extreme. */
HML_INLINE Vec
vec_reciprocal(Vec x)
{
#if defined(__AVX512F__)
	Vec y = _mm512_rcp14_ps(x); /* 14 bits, and one step of Newton for the rest */

	return vec_fma(vec_fma(-x, y, vec_set1(1.0f)), y, y);
#else
	return vec_set1(1.0f) / x;
#endif
}

HML_INLINE Vec
vec_exp(Vec x)
{
	const Vec to_integer = vec_set1(12582912.0f); /* 1.5 * 2^23: adding it rounds to an integer */
	Vec shifted;
	Vec n;
	Vec r;
	Vec p;

	x = vec_min(vec_set1(88.72f), vec_max(vec_set1(-87.33f), x));
	shifted = vec_fma(x, vec_set1(1.44269504f), to_integer);
	n = shifted - to_integer;
	/* log(2) in two parts, the first with so few bits that n times it is exact. */
	r = vec_fma(n, vec_set1(-0.693359375f), x);
	r = vec_fma(n, vec_set1(2.12194440e-4f), r);
	p = vec_set1(1.381460228e-3f);
	p = vec_fma(p, r, vec_set1(8.368715644e-3f));
	p = vec_fma(p, r, vec_set1(4.166838899e-2f));
	p = vec_fma(p, r, vec_set1(1.666652113e-1f));
	p = vec_fma(p, r, vec_set1(4.999999404e-1f));
	p = vec_fma(p * r, r, r) + vec_set1(1.0f);
	/* times 2^n: n stands in the low bits of 'shifted' */
	return (Vec) ((VecBits) p + ((VecBits) shifted << 23));
}

HML_INLINE Vec
vec_sigmoid(Vec x)
{
	return vec_reciprocal(vec_set1(1.0f) + vec_exp(-x));
}

HML_INLINE Vec
vec_tanh(Vec x)
{
	Vec magnitude = vec_abs(x);
	Vec square = x * x;
	Vec large = vec_fma(vec_set1(-2.0f), vec_reciprocal(vec_set1(1.0f) + vec_exp(magnitude + magnitude)),
						vec_set1(1.0f));
	Vec small = vec_set1(1.724148914e-2f);

	small = vec_fma(small, square, vec_set1(-5.304549262e-2f));
	small = vec_fma(small, square, vec_set1(1.332587898e-1f));
	small = vec_fma(small, square, vec_set1(-3.333314359e-1f));
	small = vec_fma(small * square, x, x);
	return vec_select(magnitude < vec_set1(0.5f), small, vec_copysign(large, x));
}

/* M. Abramowitz, I. Stegun: Handbook of mathematical functions, 7.1.26; absolute error below 3e-7. */
HML_INLINE Vec
vec_erf(Vec x)
{
	Vec magnitude = vec_abs(x);
	Vec t = vec_reciprocal(vec_fma(magnitude, vec_set1(0.3275911f), vec_set1(1.0f)));
	Vec p = vec_set1(1.061405429f);

	p = vec_fma(p, t, vec_set1(-1.453152027f));
	p = vec_fma(p, t, vec_set1(1.421413741f));
	p = vec_fma(p, t, vec_set1(-0.284496736f));
	p = vec_fma(p, t, vec_set1(0.254829592f));
	return vec_copysign(vec_fma(-(p * t), vec_exp(-magnitude * magnitude), vec_set1(1.0f)), x);
}

#endif /* HML_BASE_VECMATH_H */
