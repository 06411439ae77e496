/*
 * eeg_features_algorithm.c
 *	  The algorithm "eeg_features": parameters, votes, training, outputs, artifact.
 *
 * Standardised features, limited to HML_EEG_LIMIT deviations so that an artefact cannot
 * outweigh all else, go through one or several small networks, by default without a
 * hidden layer, whose probabilities are averaged.  They learn the shares of the votes:
 * the loss is the Kullback-Leibler divergence, and a window counts by the logarithm of
 * its votes.
 *
 * Section of the artifact: that of hml_ensemble_write() and of its other members.
 */
#include "core/eeg/eeg_features_algorithm.h"

#include <math.h>
#include <string.h>

#include "core/eeg/eeg_features.h"
#include "core/eeg/eeg_modality.h"
#include "core/learn/network/ensemble.h"
#include "core/learn/network/holdout.h"
#include "core/learn/network/inputs.h"
#include "core/learn/network/train_params.h"
#include "core/model/background.h"
#include "core/model/labels.h"
#include "core/model/verdict.h"
#include "core/nn/graph/architectures.h"

#define N_FEATURES HML_EEG_FEATURES
#define MAX_CLASSES 32
#define MOST_UNITS 4096
#define SPLIT_STREAM 1 /* of the seed */
#define LIMIT 4.0f     /* standard deviations */
#define LEAST_PROBABILITY 1e-6

static const HmlParamSpec params[] = {
	{"eeg", HML_PARAM_TEXT, "\"eeg\"", 0, 0, NULL,
	 "Column of the recordings: EDF or BDF files in a bytea, or arrays of channels and samples."},
	{"at_s", HML_PARAM_TEXT, "null", 0, 0, NULL,
	 "Column of the second of the recording that the labels are about; by default its middle."},
	{"sample_rate", HML_PARAM_NUMBER, "null", 1e-3, 1e6, NULL, "Sample rate of arrays, Hz."},
	{"votes", HML_PARAM_TEXTS, "null", 0, 0, NULL,
	 "Columns of the votes for each class, or of their shares, in place of a target; a class is called as "
	 "its "
	 "column, without \"_vote\"."},
	{"weight", HML_PARAM_TEXT, "null", 0, 0, NULL, "Column of what a recording counts beside its votes."},
	{"hidden_layers", HML_PARAM_INTEGERS, "[]", 1, MOST_UNITS, NULL,
	 "Units of each hidden layer; an empty array is a logistic regression."},
	{"dropout", HML_PARAM_NUMBER, "0.3", 0, 0.95, NULL,
	 "Share of each hidden layer's units dropped in training."},
	{"jitter", HML_PARAM_NUMBER, "0.3", 0, 10, NULL,
	 "Noise on each drawn example, in standard deviations of the features."},
	{"networks", HML_PARAM_INTEGER, "1", 1, HML_MAX_MEMBERS, NULL,
	 "Networks that are trained with seeds of their own and averaged."},
	{"task", HML_PARAM_TEXT, "\"classification\"", 0, 0, "classification", "The target is always classes."},
	{"positive", HML_PARAM_TEXT, "null", 0, 0, NULL,
	 "Of two classes the one whose probability is the score."},
	{"threshold", HML_PARAM_NUMBER, "0.5", 0, 1, NULL,
	 "Probability of all alarm classes together above which there is an alarm."},
	HML_TRAIN_PARAMS,
	{0}};

typedef struct Judge
{
	HmlEnsemble net;
} Judge;

/* ---- what is learnt from --------------------------------------------------------------------------- */

typedef struct Fit
{
	HmlContext *ctx;
	HmlArena *arena;
	const HmlTraining *training;
	HmlModel *model;
	Judge *judge;
	size_t n_classes;
	const char *names[MAX_CLASSES];
	size_t n;         /* recordings with votes and features */
	uint32_t *rows;   /* (n) of the frame */
	float *targets;   /* (n, n_classes) shares */
	float *weights;   /* (n) */
	uint32_t *strata; /* (n) the likeliest class */
	float *inputs;    /* (n, N_FEATURES) limited */
	float jitter;
} Fit;

static bool
has_features(const HmlFrame *frame, size_t row)
{
	return isfinite(hml_frame_row(frame, row)[0]);
}

static double
weight_of(const HmlFrame *frame, size_t row)
{
	const double *weights = hml_frame_values(frame, HML_ROLE_WEIGHT);

	return weights == NULL ? 1 : weights[row];
}

/* A recording with these votes, (n_classes); without any it is left out. */
static HmlStatus
take(Fit *fit, uint32_t row, const double *votes)
{
	const HmlFrame *frame = fit->training->frame;
	double weight = weight_of(frame, row);
	double sum = 0;
	size_t best = 0;

	for (size_t c = 0; c < fit->n_classes; c++)
	{
		if (votes[c] < 0 || isinf(votes[c]))
			return hml_fail(fit->ctx, HML_INVALID_DATA, "votes for \"%s\" must not be %g", fit->names[c],
							votes[c]);
		sum += votes[c];
		best = votes[c] > votes[best] ? c : best;
	}
	if (!(sum > 0) || !(weight > 0) || isinf(weight) || !has_features(frame, row))
		return HML_OK;
	for (size_t c = 0; c < fit->n_classes; c++)
		fit->targets[fit->n * fit->n_classes + c] = (float) (votes[c] / sum);
	fit->weights[fit->n] = (float) (weight * log(1 + sum));
	fit->strata[fit->n] = (uint32_t) best;
	fit->rows[fit->n++] = row;
	return HML_OK;
}

/* Columns with votes are classes by their names. */
static HmlStatus
name_voted_classes(Fit *fit)
{
	const HmlFrame *frame = fit->training->frame;

	for (size_t r = 0; r < frame->n_roles; r++)
		if (frame->roles[r].role == HML_ROLE_LABEL)
		{
			static const char ending[] = "_vote";
			const char *column = frame->roles[r].column.name;
			size_t length = strlen(column);
			char *name;

			if (fit->n_classes == MAX_CLASSES)
				return hml_fail(fit->ctx, HML_INVALID_ARGUMENT, "too many classes (limit %d)", MAX_CLASSES);
			if (length > strlen(ending) && strcmp(column + length - strlen(ending), ending) == 0)
				length -= strlen(ending);
			HML_TRY(HML_ARENA_NEW_ZERO(fit->model->arena, &name, length + 1));
			memcpy(name, column, length);
			fit->names[fit->n_classes++] = name;
		}
	if (fit->n_classes < 2)
		return hml_fail(fit->ctx, HML_INVALID_ARGUMENT, "parameter \"votes\" must name at least two columns");
	return HML_OK;
}

static HmlStatus
allocate(Fit *fit, size_t n)
{
	HML_TRY(HML_ARENA_NEW(fit->arena, &fit->rows, n));
	HML_TRY(HML_ARENA_NEW(fit->arena, &fit->weights, n));
	HML_TRY(HML_ARENA_NEW(fit->arena, &fit->strata, n));
	return hml_arena_alloc(fit->arena, n, fit->n_classes * sizeof(float), (void **) &fit->targets);
}

static HmlStatus
read_votes(Fit *fit)
{
	const HmlFrame *frame = fit->training->frame;

	HML_TRY(name_voted_classes(fit));
	HML_TRY(allocate(fit, frame->n_rows));
	for (uint32_t row = 0; row < frame->n_rows; row++)
	{
		double votes[MAX_CLASSES];
		size_t c = 0;

		for (size_t r = 0; r < frame->n_roles; r++)
			if (frame->roles[r].role == HML_ROLE_LABEL)
				votes[c++] = isnan(frame->roles[r].values[row]) ? 0 : frame->roles[r].values[row];
		HML_TRY(take(fit, row, votes));
	}
	return HML_OK;
}

/* One vote for the class that the target names. */
static HmlStatus
read_target(Fit *fit)
{
	HmlLabels labels;

	HML_TRY(hml_labels_read(fit->arena, fit->training->frame, fit->training->params, &labels));
	if (labels.n_classes > MAX_CLASSES)
		return hml_fail(fit->ctx, HML_INVALID_DATA, "too many classes: %zu (limit %d)", labels.n_classes,
						MAX_CLASSES);
	fit->n_classes = labels.n_classes;
	memcpy(fit->names, labels.names, labels.n_classes * sizeof(*labels.names));
	HML_TRY(allocate(fit, labels.n_rows));
	for (size_t i = 0; i < labels.n_rows; i++)
	{
		double votes[MAX_CLASSES] = {0};

		votes[labels.classes[i]] = 1;
		HML_TRY(take(fit, labels.rows[i], votes));
	}
	return HML_OK;
}

static void
limit(float *inputs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		inputs[i] = fminf(fmaxf(inputs[i], -LIMIT), LIMIT);
}

static HmlStatus
read_examples(Fit *fit)
{
	const HmlFrame *frame = fit->training->frame;

	HML_TRY(hml_frame_has(frame, HML_ROLE_LABEL) ? read_votes(fit) : read_target(fit));
	if (fit->n < 2)
		return hml_fail(fit->ctx, HML_INVALID_DATA,
						"%zu of %zu recordings have votes and ten seconds of an EEG", fit->n, frame->n_rows);
	hml_metric(fit->training, "unusable_recordings", (double) (frame->n_rows - fit->n));
	HML_TRY(hml_model_name_classes(fit->model, fit->names, fit->n_classes, fit->training->params));
	HML_TRY(hml_pipeline_fit(fit->model->arena, frame, fit->rows, fit->n, fit->training->params,
							 HML_SCALE_STANDARD, &fit->model->pipeline));
	if (fit->model->pipeline->n_inputs != N_FEATURES)
		return hml_fail(fit->ctx, HML_INVALID_ARGUMENT,
						"algorithm \"eeg_features\" takes its features as they are");
	HML_TRY(hml_network_inputs(fit->arena, fit->model->pipeline, frame, fit->rows, fit->n, &fit->inputs));
	limit(fit->inputs, fit->n * N_FEATURES);
	return HML_OK;
}

/* ---- training -------------------------------------------------------------------------------------- */

/* Some of the examples as a dataset of the trainer. */
typedef struct Part
{
	const Fit *fit;
	const uint32_t *numbers;
	size_t n;
} Part;

static HmlStatus
fill_batch(void *user, HmlContext *ctx, const HmlBatch *batch, HmlRng *rng)
{
	const Part *part = user;
	const Fit *fit = part->fit;

	(void) ctx;
	for (size_t i = 0; i < batch->n; i++)
	{
		size_t number = part->numbers[batch->rows[i]];
		float *inputs = batch->inputs[0] + i * N_FEATURES;

		memcpy(inputs, fit->inputs + number * N_FEATURES, N_FEATURES * sizeof(float));
		for (size_t f = 0; rng != NULL && fit->jitter > 0 && f < N_FEATURES; f++)
			inputs[f] += fit->jitter * (float) hml_rng_normal(rng);
		memcpy(batch->targets + i * fit->n_classes, fit->targets + number * fit->n_classes,
			   fit->n_classes * sizeof(float));
		batch->weights[i] = fit->weights[number];
	}
	return HML_OK;
}

static HmlStatus
make_networks(Fit *fit)
{
	const HmlParams *given = fit->training->params;
	HmlMlpSpec spec = {.n_inputs = N_FEATURES,
					   .activation = "relu",
					   .dropout = hml_param_number(given, "dropout"),
					   .n_outputs = fit->n_classes,
					   .last = "softmax"};
	HmlNetwork *network;
	HmlText text;

	HML_TRY(hml_param_sizes(fit->arena, given, "hidden_layers", &spec.hidden, &spec.n_hidden));
	hml_text_init(&text, fit->ctx);
	hml_spec_mlp(&text, &spec);
	HML_TRY(hml_network_parse_text(fit->model->arena, &text, &network));
	return hml_ensemble_create(fit->model->arena, HML_ONLY_NETWORK, network,
							   (size_t) hml_param_integer(given, "networks"), &fit->judge->net);
}

static HmlStatus
learn(Fit *fit, const Part *learnt, const Part *held_out, HmlTrainOptions *options, HmlTrainResult *result)
{
	HmlDataset training = {.n_rows = learnt->n, .fill = fill_batch, .user = (void *) (uintptr_t) learnt};
	HmlDataset validation = {
		.n_rows = held_out->n, .fill = fill_batch, .user = (void *) (uintptr_t) held_out};

	options->loss = HML_LOSS_KL;
	HML_TRY(hml_ensemble_train(fit->ctx, &fit->judge->net, options, &training,
							   held_out->n > 0 ? &validation : NULL, result));
	return hml_ensemble_prepare(fit->model->arena, &fit->judge->net);
}

/* ---- judging --------------------------------------------------------------------------------------- */

static HmlStatus
frame_outputs(const Fit *fit, const Part *part, double **out)
{
	uint32_t *rows;

	HML_TRY(HML_ARENA_NEW(fit->arena, &rows, part->n));
	HML_TRY(hml_arena_alloc(fit->arena, part->n, fit->n_classes * sizeof(double), (void **) out));
	for (size_t i = 0; i < part->n; i++)
		rows[i] = fit->rows[part->numbers[i]];
	return hml_frame_outputs(fit->ctx, fit->model, fit->training->frame, rows, part->n, NULL, *out);
}

/* Divergence from the shares of the votes, and how often the likeliest class has the most. */
static HmlStatus
report(const Fit *fit, const Part *held_out)
{
	double divergence = 0;
	double right = 0;
	double *p;

	hml_metric(fit->training, "validation_rows", (double) held_out->n);
	if (held_out->n == 0)
		return HML_OK;
	HML_TRY(frame_outputs(fit, held_out, &p));
	for (size_t i = 0; i < held_out->n; i++)
	{
		const float *shares = fit->targets + held_out->numbers[i] * fit->n_classes;
		const double *outputs = p + i * fit->n_classes;
		size_t class = hml_class_of_outputs(fit->model, outputs);

		right += shares[class] >= shares[fit->strata[held_out->numbers[i]]];
		for (size_t c = 0; c < fit->n_classes; c++)
			if (shares[c] > 0)
				divergence +=
					(double) shares[c] * log((double) shares[c] / fmax(outputs[c], LEAST_PROBABILITY));
	}
	hml_metric(fit->training, "kl_divergence", divergence / (double) held_out->n);
	hml_metric(fit->training, "accuracy", right / (double) held_out->n);
	return HML_OK;
}

static HmlStatus
calibrate(Fit *fit, const Part *all)
{
	HmlCalibration *calibration = &fit->model->calibration;
	double threshold = hml_param_number(fit->training->params, "threshold");
	double *scores;
	double *p;

	HML_TRY(frame_outputs(fit, all, &p));
	HML_TRY(HML_ARENA_NEW(fit->arena, &scores, all->n));
	for (size_t i = 0; i < all->n; i++)
		scores[i] = hml_score_of_outputs(fit->model, p + i * fit->n_classes);
	HML_TRY(hml_calibration_fit(fit->model->arena, scores, all->n, calibration));
	calibration->threshold = hml_has_risk(fit->model) ? threshold : INFINITY;
	calibration->high_cutoff = calibration->threshold;
	calibration->medium_cutoff = calibration->threshold / 2;
	return HML_OK;
}

/* Judged by what was held out, then trained on all for as many epochs. */
static HmlStatus
fit_model(Fit *fit)
{
	const HmlParams *given = fit->training->params;
	HmlTrainOptions options = hml_train_options(fit->training);
	uint64_t seed = (uint64_t) hml_param_integer(given, "seed");
	HmlHoldoutSpec spec = {.fraction = hml_param_number(given, "validation_fraction"),
						   .frame = fit->training->frame,
						   .seed = seed + SPLIT_STREAM};
	HmlHoldout holdout;
	HmlTrainResult result;
	Part parts[2];
	Part none = {.fit = fit};

	HML_TRY(read_examples(fit));
	fit->jitter = (float) hml_param_number(given, "jitter");
	spec.rows = fit->rows;
	spec.n_rows = fit->n;
	spec.strata = fit->strata;
	spec.n_strata = fit->n_classes;
	HML_TRY(hml_holdout(fit->arena, &spec, &holdout));
	parts[0] = (Part){fit, holdout.learnt, holdout.n_learnt};
	parts[1] = (Part){fit, holdout.held_out, holdout.n_held_out};
	HML_TRY(make_networks(fit));
	HML_TRY(learn(fit, &parts[0], &parts[1], &options, &result));
	HML_TRY(report(fit, &parts[1]));
	while (holdout.n_held_out > 0)
		holdout.learnt[holdout.n_learnt++] = holdout.held_out[--holdout.n_held_out];
	if (parts[1].n > 0)
	{
		options.phase = "refit";
		options.on_epoch = NULL; /* these losses would not compare with those before */
		options.epochs = result.best_epoch;
		parts[0].n = fit->n;
		HML_TRY(learn(fit, &parts[0], &none, &options, &result));
	}
	fit->model->trained_rows = (int64_t) fit->n;
	HML_TRY(hml_background_keep(fit->model, fit->inputs, NULL, fit->n, seed));
	return calibrate(fit, &parts[0]);
}

static HmlStatus
train(HmlContext *ctx, const HmlTraining *training, HmlModel *model)
{
	Fit fit = {.ctx = ctx, .training = training, .model = model};
	HmlStatus status;

	if (training->frame->n_columns != N_FEATURES ||
		strcmp(training->frame->columns[0].name, hml_eeg_feature_names[0]) != 0)
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "algorithm \"eeg_features\" learns from recordings");
	HML_TRY(HML_ARENA_NEW_ZERO(model->arena, &fit.judge, 1));
	model->impl = fit.judge;
	HML_TRY(hml_arena_create(ctx, &fit.arena));
	status = fit_model(&fit);
	hml_arena_free(fit.arena);
	return status;
}

/* ---- outputs --------------------------------------------------------------------------------------- */

static const HmlEnsemble *
network(const HmlModel *model, size_t number)
{
	return number == 0 ? &((const Judge *) model->impl)->net : NULL;
}

static size_t
scratch_size(const HmlModel *model)
{
	return hml_ensemble_scratch_size(network(model, 0));
}

typedef struct Results
{
	double *probabilities;
	size_t n_classes;
	double share; /* of one member */
} Results;

static void
take_outputs(void *user, const HmlMemberOutputs *given)
{
	const Results *results = user;
	double *p = results->probabilities + given->first * results->n_classes;

	for (size_t i = 0; i < given->n * results->n_classes; i++)
		p[i] += results->share * (double) given->outputs[i];
}

static HmlStatus
outputs(const HmlModel *model, HmlContext *ctx, void *scratch, const HmlSamples *samples,
		double *probabilities)
{
	const HmlEnsemble *net = network(model, 0);
	Results results = {probabilities, model->n_outputs, 1 / (double) net->n_members};
	size_t chunk = hml_ensemble_chunk(net);
	float *block = hml_ensemble_block(net, scratch);

	memset(probabilities, 0, samples->n * model->n_outputs * sizeof(*probabilities));
	for (size_t first = 0; first < samples->n; first += chunk)
	{
		size_t n = samples->n - first < chunk ? samples->n - first : chunk;

		for (size_t i = 0; i < n * N_FEATURES; i++)
			block[i] = (float) samples->rows[first * N_FEATURES + i];
		limit(block, n * N_FEATURES);
		HML_TRY(hml_ensemble_run(net, ctx, scratch, first, n, take_outputs, &results));
	}
	return HML_OK;
}

/* ---- artifact -------------------------------------------------------------------------------------- */

static void
write_model(const HmlModel *model, HmlWriter *writer)
{
	hml_ensemble_write(network(model, 0), writer);
	hml_ensemble_write_others(network(model, 0), writer);
}

static HmlStatus
read_model(HmlModel *model, HmlReader *reader)
{
	Judge *judge;

	HML_TRY(HML_ARENA_NEW_ZERO(model->arena, &judge, 1));
	HML_TRY(hml_ensemble_read(model->arena, reader, HML_ONLY_NETWORK, &judge->net));
	HML_TRY(hml_ensemble_read_others(model->arena, reader, &judge->net));
	if (model->pipeline->n_inputs != N_FEATURES || model->output_names == NULL || model->n_outputs < 2 ||
		judge->net.network->n_inputs != 1 || hml_ensemble_inputs(&judge->net) != N_FEATURES ||
		hml_ensemble_outputs(&judge->net) != model->n_outputs)
		return hml_fail(reader->ctx, HML_CORRUPT, "%s does not fit its features or classes", reader->what);
	model->impl = judge;
	return hml_ensemble_prepare(model->arena, &judge->net);
}

const HmlAlgorithm hml_eeg_features_algorithm = {
	.name = "eeg_features",
	.task = "classification",
	.help = "Classifies windows of an EEG by features of rhythm, periodicity, place and change.",
	.target_use = HML_TARGET_LEARNT,
	.params = params,
	.encoder = &hml_eeg_feature_encoder,
	.train = train,
	.write = write_model,
	.read = read_model,
	.scratch_size = scratch_size,
	.outputs = outputs,
	.network = network,
};
