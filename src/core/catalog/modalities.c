/*
 * modalities.c
 *	  The table of modalities: adding one is adding its row here.
 */
#include "core/model/modality.h"

#include "core/eeg/eeg_modality.h"
#include "core/heart/heart_modality.h"

const HmlModality *const hml_modalities[] = {&hml_eeg_modality, &hml_heart_sound_modality, NULL};
