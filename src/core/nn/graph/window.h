/*
 * window.h
 *	  The attributes of a window that slides over a signal (C,L) or an image (C,H,W):
 *	  what convolutions and pools have in common.
 */
#ifndef HML_NN_GRAPH_WINDOW_H
#define HML_NN_GRAPH_WINDOW_H

#include "core/nn/graph/op.h"
#include "core/nn/kernel/images.h"

#define HML_MAX_WINDOW 4096 /* of kernel size, stride, dilation and padding */

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

/* (channels, out), of as many dimensions as x_shape[0]. */
extern HmlShape hml_window_output(const HmlNode *node, const HmlWindow *window, size_t channels);

#endif /* HML_NN_GRAPH_WINDOW_H */
