/*
 * test_heart_sound_model.c
 *	  The model of heart sounds that is shipped.
 */
#include "unit/support.h"

#include "core/signal/heart_sound_algorithm.h"

#define MODEL "models/heart_sound.hml"
#define HEARTS 12

static HmlModel *
read_model(HmlContext *ctx)
{
	static unsigned char bytes[4 * 1024 * 1024];
	FILE *file = fopen(MODEL, "rb");
	HmlModel *model;
	size_t length;

	assert_non_null(file);
	length = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	assert_ok(ctx, hml_model_read(ctx, bytes, length, &model));
	assert_ptr_equal(model->algorithm, &hml_heart_sound_cnn);
	return model;
}

static double
probability(HmlContext *ctx, const HmlModel *model, double bpm, HmlMurmur murmur, uint64_t seed)
{
	static const HmlAudioLimits limits = HML_AUDIO_LIMITS_DEFAULT;
	static char scratch[1024 * 1024];
	HmlSyntheticHeart heart = {10, bpm, murmur, 0.003, seed};
	double values[HML_HEART_FEATURES];
	unsigned char *bytes;
	size_t length;
	HmlAudio audio;
	double p;

	assert_true(model->algorithm->scratch_size(model) <= sizeof(scratch));
	assert_ok(ctx, hml_synthetic_heart_sound(ctx, &heart, &bytes, &length));
	assert_ok(ctx, hml_audio_decode(ctx, bytes, length, &limits, &audio));
	assert_ok(ctx, hml_heart_sound_cnn.recording->read(ctx, &audio, values));
	assert_ok(ctx, model->algorithm->score(model, ctx, scratch, values, 1, &p));
	hml_audio_free(ctx, &audio);
	hml_free(ctx, bytes);
	assert_true(p > 0 && p < 1);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hears_murmurs),
		cmocka_unit_test(test_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
