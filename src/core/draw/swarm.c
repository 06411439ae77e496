/*
 * swarm.c
 *	  Contributions of many rows: a dot for each in the line of its feature.
 *
 * As the summary plot of S. Lundberg and S.-I. Lee (2017): dots that would cover each other are moved up and down
 * in turn, by how many lie in their bin already.  Memory: a number for each dot, and the bins of a line.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/draw/parts.h"
#include "core/draw/picture.h"

#define LINE_STEP 30.0
#define MOST_OFFSET 12.0
#define DOT_STEP 2.2
#define BINS 210
#define MAX_FEATURES 256 /* that are told apart, of which the strongest are shown */

typedef struct Line
{
	const char *name;
	double sum; /* of absolute contributions */
	double low, high;
	size_t n;
} Line;

typedef struct Swarm
{
	Line lines[MAX_FEATURES];
	size_t n_lines;
	size_t *line_of; /* (n) line of each dot */
} Swarm;

static HmlStatus
add_dot(HmlContext *ctx, Swarm *swarm, const HmlBars *bars, const double *values, size_t i)
{
	size_t l = 0;
	Line *line;

	while (l < swarm->n_lines && strcmp(swarm->lines[l].name, bars->names[i]) != 0)
		l++;
	if (l == MAX_FEATURES)
		return hml_fail(ctx, HML_LIMIT, "too many features (limit %d)", MAX_FEATURES);
	line = &swarm->lines[l];
	if (l == swarm->n_lines)
	{
		*line = (Line){bars->names[i], 0, INFINITY, -INFINITY, 0};
		swarm->n_lines++;
	}
	swarm->line_of[i] = l;
	line->sum += fabs(bars->values[i]);
	line->n++;
	if (!isnan(values[i]))
	{
		line->low = fmin(line->low, values[i]);
		line->high = fmax(line->high, values[i]);
	}
	return HML_OK;
}

/* Place of a line, the strongest mean first; equal ones as they came. */
static size_t
rank_of(const Swarm *swarm, size_t l)
{
	double mean = swarm->lines[l].sum / (double) swarm->lines[l].n;
	size_t rank = 0;

	for (size_t other = 0; other < swarm->n_lines; other++)
	{
		double its = swarm->lines[other].sum / (double) swarm->lines[other].n;

		rank += its > mean || (!(its < mean) && other < l);
	}
	return rank;
}

/* Blue for the lowest value over violet to red for the highest; grey where it is not known. */
static void
add_color(HmlText *svg, const Line *line, double value)
{
	double share = line->high > line->low ? (value - line->low) / (line->high - line->low) : 0.5;

	if (isnan(value))
		hml_text_add(svg, HML_COLOR_UNKNOWN);
	else
		hml_text_addf(svg, "#%02x%02x%02x", (unsigned) (0x3f + share * (0xc6 - 0x3f)),
					  (unsigned) (0x86 + share * (0x2f - 0x86)), (unsigned) (0xb8 + share * (0x2f - 0xb8)));
}

static void
draw_line(HmlText *svg, const HmlBars *bars, const double *values, const Swarm *swarm, size_t l, double y,
		  const HmlAxis *x)
{
	int filled[BINS + 1] = {0};
	const Line *line = &swarm->lines[l];

	hml_add_clipped(svg, HML_BARS_LEFT - 8, y + 4, HML_ANCHOR_END, line->name, HML_BARS_MOST_OF_A_NAME);
	for (size_t i = 0; i < bars->n && hml_drawing_goes_on(svg, i); i++)
	{
		double place;
		int *in_bin;
		double offset;

		if (swarm->line_of[i] != l)
			continue;
		place = hml_axis_place(x, bars->values[i]);
		in_bin = &filled[(int) ((place - x->from) / (x->to - x->from) * BINS)];
		offset = fmod((double) ((*in_bin + 1) / 2) * DOT_STEP, MOST_OFFSET);
		hml_text_addf(svg, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2.2\" fill=\"", place,
					  *in_bin % 2 == 0 ? y - offset : y + offset);
		add_color(svg, line, values[i]);
		hml_text_add(svg, "\"/>");
		(*in_bin)++;
	}
}

static void
draw_swarm(HmlText *svg, const HmlBars *bars, const double *values, const Swarm *swarm)
{
	size_t n_shown = swarm->n_lines < HML_SWARM_MAX_FEATURES ? swarm->n_lines : HML_SWARM_MAX_FEATURES;
	HmlBox box = {HML_BARS_LEFT, HML_BARS_TOP, HML_BARS_RIGHT + 50,
				  HML_BARS_TOP + LINE_STEP * (double) n_shown};
	double low = 0;
	double high = 0;
	HmlAxis x;
	char description[96];

	for (size_t i = 0; i < bars->n; i++)
	{
		low = fmin(low, bars->values[i]);
		high = fmax(high, bars->values[i]);
	}
	x = hml_axis_whole(low, high, box.left, box.right);
	snprintf(description, sizeof(description), "%zu contributions of %zu features", bars->n, swarm->n_lines);
	hml_chart_begin(svg, HML_BARS_WIDTH, box.bottom + 50, 20, bars->title, description);
	hml_text_addf(svg, "<circle cx=\"520\" cy=\"26\" r=\"4\" fill=\"" HML_COLOR_LOW
					   "\"/><circle cx=\"612\" cy=\"26\" r=\"4\" fill=\"" HML_COLOR_HIGH "\"/>");
	hml_chart_text(svg, 530, 30, HML_ANCHOR_START, "low value");
	hml_chart_text(svg, 622, 30, HML_ANCHOR_START, "high value");
	hml_chart_grid_line(svg, hml_axis_place(&x, 0), box.top, hml_axis_place(&x, 0), box.bottom);
	for (size_t l = 0; l < swarm->n_lines; l++)
	{
		size_t rank = rank_of(swarm, l);

		if (rank < n_shown)
			draw_line(svg, bars, values, swarm, l, box.top + LINE_STEP * ((double) rank + 0.5), &x);
	}
	hml_chart_horizontal_axis(svg, &x, &box, bars->x_title);
	hml_chart_end(svg);
}

HmlStatus
hml_plot_swarm(HmlText *svg, const HmlBars *bars, const double *shown_values)
{
	Swarm swarm = {.n_lines = 0};
	HmlStatus status = HML_OK;

	if (bars->n > HML_SWARM_MAX_DOTS)
		return hml_fail(svg->ctx, HML_LIMIT, "too many contributions: %zu (limit %d)", bars->n,
						HML_SWARM_MAX_DOTS);
	HML_TRY(HML_NEW(svg->ctx, &swarm.line_of, bars->n + 1));
	for (size_t i = 0; i < bars->n && status == HML_OK; i++)
		status = add_dot(svg->ctx, &swarm, bars, shown_values, i);
	if (status == HML_OK)
		draw_swarm(svg, bars, shown_values, &swarm);
	hml_free(svg->ctx, swarm.line_of);
	return status;
}
