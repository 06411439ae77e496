/*
 * gemm_v3.c
 *	  The dot products of gemm.c for x86-64-v3.
 */
#define HML_VARIANT(name) name##_v3
#include "core/base/gemm_impl.h"
