/*
 * op_dropout.c
 *	  dropout: N. Srivastava et al., JMLR 15 (2014), scaled in training, so that
 *	  inference does nothing.
 *
 * The mask is kept as one byte per element.
 */
#include <string.h>

#include "core/nn/graph/optable.h"

enum
{
	P
};

static const HmlAttrSpec attrs[] = {
	{"p", HML_ATTR_NUMBER, "0.5", 0, 0.999, NULL, "share of the numbers that are set to 0 in training"},
	{NULL, 0, NULL, 0, 0, NULL, NULL},
};

static HmlStatus
shape(HmlBuilder *builder, HmlNode *node)
{
	(void) builder;
	node->shape = node->x_shape[0];
	node->saved_sample = hml_shape_size(&node->shape);
	return HML_OK;
}

#define DRAWS_PER_NUMBER 4 /* of 16 bits each */

/* Bernoulli draws of 16 bits: the share dropped is p to 1/65536. */
static void
draw_mask(HmlRng *rng, double p, unsigned char *mask, size_t n)
{
	uint32_t threshold = (uint32_t) (p * 65536 + 0.5);

	for (size_t i = 0; i < n; i += DRAWS_PER_NUMBER)
	{
		uint64_t bits = hml_rng_next(rng);

		for (size_t k = i; k < i + DRAWS_PER_NUMBER && k < n; k++, bits >>= 16)
			mask[k] = (bits & 0xffff) >= threshold;
	}
}

static HmlStatus
forward(const HmlRun *run)
{
	size_t n = run->n * hml_shape_size(&run->node->shape);
	double p = hml_attr_number(run->node, P);
	float scale = (float) (1 / (1 - p));
	unsigned char *mask = run->saved;

	if (run->training && mask != NULL)
	{
		draw_mask(run->rng, p, mask, n);
		for (size_t i = 0; i < n; i++)
			run->y[i] = mask[i] ? run->x[0][i] * scale : 0;
	}
	else if (run->y != run->x[0])
		memcpy(run->y, run->x[0], n * sizeof(float));
	return HML_OK;
}

static HmlStatus
backward(const HmlRun *run)
{
	size_t n = run->n * hml_shape_size(&run->node->shape);
	float scale = (float) (1 / (1 - hml_attr_number(run->node, P)));
	const unsigned char *mask = run->saved;

	if (run->training)
		for (size_t i = 0; i < n; i++)
			run->gx[0][i] = mask[i] ? run->gy[i] * scale : 0;
	else if (run->gx[0] != run->gy)
		memcpy(run->gx[0], run->gy, n * sizeof(float));
	return HML_OK;
}

static const char *const cases[] = {
	"{\"input\":[20],\"layers\":[{\"op\":\"dropout\",\"p\":0.4}]}",
	"{\"input\":[20],\"layers\":[{\"op\":\"tanh\"},{\"op\":\"dropout\"}]}",
	NULL,
};

const HmlOp hml_op_dropout = {
	.name = "dropout",
	.help = "In training, sets numbers to 0 at random and scales up the others; otherwise does nothing.",
	.min_inputs = 1,
	.max_inputs = 1,
	.flags = HML_OP_IN_PLACE | HML_OP_TRAINING_ONLY,
	.attrs = attrs,
	.shape = shape,
	.forward = forward,
	.backward = backward,
	.cases = cases,
};
