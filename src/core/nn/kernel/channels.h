/*
 * channels.h
 *	  Everything in channels-last layout that is no matrix product: depthwise
 *	  convolution, pooling, activations, sums and products of images.
 *
 * Vectors lie along the channels, so that any stride, dilation or padding costs
 * nothing.  None of these can fail; all of them are linear in the size of the
 * images and the window, and the caller polls between them.
 */
#ifndef HML_NN_KERNEL_CHANNELS_H
#define HML_NN_KERNEL_CHANNELS_H

#include "core/nn/kernel/images.h"

typedef struct HmlChannels
{
	/* In place over rows of 'width' floats; RELU, too. */
	void (*activate)(HmlActivation activation, float slope, float *data, size_t rows, size_t width,
					 size_t row);

	/*
	 * One image, one filter for each channel: w is (kernel height, kernel width,
	 * channels), bias is (channels) or NULL.  x.data is the first pixel of the
	 * frame, as for hml_conv_run().
	 */
	void (*depthwise)(const HmlWindow *window, size_t channels, const HmlImages *x, const float *w,
					  const float *bias, HmlActivation activation, float slope, const HmlImages *y);

	/* One image; windows are cut off at the border of the image, x.data is its first pixel. */
	void (*max_pool)(const HmlWindow *window, size_t channels, const HmlImages *x, const HmlImages *y);
	void (*average_pool)(const HmlWindow *window, size_t channels, const HmlImages *x, bool count_padding,
						 const HmlImages *y);
	/* y (channels) = mean over the pixels. */
	void (*mean)(size_t height, size_t width, size_t channels, const HmlImages *x, float *y);
	void (*maximum)(size_t height, size_t width, size_t channels, const HmlImages *x, float *y);

	/* One image: y = x * scale + shift, both (channels), shift may be NULL. */
	void (*affine)(size_t height, size_t width, size_t channels, const HmlImages *x, const float *scale,
				   const float *shift, const HmlImages *y);
	/* One image: y = a + b, y = a * b. */
	void (*add)(size_t height, size_t width, size_t channels, const HmlImages *a, const HmlImages *b,
				const HmlImages *y);
	void (*multiply)(size_t height, size_t width, size_t channels, const HmlImages *a, const HmlImages *b,
					 const HmlImages *y);
} HmlChannels;

extern const HmlChannels hml_channels_c;
extern const HmlChannels hml_channels_v3;
extern const HmlChannels hml_channels_v4;

/* The kernels for this processor. */
extern const HmlChannels *hml_channels(void);

#endif /* HML_NN_KERNEL_CHANNELS_H */
