/*
 * holdout.c
 *	  The first of as many folds as the fraction needs.
 */
#include "core/learn/network/holdout.h"

#include "core/data/split.h"

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
