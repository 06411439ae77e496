/*
 * heart_features.c
 *	  Contrasts, levels and timing of the typical beat.
 *
 * What the contrasts are for: a murmur raises systole over diastole (early in
 * aortic stenosis, throughout in mitral regurgitation, late in mitral valve
 * prolapse); a diastolic one raises its beginning over its end; a weak second
 * sound stands out less.  The spread of the durations and the fit of the
 * segmentation measure how clearly the sounds stand out.
 */
#include "core/heart/heart_features.h"

#include <math.h>
#include <string.h>

/* Bins first .. last - 1 of the parts that are compared: an edge bin of a phase belongs to its neighbour too. */
typedef struct Part
{
	size_t first;
	size_t last;
} Part;

static const Part part_s1 = {0, 4};
static const Part part_systole = {5, 13};
static const Part part_systole_early = {5, 8};
static const Part part_systole_middle = {7, 11};
static const Part part_systole_late = {10, 13};
static const Part part_s2 = {14, 18};
static const Part part_diastole = {20, 29};
static const Part part_diastole_early = {19, 22};
static const Part part_diastole_late = {25, 30};

/* Bands first .. last - 1 of each group. */
static const Part groups[HML_HEART_GROUPS] = {{6, 10}, {10, 16}, {16, 24}};

/* What levels are relative to: where heart sounds have their power. */
static const Part reference_bands = {0, 24};
static const Part whole_beat = {0, HML_BEAT_BINS};

static const Part range_parts[HML_HEART_RANGE_PARTS] = {{0, 4},   {4, 9},   {9, 14},
														{14, 18}, {18, 24}, {24, 30}};

/* ---- contrasts ------------------------------------------------------- */

#define SPREAD_FLOOR_DB 3.0f /* a band that hardly varies is not blown up */
#define MAX_CONTRAST 3.0f
#define MAX_VARIATION 2.0f

static float
limit(float value, float most)
{
	return fmaxf(-most, fminf(most, value));
}

/* Contrasts and variation of one band: (value - mean) / spread, range / spread - 1. */
static void
normalise_band(const float *quartile, const float *range, float *contrast, float *variation)
{
	float mean = 0;
	float squares = 0;
	float spread;

	for (size_t i = 0; i < HML_BEAT_BINS; i++)
		mean += quartile[i] / HML_BEAT_BINS;
	for (size_t i = 0; i < HML_BEAT_BINS; i++)
		squares += (quartile[i] - mean) * (quartile[i] - mean);
	spread = sqrtf(squares / HML_BEAT_BINS) + SPREAD_FLOOR_DB;
	for (size_t i = 0; i < HML_BEAT_BINS; i++)
	{
		contrast[i] = limit((quartile[i] - mean) / spread, MAX_CONTRAST);
		variation[i] = limit(range[i] / spread - 1, MAX_VARIATION);
	}
}

static float
mean_of(const float *bins, const Part *part)
{
	float sum = 0;

	for (size_t i = part->first; i < part->last; i++)
		sum += bins[i];
	return sum / (float) (part->last - part->first);
}

/* The mean over a group's bands of what is said about one of them. */
static void
add_band(const float *contrast, const float *variation, float share, float *features)
{
	float systole = mean_of(contrast, &part_systole);
	float diastole = mean_of(contrast, &part_diastole);

	features[0] += share * (mean_of(contrast, &part_s2) - systole);
	features[1] += share * (mean_of(contrast, &part_s1) - systole);
	features[2] += share * (mean_of(contrast, &part_systole_early) - diastole);
	features[3] += share * (mean_of(contrast, &part_systole_middle) - diastole);
	features[4] += share * (mean_of(contrast, &part_systole_late) - diastole);
	features[5] += share * (mean_of(contrast, &part_diastole_early) - mean_of(contrast, &part_diastole_late));
	features[6] += share * mean_of(variation, &part_s1);
	features[7] += share * mean_of(variation, &part_systole);
	features[8] += share * mean_of(variation, &part_s2);
	features[9] += share * mean_of(variation, &part_diastole);
}

typedef struct Duration
{
	double mean; /* seconds, over the beats */
	double sd;
} Duration;

/* From the beginning of one phase to that of another. */
static Duration
duration_of(const HmlHeartCycle *cycle, size_t from, size_t to, double frames_per_s)
{
	double sum = 0;
	double squares = 0;
	double n = (double) cycle->n_beats;

	for (size_t b = 0; b < cycle->n_beats; b++)
	{
		double frames = cycle->beats[b].bounds[to] - cycle->beats[b].bounds[from];

		sum += frames;
		squares += frames * frames;
	}
	return (Duration){sum / n / frames_per_s,
					  sqrt(fmax(0.0, squares / n - sum / n * (sum / n))) / frames_per_s};
}

static float *
add_contrasts(const HmlTypicalBeat *typical, const HmlHeartCycle *cycle, double frames_per_s, float *next)
{
	float contrast[HML_BEAT_BINS];
	float variation[HML_BEAT_BINS];

	for (size_t g = 0; g < HML_HEART_GROUPS; g++, next += HML_HEART_GROUP_FEATURES)
	{
		for (size_t i = 0; i < HML_HEART_GROUP_FEATURES; i++)
			next[i] = 0;
		for (size_t m = groups[g].first; m < groups[g].last; m++)
		{
			normalise_band(typical->quartile + m * HML_BEAT_BINS, typical->range + m * HML_BEAT_BINS,
						   contrast, variation);
			add_band(contrast, variation, 1.0f / (float) (groups[g].last - groups[g].first), next);
		}
	}
	for (size_t phase = 0; phase < HML_HEART_PHASES; phase++)
		*next++ = (float) duration_of(cycle, phase, phase + 1, frames_per_s).sd;
	*next++ = (float) cycle->rhythm;
	*next++ = (float) cycle->fit;
	return next;
}

/* ---- levels ---------------------------------------------------------- */

/* Mean of the image over bands and bins first .. last - 1. */
static float
mean_over(const float *image, Part bands, Part bins)
{
	float sum = 0;

	for (size_t m = bands.first; m < bands.last; m++)
		sum += mean_of(image + m * HML_BEAT_BINS, &bins);
	return sum / (float) (bands.last - bands.first);
}

static float *
add_levels(const HmlTypicalBeat *typical, float *next)
{
	const size_t bands = HML_HEART_BANDS / HML_HEART_LEVEL_BANDS;
	const size_t bins = HML_BEAT_BINS / HML_HEART_LEVEL_BINS;
	float reference = mean_over(typical->quartile, reference_bands, whole_beat);

	for (size_t m = 0; m < HML_HEART_BANDS; m += bands)
		for (size_t i = 0; i < HML_BEAT_BINS; i += bins)
			*next++ = mean_over(typical->quartile, (Part){m, m + bands}, (Part){i, i + bins}) - reference;
	return next;
}

static float *
add_ranges(const HmlTypicalBeat *typical, float *next)
{
	const size_t bands = HML_HEART_BANDS / HML_HEART_RANGE_BANDS;

	for (size_t m = 0; m < HML_HEART_BANDS; m += bands)
		for (size_t part = 0; part < HML_HEART_RANGE_PARTS; part++)
			*next++ = mean_over(typical->range, (Part){m, m + bands}, range_parts[part]);
	return next;
}

static float *
add_times(const HmlHeartCycle *cycle, double frames_per_s, float *next)
{
	Duration beat = duration_of(cycle, 0, HML_HEART_PHASES, frames_per_s);

	for (size_t phase = 0; phase < HML_HEART_PHASES; phase++)
		*next++ = (float) duration_of(cycle, phase, phase + 1, frames_per_s).mean;
	*next++ = (float) beat.mean;
	*next++ = (float) beat.sd;
	return next;
}

void
hml_heart_features(const HmlTypicalBeat *typical, const HmlHeartCycle *cycle, double frames_per_s,
				   const float *floors, float *features)
{
	float *next = add_contrasts(typical, cycle, frames_per_s, features);

	next = add_levels(typical, next);
	next = add_ranges(typical, next);
	next = add_times(cycle, frames_per_s, next);
	memcpy(next, floors, HML_HEART_FLOORS * sizeof(*floors));
}
