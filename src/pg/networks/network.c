/*
 * network.c
 *	  Neural networks in SQL: predictions by class, and what a network is made of.
 */
#include "pg/server/compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "core/learn/network/ensemble.h"

#include "pg/server/document.h"
#include "pg/server/errors.h"
#include "pg/server/memory.h"
#include "pg/predict/prediction.h"
#include "pg/predict/score.h"

/* ---- classes ---- */

static void
check_classifier(const HealthmlScorer *scorer)
{
	if (scorer->model->output_names == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("model \"%s\" does not classify", healthml_binding_version(scorer->binding)->model),
				 errhint("Use healthml.score, which takes any model.")));
}

PG_FUNCTION_INFO_V1(healthml_predict_proba);

/* healthml.predict_proba(features, model) RETURNS jsonb */
Datum
healthml_predict_proba(PG_FUNCTION_ARGS)
{
	HealthmlScorer *scorer = healthml_scorer_of_call(fcinfo, NULL);

	check_classifier(scorer);
	return healthml_probabilities_document(scorer->model, healthml_scorer_outputs(scorer));
}

PG_FUNCTION_INFO_V1(healthml_predict_label);

/* healthml.predict_label(features, model) RETURNS text: of two classes by the model's threshold, else the likeliest */
Datum
healthml_predict_label(PG_FUNCTION_ARGS)
{
	HealthmlScorer *scorer = healthml_scorer_of_call(fcinfo, NULL);
	HmlVerdict verdict;

	check_classifier(scorer);
	healthml_scorer_judge(scorer, &verdict);
	PG_RETURN_TEXT_P(cstring_to_text(healthml_from_utf8(verdict.label)));
}

/* ---- what a network is made of ---- */

static void
check_has_networks(const HmlModel *model, const char *name)
{
	if (model->algorithm->network == NULL)
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("model \"%s\" has algorithm \"%s\", which is not a neural network", name,
							   model->algorithm->name)));
}

static size_t
parameters_of(const HmlNode *node)
{
	size_t sum = 0;

	for (size_t i = 0; i < node->n_parameters; i++)
		sum += node->parameters[i].size;
	return sum;
}

static void
put_node(ReturnSetInfo *result, int number, const HmlNode *node, const HmlEnsemble *ensemble)
{
	char shape[HML_SHAPE_TEXT_SIZE];
	Datum values[8];
	bool nulls[8] = {false};

	values[0] = Int32GetDatum(number);
	values[1] = CStringGetTextDatum(node->name != NULL ? node->name : "");
	values[2] = CStringGetTextDatum(node->op != NULL ? node->op->name : "input");
	values[3] = CStringGetTextDatum(hml_shape_text(&node->shape, shape));
	values[4] = Int64GetDatum((int64) parameters_of(node));
	values[5] = Float8GetDatum(node->flops);
	values[6] = CStringGetTextDatum(ensemble->name);
	values[7] = Int32GetDatum((int) ensemble->n_members);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

PG_FUNCTION_INFO_V1(healthml_describe_network);

/* healthml.describe_network(ref) RETURNS TABLE (layer, name, op, output_shape, parameters, flops, network, members) */
Datum
healthml_describe_network(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	HealthmlBinding *binding = healthml_binding_create(CurrentMemoryContext);
	bool changed;
	const HmlModel *model = healthml_bind_reference(binding, PG_GETARG_TEXT_PP(0), &changed);
	const HmlEnsemble *ensemble;

	check_has_networks(model, healthml_binding_version(binding)->model);
	InitMaterializedSRF(fcinfo, 0);
	for (size_t number = 0; (ensemble = model->algorithm->network(model, number)) != NULL; number++)
		for (size_t i = 0; i < ensemble->network->n_nodes; i++)
			put_node(result, (int) i, &ensemble->network->nodes[i], ensemble);
	return (Datum) 0;
}
