/*
 * test_fft.c
 *	  The real transform against the sum that defines it, and its plans.
 */
#include "unit/support.h"

#include "core/base/rng.h"
#include "core/signal/dsp/fft.h"

static HmlStatus
check_transform(HmlContext *ctx, size_t n)
{
	HmlRng rng;
	const HmlFft *fft;
	float *frame;
	float *copy;
	float *spectrum;

	HML_TRY(hml_fft_plan(ctx, n, &fft));
	assert_ok(ctx, HML_NEW(ctx, &frame, n));
	assert_ok(ctx, HML_NEW(ctx, &copy, n));
	assert_ok(ctx, HML_NEW(ctx, &spectrum, n + 2));
	hml_rng_seed(&rng, n);
	for (size_t t = 0; t < n; t++)
		frame[t] = copy[t] = (float) hml_rng_normal(&rng);
	hml_fft_forward(fft, frame, spectrum);
	for (size_t k = 0; k <= n / 2; k++)
	{
		double re = 0;
		double im = 0;

		for (size_t t = 0; t < n; t++)
		{
			double angle = 2 * acos(-1.0) * (double) (k * t % n) / (double) n;

			re += copy[t] * cos(angle);
			im -= copy[t] * sin(angle);
		}
		assert_close(spectrum[2 * k], re, 1e-6 * (double) n);
		assert_close(spectrum[2 * k + 1], im, 1e-6 * (double) n);
	}
	hml_free(ctx, spectrum);
	hml_free(ctx, copy);
	hml_free(ctx, frame);
	return HML_OK;
}

static void
test_transform(void **state)
{
	static const size_t sizes[] = {2, 4, 6, 30, 256, 512, 998};
	TestHost host;
	HmlContext ctx;

	(void) state;
	test_host_init(&host, &ctx);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		assert_ok(&ctx, check_transform(&ctx, sizes[i]));
	test_host_finish(&host, &ctx);
}

static void
test_plans_are_kept_and_replaced(void **state)
{
	TestHost host;
	HmlContext ctx;
	const HmlFft *first;
	const HmlFft *again;
	size_t allocations;

	(void) state;
	test_host_init(&host, &ctx);
	assert_ok(&ctx, hml_fft_plan(&ctx, 1024, &first));
	allocations = host.allocations;
	assert_ok(&ctx, hml_fft_plan(&ctx, 1024, &again));
	assert_ptr_equal(first, again);
	assert_int_equal(host.allocations, allocations);
	for (size_t n = 0; n < 3 * HML_FFT_MAX_PLANS; n++)
		assert_ok(&ctx, check_transform(&ctx, 20 + 2 * n));
	test_host_finish(&host, &ctx);
}

static void
test_bad_sizes(void **state)
{
	static const size_t sizes[] = {0, 1, 3, 511, HML_FFT_MAX_SIZE + 2, SIZE_MAX};
	TestHost host;
	HmlContext ctx;
	const HmlFft *fft;

	(void) state;
	test_host_init(&host, &ctx);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		assert_status(&ctx, hml_fft_plan(&ctx, sizes[i], &fft), HML_INVALID_ARGUMENT);
	assert_message(&ctx, "65536");
	test_host_finish(&host, &ctx);
}

/* A size of its own, so that there is something to plan. */
static HmlStatus
plan_something(HmlContext *ctx, void *argument)
{
	const HmlFft *fft;
	size_t *size = argument;

	*size += 2;
	return hml_fft_plan(ctx, *size, &fft);
}

static void
test_failures(void **state)
{
	size_t size = 2000;

	(void) state;
	test_allocation_sweep(plan_something, &size);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_transform),
		cmocka_unit_test(test_plans_are_kept_and_replaced),
		cmocka_unit_test(test_bad_sizes),
		cmocka_unit_test(test_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
