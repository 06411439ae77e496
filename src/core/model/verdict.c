/*
 * verdict.c
 *	  From outputs to score, class and risk; scores of many samples.
 *
 * Nothing is allocated for a sample: scores are gathered through a buffer on the
 * stack that holds the outputs of at least one sample of any model.  Polls once a
 * block; an algorithm polls more often where its work needs it.
 */
#include "core/model/verdict.h"

#include <math.h>

#define BLOCK_BYTES ((size_t) 256 * 1024)
#define BLOCK_ROWS 1024 /* most rows between two polls */

static size_t
likeliest(const double *probabilities, size_t n)
{
	size_t best = 0;

	for (size_t c = 1; c < n; c++)
		if (probabilities[c] > probabilities[best])
			best = c;
	return best;
}

HmlQuality
hml_row_quality(const HmlModel *model, const double *values, size_t n_filled)
{
	HmlQuality quality = HML_QUALITY_FULL;
	double missing;

	if (n_filled == 0)
		return quality;
	missing = hml_pipeline_missing_share(model->pipeline, values);
	quality.usable_share = 1.0 - missing;
	if (missing > model->max_missing)
	{
		quality.doubt = "too many values are missing";
		quality.has_no_risk = true;
	}
	return quality;
}

bool
hml_is_alarm_class(const HmlModel *model, size_t class)
{
	if (model->alarm != NULL)
		return model->alarm[class];
	return model->n_outputs == 2 && class == 1;
}

bool
hml_has_risk(const HmlModel *model)
{
	if (model->output_names == NULL)
		return model->algorithm->target_use == HML_TARGET_EVALUATES;
	for (size_t c = 0; c < model->n_outputs; c++)
		if (hml_is_alarm_class(model, c))
			return true;
	return false;
}

double
hml_score_of_outputs(const HmlModel *model, const double *outputs)
{
	double sum = 0;

	if (model->n_outputs <= 2)
		return outputs[model->n_outputs - 1];
	if (!hml_has_risk(model))
		return outputs[likeliest(outputs, model->n_outputs)];
	for (size_t c = 0; c < model->n_outputs; c++)
		if (model->alarm[c])
			sum += outputs[c];
	return fmin(sum, 1);
}

double
hml_explained_output(const HmlModel *model, const double *outputs, size_t class)
{
	return model->n_outputs <= 2 || hml_has_risk(model) ? hml_score_of_outputs(model, outputs)
														: outputs[class];
}

size_t
hml_class_of_outputs(const HmlModel *model, const double *outputs)
{
	if (model->n_outputs == 2)
		return outputs[1] > model->calibration.threshold;
	return likeliest(outputs, model->n_outputs);
}

void
hml_outputs_of_nothing(const HmlModel *model, double *outputs)
{
	for (size_t i = 0; i < model->n_outputs; i++)
		outputs[i] = 1.0 / (double) model->n_outputs;
}

void
hml_verdict_of_outputs(const HmlModel *model, const double *outputs, const HmlQuality *quality,
					   HmlVerdict *out)
{
	const HmlCalibration *calibration = &model->calibration;
	bool has_classes = model->output_names != NULL;
	bool has_risk;

	out->outputs = outputs;
	out->score = hml_score_of_outputs(model, outputs);
	out->class = hml_class_of_outputs(model, outputs);
	out->label = has_classes ? model->output_names[out->class] : NULL;
	out->confidence = has_classes ? outputs[likeliest(outputs, model->n_outputs)] : NAN;
	out->percentile = hml_calibration_percentile(calibration, out->score);
	out->quality = quality != NULL ? *quality : HML_QUALITY_FULL;
	has_risk = hml_has_risk(model) && !out->quality.has_no_risk;
	out->risk = has_risk ? hml_calibration_risk(calibration, out->score) : HML_RISK_UNKNOWN;
	out->is_anomaly = has_risk && out->score > calibration->threshold;
}

/* ---- samples -------------------------------------------------------------------------------------- */

/* n of the samples, from 'first'. */
static HmlSamples
part_of(const HmlModel *model, const HmlSamples *samples, size_t first, size_t n)
{
	HmlSamples part = *samples;

	part.n = n;
	if (samples->kind == HML_SAMPLE_ROW)
		part.rows += first * model->pipeline->n_inputs;
	else
		part.tensors += first * samples->shape[0] * samples->shape[1];
	if (samples->lengths != NULL)
		part.lengths += first;
	return part;
}

HmlStatus
hml_model_score(const HmlModel *model, HmlContext *ctx, void *scratch, const HmlSamples *samples,
				double *scores)
{
	double outputs[HML_MAX_OUTPUTS];
	size_t most = HML_MAX_OUTPUTS / model->n_outputs;

	if (model->n_outputs == 1)
		return hml_model_outputs(model, ctx, scratch, samples, scores);
	for (size_t first = 0; first < samples->n; first += most)
	{
		size_t n = samples->n - first < most ? samples->n - first : most;
		HmlSamples part = part_of(model, samples, first, n);

		HML_TRY(hml_model_outputs(model, ctx, scratch, &part, outputs));
		for (size_t i = 0; i < n; i++)
			scores[first + i] = hml_score_of_outputs(model, outputs + i * model->n_outputs);
	}
	return HML_OK;
}

/* ---- rows of a frame ------------------------------------------------------------------------------ */

typedef HmlStatus (*Judge)(const HmlModel *model, HmlContext *ctx, void *scratch, const HmlSamples *samples,
						   double *results);

typedef struct Blocks
{
	HmlContext *ctx;
	const HmlModel *model;
	const HmlFrame *frame;
	const char *phase;
	Judge judge;
	size_t width;      /* results of a row */
	size_t most;       /* rows of a block */
	void *block;       /* (most) samples */
	uint32_t *lengths; /* (most) of tensors */
	void *scratch;
} Blocks;

/* The rows as a block of samples. */
static HmlStatus
read_block(const Blocks *b, const uint32_t *rows, size_t n, HmlSamples *out)
{
	const HmlFrame *frame = b->frame;

	if (frame->kind == HML_SAMPLE_ROW)
	{
		*out = hml_sample_rows(b->block, n);
		return hml_pipeline_apply_frame(b->model->pipeline, b->ctx, frame, rows, n, b->block);
	}
	*out = hml_sample_tensors(frame->kind, b->block, n, frame->shape[0], frame->shape[1]);
	out->lengths = b->lengths;
	return hml_frame_tensors(frame, rows, n, b->block, b->lengths);
}

static HmlStatus
judge_blocks(const Blocks *b, const uint32_t *rows, size_t n, double *results)
{
	for (size_t first = 0; first < n; first += b->most)
	{
		size_t count = n - first < b->most ? n - first : b->most;
		HmlSamples samples;

		HML_TRY(hml_poll(b->ctx));
		if (b->phase != NULL)
			hml_report_progress(b->ctx, b->phase, (int64_t) first, (int64_t) n);
		HML_TRY(read_block(b, rows + first, count, &samples));
		HML_TRY(b->judge(b->model, b->ctx, b->scratch, &samples, results + first * b->width));
	}
	return HML_OK;
}

static size_t
sample_bytes(const Blocks *b)
{
	if (b->frame->kind == HML_SAMPLE_ROW)
		return b->model->pipeline->n_inputs * sizeof(double);
	return b->frame->shape[0] * b->frame->shape[1] * sizeof(float);
}

static HmlStatus
judge_rows(Blocks *b, const uint32_t *rows, size_t n, double *results)
{
	HmlStatus status;

	if (b->frame->kind != b->model->algorithm->sample)
		return hml_fail(b->ctx, HML_INVALID_ARGUMENT,
						"the model of algorithm \"%s\" judges samples of another kind",
						b->model->algorithm->name);
	b->most = BLOCK_BYTES / sample_bytes(b) + 1;
	if (b->most > BLOCK_ROWS)
		b->most = BLOCK_ROWS;
	HML_TRY(hml_alloc(b->ctx, b->most, sample_bytes(b), &b->block));
	status = HML_NEW(b->ctx, &b->lengths, b->most);
	if (status == HML_OK)
		status = hml_alloc(b->ctx, 1, b->model->algorithm->scratch_size(b->model), &b->scratch);
	if (status == HML_OK)
		status = judge_blocks(b, rows, n, results);
	hml_free(b->ctx, b->scratch);
	hml_free(b->ctx, b->lengths);
	hml_free(b->ctx, b->block);
	return status;
}

HmlStatus
hml_frame_outputs(HmlContext *ctx, const HmlModel *model, const HmlFrame *frame, const uint32_t *rows,
				  size_t n, const char *phase, double *results)
{
	Blocks blocks = {.ctx = ctx,
					 .model = model,
					 .frame = frame,
					 .phase = phase,
					 .judge = hml_model_outputs,
					 .width = model->n_outputs};

	return judge_rows(&blocks, rows, n, results);
}

HmlStatus
hml_frame_scores(HmlContext *ctx, const HmlModel *model, const HmlFrame *frame, const uint32_t *rows,
				 size_t n, const char *phase, double *results)
{
	Blocks blocks = {
		.ctx = ctx, .model = model, .frame = frame, .phase = phase, .judge = hml_model_score, .width = 1};

	return judge_rows(&blocks, rows, n, results);
}
