/*
 * shapley.c
 *	  Exact Shapley values over coalitions, and sampled ones over permutations.
 *
 * Rows to be scored are gathered in blocks of BLOCK_ROWS, so that a network sees
 * many at once.  Memory: one block of inputs, and 2^n_features values in the exact
 * case.  Polls before each block.
 */
#include "core/explain/shapley.h"

#include <math.h>
#include <string.h>

#include "core/base/rng.h"
#include "core/model/verdict.h"

#define BLOCK_ROWS 512
#define PERMUTATION_SEED 42

typedef struct Game
{
	const HmlModel *model;
	HmlContext *ctx;
	HmlArena *arena;
	const double *inputs; /* the explained row */
	void *scratch;
	double *block;  /* (BLOCK_ROWS, n_inputs) rows to be scored */
	double *scores; /* (BLOCK_ROWS) */
	size_t n;       /* rows in the block */
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

	HML_TRY(hml_arena_alloc(game->arena, BLOCK_ROWS, model->pipeline->n_inputs * sizeof(double),
							(void **) &game->block));
	HML_TRY(HML_ARENA_NEW(game->arena, &game->scores, BLOCK_ROWS));
	return hml_arena_alloc(game->arena, 1, model->algorithm->scratch_size(model), &game->scratch);
}

static HmlStatus
score_block(Game *game)
{
	HmlSamples samples = hml_sample_rows(game->block, game->n);

	HML_TRY(hml_poll(game->ctx));
	return hml_model_score(game->model, game->ctx, game->scratch, &samples, game->scores);
}

static double *
next_row(Game *game)
{
	return game->block + game->n++ * game->model->pipeline->n_inputs;
}

/* The feature takes the value that it has in the explained row. */
static void
take_feature(const Game *game, double *row, size_t feature)
{
	const HmlFeature *f = &game->model->pipeline->features[feature];

	memcpy(row + f->first_input, game->inputs + f->first_input, f->n_inputs * sizeof(double));
}

/* ---- all coalitions ------------------------------------------------------------------------------- */

/* Mean score over the background of each coalition, by its bits. */
static HmlStatus
value_coalitions(Game *game, double *values)
{
	size_t n_background = game->model->n_background;
	size_t n_rows = n_background << features_of(game);
	size_t scored = 0;

	for (size_t i = 0; i < n_rows; i++)
	{
		size_t coalition = i / n_background;
		double *row = next_row(game);

		memcpy(row, background_row(game, i % n_background), game->model->pipeline->n_inputs * sizeof(double));
		for (size_t f = 0; f < features_of(game); f++)
			if (coalition >> f & 1)
				take_feature(game, row, f);
		if (game->n < BLOCK_ROWS && i + 1 < n_rows)
			continue;
		HML_TRY(score_block(game));
		for (size_t k = 0; k < game->n; k++, scored++)
			values[scored / n_background] += game->scores[k] / (double) n_background;
		game->n = 0;
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
	double weights[HML_SHAPLEY_EXACT_FEATURES];
	double *values;

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

typedef struct Sums
{
	uint32_t *order; /* (n) a permutation of the features */
	double *path;    /* (n + 1) scores along it */
	double *pair;    /* (n) mean contributions of a permutation and its reverse */
	double *sum;     /* (n) over pairs */
	double *squares; /* (n) */
	size_t n_pairs;
} Sums;

static HmlStatus
prepare_sums(Game *game, Sums *sums)
{
	size_t n = features_of(game);

	HML_TRY(HML_ARENA_NEW(game->arena, &sums->order, n));
	HML_TRY(HML_ARENA_NEW(game->arena, &sums->path, n + 1));
	HML_TRY(HML_ARENA_NEW(game->arena, &sums->pair, n));
	HML_TRY(HML_ARENA_NEW_ZERO(game->arena, &sums->sum, n));
	HML_TRY(HML_ARENA_NEW_ZERO(game->arena, &sums->squares, n));
	for (size_t f = 0; f < n; f++)
		sums->order[f] = (uint32_t) f;
	sums->n_pairs = 0;
	return HML_OK;
}

/* Scores while the background row turns into the explained one, feature by feature. */
static HmlStatus
walk(Game *game, Sums *sums, const double *background)
{
	size_t n = features_of(game);
	size_t n_inputs = game->model->pipeline->n_inputs;
	const double *previous = background;
	size_t scored = 0;

	for (size_t step = 0; step <= n; step++)
	{
		double *row = next_row(game);

		memmove(row, previous, n_inputs * sizeof(double));
		if (step > 0)
			take_feature(game, row, sums->order[step - 1]);
		previous = row;
		if (game->n < BLOCK_ROWS && step < n)
			continue;
		HML_TRY(score_block(game));
		memcpy(sums->path + scored, game->scores, game->n * sizeof(double));
		scored += game->n;
		game->n = 0;
	}
	return HML_OK;
}

static HmlStatus
add_walk(Game *game, Sums *sums, const double *background)
{
	HML_TRY(walk(game, sums, background));
	for (size_t step = 0; step < features_of(game); step++)
		sums->pair[sums->order[step]] += (sums->path[step + 1] - sums->path[step]) / 2.0;
	return HML_OK;
}

static HmlStatus
add_pair(Game *game, Sums *sums, HmlRng *rng, const double *background)
{
	size_t n = features_of(game);

	memset(sums->pair, 0, n * sizeof(double));
	hml_rng_shuffle(rng, sums->order, n);
	HML_TRY(add_walk(game, sums, background));
	for (size_t i = 0; i < n / 2; i++)
	{
		uint32_t swap = sums->order[i];

		sums->order[i] = sums->order[n - 1 - i];
		sums->order[n - 1 - i] = swap;
	}
	HML_TRY(add_walk(game, sums, background));
	for (size_t f = 0; f < n; f++)
	{
		sums->sum[f] += sums->pair[f];
		sums->squares[f] += sums->pair[f] * sums->pair[f];
	}
	sums->n_pairs++;
	return HML_OK;
}

/* Every background row is walked from equally often, so that the contributions add up exactly. */
static HmlStatus
explain_by_sampling(Game *game, HmlExplanation *out)
{
	size_t n_background = game->model->n_background;
	Sums sums;
	HmlRng rng;
	double base = 0.0;

	HML_TRY(prepare_sums(game, &sums));
	hml_rng_seed(&rng, PERMUTATION_SEED);
	for (size_t i = 0; i < n_background * HML_SHAPLEY_PAIRS; i++)
	{
		HML_TRY(add_pair(game, &sums, &rng, background_row(game, i % n_background)));
		base += sums.path[0] / (double) (n_background * HML_SHAPLEY_PAIRS);
	}
	out->base = base;
	out->margin = sums.path[features_of(game)];
	out->standard_error = 0.0;
	out->method = "permutation_shap";
	for (size_t f = 0; f < features_of(game); f++)
	{
		double n = (double) sums.n_pairs;
		double mean = sums.sum[f] / n;
		double variance = fmax(sums.squares[f] / n - mean * mean, 0.0);

		out->contributions[f] = mean;
		out->standard_error = fmax(out->standard_error, sqrt(variance / n));
	}
	return HML_OK;
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
	status = prepare(&game);
	if (status == HML_OK && features_of(&game) <= HML_SHAPLEY_EXACT_FEATURES)
		status = explain_exactly(&game, out);
	else if (status == HML_OK)
		status = explain_by_sampling(&game, out);
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
	return hml_shapley_explain(model, ctx, inputs, out);
}
