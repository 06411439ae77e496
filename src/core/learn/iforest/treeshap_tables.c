/*
 * treeshap_tables.c
 *	  The tables of an explainer (treeshap.c says what for, treeshap_kernel.h how
 *	  they are read).
 *
 * Each tree is taken apart (treeshap_tree.c) and written into the tables of its
 * pair: trees of similar size make one.
 *
 * The first explanation of a session waits for this.
 */
#include "core/learn/iforest/treeshap_tree.h"

#include <math.h>
#include <string.h>

#include "core/base/sort.h"

#define PI 3.14159265358979323846

/* Four nodes of the quadrature do for a path of eight features. */
#define MAX_QUADS (HML_IFOREST_MAX_DEPTH / 8)

/* ---- pairs ---------------------------------------------------------------------------------------- */

/* A branch of the tree as the tables have it. */
static uint32_t
branch_of(const ShapTree *tree, uint32_t half, uint32_t branch)
{
	return (2 * tree->number[branch / 2] + half) * 2 + branch % 2;
}

static void
write_split(const ShapBuilder *b, size_t split, float threshold, uint32_t half, size_t to)
{
	const ShapTree *tree = &b->tree;
	const HmlShapSplits *splits = &b->shap.splits;

	splits->threshold[to] = threshold;
	splits->feature[to] = tree->feature[split];
	splits->left_share[to] = tree->left_share[split];
	splits->parent[to] = branch_of(tree, half, tree->parent[split]);
	splits->above[to] = branch_of(tree, half, tree->above[split]);
	splits->next[to] = tree->absent_next[split];
}

static void
write_cherry(const ShapBuilder *b, size_t split, float threshold, uint32_t half, size_t to)
{
	const ShapTree *tree = &b->tree;
	const HmlShapCherries *cherries = &b->shap.cherries;

	cherries->threshold[to] = threshold;
	cherries->feature[to] = tree->feature[split];
	cherries->left_share[to] = tree->left_share[split];
	cherries->left[to] = tree->value[2 * split];
	cherries->right[to] = tree->value[2 * split + 1];
	cherries->parent[to] = branch_of(tree, half, tree->parent[split]);
	cherries->above[to] = branch_of(tree, half, tree->above[split]);
}

/* Splits without cherries, then cherries, in tree->order. */
static void
write_splits(const ShapBuilder *b, const HmlShapTrees *pair, uint32_t half)
{
	const ShapTree *tree = &b->tree;
	const uint32_t n_others = tree->n_splits - tree->n_cherries;
	const float *threshold =
		b->forest->threshold + hml_iforest_splits_before(b->forest, tree->number_in_forest);

	for (uint32_t i = 0; i < n_others; i++)
	{
		uint32_t split = tree->order[i];

		write_split(b, split, threshold[split], half, pair->first_split + 2 * (size_t) i + half);
	}
	for (uint32_t i = 0; i < tree->n_cherries; i++)
	{
		uint32_t cherry = tree->order[n_others + i];

		write_cherry(b, cherry, threshold[cherry], half, pair->first_cherry + 2 * (size_t) i + half);
	}
}

/* Of those that no cherry has; returns their number.  One that does not count is overwritten. */
static size_t
write_leaves(const ShapBuilder *b, const HmlShapTrees *pair, uint32_t half)
{
	const ShapTree *tree = &b->tree;
	const HmlShapLeaves *leaves = &b->shap.leaves;
	size_t n = 0;

	for (size_t i = 0; i <= tree->n_splits; i++)
	{
		uint32_t parent = tree->leaf_parent[i];
		size_t to = pair->first_leaf + 2 * n + half;

		leaves->value[to] = tree->value[parent];
		leaves->parent[to] = branch_of(tree, half, parent);
		n += tree->leaves_of[parent / 2] < 2;
	}
	return n;
}

/* Items whose feature is always absent, so that they have no effect, until both trees have as many. */
static void
fill_up(const ShapBuilder *b, const HmlShapTrees *pair, uint32_t half, size_t n_splits, size_t n_cherries,
		size_t n_leaves)
{
	const HmlShapSplits *splits = &b->shap.splits;
	const HmlShapCherries *cherries = &b->shap.cherries;
	const HmlShapLeaves *leaves = &b->shap.leaves;
	const uint32_t to_root = (2 * pair->n_splits + half) * 2;

	for (size_t i = pair->first_split + 2 * n_splits + half; n_splits < pair->n_splits; n_splits++, i += 2)
	{
		splits->threshold[i] = INFINITY;
		splits->feature[i] = 0;
		splits->left_share[i] = 1;
		splits->parent[i] = to_root;
		splits->above[i] = to_root + 1;
		splits->next[i] = HML_SHAP_ABSENT;
	}
	for (size_t i = pair->first_cherry + 2 * n_cherries + half; n_cherries < pair->n_cherries;
		 n_cherries++, i += 2)
	{
		cherries->threshold[i] = INFINITY;
		cherries->feature[i] = 0;
		cherries->left_share[i] = 1;
		cherries->left[i] = cherries->right[i] = 0;
		cherries->parent[i] = to_root;
		cherries->above[i] = to_root + 1;
	}
	for (size_t i = pair->first_leaf + 2 * n_leaves + half; n_leaves < pair->n_leaves; n_leaves++, i += 2)
	{
		leaves->value[i] = 0;
		leaves->parent[i] = to_root;
	}
}

/* The tree of the rank by size. */
static size_t
by_size(const ShapBuilder *b, size_t rank)
{
	return (size_t) fmod(b->order[rank], HML_IFOREST_MAX_TREES);
}

/* What the two trees of a pair need: room for the larger of each. */
static HmlShapTrees
size_of_pair(const ShapBuilder *b, size_t number)
{
	HmlShapTrees pair = {0};

	for (size_t rank = 2 * number; rank < 2 * number + 2 && rank < b->forest->n_trees; rank++)
	{
		size_t tree = by_size(b, rank);
		uint32_t n_cherries = b->n_cherries[tree];
		uint32_t n_splits = hml_shap_splits_of(b->forest, tree) - n_cherries;
		uint32_t n_leaves = n_splits + 1 - n_cherries;

		pair.n_splits = n_splits > pair.n_splits ? n_splits : pair.n_splits;
		pair.n_cherries = n_cherries > pair.n_cherries ? n_cherries : pair.n_cherries;
		pair.n_leaves = n_leaves > pair.n_leaves ? n_leaves : pair.n_leaves;
	}
	return pair;
}

static void
write_tree(ShapBuilder *b, const HmlShapTrees *pair, uint32_t half, size_t number)
{
	ShapTree *tree = &b->tree;
	size_t n_leaves;

	hml_shap_take_apart(b, number);
	tree->number[tree->n_splits] = pair->n_splits; /* above the root */
	write_splits(b, pair, half);
	n_leaves = write_leaves(b, pair, half);
	fill_up(b, pair, half, tree->n_splits - tree->n_cherries, tree->n_cherries, n_leaves);
}

static HmlStatus
make_pairs(ShapBuilder *b)
{
	HmlShapTrees next = {0}; /* where the next pair begins */

	for (size_t number = 0; number < b->shap.n_pairs; number++)
	{
		HmlShapTrees *pair = &b->shap.pairs[number];

		*pair = size_of_pair(b, number);
		pair->first_split = next.first_split;
		pair->first_cherry = next.first_cherry;
		pair->first_leaf = next.first_leaf;
		next.first_split += 2 * pair->n_splits;
		next.first_cherry += 2 * pair->n_cherries;
		next.first_leaf += 2 * pair->n_leaves;
		write_tree(b, pair, 0, by_size(b, 2 * number));
		if (2 * number + 1 < b->forest->n_trees)
			write_tree(b, pair, 1, by_size(b, 2 * number + 1));
		else
			fill_up(b, pair, 1, 0, 0, 0);
		HML_TRY(hml_poll(b->ctx));
	}
	return HML_OK;
}

/* ---- quadrature ----------------------------------------------------------------------------------- */

/* Nodes and weights of the Gauss-Legendre quadrature on 0..1, by Newton's method on Legendre's polynomial. */
static void
gauss_legendre(size_t n, double *nodes, double *weights)
{
	for (size_t i = 0; i < n; i++)
	{
		double x = cos(PI * ((double) i + 0.75) / ((double) n + 0.5));
		double slope = 0;

		for (int iteration = 0; iteration < 10; iteration++)
		{
			double previous = 0;
			double value = 1;

			for (size_t k = 1; k <= n; k++)
			{
				double next = ((double) (2 * k - 1) * x * value - (double) (k - 1) * previous) / (double) k;

				previous = value;
				value = next;
			}
			slope = (double) n * (x * value - previous) / (x * x - 1);
			x -= value / slope;
		}
		nodes[i] = (1 + x) / 2;
		weights[i] = 1 / ((1 - x * x) * slope * slope);
	}
}

static void
fill_quadrature(const ShapBuilder *b)
{
	const HmlTreeShap *shap = &b->shap;
	double t[MAX_QUADS * HML_SHAP_QUAD];
	double w[MAX_QUADS * HML_SHAP_QUAD];

	gauss_legendre(shap->n_quads * HML_SHAP_QUAD, t, w);
	for (size_t quad = 0; quad < shap->n_quads; quad++)
	{
		const double *at = t + quad * HML_SHAP_QUAD;
		const double *weight = w + quad * HML_SHAP_QUAD;
		const HmlShapQuad present = {at[0], at[1], at[2], at[3]};
		const HmlShapQuad weights = {weight[0], weight[1], weight[2], weight[3]};
		HmlShapQuad *rows = shap->absent + quad * shap->n_absent;

		shap->weights[quad] = weights / (present * (1 - present));
		for (size_t row = SHAP_FIXED_ROWS; row < shap->n_absent; row++)
		{
			HmlShapQuad absent = b->shares[row] * (1 - present);

			rows[row] = absent / (present + absent);
		}
		rows[HML_SHAP_ABSENT / HML_SHAP_QUAD] = (HmlShapQuad){1, 1, 1, 1};
		rows[HML_SHAP_FIRST / HML_SHAP_QUAD] = 1 - present;
	}
}

/* ---- all of it ------------------------------------------------------------------------------------ */

/* A split is followed by its left child, and that by the right one where it is a leaf. */
static void
count_cherries(ShapBuilder *b)
{
	const HmlForest *forest = b->forest;

	for (size_t tree = 0; tree < forest->n_trees; tree++)
	{
		const uint16_t *feature = forest->feature + forest->first_node[tree];
		size_t n_nodes = forest->first_node[tree + 1] - forest->first_node[tree];
		uint32_t n = 0;

		for (size_t i = 0; i + 2 < n_nodes; i++)
			n += (feature[i] != HML_IFOREST_LEAF) & (feature[i + 1] == HML_IFOREST_LEAF) &
				 (feature[i + 2] == HML_IFOREST_LEAF);
		b->n_cherries[tree] = n;
	}
}

/* The sum of -size * HML_IFOREST_MAX_TREES - number sorts by size and keeps the number. */
static HmlStatus
sort_by_size(ShapBuilder *b)
{
	const HmlForest *forest = b->forest;

	for (size_t tree = 0; tree < forest->n_trees; tree++)
		b->order[tree] = -(double) hml_shap_splits_of(forest, tree) * HML_IFOREST_MAX_TREES - (double) tree;
	HML_TRY(hml_sort_doubles(b->ctx, b->order, forest->n_trees));
	for (size_t rank = 0; rank < forest->n_trees; rank++)
		b->order[rank] = -b->order[rank];
	return HML_OK;
}

/* Set the sizes that scratch memory has, and return those of all pairs together. */
static HmlShapTrees
add_up_sizes(ShapBuilder *b)
{
	HmlShapTrees total = {0};

	for (size_t number = 0; number < b->shap.n_pairs; number++)
	{
		HmlShapTrees pair = size_of_pair(b, number);

		total.n_splits += 2 * pair.n_splits;
		total.n_cherries += 2 * pair.n_cherries;
		total.n_leaves += 2 * pair.n_leaves;
		if (pair.n_splits + 1 > b->shap.stride)
			b->shap.stride = pair.n_splits + 1;
		if (pair.n_cherries > b->shap.most_cherries)
			b->shap.most_cherries = pair.n_cherries;
		if (pair.n_leaves > b->shap.most_leaves)
			b->shap.most_leaves = pair.n_leaves;
	}
	return total;
}

/* Cut a block of memory into the arrays; without any, return its size. */
static size_t
lay_out(HmlTreeShap *shap, const HmlShapTrees *total, char *memory)
{
	HmlShapSplits *splits = &shap->splits;
	HmlShapCherries *cherries = &shap->cherries;
	size_t size = 0;

	hml_shap_part(memory, &size, 1, sizeof(*shap));
	shap->pairs = hml_shap_part(memory, &size, shap->n_pairs, sizeof(*shap->pairs));
	splits->threshold = hml_shap_part(memory, &size, total->n_splits, sizeof(float));
	splits->feature = hml_shap_part(memory, &size, total->n_splits, sizeof(uint32_t));
	splits->left_share = hml_shap_part(memory, &size, total->n_splits, sizeof(double));
	splits->parent = hml_shap_part(memory, &size, total->n_splits, sizeof(uint32_t));
	splits->above = hml_shap_part(memory, &size, total->n_splits, sizeof(uint32_t));
	splits->next = hml_shap_part(memory, &size, total->n_splits, sizeof(uint32_t));
	cherries->threshold = hml_shap_part(memory, &size, total->n_cherries, sizeof(float));
	cherries->feature = hml_shap_part(memory, &size, total->n_cherries, sizeof(uint32_t));
	cherries->left_share = hml_shap_part(memory, &size, total->n_cherries, sizeof(double));
	cherries->left = hml_shap_part(memory, &size, total->n_cherries, sizeof(double));
	cherries->right = hml_shap_part(memory, &size, total->n_cherries, sizeof(double));
	cherries->parent = hml_shap_part(memory, &size, total->n_cherries, sizeof(uint32_t));
	cherries->above = hml_shap_part(memory, &size, total->n_cherries, sizeof(uint32_t));
	shap->leaves.value = hml_shap_part(memory, &size, total->n_leaves + 2, sizeof(double));
	shap->leaves.parent = hml_shap_part(memory, &size, total->n_leaves + 2, sizeof(uint32_t));
	shap->weights = hml_shap_part(memory, &size, MAX_QUADS, sizeof(HmlShapQuad));
	return size;
}

/* The arena reports failures to its own context. */
static HmlStatus
take_from_arena(HmlContext *ctx, HmlArena *arena, size_t count, size_t size, void **out)
{
	HmlStatus status = hml_arena_alloc(arena, count, size, out);

	return status == HML_OK ? HML_OK : hml_fail(ctx, status, "%s", hml_arena_context(arena)->message);
}

/*
 * The explainer in two pieces of the arena, because the number of rows of
 * 'absent' is known only when the rest is done.  Where the second piece fails,
 * the next attempt finds the first one.
 */
static HmlStatus
build(ShapBuilder *b, HmlArena *arena, HmlForest *forest)
{
	HmlShapTrees total = add_up_sizes(b);
	HmlTreeShap *shap;

	if (forest->explainer == NULL)
		HML_TRY(
			take_from_arena(b->ctx, arena, 1, lay_out(&b->shap, &total, NULL), (void **) &forest->explainer));
	shap = forest->explainer;
	shap->absent = NULL;
	lay_out(&b->shap, &total, (char *) shap);
	HML_TRY(make_pairs(b));
	b->shap.n_quads = (b->most_features + 2 * HML_SHAP_QUAD - 1) / (2 * HML_SHAP_QUAD);
	if (b->shap.n_quads == 0)
		b->shap.n_quads = 1;
	HML_TRY(take_from_arena(b->ctx, arena, b->shap.n_absent * b->shap.n_quads, sizeof(HmlShapQuad),
							(void **) &b->shap.absent));
	fill_quadrature(b);
	*shap = b->shap;
	return HML_OK;
}

static HmlStatus
build_with_memory(ShapBuilder *b, HmlArena *arena, HmlForest *forest, char **tree_block)
{
	size_t most;

	HML_TRY(HML_NEW(b->ctx, &b->order, forest->n_trees));
	HML_TRY(HML_NEW(b->ctx, &b->n_cherries, forest->n_trees));
	HML_TRY(HML_NEW(b->ctx, &b->shares, 2 * (forest->n_nodes - forest->n_leaves + SHAP_FIXED_ROWS)));
	count_cherries(b);
	HML_TRY(sort_by_size(b));
	most = hml_shap_splits_of(forest, by_size(b, 0));
	HML_TRY(hml_alloc(b->ctx, 1, hml_shap_lay_out_tree(&b->tree, most, NULL), (void **) tree_block));
	hml_shap_lay_out_tree(&b->tree, most, *tree_block);
	return build(b, arena, forest);
}

HmlStatus
hml_treeshap_prepare(HmlContext *ctx, HmlArena *arena, HmlForest *forest)
{
	ShapBuilder builder = {.ctx = ctx, .forest = forest};
	char *tree_block = NULL;
	HmlStatus status;

	if (forest->explainer != NULL && forest->explainer->absent != NULL)
		return HML_OK;
	builder.shap.n_inputs = forest->n_inputs;
	builder.shap.n_pairs = (forest->n_trees + 1) / 2;
	builder.shap.n_absent = SHAP_FIXED_ROWS;
	builder.unit = 1 / ((double) forest->n_trees * hml_iforest_normalizer(forest));
	for (uint32_t n = 0; n < SHAP_FEW_SAMPLES; n++)
		builder.few_paths[n] = hml_iforest_leaf_path(forest, 0, n);
	status = build_with_memory(&builder, arena, forest, &tree_block);
	hml_free(ctx, tree_block);
	hml_free(ctx, builder.order);
	hml_free(ctx, builder.n_cherries);
	hml_free(ctx, builder.shares);
	return status;
}
