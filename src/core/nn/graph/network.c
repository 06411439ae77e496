/*
 * network.c
 *	  What is done with a network once it is built: initial weights, text, bytes.
 */
#include "core/nn/graph/network.h"

#include <math.h>
#include <string.h>

#include "core/nn/graph/streams.h"

const HmlNode *
hml_network_find(const HmlNetwork *network, const char *name)
{
	for (size_t i = 0; i < network->n_nodes; i++)
		if (strcmp(network->nodes[i].name, name) == 0)
			return &network->nodes[i];
	return NULL;
}

/* ---- initial weights ------------------------------------------------------------------------------- */

#define VALUES_BETWEEN_POLLS 65536

static HmlStatus
init_parameter(HmlContext *ctx, const HmlParameter *parameter, HmlRng *rng, float *values)
{
	for (size_t i = 0; i < parameter->size; i++)
	{
		if (i % VALUES_BETWEEN_POLLS == 0)
			HML_TRY(hml_poll(ctx));
		switch (parameter->init)
		{
			case HML_INIT_ZEROS:
				values[i] = 0;
				break;
			case HML_INIT_ONES:
				values[i] = 1;
				break;
			case HML_INIT_UNIFORM:
				values[i] = (float) ((2 * hml_rng_uniform(rng) - 1) * (double) parameter->scale);
				break;
			case HML_INIT_NORMAL:
				values[i] = (float) (hml_rng_normal(rng) * (double) parameter->scale);
				break;
		}
	}
	return HML_OK;
}

HmlStatus
hml_network_init(const HmlNetwork *network, uint64_t seed, float *weights)
{
	HmlRng rng;

	hml_rng_seed_stream(&rng, seed, HML_STREAM_WEIGHTS);
	for (size_t i = 0; i < network->n_nodes; i++)
		for (size_t k = 0; k < network->nodes[i].n_parameters; k++)
		{
			const HmlParameter *parameter = &network->nodes[i].parameters[k];

			HML_TRY(init_parameter(hml_arena_context(network->arena), parameter, &rng,
								   weights + parameter->offset));
		}
	return HML_OK;
}

/* ---- text ------------------------------------------------------------------------------------------ */

static void
add_numbers(HmlText *text, const double *numbers, size_t count)
{
	for (size_t i = 0; i < count; i++)
	{
		hml_text_add(text, i == 0 ? "[" : ",");
		hml_text_add_json_number(text, numbers[i]);
	}
	hml_text_add(text, "]");
}

static void
add_shape(HmlText *text, const HmlShape *shape)
{
	for (size_t i = 0; i < shape->n_dims; i++)
		hml_text_addf(text, "%c%zu", i == 0 ? '[' : ',', shape->dims[i]);
	hml_text_add(text, "]");
}

static void
add_choice(HmlText *text, const char *choices, size_t number)
{
	for (; number > 0; number--)
		choices += strcspn(choices, "|") + 1;
	hml_text_add(text, "\"");
	hml_text_add_bytes(text, choices, strcspn(choices, "|"));
	hml_text_add(text, "\"");
}

static void
add_attribute(HmlText *text, const HmlAttrSpec *spec, const HmlAttr *attr)
{
	if (attr->count == 0 && spec->type != HML_ATTR_PADDING)
		return;
	hml_text_addf(text, ",\"%s\":", spec->name);
	if (attr->count == 0)
		hml_text_add(text, "\"same\"");
	else if (spec->type == HML_ATTR_BOOLEAN)
		hml_text_add(text, attr->numbers[0] != 0 ? "true" : "false");
	else if (spec->type == HML_ATTR_CHOICE)
		add_choice(text, spec->choices, (size_t) attr->numbers[0]);
	else if (attr->count > 1 || spec->type == HML_ATTR_INTEGERS)
		add_numbers(text, attr->numbers, attr->count);
	else
		hml_text_add_json_number(text, attr->numbers[0]);
}

/* The inputs need no mention where they are what a layer gets by default. */
static void
add_inputs(HmlText *text, const HmlNetwork *network, size_t number)
{
	const HmlNode *node = &network->nodes[number];
	bool is_ambiguous = number == network->n_inputs && network->n_inputs > 1;

	if (node->n_inputs == 1 && node->inputs[0] == number - 1 && !is_ambiguous)
		return;
	hml_text_add(text, ",\"inputs\":");
	for (size_t i = 0; i < node->n_inputs; i++)
	{
		hml_text_add(text, i == 0 ? "[" : ",");
		hml_text_add_json_string(text, network->nodes[node->inputs[i]].name);
	}
	hml_text_add(text, "]");
}

static void
add_layer(HmlText *text, const HmlNetwork *network, size_t number)
{
	const HmlNode *node = &network->nodes[number];

	hml_text_addf(text, "{\"op\":\"%s\",\"name\":", node->op->name);
	hml_text_add_json_string(text, node->name);
	add_inputs(text, network, number);
	for (size_t i = 0; node->op->attrs[i].name != NULL; i++)
		add_attribute(text, &node->op->attrs[i], &node->attrs[i]);
	hml_text_add(text, "}");
}

/* Every attribute is written out, so that a changed default does not change a stored network. */
void
hml_network_spec(const HmlNetwork *network, HmlText *text)
{
	hml_text_add(text, "{\"inputs\":");
	for (size_t i = 0; i < network->n_inputs; i++)
	{
		hml_text_add(text, i == 0 ? "{" : ",");
		hml_text_add_json_string(text, network->nodes[i].name);
		hml_text_add(text, ":");
		add_shape(text, &network->nodes[i].shape);
	}
	hml_text_add(text, "},\"layers\":[");
	for (size_t i = network->n_inputs; i < network->n_nodes; i++)
	{
		if (i > network->n_inputs)
			hml_text_add(text, ",");
		add_layer(text, network, i);
	}
	hml_text_add(text, "],\"output\":");
	hml_text_add_json_string(text, network->nodes[network->output].name);
	hml_text_add(text, "}");
}

/* ---- bytes ----------------------------------------------------------------------------------------- */

void
hml_network_write(const HmlNetwork *network, const float *weights, HmlWriter *writer)
{
	HmlText text;
	const char *spec;

	hml_text_init(&text, writer->ctx);
	hml_network_spec(network, &text);
	if (hml_text_finish(&text, &spec) != HML_OK)
		writer->status = writer->status == HML_OK ? text.status : writer->status;
	else
	{
		hml_write_text(writer, spec, strlen(spec));
		hml_write_u32(writer, (uint32_t) network->n_weights);
		hml_write_f32_array(writer, weights, network->n_weights);
	}
	hml_text_free(&text);
}

static HmlStatus
check_parameter(HmlContext *ctx, const HmlNode *node, const HmlParameter *parameter, const float *weights,
				HmlStatus status)
{
	for (size_t i = 0; i < parameter->size; i++)
	{
		float weight = weights[parameter->offset + i];

		if (!isfinite(weight))
			return hml_fail(ctx, status, "weight %zu, in layer \"%s\", is not finite",
							parameter->offset + i + 1, node->name);
		if (parameter->is_variance && weight < 0)
			return hml_fail(ctx, status, "layer \"%s\" has the negative variance %g", node->name,
							(double) weight);
	}
	return HML_OK;
}

HmlStatus
hml_network_check_weights(HmlContext *ctx, const HmlNetwork *network, const float *weights, HmlStatus status)
{
	for (size_t i = 0; i < network->n_nodes; i++)
	{
		const HmlNode *node = &network->nodes[i];

		for (size_t p = 0; p < node->n_parameters; p++)
			HML_TRY(check_parameter(ctx, node, &node->parameters[p], weights, status));
	}
	return HML_OK;
}

HmlStatus
hml_network_read(HmlArena *arena, HmlReader *reader, HmlNetwork **network, float **weights)
{
	const char *spec;
	size_t length;
	size_t count;

	HML_TRY(hml_read_text(reader, &spec, &length));
	HML_TRY(hml_network_parse(arena, spec, length, network));
	HML_TRY(hml_read_count(reader, sizeof(float), HML_MAX_WEIGHTS, &count));
	if (count != (*network)->n_weights)
		return hml_fail(reader->ctx, HML_CORRUPT, "%s has %zu weights for a network of %zu", reader->what,
						count, (*network)->n_weights);
	HML_TRY(HML_ARENA_NEW(arena, weights, count));
	HML_TRY(hml_read_f32_array(reader, *weights, count));
	return hml_network_check_weights(reader->ctx, *network, *weights, HML_CORRUPT);
}
