/*
 * iforest_build.c
 *	  Making, checking, writing and reading a forest.
 *
 * The section of the artifact holds the arrays of HmlForest as they are.  That
 * is already what training makes and what the layout is made from, so that
 * reading is copying, checking, and the layout.
 */
#include "core/learn/iforest/iforest_build.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/learn/iforest/iforest_layout.h"

#define EULER_GAMMA 0.57721566490153286061

double
hml_iforest_average_path(double n)
{
	if (n <= 1)
		return 0;
	if (n == 2)
		return 1;
	return 2 * (log(n - 1) + EULER_GAMMA) - 2 * (n - 1) / n;
}

double
hml_iforest_normalizer(const HmlForest *forest)
{
	return forest->max_samples > 1 ? hml_iforest_average_path(forest->max_samples) : 1;
}

double
hml_iforest_leaf_path(const HmlForest *forest, unsigned depth, uint32_t n_samples)
{
	return forest->max_samples > 1 ? depth + hml_iforest_average_path(n_samples) : 1;
}

void
hml_iforest_cast(const double *inputs, size_t n, float *out)
{
	for (size_t i = 0; i < n; i++)
	{
		double x = inputs[i] < (double) FLT_MAX ? inputs[i] : (double) FLT_MAX;

		out[i] = (float) (x > -(double) FLT_MAX ? x : -(double) FLT_MAX);
	}
}

void
hml_forest_builder_init(HmlForestBuilder *builder, HmlContext *ctx)
{
	memset(builder, 0, sizeof(*builder));
	builder->ctx = ctx;
}

void
hml_forest_builder_free(HmlForestBuilder *builder)
{
	hml_free(builder->ctx, builder->feature);
	hml_free(builder->ctx, builder->threshold);
	hml_free(builder->ctx, builder->n_samples);
	hml_free(builder->ctx, builder->cover);
}

static HmlStatus
make_room(HmlForestBuilder *builder)
{
	size_t capacity = builder->node_capacity == 0 ? 1024 : builder->node_capacity * 2;

	if (builder->n_splits + builder->n_leaves < builder->node_capacity)
		return HML_OK;
	if (builder->node_capacity >= HML_IFOREST_MAX_NODES)
		return hml_fail(builder->ctx, HML_LIMIT, "a forest cannot have more than %u nodes",
						HML_IFOREST_MAX_NODES);
	HML_TRY(HML_RENEW(builder->ctx, &builder->feature, capacity));
	HML_TRY(HML_RENEW(builder->ctx, &builder->threshold, capacity));
	HML_TRY(HML_RENEW(builder->ctx, &builder->n_samples, capacity));
	HML_TRY(HML_RENEW(builder->ctx, &builder->cover, capacity));
	builder->node_capacity = capacity;
	return HML_OK;
}

/* The largest float32 that is not above it. */
static float
round_down(double threshold)
{
	float rounded = (float) threshold;

	return (double) rounded > threshold ? nextafterf(rounded, -INFINITY) : rounded;
}

HmlStatus
hml_forest_add_split(HmlForestBuilder *builder, uint16_t feature, double threshold)
{
	HML_TRY(make_room(builder));
	builder->feature[builder->n_splits + builder->n_leaves] = feature;
	builder->threshold[builder->n_splits++] = round_down(threshold);
	return HML_OK;
}

HmlStatus
hml_forest_add_leaf(HmlForestBuilder *builder, uint32_t n_samples, double cover)
{
	HML_TRY(make_room(builder));
	builder->feature[builder->n_splits + builder->n_leaves] = HML_IFOREST_LEAF;
	builder->n_samples[builder->n_leaves] = n_samples;
	builder->cover[builder->n_leaves++] = cover;
	return HML_OK;
}

/* Whether the covers say more than the sample counts. */
static bool
needs_cover(const HmlForestBuilder *builder)
{
	for (size_t i = 0; i < builder->n_leaves; i++)
		if (builder->cover[i] != builder->n_samples[i])
			return true;
	return false;
}

HmlStatus
hml_forest_build(HmlForestBuilder *builder, HmlArena *arena, size_t n_inputs, size_t n_trees,
				 uint32_t max_samples, HmlForest **out)
{
	size_t n_nodes = builder->n_splits + builder->n_leaves;
	HmlForest *forest;

	HML_TRY(hml_forest_create(arena, n_nodes, n_trees, needs_cover(builder), &forest));
	forest->n_inputs = n_inputs;
	forest->max_samples = max_samples;
	memcpy(forest->feature, builder->feature, n_nodes * sizeof(*forest->feature));
	memcpy(forest->threshold, builder->threshold, builder->n_splits * sizeof(*forest->threshold));
	memcpy(forest->n_samples, builder->n_samples, builder->n_leaves * sizeof(*forest->n_samples));
	if (forest->cover != NULL)
		memcpy(forest->cover, builder->cover, builder->n_leaves * sizeof(*forest->cover));
	HML_TRY(hml_forest_complete(arena, forest));
	*out = forest;
	return HML_OK;
}

HmlStatus
hml_forest_create(HmlArena *arena, size_t n_nodes, size_t n_trees, bool has_cover, HmlForest **out)
{
	HmlForest *forest;

	HML_TRY(HML_ARENA_NEW_ZERO(arena, &forest, 1));
	forest->n_trees = n_trees;
	forest->n_nodes = n_nodes;
	forest->n_leaves = (n_nodes + n_trees) / 2;
	HML_TRY(HML_ARENA_NEW(arena, &forest->feature, n_nodes));
	HML_TRY(HML_ARENA_NEW(arena, &forest->threshold, n_nodes - forest->n_leaves));
	HML_TRY(HML_ARENA_NEW(arena, &forest->n_samples, forest->n_leaves));
	if (has_cover)
		HML_TRY(HML_ARENA_NEW(arena, &forest->cover, forest->n_leaves));
	*out = forest;
	return HML_OK;
}

static HmlStatus
refuse_split(HmlContext *ctx, const HmlForest *forest, size_t tree, unsigned depth, uint16_t feature)
{
	if (feature >= forest->n_inputs)
		return hml_fail(ctx, HML_CORRUPT, "tree %zu of the forest compares input %u, but there are %zu",
						tree + 1, (unsigned) feature, forest->n_inputs);
	return hml_fail(ctx, HML_CORRUPT, "tree %zu of the forest is deeper than %u levels", tree + 1, depth);
}

/*
 * One tree from *node on: its nodes must end where its last subtree ends, none
 * too deep, all inputs known.  Whether a node is a leaf is as good as random, so
 * only errors are branched on.
 */
static HmlStatus
check_tree(HmlContext *ctx, HmlForest *forest, size_t tree, size_t *node)
{
	unsigned pending[HML_IFOREST_MAX_DEPTH + 2]; /* depths of subtrees to come */
	size_t n_pending = 1;
	unsigned deepest = forest->depth;

	pending[0] = 0;
	while (n_pending > 0)
	{
		unsigned depth = pending[--n_pending];
		uint16_t feature;
		bool is_split;

		if (*node == forest->n_nodes)
			return hml_fail(ctx, HML_CORRUPT, "tree %zu of the forest has no end", tree + 1);
		feature = forest->feature[(*node)++];
		is_split = feature != HML_IFOREST_LEAF;
		if (is_split & (feature >= forest->n_inputs || depth == HML_IFOREST_MAX_DEPTH))
			return refuse_split(ctx, forest, tree, depth, feature);
		deepest = depth > deepest ? depth : deepest;
		pending[n_pending] = pending[n_pending + 1] = depth + 1;
		n_pending += 2 * (size_t) is_split;
	}
	forest->depth = deepest;
	return HML_OK;
}

static HmlStatus
check_values(HmlContext *ctx, const HmlForest *forest)
{
	for (size_t i = 0; i < forest->n_nodes - forest->n_leaves; i++)
		if (!isfinite(forest->threshold[i]))
			return hml_fail(ctx, HML_CORRUPT, "the forest has a threshold that is not finite");
	for (size_t i = 0; i < forest->n_leaves; i++)
	{
		if (forest->n_samples[i] == 0)
			return hml_fail(ctx, HML_CORRUPT, "the forest has a leaf without samples");
		if (forest->cover != NULL && !(forest->cover[i] > 0 && forest->cover[i] <= HML_IFOREST_MAX_COVER))
			return hml_fail(ctx, HML_CORRUPT, "the forest has a leaf with the cover %g", forest->cover[i]);
	}
	return HML_OK;
}

HmlStatus
hml_forest_complete(HmlArena *arena, HmlForest *forest)
{
	HmlContext *ctx = hml_arena_context(arena);
	size_t node = 0;

	HML_TRY(HML_ARENA_NEW(arena, &forest->first_node, forest->n_trees + 1));
	for (size_t tree = 0; tree < forest->n_trees; tree++)
	{
		forest->first_node[tree] = (uint32_t) node;
		HML_TRY(check_tree(ctx, forest, tree, &node));
	}
	forest->first_node[forest->n_trees] = (uint32_t) node;
	if (node != forest->n_nodes)
		return hml_fail(ctx, HML_CORRUPT, "the forest has %zu nodes that are in no tree",
						forest->n_nodes - node);
	HML_TRY(check_values(ctx, forest));
	return hml_forest_layout(arena, forest);
}

void
hml_forest_write(const HmlForest *forest, HmlWriter *writer)
{
	hml_write_u32(writer, (uint32_t) forest->n_inputs);
	hml_write_u32(writer, forest->max_samples);
	hml_write_u32(writer, (uint32_t) forest->n_trees);
	hml_write_u32(writer, (uint32_t) forest->n_nodes);
	hml_write_u8(writer, forest->cover != NULL);
	for (size_t i = 0; i < forest->n_nodes; i++)
		hml_write_u16(writer, forest->feature[i]);
	hml_write_f32_array(writer, forest->threshold, forest->n_nodes - forest->n_leaves);
	for (size_t i = 0; i < forest->n_leaves; i++)
		hml_write_u32(writer, forest->n_samples[i]);
	if (forest->cover != NULL)
		hml_write_f64_array(writer, forest->cover, forest->n_leaves);
}

static HmlStatus
read_header(HmlReader *reader, size_t expected_inputs, uint32_t *max_samples, uint32_t *n_trees,
			uint32_t *n_nodes, uint8_t *has_cover)
{
	uint32_t n_inputs;

	HML_TRY(hml_read_u32(reader, &n_inputs));
	HML_TRY(hml_read_u32(reader, max_samples));
	HML_TRY(hml_read_u32(reader, n_trees));
	HML_TRY(hml_read_u32(reader, n_nodes));
	HML_TRY(hml_read_u8(reader, has_cover));
	if (n_inputs != expected_inputs || n_inputs == 0 || n_inputs > HML_IFOREST_MAX_INPUTS)
		return hml_fail(reader->ctx, HML_CORRUPT, "%s is for %u inputs, but the model has %zu", reader->what,
						n_inputs, expected_inputs);
	if (*n_trees == 0 || *n_trees > HML_IFOREST_MAX_TREES)
		return hml_fail(reader->ctx, HML_CORRUPT, "%s has %u trees", reader->what, *n_trees);
	if (*n_nodes < *n_trees || *n_nodes > HML_IFOREST_MAX_NODES || (*n_nodes - *n_trees) % 2 != 0)
		return hml_fail(reader->ctx, HML_CORRUPT, "%s has %u nodes in %u trees", reader->what, *n_nodes,
						*n_trees);
	if (*max_samples == 0 || *has_cover > 1)
		return hml_fail(reader->ctx, HML_CORRUPT, "%s has an impossible header", reader->what);
	return HML_OK;
}

static HmlStatus
read_arrays(HmlReader *reader, HmlForest *forest)
{
	for (size_t i = 0; i < forest->n_nodes; i++)
		HML_TRY(hml_read_u16(reader, &forest->feature[i]));
	HML_TRY(hml_read_f32_array(reader, forest->threshold, forest->n_nodes - forest->n_leaves));
	for (size_t i = 0; i < forest->n_leaves; i++)
		HML_TRY(hml_read_u32(reader, &forest->n_samples[i]));
	if (forest->cover != NULL)
		HML_TRY(hml_read_f64_array(reader, forest->cover, forest->n_leaves));
	return HML_OK;
}

HmlStatus
hml_forest_read(HmlArena *arena, HmlReader *reader, size_t n_inputs, HmlForest **out)
{
	uint32_t max_samples;
	uint32_t n_trees;
	uint32_t n_nodes;
	uint8_t has_cover;
	HmlForest *forest;

	HML_TRY(read_header(reader, n_inputs, &max_samples, &n_trees, &n_nodes, &has_cover));
	/* An inner node takes at least 6 bytes, and so does a leaf. */
	if (n_nodes > hml_reader_left(reader) / 6)
		return hml_fail(reader->ctx, HML_CORRUPT, "%s is truncated", reader->what);
	HML_TRY(hml_forest_create(arena, n_nodes, n_trees, has_cover, &forest));
	forest->n_inputs = n_inputs;
	forest->max_samples = max_samples;
	HML_TRY(read_arrays(reader, forest));
	HML_TRY(hml_forest_complete(arena, forest));
	*out = forest;
	return HML_OK;
}
