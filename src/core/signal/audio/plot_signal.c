/*
 * plot_signal.c
 *	  Waveforms and spectrograms in SVG.
 *
 * A waveform is the outline of the lowest and the highest sample of each column; a
 * spectrogram is an image, stretched to its place.  Memory: for a spectrogram its
 * power, at most hop_length samples of the view for each column.  Polls after each
 * column of a waveform and each band of a spectrogram.
 */
#include "core/signal/audio/plot_signal.h"

#include <math.h>
#include <stdio.h>

#include "core/signal/audio/spectrogram.h"

#define WAVEFORM_HEIGHT 260.0
#define SPECTROGRAM_HEIGHT 360.0
#define BOTTOM 52.0 /* below a box: ticks, numbers and title of the time axis */
#define COLOR_BAR_GAP 14.0
#define COLOR_BAR_WIDTH 12.0
#define LEAST_POWER 1e-10f
#define HEADROOM 1.04 /* of a waveform */

/* ---- views ----------------------------------------------------------- */

HmlStatus
hml_check_view(HmlContext *ctx, double seconds, const HmlSignalView *view)
{
	if (!(view->from_s >= 0 && view->from_s < seconds))
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "recording of %g seconds has nothing from second %g on",
						seconds, view->from_s);
	if (!(view->to_s > view->from_s))
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "nothing lies between second %g and second %g",
						view->from_s, view->to_s);
	return HML_OK;
}

/* The samples of the view, which refer to those of 'audio'. */
static HmlStatus
cut_view(HmlContext *ctx, const HmlAudio *audio, const HmlSignalView *view, HmlAudio *out)
{
	double seconds = (double) audio->n_samples / audio->sample_rate;
	size_t first;
	size_t last;

	HML_TRY(hml_check_view(ctx, seconds, view));
	*out = *audio;
	first = (size_t) (view->from_s * audio->sample_rate);
	last = view->to_s < seconds ? (size_t) ceil(view->to_s * audio->sample_rate) : audio->n_samples;
	out->samples = audio->samples + first;
	out->n_samples = (last < audio->n_samples ? last : audio->n_samples) - first;
	return HML_OK;
}

static HmlBox
box_of_height(double height)
{
	return (HmlBox){HML_SIGNAL_LEFT, HML_SIGNAL_TOP, HML_SIGNAL_RIGHT, height - BOTTOM};
}

static HmlAxis
time_axis(const HmlAudio *shown, const HmlSignalView *view)
{
	return hml_axis_exact(view->from_s, view->from_s + (double) shown->n_samples / shown->sample_rate,
						  HML_SIGNAL_LEFT, HML_SIGNAL_RIGHT);
}

/* Title, description, and facts of the recording at the upper right. */
static void
begin_picture(HmlText *svg, const HmlAudio *audio, const HmlSignalView *view, double height, const char *what)
{
	double seconds = (double) audio->n_samples / audio->sample_rate;
	char facts[160];
	char description[256];

	snprintf(facts, sizeof(facts), "%s, %d Hz, %.1f s%s", audio->format, audio->sample_rate, seconds,
			 audio->truncated ? ", cut off" : "");
	snprintf(description, sizeof(description), "%s of a recording: %s", what, facts);
	hml_chart_begin(svg, HML_SIGNAL_WIDTH, height, HML_SIGNAL_LEFT, view->title, description);
	hml_chart_text(svg, HML_SIGNAL_RIGHT, 30.0, HML_ANCHOR_END, facts);
}

/* ---- waveform -------------------------------------------------------- */

/* Lowest and highest sample of each column of the picture. */
typedef struct Outline
{
	size_t n; /* columns; no more than there are samples */
	float low[HML_SIGNAL_MAX_COLUMNS];
	float high[HML_SIGNAL_MAX_COLUMNS];
} Outline;

/* First sample of a column. */
static size_t
column_start(size_t n, size_t column, size_t n_columns)
{
	return (size_t) ((double) n * (double) column / (double) n_columns);
}

static HmlStatus
find_outline(HmlContext *ctx, const float *samples, size_t n, Outline *out)
{
	out->n = n < HML_SIGNAL_MAX_COLUMNS ? n : HML_SIGNAL_MAX_COLUMNS;
	for (size_t c = 0; c < out->n; c++)
	{
		size_t first = column_start(n, c, out->n);
		size_t end = column_start(n, c + 1, out->n);
		float low = samples[first];
		float high = samples[first];

		for (size_t i = first + 1; i < end; i++)
		{
			low = samples[i] < low ? samples[i] : low;
			high = samples[i] > high ? samples[i] : high;
		}
		out->low[c] = low;
		out->high[c] = high;
		HML_TRY(hml_poll(ctx));
	}
	return HML_OK;
}

static double
peak_of(const Outline *outline)
{
	float peak = 0;

	for (size_t c = 0; c < outline->n; c++)
		peak = fmaxf(peak, fmaxf(fabsf(outline->low[c]), fabsf(outline->high[c])));
	return peak;
}

/* Each sample, where there are no more than two for a column. */
static void
draw_samples(HmlText *svg, const float *samples, size_t n, const HmlAxis *level, const HmlBox *box)
{
	double width = (box->right - box->left) / (double) n;

	hml_text_add(svg, "class=\"hml-line\" fill=\"none\" d=\"");
	for (size_t i = 0; i < n; i++)
		hml_text_addf(svg, "%s%.1f %.1f", i == 0 ? "M" : "L", box->left + ((double) i + 0.5) * width,
					  hml_axis_place(level, samples[i]));
	hml_text_add(svg, "h0");
}

/* There along the lowest samples, back along the highest. */
static void
draw_outline(HmlText *svg, const Outline *outline, const HmlAxis *level, const HmlBox *box)
{
	const double width = (box->right - box->left) / (double) outline->n;

	hml_text_add(svg, "class=\"hml-line hml-area\" fill=\"#2f6fb0\" d=\"");
	for (size_t c = 0; c < outline->n; c++)
		hml_text_addf(svg, "%s%.1f %.1f", c == 0 ? "M" : "L", box->left + ((double) c + 0.5) * width,
					  hml_axis_place(level, outline->low[c]));
	for (size_t c = outline->n; c-- > 0;)
		hml_text_addf(svg, "L%.1f %.1f", box->left + ((double) c + 0.5) * width,
					  hml_axis_place(level, outline->high[c]));
	hml_text_add(svg, "Z");
}

HmlStatus
hml_draw_waveform(HmlText *svg, const float *samples, size_t n, const HmlBox *box)
{
	Outline outline;
	double peak;
	HmlAxis level;

	HML_TRY(find_outline(svg->ctx, samples, n, &outline));
	peak = peak_of(&outline) > 0 ? peak_of(&outline) * HEADROOM : 1;
	level = hml_axis_exact(-peak, peak, box->bottom, box->top);
	hml_chart_vertical_axis(svg, &level, box);
	hml_text_add(svg, "<path stroke=\"#2f6fb0\" stroke-width=\"0.8\" stroke-linejoin=\"round\" ");
	if (n <= 2 * HML_SIGNAL_MAX_COLUMNS)
		draw_samples(svg, samples, n, &level, box);
	else
		draw_outline(svg, &outline, &level, box);
	hml_text_add(svg, "\"/>");
	return HML_OK;
}

HmlStatus
hml_plot_waveform(HmlText *svg, const HmlAudio *audio, const HmlSignalView *view)
{
	const HmlBox box = box_of_height(WAVEFORM_HEIGHT);
	HmlAudio shown;
	HmlAxis time;

	HML_TRY(cut_view(svg->ctx, audio, view, &shown));
	time = time_axis(&shown, view);
	begin_picture(svg, audio, view, WAVEFORM_HEIGHT, "Level over time");
	hml_chart_text(svg, HML_SIGNAL_LEFT - 8.0, HML_SIGNAL_TOP - 10.0, HML_ANCHOR_END, "level");
	HML_TRY(hml_draw_waveform(svg, shown.samples, shown.n_samples, &box));
	hml_chart_horizontal_axis(svg, &time, &box, "seconds");
	hml_chart_end(svg);
	return HML_OK;
}

/* ---- spectrogram ----------------------------------------------------- */

static float
mean_of(const float *values, size_t n)
{
	float sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += values[i];
	return sum / (float) n;
}

HmlStatus
hml_shrink_raster(HmlContext *ctx, const float *values, size_t rows, size_t columns, HmlRaster *out,
				  size_t *group)
{
	*group = (columns + HML_SIGNAL_MAX_COLUMNS - 1) / HML_SIGNAL_MAX_COLUMNS;
	out->rows = rows;
	out->columns = (columns + *group - 1) / *group;
	HML_TRY(HML_NEW(ctx, &out->values, rows * out->columns));
	for (size_t row = 0; row < rows; row++)
	{
		HmlStatus status = hml_poll(ctx);

		if (status != HML_OK)
		{
			hml_free(ctx, out->values);
			return status;
		}
		for (size_t c = 0; c < out->columns; c++)
		{
			size_t first = c * *group;
			size_t n = first + *group < columns ? *group : columns - first;

			out->values[row * out->columns + c] = mean_of(values + row * columns + first, n);
		}
	}
	return HML_OK;
}

HmlStatus
hml_draw_raster(HmlText *svg, const HmlRaster *raster, float low, float high, const HmlColor *palette,
				const HmlBox *box)
{
	const float scale = (HML_PALETTE_SIZE - 1) / (high - low);
	unsigned char *pixels;
	HmlImage image = {(uint32_t) raster->columns, (uint32_t) raster->rows, NULL, palette};

	HML_TRY(HML_NEW(svg->ctx, &pixels, raster->rows * raster->columns));
	for (size_t row = 0; row < raster->rows; row++)
		for (size_t c = 0; c < raster->columns; c++)
		{
			float level = (raster->values[(raster->rows - 1 - row) * raster->columns + c] - low) * scale;

			pixels[row * raster->columns + c] =
				(unsigned char) (fmaxf(0, fminf(HML_PALETTE_SIZE - 1, level)) + 0.5f);
		}
	image.pixels = pixels;
	hml_chart_image(svg, &image, box);
	hml_free(svg->ctx, pixels);
	return HML_OK;
}

/*
 * Frequencies that are good to read, the best ones first; those that would be too close to a
 * better one, or are next to nothing of the highest one, are left out.
 */
static const double round_frequencies[] = {1000,  100,  500,  200,  2000, 5000, 10e3, 20e3, 50e3, 100e3,
										   200e3, 50,   20,   10,   300,  400,  600,  700,  800,  900,
										   1500,  3000, 4000, 6000, 8000, 15e3, 30e3, 40e3, 70e3, 150e3};
#define N_ROUND_FREQUENCIES (sizeof(round_frequencies) / sizeof(round_frequencies[0]))
#define NUMBER_SPACING 17.0
#define NEXT_TO_NOTHING (1.0 / 25.0)

static bool
has_room(const double *taken, size_t n_taken, double y)
{
	for (size_t i = 0; i < n_taken; i++)
		if (fabs(taken[i] - y) < NUMBER_SPACING)
			return false;
	return true;
}

/* Bands are as high as they are far apart: half of that is below the lowest centre. */
void
hml_draw_frequencies(HmlText *svg, const HmlMelSpec *spec, const HmlBox *box)
{
	double low = hml_hz_to_mel(spec->fmin);
	double high = hml_hz_to_mel(spec->fmax);
	double half_band = (high - low) / (spec->n_mels + 1) / 2;
	HmlAxis mel = hml_axis_exact(low + half_band, high - half_band, box->bottom, box->top);
	double taken[N_ROUND_FREQUENCIES];
	size_t n_taken = 0;

	hml_chart_text(svg, box->left - 8.0, box->top - 10.0, HML_ANCHOR_END, "Hz");
	for (size_t i = 0; i < N_ROUND_FREQUENCIES; i++)
	{
		double hz = round_frequencies[i];
		double y = hml_axis_place(&mel, hml_hz_to_mel(hz));
		char number[32];

		if (y > box->bottom || y < box->top || hz < NEXT_TO_NOTHING * spec->fmax ||
			!has_room(taken, n_taken, y))
			continue;
		snprintf(number, sizeof(number), "%g", hz);
		hml_chart_grid_line(svg, box->left - 5.0, y, box->left, y);
		hml_chart_text(svg, box->left - 8.0, y + 4.0, HML_ANCHOR_END, number);
		taken[n_taken++] = y;
	}
}

static void
draw_decibels(HmlText *svg, double top_db, const HmlColor *palette, const HmlBox *box)
{
	const HmlBox bar = {box->right + COLOR_BAR_GAP, box->top, box->right + COLOR_BAR_GAP + COLOR_BAR_WIDTH,
						box->bottom};
	HmlAxis db = hml_axis_exact(-top_db, 0, bar.bottom, bar.top);

	hml_chart_color_bar(svg, palette, &db, &bar);
	hml_chart_text(svg, bar.left, bar.top - 10.0, HML_ANCHOR_START, "dB");
}

/* Against the largest power there is; silence has none, and lies at the lower end. */
static void
to_decibels(HmlRaster *raster, float top_db)
{
	size_t n = raster->rows * raster->columns;
	float largest = 0;

	for (size_t i = 0; i < n; i++)
		largest = fmaxf(largest, raster->values[i]);
	hml_power_to_db(raster->values, n, largest, LEAST_POWER, top_db);
	for (size_t i = 0; largest <= LEAST_POWER && i < n; i++)
		raster->values[i] = -top_db;
}

/* Columns are centred on their frames: half of the first one lies before the view. */
static HmlStatus
draw_power(HmlText *svg, const HmlSpectrogram *mel, double top_db, const HmlAxis *time, const HmlBox *box)
{
	size_t n_mels = (size_t) mel->mel.n_mels;
	double frame_s = mel->mel.hop_length / mel->mel.sample_rate;
	HmlBox place = *box;
	HmlColor palette[HML_PALETTE_SIZE];
	HmlRaster raster;
	size_t group;
	HmlStatus status;

	HML_TRY(hml_shrink_raster(svg->ctx, mel->power, n_mels, mel->n_frames, &raster, &group));
	to_decibels(&raster, (float) top_db);
	hml_palette_viridis(palette);
	place.left = hml_axis_place(time, time->low - frame_s / 2);
	place.right = hml_axis_place(time, time->low + frame_s * ((double) (raster.columns * group) - 0.5));
	status = hml_draw_raster(svg, &raster, (float) -top_db, 0, palette, &place);
	hml_free(svg->ctx, raster.values);
	draw_decibels(svg, top_db, palette, box);
	return status;
}

static HmlStatus
transform(HmlContext *ctx, const HmlAudio *shown, const HmlMelSpec *wanted, HmlSpectrogram *out)
{
	HmlMelSpec spec = *wanted;
	double n = (double) shown->n_samples / shown->sample_rate * spec.sample_rate;
	double most = fmin(spec.sample_rate, shown->sample_rate) / 2;
	int hop = (int) fmin(n / HML_SIGNAL_MAX_COLUMNS, spec.hop_length);

	if (spec.n_mels > HML_PICTURE_MAX_BANDS)
		return hml_fail(ctx, HML_LIMIT, "a picture has at most %d bands, not %d", HML_PICTURE_MAX_BANDS,
						spec.n_mels);
	spec.hop_length = hop > 1 ? hop : 1;
	if (spec.fmax == 0 || spec.fmax > most)
		spec.fmax = most;
	return hml_spectrogram(ctx, &spec, shown, out);
}

HmlStatus
hml_plot_spectrogram(HmlText *svg, const HmlAudio *audio, const HmlSignalView *view, const HmlMelSpec *spec,
					 double top_db)
{
	const HmlBox box = box_of_height(SPECTROGRAM_HEIGHT);
	HmlAudio shown;
	HmlAxis time;
	HmlSpectrogram mel;
	HmlStatus status;

	if (!(top_db >= 1 && top_db <= 200))
		return hml_fail(svg->ctx, HML_INVALID_ARGUMENT, "top_db must be from 1 to 200, not %g", top_db);
	HML_TRY(cut_view(svg->ctx, audio, view, &shown));
	HML_TRY(transform(svg->ctx, &shown, spec, &mel));
	time = time_axis(&shown, view);
	begin_picture(svg, audio, view, SPECTROGRAM_HEIGHT, "Power in mel bands over time");
	status = draw_power(svg, &mel, top_db, &time, &box);
	hml_free(svg->ctx, mel.power);
	HML_TRY(status);
	hml_draw_frequencies(svg, &mel.mel, &box);
	hml_chart_horizontal_axis(svg, &time, &box, "seconds");
	hml_chart_end(svg);
	return HML_OK;
}
