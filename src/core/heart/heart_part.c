/*
 * heart_part.c
 *	  Balanced draws, augmentation, training, scoring of one network.
 *
 * Mixing: H. Zhang et al., mixup: Beyond Empirical Risk Minimization, ICLR 2018;
 * the share is drawn per example.  Everything that the training needs beside the
 * result lies in an arena that ends with it; the trainer polls.
 */
#include "core/heart/heart_part.h"

#include <math.h>
#include <string.h>

#define N_FEATURES HML_HEART_FEATURES
#define CLASSES 2
#define SD_FLOOR 1e-6
#define WARMUP_EPOCHS 1.0

/* ---- balance --------------------------------------------------------- */

/* The examples of one class of one site. */
typedef struct Cell
{
	size_t n;
	uint32_t *members;
	double share; /* of the draws */
} Cell;

typedef struct Balance
{
	size_t n_cells; /* cells that have members */
	Cell *cells;
} Balance;

HmlStatus
hml_heart_one_sided_sites(HmlArena *arena, const HmlHeartExamples *examples, bool **left_out)
{
	bool any = false;
	bool *seen; /* (n_sites, CLASSES) */

	HML_TRY(HML_ARENA_NEW_ZERO(arena, &seen, (size_t) examples->n_sites * CLASSES));
	HML_TRY(HML_ARENA_NEW_ZERO(arena, left_out, examples->n_sites));
	for (size_t i = 0; i < examples->n; i++)
		seen[examples->sites[i] * CLASSES + examples->abnormal[i]] = true;
	for (size_t s = 0; s < examples->n_sites; s++)
		any = any || (seen[s * CLASSES] && seen[s * CLASSES + 1]);
	for (size_t s = 0; s < examples->n_sites && any; s++)
		(*left_out)[s] = !(seen[s * CLASSES] && seen[s * CLASSES + 1]);
	return HML_OK;
}

/* All cells first, (n_sites, CLASSES). */
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

/* Both cells of a site get the share of the site. */
static void
share_out(const HmlHeartExamples *examples, const bool *left_out, double site_power, Balance *out)
{
	double sum = 0;

	for (size_t s = 0; s < examples->n_sites; s++)
	{
		const Cell *site = out->cells + s * CLASSES;
		double share = pow((double) (site[0].n + site[1].n), site_power);

		for (size_t c = s * CLASSES; c < (s + 1) * CLASSES; c++)
			if (!left_out[s] && out->cells[c].n > 0)
			{
				out->cells[out->n_cells] = out->cells[c];
				out->cells[out->n_cells++].share = share;
				sum += share;
			}
	}
	for (size_t c = 0; c < out->n_cells; c++)
		out->cells[c].share /= sum;
}

static HmlStatus
balance(HmlArena *arena, const HmlHeartExamples *examples, double site_power, Balance *out)
{
	size_t counts[CLASSES] = {0};
	bool *left_out;

	for (size_t i = 0; i < examples->n; i++)
		counts[examples->abnormal[i]]++;
	if (counts[0] == 0 || counts[1] == 0)
		return hml_fail(hml_arena_context(arena), HML_INVALID_DATA,
						"training needs normal and abnormal recordings, not %zu and %zu", counts[0],
						counts[1]);
	HML_TRY(hml_heart_one_sided_sites(arena, examples, &left_out));
	HML_TRY(fill_cells(arena, examples, out));
	share_out(examples, left_out, site_power, out);
	return HML_OK;
}

/* ---- standardisation ------------------------------------------------- */

static void
standardise(const HmlHeartExamples *examples, const Balance *balanced, HmlHeartPart *out)
{
	for (size_t f = 0; f < out->n_inputs; f++)
	{
		double sum = 0;
		double squares = 0;

		for (size_t c = 0; c < balanced->n_cells; c++)
		{
			const Cell *cell = &balanced->cells[c];
			double share = cell->share / (double) cell->n;

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

void
hml_heart_part_inputs(const HmlHeartPart *part, const float *features, float *inputs)
{
	for (size_t f = 0; f < part->n_inputs; f++)
	{
		float value = (features[f] - part->mean[f]) / part->sd[f];

		inputs[f] = value > HML_HEART_MAX_Z    ? HML_HEART_MAX_Z
					: value < -HML_HEART_MAX_Z ? -HML_HEART_MAX_Z
											   : value;
	}
}

/* ---- draws ----------------------------------------------------------- */

typedef struct Draws
{
	const HmlHeartExamples *examples;
	const HmlHeartPartTraining *training;
	const HmlHeartPart *part;
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

static const Cell *
draw_cell(const Balance *balanced, HmlRng *rng)
{
	double left = hml_rng_uniform(rng);
	size_t c = 0;

	while (c + 1 < balanced->n_cells && left >= balanced->cells[c].share)
		left -= balanced->cells[c++].share;
	return &balanced->cells[c];
}

/* One example, standardised and shaken; returns its target. */
static float
draw_example(const Draws *draws, HmlRng *rng, float *z)
{
	const Cell *cell = draw_cell(&draws->balance, rng);
	size_t i = cell->members[hml_rng_below(rng, cell->n)];
	float smoothing = (float) draws->training->label_smoothing;

	hml_heart_part_inputs(draws->part, draws->examples->features + i * N_FEATURES, z);
	for (size_t f = 0; f < draws->part->n_inputs; f++)
		z[f] += (float) (draws->training->jitter * hml_rng_normal(rng));
	return draws->examples->abnormal[i] ? 1 - smoothing : smoothing;
}

/* The rows of a batch only say how many to draw. */
static HmlStatus
fill_batch(void *user, HmlContext *ctx, const HmlBatch *batch, HmlRng *rng)
{
	const Draws *draws = user;
	size_t n_inputs = draws->part->n_inputs;
	float other[N_FEATURES];

	(void) ctx;
	for (size_t i = 0; i < batch->n; i++)
	{
		float *z = batch->inputs[0] + i * n_inputs;
		float target = draw_example(draws, rng, z);

		if (draws->training->mixup > 0)
		{
			float share = (float) draw_beta(rng, draws->training->mixup);
			float other_target = draw_example(draws, rng, other);

			for (size_t f = 0; f < n_inputs; f++)
				z[f] = share * z[f] + (1 - share) * other[f];
			target = share * target + (1 - share) * other_target;
		}
		batch->targets[i] = target;
	}
	return HML_OK;
}

/* ---- training -------------------------------------------------------- */

static HmlStatus
check_network(HmlContext *ctx, const HmlNetwork *network, size_t n_inputs)
{
	const HmlNode *output = &network->nodes[network->output];

	if (network->n_inputs != 1 || hml_shape_size(&network->nodes[0].shape) != n_inputs ||
		hml_shape_size(&output->shape) != 1)
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "network must have %zu inputs and one output", n_inputs);
	if (hml_loss_node(network, HML_LOSS_BCE_WITH_LOGITS) == network->output)
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "network must end in sigmoid");
	return HML_OK;
}

static HmlTrainOptions
options_of(const HmlHeartPartTraining *training)
{
	HmlTrainOptions options = hml_default_train_options();

	options.loss = HML_LOSS_BCE_WITH_LOGITS;
	options.optimizer.kind = training->optimizer;
	options.optimizer.weight_decay = training->weight_decay;
	options.schedule.kind = HML_SCHEDULE_COSINE;
	options.schedule.learning_rate = training->learning_rate;
	options.schedule.warmup_epochs = WARMUP_EPOCHS;
	options.epochs = training->epochs;
	options.batch_size = training->batch_size;
	options.seed = training->seed;
	options.on_epoch = training->on_epoch;
	options.on_epoch_user = training->on_epoch_user;
	return options;
}

static HmlStatus
fit(HmlArena *arena, HmlArena *scratch, const HmlHeartExamples *examples,
	const HmlHeartPartTraining *training, HmlHeartPart *part)
{
	Draws draws = {.examples = examples, .training = training, .part = part};
	HmlDataset dataset = {.n_rows = training->draws_per_epoch, .fill = fill_batch, .user = &draws};
	HmlTrainOptions options = options_of(training);
	HmlTrainResult result;

	HML_TRY(balance(scratch, examples, training->site_power, &draws.balance));
	standardise(examples, &draws.balance, part);
	HML_TRY(hml_ensemble_train(hml_arena_context(arena), &part->net, &options, &dataset, NULL, &result));
	return hml_ensemble_prepare(arena, &part->net);
}

HmlStatus
hml_heart_part_train(HmlArena *arena, const HmlHeartExamples *examples, const HmlHeartPartTraining *training,
					 HmlHeartPart *out)
{
	HmlContext *ctx = hml_arena_context(arena);
	HmlNetwork *network;
	HmlArena *scratch;
	HmlStatus status;

	memset(out, 0, sizeof(*out));
	out->n_inputs = training->n_inputs;
	HML_TRY(HML_ARENA_NEW(arena, &out->mean, out->n_inputs));
	HML_TRY(HML_ARENA_NEW(arena, &out->sd, out->n_inputs));
	HML_TRY(hml_network_parse(arena, training->network, strlen(training->network), &network));
	HML_TRY(check_network(ctx, network, out->n_inputs));
	HML_TRY(hml_ensemble_create(arena, training->name, network, training->n_networks, &out->net));
	HML_TRY(hml_arena_create(ctx, &scratch));
	status = fit(arena, scratch, examples, training, out);
	hml_arena_free(scratch);
	return status;
}

/* ---- scoring --------------------------------------------------------- */

double
hml_heart_sigmoid(double logit)
{
	return 1 / (1 + exp(-fmax(-HML_HEART_MAX_LOGIT, fmin(HML_HEART_MAX_LOGIT, logit))));
}

static double
logit(double p)
{
	return fmax(-HML_HEART_MAX_LOGIT, fmin(HML_HEART_MAX_LOGIT, log(p / (1 - p))));
}

typedef struct Logits
{
	const HmlEnsemble *net;
	double *values;
} Logits;

static void
add_logits(void *user, const HmlMemberOutputs *outputs)
{
	const Logits *logits = user;

	for (size_t i = 0; i < outputs->n; i++)
		logits->values[outputs->first + i] += logit(outputs->outputs[i]) / (double) logits->net->n_members;
}

size_t
hml_heart_part_scratch_size(const HmlHeartPart *part)
{
	return hml_ensemble_scratch_size(&part->net);
}

HmlStatus
hml_heart_part_score(HmlContext *ctx, const HmlHeartPart *part, void *scratch, const float *features,
					 size_t n, double *logits)
{
	Logits sums = {&part->net, logits};
	size_t chunk = hml_ensemble_chunk(&part->net);
	float *z = hml_ensemble_block(&part->net, scratch);

	memset(logits, 0, n * sizeof(*logits));
	for (size_t first = 0; first < n; first += chunk)
	{
		size_t count = n - first < chunk ? n - first : chunk;

		for (size_t i = 0; i < count; i++)
			hml_heart_part_inputs(part, features + (first + i) * N_FEATURES, z + i * part->n_inputs);
		HML_TRY(hml_ensemble_run(&part->net, ctx, scratch, first, count, add_logits, &sums));
	}
	return HML_OK;
}

/* ---- artifact -------------------------------------------------------- */

void
hml_heart_part_write(const HmlHeartPart *part, HmlWriter *writer)
{
	hml_write_f32_array(writer, part->mean, part->n_inputs);
	hml_write_f32_array(writer, part->sd, part->n_inputs);
	hml_ensemble_write(&part->net, writer);
	hml_ensemble_write_others(&part->net, writer);
}

HmlStatus
hml_heart_part_read(HmlArena *arena, HmlReader *reader, const char *name, size_t n_inputs, HmlHeartPart *out)
{
	HmlContext *ctx = hml_arena_context(arena);

	memset(out, 0, sizeof(*out));
	out->n_inputs = n_inputs;
	HML_TRY(HML_ARENA_NEW(arena, &out->mean, n_inputs));
	HML_TRY(HML_ARENA_NEW(arena, &out->sd, n_inputs));
	HML_TRY(hml_read_f32_array(reader, out->mean, n_inputs));
	HML_TRY(hml_read_f32_array(reader, out->sd, n_inputs));
	for (size_t f = 0; f < n_inputs; f++)
		if (!isfinite(out->mean[f]) || !(out->sd[f] > 0) || !isfinite(out->sd[f]))
			return hml_fail(ctx, HML_CORRUPT, "feature \"%s\" of the model has no usable mean and spread",
							hml_heart_feature_names[f]);
	HML_TRY(hml_ensemble_read(arena, reader, name, &out->net));
	HML_TRY(check_network(ctx, out->net.network, n_inputs));
	HML_TRY(hml_ensemble_read_others(arena, reader, &out->net));
	return hml_ensemble_prepare(arena, &out->net);
}
