/*
 * iforest_build.h
 *	  How a forest comes to be: from splits and leaves in preorder.
 *
 * Growing and importing append nodes to a builder, which then makes the forest;
 * reading an artifact has the arrays already.  All three end in
 * hml_forest_complete(), which checks everything and makes the layout.
 */
#ifndef HML_LEARN_IFOREST_IFOREST_BUILD_H
#define HML_LEARN_IFOREST_IFOREST_BUILD_H

#include "core/learn/iforest/iforest.h"

/* The cover of a leaf, so that sums of covers stay exact enough. */
#define HML_IFOREST_MAX_COVER 1e15

typedef struct HmlForestBuilder
{
	HmlContext *ctx;
	size_t n_splits;
	size_t n_leaves;
	size_t node_capacity; /* of each array */
	uint16_t *feature;
	float *threshold;
	uint32_t *n_samples;
	double *cover;
} HmlForestBuilder;

extern void hml_forest_builder_init(HmlForestBuilder *builder, HmlContext *ctx);
extern void hml_forest_builder_free(HmlForestBuilder *builder);

/* 'threshold' is finite and within float32; 'n_samples' is at least 1. */
extern HmlStatus hml_forest_add_split(HmlForestBuilder *builder, uint16_t feature,
									  double threshold) HML_NODISCARD;
extern HmlStatus hml_forest_add_leaf(HmlForestBuilder *builder, uint32_t n_samples,
									 double cover) HML_NODISCARD;

/* The complete forest in 'arena'. */
extern HmlStatus hml_forest_build(HmlForestBuilder *builder, HmlArena *arena, size_t n_inputs, size_t n_trees,
								  uint32_t max_samples, HmlForest **out) HML_NODISCARD;

/* An empty forest of that size with its arrays, for hml_forest_complete() after they were filled. */
extern HmlStatus hml_forest_create(HmlArena *arena, size_t n_nodes, size_t n_trees, bool has_cover,
								   HmlForest **out) HML_NODISCARD;

/*
 * Check the arrays (HML_CORRUPT where they make no forest), set what follows
 * from them, and make the layout.
 */
extern HmlStatus hml_forest_complete(HmlArena *arena, HmlForest *forest) HML_NODISCARD;

/* Section of the artifact: docs/model-format.md. */
extern void hml_forest_write(const HmlForest *forest, HmlWriter *writer);
extern HmlStatus hml_forest_read(HmlArena *arena, HmlReader *reader, size_t n_inputs,
								 HmlForest **out) HML_NODISCARD;

#endif /* HML_LEARN_IFOREST_IFOREST_BUILD_H */
