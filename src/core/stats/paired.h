/*
 * paired.h
 *	  Whether two scores, or two predictions, of the same rows differ.
 *
 * E. R. DeLong, D. M. DeLong, D. L. Clarke-Pearson: Comparing the areas under two or
 * more correlated receiver operating characteristic curves, Biometrics 44 (1988);
 * Q. McNemar: Note on the sampling error of the difference between correlated
 * proportions or percentages, Psychometrika 12 (1947), as an exact binomial test.
 */
#ifndef HML_STATS_PAIRED_H
#define HML_STATS_PAIRED_H

#include "core/base/context.h"

/* z so that a standard normal variable is above it with this probability, 0 < tail < 1. */
extern double hml_normal_above(double tail);

typedef struct HmlDelong
{
	double auc_a; /* NaN without both classes */
	double auc_b;
	double difference;     /* auc_a - auc_b */
	double standard_error; /* of the difference; NaN below two rows of a class */
	double low;            /* the interval, within -1 to 1 */
	double high;
	/*
	 * That the areas are the same, two-sided.  Interval and p-value are NaN where the areas differ and their
	 * difference has no variance, as with rows that both scores tell apart or tie throughout: nothing can be said
	 * then of other rows.
	 */
	double p_value;
} HmlDelong;

/* Scores a and b of rows (n), label true = positive; 0 < confidence < 1.  O(n log n), two numbers a row. */
extern HmlStatus hml_delong(HmlContext *ctx, const double *a, const double *b, const bool *labels, size_t n,
							double confidence, HmlDelong *out) HML_NODISCARD;

/*
 * That two classifiers are right equally often, two-sided, of the numbers of rows that one of them alone has right;
 * 1 where there are none.
 */
extern double hml_mcnemar(uint64_t only_a, uint64_t only_b);

#endif /* HML_STATS_PAIRED_H */
