/*
 * bench_signal.c
 *	  Times of the signal floor without a server, and its features for recipes.
 *
 *	  bench_signal stages FILE...     a recording through the whole path, split by stage
 *	  bench_signal mel                5 s at 4 kHz, n_fft 512, hop 128, 128 bands: the figure of librosa
 *	  bench_signal features FILE...   one CSV line of features per recording
 *
 * stages and mel print lines 'name<TAB>figure' in microseconds, the least of
 * several runs.
 */
#define _POSIX_C_SOURCE 199309L /* clock_gettime */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/signal/heart_sound.h"
#include "core/signal/resample.h"

#define MIN_SECONDS 0.3 /* of measuring one figure */
#define MIN_RUNS 20

static void *
host_alloc(void *user, size_t size)
{
	(void) user;
	return malloc(size);
}

static void
host_free(void *user, void *pointer)
{
	(void) user;
	free(pointer);
}

static double
now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double) time.tv_sec + 1e-9 * (double) time.tv_nsec;
}

static void
must(const HmlContext *ctx, HmlStatus status)
{
	if (status == HML_OK)
		return;
	fprintf(stderr, "bench_signal: %s\n", ctx->message);
	exit(1);
}

typedef struct Work
{
	HmlContext *ctx;
	const unsigned char *bytes;
	size_t length;
	HmlAudio audio;
	HmlMel *mel;
	float *out;
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
	HmlArena *arena;
	HmlHeartSound sound;

	must(work->ctx, hml_arena_create(work->ctx, &arena));
	must(work->ctx, hml_heart_sound(arena, &heart_spec, &work->audio, &sound));
	hml_arena_free(arena);
}

static void
run_mel(Work *work)
{
	must(work->ctx,
		 hml_mel_spectrogram(work->ctx, work->mel, work->audio.samples, work->audio.n_samples, work->out));
	hml_power_to_db(work->out, hml_mel_frames(work->mel, work->audio.n_samples) * 128, 1, 1e-10f, 80);
}

static void
measure(const char *name, const char *stage, void (*run)(Work *work), Work *work)
{
	double best = INFINITY;
	double begin = now();

	for (int i = 0; i < MIN_RUNS || now() - begin < MIN_SECONDS; i++)
	{
		double start = now();

		run(work);
		best = fmin(best, now() - start);
	}
	printf("%s %s\t%.6g\n", name, stage, best * 1e6);
}

static unsigned char *
read_file(const char *path, size_t *length)
{
	FILE *file = fopen(path, "rb");
	unsigned char *bytes;
	long size;

	if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0)
	{
		perror(path);
		exit(1);
	}
	rewind(file);
	bytes = malloc((size_t) size + 1);
	if (bytes == NULL || fread(bytes, 1, (size_t) size, file) != (size_t) size)
	{
		fprintf(stderr, "bench_signal: could not read %s\n", path);
		exit(1);
	}
	fclose(file);
	*length = (size_t) size;
	return bytes;
}

static void
stages(HmlContext *ctx, const char *path)
{
	Work work = {.ctx = ctx};
	unsigned char *bytes = read_file(path, &work.length);
	const char *name = strrchr(path, '/') == NULL ? path : strrchr(path, '/') + 1;

	work.bytes = bytes;
	must(ctx, hml_audio_decode(ctx, bytes, work.length, &limits, &work.audio));
	measure(name, "decode", run_decode, &work);
	measure(name, "resample", run_resample, &work);
	measure(name, "all features, resampling included", run_features, &work);
	hml_audio_free(ctx, &work.audio);
	free(bytes);
}

static void
mel(HmlContext *ctx)
{
	static float samples[20000];
	static float out[128 * 200];
	HmlMelSpec spec = {4000, 512, 128, 128, 0, 2000, HML_PAD_CONSTANT};
	Work work = {.ctx = ctx, .audio = {.samples = samples, .n_samples = 20000}, .out = out};
	HmlArena *arena;

	for (int i = 0; i < 20000; i++)
		samples[i] = (float) sin(0.01 * i + 1e-6 * i * i);
	must(ctx, hml_arena_create(ctx, &arena));
	must(ctx, hml_mel_create(arena, &spec, &work.mel));
	measure("log-mel", "5 s, n_fft 512, hop 128, 128 bands", run_mel, &work);
	hml_arena_free(arena);
}

/* path, weight, heart rate, beats, features; empty where there are no beats. */
static void
features(HmlContext *ctx, const char *path)
{
	size_t length;
	unsigned char *bytes = read_file(path, &length);
	HmlArena *arena;
	HmlAudio audio;
	HmlHeartSound sound;

	must(ctx, hml_arena_create(ctx, &arena));
	must(ctx, hml_audio_decode(ctx, bytes, length, &limits, &audio));
	must(ctx, hml_heart_sound(arena, &heart_spec, &audio, &sound));
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
	HmlHost host = {host_alloc, host_free, NULL, NULL, NULL};
	HmlContext ctx;
	const char *mode = argc > 1 ? argv[1] : "";

	hml_context_init(&ctx, &host);
	if (strcmp(mode, "mel") == 0)
		mel(&ctx);
	else if (strcmp(mode, "stages") == 0)
		for (int i = 2; i < argc; i++)
			stages(&ctx, argv[i]);
	else if (strcmp(mode, "features") == 0)
	{
		features_header();
		for (int i = 2; i < argc; i++)
			features(&ctx, argv[i]);
	}
	else
	{
		fprintf(stderr, "usage: bench_signal mel | stages FILE... | features FILE...\n");
		return 2;
	}
	return 0;
}
