/*
 * treeshap_v3.c
 *	  The inner loop of treeshap.c with AVX2.
 */
#include "core/explain/treeshap_kernel.h"

void
hml_treeshap_tree_v3(const HmlTreeShap *shap, const HmlShapTree *tree, size_t quad, const float *row,
					 HmlShapScratch *scratch)
{
	hml_shap_go_down(shap, tree, quad, row, scratch);
	hml_shap_go_up(shap, tree, scratch);
}
