/*
 * client.c
 *	  Beginning, local training and evaluation of a federated mlp.
 *
 * Memory of a call: the inputs of the local rows as float32 and what the trainer
 * needs, all in one arena that ends with the call.  Cancellable throughout.
 */
#include "core/federated/client.h"

#include <math.h>
#include <string.h>

#include "core/base/rng.h"
#include "core/model/background.h"
#include "core/learn/network/holdout.h"
#include "core/learn/mlp/mlp.h"
#include "core/learn/mlp/mlp_data.h"
#include "core/nn/train/pass.h"

#define HOLDOUT_SEED 0 /* the same rows are held back in every round */
#define BLOCK_ROWS 256
#define LEAST_PROBABILITY 1e-7 /* of a class, so that no single row gives an infinite loss */

/* ---- the model that training begins with ---------------------------------------------------------- */

static HmlStatus
name_classes(HmlModel *model, const HmlFeatureSummary *target)
{
	const HmlCategories *categories = &target->column.categories;
	bool is_boolean = target->column.kind == HML_COLUMN_BOOLEAN;
	size_t n = is_boolean ? 2 : categories->count;

	if (n < 2)
		return hml_fail(hml_arena_context(model->arena), HML_INVALID_DATA,
						"the target has %zu classes at all clients", n);
	if (n > HML_MAX_OUTPUTS)
		return hml_fail(hml_arena_context(model->arena), HML_LIMIT, "too many classes: %zu (limit %d)", n,
						HML_MAX_OUTPUTS);
	model->n_outputs = n;
	HML_TRY(HML_ARENA_NEW(model->arena, &model->output_names, n));
	for (size_t c = 0; c < n; c++)
	{
		const char *name = is_boolean ? (c == 0 ? "false" : "true") : categories->texts[c];
		char *copy;

		HML_TRY(hml_arena_strdup(model->arena, name, strlen(name), &copy));
		model->output_names[c] = copy;
	}
	return HML_OK;
}

static HmlStatus
set_task(HmlModel *model, HmlMlp *mlp, const HmlFeatureSummary *target)
{
	mlp->offset = 0.0;
	mlp->scale = 1.0;
	if (target->n_values == 0)
		return hml_fail(hml_arena_context(model->arena), HML_INVALID_DATA, "no client has a target");
	if (target->column.kind != HML_COLUMN_NUMERIC)
	{
		HML_TRY(name_classes(model, target));
		mlp->task = model->n_outputs == 2 ? HML_TASK_BINARY : HML_TASK_MULTICLASS;
		return HML_OK;
	}
	mlp->task = HML_TASK_REGRESSION;
	mlp->offset = target->mean;
	mlp->scale = sqrt(target->squares / (double) target->n_values);
	if (!(mlp->scale > 0.0))
		return hml_fail(hml_arena_context(model->arena), HML_INVALID_DATA,
						"the target has the same value in every row");
	return HML_OK;
}

/* A value of a feature as the clients' summary has them distributed. */
static double
invent_value(const HmlFeatureSummary *summary, HmlRng *rng)
{
	double u = hml_rng_uniform(rng);
	double at = u * (HML_SUMMARY_QUANTILES - 1);
	size_t i = (size_t) at;
	int64_t left = (int64_t) (u * (double) summary->n_values);
	size_t code = 0;

	if (summary->column.kind == HML_COLUMN_BOOLEAN)
		return u < summary->mean;
	if (summary->column.kind == HML_COLUMN_NUMERIC)
		return summary->quantiles[i] +
			   (at - (double) i) * (summary->quantiles[i + 1] - summary->quantiles[i]);
	while (code + 1 < summary->column.categories.count && left >= summary->counts[code])
		left -= summary->counts[code++];
	return (double) code;
}

/*
 * Explanations need rows to compare with, and no row may leave a client: these
 * are made up, each feature by itself.
 */
static HmlStatus
invent_background(HmlModel *model, const HmlSummary *summary, uint64_t seed)
{
	HmlContext *ctx = hml_arena_context(model->arena);
	size_t n_inputs = model->pipeline->n_inputs;
	double values[HML_MAX_FEATURES];
	HmlRng rng;

	hml_rng_seed(&rng, seed);
	HML_TRY(hml_arena_alloc(model->arena, HML_BACKGROUND_ROWS, n_inputs * sizeof(double),
							(void **) &model->background));
	for (size_t row = 0; row < HML_BACKGROUND_ROWS; row++)
	{
		for (size_t i = 0; i < summary->n_features; i++)
			values[i] = invent_value(&summary->features[i], &rng);
		HML_TRY(hml_pipeline_apply(model->pipeline, ctx, values, model->background + row * n_inputs, NULL));
	}
	model->n_background = HML_BACKGROUND_ROWS;
	return HML_OK;
}

static HmlStatus
begin(HmlModel *model, const HmlSummary *summary, const HmlParams *params)
{
	HmlNetwork *network;
	HmlMlp *mlp;

	if (hml_param_is_set(params, "alarm"))
		return hml_fail(hml_arena_context(model->arena), HML_UNSUPPORTED,
						"parameter \"alarm\" is not kept by the model of a federation");
	HML_TRY(HML_ARENA_NEW_ZERO(model->arena, &mlp, 1));
	HML_TRY(set_task(model, mlp, &summary->target));
	HML_TRY(hml_summary_pipeline(model->arena, summary, params, HML_SCALE_STANDARD, &model->pipeline));
	HML_TRY(hml_mlp_network(model->arena, params, model->pipeline->n_inputs, mlp->task,
							mlp->task == HML_TASK_MULTICLASS ? model->n_outputs : 1, &network));
	HML_TRY(hml_ensemble_create(model->arena, HML_ONLY_NETWORK, network, 1, &mlp->net));
	HML_TRY(hml_ensemble_init(&mlp->net, (uint64_t) hml_param_integer(params, "seed")));
	model->trained_rows = summary->n_rows;
	hml_calibration_decide(&model->calibration, mlp->task == HML_TASK_BINARY ? 0.5 : INFINITY);
	model->impl = mlp;
	HML_TRY(invent_background(model, summary, (uint64_t) hml_param_integer(params, "seed")));
	return hml_mlp_prepare(model);
}

HmlStatus
hml_fed_begin(HmlContext *ctx, const HmlSummary *summary, const HmlParams *params, HmlModel **out)
{
	HmlModel *model;
	HmlStatus status;

	*out = NULL;
	HML_TRY(hml_model_create(ctx, &hml_mlp, &model));
	status = begin(model, summary, params);
	if (status == HML_OK)
		*out = model;
	else
		hml_model_free(model);
	return status;
}

/* ---- weights -------------------------------------------------------------------------------------- */

static HmlStatus
check_algorithm(HmlContext *ctx, const HmlModel *model)
{
	if (model->algorithm == &hml_mlp)
		return HML_OK;
	return hml_fail(ctx, HML_INVALID_ARGUMENT,
					"algorithm \"%s\" cannot be trained in a federation, only \"%s\"", model->algorithm->name,
					hml_mlp.name);
}

HmlStatus
hml_fed_learnt_weights(HmlContext *ctx, const HmlModel *model, size_t *n_learnt)
{
	const HmlMlp *mlp = model->impl;

	HML_TRY(check_algorithm(ctx, model));
	*n_learnt = mlp->net.network->n_trainable;
	return HML_OK;
}

HmlStatus
hml_fed_weights(HmlContext *ctx, const HmlModel *model, const float **weights, size_t *n_weights)
{
	const HmlMlp *mlp = model->impl;

	HML_TRY(check_algorithm(ctx, model));
	*weights = mlp->net.weights[0];
	*n_weights = mlp->net.network->n_weights;
	return HML_OK;
}

HmlStatus
hml_fed_set_weights(HmlContext *ctx, HmlModel *model, const float *weights, size_t n_weights)
{
	HmlMlp *mlp = model->impl;

	HML_TRY(check_algorithm(ctx, model));
	if (n_weights != mlp->net.network->n_weights)
		return hml_fail(ctx, HML_INVALID_DATA, "%zu weights do not fit a network of %zu", n_weights,
						mlp->net.network->n_weights);
	HML_TRY(hml_network_check_weights(ctx, mlp->net.network, weights, HML_INVALID_DATA));
	memcpy(mlp->net.weights[0], weights, n_weights * sizeof(float));
	return hml_mlp_prepare(model);
}

/* ---- local rows ----------------------------------------------------------------------------------- */

typedef struct Local
{
	HmlContext *ctx;
	HmlArena *arena;
	const HmlModel *model;
	const HmlMlp *mlp;
	const HmlFrame *frame;
	HmlLabels labels;
	HmlMlpData data;
	HmlMlpRows learnt;
	HmlMlpRows held_back;
} Local;

/* The model says what the targets mean; rows whose target it does not know are left out. */
static HmlStatus
read_labels(Local *local)
{
	const HmlFrame *frame = local->frame;
	HmlLabels *labels = &local->labels;
	bool classifies = local->mlp->task != HML_TASK_REGRESSION;

	labels->task = local->mlp->task;
	labels->n_classes = classifies ? local->model->n_outputs : 0;
	labels->names = local->model->output_names;
	labels->offset = local->mlp->offset;
	labels->scale = local->mlp->scale;
	HML_TRY(HML_ARENA_NEW(local->arena, &labels->rows, frame->n_rows));
	HML_TRY(HML_ARENA_NEW(local->arena, classifies ? &labels->classes : (uint32_t **) &labels->values,
						  frame->n_rows));
	for (size_t row = 0; row < frame->n_rows; row++)
	{
		double target = hml_frame_values(frame, HML_ROLE_TARGET)[row];
		size_t n = labels->n_rows;
		size_t class = 0;

		if (!isfinite(target))
			continue;
		if (classifies && (class = hml_class_of_target(local->model, hml_frame_column(frame, HML_ROLE_TARGET),
													   target)) == labels->n_classes)
			continue;
		if (classifies)
			labels->classes[n] = (uint32_t) class;
		else
			labels->values[n] = (float) ((target - labels->offset) / labels->scale);
		labels->rows[labels->n_rows++] = (uint32_t) row;
	}
	return HML_OK;
}

static HmlStatus
split_rows(Local *local, double fraction)
{
	HmlHoldoutSpec spec = {.fraction = fraction,
						   .rows = local->labels.rows,
						   .n_rows = local->labels.n_rows,
						   .strata = local->labels.classes,
						   .n_strata = local->labels.n_classes,
						   .seed = HOLDOUT_SEED};
	HmlHoldout holdout;

	HML_TRY(hml_holdout(local->arena, &spec, &holdout));
	local->learnt = (HmlMlpRows){&local->data, holdout.learnt, holdout.n_learnt};
	local->held_back = (HmlMlpRows){&local->data, holdout.held_out, holdout.n_held_out};
	return HML_OK;
}

static HmlStatus
check_frame(HmlContext *ctx, const HmlModel *model, const HmlFrame *frame)
{
	const HmlPipeline *pipeline = model->pipeline;

	if (!hml_frame_has(frame, HML_ROLE_TARGET))
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "a federated client needs a target column");
	for (size_t i = 0; i < pipeline->n_features; i++)
		if (i >= frame->n_columns || strcmp(frame->columns[i].name, pipeline->features[i].column.name) != 0)
			return hml_fail(ctx, HML_INVALID_DATA,
							"the local rows lack feature \"%s\" of the federation's model",
							pipeline->features[i].column.name);
	return HML_OK;
}

static HmlStatus
prepare(Local *local, double holdout)
{
	HML_TRY(check_algorithm(local->ctx, local->model));
	HML_TRY(check_frame(local->ctx, local->model, local->frame));
	local->mlp = local->model->impl;
	HML_TRY(read_labels(local));
	if (local->labels.n_rows == 0)
		return hml_fail(local->ctx, HML_INVALID_DATA,
						"no local row has a target that the federation's model knows");
	HML_TRY(hml_mlp_data_create(local->arena, local->frame, local->model->pipeline, &local->labels,
								&local->data));
	return split_rows(local, holdout);
}

/* ---- local training ------------------------------------------------------------------------------- */

static HmlStatus
train_local(Local *local, const HmlFedOptions *options, float *weights, int64_t *samples, double *loss)
{
	HmlTrainOptions training = hml_default_train_options();
	HmlDataset dataset;
	HmlTrainResult result;

	HML_TRY(prepare(local, options->holdout));
	training.loss = local->mlp->task == HML_TASK_BINARY       ? HML_LOSS_BCE_WITH_LOGITS
					: local->mlp->task == HML_TASK_MULTICLASS ? HML_LOSS_CROSS_ENTROPY
															  : HML_LOSS_MSE;
	training.epochs = options->epochs;
	training.batch_size = options->batch_size;
	training.schedule.learning_rate = options->learning_rate;
	training.proximal = options->proximal;
	training.seed = options->seed;
	dataset = hml_mlp_dataset(&local->learnt);
	memcpy(weights, local->mlp->net.weights[0], local->mlp->net.network->n_weights * sizeof(float));
	HML_TRY(
		hml_train_network(local->ctx, local->mlp->net.network, &training, &dataset, NULL, weights, &result));
	*samples = (int64_t) local->learnt.n_rows;
	*loss = result.loss;
	return HML_OK;
}

HmlStatus
hml_fed_train(HmlContext *ctx, const HmlModel *global, const HmlFrame *frame, const HmlFedOptions *options,
			  float *weights, int64_t *samples, double *loss)
{
	Local local = {.ctx = ctx, .model = global, .frame = frame};
	HmlStatus status;

	HML_TRY(hml_arena_create(ctx, &local.arena));
	status = train_local(&local, options, weights, samples, loss);
	hml_arena_free(local.arena);
	return status;
}

/* ---- evaluation ----------------------------------------------------------------------------------- */

static size_t
bin_of(double score)
{
	double bin = score * HML_FED_BINS;

	return bin < 0.0 ? 0 : bin >= HML_FED_BINS ? HML_FED_BINS - 1 : (size_t) bin;
}

static double
log_loss_of(double probability)
{
	return -log(fmax(probability, LEAST_PROBABILITY));
}

static void
tally_class(const Local *local, size_t row, const float *output, HmlFedTally *tally)
{
	uint32_t actual = local->labels.classes[row];
	uint32_t predicted = 0;

	if (local->mlp->task == HML_TASK_BINARY)
	{
		double score = (double) output[0];

		predicted = score > local->model->calibration.threshold;
		tally->loss += log_loss_of(actual == 1 ? score : 1.0 - score);
		tally->bins[actual][bin_of(score)]++;
	}
	else
	{
		for (uint32_t c = 1; c < local->data.n_outputs; c++)
			if (output[c] > output[predicted])
				predicted = c;
		tally->loss += log_loss_of((double) output[actual]);
	}
	tally->correct += predicted == actual;
}

static void
tally_value(const Local *local, size_t row, const float *output, HmlFedTally *tally)
{
	double actual = hml_frame_values(local->frame, HML_ROLE_TARGET)[local->labels.rows[row]];
	double error = (double) output[0] * local->mlp->scale + local->mlp->offset - actual;

	tally->loss += error * error;
	tally->absolute_error += fabs(error);
	tally->target_sum += actual;
	tally->target_squares += actual * actual;
}

static HmlStatus
tally_rows(const Local *local, HmlPass *pass, float *block, HmlFedTally *tally)
{
	const HmlMlpRows *rows = &local->held_back;
	size_t n_inputs = local->data.n_inputs;

	for (size_t first = 0; first < rows->n_rows; first += BLOCK_ROWS)
	{
		size_t n = rows->n_rows - first < BLOCK_ROWS ? rows->n_rows - first : BLOCK_ROWS;
		const float *inputs[1] = {block};

		for (size_t i = 0; i < n; i++)
			memcpy(block + i * n_inputs, local->data.inputs + rows->rows[first + i] * n_inputs,
				   n_inputs * sizeof(float));
		HML_TRY(hml_pass_forward(pass, local->mlp->net.weights[0], inputs, n));
		for (size_t i = 0; i < n; i++)
		{
			const float *output = hml_pass_output(pass) + i * local->data.n_outputs;

			if (local->mlp->task == HML_TASK_REGRESSION)
				tally_value(local, rows->rows[first + i], output, tally);
			else
				tally_class(local, rows->rows[first + i], output, tally);
			tally->rows++;
		}
	}
	return HML_OK;
}

static HmlStatus
evaluate_local(Local *local, const HmlFedOptions *options, HmlFedTally *tally)
{
	HmlPassOptions pass_options = {.batch = BLOCK_ROWS};
	HmlPass *pass;
	float *block;
	HmlStatus status;

	HML_TRY(prepare(local, options->holdout));
	HML_TRY(HML_ARENA_NEW(local->arena, &block, BLOCK_ROWS * local->data.n_inputs));
	pass_options.loss_node = local->mlp->net.network->output;
	HML_TRY(hml_pass_create(local->ctx, local->mlp->net.network, &pass_options, &pass));
	status = tally_rows(local, pass, block, tally);
	hml_pass_free(pass);
	return status;
}

HmlStatus
hml_fed_evaluate(HmlContext *ctx, const HmlModel *model, const HmlFrame *frame, const HmlFedOptions *options,
				 HmlFedTally *tally)
{
	Local local = {.ctx = ctx, .model = model, .frame = frame};
	HmlStatus status;

	memset(tally, 0, sizeof(*tally));
	HML_TRY(hml_arena_create(ctx, &local.arena));
	status = evaluate_local(&local, options, tally);
	hml_arena_free(local.arena);
	return status;
}
