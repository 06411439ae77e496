/*
 * eeg_measures.c
 *	  Rhythm, periodicity, spectrum and shape of one derivation.
 *
 * Rhythmic delta shows as a peak of the autocorrelation, periodic discharges as one of
 * the envelope by Teager's energy operator (J. F. Kaiser, ICASSP 1990), which weighs
 * sharp waves more than slow ones of the same height.  Autocorrelations are transforms
 * of power spectra, padded with zeros.  Nothing is allocated.
 */
#include "core/eeg/eeg_measures.h"

#include <math.h>
#include <string.h>

#include "core/base/select.h"
#include "core/signal/dsp/fft.h"

#define PI 3.14159265358979323846
#define RATE HML_EEG_FEATURE_RATE
#define LINE_HZ ((double) RATE / HML_EEG_SPECTRUM)
#define SMOOTH 8 /* samples of the envelope that are averaged */
#define LEAST 1e-9
#define LEAST_SHARE 1e-4

/* ---- spectrum -------------------------------------------------------------------------------------- */

static HmlStatus
transform(HmlContext *ctx, HmlEegWork *work)
{
	const HmlFft *fft;

	HML_TRY(hml_fft_plan(ctx, HML_EEG_SPECTRUM, &fft));
	hml_fft_forward(fft, work->frame, work->spectrum);
	return HML_OK;
}

static float
line_power(const HmlEegWork *work, size_t line)
{
	float re = work->spectrum[2 * line];
	float im = work->spectrum[2 * line + 1];

	return re * re + im * im;
}

HmlStatus
hml_eeg_power_spectrum(HmlContext *ctx, HmlEegWork *work, const float *samples, size_t n)
{
	memset(work->frame, 0, HML_EEG_SPECTRUM * sizeof(float));
	for (size_t i = 0; i < n; i++)
		work->frame[i] = samples[i] * (float) (0.5 - 0.5 * cos(2 * PI * (double) i / (double) n));
	HML_TRY(transform(ctx, work));
	for (size_t line = 0; line < HML_EEG_LINES; line++)
		work->power[line] = line_power(work, line);
	return HML_OK;
}

double
hml_eeg_band(const float *power, double low, double high)
{
	double sum = 0;

	for (size_t line = (size_t) (low / LINE_HZ + 0.5); line < (size_t) (high / LINE_HZ + 0.5); line++)
		sum += (double) power[line];
	return sum;
}

/* Share of the power from low to high Hz that the best 'width' Hz of it hold. */
static double
concentration(const float *power, double low, double high, double width)
{
	double whole = hml_eeg_band(power, 0.5, 20);
	double best = 0;

	for (double hz = low; hz + width <= high; hz += width / 4)
		best = fmax(best, hml_eeg_band(power, hz, hz + width));
	return best / (whole + LEAST);
}

static double
mean_hz(const float *power)
{
	double sum = 0;
	double weighted = 0;

	for (size_t line = (size_t) (0.5 / LINE_HZ); line < (size_t) (15 / LINE_HZ); line++)
	{
		sum += (double) power[line];
		weighted += (double) power[line] * (double) line * LINE_HZ;
	}
	return sum > LEAST ? weighted / sum : 1;
}

/* ---- autocorrelation ------------------------------------------------------------------------------- */

/* work->lags gets it, 1 at lag 0, each lag by the samples that it has. */
static HmlStatus
autocorrelate(HmlContext *ctx, HmlEegWork *work, const float *samples, size_t n)
{
	double mean = 0;
	float whole;

	for (size_t i = 0; i < n; i++)
		mean += (double) samples[i] / (double) n;
	memset(work->frame, 0, HML_EEG_SPECTRUM * sizeof(float));
	for (size_t i = 0; i < n; i++)
		work->frame[i] = samples[i] - (float) mean;
	HML_TRY(transform(ctx, work));
	work->frame[0] = line_power(work, 0);
	for (size_t line = 1; line < HML_EEG_LINES; line++)
		work->frame[line] = work->frame[HML_EEG_SPECTRUM - line] = line_power(work, line);
	HML_TRY(transform(ctx, work));
	whole = work->spectrum[0];
	for (size_t lag = 0; lag < n && lag < HML_EEG_LINES; lag++)
		work->lags[lag] =
			whole > (float) LEAST ? work->spectrum[2 * lag] / whole * (float) n / (float) (n - lag) : 0;
	return HML_OK;
}

HmlEegPeak
hml_eeg_peak_between(const HmlEegWork *work, size_t n, double low_s, double high_s)
{
	size_t high = (size_t) (high_s * RATE);
	HmlEegPeak peak = {0, high_s};
	float lowest = 1;

	if (high > n / 2)
		high = n / 2;
	for (size_t lag = 1; lag < high; lag++)
	{
		const float *lags = work->lags + lag;

		if (lag >= (size_t) (low_s * RATE) && lags[0] > lags[-1] && lags[0] >= lags[1] &&
			(double) (lags[0] - lowest) > peak.prominence && lags[0] > 0)
			peak = (HmlEegPeak){(double) (lags[0] - lowest), (double) lag / RATE};
		lowest = fminf(lowest, lags[0]);
	}
	return peak;
}

HmlStatus
hml_eeg_autocorrelation_peak(HmlContext *ctx, HmlEegWork *work, const float *samples, size_t n, double low_s,
							 double high_s, HmlEegPeak *out)
{
	HML_TRY(autocorrelate(ctx, work, samples, n));
	*out = hml_eeg_peak_between(work, n, low_s, high_s);
	return HML_OK;
}

/* ---- shape ----------------------------------------------------------------------------------------- */

HmlStatus
hml_eeg_quantiles(HmlContext *ctx, HmlEegWork *work, const float *values, size_t n, const double *ranks,
				  size_t n_out, double *out)
{
	for (size_t i = 0; i < n; i++)
		work->numbers[i] = (double) values[i];
	return hml_quantiles(ctx, work->numbers, n, ranks, n_out, out);
}

/* Root of the energy by Teager and Kaiser, smoothed. */
static void
make_envelope(HmlEegWork *work, const float *samples, size_t n)
{
	float *raw = work->lags;
	float sum = 0;

	raw[0] = raw[n - 1] = 0;
	for (size_t i = 1; i + 1 < n; i++)
		raw[i] = fmaxf(0, samples[i] * samples[i] - samples[i - 1] * samples[i + 1]);
	for (size_t i = 0; i < n; i++)
	{
		sum += raw[i];
		if (i >= SMOOTH)
			sum -= raw[i - SMOOTH];
		work->envelope[i] = sqrtf(fmaxf(0, sum) / SMOOTH);
	}
}

static double
kurtosis(const float *samples, size_t n)
{
	double second = 0;
	double fourth = 0;

	for (size_t i = 0; i < n; i++)
	{
		double square = (double) samples[i] * (double) samples[i];

		second += square;
		fourth += square * square;
	}
	return (double) n * fourth / (second * second + LEAST);
}

static double
power_of(const float *samples, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double) samples[i] * (double) samples[i];
	return sum / (double) n;
}

/* Range of the log power of thirds. */
static double
change(const float *samples, size_t n)
{
	double low = INFINITY;
	double high = -INFINITY;

	for (size_t k = 0; k < 3; k++)
	{
		double level = log(power_of(samples + k * (n / 3), n / 3) + 0.1);

		low = fmin(low, level);
		high = fmax(high, level);
	}
	return high - low;
}

static HmlStatus
measure_steepness(HmlContext *ctx, HmlEegWork *work, const float *samples, size_t n, double *out)
{
	for (size_t i = 0; i + 1 < n; i++)
		work->lags[i] = fabsf(samples[i + 1] - samples[i]);
	return hml_eeg_quantiles(ctx, work, work->lags, n - 1, (double[]){0.95}, 1, out);
}

/* ---- all of them ----------------------------------------------------------------------------------- */

static void
measure_spectrum(const HmlEegWork *work, double *measures)
{
	static const double edges[] = {0.5, 1, 2.5, 4, 8, 13, 20};
	double whole = hml_eeg_band(work->power, 0.5, 20) + LEAST;

	for (size_t b = 0; b < 6; b++)
		measures[HML_EEG_SLOW + b] =
			log(hml_eeg_band(work->power, edges[b], edges[b + 1]) / whole + LEAST_SHARE);
	measures[HML_EEG_CONCENTRATION] = concentration(work->power, 0.5, 3, 0.5);
	measures[HML_EEG_FAST_CONCENTRATION] = concentration(work->power, 3, 12, 1);
	measures[HML_EEG_CENTRE] = log(mean_hz(work->power));
}

HmlStatus
hml_eeg_measure(HmlContext *ctx, HmlEegWork *work, const float *samples, size_t n, double fast_power,
				double *measures)
{
	double power = power_of(samples, n);
	double rms = sqrt(power);
	double steepness;
	double levels[2];
	HmlEegPeak peak;

	HML_TRY(hml_eeg_power_spectrum(ctx, work, samples, n));
	measure_spectrum(work, measures);
	HML_TRY(hml_eeg_autocorrelation_peak(ctx, work, samples, n, 0.4, 2.0, &peak));
	measures[HML_EEG_RHYTHM] = peak.prominence;
	measures[HML_EEG_FAST_RHYTHM] = hml_eeg_peak_between(work, n, 0.1, 0.4).prominence;
	measures[HML_EEG_AMPLITUDE] = log(rms + 0.1);
	measures[HML_EEG_MUSCLE_POWER] = log((fast_power + 0.1) / (power + 0.1));
	measures[HML_EEG_SHARPNESS] = log(kurtosis(samples, n) + LEAST);
	HML_TRY(measure_steepness(ctx, work, samples, n, &steepness));
	measures[HML_EEG_STEEPNESS] = log((steepness + 0.05) / (rms + 0.1));
	measures[HML_EEG_CHANGE] = change(samples, n);
	make_envelope(work, samples, n);
	HML_TRY(hml_eeg_quantiles(ctx, work, work->envelope, n, (double[]){0.5, 0.95}, 2, levels));
	measures[HML_EEG_SPIKINESS] = log((levels[1] + 0.05) / (levels[0] + 0.05));
	HML_TRY(hml_eeg_autocorrelation_peak(ctx, work, work->envelope, n, 0.35, 2.6, &peak));
	measures[HML_EEG_PERIODICITY] = peak.prominence;
	return HML_OK;
}
