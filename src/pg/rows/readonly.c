/*
 * readonly.c
 *	  A part of a transaction in which nothing can be written.
 *
 * A read-only transaction refuses to change tables and sequences.  It does not refuse COPY TO a file or a program, nor,
 * before version 16, functions that write large objects; both are refused here, by hooks that are there as long as a source is read.
 */
#include "pg/rows/readonly.h"

#include "access/xact.h"
#include "catalog/pg_proc.h"
#include "nodes/parsenodes.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

static object_access_hook_type next_object_access = NULL;
static ProcessUtility_hook_type next_utility = NULL;

static const Oid writers[] = {F_LO_CREATE,          F_LO_CREAT,      F_LO_UNLINK, F_LO_IMPORT_TEXT,
							  F_LO_IMPORT_TEXT_OID, F_LO_EXPORT,     F_LOWRITE,   F_LO_TRUNCATE,
							  F_LO_TRUNCATE64,      F_LO_FROM_BYTEA, F_LO_PUT};

static void
refuse(const char *what)
{
	ereport(ERROR, (errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
					errmsg("cannot execute %s in a read-only transaction", what)));
}

static void
refuse_writers(ObjectAccessType access, Oid class, Oid object, int part, void *argument)
{
	if (access == OAT_FUNCTION_EXECUTE && class == ProcedureRelationId)
		for (size_t i = 0; i < lengthof(writers); i++)
			if (object == writers[i])
				refuse(psprintf("%s()", get_func_name(object)));
	if (next_object_access != NULL)
		next_object_access(access, class, object, part, argument);
}

static void
refuse_copy(PlannedStmt *statement, const char *query, bool read_only_tree, ProcessUtilityContext context,
			ParamListInfo params, QueryEnvironment *environment, DestReceiver *receiver,
			QueryCompletion *completion)
{
	if (IsA(statement->utilityStmt, CopyStmt) && !castNode(CopyStmt, statement->utilityStmt)->is_from)
		refuse("COPY TO");
	(next_utility != NULL ? next_utility : standard_ProcessUtility)(
		statement, query, read_only_tree, context, params, environment, receiver, completion);
}

void
healthml_read_only_begin(HealthmlReadOnly *saved)
{
	*saved = (HealthmlReadOnly){XactReadOnly, object_access_hook, ProcessUtility_hook};
	XactReadOnly = true;
	if (object_access_hook != refuse_writers)
		next_object_access = object_access_hook;
	if (ProcessUtility_hook != refuse_copy)
		next_utility = ProcessUtility_hook;
	object_access_hook = refuse_writers;
	ProcessUtility_hook = refuse_copy;
}

void
healthml_read_only_end(const HealthmlReadOnly *saved)
{
	XactReadOnly = saved->was_read_only;
	object_access_hook = saved->object_access;
	ProcessUtility_hook = saved->utility;
}
