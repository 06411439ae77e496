/*
 * heart_sound_recipe.c
 *	  How good the heart-sound model is, and the model that is shipped.
 *
 *	  heart_sound_recipe FOLDER           grouped cross-validation, and one database left out
 *	  heart_sound_recipe FOLDER NAME      train on all recordings, write the artifact to NAME.hml and the
 *	                                      metrics of its validation to NAME.json
 *
 * FOLDER holds manifest.csv and the recordings of the PhysioNet/CinC Challenge
 * 2016 that it names.  Judging prints one line per table and database: recordings,
 * the share that is taken for familiar, sensitivity, specificity, their mean, area
 * under the ROC curve, and the Brier score, both classes weighing the same.  The
 * intervals hold 95 % of REPLICATES draws of groups with replacement.  Then, how
 * often what was given a probability is abnormal.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/data/split.h"
#include "core/heart/heart_sound.h"
#include "core/heart/heart_sound_algorithm.h"
#include "core/heart/heart_network.h"
#include "core/signal/audio/audio_reader.h"
#include "core/stats/metrics.h"

#include "support.h"

#define MAX_RECORDINGS 10000
#define MAX_SITES 16
#define MAX_GROUPS MAX_RECORDINGS
#define FOLDS 5
#define NETWORKS 5 /* of each kind */
#define FOLD_SEED 1
#define TEXT 256
#define REPLICATES 2000
#define BINS 10

typedef struct Recordings
{
	size_t n;
	float features[MAX_RECORDINGS * HML_HEART_FEATURES];
	bool abnormal[MAX_RECORDINGS];
	bool noisy[MAX_RECORDINGS];
	bool judgeable[MAX_RECORDINGS];
	uint32_t sites[MAX_RECORDINGS];
	uint32_t groups[MAX_RECORDINGS];
	char site_names[MAX_SITES][TEXT];
	uint32_t n_sites;
	char group_names[MAX_GROUPS][TEXT];
	uint32_t n_groups;
	double p[MAX_RECORDINGS]; /* by a model that has not seen the recording */
	double familiarity[MAX_RECORDINGS];
} Recordings;

static Recordings all;

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
hear(HmlContext *ctx, const char *path, float *features, bool *judgeable)
{
	static const HmlAudioLimits limits = HML_AUDIO_LIMITS_DEFAULT;
	static const HmlHeartSoundSpec spec = HML_HEART_SOUND_SPEC_DEFAULT;
	static unsigned char bytes[16 * 1024 * 1024];
	FILE *file = fopen(path, "rb");
	HmlArena *arena;
	HmlAudio audio;
	HmlSignal signal;
	HmlHeartSound sound;
	size_t length;

	if (file == NULL)
		give_up("cannot open", path);
	length = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	must(ctx, hml_arena_create(ctx, &arena));
	must(ctx, hml_audio_decode(ctx, bytes, length, &limits, &audio));
	signal = hml_audio_signal(&audio);
	must(ctx, hml_heart_sound(arena, &spec, &signal, &sound));
	if (!sound.has_beats)
		give_up("no heart beats in", path);
	memcpy(features, sound.features, sizeof(sound.features));
	*judgeable = hml_heart_sound_is_judgeable(&sound);
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
		hear(ctx, path, all.features + i * HML_HEART_FEATURES, &all.judgeable[i]);
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
	void *scratch;
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
	training.n_networks = NETWORKS;
	must(ctx, hml_arena_create(ctx, &arena));
	must(ctx, hml_heart_network_train(arena, &examples, &training, &network));
	must(ctx, hml_arena_alloc(arena, 1, hml_heart_network_scratch_size(&network), &scratch));
	for (size_t i = 0; i < all.n; i++)
		if (parts[i] == part)
		{
			double p;

			must(ctx, hml_heart_network_score(ctx, &network, scratch, all.features + i * HML_HEART_FEATURES,
											  1, &p));
			all.p[i] = p;
			all.familiarity[i] =
				hml_heart_familiarity(&network.clinics, all.features + i * HML_HEART_FEATURES);
		}
	hml_arena_free(arena);
}

/* ---- judgement ------------------------------------------------------- */

typedef struct Row
{
	double p;
	bool abnormal;
	uint32_t group;
} Row;

typedef struct Judgement
{
	double sensitivity;
	double specificity;
	double mean;
	double roc_auc;
} Judgement;

typedef struct Interval
{
	double low;
	double high;
} Interval;

static int
by_p(const void *a, const void *b)
{
	double x = ((const Row *) a)->p;
	double y = ((const Row *) b)->p;

	return (x > y) - (x < y);
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *) a;
	double y = *(const double *) b;

	return (x > y) - (x < y);
}

/* rows ascend by p; each counts as often as its group.  False where a class is missing. */
static bool
judge_rows(const Row *rows, size_t n, const unsigned *counts, Judgement *out)
{
	double weight[2] = {0};
	double right[2] = {0};
	double pairs = 0;

	for (size_t i = 0; i < n;)
	{
		double tied[2] = {0};
		double p = rows[i].p;

		for (; i < n && rows[i].p <= p; i++)
			tied[rows[i].abnormal] += counts[rows[i].group];
		pairs += tied[1] * (weight[0] + tied[0] / 2);
		for (int c = 0; c < 2; c++)
		{
			weight[c] += tied[c];
			right[c] += (p > 0.5) == (c == 1) ? tied[c] : 0;
		}
	}
	out->sensitivity = right[1] / weight[1];
	out->specificity = right[0] / weight[0];
	out->mean = (out->sensitivity + out->specificity) / 2;
	out->roc_auc = pairs / (weight[0] * weight[1]);
	return weight[0] > 0 && weight[1] > 0;
}

static Interval
interval_of(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), by_value);
	return (Interval){values[n / 40], values[n - 1 - n / 40]};
}

/* Groups are drawn, as many as there are. */
static void
bootstrap(const Row *rows, size_t n, Interval *mean, Interval *roc_auc)
{
	static double means[REPLICATES];
	static double aucs[REPLICATES];
	static unsigned counts[MAX_GROUPS];
	static uint32_t present[MAX_GROUPS];
	size_t n_present = 0;
	size_t kept = 0;
	HmlRng rng;

	memset(counts, 0, sizeof(counts));
	for (size_t i = 0; i < n; i++)
		if (counts[rows[i].group]++ == 0)
			present[n_present++] = rows[i].group;
	hml_rng_seed(&rng, FOLD_SEED);
	for (int replicate = 0; replicate < REPLICATES; replicate++)
	{
		Judgement judgement;

		memset(counts, 0, sizeof(counts));
		for (size_t g = 0; g < n_present; g++)
			counts[present[hml_rng_below(&rng, n_present)]]++;
		if (!judge_rows(rows, n, counts, &judgement))
			continue;
		means[kept] = judgement.mean;
		aucs[kept++] = judgement.roc_auc;
	}
	*mean = interval_of(means, kept);
	*roc_auc = interval_of(aucs, kept);
}

/* Mean squared error, both classes weighing the same. */
static double
brier(const Row *rows, size_t n)
{
	double sums[2] = {0};
	double counts[2] = {0};

	for (size_t i = 0; i < n; i++)
	{
		sums[rows[i].abnormal] += (rows[i].p - rows[i].abnormal) * (rows[i].p - rows[i].abnormal);
		counts[rows[i].abnormal]++;
	}
	return (sums[0] / counts[0] + sums[1] / counts[1]) / 2;
}

static size_t
choose_rows(const bool *chosen, Row *rows, double *familiar)
{
	size_t n = 0;

	*familiar = 0;
	for (size_t i = 0; i < all.n; i++)
		if (chosen[i])
		{
			*familiar += all.familiarity[i];
			rows[n++] = (Row){all.p[i], all.abnormal[i], all.groups[i]};
		}
	*familiar /= (double) n;
	qsort(rows, n, sizeof(*rows), by_p);
	return n;
}

static void
judge(const char *table, const char *name, const bool *chosen)
{
	static Row rows[MAX_RECORDINGS];
	static unsigned once[MAX_GROUPS];
	double familiar;
	size_t n = choose_rows(chosen, rows, &familiar);
	Judgement judgement;
	Interval mean;
	Interval roc_auc;

	for (size_t g = 0; g < MAX_GROUPS; g++)
		once[g] = 1;
	if (!judge_rows(rows, n, once, &judgement))
		return;
	bootstrap(rows, n, &mean, &roc_auc);
	printf("%-21s  %-10s  %4zu  %8.2f  %.3f  %.3f  %.3f [%.3f, %.3f]  %.3f [%.3f, %.3f]  %.3f\n", table, name,
		   n, familiar, judgement.sensitivity, judgement.specificity, judgement.mean, mean.low, mean.high,
		   judgement.roc_auc, roc_auc.low, roc_auc.high, brier(rows, n));
}

/* As many ill as healthy: an abnormal recording counts more, since there are fewer. */
static void
print_reliability(const char *table)
{
	size_t counts[BINS][2] = {{0}};
	double sums[BINS][2] = {{0}};
	double classes[2] = {0};

	for (size_t i = 0; i < all.n; i++)
	{
		size_t bin = all.p[i] < 1 ? (size_t) (all.p[i] * BINS) : BINS - 1;

		counts[bin][all.abnormal[i]]++;
		sums[bin][all.abnormal[i]] += all.p[i];
		classes[all.abnormal[i]]++;
	}
	for (size_t bin = 0; bin < BINS; bin++)
	{
		double ill = (double) counts[bin][1] / classes[1];
		double well = (double) counts[bin][0] / classes[0];

		printf("%-21s  %.1f-%.1f  %4zu  %4zu  %.2f  %.2f\n", table, (double) bin / BINS, (bin + 1.0) / BINS,
			   counts[bin][0], counts[bin][1],
			   (sums[bin][1] / classes[1] + sums[bin][0] / classes[0]) / (ill + well), ill / (ill + well));
	}
}

static void
judge_all(const char *table)
{
	static bool chosen[MAX_RECORDINGS];

	for (uint32_t site = 0; site < all.n_sites; site++)
	{
		for (size_t i = 0; i < all.n; i++)
			chosen[i] = all.sites[i] == site;
		judge(table, all.site_names[site], chosen);
	}
	for (int noisy = 0; noisy < 2; noisy++)
	{
		for (size_t i = 0; i < all.n; i++)
			chosen[i] = all.noisy[i] == noisy;
		judge(table, noisy ? "noisy" : "not noisy", chosen);
	}
	judge(table, "judgeable", all.judgeable);
	for (size_t i = 0; i < all.n; i++)
		chosen[i] = true;
	judge(table, "all", chosen);
}

/* How many are too noisy to be judged. */
static void
print_uncertain(void)
{
	size_t counts[2] = {0};
	size_t flagged[2] = {0};

	for (size_t i = 0; i < all.n; i++)
	{
		counts[all.noisy[i]]++;
		flagged[all.noisy[i]] += !all.judgeable[i];
	}
	printf("uncertain: %zu of %zu noisy recordings, %zu of %zu others\n\n", flagged[1], counts[1], flagged[0],
		   counts[0]);
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
	judge_all("grouped 5-fold");
	printf("\n%-21s  p        normal abnormal  mean p  share of ill\n", "table");
	print_reliability("grouped 5-fold");
	printf("\n");
}

static void
leave_one_out(HmlContext *ctx)
{
	for (uint32_t site = 0; site < all.n_sites; site++)
		train_and_score(ctx, all.sites, site);
	judge_all("one database left out");
}

/* ---- the shipped model ----------------------------------------------- */

/* What healthml.train() would be given of a table with the manifest's columns and the recordings. */
static void
make_frame(HmlContext *ctx, HmlFrame **out)
{
	HmlFrameSpec spec = {.n_columns = HML_HEART_FEATURES,
						 .roles = {HML_ROLE_TARGET, HML_ROLE_GROUP, HML_ROLE_SITE}};
	HmlFrame *frame;

	must(ctx, hml_frame_create(ctx, &spec, &frame));
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
		must(ctx, hml_frame_add(frame, values, (double[]){all.abnormal[i], group_code, site_code}));
	}
	*out = frame;
}

static void
make_model(HmlContext *ctx, const char *name)
{
	char given[TEXT];
	HmlTraining training = {0};
	HmlFrame *frame;
	HmlArena *arena;
	const HmlJson *json;
	HmlParams *params;
	HmlText metrics;
	HmlModel *model;
	HmlWriter writer;
	const char *text;
	char path[TEXT];
	char document[4096];

	snprintf(given, sizeof(given),
			 "{\"site\": \"database\", \"group\": \"group_id\", \"networks\": %d, \"seed\": 1}", NETWORKS);
	make_frame(ctx, &frame);
	must(ctx, hml_arena_create(ctx, &arena));
	must(ctx, hml_json_parse(arena, given, strlen(given), &json));
	must(ctx, hml_algorithm_params(arena, &hml_heart_sound_cnn, json, &params));
	hml_text_init(&metrics, ctx);
	training = (HmlTraining){.frame = frame, .params = params, .metrics = &metrics};
	must(ctx, hml_model_train(ctx, &hml_heart_sound_cnn, &training, &model));
	must(ctx, hml_text_finish(&metrics, &text));
	snprintf(path, sizeof(path), "%s.json", name);
	snprintf(document, sizeof(document), "{%s}\n", text);
	bench_write_file(path, document, strlen(document));
	hml_writer_init(&writer, ctx);
	must(ctx, hml_model_write(model, &writer));
	must(ctx, hml_writer_finish(&writer));
	snprintf(path, sizeof(path), "%s.hml", name);
	bench_write_file(path, writer.data, writer.length);
	hml_writer_free(&writer);
	hml_model_free(model);
	hml_text_free(&metrics);
	hml_arena_free(arena);
	hml_frame_free(frame);
}

int
main(int argc, char **argv)
{
	HmlContext ctx;

	if (argc < 2 || argc > 3)
	{
		fprintf(stderr, "usage: heart_sound_recipe FOLDER [NAME]\n");
		return 2;
	}
	bench_init(&ctx, "heart_sound_recipe");
	read_recordings(&ctx, argv[1]);
	if (argc == 3)
	{
		make_model(&ctx, argv[2]);
		return 0;
	}
	print_uncertain();
	printf("%-21s  %-10s  %4s  %s\n", "table", "recordings", "n",
		   "familiar  sens.  spec.  mean  [95 %]          roc_auc [95 %]        brier");
	cross_validate(&ctx);
	leave_one_out(&ctx);
	return 0;
}
