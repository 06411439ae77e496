/*
 * train.h
 *	  Training a network.
 *
 * The caller owns the data: the trainer asks for one batch after the other by
 * row numbers, so that rows may be kept in any form and be augmented again each
 * time.  Each epoch goes through all rows in an order of its own, in batches of
 * equal size (give or take one row).  After an epoch the network is judged on
 * the validation rows; the weights of the best epoch are kept.
 *
 * The same data, options, seed and initial weights give the same result on the
 * same machine.  Nothing is allocated while epochs run.
 */
#ifndef HML_NN_TRAIN_TRAIN_H
#define HML_NN_TRAIN_TRAIN_H

#include "core/nn/train/epoch.h"
#include "core/nn/train/loss.h"
#include "core/nn/train/optimizer.h"

/* Memory of the trainer, for the data's owner to fill. */
typedef struct HmlBatch
{
	size_t n;
	const uint32_t *rows;                  /* (n) */
	float *inputs[HML_MAX_NETWORK_INPUTS]; /* (n, shape of input i) each */
	float *targets;                        /* (n, shape of the output) */
	float *weights;                        /* (n), ones to begin with */
} HmlBatch;

typedef struct HmlDataset
{
	size_t n_rows;
	/* 'rng' is for augmentation, NULL where there is to be none. */
	HmlStatus (*fill)(void *user, HmlContext *ctx, const HmlBatch *batch, HmlRng *rng);
	/* Validation only, may be NULL: from the network's outputs (n_rows, shape), a metric; higher is better. */
	HmlStatus (*evaluate)(void *user, HmlContext *ctx, const float *outputs, double *metric);
	const char *metric_name;
	void *user;
} HmlDataset;

typedef struct HmlTrainOptions
{
	HmlLossKind loss;
	double huber_delta;
	HmlOptimizerOptions optimizer;
	HmlSchedule schedule;
	int epochs;
	size_t batch_size;
	double proximal; /* FedProx's mu: adds mu / 2 * |weights - initial weights|^2 to the loss; 0 = nothing */
	int patience;    /* epochs without a better one after which training stops; 0 = never */
	uint64_t seed;
	const char *phase;                                        /* for progress reports: "epoch" */
	HmlStatus (*on_epoch)(void *user, const HmlEpoch *epoch); /* may be NULL */
	void *on_epoch_user;
} HmlTrainOptions;

typedef struct HmlTrainResult
{
	int epochs;             /* that were run */
	int best_epoch;         /* from 1: whose weights were kept */
	double loss;            /* of the best epoch */
	double validation_loss; /* likewise, NaN without validation */
	double metric;
} HmlTrainResult;

/* Adam at 0.001, batches of 32, 100 epochs, mse. */
extern HmlTrainOptions hml_default_train_options(void);

/*
 * Where the network ends in sigmoid and the loss is bce_with_logits, or in
 * softmax and it is cross_entropy or kl, the loss is taken before that layer:
 * a network that gives probabilities is trained on its logits.
 *
 * weights is (n_weights): the initial ones in, those of the best epoch out.
 * 'validation' may be NULL; then the best epoch is the last one.  A loss that is
 * not finite is HML_DIVERGED.
 */
extern HmlStatus hml_train_network(HmlContext *ctx, const HmlNetwork *network, const HmlTrainOptions *options,
								   const HmlDataset *training, const HmlDataset *validation, float *weights,
								   HmlTrainResult *result) HML_NODISCARD;

/* Number of the node that 'loss' is taken from. */
extern size_t hml_loss_node(const HmlNetwork *network, HmlLossKind loss);

#endif /* HML_NN_TRAIN_TRAIN_H */
