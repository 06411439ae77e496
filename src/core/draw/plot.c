/*
 * plot.c
 *	  A line chart in SVG.
 */
#include "core/draw/plot.h"

#include <math.h>
#include <stdio.h>

#include "core/draw/chart.h"

#define WIDTH 720.0
#define HEIGHT 360.0
#define LEFT 64.0
#define RIGHT 20.0
#define TOP 44.0
#define BOTTOM 48.0
#define LARGEST 1e300 /* what is above is not drawn */
#define POINTS_BETWEEN_POLLS 1024

static bool
can_be_drawn(double value)
{
	return fabs(value) <= LARGEST;
}

static HmlAxis
vertical_axis(const HmlCurve *curves, size_t n_curves, size_t n)
{
	double low = INFINITY;
	double high = -INFINITY;

	for (size_t c = 0; c < n_curves; c++)
		for (size_t i = 0; i < n; i++)
			if (can_be_drawn(curves[c].y[i]))
			{
				low = fmin(low, curves[c].y[i]);
				high = fmax(high, curves[c].y[i]);
			}
	if (low > high)
		low = high = 0.0;
	/* Losses are read against zero where it is not far away. */
	if (low > 0.0 && low < 0.5 * high)
		low = 0.0;
	return hml_axis_whole(low, high, HEIGHT - BOTTOM, TOP);
}

/* A gap ends one line and begins another; a point between two gaps is a dot. */
static void
draw_curve(HmlText *svg, const HmlCurve *curve, int first, size_t n, const HmlAxis *x, const HmlAxis *y)
{
	bool drawing = false;

	hml_text_addf(svg, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"2\" stroke-linecap=\"round\" d=\"",
				  curve->color);
	for (size_t i = 0; i < n; i++)
	{
		if (i % POINTS_BETWEEN_POLLS == 0 && svg->status == HML_OK)
			svg->status = hml_poll(svg->ctx);
		if (svg->status != HML_OK)
			return;
		if (!can_be_drawn(curve->y[i]))
		{
			drawing = false;
			continue;
		}
		hml_text_addf(svg, "%s%.1f %.1f", drawing ? "L" : "M", hml_axis_place(x, first + (double) i),
					  hml_axis_place(y, curve->y[i]));
		if (!drawing)
			hml_text_add(svg, "h0");
		drawing = true;
	}
	hml_text_add(svg, "\"/>");
}

static void
draw_legend(HmlText *svg, const HmlCurve *curves, size_t n_curves)
{
	for (size_t c = 0; c < n_curves; c++)
	{
		double left = WIDTH - RIGHT - 130.0 * (double) (n_curves - c);

		hml_text_addf(svg,
					  "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"26\" y2=\"26\" stroke=\"%s\" stroke-width=\"2\"/>"
					  "<text x=\"%.1f\" y=\"30\">",
					  left, left + 18.0, curves[c].color, left + 24.0);
		hml_text_add_xml(svg, curves[c].name);
		hml_text_add(svg, "</text>");
	}
}

/* A dot and its place at the lowest point of the last curve that has any. */
static void
mark_lowest(HmlText *svg, const HmlCurve *curves, size_t n_curves, int first, size_t n, const HmlAxis *x,
			const HmlAxis *y)
{
	size_t best = n;
	size_t c = n_curves;
	char words[64];
	double place;

	while (c-- > 0 && best == n)
		for (size_t i = 0; i < n; i++)
			if (can_be_drawn(curves[c].y[i]) && (best == n || curves[c].y[i] < curves[c].y[best]))
				best = i;
	if (best == n)
		return;
	place = hml_axis_place(x, first + (double) best);
	hml_text_addf(svg,
				  "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\"/>",
				  place, hml_axis_place(y, curves[c + 1].y[best]), curves[c + 1].color);
	snprintf(words, sizeof(words), "best: %zu, %.3g", best + (size_t) first, curves[c + 1].y[best]);
	hml_chart_text(svg, place, hml_axis_place(y, curves[c + 1].y[best]) - 10.0,
				   place > WIDTH / 2 ? HML_ANCHOR_END : HML_ANCHOR_START, words);
}

void
hml_plot_curves(HmlText *svg, const char *title, const char *x_title, const char *y_title, int first,
				size_t n, const HmlCurve *curves, size_t n_curves)
{
	const HmlBox box = {LEFT, TOP, WIDTH - RIGHT, HEIGHT - BOTTOM};
	HmlAxis x = hml_axis_exact(first, n > 1 ? first + (double) (n - 1) : first + 1.0, LEFT, WIDTH - RIGHT);
	HmlAxis y = vertical_axis(curves, n_curves, n);
	char description[128];

	x.step = fmax(1.0, x.step); /* epochs are whole */
	snprintf(description, sizeof(description), "%zu lines over %zu values of %s", n_curves, n, x_title);
	hml_chart_begin(svg, WIDTH, HEIGHT, LEFT, title, description);
	hml_chart_vertical_axis(svg, &y, &box);
	hml_chart_horizontal_axis(svg, &x, &box, x_title);
	for (size_t c = 0; c < n_curves; c++)
		draw_curve(svg, &curves[c], first, n, &x, &y);
	hml_chart_text(svg, LEFT - 8.0, TOP - 8.0, HML_ANCHOR_END, y_title);
	mark_lowest(svg, curves, n_curves, first, n, &x, &y);
	draw_legend(svg, curves, n_curves);
	hml_chart_end(svg);
}
