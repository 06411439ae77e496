/*
 * images.h
 *	  What the kernels work on: images in channels-last layout.
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

#endif /* HML_NN_KERNEL_IMAGES_H */
