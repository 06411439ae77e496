/*
 * test_heart_sound_algorithm.c
 *	  "heart_sound_cnn" as an algorithm: parameters, rows that cannot be learnt
 *	  from, the artifact, and what damage to it does.
 */
#include "unit/model_support.h"
#include "unit/support.h"

#include "core/base/rng.h"
#include "core/explain/gradient.h"
#include "core/heart/heart_sound_algorithm.h"
#include "core/model/verdict.h"

#define F HML_HEART_FEATURES
#define N 60

typedef struct Fixture
{
	TestHost host;
	HmlContext ctx;
	HmlArena *arena;
	HmlFrame *frame;
} Fixture;

/* A frame with target, group and site; every tenth recording was not heard, and one has no label. */
static void
make_frame(Fixture *f)
{
	HmlRng rng;
	double values[F];

	hml_rng_seed(&rng, 1);
	assert_ok(&f->ctx,
			  hml_frame_create(
				  &f->ctx,
				  &(HmlFrameSpec){.n_columns = F, .roles = {HML_ROLE_TARGET, HML_ROLE_GROUP, HML_ROLE_SITE}},
				  &f->frame));
	for (size_t c = 0; c < F; c++)
		assert_ok(&f->ctx, hml_frame_set_column(f->frame, c, hml_heart_feature_names[c], HML_COLUMN_NUMERIC));
	assert_ok(&f->ctx, hml_frame_set_column(f->frame, F, "abnormal", HML_COLUMN_NUMERIC));
	assert_ok(&f->ctx, hml_frame_set_column(f->frame, F + 1, "patient", HML_COLUMN_NUMERIC));
	assert_ok(&f->ctx, hml_frame_set_column(f->frame, F + 2, "clinic", HML_COLUMN_NUMERIC));
	for (int i = 0; i < N; i++)
	{
		bool abnormal = i % 4 < 2;

		for (size_t c = 0; c < F; c++)
			values[c] = i % 10 == 9 ? NAN : hml_rng_normal(&rng) + (c < 6 && abnormal ? 2 : 0);
		assert_ok(&f->ctx, hml_frame_add(f->frame, values,
										 (double[]){i == 0     ? NAN
													: abnormal ? 1
															   : -1,
													i / 2, i % 2 ? i % 3 : NAN}));
	}
}

static void
setup(Fixture *f)
{
	test_host_init(&f->host, &f->ctx);
	assert_ok(&f->ctx, hml_arena_create(&f->ctx, &f->arena));
	make_frame(f);
}

static void
teardown(Fixture *f)
{
	hml_frame_free(f->frame);
	hml_arena_free(f->arena);
	test_host_finish(&f->host, &f->ctx);
}

static HmlParams *
parameters(Fixture *f, const char *json)
{
	const HmlJson *given;
	HmlParams *params;

	assert_ok(&f->ctx, hml_json_parse(f->arena, json, strlen(json), &given));
	assert_ok(&f->ctx, hml_algorithm_params(f->arena, &hml_heart_sound_cnn, given, &params));
	return params;
}

static HmlStatus
train(Fixture *f, const char *json, HmlText *metrics, HmlModel **model)
{
	return train_model(f->arena, &hml_heart_sound_cnn, f->frame, json, metrics, model);
}

/* The parameters' defaults are those of the trainer. */
static void
test_defaults(void **state)
{
	HmlHeartTraining options = HML_HEART_TRAINING_DEFAULT;
	HmlParams *params;
	Fixture f;

	(void) state;
	setup(&f);
	params = parameters(&f, "{}");
	assert_int_equal(hml_param_integer(params, "epochs"), options.epochs);
	assert_close(hml_param_number(params, "learning_rate"), options.learning_rate, 0);
	assert_close(hml_param_number(params, "weight_decay"), options.weight_decay, 0);
	assert_close(hml_param_number(params, "jitter"), options.jitter, 0);
	assert_close(hml_param_number(params, "mixup"), options.mixup, 0);
	assert_close(hml_param_number(params, "label_smoothing"), options.label_smoothing, 0);
	teardown(&f);
}

/* Both ways to explain give the same, and add up to the logit of the score. */
static void
check_explanations(Fixture *f, const HmlModel *model, const double *inputs, double score)
{
	double contributions[2][F];
	HmlExplanation own = {.contributions = contributions[0]};
	HmlExplanation general = {.contributions = contributions[1]};
	double sum = 0;

	assert_ok(&f->ctx, model->algorithm->explain(model, &f->ctx, inputs, &own));
	assert_ok(&f->ctx, hml_gradient_explain(model, &f->ctx, inputs, &general));
	assert_close(own.base, general.base, 0);
	assert_close(general.margin, log(score / (1 - score)), 1e-4);
	for (size_t i = 0; i < F; i++)
	{
		assert_close(contributions[0][i], contributions[1][i], 0.01);
		sum += contributions[1][i];
	}
	assert_close(general.base + sum, general.margin, general.standard_error + 1e-9);
	assert_true(general.standard_error < 0.01);
}

static void
test_learns_what_is_heard(void **state)
{
	HmlText metrics;
	const char *members;
	HmlModel *model;
	void *scratch;
	double scores[2];
	double inputs[2 * F] = {0};
	size_t allocations;
	HmlSamples rows;
	Fixture f;

	(void) state;
	setup(&f);
	hml_text_init(&metrics, &f.ctx);
	assert_ok(&f.ctx, train(&f, "{\"epochs\": 2}", &metrics, &model));
	assert_ok(&f.ctx, hml_text_finish(&metrics, &members));
	assert_non_null(strstr(members, "\"unusable_recordings\": 7"));
	assert_non_null(strstr(members, "\"balanced_accuracy\""));
	assert_int_equal(model->trained_rows, N - 7);
	assert_string_equal(model->output_names[0], "normal");
	assert_string_equal(model->output_names[1], "abnormal");
	for (size_t c = 0; c < 6; c++)
		inputs[F + c] = 2;
	assert_ok(&f.ctx, hml_alloc(&f.ctx, 1, model->algorithm->scratch_size(model), &scratch));
	rows = hml_sample_rows(inputs, 2);
	allocations = f.host.allocations;
	assert_ok(&f.ctx, hml_model_score(model, &f.ctx, scratch, &rows, scores));
	assert_int_equal(f.host.allocations, allocations);
	assert_true(scores[0] < 0.5 && scores[1] > 0.5);
	check_explanations(&f, model, inputs + F, scores[1]);
	hml_free(&f.ctx, scratch);
	hml_model_free(model);
	hml_text_free(&metrics);
	teardown(&f);
}

static void
test_round_trip(void **state)
{
	HmlWriter writers[2];
	HmlModel *models[2];
	Fixture f;

	(void) state;
	setup(&f);
	assert_ok(&f.ctx, train(&f, "{\"epochs\": 1}", NULL, &models[0]));
	hml_writer_init(&writers[0], &f.ctx);
	assert_ok(&f.ctx, hml_model_write(models[0], &writers[0]));
	assert_ok(&f.ctx, hml_model_read(&f.ctx, writers[0].data, writers[0].length, &models[1]));
	hml_writer_init(&writers[1], &f.ctx);
	assert_ok(&f.ctx, hml_model_write(models[1], &writers[1]));
	assert_int_equal(writers[0].length, writers[1].length);
	assert_memory_equal(writers[0].data, writers[1].data, writers[0].length);
	for (int i = 0; i < 2; i++)
	{
		hml_writer_free(&writers[i]);
		hml_model_free(models[i]);
	}
	teardown(&f);
}

static void
test_refused(void **state)
{
	HmlModel *model;
	Fixture f;

	(void) state;
	setup(&f);
	for (size_t i = 0; i < f.frame->n_rows; i++)
		hml_frame_values(f.frame, HML_ROLE_TARGET)[i] = 1;
	assert_status(&f.ctx, train(&f, "{}", NULL, &model), HML_INVALID_DATA);
	for (size_t i = 0; i < f.frame->n_rows; i++)
		hml_frame_values(f.frame, HML_ROLE_TARGET)[i] = (double) (i % 3);
	assert_status(&f.ctx, train(&f, "{}", NULL, &model), HML_INVALID_DATA);
	assert_message(&f.ctx, "3 classes instead of two");
	for (size_t i = 0; i < f.frame->n_rows * F; i++)
		f.frame->values[i] = NAN;
	for (size_t i = 0; i < f.frame->n_rows; i++)
		hml_frame_values(f.frame, HML_ROLE_TARGET)[i] = (double) (i % 2);
	assert_status(&f.ctx, train(&f, "{}", NULL, &model), HML_INVALID_DATA);
	assert_message(&f.ctx, "no heart is heard");
	teardown(&f);
}

/* ---- damage ---- */

static HmlHeartNetwork
network_with_expert(Fixture *f)
{
	HmlHeartTraining training = HML_HEART_TRAINING_DEFAULT;
	HmlHeartExamples examples = {.n = 200, .n_sites = 2};
	HmlHeartNetwork network;
	HmlRng rng;
	float *features;
	bool *abnormal;
	uint32_t *sites;

	hml_rng_seed(&rng, 2);
	assert_ok(&f->ctx, HML_ARENA_NEW(f->arena, &features, examples.n * F));
	assert_ok(&f->ctx, HML_ARENA_NEW(f->arena, &abnormal, examples.n));
	assert_ok(&f->ctx, HML_ARENA_NEW(f->arena, &sites, examples.n));
	for (size_t i = 0; i < examples.n; i++)
	{
		abnormal[i] = i % 4 < 2;
		sites[i] = i % 2;
		/* A level marks the ill in either site, so that the expert is kept. */
		for (size_t c = 0; c < F; c++)
			features[i * F + c] =
				(float) hml_rng_normal(&rng) + (c >= HML_HEART_CONTRASTS && abnormal[i] ? 2 : 0);
	}
	examples.features = features;
	examples.abnormal = abnormal;
	examples.sites = sites;
	training.epochs = 2;
	training.draws_per_epoch = 320;
	assert_ok(&f->ctx, hml_heart_network_train(f->arena, &examples, &training, &network));
	assert_true(network.clinics.n > 0);
	return network;
}

/* Whatever is accepted must be of use. */
static void
try_damaged(Fixture *f, const unsigned char *bytes, size_t length)
{
	static const float features[F] = {0};
	HmlHeartNetwork network;
	HmlArena *arena;
	HmlReader reader;
	HmlStatus status;
	double p;

	assert_ok(&f->ctx, hml_arena_create(&f->ctx, &arena));
	hml_reader_init(&reader, &f->ctx, bytes, length, "heart network");
	status = hml_heart_network_read(arena, &reader, &network);
	if (status == HML_OK && score_hearts(&f->ctx, &network, features, 1, &p) == HML_OK)
		assert_true(p >= 0 && p <= 1);
	hml_arena_free(arena);
}

static void
test_damage(void **state)
{
	static const unsigned char patterns[] = {0x00, 0x7f, 0x80, 0xff};
	HmlHeartNetwork network;
	HmlWriter writer;
	Fixture f;

	(void) state;
	setup(&f);
	network = network_with_expert(&f);
	hml_writer_init(&writer, &f.ctx);
	hml_heart_network_write(&network, &writer);
	assert_ok(&f.ctx, hml_writer_finish(&writer));
	for (size_t at = 0; at < writer.length; at += at < 512 ? 7 : 4999)
		for (size_t p = 0; p < sizeof(patterns); p++)
		{
			unsigned char kept = writer.data[at];

			writer.data[at] = patterns[p];
			try_damaged(&f, writer.data, writer.length);
			writer.data[at] = kept;
		}
	hml_writer_free(&writer);
	teardown(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),   cmocka_unit_test(test_learns_what_is_heard),
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests_name("heart_sound_algorithm", tests, NULL, NULL);
}
