/*
 * test_heart_explain.c
 *	  Contributions on their way to moments and frequencies: nothing is lost, and what
 *	  stands out is found.
 */
#include "unit/support.h"
#include "unit/model_support.h"

#include "core/base/rng.h"
#include "core/heart/heart_explain.h"
#include "core/signal/audio/audio_reader.h"

#define N 200
#define F HML_HEART_FEATURES
#define TELLING 13 /* middle_systole_diastole_290hz */
#define SECONDS 12.0

static const HmlHeartSoundSpec spec = HML_HEART_SOUND_SPEC_DEFAULT;

/* A network that listens to one feature: about -6 in the normal, -3 in the abnormal. */
static void
train_network(HmlArena *arena, HmlHeartNetwork *out)
{
	static float features[N * F];
	static bool abnormal[N];
	static uint32_t sites[N];
	HmlHeartExamples examples = {
		.n = N, .features = features, .abnormal = abnormal, .sites = sites, .n_sites = 1};
	HmlHeartTraining training = HML_HEART_TRAINING_DEFAULT;
	HmlRng rng;

	hml_rng_seed(&rng, 7);
	for (size_t i = 0; i < N; i++)
	{
		abnormal[i] = i % 2;
		for (size_t f = 0; f < F; f++)
			features[i * F + f] = (float) hml_rng_normal(&rng);
		features[i * F + TELLING] += abnormal[i] ? -3 : -6;
	}
	training.expert = NULL;
	training.learning_rate = 0.02;
	training.epochs = 5;
	assert_ok(hml_arena_context(arena), hml_heart_network_train(arena, &examples, &training, out));
}

static HmlSignal
synthesize(HmlContext *ctx, HmlMurmur murmur)
{
	const HmlAudioLimits limits = HML_AUDIO_LIMITS_DEFAULT;
	HmlSyntheticHeart heart = {SECONDS, 60, murmur, 0.003, 1};
	unsigned char *bytes;
	size_t length;
	HmlAudio audio;

	assert_ok(ctx, hml_synthetic_heart_sound(ctx, &heart, &bytes, &length));
	assert_ok(ctx, hml_audio_decode(ctx, bytes, length, &limits, &audio));
	hml_free(ctx, bytes);
	return hml_audio_signal(&audio);
}

typedef struct Fixture
{
	TestHost host;
	HmlContext ctx;
	HmlArena *arena;
	HmlHeartNetwork network;
	HmlSignal audio;
	HmlHeartSound sound;
} Fixture;

/* A heart without a murmur, but for one from second 'from' to 'to'. */
static void
set_up(Fixture *fixture, double from, double to)
{
	HmlContext *ctx = &fixture->ctx;
	HmlSignal murmur;
	size_t first = (size_t) (from * HML_SYNTHETIC_RATE);
	size_t last = (size_t) (to * HML_SYNTHETIC_RATE);

	test_host_init(&fixture->host, ctx);
	assert_ok(ctx, hml_arena_create(ctx, &fixture->arena));
	train_network(fixture->arena, &fixture->network);
	fixture->audio = synthesize(ctx, HML_MURMUR_NONE);
	murmur = synthesize(ctx, HML_MURMUR_SYSTOLIC);
	memcpy(fixture->audio.samples + first, murmur.samples + first, (last - first) * sizeof(float));
	hml_signal_free(ctx, &murmur);
	assert_ok(ctx, hml_heart_sound(fixture->arena, &spec, &fixture->audio, &fixture->sound));
	assert_true(fixture->sound.has_beats);
}

static void
tear_down(Fixture *fixture)
{
	hml_signal_free(&fixture->ctx, &fixture->audio);
	hml_arena_free(fixture->arena);
	test_host_finish(&fixture->host, &fixture->ctx);
}

static double
sum_of_placed(const HmlHeartExplanation *explanation)
{
	double sum = 0;

	for (size_t f = 0; f < F; f++)
		if (hml_heart_feature_regions[f].plus.to_band > 0)
			sum += explanation->contributions[f];
	return sum;
}

static void
test_nothing_is_lost(void **state)
{
	Fixture fixture;
	HmlHeartExplanation explanation;
	double p;
	double logit;
	double sum = 0;

	(void) state;
	set_up(&fixture, 0, 0);
	assert_ok(&fixture.ctx,
			  hml_heart_explain(fixture.arena, &fixture.network, &fixture.sound, 100000, &explanation));

	assert_ok(&fixture.ctx, score_hearts(&fixture.ctx, &fixture.network, fixture.sound.features, 1, &p));
	logit = explanation.base;
	for (size_t f = 0; f < F; f++)
		logit += explanation.contributions[f];
	assert_close(logit, log(p / (1 - p)), 0.01);

	for (size_t i = 0; i < fixture.sound.n_mels * fixture.sound.n_frames; i++)
		sum += (double) explanation.saliency[i];
	assert_true(fabs(sum_of_placed(&explanation)) > 0.1);
	assert_close(sum, sum_of_placed(&explanation), 1e-4);

	sum = 0;
	for (size_t i = 0; i < explanation.n_moments; i++)
		sum += explanation.moments[i].contribution;
	assert_close(sum, sum_of_placed(&explanation), 1e-6);
	tear_down(&fixture);
}

/* Where no whole beat is, nothing is said. */
static void
test_saliency_lies_within_beats(void **state)
{
	Fixture fixture;
	const HmlHeartSound *sound = &fixture.sound;
	HmlHeartExplanation explanation;
	size_t first;
	size_t last;

	(void) state;
	set_up(&fixture, 0, 0);
	assert_ok(&fixture.ctx, hml_heart_explain(fixture.arena, &fixture.network, sound, 0, &explanation));
	first = sound->cycle.beats[0].bounds[0];
	last = sound->cycle.beats[sound->cycle.n_beats - 1].bounds[HML_HEART_PHASES];
	assert_in_range(last, first + 100, sound->n_frames);
	for (size_t i = 0; i < sound->n_mels * sound->n_frames; i++)
		if (i % sound->n_frames < first || i % sound->n_frames >= last)
			assert_true(explanation.saliency[i] == 0);
	assert_int_equal(explanation.n_moments, 0);
	tear_down(&fixture);
}

/* The one beat with a murmur is the most telling moment, in the systole and the bands of the feature. */
static void
test_the_murmur_is_found(void **state)
{
	Fixture fixture;
	HmlHeartExplanation explanation;
	const HmlHeartMoment *most;

	(void) state;
	set_up(&fixture, 6.0, 6.95);
	assert_ok(&fixture.ctx,
			  hml_heart_explain(fixture.arena, &fixture.network, &fixture.sound, 20, &explanation));
	assert_int_equal(explanation.strongest[0], TELLING);
	assert_true(explanation.contributions[TELLING] > 0);
	for (size_t i = 1; i < F; i++)
		assert_true(fabs(explanation.contributions[explanation.strongest[i - 1]]) >=
					fabs(explanation.contributions[explanation.strongest[i]]));

	assert_int_equal(explanation.n_moments, 20);
	most = &explanation.moments[0];
	assert_int_equal(most->phase, HML_HEART_SYSTOLE);
	assert_int_equal(most->feature, TELLING);
	assert_true(most->start_s > 6.0 && most->start_s < most->end_s && most->end_s < 7.0);
	assert_close(most->low_hz, hml_heart_band_hz(10), 1e-9);
	assert_close(most->high_hz, hml_heart_band_hz(16), 1e-9);
	assert_true(most->contribution > 1.5 * explanation.moments[1].contribution);
	for (size_t i = 1; i < 20; i++)
		assert_true(fabs(explanation.moments[i - 1].contribution) >=
					fabs(explanation.moments[i].contribution));
	tear_down(&fixture);
}

static void
test_windows(void **state)
{
	Fixture fixture;
	double *p;
	double whole;

	(void) state;
	set_up(&fixture, 0, 0);
	assert_ok(&fixture.ctx, HML_NEW(&fixture.ctx, &p, fixture.sound.n_windows));
	assert_ok(&fixture.ctx, hml_heart_score_windows(fixture.arena, &fixture.network, &fixture.sound, p));
	assert_ok(&fixture.ctx, score_hearts(&fixture.ctx, &fixture.network, fixture.sound.features, 1, &whole));
	assert_int_equal(fixture.sound.n_windows, 4);
	for (size_t w = 0; w < fixture.sound.n_windows; w++)
		assert_true(fabs(p[w] - whole) < 0.2);
	/* A window of a second and a half has one whole beat at most. */
	fixture.sound.windows[1].n_frames = 75;
	assert_ok(&fixture.ctx, hml_heart_score_windows(fixture.arena, &fixture.network, &fixture.sound, p));
	assert_true(isnan(p[1]));
	assert_false(isnan(p[2]));
	hml_free(&fixture.ctx, p);
	tear_down(&fixture);
}

static void
test_bands(void **state)
{
	(void) state;
	/* 40 bands from 20 to 900 Hz, where the scale is linear, are 880 / 41 Hz apart. */
	assert_close(hml_heart_band_hz(0), 20 + 440.0 / 41, 1e-9);
	assert_close(hml_heart_band_hz(40), 900 - 440.0 / 41, 1e-9);
}

static void
test_refuses_what_has_no_beats(void **state)
{
	Fixture fixture;
	HmlHeartExplanation explanation;

	(void) state;
	set_up(&fixture, 0, 0);
	fixture.sound.has_beats = false;
	assert_status(&fixture.ctx,
				  hml_heart_explain(fixture.arena, &fixture.network, &fixture.sound, 1, &explanation),
				  HML_INTERNAL);
	tear_down(&fixture);
}

/* ---- sweeps ---------------------------------------------------------- */

static HmlStatus
explain_all(HmlContext *ctx, void *argument)
{
	const Fixture *fixture = argument;
	HmlArena *arena;
	HmlHeartExplanation explanation;
	double p[4];
	HmlStatus status;

	HML_TRY(hml_arena_create(ctx, &arena));
	status = hml_heart_explain(arena, &fixture->network, &fixture->sound, 10, &explanation);
	if (status == HML_OK)
		status = hml_heart_score_windows(arena, &fixture->network, &fixture->sound, p);
	hml_arena_free(arena);
	return status;
}

static void
test_sweeps(void **state)
{
	Fixture fixture;

	(void) state;
	set_up(&fixture, 0, 0);
	test_allocation_sweep(explain_all, &fixture);
	test_cancellation_sweep(explain_all, &fixture);
	tear_down(&fixture);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_is_lost),
		cmocka_unit_test(test_saliency_lies_within_beats),
		cmocka_unit_test(test_the_murmur_is_found),
		cmocka_unit_test(test_windows),
		cmocka_unit_test(test_bands),
		cmocka_unit_test(test_refuses_what_has_no_beats),
		cmocka_unit_test(test_sweeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
