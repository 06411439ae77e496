/*
 * ocsvm.c
 *	  The one-class support-vector machine in SQL.
 */
#include "pg/server/compat.h"

#include "fmgr.h"

#include "core/learn/ocsvm/ocsvm.h"

#include "pg/predict/score.h"
#include "pg/server/errors.h"

PG_FUNCTION_INFO_V1(healthml_ocsvm_score);
PG_FUNCTION_INFO_V1(healthml_ocsvm_decision);

/* healthml.ocsvm_score(features, model) */
Datum
healthml_ocsvm_score(PG_FUNCTION_ARGS)
{
	return healthml_score_call(fcinfo, hml_one_class_svm.name);
}

/* healthml.ocsvm_decision(features, model) */
Datum
healthml_ocsvm_decision(PG_FUNCTION_ARGS)
{
	HealthmlScorer *scorer = healthml_scorer_of_call(fcinfo, hml_one_class_svm.name);
	double decision;

	healthml_check(&scorer->ctx, hml_ocsvm_decisions(scorer->model, &scorer->ctx, scorer->scratch,
													 scorer->inputs, 1, &decision));
	PG_RETURN_FLOAT8(decision);
}
