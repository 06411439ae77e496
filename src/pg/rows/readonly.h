/*
 * readonly.h
 *	  A part of a transaction in which nothing can be written.
 */
#ifndef HEALTHML_READONLY_H
#define HEALTHML_READONLY_H

#include "pg/server/compat.h"

#include "catalog/objectaccess.h"
#include "tcop/utility.h"

/* What is restored at the end. */
typedef struct HealthmlReadOnly
{
	bool was_read_only;
	object_access_hook_type object_access;
	ProcessUtility_hook_type utility;
} HealthmlReadOnly;

extern void healthml_read_only_begin(HealthmlReadOnly *saved);

/* To be called on errors as well. */
extern void healthml_read_only_end(const HealthmlReadOnly *saved);

#endif /* HEALTHML_READONLY_H */
