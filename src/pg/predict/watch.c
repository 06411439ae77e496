/*
 * watch.c
 *	  healthml.watch_window: the newest window of a subject, its state and its alert.
 *
 * The two tables are written here alone (guard.h), so that nobody can make up an
 * alert or quiet one.  All values are computed before a statement writes.
 */
#include "pg/server/compat.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "pg/server/arguments.h"
#include "pg/server/statement.h"

PG_FUNCTION_INFO_V1(healthml_watch_window);

/* One row: score, risk and is_anomaly of the window, no row where it has no score. */
static HealthmlStatement judge = {
	.sql = "SELECT a.score, a.risk, a.is_anomaly, a.model, a.version FROM healthml.assess(ARRAY(SELECT "
		   "pg_catalog.unnest($1)), $2) AS a WHERE healthml.lstm_autoencoder_score($1, $2) IS NOT NULL",
	.n_arguments = 2,
	.types = {FLOAT8ARRAYOID, TEXTOID},
};

/* source, model, subject, score, risk, is_anomaly: the state after this window. */
static HealthmlStatement update_state = {
	.sql = "INSERT INTO healthml.watch_state AS w (source, model, subject, score, risk, above, below) "
		   "VALUES ($1, $2, $3, $4, $5::text::healthml.risk_level, $6::int4, (NOT $6)::int4) "
		   "ON CONFLICT (source, model, subject) DO UPDATE SET score = EXCLUDED.score, risk = EXCLUDED.risk, "
		   "updated_at = pg_catalog.now(), above = CASE WHEN $6 THEN w.above OPERATOR(pg_catalog.+) 1 ELSE 0 "
		   "END, "
		   "below = CASE WHEN $6 THEN 0 ELSE w.below OPERATOR(pg_catalog.+) 1 END "
		   "RETURNING w.above, w.below, w.alert_id",
	.writes = "watch_state",
	.n_arguments = 6,
	.types = {TEXTOID, TEXTOID, TEXTOID, FLOAT8OID, TEXTOID, BOOLOID},
};

/* The features with the largest shares of the error, as jsonb. */
static HealthmlStatement find_reasons = {
	.sql =
		"SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('feature', e.feature, 'share', e.share) "
		"ORDER BY e.share DESC) FROM (SELECT s.feature, pg_catalog.sum(s.share) AS share FROM "
		"healthml.sequence_explain($1, $2) AS s GROUP BY s.feature ORDER BY 2 DESC LIMIT 3) AS e",
	.n_arguments = 2,
	.types = {FLOAT8ARRAYOID, TEXTOID},
};

static HealthmlStatement raise_alert = {
	.sql = "INSERT INTO healthml.vitals_alert (source, model, version, subject, score, risk, reasons) "
		   "VALUES ($1, $2, $3, $4, $5, $6::text::healthml.risk_level, $7) RETURNING alert_id",
	.writes = "vitals_alert",
	.n_arguments = 7,
	.types = {TEXTOID, TEXTOID, INT4OID, TEXTOID, FLOAT8OID, TEXTOID, JSONBOID},
};

static HealthmlStatement clear_alert = {
	.sql = "UPDATE healthml.vitals_alert SET cleared_at = pg_catalog.now() WHERE alert_id" EQUALS "$1",
	.writes = "vitals_alert",
	.n_arguments = 1,
	.types = {INT8OID},
};

static HealthmlStatement set_alert = {
	.sql = "UPDATE healthml.watch_state SET alert_id = $4 WHERE source" EQUALS "$1 AND model" EQUALS
		   "$2 AND subject" EQUALS "$3",
	.writes = "watch_state",
	.n_arguments = 4,
	.types = {TEXTOID, TEXTOID, TEXTOID, INT8OID},
};

static HealthmlStatement notify = {
	.sql = "SELECT pg_catalog.pg_notify('healthml_alerts', pg_catalog.jsonb_build_object('alert_id', $1, "
		   "'model', "
		   "$2, 'version', $3, 'subject', $4, 'risk', $5, 'score', $6, 'source', $7)::text)",
	.n_arguments = 7,
	.types = {INT8OID, TEXTOID, INT4OID, TEXTOID, TEXTOID, FLOAT8OID, TEXTOID},
};

typedef struct Window
{
	Datum source, model, subject, sequence; /* arguments */
	Datum score, risk, is_anomaly, version; /* of the window */
	Datum model_name;
} Window;

static Datum
column_of_first(int column, bool *is_null)
{
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, is_null);
}

static Datum
text_of_first(int column)
{
	return CStringGetTextDatum(SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column));
}

/* False where the window is too short or has too many gaps. */
static bool
judge_window(Window *window)
{
	Datum values[] = {window->sequence, window->model};

	if (healthml_execute(&judge, values, NULL, false) == 0)
		return false;
	window->score = healthml_result(1);
	window->risk = text_of_first(2);
	window->is_anomaly = healthml_result(3);
	window->model_name = text_of_first(4);
	window->version = healthml_result(5);
	return true;
}

static void
remember_alert(const Window *window, Datum alert_id, bool none)
{
	Datum values[] = {window->source, window->model, window->subject, alert_id};

	healthml_execute(&set_alert, values, none ? "   n" : NULL, false);
}

static void
raise_for(const Window *window)
{
	Datum explained[] = {window->sequence, window->model};
	bool no_reasons;
	Datum reasons;
	Datum alert_id;

	healthml_execute(&find_reasons, explained, NULL, false);
	reasons = column_of_first(1, &no_reasons);
	{
		Datum values[] = {window->source, window->model_name, window->version, window->subject,
						  window->score,  window->risk,       reasons};

		healthml_execute(&raise_alert, values, no_reasons ? "      n" : NULL, false);
		alert_id = healthml_result(1);
	}
	remember_alert(window, alert_id, false);
	{
		Datum values[] = {alert_id,     window->model_name, window->version, window->subject,
						  window->risk, window->score,      window->source};

		healthml_execute(&notify, values, NULL, false);
	}
}

/* healthml.watch_window(source, model, subject, sequence, alert_after, clear_after) */
Datum
healthml_watch_window(PG_FUNCTION_ARGS)
{
	Window window = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1), PG_GETARG_DATUM(2), PG_GETARG_DATUM(3)};
	int32 above;
	int32 below;
	Datum alert_id;
	bool quiet;

	SPI_connect();
	if (judge_window(&window))
	{
		Datum values[] = {window.source, window.model, window.subject,
						  window.score,  window.risk,  window.is_anomaly};

		healthml_execute(&update_state, values, NULL, false);
		above = DatumGetInt32(healthml_result(1));
		below = DatumGetInt32(healthml_result(2));
		alert_id = column_of_first(3, &quiet);
		if (quiet && above >= PG_GETARG_INT32(4))
			raise_for(&window);
		else if (!quiet && below >= PG_GETARG_INT32(5))
		{
			healthml_execute(&clear_alert, &alert_id, NULL, false);
			remember_alert(&window, alert_id, true);
		}
	}
	SPI_finish();
	PG_RETURN_VOID();
}
