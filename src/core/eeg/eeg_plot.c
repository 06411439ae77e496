/*
 * eeg_plot.c
 *	  Pages and spectrograms in SVG.
 *
 * A page is drawn as on paper: 30 mm a second, three units of the picture each, and a
 * sensitivity in uV/mm.  Traces are paths of whole tenths of a unit, relative to the
 * point before, so that a page of 10 s takes about 150 kB.  Where there are more
 * samples than tenths of the width, the lowest and the highest of each stand for them.
 */
#include "core/eeg/eeg_plot.h"

#include <math.h>
#include <stdio.h>

#include "core/draw/chart.h"
#include "core/eeg/eeg_spectrogram.h"
#include "core/signal/audio/plot_signal.h"

#define MM 3.0     /* units */
#define PAPER 30.0 /* mm a second */
#define LEFT 76.0
#define MARGIN 20.0
#define TOP 80.0
#define STRIP 28.0 /* for events, above the box: two lines of text */
#define ROW (8 * MM)
#define CHAIN_GAP (4 * MM) /* between the chains of a montage */
#define BOTTOM 60.0
#define WIDEST 20.0 /* seconds at full speed; longer pages are compressed */
#define TENTHS 10.0
#define MOST_POINTS 2000  /* of a trace */
#define LARGEST (4 * ROW) /* a trace is cut off beyond */
#define MOST_EVENTS 200
#define EVENT_TEXT 40 /* bytes that are shown */

/* Frames are 4 s long and 2 s apart. */
#define FRAME_MIDDLE_S 2.0
#define HOP_S 2.0

typedef struct Layout
{
	const HmlEegPage *page;
	double seconds;
	double units_per_s;
	HmlBox box;
} Layout;

/* ---- rows ------------------------------------------------------------------------------------------ */

/* A chain ends where a derivation does not begin with the electrode that the one before ends with. */
static bool
begins_chain(const HmlMontage *montage, size_t row)
{
	const HmlDerivation *rows = montage->rows;

	return row > 0 && rows[row].n_others == 1 && rows[row - 1].n_others == 1 &&
		   rows[row].plus != rows[row - 1].others[0];
}

static double
base_line(const HmlMontage *montage, size_t row)
{
	double y = TOP + ROW;

	for (size_t r = 1; r <= row; r++)
		y += ROW + (begins_chain(montage, r) ? CHAIN_GAP : 0);
	return y;
}

static Layout
lay_out(const HmlEegPage *page)
{
	double seconds = (double) page->n / page->rate;
	double per_second = seconds <= WIDEST ? MM * PAPER : MM * PAPER * WIDEST / seconds;
	double bottom = base_line(page->montage, page->montage->n - 1) + ROW;

	return (Layout){page, seconds, per_second, {LEFT, TOP, LEFT + seconds * per_second, bottom}};
}

/* ---- traces ---------------------------------------------------------------------------------------- */

typedef struct Pen
{
	HmlText *svg;
	long x; /* tenths of a unit */
	long y;
	bool is_down;
} Pen;

static void
move_to(Pen *pen, double x, double y)
{
	long to_x = lround(x * TENTHS);
	long to_y = lround(y * TENTHS);

	if (!pen->is_down)
		hml_text_addf(pen->svg, "M%ld %ldl", to_x, to_y);
	else if (to_x != pen->x || to_y != pen->y)
		hml_text_addf(pen->svg, "%ld %ld ", to_x - pen->x, to_y - pen->y);
	pen->is_down = true;
	pen->x = to_x;
	pen->y = to_y;
}

/* Negative is up. */
static double
height_of(const Layout *layout, double microvolt)
{
	return fmin(fmax(microvolt / layout->page->uv_per_mm * MM, -LARGEST), LARGEST);
}

static void
draw_group(Pen *pen, const Layout *layout, const float *samples, size_t first, size_t end, double base)
{
	size_t low = first;
	size_t high = first;

	for (size_t i = first + 1; i < end; i++)
	{
		low = samples[i] < samples[low] ? i : low;
		high = samples[i] > samples[high] ? i : high;
	}
	for (int k = 0; k < (low == high ? 1 : 2); k++)
	{
		size_t i = (k == 0) == (low < high) ? low : high;

		move_to(pen, layout->box.left + (double) i / layout->page->rate * layout->units_per_s,
				base + height_of(layout, samples[i]));
	}
}

static HmlStatus
draw_trace(HmlText *svg, const Layout *layout, size_t row)
{
	const HmlEegPage *page = layout->page;
	const float *samples = page->samples + row * page->n;
	double base = base_line(page->montage, row);
	size_t group = page->n / (MOST_POINTS / 2) + 1;
	bool pale = page->doubtful != NULL && page->doubtful[row];
	Pen pen = {.svg = svg};

	hml_chart_text(svg, LEFT - 8, base + 4, HML_ANCHOR_END, page->montage->rows[row].name);
	hml_text_addf(svg, "<path transform=\"scale(.1)\" class=\"%s\" d=\"", pale ? "p" : "t");
	if (page->n <= MOST_POINTS)
		group = 1;
	for (size_t i = 0; i < page->n; i += group)
		draw_group(&pen, layout, samples, i, i + group < page->n ? i + group : page->n, base);
	hml_text_add(svg, "\"/>");
	return hml_poll(svg->ctx);
}

/* ---- grid and events ------------------------------------------------------------------------------- */

static void
draw_grid(HmlText *svg, const Layout *layout)
{
	HmlAxis axis = hml_axis_exact(layout->page->from_s, layout->page->from_s + layout->seconds,
								  layout->box.left, layout->box.right);

	for (double s = ceil(axis.low); s <= axis.high + 1e-9; s += 1)
	{
		double x = hml_axis_place(&axis, s);

		hml_chart_grid_line(svg, x, layout->box.top, x, layout->box.bottom);
	}
	hml_chart_horizontal_axis(svg, &axis, &layout->box, "seconds");
}

/* A bar of one second, and a height of so many microvolt, at the right below. */
static void
draw_scale(HmlText *svg, const Layout *layout)
{
	double y = layout->box.bottom + BOTTOM - 10;
	double height = 10 * MM;
	double x = layout->box.right - layout->units_per_s;
	char text[64];

	snprintf(text, sizeof(text), "%g \xc2\xb5V/mm: the bar is %g \xc2\xb5V, 1 s", layout->page->uv_per_mm,
			 10 * layout->page->uv_per_mm);
	hml_text_add(svg, "<path class=\"s\" d=\"M");
	hml_text_add_fixed(svg, x, 1);
	hml_text_add(svg, " ");
	hml_text_add_fixed(svg, y - height, 1);
	hml_text_add(svg, "v");
	hml_text_add_fixed(svg, height, 1);
	hml_text_add(svg, "h");
	hml_text_add_fixed(svg, layout->units_per_s, 1);
	hml_text_add(svg, "\"/>");
	hml_chart_text(svg, x - 8, y, HML_ANCHOR_END, text);
	hml_chart_text(svg, LEFT, y, HML_ANCHOR_START, layout->page->legend);
}

static void
draw_bar(HmlText *svg, double x, double y, double width, double height)
{
	hml_text_add(svg, "<rect class=\"e\" x=\"");
	hml_text_add_fixed(svg, x, 1);
	hml_text_add(svg, "\" y=\"");
	hml_text_add_fixed(svg, y, 1);
	hml_text_add(svg, "\" width=\"");
	hml_text_add_fixed(svg, width, 1);
	hml_text_add(svg, "\" height=\"");
	hml_text_add_fixed(svg, height, 1);
	hml_text_add(svg, "\"/>");
}

/* A strip as long as it lasts, a line where it begins, its text beside that. */
static void
draw_event(HmlText *svg, const Layout *layout, const HmlEegEvent *event, size_t line)
{
	const HmlBox *box = &layout->box;
	double from = event->onset_s - layout->page->from_s;
	double to = from + (isnan(event->duration_s) ? 0 : event->duration_s);
	double x = box->left + fmax(from, 0) * layout->units_per_s;
	double end = box->left + fmin(to, layout->seconds) * layout->units_per_s;
	double y = box->top - STRIP + STRIP / 2 * (double) (line % 2);
	bool is_late = x > (box->left + box->right) / 2;
	char text[EVENT_TEXT + 1];

	snprintf(text, sizeof(text), "%.*s", hml_utf8_clip(event->text, EVENT_TEXT), event->text);
	draw_bar(svg, x, y + 1, fmax(end - x, 1), STRIP / 2 - 2);
	if (from >= 0)
		draw_bar(svg, x, y, 2, box->bottom - y);
	hml_chart_text(svg, is_late ? x - 3 : x + 4, y + 11, is_late ? HML_ANCHOR_END : HML_ANCHOR_START, text);
}

static void
draw_events(HmlText *svg, const Layout *layout)
{
	const HmlEegPage *page = layout->page;
	size_t n = 0;

	for (size_t i = 0; i < page->n_events && n < MOST_EVENTS; i++)
	{
		const HmlEegEvent *event = &page->events[i];
		double end = event->onset_s + (isnan(event->duration_s) ? 0 : event->duration_s);

		if (event->onset_s <= page->from_s + layout->seconds && end >= page->from_s)
			draw_event(svg, layout, event, n++);
	}
}

HmlStatus
hml_plot_eeg(HmlText *svg, const HmlEegPage *page)
{
	Layout layout = lay_out(page);

	if (!(page->uv_per_mm > 0))
		return hml_fail(svg->ctx, HML_INVALID_ARGUMENT, "sensitivity must be above 0 uV/mm, not %g",
						page->uv_per_mm);
	if (layout.seconds > HML_EEG_PAGE_MAX_S)
		return hml_fail(svg->ctx, HML_INVALID_ARGUMENT, "a page of %g s is longer than the limit of %d s",
						layout.seconds, HML_EEG_PAGE_MAX_S);
	hml_chart_begin(svg, fmax(layout.box.right + MARGIN, 480), layout.box.bottom + BOTTOM, LEFT, page->title,
					"A page of an EEG");
	hml_text_add(
		svg, "<style>.t,.p{fill:none;stroke:#1a1a8c;stroke-width:7;stroke-linejoin:round}.p{stroke:#a8a8c8}"
			 ".s{fill:none;stroke:#888;stroke-width:1.5}.e{fill:#d62728;fill-opacity:.28}"
			 "@media(prefers-color-scheme:dark){.t{stroke:#9db4ff}.p{stroke:#5b6488}}</style>");
	draw_grid(svg, &layout);
	draw_events(svg, &layout);
	for (size_t r = 0; r < page->montage->n; r++)
		HML_TRY(draw_trace(svg, &layout, r));
	draw_scale(svg, &layout);
	hml_chart_end(svg);
	return svg->status;
}

/* ---- spectrograms ---------------------------------------------------------------------------------- */

#define PANEL 96.0
#define PANEL_GAP 14.0
#define BAR_GAP 14.0
#define BAR_WIDTH 12.0
#define FIRST_HZ ((HML_EEG_FIRST_BIN - 0.5) * HML_EEG_BIN_HZ) /* lower edge of the first bin */
#define LEAST_POWER 1e-6f
#define TOP_DB 35.0f

static const char *const chain_titles[HML_CHAINS] = {"left temporal", "right temporal", "left parasagittal",
													 "right parasagittal"};

static HmlBox
panel_box(size_t chain)
{
	double top = HML_SIGNAL_TOP + (double) chain * (PANEL + PANEL_GAP);

	return (HmlBox){HML_SIGNAL_LEFT, top, HML_SIGNAL_RIGHT, top + PANEL};
}

/* dB of 1 uV^2/Hz, in place. */
static float
to_decibel(float *values, size_t n)
{
	float highest = -INFINITY;

	for (size_t i = 0; i < n; i++)
	{
		values[i] = 10 * log10f(values[i] > LEAST_POWER ? values[i] : LEAST_POWER);
		highest = fmaxf(highest, values[i]);
	}
	return highest;
}

static HmlStatus
draw_panels(HmlText *svg, const HmlRaster *rasters, float high)
{
	HmlColor palette[HML_PALETTE_SIZE];

	hml_palette_viridis(palette);
	for (size_t c = 0; c < HML_CHAINS; c++)
	{
		HmlBox box = panel_box(c);
		HmlAxis hertz =
			hml_axis_exact(FIRST_HZ, FIRST_HZ + HML_EEG_BINS * HML_EEG_BIN_HZ, box.bottom, box.top);

		HML_TRY(hml_draw_raster(svg, &rasters[c], high - TOP_DB, high, palette, &box));
		hml_chart_vertical_axis(svg, &hertz, &box);
		hml_chart_text(svg, box.left, box.top - 3, HML_ANCHOR_START, chain_titles[c]);
	}
	return HML_OK;
}

static HmlStatus
draw_spectrograms(HmlText *svg, const HmlRaster *rasters, float high, size_t n_frames, double from_s)
{
	HmlColor palette[HML_PALETTE_SIZE];
	HmlBox last = panel_box(HML_CHAINS - 1);
	HmlBox bar = {last.right + BAR_GAP, HML_SIGNAL_TOP, last.right + BAR_GAP + BAR_WIDTH, last.bottom};
	HmlAxis decibel = hml_axis_exact(high - TOP_DB, high, bar.bottom, bar.top);
	double begin_s = from_s + FRAME_MIDDLE_S - HOP_S / 2;
	HmlAxis seconds = hml_axis_exact(begin_s, begin_s + HOP_S * (double) n_frames, last.left, last.right);

	HML_TRY(draw_panels(svg, rasters, high));
	hml_palette_viridis(palette);
	hml_chart_color_bar(svg, palette, &decibel, &bar);
	hml_chart_text(svg, bar.right, bar.top - 8, HML_ANCHOR_END, "dB of 1 \xc2\xb5V\xc2\xb2/Hz");
	hml_chart_horizontal_axis(svg, &seconds, &last, "seconds");
	return HML_OK;
}

HmlStatus
hml_plot_eeg_spectrogram(HmlText *svg, const char *title, const float *power, size_t n_frames, double from_s)
{
	HmlContext *ctx = svg->ctx;
	HmlRaster rasters[HML_CHAINS] = {{0}};
	float high = -INFINITY;
	HmlStatus status = HML_OK;
	size_t group;

	for (size_t c = 0; status == HML_OK && c < HML_CHAINS; c++)
	{
		status = hml_shrink_raster(ctx, power + c * HML_EEG_BINS * n_frames, HML_EEG_BINS, n_frames,
								   &rasters[c], &group);
		if (status == HML_OK)
			high = fmaxf(high, to_decibel(rasters[c].values, rasters[c].rows * rasters[c].columns));
	}
	if (status == HML_OK)
	{
		hml_chart_begin(svg, HML_SIGNAL_WIDTH, panel_box(HML_CHAINS - 1).bottom + 52, HML_SIGNAL_LEFT, title,
						"Spectrograms of the four chains of an EEG");
		status = draw_spectrograms(svg, rasters, high, n_frames, from_s);
		hml_chart_end(svg);
	}
	for (size_t c = 0; c < HML_CHAINS; c++)
		hml_free(ctx, rasters[c].values);
	return status == HML_OK ? svg->status : status;
}
