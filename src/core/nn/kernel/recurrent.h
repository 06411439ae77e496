/*
 * recurrent.h
 *	  LSTM and GRU over a sequence, for inference.
 *
 * S. Hochreiter, J. Schmidhuber: Long short-term memory, Neural Computation 9
 * (1997); K. Cho et al.: Learning phrase representations using RNN
 * encoder-decoder, EMNLP 2014, in the form that PyTorch and cuDNN compute (the
 * reset gate acts after the matrix).  The part that depends on the inputs is one
 * matrix product over all steps, made by the caller; what is left here is the
 * product of hidden state and weights with the gates on top, all sums of a block
 * of units in registers.
 */
#ifndef HML_NN_KERNEL_RECURRENT_H
#define HML_NN_KERNEL_RECURRENT_H

#include "core/base/context.h"

typedef enum HmlCell
{
	HML_LSTM, /* gates in the order input, forget, cell, output */
	HML_GRU   /* gates in the order reset, update, new */
} HmlCell;

static inline size_t
hml_cell_gates(HmlCell cell)
{
	return cell == HML_LSTM ? 4 : 3;
}

typedef struct HmlRecurrentSet HmlRecurrentSet;

/* The kernels of this processor; weights packed for one set work with that set only. */
extern const HmlRecurrentSet *hml_recurrent_set(void);

/* w is (gates * hidden, hidden), as PyTorch's weight_hh.  Returns the floats that packed needs. */
extern size_t hml_recurrent_packed_size(const HmlRecurrentSet *set, HmlCell cell, size_t hidden);
extern void hml_recurrent_pack(const HmlRecurrentSet *set, HmlCell cell, size_t hidden, const float *w,
							   float *packed);

typedef struct HmlRecurrentCall
{
	const HmlRecurrentSet *set;
	HmlCell cell;
	size_t hidden;
	const float *packed;
	const float *new_bias; /* GRU: (hidden), bias_hh of the new gate; NULL = 0 */
	size_t steps;
	bool reverse;        /* from the last step to the first */
	const float *x;      /* (steps, gates * hidden): weight_ih x + bias_ih + bias_hh (GRU's new gate without
							  the latter), and HML_RECURRENT_SLACK floats more that are not used */
	size_t x_row;        /* distance from step to step; 0 where all steps are the same */
	float *sequence;     /* row t is the hidden state at step t; NULL = not wanted */
	size_t sequence_row; /* distance from row to row, at least hidden */
	float *last;         /* (hidden), the hidden state at the end; NULL = not wanted */
	float *scratch;      /* hml_recurrent_scratch() floats */
} HmlRecurrentCall;

#define HML_RECURRENT_SLACK 64

extern size_t hml_recurrent_scratch(size_t hidden);

/* Hidden and cell state begin at 0.  Fails only when it is cancelled. */
extern HmlStatus hml_recurrent_run(HmlContext *ctx, const HmlRecurrentCall *call) HML_NODISCARD;

#endif /* HML_NN_KERNEL_RECURRENT_H */
