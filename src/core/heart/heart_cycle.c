/*
 * heart_cycle.c
 *	  Period by autocorrelation, phases by a duration-dependent Viterbi search.
 *
 * After S. E. Schmidt et al., Segmentation of heart sound recordings by a
 * duration-dependent hidden Markov model, Physiol. Meas. 31 (2010), and D. B.
 * Springer et al., IEEE Trans. Biomed. Eng. 63 (2016).  Theirs learn what a sound
 * looks like from recordings with an ECG; here a frame is a sound the more it
 * stands out of its own recording, and durations alone tell the first sound from
 * the second: systole is shorter than diastole, and both lie round what the
 * autocorrelation says.
 *
 * Time: frames times the longest duration of the phases, about half a
 * millisecond for ten seconds.  Polls every FRAMES_PER_POLL frames.
 */
#include "core/heart/heart_cycle.h"

#include <math.h>
#include <string.h>

#include "core/base/sort.h"
#include "core/model/calibration.h"
#include "core/stats/quantile.h"

#define FRAMES_PER_POLL 256
#define DRIFT_S 2.0 /* half the width of the mean that is taken off */

/* Autocorrelation: windows, the longest lag, and where periods (35 to 160 a minute) lie. */
#define WINDOW_S 6.0
#define MAX_LAG_S 2.2
#define MIN_PERIOD_S 0.38
#define MAX_PERIOD_S 1.8
#define DEFAULT_PERIOD_S 0.8
#define ALMOST_BEST 0.85 /* the shortest period that is this good is the period, not its double */

/* Mean durations of the sounds and the spread of all phases, in seconds (Schmidt 2010). */
#define S1_S 0.12
#define S2_S 0.10
#define SOUND_SPREAD_S 0.025
#define SYSTOLE_SPREAD_S 0.035
#define DIASTOLE_SPREAD_S 0.05
#define MIN_SYSTOLE_S 0.06
#define MIN_DIASTOLE_S 0.08
#define SPREADS 4.0 /* a phase lasts at most this many spreads longer than its mean */

/* A frame is as likely a sound as not at this quantile of the levels; steepness per standard deviation. */
#define SOUND_QUANTILE 0.6
#define SOUND_STEEPNESS 2.5

/* ---- level ----------------------------------------------------------- */

/* The level without its slow drift. */
static HmlStatus
remove_drift(HmlArena *arena, const float *level, size_t n, size_t half, double **out)
{
	double *sums;
	double *flat;

	HML_TRY(HML_ARENA_NEW(arena, &sums, n + 1));
	HML_TRY(HML_ARENA_NEW(arena, &flat, n));
	sums[0] = 0;
	for (size_t t = 0; t < n; t++)
		sums[t + 1] = sums[t] + level[t];
	for (size_t t = 0; t < n; t++)
	{
		size_t first = t < half ? 0 : t - half;
		size_t last = n - t <= half ? n : t + half + 1;

		flat[t] = level[t] - (sums[last] - sums[first]) / (double) (last - first);
	}
	*out = flat;
	return HML_OK;
}

static void
mean_and_spread(const double *x, size_t n, double *mean, double *spread)
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

/* ---- period ---------------------------------------------------------- */

/* x is (n), scratch (n); out[l * stride] is the unbiased autocorrelation at lag l, 1 at lag 0. */
static void
autocorrelate(const double *x, size_t n, double *scratch, size_t max_lag, double *out, size_t stride)
{
	double mean;
	double spread;
	double energy = 1e-9;

	mean_and_spread(x, n, &mean, &spread);
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

/* Median over half-overlapping windows; out is (max_lag + 1). */
static HmlStatus
median_autocorrelation(HmlArena *arena, const double *x, size_t n, size_t width, size_t max_lag, double *out)
{
	HmlContext *ctx = hml_arena_context(arena);
	size_t hop = width / 2;
	size_t windows = n > width ? 1 + (n - width) / hop : 1;
	double *all;
	double *scratch;

	if (width > n)
		width = n;
	HML_TRY(HML_ARENA_NEW(arena, &all, (max_lag + 1) * windows));
	HML_TRY(HML_ARENA_NEW(arena, &scratch, width));
	for (size_t w = 0; w < windows; w++)
	{
		autocorrelate(x + w * hop, width, scratch, max_lag, all + w, windows);
		HML_TRY(hml_poll(ctx));
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

/* Lag of the period, or 0 where nothing repeats. */
static size_t
find_period(const double *correlation, double rate)
{
	size_t first = (size_t) (MIN_PERIOD_S * rate);
	size_t last = (size_t) (MAX_PERIOD_S * rate);
	double best = 0;

	for (size_t lag = first; lag < last; lag++)
		if (is_peak(correlation, lag) && correlation[lag] > best)
			best = correlation[lag];
	for (size_t lag = first; lag < last && best > 0; lag++)
		if (is_peak(correlation, lag) && correlation[lag] >= ALMOST_BEST * best)
			return lag;
	return 0;
}

/* Seconds from the first sound to the second. */
static double
find_interval(const double *correlation, double period_s, double rate)
{
	size_t first = (size_t) (0.18 * rate);
	size_t last = (size_t) (fmin(0.46, 0.62 * period_s) * rate);
	size_t best = first;

	for (size_t lag = first; lag <= last; lag++)
		if (correlation[lag] > correlation[best])
			best = lag;
	if (is_peak(correlation, best))
		return (double) best / rate;
	return fmin(0.2 + 0.12 * period_s, 0.45 * period_s);
}

/* ---- phases ---------------------------------------------------------- */

typedef struct Duration
{
	double mean; /* frames */
	double spread;
	size_t shortest;
	size_t longest;
} Duration;

static Duration
duration_of(double mean_s, double spread_s, size_t shortest, double rate)
{
	double mean = mean_s * rate;
	double spread = spread_s * rate;

	return (Duration){mean, spread, shortest, (size_t) (mean + SPREADS * spread) + 1};
}

static void
expected_durations(double period_s, double interval_s, double rate, Duration *out)
{
	double systole = fmax(interval_s - S1_S, MIN_SYSTOLE_S);
	double diastole = fmax(period_s - interval_s - S2_S, MIN_DIASTOLE_S);

	out[HML_HEART_S1] = duration_of(S1_S, SOUND_SPREAD_S, 2, rate);
	out[HML_HEART_SYSTOLE] = duration_of(systole, SYSTOLE_SPREAD_S, 2, rate);
	out[HML_HEART_S2] = duration_of(S2_S, SOUND_SPREAD_S, 2, rate);
	out[HML_HEART_DIASTOLE] = duration_of(diastole, fmax(DIASTOLE_SPREAD_S, 0.1 * diastole), 3, rate);
}

/* A phase that an end of the recording cuts off is not blamed for being short. */
static double
log_duration(const Duration *duration, size_t length, bool cut)
{
	double z = ((double) length - duration->mean) / duration->spread;

	return (cut && z < 0 ? 0 : -0.5 * z * z) - log(duration->spread);
}

typedef struct Search
{
	size_t n;
	Duration durations[HML_HEART_PHASES];
	double *sums[2];   /* (n + 1) each: log likelihood of silence, of sound, up to a frame */
	double *scores;    /* (n + 1, phases): best of all that end a phase before a frame */
	uint32_t *lengths; /* (n + 1, phases): how long that phase is */
	double *log_whole[HML_HEART_PHASES]; /* (longest + 1) */
} Search;

static bool
is_sound(size_t phase)
{
	return phase == HML_HEART_S1 || phase == HML_HEART_S2;
}

static HmlStatus
start_search(HmlArena *arena, const double *level, size_t n, Search *search)
{
	HmlContext *ctx = hml_arena_context(arena);
	double *sorted;
	double mean;
	double spread;
	double middle;

	search->n = n;
	HML_TRY(HML_ARENA_NEW(arena, &sorted, n));
	memcpy(sorted, level, n * sizeof(*sorted));
	HML_TRY(hml_sort_doubles(ctx, sorted, n));
	middle = hml_quantile(sorted, n, SOUND_QUANTILE);
	mean_and_spread(level, n, &mean, &spread);
	HML_TRY(HML_ARENA_NEW_ZERO(arena, &search->sums[0], n + 1));
	HML_TRY(HML_ARENA_NEW_ZERO(arena, &search->sums[1], n + 1));
	for (size_t t = 0; t < n; t++)
	{
		double u = SOUND_STEEPNESS * (level[t] - middle) / (spread + 1e-3);

		search->sums[0][t + 1] = search->sums[0][t] - log1p(exp(u));
		search->sums[1][t + 1] = search->sums[1][t] - log1p(exp(-u));
	}
	HML_TRY(HML_ARENA_NEW_ZERO(arena, &search->scores, (n + 1) * HML_HEART_PHASES));
	HML_TRY(HML_ARENA_NEW_ZERO(arena, &search->lengths, (n + 1) * HML_HEART_PHASES));
	for (size_t p = 0; p < HML_HEART_PHASES; p++)
	{
		const Duration *duration = &search->durations[p];

		HML_TRY(HML_ARENA_NEW(arena, &search->log_whole[p], duration->longest + 1));
		for (size_t d = 0; d <= duration->longest; d++)
			search->log_whole[p][d] = log_duration(duration, d, false);
	}
	return HML_OK;
}

/* Best way for a phase to end before frame t. */
static void
end_phase(Search *search, size_t phase, size_t t)
{
	const Duration *duration = &search->durations[phase];
	const double *sums = search->sums[is_sound(phase)];
	size_t before = (phase + HML_HEART_PHASES - 1) % HML_HEART_PHASES;
	double best = -INFINITY;
	size_t best_length = 1;

	for (size_t d = 1; d <= duration->longest && d <= t; d++)
	{
		bool cut = d == t || t == search->n;
		double score;

		if (!cut && d < duration->shortest)
			continue;
		score = sums[t] - sums[t - d] + search->scores[(t - d) * HML_HEART_PHASES + before];
		score += cut ? log_duration(duration, d, true) : search->log_whole[phase][d];
		if (score > best)
		{
			best = score;
			best_length = d;
		}
	}
	search->scores[t * HML_HEART_PHASES + phase] = best;
	search->lengths[t * HML_HEART_PHASES + phase] = (uint32_t) best_length;
}

static HmlStatus
run_search(HmlContext *ctx, Search *search)
{
	for (size_t t = 1; t <= search->n; t++)
	{
		for (size_t phase = 0; phase < HML_HEART_PHASES; phase++)
			end_phase(search, phase, t);
		if (t % FRAMES_PER_POLL == 0)
			HML_TRY(hml_poll(ctx));
	}
	return HML_OK;
}

static size_t
best_last_phase(const Search *search)
{
	const double *last = search->scores + search->n * HML_HEART_PHASES;
	size_t best = 0;

	for (size_t phase = 1; phase < HML_HEART_PHASES; phase++)
		if (last[phase] > last[best])
			best = phase;
	return best;
}

/* Read the way back; a beat is whole when neither its first nor its last phase touches an end. */
static HmlStatus
collect_beats(HmlArena *arena, const Search *search, HmlHeartCycle *out)
{
	HmlHeartBeat *beats;
	size_t phase = best_last_phase(search);
	size_t t = search->n;
	size_t n = 0;
	size_t ends[HML_HEART_PHASES] = {0};

	out->fit = search->scores[t * HML_HEART_PHASES + phase] / (double) search->n;
	HML_TRY(HML_ARENA_NEW(arena, &beats, search->n / HML_HEART_PHASES + 1));
	while (t > 0)
	{
		size_t start = t - search->lengths[t * HML_HEART_PHASES + phase];

		ends[phase] = t;
		if (phase == HML_HEART_S1 && start > 0 && ends[HML_HEART_DIASTOLE] > t &&
			ends[HML_HEART_DIASTOLE] < search->n)
			beats[n++] = (HmlHeartBeat){{(uint32_t) start, (uint32_t) t, (uint32_t) ends[HML_HEART_SYSTOLE],
										 (uint32_t) ends[HML_HEART_S2], (uint32_t) ends[HML_HEART_DIASTOLE]}};
		t = start;
		phase = (phase + HML_HEART_PHASES - 1) % HML_HEART_PHASES;
	}
	for (size_t i = 0; i < n / 2; i++)
	{
		HmlHeartBeat swap = beats[i];

		beats[i] = beats[n - 1 - i];
		beats[n - 1 - i] = swap;
	}
	out->beats = beats;
	out->n_beats = n;
	return HML_OK;
}

HmlStatus
hml_heart_cycle(HmlArena *arena, const float *level, size_t n, double frames_per_s, HmlHeartCycle *out)
{
	size_t max_lag = (size_t) (MAX_LAG_S * frames_per_s);
	size_t half = (size_t) (DRIFT_S * frames_per_s);
	size_t width = (size_t) (WINDOW_S * frames_per_s);
	Search search = {0};
	double *flat;
	double *correlation;
	double period_s;
	size_t lag;

	*out = (HmlHeartCycle){.period_s = NAN};
	if (n == 0)
		return HML_OK;
	HML_TRY(remove_drift(arena, level, n, half, &flat));
	HML_TRY(HML_ARENA_NEW(arena, &correlation, max_lag + 1));
	HML_TRY(median_autocorrelation(arena, flat, n, width, max_lag, correlation));
	lag = find_period(correlation, frames_per_s);
	if (lag > 0)
	{
		out->period_s = (double) lag / frames_per_s;
		out->rhythm = fmin(1.0, correlation[lag]);
	}
	period_s = lag > 0 ? out->period_s : DEFAULT_PERIOD_S;
	expected_durations(period_s, find_interval(correlation, period_s, frames_per_s), frames_per_s,
					   search.durations);
	HML_TRY(start_search(arena, flat, n, &search));
	HML_TRY(run_search(hml_arena_context(arena), &search));
	return collect_beats(arena, &search, out);
}
