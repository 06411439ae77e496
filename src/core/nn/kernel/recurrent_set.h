/*
 * recurrent_set.h
 *	  What recurrent.c has in variants; not for others.
 */
#ifndef HML_NN_KERNEL_RECURRENT_SET_H
#define HML_NN_KERNEL_RECURRENT_SET_H

#include <stdbool.h>
#include <stddef.h>

#define RECURRENT_MAX_VECTORS 8

/* One step of a block of units. */
typedef struct RecurrentBlock
{
	size_t hidden;       /* length of h */
	const float *h;      /* hidden state before the step */
	const float *packed; /* (hidden, gates, vectors of the block) */
	const float *x;      /* first unit of the block in the first gate; gates are 'hidden' apart */
	const float *bias;   /* GRU: of the new gate, first unit of the block, whole vectors */
	size_t units;        /* of the block */
	float *c;            /* LSTM: cell state, first unit, whole vectors */
	const float *h_old;  /* GRU: first unit of the block in h, whole vectors */
	float *h_new;        /* first unit */
	bool backwards;      /* in which order the weights are read */
} RecurrentBlock;

typedef void (*RecurrentStep)(const RecurrentBlock *block);

/* lstm[v - 1] and gru[v - 1] do blocks of v vectors. */
struct HmlRecurrentSet
{
	size_t lanes;
	size_t lstm_vectors;
	size_t gru_vectors;
	RecurrentStep lstm[RECURRENT_MAX_VECTORS];
	RecurrentStep gru[RECURRENT_MAX_VECTORS];
};

extern const struct HmlRecurrentSet hml_recurrent_set_c;
extern const struct HmlRecurrentSet hml_recurrent_set_v3;
extern const struct HmlRecurrentSet hml_recurrent_set_v4;

#endif /* HML_NN_KERNEL_RECURRENT_SET_H */
