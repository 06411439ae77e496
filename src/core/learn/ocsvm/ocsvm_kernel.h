/*
 * ocsvm_kernel.h
 *	  Kernels of a support-vector machine between one point and many.
 *
 * The many lie feature by feature, (n_inputs, stride) with stride >= n rounded up, so that
 * the loops over points are vectors.  float32; distances are sums of squared
 * differences, which lose nothing where norms are large.
 */
#ifndef HML_LEARN_OCSVM_KERNEL_H
#define HML_LEARN_OCSVM_KERNEL_H

#include "core/base/context.h"

typedef enum HmlKernel
{
	HML_KERNEL_LINEAR,
	HML_KERNEL_POLY,
	HML_KERNEL_RBF,
	HML_KERNEL_SIGMOID,
	HML_N_KERNELS
} HmlKernel;

/* libsvm's: x.y, (gamma x.y + coef0)^degree, exp(-gamma |x-y|^2), tanh(gamma x.y + coef0). */
typedef struct HmlKernelSpec
{
	HmlKernel kernel;
	double gamma;
	double coef0;
	int degree;
} HmlKernelSpec;

/* out[j] = k(point, point j), j < n. */
extern void hml_kernel_row(const HmlKernelSpec *spec, const float *points, size_t n_inputs, size_t stride,
						   size_t n, const float *point, float *out);

/* k(point, point). */
extern double hml_kernel_self(const HmlKernelSpec *spec, const float *points, size_t n_inputs, size_t stride,
							  size_t j);

#endif /* HML_LEARN_OCSVM_KERNEL_H */
