/*
 * select.h
 *	  Order statistics without sorting everything.
 */
#ifndef HML_BASE_SELECT_H
#define HML_BASE_SELECT_H

#include "core/base/context.h"

#define HML_MAX_QUANTILES 16

/*
 * Linear-interpolated quantiles (Hyndman & Fan type 7) of values[0 .. n-1], which
 * are in any order and are not changed; they and their differences are finite.
 * probabilities is (n_out), each 0..1; n > 0, n_out at most HML_MAX_QUANTILES.
 * Linear time and little memory, unless the values are crowded in a small part of
 * their range; at worst the cost is that of sorting them.
 */
extern HmlStatus hml_quantiles(HmlContext *ctx, const double *values, size_t n, const double *probabilities,
							   size_t n_out, double *out) HML_NODISCARD;

#endif /* HML_BASE_SELECT_H */
