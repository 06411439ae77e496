/*
 * test_loops.c
 *	  Loops over arrays: every variant against the C library in float64, and
 *	  against the portable one to the bit.
 */
#include "unit/support.h"

#include "core/base/cpu.h"
#include "core/base/rng.h"
#include "core/nn/loops/loops_variants.h"
#include "core/nn/loops/vmath.h"

#define MAX_N 2100 /* two blocks of a sum, and then some */

/* Lengths round the borders of vectors, lanes and blocks. */
static const size_t lengths[] = {1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 100, 1023, 1024, 1040, MAX_N};

#define N_LENGTHS (sizeof(lengths) / sizeof(*lengths))

static size_t
usable_variants(const HmlLoops *variants[3])
{
	size_t count = 0;

	variants[count++] = &hml_loops_portable;
#ifdef __x86_64__
	if (hml_cpu_level() >= 3)
		variants[count++] = &hml_loops_v3;
	if (hml_cpu_level() >= 4)
		variants[count++] = &hml_loops_v4;
#endif
	return count;
}

/* ---- elementary functions -------------------------------------------------------------------------- */

static void
check_function(float (*function)(float), double (*exact)(double), float low, float high, double relative,
			   double absolute)
{
	for (int i = 0; i <= 200000; i++)
	{
		float x = low + (high - low) * (float) i / 200000.0f;
		double expected = exact((double) x);

		if (!(fabs((double) function(x) - expected) <= relative * fabs(expected) + absolute))
			fail_msg("f(%.9g) is %.9g, not %.9g", (double) x, (double) function(x), expected);
	}
	assert_true(isnan(function(NAN)));
}

static double
exact_sigmoid(double x)
{
	return 1 / (1 + exp(-x));
}

static void
test_elementary_functions(void **state)
{
	(void) state;
	check_function(hml_expf, exp, -87.0f, 88.0f, 2.5e-7, 0);
	check_function(hml_tanhf, tanh, -20.0f, 20.0f, 4e-7, 0);
	check_function(hml_tanhf, tanh, -0.7f, 0.7f, 4e-7, 0);
	check_function(hml_sigmoidf, exact_sigmoid, -80.0f, 80.0f, 5e-7, 0);
	check_function(hml_erff, erf, -5.0f, 5.0f, 0, 6e-7);
	assert_true(hml_expf(1000.0f) > 2e38f && isfinite(hml_expf(1000.0f)));
	assert_true(hml_expf(-1000.0f) < 2e-38f);
	assert_float_equal(hml_sigmoidf(-1000.0f), 0, 1e-37);
	assert_float_equal(hml_sigmoidf(1000.0f), 1, 0);
	assert_float_equal(hml_tanhf(-1000.0f), -1, 0);
	assert_float_equal(hml_tanhf(INFINITY), 1, 0);
}

/* ---- loops ----------------------------------------------------------------------------------------- */

typedef struct Data
{
	float a[MAX_N];
	float b[MAX_N];
	float c[MAX_N];
	float y[MAX_N];
	double exact[MAX_N];
} Data;

static void
fill(Data *d, uint64_t seed)
{
	HmlRng rng;

	hml_rng_seed(&rng, seed);
	for (size_t i = 0; i < MAX_N; i++)
	{
		d->a[i] = (float) (2 * hml_rng_normal(&rng));
		d->b[i] = (float) hml_rng_normal(&rng);
		d->c[i] = (float) hml_rng_uniform(&rng);
		d->y[i] = d->c[i];
	}
}

/* What a loop is to compute of a, b and c, and its call, which leaves the result in y (c to begin with). */
#define LOOP(name, formula, ...) \
	static void apply_##name(const HmlLoops *loops, Data *d, size_t n) \
	{ \
		for (size_t i = 0; i < n; i++) \
		{ \
			double a = (double) d->a[i]; \
			double b = (double) d->b[i]; \
			double c = (double) d->c[i]; \
			d->exact[i] = (formula); \
			(void) a; \
			(void) b; \
			(void) c; \
		} \
		__VA_ARGS__; \
	}

static double
normal_cdf(double x)
{
	return 0.5 * (1 + erf(x / sqrt(2)));
}

static double
normal_density(double x)
{
	return exp(-0.5 * x * x) / sqrt(2 * acos(-1));
}

static double
tanh_slope(double y)
{
	return 1 - y * y;
}

/* clang-format off */
LOOP(relu, a < 0 ? 0 : a, loops->relu(d->a, d->y, n))
LOOP(relu_backward, a > 0 ? b : 0, loops->relu_backward(d->a, d->b, d->y, n))
LOOP(leaky_relu, a < 0 ? 0.25 * a : a, loops->leaky_relu(d->a, 0.25f, d->y, n))
LOOP(leaky_relu_backward, a > 0 ? b : 0.25 * b, loops->leaky_relu_backward(d->a, 0.25f, d->b, d->y, n))
LOOP(sigmoid, exact_sigmoid(a), loops->sigmoid(d->a, d->y, n))
LOOP(sigmoid_backward, b *c *(1 - c), loops->sigmoid_backward(d->c, d->b, d->y, n))
LOOP(tanh, tanh(a), loops->tanh(d->a, d->y, n))
LOOP(tanh_backward, b *tanh_slope(c), loops->tanh_backward(d->c, d->b, d->y, n))
LOOP(silu, a *exact_sigmoid(a), loops->silu(d->a, d->y, n))
LOOP(silu_backward, b *exact_sigmoid(a) * (1 + a * (1 - exact_sigmoid(a))), loops->silu_backward(d->a, d->b, d->y, n))
LOOP(gelu, a *normal_cdf(a), loops->gelu(d->a, d->y, n))
LOOP(gelu_backward, b *(normal_cdf(a) + a * normal_density(a)), loops->gelu_backward(d->a, d->b, d->y, n))
LOOP(add, a + b, loops->add(d->a, d->b, d->y, n))
LOOP(multiply, a *b, loops->multiply(d->a, d->b, d->y, n))
LOOP(accumulate, a + c, loops->accumulate(d->a, d->y, n))
LOOP(accumulate_scaled, 3 * a + c, loops->accumulate_scaled(d->a, 3, d->y, n))
LOOP(accumulate_product, a *b + c, loops->accumulate_product(d->a, d->b, d->y, n))
LOOP(affine, 3 * a - 2, loops->affine(d->a, 3, -2, d->y, n))
LOOP(affine2, 3 * a + 5 * b - 2, loops->affine2(d->a, 3, d->b, 5, -2, d->y, n))
LOOP(affine_columns, a *b + c, loops->affine_columns(d->a, d->b, d->c, d->y, n))
LOOP(exp_sum, exp(a - 1), (void) loops->exp_sum(d->a, 1, d->y, n))
/* The same array in and out. */
LOOP(relu_in_place, c < 0 ? 0 : c, loops->relu(d->y, d->y, n))
LOOP(tanh_in_place, tanh(c), loops->tanh(d->y, d->y, n))
LOOP(affine2_in_place, 3 * c + 5 * b - 2, loops->affine2(d->y, 3, d->b, 5, -2, d->y, n))
/* clang-format on */

static const struct
{
	const char *name;
	void (*apply)(const HmlLoops *, Data *, size_t);
} cases[] = {
#define CASE(name) \
	{ \
#name, apply_##name \
	}
	CASE(relu),
	CASE(relu_backward),
	CASE(leaky_relu),
	CASE(leaky_relu_backward),
	CASE(sigmoid),
	CASE(sigmoid_backward),
	CASE(tanh),
	CASE(tanh_backward),
	CASE(silu),
	CASE(silu_backward),
	CASE(gelu),
	CASE(gelu_backward),
	CASE(add),
	CASE(multiply),
	CASE(accumulate),
	CASE(accumulate_scaled),
	CASE(accumulate_product),
	CASE(affine),
	CASE(affine2),
	CASE(affine_columns),
	CASE(exp_sum),
	CASE(relu_in_place),
	CASE(tanh_in_place),
	CASE(affine2_in_place),
};

static void
test_elementwise_loops(void **state)
{
	static Data data;
	static Data portable;
	const HmlLoops *variants[3];
	size_t n_variants = usable_variants(variants);

	(void) state;
	for (size_t c = 0; c < sizeof(cases) / sizeof(*cases); c++)
		for (size_t l = 0; l < N_LENGTHS; l++)
			for (size_t v = 0; v < n_variants; v++)
			{
				fill(&data, l);
				cases[c].apply(variants[v], &data, lengths[l]);
				for (size_t i = 0; i < lengths[l]; i++)
				{
					double scale = fabs(data.exact[i]) > 1 ? fabs(data.exact[i]) : 1;

					if (!(fabs((double) data.y[i] - data.exact[i]) <= 1e-6 * scale))
						fail_msg("%s: %.9g, not %.9g", cases[c].name, (double) data.y[i], data.exact[i]);
				}
				if (v == 0)
					portable = data;
				assert_memory_equal(data.y, portable.y, sizeof(data.y)); /* also past the end */
			}
}

static void
test_sums(void **state)
{
	static Data d;
	const HmlLoops *variants[3];
	size_t n_variants = usable_variants(variants);

	(void) state;
	fill(&d, 99);
	for (size_t l = 0; l < N_LENGTHS; l++)
	{
		size_t n = lengths[l];
		double sum = 0, dot = 0, squares = 0, shifted = 0, product = 0;
		float highest = -INFINITY;

		for (size_t i = 0; i < n; i++)
		{
			sum += (double) d.a[i];
			dot += (double) d.a[i] * (double) d.b[i];
			squares += ((double) d.a[i] - 0.5) * ((double) d.a[i] - 0.5);
			shifted += (double) d.a[i] - 0.5;
			product += (double) d.b[i] * ((double) d.a[i] - 0.5);
			highest = d.a[i] > highest ? d.a[i] : highest;
		}
		for (size_t v = 0; v < n_variants; v++)
		{
			double first = 1, second = 2;

			assert_close(variants[v]->sum(d.a, n), sum, 1e-5);
			assert_close(variants[v]->dot(d.a, d.b, n), dot, 1e-5);
			assert_close(variants[v]->square_sum(d.a, 0.5f, n), squares, 1e-5);
			variants[v]->moments(d.a, 0.5f, n, &first, &second);
			assert_close(first, shifted + 1, 1e-5);
			assert_close(second, squares + 2, 1e-5);
			first = second = 0;
			variants[v]->gradient_moments(d.b, d.a, 0.5f, n, &first, &second);
			assert_close(second, product, 1e-5);
			assert_float_equal(variants[v]->max(d.a, n), highest, 0);
			assert_true(variants[v]->sum(d.a, n) == variants[0]->sum(d.a, n));
			assert_true(variants[v]->dot(d.a, d.b, n) == variants[0]->dot(d.a, d.b, n));
		}
	}
}

static void
test_maxima_know_their_place(void **state)
{
	static Data d;
	static int32_t row[MAX_N], from[MAX_N];
	const HmlLoops *variants[3];
	size_t n_variants = usable_variants(variants);

	(void) state;
	for (size_t v = 0; v < n_variants; v++)
	{
		fill(&d, 5);
		for (int32_t i = 0; i < MAX_N; i++)
			row[i] = i;
		variants[v]->max_of_rows(d.b, 5000, d.a, row, MAX_N);
		for (int32_t i = 0; i < MAX_N; i++)
			assert_float_equal(d.a[i], row[i] >= 5000 ? d.b[row[i] - 5000] : d.a[i], 0);
		for (size_t stride = 1; stride <= 3; stride++)
		{
			size_t n = MAX_N / 3;

			for (size_t i = 0; i < n; i++)
			{
				d.y[i] = 0.5f;
				from[i] = -1;
			}
			variants[v]->max_of_taps(d.a, row, stride, d.y, from, n);
			for (size_t i = 0; i < n; i++)
			{
				bool is_higher = d.a[i * stride] > 0.5f;

				assert_float_equal(d.y[i], is_higher ? d.a[i * stride] : 0.5f, 0);
				assert_int_equal(from[i], is_higher ? row[i * stride] : -1);
			}
		}
	}
}

static void
test_optimiser_loops(void **state)
{
	static Data d;
	static float m[MAX_N], v[MAX_N], first[MAX_N];
	const HmlLoops *variants[3];
	size_t n_variants = usable_variants(variants);
	HmlAdamStep step = {.learning_rate = 0.01f,
						.beta1 = 0.9f,
						.beta2 = 0.99f,
						.epsilon = 1e-3f,
						.second_scale = 2,
						.decoupled = 0.98f,
						.coupled = 0.1f,
						.clip = 0.5f};

	(void) state;
	for (size_t k = 0; k < n_variants; k++)
	{
		fill(&d, 3);
		memset(m, 0, sizeof(m));
		memset(v, 0, sizeof(v));
		variants[k]->adam(&step, d.b, d.a, m, v, MAX_N);
		for (size_t i = 0; i < MAX_N && k == 0; i++)
		{
			double w = ((double) d.a[i] + 0.01 * (double) m[i] / (sqrt(2 * (double) v[i]) + 1e-3)) / 0.98;
			assert_close((double) m[i], 0.1 * (0.5 * (double) d.b[i] + 0.1 * w), 1e-6);
			assert_close((double) v[i], 0.01 * pow(0.5 * (double) d.b[i] + 0.1 * w, 2), 1e-6);
		}
		if (k == 0)
			memcpy(first, d.a, sizeof(first));
		assert_memory_equal(first, d.a, sizeof(first));
	}
	for (size_t k = 0; k < n_variants; k++)
	{
		fill(&d, 3);
		memset(m, 0, sizeof(m));
		variants[k]->sgd(0.1f, 0.9f, 0.5f, 2, d.b, d.a, m, MAX_N);
		variants[k]->sgd(0.1f, 0.9f, 0, 1, d.b, d.a, m, MAX_N);
		if (k == 0)
			memcpy(first, d.a, sizeof(first));
		assert_memory_equal(first, d.a, sizeof(first));
		fill(&d, 3);
		for (size_t i = 0; i < MAX_N; i++)
		{
			double w = (double) d.a[i];
			double momentum = 2 * (double) d.b[i] + 0.5 * w;

			w -= 0.1 * momentum;
			momentum = 0.9 * momentum + (double) d.b[i];
			assert_close((double) first[i], w - 0.1 * momentum, 1e-6);
		}
	}
}

/* The choice follows the processor's level. */
static void
test_choice(void **state)
{
	(void) state;
	hml_cpu_cap_level(1);
	assert_ptr_equal(hml_loops(), &hml_loops_portable);
	hml_cpu_cap_level(4);
#ifdef __x86_64__
	if (hml_cpu_level() >= 4)
		assert_ptr_equal(hml_loops(), &hml_loops_v4);
#endif
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_elementary_functions),
		cmocka_unit_test(test_elementwise_loops),
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_maxima_know_their_place),
		cmocka_unit_test(test_optimiser_loops),
		cmocka_unit_test(test_choice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
