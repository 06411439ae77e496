/*
 * eeg_trends.c
 *	  Trends of some seconds of an EEG.
 *
 * The amplitude-integrated EEG follows D. Maynard et al., Br. J. Anaesth. 41 (1969), in
 * its digital form: 2 to 15 Hz, rectified, smoothed over half a second, times pi / 2 so
 * that a sine shows its peak.
 */
#include "core/eeg/eeg_trends.h"

#include <math.h>
#include <string.h>

#include "core/base/select.h"
#include "core/eeg/eeg_spectrogram.h"
#include "core/signal/dsp/filter.h"

#define PI 3.14159265358979323846
#define RATE 200.0
#define DERIVATIONS 18
#define EDGE 0.95
#define DECIMATION 4 /* before the autocorrelation */
#define SLOW_RATE (RATE / DECIMATION)
#define SHORTEST_LAG 12    /* 0.24 s, just above 4 Hz */
#define LONGEST_LAG 100    /* 2 s, 0.5 Hz */
#define CLEARLY 1.1        /* higher than a peak at a shorter lag */
#define SUPPRESSED_UV 5.0f /* 10 uV peak to peak */
#define SUPPRESSED_S 0.5
#define SMOOTHED 100 /* samples: half a second */

typedef struct Work
{
	HmlContext *ctx;
	const float *electrodes; /* (19, n) */
	size_t n;
	size_t first;
	size_t length;
	float *pair;     /* (n) one derivation */
	float *spectrum; /* (bins, frames) of it */
	float *slow;     /* (length / DECIMATION) of it */
	double *values;  /* (length) */
	double power[HML_EEG_BINS];
	double side[2]; /* left, right */
	double peaks[DERIVATIONS];
	double lags[DERIVATIONS];
	HmlEegTrend *trend;
} Work;

/* ---- spectrum -------------------------------------------------------------------------------------- */

static HmlStatus
add_spectrum(Work *work, size_t row)
{
	size_t n_frames = hml_eeg_frames(work->length);
	double total = 0;

	HML_TRY(hml_eeg_spectrum(work->ctx, work->pair + work->first, work->length, work->spectrum));
	for (size_t b = 0; b < HML_EEG_BINS; b++)
		for (size_t f = 0; f < n_frames; f++)
		{
			/* Both signs of the frequency. */
			double power = 2 * HML_EEG_BIN_HZ * work->spectrum[b * n_frames + f] / (double) n_frames;

			work->power[b] += power / DERIVATIONS;
			total += power;
		}
	if (row < 8)
		work->side[0] += total;
	else if (row >= 10)
		work->side[1] += total;
	return HML_OK;
}

static double
frequency_of(size_t bin)
{
	return (double) (bin + HML_EEG_FIRST_BIN) * HML_EEG_BIN_HZ;
}

static double
edge_of(const double *power, double total, double share)
{
	double sum = 0;

	for (size_t b = 0; b < HML_EEG_BINS; b++)
	{
		sum += power[b];
		if (sum >= share * total)
			return frequency_of(b);
	}
	return frequency_of(HML_EEG_BINS - 1);
}

static void
describe_spectrum(Work *work)
{
	HmlEegTrend *trend = work->trend;
	double total = 0;

	for (size_t b = 0; b < HML_EEG_BINS; b++)
	{
		double hz = frequency_of(b);
		double *band = hz < 4    ? &trend->delta_uv2
					   : hz < 8  ? &trend->theta_uv2
					   : hz < 13 ? &trend->alpha_uv2
								 : &trend->beta_uv2;

		*band += work->power[b];
		total += work->power[b];
	}
	trend->edge_hz = total > 0 ? edge_of(work->power, total, EDGE) : NAN;
	trend->median_hz = total > 0 ? edge_of(work->power, total, 0.5) : NAN;
	if (work->side[0] + work->side[1] > 0)
		trend->asymmetry = (work->side[1] - work->side[0]) / (work->side[1] + work->side[0]);
	else
		trend->asymmetry = NAN;
}

/* ---- rhythm ---------------------------------------------------------------------------------------- */

static size_t
make_slow(Work *work)
{
	size_t n = work->length / DECIMATION;
	double mean = 0;

	for (size_t i = 0; i < n; i++)
	{
		float sum = 0;

		for (size_t k = 0; k < DECIMATION; k++)
			sum += work->pair[work->first + i * DECIMATION + k];
		work->slow[i] = sum / DECIMATION;
		mean += work->slow[i] / (double) n;
	}
	for (size_t i = 0; i < n; i++)
		work->slow[i] -= (float) mean;
	return n;
}

static double
correlation(const float *slow, size_t n, size_t lag)
{
	double sum = 0;

	for (size_t i = lag; i < n; i++)
		sum += (double) slow[i] * slow[i - lag];
	return sum / (double) (n - lag);
}

/* The highest local maximum at lags of 0.25 to 2 s: of multiples of a period, which are as high, the first. */
static void
find_peak(Work *work, size_t row)
{
	size_t n = make_slow(work);
	double power = correlation(work->slow, n, 0);
	double before = 0;
	double here = 0;

	work->peaks[row] = 0;
	work->lags[row] = NAN;
	if (!(power > 0))
		return;
	for (size_t lag = SHORTEST_LAG - 1; lag <= LONGEST_LAG + 1 && lag < n / 2; lag++)
	{
		double after = correlation(work->slow, n, lag) / power;

		if (lag > SHORTEST_LAG && here >= before && here > after && here > CLEARLY * work->peaks[row])
		{
			work->peaks[row] = fmin(here, 1);
			work->lags[row] = (double) (lag - 1);
		}
		before = here;
		here = after;
	}
}

static void
describe_rhythm(Work *work)
{
	size_t order[DERIVATIONS] = {0};
	size_t middle;

	for (size_t i = 0; i < DERIVATIONS; i++)
	{
		size_t at = i;

		for (; at > 0 && work->peaks[order[at - 1]] > work->peaks[i]; at--)
			order[at] = order[at - 1];
		order[at] = i;
	}
	middle = order[DERIVATIONS / 2];
	work->trend->rhythmicity = work->peaks[middle];
	work->trend->rhythm_hz = SLOW_RATE / work->lags[middle];
}

/* ---- amplitude ------------------------------------------------------------------------------------- */

static size_t
count_suppressed(const Work *work)
{
	size_t least = (size_t) (SUPPRESSED_S * RATE);
	size_t count = 0;
	size_t run = 0;

	for (size_t i = 0; i < work->length; i++)
	{
		run = fabsf(work->pair[work->first + i]) < SUPPRESSED_UV ? run + 1 : 0;
		if (run == least)
			count += least;
		else if (run > least)
			count++;
	}
	return count;
}

static HmlStatus
add_aeeg(Work *work, int plus, int minus)
{
	static const double shares[] = {0.1, 0.9};
	double margins[2];
	double sum = 0;
	size_t n = 0;
	HmlFilter filter;

	for (size_t i = 0; i < work->n; i++)
		work->pair[i] =
			work->electrodes[(size_t) plus * work->n + i] - work->electrodes[(size_t) minus * work->n + i];
	HML_TRY(hml_filter_butterworth(work->ctx, HML_FILTER_BAND_PASS, 2, 2, 15, RATE, &filter));
	HML_TRY(hml_filter_zero_phase(work->ctx, &filter, work->pair, work->n));
	for (size_t i = 0; i < work->length; i++)
	{
		sum += fabsf(work->pair[work->first + i]);
		if (i >= SMOOTHED)
			sum -= fabsf(work->pair[work->first + i - SMOOTHED]);
		if (i + 1 >= SMOOTHED)
			work->values[n++] = fmax(sum, 0) / SMOOTHED * PI / 2;
	}
	HML_TRY(hml_quantiles(work->ctx, work->values, n, shares, 2, margins));
	work->trend->aeeg_low_uv += margins[0] / 2;
	work->trend->aeeg_high_uv += margins[1] / 2;
	return HML_OK;
}

/* ---- all of it ------------------------------------------------------------------------------------- */

static HmlStatus
measure(Work *work)
{
	const HmlMontage *montage = &hml_montages[HML_MONTAGE_DOUBLE_BANANA];
	size_t n_suppressed = 0;

	for (size_t r = 0; r < montage->n; r++)
	{
		const HmlMontage one = {.n = 1, .rows = &montage->rows[r]};

		hml_montage_apply(&one, work->electrodes, work->n, work->pair);
		HML_TRY(add_spectrum(work, r));
		find_peak(work, r);
		n_suppressed += count_suppressed(work);
		HML_TRY(hml_poll(work->ctx));
	}
	describe_spectrum(work);
	describe_rhythm(work);
	work->trend->suppression_ratio = (double) n_suppressed / (double) (work->length * DERIVATIONS);
	HML_TRY(add_aeeg(work, HML_C3, HML_P3));
	return add_aeeg(work, HML_C4, HML_P4);
}

HmlStatus
hml_eeg_trend(HmlContext *ctx, const float *electrodes, size_t n, size_t first, size_t end, HmlEegTrend *out)
{
	Work work = {
		.ctx = ctx, .electrodes = electrodes, .n = n, .first = first, .length = end - first, .trend = out};
	HmlStatus status;

	*out = (HmlEegTrend){0};
	if (end > n || end < first || work.length < HML_EEG_FRAME)
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "%zu samples are too few for a trend", work.length);
	status = HML_NEW(ctx, &work.pair, n);
	if (status == HML_OK)
		status = HML_NEW(ctx, &work.spectrum, HML_EEG_BINS * hml_eeg_frames(work.length));
	if (status == HML_OK)
		status = HML_NEW(ctx, &work.slow, work.length);
	if (status == HML_OK)
		status = HML_NEW(ctx, &work.values, work.length);
	if (status == HML_OK)
		status = measure(&work);
	hml_free(ctx, work.values);
	hml_free(ctx, work.slow);
	hml_free(ctx, work.spectrum);
	hml_free(ctx, work.pair);
	return status;
}
