/*
 * accountant.h
 *	  How much privacy a sequence of noisy rounds has cost: (epsilon, delta).
 *
 * Renyi differential privacy of the Gaussian mechanism under Poisson sampling
 * (I. Mironov, K. Talwar, L. Zhang: Renyi Differential Privacy of the Sampled
 * Gaussian Mechanism, 2019, integer orders), added up over rounds and turned
 * into (epsilon, delta) as in C. L. Canonne, G. Kamath, T. Steinke: The Discrete
 * Gaussian for Differential Privacy, 2020, proposition 12.  Integer orders give
 * an upper bound, so that a reported epsilon is never too small.
 */
#ifndef HML_FEDERATED_ACCOUNTANT_H
#define HML_FEDERATED_ACCOUNTANT_H

#include "core/base/context.h"

#define HML_RDP_MIN_ORDER 2
#define HML_RDP_MAX_ORDER 256

/*
 * Epsilon for the given delta after 'rounds' rounds, each with Gaussian noise of
 * standard deviation noise_multiplier * clip_norm on the sum of updates that
 * were clipped to clip_norm, in which every client takes part with probability
 * sampling_rate.  HML_INVALID_ARGUMENT when a parameter is out of range:
 * noise_multiplier > 0, 0 < sampling_rate <= 1, rounds >= 0, 0 < delta < 1.
 */
extern HmlStatus hml_dp_epsilon(HmlContext *ctx, double noise_multiplier, double sampling_rate,
								int64_t rounds, double delta, double *epsilon) HML_NODISCARD;

/*
 * Scale 'update' (n) to an L2 norm of at most clip_norm; returns the norm that
 * it had.
 */
extern double hml_dp_clip(float *update, size_t n, double clip_norm);

/* Add Gaussian noise from the operating system's cryptographic generator. */
extern HmlStatus hml_dp_add_noise(HmlContext *ctx, float *values, size_t n,
								  double standard_deviation) HML_NODISCARD;

#endif /* HML_FEDERATED_ACCOUNTANT_H */
