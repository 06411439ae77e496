/*
 * json.c
 *	  A strict parser of JSON (RFC 8259) and its writer.
 *
 * Recursive descent, no deeper than HML_JSON_MAX_DEPTH.  The items of the
 * containers that are still open lie on one stack of the parser; a container
 * that ends moves its items from there into the arena, in one piece.  The host
 * is asked for cancellation every few thousand values and every megabyte of a
 * string.
 */
#include "core/base/json.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/number.h"
#include "core/base/sort.h"
#include "core/base/text.h"

#define POLL_VALUES 4096
#define POLL_BYTES ((size_t) 1 << 20)
#define FIRST_PENDING 64
#define SMALL_OBJECT 16 /* members that are compared each with each */

typedef struct Parser
{
	HmlArena *arena;
	HmlContext *ctx;
	const char *start;
	const char *next;
	const char *end;
	HmlJson *pending; /* finished items of open containers */
	size_t n_pending;
	size_t allocated;
	size_t values; /* since the last poll */
} Parser;

static HmlStatus parse_value(Parser *parser, int depth, HmlJson *out);

static HmlStatus HML_PRINTF(3, 4) refuse(const Parser *parser, const char *where, const char *fmt, ...)
{
	char reason[160];
	size_t line = 1;
	size_t column = 1;
	va_list args;

	va_start(args, fmt);
	vsnprintf(reason, sizeof(reason), fmt, args);
	va_end(args);
	for (const char *c = parser->start; c < where; c++)
	{
		if (*c == '\n')
		{
			line++;
			column = 1;
		}
		else if (((unsigned char) *c & 0xc0) != 0x80)
			column++;
	}
	return hml_fail(parser->ctx, HML_INVALID_DATA, "invalid JSON at line %zu, column %zu: %s", line, column,
					reason);
}

static void
skip_space(Parser *parser)
{
	while (parser->next < parser->end &&
		   (*parser->next == ' ' || *parser->next == '\n' || *parser->next == '\r' || *parser->next == '\t'))
		parser->next++;
}

/* Take the character if it is the next one after space. */
static bool
take(Parser *parser, char wanted)
{
	skip_space(parser);
	if (parser->next == parser->end || *parser->next != wanted)
		return false;
	parser->next++;
	return true;
}

/* What is there instead of what should be. */
static HmlStatus
refuse_next(const Parser *parser, const char *expected)
{
	unsigned char found;

	if (parser->next == parser->end)
		return refuse(parser, parser->next, "expected %s, but the document ends", expected);
	found = (unsigned char) *parser->next;
	if (found < 0x20 || found >= 0x7f)
		return refuse(parser, parser->next, "expected %s, not byte 0x%02x", expected, found);
	return refuse(parser, parser->next, "expected %s, not \"%c\"", expected, found);
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Four hexadecimal digits at 'text', -1 where they are not there. */
static int
hex4(const char *text, const char *end)
{
	int value = 0;

	if (end - text < 4)
		return -1;
	for (int i = 0; i < 4; i++)
	{
		int digit = hex_value(text[i]);

		if (digit < 0)
			return -1;
		value = value * 16 + digit;
	}
	return value;
}

static char *
put_utf8(char *out, uint32_t code)
{
	if (code < 0x80)
		*out++ = (char) code;
	else if (code < 0x800)
	{
		*out++ = (char) (0xc0 | (code >> 6));
		*out++ = (char) (0x80 | (code & 0x3f));
	}
	else if (code < 0x10000)
	{
		*out++ = (char) (0xe0 | (code >> 12));
		*out++ = (char) (0x80 | ((code >> 6) & 0x3f));
		*out++ = (char) (0x80 | (code & 0x3f));
	}
	else
	{
		*out++ = (char) (0xf0 | (code >> 18));
		*out++ = (char) (0x80 | ((code >> 12) & 0x3f));
		*out++ = (char) (0x80 | ((code >> 6) & 0x3f));
		*out++ = (char) (0x80 | (code & 0x3f));
	}
	return out;
}

/* "\u" and what follows, a second half of a surrogate pair included; *next is after the "u". */
static HmlStatus
decode_unicode(const Parser *parser, const char **next, char **out)
{
	const char *escape = *next - 2;
	int code = hex4(*next, parser->end);
	int low;

	if (code < 0)
		return refuse(parser, escape, "\"\\u\" must be followed by four hexadecimal digits");
	if (code == 0)
		return refuse(parser, escape, "\\u0000 cannot be part of a text");
	*next += 4;
	if (code < 0xd800 || code > 0xdfff)
	{
		*out = put_utf8(*out, (uint32_t) code);
		return HML_OK;
	}
	low = parser->end - *next >= 6 && (*next)[0] == '\\' && (*next)[1] == 'u' ? hex4(*next + 2, parser->end)
																			  : -1;
	if (code > 0xdbff || low < 0xdc00 || low > 0xdfff)
		return refuse(parser, escape, "half of a surrogate pair");
	*next += 6;
	*out = put_utf8(*out, 0x10000 + (((uint32_t) code - 0xd800) << 10) + ((uint32_t) low - 0xdc00));
	return HML_OK;
}

/* One escape; *next is at the backslash. */
static HmlStatus
decode_escape(const Parser *parser, const char **next, char **out)
{
	static const char letters[] = "\"\\/bfnrt";
	static const char meanings[] = "\"\\/\b\f\n\r\t";
	char letter = (*next)[1];
	const char *known;

	*next += 2;
	if (letter == 'u')
		return decode_unicode(parser, next, out);
	known = letter != '\0' ? strchr(letters, letter) : NULL;
	if (known == NULL)
		return refuse(parser, *next - 2, "unknown escape in a string");
	*(*out)++ = meanings[known - letters];
	return HML_OK;
}

/*
 * Find the closing quote of the string that starts at parser->next, checking
 * bytes on the way; *escaped says whether there is something to decode.
 */
static HmlStatus
scan_string(Parser *parser, const char **closing, bool *escaped)
{
	const char *next = parser->next;
	const char *poll_at = parser->end - next > (ptrdiff_t) POLL_BYTES ? next + POLL_BYTES : parser->end;

	*escaped = false;
	while (next < parser->end && *next != '"')
	{
		unsigned char c = (unsigned char) *next;
		int length = c < 0x80 ? 1 : hml_utf8_length(next, parser->end);

		if (c < 0x20)
			return refuse(parser, next, "control character 0x%02x in a string", c);
		if (length == 0)
			return refuse(parser, next, "invalid UTF-8, byte 0x%02x", c);
		if (c == '\\')
		{
			*escaped = true;
			length = 2;
		}
		if (length > parser->end - next)
			break;
		next += length;
		if (next >= poll_at && next < parser->end)
		{
			HML_TRY(hml_poll(parser->ctx));
			poll_at = parser->end - next > (ptrdiff_t) POLL_BYTES ? next + POLL_BYTES : parser->end;
		}
	}
	if (next >= parser->end || *next != '"')
		return refuse(parser, parser->next - 1, "string without an end");
	*closing = next;
	return HML_OK;
}

/* The string after an opening quote. */
static HmlStatus
parse_string(Parser *parser, const char **string, size_t *length)
{
	const char *closing = NULL;
	bool escaped = false;
	char *text;
	char *out;

	HML_TRY(scan_string(parser, &closing, &escaped));
	HML_TRY(hml_arena_strdup(parser->arena, parser->next, (size_t) (closing - parser->next), &text));
	out = text + (closing - parser->next);
	if (escaped)
	{
		out = text;
		for (const char *next = parser->next; next < closing;)
		{
			if (*next == '\\')
				HML_TRY(decode_escape(parser, &next, &out));
			else
				*out++ = *next++;
		}
		*out = '\0';
	}
	parser->next = closing + 1;
	*string = text;
	*length = (size_t) (out - text);
	return HML_OK;
}

static HmlStatus
parse_number(Parser *parser, HmlJson *out)
{
	size_t taken = hml_number_parse(parser->next, (size_t) (parser->end - parser->next), &out->number);

	if (taken == 0)
		return refuse_next(parser, "a value");
	if (!isfinite(out->number))
		return refuse(parser, parser->next, "number out of the range of float64");
	out->type = HML_JSON_NUMBER;
	parser->next += taken;
	return HML_OK;
}

static HmlStatus
parse_word(Parser *parser, const char *word, HmlJsonType type, double number, HmlJson *out)
{
	size_t length = strlen(word);

	if ((size_t) (parser->end - parser->next) < length || memcmp(parser->next, word, length) != 0)
		return refuse_next(parser, "a value");
	parser->next += length;
	out->type = type;
	out->number = number;
	return HML_OK;
}

static HmlStatus
push(Parser *parser, const HmlJson *item)
{
	if (parser->n_pending == parser->allocated)
	{
		size_t wanted = parser->allocated == 0 ? FIRST_PENDING : parser->allocated * 2;

		HML_TRY(HML_RENEW(parser->ctx, &parser->pending, wanted));
		parser->allocated = wanted;
	}
	parser->pending[parser->n_pending++] = *item;
	if (++parser->values < POLL_VALUES)
		return HML_OK;
	parser->values = 0;
	return hml_poll(parser->ctx);
}

/* A key that two members share, NULL where there is none. */
static HmlStatus
find_duplicate(HmlContext *ctx, const HmlJson *items, size_t n, const char **duplicate)
{
	const char **keys = NULL;

	*duplicate = NULL;
	if (n <= SMALL_OBJECT)
	{
		for (size_t i = 1; i < n; i++)
			for (size_t j = 0; j < i; j++)
				if (strcmp(items[i].key, items[j].key) == 0)
					*duplicate = items[i].key;
		return HML_OK;
	}
	HML_TRY(HML_NEW(ctx, &keys, n));
	for (size_t i = 0; i < n; i++)
		keys[i] = items[i].key;
	hml_sort_texts(keys, n);
	for (size_t i = 1; i < n; i++)
		if (strcmp(keys[i - 1], keys[i]) == 0)
			*duplicate = keys[i];
	hml_free(ctx, keys);
	return HML_OK;
}

/* The items since 'first' become those of the container that starts at 'where'. */
static HmlStatus
close_container(Parser *parser, size_t first, const char *where, HmlJsonType type, HmlJson *out)
{
	const char *duplicate;
	HmlJson *items;

	out->type = type;
	out->count = parser->n_pending - first;
	if (out->count == 0)
		return HML_OK;
	HML_TRY(HML_ARENA_NEW(parser->arena, &items, out->count));
	memcpy(items, parser->pending + first, out->count * sizeof(*items));
	out->items = items;
	parser->n_pending = first;
	if (type == HML_JSON_ARRAY)
		return HML_OK;
	HML_TRY(find_duplicate(parser->ctx, items, out->count, &duplicate));
	if (duplicate != NULL)
		return refuse(parser, where, "object with two members \"%.*s\"", hml_utf8_clip(duplicate, 64),
					  duplicate);
	return HML_OK;
}

static HmlStatus
parse_array(Parser *parser, int depth, HmlJson *out)
{
	const char *where = parser->next - 1;
	size_t first = parser->n_pending;

	if (take(parser, ']'))
		return close_container(parser, first, where, HML_JSON_ARRAY, out);
	do
	{
		HmlJson item = {0};

		HML_TRY(parse_value(parser, depth + 1, &item));
		HML_TRY(push(parser, &item));
	} while (take(parser, ','));
	if (!take(parser, ']'))
		return refuse_next(parser, "\",\" or \"]\"");
	return close_container(parser, first, where, HML_JSON_ARRAY, out);
}

static HmlStatus
parse_object(Parser *parser, int depth, HmlJson *out)
{
	const char *where = parser->next - 1;
	size_t first = parser->n_pending;

	if (take(parser, '}'))
		return close_container(parser, first, where, HML_JSON_OBJECT, out);
	do
	{
		HmlJson item = {0};
		size_t key_length;

		if (!take(parser, '"'))
			return refuse_next(parser, "a key in quotes");
		HML_TRY(parse_string(parser, &item.key, &key_length));
		if (!take(parser, ':'))
			return refuse_next(parser, "\":\" after a key");
		HML_TRY(parse_value(parser, depth + 1, &item));
		HML_TRY(push(parser, &item));
	} while (take(parser, ','));
	if (!take(parser, '}'))
		return refuse_next(parser, "\",\" or \"}\"");
	return close_container(parser, first, where, HML_JSON_OBJECT, out);
}

/* 'depth' containers are open. */
static HmlStatus
parse_value(Parser *parser, int depth, HmlJson *out)
{
	skip_space(parser);
	if (parser->next == parser->end)
		return refuse_next(parser, "a value");
	if (depth == HML_JSON_MAX_DEPTH && (*parser->next == '{' || *parser->next == '['))
		return refuse(parser, parser->next, "nested deeper than %d levels", HML_JSON_MAX_DEPTH);
	switch (*parser->next)
	{
		case '{':
			parser->next++;
			return parse_object(parser, depth, out);
		case '[':
			parser->next++;
			return parse_array(parser, depth, out);
		case '"':
			parser->next++;
			out->type = HML_JSON_STRING;
			return parse_string(parser, &out->string, &out->length);
		case 't':
			return parse_word(parser, "true", HML_JSON_BOOL, 1.0, out);
		case 'f':
			return parse_word(parser, "false", HML_JSON_BOOL, 0.0, out);
		case 'n':
			return parse_word(parser, "null", HML_JSON_NULL, 0.0, out);
		default:
			return parse_number(parser, out);
	}
}

static HmlStatus
parse_document(Parser *parser, HmlJson *root)
{
	HML_TRY(hml_poll(parser->ctx));
	HML_TRY(parse_value(parser, 0, root));
	skip_space(parser);
	if (parser->next != parser->end)
		return refuse_next(parser, "the end of the document");
	return HML_OK;
}

HmlStatus
hml_json_parse(HmlArena *arena, const char *text, size_t length, const HmlJson **out)
{
	Parser parser = {
		.arena = arena, .ctx = hml_arena_context(arena), .start = text, .next = text, .end = text + length};
	HmlJson *root;
	HmlStatus status;

	*out = NULL;
	HML_TRY(HML_ARENA_NEW_ZERO(arena, &root, 1));
	status = parse_document(&parser, root);
	hml_free(parser.ctx, parser.pending);
	if (status == HML_OK)
		*out = root;
	return status;
}

const HmlJson *
hml_json_get(const HmlJson *object, const char *key)
{
	if (object == NULL || object->type != HML_JSON_OBJECT)
		return NULL;
	for (size_t i = 0; i < object->count; i++)
		if (strcmp(object->items[i].key, key) == 0)
			return &object->items[i];
	return NULL;
}

const char *
hml_json_type_name(HmlJsonType type)
{
	static const char *const names[] = {"null", "boolean", "number", "string", "array", "object"};

	return names[type];
}

static void
write_items(const HmlJson *json, HmlText *text)
{
	for (size_t i = 0; i < json->count; i++)
	{
		if (i > 0)
			hml_text_add(text, ", ");
		if (json->type == HML_JSON_OBJECT)
		{
			hml_text_add_json_string(text, json->items[i].key);
			hml_text_add(text, ": ");
		}
		hml_json_write(&json->items[i], text);
	}
}

void
hml_json_write(const HmlJson *json, HmlText *text)
{
	switch (json->type)
	{
		case HML_JSON_NULL:
			hml_text_add(text, "null");
			break;
		case HML_JSON_BOOL:
			hml_text_add(text, json->number != 0.0 ? "true" : "false");
			break;
		case HML_JSON_NUMBER:
			hml_text_add_json_number(text, json->number);
			break;
		case HML_JSON_STRING:
			hml_text_add_json_string(text, json->string);
			break;
		case HML_JSON_ARRAY:
			hml_text_add(text, "[");
			write_items(json, text);
			hml_text_add(text, "]");
			break;
		case HML_JSON_OBJECT:
			hml_text_add(text, "{");
			write_items(json, text);
			hml_text_add(text, "}");
			break;
	}
}
