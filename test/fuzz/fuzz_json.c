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
			fuzz_assert(weigh(document, 0) > 0);
		else
			fuzz_assert(ctx.message[0] != '\0');
		hml_arena_free(arena);
	}
	fuzz_context_finish(&ctx);
	return 0;
}
