/*
 * arena.c
 *	  Chunked bump allocation on top of hml_alloc().
 *
 * A request larger than a quarter of a chunk gets a chunk of its own, so that
 * little is wasted at the end of one.
 */
#include "core/base/arena.h"

#include <string.h>

#include "core/base/checked.h"

typedef struct Chunk
{
	struct Chunk *next;
	char *free;
	size_t left;
} Chunk;

struct HmlArena
{
	HmlContext *ctx;
	Chunk *chunks; /* the first one is being filled */
};

#define CHUNK_SIZE ((size_t) 32 * 1024)
#define CHUNK_HEADER HML_ALIGNMENT
#define SMALL_ALIGNMENT 16

_Static_assert(sizeof(Chunk) <= CHUNK_HEADER, "chunk header must fit in front of its blocks");

HmlStatus
hml_arena_create(HmlContext *ctx, HmlArena **out)
{
	HML_TRY(HML_NEW_ZERO(ctx, out, 1));
	(*out)->ctx = ctx;
	return HML_OK;
}

void
hml_arena_free(HmlArena *arena)
{
	Chunk *chunk;

	if (arena == NULL)
		return;
	while ((chunk = arena->chunks) != NULL)
	{
		arena->chunks = chunk->next;
		hml_free(arena->ctx, chunk);
	}
	hml_free(arena->ctx, arena);
}

HmlContext *
hml_arena_context(const HmlArena *arena)
{
	return arena->ctx;
}

/* A chunk of its own for one block goes after the one that is being filled. */
static HmlStatus
add_chunk(HmlArena *arena, size_t size, bool own, Chunk **out)
{
	Chunk **link = own && arena->chunks != NULL ? &arena->chunks->next : &arena->chunks;
	Chunk *chunk;
	size_t gross;

	if (!hml_size_add(size, CHUNK_HEADER, &gross))
		return hml_fail(arena->ctx, HML_LIMIT, "a block of %zu bytes does not fit in memory", size);
	HML_TRY(hml_alloc(arena->ctx, 1, gross, (void **) &chunk));
	chunk->next = *link;
	chunk->free = (char *) chunk + CHUNK_HEADER;
	chunk->left = size;
	*link = chunk;
	*out = chunk;
	return HML_OK;
}

/* Numeric arrays start on a cache line; small things need not. */
static size_t
padding_for(const Chunk *chunk, size_t bytes)
{
	size_t alignment = bytes >= HML_ALIGNMENT ? HML_ALIGNMENT : SMALL_ALIGNMENT;

	return (alignment - (uintptr_t) chunk->free % alignment) % alignment;
}

HmlStatus
hml_arena_alloc(HmlArena *arena, size_t count, size_t size, void **out)
{
	Chunk *chunk = arena->chunks;
	size_t bytes;
	size_t padding;

	*out = NULL;
	if (!hml_size_mul(count, size, &bytes))
		return hml_fail(arena->ctx, HML_LIMIT, "%zu items of %zu bytes do not fit in memory", count, size);

	padding = chunk == NULL ? 0 : padding_for(chunk, bytes);
	if (chunk == NULL || chunk->left < padding || chunk->left - padding < bytes)
	{
		bool own = bytes > CHUNK_SIZE / 4;

		HML_TRY(add_chunk(arena, own ? bytes : CHUNK_SIZE, own, &chunk));
		padding = 0;
	}
	*out = chunk->free + padding;
	chunk->free += padding + bytes;
	chunk->left -= padding + bytes;
	return HML_OK;
}

HmlStatus
hml_arena_alloc_zero(HmlArena *arena, size_t count, size_t size, void **out)
{
	HML_TRY(hml_arena_alloc(arena, count, size, out));
	memset(*out, 0, count * size);
	return HML_OK;
}

/* A NUL-terminated copy of 'length' bytes. */
HmlStatus
hml_arena_strdup(HmlArena *arena, const char *text, size_t length, char **out)
{
	HML_TRY(hml_arena_alloc(arena, 1, length + 1, (void **) out));
	memcpy(*out, text, length);
	(*out)[length] = '\0';
	return HML_OK;
}
