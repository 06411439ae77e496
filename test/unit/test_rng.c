/*
 * test_rng.c
 *	  xoshiro256** against an independent implementation, and its draws.
 */
#include "unit/support.h"

#include "core/base/rng.h"

static void
draw_as_text(HmlRng *rng, const char *draw, uint64_t bound, char *text, size_t size)
{
	if (strcmp(draw, "next") == 0)
		snprintf(text, size, "%ju", (uintmax_t) hml_rng_next(rng));
	else if (strcmp(draw, "below") == 0)
		snprintf(text, size, "%ju", (uintmax_t) hml_rng_below(rng, bound));
	else if (strcmp(draw, "uniform") == 0)
		snprintf(text, size, "%a", hml_rng_uniform(rng));
	else
		snprintf(text, size, "%.17g", hml_rng_normal(rng));
}

static void
seed_from_row(HmlRng *rng, const TestTable *table, size_t row)
{
	const char *stream = test_text(table, row, test_column(table, "stream"));
	uint64_t seed = strtoull(test_text(table, row, test_column(table, "seed")), NULL, 10);

	if (*stream == '\0')
		hml_rng_seed(rng, seed);
	else
		hml_rng_seed_stream(rng, seed, strtoull(stream, NULL, 10));
}

static void
test_golden_draws(void **state)
{
	TestTable *table = test_read_table("test/golden/rng.csv");
	HmlRng rng;

	(void) state;
	assert_int_equal(table->rows, 4 * 3 * 5 * 8);
	for (size_t row = 0; row < table->rows; row++)
	{
		const char *expected = test_text(table, row, test_column(table, "value"));
		const char *draw = test_text(table, row, test_column(table, "draw"));
		char actual[64];

		if (test_number(table, row, test_column(table, "index")) == 0)
			seed_from_row(&rng, table, row);
		draw_as_text(&rng, draw, strtoull(test_text(table, row, test_column(table, "bound")), NULL, 10),
					 actual, sizeof(actual));
		if (strcmp(draw, "next") == 0 || strcmp(draw, "below") == 0)
			assert_string_equal(actual, expected);
		else
			assert_close(strtod(actual, NULL), strtod(expected, NULL),
						 strcmp(draw, "normal") == 0 ? 1e-14 : 0);
	}
	test_free_table(table);
}

static void
test_streams_differ(void **state)
{
	uint64_t first[8][8];

	(void) state;
	for (uint64_t seed = 0; seed < 8; seed++)
		for (uint64_t stream = 0; stream < 8; stream++)
		{
			HmlRng rng;

			hml_rng_seed_stream(&rng, seed, stream);
			first[seed][stream] = hml_rng_next(&rng);
		}
	for (int i = 0; i < 64; i++)
		for (int j = 0; j < i; j++)
			assert_true(first[i / 8][i % 8] != first[j / 8][j % 8]);
}

static void
test_below_is_uniform(void **state)
{
	enum
	{
		BOUND = 7,
		DRAWS = 70000
	};
	size_t counts[BOUND] = {0};
	double chi_squared = 0;
	HmlRng rng;

	(void) state;
	hml_rng_seed(&rng, 1);
	assert_int_equal(hml_rng_below(&rng, 1), 0);
	for (int i = 0; i < DRAWS; i++)
		counts[hml_rng_below(&rng, BOUND)]++;
	for (int i = 0; i < BOUND; i++)
		chi_squared += pow((double) counts[i] - DRAWS / BOUND, 2) / (DRAWS / BOUND);
	assert_true(chi_squared < 22.46); /* 0.999 quantile, 6 degrees of freedom */
}

static void
test_normal_moments(void **state)
{
	enum
	{
		DRAWS = 100000
	};
	double sums[5] = {0};
	HmlRng rng;

	(void) state;
	hml_rng_seed(&rng, 2);
	for (int i = 0; i < DRAWS; i++)
	{
		double x = hml_rng_normal(&rng);

		for (int power = 1; power <= 4; power++)
			sums[power] += pow(x, power);
	}
	/* Four standard errors of each moment of N(0,1). */
	assert_true(fabs(sums[1] / DRAWS - 0) < 4 * sqrt(1.0 / DRAWS));
	assert_true(fabs(sums[2] / DRAWS - 1) < 4 * sqrt(2.0 / DRAWS));
	assert_true(fabs(sums[3] / DRAWS - 0) < 4 * sqrt(15.0 / DRAWS));
	assert_true(fabs(sums[4] / DRAWS - 3) < 4 * sqrt(96.0 / DRAWS));
}

static void
test_shuffle_is_a_fair_permutation(void **state)
{
	enum
	{
		ITEMS = 4,
		ROUNDS = 24000
	};
	size_t at[ITEMS][ITEMS] = {{0}};
	HmlRng rng;

	(void) state;
	hml_rng_seed(&rng, 3);
	for (int round = 0; round < ROUNDS; round++)
	{
		uint32_t items[ITEMS] = {0, 1, 2, 3};

		hml_rng_shuffle(&rng, items, ITEMS);
		for (int i = 0; i < ITEMS; i++)
			at[items[i]][i]++;
	}
	for (int item = 0; item < ITEMS; item++)
	{
		size_t total = 0;

		for (int i = 0; i < ITEMS; i++)
		{
			total += at[item][i];
			assert_true(fabs((double) at[item][i] - ROUNDS / ITEMS) < 4 * sqrt(ROUNDS * 0.25 * 0.75));
		}
		assert_int_equal(total, ROUNDS);
	}
	hml_rng_shuffle(&rng, NULL, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden_draws),
		cmocka_unit_test(test_streams_differ),
		cmocka_unit_test(test_below_is_uniform),
		cmocka_unit_test(test_normal_moments),
		cmocka_unit_test(test_shuffle_is_a_fair_permutation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
