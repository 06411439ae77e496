/*
 * test_fed_client.c
 *	  Federated rounds in one process: sites that differ, a model that serves all.
 */
#include "unit/model_support.h"
#include "unit/support.h"

#include "core/base/rng.h"
#include "core/explain/shapley.h"
#include "core/federated/average.h"
#include "core/federated/client.h"
#include "core/learn/mlp/mlp.h"

#define SITES 3
#define ROWS 300
#define ROUNDS 15
#define MAX_WEIGHTS 2000

typedef struct Fixture
{
	TestHost host;
	HmlContext ctx;
	HmlArena *arena;
	HmlParams *params;
	HmlFrame *sites[SITES];
	HmlSummary *summary;
} Fixture;

typedef enum TargetKind
{
	TARGET_BINARY,
	TARGET_TEXT,
	TARGET_VALUE
} TargetKind;

/* The same rule everywhere, another part of the plane at each site. */
static void
fill_site(Fixture *f, HmlFrame *frame, size_t site, TargetKind kind)
{
	static const char *const names[] = {"low", "middle", "high"};
	HmlRng rng;

	hml_rng_seed(&rng, site);
	for (size_t i = 0; i < ROWS; i++)
	{
		double values[2] = {hml_rng_normal(&rng) + (double) site - 1.0, hml_rng_normal(&rng)};
		double sum = values[0] + values[1] * values[1];
		const char *name = names[(sum > 0.5) + (sum > 2.0)];
		double target = sum;

		if (kind == TARGET_BINARY)
			target = sum > 1.0;
		else if (kind == TARGET_TEXT)
			assert_ok(&f->ctx, hml_frame_category(frame, 2, name, strlen(name), &target));
		if (i % 20 == 0)
			values[0] = NAN;
		assert_ok(&f->ctx, hml_frame_add(frame, values, &target));
	}
}

static void
setup(Fixture *f, TargetKind kind)
{
	const char *json = "{\"hidden_layers\": [16, 8], \"dropout\": 0, \"seed\": 5}";
	const HmlSummary *summaries[SITES];
	const HmlJson *given;

	test_host_init(&f->host, &f->ctx);
	assert_ok(&f->ctx, hml_arena_create(&f->ctx, &f->arena));
	assert_ok(&f->ctx, hml_json_parse(f->arena, json, strlen(json), &given));
	assert_ok(&f->ctx, hml_algorithm_params(f->arena, &hml_mlp, given, &f->params));
	for (size_t s = 0; s < SITES; s++)
	{
		HmlSummary *summary;
		HmlFrame *frame;

		assert_ok(&f->ctx,
				  hml_frame_create(
					  &f->ctx, &(HmlFrameSpec){.n_columns = 2, .roles = {HML_ROLE_TARGET}, .max_rows = ROWS},
					  &frame));
		assert_ok(&f->ctx, hml_frame_set_column(frame, 0, "x", HML_COLUMN_NUMERIC));
		assert_ok(&f->ctx, hml_frame_set_column(frame, 1, "y", HML_COLUMN_NUMERIC));
		assert_ok(&f->ctx,
				  hml_frame_set_column(frame, 2, "target",
									   kind == TARGET_TEXT ? HML_COLUMN_CATEGORY : HML_COLUMN_NUMERIC));
		fill_site(f, frame, s, kind);
		f->sites[s] = frame;
		assert_ok(&f->ctx, hml_summary_fit(f->arena, frame, &summary));
		summaries[s] = summary;
	}
	assert_ok(&f->ctx, hml_summary_combine(f->arena, summaries, SITES, &f->summary));
}

static void
teardown(Fixture *f)
{
	for (size_t s = 0; s < SITES; s++)
		hml_frame_free(f->sites[s]);
	hml_arena_free(f->arena);
	test_host_finish(&f->host, &f->ctx);
}

/* One local epoch of Adam, a fifth held back. */
static HmlFedOptions
default_options(void)
{
	return (HmlFedOptions){.epochs = 1, .learning_rate = 1e-3, .batch_size = 32, .holdout = 0.2};
}

static void
run_round(Fixture *f, HmlModel *model, uint64_t round, double proximal)
{
	HmlFedOptions options = default_options();
	double sum[MAX_WEIGHTS] = {0};
	float rest[MAX_WEIGHTS] = {0};
	float weights[MAX_WEIGHTS];
	int64_t total = 0;
	const float *global;
	size_t n;

	assert_ok(&f->ctx, hml_fed_weights(&f->ctx, model, &global, &n));
	assert_in_range(n, 1, MAX_WEIGHTS);
	options.epochs = 3;
	options.learning_rate = 0.01;
	options.proximal = proximal;
	options.seed = round;
	for (size_t s = 0; s < SITES; s++)
	{
		int64_t samples;
		double loss;

		assert_ok(&f->ctx, hml_fed_train(&f->ctx, model, f->sites[s], &options, weights, &samples, &loss));
		assert_int_equal(samples, ROWS * 4 / 5);
		assert_true(isfinite(loss));
		assert_true(hml_average_add_many_f32(sum, rest, &(const float *){weights}, &samples, 1, n));
		total += samples;
	}
	hml_average_finish_f32(weights, sum, rest, total, n);
	assert_ok(&f->ctx, hml_fed_set_weights(&f->ctx, model, weights, n));
}

/* Through bytes, as from client to coordinator, and added up. */
static void
judge(Fixture *f, const HmlModel *model, HmlFedTally *total)
{
	HmlFedOptions options = default_options();

	memset(total, 0, sizeof(*total));
	for (size_t s = 0; s < SITES; s++)
	{
		HmlFedTally tally;
		HmlFedTally copy;
		HmlWriter writer;
		HmlReader reader;

		assert_ok(&f->ctx, hml_fed_evaluate(&f->ctx, model, f->sites[s], &options, &tally));
		assert_int_equal(tally.rows, ROWS / 5);
		hml_writer_init(&writer, &f->ctx);
		hml_fed_tally_write(&tally, &writer);
		assert_ok(&f->ctx, hml_writer_finish(&writer));
		hml_reader_init(&reader, &f->ctx, writer.data, writer.length, "tally");
		assert_ok(&f->ctx, hml_fed_tally_read(&reader, &copy));
		assert_memory_equal(&tally, &copy, sizeof(tally));
		hml_reader_init(&reader, &f->ctx, writer.data, writer.length - 1, "tally");
		assert_status(&f->ctx, hml_fed_tally_read(&reader, &copy), HML_CORRUPT);
		writer.data[7] = 0x80;
		hml_reader_init(&reader, &f->ctx, writer.data, writer.length, "tally");
		assert_status(&f->ctx, hml_fed_tally_read(&reader, &copy), HML_CORRUPT);
		hml_writer_free(&writer);
		hml_fed_tally_add(total, &tally);
	}
}

static double
metric(Fixture *f, const HmlModel *model, const char *name)
{
	HmlFedTally tally;
	HmlText text;
	const char *members;
	char document[1024];
	const HmlJson *json;

	judge(f, model, &tally);
	hml_text_init(&text, &f->ctx);
	assert_ok(&f->ctx, hml_fed_report(&f->ctx, &tally, model, &text));
	assert_ok(&f->ctx, hml_text_finish(&text, &members));
	snprintf(document, sizeof(document), "{%s}", members);
	hml_text_free(&text);
	assert_ok(&f->ctx, hml_json_parse(f->arena, document, strlen(document), &json));
	assert_non_null(hml_json_get(json, name));
	return hml_json_get(json, name)->number;
}

static HmlModel *
run_rounds(Fixture *f, double proximal)
{
	HmlModel *model;

	assert_ok(&f->ctx, hml_fed_begin(&f->ctx, f->summary, f->params, &model));
	for (uint64_t round = 1; round <= ROUNDS; round++)
		run_round(f, model, round, proximal);
	return model;
}

/* Without a single row of a client; two features, of which both count. */
static void
assert_can_be_explained(Fixture *f, const HmlModel *model)
{
	const double inputs[2] = {1.5, 1.0};
	double contributions[2];
	HmlExplanation out = {.contributions = contributions};

	assert_ok(&f->ctx, hml_explain(model, &f->ctx, inputs, &out));
	assert_close(out.base + contributions[0] + contributions[1], out.margin, 1e-9);
	assert_true(fabs(contributions[0]) > 0.05 && fabs(contributions[1]) > 0.01);
}

static void
test_binary(void **state)
{
	Fixture f;
	HmlFedTally tally;
	HmlModel *model;
	HmlModel *pulled;

	(void) state;
	setup(&f, TARGET_BINARY);
	model = run_rounds(&f, 0);
	assert_int_equal(model->n_outputs, 2);
	assert_true(metric(&f, model, "roc_auc") > 0.97);
	assert_can_be_explained(&f, model);
	judge(&f, model, &tally);
	assert_ok(&f.ctx, hml_fed_calibrate(model, &tally));
	assert_int_equal(model->calibration.n_scores, 3 * ROWS / 5);
	assert_close(model->calibration.threshold, metric(&f, model, "threshold"), 0);
	assert_true(metric(&f, model, "accuracy") > 0.9);

	/* FedProx with a strong pull stays near where it began. */
	pulled = run_rounds(&f, 100);
	assert_true(metric(&f, pulled, "loss") > 2 * metric(&f, model, "loss"));
	hml_model_free(pulled);
	hml_model_free(model);
	teardown(&f);
}

/* Targets are mapped by what they are called in the model, not by their order. */
static void
test_a_positive_class_of_zeros(void **state)
{
	const char *json = "{\"positive\": \"0\", \"hidden_layers\": [16, 8], \"dropout\": 0, \"epochs\": 30}";
	Fixture f;
	HmlModel *model;
	HmlFedTally tally;
	HmlFedOptions options = default_options();

	(void) state;
	setup(&f, TARGET_BINARY);
	assert_ok(&f.ctx, train_model(f.arena, &hml_mlp, f.sites[0], json, NULL, &model));
	assert_string_equal(model->output_names[1], "0");
	assert_ok(&f.ctx, hml_fed_evaluate(&f.ctx, model, f.sites[0], &options, &tally));
	assert_int_equal(tally.rows, ROWS / 5);
	assert_true(tally.correct > tally.rows * 9 / 10);
	hml_model_free(model);
	teardown(&f);
}

static void
test_multiclass(void **state)
{
	Fixture f;
	HmlModel *model;

	(void) state;
	setup(&f, TARGET_TEXT);
	model = run_rounds(&f, 0);
	assert_int_equal(model->n_outputs, 3);
	assert_string_equal(model->output_names[0], "high");
	assert_true(metric(&f, model, "accuracy") > 0.85);
	hml_model_free(model);
	teardown(&f);
}

static void
test_regression(void **state)
{
	Fixture f;
	HmlModel *model;

	(void) state;
	setup(&f, TARGET_VALUE);
	model = run_rounds(&f, 0);
	assert_true(metric(&f, model, "r2") > 0.85);
	hml_model_free(model);
	teardown(&f);
}

static void
test_refusals(void **state)
{
	Fixture f;
	HmlFedOptions options = default_options();
	HmlModel *model;
	HmlFedTally tally;
	float weights[MAX_WEIGHTS] = {0};
	const float *global;
	size_t n;
	const char *name;

	(void) state;
	setup(&f, TARGET_BINARY);
	assert_ok(&f.ctx, hml_fed_begin(&f.ctx, f.summary, f.params, &model));
	assert_ok(&f.ctx, hml_fed_weights(&f.ctx, model, &global, &n));
	assert_status(&f.ctx, hml_fed_set_weights(&f.ctx, model, weights, n - 1), HML_INVALID_DATA);
	weights[3] = NAN;
	assert_status(&f.ctx, hml_fed_set_weights(&f.ctx, model, weights, n), HML_INVALID_DATA);
	assert_message(&f.ctx, "weight 4");

	name = f.sites[0]->columns[1].name;
	f.sites[0]->columns[1].name = "z";
	assert_status(&f.ctx, hml_fed_evaluate(&f.ctx, model, f.sites[0], &options, &tally), HML_INVALID_DATA);
	assert_message(&f.ctx, "\"y\"");
	f.sites[0]->columns[1].name = name;
	for (size_t i = 0; i < ROWS; i++)
		hml_frame_values(f.sites[0], HML_ROLE_TARGET)[i] = 7;
	assert_status(&f.ctx, hml_fed_evaluate(&f.ctx, model, f.sites[0], &options, &tally), HML_INVALID_DATA);
	hml_model_free(model);

	f.summary->target.n_values = 0;
	assert_status(&f.ctx, hml_fed_begin(&f.ctx, f.summary, f.params, &model), HML_INVALID_DATA);
	teardown(&f);
}

static HmlStatus
begin_train_judge(HmlContext *ctx, void *argument)
{
	Fixture *f = argument;
	HmlFedOptions options = default_options();
	HmlModel *model;
	HmlFedTally tally;
	float weights[MAX_WEIGHTS];
	int64_t samples;
	double loss;
	HmlStatus status;

	HML_TRY(hml_fed_begin(ctx, f->summary, f->params, &model));
	status = hml_fed_train(ctx, model, f->sites[0], &options, weights, &samples, &loss);
	if (status == HML_OK)
		status = hml_fed_evaluate(ctx, model, f->sites[0], &options, &tally);
	if (status == HML_OK)
		status = hml_fed_calibrate(model, &tally);
	hml_model_free(model);
	return status;
}

static void
test_failures_leave_nothing(void **state)
{
	Fixture f;

	(void) state;
	setup(&f, TARGET_BINARY);
	test_allocation_sweep(begin_train_judge, &f);
	test_cancellation_sweep(begin_train_judge, &f);
	teardown(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_binary),     cmocka_unit_test(test_a_positive_class_of_zeros),
		cmocka_unit_test(test_multiclass), cmocka_unit_test(test_regression),
		cmocka_unit_test(test_refusals),   cmocka_unit_test(test_failures_leave_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
