/*
 * op_pool.c
 *	  max_pool and avg_pool over a window, global_max_pool and global_avg_pool
 *	  over all of it.
 *
 * x is (n, C, [H,] W).  Windows are taken apart: first down the rows of an image,
 * where the loop runs along a row, then across them.  max_pool remembers for each
 * output which input it came from (of equal ones, the one furthest to the left,
 * then the topmost).
 */
#include <string.h>

#include "core/nn/loops/loops.h"
#include "core/nn/graph/optable.h"
#include "core/nn/graph/window.h"

enum
{
	KERNEL_SIZE,
	STRIDE,
	PADDING,
	COUNT_INCLUDE_PAD
};

#define POOL_ATTRS \
	{"kernel_size", HML_ATTR_EXTENT, NULL, 1, HML_MAX_WINDOW, NULL, "size of the window"}, \
		{"stride", \
		 HML_ATTR_EXTENT, \
		 "null", \
		 1, \
		 HML_MAX_WINDOW, \
		 NULL, \
		 "pixels from one output to the next, by default the size of the window"}, \
	{ \
		"padding", HML_ATTR_PADDING, "0", 0, HML_MAX_WINDOW, NULL, "empty pixels round the input" \
	}

static const HmlAttrSpec max_attrs[] = {POOL_ATTRS, {NULL, 0, NULL, 0, 0, NULL, NULL}};

static const HmlAttrSpec avg_attrs[] = {
	POOL_ATTRS,
	{"count_include_pad", HML_ATTR_BOOLEAN, "true", 0, 1, NULL,
	 "whether empty pixels count as zeros in the mean"},
	{NULL, 0, NULL, 0, 0, NULL, NULL},
};

static const HmlWindowAttrs window_attrs = {KERNEL_SIZE, STRIDE, PADDING, HML_NO_ATTRIBUTE};

static HmlStatus
pool_shape(HmlBuilder *builder, HmlNode *node)
{
	HmlWindow *window;

	HML_TRY(hml_need_dims(builder, node, 2, 3, "(channels, length) or (channels, height, width)"));
	HML_TRY(HML_ARENA_NEW_ZERO(hml_builder_arena(builder), &window, 1));
	HML_TRY(hml_read_window(builder, node, &window_attrs, window));
	node->geometry = window;
	node->shape = hml_window_output(node, window, node->x_shape[0].dims[0]);
	node->flops = (double) hml_shape_size(&node->shape) * (double) (window->kernel[0] * window->kernel[1]);
	return HML_OK;
}

/* Input rows or columns that output 'o' sees: from *begin up to, not including, *end. */
static void
clip(const HmlWindow *window, size_t direction, size_t o, size_t *begin, size_t *end)
{
	size_t first = o * window->stride[direction];
	size_t last = first + window->kernel[direction];
	size_t pad = window->pad[direction];

	*begin = first > pad ? first - pad : 0;
	*end = last > pad ? last - pad : 0;
	if (*end > window->in[direction])
		*end = window->in[direction];
}

/* ---- max_pool -------------------------------------------------------------------------------------- */

static HmlStatus
max_shape(HmlBuilder *builder, HmlNode *node)
{
	const HmlWindow *window;

	HML_TRY(pool_shape(builder, node));
	window = node->geometry;
	node->saved_sample = hml_shape_size(&node->shape) * sizeof(int32_t);
	node->scratch = (window->in[1] + window->out[1]) * (sizeof(float) + sizeof(int32_t));
	return HML_OK;
}

/* Outputs whose tap 'k' lies within the row: from *begin up to, not including, *end. */
static void
outputs_of_tap(const HmlWindow *window, size_t k, size_t *begin, size_t *end)
{
	size_t stride = window->stride[1];
	size_t pad = window->pad[1];
	size_t room = window->in[1] + pad; /* tap k of output q is at q * stride + k, pad included */

	*begin = k < pad ? (pad - k + stride - 1) / stride : 0;
	*end = k < room ? (room - k + stride - 1) / stride : 0;
	if (*end > window->out[1])
		*end = window->out[1];
}

/* Row o of the output of one plane; *from gets the number of the pixel that each maximum came from. */
static void
max_row(const HmlWindow *window, const float *plane, size_t o, void *scratch, float *y, int32_t *from)
{
	size_t width = window->in[1];
	float *highest = scratch;
	int32_t *row = (int32_t *) (highest + width);
	size_t begin;
	size_t end;

	clip(window, 0, o, &begin, &end);
	memcpy(highest, plane + begin * width, width * sizeof(float));
	for (size_t x = 0; x < width; x++)
		row[x] = (int32_t) (begin * width + x);
	for (size_t r = begin + 1; r < end; r++)
		hml_loops()->max_of_rows(plane + r * width, (int32_t) (r * width), highest, row, width);
	for (size_t q = 0; q < window->out[1]; q++)
	{
		clip(window, 1, q, &begin, &end);
		y[q] = highest[begin];
		from[q] = row[begin];
	}
	for (size_t k = 0; k < window->kernel[1]; k++)
	{
		size_t first;

		outputs_of_tap(window, k, &begin, &end);
		if (begin >= end)
			continue;
		first = begin * window->stride[1] + k - window->pad[1];
		hml_loops()->max_of_taps(highest + first, row + first, window->stride[1], y + begin, from + begin,
								 end - begin);
	}
}

static HmlStatus
max_forward(const HmlRun *run)
{
	const HmlWindow *window = run->node->geometry;
	size_t planes = run->n * run->node->shape.dims[0];
	size_t pixels = window->in[0] * window->in[1];
	int32_t *unused = (int32_t *) run->scratch + 2 * window->in[1];

	for (size_t p = 0; p < planes; p++)
		for (size_t o = 0; o < window->out[0]; o++)
		{
			size_t offset = (p * window->out[0] + o) * window->out[1];
			int32_t *from = run->saved != NULL ? (int32_t *) run->saved + offset : unused;

			max_row(window, run->x[0] + p * pixels, o, run->scratch, run->y + offset, from);
		}
	return HML_OK;
}

static HmlStatus
max_backward(const HmlRun *run)
{
	const HmlWindow *window = run->node->geometry;
	size_t planes = run->n * run->node->shape.dims[0];
	size_t in = window->in[0] * window->in[1];
	size_t out = window->out[0] * window->out[1];

	memset(run->gx[0], 0, planes * in * sizeof(float));
	for (size_t p = 0; p < planes; p++)
	{
		const int32_t *from = (const int32_t *) run->saved + p * out;
		const float *gy = run->gy + p * out;
		float *gx = run->gx[0] + p * in;

		for (size_t o = 0; o < out; o++)
			gx[from[o]] += gy[o];
	}
	return HML_OK;
}

static const char *const max_cases[] = {
	"{\"input\":[3,6,7],\"layers\":[{\"op\":\"max_pool\",\"kernel_size\":2}]}",
	"{\"input\":[2,7,6],\"layers\":[{\"op\":\"max_pool\",\"kernel_size\":3,\"stride\":[2,1],\"padding\":1}]}",
	"{\"input\":[4,11],\"layers\":[{\"op\":\"max_pool\",\"kernel_size\":3,\"stride\":2,\"padding\":1}]}",
	NULL,
};

const HmlOp hml_op_max_pool = {
	.name = "max_pool",
	.help = "Maximum over a window, of a signal or an image.",
	.min_inputs = 1,
	.max_inputs = 1,
	.attrs = max_attrs,
	.shape = max_shape,
	.forward = max_forward,
	.backward = max_backward,
	.cases = max_cases,
};

/* ---- avg_pool -------------------------------------------------------------------------------------- */

static HmlStatus
avg_shape(HmlBuilder *builder, HmlNode *node)
{
	HML_TRY(pool_shape(builder, node));
	node->scratch = ((const HmlWindow *) node->geometry)->in[1] * sizeof(float);
	return HML_OK;
}

/* What the sum over rows [top, bottom) and columns [left, right) is to be multiplied with. */
static float
mean_factor(const HmlNode *node, size_t rows, size_t columns)
{
	const HmlWindow *window = node->geometry;

	if (hml_attr_flag(node, COUNT_INCLUDE_PAD))
		return 1.0f / (float) (window->kernel[0] * window->kernel[1]);
	return 1.0f / (float) (rows * columns);
}

static void
avg_row(const HmlNode *node, const float *plane, size_t o, float *sums, float *y)
{
	const HmlWindow *window = node->geometry;
	size_t width = window->in[1];
	size_t top;
	size_t bottom;

	clip(window, 0, o, &top, &bottom);
	memcpy(sums, plane + top * width, width * sizeof(float));
	for (size_t r = top + 1; r < bottom; r++)
		hml_loops()->accumulate(plane + r * width, sums, width);
	for (size_t q = 0; q < window->out[1]; q++)
	{
		size_t left;
		size_t right;
		float sum = 0;

		clip(window, 1, q, &left, &right);
		for (size_t x = left; x < right; x++)
			sum += sums[x];
		y[q] = sum * mean_factor(node, bottom - top, right - left);
	}
}

static HmlStatus
avg_forward(const HmlRun *run)
{
	const HmlWindow *window = run->node->geometry;
	size_t planes = run->n * run->node->shape.dims[0];
	size_t pixels = window->in[0] * window->in[1];

	for (size_t p = 0; p < planes; p++)
		for (size_t o = 0; o < window->out[0]; o++)
			avg_row(run->node, run->x[0] + p * pixels, o, run->scratch,
					run->y + (p * window->out[0] + o) * window->out[1]);
	return HML_OK;
}

static void
avg_row_backward(const HmlNode *node, const float *gy, size_t o, float *sums, float *plane)
{
	const HmlWindow *window = node->geometry;
	size_t width = window->in[1];
	size_t top;
	size_t bottom;

	clip(window, 0, o, &top, &bottom);
	memset(sums, 0, width * sizeof(float));
	for (size_t q = 0; q < window->out[1]; q++)
	{
		size_t left;
		size_t right;

		clip(window, 1, q, &left, &right);
		for (size_t x = left; x < right; x++)
			sums[x] += gy[q] * mean_factor(node, bottom - top, right - left);
	}
	for (size_t r = top; r < bottom; r++)
		hml_loops()->accumulate(sums, plane + r * width, width);
}

static HmlStatus
avg_backward(const HmlRun *run)
{
	const HmlWindow *window = run->node->geometry;
	size_t planes = run->n * run->node->shape.dims[0];
	size_t pixels = window->in[0] * window->in[1];

	memset(run->gx[0], 0, planes * pixels * sizeof(float));
	for (size_t p = 0; p < planes; p++)
		for (size_t o = 0; o < window->out[0]; o++)
			avg_row_backward(run->node, run->gy + (p * window->out[0] + o) * window->out[1], o, run->scratch,
							 run->gx[0] + p * pixels);
	return HML_OK;
}

static const char *const avg_cases[] = {
	"{\"input\":[3,6,7],\"layers\":[{\"op\":\"avg_pool\",\"kernel_size\":2}]}",
	"{\"input\":[2,7,6],\"layers\":[{\"op\":\"avg_pool\",\"kernel_size\":[3,2],\"stride\":[2,1],"
	"\"padding\":1,\"count_include_pad\":false}]}",
	"{\"input\":[4,11],\"layers\":[{\"op\":\"avg_pool\",\"kernel_size\":3,\"stride\":2,\"padding\":[1,0]}]}",
	NULL,
};

const HmlOp hml_op_avg_pool = {
	.name = "avg_pool",
	.help = "Mean over a window, of a signal or an image.",
	.min_inputs = 1,
	.max_inputs = 1,
	.attrs = avg_attrs,
	.shape = avg_shape,
	.forward = avg_forward,
	.backward = avg_backward,
	.cases = avg_cases,
};

/* ---- global pools ---------------------------------------------------------------------------------- */

enum
{
	KEEPDIMS
};

static const HmlAttrSpec global_attrs[] = {
	{"keepdims", HML_ATTR_BOOLEAN, "false", 0, 1, NULL, "keep dimensions of size 1: (C,1,1) and not (C)"},
	{NULL, 0, NULL, 0, 0, NULL, NULL},
};

static HmlStatus
global_shape(HmlBuilder *builder, HmlNode *node)
{
	const HmlShape *x = &node->x_shape[0];

	HML_TRY(hml_need_dims(builder, node, 2, 4, "(channels, ...)"));
	node->shape.n_dims = hml_attr_flag(node, KEEPDIMS) ? x->n_dims : 1;
	node->shape.dims[0] = x->dims[0];
	for (size_t d = 1; d < node->shape.n_dims; d++)
		node->shape.dims[d] = 1;
	node->flops = (double) hml_shape_size(x);
	return HML_OK;
}

static size_t
plane_size(const HmlRun *run)
{
	return hml_shape_product(&run->node->x_shape[0], 1, run->node->x_shape[0].n_dims);
}

static HmlStatus
global_avg_forward(const HmlRun *run)
{
	size_t size = plane_size(run);
	size_t planes = run->n * run->node->shape.dims[0];

	for (size_t p = 0; p < planes; p++)
		run->y[p] = (float) (hml_loops()->sum(run->x[0] + p * size, size) / (double) size);
	return HML_OK;
}

static HmlStatus
global_avg_backward(const HmlRun *run)
{
	size_t size = plane_size(run);
	size_t planes = run->n * run->node->shape.dims[0];

	for (size_t p = 0; p < planes; p++)
		for (size_t i = 0; i < size; i++)
			run->gx[0][p * size + i] = run->gy[p] / (float) size;
	return HML_OK;
}

static HmlStatus
global_max_forward(const HmlRun *run)
{
	size_t size = plane_size(run);
	size_t planes = run->n * run->node->shape.dims[0];

	for (size_t p = 0; p < planes; p++)
		run->y[p] = hml_loops()->max(run->x[0] + p * size, size);
	return HML_OK;
}

/* To the first pixel that has the maximum. */
static HmlStatus
global_max_backward(const HmlRun *run)
{
	size_t size = plane_size(run);
	size_t planes = run->n * run->node->shape.dims[0];

	memset(run->gx[0], 0, planes * size * sizeof(float));
	for (size_t p = 0; p < planes; p++)
	{
		const float *x = run->x[0] + p * size;
		size_t best = 0;

		while (best + 1 < size && x[best] != run->y[p])
			best++;
		run->gx[0][p * size + best] = run->gy[p];
	}
	return HML_OK;
}

static const char *const global_avg_cases[] = {
	"{\"input\":[3,4,5],\"layers\":[{\"op\":\"global_avg_pool\"}]}",
	"{\"input\":[3,7],\"layers\":[{\"op\":\"global_avg_pool\",\"keepdims\":true}]}",
	NULL,
};

static const char *const global_max_cases[] = {
	"{\"input\":[3,4,5],\"layers\":[{\"op\":\"global_max_pool\"}]}",
	"{\"input\":[3,7],\"layers\":[{\"op\":\"global_max_pool\",\"keepdims\":true}]}",
	NULL,
};

const HmlOp hml_op_global_avg_pool = {
	.name = "global_avg_pool",
	.help = "Mean of each channel, the first dimension.",
	.min_inputs = 1,
	.max_inputs = 1,
	.attrs = global_attrs,
	.shape = global_shape,
	.forward = global_avg_forward,
	.backward = global_avg_backward,
	.cases = global_avg_cases,
};

const HmlOp hml_op_global_max_pool = {
	.name = "global_max_pool",
	.help = "Maximum of each channel, the first dimension.",
	.min_inputs = 1,
	.max_inputs = 1,
	.flags = HML_OP_KEEPS_INPUTS | HML_OP_KEEPS_OUTPUT,
	.attrs = global_attrs,
	.shape = global_shape,
	.forward = global_max_forward,
	.backward = global_max_backward,
	.cases = global_max_cases,
};
