/*
 * spool.c
 *	  Samples that do not fit into healthml.max_memory, in a temporary file.
 *
 * A File rather than a BufFile: samples are read in random order and are mostly
 * larger than a buffer, so that buffering would only copy them once more.  It is
 * opened to outlive transactions, because what closes it is the memory context of
 * the call, which ends with an error, a cancellation or the session as well; a
 * file that belonged to a resource owner would be closed by both.
 *
 * No error may leave through libhml: it is kept, and raised by healthml_raise().
 */
#include "pg/server/spool.h"

#include "commands/tablespace.h"
#include "storage/fd.h"
#include "utils/memutils.h"

#include "pg/server/memory.h"

#include "utils/wait_event.h"

typedef struct Spool
{
	File file; /* -1 = closed */
	MemoryContextCallback on_reset;
} Spool;

typedef struct Transfer
{
	HealthmlHost *host;
	Spool *spool;
	char *bytes;
	size_t size;
	uint64_t at;
} Transfer;

static void
close_spool(void *argument)
{
	Spool *spool = argument;

	if (spool->file >= 0)
		FileClose(spool->file);
	spool->file = -1;
}

static void
open_file(Transfer *transfer)
{
	MemoryContext memory = transfer->host->memory;
	Spool *spool = MemoryContextAlloc(memory, sizeof(*spool));

	PrepareTempTablespaces();
	spool->file = OpenTemporaryFile(true);
	spool->on_reset = (MemoryContextCallback){.func = close_spool, .arg = spool};
	MemoryContextRegisterResetCallback(memory, &spool->on_reset);
	transfer->spool = spool;
}

static void
write_file(Transfer *transfer)
{
	while (transfer->size > 0)
	{
		int written = (int) FileWrite(transfer->spool->file, transfer->bytes, (int) transfer->size,
									  (off_t) transfer->at, WAIT_EVENT_BUFFILE_WRITE);

		if (written <= 0)
			ereport(ERROR, (errcode_for_file_access(),
							errmsg("could not write to the temporary file of samples: %m")));
		transfer->bytes += written;
		transfer->at += (uint64_t) written;
		transfer->size -= (size_t) written;
	}
}

static void
read_file(Transfer *transfer)
{
	while (transfer->size > 0)
	{
		int got = (int) FileRead(transfer->spool->file, transfer->bytes, (int) transfer->size,
								 (off_t) transfer->at, WAIT_EVENT_BUFFILE_READ);

		if (got <= 0)
			ereport(ERROR, (errcode_for_file_access(),
							errmsg("could not read from the temporary file of samples: %m")));
		transfer->bytes += got;
		transfer->at += (uint64_t) got;
		transfer->size -= (size_t) got;
	}
}

/* Do it, and keep the error that it raises. */
static HmlStatus
attempt(Transfer *transfer, HmlContext *ctx, void (*work)(Transfer *transfer))
{
	MemoryContext caller = CurrentMemoryContext;
	HealthmlHost *host = transfer->host;
	volatile HmlStatus status = HML_OK;

	PG_TRY();
	{
		work(transfer);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(host->memory);
		host->error = CopyErrorData();
		FlushErrorState();
		status = hml_fail(ctx, HML_HOST, "%s", host->error->message);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	return status;
}

static HmlStatus
spool_open(void *user, HmlContext *ctx, void **spool)
{
	Transfer transfer = {.host = user};

	HML_TRY(attempt(&transfer, ctx, open_file));
	*spool = transfer.spool;
	return HML_OK;
}

static HmlStatus
spool_write(void *user, HmlContext *ctx, void *spool, uint64_t at, const void *bytes, size_t size)
{
	Transfer transfer = {
		.host = user, .spool = spool, .bytes = unconstify(void *, bytes), .size = size, .at = at};

	return attempt(&transfer, ctx, write_file);
}

static HmlStatus
spool_read(void *user, HmlContext *ctx, void *spool, uint64_t at, void *bytes, size_t size)
{
	Transfer transfer = {.host = user, .spool = spool, .bytes = bytes, .size = size, .at = at};

	return attempt(&transfer, ctx, read_file);
}

static void
spool_close(void *user pg_attribute_unused(), void *spool)
{
	close_spool(spool);
}

const HmlSpool healthml_spool = {
	.open = spool_open,
	.write = spool_write,
	.read = spool_read,
	.close = spool_close,
};
