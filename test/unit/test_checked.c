/*
 * test_checked.c
 *	  Size arithmetic at its edges.
 */
#include "unit/support.h"

#include "core/base/checked.h"

static void
test_products(void **state)
{
	size_t out = 7;

	(void) state;
	assert_true(hml_size_mul(6, 7, &out));
	assert_int_equal(out, 42);
	assert_true(hml_size_mul(0, SIZE_MAX, &out));
	assert_int_equal(out, 0);
	assert_true(hml_size_mul(SIZE_MAX, 1, &out));
	assert_true(out == SIZE_MAX);
	assert_true(hml_size_mul(SIZE_MAX / 2, 2, &out));
	assert_true(out == SIZE_MAX - 1);

	out = 7;
	assert_false(hml_size_mul(SIZE_MAX / 2 + 1, 2, &out));
	assert_false(hml_size_mul(SIZE_MAX, SIZE_MAX, &out));
	assert_int_equal(out, 7);
}

static void
test_sums(void **state)
{
	size_t out = 7;

	(void) state;
	assert_true(hml_size_add(SIZE_MAX - 1, 1, &out));
	assert_true(out == SIZE_MAX);
	assert_true(hml_size_add(0, 0, &out));
	assert_int_equal(out, 0);

	out = 7;
	assert_false(hml_size_add(SIZE_MAX, 1, &out));
	assert_false(hml_size_add(SIZE_MAX, SIZE_MAX, &out));
	assert_int_equal(out, 7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_products),
		cmocka_unit_test(test_sums),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
