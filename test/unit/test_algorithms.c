/*
 * test_algorithms.c
 *	  The table of algorithms and its parameters; the life of a model.
 */
#include "unit/support.h"

#include "core/model/model.h"

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

static bool
is_sentence(const char *text)
{
	size_t length = strlen(text);

	return length > 10 && text[length - 1] == '.' && text[0] >= 'A' && text[0] <= 'Z';
}

static void
describes_every_algorithm(void **state)
{
	(void) state;
	assert_non_null(hml_algorithms[0]);
	for (const HmlAlgorithm *const *a = hml_algorithms; *a != NULL; a++)
	{
		assert_ptr_equal(hml_algorithm_find((*a)->name), *a);
		assert_true(is_sentence((*a)->help));
		assert_true(strcmp((*a)->task, "anomaly_detection") == 0 ||
					strcmp((*a)->task, "classification") == 0 || strcmp((*a)->task, "regression") == 0);
		assert_true((*a)->train != NULL && (*a)->write != NULL && (*a)->read != NULL);
	}
	assert_null(hml_algorithm_find("crystal_ball"));
	assert_null(hml_algorithm_find(""));
}

/* A default that is given explicitly must be accepted: it obeys its own type and range. */
static void
check_default(const HmlAlgorithm *algorithm, const HmlParamSpec *spec)
{
	char given[256];
	const HmlJson *json;
	HmlParams *params;

	assert_true(is_sentence(spec->help));
	snprintf(given, sizeof(given), "{\"%s\": %s}", spec->name, spec->fallback);
	assert_ok(&ctx, hml_json_parse(arena, given, strlen(given), &json));
	assert_ok(&ctx, hml_algorithm_params(arena, algorithm, json, &params));
}

static void
has_defaults_that_obey_their_ranges(void **state)
{
	const HmlParamSpec *tables[HML_PARAM_TABLES];

	(void) state;
	for (const HmlAlgorithm *const *a = hml_algorithms; *a != NULL; a++)
	{
		hml_algorithm_param_tables(*a, tables);
		for (size_t t = 0; tables[t] != NULL; t++)
			for (const HmlParamSpec *spec = tables[t]; spec->name != NULL; spec++)
			{
				check_default(*a, spec);
				for (const HmlParamSpec *other = tables[t]; other != spec; other++)
					assert_string_not_equal(spec->name, other->name);
			}
	}
}

/* Unknown names are refused with the whole list, uncut. */
static void
lists_all_parameters_in_the_hint(void **state)
{
	static const char given[] = "{\"n_estimatr\": 1}";
	const HmlJson *json;
	HmlParams *params;

	(void) state;
	assert_ok(&ctx, hml_json_parse(arena, given, strlen(given), &json));
	for (const HmlAlgorithm *const *a = hml_algorithms; *a != NULL; a++)
	{
		assert_status(&ctx, hml_algorithm_params(arena, *a, json, &params), HML_UNDEFINED);
		assert_message(&ctx, (*a)->name);
		assert_string_equal(ctx.hint + strlen(ctx.hint) - strlen(", max_rows."), ", max_rows.");
	}
}

/* ---- models ---- */

static HmlStatus
train_nothing(HmlContext *context, const HmlTraining *training, HmlModel *model)
{
	(void) context;
	(void) training;
	(void) model;
	return HML_OK;
}

static HmlStatus
fail_to_train(HmlContext *context, const HmlTraining *training, HmlModel *model)
{
	void *block;

	HML_TRY(hml_arena_alloc(model->arena, 100, 8, &block));
	(void) training;
	return hml_fail(context, HML_INVALID_DATA, "no luck");
}

static HmlFrame *
new_frame(size_t n_rows, bool has_target)
{
	HmlFrame *frame;
	double value = 1;

	assert_ok(&ctx, hml_frame_create(&ctx,
									 &(HmlFrameSpec){.n_columns = 1,
													 .roles = {has_target ? HML_ROLE_TARGET : HML_ROLE_NONE}},
									 &frame));
	assert_ok(&ctx, hml_frame_set_column(frame, 0, "x", HML_COLUMN_NUMERIC));
	for (size_t i = 0; i < n_rows; i++)
		assert_ok(&ctx, hml_frame_add(frame, &value, (double[]){1}));
	return frame;
}

static void
trains_models(void **state)
{
	HmlAlgorithm algorithm = {
		.name = "oracle",
		.task = "classification",
		.target_use = HML_TARGET_LEARNT,
		.params = (const HmlParamSpec[]){{"depth", HML_PARAM_INTEGER, "3", 1, 9, NULL, ""}, {0}},
		.train = train_nothing};
	HmlFrame *frame = new_frame(3, true);
	HmlTraining training = {.frame = frame};
	HmlModel *model;
	HmlParams *params;

	(void) state;
	assert_ok(&ctx, hml_algorithm_params(arena, &algorithm, NULL, &params));
	training.params = params;
	assert_ok(&ctx, hml_model_train(&ctx, &algorithm, &training, &model));
	assert_int_equal(model->trained_rows, 3);
	assert_int_equal(model->n_outputs, 1);
	assert_ptr_equal(model->algorithm, &algorithm);
	assert_string_equal(model->params,
						"{\"depth\": 3, \"impute\": \"median\", \"impute_value\": 0, \"scale\": null, "
						"\"encode\": \"onehot\", \"seed\": 42, \"max_rows\": null}");
	hml_model_free(model);
	algorithm.train = fail_to_train;
	assert_status(&ctx, hml_model_train(&ctx, &algorithm, &training, &model), HML_INVALID_DATA);
	assert_null(model);
	hml_frame_free(frame);
	hml_model_free(NULL);
}

static void
needs_rows_and_target(void **state)
{
	HmlAlgorithm algorithm = {.name = "oracle", .target_use = HML_TARGET_LEARNT, .train = train_nothing};
	HmlFrame *empty = new_frame(0, true);
	HmlFrame *aimless = new_frame(1, false);
	HmlModel *model;

	(void) state;
	assert_status(&ctx, hml_model_train(&ctx, &algorithm, &(HmlTraining){.frame = empty}, &model),
				  HML_INVALID_DATA);
	assert_string_equal(ctx.message, "there is no row to learn from");
	assert_status(&ctx, hml_model_train(&ctx, &algorithm, &(HmlTraining){.frame = aimless}, &model),
				  HML_INVALID_ARGUMENT);
	assert_string_equal(ctx.message, "algorithm \"oracle\" needs a target column");
	hml_frame_free(empty);
	hml_frame_free(aimless);
}

static void
collects_metrics(void **state)
{
	HmlText text;
	HmlTraining training = {.metrics = &text};

	(void) state;
	hml_text_init(&text, &ctx);
	hml_metric(&training, "roc_auc", 0.1 + 0.2);
	hml_metric(&training, "loss \"x\"", NAN);
	assert_string_equal(text.data, "\"roc_auc\": 0.30000000000000004, \"loss \\\"x\\\"\": null");
	training.metrics = NULL;
	hml_metric(&training, "ignored", 1);
	hml_text_free(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(describes_every_algorithm, begin, end),
		cmocka_unit_test_setup_teardown(has_defaults_that_obey_their_ranges, begin, end),
		cmocka_unit_test_setup_teardown(lists_all_parameters_in_the_hint, begin, end),
		cmocka_unit_test_setup_teardown(trains_models, begin, end),
		cmocka_unit_test_setup_teardown(needs_rows_and_target, begin, end),
		cmocka_unit_test_setup_teardown(collects_metrics, begin, end),
	};

	return cmocka_run_group_tests_name("algorithms", tests, NULL, NULL);
}
