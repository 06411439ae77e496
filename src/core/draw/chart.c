/*
 * chart.c
 *	  Ground, axes, texts and images of SVG pictures.
 *
 * Ticks are 1, 2 or 5 times a power of ten (P. Heckbert: Nice Numbers for Graph
 * Labels, Graphics Gems, 1990).
 *
 * Colours stand in attributes, for readers that strip style sheets; the style sheet
 * only replaces them where dark ones are preferred.  Its names begin with "hml-",
 * since within a page it holds for the whole page.
 */
#include "core/draw/chart.h"

#include <math.h>

#define TICK_DISTANCE 44.0 /* units, about */
#define MOST_TICKS 8.0
#define LEAST_TICKS 3.0
#define SMALLEST 1e-300 /* what is below is zero */
#define NARROWEST 1e-9  /* range of an axis relative to its values: ticks must differ */
#define TICK_SLACK 1e-3 /* of a step, by which a tick may miss the end of an axis */

/* ---- axes ------------------------------------------------------------ */

static double
nice_step(double range, double length)
{
	double rough = range / fmax(LEAST_TICKS, fmin(MOST_TICKS, length / TICK_DISTANCE));
	double power = pow(10.0, floor(log10(rough)));
	double fraction = rough / power;

	return power * (fraction < 1.5 ? 1.0 : fraction < 3.5 ? 2.0 : fraction < 7.5 ? 5.0 : 10.0);
}

HmlAxis
hml_axis_exact(double low, double high, double from, double to)
{
	return (HmlAxis){
		.low = low, .high = high, .step = nice_step(high - low, fabs(to - from)), .from = from, .to = to};
}

HmlAxis
hml_axis_whole(double low, double high, double from, double to)
{
	HmlAxis axis = {.from = from, .to = to};
	double size = fmax(fabs(low), fabs(high));

	if (size < SMALLEST)
		low = high = size = 0.0;
	if (!(high - low > NARROWEST * size))
		high = low + (size == 0.0 ? 1.0 : size * 0.1);
	axis.step = nice_step(high - low, fabs(to - from));
	axis.low = floor(low / axis.step) * axis.step;
	axis.high = ceil(high / axis.step) * axis.step;
	return axis;
}

double
hml_axis_place(const HmlAxis *axis, double value)
{
	return axis->from + (value - axis->low) / (axis->high - axis->low) * (axis->to - axis->from);
}

static double
first_tick(const HmlAxis *axis)
{
	return ceil(axis->low / axis->step - TICK_SLACK) * axis->step;
}

static double
tick_at(const HmlAxis *axis, double value)
{
	return fabs(value) < axis->step * TICK_SLACK ? 0.0 : value;
}

/* ---- ground and texts ------------------------------------------------ */

void
hml_chart_begin(HmlText *svg, double width, double height, double left, const char *title,
				const char *description)
{
	hml_text_addf(svg,
				  "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" class=\"hml-chart\" "
				  "viewBox=\"0 0 %.0f %.0f\" font-family=\"system-ui, sans-serif\" font-size=\"12\" "
				  "fill=\"#333a44\"><title>",
				  width, height);
	hml_text_add_xml(svg, title);
	hml_text_add(svg, "</title><desc>");
	hml_text_add_xml(svg, description);
	hml_text_add(svg, "</desc><style>@media (prefers-color-scheme:dark){.hml-chart{fill:#d3d8df}"
					  ".hml-ground{fill:#16191e}.hml-grid{stroke:#373d47}.hml-line{stroke:#7db4ea}.hml-area{"
					  "fill:#7db4ea}}</style>"
					  "<rect class=\"hml-ground\" width=\"100%\" height=\"100%\" fill=\"#fff\"/>");
	hml_text_addf(svg, "<text x=\"%.0f\" y=\"30\" font-size=\"15\" font-weight=\"600\">", left);
	hml_text_add_xml(svg, title);
	hml_text_add(svg, "</text>");
}

void
hml_chart_end(HmlText *svg)
{
	hml_text_add(svg, "</svg>");
}

void
hml_chart_text(HmlText *svg, double x, double y, HmlAnchor anchor, const char *text)
{
	static const char *const anchors[] = {"start", "middle", "end"};

	hml_text_addf(svg, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchors[anchor]);
	hml_text_add_xml(svg, text);
	hml_text_add(svg, "</text>");
}

static void
add_number(HmlText *svg, double x, double y, HmlAnchor anchor, double number)
{
	static const char *const anchors[] = {"start", "middle", "end"};

	hml_text_addf(svg, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%.6g</text>", x, y, anchors[anchor],
				  number);
}

/* ---- axes in the picture --------------------------------------------- */

void
hml_chart_grid_line(HmlText *svg, double x1, double y1, double x2, double y2)
{
	hml_text_addf(
		svg, "<line class=\"hml-grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#e3e6ea\"/>",
		x1, x2, y1, y2);
}

void
hml_chart_vertical_axis(HmlText *svg, const HmlAxis *axis, const HmlBox *box)
{
	for (double v = first_tick(axis); v <= axis->high + axis->step * TICK_SLACK; v += axis->step)
	{
		double y = hml_axis_place(axis, v);

		hml_chart_grid_line(svg, box->left, y, box->right, y);
		add_number(svg, box->left - 8.0, y + 4.0, HML_ANCHOR_END, tick_at(axis, v));
	}
}

void
hml_chart_horizontal_axis(HmlText *svg, const HmlAxis *axis, const HmlBox *box, const char *title)
{
	for (double v = first_tick(axis); v <= axis->high + axis->step * TICK_SLACK; v += axis->step)
	{
		double x = hml_axis_place(axis, v);

		hml_chart_grid_line(svg, x, box->bottom, x, box->bottom + 5.0);
		add_number(svg, x, box->bottom + 18.0, HML_ANCHOR_MIDDLE, tick_at(axis, v));
	}
	hml_chart_text(svg, (box->left + box->right) / 2.0, box->bottom + 38.0, HML_ANCHOR_MIDDLE, title);
}

/* ---- images ---------------------------------------------------------- */

void
hml_chart_image(HmlText *svg, const HmlImage *image, const HmlBox *box)
{
	hml_text_addf(svg,
				  "<image x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" preserveAspectRatio=\"none\" "
				  "href=\"",
				  box->left, box->top, box->right - box->left, box->bottom - box->top);
	hml_text_add_png(svg, image);
	hml_text_add(svg, "\"/>");
}

void
hml_chart_color_bar(HmlText *svg, const HmlColor *palette, const HmlAxis *axis, const HmlBox *box)
{
	unsigned char pixels[HML_PALETTE_SIZE];
	HmlImage image = {1, HML_PALETTE_SIZE, pixels, palette};

	for (size_t i = 0; i < HML_PALETTE_SIZE; i++)
		pixels[i] = (unsigned char) (HML_PALETTE_SIZE - 1 - i);
	hml_chart_image(svg, &image, box);
	if (axis == NULL)
		return;
	for (double v = first_tick(axis); v <= axis->high + axis->step * TICK_SLACK; v += axis->step)
		add_number(svg, box->right + 6.0, hml_axis_place(axis, v) + 4.0, HML_ANCHOR_START, tick_at(axis, v));
}
