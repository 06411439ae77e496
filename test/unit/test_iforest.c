/*
 * test_iforest.c
 *	  The isolation forest against scikit-learn (test/golden/make_iforest.py),
 *	  against a plain walk over its trees, and against failures.
 */
#include "unit/forest_support.h"

#include "core/base/cpu.h"
#include "core/stats/metrics.h"
#include "core/learn/iforest/iforest_layout.h"

static const char *const golden_cases[] = {"plain", "bootstrap", "subspace", "subspace_bootstrap",
										   "deep",  "wide",      "pair",     "single"};

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* ---- scores --------------------------------------------------------------------------------------- */

static void
check_golden_case(const char *name)
{
	TestHost host;
	HmlContext ctx;
	HmlModel *model;
	TestTable *rows = forest_golden_rows(name);
	size_t score_column = test_column(rows, "score");

	test_host_init(&host, &ctx);
	assert_ok(&ctx, forest_import_file(&ctx, name, &model));
	for (size_t i = 0; i < rows->rows; i++)
	{
		double inputs[64];
		double score;

		for (size_t j = 0; j < score_column; j++)
			inputs[j] = test_number(rows, i, j);
		assert_ok(&ctx, forest_score(&ctx, model, inputs, 1, &score));
		assert_close(score, test_number(rows, i, score_column), 1e-12);
	}
	hml_model_free(model);
	test_free_table(rows);
	test_host_finish(&host, &ctx);
}

static void
test_golden(void **state)
{
	(void) state;
	for (size_t i = 0; i < LENGTH(golden_cases); i++)
		check_golden_case(golden_cases[i]);
}

/* Thirteen columns of a table of patients; the files are <prefix>.forest.json and <prefix>.scores.csv. */
static void
check_patients(const char *prefix)
{
	char path[4096];
	TestHost host;
	HmlContext ctx;
	HmlModel *model;
	TestTable *rows;
	size_t score_column;

	test_host_init(&host, &ctx);
	snprintf(path, sizeof(path), "%s.forest.json", prefix);
	assert_ok(&ctx, forest_import_file(&ctx, path, &model));
	snprintf(path, sizeof(path), "%s.scores.csv", prefix);
	rows = test_read_table(path);
	score_column = test_column(rows, "expected_score");
	for (size_t i = 0; i < rows->rows; i++)
	{
		double inputs[13];
		double score;

		for (size_t j = 0; j < 13; j++)
			inputs[j] = test_number(rows, i, test_column(rows, model->pipeline->features[j].column.name));
		assert_ok(&ctx, forest_score(&ctx, model, inputs, 1, &score));
		assert_close(score, test_number(rows, i, score_column), 1e-12);
		assert_int_equal(score > model->calibration.threshold,
						 test_number(rows, i, test_column(rows, "expected_is_anomaly")) != 0);
	}
	hml_model_free(model);
	test_free_table(rows);
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

/* Every CPU level gives the same bits, and the margin of a plain walk. */
static void
check_levels(size_t n_rows, size_t n_columns, const char *params)
{
	TestHost host;
	HmlContext ctx;
	HmlFrame *frame;
	HmlModel *model;
	double *scores;
	double *other;
	size_t n = n_rows < 200 ? n_rows : 200;

	test_host_init(&host, &ctx);
	assert_ok(&ctx, forest_frame(&ctx, n_rows, n_columns, 5, &frame));
	assert_ok(&ctx, forest_train(&ctx, frame, params, &model));
	scores = calloc(n, sizeof(*scores));
	other = calloc(n, sizeof(*other));
	for (int level = 4; level >= 1; level--)
	{
		hml_cpu_cap_level(level);
		assert_ok(&ctx, forest_score(&ctx, model, frame->values, n, level == 4 ? scores : other));
		if (level < 4)
			assert_memory_equal(scores, other, n * sizeof(*scores));
	}
	hml_cpu_cap_level(4);
	for (size_t i = 0; i < n; i++)
		assert_close(log2(scores[i]), forest_margin(model->impl, hml_frame_row(frame, i)), 1e-11);
	free(scores);
	free(other);
	hml_model_free(model);
	hml_frame_free(frame);
	test_host_finish(&host, &ctx);
}

static void
test_levels_agree(void **state)
{
	static const size_t widths[] = {1, 2, 13, 16, 17, 32, 33, 64, 65, 256, 257, 300};

	(void) state;
	for (size_t i = 0; i < LENGTH(widths); i++)
		check_levels(300, widths[i], "{\"n_estimators\": 19}");
	check_levels(1, 3, "{\"n_estimators\": 1}");
	check_levels(2, 3, "{\"n_estimators\": 17}");
	check_levels(700, 3, "{\"n_estimators\": 9, \"max_samples\": 257}");
	check_levels(3000, 3, "{\"n_estimators\": 3, \"max_samples\": 1.0}");
}

/* More thresholds of a feature than ranks: the trees are in several groups. */
static void
test_groups(void **state)
{
	TestHost host;
	HmlContext ctx;
	HmlFrame *frame;
	HmlModel *model;
	const HmlForest *forest;

	(void) state;
	test_host_init(&host, &ctx);
	assert_ok(&ctx, forest_frame(&ctx, 1000, 1, 3, &frame));
	assert_ok(&ctx, forest_train(&ctx, frame, "{\"n_estimators\": 150}", &model));
	forest = model->impl;
	assert_true(forest->layout->n_groups > 1);
	hml_model_free(model);
	hml_frame_free(frame);
	test_host_finish(&host, &ctx);
	check_levels(1000, 1, "{\"n_estimators\": 150}");
	check_levels(400, 64, "{\"n_estimators\": 700}");
}

/* A value beyond float32 counts as the largest one. */
static void
test_huge_values(void **state)
{
	double huge[3] = {1e300, -1e300, 0};
	double largest[3] = {3.4028234663852886e38, -3.4028234663852886e38, 0};
	double scores[2];
	TestHost host;
	HmlContext ctx;
	HmlFrame *frame;
	HmlModel *model;

	(void) state;
	test_host_init(&host, &ctx);
	assert_ok(&ctx, forest_frame(&ctx, 100, 3, 1, &frame));
	frame->values[0] = 1e40;
	frame->values[3] = -1e40;
	assert_ok(&ctx, forest_train(&ctx, frame, "{\"n_estimators\": 50}", &model));
	assert_ok(&ctx, forest_score(&ctx, model, huge, 1, &scores[0]));
	assert_ok(&ctx, forest_score(&ctx, model, largest, 1, &scores[1]));
	assert_true(scores[0] == scores[1]);
	assert_true(scores[0] > 0.5);
	hml_model_free(model);
	hml_frame_free(frame);
	test_host_finish(&host, &ctx);
}

/* ---- training ------------------------------------------------------------------------------------- */

/* The same numbers as in make_iforest.py. */
static double
congruential_uniform(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (double) (*state >> 11) * 0x1p-53;
}

static void
fill_quality_data(HmlFrame *frame, bool *labels)
{
	uint64_t state = 12345;

	for (size_t i = 0; i < frame->n_rows; i++)
	{
		labels[i] = i % 20 == 0;
		for (size_t j = 0; j < frame->n_columns; j++)
		{
			double sum = 0;

			for (int k = 0; k < 4; k++)
				sum += congruential_uniform(&state);
			frame->values[i * frame->n_columns + j] = (sum - 2) * (labels[i] ? 1.6 : 1);
		}
	}
}

static void
check_quality(HmlContext *ctx, const TestTable *table, size_t row)
{
	HmlFrame *frame;
	bool labels[600];
	double scores[600];
	double mean = 0;
	double sd = test_number(table, row, test_column(table, "sd"));

	assert_ok(ctx, forest_frame(ctx, 600, 6, 1, &frame));
	fill_quality_data(frame, labels);
	for (int seed = 0; seed < 20; seed++)
	{
		char params[256];
		HmlModel *model;
		double auc;

		snprintf(params, sizeof(params),
				 "{\"n_estimators\": %s, \"max_samples\": %s, \"max_features\": %s, \"bootstrap\": %s, "
				 "\"seed\": %d}",
				 test_text(table, row, 1), test_text(table, row, 2), test_text(table, row, 3),
				 test_number(table, row, 4) != 0 ? "true" : "false", seed);
		assert_ok(ctx, forest_train(ctx, frame, params, &model));
		assert_ok(ctx, forest_score(ctx, model, frame->values, 600, scores));
		assert_ok(ctx, hml_roc_auc(ctx, scores, labels, 600, &auc));
		mean += auc / 20;
		hml_model_free(model);
	}
	/* Five standard errors of the difference of two means of 20. */
	assert_true(fabs(mean - test_number(table, row, test_column(table, "mean"))) < 5 * sd * sqrt(2.0 / 20));
	hml_frame_free(frame);
}

static void
test_quality(void **state)
{
	TestHost host;
	HmlContext ctx;
	TestTable *table = test_read_table("test/golden/iforest/quality.csv");

	(void) state;
	test_host_init(&host, &ctx);
	for (size_t row = 0; row < table->rows; row++)
		check_quality(&ctx, table, row);
	test_free_table(table);
	test_host_finish(&host, &ctx);
}

/* What trees must be like, whatever the parameters. */
static void
check_shape(const HmlForest *forest, size_t rows_per_tree, bool bootstrap, unsigned max_depth,
			size_t max_features)
{
	size_t node = 0;
	size_t leaf = 0;

	assert_true(forest->depth <= max_depth);
	assert_true((forest->cover != NULL) == bootstrap);
	for (size_t tree = 0; tree < forest->n_trees; tree++)
	{
		bool used[HML_MAX_FEATURES] = {false};
		size_t n_used = 0;
		size_t n_samples = 0;
		double cover = 0;

		for (size_t open = 1; open > 0; node++)
		{
			uint16_t feature = forest->feature[node];

			if (feature == HML_IFOREST_LEAF)
			{
				open--;
				cover += bootstrap ? forest->cover[leaf] : forest->n_samples[leaf];
				n_samples += forest->n_samples[leaf++];
				continue;
			}
			open++;
			n_used += !used[feature];
			used[feature] = true;
		}
		assert_true(n_used <= max_features);
		assert_true(cover == (double) rows_per_tree);
		assert_true(bootstrap ? n_samples < rows_per_tree : n_samples == rows_per_tree);
	}
	assert_int_equal(leaf, forest->n_leaves);
}

static void
test_parameters(void **state)
{
	static const struct
	{
		const char *params;
		size_t n_trees;
		size_t max_samples;
		unsigned max_depth;
		size_t max_features;
		bool bootstrap;
	} cases[] = {
		{"{}", 300, 256, 8, 7, false},
		{"{\"n_estimators\": 5, \"max_samples\": 100}", 5, 100, 7, 7, false},
		{"{\"n_estimators\": 5, \"max_samples\": 0.1}", 5, 50, 6, 7, false},
		{"{\"n_estimators\": 5, \"max_samples\": 1}", 5, 500, 9, 7, false},
		{"{\"n_estimators\": 5, \"max_samples\": 9999}", 5, 500, 9, 7, false},
		{"{\"n_estimators\": 5, \"max_samples\": 0.00001}", 5, 1, 1, 7, false},
		{"{\"n_estimators\": 5, \"max_features\": 0.5}", 5, 256, 8, 3, false},
		{"{\"n_estimators\": 5, \"max_features\": 2}", 5, 256, 8, 2, false},
		{"{\"n_estimators\": 5, \"bootstrap\": true}", 5, 256, 8, 7, true},
	};
	TestHost host;
	HmlContext ctx;
	HmlFrame *frame;

	(void) state;
	test_host_init(&host, &ctx);
	assert_ok(&ctx, forest_frame(&ctx, 500, 7, 1, &frame));
	for (size_t i = 0; i < LENGTH(cases); i++)
	{
		HmlModel *model;
		const HmlForest *forest;

		assert_ok(&ctx, forest_train(&ctx, frame, cases[i].params, &model));
		forest = model->impl;
		assert_int_equal(forest->n_trees, cases[i].n_trees);
		assert_int_equal(forest->max_samples, cases[i].max_samples);
		check_shape(forest, cases[i].max_samples, cases[i].bootstrap, cases[i].max_depth,
					cases[i].max_features);
		assert_int_equal(model->trained_rows, 500);
		hml_model_free(model);
	}
	hml_frame_free(frame);
	test_host_finish(&host, &ctx);
}

static void
test_bad_parameters(void **state)
{
	static const char *const bad[] = {
		"{\"n_estimators\": 0}",        "{\"n_estimators\": 10001}",  "{\"n_estimators\": 1.5}",
		"{\"max_samples\": 0}",         "{\"max_samples\": 1.5}",     "{\"max_samples\": -3}",
		"{\"max_samples\": \"all\"}",   "{\"max_features\": 0}",      "{\"max_features\": 2.5}",
		"{\"max_features\": \"auto\"}", "{\"contamination\": 0}",     "{\"contamination\": 0.51}",
		"{\"contamination\": \"no\"}",  "{\"bootstrap\": \"maybe\"}", "{\"seed\": -1}",
	};
	TestHost host;
	HmlContext ctx;
	HmlFrame *frame;
	HmlModel *model;

	(void) state;
	test_host_init(&host, &ctx);
	assert_ok(&ctx, forest_frame(&ctx, 20, 2, 1, &frame));
	for (size_t i = 0; i < LENGTH(bad); i++)
		assert_status(&ctx, forest_train(&ctx, frame, bad[i], &model), HML_INVALID_ARGUMENT);
	assert_status(&ctx, forest_train(&ctx, frame, "{\"trees\": 3}", &model), HML_UNDEFINED);
	assert_message(&ctx, "n_estimators");
	hml_frame_free(frame);
	test_host_finish(&host, &ctx);
}

static void
test_contamination(void **state)
{
	TestHost host;
	HmlContext ctx;
	HmlFrame *frame;
	HmlModel *model;
	double scores[400];
	size_t anomalies = 0;

	(void) state;
	test_host_init(&host, &ctx);
	assert_ok(&ctx, forest_frame(&ctx, 400, 4, 1, &frame));
	assert_ok(&ctx, forest_train(&ctx, frame, "{\"contamination\": 0.05}", &model));
	assert_ok(&ctx, forest_score(&ctx, model, frame->values, 400, scores));
	for (size_t i = 0; i < 400; i++)
		anomalies += scores[i] > model->calibration.threshold;
	assert_int_equal(anomalies, 20);
	hml_model_free(model);
	assert_ok(&ctx, forest_train(&ctx, frame, "{}", &model));
	assert_true(model->calibration.threshold == 0.5);
	hml_model_free(model);
	hml_frame_free(frame);
	test_host_finish(&host, &ctx);
}

/* Constant columns are not split by; where all are constant a tree is one leaf. */
static void
test_constant_columns(void **state)
{
	TestHost host;
	HmlContext ctx;
	HmlFrame *frame;
	HmlModel *model;
	const HmlForest *forest;
	double score;

	(void) state;
	test_host_init(&host, &ctx);
	assert_ok(&ctx, forest_frame(&ctx, 100, 3, 1, &frame));
	for (size_t i = 0; i < 100; i++)
		frame->values[i * 3] = frame->values[i * 3 + 2] = 4;
	assert_ok(&ctx, forest_train(&ctx, frame, "{\"n_estimators\": 20}", &model));
	forest = model->impl;
	for (size_t i = 0; i < forest->n_nodes; i++)
		assert_true(forest->feature[i] == 1 || forest->feature[i] == HML_IFOREST_LEAF);
	hml_model_free(model);

	for (size_t i = 0; i < 100; i++)
		frame->values[i * 3 + 1] = -1;
	assert_ok(&ctx, forest_train(&ctx, frame, "{\"n_estimators\": 20}", &model));
	forest = model->impl;
	assert_int_equal(forest->n_nodes, 20);
	assert_int_equal(forest->n_samples[0], 100);
	assert_ok(&ctx, forest_score(&ctx, model, frame->values, 1, &score));
	assert_true(score == 0.5);
	hml_model_free(model);
	hml_frame_free(frame);
	test_host_finish(&host, &ctx);
}

/* ---- artifact ------------------------------------------------------------------------------------- */

static void
test_same_seed_same_bytes(void **state)
{
	static const char *const params[] = {"{\"n_estimators\": 9}", "{\"n_estimators\": 9}",
										 "{\"n_estimators\": 9, \"seed\": 43}"};
	TestHost host;
	HmlContext ctx;
	HmlFrame *frame;
	HmlWriter writers[3];

	(void) state;
	test_host_init(&host, &ctx);
	assert_ok(&ctx, forest_frame(&ctx, 300, 5, 1, &frame));
	for (int i = 0; i < 3; i++)
	{
		HmlModel *model;

		hml_writer_init(&writers[i], &ctx);
		assert_ok(&ctx, forest_train(&ctx, frame, params[i], &model));
		hml_isolation_forest.write(model, &writers[i]);
		assert_ok(&ctx, hml_writer_finish(&writers[i]));
		hml_model_free(model);
	}
	assert_int_equal(writers[0].length, writers[1].length);
	assert_memory_equal(writers[0].data, writers[1].data, writers[0].length);
	assert_true(writers[0].length != writers[2].length ||
				memcmp(writers[0].data, writers[2].data, writers[0].length) != 0);
	for (int i = 0; i < 3; i++)
		hml_writer_free(&writers[i]);
	hml_frame_free(frame);
	test_host_finish(&host, &ctx);
}

static void
test_round_trip(void **state)
{
	TestHost host;
	HmlContext ctx;
	HmlModel *model;
	HmlModel *copy;
	HmlWriter first;
	HmlWriter second;

	(void) state;
	test_host_init(&host, &ctx);
	for (size_t i = 0; i < LENGTH(golden_cases); i++)
	{
		double inputs[64] = {0.3, -1};
		double scores[2];

		assert_ok(&ctx, forest_import_file(&ctx, golden_cases[i], &model));
		hml_writer_init(&first, &ctx);
		hml_writer_init(&second, &ctx);
		assert_ok(&ctx, hml_model_write(model, &first));
		assert_ok(&ctx, hml_model_read(&ctx, first.data, first.length, &copy));
		assert_ok(&ctx, hml_model_write(copy, &second));
		assert_int_equal(first.length, second.length);
		assert_memory_equal(first.data, second.data, first.length);
		assert_ok(&ctx, forest_score(&ctx, model, inputs, 1, &scores[0]));
		assert_ok(&ctx, forest_score(&ctx, copy, inputs, 1, &scores[1]));
		assert_true(scores[0] == scores[1]);
		hml_model_free(model);
		hml_model_free(copy);
		hml_writer_free(&first);
		hml_writer_free(&second);
	}
	test_host_finish(&host, &ctx);
}

/* Read the section alone, with its checksum out of the way: refused, or a forest that scores. */
static bool
section_is_read(HmlContext *ctx, HmlModel *model, const unsigned char *bytes, size_t length)
{
	void *impl = model->impl;
	HmlReader reader;
	HmlStatus status;
	double inputs[64] = {0};
	double score;

	hml_reader_init(&reader, ctx, bytes, length, "section");
	status = hml_isolation_forest.read(model, &reader);
	if (status == HML_OK)
		status = hml_read_end(&reader);
	if (status == HML_OK)
	{
		assert_ok(ctx, forest_score(ctx, model, inputs, 1, &score));
		assert_true(score > 0 && score <= 1);
	}
	else
		assert_int_equal(status, HML_CORRUPT);
	model->impl = impl;
	return status == HML_OK;
}

static void
test_damage(void **state)
{
	TestHost host;
	HmlContext ctx;
	HmlModel *model;
	HmlWriter writer;

	(void) state;
	test_host_init(&host, &ctx);
	assert_ok(&ctx, forest_import_file(&ctx, "subspace_bootstrap", &model));
	hml_writer_init(&writer, &ctx);
	hml_isolation_forest.write(model, &writer);
	assert_ok(&ctx, hml_writer_finish(&writer));
	assert_true(section_is_read(&ctx, model, writer.data, writer.length));
	for (size_t length = 0; length < writer.length; length += length < 64 ? 1 : 97)
		assert_false(section_is_read(&ctx, model, writer.data, length));
	for (size_t bit = 0; bit < writer.length * 8; bit += bit < 400 ? 1 : 131)
	{
		writer.data[bit / 8] ^= (unsigned char) (1u << bit % 8);
		(void) section_is_read(&ctx, model, writer.data, writer.length);
		writer.data[bit / 8] ^= (unsigned char) (1u << bit % 8);
	}
	hml_writer_free(&writer);
	hml_model_free(model);
	test_host_finish(&host, &ctx);
}

/* ---- failures ------------------------------------------------------------------------------------- */

static HmlStatus
train_score_explain(HmlContext *ctx, const char *params, size_t n_columns)
{
	HmlFrame *frame = NULL;
	HmlModel *model = NULL;
	double scores[40];
	double contributions[4];
	HmlExplanation explanation = {.contributions = contributions};
	HmlStatus status = forest_frame(ctx, 40, n_columns, 1, &frame);

	if (status == HML_OK)
		status = forest_train(ctx, frame, params, &model);
	if (status == HML_OK)
		status = forest_score(ctx, model, frame->values, 40, scores);
	if (status == HML_OK)
		status = hml_isolation_forest.explain(model, ctx, frame->values, &explanation);
	hml_model_free(model);
	hml_frame_free(frame);
	return status;
}

static HmlStatus
work_training(HmlContext *ctx, void *params)
{
	return train_score_explain(ctx, params, 3);
}

static HmlStatus
work_loading(HmlContext *ctx, void *argument)
{
	const HmlWriter *writer = argument;
	HmlModel *model = NULL;
	HmlStatus status = hml_model_read(ctx, writer->data, writer->length, &model);

	hml_model_free(model);
	return status;
}

static HmlStatus
work_importing(HmlContext *ctx, void *name)
{
	HmlModel *model = NULL;
	HmlStatus status = forest_import_file(ctx, name, &model);

	hml_model_free(model);
	return status;
}

static void
sweep_loading(const char *name)
{
	TestHost host;
	HmlContext ctx;
	HmlModel *model;
	HmlWriter writer;

	test_host_init(&host, &ctx);
	assert_ok(&ctx, forest_import_file(&ctx, name, &model));
	hml_writer_init(&writer, &ctx);
	assert_ok(&ctx, hml_model_write(model, &writer));
	hml_model_free(model);
	test_allocation_sweep(work_loading, &writer);
	test_cancellation_sweep(work_loading, &writer);
	hml_writer_free(&writer);
	test_host_finish(&host, &ctx);
}

static void
test_failures(void **state)
{
	char plain[] = "{\"n_estimators\": 3, \"max_features\": 2}";
	char bootstrap[] = "{\"n_estimators\": 3, \"bootstrap\": true}";
	char words[] = "pair";
	char nodes[] = "deep";

	(void) state;
	test_allocation_sweep(work_training, plain);
	test_allocation_sweep(work_training, bootstrap);
	test_cancellation_sweep(work_training, plain);
	test_allocation_sweep(work_importing, words);
	test_cancellation_sweep(work_importing, words);
	test_allocation_sweep(work_importing, nodes);
	sweep_loading(words);
	sweep_loading(nodes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_patients),
		cmocka_unit_test(test_levels_agree),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_huge_values),
		cmocka_unit_test(test_quality),
		cmocka_unit_test(test_parameters),
		cmocka_unit_test(test_bad_parameters),
		cmocka_unit_test(test_contamination),
		cmocka_unit_test(test_constant_columns),
		cmocka_unit_test(test_same_seed_same_bytes),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
