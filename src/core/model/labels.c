/*
 * labels.c
 *	  Classes and values from a target column.
 */
#include "core/model/labels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/number.h"
#include "core/base/sort.h"

#define POLL_ROWS 65536

static HmlStatus
gather_rows(HmlArena *arena, const HmlFrame *frame, HmlLabels *labels)
{
	HmlContext *ctx = hml_arena_context(arena);

	HML_TRY(HML_ARENA_NEW(arena, &labels->rows, frame->n_rows));
	for (size_t row = 0; row < frame->n_rows; row++)
	{
		if (row % POLL_ROWS == 0)
			HML_TRY(hml_poll(ctx));
		if (isinf(hml_frame_values(frame, HML_ROLE_TARGET)[row]))
			return hml_fail(ctx, HML_INVALID_DATA, "target column \"%s\" has an infinite value",
							hml_frame_column(frame, HML_ROLE_TARGET)->name);
		if (!isnan(hml_frame_values(frame, HML_ROLE_TARGET)[row]))
			labels->rows[labels->n_rows++] = (uint32_t) row;
	}
	if (labels->n_rows == 0)
		return hml_fail(ctx, HML_INVALID_DATA, "target column \"%s\" has no value in any row",
						hml_frame_column(frame, HML_ROLE_TARGET)->name);
	return HML_OK;
}

static double
target_of(const HmlFrame *frame, const HmlLabels *labels, size_t i)
{
	return hml_frame_values(frame, HML_ROLE_TARGET)[labels->rows[i]];
}

static bool
is_zero_or_one(const HmlFrame *frame, const HmlLabels *labels)
{
	for (size_t i = 0; i < labels->n_rows; i++)
		if (target_of(frame, labels, i) != 0.0 && target_of(frame, labels, i) != 1.0)
			return false;
	return true;
}

static bool
is_classification(const HmlFrame *frame, const HmlParams *params, const HmlLabels *labels)
{
	if (hml_frame_column(frame, HML_ROLE_TARGET)->kind == HML_COLUMN_CATEGORY ||
		hml_param_is_choice(params, "task", "classification"))
		return true;
	if (hml_param_is_choice(params, "task", "regression"))
		return false;
	return hml_frame_column(frame, HML_ROLE_TARGET)->kind == HML_COLUMN_BOOLEAN ||
		   is_zero_or_one(frame, labels);
}

/* ---- values --------------------------------------------------------------------------------------- */

static HmlStatus
read_values(HmlArena *arena, const HmlFrame *frame, HmlLabels *labels)
{
	double n = (double) labels->n_rows;
	double sum = 0.0;
	double squares = 0.0;

	labels->task = HML_TASK_REGRESSION;
	for (size_t i = 0; i < labels->n_rows; i++)
		sum += target_of(frame, labels, i);
	labels->offset = sum / n;
	for (size_t i = 0; i < labels->n_rows; i++)
		squares += pow(target_of(frame, labels, i) - labels->offset, 2);
	labels->scale = sqrt(squares / n);
	if (!(labels->scale > 0.0) || !isfinite(labels->scale))
		return hml_fail(hml_arena_context(arena), HML_INVALID_DATA,
						labels->scale > 0.0 ? "target column \"%s\" has values too large to be learnt"
											: "target column \"%s\" has the same value in every row",
						hml_frame_column(frame, HML_ROLE_TARGET)->name);
	HML_TRY(HML_ARENA_NEW(arena, &labels->values, labels->n_rows));
	for (size_t i = 0; i < labels->n_rows; i++)
		labels->values[i] = (float) ((target_of(frame, labels, i) - labels->offset) / labels->scale);
	return HML_OK;
}

/* ---- classes -------------------------------------------------------------------------------------- */

/* The distinct targets that occur, ascending. */
static HmlStatus
distinct_targets(HmlArena *arena, const HmlFrame *frame, const HmlLabels *labels, double **out, size_t *n_out)
{
	HmlContext *ctx = hml_arena_context(arena);
	size_t n = 0;

	HML_TRY(HML_ARENA_NEW(arena, out, labels->n_rows));
	for (size_t i = 0; i < labels->n_rows; i++)
		(*out)[i] = target_of(frame, labels, i) + 0.0; /* -0 is 0 */
	HML_TRY(hml_sort_doubles(ctx, *out, labels->n_rows));
	for (size_t i = 0; i < labels->n_rows; i++)
		if (n == 0 || (*out)[n - 1] != (*out)[i])
			(*out)[n++] = (*out)[i];
	*n_out = n;
	if (n > HML_MAX_OUTPUTS)
	{
		hml_fail(ctx, HML_LIMIT, "target column \"%s\" has %zu classes, more than the limit of %d",
				 hml_frame_column(frame, HML_ROLE_TARGET)->name, n, HML_MAX_OUTPUTS);
		return hml_hint(ctx, "Set \"task\" to \"regression\" if the target is a number to be predicted.");
	}
	return HML_OK;
}

/* A target as the name of a class, perhaps in 'number'. */
static const char *
class_name(const HmlColumn *target, double value, char number[HML_NUMBER_SIZE])
{
	if (target->kind == HML_COLUMN_CATEGORY)
		return target->categories.texts[(size_t) value];
	if (target->kind == HML_COLUMN_BOOLEAN)
		return value != 0.0 ? "true" : "false";
	return hml_number_format(number, value);
}

static HmlStatus
name_class(HmlArena *arena, const HmlColumn *target, double value, const char **out)
{
	char number[HML_NUMBER_SIZE];
	const char *name = class_name(target, value, number);
	char *copy;

	HML_TRY(hml_arena_strdup(arena, name, strlen(name), &copy));
	*out = copy;
	return HML_OK;
}

/* Position of each distinct target among the names. */
static HmlStatus
order_names(HmlArena *arena, const HmlColumn *target, const double *distinct, size_t n, HmlLabels *labels,
			uint32_t **class_of)
{
	const char **unsorted;

	HML_TRY(HML_ARENA_NEW(arena, &unsorted, n));
	HML_TRY(HML_ARENA_NEW(arena, &labels->names, n));
	HML_TRY(HML_ARENA_NEW(arena, class_of, n));
	for (size_t i = 0; i < n; i++)
	{
		HML_TRY(name_class(arena, target, distinct[i], &unsorted[i]));
		labels->names[i] = unsorted[i];
		(*class_of)[i] = (uint32_t) i;
	}
	if (target->kind != HML_COLUMN_CATEGORY)
		return HML_OK;
	hml_sort_texts(labels->names, n);
	for (size_t i = 0; i < n; i++)
		for (uint32_t c = 0; c < n; c++)
			if (labels->names[c] == unsorted[i])
				(*class_of)[i] = c;
	return HML_OK;
}

/* Of two classes the positive one comes second. */
static HmlStatus
put_positive_last(HmlContext *ctx, const HmlParams *params, const char *column, HmlLabels *labels,
				  uint32_t *class_of)
{
	const char *positive = hml_param_text(params, "positive");

	if (positive == NULL)
		return HML_OK;
	if (labels->n_classes != 2)
		return hml_fail(ctx, HML_INVALID_ARGUMENT,
						"parameter \"positive\" is for a target of two classes, not of %zu",
						labels->n_classes);
	if (strcmp(labels->names[1], positive) == 0)
		return HML_OK;
	if (strcmp(labels->names[0], positive) != 0)
	{
		hml_fail(ctx, HML_INVALID_ARGUMENT, "target column \"%s\" has no class \"%s\"", column, positive);
		return hml_hint(ctx, "Its classes are \"%s\" and \"%s\".", labels->names[0], labels->names[1]);
	}
	labels->names[0] = labels->names[1];
	labels->names[1] = positive;
	class_of[0] = 1 - class_of[0];
	class_of[1] = 1 - class_of[1];
	return HML_OK;
}

static HmlStatus
read_classes(HmlArena *arena, const HmlFrame *frame, const HmlParams *params, HmlLabels *labels)
{
	HmlContext *ctx = hml_arena_context(arena);
	double *distinct;
	uint32_t *class_of;
	size_t n;

	HML_TRY(distinct_targets(arena, frame, labels, &distinct, &n));
	labels->n_classes = n;
	labels->task = n == 2 ? HML_TASK_BINARY : HML_TASK_MULTICLASS;
	HML_TRY(order_names(arena, hml_frame_column(frame, HML_ROLE_TARGET), distinct, n, labels, &class_of));
	if (n < 2)
		return hml_fail(ctx, HML_INVALID_DATA, "target column \"%s\" has only the class \"%s\"",
						hml_frame_column(frame, HML_ROLE_TARGET)->name, labels->names[0]);
	HML_TRY(put_positive_last(ctx, params, hml_frame_column(frame, HML_ROLE_TARGET)->name, labels, class_of));
	HML_TRY(HML_ARENA_NEW(arena, &labels->classes, labels->n_rows));
	for (size_t i = 0; i < labels->n_rows; i++)
		labels->classes[i] = class_of[hml_find_double(distinct, n, target_of(frame, labels, i))];
	return HML_OK;
}

HmlStatus
hml_labels_read(HmlArena *arena, const HmlFrame *frame, const HmlParams *params, HmlLabels *out)
{
	memset(out, 0, sizeof(*out));
	out->scale = 1.0;
	if (hml_frame_column(frame, HML_ROLE_TARGET)->kind == HML_COLUMN_CATEGORY &&
		hml_param_is_choice(params, "task", "regression"))
		return hml_fail(hml_arena_context(arena), HML_INVALID_ARGUMENT,
						"target column \"%s\" is text and cannot be predicted as a value",
						hml_frame_column(frame, HML_ROLE_TARGET)->name);
	HML_TRY(gather_rows(arena, frame, out));
	if (is_classification(frame, params, out))
		return read_classes(arena, frame, params, out);
	return read_values(arena, frame, out);
}

/* ---- classes of a model --------------------------------------------------------------------------- */

static bool
is_word(const char *name)
{
	char *end;

	(void) strtod(name, &end);
	return end == name;
}

static size_t
class_of_flag(const HmlModel *model, bool flag)
{
	for (size_t c = 0; c < 2; c++)
		if (strcmp(model->output_names[c], flag ? "true" : "false") == 0 ||
			strcmp(model->output_names[c], flag ? "1" : "0") == 0)
			return c;
	return is_word(model->output_names[0]) && is_word(model->output_names[1]) ? flag : 2;
}

size_t
hml_class_of_target(const HmlModel *model, const HmlColumn *column, double target)
{
	char number[HML_NUMBER_SIZE];
	const char *name = class_name(column, target, number);

	for (size_t c = 0; c < model->n_outputs; c++)
		if (strcmp(model->output_names[c], name) == 0)
			return c;
	if (model->n_outputs == 2 && column->kind != HML_COLUMN_CATEGORY && (target == 0.0 || target == 1.0))
		return class_of_flag(model, target == 1.0);
	return model->n_outputs;
}

HmlStatus
hml_hint_condition(HmlContext *ctx, const HmlFrame *frame)
{
	const char *name = hml_frame_column(frame, HML_ROLE_TARGET)->name;
	char number[HML_NUMBER_SIZE];
	double least = INFINITY;

	if (hml_frame_column(frame, HML_ROLE_TARGET)->kind == HML_COLUMN_CATEGORY)
		return hml_hint(ctx,
						"The target only says which rows are positive; select a condition such as (%s = "
						"'%s') as the target.",
						name,
						hml_frame_column(frame, HML_ROLE_TARGET)->categories.count > 0
							? hml_frame_column(frame, HML_ROLE_TARGET)->categories.texts[0]
							: "");
	for (size_t row = 0; row < frame->n_rows; row++)
		least = fmin(least, hml_frame_values(frame, HML_ROLE_TARGET)[row]); /* a NaN is passed over */
	return hml_hint(
		ctx,
		"The target only says which rows are positive; select a condition such as (%s %s %s) as the target, "
		"and keep \"%s\" out of the features with parameter \"exclude\".",
		name, least < 0.0 ? "<" : ">", hml_number_format(number, fmax(least, 0.0)), name);
}
