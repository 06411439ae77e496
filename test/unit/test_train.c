/*
 * test_train.c
 *	  The training loop: what it learns, in which order, when it stops.
 */
#include "unit/support.h"

#include "core/nn/train/train.h"

#define ROWS 403
#define VALIDATION_ROWS 101

/* Two features; positive where their signs are equal. */
typedef struct Data
{
	float x[ROWS][2];
	float y[ROWS];
	float weight[ROWS];
	size_t seen[ROWS]; /* how often each row was asked for */
	size_t smallest_batch;
	size_t largest_batch;
	size_t without_rng;
	double metrics[100]; /* what evaluate() is to say, epoch by epoch */
	size_t evaluations;
} Data;

static HmlStatus
fill(void *user, HmlContext *ctx, const HmlBatch *batch, HmlRng *rng)
{
	Data *data = user;

	(void) ctx;
	for (size_t i = 0; i < batch->n; i++)
	{
		uint32_t row = batch->rows[i];

		memcpy(batch->inputs[0] + 2 * i, data->x[row], 2 * sizeof(float));
		batch->targets[i] = data->y[row];
		assert_float_equal(batch->weights[i], 1, 0);
		batch->weights[i] = data->weight[row];
		data->seen[row]++;
	}
	if (rng == NULL)
		data->without_rng += batch->n;
	if (batch->n < data->smallest_batch)
		data->smallest_batch = batch->n;
	if (batch->n > data->largest_batch)
		data->largest_batch = batch->n;
	return HML_OK;
}

static HmlStatus
accuracy(void *user, HmlContext *ctx, const float *outputs, double *metric)
{
	Data *data = user;

	(void) ctx;
	*metric = 0;
	for (size_t i = 0; i < VALIDATION_ROWS; i++)
		*metric += (outputs[i] > 0.5f) == (data->y[i] > 0.5f);
	*metric /= VALIDATION_ROWS;
	return HML_OK;
}

static HmlStatus
scripted(void *user, HmlContext *ctx, const float *outputs, double *metric)
{
	Data *data = user;

	(void) ctx;
	(void) outputs;
	*metric = data->metrics[data->evaluations++];
	return HML_OK;
}

static void
make_data(Data *data, uint64_t seed)
{
	HmlRng rng;

	memset(data, 0, sizeof(*data));
	data->smallest_batch = SIZE_MAX;
	hml_rng_seed(&rng, seed);
	for (size_t i = 0; i < ROWS; i++)
	{
		data->x[i][0] = (float) (2 * hml_rng_uniform(&rng) - 1);
		data->x[i][1] = (float) (2 * hml_rng_uniform(&rng) - 1);
		data->y[i] = (data->x[i][0] > 0) == (data->x[i][1] > 0);
		data->weight[i] = 1;
	}
}

static const char probability[] =
	"{\"input\":[2],\"layers\":[{\"op\":\"dense\",\"units\":16},{\"op\":\"batch_norm\"},{\"op\":\"relu\"},"
	"{\"op\":\"dropout\",\"p\":0.1},{\"op\":\"dense\",\"units\":1},{\"op\":\"sigmoid\"}]}";

typedef struct Setup
{
	TestHost host;
	HmlContext ctx;
	HmlArena *arena;
	HmlNetwork *network;
	float *weights;
	Data training;
	Data validation;
	HmlTrainOptions options;
	HmlEpoch epochs[200];
	size_t n_epochs;
	size_t allocations_after_first;
	int fail_at;
} Setup;

static HmlStatus
on_epoch(void *user, const HmlEpoch *epoch)
{
	Setup *s = user;

	assert_true(s->n_epochs < 200);
	s->epochs[s->n_epochs++] = *epoch;
	if (epoch->epoch == 1)
		s->allocations_after_first = s->host.allocations;
	if (epoch->epoch == s->fail_at)
		return hml_fail(&s->ctx, HML_LIMIT, "enough");
	return HML_OK;
}

static void
start(Setup *s)
{
	memset(s, 0, sizeof(*s));
	test_host_init(&s->host, &s->ctx);
	assert_ok(&s->ctx, hml_arena_create(&s->ctx, &s->arena));
	assert_ok(&s->ctx, hml_network_parse(s->arena, probability, strlen(probability), &s->network));
	s->weights = malloc(s->network->n_weights * sizeof(float));
	assert_ok(&s->ctx, hml_network_init(s->network, 1, s->weights));
	make_data(&s->training, 1);
	make_data(&s->validation, 2);
	s->options = hml_default_train_options();
	s->options.loss = HML_LOSS_BCE_WITH_LOGITS;
	s->options.schedule.learning_rate = 0.02;
	s->options.epochs = 40;
	s->options.seed = 5;
	s->options.on_epoch = on_epoch;
	s->options.on_epoch_user = s;
}

static void
finish(Setup *s)
{
	free(s->weights);
	hml_arena_free(s->arena);
	test_host_finish(&s->host, &s->ctx);
}

static HmlStatus
train(Setup *s, bool validate, HmlTrainResult *result)
{
	HmlDataset training = {ROWS, fill, NULL, NULL, &s->training};
	HmlDataset validation = {VALIDATION_ROWS, fill, accuracy, "accuracy", &s->validation};

	return hml_train_network(&s->ctx, s->network, &s->options, &training, validate ? &validation : NULL,
							 s->weights, result);
}

/* ---- what it learns -------------------------------------------------------------------------------- */

static void
test_learns(void **state)
{
	static Setup s;
	HmlTrainResult result;

	(void) state;
	start(&s);
	assert_ok(&s.ctx, train(&s, true, &result));
	assert_true(result.metric > 0.95);
	assert_true(result.best_epoch >= 1 && result.best_epoch <= 40);
	assert_int_equal(result.epochs, 40);
	assert_int_equal(s.n_epochs, 40);
	assert_string_equal(s.epochs[0].metric_name, "accuracy");
	assert_true(s.epochs[39].loss < 0.5 * s.epochs[0].loss);
	assert_close(s.epochs[result.best_epoch - 1].metric, result.metric, 0);
	assert_close(s.epochs[result.best_epoch - 1].validation_loss, result.validation_loss, 0);
	for (size_t i = 0; i < s.n_epochs; i++)
		assert_true(s.epochs[i].metric <= result.metric);
	assert_true(s.epochs[39].seconds >= s.epochs[0].seconds);
	assert_int_equal(s.host.allocations, s.allocations_after_first);
	assert_true(s.host.last_progress.done == s.host.last_progress.total);
	finish(&s);
}

/* Every row once an epoch, in batches of 31 and 32; augmentation only where it belongs. */
static void
test_rows_and_batches(void **state)
{
	static Setup s;
	HmlTrainResult result;

	(void) state;
	start(&s);
	s.options.epochs = 3;
	assert_ok(&s.ctx, train(&s, true, &result));
	for (size_t i = 0; i < ROWS; i++)
		assert_int_equal(s.training.seen[i], 3);
	for (size_t i = 0; i < ROWS; i++)
		assert_int_equal(s.validation.seen[i], i < VALIDATION_ROWS ? 3 : 0);
	assert_int_equal(s.training.smallest_batch, 31);
	assert_int_equal(s.training.largest_batch, 31 + (ROWS % 13 != 0));
	assert_int_equal(s.training.without_rng, 0);
	assert_int_equal(s.validation.without_rng, 3 * VALIDATION_ROWS);
	finish(&s);
}

static void
test_same_seed_same_weights(void **state)
{
	static Setup a;
	static Setup b;
	HmlTrainResult result;
	size_t bytes;

	(void) state;
	for (uint64_t seed = 5; seed <= 6; seed++)
	{
		start(&a);
		start(&b);
		bytes = a.network->n_weights * sizeof(float);
		a.options.epochs = b.options.epochs = 3;
		b.options.seed = seed;
		assert_ok(&a.ctx, train(&a, false, &result));
		assert_ok(&b.ctx, train(&b, false, &result));
		assert_int_equal(memcmp(a.weights, b.weights, bytes) == 0, seed == 5);
		finish(&a);
		finish(&b);
	}
}

/* Rows of weight 0 change nothing but the batches' composition, which is the same here. */
static void
test_weights_of_rows(void **state)
{
	static Setup a;
	static Setup b;
	HmlTrainResult result;

	(void) state;
	start(&a);
	start(&b);
	a.options.epochs = b.options.epochs = 2;
	/* Batch norm would see the features of these rows; their targets count for nothing. */
	for (size_t i = 0; i < ROWS; i += 2)
	{
		a.training.weight[i] = b.training.weight[i] = 0;
		b.training.y[i] = 1 - b.training.y[i];
	}
	assert_ok(&a.ctx, train(&a, false, &result));
	assert_ok(&b.ctx, train(&b, false, &result));
	assert_memory_equal(a.weights, b.weights, a.network->n_weights * sizeof(float));
	finish(&a);
	finish(&b);
}

/* ---- when it stops --------------------------------------------------------------------------------- */

/* Best in epoch 3, patience 2: stops after epoch 5 with the weights of epoch 3. */
static void
test_early_stopping(void **state)
{
	static Setup s;
	static Setup three;
	HmlTrainResult result;
	HmlDataset training = {ROWS, fill, NULL, NULL, &s.training};
	HmlDataset validation = {VALIDATION_ROWS, fill, scripted, "scripted", &s.validation};

	(void) state;
	start(&s);
	s.options.patience = 2;
	memcpy(s.validation.metrics, (double[]){0.1, 0.2, 0.9, 0.5, 0.8, 1.0}, 6 * sizeof(double));
	assert_ok(&s.ctx,
			  hml_train_network(&s.ctx, s.network, &s.options, &training, &validation, s.weights, &result));
	assert_int_equal(result.epochs, 5);
	assert_int_equal(result.best_epoch, 3);
	assert_close(result.metric, 0.9, 0);

	start(&three);
	three.options.epochs = 3;
	assert_ok(&three.ctx, train(&three, false, &result));
	assert_memory_equal(s.weights, three.weights, s.network->n_weights * sizeof(float));
	finish(&s);
	finish(&three);
}

static void
test_divergence(void **state)
{
	static Setup s;
	HmlTrainResult result;

	(void) state;
	start(&s);
	s.options.loss = HML_LOSS_MSE;
	s.options.optimizer.kind = HML_SGD;
	s.options.schedule.learning_rate = 1e30;
	assert_status(&s.ctx, train(&s, true, &result), HML_DIVERGED);
	assert_message(&s.ctx, "training diverged in epoch 1: the loss is not finite");
	assert_message(&s.ctx, "smaller learning_rate");
	finish(&s);
}

static void
test_refusals(void **state)
{
	static Setup s;
	HmlTrainResult result;
	HmlDataset empty = {0, fill, NULL, NULL, &s.training};

	(void) state;
	start(&s);
	s.options.epochs = 0;
	assert_status(&s.ctx, train(&s, true, &result), HML_INVALID_ARGUMENT);
	s.options.epochs = 1;
	s.options.schedule.learning_rate = NAN;
	assert_status(&s.ctx, train(&s, true, &result), HML_INVALID_ARGUMENT);
	s.options.schedule.learning_rate = 0.1;
	assert_status(&s.ctx, hml_train_network(&s.ctx, s.network, &s.options, &empty, NULL, s.weights, &result),
				  HML_INVALID_DATA);
	s.fail_at = 1;
	assert_status(&s.ctx, train(&s, true, &result), HML_LIMIT);
	assert_message(&s.ctx, "enough");
	finish(&s);
}

static HmlStatus
small_training(HmlContext *ctx, void *argument)
{
	Data *data = argument;
	HmlDataset training = {40, fill, NULL, NULL, data};
	HmlDataset validation = {20, fill, NULL, NULL, data};
	HmlTrainOptions options = hml_default_train_options();
	HmlTrainResult result;
	HmlArena *arena;
	HmlNetwork *network;
	float *weights;
	HmlStatus status;

	options.epochs = 2;
	options.loss = HML_LOSS_BCE_WITH_LOGITS;
	HML_TRY(hml_arena_create(ctx, &arena));
	status = hml_network_parse(arena, probability, strlen(probability), &network);
	if (status == HML_OK)
		status = HML_ARENA_NEW(arena, &weights, network->n_weights);
	if (status == HML_OK)
	{
		status = hml_network_init(network, 1, weights);
		if (status == HML_OK)
			status = hml_train_network(ctx, network, &options, &training, &validation, weights, &result);
	}
	hml_arena_free(arena);
	return status;
}

static void
test_failures(void **state)
{
	static Data data;

	(void) state;
	make_data(&data, 3);
	test_allocation_sweep(small_training, &data);
	test_cancellation_sweep(small_training, &data);
}

/* ---- where the loss is taken ----------------------------------------------------------------------- */

static void
test_loss_before_the_last_activation(void **state)
{
	static const struct
	{
		const char *last;
		HmlLossKind loss;
		size_t node;
	} cases[] = {
		{"sigmoid", HML_LOSS_BCE_WITH_LOGITS, 1}, {"sigmoid", HML_LOSS_MSE, 2},
		{"softmax", HML_LOSS_CROSS_ENTROPY, 1},   {"softmax", HML_LOSS_KL, 1},
		{"softmax", HML_LOSS_HUBER, 2},           {"tanh", HML_LOSS_BCE_WITH_LOGITS, 2},
		{"sigmoid", HML_LOSS_CROSS_ENTROPY, 2},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
	{
		TestHost host;
		HmlContext ctx;
		HmlArena *arena;
		HmlNetwork *network;
		char spec[200];

		snprintf(spec, sizeof(spec),
				 "{\"input\":[2],\"layers\":[{\"op\":\"dense\",\"units\":3},{\"op\":\"%s\"}]}",
				 cases[i].last);
		test_host_init(&host, &ctx);
		assert_ok(&ctx, hml_arena_create(&ctx, &arena));
		assert_ok(&ctx, hml_network_parse(arena, spec, strlen(spec), &network));
		assert_int_equal(hml_loss_node(network, cases[i].loss), cases[i].node);
		hml_arena_free(arena);
		test_host_finish(&host, &ctx);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_learns),
		cmocka_unit_test(test_rows_and_batches),
		cmocka_unit_test(test_same_seed_same_weights),
		cmocka_unit_test(test_weights_of_rows),
		cmocka_unit_test(test_early_stopping),
		cmocka_unit_test(test_divergence),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_loss_before_the_last_activation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
