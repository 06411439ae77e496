/*
 * test_filter.c
 *	  Filter design and zero-phase filtering against SciPy.
 */
#include "unit/support.h"

#include "core/signal/dsp/filter.h"
#include "unit/signal_support.h"

#define RATE 4000.0
#define FIRST 1000 /* the stretch of the golden signal that was filtered */
#define COUNT 600

typedef struct Design
{
	const char *name; /* as in the golden files */
	HmlFilterKind kind;
	int order; /* 0 = notch, with the quality in 'high' */
	double low;
	double high;
} Design;

static const Design designs[] = {
	{"band_pass_4_25_400", HML_FILTER_BAND_PASS, 4, 25, 400},
	{"band_pass_3_20_900", HML_FILTER_BAND_PASS, 3, 20, 900},
	{"low_pass_5_300", HML_FILTER_LOW_PASS, 5, NAN, 300},
	{"high_pass_1_30", HML_FILTER_HIGH_PASS, 1, 30, NAN},
	{"high_pass_6_100", HML_FILTER_HIGH_PASS, 6, 100, NAN},
	{"band_stop_2_45_55", HML_FILTER_BAND_STOP, 2, 45, 55},
	{"notch_60_30", HML_FILTER_BAND_STOP, 0, 60, 30},
};

#define N_DESIGNS (sizeof(designs) / sizeof(designs[0]))

static HmlStatus
make(HmlContext *ctx, const Design *design, HmlFilter *out)
{
	if (design->order == 0)
		return hml_filter_notch(ctx, design->low, design->high, RATE, out);
	return hml_filter_butterworth(ctx, design->kind, design->order, design->low, design->high, RATE, out);
}

static const Design *
find_design(const char *name)
{
	for (size_t i = 0; i < N_DESIGNS; i++)
		if (strcmp(designs[i].name, name) == 0)
			return &designs[i];
	fail_msg("no design \"%s\"", name);
	return NULL;
}

static void
test_golden_sections(void **state)
{
	TestTable *table = test_read_table("test/golden/signal/filters.csv");
	TestHost host;
	HmlContext ctx;

	(void) state;
	test_host_init(&host, &ctx);
	assert_int_equal(table->rows, 17);
	for (size_t row = 0; row < table->rows; row++)
	{
		size_t section = (size_t) test_number(table, row, 1);
		HmlFilter filter;

		assert_ok(&ctx, make(&ctx, find_design(test_text(table, row, 0)), &filter));
		assert_true(section < filter.n_sections);
		for (size_t i = 0; i < 3; i++)
		{
			assert_close(filter.sections[section].b[i], test_number(table, row, 2 + i), 1e-10);
			assert_close(filter.sections[section].a[i], test_number(table, row, 5 + i), 1e-10);
		}
	}
	test_free_table(table);
}

static void
test_golden_filtering(void **state)
{
	TestTable *table = test_read_table("test/golden/signal/filtered.csv");
	TestHost host;
	HmlContext ctx;
	float *signal;
	float filtered[COUNT];

	(void) state;
	test_host_init(&host, &ctx);
	golden_signal(&ctx, &signal);
	assert_int_equal(table->rows, COUNT);
	for (size_t d = 0; d < N_DESIGNS; d++)
	{
		size_t column = test_column(table, designs[d].name);
		HmlFilter filter;

		assert_ok(&ctx, make(&ctx, &designs[d], &filter));
		memcpy(filtered, signal + FIRST, sizeof(filtered));
		assert_ok(&ctx, hml_filter_zero_phase(&ctx, &filter, filtered, COUNT));
		for (size_t i = 0; i < COUNT; i++)
			assert_close(filtered[i], test_number(table, i, column), 1e-6);
	}
	hml_free(&ctx, signal);
	test_free_table(table);
	test_host_finish(&host, &ctx);
}

/* Rows side by side are filtered as each alone, to the bit. */
static void
test_rows(void **state)
{
	enum
	{
		ROWS = 11
	};
	TestHost host;
	HmlContext ctx;
	HmlFilter filter;
	float *signal;
	float together[ROWS * COUNT];
	float alone[COUNT];

	(void) state;
	test_host_init(&host, &ctx);
	golden_signal(&ctx, &signal);
	assert_ok(&ctx, hml_filter_butterworth(&ctx, HML_FILTER_BAND_PASS, 4, 25, 400, RATE, &filter));
	for (size_t r = 0; r < ROWS; r++)
		memcpy(together + r * COUNT, signal + 100 * r, sizeof(alone));
	assert_ok(&ctx, hml_filter_zero_phase_rows(&ctx, &filter, together, ROWS, COUNT));
	for (size_t r = 0; r < ROWS; r++)
	{
		memcpy(alone, signal + 100 * r, sizeof(alone));
		assert_ok(&ctx, hml_filter_zero_phase(&ctx, &filter, alone, COUNT));
		assert_memory_equal(together + r * COUNT, alone, sizeof(alone));
	}
	assert_status(&ctx, hml_filter_zero_phase_rows(&ctx, &filter, together, 2, 5), HML_INVALID_DATA);
	hml_free(&ctx, signal);
	test_host_finish(&host, &ctx);
}

static void
test_bad_designs(void **state)
{
	TestHost host;
	HmlContext ctx;
	HmlFilter filter;

	(void) state;
	test_host_init(&host, &ctx);
#define REFUSED(kind, order, low, high, rate) \
	assert_status(&ctx, hml_filter_butterworth(&ctx, (kind), (order), (low), (high), (rate), &filter), \
				  HML_INVALID_ARGUMENT)
	REFUSED(HML_FILTER_BAND_PASS, 0, 25, 400, 4000);
	REFUSED(HML_FILTER_BAND_PASS, HML_FILTER_MAX_ORDER + 1, 25, 400, 4000);
	REFUSED(HML_FILTER_BAND_PASS, 4, 400, 25, 4000);
	REFUSED(HML_FILTER_BAND_PASS, 4, 0, 400, 4000);
	REFUSED(HML_FILTER_BAND_PASS, 4, 25, 2000, 4000);
	REFUSED(HML_FILTER_HIGH_PASS, 4, NAN, 0, 4000);
	REFUSED(HML_FILTER_LOW_PASS, 4, 0, 100, NAN);
	REFUSED(HML_FILTER_LOW_PASS, 4, 0, 100, INFINITY);
	assert_status(&ctx, hml_filter_notch(&ctx, 50, 0, 4000, &filter), HML_INVALID_ARGUMENT);
	assert_status(&ctx, hml_filter_notch(&ctx, 2500, 30, 4000, &filter), HML_INVALID_ARGUMENT);
	assert_message(&ctx, "2500");
	test_host_finish(&host, &ctx);
}

/* At the largest order there still is a gain of 1 in the band and none far from it. */
static void
test_largest_order(void **state)
{
	TestHost host;
	HmlContext ctx;
	HmlFilter filter;
	float wave[8000];

	(void) state;
	test_host_init(&host, &ctx);
	assert_ok(&ctx, hml_filter_butterworth(&ctx, HML_FILTER_BAND_PASS, HML_FILTER_MAX_ORDER, 25, 400, RATE,
										   &filter));
	assert_int_equal(filter.n_sections, HML_FILTER_MAX_ORDER);
	for (int i = 0; i < 8000; i++)
		wave[i] = (float) (sin(2 * acos(-1.0) * 100 * i / RATE) + sin(2 * acos(-1.0) * 800 * i / RATE));
	assert_ok(&ctx, hml_filter_zero_phase(&ctx, &filter, wave, 8000));
	for (int i = 2000; i < 6000; i++)
		assert_close(wave[i], sin(2 * acos(-1.0) * 100 * i / RATE), 1e-3);
	test_host_finish(&host, &ctx);
}

static void
test_too_short(void **state)
{
	TestHost host;
	HmlContext ctx;
	HmlFilter filter;
	float samples[64] = {0};
	size_t padding;

	(void) state;
	test_host_init(&host, &ctx);
	assert_ok(&ctx, make(&ctx, &designs[0], &filter));
	padding = hml_filter_padding(&filter);
	assert_int_equal(padding, 27);
	assert_status(&ctx, hml_filter_zero_phase(&ctx, &filter, samples, padding), HML_INVALID_DATA);
	assert_ok(&ctx, hml_filter_zero_phase(&ctx, &filter, samples, padding + 1));
	test_host_finish(&host, &ctx);
}

static HmlStatus
filter_zeros(HmlContext *ctx, void *argument)
{
	static float zeros[100000];
	HmlFilter filter;

	(void) argument;
	HML_TRY(make(ctx, &designs[0], &filter));
	return hml_filter_zero_phase(ctx, &filter, zeros, 100000);
}

static void
test_failures(void **state)
{
	(void) state;
	test_allocation_sweep(filter_zeros, NULL);
	test_cancellation_sweep(filter_zeros, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden_sections),
		cmocka_unit_test(test_golden_filtering),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_bad_designs),
		cmocka_unit_test(test_largest_order),
		cmocka_unit_test(test_too_short),
		cmocka_unit_test(test_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
