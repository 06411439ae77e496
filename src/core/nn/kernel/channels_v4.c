/*
 * channels_v4.c
 *	  The kernels of channels.h for x86-64-v4.
 */
#define HML_VARIANT(name) name##_v4
#include "core/nn/kernel/channels_impl.h"
