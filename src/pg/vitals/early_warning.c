/*
 * early_warning.c
 *	  NEWS2, MEWS and qSOFA in SQL.
 *
 * Row type, labels of the risk and the array of no names are found once per query.
 */
#include "pg/server/compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "core/learn/rules/early_warning.h"

#include "pg/predict/score.h"
#include "pg/server/errors.h"
#include "pg/server/memory.h"

PG_FUNCTION_INFO_V1(healthml_news2);
PG_FUNCTION_INFO_V1(healthml_mews);
PG_FUNCTION_INFO_V1(healthml_qsofa);

#define WARNING_COLUMNS 5
#define RISK_COLUMN 1

typedef struct WarningCall
{
	HmlContext ctx;
	TupleDesc result;
	Oid risks[HML_N_RISKS];
	Datum names[HML_N_VITALS];
	Datum no_names;
} WarningCall;

static WarningCall *
create_call(FunctionCallInfo fcinfo)
{
	MemoryContext caller = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	WarningCall *call = palloc0(sizeof(*call));
	TupleDesc desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE || desc->natts != WARNING_COLUMNS)
		elog(ERROR, "an early warning score must return healthml.early_warning");
	healthml_context_init(&call->ctx, fcinfo->flinfo->fn_mcxt);
	for (int risk = 0; risk < HML_N_RISKS; risk++)
		call->risks[risk] = healthml_risk_label(TupleDescAttr(desc, RISK_COLUMN)->atttypid, (HmlRisk) risk);
	for (int vital = 0; vital < HML_N_VITALS; vital++)
		call->names[vital] = CStringGetTextDatum(hml_vital_names[vital]);
	call->no_names = PointerGetDatum(construct_empty_array(TEXTOID));
	call->result = BlessTupleDesc(desc);
	fcinfo->flinfo->fn_extra = call;
	MemoryContextSwitchTo(caller);
	return call;
}

static WarningCall *
call_of(FunctionCallInfo fcinfo)
{
	return fcinfo->flinfo->fn_extra != NULL ? fcinfo->flinfo->fn_extra : create_call(fcinfo);
}

static double
number_argument(FunctionCallInfo fcinfo, int argument)
{
	return PG_ARGISNULL(argument) ? NAN : PG_GETARG_FLOAT8(argument);
}

/* The one letter of an argument, 0 where it is NULL or empty. */
static char
letter_argument(FunctionCallInfo fcinfo, int argument)
{
	text *given;
	char letter;

	if (PG_ARGISNULL(argument))
		return 0;
	given = PG_GETARG_TEXT_PP(argument);
	if (VARSIZE_ANY_EXHDR(given) == 0)
		return 0;
	letter = pg_ascii_toupper((unsigned char) VARDATA_ANY(given)[0]);
	if (VARSIZE_ANY_EXHDR(given) != 1 || strchr("ACVPU", letter) == NULL)
		ereport(
			ERROR,
			(errcode(ERRCODE_DATA_EXCEPTION),
			 errmsg("consciousness must be A, C, V, P or U, not \"%s\"", text_to_cstring(given)),
			 errhint("A is alert, C newly confused, V responds to voice, P to pain, U is unresponsive.")));
	return letter;
}

static Datum
missing_names(const WarningCall *call, unsigned missing)
{
	Datum names[HML_N_VITALS];
	int n = 0;

	if (missing == 0)
		return call->no_names;
	for (int vital = 0; vital < HML_N_VITALS; vital++)
		if (missing & (1u << vital))
			names[n++] = call->names[vital];
	return PointerGetDatum(construct_array(names, n, TEXTOID, -1, false, TYPALIGN_INT));
}

static Datum
result_of(const WarningCall *call, const HmlEarlyWarning *warning)
{
	Datum values[WARNING_COLUMNS] = {
		Int32GetDatum(warning->score), ObjectIdGetDatum(call->risks[warning->risk]),
		BoolGetDatum(warning->single_parameter_3), missing_names(call, warning->missing),
		CStringGetTextDatum(warning->response)};
	bool nulls[WARNING_COLUMNS] = {warning->nothing};

	return HeapTupleGetDatum(heap_form_tuple(call->result, values, nulls));
}

/* healthml.news2(respiration, spo2, on_oxygen, systolic_bp, pulse, consciousness, temperature, spo2_scale) */
Datum
healthml_news2(PG_FUNCTION_ARGS)
{
	WarningCall *call = call_of(fcinfo);
	HmlVitals vitals = {.respiration = number_argument(fcinfo, 0),
						.spo2 = number_argument(fcinfo, 1),
						.on_oxygen = PG_ARGISNULL(2) ? NAN : (double) PG_GETARG_BOOL(2),
						.systolic_bp = number_argument(fcinfo, 3),
						.pulse = number_argument(fcinfo, 4),
						.consciousness = letter_argument(fcinfo, 5),
						.temperature = number_argument(fcinfo, 6)};
	HmlEarlyWarning warning;

	healthml_check(&call->ctx,
				   hml_news2(&call->ctx, &vitals, PG_ARGISNULL(7) ? 1 : PG_GETARG_INT32(7), &warning));
	return result_of(call, &warning);
}

/* healthml.mews(respiration, systolic_bp, pulse, consciousness, temperature) */
Datum
healthml_mews(PG_FUNCTION_ARGS)
{
	WarningCall *call = call_of(fcinfo);
	HmlVitals vitals = {.respiration = number_argument(fcinfo, 0),
						.systolic_bp = number_argument(fcinfo, 1),
						.pulse = number_argument(fcinfo, 2),
						.consciousness = letter_argument(fcinfo, 3),
						.temperature = number_argument(fcinfo, 4)};
	HmlEarlyWarning warning;

	healthml_check(&call->ctx, hml_mews(&call->ctx, &vitals, &warning));
	return result_of(call, &warning);
}

/* healthml.qsofa(respiration, systolic_bp, consciousness) */
Datum
healthml_qsofa(PG_FUNCTION_ARGS)
{
	WarningCall *call = call_of(fcinfo);
	HmlVitals vitals = {.respiration = number_argument(fcinfo, 0),
						.systolic_bp = number_argument(fcinfo, 1),
						.consciousness = letter_argument(fcinfo, 2)};
	HmlEarlyWarning warning;

	healthml_check(&call->ctx, hml_qsofa(&call->ctx, &vitals, &warning));
	return result_of(call, &warning);
}
