/*
 * frame_source.c
 *	  Reading a source into a frame.
 */
#include "pg/rows/frame_source.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "pg/signal/recording.h"
#include "pg/server/document.h"
#include "pg/server/errors.h"
#include "pg/rows/features.h"
#include "pg/rows/source.h"

#define NO_COLUMN (-1)

/* A column that has a role and so is no feature; in a frame they come after the features. */
typedef struct RoleColumn
{
	HmlRole role;
	const char *name;
	HealthmlSourceColumn column;
} RoleColumn;

typedef struct FrameReader
{
	HmlContext *ctx;
	const HealthmlFrameRequest *request;
	int n_roles;
	RoleColumn roles[HML_MAX_ROLES];
	HealthmlSource *source;
	int n_features;                /* of the frame */
	HealthmlSourceColumn *columns; /* (n_features), unless they are of recordings */
	int recordings;                /* attribute, NO_COLUMN = none */
	bool are_arrays;               /* of the recordings: real[] instead of bytea */
	HealthmlSourceColumn at_s;     /* the second of the recording that is meant; attribute NO_COLUMN = none */
	HmlFrame *frame;
	double *row; /* (n_features) */
	int64 row_number;
} FrameReader;

#define ROWS_PER_REPORT 1024

/* ---- columns ---- */

static const char *
attribute_name(const FrameReader *reader, int attribute)
{
	return NameStr(TupleDescAttr(reader->source->columns, attribute)->attname);
}

/* Whether a column has a role and so is no feature. */
static bool
has_role(const FrameReader *reader, const char *name)
{
	for (int i = 0; i < reader->n_roles; i++)
		if (strcmp(name, reader->roles[i].name) == 0)
			return true;
	return false;
}

static bool
is_shared(const FrameReader *reader, const char *name)
{
	return reader->request->group_may_be_feature && strcmp(name, reader->request->group) == 0 &&
		   strcmp(name, reader->request->target) != 0;
}

static void
add_role(FrameReader *reader, HmlRole role, const char *name)
{
	if (name == NULL)
		return;
	if (reader->n_roles == HML_MAX_ROLES)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("too many columns with labels: the limit of columns with a role is %d",
							   HML_MAX_ROLES)));
	reader->roles[reader->n_roles++] = (RoleColumn){.role = role, .name = name};
}

static void
take_roles(FrameReader *reader)
{
	const HealthmlFrameRequest *request = reader->request;
	ListCell *cell;

	add_role(reader, HML_ROLE_TARGET, request->target);
	add_role(reader, HML_ROLE_GROUP, request->group);
	add_role(reader, HML_ROLE_SITE, request->site);
	add_role(reader, HML_ROLE_SUBJECT, request->subject);
	add_role(reader, HML_ROLE_TIME, request->time);
	add_role(reader, HML_ROLE_WEIGHT, request->weight);
	foreach (cell, request->labels)
		add_role(reader, HML_ROLE_LABEL, lfirst(cell));
}

static HealthmlSourceColumn
column_of(const FrameReader *reader, int attribute)
{
	Form_pg_attribute column = TupleDescAttr(reader->source->columns, attribute);
	HealthmlSourceColumn result = {attribute, healthml_value_kind(column->atttypid)};

	if (result.kind == HEALTHML_VALUE_NONE)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("column \"%s\" of type %s cannot be used for training",
							   NameStr(column->attname), format_type_be(column->atttypid)),
						errhint("%s", healthml_value_hint)));
	return result;
}

static bool
is_excluded(const FrameReader *reader, const char *name)
{
	ListCell *cell;

	foreach (cell, reader->request->excluded)
		if (strcmp(lfirst(cell), name) == 0)
			return true;
	return false;
}

static void
add_wanted_features(FrameReader *reader)
{
	ListCell *cell;

	foreach (cell, reader->request->features)
	{
		const char *name = lfirst(cell);
		int attribute = healthml_source_column(reader->source, name);
		int i;

		for (i = 0; i < reader->n_features; i++)
			if (reader->columns[i].attribute == attribute)
				ereport(ERROR, (errcode(ERRCODE_DUPLICATE_COLUMN),
								errmsg("feature \"%s\" is given more than once", name)));
		if (has_role(reader, name) && !is_shared(reader, name))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("column \"%s\" cannot be a feature and target or group at once", name)));
		if (is_excluded(reader, name))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("column \"%s\" cannot be a feature and excluded at once", name)));
		reader->columns[reader->n_features++] = column_of(reader, attribute);
	}
}

/* A name that is misspelt would let the column be learnt. */
static void
check_excluded(const FrameReader *reader)
{
	ListCell *cell;

	foreach (cell, reader->request->excluded)
		(void) healthml_source_column(reader->source, lfirst(cell));
}

static void
add_all_features(FrameReader *reader)
{
	TupleDesc desc = reader->source->columns;
	int i;

	for (i = 0; i < desc->natts; i++)
	{
		const char *name = attribute_name(reader, i);
		HealthmlValueKind kind = healthml_value_kind(TupleDescAttr(desc, i)->atttypid);

		if (kind == HEALTHML_VALUE_NONE || healthml_value_is_text(kind) || has_role(reader, name) ||
			is_excluded(reader, name))
			continue;
		(void) healthml_source_column(reader->source, name);
		reader->columns[reader->n_features++] = column_of(reader, i);
	}
}

/* Numbers that were loaded as text are the usual reason. */
static void
refuse_source(const FrameReader *reader)
{
	const char *text = NULL;

	for (int i = 0; i < reader->source->columns->natts && text == NULL; i++)
		if (healthml_value_is_text(
				healthml_value_kind(TupleDescAttr(reader->source->columns, i)->atttypid)) &&
			!has_role(reader, attribute_name(reader, i)))
			text = attribute_name(reader, i);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the source has no numeric or boolean column to learn from"),
			 text == NULL
				 ? 0
				 : errhint("Column \"%s\" is text. If it holds numbers, select nullif(%s, '?')::float8, with "
						   "whatever stands for a missing value; if it holds words, name it in \"features\".",
						   text, quote_identifier(text))));
}

static void
choose_features(FrameReader *reader)
{
	reader->columns = palloc(sizeof(HealthmlSourceColumn) * Max(reader->source->columns->natts, 1));
	check_excluded(reader);
	if (reader->request->features != NIL)
		add_wanted_features(reader);
	else
		add_all_features(reader);
	if (reader->n_features == 0)
		refuse_source(reader);
}

static HealthmlSourceColumn
number_column(const FrameReader *reader, const char *name)
{
	HealthmlSourceColumn column = column_of(reader, healthml_source_column(reader->source, name));

	if (healthml_value_is_text(column.kind))
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH), errmsg("column \"%s\" must be a number", name)));
	return column;
}

static void
choose_recordings(FrameReader *reader)
{
	const HmlEncoder *encoder = reader->request->encoder;
	Form_pg_attribute column;

	if (reader->request->features != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("features of recordings cannot be chosen"),
				 errhint("Name the column of the recordings in parameter \"%s\", and pass NULL "
						 "for \"features\".",
						 encoder->modality->column)));
	reader->recordings = healthml_source_column(reader->source, reader->request->recordings);
	column = TupleDescAttr(reader->source->columns, reader->recordings);
	reader->are_arrays =
		getBaseType(column->atttypid) == FLOAT4ARRAYOID && !isnan(reader->request->sample_rate);
	if (!reader->are_arrays)
		healthml_check_recordings(column);
	if (reader->request->at_s != NULL)
		reader->at_s = number_column(reader, reader->request->at_s);
	reader->n_features = (int) encoder->n_features;
}

static void
check_target(const FrameReader *reader)
{
	if (reader->request->target_is_condition && reader->request->target != NULL &&
		healthml_value_is_text(reader->roles[0].column.kind))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("target column \"%s\" must be boolean or a number", reader->request->target),
				 errdetail("An anomaly detector evaluates itself against true and false, or 1 and 0.")));
}

static void
choose_columns(FrameReader *reader)
{
	reader->recordings = NO_COLUMN;
	reader->at_s.attribute = NO_COLUMN;
	if (reader->request->encoder != NULL)
		choose_recordings(reader);
	else
		choose_features(reader);
	for (int i = 0; i < reader->n_roles; i++)
		reader->roles[i].column =
			column_of(reader, healthml_source_column(reader->source, reader->roles[i].name));
	check_target(reader);
}

/* ---- rows ---- */

static void
declare_column(FrameReader *reader, int index, HealthmlSourceColumn column)
{
	const char *name = healthml_to_utf8(attribute_name(reader, column.attribute));

	healthml_check(reader->ctx, hml_frame_set_column(reader->frame, (size_t) index, name,
													 healthml_value_column(column.kind)));
}

static void
create_frame(FrameReader *reader)
{
	const HealthmlFrameRequest *request = reader->request;
	HmlFrameSpec spec = {.kind = HML_SAMPLE_ROW,
						 .n_columns = (size_t) reader->n_features,
						 .max_rows = request->max_rows,
						 .max_bytes = request->max_bytes,
						 .seed = request->seed};
	int i;

	if (request->encoder != NULL)
		hml_encoder_frame(request->encoder, request->sample, &spec);
	for (i = 0; i < reader->n_roles; i++)
		spec.roles[i] = reader->roles[i].role;
	healthml_check(reader->ctx, hml_frame_create(reader->ctx, &spec, &reader->frame));
	if (request->encoder != NULL)
		healthml_check(reader->ctx, hml_encoder_columns(request->encoder, reader->frame));
	for (i = 0; i < reader->n_features && request->encoder == NULL; i++)
		declare_column(reader, i, reader->columns[i]);
	for (i = 0; i < reader->n_roles; i++)
		declare_column(reader, reader->n_features + i, reader->roles[i].column);
	reader->row = palloc(sizeof(double) * reader->n_features);
}

static double
category(FrameReader *reader, int index, HealthmlSourceColumn column, Datum value)
{
	size_t length;
	const char *utf8 = healthml_category_text(column.kind, value, &length);
	double code;

	healthml_check(reader->ctx, hml_frame_category(reader->frame, (size_t) index, utf8, length, &code));
	return code;
}

static double
number(const FrameReader *reader, HealthmlSourceColumn column, Datum datum)
{
	double value = healthml_number(column.kind, datum);

	if (isinf(value))
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						errmsg("column \"%s\" is infinite in row " INT64_FORMAT " of the source",
							   attribute_name(reader, column.attribute), reader->row_number)));
	return value;
}

/* Value of a column in the present row; 'index' is its place in the frame. */
static double
cell(FrameReader *reader, int index, HealthmlSourceColumn column, TupleTableSlot *slot)
{
	if (slot->tts_isnull[column.attribute])
		return NAN;
	if (healthml_value_is_text(column.kind))
		return category(reader, index, column, slot->tts_values[column.attribute]);
	return number(reader, column, slot->tts_values[column.attribute]);
}

static HmlStatus
add_signal(FrameReader *reader, const HealthmlRecording *recording, const double *roles)
{
	HmlSignal signal;
	HmlStatus status;

	HML_TRY(healthml_read_signal(reader->ctx, recording, &signal));
	status = hml_frame_add_signal(reader->frame, reader->request->encoder, &signal, roles);
	hml_signal_free(reader->ctx, &signal);
	return status;
}

/* The present row's recording as a sample; an empty one where it is null. */
static void
add_recording(FrameReader *reader, TupleTableSlot *slot, const double *roles)
{
	const HmlEncoder *encoder = reader->request->encoder;
	HealthmlRecording recording = {.modality = encoder->modality,
								   .at_s = NAN,
								   .is_array = reader->are_arrays,
								   .sample_rate = reader->request->sample_rate};
	HmlStatus status;

	CHECK_FOR_INTERRUPTS();
	if (slot->tts_isnull[reader->recordings])
	{
		healthml_check(reader->ctx, hml_frame_add_signal(reader->frame, encoder, NULL, roles));
		return;
	}
	recording.datum = slot->tts_values[reader->recordings];
	if (reader->at_s.attribute != NO_COLUMN)
		recording.at_s = cell(reader, reader->at_s.attribute, reader->at_s, slot);
	status = add_signal(reader, &recording, roles);
	if (status != HML_OK && status != HML_HOST)
		hml_detail(reader->ctx, "The recording is in row " INT64_FORMAT " of the source.",
				   reader->row_number);
	healthml_check(reader->ctx, status);
}

static void
add_features(FrameReader *reader, TupleTableSlot *slot, const double *roles)
{
	for (int i = 0; i < reader->n_features; i++)
		reader->row[i] = cell(reader, i, reader->columns[i], slot);
	healthml_check(reader->ctx, hml_frame_add(reader->frame, reader->row, roles));
}

static void
add_row(void *user, TupleTableSlot *slot)
{
	FrameReader *reader = user;
	int n = reader->n_features;
	double roles[HML_MAX_ROLES];

	reader->row_number++;
	if (reader->row_number % ROWS_PER_REPORT == 0 || reader->recordings != NO_COLUMN)
		hml_report_progress(reader->ctx, "read", reader->row_number, 0);
	if (!hml_frame_wants(reader->frame))
	{
		hml_frame_skip(reader->frame);
		return;
	}
	slot_getallattrs(slot);
	for (int i = 0; i < reader->n_roles; i++)
		roles[i] = cell(reader, n + i, reader->roles[i].column, slot);
	if (reader->recordings != NO_COLUMN)
		add_recording(reader, slot, roles);
	else
		add_features(reader, slot, roles);
}

static const char *
column_param(const HmlParams *params, const char *name)
{
	return hml_param_is_set(params, name) ? healthml_from_utf8(hml_param_text(params, name)) : NULL;
}

static List *
columns_param(const HmlParams *params, const char *name)
{
	List *columns = NIL;

	if (hml_param_is_set(params, name))
	{
		const HmlJson *names = hml_param_json(params, name);

		for (size_t i = 0; i < names->count; i++)
			columns = lappend(columns, pstrdup(healthml_from_utf8(names->items[i].string)));
	}
	return columns;
}

void
healthml_request_roles(HealthmlFrameRequest *request, const HmlAlgorithm *algorithm, const HmlParams *params)
{
	if (request->group == NULL)
		request->group = column_param(params, "group");
	request->site = column_param(params, "site");
	request->weight = column_param(params, "weight");
	request->labels = columns_param(params, "votes");
	request->excluded = columns_param(params, "exclude");
	request->encoder = algorithm->encoder;
	request->sample = algorithm->sample;
	request->sample_rate =
		hml_param_is_set(params, "sample_rate") ? hml_param_number(params, "sample_rate") : NAN;
	if (algorithm->encoder == NULL)
		return;
	request->recordings = column_param(params, algorithm->encoder->modality->column);
	request->at_s = column_param(params, "at_s");
}

HmlFrame *
healthml_read_frame(HmlContext *ctx, const HealthmlFrameRequest *request, int64 *rows_read)
{
	FrameReader reader = {.ctx = ctx, .request = request};

	take_roles(&reader);
	SPI_connect();
	reader.source = healthml_source_open(request->source);
	choose_columns(&reader);
	create_frame(&reader);
	healthml_source_read(reader.source, add_row, &reader);
	SPI_finish();
	*rows_read = reader.row_number;
	return reader.frame;
}
