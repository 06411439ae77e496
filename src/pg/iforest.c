/*
 * iforest.c
 *	  The isolation forest in SQL.
 */
#include "compat.h"

#include "fmgr.h"

#include "score.h"

PG_FUNCTION_INFO_V1(healthml_iforest_score);

/* healthml.iforest_score(features, model) */
Datum
healthml_iforest_score(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(healthml_scorer_score(healthml_scorer_of_call(fcinfo, "isolation_forest")));
}
