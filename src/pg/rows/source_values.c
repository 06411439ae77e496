/*
 * source_values.c
 *	  healthml.source_values: one column of a source as text, for SQL to count.
 */
#include "pg/server/compat.h"

#include "access/detoast.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"

#include "pg/rows/source.h"
#include "pg/server/memory.h"

#define COPIES 3 /* of a value: unpacked, as a C string, as a text */

typedef struct Values
{
	ReturnSetInfo *result;
	int column;
	bool is_boolean;
	bool is_varlena;
	FmgrInfo output;
	int64 row_number;
} Values;

/* The words of a boolean are those that models have for their classes. */
static Datum
text_of(Values *values, Datum value)
{
	if (values->is_boolean)
		return CStringGetTextDatum(DatumGetBool(value) ? "true" : "false");
	if (values->is_varlena)
		healthml_check_block(toast_raw_datum_size(value) * COPIES, "a value of the source");
	return CStringGetTextDatum(OutputFunctionCall(&values->output, value));
}

static void
put_row(void *user, TupleTableSlot *slot)
{
	Values *values = user;
	Datum columns[2] = {Int64GetDatum(++values->row_number)};
	bool nulls[2] = {false};

	slot_getallattrs(slot);
	nulls[1] = slot->tts_isnull[values->column];
	if (!nulls[1])
		columns[1] = text_of(values, slot->tts_values[values->column]);
	tuplestore_putvalues(values->result->setResult, values->result->setDesc, columns, nulls);
}

PG_FUNCTION_INFO_V1(healthml_source_values);

/* healthml.source_values(source, "column") RETURNS TABLE (row_number, value); strict */
Datum
healthml_source_values(PG_FUNCTION_ARGS)
{
	Values values = {.result = (ReturnSetInfo *) fcinfo->resultinfo};
	HealthmlSource *source;
	Oid type;
	Oid output;

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	source = healthml_source_open(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	values.column = healthml_source_column(source, text_to_cstring(PG_GETARG_TEXT_PP(1)));
	type = TupleDescAttr(source->columns, values.column)->atttypid;
	values.is_boolean = getBaseType(type) == BOOLOID;
	getTypeOutputInfo(type, &output, &values.is_varlena);
	fmgr_info(output, &values.output);
	healthml_source_read(source, put_row, &values);
	SPI_finish();
	return (Datum) 0;
}
