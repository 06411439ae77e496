/*
 * series.c
 *	  A float8[] that grows by one value a row.
 */
#include "pg/vitals/series.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/arrayaccess.h"
#include "utils/memutils.h"

#include "pg/server/aggregate.h"

#define FIRST_CAPACITY 64
#define MAX_VALUES ((int) (MaxAllocSize / sizeof(Datum)) - 1)

static ExpandedArrayHeader *
empty_series(MemoryContext memory)
{
	ExpandedArrayHeader *series = construct_empty_expanded_array(FLOAT8OID, memory, NULL);

	series->dvalues = MemoryContextAlloc(series->hdr.eoh_context, sizeof(Datum) * FIRST_CAPACITY);
	series->dvalueslen = FIRST_CAPACITY;
	series->dims = MemoryContextAlloc(series->hdr.eoh_context, sizeof(int));
	series->lbound = MemoryContextAlloc(series->hdr.eoh_context, sizeof(int));
	series->lbound[0] = 1;
	return series;
}

static void
check_series(Oid element_type, int ndims)
{
	if (element_type != FLOAT8OID || ndims > 1)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION), errmsg("state of a series is not an array of float8")));
}

ExpandedArrayHeader *
healthml_series(FunctionCallInfo fcinfo)
{
	MemoryContext memory = healthml_aggregate_context(fcinfo);
	MemoryContext caller;
	ExpandedArrayHeader *series;

	if (PG_ARGISNULL(0))
		return empty_series(memory);
	/* A state that is not expanded yet is expanded to where states live. */
	caller = MemoryContextSwitchTo(memory);
	series = DatumGetExpandedArray(PG_GETARG_DATUM(0));
	MemoryContextSwitchTo(caller);
	check_series(series->element_type, series->ndims);
	deconstruct_expanded_array(series);
	if (series->dnulls != NULL)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("state of a series has nulls")));

	/* An empty array that came from elsewhere has no room for dimensions. */
	return series->ndims == 1 ? series : empty_series(memory);
}

void
healthml_series_append(ExpandedArrayHeader *series, double value)
{
	if (series->nelems >= series->dvalueslen)
	{
		if (series->dvalueslen >= MAX_VALUES)
			ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
							errmsg("too many values in one series (limit %d)", MAX_VALUES)));
		series->dvalueslen = series->dvalueslen > MAX_VALUES / 2 ? MAX_VALUES : series->dvalueslen * 2;
		series->dvalues = repalloc(series->dvalues, sizeof(Datum) * series->dvalueslen);
	}
	series->dvalues[series->nelems++] = Float8GetDatum(value);
	series->ndims = 1;
	series->dims[0] = series->nelems;
	series->flat_size = 0;
	series->fvalue = NULL;
	series->fstartptr = NULL;
	series->fendptr = NULL;
}

double *
healthml_series_values(Datum state, size_t *n)
{
	AnyArrayType *array = DatumGetAnyArrayP(state);
	double *values;
	array_iter next;

	check_series(AARR_ELEMTYPE(array), AARR_NDIM(array));
	*n = (size_t) ArrayGetNItems(AARR_NDIM(array), AARR_DIMS(array));
	values = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(double) * Max(*n, 1));
	array_iter_setup(&next, array);
	for (size_t i = 0; i < *n; i++)
	{
		bool is_null;
		Datum value =
			array_iter_next(&next, &is_null, (int) i, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);

		values[i] = is_null ? NAN : DatumGetFloat8(value);
	}
	return values;
}

PG_FUNCTION_INFO_V1(healthml_series_merge);

/* healthml.series_merge(a, b): the values of b after those of a. */
Datum
healthml_series_merge(PG_FUNCTION_ARGS)
{
	ExpandedArrayHeader *series;
	double *values;
	size_t n;

	if (PG_ARGISNULL(1))
		return healthml_same_state(fcinfo);
	series = healthml_series(fcinfo);
	values = healthml_series_values(PG_GETARG_DATUM(1), &n);
	for (size_t i = 0; i < n; i++)
		healthml_series_append(series, values[i]);
	pfree(values);
	return EOHPGetRWDatum(&series->hdr);
}
