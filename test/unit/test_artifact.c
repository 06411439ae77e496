/*
 * test_artifact.c
 *	  Models as bytes: the same after a round trip, and damaged or hostile in every way.
 *
 * The model is a small isolation forest over a number, a boolean and a category.
 */
#include "unit/support.h"

#include "core/base/crc32c.h"
#include "core/base/rng.h"
#include "core/model/verdict.h"

#define N_ROWS 60
#define HEADER_SIZE 20
#define SECTION_SIZE 12 /* in front of the payload */

static TestHost host;
static HmlContext ctx;
static HmlArena *arena;
static HmlFrame *frame;
static HmlModel *model;
static HmlWriter original;

/* ---- a model and its bytes ---- */

static HmlStatus
make_frame(HmlContext *context, HmlFrame **out)
{
	static const char *const names[] = {"pressure", "smoker", "ward"};
	static const char *const wards[] = {"ICU", "Nord", "Süd"};
	HmlRng rng;

	HML_TRY(hml_frame_create(context, &(HmlFrameSpec){.n_columns = 3}, out));
	for (size_t i = 0; i < 3; i++)
		HML_TRY(hml_frame_set_column(*out, i, names[i], (HmlColumnKind) (i + 1)));
	hml_rng_seed(&rng, 1);
	for (int i = 0; i < N_ROWS; i++)
	{
		double values[3] = {hml_rng_normal(&rng), i % 3 == 0, NAN};

		if (i % 7 != 0)
			HML_TRY(hml_frame_category(*out, 2, wards[i % 3], strlen(wards[i % 3]), &values[2]));
		HML_TRY(hml_frame_add(*out, values, NULL));
	}
	return HML_OK;
}

static HmlStatus
train(HmlContext *context, HmlArena *own, const HmlFrame *rows, HmlModel **out)
{
	static const char given[] = "{\"n_estimators\": 4, \"max_samples\": 16, \"contamination\": 0.1}";
	const HmlAlgorithm *algorithm = hml_algorithm_find("isolation_forest");
	const HmlJson *json;
	HmlParams *params;
	HmlTraining training = {.frame = rows};

	HML_TRY(hml_json_parse(own, given, strlen(given), &json));
	HML_TRY(hml_algorithm_params(own, algorithm, json, &params));
	training.params = params;
	return hml_model_train(context, algorithm, &training, out);
}

static int
begin(void **state)
{
	(void) state;
	test_host_init(&host, &ctx);
	assert_ok(&ctx, hml_arena_create(&ctx, &arena));
	assert_ok(&ctx, make_frame(&ctx, &frame));
	assert_ok(&ctx, train(&ctx, arena, frame, &model));
	hml_writer_init(&original, &ctx);
	assert_ok(&ctx, hml_model_write(model, &original));
	return 0;
}

static int
end(void **state)
{
	(void) state;
	hml_writer_free(&original);
	hml_model_free(model);
	hml_frame_free(frame);
	hml_arena_free(arena);
	test_host_finish(&host, &ctx);
	return 0;
}

/* ---- changing bytes ---- */

static uint32_t
get_u32(const unsigned char *at)
{
	return (uint32_t) at[0] | (uint32_t) at[1] << 8 | (uint32_t) at[2] << 16 | (uint32_t) at[3] << 24;
}

static void
put_u32(unsigned char *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = (unsigned char) (value >> (8 * i));
}

/* Make all checksums right again, as whoever forges an artifact would. */
static void
forge(unsigned char *bytes, size_t length)
{
	size_t at = HEADER_SIZE;

	put_u32(bytes + 16, hml_crc32c(bytes, 16));
	while (length - at >= SECTION_SIZE + 4)
	{
		size_t size = SECTION_SIZE + get_u32(bytes + at + 8);

		if (size > length - at - 4)
			return;
		put_u32(bytes + at + size, hml_crc32c(bytes + at, size));
		at += size + 4;
	}
}

static unsigned char *
copy_bytes(size_t more)
{
	unsigned char *copy = malloc(original.length + more);

	assert_non_null(copy);
	memcpy(copy, original.data, original.length);
	return copy;
}

static unsigned char *
find_section(unsigned char *bytes, const char *tag)
{
	unsigned char *at = bytes + HEADER_SIZE;

	while (memcmp(at, tag, 4) != 0)
	{
		assert_true(at < bytes + original.length);
		at += SECTION_SIZE + get_u32(at + 8) + 4;
	}
	return at;
}

static void
refuses(const void *bytes, size_t length, HmlStatus status, const char *message)
{
	HmlModel *read;

	assert_status(&ctx, hml_model_read(&ctx, bytes, length, &read), status);
	assert_null(read);
	assert_string_equal(ctx.message, message);
}

/* ---- what must work ---- */

static void
scores_rows(const HmlModel *scored, double *scores)
{
	double *inputs;
	HmlSamples rows;
	void *scratch;

	assert_ok(&ctx, HML_NEW(&ctx, &inputs, N_ROWS * scored->pipeline->n_inputs));
	assert_ok(&ctx, hml_alloc(&ctx, 1, scored->algorithm->scratch_size(scored), &scratch));
	assert_ok(&ctx, hml_pipeline_apply_frame(scored->pipeline, &ctx, frame, NULL, N_ROWS, inputs));
	rows = hml_sample_rows(inputs, N_ROWS);
	assert_ok(&ctx, hml_model_score(scored, &ctx, scratch, &rows, scores));
	hml_free(&ctx, scratch);
	hml_free(&ctx, inputs);
}

static void
writes_what_it_read(void **state)
{
	HmlModel *read;
	HmlWriter again;
	double scores[2][N_ROWS];

	(void) state;
	assert_ok(&ctx, hml_model_read(&ctx, original.data, original.length, &read));
	hml_writer_init(&again, &ctx);
	assert_ok(&ctx, hml_model_write(read, &again));
	assert_int_equal(again.length, original.length);
	assert_memory_equal(again.data, original.data, again.length);
	assert_int_equal(read->trained_rows, N_ROWS);
	assert_string_equal(read->params, model->params);
	assert_true(read->calibration.threshold == model->calibration.threshold);
	scores_rows(model, scores[0]);
	scores_rows(read, scores[1]);
	assert_memory_equal(scores[0], scores[1], sizeof(scores[0]));
	hml_writer_free(&again);
	hml_model_free(read);
}

static void
trains_to_the_same_bytes(void **state)
{
	HmlModel *other;
	HmlWriter again;

	(void) state;
	assert_ok(&ctx, train(&ctx, arena, frame, &other));
	hml_writer_init(&again, &ctx);
	assert_ok(&ctx, hml_model_write(other, &again));
	assert_int_equal(again.length, original.length);
	assert_memory_equal(again.data, original.data, again.length);
	hml_writer_free(&again);
	hml_model_free(other);
}

static void
appends_to_what_is_there(void **state)
{
	HmlWriter behind;

	(void) state;
	hml_writer_init(&behind, &ctx);
	hml_write_bytes(&behind, "abc", 3);
	assert_ok(&ctx, hml_model_write(model, &behind));
	assert_int_equal(behind.length, original.length + 3);
	assert_memory_equal(behind.data + 3, original.data, original.length);
	hml_writer_free(&behind);
}

/* A later minor version may add sections that are no matter. */
static void
skips_optional_sections(void **state)
{
	static const unsigned char extra[SECTION_SIZE + 3 + 4] = {'X', 't', 'r', 'a', 0, 0, 0, 0,
															  3,   0,   0,   0,   7, 7, 7};
	unsigned char *bytes = copy_bytes(sizeof(extra));
	size_t length = original.length + sizeof(extra);
	HmlModel *read;

	(void) state;
	memcpy(bytes + original.length, extra, sizeof(extra));
	bytes[10] = 9; /* minor version */
	put_u32(bytes + 12, 5);
	forge(bytes, length);
	assert_ok(&ctx, hml_model_read(&ctx, bytes, length, &read));
	hml_model_free(read);
	bytes[original.length + 4] = 1;
	forge(bytes, length);
	refuses(bytes, length, HML_UNSUPPORTED,
			"artifact needs section \"Xtra\" to be understood, which is unknown");
	free(bytes);
}

/* ---- what must not ---- */

static void
notices_every_truncation(void **state)
{
	HmlModel *read;

	(void) state;
	for (size_t length = 0; length < original.length; length++)
	{
		unsigned char *bytes = malloc(length + 1); /* so that ASan sees a read past it */

		assert_non_null(bytes);
		memcpy(bytes, original.data, length);
		assert_status(&ctx, hml_model_read(&ctx, bytes, length, &read), HML_CORRUPT);
		assert_null(read);
		free(bytes);
	}
}

static void
notices_every_flipped_bit(void **state)
{
	unsigned char *bytes = copy_bytes(0);
	HmlModel *read;

	(void) state;
	for (size_t bit = 0; bit < original.length * 8; bit++)
	{
		bytes[bit / 8] ^= (unsigned char) (1 << bit % 8);
		assert_status(&ctx, hml_model_read(&ctx, bytes, original.length, &read), HML_CORRUPT);
		bytes[bit / 8] ^= (unsigned char) (1 << bit % 8);
	}
	free(bytes);
}

/* With right checksums anything may come: an error, or a model that is written as it was read. */
static void
survives_forged_bytes(void **state)
{
	unsigned char *bytes = copy_bytes(0);
	int accepted = 0;
	HmlRng rng;

	(void) state;
	hml_rng_seed(&rng, 11);
	for (int i = 0; i < 20000; i++)
	{
		HmlModel *read;
		HmlWriter again;

		memcpy(bytes, original.data, original.length);
		for (uint64_t n = 1 + hml_rng_below(&rng, 3); n > 0; n--)
			bytes[HEADER_SIZE + hml_rng_below(&rng, original.length - HEADER_SIZE)] =
				(unsigned char) hml_rng_next(&rng);
		forge(bytes, original.length);
		if (hml_model_read(&ctx, bytes, original.length, &read) != HML_OK)
			continue;
		hml_writer_init(&again, &ctx);
		assert_ok(&ctx, hml_model_write(read, &again));
		assert_int_equal(again.length, original.length);
		assert_memory_equal(again.data, bytes, again.length);
		hml_writer_free(&again);
		hml_model_free(read);
		accepted++;
	}
	assert_true(accepted > 100);
	free(bytes);
}

static void
refuses_what_is_no_artifact(void **state)
{
	static const unsigned char zeros[64];
	unsigned char *bytes = copy_bytes(1);

	(void) state;
	refuses("", 0, HML_CORRUPT, "artifact is truncated");
	refuses(zeros, sizeof(zeros), HML_CORRUPT, "not a healthml artifact");
	refuses("PGDMP and so on", 15, HML_CORRUPT, "not a healthml artifact");
	bytes[original.length] = 0;
	refuses(bytes, original.length + 1, HML_CORRUPT, "artifact has 1 bytes too many");
	refuses(bytes, HML_MAX_ARTIFACT_SIZE + 1, HML_LIMIT,
			"an artifact of 1073741825 bytes is larger than the limit of 1073741824");
	free(bytes);
}

static void
refuses_other_versions(void **state)
{
	unsigned char *bytes = copy_bytes(0);

	(void) state;
	bytes[8] = 2;
	forge(bytes, original.length);
	refuses(bytes, original.length, HML_UNSUPPORTED,
			"artifact has format 2.0, but only format 1 can be read");
	assert_string_equal(ctx.hint, "It was written by another version of healthml.");
	bytes[8] = 0;
	forge(bytes, original.length);
	refuses(bytes, original.length, HML_UNSUPPORTED,
			"artifact has format 0.0, but only format 1 can be read");
	free(bytes);
}

static void
tells_where_the_damage_is(void **state)
{
	unsigned char *bytes = copy_bytes(0);

	(void) state;
	bytes[12] ^= 1;
	refuses(bytes, original.length, HML_CORRUPT, "header of the artifact is damaged");
	assert_message(&ctx, "Its checksum is ");
	bytes[12] ^= 1;
	find_section(bytes, "CALI")[SECTION_SIZE] ^= 1;
	refuses(bytes, original.length, HML_CORRUPT, "section \"CALI\" of the artifact is damaged");
	free(bytes);
}

static void
refuses_misplaced_sections(void **state)
{
	unsigned char *bytes = copy_bytes(0);

	(void) state;
	memcpy(find_section(bytes, "FEAT"), "\x01\xff z", 4);
	forge(bytes, original.length);
	refuses(bytes, original.length, HML_CORRUPT, "artifact has \"?? z\" where section \"FEAT\" should be");
	memcpy(bytes, original.data, original.length);
	find_section(bytes, "META")[4] = 0;
	forge(bytes, original.length);
	refuses(bytes, original.length, HML_CORRUPT, "artifact has \"META\" where section \"META\" should be");
	memcpy(bytes, original.data, original.length);
	put_u32(bytes + 12, 3);
	forge(bytes, original.length);
	refuses(bytes, original.length, HML_CORRUPT, "artifact cannot have 3 sections");
	put_u32(bytes + 12, UINT32_MAX);
	forge(bytes, original.length);
	refuses(bytes, original.length, HML_CORRUPT, "artifact cannot have 4294967295 sections");
	put_u32(bytes + 12, 5);
	forge(bytes, original.length);
	refuses(bytes, original.length, HML_CORRUPT, "artifact is truncated");
	free(bytes);
}

/* META is algorithm, task, rows, parameters, number of outputs, whether they have names. */
static void
refuses_wrong_meta(void **state)
{
	unsigned char *bytes = copy_bytes(0);
	unsigned char *meta = find_section(bytes, "META");
	unsigned char *end_of_meta = meta + SECTION_SIZE + get_u32(meta + 8);

	(void) state;
	meta[SECTION_SIZE + 4] = 'I';
	forge(bytes, original.length);
	refuses(bytes, original.length, HML_UNSUPPORTED,
			"artifact is of the unknown algorithm \"Isolation_forest\"");
	meta[SECTION_SIZE + 4] = 'i';
	meta[SECTION_SIZE + 4 + 16 + 4] = 'A';
	forge(bytes, original.length);
	refuses(bytes, original.length, HML_CORRUPT,
			"section \"META\" of the artifact has the wrong task for algorithm \"isolation_forest\"");
	meta[SECTION_SIZE + 4 + 16 + 4] = 'a';
	put_u32(end_of_meta - 5, 0);
	forge(bytes, original.length);
	refuses(bytes, original.length, HML_CORRUPT,
			"section \"META\" of the artifact has counts that make no sense");
	put_u32(end_of_meta - 5, HML_MAX_OUTPUTS + 1);
	forge(bytes, original.length);
	refuses(bytes, original.length, HML_CORRUPT,
			"section \"META\" of the artifact has a count of 4097, more than 4096");
	put_u32(end_of_meta - 5, 1);
	end_of_meta[-1] = 2;
	forge(bytes, original.length);
	refuses(bytes, original.length, HML_CORRUPT, "section \"META\" of the artifact has a flag of 2");
	end_of_meta[-1] = 1;
	forge(bytes, original.length);
	refuses(bytes, original.length, HML_CORRUPT, "section \"META\" of the artifact is truncated");
	free(bytes);
}

/* ---- failures of the host ---- */

static HmlStatus
train_write_read(HmlContext *context, void *argument)
{
	HmlArena *own;
	HmlFrame *rows = NULL;
	HmlModel *trained = NULL;
	HmlModel *read = NULL;
	HmlWriter writer;
	HmlStatus status = hml_arena_create(context, &own);

	(void) argument;
	if (status != HML_OK)
		return status;
	hml_writer_init(&writer, context);
	status = make_frame(context, &rows);
	if (status == HML_OK)
		status = train(context, own, rows, &trained);
	if (status == HML_OK)
		status = hml_model_write(trained, &writer);
	if (status == HML_OK)
		status = hml_model_read(context, writer.data, writer.length, &read);
	hml_model_free(read);
	hml_model_free(trained);
	hml_writer_free(&writer);
	hml_frame_free(rows);
	hml_arena_free(own);
	return status;
}

/* A detector has one output, without a name: more of them would be read where there are none. */
static void
outputs_must_fit(void **state)
{
	static const char *names[] = {"a", "b", "c"};
	const struct
	{
		size_t n_outputs;
		const char **names;
	} cases[] = {{3, NULL}, {2, NULL}, {1, names}, {3, names}};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
	{
		HmlModel forged = *model;
		HmlModel *read;
		HmlWriter writer;

		forged.n_outputs = cases[i].n_outputs;
		forged.output_names = cases[i].names;
		hml_writer_init(&writer, &ctx);
		assert_ok(&ctx, hml_model_write(&forged, &writer));
		assert_status(&ctx, hml_model_read(&ctx, writer.data, writer.length, &read), HML_CORRUPT);
		assert_message(&ctx, "which algorithm \"isolation_forest\" has not");
		hml_writer_free(&writer);
	}
}

static void
survives_failures(void **state)
{
	(void) state;
	test_allocation_sweep(train_write_read, NULL);
	test_cancellation_sweep(train_write_read, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(writes_what_it_read, begin, end),
		cmocka_unit_test_setup_teardown(trains_to_the_same_bytes, begin, end),
		cmocka_unit_test_setup_teardown(appends_to_what_is_there, begin, end),
		cmocka_unit_test_setup_teardown(skips_optional_sections, begin, end),
		cmocka_unit_test_setup_teardown(notices_every_truncation, begin, end),
		cmocka_unit_test_setup_teardown(notices_every_flipped_bit, begin, end),
		cmocka_unit_test_setup_teardown(survives_forged_bytes, begin, end),
		cmocka_unit_test_setup_teardown(refuses_what_is_no_artifact, begin, end),
		cmocka_unit_test_setup_teardown(refuses_other_versions, begin, end),
		cmocka_unit_test_setup_teardown(tells_where_the_damage_is, begin, end),
		cmocka_unit_test_setup_teardown(refuses_misplaced_sections, begin, end),
		cmocka_unit_test_setup_teardown(refuses_wrong_meta, begin, end),
		cmocka_unit_test_setup_teardown(outputs_must_fit, begin, end),
		cmocka_unit_test(survives_failures),
	};

	return cmocka_run_group_tests_name("artifact", tests, NULL, NULL);
}
