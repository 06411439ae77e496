/*
 * picture.c
 *	  Curves in a square, confusion, bars, waterfalls and timelines in SVG.
 *
 * Memory: the text only.  Polls after every POINTS_BETWEEN_POLLS points.
 */
#include "core/draw/picture.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/draw/chart.h"
#include "core/draw/parts.h"

#define POINTS_BETWEEN_POLLS 1024
#define LINE_COLOR "#2f6fb0"

const char *
hml_risk_color(const char *risk)
{
	static const char *const colors[][2] = {
		{"low", HML_COLOR_LOW}, {"medium", HML_COLOR_MEDIUM}, {"high", HML_COLOR_HIGH}};

	for (size_t i = 0; i < sizeof(colors) / sizeof(colors[0]); i++)
		if (strcmp(risk, colors[i][0]) == 0)
			return colors[i][1];
	return HML_COLOR_UNKNOWN;
}

/* ---- parts ----------------------------------------------------------- */

bool
hml_drawing_goes_on(HmlText *svg, size_t i)
{
	if (i % POINTS_BETWEEN_POLLS == 0 && svg->status == HML_OK)
		svg->status = hml_poll(svg->ctx);
	return svg->status == HML_OK;
}

void
hml_add_clipped(HmlText *svg, double x, double y, HmlAnchor anchor, const char *text, int most)
{
	char clipped[160];
	int length = hml_utf8_clip(text, most);

	snprintf(clipped, sizeof(clipped), "%.*s%s", length, text, text[length] == '\0' ? "" : "\xe2\x80\xa6");
	hml_chart_text(svg, x, y, anchor, clipped);
}

static void
add_vertical_title(HmlText *svg, double x, double y, const char *text)
{
	hml_text_addf(svg, "<text transform=\"translate(%.0f %.0f) rotate(-90)\" text-anchor=\"middle\">", x, y);
	hml_text_add_xml(svg, text);
	hml_text_add(svg, "</text>");
}

/* ---- curves in a square ---------------------------------------------- */

#define SQUARE_WIDTH 420.0
#define SQUARE_HEIGHT 430.0

static const HmlBox square = {64, 48, 400, 384};

static void
draw_square_dots(HmlText *svg, const HmlSquareCurve *curve, const HmlAxis *x, const HmlAxis *y)
{
	for (size_t i = 0; i < curve->n && hml_drawing_goes_on(svg, i); i++)
		hml_text_addf(svg,
					  "<circle class=\"hml-area\" fill=\"" LINE_COLOR
					  "\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"><title>%.0f rows: predicted %.3f, observed "
					  "%.3f</title></circle>",
					  hml_axis_place(x, curve->x[i]), hml_axis_place(y, curve->y[i]), curve->rows[i],
					  curve->x[i], curve->y[i]);
}

void
hml_plot_square(HmlText *svg, const HmlSquareCurve *curve)
{
	HmlAxis x = hml_axis_exact(0, 1, square.left, square.right);
	HmlAxis y = hml_axis_exact(0, 1, square.bottom, square.top);
	char description[160];

	snprintf(description, sizeof(description), "%.60s over %.60s, %zu points", curve->y_title, curve->x_title,
			 curve->n);
	hml_chart_begin(svg, SQUARE_WIDTH, SQUARE_HEIGHT, square.left, curve->title, description);
	hml_chart_vertical_axis(svg, &y, &square);
	hml_chart_horizontal_axis(svg, &x, &square, curve->x_title);
	add_vertical_title(svg, 18, (square.top + square.bottom) / 2, curve->y_title);
	hml_text_addf(svg,
				  "<path stroke=\"#8a929c\" stroke-dasharray=\"4\" d=\"M%.0f %.0fL%.0f %.0f\"/>"
				  "<path class=\"hml-line\" fill=\"none\" stroke=\"" LINE_COLOR "\" stroke-width=\"2\" d=\"",
				  square.left, square.bottom, square.right, square.top);
	for (size_t i = 0; i < curve->n && hml_drawing_goes_on(svg, i); i++)
		hml_text_addf(svg, "%s%.1f %.1f", i == 0 ? "M" : "L", hml_axis_place(&x, curve->x[i]),
					  hml_axis_place(&y, curve->y[i]));
	hml_text_add(svg, "\"/>");
	if (curve->rows != NULL)
		draw_square_dots(svg, curve, &x, &y);
	hml_chart_text(svg, square.right - 8, square.bottom - 12, HML_ANCHOR_END, curve->note);
	hml_chart_end(svg);
}

/* ---- confusion ------------------------------------------------------- */

#define CONFUSION_LEFT 150.0
#define CONFUSION_TOP 76.0
#define CONFUSION_SIDE 340.0
#define MOST_OF_A_LABEL 18
#define DARK_FROM 0.55 /* share from which the number is white */

static void
draw_cell(HmlText *svg, double left, double top, double side, double count, double share)
{
	hml_text_addf(svg,
				  "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"" LINE_COLOR
				  "\" fill-opacity=\"%.3f\"/>",
				  left, top, side - 2, side - 2, 0.06 + 0.94 * share);
	if (side < 28)
		return;
	hml_text_addf(svg, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\"%s>%.0f</text>", left + side / 2,
				  top + side / 2 + (side < 56 ? 4 : 0), share > DARK_FROM ? " fill=\"#fff\"" : "", count);
	if (side >= 56)
		hml_text_addf(
			svg, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" font-size=\"11\"%s>%.0f %%</text>",
			left + side / 2, top + side / 2 + 16, share > DARK_FROM ? " fill=\"#fff\"" : "", 100 * share);
}

static void
draw_confusion_row(HmlText *svg, const char *label, size_t row, size_t n, const double *counts)
{
	double side = CONFUSION_SIDE / (double) n;
	double top = CONFUSION_TOP + side * (double) row;
	double sum = 0;

	for (size_t c = 0; c < n; c++)
		sum += counts[c];
	hml_add_clipped(svg, CONFUSION_LEFT - 8, top + side / 2 + 4, HML_ANCHOR_END, label, MOST_OF_A_LABEL);
	for (size_t c = 0; c < n; c++)
		draw_cell(svg, CONFUSION_LEFT + side * (double) c, top, side, counts[c],
				  sum > 0 ? counts[c] / sum : 0);
}

void
hml_plot_confusion(HmlText *svg, const char *title, const char *const *labels, size_t n, const double *counts)
{
	double side = CONFUSION_SIDE / (double) n;
	char description[96];

	snprintf(description, sizeof(description), "%zu actual by %zu predicted classes", n, n);
	hml_chart_begin(svg, CONFUSION_LEFT + CONFUSION_SIDE + 20, CONFUSION_TOP + CONFUSION_SIDE + 20, 20, title,
					description);
	hml_chart_text(svg, CONFUSION_LEFT + CONFUSION_SIDE / 2, 52, HML_ANCHOR_MIDDLE, "predicted");
	add_vertical_title(svg, 16, CONFUSION_TOP + CONFUSION_SIDE / 2, "actual");
	for (size_t i = 0; i < n && hml_drawing_goes_on(svg, 0); i++)
	{
		hml_add_clipped(svg, CONFUSION_LEFT + side * ((double) i + 0.5), CONFUSION_TOP - 8, HML_ANCHOR_MIDDLE,
						labels[i], (int) fmax(3, fmin(MOST_OF_A_LABEL, side / 7)));
		draw_confusion_row(svg, labels[i], i, n, counts + i * n);
	}
	hml_chart_end(svg);
}

/* ---- bars ------------------------------------------------------------ */

#define BAR_STEP 26.0
#define BAR_HEIGHT 16.0

static HmlBox
bars_box(size_t n)
{
	return (HmlBox){HML_BARS_LEFT, HML_BARS_TOP, HML_BARS_RIGHT, HML_BARS_TOP + BAR_STEP * (double) n};
}

/* A bar from one value to another in line i, and its name. */
static void
draw_bar(HmlText *svg, const char *name, size_t i, double x1, double x2, const char *color)
{
	double middle = HML_BARS_TOP + BAR_STEP * ((double) i + 0.5);

	hml_add_clipped(svg, HML_BARS_LEFT - 8, middle + 4, HML_ANCHOR_END, name, HML_BARS_MOST_OF_A_NAME);
	hml_text_addf(svg, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"2\" fill=\"%s\"/>",
				  fmin(x1, x2), middle - BAR_HEIGHT / 2, fmax(1, fabs(x2 - x1)), BAR_HEIGHT, color);
}

static void
draw_bar_number(HmlText *svg, size_t i, double x, HmlAnchor anchor, const char *number)
{
	hml_chart_text(svg, x, HML_BARS_TOP + BAR_STEP * ((double) i + 0.5) + 4, anchor, number);
}

static void
draw_limit(HmlText *svg, const HmlAxis *x, const HmlBox *box, double limit, const char *word,
		   const char *color)
{
	double place = hml_axis_place(x, limit);

	if (place > box->right)
		return;
	hml_text_addf(svg, "<path stroke=\"%s\" stroke-dasharray=\"4\" d=\"M%.1f %.1fV%.1f\"/>", color, place,
				  box->top, box->bottom);
	hml_chart_text(svg, place, box->top - 5, HML_ANCHOR_MIDDLE, word);
}

void
hml_plot_drift(HmlText *svg, const HmlBars *bars, double moderate, double strong)
{
	const HmlBox box = bars_box(bars->n);
	double highest = strong;
	HmlAxis x;
	char description[64];

	for (size_t i = 0; i < bars->n; i++)
		highest = fmax(highest, bars->values[i]);
	x = hml_axis_whole(0, highest * 1.1, box.left, box.right);
	snprintf(description, sizeof(description), "drift of %zu features", bars->n);
	hml_chart_begin(svg, HML_BARS_WIDTH, box.bottom + 50, 20, bars->title, description);
	for (size_t i = 0; i < bars->n && hml_drawing_goes_on(svg, i); i++)
	{
		double value = bars->values[i];
		char number[32];

		draw_bar(svg, bars->names[i], i, box.left, hml_axis_place(&x, fmax(0, value)),
				 value >= strong     ? HML_COLOR_HIGH
				 : value >= moderate ? HML_COLOR_MEDIUM
									 : HML_COLOR_LOW);
		snprintf(number, sizeof(number), "%.3g", value);
		draw_bar_number(svg, i, hml_axis_place(&x, fmax(0, value)) + 6, HML_ANCHOR_START, number);
	}
	draw_limit(svg, &x, &box, moderate, "moderate", HML_COLOR_MEDIUM);
	draw_limit(svg, &x, &box, strong, "strong", HML_COLOR_HIGH);
	hml_chart_horizontal_axis(svg, &x, &box, bars->x_title);
	hml_chart_end(svg);
}

static HmlAxis
waterfall_axis(const HmlBars *bars, double base, const HmlBox *box)
{
	double low = base;
	double high = base;
	double at = base;

	for (size_t i = 0; i < bars->n; i++)
	{
		at += bars->values[i];
		low = fmin(low, at);
		high = fmax(high, at);
	}
	return hml_axis_whole(low - 0.08 * (high - low), high + 0.08 * (high - low), box->left, box->right);
}

static void
draw_waterfall_end(HmlText *svg, const HmlAxis *x, const HmlBox *box, double value, double y,
				   const char *word)
{
	char text[64];

	snprintf(text, sizeof(text), "%s %.3g", word, value);
	hml_text_addf(svg, "<path stroke=\"#8a929c\" stroke-dasharray=\"4\" d=\"M%.1f %.1fV%.1f\"/>",
				  hml_axis_place(x, value), box->top, box->bottom);
	hml_chart_text(svg, hml_axis_place(x, value), y, HML_ANCHOR_MIDDLE, text);
}

void
hml_plot_waterfall(HmlText *svg, const HmlBars *bars, double base)
{
	HmlBox box = bars_box(bars->n);
	HmlAxis x = waterfall_axis(bars, base, &box);
	double at = base;
	char description[96];

	snprintf(description, sizeof(description), "%zu contributions that lead from %.4g to a score", bars->n,
			 base);
	box.bottom += 20;
	x.step *= 2; /* margins have many digits */
	hml_chart_begin(svg, HML_BARS_WIDTH, box.bottom + 50, 20, bars->title, description);
	for (size_t i = 0; i < bars->n && hml_drawing_goes_on(svg, i); i++)
	{
		double from = hml_axis_place(&x, at);
		double to = hml_axis_place(&x, at + bars->values[i]);
		bool rises = bars->values[i] > 0;
		char number[32];

		draw_bar(svg, bars->names[i], i, from, to, rises ? HML_COLOR_HIGH : HML_COLOR_LOW);
		snprintf(number, sizeof(number), "%+.3g", bars->values[i]);
		draw_bar_number(svg, i, rises ? to + 6 : to - 6, rises ? HML_ANCHOR_START : HML_ANCHOR_END, number);
		at += bars->values[i];
	}
	draw_waterfall_end(svg, &x, &box, base, box.top - 5, "base");
	draw_waterfall_end(svg, &x, &box, at, box.bottom - 4, "this row");
	hml_chart_horizontal_axis(svg, &x, &box, bars->x_title);
	hml_chart_end(svg);
}

/* ---- timelines ------------------------------------------------------- */

#define TIMELINE_WIDTH 720.0
#define TIMELINE_HEIGHT 300.0

static const HmlBox timeline_box = {64, 48, 700, 248};

static HmlAxis
score_axis(const HmlTimeline *timeline)
{
	double low = timeline->n == 0 ? 0 : timeline->y[0];
	double high = low;

	for (size_t i = 0; i < timeline->n; i++)
	{
		low = fmin(low, timeline->y[i]);
		high = fmax(high, timeline->y[i]);
	}
	if (low >= 0 && high <= 1)
		return hml_axis_exact(0, 1, timeline_box.bottom, timeline_box.top);
	return hml_axis_whole(low, high, timeline_box.bottom, timeline_box.top);
}

static void
draw_risk_legend(HmlText *svg)
{
	static const char *const risks[] = {"low", "medium", "high", "unknown"};

	for (size_t i = 0; i < 4; i++)
	{
		double left = TIMELINE_WIDTH - 20 - 84 * (double) (4 - i);

		hml_text_addf(svg, "<circle cx=\"%.0f\" cy=\"26\" r=\"4.5\" fill=\"%s\"/>", left,
					  hml_risk_color(risks[i]));
		hml_chart_text(svg, left + 10, 30, HML_ANCHOR_START, risks[i]);
	}
}

void
hml_plot_timeline(HmlText *svg, const HmlTimeline *timeline)
{
	double first = timeline->ticks[0];
	double last = timeline->ticks[timeline->n_ticks - 1];
	HmlAxis x = hml_axis_exact(first, last > first ? last : first + 1, timeline_box.left, timeline_box.right);
	HmlAxis y = score_axis(timeline);
	char description[64];

	snprintf(description, sizeof(description), "%zu scores over time", timeline->n);
	hml_chart_begin(svg, TIMELINE_WIDTH, TIMELINE_HEIGHT, timeline_box.left, timeline->title, description);
	hml_chart_vertical_axis(svg, &y, &timeline_box);
	for (size_t i = 0; i < timeline->n_ticks; i++)
	{
		double place = hml_axis_place(&x, timeline->ticks[i]);

		hml_chart_grid_line(svg, place, timeline_box.bottom, place, timeline_box.bottom + 5);
		hml_add_clipped(svg, place, timeline_box.bottom + 20,
						i == 0 && timeline->n_ticks > 1       ? HML_ANCHOR_START
						: i > 0 && i == timeline->n_ticks - 1 ? HML_ANCHOR_END
															  : HML_ANCHOR_MIDDLE,
						timeline->labels[i], MOST_OF_A_LABEL);
	}
	draw_risk_legend(svg);
	for (size_t i = 0; i < timeline->n && hml_drawing_goes_on(svg, i); i++)
		hml_text_addf(svg, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" fill=\"%s\"/>",
					  hml_axis_place(&x, timeline->x[i]), hml_axis_place(&y, timeline->y[i]),
					  hml_risk_color(timeline->risks[i]));
	hml_chart_end(svg);
}
