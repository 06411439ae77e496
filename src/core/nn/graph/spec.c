/*
 * spec.c
 *	  From a JSON specification to a network.
 *
 * First every layer becomes a draft, whose name and inputs are settled; then the
 * drafts are put in topological order, keeping the order of the document where
 * it is one; then each becomes a node, by its operator's shape rule.
 */
#include <stdio.h>
#include <string.h>

#include "core/nn/graph/builder.h"

#define MAX_NAME_LENGTH 63

typedef struct Draft
{
	const char *name;
	const HmlOp *op;     /* NULL = an input of the network */
	const HmlJson *json; /* the layer, or the shape of the input */
	size_t n_inputs;
	size_t inputs[HML_MAX_OP_INPUTS]; /* numbers of drafts */
	bool is_placed;
	size_t node; /* number of the node that it becomes, once placed */
} Draft;

typedef struct Drafts
{
	HmlContext *ctx;
	HmlArena *arena;
	size_t n_inputs; /* the first drafts are the inputs of the network */
	size_t count;
	Draft *items;
	size_t *order; /* (count) draft of each node */
	size_t output; /* draft */
} Drafts;

/* ---- names ----------------------------------------------------------------------------------------- */

static bool
find_draft(const Drafts *drafts, const char *name, size_t *out)
{
	for (size_t i = 0; i < drafts->count; i++)
		if (drafts->items[i].name != NULL && strcmp(drafts->items[i].name, name) == 0)
		{
			*out = i;
			return true;
		}
	return false;
}

static HmlStatus
set_name(Drafts *drafts, Draft *draft, const char *name)
{
	size_t other;
	size_t length = strlen(name);

	if (length == 0 || length > MAX_NAME_LENGTH)
		return hml_fail(drafts->ctx, HML_INVALID_ARGUMENT,
						"the name of a layer must have 1 to %d bytes, not %zu", MAX_NAME_LENGTH, length);
	if (find_draft(drafts, name, &other))
		return hml_fail(drafts->ctx, HML_INVALID_ARGUMENT, "the name \"%s\" is used twice in the network",
						name);
	draft->name = name;
	return HML_OK;
}

/* "dense_2" for the second dense layer of the document, or the next number that is free. */
static HmlStatus
set_default_name(Drafts *drafts, Draft *draft)
{
	char name[MAX_NAME_LENGTH + 1];
	char *copy;
	int number = 1;
	size_t taken;

	for (const Draft *other = drafts->items; other < draft; other++)
		number += other->op == draft->op;
	do
		snprintf(name, sizeof(name), "%s_%d", draft->op->name, number++);
	while (find_draft(drafts, name, &taken));
	HML_TRY(hml_arena_strdup(drafts->arena, name, strlen(name), &copy));
	return set_name(drafts, draft, copy);
}

/* ---- drafts ---------------------------------------------------------------------------------------- */

static HmlStatus
check_members(HmlContext *ctx, const HmlJson *spec)
{
	static const char *const known[] = {"input", "inputs", "layers", "output"};

	if (spec->type != HML_JSON_OBJECT)
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "a network must be a JSON object, but is of type %s",
						hml_json_type_name(spec->type));
	for (size_t i = 0; i < spec->count; i++)
	{
		size_t k = 0;

		while (k < 4 && strcmp(spec->items[i].key, known[k]) != 0)
			k++;
		if (k == 4)
		{
			hml_fail(ctx, HML_UNDEFINED, "a network has no member \"%s\"", spec->items[i].key);
			return hml_hint(ctx, "Its members are \"input\" or \"inputs\", \"layers\" and \"output\".");
		}
	}
	return HML_OK;
}

static HmlStatus
count_drafts(Drafts *drafts, const HmlJson *spec)
{
	const HmlJson *input = hml_json_get(spec, "input");
	const HmlJson *inputs = hml_json_get(spec, "inputs");
	const HmlJson *layers = hml_json_get(spec, "layers");

	if ((input == NULL) == (inputs == NULL))
		return hml_fail(drafts->ctx, HML_INVALID_ARGUMENT,
						"a network must have either \"input\", a shape, or \"inputs\", an object of shapes");
	if (inputs != NULL &&
		(inputs->type != HML_JSON_OBJECT || inputs->count == 0 || inputs->count > HML_MAX_NETWORK_INPUTS))
		return hml_fail(drafts->ctx, HML_INVALID_ARGUMENT,
						"\"inputs\" of a network must be an object with 1 to %d shapes",
						HML_MAX_NETWORK_INPUTS);
	if (layers == NULL || layers->type != HML_JSON_ARRAY || layers->count == 0)
		return hml_fail(drafts->ctx, HML_INVALID_ARGUMENT,
						"a network must have \"layers\", an array of at least one layer");
	if (layers->count > HML_MAX_LAYERS)
		return hml_fail(drafts->ctx, HML_LIMIT, "a network must have at most %d layers, not %zu",
						HML_MAX_LAYERS, layers->count);
	drafts->n_inputs = input != NULL ? 1 : inputs->count;
	drafts->count = drafts->n_inputs + layers->count;
	return HML_OK;
}

static HmlStatus
draft_inputs(Drafts *drafts, const HmlJson *spec)
{
	const HmlJson *inputs = hml_json_get(spec, "inputs");

	for (size_t i = 0; i < drafts->n_inputs; i++)
	{
		Draft *draft = &drafts->items[i];

		draft->json = inputs != NULL ? &inputs->items[i] : hml_json_get(spec, "input");
		HML_TRY(set_name(drafts, draft, inputs != NULL ? inputs->items[i].key : "input"));
	}
	return HML_OK;
}

static HmlStatus
unknown_operator(HmlContext *ctx, size_t number, const char *name)
{
	char known[HML_MESSAGE_SIZE] = "";
	size_t length = 0;

	for (size_t i = 0; hml_ops[i] != NULL && length < sizeof(known); i++)
		length += (size_t) snprintf(known + length, sizeof(known) - length, "%s%s", i == 0 ? "" : ", ",
									hml_ops[i]->name);
	hml_fail(ctx, HML_UNDEFINED, "unknown operator \"%.100s\" in layer %zu", name, number);
	return hml_hint(ctx, "The operators are %s.", known);
}

static HmlStatus
draft_layer(Drafts *drafts, Draft *draft, size_t number, const HmlJson *json)
{
	const HmlJson *op = hml_json_get(json, "op");
	const HmlJson *name = hml_json_get(json, "name");

	draft->json = json;
	if (op == NULL || op->type != HML_JSON_STRING)
		return hml_fail(drafts->ctx, HML_INVALID_ARGUMENT,
						"layer %zu must be an object with \"op\", the name of an operator", number);
	draft->op = hml_op_find(op->string);
	if (draft->op == NULL)
		return unknown_operator(drafts->ctx, number, op->string);
	if (name == NULL)
		return HML_OK;
	if (name->type != HML_JSON_STRING)
		return hml_fail(drafts->ctx, HML_INVALID_ARGUMENT,
						"\"name\" of layer %zu must be a string, but is of type %s", number,
						hml_json_type_name(name->type));
	return set_name(drafts, draft, name->string);
}

/* Names that are given come first: a default one gives way to them. */
static HmlStatus
draft_layers(Drafts *drafts, const HmlJson *layers)
{
	Draft *first = drafts->items + drafts->n_inputs;

	for (size_t i = 0; i < layers->count; i++)
		HML_TRY(draft_layer(drafts, first + i, i + 1, &layers->items[i]));
	for (size_t i = 0; i < layers->count; i++)
		if (first[i].name == NULL)
			HML_TRY(set_default_name(drafts, first + i));
	return HML_OK;
}

/* ---- connections ----------------------------------------------------------------------------------- */

static HmlStatus
connect(Drafts *drafts, Draft *draft, const HmlJson *reference)
{
	size_t source;

	if (reference->type != HML_JSON_STRING)
		return hml_fail(drafts->ctx, HML_INVALID_ARGUMENT,
						"\"inputs\" of layer \"%s\" must be names of layers, not of type %s", draft->name,
						hml_json_type_name(reference->type));
	if (!find_draft(drafts, reference->string, &source))
		return hml_fail(drafts->ctx, HML_UNDEFINED,
						"layer \"%s\" takes its input from \"%.100s\", which is neither a layer nor an input",
						draft->name, reference->string);
	draft->inputs[draft->n_inputs++] = source;
	return HML_OK;
}

static HmlStatus
connect_default(Drafts *drafts, Draft *draft)
{
	size_t number = (size_t) (draft - drafts->items);

	if (number == drafts->n_inputs && drafts->n_inputs > 1)
		return hml_fail(drafts->ctx, HML_INVALID_ARGUMENT,
						"layer \"%s\" must say which of the network's inputs it takes, in \"inputs\"",
						draft->name);
	draft->inputs[draft->n_inputs++] = number - 1;
	return HML_OK;
}

static HmlStatus
connect_layer(Drafts *drafts, Draft *draft)
{
	const HmlJson *inputs = hml_json_get(draft->json, "inputs");
	size_t count = inputs == NULL || inputs->type != HML_JSON_ARRAY ? 1 : inputs->count;

	if (count < draft->op->min_inputs || count > draft->op->max_inputs)
		return hml_fail(drafts->ctx, HML_INVALID_ARGUMENT,
						"layer \"%s\": operator \"%s\" takes %zu to %zu inputs, not %zu", draft->name,
						draft->op->name, draft->op->min_inputs, draft->op->max_inputs, count);
	if (inputs == NULL)
		return connect_default(drafts, draft);
	if (inputs->type != HML_JSON_ARRAY)
		return connect(drafts, draft, inputs);
	for (size_t i = 0; i < count; i++)
		HML_TRY(connect(drafts, draft, &inputs->items[i]));
	return HML_OK;
}

static HmlStatus
connect_output(Drafts *drafts, const HmlJson *output)
{
	drafts->output = drafts->count - 1;
	if (output == NULL)
		return HML_OK;
	if (output->type != HML_JSON_STRING || !find_draft(drafts, output->string, &drafts->output) ||
		drafts->items[drafts->output].op == NULL)
		return hml_fail(drafts->ctx, HML_UNDEFINED, "\"output\" of a network must be the name of a layer");
	return HML_OK;
}

/* Every layer must have a reader or be the output. */
static HmlStatus
check_all_used(const Drafts *drafts)
{
	for (size_t i = 0; i < drafts->count; i++)
	{
		bool used = i == drafts->output;

		for (size_t j = drafts->n_inputs; j < drafts->count && !used; j++)
			for (size_t k = 0; k < drafts->items[j].n_inputs; k++)
				used |= drafts->items[j].inputs[k] == i;
		if (!used)
			return hml_fail(drafts->ctx, HML_INVALID_ARGUMENT, "%s \"%s\" is used by no other layer",
							i < drafts->n_inputs ? "input" : "layer", drafts->items[i].name);
	}
	return HML_OK;
}

/* ---- order ----------------------------------------------------------------------------------------- */

static const Draft *
first_open_input(const Drafts *drafts, const Draft *draft)
{
	for (size_t i = 0; i < draft->n_inputs; i++)
		if (!drafts->items[draft->inputs[i]].is_placed)
			return &drafts->items[draft->inputs[i]];
	return NULL;
}

/* No draft that is left can be placed, so that going upstream from any of them ends in a circle. */
static HmlStatus
report_cycle(const Drafts *drafts)
{
	const Draft *draft = drafts->items;

	while (draft->is_placed)
		draft++;
	for (size_t i = 0; i < drafts->count; i++)
		draft = first_open_input(drafts, draft);
	return hml_fail(drafts->ctx, HML_INVALID_ARGUMENT, "the network has a cycle through layer \"%s\"",
					draft->name);
}

static HmlStatus
sort_drafts(Drafts *drafts)
{
	size_t placed = 0;
	size_t before;

	HML_TRY(HML_ARENA_NEW(drafts->arena, &drafts->order, drafts->count));
	do
	{
		before = placed;
		for (size_t i = 0; i < drafts->count; i++)
		{
			Draft *draft = &drafts->items[i];

			if (draft->is_placed || first_open_input(drafts, draft) != NULL)
				continue;
			draft->is_placed = true;
			draft->node = placed;
			drafts->order[placed++] = i;
		}
	} while (placed > before && placed < drafts->count);
	return placed == drafts->count ? HML_OK : report_cycle(drafts);
}

/* ---- nodes ----------------------------------------------------------------------------------------- */

static HmlStatus
read_input_shape(HmlContext *ctx, const Draft *draft, HmlShape *out)
{
	const HmlJson *json = draft->json;

	out->n_dims = json->type == HML_JSON_ARRAY ? json->count : 0;
	for (size_t i = 0; i < out->n_dims && i < HML_MAX_DIMS; i++)
	{
		double number = json->items[i].type == HML_JSON_NUMBER ? json->items[i].number : 0;

		out->dims[i] = number >= 1 && number <= (double) HML_MAX_SAMPLE_SIZE ? (size_t) number : 0;
		if ((double) out->dims[i] != number)
			out->dims[i] = 0;
	}
	if (hml_shape_is_valid(out))
		return HML_OK;
	return hml_fail(ctx, HML_INVALID_ARGUMENT,
					"the shape of input \"%s\" must be an array of 1 to %d whole numbers from 1, with a "
					"product of at most %zu",
					draft->name, HML_MAX_DIMS, HML_MAX_SAMPLE_SIZE);
}

static HmlStatus
connect_node(HmlBuilder *builder, const Drafts *drafts, const Draft *draft, HmlNode *node)
{
	HmlNode *nodes = builder->network->nodes;
	HmlShape *shapes;
	size_t *inputs;

	HML_TRY(HML_ARENA_NEW(builder->arena, &inputs, draft->n_inputs));
	HML_TRY(HML_ARENA_NEW(builder->arena, &shapes, draft->n_inputs));
	for (size_t i = 0; i < draft->n_inputs; i++)
	{
		inputs[i] = drafts->items[draft->inputs[i]].node;
		shapes[i] = nodes[inputs[i]].shape;
		nodes[inputs[i]].n_readers++;
	}
	node->n_inputs = draft->n_inputs;
	node->inputs = inputs;
	node->x_shape = shapes;
	return HML_OK;
}

static HmlStatus
add_weights(HmlBuilder *builder, const HmlNode *node)
{
	HmlNetwork *network = builder->network;

	for (size_t i = 0; i < node->n_parameters; i++)
	{
		const HmlParameter *parameter = &node->parameters[i];

		if (parameter->size > HML_MAX_WEIGHTS - network->n_weights)
			return hml_fail(builder->ctx, HML_LIMIT,
							"the network has more than %zu parameters up to layer \"%s\"", HML_MAX_WEIGHTS,
							node->name);
		network->n_weights += parameter->size;
		if (parameter->trainable)
			network->n_trainable += parameter->size;
	}
	network->flops += node->flops;
	return HML_OK;
}

static HmlStatus
build_nodes(HmlBuilder *builder, const Drafts *drafts)
{
	for (size_t i = 0; i < drafts->count; i++)
	{
		const Draft *draft = &drafts->items[drafts->order[i]];
		HmlNode *node = &builder->network->nodes[i];

		node->name = draft->name;
		node->op = draft->op;
		if (node->op == NULL)
		{
			HML_TRY(read_input_shape(builder->ctx, draft, &node->shape));
			continue;
		}
		HML_TRY(connect_node(builder, drafts, draft, node));
		HML_TRY(hml_read_attributes(builder, node, draft->json));
		HML_TRY(hml_apply_shape_rule(builder, node));
		HML_TRY(add_weights(builder, node));
	}
	return HML_OK;
}

/* Trainable parameters in the order of the layers, then state in the order of the layers. */
static void
lay_out_weights(HmlNetwork *network)
{
	size_t trainable = 0;
	size_t state = network->n_trainable;

	for (size_t i = 0; i < network->n_nodes; i++)
		for (size_t k = 0; k < network->nodes[i].n_parameters; k++)
		{
			HmlParameter *parameter = &network->nodes[i].parameters[k];
			size_t *next = parameter->trainable ? &trainable : &state;

			parameter->offset = *next;
			*next += parameter->size;
		}
}

static HmlStatus
copy_names(HmlArena *arena, HmlNetwork *network)
{
	for (size_t i = 0; i < network->n_nodes; i++)
	{
		char *copy;

		HML_TRY(hml_arena_strdup(arena, network->nodes[i].name, strlen(network->nodes[i].name), &copy));
		network->nodes[i].name = copy;
	}
	return HML_OK;
}

static HmlStatus
draft_network(Drafts *drafts, const HmlJson *spec)
{
	HML_TRY(check_members(drafts->ctx, spec));
	HML_TRY(count_drafts(drafts, spec));
	HML_TRY(HML_ARENA_NEW_ZERO(drafts->arena, &drafts->items, drafts->count));
	HML_TRY(draft_inputs(drafts, spec));
	HML_TRY(draft_layers(drafts, hml_json_get(spec, "layers")));
	for (size_t i = drafts->n_inputs; i < drafts->count; i++)
		HML_TRY(connect_layer(drafts, &drafts->items[i]));
	HML_TRY(connect_output(drafts, hml_json_get(spec, "output")));
	HML_TRY(sort_drafts(drafts));
	return check_all_used(drafts);
}

HmlStatus
hml_network_build(HmlArena *arena, const HmlJson *spec, HmlNetwork **out)
{
	HmlContext *ctx = hml_arena_context(arena);
	Drafts drafts = {.ctx = ctx, .arena = arena};
	HmlBuilder builder = {.ctx = ctx, .arena = arena};
	HmlNetwork *network;

	HML_TRY(draft_network(&drafts, spec));
	HML_TRY(HML_ARENA_NEW_ZERO(arena, &network, 1));
	network->arena = arena;
	network->n_inputs = drafts.n_inputs;
	network->n_nodes = drafts.count;
	network->output = drafts.items[drafts.output].node;
	HML_TRY(HML_ARENA_NEW_ZERO(arena, &network->nodes, network->n_nodes));
	builder.network = network;
	HML_TRY(build_nodes(&builder, &drafts));
	HML_TRY(copy_names(arena, network));
	lay_out_weights(network);
	*out = network;
	return HML_OK;
}

HmlStatus
hml_network_parse(HmlArena *arena, const char *spec, size_t length, HmlNetwork **out)
{
	const HmlJson *json;

	HML_TRY(hml_json_parse(arena, spec, length, &json));
	return hml_network_build(arena, json, out);
}

HmlStatus
hml_network_parse_text(HmlArena *arena, HmlText *spec, HmlNetwork **out)
{
	const char *text;
	HmlStatus status = hml_text_finish(spec, &text);

	if (status == HML_OK)
		status = hml_network_parse(arena, text, spec->length, out);
	hml_text_free(spec);
	return status;
}
