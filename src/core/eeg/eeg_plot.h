/*
 * eeg_plot.h
 *	  Pictures of an EEG: a page as it is read, and the spectrograms of the four chains.
 */
#ifndef HML_EEG_EEG_PLOT_H
#define HML_EEG_EEG_PLOT_H

#include "core/base/text.h"
#include "core/eeg/montage.h"

#define HML_EEG_PAGE_MAX_S 60

typedef struct HmlEegEvent
{
	double onset_s;    /* in the recording */
	double duration_s; /* NaN = a moment */
	const char *text;
} HmlEegEvent;

typedef struct HmlEegPage
{
	const char *title;
	const char *legend; /* filters and what else was done */
	const HmlMontage *montage;
	const float *samples; /* (montage->n, n) uV */
	size_t n;
	double rate;
	double from_s;        /* of the first sample, in the recording */
	double uv_per_mm;     /* sensitivity; a millimetre is a thirtieth of a second */
	const bool *doubtful; /* (montage->n) rows of electrodes that are interpolated, drawn pale; NULL = none */
	size_t n_events;
	const HmlEegEvent *events; /* those outside of the page are left out */
} HmlEegPage;

/*
 * Rows in the order of the montage, chains apart, negative up as electroencephalographers
 * have it; a line each second, 30 mm of paper; at most HML_EEG_PAGE_MAX_S.
 */
extern HmlStatus hml_plot_eeg(HmlText *svg, const HmlEegPage *page) HML_NODISCARD;

/*
 * power is (HML_CHAINS, HML_EEG_BINS, n_frames) as hml_eeg_spectrogram() gives it, its
 * first frame at second from_s of the recording.
 */
extern HmlStatus hml_plot_eeg_spectrogram(HmlText *svg, const char *title, const float *power,
										  size_t n_frames, double from_s) HML_NODISCARD;

#endif /* HML_EEG_EEG_PLOT_H */
