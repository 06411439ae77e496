/*
 * eeg_modality.h
 *	  EEGs as a modality, and what the algorithms that judge one by features take in.
 */
#ifndef HML_EEG_EEG_MODALITY_H
#define HML_EEG_EEG_MODALITY_H

#include "core/model/modality.h"

extern const HmlModality hml_eeg_modality;

/* Samples are the HML_EEG_FEATURES features of the window that the signal is placed at. */
extern const HmlEncoder hml_eeg_feature_encoder;

#endif /* HML_EEG_EEG_MODALITY_H */
