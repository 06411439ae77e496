/*
 * membership.c
 *	  What federated_join has registered of a federation, and who may ask.
 *
 * The table is read with the rights of its owner, because the role of a coordinator has none on it.
 */
#include "pg/federated/membership.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "pg/server/statement.h"

static Oid
owner_of_registry(void)
{
	Oid schema = get_namespace_oid("healthml", false);
	Oid table = get_relname_relid("federation_membership", schema);
	Relation relation = table_open(table, AccessShareLock);
	Oid owner = relation->rd_rel->relowner;

	table_close(relation, AccessShareLock);
	return owner;
}

static HealthmlStatement find_membership = {
	.sql =
		"SELECT m.source, m.target, m.search_path, m.owner::pg_catalog.oid, m.coordinator::pg_catalog.oid, "
		"m.secure_only, coalesce(m.accept_as, ''), m.promote_accepted FROM healthml.federation_membership m "
		"WHERE m.federation" EQUALS "$1",
	.n_arguments = 1,
	.types = {TEXTOID},
};

static HealthmlStatement find_settings = {
	.sql = "SELECT s.key, s.value FROM healthml.federation_membership m, "
		   "pg_catalog.jsonb_each_text(m.settings) s "
		   "WHERE m.federation" EQUALS "$1",
	.n_arguments = 1,
	.types = {TEXTOID},
};

static char *
copy_text_result(MemoryContext memory, int column)
{
	return MemoryContextStrdup(memory, TextDatumGetCString(healthml_result(column)));
}

static void
read_settings(HealthmlMembership *membership, Datum *values, MemoryContext memory)
{
	membership->n_settings = (int) healthml_execute(&find_settings, values, NULL, true);
	membership->settings =
		MemoryContextAlloc(memory, sizeof(HealthmlSetting) * Max(membership->n_settings, 1));
	for (int i = 0; i < membership->n_settings; i++)
	{
		HeapTuple row = SPI_tuptable->vals[i];
		char *value = SPI_getvalue(row, SPI_tuptable->tupdesc, 2);

		membership->settings[i].name =
			MemoryContextStrdup(memory, SPI_getvalue(row, SPI_tuptable->tupdesc, 1));
		membership->settings[i].value = MemoryContextStrdup(memory, value != NULL ? value : "");
	}
}

static bool
read_membership(HealthmlMembership *membership)
{
	MemoryContext memory = CurrentMemoryContext;
	Datum values[1] = {CStringGetTextDatum(membership->federation)};
	bool found;

	SPI_connect();
	found = healthml_execute(&find_membership, values, NULL, true) > 0;
	if (found)
	{
		membership->source = copy_text_result(memory, 1);
		membership->target = copy_text_result(memory, 2);
		membership->search_path = copy_text_result(memory, 3);
		membership->owner = DatumGetObjectId(healthml_result(4));
		membership->coordinator = DatumGetObjectId(healthml_result(5));
		membership->secure_only = DatumGetBool(healthml_result(6));
		membership->accept_as = copy_text_result(memory, 7);
		membership->promote_accepted = DatumGetBool(healthml_result(8));
		read_settings(membership, values, memory);
	}
	SPI_finish();
	return found;
}

void
healthml_find_federation(HealthmlMembership *membership)
{
	Oid caller;
	int security;
	bool found;

	GetUserIdAndSecContext(&caller, &security);
	SetUserIdAndSecContext(owner_of_registry(), security | SECURITY_LOCAL_USERID_CHANGE);
	found = read_membership(membership);
	SetUserIdAndSecContext(caller, security);
	if (!found || !(has_privs_of_role(caller, membership->coordinator) || caller == membership->owner))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("no federation \"%s\" is open to role \"%s\"", membership->federation,
							   GetUserNameFromId(caller, false)),
						errhint("The owner of the data opens one with healthml.federated_join.")));
}
