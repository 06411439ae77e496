/*
 * number.c
 *	  Numbers to text and back, whatever LC_NUMERIC says.
 *
 * Writing lets snprintf() do the digits and puts a point where the locale wrote
 * something else.  Reading handles what most numbers are, up to 2^53 times a
 * small power of ten, with one exact operation (W. D. Clinger: How to read
 * floating point numbers accurately, PLDI 1990); the rest goes to strtod() as
 * digits and exponent, which need no decimal point.
 */
#include "core/base/number.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* snprintf() wrote digits, sign, exponent and, in between, the locale's decimal point of any length. */
static void
put_point(char *buffer)
{
	char *to = buffer;

	for (const char *from = buffer; *from != '\0'; from++)
	{
		bool own = (*from >= '0' && *from <= '9') || *from == '-' || *from == '+' || *from == 'e';

		if (own)
			*to++ = *from;
		else if (to == buffer || to[-1] != '.')
			*to++ = '.';
	}
	*to = '\0';
}

static const char *
name_if_not_finite(double number)
{
	if (isnan(number))
		return "NaN";
	if (isinf(number))
		return number > 0 ? "Infinity" : "-Infinity";
	return NULL;
}

const char *
hml_number_format(char buffer[HML_NUMBER_SIZE], double number)
{
	const char *name = name_if_not_finite(number);

	if (name != NULL)
	{
		snprintf(buffer, HML_NUMBER_SIZE, "%s", name);
		return buffer;
	}
	for (int digits = 15; digits <= 17; digits++)
	{
		double back;

		snprintf(buffer, HML_NUMBER_SIZE, "%.*g", digits, number);

		put_point(buffer);
		if (hml_number_parse(buffer, strlen(buffer), &back) > 0 && back == number)
			break;
	}
	return buffer;
}

const char *
hml_number_format_fixed(char buffer[HML_FIXED_SIZE], double number, int decimals)
{
	const char *name = name_if_not_finite(number);

	if (name != NULL)
	{
		snprintf(buffer, HML_FIXED_SIZE, "%s", name);
		return buffer;
	}
	if (fabs(number) < 0.5 * pow(10.0, -decimals))
		number = 0.0;
	snprintf(buffer, HML_FIXED_SIZE, "%.*f", decimals, number);
	put_point(buffer);
	return buffer;
}

/* More digits than this cannot change the rounding, but whether all the rest are zero can. */
#define SIGNIFICANT_DIGITS 780
#define EXPONENT_CAP INT64_C(1000000000000)
#define EXACT_POWERS 22 /* 10^22 is the last power of ten that a double holds exactly */

/* The parts of a number: digits[.digits][e exponent] */
typedef struct Decimal
{
	bool negative;
	const char *digits; /* first digit */
	const char *end;    /* after the last digit of the fraction */
	uint64_t mantissa;  /* all digits as one number, when n_digits <= 19 */
	int64_t n_digits;   /* without leading zeros */
	int64_t exponent;   /* of the last digit */
} Decimal;

static const char *
scan_digits(Decimal *decimal, const char *next, const char *end)
{
	for (; next < end && *next >= '0' && *next <= '9'; next++)
	{
		decimal->mantissa = decimal->mantissa * 10 + (uint64_t) (*next - '0');
		if (decimal->n_digits > 0 || *next != '0')
			decimal->n_digits++;
	}
	return next;
}

static const char *
scan_exponent(Decimal *decimal, const char *next, const char *end)
{
	const char *start = next;
	bool negative = false;
	int64_t exponent = 0;

	next++;
	if (next < end && (*next == '+' || *next == '-'))
		negative = *next++ == '-';
	if (next == end || *next < '0' || *next > '9')
		return start;
	for (; next < end && *next >= '0' && *next <= '9'; next++)
		if (exponent < EXPONENT_CAP)
			exponent = exponent * 10 + (*next - '0');
	decimal->exponent += negative ? -exponent : exponent;
	return next;
}

/* Returns the end of the number, NULL where there is none. */
static const char *
scan_decimal(Decimal *decimal, const char *next, const char *end)
{
	const char *after;

	*decimal = (Decimal){.negative = next < end && *next == '-'};
	if (decimal->negative)
		next++;
	decimal->digits = next;
	after = next < end && *next == '0' ? next + 1 : scan_digits(decimal, next, end);
	if (after == next)
		return NULL;
	next = decimal->end = after;
	if (end - next >= 2 && *next == '.' && next[1] >= '0' && next[1] <= '9')
	{
		after = scan_digits(decimal, next + 1, end);
		decimal->exponent = -(int64_t) (after - next - 1);
		next = decimal->end = after;
	}
	if (next < end && (*next == 'e' || *next == 'E'))
		next = scan_exponent(decimal, next, end);
	return next;
}

/* The significant digits and the exponent as strtod() reads them in any locale. */
static double
convert_by_library(const Decimal *decimal)
{
	char buffer[SIGNIFICANT_DIGITS + 32];
	size_t kept = 0;
	int64_t dropped = 0;
	bool sticky = false;
	int64_t exponent;

	for (const char *next = decimal->digits; next < decimal->end; next++)
	{
		if (*next == '.' || (kept == 0 && *next == '0'))
			continue;
		if (kept < SIGNIFICANT_DIGITS)
			buffer[kept++] = *next;
		else
		{
			dropped++;
			sticky = sticky || *next != '0';
		}
	}
	exponent = decimal->exponent + dropped;
	if (sticky)
	{
		buffer[kept++] = '1';
		exponent--;
	}
	if (exponent > 100000)
		exponent = 100000;
	if (exponent < -100000)
		exponent = -100000;
	snprintf(buffer + kept, sizeof(buffer) - kept, "e%d", (int) exponent);
	return strtod(buffer, NULL);
}

size_t
hml_number_parse(const char *text, size_t length, double *out)
{
	static const double powers[EXACT_POWERS + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
													1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
													1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
	Decimal decimal;
	const char *end = scan_decimal(&decimal, text, text + length);
	double value;

	if (end == NULL)
		return 0;
	if (decimal.n_digits == 0)
		value = 0.0;
	else if (decimal.n_digits <= 19 && decimal.mantissa <= UINT64_C(1) << 53 &&
			 decimal.exponent >= -EXACT_POWERS && decimal.exponent <= EXACT_POWERS)
		value = decimal.exponent < 0 ? (double) decimal.mantissa / powers[-decimal.exponent]
									 : (double) decimal.mantissa * powers[decimal.exponent];
	else
		value = convert_by_library(&decimal);
	*out = decimal.negative ? -value : value;
	return (size_t) (end - text);
}
