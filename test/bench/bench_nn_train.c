/*
 * bench_nn_train.c
 *	  Times of training without a server: an epoch of an MLP, and a batch of the
 *	  2-D CNN forward and backward.
 *
 *	  bench_nn_train FOLDER     where mlp.json and cnn2d.json are
 *
 * Prints lines 'name<TAB>milliseconds', the least of several runs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/nn/train/pass.h"
#include "core/nn/train/train.h"

#include "support.h"

#define MLP_ROWS 10000
#define BATCH 32
#define RUNS 7

static HmlNetwork *
load(HmlArena *arena, const char *folder, const char *name)
{
	static char text[1 << 16];
	char path[512];
	HmlNetwork *network;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s.json", folder, name);
	file = fopen(path, "r");
	if (file == NULL)
	{
		perror(path);
		exit(1);
	}
	must(hml_arena_context(arena),
		 hml_network_parse(arena, text, fread(text, 1, sizeof(text), file), &network));
	fclose(file);
	return network;
}

static float
number(size_t i)
{
	return (float) (i * 7919 % 1000) / 500.0f - 1.0f;
}

static HmlStatus
fill(void *user, HmlContext *ctx, const HmlBatch *batch, HmlRng *rng)
{
	size_t n_inputs = *(const size_t *) user;

	(void) ctx;
	(void) rng;
	for (size_t i = 0; i < batch->n; i++)
	{
		for (size_t j = 0; j < n_inputs; j++)
			batch->inputs[0][i * n_inputs + j] = number(batch->rows[i] * n_inputs + j);
		batch->targets[i] = (float) (batch->rows[i] % 2);
	}
	return HML_OK;
}

static void
bench_epoch(HmlArena *arena, const HmlNetwork *network)
{
	HmlContext *ctx = hml_arena_context(arena);
	size_t n_inputs = hml_shape_size(&network->nodes[0].shape);
	HmlDataset dataset = {.n_rows = MLP_ROWS, .fill = fill, .user = &n_inputs};
	HmlTrainOptions options = hml_default_train_options();
	HmlTrainResult result;
	float *weights;
	double best = 1e9;

	options.loss = HML_LOSS_BCE_WITH_LOGITS;
	options.epochs = 1;
	options.batch_size = BATCH;
	must(ctx, HML_ARENA_NEW(arena, &weights, network->n_weights));
	for (int run = 0; run < RUNS; run++)
	{
		double start;

		must(ctx, hml_network_init(network, 1, weights));
		start = 1e3 * bench_clock();
		must(ctx, hml_train_network(ctx, network, &options, &dataset, NULL, weights, &result));
		start = 1e3 * bench_clock() - start;
		best = start < best ? start : best;
	}
	printf("mlp epoch\t%.6g\n", best);
}

static void
bench_batch(HmlArena *arena, const HmlNetwork *network)
{
	HmlContext *ctx = hml_arena_context(arena);
	HmlPassOptions options = {.batch = BATCH, .backward = true, .loss_node = network->output};
	size_t n_outputs = hml_shape_size(&network->nodes[network->output].shape);
	size_t n_inputs = BATCH * hml_shape_size(&network->nodes[0].shape);
	HmlPass *pass;
	HmlRng rng;
	float *weights;
	float *gradients;
	float *input;
	double best = 1e9;

	must(ctx, HML_ARENA_NEW(arena, &weights, network->n_weights));
	must(ctx, HML_ARENA_NEW(arena, &gradients, network->n_trainable));
	must(ctx, HML_ARENA_NEW(arena, &input, n_inputs));
	must(ctx, hml_network_init(network, 1, weights));
	hml_rng_seed(&rng, 1);
	for (size_t i = 0; i < n_inputs; i++)
		input[i] = number(i);
	must(ctx, hml_pass_create(ctx, network, &options, &pass));
	for (int run = 0; run < RUNS; run++)
	{
		const float *inputs[1] = {input};
		double start = 1e3 * bench_clock();

		must(ctx, hml_pass_forward_training(pass, weights, inputs, BATCH, &rng));
		for (size_t i = 0; i < BATCH * n_outputs; i++)
			hml_pass_loss_gradient(pass)[i] = 1.0f / BATCH;
		memset(gradients, 0, network->n_trainable * sizeof(float));
		must(ctx, hml_pass_backward(pass, gradients));
		start = 1e3 * bench_clock() - start;
		best = start < best ? start : best;
	}
	printf("cnn2d batch\t%.6g\n", best);
	hml_pass_free(pass);
}

int
main(int argc, char **argv)
{
	HmlContext ctx;
	HmlArena *arena;

	if (argc != 2)
	{
		fprintf(stderr, "usage: bench_nn_train FOLDER\n");
		return 2;
	}
	bench_init(&ctx, "bench_nn_train");
	must(&ctx, hml_arena_create(&ctx, &arena));
	bench_epoch(arena, load(arena, argv[1], "mlp"));
	bench_batch(arena, load(arena, argv[1], "cnn2d"));
	hml_arena_free(arena);
	return 0;
}
