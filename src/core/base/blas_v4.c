/*
 * blas_v4.c
 *	  The dot products of blas.c for x86-64-v4.
 */
#define HML_VARIANT(name) name##_v4
#include "core/base/blas_impl.h"
