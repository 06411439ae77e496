/*
 * test_number.c
 *	  Numbers as text: against strtod() and by round trip, also in a locale with a decimal comma.
 */
#include "unit/support.h"

#include <float.h>
#include <locale.h>

#include "core/base/number.h"
#include "core/base/rng.h"

static void
formats_as_short_as_possible(void **state)
{
	static const struct
	{
		double number;
		const char *text;
	} cases[] = {{0, "0"},
				 {-0.0, "-0"},
				 {300, "300"},
				 {0.1, "0.1"},
				 {0.1 + 0.2, "0.30000000000000004"},
				 {1.0 / 3, "0.3333333333333333"},
				 {2.0 / 3, "0.6666666666666666"},
				 {-1e300, "-1e+300"},
				 {DBL_MAX, "1.7976931348623157e+308"},
				 {DBL_MIN, "2.2250738585072014e-308"},
				 {4.9406564584124654e-324, "4.94065645841247e-324"},
				 {9007199254740993.0, "9007199254740992"},
				 {NAN, "NaN"},
				 {INFINITY, "Infinity"},
				 {-INFINITY, "-Infinity"}};
	char buffer[HML_NUMBER_SIZE];

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(hml_number_format(buffer, cases[i].number), cases[i].text);
}

static void
formats_with_fixed_decimals(void **state)
{
	static const struct
	{
		double number;
		int decimals;
		const char *text;
	} cases[] = {{3.14159, 2, "3.14"}, {-0.004, 2, "0.00"}, {-0.006, 2, "-0.01"},
				 {250, 0, "250"},      {0.125, 3, "0.125"}, {1e22, 1, "10000000000000000000000.0"},
				 {-0.0, 1, "0.0"},     {NAN, 3, "NaN"},     {INFINITY, 0, "Infinity"}};
	char buffer[HML_FIXED_SIZE];

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(hml_number_format_fixed(buffer, cases[i].number, cases[i].decimals),
							cases[i].text);
	hml_number_format_fixed(buffer, -DBL_MAX, HML_FIXED_MAX_DECIMALS);
	assert_int_equal(strlen(buffer), 1 + 309 + 1 + HML_FIXED_MAX_DECIMALS);
}

/* The bytes that a parse takes, and its number. */
static void
parses(const char *text, size_t taken, double expected)
{
	double number = 42;

	assert_int_equal(hml_number_parse(text, strlen(text), &number), taken);
	if (taken > 0)
	{
		assert_true(number == expected);
		assert_int_equal(signbit(number), signbit(expected));
	}
}

static void
parses_the_grammar_of_json(void **state)
{
	(void) state;
	parses("0", 1, 0);
	parses("-0", 2, -0.0);
	parses("-0.0e5", 6, -0.0);
	parses("12.5", 4, 12.5);
	parses("1E+2,", 4, 100);
	parses("1e-2]", 4, 0.01);
	parses("1.5e", 3, 1.5);
	parses("1.5e+", 3, 1.5);
	parses("1.", 1, 1);
	parses("01", 1, 0);
	parses("0x10", 1, 0);
	parses("1,5", 1, 1);
	parses("1e400", 5, INFINITY);
	parses("-1e400", 6, -INFINITY);
	parses("1e-400", 6, 0);
	parses("1e99999999999999999999", 22, INFINITY);
	parses("1e-99999999999999999999", 23, 0);
	parses("0e99999999999999999999", 22, 0);
	parses("", 0, 0);
	parses("-", 0, 0);
	parses("+1", 0, 0);
	parses(".5", 0, 0);
	parses("-.5", 0, 0);
	parses("e5", 0, 0);
	parses("nan", 0, 0);
	parses("Infinity", 0, 0);
}

/* Nothing after the length is looked at. */
static void
stops_at_the_length(void **state)
{
	double number;

	(void) state;
	assert_int_equal(hml_number_parse("12345", 3, &number), 3);
	assert_true(number == 123);
	assert_int_equal(hml_number_parse("1e5", 2, &number), 1);
	assert_true(number == 1);
	assert_int_equal(hml_number_parse("-1", 1, &number), 0);
	assert_int_equal(hml_number_parse("1", 0, &number), 0);
}

static void
parses_as_the_library(const char *text)
{
	double number;

	assert_int_equal(hml_number_parse(text, strlen(text), &number), strlen(text));
	if (number != strtod(text, NULL))
		fail_msg("\"%s\" reads as %.17g", text, number);
}

static double
random_double(HmlRng *rng)
{
	uint64_t bits;
	double number;

	do
	{
		bits = hml_rng_next(rng);
		memcpy(&number, &bits, sizeof(number));
	} while (!isfinite(number));
	return number;
}

static void
rounds_to_the_nearest(void **state)
{
	char text[1100];
	HmlRng rng;

	(void) state;
	hml_rng_seed(&rng, 7);
	for (int i = 0; i < 100000; i++)
	{
		snprintf(text, sizeof(text), "%.*g", 1 + i % 25, random_double(&rng));
		parses_as_the_library(text);
		snprintf(text, sizeof(text), "%.*g", 1 + i % 25, (double) hml_rng_below(&rng, 1000000) / 4096);
		parses_as_the_library(text);
	}
	parses_as_the_library("9007199254740993");
	parses_as_the_library("9007199254740993.00000000000000000000000000000000001");
	parses_as_the_library("8.988465674311579e307");
	parses_as_the_library("2.2250738585072011e-308");
	parses_as_the_library("0.000000000000000000000000000000000000000000000000001234567890123456789");
}

/* Half way between two doubles, then a hair more, with the hair a thousand digits away. */
static void
sees_digits_that_are_far_away(void **state)
{
	char text[1200] = "9007199254740993.";
	size_t length = strlen(text);
	double number;

	(void) state;
	memset(text + length, '0', 1000);
	strcpy(text + length + 1000, "1");
	assert_int_equal(hml_number_parse(text, strlen(text), &number), strlen(text));
	assert_true(number == 9007199254740994.0);
	text[length + 1000] = '0';
	assert_int_equal(hml_number_parse(text, strlen(text), &number), strlen(text));
	assert_true(number == 9007199254740992.0);
	memset(text, '0', 1100);
	strcpy(text + 1, ".");
	text[2] = '0';
	strcpy(text + 1100, "25e1100");
	assert_int_equal(hml_number_parse(text, strlen(text), &number), strlen(text));
	assert_true(number == 25);
}

static void
round_trip(HmlRng *rng)
{
	char buffer[HML_NUMBER_SIZE];

	for (int i = 0; i < 20000; i++)
	{
		double number = i % 2 == 0 ? random_double(rng) : floor(hml_rng_normal(rng) * 1000) / 100;
		double back;

		hml_number_format(buffer, number);
		assert_int_equal(hml_number_parse(buffer, strlen(buffer), &back), strlen(buffer));
		assert_true(back == number);
	}
}

static void
reads_back_what_it_wrote(void **state)
{
	HmlRng rng;

	(void) state;
	hml_rng_seed(&rng, 3);
	round_trip(&rng);
}

/* Every locale of this machine with another decimal point, of one byte or several. */
static void
is_the_same_in_every_locale(void **state)
{
	static const char *const locales[] = {"de_DE.UTF-8", "ps_AF.UTF-8", "fr_FR.UTF-8"};
	char buffer[HML_FIXED_SIZE];
	int found = 0;
	HmlRng rng;

	(void) state;
	hml_rng_seed(&rng, 4);
	for (size_t i = 0; i < sizeof(locales) / sizeof(*locales); i++)
	{
		if (setlocale(LC_NUMERIC, locales[i]) == NULL)
			continue;
		assert_string_equal(hml_number_format(buffer, 1.5), "1.5");
		assert_string_equal(hml_number_format_fixed(buffer, 1.5, 2), "1.50");
		parses("0.30000000000000004", 19, 0.30000000000000004);
		round_trip(&rng);
		found++;
	}
	setlocale(LC_NUMERIC, "C");
	if (found == 0)
	{
		print_message("# skipped: this machine has no locale with another decimal point\n");
		skip();
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats_as_short_as_possible), cmocka_unit_test(formats_with_fixed_decimals),
		cmocka_unit_test(parses_the_grammar_of_json),   cmocka_unit_test(stops_at_the_length),
		cmocka_unit_test(rounds_to_the_nearest),        cmocka_unit_test(sees_digits_that_are_far_away),
		cmocka_unit_test(reads_back_what_it_wrote),     cmocka_unit_test(is_the_same_in_every_locale),
	};

	return cmocka_run_group_tests_name("number", tests, NULL, NULL);
}
