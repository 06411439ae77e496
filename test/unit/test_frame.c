/*
 * test_frame.c
 *	  The frame: what it keeps, within which memory, and whether its sample is uniform.
 */
#include "unit/support.h"

#include "core/data/frame.h"

static TestHost host;
static HmlContext ctx;

static int
begin(void **state)
{
	(void) state;
	test_host_init(&host, &ctx);
	return 0;
}

static int
end(void **state)
{
	(void) state;
	test_host_finish(&host, &ctx);
	return 0;
}

/* A frame of numeric columns a, b, ... */
static HmlStatus
create(HmlContext *context, size_t n_columns, size_t max_rows, size_t max_bytes, uint64_t seed,
	   HmlFrame **out)
{
	HmlFrameSpec spec = {.n_columns = n_columns,
						 .roles = {HML_ROLE_TARGET, HML_ROLE_GROUP},
						 .max_rows = max_rows,
						 .max_bytes = max_bytes,
						 .seed = seed};
	HmlStatus status = hml_frame_create(context, &spec, out);

	for (size_t i = 0; status == HML_OK && i < n_columns + 2; i++)
	{
		char name[2] = {(char) ('a' + (int) (i % 26)), '\0'};

		status = hml_frame_set_column(*out, i, name, HML_COLUMN_NUMERIC);
		if (status != HML_OK)
			hml_frame_free(*out);
	}
	return status;
}

/* Row i is (i, -i) with target 2i and group 3i. */
static HmlStatus
add_rows(HmlFrame *frame, int64_t from, int64_t to)
{
	for (int64_t i = from; i < to; i++)
	{
		double values[2] = {(double) i, (double) -i};

		HML_TRY(hml_frame_add(frame, values, (double[]){(double) (2 * i), (double) (3 * i)}));
	}
	return HML_OK;
}

static void
check_row(const HmlFrame *frame, size_t row)
{
	const double *values = hml_frame_row(frame, row);

	assert_true(values[1] == -values[0]);
	assert_true(hml_frame_values(frame, HML_ROLE_TARGET)[row] == 2 * values[0]);
	assert_true(hml_frame_values(frame, HML_ROLE_GROUP)[row] == 3 * values[0]);
}

static void
keeps_all_rows_that_fit(void **state)
{
	HmlFrame *frame;

	(void) state;
	assert_ok(&ctx, create(&ctx, 2, 0, (size_t) 1 << 30, 1, &frame));
	assert_ok(&ctx, add_rows(frame, 0, 5000));
	assert_int_equal(frame->n_rows, 5000);
	assert_int_equal(frame->rows_seen, 5000);
	assert_string_equal(frame->columns[1].name, "b");
	assert_string_equal(hml_frame_column(frame, HML_ROLE_TARGET)->name, "c");
	assert_string_equal(hml_frame_column(frame, HML_ROLE_GROUP)->name, "d");
	for (size_t i = 0; i < 5000; i++)
	{
		assert_true(hml_frame_row(frame, i)[0] == (double) i);
		check_row(frame, i);
	}
	hml_frame_free(frame);
	hml_frame_free(NULL);
}

static void
never_exceeds_its_bytes(void **state)
{
	HmlFrame *frame;
	size_t most = 300000;

	(void) state;
	assert_ok(&ctx, create(&ctx, 2, 0, most, 1, &frame));
	assert_ok(&ctx, add_rows(frame, 0, 20000));
	assert_int_equal(frame->n_rows, frame->capacity);
	assert_int_equal(frame->rows_seen, 20000);
	assert_true(frame->n_rows > 5000);
	/* The arena with names, and the headers of blocks, come on top. */
	assert_in_range(ctx.memory_peak, most / 2, most + 34000);
	for (size_t i = 0; i < frame->n_rows; i++)
		check_row(frame, i);
	hml_frame_free(frame);
}

static void
obeys_max_rows(void **state)
{
	HmlFrame *frame;

	(void) state;
	assert_ok(&ctx, create(&ctx, 2, 10, SIZE_MAX, 1, &frame));
	assert_int_equal(frame->capacity, 10);
	assert_ok(&ctx, add_rows(frame, 0, 9));
	assert_true(hml_frame_wants(frame));
	assert_ok(&ctx, add_rows(frame, 9, 1000));
	assert_int_equal(frame->n_rows, 10);
	assert_int_equal(frame->rows_seen, 1000);
	hml_frame_free(frame);
}

static void
is_the_same_for_the_same_seed(void **state)
{
	HmlFrame *frames[3];
	size_t bytes = 100 * 2 * sizeof(double);

	(void) state;
	for (size_t i = 0; i < 3; i++)
	{
		assert_ok(&ctx, create(&ctx, 2, 100, SIZE_MAX, i < 2 ? 5 : 6, &frames[i]));
		assert_ok(&ctx, add_rows(frames[i], 0, 10000));
	}
	assert_memory_equal(frames[0]->values, frames[1]->values, bytes);
	assert_memory_not_equal(frames[0]->values, frames[2]->values, bytes);
	for (size_t i = 0; i < 3; i++)
		hml_frame_free(frames[i]);
}

/* Skipping the rows that are not wanted changes nothing. */
static void
can_be_asked_before(void **state)
{
	HmlFrame *all;
	HmlFrame *asked;
	size_t converted = 0;

	(void) state;
	assert_ok(&ctx, create(&ctx, 2, 50, SIZE_MAX, 5, &all));
	assert_ok(&ctx, create(&ctx, 2, 50, SIZE_MAX, 5, &asked));
	assert_ok(&ctx, add_rows(all, 0, 10000));
	for (int64_t i = 0; i < 10000; i++)
	{
		if (hml_frame_wants(asked))
		{
			assert_ok(&ctx, add_rows(asked, i, i + 1));
			converted++;
		}
		else
			hml_frame_skip(asked);
	}
	assert_memory_equal(all->values, asked->values, 50 * 2 * sizeof(double));
	assert_int_equal(asked->rows_seen, 10000);
	/* 50 (1 + ln(10000 / 50)) = 315 are expected, with a standard deviation of 16. */
	assert_in_range(converted, 235, 395);
	hml_frame_free(all);
	hml_frame_free(asked);
}

/*
 * Each tenth of the source must be kept equally often: chi-squared with 9
 * degrees of freedom over 400 samples, which exceeds 27.9 once in a thousand
 * seeds.
 */
static void
samples_uniformly(void **state)
{
	double counts[10] = {0};
	double chi_squared = 0;
	double expected = 400 * 50 / 10.0;

	(void) state;
	for (uint64_t seed = 0; seed < 400; seed++)
	{
		HmlFrame *frame;

		assert_ok(&ctx, create(&ctx, 2, 50, SIZE_MAX, seed, &frame));
		assert_ok(&ctx, add_rows(frame, 0, 1000));
		for (size_t i = 0; i < 50; i++)
			counts[(size_t) hml_frame_row(frame, i)[0] / 100]++;
		hml_frame_free(frame);
	}
	for (int i = 0; i < 10; i++)
		chi_squared += (counts[i] - expected) * (counts[i] - expected) / expected;
	assert_true(chi_squared < 27.9);
}

/* A reservoir of one row is the extreme case of the skip lengths. */
static void
samples_one_row(void **state)
{
	int later = 0;

	(void) state;
	for (uint64_t seed = 0; seed < 1000; seed++)
	{
		HmlFrame *frame;

		assert_ok(&ctx, create(&ctx, 2, 1, SIZE_MAX, seed, &frame));
		assert_ok(&ctx, add_rows(frame, 0, 100));
		later += hml_frame_row(frame, 0)[0] >= 50;
		hml_frame_free(frame);
	}
	assert_in_range(later, 437, 563); /* four standard deviations */
}

static void
works_without_target_and_group(void **state)
{
	HmlFrame *frame;
	double value = 1;

	(void) state;
	assert_ok(&ctx,
			  hml_frame_create(&ctx, &(HmlFrameSpec){.n_columns = 1, .max_rows = 2, .seed = 1}, &frame));
	assert_ok(&ctx, hml_frame_set_column(frame, 0, "x", HML_COLUMN_NUMERIC));
	for (int i = 0; i < 100; i++)
		assert_ok(&ctx, hml_frame_add(frame, &value, NULL));
	assert_false(hml_frame_has(frame, HML_ROLE_TARGET));
	assert_false(hml_frame_has(frame, HML_ROLE_GROUP));
	hml_frame_free(frame);
}

static double
code_of(HmlFrame *frame, size_t column, const char *text)
{
	double code;

	assert_ok(&ctx, hml_frame_category(frame, column, text, strlen(text), &code));
	return code;
}

static void
numbers_categories(void **state)
{
	HmlFrame *frame;
	char text[32];

	(void) state;
	assert_ok(&ctx, hml_frame_create(&ctx, &(HmlFrameSpec){.n_columns = 1}, &frame));
	assert_ok(&ctx, hml_frame_set_column(frame, 0, "ward", HML_COLUMN_CATEGORY));
	assert_true(code_of(frame, 0, "b") == 0);
	assert_true(code_of(frame, 0, "a") == 1);
	assert_true(code_of(frame, 0, "") == 2);
	assert_true(code_of(frame, 0, "ab") == 3);
	assert_true(code_of(frame, 0, "b") == 0);
	for (int i = 4; i < HML_MAX_CATEGORIES; i++)
	{
		sprintf(text, "text %d", i);
		assert_true(code_of(frame, 0, text) == i);
	}
	for (int i = 4; i < HML_MAX_CATEGORIES; i += 97)
	{
		sprintf(text, "text %d", i);
		assert_true(code_of(frame, 0, text) == i);
		assert_string_equal(frame->columns[0].categories.texts[i], text);
	}
	assert_status(&ctx, hml_frame_category(frame, 0, "one more", 8, &(double){0}), HML_LIMIT);
	assert_string_equal(ctx.message, "column \"ward\" has more than 10000 distinct texts");
	assert_true(code_of(frame, 0, "text 9999") == 9999);
	hml_frame_free(frame);
}

/* Groups may be many, such as patients. */
static void
numbers_more_groups_than_categories(void **state)
{
	HmlFrame *frame;
	char text[32];

	(void) state;
	assert_ok(&ctx,
			  hml_frame_create(
				  &ctx, &(HmlFrameSpec){.n_columns = 1, .roles = {HML_ROLE_TARGET, HML_ROLE_GROUP}}, &frame));
	assert_ok(&ctx, hml_frame_set_column(frame, 2, "patient", HML_COLUMN_CATEGORY));
	for (int i = 0; i < 3 * HML_MAX_CATEGORIES; i++)
	{
		sprintf(text, "%d", i);
		assert_true(code_of(frame, 2, text) == i);
	}
	assert_int_equal(hml_frame_column(frame, HML_ROLE_GROUP)->categories.count, 3 * HML_MAX_CATEGORIES);
	hml_frame_free(frame);
}

static void
refuses_what_cannot_be(void **state)
{
	HmlFrame *frame;

	(void) state;
	assert_status(&ctx, hml_frame_create(&ctx, &(HmlFrameSpec){.max_bytes = 1000}, &frame), HML_INVALID_DATA);
	assert_status(&ctx, hml_frame_create(&ctx, &(HmlFrameSpec){.n_columns = HML_MAX_FEATURES + 1}, &frame),
				  HML_LIMIT);
	assert_status(&ctx, hml_frame_create(&ctx, &(HmlFrameSpec){.n_columns = 100, .max_bytes = 1000}, &frame),
				  HML_MEMORY_LIMIT);
	assert_null(frame);
	assert_ok(&ctx, hml_frame_create(&ctx,
									 &(HmlFrameSpec){.n_columns = HML_MAX_FEATURES,
													 .roles = {HML_ROLE_TARGET, HML_ROLE_GROUP},
													 .max_bytes = 1 << 30},
									 &frame));
	hml_frame_free(frame);
}

static HmlStatus
fill(HmlContext *context, void *argument)
{
	HmlFrame *frame;
	char text[32];
	double code;
	HmlStatus status = create(context, 2, 3000, SIZE_MAX, 1, &frame);

	(void) argument;
	if (status != HML_OK)
		return status;
	status = add_rows(frame, 0, 5000);
	for (int i = 0; status == HML_OK && i < 300; i++)
	{
		int length = sprintf(text, "category %d", i);

		status = hml_frame_category(frame, 1, text, (size_t) length, &code);
	}
	hml_frame_free(frame);
	return status;
}

static void
survives_lack_of_memory(void **state)
{
	(void) state;
	test_allocation_sweep(fill, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(keeps_all_rows_that_fit, begin, end),
		cmocka_unit_test_setup_teardown(never_exceeds_its_bytes, begin, end),
		cmocka_unit_test_setup_teardown(obeys_max_rows, begin, end),
		cmocka_unit_test_setup_teardown(is_the_same_for_the_same_seed, begin, end),
		cmocka_unit_test_setup_teardown(can_be_asked_before, begin, end),
		cmocka_unit_test_setup_teardown(samples_uniformly, begin, end),
		cmocka_unit_test_setup_teardown(samples_one_row, begin, end),
		cmocka_unit_test_setup_teardown(works_without_target_and_group, begin, end),
		cmocka_unit_test_setup_teardown(numbers_categories, begin, end),
		cmocka_unit_test_setup_teardown(numbers_more_groups_than_categories, begin, end),
		cmocka_unit_test_setup_teardown(refuses_what_cannot_be, begin, end),
		cmocka_unit_test(survives_lack_of_memory),
	};

	return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
