/*
 * test_select.c
 *	  Quantiles by selection against quantiles of sorted values; sorting of texts.
 */
#include "unit/support.h"

#include <float.h>

#include "core/base/rng.h"
#include "core/base/select.h"
#include "core/base/sort.h"
#include "core/model/calibration.h"
#include "core/stats/quantile.h"

#define MAX_VALUES 20000
#define N_PROBABILITIES 9

static const double probabilities[N_PROBABILITIES] = {1, 0, 0.5, 0.05, 0.25, 0.75, 0.95, 0.999, 1.0 / 3};
static double values[MAX_VALUES], sorted[MAX_VALUES];

/* Data of many shapes: the last ones crowd into one bucket, at one end or both. */
static void
fill(size_t n, int kind, HmlRng *rng)
{
	static const double extremes[] = {-1e300, -DBL_MIN, -4.9e-324, -0.0, 0.0, 4.9e-324, 1e300};

	for (size_t i = 0; i < n; i++)
		switch (kind)
		{
			case 0:
				values[i] = hml_rng_normal(rng);
				break;
			case 1:
				values[i] = (double) hml_rng_below(rng, 5);
				break;
			case 2:
				values[i] = 7;
				break;
			case 3:
				values[i] = ldexp(hml_rng_normal(rng), (int) hml_rng_below(rng, 1800) - 900);
				break;
			case 4:
				values[i] = extremes[hml_rng_below(rng, 7)];
				break;
			case 5:
				values[i] = i == n / 2 ? 1e300 : 1 + 1e-9 * hml_rng_uniform(rng);
				break;
			default:
				values[i] = (i % 2 == 0 ? -1e200 : 1e200) * (1 + 1e-12 * hml_rng_uniform(rng));
				break;
		}
}

static void
equals_sorting(void **state)
{
	static const size_t sizes[] = {1, 2, 3, 10, 2047, 2049, MAX_VALUES};
	double out[N_PROBABILITIES];
	TestHost host;
	HmlContext ctx;
	HmlRng rng;

	(void) state;
	test_host_init(&host, &ctx);
	hml_rng_seed(&rng, 5);
	for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++)
		for (int kind = 0; kind < 7; kind++)
		{
			fill(sizes[s], kind, &rng);
			memcpy(sorted, values, sizeof(values));
			assert_ok(&ctx, hml_quantiles(&ctx, values, sizes[s], probabilities, N_PROBABILITIES, out));
			assert_ok(&ctx, hml_sort_doubles(&ctx, sorted, sizes[s]));
			for (size_t i = 0; i < N_PROBABILITIES; i++)
				assert_true(out[i] == hml_quantile(sorted, sizes[s], probabilities[i]));
		}
	test_host_finish(&host, &ctx);
}

static HmlStatus
select_all(HmlContext *ctx, void *argument)
{
	double out[HML_MAX_QUANTILES];

	(void) argument;
	return hml_quantiles(ctx, values, MAX_VALUES, probabilities, N_PROBABILITIES, out);
}

static void
survives_failures(void **state)
{
	HmlRng rng;

	(void) state;
	hml_rng_seed(&rng, 6);
	fill(MAX_VALUES, 1, &rng);
	test_allocation_sweep(select_all, NULL);
	test_cancellation_sweep(select_all, NULL);
}

/* In order, and each still as often as it was. */
static void
sorts_texts(void **state)
{
	static char texts[1000][8];
	const char *pointers[1000];
	HmlRng rng;

	(void) state;
	hml_rng_seed(&rng, 7);
	for (size_t n = 0; n <= 1000; n = n < 10 ? n + 1 : n * 10)
	{
		uint64_t before = 0;
		uint64_t after = 0;

		for (size_t i = 0; i < n; i++)
		{
			sprintf(texts[i], "%c%u", hml_rng_below(&rng, 2) == 0 ? 'a' : '\xe4',
					(unsigned) hml_rng_below(&rng, 200));
			pointers[i] = texts[i];
			before += (uintptr_t) pointers[i];
		}
		hml_sort_texts(pointers, n);
		for (size_t i = 0; i < n; i++)
		{
			assert_true(i == 0 || strcmp(pointers[i - 1], pointers[i]) <= 0);
			assert_true(i == 0 || pointers[i - 1] != pointers[i]);
			after += (uintptr_t) pointers[i];
		}
		assert_true(before == after);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equals_sorting),
		cmocka_unit_test(survives_failures),
		cmocka_unit_test(sorts_texts),
	};

	return cmocka_run_group_tests_name("select", tests, NULL, NULL);
}
