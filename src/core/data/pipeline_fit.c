/*
 * pipeline_fit.c
 *	  Learning a pipeline from training rows.
 *
 * A few columns at a time, the values that are there are gathered into a block
 * each, which gives the quantiles and, round the median, mean and standard
 * deviation.  O(n) time for each column; memory for COLUMNS_AT_ONCE columns.
 */
#include "core/data/pipeline.h"

#include <math.h>
#include <string.h>

#include "core/base/number.h"
#include "core/base/select.h"
#include "core/base/sort.h"

#define POLL_ROWS ((size_t) 1 << 16)
#define TEXT_OF(x) #x
#define AS_TEXT(x) TEXT_OF(x)
#define COLUMNS_AT_ONCE 4 /* gathered in one pass, which waits for memory */

const HmlParamSpec hml_pipeline_params[] = {
	{"impute", HML_PARAM_TEXT, "\"median\"", 0, 0, "median|mean|constant|error",
	 "What stands in for a missing number: the median or mean of the training rows, impute_value, or an "
	 "error. A missing category becomes the most frequent one."},
	{"impute_value", HML_PARAM_NUMBER, "0", -INFINITY, INFINITY, NULL,
	 "The number that stands in for a missing one when impute is constant."},
	{"scale", HML_PARAM_TEXT, "null", 0, 0, "none|standard|robust|minmax",
	 "Scaling of numbers: by mean and standard deviation, by median and interquartile range, or to 0..1; "
	 "the default depends on the algorithm."},
	{"encode", HML_PARAM_TEXT, "\"onehot\"", 0, 0, "onehot|ordinal",
	 "How a text column becomes numbers: an input for each category, or the number of the category in "
	 "alphabetical order."},
	{"max_missing", HML_PARAM_NUMBER | HML_PARAM_IMPLIED, AS_TEXT(HML_MAX_MISSING), 0, 1, NULL,
	 "The largest share of the features that may be missing in a row that gets a risk; where more is missing "
	 "the risk is unknown. A feature counts for as much as it was there in training."},
	{0}};

/* The rows to learn from, and where one column of them is gathered. */
typedef struct Fit
{
	HmlContext *ctx;
	HmlArena *arena;
	const HmlFrame *frame;
	const uint32_t *rows; /* NULL = all */
	size_t n_rows;
	double *gathered; /* (COLUMNS_AT_ONCE, n_rows) */
	size_t n_gathered[COLUMNS_AT_ONCE];
	double *values; /* of the column that is being learnt: those that are there */
	size_t n_values;
	const HmlParams *params;
} Fit;

static HmlStatus
refuse_infinite(const Fit *fit, const HmlColumn *column, double value)
{
	char number[HML_NUMBER_SIZE];

	hml_fail(fit->ctx, HML_INVALID_DATA, "column \"%s\" has the value \"%s\", which cannot be learnt from",
			 column->name, hml_number_format(number, value));
	return hml_hint(fit->ctx, "Turn such values into NULL, or leave their rows out.");
}

/* Copy rows first to end - 1 of some columns, without what is missing; *infinite: something is infinite. */
static void
gather_block(Fit *fit, size_t column, size_t n_columns, size_t first, size_t end, bool *infinite)
{
	double *out[COLUMNS_AT_ONCE];

	for (size_t c = 0; c < n_columns; c++)
		out[c] = fit->gathered + c * fit->n_rows + fit->n_gathered[c];
	for (size_t i = first; i < end; i++)
	{
		const double *cells = hml_frame_row(fit->frame, fit->rows != NULL ? fit->rows[i] : i) + column;

		for (size_t c = 0; c < n_columns; c++)
		{
			*out[c] = cells[c];
			*infinite = *infinite || isinf(cells[c]);
			out[c] += !isnan(cells[c]);
		}
	}
	for (size_t c = 0; c < n_columns; c++)
		fit->n_gathered[c] = (size_t) (out[c] - fit->gathered) - c * fit->n_rows;
}

/* The values of columns column .. column + n_columns - 1 that are there, in the order of the rows. */
static HmlStatus
gather(Fit *fit, size_t column, size_t n_columns)
{
	bool infinite = false;

	memset(fit->n_gathered, 0, sizeof(fit->n_gathered));
	for (size_t first = 0; first < fit->n_rows; first += POLL_ROWS)
	{
		size_t end = fit->n_rows - first < POLL_ROWS ? fit->n_rows : first + POLL_ROWS;

		HML_TRY(hml_poll(fit->ctx));
		gather_block(fit, column, n_columns, first, end, &infinite);
	}
	for (size_t c = 0; infinite && c < n_columns; c++)
		for (size_t i = 0; i < fit->n_gathered[c]; i++)
			if (isinf(fit->gathered[c * fit->n_rows + i]))
				return refuse_infinite(fit, &fit->frame->columns[column + c],
									   fit->gathered[c * fit->n_rows + i]);
	return HML_OK;
}

#define LANES 4 /* sums side by side, so that an addition need not wait for the one before */

/* Sums of x - center and of its square. */
static void
sum_around(const double *values, size_t n, double center, double *sum, double *squares)
{
	double sums[LANES] = {0};
	double squared[LANES] = {0};

	for (size_t i = 0; i < n; i++)
	{
		double distance = values[i] - center;

		sums[i % LANES] += distance;
		squared[i % LANES] += distance * distance;
	}
	*sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
	*squares = (squared[0] + squared[1]) + (squared[2] + squared[3]);
}

/*
 * One pass is enough round the median, which is never further than one standard
 * deviation from the mean, so that nothing cancels.
 */
static HmlStatus
learn_moments(const Fit *fit, HmlFeature *feature)
{
	double n = (double) fit->n_values;
	double sum = 0.0;
	double squares = 0.0;

	feature->mean = feature->min;
	feature->sd = feature->max - feature->min;
	if (!(feature->sd > 0.0)) /* constant, or nothing there */
		return HML_OK;
	for (size_t first = 0; first < fit->n_values; first += POLL_ROWS)
	{
		size_t length = fit->n_values - first < POLL_ROWS ? fit->n_values - first : POLL_ROWS;
		double block_sum;
		double block_squares;

		HML_TRY(hml_poll(fit->ctx));
		sum_around(fit->values + first, length, feature->median, &block_sum, &block_squares);
		sum += block_sum;
		squares += block_squares;
	}
	feature->mean = feature->median + sum / n;
	feature->sd = sqrt(fmax(0.0, squares - sum * sum / n) / n);
	if (isfinite(squares))
		return HML_OK;
	return hml_fail(fit->ctx, HML_INVALID_DATA, "column \"%s\" has values too large to be learnt from",
					feature->column.name);
}

/* All are NaN when there is no value. */
static HmlStatus
learn_statistics(const Fit *fit, HmlFeature *feature)
{
	static const double probabilities[] = {0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0};
	double quantiles[] = {NAN, NAN, NAN, NAN, NAN, NAN, NAN};

	feature->missing_share = (double) (fit->n_rows - fit->n_values) / (double) fit->n_rows;
	if (fit->n_values > 0)
		HML_TRY(hml_quantiles(fit->ctx, fit->values, fit->n_values, probabilities, 7, quantiles));
	feature->min = quantiles[0];
	feature->p05 = quantiles[1];
	feature->p25 = quantiles[2];
	feature->median = quantiles[3];
	feature->p75 = quantiles[4];
	feature->p95 = quantiles[5];
	feature->max = quantiles[6];
	return learn_moments(fit, feature);
}

/* Which codes of the frame occur among the gathered values. */
static HmlStatus
mark_used(const Fit *fit, size_t n_codes, bool **used)
{
	HML_TRY(HML_NEW_ZERO(fit->ctx, used, n_codes));
	for (size_t i = 0; i < fit->n_values; i++)
		(*used)[(size_t) fit->values[i]] = true;
	return HML_OK;
}

/* The texts that occur, sorted, copied into the arena. */
static HmlStatus
learn_texts(const Fit *fit, const HmlCategories *known, HmlCategories *out)
{
	bool *used;
	HmlStatus status;

	HML_TRY(mark_used(fit, known->count, &used));
	status = HML_ARENA_NEW(fit->arena, &out->texts, known->count);
	for (size_t code = 0; status == HML_OK && code < known->count; code++)
	{
		char *copy;

		if (!used[code])
			continue;
		status = hml_arena_strdup(fit->arena, known->texts[code], strlen(known->texts[code]), &copy);
		out->texts[out->count] = copy;
		out->count += status == HML_OK;
	}
	hml_free(fit->ctx, used);
	hml_sort_texts(out->texts, out->count);
	return status;
}

/* Gathered codes of the frame become codes of the pipeline; their shares. */
static HmlStatus
learn_categories(const Fit *fit, const HmlPipeline *pipeline, size_t index)
{
	HmlFeature *feature = &pipeline->features[index];
	const HmlCategories *known = &fit->frame->columns[index].categories;

	HML_TRY(learn_texts(fit, known, &feature->column.categories));
	HML_TRY(HML_ARENA_NEW_ZERO(fit->arena, &feature->shares, feature->column.categories.count));
	for (size_t i = 0; i < fit->n_values; i++)
	{
		const char *text = known->texts[(size_t) fit->values[i]];

		if (i % POLL_ROWS == 0)
			HML_TRY(hml_poll(fit->ctx));
		fit->values[i] = hml_pipeline_category(pipeline, index, text, strlen(text));
		feature->shares[(size_t) fit->values[i]] += 1.0;
	}
	for (size_t code = 0; code < feature->column.categories.count; code++)
		feature->shares[code] /= (double) fit->n_values;
	return HML_OK;
}

static double
most_frequent(const HmlFeature *feature)
{
	size_t best = 0;

	for (size_t code = 1; code < feature->column.categories.count; code++)
		if (feature->shares[code] > feature->shares[best])
			best = code;
	return (double) best;
}

static double
fill_of(HmlImputation imputation, double constant, const HmlFeature *feature)
{
	if (imputation == HML_IMPUTE_ERROR)
		return NAN;
	if (feature->column.kind == HML_COLUMN_CATEGORY)
		return most_frequent(feature);
	if (imputation == HML_IMPUTE_CONSTANT)
		return constant;
	if (imputation == HML_IMPUTE_MEAN)
		return feature->mean;
	return feature->column.kind == HML_COLUMN_BOOLEAN ? feature->median > 0.5 : feature->median;
}

static void
learn_scaling(const HmlPipeline *pipeline, HmlFeature *feature)
{
	double spread = 1.0;

	feature->offset = 0.0;
	feature->scale = 1.0;
	if (isnan(feature->mean) ||
		(feature->column.kind == HML_COLUMN_CATEGORY && pipeline->encoding == HML_ENCODE_ONEHOT))
		return;
	switch (pipeline->scaling)
	{
		case HML_SCALE_NONE:
			return;
		case HML_SCALE_STANDARD:
			feature->offset = feature->mean;
			spread = feature->sd;
			break;
		case HML_SCALE_ROBUST:
			feature->offset = feature->median;
			spread = feature->p75 - feature->p25;
			break;
		case HML_SCALE_MINMAX:
			feature->offset = feature->min;
			spread = feature->max - feature->min;
			break;
	}
	if (spread > 0 && isfinite(1.0 / spread))
		feature->scale = 1.0 / spread;
}

void
hml_pipeline_settle(const HmlPipeline *pipeline, HmlFeature *feature, const HmlParams *params)
{
	feature->fill = fill_of(pipeline->imputation, hml_param_number(params, "impute_value"), feature);
	learn_scaling(pipeline, feature);
}

/* Are the values that are missing, if any, no obstacle? */
static HmlStatus
check_missing(const Fit *fit, HmlImputation imputation, const HmlColumn *column)
{
	size_t missing = fit->n_rows - fit->n_values;

	if (missing > 0 && imputation == HML_IMPUTE_ERROR)
	{
		hml_fail(fit->ctx, HML_INVALID_DATA, "column \"%s\" has missing values", column->name);
		return hml_detail(fit->ctx, "%zu of %zu rows have none, and \"impute\" is \"error\".", missing,
						  fit->n_rows);
	}
	if (fit->n_values > 0 || (imputation == HML_IMPUTE_CONSTANT && column->kind != HML_COLUMN_CATEGORY))
		return HML_OK;
	hml_fail(fit->ctx, HML_INVALID_DATA, "column \"%s\" has no value in any of the %zu training rows",
			 column->name, fit->n_rows);
	return hml_hint(fit->ctx, "Leave it out of the features%s.",
					column->kind == HML_COLUMN_CATEGORY
						? ""
						: ", or set \"impute\" to \"constant\" to have it filled with \"impute_value\"");
}

/* From the values that were gathered. */
static HmlStatus
learn_feature(Fit *fit, HmlPipeline *pipeline, size_t index)
{
	const HmlColumn *column = &fit->frame->columns[index];
	HmlFeature *feature = &pipeline->features[index];
	char *name;

	HML_TRY(hml_arena_strdup(fit->arena, column->name, strlen(column->name), &name));
	feature->column.name = name;
	feature->column.kind = column->kind;
	HML_TRY(check_missing(fit, pipeline->imputation, column));
	if (column->kind == HML_COLUMN_CATEGORY)
		HML_TRY(learn_categories(fit, pipeline, index));
	HML_TRY(learn_statistics(fit, feature));
	hml_pipeline_settle(pipeline, feature, fit->params);
	return HML_OK;
}

static HmlImputation
imputation_of(const HmlParams *params)
{
	if (hml_param_is_choice(params, "impute", "mean"))
		return HML_IMPUTE_MEAN;
	if (hml_param_is_choice(params, "impute", "constant"))
		return HML_IMPUTE_CONSTANT;
	return hml_param_is_choice(params, "impute", "error") ? HML_IMPUTE_ERROR : HML_IMPUTE_MEDIAN;
}

static HmlScaling
scaling_of(const HmlParams *params, HmlScaling fallback)
{
	if (!hml_param_is_set(params, "scale"))
		return fallback;
	if (hml_param_is_choice(params, "scale", "standard"))
		return HML_SCALE_STANDARD;
	if (hml_param_is_choice(params, "scale", "robust"))
		return HML_SCALE_ROBUST;
	return hml_param_is_choice(params, "scale", "minmax") ? HML_SCALE_MINMAX : HML_SCALE_NONE;
}

HmlStatus
hml_pipeline_create(HmlArena *arena, size_t n_features, const HmlParams *params, HmlScaling default_scaling,
					HmlPipeline **out)
{
	HML_TRY(HML_ARENA_NEW_ZERO(arena, out, 1));
	(*out)->imputation = imputation_of(params);
	(*out)->scaling = scaling_of(params, default_scaling);
	(*out)->encoding =
		hml_param_is_choice(params, "encode", "ordinal") ? HML_ENCODE_ORDINAL : HML_ENCODE_ONEHOT;
	(*out)->n_features = n_features;
	return HML_ARENA_NEW_ZERO(arena, &(*out)->features, n_features);
}

static HmlStatus
learn_columns(Fit *fit, HmlPipeline *pipeline, size_t first, size_t n_columns)
{
	HML_TRY(gather(fit, first, n_columns));
	for (size_t c = 0; c < n_columns; c++)
	{
		fit->values = fit->gathered + c * fit->n_rows;
		fit->n_values = fit->n_gathered[c];
		HML_TRY(learn_feature(fit, pipeline, first + c));
	}
	return HML_OK;
}

static HmlStatus
learn_features(Fit *fit, HmlPipeline *pipeline)
{
	size_t n = pipeline->n_features;
	size_t at_once = n < COLUMNS_AT_ONCE ? n : COLUMNS_AT_ONCE;
	HmlStatus status = hml_alloc(fit->ctx, fit->n_rows, at_once * sizeof(double), (void **) &fit->gathered);

	for (size_t first = 0; status == HML_OK && first < n; first += at_once)
		status = learn_columns(fit, pipeline, first, n - first < at_once ? n - first : at_once);
	hml_free(fit->ctx, fit->gathered);
	return status;
}

static HmlStatus
keep_names(HmlArena *arena, const HmlFrame *frame, HmlPipeline **out)
{
	const char *names[HML_MAX_FEATURES];

	for (size_t i = 0; i < frame->n_columns; i++)
		names[i] = frame->columns[i].name;
	return hml_pipeline_plain(arena, names, frame->n_columns, out);
}

HmlStatus
hml_pipeline_fit(HmlArena *arena, const HmlFrame *frame, const uint32_t *rows, size_t n_rows,
				 const HmlParams *params, HmlScaling default_scaling, HmlPipeline **out)
{
	Fit fit = {.ctx = hml_arena_context(arena),
			   .arena = arena,
			   .frame = frame,
			   .rows = rows,
			   .n_rows = rows != NULL ? n_rows : frame->n_rows,
			   .params = params};
	HmlPipeline *pipeline;

	if (fit.n_rows == 0)
		return hml_fail(fit.ctx, HML_INVALID_DATA, "there is no row to learn from");
	if (frame->kind != HML_SAMPLE_ROW)
		return keep_names(arena, frame, out);
	HML_TRY(hml_pipeline_create(arena, frame->n_columns, params, default_scaling, &pipeline));
	HML_TRY(learn_features(&fit, pipeline));
	*out = pipeline;
	return hml_pipeline_lay_out(pipeline, fit.ctx);
}
