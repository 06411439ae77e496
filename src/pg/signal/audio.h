/*
 * audio.h
 *	  Recordings in bytea values.
 */
#ifndef HEALTHML_AUDIO_H
#define HEALTHML_AUDIO_H

#include "pg/server/compat.h"

#include "utils/array.h"

#include "core/signal/audio/audio.h"

/*
 * Decode the file in a bytea datum, toasted or not.  healthml.max_audio_seconds
 * limits its length, and the memory limit of 'ctx' the file (where it has to be
 * unpacked) and its samples together.  Failures are those of hml_audio_decode()
 * and HML_MEMORY_LIMIT; on success *out is freed by hml_audio_free() or with the
 * memory of 'ctx'.
 */
extern HmlStatus healthml_decode_audio(HmlContext *ctx, Datum recording, HmlAudio *out) HML_NODISCARD;

/* A real[] of the given numbers, at most 1 GB, in so many dimensions; its memory counts for 'ctx'. */
extern ArrayType *healthml_tensor(HmlContext *ctx, const float *numbers, int n_dimensions,
								  const size_t *dimensions);

/* The same of rows and columns. */
extern ArrayType *healthml_matrix(HmlContext *ctx, const float *numbers, size_t rows, size_t columns);

#endif /* HEALTHML_AUDIO_H */
