/*
 * bytes.c
 *	  Little-endian reader and writer.
 *
 * Values are assembled byte by byte, which compilers turn into single loads and
 * stores, so that the format is the same on every machine.
 */
#include "core/base/bytes.h"

#include <string.h>

#include "core/base/checked.h"
#include "core/base/text.h"

void
hml_reader_init(HmlReader *reader, HmlContext *ctx, const void *data, size_t length, const char *what)
{
	reader->ctx = ctx;
	reader->next = data == NULL ? (const void *) "" : data; /* nothing can be added to NULL, not even 0 */
	reader->end = reader->next + length;
	reader->what = what;
}

size_t
hml_reader_left(const HmlReader *reader)
{
	return (size_t) (reader->end - reader->next);
}

static HmlStatus
truncated(HmlReader *reader, size_t wanted)
{
	hml_fail(reader->ctx, HML_CORRUPT, "%s is truncated", reader->what);
	return hml_detail(reader->ctx, "%zu bytes were expected, %zu are left.", wanted, hml_reader_left(reader));
}

HmlStatus
hml_read_end(HmlReader *reader)
{
	if (reader->next != reader->end)
		return hml_fail(reader->ctx, HML_CORRUPT, "%s has %zu bytes too many", reader->what,
						hml_reader_left(reader));
	return HML_OK;
}

HmlStatus
hml_read_bytes(HmlReader *reader, size_t length, const unsigned char **out)
{
	*out = reader->next;
	if (length > hml_reader_left(reader))
		return truncated(reader, length);
	reader->next += length;
	return HML_OK;
}

static HmlStatus
read_uint(HmlReader *reader, size_t width, uint64_t *out)
{
	const unsigned char *bytes;

	HML_TRY(hml_read_bytes(reader, width, &bytes));
	*out = 0;
	for (size_t i = 0; i < width; i++)
		*out |= (uint64_t) bytes[i] << (8 * i);
	return HML_OK;
}

HmlStatus
hml_read_u8(HmlReader *reader, uint8_t *out)
{
	uint64_t value;

	HML_TRY(read_uint(reader, 1, &value));
	*out = (uint8_t) value;
	return HML_OK;
}

HmlStatus
hml_read_u16(HmlReader *reader, uint16_t *out)
{
	uint64_t value;

	HML_TRY(read_uint(reader, 2, &value));
	*out = (uint16_t) value;
	return HML_OK;
}

HmlStatus
hml_read_u32(HmlReader *reader, uint32_t *out)
{
	uint64_t value;

	HML_TRY(read_uint(reader, 4, &value));
	*out = (uint32_t) value;
	return HML_OK;
}

HmlStatus
hml_read_u64(HmlReader *reader, uint64_t *out)
{
	return read_uint(reader, 8, out);
}

HmlStatus
hml_read_f32(HmlReader *reader, float *out)
{
	uint32_t bits;

	HML_TRY(hml_read_u32(reader, &bits));
	memcpy(out, &bits, sizeof(bits));
	return HML_OK;
}

HmlStatus
hml_read_f64(HmlReader *reader, double *out)
{
	uint64_t bits;

	HML_TRY(hml_read_u64(reader, &bits));
	memcpy(out, &bits, sizeof(bits));
	return HML_OK;
}

HmlStatus
hml_read_count(HmlReader *reader, size_t item_size, size_t maximum, size_t *out)
{
	uint32_t count;

	HML_TRY(hml_read_u32(reader, &count));
	if (count > maximum)
		return hml_fail(reader->ctx, HML_CORRUPT, "%s has a count of %u, more than %zu", reader->what, count,
						maximum);
	if (item_size > 0 && count > hml_reader_left(reader) / item_size)
		return truncated(reader, item_size * count);
	*out = count;
	return HML_OK;
}

static HmlStatus
check_utf8(const HmlReader *reader, const char *text, size_t length)
{
	const char *end = text + length;
	int bytes;

	for (const char *next = text; next < end; next += bytes)
	{
		bytes = (unsigned char) *next < 0x80 ? 1 : hml_utf8_length(next, end);
		if (bytes == 0)
			return hml_fail(reader->ctx, HML_CORRUPT, "%s has a text that is not valid UTF-8", reader->what);
	}
	return HML_OK;
}

HmlStatus
hml_read_text(HmlReader *reader, const char **text, size_t *length)
{
	const unsigned char *bytes;

	HML_TRY(hml_read_count(reader, 1, SIZE_MAX, length));
	HML_TRY(hml_read_bytes(reader, *length, &bytes));
	if (*length > 0 && memchr(bytes, '\0', *length) != NULL)
		return hml_fail(reader->ctx, HML_CORRUPT, "%s has a text with a NUL byte", reader->what);
	*text = (const char *) bytes;
	return check_utf8(reader, *text, *length);
}

HmlStatus
hml_read_text_copy(HmlArena *arena, HmlReader *reader, const char **out)
{
	const char *text;
	size_t length;
	char *copy;

	HML_TRY(hml_read_text(reader, &text, &length));
	HML_TRY(hml_arena_strdup(arena, text, length, &copy));
	*out = copy;
	return HML_OK;
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
/* The common case: the bytes are already as the processor wants them. */
#define READ_ARRAY(read_one) \
	const unsigned char *bytes; \
	size_t length; \
	if (!hml_size_mul(count, sizeof(*out), &length)) \
		return truncated(reader, SIZE_MAX); \
	HML_TRY(hml_read_bytes(reader, length, &bytes)); \
	if (length > 0) \
		memcpy(out, bytes, length); \
	return HML_OK
#define WRITE_ARRAY(write_one) hml_write_bytes(writer, values, count * sizeof(*values))
#else
#define READ_ARRAY(read_one) \
	for (size_t i = 0; i < count; i++) \
		HML_TRY(read_one(reader, &out[i])); \
	return HML_OK
#define WRITE_ARRAY(write_one) \
	for (size_t i = 0; i < count; i++) \
	write_one(writer, values[i])
#endif

HmlStatus
hml_read_f32_array(HmlReader *reader, float *out, size_t count)
{
	READ_ARRAY(hml_read_f32);
}

HmlStatus
hml_read_f64_array(HmlReader *reader, double *out, size_t count)
{
	READ_ARRAY(hml_read_f64);
}

void
hml_writer_init(HmlWriter *writer, HmlContext *ctx)
{
	memset(writer, 0, sizeof(*writer));
	writer->ctx = ctx;
}

void
hml_writer_free(HmlWriter *writer)
{
	hml_free(writer->ctx, writer->data);
	writer->data = NULL;
	writer->length = writer->capacity = 0;
}

HmlStatus
hml_writer_finish(const HmlWriter *writer)
{
	return writer->status;
}

static bool
reserve(HmlWriter *writer, size_t more)
{
	size_t needed;
	size_t capacity = writer->capacity;

	if (writer->status != HML_OK)
		return false;
	if (!hml_size_add(writer->length, more, &needed) || needed > SIZE_MAX / 2)
	{
		writer->status = hml_fail(writer->ctx, HML_LIMIT, "%zu bytes do not fit in memory", more);
		return false;
	}
	if (needed <= capacity)
		return true;
	while (capacity < needed)
		capacity = capacity < 1024 ? 1024 : capacity * 2;
	writer->status = HML_RENEW(writer->ctx, &writer->data, capacity);
	if (writer->status != HML_OK)
		return false;
	writer->capacity = capacity;
	return true;
}

void
hml_write_bytes(HmlWriter *writer, const void *data, size_t length)
{
	if (length == 0 || !reserve(writer, length))
		return;
	memcpy(writer->data + writer->length, data, length);
	writer->length += length;
}

static void
write_uint(HmlWriter *writer, uint64_t value, size_t width)
{
	unsigned char bytes[8];

	for (size_t i = 0; i < width; i++)
		bytes[i] = (unsigned char) (value >> (8 * i));
	hml_write_bytes(writer, bytes, width);
}

void
hml_write_u8(HmlWriter *writer, uint8_t value)
{
	write_uint(writer, value, 1);
}

void
hml_write_u16(HmlWriter *writer, uint16_t value)
{
	write_uint(writer, value, 2);
}

void
hml_write_u32(HmlWriter *writer, uint32_t value)
{
	write_uint(writer, value, 4);
}

void
hml_write_u64(HmlWriter *writer, uint64_t value)
{
	write_uint(writer, value, 8);
}

void
hml_write_f32(HmlWriter *writer, float value)
{
	uint32_t bits;

	memcpy(&bits, &value, sizeof(bits));
	hml_write_u32(writer, bits);
}

void
hml_write_f64(HmlWriter *writer, double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	hml_write_u64(writer, bits);
}

void
hml_write_text(HmlWriter *writer, const char *text, size_t length)
{
	if (length > UINT32_MAX)
	{
		if (writer->status == HML_OK)
			writer->status =
				hml_fail(writer->ctx, HML_LIMIT, "a text of %zu bytes is too long to be stored", length);
		return;
	}
	hml_write_u32(writer, (uint32_t) length);
	hml_write_bytes(writer, text, length);
}

void
hml_write_f32_array(HmlWriter *writer, const float *values, size_t count)
{
	WRITE_ARRAY(hml_write_f32);
}

void
hml_write_f64_array(HmlWriter *writer, const double *values, size_t count)
{
	WRITE_ARRAY(hml_write_f64);
}

void
hml_write_u32_at(HmlWriter *writer, size_t position, uint32_t value)
{
	if (writer->status != HML_OK)
		return;
	for (size_t i = 0; i < 4; i++)
		writer->data[position + i] = (unsigned char) (value >> (8 * i));
}
