/*
 * arguments.h
 *	  Arguments of SQL functions that are not strict.
 */
#ifndef HEALTHML_ARGUMENTS_H
#define HEALTHML_ARGUMENTS_H

#include "compat.h"

#include "fmgr.h"
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

#endif /* HEALTHML_ARGUMENTS_H */
