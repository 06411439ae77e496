/*
 * judged.c
 *	  The rows of a frame that a model can be judged by.
 */
#include "core/model/judged.h"

#include <math.h>

#include "core/base/number.h"
#include "core/model/anomaly.h"
#include "core/model/labels.h"

static bool
is_detector(const HmlModel *model)
{
	return model->algorithm->target_use == HML_TARGET_EVALUATES;
}

HmlJudgement
hml_judgement_of(const HmlModel *model)
{
	if (is_detector(model) || (model->output_names != NULL && model->n_outputs == 2))
		return HML_JUDGE_BINARY;
	return model->output_names != NULL ? HML_JUDGE_CLASSES : HML_JUDGE_VALUES;
}

static size_t
class_of_row(const HmlJudgedRows *judged, double target)
{
	if (is_detector(judged->model))
		return target == 1.0;
	return judged->model->output_names == NULL
			   ? 0
			   : hml_class_of_target(judged->model, hml_frame_column(judged->frame, HML_ROLE_TARGET), target);
}

/* The target must be what a training would take. */
static HmlStatus
check_target(const HmlJudgedRows *judged)
{
	if (!hml_frame_has(judged->frame, HML_ROLE_TARGET))
		return hml_fail(judged->ctx, HML_INVALID_ARGUMENT, "evaluation needs a target column");
	if (is_detector(judged->model))
		return hml_anomaly_check_target(judged->ctx, judged->frame);
	if (judged->model->output_names == NULL &&
		hml_frame_column(judged->frame, HML_ROLE_TARGET)->kind == HML_COLUMN_CATEGORY)
		return hml_fail(judged->ctx, HML_INVALID_DATA,
						"target column \"%s\" must be a number, for the model predicts a value",
						hml_frame_column(judged->frame, HML_ROLE_TARGET)->name);
	return HML_OK;
}

/*
 * A number that is neither of two classes means that the target is coded
 * otherwise than that of the training, such as 0 to 4, or -1 and 1: what it has in
 * common with the classes would be judged, wrongly.
 */
static HmlStatus
refuse_number(const HmlJudgedRows *judged, double target)
{
	char number[HML_NUMBER_SIZE];

	hml_fail(judged->ctx, HML_INVALID_DATA, "target column \"%s\" must be \"%s\" or \"%s\", not \"%s\"",
			 hml_frame_column(judged->frame, HML_ROLE_TARGET)->name, judged->model->output_names[0],
			 judged->model->output_names[1], hml_number_format(number, target));
	return hml_hint_condition(judged->ctx, judged->frame);
}

static HmlStatus
leave_out(HmlJudgedRows *judged, double target)
{
	if (isfinite(target) && judged->model->n_outputs == 2 && judged->model->output_names != NULL &&
		hml_frame_column(judged->frame, HML_ROLE_TARGET)->kind != HML_COLUMN_CATEGORY)
		return refuse_number(judged, target);
	judged->n_left_out++;
	return HML_OK;
}

static HmlStatus
take_rows(HmlArena *arena, HmlJudgedRows *judged, const uint32_t *rows, size_t n)
{
	size_t n_classes = is_detector(judged->model) ? 2 : judged->model->n_outputs;

	HML_TRY(HML_ARENA_NEW(arena, &judged->rows, n));
	HML_TRY(HML_ARENA_NEW(arena, &judged->classes, n));
	for (size_t i = 0; i < n; i++)
	{
		uint32_t row = rows != NULL ? rows[i] : (uint32_t) i;
		double target = hml_frame_values(judged->frame, HML_ROLE_TARGET)[row];
		size_t class;

		if (!isfinite(target) || (class = class_of_row(judged, target)) >= n_classes)
		{
			HML_TRY(leave_out(judged, target));
			continue;
		}
		judged->rows[judged->n] = row;
		judged->classes[judged->n++] = (uint32_t) class;
	}
	if (judged->n == 0)
		return hml_fail(judged->ctx, HML_INVALID_DATA, "no row has a target that the model can be judged by");
	return HML_OK;
}

/* Features that are text in the model must be text in the frame, and the other way round. */
static HmlStatus
check_columns(const HmlJudgedRows *judged)
{
	const HmlPipeline *pipeline = judged->model->pipeline;

	for (size_t i = 0; i < pipeline->n_features && i < judged->frame->n_columns; i++)
	{
		bool is_text = pipeline->features[i].column.kind == HML_COLUMN_CATEGORY;

		if (is_text != (judged->frame->columns[i].kind == HML_COLUMN_CATEGORY))
			return hml_fail(judged->ctx, HML_INVALID_DATA, "column \"%s\" must be %s for this model",
							judged->frame->columns[i].name, is_text ? "text" : "a number");
	}
	return HML_OK;
}

HmlStatus
hml_judged_rows(HmlArena *arena, const HmlModel *model, const HmlFrame *frame, const uint32_t *rows, size_t n,
				HmlJudgedRows *out)
{
	*out = (HmlJudgedRows){.ctx = hml_arena_context(arena), .model = model, .frame = frame};
	HML_TRY(check_columns(out));
	HML_TRY(check_target(out));
	return take_rows(arena, out, rows, n);
}
