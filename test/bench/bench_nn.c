/*
 * bench_nn.c
 *	  Times of the neural-network engine without a server.
 *
 *	  bench_nn networks FOLDER SPEC...   each specification with random weights: forward of one sample
 *	                                     and of several, preparation, memory; writes FOLDER/NAME.onnx
 *	  bench_nn products                  matrix products
 *
 * Prints lines 'name<TAB>figure'; times in microseconds of processor time, the least of
 * several runs: what others do on the machine at the same time counts less so.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/gemm.h"
#include "core/nn/onnx/onnx.h"
#include "core/nn/plan/plan.h"

#include "support.h"

#define MIN_SECONDS 0.3 /* of measuring one figure */
#define MIN_RUNS 20

/* ---- networks --------------------------------------------------------------------------------------- */

typedef struct Bench
{
	HmlContext *ctx;
	HmlArena *arena;
	HmlNetwork *network;
	float *weights;
	HmlPlan *plan;
	void *scratch;
	const float *inputs[1];
	float *output;
} Bench;

static void
set_up(Bench *b, const char *path, size_t samples)
{
	size_t length;
	char *spec = (char *) bench_read_file(path, &length);
	size_t in;
	float *input;

	must(b->ctx, hml_arena_create(b->ctx, &b->arena));
	must(b->ctx, hml_network_parse(b->arena, spec, length, &b->network));
	free(spec);
	must(b->ctx, HML_ARENA_NEW(b->arena, &b->weights, b->network->n_weights));
	must(b->ctx, hml_network_init(b->network, 1, b->weights));
	in = samples * hml_shape_size(&b->network->nodes[0].shape);
	must(b->ctx, HML_ARENA_NEW(b->arena, &input, in));
	for (size_t i = 0; i < in; i++)
		input[i] = (float) (i * 7919 % 1000) / 500.0f - 1.0f;
	b->inputs[0] = input;
	must(b->ctx, HML_ARENA_NEW(b->arena, &b->output,
							   samples * hml_shape_size(&b->network->nodes[b->network->output].shape)));
}

/* Seconds of the fastest call. */
static double
fastest(const Bench *b, size_t samples)
{
	double best = 1e9;
	double end = bench_processor_clock() + MIN_SECONDS;

	for (int run = 0; run < MIN_RUNS || bench_processor_clock() < end; run++)
	{
		double start = bench_processor_clock();
		int calls = b->network->flops * (double) samples < 1e6 ? 1000 : 1;

		for (int i = 0; i < calls; i++)
			must(b->ctx, hml_plan_run(b->plan, b->ctx, b->scratch, b->inputs, samples, b->output));
		start = (bench_processor_clock() - start) / calls;
		best = start < best ? start : best;
	}
	return best;
}

static void
write_onnx(const Bench *b, const char *folder, const char *name)
{
	HmlOnnxExport what = hml_onnx_export_defaults(b->network, b->weights);
	HmlWriter writer;
	char path[512];

	hml_writer_init(&writer, b->ctx);
	must(b->ctx, hml_onnx_write(b->ctx, &what, &writer));
	snprintf(path, sizeof(path), "%s/%s.onnx", folder, name);
	bench_write_file(path, writer.data, writer.length);
	hml_writer_free(&writer);
}

static void
bench_network(HmlContext *ctx, const char *folder, const char *path)
{
	Bench b = {.ctx = ctx};
	char name[64];
	const char *base = bench_file_name(path);
	size_t several;
	size_t held;
	double start;

	snprintf(name, sizeof(name), "%.*s", (int) strcspn(base, "."), base);
	set_up(&b, path, 256);
	held = ctx->memory_used;
	start = bench_processor_clock();
	must(ctx, hml_plan_create(b.arena, b.network, b.weights, &b.plan));
	say(name, " prepare", 1e6 * (bench_processor_clock() - start));
	held = ctx->memory_used - held;
	must(ctx, hml_arena_alloc(b.arena, 1, hml_plan_scratch_size(b.plan), &b.scratch));
	several = b.network->flops < 1e6 ? 256 : 4;
	say(name, " one", 1e6 * fastest(&b, 1));
	say(name, " several", 1e6 * fastest(&b, several) / (double) several);
	say(name, " weights", (double) b.network->n_weights);
	say(name, " MB held", 1e-6 * (double) held);
	say(name, " MB for a call", 1e-6 * (double) hml_plan_scratch_size(b.plan));
	write_onnx(&b, folder, name);
	hml_arena_free(b.arena);
}

/* ---- matrix products -------------------------------------------------------------------------------- */

static void
bench_product(size_t m, size_t n, size_t k)
{
	float *a = calloc(m * k, sizeof(float));
	float *b = calloc(k * n, sizeof(float));
	float *c = calloc(m * n, sizeof(float));
	double best = 1e9;
	double end = bench_processor_clock() + MIN_SECONDS;
	char name[64];

	while (bench_processor_clock() < end)
	{
		double start = bench_processor_clock();

		hml_sgemm(HML_NO_TRANS, HML_NO_TRANS, m, n, k, 1.0f, a, k, b, n, 0.0f, c, n);
		start = bench_processor_clock() - start;
		best = start < best ? start : best;
	}
	snprintf(name, sizeof(name), "%zux%zux%zu", m, n, k);
	say(name, "", 1e6 * best);
	free(a);
	free(b);
	free(c);
}

int
main(int argc, char **argv)
{
	HmlContext ctx;

	bench_init(&ctx, "bench_nn");
	if (argc > 3 && strcmp(argv[1], "networks") == 0)
		for (int i = 3; i < argc; i++)
			bench_network(&ctx, argv[2], argv[i]);
	else if (argc == 2 && strcmp(argv[1], "products") == 0)
	{
		bench_product(2500, 64, 576);
		bench_product(4992, 32, 144);
		bench_product(304, 128, 576);
		bench_product(1024, 1024, 1024);
		bench_product(32, 64, 64);
	}
	else
	{
		fprintf(stderr, "usage: bench_nn networks FOLDER SPEC... | bench_nn products\n");
		return 2;
	}
	return 0;
}
