/*
 * mlp_data.h
 *	  Rows of a frame as batches of a network: inputs by the pipeline, targets by
 *	  the labels.
 */
#ifndef HML_LEARN_MLP_MLP_DATA_H
#define HML_LEARN_MLP_MLP_DATA_H

#include "core/model/labels.h"
#include "core/nn/train/train.h"

/* All labelled rows, their inputs computed once: n_rows * n_inputs * 4 bytes. */
typedef struct HmlMlpData
{
	const HmlFrame *frame;
	const HmlLabels *labels;
	size_t n_inputs;
	size_t n_outputs;           /* of the network */
	float *inputs;              /* (labels->n_rows, n_inputs) */
	const double *class_weight; /* (n_classes), NULL when all are 1 */
} HmlMlpData;

extern HmlStatus hml_mlp_data_create(HmlArena *arena, const HmlFrame *frame, const HmlPipeline *pipeline,
									 const HmlLabels *labels, HmlMlpData *out) HML_NODISCARD;

/* Some of the labelled rows, by their position among them, as a dataset of the trainer. */
typedef struct HmlMlpRows
{
	const HmlMlpData *data;
	uint32_t *rows;
	size_t n_rows;
} HmlMlpRows;

extern HmlDataset hml_mlp_dataset(const HmlMlpRows *rows);

#endif /* HML_LEARN_MLP_MLP_DATA_H */
