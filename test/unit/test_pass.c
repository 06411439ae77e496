/*
 * test_pass.c
 *	  Forward and backward of whole networks: chunks, shared buffers, memory, cancellation.
 */
#include "unit/support.h"

#include "core/base/rng.h"
#include "core/nn/train/pass.h"

/* Forks, views, batch norm, a gate, in-place operators; images large enough for chunks of few samples. */
static const char branches[] =
	"{\"input\":[2,96,80],\"layers\":["
	"{\"op\":\"conv2d\",\"filters\":6,\"kernel_size\":3,\"padding\":1},{\"op\":\"batch_norm\"},"
	"{\"op\":\"relu\",\"name\":\"stem\"},"
	"{\"op\":\"conv2d\",\"filters\":6,\"kernel_size\":3,\"padding\":1,\"groups\":6},"
	"{\"op\":\"batch_norm\"},{\"op\":\"tanh\"},"
	"{\"op\":\"add\",\"name\":\"sum\",\"inputs\":[\"tanh_1\",\"stem\"]},"
	"{\"op\":\"global_avg_pool\",\"keepdims\":true},{\"op\":\"sigmoid\",\"name\":\"gate\"},"
	"{\"op\":\"mul\",\"inputs\":[\"sum\",\"gate\"]},{\"op\":\"max_pool\",\"kernel_size\":8},"
	"{\"op\":\"flatten\",\"name\":\"flat\"},{\"op\":\"reshape\",\"shape\":[12,-1]},"
	"{\"op\":\"gru\",\"units\":5,\"name\":\"state\"},"
	"{\"op\":\"slice\",\"end\":7,\"inputs\":[\"flat\"]},{\"op\":\"concat\",\"inputs\":[\"slice_1\",\"state\"]"
	"},"
	"{\"op\":\"dense\",\"units\":3,\"name\":\"logits\"},{\"op\":\"softmax\"}]}";

#define BATCH 9
#define SEED 4711

typedef struct Setup
{
	TestHost host;
	HmlContext ctx;
	HmlArena *arena;
	HmlNetwork *network;
	size_t loss_node;
	float *weights;
	float *gradients;
	float *input;
	size_t input_size;
} Setup;

static void
start(Setup *s, const char *spec)
{
	HmlRng rng;

	test_host_init(&s->host, &s->ctx);
	assert_ok(&s->ctx, hml_arena_create(&s->ctx, &s->arena));
	assert_ok(&s->ctx, hml_network_parse(s->arena, spec, strlen(spec), &s->network));
	s->loss_node = s->network->nodes[s->network->output].inputs[0];
	s->weights = malloc(s->network->n_weights * sizeof(float));
	s->gradients = calloc(s->network->n_trainable, sizeof(float));
	s->input_size = hml_shape_size(&s->network->nodes[0].shape);
	s->input = malloc(BATCH * s->input_size * sizeof(float));
	assert_true(s->weights != NULL && s->gradients != NULL && s->input != NULL);
	assert_ok(&s->ctx, hml_network_init(s->network, SEED, s->weights));
	hml_rng_seed(&rng, SEED);
	for (size_t i = 0; i < BATCH * s->input_size; i++)
		s->input[i] = (float) hml_rng_normal(&rng);
}

static void
finish(Setup *s)
{
	free(s->weights);
	free(s->gradients);
	free(s->input);
	hml_arena_free(s->arena);
	test_host_finish(&s->host, &s->ctx);
}

static HmlPass *
new_pass(Setup *s, size_t batch, bool backward)
{
	HmlPassOptions options = {.batch = batch, .backward = backward, .loss_node = s->loss_node};
	HmlPass *pass;

	assert_ok(&s->ctx, hml_pass_create(&s->ctx, s->network, &options, &pass));
	return pass;
}

/* Inference does not depend on who shares the batch, nor on whether buffers are kept for backward. */
static void
test_batches_agree_with_single_samples(void **state)
{
	Setup s;
	HmlPass *batch;
	HmlPass *single;
	size_t size;
	size_t before;
	size_t of_batch;

	(void) state;
	start(&s, branches);
	before = s.ctx.memory_used;
	batch = new_pass(&s, BATCH, true);
	of_batch = s.ctx.memory_used - before;
	single = new_pass(&s, 1, false);
	assert_true(s.ctx.memory_used - before - of_batch < of_batch / 4);
	size = hml_shape_size(&s.network->nodes[s.network->output].shape);
	for (size_t n = 1; n <= BATCH; n += 4)
	{
		const float *inputs[] = {s.input};

		assert_ok(&s.ctx, hml_pass_forward(batch, s.weights, inputs, n));
		for (size_t i = 0; i < n; i++)
		{
			inputs[0] = s.input + i * s.input_size;
			assert_ok(&s.ctx, hml_pass_forward(single, s.weights, inputs, 1));
			for (size_t k = 0; k < size; k++)
				assert_close((double) hml_pass_output(batch)[i * size + k],
							 (double) hml_pass_output(single)[k], 2e-6);
		}
	}
	hml_pass_free(batch);
	hml_pass_free(single);
	hml_pass_free(NULL);
	finish(&s);
}

static void
train_step(Setup *s, HmlPass *pass, size_t n)
{
	const float *inputs[] = {s->input};
	size_t size = hml_shape_size(&s->network->nodes[s->loss_node].shape);
	HmlRng rng;

	hml_rng_seed(&rng, SEED);
	memset(s->gradients, 0, s->network->n_trainable * sizeof(float));
	assert_ok(&s->ctx, hml_pass_forward_training(pass, s->weights, inputs, n, &rng));
	for (size_t i = 0; i < n * size; i++)
		hml_pass_loss_gradient(pass)[i] = hml_pass_loss_input(pass)[i] + (float) (i % 3) - 1;
	assert_ok(&s->ctx, hml_pass_backward(pass, s->gradients));
}

/* The directional derivative along the gradient, through all the sharing of buffers. */
static void
test_gradient_of_a_whole_network(void **state)
{
	const float *inputs[1];
	Setup s;
	HmlPass *pass;
	HmlRng rng;
	double norm = 0;
	double f[2];
	size_t size;

	(void) state;
	start(&s, branches);
	inputs[0] = s.input;
	pass = new_pass(&s, BATCH, true);
	size = BATCH * hml_shape_size(&s.network->nodes[s.loss_node].shape);
	train_step(&s, pass, BATCH);
	for (size_t i = 0; i < s.network->n_trainable; i++)
		norm += (double) s.gradients[i] * (double) s.gradients[i];
	for (int side = 0; side < 2; side++)
	{
		double step = (side == 0 ? 2e-3 : -4e-3) / sqrt(norm);

		for (size_t i = 0; i < s.network->n_trainable; i++)
			s.weights[i] += (float) (step * (double) s.gradients[i]);
		hml_rng_seed(&rng, SEED);
		assert_ok(&s.ctx, hml_pass_forward_training(pass, s.weights, inputs, BATCH, &rng));
		f[side] = 0;
		for (size_t i = 0; i < size; i++)
			f[side] += pow((double) hml_pass_loss_input(pass)[i] + (double) (i % 3) - 1, 2) / 2;
	}
	assert_close((f[0] - f[1]) / (4e-3 * sqrt(norm)), 1, 0.02);
	hml_pass_free(pass);
	finish(&s);
}

/* Fresh passes, used ones, other batches in between: the same bits. */
static void
test_repeatable_and_without_allocations(void **state)
{
	Setup s;
	HmlPass *pass;
	float *first;
	size_t bytes;
	size_t allocations;

	(void) state;
	start(&s, branches);
	bytes = s.network->n_trainable * sizeof(float);
	first = malloc(bytes);
	pass = new_pass(&s, BATCH, true);
	train_step(&s, pass, BATCH);
	memcpy(first, s.gradients, bytes);
	allocations = s.host.allocations;
	train_step(&s, pass, 2);
	train_step(&s, pass, BATCH);
	assert_memory_equal(first, s.gradients, bytes);
	assert_int_equal(s.host.allocations, allocations);
	hml_pass_free(pass);
	pass = new_pass(&s, BATCH + 3, true);
	train_step(&s, pass, BATCH);
	assert_memory_equal(first, s.gradients, bytes);
	hml_pass_free(pass);
	free(first);
	finish(&s);
}

/* Buffers of one chunk where that will do: the largest image is kept only where backward wants it. */
static void
test_memory_is_shared(void **state)
{
	static const char chain[] =
		"{\"input\":[4,64,64],\"layers\":["
		"{\"op\":\"conv2d\",\"filters\":4,\"kernel_size\":3,\"padding\":1},{\"op\":\"tanh\"},"
		"{\"op\":\"conv2d\",\"filters\":4,\"kernel_size\":3,\"padding\":1},{\"op\":\"tanh\"},"
		"{\"op\":\"conv2d\",\"filters\":4,\"kernel_size\":3,\"padding\":1},{\"op\":\"tanh\"},"
		"{\"op\":\"global_avg_pool\"},{\"op\":\"sigmoid\"}]}";
	const size_t image = 4 * 64 * 64 * sizeof(float);
	Setup s;
	HmlPass *pass;
	size_t before;

	(void) state;
	start(&s, chain);
	before = s.ctx.memory_used;
	pass = new_pass(&s, 64, false);
	assert_true(s.ctx.memory_used - before < 32 * image);
	hml_pass_free(pass);
	/* Backward keeps the output of each tanh, which is also the input of the next layer. */
	pass = new_pass(&s, 64, true);
	assert_true(s.ctx.memory_used - before < (3 * 64 + 40) * image);
	hml_pass_free(pass);
	s.ctx.memory_limit = s.ctx.memory_used + 20 * image;
	s.ctx.memory_limit_name = "healthml.max_memory";
	{
		HmlPassOptions options = {.batch = 64, .backward = true, .loss_node = s.loss_node};

		assert_status(&s.ctx, hml_pass_create(&s.ctx, s.network, &options, &pass), HML_MEMORY_LIMIT);
		assert_message(&s.ctx, "healthml.max_memory");
		options.batch = SIZE_MAX / 1024;
		assert_status(&s.ctx, hml_pass_create(&s.ctx, s.network, &options, &pass), HML_LIMIT);
		assert_null(pass);
	}
	finish(&s);
}

static void
test_input_gradients_alone(void **state)
{
	const float *inputs[1];
	Setup s;
	HmlPass *pass;
	HmlPassOptions options = {.batch = 1, .backward = true, .input_gradients = true};
	double high;
	double low;

	(void) state;
	start(&s, branches);
	options.loss_node = s.loss_node;
	inputs[0] = s.input;
	assert_ok(&s.ctx, hml_pass_create(&s.ctx, s.network, &options, &pass));
	assert_ok(&s.ctx, hml_pass_forward(pass, s.weights, inputs, 1));
	memset(hml_pass_loss_gradient(pass), 0, 3 * sizeof(float));
	hml_pass_loss_gradient(pass)[1] = 1;
	assert_ok(&s.ctx, hml_pass_backward(pass, NULL));
	{
		double gradient = (double) hml_pass_input_gradient(pass, 0)[100];

		s.input[100] += 1e-2f;
		assert_ok(&s.ctx, hml_pass_forward(pass, s.weights, inputs, 1));
		high = (double) hml_pass_loss_input(pass)[1];
		s.input[100] -= 2e-2f;
		assert_ok(&s.ctx, hml_pass_forward(pass, s.weights, inputs, 1));
		low = (double) hml_pass_loss_input(pass)[1];
		assert_close((high - low) / 2e-2, gradient, 1e-3);
	}
	hml_pass_free(pass);
	finish(&s);
}

static HmlStatus
create_and_run(HmlContext *ctx, void *argument)
{
	HmlArena *arena;
	HmlNetwork *network;
	HmlPass *pass = NULL;
	float *weights;
	float *input;
	HmlRng rng;
	HmlStatus status;

	HML_TRY(hml_arena_create(ctx, &arena));
	status = hml_network_parse(arena, argument, strlen(argument), &network);
	if (status == HML_OK)
		status = HML_ARENA_NEW(arena, &weights, network->n_weights);
	if (status == HML_OK)
		status = HML_ARENA_NEW_ZERO(arena, &input, 2 * hml_shape_size(&network->nodes[0].shape));
	if (status == HML_OK)
	{
		HmlPassOptions options = {.batch = 2, .backward = true, .loss_node = network->output};

		status = hml_network_init(network, 1, weights);
		hml_rng_seed(&rng, 1);
		if (status == HML_OK)
			status = hml_pass_create(ctx, network, &options, &pass);
	}
	if (status == HML_OK)
		status = hml_pass_forward_training(pass, weights, (const float *const[]){input}, 2, &rng);
	if (status == HML_OK)
	{
		memset(hml_pass_loss_gradient(pass), 0, 2 * 3 * sizeof(float));
		status = hml_pass_backward(pass, NULL);
	}
	hml_pass_free(pass);
	hml_arena_free(arena);
	return status;
}

static void
test_failures(void **state)
{
	char spec[sizeof(branches)];

	(void) state;
	memcpy(spec, branches, sizeof(branches));
	test_allocation_sweep(create_and_run, spec);
	test_cancellation_sweep(create_and_run, spec);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_batches_agree_with_single_samples),
		cmocka_unit_test(test_gradient_of_a_whole_network),
		cmocka_unit_test(test_repeatable_and_without_allocations),
		cmocka_unit_test(test_memory_is_shared),
		cmocka_unit_test(test_input_gradients_alone),
		cmocka_unit_test(test_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
