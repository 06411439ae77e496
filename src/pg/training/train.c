/*
 * train.c
 *	  healthml.train: from a source to a new version.
 *
 * Everything that can be known to be wrong is refused before the first row is
 * read.  Rows are read once into a frame, which samples them when they do not fit
 * into a third of healthml.max_memory; the rest is for the algorithm.  Only a
 * finished model is written, so that an error or a cancellation leaves nothing.
 */
#include "pg/server/compat.h"

#include <math.h>

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "pg/registry/algorithms.h"
#include "pg/server/arguments.h"
#include "pg/server/document.h"
#include "pg/server/errors.h"
#include "pg/rows/frame_source.h"
#include "pg/training/journal.h"
#include "pg/server/memory.h"
#include "pg/registry/registry.h"
#include "pg/server/settings.h"
#include "pg/predict/narrative.h"
#include "pg/server/statement.h"
#include "pg/training/suspects.h"

/* One call of healthml.train. */
typedef struct Training
{
	const char *model;
	const HmlAlgorithm *algorithm;
	const char *source_text;
	List *wanted;       /* names of features as char *, NIL = every numeric or boolean column */
	const char *target; /* NULL = none */

	HmlContext ctx;
	HmlArena *arena;
	HmlParams *params;
	HealthmlRun run;
	HealthmlJournal *journal;

	HmlFrame *frame;
	int64 rows_read;
} Training;

/* ---- arguments ---- */

static void
parse_params(Training *training, Datum jsonb)
{
	healthml_check(&training->ctx, hml_arena_create(&training->ctx, &training->arena));
	healthml_check(&training->ctx, hml_algorithm_params(training->arena, training->algorithm,
														healthml_document_of_jsonb(training->arena, jsonb),
														&training->params));
}

static void
read_arguments(Training *training, FunctionCallInfo fcinfo)
{
	training->model = healthml_required_text(fcinfo, 0, "model");
	training->algorithm = healthml_algorithm(healthml_required_text(fcinfo, 1, "algorithm"));
	training->source_text = healthml_required_text(fcinfo, 2, "source");
	if (!PG_ARGISNULL(3))
		training->wanted = healthml_feature_list(PG_GETARG_ARRAYTYPE_P(3));
	if (!PG_ARGISNULL(4))
		training->target = text_to_cstring(PG_GETARG_TEXT_PP(4));
	if (PG_ARGISNULL(5))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("argument \"params\" must not be null")));
	parse_params(training, PG_GETARG_DATUM(5));
	if (training->algorithm->target_use == HML_TARGET_LEARNT && training->target == NULL &&
		!hml_param_is_set(training->params, "votes"))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("algorithm \"%s\" needs a target column", training->algorithm->name)));
}

/* ---- learning ---- */

/* A text parameter as an argument of a statement; NULL where it is not set, or not known to the algorithm. */
static Datum
text_param(const HmlParams *params, const char *name, char *null)
{
	const char *value = hml_param_text(params, name);

	*null = value == NULL ? 'n' : ' ';
	return value == NULL ? (Datum) 0 : CStringGetTextDatum(healthml_from_utf8(value));
}

static Datum
wanted_names(List *wanted, char *null)
{
	Datum *names = palloc(sizeof(Datum) * Max(list_length(wanted), 1));
	int n = 0;
	ListCell *cell;

	foreach (cell, wanted)
		names[n++] = CStringGetTextDatum((char *) lfirst(cell));
	*null = n == 0 ? 'n' : ' ';
	return PointerGetDatum(construct_array(names, n, TEXTOID, -1, false, TYPALIGN_INT));
}

/*
 * An algorithm with a parameter "order_by" learns from windows of ordered rows: the source becomes the query that
 * cuts them, whose columns are the steps of the features.
 */
static void
cut_windows(Training *training, HealthmlFrameRequest *request)
{
	static HealthmlStatement statement = {
		.sql = "SELECT healthml.windows_query($1, $2, $3, $4, $5, $6, $7, $8)",
		.n_arguments = 8,
		.types = {TEXTOID, TEXTOID, INT4OID, TEXTARRAYOID, TEXTOID, TEXTOID, INT4OID, TEXTOID},
	};
	MemoryContext memory = CurrentMemoryContext;
	char nulls[8] = "        ";
	Datum values[8];

	if (hml_param_text(training->params, "order_by") == NULL)
		return;
	values[0] = CStringGetTextDatum(request->source);
	values[1] = text_param(training->params, "order_by", &nulls[1]);
	values[2] = Int32GetDatum((int32) hml_param_integer(training->params, "sequence_length"));
	values[3] = wanted_names(request->features, &nulls[3]);
	values[4] = text_param(training->params, "partition_by", &nulls[4]);
	nulls[5] = request->target == NULL ? 'n' : ' ';
	values[5] = request->target == NULL ? (Datum) 0 : CStringGetTextDatum(request->target);
	values[6] = Int32GetDatum((int32) hml_param_integer(training->params, "stride"));
	values[7] = text_param(training->params, "max_gap", &nulls[7]);
	SPI_connect();
	healthml_execute(&statement, values, nulls, true);
	request->source = MemoryContextStrdup(memory, TextDatumGetCString(healthml_result(1)));
	SPI_finish();
	request->features = NIL;
	if (nulls[4] != 'n')
		request->group = hml_param_text(training->params, "partition_by");
}

/* What is not limited by max_rows is limited by memory: a third for rows, the rest for learning. */
static void
read_source(Training *training)
{
	HealthmlFrameRequest request = {
		.source = training->source_text,
		.features = training->wanted,
		.target = training->target,
		.target_is_condition = training->algorithm->target_use == HML_TARGET_EVALUATES,
		.max_rows = SIZE_MAX,
		.max_bytes = training->ctx.memory_limit / 3,
		.seed = (uint64) hml_param_integer(training->params, "seed"),
	};

	healthml_request_roles(&request, training->algorithm, training->params);
	cut_windows(training, &request);
	if (hml_param_is_set(training->params, "max_rows"))
		request.max_rows = (size_t) hml_param_integer(training->params, "max_rows");
	training->frame = healthml_read_frame(&training->ctx, &request, &training->rows_read);
	if (request.encoder == NULL)
		healthml_report_suspects(&training->ctx, training->frame);
}

/* Called from libhml, which no error may leave: a notice that cannot be sent is dropped. */
static void
announce_epoch(const HmlEpoch *epoch)
{
	MemoryContext memory = CurrentMemoryContext;

	PG_TRY();
	{
		if (isnan(epoch->validation_loss))
			ereport(NOTICE, (errmsg("epoch %d of %d: loss %.6g", epoch->epoch, epoch->epochs, epoch->loss)));
		else
			ereport(NOTICE, (errmsg("epoch %d of %d: loss %.6g, validation loss %.6g", epoch->epoch,
									epoch->epochs, epoch->loss, epoch->validation_loss)));
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(memory);
		FlushErrorState();
	}
	PG_END_TRY();
}

static HmlStatus
on_epoch(void *user, const HmlEpoch *epoch)
{
	Training *training = user;

	if (healthml_verbose)
		announce_epoch(epoch);
	if (healthml_journal_epoch(training->journal, epoch) != HML_OK)
		return hml_fail(&training->ctx, HML_NO_MEMORY, "out of memory for the journal of the training");
	return HML_OK;
}

static HmlModel *
learn(Training *training, const char **metrics)
{
	HmlText members;
	StringInfoData object;
	HmlTraining learning = {.frame = training->frame,
							.params = training->params,
							.metrics = &members,
							.on_epoch = on_epoch,
							.on_epoch_user = training};
	HmlModel *model;
	const char *finished;

	hml_text_init(&members, &training->ctx);
	healthml_check(&training->ctx, hml_model_train(&training->ctx, training->algorithm, &learning, &model));
	healthml_check(&training->ctx, hml_text_finish(&members, &finished));
	initStringInfo(&object);
	appendStringInfo(&object, "{%s}", finished);
	*metrics = object.data;
	hml_text_free(&members);
	return model;
}

/* ---- the journal ---- */

static void
open_journal(Training *training)
{
	HmlText params;
	const char *json;

	hml_text_init(&params, &training->ctx);
	hml_params_write(training->params, &params);
	healthml_check(&training->ctx, hml_text_finish(&params, &json));
	training->run = (HealthmlRun){.model = training->model,
								  .algorithm = training->algorithm->name,
								  .source = training->source_text,
								  .params = json,
								  .started_at = GetCurrentTimestamp()};
	training->journal = healthml_journal_begin(&training->run);
	healthml_context_report(&training->ctx, training->journal);
}

/* Read, learn and write; returns the training_result in the caller's memory context. */
static Datum
make_version(Training *training, MemoryContext caller)
{
	HealthmlNewVersion new_version = {.model = training->model,
									  .trained_on = training->source_text,
									  .target = training->target,
									  .started_at = training->run.started_at};
	MemoryContext memory;
	int32 version;
	Datum result;

	read_source(training);
	new_version.content = learn(training, &new_version.metrics);
	healthml_report_words(new_version.content->pipeline, training->model);
	memory = MemoryContextSwitchTo(caller);
	result = healthml_register_version(&new_version, &version);
	MemoryContextSwitchTo(memory);
	healthml_journal_succeeded(training->journal, version, training->rows_read);
	return result;
}

static Datum
make_version_on_record(Training *training, MemoryContext caller)
{
	MemoryContext memory = CurrentMemoryContext;
	Datum result = (Datum) 0;

	PG_TRY();
	{
		result = make_version(training, caller);
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(memory);
		error = CopyErrorData();
		FlushErrorState();
		healthml_journal_failed(training->journal, error);
		ReThrowError(error);
	}
	PG_END_TRY();
	return result;
}

PG_FUNCTION_INFO_V1(healthml_train);

/* healthml.train(model, algorithm, source, features, target, params) RETURNS healthml.training_result */
Datum
healthml_train(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext memory = AllocSetContextCreate(caller, "healthml training", ALLOCSET_DEFAULT_SIZES);
	Training *training;
	Datum result;

	PreventCommandDuringRecovery("healthml.train()");
	PreventCommandIfReadOnly("healthml.train()");
	PreventCommandIfParallelMode("healthml.train()");

	MemoryContextSwitchTo(memory);
	training = palloc0(sizeof(*training));
	healthml_context_init(&training->ctx, memory);
	healthml_limit_memory(&training->ctx);
	read_arguments(training, fcinfo);
	healthml_check_new_version(training->model, training->algorithm);
	open_journal(training);
	result = make_version_on_record(training, caller);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(memory);
	PG_RETURN_DATUM(result);
}
