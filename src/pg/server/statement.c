/*
 * statement.c
 *	  Running prepared statements through SPI.
 */
#include "pg/server/statement.h"

#include "pg/registry/guard.h"

/* A table that is guarded is open while the plan runs, and not longer. */
static int
execute_plan(const HealthmlStatement *statement, Datum *values, const char *nulls, bool read_only)
{
	volatile int result = 0;
	Oid before;

	if (statement->writes == NULL)
		return SPI_execute_plan(statement->plan, values, nulls, read_only, 0);
	before = healthml_guard_open(statement->writes);
	PG_TRY();
	{
		result = SPI_execute_plan(statement->plan, values, nulls, read_only, 0);
	}
	PG_FINALLY();
	{
		healthml_guard_close(before);
	}
	PG_END_TRY();
	return result;
}

uint64
healthml_execute(HealthmlStatement *statement, Datum *values, const char *nulls, bool read_only)
{
	int result;

	if (statement->plan == NULL)
	{
		SPIPlanPtr plan = SPI_prepare(statement->sql, statement->n_arguments, statement->types);

		if (plan == NULL)
			elog(ERROR, "could not prepare \"%s\": %s", statement->sql, SPI_result_code_string(SPI_result));
		SPI_keepplan(plan);
		statement->plan = plan;
	}
	result = execute_plan(statement, values, nulls, read_only);
	if (result < 0)
		elog(ERROR, "could not execute \"%s\": %s", statement->sql, SPI_result_code_string(result));
	return SPI_processed;
}

Datum
healthml_result(int column)
{
	bool is_null;
	Datum value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, &is_null);

	Assert(!is_null);
	return value;
}
