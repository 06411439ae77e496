/*
 * rules_parse.c
 *	  Rules from JSON, checked, with messages that name feature and rule.
 */
#include <math.h>
#include <string.h>

#include "core/base/sort.h"
#include "core/learn/rules/rules.h"

#define FIRST_CAPACITY 16

HmlStatus
hml_rule_add(HmlRuleList *list, const HmlRule *rule)
{
	if (list->n == HML_MAX_RULES)
		return hml_fail(hml_arena_context(list->arena), HML_LIMIT, "too many rules: more than %d",
						HML_MAX_RULES);
	if (list->n == list->capacity)
	{
		size_t capacity = list->capacity > 0 ? 2 * list->capacity : FIRST_CAPACITY;
		HmlRule *rules;

		HML_TRY(HML_ARENA_NEW(list->arena, &rules, capacity));
		if (list->n > 0)
			memcpy(rules, list->rules, list->n * sizeof(*rules));
		list->rules = rules;
		list->capacity = capacity;
	}
	list->rules[list->n++] = *rule;
	return HML_OK;
}

/* ---- categories ------------------------------------------------------------------------------------ */

static void
collect(const char **texts, size_t *n, const char *text)
{
	for (size_t i = 0; i < *n; i++)
		if (strcmp(texts[i], text) == 0)
			return;
	texts[(*n)++] = text;
}

static HmlStatus
extend_categories(HmlArena *arena, HmlFeature *feature, const HmlJson *rules)
{
	HmlCategories *categories = &feature->column.categories;
	size_t most = categories->count + 1 + (rules != NULL ? rules->count : 0);
	size_t n = 0;
	const char **texts;
	double *shares;

	HML_TRY(HML_ARENA_NEW(arena, &texts, most));
	HML_TRY(HML_ARENA_NEW_ZERO(arena, &shares, most));
	for (size_t i = 0; i < categories->count; i++)
		texts[n++] = categories->texts[i];
	collect(texts, &n, "");
	for (size_t i = 0; rules != NULL && rules->type == HML_JSON_ARRAY && i < rules->count; i++)
	{
		const HmlJson *equals = hml_json_get(&rules->items[i], "equals");

		if (equals != NULL && equals->type == HML_JSON_STRING)
			collect(texts, &n, equals->string);
	}
	hml_sort_texts(texts, n);
	for (size_t i = 0, old = 0; i < n && old < categories->count; i++)
		if (strcmp(texts[i], categories->texts[old]) == 0)
			shares[i] = feature->shares[old++];
	for (size_t i = 0; i < n; i++)
	{
		char *copy;

		HML_TRY(hml_arena_strdup(arena, texts[i], strlen(texts[i]), &copy));
		texts[i] = copy;
	}
	categories->texts = texts;
	categories->count = n;
	feature->shares = shares;
	return HML_OK;
}

HmlStatus
hml_rules_add_categories(HmlArena *arena, HmlPipeline *pipeline, const HmlJson *json)
{
	for (size_t f = 0; f < pipeline->n_features; f++)
	{
		HmlFeature *feature = &pipeline->features[f];

		if (feature->column.kind == HML_COLUMN_CATEGORY)
			HML_TRY(extend_categories(arena, feature, hml_json_get(json, feature->column.name)));
	}
	return HML_OK;
}

/* ---- rules ----------------------------------------------------------------------------------------- */

typedef struct Parse
{
	HmlContext *ctx;
	const HmlPipeline *pipeline;
	const HmlFeature *feature;
	size_t number; /* of the rule, from 1 */
} Parse;

static HmlStatus
refuse(const Parse *parse, const char *what)
{
	return hml_fail(parse->ctx, HML_INVALID_ARGUMENT, "rule %zu of feature \"%s\" %s", parse->number,
					parse->feature->column.name, what);
}

static HmlStatus
parse_points(const Parse *parse, const HmlJson *value, HmlRule *rule)
{
	if (value == NULL || value->type != HML_JSON_NUMBER || !(value->number > 0) ||
		value->number > HML_MAX_RULE_POINTS)
		return refuse(parse, "must have \"points\", a number above 0 and up to 1000000");
	rule->points = value->number;
	return HML_OK;
}

static HmlStatus
parse_severity(const Parse *parse, const HmlJson *value, HmlRule *rule)
{
	static const char *const names[] = {"low", "medium", "high"};

	for (int i = 0; value->type == HML_JSON_STRING && i < 3; i++)
		if (strcmp(value->string, names[i]) == 0)
		{
			rule->severity = (HmlRisk) i;
			return HML_OK;
		}
	return refuse(parse, "must have a \"severity\" of \"low\", \"medium\" or \"high\"");
}

static HmlStatus
parse_equals(const Parse *parse, const HmlJson *value, HmlRule *rule)
{
	bool category = parse->feature->column.kind == HML_COLUMN_CATEGORY;

	if (category && value->type == HML_JSON_STRING && value->length > 0)
		rule->low =
			hml_pipeline_category(parse->pipeline, (size_t) (parse->feature - parse->pipeline->features),
								  value->string, value->length);
	else if (!category && (value->type == HML_JSON_NUMBER || value->type == HML_JSON_BOOL))
		rule->low = value->number;
	else
		return refuse(parse, category ? "must have an \"equals\" that is a text, not empty"
									  : "must have an \"equals\" that is a number or a boolean");
	rule->high = rule->low;
	return HML_OK;
}

/* One end of the band; the numbers next to it are what "above" and "below" begin with. */
static HmlStatus
parse_end(const Parse *parse, const HmlJson *value, HmlRule *rule)
{
	if (value->type != HML_JSON_NUMBER || parse->feature->column.kind == HML_COLUMN_CATEGORY)
		return refuse(parse, "must have numbers as the ends of its band, and a feature that is a number");
	if (strcmp(value->key, "min") == 0)
		rule->low = fmax(rule->low, value->number);
	else if (strcmp(value->key, "above") == 0)
		rule->low = fmax(rule->low, nextafter(value->number, INFINITY));
	else if (strcmp(value->key, "max") == 0)
		rule->high = fmin(rule->high, value->number);
	else
		rule->high = fmin(rule->high, nextafter(value->number, -INFINITY));
	return HML_OK;
}

static HmlStatus
parse_member(const Parse *parse, const HmlJson *member, HmlRule *rule)
{
	static const char *const ends[] = {"min", "max", "above", "below"};

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		if (strcmp(member->key, ends[i]) == 0)
			return parse_end(parse, member, rule);
	if (strcmp(member->key, "equals") == 0)
		return parse_equals(parse, member, rule);
	if (strcmp(member->key, "points") == 0)
		return parse_points(parse, member, rule);
	if (strcmp(member->key, "severity") == 0)
		return parse_severity(parse, member, rule);
	if (strcmp(member->key, "message") == 0 && member->type == HML_JSON_STRING)
	{
		rule->message = member->string;
		return HML_OK;
	}
	hml_fail(parse->ctx, HML_INVALID_ARGUMENT,
			 "rule %zu of feature \"%s\" has an unknown or wrong member \"%s\"", parse->number,
			 parse->feature->column.name, member->key);
	return hml_hint(parse->ctx,
					"A rule has \"points\" and any of min, max, above, below, equals, severity and message.");
}

static HmlStatus
parse_rule(const Parse *parse, const HmlJson *json, HmlRule *rule)
{
	if (json->type != HML_JSON_OBJECT)
		return refuse(parse, "must be an object");
	for (size_t i = 0; i < json->count; i++)
		if (json->items[i].type != HML_JSON_NULL)
			HML_TRY(parse_member(parse, &json->items[i], rule));
	if (!(rule->points > 0))
		return parse_points(parse, NULL, rule);
	if (isinf(rule->low) && isinf(rule->high))
		return refuse(parse, "has no band: it needs min, max, above, below or equals");
	if (rule->low > rule->high)
		return refuse(parse, "has an empty band");
	return HML_OK;
}

static HmlStatus
parse_feature(HmlRuleList *list, Parse *parse, const HmlJson *json)
{
	if (json->type != HML_JSON_ARRAY)
		return hml_fail(parse->ctx, HML_INVALID_ARGUMENT, "rules of feature \"%s\" must be an array",
						parse->feature->column.name);
	for (size_t i = 0; i < json->count; i++)
	{
		HmlRule rule = {.feature = (uint32_t) (parse->feature - parse->pipeline->features),
						.low = -INFINITY,
						.high = INFINITY,
						.message = ""};

		parse->number = i + 1;
		HML_TRY(parse_rule(parse, &json->items[i], &rule));
		HML_TRY(hml_rule_add(list, &rule));
	}
	return HML_OK;
}

HmlStatus
hml_rules_parse(HmlRuleList *list, const HmlPipeline *pipeline, const HmlJson *json, bool *given)
{
	Parse parse = {.ctx = hml_arena_context(list->arena), .pipeline = pipeline};

	for (size_t i = 0; i < json->count; i++)
	{
		int feature = hml_pipeline_find(pipeline, json->items[i].key);

		if (feature < 0)
			return hml_fail(parse.ctx, HML_UNDEFINED, "rules name the feature \"%s\", which the source lacks",
							json->items[i].key);
		given[feature] = true;
		parse.feature = &pipeline->features[feature];
		HML_TRY(parse_feature(list, &parse, &json->items[i]));
	}
	return HML_OK;
}
