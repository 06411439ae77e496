/*
 * explain.c
 *	  Reasons of a score.
 */
#include "pg/predict/explain.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#include "core/explain/gradient.h"
#include "core/explain/shapley.h"

#include "pg/server/document.h"
#include "pg/server/errors.h"
#include "pg/server/memory.h"
#include "pg/rows/source.h"

void
healthml_explain(HealthmlScorer *scorer, HmlExplanation *out)
{
	const HmlModel *model = scorer->model;

	memset(out, 0, sizeof(*out));
	out->contributions = palloc0(sizeof(double) * Max(model->pipeline->n_features, 1));
	healthml_check(&scorer->ctx, hml_explain(model, &scorer->ctx, scorer->inputs, out));
}

const char *
healthml_feature_name(const HealthmlScorer *scorer, int feature)
{
	return healthml_from_utf8(scorer->model->pipeline->features[feature].column.name);
}

/* Descending by size; equal ones in the model's order, so that the ranking is always the same. */
static int
compare_reasons(const void *a, const void *b, void *arg)
{
	const double *contributions = arg;
	int i = *(const int *) a;
	int j = *(const int *) b;
	double x = fabs(contributions[i]);
	double y = fabs(contributions[j]);

	return x != y ? (x < y ? 1 : -1) : i - j;
}

int *
healthml_rank_reasons(const double *contributions, size_t n_features)
{
	int *order = palloc(sizeof(int) * Max(n_features, 1));
	size_t i;

	for (i = 0; i < n_features; i++)
		order[i] = (int) i;
	qsort_arg(order, n_features, sizeof(int), compare_reasons, unconstify(double *, contributions));
	return order;
}

/* ---- shap_explain ---- */

static int
rows_to_return(FunctionCallInfo fcinfo, size_t n_features)
{
	int64 top;

	if (PG_ARGISNULL(2))
		return (int) n_features;
	top = PG_GETARG_INT64(2);
	if (top < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"top\" must not be negative, but is %lld", (long long) top)));
	return (int) Min((uint64) top, n_features);
}

static void
put_reasons(FunctionCallInfo fcinfo, HealthmlScorer *scorer, const HmlExplanation *explanation)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	size_t n_features = scorer->model->pipeline->n_features;
	int *order = healthml_rank_reasons(explanation->contributions, n_features);
	int n = rows_to_return(fcinfo, n_features);
	int i;

	for (i = 0; i < n; i++)
	{
		int feature = order[i];
		double value = scorer->values[feature];
		Datum values[5] = {Int32GetDatum(i + 1), CStringGetTextDatum(healthml_feature_name(scorer, feature)),
						   Float8GetDatum(value), Float8GetDatum(explanation->contributions[feature]),
						   Float8GetDatum(explanation->base)};
		bool nulls[5] = {false, false, isnan(value), false, false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

PG_FUNCTION_INFO_V1(healthml_shap_explain);

/*
 * healthml.shap_explain(features, model, top)
 * RETURNS TABLE (rank, feature, value, contribution, base_value)
 */
Datum
healthml_shap_explain(PG_FUNCTION_ARGS)
{
	HealthmlScorer *scorer;
	HmlExplanation explanation;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return (Datum) 0;
	scorer = healthml_scorer_of_call(fcinfo, NULL);
	healthml_explain(scorer, &explanation);
	put_reasons(fcinfo, scorer, &explanation);
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(healthml_explanation_quality);

/* healthml.explanation_quality(features, model, OUT method, OUT base_value, OUT margin, OUT standard_error) */
Datum
healthml_explanation_quality(PG_FUNCTION_ARGS)
{
	HealthmlScorer *scorer = healthml_scorer_of_call(fcinfo, NULL);
	HmlExplanation explanation;
	TupleDesc desc;
	Datum values[4];
	bool nulls[4] = {false};

	healthml_explain(scorer, &explanation);
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = CStringGetTextDatum(explanation.method);
	values[1] = Float8GetDatum(explanation.base);
	values[2] = Float8GetDatum(explanation.margin);
	values[3] = Float8GetDatum(explanation.standard_error);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

PG_FUNCTION_INFO_V1(healthml_gradient_explain);

/* healthml.gradient_explain(features, model, top): as shap_explain, by integrated gradients */
Datum
healthml_gradient_explain(PG_FUNCTION_ARGS)
{
	HealthmlScorer *scorer;
	HmlExplanation explanation = {0};

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return (Datum) 0;
	scorer = healthml_scorer_of_call(fcinfo, NULL);
	explanation.contributions = palloc0(sizeof(double) * Max(scorer->model->pipeline->n_features, 1));
	healthml_check(&scorer->ctx,
				   hml_gradient_explain(scorer->model, &scorer->ctx, scorer->inputs, &explanation));
	put_reasons(fcinfo, scorer, &explanation);
	return (Datum) 0;
}

/* ---- shap_summary ---- */

typedef struct Summary
{
	HealthmlScorer *scorer;
	const text *model;
	HealthmlSource *source;
	int64 rows;
	double *sums;     /* (n_features) */
	double *absolute; /* (n_features) of absolute values */
} Summary;

static void
add_to_summary(void *user, TupleTableSlot *slot)
{
	Summary *summary = user;
	HealthmlScorer *scorer = summary->scorer;
	HmlExplanation explanation;
	size_t i;

	CHECK_FOR_INTERRUPTS();
	healthml_scorer_read(scorer,
						 healthml_features_of_slot(&scorer->features, slot, summary->source->columns));
	healthml_explain(scorer, &explanation);
	for (i = 0; i < scorer->model->pipeline->n_features; i++)
	{
		summary->sums[i] += explanation.contributions[i];
		summary->absolute[i] += fabs(explanation.contributions[i]);
	}
	summary->rows++;
}

static void
summarize(Summary *summary, const char *source)
{
	size_t n_features = summary->scorer->model->pipeline->n_features;

	summary->sums = palloc0(sizeof(double) * Max(n_features, 1));
	summary->absolute = palloc0(sizeof(double) * Max(n_features, 1));
	SPI_connect();
	summary->source = healthml_source_open(source);
	healthml_source_read(summary->source, add_to_summary, summary);
	SPI_finish();
}

static void
put_summary(ReturnSetInfo *result, const Summary *summary)
{
	size_t n_features = summary->scorer->model->pipeline->n_features;
	int *order = healthml_rank_reasons(summary->absolute, n_features);
	double rows = (double) summary->rows;
	size_t i;

	for (i = 0; i < n_features; i++)
	{
		int feature = order[i];
		Datum values[5] = {Int32GetDatum((int32) i + 1),
						   CStringGetTextDatum(healthml_feature_name(summary->scorer, feature)),
						   Float8GetDatum(summary->absolute[feature] / rows),
						   Float8GetDatum(summary->sums[feature] / rows), Int64GetDatum(summary->rows)};
		bool nulls[5] = {false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

PG_FUNCTION_INFO_V1(healthml_shap_summary);

/*
 * healthml.shap_summary(model, source)
 * RETURNS TABLE (rank, feature, mean_absolute_contribution, mean_contribution, rows)
 */
Datum
healthml_shap_summary(PG_FUNCTION_ARGS)
{
	Summary summary = {.model = PG_GETARG_TEXT_PP(0)};

	InitMaterializedSRF(fcinfo, 0);
	summary.scorer = healthml_scorer_create(CurrentMemoryContext, NULL);
	healthml_scorer_use_reference(summary.scorer, summary.model);
	summarize(&summary, text_to_cstring(PG_GETARG_TEXT_PP(1)));
	if (summary.rows > 0)
		put_summary((ReturnSetInfo *) fcinfo->resultinfo, &summary);
	return (Datum) 0;
}
