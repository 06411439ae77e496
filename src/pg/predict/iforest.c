/*
 * iforest.c
 *	  The isolation forest in SQL.
 */
#include "pg/server/compat.h"

#include "fmgr.h"

#include "core/learn/iforest/iforest.h"
#include "pg/server/document.h"
#include "pg/predict/score.h"
#include "pg/registry/transfer.h"

PG_FUNCTION_INFO_V1(healthml_iforest_score);

/* healthml.iforest_score(features, model) */
Datum
healthml_iforest_score(PG_FUNCTION_ARGS)
{
	return healthml_score_call(fcinfo, "isolation_forest");
}

static HmlStatus
import_forest(HmlContext *ctx, Datum argument, HmlModel **out)
{
	HmlArena *arena;
	HmlStatus status;

	HML_TRY(hml_arena_create(ctx, &arena));
	status = hml_iforest_import(ctx, healthml_document_of_jsonb(arena, argument), out);
	hml_arena_free(arena);
	return status;
}

PG_FUNCTION_INFO_V1(healthml_import_iforest);

/* healthml.import_iforest(model, forest) RETURNS healthml.training_result */
Datum
healthml_import_iforest(PG_FUNCTION_ARGS)
{
	return healthml_import(fcinfo, import_forest, PG_GETARG_DATUM(1));
}
