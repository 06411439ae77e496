/*
 * plan_pack.c
 *	  The weights of a plan: batch norm folded in, and in the order of the kernels.
 *
 * Batch norm at inference is y = x * scale + shift for each channel, with scale =
 * weight / sqrt(running_var + eps) and shift = bias - running_mean * scale.  After
 * a layer with filters w and bias b that is the layer with w * scale and
 * b * scale + shift.  Computed in float64, once.
 */
#include <math.h>
#include <string.h>

#include "core/nn/kernel/dense.h"
#include "core/nn/graph/optable.h"
#include "core/nn/plan/plan_build.h"

const HmlAttr *
hml_plan_attr(const HmlNode *node, const char *name)
{
	size_t i = 0;

	while (strcmp(node->op->attrs[i].name, name) != 0)
		i++;
	return &node->attrs[i];
}

/* A parameter by its name, or NULL. */
static const float *
parameter(const PlanBuilder *builder, const HmlNode *node, const char *name)
{
	for (size_t i = 0; i < node->n_parameters; i++)
		if (strcmp(node->parameters[i].name, name) == 0)
			return builder->weights + node->parameters[i].offset;
	return NULL;
}

static HmlStatus
new_floats(PlanBuilder *builder, size_t count, float **out)
{
	HML_TRY(HML_ARENA_NEW(builder->arena, out, count));
	return HML_OK;
}

/* Tiles read past the last element of a bias: those floats exist and are zero. */
static HmlStatus
new_bias(PlanBuilder *builder, size_t count, float **out)
{
	size_t padded = count + HML_TILE_MAX_COLUMNS;

	HML_TRY(new_floats(builder, padded, out));
	memset(*out, 0, padded * sizeof(float));
	return HML_OK;
}

/* scale and shift of batch norm. */
static void
fold(const PlanBuilder *builder, const HmlNode *node, size_t channel, double *scale, double *shift)
{
	double eps = hml_plan_attr(node, "eps")->numbers[0];

	*scale = (double) parameter(builder, node, "weight")[channel] /
			 sqrt((double) parameter(builder, node, "running_var")[channel] + eps);
	*shift = (double) parameter(builder, node, "bias")[channel] -
			 (double) parameter(builder, node, "running_mean")[channel] * *scale;
}

/* Bias of a layer and the scale of its filters, NULL where there is nothing to do. */
static HmlStatus
fold_layer(PlanBuilder *builder, const HmlNode *node, const HmlNode *batch_norm, size_t channels,
		   float **scale, const float **bias)
{
	const float *old = parameter(builder, node, "bias");
	float *new;

	*scale = NULL;
	*bias = NULL;
	if (old == NULL && batch_norm == NULL)
		return HML_OK;
	HML_TRY(new_bias(builder, channels, &new));
	if (batch_norm != NULL)
		HML_TRY(HML_ARENA_NEW(builder->draft, scale, channels));
	for (size_t c = 0; c < channels; c++)
	{
		double factor = 1;
		double shift = 0;

		if (batch_norm != NULL)
		{
			fold(builder, batch_norm, c, &factor, &shift);
			(*scale)[c] = (float) factor;
		}
		new[c] = (float) ((old == NULL ? 0 : (double) old[c]) * factor + shift);
	}
	*bias = new;
	return HML_OK;
}

HmlStatus
hml_plan_pack_dense(PlanBuilder *builder, const HmlNode *node, const HmlNode *batch_norm, PlanStep *step)
{
	const HmlTileSet *tiles = builder->plan->tiles;
	size_t in = node->x_shape[0].dims[node->x_shape[0].n_dims - 1];
	size_t out = node->shape.dims[node->shape.n_dims - 1];
	float *scale;
	float *packed;

	HML_TRY(fold_layer(builder, node, batch_norm, out, &scale, &step->bias));
	HML_TRY(new_floats(builder, hml_dense_packed_size(tiles, in, out), &packed));
	hml_dense_pack(tiles, in, out, parameter(builder, node, "weight"), scale, packed);
	step->weights = packed;
	return HML_OK;
}

/* One filter for each channel: (channels, taps) becomes (taps, channels). */
static HmlStatus
pack_depthwise(PlanBuilder *builder, const HmlNode *node, const float *scale, PlanStep *step)
{
	size_t channels = step->conv.out_channels;
	size_t taps = step->conv.window.kernel[0] * step->conv.window.kernel[1];
	const float *w = parameter(builder, node, "weight");
	float *packed;

	HML_TRY(new_floats(builder, taps * channels, &packed));
	for (size_t c = 0; c < channels; c++)
		for (size_t tap = 0; tap < taps; tap++)
			packed[tap * channels + c] = w[c * taps + tap] * (scale == NULL ? 1.0f : scale[c]);
	step->weights = packed;
	return HML_OK;
}

HmlStatus
hml_plan_pack_conv(PlanBuilder *builder, const HmlNode *node, const HmlNode *batch_norm, PlanStep *step)
{
	const HmlTileSet *tiles = builder->plan->tiles;
	float *scale;
	float *packed;

	HML_TRY(fold_layer(builder, node, batch_norm, step->conv.out_channels, &scale, &step->bias));
	if (step->kernel == hml_plan_depthwise)
		return pack_depthwise(builder, node, scale, step);
	if (step->run == hml_plan_winograd)
	{
		HML_TRY(new_floats(builder, hml_winograd_packed_size(tiles, &step->conv), &packed));
		hml_winograd_pack(tiles, &step->conv, parameter(builder, node, "weight"), scale, packed);
		step->weights = packed;
		return HML_OK;
	}
	HML_TRY(new_floats(builder, hml_conv_packed_size(tiles, &step->conv), &packed));
	hml_conv_pack(tiles, &step->conv, parameter(builder, node, "weight"), scale, packed);
	step->weights = packed;
	return HML_OK;
}

HmlStatus
hml_plan_pack_batch_norm(PlanBuilder *builder, const HmlNode *node, PlanStep *step)
{
	size_t channels = node->shape.dims[0];
	float *scale;
	float *shift;

	HML_TRY(new_bias(builder, channels, &scale));
	HML_TRY(new_bias(builder, channels, &shift));
	for (size_t c = 0; c < channels; c++)
	{
		double factor;
		double constant;

		fold(builder, node, c, &factor, &constant);
		scale[c] = (float) factor;
		shift[c] = (float) constant;
	}
	step->weights = scale;
	step->bias = shift;
	return HML_OK;
}

/* ---- recurrent layers ------------------------------------------------------------------------------- */

/* Parameters of a lane, in the order in which the operator declares them. */
enum
{
	WEIGHT_IH,
	WEIGHT_HH,
	BIAS_IH,
	BIAS_HH,
	LANE_PARAMETERS
};

/* The biases of both sides add up, but for that of GRU's new gate, which the reset gate scales. */
static HmlStatus
pack_lane_biases(PlanBuilder *builder, const PlanRecurrent *r, const float *input, const float *hidden,
				 PlanLane *lane)
{
	size_t gates = hml_cell_gates(r->cell) * r->units;
	size_t joint = r->cell == HML_GRU ? 2 * r->units : gates;
	float *bias;

	HML_TRY(new_bias(builder, gates, &bias));
	for (size_t i = 0; i < gates; i++)
		bias[i] = i < joint ? input[i] + hidden[i] : input[i];
	lane->input_bias = bias;
	lane->new_bias = r->cell == HML_GRU ? hidden + joint : NULL;
	return HML_OK;
}

static HmlStatus
pack_lane(PlanBuilder *builder, const HmlNode *node, const PlanRecurrent *r, size_t number, PlanLane *lane)
{
	const HmlParameter *parameters = node->parameters + number * LANE_PARAMETERS;
	const float *weights = builder->weights;
	const HmlPlan *plan = builder->plan;
	size_t gates = hml_cell_gates(r->cell) * r->units;
	float *input;
	float *hidden;

	lane->features = parameters[WEIGHT_IH].shape.dims[1];
	HML_TRY(new_floats(builder, hml_dense_packed_size(plan->tiles, lane->features, gates), &input));
	HML_TRY(new_floats(builder, hml_recurrent_packed_size(plan->recurrent, r->cell, r->units), &hidden));
	hml_dense_pack(plan->tiles, lane->features, gates, weights + parameters[WEIGHT_IH].offset, NULL, input);
	hml_recurrent_pack(plan->recurrent, r->cell, r->units, weights + parameters[WEIGHT_HH].offset, hidden);
	lane->input_weights = input;
	lane->hidden_weights = hidden;
	return pack_lane_biases(builder, r, weights + parameters[BIAS_IH].offset,
							weights + parameters[BIAS_HH].offset, lane);
}

HmlStatus
hml_plan_pack_recurrent(PlanBuilder *builder, const HmlNode *node, bool is_repeated,
						const PlanRecurrent **out)
{
	PlanRecurrent *r;

	HML_TRY(HML_ARENA_NEW_ZERO(builder->arena, &r, 1));
	r->cell = node->op == &hml_op_lstm ? HML_LSTM : HML_GRU;
	r->units = (size_t) hml_plan_attr(node, "units")->numbers[0];
	r->layers = (size_t) hml_plan_attr(node, "num_layers")->numbers[0];
	r->directions = hml_plan_attr(node, "bidirectional")->numbers[0] != 0 ? 2 : 1;
	r->returns_sequence = hml_plan_attr(node, "return_sequences")->numbers[0] != 0;
	r->steps = node->x_shape[0].dims[0];
	r->is_repeated = is_repeated;
	HML_TRY(HML_ARENA_NEW_ZERO(builder->arena, &r->lanes, r->layers * r->directions));
	for (size_t i = 0; i < r->layers * r->directions; i++)
		HML_TRY(pack_lane(builder, node, r, i, &r->lanes[i]));
	*out = r;
	return HML_OK;
}
