/*
 * algorithms.c
 *	  What can be trained, and with which parameters: the core's tables in SQL.
 */
#include "pg/server/compat.h"

#include <math.h>

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/tuplestore.h"

#include "pg/registry/algorithms.h"

const HmlAlgorithm *
healthml_algorithm(const char *name)
{
	const HmlAlgorithm *algorithm = hml_algorithm_find(name);
	StringInfoData known;
	int i;

	if (algorithm != NULL)
		return algorithm;
	initStringInfo(&known);
	for (i = 0; hml_algorithms[i] != NULL; i++)
		appendStringInfo(&known, "%s%s", i == 0 ? "" : ", ", hml_algorithms[i]->name);
	ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("algorithm \"%s\" does not exist", name),
					errhint("The algorithms are: %s.", known.data)));
}

PG_FUNCTION_INFO_V1(healthml_algorithms);

/* healthml.algorithms() RETURNS SETOF (algorithm, task, target, description) */
Datum
healthml_algorithms(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	int i;

	InitMaterializedSRF(fcinfo, 0);
	for (i = 0; hml_algorithms[i] != NULL; i++)
	{
		const HmlAlgorithm *algorithm = hml_algorithms[i];
		const char *target = algorithm->target_use == HML_TARGET_LEARNT ? "learnt" : "evaluates";
		Datum values[4] = {CStringGetTextDatum(algorithm->name), CStringGetTextDatum(algorithm->task),
						   CStringGetTextDatum(target), CStringGetTextDatum(algorithm->help)};
		bool nulls[4] = {false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

static const char *
type_name(HmlParamType type)
{
	switch (type)
	{
		case HML_PARAM_INTEGER:
			return "integer";
		case HML_PARAM_NUMBER:
			return "number";
		case HML_PARAM_BOOLEAN:
			return "boolean";
		case HML_PARAM_TEXT:
			return "text";
		case HML_PARAM_NUMBER_OR_CHOICE:
			return "number or text";
		case HML_PARAM_INTEGERS:
			return "array of integers";
		case HML_PARAM_TEXTS:
			return "array of texts";
		case HML_PARAM_OBJECT:
			return "object";
	}
	return NULL;
}

static bool
has_range(HmlParamType type)
{
	return type == HML_PARAM_INTEGER || type == HML_PARAM_NUMBER || type == HML_PARAM_NUMBER_OR_CHOICE ||
		   type == HML_PARAM_INTEGERS;
}

/* "a|b|c" as text[] */
static Datum
choices_array(const char *choices)
{
	return DirectFunctionCall2Coll(text_to_array, C_COLLATION_OID, CStringGetTextDatum(choices),
								   CStringGetTextDatum("|"));
}

static void
put_parameter(ReturnSetInfo *result, const HmlParamSpec *spec)
{
	bool bounded = has_range(HML_PARAM_KIND(spec->type));
	Datum values[7] = {0};
	bool nulls[7] = {false,
					 false,
					 false,
					 !bounded || isinf(spec->min),
					 !bounded || isinf(spec->max),
					 spec->choices == NULL,
					 false};

	values[0] = CStringGetTextDatum(spec->name);
	values[1] = CStringGetTextDatum(type_name(HML_PARAM_KIND(spec->type)));
	values[2] = DirectFunctionCall1(jsonb_in, CStringGetDatum(spec->fallback));
	values[3] = Float8GetDatum(spec->min);
	values[4] = Float8GetDatum(spec->max);
	if (spec->choices != NULL)
		values[5] = choices_array(spec->choices);
	values[6] = CStringGetTextDatum(spec->help);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* Whether a table before number 'i' has the parameter: an algorithm's own comes first and counts. */
static bool
is_overridden(const HmlParamSpec *const *tables, int i, const char *name)
{
	for (int j = 0; j < i; j++)
		for (const HmlParamSpec *spec = tables[j]; spec->name != NULL; spec++)
			if (strcmp(spec->name, name) == 0)
				return true;
	return false;
}

PG_FUNCTION_INFO_V1(healthml_algorithm_parameters);

/*
 * healthml.algorithm_parameters(algorithm)
 * RETURNS SETOF (parameter, type, default_value, minimum, maximum, choices, description)
 */
Datum
healthml_algorithm_parameters(PG_FUNCTION_ARGS)
{
	const HmlAlgorithm *algorithm = healthml_algorithm(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	const HmlParamSpec *tables[HML_PARAM_TABLES];
	const HmlParamSpec *spec;
	int i;

	InitMaterializedSRF(fcinfo, 0);
	hml_algorithm_param_tables(algorithm, tables);
	for (i = 0; tables[i] != NULL; i++)
		for (spec = tables[i]; spec->name != NULL; spec++)
			if (!is_overridden(tables, i, spec->name))
				put_parameter((ReturnSetInfo *) fcinfo->resultinfo, spec);
	return (Datum) 0;
}
