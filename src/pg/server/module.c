/*
 * module.c
 *	  The shared library: magic block and configuration parameters.
 *
 * Little else happens at load time: no shared memory, no hooks, no threads, so
 * that the library needs no shared_preload_libraries and costs a backend that
 * does not use it nothing.
 */
#include "pg/server/compat.h"

#include <limits.h>

#include "fmgr.h"
#include "miscadmin.h"

#include "pg/predict/alerts.h"
#include "pg/registry/binding.h"
#include "pg/server/settings.h"
#include "pg/signal/recording.h"

PG_MODULE_MAGIC;

extern void _PG_init(void); /* declared by fmgr.h from version 15 on */

#define MODEL_CACHE_SIZE_LEAST 1024  /* kB */
#define MAX_MEMORY_LEAST (16 * 1024) /* kB */
#define JOURNAL_WORKERS_MOST 64

int healthml_model_cache_size = 256 * 1024;
int healthml_max_memory = 1024 * 1024;
int healthml_on_score_error = HEALTHML_SCORE_ERROR_WARN;
int healthml_notify_level = HEALTHML_NOTIFY_HIGH;
int healthml_max_journal_workers = 2;
bool healthml_verbose = false;

static const struct config_enum_entry on_score_error_options[] = {
	{"warn", HEALTHML_SCORE_ERROR_WARN, false},
	{"error", HEALTHML_SCORE_ERROR_ERROR, false},
	{NULL, 0, false},
};

static const struct config_enum_entry notify_level_options[] = {
	{"low", HEALTHML_NOTIFY_LOW, false},
	{"medium", HEALTHML_NOTIFY_MEDIUM, false},
	{"high", HEALTHML_NOTIFY_HIGH, false},
	{"none", HEALTHML_NOTIFY_NONE, false},
	{NULL, 0, false},
};

/* Within one module; what a server process cannot start without is left to PostgreSQL. */
static const char *
placeholder(const char *name)
{
	return process_shared_preload_libraries_in_progress ? NULL : GetConfigOption(name, true, false);
}

void
healthml_check_placeholder(const char *name, int least, int most, int flags)
{
	const char *value = placeholder(name);
	const char *hint = NULL;
	int number;

	if (value == NULL)
		return;
	if (!parse_int(value, &number, flags, &hint))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("invalid value for parameter \"%s\": \"%s\"", name, value),
						hint != NULL ? errhint("%s", _(hint)) : 0));
	if (number < least || number > most)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is outside the valid range for parameter \"%s\"", value, name),
				 errdetail("The range is %d .. %d%s.", least, most, flags == GUC_UNIT_KB ? " kB" : "")));
}

static void
check_word(const char *name, const struct config_enum_entry *options)
{
	const char *value = placeholder(name);

	if (value == NULL)
		return;
	for (; options->name != NULL; options++)
		if (pg_strcasecmp(value, options->name) == 0)
			return;
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("invalid value for parameter \"%s\": \"%s\"", name, value)));
}

static void
check_placeholders(void)
{
	healthml_check_placeholder("healthml.model_cache_size", MODEL_CACHE_SIZE_LEAST, INT_MAX, GUC_UNIT_KB);
	healthml_check_placeholder("healthml.max_memory", MAX_MEMORY_LEAST, INT_MAX, GUC_UNIT_KB);
	healthml_check_placeholder("healthml.max_journal_workers", 0, JOURNAL_WORKERS_MOST, 0);
	check_word("healthml.on_score_error", on_score_error_options);
	check_word("healthml.notify_level", notify_level_options);
	healthml_check_limits();
}

static void
define_memory_settings(void)
{
	DefineCustomIntVariable("healthml.model_cache_size",
							"Sets the memory that one backend may use for loaded models.",
							"The least recently used models are dropped first; a model in use is kept.",
							&healthml_model_cache_size, healthml_model_cache_size, MODEL_CACHE_SIZE_LEAST,
							INT_MAX, PGC_USERSET, GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"healthml.max_memory", "Sets the memory that one training, import or recording may use.",
		"A training source that does not fit is sampled uniformly.", &healthml_max_memory,
		healthml_max_memory, MAX_MEMORY_LEAST, INT_MAX, PGC_USERSET, GUC_UNIT_KB, NULL, NULL, NULL);
}

static void
define_trigger_settings(void)
{
	DefineCustomEnumVariable("healthml.on_score_error",
							 "Sets what a scoring trigger does with a row that it cannot score.",
							 "With \"warn\" the row is kept and the failure recorded; with \"error\" the row "
							 "is refused.",
							 &healthml_on_score_error, healthml_on_score_error, on_score_error_options,
							 PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomEnumVariable("healthml.notify_level",
							 "Sets the lowest risk that is notified on channel healthml_alerts.", NULL,
							 &healthml_notify_level, healthml_notify_level, notify_level_options, PGC_USERSET,
							 0, NULL, NULL, NULL);
}

void
_PG_init(void)
{
	check_placeholders();
	define_memory_settings();
	healthml_define_limits();
	define_trigger_settings();
	DefineCustomIntVariable(
		"healthml.max_journal_workers",
		"Sets how many trainings of the server may show their progress at the same time.",
		"Each takes one of max_worker_processes; the others write their journal at the end.",
		&healthml_max_journal_workers, healthml_max_journal_workers, 0, JOURNAL_WORKERS_MOST, PGC_SUSET, 0,
		NULL, NULL, NULL);
	DefineCustomBoolVariable("healthml.verbose", "Reports every epoch of a training by a notice.",
							 "The word is a keyword of SQL: SET healthml.\"verbose\" = on.",
							 &healthml_verbose, false, PGC_USERSET, 0, NULL, NULL, NULL);
	MarkGUCPrefixReserved("healthml");
	healthml_binding_init();
	healthml_alerts_init();
}
