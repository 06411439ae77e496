/*
 * winograd_v3.c
 *	  Transforms of winograd.c for x86-64-v3.
 */
#define HML_VARIANT(name) name##_v3
#include "core/nn/kernel/winograd_impl.h"
