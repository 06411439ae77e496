/*
 * onnx_import_network.c
 *	  The network that the layers of an ONNX graph make up.
 *
 * The layers become a specification, and the network is built from it as from any other.
 */
#include <string.h>

#include "core/nn/onnx/onnx_import.h"

/* Inputs of the network stay, whether they are needed or not. */
static void
mark_layers(Import *im)
{
	im->layers[im->output].is_needed = true;
	for (size_t i = im->n_layers; i-- > 0;)
	{
		ImportLayer *layer = &im->layers[i];

		layer->is_needed |= layer->op == NULL;
		for (size_t k = 0; k < layer->n_inputs && layer->is_needed; k++)
			im->layers[layer->inputs[k]].is_needed = true;
	}
}

static void
write_input(const ImportLayer *layer, bool is_first, HmlText *text)
{
	hml_text_addf(text, "%s\"%s\": [", is_first ? "" : ", ", layer->name);
	for (size_t i = 0; i < layer->shape.n_dims; i++)
		hml_text_addf(text, "%s%zu", i == 0 ? "" : ", ", layer->shape.dims[i]);
	hml_text_add(text, "]");
}

static void
write_layer(const Import *im, const ImportLayer *layer, bool is_first, HmlText *text)
{
	hml_text_addf(text, "%s{\"op\": \"%s\", \"name\": \"%s\", \"inputs\": [", is_first ? "" : ", ", layer->op,
				  layer->name);
	for (size_t k = 0; k < layer->n_inputs; k++)
		hml_text_addf(text, "%s\"%s\"", k == 0 ? "" : ", ", im->layers[layer->inputs[k]].name);
	hml_text_addf(text, "]%s}", layer->attributes);
}

static void
write_spec(const Import *im, HmlText *text)
{
	bool is_first = true;

	hml_text_add(text, "{\"inputs\": {");
	for (size_t i = 0; i < im->n_layers; i++)
		if (im->layers[i].op == NULL)
		{
			write_input(&im->layers[i], is_first, text);
			is_first = false;
		}
	hml_text_add(text, "}, \"layers\": [");
	is_first = true;
	for (size_t i = 0; i < im->n_layers; i++)
		if (im->layers[i].op != NULL && im->layers[i].is_needed)
		{
			write_layer(im, &im->layers[i], is_first, text);
			is_first = false;
		}
	hml_text_addf(text, "], \"output\": \"%s\"}", im->layers[im->output].name);
}

static HmlStatus
copy_weight(Import *im, const HmlNode *node, const ImportWeight *weight, float *weights)
{
	for (size_t i = 0; i < node->n_parameters; i++)
		if (strcmp(node->parameters[i].name, weight->name) == 0)
		{
			if (node->parameters[i].size != weight->count)
				return hml_fail(im->ctx, HML_CORRUPT, "\"%s\" of layer \"%s\" has %zu numbers, not %zu",
								weight->name, node->name, weight->count, node->parameters[i].size);
			memcpy(weights + node->parameters[i].offset, weight->values, weight->count * sizeof(float));
			return HML_OK;
		}
	return hml_fail(im->ctx, HML_INTERNAL, "layer \"%s\" has no \"%s\"", node->name, weight->name);
}

static HmlStatus
copy_weights(Import *im, const HmlNetwork *network, float *weights)
{
	for (size_t i = 0; i < im->n_layers; i++)
	{
		const ImportLayer *layer = &im->layers[i];

		for (size_t k = 0; k < layer->n_weights && layer->is_needed; k++)
			HML_TRY(copy_weight(im, hml_network_find(network, layer->name), &layer->weights[k], weights));
	}
	return hml_network_check_weights(im->ctx, network, weights, HML_INVALID_DATA);
}

static HmlStatus
copy_numbers(HmlArena *arena, const double *from, size_t n, double **out)
{
	if (from == NULL)
		return HML_OK;
	HML_TRY(HML_ARENA_NEW(arena, out, n));
	memcpy(*out, from, n * sizeof(double));
	return HML_OK;
}

static HmlStatus
copy_labels(HmlArena *arena, const ImportClasses *classes, HmlOnnxImport *out)
{
	out->is_pair = classes->is_pair;
	out->n_labels = classes->n_labels;
	HML_TRY(HML_ARENA_NEW(arena, &out->labels, classes->n_labels));
	for (size_t i = 0; i < classes->n_labels; i++)
	{
		char *copy;

		HML_TRY(hml_arena_strdup(arena, classes->labels[i], strlen(classes->labels[i]), &copy));
		out->labels[i] = copy;
	}
	return HML_OK;
}

HmlStatus
hml_import_network(Import *im, HmlArena *arena, const ImportClasses *classes, HmlOnnxImport *out)
{
	HmlText text;
	float *weights;
	size_t n;

	mark_layers(im);
	hml_text_init(&text, im->ctx);
	write_spec(im, &text);
	HML_TRY(hml_network_parse_text(arena, &text, &out->network));
	HML_TRY(HML_ARENA_NEW_ZERO(arena, &weights, out->network->n_weights));
	out->weights = weights;
	HML_TRY(copy_weights(im, out->network, weights));
	n = hml_shape_size(&out->network->nodes[0].shape);
	HML_TRY(copy_labels(arena, classes, out));
	HML_TRY(copy_numbers(arena, im->fill, n, &out->fill));
	HML_TRY(copy_numbers(arena, im->offset, n, &out->offset));
	return copy_numbers(arena, im->scale, n, &out->scale);
}
