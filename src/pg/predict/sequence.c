/*
 * sequence.c
 *	  Windows of time in SQL: scores of an array of steps by features.
 */
#include "pg/server/compat.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "core/learn/sequence/lstm_autoencoder.h"

#include "pg/predict/score.h"
#include "pg/server/document.h"
#include "pg/server/errors.h"

PG_FUNCTION_INFO_V1(healthml_lstm_autoencoder_score);
PG_FUNCTION_INFO_V1(healthml_sequence_explain);

typedef struct SequenceCall
{
	HealthmlScorer *scorer;
	bool by_artifact;
	const HmlModel *model; /* that 'values' has room for */
	double *values;
} SequenceCall;

static SequenceCall *
call_of(FunctionCallInfo fcinfo)
{
	SequenceCall *call = fcinfo->flinfo->fn_extra;

	if (call == NULL)
	{
		call = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(*call));
		call->scorer = healthml_scorer_create(fcinfo->flinfo->fn_mcxt, hml_lstm_autoencoder.name);
		call->by_artifact = healthml_names_artifact(fcinfo->flinfo);
		fcinfo->flinfo->fn_extra = call;
	}
	healthml_scorer_use_argument(call->scorer, fcinfo, call->by_artifact);
	if (call->model != call->scorer->model)
	{
		call->model = call->scorer->model;
		call->values =
			MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, sizeof(double) * call->model->pipeline->n_features);
	}
	return call;
}

/* Elements of the array, NaN = missing. */
static void
copy_elements(const ArrayType *array, double *out, size_t n)
{
	const bits8 *present = ARR_NULLBITMAP(array);
	const double *elements = (const double *) ARR_DATA_PTR(array);

	if (present == NULL)
	{
		memcpy(out, elements, sizeof(double) * n);
		return;
	}
	for (size_t i = 0; i < n; i++)
		out[i] = (present[i / 8] & (1 << (i % 8))) != 0 ? *elements++ : NAN;
}

/* Make the window the scorer's present row; false where it is too short or too much of it is missing. */
static bool
read_sequence(SequenceCall *call, ArrayType *array)
{
	const HmlLstmAutoencoder *self = call->model->impl;
	size_t n = (size_t) ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	size_t size = self->steps * self->features;

	if (ARR_NDIM(array) > 2 || (ARR_NDIM(array) == 2 && (size_t) ARR_DIMS(array)[1] != self->features))
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
						errmsg("sequence must have steps of %zu features, not of %d", self->features,
							   ARR_NDIM(array) == 2 ? ARR_DIMS(array)[1] : ARR_NDIM(array))));
	if (n % self->features != 0 || n > size)
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
						errmsg("sequence of %zu numbers does not fit a model of %zu steps and %zu features",
							   n, self->steps, self->features)));
	if (n < size)
		return false;
	copy_elements(array, call->values, size);
	healthml_scorer_read(call->scorer, call->values);
	return hml_pipeline_missing_share(call->model->pipeline, call->values) <= call->model->max_missing;
}

/* healthml.lstm_autoencoder_score(sequence, model) */
Datum
healthml_lstm_autoencoder_score(PG_FUNCTION_ARGS)
{
	SequenceCall *call = call_of(fcinfo);

	if (!read_sequence(call, PG_GETARG_ARRAYTYPE_P(0)))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(healthml_scorer_score(call->scorer));
}

/* The name of a feature, without the step that windows_query appends. */
static Datum
feature_name(const HmlFeature *feature)
{
	const char *at = strrchr(feature->column.name, '@');

	return CStringGetTextDatum(healthml_from_utf8(
		at == NULL ? feature->column.name : pnstrdup(feature->column.name, at - feature->column.name)));
}

#define EXPLAIN_COLUMNS 5

static void
put_elements(ReturnSetInfo *result, const SequenceCall *call, const double *reconstruction,
			 const double *share)
{
	const HmlLstmAutoencoder *self = call->model->impl;

	for (size_t i = 0; i < self->steps * self->features; i++)
	{
		const HmlFeature *feature = &call->model->pipeline->features[i];
		Datum values[EXPLAIN_COLUMNS] = {Int32GetDatum((int) (i / self->features) + 1), feature_name(feature),
										 Float8GetDatum(call->values[i]),
										 Float8GetDatum(reconstruction[i] / feature->scale + feature->offset),
										 Float8GetDatum(share[i])};
		bool nulls[EXPLAIN_COLUMNS] = {false, false, isnan(call->values[i]), false, false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

/* healthml.sequence_explain(sequence, model) RETURNS TABLE (step, feature, value, reconstruction, share) */
Datum
healthml_sequence_explain(PG_FUNCTION_ARGS)
{
	SequenceCall *call;
	size_t size;
	double *reconstruction;
	double *share;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return (Datum) 0;
	call = call_of(fcinfo);
	if (!read_sequence(call, PG_GETARG_ARRAYTYPE_P(0)))
		return (Datum) 0;
	size = call->model->pipeline->n_features;
	reconstruction = palloc(sizeof(double) * size);
	share = palloc(sizeof(double) * size);
	healthml_check(&call->scorer->ctx,
				   hml_lstm_autoencoder_explain(call->model, &call->scorer->ctx, call->scorer->inputs,
												reconstruction, share));
	put_elements((ReturnSetInfo *) fcinfo->resultinfo, call, reconstruction, share);
	return (Datum) 0;
}
