/*
 * accountant.c
 *	  RDP accounting, clipping and noise for differential privacy.
 */
#include "core/federated/accountant.h"

#include <math.h>
#include <openssl/rand.h>

#define TWO_PI 6.283185307179586476925

/* log(exp(a) + exp(b)) */
static double
log_add(double a, double b)
{
	double high = a > b ? a : b;
	double low = a > b ? b : a;

	if (low == -INFINITY)
		return high;
	return high + log1p(exp(low - high));
}

static double
log_binomial(int n, int k)
{
	return lgamma(n + 1.0) - lgamma(k + 1.0) - lgamma(n - k + 1.0);
}

/* RDP of one round at integer order alpha; Mironov et al., section 3.3. */
static double
rdp_of_round(double sigma, double q, int alpha)
{
	double log_sum = -INFINITY;

	if (q == 1.0)
		return alpha / (2.0 * sigma * sigma);
	for (int k = 0; k <= alpha; k++)
	{
		double term = log_binomial(alpha, k) + k * log(q) + (alpha - k) * log1p(-q) +
					  (double) k * (k - 1) / (2.0 * sigma * sigma);

		log_sum = log_add(log_sum, term);
	}
	return log_sum / (alpha - 1);
}

static double
epsilon_at(double rdp, int alpha, double delta)
{
	return rdp + log1p(-1.0 / alpha) - (log(delta) + log(alpha)) / (alpha - 1);
}

static HmlStatus
check_parameters(HmlContext *ctx, double sigma, double q, int64_t rounds, double delta)
{
	if (!(sigma > 0.0) || !isfinite(sigma))
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "noise multiplier must be positive, not %g", sigma);
	if (!(q > 0.0 && q <= 1.0))
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "sampling rate must be above 0 and at most 1, not %g", q);
	if (rounds < 0)
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "number of rounds must not be negative, but is %lld",
						(long long) rounds);
	if (!(delta > 0.0 && delta < 1.0))
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "delta must be between 0 and 1, not %g", delta);
	return HML_OK;
}

HmlStatus
hml_dp_epsilon(HmlContext *ctx, double noise_multiplier, double sampling_rate, int64_t rounds, double delta,
			   double *epsilon)
{
	double best = INFINITY;

	HML_TRY(check_parameters(ctx, noise_multiplier, sampling_rate, rounds, delta));
	for (int alpha = HML_RDP_MIN_ORDER; alpha <= HML_RDP_MAX_ORDER && rounds > 0; alpha++)
	{
		double rdp = (double) rounds * rdp_of_round(noise_multiplier, sampling_rate, alpha);

		best = fmin(best, epsilon_at(rdp, alpha, delta));
	}
	*epsilon = rounds == 0 ? 0.0 : fmax(best, 0.0);
	return HML_OK;
}

double
hml_dp_clip(float *update, size_t n, double clip_norm)
{
	double squared = 0.0;
	double norm;

	for (size_t i = 0; i < n; i++)
		squared += (double) update[i] * (double) update[i];
	norm = sqrt(squared);
	if (norm > clip_norm)
		for (size_t i = 0; i < n; i++)
			update[i] = (float) ((double) update[i] * (clip_norm / norm));
	return norm;
}

/* A uniform number in (0, 1] from 53 of 64 random bits. */
static double
open_uniform(uint64_t bits)
{
	return ((double) (bits >> 11) + 1.0) * 0x1.0p-53;
}

/* Pairs by the Box-Muller transform: no rejection, so that time reveals nothing. */
HmlStatus
hml_dp_add_noise(HmlContext *ctx, float *values, size_t n, double standard_deviation)
{
	uint64_t bits[256];
	const size_t per_fill = sizeof(bits) / sizeof(bits[0]);

	for (size_t first = 0; first < n; first += per_fill)
	{
		size_t count = n - first < per_fill ? n - first : per_fill;

		HML_TRY(hml_poll(ctx));
		if (RAND_bytes((unsigned char *) bits, sizeof(bits)) != 1)
			return hml_fail(ctx, HML_INTERNAL, "could not get random numbers from the operating system");
		for (size_t i = 0; i < count; i += 2)
		{
			double radius = standard_deviation * sqrt(-2.0 * log(open_uniform(bits[i])));
			double angle = TWO_PI * open_uniform(bits[i + 1]);

			values[first + i] += (float) (radius * cos(angle));
			if (i + 1 < count)
				values[first + i + 1] += (float) (radius * sin(angle));
		}
	}
	return HML_OK;
}
