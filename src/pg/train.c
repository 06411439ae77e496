/*
 * train.c
 *	  healthml.train: from a source to a new version.
 *
 * Everything that can be known to be wrong is refused before the first row is
 * read.  Rows are read once into a frame, which samples them when they do not fit
 * into a third of healthml.max_memory; the rest is for the algorithm.  Only a
 * finished model is written, so that an error or a cancellation leaves nothing.
 */
#include "compat.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "algorithms.h"
#include "document.h"
#include "errors.h"
#include "features.h"
#include "journal.h"
#include "memory.h"
#include "registry.h"
#include "source.h"

/* One call of healthml.train. */
typedef struct Training
{
	const char *model;
	const HmlAlgorithm *algorithm;
	const char *source_text;
	List *wanted;       /* names of features as char *, NIL = every numeric or boolean column */
	const char *target; /* NULL = none */
	const char *group;  /* NULL = none */

	HmlContext ctx;
	HmlArena *arena;
	HmlParams *params;
	HealthmlRun run;
	HealthmlJournal *journal;

	HealthmlSource *source;
	HealthmlSourceColumn *columns; /* (n_columns): features, then target and group where there are */
	int n_features;
	int n_columns;
	HmlFrame *frame;
	double *row; /* (n_columns) */
	int64 row_number;
} Training;

#define ROWS_PER_REPORT 1024

/* ---- arguments ---- */

static char *
required_text(FunctionCallInfo fcinfo, int argument, const char *name)
{
	if (PG_ARGISNULL(argument))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("argument \"%s\" must not be null", name)));
	return text_to_cstring(PG_GETARG_TEXT_PP(argument));
}

static List *
feature_list(ArrayType *array)
{
	Datum *elements;
	bool *nulls;
	int n;
	int i;
	List *names = NIL;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
						errmsg("argument \"features\" must have one dimension")));
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &n);
	if (n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("argument \"features\" must not be empty"),
				 errhint("Pass NULL to use every numeric or boolean column.")));
	for (i = 0; i < n; i++)
	{
		if (nulls[i])
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("argument \"features\" must not contain nulls")));
		names = lappend(names, TextDatumGetCString(elements[i]));
	}
	return names;
}

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
	training->model = required_text(fcinfo, 0, "model");
	training->algorithm = healthml_algorithm(required_text(fcinfo, 1, "algorithm"));
	training->source_text = required_text(fcinfo, 2, "source");
	if (!PG_ARGISNULL(3))
		training->wanted = feature_list(PG_GETARG_ARRAYTYPE_P(3));
	if (!PG_ARGISNULL(4))
		training->target = text_to_cstring(PG_GETARG_TEXT_PP(4));
	if (PG_ARGISNULL(5))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("argument \"params\" must not be null")));
	parse_params(training, PG_GETARG_DATUM(5));
	if (hml_param_is_set(training->params, "group"))
		training->group = healthml_from_utf8(hml_param_text(training->params, "group"));
	if (training->algorithm->target_use == HML_TARGET_LEARNT && training->target == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("algorithm \"%s\" needs a target column", training->algorithm->name)));
}

/* ---- columns ---- */

static const char *
column_name(const Training *training, int column)
{
	return NameStr(TupleDescAttr(training->source->columns, training->columns[column].attribute)->attname);
}

/* Position of a column of the source; an error where there is none, or more than one. */
static int
find_column(const Training *training, const char *name)
{
	TupleDesc desc = training->source->columns;
	int found = -1;
	int i;

	for (i = 0; i < desc->natts; i++)
	{
		if (strcmp(NameStr(TupleDescAttr(desc, i)->attname), name) != 0)
			continue;
		if (found >= 0)
			ereport(ERROR, (errcode(ERRCODE_AMBIGUOUS_COLUMN),
							errmsg("the source has more than one column \"%s\"", name)));
		found = i;
	}
	if (found < 0)
	{
		const char *similar = healthml_similar_column(desc, name);

		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN), errmsg("the source has no column \"%s\"", name),
				 similar != NULL ? errhint("There is \"%s\"; names are case-sensitive.", similar) : 0));
	}
	return found;
}

static void
add_column(Training *training, int attribute)
{
	Form_pg_attribute column = TupleDescAttr(training->source->columns, attribute);
	HealthmlValueKind kind = healthml_value_kind(column->atttypid);

	if (kind == HEALTHML_VALUE_NONE)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("column \"%s\" of type %s cannot be used for training",
							   NameStr(column->attname), format_type_be(column->atttypid)),
						errhint("%s", healthml_value_hint)));
	training->columns[training->n_columns].attribute = attribute;
	training->columns[training->n_columns].kind = kind;
	training->n_columns++;
}

static void
add_wanted_features(Training *training)
{
	ListCell *cell;

	foreach (cell, training->wanted)
	{
		const char *name = lfirst(cell);
		int attribute = find_column(training, name);
		int i;

		for (i = 0; i < training->n_columns; i++)
			if (training->columns[i].attribute == attribute)
				ereport(ERROR, (errcode(ERRCODE_DUPLICATE_COLUMN),
								errmsg("feature \"%s\" is given more than once", name)));
		if ((training->target != NULL && strcmp(name, training->target) == 0) ||
			(training->group != NULL && strcmp(name, training->group) == 0))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("column \"%s\" cannot be a feature and target or group at once", name)));
		add_column(training, attribute);
	}
}

static void
add_all_features(Training *training)
{
	TupleDesc desc = training->source->columns;
	int i;

	for (i = 0; i < desc->natts; i++)
	{
		const char *name = NameStr(TupleDescAttr(desc, i)->attname);
		HealthmlValueKind kind = healthml_value_kind(TupleDescAttr(desc, i)->atttypid);

		if (kind == HEALTHML_VALUE_NONE || healthml_value_is_text(kind) ||
			(training->target != NULL && strcmp(name, training->target) == 0) ||
			(training->group != NULL && strcmp(name, training->group) == 0))
			continue;
		(void) find_column(training, name);
		add_column(training, i);
	}
}

static void
check_target(const Training *training)
{
	HealthmlSourceColumn target = training->columns[training->n_features];

	if (training->algorithm->target_use == HML_TARGET_EVALUATES && healthml_value_is_text(target.kind))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("target column \"%s\" must be boolean or a number", training->target),
				 errdetail("An anomaly detector evaluates itself against true and false, or 1 and 0.")));
}

static void
choose_columns(Training *training)
{
	training->columns = palloc(sizeof(HealthmlSourceColumn) * (training->source->columns->natts + 2));
	if (training->wanted != NIL)
		add_wanted_features(training);
	else
		add_all_features(training);
	training->n_features = training->n_columns;
	if (training->n_features == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the source has no numeric or boolean column to learn from")));
	if (training->target != NULL)
	{
		add_column(training, find_column(training, training->target));
		check_target(training);
	}
	if (training->group != NULL)
		add_column(training, find_column(training, training->group));
}

/* ---- rows ---- */

/* What is not limited by max_rows is limited by memory: a third for rows, the rest for learning. */
static void
create_frame(Training *training)
{
	bool has_target = training->target != NULL;
	bool has_group = training->group != NULL;
	size_t max_rows = hml_param_is_set(training->params, "max_rows")
						  ? (size_t) hml_param_integer(training->params, "max_rows")
						  : SIZE_MAX;
	int i;

	healthml_check(&training->ctx, hml_frame_create(&training->ctx, (size_t) training->n_features, has_target,
													has_group, max_rows, training->ctx.memory_limit / 3,
													(uint64_t) hml_param_integer(training->params, "seed"),
													&training->frame));
	for (i = 0; i < training->n_columns; i++)
	{
		/* In a frame the group comes after the place of the target, used or not. */
		bool is_group = has_group && i == training->n_columns - 1;
		int index = is_group ? training->n_features + 1 : i;
		const char *name = column_name(training, i);

		healthml_check(&training->ctx,
					   hml_frame_set_column(training->frame, (size_t) index, healthml_to_utf8(name),
											healthml_value_column(training->columns[i].kind)));
	}
	training->row = palloc(sizeof(double) * training->n_columns);
}

static double
category(Training *training, int column, Datum value)
{
	bool is_group = training->group != NULL && column == training->n_columns - 1;
	int index = is_group ? training->n_features + 1 : column;
	size_t length;
	const char *utf8 = healthml_category_text(training->columns[column].kind, value, &length);
	double code;

	healthml_check(&training->ctx, hml_frame_category(training->frame, (size_t) index, utf8, length, &code));
	return code;
}

static double
number(const Training *training, int column, Datum datum)
{
	double value = healthml_number(training->columns[column].kind, datum);

	if (isinf(value))
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						errmsg("column \"%s\" is infinite in row " INT64_FORMAT " of the source",
							   column_name(training, column), training->row_number)));
	return value;
}

static void
add_row(void *user, TupleTableSlot *slot)
{
	Training *training = user;
	int n = training->n_features;
	int i;

	if (++training->row_number % ROWS_PER_REPORT == 0)
		hml_report_progress(&training->ctx, "read", training->row_number, 0);
	if (!hml_frame_wants(training->frame))
	{
		hml_frame_skip(training->frame);
		return;
	}
	slot_getallattrs(slot);
	for (i = 0; i < training->n_columns; i++)
	{
		HealthmlSourceColumn column = training->columns[i];

		if (slot->tts_isnull[column.attribute])
			training->row[i] = NAN;
		else if (healthml_value_is_text(column.kind))
			training->row[i] = category(training, i, slot->tts_values[column.attribute]);
		else
			training->row[i] = number(training, i, slot->tts_values[column.attribute]);
	}
	healthml_check(&training->ctx,
				   hml_frame_add(training->frame, training->row,
								 training->target != NULL ? training->row[n] : NAN,
								 training->group != NULL ? training->row[training->n_columns - 1] : NAN));
}

static void
read_source(Training *training)
{
	SPI_connect();
	training->source = healthml_source_open(training->source_text);
	choose_columns(training);
	create_frame(training);
	healthml_source_read(training->source, add_row, training);
	SPI_finish();
}

/* ---- learning ---- */

static HmlStatus
on_epoch(void *user, const HmlEpoch *epoch)
{
	Training *training = user;

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
								  .params = healthml_from_utf8(json),
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
									  .started_at = training->run.started_at};
	MemoryContext memory;
	int32 version;
	Datum result;

	read_source(training);
	new_version.content = learn(training, &new_version.metrics);
	memory = MemoryContextSwitchTo(caller);
	result = healthml_register_version(&new_version, &version);
	MemoryContextSwitchTo(memory);
	healthml_journal_succeeded(training->journal, version, training->row_number);
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
