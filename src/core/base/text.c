/*
 * text.c
 *	  A growing text with the escapes of JSON and XML.
 */
#include "core/base/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/checked.h"
#include "core/base/number.h"

#define FIRST_CAPACITY 256

void
hml_text_init(HmlText *text, HmlContext *ctx)
{
	memset(text, 0, sizeof(*text));
	text->ctx = ctx;
}

void
hml_text_free(HmlText *text)
{
	hml_free(text->ctx, text->data);
	text->data = NULL;
	text->length = text->capacity = 0;
}

HmlStatus
hml_text_finish(HmlText *text, const char **out)
{
	*out = text->data != NULL ? text->data : "";
	return text->status;
}

/* Room for 'more' bytes and the NUL after them. */
static bool
reserve(HmlText *text, size_t more)
{
	size_t needed;
	size_t capacity = text->capacity;

	if (text->status != HML_OK)
		return false;
	if (more >= SIZE_MAX / 4 || !hml_size_add(text->length, more + 1, &needed))
	{
		text->status = hml_fail(text->ctx, HML_LIMIT, "a text of %zu bytes does not fit in memory", more);
		return false;
	}
	if (needed <= capacity)
		return true;
	while (capacity < needed)
		capacity = capacity < FIRST_CAPACITY ? FIRST_CAPACITY : capacity * 2;
	text->status = HML_RENEW(text->ctx, &text->data, capacity);
	if (text->status != HML_OK)
		return false;
	text->capacity = capacity;
	return true;
}

void
hml_text_add_bytes(HmlText *text, const char *bytes, size_t length)
{
	if (!reserve(text, length))
		return;
	if (length > 0)
		memcpy(text->data + text->length, bytes, length);
	text->length += length;
	text->data[text->length] = '\0';
}

void
hml_text_add(HmlText *text, const char *string)
{
	hml_text_add_bytes(text, string, strlen(string));
}

void
hml_text_addf(HmlText *text, const char *fmt, ...)
{
	va_list args;
	int length;

	va_start(args, fmt);
	length = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (length < 0)
	{
		if (text->status == HML_OK)
			text->status = hml_fail(text->ctx, HML_INTERNAL, "could not format \"%s\"", fmt);
		return;
	}
	if (!reserve(text, (size_t) length))
		return;
	va_start(args, fmt);
	vsnprintf(text->data + text->length, (size_t) length + 1, fmt, args);
	va_end(args);
	text->length += (size_t) length;
}

void
hml_text_add_number(HmlText *text, double number)
{
	char buffer[HML_NUMBER_SIZE];

	hml_text_add(text, hml_number_format(buffer, number));
}

void
hml_text_add_fixed(HmlText *text, double number, int decimals)
{
	char buffer[HML_FIXED_SIZE];

	hml_text_add(text, hml_number_format_fixed(buffer, number, decimals));
}

void
hml_text_add_json_number(HmlText *text, double number)
{
	if (isfinite(number))
		hml_text_add_number(text, number);
	else
		hml_text_add(text, "null");
}

static void
add_json_escape(HmlText *text, char c)
{
	switch (c)
	{
		case '"':
			hml_text_add(text, "\\\"");
			break;
		case '\\':
			hml_text_add(text, "\\\\");
			break;
		case '\n':
			hml_text_add(text, "\\n");
			break;
		case '\r':
			hml_text_add(text, "\\r");
			break;
		case '\t':
			hml_text_add(text, "\\t");
			break;
		default:
			hml_text_addf(text, "\\u%04x", (unsigned char) c);
			break;
	}
}

void
hml_text_add_json_string(HmlText *text, const char *string)
{
	const char *plain = string;

	hml_text_add(text, "\"");
	for (; *string != '\0'; string++)
	{
		if (*string != '"' && *string != '\\' && (unsigned char) *string >= 0x20)
			continue;
		hml_text_add_bytes(text, plain, (size_t) (string - plain));
		add_json_escape(text, *string);
		plain = string + 1;
	}
	hml_text_add_bytes(text, plain, (size_t) (string - plain));
	hml_text_add(text, "\"");
}

static const char *
xml_entity(char c)
{
	switch (c)
	{
		case '&':
			return "&amp;";
		case '<':
			return "&lt;";
		case '>':
			return "&gt;";
		case '"':
			return "&quot;";
		case '\'':
			return "&#39;";
		default:
			return NULL;
	}
}

void
hml_text_add_xml(HmlText *text, const char *string)
{
	const char *plain = string;

	for (; *string != '\0'; string++)
	{
		const char *entity = xml_entity(*string);

		if (entity == NULL)
			continue;
		hml_text_add_bytes(text, plain, (size_t) (string - plain));
		hml_text_add(text, entity);
		plain = string + 1;
	}
	hml_text_add_bytes(text, plain, (size_t) (string - plain));
}

int
hml_utf8_clip(const char *text, int limit)
{
	int length = 0;

	while (length < limit && text[length] != '\0')
		length++;
	if (text[length] != '\0')
		while (length > 0 && ((unsigned char) text[length] & 0xc0) == 0x80)
			length--;
	return length;
}

int
hml_utf8_length(const char *text, const char *end)
{
	const unsigned char *s = (const unsigned char *) text;
	int length = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	unsigned char low = s[0] == 0xe0 ? 0xa0 : s[0] == 0xf0 ? 0x90 : 0x80;
	unsigned char high = s[0] == 0xed ? 0x9f : s[0] == 0xf4 ? 0x8f : 0xbf;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4 || end - text < length || s[1] < low || s[1] > high)
		return 0;
	for (int i = 2; i < length; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return length;
}
