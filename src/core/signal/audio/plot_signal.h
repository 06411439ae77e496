/*
 * plot_signal.h
 *	  Recordings as SVG pictures: waveform and spectrogram, alone or as panels of
 *	  a larger picture.
 *
 * A picture of ten minutes is as large as one of ten seconds, below 300 kB: what
 * falls into one column of the picture is summed up.
 */
#ifndef HML_SIGNAL_AUDIO_PLOT_SIGNAL_H
#define HML_SIGNAL_AUDIO_PLOT_SIGNAL_H

#include "core/draw/chart.h"
#include "core/signal/audio/audio.h"
#include "core/signal/dsp/mel.h"
#include "core/signal/signal.h"

/* HML_INVALID_ARGUMENT where nothing of a recording of so many seconds lies in the view. */
extern HmlStatus hml_check_view(HmlContext *ctx, double seconds, const HmlSignalView *view) HML_NODISCARD;

/* Level over time; 960 x 260 units. */
extern HmlStatus hml_plot_waveform(HmlText *svg, const HmlAudio *audio,
								   const HmlSignalView *view) HML_NODISCARD;

/*
 * Mel spectrogram, 0 dB being the loudest cell of the view; 960 x 360 units.  In
 * 'spec', frames are spaced as the picture needs it, at most hop_length apart, and an
 * fmax of 0 or more than the recording has is what it has.  At most
 * HML_PICTURE_MAX_BANDS bands.
 */
#define HML_PICTURE_MAX_BANDS 200
extern HmlStatus hml_plot_spectrogram(HmlText *svg, const HmlAudio *audio, const HmlSignalView *view,
									  const HmlMelSpec *spec, double top_db) HML_NODISCARD;

/* ---- panels ---------------------------------------------------------- */

#define HML_SIGNAL_WIDTH 960.0
#define HML_SIGNAL_LEFT 64.0
#define HML_SIGNAL_RIGHT 888.0
#define HML_SIGNAL_TOP 52.0
#define HML_SIGNAL_MAX_COLUMNS 824 /* of an image between left and right */

/* samples[0..n-1], n >= 1, over the width of the box, with a vertical axis of levels. */
extern HmlStatus hml_draw_waveform(HmlText *svg, const float *samples, size_t n,
								   const HmlBox *box) HML_NODISCARD;

/* Numbers of a mel spectrogram, (n_mels, n_columns), the lowest band first. */
typedef struct HmlRaster
{
	size_t rows;
	size_t columns;
	float *values; /* (rows, columns) */
} HmlRaster;

/*
 * Means of groups of columns, so that at most HML_SIGNAL_MAX_COLUMNS are left; the
 * last group may be smaller.  *group is the number of columns that one stands for;
 * out->values is freed with hml_free().
 */
extern HmlStatus hml_shrink_raster(HmlContext *ctx, const float *values, size_t rows, size_t columns,
								   HmlRaster *out, size_t *group) HML_NODISCARD;

/* The numbers from low to high as colours; the image fills the box. */
extern HmlStatus hml_draw_raster(HmlText *svg, const HmlRaster *raster, float low, float high,
								 const HmlColor *palette, const HmlBox *box) HML_NODISCARD;

/* Numbered frequencies to the left of an image whose rows are the bands of 'spec'. */
extern void hml_draw_frequencies(HmlText *svg, const HmlMelSpec *spec, const HmlBox *box);

#endif /* HML_SIGNAL_AUDIO_PLOT_SIGNAL_H */
