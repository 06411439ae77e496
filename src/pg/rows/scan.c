/*
 * scan.c
 *	  Looking versions up by index, without a query.
 *
 * Only for users who may read all three tables whole; for others registry.c asks
 * a query.  An index that is not there costs a scan of its small table.
 */
#include "pg/rows/scan.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* Positions of columns in sql/010-registry.sql; upgrades only add columns at the end. */
enum
{
	MODEL_ID = 1,
	MODEL_NAME = 2
};
enum
{
	VERSION_ID = 1,
	VERSION_MODEL_ID = 2,
	VERSION_VERSION = 3,
	VERSION_ARTIFACT = 4,
	VERSION_ARTIFACT_ID = 5
};
enum
{
	ALIAS_MODEL_ID = 1,
	ALIAS_ALIAS = 2,
	ALIAS_VERSION = 3
};

/* The tables, open; the locks stay until the transaction ends. */
typedef struct Tables
{
	Oid schema;
	Relation model;
	Relation version;
	Relation alias;
} Tables;

/* The extension can be dropped while we wait for the lock. */
static Relation
open_table(Oid schema, const char *name)
{
	Oid oid = get_relname_relid(name, schema);
	Relation table = OidIsValid(oid) ? try_relation_open(oid, AccessShareLock) : NULL;

	if (table == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE), errmsg("table \"healthml.%s\" does not exist", name),
				 errhint("It belongs to extension \"healthml\": create or restore that again.")));
	return table;
}

static void
open_tables(Tables *tables)
{
	tables->schema = get_namespace_oid("healthml", false);
	tables->model = open_table(tables->schema, "model");
	tables->version = open_table(tables->schema, "model_version");
	tables->alias = open_table(tables->schema, "model_alias");
}

static void
close_tables(Tables *tables)
{
	table_close(tables->model, NoLock);
	table_close(tables->version, NoLock);
	table_close(tables->alias, NoLock);
}

static bool
may_read(Relation table)
{
	return !table->rd_rel->relrowsecurity &&
		   pg_class_aclcheck(RelationGetRelid(table), GetUserId(), ACL_SELECT) == ACLCHECK_OK;
}

static bool
may_read_tables(const Tables *tables)
{
	return may_read(tables->model) && may_read(tables->version) && may_read(tables->alias);
}

static ScanKeyData
key(Relation table, AttrNumber column, RegProcedure equals, Datum value)
{
	ScanKeyData result;

	ScanKeyEntryInitialize(&result, 0, column, BTEqualStrategyNumber, InvalidOid,
						   TupleDescAttr(RelationGetDescr(table), column - 1)->attcollation, equals, value);
	return result;
}

static SysScanDesc
begin_scan(const Tables *tables, Relation table, const char *index, ScanKeyData *keys, int n_keys)
{
	Oid index_id = get_relname_relid(index, tables->schema);

	return systable_beginscan(table, index_id, OidIsValid(index_id), GetActiveSnapshot(), n_keys, keys);
}

/* A copy of the only row that a unique index has for the keys, or NULL. */
static HeapTuple
find_row(const Tables *tables, Relation table, const char *index, ScanKeyData *keys, int n_keys)
{
	SysScanDesc scan = begin_scan(tables, table, index, keys, n_keys);
	HeapTuple row = systable_getnext(scan);

	if (HeapTupleIsValid(row))
		row = heap_copytuple(row);
	systable_endscan(scan);
	return row;
}

static Datum
column_of(Relation table, HeapTuple row, AttrNumber column)
{
	bool is_null;

	return heap_getattr(row, column, RelationGetDescr(table), &is_null);
}

/* Number of the version that a reference means, 0 = none. */
static int32
version_of(const Tables *tables, const HealthmlReference *reference, Datum model_id)
{
	ScanKeyData keys[2] = {key(tables->alias, ALIAS_MODEL_ID, F_INT8EQ, model_id),
						   key(tables->alias, ALIAS_ALIAS, F_TEXTEQ, (Datum) 0)};
	HeapTuple row;

	if (reference->alias == NULL)
		return reference->version;
	keys[1].sk_argument = CStringGetTextDatum(reference->alias);
	row = find_row(tables, tables->alias, "model_alias_pkey", keys, 2);
	return row == NULL ? 0 : DatumGetInt32(column_of(tables->alias, row, ALIAS_VERSION));
}

/*
 * The model of this name.  A copy of a bundled model, whose id is positive, stands before it; there is an index of
 * either kind.
 */
static HeapTuple
find_model(const Tables *tables, const char *name)
{
	HeapTuple best = NULL;

	for (int bundled = 0; bundled <= 1 && best == NULL; bundled++)
	{
		ScanKeyData name_key = key(tables->model, MODEL_NAME, F_TEXTEQ, CStringGetTextDatum(name));
		SysScanDesc scan = begin_scan(tables, tables->model,
									  bundled ? "model_bundled_name_key" : "model_name_key", &name_key, 1);
		HeapTuple row;

		while (HeapTupleIsValid(row = systable_getnext(scan)))
			if (best == NULL || DatumGetInt64(column_of(tables->model, row, MODEL_ID)) > 0)
				best = heap_copytuple(row);
		systable_endscan(scan);
	}
	return best;
}

static bool
find_reference(const Tables *tables, const HealthmlReference *reference, HealthmlVersion *out)
{
	HeapTuple model = find_model(tables, reference->name);
	ScanKeyData keys[2];
	HeapTuple version;

	if (model == NULL)
		return false;
	out->model_id = DatumGetInt64(column_of(tables->model, model, MODEL_ID));
	out->version = version_of(tables, reference, Int64GetDatum(out->model_id));
	keys[0] = key(tables->version, VERSION_MODEL_ID, F_INT8EQ, Int64GetDatum(out->model_id));
	keys[1] = key(tables->version, VERSION_VERSION, F_INT4EQ, Int32GetDatum(out->version));
	version = find_row(tables, tables->version, "model_version_model_id_version_key", keys, 2);
	if (version == NULL)
		return false;
	out->model = pstrdup(reference->name);
	out->artifact_id = *DatumGetUUIDP(column_of(tables->version, version, VERSION_ARTIFACT_ID));
	return true;
}

HealthmlScanResult
healthml_scan_reference(const HealthmlReference *reference, HealthmlVersion *out)
{
	HealthmlScanResult result = HEALTHML_SCAN_NOT_ALLOWED;
	Tables tables;

	open_tables(&tables);
	if (may_read_tables(&tables))
		result = find_reference(&tables, reference, out) ? HEALTHML_SCAN_FOUND : HEALTHML_SCAN_NOTHING;
	close_tables(&tables);
	return result;
}

/* The oldest version that has the artifact, or NULL. */
static HeapTuple
oldest_version(const Tables *tables, const pg_uuid_t *artifact_id)
{
	ScanKeyData id = key(tables->version, VERSION_ARTIFACT_ID, F_UUID_EQ, UUIDPGetDatum(artifact_id));
	SysScanDesc scan = begin_scan(tables, tables->version, "model_version_artifact_id", &id, 1);
	HeapTuple oldest = NULL;
	HeapTuple row;

	while (HeapTupleIsValid(row = systable_getnext(scan)))
		if (oldest == NULL || DatumGetInt64(column_of(tables->version, row, VERSION_ID)) <
								  DatumGetInt64(column_of(tables->version, oldest, VERSION_ID)))
			oldest = heap_copytuple(row);
	systable_endscan(scan);
	return oldest;
}

static bool
find_artifact(const Tables *tables, const pg_uuid_t *artifact_id, HealthmlVersion *out)
{
	HeapTuple version = oldest_version(tables, artifact_id);
	ScanKeyData id;
	HeapTuple model;

	if (version == NULL)
		return false;
	out->model_id = DatumGetInt64(column_of(tables->version, version, VERSION_MODEL_ID));
	out->version = DatumGetInt32(column_of(tables->version, version, VERSION_VERSION));
	out->artifact_id = *artifact_id;
	id = key(tables->model, MODEL_ID, F_INT8EQ, Int64GetDatum(out->model_id));
	model = find_row(tables, tables->model, "model_pkey", &id, 1);
	if (model == NULL)
		return false;
	out->model = TextDatumGetCString(column_of(tables->model, model, MODEL_NAME));
	return true;
}

HealthmlScanResult
healthml_scan_artifact(const pg_uuid_t *artifact_id, HealthmlVersion *out)
{
	HealthmlScanResult result = HEALTHML_SCAN_NOT_ALLOWED;
	Tables tables;

	open_tables(&tables);
	if (may_read_tables(&tables))
		result = find_artifact(&tables, artifact_id, out) ? HEALTHML_SCAN_FOUND : HEALTHML_SCAN_NOTHING;
	close_tables(&tables);
	return result;
}

HealthmlScanResult
healthml_scan_bytes(const pg_uuid_t *artifact_id, bytea **out)
{
	HealthmlScanResult result = HEALTHML_SCAN_NOT_ALLOWED;
	Tables tables;
	HeapTuple version;

	open_tables(&tables);
	if (may_read_tables(&tables))
	{
		version = oldest_version(&tables, artifact_id);
		result = version != NULL ? HEALTHML_SCAN_FOUND : HEALTHML_SCAN_NOTHING;
		if (version != NULL)
			*out = DatumGetByteaPCopy(column_of(tables.version, version, VERSION_ARTIFACT));
	}
	close_tables(&tables);
	return result;
}
