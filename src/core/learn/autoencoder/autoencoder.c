/*
 * autoencoder.c
 *	  Anomaly detection by reconstruction error.
 *
 * M. Sakurada and T. Yairi, Anomaly detection using autoencoders with nonlinear
 * dimensionality reduction, MLSDA 2014; noise on the inputs in training as in P.
 * Vincent et al., Extracting and composing robust features with denoising
 * autoencoders, ICML 2008.
 *
 * Section of the artifact: f64 half error, the network, f32 precision of each
 * input.  What a fit allocates lies in one arena that ends with it.
 */
#include "core/learn/autoencoder/autoencoder.h"

#include <math.h>
#include <string.h>

#include "core/model/anomaly.h"
#include "core/model/background.h"
#include "core/nn/graph/architectures.h"
#include "core/learn/network/holdout.h"
#include "core/learn/network/inputs.h"
#include "core/learn/network/integrated_gradients.h"
#include "core/learn/network/train_params.h"
#include "core/stats/quantile.h"

#define MAX_LAYER_UNITS 65536
#define AUTO_THRESHOLD 0.5     /* the score of half_error */
#define HALF_QUANTILE 0.95     /* of the errors in training, is half_error */
#define SPLIT_STREAM 1         /* of the seed */
#define SMALLEST_VARIANCE 1e-3 /* of a difference, in units of the input's: better is not measured */

static const HmlParamSpec params[] = {
	{"hidden_layers", HML_PARAM_INTEGERS, "[64, 32]", 1, MAX_LAYER_UNITS, NULL,
	 "Units of each layer before the bottleneck; the layers after it mirror them."},
	{"bottleneck", HML_PARAM_NUMBER_OR_CHOICE, "\"auto\"", 1, MAX_LAYER_UNITS, "auto",
	 "Units of the narrowest layer; auto is half the number of inputs."},
	{"activation", HML_PARAM_TEXT, "\"tanh\"", 0, 0, "relu|leaky_relu|silu|gelu|sigmoid|tanh",
	 "Activation after each hidden layer."},
	{"noise", HML_PARAM_NUMBER, "0.3", 0, 10, NULL,
	 "Standard deviation of the noise added to the scaled inputs in training."},
	{"network", HML_PARAM_OBJECT, "null", 0, 0, NULL,
	 "A network specification in place of hidden_layers, bottleneck and activation."},
	HML_TRAIN_PARAMS,
	{0}};

/* ---- network --------------------------------------------------------------------------------------- */

static size_t
bottleneck_of(const HmlParams *given, size_t n_inputs)
{
	if (!hml_param_is_choice(given, "bottleneck", "auto"))
		return (size_t) hml_param_number(given, "bottleneck");
	return n_inputs > 1 ? n_inputs / 2 : 1;
}

static HmlStatus
build_default(HmlArena *arena, const HmlParams *given, size_t n_inputs, HmlNetwork **out)
{
	HmlAutoencoderSpec shape = {.n_inputs = n_inputs,
								.bottleneck = bottleneck_of(given, n_inputs),
								.activation = hml_param_text(given, "activation")};
	HmlText text;

	HML_TRY(hml_param_sizes(arena, given, "hidden_layers", &shape.hidden, &shape.n_hidden));
	hml_text_init(&text, hml_arena_context(arena));
	hml_spec_autoencoder(&text, &shape);
	return hml_network_parse_text(arena, &text, out);
}

static HmlStatus
check_network(HmlContext *ctx, const HmlNetwork *network, size_t n_inputs)
{
	size_t in = hml_shape_size(&network->nodes[0].shape);
	size_t out = hml_shape_size(&network->nodes[network->output].shape);

	if (network->n_inputs == 1 && in == n_inputs && out == n_inputs)
		return HML_OK;
	return hml_fail(ctx, HML_INVALID_ARGUMENT,
					"network must have one input and one output of %zu numbers each, not %zu and %zu",
					n_inputs, in, out);
}

static HmlStatus
make_network(HmlArena *arena, const HmlParams *given, size_t n_inputs, HmlNetwork **out)
{
	if (!hml_param_is_set(given, "network"))
		return build_default(arena, given, n_inputs, out);
	HML_TRY(hml_network_build(arena, hml_param_json(given, "network"), out));
	return check_network(hml_arena_context(arena), *out, n_inputs);
}

/* ---- data ------------------------------------------------------------------------------------------ */

/* Some rows, by their position among those of the fit, as a dataset whose targets are its inputs. */
typedef struct Rows
{
	const float *inputs; /* of all rows of the fit */
	size_t n_inputs;
	uint32_t *rows;
	size_t n_rows;
	double noise;
} Rows;

static HmlStatus
fill_batch(void *user, HmlContext *ctx, const HmlBatch *batch, HmlRng *rng)
{
	const Rows *data = user;
	size_t size = batch->n * data->n_inputs;

	(void) ctx;
	for (size_t i = 0; i < batch->n; i++)
		memcpy(batch->targets + i * data->n_inputs,
			   data->inputs + data->rows[batch->rows[i]] * data->n_inputs, data->n_inputs * sizeof(float));
	memcpy(batch->inputs[0], batch->targets, size * sizeof(float));
	if (rng != NULL && data->noise > 0)
		for (size_t i = 0; i < size; i++)
			batch->inputs[0][i] += (float) (data->noise * hml_rng_normal(rng));
	return HML_OK;
}

static HmlDataset
dataset_of(Rows *rows)
{
	HmlDataset dataset = {.n_rows = rows->n_rows, .fill = fill_batch, .user = rows};

	return dataset;
}

/* ---- errors ---------------------------------------------------------------------------------------- */

double
hml_autoencoder_error(const HmlModel *model, const float *input, const float *output)
{
	const HmlAutoencoder *autoencoder = model->impl;
	size_t n_inputs = model->pipeline->n_inputs;
	double sum = 0;

	for (size_t j = 0; j < n_inputs; j++)
	{
		double difference = (double) input[j] - (double) output[j];

		sum += (double) autoencoder->precision[j] * difference * difference;
	}
	return sum / (double) n_inputs;
}

static size_t
scratch_size(const HmlModel *model)
{
	return hml_ensemble_scratch_size(&((const HmlAutoencoder *) model->impl)->net);
}

typedef struct Scores
{
	const HmlModel *model;
	double *values;
} Scores;

static void
take_scores(void *user, const HmlMemberOutputs *outputs)
{
	const Scores *scores = user;
	const HmlAutoencoder *autoencoder = scores->model->impl;
	size_t n_inputs = scores->model->pipeline->n_inputs;

	for (size_t i = 0; i < outputs->n; i++)
	{
		double error = hml_autoencoder_error(scores->model, outputs->inputs + i * n_inputs,
											 outputs->outputs + i * n_inputs);

		scores->values[outputs->first + i] = isfinite(error) ? error / (error + autoencoder->half_error) : 1;
	}
}

static HmlStatus
outputs(const HmlModel *model, HmlContext *ctx, void *scratch, const HmlSamples *samples, double *values)
{
	const HmlAutoencoder *autoencoder = model->impl;
	Scores scores = {model, values};

	return hml_ensemble_run_rows(&autoencoder->net, model->pipeline, ctx, scratch, samples->rows, samples->n,
								 take_scores, &scores);
}

/* ---- training -------------------------------------------------------------------------------------- */

typedef struct Fit
{
	HmlContext *ctx;
	HmlArena *arena;
	const HmlTraining *training;
	HmlModel *model;
	HmlAutoencoder *autoencoder;
	const uint32_t *rows; /* of the frame, to fit on */
	size_t n_rows;
	size_t n_inputs;
	float *inputs; /* (n_rows, n_inputs) */
	Rows learnt;
	Rows held_out;
} Fit;

static HmlStatus
split_rows(Fit *fit)
{
	const HmlParams *given = fit->training->params;
	HmlHoldoutSpec spec = {.fraction = hml_param_number(fit->training->params, "validation_fraction"),
						   .frame = fit->training->frame,
						   .rows = fit->rows,
						   .n_rows = fit->n_rows,
						   .seed = (uint64_t) hml_param_integer(given, "seed") + SPLIT_STREAM};
	HmlHoldout holdout;

	HML_TRY(hml_holdout(fit->arena, &spec, &holdout));
	fit->learnt = (Rows){.inputs = fit->inputs,
						 .n_inputs = fit->n_inputs,
						 .rows = holdout.learnt,
						 .n_rows = holdout.n_learnt,
						 .noise = hml_param_number(given, "noise")};
	fit->held_out = (Rows){.inputs = fit->inputs,
						   .n_inputs = fit->n_inputs,
						   .rows = holdout.held_out,
						   .n_rows = holdout.n_held_out};
	return HML_OK;
}

static HmlStatus
run_training(Fit *fit, HmlTrainResult *result)
{
	HmlTrainOptions options = hml_train_options(fit->training);
	HmlDataset training = dataset_of(&fit->learnt);
	HmlDataset validation = dataset_of(&fit->held_out);

	options.loss = HML_LOSS_MSE;
	return hml_ensemble_train(fit->ctx, &fit->autoencoder->net, &options, &training,
							  validation.n_rows > 0 ? &validation : NULL, result);
}

typedef struct Reconstruction
{
	size_t n_inputs;
	float *outputs; /* (n_rows, n_inputs) */
} Reconstruction;

static void
take_reconstruction(void *user, const HmlMemberOutputs *given)
{
	const Reconstruction *all = user;

	memcpy(all->outputs + given->first * all->n_inputs, given->outputs,
		   given->n * all->n_inputs * sizeof(float));
}

/* Outputs of the network for all rows of the fit, (n_rows, n_inputs). */
static HmlStatus
reconstruct_all(const Fit *fit, float **outputs)
{
	const HmlEnsemble *net = &fit->autoencoder->net;
	Reconstruction all = {.n_inputs = fit->n_inputs};
	void *scratch;

	HML_TRY(hml_arena_alloc(fit->arena, fit->n_rows, fit->n_inputs * sizeof(float), (void **) &all.outputs));
	HML_TRY(hml_arena_alloc(fit->arena, 1, hml_ensemble_scratch_size(net), &scratch));
	*outputs = all.outputs;
	return hml_ensemble_run_tensors(net, fit->ctx, scratch, fit->inputs, fit->n_rows, take_reconstruction,
									&all);
}

/* Precision of each input, and the error that is half way to 1. */
static HmlStatus
measure_errors(Fit *fit)
{
	HmlAutoencoder *autoencoder = fit->autoencoder;
	HmlCalibration errors;
	double *values;
	float *outputs;

	HML_TRY(reconstruct_all(fit, &outputs));
	for (size_t j = 0; j < fit->n_inputs; j++)
	{
		double sum = 0;

		for (size_t i = 0; i < fit->n_rows; i++)
		{
			double difference =
				(double) fit->inputs[i * fit->n_inputs + j] - (double) outputs[i * fit->n_inputs + j];

			sum += difference * difference;
		}
		autoencoder->precision[j] = (float) (1 / fmax(sum / (double) fit->n_rows, SMALLEST_VARIANCE));
	}
	HML_TRY(HML_ARENA_NEW(fit->arena, &values, fit->n_rows));
	for (size_t i = 0; i < fit->n_rows; i++)
		values[i] =
			hml_autoencoder_error(fit->model, fit->inputs + i * fit->n_inputs, outputs + i * fit->n_inputs);
	HML_TRY(hml_calibration_fit(fit->arena, values, fit->n_rows, &errors));
	autoencoder->half_error = fmax(hml_quantile(errors.scores, errors.n_scores, HALF_QUANTILE), 1e-12);
	return HML_OK;
}

/* The pipeline, and a network to train. */
static HmlStatus
begin(Fit *fit)
{
	const HmlParams *given = fit->training->params;
	HmlModel *model = fit->model;
	HmlAutoencoder *autoencoder;
	HmlNetwork *network;

	HML_TRY(hml_pipeline_fit(model->arena, fit->training->frame, fit->rows, fit->n_rows, given,
							 HML_SCALE_STANDARD, &model->pipeline));
	HML_TRY(HML_ARENA_NEW_ZERO(model->arena, &autoencoder, 1));
	fit->autoencoder = autoencoder;
	fit->n_inputs = model->pipeline->n_inputs;
	HML_TRY(make_network(model->arena, given, fit->n_inputs, &network));
	HML_TRY(HML_ARENA_NEW(model->arena, &autoencoder->precision, fit->n_inputs));
	model->impl = autoencoder;
	return hml_ensemble_create(model->arena, HML_ONLY_NETWORK, network, 1, &autoencoder->net);
}

static HmlStatus
fit_model(Fit *fit)
{
	HmlModel *model = fit->model;
	HmlTrainResult result;

	HML_TRY(begin(fit));
	HML_TRY(hml_network_inputs(fit->arena, model->pipeline, fit->training->frame, fit->rows, fit->n_rows,
							   &fit->inputs));
	HML_TRY(split_rows(fit));
	HML_TRY(run_training(fit, &result));
	HML_TRY(hml_ensemble_prepare(model->arena, &fit->autoencoder->net));
	HML_TRY(measure_errors(fit));
	hml_train_report(fit->training, &result, fit->held_out.n_rows);
	HML_TRY(hml_background_keep(model, fit->inputs, NULL, fit->n_rows,
								(uint64_t) hml_param_integer(fit->training->params, "seed")));
	return hml_anomaly_calibrate(fit->ctx, fit->training, model, fit->rows, fit->n_rows, AUTO_THRESHOLD);
}

static HmlStatus
fit_rows(HmlArena *arena, const HmlTraining *training, HmlModel *model, const uint32_t *rows, size_t n_rows)
{
	Fit fit = {.ctx = hml_arena_context(arena),
			   .arena = arena,
			   .training = training,
			   .model = model,
			   .rows = rows,
			   .n_rows = n_rows};

	return fit_model(&fit);
}

static HmlStatus
train(HmlContext *ctx, const HmlTraining *training, HmlModel *model)
{
	return hml_anomaly_train(ctx, training, model, fit_rows);
}

/* ---- explanation ----------------------------------------------------------------------------------- */

static void
share_error(const HmlModel *model, const float *input, const float *output, double *share)
{
	const HmlAutoencoder *autoencoder = model->impl;
	const HmlPipeline *pipeline = model->pipeline;
	double total = hml_autoencoder_error(model, input, output) * (double) pipeline->n_inputs;

	for (size_t f = 0; f < pipeline->n_features; f++)
	{
		size_t first = pipeline->features[f].first_input;
		size_t n = pipeline->features[f].n_inputs;

		share[f] = 0;
		for (size_t j = first; j < first + n; j++)
		{
			double difference = (double) input[j] - (double) output[j];

			share[f] += (double) autoencoder->precision[j] * difference * difference;
		}
		share[f] = total > 0 ? share[f] / total : 0;
	}
}

typedef struct Explanation
{
	const HmlModel *model;
	double *reconstruction;
	double *share;
} Explanation;

static void
take_explanation(void *user, const HmlMemberOutputs *outputs)
{
	const Explanation *explanation = user;

	for (size_t j = 0; j < explanation->model->pipeline->n_inputs; j++)
		explanation->reconstruction[j] = (double) outputs->outputs[j];
	share_error(explanation->model, outputs->inputs, outputs->outputs, explanation->share);
}

HmlStatus
hml_autoencoder_explain(const HmlModel *model, HmlContext *ctx, const double *inputs, double *reconstruction,
						double *share)
{
	const HmlAutoencoder *autoencoder = model->impl;
	Explanation explanation = {model, reconstruction, share};
	void *scratch;
	HmlStatus status;

	HML_TRY(hml_alloc(ctx, 1, scratch_size(model), &scratch));
	status = hml_ensemble_run_rows(&autoencoder->net, model->pipeline, ctx, scratch, inputs, 1,
								   take_explanation, &explanation);
	hml_free(ctx, scratch);
	return status;
}

/* The score is error / (error + half_error), where the error is one of inputs and outputs. */
static double
score_at(const void *user, const HmlGradientPoint *point)
{
	const HmlModel *model = user;
	const HmlAutoencoder *autoencoder = model->impl;
	double error = hml_autoencoder_error(model, point->inputs[0], point->outputs[0]);

	return error / (error + autoencoder->half_error);
}

static void
derive(const void *user, const HmlGradientPoint *point, double *const *by_outputs, double *const *by_inputs)
{
	const HmlModel *model = user;
	const HmlAutoencoder *autoencoder = model->impl;
	size_t n_inputs = model->pipeline->n_inputs;
	double sum = hml_autoencoder_error(model, point->inputs[0], point->outputs[0]) + autoencoder->half_error;
	double by_error = autoencoder->half_error / (sum * sum);

	for (size_t i = 0; i < n_inputs; i++)
	{
		double difference = (double) point->inputs[0][i] - (double) point->outputs[0][i];
		double by_difference =
			by_error * 2.0 * (double) autoencoder->precision[i] * difference / (double) n_inputs;

		by_outputs[0][i] = -by_difference;
		by_inputs[0][i] += by_difference;
	}
}

static HmlStatus
gradient(HmlArena *arena, const HmlModel *model, const double *inputs, double *contributions,
		 HmlGradientSpec *out)
{
	const HmlAutoencoder *autoencoder = model->impl;

	out->user = model;
	out->score = score_at;
	out->derive = derive;
	return hml_gradient_of_row(arena, model, &autoencoder->net, inputs, contributions, out);
}

/* ---- artifact -------------------------------------------------------------------------------------- */

static void
write_autoencoder(const HmlModel *model, HmlWriter *writer)
{
	const HmlAutoencoder *autoencoder = model->impl;

	hml_write_f64(writer, autoencoder->half_error);
	hml_ensemble_write(&autoencoder->net, writer);
	hml_write_f32_array(writer, autoencoder->precision, model->pipeline->n_inputs);
}

static HmlStatus
check_autoencoder(const HmlModel *model, const HmlAutoencoder *autoencoder, HmlReader *reader)
{
	bool fits = model->n_outputs == 1 && model->output_names == NULL && isfinite(autoencoder->half_error) &&
				autoencoder->half_error > 0;

	for (size_t j = 0; j < model->pipeline->n_inputs && fits; j++)
		fits = isfinite(autoencoder->precision[j]) && autoencoder->precision[j] > 0;
	if (!fits)
		return hml_fail(reader->ctx, HML_CORRUPT, "%s contradicts itself", reader->what);
	if (check_network(reader->ctx, autoencoder->net.network, model->pipeline->n_inputs) == HML_OK)
		return HML_OK;
	reader->ctx->status = HML_CORRUPT;
	return HML_CORRUPT;
}

static HmlStatus
read_autoencoder(HmlModel *model, HmlReader *reader)
{
	HmlAutoencoder *autoencoder;
	size_t n_inputs = model->pipeline->n_inputs;

	HML_TRY(HML_ARENA_NEW_ZERO(model->arena, &autoencoder, 1));
	HML_TRY(HML_ARENA_NEW(model->arena, &autoencoder->precision, n_inputs));
	HML_TRY(hml_read_f64(reader, &autoencoder->half_error));
	HML_TRY(hml_ensemble_read(model->arena, reader, HML_ONLY_NETWORK, &autoencoder->net));
	HML_TRY(hml_read_f32_array(reader, autoencoder->precision, n_inputs));
	HML_TRY(check_autoencoder(model, autoencoder, reader));
	model->impl = autoencoder;
	return hml_ensemble_prepare(model->arena, &autoencoder->net);
}

static const HmlEnsemble *
network(const HmlModel *model, size_t number)
{
	return number == 0 ? &((const HmlAutoencoder *) model->impl)->net : NULL;
}

const HmlAlgorithm hml_autoencoder = {
	.name = "autoencoder",
	.task = "anomaly_detection",
	.help = "A neural network that learns to reproduce normal rows; what it reproduces badly is an anomaly.",
	.target_use = HML_TARGET_EVALUATES,
	.params = params,
	.train = train,
	.write = write_autoencoder,
	.read = read_autoencoder,
	.scratch_size = scratch_size,
	.outputs = outputs,
	.network = network,
	.gradient = gradient,
	.export_onnx = hml_autoencoder_export_onnx,
};
