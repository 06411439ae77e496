/*
 * test_iforest_import.c
 *	  Forests from JSON: what is taken, and what is refused with which words.
 *	  Scores of imported forests are tested in test_iforest.c.
 */
#include "unit/forest_support.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* A document around one tree. */
static HmlStatus
import_tree(HmlContext *ctx, const char *tree, HmlModel **out)
{
	char text[2048];

	snprintf(text, sizeof(text),
			 "{\"format\": \"healthml-iforest/1\", \"feature_names\": [\"a\", \"b\"], \"max_samples\": 8, "
			 "\"offset\": -0.6, \"trees\": [%s]}",
			 tree);
	return forest_import_text(ctx, text, out);
}

static void
test_children_in_any_order(void **state)
{
	/* a <= 1 ? (b <= 2 ? 3 rows : 1 row) : 4 rows */
	static const char *const trees[] = {
		"{\"feature\": [0, 1, -1, -1, -1], \"threshold\": [1, 2, -2, -2, -2], \"left\": [1, 2, -1, -1, -1], "
		"\"right\": [4, 3, -1, -1, -1], \"n_samples\": [8, 4, 3, 1, 4]}",
		"{\"feature\": [0, -2, -2, -2, 1], \"threshold\": [1, 0, 0, 0, 2], \"left\": [4, -1, -1, -1, 3], "
		"\"right\": [1, -1, -1, -1, 2], \"n_samples\": [8, 4, 1, 3, 4], \"cover\": [8, 4, 1, 3, 4]}",
	};
	static const double rows[][2] = {{1, 2}, {1, 2.5}, {1.5, 0}};
	TestHost host;
	HmlContext ctx;

	(void) state;
	test_host_init(&host, &ctx);
	for (size_t i = 0; i < LENGTH(trees); i++)
	{
		HmlModel *model;
		double scores[3];
		double c = hml_iforest_average_path(8);

		assert_ok(&ctx, import_tree(&ctx, trees[i], &model));
		assert_ok(&ctx, forest_score(&ctx, model, rows[0], 3, scores));
		assert_close(scores[0], exp2(-(2 + hml_iforest_average_path(3)) / c), 1e-14);
		assert_close(scores[1], exp2(-2 / c), 1e-14);
		assert_close(scores[2], exp2(-(1 + hml_iforest_average_path(4)) / c), 1e-14);
		assert_string_equal(model->pipeline->features[1].column.name, "b");
		assert_true(model->calibration.threshold == 0.6);
		assert_true(model->calibration.medium_cutoff == 0.5);
		assert_true(isnan(hml_calibration_percentile(&model->calibration, 0.5)));
		assert_null(((HmlForest *) model->impl)->cover);
		hml_model_free(model);
	}
	test_host_finish(&host, &ctx);
}

static void
test_bad_trees(void **state)
{
	static const struct
	{
		const char *tree;
		const char *message;
	} cases[] = {
		{"3", "trees[0] needs \"feature\""},
		{"{}", "trees[0] needs \"feature\""},
		{"{\"feature\": []}", "trees[0] needs \"feature\""},
		{"{\"feature\": [-1], \"threshold\": 1}", "trees[0] needs \"threshold\""},
		{"{\"feature\": [-1], \"threshold\": [1, 2]}", "trees[0].threshold has 2 items"},
		/* a cycle, a child that is its own parent, one child twice */
		{"{\"feature\": [0,0,-1], \"threshold\": [0,0,0], \"left\": [1,0,-1], \"right\": [2,2,-1], "
		 "\"n_samples\": [4,2,2]}",
		 "trees[0].left[1] is 0, but that node is in the tree already"},
		{"{\"feature\": [0,-1], \"threshold\": [0,0], \"left\": [0,-1], \"right\": [1,-1], \"n_samples\": "
		 "[2,1]}",
		 "trees[0].left[0] is 0, but that node is in the tree already"},
		{"{\"feature\": [0,-1], \"threshold\": [0,0], \"left\": [1,-1], \"right\": [1,-1], \"n_samples\": "
		 "[2,1]}",
		 "trees[0].right[0] is 1, but that node is in the tree already"},
		{"{\"feature\": [-1,-1], \"threshold\": [0,0], \"left\": [-1,-1], \"right\": [-1,-1], "
		 "\"n_samples\": [2,1]}",
		 "trees[0] has 1 nodes that its root does not reach"},
		/* numbers out of range */
		{"{\"feature\": [0,-1,-1], \"threshold\": [0,0,0], \"left\": [1,-1,-1], \"right\": [3,-1,-1], "
		 "\"n_samples\": [2,1,1]}",
		 "trees[0].right[0] is 3, but must be the number of a node"},
		{"{\"feature\": [0,-1,-1], \"threshold\": [0,0,0], \"left\": [1,-1,-1], \"right\": [-1,-1,-1], "
		 "\"n_samples\": [2,1,1]}",
		 "trees[0].right[0] is -1, but must be the number of a node"},
		{"{\"feature\": [2,-1,-1], \"threshold\": [0,0,0], \"left\": [1,-1,-1], \"right\": [2,-1,-1], "
		 "\"n_samples\": [2,1,1]}",
		 "trees[0].feature[0] is 2, but must be the number of a feature"},
		{"{\"feature\": [0.5,-1,-1], \"threshold\": [0,0,0], \"left\": [1,-1,-1], \"right\": [2,-1,-1], "
		 "\"n_samples\": [2,1,1]}",
		 "trees[0].feature[0] is 0.5, but must be the number of a feature"},
		{"{\"feature\": [0,-1,-1], \"threshold\": [1e39,0,0], \"left\": [1,-1,-1], \"right\": [2,-1,-1], "
		 "\"n_samples\": [2,1,1]}",
		 "trees[0].threshold[0] is 9.9999999999999994e+38, but must be within the range of float32"},
		{"{\"feature\": [0,-1,-1], \"threshold\": [\"NaN\",0,0], \"left\": [1,-1,-1], \"right\": [2,-1,-1], "
		 "\"n_samples\": [2,1,1]}",
		 "trees[0].threshold[0] is of type string"},
		/* counts */
		{"{\"feature\": [-1], \"threshold\": [0], \"left\": [-1], \"right\": [-1], \"n_samples\": [0]}",
		 "trees[0].n_samples[0] is 0"},
		{"{\"feature\": [-1], \"threshold\": [0], \"left\": [-1], \"right\": [-1], \"n_samples\": "
		 "[4294967296]}",
		 "trees[0].n_samples[0] is 4294967296"},
		{"{\"feature\": [-1], \"threshold\": [0], \"left\": [-1], \"right\": [-1], \"n_samples\": [1.5]}",
		 "trees[0].n_samples[0] is 1.5"},
		{"{\"feature\": [0,-1,-1], \"threshold\": [0,0,0], \"left\": [1,-1,-1], \"right\": [2,-1,-1], "
		 "\"n_samples\": [2,2,1]}",
		 "trees[0].n_samples[0] is 2, but its children have 2 and 1"},
		{"{\"feature\": [0,-1,-1], \"threshold\": [0,0,0], \"left\": [1,-1,-1], \"right\": [2,-1,-1], "
		 "\"n_samples\": [4294967295,4294967295,4294967295]}",
		 "trees[0].n_samples[0] is 4294967295, but its children have"},
		{"{\"feature\": [-1], \"threshold\": [0], \"left\": [-1], \"right\": [-1], \"n_samples\": [1], "
		 "\"cover\": "
		 "[0]}",
		 "trees[0].cover[0] is 0, but must be above 0"},
		{"{\"feature\": [-1], \"threshold\": [0], \"left\": [-1], \"right\": [-1], \"n_samples\": [1], "
		 "\"cover\": "
		 "[1e16]}",
		 "trees[0].cover[0] is 10000000000000000"},
		{"{\"feature\": [0,-1,-1], \"threshold\": [0,0,0], \"left\": [1,-1,-1], \"right\": [2,-1,-1], "
		 "\"n_samples\": [2,1,1], \"cover\": [2,3,1]}",
		 "trees[0].cover[0] is 2, but its children have 3 and 1"},
	};
	TestHost host;
	HmlContext ctx;
	HmlModel *model;

	(void) state;
	test_host_init(&host, &ctx);
	for (size_t i = 0; i < LENGTH(cases); i++)
	{
		assert_status(&ctx, import_tree(&ctx, cases[i].tree, &model), HML_INVALID_DATA);
		assert_message(&ctx, cases[i].message);
		assert_null(model);
	}
	test_host_finish(&host, &ctx);
}

#define LEAF "{\"feature\": [-1], \"threshold\": [0], \"left\": [-1], \"right\": [-1], \"n_samples\": [1]}"
#define FORMAT "\"format\": \"healthml-iforest/1\""
#define NAMES "\"feature_names\": [\"a\"]"

static void
test_bad_documents(void **state)
{
	static const struct
	{
		const char *text;
		HmlStatus status;
		const char *message;
	} cases[] = {
		{"[]", HML_INVALID_DATA, "must be a JSON object"},
		{"{}", HML_INVALID_DATA, "has no \"format\""},
		{"{\"format\": 1}", HML_INVALID_DATA, "\"format\" of the forest is of type number"},
		{"{\"format\": \"onnx\"}", HML_UNSUPPORTED, "format \"onnx\" of the forest is not known"},
		{"{" FORMAT "}", HML_INVALID_DATA, "has no \"feature_names\""},
		{"{" FORMAT ", \"feature_names\": []}", HML_INVALID_DATA, "must have 1 to 1600 features, not 0"},
		{"{" FORMAT ", \"feature_names\": [\"a\", 2]}", HML_INVALID_DATA,
		 "feature_names[1] is of type number"},
		{"{" FORMAT ", \"feature_names\": [\"b\", \"a\", \"b\"]}", HML_INVALID_DATA,
		 "feature name \"b\" occurs twice"},
		{"{" FORMAT ", " NAMES "}", HML_INVALID_DATA, "has no \"max_samples\""},
		{"{" FORMAT ", " NAMES ", \"max_samples\": 0}", HML_INVALID_DATA,
		 "\"max_samples\" of the forest is 0"},
		{"{" FORMAT ", " NAMES ", \"max_samples\": 2.5}", HML_INVALID_DATA, "is 2.5"},
		{"{" FORMAT ", " NAMES ", \"max_samples\": 2}", HML_INVALID_DATA, "has no \"offset\""},
		{"{" FORMAT ", " NAMES ", \"max_samples\": 2, \"offset\": -0.5}", HML_INVALID_DATA,
		 "has no \"trees\""},
		{"{" FORMAT ", " NAMES ", \"max_samples\": 2, \"offset\": -0.5, \"trees\": []}", HML_INVALID_DATA,
		 "must have 1 to 10000 trees, not 0"},
		{"{" FORMAT ", " NAMES ", \"max_samples\": 2, \"offset\": -0.5, \"trees\": [" LEAF ", 7]}",
		 HML_INVALID_DATA, "trees[1] needs \"feature\""},
	};
	TestHost host;
	HmlContext ctx;
	HmlModel *model;

	(void) state;
	test_host_init(&host, &ctx);
	for (size_t i = 0; i < LENGTH(cases); i++)
	{
		assert_status(&ctx, forest_import_text(&ctx, cases[i].text, &model), cases[i].status);
		assert_message(&ctx, cases[i].message);
	}
	assert_ok(&ctx, forest_import_text(&ctx,
									   "{" FORMAT ", " NAMES
									   ", \"max_samples\": 2, \"offset\": -0.5, \"trees\": [" LEAF "]}",
									   &model));
	hml_model_free(model);
	test_host_finish(&host, &ctx);
}

/* A text that grows. */
typedef struct Page
{
	char *text;
	size_t length;
} Page;

static void
add(Page *page, const char *text)
{
	size_t length = strlen(text);

	memcpy(page->text + page->length, text, length + 1);
	page->length += length;
}

static void
add_numbers(Page *page, const char *name, size_t n, long (*item)(size_t i, size_t n))
{
	char number[32];

	add(page, name);
	for (size_t i = 0; i < n; i++)
	{
		snprintf(number, sizeof(number), i == 0 ? "[%ld" : ",%ld", item(i, n));
		add(page, number);
	}
	add(page, "]");
}

/* A comb: splits are even nodes, each with a leaf to its right; the last node is a leaf. */
static bool
is_split(size_t i, size_t n)
{
	return i % 2 == 0 && i + 1 < n;
}

static long
comb_feature(size_t i, size_t n)
{
	return is_split(i, n) ? 0 : -1;
}

static long
comb_left(size_t i, size_t n)
{
	return is_split(i, n) ? (long) i + 2 : -1;
}

static long
comb_right(size_t i, size_t n)
{
	return is_split(i, n) ? (long) i + 1 : -1;
}

static long
comb_samples(size_t i, size_t n)
{
	return i % 2 == 0 ? (long) (n - i + 1) / 2 : 1;
}

static HmlStatus
import_comb(HmlContext *ctx, size_t n_splits, HmlModel **out)
{
	size_t n = 2 * n_splits + 1;
	Page page = {.text = malloc(n * 60 + 1000)};
	HmlStatus status;

	add(&page, "{" FORMAT ", " NAMES ", \"max_samples\": 100, \"offset\": -0.5, \"trees\": [{");
	add_numbers(&page, "\"feature\": ", n, comb_feature);
	add_numbers(&page, ", \"threshold\": ", n, comb_feature);
	add_numbers(&page, ", \"left\": ", n, comb_left);
	add_numbers(&page, ", \"right\": ", n, comb_right);
	add_numbers(&page, ", \"n_samples\": ", n, comb_samples);
	add(&page, "}]}");
	status = forest_import_text(ctx, page.text, out);
	free(page.text);
	return status;
}

static void
test_depth(void **state)
{
	TestHost host;
	HmlContext ctx;
	HmlModel *model;
	double inputs[1] = {-1};
	double contributions[1];
	HmlExplanation explanation = {.contributions = contributions};
	double score;

	(void) state;
	test_host_init(&host, &ctx);
	assert_ok(&ctx, import_comb(&ctx, 64, &model));
	assert_ok(&ctx, forest_score(&ctx, model, inputs, 1, &score));
	assert_close(score, exp2(-64 / hml_iforest_average_path(100)), 1e-12);
	assert_ok(&ctx, hml_isolation_forest.explain(model, &ctx, inputs, &explanation));
	assert_close(explanation.base + contributions[0], log2(score), 1e-11);
	hml_model_free(model);

	assert_status(&ctx, import_comb(&ctx, 65, &model), HML_LIMIT);
	assert_message(&ctx, "trees[0] is deeper than 64 levels");
	assert_status(&ctx, import_comb(&ctx, 100000, &model), HML_LIMIT);
	test_host_finish(&host, &ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_children_in_any_order),
		cmocka_unit_test(test_bad_trees),
		cmocka_unit_test(test_bad_documents),
		cmocka_unit_test(test_depth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
