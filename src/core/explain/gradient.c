/*
 * gradient.c
 *	  Integrated gradients by the midpoint rule.
 *
 * All STEPS points of the path go through the network as one batch.  An algorithm
 * that can be explained says how its score follows from the network's outputs,
 * and from the inputs where it looks at these, too.
 */
#include "core/explain/gradient.h"

#include <math.h>
#include <string.h>

#include "core/learn/autoencoder/autoencoder.h"
#include "core/learn/mlp/mlp.h"
#include "core/nn/train/pass.h"

#define STEPS 128

typedef struct Path Path;

/* How an algorithm makes a score of one row. */
typedef struct Head
{
	const HmlAlgorithm *algorithm;
	const float *(*weights)(const HmlModel *model);
	double (*score)(const Path *path, const float *inputs, const float *outputs);
	/* Derivatives of the score: with respect to the outputs, and to the inputs where they act directly. */
	void (*derive)(const Path *path, const float *inputs, const float *outputs, float *by_outputs,
				   double *by_inputs);
} Head;

struct Path
{
	const Head *head;
	const HmlModel *model;
	HmlContext *ctx;
	HmlArena *arena;
	HmlPass *pass;
	size_t n_inputs;
	size_t width;     /* outputs of the network */
	size_t output;    /* of a classifier, the one that is explained */
	double *from;     /* (n_inputs) the baseline */
	const double *to; /* (n_inputs) the row */
	float *points;    /* (STEPS, n_inputs) */
	double *slopes;   /* (n_inputs) mean gradient along the path */
};

/* ---- mlp: an output, scaled ------------------------------------------------------------------------ */

static const float *
mlp_weights(const HmlModel *model)
{
	return ((const HmlMlp *) model->impl)->net.weights[0];
}

static double
mlp_score(const Path *path, const float *inputs, const float *outputs)
{
	const HmlMlp *mlp = path->model->impl;

	(void) inputs;
	return (double) outputs[path->output] * mlp->scale + mlp->offset;
}

static void
mlp_derive(const Path *path, const float *inputs, const float *outputs, float *by_outputs, double *by_inputs)
{
	const HmlMlp *mlp = path->model->impl;

	(void) inputs;
	(void) outputs;
	(void) by_inputs;
	memset(by_outputs, 0, path->width * sizeof(float));
	by_outputs[path->output] = (float) mlp->scale;
}

/* ---- autoencoder: error / (error + half_error), where the error is one of inputs and outputs --------- */

static const float *
autoencoder_weights(const HmlModel *model)
{
	return ((const HmlAutoencoder *) model->impl)->net.weights[0];
}

static double
autoencoder_score(const Path *path, const float *inputs, const float *outputs)
{
	const HmlAutoencoder *autoencoder = path->model->impl;
	double error = hml_autoencoder_error(path->model, inputs, outputs);

	return error / (error + autoencoder->half_error);
}

static void
autoencoder_derive(const Path *path, const float *inputs, const float *outputs, float *by_outputs,
				   double *by_inputs)
{
	const HmlAutoencoder *autoencoder = path->model->impl;
	double sum = hml_autoencoder_error(path->model, inputs, outputs) + autoencoder->half_error;
	double by_error = autoencoder->half_error / (sum * sum);

	for (size_t i = 0; i < path->n_inputs; i++)
	{
		double by_difference = by_error * 2.0 * (double) autoencoder->precision[i] *
							   ((double) inputs[i] - (double) outputs[i]) / (double) path->n_inputs;

		by_outputs[i] = (float) -by_difference;
		by_inputs[i] += by_difference;
	}
}

static const Head heads[] = {
	{&hml_mlp, mlp_weights, mlp_score, mlp_derive},
	{&hml_autoencoder, autoencoder_weights, autoencoder_score, autoencoder_derive},
};

/* ---- the path -------------------------------------------------------------------------------------- */

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

	return hml_pass_forward(path->pass, path->head->weights(path->model), inputs, n);
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
	*score = path->head->score(path, path->points, outputs);
	return HML_OK;
}

static void
set_points(Path *path)
{
	for (size_t step = 0; step < STEPS; step++)
		for (size_t i = 0; i < path->n_inputs; i++)
			path->points[step * path->n_inputs + i] =
				(float) (path->from[i] + (path->to[i] - path->from[i]) * ((double) step + 0.5) / STEPS);
}

static HmlStatus
integrate(Path *path)
{
	const float *gradients;

	set_points(path);
	memset(path->slopes, 0, path->n_inputs * sizeof(double));
	HML_TRY(run(path, STEPS));
	for (size_t step = 0; step < STEPS; step++)
		path->head->derive(path, path->points + step * path->n_inputs,
						   hml_pass_output(path->pass) + step * path->width,
						   hml_pass_loss_gradient(path->pass) + step * path->width, path->slopes);
	HML_TRY(hml_pass_backward(path->pass, NULL));
	gradients = hml_pass_input_gradient(path->pass, 0);
	for (size_t step = 0; step < STEPS; step++)
		for (size_t i = 0; i < path->n_inputs; i++)
			path->slopes[i] += (double) gradients[step * path->n_inputs + i];
	for (size_t i = 0; i < path->n_inputs; i++)
		path->slopes[i] /= STEPS;
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
			out->contributions[f] += path->slopes[i] * (path->to[i] - path->from[i]);
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
	const HmlNetwork *network = path->model->algorithm->network(path->model, 0)->network;
	HmlPassOptions options = {
		.batch = STEPS, .backward = true, .input_gradients = true, .loss_node = network->output};

	path->width = hml_shape_size(&network->nodes[network->output].shape);
	HML_TRY(hml_arena_alloc(path->arena, STEPS, path->n_inputs * sizeof(float), (void **) &path->points));
	HML_TRY(HML_ARENA_NEW(path->arena, &path->from, path->n_inputs));
	HML_TRY(HML_ARENA_NEW(path->arena, &path->slopes, path->n_inputs));
	return hml_pass_create(path->ctx, network, &options, &path->pass);
}

static const Head *
find_head(const HmlAlgorithm *algorithm)
{
	for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++)
		if (heads[i].algorithm == algorithm)
			return &heads[i];
	return NULL;
}

HmlStatus
hml_gradient_explain(const HmlModel *model, HmlContext *ctx, const double *inputs, HmlExplanation *out)
{
	Path path = {.head = find_head(model->algorithm),
				 .model = model,
				 .ctx = ctx,
				 .n_inputs = model->pipeline->n_inputs,
				 .to = inputs};
	HmlStatus status;

	if (path.head == NULL)
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
