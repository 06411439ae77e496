/*
 * optable.h
 *	  The operators by name, for those who ask whether a node is one of them, and
 *	  what several of them share.
 */
#ifndef HML_NN_GRAPH_OPTABLE_H
#define HML_NN_GRAPH_OPTABLE_H

#include "core/nn/graph/op.h"

extern const HmlOp hml_op_add;
extern const HmlOp hml_op_attention_pool;
extern const HmlOp hml_op_avg_pool;
extern const HmlOp hml_op_batch_norm;
extern const HmlOp hml_op_concat;
extern const HmlOp hml_op_conv1d;
extern const HmlOp hml_op_conv2d;
extern const HmlOp hml_op_dense;
extern const HmlOp hml_op_dropout;
extern const HmlOp hml_op_flatten;
extern const HmlOp hml_op_gelu;
extern const HmlOp hml_op_global_avg_pool;
extern const HmlOp hml_op_global_max_pool;
extern const HmlOp hml_op_gru;
extern const HmlOp hml_op_layer_norm;
extern const HmlOp hml_op_leaky_relu;
extern const HmlOp hml_op_lstm;
extern const HmlOp hml_op_max_pool;
extern const HmlOp hml_op_mul;
extern const HmlOp hml_op_relu;
extern const HmlOp hml_op_repeat;
extern const HmlOp hml_op_reshape;
extern const HmlOp hml_op_sigmoid;
extern const HmlOp hml_op_silu;
extern const HmlOp hml_op_slice;
extern const HmlOp hml_op_softmax;
extern const HmlOp hml_op_tanh;
extern const HmlOp hml_op_transpose;

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
