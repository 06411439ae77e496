/*
 * test_split.c
 *	  Folds: balanced, stratified, groups kept together, the same for a seed.
 */
#include "unit/support.h"

#include "core/base/rng.h"
#include "core/data/split.h"

enum
{
	ROWS = 1003,
	STRATA = 3,
	GROUPS = 120,
	FOLDS = 5
};

typedef struct Rows
{
	uint32_t strata[ROWS];
	uint32_t groups[ROWS];
	uint32_t fold[ROWS];
} Rows;

/* Strata of 60, 30 and 10 %, groups of very different size that lean to one stratum. */
static void
make_rows(Rows *rows)
{
	HmlRng rng;

	hml_rng_seed(&rng, 5);
	for (size_t i = 0; i < ROWS; i++)
	{
		double u = hml_rng_uniform(&rng);

		rows->strata[i] = u < 0.6 ? 0 : u < 0.9 ? 1 : 2;
		rows->groups[i] = (uint32_t) (GROUPS * u * hml_rng_uniform(&rng));
	}
}

static HmlSplit
split_of(const Rows *rows, bool grouped)
{
	HmlSplit split = {
		.n_rows = ROWS, .n_folds = FOLDS, .strata = rows->strata, .n_strata = STRATA, .seed = 9};

	if (grouped)
	{
		split.groups = rows->groups;
		split.n_groups = GROUPS;
	}
	return split;
}

static void
count_folds(const Rows *rows, size_t counts[FOLDS][STRATA])
{
	memset(counts, 0, FOLDS * STRATA * sizeof(size_t));
	for (size_t i = 0; i < ROWS; i++)
	{
		assert_in_range(rows->fold[i], 0, FOLDS - 1);
		counts[rows->fold[i]][rows->strata[i]]++;
	}
}

static void
test_rows_are_dealt_evenly(void **state)
{
	TestHost host;
	HmlContext ctx;
	Rows rows;
	HmlSplit split;
	size_t counts[FOLDS][STRATA];

	(void) state;
	test_host_init(&host, &ctx);
	make_rows(&rows);
	split = split_of(&rows, false);
	assert_ok(&ctx, hml_split(&ctx, &split, rows.fold));
	count_folds(&rows, counts);
	for (size_t f = 1; f < FOLDS; f++)
		for (size_t s = 0; s < STRATA; s++)
			assert_in_range(counts[f][s] + 1, counts[0][s], counts[0][s] + 2);
	test_host_finish(&host, &ctx);
}

static void
test_groups_stay_together(void **state)
{
	TestHost host;
	HmlContext ctx;
	Rows rows;
	HmlSplit split;
	size_t counts[FOLDS][STRATA];
	uint32_t fold_of[GROUPS];

	(void) state;
	test_host_init(&host, &ctx);
	make_rows(&rows);
	split = split_of(&rows, true);
	assert_ok(&ctx, hml_split(&ctx, &split, rows.fold));
	memset(fold_of, 0xff, sizeof(fold_of));
	for (size_t i = 0; i < ROWS; i++)
	{
		uint32_t *fold = &fold_of[rows.groups[i]];

		assert_true(*fold == UINT32_MAX || *fold == rows.fold[i]);
		*fold = rows.fold[i];
	}
	/* 200 rows a fold in shares of 60, 30, 10 %, as well as the groups allow. */
	count_folds(&rows, counts);
	for (size_t f = 0; f < FOLDS; f++)
	{
		assert_in_range(counts[f][0], 100, 140);
		assert_in_range(counts[f][1], 45, 75);
		assert_in_range(counts[f][2], 12, 28);
	}
	test_host_finish(&host, &ctx);
}

static void
test_seed_decides(void **state)
{
	TestHost host;
	HmlContext ctx;
	Rows rows;
	HmlSplit split;
	uint32_t first[ROWS];

	(void) state;
	test_host_init(&host, &ctx);
	make_rows(&rows);
	for (int grouped = 0; grouped < 2; grouped++)
	{
		split = split_of(&rows, grouped);
		assert_ok(&ctx, hml_split(&ctx, &split, first));
		assert_ok(&ctx, hml_split(&ctx, &split, rows.fold));
		assert_memory_equal(first, rows.fold, sizeof(first));
		split.seed++;
		assert_ok(&ctx, hml_split(&ctx, &split, rows.fold));
		assert_memory_not_equal(first, rows.fold, sizeof(first));
	}
	test_host_finish(&host, &ctx);
}

static void
test_too_few(void **state)
{
	TestHost host;
	HmlContext ctx;
	const uint32_t groups[4] = {0, 1, 0, 1};
	uint32_t fold[4];
	HmlSplit split = {.n_rows = 4, .n_folds = 5};

	(void) state;
	test_host_init(&host, &ctx);
	assert_status(&ctx, hml_split(&ctx, &split, fold), HML_INVALID_DATA);
	split.n_folds = 3;
	assert_ok(&ctx, hml_split(&ctx, &split, fold));
	split.groups = groups;
	split.n_groups = 2;
	assert_status(&ctx, hml_split(&ctx, &split, fold), HML_INVALID_DATA);
	assert_message(&ctx, "2 groups");
	assert_int_equal(hml_split_folds_for(0.15), 7);
	assert_int_equal(hml_split_folds_for(0.9), 2);
	test_host_finish(&host, &ctx);
}

static HmlStatus
split_both_ways(HmlContext *ctx, void *argument)
{
	Rows *rows = argument;
	HmlSplit split = split_of(rows, false);

	HML_TRY(hml_split(ctx, &split, rows->fold));
	split = split_of(rows, true);
	return hml_split(ctx, &split, rows->fold);
}

static void
test_failures_leave_nothing(void **state)
{
	Rows rows;

	(void) state;
	make_rows(&rows);
	test_allocation_sweep(split_both_ways, &rows);
	test_cancellation_sweep(split_both_ways, &rows);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_are_dealt_evenly),  cmocka_unit_test(test_groups_stay_together),
		cmocka_unit_test(test_seed_decides),           cmocka_unit_test(test_too_few),
		cmocka_unit_test(test_failures_leave_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
