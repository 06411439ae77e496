/*
 * fuzz_json.c
 *	  The JSON reader against hostile text.
 */
#include "fuzz/support.h"

#include <string.h>

#include "core/base/json.h"

/* Touch everything that the parser says is there. */
static size_t
weigh(const HmlJson *value, int depth)
{
	size_t weight = 1;

	fuzz_assert(depth <= HML_JSON_MAX_DEPTH);
	if (value->key != NULL)
		weight += strlen(value->key);
	if (value->type == HML_JSON_STRING)
		weight += strlen(value->string) + value->length;
	for (size_t i = 0; i < value->count; i++)
	{
		if (value->type == HML_JSON_OBJECT)
			fuzz_assert(hml_json_get(value, value->items[i].key) == &value->items[i]);
		weight += weigh(&value->items[i], depth + 1);
	}
	return weight;
}

static bool
equal(const HmlJson *a, const HmlJson *b)
{
	if (a->type != b->type || a->number != b->number || a->length != b->length || a->count != b->count)
		return false;
	if ((a->key != NULL) != (b->key != NULL) || (a->key != NULL && strcmp(a->key, b->key) != 0))
		return false;
	if (a->type == HML_JSON_STRING && strcmp(a->string, b->string) != 0)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!equal(&a->items[i], &b->items[i]))
			return false;
	return true;
}

/* What the writer makes of a document reads back equal. */
static void
write_and_read(HmlContext *ctx, HmlArena *arena, const HmlJson *document)
{
	HmlText text;
	const char *written;
	const HmlJson *again;

	hml_text_init(&text, ctx);
	hml_json_write(document, &text);
	if (hml_text_finish(&text, &written) == HML_OK)
	{
		HmlStatus status = hml_json_parse(arena, written, text.length, &again);

		fuzz_assert(status == HML_MEMORY_LIMIT || (status == HML_OK && equal(document, again)));
	}
	hml_text_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HmlContext ctx;
	HmlArena *arena;
	const HmlJson *document;

	fuzz_context_init(&ctx);
	if (hml_arena_create(&ctx, &arena) == HML_OK)
	{
		if (hml_json_parse(arena, (const char *) data, size, &document) == HML_OK)
		{
			fuzz_assert(weigh(document, 0) > 0);
			write_and_read(&ctx, arena, document);
		}
		else
			fuzz_assert(ctx.message[0] != '\0');
		hml_arena_free(arena);
	}
	fuzz_context_finish(&ctx);
	return 0;
}
