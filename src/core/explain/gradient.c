/*
 * gradient.c
 *	  Integrated gradients by the midpoint rule.
 *
 * All STEPS points of the path go through the network as one batch.
 */
#include "core/explain/gradient.h"

#include <math.h>
#include <string.h>

#include "core/nn/mlp.h"
#include "core/nn/pass.h"

#define STEPS 128

typedef struct Path
{
	const HmlModel *model;
	const HmlMlp *mlp;
	HmlContext *ctx;
	HmlArena *arena;
	HmlPass *pass;
	size_t n_inputs;
	size_t width;     /* outputs of the network */
	size_t output;    /* the one that is explained */
	double *from;     /* (n_inputs) the baseline */
	const double *to; /* (n_inputs) the row */
	float *points;    /* (STEPS, n_inputs) */
	double *slopes;   /* (n_inputs) mean gradient along the path */
} Path;

static void
set_baseline(Path *path)
{
	size_t n_background = path->model->n_background;

	memset(path->from, 0, path->n_inputs * sizeof(double));
	for (size_t row = 0; row < n_background; row++)
		for (size_t i = 0; i < path->n_inputs; i++)
			path->from[i] += path->model->background[row * path->n_inputs + i] / (double) n_background;
}

static HmlStatus
run(Path *path, size_t n)
{
	const float *inputs[1] = {path->points};

	return hml_pass_forward(path->pass, path->mlp->weights, inputs, n);
}

/* The network's outputs for one row. */
static HmlStatus
output_of(Path *path, const double *row, const float **out)
{
	for (size_t i = 0; i < path->n_inputs; i++)
		path->points[i] = (float) row[i];
	HML_TRY(run(path, 1));
	*out = hml_pass_output(path->pass);
	return HML_OK;
}

static HmlStatus
choose_output(Path *path)
{
	const float *outputs;

	HML_TRY(output_of(path, path->to, &outputs));
	for (size_t c = 1; c < path->width; c++)
		if (outputs[c] > outputs[path->output])
			path->output = c;
	return HML_OK;
}

static HmlStatus
score_of(Path *path, const double *row, double *score)
{
	const float *outputs;

	HML_TRY(output_of(path, row, &outputs));
	*score = (double) outputs[path->output] * path->mlp->scale + path->mlp->offset;
	return HML_OK;
}

static HmlStatus
integrate(Path *path)
{
	float *seed;
	const float *gradients;

	for (size_t step = 0; step < STEPS; step++)
		for (size_t i = 0; i < path->n_inputs; i++)
			path->points[step * path->n_inputs + i] =
				(float) (path->from[i] + (path->to[i] - path->from[i]) * ((double) step + 0.5) / STEPS);
	HML_TRY(run(path, STEPS));
	seed = hml_pass_loss_gradient(path->pass);
	memset(seed, 0, STEPS * path->width * sizeof(float));
	for (size_t step = 0; step < STEPS; step++)
		seed[step * path->width + path->output] = 1.0f;
	HML_TRY(hml_pass_backward(path->pass, NULL));
	gradients = hml_pass_input_gradient(path->pass, 0);
	memset(path->slopes, 0, path->n_inputs * sizeof(double));
	for (size_t step = 0; step < STEPS; step++)
		for (size_t i = 0; i < path->n_inputs; i++)
			path->slopes[i] += (double) gradients[step * path->n_inputs + i] / STEPS;
	return HML_OK;
}

static void
sum_features(const Path *path, HmlExplanation *out)
{
	const HmlPipeline *pipeline = path->model->pipeline;
	double sum = 0.0;

	for (size_t f = 0; f < pipeline->n_features; f++)
	{
		const HmlFeature *feature = &pipeline->features[f];

		out->contributions[f] = 0.0;
		for (size_t i = feature->first_input; i < feature->first_input + feature->n_inputs; i++)
			out->contributions[f] += path->slopes[i] * (path->to[i] - path->from[i]) * path->mlp->scale;
		sum += out->contributions[f];
	}
	out->standard_error = fabs(out->base + sum - out->margin);
	out->method = "integrated_gradients";
}

static HmlStatus
explain(Path *path, HmlExplanation *out)
{
	set_baseline(path);
	HML_TRY(choose_output(path));
	HML_TRY(score_of(path, path->from, &out->base));
	HML_TRY(score_of(path, path->to, &out->margin));
	HML_TRY(integrate(path));
	sum_features(path, out);
	return HML_OK;
}

static HmlStatus
prepare(Path *path)
{
	const HmlNetwork *network = path->mlp->network;
	HmlPassOptions options = {
		.batch = STEPS, .backward = true, .input_gradients = true, .loss_node = network->output};

	path->width = hml_shape_size(&network->nodes[network->output].shape);
	HML_TRY(hml_arena_alloc(path->arena, STEPS, path->n_inputs * sizeof(float), (void **) &path->points));
	HML_TRY(HML_ARENA_NEW(path->arena, &path->from, path->n_inputs));
	HML_TRY(HML_ARENA_NEW(path->arena, &path->slopes, path->n_inputs));
	return hml_pass_create(path->ctx, network, &options, &path->pass);
}

HmlStatus
hml_gradient_explain(const HmlModel *model, HmlContext *ctx, const double *inputs, HmlExplanation *out)
{
	Path path = {
		.model = model, .mlp = model->impl, .ctx = ctx, .n_inputs = model->pipeline->n_inputs, .to = inputs};
	HmlStatus status;

	if (model->algorithm != &hml_mlp)
	{
		hml_fail(ctx, HML_UNSUPPORTED, "scores of algorithm \"%s\" have no gradients",
				 model->algorithm->name);
		return hml_hint(ctx, "Shapley values explain any model.");
	}
	HML_TRY(hml_arena_create(ctx, &path.arena));
	status = prepare(&path);
	if (status == HML_OK)
		status = explain(&path, out);
	hml_pass_free(path.pass);
	hml_arena_free(path.arena);
	return status;
}
