/*
 * tensor_data.h
 *	  Tensors of a frame as the examples of a network.
 *
 * The frame holds what fits into memory and reads the rest back from temporary
 * storage (data/tensors.h), batch by batch in the order that the trainer shuffles:
 * a training set may be many times larger than memory.
 */
#ifndef HML_LEARN_NETWORK_TENSOR_DATA_H
#define HML_LEARN_NETWORK_TENSOR_DATA_H

#include "core/data/frame.h"
#include "core/nn/train/train.h"

typedef struct HmlTensorData
{
	const HmlFrame *frame; /* of tensors, (shape[0], shape[1]) as the network's first input takes them */
	const uint32_t *rows;  /* (n) of the frame */
	size_t n;
	const float *targets; /* (n, n_targets) */
	size_t n_targets;
	const float *weights; /* (n), NULL = all are 1 */
	/* Change inputs, targets and weights of a batch in place, not of validation; NULL = nothing changes. */
	void (*augment)(void *user, const HmlBatch *batch, HmlRng *rng);
	void *user;
} HmlTensorData;

/* The data set refers to 'data'; its rows are the numbers 0 to n - 1. */
extern HmlDataset hml_tensor_dataset(const HmlTensorData *data);

#endif /* HML_LEARN_NETWORK_TENSOR_DATA_H */
