/*
 * test_sort.c
 *	  The radix sort against qsort, over sizes and kinds of numbers; what failures leave.
 */
#include "unit/support.h"

#include <float.h>

#include "core/base/rng.h"
#include "core/base/sort.h"

#define MAX_VALUES 5000

static int
compare(const void *a, const void *b)
{
	double x = *(const double *) a;
	double y = *(const double *) b;

	return (x > y) - (x < y);
}

/* Random numbers of one kind: few distinct ones, all signs and magnitudes, extremes. */
static void
fill(double *values, size_t n, int kind, uint64_t seed)
{
	static const double extremes[] = {-INFINITY, -DBL_MAX, -1,      -DBL_MIN, -4.9e-324, -0.0,
									  0.0,       4.9e-324, DBL_MIN, 1,        DBL_MAX,   INFINITY};
	HmlRng rng;

	hml_rng_seed(&rng, seed);
	for (size_t i = 0; i < n; i++)
	{
		if (kind == 0)
			values[i] = (double) hml_rng_below(&rng, 7);
		else if (kind == 1)
			values[i] = ldexp(hml_rng_normal(&rng), (int) hml_rng_below(&rng, 2000) - 1000);
		else
			values[i] = extremes[hml_rng_below(&rng, 12)];
	}
}

static void
sorts_like_qsort(void **state)
{
	static const size_t sizes[] = {0, 1, 2, 47, 48, 49, 50, 255, 256, 257, 1000, MAX_VALUES};
	static double values[MAX_VALUES], expected[MAX_VALUES];
	TestHost host;
	HmlContext ctx;

	(void) state;
	test_host_init(&host, &ctx);
	for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++)
		for (int kind = 0; kind < 3; kind++)
		{
			fill(values, sizes[s], kind, s + 1);
			memcpy(expected, values, sizeof(values));
			qsort(expected, sizes[s], sizeof(double), compare);
			assert_ok(&ctx, hml_sort_doubles(&ctx, values, sizes[s]));
			for (size_t i = 0; i < sizes[s]; i++)
				assert_true(values[i] == expected[i]);
		}
	test_host_finish(&host, &ctx);
}

/* Whatever happens, all values are still there. */
static HmlStatus
sort_and_check(HmlContext *ctx, void *argument)
{
	static double values[MAX_VALUES];
	HmlStatus status;

	memcpy(values, argument, sizeof(values));
	status = hml_sort_doubles(ctx, values, MAX_VALUES);
	qsort(values, MAX_VALUES, sizeof(double), compare);
	for (size_t i = 0; i < MAX_VALUES; i++)
		assert_true(values[i] == ((double *) argument)[i]);
	return status;
}

static void
failures_lose_nothing(void **state)
{
	static double sorted[MAX_VALUES];

	(void) state;
	fill(sorted, MAX_VALUES, 1, 8);
	qsort(sorted, MAX_VALUES, sizeof(double), compare);
	test_allocation_sweep(sort_and_check, sorted);
	test_cancellation_sweep(sort_and_check, sorted);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sorts_like_qsort),
		cmocka_unit_test(failures_lose_nothing),
	};

	return cmocka_run_group_tests_name("sort", tests, NULL, NULL);
}
