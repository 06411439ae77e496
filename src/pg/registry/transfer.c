/*
 * transfer.c
 *	  Versions that were made elsewhere.
 *
 * The bytes come from a user and are checked like any damaged file.  What is
 * stored is written again from the model that was read, which gives the same
 * bytes, and so the same artifact id, as on the server that they come from.
 */
#include "pg/server/compat.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "pg/server/document.h"
#include "pg/server/errors.h"
#include "pg/server/memory.h"
#include "pg/registry/transfer.h"

Datum
healthml_import(FunctionCallInfo fcinfo, HealthmlImporter importer, Datum argument)
{
	HealthmlNewVersion new_version = {
		.metrics = "{}", .trained_on = "import", .started_at = GetCurrentTimestamp()};
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext memory = AllocSetContextCreate(caller, "healthml import", ALLOCSET_DEFAULT_SIZES);
	HmlContext ctx;
	HmlModel *model;
	int32 version;
	Datum result;

	PreventCommandDuringRecovery("import of a model");
	PreventCommandIfReadOnly("import of a model");
	MemoryContextSwitchTo(memory);
	healthml_context_init(&ctx, memory);
	healthml_limit_memory(&ctx);
	healthml_check(&ctx, importer(&ctx, argument, &model));
	new_version.model = text_to_cstring(PG_GETARG_TEXT_PP(0));
	new_version.content = model;
	healthml_check_new_version(new_version.model, model->algorithm);
	MemoryContextSwitchTo(caller);
	result = healthml_register_version(&new_version, &version);
	MemoryContextDelete(memory);
	return result;
}

static HmlStatus
read_model(HmlContext *ctx, Datum argument, HmlModel **out)
{
	bytea *artifact = DatumGetByteaPP(argument);

	return hml_model_read(ctx, VARDATA_ANY(artifact), VARSIZE_ANY_EXHDR(artifact), out);
}

PG_FUNCTION_INFO_V1(healthml_import_model);

/* healthml.import_model(model, artifact) RETURNS healthml.training_result */
Datum
healthml_import_model(PG_FUNCTION_ARGS)
{
	return healthml_import(fcinfo, read_model, PG_GETARG_DATUM(1));
}

/* ---- what is in an artifact ---- */

static Datum
class_names(const HmlModel *model)
{
	Datum *names = palloc(sizeof(Datum) * model->n_outputs);

	for (size_t i = 0; i < model->n_outputs; i++)
		names[i] = CStringGetTextDatum(healthml_from_utf8(model->output_names[i]));
	return PointerGetDatum(construct_array(names, (int) model->n_outputs, TEXTOID, -1, false, TYPALIGN_INT));
}

PG_FUNCTION_INFO_V1(healthml_describe_artifact);

/* healthml.describe_artifact(artifact): algorithm, task, features, params, trained_rows, classes */
Datum
healthml_describe_artifact(PG_FUNCTION_ARGS)
{
	TupleDesc desc;
	HmlContext ctx;
	HmlModel *model;
	Datum values[6];
	bool nulls[6] = {false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "healthml.describe_artifact must return a row");
	healthml_context_init(&ctx, CurrentMemoryContext);
	healthml_limit_memory(&ctx);
	healthml_check(&ctx, read_model(&ctx, PG_GETARG_DATUM(0), &model));
	values[0] = CStringGetTextDatum(model->algorithm->name);
	values[1] = CStringGetTextDatum(healthml_task_of(model));
	values[2] = healthml_feature_names(model->pipeline);
	values[3] = healthml_jsonb_of_json(model->params);
	values[4] = Int64GetDatum(model->trained_rows);
	nulls[5] = model->output_names == NULL;
	values[5] = nulls[5] ? (Datum) 0 : class_names(model);
	hml_model_free(model);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
