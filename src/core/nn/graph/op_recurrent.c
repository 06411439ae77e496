/*
 * op_recurrent.c
 *	  gru: K. Cho et al., EMNLP 2014; lstm: S. Hochreiter and J. Schmidhuber,
 *	  Neural Computation 9 (1997).  Gates, parameters and their order are PyTorch's.
 *
 * x is (n, T, F).  y is (n, T, D * units), D = 2 when bidirectional, or, without
 * return_sequences, the last state of each direction, (n, D * units).  Stacked
 * layers feed on all steps of the one below.
 *
 * What a layer does is kept step by step, (n, T, width) for each direction: first
 * the gates, then gru's recurrent part of the new state or lstm's cell.  Backward
 * replaces the gates by their gradients, so that the gradients of the weights are
 * matrix products over all steps at once.  The states are (n, T, D * units).
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/gemm.h"
#include "core/nn/loops/loops.h"
#include "core/nn/graph/optable.h"

enum
{
	UNITS,
	NUM_LAYERS,
	BIDIRECTIONAL,
	RETURN_SEQUENCES
};

static const HmlAttrSpec attrs[] = {
	{"units", HML_ATTR_INTEGER, NULL, 1, 65536, NULL, "size of the state"},
	{"num_layers", HML_ATTR_INTEGER, "1", 1, 8, NULL, "stacked layers"},
	{"bidirectional", HML_ATTR_BOOLEAN, "false", 0, 1, NULL, "also from the last step to the first"},
	{"return_sequences", HML_ATTR_BOOLEAN, "false", 0, 1, NULL,
	 "the states of all steps, not only the last one"},
	{NULL, 0, NULL, 0, 0, NULL, NULL},
};

enum
{
	WEIGHT_IH,
	WEIGHT_HH,
	BIAS_IH,
	BIAS_HH,
	PARAMETERS /* of each direction of each layer */
};

typedef struct Recurrent
{
	bool is_lstm;
	size_t gates; /* 3 or 4 */
	size_t steps;
	size_t features; /* of the network's layer, the first one of the stack */
	size_t units;
	size_t layers;
	size_t directions;
	size_t width; /* of a step: (gates + 1) * units */
} Recurrent;

/* ---- shape ----------------------------------------------------------------------------------------- */

static size_t
layer_features(const Recurrent *r, size_t layer)
{
	return layer == 0 ? r->features : r->directions * r->units;
}

static HmlStatus
add_one(HmlBuilder *builder, HmlNode *node, const char *name, size_t layer, size_t direction, HmlShape shape,
		double bound)
{
	char text[64];
	char *copy;

	snprintf(text, sizeof(text), "%s_l%zu%s", name, layer, direction == 1 ? "_reverse" : "");
	HML_TRY(hml_arena_strdup(hml_builder_arena(builder), text, strlen(text), &copy));
	return hml_add_parameter(builder, node, copy, shape, HML_INIT_UNIFORM, bound);
}

static HmlStatus
add_parameters(HmlBuilder *builder, HmlNode *node, const Recurrent *r)
{
	size_t rows = r->gates * r->units;
	double bound = 1 / sqrt((double) r->units);

	for (size_t layer = 0; layer < r->layers; layer++)
		for (size_t d = 0; d < r->directions; d++)
		{
			HmlShape input = {2, {rows, layer_features(r, layer)}};
			HmlShape recurrent = {2, {rows, r->units}};
			HmlShape bias = {1, {rows}};

			HML_TRY(add_one(builder, node, "weight_ih", layer, d, input, bound));
			HML_TRY(add_one(builder, node, "weight_hh", layer, d, recurrent, bound));
			HML_TRY(add_one(builder, node, "bias_ih", layer, d, bias, bound));
			HML_TRY(add_one(builder, node, "bias_hh", layer, d, bias, bound));
			node->flops += 2.0 * (double) r->steps * (double) rows *
						   ((double) layer_features(r, layer) + (double) r->units);
		}
	return HML_OK;
}

/* Floats for one sample: states of every layer, steps of every layer and direction. */
static size_t
states_size(const Recurrent *r)
{
	return r->steps * r->directions * r->units;
}

static size_t
steps_size(const Recurrent *r)
{
	return r->steps * r->width;
}

static size_t
kept_size(const Recurrent *r)
{
	return r->layers * (states_size(r) + r->directions * steps_size(r));
}

/* Work memory of a step: recurrent part of the gates, and what backward carries on. */
static size_t
step_size(const Recurrent *r)
{
	return (r->gates + 2) * r->units;
}

static HmlStatus
shape(HmlBuilder *builder, HmlNode *node, bool is_lstm)
{
	const HmlShape *x = &node->x_shape[0];
	Recurrent *r;
	HmlShape largest;

	HML_TRY(hml_need_dims(builder, node, 2, 2, "(steps, features)"));
	HML_TRY(HML_ARENA_NEW_ZERO(hml_builder_arena(builder), &r, 1));
	r->is_lstm = is_lstm;
	r->gates = is_lstm ? 4 : 3;
	r->steps = x->dims[0];
	r->features = x->dims[1];
	r->units = hml_attr_size(node, UNITS);
	r->layers = hml_attr_size(node, NUM_LAYERS);
	r->directions = hml_attr_flag(node, BIDIRECTIONAL) ? 2 : 1;
	r->width = (r->gates + 1) * r->units;
	node->geometry = r;
	node->shape = (HmlShape){2, {r->steps, r->directions * r->units}};
	largest = (HmlShape){3, {r->layers * r->directions, r->steps, r->width}};
	if (!hml_shape_is_valid(&largest))
		return hml_shape_error(builder, node, "%zu steps of %zu units are too many numbers", r->steps,
							   r->units);
	if (!hml_attr_flag(node, RETURN_SEQUENCES))
		node->shape = (HmlShape){1, {r->directions * r->units}};
	node->saved_sample = kept_size(r) * sizeof(float);
	node->scratch = r->units * sizeof(float);
	node->scratch_sample = (kept_size(r) + 2 * states_size(r) + step_size(r)) * sizeof(float);
	return add_parameters(builder, node, r);
}

static HmlStatus
gru_shape(HmlBuilder *builder, HmlNode *node)
{
	return shape(builder, node, false);
}

static HmlStatus
lstm_shape(HmlBuilder *builder, HmlNode *node)
{
	return shape(builder, node, true);
}

/* ---- one direction of one layer -------------------------------------------------------------------- */

/* Everything that forward and backward of it touch. */
typedef struct Lane
{
	const HmlRun *run;
	const Recurrent *r;
	size_t parameter; /* the first of its parameters */
	size_t direction;
	size_t features;
	const float *x;    /* (n, T, features) */
	float *states;     /* (n, T, directions * units) */
	float *steps;      /* (n, T, width) */
	const float *none; /* (units) zeros: the state before the first step */
	float *recurrent;  /* (n, gates * units), work memory of a step */
	float *carry;      /* (n, units), gradient that goes from step to step; then lstm's, of the cell */
} Lane;

static const float *
lane_weight(const Lane *lane, size_t which)
{
	return hml_run_weight(lane->run, lane->parameter + which);
}

static float *
lane_gradient(const Lane *lane, size_t which)
{
	return hml_run_gradient(lane->run, lane->parameter + which);
}

/* The k-th step that the direction takes. */
static size_t
step_number(const Lane *lane, size_t k)
{
	return lane->direction == 0 ? k : lane->r->steps - 1 - k;
}

static float *
state_at(const Lane *lane, size_t sample, size_t step)
{
	const Recurrent *r = lane->r;

	return lane->states + (sample * r->steps + step) * r->directions * r->units + lane->direction * r->units;
}

static float *
step_at(const Lane *lane, size_t sample, size_t step)
{
	return lane->steps + (sample * lane->r->steps + step) * lane->r->width;
}

/* State and, for lstm, cell before the k-th step of a sample. */
static const float *
state_before(const Lane *lane, size_t sample, size_t k)
{
	return k == 0 ? lane->none : state_at(lane, sample, step_number(lane, k - 1));
}

static const float *
cell_before(const Lane *lane, size_t sample, size_t k)
{
	return k == 0 ? lane->none : step_at(lane, sample, step_number(lane, k - 1)) + 4 * lane->r->units;
}

static void
fill_rows(float *rows, size_t n, size_t stride, const float *row, size_t size)
{
	for (size_t i = 0; i < n; i++)
		memcpy(rows + i * stride, row, size * sizeof(float));
}

/* ---- forward --------------------------------------------------------------------------------------- */

static void
forward_step(const Lane *lane, size_t k)
{
	const HmlLoops *loops = hml_loops();
	const Recurrent *r = lane->r;
	size_t n = lane->run->n;
	size_t rows = r->gates * r->units;
	size_t step = step_number(lane, k);

	fill_rows(lane->recurrent, n, rows, lane_weight(lane, BIAS_HH), rows);
	if (k > 0)
		hml_sgemm(HML_NO_TRANS, HML_TRANS, n, rows, r->units, 1, state_before(lane, 0, k),
				  r->steps * r->directions * r->units, lane_weight(lane, WEIGHT_HH), r->units, 1,
				  lane->recurrent, rows);
	for (size_t i = 0; i < n; i++)
		if (r->is_lstm)
			loops->lstm_step(step_at(lane, i, step), lane->recurrent + i * rows, cell_before(lane, i, k),
							 state_at(lane, i, step), r->units);
		else
			loops->gru_step(step_at(lane, i, step), lane->recurrent + i * rows, state_before(lane, i, k),
							state_at(lane, i, step), r->units);
}

static HmlStatus
forward_lane(const Lane *lane)
{
	const Recurrent *r = lane->r;
	size_t rows = r->gates * r->units;
	size_t n = lane->run->n;

	fill_rows(lane->steps, n * r->steps, r->width, lane_weight(lane, BIAS_IH), rows);
	for (size_t i = 0; i < n; i++)
	{
		HML_TRY(hml_poll(lane->run->ctx));
		hml_sgemm(HML_NO_TRANS, HML_TRANS, r->steps, rows, lane->features, 1,
				  lane->x + i * r->steps * lane->features, lane->features, lane_weight(lane, WEIGHT_IH),
				  lane->features, 1, step_at(lane, i, 0), r->width);
	}
	for (size_t k = 0; k < r->steps; k++)
	{
		HML_TRY(hml_poll(lane->run->ctx));
		forward_step(lane, k);
	}
	return HML_OK;
}

/* ---- backward -------------------------------------------------------------------------------------- */

/* Of the k-th step: gates become their gradients, carry that of the state before. */
static void
backward_step(const Lane *lane, const float *gradient, size_t k)
{
	const HmlLoops *loops = hml_loops();
	const Recurrent *r = lane->r;
	size_t n = lane->run->n;
	size_t rows = r->gates * r->units;
	size_t stride = r->steps * r->directions * r->units;
	size_t step = step_number(lane, k);
	float *cells = lane->carry + n * r->units;

	gradient += step * r->directions * r->units + lane->direction * r->units;
	for (size_t i = 0; i < n; i++)
	{
		float *carry = lane->carry + i * r->units;
		float *recurrent = lane->recurrent + i * rows;

		loops->accumulate(gradient + i * stride, carry, r->units);
		if (r->is_lstm)
			loops->lstm_step_backward(step_at(lane, i, step), cell_before(lane, i, k), carry,
									  cells + i * r->units, recurrent, r->units);
		else
			loops->gru_step_backward(step_at(lane, i, step), state_before(lane, i, k), carry, recurrent,
									 r->units);
	}
	hml_sgemm(HML_NO_TRANS, HML_NO_TRANS, n, r->units, rows, 1, lane->recurrent, rows,
			  lane_weight(lane, WEIGHT_HH), r->units, 1, lane->carry, r->units);
}

/*
 * Gradient of the recurrent weights from one sample: the gradients of all steps
 * but the first one, times the states before them.  The gradient of gru's third
 * gate with respect to its recurrent part lies after the gates.
 */
static void
backward_recurrent_weights(const Lane *lane, size_t sample)
{
	const Recurrent *r = lane->r;
	size_t shared = r->is_lstm ? 4 * r->units : 2 * r->units;
	size_t later = lane->direction == 0 ? 1 : 0; /* step numbers: of the first gradient, ... */
	size_t earlier = 1 - later;                  /* ... and of the first state */
	size_t stride = r->directions * r->units;
	const float *gates = step_at(lane, sample, later);
	const float *states = state_at(lane, sample, earlier);
	float *gw = lane_gradient(lane, WEIGHT_HH);

	hml_sgemm(HML_TRANS, HML_NO_TRANS, shared, r->units, r->steps - 1, 1, gates, r->width, states, stride, 1,
			  gw, r->units);
	if (!r->is_lstm)
		hml_sgemm(HML_TRANS, HML_NO_TRANS, r->units, r->units, r->steps - 1, 1, gates + 3 * r->units,
				  r->width, states, stride, 1, gw + 2 * r->units * r->units, r->units);
}

static void
backward_biases(const Lane *lane, size_t sample)
{
	const HmlLoops *loops = hml_loops();
	const Recurrent *r = lane->r;
	size_t rows = r->gates * r->units;
	float *input = lane_gradient(lane, BIAS_IH);
	float *recurrent = lane_gradient(lane, BIAS_HH);

	for (size_t t = 0; t < r->steps; t++)
	{
		const float *gates = step_at(lane, sample, t);

		loops->accumulate(gates, input, rows);
		loops->accumulate(gates, recurrent, r->is_lstm ? rows : 2 * r->units);
		if (!r->is_lstm)
			loops->accumulate(gates + 3 * r->units, recurrent + 2 * r->units, r->units);
	}
}

static HmlStatus
backward_weights(const Lane *lane)
{
	const Recurrent *r = lane->r;
	size_t rows = r->gates * r->units;

	for (size_t i = 0; i < lane->run->n; i++)
	{
		HML_TRY(hml_poll(lane->run->ctx));
		hml_sgemm(HML_TRANS, HML_NO_TRANS, rows, lane->features, r->steps, 1, step_at(lane, i, 0), r->width,
				  lane->x + i * r->steps * lane->features, lane->features, 1, lane_gradient(lane, WEIGHT_IH),
				  lane->features);
		if (r->steps > 1)
			backward_recurrent_weights(lane, i);
		backward_biases(lane, i);
	}
	return HML_OK;
}

/* gradient is that of the states; gx, (n, T, features), is written or, with 'add', added to; NULL = not wanted. */
static HmlStatus
backward_lane(const Lane *lane, const float *gradient, float *gx, bool add)
{
	const Recurrent *r = lane->r;
	size_t n = lane->run->n;

	memset(lane->carry, 0, 2 * n * r->units * sizeof(float));
	for (size_t k = r->steps; k-- > 0;)
	{
		HML_TRY(hml_poll(lane->run->ctx));
		backward_step(lane, gradient, k);
	}
	if (lane->run->gradients != NULL)
		HML_TRY(backward_weights(lane));
	for (size_t i = 0; i < n && gx != NULL; i++)
	{
		HML_TRY(hml_poll(lane->run->ctx));
		hml_sgemm(HML_NO_TRANS, HML_NO_TRANS, r->steps, lane->features, r->gates * r->units, 1,
				  step_at(lane, i, 0), r->width, lane_weight(lane, WEIGHT_IH), lane->features, add ? 1 : 0,
				  gx + i * r->steps * lane->features, lane->features);
	}
	return HML_OK;
}

/* ---- the stack ------------------------------------------------------------------------------------- */

/* Memory of a call.  What is kept lies in scratch, too, where nothing need be kept. */
typedef struct Memory
{
	float *none;        /* (units) zeros */
	float *states;      /* (layers, n, T, directions * units) */
	float *steps;       /* (layers, directions, n, T, width) */
	float *gradient[2]; /* (n, T, directions * units) each: of the states of two layers, by turns */
	float *recurrent;
	float *carry;
} Memory;

static Memory
find_memory(const HmlRun *run)
{
	const Recurrent *r = run->node->geometry;
	size_t n = run->n;
	Memory memory;
	float *kept;

	memory.none = run->scratch;
	kept = memory.none + r->units;
	memory.gradient[0] = kept + n * kept_size(r);
	memory.gradient[1] = memory.gradient[0] + n * states_size(r);
	memory.recurrent = memory.gradient[1] + n * states_size(r);
	memory.carry = memory.recurrent + n * r->gates * r->units;
	memory.states = run->saved != NULL ? run->saved : kept;
	memory.steps = memory.states + n * r->layers * states_size(r);
	memset(memory.none, 0, r->units * sizeof(float));
	return memory;
}

static Lane
find_lane(const HmlRun *run, const Memory *memory, size_t layer, size_t direction)
{
	const Recurrent *r = run->node->geometry;
	size_t number = layer * r->directions + direction;
	size_t all_states = run->n * states_size(r);
	Lane lane = {.run = run,
				 .r = r,
				 .parameter = number * PARAMETERS,
				 .direction = direction,
				 .features = layer_features(r, layer),
				 .x = layer == 0 ? run->x[0] : memory->states + (layer - 1) * all_states,
				 .states = memory->states + layer * all_states,
				 .steps = memory->steps + number * run->n * steps_size(r),
				 .none = memory->none,
				 .recurrent = memory->recurrent,
				 .carry = memory->carry};

	return lane;
}

/* Step whose state is the last one of a direction. */
static size_t
last_step(const Recurrent *r, size_t direction)
{
	return direction == 0 ? r->steps - 1 : 0;
}

/* The states of the last layer, or of each direction the last one. */
static void
write_output(const HmlRun *run, const Memory *memory)
{
	const Recurrent *r = run->node->geometry;

	for (size_t d = 0; d < r->directions; d++)
	{
		Lane lane = find_lane(run, memory, r->layers - 1, d);

		if (hml_attr_flag(run->node, RETURN_SEQUENCES))
		{
			memcpy(run->y, lane.states, run->n * states_size(r) * sizeof(float));
			return;
		}
		for (size_t i = 0; i < run->n; i++)
			memcpy(run->y + (i * r->directions + d) * r->units, state_at(&lane, i, last_step(r, d)),
				   r->units * sizeof(float));
	}
}

static HmlStatus
forward(const HmlRun *run)
{
	const Recurrent *r = run->node->geometry;
	Memory memory = find_memory(run);

	for (size_t layer = 0; layer < r->layers; layer++)
		for (size_t d = 0; d < r->directions; d++)
		{
			Lane lane = find_lane(run, &memory, layer, d);

			HML_TRY(forward_lane(&lane));
		}
	write_output(run, &memory);
	return HML_OK;
}

/* Gradient of the states of the last layer. */
static const float *
gradient_of_states(const HmlRun *run, const Memory *memory)
{
	const Recurrent *r = run->node->geometry;
	size_t width = r->directions * r->units;
	float *gradient = memory->gradient[0];

	if (hml_attr_flag(run->node, RETURN_SEQUENCES))
		return run->gy;
	memset(gradient, 0, run->n * states_size(r) * sizeof(float));
	for (size_t i = 0; i < run->n; i++)
		for (size_t d = 0; d < r->directions; d++)
			memcpy(gradient + (i * r->steps + last_step(r, d)) * width + d * r->units,
				   run->gy + i * width + d * r->units, r->units * sizeof(float));
	return gradient;
}

static HmlStatus
backward(const HmlRun *run)
{
	const Recurrent *r = run->node->geometry;
	Memory memory = find_memory(run);
	const float *gradient = gradient_of_states(run, &memory);

	for (size_t layer = r->layers; layer-- > 0;)
	{
		float *gx = layer == 0 ? run->gx[0] : memory.gradient[gradient == memory.gradient[0]];

		for (size_t d = 0; d < r->directions; d++)
		{
			Lane lane = find_lane(run, &memory, layer, d);

			HML_TRY(backward_lane(&lane, gradient, gx, d > 0));
		}
		gradient = gx;
	}
	return HML_OK;
}

static const char *const gru_cases[] = {
	"{\"input\":[4,3],\"layers\":[{\"op\":\"gru\",\"units\":5}]}",
	"{\"input\":[4,3],\"layers\":[{\"op\":\"gru\",\"units\":4,\"num_layers\":2,\"bidirectional\":true,"
	"\"return_sequences\":true}]}",
	"{\"input\":[1,3],\"layers\":[{\"op\":\"gru\",\"units\":4,\"num_layers\":2,\"bidirectional\":true}]}",
	NULL,
};

static const char *const lstm_cases[] = {
	"{\"input\":[4,3],\"layers\":[{\"op\":\"lstm\",\"units\":5}]}",
	"{\"input\":[4,3],\"layers\":[{\"op\":\"lstm\",\"units\":4,\"num_layers\":2,\"bidirectional\":true,"
	"\"return_sequences\":true}]}",
	"{\"input\":[1,3],\"layers\":[{\"op\":\"lstm\",\"units\":4,\"num_layers\":2,\"bidirectional\":true}]}",
	NULL,
};

const HmlOp hml_op_gru = {
	.name = "gru",
	.help = "Gated recurrent units over a sequence (steps, features).",
	.min_inputs = 1,
	.max_inputs = 1,
	.flags = HML_OP_KEEPS_INPUTS | HML_OP_WHOLE_BATCH,
	.attrs = attrs,
	.shape = gru_shape,
	.forward = forward,
	.backward = backward,
	.cases = gru_cases,
};

const HmlOp hml_op_lstm = {
	.name = "lstm",
	.help = "Long short-term memory over a sequence (steps, features).",
	.min_inputs = 1,
	.max_inputs = 1,
	.flags = HML_OP_KEEPS_INPUTS | HML_OP_WHOLE_BATCH,
	.attrs = attrs,
	.shape = lstm_shape,
	.forward = forward,
	.backward = backward,
	.cases = lstm_cases,
};
