/*
 * heart_sound_cnn.c
 *	  Balanced draws, augmentation, training, scoring.
 *
 * Mixing: H. Zhang et al., mixup: Beyond Empirical Risk Minimization, ICLR 2018;
 * the share is drawn per example.  Everything that the training needs beside the
 * result lies in an arena that ends with it; the trainer polls.
 */
#include "core/signal/heart_sound_cnn.h"

#include <math.h>
#include <string.h>

#define N_FEATURES HML_HEART_FEATURES
#define CLASSES 2
#define MAX_Z 4.0f /* standardised features are limited to this */
#define SD_FLOOR 1e-6
#define WARMUP_EPOCHS 1.0

/* ---- balance --------------------------------------------------------- */

/* The examples of one class of one site. */
typedef struct Cell
{
	size_t n;
	uint32_t *members;
} Cell;

typedef struct Balance
{
	size_t n_cells; /* cells that have members, sites with both classes side by side */
	Cell *cells;
} Balance;

/* All cells first, (n_sites, CLASSES); then those without members are taken out. */
static HmlStatus
fill_cells(HmlArena *arena, const HmlHeartExamples *examples, Balance *out)
{
	size_t all = (size_t) examples->n_sites * CLASSES;

	HML_TRY(HML_ARENA_NEW_ZERO(arena, &out->cells, all));
	for (size_t i = 0; i < examples->n; i++)
		out->cells[examples->sites[i] * CLASSES + examples->abnormal[i]].n++;
	for (size_t c = 0; c < all; c++)
	{
		HML_TRY(HML_ARENA_NEW(arena, &out->cells[c].members, out->cells[c].n));
		out->cells[c].n = 0;
	}
	for (size_t i = 0; i < examples->n; i++)
	{
		Cell *cell = &out->cells[examples->sites[i] * CLASSES + examples->abnormal[i]];

		cell->members[cell->n++] = (uint32_t) i;
	}
	return HML_OK;
}

/*
 * A site of one class alone would teach that its stethoscope means that class: it
 * is left out, unless no site has both.
 */
static HmlStatus
balance(HmlArena *arena, const HmlHeartExamples *examples, Balance *out)
{
	size_t kept = 0;
	size_t counts[CLASSES] = {0};

	HML_TRY(fill_cells(arena, examples, out));
	for (size_t i = 0; i < examples->n; i++)
		counts[examples->abnormal[i]]++;
	if (counts[0] == 0 || counts[1] == 0)
		return hml_fail(hml_arena_context(arena), HML_INVALID_DATA,
						"training needs normal and abnormal recordings, not %zu and %zu", counts[0],
						counts[1]);
	for (size_t s = 0; s < examples->n_sites; s++)
		if (out->cells[s * CLASSES].n > 0 && out->cells[s * CLASSES + 1].n > 0)
		{
			out->cells[kept++] = out->cells[s * CLASSES];
			out->cells[kept++] = out->cells[s * CLASSES + 1];
		}
	out->n_cells = kept;
	if (kept > 0)
		return HML_OK;
	for (size_t c = 0; c < (size_t) examples->n_sites * CLASSES; c++)
		if (out->cells[c].n > 0)
			out->cells[out->n_cells++] = out->cells[c];
	return HML_OK;
}

/* ---- standardisation ------------------------------------------------- */

static HmlStatus
check_features(HmlContext *ctx, const HmlHeartExamples *examples)
{
	for (size_t i = 0; i < examples->n * N_FEATURES; i++)
		if (!isfinite(examples->features[i]))
			return hml_fail(ctx, HML_INVALID_DATA, "feature \"%s\" of example %zu is not finite",
							hml_heart_feature_names[i % N_FEATURES], i / N_FEATURES + 1);
	return HML_OK;
}

/* Moments with every cell counting alike. */
static void
standardise(const HmlHeartExamples *examples, const Balance *balanced, HmlHeartNetwork *out)
{
	for (size_t f = 0; f < N_FEATURES; f++)
	{
		double sum = 0;
		double squares = 0;

		for (size_t c = 0; c < balanced->n_cells; c++)
		{
			const Cell *cell = &balanced->cells[c];
			double share = 1.0 / ((double) balanced->n_cells * (double) cell->n);

			for (size_t i = 0; i < cell->n; i++)
			{
				double x = examples->features[cell->members[i] * N_FEATURES + f];

				sum += share * x;
				squares += share * x * x;
			}
		}
		out->mean[f] = (float) sum;
		out->sd[f] = (float) sqrt(fmax(SD_FLOOR, squares - sum * sum));
	}
}

static void
to_z(const HmlHeartNetwork *network, const float *features, float *z)
{
	for (size_t f = 0; f < N_FEATURES; f++)
	{
		float value = (features[f] - network->mean[f]) / network->sd[f];

		z[f] = value > MAX_Z ? MAX_Z : value < -MAX_Z ? -MAX_Z : value;
	}
}

/* ---- draws ----------------------------------------------------------- */

typedef struct Draws
{
	const HmlHeartExamples *examples;
	const HmlHeartTraining *training;
	const HmlHeartNetwork *network;
	Balance balance;
} Draws;

/* Beta(alpha, alpha) by the method of M. D. Joehnk (1964), which suits the small alphas of mixing. */
static double
draw_beta(HmlRng *rng, double alpha)
{
	double x;
	double y;

	do
	{
		x = pow(hml_rng_uniform(rng), 1 / alpha);
		y = pow(hml_rng_uniform(rng), 1 / alpha);
	} while (!(x + y > 0 && x + y <= 1));
	return x / (x + y);
}

/* One example, standardised and shaken; returns its target. */
static float
draw_example(const Draws *draws, HmlRng *rng, float *z)
{
	const Cell *cell = &draws->balance.cells[hml_rng_below(rng, draws->balance.n_cells)];
	size_t i = cell->members[hml_rng_below(rng, cell->n)];
	float smoothing = (float) draws->training->label_smoothing;

	to_z(draws->network, draws->examples->features + i * N_FEATURES, z);
	for (size_t f = 0; f < N_FEATURES; f++)
		z[f] += (float) (draws->training->jitter * hml_rng_normal(rng));
	return draws->examples->abnormal[i] ? 1 - smoothing : smoothing;
}

/* The rows of a batch only say how many to draw. */
static HmlStatus
fill_batch(void *user, HmlContext *ctx, const HmlBatch *batch, HmlRng *rng)
{
	const Draws *draws = user;
	float other[N_FEATURES];

	(void) ctx;
	for (size_t i = 0; i < batch->n; i++)
	{
		float *z = batch->inputs[0] + i * N_FEATURES;
		float target = draw_example(draws, rng, z);

		if (draws->training->mixup > 0)
		{
			float share = (float) draw_beta(rng, draws->training->mixup);
			float other_target = draw_example(draws, rng, other);

			for (size_t f = 0; f < N_FEATURES; f++)
				z[f] = share * z[f] + (1 - share) * other[f];
			target = share * target + (1 - share) * other_target;
		}
		batch->targets[i] = target;
	}
	return HML_OK;
}

/* ---- training -------------------------------------------------------- */

static HmlStatus
check_training(HmlContext *ctx, const HmlHeartTraining *training)
{
	if (!(training->jitter >= 0 && training->jitter <= 10))
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "jitter must be from 0 to 10, not %g", training->jitter);
	if (!(training->mixup >= 0 && training->mixup <= 1))
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "mixup must be from 0 to 1, not %g", training->mixup);
	if (!(training->label_smoothing >= 0 && training->label_smoothing < 0.5))
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "label_smoothing must be from 0 to less than 0.5, not %g",
						training->label_smoothing);
	if (training->epochs < 1 || training->batch_size < 1 || training->draws_per_epoch < training->batch_size)
		return hml_fail(ctx, HML_INVALID_ARGUMENT,
						"cannot train for %d epochs of %zu examples in batches of %zu", training->epochs,
						training->draws_per_epoch, training->batch_size);
	return HML_OK;
}

static HmlStatus
check_network(HmlContext *ctx, const HmlNetwork *network)
{
	const HmlNode *output = &network->nodes[network->output];

	if (network->n_inputs != 1 || hml_shape_size(&network->nodes[0].shape) != N_FEATURES ||
		hml_shape_size(&output->shape) != 1)
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "network must have %d inputs and one output", N_FEATURES);
	if (hml_loss_node(network, HML_LOSS_BCE_WITH_LOGITS) == network->output)
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "network must end in sigmoid");
	return HML_OK;
}

static HmlTrainOptions
options_of(const HmlHeartTraining *training)
{
	HmlTrainOptions options = hml_default_train_options();

	options.loss = HML_LOSS_BCE_WITH_LOGITS;
	options.optimizer.kind = HML_ADAM;
	options.optimizer.weight_decay = training->weight_decay;
	options.schedule.kind = HML_SCHEDULE_COSINE;
	options.schedule.learning_rate = training->learning_rate;
	options.schedule.warmup_epochs = WARMUP_EPOCHS;
	options.epochs = training->epochs;
	options.batch_size = training->batch_size;
	options.seed = training->seed;
	return options;
}

static HmlStatus
fit(HmlArena *scratch, const HmlHeartExamples *examples, const HmlHeartTraining *training,
	HmlHeartNetwork *network)
{
	Draws draws = {.examples = examples, .training = training, .network = network};
	HmlDataset dataset = {.n_rows = training->draws_per_epoch, .fill = fill_batch, .user = &draws};
	HmlTrainOptions options = options_of(training);
	HmlTrainResult result;

	HML_TRY(balance(scratch, examples, &draws.balance));
	standardise(examples, &draws.balance, network);
	return hml_train_network(hml_arena_context(scratch), network->network, &options, &dataset, NULL,
							 network->weights, &result);
}

HmlStatus
hml_heart_network_train(HmlArena *arena, const HmlHeartExamples *examples, const HmlHeartTraining *training,
						HmlHeartNetwork *out)
{
	HmlContext *ctx = hml_arena_context(arena);
	HmlArena *scratch;
	HmlStatus status;

	memset(out, 0, sizeof(*out));
	HML_TRY(check_training(ctx, training));
	HML_TRY(check_features(ctx, examples));
	HML_TRY(hml_network_parse(arena, training->network, strlen(training->network), &out->network));
	HML_TRY(check_network(ctx, out->network));
	HML_TRY(HML_ARENA_NEW(arena, &out->weights, out->network->n_weights));
	HML_TRY(hml_network_init(out->network, training->seed, out->weights));
	HML_TRY(hml_arena_create(ctx, &scratch));
	status = fit(scratch, examples, training, out);
	hml_arena_free(scratch);
	HML_TRY(status);
	return hml_plan_create(arena, out->network, out->weights, &out->plan);
}

/* ---- scoring --------------------------------------------------------- */

static HmlStatus
score(HmlArena *scratch, const HmlHeartNetwork *network, const float *features, size_t n, double *p_abnormal)
{
	float *z;
	float *outputs;
	void *block;
	const float *inputs[1];

	HML_TRY(hml_arena_alloc(scratch, n, N_FEATURES * sizeof(float), (void **) &z));
	HML_TRY(HML_ARENA_NEW(scratch, &outputs, n));
	HML_TRY(hml_arena_alloc(scratch, 1, hml_plan_scratch_size(network->plan), &block));
	for (size_t i = 0; i < n; i++)
		to_z(network, features + i * N_FEATURES, z + i * N_FEATURES);
	inputs[0] = z;
	HML_TRY(hml_plan_run(network->plan, hml_arena_context(scratch), block, inputs, n, outputs));
	for (size_t i = 0; i < n; i++)
		p_abnormal[i] = outputs[i];
	return HML_OK;
}

HmlStatus
hml_heart_network_score(HmlContext *ctx, const HmlHeartNetwork *network, const float *features, size_t n,
						double *p_abnormal)
{
	HmlArena *scratch;
	HmlStatus status;

	HML_TRY(hml_arena_create(ctx, &scratch));
	status = score(scratch, network, features, n, p_abnormal);
	hml_arena_free(scratch);
	return status;
}

/* ---- artifact -------------------------------------------------------- */

void
hml_heart_network_write(const HmlHeartNetwork *network, HmlWriter *writer)
{
	hml_write_f32_array(writer, network->mean, N_FEATURES);
	hml_write_f32_array(writer, network->sd, N_FEATURES);
	hml_network_write(network->network, network->weights, writer);
}

HmlStatus
hml_heart_network_read(HmlArena *arena, HmlReader *reader, HmlHeartNetwork *out)
{
	HmlContext *ctx = hml_arena_context(arena);

	memset(out, 0, sizeof(*out));
	HML_TRY(hml_read_f32_array(reader, out->mean, N_FEATURES));
	HML_TRY(hml_read_f32_array(reader, out->sd, N_FEATURES));
	for (size_t f = 0; f < N_FEATURES; f++)
		if (!isfinite(out->mean[f]) || !(out->sd[f] > 0) || !isfinite(out->sd[f]))
			return hml_fail(ctx, HML_CORRUPT, "feature \"%s\" of the model has no usable mean and spread",
							hml_heart_feature_names[f]);
	HML_TRY(hml_network_read(arena, reader, &out->network, &out->weights));
	HML_TRY(check_network(ctx, out->network));
	return hml_plan_create(arena, out->network, out->weights, &out->plan);
}
