/*
 * journal.h
 *	  Trainings on record: healthml.training_run and healthml.training_epoch.
 *
 * A training that lasts is written down while it runs, by a background worker in
 * transactions of its own, so that other sessions see it and its rows survive a
 * rollback.  One that succeeds sooner, or finds no worker, writes its rows in its
 * own transaction.  A failure is always left to a worker, if there is one.
 */
#ifndef HEALTHML_JOURNAL_H
#define HEALTHML_JOURNAL_H

#include "pg/server/compat.h"

#include "datatype/timestamp.h"

#include "core/model/model.h"

typedef struct HealthmlJournal HealthmlJournal;

/* What is known of a training before it starts. */
typedef struct HealthmlRun
{
	const char *model;
	const char *algorithm;
	const char *source;
	const char *params; /* JSON, in UTF-8 */
	TimestampTz started_at;
} HealthmlRun;

/* Lives in the current memory context; 'run' and what it points to must live as long. */
extern HealthmlJournal *healthml_journal_begin(const HealthmlRun *run);

/*
 * While it runs.  These two never raise an error, so libhml may call them; an
 * epoch that finds no memory is HML_NO_MEMORY without a message.
 */
extern void healthml_journal_progress(HealthmlJournal *journal, const HmlProgress *progress);
extern HmlStatus healthml_journal_epoch(HealthmlJournal *journal, const HmlEpoch *epoch);

/* When it ends, one of these.  The second one is for PG_CATCH blocks. */
extern void healthml_journal_succeeded(HealthmlJournal *journal, int32 version, int64 rows);
extern void healthml_journal_failed(HealthmlJournal *journal, const ErrorData *error);

#endif /* HEALTHML_JOURNAL_H */
