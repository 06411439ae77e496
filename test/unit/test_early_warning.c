/*
 * test_early_warning.c
 *	  NEWS2, MEWS and qSOFA: every boundary of every band, and what is missing.
 *
 * The points below are written down from the publications, value by value, not
 * from the tables of the code.
 */
#include "unit/support.h"

#include "core/learn/rules/early_warning.h"

/* A patient who scores 0 everywhere. */
static const HmlVitals well = {16, 98, 0, 120, 70, 'A', 37.0};
static const HmlVitals unmeasured = {NAN, NAN, NAN, NAN, NAN, 0, NAN};

typedef struct Case
{
	HmlVital vital;
	double value;
	int points;
} Case;

static void
set_vital(HmlVitals *vitals, HmlVital vital, double value)
{
	switch (vital)
	{
		case HML_VITAL_RESPIRATION:
			vitals->respiration = value;
			break;
		case HML_VITAL_SPO2:
			vitals->spo2 = value;
			break;
		case HML_VITAL_OXYGEN:
			vitals->on_oxygen = value;
			break;
		case HML_VITAL_SYSTOLIC:
			vitals->systolic_bp = value;
			break;
		case HML_VITAL_PULSE:
			vitals->pulse = value;
			break;
		case HML_VITAL_CONSCIOUSNESS:
			vitals->consciousness = (char) value;
			break;
		default:
			vitals->temperature = value;
	}
}

#define R HML_VITAL_RESPIRATION
#define S HML_VITAL_SPO2
#define O HML_VITAL_OXYGEN
#define B HML_VITAL_SYSTOLIC
#define P HML_VITAL_PULSE
#define C HML_VITAL_CONSCIOUSNESS
#define T HML_VITAL_TEMPERATURE

static const Case news_cases[] = {
	{R, 0, 3},    {R, 8, 3},    {R, 9, 1},    {R, 11, 1},   {R, 12, 0},   {R, 20, 0},   {R, 21, 2},
	{R, 24, 2},   {R, 25, 3},   {R, 60, 3},   {S, 70, 3},   {S, 91, 3},   {S, 92, 2},   {S, 93, 2},
	{S, 94, 1},   {S, 95, 1},   {S, 96, 0},   {S, 100, 0},  {O, 0, 0},    {O, 1, 2},    {B, 40, 3},
	{B, 90, 3},   {B, 91, 2},   {B, 100, 2},  {B, 101, 1},  {B, 110, 1},  {B, 111, 0},  {B, 219, 0},
	{B, 220, 3},  {B, 300, 3},  {P, 20, 3},   {P, 40, 3},   {P, 41, 1},   {P, 50, 1},   {P, 51, 0},
	{P, 90, 0},   {P, 91, 1},   {P, 110, 1},  {P, 111, 2},  {P, 130, 2},  {P, 131, 3},  {P, 250, 3},
	{C, 'A', 0},  {C, 'C', 3},  {C, 'V', 3},  {C, 'P', 3},  {C, 'U', 3},  {T, 33, 3},   {T, 35.0, 3},
	{T, 35.1, 1}, {T, 36.0, 1}, {T, 36.1, 0}, {T, 38.0, 0}, {T, 38.1, 1}, {T, 39.0, 1}, {T, 39.1, 2},
	{T, 42, 2},
};

static const Case mews_cases[] = {
	{R, 8, 2},   {R, 9, 0},   {R, 14, 0},  {R, 15, 1},   {R, 20, 1},   {R, 21, 2},   {R, 29, 2},
	{R, 30, 3},  {B, 70, 3},  {B, 71, 2},  {B, 80, 2},   {B, 81, 1},   {B, 100, 1},  {B, 101, 0},
	{B, 199, 0}, {B, 200, 2}, {P, 40, 2},  {P, 41, 1},   {P, 50, 1},   {P, 51, 0},   {P, 100, 0},
	{P, 101, 1}, {P, 110, 1}, {P, 111, 2}, {P, 129, 2},  {P, 130, 3},  {C, 'A', 0},  {C, 'C', 1},
	{C, 'V', 1}, {C, 'P', 2}, {C, 'U', 3}, {T, 34.9, 2}, {T, 35.0, 0}, {T, 38.4, 0}, {T, 38.5, 2},
};

static const Case qsofa_cases[] = {
	{R, 21, 0},  {R, 22, 1},  {B, 100, 1}, {B, 101, 0}, {C, 'A', 0},
	{C, 'C', 1}, {C, 'V', 1}, {C, 'P', 1}, {C, 'U', 1},
};

/* SpO2 on scale 2: value, on oxygen, points of SpO2 alone. */
static const double scale_2[][3] = {
	{83, 0, 3}, {84, 0, 2},  {85, 0, 2}, {86, 0, 1}, {87, 0, 1}, {88, 0, 0}, {92, 0, 0},  {93, 0, 0},
	{97, 0, 0}, {100, 0, 0}, {83, 1, 3}, {84, 1, 2}, {85, 1, 2}, {86, 1, 1}, {87, 1, 1},  {88, 1, 0},
	{92, 1, 0}, {93, 1, 1},  {94, 1, 1}, {95, 1, 2}, {96, 1, 2}, {97, 1, 3}, {100, 1, 3},
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static HmlStatus
news2_scale_1(HmlContext *ctx, const HmlVitals *vitals, HmlEarlyWarning *out)
{
	return hml_news2(ctx, vitals, 1, out);
}

typedef HmlStatus (*Score)(HmlContext *ctx, const HmlVitals *vitals, HmlEarlyWarning *out);

static void
check_cases(Score score, const Case *cases, size_t n)
{
	TestHost host;
	HmlContext ctx;
	HmlEarlyWarning warning;

	test_host_init(&host, &ctx);
	for (size_t i = 0; i < n; i++)
	{
		HmlVitals vitals = well;

		/* 0 points of MEWS for breathing are below those of NEWS2 */
		if (score == hml_mews)
			vitals.respiration = 12;
		set_vital(&vitals, cases[i].vital, cases[i].value);
		assert_ok(&ctx, score(&ctx, &vitals, &warning));
		if (warning.score != cases[i].points)
			fail_msg("%s %g: %d points, not %d", hml_vital_names[cases[i].vital], cases[i].value,
					 warning.score, cases[i].points);
		assert_int_equal(warning.single_parameter_3, cases[i].points == 3);
		assert_int_equal(warning.missing, 0);
	}
	test_host_finish(&host, &ctx);
}

static void
test_boundaries(void **state)
{
	(void) state;
	check_cases(news2_scale_1, news_cases, COUNT(news_cases));
	check_cases(hml_mews, mews_cases, COUNT(mews_cases));
	check_cases(hml_qsofa, qsofa_cases, COUNT(qsofa_cases));
}

static void
test_scale_2(void **state)
{
	TestHost host;
	HmlContext ctx;
	HmlEarlyWarning warning;

	(void) state;
	test_host_init(&host, &ctx);
	for (size_t i = 0; i < COUNT(scale_2); i++)
	{
		HmlVitals vitals = well;

		vitals.spo2 = scale_2[i][0];
		vitals.on_oxygen = scale_2[i][1];
		assert_ok(&ctx, hml_news2(&ctx, &vitals, 2, &warning));
		assert_int_equal(warning.score, (int) (scale_2[i][2] + 2 * scale_2[i][1]));
	}
	assert_status(&ctx, hml_news2(&ctx, &well, 3, &warning), HML_INVALID_ARGUMENT);
	test_host_finish(&host, &ctx);
}

/* The risk follows from the sum, or from one parameter. */
static void
test_risk(void **state)
{
	TestHost host;
	HmlContext ctx;
	HmlEarlyWarning warning;
	HmlVitals vitals = well;

	(void) state;
	test_host_init(&host, &ctx);
	vitals.respiration = 22;
	vitals.pulse = 115;
	assert_ok(&ctx, hml_news2(&ctx, &vitals, 1, &warning));
	assert_true(warning.score == 4 && warning.risk == HML_RISK_LOW);
	vitals.temperature = 38.5;
	assert_ok(&ctx, hml_news2(&ctx, &vitals, 1, &warning));
	assert_true(warning.score == 5 && warning.risk == HML_RISK_MEDIUM);
	vitals.on_oxygen = 1;
	assert_ok(&ctx, hml_news2(&ctx, &vitals, 1, &warning));
	assert_true(warning.score == 7 && warning.risk == HML_RISK_HIGH);
	vitals = well;
	vitals.consciousness = 'C';
	assert_ok(&ctx, hml_news2(&ctx, &vitals, 1, &warning));
	assert_true(warning.score == 3 && warning.risk == HML_RISK_MEDIUM && warning.single_parameter_3);
	vitals = (HmlVitals){30, 85, 1, 85, 140, 'U', 34};
	assert_ok(&ctx, hml_news2(&ctx, &vitals, 1, &warning));
	assert_int_equal(warning.score, 20);
	assert_ok(&ctx, hml_mews(&ctx, &vitals, &warning));
	assert_int_equal(warning.score, 3 + 1 + 3 + 3 + 2);
	assert_ok(&ctx, hml_qsofa(&ctx, &vitals, &warning));
	assert_true(warning.score == 3 && warning.risk == HML_RISK_HIGH);
	test_host_finish(&host, &ctx);
}

/* Nothing that is missing counts as normal. */
static void
test_missing(void **state)
{
	TestHost host;
	HmlContext ctx;
	HmlEarlyWarning warning;

	(void) state;
	test_host_init(&host, &ctx);
	for (int vital = 0; vital < HML_N_VITALS; vital++)
	{
		HmlVitals vitals = well;

		set_vital(&vitals, (HmlVital) vital, vital == C ? 0 : NAN);
		assert_ok(&ctx, hml_news2(&ctx, &vitals, 1, &warning));
		assert_int_equal(warning.missing, 1u << vital);
		assert_int_equal(warning.risk, HML_RISK_UNKNOWN);
		assert_false(warning.nothing);
	}
	assert_ok(&ctx, hml_news2(&ctx, &unmeasured, 1, &warning));
	assert_true(warning.nothing && warning.risk == HML_RISK_UNKNOWN);
	assert_ok(&ctx, hml_mews(&ctx, &unmeasured, &warning));
	assert_true(warning.nothing);
	assert_ok(&ctx, hml_qsofa(&ctx, &unmeasured, &warning));
	assert_true(warning.nothing);
	test_host_finish(&host, &ctx);
}

static void
test_impossible(void **state)
{
	static const Case cases[] = {
		{R, -1, 0},       {R, 201, 0},       {S, 101, 0},  {S, 0.97, 0}, {B, -5, 0},
		{B, 401, 0},      {P, 401, 0},       {T, 98.6, 0}, {T, 0, 0},    {T, INFINITY, 0},
		{R, INFINITY, 0}, {P, -INFINITY, 0}, {C, 'X', 0},
	};
	TestHost host;
	HmlContext ctx;
	HmlEarlyWarning warning;

	(void) state;
	test_host_init(&host, &ctx);
	for (size_t i = 0; i < COUNT(cases); i++)
	{
		HmlVitals vitals = well;

		set_vital(&vitals, cases[i].vital, cases[i].value);
		assert_status(&ctx, hml_news2(&ctx, &vitals, 1, &warning), HML_INVALID_DATA);
		assert_message(&ctx, hml_vital_names[cases[i].vital]);
	}
	test_host_finish(&host, &ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_boundaries), cmocka_unit_test(test_scale_2),    cmocka_unit_test(test_risk),
		cmocka_unit_test(test_missing),    cmocka_unit_test(test_impossible),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
