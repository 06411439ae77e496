/*
 * receive.c
 *	  A version that another server has, under the number that it has there.
 *
 * One name and number mean one artifact on every server: the same bytes are kept once, and other bytes under a number
 * that is taken are refused.  The bytes are read like those of any import before they are kept.
 */
#include "pg/server/compat.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "pg/registry/registry.h"
#include "pg/server/errors.h"
#include "pg/server/memory.h"
#include "pg/server/statement.h"

static HealthmlStatement find_number = {
	.sql =
		"SELECT v.artifact_id FROM healthml.versions v WHERE v.model" EQUALS "$1 AND v.version" EQUALS "$2",
	.n_arguments = 2,
	.types = {TEXTOID, INT4OID},
};

/* Whether the number is taken by these bytes; raises where it is taken by others. */
static bool
is_kept(const char *model, int32 version, const bytea *artifact)
{
	pg_uuid_t id = healthml_artifact_id_of(VARDATA_ANY(artifact), VARSIZE_ANY_EXHDR(artifact));
	Datum values[2] = {CStringGetTextDatum(model), Int32GetDatum(version)};
	bool taken, same = false;

	SPI_connect();
	taken = healthml_execute(&find_number, values, NULL, false) > 0;
	if (taken)
		same = memcmp(DatumGetUUIDP(healthml_result(1))->data, id.data, UUID_LEN) == 0;
	SPI_finish();
	if (taken && !same)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("version %d of model \"%s\" is another artifact here", version, model),
						errhint("A version never changes: drop the model here, or give one of the two "
								"another name.")));
	return same;
}

/* Keep the version unless it is here; false if it is. */
static bool
receive(HealthmlNewVersion *new_version, const bytea *artifact)
{
	HmlContext ctx;
	HmlModel *model;
	int32 version;

	healthml_context_init(&ctx, CurrentMemoryContext);
	healthml_limit_memory(&ctx);
	healthml_check(&ctx, hml_model_read(&ctx, VARDATA_ANY(artifact), VARSIZE_ANY_EXHDR(artifact), &model));
	healthml_check_new_version(new_version->model, model->algorithm);
	if (is_kept(new_version->model, new_version->number, artifact))
		return false;
	new_version->content = model;
	(void) healthml_register_version(new_version, &version);
	return true;
}

PG_FUNCTION_INFO_V1(healthml_receive_version);

/* (model, version, artifact, trained_on text, metrics jsonb, target text) RETURNS boolean */
Datum
healthml_receive_version(PG_FUNCTION_ARGS)
{
	HealthmlNewVersion new_version = {.model = text_to_cstring(PG_GETARG_TEXT_PP(0)),
									  .trained_on = text_to_cstring(PG_GETARG_TEXT_PP(3)),
									  .metrics =
										  DatumGetCString(DirectFunctionCall1(jsonb_out, PG_GETARG_DATUM(4))),
									  .target = text_to_cstring(PG_GETARG_TEXT_PP(5)),
									  .started_at = GetCurrentTimestamp(),
									  .number = PG_GETARG_INT32(1)};

	if (new_version.number < 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("version %d is below the minimum of 1", new_version.number)));
	if (new_version.target[0] == '\0')
		new_version.target = NULL;
	PreventCommandDuringRecovery("receiving a model");
	PreventCommandIfReadOnly("receiving a model");
	PG_RETURN_BOOL(receive(&new_version, PG_GETARG_BYTEA_PP(2)));
}
