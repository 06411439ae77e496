/*
 * test_cpu.c
 *	  The level of the processor, against what the system says of it.
 */
#include "unit/support.h"

#include "core/base/cpu.h"

static void
test_cap(void **state)
{
	int level = hml_cpu_level();

	(void) state;
	assert_in_range(level, 1, 4);
	for (int cap = 1; cap <= 4; cap++)
	{
		hml_cpu_cap_level(cap);
		assert_int_equal(hml_cpu_level(), cap < level ? cap : level);
	}
}

/* Flags of the first processor in /proc/cpuinfo, with a space before and after each; skips without them. */
static const char *
system_flags(void)
{
	static char line[16384];
	FILE *file = fopen("/proc/cpuinfo", "r");

	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, "flags", 5) == 0)
		{
			fclose(file);
			line[strcspn(line, "\n")] = ' ';
			return line;
		}
	print_message("# skipped: /proc/cpuinfo lists no flags of a processor\n");
	skip();
	return NULL;
}

static void
test_level_is_what_the_system_says(void **state)
{
	static const char *const NEEDED[5][6] = {
		[2] = {" sse4_2 ", " popcnt "},
		[3] = {" avx2 ", " fma ", " bmi2 "},
		[4] = {" avx512f ", " avx512bw ", " avx512cd ", " avx512dq ", " avx512vl "},
	};
	const char *flags = system_flags();
	int level = 4;

	(void) state;
	for (int i = 4; i >= 2; i--)
		for (const char *const *flag = NEEDED[i]; *flag != NULL; flag++)
			if (strstr(flags, *flag) == NULL)
				level = i - 1;
	assert_int_equal(hml_cpu_level(), level);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_level_is_what_the_system_says),
		cmocka_unit_test(test_cap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
