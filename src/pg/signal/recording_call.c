/*
 * recording_call.c
 *	  Arguments of functions that take a recording and a model.
 */
#include "pg/signal/recording_call.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

int
healthml_arguments_of(Oid function, char ***names, Oid **types)
{
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	char *modes;
	int n;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", function);
	n = get_func_arg_info(tuple, types, names, &modes);
	ReleaseSysCache(tuple);
	return n;
}

int
healthml_argument_place(char **names, int n, const char *name)
{
	for (int i = 0; names != NULL && i < n; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

static void
find_arguments(FunctionCallInfo fcinfo, HealthmlRecordingCall *call)
{
	char **names;
	Oid *types;
	int n = healthml_arguments_of(fcinfo->flinfo->fn_oid, &names, &types);

	n = Min(n, fcinfo->nargs);
	call->types = types;
	call->model = healthml_argument_place(names, n, "model");
	call->artifact_id = healthml_argument_place(names, n, "artifact_id");
	call->at_s = healthml_argument_place(names, n, "at_s");
	call->sample_rate = healthml_argument_place(names, n, "sample_rate");
	call->channels = healthml_argument_place(names, n, "channels");
	call->recording.is_array = types[0] == FLOAT4ARRAYOID;
}

static HealthmlRecordingCall *
create_call(FunctionCallInfo fcinfo)
{
	Oid function = fcinfo->flinfo->fn_oid;
	MemoryContext memory = fcinfo->flinfo->fn_mcxt;
	MemoryContext caller = MemoryContextSwitchTo(memory);
	HealthmlRecordingCall *call = palloc0(sizeof(*call));
	TupleDesc desc;

	call->recording.modality = healthml_modality_of_function(function);
	if (call->recording.modality == NULL)
		elog(ERROR, "function \"%s\" is not named after a kind of recording", get_func_name(function));
	find_arguments(fcinfo, call);
	if (get_call_result_type(fcinfo, NULL, &desc) == TYPEFUNC_COMPOSITE)
		call->result = BlessTupleDesc(desc);
	call->scorer = healthml_scorer_create(memory, NULL);
	call->scorer->modality = call->recording.modality;
	call->memory = AllocSetContextCreate(memory, "healthml recording", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(caller);
	fcinfo->flinfo->fn_extra = call;
	return call;
}

HealthmlRecordingCall *
healthml_recording_call(FunctionCallInfo fcinfo)
{
	return fcinfo->flinfo->fn_extra != NULL ? fcinfo->flinfo->fn_extra : create_call(fcinfo);
}

static double
number_argument(FunctionCallInfo fcinfo, const HealthmlRecordingCall *call, int argument)
{
	if (argument < 0 || PG_ARGISNULL(argument))
		return NAN;
	return call->types[argument] == FLOAT4OID ? PG_GETARG_FLOAT4(argument) : PG_GETARG_FLOAT8(argument);
}

bool
healthml_take_arguments(FunctionCallInfo fcinfo, HealthmlRecordingCall *call)
{
	HealthmlRecording *recording = &call->recording;
	bool has_channels = call->channels >= 0 && !PG_ARGISNULL(call->channels);
	int model = call->artifact_id >= 0 ? call->artifact_id : call->model;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(model))
		return false;
	if (call->artifact_id >= 0)
		healthml_scorer_use_artifact(call->scorer, PG_GETARG_UUID_P(model));
	else
		healthml_scorer_use_reference(call->scorer, PG_GETARG_TEXT_PP(model));
	recording->datum = PG_GETARG_DATUM(0);
	recording->at_s = number_argument(fcinfo, call, call->at_s);
	recording->sample_rate = number_argument(fcinfo, call, call->sample_rate);
	recording->channels = has_channels ? PG_GETARG_DATUM(call->channels) : (Datum) 0;
	return true;
}

const HmlEncoder *
healthml_feature_encoder(const HmlModality *modality)
{
	for (const HmlAlgorithm *const *algorithm = hml_algorithms; *algorithm != NULL; algorithm++)
	{
		const HmlEncoder *encoder = (*algorithm)->encoder;

		if (encoder != NULL && encoder->modality == modality && encoder->n_features > 0)
			return encoder;
	}
	elog(ERROR, "no algorithm makes features of a recording of kind \"%s\"", modality->name);
}
