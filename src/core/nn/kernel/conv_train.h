/*
 * conv_train.h
 *	  Convolutions of PyTorch's layout, forward and backward: what training needs.
 *
 * x is (n, in_channels, height, width), w is (out_channels, in_channels / groups,
 * kernel height, kernel width), y is (n, out_channels, height, width).  Images
 * are turned to channels-last one by one, where conv.h and tile.h do the work.
 *
 * All functions need hml_conv_train_scratch() bytes, aligned to HML_ALIGNMENT, of
 * which nothing is kept between calls, and fail only when they are cancelled.
 */
#ifndef HML_NN_KERNEL_CONV_TRAIN_H
#define HML_NN_KERNEL_CONV_TRAIN_H

#include "core/nn/kernel/conv.h"

/* HML_LIMIT when the images are too large to count. */
extern HmlStatus hml_conv_train_scratch(HmlContext *ctx, const HmlConvShape *shape,
										size_t *bytes) HML_NODISCARD;

/* y = convolution of x, plus bias (out_channels) where not NULL. */
extern HmlStatus hml_conv_forward(HmlContext *ctx, const HmlConvShape *shape, size_t n, const float *x,
								  const float *w, const float *bias, float *y, void *scratch) HML_NODISCARD;

/* gx = gradient of x, from gy of y. */
extern HmlStatus hml_conv_backward_data(HmlContext *ctx, const HmlConvShape *shape, size_t n, const float *gy,
										const float *w, float *gx, void *scratch) HML_NODISCARD;

/* gw += gradient of w, from gy of y. */
extern HmlStatus hml_conv_backward_filters(HmlContext *ctx, const HmlConvShape *shape, size_t n,
										   const float *x, const float *gy, float *gw,
										   void *scratch) HML_NODISCARD;

#endif /* HML_NN_KERNEL_CONV_TRAIN_H */
