/*
 * prediction.c
 *	  A row of healthml.prediction.
 */
#include "pg/predict/prediction.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "core/base/text.h"

#include "pg/registry/guard.h"
#include "pg/server/document.h"
#include "pg/server/errors.h"
#include "pg/server/memory.h"
#include "pg/predict/narrative.h"
#include "pg/server/statement.h"
#include "pg/server/value.h"

/* A risk is a text, to be cast where it is written. */
#define TYPES \
	{ \
		TEXTOID, TEXTOID, INT4OID, FLOAT8OID, FLOAT8OID, TEXTOID, BOOLOID, TEXTOID, JSONBOID, JSONBOID, \
			JSONBOID, TEXTOID, TEXTOID, FLOAT8OID, TEXTARRAYOID \
	}

const Oid healthml_prediction_types[HEALTHML_PREDICTION_N] = TYPES;

static HealthmlStatement insert_prediction = {
	.sql = "INSERT INTO healthml.prediction (" HEALTHML_PREDICTION_COLUMNS ") "
		   "VALUES ($1, $2, $3, $4, $5, $6::healthml.risk_level, $7, $8, $9, $10, $11, $12, $13, $14, $15) "
		   "RETURNING prediction_id",
	.writes = "prediction",
	.n_arguments = HEALTHML_PREDICTION_N,
	.types = TYPES,
};

static Datum
jsonb_or_null(Datum document, bool *is_null)
{
	*is_null = document == (Datum) 0;
	return document;
}

static Datum
text_or_null(const char *string, bool *is_null)
{
	*is_null = string == NULL;
	return string == NULL ? (Datum) 0 : CStringGetTextDatum(string);
}

void
healthml_prediction_values(const HealthmlPrediction *prediction, Datum *values, bool *nulls)
{
	const HealthmlAssessment *assessment = &prediction->assessment;

	memset(nulls, 0, HEALTHML_PREDICTION_N * sizeof(bool));
	values[0] = text_or_null(prediction->subject, &nulls[0]);
	values[1] = CStringGetTextDatum(assessment->model);
	values[2] = Int32GetDatum(assessment->version);
	values[3] = Float8GetDatum(assessment->score);
	values[4] = Float8GetDatum(assessment->percentile);
	nulls[4] = isnan(assessment->percentile);
	values[5] = CStringGetTextDatum(healthml_risk_name(assessment->risk));
	values[6] = BoolGetDatum(assessment->is_anomaly);
	values[7] = text_or_null(prediction->label, &nulls[7]);
	values[8] = jsonb_or_null(prediction->probabilities, &nulls[8]);
	values[9] = jsonb_or_null(prediction->features, &nulls[9]);
	values[10] = jsonb_or_null(prediction->explanation, &nulls[10]);
	values[11] = text_or_null(prediction->narrative, &nulls[11]);
	values[12] = text_or_null(prediction->source, &nulls[12]);
	values[13] = Float8GetDatum(prediction->latency_ms);
	values[14] = assessment->missing;
	nulls[14] = assessment->missing == (Datum) 0;
}

int64
healthml_insert_prediction(const HealthmlPrediction *prediction)
{
	Datum values[HEALTHML_PREDICTION_N];
	bool nulls[HEALTHML_PREDICTION_N];
	char spi_nulls[HEALTHML_PREDICTION_N];
	int64 prediction_id;
	int i;

	healthml_check_level("prediction", ACL_INSERT, "scorer");
	SPI_connect();
	healthml_prediction_values(prediction, values, nulls);
	for (i = 0; i < HEALTHML_PREDICTION_N; i++)
		spi_nulls[i] = nulls[i] ? 'n' : ' ';
	prediction_id = healthml_execute(&insert_prediction, values, spi_nulls, false) == 0
						? 0
						: DatumGetInt64(healthml_result(1));
	SPI_finish();
	return prediction_id;
}

/* ---- documents ---- */

static void
add_feature(HmlText *json, HmlColumnKind kind, HealthmlSourceColumn column, Datum datum)
{
	double number;

	if (healthml_value_is_text(column.kind))
	{
		size_t length;
		const char *category = healthml_category_text(column.kind, datum, &length);

		hml_text_add_json_string(json, pnstrdup(category, length));
		return;
	}
	number = healthml_number(column.kind, datum);
	if (kind == HML_COLUMN_BOOLEAN && (number == 0 || number == 1))
		hml_text_add(json, number == 1 ? "true" : "false");
	else
		hml_text_add_json_number(json, number);
}

Datum
healthml_features_document(const HealthmlScorer *scorer, const Datum *datums, const bool *nulls)
{
	const HealthmlFeatureReader *reader = &scorer->features;
	HmlContext ctx;
	HmlText json;
	const char *text;
	size_t i;

	healthml_context_init(&ctx, CurrentMemoryContext);
	hml_text_init(&json, &ctx);
	hml_text_add(&json, "{");
	for (i = 0; i < reader->pipeline->n_features; i++)
	{
		const HmlColumn *feature = &reader->pipeline->features[i].column;
		HealthmlSourceColumn column = reader->columns[i];

		hml_text_add(&json, i == 0 ? "" : ",");
		hml_text_add_json_string(&json, feature->name);
		hml_text_add(&json, ":");
		if (nulls[column.attribute])
			hml_text_add(&json, "null");
		else
			add_feature(&json, feature->kind, column, datums[column.attribute]);
	}
	hml_text_add(&json, "}");
	healthml_check(&ctx, hml_text_finish(&json, &text));
	return healthml_jsonb_of_json(text);
}

Datum
healthml_probabilities_document(const HmlModel *model, const double *probabilities)
{
	return healthml_numbers_document(model->output_names, probabilities, model->n_outputs);
}

void
healthml_predict_row(const HealthmlScorer *scorer, const double *outputs, const double *values,
					 size_t n_filled, HealthmlPrediction *prediction)
{
	const HmlModel *model = scorer->model;

	healthml_assess_row(scorer, outputs, values, n_filled, &prediction->assessment);
	if (model->output_names == NULL)
		return;
	prediction->probabilities = healthml_probabilities_document(model, outputs);
	prediction->label = healthml_from_utf8(model->output_names[hml_class_of_outputs(model, outputs)]);
}

void
healthml_predict(HealthmlScorer *scorer, HealthmlPrediction *prediction)
{
	healthml_predict_row(scorer, healthml_scorer_outputs(scorer), scorer->values, scorer->n_filled,
						 prediction);
}

void
healthml_predict_recording(const HealthmlScorer *scorer, const HmlVerdict *verdict,
						   HealthmlPrediction *prediction)
{
	healthml_assess_verdict(scorer, verdict, &prediction->assessment);
	prediction->probabilities = healthml_probabilities_document(scorer->model, verdict->outputs);
	prediction->label = healthml_from_utf8(hml_verdict_word(verdict));
	prediction->is_doubtful = verdict->quality.doubt != NULL;
}

static Datum
explanation_document(const HealthmlScorer *scorer, const HmlExplanation *explanation, int top)
{
	const HmlPipeline *pipeline = scorer->model->pipeline;
	int *order = healthml_rank_reasons(explanation->contributions, pipeline->n_features);
	HmlContext ctx;
	HmlText json;
	const char *text;
	int i;

	healthml_context_init(&ctx, CurrentMemoryContext);
	hml_text_init(&json, &ctx);
	hml_text_add(&json, "{\"method\":");
	hml_text_add_json_string(&json, explanation->method);
	hml_text_add(&json, ",\"base_value\":");
	hml_text_add_json_number(&json, explanation->base);
	hml_text_add(&json, ",\"margin\":");
	hml_text_add_json_number(&json, explanation->margin);
	hml_text_add(&json, ",\"reasons\":[");
	for (i = 0; i < Min((size_t) top, pipeline->n_features); i++)
	{
		hml_text_add(&json, i == 0 ? "{\"feature\":" : ",{\"feature\":");
		hml_text_add_json_string(&json, pipeline->features[order[i]].column.name);
		hml_text_add(&json, ",\"contribution\":");
		hml_text_add_json_number(&json, explanation->contributions[order[i]]);
		hml_text_add(&json, "}");
	}
	hml_text_add(&json, "]}");
	healthml_check(&ctx, hml_text_finish(&json, &text));
	return healthml_jsonb_of_json(text);
}

void
healthml_explain_prediction(HealthmlScorer *scorer, int top, HealthmlPrediction *prediction)
{
	HmlExplanation explanation;

	healthml_explain(scorer, &explanation);
	prediction->explanation = explanation_document(scorer, &explanation, top);
	prediction->narrative = healthml_narrate(scorer, &prediction->assessment, &explanation);
}
