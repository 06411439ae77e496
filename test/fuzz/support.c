/*
 * support.c
 *	  The host of the fuzz targets.
 */
#include "fuzz/support.h"

#include <stdlib.h>

#define MEMORY_LIMIT ((size_t) 64 * 1024 * 1024)

static void *
host_alloc(void *user, size_t size)
{
	(void) user;
	return malloc(size);
}

static void
host_free(void *user, void *block)
{
	(void) user;
	free(block);
}

void
fuzz_context_init(HmlContext *ctx)
{
	HmlHost host = {.alloc = host_alloc, .free = host_free};

	hml_context_init(ctx, &host);
	ctx->memory_limit = MEMORY_LIMIT;
}

void
fuzz_context_finish(const HmlContext *ctx)
{
	fuzz_assert(ctx->memory_used == 0);
}

void
fuzz_assert(bool condition)
{
	if (!condition)
		abort();
}
