/*
 * edf_records.c
 *	  Records of an EDF file: how many there are, when they begin, and their
 *	  annotations.
 *
 * Each record of an EDF+ file begins its first signal of annotations with its own
 * time.  Where that is later than the end of the record before, there is a gap.
 */
#include "core/signal/edf/edf_parse.h"

#include <math.h>
#include <string.h>

#define RECORDS_PER_POLL 1024
#define GAP_S 2e-3          /* what a clock may drift from one record to the next */
#define TELLING_LINE_ENDS 8 /* so many of one kind and none of the other are no chance */

#define END_OF_ONSET 0x14
#define BEGIN_OF_DURATION 0x15

/* ---- number of records ----------------------------------------------------------------------------- */

/*
 * A program that took the file for a text has turned LF into CR LF: then no LF is
 * without a CR before it.
 */
static bool
has_converted_line_ends(const unsigned char *data, size_t length)
{
	size_t n_pairs = 0;
	const unsigned char *end = data + length;

	for (const unsigned char *at = data; (at = memchr(at, '\n', (size_t) (end - at))) != NULL; at++)
	{
		if (at == data || at[-1] != '\r')
			return false;
		n_pairs++;
	}
	return n_pairs >= TELLING_LINE_ENDS;
}

static HmlStatus
refuse_rest(HmlEdfParse *parse, size_t rest)
{
	const HmlEdf *edf = parse->edf;

	if (has_converted_line_ends(edf->data, parse->length - parse->header_size))
	{
		hml_fail(parse->ctx, HML_INVALID_DATA, "line feeds in the recording were turned into CR LF");
		hml_detail(
			parse->ctx,
			"Its samples are not whole records, and each of its line feeds follows a carriage return.");
		return hml_hint(parse->ctx, "Transfer the file in binary mode.");
	}
	return hml_fail(parse->ctx, HML_CORRUPT,
					"samples of the recording are not whole records: %zu records of %zu bytes leave %zu",
					edf->n_records, edf->record_size, rest);
}

/* Bytes that are left over: the last record was cut off, or a few were added, or nothing fits. */
static HmlStatus
judge_rest(HmlEdfParse *parse, int64_t announced, size_t rest)
{
	HmlEdf *edf = parse->edf;

	if (has_converted_line_ends(edf->data, parse->length - parse->header_size) ||
		(announced >= 0 && (size_t) announced < edf->n_records))
		return refuse_rest(parse, rest);
	if ((size_t) announced == edf->n_records)
		return hml_edf_warn(parse, "Bytes after the last record are ignored: %zu.", rest);
	edf->truncated = true;
	return hml_edf_warn(parse, "The last record is cut off and ignored.");
}

HmlStatus
hml_edf_count_records(HmlEdfParse *parse)
{
	static const size_t offset = 236;
	HmlEdf *edf = parse->edf;
	size_t size = parse->length - parse->header_size;
	size_t rest = size % edf->record_size;
	int64_t announced;

	if (!hml_edf_integer((HmlEdfField){parse->bytes + offset, 8}, -1, INT32_MAX, &announced))
		announced = -1;
	edf->n_records = size / edf->record_size;
	if (rest > 0)
		HML_TRY(judge_rest(parse, announced, rest));
	if (edf->n_records == 0)
		return hml_fail(parse->ctx, HML_CORRUPT, "recording has a header and no whole record");
	if (announced < 0)
		return hml_edf_warn(parse, "The number of records is not given: there are %zu.", edf->n_records);
	if ((size_t) announced == edf->n_records)
		return HML_OK;
	edf->truncated = (size_t) announced > edf->n_records;
	return hml_edf_warn(parse, "The header announces %lld records, there are %zu.", (long long) announced,
						edf->n_records);
}

/* ---- annotations ----------------------------------------------------------------------------------- */

typedef struct Found
{
	HmlEdfParse *parse;
	size_t annotations_room;
	size_t stretches_room;
	size_t n_backward;
	size_t n_malformed;
	double onset_s; /* of the present record; NaN = not given */
} Found;

/* Make room for one more item after the n that are there. */
static HmlStatus
make_room(HmlArena *arena, size_t n, size_t item_size, void **items, size_t *room)
{
	void *grown;

	if (n < *room)
		return HML_OK;
	HML_TRY(hml_arena_alloc(arena, 2 * n + 16, item_size, &grown));
	if (n > 0)
		memcpy(grown, *items, n * item_size);
	*items = grown;
	*room = 2 * n + 16;
	return HML_OK;
}

static HmlStatus
add_annotation(Found *found, double onset_s, double duration_s, HmlEdfField text)
{
	HmlEdf *edf = found->parse->edf;
	HmlEdfAnnotation *annotation;

	text = hml_edf_trim(text);
	if (text.length == 0)
		return HML_OK;
	HML_TRY(make_room(found->parse->arena, edf->n_annotations, sizeof(*edf->annotations),
					  (void **) &edf->annotations, &found->annotations_room));
	annotation = &edf->annotations[edf->n_annotations++];
	*annotation = (HmlEdfAnnotation){.onset_s = onset_s, .duration_s = duration_s};
	return hml_edf_text(found->parse->arena, text, &annotation->text);
}

/* Onset and duration in front of the texts; returns the bytes that they take, 0 where they are none. */
static size_t
parse_times(HmlEdfField list, double *onset_s, double *duration_s)
{
	size_t taken;
	size_t more;

	*duration_s = NAN;
	if (list.length == 0 || (list.bytes[0] != '+' && list.bytes[0] != '-'))
		return 0;
	taken = hml_edf_number_at(list, onset_s);
	if (taken == 0 || taken == list.length)
		return 0;
	if (list.bytes[taken] == BEGIN_OF_DURATION)
	{
		HmlEdfField rest = {list.bytes + taken + 1, list.length - taken - 1};

		more = hml_edf_number_at(rest, duration_s);
		if (more == 0)
			*duration_s = NAN;
		taken += 1 + more;
	}
	return taken < list.length && list.bytes[taken] == END_OF_ONSET ? taken + 1 : 0;
}

/* One list: +onset [x15 duration] x14 text x14 text x14; the first of a record is about the record. */
static HmlStatus
parse_list(Found *found, HmlEdfField list, bool is_clock)
{
	double onset_s;
	double duration_s;
	size_t taken = parse_times(list, &onset_s, &duration_s);

	if (taken == 0)
	{
		found->n_malformed++;
		return HML_OK;
	}
	if (is_clock)
		found->onset_s = onset_s;
	while (taken < list.length)
	{
		const unsigned char *text = list.bytes + taken;
		const unsigned char *end = memchr(text, END_OF_ONSET, list.length - taken);
		size_t length = end == NULL ? list.length - taken : (size_t) (end - text);

		HML_TRY(add_annotation(found, onset_s, duration_s, (HmlEdfField){text, length}));
		taken += length + 1;
	}
	return HML_OK;
}

/* Lists end with a NUL; what follows the last is filled with NULs. */
static HmlStatus
parse_slot(Found *found, const unsigned char *bytes, size_t size, bool has_clock)
{
	bool is_clock = has_clock;

	for (size_t at = 0; at < size;)
	{
		const unsigned char *end = memchr(bytes + at, '\0', size - at);
		size_t length = end == NULL ? size - at : (size_t) (end - bytes) - at;

		if (length > 0)
		{
			HML_TRY(parse_list(found, (HmlEdfField){bytes + at, length}, is_clock));
			is_clock = false;
		}
		at += length + 1;
	}
	return HML_OK;
}

/* ---- stretches ------------------------------------------------------------------------------------- */

static HmlStatus
add_stretch(Found *found, double onset_s, size_t record)
{
	HmlEdf *edf = found->parse->edf;

	HML_TRY(make_room(found->parse->arena, edf->n_stretches, sizeof(*edf->stretches),
					  (void **) &edf->stretches, &found->stretches_room));
	edf->stretches[edf->n_stretches++] = (HmlEdfStretch){onset_s, record, 1};
	return HML_OK;
}

/* A record belongs to the stretch before it, or begins one after a gap. */
static HmlStatus
place_record(Found *found, size_t record)
{
	HmlEdf *edf = found->parse->edf;
	HmlEdfStretch *last;
	double onset_s = found->onset_s;
	double end_s;

	if (record == 0)
	{
		found->parse->first_onset_s = isnan(onset_s) ? 0 : onset_s;
		return add_stretch(found, 0, 0);
	}
	last = &edf->stretches[edf->n_stretches - 1];
	end_s = hml_edf_stretch_end(edf, last);
	onset_s -= found->parse->first_onset_s;
	if (edf->record_s > 0 && onset_s > end_s + GAP_S)
		return add_stretch(found, onset_s, record);
	if (edf->record_s > 0 && onset_s < end_s - GAP_S)
		found->n_backward++;
	last->n_records++;
	return HML_OK;
}

static HmlStatus
parse_record(Found *found, size_t record)
{
	HmlEdfParse *parse = found->parse;
	const unsigned char *bytes = parse->edf->data + record * parse->edf->record_size;

	found->onset_s = NAN;
	for (size_t i = 0; i < parse->n_slots; i++)
		HML_TRY(parse_slot(found, bytes + parse->slots[i].offset, parse->slots[i].size,
						   parse->is_plus && i == 0));
	return place_record(found, record);
}

/* The header has the start to the second; the first record has its fraction. */
static void
start_at_first_record(HmlEdfParse *parse)
{
	HmlEdf *edf = parse->edf;

	for (size_t i = 0; i < edf->n_annotations; i++)
		edf->annotations[i].onset_s -= parse->first_onset_s;
	if (parse->first_onset_s >= 0 && parse->first_onset_s < 1)
		edf->start.second += parse->first_onset_s;
}

static HmlStatus
warn_of_times(Found *found)
{
	HmlEdfParse *parse = found->parse;

	if (found->n_malformed > 0)
		HML_TRY(hml_edf_warn(parse, "Malformed annotations are ignored: %zu.", found->n_malformed));
	if (found->n_backward > 0)
		HML_TRY(hml_edf_warn(parse,
							 "Records that begin before the end of the one before are put after it: %zu.",
							 found->n_backward));
	if (parse->edf->n_stretches > 1 && parse->is_plus && strchr(parse->edf->format, '+')[1] == 'C')
		return hml_edf_warn(parse, "There are gaps, although the header calls the recording continuous.");
	return HML_OK;
}

HmlStatus
hml_edf_parse_records(HmlEdfParse *parse)
{
	HmlEdf *edf = parse->edf;
	Found found = {.parse = parse};

	if (parse->n_slots == 0)
	{
		HML_TRY(add_stretch(&found, 0, 0));
		edf->stretches[0].n_records = edf->n_records;
		return HML_OK;
	}
	for (size_t record = 0; record < edf->n_records; record++)
	{
		if (record % RECORDS_PER_POLL == 0)
			HML_TRY(hml_poll(parse->ctx));
		HML_TRY(parse_record(&found, record));
	}
	start_at_first_record(parse);
	return warn_of_times(&found);
}
