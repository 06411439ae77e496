/*
 * test_shapley.c
 *	  Shapley values of networks: against the definition, additive, reproducible.
 */
#include "unit/support.h"

#include "core/base/rng.h"
#include "core/explain/gradient.h"
#include "core/explain/shapley.h"
#include "core/learn/mlp/mlp.h"
#include "core/model/verdict.h"

#define SMALL 4
#define WIDE 20
#define TWELVE 12

typedef struct Fixture
{
	TestHost host;
	HmlContext ctx;
	HmlArena *arena;
	HmlFrame *frame;
	HmlModel *model;
} Fixture;

static const char *settings =
	"{\"hidden_layers\": [8], \"dropout\": 0, \"epochs\": 15, \"learning_rate\": 0.02}";

/* The last feature is a text, so one feature has two inputs; the target needs interactions. */
static void
setup(Fixture *f, size_t n_features)
{
	const HmlJson *given;
	HmlParams *params;
	HmlTraining training;
	HmlRng rng;
	char name[24];

	test_host_init(&f->host, &f->ctx);
	assert_ok(&f->ctx, hml_arena_create(&f->ctx, &f->arena));
	assert_ok(&f->ctx,
			  hml_frame_create(&f->ctx, &(HmlFrameSpec){.n_columns = n_features, .roles = {HML_ROLE_TARGET}},
							   &f->frame));
	for (size_t i = 0; i < n_features; i++)
	{
		snprintf(name, sizeof(name), "x%zu", i);
		assert_ok(&f->ctx,
				  hml_frame_set_column(f->frame, i, name,
									   i + 1 == n_features ? HML_COLUMN_CATEGORY : HML_COLUMN_NUMERIC));
	}
	assert_ok(&f->ctx, hml_frame_set_column(f->frame, n_features, "target", HML_COLUMN_BOOLEAN));
	hml_rng_seed(&rng, 8);
	for (size_t row = 0; row < 300; row++)
	{
		double values[WIDE];
		bool high = hml_rng_below(&rng, 2) == 1;

		for (size_t i = 0; i + 1 < n_features; i++)
			values[i] = hml_rng_normal(&rng);
		assert_ok(&f->ctx, hml_frame_category(f->frame, n_features - 1, high ? "high" : "low", high ? 4 : 3,
											  &values[n_features - 1]));
		assert_ok(&f->ctx,
				  hml_frame_add(f->frame, values, (double[]){values[0] * values[1] + (high ? 1 : -1) > 0}));
	}
	assert_ok(&f->ctx, hml_json_parse(f->arena, settings, strlen(settings), &given));
	assert_ok(&f->ctx, hml_algorithm_params(f->arena, &hml_mlp, given, &params));
	training = (HmlTraining){.frame = f->frame, .params = params};
	assert_ok(&f->ctx, hml_model_train(&f->ctx, &hml_mlp, &training, &f->model));
	assert_int_equal(f->model->n_background, 50);
}

static void
teardown(Fixture *f)
{
	hml_model_free(f->model);
	hml_frame_free(f->frame);
	hml_arena_free(f->arena);
	test_host_finish(&f->host, &f->ctx);
}

static void
inputs_of_row(Fixture *f, uint32_t row, double *inputs)
{
	assert_ok(&f->ctx, hml_pipeline_apply_frame(f->model->pipeline, &f->ctx, f->frame, &row, 1, inputs));
}

/* Mean score of the background after the features of 'coalition' took the row's values, one row at a time. */
static double
value_of(Fixture *f, const double *inputs, size_t coalition)
{
	const HmlPipeline *pipeline = f->model->pipeline;
	double sum = 0;
	void *scratch;

	assert_ok(&f->ctx, hml_alloc(&f->ctx, 1, f->model->algorithm->scratch_size(f->model), &scratch));
	for (size_t b = 0; b < f->model->n_background; b++)
	{
		double row[2 * WIDE];
		HmlSamples sample = hml_sample_rows(row, 1);
		double score;

		memcpy(row, f->model->background + b * pipeline->n_inputs, pipeline->n_inputs * sizeof(double));
		for (size_t i = 0; i < pipeline->n_features; i++)
			for (size_t j = 0; (coalition >> i & 1) != 0 && j < pipeline->features[i].n_inputs; j++)
				row[pipeline->features[i].first_input + j] = inputs[pipeline->features[i].first_input + j];
		assert_ok(&f->ctx, hml_model_score(f->model, &f->ctx, scratch, &sample, &score));
		sum += score;
	}
	hml_free(&f->ctx, scratch);
	return sum / (double) f->model->n_background;
}

/* The definition: the mean over all orders of what the feature adds to those before it. */
static void
add_orders(Fixture *f, const double *inputs, size_t *order, size_t length, double *sums, size_t *n_orders)
{
	size_t coalition = 0;

	if (length < SMALL)
	{
		for (size_t i = 0; i < SMALL; i++)
		{
			bool used = false;

			for (size_t k = 0; k < length; k++)
				used |= order[k] == i;
			order[length] = i;
			if (!used)
				add_orders(f, inputs, order, length + 1, sums, n_orders);
		}
		return;
	}
	for (size_t k = 0; k < SMALL; k++)
	{
		size_t with = coalition | (size_t) 1 << order[k];

		sums[order[k]] += value_of(f, inputs, with) - value_of(f, inputs, coalition);
		coalition = with;
	}
	(*n_orders)++;
}

static void
test_exact_values_equal_the_definition(void **state)
{
	Fixture f;
	double inputs[2 * SMALL];
	double contributions[SMALL];
	double expected[SMALL] = {0};
	size_t order[SMALL];
	size_t n_orders = 0;
	HmlExplanation out = {.contributions = contributions};

	(void) state;
	setup(&f, SMALL);
	inputs_of_row(&f, 17, inputs);
	assert_ok(&f.ctx, hml_explain(f.model, &f.ctx, inputs, &out));
	assert_string_equal(out.method, "exact_shapley");
	add_orders(&f, inputs, order, 0, expected, &n_orders);
	assert_int_equal(n_orders, 24);
	for (size_t i = 0; i < SMALL; i++)
		assert_true(fabs(contributions[i] - expected[i] / 24) < 1e-6);
	assert_true(fabs(out.base - value_of(&f, inputs, 0)) < 1e-6);
	assert_true(fabs(out.margin - value_of(&f, inputs, 15)) < 1e-6);
	teardown(&f);
}

static void
test_sampled_values_add_up(void **state)
{
	Fixture f;
	double inputs[2 * WIDE];
	double contributions[WIDE];
	double again[WIDE];
	double sum = 0;
	HmlExplanation out = {.contributions = contributions};
	HmlExplanation second = {.contributions = again};

	(void) state;
	setup(&f, WIDE);
	inputs_of_row(&f, 5, inputs);
	assert_ok(&f.ctx, hml_explain(f.model, &f.ctx, inputs, &out));
	assert_string_equal(out.method, "permutation_shap");
	for (size_t i = 0; i < WIDE; i++)
		sum += contributions[i];
	assert_true(fabs(out.base + sum - out.margin) < 1e-9);
	assert_true(fabs(out.margin - value_of(&f, inputs, ((size_t) 1 << WIDE) - 1)) < 1e-6);
	assert_true(out.standard_error > 0 && out.standard_error < 0.05);

	assert_ok(&f.ctx, hml_explain(f.model, &f.ctx, inputs, &second));
	assert_memory_equal(contributions, again, sizeof(contributions));

	/* The text decides more than any of the numbers that the target does not look at. */
	for (size_t i = 2; i < WIDE - 1; i++)
		assert_true(fabs(contributions[i]) < fabs(contributions[WIDE - 1]));
	teardown(&f);
}

static double
sum_of(const double *contributions, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += contributions[i];
	return sum;
}

/* The same model, explained as its settings say. */
static void
explain_as(Fixture *f, HmlExplainMethod method, size_t samples, const char *name, HmlExplanation *out)
{
	double inputs[2 * WIDE];

	inputs_of_row(f, 17, inputs);
	f->model->explain_method = method;
	f->model->explain_samples = samples;
	assert_ok(&f->ctx, hml_explain(f->model, &f->ctx, inputs, out));
	assert_string_equal(out->method, name);
}

/* Sampled values come nearer to the exact ones with the number of samples, and always add up. */
static void
test_method_is_a_matter_of_cost(void **state)
{
	Fixture f;
	double exact[TWELVE];
	double sampled[TWELVE];
	HmlExplanation truth = {.contributions = exact};
	HmlExplanation out = {.contributions = sampled};
	double errors[3] = {0};
	const size_t samples[3] = {7, 100, 2000};

	(void) state;
	setup(&f, TWELVE);
	explain_as(&f, HML_EXPLAIN_EXACT, 0, "exact_shapley", &truth);
	explain_as(&f, HML_EXPLAIN_AUTO, 0, "permutation_shap", &out);
	for (size_t k = 0; k < 3; k++)
	{
		explain_as(&f, HML_EXPLAIN_PERMUTATION, samples[k], "permutation_shap", &out);
		assert_true(fabs(out.base + sum_of(sampled, TWELVE) - truth.margin) < 1e-9);
		for (size_t i = 0; i < TWELVE; i++)
			errors[k] = fmax(errors[k], fabs(sampled[i] - exact[i]));
	}
	assert_true(errors[2] < errors[1] && errors[1] < errors[0] && errors[2] < 0.01);
	assert_true(out.standard_error < 0.01 && errors[2] < 5 * out.standard_error);
	explain_as(&f, HML_EXPLAIN_GRADIENT, 0, "integrated_gradients", &out);
	teardown(&f);

	setup(&f, WIDE);
	f.model->explain_method = HML_EXPLAIN_EXACT;
	out.contributions = (double[WIDE]){0};
	assert_status(&f.ctx, hml_explain(f.model, &f.ctx, (double[2 * WIDE]){0}, &out), HML_LIMIT);
	teardown(&f);
}

static void
test_settings_travel(void **state)
{
	Fixture f;

	(void) state;
	settings = "{\"epochs\": 1, \"explain_method\": \"permutation\", \"explain_samples\": 3}";
	setup(&f, SMALL);
	assert_int_equal(f.model->explain_method, HML_EXPLAIN_PERMUTATION);
	assert_int_equal(f.model->explain_samples, 3);
	assert_non_null(strstr(f.model->params, "\"explain_samples\": 3"));
	teardown(&f);
}

static void
test_background_travels_and_is_needed(void **state)
{
	Fixture f;
	HmlWriter writer;
	HmlModel *copy;
	double inputs[2 * SMALL];
	double contributions[SMALL];
	double copied[SMALL];
	HmlExplanation out = {.contributions = contributions};

	(void) state;
	setup(&f, SMALL);
	hml_writer_init(&writer, &f.ctx);
	assert_ok(&f.ctx, hml_model_write(f.model, &writer));
	assert_ok(&f.ctx, hml_model_read(&f.ctx, writer.data, writer.length, &copy));
	inputs_of_row(&f, 3, inputs);
	assert_ok(&f.ctx, hml_explain(f.model, &f.ctx, inputs, &out));
	out.contributions = copied;
	assert_ok(&f.ctx, hml_explain(copy, &f.ctx, inputs, &out));
	assert_memory_equal(contributions, copied, sizeof(copied));
	copy->n_background = 0;
	assert_false(hml_can_explain(copy));
	assert_status(&f.ctx, hml_explain(copy, &f.ctx, inputs, &out), HML_UNSUPPORTED);
	hml_model_free(copy);
	hml_writer_free(&writer);
	teardown(&f);
}

/* Integrated gradients add up to what they explain, and agree on what matters. */
static void
test_integrated_gradients(void **state)
{
	Fixture f;
	double inputs[2 * WIDE];
	double gradients[WIDE];
	double shapley[WIDE];
	HmlExplanation out = {.contributions = gradients};
	HmlExplanation other = {.contributions = shapley};

	(void) state;
	setup(&f, WIDE);
	for (uint32_t row = 0; row < 20; row++)
	{
		double sum = 0;

		inputs_of_row(&f, row, inputs);
		assert_ok(&f.ctx, hml_gradient_explain(f.model, &f.ctx, inputs, &out));
		assert_ok(&f.ctx, hml_explain(f.model, &f.ctx, inputs, &other));
		for (size_t i = 0; i < WIDE; i++)
			sum += gradients[i];
		assert_true(fabs(out.margin - other.margin) < 1e-5);
		assert_true(fabs(out.base + sum - out.margin) < 0.01);
		assert_close(out.standard_error, fabs(out.base + sum - out.margin), 1e-12);
		assert_true(gradients[WIDE - 1] * shapley[WIDE - 1] > 0);
	}
	teardown(&f);
}

static HmlStatus
explain_row(HmlContext *ctx, void *argument)
{
	Fixture *f = argument;
	double inputs[2 * WIDE];
	double contributions[WIDE];
	HmlExplanation out = {.contributions = contributions};

	inputs_of_row(f, 1, inputs);
	HML_TRY(hml_gradient_explain(f->model, ctx, inputs, &out));
	return hml_explain(f->model, ctx, inputs, &out);
}

static void
test_failures_leave_nothing(void **state)
{
	Fixture f;

	(void) state;
	for (size_t n = SMALL; n <= WIDE; n += WIDE - SMALL)
	{
		setup(&f, n);
		test_allocation_sweep(explain_row, &f);
		f.model->n_background = 2; /* fewer polls, fewer runs of the sweep */
		test_cancellation_sweep(explain_row, &f);
		teardown(&f);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exact_values_equal_the_definition),
		cmocka_unit_test(test_sampled_values_add_up),
		cmocka_unit_test(test_integrated_gradients),
		cmocka_unit_test(test_background_travels_and_is_needed),
		cmocka_unit_test(test_method_is_a_matter_of_cost),
		cmocka_unit_test(test_failures_leave_nothing),
		cmocka_unit_test(test_settings_travel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
