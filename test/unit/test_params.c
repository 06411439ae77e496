/*
 * test_params.c
 *	  Parameters: defaults, every type, and the messages that users see.
 */
#include "unit/support.h"

#include "core/data/params.h"

static const HmlParamSpec own[] = {
	{"n_estimators", HML_PARAM_INTEGER, "300", 1, 10000, NULL, "Trees."},
	{"contamination", HML_PARAM_NUMBER_OR_CHOICE, "\"auto\"", 0, 0.5, "auto", "Share."},
	{"max_samples", HML_PARAM_NUMBER_OR_CHOICE, "\"auto\"", 0, INFINITY, "auto|all", "Rows of a tree."},
	{"bootstrap", HML_PARAM_BOOLEAN, "false", 0, 0, NULL, "With replacement."},
	{"kernel", HML_PARAM_TEXT, "\"rbf\"", 0, 0, "rbf|linear|poly", "Kernel."},
	{"label", HML_PARAM_TEXT, "null", 0, 0, NULL, "Any text."},
	{"gamma", HML_PARAM_NUMBER, "0.5", 0, INFINITY, NULL, "Width."},
	{"shift", HML_PARAM_NUMBER, "0", -INFINITY, INFINITY, NULL, "Any number."},
	{"ceiling", HML_PARAM_NUMBER, "0", -INFINITY, 1, NULL, "At most 1."},
	{"hidden_layers", HML_PARAM_INTEGERS, "[64, 32]", 1, 4096, NULL, "Widths."},
	{"classes", HML_PARAM_TEXTS, "[]", 0, 0, NULL, "Names."},
	{"network", HML_PARAM_OBJECT, "null", 0, 0, NULL, "Specification."},
	{0}};

static const HmlParamSpec shared[] = {
	{"seed", HML_PARAM_INTEGER, "42", 0, 9007199254740992.0, NULL, "Seed."},
	{"gamma", HML_PARAM_NUMBER, "7", 0, 1, NULL, "Shadowed by the algorithm's own."},
	{0}};

static const HmlParamSpec *const tables[] = {own, shared, NULL};

static TestHost host;
static HmlContext ctx;
static HmlArena *arena;

static int
begin(void **state)
{
	(void) state;
	test_host_init(&host, &ctx);
	assert_ok(&ctx, hml_arena_create(&ctx, &arena));
	return 0;
}

static int
end(void **state)
{
	(void) state;
	hml_arena_free(arena);
	test_host_finish(&host, &ctx);
	return 0;
}

static HmlStatus
try_parse(const char *given, HmlParams **params)
{
	const HmlJson *json;

	assert_ok(&ctx, hml_json_parse(arena, given, strlen(given), &json));
	return hml_params_parse(arena, "isolation_forest", tables, json, params);
}

static HmlParams *
parse(const char *given)
{
	HmlParams *params;

	assert_ok(&ctx, try_parse(given, &params));
	return params;
}

static void
refuses(const char *given, HmlStatus status, const char *message, const char *hint)
{
	HmlParams *params;

	assert_status(&ctx, try_parse(given, &params), status);
	assert_null(params);
	assert_string_equal(ctx.message, message);
	assert_string_equal(ctx.hint, hint);
}

static void
refuses_value(const char *given, const char *message)
{
	refuses(given, HML_INVALID_ARGUMENT, message, "");
}

static void
has_defaults(void **state)
{
	HmlParams *params;

	(void) state;
	assert_ok(&ctx, hml_params_parse(arena, "isolation_forest", tables, NULL, &params));
	assert_int_equal(hml_param_integer(params, "n_estimators"), 300);
	assert_true(hml_param_is_choice(params, "contamination", "auto"));
	assert_false(hml_param_boolean(params, "bootstrap"));
	assert_string_equal(hml_param_text(params, "kernel"), "rbf");
	assert_true(hml_param_is_set(params, "kernel"));
	assert_null(hml_param_text(params, "label"));
	assert_false(hml_param_is_set(params, "label"));
	assert_true(hml_param_number(params, "gamma") == 0.5);
	assert_int_equal(hml_param_json(params, "hidden_layers")->count, 2);
	assert_int_equal(hml_param_integer(params, "seed"), 42);
}

static void
takes_what_is_given(void **state)
{
	HmlParams *params = parse("{\"seed\": 9007199254740992, \"contamination\": 0.05, \"bootstrap\": true, "
							  "\"hidden_layers\": [8], \"classes\": [\"a\", \"b\"], \"network\": {\"x\": 1}, "
							  "\"max_samples\": \"all\", \"label\": \"é\", \"gamma\": null}");

	(void) state;
	assert_int_equal(hml_param_integer(params, "seed"), INT64_C(9007199254740992));
	assert_false(hml_param_is_choice(params, "contamination", "auto"));
	assert_true(hml_param_number(params, "contamination") == 0.05);
	assert_true(hml_param_boolean(params, "bootstrap"));
	assert_true(hml_param_json(params, "hidden_layers")->items[0].number == 8);
	assert_string_equal(hml_param_json(params, "classes")->items[1].string, "b");
	assert_true(hml_json_get(hml_param_json(params, "network"), "x")->number == 1);
	assert_true(hml_param_is_choice(params, "max_samples", "all"));
	assert_string_equal(hml_param_text(params, "label"), "é");
	assert_true(hml_param_number(params, "gamma") == 0.5);
}

static void
takes_the_ends_of_a_range(void **state)
{
	(void) state;
	parse("{\"n_estimators\": 1, \"contamination\": 0, \"gamma\": 0}");
	parse("{\"n_estimators\": 10000, \"contamination\": 0.5, \"gamma\": 1e308}");
}

static void
reads_unknown_names_as_absent(void **state)
{
	HmlParams *params = parse("{}");

	(void) state;
	assert_false(hml_param_is_set(params, "nothing"));
	assert_null(hml_param_text(params, "nothing"));
	assert_int_equal(hml_param_json(params, "nothing")->type, HML_JSON_NULL);
}

#define VALID \
	"Valid parameters are: n_estimators, contamination, max_samples, bootstrap, kernel, label, gamma, " \
	"shift, " \
	"ceiling, hidden_layers, classes, network, seed."

static void
refuses_unknown_names(void **state)
{
	(void) state;
	refuses("{\"n_estimatr\": 5}", HML_UNDEFINED,
			"unrecognized parameter \"n_estimatr\" for algorithm \"isolation_forest\"",
			"Perhaps you meant \"n_estimators\". " VALID);
	refuses("{\"sead\": 5}", HML_UNDEFINED,
			"unrecognized parameter \"sead\" for algorithm \"isolation_forest\"",
			"Perhaps you meant \"seed\". " VALID);
	refuses("{\"colour\": 5}", HML_UNDEFINED,
			"unrecognized parameter \"colour\" for algorithm \"isolation_forest\"", VALID);
	refuses("{\"\": 5}", HML_UNDEFINED, "unrecognized parameter \"\" for algorithm \"isolation_forest\"",
			VALID);
	refuses("{\"a very long name, longer than any name of a parameter that anybody would ever give\": 5}",
			HML_UNDEFINED,
			"unrecognized parameter \"a very long name, longer than any name of a parameter that a\" for "
			"algorithm \"isolation_forest\"",
			VALID);
}

static void
refuses_wrong_values(void **state)
{
	(void) state;
	refuses_value("{\"n_estimators\": 0}",
				  "parameter \"n_estimators\" must be an integer between 1 and 10000, not 0");
	refuses_value("{\"n_estimators\": 2.5}",
				  "parameter \"n_estimators\" must be an integer between 1 and 10000, not 2.5");
	refuses_value("{\"n_estimators\": \"many\"}",
				  "parameter \"n_estimators\" must be an integer between 1 and 10000, not \"many\"");
	refuses_value("{\"contamination\": 0.7}",
				  "parameter \"contamination\" must be \"auto\" or a number between 0 and 0.5, not 0.7");
	refuses_value("{\"contamination\": \"aut\"}",
				  "parameter \"contamination\" must be \"auto\" or a number between 0 and 0.5, not \"aut\"");
	refuses_value("{\"max_samples\": true}",
				  "parameter \"max_samples\" must be \"auto\", \"all\" or a number of at least 0, not true");
	refuses_value("{\"bootstrap\": 1}", "parameter \"bootstrap\" must be true or false, not 1");
	refuses_value("{\"kernel\": \"RBF\"}",
				  "parameter \"kernel\" must be \"rbf\", \"linear\" or \"poly\", not \"RBF\"");
	refuses_value("{\"kernel\": \"\"}",
				  "parameter \"kernel\" must be \"rbf\", \"linear\" or \"poly\", not \"\"");
	refuses_value("{\"kernel\": \"rbf|linear\"}",
				  "parameter \"kernel\" must be \"rbf\", \"linear\" or \"poly\", not \"rbf|linear\"");
	refuses_value("{\"label\": []}", "parameter \"label\" must be a string, not an array");
	refuses_value("{\"gamma\": -1}", "parameter \"gamma\" must be a number of at least 0, not -1");
	refuses_value("{\"shift\": {}}", "parameter \"shift\" must be a number, not an object");
	refuses_value("{\"ceiling\": 2}", "parameter \"ceiling\" must be a number of at most 1, not 2");
	refuses_value("{\"hidden_layers\": 64}",
				  "parameter \"hidden_layers\" must be an array of integers, not 64");
	refuses_value("{\"hidden_layers\": [64, 0]}",
				  "item 2 of parameter \"hidden_layers\" must be an integer between 1 and 4096, not 0");
	refuses_value("{\"hidden_layers\": [null]}",
				  "item 1 of parameter \"hidden_layers\" must be an integer between 1 and 4096, not null");
	refuses_value("{\"classes\": {}}", "parameter \"classes\" must be an array of strings, not an object");
	refuses_value("{\"classes\": [\"a\", 3]}", "item 2 of parameter \"classes\" must be a string, not 3");
	refuses_value("{\"network\": \"deep\"}", "parameter \"network\" must be an object, not \"deep\"");
	refuses_value("[1]", "parameters must be a JSON object, not an array");
	refuses_value("null", "parameters must be a JSON object, not null");
}

/* A long text is cut between characters. */
static void
quotes_long_values_in_part(void **state)
{
	char given[300] = "{\"bootstrap\": \"";
	const char *expected = "parameter \"bootstrap\" must be true or false, not \"x";

	(void) state;
	strcat(given, "x");
	for (int i = 0; i < 50; i++)
		strcat(given, "é");
	strcat(given, "\"}");
	assert_status(&ctx, try_parse(given, &(HmlParams *){NULL}), HML_INVALID_ARGUMENT);
	assert_memory_equal(ctx.message, expected, strlen(expected));
	assert_string_equal(ctx.message + strlen(expected) + (size_t) 29 * 2, "...\"");
}

static void
writes_all_values(void **state)
{
	HmlParams *params = parse("{\"gamma\": 0.1, \"classes\": [\"a\\\"b\"]}");
	HmlText text;
	const char *written;
	const HmlJson *again;

	(void) state;
	hml_text_init(&text, &ctx);
	hml_params_write(params, &text);
	assert_ok(&ctx, hml_text_finish(&text, &written));
	assert_string_equal(
		written, "{\"n_estimators\": 300, \"contamination\": \"auto\", \"max_samples\": \"auto\", "
				 "\"bootstrap\": false, "
				 "\"kernel\": \"rbf\", \"label\": null, \"gamma\": 0.1, \"shift\": 0, \"ceiling\": 0, "
				 "\"hidden_layers\": [64, 32], \"classes\": [\"a\\\"b\"], \"network\": null, \"seed\": 42}");
	assert_ok(&ctx, hml_json_parse(arena, written, text.length, &again));
	assert_ok(&ctx, hml_params_parse(arena, "again", tables, again, &params));
	hml_text_free(&text);
}

/* What is implied is written only where it was given, so that models that do not use it keep their bytes. */
static void
leaves_out_what_is_implied(void **state)
{
	static const HmlParamSpec specs[] = {{"a", HML_PARAM_INTEGER, "1", 0, 9, NULL, ""},
										 {"b", HML_PARAM_NUMBER | HML_PARAM_IMPLIED, "0.5", 0, 1, NULL, ""},
										 {0}};
	const HmlParamSpec *const only[] = {specs, NULL};
	const char *const given[] = {"{}", "{\"b\": 0.5}", "{\"b\": null}"};
	const char *const expected[] = {"{\"a\": 1}", "{\"a\": 1, \"b\": 0.5}", "{\"a\": 1}"};

	(void) state;
	for (size_t i = 0; i < 3; i++)
	{
		const HmlJson *json;
		HmlParams *params;
		HmlText text;
		const char *written;

		assert_ok(&ctx, hml_json_parse(arena, given[i], strlen(given[i]), &json));
		assert_ok(&ctx, hml_params_parse(arena, "x", only, json, &params));
		assert_true(hml_param_number(params, "b") == 0.5);
		hml_text_init(&text, &ctx);
		hml_params_write(params, &text);
		assert_ok(&ctx, hml_text_finish(&text, &written));
		assert_string_equal(written, expected[i]);
		hml_text_free(&text);
	}
}

static HmlStatus
parse_and_write(HmlContext *context, void *argument)
{
	HmlArena *own_arena;
	HmlParams *params;
	HmlText text;
	HmlStatus status = hml_arena_create(context, &own_arena);

	(void) argument;
	if (status != HML_OK)
		return status;
	hml_text_init(&text, context);
	status = hml_params_parse(own_arena, "x", tables, NULL, &params);
	if (status == HML_OK)
	{
		hml_params_write(params, &text);
		status = text.status;
	}
	hml_text_free(&text);
	hml_arena_free(own_arena);
	return status;
}

static void
survives_lack_of_memory(void **state)
{
	(void) state;
	test_allocation_sweep(parse_and_write, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(has_defaults, begin, end),
		cmocka_unit_test_setup_teardown(takes_what_is_given, begin, end),
		cmocka_unit_test_setup_teardown(takes_the_ends_of_a_range, begin, end),
		cmocka_unit_test_setup_teardown(reads_unknown_names_as_absent, begin, end),
		cmocka_unit_test_setup_teardown(refuses_unknown_names, begin, end),
		cmocka_unit_test_setup_teardown(refuses_wrong_values, begin, end),
		cmocka_unit_test_setup_teardown(quotes_long_values_in_part, begin, end),
		cmocka_unit_test_setup_teardown(writes_all_values, begin, end),
		cmocka_unit_test_setup_teardown(leaves_out_what_is_implied, begin, end),
		cmocka_unit_test(survives_lack_of_memory),
	};

	return cmocka_run_group_tests_name("params", tests, NULL, NULL);
}
