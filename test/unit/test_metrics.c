/*
 * test_metrics.c
 *	  Metrics against scikit-learn (test/golden/make_metrics.py), their properties, and failures.
 */
#include "unit/support.h"

#include <float.h>

#include "core/base/rng.h"
#include "core/stats/metrics.h"

#define TOLERANCE 1e-12
#define MAX_ROWS 4096

typedef struct Rows
{
	size_t n;
	double scores[MAX_ROWS];
	bool labels[MAX_ROWS];
} Rows;

/* The rows of one case of a table with columns case, <first>, <second>. */
static size_t
load_case(const char *path, const char *name, double *first, double *second)
{
	TestTable *table = test_read_table(path);
	size_t n = 0;

	for (size_t row = 0; row < table->rows; row++)
	{
		if (strcmp(test_text(table, row, 0), name) != 0)
			continue;
		assert_true(n < MAX_ROWS);
		first[n] = test_number(table, row, 1);
		second[n++] = test_number(table, row, 2);
	}
	test_free_table(table);
	assert_true(n > 0);
	return n;
}

static void
load_rows(const char *name, Rows *rows)
{
	double labels[MAX_ROWS];

	rows->n = load_case("test/golden/metrics_rows.csv", name, rows->scores, labels);
	for (size_t i = 0; i < rows->n; i++)
		rows->labels[i] = labels[i] != 0;
}

static double
class_metric(const char *metric, const HmlClassificationMetrics *m)
{
	if (strcmp(metric, "accuracy") == 0)
		return m->accuracy;
	if (strcmp(metric, "precision") == 0)
		return m->precision;
	if (strcmp(metric, "recall") == 0)
		return m->recall;
	if (strcmp(metric, "specificity") == 0)
		return m->specificity;
	if (strcmp(metric, "f1") == 0)
		return m->f1;
	if (strcmp(metric, "mcc") == 0)
		return m->mcc;
	assert_string_equal(metric, "balanced_accuracy");
	return m->balanced_accuracy;
}

static double
metric_of_rows(HmlContext *ctx, const char *metric, const Rows *rows)
{
	HmlConfusion confusion;
	HmlClassificationMetrics classes;
	double value = NAN;

	confusion = hml_confusion_at(rows->scores, rows->labels, rows->n, 0.5);
	classes = hml_classification_metrics(&confusion);
	if (strcmp(metric, "roc_auc") == 0)
		assert_ok(ctx, hml_roc_auc(ctx, rows->scores, rows->labels, rows->n, &value));
	else if (strcmp(metric, "average_precision") == 0)
		assert_ok(ctx, hml_average_precision(ctx, rows->scores, rows->labels, rows->n, &value));
	else if (strcmp(metric, "brier_score") == 0)
		assert_ok(ctx, hml_mean_of_loss(ctx, hml_brier_loss, rows->scores, rows->labels, rows->n, &value));
	else if (strcmp(metric, "log_loss") == 0)
		assert_ok(ctx, hml_mean_of_loss(ctx, hml_log_loss, rows->scores, rows->labels, rows->n, &value));
	else
		value = class_metric(metric, &classes);
	return value;
}

static double
metric_of_classes(HmlContext *ctx, const char *metric, const double *predicted, const double *actual,
				  size_t n)
{
	uint64_t matrix[16];
	uint32_t predicted_codes[MAX_ROWS];
	uint32_t actual_codes[MAX_ROWS];

	for (size_t i = 0; i < n; i++)
	{
		predicted_codes[i] = (uint32_t) predicted[i];
		actual_codes[i] = (uint32_t) actual[i];
	}
	assert_ok(ctx, hml_confusion_matrix(ctx, predicted_codes, actual_codes, n, 4, matrix));
	if (strcmp(metric, "accuracy") == 0)
		return hml_matrix_accuracy(matrix, 4);
	if (strcmp(metric, "macro_f1") == 0)
		return hml_macro_f1(matrix, 4);
	assert_string_equal(metric, "weighted_f1");
	return hml_weighted_f1(matrix, 4);
}

static double
metric_of_values(const char *metric, const double *predicted, const double *actual, size_t n)
{
	HmlRegressionMetrics m = hml_regression_metrics(predicted, actual, n);

	if (strcmp(metric, "mse") == 0)
		return m.mse;
	if (strcmp(metric, "rmse") == 0)
		return m.rmse;
	if (strcmp(metric, "mae") == 0)
		return m.mae;
	assert_string_equal(metric, "r2");
	return m.r2;
}

static bool
has_case(const char *path, const char *name)
{
	TestTable *table = test_read_table(path);
	bool found = false;

	for (size_t row = 0; row < table->rows && !found; row++)
		found = strcmp(test_text(table, row, 0), name) == 0;
	test_free_table(table);
	return found;
}

static double
metric_of_case(HmlContext *ctx, const char *name, const char *metric)
{
	static Rows rows;
	double predicted[MAX_ROWS];
	double actual[MAX_ROWS];
	size_t n;

	if (has_case("test/golden/metrics_rows.csv", name))
	{
		load_rows(name, &rows);
		return metric_of_rows(ctx, metric, &rows);
	}
	if (has_case("test/golden/metrics_classes.csv", name))
	{
		n = load_case("test/golden/metrics_classes.csv", name, predicted, actual);
		return metric_of_classes(ctx, metric, predicted, actual, n);
	}
	n = load_case("test/golden/metrics_values.csv", name, predicted, actual);
	return metric_of_values(metric, predicted, actual, n);
}

static void
equals_scikit_learn(void **state)
{
	TestTable *table = test_read_table("test/golden/metrics_expected.csv");
	TestHost host;
	HmlContext ctx;

	(void) state;
	test_host_init(&host, &ctx);
	for (size_t row = 0; row < table->rows; row++)
	{
		const char *name = test_text(table, row, 0);
		const char *metric = test_text(table, row, 1);
		double actual = metric_of_case(&ctx, name, metric);

		test_close(actual, test_number(table, row, 2), TOLERANCE, metric, name, (int) row);
	}
	test_free_table(table);
	test_host_finish(&host, &ctx);
}

/* Compare the curve of 'name' with the rows of 'table' from 'row' on; returns the row after them. */
static size_t
compare_curve(HmlContext *ctx, const TestTable *table, size_t row)
{
	static Rows rows;
	const char *name = test_text(table, row, 0);
	HmlRanking ranking;
	HmlRocCurve curve;

	load_rows(name, &rows);
	assert_ok(ctx, hml_ranking_create(ctx, rows.scores, rows.labels, rows.n, &ranking));
	assert_ok(ctx, hml_ranking_roc_curve(ctx, &ranking, &curve));
	for (size_t i = 0; i < curve.n_points; i++, row++)
	{
		assert_string_equal(test_text(table, row, 0), name);
		test_close(curve.false_positive_rate[i], test_number(table, row, 1), TOLERANCE, "fpr", name, (int) i);
		test_close(curve.true_positive_rate[i], test_number(table, row, 2), TOLERANCE, "tpr", name, (int) i);
		test_close(curve.threshold[i], test_number(table, row, 3), 0, "threshold", name, (int) i);
	}
	assert_true(row == table->rows || strcmp(test_text(table, row, 0), name) != 0);
	hml_roc_curve_free(ctx, &curve);
	hml_ranking_free(ctx, &ranking);
	return row;
}

static void
curve_equals_scikit_learn(void **state)
{
	TestTable *table = test_read_table("test/golden/metrics_roc.csv");
	TestHost host;
	HmlContext ctx;

	(void) state;
	test_host_init(&host, &ctx);
	for (size_t row = 0; row < table->rows;)
		row = compare_curve(&ctx, table, row);
	test_free_table(table);
	test_host_finish(&host, &ctx);
}

/* Rows with many ties. */
static void
random_rows(Rows *rows, size_t n, uint64_t seed)
{
	HmlRng rng;

	hml_rng_seed(&rng, seed);
	rows->n = n;
	for (size_t i = 0; i < n; i++)
	{
		rows->labels[i] = hml_rng_uniform(&rng) < 0.3;
		rows->scores[i] = floor(20 * (hml_rng_normal(&rng) + rows->labels[i]));
	}
}

static void
roc_auc_counts_pairs(void **state)
{
	static Rows rows;
	TestHost host;
	HmlContext ctx;

	(void) state;
	test_host_init(&host, &ctx);
	for (uint64_t seed = 1; seed <= 20; seed++)
	{
		double wins = 0;
		double pairs = 0;
		double auc;

		random_rows(&rows, 30 * seed, seed);
		for (size_t i = 0; i < rows.n; i++)
			for (size_t j = 0; j < rows.n; j++)
				if (rows.labels[i] && !rows.labels[j])
				{
					wins += rows.scores[i] > rows.scores[j] ? 1 : 0.5 * (rows.scores[i] == rows.scores[j]);
					pairs++;
				}
		assert_ok(&ctx, hml_roc_auc(&ctx, rows.scores, rows.labels, rows.n, &auc));
		assert_true(auc == wins / pairs);
	}
	test_host_finish(&host, &ctx);
}

/* Reversed scores give 1 - AUC, and the order of rows makes no difference at all. */
static void
roc_auc_is_symmetric(void **state)
{
	static Rows rows, turned;
	TestHost host;
	HmlContext ctx;
	double auc;
	double other;

	(void) state;
	test_host_init(&host, &ctx);
	random_rows(&rows, 1000, 5);
	assert_ok(&ctx, hml_roc_auc(&ctx, rows.scores, rows.labels, rows.n, &auc));
	for (size_t i = 0; i < rows.n; i++)
	{
		turned.scores[i] = rows.scores[rows.n - 1 - i];
		turned.labels[i] = rows.labels[rows.n - 1 - i];
	}
	assert_ok(&ctx, hml_roc_auc(&ctx, turned.scores, turned.labels, rows.n, &other));
	assert_true(auc == other);
	for (size_t i = 0; i < rows.n; i++)
		turned.scores[i] = -turned.scores[i];
	assert_ok(&ctx, hml_roc_auc(&ctx, turned.scores, turned.labels, rows.n, &other));
	assert_close(other, 1 - auc, 1e-15);
	test_host_finish(&host, &ctx);
}

/* Weights count as so many equal rows. */
static void
weights_repeat_rows(void **state)
{
	static Rows rows, repeated;
	uint32_t weights[MAX_ROWS];
	HmlRanking ranking;
	HmlRankingMetric metrics[] = {hml_ranking_roc_auc, hml_ranking_average_precision};
	TestHost host;
	HmlContext ctx;

	(void) state;
	test_host_init(&host, &ctx);
	random_rows(&rows, 400, 9);
	assert_ok(&ctx, hml_ranking_create(&ctx, rows.scores, rows.labels, rows.n, &ranking));
	for (size_t i = 0; i < rows.n; i++)
		weights[i] = (uint32_t) (i % 4);
	ranking.positive_weights = weights;
	ranking.negative_weights = weights;
	repeated.n = 0;
	for (size_t i = 0; i < ranking.n_positives + ranking.n_negatives; i++)
	{
		bool label = i < ranking.n_positives;
		size_t place = label ? i : i - ranking.n_positives;

		for (uint32_t copy = 0; copy < weights[place]; copy++)
		{
			repeated.scores[repeated.n] = label ? ranking.positives[place] : ranking.negatives[place];
			repeated.labels[repeated.n++] = label;
		}
	}
	for (size_t m = 0; m < 2; m++)
	{
		HmlRanking copies;
		double weighted;
		double plain;

		assert_ok(&ctx, metrics[m](&ctx, &ranking, &weighted));
		assert_ok(&ctx, hml_ranking_create(&ctx, repeated.scores, repeated.labels, repeated.n, &copies));
		assert_ok(&ctx, metrics[m](&ctx, &copies, &plain));
		assert_true(weighted == plain);
		hml_ranking_free(&ctx, &copies);
	}
	hml_ranking_free(&ctx, &ranking);
	test_host_finish(&host, &ctx);
}

static void
one_class_has_no_auc(void **state)
{
	const double scores[] = {0.1, 0.2, 0.2};
	const bool all[] = {true, true, true};
	const bool none[] = {false, false, false};
	HmlRanking ranking;
	HmlRocCurve curve;
	TestHost host;
	HmlContext ctx;
	double value;

	(void) state;
	test_host_init(&host, &ctx);
	assert_ok(&ctx, hml_roc_auc(&ctx, scores, all, 3, &value));
	assert_true(isnan(value));
	assert_ok(&ctx, hml_roc_auc(&ctx, scores, none, 3, &value));
	assert_true(isnan(value));
	assert_ok(&ctx, hml_roc_auc(&ctx, scores, all, 0, &value));
	assert_true(isnan(value));
	assert_ok(&ctx, hml_average_precision(&ctx, scores, none, 3, &value));
	assert_true(isnan(value));
	assert_ok(&ctx, hml_average_precision(&ctx, scores, all, 3, &value));
	assert_true(value == 1);
	assert_ok(&ctx, hml_ranking_create(&ctx, scores, none, 3, &ranking));
	assert_ok(&ctx, hml_ranking_roc_curve(&ctx, &ranking, &curve));
	assert_int_equal(curve.n_points, 0);
	hml_ranking_free(&ctx, &ranking);
	test_host_finish(&host, &ctx);
}

static void
nothing_has_no_metrics(void **state)
{
	HmlConfusion empty = {0, 0, 0, 0};
	HmlClassificationMetrics m = hml_classification_metrics(&empty);
	HmlRegressionMetrics r = hml_regression_metrics(NULL, NULL, 0);
	HmlExactSum sum = {0, 0, 0};
	const double one = 3;
	uint64_t matrix[4] = {0, 0, 0, 0};

	(void) state;
	assert_true(isnan(m.accuracy) && isnan(m.balanced_accuracy));
	assert_true(m.precision == 0 && m.recall == 0 && m.specificity == 0 && m.f1 == 0 && m.mcc == 0);
	assert_true(isnan(r.mse) && isnan(r.rmse) && isnan(r.mae) && isnan(r.r2));
	assert_true(isnan(hml_regression_metrics(&one, &one, 1).r2));
	assert_true(isnan(hml_mean_loss(sum, 0)));
	assert_true(isnan(hml_macro_f1(matrix, 2)) && isnan(hml_weighted_f1(matrix, 2)));
	assert_true(isnan(hml_matrix_accuracy(matrix, 2)));
}

static void
bad_numbers_are_refused(void **state)
{
	const bool labels[] = {true, false};
	const double bad_scores[] = {NAN, INFINITY, -INFINITY};
	const double bad_probabilities[] = {NAN, -3 * FLT_EPSILON, 1 + 3 * FLT_EPSILON, INFINITY};
	const uint32_t codes[] = {0, 2};
	uint64_t matrix[4];
	TestHost host;
	HmlContext ctx;
	double value;

	(void) state;
	test_host_init(&host, &ctx);
	for (size_t i = 0; i < 3; i++)
	{
		const double scores[] = {0.5, bad_scores[i]};

		assert_status(&ctx, hml_roc_auc(&ctx, scores, labels, 2, &value), HML_INVALID_DATA);
		assert_message(&ctx, i == 0 ? "score cannot be NaN" : "score cannot be infinite");
	}
	for (size_t i = 0; i < 4; i++)
	{
		assert_status(&ctx, hml_brier_loss(&ctx, bad_probabilities[i], true, &value), HML_INVALID_DATA);
		assert_status(&ctx, hml_log_loss(&ctx, bad_probabilities[i], true, &value), HML_INVALID_DATA);
		assert_message(&ctx, "probability");
	}
	assert_status(&ctx, hml_confusion_matrix(&ctx, codes, codes, 2, 2, matrix), HML_INVALID_DATA);
	assert_message(&ctx, "class 2 is not one of 2 classes");
	assert_status(&ctx, hml_confusion_matrix(&ctx, codes, codes, 0, HML_MAX_CLASSES + 1, matrix), HML_LIMIT);
	test_host_finish(&host, &ctx);
}

/* Counts whose products do not fit in 64 bits. */
static void
mcc_of_large_counts(void **state)
{
	const uint64_t large = UINT64_C(1) << 61;
	HmlConfusion balanced = {large, large, large, large};
	HmlConfusion perfect = {large, 0, large, 0};
	HmlConfusion nearly = {large + 1, large, large, large - 1};

	(void) state;
	assert_true(hml_classification_metrics(&balanced).mcc == 0);
	assert_close(hml_classification_metrics(&perfect).mcc, 1, 1e-15);
	assert_true(hml_classification_metrics(&nearly).mcc > 0);
}

static void
exact_sum_has_no_order(void **state)
{
	HmlExactSum up = {0, 0, 0};
	HmlExactSum down = {0, 0, 0};
	HmlRng rng;
	double terms[1000];

	(void) state;
	hml_rng_seed(&rng, 3);
	for (size_t i = 0; i < 1000; i++)
		terms[i] = ldexp(hml_rng_uniform(&rng), (int) hml_rng_below(&rng, 160) - 128);
	for (size_t i = 0; i < 1000; i++)
	{
		hml_exact_add(&up, hml_exact_of(terms[i]));
		hml_exact_add(&down, hml_exact_of(terms[999 - i]));
	}
	assert_memory_equal(&up, &down, sizeof(up));
	for (size_t i = 0; i < 1000; i++)
		hml_exact_subtract(&up, hml_exact_of(terms[(i * 7) % 1000]));
	assert_true(up.whole == 0 && up.high == 0 && up.low == 0);
	hml_exact_add(&up, hml_exact_of(0x1.fffffffffffffp+30));
	hml_exact_add(&up, hml_exact_of(0x1p-128));
	assert_true(hml_exact_value(up) == 0x1.fffffffffffffp+30);
	hml_exact_subtract(&up, hml_exact_of(0x1.fffffffffffffp+30));
	assert_true(hml_exact_value(up) == 0x1p-128);
}

static HmlStatus
all_rankings(HmlContext *ctx, void *argument)
{
	const Rows *rows = argument;
	HmlRanking ranking;
	HmlRocCurve curve;
	HmlStatus status;
	double value;

	HML_TRY(hml_mean_of_loss(ctx, hml_brier_loss, rows->scores, rows->labels, 0, &value));
	HML_TRY(hml_average_precision(ctx, rows->scores, rows->labels, rows->n, &value));
	HML_TRY(hml_roc_auc(ctx, rows->scores, rows->labels, rows->n, &value));
	HML_TRY(hml_ranking_create(ctx, rows->scores, rows->labels, rows->n, &ranking));
	status = hml_ranking_roc_curve(ctx, &ranking, &curve);
	hml_ranking_free(ctx, &ranking);
	if (status == HML_OK)
		hml_roc_curve_free(ctx, &curve);
	return status;
}

static void
failures_leave_nothing(void **state)
{
	static Rows rows;

	(void) state;
	random_rows(&rows, 500, 4);
	test_allocation_sweep(all_rankings, &rows);
	test_cancellation_sweep(all_rankings, &rows);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equals_scikit_learn),    cmocka_unit_test(curve_equals_scikit_learn),
		cmocka_unit_test(roc_auc_counts_pairs),   cmocka_unit_test(roc_auc_is_symmetric),
		cmocka_unit_test(weights_repeat_rows),    cmocka_unit_test(one_class_has_no_auc),
		cmocka_unit_test(nothing_has_no_metrics), cmocka_unit_test(bad_numbers_are_refused),
		cmocka_unit_test(mcc_of_large_counts),    cmocka_unit_test(exact_sum_has_no_order),
		cmocka_unit_test(failures_leave_nothing),
	};

	return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
