/*
 * iforest_grow.h
 *	  Growing the trees of an isolation forest.
 */
#ifndef HML_LEARN_IFOREST_IFOREST_GROW_H
#define HML_LEARN_IFOREST_IFOREST_GROW_H

#include "core/learn/iforest/iforest.h"

typedef struct HmlForestPlan
{
	size_t n_estimators;
	size_t max_samples;  /* rows drawn for each tree, 1 .. n_rows */
	size_t max_features; /* inputs drawn for each tree, 1 .. n_inputs */
	bool bootstrap;      /* draw rows with replacement */
	uint64_t seed;
} HmlForestPlan;

/*
 * Grow on rows[0 .. n_rows-1] of the frame, as the pipeline turns them into
 * inputs; only rows that a tree draws are turned.  Progress is reported as phase
 * "build".
 */
extern HmlStatus hml_forest_grow(HmlArena *arena, const HmlForestPlan *plan, const HmlPipeline *pipeline,
								 const HmlFrame *frame, const uint32_t *rows, size_t n_rows,
								 HmlForest **out) HML_NODISCARD;

#endif /* HML_LEARN_IFOREST_IFOREST_GROW_H */
