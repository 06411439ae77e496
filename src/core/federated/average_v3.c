/*
 * average_v3.c
 *	  Weighted sums with AVX2; see average_kernel.h.
 */
#define KERNEL_NAME hml_average_add_exact_v3
#include "core/federated/average_kernel.h"
