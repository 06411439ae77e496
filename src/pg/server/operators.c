/*
 * operators.c
 *	  What networks can be made of: the core's operator table in SQL.
 */
#include "pg/server/compat.h"

#include <math.h>

#include "catalog/pg_collation.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/tuplestore.h"

#include "core/nn/graph/op.h"

static Datum
json_datum(const char *text)
{
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(text));
}

PG_FUNCTION_INFO_V1(healthml_network_operators);

/* healthml.network_operators() RETURNS SETOF (operator, min_inputs, max_inputs, description, example) */
Datum
healthml_network_operators(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (const HmlOp *const *op = hml_ops; *op != NULL; op++)
	{
		Datum values[5] = {CStringGetTextDatum((*op)->name), Int32GetDatum((int32) (*op)->min_inputs),
						   Int32GetDatum((int32) (*op)->max_inputs), CStringGetTextDatum((*op)->help),
						   json_datum((*op)->cases[0])};
		bool nulls[5] = {false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

static const char *
type_name(HmlAttrType type)
{
	switch (type)
	{
		case HML_ATTR_INTEGER:
			return "integer";
		case HML_ATTR_NUMBER:
			return "number";
		case HML_ATTR_BOOLEAN:
			return "boolean";
		case HML_ATTR_CHOICE:
			return "text";
		case HML_ATTR_INTEGERS:
			return "array of integers";
		case HML_ATTR_EXTENT:
			return "integer, or one for each direction";
		case HML_ATTR_PADDING:
			return "integer, \"same\", or before and after each direction";
	}
	return NULL;
}

static bool
has_range(HmlAttrType type)
{
	return type != HML_ATTR_BOOLEAN && type != HML_ATTR_CHOICE;
}

static void
put_attribute(ReturnSetInfo *result, const HmlAttrSpec *spec)
{
	bool bounded = has_range(spec->type);
	Datum values[7] = {0};
	bool nulls[7] = {false,
					 false,
					 spec->fallback == NULL,
					 !bounded || isinf(spec->min),
					 !bounded || isinf(spec->max),
					 spec->choices == NULL,
					 false};

	values[0] = CStringGetTextDatum(spec->name);
	values[1] = CStringGetTextDatum(type_name(spec->type));
	if (spec->fallback != NULL)
		values[2] = json_datum(spec->fallback);
	values[3] = Float8GetDatum(spec->min);
	values[4] = Float8GetDatum(spec->max);
	if (spec->choices != NULL)
		values[5] = DirectFunctionCall2Coll(text_to_array, C_COLLATION_OID,
											CStringGetTextDatum(spec->choices), CStringGetTextDatum("|"));
	values[6] = CStringGetTextDatum(spec->help);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

PG_FUNCTION_INFO_V1(healthml_network_operator_attributes);

/*
 * healthml.network_operator_attributes(operator)
 * RETURNS SETOF (attribute, type, default_value, minimum, maximum, choices, description)
 */
Datum
healthml_network_operator_attributes(PG_FUNCTION_ARGS)
{
	const char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	const HmlOp *op = hml_op_find(name);

	if (op == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("operator \"%s\" does not exist", name),
						errhint("healthml.network_operators lists the operators.")));
	InitMaterializedSRF(fcinfo, 0);
	for (const HmlAttrSpec *spec = op->attrs; spec->name != NULL; spec++)
		put_attribute((ReturnSetInfo *) fcinfo->resultinfo, spec);
	return (Datum) 0;
}
