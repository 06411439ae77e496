/*
 * placement.h
 *	  Buffers in one block of memory, overlapping where their lives do not.
 */
#ifndef HML_NN_PLAN_PLACEMENT_H
#define HML_NN_PLAN_PLACEMENT_H

#include "core/base/context.h"

typedef struct HmlBuffer
{
	size_t size;   /* bytes */
	size_t begin;  /* first moment at which it is in use, in any unit of time */
	size_t end;    /* last one, inclusive */
	size_t offset; /* out: a multiple of HML_ALIGNMENT */
} HmlBuffer;

/*
 * Give each buffer its offset and return the size of the block that holds them
 * all: largest first, each into the lowest gap that is free for the whole of its
 * life (Y. Pisarchyk and J. Lee, Efficient memory management for deep neural net
 * inference, 2020).
 */
extern HmlStatus hml_place_buffers(HmlContext *ctx, HmlBuffer *buffers, size_t count,
								   size_t *total) HML_NODISCARD;

#endif /* HML_NN_PLAN_PLACEMENT_H */
