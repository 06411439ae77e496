/*
 * test_federated.c
 *	  Aggregation rules and server optimisers against Flower, the accountant
 *	  against Opacus, masks against themselves.
 */
#include "unit/support.h"

#include "core/federated/accountant.h"
#include "core/federated/average.h"
#include "core/federated/masking.h"
#include "core/federated/optimizer.h"
#include "core/federated/robust.h"

#define CLIENTS 7
#define WEIGHTS 11

typedef struct Round
{
	float updates[CLIENTS * WEIGHTS];
	int64_t samples[CLIENTS];
	TestTable *table;
} Round;

static void
read_round(Round *round)
{
	round->table = test_read_table("test/golden/federated/aggregate.csv");
	for (size_t u = 0; u < CLIENTS; u++)
	{
		round->samples[u] = (int64_t) test_number(round->table, u, 1);
		for (size_t j = 0; j < WEIGHTS; j++)
			round->updates[u * WEIGHTS + j] = (float) test_number(round->table, u, 2 + j);
	}
}

static void
assert_row(const Round *round, const char *name, const float *result)
{
	size_t row = CLIENTS;

	while (strcmp(test_text(round->table, row, 0), name) != 0)
		row++;
	for (size_t j = 0; j < WEIGHTS; j++)
		assert_close((double) result[j], test_number(round->table, row, 2 + j), 1e-7);
}

static void
test_aggregation_equals_flower(void **state)
{
	TestHost host;
	HmlContext ctx;
	Round round;
	float result[WEIGHTS];
	bool selected[CLIENTS];
	double sum[WEIGHTS] = {0};
	float rest[WEIGHTS] = {0};
	int64_t samples = 0;

	(void) state;
	test_host_init(&host, &ctx);
	read_round(&round);

	for (size_t u = 0; u < CLIENTS; u++)
	{
		assert_true(hml_average_add_many_f32(sum, rest, &(const float *){round.updates + u * WEIGHTS},
											 &round.samples[u], 1, WEIGHTS));
		samples += round.samples[u];
	}
	hml_average_finish_f32(result, sum, rest, samples, WEIGHTS);
	assert_row(&round, "fedavg", result);

	assert_ok(&ctx, hml_fed_median(&ctx, round.updates, CLIENTS, WEIGHTS, result));
	assert_row(&round, "fedmedian", result);
	assert_ok(&ctx, hml_fed_trimmed_mean(&ctx, round.updates, CLIENTS, WEIGHTS, 0.2, result));
	assert_row(&round, "trimmed_0.2", result);
	assert_ok(&ctx, hml_fed_krum(&ctx, round.updates, NULL, CLIENTS, WEIGHTS, 1, 1, result, NULL));
	assert_row(&round, "krum_1", result);
	assert_ok(&ctx,
			  hml_fed_krum(&ctx, round.updates, round.samples, CLIENTS, WEIGHTS, 1, 3, result, selected));
	assert_row(&round, "multikrum_1_3", result);
	assert_false(selected[CLIENTS - 1]); /* the poisoned client */

	test_free_table(round.table);
	test_host_finish(&host, &ctx);
}

static void
test_aggregation_refuses(void **state)
{
	TestHost host;
	HmlContext ctx;
	float one[1] = {1};
	float result[1];

	(void) state;
	test_host_init(&host, &ctx);
	assert_status(&ctx, hml_fed_median(&ctx, one, 0, 1, result), HML_INVALID_DATA);
	assert_status(&ctx, hml_fed_trimmed_mean(&ctx, one, 1, 1, 0.5, result), HML_INVALID_ARGUMENT);
	assert_status(&ctx, hml_fed_trimmed_mean(&ctx, one, 1, 1, NAN, result), HML_INVALID_ARGUMENT);
	assert_status(&ctx, hml_fed_krum(&ctx, one, NULL, 1, 1, 0, 2, result, NULL), HML_INVALID_ARGUMENT);
	assert_ok(&ctx, hml_fed_krum(&ctx, one, NULL, 1, 1, 0, 1, result, NULL));
	assert_close((double) result[0], 1.0, 0.0);
	test_host_finish(&host, &ctx);
}

static HmlStatus
all_rules(HmlContext *ctx, void *argument)
{
	const Round *round = argument;
	float result[WEIGHTS];

	HML_TRY(hml_fed_median(ctx, round->updates, CLIENTS, WEIGHTS, result));
	HML_TRY(hml_fed_trimmed_mean(ctx, round->updates, CLIENTS, WEIGHTS, 0.1, result));
	return hml_fed_krum(ctx, round->updates, NULL, CLIENTS, WEIGHTS, 1, 2, result, NULL);
}

static void
test_failures_leave_nothing(void **state)
{
	Round round;

	(void) state;
	read_round(&round);
	test_allocation_sweep(all_rules, &round);
	test_cancellation_sweep(all_rules, &round);
	test_free_table(round.table);
}

static void
test_server_optimizers_equal_flower(void **state)
{
	TestHost host;
	HmlContext ctx;
	TestTable *table = test_read_table("test/golden/federated/server.csv");
	HmlServerOptimizer optimizer;
	float current[5];
	float average[5];
	float first[5];
	float second[5];

	(void) state;
	test_host_init(&host, &ctx);
	assert_int_equal(table->rows, 40);
	for (size_t row = 0; row < table->rows; row++)
	{
		int round = (int) test_number(table, row, 1);

		if (round == 1)
		{
			assert_ok(&ctx, hml_server_optimizer_default(&ctx, test_text(table, row, 0), &optimizer));
			if (optimizer.rule == HML_SERVER_MOMENTUM)
			{
				optimizer.eta = 0.7;
				optimizer.beta_1 = 0.9;
			}
			for (int j = 0; j < 5; j++)
			{
				current[j] = (float) (-1.0 + 0.5 * j);
				first[j] = second[j] = 0;
			}
		}
		for (size_t j = 0; j < 5; j++)
			average[j] = (float) test_number(table, row, 2 + j);
		hml_server_step(&optimizer, round, 5, current, average, first, second, current);
		for (size_t j = 0; j < 5; j++)
			assert_close((double) current[j], test_number(table, row, 7 + j), 2e-5);
	}
	assert_status(&ctx, hml_server_optimizer_default(&ctx, "fedsgd", &optimizer), HML_UNDEFINED);
	assert_message(&ctx, "fedyogi");
	test_free_table(table);
	test_host_finish(&host, &ctx);
}

static void
test_epsilon_equals_opacus(void **state)
{
	TestHost host;
	HmlContext ctx;
	TestTable *table = test_read_table("test/golden/federated/epsilon.csv");
	double epsilon;

	(void) state;
	test_host_init(&host, &ctx);
	for (size_t row = 0; row < table->rows; row++)
	{
		assert_ok(&ctx,
				  hml_dp_epsilon(&ctx, test_number(table, row, 0), test_number(table, row, 1),
								 (int64_t) test_number(table, row, 2), test_number(table, row, 3), &epsilon));
		assert_close(epsilon, test_number(table, row, 4), 1e-9);
	}
	assert_ok(&ctx, hml_dp_epsilon(&ctx, 1, 1, 0, 1e-5, &epsilon));
	assert_close(epsilon, 0.0, 0.0);
	assert_status(&ctx, hml_dp_epsilon(&ctx, 0, 1, 1, 1e-5, &epsilon), HML_INVALID_ARGUMENT);
	assert_status(&ctx, hml_dp_epsilon(&ctx, 1, 1.5, 1, 1e-5, &epsilon), HML_INVALID_ARGUMENT);
	assert_status(&ctx, hml_dp_epsilon(&ctx, 1, 1, -1, 1e-5, &epsilon), HML_INVALID_ARGUMENT);
	assert_status(&ctx, hml_dp_epsilon(&ctx, 1, 1, 1, NAN, &epsilon), HML_INVALID_ARGUMENT);
	test_free_table(table);
	test_host_finish(&host, &ctx);
}

static void
test_clip_and_noise(void **state)
{
	enum
	{
		N = 100001
	};
	TestHost host;
	HmlContext ctx;
	float small[2] = {3, 4};
	float *values = calloc(N, sizeof(float));
	double sum = 0;
	double squares = 0;

	(void) state;
	test_host_init(&host, &ctx);
	assert_close(hml_dp_clip(small, 2, 10), 5.0, 1e-12);
	assert_close((double) small[0], 3.0, 0.0);
	assert_close(hml_dp_clip(small, 2, 1), 5.0, 1e-12);
	assert_close((double) small[1], 0.8, 1e-7);

	assert_ok(&ctx, hml_dp_add_noise(&ctx, values, N, 2.0));
	for (size_t i = 0; i < N; i++)
	{
		sum += (double) values[i];
		squares += (double) values[i] * (double) values[i];
	}
	/* Six standard errors: a false alarm in a billion runs. */
	assert_true(fabs(sum / N) < 6 * 2.0 / sqrt(N));
	assert_true(fabs(squares / N - 4.0) < 6 * 4.0 * sqrt(2.0 / N));
	free(values);
	test_host_finish(&host, &ctx);
}

enum
{
	MASKED = 5000 /* more than one block of the key stream */
};

typedef struct Party
{
	unsigned char private_key[HML_MASK_KEY_SIZE];
	unsigned char public_key[HML_MASK_KEY_SIZE];
	float values[MASKED];
	uint32_t quantised[MASKED];
	uint32_t masked[MASKED];
} Party;

static size_t
collect_peers(const Party *parties, size_t n, size_t self, unsigned char *peers)
{
	size_t count = 0;

	for (size_t p = 0; p < n; p++)
		if (p != self)
			memcpy(peers + HML_MASK_KEY_SIZE * count++, parties[p].public_key, HML_MASK_KEY_SIZE);
	return count;
}

static void
mask_party(HmlContext *ctx, Party *parties, size_t n, size_t self, const char *label)
{
	unsigned char peers[8 * HML_MASK_KEY_SIZE];
	size_t n_peers = collect_peers(parties, n, self, peers);

	memcpy(parties[self].masked, parties[self].quantised, sizeof(parties[self].masked));
	assert_ok(ctx, hml_mask_apply(ctx, parties[self].private_key, parties[self].public_key, peers, n_peers,
								  label, parties[self].masked, MASKED));
}

static void
test_masks_cancel_in_the_sum(void **state)
{
	enum
	{
		N = 4
	};
	TestHost host;
	HmlContext ctx;
	Party *parties = calloc(N, sizeof(Party));
	uint32_t *sum = calloc(MASKED, sizeof(uint32_t));
	double *values = calloc(MASKED, sizeof(double));
	size_t clamped;

	(void) state;
	test_host_init(&host, &ctx);
	for (size_t p = 0; p < N; p++)
	{
		assert_ok(&ctx, hml_mask_generate_keys(&ctx, parties[p].private_key, parties[p].public_key));
		for (size_t i = 0; i < MASKED; i++)
			parties[p].values[i] = (float) sin((double) (p * MASKED + i));
		assert_ok(&ctx,
				  hml_mask_quantise(&ctx, parties[p].values, MASKED, 8, parties[p].quantised, &clamped));
		assert_int_equal(clamped, 0);
	}
	for (size_t p = 0; p < N; p++)
	{
		size_t equal = 0;

		mask_party(&ctx, parties, N, p, "heart/1/1");
		for (size_t i = 0; i < MASKED; i++)
		{
			equal += parties[p].masked[i] == parties[p].quantised[i];
			sum[i] += parties[p].masked[i];
		}
		assert_true(equal < 3); /* a masked update reveals nothing of the update */
	}
	hml_mask_dequantise(sum, MASKED, N, 8, values);
	for (size_t i = 0; i < MASKED; i++)
	{
		double expected = 0;

		for (size_t p = 0; p < N; p++)
			expected += (double) parties[p].values[i];
		assert_true(fabs(values[i] - expected) <= N * 8.0 / (HML_MASK_LEVELS - 1) + 1e-12);
	}

	/* Another label gives other masks from the same keys. */
	memcpy(sum, parties[0].masked, MASKED * sizeof(uint32_t));
	mask_party(&ctx, parties, N, 0, "heart/1/2");
	assert_memory_not_equal(sum, parties[0].masked, MASKED * sizeof(uint32_t));

	free(values);
	free(sum);
	free(parties);
	test_host_finish(&host, &ctx);
}

static void
test_masking_refuses(void **state)
{
	TestHost host;
	HmlContext ctx;
	unsigned char private_key[HML_MASK_KEY_SIZE];
	unsigned char public_key[HML_MASK_KEY_SIZE];
	unsigned char peers[2 * HML_MASK_KEY_SIZE] = {0};
	uint32_t masked[4] = {0};
	const float values[4] = {NAN, 9, -9, 0};
	size_t clamped;

	(void) state;
	test_host_init(&host, &ctx);
	assert_ok(&ctx, hml_mask_generate_keys(&ctx, private_key, public_key));
	assert_status(&ctx, hml_mask_apply(&ctx, private_key, public_key, peers, 0, "x", masked, 4),
				  HML_INVALID_ARGUMENT);
	assert_status(&ctx, hml_mask_apply(&ctx, private_key, public_key, public_key, 1, "x", masked, 4),
				  HML_INVALID_DATA);
	assert_status(&ctx, hml_mask_apply(&ctx, private_key, public_key, peers, 2, "x", masked, 4),
				  HML_INVALID_DATA);
	/* The all-zero key is a point of small order: its shared secret would be known to everyone. */
	assert_status(&ctx, hml_mask_apply(&ctx, private_key, public_key, peers, 1, "x", masked, 4),
				  HML_INVALID_DATA);
	assert_status(&ctx,
				  hml_mask_apply(&ctx, private_key, public_key, peers, HML_MASK_MAX_CLIENTS, "x", masked, 4),
				  HML_LIMIT);
	assert_status(&ctx, hml_mask_quantise(&ctx, values, 4, 8, masked, &clamped), HML_INVALID_DATA);
	assert_ok(&ctx, hml_mask_quantise(&ctx, values + 1, 3, 8, masked, &clamped));
	assert_int_equal(clamped, 2);
	assert_int_equal(masked[0], HML_MASK_LEVELS - 1);
	assert_int_equal(masked[1], 0);
	test_host_finish(&host, &ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_aggregation_equals_flower),
		cmocka_unit_test(test_aggregation_refuses),
		cmocka_unit_test(test_failures_leave_nothing),
		cmocka_unit_test(test_server_optimizers_equal_flower),
		cmocka_unit_test(test_epsilon_equals_opacus),
		cmocka_unit_test(test_clip_and_noise),
		cmocka_unit_test(test_masks_cancel_in_the_sum),
		cmocka_unit_test(test_masking_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
