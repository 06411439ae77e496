/*
 * protobuf.c
 *	  Reading and writing the wire format of protocol buffers.
 */
#include "core/nn/onnx/protobuf.h"

#include <string.h>

#define MAX_VARINT_BYTES 10
#define LENGTH_BYTES 5 /* of a message: up to 32 GB */

/* ---- reading ---------------------------------------------------------------------------------------- */

HmlStatus
hml_read_varint(HmlReader *reader, uint64_t *out)
{
	uint64_t value = 0;

	for (int i = 0; i < MAX_VARINT_BYTES; i++)
	{
		uint8_t byte;

		HML_TRY(hml_read_u8(reader, &byte));
		value |= (uint64_t) (byte & 0x7f) << (7 * i);
		if (byte < 0x80)
		{
			*out = value;
			return HML_OK;
		}
	}
	return hml_fail(reader->ctx, HML_CORRUPT, "%s has a number of more than %d bytes", reader->what,
					MAX_VARINT_BYTES);
}

static HmlStatus
read_value(HmlReader *reader, HmlField *field)
{
	uint64_t length = 0;
	uint32_t bits = 0;

	switch (field->wire)
	{
		case HML_WIRE_VARINT:
			return hml_read_varint(reader, &field->value);
		case HML_WIRE_FIXED64:
			return hml_read_u64(reader, &field->value);
		case HML_WIRE_FIXED32:
			HML_TRY(hml_read_u32(reader, &bits));
			field->value = bits;
			return HML_OK;
		case HML_WIRE_BYTES:
			HML_TRY(hml_read_varint(reader, &length));
			if (length > hml_reader_left(reader))
				return hml_fail(reader->ctx, HML_CORRUPT, "%s ends within a field of %llu bytes",
								reader->what, (unsigned long long) length);
			field->length = (size_t) length;
			return hml_read_bytes(reader, field->length, &field->bytes);
	}
	return hml_fail(reader->ctx, HML_CORRUPT, "%s has a field of the unknown wire type %d", reader->what,
					(int) field->wire);
}

HmlStatus
hml_read_field(HmlReader *reader, HmlField *field, bool *more)
{
	uint64_t tag = 0;

	memset(field, 0, sizeof(*field));
	*more = hml_reader_left(reader) > 0;
	if (!*more)
		return HML_OK;
	HML_TRY(hml_read_varint(reader, &tag));
	if (tag >> 3 == 0 || tag >> 3 > UINT32_MAX >> 3)
		return hml_fail(reader->ctx, HML_CORRUPT, "%s has a field with the impossible number %llu",
						reader->what, (unsigned long long) (tag >> 3));
	field->number = (uint32_t) (tag >> 3);
	field->wire = (HmlWire) (tag & 7);
	return read_value(reader, field);
}

/* ---- writing ---------------------------------------------------------------------------------------- */

static void
write_varint(HmlWriter *writer, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		hml_write_u8(writer, (uint8_t) (value | 0x80));
	hml_write_u8(writer, (uint8_t) value);
}

static void
write_tag(HmlWriter *writer, uint32_t number, HmlWire wire)
{
	write_varint(writer, (uint64_t) number << 3 | (uint64_t) wire);
}

void
hml_write_varint_field(HmlWriter *writer, uint32_t number, uint64_t value)
{
	write_tag(writer, number, HML_WIRE_VARINT);
	write_varint(writer, value);
}

void
hml_write_f32_field(HmlWriter *writer, uint32_t number, float value)
{
	write_tag(writer, number, HML_WIRE_FIXED32);
	hml_write_f32(writer, value);
}

static void
write_bytes_field(HmlWriter *writer, uint32_t number, const void *bytes, size_t length)
{
	write_tag(writer, number, HML_WIRE_BYTES);
	write_varint(writer, length);
	hml_write_bytes(writer, bytes, length);
}

void
hml_write_text_field(HmlWriter *writer, uint32_t number, const char *text)
{
	write_bytes_field(writer, number, text, strlen(text));
}

size_t
hml_begin_message(HmlWriter *writer, uint32_t number)
{
	static const unsigned char length[LENGTH_BYTES];

	write_tag(writer, number, HML_WIRE_BYTES);
	hml_write_bytes(writer, length, LENGTH_BYTES);
	return writer->length;
}

void
hml_end_message(HmlWriter *writer, size_t begin)
{
	size_t length = writer->length - begin;

	if (writer->status != HML_OK)
		return;
	for (int i = 0; i < LENGTH_BYTES; i++, length >>= 7)
		writer->data[begin - LENGTH_BYTES + (size_t) i] =
			(unsigned char) ((length & 0x7f) | (i + 1 < LENGTH_BYTES ? 0x80 : 0));
}
