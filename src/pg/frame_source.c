/*
 * frame_source.c
 *	  Reading a source into a frame.
 */
#include "frame_source.h"

#include "utils/builtins.h"

#include "document.h"
#include "errors.h"
#include "features.h"
#include "source.h"

typedef struct FrameReader
{
	HmlContext *ctx;
	const HealthmlFrameRequest *request;
	HealthmlSource *source;
	HealthmlSourceColumn *columns; /* (n_columns): features, then target and group where there are */
	int n_features;
	int n_columns;
	HmlFrame *frame;
	double *row; /* (n_columns) */
	int64 row_number;
} FrameReader;

#define ROWS_PER_REPORT 1024

/* ---- columns ---- */

static const char *
column_name(const FrameReader *reader, int column)
{
	return NameStr(TupleDescAttr(reader->source->columns, reader->columns[column].attribute)->attname);
}

/* Position of a column of the source; an error where there is none, or more than one. */
static int
find_column(const FrameReader *reader, const char *name)
{
	TupleDesc desc = reader->source->columns;
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
add_column(FrameReader *reader, int attribute)
{
	Form_pg_attribute column = TupleDescAttr(reader->source->columns, attribute);
	HealthmlValueKind kind = healthml_value_kind(column->atttypid);

	if (kind == HEALTHML_VALUE_NONE)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("column \"%s\" of type %s cannot be used for training",
							   NameStr(column->attname), format_type_be(column->atttypid)),
						errhint("%s", healthml_value_hint)));
	reader->columns[reader->n_columns].attribute = attribute;
	reader->columns[reader->n_columns].kind = kind;
	reader->n_columns++;
}

static void
add_wanted_features(FrameReader *reader)
{
	ListCell *cell;

	foreach (cell, reader->request->features)
	{
		const char *name = lfirst(cell);
		int attribute = find_column(reader, name);
		int i;

		for (i = 0; i < reader->n_columns; i++)
			if (reader->columns[i].attribute == attribute)
				ereport(ERROR, (errcode(ERRCODE_DUPLICATE_COLUMN),
								errmsg("feature \"%s\" is given more than once", name)));
		if ((reader->request->target != NULL && strcmp(name, reader->request->target) == 0) ||
			(reader->request->group != NULL && strcmp(name, reader->request->group) == 0))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("column \"%s\" cannot be a feature and target or group at once", name)));
		add_column(reader, attribute);
	}
}

static void
add_all_features(FrameReader *reader)
{
	TupleDesc desc = reader->source->columns;
	int i;

	for (i = 0; i < desc->natts; i++)
	{
		const char *name = NameStr(TupleDescAttr(desc, i)->attname);
		HealthmlValueKind kind = healthml_value_kind(TupleDescAttr(desc, i)->atttypid);

		if (kind == HEALTHML_VALUE_NONE || healthml_value_is_text(kind) ||
			(reader->request->target != NULL && strcmp(name, reader->request->target) == 0) ||
			(reader->request->group != NULL && strcmp(name, reader->request->group) == 0))
			continue;
		(void) find_column(reader, name);
		add_column(reader, i);
	}
}

static void
check_target(const FrameReader *reader)
{
	HealthmlSourceColumn target = reader->columns[reader->n_features];

	if (reader->request->target_is_condition && healthml_value_is_text(target.kind))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("target column \"%s\" must be boolean or a number", reader->request->target),
				 errdetail("An anomaly detector evaluates itself against true and false, or 1 and 0.")));
}

static void
choose_columns(FrameReader *reader)
{
	reader->columns = palloc(sizeof(HealthmlSourceColumn) * (reader->source->columns->natts + 2));
	if (reader->request->features != NIL)
		add_wanted_features(reader);
	else
		add_all_features(reader);
	reader->n_features = reader->n_columns;
	if (reader->n_features == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the source has no numeric or boolean column to learn from")));
	if (reader->request->target != NULL)
	{
		add_column(reader, find_column(reader, reader->request->target));
		check_target(reader);
	}
	if (reader->request->group != NULL)
		add_column(reader, find_column(reader, reader->request->group));
}

/* ---- rows ---- */

static void
create_frame(FrameReader *reader)
{
	const HealthmlFrameRequest *request = reader->request;
	bool has_group = request->group != NULL;
	int i;

	healthml_check(reader->ctx, hml_frame_create(reader->ctx, (size_t) reader->n_features,
												 request->target != NULL, has_group, request->max_rows,
												 request->max_bytes, request->seed, &reader->frame));
	for (i = 0; i < reader->n_columns; i++)
	{
		/* In a frame the group comes after the place of the target, used or not. */
		bool is_group = has_group && i == reader->n_columns - 1;
		int index = is_group ? reader->n_features + 1 : i;
		const char *name = column_name(reader, i);

		healthml_check(reader->ctx,
					   hml_frame_set_column(reader->frame, (size_t) index, healthml_to_utf8(name),
											healthml_value_column(reader->columns[i].kind)));
	}
	reader->row = palloc(sizeof(double) * reader->n_columns);
}

static double
category(FrameReader *reader, int column, Datum value)
{
	bool is_group = reader->request->group != NULL && column == reader->n_columns - 1;
	int index = is_group ? reader->n_features + 1 : column;
	size_t length;
	const char *utf8 = healthml_category_text(reader->columns[column].kind, value, &length);
	double code;

	healthml_check(reader->ctx, hml_frame_category(reader->frame, (size_t) index, utf8, length, &code));
	return code;
}

static double
number(const FrameReader *reader, int column, Datum datum)
{
	double value = healthml_number(reader->columns[column].kind, datum);

	if (isinf(value))
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						errmsg("column \"%s\" is infinite in row " INT64_FORMAT " of the source",
							   column_name(reader, column), reader->row_number)));
	return value;
}

static void
add_row(void *user, TupleTableSlot *slot)
{
	FrameReader *reader = user;
	int n = reader->n_features;
	int i;

	if (++reader->row_number % ROWS_PER_REPORT == 0)
		hml_report_progress(reader->ctx, "read", reader->row_number, 0);
	if (!hml_frame_wants(reader->frame))
	{
		hml_frame_skip(reader->frame);
		return;
	}
	slot_getallattrs(slot);
	for (i = 0; i < reader->n_columns; i++)
	{
		HealthmlSourceColumn column = reader->columns[i];

		if (slot->tts_isnull[column.attribute])
			reader->row[i] = NAN;
		else if (healthml_value_is_text(column.kind))
			reader->row[i] = category(reader, i, slot->tts_values[column.attribute]);
		else
			reader->row[i] = number(reader, i, slot->tts_values[column.attribute]);
	}
	healthml_check(reader->ctx,
				   hml_frame_add(reader->frame, reader->row,
								 reader->request->target != NULL ? reader->row[n] : NAN,
								 reader->request->group != NULL ? reader->row[reader->n_columns - 1] : NAN));
}

HmlFrame *
healthml_read_frame(HmlContext *ctx, const HealthmlFrameRequest *request, int64 *rows_read)
{
	FrameReader reader = {.ctx = ctx, .request = request};

	SPI_connect();
	reader.source = healthml_source_open(request->source);
	choose_columns(&reader);
	create_frame(&reader);
	healthml_source_read(reader.source, add_row, &reader);
	SPI_finish();
	*rows_read = reader.row_number;
	return reader.frame;
}
