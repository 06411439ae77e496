/*
 * plot.c
 *	  A line chart in SVG.
 *
 * Ticks are 1, 2 or 5 times a power of ten (P. Heckbert: Nice Numbers for Graph
 * Labels, Graphics Gems, 1990).
 */
#include "core/explain/plot.h"

#include <math.h>

#define WIDTH 720.0
#define HEIGHT 360.0
#define LEFT 64.0
#define RIGHT 20.0
#define TOP 44.0
#define BOTTOM 48.0
#define WANTED_TICKS 6
#define LARGEST 1e300   /* what is above is not drawn */
#define SMALLEST 1e-300 /* what is below is zero */
#define NARROWEST 1e-9  /* range of an axis relative to its values: ticks must differ */
#define POINTS_BETWEEN_POLLS 1024

typedef struct Axis
{
	double low, high; /* of the data, widened to whole ticks */
	double step;
	double from, to; /* where low and high lie in the picture */
} Axis;

static double
nice_step(double range)
{
	double rough = range / WANTED_TICKS;
	double power = pow(10.0, floor(log10(rough)));
	double fraction = rough / power;

	return power * (fraction < 1.5 ? 1.0 : fraction < 3.5 ? 2.0 : fraction < 7.5 ? 5.0 : 10.0);
}

static Axis
make_axis(double low, double high, double from, double to)
{
	Axis axis = {.from = from, .to = to};

	double size = fmax(fabs(low), fabs(high));

	if (size < SMALLEST)
		low = high = size = 0.0;
	if (!(high - low > NARROWEST * size))
		high = low + (size == 0.0 ? 1.0 : size * 0.1);
	axis.step = nice_step(high - low);
	axis.low = floor(low / axis.step) * axis.step;
	axis.high = ceil(high / axis.step) * axis.step;
	return axis;
}

static double
place(const Axis *axis, double value)
{
	return axis->from + (value - axis->low) / (axis->high - axis->low) * (axis->to - axis->from);
}

static bool
can_be_drawn(double value)
{
	return fabs(value) <= LARGEST;
}

static Axis
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
	return make_axis(low, high, HEIGHT - BOTTOM, TOP);
}

static void
draw_grid(HmlText *svg, const Axis *x, const Axis *y)
{
	double step = fmax(1.0, x->step); /* epochs are whole */

	for (double v = y->low; v <= y->high + y->step / 2.0; v += y->step)
		hml_text_addf(svg,
					  "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#e3e6ea\"/>"
					  "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%.6g</text>",
					  LEFT, WIDTH - RIGHT, place(y, v), place(y, v), LEFT - 8.0, place(y, v) + 4.0,
					  fabs(v) < y->step * 1e-9 ? 0.0 : v);
	for (double v = ceil(x->low / step) * step; v <= x->high; v += step)
		hml_text_addf(svg, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%.6g</text>", place(x, v),
					  HEIGHT - BOTTOM + 18.0, v);
}

/* A gap ends one line and begins another; a point between two gaps is a dot. */
static void
draw_curve(HmlText *svg, const HmlCurve *curve, int first, size_t n, const Axis *x, const Axis *y)
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
		hml_text_addf(svg, "%s%.1f %.1f", drawing ? "L" : "M", place(x, first + (double) i),
					  place(y, curve->y[i]));
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

void
hml_plot_curves(HmlText *svg, const char *title, const char *x_title, int first, size_t n,
				const HmlCurve *curves, size_t n_curves)
{
	Axis x = {.low = first,
			  .high = n > 1 ? first + (double) (n - 1) : first + 1.0,
			  .from = LEFT,
			  .to = WIDTH - RIGHT};
	Axis y = vertical_axis(curves, n_curves, n);

	x.step = nice_step(x.high - x.low);
	hml_text_addf(
		svg,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" "
		"font-family=\"system-ui, sans-serif\" font-size=\"12\" fill=\"#333a44\">"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/><text x=\"%.0f\" y=\"30\" font-size=\"15\" "
		"font-weight=\"600\">",
		WIDTH, HEIGHT, LEFT);
	hml_text_add_xml(svg, title);
	hml_text_add(svg, "</text>");
	draw_grid(svg, &x, &y);
	hml_text_addf(svg, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">", (LEFT + WIDTH - RIGHT) / 2.0,
				  HEIGHT - 10.0);
	hml_text_add_xml(svg, x_title);
	hml_text_add(svg, "</text>");
	for (size_t c = 0; c < n_curves; c++)
		draw_curve(svg, &curves[c], first, n, &x, &y);
	draw_legend(svg, curves, n_curves);
	hml_text_add(svg, "</svg>");
}
