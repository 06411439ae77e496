/*
 * chart.h
 *	  What all SVG pictures are drawn with: ground, axes, texts, images.
 *
 * A picture is one svg element without a script or anything from outside.  Its
 * colours are those of a light ground; where the reader prefers dark ones, a style
 * sheet turns ground, grid and ink.  Coordinates are units of the view box, y down.
 */
#ifndef HML_DRAW_CHART_H
#define HML_DRAW_CHART_H

#include "core/draw/png.h"

typedef struct HmlAxis
{
	double low, high; /* values at its ends */
	double step;      /* between ticks: 1, 2 or 5 times a power of ten */
	double from, to;  /* where low and high lie in the picture */
} HmlAxis;

/* An axis of exactly these values, or one widened to whole ticks so that it never is a point. */
extern HmlAxis hml_axis_exact(double low, double high, double from, double to);
extern HmlAxis hml_axis_whole(double low, double high, double from, double to);

/* Where a value lies in the picture. */
extern double hml_axis_place(const HmlAxis *axis, double value);

/* Ground, title (escaped) at 'left', and a description for who cannot see; ends with hml_chart_end(). */
extern void hml_chart_begin(HmlText *svg, double width, double height, double left, const char *title,
							const char *description);
extern void hml_chart_end(HmlText *svg);

typedef enum HmlAnchor
{
	HML_ANCHOR_START,
	HML_ANCHOR_MIDDLE,
	HML_ANCHOR_END
} HmlAnchor;

/* A text (escaped) with its base line at y. */
extern void hml_chart_text(HmlText *svg, double x, double y, HmlAnchor anchor, const char *text);

/* A line of the grid. */
extern void hml_chart_grid_line(HmlText *svg, double x1, double y1, double x2, double y2);

typedef struct HmlBox
{
	double left, top, right, bottom;
} HmlBox;

/* Numbered grid lines of a vertical axis across the box, numbers to its left. */
extern void hml_chart_vertical_axis(HmlText *svg, const HmlAxis *axis, const HmlBox *box);

/* Ticks and numbers of a horizontal axis below the box, and its title (escaped) below them. */
extern void hml_chart_horizontal_axis(HmlText *svg, const HmlAxis *axis, const HmlBox *box,
									  const char *title);

/* An image stretched to fill the box. */
extern void hml_chart_image(HmlText *svg, const HmlImage *image, const HmlBox *box);

/* The colours of a palette from bottom to top in the box, with the numbers of an axis, if not NULL, to its right. */
extern void hml_chart_color_bar(HmlText *svg, const HmlColor *palette, const HmlAxis *axis,
								const HmlBox *box);

#endif /* HML_DRAW_CHART_H */
