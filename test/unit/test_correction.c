/*
 * test_correction.c
 *	  Corrections of probabilities: scikit-learn's numbers, bytes, refusals.
 */
#include "unit/support.h"

#include "core/model/correction.h"

#define ROWS 80

static TestHost host;
static HmlContext ctx;
static HmlArena *arena;
static double p[ROWS], isotonic[ROWS], platt[ROWS];
static bool labels[ROWS];

static int
begin(void **state)
{
	FILE *file = fopen("test/golden/calibration.csv", "r");

	(void) state;
	test_host_init(&host, &ctx);
	assert_ok(&ctx, hml_arena_create(&ctx, &arena));
	assert_non_null(file);
	for (size_t i = 0; i < ROWS; i++)
	{
		int label;

		assert_int_equal(fscanf(file, "%lf,%d,%lf,%lf", &p[i], &label, &isotonic[i], &platt[i]), 4);
		labels[i] = label == 1;
	}
	fclose(file);
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

static void
equals(HmlCorrectionKind kind, const double *expected, double tolerance)
{
	HmlCorrection correction;

	assert_ok(&ctx, hml_correction_fit(arena, kind, p, labels, ROWS, &correction));
	for (size_t i = 0; i < ROWS; i++)
	{
		double outputs[2] = {1 - p[i], p[i]};

		hml_correct(&correction, outputs, 1, 2);
		assert_close(outputs[1], expected[i], tolerance);
		assert_close(outputs[0], 1 - outputs[1], 1e-12);
	}
}

static void
equals_scikit_learn(void **state)
{
	(void) state;
	equals(HML_CORRECT_ISOTONIC, isotonic, 1e-8);
	equals(HML_CORRECT_PLATT, platt, 1e-5);
}

/* Weights of 1 and 4 in training: odds of 4 become odds of 1. */
static void
takes_weights_back(void **state)
{
	double factors[3] = {1, 0.25, 0.5};
	HmlCorrection prior = {.kind = HML_CORRECT_PRIOR, .n = 2, .y = factors};
	double outputs[4] = {0.2, 0.8, 1, 0};
	double three[3] = {0.25, 0.5, 0.25};

	(void) state;
	hml_correct(&prior, outputs, 2, 2);
	assert_close(outputs[1], 0.5, 1e-12);
	assert_close(outputs[2], 1, 1e-12);
	prior.n = 3;
	hml_correct(&prior, three, 1, 3);
	assert_close(three[0], 0.5, 1e-12);
	assert_close(three[1], 0.25, 1e-12);
}

static void
travels_and_refuses(void **state)
{
	HmlCorrection made[2];
	HmlCorrection *read;
	HmlWriter writer;
	HmlReader reader;
	size_t n;

	(void) state;
	assert_ok(&ctx, hml_correction_fit(arena, HML_CORRECT_ISOTONIC, p, labels, ROWS, &made[0]));
	assert_ok(&ctx, hml_correction_fit(arena, HML_CORRECT_PLATT, p, labels, ROWS, &made[1]));
	hml_writer_init(&writer, &ctx);
	hml_corrections_write(made, 2, &writer);
	hml_reader_init(&reader, &ctx, writer.data, writer.length, "corrections");
	assert_ok(&ctx, hml_corrections_read(arena, &reader, 2, &read, &n));
	assert_int_equal(n, 2);
	assert_memory_equal(read[0].y, made[0].y, made[0].n * sizeof(double));
	for (size_t length = 0; length < writer.length; length++)
	{
		hml_reader_init(&reader, &ctx, writer.data, length, "corrections");
		assert_int_not_equal(hml_corrections_read(arena, &reader, 2, &read, &n), HML_OK);
	}
	hml_reader_init(&reader, &ctx, writer.data, writer.length, "corrections");
	assert_status(&ctx, hml_corrections_read(arena, &reader, 3, &read, &n), HML_CORRUPT);
	memset(writer.data + writer.length - sizeof(double), 0xff, sizeof(double));
	hml_reader_init(&reader, &ctx, writer.data, writer.length, "corrections");
	assert_status(&ctx, hml_corrections_read(arena, &reader, 2, &read, &n), HML_CORRUPT);
	hml_writer_free(&writer);

	for (size_t i = 0; i < ROWS; i++)
		labels[i] = p[i] < 0.5;
	assert_status(&ctx, hml_correction_fit(arena, HML_CORRECT_PLATT, p, labels, ROWS, &made[0]),
				  HML_INVALID_DATA);
	memset(labels, 0, sizeof(labels));
	assert_status(&ctx, hml_correction_fit(arena, HML_CORRECT_ISOTONIC, p, labels, ROWS, &made[0]),
				  HML_INVALID_DATA);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(equals_scikit_learn, begin, end),
		cmocka_unit_test_setup_teardown(takes_weights_back, begin, end),
		cmocka_unit_test_setup_teardown(travels_and_refuses, begin, end),
	};

	return cmocka_run_group_tests_name("correction", tests, NULL, NULL);
}
