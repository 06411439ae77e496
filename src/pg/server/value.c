/*
 * value.c
 *	  PostgreSQL values as numbers and categories.
 */
#include "pg/server/value.h"

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

/*
 * Numerics of up to 15 or so digits, by their representation on disk (numeric.c,
 * "NumericChoice"), which pg_upgrade relies on to stay: a word with sign, scale
 * and weight, or two of them, then digits of base 10000.  The conversion through
 * text that the server offers costs ten times as much.
 */
#define NUMERIC_FORM 0xC000 /* of the first word */
#define NUMERIC_IS_SHORT 0x8000
#define NUMERIC_IS_SPECIAL 0xC000 /* NaN and infinity */
#define NUMERIC_LONG_NEGATIVE 0x4000
#define NUMERIC_SHORT_NEGATIVE 0x2000
#define NUMERIC_SHORT_WEIGHT_SIGN 0x0040
#define NUMERIC_SHORT_WEIGHT 0x003F
#define NUMERIC_BASE 10000
#define MAX_EXACT_INTEGER (INT64CONST(1) << 53)
#define MAX_EXACT_POWER 22 /* 10^22 is the largest power of ten that a double holds exactly */

static inline uint16
word_at(const char *bytes, size_t index)
{
	uint16 word;

	memcpy(&word, bytes + index * sizeof(word), sizeof(word));
	return word;
}

/*
 * digits * 10^exponent with both parts exact in a double: the one operation then
 * rounds as the conversion of the text would.
 */
static bool
convert_short_numeric(const struct varlena *numeric, double *out)
{
	static const double powers[MAX_EXACT_POWER + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
													   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
													   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
	const char *bytes = VARDATA_ANY(numeric);
	size_t n_words = VARSIZE_ANY_EXHDR(numeric) / sizeof(uint16);
	uint16 header = word_at(bytes, 0);
	bool is_short = (header & NUMERIC_FORM) == NUMERIC_IS_SHORT;
	bool negative = (header & (is_short ? NUMERIC_SHORT_NEGATIVE : NUMERIC_LONG_NEGATIVE)) != 0;
	size_t first = is_short ? 1 : 2;
	int weight;
	int exponent;
	int64 digits = 0;
	size_t i;

	if ((header & NUMERIC_FORM) == NUMERIC_IS_SPECIAL || n_words < first || n_words - first > 4)
		return false;
	if (is_short)
		weight = (header & NUMERIC_SHORT_WEIGHT) -
				 ((header & NUMERIC_SHORT_WEIGHT_SIGN) != 0 ? NUMERIC_SHORT_WEIGHT + 1 : 0);
	else
		weight = (int16) word_at(bytes, 1);
	for (i = first; i < n_words; i++)
		digits = digits * NUMERIC_BASE + word_at(bytes, i);
	exponent = 4 * (weight - (int) (n_words - first) + 1);
	if (digits > MAX_EXACT_INTEGER || abs(exponent) > MAX_EXACT_POWER)
		return false;
	*out = exponent < 0 ? (double) digits / powers[-exponent] : (double) digits * powers[exponent];
	if (negative)
		*out = -*out;
	return true;
}

double
healthml_numeric_value(Datum value)
{
	const struct varlena *numeric = (const struct varlena *) DatumGetPointer(value);
	double result;

	if ((!VARATT_IS_EXTENDED(numeric) || VARATT_IS_SHORT(numeric)) && convert_short_numeric(numeric, &result))
		return result;
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
