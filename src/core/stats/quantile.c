/*
 * quantile.c
 *	  Linear interpolation between order statistics.
 */
#include "core/stats/quantile.h"

#include <math.h>

double
hml_quantile(const double *sorted, size_t n, double q)
{
	double position;
	size_t below;

	if (n == 0)
		return NAN;
	position = q * (double) (n - 1);
	below = (size_t) position;
	if (below >= n - 1)
		return sorted[n - 1];
	return sorted[below] + (position - (double) below) * (sorted[below + 1] - sorted[below]);
}
