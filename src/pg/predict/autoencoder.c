/*
 * autoencoder.c
 *	  The autoencoder in SQL.
 */
#include "pg/server/compat.h"

#include <math.h>

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "core/learn/autoencoder/autoencoder.h"

#include "pg/server/errors.h"
#include "pg/predict/explain.h"
#include "pg/predict/score.h"

PG_FUNCTION_INFO_V1(healthml_autoencoder_score);

/* healthml.autoencoder_score(features, model) */
Datum
healthml_autoencoder_score(PG_FUNCTION_ARGS)
{
	return healthml_score_call(fcinfo, hml_autoencoder.name);
}

/* A reconstruction in the units of its feature; of a text with an input for each category the likeliest one. */
static double
reconstructed_value(const HmlFeature *feature, const double *reconstruction)
{
	const double *inputs = reconstruction + feature->first_input;
	size_t best = 0;

	if (feature->column.kind != HML_COLUMN_CATEGORY || feature->n_inputs == 1)
		return inputs[0] / feature->scale + feature->offset;
	for (size_t i = 1; i < feature->n_inputs; i++)
		if (inputs[i] > inputs[best])
			best = i;
	return (double) best;
}

static void
put_shares(FunctionCallInfo fcinfo, HealthmlScorer *scorer, const double *reconstruction,
		   const double *shares)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	const HmlPipeline *pipeline = scorer->model->pipeline;
	int *order = healthml_rank_reasons(shares, pipeline->n_features);

	for (size_t i = 0; i < pipeline->n_features; i++)
	{
		int feature = order[i];
		double value = scorer->values[feature];
		Datum values[5] = {Int32GetDatum((int) i + 1),
						   CStringGetTextDatum(healthml_feature_name(scorer, feature)), Float8GetDatum(value),
						   Float8GetDatum(reconstructed_value(&pipeline->features[feature], reconstruction)),
						   Float8GetDatum(shares[feature])};
		bool nulls[5] = {false, false, isnan(value), false, false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

PG_FUNCTION_INFO_V1(healthml_reconstruction_explain);

/* healthml.reconstruction_explain(features, model) RETURNS TABLE (rank, feature, value, reconstruction, share) */
Datum
healthml_reconstruction_explain(PG_FUNCTION_ARGS)
{
	HealthmlScorer *scorer;
	const HmlPipeline *pipeline;
	double *reconstruction;
	double *shares;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return (Datum) 0;
	scorer = healthml_scorer_of_call(fcinfo, hml_autoencoder.name);
	pipeline = scorer->model->pipeline;
	reconstruction = palloc(sizeof(double) * Max(pipeline->n_inputs, 1));
	shares = palloc(sizeof(double) * Max(pipeline->n_features, 1));
	healthml_check(&scorer->ctx, hml_autoencoder_explain(scorer->model, &scorer->ctx, scorer->inputs,
														 reconstruction, shares));
	put_shares(fcinfo, scorer, reconstruction, shares);
	return (Datum) 0;
}
