/*
 * reference.c
 *	  Model arguments: 'name', 'name@alias', 'name:version'.
 *
 * Names and aliases contain neither '@' nor ':' (a constraint of the tables), so
 * that the first of them splits a reference without doubt.
 */
#include "pg/server/compat.h"

#include "pg/registry/registry.h"

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"

static void
refuse(const char *argument, const char *detail)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("invalid model reference \"%s\"", argument), errdetail_internal("%s", detail),
					errhint("Write \"name\" for the champion, \"name@alias\" or \"name:version\".")));
}

static int32
parse_version(const char *argument, const char *digits)
{
	long version;
	char *end;

	errno = 0;
	version = strtol(digits, &end, 10);
	if (*digits < '0' || *digits > '9' || *end != '\0' || errno != 0 || version < 1 || version > PG_INT32_MAX)
		refuse(argument, "The version is not a number from 1 to 2147483647.");
	return (int32) version;
}

void
healthml_parse_reference(const char *argument, HealthmlReference *out)
{
	size_t length = strcspn(argument, "@:");
	const char *rest = argument + length + 1;

	if (length == 0)
		refuse(argument, "The name of the model is missing.");
	out->name = pnstrdup(argument, length);
	out->alias = NULL;
	out->version = 0;
	if (argument[length] == '\0')
		out->alias = "champion";
	else if (argument[length] == ':')
		out->version = parse_version(argument, rest);
	else if (*rest == '\0' || strpbrk(rest, "@:") != NULL)
		refuse(argument, "The alias is empty or contains \"@\" or \":\".");
	else
		out->alias = pstrdup(rest);
}

PG_FUNCTION_INFO_V1(healthml_resolve_model);

/* healthml.resolve_model(ref text) RETURNS (model_id, model, version, artifact_id) */
Datum
healthml_resolve_model(PG_FUNCTION_ARGS)
{
	HealthmlVersion version;
	TupleDesc desc;
	Datum values[4];
	bool nulls[4] = {false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "healthml.resolve_model must return a row");
	healthml_find_argument(text_to_cstring(PG_GETARG_TEXT_PP(0)), &version);
	values[0] = Int64GetDatum(version.model_id);
	values[1] = CStringGetTextDatum(version.model);
	values[2] = Int32GetDatum(version.version);
	values[3] = UUIDPGetDatum(&version.artifact_id);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}
