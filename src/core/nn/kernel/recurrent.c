/*
 * recurrent.c
 *	  LSTM and GRU over a sequence, on steps that come in variants.
 *
 * Units are cut into blocks of a few vectors; the weights of a block are packed
 * so that a step reads them in one stream.  Polls for cancellation every few steps.
 */
#define HML_VARIANT(name) name##_c
#include "core/nn/kernel/recurrent_impl.h"

#include <string.h>

#include "core/base/cpu.h"

#define MAX_LANES 16
#define POLL_PRODUCTS 4000000 /* multiply-adds between two polls, a few ms at worst */
#define GATE_PRODUCTS 200     /* what the gates of a unit cost, counted in multiply-adds */

const HmlRecurrentSet *
hml_recurrent_set(void)
{
	return HML_PICK(&hml_recurrent_set);
}

static size_t
round_up(size_t hidden, size_t lanes)
{
	return (hidden + lanes - 1) / lanes * lanes;
}

/* Vectors of the next block when 'left' units are left, shared out evenly. */
static size_t
block_vectors(const HmlRecurrentSet *set, HmlCell cell, size_t left)
{
	size_t most = cell == HML_LSTM ? set->lstm_vectors : set->gru_vectors;
	size_t vectors = round_up(left, set->lanes) / set->lanes;
	size_t blocks = (vectors + most - 1) / most;

	return (vectors + blocks - 1) / blocks;
}

size_t
hml_recurrent_packed_size(const HmlRecurrentSet *set, HmlCell cell, size_t hidden)
{
	return hml_cell_gates(cell) * hidden * round_up(hidden, set->lanes);
}

void
hml_recurrent_pack(const HmlRecurrentSet *set, HmlCell cell, size_t hidden, const float *w, float *packed)
{
	size_t gates = hml_cell_gates(cell);
	size_t width;

	for (size_t first = 0; first < hidden; first += width)
	{
		size_t units;

		width = block_vectors(set, cell, hidden - first) * set->lanes;
		units = width < hidden - first ? width : hidden - first;
		for (size_t k = 0; k < hidden; k++)
			for (size_t g = 0; g < gates; g++)
			{
				for (size_t u = 0; u < units; u++)
					packed[u] = w[(g * hidden + first + u) * hidden + k];
				memset(packed + units, 0, (width - units) * sizeof(float));
				packed += width;
			}
	}
}

/* Two hidden states, which take turns, the cell state and the bias, in whole vectors. */
size_t
hml_recurrent_scratch(size_t hidden)
{
	return 4 * (round_up(hidden, MAX_LANES) + MAX_LANES);
}

static void
run_step(const HmlRecurrentCall *call, const float *x, const float *h, float *h_new, float *c,
		 const float *bias, bool backwards)
{
	const HmlRecurrentSet *set = call->set;
	size_t gates = hml_cell_gates(call->cell);
	const float *packed = call->packed;
	size_t width;

	for (size_t first = 0; first < call->hidden; first += width)
	{
		size_t vectors = block_vectors(set, call->cell, call->hidden - first);
		RecurrentBlock block = {call->hidden, h,         packed,        x + first, bias + first, 0,
								c + first,    h + first, h_new + first, backwards};

		width = vectors * set->lanes;
		block.units = width < call->hidden - first ? width : call->hidden - first;
		(call->cell == HML_LSTM ? set->lstm : set->gru)[vectors - 1](&block);
		packed += call->hidden * gates * width;
	}
}

HmlStatus
hml_recurrent_run(HmlContext *ctx, const HmlRecurrentCall *call)
{
	size_t gates = hml_cell_gates(call->cell);
	size_t area = hml_recurrent_scratch(call->hidden) / 4;
	float *h = call->scratch;
	float *other = h + area;
	float *c = other + area;
	float *bias = c + area;
	size_t poll_steps = POLL_PRODUCTS / (call->hidden * (gates * call->hidden + GATE_PRODUCTS)) + 1;

	memset(call->scratch, 0, 4 * area * sizeof(float));
	if (call->new_bias != NULL)
		memcpy(bias, call->new_bias, call->hidden * sizeof(float));
	for (size_t i = 0; i < call->steps; i++)
	{
		size_t step = call->reverse ? call->steps - 1 - i : i;
		float *h_new = call->sequence == NULL ? other : call->sequence + step * call->sequence_row;

		run_step(call, call->x + step * call->x_row, h, h_new, c, bias, i % 2 == 1);
		if (call->sequence == NULL)
			other = h;
		h = h_new;
		if (i % poll_steps == poll_steps - 1)
			HML_TRY(hml_poll(ctx));
	}
	if (call->last != NULL)
		memcpy(call->last, h, call->hidden * sizeof(float));
	return HML_OK;
}
