/*
 * anomaly.c
 *	  Rows, calibration and metrics of anomaly detectors.
 *
 * Scoring a large training set would take far longer than fitting on samples of
 * it, so only a uniform sample is scored: of the rows of the fit and, at the same
 * rate, of those that were left out, so that precision and recall are those of
 * the table.  Memory: the sample's row numbers and scores, and one block of inputs.
 */
#include "core/model/anomaly.h"

#include <math.h>
#include <string.h>

#include "core/base/number.h"
#include "core/model/labels.h"
#include "core/model/verdict.h"
#include "core/stats/metrics.h"
#include "core/stats/quantile.h"

#define CALIBRATION_STREAM UINT64_MAX /* of the seed; models draw from streams that count from 0 */
#define SCORE_ROUNDING 1e-12

const HmlParamSpec hml_anomaly_params[] = {
	{"fit_on", HML_PARAM_TEXT, "\"normal\"", 0, 0, "normal|all",
	 "Rows to learn from: those whose target is not true, or all."},
	{"contamination", HML_PARAM_NUMBER_OR_CHOICE, "\"auto\"", 0, 0.5, "auto",
	 "Share of the training rows that lies above the anomaly threshold; with auto the algorithm chooses the "
	 "threshold."},
	{"calibration_rows", HML_PARAM_INTEGER, "20000", 100, 100000000, NULL,
	 "Maximum number of training rows that are scored to find percentiles, threshold and metrics; of more "
	 "rows, a uniform random sample is drawn."},
	{"medium_percentile", HML_PARAM_NUMBER, "80", 0, 100, NULL,
	 "Percentile of the training scores from which the risk is medium."},
	{"high_percentile", HML_PARAM_NUMBER, "null", 0, 100, NULL,
	 "Percentile of the training scores from which the risk is high; by default the anomaly "
	 "threshold."},
	{0}};

static HmlStatus
refuse_target(HmlContext *ctx, const HmlFrame *frame, const char *value)
{
	hml_fail(ctx, HML_INVALID_DATA, "target column \"%s\" must be boolean, 0 or 1, not \"%s\"",
			 hml_frame_column(frame, HML_ROLE_TARGET)->name, value);
	return hml_hint_condition(ctx, frame);
}

HmlStatus
hml_anomaly_check_target(HmlContext *ctx, const HmlFrame *frame)
{
	char number[HML_NUMBER_SIZE];

	if (hml_frame_column(frame, HML_ROLE_TARGET)->kind == HML_COLUMN_CATEGORY)
		return refuse_target(ctx, frame,
							 hml_frame_column(frame, HML_ROLE_TARGET)->categories.count > 0
								 ? hml_frame_column(frame, HML_ROLE_TARGET)->categories.texts[0]
								 : "");
	for (size_t i = 0; i < frame->n_rows; i++)
	{
		double target = hml_frame_values(frame, HML_ROLE_TARGET)[i];

		if (!isnan(target) && target != 0.0 && target != 1.0)
			return refuse_target(ctx, frame, hml_number_format(number, target));
	}
	return HML_OK;
}

/* A row without a target counts as normal. */
static bool
is_positive(const HmlFrame *frame, size_t row)
{
	return hml_frame_has(frame, HML_ROLE_TARGET) && hml_frame_values(frame, HML_ROLE_TARGET)[row] == 1.0;
}

static HmlStatus
select_rows(HmlContext *ctx, const HmlTraining *training, uint32_t **rows, size_t *n_rows)
{
	const HmlFrame *frame = training->frame;
	bool all = hml_param_is_choice(training->params, "fit_on", "all");

	*rows = NULL;
	*n_rows = 0;
	if (hml_frame_has(frame, HML_ROLE_TARGET))
		HML_TRY(hml_anomaly_check_target(ctx, frame));
	HML_TRY(HML_NEW(ctx, rows, frame->n_rows));
	for (size_t i = 0; i < frame->n_rows; i++)
		if (all || !is_positive(frame, i))
			(*rows)[(*n_rows)++] = (uint32_t) i;
	if (*n_rows > 0)
		return HML_OK;
	hml_free(ctx, *rows);
	*rows = NULL;
	hml_fail(ctx, HML_INVALID_DATA,
			 "target column \"%s\" is true in every row, which leaves none to learn from",
			 hml_frame_column(frame, HML_ROLE_TARGET)->name);
	return hml_hint(ctx, "Set \"fit_on\" to \"all\" to learn from all rows.");
}

HmlStatus
hml_anomaly_train(HmlContext *ctx, const HmlTraining *training, HmlModel *model, HmlAnomalyFit fit)
{
	uint32_t *rows;
	size_t n_rows;
	HmlArena *arena;
	HmlStatus status;

	HML_TRY(select_rows(ctx, training, &rows, &n_rows));
	status = hml_arena_create(ctx, &arena);
	if (status == HML_OK)
	{
		status = fit(arena, training, model, rows, n_rows);
		hml_arena_free(arena);
	}
	hml_free(ctx, rows);
	return status;
}

/* Rows that are scored: those of the fit come first. */
typedef struct Sample
{
	uint32_t *rows;
	size_t n_fit;
	size_t n;
	double *scores; /* (n) */
	bool *labels;   /* (n), packed together with their scores for the metrics */
} Sample;

static void
free_sample(HmlContext *ctx, Sample *sample)
{
	hml_free(ctx, sample->rows);
	hml_free(ctx, sample->scores);
	hml_free(ctx, sample->labels);
}

/* Move 'wanted' of the n items, drawn uniformly, to the front, in ascending order of their places. */
static size_t
draw(HmlRng *rng, uint32_t *items, size_t n, size_t wanted)
{
	size_t drawn = 0;

	/* D. E. Knuth, TAOCP vol. 2, 3.4.2, algorithm S. */
	for (size_t i = 0; i < n && drawn < wanted; i++)
		if (hml_rng_below(rng, n - i) < wanted - drawn)
			items[drawn++] = items[i];
	return drawn;
}

/* 'part' of n, at least one if there is any. */
static size_t
share_of(size_t n, double part)
{
	size_t share = (size_t) ((double) n * part + 0.5);

	if (share == 0)
		share = 1;
	return share < n ? share : n;
}

static HmlStatus
draw_sample(HmlContext *ctx, const HmlTraining *training, const uint32_t *rows, size_t n_rows, Sample *sample)
{
	const HmlFrame *frame = training->frame;
	size_t n_rest = 0;
	double wanted = hml_param_number(training->params, "calibration_rows");
	HmlRng rng;

	hml_rng_seed_stream(&rng, (uint64_t) hml_param_integer(training->params, "seed"), CALIBRATION_STREAM);
	HML_TRY(HML_NEW(ctx, &sample->rows, frame->n_rows));
	memcpy(sample->rows, rows, n_rows * sizeof(*rows));
	sample->n_fit = draw(&rng, sample->rows, n_rows, share_of(n_rows, wanted / (double) frame->n_rows));
	/* The rows that were left out are the ones between those that were not. */
	for (size_t row = 0, next = 0; row < frame->n_rows; row++)
	{
		if (next < n_rows && rows[next] == row)
			next++;
		else
			sample->rows[sample->n_fit + n_rest++] = (uint32_t) row;
	}
	sample->n = sample->n_fit + draw(&rng, sample->rows + sample->n_fit, n_rest,
									 share_of(n_rest, wanted / (double) frame->n_rows));
	HML_TRY(HML_NEW(ctx, &sample->scores, sample->n));
	return HML_NEW(ctx, &sample->labels, sample->n);
}

static void
set_cutoffs(const HmlParams *params, const double *sorted, size_t n, double auto_threshold,
			HmlCalibration *calibration)
{
	double medium = hml_quantile(sorted, n, hml_param_number(params, "medium_percentile") / 100.0);

	calibration->threshold = auto_threshold;
	/* Scores of constant data differ from it by rounding alone: no anomalies. */
	if (n > 0 && fabs(sorted[n - 1] - auto_threshold) < SCORE_ROUNDING)
		calibration->threshold = sorted[n - 1];
	if (!hml_param_is_choice(params, "contamination", "auto"))
		calibration->threshold = hml_quantile(sorted, n, 1.0 - hml_param_number(params, "contamination"));
	calibration->high_cutoff = calibration->threshold;
	if (hml_param_is_set(params, "high_percentile"))
		calibration->high_cutoff =
			hml_quantile(sorted, n, hml_param_number(params, "high_percentile") / 100.0);
	calibration->medium_cutoff = fmin(medium, calibration->high_cutoff);
}

/* Only rows whose target is known count. */
static HmlStatus
report_metrics(HmlContext *ctx, const HmlTraining *training, const HmlModel *model, const Sample *sample)
{
	const HmlFrame *frame = training->frame;
	HmlConfusion confusion;
	HmlClassificationMetrics metrics;
	double roc_auc;
	double average_precision;
	size_t n = 0;

	for (size_t i = 0; i < sample->n; i++)
	{
		if (isnan(hml_frame_values(frame, HML_ROLE_TARGET)[sample->rows[i]]))
			continue;
		sample->scores[n] = sample->scores[i];
		sample->labels[n++] = is_positive(frame, sample->rows[i]);
	}
	HML_TRY(hml_roc_auc(ctx, sample->scores, sample->labels, n, &roc_auc));
	HML_TRY(hml_average_precision(ctx, sample->scores, sample->labels, n, &average_precision));
	confusion = hml_confusion_at(sample->scores, sample->labels, n, model->calibration.threshold);
	metrics = hml_classification_metrics(&confusion);
	hml_metric(training, "roc_auc", roc_auc);
	hml_metric(training, "average_precision", average_precision);
	hml_metric(training, "precision", metrics.precision);
	hml_metric(training, "recall", metrics.recall);
	hml_metric(training, "specificity", metrics.specificity);
	hml_metric(training, "f1", metrics.f1);
	hml_metric(training, "evaluated_rows", (double) n);
	hml_metric(training, "evaluated_positives",
			   (double) (confusion.true_positives + confusion.false_negatives));
	return HML_OK;
}

/* What the scores of the rows of the fit say. */
static HmlStatus
calibrate(HmlContext *ctx, const HmlParams *params, const Sample *sample, double auto_threshold,
		  HmlModel *model)
{
	double *sorted;
	HmlStatus status = HML_OK;

	HML_TRY(HML_NEW(ctx, &sorted, sample->n_fit));
	for (size_t i = 0; i < sample->n_fit; i++)
	{
		sorted[i] = sample->scores[i];
		if (!isfinite(sorted[i]))
			status = hml_fail(ctx, HML_DIVERGED, "the trained model gives scores that are not finite");
	}
	if (status == HML_OK)
		status = hml_calibration_fit(model->arena, sorted, sample->n_fit, &model->calibration);
	if (status == HML_OK)
		set_cutoffs(params, sorted, sample->n_fit, auto_threshold, &model->calibration);
	hml_free(ctx, sorted);
	return status;
}

HmlStatus
hml_anomaly_calibrate(HmlContext *ctx, const HmlTraining *training, HmlModel *model, const uint32_t *rows,
					  size_t n_rows, double auto_threshold)
{
	Sample sample = {0};
	HmlStatus status = draw_sample(ctx, training, rows, n_rows, &sample);

	model->trained_rows = (int64_t) n_rows;
	if (status == HML_OK)
		status =
			hml_frame_scores(ctx, model, training->frame, sample.rows, sample.n, "calibrate", sample.scores);
	if (status == HML_OK)
		status = calibrate(ctx, training->params, &sample, auto_threshold, model);
	if (status == HML_OK)
		hml_metric(training, "threshold", model->calibration.threshold);
	if (status == HML_OK && hml_frame_has(training->frame, HML_ROLE_TARGET))
		status = report_metrics(ctx, training, model, &sample);
	free_sample(ctx, &sample);
	return status;
}
