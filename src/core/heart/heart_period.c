/*
 * heart_period.c
 *	  Period by autocorrelation, octaves by the phases.
 *
 * Most hearts beat 35 to 160 times a minute, and there the shortest lag of almost
 * the best correlation is the period.  A faster heart repeats at twice its period
 * as well; that its sounds come twice as often shows half-way, where its second
 * sounds are, and where there is nothing between the two sounds of a slower one.
 * A slower heart correlates best at a lag beyond, over windows that are longer.
 *
 * Time: frames times lags.  Polls after each window.
 */
#include "core/heart/heart_period.h"

#include <math.h>

#include "core/base/sort.h"
#include "core/model/calibration.h"
#include "core/stats/quantile.h"

#define WINDOW_S 6.0
#define LONG_WINDOW_S 15.0 /* for slow hearts */
#define MAX_LAG_S 2.2

/* Where the periods of most hearts lie. */
#define MIN_PERIOD_S 0.38
#define MAX_PERIOD_S 1.8
#define DEFAULT_PERIOD_S 0.8
#define ALMOST_BEST 0.85 /* the shortest period that is this good is the period, not its double */

/* A slow heart correlates so much, and so much more than at any shorter lag. */
#define SLOW_RHYTHM 0.3
#define SLOW_GAIN 1.25
#define SLOW_SOUNDS_S 0.65 /* both of its sounds lie within this */
#define SLOW_BETWEEN 0.3   /* of its correlation, at lags between */

/* By no more than this do the two intervals of a beat differ in correlation when either may be systole. */
#define AS_PLAIN 0.1

/* A fast heart correlates so much, and so much of that half-way, where its second sounds are. */
#define FAST_RHYTHM 0.4
#define SECOND_SOUND 0.35

void
hml_mean_and_spread(const double *x, size_t n, double *mean, double *spread)
{
	double sum = 0;
	double squares = 0;

	for (size_t i = 0; i < n; i++)
		sum += x[i];
	*mean = sum / (double) n;
	for (size_t i = 0; i < n; i++)
		squares += (x[i] - *mean) * (x[i] - *mean);
	*spread = sqrt(squares / (double) n);
}

/* x is (n), scratch (n); out[l * stride] is the unbiased autocorrelation at lag l, 1 at lag 0. */
static void
autocorrelate(const double *x, size_t n, double *scratch, size_t max_lag, double *out, size_t stride)
{
	double mean;
	double spread;
	double energy = 1e-9;

	hml_mean_and_spread(x, n, &mean, &spread);
	for (size_t t = 0; t < n; t++)
	{
		scratch[t] = fmax(-2 * spread, fmin(2 * spread, x[t] - mean));
		energy += scratch[t] * scratch[t];
	}
	for (size_t lag = 0; lag <= max_lag; lag++)
	{
		double sum = 0;

		for (size_t t = lag; t < n; t++)
			sum += scratch[t] * scratch[t - lag];
		out[lag * stride] = lag < n ? sum / energy * (double) n / (double) (n - lag) : 0;
	}
}

typedef struct Level
{
	const double *flat;
	const HmlHeartStretch *stretches;
	size_t n_stretches;
} Level;

/* Half-overlapping windows in a stretch; one that is shorter is one window. */
static size_t
windows_in(const HmlHeartStretch *stretch, size_t width)
{
	size_t n = stretch->last - stretch->first;

	return n > width ? 1 + (n - width) / (width / 2) : 1;
}

/* Stretches of less than 'least' frames say little about a rhythm. */
static size_t
count_windows(const Level *level, size_t width, size_t least)
{
	size_t windows = 0;

	for (size_t s = 0; s < level->n_stretches; s++)
		if (level->stretches[s].last - level->stretches[s].first >= least)
			windows += windows_in(&level->stretches[s], width);
	return windows;
}

/* Median over the windows; out is (max_lag + 1). */
static HmlStatus
median_autocorrelation(HmlArena *arena, const Level *level, size_t width, size_t max_lag, double *out)
{
	HmlContext *ctx = hml_arena_context(arena);
	size_t least = level->n_stretches > 1 ? max_lag : 0;
	size_t windows = count_windows(level, width, least);
	double *all;
	double *scratch;
	size_t n = 0;

	if (windows == 0)
	{
		least = 0;
		windows = count_windows(level, width, 0);
	}
	HML_TRY(HML_ARENA_NEW(arena, &all, (max_lag + 1) * windows));
	HML_TRY(HML_ARENA_NEW(arena, &scratch, width));
	for (size_t s = 0; s < level->n_stretches; s++)
	{
		const HmlHeartStretch *stretch = &level->stretches[s];
		size_t length = stretch->last - stretch->first;

		for (size_t w = 0; length >= least && w < windows_in(stretch, width); w++)
		{
			autocorrelate(level->flat + stretch->first + w * (width / 2), length < width ? length : width,
						  scratch, max_lag, all + n++, windows);
			HML_TRY(hml_poll(ctx));
		}
	}
	for (size_t lag = 0; lag <= max_lag; lag++)
	{
		HML_TRY(hml_sort_doubles(ctx, all + lag * windows, windows));
		out[lag] = hml_quantile(all + lag * windows, windows, 0.5);
	}
	return HML_OK;
}

static bool
is_peak(const double *x, size_t i)
{
	return x[i] >= x[i - 1] && x[i] >= x[i + 1];
}

/* The largest peak at lags first .. last - 1; 0 without one that is positive. */
static size_t
best_peak(const double *correlation, size_t first, size_t last)
{
	size_t best = 0;

	for (size_t lag = first; lag < last; lag++)
		if (is_peak(correlation, lag) && correlation[lag] > (best > 0 ? correlation[best] : 0))
			best = lag;
	return best;
}

/* The first peak at lags first .. last - 1 that is at least 'least'; 0 without one. */
static size_t
first_peak(const double *correlation, size_t first, size_t last, double least)
{
	for (size_t lag = first; lag < last; lag++)
		if (is_peak(correlation, lag) && correlation[lag] >= least)
			return lag;
	return 0;
}

/* Lag of the period of most hearts, or 0 where nothing repeats. */
static size_t
find_period(const double *correlation, double rate)
{
	size_t first = (size_t) (MIN_PERIOD_S * rate);
	size_t last = (size_t) (MAX_PERIOD_S * rate);
	size_t best = best_peak(correlation, first, last);

	return best == 0 ? 0 : first_peak(correlation, first, last, ALMOST_BEST * correlation[best]);
}

/* Largest correlation about half of a lag, if it is a peak; else the correlation there. */
static double
half_way(const double *correlation, size_t lag)
{
	size_t first = (size_t) (0.38 * (double) lag);
	size_t last = (size_t) (0.62 * (double) lag) + 1;
	size_t best = best_peak(correlation, first, last);

	return best > 0 ? correlation[best] : correlation[lag / 2];
}

/* A fast heart, or the first sound and the second of a slower one that look alike; false where there is neither. */
static bool
try_fast(const double *correlation, double rate, const HmlHeartPeriod *usual, HmlHeartPeriod *out)
{
	size_t first = (size_t) (HML_HEART_FASTEST_S * rate);
	size_t last = (size_t) (MIN_PERIOD_S * rate);
	double least = fmax(FAST_RHYTHM, usual->lag > 0 ? ALMOST_BEST * correlation[usual->lag] : 0);
	size_t lag = first_peak(correlation, first, last, least);
	double share;

	if (lag == 0)
		return false;
	share = half_way(correlation, lag) / correlation[lag];
	out->lag = lag;
	out->rhythm = fmin(1.0, correlation[lag]);
	return share >= SECOND_SOUND && share <= 1;
}

/* Where the parabola through three values has its peak, as an offset from the middle one. */
static double
vertex(const double *x)
{
	double curvature = x[-1] - 2 * x[0] + x[1];

	return curvature < 0 ? fmax(-0.5, fmin(0.5, 0.5 * (x[-1] - x[1]) / curvature)) : 0;
}

/* A slow heart is silent for most of a beat; multiples of a period have that period between them. */
static bool
is_quiet_between(const double *correlation, size_t lag, double rate)
{
	size_t sounds = (size_t) (SLOW_SOUNDS_S * rate);
	size_t between = best_peak(correlation, sounds, lag - sounds);

	return between == 0 || correlation[between] < SLOW_BETWEEN * correlation[lag];
}

static HmlStatus
try_slow(HmlArena *arena, const Level *level, double rate, const HmlHeartPeriod *usual, HmlHeartPeriod *out,
		 bool *found)
{
	size_t first = (size_t) (MAX_PERIOD_S * rate);
	size_t last = (size_t) (HML_HEART_SLOWEST_S * rate);
	double *longer;
	size_t lag;

	HML_TRY(HML_ARENA_NEW(arena, &longer, last + 2));
	HML_TRY(median_autocorrelation(arena, level, (size_t) (LONG_WINDOW_S * rate), last + 1, longer));
	lag = best_peak(longer, first, last);
	*found = lag > 0 && longer[lag] >= SLOW_RHYTHM && is_quiet_between(longer, lag, rate) &&
			 longer[lag] >= SLOW_GAIN * fmax(usual->rhythm, longer[usual->lag > 0 ? usual->lag : 1]);
	if (!*found)
		return HML_OK;
	out->lag = lag;
	out->rhythm = fmin(1.0, longer[lag]);
	out->period_s = ((double) lag + vertex(longer + lag)) / rate;
	return HML_OK;
}

/* From the first sound to the second, or from that to the next first: of two that are as plain, the shorter. */
static size_t
shorter_of_two(const double *correlation, size_t interval, size_t first, double period)
{
	size_t other = (size_t) (period - (double) interval + 0.5);
	size_t peak = other;

	if (2 * (double) interval <= period || other <= first)
		return interval;
	for (size_t lag = other - 1; lag <= other + 1; lag++)
		if (correlation[lag] > correlation[peak])
			peak = lag;
	return is_peak(correlation, peak) && correlation[peak] >= correlation[interval] - AS_PLAIN ? peak
																							   : interval;
}

/* Seconds from the first sound to the second. */
static double
find_interval(const double *correlation, double period_s, double rate)
{
	bool fast = period_s < MIN_PERIOD_S;
	size_t first = (size_t) ((fast ? 0.38 * period_s : 0.18) * rate);
	size_t last = (size_t) (fmin(0.46, 0.62 * period_s) * rate);
	size_t best = first;

	for (size_t lag = first; lag <= last; lag++)
		if (correlation[lag] > correlation[best])
			best = lag;
	best = shorter_of_two(correlation, best, first, period_s * rate);
	if (is_peak(correlation, best))
		return (double) best / rate;
	return fmin(0.2 + 0.12 * period_s, 0.45 * period_s);
}

/* Finer than a frame: the peaks at multiples of the lag divide what a frame is off. */
static double
refine(const double *correlation, size_t lag, size_t max_lag)
{
	double period = (double) lag + vertex(correlation + lag);

	for (size_t k = 2;; k++)
	{
		size_t middle = (size_t) ((double) k * period + 0.5);
		size_t reach = lag / 8 + 1;
		size_t peak;

		if (middle + reach >= max_lag)
			return period;
		peak = best_peak(correlation, middle - reach, middle + reach + 1);
		if (peak == 0 || correlation[peak] < 0.5 * correlation[lag])
			return period;
		period = ((double) peak + vertex(correlation + peak)) / (double) k;
	}
}

/* Fill in what follows from the lag; 'usual' periods have none that is finer where nothing repeats. */
static void
complete(const double *correlation, size_t max_lag, double rate, HmlHeartPeriod *period)
{
	double coarse_s = period->lag > 0 ? (double) period->lag / rate : DEFAULT_PERIOD_S;

	period->coarse_s = coarse_s;
	if (period->lag > 0 && !(period->period_s > 0))
		period->period_s = refine(correlation, period->lag, max_lag) / rate;
	period->interval_s = find_interval(correlation, coarse_s, rate);
}

HmlStatus
hml_heart_periods(HmlArena *arena, const double *flat, const HmlHeartStretch *stretches, size_t n_stretches,
				  double frames_per_s, HmlHeartPeriod *out, size_t *n)
{
	Level level = {flat, stretches, n_stretches};
	size_t max_lag = (size_t) (MAX_LAG_S * frames_per_s);
	double *correlation;
	bool slow;

	for (size_t i = 0; i < HML_HEART_PERIODS; i++)
		out[i] = (HmlHeartPeriod){.period_s = NAN};
	HML_TRY(HML_ARENA_NEW(arena, &correlation, max_lag + 1));
	HML_TRY(median_autocorrelation(arena, &level, (size_t) (WINDOW_S * frames_per_s), max_lag, correlation));
	out[0].lag = find_period(correlation, frames_per_s);
	if (out[0].lag > 0)
		out[0].rhythm = fmin(1.0, correlation[out[0].lag]);
	*n = 1;
	if (try_fast(correlation, frames_per_s, &out[0], &out[1]))
		*n = 2;
	HML_TRY(try_slow(arena, &level, frames_per_s, &out[0], &out[*n], &slow));
	*n += slow;
	for (size_t i = 0; i < *n; i++)
		complete(correlation, max_lag, frames_per_s, &out[i]);
	return HML_OK;
}
