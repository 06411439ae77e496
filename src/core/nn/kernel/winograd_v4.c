/*
 * winograd_v4.c
 *	  Transforms of winograd.c for x86-64-v4.
 */
#define HML_VARIANT(name) name##_v4
#include "core/nn/kernel/winograd_impl.h"
