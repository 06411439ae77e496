/*
 * tensors.h
 *	  Float32 tensors of one shape, more of them than memory holds.
 *
 * The first ones lie in memory, up to a number of bytes; all others in temporary
 * storage that the host lends (HmlSpool), from which they are read back one by one,
 * in any order.  Memory: chunks of about a megabyte, and the lengths of all.
 * Polls for each tensor that is written or read.
 */
#ifndef HML_DATA_TENSORS_H
#define HML_DATA_TENSORS_H

#include "core/base/context.h"

#define HML_MAX_TENSOR_BYTES ((size_t) 1 << 28)

typedef struct HmlTensors HmlTensors;

/* 'size' numbers each; max_bytes of them are held in memory.  HML_LIMIT beyond HML_MAX_TENSOR_BYTES. */
extern HmlStatus hml_tensors_create(HmlContext *ctx, size_t size, size_t max_bytes,
									HmlTensors **out) HML_NODISCARD;
extern void hml_tensors_free(HmlTensors *tensors); /* NULL is allowed; closes the spool */

/* How many tensors there can be: those that memory holds, unless the host lends storage. */
extern size_t hml_tensors_capacity(const HmlTensors *tensors);

/* Append the tensor when 'at' is the number of tensors, else replace one.  length is any number that goes with it. */
extern HmlStatus hml_tensors_put(HmlTensors *tensors, size_t at, const float *tensor,
								 uint32_t length) HML_NODISCARD;

extern HmlStatus hml_tensors_get(const HmlTensors *tensors, size_t at, float *out,
								 uint32_t *length) HML_NODISCARD;

#endif /* HML_DATA_TENSORS_H */
