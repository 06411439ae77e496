/*
 * eeg_recipe.c
 *	  How good the EEG model is, and the model that is shipped.
 *
 *	  eeg_recipe FOLDER           each real recording judged by a model that has not seen it
 *	  eeg_recipe FOLDER NAME      the same, then train on all, write the artifact to NAME.hml and
 *	                              the metrics to NAME.json
 *
 * FOLDER holds eeg_sparcnet and eeg_irr: votes.csv and the windows that it names, as
 * numpy arrays packed with gzip, which must be there to unpack them.  Beside them the
 * model learns from synthetic windows.  A tied vote counts for either class; intervals
 * hold 95 % of REPLICATES draws of recordings with replacement.
 */
#define _POSIX_C_SOURCE 200809L /* popen */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/eeg/eeg_features.h"
#include "core/eeg/eeg_features_algorithm.h"
#include "core/eeg/eeg_synthetic.h"
#include "core/eeg/eeg_modality.h"
#include "core/model/verdict.h"

#include "support.h"

#define SYNTHETIC 1800
#define SYNTHETIC_SEED 1
#define COPIES 18 /* of each real window: what they count against the synthetic ones */
#define MOST_REAL 200
#define CHANNELS 20
#define MOST_SAMPLES 10000
#define TEXT 512
#define REPLICATES 2000
#define N HML_EEG_FEATURES
#define CLASSES HML_EEG_CLASSES

static const char given[] =
	"{\"votes\": [\"seizure_vote\", \"lpd_vote\", \"gpd_vote\", \"lrda_vote\", \"grda_vote\", "
	"\"other_vote\"],"
	" \"group\": \"patient_id\", \"alarm\": [\"seizure\", \"lpd\", \"gpd\"], \"optimizer\": \"adamw\","
	" \"learning_rate\": 0.003, \"weight_decay\": 0.1, \"jitter\": 0.5, \"epochs\": 25, \"networks\": 2,"
	" \"validation_fraction\": 0, \"seed\": 1}";

static struct
{
	size_t n;
	double features[MOST_REAL][N];
	double votes[MOST_REAL][CLASSES];
	double p[MOST_REAL][CLASSES]; /* by a model that has not seen it */
} real;

static void
give_up(const char *what, const char *about)
{
	fprintf(stderr, "eeg_recipe: %s %s\n", what, about);
	exit(1);
}

/* ---- windows --------------------------------------------------------- */

static void
featurize(HmlContext *ctx, float *samples, size_t n, double *features)
{
	HmlSignal signal = {.n_channels = CHANNELS,
						.n_samples = n,
						.samples = samples,
						.sample_rate = HML_EEG_RATE,
						.unit = "uV",
						.format = "array"};
	HmlEncodedSignal encoded = {0};
	HmlArena *arena;

	for (size_t i = 0; i < CHANNELS * n; i++)
		if (!isfinite(samples[i]))
			samples[i] = 0;
	must(ctx, hml_arena_create(ctx, &arena));
	must(ctx, hml_eeg_feature_encoder.encode(arena, NULL, &signal, &encoded));
	memcpy(features, encoded.values, N * sizeof(double));
	hml_arena_free(arena);
}

/* A numpy array of float32 of CHANNELS rows, in either order. */
static size_t
read_window(const char *path, float *samples)
{
	static float raw[CHANNELS * MOST_SAMPLES];
	char command[4 * TEXT];
	unsigned char head[10];
	char header[4096];
	FILE *pipe;
	size_t n;

	snprintf(command, sizeof(command), "gzip -dc '%s'", path);
	pipe = popen(command, "r");
	if (pipe == NULL || fread(head, 1, sizeof(head), pipe) != sizeof(head) ||
		memcmp(head, "\x93NUMPY", 6) != 0)
		give_up("cannot read", path);
	n = head[8] + 256u * head[9];
	if (n >= sizeof(header) || fread(header, 1, n, pipe) != n)
		give_up("cannot read the header of", path);
	header[n] = '\0';
	if (strstr(header, "<f4") == NULL || strstr(header, "(20,") == NULL)
		give_up("not a window of 20 channels in float32:", path);
	n = fread(raw, sizeof(float), CHANNELS * MOST_SAMPLES, pipe) / CHANNELS;
	pclose(pipe);
	for (size_t c = 0; c < CHANNELS; c++)
		for (size_t i = 0; i < n; i++)
			samples[c * n + i] =
				strstr(header, "'fortran_order': True") != NULL ? raw[i * CHANNELS + c] : raw[c * n + i];
	return n;
}

/* Number of the column with a name in a line of names. */
static size_t
column_of(const char *header, const char *name)
{
	const char *found = strstr(header, name);
	size_t column = 0;

	if (found == NULL)
		give_up("no column", name);
	for (const char *c = header; c < found; c++)
		column += *c == ',';
	return column;
}

static double
cell(const char *line, size_t column)
{
	for (; column > 0; column--)
		line = strchr(line, ',') + 1;
	return atof(line);
}

static void
read_folder(HmlContext *ctx, const char *folder, const char *part, const char *ending)
{
	static float samples[CHANNELS * MOST_SAMPLES];
	char path[2 * TEXT];
	char header[TEXT];
	char line[TEXT];
	FILE *votes;

	snprintf(path, sizeof(path), "%s/%s/votes.csv", folder, part);
	votes = fopen(path, "r");
	if (votes == NULL || fgets(header, sizeof(header), votes) == NULL)
		give_up("cannot read", path);
	while (fgets(line, sizeof(line), votes) != NULL && real.n < MOST_REAL)
	{
		for (size_t c = 0; c < CLASSES; c++)
		{
			char name[TEXT];

			snprintf(name, sizeof(name), "%s_vote", hml_eeg_classes[c]);
			real.votes[real.n][c] = cell(line, column_of(header, name));
		}
		snprintf(path, sizeof(path), "%s/%s/%.*s%s", folder, part, (int) strcspn(line, ","), line, ending);
		featurize(ctx, samples, read_window(path, samples), real.features[real.n++]);
	}
	fclose(votes);
}

/* ---- what is learnt from --------------------------------------------- */

static void
add_row(HmlContext *ctx, HmlFrame *frame, const double *features, const double *votes, const char *group)
{
	double roles[CLASSES + 1];

	memcpy(roles, votes, CLASSES * sizeof(double));
	must(ctx, hml_frame_category(frame, N + CLASSES, group, strlen(group), &roles[CLASSES]));
	must(ctx, hml_frame_add(frame, features, roles));
}

/* The change over the window is unknown in every second window, as it is where only ten seconds are given. */
static void
add_synthetic(HmlContext *ctx, HmlFrame *frame, uint64_t i)
{
	HmlSyntheticEeg eeg = hml_synthetic_eeg_of_set(SYNTHETIC_SEED, i);
	unsigned counts[CLASSES];
	double votes[CLASSES];
	double features[N];
	char group[TEXT];
	float *samples;

	must(ctx, hml_synthetic_eeg(ctx, &eeg, &samples, counts));
	featurize(ctx, samples, MOST_SAMPLES, features);
	hml_free(ctx, samples);
	for (size_t k = N - 3; i % 2 == 1 && k < N; k++)
		features[k] = NAN;
	for (size_t c = 0; c < CLASSES; c++)
		votes[c] = counts[c];
	snprintf(group, sizeof(group), "synthetic %u", (unsigned) (i / 2));
	add_row(ctx, frame, features, votes, group);
}

/* Real windows first, COPIES of each. */
static HmlFrame *
make_frame(HmlContext *ctx)
{
	HmlFrameSpec spec = {.n_columns = N};
	HmlFrame *frame;

	for (size_t c = 0; c < CLASSES; c++)
		spec.roles[c] = HML_ROLE_LABEL;
	spec.roles[CLASSES] = HML_ROLE_GROUP;
	must(ctx, hml_frame_create(ctx, &spec, &frame));
	must(ctx, hml_encoder_columns(&hml_eeg_feature_encoder, frame));
	for (size_t c = 0; c < CLASSES; c++)
	{
		char name[TEXT];

		snprintf(name, sizeof(name), "%s_vote", hml_eeg_classes[c]);
		must(ctx, hml_frame_set_column(frame, N + c, name, HML_COLUMN_NUMERIC));
	}
	must(ctx, hml_frame_set_column(frame, N + CLASSES, "patient_id", HML_COLUMN_CATEGORY));
	for (size_t i = 0; i < real.n; i++)
		for (size_t k = 0; k < COPIES; k++)
		{
			char group[TEXT];

			snprintf(group, sizeof(group), "real %zu", i);
			add_row(ctx, frame, real.features[i], real.votes[i], group);
		}
	for (uint64_t i = 0; i < SYNTHETIC; i++)
		add_synthetic(ctx, frame, i);
	return frame;
}

static HmlModel *
train(HmlContext *ctx, const HmlFrame *frame)
{
	HmlTraining training = {.frame = frame};
	HmlArena *arena;
	const HmlJson *json;
	HmlParams *params;
	HmlText metrics;
	HmlModel *model;

	must(ctx, hml_arena_create(ctx, &arena));
	must(ctx, hml_json_parse(arena, given, strlen(given), &json));
	must(ctx, hml_algorithm_params(arena, &hml_eeg_features_algorithm, json, &params));
	hml_text_init(&metrics, ctx);
	training.params = params;
	training.metrics = &metrics;
	must(ctx, hml_model_train(ctx, &hml_eeg_features_algorithm, &training, &model));
	hml_text_free(&metrics);
	hml_arena_free(arena);
	return model;
}

static void
leave_out(HmlContext *ctx, const HmlFrame *frame, size_t i)
{
	static uint32_t rows[MOST_REAL * COPIES + SYNTHETIC];
	uint32_t own = (uint32_t) (i * COPIES);
	size_t n = 0;
	HmlFrame *others;
	HmlModel *model;

	for (uint32_t row = 0; row < frame->n_rows; row++)
		if (row / COPIES != i)
			rows[n++] = row;
	must(ctx, hml_frame_subset(ctx, frame, rows, n, &others));
	model = train(ctx, others);
	must(ctx, hml_frame_outputs(ctx, model, frame, &own, 1, NULL, real.p[i]));
	hml_model_free(model);
	hml_frame_free(others);
}

/* ---- judgement ------------------------------------------------------- */

typedef struct Judgement
{
	double accuracy;
	double macro_auc;
	double kl;
} Judgement;

static bool
has_most(size_t i, size_t class)
{
	for (size_t c = 0; c < CLASSES; c++)
		if (real.votes[i][c] > real.votes[i][class])
			return false;
	return true;
}

static size_t
likeliest(size_t i)
{
	size_t best = 0;

	for (size_t c = 1; c < CLASSES; c++)
		best = real.p[i][c] > real.p[i][best] ? c : best;
	return best;
}

/* Pairs of a window of the class and one of another that are in the right order. */
static double
auc(const size_t *rows, size_t n, size_t class)
{
	double right = 0;
	double pairs = 0;

	for (size_t a = 0; a < n; a++)
		for (size_t b = 0; b < n; b++)
			if (has_most(rows[a], class) && !has_most(rows[b], class))
			{
				double difference = real.p[rows[a]][class] - real.p[rows[b]][class];

				pairs++;
				right += difference > 0 ? 1 : (difference < 0 ? 0 : 0.5);
			}
	return pairs > 0 ? right / pairs : NAN;
}

static double
divergence(size_t i)
{
	double total = 0;
	double sum = 0;

	for (size_t c = 0; c < CLASSES; c++)
		total += real.votes[i][c];
	for (size_t c = 0; c < CLASSES; c++)
		if (real.votes[i][c] > 0)
			sum += real.votes[i][c] / total * log(real.votes[i][c] / total / fmax(real.p[i][c], 1e-6));
	return sum;
}

static Judgement
judge(const size_t *rows, size_t n)
{
	Judgement out = {0};
	double known = 0;

	for (size_t k = 0; k < n; k++)
	{
		out.accuracy += has_most(rows[k], likeliest(rows[k])) / (double) n;
		out.kl += divergence(rows[k]) / (double) n;
	}
	for (size_t c = 0; c < CLASSES; c++)
	{
		double area = auc(rows, n, c);

		out.macro_auc += isnan(area) ? 0 : area;
		known += !isnan(area);
	}
	out.macro_auc /= known;
	return out;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *) a;
	double y = *(const double *) b;

	return (x > y) - (x < y);
}

static size_t
write_interval(char *text, size_t size, const char *name, double value, double *draws)
{
	qsort(draws, REPLICATES, sizeof(*draws), by_value);
	return (size_t) snprintf(text, size, "\"%s\": %.3f, \"%s_low\": %.3f, \"%s_high\": %.3f, ", name, value,
							 name, draws[REPLICATES / 40], name, draws[REPLICATES - 1 - REPLICATES / 40]);
}

/* Members of a JSON object. */
static void
describe(char *text, size_t size)
{
	static double draws[3][REPLICATES];
	size_t rows[MOST_REAL];
	Judgement all;
	HmlRng rng;
	size_t n;

	hml_rng_seed(&rng, 1);
	for (size_t r = 0; r < REPLICATES; r++)
	{
		for (size_t i = 0; i < real.n; i++)
			rows[i] = (size_t) hml_rng_below(&rng, real.n);
		all = judge(rows, real.n);
		draws[0][r] = all.accuracy;
		draws[1][r] = all.macro_auc;
		draws[2][r] = all.kl;
	}
	for (size_t i = 0; i < real.n; i++)
		rows[i] = i;
	all = judge(rows, real.n);
	n = write_interval(text, size, "accuracy", all.accuracy, draws[0]);
	n += write_interval(text + n, size - n, "macro_auc", all.macro_auc, draws[1]);
	n += write_interval(text + n, size - n, "kl_divergence", all.kl, draws[2]);
	snprintf(text + n, size - n, "\"judged_recordings\": %zu, \"synthetic_recordings\": %d", real.n,
			 SYNTHETIC);
}

static void
print_classes(void)
{
	for (size_t c = 0; c < CLASSES; c++)
	{
		size_t rows[MOST_REAL];
		size_t n = 0;
		size_t right = 0;

		for (size_t i = 0; i < real.n; i++)
		{
			rows[i] = i;
			n += has_most(i, c);
			right += has_most(i, c) && likeliest(i) == c;
		}
		printf("%-8s  %3zu windows  recall %.2f  AUC %.2f\n", hml_eeg_classes[c], n,
			   (double) right / (double) n, auc(rows, real.n, c));
	}
}

static void
write_model(HmlContext *ctx, const HmlFrame *frame, const char *name, const char *metrics)
{
	HmlModel *model = train(ctx, frame);
	char document[4096];
	char path[TEXT];
	HmlWriter writer;

	snprintf(path, sizeof(path), "%s.json", name);
	snprintf(document, sizeof(document), "{%s}\n", metrics);
	bench_write_file(path, document, strlen(document));
	hml_writer_init(&writer, ctx);
	must(ctx, hml_model_write(model, &writer));
	must(ctx, hml_writer_finish(&writer));
	snprintf(path, sizeof(path), "%s.hml", name);
	bench_write_file(path, writer.data, writer.length);
	hml_writer_free(&writer);
	hml_model_free(model);
}

int
main(int argc, char **argv)
{
	HmlContext ctx;
	HmlFrame *frame;
	char metrics[2048];

	if (argc < 2 || argc > 3)
	{
		fprintf(stderr, "usage: eeg_recipe FOLDER [NAME]\n");
		return 2;
	}
	bench_init(&ctx, "eeg_recipe");
	read_folder(&ctx, argv[1], "eeg_sparcnet", ".npy.gz");
	read_folder(&ctx, argv[1], "eeg_irr", "_eeg.npy.gz");
	frame = make_frame(&ctx);
	for (size_t i = 0; i < real.n; i++)
		leave_out(&ctx, frame, i);
	describe(metrics, sizeof(metrics));
	printf("%s\n", metrics);
	print_classes();
	if (argc == 3)
		write_model(&ctx, frame, argv[2], metrics);
	hml_frame_free(frame);
	return 0;
}
