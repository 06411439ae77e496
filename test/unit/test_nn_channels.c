/*
 * test_nn_channels.c
 *	  The kernels of channels.h, every variant, against plain loops in float64 and the functions of libm.
 */
#include "unit/model_support.h"
#include "unit/support.h"

#include "core/base/cpu.h"
#include "core/nn/kernel/channels.h"

#define MAX_FLOATS 120000

static float x[MAX_FLOATS], y[MAX_FLOATS], w[MAX_FLOATS];
static float bias[1024];

/* ---- activations ------------------------------------------------------------------------------------ */

static double
exact_activation(HmlActivation activation, double value)
{
	switch (activation)
	{
		case HML_ACT_RELU:
			return value > 0 ? value : 0;
		case HML_ACT_LEAKY_RELU:
			return value > 0 ? value : 0.125 * value;
		case HML_ACT_SIGMOID:
			return 1 / (1 + exp(-value));
		case HML_ACT_TANH:
			return tanh(value);
		case HML_ACT_SILU:
			return value / (1 + exp(-value));
		case HML_ACT_GELU:
			return 0.5 * value * (1 + erf(value * sqrt(0.5)));
		case HML_ACT_NONE:
			break;
	}
	return value;
}

/* Units in the last place of float32 between 'got' and the exact value. */
static double
ulps(float got, double exact)
{
	float nearest = (float) exact;
	double unit = (double) (nextafterf(fabsf(nearest), INFINITY) - fabsf(nearest));

	return fabs((double) got - exact) / unit;
}

/* Worst error over the floats of [-limit, limit], every 997th, in both directions from 0. */
static double
worst_ulps(HmlActivation activation, float limit)
{
	double worst = 0;
	uint32_t last;

	memcpy(&last, &limit, sizeof(last));
	for (uint32_t bits = 0x2f000000; bits < last; bits += 997 * 256) /* from 1e-10 on */
	{
		for (uint32_t i = 0; i < 256; i++)
		{
			uint32_t one = bits + 997 * i > last ? last : bits + 997 * i;

			memcpy(&x[i], &one, sizeof(one));
			x[256 + i] = -x[i];
		}
		memcpy(y, x, 512 * sizeof(float));
		hml_channels()->activate(activation, 0.125f, y, 1, 512, 512);
		for (size_t i = 0; i < 512; i++)
			worst = fmax(worst, ulps(y[i], exact_activation(activation, (double) x[i])));
	}
	return worst;
}

static void
activations_are_accurate(void **state)
{
	(void) state;
	for (int level = 1; level <= 4; level++)
	{
		hml_cpu_cap_level(level);
		assert_true(worst_ulps(HML_ACT_RELU, 1e30f) == 0);
		assert_true(worst_ulps(HML_ACT_LEAKY_RELU, 1e30f) == 0);
		assert_true(worst_ulps(HML_ACT_SIGMOID, 87.0f) <= 2.5);
		assert_true(worst_ulps(HML_ACT_TANH, 87.0f) <= 2.0);
		assert_true(worst_ulps(HML_ACT_SILU, 80.0f) <= 2.5);
	}
}

static void
gelu_is_accurate(void **state)
{
	(void) state;
	for (int level = 1; level <= 4; level++)
	{
		hml_cpu_cap_level(level);
		for (size_t i = 0; i < 2000; i++)
			x[i] = y[i] = ((float) i - 1000) * 0.01f;
		hml_channels()->activate(HML_ACT_GELU, 0, y, 1, 2000, 2000);
		for (size_t i = 0; i < 2000; i++)
			assert_true(fabs((double) y[i] - exact_activation(HML_ACT_GELU, (double) x[i])) <=
						4e-7 * (1 + fabs((double) x[i])));
	}
}

static void
activations_of_extremes(void **state)
{
	static const float extremes[] = {INFINITY, -INFINITY, NAN, 1e38f, -1e38f, 1e-40f, -1e-40f, 0.0f};
	static const HmlActivation all[] = {HML_ACT_RELU, HML_ACT_LEAKY_RELU, HML_ACT_SIGMOID, HML_ACT_TANH};

	(void) state;
	for (int level = 1; level <= 4; level++)
		for (size_t a = 0; a < 4; a++)
		{
			float got[8];

			hml_cpu_cap_level(level);
			memcpy(got, extremes, sizeof(got));
			hml_channels()->activate(all[a], 0.125f, got, 1, 8, 8);
			for (size_t i = 0; i < 8; i++)
			{
				double exact = exact_activation(all[a], (double) extremes[i]);

				if (isnan(extremes[i]))
					assert_true(isnan(got[i]));
				else
					assert_true((double) got[i] == exact ||
								fabs((double) got[i] - exact) <= 1e-7 * fabs(exact) ||
								fabs((double) got[i] - exact) < 2e-38);
			}
		}
}

static void
activation_keeps_within_rows(void **state)
{
	(void) state;
	for (int level = 1; level <= 4; level++)
	{
		hml_cpu_cap_level(level);
		for (size_t i = 0; i < 5 * 40; i++)
			y[i] = -1;
		hml_channels()->activate(HML_ACT_RELU, 0, y, 5, 37, 40);
		for (size_t i = 0; i < 5 * 40; i++)
			assert_true(y[i] == (i % 40 < 37 ? 0.0f : -1.0f));
	}
}

/* ---- windows ---------------------------------------------------------------------------------------- */

typedef enum Kind
{
	DEPTHWISE,
	MAX_POOL,
	AVERAGE_POOL,
	AVERAGE_POOL_WITH_PADDING
} Kind;

/* Channel c of output pixel (i,j) by definition; a frame of zeros round x is left out for pools. */
static double
exact_window(const HmlWindow *s, const HmlImages *in, Kind kind, size_t channels, size_t c, size_t i,
			 size_t j)
{
	double sum = kind == DEPTHWISE ? (double) bias[c] : 0;
	double largest = -INFINITY;
	size_t taps = 0;

	for (size_t k = 0; k < s->kernel[0]; k++)
		for (size_t l = 0; l < s->kernel[1]; l++)
		{
			size_t row = i * s->stride[0] + k * s->dilation[0];
			size_t column = j * s->stride[1] + l * s->dilation[1];
			double value;

			if (row < s->pad[0] || row - s->pad[0] >= s->in[0] || column < s->pad[1] ||
				column - s->pad[1] >= s->in[1])
				continue;
			value = (double) in->data[(row - s->pad[0]) * in->row + (column - s->pad[1]) * in->pixel + c];
			sum += kind == DEPTHWISE ? value * (double) w[(k * s->kernel[1] + l) * channels + c] : value;
			largest = fmax(largest, value);
			taps++;
		}
	if (kind == MAX_POOL)
		return largest;
	if (kind == AVERAGE_POOL)
		return sum / (double) taps;
	if (kind == AVERAGE_POOL_WITH_PADDING)
		return sum / (double) (s->kernel[0] * s->kernel[1]);
	return sum;
}

static void
run_window(const HmlWindow *s, const HmlImages *framed, const HmlImages *inner, Kind kind, size_t channels,
		   const HmlImages *out)
{
	const HmlChannels *kernels = hml_channels();

	if (kind == DEPTHWISE)
		kernels->depthwise(s, channels, framed, w, bias, HML_ACT_NONE, 0, out);
	else if (kind == MAX_POOL)
		kernels->max_pool(s, channels, inner, out);
	else
		kernels->average_pool(s, channels, inner, kind == AVERAGE_POOL_WITH_PADDING, out);
}

static void
check_window(const HmlWindow *s, size_t channels, Kind kind)
{
	size_t height = s->in[0] + 2 * s->pad[0];
	size_t width = s->in[1] + 2 * s->pad[1];
	HmlImages framed = hml_whole_images(x, height, width, channels);
	HmlImages inner = framed;
	HmlImages out = hml_whole_images(y, s->out[0], s->out[1], channels);

	assert_true(framed.image <= MAX_FLOATS && out.image <= MAX_FLOATS);
	inner.data += s->pad[0] * framed.row + s->pad[1] * framed.pixel;
	fill_numbers(w, s->kernel[0] * s->kernel[1] * channels, 2);
	fill_numbers(bias, channels, 3);
	memset(x, 0, sizeof(x));
	for (size_t i = 0; i < s->in[0]; i++)
		fill_numbers(inner.data + i * inner.row, s->in[1] * channels, (uint32_t) i + 5);
	memset(y, 0xff, sizeof(y));

	run_window(s, &framed, &inner, kind, channels, &out);
	for (size_t i = 0; i < s->out[0]; i++)
		for (size_t j = 0; j < s->out[1]; j++)
			for (size_t c = 0; c < channels; c++)
				assert_close((double) y[i * out.row + j * out.pixel + c],
							 exact_window(s, &inner, kind, channels, c, i, j), 2e-6);
	assert_true(isnan(y[out.image])); /* nothing is written after the image */
}

static void
windows_equal_definition(void **state)
{
	static const HmlWindow windows[] = {
		/* in, out, kernel, stride, dilation, pad */
		{{1, 1}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, {0, 0}},
		{{9, 13}, {9, 13}, {3, 3}, {1, 1}, {1, 1}, {1, 1}},
		{{9, 14}, {5, 7}, {5, 5}, {2, 2}, {1, 1}, {2, 2}},
		{{8, 14}, {4, 7}, {2, 2}, {2, 2}, {1, 1}, {0, 0}},
		{{1, 40}, {1, 13}, {1, 4}, {1, 3}, {1, 1}, {0, 1}},
		{{7, 11}, {7, 11}, {3, 3}, {1, 1}, {2, 2}, {2, 2}},
		{{5, 5}, {2, 2}, {3, 3}, {3, 3}, {1, 1}, {1, 1}},
	};
	static const size_t channels[] = {1, 3, 8, 16, 19, 33, 64};

	(void) state;
	for (int level = 1; level <= 4; level++)
	{
		hml_cpu_cap_level(level);
		for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++)
			for (size_t c = 0; c < sizeof(channels) / sizeof(channels[0]); c++)
				for (Kind kind = DEPTHWISE; kind <= AVERAGE_POOL_WITH_PADDING; kind++)
					check_window(&windows[i], channels[c], kind);
	}
}

/* ---- whole images ----------------------------------------------------------------------------------- */

#define HEIGHT 3
#define WIDTH 5

static void
check_images(size_t channels)
{
	const HmlChannels *kernels = hml_channels();
	HmlImages a = {x, 0, WIDTH * channels + 7, channels};
	HmlImages b = {w, 0, WIDTH * (channels + 2), channels + 2};
	HmlImages out = hml_whole_images(y, HEIGHT, WIDTH, channels);
	static float means[1024], maxima[1024], sums[MAX_FLOATS / 2], products[MAX_FLOATS / 2];
	HmlImages out_sums = hml_whole_images(sums, HEIGHT, WIDTH, channels);
	HmlImages out_products = hml_whole_images(products, HEIGHT, WIDTH, channels);

	fill_numbers(x, MAX_FLOATS, 1);
	fill_numbers(w, MAX_FLOATS, 2);
	fill_numbers(bias, 1024, 3);
	kernels->mean(HEIGHT, WIDTH, channels, &a, means);
	kernels->maximum(HEIGHT, WIDTH, channels, &a, maxima);
	kernels->affine(HEIGHT, WIDTH, channels, &a, bias, bias + 500, &out);
	kernels->add(HEIGHT, WIDTH, channels, &a, &b, &out_sums);
	kernels->multiply(HEIGHT, WIDTH, channels, &a, &b, &out_products);
	for (size_t c = 0; c < channels; c++)
	{
		double sum = 0;
		double largest = -INFINITY;

		for (size_t i = 0; i < HEIGHT; i++)
			for (size_t j = 0; j < WIDTH; j++)
			{
				double left = (double) x[i * a.row + j * a.pixel + c];
				double right = (double) w[i * b.row + j * b.pixel + c];
				size_t at = (i * WIDTH + j) * channels + c;

				sum += left;
				largest = fmax(largest, left);
				assert_close((double) y[at], left * (double) bias[c] + (double) bias[500 + c], 1e-6);
				assert_close((double) sums[at], left + right, 1e-6);
				assert_close((double) products[at], left * right, 1e-6);
			}
		assert_close((double) means[c], sum / (HEIGHT * WIDTH), 1e-6);
		assert_close((double) maxima[c], largest, 0);
	}
}

static void
whole_images_equal_definition(void **state)
{
	(void) state;
	for (int level = 1; level <= 4; level++)
	{
		hml_cpu_cap_level(level);
		for (size_t channels = 1; channels <= 200; channels = channels * 2 + 1)
			check_images(channels);
		check_images(128);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(activations_are_accurate), cmocka_unit_test(gelu_is_accurate),
		cmocka_unit_test(activations_of_extremes),  cmocka_unit_test(activation_keeps_within_rows),
		cmocka_unit_test(windows_equal_definition), cmocka_unit_test(whole_images_equal_definition),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
