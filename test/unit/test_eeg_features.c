/*
 * test_eeg_features.c
 *	  Features of synthetic EEGs: what they say of patterns, the same when left and right
 *	  are exchanged, and of recordings that hold nothing.
 */
#include "unit/support.h"

#include "core/eeg/eeg_features.h"
#include "core/eeg/eeg_synthetic.h"

#define SECONDS 50
#define N (SECONDS * HML_EEG_RATE)

typedef struct Featured
{
	TestHost host;
	HmlContext ctx;
	HmlArena *arena;
	double features[HML_EEG_FEATURES];
} Featured;

static void
begin(Featured *featured)
{
	test_host_init(&featured->host, &featured->ctx);
	assert_ok(&featured->ctx, hml_arena_create(&featured->ctx, &featured->arena));
}

static void
finish(Featured *featured)
{
	hml_arena_free(featured->arena);
	test_host_finish(&featured->host, &featured->ctx);
}

/* Of electrodes (19, n); the middle of them is judged. */
static void
measure(Featured *featured, const float *electrodes, size_t n)
{
	HmlEegFeatureSpace *space;
	HmlEegBanana banana;

	assert_ok(&featured->ctx, hml_eeg_banana(featured->arena, electrodes, n, n, &banana));
	assert_ok(&featured->ctx, hml_eeg_feature_space(featured->arena, &space));
	assert_ok(&featured->ctx, hml_eeg_features(&featured->ctx, space, &banana, (double) n / HML_EEG_RATE / 2,
											   featured->features));
}

static float *
make_eeg(Featured *featured, HmlEegClass pattern)
{
	HmlSyntheticEeg eeg = {.pattern = pattern,
						   .seconds = SECONDS,
						   .seed = 4,
						   .head = 9,
						   .frequency_hz = 1,
						   .amplitude_uv = 200,
						   .from_s = 0,
						   .to_s = SECONDS};
	unsigned votes[HML_EEG_CLASSES];
	float *samples;

	assert_ok(&featured->ctx, hml_synthetic_eeg(&featured->ctx, &eeg, &samples, votes));
	return samples;
}

static double
value_of(const Featured *featured, const char *name)
{
	for (size_t f = 0; f < HML_EEG_FEATURES; f++)
		if (strcmp(hml_eeg_feature_names[f], name) == 0)
			return featured->features[f];
	fail_msg("no feature \"%s\"", name);
	return NAN;
}

static double
feature_of(HmlEegClass pattern, const char *name)
{
	Featured featured;
	float *samples;
	double value;

	begin(&featured);
	samples = make_eeg(&featured, pattern);
	measure(&featured, samples, N);
	hml_free(&featured.ctx, samples);
	value = value_of(&featured, name);
	finish(&featured);
	return value;
}

static void
test_patterns(void **state)
{
	(void) state;
	assert_true(feature_of(HML_EEG_GRDA, "rhythm_mean") > 0.5 + feature_of(HML_EEG_OTHER, "rhythm_mean"));
	assert_true(feature_of(HML_EEG_GPD, "periodicity_mean") > feature_of(HML_EEG_OTHER, "periodicity_mean"));
	assert_true(feature_of(HML_EEG_LRDA, "power_asymmetry_delta") >
				2 * feature_of(HML_EEG_GRDA, "power_asymmetry_delta"));
	assert_true(feature_of(HML_EEG_LPD, "discharges_height") >
				feature_of(HML_EEG_OTHER, "discharges_height"));
	assert_true(fabs(exp(feature_of(HML_EEG_GRDA, "leading_rhythm_hz")) - 1) < 0.15);
}

/* Exchanging the hemispheres changes nothing but the order of sums. */
static void
test_mirror(void **state)
{
	Featured a;
	Featured b;
	float *samples;
	float *mirrored;

	(void) state;
	begin(&a);
	begin(&b);
	samples = make_eeg(&a, HML_EEG_LPD);
	measure(&a, samples, N);
	assert_ok(&a.ctx, HML_NEW(&a.ctx, &mirrored, HML_EEG_ELECTRODES * N));
	for (size_t e = 0; e < HML_EEG_ELECTRODES; e++)
		memcpy(mirrored + hml_electrode_mirror((HmlElectrode) e) * N, samples + e * N, N * sizeof(float));
	measure(&b, mirrored, N);
	for (size_t f = 0; f < HML_EEG_FEATURES; f++)
		if (!(fabs(a.features[f] - b.features[f]) < 1e-3))
			fail_msg("%s: %g and %g", hml_eeg_feature_names[f], a.features[f], b.features[f]);
	hml_free(&a.ctx, mirrored);
	hml_free(&a.ctx, samples);
	finish(&b);
	finish(&a);
}

/* Zeros, one value, extremes and one electrode alone give numbers; short ones no drift. */
static void
test_odd(void **state)
{
	(void) state;
	for (int kind = 0; kind < 4; kind++)
	{
		size_t n = kind == 3 ? 10 * HML_EEG_RATE : N;
		Featured featured;
		float *samples;

		begin(&featured);
		assert_ok(&featured.ctx, HML_NEW_ZERO(&featured.ctx, &samples, HML_EEG_ELECTRODES * n));
		for (size_t i = 0; i < n && kind > 0; i++)
			samples[HML_C3 * n + i] = kind == 1 ? 1e6f : (i / 100 % 2 == 0 ? 1e30f : -1e30f);
		measure(&featured, samples, n);
		for (size_t f = 0; f < HML_EEG_FEATURES; f++)
			if (!isfinite(featured.features[f]) && (kind != 3 || f < HML_EEG_FEATURES - 3))
				fail_msg("kind %d: %s is %g", kind, hml_eeg_feature_names[f], featured.features[f]);
		hml_free(&featured.ctx, samples);
		finish(&featured);
	}
}

static void
test_short(void **state)
{
	Featured featured;
	float *samples;
	HmlEegFeatureSpace *space;
	HmlEegBanana banana;
	size_t n = 3 * HML_EEG_RATE;

	(void) state;
	begin(&featured);
	assert_ok(&featured.ctx, HML_NEW_ZERO(&featured.ctx, &samples, HML_EEG_ELECTRODES * n));
	assert_ok(&featured.ctx, hml_eeg_banana(featured.arena, samples, n, n, &banana));
	assert_ok(&featured.ctx, hml_eeg_feature_space(featured.arena, &space));
	assert_int_equal(hml_eeg_features(&featured.ctx, space, &banana, 1.5, featured.features),
					 HML_INVALID_DATA);
	assert_string_equal(featured.ctx.message, "3 s are too short an EEG (at least 4 s)");
	hml_free(&featured.ctx, samples);
	finish(&featured);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_mirror),
		cmocka_unit_test(test_odd),
		cmocka_unit_test(test_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
