/*
 * eeg_classes.h
 *	  Patterns of critical care EEG, after the terminology of the American Clinical
 *	  Neurophysiology Society (Hirsch et al., J. Clin. Neurophysiol. 38 (2021)).
 */
#ifndef HML_EEG_EEG_CLASSES_H
#define HML_EEG_EEG_CLASSES_H

typedef enum HmlEegClass
{
	HML_EEG_SEIZURE,
	HML_EEG_LPD,  /* lateralised periodic discharges */
	HML_EEG_GPD,  /* generalised periodic discharges */
	HML_EEG_LRDA, /* lateralised rhythmic delta activity */
	HML_EEG_GRDA, /* generalised rhythmic delta activity */
	HML_EEG_OTHER,
	HML_EEG_CLASSES
} HmlEegClass;

/* "seizure", "lpd", "gpd", "lrda", "grda", "other" */
extern const char *const hml_eeg_classes[HML_EEG_CLASSES];

#endif /* HML_EEG_EEG_CLASSES_H */
