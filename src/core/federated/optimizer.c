/*
 * optimizer.c
 *	  FedAvgM, FedAdagrad, FedAdam and FedYogi on flat weight vectors.
 */
#include "core/federated/optimizer.h"

#include <math.h>
#include <string.h>

static const struct
{
	const char *strategy;
	HmlServerOptimizer optimizer;
} strategies[] = {
	{"fedavg", {HML_SERVER_AVERAGE, 1.0, 0.0, 0.0, 0.0}},
	{"fedprox", {HML_SERVER_AVERAGE, 1.0, 0.0, 0.0, 0.0}},
	{"fedmedian", {HML_SERVER_AVERAGE, 1.0, 0.0, 0.0, 0.0}},
	{"fed_trimmed_mean", {HML_SERVER_AVERAGE, 1.0, 0.0, 0.0, 0.0}},
	{"krum", {HML_SERVER_AVERAGE, 1.0, 0.0, 0.0, 0.0}},
	{"fedavgm", {HML_SERVER_MOMENTUM, 1.0, 0.0, 0.0, 0.0}},
	{"fedadagrad", {HML_SERVER_ADAGRAD, 0.1, 0.0, 0.0, 1e-3}},
	{"fedadam", {HML_SERVER_ADAM, 0.1, 0.9, 0.99, 1e-3}},
	{"fedyogi", {HML_SERVER_YOGI, 0.01, 0.9, 0.99, 1e-3}},
};

#define N_STRATEGIES (sizeof(strategies) / sizeof(strategies[0]))

HmlStatus
hml_server_optimizer_default(HmlContext *ctx, const char *strategy, HmlServerOptimizer *out)
{
	for (size_t i = 0; i < N_STRATEGIES; i++)
		if (strcmp(strategies[i].strategy, strategy) == 0)
		{
			*out = strategies[i].optimizer;
			return HML_OK;
		}
	hml_fail(ctx, HML_UNDEFINED, "unrecognized federated strategy \"%s\"", strategy);
	return hml_hint(ctx, "Valid strategies are: fedavg, fedprox, fedavgm, fedadagrad, fedadam, fedyogi, "
						 "fedmedian, fed_trimmed_mean, krum.");
}

static double
yogi_second(double second, double squared, double beta_2)
{
	double sign = (double) ((second > squared) - (second < squared));

	return second - (1.0 - beta_2) * squared * sign;
}

/* Momentum on the pseudo-gradient current - average; the first round starts it. */
static double
momentum_step(const HmlServerOptimizer *o, double current, double average, float *velocity)
{
	double gradient = current - average;

	if (o->beta_1 > 0.0)
	{
		gradient += o->beta_1 * (double) *velocity;
		*velocity = (float) gradient;
	}
	return current - o->eta * gradient;
}

static double
adaptive_step(const HmlServerOptimizer *o, double eta, double current, double average, float *first,
			  float *second)
{
	double delta = average - current;
	double squared = delta * delta;
	double m = o->beta_1 * (double) *first + (1.0 - o->beta_1) * delta;
	double v = (double) *second;

	if (o->rule == HML_SERVER_ADAGRAD)
		v += squared;
	else if (o->rule == HML_SERVER_ADAM)
		v = o->beta_2 * v + (1.0 - o->beta_2) * squared;
	else
		v = yogi_second(v, squared, o->beta_2);

	*first = (float) m;
	*second = (float) v;
	return current + eta * m / (sqrt(v) + o->tau);
}

void
hml_server_step(const HmlServerOptimizer *o, int round, size_t n, const float *current, const float *average,
				float *first, float *second, float *next)
{
	double eta = o->eta;

	if (o->rule == HML_SERVER_ADAM)
		eta *= sqrt(1.0 - pow(o->beta_2, round + 1.0)) / (1.0 - pow(o->beta_1, round + 1.0));

	for (size_t i = 0; i < n; i++)
	{
		if (o->rule == HML_SERVER_AVERAGE)
			next[i] = average[i];
		else if (o->rule == HML_SERVER_MOMENTUM)
			next[i] = (float) momentum_step(o, (double) current[i], (double) average[i], &first[i]);
		else
			next[i] = (float) adaptive_step(o, eta, (double) current[i], (double) average[i], &first[i],
											&second[i]);
	}
}
