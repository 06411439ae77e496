/*
 * onnx_import_labels.c
 *	  What an ONNX file says of the classes of its output.
 *
 * Converters of classifiers write the labels into the file: as keys of the dictionary
 * that ZipMap makes of the probabilities, or as a list of which the largest probability
 * chooses one.
 */
#include <stdio.h>
#include <string.h>

#include "core/nn/onnx/onnx_import.h"

#define LABEL_SIZE 32 /* of a number */

/* The node that makes a name, seen through nodes that pass their input on. */
static const OnnxNode *
maker_of(Import *im, const char *name)
{
	const OnnxNode *node = hml_import_name(im, name)->producer;

	while (node != NULL && node->n_inputs == 1 &&
		   (strcmp(node->op, "Identity") == 0 || strcmp(node->op, "Cast") == 0))
		node = hml_import_name(im, node->inputs[0])->producer;
	return node;
}

static bool
is_op(const OnnxNode *node, const char *op, size_t n_inputs)
{
	return node != NULL && strcmp(node->op, op) == 0 && node->n_inputs == n_inputs;
}

static const OnnxTensor *
constant_of(const Import *im, const char *name)
{
	for (size_t i = 0; i < im->graph->n_initializers; i++)
		if (strcmp(im->graph->initializers[i].name, name) == 0)
			return &im->graph->initializers[i];
	return NULL;
}

/* ---- (1 - p, p) ------------------------------------------------------------------------------------- */

static bool
is_one(const Import *im, const char *name)
{
	const OnnxTensor *one = constant_of(im, name);

	return one != NULL && one->floats != NULL && one->count == 1 && one->n_dims <= 1 && one->floats[0] == 1;
}

/* Joined along the last of two dimensions: a Concat of rows would be of another axis, and is none of 1 - p and p. */
static bool
joins_columns(const OnnxNode *concat)
{
	return concat->n_attributes == 1 && strcmp(concat->attributes[0].name, "axis") == 0 &&
		   (concat->attributes[0].i == 1 || concat->attributes[0].i == -1);
}

static void
find_pair(Import *im, const char **output, ImportClasses *out)
{
	const OnnxNode *concat = maker_of(im, *output);
	const OnnxNode *rest;

	if (!is_op(concat, "Concat", 2) || !joins_columns(concat))
		return;
	rest = hml_import_name(im, concat->inputs[0])->producer;
	out->is_pair = is_op(rest, "Sub", 2) && is_one(im, rest->inputs[0]) &&
				   strcmp(rest->inputs[1], concat->inputs[1]) == 0;
	if (out->is_pair)
		*output = concat->inputs[1];
}

/* ---- labels ----------------------------------------------------------------------------------------- */

static HmlStatus
number_labels(Import *im, const int64_t *numbers, size_t n, ImportClasses *out)
{
	const char **labels;

	HML_TRY(HML_ARENA_NEW(im->arena, &labels, n));
	for (size_t i = 0; i < n; i++)
	{
		char text[LABEL_SIZE];
		char *copy;
		int length = snprintf(text, sizeof(text), "%lld", (long long) numbers[i]);

		HML_TRY(hml_arena_strdup(im->arena, text, (size_t) length, &copy));
		labels[i] = copy;
	}
	out->labels = labels;
	out->n_labels = n;
	return HML_OK;
}

static HmlStatus
read_zip_map(Import *im, const OnnxNode *node, ImportClasses *out)
{
	for (size_t i = 0; i < node->n_attributes; i++)
	{
		const OnnxAttribute *attribute = &node->attributes[i];

		if (strcmp(attribute->name, "classlabels_int64s") == 0 && attribute->n_ints > 0)
			return number_labels(im, attribute->ints, attribute->n_ints, out);
		if (strcmp(attribute->name, "classlabels_strings") == 0 && attribute->n_strings > 0)
		{
			out->labels = attribute->strings;
			out->n_labels = attribute->n_strings;
		}
	}
	return HML_OK;
}

/* A list from which the place of the largest probability takes one. */
static HmlStatus
read_choice(Import *im, const OnnxNode *node, ImportClasses *out)
{
	const OnnxTensor *list = constant_of(im, node->inputs[0]);

	if (list == NULL)
		return HML_OK;
	if (list->integers != NULL)
		return number_labels(im, list->integers, list->count, out);
	if (list->strings != NULL)
	{
		out->labels = list->strings;
		out->n_labels = list->count;
	}
	return HML_OK;
}

/* Whether two names are the same numbers, each seen through nodes that pass their input on. */
static bool
is_same(Import *im, const char *a, const char *b)
{
	return strcmp(a, b) == 0 || (maker_of(im, a) != NULL && maker_of(im, a) == maker_of(im, b));
}

static HmlStatus
find_labels(Import *im, const char *output, ImportClasses *out)
{
	const OnnxGraph *g = im->graph;

	for (size_t i = 0; i < g->n_nodes && out->n_labels == 0; i++)
	{
		const OnnxNode *node = &g->nodes[i];

		if (is_op(node, "ZipMap", 1) && is_same(im, node->inputs[0], output))
			HML_TRY(read_zip_map(im, node, out));
		if (is_op(node, "ArrayFeatureExtractor", 2) || is_op(node, "Gather", 2))
		{
			const OnnxNode *largest = maker_of(im, node->inputs[1]);

			if (is_op(largest, "ArgMax", 1) && is_same(im, largest->inputs[0], output))
				HML_TRY(read_choice(im, node, out));
		}
	}
	return HML_OK;
}

HmlStatus
hml_import_classes(Import *im, const char **output, ImportClasses *out)
{
	*out = (ImportClasses){0};
	HML_TRY(find_labels(im, *output, out));
	find_pair(im, output, out);
	return HML_OK;
}
