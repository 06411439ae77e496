/*
 * test_hrv.c
 *	  Heart-rate variability against NeuroKit2, hrv-analysis and SciPy.
 */
#include "unit/support.h"

#include "core/base/rng.h"
#include "core/stats/hrv.h"

#define N 600

static double clean[N];
static double dirty[N];
static double corrected[N];

static void
read_series(void)
{
	TestTable *table = test_read_table("test/golden/hrv_series.csv");

	assert_int_equal(table->rows, N);
	for (size_t i = 0; i < N; i++)
	{
		clean[i] = test_number(table, i, test_column(table, "clean"));
		dirty[i] = test_number(table, i, test_column(table, "dirty"));
		corrected[i] = test_number(table, i, test_column(table, "corrected"));
	}
	test_free_table(table);
}

#define MEMBER(name, tolerance) \
	{ \
#name, offsetof(HmlHrv, name), tolerance \
	}
#define BAND(prefix, name) \
	{ \
#prefix "_" #name, offsetof(HmlHrv, prefix.name), 1e-6 \
	}

static const struct
{
	const char *name;
	size_t offset;
	double tolerance;
} members[] = {
	MEMBER(mean_nn, 1e-9),
	MEMBER(median_nn, 1e-9),
	MEMBER(sdnn, 1e-9),
	MEMBER(sdsd, 1e-9),
	MEMBER(rmssd, 1e-9),
	MEMBER(cvnn, 1e-9),
	MEMBER(cvsd, 1e-9),
	MEMBER(min_nn, 1e-9),
	MEMBER(max_nn, 1e-9),
	MEMBER(range_nn, 1e-9),
	MEMBER(triangular_index, 1e-9),
	MEMBER(sd1, 1e-9),
	MEMBER(sd2, 1e-9),
	MEMBER(sd1_sd2_ratio, 1e-9),
	MEMBER(csi, 1e-9),
	MEMBER(cvi, 1e-9),
	MEMBER(sample_entropy, 1e-9),
	MEMBER(nn50, 0),
	MEMBER(nn20, 0),
	MEMBER(pnn50, 1e-9),
	MEMBER(pnn20, 1e-9),
	MEMBER(mean_hr, 1e-9),
	MEMBER(max_hr, 1e-9),
	MEMBER(min_hr, 1e-9),
	MEMBER(sd_hr, 1e-9),
	BAND(welch, vlf),
	BAND(welch, lf),
	BAND(welch, hf),
	BAND(welch, total),
	BAND(welch, lf_hf_ratio),
	BAND(welch, lf_nu),
	BAND(lomb, vlf),
	BAND(lomb, lf),
	BAND(lomb, hf),
	BAND(lomb, total),
	BAND(lomb, lf_hf_ratio),
	BAND(lomb, lf_nu),
};

#define N_MEMBERS (sizeof(members) / sizeof(*members))

static void
test_peers(void **state)
{
	TestTable *table = test_read_table("test/golden/hrv_expected.csv");
	TestHost host;
	HmlContext ctx;
	HmlHrv hrv;

	(void) state;
	test_host_init(&host, &ctx);
	assert_ok(&ctx, hml_hrv(&ctx, clean, N, &hrv));
	assert_int_equal(table->rows, N_MEMBERS);
	for (size_t row = 0; row < table->rows; row++)
	{
		const char *name = test_text(table, row, 0);
		size_t m = 0;

		while (m < N_MEMBERS && strcmp(members[m].name, name) != 0)
			m++;
		assert_true(m < N_MEMBERS);
		test_close(*(const double *) ((const char *) &hrv + members[m].offset), test_number(table, row, 1),
				   members[m].tolerance, name, __FILE__, __LINE__);
	}
	test_free_table(table);
	test_host_finish(&host, &ctx);
}

static void
test_correction(void **state)
{
	TestHost host;
	HmlContext ctx;
	double rr[N];
	size_t n_corrected;

	(void) state;
	test_host_init(&host, &ctx);
	memcpy(rr, dirty, sizeof(rr));
	assert_ok(&ctx, hml_rr_correct(&ctx, rr, N, &n_corrected));
	for (size_t i = 0; i < N; i++)
		assert_close(rr[i], corrected[i], 1e-12);
	assert_true(n_corrected >= 7);
	for (size_t i = 0; i < 3; i++)
		rr[i] = 5000;
	assert_status(&ctx, hml_rr_correct(&ctx, rr, 3, &n_corrected), HML_INVALID_DATA);
	assert_message(&ctx, "none of the 3 RR intervals");
	test_host_finish(&host, &ctx);
}

/* A triangle with its feet 10 bins to the left and 20 to the right of its mode. */
static void
test_tinn(void **state)
{
	TestHost host;
	HmlContext ctx;
	HmlHrv hrv;
	double rr[400];
	size_t n = 0;

	(void) state;
	test_host_init(&host, &ctx);
	for (int bin = -10; bin <= 20; bin++)
		for (int i = 0; i < (bin < 0 ? 20 + 2 * bin : 20 - bin); i++)
			rr[n++] = (100.5 + bin) * 1000.0 / 128.0;
	assert_ok(&ctx, hml_hrv(&ctx, rr, n, &hrv));
	assert_close(hrv.tinn, 30 * 1000.0 / 128.0, 1e-9);
	assert_close(hrv.triangular_index, (double) n / 20.0, 1e-9);
	test_host_finish(&host, &ctx);
}

/* What is too short for a measure is NaN, and nothing else. */
static void
test_short(void **state)
{
	TestHost host;
	HmlContext ctx;
	HmlHrv hrv;
	double constant[200];

	(void) state;
	test_host_init(&host, &ctx);
	for (size_t n = 0; n < 3; n++)
	{
		assert_ok(&ctx, hml_hrv(&ctx, clean, n, &hrv));
		assert_int_equal(hrv.n, n);
		assert_true(isnan(hrv.mean_nn) && isnan(hrv.cvi) && isnan(hrv.welch.hf));
	}
	assert_ok(&ctx, hml_hrv(&ctx, clean, 30, &hrv));
	assert_true(hrv.sdnn > 0 && isnan(hrv.welch.hf) && isnan(hrv.lomb.hf));
	assert_ok(&ctx, hml_hrv(&ctx, clean, 100, &hrv));
	assert_true(hrv.welch.hf > 0 && hrv.lomb.hf > 0 && isnan(hrv.welch.lf) && isnan(hrv.welch.lf_hf_ratio));
	assert_ok(&ctx, hml_hrv(&ctx, clean, 200, &hrv));
	assert_true(hrv.welch.lf > 0 && isnan(hrv.welch.vlf) && isnan(hrv.lomb.total));
	for (size_t i = 0; i < 200; i++)
		constant[i] = 800;
	assert_ok(&ctx, hml_hrv(&ctx, constant, 200, &hrv));
	assert_close(hrv.sdnn, 0, 0);
	assert_close(hrv.welch.hf, 0, 1e-12);
	assert_true(isnan(hrv.welch.lf_hf_ratio) && isnan(hrv.csi));
	test_host_finish(&host, &ctx);
}

static void
test_bad_intervals(void **state)
{
	static const double bad[] = {0.8, 0, -800, INFINITY, NAN, 1e6};
	TestHost host;
	HmlContext ctx;
	HmlHrv hrv;
	double rr[5] = {800, 810, 790, 805, 800};

	(void) state;
	test_host_init(&host, &ctx);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
	{
		rr[3] = bad[i];
		assert_status(&ctx, hml_hrv(&ctx, rr, 5, &hrv), HML_INVALID_DATA);
		assert_message(&ctx, "milliseconds");
	}
	test_host_finish(&host, &ctx);
}

/* Beyond the exact limit the entropy of blocks is near that of all pairs. */
static void
test_long_entropy(void **state)
{
	TestHost host;
	HmlContext ctx;
	static double rr[HML_ENTROPY_EXACT + 1];
	HmlRng rng;
	double exact;
	double blocks;

	(void) state;
	test_host_init(&host, &ctx);
	hml_rng_seed(&rng, 5);
	for (size_t i = 0; i < HML_ENTROPY_EXACT + 1; i++)
		rr[i] = 800 + 0.7 * (i > 0 ? rr[i - 1] - 800 : 0) + 20 * hml_rng_normal(&rng);
	assert_ok(&ctx, hml_sample_entropy(&ctx, rr, HML_ENTROPY_EXACT, 10, &exact));
	assert_ok(&ctx, hml_sample_entropy(&ctx, rr, HML_ENTROPY_EXACT + 1, 10, &blocks));
	assert_true(fabs(exact - blocks) < 0.05 * exact);
	test_host_finish(&host, &ctx);
}

static HmlStatus
whole_work(HmlContext *ctx, void *argument)
{
	HmlHrv hrv;
	double rr[N];
	size_t n_corrected;

	(void) argument;
	memcpy(rr, dirty, sizeof(rr));
	HML_TRY(hml_rr_correct(ctx, rr, N, &n_corrected));
	return hml_hrv(ctx, rr, N, &hrv);
}

static void
test_sweeps(void **state)
{
	(void) state;
	test_allocation_sweep(whole_work, NULL);
	test_cancellation_sweep(whole_work, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_peers),         cmocka_unit_test(test_correction),
		cmocka_unit_test(test_tinn),          cmocka_unit_test(test_short),
		cmocka_unit_test(test_bad_intervals), cmocka_unit_test(test_long_entropy),
		cmocka_unit_test(test_sweeps),
	};

	read_series();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
