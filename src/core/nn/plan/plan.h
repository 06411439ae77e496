/*
 * plan.h
 *	  A network prepared for inference.
 *
 * Preparing happens once for each model that is loaded: batch norm is folded into
 * the convolution or dense layer before it, activations and residual sums are
 * fused, weights are packed as the kernels of this processor read them, and all
 * values that come up on the way get their places in one block of memory, where
 * they overlap if their lives do not.  After that a call allocates nothing.
 *
 * A plan does not change once it is made; any number of calls may use it at a
 * time, each with a scratch block of its own.  It gives the results of
 * hml_pass_forward() up to rounding.
 */
#ifndef HML_NN_PLAN_PLAN_H
#define HML_NN_PLAN_PLAN_H

#include "core/nn/graph/network.h"

typedef struct HmlPlan HmlPlan;

/*
 * Prepare in 'arena'; network and weights (n_weights of it) must live as long as
 * the plan.  HML_LIMIT when a value is too large to count.
 */
extern HmlStatus hml_plan_create(HmlArena *arena, const HmlNetwork *network, const float *weights,
								 HmlPlan **out) HML_NODISCARD;

/* Bytes that a call needs as scratch, aligned to HML_ALIGNMENT. */
extern size_t hml_plan_scratch_size(const HmlPlan *plan);

/*
 * inputs[i] is (n, shape of input i), output is (n, shape of the output).  Samples
 * are computed in chunks of hml_plan_chunk(), which fill caches and vectors; the
 * result of one does not depend on the others, to the bit.
 * Polls at least every few ms; fails only when it is cancelled.
 */
extern size_t hml_plan_chunk(const HmlPlan *plan);
extern HmlStatus hml_plan_run(const HmlPlan *plan, HmlContext *ctx, void *scratch, const float *const *inputs,
							  size_t n, float *output) HML_NODISCARD;

#endif /* HML_NN_PLAN_PLAN_H */
