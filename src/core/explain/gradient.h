/*
 * gradient.h
 *	  Integrated gradients: what each feature adds to the score of a network.
 *
 * The method and the path are those of learn/network/integrated_gradients.h; how a
 * score follows from the outputs of networks is up to the algorithm.
 */
#ifndef HML_EXPLAIN_GRADIENT_H
#define HML_EXPLAIN_GRADIENT_H

#include "core/model/model.h"

/*
 * Explain the score of a row, of several classes the probability of the most
 * likely one.  inputs is (n_inputs).  out->base is the score of the baseline, and
 * out->standard_error by how much base + sum(contributions) misses the score: the error of
 * the numeric integral.  HML_UNSUPPORTED for algorithms without a gradient.
 */
extern HmlStatus hml_gradient_explain(const HmlModel *model, HmlContext *ctx, const double *inputs,
									  HmlExplanation *out) HML_NODISCARD;

#endif /* HML_EXPLAIN_GRADIENT_H */
