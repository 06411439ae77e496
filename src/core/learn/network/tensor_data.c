/*
 * tensor_data.c
 *	  Batches of tensors that a frame reads back.
 */
#include "core/learn/network/tensor_data.h"

#include <string.h>

static HmlStatus
fill_batch(void *user, HmlContext *ctx, const HmlBatch *batch, HmlRng *rng)
{
	const HmlTensorData *data = user;
	size_t size = data->frame->shape[0] * data->frame->shape[1];

	(void) ctx;
	for (size_t i = 0; i < batch->n; i++)
	{
		size_t example = batch->rows[i];
		uint32_t length;

		HML_TRY(
			hml_frame_tensors(data->frame, &data->rows[example], 1, batch->inputs[0] + i * size, &length));
		memcpy(batch->targets + i * data->n_targets, data->targets + example * data->n_targets,
			   data->n_targets * sizeof(float));
		if (data->weights != NULL)
			batch->weights[i] = data->weights[example];
	}
	if (rng != NULL && data->augment != NULL)
		data->augment(data->user, batch, rng);
	return HML_OK;
}

HmlDataset
hml_tensor_dataset(const HmlTensorData *data)
{
	return (HmlDataset){.n_rows = data->n, .fill = fill_batch, .user = (void *) (uintptr_t) data};
}
