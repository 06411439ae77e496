/*
 * integrated_gradients.c
 *	  Forward and backward along the paths of a score.
 *
 * Passes are differentiable, unlike plans, and are prepared for each call.  The
 * baseline and the explained sample are two more points of the batch.
 */
#include "core/learn/network/integrated_gradients.h"

#include <math.h>
#include <string.h>

#include "core/nn/train/pass.h"

#define STEPS HML_GRADIENT_STEPS
#define BASELINE STEPS
#define EXPLAINED (STEPS + 1)
#define POINTS (STEPS + 2)

typedef struct Way
{
	const HmlGradientPath *path;
	HmlPass *pass;
	size_t n_inputs;
	size_t width;       /* numbers of the node's output */
	float *points;      /* (POINTS, n_inputs) */
	float *outputs;     /* (POINTS, width) mean over the members */
	double *by_outputs; /* (STEPS, width) */
	double *slopes;     /* (n_inputs) sum of gradients along the path */
} Way;

typedef struct Integral
{
	HmlContext *ctx;
	HmlArena *arena;
	const HmlGradientSpec *spec;
	Way ways[HML_MAX_GRADIENT_PATHS];
} Integral;

/* ---- one way --------------------------------------------------------------------------------------- */

static void
set_points(Way *way)
{
	const HmlGradientPath *path = way->path;

	for (size_t i = 0; i < way->n_inputs; i++)
	{
		for (size_t step = 0; step < STEPS; step++)
			way->points[step * way->n_inputs + i] =
				(float) (path->from[i] + (path->to[i] - path->from[i]) * ((double) step + 0.5) / STEPS);
		way->points[BASELINE * way->n_inputs + i] = (float) path->from[i];
		way->points[EXPLAINED * way->n_inputs + i] = (float) path->to[i];
	}
}

static HmlStatus
prepare(Integral *integral, size_t number)
{
	Way *way = &integral->ways[number];
	const HmlGradientPath *path = &integral->spec->paths[number];
	const HmlNetwork *network = path->ensemble->network;
	HmlPassOptions options = {
		.batch = POINTS, .backward = true, .input_gradients = true, .loss_node = path->node};

	way->path = path;
	way->n_inputs = hml_ensemble_inputs(path->ensemble);
	way->width = hml_shape_size(&network->nodes[path->node].shape);
	HML_TRY(hml_arena_alloc(integral->arena, POINTS, way->n_inputs * sizeof(float), (void **) &way->points));
	HML_TRY(hml_arena_alloc(integral->arena, POINTS, way->width * sizeof(float), (void **) &way->outputs));
	HML_TRY(hml_arena_alloc(integral->arena, STEPS, way->width * sizeof(double), (void **) &way->by_outputs));
	HML_TRY(HML_ARENA_NEW_ZERO(integral->arena, &way->slopes, way->n_inputs));
	memset(way->outputs, 0, POINTS * way->width * sizeof(float));
	memset(way->by_outputs, 0, STEPS * way->width * sizeof(double));
	set_points(way);
	return hml_pass_create(integral->ctx, network, &options, &way->pass);
}

static HmlStatus
run_member(Way *way, size_t member)
{
	const float *inputs[1] = {way->points};

	return hml_pass_forward(way->pass, way->path->ensemble->weights[member], inputs, POINTS);
}

static HmlStatus
run(Way *way)
{
	size_t n_members = way->path->ensemble->n_members;

	for (size_t k = 0; k < n_members; k++)
	{
		const float *outputs;

		HML_TRY(run_member(way, k));
		outputs = hml_pass_loss_input(way->pass);
		for (size_t i = 0; i < POINTS * way->width; i++)
			way->outputs[i] += outputs[i] / (float) n_members;
	}
	return HML_OK;
}

/* Adds the gradients of all members; the pass of a single one is still as run() has left it. */
static HmlStatus
add_slopes(Way *way)
{
	size_t n_members = way->path->ensemble->n_members;
	float *by_outputs = hml_pass_loss_gradient(way->pass);

	for (size_t k = 0; k < n_members; k++)
	{
		const float *gradients;

		if (n_members > 1)
			HML_TRY(run_member(way, k));
		memset(by_outputs, 0, POINTS * way->width * sizeof(float));
		for (size_t i = 0; i < STEPS * way->width; i++)
			by_outputs[i] = (float) (way->by_outputs[i] / (double) n_members);
		HML_TRY(hml_pass_backward(way->pass, NULL));
		gradients = hml_pass_input_gradient(way->pass, 0);
		for (size_t step = 0; step < STEPS; step++)
			for (size_t i = 0; i < way->n_inputs; i++)
				way->slopes[i] += (double) gradients[step * way->n_inputs + i];
	}
	return HML_OK;
}

static void
add_contributions(const Way *way)
{
	const HmlGradientPath *path = way->path;

	for (size_t i = 0; i < way->n_inputs; i++)
		path->contributions[i] += way->slopes[i] / STEPS * (path->to[i] - path->from[i]);
}

/* ---- all ways -------------------------------------------------------------------------------------- */

static HmlGradientPoint
point_at(const Integral *integral, size_t number)
{
	HmlGradientPoint point = {0};

	for (size_t p = 0; p < integral->spec->n_paths; p++)
	{
		const Way *way = &integral->ways[p];

		point.inputs[p] = way->points + number * way->n_inputs;
		point.outputs[p] = way->outputs + number * way->width;
		point.explained[p] = way->outputs + EXPLAINED * way->width;
	}
	return point;
}

static double
score_at(const Integral *integral, size_t number)
{
	HmlGradientPoint point = point_at(integral, number);

	return integral->spec->score(integral->spec->user, &point);
}

static void
derive(const Integral *integral)
{
	for (size_t step = 0; step < STEPS; step++)
	{
		HmlGradientPoint point = point_at(integral, step);
		double *by_outputs[HML_MAX_GRADIENT_PATHS];
		double *by_inputs[HML_MAX_GRADIENT_PATHS];

		for (size_t p = 0; p < integral->spec->n_paths; p++)
		{
			by_outputs[p] = integral->ways[p].by_outputs + step * integral->ways[p].width;
			by_inputs[p] = integral->ways[p].slopes;
		}
		integral->spec->derive(integral->spec->user, &point, by_outputs, by_inputs);
	}
}

static HmlStatus
integrate(Integral *integral, double *base, double *score)
{
	size_t n_paths = integral->spec->n_paths;

	for (size_t p = 0; p < n_paths; p++)
	{
		HML_TRY(prepare(integral, p));
		HML_TRY(run(&integral->ways[p]));
	}
	*base = score_at(integral, BASELINE);
	*score = score_at(integral, EXPLAINED);
	if (!isfinite(*base) || !isfinite(*score))
		return hml_fail(integral->ctx, HML_INVALID_DATA, "the score of the network is not finite");
	derive(integral);
	for (size_t p = 0; p < n_paths; p++)
	{
		HML_TRY(add_slopes(&integral->ways[p]));
		add_contributions(&integral->ways[p]);
	}
	return HML_OK;
}

HmlStatus
hml_integrate_gradients(HmlContext *ctx, const HmlGradientSpec *spec, double *base, double *score)
{
	Integral integral = {.ctx = ctx, .spec = spec};
	HmlStatus status;

	HML_TRY(hml_arena_create(ctx, &integral.arena));
	status = integrate(&integral, base, score);
	for (size_t p = 0; p < spec->n_paths; p++)
		hml_pass_free(integral.ways[p].pass);
	hml_arena_free(integral.arena);
	return status;
}

/* ---- rows ------------------------------------------------------------------------------------------ */

HmlStatus
hml_gradient_of_row(HmlArena *arena, const HmlModel *model, const HmlEnsemble *ensemble, const double *inputs,
					double *contributions, HmlGradientSpec *out)
{
	size_t n_inputs = hml_ensemble_inputs(ensemble);
	double *from;

	HML_TRY(HML_ARENA_NEW_ZERO(arena, &from, n_inputs));
	for (size_t row = 0; row < model->n_background; row++)
		for (size_t i = 0; i < n_inputs; i++)
			from[i] += model->background[row * n_inputs + i] / (double) model->n_background;
	out->n_paths = 1;
	out->paths[0] = (HmlGradientPath){.ensemble = ensemble,
									  .node = ensemble->network->output,
									  .from = from,
									  .to = inputs,
									  .contributions = contributions};
	return HML_OK;
}
