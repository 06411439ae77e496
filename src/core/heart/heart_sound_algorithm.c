/*
 * heart_sound_algorithm.c
 *	  Parameters, training, judgement and artifact of "heart_sound_cnn".
 *
 * A fifth of the recordings is held out, groups kept together, and judges a
 * network that was trained on the rest; the model's own network is then trained
 * on all.  What a training allocates lies in one arena that ends with it.
 *
 * Section of the artifact: that of hml_heart_network_write().
 */
#include "core/heart/heart_sound_algorithm.h"

#include <math.h>
#include <string.h>

#include "core/data/split.h"
#include "core/heart/heart_export.h"
#include "core/heart/heart_modality.h"
#include "core/learn/network/inputs.h"
#include "core/model/labels.h"

#define N_FEATURES HML_HEART_FEATURES
#define SPLIT_STREAM 1  /* of the seed */
#define SCORED_ROWS 256 /* at once */

static const char *const classes[] = {"normal", "abnormal"};

static const HmlParamSpec params[] = {
	{"audio", HML_PARAM_TEXT, "\"audio\"", 0, 0, NULL,
	 "Column of the recordings: WAV, FLAC, OGG or MP3 in a bytea."},
	{"group", HML_PARAM_TEXT, "null", 0, 0, NULL,
	 "Column that identifies recordings that belong together, such as those of one patient; they are never "
	 "split between training and validation."},
	{"site", HML_PARAM_TEXT, "null", 0, 0, NULL,
	 "Column that identifies where a recording was made, such as the clinic or the stethoscope. Classes are "
	 "weighted within each site, so that recognising the site gains nothing."},
	{"positive", HML_PARAM_TEXT, "null", 0, 0, NULL,
	 "The target that means abnormal; by default true, 1, or the last in alphabetical order."},
	{"task", HML_PARAM_TEXT, "\"classification\"", 0, 0, "classification",
	 "The target is always two classes, whatever numbers stand for them."},
	{"validation_fraction", HML_PARAM_NUMBER, "0.2", 0, 0.5, NULL,
	 "Share of the recordings that is held out to measure the model; with 0 there are no metrics. The final "
	 "model is trained on all recordings."},
	{"threshold", HML_PARAM_NUMBER, "0.5", 0, 1, NULL,
	 "Probability above which a recording is called abnormal."},
	{"networks", HML_PARAM_INTEGER, "1", 1, HML_MAX_MEMBERS, NULL,
	 "Networks that are trained with seeds of their own and averaged: results are steadier, and training "
	 "takes "
	 "proportionally longer."},
	{"epochs", HML_PARAM_INTEGER, "20", 1, 10000, NULL, "Passes of the training."},
	{"learning_rate", HML_PARAM_NUMBER, "0.002", 1e-9, 10, NULL,
	 "Learning rate that the schedule starts from."},
	{"weight_decay", HML_PARAM_NUMBER, "0.1", 0, 1000, NULL, "Decay of the weights."},
	{"jitter", HML_PARAM_NUMBER, "0.5", 0, 10, NULL,
	 "Noise on each drawn example, in standard deviations of the features."},
	{"mixup", HML_PARAM_NUMBER, "0.3", 0, 1, NULL,
	 "Alpha of the Beta distribution from which the shares of two mixed examples are drawn; 0 does not mix."},
	{"label_smoothing", HML_PARAM_NUMBER, "0.05", 0, 0.49, NULL,
	 "Targets are this number and one minus it, instead of 0 and 1."},
	{0}};

/* ---- examples ------------------------------------------------------------------------------------- */

typedef struct Fit
{
	HmlContext *ctx;
	HmlArena *arena;
	const HmlTraining *training;
	HmlModel *model;
	size_t n;         /* recordings that can be learnt from */
	uint32_t *rows;   /* (n) of the frame */
	float *features;  /* (n, N_FEATURES) */
	bool *abnormal;   /* (n) */
	uint32_t *sites;  /* (n) */
	uint32_t *groups; /* (n), NULL without groups */
	size_t n_sites;
	size_t n_groups;
	uint32_t *fold; /* (n), NULL without validation; fold 0 judges */
} Fit;

static bool
is_whole(const double *values)
{
	for (size_t f = 0; f < N_FEATURES; f++)
		if (!isfinite(values[f]))
			return false;
	return true;
}

/* Those with a label in which a heart is heard. */
static HmlStatus
choose_recordings(Fit *fit)
{
	const HmlFrame *frame = fit->training->frame;
	HmlLabels labels;

	HML_TRY(hml_labels_read(fit->arena, frame, fit->training->params, &labels));
	if (labels.task != HML_TASK_BINARY)
		return hml_fail(fit->ctx, HML_INVALID_DATA, "target column \"%s\" has %zu classes instead of two",
						hml_frame_column(frame, HML_ROLE_TARGET)->name, labels.n_classes);
	HML_TRY(HML_ARENA_NEW(fit->arena, &fit->rows, labels.n_rows));
	HML_TRY(HML_ARENA_NEW(fit->arena, &fit->abnormal, labels.n_rows));
	for (size_t i = 0; i < labels.n_rows; i++)
		if (is_whole(hml_frame_row(frame, labels.rows[i])))
		{
			fit->rows[fit->n] = labels.rows[i];
			fit->abnormal[fit->n++] = labels.classes[i] == 1;
		}
	if (fit->n == 0)
		return hml_fail(fit->ctx, HML_INVALID_DATA, "no heart is heard in any of %zu recordings",
						labels.n_rows);
	hml_metric(fit->training, "unusable_recordings", (double) (frame->n_rows - fit->n));
	return HML_OK;
}

/* Recordings without a site are from one site more. */
static HmlStatus
number_sites(Fit *fit)
{
	const HmlFrame *frame = fit->training->frame;
	double *codes;

	if (!hml_frame_has(frame, HML_ROLE_SITE))
	{
		fit->n_sites = 1;
		return HML_ARENA_NEW_ZERO(fit->arena, &fit->sites, fit->n);
	}
	HML_TRY(HML_ARENA_NEW(fit->arena, &codes, frame->n_rows));
	for (size_t i = 0; i < frame->n_rows; i++)
		codes[i] =
			isnan(hml_frame_values(frame, HML_ROLE_SITE)[i]) ? -1 : hml_frame_values(frame, HML_ROLE_SITE)[i];
	return hml_number_codes(fit->arena, codes, fit->rows, fit->n, &fit->sites, &fit->n_sites);
}

static HmlStatus
deal_folds(Fit *fit)
{
	const HmlParams *given = fit->training->params;
	double fraction = hml_param_number(given, "validation_fraction");
	size_t units = fit->groups == NULL ? fit->n : fit->n_groups;
	uint32_t *strata;
	HmlSplit split;

	if (fraction <= 0 || units < hml_split_folds_for(fraction))
		return HML_OK;
	HML_TRY(HML_ARENA_NEW(fit->arena, &strata, fit->n));
	HML_TRY(HML_ARENA_NEW(fit->arena, &fit->fold, fit->n));
	for (size_t i = 0; i < fit->n; i++)
		strata[i] = 2 * fit->sites[i] + fit->abnormal[i];
	split = (HmlSplit){.n_rows = fit->n,
					   .n_folds = hml_split_folds_for(fraction),
					   .strata = strata,
					   .n_strata = 2 * fit->n_sites,
					   .groups = fit->groups,
					   .n_groups = fit->n_groups,
					   .seed = (uint64_t) hml_param_integer(given, "seed") + SPLIT_STREAM};
	return hml_split(fit->ctx, &split, fit->fold);
}

static HmlStatus
read_examples(Fit *fit)
{
	const HmlFrame *frame = fit->training->frame;

	HML_TRY(choose_recordings(fit));
	HML_TRY(number_sites(fit));
	HML_TRY(hml_split_groups(fit->arena, frame, fit->rows, fit->n, &fit->groups, &fit->n_groups));
	HML_TRY(hml_pipeline_fit(fit->model->arena, frame, fit->rows, fit->n, fit->training->params,
							 HML_SCALE_NONE, &fit->model->pipeline));
	HML_TRY(hml_network_inputs(fit->arena, fit->model->pipeline, frame, fit->rows, fit->n, &fit->features));
	return deal_folds(fit);
}

/* ---- training ------------------------------------------------------------------------------------- */

static HmlHeartTraining
options_of(const HmlTraining *training)
{
	const HmlParams *given = training->params;
	HmlHeartTraining options = HML_HEART_TRAINING_DEFAULT;

	options.epochs = (int) hml_param_integer(given, "epochs");
	options.learning_rate = hml_param_number(given, "learning_rate");
	options.weight_decay = hml_param_number(given, "weight_decay");
	options.jitter = hml_param_number(given, "jitter");
	options.mixup = hml_param_number(given, "mixup");
	options.label_smoothing = hml_param_number(given, "label_smoothing");
	options.n_networks = (size_t) hml_param_integer(given, "networks");
	options.seed = (uint64_t) hml_param_integer(given, "seed");
	options.on_epoch = training->on_epoch;
	options.on_epoch_user = training->on_epoch_user;
	return options;
}

/* The recordings of the other folds; of all where there are none. */
static HmlStatus
take_learnt(Fit *fit, HmlHeartExamples *out)
{
	float *features;
	bool *abnormal;
	uint32_t *sites;
	uint32_t *groups;

	memset(out, 0, sizeof(*out));
	HML_TRY(hml_arena_alloc(fit->arena, fit->n, N_FEATURES * sizeof(float), (void **) &features));
	HML_TRY(HML_ARENA_NEW(fit->arena, &abnormal, fit->n));
	HML_TRY(HML_ARENA_NEW(fit->arena, &sites, fit->n));
	HML_TRY(HML_ARENA_NEW(fit->arena, &groups, fit->n));
	for (size_t i = 0; i < fit->n; i++)
		if (fit->fold[i] != 0)
		{
			if (fit->groups != NULL)
				groups[out->n] = fit->groups[i];
			memcpy(features + out->n * N_FEATURES, fit->features + i * N_FEATURES,
				   N_FEATURES * sizeof(float));
			abnormal[out->n] = fit->abnormal[i];
			sites[out->n++] = fit->sites[i];
		}
	out->features = features;
	out->abnormal = abnormal;
	out->sites = sites;
	out->n_sites = (uint32_t) fit->n_sites;
	out->groups = fit->groups == NULL ? NULL : groups;
	out->n_groups = fit->n_groups;
	return HML_OK;
}

/* How a network fares with recordings that it has not seen. */
static HmlStatus
validate(Fit *fit)
{
	HmlHeartTraining options = options_of(fit->training);
	HmlHeartExamples learnt;
	HmlHeartNetwork network;
	void *scratch;
	double *scores;
	bool *labels;
	size_t n = 0;

	options.on_epoch = NULL;
	HML_TRY(take_learnt(fit, &learnt));
	HML_TRY(hml_heart_network_train(fit->arena, &learnt, &options, &network));
	HML_TRY(hml_arena_alloc(fit->arena, 1, hml_heart_network_scratch_size(&network), &scratch));
	HML_TRY(HML_ARENA_NEW(fit->arena, &scores, fit->n));
	HML_TRY(HML_ARENA_NEW(fit->arena, &labels, fit->n));
	for (size_t i = 0; i < fit->n; i++)
		if (fit->fold[i] == 0)
		{
			HML_TRY(hml_heart_network_score(fit->ctx, &network, scratch, fit->features + i * N_FEATURES, 1,
											&scores[n]));
			labels[n++] = fit->abnormal[i];
		}
	hml_metric(fit->training, "validation_rows", (double) n);
	return hml_metrics_of_classifier(fit->ctx, fit->training, scores, labels, n,
									 hml_param_number(fit->training->params, "threshold"));
}

static HmlStatus
train_on_all(Fit *fit)
{
	HmlHeartTraining options = options_of(fit->training);
	HmlHeartExamples examples = {.n = fit->n,
								 .features = fit->features,
								 .abnormal = fit->abnormal,
								 .sites = fit->sites,
								 .n_sites = (uint32_t) fit->n_sites,
								 .groups = fit->groups,
								 .n_groups = fit->n_groups};
	HmlHeartNetwork *network;

	HML_TRY(HML_ARENA_NEW_ZERO(fit->model->arena, &network, 1));
	HML_TRY(hml_heart_network_train(fit->model->arena, &examples, &options, network));
	fit->model->impl = network;
	return HML_OK;
}

/* High risk above the threshold, medium above half of it. */
static HmlStatus
calibrate(Fit *fit)
{
	HmlCalibration *calibration = &fit->model->calibration;
	double threshold = hml_param_number(fit->training->params, "threshold");
	const HmlHeartNetwork *network = fit->model->impl;
	double *scores;
	void *scratch;

	HML_TRY(HML_ARENA_NEW(fit->arena, &scores, fit->n));
	HML_TRY(hml_arena_alloc(fit->arena, 1, hml_heart_network_scratch_size(network), &scratch));
	HML_TRY(hml_heart_network_score(fit->ctx, network, scratch, fit->features, fit->n, scores));
	HML_TRY(hml_calibration_fit(fit->model->arena, scores, fit->n, calibration));
	hml_calibration_decide(calibration, threshold);
	return HML_OK;
}

static HmlStatus
fit_model(Fit *fit)
{
	HML_TRY(read_examples(fit));
	fit->model->trained_rows = (int64_t) fit->n;
	if (fit->fold != NULL)
		HML_TRY(validate(fit));
	HML_TRY(train_on_all(fit));
	HML_TRY(hml_model_name_classes(fit->model, classes, 2, fit->training->params));
	return calibrate(fit);
}

static HmlStatus
check_columns(HmlContext *ctx, const HmlFrame *frame)
{
	bool fits = frame->n_columns == N_FEATURES;

	for (size_t f = 0; fits && f < N_FEATURES; f++)
		fits = strcmp(frame->columns[f].name, hml_heart_feature_names[f]) == 0 &&
			   frame->columns[f].kind == HML_COLUMN_NUMERIC;
	if (!fits)
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "algorithm \"heart_sound_cnn\" learns from recordings");
	return HML_OK;
}

static HmlStatus
train(HmlContext *ctx, const HmlTraining *training, HmlModel *model)
{
	Fit fit = {.ctx = ctx, .training = training, .model = model};
	HmlStatus status;

	HML_TRY(check_columns(ctx, training->frame));
	HML_TRY(hml_arena_create(ctx, &fit.arena));
	status = fit_model(&fit);
	hml_arena_free(fit.arena);
	return status;
}

/* ---- outputs -------------------------------------------------------------------------------------- */

/* That of the networks, then the features of some rows. */
static size_t
scratch_size(const HmlModel *model)
{
	return hml_heart_network_scratch_size(model->impl) + SCORED_ROWS * N_FEATURES * sizeof(float);
}

static HmlStatus
outputs(const HmlModel *model, HmlContext *ctx, void *scratch, const HmlSamples *samples,
		double *probabilities)
{
	float *features = (float *) ((char *) scratch + hml_heart_network_scratch_size(model->impl));
	double p[SCORED_ROWS];

	for (size_t first = 0; first < samples->n; first += SCORED_ROWS)
	{
		size_t count = samples->n - first < SCORED_ROWS ? samples->n - first : SCORED_ROWS;

		for (size_t i = 0; i < count * N_FEATURES; i++)
			features[i] = (float) samples->rows[first * N_FEATURES + i];
		HML_TRY(hml_heart_network_score(ctx, model->impl, scratch, features, count, p));
		for (size_t i = 0; i < count; i++)
		{
			probabilities[2 * (first + i)] = 1 - p[i];
			probabilities[2 * (first + i) + 1] = p[i];
		}
	}
	return HML_OK;
}

/* By gradients, in well under a millisecond: sampling would take thousands of calls for as many features. */
static HmlStatus
explain(const HmlModel *model, HmlContext *ctx, const double *inputs, HmlExplanation *out)
{
	float features[N_FEATURES];

	for (size_t f = 0; f < N_FEATURES; f++)
		features[f] = (float) inputs[f];
	HML_TRY(hml_heart_network_explain(ctx, model->impl, features, &out->base, out->contributions));
	out->margin = out->base;
	for (size_t f = 0; f < N_FEATURES; f++)
		out->margin += out->contributions[f];
	out->standard_error = 0;
	out->method = "integrated_gradients";
	return HML_OK;
}

static HmlStatus
gradient(HmlArena *arena, const HmlModel *model, const double *inputs, double *contributions,
		 HmlGradientSpec *out)
{
	float features[N_FEATURES];

	for (size_t f = 0; f < N_FEATURES; f++)
		features[f] = (float) inputs[f];
	return hml_heart_network_gradient(arena, model->impl, features, contributions, out);
}

/* ---- artifact ------------------------------------------------------------------------------------- */

static void
write_model(const HmlModel *model, HmlWriter *writer)
{
	hml_heart_network_write(model->impl, writer);
}

static HmlStatus
read_model(HmlModel *model, HmlReader *reader)
{
	HmlHeartNetwork *network;

	if (model->pipeline->n_inputs != N_FEATURES || model->n_outputs != 2 || model->output_names == NULL)
		return hml_fail(reader->ctx, HML_CORRUPT, "%s does not fit its features or classes", reader->what);
	HML_TRY(HML_ARENA_NEW_ZERO(model->arena, &network, 1));
	HML_TRY(hml_heart_network_read(model->arena, reader, network));
	model->impl = network;
	return HML_OK;
}

static const HmlEnsemble *
network(const HmlModel *model, size_t number)
{
	return hml_heart_network_part(model->impl, number);
}

const HmlAlgorithm hml_heart_sound_cnn = {
	.name = "heart_sound_cnn",
	.task = "classification",
	.help = "Classifies recordings of the heart as normal or abnormal by the features of a typical beat.",
	.target_use = HML_TARGET_LEARNT,
	.params = params,
	.encoder = &hml_heart_encoder,
	.train = train,
	.write = write_model,
	.read = read_model,
	.scratch_size = scratch_size,
	.outputs = outputs,
	.explain = explain,
	.network = network,
	.gradient = gradient,
	.export_onnx = hml_heart_export_onnx,
};
