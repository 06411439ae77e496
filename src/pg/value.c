/*
 * value.c
 *	  PostgreSQL values as numbers and categories.
 */
#include "value.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

const char *const healthml_value_hint =
	"A feature is a number, a boolean, a text or an enum; compute one of these in a query.";

HealthmlValueKind
healthml_value_kind(Oid type)
{
	Oid base = getBaseType(type);

	switch (base)
	{
		case FLOAT8OID:
			return HEALTHML_VALUE_FLOAT8;
		case FLOAT4OID:
			return HEALTHML_VALUE_FLOAT4;
		case INT2OID:
			return HEALTHML_VALUE_INT2;
		case INT4OID:
			return HEALTHML_VALUE_INT4;
		case INT8OID:
			return HEALTHML_VALUE_INT8;
		case NUMERICOID:
			return HEALTHML_VALUE_NUMERIC;
		case BOOLOID:
			return HEALTHML_VALUE_BOOLEAN;
		case TEXTOID:
		case VARCHAROID:
			return HEALTHML_VALUE_TEXT;
		case BPCHAROID:
			return HEALTHML_VALUE_BPCHAR;
		case UNKNOWNOID:
			return HEALTHML_VALUE_LITERAL;
		default:
			return get_typtype(base) == TYPTYPE_ENUM ? HEALTHML_VALUE_ENUM : HEALTHML_VALUE_NONE;
	}
}

double
healthml_numeric_value(Datum value)
{
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, value));
}

double
healthml_literal_value(Datum value)
{
	return DatumGetFloat8(DirectFunctionCall1(float8in, value));
}

const char *
healthml_category_text(HealthmlValueKind kind, Datum value, size_t *length)
{
	const char *server;
	const char *utf8;
	int size;

	if (kind == HEALTHML_VALUE_ENUM)
	{
		server = DatumGetCString(DirectFunctionCall1(enum_out, value));
		size = (int) strlen(server);
	}
	else if (kind == HEALTHML_VALUE_LITERAL_TEXT)
	{
		server = DatumGetCString(value);
		size = (int) strlen(server);
	}
	else
	{
		text *string = DatumGetTextPP(value);

		server = VARDATA_ANY(string);
		size = (int) VARSIZE_ANY_EXHDR(string);
		if (kind == HEALTHML_VALUE_BPCHAR)
			size = bpchartruelen(VARDATA_ANY(string), size);
	}

	/* The conversion returns its argument where there is nothing to do, else a NUL-terminated copy. */
	utf8 = pg_server_to_any(server, size, PG_UTF8);
	*length = utf8 == server ? (size_t) size : strlen(utf8);
	return utf8;
}
