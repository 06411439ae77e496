/*
 * op_conv.c
 *	  conv1d and conv2d: cross-correlation with learnt filters, as in PyTorch.
 *
 * x is (n, C, [H,] W), y is (n, filters, [H',] W'), the filters are (filters,
 * C / groups, [kernel height,] kernel width).  With groups = C = filters the
 * convolution is depthwise.  The kernels are those of kernel/conv_train.h.
 */
#include <math.h>

#include "core/base/gemm.h"
#include "core/nn/kernel/conv_train.h"
#include "core/nn/loops/loops.h"
#include "core/nn/graph/optable.h"
#include "core/nn/graph/window.h"

enum
{
	FILTERS,
	KERNEL_SIZE,
	STRIDE,
	PADDING,
	DILATION,
	GROUPS,
	BIAS,
	INIT
};

enum
{
	WEIGHT_P,
	BIAS_P
};

static const HmlAttrSpec attrs[] = {
	{"filters", HML_ATTR_INTEGER, NULL, 1, 1 << 20, NULL, "output channels"},
	{"kernel_size", HML_ATTR_EXTENT, NULL, 1, HML_MAX_WINDOW, NULL, "taps of a filter"},
	{"stride", HML_ATTR_EXTENT, "1", 1, HML_MAX_WINDOW, NULL, "pixels from one output to the next"},
	{"padding", HML_ATTR_PADDING, "0", 0, HML_MAX_WINDOW, NULL, "zeros round the input"},
	{"dilation", HML_ATTR_EXTENT, "1", 1, HML_MAX_WINDOW, NULL, "pixels from one tap to the next"},
	{"groups", HML_ATTR_INTEGER, "1", 1, 1 << 20, NULL, "parts that input and output channels are cut into"},
	{"bias", HML_ATTR_BOOLEAN, "true", 0, 1, NULL, "whether a bias is added"},
	{"init", HML_ATTR_CHOICE, "\"he\"", 0, 0, HML_INIT_CHOICES, "initial weights"},
	{NULL, 0, NULL, 0, 0, NULL, NULL},
};

static const HmlWindowAttrs window_attrs = {KERNEL_SIZE, STRIDE, PADDING, DILATION};

static HmlStatus
add_parameters(HmlBuilder *builder, HmlNode *node, const HmlConvShape *conv)
{
	size_t in = conv->in_channels / conv->groups;
	size_t taps = conv->window.kernel[0] * conv->window.kernel[1];
	HmlShape weight = {4, {conv->out_channels, in, conv->window.kernel[0], conv->window.kernel[1]}};
	HmlShape bias = {1, {conv->out_channels}};

	if (node->x_shape[0].n_dims == 2)
		weight = (HmlShape){3, {conv->out_channels, in, conv->window.kernel[1]}};
	HML_TRY(hml_add_weight(builder, node, INIT, weight, in * taps, conv->out_channels / conv->groups * taps));
	if (!hml_attr_flag(node, BIAS))
		return HML_OK;
	return hml_add_parameter(builder, node, "bias", bias, HML_INIT_UNIFORM, 1 / sqrt((double) (in * taps)));
}

static HmlStatus
shape(HmlBuilder *builder, HmlNode *node)
{
	HmlArena *arena = hml_builder_arena(builder);
	HmlConvShape *conv;

	HML_TRY(HML_ARENA_NEW_ZERO(arena, &conv, 1));
	HML_TRY(hml_read_window(builder, node, &window_attrs, &conv->window));
	conv->in_channels = node->x_shape[0].dims[0];
	conv->out_channels = hml_attr_size(node, FILTERS);
	conv->groups = hml_attr_size(node, GROUPS);
	if (conv->in_channels % conv->groups != 0 || conv->out_channels % conv->groups != 0)
		return hml_shape_error(builder, node, "%zu groups do not divide %zu input channels and %zu filters",
							   conv->groups, conv->in_channels, conv->out_channels);
	node->geometry = conv;
	node->shape = hml_window_output(node, &conv->window, conv->out_channels);
	if (!hml_shape_is_valid(&node->shape))
		return HML_OK; /* which the caller reports */
	HML_TRY(add_parameters(builder, node, conv));
	HML_TRY(hml_conv_train_scratch(hml_arena_context(arena), conv, &node->scratch));
	node->flops =
		2.0 * (double) hml_shape_size(&node->shape) *
		(double) (conv->in_channels / conv->groups * conv->window.kernel[0] * conv->window.kernel[1]);
	return HML_OK;
}

static HmlStatus
shape_1d(HmlBuilder *builder, HmlNode *node)
{
	HML_TRY(hml_need_dims(builder, node, 2, 2, "(channels, length)"));
	return shape(builder, node);
}

static HmlStatus
shape_2d(HmlBuilder *builder, HmlNode *node)
{
	HML_TRY(hml_need_dims(builder, node, 3, 3, "(channels, height, width)"));
	return shape(builder, node);
}

/* ---- a convolution of single pixels is a matrix product on images as they are ---------------------- */

static bool
is_pointwise(const HmlConvShape *conv)
{
	bool single = conv->groups == 1;

	for (size_t d = 0; d < 2; d++)
		single &= conv->window.kernel[d] == 1 && conv->window.stride[d] == 1 && conv->window.pad[d] == 0 &&
				  conv->window.out[d] == conv->window.in[d];
	return single;
}

/* y (filters, pixels) = W (filters, channels) x (channels, pixels), for each sample. */
static HmlStatus
forward_pointwise(const HmlRun *run, const HmlConvShape *conv, const float *bias)
{
	size_t pixels = conv->window.in[0] * conv->window.in[1];

	for (size_t i = 0; i < run->n; i++)
	{
		float *y = run->y + i * conv->out_channels * pixels;

		HML_TRY(hml_poll(run->ctx));
		for (size_t o = 0; o < conv->out_channels && bias != NULL; o++)
			for (size_t p = 0; p < pixels; p++)
				y[o * pixels + p] = bias[o];
		hml_sgemm(HML_NO_TRANS, HML_NO_TRANS, conv->out_channels, pixels, conv->in_channels, 1,
				  hml_run_weight(run, WEIGHT_P), conv->in_channels,
				  run->x[0] + i * conv->in_channels * pixels, pixels, bias != NULL ? 1 : 0, y, pixels);
	}
	return HML_OK;
}

static HmlStatus
backward_pointwise(const HmlRun *run, const HmlConvShape *conv)
{
	size_t pixels = conv->window.in[0] * conv->window.in[1];
	size_t in = conv->in_channels;
	size_t out = conv->out_channels;

	for (size_t i = 0; i < run->n; i++)
	{
		const float *gy = run->gy + i * out * pixels;

		HML_TRY(hml_poll(run->ctx));
		if (run->gradients != NULL)
			hml_sgemm(HML_NO_TRANS, HML_TRANS, out, in, pixels, 1, gy, pixels, run->x[0] + i * in * pixels,
					  pixels, 1, hml_run_gradient(run, WEIGHT_P), in);
		if (run->gx[0] != NULL)
			hml_sgemm(HML_TRANS, HML_NO_TRANS, in, pixels, out, 1, hml_run_weight(run, WEIGHT_P), in, gy,
					  pixels, 0, run->gx[0] + i * in * pixels, pixels);
	}
	return HML_OK;
}

/* ---- any convolution ------------------------------------------------------------------------------- */

static HmlStatus
forward(const HmlRun *run)
{
	const float *bias = hml_attr_flag(run->node, BIAS) ? hml_run_weight(run, BIAS_P) : NULL;

	if (is_pointwise(run->node->geometry))
		return forward_pointwise(run, run->node->geometry, bias);
	return hml_conv_forward(run->ctx, run->node->geometry, run->n, run->x[0], hml_run_weight(run, WEIGHT_P),
							bias, run->y, run->scratch);
}

static void
backward_bias(const HmlRun *run)
{
	const HmlLoops *loops = hml_loops();
	size_t channels = run->node->shape.dims[0];
	size_t pixels = hml_shape_size(&run->node->shape) / channels;
	float *gradient = hml_run_gradient(run, BIAS_P);

	for (size_t i = 0; i < run->n; i++)
		for (size_t c = 0; c < channels; c++)
			gradient[c] += (float) loops->sum(run->gy + (i * channels + c) * pixels, pixels);
}

static HmlStatus
backward(const HmlRun *run)
{
	const HmlConvShape *conv = run->node->geometry;

	if (run->gradients != NULL && hml_attr_flag(run->node, BIAS))
		backward_bias(run);
	if (is_pointwise(conv))
		return backward_pointwise(run, conv);
	if (run->gradients != NULL)
		HML_TRY(hml_conv_backward_filters(run->ctx, conv, run->n, run->x[0], run->gy,
										  hml_run_gradient(run, WEIGHT_P), run->scratch));
	if (run->gx[0] == NULL)
		return HML_OK;
	return hml_conv_backward_data(run->ctx, conv, run->n, run->gy, hml_run_weight(run, WEIGHT_P), run->gx[0],
								  run->scratch);
}

static const char *const cases_1d[] = {
	"{\"input\":[4,12],\"layers\":[{\"op\":\"conv1d\",\"filters\":6,\"kernel_size\":3}]}",
	"{\"input\":[4,12],\"layers\":[{\"op\":\"conv1d\",\"filters\":6,\"kernel_size\":4,\"stride\":3,"
	"\"padding\":[1,2],\"dilation\":2,\"groups\":2,\"bias\":false}]}",
	NULL,
};

static const char *const cases_2d[] = {
	"{\"input\":[3,7,6],\"layers\":[{\"op\":\"conv2d\",\"filters\":4,\"kernel_size\":3,\"padding\":\"same\"}]"
	"}",
	"{\"input\":[2,8,7],\"layers\":[{\"op\":\"conv2d\",\"filters\":3,\"kernel_size\":[3,2],\"stride\":[2,1],"
	"\"padding\":[1,0,2,1],\"dilation\":[1,2]}]}",
	"{\"input\":[4,6,5],\"layers\":[{\"op\":\"conv2d\",\"filters\":8,\"kernel_size\":3,\"stride\":2,"
	"\"padding\":1,"
	"\"groups\":4,\"bias\":false}]}",
	"{\"input\":[3,4,3],\"layers\":[{\"op\":\"conv2d\",\"filters\":5,\"kernel_size\":1}]}",
	NULL,
};

const HmlOp hml_op_conv1d = {
	.name = "conv1d",
	.help = "Convolution of a signal (channels, length).",
	.min_inputs = 1,
	.max_inputs = 1,
	.flags = HML_OP_KEEPS_INPUTS,
	.attrs = attrs,
	.shape = shape_1d,
	.forward = forward,
	.backward = backward,
	.cases = cases_1d,
};

const HmlOp hml_op_conv2d = {
	.name = "conv2d",
	.help = "Convolution of an image (channels, height, width).",
	.min_inputs = 1,
	.max_inputs = 1,
	.flags = HML_OP_KEEPS_INPUTS,
	.attrs = attrs,
	.shape = shape_2d,
	.forward = forward,
	.backward = backward,
	.cases = cases_2d,
};
