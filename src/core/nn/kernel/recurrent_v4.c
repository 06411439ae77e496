/*
 * recurrent_v4.c
 *	  Steps of LSTM and GRU for x86-64-v4.
 */
#define HML_VARIANT(name) name##_v4
#include "core/nn/kernel/recurrent_impl.h"
