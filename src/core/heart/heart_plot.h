/*
 * heart_plot.h
 *	  What a model hears in a recording of the heart, as one SVG picture.
 *
 * From top to bottom, over one axis of time: the waveform, the first and second
 * sounds that were found, the spectrogram with red where it speaks for an abnormal
 * heart and blue where it speaks for a normal one, the probability of each window,
 * and the features that weigh most.
 */
#ifndef HML_HEART_HEART_PLOT_H
#define HML_HEART_HEART_PLOT_H

#include "core/heart/heart_explain.h"
#include "core/signal/audio/plot_signal.h"

typedef struct HmlHeartPicture
{
	const HmlSignal *signal;
	const HmlHeartSound *sound; /* of that signal */
	const char *label;
	const char *doubt;                      /* why it is uncertain, NULL where it is not */
	double p_abnormal;                      /* of the recording; NaN = none */
	const double *windows;                  /* (n_windows) probabilities; NaN = none */
	const HmlHeartExplanation *explanation; /* NULL without beats */
} HmlHeartPicture;

/* 960 x 556 units, below 300 kB. */
extern HmlStatus hml_plot_heart_sound(HmlText *svg, const HmlHeartPicture *picture,
									  const HmlSignalView *view) HML_NODISCARD;

#endif /* HML_HEART_HEART_PLOT_H */
