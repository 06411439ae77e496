/*
 * test_modality.c
 *	  A tiny modality through the public seams (tremor.h); and the rows of the table.
 */
#include "unit/support.h"

#include "unit/model_support.h"
#include "unit/tremor.h"

#include "core/model/evaluate.h"

#define RATE TREMOR_RATE
#define AXES TREMOR_AXES

/* ---- the host's part ---- */

static TestHost host;
static HmlContext ctx;
static HmlArena *arena;
static unsigned char recording[1 + AXES * 10 * RATE];

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

/* Ten seconds in which the hand goes x and y mg to both sides, in the second half only if 'late'. */
static void
record(int x, int y, bool late)
{
	recording[0] = 'T';
	for (size_t i = 0; i < 10 * RATE; i++)
	{
		bool moves = !late || i >= 5 * RATE;
		int sign = i % 2 == 0 ? 1 : -1;

		recording[1 + AXES * i] = (unsigned char) (128 + moves * sign * x);
		recording[2 + AXES * i] = (unsigned char) (128 + moves * sign * y);
	}
}

static HmlStatus
read_recording(HmlContext *of, size_t length, double at_s, HmlSignal *out)
{
	const int values[HML_SIGNAL_MAX_LIMITS] = {60};
	HmlSignalRequest request = {.bytes = recording, .length = length, .limits = values, .at_s = at_s};

	return tremor_reader.read(of, &request, out);
}

/* Hands that go i times 10 and i times 20 mg, of which the later half counts as trembling. */
static void
fill_frame(const HmlEncoder *encoder, HmlFrame *frame, int hands)
{
	assert_ok(&ctx, hml_encoder_columns(encoder, frame));
	assert_ok(&ctx, hml_frame_set_column(frame, encoder->n_features, "trembles", HML_COLUMN_BOOLEAN));
	for (int i = 1; i <= hands; i++)
	{
		double trembles = i > hands / 2;
		HmlSignal signal;

		record(40 * i / hands, 80 * i / hands, false);
		assert_ok(&ctx, read_recording(&ctx, sizeof(recording), NAN, &signal));
		assert_ok(&ctx, hml_frame_add_signal(frame, encoder, &signal, &trembles));
		hml_signal_free(&ctx, &signal);
	}
}

static HmlFrame *
frame_of_recordings(const HmlAlgorithm *algorithm, int hands, size_t max_bytes)
{
	HmlFrameSpec spec = {.roles = {HML_ROLE_TARGET}, .max_bytes = max_bytes};
	HmlFrame *frame;

	hml_encoder_frame(algorithm->encoder, algorithm->sample, &spec);
	assert_ok(&ctx, hml_frame_create(&ctx, &spec, &frame));
	fill_frame(algorithm->encoder, frame, hands);
	return frame;
}

static HmlModel *
train_on_recordings(const HmlAlgorithm *algorithm)
{
	HmlFrame *frame = frame_of_recordings(algorithm, 40, 1 << 20);
	HmlModel *model;

	assert_ok(&ctx, train_model(arena, algorithm, frame, "{}", NULL, &model));
	hml_frame_free(frame);
	return model;
}

typedef struct Judgement
{
	HmlSignal signal;
	HmlEncodedSignal encoded;
	double outputs[2];
	HmlVerdict verdict;
} Judgement;

static void
judge(const HmlModel *model, size_t length, double at_s, Judgement *out)
{
	double inputs[AXES];
	void *scratch = NULL;

	memset(out, 0, sizeof(*out));
	assert_ok(&ctx, read_recording(&ctx, length, at_s, &out->signal));
	assert_ok(&ctx, model->algorithm->encoder->encode(arena, model, &out->signal, &out->encoded));
	if (model->algorithm->scratch_size != NULL)
		assert_ok(&ctx, hml_arena_alloc(arena, 1, model->algorithm->scratch_size(model), &scratch));
	assert_ok(&ctx, hml_judge(model, &ctx, &out->encoded, inputs, scratch, out->outputs, &out->verdict));
}

/* ---- tests ---- */

static void
test_reads_channels(void **state)
{
	HmlSignal signal;

	(void) state;
	record(5, 50, false);
	assert_ok(&ctx, read_recording(&ctx, sizeof(recording), NAN, &signal));
	assert_int_equal(signal.n_channels, AXES);
	assert_close(hml_signal_seconds(&signal), 10, 0);
	assert_string_equal(signal.labels[1], "y");
	assert_close(signal.samples[signal.n_samples], 50, 0);
	hml_signal_free(&ctx, &signal);
	assert_null(signal.samples);
	hml_signal_free(&ctx, &signal);
}

static void
test_refuses_bytes(void **state)
{
	const int values[HML_SIGNAL_MAX_LIMITS] = {9};
	HmlSignalRequest request = {
		.bytes = recording, .length = sizeof(recording), .limits = values, .at_s = NAN};
	HmlSignal signal;

	(void) state;
	record(5, 50, false);
	assert_status(&ctx, tremor_reader.read(&ctx, &request, &signal), HML_LIMIT);
	assert_message(&ctx, "9 s");
	recording[0] = 'X';
	assert_status(&ctx, read_recording(&ctx, sizeof(recording), NAN, &signal), HML_CORRUPT);
}

static void
test_judges_features(void **state)
{
	HmlModel *model = train_on_recordings(&tremor_features);
	Judgement judgement;

	(void) state;
	record(40, 80, false);
	judge(model, sizeof(recording), NAN, &judgement);
	assert_close(judgement.verdict.score, 0.6, 1e-12);
	assert_string_equal(hml_verdict_word(&judgement.verdict), "trembling");
	assert_true(judgement.verdict.is_anomaly);
	assert_close(judgement.encoded.measures[0], 60, 1e-12);
	hml_signal_free(&ctx, &judgement.signal);
	hml_model_free(model);
}

/* Too short a recording has no features: both classes are as likely, and the word is "uncertain". */
static void
test_doubts(void **state)
{
	HmlModel *model = train_on_recordings(&tremor_features);
	Judgement judgement;

	(void) state;
	record(90, 90, false);
	judge(model, 1 + AXES * 3, NAN, &judgement);
	assert_close(judgement.verdict.score, 0.5, 0);
	assert_close(judgement.outputs[0], 0.5, 0);
	assert_string_equal(hml_verdict_word(&judgement.verdict), HML_UNCERTAIN);
	assert_string_equal(judgement.verdict.quality.doubt, "the recording is too short");
	hml_signal_free(&ctx, &judgement.signal);
	hml_model_free(model);
}

/* The same modality through another encoder, whose samples a network has learnt; the second that is named decides. */
static void
test_judges_tensors(void **state)
{
	HmlModel *model = train_on_recordings(&tremor_network);
	Judgement early;
	Judgement late;

	(void) state;
	record(80, 80, true);
	judge(model, sizeof(recording), 2, &early);
	judge(model, sizeof(recording), 8, &late);
	assert_string_equal(hml_verdict_word(&early.verdict), "false");
	assert_true(late.verdict.score > early.verdict.score);
	assert_close(early.encoded.measures[0], 0, 0);
	assert_close(late.encoded.measures[0], 80, 1e-12);
	hml_signal_free(&ctx, &early.signal);
	hml_signal_free(&ctx, &late.signal);
	hml_model_free(model);
}

static void
write_artifact(const HmlModel *model, HmlWriter *out)
{
	hml_writer_init(out, &ctx);
	assert_ok(&ctx, hml_model_write(model, out));
}

/* Nearly all of the tensors lie in a spool, in whose order nothing is read: the model is the same. */
static void
test_trains_from_spool(void **state)
{
	size_t tensor = AXES * TREMOR_LENGTH * sizeof(float);
	size_t room[2] = {1 << 20, 8 * tensor}; /* of which half is for tensors */
	HmlWriter artifacts[2];

	(void) state;
	for (int i = 0; i < 2; i++)
	{
		HmlFrame *frame = frame_of_recordings(&tremor_network, 40, room[i]);
		HmlModel *model;

		assert_int_equal(host.open_spools, i);
		assert_int_equal(host.spooled, i * 36 * tensor);
		assert_ok(&ctx, train_model(arena, &tremor_network, frame, "{\"epochs\": 5}", NULL, &model));
		assert_true(host.spool_operations >= (size_t) i * 5 * 36);
		hml_frame_free(frame);
		assert_int_equal(host.open_spools, 0);
		write_artifact(model, &artifacts[i]);
		hml_model_free(model);
	}
	assert_int_equal(artifacts[0].length, artifacts[1].length);
	assert_memory_equal(artifacts[0].data, artifacts[1].data, artifacts[0].length);
	for (int i = 0; i < 2; i++)
		hml_writer_free(&artifacts[i]);
}

static HmlStatus
skip_fold(void *user, size_t fold, size_t rows, const char *metrics)
{
	(void) fold;
	assert_non_null(strstr(metrics, "\"roc_auc\": 1"));
	*(size_t *) user += rows;
	return HML_OK;
}

/* Each fold is judged on tensors of the same spool. */
static void
test_cross_validates_tensors(void **state)
{
	HmlCrossValidation validation = {
		.algorithm = &tremor_network, .n_folds = 4, .seed = 1, .on_fold = skip_fold};
	const HmlJson *json;
	HmlParams *params;
	size_t judged = 0;

	(void) state;
	validation.user = &judged;
	validation.frame = frame_of_recordings(&tremor_network, 40, 10 * AXES * TREMOR_LENGTH * sizeof(float));
	assert_ok(&ctx, hml_json_parse(arena, "{}", 2, &json));
	assert_ok(&ctx, hml_algorithm_params(arena, &tremor_network, json, &params));
	validation.params = params;
	assert_ok(&ctx, hml_cross_validate(&ctx, &validation));
	assert_int_equal(judged, 40);
	assert_int_equal(host.open_spools, 1);
	hml_frame_free((HmlFrame *) (uintptr_t) validation.frame);
}

/* A recording that is missing, or too short, is a tensor of length 0: each class is as likely. */
static void
test_judges_missing_tensors(void **state)
{
	HmlFrame *frame = frame_of_recordings(&tremor_network, 40, 1 << 20);
	HmlModel *model = train_on_recordings(&tremor_network);
	double target = 1;
	uint32_t rows[2] = {39, 40};
	double outputs[4];

	(void) state;
	assert_ok(&ctx, hml_frame_add_signal(frame, &tremor_tensor_encoder, NULL, &target));
	assert_ok(&ctx, hml_frame_outputs(&ctx, model, frame, rows, 2, NULL, outputs));
	assert_true(outputs[1] > 0.5);
	assert_close(outputs[3], 0.5, 0);
	hml_frame_free(frame);
	hml_model_free(model);
}

/* What the host lends may fail at any time, and may not be lent at all. */
static void
test_spool_fails(void **state)
{
	HmlFrame *frame = frame_of_recordings(&tremor_network, 40, 8 * AXES * TREMOR_LENGTH * sizeof(float));
	HmlModel *model;

	(void) state;
	host.spool_fail_at = host.spool_operations + 50;
	assert_status(&ctx, train_model(arena, &tremor_network, frame, "{}", NULL, &model), HML_HOST);
	assert_null(model);
	hml_frame_free(frame);
	ctx.host.spool = NULL;
	frame = frame_of_recordings(&tremor_network, 40, 8 * AXES * TREMOR_LENGTH * sizeof(float));
	assert_int_equal(frame->n_rows, 4);
	assert_int_equal(frame->rows_seen, 40);
	hml_frame_free(frame);
}

static void
test_explains(void **state)
{
	HmlModel *model = train_on_recordings(&tremor_features);
	HmlRows rows = {0};
	Judgement judgement;
	HmlJudged judged = {model, &judgement.signal, &judgement.encoded, &judgement.verdict};

	(void) state;
	record(10, 70, false);
	judge(model, sizeof(recording), NAN, &judgement);
	assert_ok(&ctx, tremor_feature_encoder.explain(arena, &judged, 10, &rows));
	assert_int_equal(rows.first->n, 3);
	assert_string_equal(rows.first->cells[1].text, "x");
	assert_ptr_equal(rows.first->next, rows.last);
	assert_null(rows.last->next);
	assert_close(rows.last->cells[2].number, 70, 1e-12);
	hml_signal_free(&ctx, &judgement.signal);
	hml_model_free(model);
}

static HmlStatus
read_and_free(HmlContext *of, void *argument)
{
	HmlSignal signal;

	(void) argument;
	HML_TRY(read_recording(of, sizeof(recording), NAN, &signal));
	hml_signal_free(of, &signal);
	return HML_OK;
}

static void
test_failures(void **state)
{
	(void) state;
	record(5, 50, false);
	test_allocation_sweep(read_and_free, NULL);
}

/* ---- the table ---- */

static void
check_reader(const HmlSignalReader *of)
{
	size_t n = 0;

	assert_non_null(of->read);
	for (; of->limits[n].name != NULL; n++)
	{
		assert_true(of->limits[n].least <= of->limits[n].value);
		assert_true(of->limits[n].value <= of->limits[n].most);
		assert_non_null(of->limits[n].help);
	}
	assert_true(n <= HML_SIGNAL_MAX_LIMITS);
}

static void
test_rows_of_the_table(void **state)
{
	(void) state;
	for (const HmlModality *const *row = hml_modalities; *row != NULL; row++)
	{
		size_t n = 0;

		check_reader((*row)->reader);
		for (; (*row)->measures[n] != NULL; n++)
			continue;
		assert_true(n <= HML_MAX_MEASURES);
		for (const HmlModality *const *other = hml_modalities; *other != *row; other++)
			assert_string_not_equal((*row)->name, (*other)->name);
	}
}

static bool
has_param(const HmlAlgorithm *algorithm, const char *name)
{
	for (const HmlParamSpec *param = algorithm->params; param->name != NULL; param++)
		if (strcmp(param->name, name) == 0)
			return true;
	return false;
}

static bool
is_in_table(const HmlModality *wanted)
{
	for (const HmlModality *const *row = hml_modalities; *row != NULL; row++)
		if (*row == wanted)
			return true;
	return false;
}

/* An algorithm that learns from recordings takes a kind that is there, from a column that can be named. */
static void
test_encoders_of_algorithms(void **state)
{
	(void) state;
	for (const HmlAlgorithm *const *algorithm = hml_algorithms; *algorithm != NULL; algorithm++)
	{
		const HmlEncoder *encoder = (*algorithm)->encoder;

		if (encoder == NULL)
			continue;
		assert_true(is_in_table(encoder->modality));
		assert_true(has_param(*algorithm, encoder->modality->column));
		assert_non_null(encoder->encode);
		assert_true(encoder->n_features > 0);
		assert_int_equal((*algorithm)->sample != HML_SAMPLE_ROW, encoder->length > 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_reads_channels, begin, end),
		cmocka_unit_test_setup_teardown(test_refuses_bytes, begin, end),
		cmocka_unit_test_setup_teardown(test_judges_features, begin, end),
		cmocka_unit_test_setup_teardown(test_doubts, begin, end),
		cmocka_unit_test_setup_teardown(test_judges_tensors, begin, end),
		cmocka_unit_test_setup_teardown(test_trains_from_spool, begin, end),
		cmocka_unit_test_setup_teardown(test_cross_validates_tensors, begin, end),
		cmocka_unit_test_setup_teardown(test_judges_missing_tensors, begin, end),
		cmocka_unit_test_setup_teardown(test_spool_fails, begin, end),
		cmocka_unit_test_setup_teardown(test_explains, begin, end),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_rows_of_the_table),
		cmocka_unit_test(test_encoders_of_algorithms),
	};

	return cmocka_run_group_tests_name("modality", tests, NULL, NULL);
}
