/*
 * test_average.c
 *	  Weighted averages: Flower's numbers, exactness, independence of order.
 */
#include "unit/support.h"

#include "core/base/cpu.h"
#include "core/base/rng.h"
#include "core/federated/average.h"

#define N 37
#define UPDATES 50

/* sum += samples * weights. */
static bool
add_weights(double *sum, float *rest, const float *weights, int64_t samples, size_t n)
{
	return hml_average_add_many_f32(sum, rest, &weights, &samples, 1, n);
}

typedef struct Updates
{
	float weights[UPDATES][N];
	int64_t samples[UPDATES];
} Updates;

/* Terms that differ by many orders of magnitude, so that plain summation would round differently. */
static void
make_updates(Updates *updates, uint64_t seed)
{
	HmlRng rng;

	hml_rng_seed(&rng, seed);
	for (size_t u = 0; u < UPDATES; u++)
	{
		updates->samples[u] = 1 + (int64_t) hml_rng_below(&rng, 100000);
		for (size_t i = 0; i < N; i++)
			updates->weights[u][i] = (float) (hml_rng_normal(&rng) * exp(10.0 * hml_rng_normal(&rng)));
	}
}

static void
average_in_order(const Updates *updates, const uint32_t *order, float *average)
{
	double sum[N] = {0};
	float rest[N] = {0};
	int64_t samples = 0;

	for (size_t k = 0; k < UPDATES; k++)
	{
		assert_true(add_weights(sum, rest, updates->weights[order[k]], updates->samples[order[k]], N));
		samples += updates->samples[order[k]];
	}
	hml_average_finish_f32(average, sum, rest, samples, N);
}

/* The same in 80-bit arithmetic: enough for products of 24 and 17 bits over 20 orders of magnitude. */
static float
average_long_double(const Updates *updates, size_t i)
{
	long double sum = 0;
	long double samples = 0;

	for (size_t u = 0; u < UPDATES; u++)
	{
		sum += (long double) updates->weights[u][i] * (long double) updates->samples[u];
		samples += (long double) updates->samples[u];
	}
	return (float) (sum / samples);
}

static void
test_order_does_not_matter(void **state)
{
	Updates updates;
	uint32_t order[UPDATES];
	float first[N];
	float again[N];
	HmlRng rng;

	(void) state;
	make_updates(&updates, 1);
	for (uint32_t u = 0; u < UPDATES; u++)
		order[u] = u;
	average_in_order(&updates, order, first);
	for (size_t i = 0; i < N; i++)
		assert_close((double) first[i], (double) average_long_double(&updates, i), 1e-7);

	hml_rng_seed(&rng, 2);
	for (int repeat = 0; repeat < 100; repeat++)
	{
		hml_rng_shuffle(&rng, order, UPDATES);
		average_in_order(&updates, order, again);
		assert_memory_equal(first, again, sizeof(first));
	}
}

static void
test_partial_sums_combine(void **state)
{
	Updates updates;
	uint32_t order[UPDATES];
	float whole[N];
	float combined[N];
	double sum[4][N] = {{0}};
	float rest[4][N] = {{0}};
	int64_t samples = 0;

	(void) state;
	make_updates(&updates, 3);
	for (uint32_t u = 0; u < UPDATES; u++)
	{
		order[u] = u;
		samples += updates.samples[u];
		assert_true(add_weights(sum[u % 4], rest[u % 4], updates.weights[u], updates.samples[u], N));
	}
	average_in_order(&updates, order, whole);
	for (int part = 1; part < 4; part++)
		hml_average_combine_f32(sum[0], rest[0], sum[part], rest[part], N);
	hml_average_finish_f32(combined, sum[0], rest[0], samples, N);
	assert_memory_equal(whole, combined, sizeof(whole));
}

static void
test_levels_agree(void **state)
{
	Updates updates;
	uint32_t order[UPDATES];
	float fast[N];
	float portable[N];

	(void) state;
	make_updates(&updates, 4);
	for (uint32_t u = 0; u < UPDATES; u++)
		order[u] = u;
	average_in_order(&updates, order, fast);
	hml_cpu_cap_level(1);
	average_in_order(&updates, order, portable);
	hml_cpu_cap_level(4);
	assert_memory_equal(fast, portable, sizeof(fast));
}

/* Several at once are the same bits as one after another, on every level. */
static void
test_many_at_once(void **state)
{
	Updates updates;
	const float *weights[UPDATES];
	double sum[N] = {0};
	double many_sum[N];
	float rest[N] = {0};
	float many_rest[N];

	(void) state;
	make_updates(&updates, 5);
	updates.samples[1] = (INT64_C(1) << 40) + 1; /* whose products are not exact */
	for (uint32_t u = 0; u < UPDATES; u++)
		weights[u] = updates.weights[u];
	assert_true(add_weights(sum, rest, weights[1], updates.samples[1], N));
	for (uint32_t u = 0; u < UPDATES; u++)
		if (u != 1)
			assert_true(add_weights(sum, rest, weights[u], updates.samples[u], N));
	for (int level = 1; level <= 4; level++)
	{
		hml_cpu_cap_level(level);
		for (size_t i = 0; i < N; i++)
			many_sum[i] = many_rest[i] = 0;
		assert_true(hml_average_add_many_f32(many_sum, many_rest, weights, updates.samples, UPDATES, N));
		assert_memory_equal(sum, many_sum, sizeof(sum));
		assert_memory_equal(rest, many_rest, sizeof(rest));
	}
	updates.weights[UPDATES - 1][N - 1] = NAN;
	for (int level = 1; level <= 4; level++)
	{
		hml_cpu_cap_level(level);
		assert_false(hml_average_add_many_f32(many_sum, many_rest, weights, updates.samples, UPDATES, N));
	}
	assert_true(hml_average_add_many_f32(sum, rest, weights, updates.samples, 0, N));
}

/* Doubles, and floats with more samples than an exact product allows. */
static void
test_wide_forms(void **state)
{
	const double weights[2][3] = {{1e300, 0.1, -3}, {-1e300, 0.2, 5}};
	const float floats[2][3] = {{1, 0.1f, -3}, {3, 0.2f, 5}};
	double sum[3] = {0};
	double rest[3] = {0};
	double average[3];
	double float_sum[3] = {0};
	float float_rest[3] = {0};
	float float_average[3];

	(void) state;
	assert_true(hml_average_add_f64(sum, rest, weights[0], 1, 3));
	assert_true(hml_average_add_f64(sum, rest, weights[1], 1, 3));
	hml_average_finish_f64(average, sum, rest, 2, 3);
	assert_close(average[0], 0.0, 0.0);
	assert_close(average[1], 0.15, 1e-16);
	assert_close(average[2], 1.0, 0.0);

	for (int u = 0; u < 2; u++)
		assert_true(add_weights(float_sum, float_rest, floats[u], (INT64_C(1) << 40) + 1, 3));
	hml_average_finish_f32(float_average, float_sum, float_rest, 2 * ((INT64_C(1) << 40) + 1), 3);
	assert_close((double) float_average[0], 2.0, 0.0);
	assert_close((double) float_average[2], 1.0, 0.0);
}

static void
test_nonfinite_is_found(void **state)
{
	float weights[N] = {0};
	double sum[N] = {0};
	float rest[N] = {0};

	(void) state;
	for (size_t i = 0; i < N; i++)
	{
		weights[i] = i % 2 == 0 ? NAN : -INFINITY;
		assert_false(add_weights(sum, rest, weights, 1, N));
		assert_false(add_weights(sum, rest, weights, INT64_C(1) << 40, N));
		assert_int_equal(hml_average_find_nonfinite_f32(weights, N), i);
		weights[i] = 0;
	}
	assert_int_equal(hml_average_find_nonfinite_f32(weights, N), N);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_does_not_matter),
		cmocka_unit_test(test_partial_sums_combine),
		cmocka_unit_test(test_levels_agree),
		cmocka_unit_test(test_many_at_once),
		cmocka_unit_test(test_wide_forms),
		cmocka_unit_test(test_nonfinite_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
