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

#include "pg/registry/binding.h"
#include "pg/server/settings.h"
#include "pg/signal/recording.h"

PG_MODULE_MAGIC;

extern void _PG_init(void); /* declared by fmgr.h from version 15 on */

int healthml_model_cache_size = 256 * 1024;
int healthml_max_memory = 1024 * 1024;
int healthml_on_score_error = HEALTHML_SCORE_ERROR_WARN;
int healthml_notify_level = HEALTHML_NOTIFY_HIGH;
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

static void
define_memory_settings(void)
{
	DefineCustomIntVariable("healthml.model_cache_size",
							"Sets the memory that one backend may use for loaded models.",
							"The least recently used models are dropped first; a model in use is kept.",
							&healthml_model_cache_size, healthml_model_cache_size, 1024, INT_MAX, PGC_USERSET,
							GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"healthml.max_memory", "Sets the memory that one training, import or recording may use.",
		"A training source that does not fit is sampled uniformly.", &healthml_max_memory,
		healthml_max_memory, 16 * 1024, INT_MAX, PGC_USERSET, GUC_UNIT_KB, NULL, NULL, NULL);
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
	define_memory_settings();
	healthml_define_limits();
	define_trigger_settings();
	DefineCustomBoolVariable("healthml.verbose", "Reports every epoch of a training by a notice.",
							 "The word is a keyword of SQL: SET healthml.\"verbose\" = on.",
							 &healthml_verbose, false, PGC_USERSET, 0, NULL, NULL, NULL);
	MarkGUCPrefixReserved("healthml");
	healthml_binding_init();
}
