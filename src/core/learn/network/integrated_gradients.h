/*
 * integrated_gradients.h
 *	  What each input of a model's networks adds to its score.
 *
 * M. Sundararajan, A. Taly, Q. Yan: Axiomatic Attribution for Deep Networks, ICML
 * 2017, by the midpoint rule with HML_GRADIENT_STEPS points.  The path runs straight
 * from a baseline to the explained sample, through all networks of the score at
 * once; all its points go through a network as one batch, and the cost does not
 * depend on the number of inputs.
 *
 * An algorithm says which networks its score is made of, where their paths begin
 * and end, and how the score follows from their outputs: HmlAlgorithm.gradient.
 */
#ifndef HML_LEARN_NETWORK_INTEGRATED_GRADIENTS_H
#define HML_LEARN_NETWORK_INTEGRATED_GRADIENTS_H

#include "core/learn/network/ensemble.h"
#include "core/model/model.h"

#define HML_GRADIENT_STEPS 128
#define HML_MAX_GRADIENT_PATHS 2

/* The way of one ensemble's inputs. */
typedef struct HmlGradientPath
{
	const HmlEnsemble *ensemble;
	size_t node;           /* whose output the score is made of; of several members, the mean */
	const double *from;    /* (inputs) the baseline */
	const double *to;      /* (inputs) the explained sample */
	double *contributions; /* (inputs), to which they are added */
} HmlGradientPath;

/* A point of the way, by path. */
typedef struct HmlGradientPoint
{
	const float *inputs[HML_MAX_GRADIENT_PATHS];
	const float *outputs[HML_MAX_GRADIENT_PATHS];   /* of the node */
	const float *explained[HML_MAX_GRADIENT_PATHS]; /* the same of the explained sample */
} HmlGradientPoint;

typedef struct HmlGradientSpec
{
	size_t n_paths;
	HmlGradientPath paths[HML_MAX_GRADIENT_PATHS];
	const void *user;
	double (*score)(const void *user, const HmlGradientPoint *point);
	/*
	 * Derivatives of the score, by path: by_outputs comes as zeros; by_inputs is
	 * added to, where the score looks at inputs directly.
	 */
	void (*derive)(const void *user, const HmlGradientPoint *point, double *const *by_outputs,
				   double *const *by_inputs);
} HmlGradientSpec;

/* Scores of the baseline and of the explained sample, whose difference is the sum of contributions but for the error of the integral. */
extern HmlStatus hml_integrate_gradients(HmlContext *ctx, const HmlGradientSpec *spec, double *base,
										 double *score) HML_NODISCARD;

/*
 * The only path of a model whose network takes the inputs of a row as they are:
 * from the mean of its background rows, or from 0, which is the mean of
 * standardised inputs, where it has none.
 */
extern HmlStatus hml_gradient_of_row(HmlArena *arena, const HmlModel *model, const HmlEnsemble *ensemble,
									 const double *inputs, double *contributions,
									 HmlGradientSpec *out) HML_NODISCARD;

#endif /* HML_LEARN_NETWORK_INTEGRATED_GRADIENTS_H */
