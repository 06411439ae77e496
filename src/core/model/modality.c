/*
 * modality.c
 *	  The verdict on a signal, frames of signals, and rows of reasons.
 */
#include "core/model/modality.h"

#include <math.h>
#include <string.h>

HmlStatus
hml_judge(const HmlModel *model, HmlContext *ctx, const HmlEncodedSignal *encoding, double *inputs,
		  void *scratch, double *outputs, HmlVerdict *out)
{
	HmlSamples sample = encoding->sample;

	if (!encoding->is_usable)
		hml_outputs_of_nothing(model, outputs);
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

/* ---- frames --------------------------------------------------------------------------------------- */

void
hml_encoder_frame(const HmlEncoder *encoder, HmlSampleKind kind, HmlFrameSpec *spec)
{
	spec->kind = kind;
	spec->n_columns = encoder->n_features;
	spec->length = encoder->length;
}

HmlStatus
hml_encoder_columns(const HmlEncoder *encoder, HmlFrame *frame)
{
	for (size_t i = 0; i < encoder->n_features; i++)
		HML_TRY(hml_frame_set_column(frame, i, encoder->names[i], HML_COLUMN_NUMERIC));
	return HML_OK;
}

static HmlStatus
add_values(HmlFrame *frame, HmlArena *arena, const HmlEncodedSignal *encoding, const double *roles)
{
	double *missing;

	if (encoding->values != NULL)
		return hml_frame_add(frame, encoding->values, roles);
	HML_TRY(HML_ARENA_NEW(arena, &missing, frame->n_columns));
	for (size_t i = 0; i < frame->n_columns; i++)
		missing[i] = NAN;
	return hml_frame_add(frame, missing, roles);
}

static HmlStatus
add_tensor(HmlFrame *frame, HmlArena *arena, const HmlEncodedSignal *encoding, const double *roles)
{
	const HmlSamples *sample = &encoding->sample;
	size_t full = frame->kind == HML_SAMPLE_SIGNAL ? frame->shape[1] : frame->shape[0];
	float *zeros;

	if (!encoding->is_usable)
	{
		HML_TRY(HML_ARENA_NEW_ZERO(arena, &zeros, frame->shape[0] * frame->shape[1]));
		return hml_frame_add_tensor(frame, zeros, 0, roles);
	}
	if (sample->shape[0] != frame->shape[0] || sample->shape[1] != frame->shape[1])
		return hml_fail(hml_arena_context(arena), HML_INTERNAL,
						"a sample of %zu x %zu does not fit a frame of %zu x %zu", sample->shape[0],
						sample->shape[1], frame->shape[0], frame->shape[1]);
	return hml_frame_add_tensor(frame, sample->tensors, sample->lengths != NULL ? sample->lengths[0] : full,
								roles);
}

HmlStatus
hml_frame_add_signal(HmlFrame *frame, const HmlEncoder *encoder, const HmlSignal *signal, const double *roles)
{
	HmlEncodedSignal encoding = {0};
	HmlArena *arena;
	HmlStatus status = HML_OK;

	HML_TRY(hml_arena_create(hml_arena_context(frame->arena), &arena));
	if (signal != NULL)
		status = encoder->encode(arena, NULL, signal, &encoding);
	if (status == HML_OK)
		status = frame->kind == HML_SAMPLE_ROW ? add_values(frame, arena, &encoding, roles)
											   : add_tensor(frame, arena, &encoding, roles);
	hml_arena_free(arena);
	return status;
}

/* ---- reasons -------------------------------------------------------------------------------------- */

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
