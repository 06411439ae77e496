/*
 * hrv.c
 *	  Heart-rate variability: correction, time domain, geometry, Poincare plot.
 *
 * Memory: a sorted copy of the intervals and the histogram.  Spectra are in
 * hrv_spectrum.c, entropy in hrv_entropy.c.
 */
#include "core/stats/hrv.h"

#include <math.h>
#include <string.h>

#include "core/base/sort.h"
#include "core/stats/quantile.h"

#define MS_PER_MINUTE 60000.0
#define SHORTEST_NN 300.0
#define LONGEST_NN 2000.0
#define MALIK_SHARE 0.2
#define BIN_MS (1000.0 / 128.0)
#define ENTROPY_SHARE 0.2 /* of sdnn */
#define SHORTEST_SERIES 3 /* differences need two intervals, their spread three */

/* ---- correction ------------------------------------------------------------------------------------ */

static size_t
mark_artefacts(const double *rr, size_t n, bool *bad)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
	{
		bad[i] = !(rr[i] >= SHORTEST_NN && rr[i] <= LONGEST_NN);
		count += bad[i];
	}
	return count;
}

static size_t
mark_ectopic(const double *rr, size_t n, bool *bad)
{
	size_t count = 0;

	bad[0] = false;
	for (size_t i = 1; i < n; i++)
	{
		bad[i] = !bad[i - 1] && fabs(rr[i] - rr[i - 1]) > MALIK_SHARE * rr[i - 1];
		count += bad[i];
	}
	return count;
}

/* Replace rr[first .. last-1] by the line between its neighbours; at an end by the only one. */
static void
bridge(double *rr, size_t n, size_t first, size_t last)
{
	double before = first > 0 ? rr[first - 1] : rr[last];
	double after = last < n ? rr[last] : before;
	double steps = (double) (last - first + 1);

	for (size_t i = first; i < last; i++)
		rr[i] = before + (after - before) * (double) (i - first + 1) / steps;
}

static void
bridge_all(double *rr, size_t n, const bool *bad)
{
	for (size_t i = 0; i < n; i++)
	{
		size_t last = i;

		while (last < n && bad[last])
			last++;
		if (last > i)
			bridge(rr, n, i, last);
		i = last;
	}
}

HmlStatus
hml_rr_correct(HmlContext *ctx, double *rr, size_t n, size_t *corrected)
{
	bool *bad;
	HmlStatus status = HML_OK;

	*corrected = 0;
	if (n == 0)
		return HML_OK;
	HML_TRY(HML_NEW(ctx, &bad, n));
	*corrected = mark_artefacts(rr, n, bad);
	if (*corrected == n)
		status = hml_fail(ctx, HML_INVALID_DATA, "none of the %zu RR intervals is between %g and %g ms", n,
						  SHORTEST_NN, LONGEST_NN);
	else
	{
		bridge_all(rr, n, bad);
		*corrected += mark_ectopic(rr, n, bad);
		bridge_all(rr, n, bad);
	}
	hml_free(ctx, bad);
	return status;
}

/* ---- moments --------------------------------------------------------------------------------------- */

typedef struct Moments
{
	double mean;
	double sd; /* n - 1 */
} Moments;

/* Of value(i) for i in 0 .. n-1, in two passes. */
static Moments
moments_of(double (*value)(const double *rr, size_t i), const double *rr, size_t n)
{
	Moments moments = {0, 0};
	double sum = 0;
	double squares = 0;

	for (size_t i = 0; i < n; i++)
		sum += value(rr, i);
	moments.mean = sum / (double) n;
	for (size_t i = 0; i < n; i++)
	{
		double difference = value(rr, i) - moments.mean;

		squares += difference * difference;
	}
	moments.sd = sqrt(squares / (double) (n - 1));
	return moments;
}

static double
interval(const double *rr, size_t i)
{
	return rr[i];
}

static double
rate(const double *rr, size_t i)
{
	return MS_PER_MINUTE / rr[i];
}

static double
difference(const double *rr, size_t i)
{
	return rr[i + 1] - rr[i];
}

static double
sum_of_two(const double *rr, size_t i)
{
	return rr[i + 1] + rr[i];
}

static void
differences(const double *rr, size_t n, HmlHrv *out)
{
	double squares = 0;

	out->nn50 = 0;
	out->nn20 = 0;
	for (size_t i = 0; i + 1 < n; i++)
	{
		double step = fabs(difference(rr, i));

		squares += step * step;
		out->nn50 += step > 50.0;
		out->nn20 += step > 20.0;
	}
	out->rmssd = sqrt(squares / (double) (n - 1));
	out->pnn50 = 100.0 * out->nn50 / (double) (n - 1);
	out->pnn20 = 100.0 * out->nn20 / (double) (n - 1);
	out->sdsd = moments_of(difference, rr, n - 1).sd;
}

static void
time_domain(const double *rr, const double *sorted, size_t n, HmlHrv *out)
{
	Moments nn = moments_of(interval, rr, n);
	Moments hr = moments_of(rate, rr, n);

	differences(rr, n, out);
	out->mean_nn = nn.mean;
	out->sdnn = nn.sd;
	out->median_nn = hml_quantile(sorted, n, 0.5);
	out->min_nn = sorted[0];
	out->max_nn = sorted[n - 1];
	out->range_nn = out->max_nn - out->min_nn;
	out->cvnn = out->sdnn / out->mean_nn;
	out->cvsd = out->rmssd / out->mean_nn;
	out->mean_hr = hr.mean;
	out->sd_hr = hr.sd;
	out->min_hr = MS_PER_MINUTE / out->max_nn;
	out->max_hr = MS_PER_MINUTE / out->min_nn;
}

/* The Poincare plot: spread across and along the line of equal successive intervals. */
static void
poincare(const double *rr, size_t n, HmlHrv *out)
{
	double across;
	double along;

	out->sd1 = out->sdsd / sqrt(2.0);
	out->sd2 = moments_of(sum_of_two, rr, n - 1).sd / sqrt(2.0);
	across = 4.0 * out->sd1;
	along = 4.0 * out->sd2;
	if (out->sd2 > 0)
		out->sd1_sd2_ratio = out->sd1 / out->sd2;
	if (across > 0)
		out->csi = along / across;
	if (across > 0 && along > 0)
		out->cvi = log10(along * across);
}

/* ---- histogram ------------------------------------------------------------------------------------- */

/*
 * The foot of the side of the triangle that falls from the mode in direction
 * 'step' (-1 or 1): its distance in bins at which the squared error is least,
 * bins beyond the foot counting as they are.
 */
static size_t
foot_distance(const double *bins, size_t mode, size_t available, int step)
{
	double least = INFINITY;
	size_t best = 1;

	for (size_t distance = 1; distance <= available + 1; distance++)
	{
		double error = 0;

		for (size_t i = 1; i <= available; i++)
		{
			double height = i < distance ? bins[mode] * (1.0 - (double) i / (double) distance) : 0.0;
			double miss = bins[step > 0 ? mode + i : mode - i] - height;

			error += miss * miss;
		}
		if (error < least)
		{
			least = error;
			best = distance;
		}
	}
	return best;
}

static HmlStatus
geometry(HmlContext *ctx, const double *sorted, size_t n, HmlHrv *out)
{
	size_t first = (size_t) (sorted[0] / BIN_MS);
	size_t n_bins = (size_t) (sorted[n - 1] / BIN_MS) - first + 1;
	size_t mode = 0;
	double *bins;

	HML_TRY(HML_NEW_ZERO(ctx, &bins, n_bins));
	for (size_t i = 0; i < n; i++)
		bins[(size_t) (sorted[i] / BIN_MS) - first] += 1;
	for (size_t i = 1; i < n_bins; i++)
		if (bins[i] > bins[mode])
			mode = i;
	out->triangular_index = (double) n / bins[mode];
	out->tinn = BIN_MS * (double) (foot_distance(bins, mode, mode, -1) +
								   foot_distance(bins, mode, n_bins - 1 - mode, 1));
	hml_free(ctx, bins);
	return HML_OK;
}

/* ---- all of it ------------------------------------------------------------------------------------- */

static HmlStatus
check(HmlContext *ctx, const double *rr, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!(rr[i] >= HML_RR_MIN && rr[i] <= HML_RR_MAX))
		{
			hml_fail(ctx, HML_INVALID_DATA, "RR interval %g is out of range (%g to %g ms)", rr[i], HML_RR_MIN,
					 HML_RR_MAX);
			return hml_hint(ctx, "RR intervals are in milliseconds; leave gaps out.");
		}
	return HML_OK;
}

static void
set_all_unknown(HmlHrv *out)
{
	double *member = &out->mean_nn;
	double *end = &out->cvi + 1;

	for (; member < end; member++)
		*member = NAN;
}

static HmlStatus
measure(HmlContext *ctx, const double *rr, const double *sorted, size_t n, HmlHrv *out)
{
	time_domain(rr, sorted, n, out);
	poincare(rr, n, out);
	HML_TRY(geometry(ctx, sorted, n, out));
	HML_TRY(hml_poll(ctx));
	HML_TRY(hml_hrv_welch(ctx, rr, n, &out->welch));
	HML_TRY(hml_hrv_lomb(ctx, rr, n, &out->lomb));
	return hml_sample_entropy(ctx, rr, n, ENTROPY_SHARE * out->sdnn, &out->sample_entropy);
}

HmlStatus
hml_hrv(HmlContext *ctx, const double *rr, size_t n, HmlHrv *out)
{
	double *sorted;
	HmlStatus status;

	memset(out, 0, sizeof(*out));
	out->n = n;
	set_all_unknown(out);
	HML_TRY(check(ctx, rr, n));
	if (n < SHORTEST_SERIES)
		return HML_OK;
	HML_TRY(HML_NEW(ctx, &sorted, n));
	memcpy(sorted, rr, n * sizeof(*rr));
	status = hml_sort_doubles(ctx, sorted, n);
	if (status == HML_OK)
		status = measure(ctx, rr, sorted, n, out);
	hml_free(ctx, sorted);
	return status;
}
