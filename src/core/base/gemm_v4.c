/*
 * gemm_v4.c
 *	  The dot products of gemm.c for x86-64-v4.
 */
#define HML_VARIANT(name) name##_v4
#include "core/base/gemm_impl.h"
