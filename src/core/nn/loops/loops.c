/*
 * loops.c
 *	  The portable variant of the loops, and the choice among variants.
 */
#include "core/base/cpu.h"

#define HML_LOOPS_VARIANT hml_loops_portable
#include "core/nn/loops/loops_body.h"

const HmlLoops *
hml_loops(void)
{
#ifdef __x86_64__
	if (hml_cpu_level() >= 4)
		return &hml_loops_v4;
	if (hml_cpu_level() == 3)
		return &hml_loops_v3;
#endif
	return &hml_loops_portable;
}
