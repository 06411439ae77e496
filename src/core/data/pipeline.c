/*
 * pipeline.c
 *	  From a row of features to a row of inputs, and its bytes.
 *
 * How a pipeline learns is in pipeline_fit.c.  Applying one is on the path of
 * every scored row: plain numbers are checked with whole-number arithmetic that
 * the compiler turns into vectors, and only a row with something missing or
 * infinite goes the long way.
 *
 * Bytes: docs/model-format.md, section FEAT.
 */
#include "core/data/pipeline.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/base/number.h"
#include "core/base/sort.h"

#define EXPONENT_LOWEST_BIT (UINT64_C(1) << 52)

/* Copy; true when all are finite. */
static bool
copy_finite(const double *restrict values, double *restrict inputs, size_t n)
{
	uint64_t carries = 0;

	for (size_t i = 0; i < n; i++)
	{
		uint64_t bits;

		memcpy(&bits, &values[i], sizeof(bits));
		/* An exponent of all ones, that is infinity or NaN, carries into the sign. */
		carries |= (bits & (UINT64_MAX >> 1)) + EXPONENT_LOWEST_BIT;
		inputs[i] = values[i];
	}
	return carries >> 63 == 0;
}

static HmlStatus
refuse_missing(HmlContext *ctx, const HmlFeature *feature)
{
	hml_fail(ctx, HML_INVALID_DATA, "feature \"%s\" is missing", feature->column.name);
	return hml_detail(ctx, "The model does not fill in missing values.");
}

static HmlStatus
refuse_infinite(HmlContext *ctx, const HmlFeature *feature, double value)
{
	char number[HML_NUMBER_SIZE];

	return hml_fail(ctx, HML_INVALID_DATA, "value \"%s\" of feature \"%s\" is not finite",
					hml_number_format(number, value), feature->column.name);
}

static HmlStatus
refuse_code(HmlContext *ctx, const HmlFeature *feature, double value)
{
	char number[HML_NUMBER_SIZE];

	hml_fail(ctx, HML_INVALID_DATA, "value \"%s\" of feature \"%s\" is not a category code",
			 hml_number_format(number, value), feature->column.name);
	return hml_detail(ctx, "The feature has %zu categories, whose codes count from 0.",
					  feature->column.categories.count);
}

static HmlStatus
refuse_overflow(HmlContext *ctx, const HmlFeature *feature, double value)
{
	char number[HML_NUMBER_SIZE];

	return hml_fail(ctx, HML_INVALID_DATA, "value \"%s\" of feature \"%s\" is too large to be scaled",
					hml_number_format(number, value), feature->column.name);
}

/* 'value' is not missing any more. */
static HmlStatus
encode(const HmlFeature *feature, bool one_hot, HmlContext *ctx, double value, double *inputs)
{
	if (feature->column.kind == HML_COLUMN_CATEGORY)
	{
		if (!(value >= 0 && value < (double) feature->column.categories.count && value == floor(value)))
			return refuse_code(ctx, feature, value);
		if (one_hot)
		{
			memset(inputs, 0, feature->n_inputs * sizeof(*inputs));
			inputs[(size_t) value] = 1.0;
			return HML_OK;
		}
	}
	if (isinf(value))
		return refuse_infinite(ctx, feature, value);
	inputs[0] = (value - feature->offset) * feature->scale;
	return isfinite(inputs[0]) ? HML_OK : refuse_overflow(ctx, feature, value);
}

/* Not inlined, so that the fast path need not save its registers. */
__attribute__((noinline)) static HmlStatus
apply_each(const HmlPipeline *pipeline, HmlContext *ctx, const double *values, double *inputs, size_t *filled)
{
	bool one_hot = pipeline->encoding == HML_ENCODE_ONEHOT;

	*filled = 0;
	for (size_t i = 0; i < pipeline->n_features; i++)
	{
		const HmlFeature *feature = &pipeline->features[i];
		double value = values[i];

		if (isnan(value))
		{
			if (isnan(feature->fill))
				return refuse_missing(ctx, feature);
			value = feature->fill;
			++*filled;
		}
		HML_TRY(encode(feature, one_hot, ctx, value, inputs + feature->first_input));
	}
	return HML_OK;
}

HmlStatus
hml_pipeline_apply(const HmlPipeline *pipeline, HmlContext *ctx, const double *values, double *inputs,
				   size_t *filled)
{
	size_t ignored;

	if (filled == NULL)
		filled = &ignored;
	if (!pipeline->identity || !copy_finite(values, inputs, pipeline->n_features))
		return apply_each(pipeline, ctx, values, inputs, filled);
	*filled = 0;
	return HML_OK;
}

/* Not inlined: see apply_each(). */
__attribute__((noinline)) static HmlStatus
refuse_cast(const HmlPipeline *pipeline, HmlContext *ctx, const double *inputs, size_t n)
{
	for (size_t i = 0; i < n * pipeline->n_inputs; i++)
		for (size_t f = 0; f < pipeline->n_features && !isfinite((float) inputs[i]); f++)
		{
			const HmlFeature *feature = &pipeline->features[f];
			size_t input = i % pipeline->n_inputs;

			if (input >= feature->first_input && input - feature->first_input < feature->n_inputs)
				return hml_fail(
					ctx, HML_INVALID_DATA,
					"a value of feature \"%s\" is too large for the network: %.3g after scaling (limit %.3g)",
					feature->column.name, inputs[i], (double) FLT_MAX);
		}
	return hml_fail(ctx, HML_INTERNAL, "inputs that are finite do not fit float32");
}

HmlStatus
hml_pipeline_cast(const HmlPipeline *pipeline, HmlContext *ctx, const double *inputs, size_t n, float *out)
{
	bool fits = true;

	for (size_t i = 0; i < n * pipeline->n_inputs; i++)
	{
		out[i] = (float) inputs[i];
		fits &= fabsf(out[i]) <= FLT_MAX;
	}
	return fits ? HML_OK : refuse_cast(pipeline, ctx, inputs, n);
}

double
hml_pipeline_missing_share(const HmlPipeline *pipeline, const double *values)
{
	double missing = 0.0;
	double total = 0.0;

	for (size_t i = 0; i < pipeline->n_features; i++)
	{
		double share = pipeline->features[i].missing_share;
		double weight = share >= 0.0 ? 1.0 - share : 1.0;

		total += weight;
		if (isnan(values[i]))
			missing += weight;
	}
	return total > 0.0 ? missing / total : 0.0;
}

/* Code in the pipeline of a code in the frame. */
static double
translate(const HmlPipeline *pipeline, const HmlFrame *frame, size_t feature, double code)
{
	const char *text;

	if (isnan(code))
		return code;
	text = frame->columns[feature].categories.texts[(size_t) code];
	return hml_pipeline_category(pipeline, feature, text, strlen(text));
}

HmlStatus
hml_pipeline_apply_frame(const HmlPipeline *pipeline, HmlContext *ctx, const HmlFrame *frame,
						 const uint32_t *rows, size_t n_rows, double *inputs)
{
	double values[HML_MAX_FEATURES];

	if (frame->n_columns != pipeline->n_features)
		return hml_fail(ctx, HML_INTERNAL, "%zu columns for a model of %zu features", frame->n_columns,
						pipeline->n_features);
	for (size_t r = 0; r < n_rows; r++)
	{
		const double *row = hml_frame_row(frame, rows != NULL ? rows[r] : r);

		for (size_t i = 0; i < frame->n_columns && !pipeline->identity; i++)
			values[i] = frame->columns[i].kind == HML_COLUMN_CATEGORY ? translate(pipeline, frame, i, row[i])
																	  : row[i];
		HML_TRY(hml_pipeline_apply(pipeline, ctx, pipeline->identity ? row : values,
								   inputs + r * pipeline->n_inputs, NULL));
		if (r % 1024 == 1023)
			HML_TRY(hml_poll(ctx));
	}
	return HML_OK;
}

int
hml_pipeline_find(const HmlPipeline *pipeline, const char *name)
{
	for (size_t i = 0; i < pipeline->n_features; i++)
		if (strcmp(pipeline->features[i].column.name, name) == 0)
			return (int) i;
	return -1;
}

double
hml_pipeline_category(const HmlPipeline *pipeline, size_t feature, const char *text, size_t length)
{
	const HmlCategories *categories = &pipeline->features[feature].column.categories;
	size_t low = 0;
	size_t high = categories->count;

	while (low < high)
	{
		size_t middle = low + (high - low) / 2;
		int order = strncmp(categories->texts[middle], text, length);

		if (order == 0 && categories->texts[middle][length] == '\0')
			return (double) middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NAN;
}

HmlStatus
hml_pipeline_lay_out(HmlPipeline *pipeline, HmlContext *ctx)
{
	pipeline->n_inputs = 0;
	pipeline->identity = true;
	for (size_t i = 0; i < pipeline->n_features; i++)
	{
		HmlFeature *feature = &pipeline->features[i];
		bool category = feature->column.kind == HML_COLUMN_CATEGORY;

		feature->first_input = pipeline->n_inputs;
		feature->n_inputs =
			category && pipeline->encoding == HML_ENCODE_ONEHOT ? feature->column.categories.count : 1;
		pipeline->n_inputs += feature->n_inputs;
		if (category || feature->offset != 0.0 || feature->scale != 1.0)
			pipeline->identity = false;
	}
	if (pipeline->n_inputs <= HML_MAX_INPUTS)
		return HML_OK;
	hml_fail(ctx, HML_LIMIT, "too many inputs of the model: %zu (limit %d)", pipeline->n_inputs,
			 HML_MAX_INPUTS);
	return hml_hint(ctx, "Each category of a text column is an input of its own; set \"encode\" to "
						 "\"ordinal\", or leave out columns with many categories.");
}

HmlStatus
hml_pipeline_plain(HmlArena *arena, const char *const *names, size_t n_features, HmlPipeline **out)
{
	HmlPipeline *pipeline;

	HML_TRY(HML_ARENA_NEW_ZERO(arena, &pipeline, 1));
	HML_TRY(HML_ARENA_NEW_ZERO(arena, &pipeline->features, n_features));
	pipeline->imputation = HML_IMPUTE_ERROR;
	pipeline->scaling = HML_SCALE_NONE;
	pipeline->encoding = HML_ENCODE_ONEHOT;
	pipeline->n_features = n_features;
	for (size_t i = 0; i < n_features; i++)
	{
		HmlFeature *feature = &pipeline->features[i];
		char *name;

		HML_TRY(hml_arena_strdup(arena, names[i], strlen(names[i]), &name));
		feature->column.name = name;
		feature->column.kind = HML_COLUMN_NUMERIC;
		feature->fill = NAN;
		feature->scale = 1.0;
		feature->missing_share = NAN;
		feature->mean = feature->sd = feature->min = feature->p05 = feature->p25 = NAN;
		feature->median = feature->p75 = feature->p95 = feature->max = NAN;
	}
	*out = pipeline;
	return hml_pipeline_lay_out(pipeline, hml_arena_context(arena));
}

/* The numbers of a feature, in the order of the format. */
static const size_t number_offsets[] = {offsetof(HmlFeature, fill),  offsetof(HmlFeature, offset),
										offsetof(HmlFeature, scale), offsetof(HmlFeature, missing_share),
										offsetof(HmlFeature, mean),  offsetof(HmlFeature, sd),
										offsetof(HmlFeature, min),   offsetof(HmlFeature, p05),
										offsetof(HmlFeature, p25),   offsetof(HmlFeature, median),
										offsetof(HmlFeature, p75),   offsetof(HmlFeature, p95),
										offsetof(HmlFeature, max)};

#define N_NUMBERS (sizeof(number_offsets) / sizeof(*number_offsets))
#define LEAST_FEATURE_BYTES (4 + 1 + 8 * N_NUMBERS)
#define LEAST_CATEGORY_BYTES (4 + 8)

static void
write_categories(const HmlFeature *feature, HmlWriter *writer)
{
	const HmlCategories *categories = &feature->column.categories;

	hml_write_u32(writer, (uint32_t) categories->count);
	for (size_t i = 0; i < categories->count; i++)
	{
		hml_write_text(writer, categories->texts[i], strlen(categories->texts[i]));
		hml_write_f64(writer, feature->shares[i]);
	}
}

static void
write_feature(const HmlFeature *feature, HmlWriter *writer)
{
	hml_write_text(writer, feature->column.name, strlen(feature->column.name));
	hml_write_u8(writer, (uint8_t) feature->column.kind);
	for (size_t i = 0; i < N_NUMBERS; i++)
	{
		double number;

		memcpy(&number, (const char *) feature + number_offsets[i], sizeof(number));
		hml_write_f64(writer, number);
	}
	if (feature->column.kind == HML_COLUMN_CATEGORY)
		write_categories(feature, writer);
}

void
hml_pipeline_write(const HmlPipeline *pipeline, HmlWriter *writer)
{
	hml_write_u8(writer, (uint8_t) pipeline->imputation);
	hml_write_u8(writer, (uint8_t) pipeline->scaling);
	hml_write_u8(writer, (uint8_t) pipeline->encoding);
	hml_write_u32(writer, (uint32_t) pipeline->n_features);
	for (size_t i = 0; i < pipeline->n_features; i++)
		write_feature(&pipeline->features[i], writer);
}

static HmlStatus
read_categories(HmlArena *arena, HmlReader *reader, HmlFeature *feature)
{
	HmlCategories *categories = &feature->column.categories;

	HML_TRY(hml_read_count(reader, LEAST_CATEGORY_BYTES, HML_MAX_CATEGORIES, &categories->count));
	HML_TRY(HML_ARENA_NEW(arena, &categories->texts, categories->count));
	HML_TRY(HML_ARENA_NEW(arena, &feature->shares, categories->count));
	for (size_t i = 0; i < categories->count; i++)
	{
		HML_TRY(hml_read_text_copy(arena, reader, &categories->texts[i]));
		HML_TRY(hml_read_f64(reader, &feature->shares[i]));
		if (i > 0 && strcmp(categories->texts[i - 1], categories->texts[i]) >= 0)
			return hml_fail(reader->ctx, HML_CORRUPT, "%s has categories that are not in order",
							reader->what);
	}
	return HML_OK;
}

/* What applying relies on; the statistics are only quoted. */
static HmlStatus
check_feature(const HmlPipeline *pipeline, const HmlFeature *feature, const HmlReader *reader)
{
	bool category = feature->column.kind == HML_COLUMN_CATEGORY;
	bool filled = isnan(feature->fill) ? pipeline->imputation == HML_IMPUTE_ERROR : !isinf(feature->fill);
	bool fill_is_code = !category || isnan(feature->fill) ||
						(feature->fill >= 0 && feature->fill < (double) feature->column.categories.count &&
						 feature->fill == floor(feature->fill));

	if (filled && fill_is_code && isfinite(feature->offset) && isfinite(feature->scale) &&
		(!category || feature->column.categories.count > 0))
		return HML_OK;
	return hml_fail(reader->ctx, HML_CORRUPT, "%s has numbers that make no sense for feature %zu",
					reader->what, (size_t) (feature - pipeline->features) + 1);
}

static HmlStatus
read_feature(HmlArena *arena, HmlReader *reader, const HmlPipeline *pipeline, HmlFeature *feature)
{
	uint8_t kind;

	HML_TRY(hml_read_text_copy(arena, reader, &feature->column.name));
	HML_TRY(hml_read_u8(reader, &kind));
	if (kind < HML_COLUMN_NUMERIC || kind > HML_COLUMN_CATEGORY)
		return hml_fail(reader->ctx, HML_CORRUPT, "%s has a feature of the unknown kind %u", reader->what,
						kind);
	feature->column.kind = (HmlColumnKind) kind;
	for (size_t i = 0; i < N_NUMBERS; i++)
	{
		double number;

		HML_TRY(hml_read_f64(reader, &number));
		memcpy((char *) feature + number_offsets[i], &number, sizeof(number));
	}
	if (feature->column.kind == HML_COLUMN_CATEGORY)
		HML_TRY(read_categories(arena, reader, feature));
	return check_feature(pipeline, feature, reader);
}

static HmlStatus
read_choice(HmlReader *reader, const char *name, uint8_t most, uint8_t *out)
{
	HML_TRY(hml_read_u8(reader, out));
	if (*out < 1 || *out > most)
		return hml_fail(reader->ctx, HML_CORRUPT, "%s has the unknown %s %u", reader->what, name, *out);
	return HML_OK;
}

/* Names are few, but not so few that each is compared with each. */
static HmlStatus
check_names(HmlPipeline *pipeline, const HmlReader *reader)
{
	const char *names[HML_MAX_FEATURES];

	for (size_t i = 0; i < pipeline->n_features; i++)
		names[i] = pipeline->features[i].column.name;
	hml_sort_texts(names, pipeline->n_features);
	for (size_t i = 1; i < pipeline->n_features; i++)
		if (strcmp(names[i - 1], names[i]) == 0)
			return hml_fail(reader->ctx, HML_CORRUPT, "%s has two features of one name", reader->what);
	return HML_OK;
}

HmlStatus
hml_pipeline_read(HmlArena *arena, HmlReader *reader, HmlPipeline **out)
{
	HmlPipeline *pipeline;
	uint8_t imputation;
	uint8_t scaling;
	uint8_t encoding;

	HML_TRY(HML_ARENA_NEW_ZERO(arena, &pipeline, 1));
	HML_TRY(read_choice(reader, "imputation", HML_IMPUTE_ERROR, &imputation));
	HML_TRY(read_choice(reader, "scaling", HML_SCALE_MINMAX, &scaling));
	HML_TRY(read_choice(reader, "encoding", HML_ENCODE_ORDINAL, &encoding));
	pipeline->imputation = (HmlImputation) imputation;
	pipeline->scaling = (HmlScaling) scaling;
	pipeline->encoding = (HmlEncoding) encoding;
	HML_TRY(hml_read_count(reader, LEAST_FEATURE_BYTES, HML_MAX_FEATURES, &pipeline->n_features));
	HML_TRY(HML_ARENA_NEW_ZERO(arena, &pipeline->features, pipeline->n_features));
	for (size_t i = 0; i < pipeline->n_features; i++)
		HML_TRY(read_feature(arena, reader, pipeline, &pipeline->features[i]));
	HML_TRY(check_names(pipeline, reader));
	HML_TRY(hml_pipeline_lay_out(pipeline, reader->ctx));
	*out = pipeline;
	return HML_OK;
}
