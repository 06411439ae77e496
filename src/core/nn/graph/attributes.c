/*
 * attributes.c
 *	  Attributes of a layer: from JSON, checked against the operator's table.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/number.h"
#include "core/nn/graph/builder.h"

static const char *const layer_members[] = {"op", "name", "inputs"};

static bool
is_layer_member(const char *key)
{
	for (size_t i = 0; i < sizeof(layer_members) / sizeof(*layer_members); i++)
		if (strcmp(key, layer_members[i]) == 0)
			return true;
	return false;
}

static bool
is_attribute(const HmlOp *op, const char *key)
{
	for (const HmlAttrSpec *spec = op->attrs; spec->name != NULL; spec++)
		if (strcmp(key, spec->name) == 0)
			return true;
	return false;
}

static HmlStatus
unknown_attribute(HmlBuilder *builder, const HmlNode *node, const char *key)
{
	char known[HML_MESSAGE_SIZE] = "";
	size_t length = 0;

	for (const HmlAttrSpec *spec = node->op->attrs; spec->name != NULL && length < sizeof(known); spec++)
		length += (size_t) snprintf(known + length, sizeof(known) - length, "%s\"%s\"",
									length == 0 ? "" : ", ", spec->name);
	hml_fail(builder->ctx, HML_UNDEFINED, "layer \"%s\": operator \"%s\" has no attribute \"%s\"", node->name,
			 node->op->name, key);
	if (length == 0)
		return hml_hint(builder->ctx, "This operator has no attributes.");
	return hml_hint(builder->ctx, "Its attributes are %s.", known);
}

/* What an attribute wants, as a noun phrase. */
static const char *
wanted(const HmlAttrSpec *spec, char text[HML_MESSAGE_SIZE])
{
	static const char *const kinds[] = {
		[HML_ATTR_INTEGER] = "a whole number",
		[HML_ATTR_NUMBER] = "a number",
		[HML_ATTR_INTEGERS] = "an array of whole numbers",
		[HML_ATTR_EXTENT] = "a whole number, or an array with one for each direction,",
		[HML_ATTR_PADDING] = "\"same\", a whole number, or an array with one or two for each direction,",
	};

	char low[HML_NUMBER_SIZE];
	char high[HML_NUMBER_SIZE];

	if (spec->type == HML_ATTR_BOOLEAN)
		return "true or false";
	if (spec->type == HML_ATTR_CHOICE)
		snprintf(text, HML_MESSAGE_SIZE, "one of %s", spec->choices);
	else
		snprintf(text, HML_MESSAGE_SIZE, "%s from %s to %s", kinds[spec->type],
				 hml_number_format(low, spec->min), hml_number_format(high, spec->max));
	return text;
}

static HmlStatus
wrong_value(HmlBuilder *builder, const HmlNode *node, const HmlAttrSpec *spec, const HmlJson *value)
{
	char phrase[HML_MESSAGE_SIZE];
	char given[64];

	if (value->type == HML_JSON_NUMBER)
		hml_number_format(given, value->number);
	else if (value->type == HML_JSON_STRING)
		snprintf(given, sizeof(given), "\"%.48s\"", value->string);
	else
		snprintf(given, sizeof(given), "a value of type %s", hml_json_type_name(value->type));
	return hml_shape_error(builder, node, "attribute \"%s\" must be %s, not %s", spec->name,
						   wanted(spec, phrase), given);
}

static bool
number_fits(const HmlAttrSpec *spec, const HmlJson *value)
{
	return value->type == HML_JSON_NUMBER && value->number >= spec->min && value->number <= spec->max &&
		   (spec->type == HML_ATTR_NUMBER || floor(value->number) == value->number);
}

/* Position of 'text' in "a|b|c", or -1. */
static int
choice_number(const char *choices, const char *text)
{
	size_t length = strlen(text);

	for (int i = 0; *choices != '\0'; i++)
	{
		size_t span = strcspn(choices, "|");

		if (span == length && strncmp(choices, text, length) == 0)
			return i;
		choices += span + (choices[span] == '|');
	}
	return -1;
}

static bool
takes_array(HmlAttrType type)
{
	return type == HML_ATTR_INTEGERS || type == HML_ATTR_EXTENT || type == HML_ATTR_PADDING;
}

static HmlStatus
read_array(HmlBuilder *builder, const HmlNode *node, const HmlAttrSpec *spec, const HmlJson *value,
		   HmlAttr *out)
{
	if (value->count < 1 || value->count > HML_MAX_DIMS)
		return hml_shape_error(builder, node, "attribute \"%s\" must have 1 to %d numbers, not %zu",
							   spec->name, HML_MAX_DIMS, value->count);
	for (size_t i = 0; i < value->count; i++)
	{
		if (!number_fits(spec, &value->items[i]))
			return wrong_value(builder, node, spec, &value->items[i]);
		out->numbers[i] = value->items[i].number;
	}
	out->count = value->count;
	return HML_OK;
}

static HmlStatus
read_value(HmlBuilder *builder, const HmlNode *node, const HmlAttrSpec *spec, const HmlJson *value,
		   HmlAttr *out)
{
	bool is_optional = spec->fallback != NULL && strcmp(spec->fallback, "null") == 0;
	int choice;

	out->count = 0;
	if (value->type == HML_JSON_NULL && is_optional)
		return HML_OK;
	if (value->type == HML_JSON_ARRAY && takes_array(spec->type))
		return read_array(builder, node, spec, value, out);
	if (spec->type == HML_ATTR_PADDING && value->type == HML_JSON_STRING &&
		strcmp(value->string, "same") == 0)
		return HML_OK;

	out->count = 1;
	if (spec->type == HML_ATTR_BOOLEAN && value->type == HML_JSON_BOOL)
		out->numbers[0] = value->number;
	else if (spec->type == HML_ATTR_CHOICE && value->type == HML_JSON_STRING &&
			 (choice = choice_number(spec->choices, value->string)) >= 0)
		out->numbers[0] = choice;
	else if (spec->type != HML_ATTR_BOOLEAN && spec->type != HML_ATTR_CHOICE &&
			 spec->type != HML_ATTR_INTEGERS && number_fits(spec, value))
		out->numbers[0] = value->number;
	else
		return wrong_value(builder, node, spec, value);
	return HML_OK;
}

/* The value given, or else the default, which is JSON too. */
static HmlStatus
find_value(HmlBuilder *builder, const HmlNode *node, const HmlAttrSpec *spec, const HmlJson *layer,
		   const HmlJson **out)
{
	*out = hml_json_get(layer, spec->name);
	if (*out != NULL)
		return HML_OK;
	if (spec->fallback == NULL)
		return hml_shape_error(builder, node, "operator \"%s\" needs the attribute \"%s\"", node->op->name,
							   spec->name);
	return hml_json_parse(builder->arena, spec->fallback, strlen(spec->fallback), out);
}

HmlStatus
hml_read_attributes(HmlBuilder *builder, HmlNode *node, const HmlJson *layer)
{
	for (size_t i = 0; i < layer->count; i++)
		if (!is_layer_member(layer->items[i].key) && !is_attribute(node->op, layer->items[i].key))
			return unknown_attribute(builder, node, layer->items[i].key);

	for (size_t i = 0; node->op->attrs[i].name != NULL; i++)
	{
		const HmlJson *value;

		HML_TRY(find_value(builder, node, &node->op->attrs[i], layer, &value));
		HML_TRY(read_value(builder, node, &node->op->attrs[i], value, &node->attrs[i]));
	}
	return HML_OK;
}
