/*
 * weights.c
 *	  Checks and construction of weight vectors, for the federated aggregates.
 */
#include "pg/networks/weights.h"

#include "catalog/pg_type.h"

uint32
healthml_weights_length(ArrayType *weights, Size max)
{
	uint32 n;

	if (ARR_NDIM(weights) == 0)
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR), errmsg("weights must not be empty")));
	if (ARR_NDIM(weights) != 1)
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
						errmsg("weights must be a one-dimensional array, not one of %d dimensions",
							   ARR_NDIM(weights))));
	if (array_contains_nulls(weights))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("weights must not contain nulls")));
	n = (uint32) ARR_DIMS(weights)[0];
	if (n > max)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("cannot average more than %zu weights, but a vector has %u", (size_t) max, n)));
	return n;
}

ArrayType *
healthml_make_weights(uint32 n, Oid element_type)
{
	Size width = element_type == FLOAT4OID ? sizeof(float4) : sizeof(float8);
	Size size = ARR_OVERHEAD_NONULLS(1) + n * width;
	ArrayType *weights = palloc0(size);

	SET_VARSIZE(weights, size);
	weights->ndim = 1;
	weights->dataoffset = 0;
	weights->elemtype = element_type;
	ARR_DIMS(weights)[0] = (int) n;
	ARR_LBOUND(weights)[0] = 1;
	return weights;
}

void
healthml_check_same_length(uint32 expected, uint32 found)
{
	if (expected != found)
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
						errmsg("cannot average weight vectors of different length"),
						errdetail("One has %u weights, another has %u.", expected, found)));
}
