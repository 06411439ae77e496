/*
 * heart_sound_recipe.c
 *	  How good the heart-sound model is, and the model that is shipped.
 *
 *	  heart_sound_recipe FOLDER           grouped cross-validation, and one database left out
 *	  heart_sound_recipe FOLDER MODEL     train on all recordings, write the artifact to MODEL
 *
 * FOLDER holds manifest.csv and the recordings of the PhysioNet/CinC Challenge
 * 2016 that it names.  Judging prints one line per table and database: recordings,
 * sensitivity, specificity, their mean, area under the ROC curve.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/model/split.h"
#include "core/signal/heart_sound.h"
#include "core/signal/heart_sound_algorithm.h"
#include "core/signal/heart_sound_cnn.h"
#include "core/stats/metrics.h"

#define MAX_RECORDINGS 10000
#define MAX_SITES 16
#define MAX_GROUPS MAX_RECORDINGS
#define FOLDS 5
#define FOLD_SEED 1
#define TEXT 256

typedef struct Recordings
{
	size_t n;
	float features[MAX_RECORDINGS * HML_HEART_FEATURES];
	bool abnormal[MAX_RECORDINGS];
	bool noisy[MAX_RECORDINGS];
	uint32_t sites[MAX_RECORDINGS];
	uint32_t groups[MAX_RECORDINGS];
	char site_names[MAX_SITES][TEXT];
	uint32_t n_sites;
	char group_names[MAX_GROUPS][TEXT];
	uint32_t n_groups;
	double p[MAX_RECORDINGS]; /* by a model that has not seen the recording */
} Recordings;

static Recordings all;

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

static void
must(const HmlContext *ctx, HmlStatus status)
{
	if (status == HML_OK)
		return;
	fprintf(stderr, "heart_sound_recipe: %s\n", ctx->message);
	exit(1);
}

static void
give_up(const char *what, const char *about)
{
	fprintf(stderr, "heart_sound_recipe: %s %s\n", what, about);
	exit(1);
}

/* ---- the recordings -------------------------------------------------- */

static uint32_t
number_of(char (*names)[TEXT], uint32_t *count, uint32_t most, const char *name)
{
	for (uint32_t i = 0; i < *count; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	if (*count == most)
		give_up("too many names:", name);
	snprintf(names[*count], TEXT, "%s", name);
	return (*count)++;
}

static void
hear(HmlContext *ctx, const char *path, float *features)
{
	static const HmlAudioLimits limits = HML_AUDIO_LIMITS_DEFAULT;
	static const HmlHeartSoundSpec spec = HML_HEART_SOUND_SPEC_DEFAULT;
	static unsigned char bytes[16 * 1024 * 1024];
	FILE *file = fopen(path, "rb");
	HmlArena *arena;
	HmlAudio audio;
	HmlHeartSound sound;
	size_t length;

	if (file == NULL)
		give_up("cannot open", path);
	length = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	must(ctx, hml_arena_create(ctx, &arena));
	must(ctx, hml_audio_decode(ctx, bytes, length, &limits, &audio));
	must(ctx, hml_heart_sound(arena, &spec, &audio, &sound));
	if (!sound.has_beats)
		give_up("no heart beats in", path);
	memcpy(features, sound.features, sizeof(sound.features));
	hml_audio_free(ctx, &audio);
	hml_arena_free(arena);
}

/* Splits a line in place; empty cells count. */
static size_t
split_line(char *line, char **cells, size_t most)
{
	size_t n = 0;

	line[strcspn(line, "\r\n")] = '\0';
	for (char *cell = line; cell != NULL && n < most; n++)
	{
		char *comma = strchr(cell, ',');

		if (comma != NULL)
			*comma++ = '\0';
		cells[n] = cell;
		cell = comma;
	}
	return n;
}

static size_t
column(char **names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	give_up("manifest has no column", name);
	return 0;
}

static void
read_recordings(HmlContext *ctx, const char *folder)
{
	static char header[4096];
	static char line[4096];
	char path[4096];
	char *names[32];
	char *cells[32];
	size_t n_names;
	FILE *manifest;

	snprintf(path, sizeof(path), "%s/manifest.csv", folder);
	manifest = fopen(path, "r");
	if (manifest == NULL || fgets(header, sizeof(header), manifest) == NULL)
		give_up("cannot read", path);
	n_names = split_line(header, names, 32);
	while (fgets(line, sizeof(line), manifest) != NULL)
	{
		size_t i = all.n++;

		if (i == MAX_RECORDINGS || split_line(line, cells, 32) != n_names)
			give_up("cannot use the lines of", path);
		all.abnormal[i] = strcmp(cells[column(names, n_names, "label")], "1") == 0;
		all.noisy[i] = strcmp(cells[column(names, n_names, "quality_ok")], "0") == 0;
		all.sites[i] =
			number_of(all.site_names, &all.n_sites, MAX_SITES, cells[column(names, n_names, "database")]);
		all.groups[i] =
			number_of(all.group_names, &all.n_groups, MAX_GROUPS, cells[column(names, n_names, "group_id")]);
		snprintf(path, sizeof(path), "%s/%s", folder, cells[column(names, n_names, "path")]);
		hear(ctx, path, all.features + i * HML_HEART_FEATURES);
	}
	fclose(manifest);
}

/* ---- splits ---------------------------------------------------------- */

/* Train on the recordings whose part is not 'part', score the others. */
static void
train_and_score(HmlContext *ctx, const uint32_t *parts, uint32_t part)
{
	static float features[MAX_RECORDINGS * HML_HEART_FEATURES];
	static bool abnormal[MAX_RECORDINGS];
	static uint32_t sites[MAX_RECORDINGS];
	static uint32_t groups[MAX_RECORDINGS];
	HmlHeartExamples examples = {.features = features,
								 .abnormal = abnormal,
								 .sites = sites,
								 .n_sites = all.n_sites,
								 .groups = groups,
								 .n_groups = all.n_groups};
	HmlHeartTraining training = HML_HEART_TRAINING_DEFAULT;
	HmlHeartNetwork network;
	HmlArena *arena;

	for (size_t i = 0; i < all.n; i++)
		if (parts[i] != part)
		{
			memcpy(features + examples.n * HML_HEART_FEATURES, all.features + i * HML_HEART_FEATURES,
				   HML_HEART_FEATURES * sizeof(float));
			abnormal[examples.n] = all.abnormal[i];
			groups[examples.n] = all.groups[i];
			sites[examples.n++] = all.sites[i];
		}
	must(ctx, hml_arena_create(ctx, &arena));
	must(ctx, hml_heart_network_train(arena, &examples, &training, &network));
	for (size_t i = 0; i < all.n; i++)
		if (parts[i] == part)
		{
			double p;

			must(ctx, hml_heart_network_score(ctx, &network, all.features + i * HML_HEART_FEATURES, 1, &p));
			all.p[i] = p;
		}
	hml_arena_free(arena);
}

static void
judge(HmlContext *ctx, const char *table, const char *name, const bool *chosen)
{
	static double scores[MAX_RECORDINGS];
	static bool labels[MAX_RECORDINGS];
	HmlConfusion confusion;
	HmlClassificationMetrics metrics;
	double auc;
	size_t n = 0;

	for (size_t i = 0; i < all.n; i++)
		if (chosen[i])
		{
			scores[n] = all.p[i];
			labels[n++] = all.abnormal[i];
		}
	confusion = hml_confusion_at(scores, labels, n, 0.5);
	metrics = hml_classification_metrics(&confusion);
	must(ctx, hml_roc_auc(ctx, scores, labels, n, &auc));
	printf("%-22s %-12s %5zu  %.3f  %.3f  %.3f  %.3f\n", table, name, n, metrics.recall, metrics.specificity,
		   (metrics.recall + metrics.specificity) / 2, auc);
}

static void
judge_all(HmlContext *ctx, const char *table)
{
	static bool chosen[MAX_RECORDINGS];

	for (uint32_t site = 0; site < all.n_sites; site++)
	{
		for (size_t i = 0; i < all.n; i++)
			chosen[i] = all.sites[i] == site;
		judge(ctx, table, all.site_names[site], chosen);
	}
	for (int noisy = 0; noisy < 2; noisy++)
	{
		for (size_t i = 0; i < all.n; i++)
			chosen[i] = all.noisy[i] == noisy;
		judge(ctx, table, noisy ? "noisy" : "not noisy", chosen);
	}
	for (size_t i = 0; i < all.n; i++)
		chosen[i] = true;
	judge(ctx, table, "all", chosen);
}

static void
cross_validate(HmlContext *ctx)
{
	static uint32_t folds[MAX_RECORDINGS];
	static uint32_t strata[MAX_RECORDINGS];
	HmlSplit split = {all.n, FOLDS, strata, 2 * all.n_sites, all.groups, all.n_groups, FOLD_SEED};

	for (size_t i = 0; i < all.n; i++)
		strata[i] = 2 * all.sites[i] + all.abnormal[i];
	must(ctx, hml_split(ctx, &split, folds));
	for (uint32_t fold = 0; fold < FOLDS; fold++)
		train_and_score(ctx, folds, fold);
	judge_all(ctx, "grouped 5-fold");
}

static void
leave_one_out(HmlContext *ctx)
{
	for (uint32_t site = 0; site < all.n_sites; site++)
		train_and_score(ctx, all.sites, site);
	judge_all(ctx, "one database left out");
}

/* ---- the shipped model ----------------------------------------------- */

/* What healthml.train() would be given of a table with the manifest's columns and the recordings. */
static void
make_frame(HmlContext *ctx, HmlFrame **out)
{
	static const unsigned roles = HML_ROLE_TARGET | HML_ROLE_GROUP | HML_ROLE_SITE;
	HmlFrame *frame;

	must(ctx, hml_frame_create(ctx, HML_HEART_FEATURES, roles, 0, SIZE_MAX, 0, &frame));
	for (size_t f = 0; f < HML_HEART_FEATURES; f++)
		must(ctx, hml_frame_set_column(frame, f, hml_heart_feature_names[f], HML_COLUMN_NUMERIC));
	must(ctx, hml_frame_set_column(frame, HML_HEART_FEATURES, "abnormal", HML_COLUMN_NUMERIC));
	must(ctx, hml_frame_set_column(frame, HML_HEART_FEATURES + 1, "group_id", HML_COLUMN_CATEGORY));
	must(ctx, hml_frame_set_column(frame, HML_HEART_FEATURES + 2, "database", HML_COLUMN_CATEGORY));
	for (size_t i = 0; i < all.n; i++)
	{
		const char *group = all.group_names[all.groups[i]];
		const char *site = all.site_names[all.sites[i]];
		double values[HML_HEART_FEATURES];
		double group_code;
		double site_code;

		for (size_t f = 0; f < HML_HEART_FEATURES; f++)
			values[f] = all.features[i * HML_HEART_FEATURES + f];
		must(ctx, hml_frame_category(frame, HML_HEART_FEATURES + 1, group, strlen(group), &group_code));
		must(ctx, hml_frame_category(frame, HML_HEART_FEATURES + 2, site, strlen(site), &site_code));
		must(ctx, hml_frame_add(frame, values, all.abnormal[i], group_code, site_code));
	}
	*out = frame;
}

static void
write_file(const char *path, const void *bytes, size_t length)
{
	FILE *file = fopen(path, "wb");

	if (file == NULL || fwrite(bytes, 1, length, file) != length || fclose(file) != 0)
		give_up("cannot write", path);
}

static void
make_model(HmlContext *ctx, const char *path)
{
	static const char given[] = "{\"site\": \"database\", \"group\": \"group_id\", \"seed\": 1}";
	HmlTraining training = {0};
	HmlFrame *frame;
	HmlArena *arena;
	const HmlJson *json;
	HmlParams *params;
	HmlText metrics;
	HmlModel *model;
	HmlWriter writer;
	const char *text;

	make_frame(ctx, &frame);
	must(ctx, hml_arena_create(ctx, &arena));
	must(ctx, hml_json_parse(arena, given, strlen(given), &json));
	must(ctx, hml_algorithm_params(arena, &hml_heart_sound_cnn, json, &params));
	hml_text_init(&metrics, ctx);
	training = (HmlTraining){.frame = frame, .params = params, .metrics = &metrics};
	must(ctx, hml_model_train(ctx, &hml_heart_sound_cnn, &training, &model));
	must(ctx, hml_text_finish(&metrics, &text));
	printf("%s: %s\n", path, text);
	hml_writer_init(&writer, ctx);
	must(ctx, hml_model_write(model, &writer));
	must(ctx, hml_writer_finish(&writer));
	write_file(path, writer.data, writer.length);
	hml_writer_free(&writer);
	hml_model_free(model);
	hml_text_free(&metrics);
	hml_arena_free(arena);
	hml_frame_free(frame);
}

int
main(int argc, char **argv)
{
	HmlHost host = {host_alloc, host_free, NULL, NULL, NULL};
	HmlContext ctx;

	if (argc < 2 || argc > 3)
	{
		fprintf(stderr, "usage: heart_sound_recipe FOLDER [MODEL]\n");
		return 2;
	}
	hml_context_init(&ctx, &host);
	read_recordings(&ctx, argv[1]);
	if (argc == 3)
	{
		make_model(&ctx, argv[2]);
		return 0;
	}
	printf("%-22s %-12s %5s  %s\n", "table", "recordings", "n", "sens.  spec.  mean   roc_auc");
	cross_validate(&ctx);
	leave_one_out(&ctx);
	return 0;
}
