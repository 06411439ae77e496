/*
 * arguments.h
 *	  Arguments that several SQL functions have in common.
 */
#ifndef HEALTHML_ARGUMENTS_H
#define HEALTHML_ARGUMENTS_H

#include "pg/server/compat.h"

#include "fmgr.h"
#include "nodes/pg_list.h"
#include "utils/array.h"
#include "utils/builtins.h"

/* A text that must be there, NUL-terminated, in the current memory context. */
static inline char *
healthml_required_text(FunctionCallInfo fcinfo, int argument, const char *name)
{
	if (PG_ARGISNULL(argument))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("argument \"%s\" must not be null", name)));
	return text_to_cstring(PG_GETARG_TEXT_PP(argument));
}

/* The names in the text[] argument "features": at least one, none null, in the current memory context. */
extern List *healthml_feature_list(ArrayType *features);

#endif /* HEALTHML_ARGUMENTS_H */
