/*
 * heart_modality.h
 *	  Recordings of the heart: the row of modalities, and how models take them in.
 */
#ifndef HML_HEART_HEART_MODALITY_H
#define HML_HEART_HEART_MODALITY_H

#include "core/model/modality.h"

extern const HmlModality hml_heart_sound_modality;

/*
 * The sample is the features of the typical beat (heart_features.h), heard with the
 * specification that all models have.  Models are of "heart_sound_cnn".
 */
extern const HmlEncoder hml_heart_encoder;

#endif /* HML_HEART_HEART_MODALITY_H */
