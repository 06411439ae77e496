/*
 * aggregate.h
 *	  What the support functions of aggregates have in common.
 */
#ifndef HEALTHML_AGGREGATE_H
#define HEALTHML_AGGREGATE_H

#include "pg/server/compat.h"

#include "fmgr.h"

/*
 * The memory context of the aggregate's state.  A direct call is an error: a
 * support function may change its state in place, and trusts it.
 */
static inline MemoryContext
healthml_aggregate_context(FunctionCallInfo fcinfo)
{
	MemoryContext memory;

	if (!AggCheckCallContext(fcinfo, &memory))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("support function of an aggregate cannot be called directly")));
	return memory;
}

/* The state in argument 0 as it is, for a row that does not count. */
static inline Datum
healthml_same_state(FunctionCallInfo fcinfo)
{
	healthml_aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	return PG_GETARG_DATUM(0);
}

#endif /* HEALTHML_AGGREGATE_H */
