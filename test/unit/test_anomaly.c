/*
 * test_anomaly.c
 *	  What anomaly detectors share, with a detector whose score is its only feature.
 */
#include "unit/support.h"

#include "core/model/anomaly.h"
#include "core/stats/quantile.h"

static TestHost host;
static HmlContext ctx;
static HmlArena *arena;

static int
begin(void **state)
{
	(void) state;
	test_host_init(&host, &ctx);
	assert_ok(&ctx, hml_arena_create(&ctx, &arena));
	return 0;
}

static int
end(void **state)
{
	(void) state;
	hml_arena_free(arena);
	test_host_finish(&host, &ctx);
	return 0;
}

static HmlStatus
score_by_value(const HmlModel *model, HmlContext *context, void *scratch, const HmlSamples *samples,
			   double *scores)
{
	(void) model;
	(void) context;
	(void) scratch;
	memcpy(scores, samples->rows, samples->n * sizeof(double));
	return HML_OK;
}

static HmlStatus
score_nan(const HmlModel *model, HmlContext *context, void *scratch, const HmlSamples *samples,
		  double *scores)
{
	HmlStatus status = score_by_value(model, context, scratch, samples, scores);

	scores[samples->n - 1] = NAN;
	return status;
}

static size_t
no_scratch(const HmlModel *model)
{
	(void) model;
	return 0;
}

static HmlAlgorithm detector = {.name = "detector",
								.task = "anomaly_detection",
								.target_use = HML_TARGET_EVALUATES,
								.params = (const HmlParamSpec[]){{0}},
								.scratch_size = no_scratch,
								.outputs = score_by_value};

/* What one call needs: the frame, the parameters, the metrics. */
typedef struct Case
{
	HmlFrame *frame;
	HmlParams *params;
	HmlText metrics;
	HmlTraining training;
	HmlModel *model;
} Case;

static HmlStatus
make_frame(HmlContext *context, const double *values, const double *targets, HmlColumnKind target, size_t n,
		   HmlFrame **out)
{
	HmlStatus status = hml_frame_create(
		context,
		&(HmlFrameSpec){.n_columns = 1, .roles = {targets != NULL ? HML_ROLE_TARGET : HML_ROLE_NONE}}, out);

	if (status == HML_OK)
		status = hml_frame_set_column(*out, 0, "x", HML_COLUMN_NUMERIC);
	if (status == HML_OK)
		status = hml_frame_set_column(*out, 1, "sick", target);
	for (size_t i = 0; status == HML_OK && i < n; i++)
		status = hml_frame_add(*out, &values[i], targets != NULL ? &targets[i] : NULL);
	return status;
}

static void
open_case(Case *c, const double *values, const double *targets, size_t n, const char *json)
{
	const HmlJson *given;

	memset(c, 0, sizeof(*c));
	assert_ok(&ctx, make_frame(&ctx, values, targets, HML_COLUMN_BOOLEAN, n, &c->frame));
	assert_ok(&ctx, hml_json_parse(arena, json, strlen(json), &given));
	assert_ok(&ctx, hml_algorithm_params(arena, &detector, given, &c->params));
	hml_text_init(&c->metrics, &ctx);
	c->training = (HmlTraining){.frame = c->frame, .params = c->params, .metrics = &c->metrics};
}

static void
close_case(Case *c)
{
	hml_model_free(c->model);
	hml_text_free(&c->metrics);
	hml_frame_free(c->frame);
}

static uint32_t fitted[32]; /* the first rows of the last fit */
static size_t n_fitted;

/* Fit the pipeline, calibrate with an automatic threshold of 5. */
static HmlStatus
fit_rows(HmlArena *scratch, const HmlTraining *training, HmlModel *model, const uint32_t *rows, size_t n_rows)
{
	memcpy(fitted, rows, (n_rows < 32 ? n_rows : 32) * sizeof(*rows));
	n_fitted = n_rows;
	HML_TRY(hml_pipeline_fit(model->arena, training->frame, rows, n_rows, training->params, HML_SCALE_NONE,
							 &model->pipeline));
	return hml_anomaly_calibrate(hml_arena_context(scratch), training, model, rows, n_rows, 5);
}

static HmlStatus
train(Case *c)
{
	hml_model_free(c->model);
	assert_ok(&ctx, hml_model_create(&ctx, &detector, &c->model));
	return hml_anomaly_train(&ctx, &c->training, c->model, fit_rows);
}

static const double ten[] = {3, 9, 1, 0, 2, 5, 4, 6, 8, 7};

static void
fits_all_rows_without_a_target(void **state)
{
	Case c;

	(void) state;
	open_case(&c, ten, NULL, 10, "{}");
	assert_ok(&ctx, train(&c));
	assert_int_equal(n_fitted, 10);
	for (size_t i = 0; i < 10; i++)
		assert_int_equal(fitted[i], i);
	close_case(&c);
}

static void
leaves_out_positives(void **state)
{
	static const double targets[] = {0, 1, NAN, 0, 1};
	Case c;

	(void) state;
	open_case(&c, ten, targets, 5, "{}");
	assert_ok(&ctx, train(&c));
	assert_int_equal(n_fitted, 3);
	assert_true(fitted[0] == 0 && fitted[1] == 2 && fitted[2] == 3);
	close_case(&c);
	open_case(&c, ten, targets, 5, "{\"fit_on\": \"all\"}");
	assert_ok(&ctx, train(&c));
	assert_int_equal(n_fitted, 5);
	close_case(&c);
}

static void
refuses_useless_targets(void **state)
{
	static const double ones[] = {1, 1, 1};
	static const double classes[] = {0, 1, 4};
	Case c;
	HmlFrame *texts;
	double code;

	(void) state;
	open_case(&c, ten, ones, 3, "{}");
	assert_status(&ctx, train(&c), HML_INVALID_DATA);
	assert_string_equal(ctx.message,
						"target column \"sick\" is true in every row, which leaves none to learn from");
	assert_string_equal(ctx.hint, "Set \"fit_on\" to \"all\" to learn from all rows.");
	close_case(&c);

	open_case(&c, ten, classes, 3, "{}");
	assert_status(&ctx, train(&c), HML_INVALID_DATA);
	assert_string_equal(ctx.message, "target column \"sick\" must be boolean, 0 or 1, not \"4\"");
	assert_message(&ctx, "select a condition such as (sick > 0) as the target");
	assert_ok(&ctx, make_frame(&ctx, ten, classes, HML_COLUMN_CATEGORY, 0, &texts));
	assert_ok(&ctx, hml_frame_category(texts, 1, "Presence", 8, &code));
	c.training.frame = texts;
	assert_status(&ctx, train(&c), HML_INVALID_DATA);
	assert_string_equal(ctx.message, "target column \"sick\" must be boolean, 0 or 1, not \"Presence\"");
	hml_frame_free(texts);
	close_case(&c);
}

static void
has_cutoffs(const char *json, double medium, double high, double threshold)
{
	Case c;

	open_case(&c, ten, NULL, 10, json);
	assert_ok(&ctx, train(&c));
	assert_close(c.model->calibration.medium_cutoff, medium, 1e-14);
	assert_close(c.model->calibration.high_cutoff, high, 1e-14);
	assert_close(c.model->calibration.threshold, threshold, 1e-14);
	assert_int_equal(c.model->calibration.n_scores, 10);
	assert_int_equal(c.model->trained_rows, 10);
	close_case(&c);
}

static void
sets_cutoffs(void **state)
{
	(void) state;
	has_cutoffs("{}", 5, 5, 5); /* the 80th percentile, 7.2, is above the threshold */
	has_cutoffs("{\"contamination\": 0.1}", 7.2, 8.1, 8.1);
	has_cutoffs("{\"contamination\": 0}", 7.2, 9, 9);
	has_cutoffs("{\"contamination\": 0.1, \"medium_percentile\": 50}", 4.5, 8.1, 8.1);
	has_cutoffs("{\"contamination\": 0.5, \"high_percentile\": 100}", 7.2, 9, 4.5);
	has_cutoffs("{\"high_percentile\": 10}", 0.9, 0.9, 5);
}

static void
reports(const double *values, const double *targets, size_t n, const char *json, const char *metrics)
{
	Case c;

	open_case(&c, values, targets, n, json);
	assert_ok(&ctx, train(&c));
	assert_string_equal(c.metrics.data, metrics);
	close_case(&c);
}

/*
 * Normals 0 to 9, positives 8.5 and 20, threshold 8.1: 19 of 20 pairs are in
 * order, 9, 8.5 and 20 are called, two of them rightly.
 */
static void
reports_metrics(void **state)
{
	static const double values[] = {3, 9, 1, 20, 0, 2, 5, 4, 8.5, 6, 8, 7, 1000};
	static const double targets[] = {0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, NAN};

	(void) state;
	reports(values, targets, 12, "{\"contamination\": 0.1}",
			"\"threshold\": 8.1, \"roc_auc\": 0.95, \"average_precision\": 0.8333333333333333, "
			"\"precision\": 0.6666666666666666, \"recall\": 1, \"specificity\": 0.9, \"f1\": 0.8, "
			"\"evaluated_rows\": 12, "
			"\"evaluated_positives\": 2");
	/* A row without a target is fitted on but not evaluated. */
	reports(values, targets, 13, "{\"contamination\": 0.1}",
			"\"threshold\": 9, \"roc_auc\": 0.95, \"average_precision\": 0.8333333333333333, "
			"\"precision\": 1, \"recall\": 0.5, \"specificity\": 1, \"f1\": 0.6666666666666666, "
			"\"evaluated_rows\": 12, "
			"\"evaluated_positives\": 2");
	reports(ten, NULL, 10, "{}", "\"threshold\": 5");
	reports(
		ten, (const double[]){0, 0, 0}, 3, "{}",
		"\"threshold\": 5, \"roc_auc\": null, \"average_precision\": null, \"precision\": 0, \"recall\": 0, "
		"\"specificity\": 0.6666666666666666, "
		"\"f1\": 0, \"evaluated_rows\": 3, \"evaluated_positives\": 0");
}

#define LARGE 5000

static void
train_large(Case *c, const char *json)
{
	static double values[LARGE];
	static double targets[LARGE];

	for (size_t i = 0; i < LARGE; i++)
	{
		values[i] = (double) i;
		targets[i] = i % 10 == 9;
	}
	open_case(c, values, targets, LARGE, json);
	assert_ok(&ctx, train(c));
}

/* The sample has calibration_rows rows of both kinds together, in their true proportion. */
static void
scores_a_sample(void **state)
{
	Case c;
	Case again;
	Case other;
	const HmlCalibration *calibration;

	(void) state;
	train_large(&c, "{\"calibration_rows\": 1000}");
	train_large(&again, "{\"calibration_rows\": 1000}");
	train_large(&other, "{\"calibration_rows\": 1000, \"seed\": 7}");
	calibration = &c.model->calibration;
	assert_int_equal(c.model->trained_rows, 4500);
	assert_int_equal(calibration->n_scores, 900);
	assert_non_null(strstr(c.metrics.data, "\"evaluated_rows\": 1000, \"evaluated_positives\": 100"));
	assert_memory_equal(calibration->scores, again.model->calibration.scores, 900 * sizeof(double));
	assert_memory_not_equal(calibration->scores, other.model->calibration.scores, 900 * sizeof(double));
	for (size_t i = 0; i < 900; i++)
	{
		assert_true((int) calibration->scores[i] % 10 != 9);
		assert_true(i == 0 || calibration->scores[i] > calibration->scores[i - 1]);
	}
	/* The median of 900 of 4500 uniform scores; five standard deviations are 416. */
	assert_true(fabs(hml_quantile(calibration->scores, 900, 0.5) - 2500) < 416);
	close_case(&c);
	close_case(&again);
	close_case(&other);
}

static void
shows_progress(void **state)
{
	Case c;

	(void) state;
	train_large(&c, "{}");
	assert_true(host.progress_reports >= 5);
	assert_string_equal(host.last_progress.phase, "calibrate");
	assert_int_equal(host.last_progress.total, LARGE);
	close_case(&c);
}

static void
refuses_scores_that_are_not_finite(void **state)
{
	Case c;

	(void) state;
	detector.outputs = score_nan;
	open_case(&c, ten, NULL, 10, "{}");
	assert_status(&ctx, train(&c), HML_DIVERGED);
	assert_string_equal(ctx.message, "the trained model gives scores that are not finite");
	detector.outputs = score_by_value;
	close_case(&c);
}

/* Everything from nothing, as the glue does it. */
static HmlStatus
train_by_algorithm(HmlContext *context, const HmlTraining *training, HmlModel *model)
{
	return hml_anomaly_train(context, training, model, fit_rows);
}

static HmlStatus
work(HmlContext *context, void *argument)
{
	static const double targets[] = {0, 1, 0, 0, 0, 1, 0, 0, 1, 0};
	HmlArena *own;
	HmlFrame *frame = NULL;
	HmlText metrics;
	HmlTraining training = {.metrics = &metrics};
	HmlParams *params;
	HmlModel *model = NULL;
	HmlStatus status = hml_arena_create(context, &own);

	(void) argument;
	if (status != HML_OK)
		return status;
	hml_text_init(&metrics, context);
	status = make_frame(context, ten, targets, HML_COLUMN_BOOLEAN, 10, &frame);
	training.frame = frame;
	if (status == HML_OK)
		status = hml_algorithm_params(own, &detector, NULL, &params);
	if (status == HML_OK)
	{
		training.params = params;
		status = hml_model_train(context, &detector, &training, &model);
	}
	if (status == HML_OK)
		status = metrics.status;
	hml_model_free(model);
	hml_text_free(&metrics);
	hml_frame_free(frame);
	hml_arena_free(own);
	return status;
}

static void
survives_failures(void **state)
{
	(void) state;
	detector.train = train_by_algorithm;
	test_allocation_sweep(work, NULL);
	test_cancellation_sweep(work, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(fits_all_rows_without_a_target, begin, end),
		cmocka_unit_test_setup_teardown(leaves_out_positives, begin, end),
		cmocka_unit_test_setup_teardown(refuses_useless_targets, begin, end),
		cmocka_unit_test_setup_teardown(sets_cutoffs, begin, end),
		cmocka_unit_test_setup_teardown(reports_metrics, begin, end),
		cmocka_unit_test_setup_teardown(scores_a_sample, begin, end),
		cmocka_unit_test_setup_teardown(shows_progress, begin, end),
		cmocka_unit_test_setup_teardown(refuses_scores_that_are_not_finite, begin, end),
		cmocka_unit_test(survives_failures),
	};

	return cmocka_run_group_tests_name("anomaly", tests, NULL, NULL);
}
