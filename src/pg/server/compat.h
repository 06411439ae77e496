/*
 * compat.h
 *	  What differs between PostgreSQL 14 and 18, in one place.
 */
#ifndef HEALTHML_COMPAT_H
#define HEALTHML_COMPAT_H

#include "postgres.h"

#if PG_VERSION_NUM < 140000
#error "healthml needs PostgreSQL 14 or later"
#endif

#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

#include "utils/acl.h"
#include "utils/guc.h"

#if PG_VERSION_NUM >= 160000
/* All checks of one kind of object became one. */
#include "catalog/pg_namespace.h"
#define pg_namespace_aclcheck(schema, role, mode) object_aclcheck(NamespaceRelationId, schema, role, mode)
#endif

#if PG_VERSION_NUM < 150000
/* Version 14 only warns about placeholders that nobody defined. */
#define MarkGUCPrefixReserved(prefix) EmitWarningsOnPlaceholders(prefix)
#endif

#include "funcapi.h"

#if PG_VERSION_NUM < 150000
/* Later versions have it in funcapi.h. */
extern void InitMaterializedSRF(FunctionCallInfo fcinfo, bits32 flags);
#endif

#endif /* HEALTHML_COMPAT_H */
