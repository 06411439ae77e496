/*
 * test_nn_conv_train.c
 *	  Convolutions in PyTorch's layout, forward and backward, against the sum that defines them.
 */
#include "unit/model_support.h"
#include "unit/support.h"

#include "core/base/cpu.h"
#include "core/nn/kernel/conv_train.h"

#define MAX_FLOATS 40000
#define IMAGES 2

static float x[MAX_FLOATS], w[MAX_FLOATS], y[MAX_FLOATS], gx[MAX_FLOATS], gw[MAX_FLOATS];
static double wanted_y[MAX_FLOATS], wanted_gx[MAX_FLOATS], wanted_gw[MAX_FLOATS];
static float bias[256];

typedef struct Indices
{
	size_t x;
	size_t w;
	size_t y;
} Indices;

typedef void (*Visit)(const Indices *at);

static void
visit_forward(const Indices *at)
{
	wanted_y[at->y] += (double) x[at->x] * (double) w[at->w];
}

/* y plays the part of its gradient */
static void
visit_backward(const Indices *at)
{
	wanted_gx[at->x] += (double) y[at->y] * (double) w[at->w];
	wanted_gw[at->w] += (double) y[at->y] * (double) x[at->x];
}

/* Every product that the convolution has, channel c of the input and o of the output, of one pixel. */
static void
each_tap(const HmlConvShape *s, size_t image, size_t o, size_t c, size_t i, size_t j, Visit visit)
{
	size_t in = s->in_channels / s->groups;
	size_t from = o / (s->out_channels / s->groups) * in + c;

	for (size_t k = 0; k < s->window.kernel[0]; k++)
		for (size_t l = 0; l < s->window.kernel[1]; l++)
		{
			size_t row = i * s->window.stride[0] + k * s->window.dilation[0];
			size_t column = j * s->window.stride[1] + l * s->window.dilation[1];
			Indices at;

			if (row < s->window.pad[0] || row - s->window.pad[0] >= s->window.in[0] ||
				column < s->window.pad[1] || column - s->window.pad[1] >= s->window.in[1])
				continue;
			at.x = ((image * s->in_channels + from) * s->window.in[0] + row - s->window.pad[0]) *
					   s->window.in[1] +
				   column - s->window.pad[1];
			at.w = ((o * in + c) * s->window.kernel[0] + k) * s->window.kernel[1] + l;
			at.y = ((image * s->out_channels + o) * s->window.out[0] + i) * s->window.out[1] + j;
			visit(&at);
		}
}

static void
each_product(const HmlConvShape *s, Visit visit)
{
	for (size_t image = 0; image < IMAGES; image++)
		for (size_t o = 0; o < s->out_channels; o++)
			for (size_t c = 0; c < s->in_channels / s->groups; c++)
				for (size_t i = 0; i < s->window.out[0]; i++)
					for (size_t j = 0; j < s->window.out[1]; j++)
						each_tap(s, image, o, c, i, j, visit);
}

static void
compare(const char *what, const HmlConvShape *s, const float *got, const double *wanted, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!(fabs((double) got[i] - wanted[i]) <= 1e-4))
			fail_msg("%s of %zu -> %zu channels, %zux%zu, stride %zu, dilation %zu: [%zu] is %g, not %g",
					 what, s->in_channels, s->out_channels, s->window.kernel[0], s->window.kernel[1],
					 s->window.stride[1], s->window.dilation[1], i, (double) got[i], wanted[i]);
}

static void
check(const HmlConvShape *s)
{
	TestHost host;
	HmlContext ctx;
	size_t x_size = IMAGES * s->in_channels * s->window.in[0] * s->window.in[1];
	size_t y_size = IMAGES * s->out_channels * s->window.out[0] * s->window.out[1];
	size_t w_size =
		s->out_channels * (s->in_channels / s->groups) * s->window.kernel[0] * s->window.kernel[1];
	size_t bytes;
	void *scratch;

	assert_true(x_size <= MAX_FLOATS && y_size <= MAX_FLOATS && w_size <= MAX_FLOATS);
	test_host_init(&host, &ctx);
	assert_ok(&ctx, hml_conv_train_scratch(&ctx, s, &bytes));
	assert_ok(&ctx, hml_alloc(&ctx, 1, bytes, &scratch));
	fill_numbers(x, x_size, 1);
	fill_numbers(w, w_size, 2);
	fill_numbers(bias, s->out_channels, 3);
	memset(wanted_gx, 0, sizeof(wanted_gx));
	for (size_t i = 0; i < y_size; i++)
		wanted_y[i] = (double) bias[i / (s->window.out[0] * s->window.out[1]) % s->out_channels];
	for (size_t i = 0; i < w_size; i++)
		wanted_gw[i] = gw[i] = 0.5f; /* the gradient is added to what is there */

	each_product(s, visit_forward);
	assert_ok(&ctx, hml_conv_forward(&ctx, s, IMAGES, x, w, bias, y, scratch));
	compare("forward", s, y, wanted_y, y_size);

	fill_numbers(y, y_size, 4);
	each_product(s, visit_backward);
	memset(gx, 0xff, sizeof(gx)); /* NaN: what lay there must not matter */
	assert_ok(&ctx, hml_conv_backward_data(&ctx, s, IMAGES, y, w, gx, scratch));
	compare("gradient of x", s, gx, wanted_gx, x_size);
	assert_ok(&ctx, hml_conv_backward_filters(&ctx, s, IMAGES, x, y, gw, scratch));
	compare("gradient of w", s, gw, wanted_gw, w_size);

	hml_free(&ctx, scratch);
	test_host_finish(&host, &ctx);
}

static size_t
out_size(size_t in, size_t kernel, size_t stride, size_t dilation, size_t before, size_t after)
{
	return (in + before + after - (kernel - 1) * dilation - 1) / stride + 1;
}

/* All strides and dilations with a window and paddings that make phases without taps and cut pixels off. */
static void
every_stride_and_dilation(void **state)
{
	(void) state;
	for (size_t stride = 1; stride <= 4; stride++)
		for (size_t dilation = 1; dilation <= 4; dilation++)
			for (size_t kernel = 1; kernel <= 5; kernel += 2)
				for (size_t pad = 0; pad <= 3; pad += 3)
				{
					HmlConvShape s = {.in_channels = 3,
									  .out_channels = 5,
									  .groups = 1,
									  .window = {.in = {4, 23},
												 .kernel = {2, kernel},
												 .stride = {2, stride},
												 .dilation = {1, dilation},
												 .pad = {1, pad}}};

					s.window.out[0] = out_size(4, 2, 2, 1, 1, 0);
					s.window.out[1] = out_size(23, kernel, stride, dilation, pad, pad / 2);
					check(&s);
				}
}

static void
many_shapes(void **state)
{
	static const HmlConvShape shapes[] = {
		/* channels in and out, groups, in, out, kernel, stride, dilation, pad */
		{1, 16, 1, {{8, 11}, {8, 11}, {3, 3}, {1, 1}, {1, 1}, {1, 1}}},
		{16, 40, 1, {{7, 9}, {7, 9}, {3, 3}, {1, 1}, {1, 1}, {1, 1}}},
		{16, 40, 1, {{7, 9}, {4, 5}, {3, 3}, {2, 2}, {1, 1}, {1, 1}}},
		{17, 70, 1, {{1, 30}, {1, 28}, {1, 3}, {1, 1}, {1, 1}, {0, 0}}},
		{12, 18, 3, {{6, 7}, {6, 7}, {3, 3}, {1, 1}, {1, 1}, {1, 1}}},
		{6, 6, 6, {{6, 7}, {3, 4}, {3, 3}, {2, 2}, {1, 1}, {1, 1}}},
		{33, 20, 1, {{5, 5}, {3, 3}, {1, 1}, {2, 2}, {1, 1}, {0, 0}}},
	};

	(void) state;
	for (int level = 1; level <= 4; level++)
	{
		hml_cpu_cap_level(level);
		for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
			check(&shapes[i]);
	}
}

static void
huge_shapes_are_refused(void **state)
{
	static const HmlConvShape huge = {
		(size_t) 1 << 40, 1, 1, {{1 << 20, 1 << 20}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, {0, 0}}};
	TestHost host;
	HmlContext ctx;
	size_t bytes;

	(void) state;
	test_host_init(&host, &ctx);
	assert_status(&ctx, hml_conv_train_scratch(&ctx, &huge, &bytes), HML_LIMIT);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_stride_and_dilation),
		cmocka_unit_test(many_shapes),
		cmocka_unit_test(huge_shapes_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
