/*
 * tensors.c
 *	  Tensors in chunks of memory, then in the host's temporary storage.
 *
 * Nothing is buffered on the way to the storage: a tensor is written where it
 * belongs, so that a reservoir sample can replace any of them.
 */
#include "core/data/tensors.h"

#include <string.h>

#define CHUNK_BYTES ((size_t) 1 << 20)
#define FIRST_LENGTHS 1024

struct HmlTensors
{
	HmlContext *ctx;
	size_t size;      /* numbers of a tensor */
	size_t n;         /* tensors */
	size_t max_held;  /* of them in memory */
	size_t per_chunk; /* tensors of a chunk */
	size_t n_chunks;
	float **chunks; /* (n_chunks) */
	size_t n_lengths;
	uint32_t *lengths; /* (n_lengths), the first n are set */
	void *spool;       /* NULL = not opened yet */
};

static size_t
tensor_bytes(const HmlTensors *tensors)
{
	return tensors->size * sizeof(float);
}

HmlStatus
hml_tensors_create(HmlContext *ctx, size_t size, size_t max_bytes, HmlTensors **out)
{
	*out = NULL;
	if (size == 0 || size > HML_MAX_TENSOR_BYTES / sizeof(float))
		return hml_fail(ctx, HML_LIMIT, "a sample of %zu numbers is beyond the limit of %zu", size,
						HML_MAX_TENSOR_BYTES / sizeof(float));
	HML_TRY(HML_NEW_ZERO(ctx, out, 1));
	(*out)->ctx = ctx;
	(*out)->size = size;
	(*out)->per_chunk = CHUNK_BYTES / tensor_bytes(*out);
	if ((*out)->per_chunk == 0)
		(*out)->per_chunk = 1;
	(*out)->max_held = max_bytes / tensor_bytes(*out);
	return HML_OK;
}

void
hml_tensors_free(HmlTensors *tensors)
{
	if (tensors == NULL)
		return;
	if (tensors->spool != NULL)
		tensors->ctx->host.spool->close(tensors->ctx->host.user, tensors->spool);
	for (size_t i = 0; i < tensors->n_chunks; i++)
		hml_free(tensors->ctx, tensors->chunks[i]);
	hml_free(tensors->ctx, tensors->chunks);
	hml_free(tensors->ctx, tensors->lengths);
	hml_free(tensors->ctx, tensors);
}

size_t
hml_tensors_capacity(const HmlTensors *tensors)
{
	return tensors->ctx->host.spool != NULL ? SIZE_MAX : tensors->max_held;
}

static float *
held(const HmlTensors *tensors, size_t at)
{
	return tensors->chunks[at / tensors->per_chunk] + at % tensors->per_chunk * tensors->size;
}

static uint64_t
place_of(const HmlTensors *tensors, size_t at)
{
	return (uint64_t) (at - tensors->max_held) * tensor_bytes(tensors);
}

/* Room for the length of one more tensor, and for itself where it is to lie in memory. */
static HmlStatus
make_room(HmlTensors *tensors)
{
	if (tensors->n == tensors->n_lengths)
	{
		size_t wanted = tensors->n_lengths == 0 ? FIRST_LENGTHS : 2 * tensors->n_lengths;

		HML_TRY(HML_RENEW(tensors->ctx, &tensors->lengths, wanted));
		tensors->n_lengths = wanted;
	}
	if (tensors->n >= tensors->max_held || tensors->n < tensors->n_chunks * tensors->per_chunk)
		return HML_OK;
	HML_TRY(HML_RENEW(tensors->ctx, &tensors->chunks, tensors->n_chunks + 1));
	HML_TRY(hml_alloc(tensors->ctx, tensors->per_chunk, tensor_bytes(tensors),
					  (void **) &tensors->chunks[tensors->n_chunks]));
	tensors->n_chunks++;
	return HML_OK;
}

static HmlStatus
write_out(HmlTensors *tensors, size_t at, const float *tensor)
{
	HmlContext *ctx = tensors->ctx;

	if (ctx->host.spool == NULL)
		return hml_fail(ctx, HML_MEMORY_LIMIT, "more than %zu samples of %zu bytes do not fit in memory",
						tensors->max_held, tensor_bytes(tensors));
	if (tensors->spool == NULL)
		HML_TRY(ctx->host.spool->open(ctx->host.user, ctx, &tensors->spool));
	return ctx->host.spool->write(ctx->host.user, ctx, tensors->spool, place_of(tensors, at), tensor,
								  tensor_bytes(tensors));
}

HmlStatus
hml_tensors_put(HmlTensors *tensors, size_t at, const float *tensor, uint32_t length)
{
	HML_TRY(hml_poll(tensors->ctx));
	if (at == tensors->n)
		HML_TRY(make_room(tensors));
	if (at < tensors->max_held)
		memcpy(held(tensors, at), tensor, tensor_bytes(tensors));
	else
		HML_TRY(write_out(tensors, at, tensor));
	tensors->lengths[at] = length;
	if (at == tensors->n)
		tensors->n++;
	return HML_OK;
}

HmlStatus
hml_tensors_get(const HmlTensors *tensors, size_t at, float *out, uint32_t *length)
{
	HmlContext *ctx = tensors->ctx;

	HML_TRY(hml_poll(ctx));
	*length = tensors->lengths[at];
	if (at >= tensors->max_held)
		return ctx->host.spool->read(ctx->host.user, ctx, tensors->spool, place_of(tensors, at), out,
									 tensor_bytes(tensors));
	memcpy(out, held(tensors, at), tensor_bytes(tensors));
	return HML_OK;
}
