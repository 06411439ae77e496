/*
 * test_verdict.c
 *	  Score, class and risk of outputs, with an algorithm whose outputs are its samples.
 */
#include "unit/support.h"

#include "core/model/verdict.h"

static TestHost host;
static HmlContext ctx;
static HmlModel *model;
static size_t samples_seen;

static HmlStatus
echo(const HmlModel *of, HmlContext *context, void *scratch, const HmlSamples *samples, double *outputs)
{
	(void) context;
	(void) scratch;
	samples_seen += samples->n;
	if (samples->kind == HML_SAMPLE_ROW)
		memcpy(outputs, samples->rows, samples->n * of->n_outputs * sizeof(double));
	else
		for (size_t i = 0; i < samples->n * of->n_outputs; i++)
			outputs[i] = (double) samples->tensors[i];
	return HML_OK;
}

static HmlAlgorithm algorithm = {.name = "echo", .task = "classification", .outputs = echo};

static int
begin(void **state)
{
	(void) state;
	samples_seen = 0;
	algorithm.target_use = HML_TARGET_LEARNT;
	test_host_init(&host, &ctx);
	assert_ok(&ctx, hml_model_create(&ctx, &algorithm, &model));
	model->calibration = (HmlCalibration){.medium_cutoff = 0.3, .high_cutoff = 0.6, .threshold = 0.6};
	return 0;
}

static int
end(void **state)
{
	(void) state;
	hml_model_free(model);
	test_host_finish(&host, &ctx);
	return 0;
}

static void
name_classes(size_t n)
{
	static const char *names[HML_MAX_OUTPUTS] = {"a", "b", "c", "d"};

	model->n_outputs = n;
	model->output_names = names;
}

static void
judges_a_value(void **state)
{
	static const double output = 0.7;
	HmlVerdict verdict;

	(void) state;
	hml_verdict_of_outputs(model, &output, NULL, &verdict);
	assert_close(verdict.score, 0.7, 0);
	assert_int_equal(verdict.risk, HML_RISK_UNKNOWN);
	assert_false(verdict.is_anomaly);
}

static void
judges_an_anomaly(void **state)
{
	static const double output = 0.5;
	HmlVerdict verdict;

	(void) state;
	algorithm.target_use = HML_TARGET_EVALUATES;
	hml_verdict_of_outputs(model, &output, NULL, &verdict);
	assert_close(verdict.score, 0.5, 0);
	assert_null(verdict.label);
	assert_true(isnan(verdict.confidence) && isnan(verdict.percentile));
	assert_int_equal(verdict.risk, HML_RISK_MEDIUM);
	assert_false(verdict.is_anomaly);
	assert_close(verdict.quality.usable_share, 1, 0);
	assert_null(verdict.quality.doubt);
}

/* Of two classes the threshold decides, not the likelier one. */
static void
judges_two_classes(void **state)
{
	static const double unsure[2] = {0.45, 0.55};
	static const double sure[2] = {0.2, 0.8};
	HmlVerdict verdict;

	(void) state;
	name_classes(2);
	hml_verdict_of_outputs(model, unsure, NULL, &verdict);
	assert_close(verdict.score, 0.55, 0);
	assert_string_equal(verdict.label, "a");
	assert_close(verdict.confidence, 0.55, 0);
	assert_false(verdict.is_anomaly);
	hml_verdict_of_outputs(model, sure, NULL, &verdict);
	assert_string_equal(verdict.label, "b");
	assert_int_equal(verdict.class, 1);
	assert_int_equal(verdict.risk, HML_RISK_HIGH);
	assert_true(verdict.is_anomaly);
}

static void
judges_more_classes(void **state)
{
	static const double outputs[4] = {0.1, 0.5, 0.3, 0.1};
	HmlVerdict verdict;

	(void) state;
	name_classes(4);
	hml_verdict_of_outputs(model, outputs, NULL, &verdict);
	assert_close(verdict.score, 0.5, 0);
	assert_string_equal(verdict.label, "b");
	assert_close(verdict.confidence, 0.5, 0);
	assert_ptr_equal(verdict.outputs, outputs);
	assert_int_equal(verdict.risk, HML_RISK_UNKNOWN);
}

static void
alarms_by_the_sum_of_classes(void **state)
{
	static const double outputs[4] = {0.3, 0.25, 0.05, 0.4};
	bool alarm[4] = {true, false, false, true};
	bool none[2] = {false, false};
	HmlVerdict verdict;

	(void) state;
	name_classes(4);
	model->alarm = alarm;
	hml_verdict_of_outputs(model, outputs, NULL, &verdict);
	assert_close(verdict.score, 0.7, 1e-15);
	assert_string_equal(verdict.label, "d");
	assert_close(verdict.confidence, 0.4, 0);
	assert_int_equal(verdict.risk, HML_RISK_HIGH);
	assert_true(verdict.is_anomaly);
	alarm[3] = false;
	hml_verdict_of_outputs(model, outputs, NULL, &verdict);
	assert_close(verdict.score, 0.3, 0);
	assert_int_equal(verdict.risk, HML_RISK_LOW);
	name_classes(2);
	model->alarm = none;
	hml_verdict_of_outputs(model, outputs, NULL, &verdict);
	assert_int_equal(verdict.risk, HML_RISK_UNKNOWN);
	assert_close(verdict.score, 0.25, 0);
}

static void
gives_no_risk_to_what_is_not_there(void **state)
{
	static const double outputs[2] = {0, 1};
	HmlFeature features[4] = {
		{.missing_share = 0}, {.missing_share = 0}, {.missing_share = 0}, {.missing_share = 0}};
	HmlPipeline pipeline = {.n_features = 4, .features = features};
	double values[4] = {1, NAN, 1, 1};
	HmlQuality quality;
	HmlVerdict verdict;

	(void) state;
	name_classes(2);
	model->pipeline = &pipeline;
	model->max_missing = HML_MAX_MISSING;
	quality = hml_row_quality(model, values, 1);
	assert_close(quality.usable_share, 0.75, 0);
	hml_verdict_of_outputs(model, outputs, &quality, &verdict);
	assert_int_equal(verdict.risk, HML_RISK_HIGH);
	assert_null(verdict.quality.doubt);
	values[0] = NAN;
	quality = hml_row_quality(model, values, 2);
	hml_verdict_of_outputs(model, outputs, &quality, &verdict);
	assert_int_equal(verdict.risk, HML_RISK_UNKNOWN);
	assert_false(verdict.is_anomaly);
	assert_non_null(verdict.quality.doubt);
	assert_close(verdict.score, 1, 0);
}

/* More samples than the outputs of which fit the buffer: each of them is computed once. */
static void
scores_samples_of_any_width(void **state)
{
	static const size_t widths[] = {1, 2, 3, HML_MAX_OUTPUTS};
	static float tensors[5000];
	static double scores[5000];

	(void) state;
	for (size_t w = 0; w < sizeof(widths) / sizeof(widths[0]); w++)
	{
		size_t n = 5000 / widths[w];
		HmlSamples samples = hml_sample_tensors(HML_SAMPLE_SIGNAL, tensors, n, 1, widths[w]);

		name_classes(widths[w]);
		for (size_t i = 0; i < n; i++)
			for (size_t c = 0; c < widths[w]; c++)
				tensors[i * widths[w] + c] = c + 1 == widths[w] ? (float) i + 1 : 0;
		samples_seen = 0;
		assert_ok(&ctx, hml_model_score(model, &ctx, NULL, &samples, scores));
		assert_int_equal(samples_seen, n);
		for (size_t i = 0; i < n; i++)
			assert_close(scores[i], (double) i + 1, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(judges_a_value, begin, end),
		cmocka_unit_test_setup_teardown(judges_an_anomaly, begin, end),
		cmocka_unit_test_setup_teardown(judges_two_classes, begin, end),
		cmocka_unit_test_setup_teardown(alarms_by_the_sum_of_classes, begin, end),
		cmocka_unit_test_setup_teardown(judges_more_classes, begin, end),
		cmocka_unit_test_setup_teardown(gives_no_risk_to_what_is_not_there, begin, end),
		cmocka_unit_test_setup_teardown(scores_samples_of_any_width, begin, end),
	};

	return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
