/*
 * builder.h
 *	  A network under construction: shared by spec.c, attributes.c and the shape rules' helpers.
 */
#ifndef HML_NN_GRAPH_BUILDER_H
#define HML_NN_GRAPH_BUILDER_H

#include "core/nn/graph/network.h"

struct HmlBuilder
{
	HmlContext *ctx;
	HmlArena *arena;
	HmlNetwork *network;
	size_t n_parameters; /* of the node whose shape rule runs */
	HmlParameter parameters[HML_MAX_OP_PARAMETERS];
};

/* Check the members of a layer's JSON object against the operator's table and fill node->attrs. */
extern HmlStatus hml_read_attributes(HmlBuilder *builder, HmlNode *node, const HmlJson *layer) HML_NODISCARD;

/* Run the shape rule of a node whose op, inputs, x_shape and attrs are set. */
extern HmlStatus hml_apply_shape_rule(HmlBuilder *builder, HmlNode *node) HML_NODISCARD;

#endif /* HML_NN_GRAPH_BUILDER_H */
