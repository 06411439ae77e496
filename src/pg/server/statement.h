/*
 * statement.h
 *	  SQL statements of the extension, prepared once per backend.
 */
#ifndef HEALTHML_STATEMENT_H
#define HEALTHML_STATEMENT_H

#include "pg/server/compat.h"

#include "executor/spi.h"

#define HEALTHML_MAX_ARGUMENTS 16

/* Operators are qualified because the caller's search_path is in force. */
#define EQUALS " OPERATOR(pg_catalog.=) "

typedef struct HealthmlStatement
{
	const char *sql;
	const char *writes; /* the guarded table that it writes, or NULL; see guard.h */
	int n_arguments;
	Oid types[HEALTHML_MAX_ARGUMENTS];
	SPIPlanPtr plan; /* NULL until the first use */
} HealthmlStatement;

/*
 * Run it between SPI_connect() and SPI_finish() and return the number of rows,
 * which are in SPI_tuptable.  'read_only' runs it under the active snapshot.
 */
extern uint64 healthml_execute(HealthmlStatement *statement, Datum *values, const char *nulls,
							   bool read_only);

/* Column (from 1) of the first row; it must not be null. */
extern Datum healthml_result(int column);

#endif /* HEALTHML_STATEMENT_H */
