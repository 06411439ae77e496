/*
 * treeshap.c
 *	  Exact TreeSHAP by random coalitions.
 *
 * The Shapley value of a feature is its mean effect when it joins a coalition
 * that contains each other feature independently with probability t, and t is
 * drawn evenly from 0..1 (G. Owen: Multilinear extensions of games, Management
 * Science 18, 1972).  For one t everything is a random walk down the tree.  At
 * a node that compares feature f,
 *
 *	  absent = P(f is not in the coalition | the walk came here),
 *	  the branch that the row does not go is taken with probability
 *	  away = absent * its share of the cover,
 *
 * and with 'reach' the probability of coming to the node, 'expected' the mean
 * value of the leaves behind a branch, D the difference of 'expected' between
 * the row's branch and the other one,
 *
 *	  expected of the node = expected of the row's branch - away * D,
 *	  effect of f at the node = reach * away * (1 - absent) / (t (1 - t)) * D.
 *
 * The last line is reach * share * D for the first split by f on a path (there
 * absent is 1 - t); below other splits by f, Bayes' rule gives 'absent' from the
 * product z of the shares of the branches that the row also goes,
 *
 *	  absent = z (1 - t) / (t + z (1 - t)),
 *
 * and 1 below a branch that the row does not go: f is absent then, and has had
 * its effect above.  Table 'absent' has these for each node, so that a row needs
 * no division: one walk down and one up, a dozen operations each.
 *
 * As functions of t the effects are polynomials of a degree below the number
 * of features on a path, so that Gauss-Legendre quadrature with half as many
 * nodes gives the integral exactly up to rounding.  Four nodes do for paths of
 * eight features; the work is linear in nodes of trees and of quadrature.
 */
#include "core/explain/treeshap.h"

#include <math.h>
#include <string.h>

#include "core/base/checked.h"
#include "core/base/cpu.h"
#include "core/explain/treeshap_kernel.h"

void
hml_treeshap_tree(const HmlTreeShap *shap, const HmlShapTree *tree, size_t quad, const float *row,
				  HmlShapScratch *scratch)
{
	hml_shap_go_down(shap, tree, quad, row, scratch);
	hml_shap_go_up(shap, tree, scratch);
}

#define PI 3.14159265358979323846

/* ---- tables --------------------------------------------------------------------------------------- */

/* A split on the path to where the builder is. */
typedef struct PathNode
{
	uint32_t feature;
	uint32_t branch;     /* that the path takes */
	size_t n_features;   /* different ones so far */
	double share_before; /* product of the shares of the branches above with the same feature */
	double share;        /* the same with this branch */
} PathNode;

typedef struct Pending
{
	uint32_t branch; /* whose child comes next */
	unsigned depth;
} Pending;

typedef struct Builder
{
	HmlContext *ctx;
	const HmlForest *forest;
	HmlTreeShap shap;      /* trees, nodes and values are scratch memory */
	double *cover;         /* (nodes of the forest) */
	double *shares;        /* (n_absent) z of each row of 'absent' */
	HmlShapNode *unsorted; /* (splits of the forest) those of the tree at hand, in preorder */
	uint8_t *depths;       /* (splits of the forest) of the splits of that tree */
	uint32_t *numbers;     /* (splits of the forest) their numbers by level */
	double unit;           /* margin of the forest for a path of 1 in one tree */
	size_t most_features;
	size_t node; /* next ones of the forest */
	size_t split;
	size_t leaf;
	PathNode path[HML_IFOREST_MAX_DEPTH];
} Builder;

/* The number of nodes of the tree that begins at the builder's node. */
static size_t
tree_size(const Builder *b)
{
	size_t n = 0;
	size_t open = 1; /* subtrees that have begun and have no end yet */

	while (open > 0)
		open += b->forest->feature[b->node + n++] == HML_IFOREST_LEAF ? (size_t) -1 : 1;
	return n;
}

/* Covers of the nodes of one tree: from the end on, both children are known before their parent. */
static void
add_up_covers(Builder *b, size_t n_nodes)
{
	double children[HML_IFOREST_MAX_DEPTH + 2]; /* the next parent's left one is on top */
	size_t n = 0;
	size_t leaf = b->leaf + (n_nodes + 1) / 2;

	for (size_t i = b->node + n_nodes; i-- > b->node;)
	{
		if (b->forest->feature[i] == HML_IFOREST_LEAF)
		{
			leaf--;
			b->cover[i] = b->forest->cover != NULL ? b->forest->cover[leaf] : b->forest->n_samples[leaf];
		}
		else
		{
			n -= 2;
			b->cover[i] = children[n] + children[n + 1];
		}
		children[n++] = b->cover[i];
	}
}

/* The path now takes this branch of its last split. */
static void
take_branch(Builder *b, const HmlShapTree *tree, const Pending *at)
{
	if (at->depth > 0)
	{
		double left_share = b->shap.nodes[tree->first_split + at->branch / 2].left_share;
		PathNode *last = &b->path[at->depth - 1];

		last->branch = at->branch;
		last->share = last->share_before * (at->branch % 2 == 0 ? left_share : 1 - left_share);
	}
}

static const PathNode *
nearest_above(const Builder *b, unsigned depth, uint32_t feature)
{
	while (depth-- > 0)
		if (b->path[depth].feature == feature)
			return &b->path[depth];
	return NULL;
}

/* Two rows of 'absent' for what is below the branches of a split, when it is first known that they are used. */
static void
need_absent_rows(Builder *b, const HmlShapTree *tree, const PathNode *above)
{
	HmlShapNode *node = &b->shap.nodes[tree->first_split + above->branch / 2];

	if (node->absent_next != HML_SHAP_ABSENT)
		return;
	node->absent_next = (uint32_t) b->shap.n_absent;
	b->shares[b->shap.n_absent++] = above->share_before * node->left_share;
	b->shares[b->shap.n_absent++] = above->share_before * (1 - node->left_share);
}

static void
add_split(Builder *b, const HmlShapTree *tree, const Pending *at, uint32_t feature)
{
	const PathNode *above = nearest_above(b, at->depth, feature);
	HmlShapNode *node = &b->shap.nodes[b->split];
	PathNode *step = &b->path[at->depth];

	node->left_share = b->cover[b->node + 1] / b->cover[b->node];
	node->threshold = b->forest->threshold[b->split];
	node->feature = feature;
	node->parent = at->branch;
	node->above = above != NULL ? above->branch : 2 * tree->n_splits;
	node->absent_next = HML_SHAP_ABSENT;
	if (above != NULL)
		need_absent_rows(b, tree, above);
	b->depths[b->split - tree->first_split] = (uint8_t) at->depth;
	step->feature = feature;
	step->share_before = above != NULL ? above->share : 1;
	step->n_features = (at->depth > 0 ? b->path[at->depth - 1].n_features : 0) + (above == NULL);
	if (step->n_features > b->most_features)
		b->most_features = step->n_features;
	b->split++;
}

static void
add_leaf(Builder *b, const Pending *at, double tree_cover)
{
	double path = hml_iforest_leaf_path(b->forest, at->depth, b->forest->n_samples[b->leaf]);

	b->shap.values[b->leaf] = -path * b->unit;
	b->shap.branches[b->leaf] = at->branch;
	b->shap.base += b->shap.values[b->leaf] * (b->cover[b->node] / tree_cover);
	b->leaf++;
}

static uint32_t
renumbered(const Builder *b, const HmlShapTree *tree, uint32_t branch)
{
	return branch == 2 * tree->n_splits ? branch : 2 * b->numbers[branch / 2] + branch % 2;
}

/*
 * From preorder to order by levels: neighbours then do not wait for each
 * other's results, which halves the time of an explanation.
 */
static void
sort_by_level(Builder *b, const HmlShapTree *tree)
{
	HmlShapNode *nodes = b->shap.nodes + tree->first_split;
	uint32_t next[HML_IFOREST_MAX_DEPTH + 1] = {0}; /* number of the next split of a level */

	for (uint32_t i = 0; i < tree->n_splits; i++)
		next[b->depths[i] + 1]++;
	for (size_t level = 1; level <= HML_IFOREST_MAX_DEPTH; level++)
		next[level] += next[level - 1];
	for (uint32_t i = 0; i < tree->n_splits; i++)
		b->numbers[i] = next[b->depths[i]]++;
	memcpy(b->unsorted, nodes, tree->n_splits * sizeof(*nodes));
	for (uint32_t i = 0; i < tree->n_splits; i++)
	{
		HmlShapNode *node = &nodes[b->numbers[i]];

		*node = b->unsorted[i];
		node->parent = renumbered(b, tree, node->parent);
		node->above = renumbered(b, tree, node->above);
	}
	for (uint32_t i = 0; i <= tree->n_splits; i++)
		b->shap.branches[tree->first_leaf + i] = renumbered(b, tree, b->shap.branches[tree->first_leaf + i]);
}

static void
add_tree(Builder *b, HmlShapTree *tree)
{
	Pending pending[HML_IFOREST_MAX_DEPTH + 1];
	size_t n_pending = 1;
	size_t n_nodes = tree_size(b);
	double tree_cover;

	*tree = (HmlShapTree){(uint32_t) (n_nodes / 2), (uint32_t) b->split, (uint32_t) b->leaf};
	if (tree->n_splits > b->shap.most_splits)
		b->shap.most_splits = tree->n_splits;
	add_up_covers(b, n_nodes);
	tree_cover = b->cover[b->node];
	pending[0] = (Pending){2 * tree->n_splits, 0};
	for (; n_pending > 0; b->node++)
	{
		Pending at = pending[--n_pending];
		uint16_t feature = b->forest->feature[b->node];
		uint32_t branch = 2 * ((uint32_t) b->split - tree->first_split);

		take_branch(b, tree, &at);
		if (feature == HML_IFOREST_LEAF)
		{
			add_leaf(b, &at, tree_cover);
			continue;
		}
		add_split(b, tree, &at, feature);
		pending[n_pending++] = (Pending){branch + 1, at.depth + 1};
		pending[n_pending++] = (Pending){branch, at.depth + 1};
	}
	sort_by_level(b, tree);
}

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
fill_quadrature(const Builder *b, HmlTreeShap *shap)
{
	double t[HML_IFOREST_MAX_DEPTH / 2 + HML_SHAP_QUAD];
	double w[HML_IFOREST_MAX_DEPTH / 2 + HML_SHAP_QUAD];

	gauss_legendre(shap->n_quads * HML_SHAP_QUAD, t, w);
	for (size_t i = 0; i < shap->n_quads * HML_SHAP_QUAD; i++)
	{
		size_t lane = i % HML_SHAP_QUAD;
		HmlShapQuad *rows = shap->absent + i / HML_SHAP_QUAD * shap->n_absent;

		shap->weights[i / HML_SHAP_QUAD][lane] = w[i] / (t[i] * (1 - t[i]));
		rows[HML_SHAP_FIRST][lane] = 1 - t[i];
		rows[HML_SHAP_ABSENT][lane] = 1;
		for (size_t row = HML_SHAP_FIRST + 1; row < shap->n_absent; row++)
		{
			double absent = b->shares[row] * (1 - t[i]);

			rows[row][lane] = absent / (t[i] + absent);
		}
	}
}

/* Part of a block: 'count' items at *offset, which moves behind them; all parts are aligned. */
static size_t
part(size_t *offset, size_t count, size_t size)
{
	size_t start = *offset;

	*offset += (count * size + HML_ALIGNMENT - 1) / HML_ALIGNMENT * HML_ALIGNMENT;
	return start;
}

/* One block of the arena holds the explainer, so that a failure leaves nothing behind. */
static HmlStatus
copy_to_arena(const Builder *b, HmlArena *arena, HmlTreeShap **out)
{
	const HmlForest *forest = b->forest;
	size_t n_splits = forest->n_nodes - forest->n_leaves;
	HmlTreeShap *shap;
	char *block;
	size_t size = 0;
	size_t at_trees;
	size_t at_nodes;
	size_t at_values;
	size_t at_branches;
	size_t at_absent;
	size_t at_weights;
	HmlStatus status;

	part(&size, 1, sizeof(*shap));
	at_trees = part(&size, forest->n_trees, sizeof(*shap->trees));
	at_nodes = part(&size, n_splits, sizeof(*shap->nodes));
	at_values = part(&size, forest->n_leaves, sizeof(*shap->values));
	at_branches = part(&size, forest->n_leaves, sizeof(*shap->branches));
	at_absent = part(&size, b->shap.n_absent * b->shap.n_quads, sizeof(*shap->absent));
	at_weights = part(&size, b->shap.n_quads, sizeof(*shap->weights));
	status = hml_arena_alloc(arena, size, 1, (void **) &block);
	if (status != HML_OK) /* the arena reports to its own context */
		return hml_fail(b->ctx, status, "%s", hml_arena_context(arena)->message);
	shap = (HmlTreeShap *) block;
	*shap = b->shap;
	shap->trees = (HmlShapTree *) (block + at_trees);
	shap->nodes = (HmlShapNode *) (block + at_nodes);
	shap->values = (double *) (block + at_values);
	shap->branches = (uint32_t *) (block + at_branches);
	shap->absent = (HmlShapQuad *) (block + at_absent);
	shap->weights = (HmlShapQuad *) (block + at_weights);
	memcpy(shap->trees, b->shap.trees, forest->n_trees * sizeof(*shap->trees));
	memcpy(shap->nodes, b->shap.nodes, n_splits * sizeof(*shap->nodes));
	memcpy(shap->values, b->shap.values, forest->n_leaves * sizeof(*shap->values));
	memcpy(shap->branches, b->shap.branches, forest->n_leaves * sizeof(*shap->branches));
	fill_quadrature(b, shap);
	*out = shap;
	return HML_OK;
}

static HmlStatus
build(Builder *b, HmlArena *arena, HmlTreeShap **out)
{
	const HmlForest *forest = b->forest;
	size_t n_splits = forest->n_nodes - forest->n_leaves;

	HML_TRY(HML_NEW(b->ctx, &b->shap.trees, forest->n_trees));
	HML_TRY(HML_NEW(b->ctx, &b->shap.nodes, n_splits));
	HML_TRY(HML_NEW(b->ctx, &b->shap.values, forest->n_leaves));
	HML_TRY(HML_NEW(b->ctx, &b->shap.branches, forest->n_leaves));
	HML_TRY(HML_NEW(b->ctx, &b->unsorted, n_splits));
	HML_TRY(HML_NEW(b->ctx, &b->depths, n_splits));
	HML_TRY(HML_NEW(b->ctx, &b->numbers, n_splits));
	HML_TRY(HML_NEW(b->ctx, &b->cover, forest->n_nodes));
	HML_TRY(HML_NEW(b->ctx, &b->shares, 2 * n_splits + HML_SHAP_FIRST + 1));
	for (size_t tree = 0; tree < forest->n_trees; tree++)
	{
		add_tree(b, &b->shap.trees[tree]);
		HML_TRY(hml_poll(b->ctx));
	}
	b->shap.n_quads = (b->most_features + 2 * HML_SHAP_QUAD - 1) / (2 * HML_SHAP_QUAD);
	if (b->shap.n_quads == 0)
		b->shap.n_quads = 1;
	return copy_to_arena(b, arena, out);
}

HmlStatus
hml_treeshap_prepare(HmlContext *ctx, HmlArena *arena, HmlForest *forest)
{
	Builder builder = {.ctx = ctx, .forest = forest};
	HmlStatus status;

	if (forest->explainer != NULL)
		return HML_OK;
	builder.shap.n_inputs = forest->n_inputs;
	builder.shap.n_trees = forest->n_trees;
	builder.shap.n_absent = HML_SHAP_FIRST + 1;
	builder.unit = 1 / ((double) forest->n_trees * hml_iforest_normalizer(forest));
	status = build(&builder, arena, &forest->explainer);
	hml_free(ctx, builder.shap.trees);
	hml_free(ctx, builder.shap.nodes);
	hml_free(ctx, builder.shap.values);
	hml_free(ctx, builder.shap.branches);
	hml_free(ctx, builder.unsorted);
	hml_free(ctx, builder.depths);
	hml_free(ctx, builder.numbers);
	hml_free(ctx, builder.cover);
	hml_free(ctx, builder.shares);
	return status;
}

/* ---- one row -------------------------------------------------------------------------------------- */

static HmlStatus
take_scratch(const HmlTreeShap *shap, HmlContext *ctx, HmlShapScratch *scratch, void **block)
{
	size_t branches = 2 * shap->most_splits + 1;
	size_t size = 0;
	size_t at_reach = part(&size, branches, sizeof(*scratch->reach));
	size_t at_expected = part(&size, branches, sizeof(*scratch->expected));
	size_t at_steps = part(&size, shap->most_splits, sizeof(*scratch->steps));
	size_t at_absent = part(&size, branches, sizeof(*scratch->absent));
	size_t at_right = part(&size, shap->most_splits, sizeof(*scratch->right));
	size_t at_sums = part(&size, shap->n_inputs, sizeof(*scratch->sums));

	HML_TRY(hml_alloc(ctx, size, 1, block));
	scratch->reach = (HmlShapQuad *) ((char *) *block + at_reach);
	scratch->expected = (HmlShapQuad *) ((char *) *block + at_expected);
	scratch->steps = (HmlShapStep *) ((char *) *block + at_steps);
	scratch->absent = (uint32_t *) ((char *) *block + at_absent);
	scratch->right = (uint8_t *) *block + at_right;
	scratch->sums = (HmlShapQuad *) ((char *) *block + at_sums);
	memset(scratch->sums, 0, shap->n_inputs * sizeof(*scratch->sums));
	return HML_OK;
}

static HmlShapKernel
fastest_kernel(void)
{
#ifdef __x86_64__
	if (hml_cpu_level() >= 3)
		return hml_treeshap_tree_v3;
#endif
	return hml_treeshap_tree;
}

static HmlStatus
explain_trees(const HmlTreeShap *shap, HmlContext *ctx, const float *row, HmlShapScratch *scratch)
{
	HmlShapKernel kernel = fastest_kernel();

	for (size_t tree = 0; tree < shap->n_trees; tree++)
	{
		for (size_t quad = 0; quad < shap->n_quads; quad++)
			kernel(shap, &shap->trees[tree], quad, row, scratch);
		HML_TRY(hml_poll(ctx));
	}
	return HML_OK;
}

HmlStatus
hml_treeshap_explain(const HmlForest *forest, HmlContext *ctx, const float *row, double *base,
					 double *contributions)
{
	const HmlTreeShap *shap = forest->explainer;
	HmlShapScratch scratch;
	void *block;
	HmlStatus status;

	HML_TRY(take_scratch(shap, ctx, &scratch, &block));
	status = explain_trees(shap, ctx, row, &scratch);
	*base = shap->base;
	for (size_t i = 0; i < shap->n_inputs; i++)
		contributions[i] = scratch.sums[i][0] + scratch.sums[i][1] + scratch.sums[i][2] + scratch.sums[i][3];
	hml_free(ctx, block);
	return status;
}
