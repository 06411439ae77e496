/*
 * eeg_features.c
 *	  Features of an EEG from measures of its derivations, and of what they do together.
 *
 * The space for one call is made once; nothing is allocated while a night is scanned.
 */
#include "core/eeg/eeg_features.h"

#include <math.h>
#include <string.h>

#define RATE HML_EEG_FEATURE_RATE
#define N_DERIVATIONS HML_EEG_DERIVATIONS
#define PAIRED 16 /* derivations of the chains; the two of the midline come last */
#define MOST (HML_EEG_MOST_FEATURE_S * RATE)
#define EPOCHS 5 /* of ten seconds, in the window */
#define CAP 4.0  /* times the median: what a derivation weighs at most */
#define STEPS_OF_POWER 30
#define LEAST 1e-9

/* ---- names ----------------------------------------------------------------------------------------- */

#define OF(measure) measure "_mean", measure "_strong", measure "_side", measure "_asymmetry"

const char *const hml_eeg_feature_names[HML_EEG_FEATURES] = {
	OF("amplitude"),
	OF("slow"),
	OF("delta"),
	OF("fast_delta"),
	OF("theta"),
	OF("alpha"),
	OF("beta"),
	OF("muscle"),
	OF("rhythm"),
	OF("fast_rhythm"),
	OF("periodicity"),
	OF("concentration"),
	OF("fast_concentration"),
	OF("centre"),
	OF("sharpness"),
	OF("steepness"),
	OF("spikiness"),
	OF("change"),
	"synchrony_mean",
	"synchrony_highest",
	"synchrony_lowest",
	"envelope_synchrony_mean",
	"envelope_synchrony_highest",
	"common_share",
	"common_envelope_share",
	"discharges_prominence",
	"discharges_hz",
	"discharges_height",
	"discharges_side",
	"discharges_asymmetry",
	"waves_prominence",
	"peak_hz",
	"fast_peak_hz",
	"power_asymmetry_delta",
	"power_asymmetry_fast",
	"power_asymmetry_all",
	"power_asymmetry_peak",
	"front_to_back",
	"midline",
	"temporal",
	"focality",
	"extent",
	"discharge_rate",
	"interval_variation",
	"suppressed",
	"extreme",
	"bursts",
	"leading_rhythm",
	"leading_rhythm_hz",
	"leading_periodicity",
	"drift_of_power",
	"drift_of_frequency",
	"middle_to_rest",
};

typedef enum Global
{
	SYNCHRONY_MEAN,
	SYNCHRONY_HIGHEST,
	SYNCHRONY_LOWEST,
	ENVELOPE_SYNCHRONY_MEAN,
	ENVELOPE_SYNCHRONY_HIGHEST,
	COMMON_SHARE,
	COMMON_ENVELOPE_SHARE,
	DISCHARGES_PROMINENCE,
	DISCHARGES_HZ,
	DISCHARGES_HEIGHT,
	DISCHARGES_SIDE,
	DISCHARGES_ASYMMETRY,
	WAVES_PROMINENCE,
	PEAK_HZ,
	FAST_PEAK_HZ,
	POWER_ASYMMETRY_DELTA,
	POWER_ASYMMETRY_FAST,
	POWER_ASYMMETRY_ALL,
	POWER_ASYMMETRY_PEAK,
	FRONT_TO_BACK,
	MIDLINE,
	TEMPORAL,
	FOCALITY,
	EXTENT,
	DISCHARGE_RATE,
	INTERVAL_VARIATION,
	SUPPRESSED,
	EXTREME,
	BURSTS,
	LEADING_RHYTHM,
	LEADING_RHYTHM_HZ,
	LEADING_PERIODICITY,
	DRIFT_OF_POWER,
	DRIFT_OF_FREQUENCY,
	MIDDLE_TO_REST,
	N_GLOBALS
} Global;

_Static_assert(N_GLOBALS == HML_EEG_GLOBALS, "as many names as values");

struct HmlEegFeatureSpace
{
	HmlEegWork work;
	double measures[N_DERIVATIONS][HML_EEG_MEASURES];
	double power[N_DERIVATIONS];  /* uV^2 */
	double weight[N_DERIVATIONS]; /* of sum 1: the power, as far as it is not that of an artefact */
	float *spectra;               /* (N_DERIVATIONS, HML_EEG_LINES) */
	float *envelopes;             /* (N_DERIVATIONS, MOST) */
	float *total;                 /* (MOST) */
	float *sides[2];              /* (MOST) */
	float *leading;               /* (MOST) */
};

HmlStatus
hml_eeg_feature_space(HmlArena *arena, HmlEegFeatureSpace **out)
{
	HmlEegFeatureSpace *space;

	HML_TRY(HML_ARENA_NEW_ZERO(arena, &space, 1));
	HML_TRY(HML_ARENA_NEW(arena, &space->work.frame, HML_EEG_SPECTRUM));
	HML_TRY(HML_ARENA_NEW(arena, &space->work.spectrum, 2 * HML_EEG_LINES));
	HML_TRY(HML_ARENA_NEW(arena, &space->work.power, HML_EEG_LINES));
	HML_TRY(HML_ARENA_NEW_ZERO(arena, &space->work.lags, HML_EEG_SPECTRUM));
	HML_TRY(HML_ARENA_NEW(arena, &space->work.numbers, MOST));
	HML_TRY(HML_ARENA_NEW(arena, &space->work.envelope, MOST));
	HML_TRY(HML_ARENA_NEW(arena, &space->spectra, N_DERIVATIONS * HML_EEG_LINES));
	HML_TRY(HML_ARENA_NEW(arena, &space->envelopes, N_DERIVATIONS * MOST));
	HML_TRY(HML_ARENA_NEW(arena, &space->total, MOST));
	HML_TRY(HML_ARENA_NEW(arena, &space->sides[0], MOST));
	HML_TRY(HML_ARENA_NEW(arena, &space->sides[1], MOST));
	HML_TRY(HML_ARENA_NEW(arena, &space->leading, MOST));
	*out = space;
	return HML_OK;
}

/* What is looked at: n samples of each derivation, rows 'stride' apart. */
typedef struct View
{
	HmlContext *ctx;
	HmlEegFeatureSpace *space;
	const float *samples;
	size_t stride;
	size_t n;
	double *globals;
} View;

/* 0 = left, 1 = right; chains are LL, RL, LP, RP. */
static size_t
side_of(size_t derivation)
{
	return derivation / 4 % 2;
}

/* ---- measures -------------------------------------------------------------------------------------- */

static double
median_of(const double *values, size_t n)
{
	double sorted[N_DERIVATIONS] = {0};

	for (size_t i = 0; i < n; i++)
	{
		size_t j = i;

		for (; j > 0 && sorted[j - 1] > values[i]; j--)
			sorted[j] = sorted[j - 1];
		sorted[j] = values[i];
	}
	return (sorted[n / 2] + sorted[(n - 1) / 2]) / 2;
}

static void
weigh(HmlEegFeatureSpace *space)
{
	double cap = CAP * median_of(space->power, N_DERIVATIONS) + LEAST;
	double sum = 0;

	for (size_t d = 0; d < N_DERIVATIONS; d++)
		sum += space->weight[d] = fmin(space->power[d], cap) + LEAST;
	for (size_t d = 0; d < N_DERIVATIONS; d++)
		space->weight[d] /= sum;
}

static HmlStatus
measure_all(const View *view, const HmlEegBanana *banana, size_t first)
{
	HmlEegFeatureSpace *space = view->space;
	size_t from = first / RATE;
	size_t to = (first + view->n + RATE - 1) / RATE;

	for (size_t d = 0; d < N_DERIVATIONS; d++)
	{
		double fast = 0;

		to = to < banana->seconds ? to : banana->seconds;
		for (size_t s = from; s < to; s++)
			fast += (double) banana->fast_power[d * banana->seconds + s] / (double) (to - from);
		HML_TRY(hml_eeg_measure(view->ctx, &space->work, view->samples + d * view->stride, view->n, fast,
								space->measures[d]));
		space->power[d] = exp(2 * space->measures[d][HML_EEG_AMPLITUDE]);
		memcpy(space->spectra + d * HML_EEG_LINES, space->work.power, HML_EEG_LINES * sizeof(float));
		memcpy(space->envelopes + d * MOST, space->work.envelope, view->n * sizeof(float));
	}
	weigh(space);
	return hml_poll(view->ctx);
}

static void
aggregate(const HmlEegFeatureSpace *space, double *features)
{
	for (size_t m = 0; m < HML_EEG_MEASURES; m++)
	{
		double *out = features + m * HML_EEG_AGGREGATES;
		double sides[2] = {0};
		double mean = 0;
		double strong = 0;

		for (size_t d = 0; d < N_DERIVATIONS; d++)
		{
			mean += space->measures[d][m] / N_DERIVATIONS;
			strong += space->weight[d] * space->measures[d][m];
			if (d < PAIRED)
				sides[side_of(d)] += space->measures[d][m] / (PAIRED / 2);
		}
		out[0] = mean;
		out[1] = strong;
		out[2] = fmax(sides[0], sides[1]);
		out[3] = fabs(sides[0] - sides[1]);
	}
}

/* ---- together -------------------------------------------------------------------------------------- */

static double
correlation(const float *a, const float *b, size_t n)
{
	double mean_a = 0;
	double mean_b = 0;
	double ab = 0;
	double aa = 0;
	double bb = 0;

	for (size_t i = 0; i < n; i++)
	{
		mean_a += (double) a[i] / (double) n;
		mean_b += (double) b[i] / (double) n;
	}
	for (size_t i = 0; i < n; i++)
	{
		ab += ((double) a[i] - mean_a) * ((double) b[i] - mean_b);
		aa += ((double) a[i] - mean_a) * ((double) a[i] - mean_a);
		bb += ((double) b[i] - mean_b) * ((double) b[i] - mean_b);
	}
	return ab / (sqrt(aa * bb) + LEAST);
}

/* Of derivations that mirror each other. */
static void
describe_synchrony(const float *rows, size_t stride, size_t n, double *mean, double *highest, double *lowest)
{
	*mean = 0;
	*highest = -1;
	*lowest = 1;
	for (size_t d = 0; d < PAIRED; d++)
		if (side_of(d) == 0)
		{
			double r = correlation(rows + d * stride, rows + (d + 4) * stride, n);

			*mean += r / (PAIRED / 2);
			*highest = fmax(*highest, r);
			*lowest = fmin(*lowest, r);
		}
}

/* Largest eigenvalue of the correlations, as a share; 'vector' is its eigenvector. */
static double
leading_share(const float *rows, size_t stride, size_t n, double vector[N_DERIVATIONS])
{
	double r[N_DERIVATIONS][N_DERIVATIONS];
	double length = 0;

	for (size_t a = 0; a < N_DERIVATIONS; a++)
		for (size_t b = 0; b <= a; b++)
			r[a][b] = r[b][a] = a == b ? 1 : correlation(rows + a * stride, rows + b * stride, n);
	for (size_t a = 0; a < N_DERIVATIONS; a++)
		vector[a] = 1 + 0.1 * (double) a;
	for (size_t step = 0; step < STEPS_OF_POWER; step++)
	{
		double next[N_DERIVATIONS] = {0};

		length = 0;
		for (size_t a = 0; a < N_DERIVATIONS; a++)
		{
			for (size_t b = 0; b < N_DERIVATIONS; b++)
				next[a] += r[a][b] * vector[b];
			length += next[a] * next[a];
		}
		length = sqrt(length) + LEAST;
		for (size_t a = 0; a < N_DERIVATIONS; a++)
			vector[a] = next[a] / length;
	}
	return length / N_DERIVATIONS;
}

static HmlStatus
describe_leading(const View *view, const double vector[N_DERIVATIONS])
{
	HmlEegFeatureSpace *space = view->space;
	double measures[HML_EEG_MEASURES];
	HmlEegPeak peak;

	memset(space->leading, 0, view->n * sizeof(float));
	for (size_t d = 0; d < N_DERIVATIONS; d++)
	{
		float gain = (float) (vector[d] / sqrt(space->power[d] + LEAST));

		for (size_t i = 0; i < view->n; i++)
			space->leading[i] += gain * view->samples[d * view->stride + i];
	}
	for (size_t i = 0; i < view->n; i++)
		space->leading[i] *= 20; /* uV, so that what is added to powers stays small */
	HML_TRY(hml_eeg_measure(view->ctx, &space->work, space->leading, view->n, 0, measures));
	view->globals[LEADING_RHYTHM] = measures[HML_EEG_RHYTHM];
	view->globals[LEADING_PERIODICITY] = measures[HML_EEG_PERIODICITY];
	HML_TRY(hml_eeg_autocorrelation_peak(view->ctx, &space->work, space->leading, view->n, 0.08, 2.0, &peak));
	view->globals[LEADING_RHYTHM_HZ] = -log(peak.lag_s);
	return HML_OK;
}

static HmlStatus
describe_together(const View *view)
{
	HmlEegFeatureSpace *space = view->space;
	double *globals = view->globals;
	double vector[N_DERIVATIONS];
	double lowest;

	describe_synchrony(view->samples, view->stride, view->n, &globals[SYNCHRONY_MEAN],
					   &globals[SYNCHRONY_HIGHEST], &globals[SYNCHRONY_LOWEST]);
	describe_synchrony(space->envelopes, MOST, view->n, &globals[ENVELOPE_SYNCHRONY_MEAN],
					   &globals[ENVELOPE_SYNCHRONY_HIGHEST], &lowest);
	globals[COMMON_ENVELOPE_SHARE] = leading_share(space->envelopes, MOST, view->n, vector);
	globals[COMMON_SHARE] = leading_share(view->samples, view->stride, view->n, vector);
	HML_TRY(hml_poll(view->ctx));
	return describe_leading(view, vector);
}

/* ---- discharges ------------------------------------------------------------------------------------ */

/* Envelopes relative to their derivation's amplitude, so that none outweighs the others, by their weight. */
static void
sum_envelopes(const View *view)
{
	HmlEegFeatureSpace *space = view->space;

	memset(space->total, 0, view->n * sizeof(float));
	memset(space->sides[0], 0, view->n * sizeof(float));
	memset(space->sides[1], 0, view->n * sizeof(float));
	for (size_t d = 0; d < N_DERIVATIONS; d++)
	{
		float gain = (float) (space->weight[d] / sqrt(space->power[d] + LEAST));
		const float *envelope = space->envelopes + d * MOST;
		float *side = space->sides[side_of(d)];

		for (size_t i = 0; i < view->n; i++)
		{
			space->total[i] += gain * envelope[i];
			if (d < PAIRED)
				side[i] += gain * envelope[i];
		}
	}
}

/* Peaks of the total envelope that stand out: how many, and how their intervals vary. */
static void
count_discharges(const View *view, double usual, double high)
{
	const float *total = view->space->total;
	double limit = usual + 0.5 * (high - usual);
	size_t last = 0;
	size_t n = 0;
	double sum = 0;
	double squares = 0;

	for (size_t i = 1; i + 1 < view->n; i++)
	{
		double interval = (double) (i - last) / RATE;

		if ((double) total[i] < limit || total[i] < total[i - 1] || total[i] <= total[i + 1] ||
			(n > 0 && interval < 0.2))
			continue;
		if (n++ > 0)
		{
			sum += interval;
			squares += interval * interval;
		}
		last = i;
	}
	view->globals[DISCHARGE_RATE] = log(1 + (double) n * RATE / (double) view->n);
	view->globals[INTERVAL_VARIATION] = 1;
	if (n >= 4)
	{
		double mean = sum / (double) (n - 1);

		view->globals[INTERVAL_VARIATION] = sqrt(fmax(0, squares / (double) (n - 1) - mean * mean)) / mean;
	}
}

static HmlStatus
describe_discharges(const View *view)
{
	HmlEegFeatureSpace *space = view->space;
	double *globals = view->globals;
	double levels[2];
	HmlEegPeak peak;
	HmlEegPeak sides[2];

	sum_envelopes(view);
	HML_TRY(hml_eeg_autocorrelation_peak(view->ctx, &space->work, space->total, view->n, 0.35, 2.6, &peak));
	for (size_t s = 0; s < 2; s++)
		HML_TRY(hml_eeg_autocorrelation_peak(view->ctx, &space->work, space->sides[s], view->n, 0.35, 2.6,
											 &sides[s]));
	HML_TRY(
		hml_eeg_quantiles(view->ctx, &space->work, space->total, view->n, (double[]){0.5, 0.97}, 2, levels));
	globals[DISCHARGES_PROMINENCE] = peak.prominence;
	globals[DISCHARGES_HZ] = -log(peak.lag_s);
	globals[DISCHARGES_HEIGHT] = log((levels[1] + LEAST) / (levels[0] + LEAST));
	globals[DISCHARGES_SIDE] = fmax(sides[0].prominence, sides[1].prominence);
	globals[DISCHARGES_ASYMMETRY] = fabs(sides[0].prominence - sides[1].prominence);
	count_discharges(view, levels[0], levels[1]);
	return HML_OK;
}

/* ---- power ----------------------------------------------------------------------------------------- */

static double
side_band(const HmlEegFeatureSpace *space, size_t side, double low, double high)
{
	double sum = LEAST;

	for (size_t d = 0; d < PAIRED; d++)
		if (side_of(d) == side)
			sum += hml_eeg_band(space->spectra + d * HML_EEG_LINES, low, high);
	return sum;
}

static double
power_asymmetry(const HmlEegFeatureSpace *space, double low, double high)
{
	return fabs(log(side_band(space, 0, low, high) / side_band(space, 1, low, high)));
}

/* The strongest 0.4 Hz between two frequencies, of the sum of all spectra by weight and amplitude. */
static double
peak_between(const HmlEegFeatureSpace *space, double low, double high)
{
	double best = -1;
	double best_hz = low;

	for (double hz = low; hz <= high; hz += 0.1)
	{
		double sum = 0;

		for (size_t d = 0; d < N_DERIVATIONS; d++)
			sum += space->weight[d] / (space->power[d] + LEAST) *
				   hml_eeg_band(space->spectra + d * HML_EEG_LINES, hz - 0.2, hz + 0.2);
		if (sum > best)
		{
			best = sum;
			best_hz = hz;
		}
	}
	return best_hz;
}

/* Log of the mean power of derivations whose place in the chain, or whose chain, is one of two. */
static double
ratio_of_places(const HmlEegFeatureSpace *space, size_t above, size_t below, bool by_chain)
{
	double sums[2] = {LEAST, LEAST};

	for (size_t d = 0; d < PAIRED; d++)
	{
		size_t place = by_chain ? d / 8 : d % 4;

		if (place == above)
			sums[0] += space->power[d];
		if (place == below)
			sums[1] += space->power[d];
	}
	return log(sums[0] / sums[1]);
}

static void
describe_power(const View *view)
{
	const HmlEegFeatureSpace *space = view->space;
	double *globals = view->globals;
	double median = median_of(space->power, N_DERIVATIONS) + LEAST;
	double peak_hz = peak_between(space, 0.5, 4);
	double highest = 0;
	double sum = 0;
	size_t extent = 0;

	for (size_t d = 0; d < N_DERIVATIONS; d++)
	{
		highest = fmax(highest, space->power[d]);
		sum += space->power[d];
	}
	for (size_t d = 0; d < N_DERIVATIONS; d++)
		extent += space->power[d] > 0.2 * highest;
	globals[PEAK_HZ] = log(peak_hz);
	globals[FAST_PEAK_HZ] = log(peak_between(space, 3, 12));
	globals[POWER_ASYMMETRY_DELTA] = power_asymmetry(space, 0.5, 4);
	globals[POWER_ASYMMETRY_FAST] = power_asymmetry(space, 4, 13);
	globals[POWER_ASYMMETRY_ALL] = power_asymmetry(space, 0.5, 20);
	globals[POWER_ASYMMETRY_PEAK] = power_asymmetry(space, peak_hz - 0.3, peak_hz + 0.3);
	globals[FRONT_TO_BACK] = ratio_of_places(space, 0, 3, false);
	globals[TEMPORAL] = ratio_of_places(space, 0, 1, true);
	globals[MIDLINE] = log((space->power[16] + space->power[17] + LEAST) / (sum + LEAST));
	globals[FOCALITY] = log((highest + LEAST) / median);
	globals[EXTENT] = (double) extent / N_DERIVATIONS;
}

/* Mean magnitude of all derivations over time: waves of the whole head, bursts and suppression. */
static HmlStatus
describe_level(const View *view)
{
	HmlEegFeatureSpace *space = view->space;
	double *globals = view->globals;
	size_t extreme = 0;
	double levels[2];
	size_t quiet = 0;
	HmlEegPeak peak;

	for (size_t i = 0; i < view->n; i++)
	{
		space->total[i] = 0;
		for (size_t d = 0; d < N_DERIVATIONS; d++)
		{
			float level = fabsf(view->samples[d * view->stride + i]);

			space->total[i] += fminf(level, 200) / N_DERIVATIONS;
			extreme += level > 200;
		}
		quiet += space->total[i] < 4;
	}
	HML_TRY(hml_eeg_autocorrelation_peak(view->ctx, &space->work, space->total, view->n, 0.2, 2.6, &peak));
	HML_TRY(
		hml_eeg_quantiles(view->ctx, &space->work, space->total, view->n, (double[]){0.1, 0.95}, 2, levels));
	globals[WAVES_PROMINENCE] = peak.prominence;
	globals[SUPPRESSED] = (double) quiet / (double) view->n;
	globals[EXTREME] = sqrt((double) extreme / (double) (view->n * N_DERIVATIONS));
	globals[BURSTS] = log((levels[1] + 0.1) / (levels[0] + 0.1));
	return HML_OK;
}

/* ---- change over the window ------------------------------------------------------------------------ */

typedef struct Epoch
{
	double level; /* log power */
	double hz;    /* log mean frequency */
} Epoch;

/* Of a whole epoch, all derivations of usual strength. */
static HmlStatus
describe_epoch(const View *view, const HmlEegBanana *banana, size_t first, Epoch *out)
{
	HmlEegFeatureSpace *space = view->space;
	double level = 0;
	double hz = 0;

	for (size_t d = 0; d < N_DERIVATIONS; d++)
	{
		double sum = LEAST;
		double weighted = LEAST;

		HML_TRY(
			hml_eeg_power_spectrum(view->ctx, &space->work, banana->samples + d * banana->n + first, MOST));
		for (size_t line = 10; line < 300; line++)
		{
			sum += (double) space->work.power[line];
			weighted += (double) space->work.power[line] * (double) line;
		}
		level += space->weight[d] * log(sum);
		hz += space->weight[d] * log(weighted / sum);
	}
	*out = (Epoch){level, hz};
	return HML_OK;
}

static HmlStatus
describe_drift(const View *view, const HmlEegBanana *banana, double middle)
{
	double *globals = view->globals;
	Epoch epochs[EPOCHS];
	size_t n = 0;
	double rest = 0;
	double levels[2] = {INFINITY, -INFINITY};
	double hertz[2] = {INFINITY, -INFINITY};
	double own = NAN;

	globals[DRIFT_OF_POWER] = globals[DRIFT_OF_FREQUENCY] = globals[MIDDLE_TO_REST] = NAN;
	for (int k = 0; k < EPOCHS; k++)
	{
		double start = (middle + 10 * (k - EPOCHS / 2) - 5) * RATE;
		Epoch *epoch = &epochs[n];

		if (start < -1 || start + MOST > (double) banana->n + 1)
			continue;
		start = fmin(fmax(start, 0), (double) (banana->n - MOST));
		HML_TRY(describe_epoch(view, banana, (size_t) start, epoch));
		if (k == EPOCHS / 2)
			own = epoch->level;
		else
			rest += epoch->level;
		levels[0] = fmin(levels[0], epoch->level);
		levels[1] = fmax(levels[1], epoch->level);
		hertz[0] = fmin(hertz[0], epoch->hz);
		hertz[1] = fmax(hertz[1], epoch->hz);
		n++;
	}
	if (n < 3)
		return HML_OK;
	globals[DRIFT_OF_POWER] = levels[1] - levels[0];
	globals[DRIFT_OF_FREQUENCY] = hertz[1] - hertz[0];
	globals[MIDDLE_TO_REST] = own - rest / (double) (n - 1);
	return hml_poll(view->ctx);
}

/* ---- all of them ----------------------------------------------------------------------------------- */

HmlStatus
hml_eeg_features(HmlContext *ctx, HmlEegFeatureSpace *space, const HmlEegBanana *banana, double middle,
				 double *features)
{
	double from = fmin(fmax(middle - HML_EEG_JUDGED_S / 2.0, 0), (double) banana->n / RATE);
	size_t first = (size_t) (from * RATE);
	size_t last = (size_t) fmin((from + HML_EEG_JUDGED_S) * RATE, (double) banana->n);
	View view = {.ctx = ctx,
				 .space = space,
				 .samples = banana->samples + first,
				 .stride = banana->n,
				 .n = last - first,
				 .globals = features + HML_EEG_MEASURES * HML_EEG_AGGREGATES};

	if (view.n < HML_EEG_LEAST_S * RATE)
		return hml_fail(ctx, HML_INVALID_DATA, "%.3g s are too short an EEG (at least %d s)",
						(double) view.n / RATE, HML_EEG_LEAST_S);
	HML_TRY(measure_all(&view, banana, first));
	aggregate(space, features);
	HML_TRY(describe_together(&view));
	HML_TRY(describe_discharges(&view));
	describe_power(&view);
	HML_TRY(describe_level(&view));
	return describe_drift(&view, banana, middle);
}
