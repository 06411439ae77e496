/*
 * onnx_export.c
 *	  A whole ONNX file: feature pipeline, network, what follows it, metadata.
 *
 * The pipeline is a handful of operators on (n, features): missing values are
 * filled in (IsNaN, Where), columns are spread over the inputs (Gather), categories
 * become 0 or 1 (Equal, Where), all are scaled (Sub, Mul).  In float64, as the
 * engine does it, and float32 from there on.
 */
#include <string.h>

#include "core/nn/onnx/onnx_format.h"
#include "core/nn/onnx/onnx_out.h"
#include "core/nn/onnx/protobuf.h"

#include "core/base/text.h"

/* ---- pipeline --------------------------------------------------------------------------------------- */

/* What the operators of the pipeline need of each input. */
typedef struct Columns
{
	int64_t *feature;
	double *code; /* category that is 1 */
	bool *is_one_hot;
	double *offset;
	double *scale;
	bool any_one_hot;
	bool any_spread; /* inputs are not the features one by one */
	bool any_scaled;
} Columns;

static HmlStatus
describe_columns(HmlArena *arena, const HmlPipeline *pipeline, Columns *c)
{
	bool one_hot = pipeline->encoding == HML_ENCODE_ONEHOT;

	memset(c, 0, sizeof(*c));
	HML_TRY(HML_ARENA_NEW(arena, &c->feature, pipeline->n_inputs));
	HML_TRY(HML_ARENA_NEW(arena, &c->code, pipeline->n_inputs));
	HML_TRY(HML_ARENA_NEW(arena, &c->is_one_hot, pipeline->n_inputs));
	HML_TRY(HML_ARENA_NEW(arena, &c->offset, pipeline->n_inputs));
	HML_TRY(HML_ARENA_NEW(arena, &c->scale, pipeline->n_inputs));
	for (size_t i = 0; i < pipeline->n_features; i++)
		for (size_t k = 0; k < pipeline->features[i].n_inputs; k++)
		{
			const HmlFeature *feature = &pipeline->features[i];
			size_t input = feature->first_input + k;

			c->feature[input] = (int64_t) i;
			c->code[input] = (double) k;
			c->is_one_hot[input] = one_hot && feature->column.kind == HML_COLUMN_CATEGORY;
			c->offset[input] = c->is_one_hot[input] ? 0 : feature->offset; /* 0 and 1 are not scaled */
			c->scale[input] = c->is_one_hot[input] ? 1 : feature->scale;
			c->any_one_hot |= c->is_one_hot[input];
			c->any_spread |= input != i;
			c->any_scaled |= c->offset[input] != 0 || c->scale[input] != 1;
		}
	c->any_spread |= pipeline->n_inputs != pipeline->n_features;
	return HML_OK;
}

static const char *
where(OnnxOut *out, const char *part, const char *condition, const char *yes, const char *no)
{
	const char *y = hml_onnx_name(out, "pipeline", part);
	size_t node = hml_onnx_begin_node(out, "Where", y);

	hml_onnx_input(out, condition);
	hml_onnx_input(out, yes);
	hml_onnx_input(out, no);
	hml_onnx_end_node(out, node);
	return y;
}

static const char *
gather(OnnxOut *out, const char *part, const char *x, const char *indices)
{
	const char *y = hml_onnx_name(out, "pipeline", part);
	size_t node = hml_onnx_begin_node(out, "Gather", y);

	hml_onnx_input(out, x);
	hml_onnx_input(out, indices);
	hml_onnx_int(out, "axis", 1);
	hml_onnx_end_node(out, node);
	return y;
}

static const char *
fill_in(OnnxOut *out, const HmlPipeline *pipeline, const char *x)
{
	double *fill;
	const char *missing;

	if (HML_ARENA_NEW(out->arena, &fill, pipeline->n_features) != HML_OK)
	{
		out->writer->status = out->ctx->status;
		return x;
	}
	for (size_t i = 0; i < pipeline->n_features; i++)
		fill[i] = pipeline->features[i].fill;
	missing = hml_onnx_call(out, "pipeline", "missing", "IsNaN", x, NULL);
	return where(out, "filled", missing, hml_onnx_f64(out, "pipeline/fill", fill, pipeline->n_features), x);
}

HmlStatus
hml_onnx_write_pipeline(OnnxOut *out, const HmlPipeline *pipeline, const char **result)
{
	size_t n = pipeline->n_inputs;
	const char *x = "features";
	const char *equal;
	const char *category;
	Columns c;

	HML_TRY(describe_columns(out->arena, pipeline, &c));
	hml_onnx_value_info(out, ONNX_GRAPH_INPUT, x, ONNX_DOUBLE, &pipeline->n_features, 1);
	x = fill_in(out, pipeline, x);
	if (c.any_spread)
		x = gather(out, "spread", x, hml_onnx_i64(out, "pipeline/feature", c.feature, n));
	if (c.any_one_hot)
	{
		equal = hml_onnx_call(out, "pipeline", "is_category", "Equal", x,
							  hml_onnx_f64(out, "pipeline/code", c.code, n));
		category = hml_onnx_cast(out, "pipeline", "category", equal, ONNX_DOUBLE);
		x = where(out, "encoded", hml_onnx_bool(out, "pipeline/is_one_hot", c.is_one_hot, n), category, x);
	}
	if (c.any_scaled)
	{
		x = hml_onnx_call(out, "pipeline", "centred", "Sub", x,
						  hml_onnx_f64(out, "pipeline/offset", c.offset, n));
		x = hml_onnx_call(out, "pipeline", "scaled", "Mul", x,
						  hml_onnx_f64(out, "pipeline/scale", c.scale, n));
	}
	*result = hml_onnx_cast(out, "pipeline", "inputs", x, ONNX_FLOAT);
	return HML_OK;
}

const char *
hml_onnx_shape_input(OnnxOut *out, const HmlShape *shape, const char *x)
{
	int64_t dims[HML_MAX_DIMS + 1] = {-1};

	if (shape->n_dims == 1)
		return x;
	for (size_t i = 0; i < shape->n_dims; i++)
		dims[i + 1] = (int64_t) shape->dims[i];
	return hml_onnx_call(out, "pipeline", "shaped", "Reshape", x,
						 hml_onnx_i64(out, "pipeline/shape", dims, shape->n_dims + 1));
}

/* ---- the file --------------------------------------------------------------------------------------- */

static void
write_metadata(HmlWriter *writer, const char *key, const char *value)
{
	size_t entry = hml_begin_message(writer, ONNX_MODEL_METADATA);

	hml_write_text_field(writer, ONNX_ENTRY_KEY, key);
	hml_write_text_field(writer, ONNX_ENTRY_VALUE, value);
	hml_end_message(writer, entry);
}

/* Names as a JSON array. */
static HmlStatus
write_names(HmlContext *ctx, HmlWriter *writer, const char *key, const char *const *names, size_t count)
{
	HmlText text;
	const char *json;
	HmlStatus status;

	hml_text_init(&text, ctx);
	for (size_t i = 0; i < count; i++)
	{
		hml_text_add(&text, i == 0 ? "[" : ", ");
		hml_text_add_json_string(&text, names[i]);
	}
	hml_text_add(&text, "]");
	status = hml_text_finish(&text, &json);
	if (status == HML_OK)
		write_metadata(writer, key, json);
	hml_text_free(&text);
	return status;
}

static HmlStatus
write_all_names(OnnxOut *out, const HmlOnnxFile *file)
{
	const char **names;

	if (file->pipeline != NULL)
	{
		HML_TRY(HML_ARENA_NEW(out->arena, &names, file->pipeline->n_features));
		for (size_t i = 0; i < file->pipeline->n_features; i++)
			names[i] = file->pipeline->features[i].column.name;
		HML_TRY(write_names(out->ctx, out->writer, "features", names, file->pipeline->n_features));
	}
	if (file->output_names != NULL && file->n_output_names > 0)
		HML_TRY(write_names(out->ctx, out->writer, "classes", file->output_names, file->n_output_names));
	return HML_OK;
}

static HmlStatus
write_file(OnnxOut *out, const HmlOnnxFile *file)
{
	HmlWriter *writer = out->writer;
	size_t message;

	hml_write_varint_field(writer, ONNX_MODEL_IR_VERSION, ONNX_IR_VERSION);
	hml_write_text_field(writer, ONNX_MODEL_PRODUCER_NAME, "healthml");
	message = hml_begin_message(writer, ONNX_MODEL_OPSET_IMPORT);
	hml_write_text_field(writer, ONNX_OPSET_DOMAIN, "");
	hml_write_varint_field(writer, ONNX_OPSET_VERSION, ONNX_OPSET);
	hml_end_message(writer, message);
	HML_TRY(write_all_names(out, file));
	message = hml_begin_message(writer, ONNX_MODEL_GRAPH);
	hml_write_text_field(writer, ONNX_GRAPH_NAME, file->name);
	HML_TRY(file->write(out, file->user));
	HML_TRY(writer->status);
	hml_end_message(writer, message);
	return hml_writer_finish(writer);
}

HmlStatus
hml_onnx_write_file(HmlContext *ctx, const HmlOnnxFile *file, HmlWriter *writer)
{
	OnnxOut out = {.ctx = ctx, .writer = writer};
	HmlStatus status;

	HML_TRY(hml_arena_create(ctx, &out.arena));
	status = write_file(&out, file);
	hml_arena_free(out.arena);
	return status;
}

/* ---- one network ------------------------------------------------------------------------------------ */

/* value = output * scale + offset, called "output". */
static void
write_output(OnnxOut *out, const HmlOnnxExport *what, const char *y)
{
	const HmlShape *shape = &what->network->nodes[what->output].shape;

	if (what->scale != 1)
		y = hml_onnx_call(out, "result", "scaled", "Mul", y,
						  hml_onnx_scalar(out, "result/scale", (float) what->scale));
	if (what->offset != 0)
		y = hml_onnx_call(out, "result", "shifted", "Add", y,
						  hml_onnx_scalar(out, "result/offset", (float) what->offset));
	hml_onnx_call(out, "output", NULL, "Identity", y, NULL);
	hml_onnx_value_info(out, ONNX_GRAPH_OUTPUT, "output", ONNX_FLOAT, shape->dims, shape->n_dims);
}

static HmlStatus
write_graph(OnnxOut *out, const void *user)
{
	const HmlOnnxExport *what = user;
	const char *input = NULL;
	const char *output;

	if (what->pipeline != NULL)
	{
		if (what->network->n_inputs != 1 ||
			hml_shape_size(&what->network->nodes[0].shape) != what->pipeline->n_inputs)
			return hml_fail(out->ctx, HML_INTERNAL, "a pipeline of %zu inputs does not fit the network",
							what->pipeline->n_inputs);
		HML_TRY(hml_onnx_write_pipeline(out, what->pipeline, &input));
		input = hml_onnx_shape_input(out, &what->network->nodes[0].shape, input);
	}
	HML_TRY(hml_onnx_write_network(out, what, input, &output));
	write_output(out, what, output);
	return out->writer->status;
}

HmlStatus
hml_onnx_write(HmlContext *ctx, const HmlOnnxExport *what, HmlWriter *writer)
{
	HmlOnnxFile file = {.name = what->name,
						.pipeline = what->pipeline,
						.output_names = what->output_names,
						.n_output_names = what->n_output_names,
						.write = write_graph,
						.user = what};

	return hml_onnx_write_file(ctx, &file, writer);
}
