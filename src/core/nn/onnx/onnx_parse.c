/*
 * onnx_parse.c
 *	  Reading an ONNX file, without understanding its operators.
 *
 * Each message is read twice: once to count its repeated fields, once to read them,
 * so that memory is asked for what is there and no more.  Messages within messages
 * have a fixed depth; subgraphs of control flow are skipped.
 */
#include "core/nn/onnx/onnx_parse.h"

#include <string.h>

#include "core/base/checked.h"
#include "core/nn/onnx/onnx_format.h"
#include "core/nn/onnx/protobuf.h"

typedef struct Parser
{
	HmlContext *ctx;
	HmlArena *arena;
} Parser;

/* What is done with one field of a message. */
typedef HmlStatus (*OnField)(Parser *p, const HmlField *field, void *target);

static HmlStatus
each_field(Parser *p, const void *bytes, size_t length, const char *what, OnField on_field, void *target)
{
	HmlReader reader;
	HmlField field;
	bool more;

	hml_reader_init(&reader, p->ctx, bytes, length, what);
	for (;;)
	{
		HML_TRY(hml_read_field(&reader, &field, &more));
		if (!more)
			return HML_OK;
		HML_TRY(on_field(p, &field, target));
	}
}

static HmlStatus
need_wire(Parser *p, const HmlField *field, HmlWire wire)
{
	if (field->wire == wire)
		return HML_OK;
	return hml_fail(p->ctx, HML_CORRUPT, "the ONNX file has a field %u of the wrong type", field->number);
}

static HmlStatus
read_message(Parser *p, const HmlField *field, const char *what, OnField on_field, void *target)
{
	HML_TRY(need_wire(p, field, HML_WIRE_BYTES));
	return each_field(p, field->bytes, field->length, what, on_field, target);
}

static HmlStatus
read_string(Parser *p, const HmlField *field, const char **out)
{
	char *copy;

	HML_TRY(need_wire(p, field, HML_WIRE_BYTES));
	if (memchr(field->bytes, '\0', field->length) != NULL)
		return hml_fail(p->ctx, HML_CORRUPT, "the ONNX file has a name with a zero byte in it");
	HML_TRY(hml_arena_strdup(p->arena, (const char *) field->bytes, field->length, &copy));
	*out = copy;
	return HML_OK;
}

/* Fields with this number. */
static HmlStatus
count_fields(Parser *p, const void *bytes, size_t length, uint32_t number, size_t *out)
{
	HmlReader reader;
	HmlField field;
	bool more = true;

	*out = 0;
	hml_reader_init(&reader, p->ctx, bytes, length, "ONNX file");
	while (more)
	{
		HML_TRY(hml_read_field(&reader, &field, &more));
		*out += more && field.number == number;
	}
	return HML_OK;
}

/* ---- numbers, one by one or packed ------------------------------------------------------------------ */

/* Numbers of a repeated field that are in this one: 1, or as many as are packed in it. */
static HmlStatus
count_numbers(Parser *p, const HmlField *field, size_t *out)
{
	if (field->wire != HML_WIRE_BYTES)
	{
		*out = 1;
		return HML_OK;
	}
	*out = 0;
	for (size_t i = 0; i < field->length; i++)
		*out += field->bytes[i] < 0x80;
	if (field->length > 0 && field->bytes[field->length - 1] >= 0x80)
		return hml_fail(p->ctx, HML_CORRUPT, "the ONNX file has an array that ends within a number");
	return HML_OK;
}

/* Append them; 'count' is that of count_numbers(). */
static HmlStatus
append_integers(Parser *p, const HmlField *field, size_t count, int64_t *out)
{
	HmlReader reader;

	if (field->wire != HML_WIRE_BYTES)
	{
		HML_TRY(need_wire(p, field, HML_WIRE_VARINT));
		*out = (int64_t) field->value;
		return HML_OK;
	}
	hml_reader_init(&reader, p->ctx, field->bytes, field->length, "ONNX file");
	for (size_t i = 0; i < count; i++)
	{
		uint64_t value;

		HML_TRY(hml_read_varint(&reader, &value));
		out[i] = (int64_t) value;
	}
	return HML_OK;
}

/* A growing array that knows its final size: number of one field of a message. */
typedef struct Integers
{
	uint32_t number;
	size_t count;
	int64_t *values; /* NULL while counting */
} Integers;

static HmlStatus
on_integers(Parser *p, const HmlField *field, void *target)
{
	Integers *integers = target;
	size_t count;

	if (field->number != integers->number)
		return HML_OK;
	HML_TRY(count_numbers(p, field, &count));
	if (integers->values != NULL)
		HML_TRY(append_integers(p, field, count, integers->values + integers->count));
	integers->count += count;
	return HML_OK;
}

static HmlStatus
read_integers(Parser *p, const void *bytes, size_t length, uint32_t number, size_t *count,
			  const int64_t **out)
{
	Integers integers = {number, 0, NULL};

	HML_TRY(each_field(p, bytes, length, "ONNX file", on_integers, &integers));
	*count = integers.count;
	HML_TRY(HML_ARENA_NEW(p->arena, &integers.values, integers.count));
	*out = integers.values;
	integers.count = 0;
	return each_field(p, bytes, length, "ONNX file", on_integers, &integers);
}

/* Numbers of a fixed size, packed or not: of float32 or float64 as 'size' says. */
typedef struct Floats
{
	uint32_t number;
	size_t size;
	size_t count;
	float *values; /* NULL while counting */
	double *wide;  /* NULL unless those of float64 are kept */
} Floats;

static double
number_of(const unsigned char *bytes, size_t size)
{
	double wide;
	float narrow;
	uint64_t bits = 0;
	uint32_t bits32;

	for (size_t i = 0; i < size; i++)
		bits |= (uint64_t) bytes[i] << (8 * i);
	bits32 = (uint32_t) bits;
	memcpy(&wide, &bits, sizeof(wide));
	memcpy(&narrow, &bits32, sizeof(narrow));
	return size == sizeof(double) ? wide : (double) narrow;
}

static HmlStatus
on_floats(Parser *p, const HmlField *field, void *target)
{
	Floats *floats = target;
	HmlWire one = floats->size == 8 ? HML_WIRE_FIXED64 : HML_WIRE_FIXED32;
	unsigned char single[8];
	const unsigned char *bytes = field->bytes;
	size_t count = 1;

	if (field->number != floats->number)
		return HML_OK;
	if (field->wire == HML_WIRE_BYTES)
	{
		if (field->length % floats->size != 0)
			return hml_fail(p->ctx, HML_CORRUPT, "the ONNX file has an array that ends within a number");
		count = field->length / floats->size;
	}
	else
	{
		HML_TRY(need_wire(p, field, one));
		for (size_t i = 0; i < sizeof(single); i++)
			single[i] = (unsigned char) (field->value >> (8 * i));
		bytes = single;
	}
	for (size_t i = 0; i < count && floats->values != NULL; i++)
	{
		double number = number_of(bytes + i * floats->size, floats->size);

		floats->values[floats->count + i] = (float) number;
		if (floats->wide != NULL)
			floats->wide[floats->count + i] = number;
	}
	floats->count += count;
	return HML_OK;
}

static HmlStatus
read_floats(Parser *p, const void *bytes, size_t length, uint32_t number, size_t size, size_t *count,
			const float **out, const double **wide)
{
	Floats floats = {number, size, 0, NULL, NULL};

	HML_TRY(each_field(p, bytes, length, "ONNX file", on_floats, &floats));
	*count = floats.count;
	HML_TRY(HML_ARENA_NEW(p->arena, &floats.values, floats.count));
	*out = floats.values;
	if (wide != NULL)
	{
		HML_TRY(HML_ARENA_NEW(p->arena, &floats.wide, floats.count));
		*wide = floats.wide;
	}
	floats.count = 0;
	return each_field(p, bytes, length, "ONNX file", on_floats, &floats);
}

/* ---- texts ------------------------------------------------------------------------------------------ */

typedef struct Strings
{
	uint32_t number;
	size_t count;
	const char **values;
} Strings;

static HmlStatus
on_strings(Parser *p, const HmlField *field, void *target)
{
	Strings *strings = target;

	return field->number == strings->number ? read_string(p, field, &strings->values[strings->count++])
											: HML_OK;
}

static HmlStatus
read_strings(Parser *p, const HmlField *field, uint32_t number, size_t *count, const char *const **out)
{
	Strings strings = {.number = number};

	HML_TRY(count_fields(p, field->bytes, field->length, number, count));
	HML_TRY(HML_ARENA_NEW(p->arena, &strings.values, *count));
	*out = strings.values;
	return each_field(p, field->bytes, field->length, "ONNX file", on_strings, &strings);
}

/* ---- tensors ---------------------------------------------------------------------------------------- */

typedef struct TensorParts
{
	OnnxTensor *tensor;
	int64_t type;
	const unsigned char *raw;
	size_t raw_length;
} TensorParts;

static HmlStatus
on_tensor_field(Parser *p, const HmlField *field, void *target)
{
	TensorParts *parts = target;

	switch (field->number)
	{
		case ONNX_TENSOR_DATA_TYPE:
			HML_TRY(need_wire(p, field, HML_WIRE_VARINT));
			parts->type = (int64_t) field->value;
			return HML_OK;
		case ONNX_TENSOR_NAME:
			return read_string(p, field, &parts->tensor->name);
		case ONNX_TENSOR_RAW_DATA:
			HML_TRY(need_wire(p, field, HML_WIRE_BYTES));
			parts->raw = field->bytes;
			parts->raw_length = field->length;
			return HML_OK;
		case ONNX_TENSOR_EXTERNAL_DATA:
		case ONNX_TENSOR_DATA_LOCATION:
			if (field->number == ONNX_TENSOR_DATA_LOCATION && field->value == 0)
				return HML_OK;
			return hml_fail(p->ctx, HML_UNSUPPORTED, "the ONNX file keeps tensors in other files");
		default:
			return HML_OK;
	}
}

static HmlStatus
set_dims(Parser *p, const int64_t *dims, size_t n_dims, OnnxTensor *tensor)
{
	if (n_dims > ONNX_MAX_DIMS)
		return hml_fail(p->ctx, HML_UNSUPPORTED, "tensor \"%s\" has %zu dimensions", tensor->name, n_dims);
	tensor->n_dims = n_dims;
	tensor->count = 1;
	for (size_t i = 0; i < n_dims; i++)
	{
		tensor->dims[i] = dims[i];
		if (dims[i] < 0 || !hml_size_mul(tensor->count, (size_t) dims[i], &tensor->count))
			return hml_fail(p->ctx, HML_CORRUPT, "tensor \"%s\" has impossible dimensions", tensor->name);
	}
	return HML_OK;
}

/* Bytes of an element in raw data; 0 for a type that is not known. */
static size_t
element_size(int64_t type)
{
	switch (type)
	{
		case ONNX_BOOL:
			return 1;
		case ONNX_FLOAT:
		case ONNX_INT32:
			return 4;
		case ONNX_INT64:
		case ONNX_DOUBLE:
			return 8;
		default:
			return 0;
	}
}

static HmlStatus
convert_raw(Parser *p, const TensorParts *parts, size_t size, OnnxTensor *tensor)
{
	bool is_float = parts->type == ONNX_FLOAT || parts->type == ONNX_DOUBLE;
	float *floats = NULL;
	double *doubles = NULL;
	int64_t *integers = NULL;

	if (is_float)
		HML_TRY(HML_ARENA_NEW(p->arena, &floats, tensor->count));
	if (parts->type == ONNX_DOUBLE)
		HML_TRY(HML_ARENA_NEW(p->arena, &doubles, tensor->count));
	if (!is_float)
		HML_TRY(HML_ARENA_NEW(p->arena, &integers, tensor->count));
	for (size_t i = 0; i < tensor->count; i++)
	{
		const unsigned char *bytes = parts->raw + i * size;
		uint64_t bits = 0;

		if (is_float)
		{
			double number = number_of(bytes, size);

			floats[i] = (float) number;
			if (doubles != NULL)
				doubles[i] = number;
			continue;
		}
		for (size_t b = 0; b < size; b++)
			bits |= (uint64_t) bytes[b] << (8 * b);
		integers[i] = size == 4 ? (int64_t) (int32_t) (uint32_t) bits : (int64_t) bits;
	}
	tensor->floats = floats;
	tensor->doubles = doubles;
	tensor->integers = integers;
	return HML_OK;
}

static HmlStatus
read_typed(Parser *p, const HmlField *field, const TensorParts *parts, OnnxTensor *tensor, size_t *count)
{
	switch (parts->type)
	{
		case ONNX_FLOAT:
			return read_floats(p, field->bytes, field->length, ONNX_TENSOR_FLOAT_DATA, 4, count,
							   &tensor->floats, NULL);
		case ONNX_DOUBLE:
			return read_floats(p, field->bytes, field->length, ONNX_TENSOR_DOUBLE_DATA, 8, count,
							   &tensor->floats, &tensor->doubles);
		case ONNX_INT64:
			return read_integers(p, field->bytes, field->length, ONNX_TENSOR_INT64_DATA, count,
								 &tensor->integers);
		default:
			return read_integers(p, field->bytes, field->length, ONNX_TENSOR_INT32_DATA, count,
								 &tensor->integers);
	}
}

static HmlStatus
read_tensor_strings(Parser *p, const HmlField *field, OnnxTensor *tensor)
{
	size_t count;

	HML_TRY(read_strings(p, field, ONNX_TENSOR_STRING_DATA, &count, &tensor->strings));
	return count == tensor->count
			   ? HML_OK
			   : hml_fail(p->ctx, HML_CORRUPT, "tensor \"%s\" has %zu elements, but its dimensions say %zu",
						  tensor->name, count, tensor->count);
}

static HmlStatus
read_tensor(Parser *p, const HmlField *field, OnnxTensor *tensor)
{
	TensorParts parts = {.tensor = tensor};
	const int64_t *dims;
	size_t n_dims;
	size_t size;
	size_t count = 0;

	tensor->name = "";
	HML_TRY(read_message(p, field, "tensor", on_tensor_field, &parts));
	HML_TRY(read_integers(p, field->bytes, field->length, ONNX_TENSOR_DIMS, &n_dims, &dims));
	HML_TRY(set_dims(p, dims, n_dims, tensor));
	if (parts.type == ONNX_STRING)
		return read_tensor_strings(p, field, tensor);
	size = element_size(parts.type);
	if (size == 0) /* an error only when somebody wants it */
		return HML_OK;
	if (parts.raw != NULL || tensor->count == 0)
		count = parts.raw_length % size == 0 ? parts.raw_length / size : SIZE_MAX;
	else
		HML_TRY(read_typed(p, field, &parts, tensor, &count));
	if (count != tensor->count)
		return hml_fail(p->ctx, HML_CORRUPT, "tensor \"%s\" has %zu elements, but its dimensions say %zu",
						tensor->name, count, tensor->count);
	if (tensor->floats == NULL && tensor->integers == NULL)
		return convert_raw(p, &parts, size, tensor);
	return HML_OK;
}

/* ---- nodes ------------------------------------------------------------------------------------------ */

static HmlStatus
on_attribute_field(Parser *p, const HmlField *field, void *target)
{
	OnnxAttribute *attribute = target;
	OnnxTensor *tensor;
	uint32_t bits;

	switch (field->number)
	{
		case ONNX_ATTRIBUTE_NAME:
			return read_string(p, field, &attribute->name);
		case ONNX_ATTRIBUTE_S:
			/* bytes of any kind: what is no text is as good as none */
			if (field->wire == HML_WIRE_BYTES && memchr(field->bytes, '\0', field->length) != NULL)
				return HML_OK;
			return read_string(p, field, &attribute->s);
		case ONNX_ATTRIBUTE_I:
			HML_TRY(need_wire(p, field, HML_WIRE_VARINT));
			attribute->i = (int64_t) field->value;
			return HML_OK;
		case ONNX_ATTRIBUTE_F:
			HML_TRY(need_wire(p, field, HML_WIRE_FIXED32));
			bits = (uint32_t) field->value;
			memcpy(&attribute->f, &bits, sizeof(bits));
			return HML_OK;
		case ONNX_ATTRIBUTE_T:
			HML_TRY(HML_ARENA_NEW_ZERO(p->arena, &tensor, 1));
			attribute->t = tensor;
			return read_tensor(p, field, tensor);
		default:
			return HML_OK;
	}
}

static HmlStatus
read_attribute(Parser *p, const HmlField *field, OnnxAttribute *attribute)
{
	attribute->name = attribute->s = "";
	HML_TRY(read_message(p, field, "attribute", on_attribute_field, attribute));
	HML_TRY(read_integers(p, field->bytes, field->length, ONNX_ATTRIBUTE_INTS, &attribute->n_ints,
						  &attribute->ints));
	HML_TRY(read_strings(p, field, ONNX_ATTRIBUTE_STRINGS, &attribute->n_strings, &attribute->strings));
	return read_floats(p, field->bytes, field->length, ONNX_ATTRIBUTE_FLOATS, 4, &attribute->n_floats,
					   &attribute->floats, NULL);
}

static HmlStatus
on_node_field(Parser *p, const HmlField *field, void *target)
{
	OnnxNode *node = target;

	switch (field->number)
	{
		case ONNX_NODE_INPUT:
			return read_string(p, field, &node->inputs[node->n_inputs++]);
		case ONNX_NODE_OUTPUT:
			return read_string(p, field, &node->outputs[node->n_outputs++]);
		case ONNX_NODE_NAME:
			return read_string(p, field, &node->name);
		case ONNX_NODE_OP_TYPE:
			return read_string(p, field, &node->op);
		case ONNX_NODE_DOMAIN:
			return read_string(p, field, &node->domain);
		case ONNX_NODE_ATTRIBUTE:
			return read_attribute(p, field, &node->attributes[node->n_attributes++]);
		default:
			return HML_OK;
	}
}

static HmlStatus
read_node(Parser *p, const HmlField *field, OnnxNode *node)
{
	size_t count;

	HML_TRY(need_wire(p, field, HML_WIRE_BYTES));
	node->op = node->domain = node->name = "";
	HML_TRY(count_fields(p, field->bytes, field->length, ONNX_NODE_INPUT, &count));
	HML_TRY(HML_ARENA_NEW(p->arena, &node->inputs, count));
	HML_TRY(count_fields(p, field->bytes, field->length, ONNX_NODE_OUTPUT, &count));
	HML_TRY(HML_ARENA_NEW(p->arena, &node->outputs, count));
	HML_TRY(count_fields(p, field->bytes, field->length, ONNX_NODE_ATTRIBUTE, &count));
	HML_TRY(HML_ARENA_NEW_ZERO(p->arena, &node->attributes, count));
	return read_message(p, field, "node", on_node_field, node);
}

/* ---- inputs and outputs ----------------------------------------------------------------------------- */

static HmlStatus
on_dim_field(Parser *p, const HmlField *field, void *target)
{
	int64_t *dim = target;

	if (field->number != ONNX_DIM_VALUE)
		return HML_OK;
	HML_TRY(need_wire(p, field, HML_WIRE_VARINT));
	*dim = (int64_t) field->value;
	return HML_OK;
}

static HmlStatus
on_shape_field(Parser *p, const HmlField *field, void *target)
{
	OnnxValueInfo *info = target;

	if (field->number != ONNX_SHAPE_DIM)
		return HML_OK;
	if (info->n_dims == ONNX_MAX_DIMS)
		return hml_fail(p->ctx, HML_UNSUPPORTED, "\"%s\" has more than %d dimensions", info->name,
						ONNX_MAX_DIMS);
	info->dims[info->n_dims] = ONNX_UNKNOWN_DIM;
	return read_message(p, field, "dimension", on_dim_field, &info->dims[info->n_dims++]);
}

static HmlStatus
on_tensor_type_field(Parser *p, const HmlField *field, void *target)
{
	OnnxValueInfo *info = target;

	if (field->number == ONNX_TENSOR_TYPE_SHAPE)
		return read_message(p, field, "shape", on_shape_field, info);
	if (field->number == ONNX_TENSOR_TYPE_ELEMENT)
	{
		HML_TRY(need_wire(p, field, HML_WIRE_VARINT));
		info->element = (int) (field->value & 0xffff);
	}
	return HML_OK;
}

static HmlStatus
on_type_field(Parser *p, const HmlField *field, void *target)
{
	OnnxValueInfo *info = target;

	if (field->number != ONNX_TYPE_TENSOR)
		return HML_OK;
	info->is_tensor = true;
	return read_message(p, field, "type", on_tensor_type_field, info);
}

static HmlStatus
on_value_field(Parser *p, const HmlField *field, void *target)
{
	OnnxValueInfo *info = target;

	if (field->number == ONNX_VALUE_NAME)
		return read_string(p, field, &info->name);
	if (field->number == ONNX_VALUE_TYPE)
		return read_message(p, field, "type", on_type_field, info);
	return HML_OK;
}

static HmlStatus
read_value_info(Parser *p, const HmlField *field, OnnxValueInfo *info)
{
	info->name = "";
	return read_message(p, field, "value", on_value_field, info);
}

/* ---- the graph -------------------------------------------------------------------------------------- */

static HmlStatus
on_graph_field(Parser *p, const HmlField *field, void *target)
{
	OnnxGraph *graph = target;

	HML_TRY(hml_poll(p->ctx));
	switch (field->number)
	{
		case ONNX_GRAPH_NODE:
			return read_node(p, field, &graph->nodes[graph->n_nodes++]);
		case ONNX_GRAPH_INITIALIZER:
			return read_tensor(p, field, &graph->initializers[graph->n_initializers++]);
		case ONNX_GRAPH_INPUT:
			return read_value_info(p, field, &graph->inputs[graph->n_inputs++]);
		case ONNX_GRAPH_OUTPUT:
			return read_value_info(p, field, &graph->outputs[graph->n_outputs++]);
		case ONNX_GRAPH_SPARSE_INITIALIZER:
			return hml_fail(p->ctx, HML_UNSUPPORTED, "the ONNX file has sparse tensors");
		default:
			return HML_OK;
	}
}

static HmlStatus
count_bounded(Parser *p, const HmlField *field, uint32_t number, const char *what, size_t *count)
{
	HML_TRY(count_fields(p, field->bytes, field->length, number, count));
	if (*count > ONNX_MAX_NODES)
		return hml_fail(p->ctx, HML_LIMIT, "the ONNX file has %zu %s, which is more than %d", *count, what,
						ONNX_MAX_NODES);
	return HML_OK;
}

static HmlStatus
read_graph(Parser *p, const HmlField *field, OnnxGraph *graph)
{
	size_t count;

	HML_TRY(need_wire(p, field, HML_WIRE_BYTES));
	if (graph->nodes != NULL)
		return hml_fail(p->ctx, HML_CORRUPT, "the ONNX file has two graphs");
	HML_TRY(count_bounded(p, field, ONNX_GRAPH_NODE, "nodes", &count));
	HML_TRY(HML_ARENA_NEW_ZERO(p->arena, &graph->nodes, count));
	HML_TRY(count_bounded(p, field, ONNX_GRAPH_INITIALIZER, "initializers", &count));
	HML_TRY(HML_ARENA_NEW_ZERO(p->arena, &graph->initializers, count));
	HML_TRY(count_bounded(p, field, ONNX_GRAPH_INPUT, "inputs", &count));
	HML_TRY(HML_ARENA_NEW_ZERO(p->arena, &graph->inputs, count));
	HML_TRY(count_bounded(p, field, ONNX_GRAPH_OUTPUT, "outputs", &count));
	HML_TRY(HML_ARENA_NEW_ZERO(p->arena, &graph->outputs, count));
	return read_message(p, field, "graph", on_graph_field, graph);
}

/* An imported set of operators; domain "" is that of ONNX itself. */
typedef struct Opset
{
	const char *domain;
	int64_t version;
} Opset;

static HmlStatus
on_opset_field(Parser *p, const HmlField *field, void *target)
{
	Opset *opset = target;

	if (field->number == ONNX_OPSET_DOMAIN)
		return read_string(p, field, &opset->domain);
	if (field->number == ONNX_OPSET_VERSION)
	{
		HML_TRY(need_wire(p, field, HML_WIRE_VARINT));
		opset->version = (int64_t) field->value;
	}
	return HML_OK;
}

static HmlStatus
on_model_field(Parser *p, const HmlField *field, void *target)
{
	OnnxGraph *graph = target;
	Opset opset = {"", 0};

	if (field->number == ONNX_MODEL_GRAPH)
		return read_graph(p, field, graph);
	if (field->number == ONNX_MODEL_OPSET_IMPORT)
	{
		HML_TRY(read_message(p, field, "opset", on_opset_field, &opset));
		if (opset.domain[0] == '\0' || strcmp(opset.domain, "ai.onnx") == 0)
			graph->opset = opset.version;
	}
	return HML_OK;
}

HmlStatus
hml_onnx_parse(HmlArena *arena, const void *bytes, size_t length, OnnxGraph *out)
{
	Parser p = {hml_arena_context(arena), arena};

	memset(out, 0, sizeof(*out));
	HML_TRY(each_field(&p, bytes, length, "ONNX file", on_model_field, out));
	if (out->nodes == NULL)
		return hml_fail(p.ctx, HML_CORRUPT, "not an ONNX file: it has no graph");
	return HML_OK;
}
