/*
 * rules.c
 *	  Rule models in SQL.
 */
#include "pg/server/compat.h"

#include <math.h>

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "core/base/number.h"
#include "core/learn/rules/rules.h"

#include "pg/predict/explain.h"
#include "pg/predict/score.h"
#include "pg/server/document.h"
#include "pg/server/errors.h"

PG_FUNCTION_INFO_V1(healthml_rule_score);
PG_FUNCTION_INFO_V1(healthml_rules_fired);

#define FIRED_COLUMNS 7
#define SEVERITY_COLUMN 5

/* healthml.rule_score(features, model) */
Datum
healthml_rule_score(PG_FUNCTION_ARGS)
{
	return healthml_score_call(fcinfo, hml_rules.name);
}

static const char *
category_name(const HmlFeature *feature, double code)
{
	return healthml_from_utf8(feature->column.categories.texts[(size_t) code]);
}

/* The band of a rule in words: "<= 40", ">= 131", "91 to 100", "= C". */
static const char *
band_of(const HmlFeature *feature, const HmlRule *rule)
{
	char low[HML_NUMBER_SIZE];
	char high[HML_NUMBER_SIZE];

	if (feature->column.kind == HML_COLUMN_CATEGORY)
		return psprintf("= %s", category_name(feature, rule->low));
	if (rule->low == rule->high)
		return psprintf("= %s", hml_number_format(low, rule->low));
	if (isinf(rule->low))
		return psprintf("<= %s", hml_number_format(high, rule->high));
	if (isinf(rule->high))
		return psprintf(">= %s", hml_number_format(low, rule->low));
	return psprintf("%s to %s", hml_number_format(low, rule->low), hml_number_format(high, rule->high));
}

static const char *
value_of(const HmlFeature *feature, double value)
{
	char number[HML_NUMBER_SIZE];

	if (feature->column.kind == HML_COLUMN_CATEGORY)
		return category_name(feature, value);
	if (feature->column.kind == HML_COLUMN_BOOLEAN)
		return value != 0 ? "true" : "false";
	return pstrdup(hml_number_format(number, value));
}

static void
put_rule(ReturnSetInfo *result, HealthmlScorer *scorer, int feature, const HmlRule *rule, int rank)
{
	const HmlFeature *described = &scorer->model->pipeline->features[feature];
	Oid risk_type = TupleDescAttr(result->setDesc, SEVERITY_COLUMN)->atttypid;
	Datum values[FIRED_COLUMNS] = {Int32GetDatum(rank),
								   CStringGetTextDatum(healthml_feature_name(scorer, feature)),
								   CStringGetTextDatum(value_of(described, scorer->inputs[feature])),
								   CStringGetTextDatum(band_of(described, rule)),
								   Float8GetDatum(rule->points),
								   ObjectIdGetDatum(healthml_risk_label(risk_type, rule->severity)),
								   CStringGetTextDatum(healthml_from_utf8(rule->message))};
	bool nulls[FIRED_COLUMNS] = {false};

	nulls[FIRED_COLUMNS - 1] = rule->message[0] == '\0';
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* healthml.rules_fired(features, model) RETURNS TABLE (rank, feature, value, band, points, severity, message) */
Datum
healthml_rules_fired(PG_FUNCTION_ARGS)
{
	HealthmlScorer *scorer;
	const HmlRules *rules;
	size_t n_features;
	double *points;
	int *order;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return (Datum) 0;
	scorer = healthml_scorer_of_call(fcinfo, hml_rules.name);
	rules = scorer->model->impl;
	n_features = scorer->model->pipeline->n_features;
	points = palloc0(sizeof(double) * Max(n_features, 1));
	for (size_t f = 0; f < n_features; f++)
	{
		const HmlRule *rule = hml_rule_fired(rules, f, scorer->inputs[f]);

		points[f] = rule != NULL ? rule->points : 0;
	}
	order = healthml_rank_reasons(points, n_features);
	for (size_t i = 0; i < n_features && points[order[i]] > 0; i++)
		put_rule((ReturnSetInfo *) fcinfo->resultinfo, scorer, order[i],
				 hml_rule_fired(rules, (size_t) order[i], scorer->inputs[order[i]]), (int) i + 1);
	return (Datum) 0;
}
