/*
 * test_modality.c
 *	  A tiny modality through the public seams: a reader, a row, two encoders, two
 *	  algorithms; and the rows of the table.
 *
 * A recording of a hand that trembles is a letter 'T' and bytes, x and y in turn, 10
 * of each a second.
 */
#include "unit/support.h"

#include "core/data/params.h"
#include "core/model/modality.h"
#include "unit/model_support.h"

#define RATE 10
#define AXES 2
#define STRETCH_S 2.0 /* that is read where a second is named */
#define LEAST_S 0.5   /* to be judged at all */

/* ---- reader ---- */

static const HmlSignalLimit limits[] = {{.name = "max_tremor_seconds",
										 .value = 60,
										 .least = 1,
										 .most = 3600,
										 .is_seconds = true,
										 .help = "Sets the longest tremor that is read.",
										 .detail = "A longer one is an error."},
										{0}};

static HmlStatus
name_axes(HmlContext *ctx, HmlSignal *signal)
{
	HML_TRY(HML_NEW(ctx, &signal->labels, AXES));
	signal->labels[0] = "x";
	signal->labels[1] = "y";
	return HML_OK;
}

static HmlStatus
read_samples(HmlContext *ctx, const unsigned char *bytes, size_t first, size_t n, HmlSignal *out)
{
	HmlStatus status = HML_NEW(ctx, &out->samples, AXES * n);

	out->n_samples = n;
	for (size_t i = 0; status == HML_OK && i < AXES * n; i++)
		out->samples[i % AXES * n + i / AXES] = (float) (bytes[1 + AXES * first + i] - 128);
	if (status == HML_OK)
		status = name_axes(ctx, out);
	if (status != HML_OK)
		hml_signal_free(ctx, out);
	return status;
}

static HmlStatus
read_tremor(HmlContext *ctx, const HmlSignalRequest *request, HmlSignal *out)
{
	const unsigned char *bytes = request->bytes;
	size_t n = request->length / AXES;
	size_t first = 0;

	*out = (HmlSignal){.n_channels = AXES, .sample_rate = RATE, .unit = "mg", .format = "tremor"};
	if (request->length < 1 + AXES || bytes[0] != 'T')
		return hml_fail(ctx, HML_CORRUPT, "recording is no tremor");
	if (n > (size_t) request->limits[0] * RATE)
		return hml_fail(ctx, HML_LIMIT, "tremor is longer than %d s", request->limits[0]);
	if (!isnan(request->at_s))
	{
		first = (size_t) ((request->at_s - STRETCH_S / 2) * RATE);
		n = (size_t) (STRETCH_S * RATE);
	}
	return read_samples(ctx, bytes, first, n, out);
}

static const HmlSignalReader reader = {.name = "tremor", .limits = limits, .read = read_tremor};

/* ---- modality and encoders ---- */

static const char *const measures[] = {"amplitude", NULL};

static const HmlModality modality = {
	.name = "tremor", .reader = &reader, .column = "tremor", .measures = measures};

static const char *const features[AXES] = {"amplitude_x", "amplitude_y"};

static double
amplitude(const HmlSignal *signal, size_t channel)
{
	double sum = 0;

	for (size_t i = 0; i < signal->n_samples; i++)
		sum += fabsf(signal->samples[channel * signal->n_samples + i]);
	return sum / (double) signal->n_samples;
}

static HmlStatus
encode_features(HmlArena *arena, const HmlModel *model, const HmlSignal *signal, HmlEncodedSignal *out)
{
	(void) model;
	out->is_usable = hml_signal_seconds(signal) >= LEAST_S;
	out->quality = HML_QUALITY_FULL;
	if (!out->is_usable)
		out->quality = (HmlQuality){.usable_share = 0, .doubt = "the recording is too short"};
	HML_TRY(HML_ARENA_NEW(arena, &out->values, AXES));
	for (size_t c = 0; c < AXES; c++)
		out->values[c] = out->is_usable ? amplitude(signal, c) : NAN;
	out->measures[0] = out->is_usable ? (out->values[0] + out->values[1]) / AXES : NAN;
	return HML_OK;
}

static HmlStatus
explain_features(HmlArena *arena, const HmlJudged *judged, size_t top, HmlRows *out)
{
	for (size_t c = 0; c < AXES && c < top; c++)
	{
		const HmlCell cells[] = {{"rank", NULL, (double) c + 1},
								 {"channel", judged->signal->labels[c], NAN},
								 {"contribution", NULL, judged->encoding->values[c]}};

		HML_TRY(hml_rows_add(arena, out, cells, 3));
	}
	return HML_OK;
}

static const HmlEncoder feature_encoder = {.modality = &modality,
										   .n_features = AXES,
										   .names = features,
										   .encode = encode_features,
										   .explain = explain_features};

static HmlStatus
encode_tensor(HmlArena *arena, const HmlModel *model, const HmlSignal *signal, HmlEncodedSignal *out)
{
	(void) arena;
	(void) model;
	out->is_usable = true;
	out->quality = HML_QUALITY_FULL;
	out->sample =
		hml_sample_tensors(HML_SAMPLE_SIGNAL, signal->samples, 1, signal->n_channels, signal->n_samples);
	return HML_OK;
}

static const HmlEncoder tensor_encoder = {.modality = &modality, .encode = encode_tensor};

/* ---- algorithms ---- */

static HmlStatus
train(HmlContext *ctx, const HmlTraining *training, HmlModel *model)
{
	static const char *names[] = {"still", "trembling"};

	(void) ctx;
	model->n_outputs = 2;
	model->output_names = names;
	model->calibration = (HmlCalibration){.medium_cutoff = 0.25, .high_cutoff = 0.5, .threshold = 0.5};
	return hml_pipeline_fit(model->arena, training->frame, NULL, training->frame->n_rows, training->params,
							HML_SCALE_NONE, &model->pipeline);
}

/* A hand trembles the more probably, the farther it goes: 100 mg in the mean of both axes is certain. */
static void
put_probability(double mean, double *outputs)
{
	outputs[1] = fmin(1, mean / 100);
	outputs[0] = 1 - outputs[1];
}

static HmlStatus
judge_features(const HmlModel *model, HmlContext *ctx, void *scratch, const HmlSamples *samples,
			   double *outputs)
{
	(void) model;
	(void) ctx;
	(void) scratch;
	assert_int_equal(samples->kind, HML_SAMPLE_ROW);
	put_probability((samples->rows[0] + samples->rows[1]) / AXES, outputs);
	return HML_OK;
}

static HmlStatus
judge_tensor(const HmlModel *model, HmlContext *ctx, void *scratch, const HmlSamples *samples,
			 double *outputs)
{
	size_t n = samples->shape[0] * samples->shape[1];
	double sum = 0;

	(void) model;
	(void) ctx;
	(void) scratch;
	assert_int_equal(samples->kind, HML_SAMPLE_SIGNAL);
	assert_int_equal(samples->shape[0], AXES);
	for (size_t i = 0; i < n; i++)
		sum += fabsf(samples->tensors[i]);
	put_probability(sum / (double) n, outputs);
	return HML_OK;
}

static const HmlParamSpec no_params[] = {{0}};

static const HmlAlgorithm row_algorithm = {.name = "tremor_features",
										   .task = "classification",
										   .params = no_params,
										   .encoder = &feature_encoder,
										   .train = train,
										   .outputs = judge_features};

static const HmlAlgorithm tensor_algorithm = {.name = "tremor_network",
											  .task = "classification",
											  .sample = HML_SAMPLE_SIGNAL,
											  .params = no_params,
											  .encoder = &tensor_encoder,
											  .train = train,
											  .outputs = judge_tensor};

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

	return modality.reader->read(of, &request, out);
}

static HmlModel *
train_on_recordings(const HmlAlgorithm *algorithm)
{
	HmlFrame *frame;
	HmlModel *model;

	assert_ok(&ctx, hml_frame_create(&ctx, &(HmlFrameSpec){.n_columns = AXES, .max_bytes = 1 << 20}, &frame));
	for (size_t c = 0; c < AXES; c++)
		assert_ok(&ctx, hml_frame_set_column(frame, c, feature_encoder.names[c], HML_COLUMN_NUMERIC));
	for (int i = 1; i < 5; i++)
	{
		HmlEncodedSignal encoded = {0};
		HmlSignal signal;

		record(10 * i, 20 * i, false);
		assert_ok(&ctx, read_recording(&ctx, sizeof(recording), NAN, &signal));
		assert_ok(&ctx, feature_encoder.encode(arena, NULL, &signal, &encoded));
		assert_ok(&ctx, hml_frame_add(frame, encoded.values, NULL));
		hml_signal_free(&ctx, &signal);
	}
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

	memset(out, 0, sizeof(*out));
	assert_ok(&ctx, read_recording(&ctx, length, at_s, &out->signal));
	assert_ok(&ctx, model->algorithm->encoder->encode(arena, model, &out->signal, &out->encoded));
	assert_ok(&ctx, hml_judge(model, &ctx, &out->encoded, inputs, NULL, out->outputs, &out->verdict));
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
	assert_status(&ctx, reader.read(&ctx, &request, &signal), HML_LIMIT);
	assert_message(&ctx, "9 s");
	recording[0] = 'X';
	assert_status(&ctx, read_recording(&ctx, sizeof(recording), NAN, &signal), HML_CORRUPT);
}

static void
test_judges_features(void **state)
{
	HmlModel *model = train_on_recordings(&row_algorithm);
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
	HmlModel *model = train_on_recordings(&row_algorithm);
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

/* The same modality through another encoder; the second that is named decides. */
static void
test_judges_tensors(void **state)
{
	HmlModel *model = train_on_recordings(&tensor_algorithm);
	Judgement early;
	Judgement late;

	(void) state;
	record(80, 80, true);
	judge(model, sizeof(recording), 2, &early);
	judge(model, sizeof(recording), 8, &late);
	assert_string_equal(hml_verdict_word(&early.verdict), "still");
	assert_string_equal(hml_verdict_word(&late.verdict), "trembling");
	assert_close(late.verdict.score, 0.8, 1e-12);
	hml_signal_free(&ctx, &early.signal);
	hml_signal_free(&ctx, &late.signal);
	hml_model_free(model);
}

static void
test_explains(void **state)
{
	HmlModel *model = train_on_recordings(&row_algorithm);
	HmlRows rows = {0};
	Judgement judgement;
	HmlJudged judged = {model, &judgement.signal, &judgement.encoded, &judgement.verdict};

	(void) state;
	record(10, 70, false);
	judge(model, sizeof(recording), NAN, &judgement);
	assert_ok(&ctx, feature_encoder.explain(arena, &judged, 10, &rows));
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
		assert_int_equal((*algorithm)->sample == HML_SAMPLE_ROW, encoder->n_features > 0);
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
		cmocka_unit_test_setup_teardown(test_explains, begin, end),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_rows_of_the_table),
		cmocka_unit_test(test_encoders_of_algorithms),
	};

	return cmocka_run_group_tests_name("modality", tests, NULL, NULL);
}
