/*
 * source.h
 *	  Rows from a table, a view or one SELECT, given as text.
 *
 * Use it between SPI_connect() and SPI_finish():
 *
 *		source = healthml_source_open("patients");
 *		... look at source->columns ...
 *		healthml_source_read(source, on_row, user);
 *
 * The rows are those that the caller's active snapshot sees, read once, as the
 * current user.  The query may do nothing but read: one that changes data is
 * refused, and so is a function in it that tries to.
 */
#ifndef HEALTHML_SOURCE_H
#define HEALTHML_SOURCE_H

#include "pg/server/compat.h"

#include "access/tupdesc.h"
#include "executor/spi.h"
#include "executor/tuptable.h"

typedef struct HealthmlSource
{
	const char *query;
	SPIPlanPtr plan;
	TupleDesc columns;
} HealthmlSource;

/* Called for each row, in a memory context that is emptied after it. */
typedef void (*HealthmlRowFunction)(void *user, TupleTableSlot *slot);

extern HealthmlSource *healthml_source_open(const char *source);

/* Place of a column, from 0; an error where there is none of that name, or more than one. */
extern int healthml_source_column(const HealthmlSource *source, const char *name);

extern void healthml_source_read(const HealthmlSource *source, HealthmlRowFunction on_row, void *user);

#endif /* HEALTHML_SOURCE_H */
