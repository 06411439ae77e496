/*
 * forest_support.h
 *	  Forests for the tests of isolation forest and TreeSHAP.
 */
#ifndef TEST_UNIT_FOREST_SUPPORT_H
#define TEST_UNIT_FOREST_SUPPORT_H

#include "unit/support.h"

#include "core/learn/iforest/iforest.h"

/* Import a forest of the golden ones ("plain"), or from any path that ends in .json. */
extern HmlStatus forest_import_file(HmlContext *ctx, const char *name, HmlModel **out);
extern HmlStatus forest_import_text(HmlContext *ctx, const char *text, HmlModel **out);

/* n rows of n_columns normal numbers, the same for the same seed; all allocated by the context. */
extern HmlStatus forest_frame(HmlContext *ctx, size_t n_rows, size_t n_columns, uint64_t seed,
							  HmlFrame **out);

/* Train with parameters as JSON. */
extern HmlStatus forest_train(HmlContext *ctx, const HmlFrame *frame, const char *params, HmlModel **out);

/* Score rows of inputs with scratch of its own. */
extern HmlStatus forest_score(HmlContext *ctx, const HmlModel *model, const double *inputs, size_t n,
							  double *scores);

/* The margin of a row by a plain walk over the arrays of the forest, in float64. */
extern double forest_margin(const HmlForest *forest, const double *inputs);

/* A golden case: inputs, scores and contributions of test/golden/iforest/<name>.csv. */
extern TestTable *forest_golden_rows(const char *name);

#endif /* TEST_UNIT_FOREST_SUPPORT_H */
