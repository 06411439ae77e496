/*
 * vmath.h
 *	  Elementary functions in float32 that a compiler can vectorise.
 *
 * No branches, no tables, no library calls: each is a handful of additions and
 * multiplications, written so that every variant of a loop (loops.h) gives the
 * same bits.  exp: S. Moshier's Cephes, within 2 ulp for -87.3 < x < 88.7 and
 * clamped outside; tanh: likewise, 3 ulp; erf: Abramowitz and Stegun 7.1.26,
 * absolute error below 6e-7.  NaN in gives NaN out.
 */
#ifndef HML_NN_LOOPS_VMATH_H
#define HML_NN_LOOPS_VMATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline float
hml_bits_to_float(uint32_t bits)
{
	float value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static inline uint32_t
hml_float_to_bits(float value)
{
	uint32_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

static inline float
hml_expf(float x)
{
	const float round_to_integer = 12582912.0f; /* 1.5 * 2^23: adding it drops the fraction */
	float below = x > 88.3f ? 88.3f : x;
	float clamped = below < -87.3f ? -87.3f : below;
	float biased = clamped * 1.44269504f + round_to_integer;
	float n = biased - round_to_integer; /* x / log 2, rounded; its bits lie at the end of 'biased' */
	/* log 2 in two parts, the first short enough for an exact product. */
	float r = (clamped - n * 0.693359375f) - n * -2.12194440e-4f;
	float p = 1.9875691500e-4f;

	p = p * r + 1.3981999507e-3f;
	p = p * r + 8.3334519073e-3f;
	p = p * r + 4.1665795894e-2f;
	p = p * r + 1.6666665459e-1f;
	p = p * r + 5.0000001201e-1f;
	p = p * (r * r) + r + 1.0f;
	return p * hml_bits_to_float((hml_float_to_bits(biased) << 23) + (UINT32_C(127) << 23));
}

static inline float
hml_sigmoidf(float x)
{
	return 1.0f / (1.0f + hml_expf(-x));
}

static inline float
hml_tanhf(float x)
{
	float square = x * x;
	float small = -5.70498872745e-3f;
	float magnitude = fabsf(x);
	float large = 1.0f - 2.0f / (hml_expf(magnitude + magnitude) + 1.0f);

	small = small * square + 2.06390887954e-2f;
	small = small * square - 5.37397155531e-2f;
	small = small * square + 1.33314422036e-1f;
	small = small * square - 3.33332819422e-1f;
	small = small * square * x + x;
	return magnitude < 0.625f ? small : copysignf(large, x);
}

static inline float
hml_erff(float x)
{
	float magnitude = fabsf(x);
	float t = 1.0f / (1.0f + 0.3275911f * magnitude);
	float p = 1.061405429f;

	p = p * t - 1.453152027f;
	p = p * t + 1.421413741f;
	p = p * t - 0.284496736f;
	p = p * t + 0.254829592f;
	return copysignf(1.0f - p * t * hml_expf(-magnitude * magnitude), x);
}

#endif /* HML_NN_LOOPS_VMATH_H */
