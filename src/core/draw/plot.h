/*
 * plot.h
 *	  Curves as SVG text: one picture for a training.
 */
#ifndef HML_DRAW_PLOT_H
#define HML_DRAW_PLOT_H

#include "core/base/text.h"

typedef struct HmlCurve
{
	const char *name;
	const char *color; /* as SVG has it */
	const double *y;   /* (n); NaN leaves a gap */
} HmlCurve;

/*
 * Up to n points at x = first .. first + n - 1, all curves on one pair of axes
 * with a grid, labels and a legend; 720 x 360 units, white ground, no script and
 * nothing from outside.  Titles are escaped.  The lowest point of the last curve that
 * has any is marked: the best epoch of losses.
 */
extern void hml_plot_curves(HmlText *svg, const char *title, const char *x_title, const char *y_title,
							int first, size_t n, const HmlCurve *curves, size_t n_curves);

#endif /* HML_DRAW_PLOT_H */
