/*
 * ocsvm_solve.h
 *	  The quadratic problem of a one-class support-vector machine.
 *
 * minimise a'Ka / 2 with 0 <= a[i] <= 1 and sum a[i] = nu n (B. Scholkopf et al., Estimating
 * the support of a high-dimensional distribution, Neural Computation 13, 2001), by sequential
 * minimal optimisation as libsvm does it: C.-C. Chang and C.-J. Lin, LIBSVM, ACM
 * TIST 2, 2011; working sets by second-order information, R.-E. Fan et al., JMLR 6,
 * 2005; shrinking.  The decision of x is sum a[i] k(x[i], x) - rho, positive inside.
 */
#ifndef HML_LEARN_OCSVM_SOLVE_H
#define HML_LEARN_OCSVM_SOLVE_H

#include "core/learn/ocsvm/ocsvm_kernel.h"

typedef struct HmlOcsvmProblem
{
	HmlKernelSpec kernel;
	size_t n;
	size_t n_inputs;
	size_t stride;          /* of points, at least n */
	const float *points;    /* (n_inputs, stride) */
	double nu;              /* 0 < nu <= 1 */
	double tolerance;       /* of the greatest violation of the optimality conditions */
	int64_t max_iterations; /* -1 = as many as it takes */
	bool shrinking;
	size_t cache_bytes; /* for rows of the kernel matrix; at least two are kept */
} HmlOcsvmProblem;

typedef struct HmlOcsvmSolution
{
	double *alpha; /* (n), of the caller */
	double rho;
	int64_t iterations;
	bool converged;
} HmlOcsvmSolution;

/* Polls at each row of the kernel matrix and at each iteration's end. */
extern HmlStatus hml_ocsvm_solve(HmlContext *ctx, const HmlOcsvmProblem *problem,
								 HmlOcsvmSolution *solution) HML_NODISCARD;

#endif /* HML_LEARN_OCSVM_SOLVE_H */
