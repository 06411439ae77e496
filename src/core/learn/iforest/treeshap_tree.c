/*
 * treeshap_tree.c
 *	  A tree as arrays of splits and leaves in preorder.
 *
 * The arrays are filled one after the other: parents, covers from the leaves up,
 * the nearest split by the same feature from the root down, numbers.  Most loops do
 * without branches, because whether a node is a leaf is as good as random.
 */
#include "core/learn/iforest/treeshap_tree.h"

#include <string.h>

/* Where do splits and leaves hang?  What is written for the one that a node is not is overwritten. */
static void
find_parents(const HmlForest *forest, ShapTree *tree)
{
	const uint16_t *feature = forest->feature + forest->first_node[tree->number_in_forest];
	struct
	{
		uint32_t branch;
		uint32_t level;
	} pending[HML_IFOREST_MAX_DEPTH + 2];
	size_t n_pending = 1;
	uint32_t split = 0;
	uint32_t leaf = 0;

	pending[0].branch = 2 * tree->n_splits;
	pending[0].level = 0;
	for (size_t i = 0; n_pending > 0; i++)
	{
		uint32_t is_split = feature[i] != HML_IFOREST_LEAF;
		uint32_t branch = pending[--n_pending].branch;
		uint32_t level = pending[n_pending].level;

		tree->feature[split] = feature[i];
		tree->parent[split] = tree->leaf_parent[leaf] = branch;
		tree->level[split] = tree->leaf_level[leaf] = (uint8_t) level;
		pending[n_pending].branch = 2 * split + 1;
		pending[n_pending + 1].branch = 2 * split;
		pending[n_pending].level = pending[n_pending + 1].level = level + 1;
		n_pending += 2 * (size_t) is_split;
		split += is_split;
		leaf += 1 - is_split;
	}
}

static void
add_up_covers(const HmlForest *forest, ShapTree *tree)
{
	size_t first_leaf = hml_iforest_leaves_before(forest, tree->number_in_forest);

	for (size_t i = 0; i <= tree->n_splits; i++)
		tree->cover[tree->leaf_parent[i]] =
			forest->cover != NULL ? forest->cover[first_leaf + i] : forest->n_samples[first_leaf + i];
	for (size_t i = tree->n_splits; i-- > 0;)
	{
		double cover = tree->cover[2 * i] + tree->cover[2 * i + 1];

		tree->left_share[i] = tree->cover[2 * i] / cover;
		tree->cover[tree->parent[i]] = cover;
	}
	tree->left_share[tree->n_splits] = 1;
}

static void
look_up_above(ShapBuilder *b, ShapTree *tree)
{
	for (size_t i = 0; i < SHAP_FEW_INPUTS; i++)
		b->nearest[0][i] = 2 * tree->n_splits;
	for (size_t i = 0; i < tree->n_splits; i++)
	{
		uint32_t *nearest = b->nearest[tree->level[i]];

		if (i > 0) /* in preorder, what lies one level up is the parent's */
		{
			memcpy(nearest, nearest - SHAP_FEW_INPUTS, sizeof(b->nearest[0]));
			nearest[tree->feature[tree->parent[i] / 2]] = tree->parent[i];
		}
		tree->above[i] = nearest[tree->feature[i]];
	}
}

static void
search_above(ShapTree *tree)
{
	for (size_t i = 0; i < tree->n_splits; i++)
	{
		uint32_t above = tree->parent[i];

		while (above < 2 * tree->n_splits && tree->feature[above / 2] != tree->feature[i])
			above = tree->parent[above / 2];
		tree->above[i] = above;
	}
}

static void
count_features(ShapBuilder *b, ShapTree *tree)
{
	tree->n_features[tree->n_splits] = 0;
	for (size_t i = 0; i < tree->n_splits; i++)
	{
		uint32_t n = tree->n_features[tree->parent[i] / 2] + (tree->above[i] == 2 * tree->n_splits);

		tree->n_features[i] = n;
		b->most_features = n > b->most_features ? n : b->most_features;
	}
}

/* Rows of 'absent' for what is below splits that have one by the same feature there. */
static void
number_absent_rows(ShapBuilder *b, ShapTree *tree)
{
	memset(tree->has_below, 0, tree->n_splits + 1);
	for (size_t i = 0; i < tree->n_splits; i++)
		tree->has_below[tree->above[i] / 2] = 1;
	tree->share_above[tree->n_splits] = 1;
	for (size_t i = 0; i < tree->n_splits; i++)
	{
		uint32_t above = tree->above[i];
		double left_share = tree->left_share[above / 2];
		double *shares = b->shares + b->shap.n_absent;

		tree->share_above[i] = tree->share_above[above / 2] * (above % 2 == 0 ? left_share : 1 - left_share);
		shares[0] = tree->share_above[i] * tree->left_share[i];
		shares[1] = tree->share_above[i] * (1 - tree->left_share[i]);
		tree->absent_next[i] =
			tree->has_below[i] ? (uint32_t) b->shap.n_absent * HML_SHAP_QUAD : HML_SHAP_ABSENT;
		b->shap.n_absent += 2 * (size_t) tree->has_below[i];
	}
}

/* Splits by level, so that neighbours do not wait for each other's results; then the cherries. */
static void
number_splits(ShapTree *tree)
{
	uint32_t next[HML_IFOREST_MAX_DEPTH + 2] = {
		0}; /* number of the next split of a level; last: of a cherry */
	const uint32_t cherries = HML_IFOREST_MAX_DEPTH + 1;

	memset(tree->leaves_of, 0, ((size_t) tree->n_splits + 1) * sizeof(*tree->leaves_of));
	for (size_t i = 0; i <= tree->n_splits; i++)
		tree->leaves_of[tree->leaf_parent[i] / 2]++;
	for (size_t i = 0; i < tree->n_splits; i++)
		next[tree->level[i] + 1] += tree->leaves_of[i] < 2;
	next[cherries] = 0;
	for (size_t level = 1; level <= HML_IFOREST_MAX_DEPTH; level++)
		next[level] += next[level - 1];
	next[cherries] = next[HML_IFOREST_MAX_DEPTH];
	tree->n_cherries = tree->n_splits - next[cherries];
	for (uint32_t i = 0; i < tree->n_splits; i++)
	{
		tree->number[i] = next[tree->leaves_of[i] < 2 ? tree->level[i] : cherries]++;
		tree->order[tree->number[i]] = i;
	}
}

/* hml_iforest_leaf_path(), mostly without its logarithm. */
static double
leaf_path(const ShapBuilder *b, unsigned depth, uint32_t n_samples)
{
	if (n_samples >= SHAP_FEW_SAMPLES || b->forest->max_samples == 1)
		return hml_iforest_leaf_path(b->forest, depth, n_samples);
	return depth + b->few_paths[n_samples];
}

static void
value_leaves(ShapBuilder *b, ShapTree *tree)
{
	const uint32_t *n_samples =
		b->forest->n_samples + hml_iforest_leaves_before(b->forest, tree->number_in_forest);
	const double whole_cover = tree->cover[2 * tree->n_splits];

	for (size_t i = 0; i <= tree->n_splits; i++)
	{
		uint32_t parent = tree->leaf_parent[i];
		double value = -leaf_path(b, tree->leaf_level[i], n_samples[i]) * b->unit;

		tree->value[parent] = value;
		b->shap.base += value * (tree->cover[parent] / whole_cover);
	}
}

void
hml_shap_take_apart(ShapBuilder *b, size_t number)
{
	ShapTree *tree = &b->tree;

	tree->number_in_forest = number;
	tree->n_splits = hml_shap_splits_of(b->forest, number);
	find_parents(b->forest, tree);
	add_up_covers(b->forest, tree);
	if (b->forest->n_inputs <= SHAP_FEW_INPUTS)
		look_up_above(b, tree);
	else
		search_above(tree);
	count_features(b, tree);
	number_absent_rows(b, tree);
	number_splits(tree);
	value_leaves(b, tree);
}

size_t
hml_shap_lay_out_tree(ShapTree *tree, size_t most_splits, char *memory)
{
	size_t n = most_splits + 1;
	size_t size = 0;

	tree->feature = hml_shap_part(memory, &size, n, sizeof(uint32_t));
	tree->parent = hml_shap_part(memory, &size, n, sizeof(uint32_t));
	tree->above = hml_shap_part(memory, &size, n, sizeof(uint32_t));
	tree->n_features = hml_shap_part(memory, &size, n, sizeof(uint32_t));
	tree->absent_next = hml_shap_part(memory, &size, n, sizeof(uint32_t));
	tree->number = hml_shap_part(memory, &size, n, sizeof(uint32_t));
	tree->order = hml_shap_part(memory, &size, n, sizeof(uint32_t));
	tree->leaves_of = hml_shap_part(memory, &size, n, sizeof(uint32_t));
	tree->left_share = hml_shap_part(memory, &size, n, sizeof(double));
	tree->share_above = hml_shap_part(memory, &size, n, sizeof(double));
	tree->level = hml_shap_part(memory, &size, n, 1);
	tree->has_below = hml_shap_part(memory, &size, n, 1);
	tree->leaf_parent = hml_shap_part(memory, &size, n, sizeof(uint32_t));
	tree->leaf_level = hml_shap_part(memory, &size, n, 1);
	tree->cover = hml_shap_part(memory, &size, 2 * n, sizeof(double));
	tree->value = hml_shap_part(memory, &size, 2 * n, sizeof(double));
	return size;
}
