/*
 * eeg_features_algorithm.h
 *	  The algorithm "eeg_features": EEGs judged by features.
 */
#ifndef HML_EEG_EEG_FEATURES_ALGORITHM_H
#define HML_EEG_EEG_FEATURES_ALGORITHM_H

#include "core/model/model.h"

extern const HmlAlgorithm hml_eeg_features_algorithm;

#endif /* HML_EEG_EEG_FEATURES_ALGORITHM_H */
