/*
 * window.h
 *	  A window that slides over a signal (C,L) or an image (C,H,W): what
 *	  convolutions and pools have in common.
 *
 * [0] is the vertical direction, [1] the horizontal one; a signal has height 1.
 */
#ifndef HML_NN_GRAPH_WINDOW_H
#define HML_NN_GRAPH_WINDOW_H

#include "core/nn/graph/op.h"

#define HML_MAX_WINDOW 4096 /* of kernel size, stride, dilation and padding */

typedef struct HmlWindow
{
	size_t directions; /* 1 or 2 */
	size_t in[2];
	size_t out[2];
	size_t kernel[2];
	size_t stride[2];
	size_t dilation[2];
	size_t pad[2]; /* before the first row and column; after the last, as much as the output needs */
} HmlWindow;

/* Numbers of the attributes that describe a window; HML_NO_ATTRIBUTE where the operator has none. */
#define HML_NO_ATTRIBUTE SIZE_MAX

typedef struct HmlWindowAttrs
{
	size_t kernel;
	size_t stride; /* not set = as the kernel */
	size_t padding;
	size_t dilation;
} HmlWindowAttrs;

/* The window over x_shape[0], which is (channels, length) or (channels, height, width). */
extern HmlStatus hml_read_window(HmlBuilder *builder, const HmlNode *node, const HmlWindowAttrs *attrs,
								 HmlWindow *out) HML_NODISCARD;

/* (channels, out). */
extern HmlShape hml_window_output(const HmlWindow *window, size_t channels);

#endif /* HML_NN_GRAPH_WINDOW_H */
