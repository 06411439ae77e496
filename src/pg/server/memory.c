/*
 * memory.c
 *	  A memory context as the host of libhml.
 *
 * libhml wants NULL where memory is short and must never be jumped out of, so
 * blocks are allocated with MCXT_ALLOC_NO_OOM, and a cancellation is only looked
 * at here; it is raised when the status has come back to the glue.
 */
#include "pg/server/memory.h"

#include "miscadmin.h"
#include "portability/instr_time.h"
#include "utils/memutils.h"

#include "pg/server/settings.h"
#include "pg/server/spool.h"

static void *
host_alloc(void *user, size_t size)
{
	if (size > MaxAllocHugeSize)
		return NULL; /* PostgreSQL would raise an error */
	return MemoryContextAllocExtended(((HealthmlHost *) user)->memory, size,
									  MCXT_ALLOC_HUGE | MCXT_ALLOC_NO_OOM);
}

static void
host_free(void *user pg_attribute_unused(), void *pointer)
{
	pfree(pointer);
}

static bool
host_cancelled(void *user pg_attribute_unused())
{
	return QueryCancelPending || ProcDiePending;
}

static void
host_progress(void *user, const HmlProgress *progress)
{
	healthml_journal_progress(((HealthmlHost *) user)->journal, progress);
}

static double
host_seconds(void *user pg_attribute_unused())
{
	instr_time now;

	INSTR_TIME_SET_CURRENT(now);
	return INSTR_TIME_GET_DOUBLE(now);
}

void
healthml_context_init(HmlContext *ctx, MemoryContext memory)
{
	HealthmlHost *user = MemoryContextAllocZero(memory, sizeof(*user));
	HmlHost host = {.alloc = host_alloc,
					.free = host_free,
					.cancelled = host_cancelled,
					.user = user,
					.seconds = host_seconds,
					.spool = &healthml_spool};

	user->memory = memory;
	hml_context_init(ctx, &host);
}

void
healthml_context_report(HmlContext *ctx, HealthmlJournal *journal)
{
	((HealthmlHost *) ctx->host.user)->journal = journal;
	ctx->host.progress = host_progress;
}

void
healthml_limit_memory(HmlContext *ctx)
{
	ctx->memory_limit = (size_t) healthml_max_memory * 1024;
	ctx->memory_limit_name = "healthml.max_memory";
}

void
healthml_check_block(Size bytes, const char *what)
{
	if (bytes / 1024 > (Size) healthml_max_memory)
		ereport(ERROR, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
						errmsg("%zu bytes for %s would exceed the memory limit of %zu bytes", bytes, what,
							   (Size) healthml_max_memory * 1024),
						errhint("Increase \"healthml.max_memory\".")));
}
