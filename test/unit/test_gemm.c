/*
 * test_gemm.c
 *	  Matrix products against three nested loops in float64, over every form of the call.
 */
#include "unit/model_support.h"
#include "unit/support.h"

#include "core/base/gemm.h"
#include "core/base/cpu.h"

#define MAX_SIZE (160 * 160)
#define GUARD 7.5f

static float a[MAX_SIZE], b[MAX_SIZE], c[MAX_SIZE], expected[MAX_SIZE], scale[MAX_SIZE];

static float
at(HmlTranspose trans, const float *x, size_t ld, size_t i, size_t j)
{
	return trans == HML_TRANS ? x[j * ld + i] : x[i * ld + j];
}

/* expected = the product; scale = the same with absolute values, which bounds the rounding error. */
static void
naive(HmlTranspose ta, HmlTranspose tb, size_t m, size_t n, size_t k, float alpha, size_t lda, size_t ldb,
	  float beta, size_t ldc)
{
	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < n; j++)
		{
			double sum = 0, magnitude = 0;

			for (size_t p = 0; p < k; p++)
			{
				double product = (double) at(ta, a, lda, i, p) * at(tb, b, ldb, p, j);

				sum += product;
				magnitude += fabs(product);
			}
			scale[i * ldc + j] = (float) (fabs((double) alpha) * magnitude + 1);
			expected[i * ldc + j] = (float) (alpha * sum + (beta == 0 ? 0 : beta * (double) c[i * ldc + j]));
		}
}

static void
check(HmlTranspose ta, HmlTranspose tb, size_t m, size_t n, size_t k, float alpha, float beta)
{
	size_t lda = (ta == HML_TRANS ? m : k) + 3;
	size_t ldb = (tb == HML_TRANS ? k : n) + 1;
	size_t ldc = n + 2;

	fill_numbers(a, MAX_SIZE, 1);
	fill_numbers(b, MAX_SIZE, 2);
	fill_numbers(c, MAX_SIZE, 3);
	if (beta == 0) /* what c held must not matter, not even NaN */
		for (size_t i = 0; i < m; i++)
			for (size_t j = 0; j < n; j++)
				c[i * ldc + j] = NAN;
	for (size_t i = 0; i < m; i++)
		c[i * ldc + n] = GUARD;

	naive(ta, tb, m, n, k, alpha, lda, ldb, beta, ldc);
	hml_sgemm(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);

	for (size_t i = 0; i < m; i++)
	{
		for (size_t j = 0; j < n; j++)
			if (!(fabsf(c[i * ldc + j] - expected[i * ldc + j]) <= 1e-6f * scale[i * ldc + j]))
				fail_msg("(%zu,%zu,%zu) trans %d %d alpha %g beta %g level %d: c[%zu][%zu] is %g, not %g", m,
						 n, k, ta, tb, (double) alpha, (double) beta, hml_cpu_level(), i, j,
						 (double) c[i * ldc + j], (double) expected[i * ldc + j]);
		assert_true(c[i * ldc + n] == GUARD);
	}
}

static void
check_forms(size_t m, size_t n, size_t k)
{
	for (int form = 0; form < 4; form++)
	{
		HmlTranspose ta = form & 1 ? HML_TRANS : HML_NO_TRANS;
		HmlTranspose tb = form & 2 ? HML_TRANS : HML_NO_TRANS;

		check(ta, tb, m, n, k, 1.0f, 0.0f);
		check(ta, tb, m, n, k, -0.5f, 1.0f);
		check(ta, tb, m, n, k, 2.0f, 0.75f);
	}
}

static void
sgemm_equals_three_loops(void **state)
{
	static const size_t sizes[][3] = {{1, 1, 1},     {1, 64, 4},    {7, 5, 3},     {13, 33, 17},
									  {14, 32, 64},  {15, 31, 65},  {32, 16, 150}, {100, 70, 33},
									  {3, 150, 140}, {150, 3, 140}, {64, 64, 0},   {0, 4, 4},
									  {28, 96, 128}, {1, 150, 150}, {150, 1, 150}};

	(void) state;
	for (int level = 1; level <= 4; level++)
	{
		hml_cpu_cap_level(level);
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
			check_forms(sizes[i][0], sizes[i][1], sizes[i][2]);
	}
}

static void
check_sgemv(HmlTranspose trans, size_t m, size_t n, float alpha, float beta)
{
	size_t outputs = trans == HML_TRANS ? n : m;
	size_t inputs = trans == HML_TRANS ? m : n;

	fill_numbers(a, MAX_SIZE, 4);
	fill_numbers(b, MAX_SIZE, 5);
	fill_numbers(c, MAX_SIZE, 6);
	naive(trans, HML_NO_TRANS, outputs, 1, inputs, alpha, n + 1, 1, beta, 1);
	hml_sgemv(trans, m, n, alpha, a, n + 1, b, beta, c);
	for (size_t i = 0; i < outputs; i++)
		assert_true(fabsf(c[i] - expected[i]) <= 1e-6f * scale[i]);
}

static void
sgemv_equals_two_loops(void **state)
{
	static const size_t sizes[][2] = {{1, 1}, {4, 64}, {64, 4}, {33, 47}, {150, 130}};

	(void) state;
	for (int level = 1; level <= 4; level++)
	{
		hml_cpu_cap_level(level);
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
			for (int trans = 0; trans < 2; trans++)
			{
				check_sgemv(trans ? HML_TRANS : HML_NO_TRANS, sizes[i][0], sizes[i][1], 1.0f, 0.0f);
				check_sgemv(trans ? HML_TRANS : HML_NO_TRANS, sizes[i][0], sizes[i][1], 0.5f, -1.0f);
			}
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(sgemm_equals_three_loops),
		cmocka_unit_test(sgemv_equals_two_loops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
