/*
 * wav.c
 *	  The chunks of WAV files: RIFF and RIFX (Microsoft, 1991), RF64 and BW64 (EBU
 *	  Tech 3306, ITU-R BS.2088), Sony Wave64.
 *
 * A recorder that was switched off, or that wrote to a pipe, leaves a placeholder
 * as the size of the sound: 0, or what its format can hold at most.  Then all that
 * follows is sound.  Otherwise sound is missing exactly when the file ends before
 * the size that its header gives.  The decoder gets a RIFF header that was made
 * from the chunks.
 */
#include "core/signal/audio/container.h"

#include <string.h>

#include "core/signal/audio/codec_names.h"

#define RIFF_HEADER 12
#define CHUNK_HEADER 8
#define W64_HEADER 40 /* GUID, size, GUID */
#define W64_CHUNK_HEADER 24
#define DS64_DATA_SIZE 8 /* in its chunk, after the size of the file */
#define DS64_SIZE 16
#define MIN_FORMAT 14
#define MAX_FORMAT 1024
#define EXTENSIBLE 0xfffe
#define EXTENSIBLE_TAG 24 /* the first bytes of the GUID of its subformat */
#define MP3_TAG 0x55

static const unsigned char w64_riff[16] = "riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00";
static const unsigned char w64_wave[16] = "wave\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a";

bool
hml_wav_starts(const unsigned char *b, size_t length)
{
	if (length >= W64_HEADER && memcmp(b, w64_riff, 16) == 0 && memcmp(b + 24, w64_wave, 16) == 0)
		return true;
	return length >= RIFF_HEADER && memcmp(b + 8, "WAVE", 4) == 0 &&
		   (memcmp(b, "RIFF", 4) == 0 || memcmp(b, "RIFX", 4) == 0 || memcmp(b, "RF64", 4) == 0 ||
			memcmp(b, "BW64", 4) == 0);
}

/* ---- chunks -------------------------------------------------------------- */

typedef struct Chunks
{
	const unsigned char *file;
	size_t length;
	bool wave64;
	bool big_endian;
	size_t format; /* where its content begins, 0 = none yet */
	size_t format_size;
	size_t fact;
	uint64_t long_size; /* of the sound, from a ds64 chunk */
	size_t data;
	uint64_t data_size; /* what the header says */
	bool size_known;
	size_t end; /* of the sound */
} Chunks;

static uint64_t
number_at(const Chunks *chunks, size_t at, size_t bytes)
{
	uint64_t value = 0;

	for (size_t i = 0; i < bytes; i++)
		value |= (uint64_t) chunks->file[at + i] << 8 * (chunks->big_endian ? bytes - 1 - i : i);
	return value;
}

/* Where the chunk that begins at 'at' ends, as its header says; its content begins at *content. */
static uint64_t
chunk_size(const Chunks *chunks, size_t at, size_t *content)
{
	uint64_t size;

	if (!chunks->wave64)
	{
		*content = at + CHUNK_HEADER;
		return number_at(chunks, at + 4, 4);
	}
	*content = at + W64_CHUNK_HEADER;
	size = number_at(chunks, at + 16, 8);
	return size < W64_CHUNK_HEADER ? 0 : size - W64_CHUNK_HEADER;
}

static size_t
padded(const Chunks *chunks, size_t size)
{
	return chunks->wave64 ? (size + 7) / 8 * 8 : size + size % 2;
}

static bool
chunk_is(const Chunks *chunks, size_t at, const char *name)
{
	return memcmp(chunks->file + at, name, 4) == 0;
}

/* Stops at the sound; false when there is none or no format before it. */
static bool
read_chunks(Chunks *chunks)
{
	size_t at = chunks->wave64 ? W64_HEADER : RIFF_HEADER;
	size_t header = chunks->wave64 ? W64_CHUNK_HEADER : CHUNK_HEADER;

	while (chunks->length >= header && at <= chunks->length - header)
	{
		size_t content;
		uint64_t size = chunk_size(chunks, at, &content);

		if (chunk_is(chunks, at, "data"))
		{
			chunks->data = content;
			chunks->data_size = size;
			return chunks->format > 0;
		}
		if (size > chunks->length - content)
			return false;
		if (chunk_is(chunks, at, "fmt ") && size >= MIN_FORMAT && size <= MAX_FORMAT)
		{
			chunks->format = content;
			chunks->format_size = (size_t) size;
		}
		else if (chunk_is(chunks, at, "fact") && size >= 4)
			chunks->fact = content;
		else if (chunk_is(chunks, at, "ds64") && size >= DS64_SIZE)
			chunks->long_size = number_at(chunks, content + DS64_DATA_SIZE, 8);
		at = content + padded(chunks, (size_t) size);
	}
	return false;
}

/* ---- size ----------------------------------------------------------------- */

/* What writers that cannot go back put there: sox and arecord nearly 2^31, others the most that 32 bits hold. */
#define PLACEHOLDER_FROM 0x7ffff000u
#define PLACEHOLDER_TO 0x80000000u

/* 'header' bytes stand before the sound, and some writers take them off the most that there can be. */
static bool
is_placeholder(uint64_t size, size_t header)
{
	return size == 0 || (size >= PLACEHOLDER_FROM && size <= PLACEHOLDER_TO) || size == UINT32_MAX ||
		   size + header == UINT32_MAX || size + header == UINT32_MAX + (uint64_t) CHUNK_HEADER ||
		   size > (uint64_t) INT64_MAX / 2;
}

/* Whether whole chunks fill the file from 'at' to its end: then sound of size 0 is none. */
static bool
chunks_follow(const Chunks *chunks, size_t at)
{
	size_t header = chunks->wave64 ? W64_CHUNK_HEADER : CHUNK_HEADER;

	while (chunks->length - at >= header)
	{
		size_t content;
		uint64_t size = chunk_size(chunks, at, &content);

		for (size_t i = 0; i < 4; i++)
			if (chunks->file[at + i] < ' ' || chunks->file[at + i] > '~')
				return false;
		if (size > chunks->length - content)
			return false;
		at = content + padded(chunks, (size_t) size);
		if (at > chunks->length)
			at = chunks->length;
	}
	return at == chunks->length;
}

static void
find_end(Chunks *chunks)
{
	size_t left = chunks->length - chunks->data;

	if (chunks->data_size == UINT32_MAX && chunks->long_size > 0)
		chunks->data_size = chunks->long_size;
	chunks->size_known = !is_placeholder(chunks->data_size, chunks->data) ||
						 (chunks->data_size == 0 && chunks_follow(chunks, chunks->data));
	if (!chunks->size_known || chunks->data_size > left)
		chunks->end = chunks->length;
	else
		chunks->end = chunks->data + (size_t) chunks->data_size;
}

/* Where the size of the sound is not known, that of the whole file may be. */
static bool
is_cut(const Chunks *chunks)
{
	uint64_t whole = number_at(chunks, 4, 4);

	if (chunks->size_known)
		return chunks->data_size > chunks->length - chunks->data;
	if (chunks->wave64 || whole > UINT32_MAX - chunks->data)
		return false;
	return whole + CHUNK_HEADER > chunks->length && !is_placeholder(whole, chunks->data) &&
		   !is_placeholder(whole + CHUNK_HEADER - chunks->data, chunks->data);
}

/* ---- header for the decoder ------------------------------------------------ */

static void
put(HmlStream *out, const void *bytes, size_t n)
{
	memcpy(out->head + out->head_length, bytes, n);
	out->head_length += n;
}

static void
put_u32(HmlStream *out, bool big_endian, size_t value)
{
	for (size_t i = 0; i < 4; i++)
		out->head[out->head_length++] = (unsigned char) (value >> 8 * (big_endian ? 3 - i : i));
}

static void
write_head(const Chunks *chunks, HmlStream *out)
{
	bool big = chunks->big_endian;
	size_t fact = chunks->fact > 0 ? CHUNK_HEADER + 4 : 0;

	out->head_length = 0;
	put(out, big ? "RIFX" : "RIFF", 4);
	put_u32(out, big,
			4 + CHUNK_HEADER + padded(chunks, chunks->format_size) + fact + CHUNK_HEADER + out->length);
	put(out, "WAVEfmt ", 8);
	put_u32(out, big, chunks->format_size + chunks->format_size % 2);
	put(out, chunks->file + chunks->format, chunks->format_size);
	if (chunks->format_size % 2 != 0)
		put(out, "", 1);
	if (chunks->fact > 0)
	{
		put(out, "fact", 4);
		put_u32(out, big, 4);
		put(out, chunks->file + chunks->fact, 4);
	}
	put(out, "data", 4);
	put_u32(out, big, out->length);
}

static int
format_tag(const Chunks *chunks)
{
	int tag = (int) number_at(chunks, chunks->format, 2);

	if (tag == EXTENSIBLE && chunks->format_size >= EXTENSIBLE_TAG + 2)
		tag = (int) number_at(chunks, chunks->format + EXTENSIBLE_TAG, 2);
	return tag;
}

/* ---- streams ---------------------------------------------------------------- */

/* Another file may follow, after the sound or after what else belongs to this one. */
static size_t
find_next(const HmlContainer *file, const Chunks *chunks)
{
	size_t after = chunks->end + (chunks->end - chunks->data) % 2;
	uint64_t whole = number_at(chunks, 4, 4) + CHUNK_HEADER;

	if (after < chunks->length && hml_wav_starts(chunks->file + after, chunks->length - after))
		return file->at + after;
	if (!chunks->wave64 && whole > chunks->end && whole < chunks->length &&
		hml_wav_starts(chunks->file + whole, chunks->length - (size_t) whole))
		return file->at + (size_t) whole;
	return file->length;
}

/* The rest of the file as it is: the decoder says what is wrong with it. */
static HmlStatus
pass_on(HmlContainer *file, HmlStream *out)
{
	out->data = file->data + file->at;
	out->length = file->length - file->at;
	file->at = file->length;
	return HML_OK;
}

HmlStatus
hml_wav_next(HmlContext *ctx, HmlContainer *file, HmlStream *out, bool *found)
{
	Chunks chunks = {.file = file->data + file->at, .length = file->length - file->at};

	*found = hml_wav_starts(chunks.file, chunks.length);
	if (!*found)
		return HML_OK;
	*out = (HmlStream){.frames = -1};
	chunks.wave64 = chunks.file[0] == 'r';
	chunks.big_endian = memcmp(chunks.file, "RIFX", 4) == 0;
	if (!read_chunks(&chunks))
		return pass_on(file, out);
	find_end(&chunks);
	file->cut = file->cut || is_cut(&chunks);
	out->data = chunks.file + chunks.data;
	out->length = chunks.end - chunks.data;
	file->format_tag = format_tag(&chunks);
	file->codec = hml_unsupported_wav_codec(file->format_tag);
	if (file->format_tag == MP3_TAG)
	{
		/* The sound is an MP3 file, with all that this can mean. */
		*file = (HmlContainer){.kind = HML_CONTAINER_MP3,
							   .name = file->name,
							   .data = out->data,
							   .length = out->length,
							   .cut = file->cut};
		return hml_mp3_next(ctx, file, out, found);
	}
	write_head(&chunks, out);
	file->at = find_next(file, &chunks);
	return HML_OK;
}
