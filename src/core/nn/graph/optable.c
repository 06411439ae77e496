/*
 * optable.c
 *	  The operator table.  A new operator is a file op_<family>.c and a line here.
 */
#include "core/nn/graph/optable.h"

#include <math.h>
#include <string.h>

/* clang-format off */
const HmlOp *const hml_ops[] = {
	&hml_op_add,
	&hml_op_attention_pool,
	&hml_op_avg_pool,
	&hml_op_batch_norm,
	&hml_op_concat,
	&hml_op_conv1d,
	&hml_op_conv2d,
	&hml_op_dense,
	&hml_op_dropout,
	&hml_op_flatten,
	&hml_op_gelu,
	&hml_op_global_avg_pool,
	&hml_op_global_max_pool,
	&hml_op_gru,
	&hml_op_layer_norm,
	&hml_op_leaky_relu,
	&hml_op_lstm,
	&hml_op_max_pool,
	&hml_op_mul,
	&hml_op_relu,
	&hml_op_repeat,
	&hml_op_reshape,
	&hml_op_sigmoid,
	&hml_op_silu,
	&hml_op_slice,
	&hml_op_softmax,
	&hml_op_tanh,
	&hml_op_transpose,
	NULL,
};
/* clang-format on */

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
