/*
 * test_threshold.c
 *	  Decision thresholds: the best one where there is evidence for it, else 0.5.
 */
#include "unit/support.h"

#include <limits.h>

#include "core/base/rng.h"
#include "core/stats/threshold.h"

#define MANY 20000

static double scores[MANY];
static bool labels[MANY];

static double
threshold_of(HmlContext *ctx, size_t n, HmlThresholdCriterion criterion)
{
	HmlRanking ranking;
	double threshold;

	assert_ok(ctx, hml_ranking_create(ctx, scores, labels, n, &ranking));
	assert_ok(ctx, hml_robust_threshold(ctx, &ranking, criterion, &threshold));
	hml_ranking_free(ctx, &ranking);
	return threshold;
}

/* Positives uniform in 0.1 .. 0.5, negatives in 0 .. 0.2: by Youden the best threshold is 0.15 or near it. */
static void
make_scores(size_t n, uint64_t seed)
{
	HmlRng rng;

	hml_rng_seed(&rng, seed);
	for (size_t i = 0; i < n; i++)
	{
		labels[i] = i % 4 == 0;
		scores[i] = labels[i] ? 0.1 + 0.4 * hml_rng_uniform(&rng) : 0.2 * hml_rng_uniform(&rng);
	}
}

static void
test_evidence_counts(void **state)
{
	TestHost host;
	HmlContext ctx;
	double many;

	(void) state;
	test_host_init(&host, &ctx);
	make_scores(MANY, 1);
	/* Youden's index is 1 - (t - 0.1) / 0.4 - (0.2 - t) / 0.2: it grows up to 0.2. */
	many = threshold_of(&ctx, MANY, HML_THRESHOLD_YOUDEN);
	assert_true(many > 0.19 && many < 0.22);
	many = threshold_of(&ctx, MANY, HML_THRESHOLD_F1);
	assert_true(many > 0.15 && many < 0.25);
	test_host_finish(&host, &ctx);
}

/* The score from which on the positives gain most on the negatives; of equally many of both. */
static double
greatest_youden(size_t n)
{
	double best = 0;
	int greatest = INT_MIN;

	for (size_t at = 0; at < n; at++)
	{
		int gain = 0;

		for (size_t i = 0; i < n; i++)
			gain += scores[i] < scores[at] ? 0 : labels[i] ? 1 : -1;
		if (gain > greatest)
		{
			greatest = gain;
			best = scores[at];
		}
	}
	return best;
}

/* Labels that have nothing to do with the scores: less than half as far from 0.5 as the best of few rows. */
static void
test_chance_counts_less(void **state)
{
	TestHost host;
	HmlContext ctx;
	HmlRng rng;
	double robust = 0;
	double plain = 0;

	(void) state;
	test_host_init(&host, &ctx);
	hml_rng_seed(&rng, 2);
	for (int round = 0; round < 200; round++)
	{
		for (size_t i = 0; i < 24; i++)
		{
			scores[i] = hml_rng_uniform(&rng);
			labels[i] = i % 2 == 0;
		}
		robust += fabs(threshold_of(&ctx, 24, HML_THRESHOLD_YOUDEN) - 0.5);
		plain += fabs(greatest_youden(24) - 0.5);
	}
	assert_true(robust < 0.5 * plain);
	test_host_finish(&host, &ctx);
}

/* Perfect scores: 0.5 itself where it separates them, else the nearest that does. */
static void
test_gaps(void **state)
{
	static const double cases[][4] = {
		/* highest negative, lowest positive, least and greatest threshold that will do */
		{0.3, 0.7, 0.5, 0.5},
		{0.1, 0.4, 0.39999, 0.4},
		{0.6, 0.9, 0.6, 0.60001},
	};
	TestHost host;
	HmlContext ctx;

	(void) state;
	test_host_init(&host, &ctx);
	for (size_t c = 0; c < 3; c++)
	{
		double threshold;

		for (size_t i = 0; i < 100; i++)
		{
			labels[i] = i % 2 == 0;
			scores[i] = labels[i] ? cases[c][1] : cases[c][0];
		}
		threshold = threshold_of(&ctx, 100, HML_THRESHOLD_YOUDEN);
		assert_true(threshold >= cases[c][2] && threshold <= cases[c][3]);
		for (size_t i = 0; i < 100; i++)
			assert_int_equal(scores[i] > threshold, labels[i]);
	}
	test_host_finish(&host, &ctx);
}

static void
test_one_class(void **state)
{
	TestHost host;
	HmlContext ctx;

	(void) state;
	test_host_init(&host, &ctx);
	for (size_t i = 0; i < 10; i++)
	{
		labels[i] = true;
		scores[i] = 0.9;
	}
	assert_close(threshold_of(&ctx, 10, HML_THRESHOLD_YOUDEN), 0.5, 0);
	test_host_finish(&host, &ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_evidence_counts),
		cmocka_unit_test(test_chance_counts_less),
		cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_one_class),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
