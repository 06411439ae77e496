/*
 * bench_signal.c
 *	  Times of the signal floor without a server, and its features for recipes.
 *
 *	  bench_signal stages MODEL FILE...   recordings through the whole path, split by stage, to the probability by MODEL
 *	  bench_signal window MODEL           the same of a synthetic heart of 5 s, one window
 *	  bench_signal mel                    5 s at 4 kHz, n_fft 512, hop 128, 128 bands: the figure of librosa
 *	  bench_signal features FILE...       one CSV line of features per recording
 *
 * MODEL is an artifact of a heart_sound_cnn.  All but features print lines
 * 'name<TAB>figure' in microseconds, the least of several runs.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/heart/heart_modality.h"
#include "core/heart/heart_sound_algorithm.h"
#include "core/model/verdict.h"
#include "core/signal/audio/audio_reader.h"
#include "core/signal/dsp/resample.h"

#include "support.h"

#define MIN_SECONDS 0.3 /* of measuring one figure */
#define MIN_RUNS 20
#define WINDOW_S 5

typedef struct Work
{
	HmlContext *ctx;
	const unsigned char *bytes;
	size_t length;
	HmlAudio audio;
	HmlMel *mel;
	size_t n_mels;
	float *samples; /* (n_samples) that log-mel is made of */
	size_t n_samples;
	float *out;
	HmlModel *model;
	double values[HML_HEART_FEATURES];
	void *scratch;
} Work;

static const HmlAudioLimits limits = HML_AUDIO_LIMITS_DEFAULT;
static const HmlHeartSoundSpec heart_spec = HML_HEART_SOUND_SPEC_DEFAULT;

static void
run_decode(Work *work)
{
	HmlAudio audio;

	must(work->ctx, hml_audio_decode(work->ctx, work->bytes, work->length, &limits, &audio));
	hml_audio_free(work->ctx, &audio);
}

static void
run_resample(Work *work)
{
	float *out;
	size_t n_out;

	must(work->ctx, hml_resample(work->ctx, work->audio.samples, work->audio.n_samples,
								 work->audio.sample_rate, heart_spec.mel.sample_rate, &out, &n_out));
	hml_free(work->ctx, out);
}

static void
run_features(Work *work)
{
	const HmlSignal signal = hml_audio_signal(&work->audio);
	HmlArena *arena;
	HmlHeartSound sound;

	must(work->ctx, hml_arena_create(work->ctx, &arena));
	must(work->ctx, hml_heart_sound(arena, &heart_spec, &signal, &sound));
	hml_arena_free(arena);
}

static void
run_mel(Work *work)
{
	size_t cells = hml_mel_frames(work->mel, work->n_samples) * work->n_mels;

	must(work->ctx, hml_mel_spectrogram(work->ctx, work->mel, work->samples, work->n_samples, work->out));
	hml_power_to_db(work->out, cells, 1, 1e-10f, 80);
}

static void
run_model(Work *work)
{
	HmlSamples row = hml_sample_rows(work->values, 1);
	double p;

	must(work->ctx, hml_model_score(work->model, work->ctx, work->scratch, &row, &p));
}

static void
measure(const char *name, const char *stage, void (*run)(Work *work), Work *work)
{
	double best = INFINITY;
	double begin = bench_clock();

	for (int i = 0; i < MIN_RUNS || bench_clock() - begin < MIN_SECONDS; i++)
	{
		double start = bench_clock();

		run(work);
		best = fmin(best, bench_clock() - start);
	}
	say(name, stage, best * 1e6);
}

/* ---- stages ---------------------------------------------------------- */

static void
prepare_mel(HmlArena *arena, Work *work)
{
	must(work->ctx,
		 hml_resample(work->ctx, work->audio.samples, work->audio.n_samples, work->audio.sample_rate,
					  heart_spec.mel.sample_rate, &work->samples, &work->n_samples));
	must(work->ctx, hml_mel_create(arena, &heart_spec.mel, &work->mel));
	work->n_mels = (size_t) heart_spec.mel.n_mels;
	must(work->ctx,
		 HML_ARENA_NEW(arena, &work->out, hml_mel_frames(work->mel, work->n_samples) * work->n_mels));
}

static void
prepare_model(HmlArena *arena, HmlModel *model, Work *work)
{
	const HmlSignal signal = hml_audio_signal(&work->audio);
	HmlEncodedSignal encoding = {0};

	must(work->ctx, model->algorithm->encoder->encode(arena, model, &signal, &encoding));
	memcpy(work->values, encoding.values, sizeof(work->values));
	must(work->ctx, hml_arena_alloc(arena, 1, model->algorithm->scratch_size(model), &work->scratch));
	work->model = model;
}

static void
stages(HmlContext *ctx, HmlModel *model, const char *name, const unsigned char *bytes, size_t length)
{
	Work work = {.ctx = ctx, .bytes = bytes, .length = length};
	HmlArena *arena;

	must(ctx, hml_arena_create(ctx, &arena));
	must(ctx, hml_audio_decode(ctx, bytes, length, &limits, &work.audio));
	prepare_mel(arena, &work);
	prepare_model(arena, model, &work);
	measure(name, " decode", run_decode, &work);
	measure(name, " resample", run_resample, &work);
	measure(name, " log-mel", run_mel, &work);
	measure(name, " all features, resampling and log-mel included", run_features, &work);
	measure(name, " gate and networks", run_model, &work);
	hml_free(ctx, work.samples);
	hml_audio_free(ctx, &work.audio);
	hml_arena_free(arena);
}

static HmlModel *
read_model(HmlContext *ctx, const char *path)
{
	size_t length;
	unsigned char *bytes = bench_read_file(path, &length);
	HmlModel *model;

	must(ctx, hml_model_read(ctx, bytes, length, &model));
	free(bytes);
	if (model->algorithm != &hml_heart_sound_cnn)
	{
		fprintf(stderr, "bench_signal: %s is no heart_sound_cnn\n", path);
		exit(1);
	}
	return model;
}

static void
stages_of_files(HmlContext *ctx, const char *model_path, char **paths, int n)
{
	HmlModel *model = read_model(ctx, model_path);

	for (int i = 0; i < n; i++)
	{
		size_t length;
		unsigned char *bytes = bench_read_file(paths[i], &length);

		stages(ctx, model, bench_file_name(paths[i]), bytes, length);
		free(bytes);
	}
	hml_model_free(model);
}

static void
stages_of_window(HmlContext *ctx, const char *model_path)
{
	HmlSyntheticHeart heart = {WINDOW_S, 70, HML_MURMUR_SYSTOLIC, 0.01, 1};
	HmlModel *model = read_model(ctx, model_path);
	unsigned char *bytes;
	size_t length;

	must(ctx, hml_synthetic_heart_sound(ctx, &heart, &bytes, &length));
	stages(ctx, model, "window", bytes, length);
	hml_free(ctx, bytes);
	hml_model_free(model);
}

static void
mel(HmlContext *ctx)
{
	static float samples[20000];
	static float out[128 * 200];
	HmlMelSpec spec = {4000, 512, 128, 128, 0, 2000, HML_PAD_CONSTANT};
	Work work = {.ctx = ctx, .samples = samples, .n_samples = 20000, .n_mels = 128, .out = out};
	HmlArena *arena;

	for (int i = 0; i < 20000; i++)
		samples[i] = (float) sin(0.01 * i + 1e-6 * i * i);
	must(ctx, hml_arena_create(ctx, &arena));
	must(ctx, hml_mel_create(arena, &spec, &work.mel));
	measure("log-mel", " 5 s, n_fft 512, hop 128, 128 bands", run_mel, &work);
	hml_arena_free(arena);
}

/* path, weight, heart rate, beats, features; empty where there are no beats. */
static void
features(HmlContext *ctx, const char *path)
{
	size_t length;
	unsigned char *bytes = bench_read_file(path, &length);
	HmlArena *arena;
	HmlAudio audio;
	HmlSignal signal;
	HmlHeartSound sound;

	must(ctx, hml_arena_create(ctx, &arena));
	must(ctx, hml_audio_decode(ctx, bytes, length, &limits, &audio));
	signal = hml_audio_signal(&audio);
	must(ctx, hml_heart_sound(arena, &heart_spec, &signal, &sound));
	printf("%s,%.6g,%.6g,%zu", path, sound.weight, sound.heart_rate_bpm, sound.cycle.n_beats);
	for (size_t i = 0; i < HML_HEART_FEATURES; i++)
		if (sound.has_beats)
			printf(",%.7g", (double) sound.features[i]);
		else
			printf(",");
	printf("\n");
	hml_audio_free(ctx, &audio);
	hml_arena_free(arena);
	free(bytes);
}

static void
features_header(void)
{
	printf("path,weight,heart_rate_bpm,beats");
	for (size_t i = 0; i < HML_HEART_FEATURES; i++)
		printf(",%s", hml_heart_feature_names[i]);
	printf("\n");
}

int
main(int argc, char **argv)
{
	HmlContext ctx;
	const char *mode = argc > 1 ? argv[1] : "";

	bench_init(&ctx, "bench_signal");
	if (strcmp(mode, "mel") == 0)
		mel(&ctx);
	else if (strcmp(mode, "window") == 0 && argc == 3)
		stages_of_window(&ctx, argv[2]);
	else if (strcmp(mode, "stages") == 0 && argc > 2)
		stages_of_files(&ctx, argv[2], argv + 3, argc - 3);
	else if (strcmp(mode, "features") == 0)
	{
		features_header();
		for (int i = 2; i < argc; i++)
			features(&ctx, argv[i]);
	}
	else
	{
		fprintf(stderr, "usage: bench_signal mel | window MODEL | stages MODEL FILE... | features FILE...\n");
		return 2;
	}
	return 0;
}
