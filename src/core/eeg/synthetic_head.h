/*
 * synthetic_head.h
 *	  What the parts of the generator of EEGs share: a head whose electrodes take up
 *	  what sources beneath them do.
 */
#ifndef HML_EEG_SYNTHETIC_HEAD_H
#define HML_EEG_SYNTHETIC_HEAD_H

#include "core/base/rng.h"
#include "core/eeg/eeg_synthetic.h"
#include "core/eeg/montage.h"

typedef struct HmlHead
{
	HmlContext *ctx;
	HmlRng rng;
	size_t n;       /* samples of each channel */
	float *samples; /* (HML_SYNTHETIC_EEG_CHANNELS, n) */
	size_t first;   /* samples between which the pattern is */
	size_t last;
	double clarity; /* 0 to 1: how well a reader sees the pattern */
} HmlHead;

/* How much of a source reaches each electrode. */
typedef struct HmlField
{
	double gain[HML_EEG_ELECTRODES];
} HmlField;

static inline double
hml_between(HmlRng *rng, double low, double high)
{
	return low + (high - low) * hml_rng_uniform(rng);
}

static inline bool
hml_chance(HmlRng *rng, double p)
{
	return hml_rng_uniform(rng) < p;
}

/* Log-normal between percentiles 5 and 95. */
extern double hml_draw_spread(HmlRng *rng, double low, double high);

/* A field round a place, of a width in radii of the head. */
extern HmlField hml_field_round(const double place[3], double width);

/* Both hemispheres alike. */
extern HmlField hml_field_mirrored(const HmlField *field);

extern void hml_field_scale(HmlField *field, double factor);

/* Source (n) times the field, from sample 'first' on. */
extern void hml_head_add(HmlHead *head, const HmlField *field, const float *source, size_t first, size_t n);

/* 1/f^slope noise of unit variance, low_hz and slower alike. */
extern void hml_noise(HmlRng *rng, double slope, float *out, size_t n);

/* A narrow band of unit variance. */
extern void hml_rhythm(HmlRng *rng, double hz, double width_hz, float *out, size_t n);

extern HmlStatus hml_add_background(HmlHead *head, uint64_t seed) HML_NODISCARD;
extern HmlStatus hml_add_pattern(HmlHead *head, const HmlSyntheticEeg *eeg) HML_NODISCARD;
extern HmlStatus hml_add_artifacts(HmlHead *head, double amount) HML_NODISCARD;

#endif /* HML_EEG_SYNTHETIC_HEAD_H */
