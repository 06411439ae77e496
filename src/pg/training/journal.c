/*
 * journal.c
 *	  The training's side of the journal.
 *
 * A worker is asked for when the training has lasted START_AFTER, or has failed;
 * shared memory for the two is made beforehand, where an error may be raised.
 * Messages never wait for the worker: epochs are kept in memory until they are
 * sent, of progress only the last one counts.
 *
 * The segment is pinned until the worker has attached to it, so that a training
 * that failed need not wait for the worker to start.  A successful one waits until
 * its rows are committed; the worker's lock_timeout bounds that.
 */
#include "pg/training/journal_rows.h"

#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "storage/dsm.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "utils/elog.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "pg/registry/guard.h"
#include "pg/server/settings.h"
#include "pg/server/statement.h"

#define START_AFTER 100    /* ms */
#define PROGRESS_EVERY 500 /* ms */
#define SLOT_CLASS 0x686d  /* of advisory locks: SQL reaches classes 1 and 2 only */
#define QUEUE_SIZE ((Size) 32 * 1024)

struct HealthmlJournal
{
	MemoryContext memory;
	const HealthmlRun *run;
	dsm_segment *segment;
	HealthmlJournalShared *shared;
	shm_mq_handle *queue;
	bool asked; /* for a worker */
	int slot;   /* of the worker, from 1; 0 = none */
	TimestampTz slots_full_at;
	BackgroundWorkerHandle *worker; /* NULL where there is none */

	HealthmlJournalMessage *epochs;
	size_t n_epochs;
	size_t n_sent;
	size_t allocated;
	bool has_progress;
	HealthmlJournalMessage progress;
	TimestampTz progress_sent_at;
	bool in_flight; /* 'outgoing' is partly in the queue */
	HealthmlJournalMessage outgoing;
};

/* ---- shared memory ---- */

static char *
put_text(char *to, const char *string)
{
	size_t size = strlen(string) + 1;

	memcpy(to, string, size);
	return to + size;
}

static void
fill_shared(HealthmlJournal *journal, Size queue_offset)
{
	HealthmlJournalShared *shared = journal->shared;
	const HealthmlRun *run = journal->run;
	char *texts = (char *) shared + MAXALIGN(sizeof(*shared));
	shm_mq *queue;

	memset(shared, 0, sizeof(*shared));
	shared->magic = HEALTHML_JOURNAL_MAGIC;
	shared->database = MyDatabaseId;
	shared->login_user = GetAuthenticatedUserId();
	GetUserIdAndSecContext(&shared->user, &shared->security_context);
	shared->pid = MyProcPid;
	shared->started_at = run->started_at;
	pg_atomic_init_u32(&shared->ended, 0);
	pg_atomic_init_u64(&shared->run_id, 0);
	pg_atomic_init_u32(&shared->written, 0);
	shared->texts = MAXALIGN(sizeof(*shared));
	shared->queue = queue_offset;
	texts = put_text(texts, run->model);
	texts = put_text(texts, run->algorithm);
	texts = put_text(texts, run->source);
	put_text(texts, run->params);

	queue = shm_mq_create((char *) shared + queue_offset, QUEUE_SIZE);
	shm_mq_set_sender(queue, MyProc);
	journal->queue = shm_mq_attach(queue, journal->segment, NULL);
}

HealthmlJournal *
healthml_journal_begin(const HealthmlRun *run)
{
	HealthmlJournal *journal = palloc0(sizeof(*journal));
	Size texts = strlen(run->model) + strlen(run->algorithm) + strlen(run->source) + strlen(run->params) + 4;
	Size queue_offset = MAXALIGN(MAXALIGN(sizeof(HealthmlJournalShared)) + texts);

	healthml_check_level("training_run", ACL_INSERT | ACL_UPDATE, "trainer");
	healthml_check_level("training_epoch", ACL_INSERT, "trainer");
	journal->memory = CurrentMemoryContext;
	journal->run = run;
	journal->segment = dsm_create(queue_offset + QUEUE_SIZE, DSM_CREATE_NULL_IF_MAXSEGMENTS);
	if (journal->segment != NULL)
	{
		journal->shared = dsm_segment_address(journal->segment);
		fill_shared(journal, queue_offset);
	}
	return journal;
}

/* ---- the worker ---- */

static LOCKTAG
slot_tag(int slot)
{
	LOCKTAG tag;

	SET_LOCKTAG_ADVISORY(tag, InvalidOid, 0, (uint32) slot, SLOT_CLASS);
	return tag;
}

/*
 * At most healthml.max_journal_workers trainings of the whole server have a worker, so that the others leave slots of
 * max_worker_processes to parallel queries.  A slot is a lock of the training's transaction.
 */
static bool
take_slot(HealthmlJournal *journal)
{
	for (int slot = 1; slot <= healthml_max_journal_workers; slot++)
	{
		LOCKTAG tag = slot_tag(slot);

		if (LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL)
		{
			journal->slot = slot;
			return true;
		}
	}
	journal->slots_full_at = GetCurrentTimestamp();
	return false;
}

static void
give_slot_back(HealthmlJournal *journal)
{
	LOCKTAG tag = slot_tag(journal->slot);

	if (journal->slot > 0)
		LockRelease(&tag, ExclusiveLock, false);
	journal->slot = 0;
}

static bool
register_worker(HealthmlJournal *journal)
{
	BackgroundWorker worker = {.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION,
							   .bgw_start_time = BgWorkerStart_RecoveryFinished,
							   .bgw_restart_time = BGW_NEVER_RESTART,
							   .bgw_notify_pid = MyProcPid};

	snprintf(worker.bgw_name, BGW_MAXLEN, "healthml journal of process %d", MyProcPid);
	snprintf(worker.bgw_type, BGW_MAXLEN, "healthml journal");
	snprintf(worker.bgw_library_name, sizeof(worker.bgw_library_name), "$libdir/healthml");
	snprintf(worker.bgw_function_name, sizeof(worker.bgw_function_name), "healthml_journal_main");
	worker.bgw_main_arg = UInt32GetDatum(dsm_segment_handle(journal->segment));
	return RegisterDynamicBackgroundWorker(&worker, &journal->worker);
}

static void
launch_worker(HealthmlJournal *journal)
{
	dsm_pin_segment(journal->segment);
	if (!register_worker(journal))
	{
		journal->worker = NULL;
		dsm_unpin_segment(dsm_segment_handle(journal->segment));
		give_slot_back(journal);
	}
}

/*
 * Ask for a worker, once; where all slots are taken, again later.  One that only writes how a training failed is gone in
 * a moment and needs none.  Callable from libhml: an error ends here.
 */
static void
start_worker(HealthmlJournal *journal, bool needs_slot)
{
	MemoryContext caller = CurrentMemoryContext;

	if (journal->asked || journal->segment == NULL)
		return;
	MemoryContextSwitchTo(journal->memory);
	PG_TRY();
	{
		journal->asked = !needs_slot || take_slot(journal);
		if (journal->asked)
			launch_worker(journal);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		FlushErrorState();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	if (journal->worker != NULL)
		shm_mq_set_handle(journal->queue, journal->worker);
}

static void
start_worker_when_due(HealthmlJournal *journal)
{
	TimestampTz now;

	if (journal->asked)
		return;
	now = GetCurrentTimestamp();
	if (TimestampDifferenceExceeds(journal->run->started_at, now, START_AFTER) &&
		(journal->slots_full_at == 0 ||
		 TimestampDifferenceExceeds(journal->slots_full_at, now, PROGRESS_EVERY)))
		start_worker(journal, true);
}

/* ---- messages ---- */

static bool
next_message(HealthmlJournal *journal)
{
	TimestampTz now;

	if (journal->n_sent < journal->n_epochs)
	{
		journal->outgoing = journal->epochs[journal->n_sent++];
		return true;
	}
	now = GetCurrentTimestamp();
	if (journal->has_progress && TimestampDifferenceExceeds(journal->progress_sent_at, now, PROGRESS_EVERY))
	{
		journal->outgoing = journal->progress;
		journal->has_progress = false;
		journal->progress_sent_at = now;
		return true;
	}
	return false;
}

/* Send what the queue takes without waiting; a message that was begun is finished first. */
static void
send_messages(HealthmlJournal *journal)
{
	while (journal->worker != NULL && (journal->in_flight || next_message(journal)))
	{
#if PG_VERSION_NUM >= 150000
		shm_mq_result result =
			shm_mq_send(journal->queue, sizeof(journal->outgoing), &journal->outgoing, true, true);
#else
		shm_mq_result result =
			shm_mq_send(journal->queue, sizeof(journal->outgoing), &journal->outgoing, true);
#endif

		journal->in_flight = result == SHM_MQ_WOULD_BLOCK;
		if (result != SHM_MQ_SUCCESS)
			break; /* full, or the worker is gone: then the rows are written at the end */
	}
}

static void
put_name(char *to, const char *name)
{
	strlcpy(to, name != NULL ? name : "", HEALTHML_JOURNAL_NAME);
}

void
healthml_journal_progress(HealthmlJournal *journal, const HmlProgress *progress)
{
	journal->has_progress = true;
	journal->progress.is_epoch = false;
	put_name(journal->progress.name, progress->phase);
	journal->progress.done = progress->done;
	journal->progress.total = progress->total;
	start_worker_when_due(journal);
	send_messages(journal);
}

static bool
grow_epochs(HealthmlJournal *journal)
{
	size_t wanted = journal->allocated == 0 ? 64 : journal->allocated * 2;
	HealthmlJournalMessage *grown = MemoryContextAllocExtended(journal->memory, wanted * sizeof(*grown),
															   MCXT_ALLOC_NO_OOM | MCXT_ALLOC_HUGE);

	if (grown == NULL)
		return false;
	if (journal->epochs != NULL)
	{
		memcpy(grown, journal->epochs, journal->n_epochs * sizeof(*grown));
		pfree(journal->epochs);
	}
	journal->epochs = grown;
	journal->allocated = wanted;
	return true;
}

HmlStatus
healthml_journal_epoch(HealthmlJournal *journal, const HmlEpoch *epoch)
{
	HealthmlJournalMessage *message;

	if (journal->n_epochs == journal->allocated && !grow_epochs(journal))
		return HML_NO_MEMORY;
	message = &journal->epochs[journal->n_epochs++];
	message->is_epoch = true;
	put_name(message->name, epoch->metric_name);
	message->done = epoch->epoch;
	message->total = epoch->epochs;
	message->loss = epoch->loss;
	message->validation_loss = epoch->validation_loss;
	message->learning_rate = epoch->learning_rate;
	message->metric = epoch->metric;
	message->seconds = epoch->seconds;
	start_worker_when_due(journal);
	send_messages(journal);
	return HML_OK;
}

/* ---- the end ---- */

/* Let go of the worker, which then writes the end and exits. */
static void
tell_end(HealthmlJournal *journal, const HealthmlRunEnd *end)
{
	journal->shared->end = *end;
	pg_write_barrier();
	pg_atomic_write_u32(&journal->shared->ended, 1);
	shm_mq_detach(journal->queue);
}

/* Wait until the worker takes what is left. */
static void
send_all_messages(HealthmlJournal *journal)
{
	journal->progress_sent_at = 0;
	while (journal->in_flight || journal->n_sent < journal->n_epochs)
	{
		pid_t pid;

		CHECK_FOR_INTERRUPTS();
		if (GetBackgroundWorkerPid(journal->worker, &pid) == BGWH_STOPPED)
			return;
		send_messages(journal);
		if (journal->in_flight)
			pg_usleep(1000);
	}
}

static bool
written_by_worker(HealthmlJournal *journal, const HealthmlRunEnd *end)
{
	if (journal->worker == NULL)
		return false;
	send_all_messages(journal);
	tell_end(journal, end);
	WaitForBackgroundWorkerShutdown(journal->worker);
	give_slot_back(journal);
	return pg_atomic_read_u32(&journal->shared->written) != 0;
}

/* In the transaction of the training; epochs that the worker had no time for may be there already. */
static void
write_here(HealthmlJournal *journal, const HealthmlRunEnd *end)
{
	int64 run_id = 0;
	size_t i;

	SPI_connect();
	if (journal->segment != NULL)
		run_id = (int64) pg_atomic_read_u64(&journal->shared->run_id);
	if (run_id == 0)
	{
		run_id = healthml_journal_insert_run(journal->run, MyProcPid);
		for (i = 0; i < journal->n_epochs; i++)
			healthml_journal_write_message(run_id, &journal->epochs[i]);
	}
	healthml_journal_end_run(run_id, end);
	SPI_finish();
}

void
healthml_journal_succeeded(HealthmlJournal *journal, int32 version, int64 rows)
{
	HealthmlRunEnd end = {.status = "succeeded", .succeeded = true, .version = version, .rows = rows};

	if (!written_by_worker(journal, &end))
		write_here(journal, &end);
	if (journal->segment != NULL)
		dsm_detach(journal->segment);
}

void
healthml_journal_failed(HealthmlJournal *journal, const ErrorData *error)
{
	HealthmlRunEnd end = {.status = "failed"};

	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED)
		strlcpy(end.status, "cancelled", sizeof(end.status));
	strlcpy(end.error, error->message, sizeof(end.error));
	if (journal->segment == NULL)
		return;
	start_worker(journal, false);
	send_messages(journal);
	tell_end(journal, &end);
}
