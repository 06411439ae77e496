/*
 * heart_silence.h
 *	  Where a recording has sound: not before the stethoscope was put on, nor after it
 *	  was taken off.
 */
#ifndef HML_HEART_HEART_SILENCE_H
#define HML_HEART_HEART_SILENCE_H

#include "core/heart/heart_period.h"

/*
 * samples is (n), cut into frames of 'hop' samples, of which n_frames begin in the
 * recording.  *out holds *n_out >= 1 stretches, ascending; one of all frames where
 * nothing is silent for longer than a heart is between its sounds.
 */
extern HmlStatus hml_heart_stretches(HmlArena *arena, const float *samples, size_t n, size_t hop,
									 double frames_per_s, size_t n_frames, HmlHeartStretch **out,
									 size_t *n_out) HML_NODISCARD;

#endif /* HML_HEART_HEART_SILENCE_H */
