/*
 * test_heart_network.c
 *	  Learning from made-up features whose rule is known.
 */
#include "unit/support.h"
#include "unit/model_support.h"

#include "core/base/rng.h"
#include "core/heart/heart_network.h"

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
 * Feature 0 is higher in the abnormal.  Feature 1 identifies the site, of which the
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
	assert_ok(&ctx, score_hearts(&ctx, &network, unknown.features, N, p));
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
	assert_ok(&ctx, score_hearts(&ctx, &network, mean, 2, p));
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
	training.n_networks = 2;
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
	assert_ok(&ctx, score_hearts(&ctx, &networks[0], examples.features, 1, &p[0]));
	assert_ok(&ctx, score_hearts(&ctx, &networks[2], examples.features, 1, &p[1]));
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

/* Two networks that are averaged are those that their seeds give, and the logit is the mean. */
static void
test_networks_are_averaged(void **state)
{
	static Examples examples;
	HmlHeartTraining training = short_training();
	HmlHeartNetwork networks[3];
	TestHost host;
	HmlContext ctx;
	HmlArena *arena;
	double p[3][N];

	(void) state;
	make_examples(&examples, 4);
	training.epochs = 2;
	test_host_init(&host, &ctx);
	assert_ok(&ctx, hml_arena_create(&ctx, &arena));
	for (int i = 0; i < 3; i++)
	{
		HmlHeartTraining this = training;

		this.n_networks = i == 2 ? 2 : 1;
		this.seed += i == 1;
		assert_ok(&ctx, hml_heart_network_train(arena, &examples.view, &this, &networks[i]));
		assert_ok(&ctx, score_hearts(&ctx, &networks[i], examples.features, N, p[i]));
	}
	for (size_t i = 0; i < N; i++)
		assert_close(log(p[2][i] / (1 - p[2][i])),
					 (log(p[0][i] / (1 - p[0][i])) + log(p[1][i] / (1 - p[1][i]))) / 2, 1e-6);
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
	HmlHeartTraining trainings[11];

	(void) state;
	make_examples(&examples, 5);
	for (size_t i = 0; i < 11; i++)
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
	trainings[9].n_networks = 0;
	trainings[10].n_networks = HML_MAX_MEMBERS + 1;
	for (size_t i = 0; i < 11; i++)
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
	double p[3];
	HmlStatus status;

	training.epochs = 1;
	training.draws_per_epoch = training.batch_size;
	HML_TRY(hml_arena_create(ctx, &arena));
	status = hml_heart_network_train(arena, &examples->view, &training, &network);
	if (status == HML_OK)
		status = score_hearts(ctx, &network, examples->features, 3, p);
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

/* ---- expert and gate ------------------------------------------------- */

#define FIRST_LEVEL HML_HEART_CONTRASTS
#define FIRST_FLOOR HML_HEART_SOUNDS

/* A level, which only the expert hears, marks the ill; the floors of the sites are far apart. */
static void
make_familiar(Examples *out, uint64_t seed)
{
	make_examples(out, seed);
	for (size_t i = 0; i < N; i++)
	{
		out->features[i * F] -= out->abnormal[i] ? 2 : 0;
		out->features[i * F + FIRST_LEVEL] += out->abnormal[i] ? 4 : 0;
		out->features[i * F + FIRST_FLOOR] += out->sites[i] ? 20 : -20;
	}
}

static HmlHeartTraining
expert_training(void)
{
	HmlHeartTraining training = short_training();
	HmlHeartTraining usual = HML_HEART_TRAINING_DEFAULT;

	training.expert = usual.expert;
	training.epochs = 3;
	training.draws_per_epoch = 480;
	return training;
}

static size_t
count_right(HmlContext *ctx, const HmlHeartNetwork *network, const Examples *examples)
{
	double p[N];
	size_t right = 0;

	assert_ok(ctx, score_hearts(ctx, network, examples->features, N, p));
	for (size_t i = 0; i < N; i++)
		right += (p[i] > 0.5) == examples->abnormal[i];
	return right;
}

static void
test_expert_is_heard_where_it_is_at_home(void **state)
{
	static Examples known;
	static Examples unknown;
	HmlHeartTraining training = expert_training();
	TestHost host;
	HmlContext ctx;
	HmlArena *arena;
	HmlHeartNetwork network;
	size_t at_home;
	size_t abroad;
	size_t familiar = 0;

	(void) state;
	training.epochs = 5;
	training.draws_per_epoch = 960;
	make_familiar(&known, 7);
	make_familiar(&unknown, 8);
	test_host_init(&host, &ctx);
	assert_ok(&ctx, hml_arena_create(&ctx, &arena));
	assert_ok(&ctx, hml_heart_network_train(arena, &known.view, &training, &network));
	assert_int_equal(network.clinics.n, 2);
	for (size_t i = 0; i < N; i++)
		familiar += hml_heart_familiarity(&network.clinics, unknown.features + i * F) > 0.5;
	if (familiar < N * 70 / 100 || familiar > N * 97 / 100)
		fail_msg("%zu of %d are familiar", familiar, N);
	at_home = count_right(&ctx, &network, &unknown);
	for (size_t i = 0; i < N; i++)
	{
		unknown.features[i * F + FIRST_FLOOR] += unknown.sites[i] ? -20 : 20;
		assert_close(hml_heart_familiarity(&network.clinics, unknown.features + i * F), 0, 0);
	}
	abroad = count_right(&ctx, &network, &unknown);
	if (at_home < abroad + N / 10)
		fail_msg("%zu of %d are right at home, %zu abroad", at_home, N, abroad);
	hml_arena_free(arena);
	test_host_finish(&host, &ctx);
}

static void
check_explanation(HmlContext *ctx, const HmlHeartNetwork *network, const float *features)
{
	double contributions[F];
	double base;
	double p;
	double sum = 0;

	assert_ok(ctx, score_hearts(ctx, network, features, 1, &p));
	assert_ok(ctx, hml_heart_network_explain(ctx, network, features, &base, contributions));
	for (size_t f = 0; f < F; f++)
		sum += contributions[f];
	assert_close(base + sum, log(p / (1 - p)), 1e-3);
	for (size_t f = FIRST_FLOOR; f < F; f++)
		assert_close(contributions[f], 0, 0);
}

static void
test_explanations_are_complete(void **state)
{
	static Examples known;
	HmlHeartTraining training = expert_training();
	TestHost host;
	HmlContext ctx;
	HmlArena *arena;
	HmlHeartNetwork network;
	double contributions[F];
	double base;
	size_t familiar = 0;

	(void) state;
	make_familiar(&known, 9);
	training.n_networks = 2;
	test_host_init(&host, &ctx);
	assert_ok(&ctx, hml_arena_create(&ctx, &arena));
	assert_ok(&ctx, hml_heart_network_train(arena, &known.view, &training, &network));
	for (size_t i = 0; i < 20; i++)
	{
		float *features = known.features + i * F;

		check_explanation(&ctx, &network, features);
		features[FIRST_FLOOR] = 0;
		check_explanation(&ctx, &network, features);
		features[FIRST_FLOOR] = known.sites[i] ? 20 : -20;
		if (hml_heart_familiarity(&network.clinics, features) < 1)
			continue;
		/* What marks the ill contributes most, and in the right direction. */
		familiar++;
		assert_ok(&ctx, hml_heart_network_explain(&ctx, &network, features, &base, contributions));
		for (size_t f = 0; f < F; f++)
			if (features[FIRST_LEVEL] > 5 && f != FIRST_LEVEL)
				assert_true(contributions[FIRST_LEVEL] > fabs(contributions[f]));
	}
	assert_true(familiar > 10);
	hml_arena_free(arena);
	test_host_finish(&host, &ctx);
}

/* Whatever a user's table is like, there is a model, and probabilities. */
static void
train_on(size_t n, uint32_t n_sites, const uint32_t *groups, size_t n_groups)
{
	static Examples examples;
	HmlHeartTraining training = expert_training();
	TestHost host;
	HmlContext ctx;
	HmlArena *arena;
	HmlHeartNetwork network;
	double p[N];

	make_familiar(&examples, 10);
	examples.view.n = n;
	examples.view.n_sites = n_sites;
	examples.view.groups = groups;
	examples.view.n_groups = n_groups;
	for (size_t i = 0; i < N; i++)
		examples.sites[i] %= n_sites;
	test_host_init(&host, &ctx);
	assert_ok(&ctx, hml_arena_create(&ctx, &arena));
	assert_ok(&ctx, hml_heart_network_train(arena, &examples.view, &training, &network));
	assert_ok(&ctx, score_hearts(&ctx, &network, examples.features, N, p));
	for (size_t i = 0; i < N; i++)
		assert_true(p[i] > 0 && p[i] < 1);
	hml_arena_free(arena);
	test_host_finish(&host, &ctx);
}

static void
test_small_and_strange_tables(void **state)
{
	static uint32_t one[N];
	static uint32_t few[N];

	(void) state;
	for (size_t i = 0; i < N; i++)
		few[i] = (uint32_t) i % 5;
	train_on(4, 1, NULL, 0);
	train_on(20, 1, NULL, 0);
	train_on(20, 2, NULL, 0);
	train_on(60, 1, NULL, 0);
	train_on(60, 1, one, 1);
	train_on(60, 2, few, 5);
}

static HmlStatus
count_epoch(void *user, const HmlEpoch *epoch)
{
	int *last = user;

	assert_int_equal(epoch->epoch, *last + 1);
	assert_true(epoch->epoch <= epoch->epochs);
	*last = epoch->epoch;
	return HML_OK;
}

static void
test_epochs_are_told(void **state)
{
	static Examples known;
	HmlHeartTraining training = expert_training();
	TestHost host;
	HmlContext ctx;
	HmlArena *arena;
	HmlHeartNetwork network;
	int last = 0;

	(void) state;
	make_familiar(&known, 7);
	training.on_epoch = count_epoch;
	training.on_epoch_user = &last;
	test_host_init(&host, &ctx);
	assert_ok(&ctx, hml_arena_create(&ctx, &arena));
	assert_ok(&ctx, hml_heart_network_train(arena, &known.view, &training, &network));
	assert_int_equal(last, training.epochs * (1 + training.expert_passes));
	hml_arena_free(arena);
	test_host_finish(&host, &ctx);
}

static HmlStatus
gate_and_explain(HmlContext *ctx, void *argument)
{
	const Examples *examples = argument;
	HmlHeartClinicData data = {
		.n = 40, .features = examples->features, .sites = examples->sites, .n_sites = 2};
	HmlHeartTraining training = short_training();
	HmlArena *arena;
	HmlHeartNetwork network;
	double contributions[F];
	double base;
	HmlStatus status;

	training.epochs = 1;
	training.draws_per_epoch = training.batch_size;
	HML_TRY(hml_arena_create(ctx, &arena));
	status = hml_heart_network_train(arena, &examples->view, &training, &network);
	if (status == HML_OK)
		status = hml_heart_network_explain(ctx, &network, examples->features, &base, contributions);
	if (status == HML_OK)
		status = hml_heart_clinics_fit(arena, &data, &network.clinics);
	hml_arena_free(arena);
	return status;
}

static void
test_failures_of_gate_and_explanation(void **state)
{
	static Examples examples;

	(void) state;
	make_familiar(&examples, 6);
	test_allocation_sweep(gate_and_explain, &examples);
	test_cancellation_sweep(gate_and_explain, &examples);
}

/* A model with all its parts survives writing and reading, and a damaged one is noticed. */
static void
test_round_trip_of_all_parts(void **state)
{
	static Examples known;
	HmlHeartTraining training = expert_training();
	TestHost host;
	HmlContext ctx;
	HmlArena *arena;
	HmlHeartNetwork networks[2];
	HmlWriter writers[2];
	HmlReader reader;

	(void) state;
	make_familiar(&known, 7);
	test_host_init(&host, &ctx);
	assert_ok(&ctx, hml_arena_create(&ctx, &arena));
	assert_ok(&ctx, hml_heart_network_train(arena, &known.view, &training, &networks[0]));
	for (int i = 0; i < 2; i++)
	{
		hml_writer_init(&writers[i], &ctx);
		hml_heart_network_write(&networks[i], &writers[i]);
		assert_ok(&ctx, hml_writer_finish(&writers[i]));
		if (i > 0)
			break;
		hml_reader_init(&reader, &ctx, writers[0].data, writers[0].length, "heart network");
		assert_ok(&ctx, hml_heart_network_read(arena, &reader, &networks[1]));
		assert_ok(&ctx, hml_read_end(&reader));
	}
	assert_int_equal(writers[0].length, writers[1].length);
	assert_memory_equal(writers[0].data, writers[1].data, writers[0].length);
	for (size_t length = 0; length < writers[0].length; length += 1009)
	{
		hml_reader_init(&reader, &ctx, writers[0].data, length, "heart network");
		assert_status(&ctx, hml_heart_network_read(arena, &reader, &networks[1]), HML_CORRUPT);
	}
	hml_writer_free(&writers[1]);
	hml_writer_free(&writers[0]);
	hml_arena_free(arena);
	test_host_finish(&host, &ctx);
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
		cmocka_unit_test(test_networks_are_averaged),
		cmocka_unit_test(test_expert_is_heard_where_it_is_at_home),
		cmocka_unit_test(test_explanations_are_complete),
		cmocka_unit_test(test_small_and_strange_tables),
		cmocka_unit_test(test_epochs_are_told),
		cmocka_unit_test(test_round_trip_of_all_parts),
		cmocka_unit_test(test_failures_of_gate_and_explanation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
