/*
 * test_resample.c
 *	  Resampling against soxr's own Python binding, and its limits.
 */
#include "unit/support.h"

#include "core/signal/dsp/resample.h"
#include "unit/signal_support.h"

static void
check_against_soxr(double from, double to)
{
	char path[64];
	TestHost host;
	HmlContext ctx;
	TestTable *expected;
	float *in;
	float *out;
	size_t n;
	size_t n_out;

	snprintf(path, sizeof(path), "test/golden/signal/resample_%g_%g.csv", from, to);
	expected = test_read_table(path);
	test_host_init(&host, &ctx);
	n = golden_signal(&ctx, &in);
	assert_ok(&ctx, hml_resample(&ctx, in, n, from, to, &out, &n_out));
	assert_int_equal(n_out, expected->rows);
	for (size_t i = 0; i < n_out; i++)
		assert_close(out[i], test_number(expected, i, 0), 1e-6);
	hml_free(&ctx, out);
	hml_free(&ctx, in);
	test_free_table(expected);
	test_host_finish(&host, &ctx);
}

static void
test_golden(void **state)
{
	(void) state;
	check_against_soxr(2000, 4000);
	check_against_soxr(44100, 4000);
	check_against_soxr(4000, 3000);
}

/* A sine of 100 Hz is one at any rate, also across the borders of chunks. */
static void
test_long_sine(void **state)
{
	const size_t n = 100000;
	const double pi = acos(-1.0);
	TestHost host;
	HmlContext ctx;
	float *in;
	float *out;
	size_t n_out;

	(void) state;
	test_host_init(&host, &ctx);
	assert_ok(&ctx, HML_NEW(&ctx, &in, n));
	for (size_t i = 0; i < n; i++)
		in[i] = (float) sin(2 * pi * 100 * (double) i / 8000);
	assert_ok(&ctx, hml_resample(&ctx, in, n, 8000, 4000, &out, &n_out));
	assert_int_equal(n_out, n / 2);
	for (size_t i = 200; i < n_out - 200; i++)
		assert_close(out[i], sin(2 * pi * 100 * (double) i / 4000), 1e-5);
	hml_free(&ctx, out);
	hml_free(&ctx, in);
	test_host_finish(&host, &ctx);
}

static void
test_lengths(void **state)
{
	static const size_t lengths[] = {0, 1, 2, 3, 7, 100, 16384, 16385, 40000};
	TestHost host;
	HmlContext ctx;
	float *in;
	float *out;
	size_t n_out;

	(void) state;
	test_host_init(&host, &ctx);
	assert_ok(&ctx, HML_NEW_ZERO(&ctx, &in, 40000));
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		for (double to = 1000; to <= 8000; to *= 2)
		{
			assert_ok(&ctx, hml_resample(&ctx, in, lengths[i], 2000, to, &out, &n_out));
			assert_int_equal(n_out, floor((double) lengths[i] * to / 2000 + 0.5));
			for (size_t k = 0; k < n_out; k++)
				assert_true(out[k] == 0);
			hml_free(&ctx, out);
		}
	hml_free(&ctx, in);
	test_host_finish(&host, &ctx);
}

static void
test_bad_rates(void **state)
{
	static const double rates[][2] = {{0, 4000},        {4000, 0}, {-1, 4000}, {NAN, 4000},
									  {4000, INFINITY}, {1, 4000}, {1e7, 100}};
	TestHost host;
	HmlContext ctx;
	float in[1] = {0};
	float *out;
	size_t n_out;

	(void) state;
	test_host_init(&host, &ctx);
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++)
		assert_status(&ctx, hml_resample(&ctx, in, 1, rates[i][0], rates[i][1], &out, &n_out),
					  HML_INVALID_ARGUMENT);
	test_host_finish(&host, &ctx);
}

static HmlStatus
resample_zeros(HmlContext *ctx, void *argument)
{
	static const float zeros[50000];
	float *out;
	size_t n_out;

	(void) argument;
	HML_TRY(hml_resample(ctx, zeros, 50000, 2000, 4000, &out, &n_out));
	hml_free(ctx, out);
	return HML_OK;
}

static void
test_failures(void **state)
{
	(void) state;
	test_allocation_sweep(resample_zeros, NULL);
	test_cancellation_sweep(resample_zeros, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),    cmocka_unit_test(test_long_sine), cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_bad_rates), cmocka_unit_test(test_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
