/*
 * ocsvm_kernel.c
 *	  Kernels of a support-vector machine.  No memory, no polls.
 */
#include "core/learn/ocsvm/ocsvm_kernel.h"

#include <math.h>
#include <string.h>

#include "core/nn/loops/loops.h"

static void
squared_distances(const float *points, size_t n_inputs, size_t stride, size_t n, const float *point,
				  float *out)
{
	memset(out, 0, n * sizeof(*out));
	for (size_t i = 0; i < n_inputs; i++)
	{
		const float *column = points + i * stride;
		float x = point[i];

		for (size_t j = 0; j < n; j++)
		{
			float difference = column[j] - x;

			out[j] += difference * difference;
		}
	}
}

static void
products(const float *points, size_t n_inputs, size_t stride, size_t n, const float *point, float *out)
{
	memset(out, 0, n * sizeof(*out));
	for (size_t i = 0; i < n_inputs; i++)
		hml_loops()->accumulate_scaled(points + i * stride, point[i], out, n);
}

static double
power(double base, int exponent)
{
	double result = 1;

	for (; exponent > 0; exponent /= 2, base *= base)
		if (exponent % 2 == 1)
			result *= base;
	return result;
}

/* The kernel as a function of the product, or of the squared distance for rbf. */
static double
kernel_of(const HmlKernelSpec *spec, double x)
{
	switch (spec->kernel)
	{
		case HML_KERNEL_POLY:
			return power(spec->gamma * x + spec->coef0, spec->degree);
		case HML_KERNEL_RBF:
			return exp(-spec->gamma * x);
		case HML_KERNEL_SIGMOID:
			return tanh(spec->gamma * x + spec->coef0);
		default:
			return x;
	}
}

void
hml_kernel_row(const HmlKernelSpec *spec, const float *points, size_t n_inputs, size_t stride, size_t n,
			   const float *point, float *out)
{
	const HmlLoops *loops = hml_loops();

	if (spec->kernel == HML_KERNEL_RBF)
	{
		squared_distances(points, n_inputs, stride, n, point, out);
		loops->affine(out, (float) -spec->gamma, 0.0f, out, n);
		(void) loops->exp_sum(out, 0.0f, out, n);
		return;
	}
	products(points, n_inputs, stride, n, point, out);
	if (spec->kernel != HML_KERNEL_LINEAR)
		for (size_t j = 0; j < n; j++)
			out[j] = (float) kernel_of(spec, (double) out[j]);
}

double
hml_kernel_self(const HmlKernelSpec *spec, const float *points, size_t n_inputs, size_t stride, size_t j)
{
	double square = 0;

	if (spec->kernel == HML_KERNEL_RBF)
		return 1;
	for (size_t i = 0; i < n_inputs; i++)
		square += (double) points[i * stride + j] * (double) points[i * stride + j];
	return kernel_of(spec, square);
}
