/*
 * arguments.c
 *	  Arguments that several SQL functions have in common.
 */
#include "pg/server/compat.h"

#include "catalog/pg_type.h"

#include "pg/server/arguments.h"

List *
healthml_feature_list(ArrayType *features)
{
	Datum *elements;
	bool *nulls;
	List *names = NIL;
	int n;

	if (ARR_NDIM(features) > 1)
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
						errmsg("argument \"features\" must have one dimension")));
	deconstruct_array(features, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &n);
	if (n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("argument \"features\" must not be empty"),
				 errhint("Pass NULL to use every numeric or boolean column.")));
	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("argument \"features\" must not contain nulls")));
		names = lappend(names, TextDatumGetCString(elements[i]));
	}
	return names;
}
