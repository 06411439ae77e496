/*
 * calibration.h
 *	  What a score means: percentile among the training scores, and risk level.
 */
#ifndef HML_MODEL_CALIBRATION_H
#define HML_MODEL_CALIBRATION_H

#include "core/base/bytes.h"
#include "core/base/arena.h"

#define HML_CALIBRATION_SIZE 4096 /* scores kept: a percentile is exact to 1/4096 */

typedef enum HmlRisk
{
	HML_RISK_LOW = 0,
	HML_RISK_MEDIUM = 1,
	HML_RISK_HIGH = 2,
	HML_RISK_UNKNOWN = 3 /* too much of the sample is missing, or the model warns of nothing */
} HmlRisk;

#define HML_N_RISKS 4

typedef struct HmlCalibration
{
	size_t n_scores;      /* 0 = no training scores: percentile is NaN */
	double *scores;       /* ascending; all of them, or evenly spaced quantiles */
	double medium_cutoff; /* risk is medium when score > medium_cutoff */
	double high_cutoff;   /* risk is high when score > high_cutoff */
	double threshold;     /* is_anomaly (or positive class) when score > threshold */
} HmlCalibration;

/* 'scores' are the training scores, any order; they are sorted in place.  Cut-offs are left to the caller. */
extern HmlStatus hml_calibration_fit(HmlArena *arena, double *scores, size_t n,
									 HmlCalibration *out) HML_NODISCARD;
/* Set threshold and cut-offs of a classifier: risk is high above the threshold, medium above half of it. */
extern void hml_calibration_decide(HmlCalibration *calibration, double threshold);

/* 0..100: share of training scores strictly below, NaN without any. */
extern double hml_calibration_percentile(const HmlCalibration *calibration, double score);
extern HmlRisk hml_calibration_risk(const HmlCalibration *calibration, double score);
extern void hml_calibration_write(const HmlCalibration *calibration, HmlWriter *writer);
extern HmlStatus hml_calibration_read(HmlArena *arena, HmlReader *reader, HmlCalibration *out) HML_NODISCARD;

#endif /* HML_MODEL_CALIBRATION_H */
