/*
 * winograd_set.h
 *	  What winograd.c has in variants; not for others.
 */
#ifndef HML_NN_KERNEL_WINOGRAD_SET_H
#define HML_NN_KERNEL_WINOGRAD_SET_H

#include <stddef.h>

/* Where the 2 x 2 outputs of a tile go; those that are outside the image are NULL. */
typedef struct WinogradOutput
{
	float *y[4];
	const float *add[4]; /* what is added to each, or NULL */
	const float *bias;   /* or NULL */
	float low;           /* lower bound */
} WinogradOutput;

/* The 4 x 4 pixels of x, transformed, go to v[0 .. 15], 'position' floats apart. */
typedef void WinogradInput(const float *x, size_t row, size_t pixel, size_t channels, float *v,
						   size_t position);
typedef void WinogradOutputs(const float *m, size_t position, size_t channels, const WinogradOutput *out);

typedef struct WinogradSet
{
	WinogradInput *input;
	WinogradOutputs *output;
} WinogradSet;

extern const WinogradSet hml_winograd_set_c;
extern const WinogradSet hml_winograd_set_v3;
extern const WinogradSet hml_winograd_set_v4;

#endif /* HML_NN_KERNEL_WINOGRAD_SET_H */
