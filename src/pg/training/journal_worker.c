/*
 * journal_worker.c
 *	  The background worker that writes the journal of one training.
 *
 * It connects to the training's database and acts as its user, who needs the
 * privilege to write the journal anyway.  It ends when the training detaches from
 * the queue; a training that did so without a word has lost its session.
 */
#include "pg/training/journal_rows.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "storage/dsm.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "utils/guc.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"

extern PGDLLEXPORT void healthml_journal_main(Datum main_arg);

static void
begin(void)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	SPI_connect();
	PushActiveSnapshot(GetTransactionSnapshot());
}

static void
commit(void)
{
	SPI_finish();
	PopActiveSnapshot();
	CommitTransactionCommand();
}

/* The settings of database and role apply to a worker too; these must not. */
static void
connect_as_training(const HealthmlJournalShared *shared)
{
	BackgroundWorkerInitializeConnectionByOid(shared->database, shared->login_user,
											  BGWORKER_BYPASS_ALLOWCONN);
	SetConfigOption("default_transaction_read_only", "off", PGC_USERSET, PGC_S_SESSION);
	SetConfigOption("default_transaction_isolation", "read committed", PGC_USERSET, PGC_S_SESSION);
	SetConfigOption("lock_timeout", "1s", PGC_USERSET, PGC_S_SESSION);
	SetUserIdAndSecContext(shared->user, shared->security_context);
}

static void
read_run(const HealthmlJournalShared *shared, HealthmlRun *run)
{
	const char *texts = (const char *) shared + shared->texts;

	run->model = texts;
	run->algorithm = run->model + strlen(run->model) + 1;
	run->source = run->algorithm + strlen(run->algorithm) + 1;
	run->params = run->source + strlen(run->source) + 1;
	run->started_at = shared->started_at;
}

/* Write messages until the training lets go; those that have piled up share a transaction. */
static void
write_messages(shm_mq_handle *queue, int64 run_id)
{
	Size size;
	void *data;

	while (shm_mq_receive(queue, &size, &data, false) == SHM_MQ_SUCCESS)
	{
		begin();
		do
		{
			if (size != sizeof(HealthmlJournalMessage))
				elog(ERROR, "unexpected message of %zu bytes in the journal of a training", size);
			healthml_journal_write_message(run_id, data);
		} while (shm_mq_receive(queue, &size, &data, true) == SHM_MQ_SUCCESS);
		commit();
	}
}

static void
write_end(HealthmlJournalShared *shared, int64 run_id)
{
	HealthmlRunEnd lost = {.status = "failed", .error = "the session of the training has ended"};
	HealthmlRunEnd *end = &lost;

	if (pg_atomic_read_u32(&shared->ended) != 0)
	{
		pg_read_barrier();
		end = &shared->end;
	}
	begin();
	healthml_journal_end_run(run_id, end);
	commit();
	pg_atomic_write_u32(&shared->written, 1);
}

void
healthml_journal_main(Datum main_arg)
{
	dsm_segment *segment;
	HealthmlJournalShared *shared;
	shm_mq *queue;
	shm_mq_handle *handle;
	HealthmlRun run;
	int64 run_id;

	BackgroundWorkerUnblockSignals();
	CurrentResourceOwner = ResourceOwnerCreate(NULL, "healthml journal");
	segment = dsm_attach(DatumGetUInt32(main_arg));
	if (segment == NULL)
		proc_exit(0);
	dsm_unpin_segment(dsm_segment_handle(segment));
	dsm_pin_mapping(segment);
	shared = dsm_segment_address(segment);
	if (shared->magic != HEALTHML_JOURNAL_MAGIC)
		elog(ERROR, "unexpected shared memory in the journal of a training");
	queue = (shm_mq *) ((char *) shared + shared->queue);
	shm_mq_set_receiver(queue, MyProc);
	handle = shm_mq_attach(queue, segment, NULL);

	connect_as_training(shared);
	pgstat_report_appname("healthml journal");
	read_run(shared, &run);
	begin();
	run_id = healthml_journal_insert_run(&run, shared->pid);
	commit();
	pg_atomic_write_u64(&shared->run_id, (uint64) run_id);
	write_messages(handle, run_id);
	write_end(shared, run_id);
	proc_exit(0);
}
