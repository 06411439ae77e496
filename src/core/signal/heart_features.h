/*
 * heart_features.h
 *	  What a clinician would hear in the typical beat of a recording, in numbers.
 *
 * The features are contrasts between phases within one band, in units of that
 * band's own spread.  A constant gain per band, that is another stethoscope,
 * cancels out of them.
 */
#ifndef HML_SIGNAL_HEART_FEATURES_H
#define HML_SIGNAL_HEART_FEATURES_H

#include "core/signal/heart_beat.h"

#define HML_HEART_GROUPS 3          /* groups of bands: about 150-290, 290-420, 420-600 Hz */
#define HML_HEART_GROUP_FEATURES 10 /* per group */
#define HML_HEART_FEATURES (HML_HEART_GROUPS * HML_HEART_GROUP_FEATURES + 6)

/* (HML_HEART_FEATURES) names, such as "s2_systole_150hz" and "s2_duration_sd". */
extern const char *const hml_heart_feature_names[HML_HEART_FEATURES];

/* features is (HML_HEART_FEATURES), all finite; the beat has at least 24 bands. */
extern void hml_heart_features(const HmlTypicalBeat *typical, const HmlHeartCycle *cycle, double frames_per_s,
							   float *features);

#endif /* HML_SIGNAL_HEART_FEATURES_H */
