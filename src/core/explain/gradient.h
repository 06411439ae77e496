/*
 * gradient.h
 *	  Integrated gradients: what each feature adds to a network's output.
 *
 * M. Sundararajan, A. Taly, Q. Yan: Axiomatic Attribution for Deep Networks, ICML
 * 2017.  The path runs straight from a baseline, the mean of the background rows
 * (all inputs 0, which is their mean when they are standardised, without any), to the
 * explained row.  Its cost does not depend on the number of features.
 */
#ifndef HML_EXPLAIN_GRADIENT_H
#define HML_EXPLAIN_GRADIENT_H

#include "core/model/model.h"

/*
 * Explain the score of an "autoencoder" or an "mlp", of several classes the
 * probability of the most likely one.  inputs is one row.  out->base is the score of the baseline, and
 * out->standard_error what base + sum(contributions) is off the score: the error of
 * the numeric integral.  HML_UNSUPPORTED for other algorithms.
 */
extern HmlStatus hml_gradient_explain(const HmlModel *model, HmlContext *ctx, const double *inputs,
									  HmlExplanation *out) HML_NODISCARD;

#endif /* HML_EXPLAIN_GRADIENT_H */
