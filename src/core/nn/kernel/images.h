/*
 * images.h
 *	  What the kernels work on: images in channels-last layout, and windows that slide
 *	  over them.
 */
#ifndef HML_NN_KERNEL_IMAGES_H
#define HML_NN_KERNEL_IMAGES_H

#include <stdbool.h>
#include <stddef.h>

/* Channel c of pixel (y,x) of image i is data[i * image + y * row + x * pixel + c]. */
typedef struct HmlImages
{
	float *data;
	size_t image;
	size_t row;
	size_t pixel;
} HmlImages;

/* Contiguous images of (height, width, channels). */
static inline HmlImages
hml_whole_images(float *data, size_t height, size_t width, size_t channels)
{
	HmlImages images = {data, height * width * channels, width * channels, channels};

	return images;
}

/* What is applied to the output of a kernel. */
typedef enum HmlActivation
{
	HML_ACT_NONE,
	HML_ACT_RELU,
	HML_ACT_LEAKY_RELU,
	HML_ACT_SIGMOID,
	HML_ACT_TANH,
	HML_ACT_SILU,
	HML_ACT_GELU
} HmlActivation;

/* A window that slides over an image; [0] is the vertical direction, [1] the horizontal one, and a signal has height 1. */
typedef struct HmlWindow
{
	size_t in[2]; /* pixels, without padding */
	size_t out[2];
	size_t kernel[2];
	size_t stride[2];
	size_t dilation[2];
	size_t pad[2]; /* before the first row and column; after the last, as much as the output needs */
} HmlWindow;

/* Rows or columns that all windows cover, padding included: what the framed input must have. */
static inline size_t
hml_window_extent(const HmlWindow *window, int direction)
{
	return (window->out[direction] - 1) * window->stride[direction] +
		   (window->kernel[direction] - 1) * window->dilation[direction] + 1;
}

#endif /* HML_NN_KERNEL_IMAGES_H */
