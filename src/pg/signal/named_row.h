/*
 * named_row.h
 *	  Rows whose columns are filled by name: SQL says which columns a function
 *	  returns, C knows values by their names.
 */
#ifndef HEALTHML_NAMED_ROW_H
#define HEALTHML_NAMED_ROW_H

#include "pg/server/compat.h"

#include "access/tupdesc.h"

typedef struct HealthmlNamedRow
{
	TupleDesc desc;
	Datum *values; /* (natts) */
	bool *nulls;
} HealthmlNamedRow;

/* All columns NULL; values and nulls lie in the current memory context. */
extern HealthmlNamedRow healthml_named_row(TupleDesc desc);

/* Number of the column, from 0; -1 = there is none. */
extern int healthml_named_column(TupleDesc desc, const char *name);

/* Set a column: NaN and NULL leave it NULL.  The number becomes float8, float4, integer, bigint or boolean. */
extern void healthml_set_number(HealthmlNamedRow *row, int column, double number);
extern void healthml_set_text(HealthmlNamedRow *row, int column, const char *string);

#endif /* HEALTHML_NAMED_ROW_H */
