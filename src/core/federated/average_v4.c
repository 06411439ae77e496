/*
 * average_v4.c
 *	  Weighted sums with AVX-512; see average_kernel.h.
 */
#define KERNEL_NAME hml_average_add_exact_v4
#include "core/federated/average_kernel.h"
