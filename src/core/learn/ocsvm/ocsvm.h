/*
 * ocsvm.h
 *	  The algorithm "one_class_svm": the region where most of the training rows lie.
 */
#ifndef HML_LEARN_OCSVM_OCSVM_H
#define HML_LEARN_OCSVM_OCSVM_H

#include "core/learn/ocsvm/ocsvm_kernel.h"
#include "core/model/model.h"

#define HML_OCSVM_MAX_DEGREE 20
#define HML_OCSVM_MAX_VECTORS 1000000

typedef struct HmlOcsvm
{
	HmlKernelSpec kernel;
	double rho;
	double unit; /* standard deviation of the decisions in training */
	size_t n_vectors;
	size_t stride;
	float *vectors; /* (n_inputs, stride) */
	double *alpha;  /* (n_vectors) */
} HmlOcsvm;

extern const HmlAlgorithm hml_one_class_svm;

/*
 * The decision of rows (n, n_inputs) as libsvm defines it, positive inside; scratch is as for outputs.  The score is
 * 1 / (1 + exp(decision / unit)).
 */
extern HmlStatus hml_ocsvm_decisions(const HmlModel *model, HmlContext *ctx, void *scratch,
									 const double *rows, size_t n, double *decisions) HML_NODISCARD;

#endif /* HML_LEARN_OCSVM_OCSVM_H */
