/*
 * checked.h
 *	  Size arithmetic that says when it does not fit.
 *
 * Each function returns false, and leaves *out alone, when the exact result
 * cannot be held.  Every product of counts that come from a user, a file or a
 * specification goes through here.
 */
#ifndef HML_BASE_CHECKED_H
#define HML_BASE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool
hml_size_mul(size_t a, size_t b, size_t *out)
{
	size_t product;

	if (__builtin_mul_overflow(a, b, &product))
		return false;
	*out = product;
	return true;
}

static inline bool
hml_size_add(size_t a, size_t b, size_t *out)
{
	size_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return false;
	*out = sum;
	return true;
}

#endif /* HML_BASE_CHECKED_H */
