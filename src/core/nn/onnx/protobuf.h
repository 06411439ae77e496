/*
 * protobuf.h
 *	  The wire format of protocol buffers, as much of it as ONNX files use.
 *
 * https://protobuf.dev/programming-guides/encoding/: a message is a sequence of
 * fields, each a number and a value of one of four wire types; a message within a
 * message is a field of bytes.  The reader believes nothing and copies nothing:
 * what it returns points into the caller's bytes.
 */
#ifndef HML_NN_ONNX_PROTOBUF_H
#define HML_NN_ONNX_PROTOBUF_H

#include "core/base/bytes.h"

typedef enum HmlWire
{
	HML_WIRE_VARINT = 0,
	HML_WIRE_FIXED64 = 1,
	HML_WIRE_BYTES = 2,
	HML_WIRE_FIXED32 = 5
} HmlWire;

typedef struct HmlField
{
	uint32_t number;
	HmlWire wire;
	uint64_t value;             /* of a varint, or the bits of a fixed one */
	const unsigned char *bytes; /* of a field of bytes */
	size_t length;
} HmlField;

/*
 * The next field, or *more = false at the end.  HML_CORRUPT for what is cut off or
 * has an unknown wire type; reader->what says in which message.
 */
extern HmlStatus hml_read_field(HmlReader *reader, HmlField *field, bool *more) HML_NODISCARD;

/* A varint without a field round it: the items of a packed array. */
extern HmlStatus hml_read_varint(HmlReader *reader, uint64_t *out) HML_NODISCARD;

extern void hml_write_varint_field(HmlWriter *writer, uint32_t number, uint64_t value);
extern void hml_write_f32_field(HmlWriter *writer, uint32_t number, float value);
extern void hml_write_text_field(HmlWriter *writer, uint32_t number, const char *text);

/*
 * A message within a message: the fields written between begin and end.  Its
 * length is a varint of fixed width, which every reader of the format accepts.
 */
extern size_t hml_begin_message(HmlWriter *writer, uint32_t number);
extern void hml_end_message(HmlWriter *writer, size_t begin);

#endif /* HML_NN_ONNX_PROTOBUF_H */
