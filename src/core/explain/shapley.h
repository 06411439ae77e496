/*
 * shapley.h
 *	  Shapley values of any model: what each feature adds to its score, or of
 *	  several classes without an alarm to the probability of the predicted one.
 *
 * The game is the interventional one (D. Janzing, L. Minorics, P. Bloebaum,
 * AISTATS 2020): the value of a set of features is the mean score of the
 * background rows after these features took the values of the explained row.
 * Contributions are in units of the score; base is the mean score of the
 * background, and base + sum(contributions) = score.
 */
#ifndef HML_EXPLAIN_SHAPLEY_H
#define HML_EXPLAIN_SHAPLEY_H

#include "core/model/model.h"

#define HML_SHAPLEY_MOST_EXACT 16 /* features */

extern bool hml_can_explain(const HmlModel *model);

/*
 * The algorithm's own explanation where it has one, else what the model's parameter
 * "explain_method" says.  inputs is one row.
 */
extern HmlStatus hml_explain(const HmlModel *model, HmlContext *ctx, const double *inputs,
							 HmlExplanation *out) HML_NODISCARD;

/*
 * Exact over all coalitions ("exact_shapley") where that costs little, or where
 * "explain_method" says so.  Otherwise permutations and their reverses are sampled, the
 * same ones for the same model ("permutation_shap"; R. Mitchell et al., JMLR 23, 2022):
 * "explain_samples" pairs, by default for each background row as many as a fixed amount
 * of work allows.  out->standard_error is the largest of the contributions' standard
 * errors.  HML_UNSUPPORTED for a model without background rows.
 */
extern HmlStatus hml_shapley_explain(const HmlModel *model, HmlContext *ctx, const double *inputs,
									 HmlExplanation *out) HML_NODISCARD;

#endif /* HML_EXPLAIN_SHAPLEY_H */
