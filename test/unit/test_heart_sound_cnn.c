/*
 * test_heart_sound_cnn.c
 *	  Learning from made-up features whose rule is known.
 */
#include "unit/support.h"

#include "core/base/rng.h"
#include "core/signal/heart_sound_cnn.h"

#define N 400
#define F HML_HEART_FEATURES

typedef struct Examples
{
	float features[N * F];
	bool abnormal[N];
	uint32_t sites[N];
	HmlHeartExamples view;
} Examples;

/*
 * Feature 0 is higher in the abnormal.  Feature 1 tells the site, of which the
 * second has nine ill of ten and the first one of ten.
 */
static void
make_examples(Examples *out, uint64_t seed)
{
	HmlRng rng;

	hml_rng_seed(&rng, seed);
	for (size_t i = 0; i < N; i++)
	{
		out->sites[i] = i % 2;
		out->abnormal[i] = hml_rng_uniform(&rng) < (out->sites[i] ? 0.9 : 0.1);
		for (size_t f = 0; f < F; f++)
			out->features[i * F + f] = (float) hml_rng_normal(&rng);
		out->features[i * F] += out->abnormal[i] ? 3 : 0;
		out->features[i * F + 1] += out->sites[i] ? 5 : -5;
	}
	out->view = (HmlHeartExamples){
		.n = N, .features = out->features, .abnormal = out->abnormal, .sites = out->sites, .n_sites = 2};
}

static HmlHeartTraining
short_training(void)
{
	HmlHeartTraining training = HML_HEART_TRAINING_DEFAULT;

	training.epochs = 20;
	training.learning_rate = 0.01;
	training.draws_per_epoch = 1280;
	training.expert = NULL;
	return training;
}

static void
test_learns_the_heart_and_not_the_site(void **state)
{
	static Examples known;
	static Examples unknown;
	HmlHeartTraining training = short_training();
	TestHost host;
	HmlContext ctx;
	HmlArena *arena;
	HmlHeartNetwork network;
	double p[N];
	float mean[2 * F] = {0};
	size_t right = 0;

	(void) state;
	make_examples(&known, 1);
	make_examples(&unknown, 2);
	test_host_init(&host, &ctx);
	assert_ok(&ctx, hml_arena_create(&ctx, &arena));
	assert_ok(&ctx, hml_heart_network_train(arena, &known.view, &training, &network));
	assert_ok(&ctx, hml_heart_network_score(&ctx, &network, unknown.features, N, p));
	for (size_t i = 0; i < N; i++)
	{
		assert_true(p[i] > 0 && p[i] < 1);
		right += (p[i] > 0.5) == unknown.abnormal[i];
	}
	if (right <= N * 85 / 100)
		fail_msg("only %zu of %d are right", right, N);

	/* Halfway between ill and well, the site hardly matters. */
	mean[0] = mean[F] = 1.5f;
	mean[1] = -5;
	mean[F + 1] = 5;
	assert_ok(&ctx, hml_heart_network_score(&ctx, &network, mean, 2, p));
	assert_true(fabs(p[0] - p[1]) < 0.2);
	hml_arena_free(arena);
	test_host_finish(&host, &ctx);
}

/* A site of ill people alone is left out: its mark, feature 1, would mean illness. */
static void
test_one_sided_sites_are_left_out(void **state)
{
	static Examples examples;
	HmlHeartTraining training = short_training();
	TestHost host;
	HmlContext ctx;
	HmlArena *arena;
	HmlHeartNetwork network;

	(void) state;
	make_examples(&examples, 3);
	for (size_t i = 0; i < N; i++)
		if (examples.sites[i] == 1)
			examples.abnormal[i] = true;
	test_host_init(&host, &ctx);
	assert_ok(&ctx, hml_arena_create(&ctx, &arena));
	assert_ok(&ctx, hml_heart_network_train(arena, &examples.view, &training, &network));
	assert_close(network.general.mean[1], -5, 0.1);

	/* When no site has both classes there is nothing better than all of them. */
	for (size_t i = 0; i < N; i++)
		examples.abnormal[i] = examples.sites[i] == 1;
	assert_ok(&ctx, hml_heart_network_train(arena, &examples.view, &training, &network));
	assert_true(fabs(network.general.mean[1]) < 0.3);
	hml_arena_free(arena);
	test_host_finish(&host, &ctx);
}

static void
test_same_seed_same_network_and_round_trip(void **state)
{
	static Examples examples;
	HmlHeartTraining training = short_training();
	TestHost host;
	HmlContext ctx;
	HmlArena *arena;
	HmlHeartNetwork networks[3];
	HmlWriter writers[2];
	HmlReader reader;
	double p[2];

	(void) state;
	make_examples(&examples, 4);
	test_host_init(&host, &ctx);
	assert_ok(&ctx, hml_arena_create(&ctx, &arena));
	for (int i = 0; i < 2; i++)
	{
		assert_ok(&ctx, hml_heart_network_train(arena, &examples.view, &training, &networks[i]));
		hml_writer_init(&writers[i], &ctx);
		hml_heart_network_write(&networks[i], &writers[i]);
		assert_ok(&ctx, hml_writer_finish(&writers[i]));
	}
	assert_int_equal(writers[0].length, writers[1].length);
	assert_memory_equal(writers[0].data, writers[1].data, writers[0].length);

	hml_reader_init(&reader, &ctx, writers[0].data, writers[0].length, "heart network");
	assert_ok(&ctx, hml_heart_network_read(arena, &reader, &networks[2]));
	assert_ok(&ctx, hml_read_end(&reader));
	assert_ok(&ctx, hml_heart_network_score(&ctx, &networks[0], examples.features, 1, &p[0]));
	assert_ok(&ctx, hml_heart_network_score(&ctx, &networks[2], examples.features, 1, &p[1]));
	assert_close(p[0], p[1], 0);
	for (size_t length = 0; length < writers[0].length; length += 13)
	{
		hml_reader_init(&reader, &ctx, writers[0].data, length, "heart network");
		assert_status(&ctx, hml_heart_network_read(arena, &reader, &networks[2]), HML_CORRUPT);
	}
	hml_writer_free(&writers[1]);
	hml_writer_free(&writers[0]);
	hml_arena_free(arena);
	test_host_finish(&host, &ctx);
}

static void
refuse(const HmlHeartExamples *examples, const HmlHeartTraining *training, HmlStatus status)
{
	TestHost host;
	HmlContext ctx;
	HmlArena *arena;
	HmlHeartNetwork network;

	test_host_init(&host, &ctx);
	assert_ok(&ctx, hml_arena_create(&ctx, &arena));
	assert_status(&ctx, hml_heart_network_train(arena, examples, training, &network), status);
	hml_arena_free(arena);
	test_host_finish(&host, &ctx);
}

static void
test_refused(void **state)
{
	static Examples examples;
	HmlHeartTraining trainings[9];

	(void) state;
	make_examples(&examples, 5);
	for (size_t i = 0; i < 9; i++)
		trainings[i] = short_training();
	trainings[0].jitter = NAN;
	trainings[1].mixup = 2;
	trainings[2].label_smoothing = 0.5;
	trainings[3].epochs = 0;
	trainings[4].batch_size = 0;
	trainings[5].draws_per_epoch = 10;
	trainings[6].network =
		"{\"input\": [35], \"layers\": [{\"op\": \"dense\", \"units\": 1}, {\"op\": \"sigmoid\"}]}";
	trainings[7].network =
		"{\"input\": [36], \"layers\": [{\"op\": \"dense\", \"units\": 2}, {\"op\": \"sigmoid\"}]}";
	trainings[8].network = "{\"input\": [36], \"layers\": [{\"op\": \"dense\", \"units\": 1}]}";
	for (size_t i = 0; i < 9; i++)
		refuse(&examples.view, &trainings[i], HML_INVALID_ARGUMENT);

	trainings[0] = short_training();
	examples.features[77] = NAN;
	refuse(&examples.view, &trainings[0], HML_INVALID_DATA);
	make_examples(&examples, 5);
	memset(examples.abnormal, 0, sizeof(examples.abnormal));
	refuse(&examples.view, &trainings[0], HML_INVALID_DATA);
	examples.view.n = 0;
	refuse(&examples.view, &trainings[0], HML_INVALID_DATA);
}

static HmlStatus
train_and_score(HmlContext *ctx, void *argument)
{
	const Examples *examples = argument;
	HmlHeartTraining training = short_training();
	HmlArena *arena;
	HmlHeartNetwork network;
	double p[N];
	HmlStatus status;

	training.epochs = 1;
	training.draws_per_epoch = training.batch_size;
	HML_TRY(hml_arena_create(ctx, &arena));
	status = hml_heart_network_train(arena, &examples->view, &training, &network);
	if (status == HML_OK)
		status = hml_heart_network_score(ctx, &network, examples->features, N, p);
	hml_arena_free(arena);
	return status;
}

static void
test_failures(void **state)
{
	static Examples examples;

	(void) state;
	make_examples(&examples, 6);
	test_allocation_sweep(train_and_score, &examples);
	test_cancellation_sweep(train_and_score, &examples);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_learns_the_heart_and_not_the_site),
		cmocka_unit_test(test_one_sided_sites_are_left_out),
		cmocka_unit_test(test_same_seed_same_network_and_round_trip),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
