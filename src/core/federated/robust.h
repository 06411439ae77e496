/*
 * robust.h
 *	  Averages of client updates that a few bad clients cannot drag away.
 *
 * updates is (n_updates, n), one vector per client, row-major; result is (n).
 * Updates count alike, whatever their number of samples, but for multi-Krum.
 * All values must be finite.  Long calls poll for cancellation.
 */
#ifndef HML_FEDERATED_ROBUST_H
#define HML_FEDERATED_ROBUST_H

#include "core/base/context.h"

/* Median of each coordinate; of an even number the mean of the middle two. */
extern HmlStatus hml_fed_median(HmlContext *ctx, const float *updates, size_t n_updates, size_t n,
								float *result) HML_NODISCARD;

/*
 * Mean of each coordinate without the floor(beta * n_updates) smallest and as
 * many largest values; 0 <= beta < 0.5.  D. Yin et al., ICML 2018.
 */
extern HmlStatus hml_fed_trimmed_mean(HmlContext *ctx, const float *updates, size_t n_updates, size_t n,
									  double beta, float *result) HML_NODISCARD;

/*
 * Multi-Krum (P. Blanchard et al., NIPS 2017): a client's score is the sum of
 * the squared distances to its max(1, n_updates - malicious - 2) nearest
 * neighbours; result is the average of the 'keep' updates with the lowest score,
 * weighted by samples (NULL: alike).  keep = 1 is Krum.  selected, where not
 * NULL, is (n_updates) and marks which were kept.
 */
extern HmlStatus hml_fed_krum(HmlContext *ctx, const float *updates, const int64_t *samples, size_t n_updates,
							  size_t n, size_t malicious, size_t keep, float *result,
							  bool *selected) HML_NODISCARD;

#endif /* HML_FEDERATED_ROBUST_H */
