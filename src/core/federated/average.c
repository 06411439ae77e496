/*
 * average.c
 *	  Weighted sums of vectors that do not lose what rounding drops.
 */
#include "core/federated/average.h"

#include <math.h>

#include "core/base/cpu.h"

#ifdef __x86_64__
extern bool hml_average_add_exact_v3(double *restrict sum, float *restrict rest, const float *const *weights,
									 const double *samples, size_t n_updates, size_t n);
extern bool hml_average_add_exact_v4(double *restrict sum, float *restrict rest, const float *const *weights,
									 const double *samples, size_t n_updates, size_t n);
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

/* Any number of samples. */
static bool
add_general(double *sum, float *rest, const float *weights, double samples, size_t n)
{
	bool finite = true;

	for (size_t i = 0; i < n; i++)
	{
		double term = (double) weights[i] * samples;
		double lost = fma((double) weights[i], samples, -term);
		double error;

		sum[i] = two_sum(sum[i], term, &error);
		rest[i] += (float) (error + lost);
		finite &= isfinite(weights[i]) != 0;
	}
	return finite;
}

/* Like add_general() for samples whose products are exact, without the last fma. */
static bool
hml_average_add_exact_c(double *restrict sum, float *restrict rest, const float *const *weights,
						const double *samples, size_t n_updates, size_t n)
{
	int bad = 0;

	for (size_t u = 0; u < n_updates; u++)
	{
		const float *restrict update = weights[u];

		for (size_t i = 0; i < n; i++)
		{
			double error;

			sum[i] = two_sum(sum[i], (double) update[i] * samples[u], &error);
			rest[i] += (float) error;
			bad |= !isfinite(update[i]);
		}
	}
	return !bad;
}

#define MOST_AT_ONCE 16

bool
hml_average_add_many_f32(double *sum, float *rest, const float *const *weights, const int64_t *samples,
						 size_t n_updates, size_t n)
{
	const float *exact[MOST_AT_ONCE];
	double scales[MOST_AT_ONCE];
	size_t count = 0;
	bool finite = true;

	for (size_t u = 0; u < n_updates; u++)
	{
		if (samples[u] > EXACT_PRODUCT_SAMPLES)
		{
			finite &= add_general(sum, rest, weights[u], (double) samples[u], n);
			continue;
		}
		exact[count] = weights[u];
		scales[count++] = (double) samples[u];
		if (count == MOST_AT_ONCE)
		{
			finite &= HML_PICK(hml_average_add_exact)(sum, rest, exact, scales, count, n);
			count = 0;
		}
	}
	return HML_PICK(hml_average_add_exact)(sum, rest, exact, scales, count, n) && finite;
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
