/*
 * loops_body.h
 *	  The loops of loops.h, included by each of its variants, which define
 *	  HML_LOOPS_VARIANT as the name of the table.
 */
#include "core/nn/loops/loops_variants.h"
#include "core/nn/loops/vmath.h"

/* What the compiler cannot know: an output is an input, or does not overlap it. */
#ifdef __clang__
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define INDEPENDENT _Pragma("GCC ivdep")
#endif
#define EACH(i, n) INDEPENDENT for (size_t i = 0; i < (n); i++)

/* ---- activations ----------------------------------------------------------------------------------- */

static void
relu(const float *x, float *y, size_t n)
{
	EACH(i, n)
	y[i] = x[i] < 0.0f ? 0.0f : x[i]; /* NaN stays NaN */
}

static void
relu_backward(const float *y, const float *gy, float *gx, size_t n)
{
	EACH(i, n)
	{
		float gradient = gy[i]; /* loaded in either case, or GCC would branch */

		gx[i] = y[i] > 0.0f ? gradient : 0.0f;
	}
}

static void
leaky_relu(const float *x, float slope, float *y, size_t n)
{
	EACH(i, n)
	y[i] = x[i] < 0.0f ? slope * x[i] : x[i];
}

static void
leaky_relu_backward(const float *y, float slope, const float *gy, float *gx, size_t n)
{
	EACH(i, n)
	gx[i] = y[i] > 0.0f ? gy[i] : slope * gy[i];
}

static void
sigmoid(const float *x, float *y, size_t n)
{
	EACH(i, n)
	y[i] = hml_sigmoidf(x[i]);
}

static void
sigmoid_backward(const float *y, const float *gy, float *gx, size_t n)
{
	EACH(i, n)
	gx[i] = gy[i] * (y[i] * (1.0f - y[i]));
}

static void
tanh_forward(const float *x, float *y, size_t n)
{
	EACH(i, n)
	y[i] = hml_tanhf(x[i]);
}

static void
tanh_backward(const float *y, const float *gy, float *gx, size_t n)
{
	EACH(i, n)
	gx[i] = gy[i] * (1.0f - y[i] * y[i]);
}

static void
silu(const float *x, float *y, size_t n)
{
	EACH(i, n)
	y[i] = x[i] * hml_sigmoidf(x[i]);
}

static void
silu_backward(const float *x, const float *gy, float *gx, size_t n)
{
	EACH(i, n)
	{
		float s = hml_sigmoidf(x[i]);

		gx[i] = gy[i] * (s * (1.0f + x[i] * (1.0f - s)));
	}
}

#define SQRT_HALF 0.70710678f
#define INVERSE_SQRT_2PI 0.39894228f

static void
gelu(const float *x, float *y, size_t n)
{
	EACH(i, n)
	y[i] = 0.5f * x[i] * (1.0f + hml_erff(x[i] * SQRT_HALF));
}

static void
gelu_backward(const float *x, const float *gy, float *gx, size_t n)
{
	EACH(i, n)
	{
		float cumulative = 0.5f * (1.0f + hml_erff(x[i] * SQRT_HALF));
		float density = INVERSE_SQRT_2PI * hml_expf(-0.5f * x[i] * x[i]);

		gx[i] = gy[i] * (cumulative + x[i] * density);
	}
}

/* ---- sums ------------------------------------------------------------------------------------------ */

/* Elements that are summed in float32 before the sum goes to float64. */
#define BLOCK 1024

/*
 * Sum of TERM(i) for i in [0, n), the same order in every variant: lane l of a
 * block takes elements l, l + 16, ...; the lanes are added from first to last.
 */
#define LANE_SUM(total, n, TERM) \
	do \
	{ \
		for (size_t begin_ = 0; begin_ < (n); begin_ += BLOCK) \
		{ \
			size_t end_ = (n) -begin_ < BLOCK ? (n) : begin_ + BLOCK; \
			size_t whole_ = begin_ + (end_ - begin_) / HML_LANES * HML_LANES; \
			float lanes_[HML_LANES] = {0}; \
			for (size_t base_ = begin_; base_ < whole_; base_ += HML_LANES) \
				for (size_t lane_ = 0; lane_ < HML_LANES; lane_++) \
					lanes_[lane_] += TERM(base_ + lane_); \
			for (size_t i_ = whole_; i_ < end_; i_++) \
				lanes_[i_ - whole_] += TERM(i_); \
			for (size_t lane_ = 0; lane_ < HML_LANES; lane_++) \
				(total) += (double) lanes_[lane_]; \
		} \
	} while (0)

static double
sum(const float *x, size_t n)
{
	double total = 0;

#define TERM(i) x[i]
	LANE_SUM(total, n, TERM);
#undef TERM
	return total;
}

static double
dot(const float *x, const float *y, size_t n)
{
	double total = 0;

#define TERM(i) x[i] * y[i]
	LANE_SUM(total, n, TERM);
#undef TERM
	return total;
}

static double
square_sum(const float *x, float shift, size_t n)
{
	double total = 0;

#define TERM(i) (x[i] - shift) * (x[i] - shift)
	LANE_SUM(total, n, TERM);
#undef TERM
	return total;
}

static void
moments(const float *x, float shift, size_t n, double *sum_out, double *square_sum_out)
{
	double total = 0;
	double squares = 0;

	for (size_t begin = 0; begin < n; begin += BLOCK)
	{
		size_t size = n - begin < BLOCK ? n - begin : BLOCK;

#define TERM(i) (x[begin + i] - shift)
		LANE_SUM(total, size, TERM);
#undef TERM
#define TERM(i) (x[begin + i] - shift) * (x[begin + i] - shift)
		LANE_SUM(squares, size, TERM);
#undef TERM
	}
	*sum_out += total;
	*square_sum_out += squares;
}

static void
gradient_moments(const float *gy, const float *x, float shift, size_t n, double *sum_out, double *dot_out)
{
	double total = 0;
	double products = 0;

	for (size_t begin = 0; begin < n; begin += BLOCK)
	{
		size_t size = n - begin < BLOCK ? n - begin : BLOCK;

#define TERM(i) gy[begin + i]
		LANE_SUM(total, size, TERM);
#undef TERM
#define TERM(i) gy[begin + i] * (x[begin + i] - shift)
		LANE_SUM(products, size, TERM);
#undef TERM
	}
	*sum_out += total;
	*dot_out += products;
}

static double
exp_sum(const float *x, float shift, float *y, size_t n)
{
	EACH(i, n)
	y[i] = hml_expf(x[i] - shift);
	return sum(y, n);
}

static float
max(const float *x, size_t n)
{
	float lanes[HML_LANES];
	size_t whole = n / HML_LANES * HML_LANES;
	float best = x[0];

	if (whole > 0)
	{
		memcpy(lanes, x, sizeof(lanes));
		for (size_t base = HML_LANES; base < whole; base += HML_LANES)
			for (size_t lane = 0; lane < HML_LANES; lane++)
				lanes[lane] = x[base + lane] > lanes[lane] ? x[base + lane] : lanes[lane];
		for (size_t lane = 0; lane < HML_LANES; lane++)
			best = lanes[lane] > best ? lanes[lane] : best;
	}
	for (size_t i = whole; i < n; i++)
		best = x[i] > best ? x[i] : best;
	return best;
}

/* a where the mask is -1, b where it is 0; written as a condition, GCC would store under a mask. */
#define CHOOSE(mask, a, b) ((b) ^ (((a) ^ (b)) & (mask)))

static void
max_of_rows(const float *x, int32_t base, float *highest, int32_t *row, size_t n)
{
	EACH(i, n)
	{
		float value = x[i];
		float before = highest[i];
		int32_t is_higher = -(value > before);

		highest[i] = value > before ? value : before;
		row[i] = CHOOSE(is_higher, base + (int32_t) i, row[i]);
	}
}

/* 'stride' is a constant where it is called, so that the common strides are vectorised. */
static inline void
max_of_strided(const float *x, const int32_t *row, size_t stride, float *highest, int32_t *from, size_t n)
{
	EACH(i, n)
	{
		float value = x[i * stride];
		float before = highest[i];
		int32_t is_higher = -(value > before);

		highest[i] = value > before ? value : before;
		from[i] = CHOOSE(is_higher, row[i * stride], from[i]);
	}
}

static void
max_of_taps(const float *x, const int32_t *row, size_t stride, float *highest, int32_t *from, size_t n)
{
	if (stride == 1)
		max_of_strided(x, row, 1, highest, from, n);
	else if (stride == 2)
		max_of_strided(x, row, 2, highest, from, n);
	else
		max_of_strided(x, row, stride, highest, from, n);
}

/* ---- elementwise ----------------------------------------------------------------------------------- */

static void
add(const float *a, const float *b, float *y, size_t n)
{
	EACH(i, n)
	y[i] = a[i] + b[i];
}

static void
multiply(const float *a, const float *b, float *y, size_t n)
{
	EACH(i, n)
	y[i] = a[i] * b[i];
}

static void
accumulate(const float *x, float *y, size_t n)
{
	EACH(i, n)
	y[i] += x[i];
}

static void
accumulate_scaled(const float *x, float a, float *y, size_t n)
{
	EACH(i, n)
	y[i] += a * x[i];
}

static void
accumulate_product(const float *a, const float *b, float *y, size_t n)
{
	EACH(i, n)
	y[i] += a[i] * b[i];
}

#define WIDE (4 * HML_LANES) /* sums that stay in registers */

static void
accumulate_products(const float *a, size_t a_step, const float *b, size_t b_step, size_t rows, float *y,
					size_t n)
{
	size_t whole = n / WIDE * WIDE;

	for (size_t first = 0; first < whole; first += WIDE)
	{
		float sums[WIDE] = {0};

		for (size_t r = 0; r < rows; r++)
			for (size_t i = 0; i < WIDE; i++)
				sums[i] += a[r * a_step + first + i] * b[r * b_step + first + i];
		for (size_t i = 0; i < WIDE; i++)
			y[first + i] += sums[i];
	}
	for (size_t r = 0; r < rows; r++)
		accumulate_product(a + r * a_step + whole, b + r * b_step + whole, y + whole, n - whole);
}

static void
affine(const float *x, float a, float b, float *y, size_t n)
{
	EACH(i, n)
	y[i] = a * x[i] + b;
}

static void
affine2(const float *x, float a, const float *z, float b, float c, float *y, size_t n)
{
	EACH(i, n)
	y[i] = a * x[i] + (b * z[i] + c);
}

static void
affine_columns(const float *x, const float *a, const float *b, float *y, size_t n)
{
	EACH(i, n)
	y[i] = a[i] * x[i] + b[i];
}

/* ---- recurrent units ------------------------------------------------------------------------------- */

static void
gru_step(float *step, const float *recurrent, const float *before, float *state, size_t units)
{
	EACH(i, units)
	{
		float reset = hml_sigmoidf(step[i] + recurrent[i]);
		float update = hml_sigmoidf(step[units + i] + recurrent[units + i]);
		float part = recurrent[2 * units + i];
		float candidate = hml_tanhf(step[2 * units + i] + reset * part);

		step[i] = reset;
		step[units + i] = update;
		step[2 * units + i] = candidate;
		step[3 * units + i] = part;
		state[i] = candidate + update * (before[i] - candidate);
	}
}

static void
gru_step_backward(float *step, const float *before, float *carry, float *recurrent, size_t units)
{
	EACH(i, units)
	{
		float reset = step[i];
		float update = step[units + i];
		float candidate = step[2 * units + i];
		float part = step[3 * units + i];
		float gradient = carry[i];
		float g_candidate = gradient * (1.0f - update) * (1.0f - candidate * candidate);
		float g_update = gradient * (before[i] - candidate) * update * (1.0f - update);
		float g_reset = g_candidate * part * reset * (1.0f - reset);

		step[i] = g_reset;
		step[units + i] = g_update;
		step[2 * units + i] = g_candidate;
		step[3 * units + i] = g_candidate * reset;
		recurrent[i] = g_reset;
		recurrent[units + i] = g_update;
		recurrent[2 * units + i] = g_candidate * reset;
		carry[i] = gradient * update;
	}
}

static void
lstm_step(float *step, const float *recurrent, const float *cell_before, float *state, size_t units)
{
	EACH(i, units)
	{
		float input = hml_sigmoidf(step[i] + recurrent[i]);
		float forget = hml_sigmoidf(step[units + i] + recurrent[units + i]);
		float candidate = hml_tanhf(step[2 * units + i] + recurrent[2 * units + i]);
		float output = hml_sigmoidf(step[3 * units + i] + recurrent[3 * units + i]);
		float cell = forget * cell_before[i] + input * candidate;

		step[i] = input;
		step[units + i] = forget;
		step[2 * units + i] = candidate;
		step[3 * units + i] = output;
		step[4 * units + i] = cell;
		state[i] = output * hml_tanhf(cell);
	}
}

static void
lstm_step_backward(float *step, const float *cell_before, float *carry, float *cell, float *recurrent,
				   size_t units)
{
	EACH(i, units)
	{
		float input = step[i];
		float forget = step[units + i];
		float candidate = step[2 * units + i];
		float output = step[3 * units + i];
		float squashed = hml_tanhf(step[4 * units + i]);
		float g_cell = cell[i] + carry[i] * output * (1.0f - squashed * squashed);
		float g_input = g_cell * candidate * input * (1.0f - input);
		float g_forget = g_cell * cell_before[i] * forget * (1.0f - forget);
		float g_candidate = g_cell * input * (1.0f - candidate * candidate);
		float g_output = carry[i] * squashed * output * (1.0f - output);

		step[i] = g_input;
		step[units + i] = g_forget;
		step[2 * units + i] = g_candidate;
		step[3 * units + i] = g_output;
		recurrent[i] = g_input;
		recurrent[units + i] = g_forget;
		recurrent[2 * units + i] = g_candidate;
		recurrent[3 * units + i] = g_output;
		carry[i] = 0.0f;
		cell[i] = g_cell * forget;
	}
}

/* ---- optimisers ------------------------------------------------------------------------------------ */

static void
adam(const HmlAdamStep *step, const float *g, float *w, float *m, float *v, size_t n)
{
	const HmlAdamStep s = *step;

	EACH(i, n)
	{
		float gradient = g[i] * s.clip + s.coupled * w[i];
		float first = s.beta1 * m[i] + (1.0f - s.beta1) * gradient;
		float second = s.beta2 * v[i] + (1.0f - s.beta2) * (gradient * gradient);

		m[i] = first;
		v[i] = second;
		w[i] = s.decoupled * w[i] - s.learning_rate * first / (sqrtf(second * s.second_scale) + s.epsilon);
	}
}

static void
sgd(float learning_rate, float momentum, float decay, float clip, const float *g, float *w, float *m,
	size_t n)
{
	EACH(i, n)
	{
		m[i] = momentum * m[i] + (g[i] * clip + decay * w[i]);
		w[i] -= learning_rate * m[i];
	}
}

const HmlLoops HML_LOOPS_VARIANT = {
	.relu = relu,
	.relu_backward = relu_backward,
	.leaky_relu = leaky_relu,
	.leaky_relu_backward = leaky_relu_backward,
	.sigmoid = sigmoid,
	.sigmoid_backward = sigmoid_backward,
	.tanh = tanh_forward,
	.tanh_backward = tanh_backward,
	.silu = silu,
	.silu_backward = silu_backward,
	.gelu = gelu,
	.gelu_backward = gelu_backward,
	.exp_sum = exp_sum,
	.max = max,
	.max_of_rows = max_of_rows,
	.max_of_taps = max_of_taps,
	.add = add,
	.multiply = multiply,
	.accumulate = accumulate,
	.accumulate_scaled = accumulate_scaled,
	.accumulate_product = accumulate_product,
	.accumulate_products = accumulate_products,
	.affine = affine,
	.affine2 = affine2,
	.affine_columns = affine_columns,
	.sum = sum,
	.dot = dot,
	.square_sum = square_sum,
	.moments = moments,
	.gradient_moments = gradient_moments,
	.gru_step = gru_step,
	.gru_step_backward = gru_step_backward,
	.lstm_step = lstm_step,
	.lstm_step_backward = lstm_step_backward,
	.adam = adam,
	.sgd = sgd,
};
