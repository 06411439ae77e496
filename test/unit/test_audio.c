/*
 * test_audio.c
 *	  Decoding of every format, of damaged files, and what is said about a recording.
 */
#include "unit/support.h"

#include "core/signal/audio/audio.h"
#include "unit/signal_support.h"

static const HmlAudioLimits limits = HML_AUDIO_LIMITS_DEFAULT;

/* What every file of the corpus holds: half a second at 8 kHz of this. */
static double
tone(double seconds)
{
	const double pi = acos(-1.0);

	return 0.4 * sin(2 * pi * 100 * seconds) + 0.2 * sin(2 * pi * 330 * seconds);
}

static HmlStatus
decode_file(HmlContext *ctx, const char *name, HmlAudio *audio)
{
	unsigned char *bytes;
	size_t length = corpus_file(ctx, name, &bytes);
	HmlStatus status = hml_audio_decode(ctx, bytes, length, &limits, audio);

	hml_free(ctx, bytes);
	return status;
}

/* Largest difference from the tone, at the delay (in samples) that suits best: MP3 shifts its sound. */
static double
worst_difference(const HmlAudio *audio, int max_delay)
{
	double best = INFINITY;

	for (int delay = 0; delay <= max_delay; delay++)
	{
		double worst = 0;

		for (size_t i = 800; i < 2800; i++)
			worst =
				fmax(worst, fabs(audio->samples[i + (size_t) delay] - tone((double) i / audio->sample_rate)));
		best = fmin(best, worst);
	}
	return best;
}

typedef struct Expectation
{
	const char *file;
	const char *format;
	const char *encoding;
	double tolerance;
	int max_delay;
} Expectation;

static const Expectation whole_files[] = {
	{"pcm_u8.wav", "wav", "pcm_u8", 0.01, 0},
	{"pcm_16.wav", "wav", "pcm_s16", 1e-4, 0},
	{"pcm_24.wav", "wav", "pcm_s24", 1e-6, 0},
	{"pcm_32.wav", "wav", "pcm_s32", 1e-6, 0},
	{"float.wav", "wav", "float32", 1e-6, 0},
	{"double.wav", "wav", "float64", 1e-6, 0},
	{"alaw.wav", "wav", "a_law", 0.03, 0},
	{"ulaw.wav", "wav", "mu_law", 0.03, 0},
	{"ima_adpcm.wav", "wav", "ima_adpcm", 0.03, 0},
	{"ms_adpcm.wav", "wav", "ms_adpcm", 0.03, 0},
	{"big_endian.wav", "wav", "pcm_s16", 1e-4, 0},
	{"rf64.wav", "wav", "pcm_s16", 1e-4, 0},
	{"pcm_16.flac", "flac", "pcm_s16", 1e-4, 0},
	{"pcm_24.flac", "flac", "pcm_s24", 1e-6, 0},
	{"cover.flac", "flac", "pcm_s16", 1e-4, 0},
	{"vorbis.ogg", "ogg", "vorbis", 0.05, 0},
	{"opus.ogg", "ogg", "opus", 0.06, 0},
	{"tone.mp3", "mp3", "mpeg_layer_3", 0.05, 1200},
	{"cover.mp3", "mp3", "mpeg_layer_3", 0.05, 1200},
};

static void
test_formats(void **state)
{
	TestHost host;
	HmlContext ctx;
	HmlAudio audio;

	(void) state;
	test_host_init(&host, &ctx);
	for (size_t i = 0; i < sizeof(whole_files) / sizeof(whole_files[0]); i++)
	{
		const Expectation *expected = &whole_files[i];

		assert_ok(&ctx, decode_file(&ctx, expected->file, &audio));
		assert_string_equal(audio.format, expected->format);
		assert_string_equal(audio.encoding, expected->encoding);
		assert_int_equal(audio.sample_rate, 8000);
		assert_int_equal(audio.channels, 1);
		/* Blocks of ADPCM and frames of MP3 are filled up. */
		assert_in_range(audio.n_samples, 4000, expected->max_delay > 0 ? 6400 : 4100);
		assert_int_equal(audio.n_invalid, 0);
		assert_false(audio.truncated);
		if (worst_difference(&audio, expected->max_delay) > expected->tolerance)
			fail_msg("%s is off by %g", expected->file, worst_difference(&audio, expected->max_delay));
		hml_audio_free(&ctx, &audio);
	}
	test_host_finish(&host, &ctx);
}

static void
test_stereo_is_averaged(void **state)
{
	TestHost host;
	HmlContext ctx;
	HmlAudio audio;

	(void) state;
	test_host_init(&host, &ctx);
	assert_ok(&ctx, decode_file(&ctx, "stereo.wav", &audio));
	assert_int_equal(audio.channels, 2);
	assert_int_equal(audio.n_samples, 4000);
	for (size_t i = 0; i < 4000; i++)
		assert_close(audio.samples[i], 0.25 * tone((double) i / 8000), 1e-4);
	hml_audio_free(&ctx, &audio);
	test_host_finish(&host, &ctx);
}

/* What is there is decoded, and the rest is missed. */
static void
test_truncated(void **state)
{
	static const char *const files[] = {"truncated.wav", "truncated.flac", "truncated.ogg", "truncated.mp3",
										"promises_4gb.wav"};
	TestHost host;
	HmlContext ctx;
	HmlAudio audio;

	(void) state;
	test_host_init(&host, &ctx);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
	{
		assert_ok(&ctx, decode_file(&ctx, files[i], &audio));
		assert_in_range(audio.n_samples, 1, 24 * 4000 - 1);
		if (!audio.truncated)
			fail_msg("%s is not seen to be truncated", files[i]);
		hml_audio_free(&ctx, &audio);
		assert_true(ctx.memory_peak < 1024 * 1024);
	}
	assert_ok(&ctx, decode_file(&ctx, "truncated.wav", &audio));
	assert_int_equal(audio.n_samples, 1000);
	assert_close(audio.samples[999], tone(999.0 / 8000), 1e-4);
	hml_audio_free(&ctx, &audio);
	test_host_finish(&host, &ctx);
}

static void
test_refused(void **state)
{
	static const struct
	{
		const char *file;
		HmlStatus status;
		const char *message;
	} files[] = {
		{"text.txt", HML_CORRUPT, "not in a known audio format"},
		{"jpeg.jpg", HML_CORRUPT, "not in a known audio format"},
		{"only_id3.mp3", HML_CORRUPT, "not in a known audio format"},
		{"header_only.wav", HML_CORRUPT, "recording has no samples"},
		{"no_channels.wav", HML_CORRUPT, "could not decode the recording as wav"},
		{"thousand_channels.wav", HML_LIMIT, "1000 channels, more than the limit of 32"},
		{"one_hertz.wav", HML_LIMIT, "sample rate of 1 Hz"},
		{"ten_megahertz.wav", HML_LIMIT, "sample rate of 10000000 Hz"},
		{"mostly_nan.wav", HML_INVALID_DATA, "samples are no usable numbers"},
	};
	TestHost host;
	HmlContext ctx;
	HmlAudio audio;

	(void) state;
	test_host_init(&host, &ctx);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
	{
		assert_status(&ctx, decode_file(&ctx, files[i].file, &audio), files[i].status);
		assert_message(&ctx, files[i].message);
	}
	assert_status(&ctx, hml_audio_decode(&ctx, NULL, 0, &limits, &audio), HML_CORRUPT);
	assert_message(&ctx, "recording is empty");
	test_host_finish(&host, &ctx);
}

static void
test_unusable_samples_become_silence(void **state)
{
	TestHost host;
	HmlContext ctx;
	HmlAudio audio;

	(void) state;
	test_host_init(&host, &ctx);
	assert_ok(&ctx, decode_file(&ctx, "not_finite.wav", &audio));
	assert_int_equal(audio.n_invalid, 12);
	for (size_t i = 0; i < audio.n_samples; i++)
	{
		bool bad = (i >= 100 && i < 110) || i == 200 || i == 300;

		assert_close(audio.samples[i], bad ? 0 : tone((double) i / 8000), 1e-6);
	}
	hml_audio_free(&ctx, &audio);
	test_host_finish(&host, &ctx);
}

static void
test_duration_limit(void **state)
{
	static const char *const files[] = {"pcm_16.wav", "pcm_16.flac", "vorbis.ogg", "tone.mp3"};
	HmlAudioLimits strict = limits;
	TestHost host;
	HmlContext ctx;
	HmlAudio audio;

	(void) state;
	strict.max_seconds = 0.4;
	test_host_init(&host, &ctx);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
	{
		unsigned char *bytes;
		size_t length = corpus_file(&ctx, files[i], &bytes);

		assert_status(&ctx, hml_audio_decode(&ctx, bytes, length, &strict, &audio), HML_LIMIT);
		assert_message(&ctx, "longer than the limit of 0.4 seconds");
		hml_free(&ctx, bytes);
	}
	test_host_finish(&host, &ctx);
}

/* Every prefix of a file, and every byte of its first ones turned over, is decoded or refused. */
static void
test_mutilated_files(void **state)
{
	static const char *const files[] = {"pcm_16.wav", "ima_adpcm.wav", "pcm_16.flac",
										"vorbis.ogg", "opus.ogg",      "cover.flac"};
	TestHost host;
	HmlContext ctx;
	HmlAudio audio;

	(void) state;
	test_host_init(&host, &ctx);
	for (size_t f = 0; f < sizeof(files) / sizeof(files[0]); f++)
	{
		unsigned char *bytes;
		size_t length = corpus_file(&ctx, files[f], &bytes);

		for (size_t i = 0; i < length; i += i < 200 ? 1 : 97)
		{
			if (hml_audio_decode(&ctx, bytes, i, &limits, &audio) == HML_OK)
				hml_audio_free(&ctx, &audio);
			bytes[i] ^= 0xff;
			if (hml_audio_decode(&ctx, bytes, length, &limits, &audio) == HML_OK)
				hml_audio_free(&ctx, &audio);
			bytes[i] ^= 0xff;
		}
		hml_free(&ctx, bytes);
	}
	test_host_finish(&host, &ctx);
}

static void
describe(const float *samples, size_t n, HmlAudioInfo *info)
{
	TestHost host;
	HmlContext ctx;
	HmlAudio audio = {.n_samples = n, .sample_rate = 4000};

	test_host_init(&host, &ctx);
	assert_ok(&ctx, HML_NEW(&ctx, &audio.samples, n));
	memcpy(audio.samples, samples, n * sizeof(*samples));
	assert_ok(&ctx, hml_audio_describe(&ctx, &audio, info));
	hml_audio_free(&ctx, &audio);
	test_host_finish(&host, &ctx);
}

static void
test_description(void **state)
{
	float samples[8000];
	HmlAudioInfo info;

	(void) state;
	for (size_t i = 0; i < 8000; i++)
		samples[i] = (i % 2000 < 400 ? 1 : 0.001f) * (float) tone((double) i / 4000) + 0.25f;
	describe(samples, 8000, &info);
	assert_close(info.duration_s, 2, 0);
	assert_close(info.dc_offset, 0.25, 1e-3);
	assert_true(info.peak > 0.75 && info.peak < 0.85);
	assert_close(info.rms, sqrt(0.2 * (0.08 + 0.02)), 1e-3);
	assert_close(info.clipped_share, 0, 0);
	assert_true(fabs(info.snr_db - 60) < 2);
	assert_true(fabs(info.noise_db + 70) < 2);
}

static void
test_description_of_extremes(void **state)
{
	float samples[8000] = {0};
	float one = 0.5f;
	HmlAudioInfo info;

	(void) state;
	describe(samples, 8000, &info);
	assert_close(info.peak, 0, 0);
	assert_close(info.noise_db, -120, 0);
	assert_close(info.snr_db, 0, 0);
	assert_close(info.clipped_share, 0, 0);

	for (size_t i = 0; i < 8000; i++)
		samples[i] = i / 50 % 2 ? 1 : -1;
	describe(samples, 8000, &info);
	assert_close(info.clipped_share, 1, 0);
	assert_close(info.peak, 1, 0);

	for (size_t i = 0; i < 8000; i++)
		samples[i] = (float) fmin(0.4, fmax(-0.4, tone((double) i / 8000)));
	describe(samples, 8000, &info);
	assert_true(info.clipped_share > 0.05 && info.clipped_share < 0.5);

	describe(&one, 1, &info);
	assert_close(info.dc_offset, 0.5, 0);
	assert_close(info.rms, 0, 0);
}

static void
test_wav_round_trip(void **state)
{
	float samples[] = {0, 0.5f, -0.5f, 1, -1, 2, -2, NAN, 1.0f / 32768};
	static const double expected[] = {0,  0.5, -0.5,       32767.0 / 32768, -1, 32767.0 / 32768,
									  -1, -1,  1.0 / 32768};
	TestHost host;
	HmlContext ctx;
	HmlAudio audio;
	unsigned char *bytes;
	size_t length;

	(void) state;
	test_host_init(&host, &ctx);
	assert_ok(&ctx, hml_audio_write_wav(&ctx, samples, 9, 4000, &bytes, &length));
	assert_int_equal(length, 44 + 18);
	assert_ok(&ctx, hml_audio_decode(&ctx, bytes, length, &limits, &audio));
	assert_int_equal(audio.n_samples, 9);
	assert_int_equal(audio.sample_rate, 4000);
	assert_false(audio.truncated);
	for (size_t i = 0; i < 9; i++)
		assert_close(audio.samples[i], expected[i], 0);
	hml_audio_free(&ctx, &audio);
	hml_free(&ctx, bytes);
	assert_status(&ctx, hml_audio_write_wav(&ctx, samples, SIZE_MAX / 8, 4000, &bytes, &length), HML_LIMIT);
	test_host_finish(&host, &ctx);
}

typedef struct Bytes
{
	const unsigned char *data;
	size_t length;
} Bytes;

static HmlStatus
decode_and_describe(HmlContext *ctx, void *argument)
{
	const Bytes *bytes = argument;
	HmlAudio audio;
	HmlAudioInfo info;
	HmlStatus status;

	HML_TRY(hml_audio_decode(ctx, bytes->data, bytes->length, &limits, &audio));
	status = hml_audio_describe(ctx, &audio, &info);
	hml_audio_free(ctx, &audio);
	return status;
}

/* ASan watches that libsndfile's handle is closed on each of these ways out. */
static void
test_failures(void **state)
{
	static const char *const files[] = {"pcm_16.wav", "pcm_16.flac", "vorbis.ogg", "opus.ogg", "tone.mp3"};
	TestHost host;
	HmlContext ctx;

	(void) state;
	test_host_init(&host, &ctx);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
	{
		unsigned char *data;
		Bytes bytes = {.length = corpus_file(&ctx, files[i], &data)};

		bytes.data = data;
		test_allocation_sweep(decode_and_describe, &bytes);
		test_cancellation_sweep(decode_and_describe, &bytes);
		hml_free(&ctx, data);
	}
	test_host_finish(&host, &ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_stereo_is_averaged),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_unusable_samples_become_silence),
		cmocka_unit_test(test_duration_limit),
		cmocka_unit_test(test_mutilated_files),
		cmocka_unit_test(test_description),
		cmocka_unit_test(test_description_of_extremes),
		cmocka_unit_test(test_wav_round_trip),
		cmocka_unit_test(test_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
