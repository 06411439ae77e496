/*
 * test_heart_sound_model.c
 *	  The model of heart sounds that is shipped.
 */
#include "unit/support.h"

#include "core/heart/heart_modality.h"
#include "core/heart/heart_sound_algorithm.h"
#include "core/model/verdict.h"
#include "core/signal/audio/audio_reader.h"

#define MODEL "models/heart_sound.hml"
#define HEARTS 12

static unsigned char bytes[4 * 1024 * 1024];

/* Into 'bytes'; 0 where there is no such file. */
static size_t
read_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	size_t length;

	if (file == NULL)
		return 0;
	length = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	return length;
}

static HmlModel *
read_model(HmlContext *ctx)
{
	size_t length = read_file(MODEL);
	HmlModel *model;

	assert_ok(ctx, hml_model_read(ctx, bytes, length, &model));
	assert_ptr_equal(model->algorithm, &hml_heart_sound_cnn);
	return model;
}

static double
judge(HmlContext *ctx, const HmlModel *model, const unsigned char *recording, size_t length)
{
	static const HmlAudioLimits limits = HML_AUDIO_LIMITS_DEFAULT;
	static char scratch[1024 * 1024];
	HmlSamples row;
	HmlAudio audio;
	HmlSignal signal;
	HmlEncodedSignal encoding = {0};
	HmlArena *arena;
	double p;

	assert_true(model->algorithm->scratch_size(model) <= sizeof(scratch));
	assert_ok(ctx, hml_audio_decode(ctx, recording, length, &limits, &audio));
	signal = hml_audio_signal(&audio);
	assert_ok(ctx, hml_arena_create(ctx, &arena));
	assert_ok(ctx, hml_heart_encoder.encode(arena, model, &signal, &encoding));
	row = hml_sample_rows(encoding.values, 1);
	assert_ok(ctx, hml_model_score(model, ctx, scratch, &row, &p));
	hml_arena_free(arena);
	hml_audio_free(ctx, &audio);
	assert_true(p > 0 && p < 1);
	return p;
}

static double
probability(HmlContext *ctx, const HmlModel *model, double bpm, HmlMurmur murmur, uint64_t seed)
{
	HmlSyntheticHeart heart = {10, bpm, murmur, 0.003, seed};
	unsigned char *recording;
	size_t length;
	double p;

	assert_ok(ctx, hml_synthetic_heart_sound(ctx, &heart, &recording, &length));
	p = judge(ctx, model, recording, length);
	hml_free(ctx, recording);
	return p;
}

static void
test_hears_murmurs(void **state)
{
	TestHost host;
	HmlContext ctx;
	HmlModel *model;
	int right = 0;

	(void) state;
	test_host_init(&host, &ctx);
	model = read_model(&ctx);
	for (uint64_t i = 0; i < HEARTS; i++)
	{
		double bpm = 55 + 4 * (double) i;
		double healthy = probability(&ctx, model, bpm, HML_MURMUR_NONE, i);
		double ill = probability(&ctx, model, bpm, HML_MURMUR_SYSTOLIC, i);

		assert_true(ill > healthy);
		right += (healthy < 0.5) + (ill > 0.5);
	}
	if (right < 2 * HEARTS * 9 / 10)
		fail_msg("only %d of %d synthetic hearts are judged right", right, 2 * HEARTS);
	hml_model_free(model);
	test_host_finish(&host, &ctx);
}

/* ---- what changes nothing --------------------------------------------------------------------------- */

#define RATE HML_SYNTHETIC_RATE
#define HEART_S 12
#define MOST_SILENCE_S 20
#define HISS 0.001f /* of full scale */
#define WAV_HEADER 44

/* Samples of a synthetic heart, (HEART_S * RATE). */
static void
make_heart(HmlContext *ctx, double bpm, HmlMurmur murmur, double noise, float *samples)
{
	HmlSyntheticHeart heart = {HEART_S, bpm, murmur, noise, 3};
	unsigned char *recording;
	size_t length;

	assert_ok(ctx, hml_synthetic_heart_sound(ctx, &heart, &recording, &length));
	assert_int_equal(length, WAV_HEADER + 2 * HEART_S * RATE);
	for (size_t i = 0; i < HEART_S * RATE; i++)
		samples[i] =
			(float) (int16_t) (recording[WAV_HEADER + 2 * i] | recording[WAV_HEADER + 2 * i + 1] << 8) /
			32768;
	hml_free(ctx, recording);
}

static double
judge_samples(HmlContext *ctx, const HmlModel *model, const float *samples, size_t n)
{
	unsigned char *recording;
	size_t length;
	double p;

	assert_ok(ctx, hml_audio_write_wav(ctx, samples, n, RATE, &recording, &length));
	p = judge(ctx, model, recording, length);
	hml_free(ctx, recording);
	return p;
}

static float
pseudo_noise(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (float) (*state >> 40) / (float) (1 << 23) - 1;
}

/* 'heart' with silence of n samples before sample 'at'. */
static size_t
with_silence(const float *heart, size_t at, size_t n, float hiss, float *out)
{
	uint64_t state = 1;

	memcpy(out, heart, at * sizeof(*out));
	for (size_t i = 0; i < n; i++)
		out[at + i] = hiss * pseudo_noise(&state);
	memcpy(out + at + n, heart + at, (HEART_S * RATE - at) * sizeof(*out));
	return HEART_S * RATE + n;
}

static void
test_silence_changes_nothing(void **state)
{
	static const double noises[] = {0.01, 0.03};
	static const double rates[] = {50, 64, 72, 90, 150};
	static const size_t seconds[] = {1, 3, 5, MOST_SILENCE_S};
	static const size_t places[] = {0, 5 * RATE + 700, HEART_S * RATE};
	static float heart[HEART_S * RATE];
	static float longer[(HEART_S + MOST_SILENCE_S) * RATE];
	TestHost host;
	HmlContext ctx;
	HmlModel *model;

	(void) state;
	test_host_init(&host, &ctx);
	model = read_model(&ctx);
	for (size_t i = 0; i < 2 * sizeof(rates) / sizeof(rates[0]); i++)
	{
		double bpm = rates[i / 2];
		double noise = noises[i % 2];
		double p;

		make_heart(&ctx, bpm, HML_MURMUR_NONE, noise, heart);
		p = judge_samples(&ctx, model, heart, HEART_S * RATE);
		assert_true(p < 0.5);
		for (size_t k = 0; k < 24; k++)
		{
			size_t n =
				with_silence(heart, places[k % 3], seconds[k / 3 % 4] * RATE, k < 12 ? 0 : HISS, longer);
			double silent = judge_samples(&ctx, model, longer, n);

			if (!(silent < 0.5 && fabs(silent - p) < 0.35))
				fail_msg("%g a minute, noise %g, %zu s of %s: %g, not %g", bpm, noise, seconds[k / 3 % 4],
						 k < 12 ? "zeros" : "hiss", silent, p);
		}
	}
	hml_model_free(model);
	test_host_finish(&host, &ctx);
}

/* Down to a peak of 100 of 32,768. */
static void
test_level_changes_nothing(void **state)
{
	static const double noises[] = {0, 0.003, 0.01, 0.03};
	static float heart[HEART_S * RATE];
	TestHost host;
	HmlContext ctx;
	HmlModel *model;

	(void) state;
	test_host_init(&host, &ctx);
	model = read_model(&ctx);
	for (size_t i = 0; i < 8; i++)
	{
		float peak = 0;
		double p;
		double faint;

		make_heart(&ctx, 72, i < 4 ? HML_MURMUR_NONE : HML_MURMUR_SYSTOLIC, noises[i % 4], heart);
		p = judge_samples(&ctx, model, heart, HEART_S * RATE);
		for (size_t s = 0; s < HEART_S * RATE; s++)
			peak = fmaxf(peak, fabsf(heart[s]));
		for (size_t s = 0; s < HEART_S * RATE; s++)
			heart[s] *= 100.0f / 32768 / peak;
		faint = judge_samples(&ctx, model, heart, HEART_S * RATE);
		if ((faint > 0.5) != (p > 0.5))
			fail_msg("murmur %d, noise %g: %g, not %g", i >= 4, noises[i % 4], faint, p);
	}
	hml_model_free(model);
	test_host_finish(&host, &ctx);
}

/* Newborns and slow hearts are as healthy as others. */
static void
test_rate_changes_nothing(void **state)
{
	static const double rates[] = {30, 33, 36, 60, 120, 150, 165, 180, 200, 220, 240};
	static float heart[HEART_S * RATE];
	TestHost host;
	HmlContext ctx;
	HmlModel *model;

	(void) state;
	test_host_init(&host, &ctx);
	model = read_model(&ctx);
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++)
	{
		double p;

		make_heart(&ctx, rates[i], HML_MURMUR_NONE, 0.01, heart);
		p = judge_samples(&ctx, model, heart, HEART_S * RATE);
		if (!(p < 0.5))
			fail_msg("a healthy heart of %g a minute is abnormal with %g", rates[i], p);
	}
	hml_model_free(model);
	test_host_finish(&host, &ctx);
}

/* Made of all four databases, with the expert; the gate takes no synthetic heart for one of theirs. */
static void
test_parts(void **state)
{
	TestHost host;
	HmlContext ctx;
	HmlModel *model;
	const HmlHeartNetwork *network;
	float features[HML_HEART_FEATURES] = {0};

	(void) state;
	test_host_init(&host, &ctx);
	model = read_model(&ctx);
	network = model->impl;
	assert_int_equal(model->trained_rows, 2613);
	assert_int_equal(model->pipeline->n_features, HML_HEART_FEATURES);
	assert_int_equal(network->clinics.n, 4);
	assert_true(network->slope > 0);
	assert_close(hml_heart_familiarity(&network->clinics, features), 0, 0);
	hml_model_free(model);
	test_host_finish(&host, &ctx);
}

/* The recording 'name' of a folder in four formats. */
static void
check_formats(HmlContext *ctx, const HmlModel *model, const char *folder, const char *name)
{
	static const char *const formats[] = {"flac", "mp3", "ogg", "opus"};
	double first = 0;

	for (size_t f = 0; f < 4; f++)
	{
		char path[4096];
		size_t length;
		double p;

		snprintf(path, sizeof(path), "%s/%s.%s", folder, name, formats[f]);
		length = read_file(path);
		assert_true(length > 0);
		p = judge(ctx, model, bytes, length);
		first = f == 0 ? p : first;
		assert_close(p, first, 0.05);
	}
}

/* Neither the container nor the rate that a codec needs makes a stethoscope a stranger. */
static void
test_formats_are_judged_alike(void **state)
{
	static const char *const recordings[] = {"a0001", "a0007", "b0001"};
	const char *shared;
	TestHost host;
	HmlContext ctx;
	HmlModel *model;

	(void) state;
	test_host_init(&host, &ctx);
	model = read_model(&ctx);
	check_formats(&ctx, model, "test/golden/heart", "healthy");
	shared = test_shared_file("HEALTHML_DATA", "audio_formats/a0001.flac");
	for (size_t i = 0; i < 3 && shared != NULL; i++)
	{
		char folder[4096];

		snprintf(folder, sizeof(folder), "%.*s", (int) (strlen(shared) - strlen("/a0001.flac")), shared);
		check_formats(&ctx, model, folder, recordings[i]);
	}
	hml_model_free(model);
	test_host_finish(&host, &ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hears_murmurs),
		cmocka_unit_test(test_silence_changes_nothing),
		cmocka_unit_test(test_level_changes_nothing),
		cmocka_unit_test(test_rate_changes_nothing),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_formats_are_judged_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
