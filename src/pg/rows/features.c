/*
 * features.c
 *	  A row, an array, a jsonb value or a text as the feature vector of a model.
 *
 * The positions of the columns are looked up once per row type.  A type is the
 * same as before when its identifier in the type cache is: that changes with
 * every ALTER of a composite type.  Anonymous record types never change.
 */
#include "pg/rows/features.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

#include "pg/server/document.h"

int64 healthml_unseen_categories = 0;

void
healthml_features_init(HealthmlFeatureReader *reader, MemoryContext parent)
{
	memset(reader, 0, sizeof(*reader));
	reader->memory = AllocSetContextCreate(parent, "healthml features", ALLOCSET_SMALL_SIZES);
	reader->row_memory = AllocSetContextCreate(parent, "healthml row type", ALLOCSET_SMALL_SIZES);
}

void
healthml_features_bind(HealthmlFeatureReader *reader, const HmlPipeline *pipeline, const char *model)
{
	MemoryContextReset(reader->memory);
	reader->pipeline = pipeline;
	reader->model = model;
	reader->values = MemoryContextAlloc(reader->memory, sizeof(double) * Max(pipeline->n_features, 1));
	reader->unseen = MemoryContextAllocZero(reader->memory, sizeof(char *) * Max(pipeline->n_features, 1));
	reader->any_unseen = false;
	reader->row_type = InvalidOid;
}

/* ---- names ---- */

static const char *
feature_name(const HealthmlFeatureReader *reader, size_t feature)
{
	return healthml_from_utf8(reader->pipeline->features[feature].column.name);
}

int
healthml_find_column(TupleDesc desc, const char *name)
{
	int i;

	for (i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (!attribute->attisdropped && strcmp(NameStr(attribute->attname), name) == 0)
			return i;
	}
	return -1;
}

const char *
healthml_similar_column(TupleDesc desc, const char *name)
{
	int i;

	for (i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (!attribute->attisdropped && pg_strcasecmp(NameStr(attribute->attname), name) == 0)
			return NameStr(attribute->attname);
	}
	return NULL;
}

/* "age, sex, ...": enough of the model's features to see what is wanted. */
static char *
list_features(const HealthmlFeatureReader *reader)
{
	const size_t most = 40;
	StringInfoData list;
	size_t i;

	initStringInfo(&list);
	for (i = 0; i < Min(reader->pipeline->n_features, most); i++)
		appendStringInfo(&list, "%s%s", i == 0 ? "" : ", ", quote_identifier(feature_name(reader, i)));
	if (reader->pipeline->n_features > most)
		appendStringInfo(&list, " and %zu more", reader->pipeline->n_features - most);
	return list.data;
}

/* A row without a column is the statement's fault, an object without a key the data's. */
static void
refuse_missing(const HealthmlFeatureReader *reader, size_t feature, bool is_key, const char *similar)
{
	ereport(ERROR, (errcode(is_key ? ERRCODE_SQL_JSON_MEMBER_NOT_FOUND : ERRCODE_UNDEFINED_COLUMN),
					errmsg("%s \"%s\" is missing, which model \"%s\" needs", is_key ? "key" : "column",
						   feature_name(reader, feature), reader->model),
					similar != NULL ? errhint("There is \"%s\"; names are case-sensitive.", similar)
									: errhint("The features of the model are: %s.", list_features(reader))));
}

/* ---- rows ---- */

static HealthmlValueKind
kind_for_feature(const HealthmlFeatureReader *reader, size_t feature, Form_pg_attribute attribute)
{
	bool category = reader->pipeline->features[feature].column.kind == HML_COLUMN_CATEGORY;
	HealthmlValueKind kind = healthml_value_kind(attribute->atttypid);

	if (kind == HEALTHML_VALUE_LITERAL && category)
		return HEALTHML_VALUE_LITERAL_TEXT;
	if (kind == HEALTHML_VALUE_NONE || healthml_value_is_text(kind) != category)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("column \"%s\" of type %s cannot be used for a %s feature of model \"%s\"",
							   NameStr(attribute->attname), format_type_be(attribute->atttypid),
							   category ? "text" : "numeric", reader->model),
						kind == HEALTHML_VALUE_NONE
							? errhint("%s", healthml_value_hint)
							: errhint("Cast the column to the type that it had in training.")));
	return kind;
}

static bool
has_all_features(const HealthmlFeatureReader *reader, TupleDesc desc)
{
	for (size_t i = 0; i < reader->pipeline->n_features; i++)
		if (healthml_find_column(desc, feature_name(reader, i)) < 0)
			return false;
	return true;
}

/*
 * Whether the row is one of ROW(...), whose columns are called f1, f2, ...: it has
 * as many as the model has features, and these have other names.
 */
static bool
is_nameless(const HealthmlFeatureReader *reader, TupleDesc desc)
{
	int i;

	if (desc->tdtypeid != RECORDOID || desc->natts != reader->pipeline->n_features ||
		has_all_features(reader, desc))
		return false;
	for (i = 0; i < desc->natts; i++)
	{
		char name[NAMEDATALEN];

		snprintf(name, sizeof(name), "f%d", i + 1);
		if (strcmp(NameStr(TupleDescAttr(desc, i)->attname), name) != 0)
			return false;
	}
	return true;
}

static void
report_positions(const HealthmlFeatureReader *reader)
{
	ereport(NOTICE,
			(errmsg("columns of a row without names are matched to the features of model \"%s\" by position",
					reader->model),
			 errdetail("The features are, in this order: %s.", list_features(reader)),
			 errhint("Pass a row with column names, or a json object, to have them matched by name.")));
}

static void
map_columns(HealthmlFeatureReader *reader, TupleDesc desc)
{
	bool by_position = is_nameless(reader, desc);
	size_t i;

	if (by_position)
		report_positions(reader);
	for (i = 0; i < reader->pipeline->n_features; i++)
	{
		const char *name = feature_name(reader, i);
		int attribute = by_position ? (int) i : healthml_find_column(desc, name);

		if (attribute < 0)
			refuse_missing(reader, i, false, healthml_similar_column(desc, name));
		reader->columns[i].attribute = attribute;
		reader->columns[i].kind = kind_for_feature(reader, i, TupleDescAttr(desc, attribute));
	}
}

/* Prepare to read rows of 'desc'; an error leaves the reader without a row type. */
static void
use_row_type(HealthmlFeatureReader *reader, TupleDesc desc, Oid type, int32 typmod, uint64 identifier)
{
	MemoryContext caller;

	reader->row_type = InvalidOid;
	MemoryContextReset(reader->row_memory);
	caller = MemoryContextSwitchTo(reader->row_memory);
	reader->row_desc = CreateTupleDescCopyConstr(desc);
	reader->row_datums = palloc(sizeof(Datum) * Max(desc->natts, 1));
	reader->row_nulls = palloc(sizeof(bool) * Max(desc->natts, 1));
	reader->columns = palloc(sizeof(HealthmlSourceColumn) * Max(reader->pipeline->n_features, 1));
	MemoryContextSwitchTo(caller);
	map_columns(reader, reader->row_desc);
	reader->row_type = type;
	reader->row_typmod = typmod;
	reader->row_identifier = identifier;
}

static void
forget_unseen(HealthmlFeatureReader *reader)
{
	if (reader->any_unseen)
		memset(reader->unseen, 0, sizeof(char *) * reader->pipeline->n_features);
	reader->any_unseen = false;
}

/* The code of a category in UTF-8; the name of one that is unknown lives as long as the row. */
static double
category_code(HealthmlFeatureReader *reader, size_t feature, const char *category, size_t length)
{
	double code = hml_pipeline_category(reader->pipeline, feature, category, length);

	if (isnan(code))
	{
		reader->unseen[feature] = pnstrdup(category, length);
		reader->any_unseen = true;
		healthml_unseen_categories++;
	}
	return code;
}

static double
text_code(HealthmlFeatureReader *reader, size_t feature, HealthmlValueKind kind, Datum value)
{
	size_t length;
	const char *category = healthml_category_text(kind, value, &length);

	return category_code(reader, feature, category, length);
}

static const double *
convert(HealthmlFeatureReader *reader, const Datum *datums, const bool *nulls)
{
	size_t n = reader->pipeline->n_features;
	double *values = reader->values;
	size_t i;

	forget_unseen(reader);
	for (i = 0; i < n; i++)
	{
		HealthmlSourceColumn column = reader->columns[i];

		if (nulls[column.attribute])
			values[i] = NAN;
		else if (healthml_value_is_text(column.kind))
			values[i] = text_code(reader, i, column.kind, datums[column.attribute]);
		else
			values[i] = healthml_number(column.kind, datums[column.attribute]);
	}
	return values;
}

static uint64
row_type_identifier(Oid type)
{
	return type == RECORDOID ? 0 : lookup_type_cache(type, TYPECACHE_TUPDESC)->tupDesc_identifier;
}

const double *
healthml_features_of_row(HealthmlFeatureReader *reader, HeapTupleHeader row)
{
	Oid type = HeapTupleHeaderGetTypeId(row);
	int32 typmod = HeapTupleHeaderGetTypMod(row);
	uint64 identifier = row_type_identifier(type);
	HeapTupleData tuple;

	if (reader->row_type != type || reader->row_typmod != typmod || reader->row_identifier != identifier)
	{
		TupleDesc desc = lookup_rowtype_tupdesc_copy(type, typmod);

		use_row_type(reader, desc, type, typmod, identifier);
		FreeTupleDesc(desc);
	}
	tuple.t_len = HeapTupleHeaderGetDatumLength(row);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = row;
	heap_deform_tuple(&tuple, reader->row_desc, reader->row_datums, reader->row_nulls);
	return convert(reader, reader->row_datums, reader->row_nulls);
}

/* A relation's or a query's descriptor: the same one as before when it is equal. */
static void
use_descriptor(HealthmlFeatureReader *reader, TupleDesc desc)
{
	if (!OidIsValid(reader->row_type) || !equalTupleDescs(reader->row_desc, desc))
		use_row_type(reader, desc, OidIsValid(desc->tdtypeid) ? desc->tdtypeid : RECORDOID, desc->tdtypmod,
					 PG_UINT64_MAX);
}

const double *
healthml_features_of_tuple(HealthmlFeatureReader *reader, HeapTuple tuple, TupleDesc desc)
{
	use_descriptor(reader, desc);
	heap_deform_tuple(tuple, desc, reader->row_datums, reader->row_nulls);
	return convert(reader, reader->row_datums, reader->row_nulls);
}

const double *
healthml_features_of_slot(HealthmlFeatureReader *reader, TupleTableSlot *slot, TupleDesc desc)
{
	use_descriptor(reader, desc);
	slot_getallattrs(slot);
	return convert(reader, slot->tts_values, slot->tts_isnull);
}

/* ---- arrays ---- */

static void
check_code(const HealthmlFeatureReader *reader, size_t feature, double value)
{
	const HmlColumn *column = &reader->pipeline->features[feature].column;
	size_t count = column->categories.count;

	if (column->kind == HML_COLUMN_CATEGORY && !isnan(value) &&
		!(value >= 0 && value < (double) count && floor(value) == value))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%g is not a category number of feature \"%s\"", value,
							   feature_name(reader, feature)),
						errdetail("The numbers are 0 to %zu.", count - 1),
						errhint("Pass a row or a jsonb object to give categories by name.")));
}

static void
check_count(const HealthmlFeatureReader *reader, int n_elements)
{
	if ((size_t) n_elements != reader->pipeline->n_features)
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
						errmsg("feature array has %d elements, but model \"%s\" has %zu features", n_elements,
							   reader->model, reader->pipeline->n_features),
						errhint("The features are, in this order: %s.", list_features(reader))));
}

const double *
healthml_features_of_array(HealthmlFeatureReader *reader, ArrayType *array)
{
	size_t n = reader->pipeline->n_features;
	const bits8 *present = ARR_NULLBITMAP(array);
	const double *elements = (const double *) ARR_DATA_PTR(array);
	size_t i;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
						errmsg("feature array must have one dimension, not %d", ARR_NDIM(array))));
	check_count(reader, ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)));
	forget_unseen(reader);
	for (i = 0; i < n; i++)
	{
		bool is_null = present != NULL && (present[i / 8] & (1 << (i % 8))) == 0;

		reader->values[i] = is_null ? NAN : *elements++;
		check_code(reader, i, reader->values[i]);
	}
	return reader->values;
}

/* ---- jsonb ---- */

/* The key that differs only in case, or NULL. */
static const char *
similar_key(Jsonb *object, const char *wanted)
{
	JsonbIterator *iterator = JsonbIteratorInit(&object->root);
	JsonbIteratorToken token;
	JsonbValue value;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			char *key = pnstrdup(value.val.string.val, value.val.string.len);

			if (pg_strcasecmp(key, wanted) == 0)
				return key;
		}
	}
	return NULL;
}

static void
refuse_json_type(const HealthmlFeatureReader *reader, size_t feature)
{
	bool category = reader->pipeline->features[feature].column.kind == HML_COLUMN_CATEGORY;

	ereport(ERROR,
			(errcode(ERRCODE_SQL_JSON_ITEM_CANNOT_BE_CAST_TO_TARGET_TYPE),
			 errmsg("value of key \"%s\" must be a %s or null", feature_name(reader, feature),
					category ? "string" : "number, a boolean"),
			 errdetail("The feature of model \"%s\" is %s.", reader->model, category ? "text" : "numeric")));
}

static double
json_category(HealthmlFeatureReader *reader, size_t feature, const JsonbValue *value)
{
	const char *category = pg_server_to_any(value->val.string.val, value->val.string.len, PG_UTF8);
	size_t length = category == value->val.string.val ? (size_t) value->val.string.len : strlen(category);

	return category_code(reader, feature, category, length);
}

static double
json_value(HealthmlFeatureReader *reader, size_t feature, const JsonbValue *value)
{
	bool category = reader->pipeline->features[feature].column.kind == HML_COLUMN_CATEGORY;

	if (value->type == jbvNull)
		return NAN;
	if (category && value->type == jbvString)
		return json_category(reader, feature, value);
	if (!category && value->type == jbvNumeric)
		return healthml_numeric_value(NumericGetDatum(value->val.numeric));
	if (!category && value->type == jbvBool)
		return value->val.boolean ? 1.0 : 0.0;
	refuse_json_type(reader, feature);
	return NAN;
}

static void
read_object(HealthmlFeatureReader *reader, Jsonb *object)
{
	size_t i;

	for (i = 0; i < reader->pipeline->n_features; i++)
	{
		const char *name = feature_name(reader, i);
		JsonbValue buffer;
		JsonbValue *value = getKeyJsonValueFromContainer(&object->root, name, (int) strlen(name), &buffer);

		if (value == NULL)
			refuse_missing(reader, i, true, similar_key(object, name));
		reader->values[i] = json_value(reader, i, value);
	}
}

static void
read_elements(HealthmlFeatureReader *reader, Jsonb *array)
{
	uint32 i;

	check_count(reader, (int) JB_ROOT_COUNT(array));
	for (i = 0; i < JB_ROOT_COUNT(array); i++)
		reader->values[i] = json_value(reader, i, getIthJsonbValueFromContainer(&array->root, i));
}

const double *
healthml_features_of_jsonb(HealthmlFeatureReader *reader, Jsonb *document)
{
	forget_unseen(reader);
	if (JB_ROOT_IS_OBJECT(document))
		read_object(reader, document);
	else if (JB_ROOT_IS_ARRAY(document) && !JB_ROOT_IS_SCALAR(document))
		read_elements(reader, document);
	else
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("features in jsonb must be an object with one key per feature, or an array"),
				 errhint("The features of model \"%s\" are: %s.", reader->model, list_features(reader))));
	return reader->values;
}

/* ---- text ---- */

#define JSON_SPACE " \t\r\n"

/* Whether a text that begins with '{' begins like a JSON object: it is empty, or a string and a colon follow. */
static bool
begins_json_object(const char *text)
{
	const char *c = text + 1 + strspn(text + 1, JSON_SPACE);

	if (*c != '"')
		return *c == '}';
	for (c++; *c != '\0' && *c != '"'; c++)
		if (*c == '\\' && c[1] != '\0')
			c++;
	if (*c == '\0')
		return true;
	c += 1 + strspn(c + 1, JSON_SPACE);
	return *c == ':';
}

static void
refuse_text(const HealthmlFeatureReader *reader, const char *text)
{
	const int most = 40;

	ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					errmsg("features \"%s\" are neither a JSON object, a JSON array nor an array literal",
						   pnstrdup(text, pg_mbcliplen(text, (int) strlen(text), most))),
					errhint("The features of model \"%s\" are: %s.", reader->model, list_features(reader))));
}

const double *
healthml_features_of_text(HealthmlFeatureReader *reader, const text *features)
{
	const char *string = text_to_cstring(features);
	const char *start = string + strspn(string, JSON_SPACE);

	if (*start != '{' && *start != '[')
		refuse_text(reader, string);
	if (*start == '{' && !begins_json_object(start))
	{
		Datum array = OidInputFunctionCall(F_ARRAY_IN, unconstify(char *, start), FLOAT8OID, -1);

		return healthml_features_of_array(reader, DatumGetArrayTypeP(array));
	}
	return healthml_features_of_jsonb(reader,
									  DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(string))));
}
