/*
 * trigger.c
 *	  Triggers that score rows as they are written: fill_risk, record_risk and
 *	  fill_heart_sound.  What they have in common is in firing.c.
 */
#include "pg/server/compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/async.h"
#include "common/shortest_dec.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "core/explain/shapley.h"

#include "pg/signal/audio.h"
#include "pg/server/errors.h"
#include "pg/predict/firing.h"
#include "pg/signal/heart_sound.h"
#include "pg/server/memory.h"
#include "pg/predict/prediction.h"
#include "pg/server/settings.h"

#define CHANNEL "healthml_alerts"
#define NOTIFIED_SUBJECT 200 /* bytes of a subject in a notification */
#define RECORDED_REASONS 10  /* with a high risk */

/* ---- scoring ---- */

/* Make the new row the scorer's present one. */
static void
read_row(const HealthmlFiring *firing, HealthmlTriggerPlan *plan)
{
	HealthmlScorer *scorer = plan->scorer;

	healthml_scorer_use_reference(scorer, plan->model);
	healthml_scorer_read(scorer, healthml_features_of_tuple(&scorer->features, firing->tuple,
															RelationGetDescr(firing->data->tg_relation)));
	for (size_t i = 0; i < scorer->features.pipeline->n_features; i++)
		healthml_refuse_generated(firing, scorer->features.columns[i].attribute + 1);
}

/* ---- filling in a risk ---- */

static Oid
risk_level_type(void)
{
	return GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum("risk_level"),
						   ObjectIdGetDatum(get_namespace_oid("healthml", false)));
}

static void
plan_risk(const HealthmlFiring *firing, HealthmlTriggerPlan *plan)
{
	const char *risks[HML_N_RISKS];

	for (int risk = 0; risk < HML_N_RISKS; risk++)
		risks[risk] = healthml_risk_name((HmlRisk) risk);
	healthml_plan_score_column(firing, plan, 1);
	healthml_plan_word_column(firing, plan, 2, risk_level_type(), risks, HML_N_RISKS);
}

static void
fill_row(void *argument)
{
	HealthmlFiring *firing = argument;
	HealthmlTriggerPlan *plan = healthml_trigger_plan(firing, plan_risk);
	HealthmlAssessment assessment;

	read_row(firing, plan);
	healthml_scorer_assess(plan->scorer, &assessment);
	firing->filled = healthml_filled_row(firing, plan, assessment.score, (int) assessment.risk);
}

PG_FUNCTION_INFO_V1(healthml_fill_risk);

/* fill_risk('model', 'score_column', 'risk_column'), BEFORE INSERT OR UPDATE, FOR EACH ROW */
Datum
healthml_fill_risk(PG_FUNCTION_ARGS)
{
	HealthmlFiring firing;

	healthml_start_firing(&firing, fcinfo, "fill_risk('model', 'score_column', 'risk_column')",
						  TRIGGER_EVENT_BEFORE, 3);
	return PointerGetDatum(healthml_fire(&firing, fill_row) ? firing.filled : healthml_blank_row(&firing));
}

/* ---- filling in what a recording sounds like ---- */

static void
plan_sound(const HealthmlFiring *firing, HealthmlTriggerPlan *plan)
{
	plan->scorer->algorithm = HEALTHML_HEART_SOUND_ALGORITHM;
	plan->audio_column = healthml_trigger_column(firing, 1);
	healthml_check_recordings(healthml_trigger_attribute(firing, plan->audio_column));
	healthml_refuse_generated(firing, plan->audio_column);
	healthml_plan_word_column(firing, plan, 2, InvalidOid, healthml_sound_names, HEALTHML_SOUNDS);
	healthml_plan_score_column(firing, plan, 3);
}

/* A row without a recording has no sound. */
static void
fill_sound(void *argument)
{
	HealthmlFiring *firing = argument;
	HealthmlTriggerPlan *plan = healthml_trigger_plan(firing, plan_sound);
	HealthmlHearing hearing;
	HmlContext ctx;
	Datum audio;
	bool is_null;

	audio = heap_getattr(firing->tuple, plan->audio_column, RelationGetDescr(firing->data->tg_relation),
						 &is_null);
	if (is_null)
	{
		firing->filled = healthml_blank_row(firing);
		return;
	}
	healthml_scorer_use_reference(plan->scorer, plan->model);
	healthml_context_init(&ctx, CurrentMemoryContext);
	healthml_limit_memory(&ctx);
	healthml_check(&ctx, healthml_hear(plan->scorer, &ctx, audio, &hearing));
	firing->filled = healthml_filled_row(firing, plan, hearing.assessment.score, (int) hearing.sound);
}

PG_FUNCTION_INFO_V1(healthml_fill_heart_sound);

/* fill_heart_sound('model', 'audio_column', 'label_column', 'p_column'), BEFORE INSERT OR UPDATE, FOR EACH ROW */
Datum
healthml_fill_heart_sound(PG_FUNCTION_ARGS)
{
	HealthmlFiring firing;

	healthml_start_firing(&firing, fcinfo,
						  "fill_heart_sound('model', 'audio_column', 'label_column', 'p_column')",
						  TRIGGER_EVENT_BEFORE, 4);
	return PointerGetDatum(healthml_fire(&firing, fill_sound) ? firing.filled : healthml_blank_row(&firing));
}

/* ---- notification ---- */

static void
add_member(StringInfo json, const char *name, const char *value)
{
	appendStringInfo(json, ",\"%s\":", name);
	if (value == NULL)
		appendStringInfoString(json, "null");
	else
		escape_json(json, value);
}

static void
add_number(StringInfo json, const char *name, double value)
{
	char number[DOUBLE_SHORTEST_DECIMAL_LEN];

	double_to_shortest_decimal_buf(value, number);
	appendStringInfo(json, ",\"%s\":%s", name, isnan(value) ? "null" : number);
}

/*
 * Names are bounded and the subject is cut, so that the payload stays below the
 * server's limit of 8000 bytes, even if every byte has to be escaped.
 */
static void
notify(const HealthmlPrediction *prediction, int64 prediction_id)
{
	const HealthmlAssessment *assessment = &prediction->assessment;
	const char *subject = prediction->subject;
	StringInfoData json;

	if (subject != NULL)
		subject = pnstrdup(subject, pg_mbcliplen(subject, (int) strlen(subject), NOTIFIED_SUBJECT));
	initStringInfo(&json);
	appendStringInfo(&json, "{\"prediction_id\":" INT64_FORMAT, prediction_id);
	add_member(&json, "model", assessment->model);
	appendStringInfo(&json, ",\"version\":%d", assessment->version);
	add_member(&json, "subject", subject);
	add_member(&json, "risk", healthml_risk_name(assessment->risk));
	add_number(&json, "score", assessment->score);
	add_number(&json, "percentile", assessment->percentile);
	add_member(&json, "source", prediction->source);
	appendStringInfoChar(&json, '}');
	Async_Notify(CHANNEL, json.data);
}

/* ---- recording ---- */

static void
plan_subject_column(const HealthmlFiring *firing, HealthmlTriggerPlan *plan)
{
	Oid output;
	bool is_varlena;

	plan->subject_column = healthml_trigger_column(firing, 1);
	getTypeOutputInfo(healthml_trigger_attribute(firing, plan->subject_column)->atttypid, &output,
					  &is_varlena);
	fmgr_info_cxt(output, &plan->subject_output, plan->memory);
}

static const char *
subject_of(const HealthmlFiring *firing, HealthmlTriggerPlan *plan)
{
	bool is_null;
	Datum value = heap_getattr(firing->tuple, plan->subject_column,
							   RelationGetDescr(firing->data->tg_relation), &is_null);

	return is_null ? NULL : OutputFunctionCall(&plan->subject_output, value);
}

static void
record_row(void *argument)
{
	HealthmlFiring *firing = argument;
	HealthmlTriggerPlan *plan = healthml_trigger_plan(firing, plan_subject_column);
	HealthmlScorer *scorer = plan->scorer;
	HealthmlPrediction prediction = {.source = firing->state->source};
	instr_time start;
	int64 prediction_id;

	INSTR_TIME_SET_CURRENT(start);
	firing->subject = prediction.subject = subject_of(firing, plan);
	read_row(firing, plan);
	healthml_predict(scorer, &prediction);
	prediction.features =
		healthml_features_document(scorer, scorer->features.row_datums, scorer->features.row_nulls);
	if (prediction.assessment.risk == HML_RISK_HIGH && hml_can_explain(scorer->model))
		healthml_explain_prediction(scorer, RECORDED_REASONS, &prediction);
	prediction.latency_ms = healthml_ms_since(start);
	prediction_id = healthml_insert_prediction(&prediction);
	if (prediction_id != 0 && prediction.assessment.risk != HML_RISK_UNKNOWN &&
		(int) prediction.assessment.risk >= healthml_notify_level)
		notify(&prediction, prediction_id);
}

PG_FUNCTION_INFO_V1(healthml_record_risk);

/* record_risk('model', 'subject_column'), AFTER INSERT OR UPDATE, FOR EACH ROW */
Datum
healthml_record_risk(PG_FUNCTION_ARGS)
{
	HealthmlFiring firing;

	healthml_start_firing(&firing, fcinfo, "record_risk('model', 'subject_column')", TRIGGER_EVENT_AFTER, 2);
	healthml_fire(&firing, record_row);
	return PointerGetDatum(NULL);
}
