/*
 * bytes.h
 *	  Reading and writing little-endian binary data.
 *
 * The reader believes nothing: every read is checked against the bytes that
 * are there, and a count is checked before anyone allocates for it.  It copies
 * nothing unless its name says so; what it returns points into the caller's bytes.
 */
#ifndef HML_BASE_BYTES_H
#define HML_BASE_BYTES_H

#include "core/base/arena.h"

typedef struct HmlReader
{
	HmlContext *ctx;
	const unsigned char *next;
	const unsigned char *end;
	const char *what; /* for messages: "artifact", "section \"FRST\"" */
} HmlReader;

extern void hml_reader_init(HmlReader *reader, HmlContext *ctx, const void *data, size_t length,
							const char *what);
extern size_t hml_reader_left(const HmlReader *reader);
extern HmlStatus hml_read_end(HmlReader *reader) HML_NODISCARD; /* error when bytes are left over */
extern HmlStatus hml_read_u8(HmlReader *reader, uint8_t *out) HML_NODISCARD;
extern HmlStatus hml_read_u16(HmlReader *reader, uint16_t *out) HML_NODISCARD;
extern HmlStatus hml_read_u32(HmlReader *reader, uint32_t *out) HML_NODISCARD;
extern HmlStatus hml_read_u64(HmlReader *reader, uint64_t *out) HML_NODISCARD;
extern HmlStatus hml_read_f32(HmlReader *reader, float *out) HML_NODISCARD;
extern HmlStatus hml_read_f64(HmlReader *reader, double *out) HML_NODISCARD;

/* A u32 count of items that take at least item_size bytes each, 0 to maximum, and that can be there. */
extern HmlStatus hml_read_count(HmlReader *reader, size_t item_size, size_t maximum,
								size_t *out) HML_NODISCARD;
extern HmlStatus hml_read_bytes(HmlReader *reader, size_t length, const unsigned char **out) HML_NODISCARD;
/* A u32 length and that many bytes of UTF-8 without NUL; *text is not NUL-terminated. */
extern HmlStatus hml_read_text(HmlReader *reader, const char **text, size_t *length) HML_NODISCARD;
extern HmlStatus hml_read_text_copy(HmlArena *arena, HmlReader *reader, const char **out) HML_NODISCARD;
/* Arrays of fixed length into memory of the caller. */
extern HmlStatus hml_read_f32_array(HmlReader *reader, float *out, size_t count) HML_NODISCARD;
extern HmlStatus hml_read_f64_array(HmlReader *reader, double *out, size_t count) HML_NODISCARD;

/*
 * The writer grows.  A failed write makes all later ones do nothing; the
 * failure is returned by hml_writer_finish(), so that callers need not check
 * each step.  hml_writer_free() releases the bytes.
 */
typedef struct HmlWriter
{
	HmlContext *ctx;
	unsigned char *data;
	size_t length;
	size_t capacity;
	HmlStatus status;
} HmlWriter;

extern void hml_writer_init(HmlWriter *writer, HmlContext *ctx);
extern void hml_writer_free(HmlWriter *writer);
extern HmlStatus hml_writer_finish(const HmlWriter *writer) HML_NODISCARD;
extern void hml_write_u8(HmlWriter *writer, uint8_t value);
extern void hml_write_u16(HmlWriter *writer, uint16_t value);
extern void hml_write_u32(HmlWriter *writer, uint32_t value);
extern void hml_write_u64(HmlWriter *writer, uint64_t value);
extern void hml_write_f32(HmlWriter *writer, float value);
extern void hml_write_f64(HmlWriter *writer, double value);
extern void hml_write_bytes(HmlWriter *writer, const void *data, size_t length);
extern void hml_write_text(HmlWriter *writer, const char *text, size_t length);
extern void hml_write_f32_array(HmlWriter *writer, const float *values, size_t count);
extern void hml_write_f64_array(HmlWriter *writer, const double *values, size_t count);
/* Replace four bytes written earlier, such as a length that was not known. */
extern void hml_write_u32_at(HmlWriter *writer, size_t position, uint32_t value);

#endif /* HML_BASE_BYTES_H */
