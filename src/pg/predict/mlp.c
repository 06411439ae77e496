/*
 * mlp.c
 *	  The multilayer perceptron in SQL.
 */
#include "pg/server/compat.h"

#include "fmgr.h"

#include "pg/predict/score.h"

PG_FUNCTION_INFO_V1(healthml_mlp_predict);

/* healthml.mlp_predict(features, model) */
Datum
healthml_mlp_predict(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(healthml_scorer_score(healthml_scorer_of_call(fcinfo, "mlp")));
}
