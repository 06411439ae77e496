/*
 * exact_sum.h
 *	  A sum that does not depend on the order of its terms.
 *
 * Each term is cut to a multiple of 2^-128 and added as an integer, so that
 * addition is associative: partial sums of parallel workers combine to the same
 * bits as a serial run, and a term that leaves a window frame can be taken away
 * again.  Terms are 0 <= x < 2^31; 2^32 of them fit.
 */
#ifndef HML_STATS_EXACT_SUM_H
#define HML_STATS_EXACT_SUM_H

#include <math.h>
#include <stdint.h>

typedef struct HmlExactSum
{
	int64_t whole;
	uint64_t high; /* fraction, in units of 2^-64 */
	uint64_t low;  /* and of 2^-128 */
} HmlExactSum;

static inline HmlExactSum
hml_exact_of(double term)
{
	double whole = floor(term);
	double high = ldexp(term - whole, 64);
	double low = ldexp(high - floor(high), 64);
	HmlExactSum sum = {(int64_t) whole, (uint64_t) high, (uint64_t) low};

	return sum;
}

static inline void
hml_exact_add(HmlExactSum *sum, HmlExactSum other)
{
	uint64_t carry = __builtin_add_overflow(sum->low, other.low, &sum->low);
	uint64_t high_carry = __builtin_add_overflow(sum->high, other.high, &sum->high);

	high_carry += __builtin_add_overflow(sum->high, carry, &sum->high);
	sum->whole = (int64_t) ((uint64_t) sum->whole + (uint64_t) other.whole + high_carry);
}

static inline void
hml_exact_subtract(HmlExactSum *sum, HmlExactSum other)
{
	uint64_t borrow = __builtin_sub_overflow(sum->low, other.low, &sum->low);
	uint64_t high_borrow = __builtin_sub_overflow(sum->high, other.high, &sum->high);

	high_borrow += __builtin_sub_overflow(sum->high, borrow, &sum->high);
	sum->whole = (int64_t) ((uint64_t) sum->whole - (uint64_t) other.whole - high_borrow);
}

static inline double
hml_exact_value(HmlExactSum sum)
{
	return (double) sum.whole + (ldexp((double) sum.high, -64) + ldexp((double) sum.low, -128));
}

#endif /* HML_STATS_EXACT_SUM_H */
