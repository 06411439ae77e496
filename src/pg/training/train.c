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
	if (training->algorithm->target_use == HML_TARGET_LEARNT && training->target == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("algorithm \"%s\" needs a target column", training->algorithm->name)));
}

/* ---- learning ---- */

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
