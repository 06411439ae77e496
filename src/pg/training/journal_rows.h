/*
 * journal_rows.h
 *	  The rows of the journal, and what a training shares with its worker.
 */
#ifndef HEALTHML_JOURNAL_ROWS_H
#define HEALTHML_JOURNAL_ROWS_H

#include "pg/server/compat.h"

#include "port/atomics.h"
#include "storage/shm_mq.h"

#include "pg/training/journal.h"

/* How a training ended. */
typedef struct HealthmlRunEnd
{
	char status[16]; /* succeeded, failed or cancelled */
	bool succeeded;
	int32 version; /* this one and the rows only where it succeeded */
	int64 rows;
	char error[2048]; /* "" where there is none */
} HealthmlRunEnd;

#define HEALTHML_JOURNAL_NAME 48

/* A message of the queue: how far the training is, or what an epoch gave. */
typedef struct HealthmlJournalMessage
{
	bool is_epoch;
	char name[HEALTHML_JOURNAL_NAME]; /* the phase, or the name of the metric */
	int64 done;                       /* or the number of the epoch */
	int64 total;
	double loss;
	double validation_loss;
	double learning_rate;
	double metric;
	double seconds;
} HealthmlJournalMessage;

/*
 * The shared memory of one training: this, the texts of the run, and at
 * queue_offset the queue of messages.  The training writes 'end' before it sets
 * 'ended' and detaches from the queue, which is what the worker waits for.
 */
typedef struct HealthmlJournalShared
{
	uint32 magic;
	Oid database;
	Oid login_user;
	Oid user;
	int security_context;
	int pid;
	TimestampTz started_at;
	pg_atomic_uint32 ended;
	HealthmlRunEnd end;
	pg_atomic_uint64 run_id;  /* 0 until the worker has written the run */
	pg_atomic_uint32 written; /* set by the worker when all is written */
	Size texts;               /* offset of model, algorithm, source, params: one after another */
	Size queue;               /* offset */
} HealthmlJournalShared;

#define HEALTHML_JOURNAL_MAGIC 0x48454a31

/* Between SPI_connect() and SPI_finish(). */
extern int64 healthml_journal_insert_run(const HealthmlRun *run, int pid);
extern void healthml_journal_write_message(int64 run_id, const HealthmlJournalMessage *message);
extern void healthml_journal_end_run(int64 run_id, const HealthmlRunEnd *end);

#endif /* HEALTHML_JOURNAL_ROWS_H */
