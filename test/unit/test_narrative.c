/*
 * test_narrative.c
 *	  The clinician's paragraph, word for word.
 */
#include "unit/support.h"

#include "core/explain/narrative.h"

#define N_FEATURES 6

enum
{
	AGE,
	CHOLESTEROL,
	CREATININE,
	ANGINA,
	WARD,
	SEX
};

static TestHost host;
static HmlContext ctx;
static const char *wards[] = {"ICU", "Nord"};
static double ward_shares[] = {0.004, 0.996};
static HmlFeature features[N_FEATURES];
static HmlPipeline pipeline;
static HmlAlgorithm algorithm;
static HmlModel model;
static double values[N_FEATURES];
static double contributions[N_FEATURES];
static HmlExplanation explanation;
static HmlNarrative narrative;

static const HmlValueName sexes[] = {{0, "female"}, {1, "male"}};
static const HmlFeatureWords words[N_FEATURES] = {
	[AGE] = {.label = "age", .unit = "years"},
	[CHOLESTEROL] = {.unit = "mg/dl"},
	[CREATININE] = {.label = "serum creatinine", .unit = "mg/dl"},
	[ANGINA] = {.label = "exercise angina"},
	[WARD] = {.label = "ward"},
	[SEX] = {.label = "sex", .n_values = 2, .values = sexes},
};

static int
begin(void **state)
{
	(void) state;
	test_host_init(&host, &ctx);
	features[AGE] = (HmlFeature){.column = {.name = "age", .kind = HML_COLUMN_NUMERIC},
								 .fill = 56,
								 .min = 29,
								 .p05 = 39.68,
								 .p25 = 48.75,
								 .median = 56,
								 .p95 = 68,
								 .max = 77};
	features[CHOLESTEROL] = (HmlFeature){.column = {.name = "cholesterol", .kind = HML_COLUMN_NUMERIC},
										 .fill = 240.7,
										 .min = 126,
										 .p05 = 175.25,
										 .median = 240.7,
										 .p95 = 326.9,
										 .max = 417};
	features[CREATININE] = (HmlFeature){.column = {.name = "creat", .kind = HML_COLUMN_NUMERIC},
										.fill = 1.0946,
										.min = 0.4,
										.p05 = 0.60049,
										.median = 1.0946,
										.p95 = 2.15,
										.max = 9.4};
	features[ANGINA] = (HmlFeature){
		.column = {.name = "angina", .kind = HML_COLUMN_BOOLEAN}, .fill = 0, .mean = 0.2449, .max = 1};
	features[WARD] =
		(HmlFeature){.column = {.name = "ward", .kind = HML_COLUMN_CATEGORY, .categories = {2, wards, NULL}},
					 .fill = 1,
					 .shares = ward_shares};
	features[SEX] = (HmlFeature){.column = {.name = "sex", .kind = HML_COLUMN_NUMERIC},
								 .fill = 1,
								 .mean = 0.68,
								 .median = 1,
								 .max = 1};
	pipeline = (HmlPipeline){.n_features = N_FEATURES, .features = features};
	algorithm = (HmlAlgorithm){.name = "isolation_forest", .task = "anomaly_detection"};
	model = (HmlModel){.algorithm = &algorithm, .pipeline = &pipeline};
	memset(contributions, 0, sizeof(contributions));
	memcpy(values, (double[]){45, 564, 1.2, 1, 0, 1}, sizeof(values));
	explanation = (HmlExplanation){.contributions = contributions};
	narrative = (HmlNarrative){.model = &model,
							   .values = values,
							   .words = words,
							   .score = 0.71249,
							   .percentile = 97.2,
							   .risk = HML_RISK_HIGH,
							   .explanation = &explanation};
	return 0;
}

static int
end(void **state)
{
	(void) state;
	test_host_finish(&host, &ctx);
	return 0;
}

static void
reads(const char *expected)
{
	HmlText text;
	const char *written;

	hml_text_init(&text, &ctx);
	hml_narrate(&narrative, &text);
	assert_ok(&ctx, hml_text_finish(&text, &written));
	assert_string_equal(written, expected);
	hml_text_free(&text);
}

static void
tells_a_high_risk(void **state)
{
	(void) state;
	contributions[AGE] = -0.05;
	contributions[CHOLESTEROL] = 0.2;
	contributions[CREATININE] = 0.01; /* not worth a word */
	contributions[ANGINA] = 0.07;
	contributions[WARD] = 0.08;
	contributions[SEX] = -0.03;
	reads(
		"Highly unusual: the anomaly score is 0.712; 97% of the training cases scored lower. The strongest "
		"reasons for this are cholesterol 564 mg/dl (usually 175 to 327, median 241, never above 417), ward: "
		"ICU (less than 1% of the training cases) and exercise angina: yes (24% of the training cases). This "
		"is partly offset by age 45 years (usually 40 to 68, median 56). Usual values are the 5th to 95th "
		"percentile of the training cases. This supports a clinical decision and is not a diagnosis.");
}

static void
tells_a_low_risk(void **state)
{
	(void) state;
	narrative.risk = HML_RISK_LOW;
	narrative.score = 0.4;
	narrative.percentile = 0;
	values[ANGINA] = 0;
	values[WARD] = 1;
	contributions[ANGINA] = -0.1;
	contributions[WARD] = 0.03;
	reads("Not unusual: the anomaly score is 0.400; none of the training cases scored lower. No single value "
		  "stands out as a reason for this. This supports a clinical decision and is not a diagnosis.");
}

static void
tells_a_medium_risk_without_reasons(void **state)
{
	(void) state;
	narrative.risk = HML_RISK_MEDIUM;
	narrative.percentile = 100;
	reads("Somewhat unusual: the anomaly score is 0.712; all of the training cases scored lower. No single "
		  "value stands out as a reason for this. This supports a clinical decision and is not a diagnosis.");
	contributions[AGE] = -0.1;
	narrative.percentile = NAN;
	reads("Somewhat unusual: the anomaly score is 0.712. No single value stands out as a reason for this. "
		  "Lowering the estimate: age 45 years (usually 40 to 68, median 56). Usual values are the 5th to "
		  "95th percentile of the training cases. This supports a clinical decision and is not a diagnosis.");
}

static void
tells_what_was_filled_in(void **state)
{
	const char *unseen[N_FEATURES] = {[WARD] = "Mars"};

	(void) state;
	values[CHOLESTEROL] = values[CREATININE] = values[WARD] = values[ANGINA] = NAN;
	narrative.unseen = unseen;
	contributions[CREATININE] = 0.1;
	contributions[AGE] = 0.05;
	reads("Highly unusual: the anomaly score is 0.712; 97% of the training cases scored lower. The strongest "
		  "reasons for this are serum creatinine (missing) and age 45 years (usually 40 to 68, median 56). "
		  "Usual values are the 5th to 95th percentile of the training cases. Missing values were filled in: "
		  "cholesterol with 240.7 mg/dl, serum creatinine with 1.0946 mg/dl and exercise angina with no. "
		  "Values that the model does not know were replaced: ward \"Mars\" by Nord. This supports a "
		  "clinical decision and is not a diagnosis.");
}

static void
lists_only_some_filled_in_values(void **state)
{
	(void) state;
	for (size_t i = 0; i < N_FEATURES; i++)
		values[i] = NAN;
	narrative.words = NULL;
	reads("Highly unusual: the anomaly score is 0.712; 97% of the training cases scored lower. No single "
		  "value stands out as a reason for this. Missing values were filled in: age with 56, cholesterol "
		  "with 240.7, creat with 1.0946, angina with no, ward with Nord and 1 more. This supports a "
		  "clinical decision and is not a diagnosis.");
}

/* A model trained elsewhere brings no statistics. */
static void
does_without_statistics(void **state)
{
	HmlFeature *age = &features[AGE];

	(void) state;
	age->min = age->p05 = age->median = age->p95 = age->max = NAN;
	features[SEX].min = features[SEX].mean = features[SEX].max = NAN;
	narrative.percentile = NAN;
	values[AGE] = 45.123456789;
	contributions[AGE] = 2;
	contributions[SEX] = 1;
	reads("Highly unusual: the anomaly score is 0.712. The strongest reasons for this are age 45.1235 years "
		  "and sex: male. This supports a clinical decision and is not a diagnosis.");
}

static const char *const classes[] = {"calm", "urgent", "critical"};

static void
use_classes(size_t n)
{
	algorithm.target_use = HML_TARGET_LEARNT;
	model.n_outputs = n;
	model.output_names = (const char **) (uintptr_t) classes;
}

static void
tells_other_tasks(void **state)
{
	(void) state;
	use_classes(2);
	narrative.percentile = 99.9;
	reads("High risk: the predicted probability of \"urgent\" is 0.712; more than 99% of the training cases "
		  "scored lower. "
		  "No single value stands out as a reason for this. This supports a clinical decision and is not a "
		  "diagnosis.");
	model.output_names = NULL;
	model.n_outputs = 1;
	narrative.percentile = 0.3;
	narrative.risk = HML_RISK_UNKNOWN;
	reads("The predicted value is 0.712; less than 1% of the training cases scored lower. No single value "
		  "stands out as a reason for this. This supports a clinical decision and is not a diagnosis.");
}

/* Without alarm classes there is no risk to speak of, with them it is theirs. */
static void
names_the_predicted_class(void **state)
{
	bool alarm[3] = {false, true, true};

	(void) state;
	use_classes(3);
	narrative.label = "critical";
	narrative.label_probability = 1;
	narrative.risk = HML_RISK_UNKNOWN;
	narrative.percentile = NAN;
	reads("The predicted class is \"critical\" with a probability of 1.000. No single value stands out as a "
		  "reason for this. This supports a clinical decision and is not a diagnosis.");
	model.alarm = alarm;
	narrative.risk = HML_RISK_HIGH;
	narrative.label_probability = 0.6;
	reads("High risk: the predicted probability of \"urgent\" or \"critical\" is 0.712. The predicted class "
		  "is \"critical\" with a probability of 0.600. No single value stands out as a reason for this. "
		  "This supports a clinical decision and is not a diagnosis.");
	narrative.risk = HML_RISK_UNKNOWN;
	narrative.label = NULL;
	reads("Unknown risk, because too many values are missing: the predicted probability of \"urgent\" or "
		  "\"critical\" is 0.712. This supports a clinical decision and is not a diagnosis.");
}

/* Of what, in which unit, by when. */
static void
says_what_is_predicted(void **state)
{
	(void) state;
	use_classes(2);
	narrative.target = "stroke";
	narrative.horizon = "within 30 days";
	narrative.percentile = NAN;
	reads("High risk: the predicted probability of stroke \"urgent\" within 30 days is 0.712. No single "
		  "value stands out as a reason for this. This supports a clinical decision and is not a diagnosis.");
	model.output_names = (const char *[]){"false", "true"};
	reads("High risk: the predicted probability of stroke within 30 days is 0.712. No single value stands "
		  "out as a reason for this. This supports a clinical decision and is not a diagnosis.");
	model.output_names = NULL;
	model.n_outputs = 1;
	narrative.risk = HML_RISK_UNKNOWN;
	narrative.target = "systolic blood pressure";
	narrative.target_unit = "mmHg";
	narrative.horizon = NULL;
	narrative.score = 131.2;
	contributions[AGE] = 2;
	contributions[CHOLESTEROL] = -1;
	reads("The predicted value of systolic blood pressure is 131.200 mmHg. Raising the estimate: age 45 "
		  "years (usually 40 to 68, median 56). Lowering the estimate: cholesterol 564 mg/dl (usually 175 to "
		  "327, median 241, never above 417). Usual values are the 5th to 95th percentile of the training "
		  "cases. This supports a clinical decision and is not a diagnosis.");
}

static void
code_reads(double min, double max, double mean, double sd, double value, const char *expected)
{
	features[AGE] = (HmlFeature){.column = {.name = "stage", .kind = HML_COLUMN_NUMERIC},
								 .fill = min,
								 .min = min,
								 .p05 = min,
								 .p25 = min,
								 .median = min,
								 .p75 = min,
								 .p95 = max,
								 .max = max,
								 .mean = mean,
								 .sd = sd};
	values[AGE] = value;
	reads(expected);
}

/* Flags and codes are narrated by the share of their value, and the usual one is no reason. */
static void
tells_codes_by_their_share(void **state)
{
	(void) state;
	narrative.words = NULL;
	narrative.percentile = NAN;
	contributions[AGE] = 1;
	/* 90% of 1, 10% of 2: mean 1.1, sd 0.3 */
	code_reads(1, 2, 1.1, 0.3, 2,
			   "Highly unusual: the anomaly score is 0.712. The strongest reason for this is stage 2 (10% of "
			   "the training cases). This supports a clinical decision and is not a diagnosis.");
	code_reads(1, 2, 1.1, 0.3, 1,
			   "Highly unusual: the anomaly score is 0.712. No single value stands out as a reason for this. "
			   "This supports a clinical decision and is not a diagnosis.");
	/* 70% of 1, 20% of 2, 10% of 3: mean 1.4, variance 0.44 */
	code_reads(1, 3, 1.4, sqrt(0.44), 3,
			   "Highly unusual: the anomaly score is 0.712. The strongest reason for this is stage 3 (10% of "
			   "the training cases). This supports a clinical decision and is not a diagnosis.");
	code_reads(1, 3, 1.4, sqrt(0.44), 2,
			   "Highly unusual: the anomaly score is 0.712. The strongest reason for this is stage 2 (20% of "
			   "the training cases). This supports a clinical decision and is not a diagnosis.");
	code_reads(1, 3, 1.4, sqrt(0.44), 1,
			   "Highly unusual: the anomaly score is 0.712. No single value stands out as a reason for this. "
			   "This supports a clinical decision and is not a diagnosis.");
	code_reads(1, 3, 1.4, sqrt(0.44), 7,
			   "Highly unusual: the anomaly score is 0.712. The strongest reason for this is stage 7 (0% of "
			   "the training cases). This supports a clinical decision and is not a diagnosis.");
}

/* Words for milligrams are not used for codes from 1 to 3. */
static void
leaves_words_that_contradict(void **state)
{
	HmlFeatureWords serum[N_FEATURES] = {
		[CHOLESTEROL] = {
			.label = "serum cholesterol", .unit = "mg/dl", .plausible_low = 50, .plausible_high = 1000}};

	(void) state;
	narrative.words = serum;
	narrative.percentile = NAN;
	contributions[CHOLESTEROL] = 1;
	reads("Highly unusual: the anomaly score is 0.712. The strongest reason for this is serum cholesterol "
		  "564 mg/dl (usually 175 to 327, median 241, never above 417). Usual values are the 5th to 95th "
		  "percentile of the training cases. This supports a clinical decision and is not a diagnosis.");
	features[CHOLESTEROL] = (HmlFeature){.column = {.name = "cholesterol", .kind = HML_COLUMN_NUMERIC},
										 .min = 1,
										 .p05 = 1,
										 .p25 = 1,
										 .median = 1,
										 .p75 = 1,
										 .p95 = 3,
										 .max = 3,
										 .mean = 1.4,
										 .sd = sqrt(0.44)};
	values[CHOLESTEROL] = 3;
	reads("Highly unusual: the anomaly score is 0.712. The strongest reason for this is cholesterol 3 (10% "
		  "of the training cases). This supports a clinical decision and is not a diagnosis.");
}

/* Constant columns, values below all others, units that stick to their number, numbers of any size. */
static void
writes_numbers_as_people_do(void **state)
{
	const HmlFeatureWords odd[N_FEATURES] = {
		[AGE] = {.label = "saturation", .unit = "%"}, [CHOLESTEROL] = {.label = "pulse", .unit = "/min"}};

	(void) state;
	narrative.words = odd;
	values[AGE] = 20;
	values[CHOLESTEROL] = 88.5;
	values[CREATININE] = 0.000123;
	features[CHOLESTEROL].min = features[CHOLESTEROL].max = features[CHOLESTEROL].median = 90;
	features[CREATININE].p05 = features[CREATININE].p95 = 123456.7;
	features[CREATININE].max = 1e20;
	features[CREATININE].median = 123456.7;
	contributions[AGE] = 3;
	contributions[CHOLESTEROL] = 2;
	contributions[CREATININE] = 1;
	reads("Highly unusual: the anomaly score is 0.712; 97% of the training cases scored lower. The strongest "
		  "reasons for this are saturation 20% (usually 40 to 68, median 56, never below 29), pulse 88.5/min "
		  "(always 90 in training) and creat 0.000123 (usually 123457, median 123457, never below 0.4). "
		  "Usual values are the 5th to 95th percentile of the training cases. This supports a clinical "
		  "decision and is not a diagnosis.");
	values[AGE] = -1e20;
	values[CREATININE] = 1234567;
	values[CHOLESTEROL] = 0;
	reads("Highly unusual: the anomaly score is 0.712; 97% of the training cases scored lower. The strongest "
		  "reasons for this are saturation -1e+20% (usually 40 to 68, median 56, never below 29), pulse "
		  "0/min (always 90 in training) and creat 1234567 (usually 123457, median 123457). Usual values are "
		  "the 5th to 95th percentile of the training cases. This supports a clinical decision and is not a "
		  "diagnosis.");
}

/* Equal contributions come in the order of the features, each once. */
static void
names_equal_reasons_once(void **state)
{
	(void) state;
	values[AGE] = values[CHOLESTEROL] = values[CREATININE] = values[ANGINA] = NAN;
	for (size_t i = 0; i < 4; i++)
		contributions[i] = 0.5;
	narrative.words = NULL;
	narrative.percentile = 100;
	reads("Highly unusual: the anomaly score is 0.712; all of the training cases scored lower. The strongest "
		  "reasons for this are age (missing), cholesterol (missing) and creat (missing). Missing values "
		  "were filled in: age with 56, cholesterol with 240.7, creat with 1.0946 and angina with no. This "
		  "supports a clinical decision and is not a diagnosis.");
}

static HmlStatus
narrate(HmlContext *context, void *argument)
{
	HmlText text;
	const char *written;
	HmlStatus status;

	(void) argument;
	hml_text_init(&text, context);
	hml_narrate(&narrative, &text);
	status = hml_text_finish(&text, &written);
	hml_text_free(&text);
	return status;
}

static void
survives_lack_of_memory(void **state)
{
	(void) state;
	contributions[AGE] = 1;
	test_allocation_sweep(narrate, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(tells_a_high_risk, begin, end),
		cmocka_unit_test_setup_teardown(tells_a_low_risk, begin, end),
		cmocka_unit_test_setup_teardown(tells_a_medium_risk_without_reasons, begin, end),
		cmocka_unit_test_setup_teardown(tells_what_was_filled_in, begin, end),
		cmocka_unit_test_setup_teardown(lists_only_some_filled_in_values, begin, end),
		cmocka_unit_test_setup_teardown(does_without_statistics, begin, end),
		cmocka_unit_test_setup_teardown(tells_other_tasks, begin, end),
		cmocka_unit_test_setup_teardown(names_the_predicted_class, begin, end),
		cmocka_unit_test_setup_teardown(says_what_is_predicted, begin, end),
		cmocka_unit_test_setup_teardown(tells_codes_by_their_share, begin, end),
		cmocka_unit_test_setup_teardown(leaves_words_that_contradict, begin, end),
		cmocka_unit_test_setup_teardown(writes_numbers_as_people_do, begin, end),
		cmocka_unit_test_setup_teardown(names_equal_reasons_once, begin, end),
		cmocka_unit_test_setup_teardown(survives_lack_of_memory, begin, end),
	};

	return cmocka_run_group_tests_name("narrative", tests, NULL, NULL);
}
