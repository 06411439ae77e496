/*
 * op_norm.c
 *	  batch_norm: S. Ioffe and C. Szegedy, ICML 2015; layer_norm: J. Ba et al., 2016.
 *
 * batch_norm normalises each channel, the first dimension of a sample, over the
 * batch and the other dimensions, in training; otherwise by the running mean and
 * variance, which training updates (momentum and Bessel's correction as in
 * PyTorch).  It is coupled: the sums over the batch are complete before the first
 * sample is normalised.  They are taken of x - shift, where shift is the first
 * value of the channel, so that a large mean costs no digits.
 *
 * layer_norm normalises each row of the last dimension.
 */
#include <math.h>
#include <string.h>

#include "core/nn/loops/loops.h"
#include "core/nn/graph/optable.h"

enum
{
	EPS,
	MOMENTUM
};

enum
{
	WEIGHT_P,
	BIAS_P,
	MEAN_P,
	VAR_P
};

static const HmlAttrSpec batch_attrs[] = {
	{"eps", HML_ATTR_NUMBER, "1e-5", 1e-12, 1, NULL, "added to the variance"},
	{"momentum", HML_ATTR_NUMBER, "0.1", 0, 1, NULL, "share of a batch in the running statistics"},
	{NULL, 0, NULL, 0, 0, NULL, NULL},
};

/* ---- batch_norm ------------------------------------------------------------------------------------ */

/* What is kept from forward to backward, for each channel. */
typedef struct Channel
{
	double sum;          /* of x - shift */
	double square_sum;   /* of its square */
	double gradient_sum; /* of gy */
	double gradient_dot; /* of gy * (x - mean) */
	float shift;
	float mean;
	float inverse_deviation;
} Channel;

static HmlStatus
batch_shape(HmlBuilder *builder, HmlNode *node)
{
	HmlShape channels = {1, {node->x_shape[0].dims[0]}};

	node->shape = node->x_shape[0];
	node->state = channels.dims[0] * sizeof(Channel);
	node->flops = 2.0 * (double) hml_shape_size(&node->shape);
	HML_TRY(hml_add_parameter(builder, node, "weight", channels, HML_INIT_ONES, 0));
	HML_TRY(hml_add_parameter(builder, node, "bias", channels, HML_INIT_ZEROS, 0));
	HML_TRY(hml_add_state(builder, node, "running_mean", channels, HML_INIT_ZEROS));
	return hml_add_state(builder, node, "running_var", channels, HML_INIT_ONES);
}

static size_t
pixels_of(const HmlRun *run)
{
	return hml_shape_product(&run->node->shape, 1, run->node->shape.n_dims);
}

static void
batch_reduce(const HmlRun *run)
{
	const HmlLoops *loops = hml_loops();
	size_t channels = run->node->shape.dims[0];
	size_t pixels = pixels_of(run);
	Channel *stats = run->state;

	if (run->first == 0)
		for (size_t c = 0; c < channels; c++)
			stats[c].shift = run->x[0][c * pixels];
	for (size_t i = 0; i < run->n; i++)
		for (size_t c = 0; c < channels; c++)
		{
			const float *x = run->x[0] + (i * channels + c) * pixels;

			if (pixels > 1)
				loops->moments(x, stats[c].shift, pixels, &stats[c].sum, &stats[c].square_sum);
			else
			{
				double d = (double) (*x - stats[c].shift);

				stats[c].sum += d;
				stats[c].square_sum += d * d;
			}
		}
}

static void
update_running(const HmlRun *run, size_t c, double mean, double variance, double count)
{
	double momentum = hml_attr_number(run->node, MOMENTUM);
	float *running_mean = run->state_weights + run->node->parameters[MEAN_P].offset + c;
	float *running_var = run->state_weights + run->node->parameters[VAR_P].offset + c;
	double unbiased = count > 1 ? variance * count / (count - 1) : variance;

	*running_mean = (float) ((1 - momentum) * (double) *running_mean + momentum * mean);
	*running_var = (float) ((1 - momentum) * (double) *running_var + momentum * unbiased);
}

/* Mean and deviation of each channel, before the first chunk is normalised. */
static void
finish_statistics(const HmlRun *run)
{
	size_t channels = run->node->shape.dims[0];
	double count = (double) run->batch * (double) pixels_of(run);
	Channel *stats = run->state;

	for (size_t c = 0; c < channels; c++)
	{
		double mean = (double) hml_run_weight(run, MEAN_P)[c];
		double variance = (double) hml_run_weight(run, VAR_P)[c];

		if (run->training)
		{
			double shifted = stats[c].sum / count;

			mean = (double) stats[c].shift + shifted;
			variance = fmax(stats[c].square_sum / count - shifted * shifted, 0);
			update_running(run, c, mean, variance, count);
		}
		stats[c].mean = (float) mean;
		stats[c].inverse_deviation = (float) (1 / sqrt(variance + hml_attr_number(run->node, EPS)));
	}
}

static HmlStatus
batch_forward(const HmlRun *run)
{
	const HmlLoops *loops = hml_loops();
	size_t channels = run->node->shape.dims[0];
	size_t pixels = pixels_of(run);
	const float *weight = hml_run_weight(run, WEIGHT_P);
	const float *bias = hml_run_weight(run, BIAS_P);
	const Channel *stats = run->state;

	if (run->first == 0)
		finish_statistics(run);
	for (size_t i = 0; i < run->n; i++)
		for (size_t c = 0; c < channels; c++)
		{
			size_t offset = (i * channels + c) * pixels;
			float a = weight[c] * stats[c].inverse_deviation;
			float b = bias[c] - a * stats[c].mean;

			if (pixels > 1)
				loops->affine(run->x[0] + offset, a, b, run->y + offset, pixels);
			else
				run->y[offset] = a * run->x[0][offset] + b;
		}
	return HML_OK;
}

static void
batch_reduce_backward(const HmlRun *run)
{
	const HmlLoops *loops = hml_loops();
	size_t channels = run->node->shape.dims[0];
	size_t pixels = pixels_of(run);
	Channel *stats = run->state;

	for (size_t i = 0; i < run->n; i++)
		for (size_t c = 0; c < channels; c++)
		{
			size_t offset = (i * channels + c) * pixels;

			if (pixels > 1)
				loops->gradient_moments(run->gy + offset, run->x[0] + offset, stats[c].mean, pixels,
										&stats[c].gradient_sum, &stats[c].gradient_dot);
			else
			{
				stats[c].gradient_sum += (double) run->gy[offset];
				stats[c].gradient_dot +=
					(double) run->gy[offset] * (double) (run->x[0][offset] - stats[c].mean);
			}
		}
}

static HmlStatus
batch_backward(const HmlRun *run)
{
	const HmlLoops *loops = hml_loops();
	size_t channels = run->node->shape.dims[0];
	size_t pixels = pixels_of(run);
	double count = (double) run->batch * (double) pixels;
	const float *weight = hml_run_weight(run, WEIGHT_P);
	const Channel *stats = run->state;

	for (size_t c = 0; c < channels && run->first == 0 && run->gradients != NULL; c++)
	{
		hml_run_gradient(run, WEIGHT_P)[c] +=
			(float) (stats[c].gradient_dot * (double) stats[c].inverse_deviation);
		hml_run_gradient(run, BIAS_P)[c] += (float) stats[c].gradient_sum;
	}
	for (size_t i = 0; i < run->n && run->gx[0] != NULL; i++)
		for (size_t c = 0; c < channels; c++)
		{
			/* gx = a (gy - mean of gy - (x - mean) * covariance of gy and x / variance of x) */
			size_t offset = (i * channels + c) * pixels;
			float inverse = stats[c].inverse_deviation;
			float a = weight[c] * inverse;
			float slope =
				run->training ? -a * inverse * inverse * (float) (stats[c].gradient_dot / count) : 0;
			float constant =
				run->training ? -a * (float) (stats[c].gradient_sum / count) - slope * stats[c].mean : 0;

			loops->affine2(run->gy + offset, a, run->x[0] + offset, slope, constant, run->gx[0] + offset,
						   pixels);
		}
	return HML_OK;
}

static const char *const batch_cases[] = {
	"{\"input\":[3,4,5],\"layers\":[{\"op\":\"batch_norm\"}]}",
	"{\"input\":[6],\"layers\":[{\"op\":\"batch_norm\",\"eps\":0.001}]}",
	"{\"input\":[3,8],\"layers\":[{\"op\":\"tanh\"},{\"op\":\"batch_norm\"},{\"op\":\"batch_norm\"}]}",
	NULL,
};

const HmlOp hml_op_batch_norm = {
	.name = "batch_norm",
	.help = "Batch normalisation of each channel, the first dimension.",
	.min_inputs = 1,
	.max_inputs = 1,
	.flags = HML_OP_KEEPS_INPUTS,
	.attrs = batch_attrs,
	.shape = batch_shape,
	.forward = batch_forward,
	.backward = batch_backward,
	.reduce = batch_reduce,
	.reduce_backward = batch_reduce_backward,
	.cases = batch_cases,
};

/* ---- layer_norm ------------------------------------------------------------------------------------ */

static const HmlAttrSpec layer_attrs[] = {
	{"eps", HML_ATTR_NUMBER, "1e-5", 1e-12, 1, NULL, "added to the variance"},
	{NULL, 0, NULL, 0, 0, NULL, NULL},
};

/* Kept for each row. */
typedef struct Row
{
	float mean;
	float inverse_deviation;
} Row;

static size_t
row_size(const HmlNode *node)
{
	return node->shape.dims[node->shape.n_dims - 1];
}

static HmlStatus
layer_shape(HmlBuilder *builder, HmlNode *node)
{
	HmlShape features;

	node->shape = node->x_shape[0];
	features = (HmlShape){1, {row_size(node)}};
	node->saved_sample = hml_shape_size(&node->shape) / features.dims[0] * sizeof(Row);
	node->scratch = 2 * features.dims[0] * sizeof(float);
	node->flops = 8.0 * (double) hml_shape_size(&node->shape);
	HML_TRY(hml_add_parameter(builder, node, "weight", features, HML_INIT_ONES, 0));
	return hml_add_parameter(builder, node, "bias", features, HML_INIT_ZEROS, 0);
}

static HmlStatus
layer_forward(const HmlRun *run)
{
	const HmlLoops *loops = hml_loops();
	size_t size = row_size(run->node);
	size_t rows = run->n * hml_shape_size(&run->node->shape) / size;
	Row *saved = run->saved;

	for (size_t i = 0; i < rows; i++)
	{
		const float *x = run->x[0] + i * size;
		float *y = run->y + i * size;
		float mean = (float) (loops->sum(x, size) / (double) size);
		double variance = loops->square_sum(x, mean, size) / (double) size;
		float inverse = (float) (1 / sqrt(variance + hml_attr_number(run->node, EPS)));

		loops->affine(x, inverse, -mean * inverse, y, size);
		loops->affine_columns(y, hml_run_weight(run, WEIGHT_P), hml_run_weight(run, BIAS_P), y, size);
		if (saved != NULL)
			saved[i] = (Row){mean, inverse};
	}
	return HML_OK;
}

static HmlStatus
layer_backward(const HmlRun *run)
{
	const HmlLoops *loops = hml_loops();
	size_t size = row_size(run->node);
	size_t rows = run->n * hml_shape_size(&run->node->shape) / size;
	const Row *saved = run->saved;
	float *normal = run->scratch;  /* (x - mean) / deviation */
	float *scaled = normal + size; /* gy * weight */

	for (size_t i = 0; i < rows; i++)
	{
		const float *gy = run->gy + i * size;
		float inverse = saved[i].inverse_deviation;
		float mean;
		float slope;

		loops->affine(run->x[0] + i * size, inverse, -saved[i].mean * inverse, normal, size);
		if (run->gradients != NULL)
		{
			loops->accumulate_product(gy, normal, hml_run_gradient(run, WEIGHT_P), size);
			loops->accumulate(gy, hml_run_gradient(run, BIAS_P), size);
		}
		if (run->gx[0] == NULL)
			continue;
		loops->multiply(gy, hml_run_weight(run, WEIGHT_P), scaled, size);
		mean = (float) (loops->sum(scaled, size) / (double) size);
		slope = (float) (loops->dot(scaled, normal, size) / (double) size);
		loops->affine2(scaled, inverse, normal, -inverse * slope, -inverse * mean, run->gx[0] + i * size,
					   size);
	}
	return HML_OK;
}

static const char *const layer_cases[] = {
	"{\"input\":[3,8],\"layers\":[{\"op\":\"layer_norm\"}]}",
	"{\"input\":[5],\"layers\":[{\"op\":\"layer_norm\",\"eps\":0.1}]}",
	NULL,
};

const HmlOp hml_op_layer_norm = {
	.name = "layer_norm",
	.help = "Layer normalisation of the last dimension.",
	.min_inputs = 1,
	.max_inputs = 1,
	.flags = HML_OP_KEEPS_INPUTS,
	.attrs = layer_attrs,
	.shape = layer_shape,
	.forward = layer_forward,
	.backward = layer_backward,
	.cases = layer_cases,
};
