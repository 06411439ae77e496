/*
 * edf_field.c
 *	  Text and numbers of EDF headers.
 */
#include "core/signal/edf/edf_field.h"

#include <math.h>
#include <string.h>

#include "core/base/number.h"
#include "core/base/text.h"

#define NUMBER_SIZE 64 /* bytes of a number; onsets have the longest */

static bool
is_blank(unsigned char byte)
{
	return byte <= ' ';
}

HmlEdfField
hml_edf_trim(HmlEdfField field)
{
	while (field.length > 0 && is_blank(field.bytes[0]))
	{
		field.bytes++;
		field.length--;
	}
	while (field.length > 0 && is_blank(field.bytes[field.length - 1]))
		field.length--;
	return field;
}

bool
hml_edf_begins(HmlEdfField field, const char *text)
{
	size_t length = strlen(text);

	return field.length >= length && memcmp(field.bytes, text, length) == 0;
}

bool
hml_edf_equal(HmlEdfField field, const char *text)
{
	field = hml_edf_trim(field);
	return field.length == strlen(text) && hml_edf_begins(field, text);
}

HmlEdfField
hml_edf_word(HmlEdfField *field)
{
	HmlEdfField word = hml_edf_trim(*field);

	*field = word;
	for (word.length = 0; word.length < field->length && !is_blank(field->bytes[word.length]);)
		word.length++;
	field->bytes += word.length;
	field->length -= word.length;
	return word;
}

/* ---- numbers ------------------------------------------------------------------------------------- */

static bool
is_digit(unsigned char byte)
{
	return byte >= '0' && byte <= '9';
}

static bool
belongs_to_number(HmlEdfField field, size_t i)
{
	unsigned char byte = field.bytes[i];

	if (byte == '+' || byte == '-')
		return i > 0 && (field.bytes[i - 1] | 0x20) == 'e';
	return is_digit(byte) || byte == '.' || byte == ',' || (byte | 0x20) == 'e';
}

/* As JSON would have it: no leading zeros, a digit in front of the point, a point. */
size_t
hml_edf_number_at(HmlEdfField field, double *out)
{
	char text[NUMBER_SIZE];
	size_t n = 0;
	size_t i = 0;
	size_t start;
	size_t taken;

	if (field.length > 0 && (field.bytes[0] == '+' || field.bytes[0] == '-'))
		i++;
	if (i > 0 && field.bytes[0] == '-')
		text[n++] = '-';
	for (start = i; i + 1 < field.length && field.bytes[i] == '0' && is_digit(field.bytes[i + 1]);)
		i++;
	if (i < field.length && (field.bytes[i] == '.' || field.bytes[i] == ','))
		text[n++] = '0';
	for (; i < field.length && n < NUMBER_SIZE && belongs_to_number(field, i); i++)
		text[n++] = field.bytes[i] == ',' ? '.' : (char) field.bytes[i];
	if (n > 0 && text[n - 1] == '.') /* "100." */
		n--;
	taken = hml_number_parse(text, n, out);
	return taken > 0 && taken == n && i > start && isfinite(*out) ? i : 0;
}

bool
hml_edf_number(HmlEdfField field, double *out)
{
	field = hml_edf_trim(field);
	return field.length > 0 && hml_edf_number_at(field, out) == field.length;
}

bool
hml_edf_integer(HmlEdfField field, double least, double most, int64_t *out)
{
	double number;

	if (!hml_edf_number(field, &number) || number < least || number > most || number != floor(number))
		return false;
	*out = (int64_t) number;
	return true;
}

/* ---- text ------------------------------------------------------------------------------------------ */

static bool
is_utf8(HmlEdfField field)
{
	const char *text = (const char *) field.bytes;
	const char *end = text + field.length;

	while (text < end)
	{
		int length = hml_utf8_length(text, end);

		if (length == 0)
			return false;
		text += length;
	}
	return true;
}

/* Control characters of ASCII and, where the bytes are Latin-1, those above it. */
static unsigned char
printable(unsigned char byte, bool utf8)
{
	if (byte < ' ' || byte == 0x7f || (!utf8 && byte >= 0x80 && byte < 0xa0))
		return ' ';
	return byte;
}

HmlStatus
hml_edf_text(HmlArena *arena, HmlEdfField field, const char **out)
{
	bool utf8 = is_utf8(field = hml_edf_trim(field));
	char *text;
	char *end;

	HML_TRY(HML_ARENA_NEW(arena, &text, 2 * field.length + 1));
	end = text;
	for (size_t i = 0; i < field.length; i++)
	{
		unsigned char byte = printable(field.bytes[i], utf8);

		if (byte >= 0x80 && !utf8)
		{
			*end++ = (char) (0xc0 | byte >> 6);
			byte = 0x80 | (byte & 0x3f);
		}
		*end++ = (char) byte;
	}
	*end = '\0';
	*out = text;
	return HML_OK;
}

/* ---- units ----------------------------------------------------------------------------------------- */

typedef struct Voltage
{
	const char *name;
	double microvolts;
} Voltage;

static const Voltage voltages[] = {
	{"nV", 1e-3},
	{"uV", 1},
	{"mV", 1e3},
	{"V", 1e6},
};

/* The micro sign: u, Latin-1, UTF-8 (micro and mu), Shift-JIS, or what became of one that was lost. */
static const char *const micro_signs[] = {"u",        "U", "\xb5", "\xc2\xb5",    "\xce\xbc",
										  "\x83\xca", ".", "?",    "\xef\xbf\xbd"};

static bool
is_microvolt(HmlEdfField field)
{
	for (size_t i = 0; i < sizeof(micro_signs) / sizeof(micro_signs[0]); i++)
	{
		size_t length = strlen(micro_signs[i]);

		if (field.length == length + 1 && hml_edf_begins(field, micro_signs[i]) &&
			(field.bytes[length] | 0x20) == 'v')
			return true;
	}
	return hml_edf_equal(field, "microvolt") || hml_edf_equal(field, "microvolts");
}

/* "mV" and "MV" are millivolts: nobody records a head in megavolts. */
static bool
is_named(HmlEdfField field, const char *name)
{
	if (field.length != strlen(name))
		return false;
	for (size_t i = 0; i < field.length; i++)
		if ((field.bytes[i] | 0x20) != (name[i] | 0x20))
			return false;
	return true;
}

const char *
hml_edf_voltage(HmlEdfField field, double *microvolts)
{
	field = hml_edf_trim(field);
	for (size_t i = 0; i < sizeof(voltages) / sizeof(voltages[0]); i++)
		if (is_named(field, voltages[i].name) || (voltages[i].microvolts == 1 && is_microvolt(field)))
		{
			*microvolts = voltages[i].microvolts;
			return voltages[i].name;
		}
	*microvolts = NAN;
	return NULL;
}
