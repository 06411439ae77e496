/*
 * op_activation.c
 *	  Activations, one number at a time: relu, leaky_relu, sigmoid, tanh, silu
 *	  (swish), gelu; and softmax, which is on a whole axis.
 *
 * The shape of y is that of x.  Where the derivative is a function of y, the
 * output may take the place of the input.
 */
#include "core/nn/loops/loops.h"
#include "core/nn/graph/op.h"
#include "core/nn/graph/optable.h"

static const HmlAttrSpec no_attrs[] = {{NULL, 0, NULL, 0, 0, NULL, NULL}};

static HmlStatus
shape(HmlBuilder *builder, HmlNode *node)
{
	(void) builder;
	node->shape = node->x_shape[0];
	node->flops = (double) hml_shape_size(&node->shape);
	return HML_OK;
}

static inline size_t
run_size(const HmlRun *run)
{
	return run->n * hml_shape_size(&run->node->shape);
}

/* An activation without attributes whose derivative is a function of 'kept', x[0] or y. */
#define ACTIVATION(op_name, onnx_name, op_help, op_flags, kept) \
	static HmlStatus op_name##_forward(const HmlRun *run) \
	{ \
		hml_loops()->op_name(run->x[0], run->y, run_size(run)); \
		return HML_OK; \
	} \
	static HmlStatus op_name##_backward(const HmlRun *run) \
	{ \
		hml_loops()->op_name##_backward(run->kept, run->gy, run->gx[0], run_size(run)); \
		return HML_OK; \
	} \
	static const char *const op_name##_cases[] = { \
		"{\"input\":[3,7],\"layers\":[{\"op\":\"" #op_name "\"}]}", NULL}; \
	const HmlOp hml_op_##op_name = {.name = #op_name, \
									.help = op_help, \
									.min_inputs = 1, \
									.max_inputs = 1, \
									.flags = op_flags, \
									.onnx = onnx_name, \
									.attrs = no_attrs, \
									.shape = shape, \
									.forward = op_name##_forward, \
									.backward = op_name##_backward, \
									.cases = op_name##_cases}

ACTIVATION(relu, "Relu", "The positive part: max(x, 0).", HML_OP_KEEPS_OUTPUT | HML_OP_IN_PLACE, y);
ACTIVATION(sigmoid, "Sigmoid", "1 / (1 + e^-x).", HML_OP_KEEPS_OUTPUT | HML_OP_IN_PLACE, y);
ACTIVATION(tanh, "Tanh", "Hyperbolic tangent.", HML_OP_KEEPS_OUTPUT | HML_OP_IN_PLACE, y);
ACTIVATION(silu, NULL, "x sigmoid(x), also called swish.", HML_OP_KEEPS_INPUTS | HML_OP_IN_PLACE, x[0]);
ACTIVATION(gelu, NULL, "x times the normal distribution function of x, exact (by erf).",
		   HML_OP_KEEPS_INPUTS | HML_OP_IN_PLACE, x[0]);

/* ---- leaky_relu ------------------------------------------------------------------------------------ */

enum
{
	NEGATIVE_SLOPE
};

static const HmlAttrSpec leaky_relu_attrs[] = {
	{"negative_slope", HML_ATTR_NUMBER, "0.01", 0, 1, NULL, "factor for x < 0"},
	{NULL, 0, NULL, 0, 0, NULL, NULL},
};

static HmlStatus
leaky_relu_forward(const HmlRun *run)
{
	float slope = (float) hml_attr_number(run->node, NEGATIVE_SLOPE);

	hml_loops()->leaky_relu(run->x[0], slope, run->y, run_size(run));
	return HML_OK;
}

static HmlStatus
leaky_relu_backward(const HmlRun *run)
{
	float slope = (float) hml_attr_number(run->node, NEGATIVE_SLOPE);

	hml_loops()->leaky_relu_backward(run->y, slope, run->gy, run->gx[0], run_size(run));
	return HML_OK;
}

static const char *const leaky_relu_cases[] = {
	"{\"input\":[3,7],\"layers\":[{\"op\":\"leaky_relu\",\"negative_slope\":0.1}]}", NULL};

const HmlOp hml_op_leaky_relu = {
	.name = "leaky_relu",
	.help = "x where it is positive, else negative_slope times x.",
	.min_inputs = 1,
	.max_inputs = 1,
	.flags = HML_OP_KEEPS_OUTPUT | HML_OP_IN_PLACE,
	.attrs = leaky_relu_attrs,
	.shape = shape,
	.forward = leaky_relu_forward,
	.backward = leaky_relu_backward,
	.cases = leaky_relu_cases,
};

/* ---- softmax --------------------------------------------------------------------------------------- */

/* x is (n, classes) in rows; what the operator's name says is on the last dimension. */
static HmlStatus
softmax_forward(const HmlRun *run)
{
	const HmlLoops *loops = hml_loops();
	size_t classes = run->node->shape.dims[run->node->shape.n_dims - 1];
	size_t rows = run_size(run) / classes;

	for (size_t i = 0; i < rows; i++)
	{
		const float *x = run->x[0] + i * classes;
		float *y = run->y + i * classes;
		double sum = loops->exp_sum(x, loops->max(x, classes), y, classes);

		loops->affine(y, (float) (1 / sum), 0, y, classes);
	}
	return HML_OK;
}

static HmlStatus
softmax_backward(const HmlRun *run)
{
	const HmlLoops *loops = hml_loops();
	size_t classes = run->node->shape.dims[run->node->shape.n_dims - 1];
	size_t rows = run_size(run) / classes;

	for (size_t i = 0; i < rows; i++)
	{
		const float *y = run->y + i * classes;
		const float *gy = run->gy + i * classes;
		float *gx = run->gx[0] + i * classes;
		float mean = (float) loops->dot(y, gy, classes);

		loops->affine(gy, 1, -mean, gx, classes);
		loops->multiply(gx, y, gx, classes);
	}
	return HML_OK;
}

static const char *const softmax_cases[] = {"{\"input\":[3,7],\"layers\":[{\"op\":\"softmax\"}]}", NULL};

const HmlOp hml_op_softmax = {
	.name = "softmax",
	.help = "e^x over the sum of e^x, on the last dimension.",
	.min_inputs = 1,
	.max_inputs = 1,
	.flags = HML_OP_KEEPS_OUTPUT | HML_OP_IN_PLACE,
	.attrs = no_attrs,
	.shape = shape,
	.forward = softmax_forward,
	.backward = softmax_backward,
	.cases = softmax_cases,
};
