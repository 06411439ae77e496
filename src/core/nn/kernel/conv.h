/*
 * conv.h
 *	  Convolutions, in channels-last layout and without im2col.
 *
 * In channels-last layout the window of one output pixel is a few contiguous
 * runs of floats, one for each row of the window, so that a convolution is a
 * matrix product whose left side is read in place (tile.h).  Padding is part of
 * the input: a frame of zeros round the image, which the caller keeps.
 *
 * A one-dimensional convolution has height 1 in everything; a dense layer is a
 * convolution of one pixel.  The same code serves both.
 */
#ifndef HML_NN_KERNEL_CONV_H
#define HML_NN_KERNEL_CONV_H

#include "core/base/context.h"
#include "core/base/tile.h"
#include "core/nn/kernel/images.h"

typedef struct HmlConvShape
{
	size_t in_channels;
	size_t out_channels;
	size_t groups; /* divides both */
	HmlWindow window;
} HmlConvShape;

/*
 * Filters w (out_channels, in_channels / groups, kernel height, kernel width), as
 * PyTorch and ONNX have them, into the order in which the tiles of 'set' read
 * them.  scale, where not NULL, multiplies each output channel (batch norm).
 * Returns, and needs, hml_conv_packed_size() floats.
 */
extern size_t hml_conv_packed_size(const HmlTileSet *set, const HmlConvShape *shape);
extern void hml_conv_pack(const HmlTileSet *set, const HmlConvShape *shape, const float *w,
						  const float *scale, float *packed);

/* Filters packed for a window of one pixel, each input channel times a factor: as good as scaling the input. */
extern void hml_conv_scale_inputs(const HmlTileSet *set, const HmlConvShape *shape, const float *packed,
								  const float *factors, float *out);

typedef struct HmlConvCall
{
	const HmlTileSet *set;
	const HmlConvShape *shape;
	const float *packed;
	const float *bias; /* (out_channels, and lanes of the set more that are not used); NULL = 0 */
	size_t n;          /* images */
	HmlImages x;       /* data is the first pixel of the frame */
	HmlImages y;       /* data is the first pixel of the output */
	HmlImages add;     /* added to the output before the activation; data NULL = nothing */
	HmlActivation activation;
	float slope; /* of leaky ReLU */
} HmlConvCall;

/* Fails only when it is cancelled. */
extern HmlStatus hml_conv_run(HmlContext *ctx, const HmlConvCall *call) HML_NODISCARD;

#endif /* HML_NN_KERNEL_CONV_H */
