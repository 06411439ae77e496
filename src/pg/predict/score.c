/*
 * score.c
 *	  Scoring rows: the scorer, and the SQL functions around it.
 *
 * All scoring functions are one routine; those of an algorithm's name only add
 * that no other algorithm is accepted.  The scorer is kept in the FmgrInfo of the
 * call: model, column positions and work memory are found once per query, and a
 * row allocates nothing here.
 */
#include "pg/predict/score.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/guc.h"
#include "utils/rls.h"
#include "utils/syscache.h"

#include "pg/registry/registry.h"
#include "pg/rows/scan.h"
#include "pg/server/document.h"
#include "pg/server/errors.h"
#include "pg/server/memory.h"

HealthmlScorer *
healthml_scorer_create(MemoryContext memory, const char *algorithm)
{
	HealthmlScorer *scorer = MemoryContextAllocZero(memory, sizeof(*scorer));

	scorer->algorithm = algorithm;
	scorer->binding = healthml_binding_create(memory);
	scorer->memory = AllocSetContextCreate(memory, "healthml scorer", ALLOCSET_SMALL_SIZES);
	healthml_features_init(&scorer->features, memory);
	healthml_context_init(&scorer->ctx, scorer->memory);
	return scorer;
}

static bool
takes(const HmlAlgorithm *algorithm, const HmlModality *modality)
{
	return algorithm->encoder != NULL && algorithm->encoder->modality == modality;
}

/* The names of all algorithms that take recordings of a kind: "a" or "b". */
static const char *
algorithms_of(const HmlModality *modality)
{
	StringInfoData names;

	initStringInfo(&names);
	for (const HmlAlgorithm *const *algorithm = hml_algorithms; *algorithm != NULL; algorithm++)
		if (takes(*algorithm, modality))
			appendStringInfo(&names, "%s\"%s\"", names.len > 0 ? " or " : "", (*algorithm)->name);
	return names.data;
}

static void
check_algorithm(const HealthmlScorer *scorer, const HmlModel *model)
{
	const HmlAlgorithm *algorithm = model->algorithm;
	bool is_wanted = scorer->algorithm == NULL || strcmp(algorithm->name, scorer->algorithm) == 0;

	if (is_wanted && (scorer->modality == NULL || takes(algorithm, scorer->modality)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("model \"%s\" has algorithm \"%s\", not %s",
					healthml_binding_version(scorer->binding)->model, algorithm->name,
					is_wanted ? algorithms_of(scorer->modality) : psprintf("\"%s\"", scorer->algorithm)),
			 errhint("Use healthml.score, which takes any model.")));
}

/* An error on the way leaves the scorer without a model, to be prepared by the next call. */
static void
prepare(HealthmlScorer *scorer, const HmlModel *model)
{
	scorer->model = NULL;
	check_algorithm(scorer, model);
	MemoryContextReset(scorer->memory);
	healthml_context_init(&scorer->ctx, scorer->memory);
	healthml_features_bind(&scorer->features, model->pipeline,
						   healthml_binding_version(scorer->binding)->model);
	healthml_check(&scorer->ctx, HML_NEW(&scorer->ctx, &scorer->inputs, model->pipeline->n_inputs));
	healthml_check(&scorer->ctx,
				   hml_alloc(&scorer->ctx, 1, model->algorithm->scratch_size(model), &scorer->scratch));
	healthml_check(&scorer->ctx, HML_NEW(&scorer->ctx, &scorer->outputs, model->n_outputs));
	scorer->model = model;
}

void
healthml_scorer_use_reference(HealthmlScorer *scorer, const text *reference)
{
	bool changed;
	const HmlModel *model = healthml_bind_reference(scorer->binding, reference, &changed);

	if (changed || scorer->model == NULL)
		prepare(scorer, model);
}

void
healthml_scorer_use_artifact(HealthmlScorer *scorer, const pg_uuid_t *artifact_id)
{
	bool changed;
	const HmlModel *model = healthml_bind_artifact(scorer->binding, artifact_id, &changed);

	if (changed || scorer->model == NULL)
		prepare(scorer, model);
}

bool
healthml_names_artifact(const FmgrInfo *function)
{
	Oid *types;
	int n_types;

	get_func_signature(function->fn_oid, &types, &n_types);
	return n_types > 1 && types[1] == UUIDOID;
}

void
healthml_scorer_use_argument(HealthmlScorer *scorer, FunctionCallInfo fcinfo, bool by_artifact)
{
	if (by_artifact)
		healthml_scorer_use_artifact(scorer, PG_GETARG_UUID_P(1));
	else
		healthml_scorer_use_reference(scorer, PG_GETARG_TEXT_PP(1));
}

void
healthml_scorer_read(HealthmlScorer *scorer, const double *values)
{
	scorer->values = values;
	healthml_check(&scorer->ctx, hml_pipeline_apply(scorer->model->pipeline, &scorer->ctx, values,
													scorer->inputs, &scorer->n_filled));
}

const double *
healthml_scorer_outputs(HealthmlScorer *scorer)
{
	HmlSamples row = hml_sample_rows(scorer->inputs, 1);

	healthml_check(&scorer->ctx,
				   hml_model_outputs(scorer->model, &scorer->ctx, scorer->scratch, &row, scorer->outputs));
	return scorer->outputs;
}

double
healthml_scorer_score(HealthmlScorer *scorer)
{
	return hml_score_of_outputs(scorer->model, healthml_scorer_outputs(scorer));
}

void
healthml_scorer_judge(HealthmlScorer *scorer, HmlVerdict *out)
{
	HmlQuality quality = hml_row_quality(scorer->model, scorer->values, scorer->n_filled);

	hml_verdict_of_outputs(scorer->model, healthml_scorer_outputs(scorer), &quality, out);
}

/* Names of the features that are missing, in the model's order. */
static Datum
missing_features(const HmlPipeline *pipeline, const double *values, size_t n_filled)
{
	Datum *names;
	int n = 0;

	if (n_filled == 0)
		return PointerGetDatum(construct_empty_array(TEXTOID));
	names = palloc(sizeof(Datum) * n_filled);
	for (size_t i = 0; i < pipeline->n_features; i++)
		if (isnan(values[i]))
			names[n++] = CStringGetTextDatum(healthml_from_utf8(pipeline->features[i].column.name));
	return PointerGetDatum(construct_array(names, n, TEXTOID, -1, false, TYPALIGN_INT));
}

void
healthml_assess_verdict(const HealthmlScorer *scorer, const HmlVerdict *verdict, HealthmlAssessment *out)
{
	const HealthmlVersion *version = healthml_binding_version(scorer->binding);

	out->score = verdict->score;
	out->percentile = verdict->percentile;
	out->risk = verdict->risk;
	out->is_anomaly = verdict->is_anomaly;
	out->label = verdict->label;
	out->label_probability = verdict->label != NULL ? verdict->outputs[verdict->class] : NAN;
	out->missing = (Datum) 0;
	out->model = version->model;
	out->version = version->version;
}

void
healthml_assess_row(const HealthmlScorer *scorer, const double *outputs, const double *values,
					size_t n_filled, HealthmlAssessment *out)
{
	HmlQuality quality = hml_row_quality(scorer->model, values, n_filled);
	HmlVerdict verdict;

	hml_verdict_of_outputs(scorer->model, outputs, &quality, &verdict);
	healthml_assess_verdict(scorer, &verdict, out);
	out->missing = missing_features(scorer->model->pipeline, values, n_filled);
}

void
healthml_scorer_assess(HealthmlScorer *scorer, HealthmlAssessment *out)
{
	healthml_assess_row(scorer, healthml_scorer_outputs(scorer), scorer->values, scorer->n_filled, out);
}

const char *
healthml_risk_name(HmlRisk risk)
{
	static const char *const names[HML_N_RISKS] = {"low", "medium", "high", "unknown"};

	return names[risk];
}

/* ---- SQL functions ---- */

#define ASSESSMENT_COLUMNS 7

/* What the FmgrInfo of a scoring function keeps. */
typedef struct ScoreCall
{
	HealthmlScorer *scorer;
	Oid features_type; /* RECORDOID, FLOAT8ARRAYOID, JSONBOID, JSONOID or TEXTOID */
	bool by_artifact;
	TupleDesc result; /* of assess; NULL before its first row */
	Oid risks[HML_N_RISKS];
} ScoreCall;

static ScoreCall *
create_call(FunctionCallInfo fcinfo, const char *algorithm)
{
	MemoryContext memory = fcinfo->flinfo->fn_mcxt;
	ScoreCall *call = MemoryContextAllocZero(memory, sizeof(*call));
	Oid *types;
	int n_types;

	get_func_signature(fcinfo->flinfo->fn_oid, &types, &n_types);
	if (n_types < 2)
		elog(ERROR, "a scoring function needs features and a model");
	call->features_type = types[0];
	call->by_artifact = healthml_names_artifact(fcinfo->flinfo);
	call->scorer = healthml_scorer_create(memory, algorithm);
	fcinfo->flinfo->fn_extra = call;
	return call;
}

static ScoreCall *
use_call(FunctionCallInfo fcinfo, const char *algorithm)
{
	ScoreCall *call = fcinfo->flinfo->fn_extra;
	HealthmlScorer *scorer;
	const double *values;

	if (call == NULL)
		call = create_call(fcinfo, algorithm);
	scorer = call->scorer;

	healthml_scorer_use_argument(scorer, fcinfo, call->by_artifact);
	if (call->features_type == RECORDOID)
		values = healthml_features_of_row(&scorer->features, PG_GETARG_HEAPTUPLEHEADER(0));
	else if (call->features_type == FLOAT8ARRAYOID)
		values = healthml_features_of_array(&scorer->features, PG_GETARG_ARRAYTYPE_P(0));
	else if (call->features_type == JSONBOID)
		values = healthml_features_of_jsonb(&scorer->features, PG_GETARG_JSONB_P(0));
	else
		values = healthml_features_of_text(&scorer->features, PG_GETARG_TEXT_PP(0));
	healthml_scorer_read(scorer, values);
	return call;
}

HealthmlScorer *
healthml_scorer_of_call(FunctionCallInfo fcinfo, const char *algorithm)
{
	return use_call(fcinfo, algorithm)->scorer;
}

/*
 * Whether a dump is being restored whose models are not there yet.  Its tables come in the order of their schemas, so
 * that a CHECK on a score may be evaluated before the model has come.  A score that is not known passes it, as it
 * passed with the model.  Nothing is stored of it: generated columns and indexes take artifact ids, which raise
 * as ever.  The settings are those that pg_dump writes into every script.
 */
static bool
waits_for_restore(FunctionCallInfo fcinfo)
{
	static bool warned = false;
	HealthmlReference reference;
	HealthmlVersion version;

	if (check_function_bodies || row_security || namespace_search_path[0] != '\0' ||
		healthml_names_artifact(fcinfo->flinfo))
		return false;
	healthml_parse_reference(text_to_cstring(PG_GETARG_TEXT_PP(1)), &reference);
	if (healthml_scan_reference(&reference, &version) != HEALTHML_SCAN_NOTHING)
		return false;
	if (!warned)
		ereport(WARNING, (errmsg("model \"%s\" is not restored yet", reference.name),
						  errdetail("Scores by it are null until it is.")));
	warned = true;
	return true;
}

Datum
healthml_score_call(FunctionCallInfo fcinfo, const char *algorithm)
{
	if (unlikely(!check_function_bodies) && waits_for_restore(fcinfo))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(healthml_scorer_score(healthml_scorer_of_call(fcinfo, algorithm)));
}

PG_FUNCTION_INFO_V1(healthml_score);

/* healthml.score(features, model): whatever the model is */
Datum
healthml_score(PG_FUNCTION_ARGS)
{
	return healthml_score_call(fcinfo, NULL);
}

Oid
healthml_risk_label(Oid type, HmlRisk risk)
{
	Oid label = GetSysCacheOid2(ENUMTYPOIDNAME, Anum_pg_enum_oid, ObjectIdGetDatum(type),
								CStringGetDatum(healthml_risk_name(risk)));

	if (!OidIsValid(label))
		elog(ERROR, "type healthml.risk_level has no label \"%s\"", healthml_risk_name(risk));
	return label;
}

static void
prepare_assessment(FunctionCallInfo fcinfo, ScoreCall *call)
{
	MemoryContext caller = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	TupleDesc desc;
	int risk;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "healthml.assess must return a row");
	for (risk = HML_RISK_LOW; risk < HML_N_RISKS; risk++)
		call->risks[risk] = healthml_risk_label(TupleDescAttr(desc, 2)->atttypid, (HmlRisk) risk);
	call->result = BlessTupleDesc(desc);
	MemoryContextSwitchTo(caller);
}

PG_FUNCTION_INFO_V1(healthml_assess);

/* healthml.assess(features, model) RETURNS healthml.assessment */
Datum
healthml_assess(PG_FUNCTION_ARGS)
{
	ScoreCall *call;
	HealthmlAssessment assessment;
	Datum values[ASSESSMENT_COLUMNS];
	bool nulls[ASSESSMENT_COLUMNS] = {false};

	if (unlikely(!check_function_bodies) && waits_for_restore(fcinfo))
		PG_RETURN_NULL();
	call = use_call(fcinfo, NULL);
	if (call->result == NULL)
		prepare_assessment(fcinfo, call);
	healthml_scorer_assess(call->scorer, &assessment);
	values[0] = Float8GetDatum(assessment.score);
	values[1] = Float8GetDatum(assessment.percentile);
	nulls[1] = isnan(assessment.percentile);
	values[2] = ObjectIdGetDatum(call->risks[assessment.risk]);
	values[3] = BoolGetDatum(assessment.is_anomaly);
	values[4] = CStringGetTextDatum(assessment.model);
	values[5] = Int32GetDatum(assessment.version);
	values[6] = assessment.missing;
	return HeapTupleGetDatum(heap_form_tuple(call->result, values, nulls));
}
