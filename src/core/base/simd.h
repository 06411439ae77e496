/*
 * simd.h
 *	  One vector type of float32, as wide as the file is compiled for.
 *
 * Kernels are written once in a header *_impl.h against this one and compiled
 * three times: x.c (portable, 4 lanes), x_v3.c (AVX2 and FMA, 8 lanes), x_v4.c
 * (AVX-512, 16 lanes).  Each of those files defines HML_VARIANT(name) before
 * it includes the template, so that every variant has names of its own.
 *
 * Vec is a GCC vector, so that + - * / and unary minus work on it.  vec_fma() is
 * fused where the processor can and a product and a sum where it cannot: the
 * variants agree to rounding, not to the bit.  vec_max(a, b) and vec_min(a, b)
 * return b when either is NaN: write the limit first and the value second, and
 * NaN passes through.
 *
 * A VecMask selects the first n lanes, 0 <= n <= VEC_LANES.  Masked loads give 0
 * in the other lanes; neither masked loads nor stores touch memory after them.
 */
#ifndef HML_BASE_SIMD_H
#define HML_BASE_SIMD_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define HML_INLINE static inline __attribute__((always_inline))

#if defined(__AVX512F__)

#include <immintrin.h>

#define VEC_LANES 16
typedef __m512 Vec;
typedef int32_t VecInt __attribute__((vector_size(64)));
typedef uint32_t VecBits __attribute__((vector_size(64)));
typedef __mmask16 VecMask;

HML_INLINE Vec
vec_set1(float x)
{
	return _mm512_set1_ps(x);
}

HML_INLINE Vec
vec_load(const float *p)
{
	return _mm512_loadu_ps(p);
}

HML_INLINE void
vec_store(float *p, Vec x)
{
	_mm512_storeu_ps(p, x);
}

HML_INLINE VecMask
vec_mask(size_t n)
{
	return (VecMask) ((1u << n) - 1);
}

HML_INLINE Vec
vec_load_mask(const float *p, VecMask mask)
{
	return _mm512_maskz_loadu_ps(mask, p);
}

HML_INLINE void
vec_store_mask(float *p, VecMask mask, Vec x)
{
	_mm512_mask_storeu_ps(p, mask, x);
}

HML_INLINE Vec
vec_fma(Vec a, Vec b, Vec c)
{
	return _mm512_fmadd_ps(a, b, c);
}

HML_INLINE Vec
vec_max(Vec a, Vec b)
{
	return _mm512_max_ps(a, b);
}

HML_INLINE Vec
vec_min(Vec a, Vec b)
{
	return _mm512_min_ps(a, b);
}

#elif defined(__AVX2__)

#include <immintrin.h>

#define VEC_LANES 8
typedef __m256 Vec;
typedef int32_t VecInt __attribute__((vector_size(32)));
typedef uint32_t VecBits __attribute__((vector_size(32)));
typedef __m256i VecMask;

HML_INLINE Vec
vec_set1(float x)
{
	return _mm256_set1_ps(x);
}

HML_INLINE Vec
vec_load(const float *p)
{
	return _mm256_loadu_ps(p);
}

HML_INLINE void
vec_store(float *p, Vec x)
{
	_mm256_storeu_ps(p, x);
}

HML_INLINE VecMask
vec_mask(size_t n)
{
	return _mm256_cmpgt_epi32(_mm256_set1_epi32((int) n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

HML_INLINE Vec
vec_load_mask(const float *p, VecMask mask)
{
	return _mm256_maskload_ps(p, mask);
}

HML_INLINE void
vec_store_mask(float *p, VecMask mask, Vec x)
{
	_mm256_maskstore_ps(p, mask, x);
}

HML_INLINE Vec
vec_fma(Vec a, Vec b, Vec c)
{
	return _mm256_fmadd_ps(a, b, c);
}

HML_INLINE Vec
vec_max(Vec a, Vec b)
{
	return _mm256_max_ps(a, b);
}

HML_INLINE Vec
vec_min(Vec a, Vec b)
{
	return _mm256_min_ps(a, b);
}

#else

#define VEC_LANES 4
typedef float Vec __attribute__((vector_size(16)));
typedef int32_t VecInt __attribute__((vector_size(16)));
typedef uint32_t VecBits __attribute__((vector_size(16)));
typedef size_t VecMask; /* n */

HML_INLINE Vec
vec_set1(float x)
{
	return (Vec){x, x, x, x};
}

HML_INLINE Vec
vec_load(const float *p)
{
	Vec x;

	memcpy(&x, p, sizeof(x));
	return x;
}

HML_INLINE void
vec_store(float *p, Vec x)
{
	memcpy(p, &x, sizeof(x));
}

HML_INLINE VecMask
vec_mask(size_t n)
{
	return n;
}

HML_INLINE Vec
vec_load_mask(const float *p, VecMask mask)
{
	Vec x = {0, 0, 0, 0};

	for (size_t i = 0; i < mask; i++)
		x[i] = p[i];
	return x;
}

HML_INLINE void
vec_store_mask(float *p, VecMask mask, Vec x)
{
	for (size_t i = 0; i < mask; i++)
		p[i] = x[i];
}

HML_INLINE Vec
vec_fma(Vec a, Vec b, Vec c)
{
	return a * b + c;
}

HML_INLINE Vec
vec_max(Vec a, Vec b)
{
	VecInt greater = a > b;

	return (Vec) (((VecInt) a & greater) | ((VecInt) b & ~greater));
}

HML_INLINE Vec
vec_min(Vec a, Vec b)
{
	VecInt less = a < b;

	return (Vec) (((VecInt) a & less) | ((VecInt) b & ~less));
}

#endif

HML_INLINE Vec
vec_zero(void)
{
	return vec_set1(0.0f);
}

/* Lane by lane: condition is all ones or all zeros, as comparisons such as a < b give it. */
HML_INLINE Vec
vec_select(VecInt condition, Vec yes, Vec no)
{
	return (Vec) (((VecInt) yes & condition) | ((VecInt) no & ~condition));
}

HML_INLINE Vec
vec_abs(Vec x)
{
	return (Vec) ((VecInt) x & ((VecInt){} + 0x7fffffff));
}

/* |x| with the sign of 'sign'. */
HML_INLINE Vec
vec_copysign(Vec x, Vec sign)
{
	VecInt magnitude = (VecInt){} + 0x7fffffff;

	return (Vec) (((VecInt) x & magnitude) | ((VecInt) sign & ~magnitude));
}

/* Sum of all lanes, always in the same order. */
HML_INLINE float
vec_sum(Vec x)
{
	float lanes[VEC_LANES];

	vec_store(lanes, x);
	for (int width = VEC_LANES / 2; width > 0; width /= 2)
		for (int i = 0; i < width; i++)
			lanes[i] += lanes[i + width];
	return lanes[0];
}

#endif /* HML_BASE_SIMD_H */
