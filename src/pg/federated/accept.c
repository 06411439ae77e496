/*
 * accept.c
 *	  The global model of a federation comes back to a client.
 *
 * The coordinator brings bytes and metrics; they become a version of the model that the data's owner named when joining,
 * made with the owner's rights, and the champion only where the owner said so.  The bytes are read like those of
 * any import before they are kept.
 */
#include "pg/server/compat.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "pg/federated/membership.h"
#include "pg/registry/registry.h"
#include "pg/server/errors.h"
#include "pg/server/memory.h"
#include "pg/server/statement.h"

static HealthmlStatement find_accepted = {
	.sql =
		"SELECT v.version FROM healthml.versions v WHERE v.model" EQUALS "$1 AND v.artifact_id" EQUALS "$2 "
		"ORDER BY v.version",
	.n_arguments = 2,
	.types = {TEXTOID, UUIDOID},
};

static HealthmlStatement promote_accepted = {
	.sql = "SELECT healthml.promote($1, $2)",
	.n_arguments = 2,
	.types = {TEXTOID, INT4OID},
};

/* Version of the owner's model that has these bytes, 0 = none. */
static int32
accepted_before(const char *model, const bytea *artifact)
{
	pg_uuid_t id = healthml_artifact_id_of(VARDATA_ANY(artifact), VARSIZE_ANY_EXHDR(artifact));
	Datum values[2] = {CStringGetTextDatum(model), UUIDPGetDatum(&id)};
	int32 version = 0;

	SPI_connect();
	if (healthml_execute(&find_accepted, values, NULL, false) > 0)
		version = DatumGetInt32(healthml_result(1));
	SPI_finish();
	return version;
}

static void
promote(const char *model, int32 version)
{
	Datum values[2] = {CStringGetTextDatum(model), Int32GetDatum(version)};

	SPI_connect();
	healthml_execute(&promote_accepted, values, NULL, false);
	SPI_finish();
}

/* With the rights of the owner, who named the model and has to have level trainer. */
static int32
keep_accepted(const HealthmlMembership *membership, bytea *artifact, HealthmlNewVersion *new_version)
{
	int32 version = accepted_before(new_version->model, artifact);

	if (version != 0)
		return version;
	healthml_check_new_version(new_version->model, new_version->content->algorithm);
	(void) healthml_register_version(new_version, &version);
	if (membership->promote_accepted)
		promote(new_version->model, version);
	return version;
}

PG_FUNCTION_INFO_V1(healthml_federated_accept);

/* (federation text, version integer, artifact bytea, metrics jsonb) RETURNS integer */
Datum
healthml_federated_accept(PG_FUNCTION_ARGS)
{
	HealthmlMembership membership = {.federation = text_to_cstring(PG_GETARG_TEXT_PP(0))};
	bytea *artifact = PG_GETARG_BYTEA_PP(2);
	HealthmlNewVersion new_version = {
		.metrics = DatumGetCString(DirectFunctionCall1(jsonb_out, PG_GETARG_DATUM(3))),
		.trained_on = psprintf("federation \"%s\", version %d", membership.federation, PG_GETARG_INT32(1)),
		.started_at = GetCurrentTimestamp()};
	HmlContext ctx;
	HmlModel *model;
	Oid caller;
	int security;
	int32 version;

	healthml_find_federation(&membership);
	new_version.model = membership.accept_as;
	if (membership.accept_as[0] == '\0')
		ereport(
			ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("the owner of the data accepts no model of federation \"%s\"", membership.federation),
			 errhint(
				 "The owner does so with healthml.federated_join(..., accept_as => 'name of a model').")));
	healthml_context_init(&ctx, CurrentMemoryContext);
	healthml_limit_memory(&ctx);
	healthml_check(&ctx, hml_model_read(&ctx, VARDATA_ANY(artifact), VARSIZE_ANY_EXHDR(artifact), &model));
	new_version.content = model;
	GetUserIdAndSecContext(&caller, &security);
	SetUserIdAndSecContext(membership.owner,
						   security | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
	version = keep_accepted(&membership, artifact, &new_version);
	SetUserIdAndSecContext(caller, security);
	PG_RETURN_INT32(version);
}
