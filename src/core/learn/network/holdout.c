/*
 * holdout.c
 *	  The first of as many folds as the fraction needs.
 */
#include "core/learn/network/holdout.h"

#include <math.h>

#include "core/data/split.h"

static HmlStatus
refuse(HmlContext *ctx, size_t units, const char *what, double fraction)
{
	hml_fail(ctx, HML_INVALID_DATA, "%zu %s are too few to hold a share of %g out for validation", units,
			 what, fraction);
	if (units < 2)
		return hml_hint(ctx,
						"Set \"validation_fraction\" to 0, which learns from all rows and judges nothing.");
	return hml_hint(ctx, "Set \"validation_fraction\" to 0, or to %g or more.",
					ceil(100.0 / (double) units) / 100);
}

static HmlStatus
deal(HmlArena *arena, const HmlHoldoutSpec *spec, uint32_t *fold)
{
	HmlSplit split = {.n_rows = spec->n_rows,
					  .n_folds = hml_split_folds_for(spec->fraction),
					  .strata = spec->strata,
					  .n_strata = spec->n_strata,
					  .seed = spec->seed};
	uint32_t *groups = NULL;

	if (spec->frame != NULL)
		HML_TRY(hml_split_groups(arena, spec->frame, spec->rows, spec->n_rows, &groups, &split.n_groups));
	split.groups = groups;
	if (groups != NULL && split.n_groups < split.n_folds)
		return refuse(hml_arena_context(arena), split.n_groups, "groups", spec->fraction);
	if (spec->n_rows < split.n_folds)
		return refuse(hml_arena_context(arena), spec->n_rows, "rows", spec->fraction);
	return hml_split(hml_arena_context(arena), &split, fold);
}

HmlStatus
hml_holdout(HmlArena *arena, const HmlHoldoutSpec *spec, HmlHoldout *out)
{
	uint32_t *fold;

	*out = (HmlHoldout){0};
	HML_TRY(HML_ARENA_NEW(arena, &out->learnt, spec->n_rows));
	HML_TRY(HML_ARENA_NEW(arena, &out->held_out, spec->n_rows));
	HML_TRY(HML_ARENA_NEW(arena, &fold, spec->n_rows));
	if (spec->fraction > 0)
		HML_TRY(deal(arena, spec, fold));
	for (uint32_t i = 0; i < spec->n_rows; i++)
		if (spec->fraction > 0 && fold[i] == 0)
			out->held_out[out->n_held_out++] = i;
		else
			out->learnt[out->n_learnt++] = i;
	return HML_OK;
}
