/*
 * test_bootstrap.c
 *	  Bootstrap intervals against SciPy's, against the truth, and when they must fail.
 */
#include "unit/support.h"

#include "core/base/rng.h"
#include "core/stats/bootstrap.h"
#include "core/stats/metrics.h"

/* 20000 replicates on both sides place a 2.5 % quantile within about 0.0007 (1 sd). */
#define MONTE_CARLO 0.003
#define MAX_ROWS 1000

typedef struct Rows
{
	size_t n;
	double scores[MAX_ROWS];
	bool labels[MAX_ROWS];
} Rows;

static void
load_rows(const char *name, Rows *rows)
{
	TestTable *table = test_read_table("test/golden/metrics_rows.csv");

	rows->n = 0;
	for (size_t row = 0; row < table->rows; row++)
	{
		if (strcmp(test_text(table, row, 0), name) != 0)
			continue;
		assert_true(rows->n < MAX_ROWS);
		rows->scores[rows->n] = test_number(table, row, 1);
		rows->labels[rows->n++] = test_number(table, row, 2) != 0;
	}
	test_free_table(table);
}

/* Positives ~ N(1,1), negatives ~ N(0,1): the AUC is Phi(1/sqrt(2)). */
static void
draw_rows(Rows *rows, size_t n, uint64_t seed)
{
	HmlRng rng;

	hml_rng_seed(&rng, seed);
	rows->n = n;
	for (size_t i = 0; i < n; i++)
	{
		rows->labels[i] = i % 2 == 0;
		rows->scores[i] = hml_rng_normal(&rng) + rows->labels[i];
	}
}

/* One metric of a ranking. */
typedef struct OneMetric
{
	HmlContext *ctx;
	const HmlRanking *ranking;
	HmlRankingMetric metric;
} OneMetric;

static HmlStatus
metric_of_ranking(void *user, const uint32_t *weights, double *value)
{
	const OneMetric *one = user;
	HmlRanking ranking = *one->ranking;

	ranking.positive_weights = weights;
	ranking.negative_weights = weights == NULL ? NULL : weights + ranking.n_positives;
	return one->metric(one->ctx, &ranking, value);
}

static HmlStatus
bootstrap(HmlContext *ctx, const HmlRanking *ranking, HmlRankingMetric metric, const HmlBootstrap *options,
		  HmlInterval *out)
{
	OneMetric one = {.ctx = ctx, .ranking = ranking, .metric = metric};
	const size_t classes[] = {ranking->n_positives, ranking->n_negatives};
	const size_t all = ranking->n_positives + ranking->n_negatives;
	HmlResampling resampling = {.strata = options->stratified ? classes : &all,
								.n_strata = options->stratified ? 2 : 1,
								.n_metrics = 1,
								.metrics = metric_of_ranking,
								.user = &one};

	return hml_bootstrap_metrics(ctx, &resampling, options, out);
}

static HmlInterval
interval_of(HmlContext *ctx, const Rows *rows, HmlRankingMetric metric, const HmlBootstrap *options)
{
	HmlRanking ranking;
	HmlInterval interval;

	assert_ok(ctx, hml_ranking_create(ctx, rows->scores, rows->labels, rows->n, &ranking));
	assert_ok(ctx, bootstrap(ctx, &ranking, metric, options, &interval));
	hml_ranking_free(ctx, &ranking);
	return interval;
}

static void
equals_scipy(void **state)
{
	static Rows rows;
	TestTable *table = test_read_table("test/golden/metrics_bootstrap.csv");
	HmlBootstrap options = hml_bootstrap_default();
	TestHost host;
	HmlContext ctx;

	(void) state;
	test_host_init(&host, &ctx);
	options.replicates = 20000;
	for (size_t row = 0; row < table->rows; row++)
	{
		HmlInterval interval;

		load_rows(test_text(table, row, 0), &rows);
		options.stratified = test_number(table, row, 1) != 0;
		interval = interval_of(&ctx, &rows, hml_ranking_roc_auc, &options);
		assert_close(interval.low, test_number(table, row, 2), MONTE_CARLO);
		assert_close(interval.high, test_number(table, row, 3), MONTE_CARLO);
		assert_int_equal(interval.replicates, 20000);
	}
	test_free_table(table);
	test_host_finish(&host, &ctx);
}

static void
covers_the_truth(void **state)
{
	static Rows rows;
	const double truth = 0.5 * erfc(-0.5);
	HmlBootstrap options = hml_bootstrap_default();
	TestHost host;
	HmlContext ctx;
	int covered = 0;

	(void) state;
	test_host_init(&host, &ctx);
	options.replicates = 200;
	options.confidence = 0.9;
	for (uint64_t seed = 1; seed <= 200; seed++)
	{
		HmlInterval interval;

		draw_rows(&rows, 100, seed);
		interval = interval_of(&ctx, &rows, hml_ranking_roc_auc, &options);
		covered += interval.low <= truth && truth <= interval.high;
	}
	/* Binomial(200, 0.9) is between 166 and 192 but for one time in a thousand. */
	assert_in_range(covered, 166, 195);
	test_host_finish(&host, &ctx);
}

static void
same_seed_same_interval(void **state)
{
	static Rows rows;
	HmlRankingMetric metrics[] = {hml_ranking_roc_auc, hml_ranking_average_precision, hml_ranking_brier_score,
								  hml_ranking_log_loss};
	HmlBootstrap options = hml_bootstrap_default();
	TestHost host;
	HmlContext ctx;

	(void) state;
	test_host_init(&host, &ctx);
	load_rows("plain", &rows);
	for (size_t m = 0; m < sizeof(metrics) / sizeof(*metrics); m++)
	{
		HmlInterval first = interval_of(&ctx, &rows, metrics[m], &options);
		HmlInterval again = interval_of(&ctx, &rows, metrics[m], &options);
		HmlInterval other;

		options.seed++;
		other = interval_of(&ctx, &rows, metrics[m], &options);
		assert_true(first.low == again.low && first.high == again.high);
		assert_true(first.low != other.low && first.estimate == other.estimate);
		assert_true(first.low < first.estimate && first.estimate < first.high);
	}
	test_host_finish(&host, &ctx);
}

/* The metrics of a ranking are those of its rows. */
static void
losses_of_rankings(void **state)
{
	static Rows rows;
	HmlRanking ranking;
	TestHost host;
	HmlContext ctx;
	double of_ranking;
	double of_rows;

	(void) state;
	test_host_init(&host, &ctx);
	load_rows("ties", &rows);
	assert_ok(&ctx, hml_ranking_create(&ctx, rows.scores, rows.labels, rows.n, &ranking));
	assert_ok(&ctx, hml_ranking_brier_score(&ctx, &ranking, &of_ranking));
	assert_ok(&ctx, hml_mean_of_loss(&ctx, hml_brier_loss, rows.scores, rows.labels, rows.n, &of_rows));
	assert_close(of_ranking, of_rows, 1e-15);
	assert_ok(&ctx, hml_ranking_log_loss(&ctx, &ranking, &of_ranking));
	assert_ok(&ctx, hml_mean_of_loss(&ctx, hml_log_loss, rows.scores, rows.labels, rows.n, &of_rows));
	assert_close(of_ranking, of_rows, 1e-15);
	hml_ranking_free(&ctx, &ranking);
	test_host_finish(&host, &ctx);
}

static void
few_rows(void **state)
{
	static Rows rows;
	HmlBootstrap options = hml_bootstrap_default();
	HmlInterval interval;
	TestHost host;
	HmlContext ctx;

	(void) state;
	test_host_init(&host, &ctx);
	load_rows("perfect", &rows);
	interval = interval_of(&ctx, &rows, hml_ranking_roc_auc, &options);
	assert_true(interval.low == 1 && interval.estimate == 1 && interval.high == 1);

	/* Of two rows drawn from two, half the samples lack a class. */
	load_rows("two_rows", &rows);
	options.stratified = false;
	interval = interval_of(&ctx, &rows, hml_ranking_roc_auc, &options);
	assert_in_range(interval.replicates, 900, 1100);
	assert_true(interval.low == 1);

	rows.n = 1;
	interval = interval_of(&ctx, &rows, hml_ranking_roc_auc, &options);
	assert_int_equal(interval.replicates, 0);
	assert_true(isnan(interval.estimate) && isnan(interval.low) && isnan(interval.high));
	rows.n = 0;
	interval = interval_of(&ctx, &rows, hml_ranking_brier_score, &options);
	assert_true(isnan(interval.low));
	test_host_finish(&host, &ctx);
}

static void
options_are_checked(void **state)
{
	const double bad_confidence[] = {0, 1, -1, NAN};
	const size_t bad_replicates[] = {0, HML_BOOTSTRAP_MAX_REPLICATES + 1};
	HmlRanking empty = {0};
	HmlInterval interval;
	HmlBootstrap options;
	TestHost host;
	HmlContext ctx;

	(void) state;
	test_host_init(&host, &ctx);
	for (size_t i = 0; i < 4; i++)
	{
		options = hml_bootstrap_default();
		options.confidence = bad_confidence[i];
		assert_status(&ctx, bootstrap(&ctx, &empty, hml_ranking_roc_auc, &options, &interval),
					  HML_INVALID_ARGUMENT);
		assert_message(&ctx, "confidence");
	}
	for (size_t i = 0; i < 2; i++)
	{
		options = hml_bootstrap_default();
		options.replicates = bad_replicates[i];
		assert_status(&ctx, bootstrap(&ctx, &empty, hml_ranking_roc_auc, &options, &interval),
					  HML_INVALID_ARGUMENT);
		assert_message(&ctx, "replicates");
	}
	test_host_finish(&host, &ctx);
}

static HmlStatus
small_bootstrap(HmlContext *ctx, void *argument)
{
	const Rows *rows = argument;
	HmlBootstrap options = hml_bootstrap_default();
	HmlRanking ranking;
	HmlInterval interval;
	HmlStatus status;

	options.replicates = 60; /* enough for the sort to take memory */
	HML_TRY(hml_ranking_create(ctx, rows->scores, rows->labels, rows->n, &ranking));
	status = bootstrap(ctx, &ranking, hml_ranking_average_precision, &options, &interval);
	hml_ranking_free(ctx, &ranking);
	return status;
}

static void
failures_leave_nothing(void **state)
{
	static Rows rows;

	(void) state;
	draw_rows(&rows, 20, 1);
	test_allocation_sweep(small_bootstrap, &rows);
	test_cancellation_sweep(small_bootstrap, &rows);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equals_scipy),
		cmocka_unit_test(covers_the_truth),
		cmocka_unit_test(same_seed_same_interval),
		cmocka_unit_test(losses_of_rankings),
		cmocka_unit_test(few_rows),
		cmocka_unit_test(options_are_checked),
		cmocka_unit_test(failures_leave_nothing),
	};

	return cmocka_run_group_tests_name("bootstrap", tests, NULL, NULL);
}
