/*
 * alerts.c
 *	  Alerts of the present transaction.
 *
 * A transaction that has notified cannot be prepared, and whether a row is an alert must not decide whether a
 * two-phase commit succeeds.  So alerts wait in memory until it is known how the transaction ends: a commit notifies,
 * PREPARE TRANSACTION writes them to healthml.pending_alert, from where healthml.send_alerts() notifies
 * later.  What a rolled back subtransaction has raised is forgotten with it.
 */
#include "pg/server/compat.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/async.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "pg/predict/alerts.h"
#include "pg/server/statement.h"

#define CHANNEL "healthml_alerts"

typedef struct Alert
{
	struct Alert *before;
	int level; /* of the subtransaction that raised it */
	char payload[FLEXIBLE_ARRAY_MEMBER];
} Alert;

static Alert *latest = NULL; /* in TopTransactionContext */

static HealthmlStatement insert_pending = {
	.sql = "INSERT INTO healthml.pending_alert (payload) VALUES ($1)",
	.writes = "pending_alert",
	.n_arguments = 1,
	.types = {TEXTOID},
};

void
healthml_alert(const char *payload)
{
	size_t size = strlen(payload) + 1;
	Alert *alert = MemoryContextAlloc(TopTransactionContext, offsetof(Alert, payload) + size);

	memcpy(alert->payload, payload, size);
	alert->before = latest;
	alert->level = GetCurrentTransactionNestLevel();
	latest = alert;
}

/* In the order in which they were raised. */
static Alert *
take_all(void)
{
	Alert *first = NULL;

	while (latest != NULL)
	{
		Alert *alert = latest;

		latest = alert->before;
		alert->before = first;
		first = alert;
	}
	return first;
}

static void
keep_pending(const Alert *alert)
{
	PushActiveSnapshot(GetTransactionSnapshot());
	SPI_connect();
	for (; alert != NULL; alert = alert->before)
	{
		Datum value = CStringGetTextDatum(alert->payload);

		healthml_execute(&insert_pending, &value, NULL, false);
	}
	SPI_finish();
	PopActiveSnapshot();
}

static void
transaction_ends(XactEvent event, void *arg)
{
	if (latest == NULL)
		return;
	if (event == XACT_EVENT_PRE_COMMIT)
	{
		for (const Alert *alert = take_all(); alert != NULL; alert = alert->before)
			Async_Notify(CHANNEL, alert->payload);
	}
	else if (event == XACT_EVENT_PRE_PREPARE)
		keep_pending(take_all());
	else
		latest = NULL;
}

static void
subtransaction_ends(SubXactEvent event, SubTransactionId id, SubTransactionId parent, void *arg)
{
	int level = GetCurrentTransactionNestLevel();

	if (event == SUBXACT_EVENT_ABORT_SUB)
		while (latest != NULL && latest->level >= level)
			latest = latest->before;
	else if (event == SUBXACT_EVENT_COMMIT_SUB)
		for (Alert *alert = latest; alert != NULL && alert->level >= level; alert = alert->before)
			alert->level = level - 1;
}

void
healthml_alerts_init(void)
{
	RegisterXactCallback(transaction_ends, NULL);
	RegisterSubXactCallback(subtransaction_ends, NULL);
}
