/*
 * test_mlp.c
 *	  The algorithm "mlp": what it learns, what it refuses, what it keeps.
 */
#include "unit/model_support.h"
#include "unit/support.h"

#include "core/base/rng.h"
#include "core/model/verdict.h"
#include "core/learn/mlp/mlp.h"

#define SMALL "\"hidden_layers\": [16], \"dropout\": 0, \"epochs\": 60, \"learning_rate\": 0.01"

typedef enum TargetKind
{
	TARGET_BOOLEAN,
	TARGET_TEXT,
	TARGET_VALUE
} TargetKind;

typedef struct Fixture
{
	TestHost host;
	HmlContext ctx;
	HmlArena *arena;
	HmlFrame *frame;
	HmlText metrics;
} Fixture;

/* Points of a square: exclusive or, which quarter they lie in, and a product. */
static void
add_points(Fixture *f, TargetKind kind, size_t n)
{
	static const char *const quarters[] = {"north", "east", "south"};
	HmlRng rng;

	hml_rng_seed(&rng, 3);
	for (size_t i = 0; i < n; i++)
	{
		double point[2] = {hml_rng_normal(&rng), hml_rng_normal(&rng)};
		double target = 100.0 + 10.0 * point[0] * point[1];
		const char *quarter = quarters[point[0] > 0 ? 0 : point[1] > 0 ? 1 : 2];

		if (kind == TARGET_BOOLEAN)
			target = (point[0] > 0) != (point[1] > 0);
		else if (kind == TARGET_TEXT)
			assert_ok(&f->ctx, hml_frame_category(f->frame, 2, quarter, strlen(quarter), &target));
		assert_ok(&f->ctx, hml_frame_add(f->frame, point,
										 (double[]){target, i % 50 == 0 ? NAN : 1e9 + (double) (i / 5)}));
	}
}

static void
setup(Fixture *f, TargetKind kind, size_t n)
{
	const HmlColumnKind kinds[] = {HML_COLUMN_BOOLEAN, HML_COLUMN_CATEGORY, HML_COLUMN_NUMERIC};

	test_host_init(&f->host, &f->ctx);
	assert_ok(&f->ctx, hml_arena_create(&f->ctx, &f->arena));
	assert_ok(&f->ctx,
			  hml_frame_create(&f->ctx,
							   &(HmlFrameSpec){.n_columns = 2, .roles = {HML_ROLE_TARGET, HML_ROLE_GROUP}},
							   &f->frame));
	assert_ok(&f->ctx, hml_frame_set_column(f->frame, 0, "x", HML_COLUMN_NUMERIC));
	assert_ok(&f->ctx, hml_frame_set_column(f->frame, 1, "y", HML_COLUMN_NUMERIC));
	assert_ok(&f->ctx, hml_frame_set_column(f->frame, 2, "target", kinds[kind]));
	assert_ok(&f->ctx, hml_frame_set_column(f->frame, 3, "patient", HML_COLUMN_NUMERIC));
	hml_text_init(&f->metrics, &f->ctx);
	add_points(f, kind, n);
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
	return train_model(f->arena, &hml_mlp, f->frame, json, &f->metrics, model);
}

static double
metric(Fixture *f, const char *name)
{
	return metric_of(f->arena, &f->metrics, name);
}

/* Scratch for calls of the model, which lives as long as the fixture. */
static void *
scratch(Fixture *f, const HmlModel *model)
{
	void *block;

	assert_ok(&f->ctx, hml_arena_alloc(f->arena, 1, model->algorithm->scratch_size(model), &block));
	return block;
}

static double
score(Fixture *f, const HmlModel *model, double x, double y)
{
	double values[2] = {x, y};
	double inputs[2];
	HmlSamples row = hml_sample_rows(inputs, 1);
	double result;

	assert_ok(&f->ctx, hml_pipeline_apply(model->pipeline, &f->ctx, values, inputs, NULL));
	assert_ok(&f->ctx, hml_model_score(model, &f->ctx, scratch(f, model), &row, &result));
	return result;
}

/* Reading what was written gives the same bytes and the same scores. */
static void
assert_survives_artifact(Fixture *f, const HmlModel *model)
{
	HmlWriter writer;
	HmlWriter again;
	HmlModel *copy;

	hml_writer_init(&writer, &f->ctx);
	hml_writer_init(&again, &f->ctx);
	assert_ok(&f->ctx, hml_model_write(model, &writer));
	assert_ok(&f->ctx, hml_model_read(&f->ctx, writer.data, writer.length, &copy));
	assert_ok(&f->ctx, hml_model_write(copy, &again));
	assert_int_equal(writer.length, again.length);
	assert_memory_equal(writer.data, again.data, writer.length);
	assert_close(score(f, copy, 0.3, -0.7), score(f, model, 0.3, -0.7), 0);
	hml_model_free(copy);
	hml_writer_free(&writer);
	hml_writer_free(&again);
}

static void
test_binary(void **state)
{
	Fixture f;
	HmlModel *model;
	double outputs[2];
	const double inputs[2] = {1, -1};
	HmlSamples row = hml_sample_rows(inputs, 1);

	(void) state;
	setup(&f, TARGET_BOOLEAN, 1000);
	assert_ok(&f.ctx, train(&f, "{" SMALL "}", &model));
	assert_true(metric(&f, "roc_auc") > 0.97);
	assert_in_range((uintmax_t) metric(&f, "validation_rows"), 138, 148);
	assert_int_equal(model->n_outputs, 2);
	assert_string_equal(model->output_names[1], "true");
	assert_true(score(&f, model, 1, -1) > 0.9);
	assert_true(score(&f, model, 1, 1) < 0.1);
	assert_ok(&f.ctx, hml_model_outputs(model, &f.ctx, scratch(&f, model), &row, outputs));
	assert_close(outputs[0] + outputs[1], 1.0, 1e-12);
	assert_survives_artifact(&f, model);
	hml_model_free(model);
	teardown(&f);
}

static void
test_positive_class_can_be_chosen(void **state)
{
	Fixture f;
	HmlModel *model;

	(void) state;
	setup(&f, TARGET_BOOLEAN, 1000);
	assert_ok(&f.ctx,
			  train(&f, "{" SMALL ", \"positive\": \"false\", \"class_weight\": \"balanced\"}", &model));
	assert_string_equal(model->output_names[1], "false");
	assert_true(score(&f, model, 1, 1) > 0.9);
	hml_model_free(model);
	assert_status(&f.ctx, train(&f, "{" SMALL ", \"positive\": \"maybe\"}", &model), HML_INVALID_ARGUMENT);
	assert_message(&f.ctx, "maybe");
	teardown(&f);
}

static void
test_multiclass(void **state)
{
	Fixture f;
	HmlModel *model;
	double outputs[3];
	const double inputs[2] = {-1, -1};
	HmlSamples row = hml_sample_rows(inputs, 1);

	(void) state;
	setup(&f, TARGET_TEXT, 1000);
	assert_ok(&f.ctx, train(&f, "{" SMALL ", \"class_weight\": {\"north\": 2}}", &model));
	assert_true(metric(&f, "accuracy") > 0.93);
	assert_int_equal(model->n_outputs, 3);
	assert_string_equal(model->output_names[0], "east");
	assert_string_equal(model->output_names[2], "south");
	assert_ok(&f.ctx, hml_model_outputs(model, &f.ctx, scratch(&f, model), &row, outputs));
	assert_close(outputs[0] + outputs[1] + outputs[2], 1.0, 1e-6);
	assert_true(outputs[2] > 0.9);
	assert_survives_artifact(&f, model);
	hml_model_free(model);
	assert_status(&f.ctx, train(&f, "{" SMALL ", \"class_weight\": {\"west\": 2}}", &model), HML_UNDEFINED);
	assert_status(&f.ctx, train(&f, "{" SMALL ", \"class_weight\": {\"east\": 0}}", &model),
				  HML_INVALID_ARGUMENT);
	assert_status(&f.ctx, train(&f, "{" SMALL ", \"task\": \"regression\"}", &model), HML_INVALID_ARGUMENT);
	teardown(&f);
}

static void
test_regression(void **state)
{
	Fixture f;
	HmlModel *model;

	(void) state;
	setup(&f, TARGET_VALUE, 2000);
	assert_ok(&f.ctx, train(&f, "{" SMALL "}", &model));
	assert_true(metric(&f, "r2") > 0.9);
	assert_int_equal(model->n_outputs, 1);
	assert_true(fabs(score(&f, model, 1, 1) - 110.0) < 3.0);
	assert_survives_artifact(&f, model);
	hml_model_free(model);
	teardown(&f);
}

static void
test_same_seed_same_model(void **state)
{
	Fixture f;
	HmlModel *first;
	HmlModel *second;

	(void) state;
	setup(&f, TARGET_BOOLEAN, 300);
	assert_ok(&f.ctx, train(&f, "{" SMALL ", \"seed\": 7}", &first));
	assert_ok(&f.ctx, train(&f, "{" SMALL ", \"seed\": 7}", &second));
	assert_close(score(&f, first, 0.1, 0.2), score(&f, second, 0.1, 0.2), 0);
	hml_model_free(second);
	assert_ok(&f.ctx, train(&f, "{" SMALL ", \"seed\": 8}", &second));
	assert_true(score(&f, first, 0.1, 0.2) != score(&f, second, 0.1, 0.2));
	hml_model_free(second);
	hml_model_free(first);
	teardown(&f);
}

static void
test_own_network(void **state)
{
	Fixture f;
	HmlModel *model;
	const char *good =
		"{\"epochs\": 5, \"network\": {\"input\": [2], \"layers\": [{\"op\": \"dense\", \"units\": 1},"
		"{\"op\": \"sigmoid\"}]}}";
	const char *no_sigmoid =
		"{\"network\": {\"input\": [2], \"layers\": [{\"op\": \"dense\", \"units\": 1}]}}";
	const char *three_inputs =
		"{\"network\": {\"input\": [3], \"layers\": [{\"op\": \"dense\", \"units\": 1},"
		"{\"op\": \"sigmoid\"}]}}";
	const char *two_outputs = "{\"network\": {\"input\": [2], \"layers\": [{\"op\": \"dense\", \"units\": 2},"
							  "{\"op\": \"sigmoid\"}]}}";

	(void) state;
	setup(&f, TARGET_BOOLEAN, 100);
	assert_ok(&f.ctx, train(&f, good, &model));
	hml_model_free(model);
	assert_status(&f.ctx, train(&f, no_sigmoid, &model), HML_INVALID_ARGUMENT);
	assert_message(&f.ctx, "sigmoid");
	assert_status(&f.ctx, train(&f, three_inputs, &model), HML_INVALID_ARGUMENT);
	assert_status(&f.ctx, train(&f, two_outputs, &model), HML_INVALID_ARGUMENT);
	teardown(&f);
}

static void
test_refusals(void **state)
{
	Fixture f;
	HmlModel *model;

	(void) state;
	setup(&f, TARGET_BOOLEAN, 200);
	assert_status(&f.ctx,
				  train(&f,
						"{\"dropout\": 0, \"activation\": \"leaky_relu\", \"optimizer\": \"sgd\", "
						"\"learning_rate\": 1e6}",
						&model),
				  HML_DIVERGED);
	assert_status(&f.ctx, train(&f, "{\"hidden_layers\": [0]}", &model), HML_INVALID_ARGUMENT);
	assert_status(&f.ctx, train(&f, "{\"hidden_layer\": [5]}", &model), HML_UNDEFINED);
	assert_status(&f.ctx, train(&f, "{\"class_weight\": \"equal\"}", &model), HML_INVALID_ARGUMENT);
	assert_message(&f.ctx, "balanced");
	for (size_t i = 0; i < f.frame->n_rows; i++)
		hml_frame_values(f.frame, HML_ROLE_TARGET)[i] = 1;
	assert_status(&f.ctx, train(&f, "{" SMALL "}", &model), HML_INVALID_DATA);
	assert_message(&f.ctx, "only the class");
	for (size_t i = 0; i < f.frame->n_rows; i++)
		hml_frame_values(f.frame, HML_ROLE_TARGET)[i] = NAN;
	assert_status(&f.ctx, train(&f, "{" SMALL "}", &model), HML_INVALID_DATA);
	teardown(&f);

	setup(&f, TARGET_VALUE, 50);
	for (size_t i = 0; i < f.frame->n_rows; i++)
		hml_frame_values(f.frame, HML_ROLE_TARGET)[i] = 2.5;
	assert_status(&f.ctx, train(&f, "{" SMALL "}", &model), HML_INVALID_DATA);
	hml_frame_values(f.frame, HML_ROLE_TARGET)[7] = INFINITY;
	assert_status(&f.ctx, train(&f, "{" SMALL "}", &model), HML_INVALID_DATA);
	teardown(&f);
}

/* Rows without a target are not learnt from and not counted. */
static void
test_missing_targets(void **state)
{
	Fixture f;
	HmlModel *model;

	(void) state;
	setup(&f, TARGET_BOOLEAN, 300);
	for (size_t i = 0; i < 100; i++)
		hml_frame_values(f.frame, HML_ROLE_TARGET)[i] = NAN;
	assert_ok(&f.ctx, train(&f, "{" SMALL "}", &model));
	assert_int_equal(model->trained_rows, 200);
	hml_model_free(model);
	teardown(&f);
}

static HmlStatus
train_and_reload(HmlContext *ctx, void *argument)
{
	const Fixture *f = argument;
	const char *json =
		"{\"hidden_layers\": [3], \"dropout\": 0, \"epochs\": 2, \"class_weight\": \"balanced\"}";
	HmlTraining training = {.frame = f->frame};
	HmlArena *arena;
	HmlWriter writer;
	HmlModel *model = NULL;
	HmlModel *copy = NULL;
	const HmlJson *given;
	HmlParams *params;
	HmlStatus status;

	HML_TRY(hml_arena_create(ctx, &arena));
	hml_writer_init(&writer, ctx);
	status = hml_json_parse(arena, json, strlen(json), &given);
	if (status == HML_OK)
		status = hml_algorithm_params(arena, &hml_mlp, given, &params);
	if (status == HML_OK)
	{
		training.params = params;
		status = hml_model_train(ctx, &hml_mlp, &training, &model);
	}
	if (status == HML_OK)
		status = hml_model_write(model, &writer);
	if (status == HML_OK)
		status = hml_model_read(ctx, writer.data, writer.length, &copy);
	hml_model_free(copy);
	hml_model_free(model);
	hml_writer_free(&writer);
	hml_arena_free(arena);
	return status;
}

static void
test_failures_leave_nothing(void **state)
{
	Fixture f;

	(void) state;
	setup(&f, TARGET_TEXT, 60);
	test_allocation_sweep(train_and_reload, &f);
	test_cancellation_sweep(train_and_reload, &f);
	teardown(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_binary),
		cmocka_unit_test(test_positive_class_can_be_chosen),
		cmocka_unit_test(test_multiclass),
		cmocka_unit_test(test_regression),
		cmocka_unit_test(test_same_seed_same_model),
		cmocka_unit_test(test_own_network),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_missing_targets),
		cmocka_unit_test(test_failures_leave_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
