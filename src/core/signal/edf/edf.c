/*
 * edf.c
 *	  Opening a file, and its samples as numbers.
 */
#include "core/signal/edf/edf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/signal/edf/edf_parse.h"

#define SAMPLES_PER_POLL 1000000
#define WARNING_SIZE 256

HmlStatus
hml_edf_warn(HmlEdfParse *parse, const char *fmt, ...)
{
	HmlEdf *edf = parse->edf;
	char text[WARNING_SIZE];
	char *copy;
	va_list arguments;

	if (edf->n_warnings == HML_EDF_MAX_WARNINGS)
		return HML_OK;
	if (edf->warnings == NULL)
		HML_TRY(HML_ARENA_NEW(parse->arena, &edf->warnings, HML_EDF_MAX_WARNINGS));
	va_start(arguments, fmt);
	vsnprintf(text, sizeof(text), fmt, arguments);
	va_end(arguments);
	HML_TRY(hml_arena_strdup(parse->arena, text, strlen(text), &copy));
	edf->warnings[edf->n_warnings++] = copy;
	return HML_OK;
}

HmlStatus
hml_edf_open(HmlArena *arena, const void *bytes, size_t length, HmlEdf *out)
{
	HmlEdfParse parse = {
		.arena = arena, .ctx = hml_arena_context(arena), .bytes = bytes, .length = length, .edf = out};

	*out = (HmlEdf){0};
	HML_TRY(hml_edf_parse_header(&parse));
	HML_TRY(hml_edf_count_records(&parse));
	HML_TRY(hml_edf_parse_records(&parse));
	out->end_s = hml_edf_stretch_end(out, &out->stretches[out->n_stretches - 1]);
	return HML_OK;
}

double
hml_edf_stretch_end(const HmlEdf *edf, const HmlEdfStretch *stretch)
{
	return stretch->onset_s + (double) stretch->n_records * edf->record_s;
}

double
hml_edf_recorded_s(const HmlEdf *edf)
{
	return (double) edf->n_records * edf->record_s;
}

const HmlEdfStretch *
hml_edf_stretch_at(const HmlEdf *edf, double at_s)
{
	for (size_t i = 0; i < edf->n_stretches; i++)
		if (at_s >= edf->stretches[i].onset_s && at_s < hml_edf_stretch_end(edf, &edf->stretches[i]))
			return &edf->stretches[i];
	return NULL;
}

/* ---- samples --------------------------------------------------------------------------------------- */

static void
convert_16(const unsigned char *bytes, size_t n, double slope, double offset, float *out)
{
	for (size_t i = 0; i < n; i++)
	{
		int16_t digital = (int16_t) (bytes[2 * i] | bytes[2 * i + 1] << 8);

		out[i] = (float) (slope * digital + offset);
	}
}

static void
convert_24(const unsigned char *bytes, size_t n, double slope, double offset, float *out)
{
	for (size_t i = 0; i < n; i++)
	{
		int32_t digital = bytes[3 * i] | bytes[3 * i + 1] << 8 | bytes[3 * i + 2] << 16;

		out[i] = (float) (slope * ((digital ^ 0x800000) - 0x800000) + offset);
	}
}

HmlStatus
hml_edf_read(HmlContext *ctx, const HmlEdf *edf, const HmlEdfChannel *channel, const HmlEdfStretch *stretch,
			 size_t first, size_t n, double scale, float *out)
{
	double slope = channel->gain * scale;
	double offset = channel->physical_min * scale - channel->digital_min * slope;
	size_t since_poll = SAMPLES_PER_POLL;

	for (size_t done = 0; done < n;)
	{
		size_t record = stretch->first_record + (first + done) / channel->per_record;
		size_t skipped = (first + done) % channel->per_record;
		size_t part = channel->per_record - skipped < n - done ? channel->per_record - skipped : n - done;
		const unsigned char *bytes =
			edf->data + record * edf->record_size + channel->offset + skipped * edf->sample_size;

		if (edf->sample_size == 2)
			convert_16(bytes, part, slope, offset, out + done);
		else
			convert_24(bytes, part, slope, offset, out + done);
		done += part;
		since_poll += part;
		if (since_poll >= SAMPLES_PER_POLL)
		{
			HML_TRY(hml_poll(ctx));
			since_poll = 0;
		}
	}
	return HML_OK;
}
