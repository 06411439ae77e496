/*
 * loops_variants.h
 *	  The tables that hml_loops() chooses from; for loops*.c and the tests.
 */
#ifndef HML_NN_LOOPS_LOOPS_VARIANTS_H
#define HML_NN_LOOPS_LOOPS_VARIANTS_H

#include "core/nn/loops/loops.h"

extern const HmlLoops hml_loops_portable;
#ifdef __x86_64__
extern const HmlLoops hml_loops_v3;
extern const HmlLoops hml_loops_v4;
#endif

#endif /* HML_NN_LOOPS_LOOPS_VARIANTS_H */
