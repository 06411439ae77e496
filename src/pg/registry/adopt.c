/*
 * adopt.c
 *	  Making a bundled model one's own.
 *
 * The rows of a bundled model have negative ids and never change, so that every installation has the same ones and
 * no dump carries them.  Before something about such a model changes, it is copied to rows with ids from the
 * sequences, which a dump carries; from then on its name means the copy.
 */
#include "pg/registry/adopt.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "pg/registry/guard.h"
#include "pg/server/statement.h"

/* created_at is copied: by it sql/390-shipped-models.sql recognises a restored model as a copy. */
static HealthmlStatement copy_model = {
	.sql = "INSERT INTO healthml.model (name, algorithm, task, description, last_version, created_at, "
		   "created_by) "
		   "SELECT m.name, m.algorithm, m.task, m.description, m.last_version, m.created_at, m.created_by "
		   "FROM healthml.model m WHERE m.model_id" EQUALS "$1 "
		   "ON CONFLICT (name) WHERE model_id OPERATOR(pg_catalog.>) 0 DO NOTHING RETURNING model_id",
	.writes = "model",
	.n_arguments = 1,
	.types = {INT8OID},
};

static HealthmlStatement find_copy = {
	.sql = "SELECT own.model_id FROM healthml.model m JOIN healthml.model own ON own.name" EQUALS "m.name "
		   "WHERE m.model_id" EQUALS "$1 AND own.model_id OPERATOR(pg_catalog.>) 0",
	.n_arguments = 1,
	.types = {INT8OID},
};

static HealthmlStatement copy_versions = {
	.sql = "INSERT INTO healthml.model_version (model_id, version, artifact, artifact_id, features, params, "
		   "metrics, "
		   "trained_on, trained_rows, duration, parent_version, created_at, created_by) "
		   "SELECT $2, v.version, v.artifact, v.artifact_id, v.features, v.params, v.metrics, "
		   "v.trained_on, v.trained_rows, v.duration, v.parent_version, v.created_at, v.created_by "
		   "FROM healthml.model_version v WHERE v.model_id" EQUALS "$1",
	.writes = "model_version",
	.n_arguments = 2,
	.types = {INT8OID, INT8OID},
};

static HealthmlStatement copy_aliases = {
	.sql = "INSERT INTO healthml.model_alias (model_id, alias, version) "
		   "SELECT $2, a.alias, a.version FROM healthml.model_alias a WHERE a.model_id" EQUALS "$1",
	.writes = "model_alias",
	.n_arguments = 2,
	.types = {INT8OID, INT8OID},
};

static HealthmlStatement find_bundled = {
	.sql = "SELECT m.model_id FROM healthml.model m WHERE m.name" EQUALS "$1 "
		   "AND m.model_id OPERATOR(pg_catalog.<) 0 AND NOT EXISTS (SELECT FROM healthml.model own "
		   "WHERE own.name" EQUALS "$1 AND own.model_id OPERATOR(pg_catalog.>) 0)",
	.n_arguments = 1,
	.types = {TEXTOID},
};

/* Within SPI. */
static int64
adopt(int64 model_id)
{
	Datum values[2] = {Int64GetDatum(model_id)};

	if (healthml_execute(&copy_model, values, NULL, false) == 0)
	{
		/* Another session was first. */
		if (healthml_execute(&find_copy, values, NULL, false) == 0)
			ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
							errmsg("model " INT64_FORMAT " does not exist", model_id)));
		return DatumGetInt64(healthml_result(1));
	}
	values[1] = healthml_result(1);
	healthml_execute(&copy_versions, values, NULL, false);
	healthml_execute(&copy_aliases, values, NULL, false);
	return DatumGetInt64(values[1]);
}

void
healthml_adopt_by_name(const char *name)
{
	Datum value = CStringGetTextDatum(name);

	if (healthml_execute(&find_bundled, &value, NULL, false) > 0)
		adopt(DatumGetInt64(healthml_result(1)));
}

PG_FUNCTION_INFO_V1(healthml_adopt_model);

/* healthml.adopt_model(model_id) RETURNS bigint */
Datum
healthml_adopt_model(PG_FUNCTION_ARGS)
{
	int64 model_id = PG_GETARG_INT64(0);

	if (model_id > 0)
		PG_RETURN_INT64(model_id);
	healthml_check_level("model_version", ACL_INSERT, "trainer");
	SPI_connect();
	model_id = adopt(model_id);
	SPI_finish();
	PG_RETURN_INT64(model_id);
}
