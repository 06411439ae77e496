/*
 * eeg_synthetic.h
 *	  EEGs without a head: background, the patterns of critical care, artefacts, and
 *	  the votes that readers would give.
 *
 * For demonstrations and tests, and what the shipped model learns from beside a few
 * real windows.
 */
#ifndef HML_EEG_EEG_SYNTHETIC_H
#define HML_EEG_EEG_SYNTHETIC_H

#include "core/base/bytes.h"
#include "core/eeg/eeg_classes.h"

#define HML_SYNTHETIC_EEG_RATE 200
#define HML_SYNTHETIC_EEG_CHANNELS 20 /* the nineteen electrodes, then the ECG */
#define HML_SYNTHETIC_EEG_MAX_S 36000

typedef struct HmlSyntheticEeg
{
	HmlEegClass pattern;
	double seconds; /* 1 to HML_SYNTHETIC_EEG_MAX_S, whole ones */
	uint64_t seed;
	uint64_t head;       /* seed of the background: whose EEG it is */
	double frequency_hz; /* of the pattern; NaN = drawn as found in patients */
	double amplitude_uv; /* the same */
	double from_s;       /* the pattern begins; NaN = some time before the middle */
	double to_s;         /* and ends; NaN = some time after the middle */
	double artifacts;    /* 0 = none, 1 = as many as at the bedside, at most 10 */
} HmlSyntheticEeg;

/* (HML_SYNTHETIC_EEG_CHANNELS, seconds * HML_SYNTHETIC_EEG_RATE) uV, freed with hml_free(). */
extern HmlStatus hml_synthetic_eeg(HmlContext *ctx, const HmlSyntheticEeg *eeg, float **samples,
								   unsigned votes[HML_EEG_CLASSES]) HML_NODISCARD;

/* The same as an EDF+ file.  The same values give the same bytes. */
extern HmlStatus hml_synthetic_eeg_file(const HmlSyntheticEeg *eeg, HmlWriter *writer,
										unsigned votes[HML_EEG_CLASSES]) HML_NODISCARD;

/* Number i, from 0, of a set of windows of 50 s: two of each head, all patterns equally often. */
extern HmlSyntheticEeg hml_synthetic_eeg_of_set(uint64_t seed, uint64_t i);

#endif /* HML_EEG_EEG_SYNTHETIC_H */
