/*
 * transfer.c
 *	  Versions that were made elsewhere.
 *
 * The bytes come from a user and are checked like any damaged file.  What is
 * stored is written anew from the model that was read, which gives the same
 * bytes, and so the same artifact id, as on the server that they come from.
 */
#include "compat.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "document.h"
#include "errors.h"
#include "memory.h"
#include "transfer.h"

Datum
healthml_import(FunctionCallInfo fcinfo, HealthmlImporter importer, Datum argument)
{
	HealthmlNewVersion new_version = {
		.metrics = "{}", .trained_on = "import", .started_at = GetCurrentTimestamp()};
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext memory = AllocSetContextCreate(caller, "healthml import", ALLOCSET_DEFAULT_SIZES);
	HmlContext ctx;
	HmlModel *model;
	HmlStatus status;
	int32 version;
	Datum result;

	PreventCommandDuringRecovery("import of a model");
	PreventCommandIfReadOnly("import of a model");
	MemoryContextSwitchTo(memory);
	healthml_context_init(&ctx, memory);
	healthml_limit_memory(&ctx);
	status = importer(&ctx, argument, &model);
	if (status == HML_CORRUPT)
		healthml_raise_as(&ctx, ERRCODE_INVALID_BINARY_REPRESENTATION);
	healthml_check(&ctx, status);
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
