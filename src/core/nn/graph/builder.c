/*
 * builder.c
 *	  What shape rules call: declaring parameters, reporting mistakes.
 */
#include "core/nn/graph/builder.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/checked.h"

HmlArena *
hml_builder_arena(const HmlBuilder *builder)
{
	return builder->arena;
}

HmlStatus
hml_shape_error(HmlBuilder *builder, const HmlNode *node, const char *fmt, ...)
{
	char message[HML_MESSAGE_SIZE];
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	return hml_fail(builder->ctx, HML_INVALID_ARGUMENT, "layer \"%s\": %s", node->name, message);
}

HmlStatus
hml_need_dims(HmlBuilder *builder, const HmlNode *node, size_t min_dims, size_t max_dims, const char *wanted)
{
	char text[HML_SHAPE_TEXT_SIZE];

	for (size_t i = 0; i < node->n_inputs; i++)
		if (node->x_shape[i].n_dims < min_dims || node->x_shape[i].n_dims > max_dims)
			return hml_shape_error(builder, node, "%s needs an input of shape %s, but \"%s\" has %s",
								   node->op->name, wanted, builder->network->nodes[node->inputs[i]].name,
								   hml_shape_text(&node->x_shape[i], text));
	return HML_OK;
}

static HmlStatus
add_parameter(HmlBuilder *builder, HmlNode *node, const HmlParameter *parameter)
{
	size_t size = 1;

	if (builder->n_parameters == HML_MAX_OP_PARAMETERS)
		return hml_fail(builder->ctx, HML_INTERNAL, "operator \"%s\" has too many parameters",
						node->op->name);
	for (size_t i = 0; i < parameter->shape.n_dims; i++)
		if (!hml_size_mul(size, parameter->shape.dims[i], &size) || size > HML_MAX_WEIGHTS)
			return hml_fail(builder->ctx, HML_LIMIT, "layer \"%s\" alone has more than %zu parameters",
							node->name, HML_MAX_WEIGHTS);
	builder->parameters[builder->n_parameters] = *parameter;
	builder->parameters[builder->n_parameters++].size = size;
	return HML_OK;
}

HmlStatus
hml_add_parameter(HmlBuilder *builder, HmlNode *node, const char *name, HmlShape shape, HmlInit init,
				  double scale)
{
	HmlParameter parameter = {.name = name,
							  .shape = shape,
							  .init = init,
							  .scale = (float) scale,
							  .trainable = true,
							  .decays = shape.n_dims > 1};

	return add_parameter(builder, node, &parameter);
}

HmlStatus
hml_add_state(HmlBuilder *builder, HmlNode *node, const char *name, HmlShape shape, HmlInit init)
{
	HmlParameter parameter = {
		.name = name, .shape = shape, .init = init, .is_variance = init == HML_INIT_ONES};

	return add_parameter(builder, node, &parameter);
}

HmlStatus
hml_apply_shape_rule(HmlBuilder *builder, HmlNode *node)
{
	char text[HML_SHAPE_TEXT_SIZE];
	size_t bytes;

	builder->n_parameters = 0;
	HML_TRY(node->op->shape(builder, node));
	if (!hml_shape_is_valid(&node->shape))
		return hml_fail(builder->ctx, HML_LIMIT, "the output %s of layer \"%s\" has more than %zu elements",
						hml_shape_text(&node->shape, text), node->name, HML_MAX_SAMPLE_SIZE);
	node->n_parameters = builder->n_parameters;
	HML_TRY(HML_ARENA_NEW(builder->arena, &node->parameters, node->n_parameters));
	bytes = node->n_parameters * sizeof(HmlParameter);
	if (bytes > 0)
		memcpy(node->parameters, builder->parameters, bytes);
	return HML_OK;
}
