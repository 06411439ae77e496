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
	return healthml_score_call(fcinfo, "mlp");
}
