/*
 * trigger.c
 *	  One trigger function for all that scores rows as they are written: fill_risk and
 *	  record_risk, and for each kind of recordings fill_<modality> and
 *	  record_<modality>.
 *
 * A trigger scores the row, or the recording in one of its columns, and fills columns
 * or keeps a prediction: which of these is in the name of its SQL function.  What
 * triggers have in common beside that is in firing.c.
 */
#include "pg/server/compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
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

#include "pg/server/errors.h"
#include "pg/predict/alerts.h"
#include "pg/predict/firing.h"
#include "pg/server/memory.h"
#include "pg/predict/prediction.h"
#include "pg/server/settings.h"
#include "pg/signal/recording.h"

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

/* What the model finds in the recording of the new row; false where it has none. */
static bool
examine_recording(const HealthmlFiring *firing, HealthmlTriggerPlan *plan, HealthmlFinding *out)
{
	HealthmlRecording recording = {.modality = firing->state->kind.modality, .at_s = NAN, .sample_rate = NAN};
	HmlContext ctx;
	bool is_null;

	recording.datum = heap_getattr(firing->tuple, plan->recording_column,
								   RelationGetDescr(firing->data->tg_relation), &is_null);
	if (is_null)
		return false;
	healthml_scorer_use_reference(plan->scorer, plan->model);
	healthml_context_init(&ctx, CurrentMemoryContext);
	healthml_limit_memory(&ctx);
	healthml_check(&ctx, healthml_examine(plan->scorer, &ctx, &recording, out));
	return true;
}

/* ---- filling columns ---- */

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
	healthml_plan_word_column(firing, plan, 2, risk_level_type());
	/* A domain of the first three alone fails only where a risk is unknown. */
	healthml_plan_words(plan, risks, HML_N_RISKS, HML_RISK_UNKNOWN);
}

static void
fill_risk(void *argument)
{
	HealthmlFiring *firing = argument;
	HealthmlTriggerPlan *plan = healthml_trigger_plan(firing, plan_risk);
	HealthmlAssessment assessment;

	read_row(firing, plan);
	healthml_scorer_assess(plan->scorer, &assessment);
	firing->filled = healthml_filled_row(firing, plan, assessment.score, (int) assessment.risk);
}

/* What is scored: for a kind of recordings their column, which is argument 1. */
static void
plan_recording(const HealthmlFiring *firing, HealthmlTriggerPlan *plan)
{
	plan->scorer->modality = firing->state->kind.modality;
	plan->recording_column = healthml_trigger_column(firing, 1);
	healthml_check_recordings(healthml_trigger_attribute(firing, plan->recording_column));
	healthml_refuse_generated(firing, plan->recording_column);
}

static void
plan_verdict(const HealthmlFiring *firing, HealthmlTriggerPlan *plan)
{
	plan_recording(firing, plan);
	healthml_plan_word_column(firing, plan, 2, InvalidOid);
	healthml_plan_score_column(firing, plan, 3);
}

/* The words are the classes of the model, and "uncertain" after them. */
static void
use_classes(HealthmlTriggerPlan *plan)
{
	const HmlModel *model = plan->scorer->model;
	const pg_uuid_t *artifact_id = &healthml_binding_version(plan->scorer->binding)->artifact_id;
	size_t n = model->n_outputs;
	const char **words;

	if (memcmp(&plan->words_of, artifact_id, UUID_LEN) == 0)
		return;
	words = palloc(sizeof(*words) * (n + 1));
	memcpy(words, model->output_names, sizeof(*words) * n);
	words[n] = HML_UNCERTAIN;
	healthml_plan_words(plan, words, (int) n + 1, (int) n + 1);
	plan->words_of = *artifact_id;
}

/* A row without a recording is left without a verdict. */
static void
fill_verdict(void *argument)
{
	HealthmlFiring *firing = argument;
	HealthmlTriggerPlan *plan = healthml_trigger_plan(firing, plan_verdict);
	HealthmlFinding finding;
	const HmlVerdict *verdict = &finding.verdict;
	size_t word;

	if (!examine_recording(firing, plan, &finding))
	{
		firing->filled = healthml_blank_row(firing);
		return;
	}
	use_classes(plan);
	word = verdict->quality.doubt != NULL ? plan->scorer->model->n_outputs : verdict->class;
	firing->filled = healthml_filled_row(firing, plan, verdict->score, (int) word);
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
	healthml_alert(json.data);
}

/* ---- keeping predictions ---- */

static void
plan_subject(const HealthmlFiring *firing, HealthmlTriggerPlan *plan, int argument)
{
	Oid output;
	bool is_varlena;

	plan->subject_column = healthml_trigger_column(firing, argument);
	getTypeOutputInfo(healthml_trigger_attribute(firing, plan->subject_column)->atttypid, &output,
					  &is_varlena);
	fmgr_info_cxt(output, &plan->subject_output, plan->memory);
}

static void
plan_recorded_row(const HealthmlFiring *firing, HealthmlTriggerPlan *plan)
{
	plan_subject(firing, plan, 1);
}

static void
plan_recorded_finding(const HealthmlFiring *firing, HealthmlTriggerPlan *plan)
{
	plan_recording(firing, plan);
	plan_subject(firing, plan, 2);
}

static const char *
subject_of(const HealthmlFiring *firing, HealthmlTriggerPlan *plan)
{
	bool is_null;
	Datum value = heap_getattr(firing->tuple, plan->subject_column,
							   RelationGetDescr(firing->data->tg_relation), &is_null);

	return is_null ? NULL : OutputFunctionCall(&plan->subject_output, value);
}

static bool
is_high(const HealthmlPrediction *prediction)
{
	return prediction->assessment.risk == HML_RISK_HIGH;
}

static bool
predict_row(const HealthmlFiring *firing, HealthmlTriggerPlan *plan, HealthmlPrediction *prediction)
{
	HealthmlScorer *scorer = plan->scorer;

	read_row(firing, plan);
	healthml_predict(scorer, prediction);
	prediction->features =
		healthml_features_document(scorer, scorer->features.row_datums, scorer->features.row_nulls);
	if (is_high(prediction) && hml_can_explain(scorer->model))
		healthml_explain_prediction(scorer, RECORDED_REASONS, prediction);
	return true;
}

/* False where the row has no recording. */
static bool
predict_finding(const HealthmlFiring *firing, HealthmlTriggerPlan *plan, HealthmlPrediction *prediction)
{
	HealthmlFinding finding;

	if (!examine_recording(firing, plan, &finding))
		return false;
	healthml_predict_recording(plan->scorer, &finding.verdict, prediction);
	if (finding.features == NULL)
		return true;
	prediction->features = healthml_finding_document(plan->scorer, &finding);
	if (is_high(prediction))
		healthml_explain_prediction(plan->scorer, RECORDED_REASONS, prediction);
	return true;
}

/* Nobody is alarmed by what cannot be judged. */
static bool
is_notified(const HealthmlPrediction *prediction)
{
	HmlRisk risk = prediction->assessment.risk;

	return !prediction->is_doubtful && risk != HML_RISK_UNKNOWN && (int) risk >= healthml_notify_level;
}

static void
keep_prediction(void *argument)
{
	HealthmlFiring *firing = argument;
	bool is_row = firing->state->kind.modality == NULL;
	HealthmlTriggerPlan *plan =
		healthml_trigger_plan(firing, is_row ? plan_recorded_row : plan_recorded_finding);
	HealthmlPrediction prediction = {.source = firing->state->source};
	instr_time start;
	int64 prediction_id;

	INSTR_TIME_SET_CURRENT(start);
	firing->subject = prediction.subject = subject_of(firing, plan);
	if (!(is_row ? predict_row : predict_finding)(firing, plan, &prediction))
		return;
	prediction.latency_ms = healthml_ms_since(start);
	prediction_id = healthml_insert_prediction(&prediction);
	if (prediction_id != 0 && is_notified(&prediction))
		notify(&prediction, prediction_id);
}

/* ---- SQL ---- */

static HealthmlTriggerKind
recording_kind(const HmlModality *modality, bool keeps)
{
	const char *usage = keeps ? psprintf("record_%s('model', '%s_column', 'subject_column')", modality->name,
										 modality->column)
							  : psprintf("fill_%s('model', '%s_column', 'label_column', 'p_column')",
										 modality->name, modality->column);

	return (HealthmlTriggerKind){.usage = usage,
								 .timing = keeps ? TRIGGER_EVENT_AFTER : TRIGGER_EVENT_BEFORE,
								 .n_arguments = keeps ? 3 : 4,
								 .modality = modality,
								 .work = keeps ? keep_prediction : fill_verdict};
}

/* What the name of a trigger function says: fill_... fills columns, record_... keeps a prediction. */
static HealthmlTriggerKind
kind_of(Oid function)
{
	const HmlModality *modality = healthml_modality_of_function(function);
	bool keeps = strncmp(get_func_name(function), "record_", strlen("record_")) == 0;

	if (modality != NULL)
		return recording_kind(modality, keeps);
	if (keeps)
		return (HealthmlTriggerKind){.usage = "record_risk('model', 'subject_column')",
									 .timing = TRIGGER_EVENT_AFTER,
									 .n_arguments = 2,
									 .work = keep_prediction};
	return (HealthmlTriggerKind){.usage = "fill_risk('model', 'score_column', 'risk_column')",
								 .timing = TRIGGER_EVENT_BEFORE,
								 .n_arguments = 3,
								 .work = fill_risk};
}

PG_FUNCTION_INFO_V1(healthml_score_row);

/* All trigger functions, FOR EACH ROW: see kind_of() for their arguments */
Datum
healthml_score_row(PG_FUNCTION_ARGS)
{
	HealthmlFiring firing;
	bool is_done;

	healthml_start_firing(&firing, fcinfo, kind_of);
	is_done = healthml_fire(&firing);
	if (TRIGGER_FIRED_AFTER(firing.data->tg_event))
		return PointerGetDatum(NULL);
	return PointerGetDatum(is_done ? firing.filled : healthml_blank_row(&firing));
}
