/*
 * heart_features.h
 *	  What a model hears in a recording, in numbers.
 *
 * Contrasts: what a clinician would hear in the typical beat.  They compare phases
 * within one band, in units of that band's own spread: a constant gain per band,
 * that is another stethoscope, cancels out of them.
 *
 * Levels: the typical beat as an image, its ranges and its timing.  They say more,
 * but another stethoscope changes them: they are for clinics that are known.
 *
 * Floors: by which a known clinic is recognised (heart_floor.h).
 */
#ifndef HML_HEART_HEART_FEATURES_H
#define HML_HEART_HEART_FEATURES_H

#include "core/heart/heart_beat.h"
#include "core/heart/heart_floor.h"

#define HML_HEART_BANDS 40 /* mel bands that the features are cut from */

#define HML_HEART_GROUPS 3          /* groups of bands: about 150-290, 290-420, 420-600 Hz */
#define HML_HEART_GROUP_FEATURES 10 /* per group */
#define HML_HEART_CONTRASTS (HML_HEART_GROUPS * HML_HEART_GROUP_FEATURES + 6)

#define HML_HEART_LEVEL_BANDS 10 /* of 4 mel bands */
#define HML_HEART_LEVEL_BINS 15  /* of 2 bins of the beat */
#define HML_HEART_RANGE_BANDS 5  /* of 8 mel bands */
#define HML_HEART_RANGE_PARTS 6
#define HML_HEART_TIMES 6
#define HML_HEART_LEVELS \
	(HML_HEART_LEVEL_BANDS * HML_HEART_LEVEL_BINS + HML_HEART_RANGE_BANDS * HML_HEART_RANGE_PARTS + \
	 HML_HEART_TIMES)

/* In this order: contrasts, levels, floors. */
#define HML_HEART_SOUNDS (HML_HEART_CONTRASTS + HML_HEART_LEVELS)
#define HML_HEART_FEATURES (HML_HEART_SOUNDS + HML_HEART_FLOORS)

/* (HML_HEART_FEATURES) names, such as "s2_systole_150hz", "level_systole_3_245hz" and "floor_31hz". */
extern const char *const hml_heart_feature_names[HML_HEART_FEATURES];

/* A part of the typical beat: bands from_band .. to_band - 1, bins from_bin .. to_bin - 1; none when to is 0. */
typedef struct HmlHeartRegion
{
	uint8_t from_band;
	uint8_t to_band;
	uint8_t from_bin;
	uint8_t to_bin;
} HmlHeartRegion;

/* A feature is the higher the more there is in 'plus' and the less in 'minus'; timing and floors have neither. */
typedef struct HmlHeartRegions
{
	HmlHeartRegion plus;
	HmlHeartRegion minus;
} HmlHeartRegions;

extern const HmlHeartRegions hml_heart_feature_regions[HML_HEART_FEATURES];

/*
 * The typical beat has HML_HEART_BANDS bands, floors is (HML_HEART_FLOORS);
 * features is (HML_HEART_FEATURES), all finite.
 */
extern void hml_heart_features(const HmlTypicalBeat *typical, const HmlHeartCycle *cycle, double frames_per_s,
							   const float *floors, float *features);

#endif /* HML_HEART_HEART_FEATURES_H */
