/*
 * loops_v3.c
 *	  The loops of loops.h for x86-64-v3.
 */
#define HML_LOOPS_VARIANT hml_loops_v3
#include "core/nn/loops/loops_body.h"
