/*
 * op_attention.c
 *	  attention_pool: a weighted mean over the steps of a sequence, whose weights
 *	  the network learns.
 *
 * x is (n, T, F), y is (n, F): y = sum of a_t x_t, a = softmax of the scores.
 * additive (D. Bahdanau et al., ICLR 2015): score_t = v . tanh(W x_t + b), W is
 * (units, F).  dot: score_t = q . x_t / sqrt(F), q is (F).
 */
#include <math.h>
#include <string.h>

#include "core/base/gemm.h"
#include "core/nn/loops/loops.h"
#include "core/nn/graph/optable.h"

enum
{
	SCORE,
	UNITS
};

enum
{
	ADDITIVE,
	DOT
};

static const HmlAttrSpec attrs[] = {
	{"score", HML_ATTR_CHOICE, "\"additive\"", 0, 0, "additive|dot", "how a step is weighted"},
	{"units", HML_ATTR_INTEGER, "64", 1, 65536, NULL, "hidden size of the additive score"},
	{NULL, 0, NULL, 0, 0, NULL, NULL},
};

enum
{
	QUERY_P = 0, /* of dot */
	WEIGHT_P = 0,
	BIAS_P,
	VECTOR_P
};

typedef struct Sizes
{
	size_t steps;
	size_t features;
	size_t units; /* 0 for dot */
} Sizes;

static Sizes
sizes_of(const HmlNode *node)
{
	bool is_dot = (int) hml_attr_number(node, SCORE) == DOT;
	Sizes sizes = {node->x_shape[0].dims[0], node->x_shape[0].dims[1],
				   is_dot ? 0 : hml_attr_size(node, UNITS)};

	return sizes;
}

static HmlStatus
shape(HmlBuilder *builder, HmlNode *node)
{
	Sizes s;
	HmlShape query;
	HmlShape weight;
	HmlShape units;

	HML_TRY(hml_need_dims(builder, node, 2, 2, "(steps, features)"));
	s = sizes_of(node);
	query = (HmlShape){1, {s.features}};
	weight = (HmlShape){2, {s.units, s.features}};
	units = (HmlShape){1, {s.units}};
	node->shape = query;
	/* Weights of the steps, and what tanh gave; backward also needs the gradients of both. */
	node->saved_sample = (s.steps + s.steps * s.units) * sizeof(float);
	node->scratch = (s.steps + s.steps * s.units) * sizeof(float);
	node->flops = 2.0 * (double) s.steps * (double) s.features * (double) (s.units + 1);
	if (s.units == 0)
		return hml_add_parameter(builder, node, "query", query, HML_INIT_UNIFORM,
								 1 / sqrt((double) s.features));
	HML_TRY(hml_add_parameter(builder, node, "weight", weight, HML_INIT_UNIFORM,
							  sqrt(6 / (double) (s.features + s.units))));
	HML_TRY(hml_add_parameter(builder, node, "bias", units, HML_INIT_ZEROS, 0));
	return hml_add_parameter(builder, node, "vector", units, HML_INIT_UNIFORM, 1 / sqrt((double) s.units));
}

/* ---- forward --------------------------------------------------------------------------------------- */

static void
score_additive(const HmlRun *run, Sizes s, const float *x, float *hidden, float *scores)
{
	for (size_t t = 0; t < s.steps; t++)
		memcpy(hidden + t * s.units, hml_run_weight(run, BIAS_P), s.units * sizeof(float));
	hml_sgemm(HML_NO_TRANS, HML_TRANS, s.steps, s.units, s.features, 1, x, s.features,
			  hml_run_weight(run, WEIGHT_P), s.features, 1, hidden, s.units);
	hml_loops()->tanh(hidden, hidden, s.steps * s.units);
	hml_sgemv(HML_NO_TRANS, s.steps, s.units, 1, hidden, s.units, hml_run_weight(run, VECTOR_P), 0, scores);
}

static HmlStatus
forward(const HmlRun *run)
{
	const HmlLoops *loops = hml_loops();
	Sizes s = sizes_of(run->node);
	size_t kept = s.steps + s.steps * s.units;

	for (size_t i = 0; i < run->n; i++)
	{
		const float *x = run->x[0] + i * s.steps * s.features;
		float *weights = run->saved != NULL ? (float *) run->saved + i * kept : run->scratch;
		double sum;

		if (s.units > 0)
			score_additive(run, s, x, weights + s.steps, weights);
		else
			hml_sgemv(HML_NO_TRANS, s.steps, s.features, 1 / sqrtf((float) s.features), x, s.features,
					  hml_run_weight(run, QUERY_P), 0, weights);
		sum = loops->exp_sum(weights, loops->max(weights, s.steps), weights, s.steps);
		loops->affine(weights, (float) (1 / sum), 0, weights, s.steps);
		hml_sgemv(HML_TRANS, s.steps, s.features, 1, x, s.features, weights, 0, run->y + i * s.features);
	}
	return HML_OK;
}

/* ---- backward -------------------------------------------------------------------------------------- */

/* Through tanh(W x + b): 'hidden' becomes its gradient on the way. */
static void
backward_additive(const HmlRun *run, Sizes s, const float *x, const float *hidden, const float *g_scores,
				  float *g_hidden, float *gx)
{
	const HmlLoops *loops = hml_loops();
	const float *vector = hml_run_weight(run, VECTOR_P);

	for (size_t t = 0; t < s.steps; t++)
		loops->affine(vector, g_scores[t], 0, g_hidden + t * s.units, s.units);
	loops->tanh_backward(hidden, g_hidden, g_hidden, s.steps * s.units);
	if (gx != NULL)
		hml_sgemm(HML_NO_TRANS, HML_NO_TRANS, s.steps, s.features, s.units, 1, g_hidden, s.units,
				  hml_run_weight(run, WEIGHT_P), s.features, 1, gx, s.features);
	if (run->gradients == NULL)
		return;
	hml_sgemv(HML_TRANS, s.steps, s.units, 1, hidden, s.units, g_scores, 1, hml_run_gradient(run, VECTOR_P));
	hml_sgemm(HML_TRANS, HML_NO_TRANS, s.units, s.features, s.steps, 1, g_hidden, s.units, x, s.features, 1,
			  hml_run_gradient(run, WEIGHT_P), s.features);
	for (size_t t = 0; t < s.steps; t++)
		loops->accumulate(g_hidden + t * s.units, hml_run_gradient(run, BIAS_P), s.units);
}

static void
backward_dot(const HmlRun *run, Sizes s, const float *x, const float *g_scores, float *gx)
{
	const HmlLoops *loops = hml_loops();
	float scale = 1 / sqrtf((float) s.features);

	for (size_t t = 0; t < s.steps && gx != NULL; t++)
		loops->accumulate_scaled(hml_run_weight(run, QUERY_P), scale * g_scores[t], gx + t * s.features,
								 s.features);
	if (run->gradients != NULL)
		hml_sgemv(HML_TRANS, s.steps, s.features, scale, x, s.features, g_scores, 1,
				  hml_run_gradient(run, QUERY_P));
}

static HmlStatus
backward(const HmlRun *run)
{
	const HmlLoops *loops = hml_loops();
	Sizes s = sizes_of(run->node);
	size_t kept = s.steps + s.steps * s.units;
	float *g_scores = run->scratch;

	for (size_t i = 0; i < run->n; i++)
	{
		const float *x = run->x[0] + i * s.steps * s.features;
		const float *gy = run->gy + i * s.features;
		float *gx = run->gx[0] == NULL ? NULL : run->gx[0] + i * s.steps * s.features;
		const float *weights = (const float *) run->saved + i * kept;

		for (size_t t = 0; t < s.steps && gx != NULL; t++)
			loops->affine(gy, weights[t], 0, gx + t * s.features, s.features);
		/* Through softmax. */
		hml_sgemv(HML_NO_TRANS, s.steps, s.features, 1, x, s.features, gy, 0, g_scores);
		loops->affine(g_scores, 1, -(float) loops->dot(g_scores, weights, s.steps), g_scores, s.steps);
		loops->multiply(g_scores, weights, g_scores, s.steps);
		if (s.units > 0)
			backward_additive(run, s, x, weights + s.steps, g_scores, g_scores + s.steps, gx);
		else
			backward_dot(run, s, x, g_scores, gx);
	}
	return HML_OK;
}

static const char *const cases[] = {
	"{\"input\":[4,5],\"layers\":[{\"op\":\"attention_pool\",\"units\":6}]}",
	"{\"input\":[4,5],\"layers\":[{\"op\":\"attention_pool\",\"score\":\"dot\"}]}",
	NULL,
};

const HmlOp hml_op_attention_pool = {
	.name = "attention_pool",
	.help = "Mean over the steps of a sequence (steps, features), with learnt weights.",
	.min_inputs = 1,
	.max_inputs = 1,
	.flags = HML_OP_KEEPS_INPUTS,
	.attrs = attrs,
	.shape = shape,
	.forward = forward,
	.backward = backward,
	.cases = cases,
};
