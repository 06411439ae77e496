/*
 * test_json.c
 *	  The JSON parser: what it accepts, what it refuses and where, and its failures.
 */
#include "unit/support.h"

#include "core/base/json.h"

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

static const HmlJson *
parse(const char *text)
{
	const HmlJson *document;

	assert_ok(&ctx, hml_json_parse(arena, text, strlen(text), &document));
	return document;
}

/* The document as it is written again. */
static void
rewrites(const char *text, const char *expected)
{
	HmlText out;
	const char *written;

	hml_text_init(&out, &ctx);
	hml_json_write(parse(text), &out);
	assert_ok(&ctx, hml_text_finish(&out, &written));
	assert_string_equal(written, expected);
	hml_text_free(&out);
}

static void
refuses(const char *text, const char *message)
{
	const HmlJson *document;

	assert_status(&ctx, hml_json_parse(arena, text, strlen(text), &document), HML_INVALID_DATA);
	assert_null(document);
	assert_string_equal(ctx.message, message);
}

static void
reads_values(void **state)
{
	const HmlJson *object = parse("{\"a\": [1, -2.5e3, true, false, null, \"x\"], \"b\": {}, \"\": []}");
	const HmlJson *array = hml_json_get(object, "a");

	(void) state;
	assert_int_equal(object->type, HML_JSON_OBJECT);
	assert_int_equal(object->count, 3);
	assert_null(object->key);
	assert_int_equal(array->type, HML_JSON_ARRAY);
	assert_int_equal(array->count, 6);
	assert_string_equal(array->key, "a");
	assert_true(array->items[0].number == 1 && array->items[1].number == -2500);
	assert_true(array->items[2].type == HML_JSON_BOOL && array->items[2].number == 1);
	assert_true(array->items[3].type == HML_JSON_BOOL && array->items[3].number == 0);
	assert_int_equal(array->items[4].type, HML_JSON_NULL);
	assert_string_equal(array->items[5].string, "x");
	assert_int_equal(array->items[5].length, 1);
	assert_null(array->items[5].key);
	assert_int_equal(hml_json_get(object, "b")->count, 0);
	assert_int_equal(hml_json_get(object, "")->type, HML_JSON_ARRAY);
	assert_null(hml_json_get(object, "c"));
	assert_null(hml_json_get(array, "a"));
	assert_null(hml_json_get(NULL, "a"));
	assert_string_equal(hml_json_type_name(array->type), "array");
}

static void
reads_a_document_of_any_type(void **state)
{
	(void) state;
	rewrites("null", "null");
	rewrites(" \t\r\n true \t\r\n ", "true");
	rewrites("0", "0");
	rewrites("-0", "-0");
	rewrites("1e2", "100");
	rewrites("\"\"", "\"\"");
	rewrites("[]", "[]");
	rewrites("{}", "{}");
	rewrites("{\"b\":1,\"a\":[2,{\"c\":null}]}", "{\"b\": 1, \"a\": [2, {\"c\": null}]}");
}

static void
decodes_strings(void **state)
{
	(void) state;
	rewrites("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\\"\\\\/\\u0008\\u000c\\n\\r\\t\"");
	assert_string_equal(parse("\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\"")->string, "Aé€😀");
	assert_string_equal(parse("\"\\uD800\\uDC00\\udbff\\udfff\"")->string,
						"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf");
	assert_string_equal(parse("\"\\ufffe\\ud7ff\\ue000\"")->string, "\xef\xbf\xbe\xed\x9f\xbf\xee\x80\x80");
	assert_string_equal(parse("\"aé€😀\"")->string, "aé€😀");
	assert_int_equal(parse("\"é\\n\"")->length, 3);
	assert_string_equal(parse("{\"\\u00e9\": 1}")->items[0].key, "é");
}

static void
refuses_what_is_no_json(void **state)
{
	(void) state;
	refuses("", "invalid JSON at line 1, column 1: expected a value, but the document ends");
	refuses("  ", "invalid JSON at line 1, column 3: expected a value, but the document ends");
	refuses("tru", "invalid JSON at line 1, column 1: expected a value, not \"t\"");
	refuses("truex", "invalid JSON at line 1, column 5: expected the end of the document, not \"x\"");
	refuses("nan", "invalid JSON at line 1, column 1: expected a value, not \"n\"");
	refuses("'a'", "invalid JSON at line 1, column 1: expected a value, not \"'\"");
	refuses("\xef\xbb\xbf{}", "invalid JSON at line 1, column 1: expected a value, not byte 0xef");
	refuses("1 2", "invalid JSON at line 1, column 3: expected the end of the document, not \"2\"");
	refuses("[1 2]", "invalid JSON at line 1, column 4: expected \",\" or \"]\", not \"2\"");
	refuses("[1,]", "invalid JSON at line 1, column 4: expected a value, not \"]\"");
	refuses("[,1]", "invalid JSON at line 1, column 2: expected a value, not \",\"");
	refuses("[1", "invalid JSON at line 1, column 3: expected \",\" or \"]\", but the document ends");
	refuses("[1}", "invalid JSON at line 1, column 3: expected \",\" or \"]\", not \"}\"");
	refuses("{\"a\" 1}", "invalid JSON at line 1, column 6: expected \":\" after a key, not \"1\"");
	refuses("{\"a\":1,}", "invalid JSON at line 1, column 8: expected a key in quotes, not \"}\"");
	refuses("{a:1}", "invalid JSON at line 1, column 2: expected a key in quotes, not \"a\"");
	refuses("{\"a\":1]", "invalid JSON at line 1, column 7: expected \",\" or \"}\", not \"]\"");
	refuses("// no", "invalid JSON at line 1, column 1: expected a value, not \"/\"");
}

static void
tells_line_and_column(void **state)
{
	(void) state;
	refuses("{\n  \"é€😀\": x\n}", "invalid JSON at line 2, column 10: expected a value, not \"x\"");
	refuses("[\r\n\r\n1,\r\n]", "invalid JSON at line 4, column 1: expected a value, not \"]\"");
}

static void
refuses_bad_numbers(void **state)
{
	(void) state;
	refuses("01", "invalid JSON at line 1, column 2: expected the end of the document, not \"1\"");
	refuses("1.", "invalid JSON at line 1, column 2: expected the end of the document, not \".\"");
	refuses("[1e]", "invalid JSON at line 1, column 3: expected \",\" or \"]\", not \"e\"");
	refuses("+1", "invalid JSON at line 1, column 1: expected a value, not \"+\"");
	refuses("-", "invalid JSON at line 1, column 1: expected a value, not \"-\"");
	refuses("[1, 1e309]", "invalid JSON at line 1, column 5: number out of the range of float64");
}

static void
refuses_bad_strings(void **state)
{
	(void) state;
	refuses("\"abc", "invalid JSON at line 1, column 1: string without an end");
	refuses("\"", "invalid JSON at line 1, column 1: string without an end");
	refuses("\"abc\\", "invalid JSON at line 1, column 1: string without an end");
	refuses("\"abc\\\"", "invalid JSON at line 1, column 1: string without an end");
	refuses("\"a\nb\"", "invalid JSON at line 1, column 3: control character 0x0a in a string");
	refuses("\"\\x\"", "invalid JSON at line 1, column 2: unknown escape in a string");
	refuses("\"\\u12G4\"",
			"invalid JSON at line 1, column 2: \"\\u\" must be followed by four hexadecimal digits");
	refuses("\"\\u12\"",
			"invalid JSON at line 1, column 2: \"\\u\" must be followed by four hexadecimal digits");
	refuses("\"\\u0000\"", "invalid JSON at line 1, column 2: \\u0000 cannot be part of a text");
	refuses("\"\\ud83d\"", "invalid JSON at line 1, column 2: half of a surrogate pair");
	refuses("\"\\ud83d\\u0041\"", "invalid JSON at line 1, column 2: half of a surrogate pair");
	refuses("\"\\ud83dx\\ude00\"", "invalid JSON at line 1, column 2: half of a surrogate pair");
	refuses("\"\\ude00\\ud83d\"", "invalid JSON at line 1, column 2: half of a surrogate pair");
}

static void
refuses_bad_utf8(void **state)
{
	static const char *const bad[] = {
		"\"\x80\"",             /* continuation first */
		"\"\xc3\"",             /* cut short */
		"\"\xc0\xaf\"",         /* overlong */
		"\"\xe0\x80\xaf\"",     /* overlong */
		"\"\xf0\x8f\xbf\xbf\"", /* overlong */
		"\"\xed\xa0\x80\"",     /* surrogate */
		"\"\xf4\x90\x80\x80\"", /* beyond U+10FFFF */
		"\"\xf5\x80\x80\x80\"", /* never a first byte */
		"\"\xe2\x82\"",         /* cut short */
		"\"\xe2\x28\xa1\"",     /* no continuation */
		"\"\xf0\x9f\x98",       /* the document ends in it */
		"\"\\\xc3\xa4\"",       /* escaped */
	};

	(void) state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
	{
		const HmlJson *document;

		assert_status(&ctx, hml_json_parse(arena, bad[i], strlen(bad[i]), &document), HML_INVALID_DATA);
		assert_message(&ctx, "invalid UTF-8");
	}
}

static void
refuses_duplicate_keys(void **state)
{
	char text[4000] = "[{\"x\": 1}, {\"x\": 1";
	size_t length = strlen(text);

	(void) state;
	refuses("{\"a\": 1, \"b\": 2, \"a\": 3}",
			"invalid JSON at line 1, column 1: object with two members \"a\"");
	refuses("{\"\\u0061\": 1, \"a\": 3}", "invalid JSON at line 1, column 1: object with two members \"a\"");
	for (int i = 0; i < 200; i++)
		length += (size_t) sprintf(text + length, ", \"k%d\": %d", (i * 37) % 200, i);
	strcpy(text + length, "}]");
	assert_int_equal(parse(text)->items[1].count, 201);
	strcpy(text + length, ", \"k77\": 0}]");
	refuses(text, "invalid JSON at line 1, column 12: object with two members \"k77\"");
}

static void
caps_the_depth(void **state)
{
	char text[2 * HML_JSON_MAX_DEPTH + 4] = "";

	(void) state;
	memset(text, '[', HML_JSON_MAX_DEPTH);
	text[HML_JSON_MAX_DEPTH] = '1';
	memset(text + HML_JSON_MAX_DEPTH + 1, ']', HML_JSON_MAX_DEPTH);
	parse(text);
	memset(text, '[', HML_JSON_MAX_DEPTH + 1);
	refuses(text, "invalid JSON at line 1, column 65: nested deeper than 64 levels");
}

/* The length counts, not a NUL. */
static void
reads_no_further_than_the_length(void **state)
{
	static const char text[] = {'[', '1', ']', 'x', 'y'};
	static const char nul[] = {'1', '\0'};
	const HmlJson *document;

	(void) state;
	assert_ok(&ctx, hml_json_parse(arena, text, 3, &document));
	assert_status(&ctx, hml_json_parse(arena, text, 4, &document), HML_INVALID_DATA);
	assert_status(&ctx, hml_json_parse(arena, nul, 2, &document), HML_INVALID_DATA);
	assert_message(&ctx, "not byte 0x00");
}

/* Many values and long strings: all there, and the host is asked on the way. */
static void
reads_and_polls_large_documents(void **state)
{
	size_t length = (size_t) 5 << 20;
	char *text = malloc(length);
	const HmlJson *document;
	size_t polls;

	(void) state;
	assert_non_null(text);
	for (size_t i = 0; i < length; i += 2)
		memcpy(text + i, "1,", 2);
	text[0] = '[';
	text[1] = '2';
	text[length - 1] = ']';
	assert_ok(&ctx, hml_json_parse(arena, text, length, &document));
	assert_int_equal(document->count, length / 2 - 1);
	assert_true(host.polls > length / 2 / 5000);

	polls = host.polls;
	memset(text, 'x', length);
	text[0] = text[length - 1] = '"';
	assert_ok(&ctx, hml_json_parse(arena, text, length, &document));
	assert_int_equal(document->length, length - 2);
	assert_true(host.polls >= polls + 5);
	free(text);
}

static HmlStatus
parse_and_write(HmlContext *context, void *argument)
{
	const char *text = argument;
	const HmlJson *document;
	HmlArena *own;
	HmlText out;
	const char *written;
	HmlStatus status = hml_arena_create(context, &own);

	if (status != HML_OK)
		return status;
	hml_text_init(&out, context);
	status = hml_json_parse(own, text, strlen(text), &document);
	if (status == HML_OK)
	{
		hml_json_write(document, &out);
		status = hml_text_finish(&out, &written);
	}
	hml_text_free(&out);
	hml_arena_free(own);
	return status;
}

static void
survives_failures(void **state)
{
	char text[8000] = "{";
	size_t length = 1;

	(void) state;
	for (int i = 0; i < 300; i++)
		length += (size_t) sprintf(text + length, "\"k%d\": [%d, \"v\"], ", i, i);
	strcpy(text + length, "\"end\": {}}");
	test_allocation_sweep(parse_and_write, text);
	test_cancellation_sweep(parse_and_write, text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reads_values, begin, end),
		cmocka_unit_test_setup_teardown(reads_a_document_of_any_type, begin, end),
		cmocka_unit_test_setup_teardown(decodes_strings, begin, end),
		cmocka_unit_test_setup_teardown(refuses_what_is_no_json, begin, end),
		cmocka_unit_test_setup_teardown(tells_line_and_column, begin, end),
		cmocka_unit_test_setup_teardown(refuses_bad_numbers, begin, end),
		cmocka_unit_test_setup_teardown(refuses_bad_strings, begin, end),
		cmocka_unit_test_setup_teardown(refuses_bad_utf8, begin, end),
		cmocka_unit_test_setup_teardown(refuses_duplicate_keys, begin, end),
		cmocka_unit_test_setup_teardown(caps_the_depth, begin, end),
		cmocka_unit_test_setup_teardown(reads_no_further_than_the_length, begin, end),
		cmocka_unit_test_setup_teardown(reads_and_polls_large_documents, begin, end),
		cmocka_unit_test(survives_failures),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
