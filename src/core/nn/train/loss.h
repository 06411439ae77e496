/*
 * loss.h
 *	  Losses: how far the output of a network is from what it should be.
 *
 * The loss of a batch is the weighted mean over its samples of the mean over the
 * elements of a sample, except that cross_entropy and kl are summed over the
 * last dimension, the classes: with weights 1, PyTorch's reduction 'mean' (and
 * 'batchmean' for kl).
 *
 *	mse              (x - t)^2
 *	mae              |x - t|
 *	huber            half of (x - t)^2 for |x - t| <= delta, else delta (|x - t| - delta / 2)
 *	bce_with_logits  cross-entropy of sigmoid(x) and t in 0..1
 *	cross_entropy    cross-entropy of softmax(x) and the distribution t
 *	kl               Kullback-Leibler divergence of softmax(x) from the distribution t
 */
#ifndef HML_NN_TRAIN_LOSS_H
#define HML_NN_TRAIN_LOSS_H

#include "core/base/context.h"

typedef enum HmlLossKind
{
	HML_LOSS_MSE,
	HML_LOSS_MAE,
	HML_LOSS_HUBER,
	HML_LOSS_BCE_WITH_LOGITS,
	HML_LOSS_CROSS_ENTROPY,
	HML_LOSS_KL
} HmlLossKind;

typedef struct HmlLoss
{
	HmlLossKind kind;
	float delta;    /* of huber */
	size_t size;    /* elements of a sample */
	size_t classes; /* last dimension of a sample, for cross_entropy and kl */
} HmlLoss;

extern bool hml_loss_find(const char *name, HmlLossKind *out);

/*
 * x and target are (n, size), weight is (n) or NULL for ones.  Returns the sum
 * over the samples of weight times loss.  Where gradient is not NULL, it gets
 * (n, size): 'scale' times the derivative of that sum; the mean over the batch
 * wants scale = 1 / sum of the weights.
 */
extern double hml_loss(const HmlLoss *loss, const float *x, const float *target, const float *weight,
					   size_t n, double scale, float *gradient);

#endif /* HML_NN_TRAIN_LOSS_H */
