/*
 * heart_cycle.h
 *	  Where the heart beats in a recording: first sound, systole, second sound,
 *	  diastole, without any label or ECG.
 */
#ifndef HML_HEART_HEART_CYCLE_H
#define HML_HEART_HEART_CYCLE_H

#include "core/heart/heart_period.h"

typedef enum HmlHeartPhase
{
	HML_HEART_S1 = 0,
	HML_HEART_SYSTOLE = 1,
	HML_HEART_S2 = 2,
	HML_HEART_DIASTOLE = 3
} HmlHeartPhase;

#define HML_HEART_PHASES 4

/* Frame numbers at which the four phases of one whole beat begin, and where its diastole ends. */
typedef struct HmlHeartBeat
{
	uint32_t bounds[HML_HEART_PHASES + 1];
} HmlHeartBeat;

typedef struct HmlHeartCycle
{
	double period_s; /* NaN where no rhythm was found */
	bool ambiguous;  /* half of that period is as likely */
	double rhythm;   /* autocorrelation at that period, 0..1: how sure it is */
	double fit;      /* mean log likelihood of a frame under the segmentation; 0 is perfect */
	size_t n_beats;  /* whole beats: those cut off by the ends are left out */
	HmlHeartBeat *beats;
} HmlHeartCycle;

/* From this 'rhythm' on, 60 / period_s is fit to be shown as a heart rate. */
#define HML_HEART_RELIABLE_RHYTHM 0.3

/*
 * level is (n): logarithm (base 10) of the power between 20 and 150 Hz in frames
 * that follow at frames_per_s.  Beats lie in the stretches, none between them.  The
 * result lies in 'arena'.
 */
extern HmlStatus hml_heart_cycle(HmlArena *arena, const float *level, size_t n, double frames_per_s,
								 const HmlHeartStretch *stretches, size_t n_stretches,
								 HmlHeartCycle *out) HML_NODISCARD;

#endif /* HML_HEART_HEART_CYCLE_H */
