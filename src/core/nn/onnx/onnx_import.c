/*
 * onnx_import.c
 *	  From an ONNX graph to a network and its weights.
 *
 * Only what the chosen output needs is looked at, so that the labels and
 * dictionaries that converters of classifiers add do no harm.  The layers become a
 * specification, and the network is built from it as from any other.
 */
#include "core/nn/onnx/onnx_import.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/nn/onnx/onnx_format.h"

#define MAX_ATTRIBUTES 512 /* bytes of the JSON of a layer's attributes */
#define LAYERS_PER_NODE 8

/* ---- failures --------------------------------------------------------------------------------------- */

HmlStatus
hml_import_refuse(Import *im, const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return hml_fail(
		im->ctx, HML_UNSUPPORTED, "ONNX operator \"%.60s\" (node \"%.60s\") %s", im->node->op,
		im->node->name[0] != '\0' || im->node->n_outputs == 0 ? im->node->name : im->node->outputs[0], text);
}

/* ---- names ------------------------------------------------------------------------------------------ */

static size_t
hash(const char *text)
{
	size_t h = 14695981039346656037u; /* FNV-1a */

	for (; *text != '\0'; text++)
		h = (h ^ (unsigned char) *text) * 1099511628211u;
	return h;
}

ImportName *
hml_import_name(Import *im, const char *name)
{
	size_t i = hash(name) & (im->n_names - 1);

	while (im->names[i].name != NULL && strcmp(im->names[i].name, name) != 0)
		i = (i + 1) & (im->n_names - 1);
	im->names[i].name = name;
	return &im->names[i];
}

/* Room for every name of the graph, so that the table is never more than half full. */
static HmlStatus
make_names(Import *im)
{
	const OnnxGraph *g = im->graph;
	size_t count = g->n_initializers + g->n_inputs + g->n_outputs + 16;

	for (size_t i = 0; i < g->n_nodes; i++)
		count += g->nodes[i].n_inputs + g->nodes[i].n_outputs;
	for (im->n_names = 64; im->n_names < 2 * count;)
		im->n_names *= 2;
	return HML_ARENA_NEW_ZERO(im->arena, &im->names, im->n_names);
}

/* ---- inputs, outputs, attributes of a node ---------------------------------------------------------- */

HmlStatus
hml_import_input(Import *im, size_t k, ImportValue *out)
{
	*out = (ImportValue){0};
	if (k >= im->node->n_inputs || im->node->inputs[k][0] == '\0')
		return HML_OK;
	*out = hml_import_name(im, im->node->inputs[k])->value;
	if (out->kind == IMPORT_NOTHING)
		return hml_import_refuse(im, "reads \"%.60s\", which nothing before it has made",
								 im->node->inputs[k]);
	return HML_OK;
}

HmlStatus
hml_import_layer_input(Import *im, size_t k, ImportValue *out)
{
	HML_TRY(hml_import_any_layer(im, k, out));
	return out->is_double ? hml_import_refuse_double(im) : HML_OK;
}

HmlStatus
hml_import_refuse_double(Import *im)
{
	hml_import_refuse(
		im, "computes in float64, which the engine does only with an offset and a scale of the input");
	return hml_hint(im->ctx, "Export the model in float32.");
}

HmlStatus
hml_import_any_layer(Import *im, size_t k, ImportValue *out)
{
	HML_TRY(hml_import_input(im, k, out));
	if (out->kind == IMPORT_MISSING)
		return hml_import_refuse(
			im, "takes IsNaN as a number; only a Where that fills in missing inputs may read it");
	if (out->kind != IMPORT_LAYER)
		return hml_import_refuse(im, "has a constant as input %zu, or none", k);
	return HML_OK;
}

static HmlStatus
constant_input(Import *im, size_t k, bool is_optional, const OnnxTensor **out)
{
	ImportValue value;

	*out = NULL;
	HML_TRY(hml_import_input(im, k, &value));
	if (value.kind == IMPORT_NOTHING && is_optional)
		return HML_OK;
	if (value.kind != IMPORT_CONSTANT)
		return hml_import_refuse(im, "has no constant as input %zu", k);
	*out = value.tensor;
	return HML_OK;
}

HmlStatus
hml_import_floats(Import *im, size_t k, bool is_optional, const OnnxTensor **out)
{
	HML_TRY(constant_input(im, k, is_optional, out));
	if (*out != NULL && (*out)->floats == NULL)
		return hml_import_refuse(im, "has a constant that is not of type float or double as input %zu", k);
	return HML_OK;
}

HmlStatus
hml_import_integers(Import *im, size_t k, bool is_optional, const OnnxTensor **out)
{
	HML_TRY(constant_input(im, k, is_optional, out));
	if (*out != NULL && (*out)->integers == NULL)
		return hml_import_refuse(im, "has a constant that is no integer as input %zu", k);
	return HML_OK;
}

void
hml_import_set_output(Import *im, size_t k, const ImportValue *value)
{
	if (k < im->node->n_outputs && im->node->outputs[k][0] != '\0')
		hml_import_name(im, im->node->outputs[k])->value = *value;
}

const OnnxAttribute *
hml_import_attribute(const Import *im, const char *name)
{
	for (size_t i = 0; i < im->node->n_attributes; i++)
		if (strcmp(im->node->attributes[i].name, name) == 0)
			return &im->node->attributes[i];
	return NULL;
}

int64_t
hml_import_int(const Import *im, const char *name, int64_t fallback)
{
	const OnnxAttribute *attribute = hml_import_attribute(im, name);

	return attribute == NULL ? fallback : attribute->i;
}

float
hml_import_float(const Import *im, const char *name, float fallback)
{
	const OnnxAttribute *attribute = hml_import_attribute(im, name);

	return attribute == NULL ? fallback : attribute->f;
}

HmlStatus
hml_import_axis(Import *im, int64_t axis, size_t n_dims, size_t *out)
{
	int64_t n = (int64_t) n_dims;

	*out = 0;
	if (axis < -n || axis >= n)
		return hml_import_refuse(im, "has an axis %lld of %zu dimensions", (long long) axis, n_dims);
	*out = (size_t) (axis < 0 ? axis + n : axis);
	return HML_OK;
}

/* ---- layers ----------------------------------------------------------------------------------------- */

HmlStatus
hml_import_add_layer(Import *im, const char *op, const size_t *inputs, size_t n_inputs, const HmlShape *shape,
					 size_t *out, const char *fmt, ...)
{
	ImportLayer *layer = &im->layers[im->n_layers];
	char text[MAX_ATTRIBUTES];
	char *copy;
	va_list args;
	int length;

	if (im->n_layers == im->max_layers)
		return hml_fail(im->ctx, HML_LIMIT, "the ONNX file needs more than %zu layers", im->max_layers);
	if (!hml_shape_is_valid(shape))
		return hml_import_refuse(im, "has an output that is empty, or of more than %zu numbers",
								 (size_t) HML_MAX_SAMPLE_SIZE);
	if (n_inputs > HML_MAX_OP_INPUTS)
		return hml_import_refuse(im, "has %zu inputs", n_inputs);
	va_start(args, fmt);
	length = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (length < 0 || (size_t) length >= sizeof(text))
		return hml_import_refuse(im, "has attributes of more than %d bytes", MAX_ATTRIBUTES);
	HML_TRY(hml_arena_strdup(im->arena, text, (size_t) length, &copy));
	*layer = (ImportLayer){.op = op,
						   .attributes = copy,
						   .n_inputs = n_inputs,
						   .shape = *shape,
						   .node = op == NULL ? NULL : im->node};
	for (size_t i = 0; i < n_inputs; i++)
		layer->inputs[i] = inputs[i];
	snprintf(text, sizeof(text), "%s_%zu", op == NULL ? "input" : op, im->n_layers);
	HML_TRY(hml_arena_strdup(im->arena, text, strlen(text), &copy));
	layer->name = copy;
	*out = im->n_layers++; /* which may be an element of 'inputs' */
	return HML_OK;
}

HmlStatus
hml_import_weight(Import *im, size_t layer, const char *name, const float *values, size_t count)
{
	ImportLayer *l = &im->layers[layer];

	if (l->n_weights == IMPORT_MAX_WEIGHTS)
		return hml_import_refuse(im, "has more than %d parameters", IMPORT_MAX_WEIGHTS);
	l->weights[l->n_weights++] = (ImportWeight){name, values, count};
	return HML_OK;
}

const char *
hml_import_numbers(char text[IMPORT_NUMBERS_SIZE], const size_t *numbers, size_t count)
{
	size_t length = 0;

	for (size_t i = 0; i < count && length < IMPORT_NUMBERS_SIZE - 32; i++)
		length += (size_t) snprintf(text + length, IMPORT_NUMBERS_SIZE - length, "%s%zu", i == 0 ? "[" : ", ",
									numbers[i]);
	snprintf(text + length, IMPORT_NUMBERS_SIZE - length, "]");
	return text;
}

size_t
hml_import_batch_axis(const ImportValue *value)
{
	size_t axis = 0;

	while (value->dims[axis] != ONNX_BATCH)
		axis++;
	return axis;
}

HmlStatus
hml_import_real_layer(Import *im, const ImportValue *value, HmlShape *shape, size_t *layer)
{
	size_t batch = hml_import_batch_axis(value);
	char text[IMPORT_NUMBERS_SIZE];

	*layer = value->layer;
	if (value->n_dims - 1 > HML_MAX_DIMS)
		return hml_import_refuse(im, "needs a tensor of %zu dimensions", value->n_dims);
	shape->n_dims = 0;
	for (size_t i = 0; i < value->n_dims; i++)
		if (i != batch)
			shape->dims[shape->n_dims++] = (size_t) value->dims[i];
	if (shape->n_dims == 0)
		shape->dims[shape->n_dims++] = 1;
	if (hml_shape_equal(shape, &im->layers[*layer].shape))
		return HML_OK;
	return hml_import_add_layer(im, "reshape", &value->layer, 1, shape, layer, ", \"shape\": %s",
								hml_import_numbers(text, shape->dims, shape->n_dims));
}

HmlStatus
hml_import_batch_first(Import *im, const ImportValue *value, HmlShape *shape, size_t *layer)
{
	if (hml_import_batch_axis(value) != 0)
		return hml_import_refuse(im, "needs the batch as the first dimension");
	return hml_import_real_layer(im, value, shape, layer);
}

HmlStatus
hml_import_put(Import *im, size_t layer)
{
	const HmlShape *shape = &im->layers[layer].shape;
	ImportValue value = {.kind = IMPORT_LAYER, .layer = layer, .n_dims = shape->n_dims + 1};

	value.dims[0] = ONNX_BATCH;
	for (size_t i = 0; i < shape->n_dims; i++)
		value.dims[i + 1] = (int64_t) shape->dims[i];
	hml_import_set_output(im, 0, &value);
	return HML_OK;
}

HmlStatus
hml_import_put_like(Import *im, size_t layer, const ImportValue *like)
{
	ImportValue value = *like;

	value.layer = layer;
	hml_import_set_output(im, 0, &value);
	return HML_OK;
}

/* Batch norm with a mean of 0 and a variance of 1 is what the engine has for this. */
HmlStatus
hml_import_affine(Import *im, size_t layer, const float *scale, const float *shift, size_t count, size_t *out)
{
	const HmlShape shape = im->layers[layer].shape;
	size_t channels = shape.dims[0];
	float *values;

	HML_TRY(HML_ARENA_NEW(im->arena, &values, 4 * channels));
	for (size_t i = 0; i < channels; i++)
	{
		values[i] = scale == NULL ? 1 : scale[count == 1 ? 0 : i];
		values[channels + i] = shift == NULL ? 0 : shift[count == 1 ? 0 : i];
		values[2 * channels + i] = 0;
		values[3 * channels + i] = 1;
	}
	HML_TRY(hml_import_add_layer(im, "batch_norm", &layer, 1, &shape, out, ", \"eps\": 1e-9"));
	HML_TRY(hml_import_weight(im, *out, "weight", values, channels));
	HML_TRY(hml_import_weight(im, *out, "bias", values + channels, channels));
	HML_TRY(hml_import_weight(im, *out, "running_mean", values + 2 * channels, channels));
	return hml_import_weight(im, *out, "running_var", values + 3 * channels, channels);
}

HmlStatus
hml_import_transpose(Import *im, size_t layer, const size_t *perm, size_t *out)
{
	const HmlShape from = im->layers[layer].shape;
	HmlShape to = from;
	char text[IMPORT_NUMBERS_SIZE];

	for (size_t i = 0; i < from.n_dims; i++)
		to.dims[i] = from.dims[perm[i]];
	return hml_import_add_layer(im, "transpose", &layer, 1, &to, out, ", \"perm\": %s",
								hml_import_numbers(text, perm, from.n_dims));
}

/* ---- what is needed --------------------------------------------------------------------------------- */

/* The output that is the network's: a tensor of float, or the input of a dictionary of probabilities. */
static HmlStatus
choose_output(Import *im, const char **out)
{
	const OnnxGraph *g = im->graph;

	*out = NULL;
	for (size_t i = 0; i < g->n_outputs && *out == NULL; i++)
	{
		const OnnxValueInfo *info = &g->outputs[i];
		const OnnxNode *producer = hml_import_name(im, info->name)->producer;

		if (producer != NULL && strcmp(producer->op, "ZipMap") == 0 && producer->n_inputs == 1)
			*out = producer->inputs[0];
		else if (info->element == ONNX_FLOAT || info->element == ONNX_DOUBLE)
			*out = info->name;
	}
	if (*out == NULL)
		return hml_fail(im->ctx, HML_UNSUPPORTED, "the ONNX file has no output of type float");
	return HML_OK;
}

/* From the output back to the inputs; nodes are in topological order, or the file is refused later. */
static void
mark_needed(Import *im, const char *output)
{
	const OnnxGraph *g = im->graph;

	hml_import_name(im, output)->is_needed = true;
	hml_import_name(im, output)->n_readers++;
	for (size_t i = g->n_nodes; i-- > 0;)
	{
		const OnnxNode *node = &g->nodes[i];
		bool is_needed = false;

		for (size_t k = 0; k < node->n_outputs; k++)
			is_needed |= node->outputs[k][0] != '\0' && hml_import_name(im, node->outputs[k])->is_needed;
		for (size_t k = 0; k < node->n_inputs && is_needed; k++)
		{
			hml_import_name(im, node->inputs[k])->is_needed = true;
			hml_import_name(im, node->inputs[k])->n_readers++;
		}
	}
}

static bool
node_is_needed(Import *im, const OnnxNode *node)
{
	for (size_t k = 0; k < node->n_outputs; k++)
		if (node->outputs[k][0] != '\0' && hml_import_name(im, node->outputs[k])->is_needed)
			return true;
	return false;
}

/* Whether another node has been imported together with those that make up one operator of ours. */
static bool
node_is_done(Import *im, const OnnxNode *node)
{
	return node->n_outputs > 0 && hml_import_name(im, node->outputs[0])->value.kind != IMPORT_NOTHING;
}

/* ---- the graph -------------------------------------------------------------------------------------- */

static HmlStatus
import_input(Import *im, const OnnxValueInfo *info)
{
	ImportValue value = {.kind = IMPORT_LAYER, .n_dims = info->n_dims};
	HmlShape shape = {0, {0}};

	if (info->element != ONNX_FLOAT && info->element != ONNX_DOUBLE)
		return hml_fail(im->ctx, HML_UNSUPPORTED, "input \"%.60s\" of the ONNX file is not of type float",
						info->name);
	if (info->n_dims < 2 || info->n_dims - 1 > HML_MAX_DIMS)
		return hml_fail(im->ctx, HML_UNSUPPORTED,
						"input \"%.60s\" of the ONNX file has %zu dimensions, not a batch and 1 to %d more",
						info->name, info->n_dims, HML_MAX_DIMS);
	value.dims[0] = ONNX_BATCH;
	for (size_t i = 1; i < info->n_dims; i++)
	{
		if (info->dims[i] <= 0)
			return hml_fail(im->ctx, HML_UNSUPPORTED,
							"dimension %zu of input \"%.60s\" of the ONNX file has no fixed size", i,
							info->name);
		value.dims[i] = info->dims[i];
		shape.dims[shape.n_dims++] = (size_t) info->dims[i];
	}
	value.is_double = info->element == ONNX_DOUBLE;
	if (im->n_layers == 0)
	{
		im->fixed_batch = info->dims[0];
		im->has_double_input = value.is_double;
	}
	HML_TRY(hml_import_add_layer(im, NULL, NULL, 0, &shape, &value.layer, "%s", ""));
	hml_import_name(im, info->name)->value = value;
	return HML_OK;
}

static HmlStatus
import_constants_and_inputs(Import *im)
{
	const OnnxGraph *g = im->graph;
	static const OnnxNode nothing = {.op = "input", .domain = "", .name = ""};

	im->node = &nothing; /* for messages */
	for (size_t i = 0; i < g->n_initializers; i++)
		hml_import_name(im, g->initializers[i].name)->value =
			(ImportValue){.kind = IMPORT_CONSTANT, .tensor = &g->initializers[i]};
	for (size_t i = 0; i < g->n_inputs; i++)
	{
		const ImportName *name = hml_import_name(im, g->inputs[i].name);

		if (name->is_needed && name->value.kind == IMPORT_NOTHING)
			HML_TRY(import_input(im, &g->inputs[i]));
	}
	if (im->n_layers == 0)
		return hml_fail(im->ctx, HML_UNSUPPORTED, "the ONNX file has no input that its output depends on");
	return HML_OK;
}

bool
hml_import_is_private(Import *im, const char *name, size_t readers, const OnnxNode *maker)
{
	for (;;)
	{
		const ImportName *entry = hml_import_name(im, name);

		if (entry->n_readers != readers)
			return false;
		if (entry->producer == maker)
			return true;
		if (entry->producer == NULL || entry->producer->n_inputs == 0)
			return false;
		name = entry->producer->inputs[0];
		readers = 1;
	}
}

/* A word of a list that is separated by spaces. */
static bool
is_listed(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (; list != NULL && *list != '\0'; list += strcspn(list, " "), list += *list == ' ')
		if (strncmp(list, word, length) == 0 && (list[length] == ' ' || list[length] == '\0'))
			return true;
	return false;
}

/* What old exporters wrote of memory, which says nothing about numbers. */
#define MEMORY_HINT "consumed_inputs"

static HmlStatus
check_node(Import *im, const char *attributes, const char *domain)
{
	const OnnxNode *node = im->node;
	const char *own = strcmp(node->domain, "ai.onnx") == 0 ? "" : node->domain;

	if (strcmp(own, domain == NULL ? "" : domain) != 0)
		return hml_import_refuse(im, "is of domain \"%.60s\", which the engine does not know", node->domain);
	for (size_t i = 0; i < node->n_attributes; i++)
		if (!is_listed(attributes, node->attributes[i].name) &&
			strcmp(node->attributes[i].name, MEMORY_HINT) != 0)
			return hml_import_refuse(im, "has an attribute \"%.60s\", which is not understood",
									 node->attributes[i].name);
	return HML_OK;
}

static HmlStatus
import_node(Import *im, const OnnxNode *node)
{
	static const ImportOp *const tables[] = {hml_import_layer_ops, hml_import_shape_ops,
											 hml_import_arithmetic_ops, hml_import_sequence_ops,
											 hml_import_scaling_ops};

	im->node = node;
	for (size_t i = 0; hml_ops[i] != NULL; i++)
		if (hml_ops[i]->onnx != NULL && strcmp(hml_ops[i]->onnx, node->op) == 0)
		{
			HML_TRY(check_node(im, NULL, NULL));
			return hml_import_each_number(im, hml_ops[i]->name, "");
		}
	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
		for (const ImportOp *op = tables[t]; op->name != NULL; op++)
			if (strcmp(op->name, node->op) == 0)
			{
				HML_TRY(check_node(im, op->attributes, op->domain));
				return op->import(im);
			}
	return hml_import_refuse(im, "is not one that the engine has");
}

static HmlStatus
import_graph(Import *im, ImportClasses *classes)
{
	const OnnxGraph *g = im->graph;
	const char *output;
	ImportValue value;
	HmlShape shape;

	for (size_t i = 0; i < g->n_nodes; i++)
		for (size_t k = 0; k < g->nodes[i].n_outputs; k++)
			hml_import_name(im, g->nodes[i].outputs[k])->producer = &g->nodes[i];
	HML_TRY(choose_output(im, &output));
	HML_TRY(hml_import_classes(im, &output, classes));
	mark_needed(im, output);
	HML_TRY(import_constants_and_inputs(im));
	for (size_t i = 0; i < g->n_nodes; i++)
	{
		HML_TRY(hml_poll(im->ctx));
		if (node_is_needed(im, &g->nodes[i]) && !node_is_done(im, &g->nodes[i]))
			HML_TRY(import_node(im, &g->nodes[i]));
	}
	value = hml_import_name(im, output)->value;
	if (value.kind != IMPORT_LAYER)
		return hml_fail(im->ctx, HML_UNSUPPORTED, "the output of the ONNX file does not depend on its input");
	if (value.is_double && im->layers[value.layer].op == NULL)
		return hml_fail(im->ctx, HML_UNSUPPORTED, "the output of the ONNX file is its input in float64");
	HML_TRY(hml_import_batch_first(im, &value, &shape, &im->output));
	if (im->layers[im->output].op != NULL)
		return HML_OK;
	/* a network that does nothing has a layer nonetheless */
	return hml_import_add_layer(im, "dropout", &im->output, 1, &shape, &im->output, "%s", "");
}

/* ---- the file ---------------------------------------------------------------------------------------- */

static HmlStatus
read_into(Import *im, HmlArena *arena, const void *bytes, size_t length, HmlOnnxImport *out)
{
	ImportClasses classes = {0};
	OnnxGraph *graph;

	HML_TRY(HML_ARENA_NEW(im->arena, &graph, 1));
	HML_TRY(hml_onnx_parse(im->arena, bytes, length, graph));
	im->graph = graph;
	im->max_layers = LAYERS_PER_NODE * (graph->n_nodes + graph->n_inputs) + 8;
	if (im->max_layers > LAYERS_PER_NODE * HML_MAX_LAYERS)
		im->max_layers = LAYERS_PER_NODE * HML_MAX_LAYERS;
	HML_TRY(make_names(im));
	HML_TRY(HML_ARENA_NEW(im->arena, &im->layers, im->max_layers));
	HML_TRY(import_graph(im, &classes));
	return hml_import_network(im, arena, &classes, out);
}

HmlStatus
hml_onnx_read(HmlArena *arena, const void *bytes, size_t length, HmlOnnxImport *out)
{
	Import im = {.ctx = hml_arena_context(arena)};
	HmlStatus status;

	memset(out, 0, sizeof(*out));
	HML_TRY(hml_arena_create(im.ctx, &im.arena));
	status = read_into(&im, arena, bytes, length, out);
	hml_arena_free(im.arena);
	return status;
}
