/*
 * heart_explain.c
 *	  From contributions of features to cells of a spectrogram.
 *
 * Regions are rectangles of the beat's image: their sums come from a table of sums
 * from the first cell on, and they are filled by marking their corners and summing
 * up once for all of them (F. Crow: Summed-Area Tables, SIGGRAPH 1984).  Memory: one
 * number for each feature of each beat.  Polls with every beat and feature.
 */
#include "core/heart/heart_explain.h"

#include <math.h>
#include <string.h>

#define BANDS HML_HEART_BANDS
#define BINS HML_BEAT_BINS
#define FEATURES HML_HEART_FEATURES
#define LEAST_EVIDENCE_DB 1.0 /* what the beat that shows a feature least is taken for */
#define NOTHING 1e-9          /* of a logit: rounding */

/* ---- rectangles of a beat -------------------------------------------- */

/* (BANDS + 1, BINS + 1): element (m, i) is the sum of all cells of bands below m and bins below i. */
typedef struct Sums
{
	double at[BANDS + 1][BINS + 1];
} Sums;

static void
sum_up(float image[BANDS][BINS], Sums *sums)
{
	memset(sums, 0, sizeof(*sums));
	for (size_t m = 0; m < BANDS; m++)
		for (size_t i = 0; i < BINS; i++)
			sums->at[m + 1][i + 1] = image[m][i] + sums->at[m][i + 1] + sums->at[m + 1][i] - sums->at[m][i];
}

static double
cells_of(const HmlHeartRegion *region)
{
	return (double) (region->to_band - region->from_band) * (region->to_bin - region->from_bin);
}

static double
sum_over(const Sums *sums, const HmlHeartRegion *region)
{
	return sums->at[region->to_band][region->to_bin] - sums->at[region->from_band][region->to_bin] -
		   sums->at[region->to_band][region->from_bin] + sums->at[region->from_band][region->from_bin];
}

static double
mean_over(const Sums *sums, const HmlHeartRegion *region)
{
	double cells = cells_of(region);

	return cells > 0 ? sum_over(sums, region) / cells : 0;
}

/* Add 'amount', spread evenly over the region, to what fill_marked() makes of the marks. */
static void
mark(Sums *marks, const HmlHeartRegion *region, double amount)
{
	double each = amount / cells_of(region);

	marks->at[region->from_band][region->from_bin] += each;
	marks->at[region->to_band][region->from_bin] -= each;
	marks->at[region->from_band][region->to_bin] -= each;
	marks->at[region->to_band][region->to_bin] += each;
}

static void
fill_marked(Sums *marks)
{
	for (size_t m = 0; m <= BANDS; m++)
		for (size_t i = 1; i <= BINS; i++)
			marks->at[m][i] += marks->at[m][i - 1];
	for (size_t m = 1; m <= BANDS; m++)
		for (size_t i = 0; i <= BINS; i++)
			marks->at[m][i] += marks->at[m - 1][i];
}

/* ---- shares of the beats --------------------------------------------- */

typedef struct Explaining
{
	HmlContext *ctx;
	const HmlHeartNetwork *network;
	const HmlHeartSound *sound;
	HmlHeartExplanation *out;
	size_t n_beats;
	double *shares; /* (FEATURES, n_beats) of each contribution, adding up to 1 for each feature */
	Sums *beats;    /* (n_beats) contributions of the cells of each beat */
} Explaining;

static bool
has_place(size_t feature)
{
	return cells_of(&hml_heart_feature_regions[feature].plus) > 0;
}

/* Share of a contribution that goes to the 'plus' region. */
static double
plus_share(size_t feature)
{
	double plus = cells_of(&hml_heart_feature_regions[feature].plus);
	double minus = cells_of(&hml_heart_feature_regions[feature].minus);

	return minus > 0 ? minus / (plus + minus) : 1;
}

/* What the feature was in the training, as far as the network that hears it knows. */
static double
usual_value(const HmlHeartNetwork *network, size_t feature)
{
	if (feature < network->general.n_inputs)
		return network->general.mean[feature];
	return network->clinics.n > 0 && feature < network->expert.n_inputs ? network->expert.mean[feature] : 0;
}

/* How strongly each beat shows each feature, in dB: evidence is (FEATURES, n_beats). */
static HmlStatus
measure_beats(Explaining *e, double *evidence)
{
	const HmlHeartSound *sound = e->sound;
	float image[BANDS][BINS];
	Sums sums;

	for (size_t b = 0; b < e->n_beats; b++)
	{
		for (size_t m = 0; m < BANDS; m++)
			hml_stretch_beat(sound->log_mel + m * sound->n_frames, sound->n_frames, &sound->cycle.beats[b],
							 image[m]);
		sum_up(image, &sums);
		for (size_t f = 0; f < FEATURES; f++)
			evidence[f * e->n_beats + b] = mean_over(&sums, &hml_heart_feature_regions[f].plus) -
										   mean_over(&sums, &hml_heart_feature_regions[f].minus);
		HML_TRY(hml_poll(e->ctx));
	}
	return HML_OK;
}

/*
 * From evidence to shares, in place.  A contrast or level counts in the direction in
 * which the recording differs from the training; a variation, which has no 'minus'
 * region, is shown by beats that differ from the mean beat.
 */
static void
share_among_beats(const Explaining *e, size_t feature, double *evidence)
{
	bool varies = cells_of(&hml_heart_feature_regions[feature].minus) == 0;
	double sign = e->sound->features[feature] >= usual_value(e->network, feature) ? 1 : -1;
	double mean = 0;
	double least = INFINITY;
	double sum = 0;

	for (size_t b = 0; b < e->n_beats; b++)
		mean += evidence[b] / (double) e->n_beats;
	for (size_t b = 0; b < e->n_beats; b++)
	{
		evidence[b] = varies ? fabs(evidence[b] - mean) : sign * evidence[b];
		least = fmin(least, evidence[b]);
	}
	for (size_t b = 0; b < e->n_beats; b++)
		sum += evidence[b] += LEAST_EVIDENCE_DB - least;
	for (size_t b = 0; b < e->n_beats; b++)
		evidence[b] /= sum;
}

/* ---- cells ----------------------------------------------------------- */

static HmlStatus
fill_beats(Explaining *e)
{
	for (size_t b = 0; b < e->n_beats; b++)
	{
		for (size_t f = 0; f < FEATURES; f++)
		{
			const HmlHeartRegions *regions = &hml_heart_feature_regions[f];
			double amount = e->out->contributions[f] * e->shares[f * e->n_beats + b];

			if (!has_place(f))
				continue;
			mark(&e->beats[b], &regions->plus, amount * plus_share(f));
			if (cells_of(&regions->minus) > 0)
				mark(&e->beats[b], &regions->minus, amount * (1 - plus_share(f)));
		}
		fill_marked(&e->beats[b]);
		HML_TRY(hml_poll(e->ctx));
	}
	return HML_OK;
}

/* Bin i of the beat onto the frames that it covers, in proportion. */
static void
lay_bin(const Sums *cells, size_t bin, const HmlHeartBeat *beat, size_t n_frames, float *saliency)
{
	double from;
	double to;

	hml_beat_bin(beat, bin, &from, &to);
	for (size_t t = (size_t) from; t < n_frames && (double) t < to; t++)
	{
		double covered = fmin(to, (double) t + 1) - fmax(from, (double) t);
		double share = covered / (to - from);

		for (size_t m = 0; m < BANDS; m++)
			if (fabs(cells->at[m][bin]) > NOTHING)
				saliency[m * n_frames + t] += (float) (cells->at[m][bin] * share);
	}
}

static HmlStatus
lay_beats(Explaining *e)
{
	for (size_t b = 0; b < e->n_beats; b++)
	{
		for (size_t i = 0; i < BINS; i++)
			lay_bin(&e->beats[b], i, &e->sound->cycle.beats[b], e->sound->n_frames, e->out->saliency);
		HML_TRY(hml_poll(e->ctx));
	}
	return HML_OK;
}

/* ---- moments --------------------------------------------------------- */

/* Groups of bands that moments are explained by: those of the contrasts, what is below and what is above. */
static const uint8_t group_bands[] = {0, 6, 10, 16, 24, BANDS};
#define GROUPS (sizeof(group_bands) / sizeof(group_bands[0]) - 1)
#define BLOCKS (HML_HEART_PHASES * GROUPS) /* of a beat */

static HmlHeartRegion
block_region(size_t block)
{
	size_t phase = block / GROUPS;
	size_t group = block % GROUPS;

	return (HmlHeartRegion){group_bands[group], group_bands[group + 1], (uint8_t) hml_beat_phase_bins[phase],
							(uint8_t) hml_beat_phase_bins[phase + 1]};
}

static double
block_sum(const Sums *cells, const HmlHeartRegion *block)
{
	double sum = 0;

	for (size_t m = block->from_band; m < block->to_band; m++)
		for (size_t i = block->from_bin; i < block->to_bin; i++)
			sum += cells->at[m][i];
	return sum;
}

/* Share of a region that lies in the block; 0 of no region. */
static double
overlap(const HmlHeartRegion *region, const HmlHeartRegion *block)
{
	double bands = fmin(region->to_band, block->to_band) - fmax(region->from_band, block->from_band);
	double bins = fmin(region->to_bin, block->to_bin) - fmax(region->from_bin, block->from_bin);

	return bands > 0 && bins > 0 ? bands * bins / cells_of(region) : 0;
}

/* The feature that adds most, in the direction of the whole, to a block of a beat. */
static size_t
leading_feature(const Explaining *e, size_t beat, const HmlHeartRegion *block, double direction)
{
	size_t leading = 0;
	double most = -INFINITY;

	for (size_t f = 0; f < FEATURES; f++)
	{
		const HmlHeartRegions *regions = &hml_heart_feature_regions[f];
		double there = plus_share(f) * overlap(&regions->plus, block) +
					   (1 - plus_share(f)) * overlap(&regions->minus, block);
		double amount = direction * e->out->contributions[f] * e->shares[f * e->n_beats + beat] * there;

		if (has_place(f) && amount > most)
		{
			most = amount;
			leading = f;
		}
	}
	return leading;
}

/* Second at which a boundary between frames lies: frames are centred on their moments. */
static double
second_of(const HmlHeartSound *sound, double frame)
{
	return fmax(0, (frame - 0.5) / sound->frames_per_s);
}

static HmlHeartMoment
describe_moment(const Explaining *e, size_t number, double contribution)
{
	size_t b = number / BLOCKS;
	HmlHeartRegion block = block_region(number % BLOCKS);
	HmlHeartPhase phase = (HmlHeartPhase) (number % BLOCKS / GROUPS);
	const HmlHeartBeat *beat = &e->sound->cycle.beats[b];

	return (HmlHeartMoment){.start_s = second_of(e->sound, beat->bounds[phase]),
							.end_s = second_of(e->sound, beat->bounds[phase + 1]),
							.low_hz = hml_heart_band_hz(block.from_band),
							.high_hz = hml_heart_band_hz(block.to_band),
							.phase = phase,
							.contribution = contribution,
							.feature = leading_feature(e, b, &block, contribution > 0 ? 1 : -1)};
}

/* Insert into the n <= top numbers of strongest blocks, which are kept in order; returns the new n. */
static size_t
keep_strongest(const double *sums, size_t number, size_t *kept, size_t n, size_t top)
{
	size_t place = n;

	while (place > 0 && fabs(sums[kept[place - 1]]) < fabs(sums[number]))
		place--;
	if (place == top)
		return n;
	if (n < top)
		n++;
	memmove(kept + place + 1, kept + place, (n - place - 1) * sizeof(*kept));
	kept[place] = number;
	return n;
}

static HmlStatus
find_moments(Explaining *e, HmlArena *arena, HmlArena *scratch, size_t top)
{
	size_t n_blocks = e->n_beats * BLOCKS;
	double *sums;
	size_t *kept;
	size_t n = 0;

	if (top > n_blocks)
		top = n_blocks;
	HML_TRY(HML_ARENA_NEW(scratch, &sums, n_blocks));
	HML_TRY(HML_ARENA_NEW(scratch, &kept, top));
	HML_TRY(HML_ARENA_NEW(arena, &e->out->moments, top));
	for (size_t i = 0; i < n_blocks; i++)
	{
		HmlHeartRegion block = block_region(i % BLOCKS);

		sums[i] = block_sum(&e->beats[i / BLOCKS], &block);
		if (fabs(sums[i]) > NOTHING && top > 0)
			n = keep_strongest(sums, i, kept, n, top);
		if (i % BLOCKS == 0)
			HML_TRY(hml_poll(e->ctx));
	}
	for (size_t i = 0; i < n; i++)
	{
		e->out->moments[i] = describe_moment(e, kept[i], sums[kept[i]]);
		HML_TRY(hml_poll(e->ctx));
	}
	e->out->n_moments = n;
	return HML_OK;
}

/* ---- all of it ------------------------------------------------------- */

/* Insertion: a few hundred, once for a recording. */
static void
rank_features(HmlHeartExplanation *out)
{
	for (size_t f = 0; f < FEATURES; f++)
	{
		size_t place = f;

		for (; place > 0 && fabs(out->contributions[out->strongest[place - 1]]) < fabs(out->contributions[f]);
			 place--)
			out->strongest[place] = out->strongest[place - 1];
		out->strongest[place] = f;
	}
}

static HmlStatus
explain(Explaining *e, HmlArena *arena, HmlArena *scratch, size_t top)
{
	const HmlHeartSound *sound = e->sound;

	HML_TRY(HML_ARENA_NEW(scratch, &e->shares, FEATURES * e->n_beats));
	HML_TRY(HML_ARENA_NEW_ZERO(scratch, &e->beats, e->n_beats));
	HML_TRY(HML_ARENA_NEW_ZERO(arena, &e->out->saliency, sound->n_mels * sound->n_frames));
	HML_TRY(
		hml_heart_network_explain(e->ctx, e->network, sound->features, &e->out->base, e->out->contributions));
	rank_features(e->out);
	HML_TRY(measure_beats(e, e->shares));
	for (size_t f = 0; f < FEATURES; f++)
		share_among_beats(e, f, e->shares + f * e->n_beats);
	HML_TRY(fill_beats(e));
	HML_TRY(lay_beats(e));
	return find_moments(e, arena, scratch, top);
}

HmlStatus
hml_heart_explain(HmlArena *arena, const HmlHeartNetwork *network, const HmlHeartSound *sound, size_t top,
				  HmlHeartExplanation *out)
{
	Explaining e = {.ctx = hml_arena_context(arena),
					.network = network,
					.sound = sound,
					.out = out,
					.n_beats = sound->cycle.n_beats};
	HmlArena *scratch;
	HmlStatus status;

	memset(out, 0, sizeof(*out));
	if (!sound->has_beats || sound->n_mels != BANDS)
		return hml_fail(e.ctx, HML_INTERNAL, "recording has no beats to explain");
	HML_TRY(hml_arena_create(e.ctx, &scratch));
	status = explain(&e, arena, scratch, top);
	hml_arena_free(scratch);
	return status;
}

/* ---- windows --------------------------------------------------------- */

HmlStatus
hml_heart_score_windows(HmlArena *arena, const HmlHeartNetwork *network, const HmlHeartSound *sound,
						double *p)
{
	float features[FEATURES];
	void *scratch;

	HML_TRY(hml_arena_alloc(arena, 1, hml_heart_network_scratch_size(network), &scratch));
	for (size_t w = 0; w < sound->n_windows; w++)
	{
		const HmlHeartWindow *window = &sound->windows[w];
		bool has_beats;

		p[w] = NAN;
		if (!hml_heart_window_is_judgeable(sound, window))
			continue;
		HML_TRY(hml_heart_window_features(arena, sound, window, features, &has_beats));
		if (has_beats)
			HML_TRY(hml_heart_network_score(hml_arena_context(arena), network, scratch, features, 1, &p[w]));
	}
	return HML_OK;
}

/* ---- bands ----------------------------------------------------------- */

double
hml_heart_band_hz(size_t band)
{
	static const HmlHeartSoundSpec spec = HML_HEART_SOUND_SPEC_DEFAULT;
	double low = hml_hz_to_mel(spec.mel.fmin);
	double step = (hml_hz_to_mel(spec.mel.fmax) - low) / (spec.mel.n_mels + 1);

	return hml_mel_to_hz(low + ((double) band + 0.5) * step);
}
