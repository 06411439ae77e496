/*
 * test_nn_golden.c
 *	  Operators and training against PyTorch (test/golden/make_nn.py).
 */
#include "unit/support.h"

#include "core/nn/train/loss.h"
#include "core/nn/train/optimizer.h"
#include "core/nn/train/pass.h"

#define OPERATORS "test/golden/nn_operators.txt"
#define TRAININGS "test/golden/nn_training.txt"

/* ---- the files ------------------------------------------------------------------------------------- */

#define MAX_ITEMS 24

/* One case: lines "name rest" up to an empty one. */
typedef struct Case
{
	size_t n_items;
	char *names[MAX_ITEMS];
	char *values[MAX_ITEMS];
} Case;

static char *
read_text(const char *path)
{
	FILE *file = fopen(path, "rb");
	char *text;
	long size;

	if (file == NULL)
		fail_msg("cannot open \"%s\"", path);
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	size = ftell(file);
	rewind(file);
	text = malloc((size_t) size + 1);
	assert_non_null(text);
	assert_int_equal(fread(text, 1, (size_t) size, file), size);
	text[size] = '\0';
	fclose(file);
	return text;
}

/* Cut the next case out of the text; false at the end. */
static bool
next_case(char **text, Case *out)
{
	out->n_items = 0;
	while (**text != '\0')
	{
		char *line = *text;
		size_t length = strcspn(line, "\n");

		*text += length + (line[length] == '\n');
		line[length] = '\0';
		if (*line == '#')
			continue;
		if (*line == '\0')
			break;
		assert_true(out->n_items < MAX_ITEMS);
		out->names[out->n_items] = line;
		out->values[out->n_items] = strchr(line, ' ') + 1;
		out->values[out->n_items++][-1] = '\0';
	}
	return out->n_items > 0;
}

/* The number-th item of that name. */
static const char *
item(const Case *c, const char *name, size_t number)
{
	for (size_t i = 0; i < c->n_items; i++)
		if (strcmp(c->names[i], name) == 0 && number-- == 0)
			return c->values[i];
	fail_msg("no item \"%s\"", name);
	return NULL;
}

static float *
numbers(const Case *c, const char *name, size_t number, size_t *count)
{
	const char *text = item(c, name, number);
	char *end;
	size_t n = strtoul(text, &end, 10);
	float *values = malloc((n + 1) * sizeof(float));

	assert_non_null(values);
	for (size_t i = 0; i < n; i++)
		values[i] = strtof(end, &end);
	assert_int_equal(*end, '\0');
	*count = n;
	return values;
}

static float
number(const Case *c, const char *name)
{
	size_t count;
	float *values = numbers(c, name, 0, &count);
	float value = values[0];

	assert_int_equal(count, 1);
	free(values);
	return value;
}

/* ---- a network from a case ------------------------------------------------------------------------- */

typedef struct Setup
{
	const Case *c;
	HmlArena *arena;
	HmlNetwork *network;
	HmlPass *pass;
	size_t batch;
	float *weights;
	float *gradients;
	float *inputs[HML_MAX_NETWORK_INPUTS];
} Setup;

static void
start(HmlContext *ctx, const Case *c, Setup *setup)
{
	const char *spec = item(c, "spec", 0);
	HmlPassOptions options = {.backward = true, .input_gradients = true};
	size_t count;

	setup->c = c;
	assert_ok(ctx, hml_arena_create(ctx, &setup->arena));
	assert_ok(ctx, hml_network_parse(setup->arena, spec, strlen(spec), &setup->network));
	setup->weights = numbers(c, "weights", 0, &count);
	assert_int_equal(count, setup->network->n_weights);
	setup->gradients = calloc(setup->network->n_trainable + 1, sizeof(float));
	assert_non_null(setup->gradients);
	for (size_t i = 0; i < setup->network->n_inputs; i++)
	{
		setup->inputs[i] = numbers(c, "input", i, &count);
		setup->batch = count / hml_shape_size(&setup->network->nodes[i].shape);
	}
	options.batch = setup->batch;
	options.loss_node = setup->network->output;
	assert_ok(ctx, hml_pass_create(ctx, setup->network, &options, &setup->pass));
}

static void
finish(Setup *setup)
{
	for (size_t i = 0; i < setup->network->n_inputs; i++)
		free(setup->inputs[i]);
	free(setup->weights);
	free(setup->gradients);
	hml_pass_free(setup->pass);
	hml_arena_free(setup->arena);
}

static void
compare(const Setup *setup, const char *name, size_t which, const float *actual, size_t n, double tolerance)
{
	size_t count;
	float *expected = numbers(setup->c, name, which, &count);

	assert_int_equal(count, n);
	for (size_t i = 0; i < n; i++)
	{
		double scale = fabs((double) expected[i]) > 1 ? fabs((double) expected[i]) : 1;

		if (!(fabs((double) (actual[i] - expected[i])) <= tolerance * scale))
			fail_msg("%s\n  %s[%zu] is %.9g, not %.9g", item(setup->c, "spec", 0), name, i,
					 (double) actual[i], (double) expected[i]);
	}
	free(expected);
}

static size_t
output_size(const Setup *setup)
{
	return setup->batch * hml_shape_size(&setup->network->nodes[setup->network->output].shape);
}

/* ---- tests ----------------------------------------------------------------------------------------- */

static void
check_operator(HmlContext *ctx, const Case *c)
{
	Setup s;
	HmlRng rng;
	size_t count;
	float *factors;

	start(ctx, c, &s);
	hml_rng_seed(&rng, 1);
	assert_ok(ctx,
			  hml_pass_forward_training(s.pass, s.weights, (const float *const *) s.inputs, s.batch, &rng));
	compare(&s, "output", 0, hml_pass_output(s.pass), output_size(&s), 2e-5);
	factors = numbers(c, "factors", 0, &count);
	memcpy(hml_pass_loss_gradient(s.pass), factors, count * sizeof(float));
	free(factors);
	assert_ok(ctx, hml_pass_backward(s.pass, s.gradients));
	compare(&s, "gradients", 0, s.gradients, s.network->n_trainable, 2e-5);
	for (size_t i = 0; i < s.network->n_inputs; i++)
		compare(&s, "input_gradient", i, hml_pass_input_gradient(s.pass, i),
				s.batch * hml_shape_size(&s.network->nodes[i].shape), 2e-5);
	assert_ok(ctx, hml_pass_forward(s.pass, s.weights, (const float *const *) s.inputs, s.batch));
	compare(&s, "inference", 0, hml_pass_output(s.pass), output_size(&s), 2e-5);
	finish(&s);
}

static HmlOptimizerOptions
optimizer_of(const Case *c)
{
	HmlOptimizerOptions options = {.momentum = 0.9,
								   .beta1 = 0.9,
								   .beta2 = 0.999,
								   .epsilon = 1e-8,
								   .weight_decay = (double) number(c, "weight_decay"),
								   .clip_norm = (double) number(c, "clip_norm")};
	const char *name = item(c, "optimizer", 0);

	options.kind = strcmp(name, "sgd") == 0 ? HML_SGD : strcmp(name, "adam") == 0 ? HML_ADAM : HML_ADAMW;
	return options;
}

static void
check_training(HmlContext *ctx, const Case *c)
{
	Setup s;
	HmlRng rng;
	HmlLoss loss = {.delta = 1};
	HmlOptimizerOptions options = optimizer_of(c);
	HmlOptimizer *optimizer;
	size_t count;
	size_t steps;
	float *target = numbers(c, "target", 0, &count);
	float *losses = numbers(c, "losses", 0, &steps);

	start(ctx, c, &s);
	hml_rng_seed(&rng, 1);
	assert_true(hml_loss_find(item(c, "loss", 0), &loss.kind));
	loss.size = output_size(&s) / s.batch;
	loss.classes = loss.size;
	assert_ok(ctx, hml_optimizer_create(s.arena, s.network, &options, &optimizer));
	for (size_t i = 0; i < steps; i++)
	{
		double total;

		assert_ok(ctx, hml_pass_forward_training(s.pass, s.weights, (const float *const *) s.inputs, s.batch,
												 &rng));
		total = hml_loss(&loss, hml_pass_loss_input(s.pass), target, NULL, s.batch, 1 / (double) s.batch,
						 hml_pass_loss_gradient(s.pass));
		assert_close(total / (double) s.batch, (double) losses[i], 2e-5);
		memset(s.gradients, 0, s.network->n_trainable * sizeof(float));
		if (i == 0)
			compare(&s, "output", 0, hml_pass_output(s.pass), output_size(&s), 1e-5);
		assert_ok(ctx, hml_pass_backward(s.pass, s.gradients));
		if (i == 0)
			compare(&s, "gradients", 0, s.gradients, s.network->n_trainable, 1e-5);
		hml_optimizer_step(optimizer, (double) number(c, "learning_rate"), s.gradients, s.weights);
	}
	compare(&s, "trained", 0, s.weights, s.network->n_weights, 2e-3);
	assert_ok(ctx, hml_pass_forward(s.pass, s.weights, (const float *const *) s.inputs, s.batch));
	compare(&s, "inference", 0, hml_pass_output(s.pass), output_size(&s), 2e-3);
	free(target);
	free(losses);
	finish(&s);
}

static size_t
check_file(const char *path, void (*check)(HmlContext *, const Case *))
{
	TestHost host;
	HmlContext ctx;
	Case c;
	size_t cases = 0;
	char *text = read_text(path);
	char *next = text;

	test_host_init(&host, &ctx);
	for (; next_case(&next, &c); cases++)
		check(&ctx, &c);
	free(text);
	test_host_finish(&host, &ctx);
	return cases;
}

static void
test_operators_equal_torch(void **state)
{
	(void) state;
	assert_int_equal(check_file(OPERATORS, check_operator), 48);
}

static void
test_training_equals_torch(void **state)
{
	(void) state;
	assert_int_equal(check_file(TRAININGS, check_training), 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_operators_equal_torch),
		cmocka_unit_test(test_training_equals_torch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
