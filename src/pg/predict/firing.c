/*
 * firing.c
 *	  What the triggers that score rows have in common.
 */
#include "pg/predict/firing.h"

#include "access/htup_details.h"
#include "catalog/partition.h"
#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "pg/server/attempt.h"
#include "pg/server/document.h"
#include "pg/server/settings.h"
#include "pg/server/statement.h"

#define WARNINGS 10 /* per statement and relation; failures are recorded all the same */

/* ---- declaration ---- */

static void
check_declaration(FunctionCallInfo fcinfo, const HealthmlTriggerKind *kind)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	TriggerEvent event;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("%s must be called as a trigger", kind->usage)));
	event = data->tg_event;
	if (!TRIGGER_FIRED_FOR_ROW(event) || (event & TRIGGER_EVENT_TIMINGMASK) != kind->timing ||
		!(TRIGGER_FIRED_BY_INSERT(event) || TRIGGER_FIRED_BY_UPDATE(event)) ||
		data->tg_trigger->tgnargs != kind->n_arguments)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("trigger \"%s\" of table \"%s\" is not declared as its function needs",
						data->tg_trigger->tgname, RelationGetRelationName(data->tg_relation)),
				 errhint("Declare it %s INSERT OR UPDATE ... FOR EACH ROW EXECUTE FUNCTION healthml.%s.",
						 kind->timing == TRIGGER_EVENT_BEFORE ? "BEFORE" : "AFTER", kind->usage)));
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

static HealthmlTriggerState *
create_state(FunctionCallInfo fcinfo, HealthmlTriggerKind (*kind_of)(Oid function))
{
	MemoryContext caller = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	HealthmlTriggerState *state = palloc0(sizeof(*state));

	state->kind = kind_of(fcinfo->flinfo->fn_oid);
	check_declaration(fcinfo, &state->kind);
	state->source = pstrdup(source_name(((TriggerData *) fcinfo->context)->tg_relation));
	MemoryContextSwitchTo(caller);
	fcinfo->flinfo->fn_extra = state;
	return state;
}

void
healthml_start_firing(HealthmlFiring *firing, FunctionCallInfo fcinfo,
					  HealthmlTriggerKind (*kind_of)(Oid function))
{
	HealthmlTriggerState *state = fcinfo->flinfo->fn_extra;

	if (state == NULL)
		state = create_state(fcinfo, kind_of);
	else
		check_declaration(fcinfo, &state->kind);
	firing->state = state;
	firing->fcinfo = fcinfo;
	firing->data = (TriggerData *) fcinfo->context;
	firing->tuple = TRIGGER_FIRED_BY_UPDATE(firing->data->tg_event) ? firing->data->tg_newtuple
																	: firing->data->tg_trigtuple;
	firing->filled = NULL;
	firing->subject = NULL;
}

/* ---- arguments ---- */

Form_pg_attribute
healthml_trigger_attribute(const HealthmlFiring *firing, int column)
{
	return TupleDescAttr(RelationGetDescr(firing->data->tg_relation), column - 1);
}

/* Number of the column that an argument names. */
int
healthml_trigger_column(const HealthmlFiring *firing, int argument)
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
writable_column(const HealthmlFiring *firing, int argument, const Oid *types, int n_types, const char *hint,
				int *column)
{
	Form_pg_attribute attribute;
	int i;

	*column = healthml_trigger_column(firing, argument);
	attribute = healthml_trigger_attribute(firing, *column);
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
					errhint("%s", hint)));
	return NULL;
}

void
healthml_plan_score_column(const HealthmlFiring *firing, HealthmlTriggerPlan *plan, int argument)
{
	static const Oid types[] = {FLOAT8OID, FLOAT4OID, NUMERICOID};
	Form_pg_attribute attribute =
		writable_column(firing, argument, types, lengthof(types),
						"A score needs double precision, real or numeric.", &plan->score_column);
	Oid input;

	getTypeInputInfo(attribute->atttypid, &input, &plan->score_io_parameter);
	fmgr_info_cxt(input, &plan->score_input, plan->memory);
	plan->score_typmod = attribute->atttypmod;
}

static Datum
word_value(HealthmlTriggerPlan *plan, int word)
{
	MemoryContext caller;

	if (plan->word_values[word] != (Datum) 0)
		return plan->word_values[word];
	caller = MemoryContextSwitchTo(plan->memory);
	plan->word_values[word] = InputFunctionCall(&plan->word_input, unconstify(char *, plan->words[word]),
												plan->word_io_parameter, plan->word_typmod);
	MemoryContextSwitchTo(caller);
	return plan->word_values[word];
}

void
healthml_plan_word_column(const HealthmlFiring *firing, HealthmlTriggerPlan *plan, int argument,
						  Oid word_type)
{
	const Oid types[] = {TEXTOID, VARCHAROID, word_type};
	const char *hint = OidIsValid(word_type) ? psprintf("It needs %s, text or character varying.",
														format_type_be_qualified(word_type))
											 : "It needs text or character varying.";
	Form_pg_attribute attribute =
		writable_column(firing, argument, types, OidIsValid(word_type) ? 3 : 2, hint, &plan->word_column);
	Oid input;

	getTypeInputInfo(attribute->atttypid, &input, &plan->word_io_parameter);
	fmgr_info_cxt(input, &plan->word_input, plan->memory);
	plan->word_typmod = attribute->atttypmod;
}

void
healthml_plan_words(HealthmlTriggerPlan *plan, const char *const *words, int n_words, int n_required)
{
	MemoryContext caller = MemoryContextSwitchTo(plan->memory);

	plan->words = palloc(sizeof(*plan->words) * n_words);
	plan->word_values = palloc0(sizeof(*plan->word_values) * n_words);
	for (int word = 0; word < n_words; word++)
		plan->words[word] = pstrdup(healthml_from_utf8(words[word]));
	MemoryContextSwitchTo(caller);
	for (int word = 0; word < n_required; word++)
		word_value(plan, word);
}

/* Made in a context that dies with an error, and becomes the call's when it is complete. */
HealthmlTriggerPlan *
healthml_trigger_plan(const HealthmlFiring *firing, HealthmlPlanColumns plan_columns)
{
	HealthmlTriggerState *state = firing->state;
	MemoryContext memory;
	MemoryContext caller;
	HealthmlTriggerPlan *plan;

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

/*
 * Before the row is written, generated columns have no values yet, or old ones;
 * virtual ones are never in it.
 */
static bool
lacks_value(const HealthmlFiring *firing, Form_pg_attribute attribute)
{
	return attribute->attgenerated != '\0' && (TRIGGER_FIRED_BEFORE(firing->data->tg_event) ||
											   attribute->attgenerated != ATTRIBUTE_GENERATED_STORED);
}

void
healthml_refuse_generated(const HealthmlFiring *firing, int column)
{
	Form_pg_attribute attribute = healthml_trigger_attribute(firing, column);

	if (lacks_value(firing, attribute))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("column \"%s\" has no value yet when trigger \"%s\" runs, because it is generated",
						NameStr(attribute->attname), firing->data->tg_trigger->tgname),
				 errhint("Use trigger function healthml.record_risk and a stored generated column.")));
}

/* ---- filled columns ---- */

HeapTuple
healthml_filled_row(const HealthmlFiring *firing, HealthmlTriggerPlan *plan, double score, int word)
{
	int columns[2] = {plan->score_column, plan->word_column};
	bool nulls[2] = {false, false};
	Datum values[2];
	char text[DOUBLE_SHORTEST_DECIMAL_LEN];

	double_to_shortest_decimal_buf(score, text);
	values[0] = InputFunctionCall(&plan->score_input, text, plan->score_io_parameter, plan->score_typmod);
	values[1] = word_value(plan, word);
	return heap_modify_tuple_by_cols(firing->tuple, RelationGetDescr(firing->data->tg_relation), 2, columns,
									 values, nulls);
}

HeapTuple
healthml_blank_row(const HealthmlFiring *firing)
{
	const HealthmlTriggerPlan *plan = firing->state->plan;
	int columns[2];
	bool nulls[2] = {true, true};
	Datum values[2] = {0, 0};

	if (plan == NULL)
		return firing->tuple;
	columns[0] = plan->score_column;
	columns[1] = plan->word_column;
	return heap_modify_tuple_by_cols(firing->tuple, RelationGetDescr(firing->data->tg_relation), 2, columns,
									 values, nulls);
}

/* ---- failures ---- */

typedef struct Failure
{
	const HealthmlFiring *firing;
	const ErrorData *error;
} Failure;

static HealthmlStatement insert_failure = {
	.sql = "INSERT INTO healthml.score_failure (model, source, subject, sqlstate, message) "
		   "VALUES ($1, $2, $3, $4, $5)",
	.writes = "score_failure",
	.n_arguments = 5,
	.types = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID},
};

static void
record_failure(void *argument)
{
	const Failure *failure = argument;
	const HealthmlFiring *firing = failure->firing;
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
handle_failure(const HealthmlFiring *firing, const ErrorData *error)
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

bool
healthml_fire(HealthmlFiring *firing)
{
	void (*work)(void *firing) = firing->state->kind.work;
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
