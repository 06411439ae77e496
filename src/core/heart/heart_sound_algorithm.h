/*
 * heart_sound_algorithm.h
 *	  The algorithm "heart_sound_cnn", through the interface of all algorithms.
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

#endif /* HML_HEART_HEART_SOUND_ALGORITHM_H */
