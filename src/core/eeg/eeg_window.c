/*
 * eeg_window.c
 *	  From the channels of a signal to nineteen electrodes.
 *
 * Of a recording that holds differences only, the potentials are found along its
 * chains: within what is connected by differences they are right but for a constant,
 * which no montage within a chain sees.
 */
#include "core/eeg/eeg_window.h"

#include <math.h>
#include <string.h>

#include "core/base/select.h"
#include "core/eeg/eeg_quality.h"
#include "core/signal/dsp/filter.h"
#include "core/signal/dsp/resample.h"

#define NOTCH_QUALITY 30.0
#define MEDIAN_SAMPLES 2000
#define NEIGHBOURS 4
#define LEAST_ELECTRODES 4 /* to interpolate from */
#define LEAST_USABLE_SHARE 0.5
#define LEAST_RECORDED_S 30.0
#define LEAST_AMPLITUDE_UV 1.0 /* RMS of the median channel */
#define LARGEST_AMPLITUDE_UV 1500.0

typedef struct Work
{
	HmlArena *arena;
	HmlContext *ctx;
	const HmlSignal *signal;
	size_t skipped; /* samples of the signal in front of what is taken */
	size_t taken;
	double rate; /* of the window */
	HmlEegWindow *window;
	int channel_of[HML_EEG_ELECTRODES]; /* -1 = there is none */
	bool known[HML_EEG_ELECTRODES];
	size_t n_seconds; /* of all channels together */
	size_t n_usable;
} Work;

static float *
electrode(const Work *work, size_t i)
{
	return work->window->samples + i * work->window->n_samples;
}

static const float *
channel(const Work *work, size_t i)
{
	return work->signal->samples + i * work->signal->n_samples + work->skipped;
}

/* ---- one channel ----------------------------------------------------------------------------------- */

static HmlStatus
count_usable(Work *work, const float *samples)
{
	size_t n_seconds = hml_eeg_seconds(work->taken, work->signal->sample_rate);
	unsigned char *flaws;

	HML_TRY(HML_NEW(work->ctx, &flaws, n_seconds));
	hml_eeg_gross_flaws(samples, work->taken, work->signal->sample_rate, flaws);
	for (size_t s = 0; s < n_seconds; s++)
		work->n_usable += (flaws[s] & HML_EEG_UNUSABLE) == 0;
	work->n_seconds += n_seconds;
	hml_free(work->ctx, flaws);
	return HML_OK;
}

/* What a channel rests at: of many samples, evenly spaced ones tell it as well. */
static HmlStatus
subtract_median(HmlContext *ctx, float *samples, size_t n)
{
	static const double half = 0.5;
	size_t stride = n / MEDIAN_SAMPLES + 1;
	double values[MEDIAN_SAMPLES] = {0};
	double median;
	size_t n_values = 0;

	for (size_t i = 0; i < n; i += stride)
		values[n_values++] = samples[i];
	HML_TRY(hml_quantiles(ctx, values, n_values, &half, 1, &median));
	for (size_t i = 0; i < n; i++)
		samples[i] = (float) (samples[i] - median);
	return HML_OK;
}

/* The channel where the window has something recorded, and 0 where it has not. */
static HmlStatus
convert(Work *work, const float *samples, float *out)
{
	HmlEegWindow *window = work->window;
	size_t n_wanted = window->end - window->first;
	float *resampled;
	size_t n;

	memset(out, 0, window->n_samples * sizeof(*out));
	if (n_wanted == 0)
		return HML_OK;
	HML_TRY(count_usable(work, samples));
	HML_TRY(
		hml_resample(work->ctx, samples, work->taken, work->signal->sample_rate, work->rate, &resampled, &n));
	for (size_t i = 0; i < n_wanted; i++)
		out[window->first + i] = n == 0 ? 0 : resampled[i < n ? i : n - 1];
	hml_free(work->ctx, resampled);
	return subtract_median(work->ctx, out + window->first, n_wanted);
}

/* ---- referential recordings ------------------------------------------------------------------------ */

static HmlStatus
take_electrodes(Work *work)
{
	for (size_t i = 0; i < HML_EEG_ELECTRODES; i++)
	{
		work->known[i] = work->channel_of[i] >= 0;
		if (work->known[i])
			HML_TRY(convert(work, channel(work, (size_t) work->channel_of[i]), electrode(work, i)));
	}
	return HML_OK;
}

/* ---- bipolar recordings ---------------------------------------------------------------------------- */

typedef struct Difference
{
	int plus;
	int minus;
	size_t channel;
} Difference;

/* Follow one difference from an electrode that is known to one that is not; false where none is left. */
static HmlStatus
extend(Work *work, const Difference *differences, size_t n, float *buffer, int *component, bool *found)
{
	size_t n_samples = work->window->n_samples;

	*found = false;
	for (size_t d = 0; d < n && !*found; d++)
	{
		int from = work->known[differences[d].plus] ? differences[d].plus : differences[d].minus;
		int to = from == differences[d].plus ? differences[d].minus : differences[d].plus;
		float sign = from == differences[d].plus ? -1 : 1;

		if (!work->known[from] || work->known[to])
			continue;
		HML_TRY(convert(work, channel(work, differences[d].channel), buffer));
		for (size_t i = 0; i < n_samples; i++)
			electrode(work, (size_t) to)[i] = electrode(work, (size_t) from)[i] + sign * buffer[i];
		work->known[to] = true;
		component[to] = component[from];
		*found = true;
	}
	return HML_OK;
}

/* What is connected has no common potential: its mean is 0. */
static void
centre(Work *work, const int *component, int id)
{
	size_t n = 0;

	for (size_t e = 0; e < HML_EEG_ELECTRODES; e++)
		n += component[e] == id;
	for (size_t i = 0; n > 0 && i < work->window->n_samples; i++)
	{
		float sum = 0;

		for (size_t e = 0; e < HML_EEG_ELECTRODES; e++)
			sum += component[e] == id ? electrode(work, e)[i] : 0;
		for (size_t e = 0; e < HML_EEG_ELECTRODES; e++)
			if (component[e] == id)
				electrode(work, e)[i] -= sum / (float) n;
	}
}

static HmlStatus
integrate(Work *work, const Difference *differences, size_t n, float *buffer)
{
	int component[HML_EEG_ELECTRODES];
	int n_components = 0;

	for (size_t e = 0; e < HML_EEG_ELECTRODES; e++)
		component[e] = -1;
	for (size_t d = 0; d < n; d++)
	{
		int start = differences[d].plus;
		bool found = true;

		if (work->known[start] || work->known[differences[d].minus])
			continue;
		memset(electrode(work, (size_t) start), 0, work->window->n_samples * sizeof(float));
		work->known[start] = true;
		component[start] = n_components++;
		while (found)
			HML_TRY(extend(work, differences, n, buffer, component, &found));
	}
	for (int id = 0; id < n_components; id++)
		centre(work, component, id);
	return HML_OK;
}

static HmlStatus
take_differences(Work *work)
{
	Difference *differences;
	float *buffer;
	size_t n = 0;

	HML_TRY(HML_ARENA_NEW(work->arena, &differences, work->signal->n_channels));
	HML_TRY(HML_ARENA_NEW(work->arena, &buffer, work->window->n_samples));
	for (size_t i = 0; i < work->signal->n_channels; i++)
	{
		HmlEegLabel label = hml_eeg_label(work->signal->labels[i]);

		if (label.kind == HML_EEG_LABEL_BIPOLAR && label.plus >= 0 && label.minus >= 0)
			differences[n++] = (Difference){label.plus, label.minus, i};
	}
	return integrate(work, differences, n, buffer);
}

/* ---- what is missing ------------------------------------------------------------------------------- */

static double
weight_of(size_t a, size_t b)
{
	double square = 0;

	for (size_t k = 0; k < 3; k++)
		square += pow(hml_electrode_places[a][k] - hml_electrode_places[b][k], 2);
	return 1 / square;
}

/* The nearest that are known, weighted by the inverse square of their distance. */
static void
interpolate(Work *work, size_t missing)
{
	bool used[HML_EEG_ELECTRODES] = {false};
	double sum = 0;
	float *out = electrode(work, missing);

	memset(out, 0, work->window->n_samples * sizeof(*out));
	for (size_t k = 0; k < NEIGHBOURS; k++)
	{
		size_t nearest = missing;
		double weight;

		for (size_t e = 0; e < HML_EEG_ELECTRODES; e++)
			if (work->known[e] && !used[e] &&
				(nearest == missing || weight_of(missing, e) > weight_of(missing, nearest)))
				nearest = e;
		used[nearest] = true;
		weight = weight_of(missing, nearest);
		sum += weight;
		for (size_t i = 0; i < work->window->n_samples; i++)
			out[i] += (float) weight * electrode(work, nearest)[i];
	}
	for (size_t i = 0; i < work->window->n_samples; i++)
		out[i] /= (float) sum;
}

static void
complete(Work *work)
{
	HmlEegWindow *window = work->window;

	for (size_t e = 0; e < HML_EEG_ELECTRODES; e++)
	{
		window->missing[e] = !work->known[e];
		window->n_missing += !work->known[e];
	}
	for (size_t e = 0; e < HML_EEG_ELECTRODES; e++)
		if (window->missing[e] && HML_EEG_ELECTRODES - window->n_missing >= LEAST_ELECTRODES)
			interpolate(work, e);
		else if (window->missing[e])
			memset(electrode(work, e), 0, window->n_samples * sizeof(float));
}

/* ---- channels of the signal ------------------------------------------------------------------------ */

static HmlStatus
find_without_labels(Work *work)
{
	if (work->signal->n_channels != HML_EEG_ELECTRODES && work->signal->n_channels != HML_EEG_ELECTRODES + 1)
	{
		hml_fail(work->ctx, HML_INVALID_DATA, "%zu channels without names are no EEG of %d electrodes",
				 work->signal->n_channels, HML_EEG_ELECTRODES);
		return hml_hint(work->ctx, "Give the names of the channels, such as '{Fp1,F3,C3,...}'.");
	}
	for (int i = 0; i < HML_EEG_ELECTRODES; i++)
		work->channel_of[i] = i;
	return HML_OK;
}

static HmlStatus
find_channels(Work *work)
{
	size_t n_electrodes = 0;
	size_t n_differences = 0;

	for (size_t i = 0; i < HML_EEG_ELECTRODES; i++)
		work->channel_of[i] = -1;
	if (work->signal->labels == NULL)
		return find_without_labels(work);
	for (size_t i = 0; i < work->signal->n_channels; i++)
	{
		HmlEegLabel label = hml_eeg_label(work->signal->labels[i]);

		if (label.kind == HML_EEG_LABEL_ELECTRODE && label.plus >= 0 && work->channel_of[label.plus] < 0)
		{
			work->channel_of[label.plus] = (int) i;
			n_electrodes++;
		}
		n_differences += label.kind == HML_EEG_LABEL_BIPOLAR && label.plus >= 0 && label.minus >= 0;
	}
	work->window->is_bipolar = n_differences > n_electrodes;
	if (n_electrodes + n_differences > 0)
		return HML_OK;
	return hml_fail(work->ctx, HML_INVALID_DATA, "none of the %zu channels is one of the %d electrodes",
					work->signal->n_channels, HML_EEG_ELECTRODES);
}

/* ---- doubts ---------------------------------------------------------------------------------------- */

/* RMS of the median electrode. */
static double
typical_amplitude(const Work *work)
{
	double sorted[HML_EEG_ELECTRODES] = {0};
	size_t n = 0;

	for (size_t e = 0; e < HML_EEG_ELECTRODES; e++)
	{
		double sum = 0;
		double value;
		size_t at;

		if (!work->known[e])
			continue;
		for (size_t i = work->window->first; i < work->window->end; i++)
			sum += (double) electrode(work, e)[i] * electrode(work, e)[i];
		value = sqrt(sum / (double) (work->window->end - work->window->first));
		for (at = n++; at > 0 && sorted[at - 1] > value; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = value;
	}
	return n == 0 ? 0 : sorted[n / 2];
}

/* The middle must be there, and most of the rest. */
static bool
is_recorded(const HmlEegWindow *window, double rate)
{
	double middle = (double) window->n_samples / 2;
	double half = HML_EEG_JUDGED_S * rate / 2;

	return (double) window->first <= middle - half && (double) window->end >= middle + half &&
		   (double) (window->end - window->first) >= LEAST_RECORDED_S * rate;
}

static const char *
doubt_about(const Work *work)
{
	const HmlEegWindow *window = work->window;
	double amplitude = typical_amplitude(work);

	if (!is_recorded(window, work->rate))
		return "too little is recorded round this second";
	if (window->n_missing > HML_EEG_MAX_INTERPOLATED)
		return "more than three electrodes are missing";
	if (window->usable_share < LEAST_USABLE_SHARE)
		return "most of it is flat, clipped or disturbed";
	if (amplitude < LEAST_AMPLITUDE_UV)
		return "amplitudes are below those of an EEG: check the unit";
	if (amplitude > LARGEST_AMPLITUDE_UV)
		return "amplitudes are above those of an EEG: check the unit";
	return NULL;
}

/* ---- windows --------------------------------------------------------------------------------------- */

static HmlStatus
fill(Work *work)
{
	HmlEegWindow *window = work->window;

	HML_TRY(find_channels(work));
	HML_TRY(hml_arena_alloc(work->arena, window->n_samples, HML_EEG_ELECTRODES * sizeof(float),
							(void **) &window->samples));
	if (window->is_bipolar)
		HML_TRY(take_differences(work));
	else
		HML_TRY(take_electrodes(work));
	complete(work);
	if (work->n_seconds > 0)
		window->usable_share = (double) work->n_usable / (double) work->n_seconds *
							   (double) (window->end - window->first) / (double) window->n_samples *
							   (double) (HML_EEG_ELECTRODES - window->n_missing) / HML_EEG_ELECTRODES;
	window->doubt = doubt_about(work);
	return HML_OK;
}

/* Lay the window over the signal: what is before its start or after its end stays empty. */
static void
place(Work *work, double at_s)
{
	HmlEegWindow *window = work->window;
	double rate = work->signal->sample_rate;
	double n = (double) work->signal->n_samples;
	double from = floor((at_s - HML_EEG_WINDOW_S / 2.0) * rate + 0.5);
	double to = fmin(from + floor(HML_EEG_WINDOW_S * rate + 0.5), n);
	double skipped = fmin(fmax(from, 0), n);

	window->at_s = at_s;
	work->skipped = (size_t) skipped;
	work->taken = to > skipped ? (size_t) (to - skipped) : 0;
	if (work->taken == 0)
		return;
	window->first = (size_t) fmin(floor((skipped - from) / rate * work->rate + 0.5), HML_EEG_SAMPLES);
	window->end = window->first + (size_t) floor((double) work->taken / rate * work->rate + 0.5);
	if (window->end > HML_EEG_SAMPLES)
		window->end = HML_EEG_SAMPLES;
}

HmlStatus
hml_eeg_window(HmlArena *arena, const HmlSignal *signal, HmlEegWindow *out)
{
	Work work = {.arena = arena,
				 .ctx = hml_arena_context(arena),
				 .signal = signal,
				 .rate = HML_EEG_RATE,
				 .window = out};

	*out = (HmlEegWindow){.n_samples = HML_EEG_SAMPLES};
	place(&work, signal->is_placed ? signal->at_s : hml_signal_seconds(signal) / 2);
	return fill(&work);
}

HmlStatus
hml_eeg_electrodes(HmlArena *arena, const HmlSignal *signal, double rate, HmlEegWindow *out)
{
	Work work = {.arena = arena,
				 .ctx = hml_arena_context(arena),
				 .signal = signal,
				 .taken = signal->n_samples,
				 .rate = rate > 0 ? rate : signal->sample_rate,
				 .window = out};

	*out =
		(HmlEegWindow){.at_s = hml_signal_seconds(signal) / 2,
					   .n_samples = hml_resample_length(signal->n_samples, signal->sample_rate, work.rate)};
	out->end = out->n_samples;
	return fill(&work);
}

/* ---- filters --------------------------------------------------------------------------------------- */

static HmlFilterKind
kind_of(const HmlEegFilter *filter)
{
	if (filter->low_hz > 0)
		return filter->high_hz > 0 ? HML_FILTER_BAND_PASS : HML_FILTER_HIGH_PASS;
	return HML_FILTER_LOW_PASS;
}

HmlStatus
hml_eeg_filter(HmlContext *ctx, const HmlEegFilter *filter, double rate, float *samples, size_t n_channels,
			   size_t n)
{
	HmlFilter designed;

	if (filter->notch_hz > 0)
	{
		HML_TRY(hml_filter_notch(ctx, filter->notch_hz, NOTCH_QUALITY, rate, &designed));
		HML_TRY(hml_filter_zero_phase_rows(ctx, &designed, samples, n_channels, n));
	}
	if (!(filter->low_hz > 0) && !(filter->high_hz > 0))
		return HML_OK;
	HML_TRY(hml_filter_butterworth(ctx, kind_of(filter), filter->order, filter->low_hz, filter->high_hz, rate,
								   &designed));
	return hml_filter_zero_phase_rows(ctx, &designed, samples, n_channels, n);
}
