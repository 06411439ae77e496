/*
 * registry.c
 *	  Looking up and reading model versions.
 *
 * A lookup runs under the caller's active snapshot, so it sees what the calling
 * query sees.  It goes by index (scan.c) or, where the user's privileges are for
 * the executor to judge, through SPI.
 */
#include "pg/registry/registry.h"

#include <ctype.h>

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

#include "pg/registry/guard.h"
#include "pg/rows/scan.h"
#include "pg/server/statement.h"

#define SELECT_VERSION \
	"SELECT m.model_id, m.name, v.version, v.artifact_id " \
	"FROM healthml.model m JOIN healthml.model_version v ON v.model_id" EQUALS "m.model_id "

/* A copy of a bundled model, whose id is positive, stands before it. */
#define OWN_OR_BUNDLED "(SELECT pg_catalog.max(n.model_id) FROM healthml.model n WHERE n.name" EQUALS "$1) "

static HealthmlStatement find_by_alias = {
	.sql = SELECT_VERSION "JOIN healthml.model_alias a ON a.model_id" EQUALS "m.model_id AND a.version" EQUALS
						  "v.version WHERE m.model_id" EQUALS OWN_OR_BUNDLED "AND a.alias" EQUALS "$2",
	.n_arguments = 2,
	.types = {TEXTOID, TEXTOID},
};

static HealthmlStatement find_by_version = {
	.sql = SELECT_VERSION "WHERE m.model_id" EQUALS OWN_OR_BUNDLED "AND v.version" EQUALS "$2",
	.n_arguments = 2,
	.types = {TEXTOID, INT4OID},
};

/* Versions with the same bytes are interchangeable; the oldest one stands for them. */
static HealthmlStatement find_by_artifact = {
	.sql = SELECT_VERSION "WHERE v.artifact_id" EQUALS "$1 ORDER BY v.version_id LIMIT 1",
	.n_arguments = 1,
	.types = {UUIDOID},
};

static HealthmlStatement find_algorithm = {
	.sql = "SELECT m.algorithm FROM healthml.model m WHERE m.name" EQUALS "$1 ORDER BY m.model_id DESC",
	.n_arguments = 1,
	.types = {TEXTOID},
};

static HealthmlStatement read_artifact = {
	.sql = "SELECT v.artifact FROM healthml.model_version v WHERE v.artifact_id" EQUALS "$1 LIMIT 1",
	.n_arguments = 1,
	.types = {UUIDOID},
};

const char *
healthml_model_algorithm(const char *name)
{
	MemoryContext caller = CurrentMemoryContext;
	const char *algorithm = NULL;
	Datum value;

	SPI_connect();
	value = CStringGetTextDatum(name);
	if (healthml_execute(&find_algorithm, &value, NULL, true) > 0)
		algorithm = MemoryContextStrdup(caller, TextDatumGetCString(healthml_result(1)));
	SPI_finish();
	return algorithm;
}

static void
copy_version(HealthmlVersion *out, MemoryContext caller)
{
	MemoryContext spi = MemoryContextSwitchTo(caller);

	out->model_id = DatumGetInt64(healthml_result(1));
	out->model = TextDatumGetCString(healthml_result(2));
	out->version = DatumGetInt32(healthml_result(3));
	out->artifact_id = *DatumGetUUIDP(healthml_result(4));
	MemoryContextSwitchTo(spi);
}

/* Raise where no query could answer, and say what is missing. */
static void
check_may_look(void)
{
	Oid table = get_relname_relid("model_version", get_namespace_oid("healthml", false));

	if (pg_class_aclcheck(table, GetUserId(), ACL_SELECT) != ACLCHECK_OK &&
		pg_attribute_aclcheck(table, get_attnum(table, "artifact_id"), GetUserId(), ACL_SELECT) !=
			ACLCHECK_OK)
		healthml_check_level("model_version", ACL_SELECT, "scorer");
}

/* Say which part of a reference is wrong. */
static void
refuse_reference(const HealthmlReference *reference)
{
	check_may_look();
	if (healthml_model_algorithm(reference->name) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("model \"%s\" does not exist", reference->name),
				 errhint("healthml.models lists the models; healthml.train makes one.")));
	if (reference->alias != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("model \"%s\" has no alias \"%s\"", reference->name, reference->alias),
				 errhint("healthml.versions lists versions and aliases; healthml.set_alias sets one.")));
	ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
					errmsg("model \"%s\" has no version %d", reference->name, reference->version),
					errhint("healthml.versions lists the versions.")));
}

static bool
query_reference(const HealthmlReference *reference, HealthmlVersion *out)
{
	MemoryContext caller = CurrentMemoryContext;
	HealthmlStatement *statement = reference->alias != NULL ? &find_by_alias : &find_by_version;
	Datum values[2];
	bool found;

	check_may_look();
	SPI_connect();
	values[0] = CStringGetTextDatum(reference->name);
	values[1] =
		reference->alias != NULL ? CStringGetTextDatum(reference->alias) : Int32GetDatum(reference->version);
	found = healthml_execute(statement, values, NULL, true) > 0;
	if (found)
		copy_version(out, caller);
	SPI_finish();
	return found;
}

void
healthml_find_reference(const HealthmlReference *reference, HealthmlVersion *out)
{
	HealthmlScanResult result = healthml_scan_reference(reference, out);

	if (result == HEALTHML_SCAN_NOTHING ||
		(result == HEALTHML_SCAN_NOT_ALLOWED && !query_reference(reference, out)))
		refuse_reference(reference);
}

static void
refuse_artifact(const pg_uuid_t *artifact_id)
{
	char *id = DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(artifact_id)));

	check_may_look();
	ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("model artifact \"%s\" does not exist", id),
					errhint("healthml.versions lists the artifacts.")));
}

static bool
query_artifact(const pg_uuid_t *artifact_id, HealthmlVersion *out)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum id = UUIDPGetDatum(artifact_id);
	bool found;

	check_may_look();
	SPI_connect();
	found = healthml_execute(&find_by_artifact, &id, NULL, true) > 0;
	if (found)
		copy_version(out, caller);
	SPI_finish();
	return found;
}

void
healthml_find_artifact(const pg_uuid_t *artifact_id, HealthmlVersion *out)
{
	HealthmlScanResult result = healthml_scan_artifact(artifact_id, out);

	if (result == HEALTHML_SCAN_NOTHING ||
		(result == HEALTHML_SCAN_NOT_ALLOWED && !query_artifact(artifact_id, out)))
		refuse_artifact(artifact_id);
}

#define UUID_TEXT_LENGTH 36

static bool
is_uuid(const char *argument)
{
	if (strlen(argument) != UUID_TEXT_LENGTH)
		return false;
	for (int i = 0; i < UUID_TEXT_LENGTH; i++)
	{
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? argument[i] != '-' : !isxdigit((unsigned char) argument[i]))
			return false;
	}
	return true;
}

void
healthml_find_argument(const char *argument, HealthmlVersion *out)
{
	HealthmlReference reference;

	if (is_uuid(argument) && healthml_model_algorithm(argument) == NULL)
	{
		Datum id = DirectFunctionCall1(uuid_in, CStringGetDatum(argument));

		healthml_find_artifact(DatumGetUUIDP(id), out);
		return;
	}
	healthml_parse_reference(argument, &reference);
	healthml_find_reference(&reference, out);
}

static bool
query_bytes(const pg_uuid_t *artifact_id, bytea **out)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum id = UUIDPGetDatum(artifact_id);
	bool found;

	SPI_connect();
	found = healthml_execute(&read_artifact, &id, NULL, true) > 0;
	if (found)
	{
		MemoryContext spi = MemoryContextSwitchTo(caller);

		*out = DatumGetByteaPCopy(healthml_result(1));
		MemoryContextSwitchTo(spi);
	}
	SPI_finish();
	return found;
}

bytea *
healthml_read_artifact(const pg_uuid_t *artifact_id)
{
	bytea *artifact = NULL;
	HealthmlScanResult result = healthml_scan_bytes(artifact_id, &artifact);

	if (result == HEALTHML_SCAN_NOTHING ||
		(result == HEALTHML_SCAN_NOT_ALLOWED && !query_bytes(artifact_id, &artifact)))
		refuse_artifact(artifact_id);
	return artifact;
}
