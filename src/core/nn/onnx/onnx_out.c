/*
 * onnx_out.c
 *	  Writing the parts of an ONNX file.
 */
#include "core/nn/onnx/onnx_out.h"

#include <string.h>

#include "core/nn/onnx/onnx_format.h"
#include "core/nn/onnx/protobuf.h"

/* ---- names ------------------------------------------------------------------------------------------ */

const char *
hml_onnx_name(OnnxOut *out, const char *owner, const char *part)
{
	size_t length = strlen(owner);
	size_t rest = part == NULL ? 0 : strlen(part) + 1;
	char *name;

	if (hml_arena_alloc(out->arena, 1, length + rest + 1, (void **) &name) != HML_OK)
	{
		out->writer->status = out->ctx->status;
		return "";
	}
	memcpy(name, owner, length);
	if (part != NULL)
	{
		name[length] = '/';
		memcpy(name + length + 1, part, rest - 1);
	}
	name[length + rest] = '\0';
	return name;
}

/* ---- nodes ------------------------------------------------------------------------------------------ */

size_t
hml_onnx_begin_node(OnnxOut *out, const char *op, const char *output)
{
	size_t node = hml_begin_message(out->writer, ONNX_GRAPH_NODE);

	hml_write_text_field(out->writer, ONNX_NODE_OP_TYPE, op);
	hml_write_text_field(out->writer, ONNX_NODE_NAME, output);
	hml_write_text_field(out->writer, ONNX_NODE_OUTPUT, output);
	return node;
}

void
hml_onnx_input(OnnxOut *out, const char *name)
{
	hml_write_text_field(out->writer, ONNX_NODE_INPUT, name);
}

void
hml_onnx_output(OnnxOut *out, const char *name)
{
	hml_write_text_field(out->writer, ONNX_NODE_OUTPUT, name);
}

static size_t
begin_attribute(OnnxOut *out, const char *name, uint64_t type)
{
	size_t attribute = hml_begin_message(out->writer, ONNX_NODE_ATTRIBUTE);

	hml_write_text_field(out->writer, ONNX_ATTRIBUTE_NAME, name);
	hml_write_varint_field(out->writer, ONNX_ATTRIBUTE_TYPE, type);
	return attribute;
}

void
hml_onnx_int(OnnxOut *out, const char *name, int64_t value)
{
	size_t attribute = begin_attribute(out, name, ONNX_ATTR_INT);

	hml_write_varint_field(out->writer, ONNX_ATTRIBUTE_I, (uint64_t) value);
	hml_end_message(out->writer, attribute);
}

void
hml_onnx_float(OnnxOut *out, const char *name, double value)
{
	size_t attribute = begin_attribute(out, name, ONNX_ATTR_FLOAT);

	hml_write_f32_field(out->writer, ONNX_ATTRIBUTE_F, (float) value);
	hml_end_message(out->writer, attribute);
}

void
hml_onnx_ints(OnnxOut *out, const char *name, const int64_t *values, size_t count)
{
	size_t attribute = begin_attribute(out, name, ONNX_ATTR_INTS);

	for (size_t i = 0; i < count; i++)
		hml_write_varint_field(out->writer, ONNX_ATTRIBUTE_INTS, (uint64_t) values[i]);
	hml_end_message(out->writer, attribute);
}

void
hml_onnx_string(OnnxOut *out, const char *name, const char *value)
{
	size_t attribute = begin_attribute(out, name, ONNX_ATTR_STRING);

	hml_write_text_field(out->writer, ONNX_ATTRIBUTE_S, value);
	hml_end_message(out->writer, attribute);
}

void
hml_onnx_end_node(OnnxOut *out, size_t node)
{
	hml_end_message(out->writer, node);
}

const char *
hml_onnx_call(OnnxOut *out, const char *owner, const char *part, const char *op, const char *a, const char *b)
{
	const char *output = hml_onnx_name(out, owner, part);
	size_t node = hml_onnx_begin_node(out, op, output);

	hml_onnx_input(out, a);
	if (b != NULL)
		hml_onnx_input(out, b);
	hml_onnx_end_node(out, node);
	return output;
}

const char *
hml_onnx_cast(OnnxOut *out, const char *owner, const char *part, const char *x, int type)
{
	const char *output = hml_onnx_name(out, owner, part);
	size_t node = hml_onnx_begin_node(out, "Cast", output);

	hml_onnx_input(out, x);
	hml_onnx_int(out, "to", type);
	hml_onnx_end_node(out, node);
	return output;
}

/* ---- tensors ---------------------------------------------------------------------------------------- */

static size_t
begin_initializer(OnnxOut *out, const char *name, uint64_t type, const int64_t *dims, size_t n_dims)
{
	size_t tensor = hml_begin_message(out->writer, ONNX_GRAPH_INITIALIZER);

	for (size_t i = 0; i < n_dims; i++)
		hml_write_varint_field(out->writer, ONNX_TENSOR_DIMS, (uint64_t) dims[i]);
	hml_write_varint_field(out->writer, ONNX_TENSOR_DATA_TYPE, type);
	hml_write_text_field(out->writer, ONNX_TENSOR_NAME, name);
	return tensor;
}

/* The values are a message in form: bytes with a length in front that is known at the end. */
typedef struct Raw
{
	size_t tensor;
	size_t raw;
} Raw;

static Raw
begin_raw(OnnxOut *out, const char *name, uint64_t type, const int64_t *dims, size_t n_dims)
{
	Raw raw;

	raw.tensor = begin_initializer(out, name, type, dims, n_dims);
	raw.raw = hml_begin_message(out->writer, ONNX_TENSOR_RAW_DATA);
	return raw;
}

static void
end_raw(OnnxOut *out, Raw raw)
{
	hml_end_message(out->writer, raw.raw);
	hml_end_message(out->writer, raw.tensor);
}

const char *
hml_onnx_f32(OnnxOut *out, const char *name, const int64_t *dims, size_t n_dims, const float *values)
{
	Raw raw = begin_raw(out, name, ONNX_FLOAT, dims, n_dims);
	size_t count = 1;

	for (size_t i = 0; i < n_dims; i++)
		count *= (size_t) dims[i];
	hml_write_f32_array(out->writer, values, count);
	end_raw(out, raw);
	return name;
}

const char *
hml_onnx_f32_rows(OnnxOut *out, const char *name, const int64_t *dims, size_t n_dims, const OnnxRows *rows,
				  size_t n_rows)
{
	Raw raw = begin_raw(out, name, ONNX_FLOAT, dims, n_dims);

	for (size_t i = 0; i < n_rows; i++)
		for (size_t k = 0; k < rows[i].count; k++)
			hml_write_f32(out->writer, rows[i].values[k * rows[i].step]);
	end_raw(out, raw);
	return name;
}

const char *
hml_onnx_f64(OnnxOut *out, const char *name, const double *values, size_t count)
{
	int64_t dims[1] = {(int64_t) count};
	Raw raw = begin_raw(out, name, ONNX_DOUBLE, dims, 1);

	hml_write_f64_array(out->writer, values, count);
	end_raw(out, raw);
	return name;
}

const char *
hml_onnx_f64_matrix(OnnxOut *out, const char *name, const double *values, size_t rows, size_t columns)
{
	int64_t dims[2] = {(int64_t) rows, (int64_t) columns};
	Raw raw = begin_raw(out, name, ONNX_DOUBLE, dims, 2);

	hml_write_f64_array(out->writer, values, rows * columns);
	end_raw(out, raw);
	return name;
}

const char *
hml_onnx_i64(OnnxOut *out, const char *name, const int64_t *values, size_t count)
{
	int64_t dims[1] = {(int64_t) count};
	Raw raw = begin_raw(out, name, ONNX_INT64, dims, 1);

	for (size_t i = 0; i < count; i++)
		hml_write_u64(out->writer, (uint64_t) values[i]);
	end_raw(out, raw);
	return name;
}

const char *
hml_onnx_bool(OnnxOut *out, const char *name, const bool *values, size_t count)
{
	int64_t dims[1] = {(int64_t) count};
	Raw raw = begin_raw(out, name, ONNX_BOOL, dims, 1);

	for (size_t i = 0; i < count; i++)
		hml_write_u8(out->writer, values[i] ? 1 : 0);
	end_raw(out, raw);
	return name;
}

const char *
hml_onnx_scalar(OnnxOut *out, const char *name, float value)
{
	return hml_onnx_f32(out, name, NULL, 0, &value);
}

/* ---- inputs and outputs ----------------------------------------------------------------------------- */

void
hml_onnx_value_info(OnnxOut *out, uint32_t number, const char *name, int element, const size_t *dims,
					size_t n_dims)
{
	HmlWriter *writer = out->writer;
	size_t info = hml_begin_message(writer, number);
	size_t type;
	size_t tensor;
	size_t shape;
	size_t dim;

	hml_write_text_field(writer, ONNX_VALUE_NAME, name);
	type = hml_begin_message(writer, ONNX_VALUE_TYPE);
	tensor = hml_begin_message(writer, ONNX_TYPE_TENSOR);
	hml_write_varint_field(writer, ONNX_TENSOR_TYPE_ELEMENT, (uint64_t) element);
	shape = hml_begin_message(writer, ONNX_TENSOR_TYPE_SHAPE);
	dim = hml_begin_message(writer, ONNX_SHAPE_DIM);
	hml_write_text_field(writer, ONNX_DIM_PARAM, "n");
	hml_end_message(writer, dim);
	for (size_t i = 0; i < n_dims; i++)
	{
		dim = hml_begin_message(writer, ONNX_SHAPE_DIM);
		hml_write_varint_field(writer, ONNX_DIM_VALUE, dims[i]);
		hml_end_message(writer, dim);
	}
	hml_end_message(writer, shape);
	hml_end_message(writer, tensor);
	hml_end_message(writer, type);
	hml_end_message(writer, info);
}
