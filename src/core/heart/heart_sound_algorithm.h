/*
 * heart_sound_algorithm.h
 *	  The algorithm "heart_sound_cnn" behind the interface of all algorithms.
 *
 * It learns from a column of recordings.  Its features are those of the typical
 * beat of each (heart_features.h), so that a model of it can also be scored and
 * explained by their names.
 */
#ifndef HML_HEART_HEART_SOUND_ALGORITHM_H
#define HML_HEART_HEART_SOUND_ALGORITHM_H

#include "core/model/model.h"
#include "core/heart/heart_sound.h"
#include "core/heart/heart_network.h"

extern const HmlAlgorithm hml_heart_sound_cnn;

/* Decoded and heard with the specification that every model of the algorithm has. */
extern HmlStatus hml_heart_listen(HmlArena *arena, const HmlAudio *audio, HmlHeartSound *out) HML_NODISCARD;

/* Why no judgement can be had of it, a few words; NULL where it can. */
extern const char *hml_heart_doubt(const HmlHeartSound *sound);

/* The sound's features as a model takes them, (HML_HEART_FEATURES); all NaN without enough beats. */
extern void hml_heart_values(const HmlHeartSound *sound, double *values);

#endif /* HML_HEART_HEART_SOUND_ALGORITHM_H */
