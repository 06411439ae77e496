/*
 * modality.c
 *	  The verdict on a signal, and rows of reasons for one.
 */
#include "core/model/modality.h"

#include <string.h>

HmlStatus
hml_judge(const HmlModel *model, HmlContext *ctx, const HmlEncodedSignal *encoding, double *inputs,
		  void *scratch, double *outputs, HmlVerdict *out)
{
	HmlSamples sample = encoding->sample;

	if (!encoding->is_usable)
		for (size_t i = 0; i < model->n_outputs; i++)
			outputs[i] = 1.0 / (double) model->n_outputs;
	else
	{
		if (encoding->values != NULL)
		{
			HML_TRY(hml_pipeline_apply(model->pipeline, ctx, encoding->values, inputs, NULL));
			sample = hml_sample_rows(inputs, 1);
		}
		HML_TRY(hml_model_outputs(model, ctx, scratch, &sample, outputs));
	}
	hml_verdict_of_outputs(model, outputs, &encoding->quality, out);
	return HML_OK;
}

HmlStatus
hml_rows_add(HmlArena *arena, HmlRows *rows, const HmlCell *cells, size_t n)
{
	HmlRow *row;

	HML_TRY(HML_ARENA_NEW_ZERO(arena, &row, 1));
	HML_TRY(HML_ARENA_NEW(arena, &row->cells, n));
	memcpy(row->cells, cells, n * sizeof(*cells));
	row->n = n;
	if (rows->first == NULL)
		rows->first = row;
	else
		rows->last->next = row;
	rows->last = row;
	return HML_OK;
}
