/*
 * test_heart_sound.c
 *	  From synthetic hearts, whose truth is known, to cycle, features and windows.
 */
#include "unit/support.h"

#include "core/base/rng.h"
#include "core/heart/heart_sound.h"
#include "core/signal/audio/audio_reader.h"

static const HmlAudioLimits limits = HML_AUDIO_LIMITS_DEFAULT;
static const HmlHeartSoundSpec default_spec = HML_HEART_SOUND_SPEC_DEFAULT;

static void
make_audio(HmlContext *ctx, double seconds, double bpm, HmlMurmur murmur, double noise, HmlSignal *signal)
{
	HmlSyntheticHeart heart = {seconds, bpm, murmur, noise, 7};
	unsigned char *bytes;
	size_t length;
	HmlAudio audio;

	assert_ok(ctx, hml_synthetic_heart_sound(ctx, &heart, &bytes, &length));
	assert_ok(ctx, hml_audio_decode(ctx, bytes, length, &limits, &audio));
	hml_free(ctx, bytes);
	*signal = hml_audio_signal(&audio);
}

static size_t
feature(const char *name)
{
	for (size_t i = 0; i < HML_HEART_FEATURES; i++)
		if (strcmp(hml_heart_feature_names[i], name) == 0)
			return i;
	fail_msg("no feature \"%s\"", name);
	return 0;
}

typedef struct Hearing
{
	TestHost host;
	HmlContext ctx;
	HmlArena *arena;
	HmlSignal audio;
	HmlHeartSound sound;
} Hearing;

static void
hear(Hearing *hearing, double seconds, double bpm, HmlMurmur murmur, double noise)
{
	test_host_init(&hearing->host, &hearing->ctx);
	make_audio(&hearing->ctx, seconds, bpm, murmur, noise, &hearing->audio);
	assert_ok(&hearing->ctx, hml_arena_create(&hearing->ctx, &hearing->arena));
	assert_ok(&hearing->ctx,
			  hml_heart_sound(hearing->arena, &default_spec, &hearing->audio, &hearing->sound));
}

static void
finish(Hearing *hearing)
{
	hml_signal_free(&hearing->ctx, &hearing->audio);
	hml_arena_free(hearing->arena);
	test_host_finish(&hearing->host, &hearing->ctx);
}

/* From newborns to slow hearts, within 2 beats a minute. */
static void
test_heart_rate(void **state)
{
	static const double rates[] = {25,  30,  33,  36,  45,  60,  72,  90,  110, 130, 150,
								   160, 165, 170, 180, 190, 200, 210, 220, 230, 240};

	(void) state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++)
		for (int murmur = HML_MURMUR_NONE; murmur <= HML_MURMUR_DIASTOLIC; murmur++)
		{
			Hearing hearing;

			hear(&hearing, 20, rates[i], (HmlMurmur) murmur, 0.01);
			if (!(fabs(hearing.sound.heart_rate_bpm - rates[i]) <= 2))
				fail_msg("%g beats a minute were taken for %g, murmur %d", rates[i],
						 hearing.sound.heart_rate_bpm, murmur);
			if (murmur == HML_MURMUR_NONE)
				assert_true(fabs((double) hearing.sound.cycle.n_beats - 20 * rates[i] / 60) <= 3);
			finish(&hearing);
		}
}

/* Beyond the search, or where two rates fit alike, there is neither a rate nor a judgement. */
static void
test_rate_undecided(void **state)
{
	Hearing hearing;

	(void) state;
	hear(&hearing, 12, 20, HML_MURMUR_NONE, 0.1);
	assert_true(isnan(hearing.sound.heart_rate_bpm));
	assert_false(hml_heart_sound_is_judgeable(&hearing.sound));
	finish(&hearing);
	hear(&hearing, 12, 70, HML_MURMUR_NONE, 0.01);
	assert_true(hml_heart_sound_is_judgeable(&hearing.sound));
	hearing.sound.cycle.ambiguous = true;
	assert_false(hml_heart_sound_is_judgeable(&hearing.sound));
	finish(&hearing);
}

/* Two seconds of zeros in front, three of them after the fifth second: beats lie in what has sound. */
static void
test_silence_has_no_beats(void **state)
{
	Hearing hearing;
	HmlSignal *audio = &hearing.audio;
	size_t rate = HML_SYNTHETIC_RATE;

	(void) state;
	hear(&hearing, 15, 70, HML_MURMUR_NONE, 0.01);
	memset(audio->samples, 0, 2 * rate * sizeof(float));
	memset(audio->samples + 7 * rate, 0, 3 * rate * sizeof(float));
	assert_ok(&hearing.ctx, hml_heart_sound(hearing.arena, &default_spec, audio, &hearing.sound));
	assert_int_equal(hearing.sound.n_stretches, 2);
	assert_close(hearing.sound.sounding_share, 10.0 / 15, 0.03);
	assert_close((double) hearing.sound.stretches[1].first / hearing.sound.frames_per_s, 10, 0.15);
	assert_close(hearing.sound.heart_rate_bpm, 70, 2);
	assert_in_range(hearing.sound.cycle.n_beats, 8, 12);
	for (size_t b = 0; b < hearing.sound.cycle.n_beats; b++)
	{
		const uint32_t *bounds = hearing.sound.cycle.beats[b].bounds;
		bool first = bounds[0] >= hearing.sound.stretches[0].first &&
					 bounds[HML_HEART_PHASES] <= hearing.sound.stretches[0].last;
		bool second = bounds[0] >= hearing.sound.stretches[1].first &&
					  bounds[HML_HEART_PHASES] <= hearing.sound.stretches[1].last;

		assert_true(first || second);
	}
	assert_true(hml_heart_sound_is_judgeable(&hearing.sound));
	finish(&hearing);
}

/* The silence between the sounds of a slow heart is the heart's own. */
static void
test_slow_hearts_are_not_silent(void **state)
{
	static const double noises[] = {0, 0.001, 0.01};

	(void) state;
	for (size_t i = 0; i < 3; i++)
	{
		Hearing hearing;

		hear(&hearing, 20, 30, HML_MURMUR_NONE, noises[i]);
		assert_int_equal(hearing.sound.n_stretches, 1);
		assert_true(hearing.sound.sounding_share > 0.9);
		finish(&hearing);
	}
}

static void
test_mostly_silent(void **state)
{
	Hearing hearing;

	(void) state;
	hear(&hearing, 12, 70, HML_MURMUR_NONE, 0.01);
	memset(hearing.audio.samples, 0, 10 * HML_SYNTHETIC_RATE * sizeof(float));
	assert_ok(&hearing.ctx, hml_heart_sound(hearing.arena, &default_spec, &hearing.audio, &hearing.sound));
	assert_false(hearing.sound.has_beats);
	assert_false(hearing.sound.silent);
	assert_true(hearing.sound.sounding_share < 0.5);
	finish(&hearing);
}

/* The generator's first beat is at a tenth of a period, its systole 0.2 s + 0.12 periods. */
static void
test_phases(void **state)
{
	Hearing hearing;
	double period = 1;

	(void) state;
	hear(&hearing, 10, 60, HML_MURMUR_NONE, 0.005);
	assert_true(hearing.sound.cycle.n_beats >= 8);
	for (size_t b = 0; b < hearing.sound.cycle.n_beats; b++)
	{
		const uint32_t *bounds = hearing.sound.cycle.beats[b].bounds;
		double first = bounds[HML_HEART_S1] / hearing.sound.frames_per_s;
		double second = bounds[HML_HEART_S2] / hearing.sound.frames_per_s;

		assert_true(fabs(second - first - 0.32 * period) < 0.05);
		for (size_t phase = 0; phase < HML_HEART_PHASES; phase++)
			assert_true(bounds[phase] < bounds[phase + 1]);
		if (b > 0)
			assert_int_equal(bounds[0], hearing.sound.cycle.beats[b - 1].bounds[HML_HEART_PHASES]);
	}
	finish(&hearing);
}

static void
features_of(HmlMurmur murmur, float *features)
{
	Hearing hearing;

	hear(&hearing, 20, 70, murmur, 0.005);
	assert_true(hearing.sound.has_beats);
	memcpy(features, hearing.sound.features, sizeof(hearing.sound.features));
	finish(&hearing);
}

static void
test_murmurs_are_heard_in_their_phase(void **state)
{
	float healthy[HML_HEART_FEATURES];
	float systolic[HML_HEART_FEATURES];
	float diastolic[HML_HEART_FEATURES];
	size_t middle = feature("middle_systole_diastole_290hz");
	size_t second = feature("s2_systole_290hz");
	size_t early = feature("early_late_diastole_290hz");

	(void) state;
	features_of(HML_MURMUR_NONE, healthy);
	features_of(HML_MURMUR_SYSTOLIC, systolic);
	features_of(HML_MURMUR_DIASTOLIC, diastolic);
	assert_true(systolic[middle] > healthy[middle] + 0.5f);
	assert_true(diastolic[early] > healthy[early] + 0.5f);
	assert_true(systolic[second] < healthy[second] - 0.5f);
}

static void
compare_features(const HmlSignal *audio, const float *expected, double contrasts, double levels)
{
	TestHost host;
	HmlContext ctx;
	HmlArena *arena;
	HmlHeartSound sound;

	test_host_init(&host, &ctx);
	assert_ok(&ctx, hml_arena_create(&ctx, &arena));
	assert_ok(&ctx, hml_heart_sound(arena, &default_spec, audio, &sound));
	assert_true(sound.has_beats);
	for (size_t i = 0; i < HML_HEART_FEATURES; i++)
		if (!(fabs(sound.features[i] - expected[i]) <= (i < HML_HEART_CONTRASTS ? contrasts : levels)))
			fail_msg("%s is %g, not %g", hml_heart_feature_names[i], (double) sound.features[i],
					 (double) expected[i]);
	hml_arena_free(arena);
	test_host_finish(&host, &ctx);
}

/* Neither the gain nor an offset matters, and a single knock hardly: to contrasts less than to levels in dB. */
static void
test_what_does_not_matter(void **state)
{
	Hearing hearing;
	float *samples;

	(void) state;
	hear(&hearing, 10, 72, HML_MURMUR_SYSTOLIC, 0.01);
	samples = hearing.audio.samples;
	for (size_t i = 0; i < hearing.audio.n_samples; i++)
		samples[i] = 0.01f * samples[i] + 0.3f;
	compare_features(&hearing.audio, hearing.sound.features, 0.02, 0.02);
	samples[12345] = 1;
	compare_features(&hearing.audio, hearing.sound.features, 0.2, 4);
	finish(&hearing);
}

static void
test_windows(void **state)
{
	static const struct
	{
		double seconds;
		size_t windows;
	} cases[] = {{0.1, 1}, {4.9, 1}, {5, 1}, {5.1, 2}, {7.5, 2}, {7.6, 3}, {30, 11}};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		Hearing hearing;
		const HmlHeartWindow *last;

		hear(&hearing, cases[i].seconds, 70, HML_MURMUR_NONE, 0.001);
		assert_int_equal(hearing.sound.n_windows, cases[i].windows);
		last = &hearing.sound.windows[cases[i].windows - 1];
		assert_int_equal(hearing.sound.windows[0].first_frame, 0);
		assert_true(last->first_frame + last->n_frames <= hearing.sound.n_frames);
		assert_true(last->first_frame + last->n_frames + 2 >= hearing.sound.n_frames);
		finish(&hearing);
	}
}

static void
test_weights(void **state)
{
	Hearing hearing;

	(void) state;
	hear(&hearing, 10, 70, HML_MURMUR_NONE, 0.002);
	assert_true(hearing.sound.weight > 0.99);
	finish(&hearing);
	hear(&hearing, 10, 70, HML_MURMUR_NONE, 1);
	assert_true(hearing.sound.weight < 0.1);
	assert_true(isnan(hearing.sound.heart_rate_bpm));
	finish(&hearing);
}

/* A window of the whole recording has its features; one of nothing has none. */
static void
test_features_of_windows(void **state)
{
	Hearing hearing;
	HmlHeartWindow whole = {0};
	HmlHeartWindow nothing = {.first_frame = 10, .n_frames = 20};
	float features[HML_HEART_FEATURES];
	bool has_beats;

	(void) state;
	hear(&hearing, 20, 70, HML_MURMUR_SYSTOLIC, 0.01);
	whole.n_frames = hearing.sound.n_frames;
	assert_ok(&hearing.ctx,
			  hml_heart_window_features(hearing.arena, &hearing.sound, &whole, features, &has_beats));
	assert_true(has_beats);
	assert_memory_equal(features, hearing.sound.features, sizeof(features));
	assert_ok(&hearing.ctx,
			  hml_heart_window_features(hearing.arena, &hearing.sound, &nothing, features, &has_beats));
	assert_false(has_beats);
	for (size_t w = 0; w < hearing.sound.n_windows; w++)
	{
		assert_true(hml_heart_window_is_judgeable(&hearing.sound, &hearing.sound.windows[w]));
		assert_ok(&hearing.ctx, hml_heart_window_features(hearing.arena, &hearing.sound,
														  &hearing.sound.windows[w], features, &has_beats));
		assert_true(has_beats);
		assert_true(features[feature("middle_systole_diastole_290hz")] > 0);
		assert_close(features[feature("rhythm")], hearing.sound.cycle.rhythm, 1e-6);
	}
	finish(&hearing);
}

static void
test_judgeable(void **state)
{
	Hearing hearing;

	(void) state;
	for (int murmur = HML_MURMUR_NONE; murmur <= HML_MURMUR_DIASTOLIC; murmur++)
	{
		hear(&hearing, 10, 75, (HmlMurmur) murmur, 0.01);
		assert_true(hml_heart_sound_is_judgeable(&hearing.sound));
		hearing.sound.windows[0].weight = 0.1;
		assert_false(hml_heart_window_is_judgeable(&hearing.sound, &hearing.sound.windows[0]));
		finish(&hearing);
		/* Even noise has no weight, but through it the beats are heard. */
		hear(&hearing, 10, 75, (HmlMurmur) murmur, 0.1);
		assert_true(hearing.sound.weight < HML_HEART_LEAST_WEIGHT);
		assert_true(hml_heart_sound_is_judgeable(&hearing.sound));
		assert_true(hml_heart_window_is_judgeable(&hearing.sound, &hearing.sound.windows[0]));
		finish(&hearing);
	}
	hear(&hearing, 10, 75, HML_MURMUR_NONE, 1);
	assert_false(hml_heart_sound_is_judgeable(&hearing.sound));
	finish(&hearing);
	hear(&hearing, 1, 75, HML_MURMUR_NONE, 0.01);
	assert_false(hml_heart_sound_is_judgeable(&hearing.sound));
	finish(&hearing);
}

/* Ten times too loud is still a heart; a thousand times, through another sample rate, is nothing but clipping. */
static void
test_clipping(void **state)
{
	static const HmlHeartSoundSpec spec = HML_HEART_SOUND_SPEC_DEFAULT;
	Hearing hearing;

	(void) state;
	for (float gain = 10; gain <= 1000; gain *= 100)
	{
		hear(&hearing, 10, 75, HML_MURMUR_NONE, 0.01);
		for (size_t i = 0; i < hearing.audio.n_samples; i++)
			hearing.audio.samples[i] = fmaxf(-1, fminf(1, gain * hearing.audio.samples[i]));
		hearing.audio.sample_rate = 3900;
		assert_ok(&hearing.ctx, hml_heart_sound(hearing.arena, &spec, &hearing.audio, &hearing.sound));
		assert_int_equal(hearing.sound.clipped_share > HML_HEART_MOST_CLIPPED, gain > 100);
		assert_int_equal(hml_heart_sound_is_judgeable(&hearing.sound), gain < 100);
		finish(&hearing);
	}
}

/* Every name is there once, and every region lies in the beat. */
static void
test_table_of_features(void **state)
{
	(void) state;
	for (size_t i = 0; i < HML_HEART_FEATURES; i++)
	{
		const HmlHeartRegions *regions = &hml_heart_feature_regions[i];
		const HmlHeartRegion both[2] = {regions->plus, regions->minus};

		assert_int_equal(feature(hml_heart_feature_names[i]), i);
		for (int r = 0; r < 2; r++)
		{
			assert_true(both[r].to_band <= HML_HEART_BANDS && both[r].to_bin <= HML_BEAT_BINS);
			assert_true((both[r].from_band < both[r].to_band) == (both[r].from_bin < both[r].to_bin));
		}
	}
	assert_int_equal(hml_heart_feature_regions[feature("level_diastole_6_845hz")].plus.to_band, 40);
	assert_int_equal(hml_heart_feature_regions[feature("range_s2_460hz")].plus.from_bin, 14);
	assert_int_equal(hml_heart_feature_regions[feature("s1_duration")].plus.to_bin, 0);
	assert_int_equal(hml_heart_feature_regions[feature("s2_systole_290hz")].minus.from_bin, 5);
}

/* Whatever comes in, what comes out is finite and honest. */
static void
check_extreme(float *samples, size_t n, int sample_rate, bool silent)
{
	HmlSignal audio = {.n_channels = 1, .samples = samples, .n_samples = n, .sample_rate = sample_rate};
	TestHost host;
	HmlContext ctx;

	test_host_init(&host, &ctx);
	for (int band_pass = 0; band_pass < 2; band_pass++)
	{
		HmlHeartSoundSpec spec = default_spec;
		HmlArena *arena;
		HmlHeartSound sound;

		spec.band_pass = band_pass;
		assert_ok(&ctx, hml_arena_create(&ctx, &arena));
		assert_ok(&ctx, hml_heart_sound(arena, &spec, &audio, &sound));
		assert_int_equal(sound.silent, silent);
		if (silent)
			assert_close(sound.weight, 0, 0);
		for (size_t i = 0; i < sound.n_mels * sound.n_frames; i++)
			assert_true(isfinite(sound.log_mel[i]));
		for (size_t i = 0; sound.has_beats && i < HML_HEART_FEATURES; i++)
			assert_true(isfinite(sound.features[i]));
		hml_arena_free(arena);
	}
	test_host_finish(&host, &ctx);
}

static void
test_extremes(void **state)
{
	static float samples[20000];
	HmlRng rng;

	(void) state;
	memset(samples, 0, sizeof(samples));
	check_extreme(samples, 20000, 4000, true);
	for (size_t i = 0; i < 20000; i++)
		samples[i] = 0.7f;
	check_extreme(samples, 20000, 4000, true);
	for (size_t i = 0; i < 20000; i++)
		samples[i] = i / 40 % 2 ? 1 : -1;
	check_extreme(samples, 20000, 4000, false);
	hml_rng_seed(&rng, 1);
	for (size_t i = 0; i < 20000; i++)
		samples[i] = 1e6f * (float) hml_rng_normal(&rng);
	check_extreme(samples, 20000, 2000, false);
	check_extreme(samples, 1, 4000, true);
	check_extreme(samples, 400, 4000, false);
	check_extreme(samples, 3000, 500, false);
}

static void
test_bad_specs(void **state)
{
	float samples[4000] = {0};
	HmlSignal audio = {.n_channels = 1, .samples = samples, .n_samples = 4000, .sample_rate = 4000};
	HmlHeartSoundSpec specs[6];
	TestHost host;
	HmlContext ctx;
	HmlHeartSound sound;

	(void) state;
	for (size_t i = 0; i < 6; i++)
		specs[i] = default_spec;
	specs[0].window_s = NAN;
	specs[1].window_hop_s = 0;
	specs[2].window_hop_s = 6;
	specs[3].mel.n_mels = 10;
	specs[4].mel.fmax = 3000;
	specs[5].band_pass = true;
	specs[5].high = 2000;
	test_host_init(&host, &ctx);
	for (size_t i = 0; i < 6; i++)
	{
		HmlArena *arena;

		assert_ok(&ctx, hml_arena_create(&ctx, &arena));
		assert_status(&ctx, hml_heart_sound(arena, &specs[i], &audio, &sound), HML_INVALID_ARGUMENT);
		hml_arena_free(arena);
	}
	test_host_finish(&host, &ctx);
}

static void
test_synthetic_is_reproducible(void **state)
{
	HmlSyntheticHeart heart = {2, 80, HML_MURMUR_DIASTOLIC, 0.02, 11};
	TestHost host;
	HmlContext ctx;
	unsigned char *one;
	unsigned char *two;
	size_t n_one;
	size_t n_two;

	(void) state;
	test_host_init(&host, &ctx);
	assert_ok(&ctx, hml_synthetic_heart_sound(&ctx, &heart, &one, &n_one));
	assert_ok(&ctx, hml_synthetic_heart_sound(&ctx, &heart, &two, &n_two));
	assert_int_equal(n_one, 44 + 2 * 2 * HML_SYNTHETIC_RATE);
	assert_int_equal(n_one, n_two);
	assert_memory_equal(one, two, n_one);
	hml_free(&ctx, two);
	heart.seed = 12;
	assert_ok(&ctx, hml_synthetic_heart_sound(&ctx, &heart, &two, &n_two));
	assert_true(memcmp(one, two, n_one) != 0);
	hml_free(&ctx, two);
	hml_free(&ctx, one);
	test_host_finish(&host, &ctx);
}

static void
test_synthetic_limits(void **state)
{
	static const HmlSyntheticHeart hearts[] = {
		{0.05, 70, HML_MURMUR_NONE, 0, 1}, {601, 70, HML_MURMUR_NONE, 0, 1},
		{NAN, 70, HML_MURMUR_NONE, 0, 1},  {5, 19, HML_MURMUR_NONE, 0, 1},
		{5, 301, HML_MURMUR_NONE, 0, 1},   {5, 70, HML_MURMUR_NONE, -0.1, 1},
		{5, 70, HML_MURMUR_NONE, NAN, 1},
	};
	TestHost host;
	HmlContext ctx;
	unsigned char *bytes;
	size_t length;

	(void) state;
	test_host_init(&host, &ctx);
	for (size_t i = 0; i < sizeof(hearts) / sizeof(hearts[0]); i++)
		assert_status(&ctx, hml_synthetic_heart_sound(&ctx, &hearts[i], &bytes, &length),
					  HML_INVALID_ARGUMENT);
	test_host_finish(&host, &ctx);
}

static HmlStatus
make_and_hear(HmlContext *ctx, void *argument)
{
	HmlSyntheticHeart heart = {4, 75, HML_MURMUR_SYSTOLIC, 0.01, 3};
	HmlHeartSoundSpec spec = default_spec;
	HmlArena *arena = NULL;
	HmlHeartSound sound;
	HmlAudio audio = {0};
	HmlSignal signal;
	unsigned char *bytes;
	size_t length;
	HmlStatus status;

	(void) argument;
	spec.band_pass = true;
	HML_TRY(hml_synthetic_heart_sound(ctx, &heart, &bytes, &length));
	status = hml_audio_decode(ctx, bytes, length, &limits, &audio);
	if (status == HML_OK)
		status = hml_arena_create(ctx, &arena);
	signal = hml_audio_signal(&audio);
	if (status == HML_OK)
		status = hml_heart_sound(arena, &spec, &signal, &sound);
	hml_arena_free(arena);
	hml_audio_free(ctx, &audio);
	hml_free(ctx, bytes);
	return status;
}

static void
test_failures(void **state)
{
	(void) state;
	test_cancellation_sweep(make_and_hear, NULL);
	test_allocation_sweep(make_and_hear, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_heart_rate),
		cmocka_unit_test(test_rate_undecided),
		cmocka_unit_test(test_silence_has_no_beats),
		cmocka_unit_test(test_slow_hearts_are_not_silent),
		cmocka_unit_test(test_mostly_silent),
		cmocka_unit_test(test_phases),
		cmocka_unit_test(test_murmurs_are_heard_in_their_phase),
		cmocka_unit_test(test_what_does_not_matter),
		cmocka_unit_test(test_windows),
		cmocka_unit_test(test_weights),
		cmocka_unit_test(test_features_of_windows),
		cmocka_unit_test(test_judgeable),
		cmocka_unit_test(test_clipping),
		cmocka_unit_test(test_table_of_features),
		cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_bad_specs),
		cmocka_unit_test(test_synthetic_is_reproducible),
		cmocka_unit_test(test_synthetic_limits),
		cmocka_unit_test(test_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
