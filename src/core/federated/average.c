/*
 * average.c
 *	  Weighted sums of vectors that do not lose what rounding drops.
 */
#include "core/federated/average.h"

#include "core/base/cpu.h"

#define KERNEL_NAME hml_average_add_exact_portable
#include "core/federated/average_kernel.h"

#ifdef __x86_64__
extern bool hml_average_add_exact_v3(double *restrict sum, float *restrict rest,
									 const float *restrict weights, double samples, size_t n);
#endif

/* Products of a float32 with more samples than this need the general path. */
#define EXACT_PRODUCT_SAMPLES (INT64_C(1) << 29)

/* total = a + b, and the part of the exact sum that total lacks. */
static inline double
two_sum(double a, double b, double *error)
{
	double total = a + b;
	double part = total - a;

	*error = (a - (total - part)) + (b - part);
	return total;
}

bool
hml_average_add_f32(double *sum, float *rest, const float *weights, int64_t samples, size_t n)
{
	bool finite = true;

	if (samples <= EXACT_PRODUCT_SAMPLES)
	{
#ifdef __x86_64__
		if (hml_cpu_level() >= 3)
			return hml_average_add_exact_v3(sum, rest, weights, (double) samples, n);
#endif
		return hml_average_add_exact_portable(sum, rest, weights, (double) samples, n);
	}

	for (size_t i = 0; i < n; i++)
	{
		double term = (double) weights[i] * (double) samples;
		double lost = fma((double) weights[i], (double) samples, -term);
		double error;

		sum[i] = two_sum(sum[i], term, &error);
		rest[i] += (float) (error + lost);
		finite &= isfinite(weights[i]) != 0;
	}
	return finite;
}

bool
hml_average_add_f64(double *sum, double *rest, const double *weights, int64_t samples, size_t n)
{
	bool finite = true;

	for (size_t i = 0; i < n; i++)
	{
		double term = weights[i] * (double) samples;
		double lost = fma(weights[i], (double) samples, -term);
		double error;

		sum[i] = two_sum(sum[i], term, &error);
		rest[i] += error + lost;
		finite &= isfinite(weights[i]) != 0;
	}
	return finite;
}

void
hml_average_combine_f32(double *sum, float *rest, const double *other_sum, const float *other_rest, size_t n)
{
	for (size_t i = 0; i < n; i++)
	{
		double error;

		sum[i] = two_sum(sum[i], other_sum[i], &error);
		rest[i] += other_rest[i] + (float) error;
	}
}

void
hml_average_combine_f64(double *sum, double *rest, const double *other_sum, const double *other_rest,
						size_t n)
{
	for (size_t i = 0; i < n; i++)
	{
		double error;

		sum[i] = two_sum(sum[i], other_sum[i], &error);
		rest[i] += other_rest[i] + error;
	}
}

void
hml_average_finish_f32(float *average, const double *sum, const float *rest, int64_t samples, size_t n)
{
	for (size_t i = 0; i < n; i++)
		average[i] = (float) ((sum[i] + (double) rest[i]) / (double) samples);
}

void
hml_average_finish_f64(double *average, const double *sum, const double *rest, int64_t samples, size_t n)
{
	for (size_t i = 0; i < n; i++)
		average[i] = (sum[i] + rest[i]) / (double) samples;
}

size_t
hml_average_find_nonfinite_f32(const float *weights, size_t n)
{
	size_t i = 0;

	while (i < n && isfinite(weights[i]))
		i++;
	return i;
}

size_t
hml_average_find_nonfinite_f64(const double *weights, size_t n)
{
	size_t i = 0;

	while (i < n && isfinite(weights[i]))
		i++;
	return i;
}
