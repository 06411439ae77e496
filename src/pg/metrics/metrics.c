/*
 * metrics.c
 *	  Aggregates over predictions and outcomes.
 *
 * Each aggregate has a state of a type that other processes and other servers
 * can be sent, and a combine function, so that parallel query, partition-wise
 * plans and Citus can split it.  Every state is independent of the order of its
 * rows: a split run gives the same bits as one that is not.
 *
 *	  state				aggregates
 *	  labelled_scores	roc_auc, average_precision, roc_curve
 *	  label_counts		confusion_matrix
 *	  bigint[4]			classification_metrics: tp, fp, tn, fn
 *	  bigint[4]			brier_score, log_loss: rows, and the three words of an HmlExactSum
 *
 * The bigint states can also lose a row, which makes moving window frames cheap.
 */
#include "pg/server/compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "common/int.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "core/base/text.h"
#include "core/stats/metrics.h"

#include "pg/server/aggregate.h"
#include "pg/server/errors.h"
#include "pg/metrics/label_counts.h"
#include "pg/metrics/labelled_scores.h"
#include "pg/server/memory.h"

PG_FUNCTION_INFO_V1(healthml_roc_auc_final);
PG_FUNCTION_INFO_V1(healthml_average_precision_final);
PG_FUNCTION_INFO_V1(healthml_roc_curve_final);
PG_FUNCTION_INFO_V1(healthml_calibration_curve_final);
PG_FUNCTION_INFO_V1(healthml_brier_score_add);
PG_FUNCTION_INFO_V1(healthml_brier_score_remove);
PG_FUNCTION_INFO_V1(healthml_log_loss_add);
PG_FUNCTION_INFO_V1(healthml_log_loss_remove);
PG_FUNCTION_INFO_V1(healthml_loss_merge);
PG_FUNCTION_INFO_V1(healthml_loss_final);
PG_FUNCTION_INFO_V1(healthml_classification_add);
PG_FUNCTION_INFO_V1(healthml_classification_remove);
PG_FUNCTION_INFO_V1(healthml_classification_merge);
PG_FUNCTION_INFO_V1(healthml_classification_metrics_final);
PG_FUNCTION_INFO_V1(healthml_confusion_matrix_final);

static Datum
number_or_null(FunctionCallInfo fcinfo, double number)
{
	if (isnan(number))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(number);
}

/* ---- rankings ---- */

static Datum
ranking_metric(FunctionCallInfo fcinfo, HmlRankingMetric metric)
{
	HmlContext ctx;
	HmlRanking ranking;
	double value;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	healthml_context_init(&ctx, CurrentMemoryContext);
	ranking = healthml_sorted_ranking(fcinfo, &ctx);
	healthml_check(&ctx, metric(&ctx, &ranking, &value));
	return number_or_null(fcinfo, value);
}

Datum
healthml_roc_auc_final(PG_FUNCTION_ARGS)
{
	return ranking_metric(fcinfo, hml_ranking_roc_auc);
}

Datum
healthml_average_precision_final(PG_FUNCTION_ARGS)
{
	return ranking_metric(fcinfo, hml_ranking_average_precision);
}

#define CALIBRATION_BINS 10

/* Probabilities of one class by tenths, which contain their upper end, as in scikit-learn. */
static void
add_to_bins(const double *probabilities, size_t n, double *sums, int64 *counts)
{
	for (size_t i = 0; i < n; i++)
	{
		double p = probabilities[i];
		int bin = 0;

		if (!(p >= 0 && p <= 1))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("probability %g is not between 0 and 1", p)));
		while (bin + 1 < CALIBRATION_BINS && p > (bin + 1) / (double) CALIBRATION_BINS)
			bin++;
		sums[bin] += p;
		counts[bin]++;
	}
}

/* The bins that have rows, as an array of the composite type calibration_point. */
Datum
healthml_calibration_curve_final(PG_FUNCTION_ARGS)
{
	double sums[CALIBRATION_BINS] = {0};
	int64 positives[CALIBRATION_BINS] = {0};
	int64 counts[CALIBRATION_BINS] = {0};
	Datum points[CALIBRATION_BINS];
	int n = 0;
	Oid point_type = get_element_type(get_fn_expr_rettype(fcinfo->flinfo));
	TupleDesc desc;
	HmlContext ctx;
	HmlRanking ranking;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	healthml_context_init(&ctx, CurrentMemoryContext);
	ranking = healthml_sorted_ranking(fcinfo, &ctx);
	add_to_bins(ranking.positives, ranking.n_positives, sums, counts);
	memcpy(positives, counts, sizeof(counts));
	add_to_bins(ranking.negatives, ranking.n_negatives, sums, counts);
	desc = lookup_rowtype_tupdesc(point_type, -1);
	for (int bin = 0; bin < CALIBRATION_BINS; bin++)
	{
		Datum values[] = {Float8GetDatum(sums[bin] / (double) counts[bin]),
						  Float8GetDatum((double) positives[bin] / (double) counts[bin]),
						  Int64GetDatum(counts[bin])};
		bool nulls[lengthof(values)] = {false};

		if (counts[bin] > 0)
			points[n++] = HeapTupleGetDatum(heap_form_tuple(desc, values, nulls));
	}
	ReleaseTupleDesc(desc);
	if (n == 0)
		PG_RETURN_NULL();
	PG_RETURN_ARRAYTYPE_P(construct_array(points, n, point_type, -1, false, TYPALIGN_DOUBLE));
}

/* The curve as an array of the composite type roc_point. */
static Datum
roc_points(const HmlRocCurve *curve, Oid point_type)
{
	TupleDesc desc = lookup_rowtype_tupdesc(point_type, -1);
	Datum *points = MemoryContextAllocHuge(CurrentMemoryContext, curve->n_points * sizeof(Datum));
	ArrayType *array;

	for (size_t i = 0; i < curve->n_points; i++)
	{
		Datum values[] = {Float8GetDatum(curve->threshold[i]), Float8GetDatum(curve->false_positive_rate[i]),
						  Float8GetDatum(curve->true_positive_rate[i])};
		bool nulls[lengthof(values)] = {false};

		points[i] = HeapTupleGetDatum(heap_form_tuple(desc, values, nulls));
	}
	array = construct_array(points, (int) curve->n_points, point_type, -1, false, TYPALIGN_DOUBLE);
	ReleaseTupleDesc(desc);
	return PointerGetDatum(array);
}

Datum
healthml_roc_curve_final(PG_FUNCTION_ARGS)
{
	HmlContext ctx;
	HmlRanking ranking;
	HmlRocCurve curve;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	healthml_context_init(&ctx, CurrentMemoryContext);
	ranking = healthml_sorted_ranking(fcinfo, &ctx);
	healthml_check(&ctx, hml_ranking_roc_curve(&ctx, &ranking, &curve));
	if (curve.n_points == 0)
		PG_RETURN_NULL();
	return roc_points(&curve, get_element_type(get_fn_expr_rettype(fcinfo->flinfo)));
}

/* ---- bigint states ---- */

#define STATE_WORDS 4

/* The words of a state, which the caller may change when it is argument 0. */
static int64 *
state_words(FunctionCallInfo fcinfo, int arg, ArrayType **array)
{
	healthml_aggregate_context(fcinfo);
	*array = PG_GETARG_ARRAYTYPE_P(arg);
	if (ARR_NDIM(*array) != 1 || ARR_DIMS(*array)[0] != STATE_WORDS || ARR_HASNULL(*array) ||
		ARR_ELEMTYPE(*array) != INT8OID)
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						errmsg("state of a metric is not an array of %d bigint", STATE_WORDS)));
	return (int64 *) ARR_DATA_PTR(*array);
}

/* ---- losses ---- */

/* Words of a loss state. */
enum
{
	LOSS_ROWS,
	LOSS_WHOLE,
	LOSS_HIGH,
	LOSS_LOW
};

static HmlExactSum
loss_sum(const int64 *words)
{
	HmlExactSum sum = {words[LOSS_WHOLE], (uint64) words[LOSS_HIGH], (uint64) words[LOSS_LOW]};

	return sum;
}

static void
set_loss(int64 *words, int64 rows, HmlExactSum sum)
{
	words[LOSS_ROWS] = rows;
	words[LOSS_WHOLE] = sum.whole;
	words[LOSS_HIGH] = (int64) sum.high;
	words[LOSS_LOW] = (int64) sum.low;
}

/* A context for messages, made once per query. */
static HmlContext *
message_context(FunctionCallInfo fcinfo)
{
	if (fcinfo->flinfo->fn_extra == NULL)
	{
		HmlContext *ctx = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, sizeof(HmlContext));

		healthml_context_init(ctx, fcinfo->flinfo->fn_mcxt);
		fcinfo->flinfo->fn_extra = ctx;
	}
	return fcinfo->flinfo->fn_extra;
}

/* (state, probability, label) with the loss of this row added or taken away. */
static Datum
change_loss(FunctionCallInfo fcinfo, HmlProbabilityLoss loss, bool add)
{
	HmlContext *ctx = message_context(fcinfo);
	ArrayType *state;
	int64 *words = state_words(fcinfo, 0, &state);
	HmlExactSum sum = loss_sum(words);
	double term;

	healthml_check(ctx, loss(ctx, PG_GETARG_FLOAT8(1), PG_GETARG_BOOL(2), &term));
	if (add)
		hml_exact_add(&sum, hml_exact_of(term));
	else
		hml_exact_subtract(&sum, hml_exact_of(term));
	set_loss(words, words[LOSS_ROWS] + (add ? 1 : -1), sum);
	PG_RETURN_ARRAYTYPE_P(state);
}

Datum
healthml_brier_score_add(PG_FUNCTION_ARGS)
{
	return change_loss(fcinfo, hml_brier_loss, true);
}

Datum
healthml_brier_score_remove(PG_FUNCTION_ARGS)
{
	return change_loss(fcinfo, hml_brier_loss, false);
}

Datum
healthml_log_loss_add(PG_FUNCTION_ARGS)
{
	return change_loss(fcinfo, hml_log_loss, true);
}

Datum
healthml_log_loss_remove(PG_FUNCTION_ARGS)
{
	return change_loss(fcinfo, hml_log_loss, false);
}

/* a += b for counts, which are never negative in a state of ours */
static void
add_count(int64 *a, int64 b)
{
	if (b < 0 || pg_add_s64_overflow(*a, b, a))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("bigint out of range")));
}

Datum
healthml_loss_merge(PG_FUNCTION_ARGS)
{
	ArrayType *state;
	ArrayType *other;
	int64 *words = state_words(fcinfo, 0, &state);
	int64 *other_words = state_words(fcinfo, 1, &other);
	HmlExactSum sum = loss_sum(words);

	hml_exact_add(&sum, loss_sum(other_words));
	add_count(&words[LOSS_ROWS], other_words[LOSS_ROWS]);
	set_loss(words, words[LOSS_ROWS], sum);
	PG_RETURN_ARRAYTYPE_P(state);
}

Datum
healthml_loss_final(PG_FUNCTION_ARGS)
{
	ArrayType *state;
	int64 *words = state_words(fcinfo, 0, &state);

	return number_or_null(fcinfo, hml_mean_loss(loss_sum(words), words[LOSS_ROWS]));
}

/* ---- two classes ---- */

/* The word of a classification state that counts such a row. */
static int
outcome_of(bool predicted, bool actual)
{
	enum
	{
		TRUE_POSITIVE,
		FALSE_POSITIVE,
		TRUE_NEGATIVE,
		FALSE_NEGATIVE
	};

	if (predicted)
		return actual ? TRUE_POSITIVE : FALSE_POSITIVE;
	return actual ? FALSE_NEGATIVE : TRUE_NEGATIVE;
}

Datum
healthml_classification_add(PG_FUNCTION_ARGS)
{
	ArrayType *state;
	int64 *words = state_words(fcinfo, 0, &state);

	words[outcome_of(PG_GETARG_BOOL(1), PG_GETARG_BOOL(2))]++;
	PG_RETURN_ARRAYTYPE_P(state);
}

Datum
healthml_classification_remove(PG_FUNCTION_ARGS)
{
	ArrayType *state;
	int64 *words = state_words(fcinfo, 0, &state);

	words[outcome_of(PG_GETARG_BOOL(1), PG_GETARG_BOOL(2))]--;
	PG_RETURN_ARRAYTYPE_P(state);
}

Datum
healthml_classification_merge(PG_FUNCTION_ARGS)
{
	ArrayType *state;
	ArrayType *other;
	int64 *words = state_words(fcinfo, 0, &state);
	int64 *other_words = state_words(fcinfo, 1, &other);

	for (int i = 0; i < STATE_WORDS; i++)
		add_count(&words[i], other_words[i]);
	PG_RETURN_ARRAYTYPE_P(state);
}

/* Counts that the metrics can be made of, whoever made the state. */
static HmlConfusion
confusion_of(const int64 *words)
{
	HmlConfusion confusion = {words[0], words[1], words[2], words[3]};

	for (int i = 0; i < STATE_WORDS; i++)
		if (words[i] < 0 || words[i] > HML_CONFUSION_MAX)
			ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
							errmsg("count " INT64_FORMAT " of a metric is out of range", words[i])));
	return confusion;
}

/* Row type of the result, looked up once per query. */
static TupleDesc
result_desc(FunctionCallInfo fcinfo)
{
	if (fcinfo->flinfo->fn_extra == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
		TupleDesc desc;

		if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
			elog(ERROR, "return type must be a row type");
		fcinfo->flinfo->fn_extra = BlessTupleDesc(desc);
		MemoryContextSwitchTo(old);
	}
	return fcinfo->flinfo->fn_extra;
}

Datum
healthml_classification_metrics_final(PG_FUNCTION_ARGS)
{
	ArrayType *state;
	int64 *words = state_words(fcinfo, 0, &state);
	HmlConfusion confusion = confusion_of(words);
	HmlClassificationMetrics m = hml_classification_metrics(&confusion);
	Datum values[] = {Float8GetDatum(m.accuracy),    Float8GetDatum(m.precision), Float8GetDatum(m.recall),
					  Float8GetDatum(m.specificity), Float8GetDatum(m.f1),        Float8GetDatum(m.mcc),
					  Int64GetDatum(words[0]),       Int64GetDatum(words[1]),     Int64GetDatum(words[2]),
					  Int64GetDatum(words[3])};
	bool nulls[lengthof(values)] = {false};

	if (isnan(m.accuracy))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(result_desc(fcinfo), values, nulls)));
}

/* ---- several classes ---- */

static void
add_number_member(HmlText *json, const char *name, double value)
{
	hml_text_addf(json, "\"%s\":", name);
	hml_text_add_json_number(json, value);
}

/* What is known of each label: {"label":...,"support":...,"precision":...,"recall":...,"f1":...} */
static void
add_classes(HmlText *json, const LabelTable *table)
{
	for (int i = 0; i < table->n; i++)
	{
		HmlConfusion confusion = hml_matrix_class(table->counts, table->n, i);
		HmlClassificationMetrics m = hml_classification_metrics(&confusion);

		hml_text_add(json, i == 0 ? "{\"label\":" : ",{\"label\":");
		hml_text_add_json_string(json, table->labels[i]);
		hml_text_addf(json, ",\"support\":" UINT64_FORMAT ",",
					  confusion.true_positives + confusion.false_negatives);
		add_number_member(json, "precision", m.precision);
		hml_text_add(json, ",");
		add_number_member(json, "recall", m.recall);
		hml_text_add(json, ",");
		add_number_member(json, "f1", m.f1);
		hml_text_add(json, "}");
	}
}

static void
add_matrix(HmlText *json, const LabelTable *table)
{
	const uint64 *count = table->counts;

	for (int row = 0; row < table->n; row++)
	{
		hml_text_add(json, row == 0 ? "[" : ",[");
		for (int column = 0; column < table->n; column++)
			hml_text_addf(json, column == 0 ? UINT64_FORMAT : "," UINT64_FORMAT, *count++);
		hml_text_add(json, "]");
	}
}

static void
add_labels(HmlText *json, const LabelTable *table)
{
	for (int i = 0; i < table->n; i++)
	{
		hml_text_add(json, i == 0 ? "" : ",");
		hml_text_add_json_string(json, table->labels[i]);
	}
}

Datum
healthml_confusion_matrix_final(PG_FUNCTION_ARGS)
{
	LabelTable table;
	HmlContext ctx;
	HmlText json;
	const char *text;

	healthml_aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	table = healthml_label_table(PG_GETARG_DATUM(0));
	healthml_context_init(&ctx, CurrentMemoryContext);
	hml_text_init(&json, &ctx);

	hml_text_add(&json, "{\"labels\":[");
	add_labels(&json, &table);
	hml_text_add(&json, "],\"matrix\":[");
	add_matrix(&json, &table);
	hml_text_add(&json, "],");
	add_number_member(&json, "accuracy", hml_matrix_accuracy(table.counts, table.n));
	hml_text_add(&json, ",");
	add_number_member(&json, "macro_f1", hml_macro_f1(table.counts, table.n));
	hml_text_add(&json, ",");
	add_number_member(&json, "weighted_f1", hml_weighted_f1(table.counts, table.n));
	hml_text_add(&json, ",\"classes\":[");
	add_classes(&json, &table);
	hml_text_add(&json, "]}");
	healthml_check(&ctx, hml_text_finish(&json, &text));
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(text));
}
