/*
 * test_plot_signal.c
 *	  Pictures of recordings: what is drawn where, how large they are, what is refused.
 */
#include "unit/support.h"

#include "core/signal/audio/plot_signal.h"
#include "unit/signal_support.h"

#define PI 3.14159265358979323846

static const HmlMelSpec heart_spec = {4000, 256, 128, 64, 0, 0, HML_PAD_CONSTANT};
static const HmlSignalView whole = {"<Tone> & \"co\"", 0, INFINITY};

/* A tone of 500 Hz in its second half, silence in the first; freed with hml_audio_free(). */
static HmlAudio
make_tone(HmlContext *ctx, double seconds, int rate)
{
	HmlAudio audio = {
		.n_samples = (size_t) (seconds * rate), .sample_rate = rate, .channels = 1, .format = "wav"};

	assert_ok(ctx, HML_NEW_ZERO(ctx, &audio.samples, audio.n_samples));
	for (size_t i = audio.n_samples / 2; i < audio.n_samples; i++)
		audio.samples[i] = (float) (0.5 * sin(2 * PI * 500 * (double) i / rate));
	return audio;
}

/* ---- images back to numbers ------------------------------------------ */

static int
base64_digit(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *found = c == '\0' ? NULL : strchr(digits, c);

	return found == NULL ? -1 : (int) (found - digits);
}

/* Pixels of the first image in the text, which must fit one stored block. */
static size_t
read_image(const char *svg, unsigned char *pixels, size_t *width, size_t *height)
{
	static unsigned char png[70000];
	const char *p = strstr(svg, "base64,");
	size_t n = 0;
	size_t data;
	uint32_t bits = 0;

	assert_non_null(p);
	p += 7;
	for (size_t i = 0; base64_digit(p[i]) >= 0 && n < sizeof(png); i++)
	{
		bits = bits << 6 | (uint32_t) base64_digit(p[i]);
		if (i % 4 != 0)
			png[n++] = (unsigned char) (bits >> (6 - 2 * (i % 4)));
	}
	*width = (size_t) png[18] << 8 | png[19];
	*height = (size_t) png[22] << 8 | png[23];
	/* signature, IHDR, PLTE, tRNS; then the head of IDAT, of zlib, of the block */
	data = 8 + 25 + (12 + 768) + (12 + 256) + 8 + 2 + 5;
	for (size_t row = 0; row < *height; row++)
		for (size_t c = 0; c < *width; c++)
			pixels[row * *width + c] = png[data + row * (*width + 1) + 1 + c];
	return n;
}

static void
test_raster_becomes_an_image(void **state)
{
	float values[] = {-60, -30, 0, 5, -90, -60, NAN, -45};
	HmlRaster raster = {2, 4, values};
	HmlColor palette[HML_PALETTE_SIZE];
	unsigned char pixels[8];
	size_t width;
	size_t height;
	TestHost host;
	HmlContext ctx;
	HmlText svg;

	(void) state;
	test_host_init(&host, &ctx);
	hml_palette_viridis(palette);
	hml_text_init(&svg, &ctx);
	assert_ok(&ctx, hml_draw_raster(&svg, &raster, -60, 0, palette, &(HmlBox){0, 0, 10, 10}));
	read_image(svg.data, pixels, &width, &height);
	assert_int_equal(width, 4);
	assert_int_equal(height, 2);
	/* The first row of numbers is the lowest of the image. */
	assert_memory_equal(pixels + 4, ((unsigned char[]){0, 128, 255, 255}), 4);
	assert_memory_equal(pixels, ((unsigned char[]){0, 0, 0, 64}), 2);
	assert_int_equal(pixels[3], 64);
	hml_text_free(&svg);
	test_host_finish(&host, &ctx);
}

static void
test_shrinking(void **state)
{
	const size_t columns = 2 * HML_SIGNAL_MAX_COLUMNS + 1;
	TestHost host;
	HmlContext ctx;
	float *values;
	HmlRaster raster;
	size_t group;

	(void) state;
	test_host_init(&host, &ctx);
	assert_ok(&ctx, HML_NEW(&ctx, &values, 2 * columns));
	for (size_t i = 0; i < 2 * columns; i++)
		values[i] = (float) (i % columns + 1000 * (i / columns));
	assert_ok(&ctx, hml_shrink_raster(&ctx, values, 2, columns, &raster, &group));
	assert_int_equal(group, 3);
	assert_int_equal(raster.columns, (columns + 2) / 3);
	assert_close(raster.values[0], 1, 0);
	assert_close(raster.values[1], 4, 0);
	assert_close(raster.values[raster.columns], 1001, 0);
	/* The last group has what is left over: one column of 3 * 549 + 2. */
	assert_close(raster.values[raster.columns - 1], (double) (columns - 1) - (double) ((columns - 1) % 3) / 2,
				 1e-6);
	hml_free(&ctx, raster.values);

	assert_ok(&ctx, hml_shrink_raster(&ctx, values, 2, 7, &raster, &group));
	assert_int_equal(group, 1);
	assert_memory_equal(raster.values, values, 14 * sizeof(float));
	hml_free(&ctx, raster.values);
	hml_free(&ctx, values);
	test_host_finish(&host, &ctx);
}

/* ---- whole pictures -------------------------------------------------- */

/* The tone is where it should be: in the right half, in the band of 500 Hz, and nowhere else. */
static void
test_spectrogram_shows_the_tone(void **state)
{
	static unsigned char pixels[HML_SIGNAL_MAX_COLUMNS * 64];
	size_t width;
	size_t height;
	TestHost host;
	HmlContext ctx;
	HmlAudio audio;
	HmlText svg;

	(void) state;
	test_host_init(&host, &ctx);
	audio = make_tone(&ctx, 4, 2000);
	hml_text_init(&svg, &ctx);
	assert_ok(&ctx, hml_plot_spectrogram(&svg, &audio, &whole, &heart_spec, 60));
	assert_drawable(svg.data);
	assert_non_null(strstr(svg.data, "&lt;Tone&gt; &amp; &quot;co&quot;"));
	assert_non_null(strstr(svg.data, "wav, 2000 Hz, 4.0 s"));
	/* A recording at 2 kHz has nothing above 1 kHz. */
	assert_non_null(strstr(svg.data, ">900</text>"));
	assert_null(strstr(svg.data, ">1500</text>"));
	read_image(svg.data, pixels, &width, &height);
	assert_int_equal(height, 64);
	assert_in_range(width, 400, HML_SIGNAL_MAX_COLUMNS);
	for (size_t row = 0; row < height; row++)
	{
		/* Band b of 64 up to 1 kHz is centred on (b + 1) * 1000 / 65 Hz. */
		double hz = (double) (height - row) * 1000 / 65;
		unsigned char before = pixels[row * width + width / 4];
		unsigned char within = pixels[row * width + width * 3 / 4];

		assert_int_equal(before, 0);
		if (fabs(hz - 500) < 12)
			assert_in_range(within, 230, 255);
		if (fabs(hz - 500) > 100)
			assert_in_range(within, 0, 60);
	}
	hml_text_free(&svg);
	hml_audio_free(&ctx, &audio);
	test_host_finish(&host, &ctx);
}

static void
test_waveform_shows_the_tone(void **state)
{
	TestHost host;
	HmlContext ctx;
	HmlAudio audio;
	HmlText svg;

	(void) state;
	test_host_init(&host, &ctx);
	audio = make_tone(&ctx, 4, 2000);
	hml_text_init(&svg, &ctx);
	assert_ok(&ctx, hml_plot_waveform(&svg, &audio, &whole));
	assert_drawable(svg.data);
	/* The outline begins in silence, at the middle of 52 .. 208, and reaches +-0.5 of +-0.52. */
	assert_non_null(strstr(svg.data, "d=\"M64.5 130.0L65.5 130.0"));
	assert_non_null(strstr(svg.data, "L887.5 205.0L887.5 55.0L886.5 55.0"));
	hml_text_free(&svg);

	/* A few samples are drawn one by one, at their own moments. */
	hml_text_init(&svg, &ctx);
	assert_ok(&ctx, hml_plot_waveform(&svg, &audio, &(HmlSignalView){"", 3, 3.002}));
	assert_drawable(svg.data);
	assert_non_null(strstr(svg.data, "d=\"M167.0 130.0L373.0 55.0L579.0 130.0L785.0 205.0h0\""));
	assert_non_null(strstr(svg.data, ">3.001</text>"));
	hml_text_free(&svg);
	hml_audio_free(&ctx, &audio);
	test_host_finish(&host, &ctx);
}

/* One sample, silence, the largest values that decoding lets through. */
static void
test_extremes(void **state)
{
	float samples[3][4000] = {{0.5f}, {0}, {0}};
	HmlAudio audios[3] = {{.samples = samples[0], .n_samples = 1},
						  {.samples = samples[1], .n_samples = 4000},
						  {.samples = samples[2], .n_samples = 4000}};
	TestHost host;
	HmlContext ctx;

	(void) state;
	for (int i = 0; i < 4000; i++)
		samples[2][i] = i % 2 ? 1e6f : -1e6f;
	test_host_init(&host, &ctx);
	for (size_t i = 0; i < 3; i++)
		for (int rate = 500; rate <= 384000; rate += 383500)
		{
			HmlText svg;

			audios[i].sample_rate = rate;
			audios[i].format = "wav";
			if (audios[i].n_samples * 4000 < (size_t) rate)
				continue;
			hml_text_init(&svg, &ctx);
			assert_ok(&ctx, hml_plot_waveform(&svg, &audios[i], &whole));
			assert_ok(&ctx, hml_plot_spectrogram(&svg, &audios[i], &whole, &heart_spec, 80));
			assert_drawable(svg.data);
			hml_text_free(&svg);
		}
	test_host_finish(&host, &ctx);
}

static void
test_sizes(void **state)
{
	HmlMelSpec spec = heart_spec;
	TestHost host;
	HmlContext ctx;
	HmlAudio audio;
	HmlText svg;

	(void) state;
	spec.n_mels = HML_PICTURE_MAX_BANDS;
	test_host_init(&host, &ctx);
	audio = make_tone(&ctx, 300, 4000);
	hml_text_init(&svg, &ctx);
	assert_ok(&ctx, hml_plot_spectrogram(&svg, &audio, &whole, &spec, 60));
	assert_in_range(svg.length, 100000, 300000);
	hml_text_free(&svg);
	hml_text_init(&svg, &ctx);
	assert_ok(&ctx, hml_plot_waveform(&svg, &audio, &whole));
	assert_in_range(svg.length, 10000, 60000);
	hml_text_free(&svg);
	hml_audio_free(&ctx, &audio);
	test_host_finish(&host, &ctx);
}

static void
test_refusals(void **state)
{
	static const double views[][2] = {
		{-1, 2}, {4, 5}, {NAN, 2}, {1, 1}, {2, 1}, {1, NAN}, {INFINITY, INFINITY}};
	TestHost host;
	HmlContext ctx;
	HmlAudio audio;
	HmlText svg;
	HmlMelSpec spec = heart_spec;

	(void) state;
	test_host_init(&host, &ctx);
	audio = make_tone(&ctx, 4, 2000);
	hml_text_init(&svg, &ctx);
	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++)
		assert_status(&ctx, hml_plot_waveform(&svg, &audio, &(HmlSignalView){"", views[i][0], views[i][1]}),
					  HML_INVALID_ARGUMENT);
	assert_status(&ctx, hml_plot_spectrogram(&svg, &audio, &whole, &spec, NAN), HML_INVALID_ARGUMENT);
	assert_status(&ctx, hml_plot_spectrogram(&svg, &audio, &whole, &spec, 0), HML_INVALID_ARGUMENT);
	spec.n_mels = HML_PICTURE_MAX_BANDS + 1;
	assert_status(&ctx, hml_plot_spectrogram(&svg, &audio, &whole, &spec, 60), HML_LIMIT);
	spec.n_mels = 0;
	assert_status(&ctx, hml_plot_spectrogram(&svg, &audio, &whole, &spec, 60), HML_INVALID_ARGUMENT);
	spec = heart_spec;
	spec.fmin = 1500;
	assert_status(&ctx, hml_plot_spectrogram(&svg, &audio, &whole, &spec, 60), HML_INVALID_ARGUMENT);
	hml_text_free(&svg);
	hml_audio_free(&ctx, &audio);
	test_host_finish(&host, &ctx);
}

/* ---- sweeps ---------------------------------------------------------- */

static HmlStatus
both_pictures(HmlContext *ctx, void *argument)
{
	HmlText svg;
	const char *text;
	HmlStatus status;

	hml_text_init(&svg, ctx);
	status = hml_plot_waveform(&svg, argument, &whole);
	if (status == HML_OK)
		status = hml_plot_spectrogram(&svg, argument, &whole, &heart_spec, 60);
	if (status == HML_OK)
		status = hml_text_finish(&svg, &text);
	hml_text_free(&svg);
	return status;
}

static void
test_sweeps(void **state)
{
	static float samples[8000];
	HmlAudio audio = {.samples = samples, .n_samples = 8000, .sample_rate = 2000, .format = "wav"};

	(void) state;
	test_allocation_sweep(both_pictures, &audio);
	test_cancellation_sweep(both_pictures, &audio);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_raster_becomes_an_image),
		cmocka_unit_test(test_shrinking),
		cmocka_unit_test(test_spectrogram_shows_the_tone),
		cmocka_unit_test(test_waveform_shows_the_tone),
		cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_sweeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
