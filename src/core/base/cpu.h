/*
 * cpu.h
 *	  Which kernels this processor can run.
 *
 * Kernels with variants lie in files named *_v3.c and *_v4.c, compiled for
 * x86-64-v3 (AVX2, FMA) and x86-64-v4 (AVX-512 F, BW, CD, DQ, VL); the portable
 * version is in the file without a suffix.  All variants of one kernel give the
 * same result, to the bit where the header of the kernel promises it.
 */
#ifndef HML_BASE_CPU_H
#define HML_BASE_CPU_H

/* x86-64 micro-architecture level, 1 to 4; 1 on other processors. */
extern int hml_cpu_level(void);

/* For tests: pretend to have at most this level; 4 lifts the cap. */
extern void hml_cpu_cap_level(int level);

/* The variant of 'name' for this processor: name_v4, name_v3 or name_c. */
#ifdef __x86_64__
#define HML_PICK(name) (hml_cpu_level() >= 4 ? name##_v4 : hml_cpu_level() == 3 ? name##_v3 : name##_c)
#else
#define HML_PICK(name) (name##_c)
#endif

#endif /* HML_BASE_CPU_H */
