/*
 * memory.h
 *	  A memory context as the host of libhml.
 */
#ifndef HEALTHML_MEMORY_H
#define HEALTHML_MEMORY_H

#include "pg/server/compat.h"

#include "utils/palloc.h"

#include "core/base/context.h"
#include "pg/training/journal.h"

/* The 'user' of an HmlHost, in the memory context itself. */
typedef struct HealthmlHost
{
	MemoryContext memory;
	HealthmlJournal *journal; /* NULL = progress is not reported */
	ErrorData *error;         /* what was raised below libhml, of a status HML_HOST */
} HealthmlHost;

/*
 * Prepare 'ctx' to take its memory from 'memory' and to see cancellation
 * requests.  Deleting 'memory' frees all that libhml holds through 'ctx', so an
 * error needs no clean-up.  The limit is none until healthml_limit_memory().
 */
extern void healthml_context_init(HmlContext *ctx, MemoryContext memory);

/* Report progress of what runs with 'ctx' to the journal of a training. */
extern void healthml_context_report(HmlContext *ctx, HealthmlJournal *journal);

/* Apply healthml.max_memory. */
extern void healthml_limit_memory(HmlContext *ctx);

/* Raise where a block of so many bytes, which is not taken through an HmlContext, exceeds healthml.max_memory. */
extern void healthml_check_block(Size bytes, const char *what);

#endif /* HEALTHML_MEMORY_H */
