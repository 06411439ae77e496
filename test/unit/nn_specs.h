/*
 * nn_specs.h
 *	  Networks that put operators together in the ways that plans and ONNX files have to get right.
 */
#ifndef TEST_UNIT_NN_SPECS_H
#define TEST_UNIT_NN_SPECS_H

#include <stddef.h>

#define IMAGE "{\"input\":[3,9,11],\"layers\":["
#define SIGNAL "{\"input\":[5,40],\"layers\":["
#define VECTOR "{\"input\":[13],\"layers\":["

static const char *const nn_network_specs[] = {
	/* fused: batch norm, activation, dropout in between, a residual sum on either side */
	IMAGE
	"{\"op\":\"conv2d\",\"filters\":17,\"kernel_size\":3,\"padding\":1},{\"op\":\"batch_norm\"},"
	"{\"op\":\"dropout\"},{\"op\":\"silu\"},{\"op\":\"global_avg_pool\"},{\"op\":\"dense\",\"units\":3},"
	"{\"op\":\"softmax\"}]}",
	VECTOR "{\"op\":\"dense\",\"units\":20},{\"op\":\"batch_norm\"},{\"op\":\"relu\"},{\"op\":\"dense\","
		   "\"units\":1},{\"op\":\"sigmoid\"}]}",
	IMAGE "{\"op\":\"conv2d\",\"name\":\"a\",\"filters\":8,\"kernel_size\":3,\"padding\":1},{\"op\":\"relu\","
		  "\"name\":\"r\"},{\"op\":\"conv2d\",\"name\":\"b\",\"filters\":8,\"kernel_size\":3,\"padding\":1},"
		  "{\"op\":\"batch_norm\"},{\"op\":\"add\",\"inputs\":[\"batch_norm_1\",\"r\"]},{\"op\":\"relu\"},"
		  "{\"op\":\"max_pool\",\"kernel_size\":2}]}",
	IMAGE "{\"op\":\"conv2d\",\"name\":\"a\",\"filters\":8,\"kernel_size\":3,\"padding\":1,\"stride\":2},"
		  "{\"op\":\"conv2d\",\"name\":\"short\",\"filters\":8,\"kernel_size\":1,\"stride\":2,\"inputs\":"
		  "[\"input\"]"
		  "},{\"op\":\"batch_norm\",\"name\":\"bn\"},{\"op\":\"add\",\"inputs\":[\"a\",\"bn\"]},{\"op\":"
		  "\"gelu\"}]}",
	/* not fused: both sides of the sum are the same, a value is read twice, norm after the sum */
	IMAGE "{\"op\":\"conv2d\",\"name\":\"a\",\"filters\":4,\"kernel_size\":1},{\"op\":\"add\",\"inputs\":"
		  "[\"a\","
		  "\"a\"]},{\"op\":\"batch_norm\"}]}",
	IMAGE
	"{\"op\":\"conv2d\",\"name\":\"a\",\"filters\":4,\"kernel_size\":3},{\"op\":\"relu\",\"name\":\"r\"},"
	"{\"op\":\"tanh\",\"name\":\"t\",\"inputs\":[\"a\"]},{\"op\":\"mul\",\"inputs\":[\"r\",\"t\"]}]}",
	/* activations in place, of an input, of a view, of what others read */
	VECTOR "{\"op\":\"relu\"}]}",
	SIGNAL "{\"op\":\"transpose\",\"name\":\"t\",\"perm\":[1,0]},{\"op\":\"relu\"}]}",
	SIGNAL "{\"op\":\"conv1d\",\"name\":\"c\",\"filters\":6,\"kernel_size\":3},{\"op\":\"dropout\","
		   "\"name\":\"d\"},"
		   "{\"op\":\"tanh\",\"name\":\"t\"},{\"op\":\"add\",\"inputs\":[\"c\",\"t\"]}]}",
	/* squeeze and excite, depthwise */
	IMAGE "{\"op\":\"conv2d\",\"filters\":24,\"kernel_size\":1},{\"op\":\"conv2d\",\"filters\":24,"
		  "\"kernel_size\":5,"
		  "\"padding\":2,\"groups\":24,\"bias\":false},{\"op\":\"batch_norm\"},{\"op\":\"silu\",\"name\":"
		  "\"x\"},"
		  "{\"op\":\"global_avg_pool\"},{\"op\":\"dense\",\"units\":6},{\"op\":\"silu\"},{\"op\":"
		  "\"dense\",\"units\":24}"
		  ",{\"op\":\"sigmoid\"},{\"op\":\"reshape\",\"shape\":[24,1,1]},{\"op\":\"mul\",\"inputs\":["
		  "\"reshape_1\","
		  "\"x\"]},{\"op\":\"conv2d\",\"filters\":10,\"kernel_size\":1}]}",
	IMAGE "{\"op\":\"conv2d\",\"filters\":12,\"kernel_size\":3,\"name\":\"x\"},{\"op\":\"avg_pool\",\"kernel_"
		  "size\":"
		  "[7,9]},{\"op\":\"conv2d\",\"filters\":12,\"kernel_size\":1},{\"op\":\"sigmoid\",\"name\":\"s\"},"
		  "{\"op\":\"mul\",\"inputs\":[\"x\",\"s\"]},{\"op\":\"flatten\"},{\"op\":\"dense\",\"units\":2}]}",
	/* signal to sequence */
	SIGNAL
	"{\"op\":\"conv1d\",\"filters\":24,\"kernel_size\":5,\"stride\":2,\"padding\":2},{\"op\":\"batch_"
	"norm\"},"
	"{\"op\":\"relu\"},{\"op\":\"conv1d\",\"filters\":24,\"kernel_size\":3,\"padding\":1,\"name\":\"c\"},"
	"{\"op\":\"transpose\",\"perm\":[1,0]},{\"op\":\"gru\",\"units\":7,\"bidirectional\":true,"
	"\"return_sequences\":true},{\"op\":\"attention_pool\",\"units\":5},{\"op\":\"dense\",\"units\":2}]}",
	/* a framed signal that is a sequence at the same time, and read by an operator */
	SIGNAL
	"{\"op\":\"conv1d\",\"name\":\"c\",\"filters\":8,\"kernel_size\":1},{\"op\":\"conv1d\",\"name\":"
	"\"d\","
	"\"filters\":8,\"kernel_size\":3,\"padding\":1},{\"op\":\"transpose\",\"name\":\"t\",\"perm\":[1,0],"
	"\"inputs\":[\"c\"]},{\"op\":\"layer_norm\"},{\"op\":\"transpose\",\"name\":\"u\",\"perm\":[1,0]},"
	"{\"op\":\"add\",\"inputs\":[\"u\",\"d\"]}]}",
	/* a sequence that convolutions frame after an operator has read it */
	SIGNAL "{\"op\":\"conv1d\",\"name\":\"c\",\"filters\":8,\"kernel_size\":1},{\"op\":\"transpose\","
		   "\"name\":\"t\","
		   "\"perm\":[1,0]},{\"op\":\"layer_norm\",\"name\":\"l\"},{\"op\":\"conv1d\",\"name\":\"d\","
		   "\"filters\":8,"
		   "\"kernel_size\":3,\"padding\":1,\"inputs\":[\"c\"]},{\"op\":\"transpose\",\"name\":\"e\","
		   "\"perm\":[1,0]},"
		   "{\"op\":\"add\",\"inputs\":[\"l\",\"e\"]}]}",
	/* LSTM autoencoder: the decoder's input is one row for all steps */
	"{\"input\":[12,5],\"layers\":[{\"op\":\"lstm\",\"units\":16},{\"op\":\"repeat\",\"times\":12},{"
	"\"op\":\"lstm\","
	"\"units\":16,\"return_sequences\":true},{\"op\":\"dense\",\"units\":5}]}",
	"{\"input\":[12,5],\"layers\":[{\"op\":\"lstm\",\"units\":6,\"num_layers\":2,\"bidirectional\":true},"
	"{\"op\":\"relu\"},{\"op\":\"repeat\",\"times\":3},{\"op\":\"dense\",\"units\":4},{\"op\":\"gru\","
	"\"units\":3}]}",
	/* concatenation of channels, rows, columns, vectors; of what is plain */
	IMAGE
	"{\"op\":\"conv2d\",\"name\":\"a\",\"filters\":5,\"kernel_size\":3,\"padding\":1},{\"op\":\"conv2d\","
	"\"name\":\"b\",\"filters\":6,\"kernel_size\":5,\"padding\":2,\"inputs\":[\"input\"]},{\"op\":"
	"\"concat\","
	"\"inputs\":[\"a\",\"b\",\"input\"]},{\"op\":\"conv2d\",\"filters\":4,\"kernel_size\":3,\"padding\":"
	"1}]}",
	IMAGE "{\"op\":\"conv2d\",\"name\":\"a\",\"filters\":3,\"kernel_size\":1},{\"op\":\"concat\",\"axis\":1,"
		  "\"inputs\":[\"a\",\"input\"]},{\"op\":\"concat\",\"name\":\"w\",\"axis\":-1,\"inputs\":[\"concat_"
		  "1\","
		  "\"concat_1\"]},{\"op\":\"relu\"}]}",
	SIGNAL "{\"op\":\"conv1d\",\"name\":\"a\",\"filters\":4,\"kernel_size\":3},{\"op\":\"conv1d\","
		   "\"name\":\"b\","
		   "\"filters\":4,\"kernel_size\":5,\"inputs\":[\"input\"]},{\"op\":\"concat\",\"axis\":1,"
		   "\"inputs\":[\"a\","
		   "\"b\"]},{\"op\":\"batch_norm\"},{\"op\":\"max_pool\",\"kernel_size\":3,\"padding\":1},"
		   "{\"op\":\"global_max_pool\"}]}",
	"{\"inputs\":{\"a\":[4],\"b\":[6]},\"layers\":[{\"op\":\"dense\",\"units\":5,\"inputs\":[\"a\"]},"
	"{\"op\":\"concat\",\"inputs\":[\"dense_1\",\"b\"]},{\"op\":\"dense\",\"units\":3}]}",
	"{\"inputs\":{\"a\":[4,3],\"b\":[4,2]},\"layers\":[{\"op\":\"concat\",\"axis\":1,\"inputs\":[\"a\","
	"\"b\"]},"
	"{\"op\":\"slice\",\"axis\":1,\"start\":1,\"end\":4},{\"op\":\"dense\",\"units\":3},{\"op\":"
	"\"softmax\"}]}",
	/* images of one pixel or one channel need no conversion, but may need a frame */
	"{\"input\":[1,6,7],\"layers\":[{\"op\":\"conv2d\",\"filters\":1,\"kernel_size\":3,\"padding\":1},"
	"{\"op\":\"flatten\"},{\"op\":\"dense\",\"units\":4}]}",
	"{\"input\":[6,1,1],\"layers\":[{\"op\":\"conv2d\",\"filters\":5,\"kernel_size\":3,\"padding\":1},"
	"{\"op\":\"conv2d\",\"filters\":4,\"kernel_size\":3,\"padding\":1},{\"op\":\"flatten\"},{\"op\":"
	"\"softmax\"}]}",
	/* dense over a sequence; batch norm there is over the steps and is not fused */
	"{\"input\":[7,5],\"layers\":[{\"op\":\"dense\",\"units\":6},{\"op\":\"batch_norm\"},{\"op\":"
	"\"relu\"}]}",
	/* large in, many rows: the general path of dense */
	"{\"input\":[600],\"layers\":[{\"op\":\"dense\",\"units\":70},{\"op\":\"tanh\"},{\"op\":\"layer_"
	"norm\"}]}",
	/* more dimensions than an image has; one that is kept */
	"{\"input\":[3,2,4,5],\"layers\":[{\"op\":\"batch_norm\"},{\"op\":\"relu\"},{\"op\":\"global_avg_"
	"pool\"}]}",
	IMAGE
	"{\"op\":\"conv2d\",\"name\":\"c\",\"filters\":5,\"kernel_size\":3},{\"op\":\"global_avg_pool\","
	"\"keepdims\":true},{\"op\":\"conv2d\",\"filters\":5,\"kernel_size\":1},{\"op\":\"sigmoid\",\"name\":"
	"\"s\"},{\"op\":\"mul\",\"inputs\":[\"c\",\"s\"]}]}",
	/* nothing to do */
	"{\"input\":[3,4],\"layers\":[{\"op\":\"dropout\"}]}",
	"{\"input\":[3,4],\"layers\":[{\"op\":\"flatten\"}]}",
	"{\"input\":[3,4],\"layers\":[{\"op\":\"transpose\",\"perm\":[1,0]}]}", NULL};

/* Each operator on its own. */
static const char *const nn_operator_specs[] = {
	"{\"inputs\":{\"a\":[2,3],\"b\":[2,3]},\"layers\":[{\"op\":\"add\",\"inputs\":[\"a\",\"b\"]}]}",
	"{\"inputs\":{\"a\":[2,3,4],\"b\":[2,1,1],\"c\":[1,3,4]},\"layers\":[{\"op\":\"add\",\"inputs\":[\"a\","
	"\"b\",\"c\"]}]}",
	"{\"input\":[4],\"layers\":[{\"op\":\"tanh\",\"name\":\"t\"},{\"op\":\"tanh\"},{\"op\":\"add\","
	"\"inputs\":[\"tanh_2\",\"t\",\"input\"]}]}",
	"{\"input\":[4,5],\"layers\":[{\"op\":\"attention_pool\",\"units\":6}]}",
	"{\"input\":[4,5],\"layers\":[{\"op\":\"attention_pool\",\"score\":\"dot\"}]}",
	"{\"input\":[3,6,7],\"layers\":[{\"op\":\"avg_pool\",\"kernel_size\":2}]}",
	"{\"input\":[2,7,6],\"layers\":[{\"op\":\"avg_pool\",\"kernel_size\":[3,2],\"stride\":[2,1],\"padding\":"
	"1,\"count_include_pad\":false}]}",
	"{\"input\":[4,11],\"layers\":[{\"op\":\"avg_pool\",\"kernel_size\":3,\"stride\":2,\"padding\":[1,0]}]}",
	"{\"input\":[3,4,5],\"layers\":[{\"op\":\"batch_norm\"}]}",
	"{\"input\":[6],\"layers\":[{\"op\":\"batch_norm\",\"eps\":0.001}]}",
	"{\"input\":[3,8],\"layers\":[{\"op\":\"tanh\"},{\"op\":\"batch_norm\"},{\"op\":\"batch_norm\"}]}",
	"{\"inputs\":{\"a\":[2,3],\"b\":[4,3]},\"layers\":[{\"op\":\"concat\",\"inputs\":[\"a\",\"b\"]}]}",
	"{\"inputs\":{\"a\":[2,3],\"b\":[2,1]},\"layers\":[{\"op\":\"concat\",\"axis\":-1,\"inputs\":[\"a\","
	"\"b\",\"a\"]}]}",
	"{\"input\":[4,12],\"layers\":[{\"op\":\"conv1d\",\"filters\":6,\"kernel_size\":3}]}",
	"{\"input\":[4,12],\"layers\":[{\"op\":\"conv1d\",\"filters\":6,\"kernel_size\":4,\"stride\":3,"
	"\"padding\":[1,2],\"dilation\":2,\"groups\":2,\"bias\":false}]}",
	"{\"input\":[3,7,6],\"layers\":[{\"op\":\"conv2d\",\"filters\":4,\"kernel_size\":3,\"padding\":\"same\"}]"
	"}",
	"{\"input\":[2,8,7],\"layers\":[{\"op\":\"conv2d\",\"filters\":3,\"kernel_size\":[3,2],\"stride\":[2,1],"
	"\"padding\":[1,0,2,1],\"dilation\":[1,2]}]}",
	"{\"input\":[4,6,5],\"layers\":[{\"op\":\"conv2d\",\"filters\":8,\"kernel_size\":3,\"stride\":2,"
	"\"padding\":1,\"groups\":4,\"bias\":false}]}",
	"{\"input\":[5],\"layers\":[{\"op\":\"dense\",\"units\":4}]}",
	"{\"input\":[3,5],\"layers\":[{\"op\":\"dense\",\"units\":4,\"bias\":false}]}",
	"{\"input\":[20],\"layers\":[{\"op\":\"dropout\",\"p\":0.4}]}",
	"{\"input\":[20],\"layers\":[{\"op\":\"tanh\"},{\"op\":\"dropout\"}]}",
	"{\"input\":[3,4],\"layers\":[{\"op\":\"flatten\"}]}", "{\"input\":[3,7],\"layers\":[{\"op\":\"gelu\"}]}",
	"{\"input\":[3,4,5],\"layers\":[{\"op\":\"global_avg_pool\"}]}",
	"{\"input\":[3,7],\"layers\":[{\"op\":\"global_avg_pool\",\"keepdims\":true}]}",
	"{\"input\":[3,4,5],\"layers\":[{\"op\":\"global_max_pool\"}]}",
	"{\"input\":[3,7],\"layers\":[{\"op\":\"global_max_pool\",\"keepdims\":true}]}",
	"{\"input\":[4,3],\"layers\":[{\"op\":\"gru\",\"units\":5}]}",
	"{\"input\":[4,3],\"layers\":[{\"op\":\"gru\",\"units\":4,\"num_layers\":2,\"bidirectional\":true,"
	"\"return_sequences\":true}]}",
	"{\"input\":[1,3],\"layers\":[{\"op\":\"gru\",\"units\":4,\"num_layers\":2,\"bidirectional\":true}]}",
	"{\"input\":[3,8],\"layers\":[{\"op\":\"layer_norm\"}]}",
	"{\"input\":[5],\"layers\":[{\"op\":\"layer_norm\",\"eps\":0.1}]}",
	"{\"input\":[3,7],\"layers\":[{\"op\":\"leaky_relu\",\"negative_slope\":0.1}]}",
	"{\"input\":[4,3],\"layers\":[{\"op\":\"lstm\",\"units\":5}]}",
	"{\"input\":[4,3],\"layers\":[{\"op\":\"lstm\",\"units\":4,\"num_layers\":2,\"bidirectional\":true,"
	"\"return_sequences\":true}]}",
	"{\"input\":[1,3],\"layers\":[{\"op\":\"lstm\",\"units\":4,\"num_layers\":2,\"bidirectional\":true}]}",
	"{\"input\":[3,6,7],\"layers\":[{\"op\":\"max_pool\",\"kernel_size\":2}]}",
	"{\"input\":[2,7,6],\"layers\":[{\"op\":\"max_pool\",\"kernel_size\":3,\"stride\":[2,1],\"padding\":1}]}",
	"{\"input\":[4,11],\"layers\":[{\"op\":\"max_pool\",\"kernel_size\":3,\"stride\":2,\"padding\":1}]}",
	"{\"inputs\":{\"a\":[3,4,5],\"b\":[3,1,1]},\"layers\":[{\"op\":\"mul\",\"inputs\":[\"a\",\"b\"]}]}",
	"{\"inputs\":{\"a\":[1,4],\"b\":[3,4]},\"layers\":[{\"op\":\"mul\",\"inputs\":[\"a\",\"b\"]}]}",
	"{\"inputs\":{\"a\":[3,1],\"b\":[1,4]},\"layers\":[{\"op\":\"mul\",\"inputs\":[\"a\",\"b\"]}]}",
	"{\"input\":[6],\"layers\":[{\"op\":\"tanh\"},{\"op\":\"mul\",\"inputs\":[\"tanh_1\",\"tanh_1\"]}]}",
	"{\"inputs\":{\"a\":[4,1],\"b\":[4,1]},\"layers\":[{\"op\":\"mul\",\"inputs\":[\"a\",\"b\"]}]}",
	"{\"input\":[3,7],\"layers\":[{\"op\":\"relu\"}]}",
	"{\"input\":[5],\"layers\":[{\"op\":\"repeat\",\"times\":3}]}",
	"{\"input\":[3,4],\"layers\":[{\"op\":\"reshape\",\"shape\":[2,-1]}]}",
	"{\"input\":[6],\"layers\":[{\"op\":\"tanh\",\"name\":\"t\"},{\"op\":\"reshape\",\"shape\":[2,3]},{"
	"\"op\":\"reshape\",\"name\":\"r\",\"shape\":[2,3],\"inputs\":[\"t\"]},{\"op\":\"concat\",\"inputs\":["
	"\"reshape_1\",\"r\"]}]}",
	"{\"input\":[3,7],\"layers\":[{\"op\":\"sigmoid\"}]}", "{\"input\":[3,7],\"layers\":[{\"op\":\"silu\"}]}",
	"{\"input\":[6,3],\"layers\":[{\"op\":\"slice\",\"start\":1,\"end\":-1}]}",
	"{\"input\":[3,7],\"layers\":[{\"op\":\"slice\",\"axis\":-1,\"start\":-3}]}",
	"{\"input\":[3,7],\"layers\":[{\"op\":\"softmax\"}]}", "{\"input\":[3,7],\"layers\":[{\"op\":\"tanh\"}]}",
	"{\"input\":[3,5],\"layers\":[{\"op\":\"transpose\",\"perm\":[1,0]}]}",
	"{\"input\":[2,3,4,5],\"layers\":[{\"op\":\"transpose\",\"perm\":[2,0,3,1]}]}",
	/* more between two convolutions than is kept at once; factors that scale filters */
	"{\"input\":[5,41,40],\"layers\":[{\"op\":\"conv2d\",\"filters\":96,\"kernel_size\":1},{\"op\":\"silu\"},"
	"{\"op\":\"conv2d\",\"filters\":96,\"kernel_size\":5,\"stride\":2,\"padding\":2,\"groups\":96,\"bias\":"
	"false},"
	"{\"op\":\"batch_norm\"},{\"op\":\"silu\",\"name\":\"x\"},{\"op\":\"global_avg_pool\"},{\"op\":\"dense\","
	"\"units\":"
	"96},{\"op\":\"sigmoid\"},{\"op\":\"reshape\",\"shape\":[96,1,1]},{\"op\":\"mul\",\"inputs\":[\"x\","
	"\"reshape_1\"]},"
	"{\"op\":\"conv2d\",\"filters\":20,\"kernel_size\":1,\"bias\":false},{\"op\":\"batch_norm\"},{\"op\":"
	"\"max_pool\","
	"\"kernel_size\":7}]}",
	"{\"input\":[3,30,61],\"layers\":[{\"op\":\"conv2d\",\"filters\":80,\"kernel_size\":1},{\"op\":\"relu\"},"
	"{\"op\":\"conv2d\",\"filters\":80,\"kernel_size\":[3,2],\"padding\":[1,0,2,1],\"dilation\":[2,1],"
	"\"groups\":80},"
	"{\"op\":\"avg_pool\",\"kernel_size\":[10,20]}]}",
	NULL};

#endif /* TEST_UNIT_NN_SPECS_H */
