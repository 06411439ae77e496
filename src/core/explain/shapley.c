/*
 * shapley.c
 *	  Exact Shapley values over coalitions, and sampled ones over permutations.
 *
 * Rows to be scored, of many coalitions or permutations, are gathered in blocks of
 * BLOCK_ROWS and go through the model together.  What is exact and what is sampled
 * depends on what scoring costs.  Memory: one block of inputs, and 2^n_features values in the exact
 * case.  Polls before each block.
 */
#include "core/explain/shapley.h"

#include <math.h>
#include <string.h>

#include "core/base/rng.h"
#include "core/explain/gradient.h"
#include "core/learn/network/ensemble.h"
#include "core/model/verdict.h"

#define BLOCK_ROWS 512
#define MOST_OUTPUTS 65536 /* of a block; more than any model has for one row */
#define MOST_PAIRS 4       /* of permutations for each background row, unless more are asked for */

/* A core does this much in about a quarter of a millisecond; a row costs something beside its network. */
#define FLOPS_OF_AN_EXPLANATION 1.3e7
#define FLOPS_OF_A_ROW 300.0
#define PERMUTATION_SEED 42

typedef struct Game
{
	const HmlModel *model;
	HmlContext *ctx;
	HmlArena *arena;
	const double *inputs; /* the explained row */
	void *scratch;
	size_t class;    /* that is explained, of several */
	size_t most;     /* rows of a block */
	double *block;   /* (most, n_inputs) rows to be scored */
	double *outputs; /* (most, n_outputs) */
	size_t n;        /* rows in the block */
} Game;

static size_t
features_of(const Game *game)
{
	return game->model->pipeline->n_features;
}

static const double *
background_row(const Game *game, size_t row)
{
	return game->model->background + row * game->model->pipeline->n_inputs;
}

static HmlStatus
prepare(Game *game)
{
	const HmlModel *model = game->model;
	size_t most = MOST_OUTPUTS / model->n_outputs;

	game->most = most < BLOCK_ROWS ? most : BLOCK_ROWS;
	HML_TRY(hml_arena_alloc(game->arena, game->most, model->pipeline->n_inputs * sizeof(double),
							(void **) &game->block));
	HML_TRY(hml_arena_alloc(game->arena, game->most, model->n_outputs * sizeof(double),
							(void **) &game->outputs));
	return hml_arena_alloc(game->arena, 1, model->algorithm->scratch_size(model), &game->scratch);
}

static HmlStatus
run_block(Game *game)
{
	HmlSamples samples = hml_sample_rows(game->block, game->n);

	HML_TRY(hml_poll(game->ctx));
	return hml_model_outputs(game->model, game->ctx, game->scratch, &samples, game->outputs);
}

/* Append the values of the block's rows to 'values', and empty it. */
static HmlStatus
value_block(Game *game, double **values)
{
	HML_TRY(run_block(game));
	for (size_t i = 0; i < game->n; i++)
		*(*values)++ =
			hml_explained_output(game->model, game->outputs + i * game->model->n_outputs, game->class);
	game->n = 0;
	return HML_OK;
}

static double *
next_row(Game *game)
{
	return game->block + game->n++ * game->model->pipeline->n_inputs;
}

/* The class of the explained row, and the value of it. */
static HmlStatus
value_explained(Game *game, double *value)
{
	memcpy(next_row(game), game->inputs, game->model->pipeline->n_inputs * sizeof(double));
	HML_TRY(run_block(game));
	game->n = 0;
	game->class = hml_class_of_outputs(game->model, game->outputs);
	*value = hml_explained_output(game->model, game->outputs, game->class);
	return HML_OK;
}

/* The feature takes the value that it has in the explained row. */
static void
take_feature(const Game *game, double *row, size_t feature)
{
	const HmlFeature *f = &game->model->pipeline->features[feature];

	memcpy(row + f->first_input, game->inputs + f->first_input, f->n_inputs * sizeof(double));
}

/* ---- all coalitions ------------------------------------------------------------------------------- */

/* Mean value over the background of each coalition, by its bits. */
static HmlStatus
value_coalitions(Game *game, double *means)
{
	size_t n_background = game->model->n_background;
	size_t n_rows = n_background << features_of(game);
	size_t done = 0;
	double *values;

	HML_TRY(HML_ARENA_NEW(game->arena, &values, game->most));
	for (size_t i = 0; i < n_rows; i++)
	{
		size_t coalition = i / n_background;
		double *row = next_row(game);
		double *end = values;

		memcpy(row, background_row(game, i % n_background), game->model->pipeline->n_inputs * sizeof(double));
		for (size_t f = 0; f < features_of(game); f++)
			if (coalition >> f & 1)
				take_feature(game, row, f);
		if (game->n < game->most && i + 1 < n_rows)
			continue;
		HML_TRY(value_block(game, &end));
		for (const double *value = values; value < end; value++, done++)
			means[done / n_background] += *value / (double) n_background;
	}
	return HML_OK;
}

/* |S|! (n - |S| - 1)! / n!, for all sizes. */
static void
fill_weights(double *weights, size_t n)
{
	weights[0] = 1.0 / (double) n;
	for (size_t size = 1; size < n; size++)
		weights[size] = weights[size - 1] * (double) size / (double) (n - size);
}

static HmlStatus
explain_exactly(Game *game, HmlExplanation *out)
{
	size_t n = features_of(game);
	size_t n_coalitions = (size_t) 1 << n;
	double weights[HML_SHAPLEY_MOST_EXACT];
	double margin;
	double *values;

	HML_TRY(value_explained(game, &margin));
	HML_TRY(HML_ARENA_NEW_ZERO(game->arena, &values, n_coalitions));
	HML_TRY(value_coalitions(game, values));
	fill_weights(weights, n);
	for (size_t f = 0; f < n; f++)
	{
		out->contributions[f] = 0.0;
		for (size_t coalition = 0; coalition < n_coalitions; coalition++)
			if ((coalition >> f & 1) == 0)
				out->contributions[f] += weights[__builtin_popcountll(coalition)] *
										 (values[coalition | (size_t) 1 << f] - values[coalition]);
	}
	out->base = values[0];
	out->margin = values[n_coalitions - 1];
	out->standard_error = 0.0;
	out->method = "exact_shapley";
	return HML_OK;
}

/* ---- permutations --------------------------------------------------------------------------------- */

/*
 * While a background row turns into the explained one feature by feature, each
 * change of the value is a contribution of that feature; the same order backwards
 * makes the antithetic pair.  Both ends of a walk are known beforehand.
 */
typedef struct Sampling
{
	size_t n_pairs;
	size_t at_once;     /* pairs whose rows are scored together */
	double margin;      /* value of the explained row */
	double *background; /* (n_background) values */
	uint32_t *orders;   /* (at_once, n) permutations of the features */
	double *values;     /* (at_once, 2, n - 1) along the walks */
	double *pair;       /* (n) mean contributions of a pair */
	double *sum;        /* (n) over pairs */
	double *squares;    /* (n) */
	double base;        /* sum of the values where the walks begin */
} Sampling;

/* Background row of a pair: in turn, or of fewer pairs than rows evenly spread ones. */
static size_t
start_of_pair(const Game *game, const Sampling *sampling, size_t pair)
{
	size_t n = game->model->n_background;

	return sampling->n_pairs < n ? pair * n / sampling->n_pairs : pair % n;
}

static HmlStatus
value_background(Game *game, double *values)
{
	for (size_t i = 0; i < game->model->n_background; i++)
	{
		memcpy(next_row(game), background_row(game, i), game->model->pipeline->n_inputs * sizeof(double));
		if (game->n == game->most)
			HML_TRY(value_block(game, &values));
	}
	return game->n > 0 ? value_block(game, &values) : HML_OK;
}

static HmlStatus
prepare_sampling(Game *game, Sampling *sampling)
{
	size_t n = features_of(game);

	sampling->at_once = 1 + game->most / (2 * n);
	HML_TRY(HML_ARENA_NEW(game->arena, &sampling->background, game->model->n_background));
	HML_TRY(
		hml_arena_alloc(game->arena, sampling->at_once, n * sizeof(uint32_t), (void **) &sampling->orders));
	HML_TRY(
		hml_arena_alloc(game->arena, sampling->at_once, 2 * n * sizeof(double), (void **) &sampling->values));
	HML_TRY(HML_ARENA_NEW(game->arena, &sampling->pair, n));
	HML_TRY(HML_ARENA_NEW_ZERO(game->arena, &sampling->sum, n));
	HML_TRY(HML_ARENA_NEW_ZERO(game->arena, &sampling->squares, n));
	HML_TRY(value_explained(game, &sampling->margin));
	return value_background(game, sampling->background);
}

/* Rows of one walk, without its ends; 'step' of the order, or of the reversed one. */
static HmlStatus
walk(Game *game, const uint32_t *order, bool reversed, size_t start, double **values)
{
	size_t n = features_of(game);
	size_t n_inputs = game->model->pipeline->n_inputs;
	const double *previous = background_row(game, start);

	for (size_t step = 0; step + 1 < n; step++)
	{
		double *row = next_row(game);

		memmove(row, previous, n_inputs * sizeof(double));
		take_feature(game, row, order[reversed ? n - 1 - step : step]);
		previous = row;
		if (game->n == game->most)
			HML_TRY(value_block(game, values));
	}
	return HML_OK;
}

/* Changes along a walk; values is (n - 1). */
static void
add_changes(const Sampling *sampling, const uint32_t *order, bool reversed, size_t n, double first,
			const double *values)
{
	double before = first;

	for (size_t step = 0; step < n; step++)
	{
		double after = step + 1 < n ? values[step] : sampling->margin;

		sampling->pair[order[reversed ? n - 1 - step : step]] += (after - before) / 2.0;
		before = after;
	}
}

static void
add_pair(Sampling *sampling, const uint32_t *order, size_t n, double first, const double *values)
{
	memset(sampling->pair, 0, n * sizeof(double));
	add_changes(sampling, order, false, n, first, values);
	add_changes(sampling, order, true, n, first, values + n - 1);
	for (size_t f = 0; f < n; f++)
	{
		sampling->sum[f] += sampling->pair[f];
		sampling->squares[f] += sampling->pair[f] * sampling->pair[f];
	}
	sampling->base += first;
}

/* Pairs first to first + count - 1: their rows go through the model together. */
static HmlStatus
sample_pairs(Game *game, Sampling *sampling, HmlRng *rng, size_t first, size_t count)
{
	size_t n = features_of(game);
	double *end = sampling->values;

	for (size_t i = 0; i < count; i++)
	{
		uint32_t *order = sampling->orders + i * n;
		size_t start = start_of_pair(game, sampling, first + i);

		for (size_t f = 0; f < n; f++)
			order[f] = (uint32_t) f;
		hml_rng_shuffle(rng, order, n);
		HML_TRY(walk(game, order, false, start, &end));
		HML_TRY(walk(game, order, true, start, &end));
	}
	if (game->n > 0)
		HML_TRY(value_block(game, &end));
	for (size_t i = 0; i < count; i++)
		add_pair(sampling, sampling->orders + i * n, n,
				 sampling->background[start_of_pair(game, sampling, first + i)],
				 sampling->values + i * 2 * (n - 1));
	return HML_OK;
}

static void
conclude(const Sampling *sampling, size_t n_features, HmlExplanation *out)
{
	double n = (double) sampling->n_pairs;

	out->base = sampling->base / n;
	out->margin = sampling->margin;
	out->standard_error = 0.0;
	out->method = "permutation_shap";
	for (size_t f = 0; f < n_features; f++)
	{
		double mean = sampling->sum[f] / n;
		double variance = fmax(sampling->squares[f] / n - mean * mean, 0.0);

		out->contributions[f] = mean;
		out->standard_error = fmax(out->standard_error, sqrt(variance / n));
	}
}

static HmlStatus
explain_by_sampling(Game *game, size_t n_pairs, HmlExplanation *out)
{
	Sampling sampling = {.n_pairs = n_pairs};
	HmlRng rng;

	HML_TRY(prepare_sampling(game, &sampling));
	hml_rng_seed(&rng, PERMUTATION_SEED);
	for (size_t first = 0; first < n_pairs; first += sampling.at_once)
	{
		size_t left = n_pairs - first;

		HML_TRY(
			sample_pairs(game, &sampling, &rng, first, left < sampling.at_once ? left : sampling.at_once));
	}
	conclude(&sampling, features_of(game), out);
	return HML_OK;
}

/* ---- the choice ----------------------------------------------------------------------------------- */

/* Floating point operations for one row. */
static double
cost_of_row(const HmlModel *model)
{
	double flops = FLOPS_OF_A_ROW;

	for (size_t k = 0; model->algorithm->network != NULL && model->algorithm->network(model, k) != NULL; k++)
	{
		const HmlEnsemble *ensemble = model->algorithm->network(model, k);

		flops += ensemble->network->flops * (double) ensemble->n_members;
	}
	return flops;
}

static bool
is_exact(const HmlModel *model)
{
	size_t n = model->pipeline->n_features;

	if (model->explain_method != HML_EXPLAIN_AUTO)
		return model->explain_method == HML_EXPLAIN_EXACT;
	return n <= HML_SHAPLEY_MOST_EXACT &&
		   ldexp((double) model->n_background, (int) n) * cost_of_row(model) <= FLOPS_OF_AN_EXPLANATION;
}

/* As many for each background row as can be afforded, from 1 to MOST_PAIRS. */
static size_t
pairs_of(const HmlModel *model)
{
	double rows = 2.0 * (double) model->pipeline->n_features * (double) model->n_background;
	double affordable = FLOPS_OF_AN_EXPLANATION / (rows * cost_of_row(model));

	if (model->explain_samples > 0)
		return model->explain_samples;
	return model->n_background * (size_t) fmin(fmax(affordable, 1.0), MOST_PAIRS);
}

static HmlStatus
play(Game *game, HmlExplanation *out)
{
	size_t n = features_of(game);

	HML_TRY(prepare(game));
	if (!is_exact(game->model))
		return explain_by_sampling(game, pairs_of(game->model), out);
	if (n > HML_SHAPLEY_MOST_EXACT)
		return hml_fail(game->ctx, HML_LIMIT, "too many features to be explained exactly: %zu (limit %d)", n,
						HML_SHAPLEY_MOST_EXACT);
	return explain_exactly(game, out);
}

HmlStatus
hml_shapley_explain(const HmlModel *model, HmlContext *ctx, const double *inputs, HmlExplanation *out)
{
	Game game = {.model = model, .ctx = ctx, .inputs = inputs};
	HmlStatus status;

	if (model->n_background == 0)
	{
		hml_fail(ctx, HML_UNSUPPORTED, "the model has no background rows to be explained against");
		return hml_hint(ctx, "Models that were trained here have them, imported ones may not.");
	}
	HML_TRY(hml_arena_create(ctx, &game.arena));
	status = play(&game, out);
	hml_arena_free(game.arena);
	return status;
}

bool
hml_can_explain(const HmlModel *model)
{
	return model->algorithm->explain != NULL || model->n_background > 0;
}

HmlStatus
hml_explain(const HmlModel *model, HmlContext *ctx, const double *inputs, HmlExplanation *out)
{
	if (model->algorithm->explain != NULL)
		return model->algorithm->explain(model, ctx, inputs, out);
	if (model->explain_method == HML_EXPLAIN_GRADIENT && model->n_corrections == 0)
		return hml_gradient_explain(model, ctx, inputs, out);
	return hml_shapley_explain(model, ctx, inputs, out);
}
