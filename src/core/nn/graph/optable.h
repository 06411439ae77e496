/*
 * optable.h
 *	  The operators by name, for those who ask whether a node is one of them, and
 *	  what several of them share.
 *
 * A new operator is a file op_<family>.c, or a part of one, and a line in HML_OPS,
 * which is in alphabetical order.
 */
#ifndef HML_NN_GRAPH_OPTABLE_H
#define HML_NN_GRAPH_OPTABLE_H

#include "core/nn/graph/op.h"

/* clang-format off */
#define HML_OPS(DO) \
	DO(add) \
	DO(attention_pool) \
	DO(avg_pool) \
	DO(batch_norm) \
	DO(concat) \
	DO(conv1d) \
	DO(conv2d) \
	DO(dense) \
	DO(dropout) \
	DO(flatten) \
	DO(gelu) \
	DO(global_avg_pool) \
	DO(global_max_pool) \
	DO(gru) \
	DO(layer_norm) \
	DO(leaky_relu) \
	DO(lstm) \
	DO(max_pool) \
	DO(mul) \
	DO(relu) \
	DO(repeat) \
	DO(reshape) \
	DO(sigmoid) \
	DO(silu) \
	DO(slice) \
	DO(softmax) \
	DO(tanh) \
	DO(transpose)
/* clang-format on */

#define HML_DECLARE_OP(name) extern const HmlOp hml_op_##name;
HML_OPS(HML_DECLARE_OP)

/*
 * Initial weights of dense and convolution, by fan in and fan out: K. He et al.,
 * ICCV 2015, normal; X. Glorot and Y. Bengio, AISTATS 2010, uniform; PyTorch's
 * default, uniform within 1 / sqrt(fan in).
 */
#define HML_INIT_CHOICES "he|glorot|torch|zeros"

/* Declare "weight", initialised as the attribute numbered 'init' says. */
extern HmlStatus hml_add_weight(HmlBuilder *builder, HmlNode *node, size_t init, HmlShape shape,
								size_t fan_in, size_t fan_out) HML_NODISCARD;

#endif /* HML_NN_GRAPH_OPTABLE_H */
