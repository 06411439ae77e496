/*
 * heart_network_gradient.c
 *	  Integrated gradients of the logit of a heart sound's probability.
 *
 * M. Sundararajan, A. Taly, Q. Yan: Axiomatic Attribution for Deep Networks, ICML
 * 2017, by the midpoint rule.  All points of the path go through each network as
 * one batch; the derivative of the mixed probability comes on top.  A part's logit
 * is the mean of its networks' logits, and so are its derivatives.
 */
#include <math.h>
#include <string.h>

#include "core/nn/train/pass.h"
#include "core/heart/heart_network.h"

#define STEPS 128
#define NEGLIGIBLE 1e-12

/* One part along the path: from its mean, which is 0 once standardised, to the row. */
typedef struct Path
{
	const HmlHeartPart *part;
	HmlPass *pass;
	float *points; /* (STEPS + 2, n_inputs): the midpoints, then the baseline, then the row */
	double logits[STEPS + 2];
	double weights[STEPS]; /* derivative of the mixed logit by this network's own, at the midpoints */
} Path;

typedef struct Mixture
{
	const HmlHeartNetwork *network;
	double familiarity;
	Path general;
	Path expert;
} Mixture;

#define BASELINE STEPS
#define ROW (STEPS + 1)

/* ---- one part ----------------------------------------------------- */

static HmlStatus
prepare(HmlArena *arena, const HmlHeartPart *part, const float *features, Path *path)
{
	HmlPassOptions options = {.batch = STEPS + 2,
							  .backward = true,
							  .input_gradients = true,
							  .loss_node = hml_loss_node(part->net.network, HML_LOSS_BCE_WITH_LOGITS)};
	float *row;

	path->part = part;
	HML_TRY(hml_arena_alloc(arena, STEPS + 2, part->n_inputs * sizeof(float), (void **) &path->points));
	row = path->points + ROW * part->n_inputs;
	hml_heart_part_inputs(part, features, row);
	for (size_t step = 0; step < STEPS; step++)
		for (size_t i = 0; i < part->n_inputs; i++)
			path->points[step * part->n_inputs + i] = row[i] * ((float) step + 0.5f) / STEPS;
	memset(path->points + BASELINE * part->n_inputs, 0, part->n_inputs * sizeof(float));
	return hml_pass_create(hml_arena_context(arena), part->net.network, &options, &path->pass);
}

static HmlStatus
run(Path *path)
{
	const float *inputs[1] = {path->points};

	for (size_t k = 0; k < path->part->net.n_members; k++)
	{
		const float *logits;

		HML_TRY(hml_pass_forward(path->pass, path->part->net.weights[k], inputs, STEPS + 2));
		logits = hml_pass_loss_input(path->pass);
		for (size_t i = 0; i < STEPS + 2; i++)
			path->logits[i] += (double) logits[i] / (double) path->part->net.n_members;
	}
	return HML_OK;
}

/* Adds what the inputs contribute by one network. */
static HmlStatus
add_network(Path *path, size_t number, double *contributions)
{
	const float *inputs[1] = {path->points};
	size_t n_inputs = path->part->n_inputs;
	const float *row = path->points + ROW * n_inputs;
	float *by_logit = hml_pass_loss_gradient(path->pass);
	const float *gradients;

	HML_TRY(hml_pass_forward(path->pass, path->part->net.weights[number], inputs, STEPS + 2));

	memset(by_logit, 0, (STEPS + 2) * sizeof(*by_logit));
	for (size_t step = 0; step < STEPS; step++)
		by_logit[step] = (float) (path->weights[step] / (double) path->part->net.n_members);
	HML_TRY(hml_pass_backward(path->pass, NULL));
	gradients = hml_pass_input_gradient(path->pass, 0);
	for (size_t step = 0; step < STEPS; step++)
		for (size_t i = 0; i < n_inputs; i++)
			contributions[i] += (double) gradients[step * n_inputs + i] * row[i] / STEPS;
	return HML_OK;
}

static HmlStatus
add_contributions(Path *path, double *contributions)
{
	for (size_t k = 0; k < path->part->net.n_members; k++)
		HML_TRY(add_network(path, k, contributions));
	return HML_OK;
}

/* ---- the mixture ----------------------------------------------------- */

/* The mixed logit at a point; its derivatives by the logits of both networks where they are wanted. */
static double
mix(const Mixture *mixture, size_t point, double *by_general, double *by_expert)
{
	double f = mixture->familiarity;
	double slope = mixture->network->slope;
	double g = hml_heart_sigmoid(mixture->general.logits[point]);
	double e = f > 0 ? hml_heart_sigmoid(slope * mixture->expert.logits[point] + mixture->network->bias) : 0;
	double p = f * e + (1 - f) * g;

	if (by_general != NULL)
	{
		*by_general = (1 - f) * g * (1 - g) / (p * (1 - p));
		*by_expert = f * slope * e * (1 - e) / (p * (1 - p));
	}
	return log(p / (1 - p));
}

/* What the numeric integral left over, in proportion to what there is. */
static void
complete(double rest, double *contributions)
{
	double size = 0;
	double sum = 0;

	for (size_t f = 0; f < HML_HEART_SOUNDS; f++)
	{
		size += fabs(contributions[f]);
		sum += contributions[f];
	}
	for (size_t f = 0; f < HML_HEART_SOUNDS && size > NEGLIGIBLE; f++)
		contributions[f] += (rest - sum) * fabs(contributions[f]) / size;
}

static HmlStatus
explain(HmlArena *arena, Mixture *mixture, const float *features, double *base, double *contributions)
{
	const HmlHeartNetwork *network = mixture->network;

	HML_TRY(prepare(arena, &network->general, features, &mixture->general));
	HML_TRY(run(&mixture->general));
	if (mixture->familiarity > 0)
	{
		HML_TRY(prepare(arena, &network->expert, features, &mixture->expert));
		HML_TRY(run(&mixture->expert));
	}
	for (size_t step = 0; step < STEPS; step++)
		mix(mixture, step, &mixture->general.weights[step], &mixture->expert.weights[step]);
	HML_TRY(add_contributions(&mixture->general, contributions));
	if (mixture->familiarity > 0)
		HML_TRY(add_contributions(&mixture->expert, contributions));
	*base = mix(mixture, BASELINE, NULL, NULL);
	complete(mix(mixture, ROW, NULL, NULL) - *base, contributions);
	return HML_OK;
}

HmlStatus
hml_heart_network_explain(HmlContext *ctx, const HmlHeartNetwork *network, const float *features,
						  double *base, double *contributions)
{
	Mixture mixture = {.network = network, .familiarity = hml_heart_familiarity(&network->clinics, features)};
	HmlArena *arena;
	HmlStatus status;

	for (size_t f = 0; f < HML_HEART_FEATURES; f++)
		contributions[f] = 0;
	HML_TRY(hml_arena_create(ctx, &arena));
	status = explain(arena, &mixture, features, base, contributions);
	hml_pass_free(mixture.general.pass);
	hml_pass_free(mixture.expert.pass);
	hml_arena_free(arena);
	return status;
}
