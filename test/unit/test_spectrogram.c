/*
 * test_spectrogram.c
 *	  From a file to decibels, against librosa; what a specification leaves open.
 */
#include "unit/support.h"

#include "core/signal/audio/spectrogram.h"
#include "unit/signal_support.h"

static const HmlMelSpec spec_40 = {4000, 512, 128, 40, 0, 2000, HML_PAD_CONSTANT};

static void
decode(HmlContext *ctx, const char *name, HmlAudio *audio)
{
	const HmlAudioLimits limits = HML_AUDIO_LIMITS_DEFAULT;
	unsigned char *bytes;
	size_t length = corpus_file(ctx, name, &bytes);

	assert_ok(ctx, hml_audio_decode(ctx, bytes, length, &limits, audio));
	hml_free(ctx, bytes);
}

static void
test_golden(void **state)
{
	TestTable *expected = test_read_table("test/golden/signal/spectrogram.csv");
	TestHost host;
	HmlContext ctx;
	HmlAudio audio;
	HmlSpectrogram mel;

	(void) state;
	test_host_init(&host, &ctx);
	decode(&ctx, "pcm_24.flac", &audio);
	assert_ok(&ctx, hml_spectrogram(&ctx, &spec_40, &audio, &mel));
	assert_int_equal(mel.n_frames, 1 + 2000 / 128);
	assert_int_equal(mel.n_frames * 40, expected->rows);
	hml_power_to_db(mel.power, expected->rows, 1, 1e-10f, 80);
	for (size_t i = 0; i < expected->rows; i++)
		assert_true(fabs(mel.power[i] - test_number(expected, i, 0)) <= 1e-3);
	hml_free(&ctx, mel.power);
	hml_audio_free(&ctx, &audio);
	test_free_table(expected);
	test_host_finish(&host, &ctx);
}

/* What is 0 is the recording's own. */
static void
test_open_specification(void **state)
{
	TestHost host;
	HmlContext ctx;
	HmlAudio audio;
	HmlMelSpec spec = spec_40;
	HmlSpectrogram open;
	HmlSpectrogram explicit;

	(void) state;
	test_host_init(&host, &ctx);
	decode(&ctx, "stereo.wav", &audio);
	spec.sample_rate = 8000;
	spec.fmax = 4000;
	assert_ok(&ctx, hml_spectrogram(&ctx, &spec, &audio, &explicit));
	spec.sample_rate = spec.fmax = 0;
	assert_ok(&ctx, hml_spectrogram(&ctx, &spec, &audio, &open));
	assert_close(open.mel.sample_rate, 8000, 0);
	assert_close(open.mel.fmax, 4000, 0);
	assert_int_equal(open.n_frames, 1 + 4000 / 128);
	assert_memory_equal(open.power, explicit.power, open.n_frames * 40 * sizeof(float));
	hml_free(&ctx, explicit.power);
	hml_free(&ctx, open.power);
	hml_audio_free(&ctx, &audio);
	test_host_finish(&host, &ctx);
}

static void
test_refusals(void **state)
{
	float samples[200] = {0};
	HmlAudio audio = {.samples = samples, .n_samples = 200, .sample_rate = 384000};
	TestHost host;
	HmlContext ctx;
	HmlMelSpec spec = spec_40;
	HmlSpectrogram mel;

	(void) state;
	test_host_init(&host, &ctx);
	spec.fmax = 3000;
	assert_status(&ctx, hml_spectrogram(&ctx, &spec, &audio, &mel), HML_INVALID_ARGUMENT);
	spec = spec_40;
	spec.sample_rate = 500;
	spec.fmax = 250;
	assert_status(&ctx, hml_spectrogram(&ctx, &spec, &audio, &mel), HML_INVALID_DATA);
	assert_message(&ctx, "shorter than one sample at 500 Hz");
	audio.sample_rate = 10000;
	spec = (HmlMelSpec){1e7, 64, 1, 512, 0, 5e6, HML_PAD_CONSTANT};
	assert_status(&ctx, hml_spectrogram(&ctx, &spec, &audio, &mel), HML_LIMIT);
	assert_message(&ctx, "spectrogram of 512 bands and 200001 frames");
	test_host_finish(&host, &ctx);
}

static HmlStatus
spectrogram_of_noise(HmlContext *ctx, void *argument)
{
	HmlSpectrogram mel;

	HML_TRY(hml_spectrogram(ctx, &spec_40, argument, &mel));
	hml_free(ctx, mel.power);
	return HML_OK;
}

static void
test_sweeps(void **state)
{
	static float samples[60000];
	HmlAudio audio = {.samples = samples, .n_samples = 60000, .sample_rate = 8000};

	(void) state;
	for (int i = 0; i < 60000; i++)
		samples[i] = (float) (i * 7919 % 1000) / 1000 - 0.5f;
	test_allocation_sweep(spectrogram_of_noise, &audio);
	test_cancellation_sweep(spectrogram_of_noise, &audio);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_open_specification),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_sweeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
