/*
 * iforest_grow.c
 *	  Growing isolation trees, as scikit-learn grows them.
 *
 * For each node an input is drawn among those that are not constant in it, and
 * a threshold evenly between its smallest and its largest value.  A node of one
 * row, one whose inputs are all constant, and one at depth ceil(log2(max_samples))
 * is a leaf.  A row that the bootstrap drew twice is one row, with weight 2.
 *
 * A tree's rows are turned into columns of float32 once; nodes are ranges of an
 * array of positions in them, which a split partitions in place.  An input that
 * is constant in a node is so in its whole subtree and is not tried there again:
 * a node passes on how many leading items of the list of inputs may still vary.
 */
#include "core/learn/iforest/iforest_grow.h"

#include <math.h>
#include <string.h>

#include "core/base/checked.h"
#include "core/base/rng.h"
#include "core/learn/iforest/iforest_build.h"

#define ROWS_AT_ONCE 1024 /* rows between two polls */

/* A node that is still to be made: positions start .. end - 1. */
typedef struct Range
{
	uint32_t start;
	uint32_t end;
	uint32_t n_varying; /* inputs that may vary, in front of the list */
	unsigned depth;
} Range;

typedef struct Grower
{
	HmlContext *ctx;
	const HmlForestPlan *plan;
	const HmlPipeline *pipeline;
	const HmlFrame *frame;
	const uint32_t *rows;
	size_t n_rows;
	unsigned max_depth;
	HmlRng rng;
	HmlForestBuilder trees;

	uint32_t *order;  /* (n_rows) a permutation of the rows; with bootstrap: how often each was drawn */
	uint32_t *chosen; /* (max_samples) rows of the tree: numbers of the frame, without repetition */
	uint32_t *weight; /* (max_samples) how often each of them was drawn */
	uint32_t n_chosen;
	uint32_t *position; /* (max_samples) of the tree's rows, ordered by node */
	uint32_t *inputs;   /* (n_inputs) the tree's inputs come first */
	double *turned;     /* (ROWS_AT_ONCE, n_inputs) */
	float *rounded;     /* (n_inputs) */
	float *columns;     /* (n_inputs, max_samples) */
} Grower;

/* ---- rows and inputs of a tree -------------------------------------------------------------------- */

/* Leading items of a permutation that goes on being shuffled are an even draw. */
static void
draw_front(HmlRng *rng, uint32_t *items, size_t n_items, size_t n_wanted)
{
	for (size_t i = 0; i < n_wanted; i++)
	{
		size_t j = i + (size_t) hml_rng_below(rng, n_items - i);
		uint32_t swap = items[i];

		items[i] = items[j];
		items[j] = swap;
	}
}

static void
draw_without_replacement(Grower *g)
{
	draw_front(&g->rng, g->order, g->n_rows, g->plan->max_samples);
	for (size_t i = 0; i < g->plan->max_samples; i++)
	{
		g->chosen[i] = g->order[i];
		g->weight[i] = 1;
	}
	g->n_chosen = (uint32_t) g->plan->max_samples;
}

static void
draw_with_replacement(Grower *g)
{
	uint32_t n = 0;

	for (size_t i = 0; i < g->plan->max_samples; i++)
	{
		uint32_t row = (uint32_t) hml_rng_below(&g->rng, g->n_rows);

		if (g->order[row]++ == 0)
			g->chosen[n++] = row;
	}
	for (uint32_t i = 0; i < n; i++)
	{
		g->weight[i] = g->order[g->chosen[i]];
		g->order[g->chosen[i]] = 0;
	}
	g->n_chosen = n;
}

/* Fill the columns of the tree, a block of rows at a time. */
static HmlStatus
turn_rows(Grower *g)
{
	size_t n_inputs = g->pipeline->n_inputs;

	for (uint32_t i = 0; i < g->n_chosen; i++)
	{
		g->chosen[i] = g->rows == NULL ? g->chosen[i] : g->rows[g->chosen[i]];
		g->position[i] = i;
	}
	for (uint32_t first = 0; first < g->n_chosen; first += ROWS_AT_ONCE)
	{
		size_t n = g->n_chosen - first < ROWS_AT_ONCE ? g->n_chosen - first : ROWS_AT_ONCE;

		HML_TRY(hml_poll(g->ctx));
		HML_TRY(hml_pipeline_apply_frame(g->pipeline, g->ctx, g->frame, g->chosen + first, n, g->turned));
		for (size_t row = 0; row < n; row++)
		{
			hml_iforest_cast(g->turned + row * n_inputs, n_inputs, g->rounded);
			for (size_t input = 0; input < n_inputs; input++)
				g->columns[input * g->plan->max_samples + first + row] = g->rounded[input];
		}
	}
	return HML_OK;
}

/* ---- one tree ------------------------------------------------------------------------------------- */

static bool
varies(const Grower *g, uint32_t input, const Range *range, float *least, float *most)
{
	const float *column = g->columns + input * g->plan->max_samples;
	float low = column[g->position[range->start]];
	float high = low;

	for (uint32_t i = range->start + 1; i < range->end; i++)
	{
		float x = column[g->position[i]];

		low = x < low ? x : low;
		high = x > high ? x : high;
	}
	*least = low;
	*most = high;
	return low < high;
}

/* An input that varies in the range, drawn evenly; the constant ones that were met are moved to the end. */
static bool
draw_input(Grower *g, Range *range, uint32_t *input, float *least, float *most)
{
	while (range->n_varying > 0)
	{
		uint32_t i = (uint32_t) hml_rng_below(&g->rng, range->n_varying);

		*input = g->inputs[i];
		if (varies(g, *input, range, least, most))
			return true;
		g->inputs[i] = g->inputs[--range->n_varying];
		g->inputs[range->n_varying] = *input;
	}
	return false;
}

/* Positions whose input is not above the threshold come first; returns the first of the others. */
static uint32_t
partition(Grower *g, const Range *range, uint32_t input, double threshold)
{
	const float *column = g->columns + input * g->plan->max_samples;
	uint32_t middle = range->start;

	for (uint32_t i = range->start; i < range->end; i++)
	{
		uint32_t position = g->position[i];

		g->position[i] = g->position[middle];
		g->position[middle] = position;
		middle += column[position] <= threshold;
	}
	return middle;
}

static HmlStatus
add_leaf(Grower *g, const Range *range)
{
	double cover = 0;

	for (uint32_t i = range->start; i < range->end; i++)
		cover += g->weight[g->position[i]];
	return hml_forest_add_leaf(&g->trees, range->end - range->start, cover);
}

/* Make one node; a split leaves its right part in *range and its left part in *left. */
static HmlStatus
make_node(Grower *g, Range *range, Range *left, bool *is_leaf)
{
	uint32_t input;
	float least;
	float most;
	double threshold;

	*is_leaf = range->depth == g->max_depth || range->end - range->start < 2 ||
			   !draw_input(g, range, &input, &least, &most);
	if (*is_leaf)
		return add_leaf(g, range);

	threshold = least + hml_rng_uniform(&g->rng) * ((double) most - (double) least);
	if (!(threshold < most))
		threshold = least; /* rounding must not leave the right part empty */
	range->depth++;
	*left = *range;
	left->end = range->start = partition(g, range, input, threshold);
	return hml_forest_add_split(&g->trees, (uint16_t) input, threshold);
}

static HmlStatus
grow_tree(Grower *g)
{
	Range pending[HML_IFOREST_MAX_DEPTH + 1];
	size_t n_pending = 1;

	if (g->plan->max_features < g->pipeline->n_inputs)
		draw_front(&g->rng, g->inputs, g->pipeline->n_inputs, g->plan->max_features);
	if (g->plan->bootstrap)
		draw_with_replacement(g);
	else
		draw_without_replacement(g);
	HML_TRY(turn_rows(g));

	pending[0] = (Range){0, g->n_chosen, (uint32_t) g->plan->max_features, 0};
	while (n_pending > 0)
	{
		Range *range = &pending[n_pending - 1];
		bool is_leaf;

		if (range->end - range->start > ROWS_AT_ONCE)
			HML_TRY(hml_poll(g->ctx));
		HML_TRY(make_node(g, range, &pending[n_pending], &is_leaf));
		n_pending += is_leaf ? (size_t) -1 : 1;
	}
	return HML_OK;
}

/* ---- the forest ----------------------------------------------------------------------------------- */

static void
begin(Grower *g)
{
	for (size_t i = 0; i < g->n_rows; i++)
		g->order[i] = g->plan->bootstrap ? 0 : (uint32_t) i;
	for (size_t i = 0; i < g->pipeline->n_inputs; i++)
		g->inputs[i] = (uint32_t) i;
	g->max_depth = 1;
	while ((size_t) 1 << g->max_depth < g->plan->max_samples)
		g->max_depth++;
}

static HmlStatus
grow_trees(Grower *g)
{
	begin(g);
	for (size_t tree = 0; tree < g->plan->n_estimators; tree++)
	{
		hml_rng_seed_stream(&g->rng, g->plan->seed, tree);
		HML_TRY(grow_tree(g));
		hml_report_progress(g->ctx, "build", (int64_t) tree + 1, (int64_t) g->plan->n_estimators);
	}
	return HML_OK;
}

static HmlStatus
take_memory(Grower *g)
{
	size_t n_inputs = g->pipeline->n_inputs;
	size_t n_cells;
	size_t n_block = g->plan->max_samples < ROWS_AT_ONCE ? g->plan->max_samples : ROWS_AT_ONCE;

	if (!hml_size_mul(n_inputs, g->plan->max_samples, &n_cells))
		return hml_fail(g->ctx, HML_LIMIT, "%zu rows of %zu inputs do not fit in memory",
						g->plan->max_samples, n_inputs);
	HML_TRY(HML_NEW(g->ctx, &g->order, g->n_rows));
	HML_TRY(HML_NEW(g->ctx, &g->chosen, g->plan->max_samples));
	HML_TRY(HML_NEW(g->ctx, &g->weight, g->plan->max_samples));
	HML_TRY(HML_NEW(g->ctx, &g->position, g->plan->max_samples));
	HML_TRY(HML_NEW(g->ctx, &g->inputs, n_inputs));
	HML_TRY(HML_NEW(g->ctx, &g->turned, n_block * n_inputs));
	HML_TRY(HML_NEW(g->ctx, &g->rounded, n_inputs));
	return HML_NEW(g->ctx, &g->columns, n_cells);
}

static void
release_memory(Grower *g)
{
	hml_free(g->ctx, g->order);
	hml_free(g->ctx, g->chosen);
	hml_free(g->ctx, g->weight);
	hml_free(g->ctx, g->position);
	hml_free(g->ctx, g->inputs);
	hml_free(g->ctx, g->turned);
	hml_free(g->ctx, g->rounded);
	hml_free(g->ctx, g->columns);
}

HmlStatus
hml_forest_grow(HmlArena *arena, const HmlForestPlan *plan, const HmlPipeline *pipeline,
				const HmlFrame *frame, const uint32_t *rows, size_t n_rows, HmlForest **out)
{
	Grower grower = {.ctx = hml_arena_context(arena),
					 .plan = plan,
					 .pipeline = pipeline,
					 .frame = frame,
					 .rows = rows,
					 .n_rows = n_rows};
	HmlStatus status;

	hml_forest_builder_init(&grower.trees, grower.ctx);
	status = take_memory(&grower);
	if (status == HML_OK)
		status = grow_trees(&grower);
	release_memory(&grower);
	if (status == HML_OK)
		status = hml_forest_build(&grower.trees, arena, pipeline->n_inputs, plan->n_estimators,
								  (uint32_t) plan->max_samples, out);
	hml_forest_builder_free(&grower.trees);
	return status;
}
