/*
 * history.c
 *	  healthml.batch_predict and batch_classify: a source's rows as rows of
 *	  healthml.prediction.
 *
 * Both are one loop over the source's rows; what is scored of a row is its columns,
 * or the recording in one of them.  Rows are read as training reads them, in a
 * read-only query, scored in blocks (one by one where they are explained or are
 * recordings), and put into a tuplestore, which goes to disk beyond work_mem.  When
 * all are scored, one INSERT ... SELECT takes them into the table: so an error writes
 * nothing, and neither memory nor transaction ids grow with the number of rows.
 *
 * A recording that cannot be decoded does not stop a batch: it becomes a row of
 * healthml.score_failure, unless healthml.on_score_error is "error".
 *
 * Progress is reported as that of a COPY FROM a callback into
 * healthml.prediction, which view healthml.batch_progress shows to others.
 */
#include "pg/server/compat.h"

#include <math.h>

#include "access/htup_details.h"
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

#include "pg/server/arguments.h"
#include "pg/server/document.h"
#include "pg/server/errors.h"
#include "pg/server/memory.h"
#include "pg/predict/prediction.h"
#include "pg/registry/guard.h"
#include "pg/server/settings.h"
#include "pg/rows/source.h"
#include "pg/signal/named_row.h"
#include "pg/signal/recording.h"

#define BLOCK_ROWS 256
#define PROGRESS_ROWS 256
#define SOURCE_NAME 200      /* bytes of the source that each prediction names */
#define STORED_ROWS "scored" /* name of a tuplestore in its INSERT */
#define FAILURE_COLUMNS 5
#define WARNINGS 10 /* of a batch; failures are recorded all the same */

/* Rows on their way into a table. */
typedef struct Store
{
	TupleDesc desc;
	Tuplestorestate *rows;
	int64 n;
} Store;

/* One call of healthml.batch_predict or healthml.batch_classify. */
typedef struct Batch
{
	HealthmlScorer *scorer;
	int top; /* reasons of each prediction, 0 = none */
	const char *source_text;
	const char *source_name; /* of the predictions */
	HealthmlSource *source;
	int subject; /* attribute of the source, from 0; -1 = none */
	FmgrInfo subject_output;
	int recordings;    /* attribute of the recordings; -1 = rows are scored by their columns */
	int64 *labels;     /* (n_outputs) recordings of each class of the model */
	int64 n_uncertain; /* recordings */

	/* Rows that wait to be scored together. */
	MemoryContext memory; /* of their subjects; emptied with each block */
	int n;
	const char *subjects[BLOCK_ROWS];
	double *inputs; /* (BLOCK_ROWS, n_inputs) */
	double *values; /* (BLOCK_ROWS, n_features) of rows in which something is missing */
	size_t n_filled[BLOCK_ROWS];
	double *outputs; /* (BLOCK_ROWS, n_outputs) */

	Store predictions;
	Store failures;
} Batch;

/* ---- columns ---- */

static Store
create_store(const Oid *types, int n)
{
	Store store = {.desc = CreateTemplateTupleDesc(n), .rows = tuplestore_begin_heap(false, false, work_mem)};
	int i;

	for (i = 0; i < n; i++)
	{
		char name[NAMEDATALEN];

		snprintf(name, sizeof(name), "c%d", i + 1);
		TupleDescInitEntry(store.desc, (AttrNumber) (i + 1), name, types[i], -1, 0);
	}
	return store;
}

/* Attribute of the source's column that an argument names. */
static int
find_column(const Batch *batch, const char *name, const char *hint)
{
	TupleDesc desc = batch->source->columns;
	int i;

	for (i = 0; i < desc->natts; i++)
		if (strcmp(NameStr(TupleDescAttr(desc, i)->attname), name) == 0)
			return i;
	ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN), errmsg("the source has no column \"%s\"", name),
					errhint("%s", hint)));
	return -1;
}

static void
find_subject(Batch *batch, const char *name)
{
	Oid output;
	bool is_varlena;

	batch->subject = -1;
	if (name == NULL)
		return;
	batch->subject = find_column(
		batch, name, "Argument \"subject\" is the column that identifies whom a row is about, or NULL.");
	getTypeOutputInfo(TupleDescAttr(batch->source->columns, batch->subject)->atttypid, &output, &is_varlena);
	fmgr_info(output, &batch->subject_output);
}

static void
find_recordings(Batch *batch, const char *name)
{
	batch->recordings = -1;
	if (name == NULL)
		return;
	batch->recordings = find_column(batch, name, "Argument \"audio\" is the column of the recordings.");
	healthml_check_recordings(TupleDescAttr(batch->source->columns, batch->recordings));
	batch->labels = palloc0(sizeof(int64) * batch->scorer->model->n_outputs);
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
put(Store *store, Datum *values, bool *nulls)
{
	tuplestore_putvalues(store->rows, store->desc, values, nulls);
	store->n++;
}

static void
store(Batch *batch, const HealthmlPrediction *prediction)
{
	Datum values[HEALTHML_PREDICTION_N];
	bool nulls[HEALTHML_PREDICTION_N];

	healthml_prediction_values(prediction, values, nulls);
	put(&batch->predictions, values, nulls);
	if (batch->predictions.n % PROGRESS_ROWS == 0 || batch->recordings >= 0)
		pgstat_progress_update_param(PROGRESS_COPY_TUPLES_PROCESSED, batch->predictions.n);
}

/* ---- recordings ---- */

static void
store_failure(Batch *batch, const char *subject, HmlStatus status, const char *message)
{
	Datum values[FAILURE_COLUMNS];
	bool nulls[FAILURE_COLUMNS] = {false};
	const char *model = healthml_binding_version(batch->scorer->binding)->model;
	int sqlstate = healthml_sqlstate(status);

	values[0] = CStringGetTextDatum(model);
	values[1] = CStringGetTextDatum(batch->source_name);
	nulls[2] = subject == NULL;
	values[2] = nulls[2] ? (Datum) 0 : CStringGetTextDatum(subject);
	values[3] = CStringGetTextDatum(unpack_sql_state(sqlstate));
	values[4] = CStringGetTextDatum(message);
	put(&batch->failures, values, nulls);
	if (batch->failures.n <= WARNINGS)
		ereport(WARNING, (errcode(sqlstate), subject == NULL ? errmsg("a recording was left out: %s", message)
															 : errmsg("recording of \"%s\" was left out: %s",
																	  subject, message)));
}

static void
count_label(Batch *batch, const HmlVerdict *verdict)
{
	if (verdict->quality.doubt != NULL)
		batch->n_uncertain++;
	else
		batch->labels[verdict->class]++;
}

/* Predict the recording of a row; false where it has none, or one that cannot be read. */
static bool
predict_recording(Batch *batch, TupleTableSlot *slot, HealthmlPrediction *prediction)
{
	HealthmlScorer *scorer = batch->scorer;
	HealthmlRecording recording = {.modality = scorer->modality,
								   .datum = slot->tts_values[batch->recordings],
								   .at_s = NAN,
								   .sample_rate = NAN};
	HealthmlFinding finding;
	HmlContext ctx;
	HmlStatus status;

	if (slot->tts_isnull[batch->recordings])
		return false;
	healthml_context_init(&ctx, CurrentMemoryContext);
	healthml_limit_memory(&ctx);
	status = healthml_examine(scorer, &ctx, &recording, &finding);
	if (healthml_is_unreadable(status) && healthml_on_score_error == HEALTHML_SCORE_ERROR_WARN)
	{
		store_failure(batch, prediction->subject, status, healthml_from_utf8(ctx.message));
		return false;
	}
	healthml_check(&ctx, status);
	healthml_predict_recording(scorer, &finding.verdict, prediction);
	count_label(batch, &finding.verdict);
	if (batch->top > 0 && finding.features != NULL)
	{
		prediction->features = healthml_finding_document(scorer, &finding);
		healthml_explain_prediction(scorer, batch->top, prediction);
	}
	return true;
}

/* ---- rows one by one ---- */

static void
predict_row(Batch *batch, TupleTableSlot *slot, HealthmlPrediction *prediction)
{
	HealthmlScorer *scorer = batch->scorer;

	healthml_scorer_read(scorer, healthml_features_of_slot(&scorer->features, slot, batch->source->columns));
	healthml_predict(scorer, prediction);
	prediction->features = healthml_features_document(scorer, slot->tts_values, slot->tts_isnull);
	healthml_explain_prediction(scorer, batch->top, prediction);
}

static void
predict_one(Batch *batch, TupleTableSlot *slot)
{
	HealthmlPrediction prediction = {.source = batch->source_name, .subject = subject_of(batch, slot)};
	instr_time start;

	INSTR_TIME_SET_CURRENT(start);
	if (batch->recordings < 0)
		predict_row(batch, slot, &prediction);
	else if (!predict_recording(batch, slot, &prediction))
		return;
	prediction.latency_ms = healthml_ms_since(start);
	store(batch, &prediction);
}

/* ---- blocks ---- */

static void
finish_block(Batch *batch)
{
	HealthmlScorer *scorer = batch->scorer;
	const HmlModel *model = scorer->model;
	MemoryContext caller = MemoryContextSwitchTo(batch->memory);
	HmlSamples rows = hml_sample_rows(batch->inputs, (size_t) batch->n);
	instr_time start;
	double latency_ms;

	INSTR_TIME_SET_CURRENT(start);
	healthml_check(&scorer->ctx,
				   hml_model_outputs(model, &scorer->ctx, scorer->scratch, &rows, batch->outputs));
	latency_ms = healthml_ms_since(start) / Max(batch->n, 1);
	for (int i = 0; i < batch->n; i++)
	{
		HealthmlPrediction prediction = {
			.source = batch->source_name, .subject = batch->subjects[i], .latency_ms = latency_ms};

		CHECK_FOR_INTERRUPTS();
		healthml_predict_row(scorer, batch->outputs + i * model->n_outputs,
							 batch->values + i * model->pipeline->n_features, batch->n_filled[i],
							 &prediction);
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
													batch->inputs + batch->n * pipeline->n_inputs,
													&batch->n_filled[batch->n]));
	if (batch->n_filled[batch->n] > 0)
		memcpy(batch->values + batch->n * pipeline->n_features, values,
			   sizeof(double) * pipeline->n_features);
	batch->subjects[batch->n] = subject_of(batch, slot);
	MemoryContextSwitchTo(caller);
	if (++batch->n == BLOCK_ROWS)
		finish_block(batch);
}

static void
add_row(void *user, TupleTableSlot *slot)
{
	Batch *batch = user;

	CHECK_FOR_INTERRUPTS();
	slot_getallattrs(slot);
	if (batch->recordings < 0 && batch->top == 0)
		add_to_block(batch, slot);
	else
		predict_one(batch, slot);
}

static void
create_block(Batch *batch)
{
	const HmlModel *model = batch->scorer->model;
	const HmlPipeline *pipeline = model->pipeline;

	batch->memory = AllocSetContextCreate(CurrentMemoryContext, "healthml block", ALLOCSET_DEFAULT_SIZES);
	batch->inputs =
		palloc_extended(sizeof(double) * BLOCK_ROWS * Max(pipeline->n_inputs, 1), MCXT_ALLOC_HUGE);
	batch->values =
		palloc_extended(sizeof(double) * BLOCK_ROWS * Max(pipeline->n_features, 1), MCXT_ALLOC_HUGE);
	batch->outputs = palloc_extended(sizeof(double) * BLOCK_ROWS * model->n_outputs, MCXT_ALLOC_HUGE);
}

/* ---- writing ---- */

/* The rows are computed; nothing of the source is evaluated while the table is open. */
static int
execute_insert(const char *table, const char *insert)
{
	volatile int result = 0;
	Oid before = healthml_guard_open(table);

	PG_TRY();
	{
		result = SPI_execute(insert, false, 0);
	}
	PG_FINALLY();
	{
		healthml_guard_close(before);
	}
	PG_END_TRY();
	return result;
}

static void
insert_rows(Store *store, const char *table, const char *insert)
{
	EphemeralNamedRelationData relation = {.md = {.name = pstrdup(STORED_ROWS),
												  .reliddesc = InvalidOid,
												  .tupdesc = store->desc,
												  .enrtype = ENR_NAMED_TUPLESTORE,
												  .enrtuples = (double) store->n},
										   .reldata = store->rows};
	int result;

	if (store->n == 0)
		return;
	if (SPI_register_relation(&relation) != SPI_OK_REL_REGISTER)
		elog(ERROR, "could not register the scored rows");
	result = execute_insert(table, insert);
	if (result != SPI_OK_INSERT)
		elog(ERROR, "could not insert the scored rows: %s", SPI_result_code_string(result));
	store->n = (int64) SPI_processed;
	SPI_unregister_relation(STORED_ROWS);
}

static void
report_start(void)
{
	Oid table = get_relname_relid("prediction", get_namespace_oid("healthml", false));

	pgstat_progress_start_command(PROGRESS_COMMAND_COPY, table);
	pgstat_progress_update_param(PROGRESS_COPY_COMMAND, PROGRESS_COPY_COMMAND_FROM);
	pgstat_progress_update_param(PROGRESS_COPY_TYPE, PROGRESS_COPY_TYPE_CALLBACK);
}

static const char *const insert_predictions =
	"INSERT INTO healthml.prediction (" HEALTHML_PREDICTION_COLUMNS ") "
	"SELECT c1, c2, c3, c4, c5, c6::healthml.risk_level, c7, c8, c9, c10, c11, c12, c13, c14, c15 "
	"FROM " STORED_ROWS;

static const char *const insert_failures =
	"INSERT INTO healthml.score_failure (model, source, subject, sqlstate, message) "
	"SELECT c1, c2, c3, c4, c5 FROM " STORED_ROWS;

static void
predict(Batch *batch, const char *subject, const char *recordings)
{
	static const Oid failure_types[FAILURE_COLUMNS] = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID};

	SPI_connect();
	report_start();
	batch->source = healthml_source_open(batch->source_text);
	find_subject(batch, subject);
	find_recordings(batch, recordings);
	create_block(batch);
	batch->predictions = create_store(healthml_prediction_types, HEALTHML_PREDICTION_N);
	batch->failures = create_store(failure_types, FAILURE_COLUMNS);
	healthml_source_read(batch->source, add_row, batch);
	finish_block(batch);
	insert_rows(&batch->predictions, "prediction", insert_predictions);
	insert_rows(&batch->failures, "score_failure", insert_failures);
	tuplestore_end(batch->predictions.rows);
	tuplestore_end(batch->failures.rows);
	pgstat_progress_end_command();
	SPI_finish();
}

static Batch *
start_batch(FunctionCallInfo fcinfo, const char *usage)
{
	Batch *batch = palloc0(sizeof(*batch));
	const char *model = healthml_required_text(fcinfo, 0, "model");

	PreventCommandDuringRecovery(usage);
	PreventCommandIfReadOnly(usage);
	PreventCommandIfParallelMode(usage);
	healthml_check_level("prediction", ACL_INSERT, "scorer");
	batch->source_text = healthml_required_text(fcinfo, 1, "source");
	batch->source_name = pnstrdup(
		batch->source_text, pg_mbcliplen(batch->source_text, (int) strlen(batch->source_text), SOURCE_NAME));
	batch->scorer = healthml_scorer_create(CurrentMemoryContext, NULL);
	healthml_scorer_use_reference(batch->scorer, cstring_to_text(model));
	return batch;
}

static int
reasons_wanted(FunctionCallInfo fcinfo, int argument)
{
	int top = PG_ARGISNULL(argument) ? 0 : PG_GETARG_INT32(argument);

	if (top < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"explain\" must not be negative, but is %d", top)));
	return top;
}

PG_FUNCTION_INFO_V1(healthml_batch_predict);

/* healthml.batch_predict(model, source, subject, explain) RETURNS bigint */
Datum
healthml_batch_predict(PG_FUNCTION_ARGS)
{
	Batch *batch = start_batch(fcinfo, "healthml.batch_predict()");

	batch->top = reasons_wanted(fcinfo, 3);
	predict(batch, PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2)), NULL);
	PG_RETURN_INT64(batch->predictions.n);
}

/* ---- recordings in SQL ---- */

/* Any model that takes recordings may be named. */
static void
check_takes_recordings(Batch *batch)
{
	const HmlModel *model = batch->scorer->model;

	if (model->algorithm->encoder == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("model \"%s\" has algorithm \"%s\", which takes no recordings",
						healthml_binding_version(batch->scorer->binding)->model, model->algorithm->name),
				 errhint("Use healthml.batch_predict, which takes any model.")));
	batch->scorer->modality = model->algorithm->encoder->modality;
}

/* A column is filled by its name: recordings, uncertain, unreadable, or a class of the model. */
static double
count_of(const Batch *batch, const char *name)
{
	const HmlModel *model = batch->scorer->model;

	if (strcmp(name, "recordings") == 0)
		return (double) (batch->predictions.n + batch->failures.n);
	if (strcmp(name, HML_UNCERTAIN) == 0)
		return (double) batch->n_uncertain;
	if (strcmp(name, "unreadable") == 0)
		return (double) batch->failures.n;
	for (size_t i = 0; i < model->n_outputs; i++)
		if (strcmp(name, model->output_names[i]) == 0)
			return (double) batch->labels[i];
	return NAN;
}

PG_FUNCTION_INFO_V1(healthml_batch_classify);

/* healthml.batch_classify(model, source, subject, audio, explain): numbers of recordings, see count_of() */
Datum
healthml_batch_classify(PG_FUNCTION_ARGS)
{
	Batch *batch = start_batch(fcinfo, "healthml.batch_classify()");
	HealthmlNamedRow row;
	TupleDesc desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "healthml.batch_classify must return a row");
	check_takes_recordings(batch);
	batch->top = reasons_wanted(fcinfo, 4);
	predict(batch, PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2)),
			healthml_required_text(fcinfo, 3, "audio"));
	row = healthml_named_row(BlessTupleDesc(desc));
	for (int i = 0; i < desc->natts; i++)
		healthml_set_number(&row, i, count_of(batch, NameStr(TupleDescAttr(desc, i)->attname)));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, row.values, row.nulls)));
}
