/*
 * edf_write.c
 *	  EDF+C files, one record a second.
 *
 * An annotation is written in the record in which it begins; the records have room for
 * the most that begin in one of them.
 */
#include "core/signal/edf/edf_write.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/number.h"

#define DIGITAL_MAX 32767
#define MOST_CHANNELS 1000
#define MOST_RATE 100000
#define FIELD_SIZE 96
#define LIST_SIZE (HML_EDF_TEXT + 64) /* of one annotation: onset, duration, text, ends */
#define CLOCK_SIZE 24                 /* of the time of a record */

/* A field of fixed width, filled with blanks. */
static void
put_field(HmlWriter *writer, size_t width, const char *text)
{
	char field[FIELD_SIZE];
	size_t length = strlen(text);

	memset(field, ' ', sizeof(field));
	memcpy(field, text, length < width ? length : width);
	hml_write_bytes(writer, field, width);
}

static void
put_integer(HmlWriter *writer, size_t width, size_t number)
{
	char text[32];

	snprintf(text, sizeof(text), "%zu", number);
	put_field(writer, width, text);
}

static void
put_number(HmlWriter *writer, size_t width, double number)
{
	char text[HML_NUMBER_SIZE];

	put_field(writer, width, hml_number_format(text, number));
}

static size_t
count_records(const HmlEdfContent *content)
{
	size_t rate = (size_t) content->sample_rate;

	return (content->n_samples + rate - 1) / rate;
}

/* The record in which an annotation is written: the nearest, where it begins outside. */
static size_t
record_of(const HmlEdfContent *content, const HmlEdfAnnotation *annotation)
{
	double last = (double) count_records(content) - 1;

	return (size_t) fmin(fmax(floor(annotation->onset_s), 0), last);
}

/* Bytes for annotations in a record, even. */
static size_t
room_for_annotations(const HmlEdfContent *content)
{
	size_t most = 0;

	for (size_t i = 0; i < content->n_annotations; i++)
	{
		size_t count = 0;

		for (size_t j = 0; j < content->n_annotations; j++)
			count +=
				record_of(content, &content->annotations[j]) == record_of(content, &content->annotations[i]);
		most = count > most ? count : most;
	}
	return CLOCK_SIZE + most * LIST_SIZE;
}

static HmlStatus
check(const HmlEdfContent *content, HmlContext *ctx)
{
	if (content->n_channels == 0 || content->n_channels > MOST_CHANNELS)
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "a recording has from 1 to %d channels, not %zu",
						MOST_CHANNELS, content->n_channels);
	if (content->n_samples == 0)
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "a recording must have samples");
	if (content->sample_rate < 1 || content->sample_rate > MOST_RATE)
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "sample rate must be from 1 to %d Hz, not %d", MOST_RATE,
						content->sample_rate);
	if (!(content->physical_max > 0 && content->physical_max < 1e7))
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "physical maximum must be above 0 and below 1e7, not %g",
						content->physical_max);
	for (size_t i = 0; i < content->n_annotations; i++)
		if (strlen(content->annotations[i].text) > HML_EDF_TEXT || !isfinite(content->annotations[i].onset_s))
			return hml_fail(ctx, HML_INVALID_ARGUMENT,
							"annotation %zu must have a finite onset and at most %d bytes of text", i + 1,
							HML_EDF_TEXT);
	return HML_OK;
}

/* ---- header ---------------------------------------------------------------------------------------- */

static void
put_header(const HmlEdfContent *content, HmlWriter *writer)
{
	put_field(writer, 8, "0");
	put_field(writer, 80, "X X X X");
	put_field(writer, 80, "Startdate X X X X");
	put_field(writer, 8, "01.01.85");
	put_field(writer, 8, "00.00.00");
	put_integer(writer, 8, 256 * (content->n_channels + 2));
	put_field(writer, 44, "EDF+C");
	put_integer(writer, 8, count_records(content));
	put_field(writer, 8, "1");
	put_integer(writer, 4, content->n_channels + 1);
}

/* Each field of all signals, the annotations last. */
static void
put_signals(const HmlEdfContent *content, size_t room, HmlWriter *writer)
{
	size_t n = content->n_channels;

	for (size_t i = 0; i <= n; i++)
		put_field(writer, 16, i < n ? content->labels[i] : "EDF Annotations");
	for (size_t i = 0; i <= n; i++)
		put_field(writer, 80, "");
	for (size_t i = 0; i <= n; i++)
		put_field(writer, 8, i < n ? content->unit : "");
	for (size_t i = 0; i <= n; i++)
		put_number(writer, 8, i < n ? -content->physical_max : -1);
	for (size_t i = 0; i <= n; i++)
		put_number(writer, 8, i < n ? content->physical_max : 1);
	for (size_t i = 0; i <= n; i++)
		put_number(writer, 8, -DIGITAL_MAX);
	for (size_t i = 0; i <= n; i++)
		put_number(writer, 8, DIGITAL_MAX);
	for (size_t i = 0; i <= n; i++)
		put_field(writer, 80, "");
	for (size_t i = 0; i <= n; i++)
		put_integer(writer, 8, i < n ? (size_t) content->sample_rate : room / 2);
	for (size_t i = 0; i <= n; i++)
		put_field(writer, 32, "");
}

/* ---- records --------------------------------------------------------------------------------------- */

static void
put_samples(const HmlEdfContent *content, size_t record, size_t channel, HmlWriter *writer)
{
	const float *samples = content->samples + channel * content->n_samples;
	size_t first = record * (size_t) content->sample_rate;

	for (size_t i = first; i < first + (size_t) content->sample_rate; i++)
	{
		double value = samples[i < content->n_samples ? i : content->n_samples - 1];
		double digital = value / content->physical_max * DIGITAL_MAX;

		digital = digital >= -DIGITAL_MAX ? fmin(digital, DIGITAL_MAX) : -DIGITAL_MAX;
		hml_write_u16(writer, (uint16_t) (int16_t) lround(digital));
	}
}

/* +onset [x15 duration] x14 text x14 NUL */
static size_t
list_of(const HmlEdfAnnotation *annotation, char *list)
{
	char onset[HML_FIXED_SIZE];
	char duration[HML_FIXED_SIZE] = "";

	hml_number_format_fixed(onset, annotation->onset_s, 4);
	if (!isnan(annotation->duration_s))
		hml_number_format_fixed(duration, annotation->duration_s, 4);
	return (size_t) snprintf(list, LIST_SIZE, "%s%.20s%s%.20s\x14%s\x14", onset[0] == '-' ? "" : "+", onset,
							 duration[0] == '\0' ? "" : "\x15", duration, annotation->text) +
		   1;
}

static void
put_annotations(const HmlEdfContent *content, size_t record, size_t room, HmlWriter *writer)
{
	char list[LIST_SIZE];
	size_t used = (size_t) snprintf(list, sizeof(list), "+%zu\x14\x14", record) + 1;

	hml_write_bytes(writer, list, used);
	for (size_t i = 0; i < content->n_annotations; i++)
		if (record_of(content, &content->annotations[i]) == record)
		{
			size_t length = list_of(&content->annotations[i], list);

			hml_write_bytes(writer, list, length);
			used += length;
		}
	for (; used < room; used++)
		hml_write_u8(writer, 0);
}

HmlStatus
hml_edf_write(const HmlEdfContent *content, HmlWriter *writer)
{
	size_t room;

	HML_TRY(check(content, writer->ctx));
	room = room_for_annotations(content);
	put_header(content, writer);
	put_signals(content, room, writer);
	for (size_t record = 0; record < count_records(content); record++)
	{
		HML_TRY(hml_poll(writer->ctx));
		for (size_t channel = 0; channel < content->n_channels; channel++)
			put_samples(content, record, channel, writer);
		put_annotations(content, record, room, writer);
	}
	return hml_writer_finish(writer);
}
