/*
 * cpu.c
 *	  Detection of the x86-64 micro-architecture level, once per process.
 */
#include "core/base/cpu.h"

static int detected_level; /* 0 = not looked yet */
static int level_cap = 4;

static int
detect_level(void)
{
#ifdef __x86_64__
	__builtin_cpu_init();
	if (!__builtin_cpu_supports("sse4.2") || !__builtin_cpu_supports("popcnt"))
		return 1;
	if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("bmi2"))
		return 2;
	if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
		!__builtin_cpu_supports("avx512cd") || !__builtin_cpu_supports("avx512dq") ||
		!__builtin_cpu_supports("avx512vl"))
		return 3;
	return 4;
#else
	return 1;
#endif
}

int
hml_cpu_level(void)
{
	if (detected_level == 0)
		detected_level = detect_level();
	return detected_level < level_cap ? detected_level : level_cap;
}

void
hml_cpu_cap_level(int level)
{
	level_cap = level;
}
