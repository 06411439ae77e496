/*
 * arena.h
 *	  Many small blocks that are freed together.
 *
 * A model, a graph or a parsed document lives in one arena; freeing the arena
 * frees it, also half-built.  Blocks of HML_ALIGNMENT bytes or more are aligned
 * to that, smaller ones to 16.  An arena keeps the context that it was made
 * with and must be freed, or adopted by another one, before that ends.
 */
#ifndef HML_BASE_ARENA_H
#define HML_BASE_ARENA_H

#include "core/base/context.h"

typedef struct HmlArena HmlArena;

extern HmlStatus hml_arena_create(HmlContext *ctx, HmlArena **out) HML_NODISCARD;
extern void hml_arena_free(HmlArena *arena); /* NULL is allowed */
extern HmlContext *hml_arena_context(const HmlArena *arena);

extern HmlStatus hml_arena_alloc(HmlArena *arena, size_t count, size_t size, void **out) HML_NODISCARD;
extern HmlStatus hml_arena_alloc_zero(HmlArena *arena, size_t count, size_t size, void **out) HML_NODISCARD;
extern HmlStatus hml_arena_strdup(HmlArena *arena, const char *text, size_t length, char **out) HML_NODISCARD;

#define HML_ARENA_NEW(arena, pp, n) hml_arena_alloc((arena), (n), sizeof(**(pp)), (void **) (pp))
#define HML_ARENA_NEW_ZERO(arena, pp, n) hml_arena_alloc_zero((arena), (n), sizeof(**(pp)), (void **) (pp))

#endif /* HML_BASE_ARENA_H */
