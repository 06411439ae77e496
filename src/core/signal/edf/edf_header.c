/*
 * edf_header.c
 *	  The header of an EDF file: 256 bytes of its own, then 256 of each signal, field
 *	  by field.
 */
#include "core/signal/edf/edf_parse.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/checked.h"

#define BLOCK 256
#define LABEL_SIZE 64     /* 16 bytes of Latin-1 and a number */
#define MOST_SIGNALS 9999 /* four digits */
#define MOST_DIGITAL 8388608.0
#define MOST_PER_RECORD 1e8

/* Fields of the file: place and width. */
typedef struct Place
{
	size_t offset;
	size_t width;
} Place;

static const Place version = {0, 8};
static const Place patient = {8, 80};
static const Place recording = {88, 80};
static const Place start_date = {168, 8};
static const Place start_time = {176, 8};
static const Place header_bytes = {184, 8};
static const Place reserved = {192, 44};
static const Place record_duration = {244, 8};
static const Place signal_count = {252, 4};

/* Fields of the signals: one after the other for all signals. */
static const Place label = {0, 16};
static const Place unit = {96, 8};
static const Place physical_min = {104, 8};
static const Place physical_max = {112, 8};
static const Place digital_min = {120, 8};
static const Place digital_max = {128, 8};
static const Place prefiltering = {136, 80};
static const Place samples_per_record = {216, 8};

static HmlEdfField
field_of(const HmlEdfParse *parse, Place place)
{
	return (HmlEdfField){parse->bytes + place.offset, place.width};
}

static HmlEdfField
signal_field(const HmlEdfParse *parse, Place place, size_t signal)
{
	return (HmlEdfField){parse->bytes + BLOCK + parse->n_signals * place.offset + signal * place.width,
						 place.width};
}

/* ---- persons and times ----------------------------------------------------------------------------- */

static bool
says_something(HmlEdfField word)
{
	return word.length > 0 && !hml_edf_equal(word, "X");
}

static void
find_person(HmlEdfParse *parse)
{
	HmlEdf *edf = parse->edf;
	HmlEdfField field = field_of(parse, patient);

	for (unsigned bit = HML_EDF_PATIENT_CODE; parse->is_plus && bit <= HML_EDF_PATIENT_NAME; bit <<= 1)
		if (says_something(hml_edf_word(&field)))
			edf->person |= bit;
	while (hml_edf_trim(field).length > 0)
		if (says_something(hml_edf_word(&field)))
			edf->person |= HML_EDF_PATIENT_OTHER;
	field = field_of(parse, recording);
	if (hml_edf_begins(field, "Startdate"))
	{
		hml_edf_word(&field);
		hml_edf_word(&field);
	}
	while (hml_edf_trim(field).length > 0)
		if (says_something(hml_edf_word(&field)))
			edf->person |= HML_EDF_RECORDING;
}

/* Three numbers of two digits with one character between each. */
static bool
three_numbers(HmlEdfField field, int *numbers)
{
	for (size_t i = 0; i < 3; i++)
	{
		int64_t number;

		if (field.length < 8 || !hml_edf_integer((HmlEdfField){field.bytes + 3 * i, 2}, 0, 99, &number))
			return false;
		numbers[i] = (int) number;
	}
	return true;
}

static bool
is_date(int year, int month, int day)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1] + (leap && month == 2);
}

/* "Startdate 02-MAR-2002" gives all four digits of the year; "Startdate X" takes the date back. */
static void
find_start_date(HmlEdfParse *parse)
{
	HmlEdfStart *start = &parse->edf->start;
	HmlEdfField field = field_of(parse, recording);
	HmlEdfField word;
	int64_t year;
	int numbers[3];

	if (!three_numbers(field_of(parse, start_date), numbers))
		return;
	start->day = numbers[0];
	start->month = numbers[1];
	start->year = numbers[2] + (numbers[2] >= 85 ? 1900 : 2000);
	start->has_date = is_date(start->year, start->month, start->day);
	if (!hml_edf_begins(field, "Startdate"))
		return;
	hml_edf_word(&field);
	word = hml_edf_word(&field);
	if (hml_edf_equal(word, "X"))
		start->has_date = false;
	else if (word.length == 11 && hml_edf_integer((HmlEdfField){word.bytes + 7, 4}, 1900, 2999, &year) &&
			 year % 100 == numbers[2])
		start->year = (int) year;
}

static void
find_start_time(HmlEdfParse *parse)
{
	HmlEdfStart *start = &parse->edf->start;
	int numbers[3];

	if (!three_numbers(field_of(parse, start_time), numbers))
		return;
	start->hour = numbers[0];
	start->minute = numbers[1];
	start->second = numbers[2];
	start->has_time = numbers[0] < 24 && numbers[1] < 60 && numbers[2] < 60;
}

/* ---- the file -------------------------------------------------------------------------------------- */

static HmlStatus
check_kind(HmlEdfParse *parse)
{
	HmlEdf *edf = parse->edf;

	if (parse->length == 0)
		return hml_fail(parse->ctx, HML_CORRUPT, "recording is empty");
	if (parse->length >= 8 && memcmp(parse->bytes,
									 "\xff"
									 "BIOSEMI",
									 8) == 0)
		edf->sample_size = 3;
	else if (parse->length >= 8 && hml_edf_equal(field_of(parse, version), "0"))
		edf->sample_size = 2;
	else
	{
		hml_fail(parse->ctx, HML_CORRUPT, "recording is not an EDF or BDF file");
		return hml_hint(parse->ctx,
						"EDF files begin with \"0\" and seven blanks, BDF files with byte 255 and "
						"\"BIOSEMI\".");
	}
	if (parse->length < BLOCK)
		return hml_fail(parse->ctx, HML_CORRUPT, "header of the recording is cut off");
	return HML_OK;
}

static HmlStatus
parse_sizes(HmlEdfParse *parse)
{
	HmlContext *ctx = parse->ctx;
	int64_t n;
	int64_t size;

	if (!hml_edf_integer(field_of(parse, signal_count), 1, MOST_SIGNALS, &n))
		return hml_fail(ctx, HML_CORRUPT, "header of the recording does not say how many signals there are");
	parse->n_signals = (size_t) n;
	parse->header_size = BLOCK * (parse->n_signals + 1);
	if (!hml_edf_integer(field_of(parse, header_bytes), 0, INT32_MAX, &size) ||
		(size_t) size != parse->header_size)
		return hml_fail(ctx, HML_CORRUPT, "size of the header does not fit its %zu signals",
						parse->n_signals);
	if (parse->header_size > parse->length)
		return hml_fail(ctx, HML_CORRUPT, "header of the recording is cut off");
	if (!hml_edf_number(field_of(parse, record_duration), &parse->edf->record_s) ||
		!(parse->edf->record_s >= 0 && parse->edf->record_s < 1e7))
		return hml_fail(ctx, HML_CORRUPT, "header of the recording does not say how long a record is");
	return HML_OK;
}

/* ---- signals --------------------------------------------------------------------------------------- */

static bool
is_annotation(const HmlEdfParse *parse, size_t signal)
{
	HmlEdfField field = signal_field(parse, label, signal);

	return hml_edf_equal(field, "EDF Annotations") || hml_edf_equal(field, "BDF Annotations");
}

/* The format, which only with annotations is one of EDF+. */
static void
find_format(HmlEdfParse *parse)
{
	static const char *const formats[2][3] = {{"EDF", "EDF+C", "EDF+D"}, {"BDF", "BDF+C", "BDF+D"}};
	const char *const *names = formats[parse->edf->sample_size == 3];
	HmlEdfField field = field_of(parse, reserved);
	HmlEdfField word = hml_edf_word(&field);
	bool continuous = hml_edf_equal(word, "EDF+C") || hml_edf_equal(word, "BDF+C");
	bool discontinuous = hml_edf_equal(word, "EDF+D") || hml_edf_equal(word, "BDF+D");

	parse->is_plus = continuous || discontinuous;
	if (!parse->is_plus || parse->n_slots == 0)
		parse->edf->format = names[0];
	else
		parse->edf->format = names[continuous ? 1 : 2];
}

static HmlStatus
parse_ranges(HmlEdfParse *parse, size_t signal, HmlEdfChannel *channel)
{
	int64_t low;
	int64_t high;
	bool is_digital =
		hml_edf_integer(signal_field(parse, digital_min, signal), -MOST_DIGITAL, MOST_DIGITAL, &low) &&
		hml_edf_integer(signal_field(parse, digital_max, signal), -MOST_DIGITAL, MOST_DIGITAL, &high);
	bool is_physical = hml_edf_number(signal_field(parse, physical_min, signal), &channel->physical_min) &&
					   hml_edf_number(signal_field(parse, physical_max, signal), &channel->physical_max);

	if (!is_digital || !is_physical)
		return hml_edf_warn(parse, "Channel \"%s\" is not usable: its ranges are no numbers.",
							channel->label);
	channel->digital_min = (int32_t) low;
	channel->digital_max = (int32_t) high;
	if (high <= low)
		return hml_edf_warn(parse,
							"Channel \"%s\" is not usable: its digital maximum is not above the minimum.",
							channel->label);
	if (channel->physical_max == channel->physical_min)
		return hml_edf_warn(parse, "Channel \"%s\" is not usable: its physical maximum equals the minimum.",
							channel->label);
	channel->gain = (channel->physical_max - channel->physical_min) / (double) (high - low);
	channel->usable = isfinite(channel->gain) && channel->per_record > 0 && channel->sample_rate > 0;
	if (channel->gain < 0)
		return hml_edf_warn(parse,
							"Channel \"%s\" has a physical minimum above the maximum: it is turned over.",
							channel->label);
	return HML_OK;
}

static HmlStatus
parse_unit(HmlEdfParse *parse, size_t signal, HmlEdfChannel *channel)
{
	HmlEdfField field = signal_field(parse, unit, signal);

	channel->unit = hml_edf_voltage(field, &channel->microvolts);
	return channel->unit != NULL ? HML_OK : hml_edf_text(parse->arena, field, &channel->unit);
}

static HmlStatus
parse_channel(HmlEdfParse *parse, size_t signal, size_t per_record, size_t offset)
{
	HmlEdf *edf = parse->edf;
	HmlEdfChannel *channel = &edf->channels[edf->n_channels++];

	*channel = (HmlEdfChannel){.per_record = per_record, .offset = offset};
	if (edf->record_s > 0)
		channel->sample_rate = (double) per_record / edf->record_s;
	HML_TRY(hml_edf_text(parse->arena, signal_field(parse, label, signal), &channel->label));
	HML_TRY(hml_edf_text(parse->arena, signal_field(parse, prefiltering, signal), &channel->filters));
	HML_TRY(parse_unit(parse, signal, channel));
	return parse_ranges(parse, signal, channel);
}

static HmlStatus
parse_signal(HmlEdfParse *parse, size_t signal)
{
	HmlEdf *edf = parse->edf;
	size_t offset = edf->record_size;
	size_t size;
	int64_t n;

	if (!hml_edf_integer(signal_field(parse, samples_per_record, signal), 0, MOST_PER_RECORD, &n))
		return hml_fail(parse->ctx, HML_CORRUPT,
						"header of the recording does not say how many samples signal %zu has in a record",
						signal + 1);
	size = (size_t) n * edf->sample_size;
	if (!hml_size_add(edf->record_size, size, &edf->record_size))
		return hml_fail(parse->ctx, HML_CORRUPT, "records of the recording are too large");
	if (!is_annotation(parse, signal))
		return parse_channel(parse, signal, (size_t) n, offset);
	parse->slots[parse->n_slots++] = (HmlEdfSlot){offset, size};
	return HML_OK;
}

/* The (k + 1)th of a label is distinguished by its number. */
static HmlStatus
number_repeated_labels(HmlEdfParse *parse)
{
	HmlEdf *edf = parse->edf;
	HmlEdfChannel *channels = edf->channels;
	const char **found;
	size_t n_repeated = 0;

	HML_TRY(HML_ARENA_NEW(parse->arena, &found, edf->n_channels));
	for (size_t i = 0; i < edf->n_channels; i++)
		found[i] = channels[i].label;
	for (size_t i = 0; i < edf->n_channels; i++)
	{
		size_t k = 1;

		for (size_t j = 0; j < i; j++)
			k += strcmp(found[i], found[j]) == 0;
		if (k > 1)
		{
			char text[LABEL_SIZE];
			char *copy;

			n_repeated++;
			snprintf(text, sizeof(text), "%s (%zu)", found[i], k);
			HML_TRY(hml_arena_strdup(parse->arena, text, strlen(text), &copy));
			channels[i].label = copy;
		}
	}
	if (n_repeated > 0)
		return hml_edf_warn(parse, "Labels that earlier channels have are numbered: %zu.", n_repeated);
	return HML_OK;
}

HmlStatus
hml_edf_parse_header(HmlEdfParse *parse)
{
	HmlEdf *edf = parse->edf;

	HML_TRY(check_kind(parse));
	HML_TRY(parse_sizes(parse));
	HML_TRY(HML_ARENA_NEW(parse->arena, &edf->channels, parse->n_signals));
	HML_TRY(HML_ARENA_NEW(parse->arena, &parse->slots, parse->n_signals));
	for (size_t i = 0; i < parse->n_signals; i++)
		HML_TRY(parse_signal(parse, i));
	if (edf->record_size == 0)
		return hml_fail(parse->ctx, HML_CORRUPT, "records of the recording are empty");
	find_format(parse);
	find_person(parse);
	find_start_date(parse);
	find_start_time(parse);
	edf->data = parse->bytes + parse->header_size;
	return number_repeated_labels(parse);
}
