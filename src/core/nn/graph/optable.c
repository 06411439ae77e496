/*
 * optable.c
 *	  The operator table.
 */
#include "core/nn/graph/optable.h"

#include <math.h>
#include <string.h>

#define ENTRY(name) &hml_op_##name,

const HmlOp *const hml_ops[] = {HML_OPS(ENTRY) NULL};

const HmlOp *
hml_op_find(const char *name)
{
	for (size_t i = 0; hml_ops[i] != NULL; i++)
		if (strcmp(hml_ops[i]->name, name) == 0)
			return hml_ops[i];
	return NULL;
}

HmlStatus
hml_add_weight(HmlBuilder *builder, HmlNode *node, size_t init, HmlShape shape, size_t fan_in, size_t fan_out)
{
	double in = (double) fan_in;
	double out = (double) fan_out;

	switch ((int) hml_attr_number(node, init))
	{
		case 0:
			return hml_add_parameter(builder, node, "weight", shape, HML_INIT_NORMAL, sqrt(2 / in));
		case 1:
			return hml_add_parameter(builder, node, "weight", shape, HML_INIT_UNIFORM, sqrt(6 / (in + out)));
		case 2:
			return hml_add_parameter(builder, node, "weight", shape, HML_INIT_UNIFORM, 1 / sqrt(in));
		default:
			return hml_add_parameter(builder, node, "weight", shape, HML_INIT_ZEROS, 0);
	}
}
