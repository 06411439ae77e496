/*
 * value.h
 *	  PostgreSQL values as numbers and categories.
 *
 * The one place that knows which types can be a feature.  A domain counts as
 * its base type.
 */
#ifndef HEALTHML_VALUE_H
#define HEALTHML_VALUE_H

#include "pg/server/compat.h"

#include <math.h>

#include "core/data/frame.h"

typedef enum HealthmlValueKind
{
	HEALTHML_VALUE_NONE, /* no feature can have this type */
	HEALTHML_VALUE_FLOAT8,
	HEALTHML_VALUE_FLOAT4,
	HEALTHML_VALUE_INT2,
	HEALTHML_VALUE_INT4,
	HEALTHML_VALUE_INT8,
	HEALTHML_VALUE_NUMERIC,
	HEALTHML_VALUE_BOOLEAN,
	HEALTHML_VALUE_LITERAL, /* of type unknown, in ROW('1', NULL): whatever is needed, here a number */
	HEALTHML_VALUE_TEXT,    /* text, varchar */
	HEALTHML_VALUE_BPCHAR,
	HEALTHML_VALUE_ENUM,
	HEALTHML_VALUE_LITERAL_TEXT /* of type unknown, where a text is needed */
} HealthmlValueKind;

extern HealthmlValueKind healthml_value_kind(Oid type);

/* "Features are numbers, booleans, text or enums.", for hints. */
extern const char *const healthml_value_hint;

static inline bool
healthml_value_is_text(HealthmlValueKind kind)
{
	return kind >= HEALTHML_VALUE_TEXT;
}

/* The kind of column that a training makes of it. */
static inline HmlColumnKind
healthml_value_column(HealthmlValueKind kind)
{
	return healthml_value_is_text(kind)     ? HML_COLUMN_CATEGORY
		   : kind == HEALTHML_VALUE_BOOLEAN ? HML_COLUMN_BOOLEAN
											: HML_COLUMN_NUMERIC;
}

extern double healthml_numeric_value(Datum value);
extern double healthml_literal_value(Datum value);

/* A number of any kind but text; NaN stays NaN, infinity infinity. */
static inline double
healthml_number(HealthmlValueKind kind, Datum value)
{
	switch (kind)
	{
		case HEALTHML_VALUE_FLOAT8:
			return DatumGetFloat8(value);
		case HEALTHML_VALUE_FLOAT4:
			return (double) DatumGetFloat4(value);
		case HEALTHML_VALUE_INT2:
			return (double) DatumGetInt16(value);
		case HEALTHML_VALUE_INT4:
			return (double) DatumGetInt32(value);
		case HEALTHML_VALUE_INT8:
			return (double) DatumGetInt64(value);
		case HEALTHML_VALUE_NUMERIC:
			return healthml_numeric_value(value);
		case HEALTHML_VALUE_BOOLEAN:
			return DatumGetBool(value) ? 1.0 : 0.0;
		case HEALTHML_VALUE_LITERAL:
			return healthml_literal_value(value);
		default:
			return NAN;
	}
}

/* A text in UTF-8, not NUL-terminated, in the datum itself or in the current memory context. */
extern const char *healthml_category_text(HealthmlValueKind kind, Datum value, size_t *length);

#endif /* HEALTHML_VALUE_H */
