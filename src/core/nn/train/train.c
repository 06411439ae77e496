/*
 * train.c
 *	  The training loop.
 *
 * Memory: one pass, gradients, optimiser state, two copies of the weights and
 * the buffers of a batch, all made before the first epoch.  Cancellation: the
 * pass polls; filling a batch is the data owner's affair.
 */
#include "core/nn/train/train.h"

#include <math.h>
#include <string.h>

#include "core/nn/graph/optable.h"
#include "core/nn/train/pass.h"
#include "core/nn/graph/streams.h"

typedef struct Trainer
{
	HmlContext *ctx;
	HmlArena *arena;
	const HmlNetwork *network;
	const HmlTrainOptions *options;
	const HmlDataset *training;
	const HmlDataset *validation; /* NULL where there is none */
	float *weights;               /* being trained */
	float *best_weights;
	float *anchor; /* the initial weights, where the loss pulls towards them; else NULL */
	float *gradients;
	float *outputs; /* of all validation rows, for evaluate() */
	uint32_t *rows;
	uint32_t *validation_rows;
	HmlPass *pass;
	HmlOptimizer *optimizer;
	HmlSchedule schedule;
	HmlLoss loss;
	HmlBatch batch;
	size_t output_size;
	size_t batch_size;
	size_t batches; /* per epoch */
	HmlRng order_rng;
	HmlRng dropout_rng;
	HmlRng data_rng;
	double started;
} Trainer;

HmlTrainOptions
hml_default_train_options(void)
{
	HmlTrainOptions options = {
		.loss = HML_LOSS_MSE,
		.huber_delta = 1,
		.optimizer = {.kind = HML_ADAM, .momentum = 0.9, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8},
		.schedule = {.kind = HML_SCHEDULE_CONSTANT,
					 .learning_rate = 1e-3,
					 .factor = 0.1,
					 .step_epochs = 30,
					 .plateau_patience = 10},
		.epochs = 100,
		.phase = "epoch",
		.batch_size = 32,
	};

	return options;
}

size_t
hml_loss_node(const HmlNetwork *network, HmlLossKind loss)
{
	const HmlNode *output = &network->nodes[network->output];
	bool is_binary = loss == HML_LOSS_BCE_WITH_LOGITS;
	bool is_classes = loss == HML_LOSS_CROSS_ENTROPY || loss == HML_LOSS_KL;

	if ((is_binary && output->op == &hml_op_sigmoid) || (is_classes && output->op == &hml_op_softmax))
		return output->inputs[0];
	return network->output;
}

/* ---- preparation ----------------------------------------------------------------------------------- */

static HmlStatus
check_options(const Trainer *trainer)
{
	const HmlTrainOptions *options = trainer->options;

	if (options->epochs < 1 || options->batch_size < 1 || !(options->schedule.learning_rate > 0))
		return hml_fail(trainer->ctx, HML_INVALID_ARGUMENT,
						"epochs, batch size and learning rate must be positive");
	if (trainer->training->n_rows == 0 || trainer->training->n_rows > UINT32_MAX)
		return hml_fail(trainer->ctx, HML_INVALID_DATA, "cannot train on %zu rows",
						trainer->training->n_rows);
	if (trainer->network->n_trainable == 0)
		return hml_fail(trainer->ctx, HML_INVALID_ARGUMENT, "the network has no parameters to train");
	return HML_OK;
}

static HmlStatus
allocate_batch(Trainer *trainer, size_t batch_size)
{
	const HmlNetwork *network = trainer->network;
	size_t target_size = trainer->output_size;

	for (size_t i = 0; i < network->n_inputs; i++)
	{
		size_t size = hml_shape_size(&network->nodes[i].shape);

		HML_TRY(hml_arena_alloc(trainer->arena, batch_size, size * sizeof(float),
								(void **) &trainer->batch.inputs[i]));
	}
	HML_TRY(hml_arena_alloc(trainer->arena, batch_size, target_size * sizeof(float),
							(void **) &trainer->batch.targets));
	return HML_ARENA_NEW(trainer->arena, &trainer->batch.weights, batch_size);
}

static HmlStatus
allocate_rows(HmlArena *arena, size_t n, uint32_t **rows)
{
	HML_TRY(HML_ARENA_NEW(arena, rows, n));
	for (size_t i = 0; i < n; i++)
		(*rows)[i] = (uint32_t) i;
	return HML_OK;
}

static HmlStatus
allocate_validation(Trainer *trainer)
{
	const HmlDataset *validation = trainer->validation;

	HML_TRY(HML_ARENA_NEW(trainer->arena, &trainer->best_weights, trainer->network->n_weights));
	HML_TRY(allocate_rows(trainer->arena, validation->n_rows, &trainer->validation_rows));
	if (validation->evaluate == NULL)
		return HML_OK;
	return hml_arena_alloc(trainer->arena, validation->n_rows, trainer->output_size * sizeof(float),
						   (void **) &trainer->outputs);
}

static HmlStatus
keep_anchor(Trainer *trainer)
{
	size_t n = trainer->network->n_trainable;

	HML_TRY(HML_ARENA_NEW(trainer->arena, &trainer->anchor, n));
	memcpy(trainer->anchor, trainer->weights, n * sizeof(float));
	return HML_OK;
}

static HmlStatus
prepare(Trainer *trainer)
{
	const HmlTrainOptions *options = trainer->options;
	const HmlNetwork *network = trainer->network;
	const HmlShape *shape = &network->nodes[network->output].shape;
	size_t n_rows = trainer->training->n_rows;
	size_t batch_size = options->batch_size < n_rows ? options->batch_size : n_rows;
	HmlPassOptions pass = {
		.batch = batch_size, .backward = true, .loss_node = hml_loss_node(network, options->loss)};

	trainer->output_size = hml_shape_size(shape);
	trainer->loss = (HmlLoss){options->loss, (float) options->huber_delta, trainer->output_size,
							  shape->dims[shape->n_dims - 1]};
	trainer->schedule = options->schedule;
	trainer->batch_size = batch_size;
	trainer->batches = (n_rows + batch_size - 1) / batch_size;
	hml_rng_seed_stream(&trainer->order_rng, options->seed, HML_STREAM_ORDER);
	hml_rng_seed_stream(&trainer->dropout_rng, options->seed, HML_STREAM_DROPOUT);
	hml_rng_seed_stream(&trainer->data_rng, options->seed, HML_STREAM_DATA);

	HML_TRY(HML_ARENA_NEW(trainer->arena, &trainer->gradients, network->n_trainable));
	if (options->proximal > 0)
		HML_TRY(keep_anchor(trainer));
	HML_TRY(hml_optimizer_create(trainer->arena, network, &options->optimizer, &trainer->optimizer));
	HML_TRY(allocate_batch(trainer, batch_size));
	HML_TRY(allocate_rows(trainer->arena, n_rows, &trainer->rows));
	if (trainer->validation != NULL)
		HML_TRY(allocate_validation(trainer));
	return hml_pass_create(trainer->ctx, network, &pass, &trainer->pass);
}

/* ---- an epoch -------------------------------------------------------------------------------------- */

static HmlStatus
fill_batch(Trainer *trainer, const HmlDataset *dataset, const uint32_t *rows, size_t n, HmlRng *rng,
		   double *weight)
{
	HmlBatch *batch = &trainer->batch;

	batch->n = n;
	batch->rows = rows;
	for (size_t i = 0; i < n; i++)
		batch->weights[i] = 1;
	HML_TRY(dataset->fill(dataset->user, trainer->ctx, batch, rng));
	*weight = 0;
	for (size_t i = 0; i < n; i++)
		*weight += (double) batch->weights[i];
	return HML_OK;
}

static HmlStatus
check_loss(const Trainer *trainer, double loss, int epoch, const char *which)
{
	if (isfinite(loss))
		return HML_OK;
	hml_fail(trainer->ctx, HML_DIVERGED, "training diverged in epoch %d: the %s is not finite", epoch, which);
	return hml_hint(trainer->ctx, "Try a smaller learning_rate, or scale the features.");
}

/* T. Li et al.: Federated Optimization in Heterogeneous Networks, MLSys 2020. */
static void
pull_to_anchor(Trainer *trainer)
{
	float mu = (float) trainer->options->proximal;

	for (size_t i = 0; i < trainer->network->n_trainable; i++)
		trainer->gradients[i] += mu * (trainer->weights[i] - trainer->anchor[i]);
}

/* One step; *loss is the weighted sum over the batch. */
static HmlStatus
train_batch(Trainer *trainer, double rate, double weight, double *loss)
{
	const HmlBatch *batch = &trainer->batch;
	size_t n_trainable = trainer->network->n_trainable;

	HML_TRY(hml_pass_forward_training(trainer->pass, trainer->weights, (const float *const *) batch->inputs,
									  batch->n, &trainer->dropout_rng));
	*loss = hml_loss(&trainer->loss, hml_pass_loss_input(trainer->pass), batch->targets, batch->weights,
					 batch->n, weight > 0 ? 1 / weight : 0, hml_pass_loss_gradient(trainer->pass));
	if (!isfinite(*loss))
		return HML_OK;
	memset(trainer->gradients, 0, n_trainable * sizeof(float));
	HML_TRY(hml_pass_backward(trainer->pass, trainer->gradients));
	if (trainer->anchor != NULL)
		pull_to_anchor(trainer);
	hml_optimizer_step(trainer->optimizer, rate, trainer->gradients, trainer->weights);
	return HML_OK;
}

static void
report_progress(const Trainer *trainer, int epoch, size_t batch)
{
	hml_report_progress(trainer->ctx, trainer->options->phase,
						(int64_t) ((size_t) (epoch - 1) * trainer->batches + batch + 1),
						(int64_t) ((size_t) trainer->options->epochs * trainer->batches));
}

static HmlStatus
train_epoch(Trainer *trainer, HmlEpoch *epoch)
{
	size_t n_rows = trainer->training->n_rows;
	double total = 0;
	double total_weight = 0;

	hml_rng_shuffle(&trainer->order_rng, trainer->rows, n_rows);
	for (size_t b = 0; b < trainer->batches; b++)
	{
		size_t first = b * n_rows / trainer->batches;
		size_t n = (b + 1) * n_rows / trainer->batches - first;
		double progress = (double) b / (double) trainer->batches;
		double weight;
		double loss;

		epoch->learning_rate =
			hml_schedule_rate(&trainer->schedule, epoch->epoch - 1 + progress, epoch->epochs);
		HML_TRY(
			fill_batch(trainer, trainer->training, trainer->rows + first, n, &trainer->data_rng, &weight));
		HML_TRY(train_batch(trainer, epoch->learning_rate, weight, &loss));
		HML_TRY(check_loss(trainer, loss, epoch->epoch, "loss"));
		total += loss;
		total_weight += weight;
		report_progress(trainer, epoch->epoch, b);
	}
	epoch->loss = total / total_weight;
	return HML_OK;
}

/* Loss over the validation rows, and their outputs where someone wants to see them. */
static HmlStatus
validate(Trainer *trainer, HmlEpoch *epoch)
{
	const HmlDataset *dataset = trainer->validation;
	size_t size = trainer->output_size;
	double total = 0;
	double total_weight = 0;

	for (size_t first = 0, n; first < dataset->n_rows; first += n)
	{
		double weight;

		n = dataset->n_rows - first < trainer->batch_size ? dataset->n_rows - first : trainer->batch_size;
		HML_TRY(fill_batch(trainer, dataset, trainer->validation_rows + first, n, NULL, &weight));
		HML_TRY(hml_pass_forward(trainer->pass, trainer->weights,
								 (const float *const *) trainer->batch.inputs, n));
		total += hml_loss(&trainer->loss, hml_pass_loss_input(trainer->pass), trainer->batch.targets,
						  trainer->batch.weights, n, 0, NULL);
		total_weight += weight;
		if (trainer->outputs != NULL)
			memcpy(trainer->outputs + first * size, hml_pass_output(trainer->pass), n * size * sizeof(float));
	}
	epoch->validation_loss = total / total_weight;
	HML_TRY(check_loss(trainer, epoch->validation_loss, epoch->epoch, "validation loss"));
	if (trainer->outputs == NULL)
		return HML_OK;
	return dataset->evaluate(dataset->user, trainer->ctx, trainer->outputs, &epoch->metric);
}

/* ---- epochs ---------------------------------------------------------------------------------------- */

static bool
is_better(const Trainer *trainer, const HmlEpoch *epoch, const HmlTrainResult *best)
{
	if (trainer->validation == NULL || best->best_epoch == 0)
		return true;
	if (trainer->outputs != NULL && epoch->metric != best->metric)
		return epoch->metric > best->metric;
	return epoch->validation_loss < best->validation_loss;
}

static void
keep_best(Trainer *trainer, const HmlEpoch *epoch, HmlTrainResult *best)
{
	best->best_epoch = epoch->epoch;
	best->loss = epoch->loss;
	best->validation_loss = epoch->validation_loss;
	best->metric = epoch->metric;
	if (trainer->validation != NULL)
		memcpy(trainer->best_weights, trainer->weights, trainer->network->n_weights * sizeof(float));
}

static HmlStatus
run_epochs(Trainer *trainer, HmlTrainResult *result)
{
	const HmlTrainOptions *options = trainer->options;
	HmlEpoch epoch = {.epochs = options->epochs, .validation_loss = NAN, .metric = NAN};

	if (trainer->validation != NULL)
		epoch.metric_name = trainer->validation->metric_name;
	for (epoch.epoch = 1; epoch.epoch <= options->epochs; epoch.epoch++)
	{
		HML_TRY(train_epoch(trainer, &epoch));
		if (trainer->validation != NULL)
			HML_TRY(validate(trainer, &epoch));
		hml_schedule_observe(&trainer->schedule,
							 trainer->validation != NULL ? epoch.validation_loss : epoch.loss);
		if (is_better(trainer, &epoch, result))
			keep_best(trainer, &epoch, result);
		result->epochs = epoch.epoch;
		epoch.seconds = hml_seconds(trainer->ctx) - trainer->started;
		if (options->on_epoch != NULL)
			HML_TRY(options->on_epoch(options->on_epoch_user, &epoch));
		if (options->patience > 0 && epoch.epoch - result->best_epoch >= options->patience)
			break;
	}
	if (trainer->validation != NULL)
		memcpy(trainer->weights, trainer->best_weights, trainer->network->n_weights * sizeof(float));
	return HML_OK;
}

HmlStatus
hml_train_network(HmlContext *ctx, const HmlNetwork *network, const HmlTrainOptions *options,
				  const HmlDataset *training, const HmlDataset *validation, float *weights,
				  HmlTrainResult *result)
{
	Trainer trainer = {.ctx = ctx,
					   .network = network,
					   .options = options,
					   .training = training,
					   .validation = validation,
					   .weights = weights,
					   .started = hml_seconds(ctx)};
	HmlStatus status;

	*result = (HmlTrainResult){.validation_loss = NAN, .metric = NAN};
	HML_TRY(check_options(&trainer));
	HML_TRY(hml_arena_create(ctx, &trainer.arena));
	status = prepare(&trainer);
	if (status == HML_OK)
		status = run_epochs(&trainer, result);
	hml_pass_free(trainer.pass);
	hml_arena_free(trainer.arena);
	return status;
}
