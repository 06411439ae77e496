/*
 * bench_iforest.c
 *	  Times of the isolation forest without a server.
 *
 *	  bench_iforest [PARAMETERS [ROWS [COLUMNS]]]   '{}', 100000 and 13 by default
 *
 * Trains on normal numbers; then reads the artifact, scores and explains, the
 * last two with the kernels of each CPU level that there is.  Prints lines
 * 'name<TAB>figure'; processor times in microseconds, the least of several runs.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cpu.h"
#include "core/learn/iforest/iforest.h"
#include "core/model/verdict.h"

#include "support.h"

#define MIN_SECONDS 0.3 /* of measuring one figure */
#define MIN_RUNS 5
#define SCORED_ROWS 1000
#define EXPLAINED_ROWS 20

typedef struct Bench
{
	HmlContext *ctx;
	HmlFrame *frame;
	HmlTraining training;
	HmlModel *model;
	HmlWriter artifact;
	void *scratch;
	double *scores;
	double *contributions;
} Bench;

static bool
host_cancelled(void *user)
{
	(void) user;
	return false;
}

/* The least time of one run, by the number of items in it, in microseconds. */
static double
measure(void (*work)(Bench *), Bench *bench, size_t items)
{
	double least = INFINITY;
	double begin = bench_processor_clock();

	for (int run = 0; run < MIN_RUNS || bench_processor_clock() - begin < MIN_SECONDS; run++)
	{
		double start = bench_processor_clock();

		work(bench);
		start = bench_processor_clock() - start;
		least = start < least ? start : least;
	}
	return 1e6 * least / (double) items;
}

/* ---- the work ------------------------------------------------------------------------------------- */

static void
train(Bench *bench)
{
	hml_model_free(bench->model);
	must(bench->ctx, hml_model_train(bench->ctx, &hml_isolation_forest, &bench->training, &bench->model));
}

static void
load(Bench *bench)
{
	hml_model_free(bench->model);
	must(bench->ctx, hml_model_read(bench->ctx, bench->artifact.data, bench->artifact.length, &bench->model));
}

static void
score_one_by_one(Bench *bench)
{
	for (size_t i = 0; i < SCORED_ROWS; i++)
	{
		HmlSamples row = hml_sample_rows(hml_frame_row(bench->frame, i), 1);

		must(bench->ctx, hml_model_score(bench->model, bench->ctx, bench->scratch, &row, &bench->scores[i]));
	}
}

static void
score_batch(Bench *bench)
{
	HmlSamples rows = hml_sample_rows(bench->frame->values, SCORED_ROWS);

	must(bench->ctx, hml_model_score(bench->model, bench->ctx, bench->scratch, &rows, bench->scores));
}

static void
explain(Bench *bench)
{
	HmlExplanation explanation = {.contributions = bench->contributions};

	for (size_t i = 0; i < EXPLAINED_ROWS; i++)
		must(bench->ctx, hml_isolation_forest.explain(bench->model, bench->ctx,
													  hml_frame_row(bench->frame, i), &explanation));
}

static void
load_and_explain_one(Bench *bench)
{
	HmlExplanation explanation = {.contributions = bench->contributions};

	load(bench);
	must(bench->ctx,
		 hml_isolation_forest.explain(bench->model, bench->ctx, bench->frame->values, &explanation));
}

/* ---- set-up --------------------------------------------------------------------------------------- */

static HmlFrame *
make_frame(HmlContext *ctx, size_t n_rows, size_t n_columns)
{
	HmlFrame *frame;
	HmlRng rng;
	double row[HML_MAX_FEATURES];
	char name[24];

	must(ctx, hml_frame_create(ctx, &(HmlFrameSpec){.n_columns = n_columns, .max_rows = n_rows}, &frame));
	for (size_t i = 0; i < n_columns; i++)
	{
		snprintf(name, sizeof(name), "x%zu", i);
		must(ctx, hml_frame_set_column(frame, i, name, HML_COLUMN_NUMERIC));
	}
	hml_rng_seed(&rng, 1);
	for (size_t i = 0; i < n_rows; i++)
	{
		for (size_t j = 0; j < n_columns; j++)
			row[j] = hml_rng_normal(&rng);
		must(ctx, hml_frame_add(frame, row, NULL));
	}
	return frame;
}

static void
measure_kernels(Bench *bench)
{
	static const struct
	{
		int level;
		const char *name;
	} kernels[] = {{1, ", portable C"}, {3, ", x86-64-v3"}, {4, ", x86-64-v4"}};
	int level;

	hml_cpu_cap_level(4);
	level = hml_cpu_level();
	for (size_t i = 0; i < 3 && kernels[i].level <= level; i++)
	{
		hml_cpu_cap_level(kernels[i].level);
		say("score a row", kernels[i].name, measure(score_one_by_one, bench, SCORED_ROWS));
		say("score a row of many", kernels[i].name, measure(score_batch, bench, SCORED_ROWS));
		say("explain a row", kernels[i].name, measure(explain, bench, EXPLAINED_ROWS));
	}
}

int
main(int argc, char **argv)
{
	HmlContext ctx;
	const char *text = argc > 1 ? argv[1] : "{}";
	size_t n_rows = argc > 2 ? strtoul(argv[2], NULL, 10) : 100000;
	size_t n_columns = argc > 3 ? strtoul(argv[3], NULL, 10) : 13;
	Bench bench = {.ctx = &ctx};
	HmlArena *arena;
	const HmlJson *given;
	HmlParams *params;
	double loading;

	if (n_rows < SCORED_ROWS || n_columns == 0 || n_columns > HML_MAX_FEATURES)
	{
		fprintf(stderr, "usage: bench_iforest [PARAMETERS [ROWS [COLUMNS]]]\n");
		return 2;
	}
	bench_init(&ctx, "bench_iforest");
	ctx.host.cancelled = host_cancelled;
	must(&ctx, hml_arena_create(&ctx, &arena));
	must(&ctx, hml_json_parse(arena, text, strlen(text), &given));
	must(&ctx, hml_algorithm_params(arena, &hml_isolation_forest, given, &params));
	bench.frame = make_frame(&ctx, n_rows, n_columns);
	bench.training = (HmlTraining){.frame = bench.frame, .params = params};
	say("train", "", measure(train, &bench, 1));
	hml_writer_init(&bench.artifact, &ctx);
	must(&ctx, hml_model_write(bench.model, &bench.artifact));
	must(&ctx, hml_alloc(&ctx, 1, hml_isolation_forest.scratch_size(bench.model), &bench.scratch));
	must(&ctx, HML_NEW(&ctx, &bench.scores, SCORED_ROWS));
	must(&ctx, HML_NEW(&ctx, &bench.contributions, n_columns));
	loading = measure(load, &bench, 1);
	say("load", "", loading);
	say("first explanation", "", measure(load_and_explain_one, &bench, 1) - loading);
	measure_kernels(&bench);

	hml_free(&ctx, bench.contributions);
	hml_free(&ctx, bench.scores);
	hml_free(&ctx, bench.scratch);
	hml_writer_free(&bench.artifact);
	hml_model_free(bench.model);
	hml_frame_free(bench.frame);
	hml_arena_free(arena);
	return 0;
}
