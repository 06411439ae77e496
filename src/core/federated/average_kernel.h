/*
 * average_kernel.h
 *	  The loop of hml_average_add_f32(), compiled once per CPU level.
 *
 * Included by average.c and average_v3.c with KERNEL_NAME set.  Every variant
 * does the same operations in the same order on each coordinate, so that all
 * give the same bits.
 */
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>

bool KERNEL_NAME(double *restrict sum, float *restrict rest, const float *restrict weights, double samples,
				 size_t n);

/* A product of a float and at most 2^29 samples is exact in double. */
bool
KERNEL_NAME(double *restrict sum, float *restrict rest, const float *restrict weights, double samples,
			size_t n)
{
	int bad = 0;

	for (size_t i = 0; i < n; i++)
	{
		double term = (double) weights[i] * samples;
		double total = sum[i] + term;
		double part = total - sum[i];
		double error = (sum[i] - (total - part)) + (term - part);

		bad |= !(fabsf(weights[i]) <= FLT_MAX);
		sum[i] = total;
		rest[i] += (float) error;
	}
	return !bad;
}
