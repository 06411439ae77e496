/*
 * json.h
 *	  JSON documents (RFC 8259) from text that nobody vouches for.
 *
 * The whole document lies in one arena.  Depth is capped at HML_JSON_MAX_DEPTH;
 * duplicate keys, invalid UTF-8, \\u0000, numbers out of the range of float64 and
 * bytes after the document are HML_INVALID_DATA, with line and column.
 */
#ifndef HML_BASE_JSON_H
#define HML_BASE_JSON_H

#include "core/base/arena.h"
#include "core/base/text.h"

#define HML_JSON_MAX_DEPTH 64

typedef enum HmlJsonType
{
	HML_JSON_NULL,
	HML_JSON_BOOL,
	HML_JSON_NUMBER,
	HML_JSON_STRING,
	HML_JSON_ARRAY,
	HML_JSON_OBJECT
} HmlJsonType;

typedef struct HmlJson
{
	HmlJsonType type;
	const char *key;             /* of a member of an object, else NULL */
	double number;               /* NUMBER, and 0 or 1 for BOOL */
	const char *string;          /* STRING, NUL-terminated */
	size_t length;               /* bytes of a STRING */
	size_t count;                /* items of an ARRAY, members of an OBJECT */
	const struct HmlJson *items; /* the array of them, in document order */
} HmlJson;

extern HmlStatus hml_json_parse(HmlArena *arena, const char *text, size_t length,
								const HmlJson **out) HML_NODISCARD;

/* Member of an object; NULL where there is none or 'object' is none. */
extern const HmlJson *hml_json_get(const HmlJson *object, const char *key);
/* As PostgreSQL prints jsonb, ", " and ": " between the parts, members in document order. */
extern void hml_json_write(const HmlJson *json, HmlText *text);
extern const char *hml_json_type_name(HmlJsonType type);

#endif /* HML_BASE_JSON_H */
