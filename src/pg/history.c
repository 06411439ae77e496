/*
 * history.c
 *	  healthml.batch_predict: a source's rows as rows of healthml.prediction.
 *
 * Rows are read as training reads them, in a read-only query, scored in blocks
 * through the model's batch kernel (one by one where a prediction is more than a
 * score: it is explained, or has classes), and put into a tuplestore, which goes to disk beyond work_mem.  When all are scored, one INSERT ... SELECT takes them into
 * the table: so an error writes nothing, and neither memory nor transaction ids
 * grow with the number of rows.
 *
 * Progress is reported as that of a COPY FROM a callback into
 * healthml.prediction, which view healthml.batch_progress shows to others.
 */
#include "compat.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/progress.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/backend_progress.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/queryenvironment.h"
#include "utils/tuplestore.h"

#include "arguments.h"
#include "errors.h"
#include "memory.h"
#include "prediction.h"
#include "source.h"

#define BLOCK_ROWS 256
#define PROGRESS_ROWS 256
#define SOURCE_NAME 200      /* bytes of the source that each prediction names */
#define STORED_ROWS "scored" /* name of the tuplestore in the INSERT */

/* One call of healthml.batch_predict. */
typedef struct Batch
{
	HealthmlScorer *scorer;
	int top;        /* reasons of each prediction, 0 = none */
	bool in_blocks; /* the score is all there is to a prediction */
	const char *source_text;
	const char *source_name; /* of the predictions */
	HealthmlSource *source;
	int subject; /* attribute of the source, from 0; -1 = none */
	FmgrInfo subject_output;

	/* Rows that wait to be scored together. */
	MemoryContext memory; /* of their subjects; emptied with each block */
	int n;
	const char *subjects[BLOCK_ROWS];
	double *inputs; /* (BLOCK_ROWS, n_inputs) */
	double scores[BLOCK_ROWS];

	TupleDesc desc;
	Tuplestorestate *store;
	int64 rows;
} Batch;

/* ---- columns ---- */

static TupleDesc
stored_desc(void)
{
	TupleDesc desc = CreateTemplateTupleDesc(HEALTHML_PREDICTION_N);
	int i;

	for (i = 0; i < HEALTHML_PREDICTION_N; i++)
	{
		char name[NAMEDATALEN];

		snprintf(name, sizeof(name), "c%d", i + 1);
		TupleDescInitEntry(desc, (AttrNumber) (i + 1), name, healthml_prediction_types[i], -1, 0);
	}
	return desc;
}

static void
find_subject(Batch *batch, const char *name)
{
	TupleDesc desc = batch->source->columns;
	Oid output;
	bool is_varlena;
	int i;

	batch->subject = -1;
	if (name == NULL)
		return;
	for (i = 0; i < desc->natts && batch->subject < 0; i++)
		if (strcmp(NameStr(TupleDescAttr(desc, i)->attname), name) == 0)
			batch->subject = i;
	if (batch->subject < 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN), errmsg("the source has no column \"%s\"", name),
				 errhint("Argument \"subject\" is the column that tells whom a row is about, or NULL.")));
	getTypeOutputInfo(TupleDescAttr(desc, batch->subject)->atttypid, &output, &is_varlena);
	fmgr_info(output, &batch->subject_output);
}

/* ---- rows ---- */

static const char *
subject_of(Batch *batch, TupleTableSlot *slot)
{
	if (batch->subject < 0 || slot->tts_isnull[batch->subject])
		return NULL;
	return OutputFunctionCall(&batch->subject_output, slot->tts_values[batch->subject]);
}

static void
store(Batch *batch, const HealthmlPrediction *prediction)
{
	Datum values[HEALTHML_PREDICTION_N];
	bool nulls[HEALTHML_PREDICTION_N];

	healthml_prediction_values(prediction, values, nulls);
	tuplestore_putvalues(batch->store, batch->desc, values, nulls);
	if (++batch->rows % PROGRESS_ROWS == 0)
		pgstat_progress_update_param(PROGRESS_COPY_TUPLES_PROCESSED, batch->rows);
}

static void
predict_row(Batch *batch, TupleTableSlot *slot)
{
	HealthmlScorer *scorer = batch->scorer;
	HealthmlPrediction prediction = {.source = batch->source_name};
	instr_time start;

	CHECK_FOR_INTERRUPTS();
	INSTR_TIME_SET_CURRENT(start);
	healthml_scorer_read(scorer, healthml_features_of_slot(&scorer->features, slot, batch->source->columns));
	healthml_predict(scorer, &prediction);
	prediction.subject = subject_of(batch, slot);
	if (batch->top > 0)
	{
		prediction.features = healthml_features_document(scorer, slot->tts_values, slot->tts_isnull);
		healthml_explain_prediction(scorer, batch->top, &prediction);
	}
	prediction.latency_ms = healthml_ms_since(start);
	store(batch, &prediction);
}

static void
finish_block(Batch *batch)
{
	HealthmlScorer *scorer = batch->scorer;
	MemoryContext caller = MemoryContextSwitchTo(batch->memory);
	HealthmlPrediction prediction = {.source = batch->source_name};
	instr_time start;
	int i;

	INSTR_TIME_SET_CURRENT(start);
	healthml_check(&scorer->ctx,
				   scorer->model->algorithm->score(scorer->model, &scorer->ctx, scorer->scratch,
												   batch->inputs, (size_t) batch->n, batch->scores));
	prediction.latency_ms = healthml_ms_since(start) / Max(batch->n, 1);
	for (i = 0; i < batch->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		prediction.subject = batch->subjects[i];
		healthml_assess_score(scorer, batch->scores[i], &prediction.assessment);
		store(batch, &prediction);
	}
	batch->n = 0;
	MemoryContextSwitchTo(caller);
	MemoryContextReset(batch->memory);
}

static void
add_to_block(Batch *batch, TupleTableSlot *slot)
{
	HealthmlScorer *scorer = batch->scorer;
	const HmlPipeline *pipeline = scorer->model->pipeline;
	const double *values = healthml_features_of_slot(&scorer->features, slot, batch->source->columns);
	MemoryContext caller = MemoryContextSwitchTo(batch->memory);

	healthml_check(&scorer->ctx, hml_pipeline_apply(pipeline, &scorer->ctx, values,
													batch->inputs + batch->n * pipeline->n_inputs, NULL));
	batch->subjects[batch->n] = subject_of(batch, slot);
	MemoryContextSwitchTo(caller);
	if (++batch->n == BLOCK_ROWS)
		finish_block(batch);
}

static void
add_row(void *user, TupleTableSlot *slot)
{
	Batch *batch = user;

	if (batch->in_blocks)
		add_to_block(batch, slot);
	else
		predict_row(batch, slot);
}

static void
create_block(Batch *batch)
{
	size_t n_inputs = batch->scorer->model->pipeline->n_inputs;

	batch->memory = AllocSetContextCreate(CurrentMemoryContext, "healthml block", ALLOCSET_DEFAULT_SIZES);
	batch->inputs = palloc_extended(sizeof(double) * BLOCK_ROWS * Max(n_inputs, 1), MCXT_ALLOC_HUGE);
}

/* ---- writing ---- */

static void
insert_rows(Batch *batch)
{
	static const char *const insert = "INSERT INTO healthml.prediction (" HEALTHML_PREDICTION_COLUMNS ") "
									  "SELECT c1, c2, c3, c4, c5, c6::healthml.risk_level, c7, c8, c9, c10, "
									  "c11, c12, c13, c14 FROM " STORED_ROWS;
	EphemeralNamedRelationData relation = {.md = {.name = pstrdup(STORED_ROWS),
												  .reliddesc = InvalidOid,
												  .tupdesc = batch->desc,
												  .enrtype = ENR_NAMED_TUPLESTORE,
												  .enrtuples = (double) batch->rows},
										   .reldata = batch->store};
	int result;

	if (SPI_register_relation(&relation) != SPI_OK_REL_REGISTER)
		elog(ERROR, "could not register the scored rows");
	result = SPI_execute(insert, false, 0);
	if (result != SPI_OK_INSERT)
		elog(ERROR, "could not insert the scored rows: %s", SPI_result_code_string(result));
	batch->rows = (int64) SPI_processed;
}

static void
report_start(void)
{
	Oid table = get_relname_relid("prediction", get_namespace_oid("healthml", false));

	pgstat_progress_start_command(PROGRESS_COMMAND_COPY, table);
	pgstat_progress_update_param(PROGRESS_COPY_COMMAND, PROGRESS_COPY_COMMAND_FROM);
	pgstat_progress_update_param(PROGRESS_COPY_TYPE, PROGRESS_COPY_TYPE_CALLBACK);
}

static void
predict(Batch *batch, const char *subject)
{
	SPI_connect();
	report_start();
	batch->source = healthml_source_open(batch->source_text);
	find_subject(batch, subject);
	create_block(batch);
	batch->desc = stored_desc();
	batch->store = tuplestore_begin_heap(false, false, work_mem);
	healthml_source_read(batch->source, add_row, batch);
	finish_block(batch);
	if (batch->rows > 0)
		insert_rows(batch);
	tuplestore_end(batch->store);
	pgstat_progress_end_command();
	SPI_finish();
}

PG_FUNCTION_INFO_V1(healthml_batch_predict);

/* healthml.batch_predict(model, source, subject, explain) RETURNS bigint */
Datum
healthml_batch_predict(PG_FUNCTION_ARGS)
{
	Batch *batch = palloc0(sizeof(*batch));
	const char *model = healthml_required_text(fcinfo, 0, "model");

	PreventCommandDuringRecovery("healthml.batch_predict()");
	PreventCommandIfReadOnly("healthml.batch_predict()");
	PreventCommandIfParallelMode("healthml.batch_predict()");

	batch->source_text = healthml_required_text(fcinfo, 1, "source");
	batch->source_name = pnstrdup(
		batch->source_text, pg_mbcliplen(batch->source_text, (int) strlen(batch->source_text), SOURCE_NAME));
	batch->top = PG_ARGISNULL(3) ? 0 : PG_GETARG_INT32(3);
	if (batch->top < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"explain\" must not be negative, but is %d", batch->top)));
	batch->scorer = healthml_scorer_create(CurrentMemoryContext, NULL);
	healthml_scorer_use_reference(batch->scorer, cstring_to_text(model));
	batch->in_blocks = batch->top == 0 && batch->scorer->model->output_names == NULL;
	predict(batch, PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2)));
	PG_RETURN_INT64(batch->rows);
}
