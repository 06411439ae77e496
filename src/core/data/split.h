/*
 * split.h
 *	  Dividing rows into folds: stratified, and keeping groups together.
 *
 * Cross-validation uses all folds, a validation split one of them.
 */
#ifndef HML_DATA_SPLIT_H
#define HML_DATA_SPLIT_H

#include "core/data/frame.h"

typedef struct HmlSplit
{
	size_t n_rows;
	size_t n_folds; /* at least 2 */
	/* Stratum of each row, 0 .. n_strata - 1: folds get equal shares of each; NULL = one stratum. */
	const uint32_t *strata;
	size_t n_strata;
	/* Group of each row, 0 .. n_groups - 1: rows of one group share a fold; NULL = each row alone. */
	const uint32_t *groups;
	size_t n_groups;
	uint64_t seed;
} HmlSplit;

/*
 * fold is (n_rows) and gets 0 .. n_folds - 1.  Without groups, rows of a stratum
 * are dealt out in random order, so that folds differ by at most one row in each.
 * With groups, the largest come first, each into the fold whose shares of the
 * strata it fits best (as scikit-learn's StratifiedGroupKFold sets out to).
 * HML_INVALID_DATA when there are fewer rows, or groups, than folds.
 */
extern HmlStatus hml_split(HmlContext *ctx, const HmlSplit *split, uint32_t *fold) HML_NODISCARD;

/*
 * The codes[rows[i]] as numbers from 0, those that are equal as one; each NaN
 * gets a number of its own.  *numbers, in 'arena', is (n_rows).
 */
extern HmlStatus hml_number_codes(HmlArena *arena, const double *codes, const uint32_t *rows, size_t n_rows,
								  uint32_t **numbers, size_t *n_numbers) HML_NODISCARD;

/* Group of some rows of a frame by its group column, numbered like that; *groups is NULL without such a column. */
extern HmlStatus hml_split_groups(HmlArena *arena, const HmlFrame *frame, const uint32_t *rows, size_t n_rows,
								  uint32_t **groups, size_t *n_groups) HML_NODISCARD;

/* Number of folds of which one is nearest to 'fraction' (0 < fraction < 1) of the rows. */
extern size_t hml_split_folds_for(double fraction);

#endif /* HML_DATA_SPLIT_H */
