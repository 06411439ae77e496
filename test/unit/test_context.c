/*
 * test_context.c
 *	  Messages, cancellation and accounted memory.
 */
#include "unit/support.h"

static void
test_failure_leaves_its_texts(void **state)
{
	TestHost host;
	HmlContext ctx;

	(void) state;
	test_host_init(&host, &ctx);
	assert_int_equal(hml_fail(&ctx, HML_LIMIT, "%d is too many \"%s\"", 3, "trees"), HML_LIMIT);
	assert_int_equal(hml_detail(&ctx, "At most %d.", 2), HML_LIMIT);
	assert_int_equal(hml_hint(&ctx, "Take fewer."), HML_LIMIT);
	assert_string_equal(ctx.message, "3 is too many \"trees\"");
	assert_string_equal(ctx.detail, "At most 2.");
	assert_string_equal(ctx.hint, "Take fewer.");

	assert_int_equal(hml_fail(&ctx, HML_CORRUPT, "next"), HML_CORRUPT);
	assert_int_equal(ctx.status, HML_CORRUPT);
	assert_string_equal(ctx.detail, "");
	assert_string_equal(ctx.hint, "");
}

static void
test_long_texts_are_cut(void **state)
{
	char text[2 * HML_MESSAGE_SIZE];
	TestHost host;
	HmlContext ctx;

	(void) state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	test_host_init(&host, &ctx);
	hml_fail(&ctx, HML_INTERNAL, "%s", text);
	hml_detail(&ctx, "%s", text);
	hml_hint(&ctx, "%s", text);
	assert_int_equal(strlen(ctx.message), HML_MESSAGE_SIZE - 1);
	assert_int_equal(strlen(ctx.detail), HML_MESSAGE_SIZE - 1);
	assert_int_equal(strlen(ctx.hint), HML_MESSAGE_SIZE - 1);
}

static void
test_poll(void **state)
{
	TestHost host;
	HmlContext ctx;

	(void) state;
	test_host_init(&host, &ctx);
	host.cancel_at = 3;
	assert_ok(&ctx, hml_poll(&ctx));
	assert_ok(&ctx, hml_poll(&ctx));
	assert_status(&ctx, hml_poll(&ctx), HML_CANCELLED);
	ctx.host.cancelled = NULL;
	assert_ok(&ctx, hml_poll(&ctx));
}

static void
test_progress(void **state)
{
	TestHost host;
	HmlContext ctx;

	(void) state;
	test_host_init(&host, &ctx);
	hml_report_progress(&ctx, "build", 3, 10);
	assert_int_equal(host.progress_reports, 1);
	assert_string_equal(host.last_progress.phase, "build");
	assert_int_equal(host.last_progress.done, 3);
	assert_int_equal(host.last_progress.total, 10);
	ctx.host.progress = NULL;
	hml_report_progress(&ctx, "build", 4, 10);
	assert_int_equal(host.progress_reports, 1);
}

static void
test_blocks_are_aligned_and_accounted(void **state)
{
	TestHost host;
	HmlContext ctx;
	void *blocks[64];
	size_t before = 0;

	(void) state;
	test_host_init(&host, &ctx);
	for (size_t i = 0; i < 64; i++)
	{
		assert_ok(&ctx, hml_alloc(&ctx, i, 3, &blocks[i]));
		assert_int_equal((uintptr_t) blocks[i] % HML_ALIGNMENT, 0);
		memset(blocks[i], 1, 3 * i);
		assert_true(ctx.memory_used >= before + 3 * i);
		before = ctx.memory_used;
	}
	for (size_t i = 0; i < 64; i++)
		hml_free(&ctx, blocks[i]);
	hml_free(&ctx, NULL);
	assert_int_equal(ctx.memory_peak, before);
	test_host_finish(&host, &ctx);
}

static void
test_alloc_zero(void **state)
{
	TestHost host;
	HmlContext ctx;
	double *values;

	(void) state;
	test_host_init(&host, &ctx);
	assert_ok(&ctx, HML_NEW_ZERO(&ctx, &values, 100));
	for (int i = 0; i < 100; i++)
		assert_true(values[i] == 0);
	hml_free(&ctx, values);
	test_host_finish(&host, &ctx);
}

static void
test_realloc_keeps_content(void **state)
{
	TestHost host;
	HmlContext ctx;
	int *items = NULL;

	(void) state;
	test_host_init(&host, &ctx);
	for (size_t count = 1; count <= 1000; count *= 10)
	{
		assert_ok(&ctx, HML_RENEW(&ctx, &items, count));
		for (size_t i = count / 10; i < count; i++)
			items[i] = (int) i;
		for (size_t i = 0; i < count; i++)
			assert_int_equal(items[i], i);
	}
	assert_ok(&ctx, HML_RENEW(&ctx, &items, 3));
	assert_int_equal(items[2], 2);

	host.fail_at = host.allocations + 1;
	assert_status(&ctx, HML_RENEW(&ctx, &items, 5000), HML_NO_MEMORY);
	assert_int_equal(items[2], 2);
	hml_free(&ctx, items);
	test_host_finish(&host, &ctx);
}

static void
test_sizes_that_do_not_fit(void **state)
{
	TestHost host;
	HmlContext ctx;
	void *block = &host;

	(void) state;
	test_host_init(&host, &ctx);
	assert_status(&ctx, hml_alloc(&ctx, SIZE_MAX / 4, 5, &block), HML_LIMIT);
	assert_null(block);
	assert_status(&ctx, hml_alloc(&ctx, SIZE_MAX - 8, 1, &block), HML_LIMIT);
	assert_status(&ctx, hml_alloc_zero(&ctx, SIZE_MAX, SIZE_MAX, &block), HML_LIMIT);
	assert_status(&ctx, hml_realloc(&ctx, SIZE_MAX, 2, &block), HML_LIMIT);
	assert_int_equal(host.allocations, 0);
	test_host_finish(&host, &ctx);
}

static void
test_memory_limit(void **state)
{
	TestHost host;
	HmlContext ctx;
	void *first;
	void *second;

	(void) state;
	test_host_init(&host, &ctx);
	ctx.memory_limit = 4096;
	ctx.memory_limit_name = "healthml.max_memory";
	assert_ok(&ctx, hml_alloc(&ctx, 3000, 1, &first));
	assert_status(&ctx, hml_alloc(&ctx, 3000, 1, &second), HML_MEMORY_LIMIT);
	assert_null(second);
	assert_message(&ctx, "4096");
	assert_message(&ctx, "Increase \"healthml.max_memory\".");
	hml_free(&ctx, first);
	assert_ok(&ctx, hml_alloc(&ctx, 3000, 1, &second));
	hml_free(&ctx, second);

	ctx.memory_limit_name = NULL;
	assert_status(&ctx, hml_alloc(&ctx, 5000, 1, &first), HML_MEMORY_LIMIT);
	assert_string_equal(ctx.hint, "");
	test_host_finish(&host, &ctx);
}

static void
test_charge_counts_what_is_held_elsewhere(void **state)
{
	TestHost host;
	HmlContext ctx;
	char *block;

	(void) state;
	test_host_init(&host, &ctx);
	ctx.memory_limit = 4096;
	assert_ok(&ctx, hml_charge(&ctx, 3000));
	assert_int_equal(ctx.memory_used, 3000);
	assert_status(&ctx, HML_NEW(&ctx, &block, 2000), HML_MEMORY_LIMIT);
	assert_status(&ctx, hml_charge(&ctx, 1097), HML_MEMORY_LIMIT);
	assert_status(&ctx, hml_charge(&ctx, SIZE_MAX), HML_MEMORY_LIMIT);
	assert_int_equal(ctx.memory_used, 3000);
	hml_discharge(&ctx, 3000);
	assert_int_equal(ctx.memory_used, 0);
	assert_int_equal(ctx.memory_peak, 3000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_failure_leaves_its_texts),
		cmocka_unit_test(test_long_texts_are_cut),
		cmocka_unit_test(test_poll),
		cmocka_unit_test(test_progress),
		cmocka_unit_test(test_blocks_are_aligned_and_accounted),
		cmocka_unit_test(test_alloc_zero),
		cmocka_unit_test(test_realloc_keeps_content),
		cmocka_unit_test(test_sizes_that_do_not_fit),
		cmocka_unit_test(test_memory_limit),
		cmocka_unit_test(test_charge_counts_what_is_held_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
