/*
 * document.c
 *	  jsonb values as JSON documents of libhml, and back.
 */
#include "pg/server/document.h"

#include "catalog/namespace.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/fmgrprotos.h"

#include "pg/server/errors.h"
#include "pg/server/memory.h"

const char *
healthml_from_utf8(const char *utf8)
{
	return pg_any_to_server(utf8, (int) strlen(utf8), PG_UTF8);
}

const char *
healthml_to_utf8(const char *server)
{
	return pg_server_to_any(server, (int) strlen(server), PG_UTF8);
}

const char *
healthml_readable(const char *utf8)
{
	int encoding = GetDatabaseEncoding();
	Oid conversion;
	StringInfoData readable;
	int length;

	if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII)
		return utf8;
	conversion = FindDefaultConversionProc(PG_UTF8, encoding);
	if (!OidIsValid(conversion))
		return utf8;
	initStringInfo(&readable);
	for (; *utf8 != '\0'; utf8 += length)
	{
		unsigned char character[MAX_MULTIBYTE_CHAR_LEN * MAX_CONVERSION_GROWTH + 1];

		length = pg_utf_mblen((const unsigned char *) utf8);
		if (pg_do_encoding_conversion_buf(conversion, PG_UTF8, encoding, (unsigned char *) utf8, length,
										  character, sizeof(character), true) == length)
			appendStringInfoString(&readable, (const char *) character);
		else
			appendStringInfoChar(&readable, '?');
	}
	return readable.data;
}

const HmlJson *
healthml_document_of_jsonb(HmlArena *arena, Datum jsonb)
{
	const char *json = healthml_to_utf8(DatumGetCString(DirectFunctionCall1(jsonb_out, jsonb)));
	const HmlJson *document;

	healthml_check(hml_arena_context(arena), hml_json_parse(arena, json, strlen(json), &document));
	return document;
}

Datum
healthml_jsonb_of_json(const char *json)
{
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(healthml_from_utf8(json)));
}

Datum
healthml_numbers_document(const char *const *names, const double *numbers, size_t n)
{
	HmlContext ctx;
	HmlText json;
	const char *text;

	healthml_context_init(&ctx, CurrentMemoryContext);
	hml_text_init(&json, &ctx);
	hml_text_add(&json, "{");
	for (size_t i = 0; i < n; i++)
	{
		hml_text_add(&json, i == 0 ? "" : ",");
		hml_text_add_json_string(&json, names[i]);
		hml_text_add(&json, ":");
		hml_text_add_json_number(&json, numbers[i]);
	}
	hml_text_add(&json, "}");
	healthml_check(&ctx, hml_text_finish(&json, &text));
	return healthml_jsonb_of_json(text);
}
