/*
 * test_arena.c
 *	  Blocks that are freed together.
 */
#include "unit/support.h"

#include "core/base/arena.h"

static void
test_blocks_do_not_overlap(void **state)
{
	enum
	{
		BLOCKS = 400
	};
	TestHost host;
	HmlContext ctx;
	HmlArena *arena;
	unsigned char *blocks[BLOCKS];

	(void) state;
	test_host_init(&host, &ctx);
	assert_ok(&ctx, hml_arena_create(&ctx, &arena));
	assert_ptr_equal(hml_arena_context(arena), &ctx);
	for (size_t i = 0; i < BLOCKS; i++)
	{
		size_t size = i * i / 4; /* 0 to 40 kB: within a chunk, at its end, of its own */

		assert_ok(&ctx, HML_ARENA_NEW(arena, &blocks[i], size));
		assert_int_equal((uintptr_t) blocks[i] % (size < HML_ALIGNMENT ? 16 : HML_ALIGNMENT), 0);
		memset(blocks[i], (int) (i % 251), size);
	}
	for (size_t i = 0; i < BLOCKS; i++)
		for (size_t j = 0; j < i * i / 4; j++)
			assert_int_equal(blocks[i][j], i % 251);
	hml_arena_free(arena);
	test_host_finish(&host, &ctx);
}

static void
test_small_blocks_share_chunks(void **state)
{
	TestHost host;
	HmlContext ctx;
	HmlArena *arena;
	double *number;

	(void) state;
	test_host_init(&host, &ctx);
	assert_ok(&ctx, hml_arena_create(&ctx, &arena));
	for (int i = 0; i < 1000; i++)
		assert_ok(&ctx, HML_ARENA_NEW(arena, &number, 1));
	assert_int_equal(host.allocations, 2); /* the arena itself, one chunk */
	hml_arena_free(arena);
	hml_arena_free(NULL);
	test_host_finish(&host, &ctx);
}

static void
test_zero_and_strdup(void **state)
{
	TestHost host;
	HmlContext ctx;
	HmlArena *arena;
	int *zeros;
	char *copy;

	(void) state;
	test_host_init(&host, &ctx);
	assert_ok(&ctx, hml_arena_create(&ctx, &arena));
	assert_ok(&ctx, HML_ARENA_NEW_ZERO(arena, &zeros, 50));
	for (int i = 0; i < 50; i++)
		assert_int_equal(zeros[i], 0);
	assert_ok(&ctx, hml_arena_strdup(arena, "agenda", 3, &copy));
	assert_string_equal(copy, "age");
	assert_ok(&ctx, hml_arena_strdup(arena, "", 0, &copy));
	assert_string_equal(copy, "");
	hml_arena_free(arena);
	test_host_finish(&host, &ctx);
}

static void
test_sizes_that_do_not_fit(void **state)
{
	TestHost host;
	HmlContext ctx;
	HmlArena *arena;
	void *block;

	(void) state;
	test_host_init(&host, &ctx);
	assert_ok(&ctx, hml_arena_create(&ctx, &arena));
	assert_status(&ctx, hml_arena_alloc(arena, SIZE_MAX / 2, 3, &block), HML_LIMIT);
	assert_null(block);
	assert_status(&ctx, hml_arena_alloc(arena, SIZE_MAX, 1, &block), HML_LIMIT);
	assert_status(&ctx, hml_arena_alloc(arena, SIZE_MAX - 70, 1, &block), HML_LIMIT);
	ctx.memory_limit = 100000;
	assert_status(&ctx, hml_arena_alloc(arena, 100000, 1, &block), HML_MEMORY_LIMIT);
	hml_arena_free(arena);
	test_host_finish(&host, &ctx);
}

static HmlStatus
fill_an_arena(HmlContext *ctx, void *argument)
{
	HmlArena *arena;
	HmlStatus status;
	char *text;

	(void) argument;
	HML_TRY(hml_arena_create(ctx, &arena));
	status = hml_arena_strdup(arena, "short", 5, &text);
	for (size_t size = 1; status == HML_OK && size < 100000; size *= 10)
		status = HML_ARENA_NEW_ZERO(arena, &text, size);
	hml_arena_free(arena);
	return status;
}

static void
test_failing_allocations(void **state)
{
	(void) state;
	test_allocation_sweep(fill_an_arena, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks_do_not_overlap), cmocka_unit_test(test_small_blocks_share_chunks),
		cmocka_unit_test(test_zero_and_strdup),       cmocka_unit_test(test_sizes_that_do_not_fit),
		cmocka_unit_test(test_failing_allocations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
