/*
 * heart_explain.h
 *	  Where in a recording a model hears what speaks for or against a normal heart.
 *
 * A model judges the typical beat by its features; what each adds to the logit of
 * the probability is hml_heart_network_explain()'s.  Here it is brought back to
 * moments and frequencies.  Most features compare two places of the beat, and a
 * place of few cells says more per cell: a contribution is shared between the two
 * in inverse proportion to their sizes, and within each evenly.  It is then shared
 * among the beats of the recording: one that shows the feature more strongly than the
 * others, in the direction in which the recording differs from the training, gets
 * more of it.  Nothing is lost on the way: the cells of the saliency add up to the
 * contributions of all features that have a place.
 */
#ifndef HML_HEART_HEART_EXPLAIN_H
#define HML_HEART_HEART_EXPLAIN_H

#include "core/heart/heart_sound.h"
#include "core/heart/heart_network.h"

/* One phase of one beat in a group of bands. */
typedef struct HmlHeartMoment
{
	double start_s;
	double end_s;
	double low_hz;
	double high_hz;
	HmlHeartPhase phase;
	double contribution; /* of all features there, to the logit; positive = abnormal */
	size_t feature;      /* the one that adds most of it */
} HmlHeartMoment;

typedef struct HmlHeartExplanation
{
	double base;                              /* logit of the training's mean */
	double contributions[HML_HEART_FEATURES]; /* base + their sum is the logit of the recording */
	size_t strongest[HML_HEART_FEATURES];     /* numbers of the features, largest magnitude first */
	float *saliency;                          /* (n_mels, n_frames) of the recording */
	size_t n_moments;
	HmlHeartMoment *moments; /* (n_moments) largest magnitude first */
} HmlHeartExplanation;

/*
 * sound->has_beats must be set.  At most 'top' moments, fewer where there are not
 * so many that contribute.  The result lies in 'arena'.
 */
extern HmlStatus hml_heart_explain(HmlArena *arena, const HmlHeartNetwork *network,
								   const HmlHeartSound *sound, size_t top,
								   HmlHeartExplanation *out) HML_NODISCARD;

/* Probability of an abnormal heart by each window alone: p is (n_windows), NaN where it cannot be judged. */
extern HmlStatus hml_heart_score_windows(HmlArena *arena, const HmlHeartNetwork *network,
										 const HmlHeartSound *sound, double *p) HML_NODISCARD;

/* Frequency where a band of the recordings that models hear begins; that of the band after the last is its end. */
extern double hml_heart_band_hz(size_t band);

#endif /* HML_HEART_HEART_EXPLAIN_H */
