/*
 * features.h
 *	  A row, an array, a jsonb value or a text as the feature vector of a model.
 *
 * A reader is bound to one pipeline and reuses its memory, so that a row costs
 * no allocation.  What it returns is (n_features), in the model's order: numbers,
 * 0/1, or category codes; NaN where the value is missing.  It is valid until the
 * next call, and not checked for infinity, which hml_pipeline_apply() does.
 *
 * Columns and keys are matched by name.  A surplus one is ignored, a missing one
 * is an error, so is a type that does not fit; both name the feature.  A row made
 * by ROW(...) has no column names and is matched by position, which a notice says
 * once for each row type.
 */
#ifndef HEALTHML_FEATURES_H
#define HEALTHML_FEATURES_H

#include "pg/server/compat.h"

#include "access/htup.h"
#include "access/tupdesc.h"
#include "executor/tuptable.h"
#include "utils/array.h"
#include "utils/jsonb.h"

#include "core/data/pipeline.h"
#include "pg/server/value.h"

typedef struct HealthmlSourceColumn
{
	int attribute; /* from 0 */
	HealthmlValueKind kind;
} HealthmlSourceColumn;

typedef struct HealthmlFeatureReader
{
	MemoryContext memory; /* emptied when the reader is bound */
	const HmlPipeline *pipeline;
	const char *model; /* for messages */
	double *values;
	const char **unseen; /* (n_features) text of a category that training has not seen (UTF-8), else NULL */
	bool any_unseen;

	/* How rows of one type are read. */
	MemoryContext row_memory; /* emptied when another type arrives */
	Oid row_type;
	int32 row_typmod;
	uint64 row_identifier; /* of the type's present definition */
	TupleDesc row_desc;
	Datum *row_datums;
	bool *row_nulls;
	HealthmlSourceColumn *columns; /* (n_features) */
} HealthmlFeatureReader;

extern void healthml_features_init(HealthmlFeatureReader *reader, MemoryContext parent);

/* 'pipeline' and 'model' must stay until the next bind. */
extern void healthml_features_bind(HealthmlFeatureReader *reader, const HmlPipeline *pipeline,
								   const char *model);

extern const double *healthml_features_of_row(HealthmlFeatureReader *reader, HeapTupleHeader row);
extern const double *healthml_features_of_tuple(HealthmlFeatureReader *reader, HeapTuple tuple,
												TupleDesc desc);

/*
 * A row of a query whose columns are 'desc'.  The slot's own descriptor may lack
 * their names: that of a branch of UNION ALL does.
 */
extern const double *healthml_features_of_slot(HealthmlFeatureReader *reader, TupleTableSlot *slot,
											   TupleDesc desc);
extern const double *healthml_features_of_array(HealthmlFeatureReader *reader, ArrayType *array);

/* An object with one key per feature, or an array with one element per feature, in the model's order. */
extern const double *healthml_features_of_jsonb(HealthmlFeatureReader *reader, Jsonb *document);

/* The same written as JSON, or an array literal as of float8[]. */
extern const double *healthml_features_of_text(HealthmlFeatureReader *reader, const text *features);

/* Categories that this session has met and training had not: each was taken as missing. */
extern int64 healthml_unseen_categories;

/* Position of the column of this name (UTF-8), or -1. */
extern int healthml_find_column(TupleDesc desc, const char *name);

/* The column whose name differs only in case, or NULL: for hints. */
extern const char *healthml_similar_column(TupleDesc desc, const char *name);

#endif /* HEALTHML_FEATURES_H */
