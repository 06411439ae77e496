/*
 * loops.h
 *	  Loops over arrays of float32: everything that is no matrix product.
 *
 * One body (loops_body.h), compiled three times: portable, x86-64-v3, x86-64-v4.
 * All variants give the same bits, because the compiler may not fuse or reorder
 * and sums are made in HML_LANES fixed lanes.
 *
 * An output may be the very same array as an input of the same length, but may
 * not overlap it otherwise.
 */
#ifndef HML_NN_LOOPS_LOOPS_H
#define HML_NN_LOOPS_LOOPS_H

#include <stddef.h>
#include <stdint.h>

#define HML_LANES 16

/* One step of Adam or AdamW; see optimizer.h. */
typedef struct HmlAdamStep
{
	float learning_rate; /* divided by 1 - beta1^t */
	float beta1;
	float beta2;
	float epsilon;
	float second_scale; /* 1 / (1 - beta2^t) */
	float decoupled;    /* 1 - learning rate * decay, for AdamW; 1 for Adam */
	float coupled;      /* decay that is added to the gradient, for Adam; 0 for AdamW */
	float clip;         /* factor on the gradient */
} HmlAdamStep;

typedef struct HmlLoops
{
	/* Activations: y = f(x), and gx = gy * f'(x) by means of x or y as named. */
	void (*relu)(const float *x, float *y, size_t n);
	void (*relu_backward)(const float *y, const float *gy, float *gx, size_t n);
	void (*leaky_relu)(const float *x, float slope, float *y, size_t n);
	void (*leaky_relu_backward)(const float *y, float slope, const float *gy, float *gx, size_t n);
	void (*sigmoid)(const float *x, float *y, size_t n);
	void (*sigmoid_backward)(const float *y, const float *gy, float *gx, size_t n);
	void (*tanh)(const float *x, float *y, size_t n);
	void (*tanh_backward)(const float *y, const float *gy, float *gx, size_t n);
	void (*silu)(const float *x, float *y, size_t n);
	void (*silu_backward)(const float *x, const float *gy, float *gx, size_t n);
	void (*gelu)(const float *x, float *y, size_t n);
	void (*gelu_backward)(const float *x, const float *gy, float *gx, size_t n);

	/* y = e^(x - shift), and the sum of it; x - log-sum-exp is made of both. */
	double (*exp_sum)(const float *x, float shift, float *y, size_t n);
	float (*max)(const float *x, size_t n); /* n > 0 */
	/* Where x > highest: highest = x, and row = base + i. */
	void (*max_of_rows)(const float *x, int32_t base, float *highest, int32_t *row, size_t n);
	/* Where x[i * stride] > highest[i]: highest[i] = that, and from[i] = row[i * stride]. */
	void (*max_of_taps)(const float *x, const int32_t *row, size_t stride, float *highest, int32_t *from,
						size_t n);

	/* Elementwise. */
	void (*add)(const float *a, const float *b, float *y, size_t n);
	void (*multiply)(const float *a, const float *b, float *y, size_t n);
	void (*accumulate)(const float *x, float *y, size_t n);                         /* y += x */
	void (*accumulate_scaled)(const float *x, float a, float *y, size_t n);         /* y += a * x */
	void (*accumulate_product)(const float *a, const float *b, float *y, size_t n); /* y += a * b */
	/* y += sum over rows of a * b, where rows of a and b begin a_step and b_step apart. */
	void (*accumulate_products)(const float *a, size_t a_step, const float *b, size_t b_step, size_t rows,
								float *y, size_t n);
	void (*affine)(const float *x, float a, float b, float *y, size_t n); /* y = a * x + b */
	void (*affine2)(const float *x, float a, const float *z, float b, float c, float *y,
					size_t n); /* y = a * x + b * z + c */
	void (*affine_columns)(const float *x, const float *a, const float *b, float *y,
						   size_t n); /* y = a * x + b, all arrays */

	/* Sums in float32 lanes over blocks, the blocks in float64. */
	double (*sum)(const float *x, size_t n);
	double (*dot)(const float *x, const float *y, size_t n);
	double (*square_sum)(const float *x, float shift, size_t n); /* of x - shift */

	/* Added to *sum and *square_sum: sums of x - shift and of its square. */
	void (*moments)(const float *x, float shift, size_t n, double *sum, double *square_sum);
	/* Added to *sum and *dot: sums of gy and of gy * (x - shift). */
	void (*gradient_moments)(const float *gy, const float *x, float shift, size_t n, double *sum,
							 double *dot);

	/*
	 * A step of recurrent units, for one sample; see op_recurrent.c.  gru: step is
	 * (4,units): gates r, z, n from their input part, and the recurrent part of n;
	 * lstm: step is (5,units): gates i, f, g, o, and the cell.  recurrent is the
	 * recurrent part of the gates.  Backward: step's gates become their gradients,
	 * recurrent the gradient of the recurrent part; carry, the gradient of the state,
	 * becomes the part of that of the state before that does not go through
	 * recurrent, and cell likewise.
	 */
	void (*gru_step)(float *step, const float *recurrent, const float *before, float *state, size_t units);
	void (*gru_step_backward)(float *step, const float *before, float *carry, float *recurrent, size_t units);
	void (*lstm_step)(float *step, const float *recurrent, const float *cell_before, float *state,
					  size_t units);
	void (*lstm_step_backward)(float *step, const float *cell_before, float *carry, float *cell,
							   float *recurrent, size_t units);

	/* Optimisers: weights w, gradients g, moments m and v. */
	void (*adam)(const HmlAdamStep *step, const float *g, float *w, float *m, float *v, size_t n);
	void (*sgd)(float learning_rate, float momentum, float decay, float clip, const float *g, float *w,
				float *m, size_t n);
} HmlLoops;

/* The loops for this processor. */
extern const HmlLoops *hml_loops(void);

#endif /* HML_NN_LOOPS_LOOPS_H */
