/*
 * eeg_features.h
 *	  What a reader of an EEG looks for, in numbers: rhythms, periodic discharges, where
 *	  they are, whether both sides do the same, and how they change.
 *
 * The features are of the double banana from 0.5 to 20 Hz, of the middle ten seconds;
 * three are of the change over the whole window, and NaN where it is shorter than
 * thirty seconds.  They are the same when left and right are exchanged.
 *
 * Each measure of a derivation (eeg_measures.h) gives four features: its mean, the mean
 * where the EEG is strongest, that of the higher hemisphere, and how far the
 * hemispheres differ.
 */
#ifndef HML_EEG_EEG_FEATURES_H
#define HML_EEG_EEG_FEATURES_H

#include "core/eeg/eeg_measures.h"
#include "core/eeg/eeg_window.h"

#define HML_EEG_AGGREGATES 4
#define HML_EEG_GLOBALS 35
#define HML_EEG_FEATURES (HML_EEG_MEASURES * HML_EEG_AGGREGATES + HML_EEG_GLOBALS)

/* "rhythm_mean", "rhythm_strong", "rhythm_side", "rhythm_asymmetry", ..., "synchrony_mean", ... */
extern const char *const hml_eeg_feature_names[HML_EEG_FEATURES];

/* A stretch of an EEG as features are made of it. */
typedef struct HmlEegBanana
{
	size_t n;          /* of each derivation */
	float *samples;    /* (HML_EEG_DERIVATIONS, n) 0.5 to 20 Hz at HML_EEG_FEATURE_RATE, +-1,024 uV */
	size_t seconds;    /* n / HML_EEG_FEATURE_RATE */
	float *fast_power; /* (HML_EEG_DERIVATIONS, seconds) from 25 to 45 Hz, uV^2 */
} HmlEegBanana;

/* electrodes is (19, n) at 200 Hz with rows 'stride' apart, n at least one second.  In 'arena'; polls. */
extern HmlStatus hml_eeg_banana(HmlArena *arena, const float *electrodes, size_t stride, size_t n,
								HmlEegBanana *out) HML_NODISCARD;

/* Memory of hml_eeg_features(), made once. */
typedef struct HmlEegFeatureSpace HmlEegFeatureSpace;
extern HmlStatus hml_eeg_feature_space(HmlArena *arena, HmlEegFeatureSpace **out) HML_NODISCARD;

/*
 * features is (HML_EEG_FEATURES): of the ten seconds round second 'middle', as far as they
 * are there (at least four), and of the change in the fifty seconds round it.
 */
extern HmlStatus hml_eeg_features(HmlContext *ctx, HmlEegFeatureSpace *space, const HmlEegBanana *banana,
								  double middle, double *features) HML_NODISCARD;

#define HML_EEG_LEAST_S 4 /* of an EEG that features can be made of */

#endif /* HML_EEG_EEG_FEATURES_H */
