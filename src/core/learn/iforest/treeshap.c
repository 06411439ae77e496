/*
 * treeshap.c
 *	  Exact TreeSHAP by random coalitions.
 *
 * The Shapley value of a feature is its mean effect when it joins a coalition
 * that contains each other feature independently with probability t, and t is
 * drawn evenly from 0..1 (G. Owen: Multilinear extensions of games, Management
 * Science 18, 1972).  For one t everything is a random walk down the tree.  At
 * a node that compares feature f,
 *
 *	  absent = P(f is not in the coalition | the walk came here),
 *	  the branch that the row does not go is taken with probability
 *	  away = absent * its share of the cover,
 *
 * and with 'reach' the probability of coming to the node, 'expected' the mean
 * value of the leaves below a branch, D the difference of 'expected' between
 * the row's branch and the other one,
 *
 *	  expected of the node = expected of the row's branch - away * D,
 *	  effect of f at the node = reach * away * (1 - absent) / (t (1 - t)) * D.
 *
 * The last line is reach * share * D for the first split by f on a path (there
 * absent is 1 - t).  Below other splits by f, Bayes' rule gives 'absent' from the
 * product z of the shares of the branches that the row also goes,
 *
 *	  absent = z (1 - t) / (t + z (1 - t)),
 *
 * and 1 below a branch that the row does not go: f is absent then, and has had
 * its effect above.  Table 'absent' has these for each node, so that a row needs
 * no division: one walk down and one up, a dozen operations each.
 *
 * As functions of t the effects are polynomials of a degree below the number
 * of features on a path, so that Gauss-Legendre quadrature with half as many
 * nodes gives the integral exactly up to rounding.  Four nodes do for paths of
 * eight features; the work is linear in nodes of trees and of quadrature.
 */
#include "core/learn/iforest/treeshap.h"

#include <string.h>

#include "core/base/cpu.h"
#include "core/learn/iforest/treeshap_kernel.h"

void
hml_treeshap_pair(const HmlTreeShap *shap, const HmlShapTrees *pair, const float *row,
				  const HmlShapScratch *scratch)
{
	hml_shap_prepare_pair(shap, pair, row, scratch);
	hml_shap_explain_prepared(shap, pair, scratch);
}

/* Kernels write whole vectors of up to 16 items. */
static size_t
in_vectors(size_t n)
{
	return (n + 15) / 16 * 16;
}

static size_t
lay_out(const HmlTreeShap *shap, HmlShapScratch *scratch, char *memory)
{
	size_t splits = in_vectors(2 * shap->stride);
	size_t cherries = in_vectors(2 * shap->most_cherries);
	size_t leaves = in_vectors(2 * shap->most_leaves);
	size_t places = 4 * shap->stride;
	size_t size = 0;

	scratch->right = hml_shap_part(memory, &size, splits, sizeof(uint32_t));
	scratch->parent = hml_shap_part(memory, &size, splits, sizeof(uint32_t));
	scratch->above = hml_shap_part(memory, &size, splits, sizeof(uint32_t));
	scratch->own_next = hml_shap_part(memory, &size, splits, sizeof(uint32_t));
	scratch->other_share = hml_shap_part(memory, &size, splits, sizeof(double));
	scratch->away = hml_shap_part(memory, &size, splits, sizeof(HmlShapQuad));
	scratch->effect = hml_shap_part(memory, &size, splits, sizeof(HmlShapQuad));
	scratch->cherry_parent = hml_shap_part(memory, &size, cherries, sizeof(uint32_t));
	scratch->cherry_above = hml_shap_part(memory, &size, cherries, sizeof(uint32_t));
	scratch->cherry_value = hml_shap_part(memory, &size, cherries, sizeof(double));
	scratch->cherry_difference = hml_shap_part(memory, &size, cherries, sizeof(double));
	scratch->leaf_parent = hml_shap_part(memory, &size, leaves, sizeof(uint32_t));
	scratch->absent = hml_shap_part(memory, &size, places, sizeof(uint32_t));
	scratch->passed = hml_shap_part(memory, &size, places, sizeof(HmlShapQuad));
	scratch->sums = hml_shap_part(memory, &size, shap->n_inputs, sizeof(HmlShapQuad));
	return size;
}

static HmlShapKernel
fastest_kernel(void)
{
#ifdef __x86_64__
	if (hml_cpu_level() >= 4)
		return hml_treeshap_pair_v4;
	if (hml_cpu_level() >= 3)
		return hml_treeshap_pair_v3;
#endif
	return hml_treeshap_pair;
}

/* The feature of a branch that the row does not take stays absent; everything else is overwritten. */
static void
clear(const HmlTreeShap *shap, const HmlShapScratch *scratch)
{
	for (size_t place = 0; place < 4 * shap->stride; place++)
		scratch->absent[place] = HML_SHAP_ABSENT;
	memset(scratch->sums, 0, shap->n_inputs * sizeof(*scratch->sums));
}

static HmlStatus
explain_pairs(const HmlTreeShap *shap, HmlContext *ctx, const float *row, const HmlShapScratch *scratch)
{
	HmlShapKernel kernel = fastest_kernel();

	for (size_t pair = 0; pair < shap->n_pairs; pair++)
	{
		kernel(shap, &shap->pairs[pair], row, scratch);
		HML_TRY(hml_poll(ctx));
	}
	return HML_OK;
}

HmlStatus
hml_treeshap_explain(const HmlForest *forest, HmlContext *ctx, const float *row, double *base,
					 double *contributions)
{
	const HmlTreeShap *shap = forest->explainer;
	HmlShapScratch scratch;
	char *memory;
	HmlStatus status;

	HML_TRY(hml_alloc(ctx, lay_out(shap, &scratch, NULL), 1, (void **) &memory));
	lay_out(shap, &scratch, memory);
	clear(shap, &scratch);
	status = explain_pairs(shap, ctx, row, &scratch);
	*base = shap->base;
	for (size_t i = 0; i < shap->n_inputs; i++)
		contributions[i] = scratch.sums[i][0] + scratch.sums[i][1] + scratch.sums[i][2] + scratch.sums[i][3];
	hml_free(ctx, memory);
	return status;
}
