/*
 * guard.c
 *	  Tables that only this extension writes, and who may make it do so.
 *
 * Functions run with the rights of their caller, so whoever may keep predictions or train has INSERT on the tables.
 * A statement trigger on each of them refuses everything that does not come from this module: nobody can
 * make up a score, the bytes of a version, its author or the history of an alias.  The owner of the tables
 * and superusers pass, as a restore does; a subscription fires no statement trigger.
 *
 * The module says which table it is about to write in a variable that no SQL reaches, for the time of one
 * statement whose values are all computed.
 */
#include "pg/registry/guard.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "pg/server/statement.h"

static Oid open_table = InvalidOid;

static Oid
table_of(const char *name)
{
	return get_relname_relid(name, get_namespace_oid("healthml", false));
}

Oid
healthml_guard_open(const char *table)
{
	Oid before = open_table;

	open_table = table_of(table);
	return before;
}

void
healthml_guard_close(Oid before)
{
	open_table = before;
}

static void
refuse_level(const char *level)
{
	ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					errmsg("permission denied: role \"%s\" needs level \"%s\" of healthml",
						   GetUserNameFromId(GetUserId(), false), level),
					errhint("The owner of the extension grants it: SELECT healthml.grant_role('%s', '%s').",
							GetUserNameFromId(GetUserId(), false), level)));
}

void
healthml_check_level(const char *table, AclMode mode, const char *level)
{
	Oid relation = table_of(table);

	if (pg_class_aclmask(relation, GetUserId(), mode, ACLMASK_ALL) != mode)
		refuse_level(level);
}

PG_FUNCTION_INFO_V1(healthml_require_level);

/* healthml.require_level(level): raises where the current user lacks what the level is known by */
Datum
healthml_require_level(PG_FUNCTION_ARGS)
{
	static const struct
	{
		const char *level;
		const char *table;
		AclMode mode;
	} marks[] = {
		{"scorer", "prediction", ACL_INSERT},
		{"recorder", "outcome", ACL_INSERT},
		{"reader", "alias_history", ACL_SELECT},
		{"trainer", "model_version", ACL_INSERT},
	};
	char *level = text_to_cstring(PG_GETARG_TEXT_PP(0));

	for (size_t i = 0; i < lengthof(marks); i++)
	{
		if (strcmp(level, marks[i].level) != 0)
			continue;
		if (pg_attribute_aclcheck_all(table_of(marks[i].table), GetUserId(), marks[i].mode, ACLMASK_ANY) !=
				ACLCHECK_OK &&
			pg_class_aclcheck(table_of(marks[i].table), GetUserId(), marks[i].mode) != ACLCHECK_OK)
			refuse_level(level);
		PG_RETURN_VOID();
	}
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid level \"%s\"", level),
					errhint("The levels are scorer, recorder, reader and trainer.")));
	PG_RETURN_VOID();
}

static Relation
fired_on(FunctionCallInfo fcinfo, const char *name)
{
	TriggerData *data = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("healthml.%s() can only be called as a trigger", name)));
	return data->tg_relation;
}

PG_FUNCTION_INFO_V1(healthml_guard_write);

/* guard_write(), BEFORE INSERT OR UPDATE, FOR EACH STATEMENT */
Datum
healthml_guard_write(PG_FUNCTION_ARGS)
{
	Relation table = fired_on(fcinfo, "guard_write");

	if (RelationGetRelid(table) != open_table && !has_privs_of_role(GetUserId(), table->rd_rel->relowner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied: table \"healthml.%s\" is written by functions of healthml only",
						RelationGetRelationName(table)),
				 errhint("Its owner may write it, as a restore does.")));
	return PointerGetDatum(NULL);
}

/* ---- the history of aliases ---- */

static HealthmlStatement insert_history = {
	.sql = "INSERT INTO healthml.alias_history (model_id, model, alias, old_version, new_version, "
		   "is_rollback, below) "
		   "SELECT m.model_id, m.name, $2, $3, $4, $5, healthml.alias_beneath($1, $2, $4, $5) FROM "
		   "healthml.model m WHERE m.model_id" EQUALS "$1",
	.writes = "alias_history",
	.n_arguments = 5,
	.types = {INT8OID, TEXTOID, INT4OID, INT4OID, BOOLOID},
};

/* Positions of columns in sql/010-registry.sql. */
enum
{
	ALIAS_MODEL_ID = 1,
	ALIAS_ALIAS = 2,
	ALIAS_VERSION = 3,
	ALIAS_IS_ROLLBACK = 4
};

PG_FUNCTION_INFO_V1(healthml_record_alias_change);

/* record_alias_change(), AFTER INSERT OR UPDATE OR DELETE on healthml.model_alias, FOR EACH ROW */
Datum
healthml_record_alias_change(PG_FUNCTION_ARGS)
{
	Relation table = fired_on(fcinfo, "record_alias_change");
	TriggerData *data = (TriggerData *) fcinfo->context;
	bool is_update = TRIGGER_FIRED_BY_UPDATE(data->tg_event);
	HeapTuple old = TRIGGER_FIRED_BY_INSERT(data->tg_event) ? NULL : data->tg_trigtuple;
	HeapTuple new = TRIGGER_FIRED_BY_DELETE(data->tg_event) ? NULL
					: is_update                             ? data->tg_newtuple
															: data->tg_trigtuple;
	HeapTuple row = new != NULL ? new : old;
	TupleDesc desc = RelationGetDescr(table);
	char nulls[5] = {' ', ' ', old == NULL ? 'n' : ' ', new == NULL ? 'n' : ' ', ' '};
	Datum values[5];
	bool isnull;

	/* On a table of somebody else it would record what never happened. */
	if (RelationGetRelid(table) != table_of("model_alias") || !TRIGGER_FIRED_FOR_ROW(data->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("healthml.record_alias_change() is a row trigger of healthml.model_alias only")));
	/* A copy of a bundled model changes nothing that an alias means. */
	if (open_table == RelationGetRelid(table))
		return PointerGetDatum(NULL);
	values[0] = heap_getattr(row, ALIAS_MODEL_ID, desc, &isnull);
	values[1] = heap_getattr(row, ALIAS_ALIAS, desc, &isnull);
	values[2] = old == NULL ? (Datum) 0 : heap_getattr(old, ALIAS_VERSION, desc, &isnull);
	values[3] = new == NULL ? (Datum) 0 : heap_getattr(new, ALIAS_VERSION, desc, &isnull);
	values[4] = is_update ? heap_getattr(new, ALIAS_IS_ROLLBACK, desc, &isnull) : BoolGetDatum(false);
	SPI_connect();
	healthml_execute(&insert_history, values, nulls, false);
	SPI_finish();
	return PointerGetDatum(NULL);
}
