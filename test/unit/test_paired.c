/*
 * test_paired.c
 *	  Tests of paired rows, against the naive form of DeLong's and SciPy's (test/golden/make_paired.py).
 */
#include "unit/support.h"

#include "core/base/rng.h"
#include "core/stats/paired.h"
#include "core/stats/ranking.h"

enum
{
	MAX_ROWS = 256
};

typedef struct Rows
{
	size_t n;
	double a[MAX_ROWS];
	double b[MAX_ROWS];
	bool labels[MAX_ROWS];
} Rows;

static void
load_rows(const TestTable *table, const char *name, Rows *rows)
{
	rows->n = 0;
	for (size_t row = 0; row < table->rows; row++)
	{
		if (strcmp(test_text(table, row, 0), name) != 0)
			continue;
		assert_true(rows->n < MAX_ROWS);
		rows->a[rows->n] = test_number(table, row, 1);
		rows->b[rows->n] = test_number(table, row, 2);
		rows->labels[rows->n++] = test_number(table, row, 3) != 0;
	}
	assert_true(rows->n > 0);
}

static HmlDelong
delong(const Rows *rows)
{
	TestHost host;
	HmlContext ctx;
	HmlDelong result;

	test_host_init(&host, &ctx);
	assert_ok(&ctx, hml_delong(&ctx, rows->a, rows->b, rows->labels, rows->n, 0.95, &result));
	test_host_finish(&host, &ctx);
	return result;
}

static void
test_delong_golden(void **state)
{
	TestTable *expected = test_read_table("test/golden/paired_expected.csv");
	TestTable *table = test_read_table("test/golden/paired_rows.csv");
	Rows rows;

	(void) state;
	for (size_t row = 0; row < expected->rows; row++)
	{
		HmlDelong d;

		load_rows(table, test_text(expected, row, 0), &rows);
		d = delong(&rows);
		assert_close(d.auc_a, test_number(expected, row, 1), 1e-12);
		assert_close(d.auc_b, test_number(expected, row, 2), 1e-12);
		assert_close(d.difference, d.auc_a - d.auc_b, 0);
		assert_close(d.standard_error, test_number(expected, row, 3), 1e-12);
		assert_close(d.low, test_number(expected, row, 4), 1e-11);
		assert_close(d.high, test_number(expected, row, 5), 1e-11);
		assert_close(d.p_value, test_number(expected, row, 6), 1e-11);
	}
	test_free_table(table);
	test_free_table(expected);
}

/* A score and its monotone image rank alike: no difference, and it is certain. */
static void
test_same_ranking(void **state)
{
	TestTable *table = test_read_table("test/golden/paired_rows.csv");
	Rows rows;
	HmlDelong d;

	(void) state;
	load_rows(table, "ties", &rows);
	for (size_t i = 0; i < rows.n; i++)
		rows.b[i] = exp(rows.a[i]);
	d = delong(&rows);
	assert_true(d.difference == 0 && d.standard_error == 0 && d.low == 0 && d.high == 0 && d.p_value == 1);
	test_free_table(table);
}

static void
test_swapped(void **state)
{
	TestTable *table = test_read_table("test/golden/paired_rows.csv");
	Rows rows;
	HmlDelong d;
	HmlDelong swapped;

	(void) state;
	load_rows(table, "better", &rows);
	d = delong(&rows);
	for (size_t i = 0; i < rows.n; i++)
	{
		double a = rows.a[i];

		rows.a[i] = rows.b[i];
		rows.b[i] = a;
	}
	swapped = delong(&rows);
	assert_close(swapped.difference, -d.difference, 1e-15);
	assert_close(swapped.low, -d.high, 1e-14);
	assert_close(swapped.p_value, d.p_value, 1e-14);
	test_free_table(table);
}

/* What cannot be known is NaN: without a class, with one row of it, and where no row varies. */
static void
test_without_variance(void **state)
{
	Rows rows = {.n = 6, .a = {0, 1, 2, 7, 8, 9}, .b = {5, 5, 5, 5, 5, 5}};
	HmlDelong d = delong(&rows);

	(void) state;
	assert_true(isnan(d.auc_a) && isnan(d.difference) && isnan(d.low) && isnan(d.high) && isnan(d.p_value));
	rows.labels[5] = true;
	d = delong(&rows);
	assert_true(d.auc_a == 1 && d.auc_b == 0.5 && isnan(d.low) && isnan(d.p_value));
	rows.labels[3] = rows.labels[4] = true;
	d = delong(&rows);
	assert_true(d.difference == 0.5 && d.standard_error == 0 && isnan(d.low) && isnan(d.p_value));
}

static HmlStatus
delong_of_rows(HmlContext *ctx, void *rows)
{
	const Rows *r = rows;
	HmlDelong d;

	return hml_delong(ctx, r->a, r->b, r->labels, r->n, 0.95, &d);
}

static void
test_failures(void **state)
{
	TestTable *table = test_read_table("test/golden/paired_rows.csv");
	TestHost host;
	HmlContext ctx;
	Rows rows;

	(void) state;
	load_rows(table, "rare", &rows);
	test_free_table(table);
	test_allocation_sweep(delong_of_rows, &rows);
	test_cancellation_sweep(delong_of_rows, &rows);
	rows.a[0] = NAN;
	test_host_init(&host, &ctx);
	assert_status(&ctx, delong_of_rows(&ctx, &rows), HML_INVALID_DATA);
	test_host_finish(&host, &ctx);
}

static void
test_mcnemar(void **state)
{
	TestTable *expected = test_read_table("test/golden/paired_mcnemar.csv");

	(void) state;
	for (size_t row = 0; row < expected->rows; row++)
	{
		uint64_t a = (uint64_t) test_number(expected, row, 0);
		uint64_t b = (uint64_t) test_number(expected, row, 1);

		assert_close(hml_mcnemar(a, b), test_number(expected, row, 2), 1e-9);
		assert_true(hml_mcnemar(a, b) == hml_mcnemar(b, a));
	}
	assert_true(hml_mcnemar((uint64_t) 1 << 40, (uint64_t) 1 << 40) <= 1);
	test_free_table(expected);
}

static void
test_normal(void **state)
{
	(void) state;
	assert_close(hml_normal_above(0.5), 0, 1e-15);
	assert_close(hml_normal_above(0.025), 1.959963984540054, 1e-14);
	assert_close(hml_normal_above(0.975), -1.959963984540054, 1e-14);
	assert_close(hml_normal_above(1e-12), 7.034483825301131, 1e-12);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_delong_golden), cmocka_unit_test(test_same_ranking),
		cmocka_unit_test(test_swapped),       cmocka_unit_test(test_without_variance),
		cmocka_unit_test(test_failures),      cmocka_unit_test(test_mcnemar),
		cmocka_unit_test(test_normal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
