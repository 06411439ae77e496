/*
 * summary.c
 *	  Summaries of columns: learning, combining, and the pipeline they give.
 *
 * Bytes: u32 number of features, i64 rows, then for each feature and the target
 * its name, u8 kind, i64 values, f64 mean, f64 squares; for a number or boolean the
 * quantiles; for a category a count and each text with its i64 rows.  Not part of
 * any artifact: only servers of one version talk in it.
 */
#include "core/federated/summary.h"

#include <math.h>
#include <string.h>

#include "core/base/sort.h"
#include "core/model/calibration.h"
#include "core/stats/quantile.h"
#include "core/federated/numbers.h"

#define QUANTILE_STEP 0.05
#define BISECTIONS 60 /* halvings: more than a double's bits over any sensible range */
#define LEAST_FEATURE_BYTES (4 + 1 + 3 * 8)
#define LEAST_CATEGORY_BYTES (4 + 8)

/* ---- learning ---- */

static HmlStatus
gather(HmlContext *ctx, const HmlFrame *frame, const HmlColumn *column, double *values, size_t *n_values)
{
	const double *cells = column == hml_frame_column(frame, HML_ROLE_TARGET)
							  ? hml_frame_values(frame, HML_ROLE_TARGET)
							  : frame->values + (column - frame->columns);
	size_t stride = column == hml_frame_column(frame, HML_ROLE_TARGET) ? 1 : frame->n_columns;

	*n_values = 0;
	for (size_t row = 0; row < frame->n_rows; row++)
	{
		double value = cells[row * stride];

		if (row % 65536 == 0)
			HML_TRY(hml_poll(ctx));
		if (isinf(value))
			return hml_fail(ctx, HML_INVALID_DATA, "column \"%s\" has an infinite value", column->name);
		values[*n_values] = value;
		*n_values += !isnan(value);
	}
	return HML_OK;
}

static HmlStatus
summarise_numbers(HmlContext *ctx, double *values, size_t n, HmlFeatureSummary *summary)
{
	double sum = 0.0;

	HML_TRY(hml_sort_doubles(ctx, values, n));
	for (size_t i = 0; i < n; i++)
		sum += values[i];
	summary->mean = n > 0 ? sum / (double) n : 0.0;
	for (size_t i = 0; i < n; i++)
		summary->squares += (values[i] - summary->mean) * (values[i] - summary->mean);
	for (int q = 0; q < HML_SUMMARY_QUANTILES; q++)
		summary->quantiles[q] = n > 0 ? hml_quantile(values, n, QUANTILE_STEP * (q + 1)) : 0.0;
	return HML_OK;
}

/* Counts of the frame's categories, in the order of their texts, rare ones dropped. */
static HmlStatus
summarise_categories(HmlArena *arena, const HmlCategories *known, const int64_t *rows_of,
					 HmlFeatureSummary *summary)
{
	HmlCategories *kept = &summary->column.categories;

	HML_TRY(HML_ARENA_NEW(arena, &kept->texts, known->count));
	HML_TRY(HML_ARENA_NEW_ZERO(arena, &summary->counts, known->count));
	for (size_t code = 0; code < known->count; code++)
	{
		char *text;

		if (rows_of[code] < HML_SUMMARY_MIN_CATEGORY)
			continue;
		HML_TRY(hml_arena_strdup(arena, known->texts[code], strlen(known->texts[code]), &text));
		kept->texts[kept->count++] = text;
	}
	hml_sort_texts(kept->texts, kept->count);
	return HML_OK;
}

static size_t
find_text(const HmlCategories *categories, const char *text)
{
	size_t code = 0;

	while (code < categories->count && strcmp(categories->texts[code], text) != 0)
		code++;
	return code;
}

static HmlStatus
count_categories(HmlArena *arena, const HmlColumn *column, const double *values, size_t n,
				 HmlFeatureSummary *summary)
{
	const HmlCategories *known = &column->categories;
	HmlContext *ctx = hml_arena_context(arena);
	int64_t *rows_of;
	HmlStatus status;

	HML_TRY(HML_NEW_ZERO(ctx, &rows_of, known->count));
	for (size_t i = 0; i < n; i++)
		rows_of[(size_t) values[i]]++;
	status = summarise_categories(arena, known, rows_of, summary);
	summary->n_values = 0;
	for (size_t code = 0; status == HML_OK && code < known->count; code++)
	{
		size_t kept = find_text(&summary->column.categories, known->texts[code]);

		if (kept == summary->column.categories.count)
			continue;
		summary->counts[kept] = rows_of[code];
		summary->n_values += rows_of[code];
	}
	hml_free(ctx, rows_of);
	return status;
}

static HmlStatus
summarise_column(HmlArena *arena, const HmlFrame *frame, const HmlColumn *column, double *values,
				 HmlFeatureSummary *summary)
{
	HmlContext *ctx = hml_arena_context(arena);
	char *name;
	size_t n;

	HML_TRY(hml_arena_strdup(arena, column->name, strlen(column->name), &name));
	summary->column.name = name;
	summary->column.kind = column->kind;
	HML_TRY(gather(ctx, frame, column, values, &n));
	summary->n_values = (int64_t) n;
	if (column->kind == HML_COLUMN_CATEGORY)
		return count_categories(arena, column, values, n, summary);
	return summarise_numbers(ctx, values, n, summary);
}

static HmlStatus
summarise_target(HmlArena *arena, const HmlFrame *frame, double *values, HmlFeatureSummary *summary)
{
	bool is_boolean = hml_frame_column(frame, HML_ROLE_TARGET)->kind == HML_COLUMN_NUMERIC;

	HML_TRY(summarise_column(arena, frame, hml_frame_column(frame, HML_ROLE_TARGET), values, summary));
	for (int64_t i = 0; is_boolean && i < summary->n_values; i++)
		is_boolean = values[i] == 0.0 || values[i] == 1.0;
	if (is_boolean)
		summary->column.kind = HML_COLUMN_BOOLEAN;
	return HML_OK;
}

static HmlStatus
make_summary(HmlArena *arena, size_t n_features, HmlSummary **out)
{
	HML_TRY(HML_ARENA_NEW_ZERO(arena, out, 1));
	(*out)->n_features = n_features;
	(*out)->target.column.name = "";
	(*out)->target.column.kind = HML_COLUMN_NUMERIC;
	return HML_ARENA_NEW_ZERO(arena, &(*out)->features, n_features);
}

HmlStatus
hml_summary_fit(HmlArena *arena, const HmlFrame *frame, HmlSummary **out)
{
	HmlContext *ctx = hml_arena_context(arena);
	HmlSummary *summary;
	double *values;
	HmlStatus status;

	if (frame->n_rows < HML_SUMMARY_MIN_ROWS)
	{
		hml_fail(ctx, HML_INVALID_DATA, "%zu rows are too few to be summarised", frame->n_rows);
		return hml_detail(ctx, "A summary of fewer than %d rows could reveal single patients.",
						  HML_SUMMARY_MIN_ROWS);
	}
	HML_TRY(make_summary(arena, frame->n_columns, &summary));
	summary->n_rows = frame->rows_seen;
	HML_TRY(HML_NEW(ctx, &values, frame->n_rows));
	status = HML_OK;
	for (size_t i = 0; i < frame->n_columns && status == HML_OK; i++)
		status = summarise_column(arena, frame, &frame->columns[i], values, &summary->features[i]);
	if (status == HML_OK && hml_frame_has(frame, HML_ROLE_TARGET))
		status = summarise_target(arena, frame, values, &summary->target);
	hml_free(ctx, values);
	*out = summary;
	return status;
}

/* ---- combining ---- */

/* Feature i, or the target for i = n_features. */
static const HmlFeatureSummary *
column_of(const HmlSummary *summary, size_t i)
{
	return i < summary->n_features ? &summary->features[i] : &summary->target;
}

static HmlStatus
check_same_columns(HmlContext *ctx, const HmlSummary *first, const HmlSummary *other)
{
	if (first->n_features != other->n_features)
		return hml_fail(ctx, HML_INVALID_DATA, "clients differ in their number of features: %zu and %zu",
						first->n_features, other->n_features);
	for (size_t i = 0; i < first->n_features; i++)
	{
		const HmlColumn *a = &first->features[i].column;
		const HmlColumn *b = &other->features[i].column;

		if (strcmp(a->name, b->name) != 0)
			return hml_fail(ctx, HML_INVALID_DATA, "clients differ in feature %zu: \"%s\" and \"%s\"", i + 1,
							a->name, b->name);
		if ((a->kind == HML_COLUMN_CATEGORY) != (b->kind == HML_COLUMN_CATEGORY))
			return hml_fail(ctx, HML_INVALID_DATA,
							"feature \"%s\" is a number at one client and text at another", a->name);
	}
	if ((first->target.column.kind == HML_COLUMN_CATEGORY) !=
		(other->target.column.kind == HML_COLUMN_CATEGORY))
		return hml_fail(ctx, HML_INVALID_DATA, "the target is a number at one client and text at another");
	return HML_OK;
}

static void
add_moments(HmlFeatureSummary *into, const HmlFeatureSummary *from)
{
	double n = (double) into->n_values;
	double m = (double) from->n_values;
	double delta = from->mean - into->mean;

	into->n_values += from->n_values;
	if (into->column.kind == HML_COLUMN_CATEGORY || from->n_values == 0)
		return;
	into->mean += delta * m / (n + m);
	into->squares += from->squares + delta * delta * n * m / (n + m);
	if (from->column.kind == HML_COLUMN_NUMERIC)
		into->column.kind = HML_COLUMN_NUMERIC;
}

/* Share of a client's values up to x, its distribution linear between its quantiles. */
static double
share_below(const HmlFeatureSummary *summary, double x)
{
	const double *q = summary->quantiles;
	int i = 0;

	if (x < q[0])
		return 0.0;
	while (i < HML_SUMMARY_QUANTILES - 1 && x >= q[i + 1])
		i++;
	if (i == HML_SUMMARY_QUANTILES - 1)
		return 1.0;
	return QUANTILE_STEP * (i + 1 + (x - q[i]) / (q[i + 1] - q[i]));
}

static double
mixture_quantile(const HmlSummary *const *summaries, size_t n_summaries, size_t feature, double share)
{
	double low = INFINITY;
	double high = -INFINITY;
	double total = 0.0;

	for (size_t s = 0; s < n_summaries; s++)
	{
		const HmlFeatureSummary *f = column_of(summaries[s], feature);

		if (f->n_values == 0)
			continue;
		low = fmin(low, f->quantiles[0]);
		high = fmax(high, f->quantiles[HML_SUMMARY_QUANTILES - 1]);
		total += (double) f->n_values;
	}
	for (int i = 0; i < BISECTIONS && low < high; i++)
	{
		double middle = low + (high - low) / 2.0;
		double below = 0.0;

		for (size_t s = 0; s < n_summaries; s++)
		{
			const HmlFeatureSummary *f = column_of(summaries[s], feature);

			if (f->n_values > 0)
				below += (double) f->n_values * share_below(f, middle);
		}
		if (below < share * total)
			low = middle;
		else
			high = middle;
	}
	return total > 0.0 ? high : 0.0;
}

/* The union of the clients' categories, sorted, with the sum of their rows. */
static HmlStatus
combine_categories(HmlArena *arena, const HmlSummary *const *summaries, size_t n_summaries, size_t feature,
				   HmlFeatureSummary *out)
{
	HmlCategories *all = &out->column.categories;
	size_t most = 0;

	for (size_t s = 0; s < n_summaries; s++)
		most += column_of(summaries[s], feature)->column.categories.count;
	HML_TRY(HML_ARENA_NEW(arena, &all->texts, most));
	HML_TRY(HML_ARENA_NEW_ZERO(arena, &out->counts, most));
	all->count = 0;
	for (size_t s = 0; s < n_summaries; s++)
	{
		const HmlCategories *own = &column_of(summaries[s], feature)->column.categories;

		for (size_t code = 0; code < own->count; code++)
			if (find_text(all, own->texts[code]) == all->count)
				all->texts[all->count++] = own->texts[code];
	}
	hml_sort_texts(all->texts, all->count);
	for (size_t s = 0; s < n_summaries; s++)
	{
		const HmlFeatureSummary *own = column_of(summaries[s], feature);

		for (size_t code = 0; code < own->column.categories.count; code++)
			out->counts[find_text(all, own->column.categories.texts[code])] += own->counts[code];
	}
	return HML_OK;
}

static HmlStatus
combine_feature(HmlArena *arena, const HmlSummary *const *summaries, size_t n_summaries, size_t feature,
				HmlFeatureSummary *out)
{
	*out = *column_of(summaries[0], feature);
	for (size_t s = 1; s < n_summaries; s++)
		add_moments(out, column_of(summaries[s], feature));
	if (out->column.kind == HML_COLUMN_CATEGORY)
		return combine_categories(arena, summaries, n_summaries, feature, out);
	for (int q = 0; q < HML_SUMMARY_QUANTILES; q++)
		out->quantiles[q] = mixture_quantile(summaries, n_summaries, feature, QUANTILE_STEP * (q + 1));
	return HML_OK;
}

HmlStatus
hml_summary_combine(HmlArena *arena, const HmlSummary *const *summaries, size_t n_summaries, HmlSummary **out)
{
	HmlContext *ctx = hml_arena_context(arena);
	HmlSummary *combined;

	if (n_summaries == 0)
		return hml_fail(ctx, HML_INVALID_DATA, "there is no client to summarise");
	for (size_t s = 1; s < n_summaries; s++)
		HML_TRY(check_same_columns(ctx, summaries[0], summaries[s]));
	HML_TRY(make_summary(arena, summaries[0]->n_features, &combined));
	for (size_t s = 0; s < n_summaries; s++)
		combined->n_rows += summaries[s]->n_rows;
	for (size_t i = 0; i < combined->n_features; i++)
	{
		HML_TRY(hml_poll(ctx));
		HML_TRY(combine_feature(arena, summaries, n_summaries, i, &combined->features[i]));
	}
	HML_TRY(combine_feature(arena, summaries, n_summaries, combined->n_features, &combined->target));
	*out = combined;
	return HML_OK;
}

/* ---- the pipeline ---- */

static HmlStatus
check_usable(HmlContext *ctx, const HmlFeatureSummary *summary)
{
	if (summary->n_values > 0)
		return HML_OK;
	hml_fail(ctx, HML_INVALID_DATA, "feature \"%s\" has no value at any client", summary->column.name);
	return hml_hint(ctx, "Leave it out of the features of the federation.");
}

static HmlStatus
use_shares(HmlArena *arena, const HmlFeatureSummary *summary, HmlFeature *feature)
{
	size_t n = summary->column.categories.count;

	HML_TRY(HML_ARENA_NEW(arena, &feature->shares, n));
	for (size_t code = 0; code < n; code++)
		feature->shares[code] = (double) summary->counts[code] / (double) summary->n_values;
	return HML_OK;
}

/* What would be extreme values are the 5th and 95th percentile. */
static void
use_quantiles(const HmlFeatureSummary *summary, HmlFeature *feature)
{
	const double *q = summary->quantiles;

	feature->mean = summary->mean;
	feature->sd = sqrt(summary->squares / (double) summary->n_values);
	feature->min = feature->p05 = q[0];
	feature->p25 = q[4];
	feature->median = q[9];
	feature->p75 = q[14];
	feature->p95 = feature->max = q[HML_SUMMARY_QUANTILES - 1];
}

HmlStatus
hml_summary_pipeline(HmlArena *arena, const HmlSummary *summary, const HmlParams *params,
					 HmlScaling default_scaling, HmlPipeline **out)
{
	HmlContext *ctx = hml_arena_context(arena);
	HmlPipeline *pipeline;

	HML_TRY(hml_pipeline_create(arena, summary->n_features, params, default_scaling, &pipeline));
	if (pipeline->scaling == HML_SCALE_MINMAX)
	{
		hml_fail(ctx, HML_UNSUPPORTED, "scaling \"minmax\" is not possible in a federation");
		hml_detail(ctx, "It would need the smallest and largest values, which belong to single patients.");
		return hml_hint(ctx, "Use \"standard\" or \"robust\".");
	}
	for (size_t i = 0; i < summary->n_features; i++)
	{
		const HmlFeatureSummary *from = &summary->features[i];
		HmlFeature *feature = &pipeline->features[i];

		HML_TRY(check_usable(ctx, from));
		feature->column = from->column;
		feature->missing_share = 1.0 - (double) from->n_values / (double) summary->n_rows;
		if (from->column.kind == HML_COLUMN_CATEGORY)
			HML_TRY(use_shares(arena, from, feature));
		use_quantiles(from, feature);
		hml_pipeline_settle(pipeline, feature, params);
	}
	*out = pipeline;
	return hml_pipeline_lay_out(pipeline, ctx);
}

/* ---- bytes ---- */

static void
write_column(const HmlFeatureSummary *f, HmlWriter *writer)
{
	const HmlCategories *categories = &f->column.categories;

	hml_write_text(writer, f->column.name, strlen(f->column.name));
	hml_write_u8(writer, (uint8_t) f->column.kind);
	hml_write_u64(writer, (uint64_t) f->n_values);
	hml_write_f64(writer, f->mean);
	hml_write_f64(writer, f->squares);
	if (f->column.kind != HML_COLUMN_CATEGORY)
	{
		hml_write_f64_array(writer, f->quantiles, HML_SUMMARY_QUANTILES);
		return;
	}
	hml_write_u32(writer, (uint32_t) categories->count);
	for (size_t code = 0; code < categories->count; code++)
	{
		hml_write_text(writer, categories->texts[code], strlen(categories->texts[code]));
		hml_write_u64(writer, (uint64_t) f->counts[code]);
	}
}

void
hml_summary_write(const HmlSummary *summary, HmlWriter *writer)
{
	hml_write_u32(writer, (uint32_t) summary->n_features);
	hml_write_u64(writer, (uint64_t) summary->n_rows);
	for (size_t i = 0; i < summary->n_features; i++)
		write_column(&summary->features[i], writer);
	write_column(&summary->target, writer);
}

static HmlStatus
read_quantiles(HmlReader *reader, HmlFeatureSummary *f)
{
	bool ascending = true;

	HML_TRY(hml_read_f64_array(reader, f->quantiles, HML_SUMMARY_QUANTILES));
	for (int q = 0; q < HML_SUMMARY_QUANTILES; q++)
		ascending &= isfinite(f->quantiles[q]) && (q == 0 || f->quantiles[q - 1] <= f->quantiles[q]);
	return ascending ? HML_OK : hml_fed_implausible(reader);
}

static HmlStatus
read_categories(HmlArena *arena, HmlReader *reader, HmlFeatureSummary *f)
{
	HmlCategories *categories = &f->column.categories;
	int64_t left = f->n_values;

	HML_TRY(hml_read_count(reader, LEAST_CATEGORY_BYTES, HML_MAX_CATEGORIES, &categories->count));
	HML_TRY(HML_ARENA_NEW(arena, &categories->texts, categories->count));
	HML_TRY(HML_ARENA_NEW(arena, &f->counts, categories->count));
	for (size_t code = 0; code < categories->count; code++)
	{
		HML_TRY(hml_read_text_copy(arena, reader, &categories->texts[code]));
		HML_TRY(hml_fed_read_rows(reader, left, &f->counts[code]));
		left -= f->counts[code];
		if (code > 0 && strcmp(categories->texts[code - 1], categories->texts[code]) >= 0)
			return hml_fed_implausible(reader);
	}
	return HML_OK;
}

static HmlStatus
read_column(HmlArena *arena, HmlReader *reader, int64_t n_rows, HmlFeatureSummary *f)
{
	uint8_t kind;

	HML_TRY(hml_read_text_copy(arena, reader, &f->column.name));
	HML_TRY(hml_read_u8(reader, &kind));
	if (kind < HML_COLUMN_NUMERIC || kind > HML_COLUMN_CATEGORY)
		return hml_fed_implausible(reader);
	f->column.kind = (HmlColumnKind) kind;
	HML_TRY(hml_fed_read_rows(reader, n_rows, &f->n_values));
	HML_TRY(hml_read_f64(reader, &f->mean));
	HML_TRY(hml_read_f64(reader, &f->squares));
	if (!isfinite(f->mean) || !isfinite(f->squares) || f->squares < 0.0)
		return hml_fed_implausible(reader);
	return f->column.kind == HML_COLUMN_CATEGORY ? read_categories(arena, reader, f)
												 : read_quantiles(reader, f);
}

HmlStatus
hml_summary_read(HmlArena *arena, HmlReader *reader, HmlSummary **out)
{
	HmlSummary *summary;
	size_t n_features;

	HML_TRY(hml_read_count(reader, LEAST_FEATURE_BYTES, HML_MAX_FEATURES, &n_features));
	HML_TRY(make_summary(arena, n_features, &summary));
	HML_TRY(hml_fed_read_rows(reader, INT64_C(1) << 53, &summary->n_rows));
	for (size_t i = 0; i < n_features; i++)
		HML_TRY(read_column(arena, reader, summary->n_rows, &summary->features[i]));
	HML_TRY(read_column(arena, reader, summary->n_rows, &summary->target));
	*out = summary;
	return hml_read_end(reader);
}
