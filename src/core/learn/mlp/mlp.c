/*
 * mlp.c
 *	  The algorithm "mlp": parameters, network, outputs, gradient, artifact.  Its
 *	  training is in mlp_train.c.
 *
 * Section of the artifact: u8 task, f64 offset, f64 scale, then the network.
 */
#include "core/learn/mlp/mlp.h"

#include <math.h>
#include <string.h>

#include "core/nn/graph/architectures.h"
#include "core/learn/network/integrated_gradients.h"
#include "core/learn/network/train_params.h"
#include "core/model/verdict.h"

#define MAX_LAYER_UNITS 65536

static const HmlParamSpec params[] = {
	{"hidden_layers", HML_PARAM_INTEGERS, "[64, 32, 16]", 1, MAX_LAYER_UNITS, NULL,
	 "Units of each hidden layer; an empty array is a linear model."},
	{"activation", HML_PARAM_TEXT, "\"relu\"", 0, 0, "relu|leaky_relu|silu|gelu|sigmoid|tanh",
	 "Activation after each hidden layer."},
	{"dropout", HML_PARAM_NUMBER, "0.3", 0, 0.95, NULL,
	 "Share of each hidden layer's units dropped in training."},
	{"network", HML_PARAM_OBJECT, "null", 0, 0, NULL,
	 "A network specification in place of hidden_layers, activation and dropout."},
	{"loss", HML_PARAM_TEXT, "\"mse\"", 0, 0, "mse|mae|huber",
	 "Loss of a regressor; classifiers use cross-entropy."},
	HML_TRAIN_PARAMS,
	{"refit", HML_PARAM_BOOLEAN, "null", 0, 0, NULL,
	 "Whether to train again on all rows after the held-out rows were used for metrics and threshold, which "
	 "are kept; by default if there are fewer than 10000 rows."},
	{"class_weight", HML_PARAM_OBJECT, "null", 0, 0, "balanced",
	 "Weight of each class, by its name; balanced gives all classes the same total weight. Probabilities are "
	 "brought back to the frequencies of the training rows."},
	{"threshold", HML_PARAM_NUMBER_OR_CHOICE, "\"youden\"", 0, 1, "youden|f1",
	 "Probability above which a row is called positive: a number, or the one nearest to 0.5 whose "
	 "sensitivity + specificity, or F1, on the validation rows is within one standard error of the "
	 "greatest."},
	{"task", HML_PARAM_TEXT, "\"auto\"", 0, 0, "auto|classification|regression",
	 "What the target is: classes, or values. By default texts, booleans and numbers that are all 0 or 1 are "
	 "classes, other numbers values."},
	{"positive", HML_PARAM_TEXT, "null", 0, 0, NULL,
	 "The class whose probability is the score when there are two; by default true, 1, or the last in "
	 "alphabetical order."},
	{0}};

/* ---- network -------------------------------------------------------------------------------------- */

static const char *
last_op(HmlTask task)
{
	if (task == HML_TASK_REGRESSION)
		return NULL;
	return task == HML_TASK_BINARY ? "sigmoid" : "softmax";
}

static HmlStatus
build_default(HmlArena *arena, const HmlParams *given, size_t n_inputs, HmlTask task, size_t n_outputs,
			  HmlNetwork **out)
{
	HmlMlpSpec mlp = {.n_inputs = n_inputs,
					  .activation = hml_param_text(given, "activation"),
					  .dropout = hml_param_number(given, "dropout"),
					  .n_outputs = n_outputs,
					  .last = last_op(task)};
	HmlText text;

	HML_TRY(hml_param_sizes(arena, given, "hidden_layers", &mlp.hidden, &mlp.n_hidden));
	hml_text_init(&text, hml_arena_context(arena));
	hml_spec_mlp(&text, &mlp);
	return hml_network_parse_text(arena, &text, out);
}

/* A network that was given must take the inputs and end as the task needs it. */
static HmlStatus
check_network(HmlContext *ctx, const HmlNetwork *network, size_t n_inputs, HmlTask task, size_t n_outputs)
{
	const HmlNode *output = &network->nodes[network->output];
	const char *last = last_op(task);

	if (network->n_inputs != 1 || hml_shape_size(&network->nodes[0].shape) != n_inputs)
	{
		hml_fail(ctx, HML_INVALID_ARGUMENT,
				 "network takes %zu inputs of %zu numbers, but the features give one of %zu",
				 network->n_inputs, hml_shape_size(&network->nodes[0].shape), n_inputs);
		return hml_hint(
			ctx, "A text feature is one number for each of its categories unless \"encode\" is \"ordinal\".");
	}
	if (hml_shape_size(&output->shape) != n_outputs)
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "network has %zu outputs, but the target needs %zu",
						hml_shape_size(&output->shape), n_outputs);
	if (last != NULL && (output->op == NULL || strcmp(output->op->name, last) != 0))
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "network must end in \"%s\" to classify", last);
	return HML_OK;
}

HmlStatus
hml_mlp_network(HmlArena *arena, const HmlParams *given, size_t n_inputs, HmlTask task, size_t n_outputs,
				HmlNetwork **out)
{
	if (!hml_param_is_set(given, "network"))
		return build_default(arena, given, n_inputs, task, n_outputs, out);
	HML_TRY(hml_network_build(arena, hml_param_json(given, "network"), out));
	return check_network(hml_arena_context(arena), *out, n_inputs, task, n_outputs);
}

/* ---- training ------------------------------------------------------------------------------------- */

static HmlStatus
make_mlp(const HmlParams *given, const HmlLabels *labels, HmlModel *model)
{
	HmlNetwork *network;
	HmlMlp *mlp;

	HML_TRY(HML_ARENA_NEW_ZERO(model->arena, &mlp, 1));
	mlp->task = labels->task;
	mlp->offset = labels->offset;
	mlp->scale = labels->scale;
	HML_TRY(hml_mlp_network(model->arena, given, model->pipeline->n_inputs, labels->task,
							labels->task == HML_TASK_MULTICLASS ? labels->n_classes : 1, &network));
	model->impl = mlp;
	return hml_ensemble_create(model->arena, HML_ONLY_NETWORK, network, 1, &mlp->net);
}

static HmlStatus
train_on(HmlContext *ctx, HmlArena *arena, const HmlTraining *training, HmlModel *model)
{
	HmlLabels labels;

	HML_TRY(hml_labels_read(arena, training->frame, training->params, &labels));
	if (labels.task != HML_TASK_REGRESSION)
		HML_TRY(hml_model_name_classes(model, labels.names, labels.n_classes, training->params));
	else if (hml_param_is_set(training->params, "alarm"))
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "parameter \"alarm\" is for classifiers");
	model->trained_rows = (int64_t) labels.n_rows;
	HML_TRY(hml_pipeline_fit(model->arena, training->frame, labels.rows, labels.n_rows, training->params,
							 HML_SCALE_STANDARD, &model->pipeline));
	HML_TRY(make_mlp(training->params, &labels, model));
	return hml_mlp_fit(ctx, training, &labels, model);
}

static HmlStatus
train(HmlContext *ctx, const HmlTraining *training, HmlModel *model)
{
	HmlArena *arena;
	HmlStatus status;

	HML_TRY(hml_arena_create(ctx, &arena));
	status = train_on(ctx, arena, training, model);
	hml_arena_free(arena);
	return status;
}

/* ---- outputs -------------------------------------------------------------------------------------- */

HmlStatus
hml_mlp_prepare(HmlModel *model)
{
	HmlMlp *mlp = model->impl;

	return hml_ensemble_prepare(model->arena, &mlp->net);
}

static size_t
scratch_size(const HmlModel *model)
{
	return hml_ensemble_scratch_size(&((const HmlMlp *) model->impl)->net);
}

/* Where the outputs of the network go. */
typedef struct Results
{
	const HmlModel *model;
	double *values;
} Results;

/* The value, or the probability of each class; of two classes the network gives that of the positive one. */
static void
take_outputs(void *user, const HmlMemberOutputs *given)
{
	const Results *results = user;
	const HmlMlp *mlp = results->model->impl;
	double *values = results->values + given->first * results->model->n_outputs;

	if (mlp->task == HML_TASK_BINARY)
		for (size_t row = 0; row < given->n; row++)
		{
			values[2 * row] = 1.0 - (double) given->outputs[row];
			values[2 * row + 1] = (double) given->outputs[row];
		}
	else
		for (size_t i = 0; i < given->n * results->model->n_outputs; i++)
			values[i] = (double) given->outputs[i] * mlp->scale + mlp->offset;
}

static HmlStatus
outputs(const HmlModel *model, HmlContext *ctx, void *scratch, const HmlSamples *samples, double *values)
{
	const HmlMlp *mlp = model->impl;
	Results results = {model, values};

	return hml_ensemble_run_rows(&mlp->net, model->pipeline, ctx, scratch, samples->rows, samples->n,
								 take_outputs, &results);
}

/* ---- gradient -------------------------------------------------------------------------------------- */

/* Whether an output is part of the score: of several classes those that raise an alarm, else the most likely one. */
static bool
is_explained(const HmlModel *model, const HmlGradientPoint *point, size_t output)
{
	const HmlMlp *mlp = model->impl;

	if (mlp->task == HML_TASK_MULTICLASS && hml_has_risk(model))
		return hml_is_alarm_class(model, output);
	for (size_t c = 0; c < hml_ensemble_outputs(&mlp->net); c++)
		if (point->explained[0][c] > point->explained[0][output] ||
			(c < output && point->explained[0][c] == point->explained[0][output]))
			return false;
	return true;
}

static double
score_at(const void *user, const HmlGradientPoint *point)
{
	const HmlModel *model = user;
	const HmlMlp *mlp = model->impl;
	double sum = mlp->offset;

	for (size_t c = 0; c < hml_ensemble_outputs(&mlp->net); c++)
		if (is_explained(model, point, c))
			sum += (double) point->outputs[0][c] * mlp->scale;
	return sum;
}

static void
derive(const void *user, const HmlGradientPoint *point, double *const *by_outputs, double *const *by_inputs)
{
	const HmlModel *model = user;
	const HmlMlp *mlp = model->impl;

	(void) by_inputs;
	for (size_t c = 0; c < hml_ensemble_outputs(&mlp->net); c++)
		if (is_explained(model, point, c))
			by_outputs[0][c] = mlp->scale;
}

static HmlStatus
gradient(HmlArena *arena, const HmlModel *model, const double *inputs, double *contributions,
		 HmlGradientSpec *out)
{
	const HmlMlp *mlp = model->impl;

	out->user = model;
	out->score = score_at;
	out->derive = derive;
	return hml_gradient_of_row(arena, model, &mlp->net, inputs, contributions, out);
}

/* ---- artifact ------------------------------------------------------------------------------------- */

static void
write_mlp(const HmlModel *model, HmlWriter *writer)
{
	const HmlMlp *mlp = model->impl;

	hml_write_u8(writer, (uint8_t) mlp->task);
	hml_write_f64(writer, mlp->offset);
	hml_write_f64(writer, mlp->scale);
	hml_ensemble_write(&mlp->net, writer);
}

/* The outputs of the model must be what its task and network say. */
static HmlStatus
check_mlp(const HmlModel *model, const HmlMlp *mlp, HmlReader *reader)
{
	bool named = model->output_names != NULL;
	size_t width = mlp->task == HML_TASK_MULTICLASS ? model->n_outputs : 1;
	bool fits =
		mlp->task == HML_TASK_REGRESSION
			? model->n_outputs == 1 && !named
			: named && model->n_outputs >= 2 && (mlp->task != HML_TASK_BINARY || model->n_outputs == 2);

	if (!fits || !isfinite(mlp->offset) || !isfinite(mlp->scale) || !(mlp->scale > 0.0))
		return hml_fail(reader->ctx, HML_CORRUPT, "%s contradicts its outputs", reader->what);
	if (check_network(reader->ctx, mlp->net.network, model->pipeline->n_inputs, mlp->task, width) != HML_OK)
	{
		reader->ctx->status = HML_CORRUPT;
		return HML_CORRUPT;
	}
	return HML_OK;
}

static HmlStatus
read_mlp(HmlModel *model, HmlReader *reader)
{
	HmlMlp *mlp;
	uint8_t task;

	HML_TRY(HML_ARENA_NEW_ZERO(model->arena, &mlp, 1));
	HML_TRY(hml_read_u8(reader, &task));
	if (task < HML_TASK_BINARY || task > HML_TASK_REGRESSION)
		return hml_fail(reader->ctx, HML_CORRUPT, "%s has the unknown task %u", reader->what, task);
	mlp->task = (HmlTask) task;
	HML_TRY(hml_read_f64(reader, &mlp->offset));
	HML_TRY(hml_read_f64(reader, &mlp->scale));
	HML_TRY(hml_ensemble_read(model->arena, reader, HML_ONLY_NETWORK, &mlp->net));
	HML_TRY(check_mlp(model, mlp, reader));
	model->impl = mlp;
	return hml_mlp_prepare(model);
}

static const HmlEnsemble *
network(const HmlModel *model, size_t number)
{
	return number == 0 ? &((const HmlMlp *) model->impl)->net : NULL;
}

const HmlAlgorithm hml_mlp = {
	.name = "mlp",
	.task = "classification",
	.help = "A neural network of dense layers that classifies rows or predicts a value.",
	.target_use = HML_TARGET_LEARNT,
	.params = params,
	.train = train,
	.write = write_mlp,
	.read = read_mlp,
	.scratch_size = scratch_size,
	.outputs = outputs,
	.network = network,
	.gradient = gradient,
	.export_onnx = hml_mlp_export_onnx,
};
