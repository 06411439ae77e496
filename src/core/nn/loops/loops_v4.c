/*
 * loops_v4.c
 *	  The loops of loops.h for x86-64-v4.
 */
#define HML_LOOPS_VARIANT hml_loops_v4
#include "core/nn/loops/loops_body.h"
