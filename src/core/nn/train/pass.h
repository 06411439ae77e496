/*
 * pass.h
 *	  Forward and backward through a network: reverse-mode differentiation.
 *
 * A pass is prepared once for a network and a largest batch, and then allocates
 * nothing.  It belongs to one context and one call at a time.
 *
 * Execution.  The nodes are cut into segments; within a segment the batch goes
 * through in chunks of so many samples that what one operator hands to the next
 * stays in the cache.  A segment ends where an operator needs all samples before
 * it can go on (batch norm needs its statistics) or wants them at once (GRU).
 * Backward goes through the same segments in reverse.  Cancellation is polled
 * before each chunk.
 *
 * Memory.  A value or gradient that is not needed outside its segment lives in a
 * buffer of one chunk, the others in buffers of the batch; both kinds share
 * memory where their lives do not overlap (placement.h).  An operator that can
 * work in place does, where nobody needs what it overwrites.
 *
 * The result does not depend on the machine's cache or load: chunks have a fixed
 * size, and all sums a fixed order.
 */
#ifndef HML_NN_TRAIN_PASS_H
#define HML_NN_TRAIN_PASS_H

#include "core/nn/graph/network.h"

typedef struct HmlPass HmlPass;

typedef struct HmlPassOptions
{
	size_t batch;         /* most samples of one call */
	bool backward;        /* also prepare for backward */
	bool input_gradients; /* which is to give the gradients of the inputs, too */
	size_t loss_node;     /* whose output the loss is a function of; normally the network's output */
} HmlPassOptions;

extern HmlStatus hml_pass_create(HmlContext *ctx, const HmlNetwork *network, const HmlPassOptions *options,
								 HmlPass **out) HML_NODISCARD;
extern void hml_pass_free(HmlPass *pass); /* NULL is allowed */

/*
 * inputs[i] is (n, shape of input i), 0 < n <= batch; they and the weights must
 * stay as they are until backward is done.  Training: batch norm uses and updates statistics,
 * dropout draws from 'rng'.
 */
extern HmlStatus hml_pass_forward(HmlPass *pass, const float *weights, const float *const *inputs,
								  size_t n) HML_NODISCARD;
extern HmlStatus hml_pass_forward_training(HmlPass *pass, float *weights, const float *const *inputs,
										   size_t n, HmlRng *rng) HML_NODISCARD;

/* After forward, (n, shape): of the network, and of the loss node. */
extern const float *hml_pass_output(const HmlPass *pass);
extern const float *hml_pass_loss_input(const HmlPass *pass);

/* Where the gradient of the loss node is to be written, before backward: (n, shape). */
extern float *hml_pass_loss_gradient(HmlPass *pass);

/* Adds to gradients (n_trainable); NULL when only those of the inputs are wanted. */
extern HmlStatus hml_pass_backward(HmlPass *pass, float *gradients) HML_NODISCARD;
extern const float *hml_pass_input_gradient(const HmlPass *pass, size_t input); /* (n, shape) */

#endif /* HML_NN_TRAIN_PASS_H */
