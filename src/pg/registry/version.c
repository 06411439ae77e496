/*
 * version.c
 *	  Writing a new version of a model.
 *
 * The number is taken, and the row of the model locked, only when the artifact
 * is ready: two trainings of one model run side by side and get two numbers.
 */
#include "pg/registry/registry.h"

#include "catalog/pg_type.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "pg/registry/adopt.h"
#include "pg/registry/guard.h"
#include "pg/server/document.h"
#include "pg/server/errors.h"
#include "pg/server/memory.h"
#include "pg/server/statement.h"

/* Takes the number that is given, or the next one, and holds the model's row until the transaction ends. */
static HealthmlStatement take_number = {
	.sql = "INSERT INTO healthml.model AS m (name, algorithm, task, last_version) "
		   "VALUES ($1, $2, $3, coalesce($4, 1)) "
		   "ON CONFLICT (name) WHERE model_id OPERATOR(pg_catalog.>) 0 DO UPDATE SET last_version = "
		   "greatest(m.last_version, coalesce($4, m.last_version OPERATOR(pg_catalog.+) 1)) "
		   "WHERE m.algorithm" EQUALS "EXCLUDED.algorithm RETURNING m.model_id, "
		   "coalesce($4, m.last_version)",
	.writes = "model",
	.n_arguments = 4,
	.types = {TEXTOID, TEXTOID, TEXTOID, INT4OID},
};

#define INSERTED 13

static HealthmlStatement insert_version = {
	.sql = "INSERT INTO healthml.model_version (model_id, version, artifact, artifact_id, features, params, "
		   "metrics, trained_on, trained_rows, duration, parent_version, target) "
		   "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, "
		   "pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) $10, "
		   "(SELECT a.version FROM healthml.model_alias a WHERE a.model_id" EQUALS "$1 AND a.alias" EQUALS
		   "'champion'), $13) "
		   "RETURNING ROW($11, version, $12, trained_rows, metrics, duration)::healthml.training_result",
	.writes = "model_version",
	.n_arguments = INSERTED,
	.types = {INT8OID, INT4OID, BYTEAOID, UUIDOID, TEXTARRAYOID, JSONBOID, JSONBOID, TEXTOID, INT8OID,
			  TIMESTAMPTZOID, TEXTOID, TEXTOID, TEXTOID},
};

static HealthmlStatement insert_champion = {
	.sql = "INSERT INTO healthml.model_alias (model_id, alias, version) VALUES ($1, 'champion', $2)",
	.n_arguments = 2,
	.types = {INT8OID, INT4OID},
};

/* The rule of the constraint model_name_is_plain, checked before the work, and explained in words. */
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
refuse_algorithm(const char *name, const char *present, const char *wanted)
{
	ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("model \"%s\" has algorithm \"%s\", not \"%s\"", name, present, wanted),
					errhint("All versions of a model have one algorithm; choose another name.")));
}

void
healthml_check_new_version(const char *name, const HmlAlgorithm *algorithm)
{
	const char *present;

	check_name(name);
	healthml_check_level("model_version", ACL_INSERT, "trainer");
	present = healthml_model_algorithm(name);
	if (present != NULL && strcmp(present, algorithm->name) != 0)
		refuse_algorithm(name, present, algorithm->name);
}

/* UUID of version 8 (RFC 9562): the first 128 bits of the SHA-256, six of them overwritten by the layout. */
pg_uuid_t
healthml_artifact_id_of(const void *bytes, size_t length)
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

/* What the reader would refuse later must not become a version. */
static void
check_readable(const HmlWriter *writer)
{
	MemoryContext memory =
		AllocSetContextCreate(CurrentMemoryContext, "healthml reading back", ALLOCSET_DEFAULT_SIZES);
	HmlContext ctx;
	HmlModel *model;

	healthml_context_init(&ctx, memory);
	if (hml_model_read(&ctx, writer->data, writer->length, &model) == HML_CORRUPT)
		healthml_raise_as(&ctx, ERRCODE_DATA_EXCEPTION);
	MemoryContextDelete(memory);
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
	check_readable(&writer);
	artifact = palloc(writer.length + VARHDRSZ);
	SET_VARSIZE(artifact, writer.length + VARHDRSZ);
	memcpy(VARDATA(artifact), writer.data, writer.length);
	hml_writer_free(&writer);
	return artifact;
}

Datum
healthml_feature_names(const HmlPipeline *pipeline)
{
	Datum *names = palloc(sizeof(Datum) * Max(pipeline->n_features, 1));
	size_t i;

	for (i = 0; i < pipeline->n_features; i++)
	{
		const char *name = pipeline->features[i].column.name;

		names[i] = CStringGetTextDatum(healthml_from_utf8(name));
	}
	return PointerGetDatum(
		construct_array(names, (int) pipeline->n_features, TEXTOID, -1, false, TYPALIGN_INT));
}

/* An algorithm that learns a target without classes predicts values. */
const char *
healthml_task_of(const HmlModel *model)
{
	if (model->algorithm->target_use == HML_TARGET_LEARNT && model->output_names == NULL)
		return "regression";
	return model->algorithm->task;
}

static void
take_version_number(const HealthmlNewVersion *new_version, Datum *model_id, Datum *version)
{
	const HmlAlgorithm *algorithm = new_version->content->algorithm;
	Datum values[4] = {CStringGetTextDatum(new_version->model), CStringGetTextDatum(algorithm->name),
					   CStringGetTextDatum(healthml_task_of(new_version->content)),
					   Int32GetDatum(new_version->number)};

	if (healthml_execute(&take_number, values, new_version->number == 0 ? "   n" : NULL, false) == 0)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("another session has made model \"%s\" with another algorithm than \"%s\"",
							   new_version->model, algorithm->name)));
	*model_id = healthml_result(1);
	*version = healthml_result(2);
}

Datum
healthml_register_version(const HealthmlNewVersion *new_version, int32 *version)
{
	bytea *artifact = artifact_of(new_version->content);
	pg_uuid_t id = healthml_artifact_id_of(VARDATA(artifact), VARSIZE(artifact) - VARHDRSZ);
	Datum values[INSERTED];
	char nulls[INSERTED + 1] = "            n";
	Datum result;

	SPI_connect();
	healthml_adopt_by_name(new_version->model);
	take_version_number(new_version, &values[0], &values[1]);
	values[2] = PointerGetDatum(artifact);
	values[3] = UUIDPGetDatum(&id);
	values[4] = healthml_feature_names(new_version->content->pipeline);
	values[5] = healthml_jsonb_of_json(new_version->content->params);
	values[6] = healthml_jsonb_of_json(new_version->metrics);
	values[7] = CStringGetTextDatum(new_version->trained_on);
	values[8] = Int64GetDatum(new_version->content->trained_rows);
	values[9] = TimestampTzGetDatum(new_version->started_at);
	values[10] = CStringGetTextDatum(new_version->model);
	values[11] = CStringGetTextDatum(new_version->content->algorithm->name);
	values[12] = (Datum) 0;
	if (new_version->target != NULL)
	{
		values[12] = CStringGetTextDatum(new_version->target);
		nulls[12] = ' ';
	}
	healthml_execute(&insert_version, values, nulls, false);
	result = SPI_datumTransfer(healthml_result(1), false, -1);
	*version = DatumGetInt32(values[1]);
	if (*version == 1 && new_version->number == 0)
		healthml_execute(&insert_champion, values, NULL, false);
	SPI_finish();
	return result;
}
