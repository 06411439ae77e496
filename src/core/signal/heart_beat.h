/*
 * heart_beat.h
 *	  The typical beat of a recording, and what a clinician would hear in it.
 *
 * Every beat is stretched to the same HML_BEAT_BINS bins (4 of the first sound, 10
 * of systole, 4 of the second, 12 of diastole).  Over the beats, each cell (band,
 * bin) keeps its lower quartile, which noise that comes and goes does not reach,
 * and its interquartile range.
 *
 * The features are contrasts between phases within one band, in units of that
 * band's own spread.  A constant gain per band, that is another stethoscope,
 * cancels out of them.
 */
#ifndef HML_SIGNAL_HEART_BEAT_H
#define HML_SIGNAL_HEART_BEAT_H

#include "core/signal/heart_cycle.h"

#define HML_BEAT_BINS 30
#define HML_BEAT_MIN_BEATS 3 /* fewer are not typical of anything */

#define HML_BEAT_GROUPS 3          /* groups of bands: about 150-290, 290-420, 420-600 Hz */
#define HML_BEAT_GROUP_FEATURES 10 /* per group */
#define HML_BEAT_FEATURES (HML_BEAT_GROUPS * HML_BEAT_GROUP_FEATURES + 6)

/* (HML_BEAT_FEATURES) names, such as "s2_systole_150hz" and "s2_duration_sd". */
extern const char *const hml_beat_feature_names[HML_BEAT_FEATURES];

typedef struct HmlTypicalBeat
{
	size_t n_bands;
	float *quartile; /* (n_bands, HML_BEAT_BINS) dB */
	float *range;    /* (n_bands, HML_BEAT_BINS) dB */
} HmlTypicalBeat;

/*
 * log_mel is (n_bands, n_frames), dB.  HML_INVALID_DATA with fewer than
 * HML_BEAT_MIN_BEATS beats.  The result lies in 'arena'.
 */
extern HmlStatus hml_typical_beat(HmlArena *arena, const float *log_mel, size_t n_bands, size_t n_frames,
								  const HmlHeartBeat *beats, size_t n_beats,
								  HmlTypicalBeat *out) HML_NODISCARD;

/* features is (HML_BEAT_FEATURES), all finite; the beat has at least 24 bands. */
extern void hml_beat_features(const HmlTypicalBeat *typical, const HmlHeartCycle *cycle, double frames_per_s,
							  float *features);

#endif /* HML_SIGNAL_HEART_BEAT_H */
