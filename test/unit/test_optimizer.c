/*
 * test_optimizer.c
 *	  Learning-rate schedules, weight decay, clipping.  The steps themselves are held
 *	  against PyTorch in test_nn_golden.
 */
#include "unit/support.h"

#include "core/nn/train/optimizer.h"

static void
test_constant_and_step(void **state)
{
	HmlSchedule constant = {.kind = HML_SCHEDULE_CONSTANT, .learning_rate = 0.1};
	HmlSchedule step = {.kind = HML_SCHEDULE_STEP, .learning_rate = 0.1, .factor = 0.5, .step_epochs = 3};

	(void) state;
	assert_close(hml_schedule_rate(&constant, 7.5, 10), 0.1, 0);
	assert_close(hml_schedule_rate(&step, 2.9, 10), 0.1, 1e-15);
	assert_close(hml_schedule_rate(&step, 3, 10), 0.05, 1e-15);
	assert_close(hml_schedule_rate(&step, 9.2, 10), 0.0125, 1e-15);
}

static void
test_cosine(void **state)
{
	HmlSchedule cosine = {
		.kind = HML_SCHEDULE_COSINE, .learning_rate = 0.2, .warmup_epochs = 2, .final_share = 0.1};

	(void) state;
	assert_close(hml_schedule_rate(&cosine, 0, 12), 0, 1e-15);
	assert_close(hml_schedule_rate(&cosine, 1, 12), 0.1, 1e-15);
	assert_close(hml_schedule_rate(&cosine, 2, 12), 0.2, 1e-15);
	assert_close(hml_schedule_rate(&cosine, 7, 12), 0.2 * 0.55, 1e-15);
	assert_close(hml_schedule_rate(&cosine, 12, 12), 0.02, 1e-15);
	cosine.warmup_epochs = 0;
	assert_close(hml_schedule_rate(&cosine, 0, 12), 0.2, 1e-15);
}

/* As torch.optim.lr_scheduler.ReduceLROnPlateau(patience=1, factor=0.1) does. */
static void
test_plateau(void **state)
{
	HmlSchedule plateau = {
		.kind = HML_SCHEDULE_REDUCE_ON_PLATEAU, .learning_rate = 1, .factor = 0.1, .plateau_patience = 1};
	static const double losses[] = {5, 4, 4, 3.9999, 3.9, 4, 4, 4, 4};
	static const double rates[] = {1, 1, 1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.001};

	(void) state;
	assert_close(hml_schedule_rate(&plateau, 0, 10), 1, 0);
	for (size_t i = 0; i < sizeof(losses) / sizeof(*losses); i++)
	{
		hml_schedule_observe(&plateau, losses[i]);
		assert_close(hml_schedule_rate(&plateau, (double) i, 10), rates[i], 1e-12);
	}
}

/* Decay shrinks matrices and leaves biases and gains alone; state is never touched. */
static void
test_decay_of_matrices_only(void **state)
{
	static const char spec[] =
		"{\"input\":[3],\"layers\":[{\"op\":\"batch_norm\"},{\"op\":\"dense\",\"units\":2}]}";
	static const HmlOptimizerKind kinds[] = {HML_SGD, HML_ADAM, HML_ADAMW};
	TestHost host;
	HmlContext ctx;
	HmlArena *arena;
	HmlNetwork *network;
	HmlOptimizer *optimizer;

	(void) state;
	test_host_init(&host, &ctx);
	assert_ok(&ctx, hml_arena_create(&ctx, &arena));
	assert_ok(&ctx, hml_network_parse(arena, spec, strlen(spec), &network));
	for (size_t k = 0; k < 3; k++)
	{
		HmlOptimizerOptions options = {
			.kind = kinds[k], .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .weight_decay = 0.5};
		float weights[20];
		static const float zeros[20];

		assert_int_equal(network->n_weights, 3 + 3 + 6 + 2 + 6);
		for (size_t i = 0; i < 20; i++)
			weights[i] = 1;
		assert_ok(&ctx, hml_optimizer_create(arena, network, &options, &optimizer));
		hml_optimizer_step(optimizer, 0.1, zeros, weights);
		for (size_t i = 0; i < 20; i++)
			if (i >= 6 && i < 12)
				assert_true(weights[i] < 0.96f);
			else
				assert_float_equal(weights[i], 1, 0);
	}
	hml_arena_free(arena);
	test_host_finish(&host, &ctx);
}

static void
test_clipping(void **state)
{
	static const char spec[] = "{\"input\":[3],\"layers\":[{\"op\":\"dense\",\"units\":1,\"bias\":false}]}";
	static const float gradients[3] = {3, 0, 4};
	float weights[3] = {0, 0, 0};
	HmlOptimizerOptions options = {.kind = HML_SGD, .clip_norm = 0.5};
	TestHost host;
	HmlContext ctx;
	HmlArena *arena;
	HmlNetwork *network;
	HmlOptimizer *optimizer;

	(void) state;
	test_host_init(&host, &ctx);
	assert_ok(&ctx, hml_arena_create(&ctx, &arena));
	assert_ok(&ctx, hml_network_parse(arena, spec, strlen(spec), &network));
	assert_ok(&ctx, hml_optimizer_create(arena, network, &options, &optimizer));
	hml_optimizer_step(optimizer, 1, gradients, weights);
	assert_float_equal(weights[0], -0.3, 1e-6);
	assert_float_equal(weights[2], -0.4, 1e-6);
	options.clip_norm = 50;
	assert_ok(&ctx, hml_optimizer_create(arena, network, &options, &optimizer));
	hml_optimizer_step(optimizer, 1, gradients, weights);
	assert_float_equal(weights[0], -3.3, 1e-6);
	hml_arena_free(arena);
	test_host_finish(&host, &ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_constant_and_step), cmocka_unit_test(test_cosine),
		cmocka_unit_test(test_plateau),           cmocka_unit_test(test_decay_of_matrices_only),
		cmocka_unit_test(test_clipping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
