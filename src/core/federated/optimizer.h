/*
 * optimizer.h
 *	  What the coordinator does with a round's average: server optimisers.
 *
 * S. Reddi et al.: Adaptive Federated Optimization, ICLR 2021 (FedAdagrad,
 * FedAdam, FedYogi); T.-M. H. Hsu et al., 2019 (FedAvgM).  Defaults and update
 * rules are Flower's, FedAdam's bias-corrected step included.
 */
#ifndef HML_FEDERATED_OPTIMIZER_H
#define HML_FEDERATED_OPTIMIZER_H

#include "core/base/context.h"

typedef enum HmlServerRule
{
	HML_SERVER_AVERAGE,  /* take the average as it is: fedavg, fedprox, fedmedian, ... */
	HML_SERVER_MOMENTUM, /* fedavgm */
	HML_SERVER_ADAGRAD,
	HML_SERVER_ADAM,
	HML_SERVER_YOGI
} HmlServerRule;

typedef struct HmlServerOptimizer
{
	HmlServerRule rule;
	double eta;    /* server learning rate */
	double beta_1; /* momentum: of fedavgm, and of the first moment */
	double beta_2;
	double tau; /* added to the root of the second moment */
} HmlServerOptimizer;

/* Flower's defaults of a strategy's name; HML_UNDEFINED lists the known names. */
extern HmlStatus hml_server_optimizer_default(HmlContext *ctx, const char *strategy,
											  HmlServerOptimizer *out) HML_NODISCARD;

/*
 * One step.  All arrays are (n): current global weights, the round's average,
 * first and second moment (zeros before round 1, updated here); next may be
 * current.  round counts from 1.
 */
extern void hml_server_step(const HmlServerOptimizer *optimizer, int round, size_t n, const float *current,
							const float *average, float *first, float *second, float *next);

#endif /* HML_FEDERATED_OPTIMIZER_H */
