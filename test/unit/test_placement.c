/*
 * test_placement.c
 *	  Buffers whose lives overlap do not; the others may share memory.
 */
#include "unit/support.h"

#include "core/base/rng.h"
#include "core/nn/plan/placement.h"

static void
check(const HmlBuffer *buffers, size_t count, size_t total)
{
	for (size_t i = 0; i < count; i++)
	{
		assert_int_equal(buffers[i].offset % HML_ALIGNMENT, 0);
		assert_true(buffers[i].offset + buffers[i].size <= total);
		for (size_t k = 0; k < i; k++)
		{
			bool alive = buffers[i].begin <= buffers[k].end && buffers[k].begin <= buffers[i].end;
			bool apart = buffers[i].offset + buffers[i].size <= buffers[k].offset ||
						 buffers[k].offset + buffers[k].size <= buffers[i].offset;

			assert_true(apart || !alive || buffers[i].size == 0 || buffers[k].size == 0);
		}
	}
}

/* A chain: each buffer meets only its neighbours, so that the largest pair is enough. */
static void
test_chain_needs_two_buffers(void **state)
{
	HmlBuffer buffers[] = {
		{640, 0, 1, 0}, {1280, 1, 2, 0}, {320, 2, 3, 0}, {64, 3, 4, 0}, {960, 4, 5, 0},
	};
	TestHost host;
	HmlContext ctx;
	size_t total;

	(void) state;
	test_host_init(&host, &ctx);
	assert_ok(&ctx, hml_place_buffers(&ctx, buffers, 5, &total));
	check(buffers, 5, total);
	assert_int_equal(total, 640 + 1280);
	test_host_finish(&host, &ctx);
}

static void
test_random_lives(void **state)
{
	enum
	{
		COUNT = 60
	};
	HmlBuffer buffers[COUNT];
	TestHost host;
	HmlContext ctx;
	HmlRng rng;

	(void) state;
	test_host_init(&host, &ctx);
	hml_rng_seed(&rng, 1);
	for (int round = 0; round < 200; round++)
	{
		size_t total;
		size_t peak = 0;

		for (size_t i = 0; i < COUNT; i++)
		{
			buffers[i].size = (size_t) hml_rng_below(&rng, 5000);
			buffers[i].begin = (size_t) hml_rng_below(&rng, 30);
			buffers[i].end = buffers[i].begin + (size_t) hml_rng_below(&rng, 8);
		}
		assert_ok(&ctx, hml_place_buffers(&ctx, buffers, COUNT, &total));
		check(buffers, COUNT, total);
		for (size_t t = 0; t < 40; t++)
		{
			size_t alive = 0;

			for (size_t i = 0; i < COUNT; i++)
				alive += buffers[i].begin <= t && t <= buffers[i].end ? buffers[i].size : 0;
			peak = alive > peak ? alive : peak;
		}
		assert_true(total >= peak && total <= peak + peak / 2);
	}
	test_host_finish(&host, &ctx);
}

static void
test_sizes_that_do_not_fit(void **state)
{
	HmlBuffer one[] = {{SIZE_MAX - 8, 0, 0, 0}};
	HmlBuffer two[] = {{SIZE_MAX / 2 + 1, 0, 1, 0}, {SIZE_MAX / 2 + 1, 1, 2, 0}};
	TestHost host;
	HmlContext ctx;
	size_t total;

	(void) state;
	test_host_init(&host, &ctx);
	assert_status(&ctx, hml_place_buffers(&ctx, one, 1, &total), HML_LIMIT);
	assert_status(&ctx, hml_place_buffers(&ctx, two, 2, &total), HML_LIMIT);
	assert_ok(&ctx, hml_place_buffers(&ctx, two, 0, &total));
	assert_int_equal(total, 0);
	test_host_finish(&host, &ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chain_needs_two_buffers),
		cmocka_unit_test(test_random_lives),
		cmocka_unit_test(test_sizes_that_do_not_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
