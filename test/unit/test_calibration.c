/*
 * test_calibration.c
 *	  Quantiles, percentiles, risk levels, and their bytes.
 */
#include "unit/support.h"

#include "core/base/rng.h"
#include "core/model/calibration.h"
#include "core/stats/quantile.h"

#define MANY 50000

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

/* numpy.quantile([1, 2, 4, 8], q), whose default is type 7. */
static void
interpolates_quantiles(void **state)
{
	static const double sorted[] = {1, 2, 4, 8};

	(void) state;
	assert_close(hml_quantile(sorted, 4, 0), 1, 0);
	assert_close(hml_quantile(sorted, 4, 0.1), 1.3, 1e-15);
	assert_close(hml_quantile(sorted, 4, 1.0 / 3), 2, 1e-15);
	assert_close(hml_quantile(sorted, 4, 0.5), 3, 1e-15);
	assert_close(hml_quantile(sorted, 4, 0.9), 6.8, 1e-15);
	assert_close(hml_quantile(sorted, 4, 1), 8, 0);
	assert_close(hml_quantile(sorted, 1, 0.7), 1, 0);
	assert_true(isnan(hml_quantile(sorted, 0, 0.5)));
}

static void
counts_scores_strictly_below(void **state)
{
	double scores[] = {0.5, 0.1, 0.5, 0.9};
	HmlCalibration calibration;

	(void) state;
	assert_ok(&ctx, hml_calibration_fit(arena, scores, 4, &calibration));
	assert_int_equal(calibration.n_scores, 4);
	assert_true(hml_calibration_percentile(&calibration, 0.05) == 0);
	assert_true(hml_calibration_percentile(&calibration, 0.1) == 0);
	assert_true(hml_calibration_percentile(&calibration, 0.5) == 25);
	assert_true(hml_calibration_percentile(&calibration, 0.50001) == 75);
	assert_true(hml_calibration_percentile(&calibration, 0.9) == 75);
	assert_true(hml_calibration_percentile(&calibration, INFINITY) == 100);
	assert_true(isnan(hml_calibration_percentile(&calibration, NAN)));
	calibration.n_scores = 0;
	assert_true(isnan(hml_calibration_percentile(&calibration, 0.5)));
}

/* Of many scores the percentile is that of all to one part in the number kept. */
static void
keeps_quantiles_of_many_scores(void **state)
{
	double *scores = malloc(MANY * sizeof(double));
	HmlCalibration calibration;
	HmlRng rng;

	(void) state;
	assert_non_null(scores);
	hml_rng_seed(&rng, 1);
	for (size_t i = 0; i < MANY; i++)
		scores[i] = exp(hml_rng_normal(&rng));
	assert_ok(&ctx, hml_calibration_fit(arena, scores, MANY, &calibration));
	assert_int_equal(calibration.n_scores, HML_CALIBRATION_SIZE);
	assert_true(calibration.scores[0] == scores[0]);
	assert_true(calibration.scores[HML_CALIBRATION_SIZE - 1] == scores[MANY - 1]);
	for (size_t i = 0; i < MANY; i += 7)
	{
		double exact = 100.0 * (double) i / MANY;

		assert_true(fabs(hml_calibration_percentile(&calibration, scores[i]) - exact) <=
					100.0 / HML_CALIBRATION_SIZE);
	}
	free(scores);
}

static void
keeps_all_up_to_the_limit(void **state)
{
	static const size_t sizes[] = {1, 2, HML_CALIBRATION_SIZE - 1, HML_CALIBRATION_SIZE,
								   HML_CALIBRATION_SIZE + 1};
	double scores[HML_CALIBRATION_SIZE + 1];
	HmlCalibration calibration;

	(void) state;
	for (size_t s = 0; s < 5; s++)
	{
		for (size_t i = 0; i < sizes[s]; i++)
			scores[i] = (double) (sizes[s] - i);
		assert_ok(&ctx, hml_calibration_fit(arena, scores, sizes[s], &calibration));
		assert_int_equal(calibration.n_scores, s < 4 ? sizes[s] : HML_CALIBRATION_SIZE);
		assert_true(calibration.scores[0] == 1);
		assert_true(calibration.scores[calibration.n_scores - 1] == (double) sizes[s]);
	}
}

static void
names_the_risk(void **state)
{
	HmlCalibration calibration = {.medium_cutoff = 0.5, .high_cutoff = 0.7, .threshold = 0.6};

	(void) state;
	assert_int_equal(hml_calibration_risk(&calibration, 0.5), HML_RISK_LOW);
	assert_int_equal(hml_calibration_risk(&calibration, 0.51), HML_RISK_MEDIUM);
	assert_int_equal(hml_calibration_risk(&calibration, 0.7), HML_RISK_MEDIUM);
	assert_int_equal(hml_calibration_risk(&calibration, 0.71), HML_RISK_HIGH);
	calibration.medium_cutoff = 0.7;
	assert_int_equal(hml_calibration_risk(&calibration, 0.7), HML_RISK_LOW);
	assert_int_equal(hml_calibration_risk(&calibration, 0.71), HML_RISK_HIGH);
}

static HmlStatus
read_back(const HmlCalibration *calibration, size_t cut, HmlCalibration *out)
{
	HmlWriter writer;
	HmlReader reader;
	HmlStatus status;

	hml_writer_init(&writer, &ctx);
	hml_calibration_write(calibration, &writer);
	assert_ok(&ctx, hml_writer_finish(&writer));
	hml_reader_init(&reader, &ctx, writer.data, writer.length - cut, "calibration");
	status = hml_calibration_read(arena, &reader, out);
	if (status == HML_OK)
		status = hml_read_end(&reader);
	hml_writer_free(&writer);
	return status;
}

static void
reads_what_it_wrote(void **state)
{
	double scores[] = {0.1, 0.1, 0.3};
	HmlCalibration calibration = {3, scores, -INFINITY, 0.7, 0.6};
	HmlCalibration again;

	(void) state;
	assert_ok(&ctx, read_back(&calibration, 0, &again));
	assert_int_equal(again.n_scores, 3);
	assert_memory_equal(again.scores, scores, sizeof(scores));
	assert_true(again.medium_cutoff == -INFINITY && again.high_cutoff == 0.7 && again.threshold == 0.6);
	for (size_t cut = 1; cut <= 28 + sizeof(scores); cut++)
		assert_status(&ctx, read_back(&calibration, cut, &again), HML_CORRUPT);
	calibration.n_scores = 0;
	assert_ok(&ctx, read_back(&calibration, 0, &again));
	assert_int_equal(again.n_scores, 0);
}

static void
refuses_nonsense(void **state)
{
	static double scores[HML_CALIBRATION_SIZE + 1];
	double unsorted[] = {0.2, 0.1};
	double nan[] = {0.1, NAN};
	double only_nan[] = {NAN};
	HmlCalibration again;

	(void) state;
	assert_status(&ctx, read_back(&(HmlCalibration){2, unsorted, 0, 1, 1}, 0, &again), HML_CORRUPT);
	assert_message(&ctx, "not in order");
	assert_status(&ctx, read_back(&(HmlCalibration){2, nan, 0, 1, 1}, 0, &again), HML_CORRUPT);
	assert_status(&ctx, read_back(&(HmlCalibration){1, only_nan, 0, 1, 1}, 0, &again), HML_CORRUPT);
	assert_status(&ctx, read_back(&(HmlCalibration){0, NULL, 2, 1, 1}, 0, &again), HML_CORRUPT);
	assert_message(&ctx, "cut-offs that make no sense");
	assert_status(&ctx, read_back(&(HmlCalibration){0, NULL, NAN, 1, 1}, 0, &again), HML_CORRUPT);
	assert_status(&ctx, read_back(&(HmlCalibration){0, NULL, 0, NAN, 1}, 0, &again), HML_CORRUPT);
	assert_status(&ctx, read_back(&(HmlCalibration){0, NULL, 0, 1, NAN}, 0, &again), HML_CORRUPT);
	assert_status(&ctx, read_back(&(HmlCalibration){HML_CALIBRATION_SIZE + 1, scores, 0, 1, 1}, 0, &again),
				  HML_CORRUPT);
	assert_message(&ctx, "count of 4097, more than 4096");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(interpolates_quantiles, begin, end),
		cmocka_unit_test_setup_teardown(counts_scores_strictly_below, begin, end),
		cmocka_unit_test_setup_teardown(keeps_quantiles_of_many_scores, begin, end),
		cmocka_unit_test_setup_teardown(keeps_all_up_to_the_limit, begin, end),
		cmocka_unit_test_setup_teardown(names_the_risk, begin, end),
		cmocka_unit_test_setup_teardown(reads_what_it_wrote, begin, end),
		cmocka_unit_test_setup_teardown(refuses_nonsense, begin, end),
	};

	return cmocka_run_group_tests_name("calibration", tests, NULL, NULL);
}
