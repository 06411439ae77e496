/*
 * placement.c
 *	  Placement of buffers by size.  Quadratic in their number, which is that of
 *	  the layers.
 */
#include "core/nn/plan/placement.h"

#include "core/base/checked.h"

static bool
is_alive_with(const HmlBuffer *a, const HmlBuffer *b)
{
	return a->begin <= b->end && b->begin <= a->end;
}

static HmlStatus
too_large(HmlContext *ctx)
{
	return hml_fail(ctx, HML_LIMIT, "the buffers of the network do not fit in memory");
}

static HmlStatus
round_up_sizes(HmlContext *ctx, HmlBuffer *buffers, size_t count)
{
	for (size_t i = 0; i < count; i++)
	{
		if (!hml_size_add(buffers[i].size, HML_ALIGNMENT - 1, &buffers[i].size))
			return too_large(ctx);
		buffers[i].size -= buffers[i].size % HML_ALIGNMENT;
	}
	return HML_OK;
}

/* Insertion sort, stable: larger buffers first. */
static void
sort_by_size(const HmlBuffer *buffers, size_t *order, size_t count)
{
	for (size_t i = 0; i < count; i++)
	{
		size_t k = i;

		for (; k > 0 && buffers[order[k - 1]].size < buffers[i].size; k--)
			order[k] = order[k - 1];
		order[k] = i;
	}
}

/* 'placed' holds the numbers of the buffers that have an offset, in ascending order of it. */
static size_t
lowest_gap(const HmlBuffer *buffers, const size_t *placed, size_t n_placed, const HmlBuffer *buffer)
{
	size_t offset = 0;

	for (size_t i = 0; i < n_placed; i++)
	{
		const HmlBuffer *other = &buffers[placed[i]];

		if (!is_alive_with(other, buffer))
			continue;
		if (other->offset >= offset && other->offset - offset >= buffer->size)
			break;
		if (other->offset + other->size > offset)
			offset = other->offset + other->size;
	}
	return offset;
}

static void
insert_by_offset(const HmlBuffer *buffers, size_t *placed, size_t n_placed, size_t number)
{
	size_t k = n_placed;

	for (; k > 0 && buffers[placed[k - 1]].offset > buffers[number].offset; k--)
		placed[k] = placed[k - 1];
	placed[k] = number;
}

HmlStatus
hml_place_buffers(HmlContext *ctx, HmlBuffer *buffers, size_t count, size_t *total)
{
	HmlStatus status = HML_OK;
	size_t *order; /* two halves: numbers by size, and numbers placed so far by offset */
	size_t *placed;

	*total = 0;
	HML_TRY(round_up_sizes(ctx, buffers, count));
	HML_TRY(HML_NEW(ctx, &order, 2 * count));
	placed = order + count;
	sort_by_size(buffers, order, count);
	for (size_t i = 0; i < count && status == HML_OK; i++)
	{
		HmlBuffer *buffer = &buffers[order[i]];
		size_t end;

		buffer->offset = lowest_gap(buffers, placed, i, buffer);
		if (!hml_size_add(buffer->offset, buffer->size, &end))
			status = too_large(ctx);
		else if (end > *total)
			*total = end;
		insert_by_offset(buffers, placed, i, order[i]);
	}
	hml_free(ctx, order);
	return status;
}
