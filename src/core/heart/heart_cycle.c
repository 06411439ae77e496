/*
 * heart_cycle.c
 *	  Period by autocorrelation, phases by a duration-dependent Viterbi search.
 *
 * After S. E. Schmidt et al., Segmentation of heart sound recordings by a
 * duration-dependent hidden Markov model, Physiol. Meas. 31 (2010), and D. B.
 * Springer et al., IEEE Trans. Biomed. Eng. 63 (2016).  Theirs learn what a sound
 * looks like from recordings with an ECG; here a frame is a sound the more it
 * stands out of its own recording, and durations alone separate the first sound from
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

/* Mean durations of the sounds and the spread of all phases, in seconds (Schmidt 2010). */
#define S1_S 0.12
#define S2_S 0.10
#define SOUND_SPREAD_S 0.025
#define SYSTOLE_SPREAD_S 0.035
#define DIASTOLE_SPREAD_S 0.05
#define MIN_SYSTOLE_S 0.06
#define MIN_DIASTOLE_S 0.08
#define SHORT_PERIOD_S 0.38 /* of a heart whose sounds take up all of a beat */
#define SPREADS 4.0         /* a phase lasts at most this many spreads longer than its mean */

/* What decides between a period and another: how much better the phases fit or, where they hardly fit worse, how much plainer the rhythm is. */
#define OCTAVE_FIT 0.02
#define OCTAVE_RHYTHM 0.3
#define PLAIN_RHYTHM 0.6
#define WORST_FIT 0.08

/* A frame is as likely a sound as not at this quantile of the levels; steepness per standard deviation. */
#define SOUND_QUANTILE 0.6
#define SOUND_STEEPNESS 2.5

/* ---- level ----------------------------------------------------------- */

/* The level of a stretch without its slow drift; sums is (n + 1) scratch. */
static void
remove_drift(const float *level, size_t n, size_t half, double *sums, double *flat)
{
	sums[0] = 0;
	for (size_t t = 0; t < n; t++)
		sums[t + 1] = sums[t] + level[t];
	for (size_t t = 0; t < n; t++)
	{
		size_t first = t < half ? 0 : t - half;
		size_t last = n - t <= half ? n : t + half + 1;

		flat[t] = level[t] - (sums[last] - sums[first]) / (double) (last - first);
	}
}

/* Frames where sounds and silence are equally likely, and the spread of the levels, over all stretches. */
typedef struct Loudness
{
	double middle;
	double spread;
} Loudness;

static HmlStatus
measure_loudness(HmlArena *arena, const double *flat, const HmlHeartStretch *stretches, size_t n_stretches,
				 size_t n, Loudness *out)
{
	double *sorted;
	double mean;
	size_t count = 0;

	HML_TRY(HML_ARENA_NEW(arena, &sorted, n));
	for (size_t s = 0; s < n_stretches; s++)
	{
		size_t length = stretches[s].last - stretches[s].first;

		memcpy(sorted + count, flat + stretches[s].first, length * sizeof(*sorted));
		count += length;
	}
	hml_mean_and_spread(sorted, count, &mean, &out->spread);
	HML_TRY(hml_sort_doubles(hml_arena_context(arena), sorted, count));
	out->middle = hml_quantile(sorted, count, SOUND_QUANTILE);
	return HML_OK;
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

/* The sounds of a fast heart are shorter, and so is what lies between them at least. */
static void
expected_durations(double period_s, double interval_s, double rate, Duration *out)
{
	double scale = period_s < SHORT_PERIOD_S ? period_s / SHORT_PERIOD_S : 1;
	double systole = fmax(interval_s - scale * S1_S, scale * MIN_SYSTOLE_S);
	double diastole = fmax(period_s - interval_s - scale * S2_S, scale * MIN_DIASTOLE_S);

	out[HML_HEART_S1] = duration_of(scale * S1_S, SOUND_SPREAD_S, 2, rate);
	out[HML_HEART_SYSTOLE] = duration_of(systole, SYSTOLE_SPREAD_S, 2, rate);
	out[HML_HEART_S2] = duration_of(scale * S2_S, SOUND_SPREAD_S, 2, rate);
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

/* level is (n), of one stretch. */
static HmlStatus
start_search(HmlArena *arena, const double *level, size_t n, const Loudness *loudness, Search *search)
{
	search->n = n;
	HML_TRY(HML_ARENA_NEW_ZERO(arena, &search->sums[0], n + 1));
	HML_TRY(HML_ARENA_NEW_ZERO(arena, &search->sums[1], n + 1));
	for (size_t t = 0; t < n; t++)
	{
		double u = SOUND_STEEPNESS * (level[t] - loudness->middle) / (loudness->spread + 1e-3);

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

static void
reverse(HmlHeartBeat *beats, size_t n)
{
	for (size_t i = 0; i < n / 2; i++)
	{
		HmlHeartBeat swap = beats[i];

		beats[i] = beats[n - 1 - i];
		beats[n - 1 - i] = swap;
	}
}

/*
 * Read the way back and add the beats of a stretch that begins at frame 'origin'; a
 * beat is whole when neither its first nor its last phase touches an end.  Returns
 * the score of the way.
 */
static double
collect_beats(const Search *search, size_t origin, HmlHeartCycle *out)
{
	HmlHeartBeat *beats = out->beats + out->n_beats;
	size_t phase = best_last_phase(search);
	size_t t = search->n;
	double score = search->scores[t * HML_HEART_PHASES + phase];
	size_t n = 0;
	size_t ends[HML_HEART_PHASES] = {0};

	while (t > 0)
	{
		size_t start = t - search->lengths[t * HML_HEART_PHASES + phase];

		ends[phase] = t;
		if (phase == HML_HEART_S1 && start > 0 && ends[HML_HEART_DIASTOLE] > t &&
			ends[HML_HEART_DIASTOLE] < search->n)
			beats[n++] = (HmlHeartBeat){{(uint32_t) (origin + start), (uint32_t) (origin + t),
										 (uint32_t) (origin + ends[HML_HEART_SYSTOLE]),
										 (uint32_t) (origin + ends[HML_HEART_S2]),
										 (uint32_t) (origin + ends[HML_HEART_DIASTOLE])}};
		t = start;
		phase = (phase + HML_HEART_PHASES - 1) % HML_HEART_PHASES;
	}
	reverse(beats, n);
	out->n_beats += n;
	return score;
}

/* What stays the same for all periods. */
typedef struct Recording
{
	const double *flat;
	size_t n;
	const HmlHeartStretch *stretches;
	size_t n_stretches;
	size_t n_sounding; /* frames in the stretches */
	double frames_per_s;
	Loudness loudness;
} Recording;

/* The phases of all stretches for one period. */
static HmlStatus
search_phases(HmlArena *arena, const Recording *recording, const HmlHeartPeriod *period, HmlHeartCycle *out)
{
	Search search = {0};
	double score = 0;

	*out = (HmlHeartCycle){.period_s = period->period_s, .rhythm = period->rhythm};
	HML_TRY(HML_ARENA_NEW(arena, &out->beats, recording->n / HML_HEART_PHASES + recording->n_stretches));
	expected_durations(period->coarse_s, period->interval_s, recording->frames_per_s, search.durations);
	for (size_t s = 0; s < recording->n_stretches; s++)
	{
		const HmlHeartStretch *stretch = &recording->stretches[s];

		HML_TRY(start_search(arena, recording->flat + stretch->first, stretch->last - stretch->first,
							 &recording->loudness, &search));
		HML_TRY(run_search(hml_arena_context(arena), &search));
		score += collect_beats(&search, stretch->first, out);
	}
	out->fit = score / (double) recording->n_sounding;
	return HML_OK;
}

/* The usual period, unless another is better; where the phases fit alike, nothing is decided. */
static HmlStatus
decide(HmlArena *arena, const Recording *recording, const HmlHeartPeriod *periods, size_t n,
	   HmlHeartCycle *out)
{
	HML_TRY(search_phases(arena, recording, &periods[0], out));
	for (size_t i = 1; i < n; i++)
	{
		double usual = out->fit;
		HmlHeartCycle other;

		HML_TRY(search_phases(arena, recording, &periods[i], &other));
		if (other.fit > usual + OCTAVE_FIT || (other.fit > usual - WORST_FIT && other.rhythm > PLAIN_RHYTHM &&
											   other.rhythm > out->rhythm + OCTAVE_RHYTHM))
			*out = other;
		else if (other.fit > usual - OCTAVE_FIT)
			out->ambiguous = true;
	}
	return HML_OK;
}

HmlStatus
hml_heart_cycle(HmlArena *arena, const float *level, size_t n, double frames_per_s,
				const HmlHeartStretch *stretches, size_t n_stretches, HmlHeartCycle *out)
{
	size_t half = (size_t) (DRIFT_S * frames_per_s);
	Recording recording = {
		.n = n, .stretches = stretches, .n_stretches = n_stretches, .frames_per_s = frames_per_s};
	HmlHeartPeriod periods[HML_HEART_PERIODS];
	size_t n_periods;
	double *sums;
	double *flat;

	*out = (HmlHeartCycle){.period_s = NAN};
	if (n_stretches == 0)
		return HML_OK;
	HML_TRY(HML_ARENA_NEW(arena, &sums, n + 1));
	HML_TRY(HML_ARENA_NEW_ZERO(arena, &flat, n));
	for (size_t s = 0; s < n_stretches; s++)
	{
		size_t first = stretches[s].first;

		remove_drift(level + first, stretches[s].last - first, half, sums, flat + first);
		recording.n_sounding += stretches[s].last - first;
	}
	recording.flat = flat;
	HML_TRY(measure_loudness(arena, flat, stretches, n_stretches, recording.n_sounding, &recording.loudness));
	HML_TRY(hml_heart_periods(arena, flat, stretches, n_stretches, frames_per_s, periods, &n_periods));
	return decide(arena, &recording, periods, n_periods, out);
}
