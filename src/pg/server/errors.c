/*
 * errors.c
 *	  Statuses of libhml as PostgreSQL errors.
 *
 * A caller that distinguishes errors by SQLSTATE relies on this table, which
 * docs/reliability.md repeats.
 */
#include "pg/server/compat.h"

#include "pg/server/document.h"
#include "pg/server/errors.h"
#include "pg/server/memory.h"
#include "miscadmin.h"

int
healthml_sqlstate(HmlStatus status)
{
	switch (status)
	{
		case HML_INVALID_ARGUMENT:
			return ERRCODE_INVALID_PARAMETER_VALUE;
		case HML_INVALID_DATA:
			return ERRCODE_DATA_EXCEPTION;
		case HML_UNDEFINED:
			return ERRCODE_UNDEFINED_OBJECT;
		case HML_CORRUPT:
			return ERRCODE_INVALID_BINARY_REPRESENTATION;
		case HML_LIMIT:
			return ERRCODE_PROGRAM_LIMIT_EXCEEDED;
		case HML_MEMORY_LIMIT:
			return ERRCODE_CONFIGURATION_LIMIT_EXCEEDED;
		case HML_NO_MEMORY:
			return ERRCODE_OUT_OF_MEMORY;
		case HML_UNSUPPORTED:
			return ERRCODE_FEATURE_NOT_SUPPORTED;
		case HML_DIVERGED:
			return ERRCODE_FLOATING_POINT_EXCEPTION;
		case HML_CANCELLED:
			return ERRCODE_QUERY_CANCELED;
		case HML_OK:
		case HML_HOST:
		case HML_INTERNAL:
			break;
	}
	return ERRCODE_INTERNAL_ERROR;
}

/*
 * An error that was raised below libhml, such as a full disk, is raised again.
 * A cancelled call lets PostgreSQL say why (user request, timeout, shutdown);
 * only where interrupts are held off does it get here with nothing raised.
 */
void
healthml_raise(const HmlContext *ctx, HmlStatus status)
{
	const HealthmlHost *host = ctx->host.user;

	if (status == HML_CANCELLED)
		CHECK_FOR_INTERRUPTS();
	if (status == HML_HOST && host->error != NULL)
		ReThrowError(host->error);
	healthml_raise_as(ctx, healthml_sqlstate(status));
}

void
healthml_raise_as(const HmlContext *ctx, int sqlstate)
{
	ereport(ERROR, (errcode(sqlstate), errmsg_internal("%s", healthml_readable(ctx->message)),
					ctx->detail[0] != '\0' ? errdetail_internal("%s", healthml_readable(ctx->detail)) : 0,
					ctx->hint[0] != '\0' ? errhint("%s", healthml_readable(ctx->hint)) : 0));
}
