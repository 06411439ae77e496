/*
 * test_evaluate.c
 *	  Metrics of models on frames, and cross-validation.
 */
#include "unit/support.h"

#include "core/base/rng.h"
#include "core/model/evaluate.h"
#include "core/learn/mlp/mlp.h"
#include "core/learn/iforest/iforest.h"

enum
{
	ROWS = 400,
	FOLDS = 5
};

typedef struct Fixture
{
	TestHost host;
	HmlContext ctx;
	HmlArena *arena;
	HmlFrame *frame;
} Fixture;

/* Two numbers and a text decide about the target; every patient has four rows. */
static void
setup(Fixture *f, HmlColumnKind target_kind)
{
	static const char *const wards[] = {"north", "south"};
	HmlRng rng;

	test_host_init(&f->host, &f->ctx);
	assert_ok(&f->ctx, hml_arena_create(&f->ctx, &f->arena));
	assert_ok(&f->ctx,
			  hml_frame_create(&f->ctx,
							   &(HmlFrameSpec){.n_columns = 3, .roles = {HML_ROLE_TARGET, HML_ROLE_GROUP}},
							   &f->frame));
	assert_ok(&f->ctx, hml_frame_set_column(f->frame, 0, "x", HML_COLUMN_NUMERIC));
	assert_ok(&f->ctx, hml_frame_set_column(f->frame, 1, "y", HML_COLUMN_NUMERIC));
	assert_ok(&f->ctx, hml_frame_set_column(f->frame, 2, "ward", HML_COLUMN_CATEGORY));
	assert_ok(&f->ctx, hml_frame_set_column(f->frame, 3, "target", target_kind));
	assert_ok(&f->ctx, hml_frame_set_column(f->frame, 4, "patient", HML_COLUMN_NUMERIC));
	hml_rng_seed(&rng, 4);
	for (size_t i = 0; i < ROWS; i++)
	{
		size_t ward = hml_rng_below(&rng, 2);
		double values[3] = {hml_rng_normal(&rng), hml_rng_normal(&rng), NAN};
		double sum = values[0] - values[1] + 2.0 * (double) ward - 1.0;
		double target = sum;
		const char *class = sum > 1 ? "high" : sum > -1 ? "middle" : "low";

		assert_ok(&f->ctx, hml_frame_category(f->frame, 2, wards[ward], 5, &values[2]));
		if (target_kind == HML_COLUMN_BOOLEAN)
			target = sum > 0;
		else if (target_kind == HML_COLUMN_CATEGORY)
			assert_ok(&f->ctx, hml_frame_category(f->frame, 3, class, strlen(class), &target));
		if (i % 50 == 7)
			target = NAN;
		assert_ok(&f->ctx, hml_frame_add(f->frame, values, (double[]){target, (double) (i / 4)}));
	}
}

static void
teardown(Fixture *f)
{
	hml_frame_free(f->frame);
	hml_arena_free(f->arena);
	test_host_finish(&f->host, &f->ctx);
}

static HmlParams *
parse(Fixture *f, const HmlAlgorithm *algorithm, const char *json)
{
	const HmlJson *given;
	HmlParams *params;

	assert_ok(&f->ctx, hml_json_parse(f->arena, json, strlen(json), &given));
	assert_ok(&f->ctx, hml_algorithm_params(f->arena, algorithm, given, &params));
	return params;
}

static const HmlJson *
parse_members(Fixture *f, const char *members)
{
	char document[2048];
	const HmlJson *json;

	snprintf(document, sizeof(document), "{%s}", members);
	assert_ok(&f->ctx, hml_json_parse(f->arena, document, strlen(document), &json));
	return json;
}

static double
member(const HmlJson *json, const char *name)
{
	assert_non_null(hml_json_get(json, name));
	return hml_json_get(json, name)->number;
}

static const char *const mlp_params = "{\"hidden_layers\": [8], \"dropout\": 0, \"epochs\": 40, "
									  "\"learning_rate\": 0.02, \"group\": \"patient\"}";

static HmlModel *
train(Fixture *f, const HmlAlgorithm *algorithm, const char *json)
{
	HmlTraining training = {.frame = f->frame, .params = parse(f, algorithm, json)};
	HmlModel *model;

	assert_ok(&f->ctx, hml_model_train(&f->ctx, algorithm, &training, &model));
	return model;
}

static const HmlJson *
evaluate(Fixture *f, const HmlModel *model, const HmlBootstrap *bootstrap)
{
	HmlText metrics;
	const char *members;
	const HmlJson *json;

	hml_text_init(&metrics, &f->ctx);
	assert_ok(&f->ctx, hml_evaluate(&f->ctx, model, f->frame, NULL, 0, bootstrap, &metrics));
	assert_ok(&f->ctx, hml_text_finish(&metrics, &members));
	json = parse_members(f, members);
	hml_text_free(&metrics);
	return json;
}

static void
test_binary_with_intervals(void **state)
{
	Fixture f;
	HmlBootstrap bootstrap = hml_bootstrap_default();
	HmlModel *model;
	const HmlJson *json;

	(void) state;
	setup(&f, HML_COLUMN_BOOLEAN);
	model = train(&f, &hml_mlp, mlp_params);
	bootstrap.replicates = 200;
	json = evaluate(&f, model, &bootstrap);
	assert_int_equal((int) member(json, "rows"), ROWS - ROWS / 50);
	assert_true(member(json, "roc_auc") > 0.98);
	assert_true(member(json, "roc_auc_low") <= member(json, "roc_auc"));
	assert_true(member(json, "roc_auc_high") >= member(json, "roc_auc"));
	assert_true(member(json, "accuracy") > 0.9);
	assert_non_null(hml_json_get(json, "log_loss_low"));

	/* The same classes as 0 and 1 in another table. */
	f.frame->first[HML_ROLE_TARGET]->column.kind = HML_COLUMN_NUMERIC;
	assert_close(member(evaluate(&f, model, NULL), "accuracy"), member(json, "accuracy"), 0);
	assert_null(hml_json_get(evaluate(&f, model, NULL), "roc_auc_low"));
	hml_model_free(model);
	teardown(&f);
}

static void
test_other_targets(void **state)
{
	Fixture f;
	HmlModel *model;

	(void) state;
	setup(&f, HML_COLUMN_CATEGORY);
	model = train(&f, &hml_mlp, mlp_params);
	assert_true(member(evaluate(&f, model, NULL), "accuracy") > 0.85);
	assert_true(member(evaluate(&f, model, NULL), "macro_f1") > 0.85);
	hml_model_free(model);
	teardown(&f);

	setup(&f, HML_COLUMN_NUMERIC);
	model = train(&f, &hml_mlp, mlp_params);
	assert_true(member(evaluate(&f, model, NULL), "r2") > 0.9);
	f.frame->columns[2].kind = HML_COLUMN_NUMERIC;
	{
		HmlText metrics;

		hml_text_init(&metrics, &f.ctx);
		assert_status(&f.ctx, hml_evaluate(&f.ctx, model, f.frame, NULL, 0, NULL, &metrics),
					  HML_INVALID_DATA);
		assert_message(&f.ctx, "ward");
		hml_text_free(&metrics);
	}
	f.frame->columns[2].kind = HML_COLUMN_CATEGORY;
	hml_model_free(model);
	teardown(&f);
}

typedef struct Seen
{
	Fixture *f;
	size_t folds;
	size_t rows;
	double least_auc;
} Seen;

static HmlStatus
see_fold(void *user, size_t fold, size_t rows, const char *metrics)
{
	Seen *seen = user;
	const HmlJson *json = parse_members(seen->f, metrics);

	assert_int_equal(fold, seen->folds);
	assert_int_equal((size_t) member(json, "rows"), rows);
	seen->folds++;
	seen->rows += rows;
	if (hml_json_get(json, "roc_auc") != NULL)
		seen->least_auc = fmin(seen->least_auc, member(json, "roc_auc"));
	return HML_OK;
}

static void
test_cross_validation(void **state)
{
	Fixture f;
	Seen seen = {&f, 0, 0, 1};
	HmlCrossValidation validation = {.n_folds = FOLDS, .seed = 3, .on_fold = see_fold, .user = &seen};

	(void) state;
	setup(&f, HML_COLUMN_BOOLEAN);
	validation.frame = f.frame;
	validation.algorithm = &hml_mlp;
	validation.params = parse(&f, &hml_mlp, mlp_params);
	assert_ok(&f.ctx, hml_cross_validate(&f.ctx, &validation));
	assert_int_equal(seen.folds, FOLDS);
	assert_int_equal(seen.rows, ROWS - ROWS / 50);
	assert_true(seen.least_auc > 0.93);

	/* A detector is judged by the rows that it did not learn from, and by its anomalies. */
	seen = (Seen){&f, 0, 0, 1};
	validation.algorithm = &hml_isolation_forest;
	validation.params = parse(&f, &hml_isolation_forest, "{\"n_estimators\": 20}");
	assert_ok(&f.ctx, hml_cross_validate(&f.ctx, &validation));
	assert_int_equal(seen.folds, FOLDS);

	validation.n_folds = ROWS;
	assert_status(&f.ctx, hml_cross_validate(&f.ctx, &validation), HML_INVALID_DATA);
	f.frame->first[HML_ROLE_TARGET] = NULL;
	assert_status(&f.ctx, hml_cross_validate(&f.ctx, &validation), HML_INVALID_ARGUMENT);
	teardown(&f);
}

static HmlStatus
ignore_fold(void *user, size_t fold, size_t rows, const char *metrics)
{
	(void) user;
	(void) fold;
	(void) rows;
	(void) metrics;
	return HML_OK;
}

static HmlStatus
cross_validate_small(HmlContext *ctx, void *argument)
{
	Fixture *f = argument;
	HmlCrossValidation validation = {
		.algorithm = &hml_isolation_forest, .frame = f->frame, .n_folds = 2, .on_fold = ignore_fold};

	validation.params = parse(f, &hml_isolation_forest, "{\"n_estimators\": 2, \"max_samples\": 8}");
	return hml_cross_validate(ctx, &validation);
}

static void
test_failures_leave_nothing(void **state)
{
	Fixture f;

	(void) state;
	setup(&f, HML_COLUMN_BOOLEAN);
	test_allocation_sweep(cross_validate_small, &f);
	test_cancellation_sweep(cross_validate_small, &f);
	teardown(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_binary_with_intervals),
		cmocka_unit_test(test_other_targets),
		cmocka_unit_test(test_cross_validation),
		cmocka_unit_test(test_failures_leave_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
