/*
 * test_op_gradients.c
 *	  Every gradient of every operator against finite differences.
 *
 * The operator table brings the cases.  The function that is differentiated is
 * sum(r * y) with random r; the difference quotient is of fourth order, and the
 * sums are in float64, so that a step of some hundredths leaves errors near
 * 1e-5.  A gradient is judged as a vector: |g - d| <= tolerance * (|g| + |d|).
 */
#include "unit/support.h"

#include "core/nn/graph/optable.h"
#include "core/nn/train/pass.h"

#define BATCH 5
#define SEED 20240607
#define STEP 0.02f
#define TOLERANCE 2e-3

typedef struct Check
{
	HmlContext *ctx;
	const char *spec;
	HmlNetwork *network;
	HmlPass *pass;
	HmlRng rng;
	bool training;
	float *weights;
	float *gradients;
	float *inputs[HML_MAX_NETWORK_INPUTS];
	float *factors; /* r */
} Check;

static float *
test_floats(size_t n)
{
	float *values = calloc(n > 0 ? n : 1, sizeof(float));

	assert_non_null(values);
	return values;
}

/*
 * Values at distances of at least 2.5 steps from each other and from zero, in random
 * order: a step does not change the sign of a value nor which one is the largest.
 */
static void
fill_distinct(HmlRng *rng, float *values, size_t n)
{
	for (size_t i = 0; i < n; i++)
		values[i] = ((float) i - (float) (n / 2) + 0.5f) * (n > 40 ? 0.1f : 4.0f / (float) n);
	for (size_t i = n; i > 1; i--)
	{
		size_t j = (size_t) hml_rng_below(rng, i);
		float swap = values[i - 1];

		values[i - 1] = values[j];
		values[j] = swap;
	}
}

static void
fill_normal(HmlRng *rng, float *values, size_t n, double scale)
{
	for (size_t i = 0; i < n; i++)
		values[i] = (float) (hml_rng_normal(rng) * scale);
}

static void
start(Check *check)
{
	HmlArena *arena;
	HmlPassOptions options = {.batch = BATCH, .backward = true, .input_gradients = true};

	assert_ok(check->ctx, hml_arena_create(check->ctx, &arena));
	assert_ok(check->ctx, hml_network_parse(arena, check->spec, strlen(check->spec), &check->network));
	options.loss_node = check->network->output;
	assert_ok(check->ctx, hml_pass_create(check->ctx, check->network, &options, &check->pass));
	check->weights = test_floats(check->network->n_weights);
	check->gradients = test_floats(check->network->n_trainable);
	hml_rng_seed(&check->rng, SEED);
	assert_ok(check->ctx, hml_network_init(check->network, SEED, check->weights));
	for (size_t i = 0; i < check->network->n_trainable; i++)
		check->weights[i] += (float) (0.1 * hml_rng_normal(&check->rng)); /* no weight is exactly 0 or 1 */
	for (size_t i = 0; i < check->network->n_inputs; i++)
	{
		size_t n = BATCH * hml_shape_size(&check->network->nodes[i].shape);

		check->inputs[i] = test_floats(n);
		fill_distinct(&check->rng, check->inputs[i], n);
	}
	check->factors =
		test_floats(BATCH * hml_shape_size(&check->network->nodes[check->network->output].shape));
	fill_normal(&check->rng, check->factors,
				BATCH * hml_shape_size(&check->network->nodes[check->network->output].shape), 1);
}

static void
finish(Check *check)
{
	HmlArena *arena = check->network->arena;

	hml_pass_free(check->pass);
	free(check->weights);
	free(check->gradients);
	for (size_t i = 0; i < check->network->n_inputs; i++)
		free(check->inputs[i]);
	free(check->factors);
	hml_arena_free(arena);
}

/* Dropout must drop the same elements each time, and running means must not wander. */
static double
function(Check *check)
{
	const HmlNetwork *network = check->network;
	size_t n = BATCH * hml_shape_size(&network->nodes[network->output].shape);
	size_t n_state = network->n_weights - network->n_trainable;
	float *state = test_floats(n_state);
	HmlRng rng;
	double total = 0;

	memcpy(state, check->weights + network->n_trainable, n_state * sizeof(float));
	hml_rng_seed(&rng, SEED);
	if (check->training)
		assert_ok(check->ctx, hml_pass_forward_training(check->pass, check->weights,
														(const float *const *) check->inputs, BATCH, &rng));
	else
		assert_ok(check->ctx,
				  hml_pass_forward(check->pass, check->weights, (const float *const *) check->inputs, BATCH));
	for (size_t i = 0; i < n; i++)
		total += (double) check->factors[i] * (double) hml_pass_output(check->pass)[i];
	memcpy(check->weights + network->n_trainable, state, n_state * sizeof(float));
	free(state);
	return total;
}

static double
difference(Check *check, float *value)
{
	float origin = *value;
	double f[4];
	static const float steps[4] = {-2 * STEP, -STEP, STEP, 2 * STEP};

	for (int i = 0; i < 4; i++)
	{
		*value = origin + steps[i];
		f[i] = function(check);
	}
	*value = origin;
	return (8 * (f[2] - f[1]) - (f[3] - f[0])) / (12 * (double) STEP);
}

static void
compare(Check *check, const char *what, const float *gradient, float *values, size_t n)
{
	double distance = 0;
	double norms = 0;

	for (size_t i = 0; i < n; i++)
	{
		double expected = difference(check, &values[i]);

		distance += pow((double) gradient[i] - expected, 2);
		norms += pow((double) gradient[i], 2) + pow(expected, 2);
	}
	if (!(sqrt(distance) <= TOLERANCE * sqrt(norms) + 1e-5))
		fail_msg("%s\n  gradient of %s (%s) is off by %g of %g", check->spec, what,
				 check->training ? "training" : "inference", sqrt(distance), sqrt(norms));
}

static void
check_case(HmlContext *ctx, const char *spec, bool training)
{
	Check check = {.ctx = ctx, .spec = spec, .training = training};
	float *copies[HML_MAX_NETWORK_INPUTS];
	size_t n_output;

	start(&check);
	n_output = BATCH * hml_shape_size(&check.network->nodes[check.network->output].shape);
	function(&check);
	memcpy(hml_pass_loss_gradient(check.pass), check.factors, n_output * sizeof(float));
	assert_ok(ctx, hml_pass_backward(check.pass, check.gradients));
	for (size_t i = 0; i < check.network->n_inputs; i++)
	{
		size_t n = BATCH * hml_shape_size(&check.network->nodes[i].shape);

		copies[i] = test_floats(n);
		memcpy(copies[i], hml_pass_input_gradient(check.pass, i), n * sizeof(float));
	}
	compare(&check, "the weights", check.gradients, check.weights, check.network->n_trainable);
	for (size_t i = 0; i < check.network->n_inputs; i++)
	{
		size_t n = BATCH * hml_shape_size(&check.network->nodes[i].shape);

		compare(&check, check.network->nodes[i].name, copies[i], check.inputs[i], n);
		free(copies[i]);
	}
	finish(&check);
}

static void
test_every_operator(void **state)
{
	TestHost host;
	HmlContext ctx;

	(void) state;
	test_host_init(&host, &ctx);
	for (size_t i = 0; hml_ops[i] != NULL; i++)
	{
		assert_non_null(hml_ops[i]->cases[0]);
		for (size_t k = 0; hml_ops[i]->cases[k] != NULL; k++)
		{
			check_case(&ctx, hml_ops[i]->cases[k], true);
			check_case(&ctx, hml_ops[i]->cases[k], false);
		}
	}
	test_host_finish(&host, &ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_operator),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
