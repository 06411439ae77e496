/*
 * heart_plot.c
 *	  Panels of a heart sound under each other.
 *
 * Memory: the columns of the spectrogram that are shown, twice.  Polls with the
 * panels' own functions and with each band.
 */
#include "core/heart/heart_plot.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/sort.h"

#define HEIGHT 556.0
#define SHOWN_DB 50.0f /* below the loudest cell is white */
#define STRONGEST 0.01 /* share of the cells with any saliency that have full colour */
#define FEATURES_TOLD 3
#define FEATURES_LEFT 150.0 /* of the features that are listed */
#define COLUMN_WIDTH 262.0

static const HmlBox wave_box = {HML_SIGNAL_LEFT, HML_SIGNAL_TOP, HML_SIGNAL_RIGHT, 142};
static const HmlBox beat_box = {HML_SIGNAL_LEFT, 148, HML_SIGNAL_RIGHT, 157};
static const HmlBox mel_box = {HML_SIGNAL_LEFT, 182, HML_SIGNAL_RIGHT, 382};
static const HmlBox window_box = {HML_SIGNAL_LEFT, 412, HML_SIGNAL_RIGHT, 472};

#define FOR_COLOR "#dc3b3f"     /* speaks for an abnormal heart */
#define AGAINST_COLOR "#3f7fdd" /* speaks for a normal one */
#define S1_COLOR "#5f6b7a"
#define S2_COLOR "#9aa4b0"

/* What is shown, in the units of the parts of the sound. */
typedef struct Shown
{
	HmlAxis time;
	size_t first_sample;
	size_t n_samples;
	size_t first_frame;
	size_t n_frames;
} Shown;

static HmlStatus
find_shown(HmlContext *ctx, const HmlHeartPicture *picture, const HmlSignalView *view, Shown *out)
{
	const HmlHeartSound *sound = picture->sound;
	double seconds = (double) sound->n_samples / sound->sample_rate;
	double to_s = fmin(view->to_s, seconds);
	size_t end;

	HML_TRY(hml_check_view(ctx, hml_signal_seconds(picture->signal), view));
	out->time = hml_axis_exact(view->from_s, to_s, HML_SIGNAL_LEFT, HML_SIGNAL_RIGHT);
	out->first_sample = (size_t) (view->from_s * sound->sample_rate);
	end = (size_t) ceil(to_s * sound->sample_rate);
	if (end > sound->n_samples)
		end = sound->n_samples;
	if (out->first_sample >= end)
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "nothing lies between second %g and second %g",
						view->from_s, view->to_s);
	out->n_samples = end - out->first_sample;
	out->first_frame = (size_t) (view->from_s * sound->frames_per_s);
	end = (size_t) ceil(to_s * sound->frames_per_s) + 1;
	if (end > sound->n_frames)
		end = sound->n_frames;
	out->n_frames = end - out->first_frame;
	return HML_OK;
}

static double
place(const Shown *shown, double second)
{
	return fmax(HML_SIGNAL_LEFT, fmin(HML_SIGNAL_RIGHT, hml_axis_place(&shown->time, second)));
}

/* ---- title ----------------------------------------------------------- */

static void
begin(HmlText *svg, const HmlHeartPicture *picture, const char *title)
{
	const HmlHeartSound *sound = picture->sound;
	const HmlSignal *signal = picture->signal;
	char verdict[192];
	char facts[128];
	char description[512];

	if (picture->doubt != NULL)
		snprintf(verdict, sizeof(verdict), "%s: %s", picture->label, picture->doubt);
	else
		snprintf(verdict, sizeof(verdict), "%s, p(abnormal) = %.2f", picture->label, picture->p_abnormal);
	snprintf(facts, sizeof(facts), "%s, %.0f Hz, %.1f s%s", signal->format, signal->sample_rate,
			 hml_signal_seconds(signal), signal->truncated ? ", cut off" : "");
	if (!isnan(sound->heart_rate_bpm))
		snprintf(facts + strlen(facts), sizeof(facts) - strlen(facts), ", %.0f beats a minute",
				 sound->heart_rate_bpm);
	snprintf(description, sizeof(description),
			 "Waveform, spectrogram and what speaks for an abnormal heart: %s; %s", verdict, facts);
	hml_chart_begin(svg, HML_SIGNAL_WIDTH, HEIGHT, HML_SIGNAL_LEFT, title, description);
	hml_chart_text(svg, (HML_SIGNAL_LEFT + HML_SIGNAL_RIGHT) / 2, 30.0, HML_ANCHOR_MIDDLE, verdict);
	hml_chart_text(svg, HML_SIGNAL_RIGHT, 30.0, HML_ANCHOR_END, facts);
}

/* ---- beats ----------------------------------------------------------- */

static void
draw_phase(HmlText *svg, const Shown *shown, const HmlHeartSound *sound, const HmlHeartBeat *beat,
		   HmlHeartPhase phase, const char *color)
{
	double left = place(shown, (beat->bounds[phase] - 0.5) / sound->frames_per_s);
	double right = place(shown, (beat->bounds[phase + 1] - 0.5) / sound->frames_per_s);

	if (right > left)
		hml_text_addf(svg, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>", left,
					  beat_box.top, right - left, beat_box.bottom - beat_box.top, color);
}

static void
draw_beats(HmlText *svg, const Shown *shown, const HmlHeartSound *sound)
{
	for (size_t b = 0; b < sound->cycle.n_beats; b++)
	{
		draw_phase(svg, shown, sound, &sound->cycle.beats[b], HML_HEART_S1, S1_COLOR);
		draw_phase(svg, shown, sound, &sound->cycle.beats[b], HML_HEART_S2, S2_COLOR);
	}
	hml_text_addf(
		svg,
		"<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\" font-weight=\"600\"><tspan fill=\"" S1_COLOR
		"\">S1</tspan> <tspan fill=\"" S2_COLOR "\">S2</tspan></text>",
		beat_box.left - 8.0, beat_box.bottom + 0.5);
}

/* ---- spectrogram and saliency ---------------------------------------- */

/* Shown columns of a matrix of the sound's frames, shrunk to what a picture can show. */
static HmlStatus
cut_raster(HmlContext *ctx, const float *values, const HmlHeartSound *sound, const Shown *shown,
		   HmlRaster *out, size_t *group)
{
	float *part;
	HmlStatus status;

	HML_TRY(HML_NEW(ctx, &part, sound->n_mels * shown->n_frames));
	for (size_t m = 0; m < sound->n_mels; m++)
		memcpy(part + m * shown->n_frames, values + m * sound->n_frames + shown->first_frame,
			   shown->n_frames * sizeof(*part));
	status = hml_shrink_raster(ctx, part, sound->n_mels, shown->n_frames, out, group);
	hml_free(ctx, part);
	return status;
}

/* Columns are centred on their frames; the box reaches as far as the last group would if it were whole. */
static HmlBox
box_of_columns(const HmlHeartSound *sound, const Shown *shown, size_t columns)
{
	HmlBox box = mel_box;

	box.left = hml_axis_place(&shown->time, ((double) shown->first_frame - 0.5) / sound->frames_per_s);
	box.right =
		hml_axis_place(&shown->time, ((double) (shown->first_frame + columns) - 0.5) / sound->frames_per_s);
	return box;
}

/* What is drawn may stand out of the panel by a column: a nested svg cuts it off. */
static HmlStatus
draw_clipped(HmlText *svg, const HmlRaster *raster, float low, float high, const HmlColor *palette,
			 const HmlBox *box)
{
	HmlStatus status;

	hml_text_addf(
		svg, "<svg x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" viewBox=\"%.1f %.1f %.1f %.1f\">",
		mel_box.left, mel_box.top, mel_box.right - mel_box.left, mel_box.bottom - mel_box.top, mel_box.left,
		mel_box.top, mel_box.right - mel_box.left, mel_box.bottom - mel_box.top);
	status = hml_draw_raster(svg, raster, low, high, palette, box);
	hml_text_add(svg, "</svg>");
	return status;
}

static HmlStatus
draw_power(HmlText *svg, const HmlHeartSound *sound, const Shown *shown)
{
	HmlColor grey[HML_PALETTE_SIZE];
	HmlRaster raster;
	HmlBox box;
	size_t group;
	float loudest = -INFINITY;
	HmlStatus status;

	HML_TRY(cut_raster(svg->ctx, sound->log_mel, sound, shown, &raster, &group));
	for (size_t i = 0; i < raster.rows * raster.columns; i++)
		loudest = fmaxf(loudest, raster.values[i]);
	hml_palette_grey(grey);
	box = box_of_columns(sound, shown, raster.columns * group);
	status = draw_clipped(svg, &raster, loudest - SHOWN_DB, loudest, grey, &box);
	hml_free(svg->ctx, raster.values);
	return status;
}

/* The magnitude from which on cells have full colour; 0 where all are 0. */
static HmlStatus
full_color(HmlContext *ctx, const HmlRaster *raster, double *out)
{
	size_t n = raster->rows * raster->columns;
	size_t n_silent = 0;
	double *magnitudes;
	HmlStatus status;

	HML_TRY(HML_NEW(ctx, &magnitudes, n));
	for (size_t i = 0; i < n; i++)
	{
		magnitudes[i] = fabs((double) raster->values[i]);
		n_silent += magnitudes[i] == 0;
	}
	status = hml_sort_doubles(ctx, magnitudes, n);
	*out = magnitudes[n - 1 - (size_t) (STRONGEST * (double) (n - n_silent))];
	hml_free(ctx, magnitudes);
	return status;
}

static HmlStatus
draw_saliency(HmlText *svg, const HmlHeartSound *sound, const float *saliency, const Shown *shown)
{
	HmlColor contrast[HML_PALETTE_SIZE];
	const HmlBox bar = {HML_SIGNAL_RIGHT + 14.0, mel_box.top, HML_SIGNAL_RIGHT + 26.0, mel_box.bottom};
	HmlRaster raster;
	HmlBox box;
	size_t group;
	double full;
	HmlStatus status;

	HML_TRY(cut_raster(svg->ctx, saliency, sound, shown, &raster, &group));
	hml_palette_contrast(contrast);
	box = box_of_columns(sound, shown, raster.columns * group);
	status = full_color(svg->ctx, &raster, &full);
	if (status == HML_OK && full > 0)
		status = draw_clipped(svg, &raster, (float) -full, (float) full, contrast, &box);
	hml_free(svg->ctx, raster.values);
	HML_TRY(status);
	hml_chart_color_bar(svg, contrast, NULL, &bar);
	hml_chart_text(svg, HML_SIGNAL_WIDTH - 8.0, mel_box.top - 6.0, HML_ANCHOR_END, "abnormal");
	hml_chart_text(svg, HML_SIGNAL_WIDTH - 8.0, mel_box.bottom + 16.0, HML_ANCHOR_END, "normal");
	return HML_OK;
}

/* ---- windows and features -------------------------------------------- */

static void
draw_windows(HmlText *svg, const HmlHeartPicture *picture, const HmlHeartSound *sound, const Shown *shown)
{
	HmlAxis p = hml_axis_exact(0, 1, window_box.bottom, window_box.top);

	p.step = 0.5;
	hml_chart_vertical_axis(svg, &p, &window_box);
	hml_chart_text(svg, window_box.left - 8.0, window_box.top - 14.0, HML_ANCHOR_END, "p");
	for (size_t w = 0; w < sound->n_windows; w++)
	{
		const HmlHeartWindow *window = &sound->windows[w];
		double left = place(shown, window->start_s);
		double right = place(shown, window->start_s + (double) window->n_frames / sound->frames_per_s);
		double y = hml_axis_place(&p, picture->windows[w]);

		if (isnan(picture->windows[w]) || right <= left)
			continue;
		hml_text_addf(svg,
					  "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" "
					  "stroke-width=\"4\" stroke-opacity=\"%.2f\"/>",
					  left, right, y, y, picture->windows[w] > 0.5 ? FOR_COLOR : AGAINST_COLOR,
					  0.2 + 0.7 * window->weight);
	}
}

static void
tell_features(HmlText *svg, const HmlHeartExplanation *explanation)
{
	hml_chart_text(svg, HML_SIGNAL_LEFT, HEIGHT - 18.0, HML_ANCHOR_START, "weighs most");
	for (size_t i = 0; i < FEATURES_TOLD; i++)
	{
		size_t f = explanation->strongest[i];
		double contribution = explanation->contributions[f];

		hml_text_addf(svg,
					  "<text x=\"%.1f\" y=\"%.1f\"><tspan font-weight=\"600\" fill=\"%s\">%+.2f</tspan> ",
					  FEATURES_LEFT + COLUMN_WIDTH * (double) i, HEIGHT - 18.0,
					  contribution > 0 ? FOR_COLOR : AGAINST_COLOR, contribution);
		hml_text_add_xml(svg, hml_heart_feature_names[f]);
		hml_text_add(svg, "</text>");
	}
}

HmlStatus
hml_plot_heart_sound(HmlText *svg, const HmlHeartPicture *picture, const HmlSignalView *view)
{
	static const HmlHeartSoundSpec spec = HML_HEART_SOUND_SPEC_DEFAULT;
	const HmlHeartSound *sound = picture->sound;
	Shown shown;

	HML_TRY(find_shown(svg->ctx, picture, view, &shown));
	begin(svg, picture, view->title);
	hml_chart_text(svg, HML_SIGNAL_LEFT - 8.0, HML_SIGNAL_TOP - 10.0, HML_ANCHOR_END, "level");
	HML_TRY(hml_draw_waveform(svg, sound->samples + shown.first_sample, shown.n_samples, &wave_box));
	draw_beats(svg, &shown, sound);
	HML_TRY(draw_power(svg, sound, &shown));
	if (picture->explanation != NULL)
	{
		HML_TRY(draw_saliency(svg, sound, picture->explanation->saliency, &shown));
		tell_features(svg, picture->explanation);
	}
	hml_draw_frequencies(svg, &spec.mel, &mel_box);
	draw_windows(svg, picture, sound, &shown);
	hml_chart_horizontal_axis(svg, &shown.time, &window_box, "seconds");
	hml_chart_end(svg);
	return HML_OK;
}
