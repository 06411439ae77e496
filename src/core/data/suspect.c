/*
 * suspect.c
 *	  Features that a model had better not learn from.
 */
#include "core/data/suspect.h"

#include <math.h>

#include "core/base/sort.h"
#include "core/stats/metrics.h"

#define MIN_ROWS_PER_CATEGORY 5

typedef struct Inspection
{
	HmlContext *ctx;
	HmlArena *arena;
	const HmlFrame *frame;
	size_t n;           /* rows looked at, of those that have a target */
	uint32_t *rows;     /* (n) */
	bool *labels;       /* (n) whether the target is the greater of two values */
	bool has_classes;   /* the target has two values */
	double *scores;     /* (n) scratch */
	bool *score_labels; /* (n) scratch */
} Inspection;

static double
value_of(const Inspection *look, size_t i, size_t column)
{
	return hml_frame_row(look->frame, look->rows[i])[column];
}

/* ---- the target ----------------------------------------------------------------------------------- */

static void
find_classes(Inspection *look)
{
	const double *targets = hml_frame_values(look->frame, HML_ROLE_TARGET);
	double low = INFINITY;
	double high = -INFINITY;

	for (size_t i = 0; i < look->n; i++)
	{
		low = fmin(low, targets[look->rows[i]]);
		high = fmax(high, targets[look->rows[i]]);
	}
	look->has_classes = low < high;
	for (size_t i = 0; i < look->n; i++)
	{
		look->labels[i] = targets[look->rows[i]] == high;
		look->has_classes = look->has_classes && (look->labels[i] || targets[look->rows[i]] == low);
	}
}

static HmlStatus
choose_rows(Inspection *look)
{
	const HmlFrame *frame = look->frame;
	size_t step = frame->n_rows / HML_SUSPECT_ROWS + 1;

	HML_TRY(HML_ARENA_NEW(look->arena, &look->rows, frame->n_rows / step + 1));
	for (size_t row = 0; hml_frame_has(frame, HML_ROLE_TARGET) && row < frame->n_rows; row += step)
		if (isfinite(hml_frame_values(frame, HML_ROLE_TARGET)[row]))
			look->rows[look->n++] = (uint32_t) row;
	HML_TRY(HML_ARENA_NEW(look->arena, &look->labels, look->n));
	HML_TRY(HML_ARENA_NEW(look->arena, &look->scores, look->n));
	HML_TRY(HML_ARENA_NEW(look->arena, &look->score_labels, look->n));
	if (look->n > 0)
		find_classes(look);
	return HML_OK;
}

/* ---- two classes ---------------------------------------------------------------------------------- */

/* ROC AUC of the first n scores in either direction, 0 where a class has too few rows. */
static HmlStatus
separation(Inspection *look, size_t n, double *auc)
{
	size_t positives = 0;

	*auc = 0.0;
	for (size_t i = 0; i < n; i++)
		positives += look->score_labels[i];
	if (positives < HML_SUSPECT_MIN_CLASS || n - positives < HML_SUSPECT_MIN_CLASS)
		return HML_OK;
	HML_TRY(hml_roc_auc(look->ctx, look->scores, look->score_labels, n, auc));
	*auc = fmax(*auc, 1.0 - *auc);
	return HML_OK;
}

/* By the share of the positives in its category, unless there are hardly more rows than categories. */
static HmlStatus
separation_by_category(Inspection *look, size_t column, double *auc)
{
	size_t n_categories = look->frame->columns[column].categories.count;
	double *positives;
	double *total;
	size_t n = 0;

	*auc = 0.0;
	if (n_categories * MIN_ROWS_PER_CATEGORY > look->n)
		return HML_OK;
	HML_TRY(HML_ARENA_NEW(look->arena, &positives, n_categories));
	HML_TRY(HML_ARENA_NEW(look->arena, &total, n_categories));
	for (size_t c = 0; c < n_categories; c++)
		positives[c] = total[c] = 0.0;
	for (size_t i = 0; i < look->n; i++)
		if (!isnan(value_of(look, i, column)))
		{
			positives[(size_t) value_of(look, i, column)] += look->labels[i];
			total[(size_t) value_of(look, i, column)]++;
		}
	for (size_t i = 0; i < look->n; i++)
		if (!isnan(value_of(look, i, column)))
		{
			size_t category = (size_t) value_of(look, i, column);

			look->scores[n] = positives[category] / total[category];
			look->score_labels[n++] = look->labels[i];
		}
	return separation(look, n, auc);
}

static HmlStatus
separation_by_value(Inspection *look, size_t column, double *auc)
{
	size_t n = 0;

	for (size_t i = 0; i < look->n; i++)
		if (!isnan(value_of(look, i, column)))
		{
			look->scores[n] = value_of(look, i, column);
			look->score_labels[n++] = look->labels[i];
		}
	return separation(look, n, auc);
}

/* What is only measured in one class gives it away as well. */
static HmlStatus
separation_by_missing(Inspection *look, size_t column, double *auc)
{
	for (size_t i = 0; i < look->n; i++)
	{
		look->scores[i] = isnan(value_of(look, i, column));
		look->score_labels[i] = look->labels[i];
	}
	return separation(look, look->n, auc);
}

static HmlStatus
best_separation(Inspection *look, size_t column, double *auc)
{
	double by_missing;

	if (look->frame->columns[column].kind == HML_COLUMN_CATEGORY)
		HML_TRY(separation_by_category(look, column, auc));
	else
		HML_TRY(separation_by_value(look, column, auc));
	HML_TRY(separation_by_missing(look, column, &by_missing));
	*auc = fmax(*auc, by_missing);
	return HML_OK;
}

/* ---- values --------------------------------------------------------------------------------------- */

/* Absolute correlation of a numeric feature with the target, 0 where it has none. */
static double
correlation(const Inspection *look, size_t column)
{
	double n = 0.0;
	double mean_x = 0.0;
	double mean_y = 0.0;
	double xx = 0.0;
	double yy = 0.0;
	double xy = 0.0;

	for (size_t i = 0; i < look->n; i++)
	{
		double x = value_of(look, i, column);
		double dx = x - mean_x;
		double dy = hml_frame_values(look->frame, HML_ROLE_TARGET)[look->rows[i]] - mean_y;

		if (isnan(x))
			continue;
		n++;
		mean_x += dx / n;
		mean_y += dy / n;
		xx += dx * (x - mean_x);
		yy += dy * (hml_frame_values(look->frame, HML_ROLE_TARGET)[look->rows[i]] - mean_y);
		xy += dx * (hml_frame_values(look->frame, HML_ROLE_TARGET)[look->rows[i]] - mean_y);
	}
	return n >= HML_SUSPECT_MIN_UNIQUE && xx > 0.0 && yy > 0.0 ? fabs(xy) / sqrt(xx * yy) : 0.0;
}

/* ---- identifiers ---------------------------------------------------------------------------------- */

/* Whether every row has a whole number, or a text, that no other row has. */
static HmlStatus
identifies(Inspection *look, size_t column, bool *out)
{
	const HmlFrame *frame = look->frame;
	HmlColumnKind kind = frame->columns[column].kind;
	double *values;
	HmlStatus status;

	*out = false;
	if (frame->n_rows < HML_SUSPECT_MIN_UNIQUE || kind == HML_COLUMN_BOOLEAN ||
		(kind == HML_COLUMN_CATEGORY && frame->columns[column].categories.count != frame->n_rows))
		return HML_OK;
	for (size_t row = 0; row < frame->n_rows; row++)
	{
		double value = hml_frame_row(frame, row)[column];

		if (isnan(value) || floor(value) != value)
			return HML_OK;
	}
	HML_TRY(HML_NEW(look->ctx, &values, frame->n_rows));
	for (size_t row = 0; row < frame->n_rows; row++)
		values[row] = hml_frame_row(frame, row)[column];
	status = hml_sort_doubles(look->ctx, values, frame->n_rows);
	*out = status == HML_OK;
	for (size_t row = 1; row < frame->n_rows; row++)
		*out = *out && values[row - 1] != values[row];
	hml_free(look->ctx, values);
	return status;
}

/* ---- all ------------------------------------------------------------------------------------------ */

static HmlStatus
inspect(Inspection *look, size_t column, HmlSuspect *out, size_t *n)
{
	HmlSuspect suspect = {.column = column};
	bool is_suspect = false;

	HML_TRY(hml_poll(look->ctx));
	if (look->has_classes)
	{
		HML_TRY(best_separation(look, column, &suspect.strength));
		suspect.suspicion = HML_SUSPECT_SEPARATES;
		is_suspect = suspect.strength > HML_SUSPECT_AUC;
	}
	else if (hml_frame_has(look->frame, HML_ROLE_TARGET) &&
			 hml_frame_column(look->frame, HML_ROLE_TARGET)->kind == HML_COLUMN_NUMERIC &&
			 look->frame->columns[column].kind == HML_COLUMN_NUMERIC)
	{
		suspect.strength = correlation(look, column);
		suspect.suspicion = HML_SUSPECT_COPIES;
		is_suspect = suspect.strength > HML_SUSPECT_CORRELATION;
	}
	if (!is_suspect)
	{
		HML_TRY(identifies(look, column, &is_suspect));
		suspect.suspicion = HML_SUSPECT_IDENTIFIES;
	}
	if (is_suspect)
		out[(*n)++] = suspect;
	return HML_OK;
}

static HmlStatus
inspect_all(Inspection *look, HmlSuspect *out, size_t *n)
{
	HML_TRY(choose_rows(look));
	for (size_t column = 0; column < look->frame->n_columns; column++)
		HML_TRY(inspect(look, column, out, n));
	return HML_OK;
}

HmlStatus
hml_find_suspects(HmlContext *ctx, const HmlFrame *frame, HmlSuspect *out, size_t *n)
{
	Inspection look = {.ctx = ctx, .frame = frame};
	HmlStatus status;

	*n = 0;
	HML_TRY(hml_arena_create(ctx, &look.arena));
	status = inspect_all(&look, out, n);
	hml_arena_free(look.arena);
	return status;
}
