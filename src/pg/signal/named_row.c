/*
 * named_row.c
 *	  Rows whose columns are filled by name.
 */
#include "pg/signal/named_row.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/builtins.h"

HealthmlNamedRow
healthml_named_row(TupleDesc desc)
{
	HealthmlNamedRow row = {.desc = desc,
							.values = palloc0(sizeof(Datum) * desc->natts),
							.nulls = palloc(sizeof(bool) * desc->natts)};

	memset(row.nulls, true, sizeof(bool) * desc->natts);
	return row;
}

int
healthml_named_column(TupleDesc desc, const char *name)
{
	for (int i = 0; i < desc->natts; i++)
		if (strcmp(NameStr(TupleDescAttr(desc, i)->attname), name) == 0)
			return i;
	return -1;
}

static Datum
number_of_type(Oid type, double number)
{
	switch (type)
	{
		case FLOAT8OID:
			return Float8GetDatum(number);
		case FLOAT4OID:
			return Float4GetDatum((float4) number);
		case INT4OID:
			return Int32GetDatum((int32) number);
		case INT8OID:
			return Int64GetDatum((int64) number);
		case BOOLOID:
			return BoolGetDatum(number != 0);
		default:
			elog(ERROR, "a number cannot be returned as %s", format_type_be(type));
	}
}

void
healthml_set_number(HealthmlNamedRow *row, int column, double number)
{
	row->nulls[column] = isnan(number);
	if (!isnan(number))
		row->values[column] = number_of_type(TupleDescAttr(row->desc, column)->atttypid, number);
}

void
healthml_set_text(HealthmlNamedRow *row, int column, const char *string)
{
	row->nulls[column] = string == NULL;
	if (string != NULL)
		row->values[column] = CStringGetTextDatum(string);
}
