/*
 * score.h
 *	  Scoring one row after another with a model: what SQL functions, triggers
 *	  and batches share.
 *
 *		scorer = healthml_scorer_create(memory, NULL);
 *		healthml_scorer_use_reference(scorer, cstring_to_text("heart_attack"));
 *		healthml_scorer_read(scorer, healthml_features_of_slot(&scorer->features, slot, desc));
 *		healthml_scorer_assess(scorer, &assessment);
 *
 * A scorer lives as long as the memory context that it was created in.  Using the
 * same model again is cheap, so it is asked for with every row.
 */
#ifndef HEALTHML_SCORE_H
#define HEALTHML_SCORE_H

#include "pg/server/compat.h"

#include "fmgr.h"

#include "core/model/modality.h"

#include "pg/registry/binding.h"
#include "pg/rows/features.h"

typedef struct HealthmlScorer
{
	const char *algorithm;       /* the only one allowed, or NULL */
	const HmlModality *modality; /* models must take recordings of this kind; NULL = any model */
	HealthmlBinding *binding;
	HealthmlFeatureReader features;
	const HmlModel *model;
	MemoryContext memory; /* of inputs and scratch; emptied when the model changes */
	HmlContext ctx;
	const double *values; /* (n_features) of the present row: numbers and category codes, NaN = missing */
	size_t n_filled;      /* values of the present row that were missing */
	double *inputs;       /* (n_inputs) of the present row */
	double *outputs;      /* (n_outputs) of the present row, once it has been scored */
	void *scratch;
} HealthmlScorer;

/* A score and what it means. */
typedef struct HealthmlAssessment
{
	double score;
	double percentile; /* NaN where the model has no training scores */
	HmlRisk risk;
	bool is_anomaly;
	const char *label;        /* of a classifier, in UTF-8; else NULL */
	double label_probability; /* where there is a label */
	Datum missing;            /* text[], the features that were missing; 0 = not known, as of a recording */
	const char *model;
	int32 version;
} HealthmlAssessment;

extern HealthmlScorer *healthml_scorer_create(MemoryContext memory, const char *algorithm);
extern void healthml_scorer_use_reference(HealthmlScorer *scorer, const text *reference);
extern void healthml_scorer_use_artifact(HealthmlScorer *scorer, const pg_uuid_t *artifact_id);

/* Use what argument 1 of a call names: a model (text) or an artifact (uuid). */
extern void healthml_scorer_use_argument(HealthmlScorer *scorer, FunctionCallInfo fcinfo, bool by_artifact);

/* Whether argument 1 of this function is an artifact; asked once for a query. */
extern bool healthml_names_artifact(const FmgrInfo *function);

/* Make 'values', from a healthml_features_of_... function, the present row. */
extern void healthml_scorer_read(HealthmlScorer *scorer, const double *values);

/* Outputs of the present row, (n_outputs): the model runs once, and all that follows is made from them. */
extern const double *healthml_scorer_outputs(HealthmlScorer *scorer);

/* Of the present row. */
extern double healthml_scorer_score(HealthmlScorer *scorer);
extern void healthml_scorer_judge(HealthmlScorer *scorer, HmlVerdict *out);
extern void healthml_scorer_assess(HealthmlScorer *scorer, HealthmlAssessment *out);

/* What outputs (n_outputs) mean of a row of values (n_features), of which n_filled were missing. */
extern void healthml_assess_row(const HealthmlScorer *scorer, const double *outputs, const double *values,
								size_t n_filled, HealthmlAssessment *out);

/* A verdict as an assessment by the scorer's model, which knows of no missing features. */
extern void healthml_assess_verdict(const HealthmlScorer *scorer, const HmlVerdict *verdict,
									HealthmlAssessment *out);

/* "low", "medium", "high" or "unknown". */
extern const char *healthml_risk_name(HmlRisk risk);

/* Its label of the enum "type", healthml.risk_level. */
extern Oid healthml_risk_label(Oid type, HmlRisk risk);

/*
 * For SQL functions (features record | float8[] | jsonb, model text | artifact_id
 * uuid, ...): the call's scorer, with the first two arguments used and read.
 */
/* The whole of a function that returns a score: score(features, model). */
extern Datum healthml_score_call(FunctionCallInfo fcinfo, const char *algorithm);

extern HealthmlScorer *healthml_scorer_of_call(FunctionCallInfo fcinfo, const char *algorithm);

#endif /* HEALTHML_SCORE_H */
