/*
 * test_text.c
 *	  The growing text: what it writes, its escapes, and its failures.
 */
#include "unit/support.h"

#include <float.h>

#include "core/base/text.h"

static TestHost host;
static HmlContext ctx;
static HmlText text;

static int
begin(void **state)
{
	(void) state;
	test_host_init(&host, &ctx);
	hml_text_init(&text, &ctx);
	return 0;
}

static int
end(void **state)
{
	(void) state;
	hml_text_free(&text);
	test_host_finish(&host, &ctx);
	return 0;
}

static void
expect(const char *expected)
{
	const char *written;

	assert_ok(&ctx, hml_text_finish(&text, &written));
	assert_string_equal(written, expected);
	assert_int_equal(text.length, strlen(expected));
}

static void
is_empty_at_first(void **state)
{
	(void) state;
	expect("");
	assert_int_equal(host.allocations, 0);
	hml_text_add(&text, "");
	expect("");
}

static void
grows(void **state)
{
	char expected[5001] = "";

	(void) state;
	for (int i = 0; i < 500; i++)
	{
		hml_text_addf(&text, "%09d;", i);
		sprintf(expected + (size_t) i * 10, "%09d;", i);
	}
	expect(expected);
}

static void
writes_numbers(void **state)
{
	(void) state;
	hml_text_add_number(&text, 0.1);
	hml_text_add(&text, " ");
	hml_text_add_number(&text, -INFINITY);
	hml_text_add(&text, " ");
	hml_text_add_fixed(&text, 2.0, 3);
	hml_text_add(&text, " ");
	hml_text_add_json_number(&text, -DBL_MAX);
	hml_text_add(&text, " ");
	hml_text_add_json_number(&text, NAN);
	hml_text_add(&text, " ");
	hml_text_add_json_number(&text, INFINITY);
	expect("0.1 -Infinity 2.000 -1.7976931348623157e+308 null null");
}

static void
escapes_json(void **state)
{
	(void) state;
	hml_text_add_json_string(&text, "plain");
	hml_text_add_json_string(&text, "");
	hml_text_add_json_string(&text, "\"a\\b\"\n\r\t\b\x1f/ä\x7f");
	expect("\"plain\"\"\"\"\\\"a\\\\b\\\"\\n\\r\\t\\u0008\\u001f/ä\x7f\"");
}

static void
escapes_xml(void **state)
{
	(void) state;
	hml_text_add_xml(&text, "a < b & c > \"d\" 'e'");
	expect("a &lt; b &amp; c &gt; &quot;d&quot; &#39;e&#39;");
}

static void
clips_between_characters(void **state)
{
	(void) state;
	assert_int_equal(hml_utf8_clip("abc", 5), 3);
	assert_int_equal(hml_utf8_clip("abc", 2), 2);
	assert_int_equal(hml_utf8_clip("abc", 0), 0);
	assert_int_equal(hml_utf8_clip("aä", 2), 1);
	assert_int_equal(hml_utf8_clip("aä", 3), 3);
	assert_int_equal(hml_utf8_clip("aä€", 5), 3);
	assert_int_equal(hml_utf8_clip("😀", 3), 0);
	assert_int_equal(hml_utf8_clip("😀", 4), 4);
}

static int
utf8_length(const char *string)
{
	return hml_utf8_length(string, string + strlen(string));
}

static void
knows_characters(void **state)
{
	(void) state;
	assert_int_equal(utf8_length("ab"), 1);
	assert_int_equal(utf8_length("ä"), 2);
	assert_int_equal(utf8_length("€"), 3);
	assert_int_equal(utf8_length("😀"), 4);
	assert_int_equal(utf8_length("\xf4\x8f\xbf\xbf"), 4);
	assert_int_equal(utf8_length("\xf4\x90\x80\x80"), 0); /* above U+10FFFF */
	assert_int_equal(utf8_length("\xed\xa0\x80"), 0);     /* a surrogate */
	assert_int_equal(utf8_length("\xc0\xaf"), 0);         /* longer than need be */
	assert_int_equal(utf8_length("\xe0\x80\xaf"), 0);
	assert_int_equal(utf8_length("\x80"), 0);
	assert_int_equal(utf8_length("\xff"), 0);
	assert_int_equal(utf8_length("\xe2\x82"), 0); /* cut off */
	assert_int_equal(utf8_length("\xe2\x28\xa1"), 0);
}

/* A message of any length stays whole characters. */
static void
messages_are_cut_between_characters(void **state)
{
	char longest[HML_MESSAGE_SIZE + 8];

	(void) state;
	for (size_t start = 0; start < 3; start++)
	{
		memset(longest, 'x', start);
		for (size_t i = start; i + 3 < sizeof(longest); i += 3)
			memcpy(longest + i, "€", 4);
		assert_int_equal(hml_fail(&ctx, HML_LIMIT, "%s", longest), HML_LIMIT);
		assert_int_equal(strlen(ctx.message) % 3, start);
		assert_true(strlen(ctx.message) > HML_MESSAGE_SIZE - 8);
		assert_memory_equal(ctx.message, longest, strlen(ctx.message));
	}
}

/* After a failure nothing is appended, and the failure is what finish returns. */
static void
keeps_the_first_failure(void **state)
{
	const char *written;

	(void) state;
	hml_text_add(&text, "kept");
	ctx.memory_limit = ctx.memory_used + 10;
	hml_text_addf(&text, "%1000d", 1);
	ctx.memory_limit = SIZE_MAX;
	hml_text_add(&text, "ignored");
	assert_int_equal(hml_text_finish(&text, &written), HML_MEMORY_LIMIT);
	assert_string_equal(written, "kept");
}

static HmlStatus
write_much(HmlContext *context, void *argument)
{
	HmlText out;
	const char *written;
	HmlStatus status;

	(void) argument;
	hml_text_init(&out, context);
	for (int i = 0; i < 100; i++)
	{
		hml_text_add_json_string(&out, "a \"long\" story");
		hml_text_add_xml(&out, "<&>");
		hml_text_add_fixed(&out, i, 4);
	}
	status = hml_text_finish(&out, &written);
	hml_text_free(&out);
	return status;
}

static void
survives_lack_of_memory(void **state)
{
	(void) state;
	test_allocation_sweep(write_much, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(is_empty_at_first, begin, end),
		cmocka_unit_test_setup_teardown(grows, begin, end),
		cmocka_unit_test_setup_teardown(writes_numbers, begin, end),
		cmocka_unit_test_setup_teardown(escapes_json, begin, end),
		cmocka_unit_test_setup_teardown(escapes_xml, begin, end),
		cmocka_unit_test_setup_teardown(clips_between_characters, begin, end),
		cmocka_unit_test(knows_characters),
		cmocka_unit_test_setup_teardown(messages_are_cut_between_characters, begin, end),
		cmocka_unit_test_setup_teardown(keeps_the_first_failure, begin, end),
		cmocka_unit_test(survives_lack_of_memory),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
