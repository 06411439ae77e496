/*
 * eeg_window.h
 *	  The stretch of an EEG that is judged: 50 s of nineteen electrodes at 200 Hz.
 *
 * A signal, read from the bytes of a file or given as an array, has channels of any
 * order, names and rate.  Here its electrodes are found by their names, brought to
 * 200 Hz and microvolt, and completed: what is missing of them is interpolated.
 */
#ifndef HML_EEG_EEG_WINDOW_H
#define HML_EEG_EEG_WINDOW_H

#include "core/base/arena.h"
#include "core/eeg/montage.h"
#include "core/signal/signal.h"

#define HML_EEG_RATE 200
#define HML_EEG_WINDOW_S 50
#define HML_EEG_SAMPLES (HML_EEG_RATE * HML_EEG_WINDOW_S)
#define HML_EEG_JUDGED_S 10        /* in the middle, which a verdict is about */
#define HML_EEG_MAX_INTERPOLATED 3 /* with more missing there is a doubt */

/*
 * Reads EDF, EDF+, BDF and BDF+ files.  Of those channels that are electrodes (or
 * differences of electrodes, where the recording is bipolar) it takes 50 s round at_s,
 * by default round the middle of the longest stretch, in microvolt at the fastest of
 * their rates.  What lies beyond a gap or an end is left out: the signal is then shorter.
 */
extern const HmlSignalReader hml_eeg_reader;

typedef struct HmlEegWindow
{
	size_t n_samples; /* HML_EEG_SAMPLES, or of hml_eeg_electrodes() the length of the signal */
	float *samples;   /* (19, n_samples) uV, referential, each with its median removed, always finite */
	size_t first;     /* samples before 'first' and from 'end' on are 0: there is nothing recorded */
	size_t end;
	double at_s;     /* in the signal: second of the middle of the window */
	bool is_bipolar; /* of differences: potentials are right within each chain only */
	size_t n_missing;
	bool missing[HML_EEG_ELECTRODES]; /* interpolated, where there are neighbours to do so, else 0 */
	double usable_share;              /* of all seconds of all electrodes, 0 to 1 */
	const char *doubt;                /* why nothing certain can be said of it; NULL = no reason */
} HmlEegWindow;

/*
 * The 50 s round signal->at_s, or the middle of the signal, in 'arena'.  Electrodes are
 * known by signal->labels; without labels there must be 19 channels, or 20 with the
 * ECG, in the order of HmlElectrode.  HML_INVALID_DATA: no electrode is there.
 * HML_INVALID_ARGUMENT: a rate that cannot be resampled.  All else is a doubt.
 */
extern HmlStatus hml_eeg_window(HmlArena *arena, const HmlSignal *signal, HmlEegWindow *out) HML_NODISCARD;

/* The same for all of the signal, resampled to 'rate', or at its own rate where that is 0. */
extern HmlStatus hml_eeg_electrodes(HmlArena *arena, const HmlSignal *signal, double rate,
									HmlEegWindow *out) HML_NODISCARD;

/* What is removed from an EEG before it is judged or shown. */
typedef struct HmlEegFilter
{
	double low_hz;   /* 0 = keep what is slow */
	double high_hz;  /* 0 = keep what is fast */
	double notch_hz; /* 0 = keep the mains */
	int order;       /* of the Butterworth filter */
} HmlEegFilter;

/* 0.5 to 20 Hz, order 2, without a notch: what the networks take. */
#define HML_EEG_FILTER_DEFAULT \
	{ \
		.low_hz = 0.5, .high_hz = 20, .notch_hz = 0, .order = 2 \
	}

/* Zero-phase, in place: samples is (n_channels, n).  Frequencies beyond half the rate are HML_INVALID_ARGUMENT. */
extern HmlStatus hml_eeg_filter(HmlContext *ctx, const HmlEegFilter *filter, double rate, float *samples,
								size_t n_channels, size_t n) HML_NODISCARD;

#endif /* HML_EEG_EEG_WINDOW_H */
