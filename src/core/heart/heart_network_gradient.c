/*
 * heart_network_gradient.c
 *	  How the logit of a heart sound's probability follows from the logits of both parts.
 *
 * The path of each part begins at its mean, which is 0 once standardised.  A part's
 * logit is the mean of its networks' logits.
 */
#include <math.h>
#include <string.h>

#include "core/heart/heart_network.h"

#define NEGLIGIBLE 1e-12

enum
{
	GENERAL,
	EXPERT
};

typedef struct Mixture
{
	const HmlHeartNetwork *network;
	double familiarity;
} Mixture;

/* ---- the mixture ----------------------------------------------------- */

/* Probabilities of both parts, the expert's calibrated, and mixed. */
typedef struct Probabilities
{
	double general;
	double expert; /* 0 where it has no share */
	double mixed;
} Probabilities;

static Probabilities
mix(const Mixture *mixture, const HmlGradientPoint *point)
{
	const HmlHeartNetwork *network = mixture->network;
	double f = mixture->familiarity;
	Probabilities p = {.general = hml_heart_sigmoid((double) point->outputs[GENERAL][0])};

	if (f > 0)
		p.expert = hml_heart_sigmoid(network->slope * (double) point->outputs[EXPERT][0] + network->bias);
	p.mixed = f * p.expert + (1 - f) * p.general;
	return p;
}

static double
logit_at(const void *user, const HmlGradientPoint *point)
{
	Probabilities p = mix(user, point);

	return log(p.mixed / (1 - p.mixed));
}

static void
derive(const void *user, const HmlGradientPoint *point, double *const *by_outputs, double *const *by_inputs)
{
	const Mixture *mixture = user;
	double f = mixture->familiarity;
	Probabilities p = mix(mixture, point);
	double spread = p.mixed * (1 - p.mixed);

	(void) by_inputs;
	by_outputs[GENERAL][0] = (1 - f) * p.general * (1 - p.general) / spread;
	if (f > 0)
		by_outputs[EXPERT][0] = f * mixture->network->slope * p.expert * (1 - p.expert) / spread;
}

static HmlStatus
set_path(HmlArena *arena, const HmlHeartPart *part, const float *features, double *contributions,
		 HmlGradientPath *path)
{
	float inputs[HML_HEART_FEATURES];
	double *from;
	double *to;

	HML_TRY(HML_ARENA_NEW_ZERO(arena, &from, part->n_inputs));
	HML_TRY(HML_ARENA_NEW(arena, &to, part->n_inputs));
	hml_heart_part_inputs(part, features, inputs);
	for (size_t i = 0; i < part->n_inputs; i++)
		to[i] = (double) inputs[i];
	*path = (HmlGradientPath){.ensemble = &part->net,
							  .node = hml_loss_node(part->net.network, HML_LOSS_BCE_WITH_LOGITS),
							  .from = from,
							  .to = to,
							  .contributions = contributions};
	return HML_OK;
}

HmlStatus
hml_heart_network_gradient(HmlArena *arena, const HmlHeartNetwork *network, const float *features,
						   double *contributions, HmlGradientSpec *out)
{
	Mixture *mixture;

	HML_TRY(HML_ARENA_NEW(arena, &mixture, 1));
	*mixture = (Mixture){network, hml_heart_familiarity(&network->clinics, features)};
	out->user = mixture;
	out->score = logit_at;
	out->derive = derive;
	out->n_paths = mixture->familiarity > 0 ? 2 : 1;
	HML_TRY(set_path(arena, &network->general, features, contributions, &out->paths[GENERAL]));
	if (mixture->familiarity > 0)
		HML_TRY(set_path(arena, &network->expert, features, contributions, &out->paths[EXPERT]));
	return HML_OK;
}

/* ---- explanation ----------------------------------------------------- */

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
explain(HmlArena *arena, const HmlHeartNetwork *network, const float *features, double *base,
		double *contributions)
{
	HmlGradientSpec spec = {0};
	double logit;

	HML_TRY(hml_heart_network_gradient(arena, network, features, contributions, &spec));
	HML_TRY(hml_integrate_gradients(hml_arena_context(arena), &spec, base, &logit));
	complete(logit - *base, contributions);
	return HML_OK;
}

HmlStatus
hml_heart_network_explain(HmlContext *ctx, const HmlHeartNetwork *network, const float *features,
						  double *base, double *contributions)
{
	HmlArena *arena;
	HmlStatus status;

	memset(contributions, 0, HML_HEART_FEATURES * sizeof(*contributions));
	HML_TRY(hml_arena_create(ctx, &arena));
	status = explain(arena, network, features, base, contributions);
	hml_arena_free(arena);
	return status;
}
