/*
 * average_kernel.h
 *	  hml_average_add_many_f32() with fused multiply-add, compiled once per CPU level.
 *
 * Included by average_v3.c and average_v4.c with KERNEL_NAME set.  Sums of a tile
 * stay in registers while all updates are added.  On each coordinate the operations
 * and their order are those of hml_average_add_exact_c(): a product of a float and
 * at most 2^29 samples is exact in double, so that fusing it changes no bit.
 */
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#define TILE 16

bool KERNEL_NAME(double *restrict sum, float *restrict rest, const float *const *weights,
				 const double *samples, size_t n_updates, size_t n);

/* total += weight * samples, and what the rounded total lacks is added to 'lost'. */
static inline void
add_product(double *total, float *lost, float weight, double samples)
{
	double next = fma((double) weight, samples, *total);
	double part = next - *total;

	*lost += (float) ((*total - (next - part)) + fma((double) weight, samples, -part));
	*total = next;
}

bool
KERNEL_NAME(double *restrict sum, float *restrict rest, const float *const *weights, const double *samples,
			size_t n_updates, size_t n)
{
	int bad = 0;
	size_t first = 0;

	for (; first + TILE <= n; first += TILE)
	{
		double total[TILE];
		float lost[TILE];

		for (size_t i = 0; i < TILE; i++)
		{
			total[i] = sum[first + i];
			lost[i] = rest[first + i];
		}
		for (size_t u = 0; u < n_updates; u++)
		{
			const float *restrict update = weights[u] + first;

			for (size_t i = 0; i < TILE; i++)
				add_product(&total[i], &lost[i], update[i], samples[u]);
		}
		for (size_t i = 0; i < TILE; i++)
		{
			/* A sum of finite weights cannot overflow, and one that is infinite or NaN stays so. */
			bad |= !(fabs(total[i]) <= DBL_MAX);
			sum[first + i] = total[i];
			rest[first + i] = lost[i];
		}
	}
	for (; first < n; first++)
	{
		for (size_t u = 0; u < n_updates; u++)
			add_product(&sum[first], &rest[first], weights[u][first], samples[u]);
		bad |= !(fabs(sum[first]) <= DBL_MAX);
	}
	return !bad;
}
