/*
 * source.c
 *	  Rows from a table, a view or one SELECT.
 *
 * Rows come straight from the executor through a DestReceiver: they are neither
 * copied nor collected, and the plan may be a parallel one.  While the query
 * runs nothing can be written (readonly.c), so that what it calls cannot either.
 */
#include "pg/rows/source.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "tcop/dest.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/varlena.h"

#include "pg/rows/features.h"
#include "pg/rows/readonly.h"

/* "schema.table" as a query, or NULL where 'source' is not a name. */
static const char *
query_of_relation(const char *source)
{
	List *names;
	ListCell *cell;
	StringInfoData query;

	if (!SplitIdentifierString(pstrdup(source), '.', &names) || names == NIL)
		return NULL;
	initStringInfo(&query);
	appendStringInfoString(&query, "SELECT * FROM ");
	foreach (cell, names)
	{
		if (cell != list_head(names))
			appendStringInfoChar(&query, '.');
		appendStringInfoString(&query, quote_identifier((const char *) lfirst(cell)));
	}
	return query.data;
}

static void
refuse(const char *query, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("source must be a table, a view or one SELECT"),
			 errdetail("%s", detail), errcontext("source: %s", query)));
}

/* Only what an analysed query shows for certain; what its functions do is seen when it runs. */
static void
check_query(const char *query, SPIPlanPtr plan)
{
	List *statements = SPI_plan_get_plan_sources(plan);
	CachedPlanSource *statement;
	Query *tree;

	if (list_length(statements) != 1)
		refuse(query, statements == NIL ? "There is no statement." : "There is more than one statement.");
	statement = linitial(statements);
	if (list_length(statement->query_list) != 1)
		refuse(query, "The statement is rewritten into several ones by a rule.");
	tree = linitial_node(Query, statement->query_list);
	if (tree->commandType != CMD_SELECT)
		refuse(query, "The statement is not a SELECT.");
	if (tree->hasModifyingCTE)
		refuse(query, "The WITH clause changes data.");
	if (tree->rowMarks != NIL)
		refuse(query, "The SELECT locks rows.");
}

HealthmlSource *
healthml_source_open(const char *source)
{
	HealthmlSource *result = palloc0(sizeof(*result));

	result->query = query_of_relation(source);
	if (result->query == NULL)
		result->query = pstrdup(source);
	result->plan = SPI_prepare(result->query, 0, NULL);
	if (result->plan == NULL)
		refuse(result->query, "The statement cannot be prepared.");
	check_query(result->query, result->plan);
	result->columns = ((CachedPlanSource *) linitial(SPI_plan_get_plan_sources(result->plan)))->resultDesc;
	return result;
}

int
healthml_source_column(const HealthmlSource *source, const char *name)
{
	TupleDesc desc = source->columns;
	int found = -1;

	for (int i = 0; i < desc->natts; i++)
	{
		if (strcmp(NameStr(TupleDescAttr(desc, i)->attname), name) != 0)
			continue;
		if (found >= 0)
			ereport(ERROR, (errcode(ERRCODE_AMBIGUOUS_COLUMN),
							errmsg("the source has more than one column \"%s\"", name)));
		found = i;
	}
	if (found < 0)
	{
		const char *similar = healthml_similar_column(desc, name);

		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN), errmsg("the source has no column \"%s\"", name),
				 similar != NULL ? errhint("There is \"%s\"; names are case-sensitive.", similar) : 0));
	}
	return found;
}

typedef struct RowReceiver
{
	DestReceiver base;
	HealthmlRowFunction on_row;
	void *user;
	MemoryContext row_memory;
} RowReceiver;

static void
start_rows(DestReceiver *self, int operation, TupleDesc desc)
{
}

static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	RowReceiver *receiver = (RowReceiver *) self;
	MemoryContext caller = MemoryContextSwitchTo(receiver->row_memory);

	receiver->on_row(receiver->user, slot);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(receiver->row_memory);
	return true;
}

static void
end_rows(DestReceiver *self)
{
}

static void
add_context(void *arg)
{
	errcontext("while reading a source, which cannot change data");
}

void
healthml_source_read(const HealthmlSource *source, HealthmlRowFunction on_row, void *user)
{
	RowReceiver receiver = {
		.base = {.receiveSlot = receive_row,
				 .rStartup = start_rows,
				 .rShutdown = end_rows,
				 .rDestroy = end_rows,
				 .mydest = DestNone},
		.on_row = on_row,
		.user = user,
		.row_memory = AllocSetContextCreate(CurrentMemoryContext, "healthml row", ALLOCSET_DEFAULT_SIZES)};
	SPIExecuteOptions options = {.read_only = true, .dest = &receiver.base};
	ErrorContextCallback context = {.callback = add_context, .arg = NULL, .previous = error_context_stack};
	HealthmlReadOnly saved;
	volatile int result = 0;

	error_context_stack = &context;
	healthml_read_only_begin(&saved);
	PG_TRY();
	{
		result = SPI_execute_plan_extended(source->plan, &options);
	}
	PG_FINALLY();
	{
		healthml_read_only_end(&saved);
	}
	PG_END_TRY();
	error_context_stack = context.previous;
	if (result < 0)
		elog(ERROR, "could not read source \"%s\": %s", source->query, SPI_result_code_string(result));
	MemoryContextDelete(receiver.row_memory);
}
