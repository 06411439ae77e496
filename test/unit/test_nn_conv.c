/*
 * test_nn_conv.c
 *	  Convolutions against the definition, over shapes that reach every path, on every variant.
 */
#include "unit/model_support.h"
#include "unit/support.h"

#include "core/base/cpu.h"
#include "core/nn/kernel/conv.h"
#include "core/nn/kernel/winograd.h"

#define MAX_FLOATS 200000

static float x[MAX_FLOATS], w[MAX_FLOATS], packed[MAX_FLOATS], y[MAX_FLOATS], add[MAX_FLOATS];
static float bias[2048], scale[2048];

/* Output channel o of pixel (image, i, j), straight from the definition; *magnitude bounds its rounding. */
static double
naive(const HmlConvShape *s, const HmlImages *in, size_t image, size_t i, size_t j, size_t o,
	  double *magnitude)
{
	size_t channels = s->in_channels / s->groups;
	size_t first = o / (s->out_channels / s->groups) * channels;
	double sum = 0;

	*magnitude = 0;
	for (size_t c = 0; c < channels; c++)
		for (size_t k = 0; k < s->window.kernel[0]; k++)
			for (size_t l = 0; l < s->window.kernel[1]; l++)
			{
				size_t row = i * s->window.stride[0] + k * s->window.dilation[0];
				size_t column = j * s->window.stride[1] + l * s->window.dilation[1];
				double product =
					(double) in->data[image * in->image + row * in->row + column * in->pixel + first + c] *
					(double) w[((o * channels + c) * s->window.kernel[0] + k) * s->window.kernel[1] + l];

				sum += product;
				*magnitude += fabs(product);
			}
	return sum;
}

static void
compare(const HmlConvCall *call, const float *scales)
{
	const HmlConvShape *s = call->shape;

	for (size_t image = 0; image < call->n; image++)
		for (size_t i = 0; i < s->window.out[0]; i++)
			for (size_t j = 0; j < s->window.out[1]; j++)
				for (size_t o = 0; o < s->out_channels; o++)
				{
					double magnitude;
					double sum = naive(s, &call->x, image, i, j, o, &magnitude);
					float got = y[image * call->y.image + i * call->y.row + j * call->y.pixel + o];

					sum = scales == NULL ? sum : sum * (double) scales[o];
					sum += call->bias == NULL ? 0 : (double) bias[o];
					sum +=
						call->add.data == NULL
							? 0
							: (double)
								  add[image * call->add.image + i * call->add.row + j * call->add.pixel + o];
					if (call->activation != HML_ACT_NONE && sum < 0)
						sum *= call->activation == HML_ACT_RELU ? 0 : (double) call->slope;
					if (!(fabs((double) got - sum) <= 1e-6 * (magnitude + 2)))
						fail_msg("level %d: channel %zu of pixel (%zu,%zu,%zu) is %g, not %g",
								 hml_cpu_level(), o, image, i, j, (double) got, sum);
				}
}

/* Contiguous images of (height, width, channels), with 'gap' floats after each row. */
static HmlImages
images(float *data, size_t height, size_t width, size_t channels, size_t gap)
{
	size_t row = width * channels + gap;

	return (HmlImages){data, height * row, row, channels};
}

static void
check(const HmlConvShape *shape, size_t n, size_t gap)
{
	TestHost host;
	HmlContext ctx;
	HmlConvCall call = {.set = hml_tile_set(), .shape = shape, .packed = packed, .n = n};
	size_t channels = shape->in_channels / shape->groups;
	size_t filters = shape->out_channels * channels * shape->window.kernel[0] * shape->window.kernel[1];

	test_host_init(&host, &ctx);
	call.x = images(x, hml_window_extent(&shape->window, 0), hml_window_extent(&shape->window, 1),
					shape->in_channels, gap);
	call.y = images(y, shape->window.out[0], shape->window.out[1], shape->out_channels, gap);
	assert_true(n * call.x.image <= MAX_FLOATS && n * call.y.image <= MAX_FLOATS);
	assert_true(hml_conv_packed_size(call.set, shape) <= MAX_FLOATS);
	fill_numbers(x, n * call.x.image, 1);
	fill_numbers(w, filters, 2);
	fill_numbers(add, n * call.y.image, 3);
	fill_numbers(bias, 2048, 4);
	fill_numbers(scale, 2048, 5);

	hml_conv_pack(call.set, shape, w, NULL, packed);
	memset(y, 0xff, sizeof(y)); /* NaN: what lay there must not matter */
	assert_ok(&ctx, hml_conv_run(&ctx, &call));
	compare(&call, NULL);

	hml_conv_pack(call.set, shape, w, scale, packed);
	call.bias = bias;
	call.add = images(add, shape->window.out[0], shape->window.out[1], shape->out_channels, 0);
	call.activation = HML_ACT_RELU;
	memset(y, 0xff, sizeof(y));
	assert_ok(&ctx, hml_conv_run(&ctx, &call));
	compare(&call, scale);

	call.activation = HML_ACT_LEAKY_RELU;
	call.slope = 0.5f;
	assert_ok(&ctx, hml_conv_run(&ctx, &call));
	compare(&call, scale);
}

/* Two images with a frame that is complete for an even number of rows and columns. */
static void
check_winograd(const HmlConvShape *shape)
{
	TestHost host;
	HmlContext ctx;
	float *scratch;
	float *filters;
	HmlConvCall call = {.set = hml_tile_set(), .shape = shape, .n = 2, .bias = bias};

	test_host_init(&host, &ctx);
	assert_true(hml_winograd_fits(shape));
	assert_ok(&ctx, HML_NEW(&ctx, &scratch, hml_winograd_scratch(shape)));
	assert_ok(&ctx, HML_NEW(&ctx, &filters, hml_winograd_packed_size(call.set, shape)));
	call.x = images(x, hml_window_extent(&shape->window, 0) + shape->window.out[0] % 2,
					hml_window_extent(&shape->window, 1) + shape->window.out[1] % 2, shape->in_channels, 0);
	call.y = images(y, shape->window.out[0], shape->window.out[1], shape->out_channels, 5);
	call.add = images(add, shape->window.out[0], shape->window.out[1], shape->out_channels, 0);
	call.packed = filters;
	assert_true(2 * call.x.image <= MAX_FLOATS && 2 * call.y.image <= MAX_FLOATS);
	fill_numbers(x, 2 * call.x.image, 1);
	fill_numbers(w, shape->out_channels * shape->in_channels * 9, 2);
	fill_numbers(add, 2 * call.add.image, 3);
	fill_numbers(bias, 2048, 4);
	fill_numbers(scale, 2048, 5);
	hml_winograd_pack(call.set, shape, w, scale, filters);
	for (int leaky = 0; leaky < 2; leaky++)
	{
		call.activation = leaky ? HML_ACT_LEAKY_RELU : HML_ACT_RELU;
		call.slope = 0.5f;
		memset(y, 0xff, sizeof(y));
		assert_ok(&ctx, hml_winograd_run(&ctx, &call, scratch));
		compare(&call, scale);
	}
	hml_free(&ctx, scratch);
	hml_free(&ctx, filters);
	test_host_finish(&host, &ctx);
}

static void
conv_equals_definition(void **state)
{
	static const HmlConvShape shapes[] = {
		/* channels in and out, groups, in, out, kernel, stride, dilation, pad */
		{1, 1, 1, {{1, 1}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, {0, 0}}},
		{4, 64, 1, {{1, 1}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, {0, 0}}},
		{1, 16, 1, {{9, 11}, {9, 11}, {3, 3}, {1, 1}, {1, 1}, {1, 1}}},
		{3, 32, 1, {{9, 12}, {4, 6}, {3, 3}, {2, 2}, {1, 1}, {0, 0}}},
		{16, 24, 1, {{7, 31}, {7, 31}, {3, 3}, {1, 1}, {1, 1}, {1, 1}}},
		{20, 70, 1, {{5, 5}, {5, 5}, {1, 1}, {1, 1}, {1, 1}, {0, 0}}},
		{64, 130, 1, {{4, 5}, {4, 5}, {3, 3}, {1, 1}, {1, 1}, {1, 1}}},
		{600, 20, 1, {{2, 3}, {2, 3}, {1, 1}, {1, 1}, {1, 1}, {0, 0}}},
		{200, 9, 1, {{1, 8}, {1, 6}, {1, 3}, {1, 1}, {1, 1}, {0, 0}}},
		{5, 7, 1, {{9, 9}, {5, 5}, {3, 3}, {1, 1}, {2, 2}, {0, 0}}},
		{12, 18, 3, {{6, 7}, {6, 7}, {3, 3}, {1, 1}, {1, 1}, {1, 1}}},
		{6, 6, 6, {{6, 7}, {3, 4}, {3, 3}, {2, 2}, {1, 1}, {1, 1}}},
		{19, 24, 1, {{1, 600}, {1, 300}, {1, 5}, {1, 2}, {1, 1}, {0, 2}}},
		{8, 48, 1, {{1, 40}, {1, 40}, {1, 7}, {1, 1}, {1, 3}, {0, 9}}},
	};

	(void) state;
	for (int level = 1; level <= 4; level++)
	{
		hml_cpu_cap_level(level);
		for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		{
			check(&shapes[i], 1, 0);
			check(&shapes[i], 3, 5);
		}
	}
}

/* Many rows through one dense layer: bands, and a last one that is shorter. */
static void
dense_layers_take_many_rows(void **state)
{
	static const HmlConvShape dense = {13, 64, 1, {{1, 1}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, {0, 0}}};

	(void) state;
	for (int level = 1; level <= 4; level++)
	{
		hml_cpu_cap_level(level);
		check(&dense, 1100, 0);
	}
}

/* Odd and even sizes, channels that do not fill vectors, more tiles than a block has. */
static void
winograd_equals_definition(void **state)
{
	static const HmlConvShape shapes[] = {
		{16, 16, 1, {{2, 2}, {2, 2}, {3, 3}, {1, 1}, {1, 1}, {1, 1}}},
		{17, 33, 1, {{5, 9}, {5, 9}, {3, 3}, {1, 1}, {1, 1}, {1, 1}}},
		{32, 48, 1, {{6, 7}, {4, 5}, {3, 3}, {1, 1}, {1, 1}, {0, 0}}},
		{16, 20, 1, {{41, 40}, {41, 40}, {3, 3}, {1, 1}, {1, 1}, {1, 1}}},
		{90, 100, 1, {{8, 6}, {8, 6}, {3, 3}, {1, 1}, {1, 1}, {1, 1}}},
	};
	static const HmlConvShape others[] = {
		{16, 16, 1, {{4, 4}, {2, 2}, {3, 3}, {2, 2}, {1, 1}, {1, 1}}}, /* stride */
		{16, 16, 2, {{4, 4}, {4, 4}, {3, 3}, {1, 1}, {1, 1}, {1, 1}}}, /* groups */
		{16, 16, 1, {{4, 4}, {4, 4}, {3, 3}, {1, 1}, {2, 2}, {2, 2}}}, /* dilation */
		{16, 16, 1, {{4, 4}, {4, 4}, {1, 3}, {1, 1}, {1, 1}, {0, 1}}}, /* window */
		{3, 16, 1, {{4, 4}, {4, 4}, {3, 3}, {1, 1}, {1, 1}, {1, 1}}},  /* too few channels to pay */
	};

	(void) state;
	for (int level = 1; level <= 4; level++)
	{
		hml_cpu_cap_level(level);
		for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
			check_winograd(&shapes[i]);
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(hml_winograd_fits(&others[i]));
}

static void
conv_can_be_cancelled(void **state)
{
	static const HmlConvShape shape = {64, 64, 1, {{30, 30}, {28, 28}, {3, 3}, {1, 1}, {1, 1}, {0, 0}}};
	TestHost host;
	HmlContext ctx;
	HmlConvCall call = {.set = hml_tile_set(), .shape = &shape, .packed = packed, .n = 1};

	(void) state;
	test_host_init(&host, &ctx);
	host.cancel_at = 2;
	call.x = images(x, 30, 30, 64, 0);
	call.y = images(y, 28, 28, 64, 0);
	fill_numbers(packed, hml_conv_packed_size(call.set, &shape), 1);
	assert_status(&ctx, hml_conv_run(&ctx, &call), HML_CANCELLED);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(conv_equals_definition),
		cmocka_unit_test(dense_layers_take_many_rows),
		cmocka_unit_test(winograd_equals_definition),
		cmocka_unit_test(conv_can_be_cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
