/*
 * dense.h
 *	  A dense layer: y = activation(x W^T + bias), for few rows as fast as for many.
 */
#ifndef HML_NN_KERNEL_DENSE_H
#define HML_NN_KERNEL_DENSE_H

#include "core/base/context.h"
#include "core/base/tile.h"
#include "core/nn/kernel/images.h"

typedef struct HmlDense
{
	const HmlTileSet *set;
	size_t in;
	size_t out;
	const float *packed; /* W (out, in), by hml_dense_pack() */
	const float *bias;   /* (out, and lanes of the set more that are not used); NULL = 0 */
	HmlActivation activation;
	float slope; /* of leaky ReLU */
} HmlDense;

/* The floats that 'packed' needs; scale, where not NULL, multiplies each output (batch norm). */
extern size_t hml_dense_packed_size(const HmlTileSet *set, size_t in, size_t out);
extern void hml_dense_pack(const HmlTileSet *set, size_t in, size_t out, const float *w, const float *scale,
						   float *packed);

/* Row i of x is at x + i * ldx, of y at y + i * ldy.  Fails only when it is cancelled. */
extern HmlStatus hml_dense_run(HmlContext *ctx, const HmlDense *dense, size_t rows, const float *x,
							   size_t ldx, float *y, size_t ldy) HML_NODISCARD;

#endif /* HML_NN_KERNEL_DENSE_H */
