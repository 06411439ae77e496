/*
 * channels_v3.c
 *	  The kernels of channels.h for x86-64-v3.
 */
#define HML_VARIANT(name) name##_v3
#include "core/nn/kernel/channels_impl.h"
