/*
 * windows.c
 *	  healthml.windows_query: the query that cuts windows from ordered rows.
 *
 * The source is opened here, with the caller's search_path, to learn its columns;
 * healthml.windows_text, whose own path is fixed, writes the query.
 */
#include "pg/server/compat.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "pg/rows/source.h"
#include "pg/server/arguments.h"
#include "pg/server/statement.h"
#include "pg/server/value.h"

PG_FUNCTION_INFO_V1(healthml_windows_query);

/* Names of the source's columns that are numbers, or that are booleans. */
static Datum
columns_of_kind(const HealthmlSource *source, HmlColumnKind kind)
{
	Datum *names = palloc(sizeof(Datum) * Max(source->columns->natts, 1));
	int n = 0;

	for (int i = 0; i < source->columns->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(source->columns, i);
		HealthmlValueKind value = healthml_value_kind(attribute->atttypid);

		if (value != HEALTHML_VALUE_NONE && healthml_value_column(value) == kind)
			names[n++] = CStringGetTextDatum(NameStr(attribute->attname));
	}
	return PointerGetDatum(construct_array(names, n, TEXTOID, -1, false, TYPALIGN_INT));
}

/* healthml.windows_query(source, order_by, sequence_length, features, partition_by, target, stride, max_gap, keep) */
Datum
healthml_windows_query(PG_FUNCTION_ARGS)
{
	static HealthmlStatement statement = {
		.sql = "SELECT healthml.windows_text($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
		.n_arguments = 11,
		.types = {TEXTOID, TEXTARRAYOID, TEXTARRAYOID, TEXTOID, INT4OID, TEXTARRAYOID, TEXTOID, TEXTOID,
				  INT4OID, TEXTOID, TEXTARRAYOID},
	};
	MemoryContext caller = CurrentMemoryContext;
	const char *given = healthml_required_text(fcinfo, 0, "source");
	const HealthmlSource *source;
	char nulls[11] = "           ";
	Datum values[11];
	char *query;

	SPI_connect();
	source = healthml_source_open(given);
	values[0] = CStringGetTextDatum(source->query);
	values[1] = columns_of_kind(source, HML_COLUMN_NUMERIC);
	values[2] = columns_of_kind(source, HML_COLUMN_BOOLEAN);
	for (int i = 1; i < 9; i++)
	{
		values[i + 2] = PG_GETARG_DATUM(i);
		nulls[i + 2] = PG_ARGISNULL(i) ? 'n' : ' ';
	}
	if (!PG_ARGISNULL(1))
		(void) healthml_source_column(source, text_to_cstring(PG_GETARG_TEXT_PP(1)));
	healthml_execute(&statement, values, nulls, true);
	query = MemoryContextStrdup(caller, TextDatumGetCString(healthml_result(1)));
	SPI_finish();
	PG_RETURN_TEXT_P(cstring_to_text(query));
}
