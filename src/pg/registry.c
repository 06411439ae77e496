/*
 * registry.c
 *	  Looking up, reading and writing model versions through SPI.
 *
 * A lookup runs under the caller's active snapshot (SPI read-only mode), so it
 * sees what the calling query sees.  Plans are prepared once per backend.
 * Operators are qualified because the caller's search_path is in force.
 */
#include "registry.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "errors.h"
#include "memory.h"

/* A statement and its plan, prepared on first use. */
typedef struct Statement
{
	const char *sql;
	int n_arguments;
	Oid types[11];
	SPIPlanPtr plan;
} Statement;

#define VERSION_COLUMNS "SELECT m.model_id, m.name, v.version, v.artifact_id FROM healthml.model m "
#define EQUALS " OPERATOR(pg_catalog.=) "

static Statement find_by_alias = {
	VERSION_COLUMNS "JOIN healthml.model_alias a ON a.model_id" EQUALS "m.model_id "
					"JOIN healthml.model_version v ON v.model_id" EQUALS "a.model_id AND v.version" EQUALS
					"a.version WHERE m.name" EQUALS "$1 AND a.alias" EQUALS "$2",
	2,
	{TEXTOID, TEXTOID},
	NULL};

static Statement find_by_version = {VERSION_COLUMNS "JOIN healthml.model_version v ON v.model_id" EQUALS
													"m.model_id "
													"WHERE m.name" EQUALS "$1 AND v.version" EQUALS "$2",
									2,
									{TEXTOID, INT4OID},
									NULL};

/* Versions with the same bytes are interchangeable; the oldest one stands for them. */
static Statement find_by_artifact = {VERSION_COLUMNS
									 "JOIN healthml.model_version v ON v.model_id" EQUALS "m.model_id "
									 "WHERE v.artifact_id" EQUALS "$1 ORDER BY v.version_id LIMIT 1",
									 1,
									 {UUIDOID},
									 NULL};

static Statement find_model = {
	"SELECT m.algorithm FROM healthml.model m WHERE m.name" EQUALS "$1", 1, {TEXTOID}, NULL};

static Statement read_artifact = {"SELECT v.artifact FROM healthml.model_version v WHERE v.artifact_id" EQUALS
								  "$1 LIMIT 1",
								  1,
								  {UUIDOID},
								  NULL};

/* Takes the next number and holds the model's row until the transaction ends. */
static Statement take_number = {
	"INSERT INTO healthml.model AS m (name, algorithm, task, last_version) VALUES ($1, $2, $3, 1) "
	"ON CONFLICT (name) DO UPDATE SET last_version = m.last_version OPERATOR(pg_catalog.+) 1 "
	"WHERE m.algorithm" EQUALS "EXCLUDED.algorithm RETURNING m.model_id, m.last_version",
	3,
	{TEXTOID, TEXTOID, TEXTOID},
	NULL};

static Statement insert_version = {
	"INSERT INTO healthml.model_version (model_id, version, artifact, artifact_id, features, params, "
	"metrics, "
	"trained_on, trained_rows, duration, parent_version) "
	"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, "
	"pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) $10, "
	"(SELECT a.version FROM healthml.model_alias a WHERE a.model_id" EQUALS "$1 AND a.alias" EQUALS
	"'champion')) "
	"RETURNING ROW((SELECT m.name FROM healthml.model m WHERE m.model_id" EQUALS "$1), version, $11, "
	"trained_rows, metrics, duration)::healthml.training_result",
	11,
	{INT8OID, INT4OID, BYTEAOID, UUIDOID, TEXTARRAYOID, JSONBOID, JSONBOID, TEXTOID, INT8OID, TIMESTAMPTZOID,
	 TEXTOID},
	NULL};

static Statement insert_champion = {
	"INSERT INTO healthml.model_alias (model_id, alias, version) VALUES ($1, 'champion', $2)",
	2,
	{INT8OID, INT4OID},
	NULL};

/* Between SPI_connect() and SPI_finish(); the result is in SPI_tuptable. */
static uint64
execute(Statement *statement, Datum *values, const char *nulls, bool read_only)
{
	int result;

	if (statement->plan == NULL)
	{
		SPIPlanPtr plan = SPI_prepare(statement->sql, statement->n_arguments, statement->types);

		if (plan == NULL)
			elog(ERROR, "could not prepare \"%s\": %s", statement->sql, SPI_result_code_string(SPI_result));
		SPI_keepplan(plan);
		statement->plan = plan;
	}
	result = SPI_execute_plan(statement->plan, values, nulls, read_only, 0);
	if (result < 0)
		elog(ERROR, "could not execute \"%s\": %s", statement->sql, SPI_result_code_string(result));
	return SPI_processed;
}

static Datum
result_column(int column)
{
	bool is_null;

	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, &is_null);
}

static void
copy_version(HealthmlVersion *out, MemoryContext caller)
{
	MemoryContext spi = MemoryContextSwitchTo(caller);

	out->model_id = DatumGetInt64(result_column(1));
	out->model = TextDatumGetCString(result_column(2));
	out->version = DatumGetInt32(result_column(3));
	out->artifact_id = *DatumGetUUIDP(result_column(4));
	MemoryContextSwitchTo(spi);
}

/* Say which part of a reference is wrong. */
static void
refuse_reference(const HealthmlReference *reference)
{
	Datum name = CStringGetTextDatum(reference->name);

	if (execute(&find_model, &name, NULL, true) == 0)
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

void
healthml_find_reference(const HealthmlReference *reference, HealthmlVersion *out)
{
	MemoryContext caller = CurrentMemoryContext;
	Statement *statement = reference->alias != NULL ? &find_by_alias : &find_by_version;
	Datum values[2];

	SPI_connect();
	values[0] = CStringGetTextDatum(reference->name);
	values[1] =
		reference->alias != NULL ? CStringGetTextDatum(reference->alias) : Int32GetDatum(reference->version);
	if (execute(statement, values, NULL, true) == 0)
		refuse_reference(reference);
	copy_version(out, caller);
	SPI_finish();
}

static void
refuse_artifact(const pg_uuid_t *artifact_id)
{
	char *id = DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(artifact_id)));

	ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("model artifact \"%s\" does not exist", id),
					errhint("healthml.versions lists the artifacts.")));
}

void
healthml_find_artifact(const pg_uuid_t *artifact_id, HealthmlVersion *out)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum id = UUIDPGetDatum(artifact_id);

	SPI_connect();
	if (execute(&find_by_artifact, &id, NULL, true) == 0)
		refuse_artifact(artifact_id);
	copy_version(out, caller);
	SPI_finish();
}

bytea *
healthml_read_artifact(const pg_uuid_t *artifact_id)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum id = UUIDPGetDatum(artifact_id);
	MemoryContext spi;
	bytea *artifact;

	SPI_connect();
	if (execute(&read_artifact, &id, NULL, true) == 0)
		refuse_artifact(artifact_id);
	spi = MemoryContextSwitchTo(caller);
	artifact = DatumGetByteaPCopy(result_column(1));
	MemoryContextSwitchTo(spi);
	SPI_finish();
	return artifact;
}

/* The rule of the constraint model_name_is_plain, told before the work and in words. */
static void
check_name(const char *name)
{
	size_t length = strlen(name);
	bool plain = length > 0 && pg_mbstrlen(name) <= 128 && name[0] != ' ' && name[length - 1] != ' ';
	const char *c;

	for (c = name; *c != '\0'; c++)
		plain = plain && *c != '@' && *c != ':' && (unsigned char) *c >= ' ' && *c != 0x7f;
	if (!plain)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME), errmsg("invalid model name \"%s\"", name),
				 errdetail("A name has 1 to 128 characters, no \"@\", \":\" or control character, and no "
						   "space at either end.")));
}

static void
check_insert_privilege(void)
{
	Oid relation = get_relname_relid("model_version", get_namespace_oid("healthml", false));
	AclResult result = pg_class_aclcheck(relation, GetUserId(), ACL_INSERT);

	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_TABLE, "model_version");
}

static void
refuse_algorithm(const char *name, const char *present, const char *wanted)
{
	ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("model \"%s\" has algorithm \"%s\", not \"%s\"", name, present, wanted),
					errhint("All versions of a model have one algorithm; choose another name.")));
}

void
healthml_check_new_version(const char *name, const HmlAlgorithm *algorithm)
{
	Datum value;

	check_name(name);
	check_insert_privilege();
	SPI_connect();
	value = CStringGetTextDatum(name);
	if (execute(&find_model, &value, NULL, true) > 0)
	{
		const char *present = TextDatumGetCString(result_column(1));

		if (strcmp(present, algorithm->name) != 0)
			refuse_algorithm(name, present, algorithm->name);
	}
	SPI_finish();
}

/* UUID of version 8 (RFC 9562): the first 128 bits of the SHA-256, six of them overwritten by the layout. */
static pg_uuid_t
artifact_id_of(const void *bytes, size_t length)
{
	uint8 digest[PG_SHA256_DIGEST_LENGTH];
	pg_uuid_t id;
	pg_cryptohash_ctx *hash = pg_cryptohash_create(PG_SHA256);

	if (hash == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	if (pg_cryptohash_init(hash) < 0 || pg_cryptohash_update(hash, bytes, length) < 0 ||
		pg_cryptohash_final(hash, digest, sizeof(digest)) < 0)
	{
		pg_cryptohash_free(hash);
		elog(ERROR, "could not compute SHA-256 of a model artifact");
	}
	pg_cryptohash_free(hash);
	memcpy(id.data, digest, UUID_LEN);
	id.data[6] = (id.data[6] & 0x0f) | 0x80;
	id.data[8] = (id.data[8] & 0x3f) | 0x80;
	return id;
}

static bytea *
artifact_of(const HmlModel *model)
{
	HmlContext ctx;
	HmlWriter writer;
	bytea *artifact;

	healthml_context_init(&ctx, CurrentMemoryContext);
	hml_writer_init(&writer, &ctx);
	healthml_check(&ctx, hml_model_write(model, &writer));
	if (writer.length > MaxAllocSize - VARHDRSZ)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("model of %zu bytes exceeds the limit of 1 GB", writer.length)));
	artifact = palloc(writer.length + VARHDRSZ);
	SET_VARSIZE(artifact, writer.length + VARHDRSZ);
	memcpy(VARDATA(artifact), writer.data, writer.length);
	hml_writer_free(&writer);
	return artifact;
}

static Datum
feature_names(const HmlPipeline *pipeline)
{
	Datum *names = palloc(sizeof(Datum) * Max(pipeline->n_features, 1));
	size_t i;

	for (i = 0; i < pipeline->n_features; i++)
	{
		const char *name = pipeline->features[i].column.name;

		names[i] = CStringGetTextDatum(pg_any_to_server(name, (int) strlen(name), PG_UTF8));
	}
	return PointerGetDatum(
		construct_array(names, (int) pipeline->n_features, TEXTOID, -1, false, TYPALIGN_INT));
}

static Datum
json_datum(const char *json)
{
	return DirectFunctionCall1(jsonb_in,
							   CStringGetDatum(pg_any_to_server(json, (int) strlen(json), PG_UTF8)));
}

static void
take_version_number(const HealthmlNewVersion *new_version, Datum *model_id, Datum *version)
{
	const HmlAlgorithm *algorithm = new_version->content->algorithm;
	Datum values[3] = {CStringGetTextDatum(new_version->model), CStringGetTextDatum(algorithm->name),
					   CStringGetTextDatum(algorithm->task)};

	if (execute(&take_number, values, NULL, false) == 0)
	{
		/* Another session has made the model meanwhile. */
		if (execute(&find_model, values, NULL, false) > 0)
			refuse_algorithm(new_version->model, TextDatumGetCString(result_column(1)), algorithm->name);
		elog(ERROR, "could not write model \"%s\"", new_version->model);
	}
	*model_id = result_column(1);
	*version = result_column(2);
}

Datum
healthml_register_version(const HealthmlNewVersion *new_version)
{
	bytea *artifact = artifact_of(new_version->content);
	pg_uuid_t id = artifact_id_of(VARDATA(artifact), VARSIZE(artifact) - VARHDRSZ);
	char nulls[12] = "           ";
	Datum values[11];
	Datum result;

	SPI_connect();
	take_version_number(new_version, &values[0], &values[1]);
	values[2] = PointerGetDatum(artifact);
	values[3] = UUIDPGetDatum(&id);
	values[4] = feature_names(new_version->content->pipeline);
	values[5] = json_datum(new_version->params);
	values[6] = json_datum(new_version->metrics);
	values[7] = CStringGetTextDatum(new_version->trained_on);
	values[8] = Int64GetDatum(new_version->content->trained_rows);
	values[9] = TimestampTzGetDatum(new_version->started_at);
	values[10] = CStringGetTextDatum(new_version->content->algorithm->name);
	execute(&insert_version, values, nulls, false);
	result = SPI_datumTransfer(result_column(1), false, -1);
	if (DatumGetInt32(values[1]) == 1)
		execute(&insert_champion, values, nulls, false);
	SPI_finish();
	return result;
}
