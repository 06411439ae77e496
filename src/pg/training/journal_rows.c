/*
 * journal_rows.c
 *	  Writing healthml.training_run and healthml.training_epoch.
 */
#include "pg/training/journal_rows.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "pg/server/document.h"
#include "pg/server/statement.h"

static HealthmlStatement insert_run = {
	.sql = "INSERT INTO healthml.training_run (model, algorithm, source, params, started_at, pid) "
		   "VALUES ($1, $2, $3, $4, $5, $6) RETURNING run_id",
	.writes = "training_run",
	.n_arguments = 6,
	.types = {TEXTOID, TEXTOID, TEXTOID, JSONBOID, TIMESTAMPTZOID, INT4OID},
};

static HealthmlStatement update_progress = {
	.sql = "UPDATE healthml.training_run SET phase = $2, done = $3, total = $4 WHERE run_id" EQUALS "$1",
	.writes = "training_run",
	.n_arguments = 4,
	.types = {INT8OID, TEXTOID, INT8OID, INT8OID},
};

static HealthmlStatement insert_epoch = {
	.sql = "INSERT INTO healthml.training_epoch (run_id, epoch, loss, validation_loss, learning_rate, "
		   "metric_name, metric, elapsed) "
		   "VALUES ($1, $2, $3, $4, $5, $6, $7, pg_catalog.make_interval(secs => $8))",
	.writes = "training_epoch",
	.n_arguments = 8,
	.types = {INT8OID, INT4OID, FLOAT8OID, FLOAT8OID, FLOAT8OID, TEXTOID, FLOAT8OID, FLOAT8OID},
};

static HealthmlStatement end_run = {
	.sql = "UPDATE healthml.training_run SET status = $2, version = $3, rows = $4, error = $5, "
		   "phase = CASE WHEN $6 THEN NULL ELSE phase END, done = CASE WHEN $6 THEN NULL ELSE done END, "
		   "total = CASE WHEN $6 THEN NULL ELSE total END, "
		   "finished_at = pg_catalog.clock_timestamp() WHERE run_id" EQUALS "$1",
	.writes = "training_run",
	.n_arguments = 6,
	.types = {INT8OID, TEXTOID, INT4OID, INT8OID, TEXTOID, BOOLOID},
};

int64
healthml_journal_insert_run(const HealthmlRun *run, int pid)
{
	Datum values[6] = {CStringGetTextDatum(run->model),      CStringGetTextDatum(run->algorithm),
					   CStringGetTextDatum(run->source),     healthml_jsonb_of_json(run->params),
					   TimestampTzGetDatum(run->started_at), Int32GetDatum(pid)};

	healthml_execute(&insert_run, values, NULL, false);
	return DatumGetInt64(healthml_result(1));
}

static char
null_if(bool is_null)
{
	return is_null ? 'n' : ' ';
}

static void
write_epoch(int64 run_id, const HealthmlJournalMessage *epoch)
{
	Datum values[8] = {Int64GetDatum(run_id),
					   Int32GetDatum((int32) epoch->done),
					   Float8GetDatum(epoch->loss),
					   Float8GetDatum(epoch->validation_loss),
					   Float8GetDatum(epoch->learning_rate),
					   CStringGetTextDatum(healthml_from_utf8(epoch->name)),
					   Float8GetDatum(epoch->metric),
					   Float8GetDatum(epoch->seconds)};
	bool has_metric = epoch->name[0] != '\0';
	char nulls[8] = {' ',
					 ' ',
					 null_if(isnan(epoch->loss)),
					 null_if(isnan(epoch->validation_loss)),
					 null_if(isnan(epoch->learning_rate)),
					 null_if(!has_metric),
					 null_if(!has_metric || isnan(epoch->metric)),
					 ' '};

	healthml_execute(&insert_epoch, values, nulls, false);
}

static void
write_progress(int64 run_id, const HealthmlJournalMessage *progress)
{
	Datum values[4] = {Int64GetDatum(run_id), CStringGetTextDatum(healthml_from_utf8(progress->name)),
					   Int64GetDatum(progress->done), Int64GetDatum(progress->total)};
	char nulls[4] = {' ', ' ', ' ', null_if(progress->total == 0)};

	healthml_execute(&update_progress, values, nulls, false);
}

void
healthml_journal_write_message(int64 run_id, const HealthmlJournalMessage *message)
{
	if (message->is_epoch)
		write_epoch(run_id, message);
	else
		write_progress(run_id, message);
}

void
healthml_journal_end_run(int64 run_id, const HealthmlRunEnd *end)
{
	/* A finished run has no current phase; one that failed keeps the phase in which it failed. */
	Datum values[6] = {Int64GetDatum(run_id),           CStringGetTextDatum(end->status),
					   Int32GetDatum(end->version),     Int64GetDatum(end->rows),
					   CStringGetTextDatum(end->error), BoolGetDatum(end->succeeded)};
	char nulls[6] = {
		' ', ' ', null_if(!end->succeeded), null_if(!end->succeeded), null_if(end->error[0] == '\0'), ' '};

	healthml_execute(&end_run, values, nulls, false);
}
