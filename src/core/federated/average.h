/*
 * average.h
 *	  Weighted averages of weight vectors: the sum that fedavg() keeps.
 *
 * H. B. McMahan et al.: Communication-Efficient Learning of Deep Networks from
 * Decentralized Data, AISTATS 2017: average = sum(n_k * w_k) / sum(n_k).
 *
 * Each coordinate is summed in double precision together with the rounding
 * errors of that sum (D. E. Knuth's TwoSum, TAOCP vol. 2, 4.2.2), so that the
 * rounded result does not depend on the order of the updates or on how workers
 * shared them, but for sums that cancel to less than 1e-23 of their terms.
 *
 * A vector has n weights; sum and rest are (n) and start as zeros.  'rest' has
 * the type of the weights.  Nothing here allocates or fails.
 */
#ifndef HML_FEDERATED_AVERAGE_H
#define HML_FEDERATED_AVERAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Above this many samples n_k is no longer exact in float64. */
#define HML_AVERAGE_MAX_SAMPLES (INT64_C(1) << 53)

/*
 * sum += samples * weights.  False, with sum and rest spoilt, when a weight is
 * not finite; hml_average_find_nonfinite() then finds which.
 */
extern bool hml_average_add_f64(double *sum, double *rest, const double *weights, int64_t samples, size_t n);

/*
 * The same for several vectors: weights is (n_updates) of (n), samples (n_updates).  Faster, because sums
 * are fetched once for all of them.  Updates of more than 2^29 samples may come before others.
 */
extern bool hml_average_add_many_f32(double *sum, float *rest, const float *const *weights,
									 const int64_t *samples, size_t n_updates, size_t n);

/* sum += other_sum: two partial averages become one. */
extern void hml_average_combine_f32(double *sum, float *rest, const double *other_sum,
									const float *other_rest, size_t n);
extern void hml_average_combine_f64(double *sum, double *rest, const double *other_sum,
									const double *other_rest, size_t n);

/* average = sum / samples, rounded once. */
extern void hml_average_finish_f32(float *average, const double *sum, const float *rest, int64_t samples,
								   size_t n);
extern void hml_average_finish_f64(double *average, const double *sum, const double *rest, int64_t samples,
								   size_t n);

/* Index of the first weight that is NaN or infinite, n when there is none. */
extern size_t hml_average_find_nonfinite_f32(const float *weights, size_t n);
extern size_t hml_average_find_nonfinite_f64(const double *weights, size_t n);

#endif /* HML_FEDERATED_AVERAGE_H */
