/*
 * meaning.c
 *	  Settings that change what the text of a query means.
 *
 * A source that a role registers is read later in a session of another role.  '2024-01-03' is another moment in another
 * time zone, and a custom setting that a filter reads is whatever that session says; so what the registering
 * session had is recorded, and adopted where the source is read.
 */
#include "pg/server/meaning.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/guc_tables.h"

#include "pg/server/document.h"
#include "core/base/text.h"
#include "pg/server/errors.h"
#include "pg/server/memory.h"

static const char *const meaningful[] = {
	"DateStyle",
	"IntervalStyle",
	"TimeZone",
	"timezone_abbreviations",
	"extra_float_digits",
	"lc_monetary",
	"lc_numeric",
	"lc_time",
	"array_nulls",
	"bytea_output",
	"default_text_search_config",
	"xmlbinary",
	"xmloption",
	"transform_null_equals",
	"backslash_quote",
};

static struct config_generic **
all_settings(int *n)
{
#if PG_VERSION_NUM >= 160000
	return get_guc_variables(n);
#else
	*n = GetNumConfigOptions();
	return get_guc_variables();
#endif
}

/* A setting of an extension or of an application, which every role may set; ours change no meaning. */
static bool
is_custom(const struct config_generic *setting)
{
	return strchr(setting->name, '.') != NULL && setting->context == PGC_USERSET &&
		   strncmp(setting->name, "healthml.", strlen("healthml.")) != 0;
}

static bool
is_among(const char *name, const HealthmlSetting *settings, int n)
{
	for (int i = 0; i < n; i++)
		if (pg_strcasecmp(settings[i].name, name) == 0)
			return true;
	return false;
}

static void
set(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

void
healthml_adopt_meaning(const HealthmlSetting *settings, int n)
{
	int n_all;
	struct config_generic **all = all_settings(&n_all);
	const char **foreign = palloc(sizeof(*foreign) * Max(n_all, 1));
	int n_foreign = 0;

	/* Setting one may move the table. */
	for (int i = 0; i < n_all; i++)
		if (is_custom(all[i]) && (all[i]->flags & GUC_CUSTOM_PLACEHOLDER) &&
			!is_among(all[i]->name, settings, n))
			foreign[n_foreign++] = pstrdup(all[i]->name);
	for (int i = 0; i < n_foreign; i++)
		set(foreign[i], "");
	for (int i = 0; i < n; i++)
		set(settings[i].name, settings[i].value);
}

static void
add(HmlText *json, const char *name, const char *value)
{
	if (value == NULL)
		return;
	hml_text_add(json, json->length == 0 ? "{" : ",");
	hml_text_add_json_string(json, name);
	hml_text_add(json, ":");
	hml_text_add_json_string(json, value);
}

PG_FUNCTION_INFO_V1(healthml_session_meaning);

/* healthml.session_meaning() RETURNS jsonb */
Datum
healthml_session_meaning(PG_FUNCTION_ARGS)
{
	HmlContext ctx;
	HmlText json;
	const char *text;
	int n;
	struct config_generic **all = all_settings(&n);

	healthml_context_init(&ctx, CurrentMemoryContext);
	hml_text_init(&json, &ctx);
	for (size_t i = 0; i < lengthof(meaningful); i++)
		add(&json, meaningful[i], GetConfigOption(meaningful[i], true, false));
	for (int i = 0; i < n; i++)
		if (is_custom(all[i]))
			add(&json, all[i]->name, GetConfigOption(all[i]->name, true, false));
	hml_text_add(&json, json.length == 0 ? "{}" : "}");
	healthml_check(&ctx, hml_text_finish(&json, &text));
	PG_RETURN_DATUM(healthml_jsonb_of_json(text));
}
