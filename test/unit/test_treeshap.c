/*
 * test_treeshap.c
 *	  Shapley values of forests against their definition, and against shap and
 *	  brute force in Python (test/golden/make_iforest.py).
 */
#include "unit/forest_support.h"

#include "core/base/cpu.h"

#define MAX_INPUTS 80
#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* ---- the definition ------------------------------------------------------------------------------- */

typedef struct Walk
{
	const HmlForest *forest;
	const double *inputs;
	const int *bit;     /* (n_inputs) of an input in coalitions, -1 where no split compares it */
	unsigned coalition; /* inputs that decide */
	size_t node;
	size_t split;
	size_t leaf;
} Walk;

/* Mean path of the subtree that begins at the walk, which moves past it. */
static double
expected_path(Walk *walk, unsigned depth, double *cover)
{
	const HmlForest *forest = walk->forest;
	uint16_t feature = forest->feature[walk->node++];
	double covers[2];
	double paths[2];
	float threshold;

	if (feature == HML_IFOREST_LEAF)
	{
		size_t leaf = walk->leaf++;

		*cover = forest->cover != NULL ? forest->cover[leaf] : forest->n_samples[leaf];
		return hml_iforest_leaf_path(forest, depth, forest->n_samples[leaf]);
	}
	threshold = forest->threshold[walk->split++];
	paths[0] = expected_path(walk, depth + 1, &covers[0]);
	paths[1] = expected_path(walk, depth + 1, &covers[1]);
	*cover = covers[0] + covers[1];
	if (walk->coalition >> walk->bit[feature] & 1)
		return paths[(float) walk->inputs[feature] > threshold];
	return (paths[0] * covers[0] + paths[1] * covers[1]) / *cover;
}

static double
coalition_margin(const HmlForest *forest, const double *inputs, const int *bit, unsigned coalition)
{
	Walk walk = {.forest = forest, .inputs = inputs, .bit = bit, .coalition = coalition};
	double sum = 0;
	double cover;

	for (size_t tree = 0; tree < forest->n_trees; tree++)
		sum += expected_path(&walk, 0, &cover);
	return -sum / ((double) forest->n_trees * hml_iforest_normalizer(forest));
}

/* Number the inputs that splits compare; there are few enough for all coalitions. */
static unsigned
number_inputs(const HmlForest *forest, int *bit)
{
	unsigned n = 0;

	for (size_t i = 0; i < forest->n_inputs; i++)
		bit[i] = -1;
	for (size_t node = 0; node < forest->n_nodes; node++)
		if (forest->feature[node] != HML_IFOREST_LEAF && bit[forest->feature[node]] < 0)
			bit[forest->feature[node]] = (int) n++;
	assert_true(n <= 12);
	return n;
}

/* Sum over all coalitions without i of |S|! (n - |S| - 1)! / n! (v(S + i) - v(S)). */
static void
shapley_by_definition(const HmlForest *forest, const double *inputs, double *base, double *contributions)
{
	int bit[MAX_INPUTS];
	unsigned n = number_inputs(forest, bit);
	double *margins = calloc((size_t) 1 << n, sizeof(*margins));

	for (unsigned coalition = 0; coalition < 1u << n; coalition++)
		margins[coalition] = coalition_margin(forest, inputs, bit, coalition);
	for (size_t i = 0; i < forest->n_inputs; i++)
	{
		contributions[i] = 0;
		for (unsigned coalition = 0; bit[i] >= 0 && coalition < 1u << n; coalition++)
		{
			double size = __builtin_popcount(coalition);
			double weight = exp(lgamma(size + 1) + lgamma(n - size) - lgamma(n + 1));

			if ((coalition >> bit[i] & 1) == 0)
				contributions[i] += weight * (margins[coalition | 1u << bit[i]] - margins[coalition]);
		}
	}
	*base = margins[0];
	free(margins);
}

/* ---- comparisons ---------------------------------------------------------------------------------- */

static void
explain(HmlContext *ctx, const HmlModel *model, const double *inputs, HmlExplanation *out)
{
	double sum;

	assert_ok(ctx, hml_isolation_forest.explain(model, ctx, inputs, out));
	sum = out->base;
	for (size_t i = 0; i < model->pipeline->n_features; i++)
		sum += out->contributions[i];
	assert_close(sum, out->margin, 1e-12);
	assert_close(out->margin, forest_margin(model->impl, inputs), 1e-11);
	assert_true(out->standard_error == 0);
	assert_string_equal(out->method, "tree_shap");
}

static void
check_definition(size_t n_rows, size_t n_columns, const char *params)
{
	TestHost host;
	HmlContext ctx;
	HmlFrame *frame;
	HmlModel *model;

	test_host_init(&host, &ctx);
	assert_ok(&ctx, forest_frame(&ctx, n_rows, n_columns, 11, &frame));
	assert_ok(&ctx, forest_train(&ctx, frame, params, &model));
	for (size_t row = 0; row < 3; row++)
	{
		const double *inputs = hml_frame_row(frame, row);
		double expected[MAX_INPUTS];
		double actual[MAX_INPUTS];
		HmlExplanation explanation = {.contributions = actual};
		double base;

		explain(&ctx, model, inputs, &explanation);
		shapley_by_definition(model->impl, inputs, &base, expected);
		assert_close(explanation.base, base, 1e-12);
		for (size_t i = 0; i < n_columns; i++)
			assert_close(actual[i], expected[i], 1e-11);
	}
	hml_model_free(model);
	hml_frame_free(frame);
	test_host_finish(&host, &ctx);
}

static void
test_definition(void **state)
{
	(void) state;
	check_definition(60, 1, "{\"n_estimators\": 5}");
	check_definition(60, 2, "{\"n_estimators\": 5}");
	check_definition(100, 5, "{\"n_estimators\": 7}");
	check_definition(100, 5, "{\"n_estimators\": 7, \"bootstrap\": true}");
	check_definition(100, 8, "{\"n_estimators\": 7, \"max_features\": 0.4}");
	check_definition(300, 3, "{\"n_estimators\": 2, \"max_samples\": 1.0}");
	/* So many inputs that earlier splits by the same feature are searched for. */
	check_definition(200, 70, "{\"n_estimators\": 3, \"max_features\": 4}");
	/* More than eight features on a path need more than four nodes of the quadrature. */
	check_definition(600, 11, "{\"n_estimators\": 1, \"max_samples\": 1.0}");
}

static void
check_golden_row(HmlContext *ctx, const HmlModel *model, const TestTable *rows, size_t row)
{
	size_t n = model->pipeline->n_features;
	size_t first_contribution = test_column(rows, "phi0");
	double inputs[MAX_INPUTS];
	double contributions[MAX_INPUTS];
	HmlExplanation explanation = {.contributions = contributions};

	for (size_t i = 0; i < n; i++)
		inputs[i] = test_number(rows, row, i);
	explain(ctx, model, inputs, &explanation);
	assert_close(explanation.base, test_number(rows, row, test_column(rows, "base")), 1e-9);
	for (size_t i = 0; i < n; i++)
		assert_close(contributions[i], test_number(rows, row, first_contribution + i), 1e-9);
}

static void
test_golden(void **state)
{
	static const char *const cases[] = {"plain", "bootstrap", "subspace", "subspace_bootstrap",
										"deep",  "wide",      "pair",     "single"};
	TestHost host;
	HmlContext ctx;

	(void) state;
	test_host_init(&host, &ctx);
	for (size_t i = 0; i < LENGTH(cases); i++)
	{
		HmlModel *model;
		TestTable *rows = forest_golden_rows(cases[i]);

		assert_ok(&ctx, forest_import_file(&ctx, cases[i], &model));
		for (size_t row = 0; row < rows->rows; row++)
			check_golden_row(&ctx, model, rows, row);
		hml_model_free(model);
		test_free_table(rows);
	}
	test_host_finish(&host, &ctx);
}

/* Thirteen columns of a table of patients; the files are <prefix>.forest.json, .scores.csv and .shap.csv. */
static void
check_patients(const char *prefix)
{
	char path[4096];
	TestHost host;
	HmlContext ctx;
	HmlModel *model;
	TestTable *rows;
	TestTable *expected;

	test_host_init(&host, &ctx);
	snprintf(path, sizeof(path), "%s.forest.json", prefix);
	assert_ok(&ctx, forest_import_file(&ctx, path, &model));
	snprintf(path, sizeof(path), "%s.scores.csv", prefix);
	rows = test_read_table(path);
	snprintf(path, sizeof(path), "%s.shap.csv", prefix);
	expected = test_read_table(path);
	for (size_t row = 0; row < expected->rows; row++)
	{
		double inputs[13];
		double contributions[13];
		HmlExplanation explanation = {.contributions = contributions};

		for (size_t i = 0; i < 13; i++)
			inputs[i] = test_number(rows, row, 1 + i);
		assert_true(test_number(rows, row, 0) == test_number(expected, row, 0));
		explain(&ctx, model, inputs, &explanation);
		for (size_t i = 0; i < 13; i++)
			assert_close(contributions[i], test_number(expected, row, 1 + i), 1e-9);
		assert_close(explanation.base, test_number(expected, row, test_column(expected, "base_value")), 1e-9);
		assert_close(explanation.margin, test_number(expected, row, test_column(expected, "margin")), 1e-9);
	}
	hml_model_free(model);
	test_free_table(rows);
	test_free_table(expected);
	test_host_finish(&host, &ctx);
}

static void
test_patients(void **state)
{
	const char *shared;

	(void) state;
	check_patients("test/golden/iforest/patients");
	shared = test_shared_file("HEALTHML_GOLDEN", "iforest/statlog_small.forest.json");
	if (shared != NULL)
	{
		char prefix[4096];

		snprintf(prefix, sizeof(prefix), "%.*s", (int) (strlen(shared) - strlen(".forest.json")), shared);
		check_patients(prefix);
	}
}

static void
check_levels(size_t n_rows, size_t n_columns, const char *params)
{
	static const int levels[] = {4, 3, 1};
	TestHost host;
	HmlContext ctx;
	HmlFrame *frame;
	HmlModel *model;
	double contributions[3][MAX_INPUTS];

	test_host_init(&host, &ctx);
	assert_ok(&ctx, forest_frame(&ctx, n_rows, n_columns, 1, &frame));
	assert_ok(&ctx, forest_train(&ctx, frame, params, &model));
	for (size_t row = 0; row < 10; row++)
		for (size_t i = 0; i < LENGTH(levels); i++)
		{
			HmlExplanation explanation = {.contributions = contributions[i]};

			hml_cpu_cap_level(levels[i]);
			explain(&ctx, model, hml_frame_row(frame, row), &explanation);
			assert_memory_equal(contributions[i], contributions[0], n_columns * sizeof(double));
		}
	hml_cpu_cap_level(4);
	hml_model_free(model);
	hml_frame_free(frame);
	test_host_finish(&host, &ctx);
}

/* Rows in one register, in two, and gathered; trees that fit the bits of one register and that do not. */
static void
test_levels_agree(void **state)
{
	(void) state;
	check_levels(1000, 13, "{\"n_estimators\": 30}");
	check_levels(1000, 16, "{\"n_estimators\": 3}");
	check_levels(1000, 17, "{\"n_estimators\": 3}");
	check_levels(1000, 32, "{\"n_estimators\": 3}");
	check_levels(1000, 33, "{\"n_estimators\": 3}");
	check_levels(1000, 70, "{\"n_estimators\": 3}");
	check_levels(500, 4, "{\"n_estimators\": 4, \"max_samples\": 1.0}");
	check_levels(3000, 4, "{\"n_estimators\": 3, \"max_samples\": 1.0}");
}

/* Contributions of the inputs of a category are one contribution of the feature. */
static void
test_categories(void **state)
{
	static const char *const texts[] = {"a", "b", "c"};
	TestHost host;
	HmlContext ctx;
	HmlFrame *frame;
	HmlModel *model;
	double values[2];
	double inputs[4];
	double contributions[2];
	double by_input[4];
	double base;
	HmlExplanation explanation = {.contributions = contributions};
	HmlRng rng;

	(void) state;
	test_host_init(&host, &ctx);
	hml_rng_seed(&rng, 1);
	assert_ok(&ctx,
			  hml_frame_create(&ctx, &(HmlFrameSpec){.n_columns = 2, .max_bytes = (size_t) 1 << 20}, &frame));
	assert_ok(&ctx, hml_frame_set_column(frame, 0, "number", HML_COLUMN_NUMERIC));
	assert_ok(&ctx, hml_frame_set_column(frame, 1, "category", HML_COLUMN_CATEGORY));
	for (size_t i = 0; i < 100; i++)
	{
		values[0] = hml_rng_normal(&rng);
		assert_ok(&ctx, hml_frame_category(frame, 1, texts[hml_rng_below(&rng, 3)], 1, &values[1]));
		assert_ok(&ctx, hml_frame_add(frame, values, NULL));
	}
	assert_ok(&ctx, forest_train(&ctx, frame, "{\"n_estimators\": 20, \"encode\": \"onehot\"}", &model));
	assert_int_equal(model->pipeline->n_inputs, 4);
	assert_ok(&ctx, hml_pipeline_apply_frame(model->pipeline, &ctx, frame, NULL, 1, inputs));
	explain(&ctx, model, inputs, &explanation);
	shapley_by_definition(model->impl, inputs, &base, by_input);
	assert_close(contributions[0], by_input[0], 1e-11);
	assert_close(contributions[1], by_input[1] + by_input[2] + by_input[3], 1e-11);
	hml_model_free(model);
	hml_frame_free(frame);
	test_host_finish(&host, &ctx);
}

static HmlStatus
explain_with_failure(TestHost *host, HmlContext *ctx, const HmlModel *model, const double *inputs,
					 size_t failure)
{
	double contributions[5];
	HmlExplanation explanation = {.contributions = contributions};
	HmlStatus status;

	host->fail_at = failure == 0 ? 0 : host->allocations + failure;
	status = hml_isolation_forest.explain(model, ctx, inputs, &explanation);
	host->fail_at = 0;
	return status;
}

/* The tables are made once, and failures to make them leave nothing behind that piles up. */
static void
test_tables(void **state)
{
	static const char *const params = "{\"n_estimators\": 100}";
	TestHost host;
	HmlContext ctx;
	HmlFrame *frame;
	HmlModel *undisturbed;
	HmlModel *model;
	size_t failure = 1;
	size_t before;
	size_t size;

	(void) state;
	test_host_init(&host, &ctx);
	assert_ok(&ctx, forest_frame(&ctx, 300, 5, 1, &frame));
	before = ctx.memory_used;
	assert_ok(&ctx, forest_train(&ctx, frame, params, &undisturbed));
	assert_ok(&ctx, explain_with_failure(&host, &ctx, undisturbed, frame->values, 0));
	size = ctx.memory_used - before;
	before = ctx.memory_used;
	assert_ok(&ctx, forest_train(&ctx, frame, params, &model));
	while (explain_with_failure(&host, &ctx, model, frame->values, failure) == HML_NO_MEMORY)
		failure++;
	assert_true(failure > 4);
	assert_int_equal(ctx.memory_used - before, size);
	assert_ok(&ctx, explain_with_failure(&host, &ctx, model, frame->values, 0));
	assert_int_equal(ctx.memory_used - before, size);
	hml_model_free(undisturbed);
	hml_model_free(model);
	hml_frame_free(frame);
	test_host_finish(&host, &ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_definition), cmocka_unit_test(test_golden),
		cmocka_unit_test(test_patients),   cmocka_unit_test(test_levels_agree),
		cmocka_unit_test(test_categories), cmocka_unit_test(test_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
