/*
 * test_nn_recurrent.c
 *	  LSTM and GRU kernels, every variant, against the equations in float64 with libm.
 */
#include "unit/support.h"

#include "core/base/cpu.h"
#include "core/nn/kernel/recurrent.h"

#define MAX_HIDDEN 200
#define MAX_STEPS 9

static float w[4 * MAX_HIDDEN * MAX_HIDDEN], x[MAX_STEPS * 4 * MAX_HIDDEN + HML_RECURRENT_SLACK];
static float new_bias[MAX_HIDDEN], sequence[MAX_STEPS * (MAX_HIDDEN + 3)], last[MAX_HIDDEN];
static double wanted[MAX_STEPS][MAX_HIDDEN];

static void
fill(float *values, size_t count, uint32_t seed, float scale)
{
	for (size_t i = 0; i < count; i++)
	{
		seed = seed * 1664525u + 1013904223u;
		values[i] = ((float) (seed >> 8) / (float) (1 << 23) - 1.0f) * scale;
	}
}

static double
sigmoid(double value)
{
	return 1 / (1 + exp(-value));
}

/* What gate g of unit u gets from the hidden state. */
static double
from_hidden(size_t hidden, size_t g, size_t u, const double *h)
{
	double sum = 0;

	for (size_t k = 0; k < hidden; k++)
		sum += (double) w[(g * hidden + u) * hidden + k] * h[k];
	return sum;
}

static void
exact_step(HmlCell cell, size_t hidden, const float *inputs, const double *h, double *c, double *out)
{
	for (size_t u = 0; u < hidden; u++)
	{
		double gate[4];

		for (size_t g = 0; g < hml_cell_gates(cell); g++)
			gate[g] = from_hidden(hidden, g, u, h);
		if (cell == HML_LSTM)
		{
			for (size_t g = 0; g < 4; g++)
				gate[g] += (double) inputs[g * hidden + u];
			c[u] = sigmoid(gate[1]) * c[u] + sigmoid(gate[0]) * tanh(gate[2]);
			out[u] = sigmoid(gate[3]) * tanh(c[u]);
		}
		else
		{
			double reset = sigmoid(gate[0] + (double) inputs[u]);
			double update = sigmoid(gate[1] + (double) inputs[hidden + u]);
			double new = tanh((double) inputs[2 * hidden + u] + reset * (gate[2] + (double) new_bias[u]));

			out[u] = (1 - update) * new + update *h[u];
		}
	}
}

static void
compute_wanted(HmlCell cell, size_t hidden, size_t steps, bool reverse)
{
	static const double zeros[MAX_HIDDEN];
	static double c[MAX_HIDDEN];
	const double *h = zeros;

	memset(c, 0, sizeof(c));
	for (size_t i = 0; i < steps; i++)
	{
		size_t t = reverse ? steps - 1 - i : i;

		exact_step(cell, hidden, x + t * hml_cell_gates(cell) * hidden, h, c, wanted[t]);
		h = wanted[t];
	}
}

static void
check(HmlCell cell, size_t hidden, size_t steps, bool reverse)
{
	TestHost host;
	HmlContext ctx;
	float *packed;
	HmlRecurrentCall call = {.set = hml_recurrent_set(),
							 .cell = cell,
							 .hidden = hidden,
							 .new_bias = new_bias,
							 .steps = steps,
							 .reverse = reverse,
							 .x = x,
							 .x_row = hml_cell_gates(cell) * hidden,
							 .sequence = sequence,
							 .sequence_row = hidden + 3};

	test_host_init(&host, &ctx);
	fill(w, 4 * hidden * hidden, 1, 2 / sqrtf((float) hidden));
	fill(x, steps * 4 * hidden + HML_RECURRENT_SLACK, 2, 3);
	fill(new_bias, hidden, 3, 1);
	assert_ok(&ctx, HML_NEW(&ctx, &packed, hml_recurrent_packed_size(call.set, cell, hidden)));
	assert_ok(&ctx, HML_NEW(&ctx, &call.scratch, hml_recurrent_scratch(hidden)));
	hml_recurrent_pack(call.set, cell, hidden, w, packed);
	call.packed = packed;
	compute_wanted(cell, hidden, steps, reverse);

	for (size_t i = 0; i < steps * (hidden + 3); i++)
		sequence[i] = 7;
	assert_ok(&ctx, hml_recurrent_run(&ctx, &call));
	for (size_t t = 0; t < steps; t++)
	{
		for (size_t u = 0; u < hidden; u++)
			assert_close((double) sequence[t * (hidden + 3) + u], wanted[t][u], 2e-5);
		assert_true(sequence[t * (hidden + 3) + hidden] == 7.0f);
	}

	call.sequence = NULL;
	call.last = last;
	assert_ok(&ctx, hml_recurrent_run(&ctx, &call));
	for (size_t u = 0; u < hidden; u++)
		assert_close((double) last[u], wanted[reverse ? 0 : steps - 1][u], 2e-5);

	hml_free(&ctx, packed);
	hml_free(&ctx, call.scratch);
	test_host_finish(&host, &ctx);
}

static void
cells_equal_equations(void **state)
{
	static const size_t sizes[] = {1, 2, 7, 16, 17, 33, 47, 64, 100, 128, 200};

	(void) state;
	for (int level = 1; level <= 4; level++)
	{
		hml_cpu_cap_level(level);
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
			for (int reverse = 0; reverse < 2; reverse++)
			{
				check(HML_LSTM, sizes[i], MAX_STEPS, reverse != 0);
				check(HML_GRU, sizes[i], MAX_STEPS, reverse != 0);
				check(HML_GRU, sizes[i], 1, reverse != 0);
			}
	}
}

static void
long_sequences_can_be_cancelled(void **state)
{
	enum
	{
		HIDDEN = 1,
		STEPS = 100000
	};
	TestHost host;
	HmlContext ctx;
	float packed[3 * 16] = {0};
	float scratch[256];
	HmlRecurrentCall call = {.set = hml_recurrent_set(),
							 .cell = HML_GRU,
							 .hidden = HIDDEN,
							 .packed = packed,
							 .steps = STEPS,
							 .last = last,
							 .scratch = scratch};
	float *inputs;

	(void) state;
	test_host_init(&host, &ctx);
	assert_true(hml_recurrent_scratch(HIDDEN) <= 256);
	assert_ok(&ctx, HML_NEW_ZERO(&ctx, &inputs, STEPS * 3 + HML_RECURRENT_SLACK));
	call.x = inputs;
	call.x_row = 3;
	host.cancel_at = 1;
	assert_status(&ctx, hml_recurrent_run(&ctx, &call), HML_CANCELLED);
	hml_free(&ctx, inputs);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(cells_equal_equations),
		cmocka_unit_test(long_sequences_can_be_cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
