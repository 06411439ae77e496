/*
 * lstm_autoencoder.c
 *	  Anomaly detection by the reconstruction error of windows of time.
 *
 * P. Malhotra et al., LSTM-based encoder-decoder for multi-sensor anomaly
 * detection, ICML workshop 2016: an LSTM reads a window, its last state is all that
 * a second LSTM has to reconstruct it from.
 *
 * A missing element is marked by an input of ABSENT.  The network sees the last
 * value of its feature in the window instead, the next one where there is none before it, and the
 * mean where there is none at all; only elements that were measured count in errors.
 *
 * Section of the artifact: u32 steps, u32 features, f64 half error, the network, f32 precision
 * of each feature.  What a fit allocates lies in one arena that ends with it.
 */
#include "core/learn/sequence/lstm_autoencoder.h"

#include <math.h>
#include <string.h>

#include "core/learn/network/holdout.h"
#include "core/learn/network/train_params.h"
#include "core/model/anomaly.h"
#include "core/nn/graph/architectures.h"
#include "core/stats/quantile.h"

#define MAX_UNITS 1024
#define AUTO_THRESHOLD 0.5     /* the score of half_error */
#define HALF_QUANTILE 0.95     /* of the errors in training, is half_error */
#define SPLIT_STREAM 1         /* of the seed */
#define SMALLEST_VARIANCE 1e-3 /* of a difference, in units of the input's */
#define ABSENT 1e30            /* an input that is missing; no measurement is so large after scaling */
#define MAX_LEARNT_MISSING 0.2 /* share of a window that is learnt from */

static const HmlParamSpec params[] = {
	{"sequence_length", HML_PARAM_INTEGER, "60", 2, HML_MAX_STEPS, NULL, "Steps of a window."},
	{"units", HML_PARAM_INTEGER, "64", 1, MAX_UNITS, NULL,
	 "Units of the LSTM that reads and of the one that writes."},
	{"order_by", HML_PARAM_TEXT, "null", 0, 0, NULL,
	 "Column of the time: the rows of the source are measurements, and windows are cut from them; without it "
	 "every row is a window."},
	{"partition_by", HML_PARAM_TEXT, "null", 0, 0, NULL,
	 "Column of the patient: no window has measurements of two, and none is split between training and "
	 "validation."},
	{"stride", HML_PARAM_INTEGER, "1", 1, 1000000, NULL, "Steps from one window to the next."},
	{"max_gap", HML_PARAM_TEXT, "null", 0, 0, NULL,
	 "The longest time between two steps of a window, such as 5 minutes; by default any."},
	HML_TRAIN_PARAMS,
	{0}};

/* ---- windows --------------------------------------------------------------------------------------- */

static bool
is_absent(double input)
{
	return input >= ABSENT / 2;
}

/* One feature of a window without its gaps; returns how many there were. */
static size_t
fill_feature(const double *inputs, size_t steps, size_t features, float *out)
{
	float last = 0;
	size_t absent = 0;

	for (size_t t = steps; t-- > 0;)
		if (!is_absent(inputs[t * features]))
			last = (float) inputs[t * features];
	for (size_t t = 0; t < steps; t++)
	{
		if (!is_absent(inputs[t * features]))
			last = (float) inputs[t * features];
		else
			absent++;
		out[t * features] = last;
	}
	return absent;
}

static size_t
fill_window(const HmlLstmAutoencoder *self, const double *inputs, float *out)
{
	size_t absent = 0;

	for (size_t j = 0; j < self->features; j++)
		absent += fill_feature(inputs + j, self->steps, self->features, out + j);
	return absent;
}

/* Mean over the measured elements of precision times squared difference; 0 where none was. */
static double
error_of(const HmlLstmAutoencoder *self, const double *inputs, const float *output)
{
	double sum = 0;
	size_t n = 0;

	for (size_t i = 0; i < self->steps * self->features; i++)
		if (!is_absent(inputs[i]))
		{
			double difference = inputs[i] - (double) output[i];

			sum += (double) self->precision[i % self->features] * difference * difference;
			n++;
		}
	return n > 0 ? sum / (double) n : 0;
}

/* ---- scoring --------------------------------------------------------------------------------------- */

static size_t
scratch_size(const HmlModel *model)
{
	return hml_ensemble_scratch_size(&((const HmlLstmAutoencoder *) model->impl)->net);
}

typedef struct Scores
{
	const HmlLstmAutoencoder *self;
	const double *inputs;
	double *values;
} Scores;

static void
take_scores(void *user, const HmlMemberOutputs *outputs)
{
	const Scores *scores = user;
	size_t size = scores->self->steps * scores->self->features;

	for (size_t i = 0; i < outputs->n; i++)
	{
		double error =
			error_of(scores->self, scores->inputs + (outputs->first + i) * size, outputs->outputs + i * size);

		scores->values[outputs->first + i] = isfinite(error) ? error / (error + scores->self->half_error) : 1;
	}
}

/* Windows of inputs (n, steps, features) through the network, chunk by chunk. */
static HmlStatus
run_windows(const HmlLstmAutoencoder *self, HmlContext *ctx, void *scratch, const double *inputs, size_t n,
			HmlTakeOutputs take, void *user)
{
	size_t size = self->steps * self->features;
	size_t chunk = hml_ensemble_chunk(&self->net);
	float *block = hml_ensemble_block(&self->net, scratch);

	for (size_t first = 0; first < n; first += chunk)
	{
		size_t now = n - first < chunk ? n - first : chunk;

		for (size_t i = 0; i < now; i++)
			(void) fill_window(self, inputs + (first + i) * size, block + i * size);
		HML_TRY(hml_ensemble_run(&self->net, ctx, scratch, first, now, take, user));
	}
	return HML_OK;
}

static HmlStatus
outputs(const HmlModel *model, HmlContext *ctx, void *scratch, const HmlSamples *samples, double *values)
{
	const HmlLstmAutoencoder *self = model->impl;
	Scores scores = {self, samples->rows, values};

	return run_windows(self, ctx, scratch, samples->rows, samples->n, take_scores, &scores);
}

/* ---- training -------------------------------------------------------------------------------------- */

typedef struct Fit
{
	HmlContext *ctx;
	HmlArena *arena;
	const HmlTraining *training;
	HmlModel *model;
	HmlLstmAutoencoder *self;
	const uint32_t *rows; /* of the frame, to fit on */
	size_t n_rows;
	size_t size;         /* numbers of a window */
	float *windows;      /* (n_windows, size), of the rows with few gaps */
	uint32_t *learnable; /* (n_windows) their rows */
	size_t n_windows;
} Fit;

typedef struct Rows
{
	const float *windows;
	size_t size;
	const uint32_t *rows;
	size_t n_rows;
} Rows;

static HmlStatus
fill_batch(void *user, HmlContext *ctx, const HmlBatch *batch, HmlRng *rng)
{
	const Rows *data = user;

	(void) ctx;
	(void) rng;
	for (size_t i = 0; i < batch->n; i++)
		memcpy(batch->inputs[0] + i * data->size, data->windows + data->rows[batch->rows[i]] * data->size,
			   data->size * sizeof(float));
	memcpy(batch->targets, batch->inputs[0], batch->n * data->size * sizeof(float));
	return HML_OK;
}

/* A feature is scaled alike at all steps, and a missing element marked. */
static HmlStatus
set_pipeline(Fit *fit)
{
	HmlPipeline *pipeline;
	HmlLstmAutoencoder *self = fit->self;

	HML_TRY(hml_pipeline_fit(fit->model->arena, fit->training->frame, fit->rows, fit->n_rows,
							 fit->training->params, HML_SCALE_STANDARD, &fit->model->pipeline));
	pipeline = fit->model->pipeline;
	for (size_t j = 0; j < self->features; j++)
	{
		double offset = 0;
		double scale = 0;

		for (size_t t = 0; t < self->steps; t++)
		{
			offset += pipeline->features[t * self->features + j].offset / (double) self->steps;
			scale += pipeline->features[t * self->features + j].scale / (double) self->steps;
		}
		for (size_t t = 0; t < self->steps; t++)
		{
			HmlFeature *feature = &pipeline->features[t * self->features + j];

			feature->offset = offset;
			feature->scale = scale;
			feature->fill = offset + ABSENT / scale;
		}
	}
	pipeline->imputation = HML_IMPUTE_CONSTANT;
	return hml_pipeline_lay_out(pipeline, fit->ctx);
}

static HmlStatus
check_shape(Fit *fit)
{
	const HmlFrame *frame = fit->training->frame;
	size_t steps = (size_t) hml_param_integer(fit->training->params, "sequence_length");

	for (size_t i = 0; i < frame->n_columns; i++)
		if (frame->columns[i].kind == HML_COLUMN_CATEGORY)
			return hml_fail(fit->ctx, HML_INVALID_ARGUMENT, "feature \"%s\" of a sequence is not a number",
							frame->columns[i].name);
	if (frame->n_columns % steps != 0)
	{
		hml_fail(fit->ctx, HML_INVALID_ARGUMENT, "windows of %zu numbers are not %zu steps", frame->n_columns,
				 steps);
		return hml_hint(fit->ctx,
						"Set \"order_by\" to the column of the time, so that windows are cut from rows.");
	}
	fit->self->steps = steps;
	fit->self->features = frame->n_columns / steps;
	fit->size = frame->n_columns;
	return HML_OK;
}

static HmlStatus
load_windows(Fit *fit)
{
	double *inputs;

	HML_TRY(HML_ARENA_NEW(fit->arena, &inputs, fit->size));
	HML_TRY(HML_ARENA_NEW(fit->arena, &fit->learnable, fit->n_rows));
	HML_TRY(hml_arena_alloc(fit->arena, fit->n_rows, fit->size * sizeof(float), (void **) &fit->windows));
	for (size_t i = 0; i < fit->n_rows; i++)
	{
		size_t absent;

		HML_TRY(hml_pipeline_apply(fit->model->pipeline, fit->ctx,
								   hml_frame_row(fit->training->frame, fit->rows[i]), inputs, NULL));
		absent = fill_window(fit->self, inputs, fit->windows + fit->n_windows * fit->size);
		if ((double) absent <= MAX_LEARNT_MISSING * (double) fit->size)
			fit->learnable[fit->n_windows++] = fit->rows[i];
		HML_TRY(hml_poll(fit->ctx));
	}
	if (fit->n_windows > 0)
		return HML_OK;
	return hml_fail(fit->ctx, HML_INVALID_DATA, "more than a fifth of the values is missing in every window");
}

static HmlStatus
build_network(Fit *fit)
{
	HmlText text;
	HmlNetwork *network;

	hml_text_init(&text, fit->ctx);
	hml_spec_lstm_autoencoder(&text, fit->self->steps, fit->self->features,
							  (size_t) hml_param_integer(fit->training->params, "units"));
	HML_TRY(hml_network_parse_text(fit->model->arena, &text, &network));
	return hml_ensemble_create(fit->model->arena, HML_ONLY_NETWORK, network, 1, &fit->self->net);
}

static HmlStatus
run_training(Fit *fit, HmlTrainResult *result)
{
	const HmlParams *given = fit->training->params;
	HmlTrainOptions options = hml_train_options(fit->training);
	HmlHoldoutSpec spec = {.fraction = hml_param_number(given, "validation_fraction"),
						   .frame = fit->training->frame,
						   .rows = fit->learnable,
						   .n_rows = fit->n_windows,
						   .seed = (uint64_t) hml_param_integer(given, "seed") + SPLIT_STREAM};
	HmlHoldout holdout;
	HmlStatus status;
	Rows learnt;
	Rows held_out;
	HmlDataset training = {.fill = fill_batch, .user = &learnt};
	HmlDataset validation = {.fill = fill_batch, .user = &held_out};

	status = hml_holdout(fit->arena, &spec, &holdout);
	if (status == HML_INVALID_DATA || status == HML_INVALID_ARGUMENT)
	{
		/* Too few patients to spare one: windows of all of them then judge the epochs. */
		spec.frame = NULL;
		status = hml_holdout(fit->arena, &spec, &holdout);
	}
	HML_TRY(status);
	learnt = (Rows){fit->windows, fit->size, holdout.learnt, holdout.n_learnt};
	held_out = (Rows){fit->windows, fit->size, holdout.held_out, holdout.n_held_out};
	training.n_rows = learnt.n_rows;
	validation.n_rows = held_out.n_rows;
	options.loss = HML_LOSS_MSE;
	HML_TRY(hml_ensemble_train(fit->ctx, &fit->self->net, &options, &training,
							   held_out.n_rows > 0 ? &validation : NULL, result));
	hml_train_report(fit->training, result, held_out.n_rows);
	hml_metric(fit->training, "windows", (double) fit->n_windows);
	return hml_ensemble_prepare(fit->model->arena, &fit->self->net);
}

/* Precision of each feature by the windows that were learnt from, then the error that is half way to 1. */
typedef struct Differences
{
	const Fit *fit;
	double *squares; /* (features) */
	double *errors;  /* (n_windows) or NULL */
} Differences;

static void
take_differences(void *user, const HmlMemberOutputs *outputs)
{
	const Differences *differences = user;
	const HmlLstmAutoencoder *self = differences->fit->self;
	size_t size = differences->fit->size;

	for (size_t i = 0; i < outputs->n; i++)
	{
		double error = 0;

		for (size_t k = 0; k < size; k++)
		{
			double difference =
				(double) outputs->inputs[i * size + k] - (double) outputs->outputs[i * size + k];

			if (differences->errors == NULL)
				differences->squares[k % self->features] += difference * difference;
			else
				error += (double) self->precision[k % self->features] * difference * difference;
		}
		if (differences->errors != NULL)
			differences->errors[outputs->first + i] = error / (double) size;
	}
}

static HmlStatus
pass_windows(Fit *fit, void *scratch, Differences *differences)
{
	size_t chunk = hml_ensemble_chunk(&fit->self->net);
	float *block = hml_ensemble_block(&fit->self->net, scratch);

	for (size_t first = 0; first < fit->n_windows; first += chunk)
	{
		size_t now = fit->n_windows - first < chunk ? fit->n_windows - first : chunk;

		memcpy(block, fit->windows + first * fit->size, now * fit->size * sizeof(float));
		HML_TRY(
			hml_ensemble_run(&fit->self->net, fit->ctx, scratch, first, now, take_differences, differences));
	}
	return HML_OK;
}

static HmlStatus
measure_errors(Fit *fit)
{
	HmlLstmAutoencoder *self = fit->self;
	Differences differences = {.fit = fit};
	HmlCalibration errors;
	double *values;
	void *scratch;

	HML_TRY(hml_arena_alloc(fit->arena, 1, hml_ensemble_scratch_size(&self->net), &scratch));
	HML_TRY(HML_ARENA_NEW_ZERO(fit->arena, &differences.squares, self->features));
	HML_TRY(HML_ARENA_NEW(fit->arena, &values, fit->n_windows));
	HML_TRY(pass_windows(fit, scratch, &differences));
	for (size_t j = 0; j < self->features; j++)
		self->precision[j] =
			(float) (1 / fmax(differences.squares[j] / (double) (fit->n_windows * self->steps),
							  SMALLEST_VARIANCE));
	differences.errors = values;
	HML_TRY(pass_windows(fit, scratch, &differences));
	HML_TRY(hml_calibration_fit(fit->arena, values, fit->n_windows, &errors));
	self->half_error = fmax(hml_quantile(errors.scores, errors.n_scores, HALF_QUANTILE), 1e-12);
	return HML_OK;
}

static HmlStatus
fit_model(Fit *fit)
{
	HmlTrainResult result;

	HML_TRY(HML_ARENA_NEW_ZERO(fit->model->arena, &fit->self, 1));
	fit->model->impl = fit->self;
	HML_TRY(check_shape(fit));
	HML_TRY(HML_ARENA_NEW(fit->model->arena, &fit->self->precision, fit->self->features));
	HML_TRY(set_pipeline(fit));
	HML_TRY(load_windows(fit));
	HML_TRY(build_network(fit));
	HML_TRY(run_training(fit, &result));
	HML_TRY(measure_errors(fit));
	return hml_anomaly_calibrate(fit->ctx, fit->training, fit->model, fit->rows, fit->n_rows, AUTO_THRESHOLD);
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

typedef struct Explanation
{
	const HmlLstmAutoencoder *self;
	const double *inputs;
	double *reconstruction;
	double *share;
} Explanation;

static void
take_explanation(void *user, const HmlMemberOutputs *outputs)
{
	const Explanation *out = user;
	size_t size = out->self->steps * out->self->features;
	double total = 0;

	for (size_t i = 0; i < size; i++)
	{
		double difference = out->inputs[i] - (double) outputs->outputs[i];

		out->reconstruction[i] = (double) outputs->outputs[i];
		out->share[i] = is_absent(out->inputs[i]) ? 0
												  : (double) out->self->precision[i % out->self->features] *
														difference * difference;
		total += out->share[i];
	}
	for (size_t i = 0; i < size && total > 0; i++)
		out->share[i] /= total;
}

HmlStatus
hml_lstm_autoencoder_explain(const HmlModel *model, HmlContext *ctx, const double *inputs,
							 double *reconstruction, double *share)
{
	const HmlLstmAutoencoder *self = model->impl;
	Explanation explanation = {self, inputs, reconstruction, share};
	void *scratch;
	HmlStatus status;

	HML_TRY(hml_alloc(ctx, 1, scratch_size(model), &scratch));
	status = run_windows(self, ctx, scratch, inputs, 1, take_explanation, &explanation);
	hml_free(ctx, scratch);
	return status;
}

/* Each element's share of the error is its share of the score: exact, with base 0. */
static HmlStatus
explain(const HmlModel *model, HmlContext *ctx, const double *inputs, HmlExplanation *out)
{
	const HmlLstmAutoencoder *self = model->impl;
	size_t size = self->steps * self->features;
	HmlSamples window = hml_sample_rows(inputs, 1);
	double *reconstruction;
	void *scratch = NULL;
	HmlStatus status;

	HML_TRY(HML_NEW(ctx, &reconstruction, size));
	status = hml_lstm_autoencoder_explain(model, ctx, inputs, reconstruction, out->contributions);
	if (status == HML_OK)
		status = hml_alloc(ctx, 1, scratch_size(model), &scratch);
	if (status == HML_OK)
		status = outputs(model, ctx, scratch, &window, &out->margin);
	for (size_t i = 0; i < size && status == HML_OK; i++)
		out->contributions[i] *= out->margin;
	out->base = 0;
	out->standard_error = 0;
	out->method = "reconstruction";
	hml_free(ctx, scratch);
	hml_free(ctx, reconstruction);
	return status;
}

/* ---- artifact -------------------------------------------------------------------------------------- */

static void
write_model(const HmlModel *model, HmlWriter *writer)
{
	const HmlLstmAutoencoder *self = model->impl;

	hml_write_u32(writer, (uint32_t) self->steps);
	hml_write_u32(writer, (uint32_t) self->features);
	hml_write_f64(writer, self->half_error);
	hml_ensemble_write(&self->net, writer);
	hml_write_f32_array(writer, self->precision, self->features);
}

static HmlStatus
check_model(const HmlModel *model, const HmlLstmAutoencoder *self, HmlReader *reader)
{
	const HmlNetwork *network = self->net.network;
	size_t size = self->steps * self->features;
	bool fits = model->n_outputs == 1 && model->output_names == NULL && isfinite(self->half_error) &&
				self->half_error > 0 && network->n_inputs == 1 &&
				hml_shape_size(&network->nodes[0].shape) == size &&
				hml_shape_size(&network->nodes[network->output].shape) == size;

	for (size_t j = 0; j < self->features && fits; j++)
		fits = isfinite(self->precision[j]) && self->precision[j] > 0;
	return fits ? HML_OK : hml_fail(reader->ctx, HML_CORRUPT, "%s contradicts itself", reader->what);
}

static HmlStatus
read_model(HmlModel *model, HmlReader *reader)
{
	HmlLstmAutoencoder *self;
	uint32_t steps;
	uint32_t features;

	HML_TRY(HML_ARENA_NEW_ZERO(model->arena, &self, 1));
	HML_TRY(hml_read_u32(reader, &steps));
	HML_TRY(hml_read_u32(reader, &features));
	if (steps < 1 || steps > HML_MAX_STEPS || features < 1 || features > HML_MAX_FEATURES ||
		(size_t) steps * features != model->pipeline->n_inputs ||
		model->pipeline->n_inputs != model->pipeline->n_features)
		return hml_fail(reader->ctx, HML_CORRUPT, "%s contradicts itself", reader->what);
	self->steps = steps;
	self->features = features;
	HML_TRY(HML_ARENA_NEW(model->arena, &self->precision, self->features));
	HML_TRY(hml_read_f64(reader, &self->half_error));
	HML_TRY(hml_ensemble_read(model->arena, reader, HML_ONLY_NETWORK, &self->net));
	HML_TRY(hml_read_f32_array(reader, self->precision, self->features));
	HML_TRY(check_model(model, self, reader));
	model->impl = self;
	return hml_ensemble_prepare(model->arena, &self->net);
}

static const HmlEnsemble *
network(const HmlModel *model, size_t number)
{
	return number == 0 ? &((const HmlLstmAutoencoder *) model->impl)->net : NULL;
}

const HmlAlgorithm hml_lstm_autoencoder = {
	.name = "lstm_autoencoder",
	.task = "anomaly_detection",
	.help = "A recurrent network that learns to reproduce windows of time; what it reproduces badly is an "
			"anomaly.",
	.target_use = HML_TARGET_EVALUATES,
	.params = params,
	.train = train,
	.write = write_model,
	.read = read_model,
	.scratch_size = scratch_size,
	.outputs = outputs,
	.explain = explain,
	.network = network,
};
