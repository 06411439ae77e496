/*
 * tremor.c
 *	  The tiny modality, its encoders and algorithms.
 */
#include "unit/tremor.h"

#include <math.h>
#include <string.h>

#include "core/data/params.h"
#include "core/learn/network/ensemble.h"
#include "core/learn/network/tensor_data.h"
#include "core/learn/network/train_params.h"
#include "core/model/labels.h"

#define AXES TREMOR_AXES
#define TEXT_OF(x) #x
#define AS_TEXT(x) TEXT_OF(x)
#define STRETCH_S 2.0 /* that is read where a second is named */
#define LEAST_S 0.5   /* to be judged at all */
#define FULL_MG 100.0 /* one in the tensors */
#define SPEC \
	"{\"input\": [2, " AS_TEXT( \
		TREMOR_LENGTH) "], \"layers\": [{\"op\": \"conv1d\", \"filters\": 4, \"kernel_size\": 1}, " \
					   "{\"op\": \"relu\"}, {\"op\": \"global_avg_pool\"}, {\"op\": \"dense\", \"units\": " \
					   "2}, {\"op\": \"softmax\"}]}"

/* ---- reader ---- */

static const HmlSignalLimit limits[] = {{.name = "max_tremor_seconds",
										 .value = 60,
										 .least = 1,
										 .most = 36000,
										 .is_seconds = true,
										 .help = "Sets the longest tremor that is read.",
										 .detail = "A longer one is an error."},
										{0}};

static HmlStatus
name_axes(HmlContext *ctx, HmlSignal *signal)
{
	HML_TRY(HML_NEW(ctx, &signal->labels, AXES));
	signal->labels[0] = "x";
	signal->labels[1] = "y";
	return HML_OK;
}

static HmlStatus
read_samples(HmlContext *ctx, const unsigned char *bytes, size_t first, size_t n, HmlSignal *out)
{
	HmlStatus status = HML_NEW(ctx, &out->samples, AXES * n);

	out->n_samples = n;
	for (size_t i = 0; status == HML_OK && i < AXES * n; i++)
		out->samples[i % AXES * n + i / AXES] = (float) (bytes[1 + AXES * first + i] - 128);
	if (status == HML_OK)
		status = name_axes(ctx, out);
	if (status != HML_OK)
		hml_signal_free(ctx, out);
	return status;
}

static HmlStatus
read_tremor(HmlContext *ctx, const HmlSignalRequest *request, HmlSignal *out)
{
	const unsigned char *bytes = request->bytes;
	size_t n = request->length / AXES;
	size_t first = 0;

	*out = (HmlSignal){.n_channels = AXES, .sample_rate = TREMOR_RATE, .unit = "mg", .format = "tremor"};
	if (request->length < 1 + AXES || bytes[0] != 'T')
		return hml_fail(ctx, HML_CORRUPT, "recording is no tremor");
	if (n > (size_t) request->limits[0] * TREMOR_RATE)
		return hml_fail(ctx, HML_LIMIT, "tremor is longer than %d s", request->limits[0]);
	if (!isnan(request->at_s))
	{
		first = (size_t) ((request->at_s - STRETCH_S / 2) * TREMOR_RATE);
		n = (size_t) (STRETCH_S * TREMOR_RATE);
	}
	return read_samples(ctx, bytes, first, n, out);
}

const HmlSignalReader tremor_reader = {.name = "tremor", .limits = limits, .read = read_tremor};

/* ---- modality and encoders ---- */

static const char *const measures[] = {"amplitude", NULL};

const HmlModality tremor_modality = {
	.name = "tremor", .reader = &tremor_reader, .column = "tremor", .measures = measures};

static const char *const features[AXES] = {"amplitude_x", "amplitude_y"};
static const char *const axes[AXES] = {"x", "y"};

static double
amplitude(const HmlSignal *signal, size_t channel)
{
	double sum = 0;

	for (size_t i = 0; i < signal->n_samples; i++)
		sum += fabsf(signal->samples[channel * signal->n_samples + i]);
	return sum / (double) signal->n_samples;
}

static void
check_length(const HmlSignal *signal, HmlEncodedSignal *out)
{
	out->is_usable = hml_signal_seconds(signal) >= LEAST_S;
	out->quality = HML_QUALITY_FULL;
	if (!out->is_usable)
		out->quality = (HmlQuality){.usable_share = 0, .doubt = "the recording is too short"};
}

static HmlStatus
encode_features(HmlArena *arena, const HmlModel *model, const HmlSignal *signal, HmlEncodedSignal *out)
{
	(void) model;
	check_length(signal, out);
	HML_TRY(HML_ARENA_NEW(arena, &out->values, AXES));
	for (size_t c = 0; c < AXES; c++)
		out->values[c] = out->is_usable ? amplitude(signal, c) : NAN;
	out->measures[0] = out->is_usable ? (out->values[0] + out->values[1]) / AXES : NAN;
	return HML_OK;
}

static HmlStatus
explain_features(HmlArena *arena, const HmlJudged *judged, size_t top, HmlRows *out)
{
	for (size_t c = 0; c < AXES && c < top; c++)
	{
		const HmlCell cells[] = {{"rank", NULL, (double) c + 1},
								 {"channel", judged->signal->labels[c], NAN},
								 {"contribution", NULL, judged->encoding->values[c]}};

		HML_TRY(hml_rows_add(arena, out, cells, 3));
	}
	return HML_OK;
}

const HmlEncoder tremor_feature_encoder = {.modality = &tremor_modality,
										   .n_features = AXES,
										   .names = features,
										   .encode = encode_features,
										   .explain = explain_features};

/* The beginning of a long recording; a short one ends in rest. */
static HmlStatus
encode_tensor(HmlArena *arena, const HmlModel *model, const HmlSignal *signal, HmlEncodedSignal *out)
{
	size_t n = signal->n_samples < TREMOR_LENGTH ? signal->n_samples : TREMOR_LENGTH;
	uint32_t *length;
	float *tensor;

	(void) model;
	check_length(signal, out);
	HML_TRY(HML_ARENA_NEW(arena, &length, 1));
	HML_TRY(HML_ARENA_NEW_ZERO(arena, &tensor, AXES * TREMOR_LENGTH));
	for (size_t c = 0; c < AXES; c++)
		for (size_t i = 0; i < n; i++)
			tensor[c * TREMOR_LENGTH + i] = signal->samples[c * signal->n_samples + i] / (float) FULL_MG;
	*length = (uint32_t) n;
	out->measures[0] = (amplitude(signal, 0) + amplitude(signal, 1)) / AXES;
	out->sample = hml_sample_tensors(HML_SAMPLE_SIGNAL, tensor, 1, AXES, TREMOR_LENGTH);
	out->sample.lengths = length;
	return HML_OK;
}

const HmlEncoder tremor_tensor_encoder = {.modality = &tremor_modality,
										  .n_features = AXES,
										  .names = axes,
										  .length = TREMOR_LENGTH,
										  .encode = encode_tensor};

/* ---- the algorithm of rows ---- */

static HmlStatus
train_features(HmlContext *ctx, const HmlTraining *training, HmlModel *model)
{
	static const char *names[] = {"still", "trembling"};

	(void) ctx;
	model->n_outputs = 2;
	model->output_names = names;
	model->calibration = (HmlCalibration){.medium_cutoff = 0.25, .high_cutoff = 0.5, .threshold = 0.5};
	return hml_pipeline_fit(model->arena, training->frame, NULL, training->frame->n_rows, training->params,
							HML_SCALE_NONE, &model->pipeline);
}

/* A hand trembles the more probably, the farther it goes: FULL_MG in the mean of both axes is certain. */
static HmlStatus
judge_features(const HmlModel *model, HmlContext *ctx, void *scratch, const HmlSamples *samples,
			   double *outputs)
{
	(void) model;
	(void) ctx;
	(void) scratch;
	for (size_t i = 0; i < samples->n; i++)
	{
		outputs[2 * i + 1] =
			fmin(1, (samples->rows[AXES * i] + samples->rows[AXES * i + 1]) / AXES / FULL_MG);
		outputs[2 * i] = 1 - outputs[2 * i + 1];
	}
	return HML_OK;
}

static const HmlParamSpec feature_params[] = {{0}};

const HmlAlgorithm tremor_features = {.name = "tremor_features",
									  .task = "classification",
									  .params = feature_params,
									  .encoder = &tremor_feature_encoder,
									  .train = train_features,
									  .outputs = judge_features};

/* ---- the algorithm of tensors ---- */

static const HmlParamSpec network_params[] = {
	{"tremor", HML_PARAM_TEXT, "\"tremor\"", 0, 0, NULL, "Column of the recordings."},
	{"task", HML_PARAM_TEXT, "\"classification\"", 0, 0, "classification", "Always two classes."},
	{"positive", HML_PARAM_TEXT, "null", 0, 0, NULL, "The target that means trembling."},
	HML_TRAIN_PARAMS,
	{0}};

typedef struct Fit
{
	HmlArena *arena;
	const HmlTraining *training;
	HmlModel *model;
	HmlEnsemble *net;
	HmlLabels labels;
} Fit;

static HmlStatus
train_net(Fit *fit)
{
	HmlTrainOptions options = hml_train_options(fit->training);
	HmlTensorData data = {
		.frame = fit->training->frame, .rows = fit->labels.rows, .n = fit->labels.n_rows, .n_targets = 2};
	HmlDataset dataset = hml_tensor_dataset(&data);
	HmlTrainResult result;
	float *targets;

	options.loss = HML_LOSS_CROSS_ENTROPY;
	HML_TRY(HML_ARENA_NEW_ZERO(fit->arena, &targets, 2 * data.n));
	for (size_t i = 0; i < data.n; i++)
		targets[2 * i + fit->labels.classes[i]] = 1;
	data.targets = targets;
	HML_TRY(hml_ensemble_init(fit->net, options.seed));
	HML_TRY(hml_ensemble_train(hml_arena_context(fit->arena), fit->net, &options, &dataset, NULL, &result));
	hml_metric(fit->training, "loss", result.loss);
	return hml_ensemble_prepare(fit->model->arena, fit->net);
}

static HmlStatus
fit_network(Fit *fit)
{
	const HmlFrame *frame = fit->training->frame;
	HmlModel *model = fit->model;
	HmlNetwork *network;

	HML_TRY(hml_labels_read(fit->arena, frame, fit->training->params, &fit->labels));
	HML_TRY(hml_pipeline_fit(model->arena, frame, NULL, frame->n_rows, fit->training->params, HML_SCALE_NONE,
							 &model->pipeline));
	HML_TRY(hml_model_name_classes(model, fit->labels.names, 2, fit->training->params));
	HML_TRY(HML_ARENA_NEW_ZERO(model->arena, &fit->net, 1));
	model->impl = fit->net;
	HML_TRY(hml_network_parse(model->arena, SPEC, strlen(SPEC), &network));
	HML_TRY(hml_ensemble_create(model->arena, HML_ONLY_NETWORK, network, 1, fit->net));
	model->calibration = (HmlCalibration){.medium_cutoff = 0.25, .high_cutoff = 0.5, .threshold = 0.5};
	return train_net(fit);
}

static HmlStatus
train_network(HmlContext *ctx, const HmlTraining *training, HmlModel *model)
{
	Fit fit = {.training = training, .model = model};
	HmlStatus status;

	HML_TRY(hml_arena_create(ctx, &fit.arena));
	status = fit_network(&fit);
	hml_arena_free(fit.arena);
	return status;
}

static void
write_network(const HmlModel *model, HmlWriter *writer)
{
	hml_ensemble_write(model->impl, writer);
}

static HmlStatus
read_network(HmlModel *model, HmlReader *reader)
{
	HmlEnsemble *net;

	HML_TRY(HML_ARENA_NEW_ZERO(model->arena, &net, 1));
	HML_TRY(hml_ensemble_read(model->arena, reader, HML_ONLY_NETWORK, net));
	model->impl = net;
	if (hml_ensemble_inputs(net) != AXES * TREMOR_LENGTH || hml_ensemble_outputs(net) != model->n_outputs)
		return hml_fail(reader->ctx, HML_CORRUPT, "%s does not fit its network", reader->what);
	return hml_ensemble_prepare(model->arena, net);
}

static size_t
network_scratch(const HmlModel *model)
{
	return hml_ensemble_scratch_size(model->impl);
}

static void
take_outputs(void *user, const HmlMemberOutputs *from)
{
	double *outputs = user;

	for (size_t i = 0; i < 2 * from->n; i++)
		outputs[2 * from->first + i] = (double) from->outputs[i];
}

static HmlStatus
judge_tensors(const HmlModel *model, HmlContext *ctx, void *scratch, const HmlSamples *samples,
			  double *outputs)
{
	return hml_ensemble_run_tensors(model->impl, ctx, scratch, samples->tensors, samples->n, take_outputs,
									outputs);
}

const HmlAlgorithm tremor_network = {.name = "tremor_network",
									 .task = "classification",
									 .help = "Classifies the tremor of a hand.",
									 .target_use = HML_TARGET_LEARNT,
									 .sample = HML_SAMPLE_SIGNAL,
									 .params = network_params,
									 .encoder = &tremor_tensor_encoder,
									 .train = train_network,
									 .write = write_network,
									 .read = read_network,
									 .scratch_size = network_scratch,
									 .outputs = judge_tensors};
