/*
 * window.c
 *	  Reading the attributes of a sliding window.
 */
#include "core/nn/graph/window.h"

/* 1 for a signal, 2 for an image. */
static size_t
directions_of(const HmlNode *node)
{
	return node->x_shape[0].n_dims - 1;
}

/* An extent into one number for each direction. */
static HmlStatus
read_extent(HmlBuilder *builder, const HmlNode *node, size_t attr, size_t directions, size_t fallback,
			size_t out[2])
{
	const HmlAttr *value = attr == HML_NO_ATTRIBUTE ? NULL : &node->attrs[attr];

	if (value != NULL && value->count > 1 && value->count != directions)
		return hml_shape_error(builder, node, "attribute \"%s\" has %zu numbers for %zu directions",
							   node->op->attrs[attr].name, value->count, directions);
	for (size_t d = 0; d < 2; d++)
	{
		size_t place = value != NULL && value->count > 1 ? d + directions - 2 : 0;

		out[d] = value == NULL || value->count == 0 ? fallback : (size_t) value->numbers[place];
	}
	if (directions == 1)
		out[0] = fallback;
	return HML_OK;
}

/* Reach of the kernel: input pixels from its first tap to its last, both included. */
static size_t
reach(const HmlWindow *window, size_t d)
{
	return (window->kernel[d] - 1) * window->dilation[d] + 1;
}

static HmlStatus
pad_same(HmlBuilder *builder, const HmlNode *node, HmlWindow *window, size_t after[2])
{
	for (size_t d = 0; d < 2; d++)
	{
		if (window->stride[d] != 1)
			return hml_shape_error(builder, node, "padding \"same\" needs a stride of 1");
		window->pad[d] = (reach(window, d) - 1) / 2;
		after[d] = reach(window, d) - 1 - window->pad[d];
	}
	return HML_OK;
}

static HmlStatus
read_padding(HmlBuilder *builder, const HmlNode *node, size_t attr, HmlWindow *window, size_t after[2])
{
	const HmlAttr *value = &node->attrs[attr];
	size_t directions = directions_of(node);

	if (value->count == 0)
		return pad_same(builder, node, window, after);
	if (value->count == 2 * directions)
		for (size_t d = 0; d < 2; d++)
		{
			bool used = d + directions >= 2;

			window->pad[d] = used ? (size_t) value->numbers[d + directions - 2] : 0;
			after[d] = used ? (size_t) value->numbers[d + 2 * directions - 2] : 0;
		}
	else
	{
		HML_TRY(read_extent(builder, node, attr, directions, 0, window->pad));
		after[0] = window->pad[0];
		after[1] = window->pad[1];
	}
	return HML_OK;
}

HmlStatus
hml_read_window(HmlBuilder *builder, const HmlNode *node, const HmlWindowAttrs *attrs, HmlWindow *out)
{
	const HmlShape *x = &node->x_shape[0];
	size_t directions = directions_of(node);
	size_t after[2];

	out->in[0] = directions == 2 ? x->dims[1] : 1;
	out->in[1] = x->dims[x->n_dims - 1];
	HML_TRY(read_extent(builder, node, attrs->kernel, directions, 1, out->kernel));
	HML_TRY(read_extent(builder, node, attrs->stride, directions, 1, out->stride));
	HML_TRY(read_extent(builder, node, attrs->dilation, directions, 1, out->dilation));
	if (node->attrs[attrs->stride].count == 0)
		for (size_t d = 0; d < 2; d++)
			out->stride[d] = out->kernel[d];
	HML_TRY(read_padding(builder, node, attrs->padding, out, after));
	for (size_t d = 0; d < 2; d++)
	{
		size_t padded = out->in[d] + out->pad[d] + after[d];

		if (out->pad[d] >= reach(out, d) || after[d] >= reach(out, d))
			return hml_shape_error(builder, node, "a padding of %zu is too much for a window of %zu",
								   out->pad[d] > after[d] ? out->pad[d] : after[d], reach(out, d));
		if (reach(out, d) > padded)
			return hml_shape_error(builder, node, "a window of %zu does not fit into %zu, padding included",
								   reach(out, d), padded);
		out->out[d] = (padded - reach(out, d)) / out->stride[d] + 1;
	}
	return HML_OK;
}

HmlShape
hml_window_output(const HmlNode *node, const HmlWindow *window, size_t channels)
{
	if (directions_of(node) == 1)
		return (HmlShape){2, {channels, window->out[1]}};
	return (HmlShape){3, {channels, window->out[0], window->out[1]}};
}
