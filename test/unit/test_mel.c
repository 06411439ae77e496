/*
 * test_mel.c
 *	  Mel spectrograms and decibels against librosa.
 */
#include "unit/support.h"

#include "core/signal/dsp/mel.h"
#include "unit/signal_support.h"

static const HmlMelSpec specs[] = {
	{4000, 512, 128, 128, 0, 2000, HML_PAD_CONSTANT},
	{4000, 256, 80, 48, 25, 800, HML_PAD_REFLECT},
	{16000, 400, 300, 40, 0, 8000, HML_PAD_REFLECT},
};

static void
check_against_librosa(int number)
{
	char path[64];
	TestHost host;
	HmlContext ctx;
	HmlArena *arena;
	HmlMel *mel;
	TestTable *expected;
	float *signal;
	float *power;
	float *db;
	size_t n;
	size_t cells;

	snprintf(path, sizeof(path), "test/golden/signal/mel_%d.csv", number);
	expected = test_read_table(path);
	test_host_init(&host, &ctx);
	n = golden_signal(&ctx, &signal);
	assert_ok(&ctx, hml_arena_create(&ctx, &arena));
	assert_ok(&ctx, hml_mel_create(arena, &specs[number], &mel));
	cells = hml_mel_frames(mel, n) * (size_t) specs[number].n_mels;
	assert_int_equal(cells, expected->rows);
	assert_ok(&ctx, HML_NEW(&ctx, &power, cells));
	assert_ok(&ctx, HML_NEW(&ctx, &db, cells));
	assert_ok(&ctx, hml_mel_spectrogram(&ctx, mel, signal, n, power));

	memcpy(db, power, cells * sizeof(*db));
	hml_power_to_db(db, cells, 1, 1e-10f, 80);
	for (size_t i = 0; i < cells; i++)
	{
		assert_close(power[i], test_number(expected, i, 0), 1e-5);
		assert_true(fabs(db[i] - test_number(expected, i, 1)) <= 1e-3);
	}
	hml_power_to_db(power, cells, HML_DB_REF_MAX, 1e-10f, 60);
	for (size_t i = 0; i < cells; i++)
		assert_true(fabs(power[i] - test_number(expected, i, 2)) <= 1e-3);

	hml_free(&ctx, db);
	hml_free(&ctx, power);
	hml_free(&ctx, signal);
	hml_arena_free(arena);
	test_free_table(expected);
	test_host_finish(&host, &ctx);
}

static void
test_golden(void **state)
{
	(void) state;
	for (int number = 0; number < 3; number++)
		check_against_librosa(number);
}

/* Signals shorter than a window, down to one sample, are mirrored as often as needed. */
static void
test_short_signals(void **state)
{
	TestHost host;
	HmlContext ctx;
	HmlArena *arena;
	HmlMel *mel;
	float samples[600];
	float out[48 * 8];

	(void) state;
	for (int i = 0; i < 600; i++)
		samples[i] = 1;
	test_host_init(&host, &ctx);
	assert_ok(&ctx, hml_arena_create(&ctx, &arena));
	assert_ok(&ctx, hml_mel_create(arena, &specs[1], &mel));
	for (size_t n = 1; n < 600; n += n < 10 ? 1 : 37)
	{
		assert_int_equal(hml_mel_frames(mel, n), 1 + n / 80);
		assert_ok(&ctx, hml_mel_spectrogram(&ctx, mel, samples, n, out));
		/* A constant, mirrored for ever, has nothing from 25 Hz upwards but the window's skirt. */
		for (size_t i = 0; i < 48 * hml_mel_frames(mel, n); i++)
			assert_in_range((int) (out[i] * 1e3f), 0, 40);
	}
	hml_arena_free(arena);
	test_host_finish(&host, &ctx);
}

static void
test_decibels(void **state)
{
	float values[] = {1, 0, 1e-30f, 100, 2, 1e-10f, NAN, 1e30f};
	float nothing[] = {0, 0};

	(void) state;
	hml_power_to_db(values, 8, 1, 1e-10f, -1);
	assert_close(values[0], 0, 1e-6);
	assert_close(values[1], -100, 1e-5);
	assert_close(values[2], -100, 1e-5);
	assert_close(values[3], 20, 1e-5);
	assert_close(values[4], 3.0103, 1e-5);
	assert_close(values[5], -100, 1e-5);
	assert_close(values[6], -100, 1e-5);
	assert_close(values[7], 300, 1e-5);
	hml_power_to_db(values, 0, 1, 1e-10f, 80);
	hml_power_to_db(nothing, 2, HML_DB_REF_MAX, 1e-10f, 80);
	assert_close(nothing[0], 0, 0);
	assert_close(nothing[1], 0, 0);
}

/* Every power of ten and what lies between, against libm. */
static void
test_logarithm(void **state)
{
	(void) state;
	for (double x = 1e-30; x < 1e30; x *= 1.0173)
	{
		float value = (float) x;

		hml_power_to_db(&value, 1, 1, 1e-37f, -1);
		assert_true(fabs(value - 10 * log10((float) x)) <= 3e-5);
	}
}

static void
test_bad_specs(void **state)
{
	TestHost host;
	HmlContext ctx;
	HmlArena *arena;
	HmlMel *mel;

	(void) state;
	test_host_init(&host, &ctx);
	assert_ok(&ctx, hml_arena_create(&ctx, &arena));
#define REFUSED(...) \
	assert_status(&ctx, hml_mel_create(arena, &(HmlMelSpec){__VA_ARGS__}, &mel), HML_INVALID_ARGUMENT)
	REFUSED(0, 512, 128, 128, 0, 2000, HML_PAD_CONSTANT);
	REFUSED(NAN, 512, 128, 128, 0, 2000, HML_PAD_CONSTANT);
	REFUSED(4000, 0, 128, 128, 0, 2000, HML_PAD_CONSTANT);
	REFUSED(4000, 511, 128, 128, 0, 2000, HML_PAD_CONSTANT);
	REFUSED(4000, 1 << 20, 128, 128, 0, 2000, HML_PAD_CONSTANT);
	REFUSED(4000, 512, 0, 128, 0, 2000, HML_PAD_CONSTANT);
	REFUSED(4000, 512, 128, 0, 0, 2000, HML_PAD_CONSTANT);
	REFUSED(4000, 512, 128, HML_MEL_MAX_BANDS + 1, 0, 2000, HML_PAD_CONSTANT);
	REFUSED(4000, 512, 128, 128, -1, 2000, HML_PAD_CONSTANT);
	REFUSED(4000, 512, 128, 128, 2000, 2000, HML_PAD_CONSTANT);
	REFUSED(4000, 512, 128, 128, 0, 2001, HML_PAD_CONSTANT);
	REFUSED(4000, 512, 128, 128, 0, NAN, HML_PAD_CONSTANT);
	assert_message(&ctx, "4000 Hz");
	hml_arena_free(arena);
	test_host_finish(&host, &ctx);
}

static HmlStatus
mel_of_zeros(HmlContext *ctx, void *argument)
{
	static const float zeros[40000];
	static float out[48 * 501];
	HmlArena *arena;
	HmlMel *mel;
	HmlStatus status;

	(void) argument;
	HML_TRY(hml_arena_create(ctx, &arena));
	status = hml_mel_create(arena, &specs[1], &mel);
	if (status == HML_OK)
		status = hml_mel_spectrogram(ctx, mel, zeros, 40000, out);
	hml_arena_free(arena);
	return status;
}

static void
test_failures(void **state)
{
	(void) state;
	test_allocation_sweep(mel_of_zeros, NULL);
	test_cancellation_sweep(mel_of_zeros, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),    cmocka_unit_test(test_short_signals),
		cmocka_unit_test(test_decibels),  cmocka_unit_test(test_logarithm),
		cmocka_unit_test(test_bad_specs), cmocka_unit_test(test_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
