/*
 * params.c
 *	  Parameters checked against their tables, with messages for people.
 *
 * A parameter that two tables of the list declare is that of the first one, so
 * that an algorithm can give a shared parameter a default or range of its own.
 */
#include "core/data/params.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/number.h"

struct HmlParams
{
	size_t count;
	const HmlParamSpec **specs; /* (count), in the order of the tables */
	const HmlJson **values;     /* (count), never NULL */
	bool *given;                /* (count): not the default */
};

#define QUOTED_TEXT 60 /* bytes of a string */
#define QUOTED_SIZE (QUOTED_TEXT + 12)
#define RANGE_SIZE (2 * HML_NUMBER_SIZE + 32)
#define NAME_MAX_COMPARED 63

static const HmlJson null_value = {.type = HML_JSON_NULL};

/* A value as a message quotes it; long strings are cut. */
static const char *
quote_value(const HmlJson *value, char buffer[QUOTED_SIZE])
{
	char number[HML_NUMBER_SIZE];

	switch (value->type)
	{
		case HML_JSON_NULL:
			return "null";
		case HML_JSON_BOOL:
			return value->number != 0.0 ? "true" : "false";
		case HML_JSON_NUMBER:
			snprintf(buffer, QUOTED_SIZE, "%s", hml_number_format(number, value->number));
			return buffer;
		case HML_JSON_STRING:
			snprintf(buffer, QUOTED_SIZE, value->length > QUOTED_TEXT ? "\"%.*s...\"" : "\"%.*s\"",
					 hml_utf8_clip(value->string, QUOTED_TEXT), value->string);
			return buffer;
		case HML_JSON_ARRAY:
			return "an array";
		case HML_JSON_OBJECT:
			return "an object";
	}
	return "";
}

/* " between 1 and 10", " of at least 1", " of at most 10" or "". */
static const char *
range_text(const HmlParamSpec *spec, char buffer[RANGE_SIZE])
{
	char low[HML_NUMBER_SIZE];
	char high[HML_NUMBER_SIZE];

	hml_number_format(low, spec->min);
	hml_number_format(high, spec->max);
	if (isfinite(spec->min) && isfinite(spec->max))
		snprintf(buffer, RANGE_SIZE, " between %s and %s", low, high);
	else if (isfinite(spec->min))
		snprintf(buffer, RANGE_SIZE, " of at least %s", low);
	else if (isfinite(spec->max))
		snprintf(buffer, RANGE_SIZE, " of at most %s", high);
	else
		buffer[0] = '\0';
	return buffer;
}

/* Is 'text' one of the choices "a|b|c"? */
static bool
is_choice(const char *choices, const char *text, size_t length)
{
	for (const char *choice = choices; choice != NULL; choice = strchr(choice, '|'))
	{
		if (*choice == '|')
			choice++;
		if (strcspn(choice, "|") == length && memcmp(choice, text, length) == 0)
			return true;
	}
	return false;
}

/* The choices "a|b|c" as "a", "b" or "c", each in quotes, 'last' being what is in front of the last one. */
static void
choices_text(const char *choices, const char *last, char *buffer, size_t size)
{
	size_t used = 0;

	buffer[0] = '\0';
	for (const char *choice = choices; *choice != '\0' && used < size;)
	{
		size_t length = strcspn(choice, "|");
		bool more = choice[length] != '\0';
		const char *separator = choice == choices ? "" : more ? ", " : last;

		used += (size_t) snprintf(buffer + used, size - used, "%s\"%.*s\"", separator, (int) length, choice);
		choice += length + (more ? 1 : 0);
	}
}

/* Levenshtein distance of two short names. */
static size_t
edit_distance(const char *a, const char *b)
{
	size_t row[NAME_MAX_COMPARED + 1];
	size_t n = strlen(b);

	if (strlen(a) > NAME_MAX_COMPARED || n > NAME_MAX_COMPARED)
		return SIZE_MAX;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1] != '\0'; i++)
	{
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n; j++)
		{
			size_t best = diagonal + (a[i - 1] != b[j - 1]);

			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			diagonal = row[j];
			row[j] = best;
		}
	}
	return row[n];
}

static const HmlParamSpec *
closest_spec(const HmlParams *params, const char *name)
{
	const HmlParamSpec *closest = NULL;
	size_t least = strlen(name) / 3 + 1; /* one slip in three letters is a slip, more is another word */

	for (size_t i = 0; i < params->count; i++)
	{
		size_t distance = edit_distance(name, params->specs[i]->name);

		if (distance <= least && (closest == NULL || distance < least))
		{
			closest = params->specs[i];
			least = distance;
		}
	}
	return closest;
}

static HmlStatus
refuse_unknown(HmlContext *ctx, const char *owner, const HmlParams *params, const char *name)
{
	const HmlParamSpec *closest = closest_spec(params, name);
	char list[HML_MESSAGE_SIZE] = "";
	size_t used = 0;

	for (size_t i = 0; i < params->count && used < sizeof(list); i++)
		used += (size_t) snprintf(list + used, sizeof(list) - used, "%s%s", i > 0 ? ", " : "",
								  params->specs[i]->name);
	hml_fail(ctx, HML_UNDEFINED, "unrecognized parameter \"%.*s\" for algorithm \"%s\"",
			 hml_utf8_clip(name, QUOTED_TEXT), name, owner);
	if (closest != NULL)
		return hml_hint(ctx, "Perhaps you meant \"%s\". Valid parameters are: %s.", closest->name, list);
	return hml_hint(ctx, "Valid parameters are: %s.", list);
}

/* The subject of a message: the parameter, or one item of it (counted from 1; 0 = none). */
static HmlStatus
refuse_value(HmlContext *ctx, const HmlParamSpec *spec, size_t item, const char *wanted, const HmlJson *value)
{
	char quoted[QUOTED_SIZE];

	if (item > 0)
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "item %zu of parameter \"%s\" must be %s, not %s", item,
						spec->name, wanted, quote_value(value, quoted));
	return hml_fail(ctx, HML_INVALID_ARGUMENT, "parameter \"%s\" must be %s, not %s", spec->name, wanted,
					quote_value(value, quoted));
}

static HmlStatus
check_number(HmlContext *ctx, const HmlParamSpec *spec, size_t item, bool whole, const HmlJson *value)
{
	char range[RANGE_SIZE];
	char wanted[2 * RANGE_SIZE + 64];
	bool fits = value->type == HML_JSON_NUMBER && value->number >= spec->min && value->number <= spec->max &&
				(!whole || value->number == floor(value->number));

	if (fits)
		return HML_OK;
	if (HML_PARAM_KIND(spec->type) == HML_PARAM_NUMBER_OR_CHOICE)
	{
		char choices[RANGE_SIZE];

		choices_text(spec->choices, ", ", choices, sizeof(choices));
		snprintf(wanted, sizeof(wanted), "%s or a number%s", choices, range_text(spec, range));
	}
	else
		snprintf(wanted, sizeof(wanted), "%s%s", whole ? "an integer" : "a number", range_text(spec, range));
	return refuse_value(ctx, spec, item, wanted, value);
}

static HmlStatus
check_text(HmlContext *ctx, const HmlParamSpec *spec, size_t item, const HmlJson *value)
{
	char wanted[HML_MESSAGE_SIZE];

	if (value->type != HML_JSON_STRING)
		return refuse_value(ctx, spec, item, "a string", value);
	if (spec->choices == NULL || is_choice(spec->choices, value->string, value->length))
		return HML_OK;
	choices_text(spec->choices, " or ", wanted, sizeof(wanted));
	return refuse_value(ctx, spec, item, wanted, value);
}

/* An object, or where there are choices one of these. */
static HmlStatus
check_object(HmlContext *ctx, const HmlParamSpec *spec, const HmlJson *value)
{
	char choices[RANGE_SIZE];
	char wanted[RANGE_SIZE + 32];

	if (value->type == HML_JSON_OBJECT)
		return HML_OK;
	if (spec->choices == NULL)
		return refuse_value(ctx, spec, 0, "an object", value);
	if (value->type == HML_JSON_STRING && is_choice(spec->choices, value->string, value->length))
		return HML_OK;
	choices_text(spec->choices, ", ", choices, sizeof(choices));
	snprintf(wanted, sizeof(wanted), "%s or an object", choices);
	return refuse_value(ctx, spec, 0, wanted, value);
}

static HmlStatus
check_items(HmlContext *ctx, const HmlParamSpec *spec, const HmlJson *value)
{
	bool texts = HML_PARAM_KIND(spec->type) == HML_PARAM_TEXTS;

	if (value->type != HML_JSON_ARRAY)
		return refuse_value(ctx, spec, 0, texts ? "an array of strings" : "an array of integers", value);
	for (size_t i = 0; i < value->count; i++)
		HML_TRY(texts ? check_text(ctx, spec, i + 1, &value->items[i])
					  : check_number(ctx, spec, i + 1, true, &value->items[i]));
	return HML_OK;
}

static HmlStatus
check_value(HmlContext *ctx, const HmlParamSpec *spec, const HmlJson *value)
{
	switch (HML_PARAM_KIND(spec->type))
	{
		case HML_PARAM_INTEGER:
			return check_number(ctx, spec, 0, true, value);
		case HML_PARAM_NUMBER:
			return check_number(ctx, spec, 0, false, value);
		case HML_PARAM_BOOLEAN:
			return value->type == HML_JSON_BOOL ? HML_OK : refuse_value(ctx, spec, 0, "true or false", value);
		case HML_PARAM_TEXT:
			return check_text(ctx, spec, 0, value);
		case HML_PARAM_NUMBER_OR_CHOICE:
			if (value->type == HML_JSON_STRING && is_choice(spec->choices, value->string, value->length))
				return HML_OK;
			return check_number(ctx, spec, 0, false, value);
		case HML_PARAM_INTEGERS:
		case HML_PARAM_TEXTS:
			return check_items(ctx, spec, value);
		case HML_PARAM_OBJECT:
			return check_object(ctx, spec, value);
	}
	return hml_fail(ctx, HML_INTERNAL, "parameter \"%s\" has an unknown type", spec->name);
}

/* Position of a parameter, params->count where there is none. */
static size_t
find_spec(const HmlParams *params, const char *name)
{
	size_t i = 0;

	while (i < params->count && strcmp(params->specs[i]->name, name) != 0)
		i++;
	return i;
}

static HmlStatus
collect_specs(HmlArena *arena, const HmlParamSpec *const *tables, HmlParams *params)
{
	size_t most = 0;

	for (const HmlParamSpec *const *table = tables; *table != NULL; table++)
		for (const HmlParamSpec *spec = *table; spec->name != NULL; spec++)
			most++;
	HML_TRY(HML_ARENA_NEW(arena, &params->specs, most));
	HML_TRY(HML_ARENA_NEW(arena, &params->values, most));
	HML_TRY(HML_ARENA_NEW_ZERO(arena, &params->given, most));
	for (const HmlParamSpec *const *table = tables; *table != NULL; table++)
		for (const HmlParamSpec *spec = *table; spec->name != NULL; spec++)
			if (find_spec(params, spec->name) == params->count)
				params->specs[params->count++] = spec;
	return HML_OK;
}

HmlStatus
hml_params_parse(HmlArena *arena, const char *owner, const HmlParamSpec *const *specs, const HmlJson *given,
				 HmlParams **out)
{
	HmlContext *ctx = hml_arena_context(arena);
	char quoted[QUOTED_SIZE];
	HmlParams *params;

	*out = NULL;
	HML_TRY(HML_ARENA_NEW_ZERO(arena, &params, 1));
	HML_TRY(collect_specs(arena, specs, params));
	for (size_t i = 0; i < params->count; i++)
		HML_TRY(hml_json_parse(arena, params->specs[i]->fallback, strlen(params->specs[i]->fallback),
							   &params->values[i]));

	if (given != NULL && given->type != HML_JSON_OBJECT)
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "parameters must be a JSON object, not %s",
						quote_value(given, quoted));
	for (size_t i = 0; given != NULL && i < given->count; i++)
	{
		size_t at = find_spec(params, given->items[i].key);

		if (at == params->count)
			return refuse_unknown(ctx, owner, params, given->items[i].key);
		if (given->items[i].type == HML_JSON_NULL)
			continue;
		HML_TRY(check_value(ctx, params->specs[at], &given->items[i]));
		params->values[at] = &given->items[i];
		params->given[at] = true;
	}
	*out = params;
	return HML_OK;
}

const HmlJson *
hml_param_json(const HmlParams *params, const char *name)
{
	size_t at = find_spec(params, name);

	return at < params->count ? params->values[at] : &null_value;
}

bool
hml_param_is_set(const HmlParams *params, const char *name)
{
	return hml_param_json(params, name)->type != HML_JSON_NULL;
}

bool
hml_param_is_choice(const HmlParams *params, const char *name, const char *choice)
{
	const HmlJson *value = hml_param_json(params, name);

	return value->type == HML_JSON_STRING && strcmp(value->string, choice) == 0;
}

double
hml_param_number(const HmlParams *params, const char *name)
{
	return hml_param_json(params, name)->number;
}

int64_t
hml_param_integer(const HmlParams *params, const char *name)
{
	return (int64_t) hml_param_number(params, name);
}

bool
hml_param_boolean(const HmlParams *params, const char *name)
{
	return hml_param_number(params, name) != 0.0;
}

const char *
hml_param_text(const HmlParams *params, const char *name)
{
	return hml_param_json(params, name)->string;
}

void
hml_params_write(const HmlParams *params, HmlText *text)
{
	bool first = true;

	hml_text_add(text, "{");
	for (size_t i = 0; i < params->count; i++)
	{
		if ((params->specs[i]->type & HML_PARAM_IMPLIED) != 0 && !params->given[i])
			continue;
		if (!first)
			hml_text_add(text, ", ");
		first = false;
		hml_text_add_json_string(text, params->specs[i]->name);
		hml_text_add(text, ": ");
		hml_json_write(params->values[i], text);
	}
	hml_text_add(text, "}");
}
