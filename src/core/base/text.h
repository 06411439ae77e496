/*
 * text.h
 *	  A growing text: messages, JSON, SVG and narratives are written with it.
 *
 * Like HmlWriter, a failed append makes the later ones do nothing and
 * hml_text_finish() returns the failure.  The text is UTF-8 and always
 * NUL-terminated; hml_text_finish() gives it to the caller, who frees the
 * whole with hml_text_free().
 */
#ifndef HML_BASE_TEXT_H
#define HML_BASE_TEXT_H

#include "core/base/context.h"

typedef struct HmlText
{
	HmlContext *ctx;
	char *data;
	size_t length;
	size_t capacity;
	HmlStatus status;
} HmlText;

extern void hml_text_init(HmlText *text, HmlContext *ctx);
extern void hml_text_free(HmlText *text);
extern HmlStatus hml_text_finish(HmlText *text, const char **out) HML_NODISCARD;
extern void hml_text_add(HmlText *text, const char *string);
extern void hml_text_add_bytes(HmlText *text, const char *bytes, size_t length);
extern void hml_text_addf(HmlText *text, const char *fmt, ...) HML_PRINTF(2, 3);

/*
 * Numbers with a point in every locale, which "%g" is not: the shortest form
 * that reads back equal ("NaN" and "Infinity" as they are), and one with
 * exactly 'decimals' digits after the point.
 */
extern void hml_text_add_number(HmlText *text, double number);
extern void hml_text_add_fixed(HmlText *text, double number, int decimals);

/* A JSON string with its quotes, escaped; a number that JSON can hold ("null" for NaN and infinity). */
extern void hml_text_add_json_string(HmlText *text, const char *string);
extern void hml_text_add_json_number(HmlText *text, double number);

/* Text for XML content and attributes: & < > " ' escaped. */
extern void hml_text_add_xml(HmlText *text, const char *string);

/* The most bytes of 'text', at most 'limit', that do not cut a character in two: for "%.*s". */
extern int hml_utf8_clip(const char *text, int limit);

/* Bytes of the well-formed character at 'text' (Unicode 15, table 3-7), which is before 'end'; 0 where there is none. */
extern int hml_utf8_length(const char *text, const char *end);

#endif /* HML_BASE_TEXT_H */
