/*
 * document.c
 *	  jsonb values as JSON documents of libhml, and back.
 */
#include "document.h"

#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/fmgrprotos.h"

#include "errors.h"

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
