/*
 * quantile.h
 *	  A quantile of sorted values.
 */
#ifndef HML_STATS_QUANTILE_H
#define HML_STATS_QUANTILE_H

#include <stddef.h>

/* Linear-interpolated quantile (Hyndman & Fan type 7), 0 <= q <= 1, of ascending values. */
extern double hml_quantile(const double *sorted, size_t n, double q);

#endif /* HML_STATS_QUANTILE_H */
