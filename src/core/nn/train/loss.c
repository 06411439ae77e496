/*
 * loss.c
 *	  Losses and their gradients, in float64 inside.  A loss is computed once per
 *	  batch on the few outputs of a network, so that plain loops will do.
 */
#include "core/nn/train/loss.h"

#include <math.h>
#include <string.h>

static const char *const names[] = {"mse", "mae", "huber", "bce_with_logits", "cross_entropy", "kl"};

#define N_LOSSES (sizeof(names) / sizeof(*names))

bool
hml_loss_find(const char *name, HmlLossKind *out)
{
	for (size_t i = 0; i < N_LOSSES; i++)
		if (strcmp(names[i], name) == 0)
		{
			*out = (HmlLossKind) i;
			return true;
		}
	return false;
}

/* Loss of one element, and its derivative. */
static double
element_loss(const HmlLoss *loss, double x, double t, double *derivative)
{
	double d = x - t;
	double delta = (double) loss->delta;

	switch (loss->kind)
	{
		case HML_LOSS_MSE:
			*derivative = 2 * d;
			return d * d;
		case HML_LOSS_MAE:
			*derivative = (d > 0) - (d < 0);
			return fabs(d);
		case HML_LOSS_HUBER:
			*derivative = fabs(d) <= delta ? d : copysign(delta, d);
			return fabs(d) <= delta ? 0.5 * d * d : delta * (fabs(d) - 0.5 * delta);
		default: /* bce_with_logits, in the form that never takes the exponential of a large number */
			*derivative = 1 / (1 + exp(-x)) - t;
			return (x > 0 ? x : 0) - x * t + log1p(exp(-fabs(x)));
	}
}

static double
loss_of_elements(const HmlLoss *loss, const float *x, const float *t, double scale, float *gradient)
{
	double share = 1 / (double) loss->size;
	double total = 0;

	for (size_t i = 0; i < loss->size; i++)
	{
		double derivative;

		total += element_loss(loss, (double) x[i], (double) t[i], &derivative);
		if (gradient != NULL)
			gradient[i] = (float) (scale * share * derivative);
	}
	return total * share;
}

/* Sum of t (log t - log softmax(x)), without t log t for cross_entropy. */
static double
loss_of_classes(const HmlLoss *loss, const float *x, const float *t, double scale, float *gradient)
{
	double highest = -INFINITY;
	double sum = 0;
	double mass = 0;
	double total = 0;
	double log_sum;

	for (size_t i = 0; i < loss->classes; i++)
		highest = (double) x[i] > highest ? (double) x[i] : highest;
	for (size_t i = 0; i < loss->classes; i++)
		sum += exp((double) x[i] - highest);
	/* cppcheck-suppress invalidFunctionArg ; there is a class, and the highest adds 1 to sum */
	log_sum = highest + log(sum);
	for (size_t i = 0; i < loss->classes; i++)
	{
		double target = (double) t[i];
		double entropy = loss->kind == HML_LOSS_KL && target > 0 ? log(target) : 0;

		total += target * (entropy - ((double) x[i] - log_sum));
		mass += target;
	}
	for (size_t i = 0; gradient != NULL && i < loss->classes; i++)
		gradient[i] = (float) (scale * (mass * exp((double) x[i] - log_sum) - (double) t[i]));
	return total;
}

/* One sample; with several rows of classes, the mean over the rows. */
static double
loss_of_sample(const HmlLoss *loss, const float *x, const float *t, double scale, float *gradient)
{
	size_t rows = loss->size / loss->classes;
	double total = 0;

	if (loss->kind != HML_LOSS_CROSS_ENTROPY && loss->kind != HML_LOSS_KL)
		return loss_of_elements(loss, x, t, scale, gradient);
	for (size_t i = 0; i < rows; i++)
	{
		size_t offset = i * loss->classes;

		total += loss_of_classes(loss, x + offset, t + offset, scale / (double) rows,
								 gradient == NULL ? NULL : gradient + offset);
	}
	return total / (double) rows;
}

double
hml_loss(const HmlLoss *loss, const float *x, const float *target, const float *weight, size_t n,
		 double scale, float *gradient)
{
	double total = 0;

	for (size_t i = 0; i < n; i++)
	{
		double w = weight == NULL ? 1 : (double) weight[i];
		size_t offset = i * loss->size;

		total += w * loss_of_sample(loss, x + offset, target + offset, w * scale,
									gradient == NULL ? NULL : gradient + offset);
	}
	return total;
}
