/*
 * recurrent_v3.c
 *	  Steps of LSTM and GRU for x86-64-v3.
 */
#define HML_VARIANT(name) name##_v3
#include "core/nn/kernel/recurrent_impl.h"
