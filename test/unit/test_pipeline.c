/*
 * test_pipeline.c
 *	  The feature pipeline against scikit-learn (test/golden/make_pipeline.py), at its edges, its
 *	  bytes, and its failures.
 */
#include "unit/support.h"

#include <float.h>

#include "core/data/pipeline.h"

#define TOLERANCE 1e-12
#define N_FEATURES 7
#define MAX_INPUTS 16

static const HmlColumnKind kinds[N_FEATURES] = {HML_COLUMN_NUMERIC, HML_COLUMN_NUMERIC, HML_COLUMN_NUMERIC,
												HML_COLUMN_NUMERIC, HML_COLUMN_BOOLEAN, HML_COLUMN_CATEGORY,
												HML_COLUMN_CATEGORY};
static const HmlParamSpec *const tables[] = {hml_pipeline_params, NULL};

static TestHost host;
static HmlContext ctx;
static HmlArena *arena;

static int
begin(void **state)
{
	(void) state;
	test_host_init(&host, &ctx);
	assert_ok(&ctx, hml_arena_create(&ctx, &arena));
	return 0;
}

static int
end(void **state)
{
	(void) state;
	hml_arena_free(arena);
	test_host_finish(&host, &ctx);
	return 0;
}

static HmlParams *
params_of(const char *json)
{
	const HmlJson *given;
	HmlParams *params;

	assert_ok(&ctx, hml_json_parse(arena, json, strlen(json), &given));
	assert_ok(&ctx, hml_params_parse(arena, "test", tables, given, &params));
	return params;
}

/* A frame of one column per name, "n", "b" or "c" telling its kind. */
static HmlFrame *
new_frame(size_t n, const char *const *names, const HmlColumnKind *column_kinds)
{
	HmlFrame *frame;

	assert_ok(&ctx, hml_frame_create(&ctx, &(HmlFrameSpec){.n_columns = n}, &frame));
	for (size_t i = 0; i < n; i++)
		assert_ok(&ctx, hml_frame_set_column(frame, i, names[i], column_kinds[i]));
	return frame;
}

/* A frame of one column, NULL being a missing text. */
static HmlFrame *
frame_of_texts(const char *const *texts, size_t n)
{
	HmlFrame *frame = new_frame(1, (const char *const[]){"ward"}, (HmlColumnKind[]){HML_COLUMN_CATEGORY});

	for (size_t i = 0; i < n; i++)
	{
		double code = NAN;

		if (texts[i] != NULL)
			assert_ok(&ctx, hml_frame_category(frame, 0, texts[i], strlen(texts[i]), &code));
		assert_ok(&ctx, hml_frame_add(frame, &code, NULL));
	}
	return frame;
}

static HmlFrame *
frame_of_numbers(HmlColumnKind kind, const double *numbers, size_t n)
{
	HmlFrame *frame = new_frame(1, (const char *const[]){"x"}, &kind);

	for (size_t i = 0; i < n; i++)
		assert_ok(&ctx, hml_frame_add(frame, &numbers[i], NULL));
	return frame;
}

static HmlPipeline *
fit(const HmlFrame *frame, const char *json)
{
	HmlPipeline *pipeline = NULL;

	assert_ok(&ctx, hml_pipeline_fit(arena, frame, NULL, 0, params_of(json), HML_SCALE_NONE, &pipeline));
	return pipeline;
}

/* ---- against scikit-learn ---- */

/* The rows of one use as a frame; the frame's columns are the features. */
static HmlFrame *
load_frame(const TestTable *table, const char *use)
{
	HmlFrame *frame = new_frame(N_FEATURES, (const char *const *) table->cells + 1, kinds);

	for (size_t row = 0; row < table->rows; row++)
	{
		double values[N_FEATURES];

		if (strcmp(test_text(table, row, 0), use) != 0)
			continue;
		for (size_t i = 0; i < N_FEATURES; i++)
		{
			const char *text = test_text(table, row, i + 1);

			values[i] = NAN;
			if (kinds[i] != HML_COLUMN_CATEGORY)
				values[i] = test_number(table, row, i + 1);
			else if (*text != '\0')
				assert_ok(&ctx, hml_frame_category(frame, i, text, strlen(text), &values[i]));
		}
		assert_ok(&ctx, hml_frame_add(frame, values, NULL));
	}
	return frame;
}

static void
check_case(const HmlFrame *train, const HmlFrame *rows, const TestTable *expected, const char *name)
{
	char impute[16], scale[16], encode[16], json[128];
	double inputs[MAX_INPUTS * 32];
	HmlPipeline *pipeline;
	size_t compared = 0;

	assert_int_equal(sscanf(name, "%15s %15s %15s", impute, scale, encode), 3);
	snprintf(json, sizeof(json),
			 "{\"impute\": \"%s\", \"impute_value\": 7, \"scale\": \"%s\", \"encode\": \"%s\"}", impute,
			 scale, encode);
	pipeline = fit(train, json);
	assert_true(pipeline->n_inputs <= MAX_INPUTS && rows->n_rows <= 32);
	assert_ok(&ctx, hml_pipeline_apply_frame(pipeline, &ctx, rows, NULL, rows->n_rows, inputs));
	for (size_t row = 0; row < expected->rows; row++)
		if (strcmp(test_text(expected, row, 0), name) == 0)
		{
			size_t at = (size_t) test_number(expected, row, 1) * pipeline->n_inputs +
						(size_t) test_number(expected, row, 2);

			assert_close(inputs[at], test_number(expected, row, 3), TOLERANCE);
			compared++;
		}
	assert_int_equal(compared, rows->n_rows * pipeline->n_inputs);
}

static void
equals_scikit_learn(void **state)
{
	TestTable *rows = test_read_table("test/golden/pipeline_rows.csv");
	TestTable *expected = test_read_table("test/golden/pipeline_inputs.csv");
	HmlFrame *train = load_frame(rows, "fit");
	HmlFrame *others = load_frame(rows, "apply");
	const char *last = "";
	int cases = 0;

	(void) state;
	for (size_t row = 0; row < expected->rows; row++)
	{
		const char *name = test_text(expected, row, 0);

		if (strcmp(name, last) == 0)
			continue;
		check_case(train, others, expected, name);
		last = name;
		cases++;
	}
	assert_int_equal(cases, 6);
	hml_frame_free(train);
	hml_frame_free(others);
	test_free_table(rows);
	test_free_table(expected);
}

static double
statistic_of(const HmlPipeline *pipeline, const char *name, const char *statistic)
{
	static const char prefix[] = "share of ";
	int index = hml_pipeline_find(pipeline, name);
	const HmlFeature *feature;

	assert_true(index >= 0);
	feature = &pipeline->features[index];
	if (strncmp(statistic, prefix, sizeof(prefix) - 1) == 0)
	{
		const char *text = statistic + sizeof(prefix) - 1;

		return feature->shares[(size_t) hml_pipeline_category(pipeline, (size_t) index, text, strlen(text))];
	}
#define STATISTIC(field) \
	if (strcmp(statistic, #field) == 0) \
	return feature->field
	STATISTIC(missing_share);
	STATISTIC(mean);
	STATISTIC(sd);
	STATISTIC(min);
	STATISTIC(p05);
	STATISTIC(p25);
	STATISTIC(median);
	STATISTIC(p75);
	STATISTIC(p95);
	STATISTIC(max);
#undef STATISTIC
	fail_msg("unknown statistic \"%s\"", statistic);
	return NAN;
}

static void
knows_what_is_usual(void **state)
{
	TestTable *rows = test_read_table("test/golden/pipeline_rows.csv");
	TestTable *expected = test_read_table("test/golden/pipeline_statistics.csv");
	HmlFrame *frame = load_frame(rows, "fit");
	HmlPipeline *pipeline = fit(frame, "{}");

	(void) state;
	for (size_t row = 0; row < expected->rows; row++)
		assert_close(statistic_of(pipeline, test_text(expected, row, 0), test_text(expected, row, 1)),
					 test_number(expected, row, 2), TOLERANCE);
	assert_int_equal(hml_pipeline_find(pipeline, "nothing"), -1);
	hml_frame_free(frame);
	test_free_table(rows);
	test_free_table(expected);
}

/* ---- what is learnt ---- */

/* Rows in another order, with other texts seen first: the same codes, the same numbers but for rounding. */
static void
does_not_depend_on_the_order_of_rows(void **state)
{
	TestTable *rows = test_read_table("test/golden/pipeline_rows.csv");
	HmlFrame *frame = load_frame(rows, "fit");
	HmlFrame *turned;
	HmlPipeline *one;
	HmlPipeline *other;

	(void) state;
	for (size_t row = 1; row <= rows->rows / 2; row++)
		for (size_t i = 0; i < rows->columns; i++)
		{
			char **a = &rows->cells[row * rows->columns + i];
			char **b = &rows->cells[(rows->rows + 1 - row) * rows->columns + i];
			char *swap = *a;

			*a = *b;
			*b = swap;
		}
	turned = load_frame(rows, "fit");
	one = fit(frame, "{\"scale\": \"standard\"}");
	other = fit(turned, "{\"scale\": \"standard\"}");
	for (size_t i = 0; i < N_FEATURES; i++)
	{
		const HmlFeature *a = &one->features[i];
		const HmlFeature *b = &other->features[i];

		assert_close(a->offset, b->offset, TOLERANCE);
		assert_close(a->scale, b->scale, TOLERANCE);
		assert_true(a->fill == b->fill && a->p05 == b->p05 && a->median == b->median);
		for (size_t code = 0; code < a->column.categories.count; code++)
		{
			assert_string_equal(a->column.categories.texts[code], b->column.categories.texts[code]);
			assert_true(a->shares[code] == b->shares[code]);
		}
	}
	hml_frame_free(frame);
	hml_frame_free(turned);
	test_free_table(rows);
}

/* Only the rows that are listed count, also for categories. */
static void
learns_from_the_listed_rows(void **state)
{
	HmlFrame *texts = frame_of_texts((const char *const[]){"z", "a", "m", NULL}, 4);
	HmlFrame *numbers = frame_of_numbers(HML_COLUMN_NUMERIC, (double[]){100, 1, 3, 1000}, 4);
	const uint32_t rows[] = {1, 2};
	HmlPipeline *pipeline;

	(void) state;
	assert_ok(&ctx, hml_pipeline_fit(arena, texts, rows, 2, params_of("{}"), HML_SCALE_NONE, &pipeline));
	assert_int_equal(pipeline->features[0].column.categories.count, 2);
	assert_string_equal(pipeline->features[0].column.categories.texts[0], "a");
	assert_string_equal(pipeline->features[0].column.categories.texts[1], "m");
	assert_true(isnan(hml_pipeline_category(pipeline, 0, "z", 1)));
	assert_true(pipeline->features[0].missing_share == 0);
	assert_ok(&ctx, hml_pipeline_fit(arena, numbers, rows, 2, params_of("{}"), HML_SCALE_NONE, &pipeline));
	assert_true(pipeline->features[0].mean == 2 && pipeline->features[0].max == 3);
	hml_frame_free(texts);
	hml_frame_free(numbers);
}

static void
scales_as_the_algorithm_wants_unless_told(void **state)
{
	HmlFrame *frame = frame_of_numbers(HML_COLUMN_NUMERIC, (double[]){1, 3}, 2);
	HmlPipeline *pipeline;

	(void) state;
	assert_ok(&ctx, hml_pipeline_fit(arena, frame, NULL, 0, params_of("{}"), HML_SCALE_MINMAX, &pipeline));
	assert_int_equal(pipeline->scaling, HML_SCALE_MINMAX);
	assert_false(pipeline->identity);
	assert_ok(&ctx, hml_pipeline_fit(arena, frame, NULL, 0, params_of("{\"scale\": \"none\"}"),
									 HML_SCALE_MINMAX, &pipeline));
	assert_int_equal(pipeline->scaling, HML_SCALE_NONE);
	assert_true(pipeline->identity);
	hml_frame_free(frame);
}

/* All scalings leave a constant column at 0, whatever rounding does to its mean. */
static void
survives_constant_columns(void **state)
{
	static const char *const scalings[] = {"standard", "robust", "minmax"};
	double numbers[30];

	(void) state;
	for (int i = 0; i < 30; i++)
		numbers[i] = 0.1;
	for (int i = 0; i < 3; i++)
	{
		HmlFrame *frame = frame_of_numbers(HML_COLUMN_NUMERIC, numbers, 30);
		HmlPipeline *pipeline;
		double input;
		char json[40];

		snprintf(json, sizeof(json), "{\"scale\": \"%s\"}", scalings[i]);
		pipeline = fit(frame, json);
		assert_true(pipeline->features[0].scale == 1 && pipeline->features[0].sd == 0);
		assert_ok(&ctx, hml_pipeline_apply(pipeline, &ctx, &(double){0.1}, &input, NULL));
		assert_true(input == 0);
		assert_ok(&ctx, hml_pipeline_apply(pipeline, &ctx, &(double){2.1}, &input, NULL));
		assert_close(input, 2, TOLERANCE);
		hml_frame_free(frame);
	}
}

static void
learns_from_one_row(void **state)
{
	HmlFrame *frame = frame_of_numbers(HML_COLUMN_NUMERIC, (double[]){5}, 1);
	HmlPipeline *pipeline = fit(frame, "{\"scale\": \"standard\"}");
	const HmlFeature *feature = &pipeline->features[0];

	(void) state;
	assert_true(feature->mean == 5 && feature->sd == 0 && feature->p05 == 5 && feature->p95 == 5);
	hml_frame_free(frame);
}

static double
fill_for(HmlColumnKind kind, const double *numbers, size_t n, const char *json)
{
	HmlFrame *frame = frame_of_numbers(kind, numbers, n);
	double value = fit(frame, json)->features[0].fill;

	hml_frame_free(frame);
	return value;
}

static void
fills_booleans_with_booleans(void **state)
{
	(void) state;
	assert_true(fill_for(HML_COLUMN_BOOLEAN, (double[]){0, 1, NAN, 1}, 4, "{}") == 1);
	assert_true(fill_for(HML_COLUMN_BOOLEAN, (double[]){0, 1, NAN, 0}, 4, "{}") == 0);
	assert_true(fill_for(HML_COLUMN_BOOLEAN, (double[]){1, 0}, 2, "{}") == 0);
	assert_true(fill_for(HML_COLUMN_BOOLEAN, (double[]){1, 0}, 2, "{\"impute\": \"mean\"}") == 0.5);
	assert_true(fill_for(HML_COLUMN_NUMERIC, (double[]){1, 0}, 2, "{}") == 0.5);
}

static void
fills_with_the_most_frequent_category(void **state)
{
	HmlFrame *frame = frame_of_texts((const char *const[]){"c", "b", "b", "a", "a", NULL, "c"}, 7);

	(void) state;
	assert_true(fit(frame, "{}")->features[0].fill == 0);
	assert_true(fit(frame, "{\"impute\": \"constant\", \"impute_value\": 9}")->features[0].fill == 0);
	assert_close(fit(frame, "{}")->features[0].missing_share, 1.0 / 7, TOLERANCE);
	hml_frame_free(frame);
}

/* One category is one input that is 1, so that it differs from a missing one. */
static void
encodes_a_single_category(void **state)
{
	HmlFrame *frame = frame_of_texts((const char *const[]){"only", "only"}, 2);
	HmlPipeline *pipeline = fit(frame, "{}");
	double input;

	(void) state;
	assert_int_equal(pipeline->n_inputs, 1);
	assert_false(pipeline->identity);
	assert_ok(&ctx, hml_pipeline_apply(pipeline, &ctx, &(double){0}, &input, NULL));
	assert_true(input == 1);
	hml_frame_free(frame);
}

static void
finds_categories_by_their_whole_text(void **state)
{
	HmlFrame *frame = frame_of_texts((const char *const[]){"ab", "a", "abc", "", "é"}, 5);
	HmlPipeline *pipeline = fit(frame, "{}");

	(void) state;
	assert_true(hml_pipeline_category(pipeline, 0, "", 0) == 0);
	assert_true(hml_pipeline_category(pipeline, 0, "abc", 1) == 1);
	assert_true(hml_pipeline_category(pipeline, 0, "abc", 2) == 2);
	assert_true(hml_pipeline_category(pipeline, 0, "abc", 3) == 3);
	assert_true(hml_pipeline_category(pipeline, 0, "é", 2) == 4);
	assert_true(isnan(hml_pipeline_category(pipeline, 0, "abcd", 4)));
	assert_true(isnan(hml_pipeline_category(pipeline, 0, "z", 1)));
	hml_frame_free(frame);
}

/* ---- what is refused ---- */

static void
refuses_to_fit(HmlFrame *frame, const char *json, HmlStatus status, const char *message, const char *more)
{
	HmlPipeline *pipeline;

	assert_status(&ctx, hml_pipeline_fit(arena, frame, NULL, 0, params_of(json), HML_SCALE_NONE, &pipeline),
				  status);
	assert_string_equal(ctx.message, message);
	assert_message(&ctx, more);
	hml_frame_free(frame);
}

static void
names_the_column_that_cannot_be_learnt(void **state)
{
	(void) state;
	refuses_to_fit(frame_of_numbers(HML_COLUMN_NUMERIC, (double[]){1, -INFINITY}, 2), "{}", HML_INVALID_DATA,
				   "column \"x\" has the value \"-Infinity\", which cannot be learnt from",
				   "Turn such values into NULL");
	refuses_to_fit(frame_of_numbers(HML_COLUMN_NUMERIC, (double[]){NAN, NAN}, 2), "{}", HML_INVALID_DATA,
				   "column \"x\" has no value in any of the 2 training rows",
				   "set \"impute\" to \"constant\"");
	refuses_to_fit(frame_of_texts((const char *const[]){NULL, NULL}, 2), "{\"impute\": \"constant\"}",
				   HML_INVALID_DATA, "column \"ward\" has no value in any of the 2 training rows",
				   "Leave it out of the features.");
	refuses_to_fit(frame_of_numbers(HML_COLUMN_NUMERIC, (double[]){1, NAN, NAN}, 3),
				   "{\"impute\": \"error\"}", HML_INVALID_DATA, "column \"x\" has missing values",
				   "2 of 3 rows have none, and \"impute\" is \"error\".");
	refuses_to_fit(frame_of_numbers(HML_COLUMN_NUMERIC, (double[]){DBL_MAX, DBL_MAX / 2, DBL_MAX}, 3), "{}",
				   HML_INVALID_DATA, "column \"x\" has values too large to be learnt from", "");
	refuses_to_fit(frame_of_numbers(HML_COLUMN_NUMERIC, NULL, 0), "{}", HML_INVALID_DATA,
				   "there is no row to learn from", "");
}

/* A column without values gets the constant, and its statistics are unknown. */
static void
fills_an_empty_column_with_a_constant(void **state)
{
	HmlFrame *frame = frame_of_numbers(HML_COLUMN_NUMERIC, (double[]){NAN, NAN}, 2);
	HmlPipeline *pipeline =
		fit(frame, "{\"impute\": \"constant\", \"impute_value\": -1, \"scale\": \"standard\"}");
	const HmlFeature *feature = &pipeline->features[0];
	double input;
	size_t filled;

	(void) state;
	assert_true(feature->missing_share == 1 && isnan(feature->mean) && isnan(feature->p95));
	assert_ok(&ctx, hml_pipeline_apply(pipeline, &ctx, &(double){NAN}, &input, &filled));
	assert_true(input == -1 && filled == 1);
	hml_frame_free(frame);
}

static void
refuses_too_many_inputs(void **state)
{
	const char *const names[] = {"a", "b"};
	const HmlColumnKind both[] = {HML_COLUMN_CATEGORY, HML_COLUMN_CATEGORY};
	HmlFrame *frame = new_frame(2, names, both);
	HmlPipeline *pipeline;

	(void) state;
	for (int i = 0; i < HML_MAX_CATEGORIES; i++)
	{
		double codes[2];
		char text[16];
		int length = sprintf(text, "%d", i);

		for (size_t c = 0; c < 2; c++)
			assert_ok(&ctx, hml_frame_category(frame, c, text, (size_t) length, &codes[c]));
		assert_ok(&ctx, hml_frame_add(frame, codes, NULL));
	}
	assert_status(&ctx, hml_pipeline_fit(arena, frame, NULL, 0, params_of("{}"), HML_SCALE_NONE, &pipeline),
				  HML_LIMIT);
	assert_message(&ctx, "too many inputs of the model: 20000 (limit 16384)");
	assert_message(&ctx, "set \"encode\" to \"ordinal\"");
	assert_int_equal(fit(frame, "{\"encode\": \"ordinal\"}")->n_inputs, 2);
	hml_frame_free(frame);
}

static void
refuses_to_apply(const HmlPipeline *pipeline, const double *values, const char *message)
{
	double inputs[MAX_INPUTS];
	size_t filled;

	assert_status(&ctx, hml_pipeline_apply(pipeline, &ctx, values, inputs, &filled), HML_INVALID_DATA);
	assert_string_equal(ctx.message, message);
}

static void
names_the_feature_that_cannot_be_applied(void **state)
{
	HmlFrame *numbers = frame_of_numbers(HML_COLUMN_NUMERIC, (double[]){1, 1 + 1e-10}, 2);
	HmlFrame *texts = frame_of_texts((const char *const[]){"a", "b"}, 2);
	HmlPipeline *plain = fit(numbers, "{}");
	HmlPipeline *scaled = fit(numbers, "{\"scale\": \"minmax\"}");
	HmlPipeline *strict = fit(numbers, "{\"impute\": \"error\"}");
	HmlPipeline *onehot = fit(texts, "{}");
	HmlPipeline *ordinal = fit(texts, "{\"encode\": \"ordinal\"}");

	(void) state;
	refuses_to_apply(plain, (double[]){INFINITY}, "value \"Infinity\" of feature \"x\" is not finite");
	refuses_to_apply(scaled, (double[]){-INFINITY}, "value \"-Infinity\" of feature \"x\" is not finite");
	refuses_to_apply(scaled, (double[]){DBL_MAX},
					 "value \"1.7976931348623157e+308\" of feature \"x\" is too large to be scaled");
	refuses_to_apply(strict, (double[]){NAN}, "feature \"x\" is missing");
	assert_string_equal(ctx.detail, "The model does not fill in missing values.");
	refuses_to_apply(onehot, (double[]){2}, "value \"2\" of feature \"ward\" is not a category code");
	assert_string_equal(ctx.detail, "The feature has 2 categories, whose codes count from 0.");
	refuses_to_apply(onehot, (double[]){-1}, "value \"-1\" of feature \"ward\" is not a category code");
	refuses_to_apply(onehot, (double[]){0.5}, "value \"0.5\" of feature \"ward\" is not a category code");
	refuses_to_apply(ordinal, (double[]){INFINITY},
					 "value \"Infinity\" of feature \"ward\" is not a category code");
	refuses_to_apply(ordinal, (double[]){1e300},
					 "value \"1e+300\" of feature \"ward\" is not a category code");
	hml_frame_free(numbers);
	hml_frame_free(texts);
}

/* ---- the fast path ---- */

static void
copies_plain_rows(void **state)
{
	static const double specials[] = {0.0, -0.0, DBL_MAX, -DBL_MAX, DBL_MIN, 4.9e-324, 1.5};
	const char *const names[] = {"a", "b", "c", "d", "e", "f", "g"};
	double inputs[7];
	size_t filled = 9;
	HmlPipeline *pipeline;

	(void) state;
	assert_ok(&ctx, hml_pipeline_plain(arena, names, 7, &pipeline));
	assert_true(pipeline->identity);
	assert_int_equal(pipeline->n_inputs, 7);
	assert_ok(&ctx, hml_pipeline_apply(pipeline, &ctx, specials, inputs, &filled));
	assert_memory_equal(inputs, specials, sizeof(specials));
	assert_int_equal(filled, 0);
	for (size_t i = 0; i < 7; i++)
	{
		double values[7];

		memcpy(values, specials, sizeof(values));
		values[i] = -NAN;
		assert_status(&ctx, hml_pipeline_apply(pipeline, &ctx, values, inputs, NULL), HML_INVALID_DATA);
		assert_message(&ctx, names[i]);
		values[i] = -INFINITY;
		assert_status(&ctx, hml_pipeline_apply(pipeline, &ctx, values, inputs, NULL), HML_INVALID_DATA);
		assert_message(&ctx, names[i]);
	}
}

static void
counts_what_it_fills(void **state)
{
	const char *const names[] = {"a", "b", "c"};
	const HmlColumnKind three[] = {HML_COLUMN_NUMERIC, HML_COLUMN_BOOLEAN, HML_COLUMN_NUMERIC};
	HmlFrame *frame = new_frame(3, names, three);
	double inputs[3];
	size_t filled;
	HmlPipeline *pipeline;

	(void) state;
	assert_ok(&ctx, hml_frame_add(frame, (double[]){1, 1, 30}, NULL));
	assert_ok(&ctx, hml_frame_add(frame, (double[]){2, 1, 10}, NULL));
	pipeline = fit(frame, "{}");
	assert_true(pipeline->identity);
	assert_ok(&ctx, hml_pipeline_apply(pipeline, &ctx, (double[]){NAN, 0, NAN}, inputs, &filled));
	assert_int_equal(filled, 2);
	assert_true(inputs[0] == 1.5 && inputs[1] == 0 && inputs[2] == 20);
	hml_frame_free(frame);
}

/* ---- bytes ---- */

static HmlPipeline *
golden_pipeline(const char *json)
{
	TestTable *rows = test_read_table("test/golden/pipeline_rows.csv");
	HmlFrame *frame = load_frame(rows, "fit");
	HmlPipeline *pipeline = fit(frame, json);

	hml_frame_free(frame);
	test_free_table(rows);
	return pipeline;
}

static HmlStatus
read_back(const HmlWriter *written, size_t length, HmlPipeline **out)
{
	HmlReader reader;
	HmlStatus status;

	hml_reader_init(&reader, &ctx, written->data, length, "pipeline");
	status = hml_pipeline_read(arena, &reader, out);
	return status != HML_OK ? status : hml_read_end(&reader);
}

static void
reads_what_it_wrote(void **state)
{
	static const char *const cases[] = {"{}", "{\"impute\": \"mean\", \"encode\": \"ordinal\"}",
										"{\"scale\": \"robust\"}"};

	(void) state;
	for (size_t i = 0; i < 3; i++)
	{
		HmlPipeline *pipeline = golden_pipeline(cases[i]);
		HmlPipeline *again;
		HmlWriter bytes, twice;

		hml_writer_init(&bytes, &ctx);
		hml_writer_init(&twice, &ctx);
		hml_pipeline_write(pipeline, &bytes);
		assert_ok(&ctx, read_back(&bytes, bytes.length, &again));
		hml_pipeline_write(again, &twice);
		assert_int_equal(bytes.length, twice.length);
		assert_memory_equal(bytes.data, twice.data, bytes.length);
		assert_int_equal(again->n_inputs, pipeline->n_inputs);
		assert_int_equal(again->identity, pipeline->identity);
		assert_int_equal(again->features[6].first_input, pipeline->features[6].first_input);
		for (size_t length = 0; length < bytes.length; length++)
			assert_status(&ctx, read_back(&bytes, length, &again), HML_CORRUPT);
		hml_writer_free(&bytes);
		hml_writer_free(&twice);
	}
}

/* What a pipeline must not be, made by changing a good one before it is written. */
static void
refuses_bytes_of(HmlPipeline *pipeline, const char *message)
{
	HmlWriter bytes;
	HmlPipeline *again;

	hml_writer_init(&bytes, &ctx);
	hml_pipeline_write(pipeline, &bytes);
	assert_status(&ctx, read_back(&bytes, bytes.length, &again), HML_CORRUPT);
	assert_string_equal(ctx.message, message);
	hml_writer_free(&bytes);
}

#define REFUSES(change, message) \
	do \
	{ \
		HmlPipeline *p = golden_pipeline("{}"); \
		change; \
		refuses_bytes_of(p, message); \
	} while (0)

static void
refuses_pipelines_that_make_no_sense(void **state)
{
	(void) state;
	REFUSES(p->imputation = (HmlImputation) 0, "pipeline has the unknown imputation 0");
	REFUSES(p->scaling = (HmlScaling) 5, "pipeline has the unknown scaling 5");
	REFUSES(p->encoding = (HmlEncoding) 3, "pipeline has the unknown encoding 3");
	REFUSES(p->features[0].column.kind = (HmlColumnKind) 4, "pipeline has a feature of the unknown kind 4");
	REFUSES(p->features[1].column.name = p->features[4].column.name, "pipeline has two features of one name");
	REFUSES(p->features[0].scale = NAN, "pipeline has numbers that make no sense for feature 1");
	REFUSES(p->features[1].offset = INFINITY, "pipeline has numbers that make no sense for feature 2");
	REFUSES(p->features[0].fill = NAN, "pipeline has numbers that make no sense for feature 1");
	REFUSES(p->features[0].fill = INFINITY, "pipeline has numbers that make no sense for feature 1");
	REFUSES(p->features[5].fill = 5, "pipeline has numbers that make no sense for feature 6");
	REFUSES(p->features[5].fill = -1, "pipeline has numbers that make no sense for feature 6");
	REFUSES(p->features[5].fill = 0.5, "pipeline has numbers that make no sense for feature 6");
	REFUSES(p->features[5].column.categories.count = 0,
			"pipeline has numbers that make no sense for feature 6");
	REFUSES(p->features[5].column.categories.texts[1] = p->features[5].column.categories.texts[0],
			"pipeline has categories that are not in order");
}

static HmlStatus
work(HmlContext *context, void *argument)
{
	const HmlFrame *frame = argument;
	double inputs[MAX_INPUTS * 128];
	HmlArena *own;
	HmlParams *params;
	HmlPipeline *pipeline;
	HmlWriter bytes;
	HmlReader reader;
	HmlStatus status = hml_arena_create(context, &own);

	if (status != HML_OK)
		return status;
	hml_writer_init(&bytes, context);
	status = hml_params_parse(own, "test", tables, NULL, &params);
	if (status == HML_OK)
		status = hml_pipeline_fit(own, frame, NULL, 0, params, HML_SCALE_STANDARD, &pipeline);
	if (status == HML_OK)
	{
		hml_pipeline_write(pipeline, &bytes);
		status = hml_writer_finish(&bytes);
	}
	hml_reader_init(&reader, context, bytes.data, bytes.length, "pipeline");
	if (status == HML_OK)
		status = hml_pipeline_read(own, &reader, &pipeline);
	if (status == HML_OK)
		status = hml_pipeline_apply_frame(pipeline, context, frame, NULL, frame->n_rows, inputs);
	hml_writer_free(&bytes);
	hml_arena_free(own);
	return status;
}

static void
survives_failures(void **state)
{
	TestTable *rows = test_read_table("test/golden/pipeline_rows.csv");
	HmlFrame *frame = load_frame(rows, "fit");

	(void) state;
	test_allocation_sweep(work, frame);
	test_cancellation_sweep(work, frame);
	hml_frame_free(frame);
	test_free_table(rows);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(equals_scikit_learn, begin, end),
		cmocka_unit_test_setup_teardown(knows_what_is_usual, begin, end),
		cmocka_unit_test_setup_teardown(does_not_depend_on_the_order_of_rows, begin, end),
		cmocka_unit_test_setup_teardown(learns_from_the_listed_rows, begin, end),
		cmocka_unit_test_setup_teardown(scales_as_the_algorithm_wants_unless_told, begin, end),
		cmocka_unit_test_setup_teardown(survives_constant_columns, begin, end),
		cmocka_unit_test_setup_teardown(learns_from_one_row, begin, end),
		cmocka_unit_test_setup_teardown(fills_booleans_with_booleans, begin, end),
		cmocka_unit_test_setup_teardown(fills_with_the_most_frequent_category, begin, end),
		cmocka_unit_test_setup_teardown(encodes_a_single_category, begin, end),
		cmocka_unit_test_setup_teardown(finds_categories_by_their_whole_text, begin, end),
		cmocka_unit_test_setup_teardown(names_the_column_that_cannot_be_learnt, begin, end),
		cmocka_unit_test_setup_teardown(fills_an_empty_column_with_a_constant, begin, end),
		cmocka_unit_test_setup_teardown(refuses_too_many_inputs, begin, end),
		cmocka_unit_test_setup_teardown(names_the_feature_that_cannot_be_applied, begin, end),
		cmocka_unit_test_setup_teardown(copies_plain_rows, begin, end),
		cmocka_unit_test_setup_teardown(counts_what_it_fills, begin, end),
		cmocka_unit_test_setup_teardown(reads_what_it_wrote, begin, end),
		cmocka_unit_test_setup_teardown(refuses_pipelines_that_make_no_sense, begin, end),
		cmocka_unit_test_setup_teardown(survives_failures, begin, end),
	};

	return cmocka_run_group_tests_name("pipeline", tests, NULL, NULL);
}
