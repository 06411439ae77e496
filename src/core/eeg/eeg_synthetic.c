/*
 * eeg_synthetic.c
 *	  Whole synthetic EEGs: when a pattern is there, how clear it is, and what readers
 *	  vote.
 *
 * Memory: the samples, and one source of the length of a channel.  Polls.
 */
#include "core/eeg/eeg_synthetic.h"

#include <math.h>
#include <string.h>

#include "core/eeg/synthetic_head.h"
#include "core/signal/edf/edf_write.h"

#define RATE HML_SYNTHETIC_EEG_RATE
#define JUDGED_S 10 /* in the middle: the pattern is there unless it was asked for elsewhere */
#define WINDOW_S 50 /* of a set */
#define VOTES_STREAM 1

const char *const hml_eeg_classes[HML_EEG_CLASSES] = {"seizure", "lpd", "gpd", "lrda", "grda", "other"};

/* Mean shares of the votes for windows whose majority is the class of the row. */
static const double mean_votes[HML_EEG_CLASSES][HML_EEG_CLASSES] = {
	{0.60, 0.11, 0.08, 0.05, 0.05, 0.11}, {0.04, 0.72, 0.03, 0.07, 0.01, 0.13},
	{0.05, 0.04, 0.69, 0.01, 0.06, 0.15}, {0.04, 0.15, 0.01, 0.53, 0.04, 0.23},
	{0.03, 0.01, 0.08, 0.07, 0.59, 0.22}, {0.05, 0.04, 0.04, 0.04, 0.05, 0.78},
};

static HmlStatus
check(HmlContext *ctx, const HmlSyntheticEeg *eeg)
{
	if (!(eeg->seconds >= 1 && eeg->seconds <= HML_SYNTHETIC_EEG_MAX_S &&
		  floor(eeg->seconds) == eeg->seconds))
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "seconds must be a whole number from 1 to %d, not %g",
						HML_SYNTHETIC_EEG_MAX_S, eeg->seconds);
	if (!isnan(eeg->frequency_hz) && !(eeg->frequency_hz >= 0.1 && eeg->frequency_hz <= 30))
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "frequency must be from 0.1 to 30 Hz, not %g",
						eeg->frequency_hz);
	if (!isnan(eeg->amplitude_uv) && !(eeg->amplitude_uv >= 0 && eeg->amplitude_uv <= 2000))
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "amplitude must be from 0 to 2000 uV, not %g",
						eeg->amplitude_uv);
	if (!(eeg->artifacts >= 0 && eeg->artifacts <= 10))
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "artifacts must be from 0 to 10, not %g", eeg->artifacts);
	if (!isnan(eeg->from_s) && !(eeg->from_s >= 0 && eeg->from_s < eeg->seconds))
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "the pattern must begin within %g s, not at %g",
						eeg->seconds, eeg->from_s);
	if (!isnan(eeg->to_s) && !(eeg->to_s > 0 && (isnan(eeg->from_s) || eeg->to_s > eeg->from_s)))
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "the pattern must end after it begins, not at %g s",
						eeg->to_s);
	return HML_OK;
}

static size_t
sample_at(const HmlHead *head, double second)
{
	double sample = fmin(fmax(second * RATE, 0), (double) head->n);

	return (size_t) sample;
}

/* Some time round the middle, unless it was said when. */
static void
place_pattern(HmlHead *head, const HmlSyntheticEeg *eeg)
{
	double middle = eeg->seconds / 2;
	double from = middle - hml_between(&head->rng, JUDGED_S / 2.0, 60);
	double to = middle + hml_between(&head->rng, JUDGED_S / 2.0, 60);

	head->first = sample_at(head, isnan(eeg->from_s) ? fmin(from, isnan(eeg->to_s) ? from : eeg->to_s - 1)
													 : eeg->from_s);
	head->last = sample_at(head, isnan(eeg->to_s) ? fmax(to, (double) head->first / RATE + 1) : eeg->to_s);
	if (head->last <= head->first)
		head->last = head->first + 1;
}

static double
power(const float *samples, size_t n)
{
	double mean = 0;
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		mean += (double) samples[i] / (double) n;
	for (size_t i = 0; i < n; i++)
		sum += ((double) samples[i] - mean) * ((double) samples[i] - mean);
	return sum / (double) n;
}

/* Mean power of an electrode in the middle, where a reader judges. */
static double
power_in_the_middle(const HmlHead *head)
{
	size_t n = head->n < JUDGED_S * RATE ? head->n : JUDGED_S * RATE;
	double sum = 0;

	for (size_t e = 0; e < HML_EEG_ELECTRODES; e++)
		sum += power(head->samples + e * head->n + (head->n - n) / 2, n);
	return sum / HML_EEG_ELECTRODES;
}

/* Readers differ, more so the less of the pattern there is to see. */
static void
draw_votes(const HmlHead *head, const HmlSyntheticEeg *eeg, unsigned votes[HML_EEG_CLASSES])
{
	const double *mean = mean_votes[eeg->pattern];
	unsigned readers;
	double blur;
	HmlRng rng;

	hml_rng_seed_stream(&rng, eeg->seed, VOTES_STREAM);
	readers = 3 + (unsigned) hml_rng_below(&rng, 18);
	blur = hml_between(&rng, 0.2, 0.8) + (eeg->pattern == HML_EEG_OTHER ? 0 : 1.2 * (1 - head->clarity));
	memset(votes, 0, HML_EEG_CLASSES * sizeof(*votes));
	for (unsigned r = 0; r < readers; r++)
	{
		double u = hml_rng_uniform(&rng);
		HmlEegClass c = eeg->pattern;

		if (hml_rng_uniform(&rng) < blur)
			for (c = HML_EEG_SEIZURE; c < HML_EEG_OTHER && u >= mean[c]; c++)
				u -= mean[c];
		if (c == eeg->pattern && eeg->pattern != HML_EEG_OTHER &&
			hml_rng_uniform(&rng) < 0.8 * fmax(0, 0.5 - head->clarity))
			c = HML_EEG_OTHER;
		votes[c]++;
	}
}

static HmlStatus
fill(HmlHead *head, const HmlSyntheticEeg *eeg, unsigned votes[HML_EEG_CLASSES])
{
	double background;
	double both;

	HML_TRY(hml_add_background(head, eeg->head));
	background = power_in_the_middle(head);
	place_pattern(head, eeg);
	HML_TRY(hml_add_pattern(head, eeg));
	both = power_in_the_middle(head);
	head->clarity = fmax(0, 1 - background / fmax(both, 1e-12));
	draw_votes(head, eeg, votes);
	return hml_add_artifacts(head, eeg->artifacts);
}

HmlStatus
hml_synthetic_eeg(HmlContext *ctx, const HmlSyntheticEeg *eeg, float **samples,
				  unsigned votes[HML_EEG_CLASSES])
{
	HmlHead head = {.ctx = ctx};
	HmlStatus status;

	*samples = NULL;
	HML_TRY(check(ctx, eeg));
	head.n = (size_t) (eeg->seconds * RATE);
	HML_TRY(HML_NEW_ZERO(ctx, &head.samples, HML_SYNTHETIC_EEG_CHANNELS * head.n));
	hml_rng_seed(&head.rng, eeg->seed);
	status = fill(&head, eeg, votes);
	if (status != HML_OK)
		hml_free(ctx, head.samples);
	else
		*samples = head.samples;
	return status;
}

static double
greatest_magnitude(const float *samples, size_t n)
{
	float most = 1;

	for (size_t i = 0; i < n; i++)
		most = fmaxf(most, fabsf(samples[i]));
	return ceil((double) most);
}

HmlStatus
hml_synthetic_eeg_file(const HmlSyntheticEeg *eeg, HmlWriter *writer, unsigned votes[HML_EEG_CLASSES])
{
	const char *labels[HML_SYNTHETIC_EEG_CHANNELS];
	HmlEdfContent content = {
		.n_channels = HML_SYNTHETIC_EEG_CHANNELS, .sample_rate = RATE, .labels = labels, .unit = "uV"};
	float *samples;
	HmlStatus status;

	for (size_t e = 0; e < HML_EEG_ELECTRODES; e++)
		labels[e] = hml_electrode_names[e];
	labels[HML_EEG_ELECTRODES] = "EKG";
	HML_TRY(hml_synthetic_eeg(writer->ctx, eeg, &samples, votes));
	content.samples = samples;
	content.n_samples = (size_t) (eeg->seconds * RATE);
	content.physical_max = greatest_magnitude(samples, content.n_channels * content.n_samples);
	status = hml_edf_write(&content, writer);
	hml_free(writer->ctx, samples);
	return status;
}

HmlSyntheticEeg
hml_synthetic_eeg_of_set(uint64_t seed, uint64_t i)
{
	HmlSyntheticEeg eeg = {.pattern = (HmlEegClass) ((i / 2 + i % 2 * 3) % HML_EEG_CLASSES),
						   .seconds = WINDOW_S,
						   .frequency_hz = NAN,
						   .amplitude_uv = NAN,
						   .from_s = NAN,
						   .to_s = NAN,
						   .artifacts = 1};
	HmlRng rng;

	hml_rng_seed_stream(&rng, seed, i + VOTES_STREAM + 1);
	eeg.seed = hml_rng_next(&rng);
	hml_rng_seed_stream(&rng, ~seed, i / 2);
	eeg.head = hml_rng_next(&rng);
	return eeg;
}
