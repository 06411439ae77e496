/*
 * test_library.c
 *	  Libraries that are there, and those that are not.
 */
#include "unit/support.h"

#include <math.h>

#include "core/base/library.h"

static void
loads_a_library_once(void **state)
{
	static __typeof__(cos) *cosine;
	static HmlLibrary library = {.file = "libm.so.6", .n_functions = 1, .functions = {{"cos", &cosine}}};
	TestHost host;
	HmlContext ctx;

	(void) state;
	test_host_init(&host, &ctx);
	assert_ok(&ctx, hml_library_load(&ctx, &library));
	assert_true(library.loaded);
	assert_close(cosine(0), 1, 0);
	library.file = "no.so"; /* it is not looked for again */
	assert_ok(&ctx, hml_library_load(&ctx, &library));
	test_host_finish(&host, &ctx);
}

static void
names_a_library_that_is_missing(void **state)
{
	static __typeof__(cos) *cosine;
	static HmlLibrary library = {
		.file = "libhealthml-none.so.1", .n_functions = 1, .functions = {{"cos", &cosine}}};
	TestHost host;
	HmlContext ctx;

	(void) state;
	test_host_init(&host, &ctx);
	assert_status(&ctx, hml_library_load(&ctx, &library), HML_UNSUPPORTED);
	assert_string_equal(ctx.message, "could not load library \"libhealthml-none.so.1\"");
	assert_false(library.loaded);
	test_host_finish(&host, &ctx);
}

static void
names_a_function_that_is_missing(void **state)
{
	static __typeof__(cos) *cosine;
	static HmlLibrary library = {.file = "libm.so.6", .n_functions = 1, .functions = {{"cosine", &cosine}}};
	TestHost host;
	HmlContext ctx;

	(void) state;
	test_host_init(&host, &ctx);
	assert_status(&ctx, hml_library_load(&ctx, &library), HML_UNSUPPORTED);
	assert_non_null(strstr(ctx.detail, "cosine"));
	test_host_finish(&host, &ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loads_a_library_once),
		cmocka_unit_test(names_a_library_that_is_missing),
		cmocka_unit_test(names_a_function_that_is_missing),
	};

	return cmocka_run_group_tests_name("library", tests, NULL, NULL);
}
