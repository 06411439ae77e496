/*
 * context.c
 *	  Messages, cancellation and accounted memory of an HmlContext.
 *
 * A block carries a header in front of its aligned start: the pointer that the
 * host returned and the size asked for, so that the context always knows how
 * much it holds and can refuse more than memory_limit.
 */
#include "core/base/context.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/checked.h"

typedef struct BlockHeader
{
	void *raw;   /* what the host gave */
	size_t size; /* bytes that count against the limit */
} BlockHeader;

#define BLOCK_OVERHEAD (sizeof(BlockHeader) + HML_ALIGNMENT)

void
hml_context_init(HmlContext *ctx, const HmlHost *host)
{
	memset(ctx, 0, sizeof(*ctx));
	ctx->host = *host;
	ctx->memory_limit = SIZE_MAX;
}

/* A text that is too long is cut between two characters. */
static void HML_PRINTF(2, 0) format(char buffer[HML_MESSAGE_SIZE], const char *fmt, va_list args)
{
	int length = vsnprintf(buffer, HML_MESSAGE_SIZE, fmt, args);
	size_t end = HML_MESSAGE_SIZE - 1;

	if (length < HML_MESSAGE_SIZE)
		return;
	while (end > 0 && ((unsigned char) buffer[end - 1] & 0xc0) == 0x80)
		end--;
	if (end > 0 && (unsigned char) buffer[end - 1] >= 0xc0)
		end--;
	buffer[end] = '\0';
}

HmlStatus
hml_fail(HmlContext *ctx, HmlStatus status, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	format(ctx->message, fmt, args);
	va_end(args);
	ctx->status = status;
	ctx->detail[0] = '\0';
	ctx->hint[0] = '\0';
	return status;
}

HmlStatus
hml_detail(HmlContext *ctx, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	format(ctx->detail, fmt, args);
	va_end(args);
	return ctx->status;
}

HmlStatus
hml_hint(HmlContext *ctx, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	format(ctx->hint, fmt, args);
	va_end(args);
	return ctx->status;
}

HmlStatus
hml_poll(HmlContext *ctx)
{
	if (ctx->host.cancelled != NULL && ctx->host.cancelled(ctx->host.user))
		return hml_fail(ctx, HML_CANCELLED, "canceled by the caller");
	return HML_OK;
}

double
hml_seconds(HmlContext *ctx)
{
	return ctx->host.seconds == NULL ? NAN : ctx->host.seconds(ctx->host.user);
}

void
hml_report_progress(HmlContext *ctx, const char *phase, int64_t done, int64_t total)
{
	HmlProgress progress = {phase, done, total};

	if (ctx->host.progress != NULL)
		ctx->host.progress(ctx->host.user, &progress);
}

static BlockHeader *
header_of(void *pointer)
{
	return (BlockHeader *) pointer - 1;
}

static HmlStatus
refuse_over_limit(HmlContext *ctx, size_t bytes)
{
	hml_fail(ctx, HML_MEMORY_LIMIT, "%zu bytes more would exceed the memory limit of %zu bytes", bytes,
			 ctx->memory_limit);
	if (ctx->memory_limit_name != NULL)
		hml_hint(ctx, "Increase \"%s\".", ctx->memory_limit_name);
	return HML_MEMORY_LIMIT;
}

HmlStatus
hml_charge(HmlContext *ctx, size_t bytes)
{
	if (bytes > ctx->memory_limit || ctx->memory_used > ctx->memory_limit - bytes)
		return refuse_over_limit(ctx, bytes);
	ctx->memory_used += bytes;
	if (ctx->memory_used > ctx->memory_peak)
		ctx->memory_peak = ctx->memory_used;
	return HML_OK;
}

void
hml_discharge(HmlContext *ctx, size_t bytes)
{
	ctx->memory_used -= bytes;
}

HmlStatus
hml_alloc(HmlContext *ctx, size_t count, size_t size, void **out)
{
	size_t bytes;
	size_t gross;
	void *raw;
	uintptr_t start;

	*out = NULL;
	if (!hml_size_mul(count, size, &bytes) || !hml_size_add(bytes, BLOCK_OVERHEAD, &gross))
		return hml_fail(ctx, HML_LIMIT, "%zu items of %zu bytes do not fit in memory", count, size);
	HML_TRY(hml_charge(ctx, gross));

	raw = ctx->host.alloc(ctx->host.user, gross);
	if (raw == NULL)
	{
		hml_discharge(ctx, gross);
		return hml_fail(ctx, HML_NO_MEMORY, "out of memory: could not allocate %zu bytes", gross);
	}

	start = ((uintptr_t) raw + BLOCK_OVERHEAD) & ~(uintptr_t) (HML_ALIGNMENT - 1);
	*out = (void *) start;
	header_of(*out)->raw = raw;
	header_of(*out)->size = gross;
	return HML_OK;
}

HmlStatus
hml_alloc_zero(HmlContext *ctx, size_t count, size_t size, void **out)
{
	HML_TRY(hml_alloc(ctx, count, size, out));
	memset(*out, 0, count * size);
	return HML_OK;
}

/* On failure the old block stays as it was. */
HmlStatus
hml_realloc(HmlContext *ctx, size_t count, size_t size, void **inout)
{
	void *old = *inout;
	void *grown;
	size_t keep;

	HML_TRY(hml_alloc(ctx, count, size, &grown));
	if (old != NULL)
	{
		keep = header_of(old)->size - BLOCK_OVERHEAD;
		memcpy(grown, old, keep < count * size ? keep : count * size);
		hml_free(ctx, old);
	}
	*inout = grown;
	return HML_OK;
}

void
hml_free(HmlContext *ctx, void *pointer)
{
	if (pointer == NULL)
		return;
	hml_discharge(ctx, header_of(pointer)->size);
	ctx->host.free(ctx->host.user, header_of(pointer)->raw);
}
