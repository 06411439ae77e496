/*
 * winograd.h
 *	  3 x 3 convolutions with less than half the multiplications.
 *
 * A. Lavin, S. Gray: Fast algorithms for convolutional neural networks, CVPR 2016,
 * F(2 x 2, 3 x 3): four outputs take 16 products in place of 36, between sums that
 * have no factors but 1/2, so that hardly a digit is lost.  The products of all
 * tiles are 16 matrix products.
 */
#ifndef HML_NN_KERNEL_WINOGRAD_H
#define HML_NN_KERNEL_WINOGRAD_H

#include "core/nn/kernel/conv.h"

/* Whether the method is for this convolution, and pays. */
extern bool hml_winograd_fits(const HmlConvShape *shape);

/* As hml_conv_pack(): floats, and filters with a factor for each output channel, or NULL. */
extern size_t hml_winograd_packed_size(const HmlTileSet *set, const HmlConvShape *shape);
extern void hml_winograd_pack(const HmlTileSet *set, const HmlConvShape *shape, const float *w,
							  const float *scale, float *packed);

/* Floats that a call needs beside. */
extern size_t hml_winograd_scratch(const HmlConvShape *shape);

/*
 * As hml_conv_run().  The frame of x must be complete for an even number of rows
 * and columns of output: what the last ones would need is read, and not used.
 */
extern HmlStatus hml_winograd_run(HmlContext *ctx, const HmlConvCall *call, float *scratch) HML_NODISCARD;

#endif /* HML_NN_KERNEL_WINOGRAD_H */
