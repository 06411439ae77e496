/*
 * trigger.c
 *	  Triggers that score rows as they are written: fill_risk and record_risk.
 *
 * With healthml.on_score_error = warn, whatever goes wrong with a row's score is
 * undone by a subtransaction, told as a WARNING and recorded in
 * healthml.score_failure, or only told where it cannot be recorded either; the
 * row itself is written in any case.  With "error" there is no subtransaction and
 * the statement fails.  How a trigger is declared is no matter of a row: a wrong
 * declaration is an error always.
 *
 * What a trigger needs is found once per statement and relation, and kept in the
 * FmgrInfo of the call: a partition has one of its own.
 */
#include "compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_type.h"
#include "commands/async.h"
#include "commands/trigger.h"
#include "common/shortest_dec.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "core/explain/shapley.h"

#include "attempt.h"
#include "prediction.h"
#include "settings.h"
#include "statement.h"

#define CHANNEL "healthml_alerts"
#define NOTIFIED_SUBJECT 200 /* bytes of a subject in a notification */
#define RECORDED_REASONS 10  /* with a high risk */
#define WARNINGS 10          /* per statement and relation; failures are recorded all the same */

/* What a trigger has found out about its arguments and its table. */
typedef struct TriggerPlan
{
	MemoryContext memory;
	HealthmlScorer *scorer;
	text *model;

	/* fill_risk */
	int score_column; /* from 1, as the others */
	int32 score_typmod;
	FmgrInfo score_input;
	Oid score_io_parameter;
	int risk_column;
	Datum risks[3]; /* by HmlRisk, of the column's type */

	/* record_risk */
	int subject_column;
	FmgrInfo subject_output;
} TriggerPlan;

/* Kept in fn_extra. */
typedef struct TriggerState
{
	TriggerPlan *plan; /* NULL before the first row, and while it cannot be made */
	const char *source;
	int warnings;
} TriggerState;

/* One firing. */
typedef struct Firing
{
	FunctionCallInfo fcinfo;
	TriggerData *data;
	TriggerState *state;
	HeapTuple tuple;  /* the new row */
	HeapTuple filled; /* by fill_risk */
	const char *subject;
} Firing;

/* ---- declaration ---- */

static void
check_declaration(FunctionCallInfo fcinfo, const char *usage, TriggerEvent timing, int n_arguments)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	TriggerEvent event;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("%s must be called as a trigger", usage)));
	event = data->tg_event;
	if (!TRIGGER_FIRED_FOR_ROW(event) || (event & TRIGGER_EVENT_TIMINGMASK) != timing ||
		!(TRIGGER_FIRED_BY_INSERT(event) || TRIGGER_FIRED_BY_UPDATE(event)) ||
		data->tg_trigger->tgnargs != n_arguments)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("trigger \"%s\" of table \"%s\" is not declared as its function needs",
						data->tg_trigger->tgname, RelationGetRelationName(data->tg_relation)),
				 errhint("Declare it %s INSERT OR UPDATE ... FOR EACH ROW EXECUTE FUNCTION healthml.%s.",
						 timing == TRIGGER_EVENT_BEFORE ? "BEFORE" : "AFTER", usage)));
}

/* Name of the table, of a partition the name of the whole. */
static char *
source_name(Relation relation)
{
	Oid table = RelationGetRelid(relation);

	if (relation->rd_rel->relispartition)
		table = llast_oid(get_partition_ancestors(table));
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(table)), get_rel_name(table));
}

static void
start_firing(Firing *firing, FunctionCallInfo fcinfo)
{
	FmgrInfo *function = fcinfo->flinfo;

	firing->fcinfo = fcinfo;
	firing->data = (TriggerData *) fcinfo->context;
	firing->tuple = TRIGGER_FIRED_BY_UPDATE(firing->data->tg_event) ? firing->data->tg_newtuple
																	: firing->data->tg_trigtuple;
	firing->filled = NULL;
	firing->subject = NULL;
	if (function->fn_extra == NULL)
	{
		TriggerState *state = MemoryContextAllocZero(function->fn_mcxt, sizeof(*state));

		state->source = MemoryContextStrdup(function->fn_mcxt, source_name(firing->data->tg_relation));
		function->fn_extra = state;
	}
	firing->state = function->fn_extra;
}

/* ---- arguments ---- */

static Form_pg_attribute
column_of(const Firing *firing, int column)
{
	return TupleDescAttr(RelationGetDescr(firing->data->tg_relation), column - 1);
}

/* Number of the column that an argument names. */
static int
find_column(const Firing *firing, int argument)
{
	TupleDesc desc = RelationGetDescr(firing->data->tg_relation);
	const char *name = firing->data->tg_trigger->tgargs[argument];
	int i;

	for (i = 0; i < desc->natts; i++)
		if (!TupleDescAttr(desc, i)->attisdropped &&
			strcmp(NameStr(TupleDescAttr(desc, i)->attname), name) == 0)
			return i + 1;
	ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
					errmsg("column \"%s\" of table \"%s\" does not exist", name,
						   RelationGetRelationName(firing->data->tg_relation)),
					errdetail("Trigger \"%s\" names it.", firing->data->tg_trigger->tgname)));
	return 0;
}

/*
 * A column that the trigger writes, whose type must be one of these, or a domain
 * over one.
 */
static Form_pg_attribute
writable_column(const Firing *firing, int argument, const Oid *types, int n_types, int *column)
{
	Form_pg_attribute attribute;
	int i;

	*column = find_column(firing, argument);
	attribute = column_of(firing, *column);
	if (attribute->attgenerated != '\0')
		ereport(ERROR, (errcode(ERRCODE_GENERATED_ALWAYS),
						errmsg("column \"%s\" cannot be written by trigger \"%s\" because it is generated",
							   NameStr(attribute->attname), firing->data->tg_trigger->tgname)));
	for (i = 0; i < n_types; i++)
		if (getBaseType(attribute->atttypid) == types[i])
			return attribute;
	ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
					errmsg("column \"%s\" of type %s cannot be written by trigger \"%s\"",
						   NameStr(attribute->attname), format_type_be(attribute->atttypid),
						   firing->data->tg_trigger->tgname),
					errhint("A score needs double precision, real or numeric; a risk needs "
							"healthml.risk_level, text or character varying.")));
	return NULL;
}

static void
plan_score_column(const Firing *firing, TriggerPlan *plan)
{
	static const Oid types[] = {FLOAT8OID, FLOAT4OID, NUMERICOID};
	Form_pg_attribute attribute = writable_column(firing, 1, types, lengthof(types), &plan->score_column);
	Oid input;

	getTypeInputInfo(attribute->atttypid, &input, &plan->score_io_parameter);
	fmgr_info_cxt(input, &plan->score_input, plan->memory);
	plan->score_typmod = attribute->atttypmod;
}

static Oid
risk_level_type(void)
{
	return GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum("risk_level"),
						   ObjectIdGetDatum(get_namespace_oid("healthml", false)));
}

static void
plan_risk_column(const Firing *firing, TriggerPlan *plan)
{
	const Oid types[] = {risk_level_type(), TEXTOID, VARCHAROID};
	Form_pg_attribute attribute = writable_column(firing, 2, types, lengthof(types), &plan->risk_column);
	Oid input;
	Oid io_parameter;
	int risk;

	getTypeInputInfo(attribute->atttypid, &input, &io_parameter);
	for (risk = HML_RISK_LOW; risk <= HML_RISK_HIGH; risk++)
		plan->risks[risk] =
			OidInputFunctionCall(input, unconstify(char *, healthml_risk_name((HmlRisk) risk)), io_parameter,
								 attribute->atttypmod);
}

static void
plan_subject_column(const Firing *firing, TriggerPlan *plan)
{
	Oid output;
	bool is_varlena;

	plan->subject_column = find_column(firing, 1);
	getTypeOutputInfo(column_of(firing, plan->subject_column)->atttypid, &output, &is_varlena);
	fmgr_info_cxt(output, &plan->subject_output, plan->memory);
}

typedef void (*PlanColumns)(const Firing *firing, TriggerPlan *plan);

static void
plan_filled_columns(const Firing *firing, TriggerPlan *plan)
{
	plan_score_column(firing, plan);
	plan_risk_column(firing, plan);
}

/* Made in a context that dies with an error, and becomes the call's when it is complete. */
static TriggerPlan *
plan_of(const Firing *firing, PlanColumns plan_columns)
{
	TriggerState *state = firing->state;
	MemoryContext memory;
	MemoryContext caller;
	TriggerPlan *plan;

	if (state->plan != NULL)
		return state->plan;
	memory = AllocSetContextCreate(CurrentMemoryContext, "healthml trigger", ALLOCSET_SMALL_SIZES);
	caller = MemoryContextSwitchTo(memory);
	plan = palloc0(sizeof(*plan));
	plan->memory = memory;
	plan->model = cstring_to_text(firing->data->tg_trigger->tgargs[0]);
	plan->scorer = healthml_scorer_create(memory, NULL);
	plan_columns(firing, plan);
	MemoryContextSwitchTo(caller);
	MemoryContextSetParent(memory, firing->fcinfo->flinfo->fn_mcxt);
	state->plan = plan;
	return plan;
}

/* ---- scoring ---- */

/*
 * Before the row is written, generated columns have no values yet, or old ones;
 * virtual ones are never in it.
 */
static bool
lacks_value(const Firing *firing, Form_pg_attribute attribute)
{
	return attribute->attgenerated != '\0' && (TRIGGER_FIRED_BEFORE(firing->data->tg_event) ||
											   attribute->attgenerated != ATTRIBUTE_GENERATED_STORED);
}

static void
refuse_generated_features(const Firing *firing, const TriggerPlan *plan)
{
	const HealthmlFeatureReader *reader = &plan->scorer->features;
	size_t i;

	for (i = 0; i < reader->pipeline->n_features; i++)
	{
		Form_pg_attribute attribute = column_of(firing, reader->columns[i].attribute + 1);

		if (lacks_value(firing, attribute))
			ereport(
				ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("column \"%s\" has no value yet when trigger \"%s\" runs, because it is generated",
						NameStr(attribute->attname), firing->data->tg_trigger->tgname),
				 errhint("Use trigger function healthml.record_risk and a stored generated column.")));
	}
}

/* Make the new row the scorer's present one. */
static void
read_row(const Firing *firing, TriggerPlan *plan)
{
	HealthmlScorer *scorer = plan->scorer;

	healthml_scorer_use_reference(scorer, plan->model);
	healthml_scorer_read(scorer, healthml_features_of_tuple(&scorer->features, firing->tuple,
															RelationGetDescr(firing->data->tg_relation)));
	refuse_generated_features(firing, plan);
}

static void
fill_row(void *argument)
{
	Firing *firing = argument;
	TriggerPlan *plan = plan_of(firing, plan_filled_columns);
	HealthmlAssessment assessment;
	int columns[2] = {plan->score_column, plan->risk_column};
	bool nulls[2] = {false, false};
	Datum values[2];
	char score[DOUBLE_SHORTEST_DECIMAL_LEN];

	read_row(firing, plan);
	healthml_scorer_assess(plan->scorer, &assessment);
	double_to_shortest_decimal_buf(assessment.score, score);
	values[0] = InputFunctionCall(&plan->score_input, score, plan->score_io_parameter, plan->score_typmod);
	values[1] = plan->risks[assessment.risk];
	firing->filled = heap_modify_tuple_by_cols(firing->tuple, RelationGetDescr(firing->data->tg_relation), 2,
											   columns, values, nulls);
}

/* The row without score and risk; those of an updated row would be out of date. */
static HeapTuple
blank_row(const Firing *firing)
{
	const TriggerPlan *plan = firing->state->plan;
	int columns[2];
	bool nulls[2] = {true, true};
	Datum values[2] = {0, 0};

	if (plan == NULL)
		return firing->tuple;
	columns[0] = plan->score_column;
	columns[1] = plan->risk_column;
	return heap_modify_tuple_by_cols(firing->tuple, RelationGetDescr(firing->data->tg_relation), 2, columns,
									 values, nulls);
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

static const char *
subject_of(const Firing *firing, TriggerPlan *plan)
{
	bool is_null;
	Datum value = heap_getattr(firing->tuple, plan->subject_column,
							   RelationGetDescr(firing->data->tg_relation), &is_null);

	return is_null ? NULL : OutputFunctionCall(&plan->subject_output, value);
}

static void
record_row(void *argument)
{
	Firing *firing = argument;
	TriggerPlan *plan = plan_of(firing, plan_subject_column);
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
	if (prediction_id != 0 && (int) prediction.assessment.risk >= healthml_notify_level)
		notify(&prediction, prediction_id);
}

/* ---- failures ---- */

typedef struct Failure
{
	const Firing *firing;
	const ErrorData *error;
} Failure;

static HealthmlStatement insert_failure = {
	.sql = "INSERT INTO healthml.score_failure (model, source, subject, sqlstate, message) "
		   "VALUES ($1, $2, $3, $4, $5)",
	.n_arguments = 5,
	.types = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID},
};

static void
record_failure(void *argument)
{
	const Failure *failure = argument;
	const Firing *firing = failure->firing;
	Datum values[5];

	SPI_connect();
	values[0] = CStringGetTextDatum(firing->data->tg_trigger->tgargs[0]);
	values[1] = CStringGetTextDatum(firing->state->source);
	values[2] = firing->subject == NULL ? (Datum) 0 : CStringGetTextDatum(firing->subject);
	values[3] = CStringGetTextDatum(unpack_sql_state(failure->error->sqlerrcode));
	values[4] = CStringGetTextDatum(failure->error->message);
	healthml_execute(&insert_failure, values, firing->subject == NULL ? "  n  " : "     ", false);
	SPI_finish();
}

static void
handle_failure(const Firing *firing, const ErrorData *error)
{
	Failure failure = {firing, error};
	ErrorData *second = healthml_attempt(record_failure, &failure);

	if (firing->state->warnings++ >= WARNINGS)
		return;
	ereport(WARNING,
			(errcode(error->sqlerrcode),
			 errmsg("row of table \"%s\" was written without a %s: %s",
					RelationGetRelationName(firing->data->tg_relation),
					TRIGGER_FIRED_BEFORE(firing->data->tg_event) ? "score" : "prediction", error->message),
			 second != NULL  ? errdetail("The failure could not be recorded: %s.", second->message)
			 : error->detail ? errdetail_internal("%s", error->detail)
							 : 0,
			 error->hint != NULL ? errhint("%s", error->hint) : 0));
}

/* Do it as healthml.on_score_error asks; returns whether it was done. */
static bool
score(Firing *firing, void (*work)(void *argument))
{
	ErrorData *error;

	if (healthml_on_score_error == HEALTHML_SCORE_ERROR_ERROR)
	{
		work(firing);
		return true;
	}
	error = healthml_attempt(work, firing);
	if (error != NULL)
		handle_failure(firing, error);
	return error == NULL;
}

/* ---- trigger functions ---- */

PG_FUNCTION_INFO_V1(healthml_fill_risk);

/* fill_risk('model', 'score_column', 'risk_column'), BEFORE INSERT OR UPDATE, FOR EACH ROW */
Datum
healthml_fill_risk(PG_FUNCTION_ARGS)
{
	Firing firing;

	check_declaration(fcinfo, "fill_risk('model', 'score_column', 'risk_column')", TRIGGER_EVENT_BEFORE, 3);
	start_firing(&firing, fcinfo);
	return PointerGetDatum(score(&firing, fill_row) ? firing.filled : blank_row(&firing));
}

PG_FUNCTION_INFO_V1(healthml_record_risk);

/* record_risk('model', 'subject_column'), AFTER INSERT OR UPDATE, FOR EACH ROW */
Datum
healthml_record_risk(PG_FUNCTION_ARGS)
{
	Firing firing;

	check_declaration(fcinfo, "record_risk('model', 'subject_column')", TRIGGER_EVENT_AFTER, 2);
	start_firing(&firing, fcinfo);
	score(&firing, record_row);
	return PointerGetDatum(NULL);
}
