/*
 * test_autoencoder.c
 *	  The algorithm "autoencoder": what is an anomaly to it, what it says about it, what it keeps.
 */
#include "unit/model_support.h"
#include "unit/support.h"

#include "core/base/rng.h"
#include "core/explain/gradient.h"
#include "core/model/anomaly.h"
#include "core/model/verdict.h"
#include "core/learn/autoencoder/autoencoder.h"

#define ROWS 600
#define ANOMALIES 30
#define SMALL "\"hidden_layers\": [16], \"bottleneck\": 2, \"epochs\": 60"

/*
 * Two hidden causes make three measurements and a text; an anomaly has measurements
 * that are usual one by one and do not fit together.
 */
typedef struct Fixture
{
	TestHost host;
	HmlContext ctx;
	HmlArena *arena;
	HmlFrame *frame;
	HmlText metrics;
} Fixture;

static void
make_row(HmlRng *rng, bool anomaly, double *values)
{
	double a = hml_rng_normal(rng);
	double b = hml_rng_normal(rng);

	values[0] = 120 + 15 * a;
	values[1] = 70 + 8 * a + 0.5 * hml_rng_normal(rng);
	values[2] = 5 * b;
	values[3] = b > 0 ? 1 : 0;
	if (anomaly)
		values[1] = 70 - 8 * (a > 0 ? 1 : -1) * (1 + fabs(a));
}

static void
setup(Fixture *f, size_t n, size_t n_anomalies)
{
	static const char *const names[] = {"systolic", "diastolic", "excess", "side"};
	HmlRng rng;
	double code[2];

	test_host_init(&f->host, &f->ctx);
	assert_ok(&f->ctx, hml_arena_create(&f->ctx, &f->arena));
	assert_ok(&f->ctx, hml_frame_create(&f->ctx, &(HmlFrameSpec){.n_columns = 4, .roles = {HML_ROLE_TARGET}},
										&f->frame));
	for (size_t i = 0; i < 4; i++)
		assert_ok(&f->ctx, hml_frame_set_column(f->frame, i, names[i],
												i == 3 ? HML_COLUMN_CATEGORY : HML_COLUMN_NUMERIC));
	assert_ok(&f->ctx, hml_frame_set_column(f->frame, 4, "ill", HML_COLUMN_BOOLEAN));
	assert_ok(&f->ctx, hml_frame_category(f->frame, 3, "left", 4, &code[0]));
	assert_ok(&f->ctx, hml_frame_category(f->frame, 3, "right", 5, &code[1]));
	hml_text_init(&f->metrics, &f->ctx);
	hml_rng_seed(&rng, 3);
	for (size_t i = 0; i < n; i++)
	{
		double values[4];

		make_row(&rng, i < n_anomalies, values);
		values[3] = code[(int) values[3]];
		assert_ok(&f->ctx, hml_frame_add(f->frame, values, (double[]){i < n_anomalies}));
	}
}

static void
teardown(Fixture *f)
{
	hml_text_free(&f->metrics);
	hml_frame_free(f->frame);
	hml_arena_free(f->arena);
	test_host_finish(&f->host, &f->ctx);
}

static HmlStatus
train(Fixture *f, const char *json, HmlModel **model)
{
	return train_model(f->arena, &hml_autoencoder, f->frame, json, &f->metrics, model);
}

static double
metric(Fixture *f, const char *name)
{
	return metric_of(f->arena, &f->metrics, name);
}

/* Inputs of (systolic, diastolic, excess, "right"). */
static void
inputs_of(Fixture *f, const HmlModel *model, double systolic, double diastolic, double excess, double *inputs)
{
	double values[4] = {systolic, diastolic, excess, hml_pipeline_category(model->pipeline, 3, "right", 5)};

	assert_ok(&f->ctx, hml_pipeline_apply(model->pipeline, &f->ctx, values, inputs, NULL));
}

static double
score(Fixture *f, const HmlModel *model, double systolic, double diastolic, double excess)
{
	double inputs[8];
	HmlSamples row = hml_sample_rows(inputs, 1);
	double result;
	void *scratch;

	inputs_of(f, model, systolic, diastolic, excess, inputs);
	assert_ok(&f->ctx, hml_arena_alloc(f->arena, 1, model->algorithm->scratch_size(model), &scratch));
	assert_ok(&f->ctx, hml_model_score(model, &f->ctx, scratch, &row, &result));
	return result;
}

static void
test_finds_what_does_not_fit(void **state)
{
	Fixture f;
	HmlModel *model;
	double usual;
	double odd;

	(void) state;
	setup(&f, ROWS, ANOMALIES);
	assert_ok(&f.ctx, train(&f, "{" SMALL "}", &model));
	assert_true(metric(&f, "roc_auc") > 0.95);
	assert_true(metric(&f, "validation_loss") < 0.5);
	assert_int_equal(model->trained_rows, ROWS - ANOMALIES);
	usual = score(&f, model, 130, 75, 3);
	odd = score(&f, model, 130, 55, 3);
	assert_true(usual > 0 && usual < 0.5);
	assert_true(odd > 0.5 && odd < 1);
	assert_close(model->calibration.threshold, 0.5, 0);
	assert_true(hml_calibration_percentile(&model->calibration, odd) > 90);
	assert_true(score(&f, model, 1e30, -1e30, 1e30) > 0.999);
	hml_model_free(model);
	teardown(&f);
}

/* The share of the feature that is out of line is the largest, and the shares sum to 1. */
static void
test_explanation(void **state)
{
	Fixture f;
	HmlModel *model;
	double inputs[8];
	double reconstruction[8];
	double share[4];
	double sum = 0;

	(void) state;
	setup(&f, ROWS, ANOMALIES);
	assert_ok(&f.ctx, train(&f, "{" SMALL "}", &model));
	assert_int_equal(model->pipeline->n_inputs, 5);
	inputs_of(&f, model, 120, 70, 40, inputs);
	assert_ok(&f.ctx, hml_autoencoder_explain(model, &f.ctx, inputs, reconstruction, share));
	for (size_t i = 0; i < 4; i++)
	{
		assert_true(share[i] >= 0);
		sum += share[i];
	}
	assert_close(sum, 1, 1e-12);
	assert_true(share[2] > 0.5);
	assert_true(fabs(reconstruction[0]) < 1.5);
	hml_model_free(model);
	teardown(&f);
}

/* Integrated gradients go through the error as well as through the network, and add up. */
static void
test_integrated_gradients(void **state)
{
	Fixture f;
	HmlModel *model;
	double inputs[8];
	double contributions[4];
	HmlExplanation out = {.contributions = contributions};
	double sum;

	(void) state;
	setup(&f, ROWS, ANOMALIES);
	assert_ok(&f.ctx, train(&f, "{" SMALL "}", &model));
	inputs_of(&f, model, 130, 50, 3, inputs);
	assert_ok(&f.ctx, hml_gradient_explain(model, &f.ctx, inputs, &out));
	assert_close(out.margin, score(&f, model, 130, 50, 3), 1e-5);
	sum = out.base;
	for (size_t i = 0; i < 4; i++)
		sum += contributions[i];
	assert_close(sum, out.margin, 0.02);
	assert_close(fabs(sum - out.margin), out.standard_error, 1e-12);
	assert_true(contributions[1] > fabs(contributions[2]) && contributions[1] > fabs(contributions[3]));
	hml_model_free(model);
	teardown(&f);
}

static void
test_same_seed_same_model(void **state)
{
	Fixture f;
	HmlModel *first;
	HmlModel *second;
	HmlModel *other;

	(void) state;
	setup(&f, 200, 0);
	assert_ok(&f.ctx, train(&f, "{" SMALL ", \"seed\": 4}", &first));
	assert_ok(&f.ctx, train(&f, "{" SMALL ", \"seed\": 4}", &second));
	assert_ok(&f.ctx, train(&f, "{" SMALL ", \"seed\": 5}", &other));
	assert_true(score(&f, first, 130, 55, 3) == score(&f, second, 130, 55, 3));
	assert_true(score(&f, first, 130, 55, 3) != score(&f, other, 130, 55, 3));
	hml_model_free(first);
	hml_model_free(second);
	hml_model_free(other);
	teardown(&f);
}

static void
test_own_network_and_contamination(void **state)
{
	Fixture f;
	HmlModel *model;

	(void) state;
	setup(&f, 300, 10);
	assert_ok(&f.ctx,
			  train(&f,
					"{\"epochs\": 5, \"contamination\": 0.1, \"fit_on\": \"all\", \"validation_fraction\": 0,"
					" \"network\": {\"input\": [5], \"layers\": [{\"op\": \"dense\", \"units\": 2},"
					" {\"op\": \"gelu\"}, {\"op\": \"dense\", \"units\": 5}]}}",
					&model));
	assert_int_equal(model->trained_rows, 300);
	assert_true(model->calibration.threshold < 0.5);
	hml_model_free(model);
	teardown(&f);
}

static void
test_refusals(void **state)
{
	static const struct
	{
		const char *params;
		HmlStatus status;
		const char *message;
	} cases[] = {
		{"{\"network\": {\"input\": [5], \"layers\": [{\"op\": \"dense\", \"units\": 4}]}}",
		 HML_INVALID_ARGUMENT, "one input and one output of 5 numbers each, not 5 and 4"},
		{"{\"network\": {\"input\": [5], \"layers\": [{\"op\": \"dance\"}]}}", HML_UNDEFINED, "dance"},
		{"{\"bottleneck\": 0}", HML_INVALID_ARGUMENT, "bottleneck"},
		{"{\"optimizer\": \"sgd\", \"learning_rate\": 1e6}", HML_DIVERGED, "smaller learning_rate"},
		{"{\"hidden_layers\": [65536, 65536]}", HML_LIMIT, "more than 500000000 parameters"},
	};
	Fixture f;
	HmlModel *model;

	(void) state;
	setup(&f, 100, 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
	{
		assert_status(&f.ctx, train(&f, cases[i].params, &model), cases[i].status);
		assert_message(&f.ctx, cases[i].message);
		assert_null(model);
	}
	teardown(&f);
}

/* Written, read and written again: the same bytes; cut or changed: an error or a model that can score. */
static void
test_artifact(void **state)
{
	Fixture f;
	HmlModel *model;
	HmlModel *copy;
	HmlWriter writer;
	HmlWriter again;

	(void) state;
	setup(&f, 100, 0);
	assert_ok(&f.ctx, train(&f, "{\"hidden_layers\": [3], \"epochs\": 2}", &model));
	hml_writer_init(&writer, &f.ctx);
	hml_writer_init(&again, &f.ctx);
	assert_ok(&f.ctx, hml_model_write(model, &writer));
	assert_ok(&f.ctx, hml_model_read(&f.ctx, writer.data, writer.length, &copy));
	assert_true(score(&f, model, 130, 60, 1) == score(&f, copy, 130, 60, 1));
	assert_ok(&f.ctx, hml_model_write(copy, &again));
	assert_int_equal(writer.length, again.length);
	assert_memory_equal(writer.data, again.data, writer.length);
	hml_model_free(copy);

	again.length = 0;
	hml_autoencoder.write(model, &again);
	for (size_t length = 0; length < again.length; length++)
	{
		HmlReader reader;
		void *impl = model->impl;

		hml_reader_init(&reader, &f.ctx, again.data, length, "section");
		assert_int_not_equal(hml_autoencoder.read(model, &reader), HML_OK);
		model->impl = impl;
	}
	hml_model_free(model);
	hml_writer_free(&writer);
	hml_writer_free(&again);
	teardown(&f);
}

static HmlStatus
train_and_explain(HmlContext *ctx, void *argument)
{
	const Fixture *f = argument;
	const char *json = "{\"hidden_layers\": [3], \"epochs\": 2}";
	HmlTraining training = {.frame = f->frame};
	HmlArena *arena;
	HmlModel *model = NULL;
	const HmlJson *given;
	HmlParams *params;
	HmlStatus status;

	HML_TRY(hml_arena_create(ctx, &arena));
	status = hml_json_parse(arena, json, strlen(json), &given);
	if (status == HML_OK)
		status = hml_algorithm_params(arena, &hml_autoencoder, given, &params);
	if (status == HML_OK)
	{
		training.params = params;
		status = hml_model_train(ctx, &hml_autoencoder, &training, &model);
	}
	if (status == HML_OK)
	{
		double inputs[5] = {0};
		double reconstruction[5];
		double share[4];

		status = hml_autoencoder_explain(model, ctx, inputs, reconstruction, share);
	}
	hml_model_free(model);
	hml_arena_free(arena);
	return status;
}

static void
test_failures_leave_nothing(void **state)
{
	Fixture f;

	(void) state;
	setup(&f, 60, 3);
	test_allocation_sweep(train_and_explain, &f);
	test_cancellation_sweep(train_and_explain, &f);
	teardown(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds_what_does_not_fit),
		cmocka_unit_test(test_explanation),
		cmocka_unit_test(test_integrated_gradients),
		cmocka_unit_test(test_same_seed_same_model),
		cmocka_unit_test(test_own_network_and_contamination),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_artifact),
		cmocka_unit_test(test_failures_leave_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
