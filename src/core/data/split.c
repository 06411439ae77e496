/*
 * split.c
 *	  Stratified folds, with or without groups.
 *
 * Memory: one number per row; with groups, their sizes by stratum and the
 * folds' sums by stratum.  O(n) without groups, O(n + groups * folds * strata)
 * with them.
 */
#include "core/data/split.h"

#include <math.h>
#include <string.h>

#include "core/base/checked.h"
#include "core/base/rng.h"
#include "core/base/sort.h"

#define POLL_EVERY 4096

static size_t
strata_of(const HmlSplit *split)
{
	return split->strata == NULL ? 1 : split->n_strata;
}

static size_t
stratum_of(const HmlSplit *split, size_t row)
{
	return split->strata == NULL ? 0 : split->strata[row];
}

/* Shuffled rows are dealt out stratum by stratum; the next stratum goes on where the last one stopped. */
static HmlStatus
deal_rows(HmlArena *arena, const HmlSplit *split, HmlRng *rng, uint32_t *fold)
{
	size_t n_strata = strata_of(split);
	uint32_t *order;
	size_t *dealt;
	size_t first = 0;

	HML_TRY(HML_ARENA_NEW(arena, &order, split->n_rows));
	HML_TRY(HML_ARENA_NEW_ZERO(arena, &dealt, n_strata));
	for (size_t row = 0; row < split->n_rows; row++)
	{
		order[row] = (uint32_t) row;
		dealt[stratum_of(split, row)]++;
	}
	for (size_t stratum = 0; stratum < n_strata; stratum++)
	{
		size_t count = dealt[stratum];

		dealt[stratum] = first;
		first += count;
	}
	hml_rng_shuffle(rng, order, split->n_rows);
	for (size_t i = 0; i < split->n_rows; i++)
		fold[order[i]] = (uint32_t) (dealt[stratum_of(split, order[i])]++ % split->n_folds);
	return HML_OK;
}

typedef struct GroupSums
{
	double *sizes;     /* (n_groups, n_strata): share of the stratum that the group holds */
	uint32_t *rows;    /* (n_groups) */
	double *fold_sums; /* (n_folds, n_strata) */
	uint32_t *order;   /* groups, largest first */
} GroupSums;

static HmlStatus
make_sums(HmlArena *arena, const HmlSplit *split, GroupSums *sums)
{
	size_t n_strata = strata_of(split);
	size_t n_sizes;
	size_t n_fold_sums;

	if (!hml_size_mul(split->n_groups, n_strata, &n_sizes) ||
		!hml_size_mul(split->n_folds, n_strata, &n_fold_sums))
		return hml_fail(hml_arena_context(arena), HML_LIMIT, "%zu groups of %zu strata are too many",
						split->n_groups, n_strata);
	HML_TRY(HML_ARENA_NEW_ZERO(arena, &sums->sizes, n_sizes));
	HML_TRY(HML_ARENA_NEW_ZERO(arena, &sums->rows, split->n_groups));
	HML_TRY(HML_ARENA_NEW_ZERO(arena, &sums->fold_sums, n_fold_sums));
	return HML_ARENA_NEW(arena, &sums->order, split->n_groups);
}

static HmlStatus
sum_groups(HmlArena *arena, const HmlSplit *split, GroupSums *sums)
{
	size_t n_strata = strata_of(split);
	double *totals;

	HML_TRY(HML_ARENA_NEW_ZERO(arena, &totals, n_strata));
	for (size_t row = 0; row < split->n_rows; row++)
	{
		sums->rows[split->groups[row]]++;
		totals[stratum_of(split, row)] += 1.0;
	}
	for (size_t row = 0; row < split->n_rows; row++)
	{
		size_t stratum = stratum_of(split, row);

		sums->sizes[split->groups[row] * n_strata + stratum] += 1.0 / totals[stratum];
	}
	return HML_OK;
}

/* By number of rows, descending; groups of one size stay in the random order that they are in. */
static HmlStatus
order_groups(HmlArena *arena, const HmlSplit *split, HmlRng *rng, GroupSums *sums)
{
	uint32_t *shuffled;
	size_t *start;
	size_t next = 0;

	HML_TRY(HML_ARENA_NEW(arena, &shuffled, split->n_groups));
	HML_TRY(HML_ARENA_NEW_ZERO(arena, &start, split->n_rows + 1));
	for (size_t group = 0; group < split->n_groups; group++)
	{
		shuffled[group] = (uint32_t) group;
		start[sums->rows[group]]++;
	}
	for (size_t size = split->n_rows + 1; size-- > 0;)
	{
		size_t count = start[size];

		start[size] = next;
		next += count;
	}
	hml_rng_shuffle(rng, shuffled, split->n_groups);
	for (size_t i = 0; i < split->n_groups; i++)
		sums->order[start[sums->rows[shuffled[i]]]++] = shuffled[i];
	return HML_OK;
}

/* The fold whose sum of squared shares grows least. */
static size_t
best_fold(const double *fold_sums, size_t n_folds, size_t n_strata, const double *size)
{
	size_t best = 0;
	double least = INFINITY;

	for (size_t f = 0; f < n_folds; f++)
	{
		double growth = 0.0;

		for (size_t s = 0; s < n_strata; s++)
			growth += size[s] * (2.0 * fold_sums[f * n_strata + s] + size[s]);
		if (growth < least)
		{
			least = growth;
			best = f;
		}
	}
	return best;
}

static HmlStatus
place_groups(HmlArena *arena, const HmlSplit *split, HmlRng *rng, uint32_t *fold)
{
	size_t n_strata = strata_of(split);
	GroupSums sums;
	uint32_t *fold_of_group;

	HML_TRY(make_sums(arena, split, &sums));
	HML_TRY(sum_groups(arena, split, &sums));
	HML_TRY(order_groups(arena, split, rng, &sums));
	HML_TRY(HML_ARENA_NEW(arena, &fold_of_group, split->n_groups));
	for (size_t i = 0; i < split->n_groups; i++)
	{
		size_t group = sums.order[i];
		const double *size = sums.sizes + group * n_strata;
		size_t f = best_fold(sums.fold_sums, split->n_folds, n_strata, size);

		for (size_t s = 0; s < n_strata; s++)
			sums.fold_sums[f * n_strata + s] += size[s];
		fold_of_group[group] = (uint32_t) f;
		if (i % POLL_EVERY == 0)
			HML_TRY(hml_poll(hml_arena_context(arena)));
	}
	for (size_t row = 0; row < split->n_rows; row++)
		fold[row] = fold_of_group[split->groups[row]];
	return HML_OK;
}

HmlStatus
hml_split(HmlContext *ctx, const HmlSplit *split, uint32_t *fold)
{
	size_t units = split->groups == NULL ? split->n_rows : split->n_groups;
	HmlArena *arena;
	HmlRng rng;
	HmlStatus status;

	if (units < split->n_folds)
		return hml_fail(ctx, HML_INVALID_DATA, "%zu %s are too few for %zu folds", units,
						split->groups == NULL ? "rows" : "groups", split->n_folds);
	HML_TRY(hml_arena_create(ctx, &arena));
	hml_rng_seed(&rng, split->seed);
	status =
		split->groups == NULL ? deal_rows(arena, split, &rng, fold) : place_groups(arena, split, &rng, fold);
	hml_arena_free(arena);
	return status;
}

size_t
hml_split_folds_for(double fraction)
{
	double folds = round(1.0 / fraction);

	return folds < 2.0 ? 2 : (size_t) folds;
}

HmlStatus
hml_number_codes(HmlArena *arena, const double *codes, const uint32_t *rows, size_t n_rows,
				 uint32_t **numbers, size_t *n_numbers)
{
	double *known;
	size_t n_known = 0;
	size_t n_distinct = 0;

	HML_TRY(HML_ARENA_NEW(arena, numbers, n_rows));
	HML_TRY(HML_ARENA_NEW(arena, &known, n_rows));
	for (size_t i = 0; i < n_rows; i++)
		if (!isnan(codes[rows[i]]))
			known[n_known++] = codes[rows[i]];
	HML_TRY(hml_sort_doubles(hml_arena_context(arena), known, n_known));
	for (size_t i = 0; i < n_known; i++)
		if (n_distinct == 0 || known[n_distinct - 1] != known[i])
			known[n_distinct++] = known[i];

	*n_numbers = n_distinct;
	for (size_t i = 0; i < n_rows; i++)
	{
		double code = codes[rows[i]];

		(*numbers)[i] = (uint32_t) (isnan(code) ? (*n_numbers)++ : hml_find_double(known, n_distinct, code));
	}
	return HML_OK;
}

HmlStatus
hml_split_groups(HmlArena *arena, const HmlFrame *frame, const uint32_t *rows, size_t n_rows,
				 uint32_t **groups, size_t *n_groups)
{
	*groups = NULL;
	*n_groups = 0;
	if (!hml_frame_has(frame, HML_ROLE_GROUP))
		return HML_OK;
	return hml_number_codes(arena, hml_frame_values(frame, HML_ROLE_GROUP), rows, n_rows, groups, n_groups);
}
