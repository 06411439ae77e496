/*
 * mlp_data.c
 *	  Inputs, targets and groups of labelled rows.
 */
#include "core/learn/mlp/mlp_data.h"

#include <string.h>

#include "core/learn/network/inputs.h"

HmlStatus
hml_mlp_data_create(HmlArena *arena, const HmlFrame *frame, const HmlPipeline *pipeline,
					const HmlLabels *labels, HmlMlpData *out)
{
	memset(out, 0, sizeof(*out));
	out->frame = frame;
	out->labels = labels;
	out->n_inputs = pipeline->n_inputs;
	out->n_outputs = labels->task == HML_TASK_MULTICLASS ? labels->n_classes : 1;
	return hml_network_inputs(arena, pipeline, frame, labels->rows, labels->n_rows, &out->inputs);
}

static void
fill_target(const HmlMlpData *data, size_t row, float *target)
{
	const HmlLabels *labels = data->labels;

	if (labels->task == HML_TASK_REGRESSION)
		target[0] = labels->values[row];
	else if (labels->task == HML_TASK_BINARY)
		target[0] = (float) labels->classes[row];
	else
	{
		memset(target, 0, data->n_outputs * sizeof(float));
		target[labels->classes[row]] = 1.0f;
	}
}

static HmlStatus
fill_batch(void *user, HmlContext *ctx, const HmlBatch *batch, HmlRng *rng)
{
	const HmlMlpRows *rows = user;
	const HmlMlpData *data = rows->data;

	(void) ctx;
	(void) rng;
	for (size_t i = 0; i < batch->n; i++)
	{
		size_t row = rows->rows[batch->rows[i]];

		memcpy(batch->inputs[0] + i * data->n_inputs, data->inputs + row * data->n_inputs,
			   data->n_inputs * sizeof(float));
		fill_target(data, row, batch->targets + i * data->n_outputs);
		if (data->class_weight != NULL)
			batch->weights[i] = (float) data->class_weight[data->labels->classes[row]];
	}
	return HML_OK;
}

HmlDataset
hml_mlp_dataset(const HmlMlpRows *rows)
{
	HmlDataset dataset = {.n_rows = rows->n_rows, .fill = fill_batch, .user = (void *) (uintptr_t) rows};

	return dataset;
}
