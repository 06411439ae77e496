/*
 * sort.h
 *	  Sorting of plain numbers and of texts, without the hidden memory of qsort().
 */
#ifndef HML_BASE_SORT_H
#define HML_BASE_SORT_H

#include "core/base/context.h"

/*
 * Sort values[0 .. n-1] in place, ascending.  -0 and 0 compare equal and may
 * come in any order; there must be no NaN.  Takes a scratch block of n values.
 * On failure (memory, cancellation) the values are still all there, in some
 * order.  Linear time, cancellable.
 */
extern HmlStatus hml_sort_doubles(HmlContext *ctx, double *values, size_t n) HML_NODISCARD;

/* Position of 'value' in ascending values, the last one of equal ones; it must be there. */
extern size_t hml_find_double(const double *sorted, size_t n, double value);

/* Ascending by bytes, in place, O(n log n) whatever comes. */
extern void hml_sort_texts(const char **texts, size_t n);

#endif /* HML_BASE_SORT_H */
