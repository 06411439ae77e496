/*
 * picture.h
 *	  Pictures of how good a model is and why it says what it says: curves in a square, confusion, swarms of
 *	  contributions, waterfalls, bars and timelines, each one SVG element (see chart.h).
 *
 * Texts are escaped, and cut where they would leave their place.  Numbers are finite; the caller checks that.
 */
#ifndef HML_DRAW_PICTURE_H
#define HML_DRAW_PICTURE_H

#include "core/base/text.h"

/* Colours of risks that colour-blind readers tell apart, too: high is red. */
#define HML_COLOR_LOW "#3f86b8"
#define HML_COLOR_MEDIUM "#e5a11c"
#define HML_COLOR_HIGH "#c62f2f"
#define HML_COLOR_UNKNOWN "#8a929c"

/* Colour of a risk by its name; a name that is none has the colour of unknown. */
extern const char *hml_risk_color(const char *risk);

typedef struct HmlSquareCurve
{
	const char *title;
	const char *x_title;
	const char *y_title;
	const char *note; /* in the lower right; empty for none */
	size_t n;
	const double *x;    /* (n) 0 to 1 */
	const double *y;    /* (n) 0 to 1 */
	const double *rows; /* (n) rows behind each point, which becomes a dot; NULL: a line only */
} HmlSquareCurve;

/* A curve in the unit square with its diagonal: ROC, calibration. */
extern void hml_plot_square(HmlText *svg, const HmlSquareCurve *curve);

#define HML_CONFUSION_MAX_LABELS 40

/* counts is (n, n), rows actual, columns predicted; each cell is coloured by its share of the row.  n from 1 to the limit. */
extern void hml_plot_confusion(HmlText *svg, const char *title, const char *const *labels, size_t n,
							   const double *counts);

typedef struct HmlBars
{
	const char *title;
	const char *x_title;
	size_t n;
	const char *const *names; /* (n) */
	const double *values;     /* (n) */
} HmlBars;

/* Bars from zero with the limits from where a drift is moderate and strong. */
extern void hml_plot_drift(HmlText *svg, const HmlBars *bars, double moderate, double strong);

/* Contributions that lead from 'base' to base + their sum, one below the other. */
extern void hml_plot_waterfall(HmlText *svg, const HmlBars *bars, double base);

#define HML_SWARM_MAX_FEATURES 30
#define HML_SWARM_MAX_DOTS 20000

/*
 * A dot for each contribution in the line of its feature, coloured by where its value lies among the feature's;
 * features by their mean absolute contribution, the first HML_SWARM_MAX_FEATURES of them.  bars holds n dots: their
 * feature and contribution; shown_values is (n), NaN for unknown.
 */
extern HmlStatus hml_plot_swarm(HmlText *svg, const HmlBars *bars, const double *shown_values) HML_NODISCARD;

typedef struct HmlTimeline
{
	const char *title;
	size_t n;
	const double *x;           /* (n) ascending */
	const double *y;           /* (n) */
	const char *const *risks;  /* (n) */
	size_t n_ticks;            /* of the time axis, first and last at its ends */
	const double *ticks;       /* (n_ticks) */
	const char *const *labels; /* (n_ticks) */
} HmlTimeline;

/* Scores over time, each dot in the colour of its risk; no line, as they may be of many patients. */
extern void hml_plot_timeline(HmlText *svg, const HmlTimeline *timeline);

#endif /* HML_DRAW_PICTURE_H */
